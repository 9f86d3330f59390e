//! A run: events that were staged together, sorted by time and Id.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Field, Schema};
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;

use crate::column::non_content_columns;
use crate::column::{
    ColumnTextRewrite, EventBatch, EventKey, TextDictionary, arrow_schema, covers, fingerprint,
    fingerprints, rewrite_texts,
};
use crate::error::{Error, Result};
use crate::schema::columns;
use crate::store::fs::disk::Disk;
use crate::store::parquet::reader;

/// Rows of a page of a run on disk. It is small, because a merge has a page of every run in memory.
const PAGE_ROWS: usize = 4096;

/// The bytes that are collected before they are written to a run on disk.
const WRITE_BUFFER_BYTES: usize = 512 << 10;

/// Events sorted by time and id.
pub(in crate::store) struct Run {
    /// The keys, sorted.
    pub(in crate::store) keys: Vec<EventKey>,
    columns: RunColumns,
}

enum RunColumns {
    /// Arrays in the order of the batch, and the row of each key in them.
    Memory { columns: Arc<Vec<Option<ArrayRef>>>, rows: Vec<u32>, hashes: ContentHashes },
    /// Arrays in the order of the keys, divided into pages, in an Arrow IPC file. With the content
    /// hash and the source of each event.
    Disk {
        path: PathBuf,
        present_columns: Vec<usize>,
        content_hashes: Vec<u64>,
        sources: Option<ArrayRef>,
    },
    /// The rows of a data file, which are in the order of the keys.
    Table { path: PathBuf },
}

/// Content hashes of a run in memory.
///
/// A row costs about four times as much alone as together with all others, column by column. So the
/// hashes of all rows are calculated when one in four was asked for.
#[derive(Default)]
struct ContentHashes {
    asked: AtomicUsize,
    all: OnceLock<Vec<u64>>,
}

impl ContentHashes {
    fn of_row(&self, columns: &[Option<ArrayRef>], rows: usize, row: usize) -> u64 {
        const SHARE: usize = 4;
        let is_known = self.all.get().is_some();
        if !is_known && self.asked.fetch_add(1, Ordering::Relaxed) < rows / SHARE {
            return fingerprint(columns, row, non_content_columns());
        }
        self.all.get_or_init(|| fingerprints(columns, rows, non_content_columns()))[row]
    }
}

/// Arrays with some rows of a run.
#[derive(Clone)]
pub(in crate::store) struct RunPage {
    /// One array for each column of the table, or `None` if all values are null.
    pub(in crate::store) columns: Arc<Vec<Option<ArrayRef>>>,
}

impl Run {
    /// Sorts a batch by time and Id.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the batch has too many rows.
    pub(in crate::store) fn new(batch: EventBatch) -> Result<Self> {
        let mut order: Vec<u32> = (0..row_number(batch.keys.len())?).collect();
        let key = |row: &u32| {
            let key = &batch.keys[*row as usize];
            (key.time_us, key.id(), key.sequence)
        };
        if !order.is_sorted_by_key(key) {
            order.sort_unstable_by_key(key);
        }
        Ok(Run {
            keys: order.iter().map(|&row| batch.keys[row as usize]).collect(),
            columns: RunColumns::Memory {
                columns: Arc::new(batch.columns),
                rows: order,
                hashes: ContentHashes::default(),
            },
        })
    }

    /// Returns the rows of a data file as a run.
    ///
    /// Returns `None` if they are not in the table's order or types: another program wrote them.
    pub(in crate::store) fn from_file(path: &Path) -> Result<Option<Run>> {
        let Some(keys) = reader::read_keys(path)? else { return Ok(None) };
        let is_sorted = keys.is_sorted_by_key(|key| (key.time_us, key.id()));
        let columns = RunColumns::Table { path: path.to_path_buf() };
        Ok(is_sorted.then(|| Run { keys, columns }))
    }

    /// Returns the lowest sequence number of its events, by which runs are sorted.
    pub(in crate::store) fn first_sequence(&self) -> u64 {
        self.keys.iter().map(|key| key.sequence).min().unwrap_or(u64::MAX)
    }

