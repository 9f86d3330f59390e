//! The rows of the table in its order, by time and id, however its files are cut.
//!
//! Owns: the merge of a month's files while they are read, a page of each at a time. Files of this
//! program stand in that order already; what others wrote is sorted into temporary files first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;

use crate::column::{TextDictionary, stored_id_key};
use crate::error::{Error, Result};
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::external_files;
use crate::store::parquet::reader::{self, PageReader};
use crate::store::write::writer_lock;
use crate::store::{Store, TempTable};

/// The place of a row in the table's order.
pub type RowKey = (i64, u128);

/// Rows that follow one another.
pub struct RowRange<'p> {
    /// The file that they are read from.
    pub file: &'p DataFile,
    /// One array for each column of the table, or `None` where all is null.
    pub page: &'p [Option<ArrayRef>],
    /// Which rows of the arrays.
    pub rows: Range<usize>,
    /// The place of the last of them.
    pub last_key: RowKey,
}

/// Which part of the table is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeRange {
    /// The first instant, in microseconds since 1970 (UTC).
    pub from_us: Option<i64>,
    /// The instant behind the last.
    pub to_us: Option<i64>,
    /// Only what stands behind this place.
    pub after: Option<RowKey>,
}

impl TimeRange {
    fn overlaps(&self, file: &DataFile) -> bool {
        // What a log of others says of times is cut to milliseconds.
        const SLACK_US: i64 = 1_000;
        file.period_us.is_none_or(|(first, last)| {
            self.from_us.is_none_or(|from| last + SLACK_US >= from)
                && self.to_us.is_none_or(|to| first < to)
        })
    }

    /// Those of a page's rows that are asked for.
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

/// Hands all rows of some files, sorted by month as those of a snapshot are, to `take`.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Store`] where a file cannot be read, and those of `take`.
pub fn scan_rows(
    files: &[DataFile],
    span: &TimeRange,
    take: &mut dyn FnMut(RowRange<'_>) -> Result<()>,
) -> Result<()> {
    for month in files.chunk_by(|one, other| one.month == other.month) {
        let asked: Vec<DataFile> =
            month.iter().filter(|file| span.overlaps(file)).cloned().collect();
        let (ours, foreign): (Vec<DataFile>, Vec<DataFile>) =
            asked.into_iter().partition(is_sorted_file);
        let sorted = if foreign.is_empty() { None } else { Some(sort_foreign_files(&foreign)?) };
        let all: Vec<&DataFile> =
            ours.iter().chain(sorted.iter().flat_map(|passing| &passing.files)).collect();
        merge_files(&all, span, take)?;
    }
    Ok(())
}

/// Whether a file was written by this program, with the columns that it has now or fewer. One that
/// cannot be opened is too: reading it says why.
fn is_sorted_file(file: &DataFile) -> bool {
    let is_ours = writer_lock::writer_from_name(&writer_lock::file_name(&file.path)).is_some();
    is_ours && reader::has_table_schema(&file.path).unwrap_or(true)
}

/// Files of others, in the form and the order of ours.
fn sort_foreign_files(files: &[DataFile]) -> Result<TempTable> {
    let load = Store::temporary_transaction()?;
    let mut order = 0;
    for file in files {
        for batch in reader::read_batches(&file.path)? {
            let batch = external_files::to_event_batch(&file.path, &batch?, order)?;
            order += batch.keys.len() as u64;
            load.stage(batch)?;
        }
    }
    load.into_temp_table()
}

/// A file being read, and the page that it is read to.
struct FileCursor<'f> {
    file: &'f DataFile,
    reader: PageReader,
    page: Vec<Option<ArrayRef>>,
    keys: Vec<RowKey>,
    /// The rows of the page that are asked for and not taken yet.
    remaining_rows: Range<usize>,
    last_key: Option<RowKey>,
}

impl<'f> FileCursor<'f> {
    fn open(file: &'f DataFile) -> Result<Self> {
        // Small, because a page of every file of a month is held.
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

    /// The place of the next row, on the next page where this one is at its end.
    fn peek_key(&mut self, span: &TimeRange) -> Result<Option<RowKey>> {
        while self.remaining_rows.is_empty() {
            let Some(page) = self.reader.next_page()? else { return Ok(None) };
            self.keys = row_keys(self.file, &page)?;
            let steps = self.last_key.into_iter().chain(self.keys.iter().copied());
            if !steps.is_sorted() {
                let message = "its events are not in order of time and Id; `pbi-analyze verify` \
                               tells more";
                return Err(Error::store(&self.file.path, message));
            }
            self.last_key = self.keys.last().copied();
            self.remaining_rows = span.matching_rows(&self.keys);
            self.page = page;
        }
        Ok(Some(self.keys[self.remaining_rows.start]))
    }

    /// Takes the rows up to a place, at least one.
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
    span: &TimeRange,
    take: &mut dyn FnMut(RowRange<'_>) -> Result<()>,
) -> Result<()> {
    let mut cursors = Vec::with_capacity(files.len());
    let mut heads = BinaryHeap::with_capacity(files.len());
    for file in files {
        let mut cursor = FileCursor::open(file)?;
        if let Some(head) = cursor.peek_key(span)? {
            heads.push(Reverse((head, cursors.len())));
            cursors.push(cursor);
        }
    }
    while let Some(Reverse((_, number))) = heads.pop() {
        let cursor = &mut cursors[number];
        let next = heads.peek().map(|Reverse((place, _))| *place);
        let (rows, last) = cursor.take_until(next);
        take(RowRange { file: cursor.file, page: &cursor.page, rows, last_key: last })?;
        if let Some(head) = cursor.peek_key(span)? {
            heads.push(Reverse((head, number)));
        }
    }
    Ok(())
}

/// The places of a page's rows.
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
        let message = "an event without an Id or a time; `pbi-analyze verify` tells the row";
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

/// Hands some columns of every file to `take`, with the file, in the order of files and rows and
/// in the table's own types; a column that a file does not have is all null.
///
/// # Errors
///
/// As [`in_order`].
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
    /// An error about these rows.
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

    /// A file as another program would write it: in no order, with other types and one more column.
    fn theirs(folder: &Path, name: &str, rows: &[(&str, i64)]) -> DataFile {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
        let times = TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.1 * 1000));
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        let flags: ArrayRef = Arc::clone(&ids);
        write(folder, name, vec![("Id", ids), ("CreationTime", times), ("theirs", flags)])
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

