//! Deduplication: of each Id, one event is stored.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use rayon::prelude::*;

use crate::column::EventKey;
use crate::error::Result;
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::reader;
use crate::store::write::run::{Run, row_number};

/// The numbers of stored and duplicate events of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DedupCounts {
    /// Newly stored events.
    pub stored: u64,
    /// Duplicates of other events in this write or in the table.
    pub duplicates: u64,
    /// Duplicates whose content differs from the stored event.
    pub conflicting: u64,
}

/// The result of a deduplication.
#[derive(Debug, Clone, Default)]
pub struct DedupResult {
    /// The counts by source number (the upper half of [`EventKey::sequence`]).
    pub by_source: BTreeMap<u32, DedupCounts>,
    /// For each run and key: true if the event is stored.
    kept: Vec<Vec<bool>>,
}

impl DedupResult {
    /// Returns the number of stored events.
    pub fn stored_events(&self) -> u64 {
        self.by_source.values().map(|counts| counts.stored).sum()
    }

    /// Returns a result that keeps all events of `runs`.
    pub(in crate::store) fn keep_all(runs: &[Run]) -> DedupResult {
        let kept = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
        DedupResult { by_source: BTreeMap::new(), kept }
    }

    /// Returns a result for a single run that keeps the events with false in `erased`.
    pub(in crate::store) fn keep_except(erased: &[bool]) -> DedupResult {
        let kept = vec![erased.iter().map(|erased| !erased).collect()];
        DedupResult { by_source: BTreeMap::new(), kept }
    }

    /// Returns true if the event at a position of a run is stored.
    pub(in crate::store) fn is_kept(&self, run: usize, position: usize) -> bool {
        self.kept[run][position]
    }
}

/// An event, by its run and the position of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StagedRow {
    run: u32,
    position: u32,
}

impl StagedRow {
    fn run(self) -> usize {
        self.run as usize
    }

    fn position(self) -> usize {
        self.position as usize
    }
}

/// The staged events by Id, with one event for each Id.
struct KeptById<'r> {
    /// The partition of an Id is given by its lowest bits.
    partitions: Vec<KeptPartition<'r>>,
}

impl<'r> KeptById<'r> {
    /// Collects one event for each Id, and returns the duplicates too.
    ///
    /// Each thread has its own Ids, so that its hash table is small. Every thread reads all keys,
    /// which costs little compared with the lookups.
    fn from_runs(runs: &'r [Run]) -> Result<(Self, Vec<StagedRow>)> {
        let count = rayon::current_num_threads().next_power_of_two();
        let rows: usize = runs.iter().map(|run| run.keys.len()).sum();
        let filled: Result<Vec<(KeptPartition<'r>, Vec<StagedRow>)>> = (0..count)
            .into_par_iter()
            .map(|number| {
                let table = HashTable::with_capacity(rows / count);
                let mut partition = KeptPartition { runs, table };
                let duplicates = partition.insert_all(|id| partition_index(id, count) == number)?;
                Ok((partition, duplicates))
            })
            .collect();
        let (partitions, duplicates): (Vec<_>, Vec<_>) = filled?.into_iter().unzip();
        Ok((KeptById { partitions }, duplicates.concat()))
    }

    fn is_empty(&self) -> bool {
        self.partitions.iter().all(|partition| partition.table.is_empty())
    }

    fn find(&self, id: u128) -> Option<StagedRow> {
        self.partitions[partition_index(id, self.partitions.len())].find(id)
    }
}

/// Returns the partition of an Id. `count` is the number of partitions, a power of two.
fn partition_index(id: u128, count: usize) -> usize {
    id as usize & (count - 1)
}

/// The staged events of one partition by Id.
struct KeptPartition<'r> {
    runs: &'r [Run],
    table: HashTable<StagedRow>,
}

