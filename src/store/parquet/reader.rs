//! Parquet files of the table as they are read: for ids, for contents, page by page.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;
use xxhash_rust::xxh3::Xxh3;

use crate::column::{
    ColumnTextRewrite, EventKey, arrow_schema, fingerprints, non_content_columns, rewrite_texts,
    stored_id_key,
};
use crate::error::{Error, Result, catch_engine_panic};

/// The digest of a file's bytes, as it stands in the name of a file that was written here.
pub(in crate::store) fn file_digest(path: &Path) -> Result<u128> {
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

/// The rows of a file whose ids are asked for.
pub(in crate::store) fn find_rows_by_id(
    path: &Path,
    wanted: impl Fn(u128) -> bool,
) -> Result<Vec<usize>> {
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
pub(in crate::store) fn for_each_batch(
    path: &Path,
    columns: Option<&[&str]>,
    mut take: impl FnMut(&RecordBatch),
) -> Result<()> {
    let mut builder = open_builder(path)?;
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask).with_batch_size(64 << 10);
    }
    for batch in FileBatches::new(path, builder)? {
        take(&batch?);
    }
    Ok(())
}

/// All rows of a file.
pub(in crate::store) fn read_batches(path: &Path) -> Result<FileBatches> {
    FileBatches::new(path, open_builder(path)?.with_batch_size(16 << 10))
}

/// Some columns of a file, those that it has.
pub(in crate::store) fn read_columns(path: &Path, columns: &[&str]) -> Result<FileBatches> {
    let builder = open_builder(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    FileBatches::new(path, builder.with_projection(mask).with_batch_size(64 << 10))
}

/// Whether all columns of a file are the table's, by name and type.
pub(in crate::store) fn has_table_schema(path: &Path) -> Result<bool> {
    open_builder(path).map(|file| is_table_schema(file.schema()))
}

/// The batches of a file.
pub(in crate::store) struct FileBatches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl FileBatches {
    fn new(path: &Path, builder: ParquetRecordBatchReaderBuilder<File>) -> Result<Self> {
        let reader = catch_reader_panic(path, || builder.build())?;
        Ok(FileBatches { path: path.to_path_buf(), reader })
    }
}

impl Iterator for FileBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = &mut self.reader;
        catch_reader_panic(&self.path, || reader.next().transpose().map_err(ParquetError::from))
            .transpose()
    }
}

/// Reads of a file. The reader takes some kinds of damage for a mistake of its own, and panics.
fn catch_reader_panic<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_engine_panic(read) {
        Some(done) => done.map_err(|error| read_error(path, error)),
        None => Err(Error::store(path, "the file is damaged; restore it from a copy")),
    }
}

/// The ids and content numbers of rows of a file.
pub(in crate::store) fn content_hashes(path: &Path, rows: &[usize]) -> Result<Vec<(u128, u64)>> {
    let builder = open_builder(path)?;
    let builder = builder.with_row_selection(row_selection(rows)).with_batch_size(16 << 10);
    let schema = arrow_schema();
    let mut found = Vec::with_capacity(rows.len());
    for batch in FileBatches::new(path, builder)? {
        let batch = batch?;
        let columns: Vec<Option<ArrayRef>> =
            schema.fields().iter().map(|f| batch.column_by_name(f.name()).cloned()).collect();
        let contents = fingerprints(&columns, batch.num_rows(), non_content_columns());
        let ids = batch.column_by_name("Id").and_then(|ids| ids.as_string_opt::<i32>());
        let ids = ids.ok_or_else(|| Error::store(path, "the column Id is missing or no text"))?;
        found.extend(ids.iter().zip(contents).filter_map(|(id, c)| Some((stored_id_key(id?), c))));
    }
    Ok(found)
}

/// The keys of all rows of a file; `None` where its columns are not those of the table.
pub(in crate::store) fn read_keys(path: &Path) -> Result<Option<Vec<EventKey>>> {
    let builder = open_builder(path)?;
    if !is_table_schema(builder.schema()) {
        return Ok(None);
    }
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["Id", "CreationTime"]);
    let builder = builder.with_projection(mask).with_batch_size(64 << 10);
    let mut keys = Vec::new();
    for batch in FileBatches::new(path, builder)? {
        let batch = batch?;
        let ids = batch.column_by_name("Id").and_then(|ids| ids.as_string_opt::<i32>());
        let times = batch
            .column_by_name("CreationTime")
            .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let (Some(ids), Some(times)) = (ids, times) else { return Ok(None) };
        for (id, time_us) in ids.iter().zip(times) {
            let (Some(id), Some(time_us)) = (id, time_us) else { return Ok(None) };
            keys.push(EventKey::new(stored_id_key(id), time_us));
        }
    }
    Ok(Some(keys))
}

/// Hands user and user key of every row to `take`, empty where there is none.
pub(in crate::store) fn for_each_user(path: &Path, mut take: impl FnMut(&str, &str)) -> Result<()> {
    let builder = open_builder(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["UserId", "UserKey"]);
    let builder = builder.with_projection(mask).with_batch_size(64 << 10);
    for batch in FileBatches::new(path, builder)? {
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
pub(in crate::store) fn has_text_to_rewrite(
    path: &Path,
    rewrite: &ColumnTextRewrite<'_>,
) -> Result<bool> {
    let mut pages = read_pages(path, 64 << 10)?;
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
fn is_table_schema(schema: &Schema) -> bool {
    let ours = arrow_schema();
    schema.fields().iter().all(|field| {
        ours.field_with_name(field.name()).is_ok_and(|ours| ours.data_type() == field.data_type())
    })
}

/// Reads a file page by page.
pub(in crate::store) struct PageReader(FileBatches);

/// A reader of the pages of a file, of `rows` rows each. Texts come as dictionaries, in the form
/// that gathering is quick with.
pub(in crate::store) fn read_pages(path: &Path, rows: usize) -> Result<PageReader> {
    let plain = open_builder(path)?;
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = plain.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::new(field.name(), text.clone(), true),
        other => Field::new(field.name(), other.clone(), true),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let file = File::open(path).map_err(Error::io("read", path))?;
    let options = ArrowReaderOptions::new().with_schema(schema);
    let builder = catch_reader_panic(path, || {
        ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
    })?;
    Ok(PageReader(FileBatches::new(path, builder.with_batch_size(rows))?))
}

impl PageReader {
    /// The next page, one array for each column of the table.
    pub(in crate::store) fn next_page(&mut self) -> Result<Option<Vec<Option<ArrayRef>>>> {
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

fn open_builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    catch_reader_panic(path, || {
        ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
    })
}

fn row_selection(rows: &[usize]) -> RowSelection {
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

fn read_error(path: &Path, error: ParquetError) -> Error {
    Error::io("read", path)(into_io_error(error))
}

/// What the disk said, where it was the disk.
pub(in crate::store) fn into_io_error(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => *error,
            Err(other) => std::io::Error::other(other),
        },
        error => std::io::Error::other(error),
    }
}
