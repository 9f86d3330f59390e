//! Parquet files of the table: written column by column on all cores, read for ids and contents.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions,
    compute_leaves,
};
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use super::disk::{Disk, DiskFile};
use super::lease::{data_file_name, unfinished_name};
use super::snapshot::DataFile;
use crate::column::{
    Key, Rewrite, arrow_schema, fingerprints, rewrite_texts, stored_id_key, without_content,
};
use crate::error::{Error, Result, without_panic};
use crate::schema::{Encoding, columns};

/// Rows of a row group: small enough that a day is found without reading the month, large enough
/// that dictionaries pay.
const ROW_GROUP_ROWS: usize = 256 << 10;

/// A file is ended when it has about this size, so that it stays easy to move and to replace.
pub(super) const FILE_BYTES_MAX: u64 = 224 << 20;

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// For the store.
    Zstd,
    /// For files that are read once and deleted.
    None,
}

/// Where files are written, and by whom.
#[derive(Debug)]
pub(super) struct Site {
    disk: Arc<dyn Disk>,
    /// The table's folder.
    events: PathBuf,
    writer: String,
    compression: Compression,
    files: AtomicUsize,
}

impl Site {
    pub(super) fn new(
        disk: &Arc<dyn Disk>,
        events: &Path,
        writer: &str,
        compression: Compression,
    ) -> Self {
        Site {
            disk: Arc::clone(disk),
            events: events.to_path_buf(),
            writer: writer.to_owned(),
            compression,
            files: AtomicUsize::new(0),
        }
    }

    /// Deletes files that no commit named. What the disk keeps is a dead writer's leftover, which
    /// the next one takes away; saying more would hide the error that led here.
    pub(super) fn discard(&self, files: &[DataFile]) {
        for file in files {
            let _ = self.disk.remove(&file.path);
        }
    }
}

/// A file, and the digest of what was written to it.
struct Hashed {
    file: Box<dyn DiskFile>,
    hash: Box<Xxh3>,
}

