//! Which events are stored and which are copies.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use rayon::prelude::*;

use super::parquet;
use super::run::Run;
use super::snapshot::DataFile;
use crate::column::Key;
use crate::error::Result;

/// What became of the events of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fate {
    /// Newly stored.
    pub stored: u64,
    /// Copies of others in this load, or of what the table has.
    pub duplicates: u64,
    /// Duplicates whose content differs from the copy that stays.
    pub conflicting: u64,
}

/// What became of the staged events.
#[derive(Debug, Clone, Default)]
pub struct Fates {
    /// By source number (the upper half of [`Key::order`]).
    pub by_source: BTreeMap<u32, Fate>,
    /// For each run and key, whether the event is stored.
    alive: Vec<Vec<bool>>,
}

impl Fates {
    /// How many events are stored.
    pub fn stored(&self) -> u64 {
        self.by_source.values().map(|fate| fate.stored).sum()
    }

    /// All events of runs stay.
    pub(super) fn all_stay(runs: &[Run]) -> Fates {
        let alive = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
        Fates { by_source: BTreeMap::new(), alive }
    }

    /// Of the events of a single run, those stay that do not go.
    pub(super) fn without(goes: &[bool]) -> Fates {
        let alive = vec![goes.iter().map(|goes| !goes).collect()];
        Fates { by_source: BTreeMap::new(), alive }
    }

    pub(super) fn is_alive(&self, run: usize, position: usize) -> bool {
        self.alive[run][position]
    }
}

/// An event by run and position of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    run: u32,
    position: u32,
}

/// The staged events by id. Only the winner of each id is in it.
struct Winners<'r> {
    runs: &'r [Run],
    table: HashTable<Place>,
}

impl Winners<'_> {
    fn key(&self, place: Place) -> &Key {
        &self.runs[place.run as usize].keys[place.position as usize]
    }

    fn content(&self, place: Place) -> u64 {
        self.runs[place.run as usize].content(place.position as usize)
    }

    fn find(&self, id: u128) -> Option<Place> {
        self.table.find(hash(id), |&place| self.key(place).id == id).copied()
    }

    /// Puts an event in, and gives back the one that lost to it or that it lost to.
    fn enter(&mut self, place: Place) -> Option<Place> {
        let id = self.key(place).id;
        let Some(holder) = self.find(id) else {
            let runs = self.runs;
            self.table.insert_unique(hash(id), place, |place| {
                hash(runs[place.run as usize].keys[place.position as usize].id)
            });
            return None;
        };
        let rank = |key: &Key| (std::cmp::Reverse(key.richness), key.order);
        if rank(self.key(holder)) <= rank(self.key(place)) {
            return Some(place);
        }
        let runs = self.runs;
        let is = |at: &Place| runs[at.run as usize].keys[at.position as usize].id == id;
        if let Some(slot) = self.table.find_mut(hash(id), is) {
            *slot = place;
        }
        Some(holder)
    }
}

/// Ids are random, or hashes; folding their halves is hash enough.
fn hash(id: u128) -> u64 {
    ((id >> 64) as u64 ^ id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Decides on every staged event: the richest copy of an id stays, the first in the archive among
/// equals, and none whose id is in one of the table's files.
pub(super) fn settle(runs: &mut [Run], files: &[DataFile]) -> Result<Fates> {
    let rows = runs.iter().map(|run| run.keys.len()).sum();
    let mut winners = Winners { runs, table: HashTable::with_capacity(rows) };
    let mut alive: Vec<Vec<bool>> = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
    let mut losers = Vec::new();
    for (run, keys) in runs.iter().map(|run| &run.keys).enumerate() {
        for position in 0..keys.len() {
            let place = Place { run: run as u32, position: position as u32 };
            if let Some(loser) = winners.enter(place) {
                alive[loser.run as usize][loser.position as usize] = false;
                losers.push(loser);
            }
        }
    }
    let mut by_source: BTreeMap<u32, Fate> = BTreeMap::new();
    let stored = stored_contents(&winners, files)?;
    let mut duplicate = |winners: &Winners<'_>, place: Place, kept: u64| {
        let fate = by_source.entry(source(winners.key(place))).or_default();
        fate.duplicates += 1;
        fate.conflicting += u64::from(winners.content(place) != kept);
    };
    for &place in &losers {
        let id = winners.key(place).id;
        let kept = stored.get(&id).copied();
        let kept = kept.or_else(|| winners.find(id).map(|winner| winners.content(winner)));
        duplicate(&winners, place, kept.unwrap_or(0));
    }
    for (&id, &kept) in &stored {
        if let Some(place) = winners.find(id) {
            alive[place.run as usize][place.position as usize] = false;
            duplicate(&winners, place, kept);
        }
    }
    for (run, alive) in runs.iter().zip(&alive) {
        for (key, _) in run.keys.iter().zip(alive).filter(|(_, alive)| **alive) {
            by_source.entry(source(key)).or_default().stored += 1;
        }
    }
    Ok(Fates { by_source, alive })
}

fn source(key: &Key) -> u32 {
    (key.order >> 32) as u32
}

/// The content numbers of stored events whose ids were staged again. Every file is asked, not
/// only those of the same months: a copy whose time was garbled is still a copy.
fn stored_contents(winners: &Winners<'_>, files: &[DataFile]) -> Result<BTreeMap<u128, u64>> {
    if winners.table.is_empty() {
        return Ok(BTreeMap::new());
    }
    let contents = files.par_iter().map(|file| {
        let rows = parquet::rows_of_ids(&file.path, |id| winners.find(id).is_some())?;
        if rows.is_empty() { Ok(Vec::new()) } else { parquet::contents(&file.path, &rows) }
    });
    // In the order of the files, whoever has read them.
    let contents: Vec<Vec<(u128, u64)>> = contents.collect::<Result<_>>()?;
    Ok(contents.into_iter().flatten().collect())
}
