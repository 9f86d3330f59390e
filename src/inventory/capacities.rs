//! Capacities: their rows in a file, and the latest state of each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::items::{has, id, is_flattened, member, text, texts};
use super::people::Members;
use super::shape::Shape;
use super::snapshots::{Cluster, States, in_order};
use super::unit::Unit;
use crate::record::{Object, Value};
use crate::schema::guid::is_guid;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// The states of capacities, at the numbers that PowerShell writes in their place.
const STATES: [&str; 10] = [
    "NotActivated",
    "Active",
    "Provisioning",
    "ProvisionFailed",
    "Suspended",
    "PreSuspended",
    "Deleting",
    "Deleted",
    "Invalid",
    "UpdatingSku",
];

/// The smallest Fabric capacity on which people without a license can view content.
const SMALLEST_LARGE_F: u32 = 64;

/// A capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCapacity<'r> {
    /// The row of its latest list. Fields that this list lacks are those of earlier ones.
    pub row: Cow<'r, InventoryRow>,
    /// The times of the first and last list with it.
    pub seen_us: (i64, i64),
}

impl HeldCapacity<'_> {
    /// Returns true if people without a license can view content on it, false if they cannot;
    /// `None` if its SKU does not say it.
    pub fn is_large(&self) -> Option<bool> {
        let sku = self.row.get(Column::Sku)?;
        let letters = sku.find(|c: char| c.is_ascii_digit())?;
        let (family, size) = sku.split_at(letters);
        let size: u32 = size.parse().ok()?;
        match family.to_ascii_uppercase().as_str() {
            "F" => Some(size >= SMALLEST_LARGE_F),
            "P" => Some(true),
            "A" | "EM" | "PP" => Some(false),
            _ => None,
        }
    }
}

/// Returns true if a record is a capacity.
pub(super) fn is_capacity(object: Object<'_>) -> bool {
    has(object, &["id", "displayName", "sku", "region"])
        && (has(object, &["admins"]) || has(object, &["state"]))
}

/// Returns the unit of a capacity; `None` if it has no ID.
pub(super) fn capacity_unit(object: Object<'_>) -> Option<Unit> {
    let state = match member(object, "state") {
        Some(Value::Int(number)) => usize::try_from(number).ok().and_then(|at| STATES.get(at)),
        _ => None,
    };
    let admins = match member(object, "admins") {
        Some(Value::List(list)) => addresses(texts(list)),
        Some(Value::Text(text)) => addresses([text].into_iter()),
        _ => None,
    };
    let mut unit = Unit::new(Shape::Capacities, String::new());
    unit.lost_lists = u64::from(member(object, "admins").is_some_and(is_flattened));
    unit.rows.push(
        InventoryRow::new(RowKind::Capacity)
            .with(Column::ItemId, Some(id(object, &["id"])?))
            .with(Column::Name, text(object, &["displayName"]))
            .with(Column::Status, text(object, &["state"]).or(state.copied()))
            .with(Column::Owner, admins)
            .with(Column::Sku, text(object, &["sku"]))
            .with(Column::Region, text(object, &["region"])),
    );
    Some(unit)
}

/// Returns the unit of a row of a table of capacities; `None` if its ID is missing or no GUID.
pub fn capacity_table_unit(row: Object<'_>) -> Option<Unit> {
    let members = Members::new(row);
    let capacity_id = members.id(&["capacityid", "id"]).filter(|id| is_guid(id))?;
    let admins = members.text(&["admins"]);
    let is_lost = admins.is_some_and(|text| is_flattened(Value::Text(text)));
    let mut unit = Unit::new(Shape::Capacities, String::new());
    unit.lost_lists = u64::from(is_lost);
    unit.rows.push(
        InventoryRow::new(RowKind::Capacity)
            .with(Column::ItemId, Some(capacity_id))
            .with(Column::Name, members.text(&["capacityname", "displayname", "name"]))
            .with(Column::Status, members.text(&["state", "capacitystate"]))
            .with(Column::Owner, admins.and_then(|text| addresses([text].into_iter())))
            .with(Column::Sku, members.text(&["sku", "capacitysku"]))
            .with(Column::Region, members.text(&["region", "capacityregion"])),
    );
    Some(unit)
}

/// Returns the addresses and IDs in texts, sorted and separated by blanks. A text can be a list of
/// Python.
fn addresses<'t>(texts: impl Iterator<Item = &'t str>) -> Option<String> {
    let is_separator = |c: char| c.is_whitespace() || ",;[]'\"".contains(c);
    let words = texts.flat_map(|text| text.split(is_separator)).map(str::to_lowercase);
    let named: BTreeSet<String> =
        words.filter(|word| word.contains('@') || is_guid(word)).collect();
    (!named.is_empty()).then(|| named.into_iter().collect::<Vec<_>>().join(" "))
}