    /// Returns the content hash of the event at a position.
    ///
    /// Only the hashes of duplicates are needed. So they are calculated here, unless the columns
    /// would have to be read from disk.
    pub(in crate::store) fn content_hash(&self, position: usize) -> u64 {
        match &self.columns {
            RunColumns::Memory { columns, rows, hashes } => {
                hashes.of_row(columns, rows.len(), rows[position] as usize)
            }
            RunColumns::Disk { content_hashes: contents, .. } => contents[position],
            // Rows of the table are never staged.
            RunColumns::Table { .. } => 0,
        }
    }

    /// Returns the source of the event at a position; empty if it is not known.
    pub(in crate::store) fn source(&self, position: usize) -> &str {
        let (sources, row) = match &self.columns {
            RunColumns::Memory { columns, rows, .. } => {
                (columns[source_column()].as_ref(), rows[position] as usize)
            }
            RunColumns::Disk { sources, .. } => (sources.as_ref(), position),
            RunColumns::Table { .. } => (None, position),
        };
        let sources = sources.and_then(|sources| TextDictionary::from_array(sources.as_ref()));
        sources.and_then(|sources| sources.text(row)).unwrap_or_default()
    }

    /// Returns true if a row of other columns has every value of the event at a position. Returns
    /// false if the event is not in memory.
    pub(in crate::store) fn is_covered_by(
        &self,
        position: usize,
        columns: &[Option<ArrayRef>],
        row: usize,
    ) -> bool {
        match &self.columns {
            RunColumns::Memory { columns: own, rows, .. } => {
                let own_row = rows[position] as usize;
                covers((columns, row), (own, own_row), non_content_columns())
            }
            RunColumns::Disk { .. } | RunColumns::Table { .. } => false,
        }
    }

    /// Returns the memory that the arrays use.
    pub(in crate::store) fn memory_bytes(&self) -> usize {
        match &self.columns {
            RunColumns::Memory { columns, .. } => {
                columns.iter().flatten().map(|array| array.get_array_memory_size()).sum()
            }
            RunColumns::Disk { .. } | RunColumns::Table { .. } => 0,
        }
    }

    /// Writes the arrays to a file in `folder` and removes them from memory.
    pub(in crate::store) fn spill(self, disk: &dyn Disk, folder: &Path) -> Result<Run> {
        let RunColumns::Memory { columns, rows, .. } = self.columns else { return Ok(self) };
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let path = folder.join(format!("run-{}.arrow", RUNS.fetch_add(1, Ordering::Relaxed)));
        let present: Vec<usize> = (0..columns.len()).filter(|&c| columns[c].is_some()).collect();
        let hashes = fingerprints(&columns, rows.len(), non_content_columns());
        let contents = rows.iter().map(|&row| hashes[row as usize]).collect();
        let order = UInt32Array::from(rows);
        let sources = columns[source_column()].as_ref().map(|sources| take(sources, &order, None));
        let sources = sources.transpose().map_err(Error::internal)?;
        write_pages(disk, &path, &columns, &present, &order)?;
        let columns =
            RunColumns::Disk { path, present_columns: present, content_hashes: contents, sources };
        Ok(Run { keys: self.keys, columns })
    }

    /// Returns a reader of its rows. `rewrite` replaces texts of a data file.
    pub(in crate::store) fn reader<'r>(
        &'r self,
        rewrite: Option<&'r ColumnTextRewrite<'r>>,
    ) -> Result<RunReader<'r>> {
        let file = match &self.columns {
            RunColumns::Memory { .. } => RunPages::Memory,
            RunColumns::Disk { path, .. } => {
                let file = File::open(path).map_err(Error::io("read", path))?;
                let file = FileReader::try_new(BufReader::new(file), None);
                RunPages::Disk(Box::new(file.map_err(Error::internal)?))
            }
            RunColumns::Table { path } => RunPages::Table(reader::read_pages(path, PAGE_ROWS)?, 0),
        };
        Ok(RunReader { run: self, pages: file, page: None, rewrite })
    }
}

/// Returns the position of the column with the source of an event.
fn source_column() -> usize {
    columns().len() + 1
}