    fn read(files: &[DataFile], span: &TimeRange) -> Result<Vec<i64>> {
        let mut times = Vec::new();
        scan_rows(files, span, &mut |rows| {
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
    fn files_of_others_are_read_in_order_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name, rows: &[(&str, i64)]| theirs(folder.path(), name, rows);
        let one = file("a.parquet", &[("c", MARCH + 30), ("a", MARCH + 10), ("b", MARCH + 20)]);
        let other = file("b.parquet", &[("d", MARCH + 15), ("e", MARCH + 5), ("f", MARCH + 20)]);
        let files = [one, other];
        assert_eq!(read(&files, &TimeRange::default()).unwrap(), [5, 10, 15, 20, 20, 30]);
        let span = TimeRange { from_us: Some(MARCH + 10), to_us: Some(MARCH + 30), after: None };
        assert_eq!(read(&files, &span).unwrap(), [10, 15, 20, 20]);
        let least = ["b", "f"].map(stored_id_key).into_iter().min().unwrap();
        let span = TimeRange { after: Some((MARCH + 20, least)), ..TimeRange::default() };
        assert_eq!(read(&files, &span).unwrap(), [20, 30]);
    }

    #[test]
    fn a_column_of_a_type_that_is_none_of_ours_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["2026-03-01"]));
        let columns = vec![("Id", Arc::clone(&texts)), ("CreationTime", texts)];
        let file = write(folder.path(), "a.parquet", columns);
        let error = read(&[file], &TimeRange::default()).unwrap_err().to_string();
        assert!(error.contains("a.parquet") && error.contains("CreationTime"), "{error}");
    }
}
