//! Reads data files: Ids, selected rows, keys, users, columns and pages.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::errors::ParquetError;
use xxhash_rust::xxh3::Xxh3;

use crate::column::{ColumnTextRewrite, EventKey, arrow_schema, rewrite_texts, stored_id_key};
use crate::error::{Error, Result, catch_engine_panic};
use crate::store::delta::snapshot::DataFile;
use crate::store::file_names::writer_from_name;
use crate::store::fs::paths::file_name;

/// Returns the digest of a file's bytes. The name of a file of this program contains it.
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

/// Returns the rows of a file whose Ids are wanted. All Ids are passed to `wanted`.
pub(in crate::store) fn find_rows_by_id(
    path: &Path,
    mut wanted: impl FnMut(u128) -> bool,
) -> Result<Vec<usize>> {
    let (mut rows, mut start, mut is_text) = (Vec::new(), 0, true);
    for_each_batch(path, Some(&["Id"]), |batch| {
        match batch.columns().first().and_then(|ids| ids.as_string_opt::<i32>()) {
            Some(ids) => {
                let ids = ids.iter().enumerate();
                let mut is_wanted =
                    |id: Option<&str>| id.is_some_and(|id| wanted(stored_id_key(id)));
                rows.extend(ids.filter(|(_, id)| is_wanted(*id)).map(|(row, _)| start + row));
            }
            None => is_text = false,
        }
        start += batch.num_rows();
    })?;
    if is_text {
        return Ok(rows);
    }
    Err(Error::store(path, "the column Id is missing or is not text"))
}

/// Passes the rows of a file in their order to `take`, with some columns or with all.
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

/// Returns all rows of a file.
pub(in crate::store) fn read_batches(path: &Path) -> Result<FileBatches> {
    FileBatches::new(path, open_builder(path)?.with_batch_size(16 << 10))
}

/// Returns the rows of a file with those of the `columns` that it has.
pub(in crate::store) fn read_columns(path: &Path, columns: &[&str]) -> Result<FileBatches> {
    let builder = open_builder(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    FileBatches::new(path, builder.with_projection(mask).with_batch_size(64 << 10))
}

/// Returns the rows of a file with those of the `columns` that it has, in batches of `rows` rows.
pub(in crate::store) fn read_columns_in_batches(
    path: &Path,
    columns: &[&str],
    rows: usize,
) -> Result<FileBatches> {
    let builder = open_builder(path)?;
    let is_wanted = |root: &str| columns.contains(&root);
    let roots = builder.schema().fields().iter().enumerate();
    let wanted = roots.filter(|(_, field)| is_wanted(field.name())).map(|(root, _)| root);
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.collect::<Vec<_>>());
    FileBatches::new(path, builder.with_projection(mask).with_batch_size(rows))
}

/// Returns true if the table has all columns of a file, with the same types.
pub(in crate::store) fn has_table_schema(path: &Path) -> Result<bool> {
    open_builder(path).map(|file| is_table_schema(file.schema()))
}

/// Returns true if this program wrote the file, with its present columns or fewer. This includes
/// a file that cannot be opened: reading it returns the error.
pub(in crate::store) fn is_sorted_file(file: &DataFile) -> bool {
    let is_ours = writer_from_name(&file_name(&file.path)).is_some();
    is_ours && has_table_schema(&file.path).unwrap_or(true)
}

/// An iterator over the batches of a file.
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

/// Reads from a file. The parquet crate panics on some kinds of damage.
fn catch_reader_panic<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_engine_panic(read) {
        Some(done) => done.map_err(|error| read_error(path, error)),
        None => Err(Error::store(path, "the file is damaged; restore it from a copy")),
    }
}

/// Rows of a file.
pub(in crate::store) struct SelectedPage {
    /// One array for each column of the table, or `None` if the file does not have it.
    pub(in crate::store) columns: Vec<Option<ArrayRef>>,
    /// The keys of the Ids.
    pub(in crate::store) ids: Vec<u128>,
}

/// Passes some rows of a file in their order to `take`. Each of them has an Id.
pub(in crate::store) fn for_each_selected_page(
    path: &Path,
    rows: &[usize],
    mut take: impl FnMut(&SelectedPage) -> Result<()>,
) -> Result<()> {
    let builder = open_builder(path)?;
    let builder = builder.with_row_selection(row_selection(rows)).with_batch_size(16 << 10);
    let schema = arrow_schema();
    for batch in FileBatches::new(path, builder)? {
        let batch = batch?;
        let columns: Vec<Option<ArrayRef>> =
            schema.fields().iter().map(|f| batch.column_by_name(f.name()).cloned()).collect();
        let ids = batch.column_by_name("Id").and_then(|ids| ids.as_string_opt::<i32>());
        let ids =
            ids.ok_or_else(|| Error::store(path, "the column Id is missing or is not text"))?;
        let ids = ids.iter().map(|id| stored_id_key(id.unwrap_or_default())).collect();
        take(&SelectedPage { columns, ids })?;
    }
    Ok(())
}

/// Returns the keys of all rows of a file, or `None` if its columns are not those of the table.
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

/// Passes the texts of some columns of every row to `take`. A missing value is empty.
pub(in crate::store) fn for_each_row_of_texts<const N: usize>(
    path: &Path,
    columns: [&str; N],
    mut take: impl FnMut([&str; N]),
) -> Result<()> {
    for batch in read_columns(path, &columns)? {
        let batch = batch?;
        let arrays = columns.map(|name| {
            batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>())
        });
        for row in 0..batch.num_rows() {
            take(arrays.map(|array| {
                array.filter(|array| array.is_valid(row)).map_or("", |array| array.value(row))
            }));
        }
    }
    Ok(())
}