fn write_pages(
    disk: &dyn Disk,
    path: &Path,
    columns: &[Option<ArrayRef>],
    present: &[usize],
    rows: &UInt32Array,
) -> Result<()> {
    let mut fields = Vec::with_capacity(present.len());
    let mut arrays = Vec::with_capacity(present.len());
    for column in present.iter().filter_map(|&number| columns[number].as_ref().map(|c| (number, c)))
    {
        let array = take(column.1, rows, None).map_err(Error::internal)?;
        let name = arrow_schema().field(column.0).name().clone();
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let whole = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(Error::internal)?;
    let file = disk.create(path).map_err(Error::io("create", path))?;
    let failed = |error: arrow::error::ArrowError| Error::Io {
        action: "write",
        path: path.to_path_buf(),
        source: std::io::Error::other(error),
    };
    let buffered = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
    let mut writer = FileWriter::try_new(buffered, &schema).map_err(failed)?;
    for start in (0..whole.num_rows()).step_by(PAGE_ROWS) {
        let rows = PAGE_ROWS.min(whole.num_rows() - start);
        writer.write(&whole.slice(start, rows)).map_err(failed)?;
    }
    writer.finish().map_err(failed)
}

/// Reads the rows of a run, from its first key to its last.
pub(in crate::store) struct RunReader<'r> {
    run: &'r Run,
    pages: RunPages,
    page: Option<(usize, RunPage)>,
    rewrite: Option<&'r ColumnTextRewrite<'r>>,
}

enum RunPages {
    Memory,
    Disk(Box<FileReader<BufReader<File>>>),
    /// Pages in sequence, and the number of the next one.
    Table(reader::PageReader, usize),
}

impl RunReader<'_> {
    /// Returns the page with the row of the key at a position, and the row in it. Positions must
    /// not decrease.
    pub(in crate::store) fn locate(&mut self, position: usize) -> Result<(RunPage, usize)> {
        let (number, row) = (position / PAGE_ROWS, position % PAGE_ROWS);
        if let Some((_, page)) = self.page.as_ref().filter(|(current, _)| *current == number) {
            return Ok((page.clone(), row));
        }
        let columns = match (&self.run.columns, &mut self.pages) {
            (RunColumns::Memory { columns, rows, .. }, _) => {
                return Ok((RunPage { columns: Arc::clone(columns) }, rows[position] as usize));
            }
            (RunColumns::Disk { present_columns: present, .. }, RunPages::Disk(file)) => {
                file.set_index(number).map_err(Error::internal)?;
                let batch = file.next().ok_or_else(missing_rows_error)?.map_err(Error::internal)?;
                let mut columns = vec![None; arrow_schema().fields().len()];
                for (&number, array) in present.iter().zip(batch.columns()) {
                    columns[number] = Some(Arc::clone(array));
                }
                columns
            }
            (RunColumns::Table { .. }, RunPages::Table(file, next)) => loop {
                let (mut page, _) = file.next_page()?.ok_or_else(missing_rows_error)?;
                *next += 1;
                if *next > number {
                    if let Some(rewrite) = self.rewrite {
                        rewrite_texts(&mut page, rewrite).map_err(Error::internal)?;
                    }
                    break page;
                }
            },
            _ => return Err(Error::internal("a run has no file")),
        };
        let page = RunPage { columns: Arc::new(columns) };
        self.page = Some((number, page.clone()));
        Ok((page, row))
    }
}

fn missing_rows_error() -> Error {
    Error::internal("a run has fewer rows than keys")
}

/// Converts a number of rows or runs.
///
/// # Errors
///
/// [`Error::Internal`] if the number is greater than `u32::MAX`.
pub(in crate::store) fn row_number(number: usize) -> Result<u32> {
    let message = || Error::internal("a batch or a file has more than 4,294,967,295 rows");
    u32::try_from(number).map_err(|_| message())
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    /// The first hashes are calculated row by row, and the others for all rows at once.
    #[test]
    fn content_hashes_do_not_depend_on_how_many_are_asked_for() {
        let texts = (0..200).map(|n| (n % 3 != 0).then(|| format!("text {}", n % 7)));
        let mut columns: Vec<Option<ArrayRef>> = vec![None; arrow_schema().fields().len()];
        columns[1] = Some(Arc::new(StringArray::from_iter(texts)));
        // The rows are not in the order of the keys.
        let keys = (0..200).map(|n| EventKey::new(n as u128, 1_000 - n)).collect();
        let expected: Vec<u64> =
            (0..200).rev().map(|row| fingerprint(&columns, row, non_content_columns())).collect();
        let run = Run::new(EventBatch { columns, keys }).unwrap();
        for _ in 0..2 {
            let hashes: Vec<u64> = (0..200).map(|position| run.content_hash(position)).collect();
            assert_eq!(hashes, expected);
        }
        assert!(expected.iter().any(|hash| *hash != expected[0]));
    }
}
