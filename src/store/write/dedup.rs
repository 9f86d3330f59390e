//! Which events are stored and which are copies.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use rayon::prelude::*;

use crate::column::EventKey;
use crate::error::Result;
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::reader;
use crate::store::write::run::Run;

/// What became of the events of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DedupCounts {
    /// Newly stored.
    pub stored: u64,
    /// Copies of others in this load, or of what the table has.
    pub duplicates: u64,
    /// Duplicates whose content differs from the copy that stays.
    pub conflicting: u64,
}

/// What became of the staged events.
#[derive(Debug, Clone, Default)]
pub struct DedupResult {
    /// By source number (the upper half of [`Key::order`]).
    pub by_source: BTreeMap<u32, DedupCounts>,
    /// For each run and key, whether the event is stored.
    kept: Vec<Vec<bool>>,
}

impl DedupResult {
    /// How many events are stored.
    pub fn stored_events(&self) -> u64 {
        self.by_source.values().map(|fate| fate.stored).sum()
    }

    /// All events of runs stay.
    pub(in crate::store) fn keep_all(runs: &[Run]) -> DedupResult {
        let alive = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
        DedupResult { by_source: BTreeMap::new(), kept: alive }
    }

    /// Of the events of a single run, those stay that do not go.
    pub(in crate::store) fn keep_except(goes: &[bool]) -> DedupResult {
        let alive = vec![goes.iter().map(|goes| !goes).collect()];
        DedupResult { by_source: BTreeMap::new(), kept: alive }
    }

    pub(in crate::store) fn is_kept(&self, run: usize, position: usize) -> bool {
        self.kept[run][position]
    }
}

/// An event by run and position of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StagedRow {
    run: u32,
    position: u32,
}

/// The staged events by id. Only the winner of each id is in it.
struct KeptById<'r> {
    /// Each id is in the part that its bits say.
    partitions: Vec<KeptPartition<'r>>,
}

impl<'r> KeptById<'r> {
    /// Lets all staged events compete, and gives back the losers too. Each thread has ids of its
    /// own, whose table is the smaller for it; to look at all keys costs little beside that.
    fn from_runs(runs: &'r [Run]) -> (Self, Vec<StagedRow>) {
        let parts = rayon::current_num_threads().next_power_of_two();
        let rows: usize = runs.iter().map(|run| run.keys.len()).sum();
        let filled: Vec<(KeptPartition<'r>, Vec<StagedRow>)> = (0..parts)
            .into_par_iter()
            .map(|number| {
                let mut part =
                    KeptPartition { runs, table: HashTable::with_capacity(rows / parts) };
                let losers = part.insert_all(|id| partition_index(id, parts) == number);
                (part, losers)
            })
            .collect();
        let (parts, losers): (Vec<_>, Vec<_>) = filled.into_iter().unzip();
        (KeptById { partitions: parts }, losers.concat())
    }

    fn is_empty(&self) -> bool {
        self.partitions.iter().all(|part| part.table.is_empty())
    }

    fn find(&self, id: u128) -> Option<StagedRow> {
        self.partitions[partition_index(id, self.partitions.len())].find(id)
    }
}

/// The number of the part that an id is in, of so many: a power of two.
fn partition_index(id: u128, parts: usize) -> usize {
    id as usize & (parts - 1)
}

/// Some of the staged events by id.
struct KeptPartition<'r> {
    runs: &'r [Run],
    table: HashTable<StagedRow>,
}