impl Hashed {
    fn new(file: Box<dyn DiskFile>) -> Self {
        Hashed { file, hash: Box::new(Xxh3::new()) }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// The digest of a file's bytes, as it stands in the name of a file that was written here.
pub(super) fn digest(path: &Path) -> Result<u128> {
    let failed = || Error::io("read", path);
    let mut file = File::open(path).map_err(failed())?;
    let (mut hash, mut buffer) = (Xxh3::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(failed())? {
            0 => return Ok(hash.digest128()),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// A file that is not whole, taken away unless it becomes so.
struct Unfinished {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    is_whole: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_whole {
            // As with files that no commit names.
            let _ = self.disk.remove(&self.path);
        }
    }
}

/// One file of a month, being written. It has a name that no glob of the table matches until it
/// is whole and on disk.
pub(super) struct MonthFile {
    unfinished: Unfinished,
    /// The folder that it is to stand in.
    folder: PathBuf,
    /// Its writer, and its number among the writer's files.
    named: (String, usize),
    month: String,
    writer: SerializedFileWriter<BufWriter<Hashed>>,
    factory: ArrowRowGroupWriterFactory,
    group: Vec<Vec<ArrowColumnWriter>>,
    group_rows: usize,
    groups: usize,
    events: u64,
    period_us: Option<(i64, i64)>,
    durable: bool,
}

impl MonthFile {
    pub(super) fn create(site: &Site, month: &str) -> Result<Self> {
        let folder = site.events.join(format!("month={month}"));
        site.disk.create_folder(&folder).map_err(Error::io("create", &folder))?;
        let number = site.files.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(unfinished_name(&site.writer, number));
        let file = site.disk.create(&path).map_err(Error::io("create", &path))?;
        let disk = Arc::clone(&site.disk);
        let unfinished = Unfinished { disk, path, is_whole: false };
        let options = ArrowWriterOptions::new()
            .with_properties(properties(site.compression))
            // Readers must see plain text columns, not our dictionaries of them.
            .with_skip_arrow_metadata(true);
        let made = ArrowWriter::try_new_with_options(
            BufWriter::new(Hashed::new(file)),
            arrow_schema(),
            options,
        )
        .and_then(ArrowWriter::into_serialized_writer);
        let (writer, factory) = made.map_err(|error| unwritten(&unfinished.path, error))?;
        Ok(MonthFile {
            folder,
            named: (site.writer.clone(), number),
            unfinished,
            month: month.to_owned(),
            writer,
            factory,
            group: Vec::new(),
            group_rows: 0,
            groups: 0,
            events: 0,
            period_us: None,
            durable: site.compression == Compression::Zstd,
        })
    }

    /// Whether it is large enough to begin another.
    pub(super) fn is_full(&self) -> bool {
        self.writer.bytes_written() as u64 >= FILE_BYTES_MAX
    }

    /// Appends rows that stand behind all rows before.
    pub(super) fn write(
        &mut self,
        (rows, columns): (usize, Vec<Option<ArrayRef>>),
        first_us: i64,
        last_us: i64,
    ) -> Result<()> {
        if self.group.is_empty() {
            self.begin_group()?;
        }
        let schema = arrow_schema();
        let encoded = self.group.par_iter_mut().enumerate().map(|(number, writers)| {
            let field = schema.field(number);
            let array = match &columns[number] {
                Some(array) => Arc::clone(array),
                None => new_null_array(field.data_type(), rows),
            };
            let leaves = compute_leaves(field, &array)?;
            writers.iter_mut().zip(&leaves).try_for_each(|(writer, leaf)| writer.write(leaf))
        });
        let encoded: Result<(), ParquetError> = encoded.collect();
        encoded.map_err(|error| unwritten(&self.unfinished.path, error))?;
        self.group_rows += rows;
        self.events += rows as u64;
        self.period_us = Some((self.period_us.map_or(first_us, |(first, _)| first), last_us));
        if self.group_rows >= ROW_GROUP_ROWS { self.end_group() } else { Ok(()) }
    }

    fn begin_group(&mut self) -> Result<()> {
        let made = self.factory.create_column_writers(self.groups);
        let mut leaves = made.map_err(|error| unwritten(&self.unfinished.path, error))?.into_iter();
        self.group = arrow_schema()
            .fields()
            .iter()
            .map(|field| leaves.by_ref().take(leaf_count(field.data_type())).collect())
            .collect();
        self.groups += 1;
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        let writers: Vec<_> = std::mem::take(&mut self.group).into_iter().flatten().collect();
        self.group_rows = 0;
        let closed = writers.into_par_iter().map(ArrowColumnWriter::close);
        let chunks: Result<Vec<ArrowColumnChunk>, ParquetError> = closed.collect();
        let written = chunks.and_then(|chunks| {
            let mut group = self.writer.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group)?;
            }
            group.close().map(drop)
        });
        written.map_err(|error| unwritten(&self.unfinished.path, error))
    }

    /// Ends the file, brings it to disk and gives it its name.
    pub(super) fn close(mut self) -> Result<DataFile> {
        if self.group_rows > 0 {
            self.end_group()?;
        }
        let (path, disk) = (&self.unfinished.path, &self.unfinished.disk);
        let inner = self.writer.into_inner().map_err(|error| unwritten(path, error))?;
        let Hashed { mut file, hash } = inner.into_inner().map_err(|error| Error::Io {
            action: "write",
            path: path.clone(),
            source: error.into_error(),
        })?;
        let (writer, number) = &self.named;
        let finished = self.folder.join(data_file_name(writer, *number, hash.digest128()));
        let size_bytes = if self.durable {
            file.sync().map_err(Error::io("bring to disk", path))?
        } else {
            std::fs::metadata(path).map_err(Error::io("read the size of", path))?.len()
        };
        disk.rename(path, &finished).map_err(Error::io("name", path))?;
        self.unfinished.path.clone_from(&finished);
        if self.durable {
            let folder = &self.folder;
            let disk = &self.unfinished.disk;
            disk.sync_folder(folder).map_err(Error::io("bring to disk", folder))?;
        }
        self.unfinished.is_whole = true;
        Ok(DataFile {
            path: finished,
            size_bytes,
            events: self.events,
            month: self.month,
            period_us: self.period_us,
        })
    }
}

fn leaf_count(ty: &DataType) -> usize {
    match ty {
        DataType::List(item) => leaf_count(item.data_type()),
        DataType::Struct(members) => members.iter().map(|m| leaf_count(m.data_type())).sum(),
        _ => 1,
    }
}

fn properties(compression: Compression) -> WriterProperties {
    let codec = match compression {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
        Compression::None => Codec::UNCOMPRESSED,
    };
    let time = columns().iter().position(|column| column.name == "CreationTime").unwrap_or(0);
    let mut properties = WriterProperties::builder()
        .set_compression(codec)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("pbi-analyze ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(Some(vec![SortingColumn {
            column_idx: time as i32,
            descending: false,
            nulls_first: false,
        }]))
        .set_column_statistics_enabled("CreationTime".into(), EnabledStatistics::Page);
    for column in columns().iter().filter(|column| column.encoding == Encoding::Unique) {
        // A dictionary of random ids would be built, found too large and thrown away.
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.name), false);
    }
    properties.set_column_dictionary_enabled("CreationTime".into(), false).build()
}

