//! Reads the rows of the table in its order, by time and Id, across all data files.
//!
//! The files of a month are merged while they are read, one page of each at a time. Files of this
//! program are sorted already; files of other programs are sorted into temporary files first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;

use crate::column::{TextDictionary, stored_id_key};
use crate::error::{Error, Result};
use crate::store::delta::snapshot::DataFile;
use crate::store::handle::Store;
use crate::store::parquet::external_files;
use crate::store::parquet::reader::{self, PageReader};
use crate::store::write::load::TempTable;

/// The sort key of a row: time in microseconds since 1970 (UTC), and the key of the Id.
pub type RowKey = (i64, u128);

/// Consecutive rows of the table.
pub struct RowRange<'p> {
    /// The file that contains the rows.
    pub file: &'p DataFile,
    /// One array for each column of the table, or `None` if all values are null.
    pub page: &'p [Option<ArrayRef>],
    /// The rows of the arrays.
    pub rows: Range<usize>,
    /// The sort key of the last row.
    pub last_key: RowKey,
}

/// The part of the table to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeRange {
    /// The first instant, in microseconds since 1970 (UTC).
    pub from_us: Option<i64>,
    /// The instant after the last.
    pub to_us: Option<i64>,
    /// Rows up to this sort key are skipped.
    pub after: Option<RowKey>,
}

impl TimeRange {
    fn overlaps(&self, file: &DataFile) -> bool {
        // Other programs truncate the times in the log to milliseconds.
        const SLACK_US: i64 = 1_000;
        file.period_us.is_none_or(|(first, last)| {
            self.from_us.is_none_or(|from| last + SLACK_US >= from)
                && self.to_us.is_none_or(|to| first < to)
        })
    }

    /// Returns the rows of a page that are in the range.
    fn matching_rows(&self, keys: &[RowKey]) -> Range<usize> {
        let is_before = |&(time_us, id): &RowKey| {
            self.from_us.is_some_and(|from| time_us < from)
                || self.after.is_some_and(|after| (time_us, id) <= after)
        };
        let start = keys.partition_point(is_before);
        let end = keys.partition_point(|&(time_us, _)| self.to_us.is_none_or(|to| time_us < to));
        start..end.max(start)
    }
}

/// Passes the rows of `files` to `take` in the table's order.
///
/// The files must be sorted by month, as in a snapshot.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Store`] if a file cannot be read, and those of `take`.
pub fn scan_rows(
    files: &[DataFile],
    range: &TimeRange,
    take: &mut dyn FnMut(RowRange<'_>) -> Result<()>,
) -> Result<()> {
    for month in files.chunk_by(|one, other| one.month == other.month) {
        let in_range: Vec<DataFile> =
            month.iter().filter(|file| range.overlaps(file)).cloned().collect();
        let (ours, foreign): (Vec<DataFile>, Vec<DataFile>) =
            in_range.into_iter().partition(reader::is_sorted_file);
        let sorted = if foreign.is_empty() { None } else { Some(sort_foreign_files(&foreign)?) };
        let all: Vec<&DataFile> =
            ours.iter().chain(sorted.iter().flat_map(|table| &table.files)).collect();
        merge_files(&all, range, take)?;
    }
    Ok(())
}

/// Writes the rows of other programs' files to temporary files in the table's types and order.
fn sort_foreign_files(files: &[DataFile]) -> Result<TempTable> {
    let transaction = Store::temporary_transaction()?;
    let mut sequence = 0;
    for file in files {
        for batch in reader::read_batches(&file.path)? {
            let batch = external_files::to_event_batch(&file.path, &batch?, sequence)?;
            sequence += batch.keys.len() as u64;
            transaction.stage(batch)?;
        }
    }
    transaction.into_temp_table()
}

/// A file and its current page.
struct FileCursor<'f> {
    file: &'f DataFile,
    reader: PageReader,
    page: Vec<Option<ArrayRef>>,
    keys: Vec<RowKey>,
    /// The rows of the page that are in the range and were not taken yet.
    remaining_rows: Range<usize>,
    last_key: Option<RowKey>,
}

impl<'f> FileCursor<'f> {
    fn open(file: &'f DataFile) -> Result<Self> {
        // Small, because one page of every file of a month is in memory.
        const PAGE_ROWS: usize = 4096;
        Ok(FileCursor {
            file,
            reader: reader::read_pages(&file.path, PAGE_ROWS)?,
            page: Vec::new(),
            keys: Vec::new(),
            remaining_rows: 0..0,
            last_key: None,
        })
    }

    /// Returns the sort key of the next row. Reads the next page if this one has no more rows.
    fn peek_key(&mut self, range: &TimeRange) -> Result<Option<RowKey>> {
        while self.remaining_rows.is_empty() {
            let Some((page, _)) = self.reader.next_page()? else { return Ok(None) };
            self.keys = row_keys(self.file, &page)?;
            let steps = self.last_key.into_iter().chain(self.keys.iter().copied());
            if !steps.is_sorted() {
                let message = "its events are not sorted by time and Id; run `pbi-analyze verify` \
                               for details";
                return Err(Error::store(&self.file.path, message));
            }
            self.last_key = self.keys.last().copied();
            self.remaining_rows = range.matching_rows(&self.keys);
            self.page = page;
        }
        Ok(Some(self.keys[self.remaining_rows.start]))
    }

    /// Takes the rows before the sort key `next`, at least one.
    fn take_until(&mut self, next: Option<RowKey>) -> (Range<usize>, RowKey) {
        let start = self.remaining_rows.start;
        let keys = &self.keys[self.remaining_rows.clone()];
        let count = next.map_or(keys.len(), |next| keys.partition_point(|key| *key < next));
        let end = start + count.clamp(1, keys.len());
        self.remaining_rows.start = end;
        (start..end, self.keys[end - 1])
    }
}

