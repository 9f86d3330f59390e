//! The state of a workspace, or of a group of people, in a file.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::Xxh3;

use super::shape::Shape;
use crate::record::time;
use crate::schema::inventory::{
    FIRST_COLUMNS, INVENTORY_COLUMNS, InventoryColumn as Column, InventoryRow, RowKind,
};

/// The state of one workspace in a file, or of one item of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The kind of the file.
    pub shape: Shape,
    /// The workspace; empty if the record does not name it.
    pub workspace_id: String,
    /// The rows of the workspace, its items and access rights.
    pub rows: Vec<InventoryRow>,
    /// The requested parts: `users`, `dependencies`, and the kinds of items or `items` for
    /// all. A missing part was not requested, or there is none.
    pub asked: BTreeSet<String>,
    /// The time in the record at which the scan was made, in microseconds since 1970 (UTC).
    pub taken_us: Option<i64>,
    /// The number of lists that became text, so that their items are lost.
    pub lost_lists: u64,
    /// The number of rows for people whose later rows count.
    pub repeated_rows: u64,
    /// The person, if the unit is a row of a table of attributes.
    pub(super) principal: Option<String>,
    /// The position of that row in its file.
    pub(super) position: u64,
}

impl Unit {
    pub(super) fn new(shape: Shape, workspace_id: String) -> Unit {
        Unit {
            shape,
            workspace_id,
            rows: Vec::new(),
            asked: BTreeSet::new(),
            taken_us: None,
            lost_lists: 0,
            repeated_rows: 0,
            principal: None,
            position: 0,
        }
    }

    /// Puts a person or a group into one of the parts that a list is divided into, and a refresh
    /// into the part of its day.
    pub fn assign_group(&mut self) {
        if matches!(self.shape, Shape::People | Shape::Attributes) {
            let person = self.rows.iter().find_map(|row| row.get(Column::Principal));
            let person = person.or(self.principal.as_deref());
            let digest = digest_of(person.into_iter());
            self.workspace_id = digest.get(..2).unwrap_or_default().to_owned();
        }
        if self.shape == Shape::EntraGroups {
            let digest =
                digest_of(self.rows.iter().find_map(|row| row.get(Column::ItemId)).into_iter());
            self.workspace_id = digest.get(..2).unwrap_or_default().to_owned();
        }
        // Histories overlap: a day that is complete is the same in the next file.
        if self.shape == Shape::RefreshHistory {
            let started = self.rows.iter().find_map(|row| row.get(Column::StartedAt));
            self.workspace_id = started.and_then(|at| at.get(..10)).unwrap_or_default().to_owned();
        }
    }

    /// Returns the number of rows of a kind.
    pub fn count(&self, kind: RowKind) -> u64 {
        self.rows.iter().filter(|row| row.kind == kind).count() as u64
    }

    /// Returns the number of people in the rows.
    pub fn people(&self) -> u64 {
        let listed = |row: &&InventoryRow| matches!(row.kind, RowKind::Person | RowKind::Attribute);
        let people = self.rows.iter().filter(listed).map(|row| row.get(Column::Principal));
        people.collect::<BTreeSet<_>>().len() as u64
    }

    /// Returns the time of the newest change in the rows.
    pub fn newest_change_us(&self) -> Option<i64> {
        let columns = [Column::ModifiedAt, Column::StartedAt, Column::EndedAt];
        let times = self.rows.iter().flat_map(|row| columns.map(|column| row.get(column)));
        times.flatten().filter_map(time::parse).map(|time| time.epoch_us).max()
    }

    /// Sorts the rows, gives them the workspace and the digest of their content, and returns the
    /// digest. The order in the file does not matter.
    pub fn close(&mut self) -> String {
        for row in &mut self.rows {
            row.set(Column::WorkspaceId, Some(self.workspace_id.clone()));
        }
        self.rows.sort();
        self.rows.dedup();
        let state = digest_of(self.rows.iter().flat_map(|row| {
            let (first, _) = INVENTORY_COLUMNS.split_at(FIRST_COLUMNS);
            let first = first.iter().map(|(column, _)| row.get(*column).unwrap_or("\u{0}"));
            let later = row.texts().filter(|(column, _)| *column as usize >= FIRST_COLUMNS);
            [row.kind.name()].into_iter().chain(first).chain(later.map(|(_, text)| text))
        }));
        for row in &mut self.rows {
            row.set(Column::State, Some(state.clone()));
        }
        state
    }
}

/// Returns the digest of texts.
pub fn digest_of<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut hash = Xxh3::new();
    for text in texts {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    format!("{:032x}", hash.digest128())
}

/// Keeps the last of several units for one person, and returns the number of the others.
fn keep_last_rows(units: &mut Vec<Unit>) -> u64 {
    let before = units.len();
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for unit in units.iter() {
        let principal = unit.principal.clone().unwrap_or_default();
        let position = last.entry(principal).or_insert(unit.position);
        *position = (*position).max(unit.position);
    }
    let is_last = |unit: &Unit| {
        let principal = unit.principal.as_deref().unwrap_or_default();
        last.get(principal) == Some(&unit.position)
    };
    units.retain(is_last);
    (before - units.len()) as u64
}

/// Merges the units of single items into one for each workspace.
pub fn close_list_units(units: Vec<Unit>) -> Vec<Unit> {
    let mut merged: BTreeMap<(Shape, String), Unit> = BTreeMap::new();
    let (mut tables, mut units): (Vec<Unit>, Vec<Unit>) =
        units.into_iter().partition(|unit| unit.shape == Shape::Attributes);
    let repeated_rows = keep_last_rows(&mut tables);
    if let Some(first) = tables.first_mut() {
        first.repeated_rows = repeated_rows;
    }
    units.extend(tables);
    for unit in units {
        let key = (unit.shape, unit.workspace_id.clone());
        let known =
            merged.entry(key).or_insert_with(|| Unit::new(unit.shape, unit.workspace_id.clone()));
        known.lost_lists += unit.lost_lists;
        known.repeated_rows += unit.repeated_rows;
        known.rows.extend(unit.rows);
        known.asked.extend(unit.asked);
        known.taken_us = known.taken_us.max(unit.taken_us);
    }
    merged.into_values().collect()
}