/// The rows of a file whose ids are asked for.
pub(super) fn rows_of_ids(path: &Path, wanted: impl Fn(u128) -> bool) -> Result<Vec<usize>> {
    let (mut rows, mut start, mut is_text) = (Vec::new(), 0, true);
    for_each_batch(path, Some(&["Id"]), |batch| {
        match batch.columns().first().and_then(|ids| ids.as_string_opt::<i32>()) {
            Some(ids) => {
                let ids = ids.iter().enumerate();
                let is_wanted = |id: Option<&str>| id.is_some_and(|id| wanted(stored_id_key(id)));
                rows.extend(ids.filter(|(_, id)| is_wanted(*id)).map(|(row, _)| start + row));
            }
            None => is_text = false,
        }
        start += batch.num_rows();
    })?;
    if is_text {
        return Ok(rows);
    }
    Err(Error::store(path, "the column Id is missing or no text"))
}

/// Hands the rows of a file to `take`, in its order, with these columns only or with all.
pub(super) fn for_each_batch(
    path: &Path,
    columns: Option<&[&str]>,
    mut take: impl FnMut(&RecordBatch),
) -> Result<()> {
    let mut builder = open(path)?;
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask).with_batch_size(64 << 10);
    }
    for batch in Batches::of(path, builder)? {
        take(&batch?);
    }
    Ok(())
}

/// All rows of a file.
pub(super) fn batches(path: &Path) -> Result<Batches> {
    Batches::of(path, open(path)?.with_batch_size(16 << 10))
}

/// Some columns of a file, those that it has.
pub(super) fn batches_of(path: &Path, columns: &[&str]) -> Result<Batches> {
    let builder = open(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    Batches::of(path, builder.with_projection(mask).with_batch_size(64 << 10))
}

/// Whether all columns of a file are the table's, by name and type.
pub(super) fn is_in_our_form(path: &Path) -> Result<bool> {
    open(path).map(|file| has_our_columns(file.schema()))
}

/// The batches of a file.
pub(super) struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl Batches {
    fn of(path: &Path, builder: ParquetRecordBatchReaderBuilder<File>) -> Result<Self> {
        let reader = guarded(path, || builder.build())?;
        Ok(Batches { path: path.to_path_buf(), reader })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = &mut self.reader;
        guarded(&self.path, || reader.next().transpose().map_err(ParquetError::from)).transpose()
    }
}

/// Reads of a file. The reader takes some kinds of damage for a mistake of its own, and panics.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match without_panic(read) {
        Some(done) => done.map_err(|error| failed(path, error)),
        None => Err(Error::store(path, "the file is damaged; restore it from a copy")),
    }
}

/// The ids and content numbers of rows of a file.
pub(super) fn contents(path: &Path, rows: &[usize]) -> Result<Vec<(u128, u64)>> {
    let builder = open(path)?;
    let builder = builder.with_row_selection(selection(rows)).with_batch_size(16 << 10);
    let schema = arrow_schema();
    let mut found = Vec::with_capacity(rows.len());
    for batch in Batches::of(path, builder)? {
        let batch = batch?;
        let columns: Vec<Option<ArrayRef>> =
            schema.fields().iter().map(|f| batch.column_by_name(f.name()).cloned()).collect();
        let contents = fingerprints(&columns, batch.num_rows(), without_content());
        let ids = batch.column_by_name("Id").and_then(|ids| ids.as_string_opt::<i32>());
        let ids = ids.ok_or_else(|| Error::store(path, "the column Id is missing or no text"))?;
        found.extend(ids.iter().zip(contents).filter_map(|(id, c)| Some((stored_id_key(id?), c))));
    }
    Ok(found)
}

