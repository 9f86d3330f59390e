//! Merges the copies of events that differ, in the staged runs and in the table.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rayon::prelude::*;

use crate::column::{
    BatchBuilder, CopyParsers, CopyReader, EventCopy, EventKey, MergedEvent, Projection,
};
use crate::error::{Error, Result};
use crate::store::fs::disk::Disk;
use crate::store::write::copy_spool::{CopySpool, SpoolReader, SpooledCopies, SpooledCopy};
use crate::store::write::run::Run;

/// An event in a staged run, by its run and the position of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::store) struct StagedRow {
    pub(in crate::store) run: u32,
    pub(in crate::store) position: u32,
}

impl StagedRow {
    /// Returns the key of the event.
    pub(in crate::store) fn key(self, runs: &[Run]) -> &EventKey {
        &runs[self.run as usize].keys[self.position as usize]
    }

    /// Returns the content hash of the event.
    pub(in crate::store) fn content_hash(self, runs: &[Run]) -> u64 {
        runs[self.run as usize].content_hash(self.position as usize)
    }

    /// Returns the source of the event.
    pub(in crate::store) fn source(self, runs: &[Run]) -> &str {
        runs[self.run as usize].source(self.position as usize)
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct StoredRow {
    /// The file, by its position in the list of files.
    pub(in crate::store) file: usize,
    pub(in crate::store) row: usize,
    pub(in crate::store) copy: SpooledCopy,
}

/// A staged copy of an event, and its content hash.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct StagedCopy {
    pub(in crate::store) row: StagedRow,
    pub(in crate::store) hash: u64,
}

/// An event whose copies differ.
pub(in crate::store) struct DifferingCopies {
    /// The staged copies in the order of their sources.
    pub(in crate::store) staged: Vec<StagedCopy>,
    /// The row of the table, if it has one.
    pub(in crate::store) stored: Option<StoredRow>,
}

/// The outcome of merging the copies of an event.
#[derive(Debug, Default)]
pub(in crate::store) struct MergeOutcome {
    /// True if the merged event must be written.
    pub(in crate::store) is_written: bool,
    /// The staged copy that improves the event in the table.
    pub(in crate::store) improved_by: Option<StagedRow>,
    /// The staged copies that contradict others.
    pub(in crate::store) conflicting: Vec<StagedRow>,
}

/// Memory for runs of merged events. Further runs are written to disk.
const MAX_MERGED_BYTES: usize = 96 << 20;

/// Events that are merged together.
const EVENTS_PER_RUN: usize = 16 << 10;

/// The place of temporary files.
#[derive(Clone, Copy)]
pub(in crate::store) struct TempSpace<'t> {
    pub(in crate::store) disk: &'t dyn Disk,
    pub(in crate::store) folder: &'t Path,
}

/// Merges the copies of events. Returns the merged events as runs, and an outcome for each event.
pub(in crate::store) fn merge(
    runs: &[Run],
    events: &[DifferingCopies],
    spool: CopySpool<'_>,
    temp: TempSpace<'_>,
) -> Result<(Vec<Run>, Vec<MergeOutcome>)> {
    let staged = spool_staged(runs, events, &spool)?;
    let spooled = spool.finish()?;
    let copies = CopiesOfEvents { runs, staged: &staged, spooled: &spooled };
    let merged = events.par_chunks(EVENTS_PER_RUN).map(|events| copies.merge_events(events));
    let merged: Result<Vec<(Option<Run>, Vec<MergeOutcome>)>> = merged.collect();
    let (mut merged_runs, mut outcomes, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (run, part) in merged? {
        outcomes.extend(part);
        let Some(run) = run else { continue };
        bytes += run.memory_bytes();
        merged_runs.push(match bytes > MAX_MERGED_BYTES {
            true => run.spill(temp.disk, temp.folder)?,
            false => run,
        });
    }
    spooled.remove(temp.disk);
    Ok((merged_runs, outcomes))
}

/// Returns the different contents of the staged copies of an event, each with the first copy that
/// has it.
fn distinct_copies(staged: &[StagedCopy]) -> BTreeMap<u64, StagedRow> {
    let mut distinct = BTreeMap::new();
    for copy in staged {
        distinct.entry(copy.hash).or_insert(copy.row);
    }
    distinct
}

/// Adds the staged copies of events to the spool.
fn spool_staged(
    runs: &[Run],
    events: &[DifferingCopies],
    spool: &CopySpool<'_>,
) -> Result<HashMap<StagedRow, SpooledCopy>> {
    let distinct = events
        .par_iter()
        .flat_map_iter(|event| distinct_copies(&event.staged).into_values().collect::<Vec<_>>());
    let mut rows: Vec<StagedRow> = distinct.collect();
    rows.par_sort_unstable();
    let by_run: Vec<&[StagedRow]> = rows.chunk_by(|one, other| one.run == other.run).collect();
    let spooled = by_run.par_iter().map(|rows| spool_run(runs, rows, spool));
    let spooled: Vec<Vec<(StagedRow, SpooledCopy)>> = spooled.collect::<Result<_>>()?;
    Ok(spooled.into_iter().flatten().collect())
}

/// Adds rows of one run to the spool.
fn spool_run(
    runs: &[Run],
    rows: &[StagedRow],
    spool: &CopySpool<'_>,
) -> Result<Vec<(StagedRow, SpooledCopy)>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let mut pages = runs[first.run as usize].reader(None)?;
    let mut copies = CopyReader::default();
    let mut spooled = Vec::with_capacity(rows.len());
    // The rows of one page are read together.
    let mut start = 0;
    while let Some(&first) = rows.get(start) {
        let (page, row) = pages.locate(first.position as usize)?;
        let mut places = vec![(row, first.key(runs).time_us)];
        for next in &rows[start + 1..] {
            let (other, row) = pages.locate(next.position as usize)?;
            if !std::sync::Arc::ptr_eq(&page.columns, &other.columns) {
                break;
            }
            places.push((row, next.key(runs).time_us));
        }
        let of_page = &rows[start..start + places.len()];
        start += places.len();
        spool_rows(&mut copies, &page.columns, &places, spool, |number, place| {
            spooled.push((of_page[number], place));
        })?;
    }
    Ok(spooled)
}

