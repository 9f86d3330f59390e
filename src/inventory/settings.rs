//! Tenant settings: their rows in a file, and their states over time.

use std::collections::{BTreeMap, BTreeSet};

use super::items::{has, member, objects, text};
use super::resolve::until;
use super::shape::Shape;
use super::snapshots::{self, scans};
use super::unit::Unit;
use crate::record::{Object, Value};
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// Returns true if a record is a tenant setting.
pub(super) fn is_setting(object: Object<'_>) -> bool {
    has(object, &["settingName"])
        && (has(object, &["canSpecifySecurityGroups"]) || has(object, &["enabled", "title"]))
}

/// Returns the unit of a tenant setting; `None` if it has no name.
pub(super) fn setting_unit(object: Object<'_>) -> Option<Unit> {
    let mut unit = Unit::new(Shape::TenantSettings, String::new());
    let state = match member(object, "enabled") {
        Some(Value::Bool(true)) => Some("enabled"),
        Some(Value::Bool(false)) => Some("disabled"),
        _ => None,
    };
    unit.rows.push(
        InventoryRow::new(RowKind::Setting)
            .with(Column::ItemId, Some(text(object, &["settingName"])?))
            .with(Column::Name, text(object, &["title"]))
            .with(Column::Type, text(object, &["tenantSettingGroup"]))
            .with(Column::Status, state)
            .with(Column::EnabledGroups, names(object, "enabledSecurityGroups"))
            .with(Column::ExcludedGroups, names(object, "excludedSecurityGroups"))
            .with(Column::Properties, properties(object)),
    );
    Some(unit)
}

/// Returns the names of security groups, sorted.
fn names(object: Object<'_>, list: &str) -> Option<String> {
    let Some(Value::List(groups)) = member(object, list) else { return None };
    let name = |group: Object<'_>| text(group, &["name", "graphId"]).map(str::to_owned);
    let names: BTreeSet<String> = objects(groups).filter_map(name).collect();
    Some(names.into_iter().collect::<Vec<_>>().join(", "))
}

/// Returns the properties of a setting as `name=value`, sorted.
fn properties(object: Object<'_>) -> Option<String> {
    let Some(Value::List(list)) = member(object, "properties") else { return None };
    let pair = |property: Object<'_>| {
        let value = match member(property, "value")? {
            Value::Text(value) => value.to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            _ => return None,
        };
        Some(format!("{}={value}", text(property, &["name"])?))
    };
    let pairs: BTreeSet<String> = objects(list).filter_map(pair).collect();
    Some(pairs.into_iter().collect::<Vec<_>>().join(", "))
}

/// A span of time in which a tenant setting had the same state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingSpan<'r> {
    /// The row.
    pub row: &'r InventoryRow,
    /// The time of the first snapshot with this state.
    pub from_us: i64,
    /// The time of the first later snapshot with another state, or without the setting.
    pub until_us: Option<i64>,
    /// The time of the last snapshot with this state.
    pub seen_us: i64,
}

/// Returns the states of tenant settings up to a time, sorted by name and time.
pub fn settings(rows: &[InventoryRow], until_us: Option<i64>) -> Vec<SettingSpan<'_>> {
    let states = snapshots::states(rows);
    let own = scans(rows).into_iter().filter(|scan| scan.shape == Shape::TenantSettings);
    let mut ended = Vec::new();
    let mut open: BTreeMap<&str, SettingSpan<'_>> = BTreeMap::new();
    for cluster in snapshots::clusters(until(own.collect(), until_us)) {
        let (first_us, last_us) = (cluster.snapshot.first_us, cluster.snapshot.last_us);
        // Of two files of one day, the later one counts.
        let all = cluster.scans.iter().filter_map(|scan| states.get(scan.state)).flatten();
        let present: BTreeMap<&str, &InventoryRow> =
            all.map(|row| (row.get(Column::ItemId).unwrap_or_default(), *row)).collect();
        let (stays, ends): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut open)
            .into_iter()
            .partition(|(name, span)| present.get(name).is_some_and(|row| is_same(row, span.row)));
        open = stays;
        ended.extend(
            ends.into_values().map(|span| SettingSpan { until_us: Some(first_us), ..span }),
        );
        for (name, row) in present {
            let (from_us, until_us, seen_us) = (first_us, None, last_us);
            open.entry(name).or_insert(SettingSpan { row, from_us, until_us, seen_us }).seen_us =
                last_us;
        }
    }
    ended.extend(open.into_values());
    ended.sort_by(|one, other| {
        let key = |span: &SettingSpan<'_>| {
            (span.row.get(Column::ItemId).map(str::to_owned), span.from_us)
        };
        key(one).cmp(&key(other))
    });
    ended
}

/// Returns true if two rows of a setting have the same state. Its title can change with a release.
fn is_same(one: &InventoryRow, other: &InventoryRow) -> bool {
    [Column::Status, Column::EnabledGroups, Column::ExcludedGroups, Column::Properties]
        .into_iter()
        .all(|column| one.get(column) == other.get(column))
}