/// The keys of all rows of a file; `None` where its columns are not those of the table.
pub(super) fn keys(path: &Path) -> Result<Option<Vec<Key>>> {
    let builder = open(path)?;
    if !has_our_columns(builder.schema()) {
        return Ok(None);
    }
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["Id", "CreationTime"]);
    let builder = builder.with_projection(mask).with_batch_size(64 << 10);
    let mut keys = Vec::new();
    for batch in Batches::of(path, builder)? {
        let batch = batch?;
        let ids = batch.column_by_name("Id").and_then(|ids| ids.as_string_opt::<i32>());
        let times = batch
            .column_by_name("CreationTime")
            .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let (Some(ids), Some(times)) = (ids, times) else { return Ok(None) };
        for (id, time_us) in ids.iter().zip(times) {
            let (Some(id), Some(time_us)) = (id, time_us) else { return Ok(None) };
            keys.push(Key { id: stored_id_key(id), time_us, richness: 0, order: 0 });
        }
    }
    Ok(Some(keys))
}

/// Hands user and user key of every row to `take`, empty where there is none.
pub(super) fn users(path: &Path, mut take: impl FnMut(&str, &str)) -> Result<()> {
    let builder = open(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["UserId", "UserKey"]);
    let builder = builder.with_projection(mask).with_batch_size(64 << 10);
    for batch in Batches::of(path, builder)? {
        let batch = batch?;
        let column = |name| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
        let (users, keys) = (column("UserId"), column("UserKey"));
        let text = |column: Option<&StringArray>, row: usize| {
            let column = column.filter(|column| column.is_valid(row));
            column.map_or(String::new(), |column| column.value(row).to_owned())
        };
        for row in 0..batch.num_rows() {
            take(&text(users, row), &text(keys, row));
        }
    }
    Ok(())
}

/// Whether a file has a text that is to become another.
pub(super) fn has_text(path: &Path, rewrite: &Rewrite<'_>) -> Result<bool> {
    let mut pages = pages(path, 64 << 10)?;
    while let Some(columns) = pages.next_page()? {
        for column in columns.iter().flatten() {
            if rewrite_texts(column, rewrite).map_err(Error::internal)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether all columns of a file are the table's, by name and type: only then can it be written
/// again without losing anything.
fn has_our_columns(schema: &Schema) -> bool {
    let ours = arrow_schema();
    schema.fields().iter().all(|field| {
        ours.field_with_name(field.name()).is_ok_and(|ours| ours.data_type() == field.data_type())
    })
}

/// Reads a file page by page.
pub(super) struct PageReader(Batches);

/// A reader of the pages of a file, of `rows` rows each. Texts come as dictionaries, in the form
/// that gathering is quick with.
pub(super) fn pages(path: &Path, rows: usize) -> Result<PageReader> {
    let plain = open(path)?;
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = plain.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::new(field.name(), text.clone(), true),
        other => Field::new(field.name(), other.clone(), true),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let file = File::open(path).map_err(Error::io("read", path))?;
    let options = ArrowReaderOptions::new().with_schema(schema);
    let builder =
        guarded(path, || ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))?;
    Ok(PageReader(Batches::of(path, builder.with_batch_size(rows))?))
}

impl PageReader {
    /// The next page, one array for each column of the table.
    pub(super) fn next_page(&mut self) -> Result<Option<Vec<Option<ArrayRef>>>> {
        let Some(batch) = self.0.next().transpose()? else { return Ok(None) };
        let schema = arrow_schema();
        let column = |field: &Arc<Field>| {
            batch
                .column_by_name(field.name())
                .filter(|array| array.null_count() < array.len())
                .cloned()
        };
        Ok(Some(schema.fields().iter().map(column).collect()))
    }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(path, || ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
}

fn selection(rows: &[usize]) -> RowSelection {
    let mut selectors = Vec::new();
    let mut next = 0;
    for &row in rows {
        if row > next {
            selectors.push(RowSelector::skip(row - next));
        }
        selectors.push(RowSelector::select(1));
        next = row + 1;
    }
    selectors.into()
}

fn failed(path: &Path, error: ParquetError) -> Error {
    Error::io("read", path)(cause(error))
}

fn unwritten(path: &Path, error: ParquetError) -> Error {
    Error::io("write", path)(cause(error))
}

/// What the disk said, where it was the disk.
fn cause(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => *error,
            Err(other) => std::io::Error::other(other),
        },
        error => std::io::Error::other(error),
    }
}