/// Returns the latest state of each capacity, sorted by ID. A list of a person lacks the capacities
/// that this person cannot see, so a capacity that a later list lacks stays.
pub(super) fn resolve_capacities<'r>(
    clusters: &mut [Cluster<'r>],
    states: &States<'r>,
) -> Vec<HeldCapacity<'r>> {
    let mut held: BTreeMap<&str, HeldCapacity<'r>> = BTreeMap::new();
    for Cluster { snapshot, scans } in clusters {
        let mut listed: BTreeSet<&str> = BTreeSet::new();
        for scan in in_order(&*scans) {
            for row in states.get(scan.state).into_iter().flatten().copied() {
                let Some(id) = row.get(Column::ItemId) else { continue };
                listed.insert(id);
                let seen_us = (scan.taken_us, scan.taken_us);
                let mut latest = HeldCapacity { row: Cow::Borrowed(row), seen_us };
                if let Some(earlier) = held.remove(id) {
                    latest.seen_us.0 = earlier.seen_us.0;
                    InventoryRow::fill(&mut latest.row, &earlier.row);
                }
                held.insert(id, latest);
            }
        }
        snapshot.capacities = listed.len();
    }
    held.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Parser;

    fn row_of(json: &str, unit: fn(Object<'_>) -> Option<Unit>) -> Option<(Vec<String>, u64)> {
        let parsed = Parser::default().parse(json.as_bytes(), |record| match record.root() {
            Value::Object(object) => unit(object),
            _ => None,
        });
        let unit = parsed.unwrap()?;
        let texts = unit.rows[0].texts().map(|(_, text)| text.to_owned());
        Some((texts.collect(), unit.lost_lists))
    }

    #[test]
    fn sizes_follow_from_the_sku() {
        for (sku, expected) in [
            ("F64", Some(true)),
            ("f2048", Some(true)),
            ("F32", Some(false)),
            ("P1", Some(true)),
            ("EM3", Some(false)),
            ("A4", Some(false)),
            ("PP3", Some(false)),
            ("FT1", None),
            ("Pro", None),
            ("F", None),
        ] {
            let row = InventoryRow::new(RowKind::Capacity).with(Column::Sku, Some(sku));
            let held = HeldCapacity { row: Cow::Owned(row), seen_us: (0, 0) };
            assert_eq!(held.is_large(), expected, "{sku}");
        }
    }

    #[test]
    fn capacities_of_all_programs_are_read() {
        let id = "0f0800b2-0000-4000-8000-0000000000b2";
        let row = |more: &[&str], lost: u64| {
            let texts = [&[id, "prod"], more].concat();
            Some((texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), lost))
        };
        let upper = id.to_uppercase();
        let rest =
            format!(r#"{{"id":"{upper}","displayName":"prod","sku":"F64","region":"West Europe","#);
        for (json, expected) in [
            (
                r#""admins":["Eva@Example.org","ada@example.org"],"state":"Active"}"#,
                row(&["Active", "ada@example.org eva@example.org", "F64", "West Europe"], 0),
            ),
            (r#""state":"Inactive"}"#, row(&["Inactive", "F64", "West Europe"], 0)),
            (r#""Admins":[],"State":4}"#, row(&["Suspended", "F64", "West Europe"], 0)),
            (r#""Admins":"System.String[]","State":77}"#, row(&["F64", "West Europe"], 1)),
            (r#""Admins":["BI team"]}"#, row(&["F64", "West Europe"], 0)),
        ] {
            assert_eq!(row_of(&format!("{rest}{json}"), capacity_unit), expected, "{json}");
        }
        let zeros = r#"{"id":"00000000-0000-0000-0000-000000000000","displayName":"x"}"#;
        assert_eq!(row_of(zeros, capacity_unit), None);

        for (json, expected) in [
            (
                format!(
                    r#"{{"Capacity Id":"{upper}","Capacity Name":"prod","Sku":"F64","Region":"R",
                        "State":"Active","Admins":"['eva@example.org', 'ada@example.org']"}}"#
                ),
                row(&["Active", "ada@example.org eva@example.org", "F64", "R"], 0),
            ),
            (
                format!(
                    r#"{{"Id":"{upper}","DisplayName":"prod","Sku":"F64","Region":"R",
                        "Admins":"System.Collections.Generic.List`1[System.String]"}}"#
                ),
                row(&["F64", "R"], 1),
            ),
            (r#"{"Id":"prod","DisplayName":"prod","Sku":"F64","Region":"R"}"#.to_owned(), None),
        ] {
            assert_eq!(row_of(&json, capacity_table_unit), expected, "{json}");
        }
    }
}
