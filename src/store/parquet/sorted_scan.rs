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

use crate::column::{Numbered, stored_id_key};
use crate::error::{Error, Result};
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::external_files;
use crate::store::parquet::reader::{self, PageReader};
use crate::store::write::writer_lock;
use crate::store::{Passing, Store};

/// The place of a row in the table's order.
pub type Place = (i64, u128);

/// Rows that follow one another.
pub struct Rows<'p> {
    /// The file that they are read from.
    pub file: &'p DataFile,
    /// One array for each column of the table, or `None` where all is null.
    pub page: &'p [Option<ArrayRef>],
    /// Which rows of the arrays.
    pub rows: Range<usize>,
    /// The place of the last of them.
    pub last: Place,
}

/// Which part of the table is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// The first instant, in microseconds since 1970 (UTC).
    pub from_us: Option<i64>,
    /// The instant behind the last.
    pub to_us: Option<i64>,
    /// Only what stands behind this place.
    pub after: Option<Place>,
}

impl Span {
    fn meets(&self, file: &DataFile) -> bool {
        // What a log of others says of times is cut to milliseconds.
        const SLACK_US: i64 = 1_000;
        file.period_us.is_none_or(|(first, last)| {
            self.from_us.is_none_or(|from| last + SLACK_US >= from)
                && self.to_us.is_none_or(|to| first < to)
        })
    }