/// Adds rows of a page to the spool. `done` gets the number of the row and its place.
pub(in crate::store) fn spool_rows(
    reader: &mut CopyReader,
    page: &[Option<arrow::array::ArrayRef>],
    rows: &[(usize, i64)],
    spool: &CopySpool<'_>,
    mut done: impl FnMut(usize, SpooledCopy),
) -> Result<()> {
    let (mut number, mut failed) = (0, None);
    let read = reader.read(page, rows, |_, copy: EventCopy<'_>| {
        match spool.add(&copy) {
            Ok(place) => done(number, place),
            Err(error) => failed = Some(error),
        }
        number += 1;
    });
    read.map_err(|error| Error::internal(error.reason))?;
    failed.map_or(Ok(()), Err)
}

/// The copies of all events.
struct CopiesOfEvents<'c> {
    runs: &'c [Run],
    staged: &'c HashMap<StagedRow, SpooledCopy>,
    spooled: &'c SpooledCopies,
}

impl CopiesOfEvents<'_> {
    fn merge_events(&self, events: &[DifferingCopies]) -> Result<(Option<Run>, Vec<MergeOutcome>)> {
        let mut reader = self.spooled.reader()?;
        let mut parsers = CopyParsers::default();
        let mut builder = BatchBuilder::new(&Projection::All).map_err(Error::internal)?;
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            outcomes.push(self.merge_event(event, (&mut reader, &mut parsers), &mut builder)?);
        }
        if builder.is_empty() {
            return Ok((None, outcomes));
        }
        Ok((Some(Run::new(builder.finish().map_err(Error::internal)?)?), outcomes))
    }

    fn merge_event(
        &self,
        event: &DifferingCopies,
        (reader, parsers): (&mut SpoolReader<'_>, &mut CopyParsers),
        builder: &mut BatchBuilder,
    ) -> Result<MergeOutcome> {
        let mut read =
            |place| MergedEvent::from_copy(&reader.read(place)?, parsers).map_err(Error::internal);
        let stored = event.stored.map(|stored| read(stored.copy)).transpose()?;
        let mut by_hash = HashMap::new();
        for (hash, row) in distinct_copies(&event.staged) {
            let place = self.staged.get(&row).copied();
            let place = place.ok_or_else(|| Error::internal("a staged copy was not collected"))?;
            by_hash.insert(hash, read(place)?);
        }
        let copies: Vec<(StagedRow, &MergedEvent)> = event
            .staged
            .iter()
            .filter_map(|copy| Some((copy.row, by_hash.get(&copy.hash)?)))
            .collect();
        let mut merged = stored.clone();
        for (_, copy) in &copies {
            add_copy(&mut merged, copy);
        }
        let (Some(merged), Some(first)) = (merged, event.staged.first()) else {
            return Ok(MergeOutcome::default());
        };
        let mut outcome = MergeOutcome {
            is_written: stored.as_ref() != Some(&merged),
            ..MergeOutcome::default()
        };
        self.count(&merged, stored, &copies, &mut outcome);
        if outcome.is_written {
            let appended = builder.append_merged(&merged, first.row.key(self.runs));
            appended.map_err(|rejected| Error::internal(rejected.0))?;
        }
        Ok(outcome)
    }

    /// Finds the copy that improves the stored event, and those that contradict other copies.
    fn count(
        &self,
        merged: &MergedEvent,
        stored: Option<MergedEvent>,
        copies: &[(StagedRow, &MergedEvent)],
        outcome: &mut MergeOutcome,
    ) {
        let is_improved = stored.as_ref().is_some_and(|stored| merged.improves(stored));
        let has_conflicts = merged.has_conflicts();
        if !is_improved && !has_conflicts {
            return;
        }
        let mut before = stored;
        for (row, copy) in copies {
            if has_conflicts && merged.conflicts_with(copy, before.as_ref()) {
                outcome.conflicting.push(*row);
            }
            let known = before.clone();
            add_copy(&mut before, copy);
            if is_improved
                && outcome.improved_by.is_none()
                && let (Some(known), Some(now)) = (&known, &before)
                && now.improves(known)
            {
                outcome.improved_by = Some(*row);
            }
        }
    }
}

fn add_copy(merged: &mut Option<MergedEvent>, copy: &MergedEvent) {
    match merged {
        Some(merged) => merged.merge(copy.clone()),
        None => *merged = Some(copy.clone()),
    }
}
