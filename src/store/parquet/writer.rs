//! Writes data files: one month each, with all columns encoded in parallel.
//!
//! Text columns have their own encoder ([`TextColumnWriter`]). All other columns are encoded by the
//! parquet crate.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::new_null_array;
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions,
    compute_leaves,
};
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

use crate::column::arrow_schema;
use crate::error::{Error, Result};
use crate::schema::{ColumnEncoding, column_index, columns};
use crate::store::delta::snapshot::DataFile;
use crate::store::file_names::{data_file_name, temp_file_name};
use crate::store::fs::atomic_file::{AtomicFile, Publish};
use crate::store::fs::disk::Disk;
use crate::store::fs::paths::parent_or_current;
use crate::store::parquet::id_prefixes::IdPrefixes;
use crate::store::parquet::reader::into_io_error;
use crate::store::parquet::slice::RowSlice;
use crate::store::parquet::text_column::TextColumnWriter;

/// Rows of a row group: few enough that one day can be read without the whole month, and many
/// enough that dictionaries are effective.
const ROW_GROUP_ROWS: usize = 256 << 10;

/// The bytes that are collected before they are written to the file.
const WRITE_BUFFER_BYTES: usize = 512 << 10;

/// The size at which a new file is started, so that files remain easy to move and replace.
pub(in crate::store) const MAX_FILE_BYTES: u64 = 224 << 20;

/// The compression of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Compression {
    /// Zstandard, for the store.
    Zstd,
    /// No compression, for files that are read once and deleted.
    None,
}

impl Compression {
    fn codec(self) -> Codec {
        match self {
            Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
            Compression::None => Codec::UNCOMPRESSED,
        }
    }
}

/// The folder of a table and the writer of its files.
#[derive(Debug)]
pub(in crate::store) struct TableDir {
    disk: Arc<dyn Disk>,
    /// The folder of the table.
    path: PathBuf,
    writer: String,
    compression: Compression,
    file_count: AtomicUsize,
}

impl TableDir {
    /// Returns the table in the folder `events`, for the files of `writer`.
    pub(in crate::store) fn new(
        disk: &Arc<dyn Disk>,
        events: &Path,
        writer: &str,
        compression: Compression,
    ) -> Self {
        TableDir {
            disk: Arc::clone(disk),
            path: events.to_path_buf(),
            writer: writer.to_owned(),
            compression,
            file_count: AtomicUsize::new(0),
        }
    }

    /// Deletes files that no commit refers to, and the prefixes of their Ids.
    ///
    /// If that fails, the next writer deletes them as orphans. To report it would hide the error
    /// that was the reason for this call.
    pub(in crate::store) fn discard(&self, files: &[DataFile]) {
        let prefixes = IdPrefixes::new(&self.disk, parent_or_current(&self.path));
        for file in files {
            let _ = self.disk.remove(&file.path);
            prefixes.remove(&file.path);
        }
    }
}

/// A data file of a month. Until it is finished, no glob of the table matches its name.
pub(in crate::store) struct DataFileWriter {
    /// The folder of the partition.
    folder: PathBuf,
    temp_path: PathBuf,
    name: DataFileName,
    month: String,
    writer: SerializedFileWriter<BufWriter<AtomicFile>>,
    factory: ArrowRowGroupWriterFactory,
    row_group: Vec<ColumnChunkWriter>,
    row_group_rows: usize,
    row_group_count: usize,
    events: u64,
    period_us: Option<(i64, i64)>,
    compression: Compression,
}

/// The parts of a data file's name that are known before its content.
struct DataFileName {
    writer: String,
    number: usize,
}

/// One column of the current row group. It may have several leaves.
enum ColumnChunkWriter {
    Text(Box<TextColumnWriter>),
    Arrays(Vec<ArrowColumnWriter>),
}

/// The encoded leaves of a column.
enum EncodedColumnChunk {
    Text(Vec<u8>, Box<ColumnCloseResult>),
    Arrays(Vec<ArrowColumnChunk>),
}

