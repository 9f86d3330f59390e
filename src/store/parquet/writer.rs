//! The table's files as they are written: a month each, column by column on all cores.
//!
//! Owns: how a file is named before it is whole and after, its row groups, how it is compressed.
//! Text columns have an encoder of their own, all others are arrays for the parquet crate.

use std::io::{BufWriter, Write};
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
use xxhash_rust::xxh3::Xxh3;

use crate::column::arrow_schema;
use crate::error::{Error, Result};
use crate::schema::{ColumnEncoding, columns};
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::disk::{Disk, DiskFile};
use crate::store::parquet::reader::into_io_error;
use crate::store::parquet::slice::RowSlice;
use crate::store::parquet::text_column::TextColumnWriter;
use crate::store::write::writer_lock::{data_file_name, temp_file_name};

/// Rows of a row group: small enough that a day is found without reading the month, large enough
/// that dictionaries pay.
const ROW_GROUP_ROWS: usize = 256 << 10;

/// A file is ended when it has about this size, so that it stays easy to move and to replace.
pub(in crate::store) const MAX_FILE_BYTES: u64 = 224 << 20;

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Compression {
    /// For the store.
    Zstd,
    /// For files that are read once and deleted.
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

/// Where files are written, and by whom.
#[derive(Debug)]
pub(in crate::store) struct TableDir {
    disk: Arc<dyn Disk>,
    /// The table's folder.
    path: PathBuf,
    writer: String,
    compression: Compression,
    file_count: AtomicUsize,
}

impl TableDir {
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

    /// Deletes files that no commit named. What the disk keeps is a dead writer's leftover, which
    /// the next one takes away; saying more would hide the error that led here.
    pub(in crate::store) fn discard(&self, files: &[DataFile]) {
        for file in files {
            let _ = self.disk.remove(&file.path);
        }
    }
}

/// A file, and the digest of what was written to it.
struct HashingWriter {
    file: Box<dyn DiskFile>,
    hash: Box<Xxh3>,
}

impl HashingWriter {
    fn new(file: Box<dyn DiskFile>) -> Self {
        HashingWriter { file, hash: Box::new(Xxh3::new()) }
    }
}

impl Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A file that is not whole, taken away unless it becomes so.
struct TempDataFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    is_complete: bool,
}

impl Drop for TempDataFile {
    fn drop(&mut self) {
        if !self.is_complete {
            // As with files that no commit names.
            let _ = self.disk.remove(&self.path);
        }
    }
}

/// One file of a month, being written. It has a name that no glob of the table matches until it
/// is whole and on disk.
pub(in crate::store) struct DataFileWriter {
    temp_file: TempDataFile,
    /// The folder that it is to stand in.
    folder: PathBuf,
    /// Its writer, and its number among the writer's files.
    writer_and_number: (String, usize),
    month: String,
    writer: SerializedFileWriter<BufWriter<HashingWriter>>,
    factory: ArrowRowGroupWriterFactory,
    row_group: Vec<ColumnChunkWriter>,
    row_group_rows: usize,
    row_group_count: usize,
    events: u64,
    period_us: Option<(i64, i64)>,
    compression: Compression,
}

/// One column of the row group under construction, be it of several leaves.
enum ColumnChunkWriter {
    Text(Box<TextColumnWriter>),
    Arrays(Vec<ArrowColumnWriter>),
}

