//! Merges runs into data files: the stored events by time, with one or more files for each month.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::column::ColumnTextRewrite;
use crate::error::{Error, Result};
use crate::record::time;
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::slice::RowSlice;
use crate::store::parquet::writer::{DataFileWriter, FinishedDataFile, TableDir};
use crate::store::write::dedup::DedupResult;
use crate::store::write::run::{Run, RunPage, RunReader};

/// Rows that are collected and encoded together.
const SLICE_ROWS: usize = 16 << 10;

/// Writes the stored events and returns the files. After an error, no file is left.
pub(in crate::store) fn write(
    runs: &[Run],
    dedup_result: &DedupResult,
    table_dir: &TableDir,
) -> Result<Vec<DataFile>> {
    write_rewritten(runs, dedup_result, table_dir, None)
}

/// Writes the stored events with the texts that `rewrite` replaces, and returns the files.
pub(in crate::store) fn write_rewritten<'r>(
    runs: &'r [Run],
    dedup_result: &'r DedupResult,
    table_dir: &TableDir,
    rewrite: Option<&'r ColumnTextRewrite<'r>>,
) -> Result<Vec<DataFile>> {
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        // Syncing is mostly waiting, so the next file is written meanwhile.
        let persist = |file: FinishedDataFile| threads.push(scope.spawn(|| file.persist()));
        let merged = Merge::new(runs, dedup_result, rewrite).write(table_dir, persist);
        let failed = |_| Err(Error::internal("a thread failed while it synced a file"));
        let files = threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed));
        let (files, errors): (Vec<_>, Vec<_>) = files.partition(|file: &Result<_>| file.is_ok());
        let files: Vec<DataFile> = files.into_iter().flatten().collect();
        match merged.err().or_else(|| errors.into_iter().find_map(Result::err)) {
            None => Ok(files),
            Some(error) => {
                table_dir.discard(&files);
                Err(error)
            }
        }
    })
}

/// The next event of a run, ordered like the table: by time, then by Id.
type MergeHead = Reverse<(i64, u128, usize, usize)>;

struct Merge<'r> {
    runs: &'r [Run],
    dedup_result: &'r DedupResult,
    rewrite: Option<&'r ColumnTextRewrite<'r>>,
    /// Readers of the runs that are partly read. A run contains a few days, so these are few for
    /// any number of runs.
    readers: Vec<Option<RunReader<'r>>>,
    heads: BinaryHeap<MergeHead>,
}

impl<'r> Merge<'r> {
    fn new(
        runs: &'r [Run],
        dedup_result: &'r DedupResult,
        rewrite: Option<&'r ColumnTextRewrite<'r>>,
    ) -> Self {
        let readers = runs.iter().map(|_| None).collect();
        let mut merge = Merge { runs, dedup_result, rewrite, readers, heads: BinaryHeap::new() };
        for run in 0..runs.len() {
            merge.advance(run, 0);
        }
        merge
    }

    /// Adds the next stored event of a run, starting at position `from`, to the heads. A run
    /// without one is closed.
    fn advance(&mut self, run: usize, from: usize) {
        let keys = &self.runs[run].keys;
        let next = (from..keys.len()).find(|&position| self.dedup_result.is_kept(run, position));
        match next {
            Some(position) => {
                let key = &keys[position];
                self.heads.push(Reverse((key.time_us, key.id(), run, position)));
            }
            None => self.readers[run] = None,
        }
    }

    /// Returns the page with a row of a run, and the row in it.
    fn locate(&mut self, run: usize, position: usize) -> Result<(RunPage, usize)> {
        let reader = match &mut self.readers[run] {
            Some(reader) => reader,
            none => none.insert(self.runs[run].reader(self.rewrite)?),
        };
        reader.locate(position)
    }

    /// Writes one month after the other. While rows are encoded, the next rows are collected.
    fn write(
        mut self,
        table_dir: &TableDir,
        mut persist: impl FnMut(FinishedDataFile),
    ) -> Result<()> {
        while let Some(&Reverse((time_us, ..))) = self.heads.peek() {
            let month = MonthBounds::from_time(time_us)?;
            let mut file = DataFileWriter::create(table_dir, &month.name)?;
            let mut slice = self.next_slice(&month)?;
            while slice.len() > 0 {
                if file.is_full() {
                    let full = std::mem::replace(
                        &mut file,
                        DataFileWriter::create(table_dir, &month.name)?,
                    );
                    persist(full.close()?);
                }
                let (written, next) =
                    rayon::join(|| file.write(&slice), || self.next_slice(&month));
                written?;
                slice = next?;
            }
            persist(file.close()?);
        }
        Ok(())
    }

    /// Returns the next rows of a month, at most [`SLICE_ROWS`].
    fn next_slice(&mut self, month: &MonthBounds) -> Result<RowSlice> {
        let mut slice = RowSlice::default();
        while slice.len() < SLICE_ROWS
            && let Some(&Reverse((time_us, _, run, position))) = self.heads.peek()
            && month.contains(time_us)
        {
            self.heads.pop();
            let (page, row) = self.locate(run, position)?;
            self.advance(run, position + 1);
            slice.push(run, page, row, time_us)?;
        }
        Ok(slice)
    }
}

/// A month in UTC.
struct MonthBounds {
    name: String,
    start_us: i64,
    end_us: i64,
}

impl MonthBounds {
    fn from_time(time_us: i64) -> Result<Self> {
        let bounds = || {
            let day = time::day(time_us)?;
            let start = chrono::Datelike::with_day(&day, 1)?;
            let end = start.checked_add_months(chrono::Months::new(1))?;
            let us = |day: chrono::NaiveDate| {
                day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros()
            };
            Some(MonthBounds { name: time::month(time_us)?, start_us: us(start), end_us: us(end) })
        };
        bounds().ok_or_else(|| Error::internal("an event has a time outside all months"))
    }

    fn contains(&self, time_us: i64) -> bool {
        (self.start_us..self.end_us).contains(&time_us)
    }
}