impl ColumnChunkWriter {
    fn append(&mut self, slice: &RowSlice, column: usize) -> Result<(), ParquetError> {
        let writers = match self {
            ColumnChunkWriter::Text(chunk) => return chunk.append(slice, column),
            ColumnChunkWriter::Arrays(writers) => writers,
        };
        let schema = arrow_schema();
        let field = schema.field(column);
        let gathered =
            slice.take_column(column).map_err(|error| ParquetError::External(Box::new(error)))?;
        let array = gathered.unwrap_or_else(|| new_null_array(field.data_type(), slice.len()));
        let leaves = compute_leaves(field, &array)?;
        writers.iter_mut().zip(&leaves).try_for_each(|(writer, leaf)| writer.write(leaf))
    }

    fn close(self) -> Result<EncodedColumnChunk, ParquetError> {
        match self {
            ColumnChunkWriter::Text(chunk) => {
                chunk.close().map(|(bytes, close)| EncodedColumnChunk::Text(bytes, Box::new(close)))
            }
            ColumnChunkWriter::Arrays(writers) => {
                let chunks = writers.into_iter().map(ArrowColumnWriter::close);
                chunks.collect::<Result<_, _>>().map(EncodedColumnChunk::Arrays)
            }
        }
    }
}

impl DataFileWriter {
    /// Creates a file of a month under a temporary name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder or the file cannot be created.
    pub(in crate::store) fn create(table_dir: &TableDir, month: &str) -> Result<Self> {
        let folder = table_dir.path.join(format!("month={month}"));
        let number = table_dir.file_count.fetch_add(1, Ordering::Relaxed);
        let name = DataFileName { writer: table_dir.writer.clone(), number };
        let temp_name = temp_file_name(&name.writer, number);
        let file = AtomicFile::create(&table_dir.disk, &folder, &temp_name)?;
        let temp_path = file.temp_path().to_path_buf();
        let options = ArrowWriterOptions::new()
            .with_properties(writer_properties(table_dir.compression)?)
            // Other programs must see text columns, not dictionaries.
            .with_skip_arrow_metadata(true);
        let buffered = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
        let created = ArrowWriter::try_new_with_options(buffered, arrow_schema(), options)
            .and_then(ArrowWriter::into_serialized_writer);
        let (writer, factory) = created.map_err(|error| write_error(&temp_path, error))?;
        Ok(DataFileWriter {
            folder,
            temp_path,
            name,
            month: month.to_owned(),
            writer,
            factory,
            row_group: Vec::new(),
            row_group_rows: 0,
            row_group_count: 0,
            events: 0,
            period_us: None,
            compression: table_dir.compression,
        })
    }

    /// Returns true if the next rows must be written to another file.
    pub(in crate::store) fn is_full(&self) -> bool {
        self.writer.bytes_written() as u64 >= MAX_FILE_BYTES
    }

    /// Appends rows that follow all earlier rows in the table's order.
    ///
    /// Columns are encoded in parallel: there are about two hundred, and a few cause most of the
    /// work.
    pub(in crate::store) fn write(&mut self, slice: &RowSlice) -> Result<()> {
        if self.row_group.is_empty() {
            self.start_row_group()?;
        }
        let chunks = self.row_group.par_iter_mut().enumerate();
        let encoded: Result<(), ParquetError> =
            chunks.map(|(column, chunk)| chunk.append(slice, column)).collect();
        encoded.map_err(|error| write_error(&self.temp_path, error))?;
        self.row_group_rows += slice.len();
        self.events += slice.len() as u64;
        let first_us = self.period_us.map_or(slice.first_us, |(first, _)| first);
        self.period_us = Some((first_us, slice.last_us));
        if self.row_group_rows >= ROW_GROUP_ROWS { self.finish_row_group() } else { Ok(()) }
    }