impl KeptPartition<'_> {
    /// Inserts all events whose Ids belong to this partition, and returns the duplicates.
    fn insert_all(&mut self, belongs: impl Fn(u128) -> bool) -> Result<Vec<StagedRow>> {
        let mut duplicates = Vec::new();
        for (run_number, run) in self.runs.iter().enumerate() {
            // One check for all events of a run: positions are lower than the number of keys.
            let (run_number, _) = (row_number(run_number)?, row_number(run.keys.len())?);
            for (position, key) in (0_u32..).zip(&run.keys) {
                if belongs(key.id()) {
                    let row = StagedRow { run: run_number, position };
                    duplicates.extend(self.insert_or_replace(row));
                }
            }
        }
        Ok(duplicates)
    }

    fn find(&self, id: u128) -> Option<StagedRow> {
        self.table.find(hash_id(id), |&row| key_at(self.runs, row).id() == id).copied()
    }

    /// Inserts an event, and returns the duplicate: this event or the one that it has replaced.
    fn insert_or_replace(&mut self, row: StagedRow) -> Option<StagedRow> {
        let runs = self.runs;
        let id = key_at(runs, row).id();
        let Some(kept) = self.find(id) else {
            let hash_at = |&row: &StagedRow| hash_id(key_at(runs, row).id());
            self.table.insert_unique(hash_id(id), row, hash_at);
            return None;
        };
        let rank = |row| {
            let key = key_at(runs, row);
            (std::cmp::Reverse(key.field_count), key.sequence)
        };
        if rank(kept) <= rank(row) {
            return Some(row);
        }
        if let Some(slot) = self.table.find_mut(hash_id(id), |&at| key_at(runs, at).id() == id) {
            *slot = row;
        }
        Some(kept)
    }
}

fn key_at(runs: &[Run], row: StagedRow) -> &EventKey {
    &runs[row.run()].keys[row.position()]
}

fn content_hash_at(runs: &[Run], row: StagedRow) -> u64 {
    runs[row.run()].content_hash(row.position())
}

/// Returns the hash of an Id. Ids are random or hashes, so combining their halves is sufficient.
fn hash_id(id: u128) -> u64 {
    ((id >> 64) as u64 ^ id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Deduplicates the staged events against each other and against the table's files.
///
/// Of each Id, the event with the most fields is kept, and the first one in the log files among
/// equals. An event whose Id is in the table is never stored again.
pub(in crate::store) fn deduplicate(runs: &[Run], files: &[DataFile]) -> Result<DedupResult> {
    let (kept_by_id, duplicates) = KeptById::from_runs(runs)?;
    let mut kept: Vec<Vec<bool>> = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
    let stored = stored_content_hashes(&kept_by_id, files)?;
    // Each duplicate with the content hash of the event that is stored.
    let duplicates = duplicates.par_iter().map(|&row| {
        let id = key_at(runs, row).id();
        let hash = stored.get(&id).copied();
        let hash = hash.or_else(|| kept_by_id.find(id).map(|kept| content_hash_at(runs, kept)));
        (row, hash.unwrap_or(0))
    });
    let in_table = stored.par_iter().filter_map(|(&id, &hash)| Some((kept_by_id.find(id)?, hash)));
    let duplicates = duplicates.chain(in_table);
    let duplicates = duplicates.map(|(row, hash)| (row, content_hash_at(runs, row) != hash));
    let mut by_source: BTreeMap<u32, DedupCounts> = BTreeMap::new();
    for (row, differs) in duplicates.collect::<Vec<_>>() {
        kept[row.run()][row.position()] = false;
        let counts = by_source.entry(source_number(key_at(runs, row))).or_default();
        counts.duplicates += 1;
        counts.conflicting += u64::from(differs);
    }
    for (run, kept) in runs.iter().zip(&kept) {
        let stored = run.keys.iter().zip(kept).filter(|(_, kept)| **kept);
        let stored: Vec<u32> = stored.map(|(key, _)| source_number(key)).collect();
        // Events of about the same time are mostly from one source: one lookup for all of them.
        for same_source in stored.chunk_by(|one, other| one == other) {
            by_source.entry(same_source[0]).or_default().stored += same_source.len() as u64;
        }
    }
    Ok(DedupResult { by_source, kept })
}

fn source_number(key: &EventKey) -> u32 {
    (key.sequence >> 32) as u32
}

/// Returns the content hashes of the events in the table whose Ids were staged again.
///
/// All files are read, not only those of the same months: a duplicate may have a damaged time.
fn stored_content_hashes(staged: &KeptById<'_>, files: &[DataFile]) -> Result<BTreeMap<u128, u64>> {
    if staged.is_empty() {
        return Ok(BTreeMap::new());
    }
    let hashes = files.par_iter().map(|file| {
        let rows = reader::find_rows_by_id(&file.path, |id| staged.find(id).is_some())?;
        if rows.is_empty() { Ok(Vec::new()) } else { reader::content_hashes(&file.path, &rows) }
    });
    // In the order of the files, independent of the threads that have read them.
    let hashes: Vec<Vec<(u128, u64)>> = hashes.collect::<Result<_>>()?;
    Ok(hashes.into_iter().flatten().collect())
}
