//! Runs merged into files: all events that stay, in order of time, one file a month or more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::fates::Fates;
use super::gather::{Slice, gather};
use super::parquet::{MonthFile, Site};
use super::run::{Run, RunReader};
use super::snapshot::DataFile;
use crate::column::Rewrite;
use crate::error::{Error, Result};
use crate::record::time;

/// Rows that are gathered and encoded at a time.
const SLICE_ROWS: usize = 16 << 10;

/// Writes the events that stay, and gives back the files. On an error it leaves none behind.
pub(super) fn write(runs: &[Run], fates: &Fates, site: &Site) -> Result<Vec<DataFile>> {
    write_rewritten(runs, fates, site, None)
}

/// The same, with what texts become on the way.
pub(super) fn write_rewritten<'r>(
    runs: &'r [Run],
    fates: &'r Fates,
    site: &Site,
    rewrite: Option<&'r Rewrite<'r>>,
) -> Result<Vec<DataFile>> {
    let mut files = Vec::new();
    let written = Merge::new(runs, fates, rewrite)?.write(site, &mut files);
    match written {
        Ok(()) => Ok(files),
        Err(error) => {
            site.discard(&files);
            Err(error)
        }
    }
}

/// The next event of a run. Ordered as the table is: by time, then by id.
type Head = Reverse<(i64, u128, usize, usize)>;

struct Merge<'r> {
    runs: &'r [Run],
    fates: &'r Fates,
    readers: Vec<RunReader<'r>>,
    heads: BinaryHeap<Head>,
}

impl<'r> Merge<'r> {
    fn new(runs: &'r [Run], fates: &'r Fates, rewrite: Option<&'r Rewrite<'r>>) -> Result<Self> {
        let readers = runs.iter().map(|run| run.reader(rewrite)).collect::<Result<Vec<_>>>()?;
        let mut merge = Merge { runs, fates, readers, heads: BinaryHeap::new() };
        for run in 0..runs.len() {
            merge.advance(run, 0);
        }
        Ok(merge)
    }

    /// Puts the next event that stays of a run, from a position on, among the heads.
    fn advance(&mut self, run: usize, from: usize) {
        let keys = &self.runs[run].keys;
        let next = (from..keys.len()).find(|&position| self.fates.is_alive(run, position));
        if let Some(position) = next {
            self.heads.push(Reverse((keys[position].time_us, keys[position].id, run, position)));
        }
    }

    fn write(mut self, site: &Site, files: &mut Vec<DataFile>) -> Result<()> {
        let mut file: Option<(MonthBounds, MonthFile)> = None;
        while let Some(&Reverse((time_us, ..))) = self.heads.peek() {
            let (month, mut open) = match file.take() {
                Some((month, open)) if month.has(time_us) && !open.is_full() => (month, open),
                other => {
                    if let Some((_, full)) = other {
                        files.push(full.close()?);
                    }
                    let month = MonthBounds::of(time_us)?;
                    let open = MonthFile::create(site, &month.name)?;
                    (month, open)
                }
            };
            let slice = self.slice(&month)?;
            open.write(gather(&slice)?, slice.first_us, slice.last_us)?;
            file = Some((month, open));
        }
        if let Some((_, last)) = file {
            files.push(last.close()?);
        }
        Ok(())
    }

    /// The next rows of a month, at most [`SLICE_ROWS`] of them.
    fn slice(&mut self, month: &MonthBounds) -> Result<Slice> {
        let mut slice = Slice::default();
        while slice.len() < SLICE_ROWS
            && let Some(&Reverse((time_us, _, run, position))) = self.heads.peek()
            && month.has(time_us)
        {
            self.heads.pop();
            self.advance(run, position + 1);
            let (page, row) = self.readers[run].locate(position)?;
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
    fn of(time_us: i64) -> Result<Self> {
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

    fn has(&self, time_us: i64) -> bool {
        (self.start_us..self.end_us).contains(&time_us)
    }
}