    fn start_row_group(&mut self) -> Result<()> {
        let created = self.factory.create_column_writers(self.row_group_count);
        let mut leaves = created.map_err(|error| write_error(&self.temp_path, error))?.into_iter();
        let (schema, codec) = (self.writer.schema_descr(), self.compression.codec());
        let mut leaf = 0;
        for field in arrow_schema().fields() {
            let count = leaf_count(field.data_type());
            let writers = leaves.by_ref().take(count).collect();
            self.row_group.push(match field.data_type() {
                DataType::Utf8 => {
                    let uses_dictionary = !is_unique_column(field.name());
                    let column = schema.column(leaf);
                    let writer = TextColumnWriter::new(column, codec, uses_dictionary);
                    ColumnChunkWriter::Text(Box::new(writer))
                }
                _ => ColumnChunkWriter::Arrays(writers),
            });
            leaf += count;
        }
        self.row_group_count += 1;
        Ok(())
    }

    fn finish_row_group(&mut self) -> Result<()> {
        self.row_group_rows = 0;
        let closed =
            std::mem::take(&mut self.row_group).into_par_iter().map(ColumnChunkWriter::close);
        let encoded: Result<Vec<EncodedColumnChunk>, ParquetError> = closed.collect();
        let written = encoded.and_then(|columns| {
            let mut group = self.writer.next_row_group()?;
            for column in columns {
                match column {
                    EncodedColumnChunk::Text(bytes, close) => {
                        group.append_column(&Bytes::from(bytes), *close)?
                    }
                    EncodedColumnChunk::Arrays(chunks) => chunks
                        .into_iter()
                        .try_for_each(|chunk| chunk.append_to_row_group(&mut group))?,
                }
            }
            group.close().map(drop)
        });
        written.map_err(|error| write_error(&self.temp_path, error))
    }

    /// Writes the rest of the file.
    pub(in crate::store) fn close(mut self) -> Result<FinishedDataFile> {
        if self.row_group_rows > 0 {
            self.finish_row_group()?;
        }
        let path = &self.temp_path;
        let buffered = self.writer.into_inner().map_err(|error| write_error(path, error))?;
        let file =
            buffered.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
        let DataFileName { writer, number } = &self.name;
        let name = data_file_name(writer, *number, file.digest());
        let data_file = DataFile {
            path: self.folder.join(&name),
            size_bytes: 0,
            events: self.events,
            month: self.month,
            period_us: self.period_us,
        };
        let publish = match self.compression {
            Compression::Zstd => Publish::Unreferenced,
            Compression::None => Publish::Temporary,
        };
        Ok(FinishedDataFile { file, name, publish, data_file })
    }
}

/// A completely written file that is not synced yet.
pub(in crate::store) struct FinishedDataFile {
    file: AtomicFile,
    name: String,
    publish: Publish,
    data_file: DataFile,
}

impl FinishedDataFile {
    /// Syncs the file and gives it its final name. This waits for the disk.
    pub(in crate::store) fn persist(mut self) -> Result<DataFile> {
        self.data_file.size_bytes = self.file.publish(&self.name, self.publish)?;
        Ok(self.data_file)
    }
}

fn leaf_count(ty: &DataType) -> usize {
    match ty {
        DataType::List(item) => leaf_count(item.data_type()),
        DataType::Struct(members) => members.iter().map(|m| leaf_count(m.data_type())).sum(),
        _ => 1,
    }
}

fn writer_properties(compression: Compression) -> Result<WriterProperties> {
    let time = column_index("CreationTime").and_then(|index| i32::try_from(index).ok());
    let time = time.ok_or_else(|| Error::internal("the schema has no column CreationTime"))?;
    let properties = WriterProperties::builder()
        .set_compression(compression.codec())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("pbi-analyze ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(Some(vec![SortingColumn {
            column_idx: time,
            descending: false,
            nulls_first: false,
        }]))
        .set_column_statistics_enabled("CreationTime".into(), EnabledStatistics::Page)
        .set_column_dictionary_enabled("CreationTime".into(), false)
        .build();
    Ok(properties)
}

/// Returns true if almost all values of a column differ, as random ids do. A dictionary of them
/// would become too large and be discarded.
fn is_unique_column(name: &str) -> bool {
    columns().iter().any(|column| column.name == name && column.encoding == ColumnEncoding::Unique)
}

fn write_error(path: &Path, error: ParquetError) -> Error {
    Error::io("write", path)(into_io_error(error))
}
