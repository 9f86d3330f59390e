//! Runs merged into files: all events that stay, in order of time, one file a month or more.

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

/// Rows that are gathered and encoded at a time.
const SLICE_ROWS: usize = 16 << 10;

/// Writes the events that stay, and gives back the files. On an error it leaves none behind.
pub(in crate::store) fn write(
    runs: &[Run],
    fates: &DedupResult,
    site: &TableDir,
) -> Result<Vec<DataFile>> {
    write_rewritten(runs, fates, site, None)
}

/// The same, with what texts become on the way.
pub(in crate::store) fn write_rewritten<'r>(
    runs: &'r [Run],
    fates: &'r DedupResult,
    site: &TableDir,
    rewrite: Option<&'r ColumnTextRewrite<'r>>,
) -> Result<Vec<DataFile>> {
    std::thread::scope(|scope| {
        let mut kept = Vec::new();
        // While a file is brought to disk, which is waiting, the next one is written.
        let keep = |written: FinishedDataFile| kept.push(scope.spawn(|| written.persist()));
        let merged = Merge::new(runs, fates, rewrite).write(site, keep);
        let failed = |_| Err(Error::internal("a thread failed while a file was brought to disk"));
        let kept = kept.into_iter().map(|file| file.join().unwrap_or_else(failed));
        let (files, errors): (Vec<_>, Vec<_>) = kept.partition(|file: &Result<_>| file.is_ok());
        let files: Vec<DataFile> = files.into_iter().flatten().collect();
        match merged.err().or_else(|| errors.into_iter().find_map(Result::err)) {
            None => Ok(files),
            Some(error) => {
                site.discard(&files);
                Err(error)
            }
        }
    })
}

/// The next event of a run. Ordered as the table is: by time, then by id.
type MergeHead = Reverse<(i64, u128, usize, usize)>;

struct Merge<'r> {
    runs: &'r [Run],
    dedup_result: &'r DedupResult,
    rewrite: Option<&'r ColumnTextRewrite<'r>>,
    /// Readers of the runs that are in the middle of being read: what a run is about are a few
    /// days, so that these are few, whatever the number of runs.
    readers: Vec<Option<RunReader<'r>>>,
    heads: BinaryHeap<MergeHead>,
}

impl<'r> Merge<'r> {
    fn new(
        runs: &'r [Run],
        fates: &'r DedupResult,
        rewrite: Option<&'r ColumnTextRewrite<'r>>,
    ) -> Self {
        let readers = runs.iter().map(|_| None).collect();
        let mut merge =
            Merge { runs, dedup_result: fates, rewrite, readers, heads: BinaryHeap::new() };
        for run in 0..runs.len() {
            merge.advance(run, 0);
        }
        merge
    }

    /// Puts the next event that stays of a run, from a position on, among the heads. A run that has
    /// none is done with.
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

    /// The page that holds a row of a run, and the row in it.
    fn locate(&mut self, run: usize, position: usize) -> Result<(RunPage, usize)> {
        let reader = match &mut self.readers[run] {
            Some(reader) => reader,
            none => none.insert(self.runs[run].reader(self.rewrite)?),
        };
        reader.locate(position)
    }

    /// Writes a month after the other. While rows are encoded, those behind them are looked up.
    fn write(mut self, site: &TableDir, mut keep: impl FnMut(FinishedDataFile)) -> Result<()> {
        while let Some(&Reverse((time_us, ..))) = self.heads.peek() {
            let month = MonthBounds::from_time(time_us)?;
            let mut file = DataFileWriter::create(site, &month.name)?;
            let mut slice = self.next_slice(&month)?;
            while slice.len() > 0 {
                if file.is_full() {
                    let full =
                        std::mem::replace(&mut file, DataFileWriter::create(site, &month.name)?);
                    keep(full.close()?);
                }
                let (written, next) =
                    rayon::join(|| file.write(&slice), || self.next_slice(&month));
                written?;
                slice = next?;
            }
            keep(file.close()?);
        }
        Ok(())
    }

    /// The next rows of a month, at most [`SLICE_ROWS`] of them.
    fn next_slice(&mut self, month: &MonthBounds) -> Result<RowSlice> {
        let mut slice = RowSlice::default();
        while slice.len() < SLICE_ROWS
            && let Some(&Reverse((time_us, _, run, position))) = self.heads.peek()
            && month.contains(time_us)
        {
            self.heads.pop();
            let (page, row) = self.locate(run, position)?;
            self.advance(run, position + 1);
            slice.push(run, page, row, time_us);
        }
        Ok(slice)
    }
}

/// A month of UTC.
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
        bounds().ok_or_else(|| Error::internal("an event at a time that has no month"))
    }

    fn contains(&self, time_us: i64) -> bool {
        (self.start_us..self.end_us).contains(&time_us)
    }
}