/// Returns the time of every row of a file, in microseconds since 1970 (UTC).
pub(in crate::store) fn read_times(path: &Path) -> Result<Vec<Option<i64>>> {
    let mut all = Vec::new();
    for batch in read_columns(path, &["CreationTime"])? {
        let batch = batch?;
        let times = batch.column_by_name("CreationTime");
        match times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>()) {
            Some(times) => all.extend(times.iter()),
            None => all.extend(std::iter::repeat_n(None, batch.num_rows())),
        }
    }
    Ok(all)
}

/// Returns how many texts `rewrite` replaces in each row of a file.
pub(in crate::store) fn count_rewrites(
    path: &Path,
    rewrite: &ColumnTextRewrite<'_>,
) -> Result<Vec<u32>> {
    let mut all = Vec::new();
    let mut pages = read_pages(path, 64 << 10)?;
    while let Some((mut columns, rows)) = pages.next_page()? {
        let replaced = rewrite_texts(&mut columns, rewrite).map_err(Error::internal)?;
        all.extend(replaced.unwrap_or_else(|| vec![0; rows]));
    }
    Ok(all)
}

/// Returns true if the table has all columns of a file, with the same types. Only then can the file
/// be rewritten without loss.
fn is_table_schema(schema: &Schema) -> bool {
    let ours = arrow_schema();
    schema.fields().iter().all(|field| {
        ours.field_with_name(field.name()).is_ok_and(|ours| ours.data_type() == field.data_type())
    })
}

/// The columns of a page, and its number of rows.
pub(in crate::store) type TablePage = (Vec<Option<ArrayRef>>, usize);

/// Reads a file page by page.
pub(in crate::store) struct PageReader(FileBatches);

/// Returns a reader of pages of `rows` rows each. Texts are dictionaries, which are fast to copy.
pub(in crate::store) fn read_pages(path: &Path, rows: usize) -> Result<PageReader> {
    read_dictionaries(path, rows).map(PageReader)
}

/// Returns all rows of a file in batches of `rows` rows each. Texts are dictionaries.
pub(in crate::store) fn read_dictionaries(path: &Path, rows: usize) -> Result<FileBatches> {
    read_coded(path, rows, |_| Ok(ProjectionMask::all()))
}

/// Returns the rows of a file of this program with those of the `columns` that it has, in batches
/// of `rows` rows each. Texts are dictionaries.
///
/// A file of another program, or with other types, is an error.
pub(in crate::store) fn read_coded_columns(
    path: &Path,
    columns: &[&str],
    rows: usize,
) -> Result<FileBatches> {
    read_coded(path, rows, |file| {
        let is_ours = writer_from_name(&file_name(path)).is_some();
        if !is_ours || !is_table_schema(file.schema()) {
            return Err(Error::store(path, "another program wrote this file"));
        }
        Ok(ProjectionMask::columns(file.parquet_schema(), columns.iter().copied()))
    })
}

/// Returns all rows of a file with the columns that `project` returns. Texts are dictionaries.
fn read_coded(
    path: &Path,
    rows: usize,
    project: impl FnOnce(&ArrowReaderMetadata) -> Result<ProjectionMask>,
) -> Result<FileBatches> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = catch_reader_panic(path, || ArrowReaderMetadata::load(&file, options))?;
    let mask = project(&plain)?;
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = plain.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::new(field.name(), text.clone(), true),
        other => Field::new(field.name(), other.clone(), true),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    // The footer is parsed once.
    let builder = catch_reader_panic(path, || {
        let coded = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)?;
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, coded))
    })?;
    FileBatches::new(path, builder.with_projection(mask).with_batch_size(rows))
}

/// Returns the smallest and largest values of the columns in the footer of a file, and its other
/// metadata, one per line.
pub(in crate::store) fn read_statistics(path: &Path) -> Result<Vec<u8>> {
    let builder = open_builder(path)?;
    let metadata = builder.metadata();
    let mut lines = Vec::new();
    let mut add = |value: Option<&[u8]>| {
        lines.extend_from_slice(value.unwrap_or_default());
        lines.push(b'\n');
    };
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let statistics = column.statistics();
        add(statistics.and_then(|statistics| statistics.min_bytes_opt()));
        add(statistics.and_then(|statistics| statistics.max_bytes_opt()));
    }
    for pair in metadata.file_metadata().key_value_metadata().into_iter().flatten() {
        add(Some(pair.key.as_bytes()));
        add(pair.value.as_deref().map(str::as_bytes));
    }
    Ok(lines)
}

impl PageReader {
    /// Returns the next page, with one array for each column of the table, and its number of rows.
    /// The array is `None` if all values are null.
    pub(in crate::store) fn next_page(&mut self) -> Result<Option<TablePage>> {
        let Some(batch) = self.0.next().transpose()? else { return Ok(None) };
        let schema = arrow_schema();
        let column = |field: &Arc<Field>| {
            batch
                .column_by_name(field.name())
                .filter(|array| array.null_count() < array.len())
                .cloned()
        };
        Ok(Some((schema.fields().iter().map(column).collect(), batch.num_rows())))
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

/// Returns the error of the disk if there was one, or else the error itself.
pub(in crate::store) fn into_io_error(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => *error,
            Err(other) => std::io::Error::other(other),
        },
        error => std::io::Error::other(error),
    }
}