impl KeptPartition<'_> {
    /// Enters all events with ids that belong here, and gives back the losers.
    fn insert_all(&mut self, belongs: impl Fn(u128) -> bool) -> Vec<StagedRow> {
        let mut losers = Vec::new();
        for (run, keys) in self.runs.iter().map(|run| &run.keys).enumerate() {
            for (position, key) in keys.iter().enumerate() {
                if belongs(key.id()) {
                    let place = StagedRow { run: run as u32, position: position as u32 };
                    losers.extend(self.insert_or_replace(place));
                }
            }
        }
        losers
    }

    fn find(&self, id: u128) -> Option<StagedRow> {
        self.table.find(hash_id(id), |&place| key_at(self.runs, place).id() == id).copied()
    }

    /// Puts an event in, and gives back the one that lost to it or that it lost to.
    fn insert_or_replace(&mut self, place: StagedRow) -> Option<StagedRow> {
        let runs = self.runs;
        let id = key_at(runs, place).id();
        let Some(holder) = self.find(id) else {
            let hash_at = |&place: &StagedRow| hash_id(key_at(runs, place).id());
            self.table.insert_unique(hash_id(id), place, hash_at);
            return None;
        };
        let rank = |place| {
            let key = key_at(runs, place);
            (std::cmp::Reverse(key.field_count), key.sequence)
        };
        if rank(holder) <= rank(place) {
            return Some(place);
        }
        if let Some(slot) = self.table.find_mut(hash_id(id), |&at| key_at(runs, at).id() == id) {
            *slot = place;
        }
        Some(holder)
    }
}

fn key_at(runs: &[Run], place: StagedRow) -> &EventKey {
    &runs[place.run as usize].keys[place.position as usize]
}

fn content_hash_at(runs: &[Run], place: StagedRow) -> u64 {
    runs[place.run as usize].content_hash(place.position as usize)
}

/// Ids are random, or hashes; folding their halves is hash enough.
fn hash_id(id: u128) -> u64 {
    ((id >> 64) as u64 ^ id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Decides on every staged event: the richest copy of an id stays, the first in the archive among
/// equals, and none whose id is in one of the table's files.
pub(in crate::store) fn deduplicate(runs: &[Run], files: &[DataFile]) -> Result<DedupResult> {
    let (winners, losers) = KeptById::from_runs(runs);
    let mut alive: Vec<Vec<bool>> = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
    let stored = stored_content_hashes(&winners, files)?;
    // A copy, and the content number of the one that stays.
    let copies = losers.par_iter().map(|&loser| {
        let id = key_at(runs, loser).id();
        let kept = stored.get(&id).copied();
        let kept = kept.or_else(|| winners.find(id).map(|winner| content_hash_at(runs, winner)));
        (loser, kept.unwrap_or(0))
    });
    let held = stored.par_iter().filter_map(|(&id, &kept)| Some((winners.find(id)?, kept)));
    let copies = copies.chain(held);
    let copies = copies.map(|(place, kept)| (place, content_hash_at(runs, place) != kept));
    let mut by_source: BTreeMap<u32, DedupCounts> = BTreeMap::new();
    for (place, differs) in copies.collect::<Vec<_>>() {
        alive[place.run as usize][place.position as usize] = false;
        let fate = by_source.entry(source_number(key_at(runs, place))).or_default();
        fate.duplicates += 1;
        fate.conflicting += u64::from(differs);
    }
    for (run, alive) in runs.iter().zip(&alive) {
        let stored = run.keys.iter().zip(alive).filter(|(_, alive)| **alive);
        let stored: Vec<u32> = stored.map(|(key, _)| source_number(key)).collect();
        // Events of one time are mostly of one source: it is looked up once for many.
        for of_one in stored.chunk_by(|one, other| one == other) {
            by_source.entry(of_one[0]).or_default().stored += of_one.len() as u64;
        }
    }
    Ok(DedupResult { by_source, kept: alive })
}

fn source_number(key: &EventKey) -> u32 {
    (key.sequence >> 32) as u32
}

/// The content numbers of stored events whose ids were staged again. Every file is asked, not
/// only those of the same months: a copy whose time was garbled is still a copy.
fn stored_content_hashes(
    winners: &KeptById<'_>,
    files: &[DataFile],
) -> Result<BTreeMap<u128, u64>> {
    if winners.is_empty() {
        return Ok(BTreeMap::new());
    }
    let contents = files.par_iter().map(|file| {
        let rows = reader::find_rows_by_id(&file.path, |id| winners.find(id).is_some())?;
        if rows.is_empty() { Ok(Vec::new()) } else { reader::content_hashes(&file.path, &rows) }
    });
    // In the order of the files, whoever has read them.
    let contents: Vec<Vec<(u128, u64)>> = contents.collect::<Result<_>>()?;
    Ok(contents.into_iter().flatten().collect())
}