    /// Those of a page's rows that are asked for.
    fn of(&self, keys: &[Place]) -> Range<usize> {
        let is_before = |&(time_us, id): &Place| {
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
pub fn in_order(
    files: &[DataFile],
    span: &Span,
    take: &mut dyn FnMut(Rows<'_>) -> Result<()>,
) -> Result<()> {
    for month in files.chunk_by(|one, other| one.month == other.month) {
        let asked: Vec<DataFile> = month.iter().filter(|file| span.meets(file)).cloned().collect();
        let (ours, foreign): (Vec<DataFile>, Vec<DataFile>) =
            asked.into_iter().partition(is_in_order);
        let sorted = if foreign.is_empty() { None } else { Some(sorted(&foreign)?) };
        let all: Vec<&DataFile> =
            ours.iter().chain(sorted.iter().flat_map(|passing| &passing.files)).collect();
        merge(&all, span, take)?;
    }
    Ok(())
}

/// Whether a file was written by this program, with the columns that it has now or fewer. One that
/// cannot be opened is too: reading it says why.
fn is_in_order(file: &DataFile) -> bool {
    let is_ours = writer_lock::writer_of(&writer_lock::file_name(&file.path)).is_some();
    is_ours && reader::is_in_our_form(&file.path).unwrap_or(true)
}

/// Files of others, in the form and the order of ours.
fn sorted(files: &[DataFile]) -> Result<Passing> {
    let load = Store::passing()?;
    let mut order = 0;
    for file in files {
        for batch in reader::batches(&file.path)? {
            let batch = external_files::in_our_form(&file.path, &batch?, order)?;
            order += batch.keys.len() as u64;
            load.stage(batch)?;
        }
    }
    load.keep_all()
}

/// A file being read, and the page that it is read to.
struct Cursor<'f> {
    file: &'f DataFile,
    reader: PageReader,
    page: Vec<Option<ArrayRef>>,
    keys: Vec<Place>,
    /// The rows of the page that are asked for and not taken yet.
    rest: Range<usize>,
    last: Option<Place>,
}

impl<'f> Cursor<'f> {
    fn open(file: &'f DataFile) -> Result<Self> {
        // Small, because a page of every file of a month is held.
        const PAGE_ROWS: usize = 4096;
        Ok(Cursor {
            file,
            reader: reader::pages(&file.path, PAGE_ROWS)?,
            page: Vec::new(),
            keys: Vec::new(),
            rest: 0..0,
            last: None,
        })
    }

    /// The place of the next row, on the next page where this one is at its end.
    fn head(&mut self, span: &Span) -> Result<Option<Place>> {
        while self.rest.is_empty() {
            let Some(page) = self.reader.next_page()? else { return Ok(None) };
            self.keys = keys(self.file, &page)?;
            let steps = self.last.into_iter().chain(self.keys.iter().copied());
            if !steps.is_sorted() {
                let message = "its events are not in order of time and Id; `pbi-analyze verify` \
                               tells more";
                return Err(Error::store(&self.file.path, message));
            }
            self.last = self.keys.last().copied();
            self.rest = span.of(&self.keys);
            self.page = page;
        }
        Ok(Some(self.keys[self.rest.start]))
    }

    /// Takes the rows up to a place, at least one.
    fn take_to(&mut self, next: Option<Place>) -> (Range<usize>, Place) {
        let start = self.rest.start;
        let keys = &self.keys[self.rest.clone()];
        let count = next.map_or(keys.len(), |next| keys.partition_point(|key| *key < next));
        let end = start + count.clamp(1, keys.len());
        self.rest.start = end;
        (start..end, self.keys[end - 1])
    }
}

fn merge(
    files: &[&DataFile],
    span: &Span,
    take: &mut dyn FnMut(Rows<'_>) -> Result<()>,
) -> Result<()> {
    let mut cursors = Vec::with_capacity(files.len());
    let mut heads = BinaryHeap::with_capacity(files.len());
    for file in files {
        let mut cursor = Cursor::open(file)?;
        if let Some(head) = cursor.head(span)? {
            heads.push(Reverse((head, cursors.len())));
            cursors.push(cursor);
        }
    }
    while let Some(Reverse((_, number))) = heads.pop() {
        let cursor = &mut cursors[number];
        let next = heads.peek().map(|Reverse((place, _))| *place);
        let (rows, last) = cursor.take_to(next);
        take(Rows { file: cursor.file, page: &cursor.page, rows, last })?;
        if let Some(head) = cursor.head(span)? {
            heads.push(Reverse((head, number)));
        }
    }
    Ok(())
}

/// The places of a page's rows.
fn keys(file: &DataFile, page: &[Option<ArrayRef>]) -> Result<Vec<Place>> {
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
    let texts = ids.and_then(|ids| Numbered::of(ids.as_ref()));
    let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let (Some(texts), Some(times)) = (texts, times) else { return Err(missing()) };
    let keys = times.iter().enumerate().map(|(row, time_us)| {
        let id = stored_id_key(texts.text(row)?);
        Some((time_us?, id))
    });
    keys.collect::<Option<Vec<Place>>>().ok_or_else(missing)
}

/// Hands some columns of every file to `take`, with the file, in the order of files and rows and
/// in the table's own types; a column that a file does not have is all null.
///
/// # Errors
///
/// As [`in_order`].
pub fn columns_of(
    files: &[DataFile],
    columns: &[&str],
    take: &mut dyn FnMut(&Path, &[ArrayRef]) -> Result<()>,
) -> Result<()> {
    for file in files {
        for batch in reader::batches_of(&file.path, columns)? {
            let columns = external_files::columns_in_our_form(&file.path, &batch?, columns)?;
            take(&file.path, &columns)?;
        }
    }
    Ok(())
}

impl Rows<'_> {
    /// An error about these rows.
    pub fn wrong(&self, reason: &str) -> Error {
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

    fn read(files: &[DataFile], span: &Span) -> Result<Vec<i64>> {
        let mut times = Vec::new();
        in_order(files, span, &mut |rows| {
            let at = crate::schema::column_index("CreationTime").unwrap();
            let column = rows.page[at].as_ref().unwrap();
            let column = column.as_primitive::<TimestampMicrosecondType>();
            times.extend(rows.rows.clone().map(|row| column.value(row) - MARCH));
            assert_eq!(rows.last.0 - MARCH, *times.last().unwrap());
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
        assert_eq!(read(&files, &Span::default()).unwrap(), [5, 10, 15, 20, 20, 30]);
        let span = Span { from_us: Some(MARCH + 10), to_us: Some(MARCH + 30), after: None };
        assert_eq!(read(&files, &span).unwrap(), [10, 15, 20, 20]);
        let least = ["b", "f"].map(stored_id_key).into_iter().min().unwrap();
        let span = Span { after: Some((MARCH + 20, least)), ..Span::default() };
        assert_eq!(read(&files, &span).unwrap(), [20, 30]);
    }

    #[test]
    fn a_column_of_a_type_that_is_none_of_ours_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["2026-03-01"]));
        let columns = vec![("Id", Arc::clone(&texts)), ("CreationTime", texts)];
        let file = write(folder.path(), "a.parquet", columns);
        let error = read(&[file], &Span::default()).unwrap_err().to_string();
        assert!(error.contains("a.parquet") && error.contains("CreationTime"), "{error}");
    }
}
