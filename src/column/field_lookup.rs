//! Maps field names to columns.
//!
//! An event has about thirty members, in most events in the same order as in an event before. So
//! each name is first compared with the two names that followed the previous name recently, which
//! is cheap. Otherwise the name is looked up, first as it is spelled and then without case.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::schema::{column_index, columns};

/// The entry before the first name of an event.
pub(super) const START: u32 = 0;

/// The most names that are remembered. Further names are looked up every time, since a file can
/// have any number of distinct names, for example if ids are names.
const MAX_REMEMBERED_NAMES: usize = 4096;

/// The target of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldTarget {
    /// A typed column, by its own name.
    Column(u16),
    /// A typed column, by a name in another case or by an alias. It counts only if the event does
    /// not have the column's own name.
    OtherName(u16),
    /// No column: the member goes to `Extra`.
    Unknown,
}

struct NameEntry {
    name: Box<str>,
    target: FieldTarget,
    /// The last two entries that followed this one, the newest first.
    followers: [u32; 2],
}

/// The names that occurred so far.
pub(super) struct FieldLookup {
    entries: Vec<NameEntry>,
    by_name: HashTable<u32>,
    hasher: FixedState,
    /// The target of the last name that is not remembered.
    overflow_target: FieldTarget,
}

impl Default for FieldLookup {
    fn default() -> Self {
        let start =
            NameEntry { name: "".into(), target: FieldTarget::Unknown, followers: [START; 2] };
        FieldLookup {
            entries: vec![start],
            by_name: HashTable::new(),
            hasher: FixedState::default(),
            overflow_target: FieldTarget::Unknown,
        }
    }
}

/// The entry for a name that is not remembered.
const OVERFLOW: u32 = u32::MAX;

impl FieldLookup {
    /// Returns the entry of a name that follows the entry `previous`.
    pub(super) fn find(&mut self, previous: u32, name: &str) -> u32 {
        let next = self.entries.get(previous as usize).map_or([START; 2], |entry| entry.followers);
        let is = |guess: u32| guess != START && *self.entries[guess as usize].name == *name;
        if is(next[0]) {
            return next[0];
        }
        let found = if is(next[1]) { next[1] } else { self.look_up(name) };
        if found != OVERFLOW
            && let Some(entry) = self.entries.get_mut(previous as usize)
        {
            entry.followers = [found, next[0]];
        }
        found
    }

    /// Returns the target of an entry.
    pub(super) fn target(&self, entry: u32) -> FieldTarget {
        self.entries.get(entry as usize).map_or(self.overflow_target, |entry| entry.target)
    }

    #[cold]
    fn look_up(&mut self, name: &str) -> u32 {
        let hash = self.hasher.hash_one(name);
        let is = |&entry: &u32| *self.entries[entry as usize].name == *name;
        if let Some(&entry) = self.by_name.find(hash, is) {
            return entry;
        }
        let column = column_index(name).and_then(|column| u16::try_from(column).ok());
        let target = column.map_or(FieldTarget::Unknown, |column| {
            match columns()[usize::from(column)].name == name {
                true => FieldTarget::Column(column),
                false => FieldTarget::OtherName(column),
            }
        });
        if self.entries.len() >= MAX_REMEMBERED_NAMES {
            self.overflow_target = target;
            return OVERFLOW;
        }
        let entry = self.entries.len() as u32;
        self.entries.push(NameEntry { name: name.into(), target, followers: [START; 2] });
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.by_name
            .insert_unique(hash, entry, |&entry| hasher.hash_one(&*entries[entry as usize].name));
        entry
    }
}

/// Returns the rank of a name of a column; the lowest counts. The column's own name is the best,
/// then comes the name in another case, then an alias.
pub(super) fn name_rank<'n>(name: &'n str, own_name: &str) -> (bool, bool, &'n str) {
    (name != own_name, !name.eq_ignore_ascii_case(own_name), name)
}

#[cfg(test)]
mod tests {
    use crate::column::field_lookup::*;

    #[test]
    fn names_are_found_in_any_case_and_any_order() {
        let mut names = FieldLookup::default();
        let mut target = |previous, name: &str| {
            let entry = names.find(previous, name);
            (entry, names.target(entry))
        };
        let (id, column) = target(START, "Id");
        assert_eq!(column, FieldTarget::Column(column_index("id").unwrap() as u16));
        let other = FieldTarget::OtherName(column_index("id").unwrap() as u16);
        assert_eq!(target(START, "ID").1, other);
        let (_, unknown) = target(id, "NoSuchField");
        assert_eq!(unknown, FieldTarget::Unknown);
        for number in 0..10_000 {
            assert_eq!(target(id, &format!("name {number}")).1, FieldTarget::Unknown);
        }
        let time = column_index("CreationTime").unwrap() as u16;
        assert_eq!(target(START, "CreationTime").1, FieldTarget::Column(time));
        assert_eq!(target(id, "creationTIME").1, FieldTarget::OtherName(time));
    }
}