/// Leaves of a column as they are written to the file.
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
    pub(in crate::store) fn create(site: &TableDir, month: &str) -> Result<Self> {
        let folder = site.path.join(format!("month={month}"));
        site.disk.create_folder(&folder).map_err(Error::io("create", &folder))?;
        let number = site.file_count.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(temp_file_name(&site.writer, number));
        let file = site.disk.create(&path).map_err(Error::io("create", &path))?;
        let disk = Arc::clone(&site.disk);
        let unfinished = TempDataFile { disk, path, is_complete: false };
        let options = ArrowWriterOptions::new()
            .with_properties(writer_properties(site.compression))
            // Readers must see plain text columns, not our dictionaries of them.
            .with_skip_arrow_metadata(true);
        let made = ArrowWriter::try_new_with_options(
            BufWriter::new(HashingWriter::new(file)),
            arrow_schema(),
            options,
        )
        .and_then(ArrowWriter::into_serialized_writer);
        let (writer, factory) = made.map_err(|error| write_error(&unfinished.path, error))?;
        Ok(DataFileWriter {
            folder,
            writer_and_number: (site.writer.clone(), number),
            temp_file: unfinished,
            month: month.to_owned(),
            writer,
            factory,
            row_group: Vec::new(),
            row_group_rows: 0,
            row_group_count: 0,
            events: 0,
            period_us: None,
            compression: site.compression,
        })
    }

    /// Whether it is large enough to begin another.
    pub(in crate::store) fn is_full(&self) -> bool {
        self.writer.bytes_written() as u64 >= MAX_FILE_BYTES
    }

    /// Appends rows that stand behind all rows before. Columns are encoded beside one another:
    /// there are some two hundred, and a few of them are most of the work.
    pub(in crate::store) fn write(&mut self, slice: &RowSlice) -> Result<()> {
        if self.row_group.is_empty() {
            self.start_row_group()?;
        }
        let chunks = self.row_group.par_iter_mut().enumerate();
        let encoded: Result<(), ParquetError> =
            chunks.map(|(column, chunk)| chunk.append(slice, column)).collect();
        encoded.map_err(|error| write_error(&self.temp_file.path, error))?;
        self.row_group_rows += slice.len();
        self.events += slice.len() as u64;
        let first_us = self.period_us.map_or(slice.first_us, |(first, _)| first);
        self.period_us = Some((first_us, slice.last_us));
        if self.row_group_rows >= ROW_GROUP_ROWS { self.finish_row_group() } else { Ok(()) }
    }

    fn start_row_group(&mut self) -> Result<()> {
        let made = self.factory.create_column_writers(self.row_group_count);
        let mut leaves =
            made.map_err(|error| write_error(&self.temp_file.path, error))?.into_iter();
        let (written, codec) = (self.writer.schema_descr(), self.compression.codec());
        let mut leaf = 0;
        for field in arrow_schema().fields() {
            let count = leaf_count(field.data_type());
            let writers = leaves.by_ref().take(count).collect();
            self.row_group.push(match field.data_type() {
                DataType::Utf8 => {
                    let repeats = !is_unique_column(field.name());
                    ColumnChunkWriter::Text(Box::new(TextColumnWriter::new(
                        written.column(leaf),
                        codec,
                        repeats,
                    )))
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
        written.map_err(|error| write_error(&self.temp_file.path, error))
    }

    /// Writes what is left of the file.
    pub(in crate::store) fn close(mut self) -> Result<FinishedDataFile> {
        if self.row_group_rows > 0 {
            self.finish_row_group()?;
        }
        let path = &self.temp_file.path;
        let inner = self.writer.into_inner().map_err(|error| write_error(path, error))?;
        let HashingWriter { file, hash } = inner.into_inner().map_err(|error| Error::Io {
            action: "write",
            path: path.clone(),
            source: error.into_error(),
        })?;
        let (writer, number) = &self.writer_and_number;
        Ok(FinishedDataFile {
            file,
            temp_file: self.temp_file,
            // What passes need not outlast the machine.
            is_durable: self.compression == Compression::Zstd,
            data_file: DataFile {
                path: self.folder.join(data_file_name(writer, *number, hash.digest128())),
                size_bytes: 0,
                events: self.events,
                month: self.month,
                period_us: self.period_us,
            },
            folder: self.folder,
        })
    }
}

/// A file of which all is written, on its way to the disk.
pub(in crate::store) struct FinishedDataFile {
    file: Box<dyn DiskFile>,
    temp_file: TempDataFile,
    is_durable: bool,
    folder: PathBuf,
    data_file: DataFile,
}

impl FinishedDataFile {
    /// Brings the file to disk and gives it its name. It is the disk that is waited for.
    pub(in crate::store) fn persist(mut self) -> Result<DataFile> {
        let (path, disk) = (&self.temp_file.path, &self.temp_file.disk);
        self.data_file.size_bytes = if self.is_durable {
            self.file.sync().map_err(Error::io("bring to disk", path))?
        } else {
            std::fs::metadata(path).map_err(Error::io("read the size of", path))?.len()
        };
        disk.rename(path, &self.data_file.path).map_err(Error::io("name", path))?;
        self.temp_file.path.clone_from(&self.data_file.path);
        if self.is_durable {
            disk.sync_folder(&self.folder).map_err(Error::io("bring to disk", &self.folder))?;
        }
        self.temp_file.is_complete = true;
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

fn writer_properties(compression: Compression) -> WriterProperties {
    let time = columns().iter().position(|column| column.name == "CreationTime").unwrap_or(0);
    WriterProperties::builder()
        .set_compression(compression.codec())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("pbi-analyze ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(Some(vec![SortingColumn {
            column_idx: time as i32,
            descending: false,
            nulls_first: false,
        }]))
        .set_column_statistics_enabled("CreationTime".into(), EnabledStatistics::Page)
        .set_column_dictionary_enabled("CreationTime".into(), false)
        .build()
}

/// Whether almost every value of a column is another one: a dictionary of random ids would be
/// built, found too large and thrown away.
fn is_unique_column(name: &str) -> bool {
    columns().iter().any(|column| column.name == name && column.encoding == ColumnEncoding::Unique)
}

fn write_error(path: &Path, error: ParquetError) -> Error {
    Error::io("write", path)(into_io_error(error))
}