fn merge_files(
    files: &[&DataFile],
    range: &TimeRange,
    take: &mut dyn FnMut(RowRange<'_>) -> Result<()>,
) -> Result<()> {
    let mut cursors = Vec::with_capacity(files.len());
    let mut heads = BinaryHeap::with_capacity(files.len());
    for file in files {
        let mut cursor = FileCursor::open(file)?;
        if let Some(head) = cursor.peek_key(range)? {
            heads.push(Reverse((head, cursors.len())));
            cursors.push(cursor);
        }
    }
    while let Some(Reverse((_, number))) = heads.pop() {
        let cursor = &mut cursors[number];
        let next = heads.peek().map(|Reverse((key, _))| *key);
        let (rows, last) = cursor.take_until(next);
        take(RowRange { file: cursor.file, page: &cursor.page, rows, last_key: last })?;
        if let Some(head) = cursor.peek_key(range)? {
            heads.push(Reverse((head, number)));
        }
    }
    Ok(())
}

/// Returns the sort keys of a page's rows.
fn row_keys(file: &DataFile, page: &[Option<ArrayRef>]) -> Result<Vec<RowKey>> {
    let columns = crate::schema::columns().iter().zip(page);
    let (mut ids, mut times) = (None, None);
    for (column, array) in columns {
        match column.name {
            "Id" => ids = array.as_ref(),
            "CreationTime" => times = array.as_ref(),
            _ => {}
        }
    }
    let missing = || {
        let message = "an event has no Id or no time; run `pbi-analyze verify` to find its row";
        Error::store(&file.path, message)
    };
    let texts = ids.and_then(|ids| TextDictionary::from_array(ids.as_ref()));
    let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let (Some(texts), Some(times)) = (texts, times) else { return Err(missing()) };
    let keys = times.iter().enumerate().map(|(row, time_us)| {
        let id = stored_id_key(texts.text(row)?);
        Some((time_us?, id))
    });
    keys.collect::<Option<Vec<RowKey>>>().ok_or_else(missing)
}

/// Passes some columns of every file to `take`, with the file's path, in the order of files and
/// rows.
///
/// The arrays have the table's types. A column that a file does not have is all null.
///
/// # Errors
///
/// As [`scan_rows`].
pub fn scan_columns(
    files: &[DataFile],
    columns: &[&str],
    take: &mut dyn FnMut(&Path, &[ArrayRef]) -> Result<()>,
) -> Result<()> {
    for file in files {
        for batch in reader::read_columns(&file.path, columns)? {
            let columns = external_files::to_table_columns(&file.path, &batch?, columns)?;
            take(&file.path, &columns)?;
        }
    }
    Ok(())
}

impl RowRange<'_> {
    /// Returns an error about these rows.
    pub fn error(&self, reason: &str) -> Error {
        Error::store(&self.file.path, reason)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use ::parquet::arrow::ArrowWriter;
    use arrow::array::{RecordBatch, TimestampNanosecondArray};

    use super::*;
    use arrow::array::StringArray;

    /// Writes a file as another program would: unsorted, with other types and one more column.
    fn foreign_file(folder: &Path, name: &str, rows: &[(&str, i64)]) -> DataFile {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
        let times = TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.1 * 1000));
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        let flags: ArrayRef = Arc::clone(&ids);
        write(folder, name, vec![("Id", ids), ("CreationTime", times), ("extra", flags)])
    }

    fn write(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>) -> DataFile {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let path = folder.join(name);
        let mut writer =
            ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let month = "2026-03".to_owned();
        DataFile { path, size_bytes: 0, events: 0, month, period_us: None }
    }

    const MARCH: i64 = 1_772_323_200_000_000;

    fn read(files: &[DataFile], range: &TimeRange) -> Result<Vec<i64>> {
        let mut times = Vec::new();
        scan_rows(files, range, &mut |rows| {
            let at = crate::schema::column_index("CreationTime").unwrap();
            let column = rows.page[at].as_ref().unwrap();
            let column = column.as_primitive::<TimestampMicrosecondType>();
            times.extend(rows.rows.clone().map(|row| column.value(row) - MARCH));
            assert_eq!(rows.last_key.0 - MARCH, *times.last().unwrap());
            Ok(())
        })?;
        Ok(times)
    }

    #[test]
    fn files_of_other_programs_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name, rows: &[(&str, i64)]| foreign_file(folder.path(), name, rows);
        let one = file("a.parquet", &[("c", MARCH + 30), ("a", MARCH + 10), ("b", MARCH + 20)]);
        let other = file("b.parquet", &[("d", MARCH + 15), ("e", MARCH + 5), ("f", MARCH + 20)]);
        let files = [one, other];
        assert_eq!(read(&files, &TimeRange::default()).unwrap(), [5, 10, 15, 20, 20, 30]);
        let range = TimeRange { from_us: Some(MARCH + 10), to_us: Some(MARCH + 30), after: None };
        assert_eq!(read(&files, &range).unwrap(), [10, 15, 20, 20]);
        let least = ["b", "f"].map(stored_id_key).into_iter().min().unwrap();
        let range = TimeRange { after: Some((MARCH + 20, least)), ..TimeRange::default() };
        assert_eq!(read(&files, &range).unwrap(), [20, 30]);
    }

    #[test]
    fn column_of_an_unsupported_type_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["2026-03-01"]));
        let columns = vec![("Id", Arc::clone(&texts)), ("CreationTime", texts)];
        let file = write(folder.path(), "a.parquet", columns);
        let error = read(&[file], &TimeRange::default()).unwrap_err().to_string();
        assert!(error.contains("a.parquet") && error.contains("CreationTime"), "{error}");
    }
}
