//! Refreshes of semantic models: lists of refreshables and histories of refreshes.
//!
//! The windows of two files overlap. A refresh is known by its semantic model and its request, and
//! the counts of a list of refreshables are never added to those of another.

use std::collections::{BTreeMap, BTreeSet};

use super::items::{has, id, instant, member, number, schedule, text, texts};
use super::shape::Shape;
use super::snapshots::{Cluster, States, in_order};
use super::unit::Unit;
use crate::record::{Object, Value};
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// A refresh, or the refreshes of a semantic model in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRefresh<'r> {
    /// The row.
    pub row: &'r InventoryRow,
    /// The time of the file.
    pub taken_us: i64,
}

/// Returns the unit of a refreshable or a refresh; `None` if the record is none, or does not name
/// its semantic model.
pub(super) fn refresh_unit(object: Object<'_>) -> Option<Unit> {
    if has(object, &["refreshCount", "averageDuration"]) {
        return refreshable_unit(object);
    }
    if !has(object, &["refreshType", "startTime"]) {
        return None;
    }
    let model = id(object, &["dataSetId", "modelId", "semanticModelId"])?;
    let mut row = refresh_row(object, &model)?;
    row.set(Column::Name, text(object, &["dataSet", "datasetName"]));
    row.set(Column::ModelWorkspaceId, id(object, &["groupId", "workspaceId"]));
    row.set(Column::Description, text(object, &["group", "groupName", "workspaceName"]));
    row.set(Column::Owner, owner(object));
    let mut unit = Unit::new(Shape::RefreshHistory, String::new());
    unit.rows.push(row);
    Some(unit)
}

fn refreshable_unit(object: Object<'_>) -> Option<Unit> {
    let model = id(object, &["id", "datasetId"])?;
    let inner = |name: &str| match member(object, name) {
        Some(Value::Object(inner)) => Some(inner),
        _ => None,
    };
    let (group, capacity) = (inner("group"), inner("capacity"));
    let mut unit = Unit::new(Shape::Refreshables, String::new());
    let capacity_id = capacity.and_then(|capacity| id(capacity, &["id"]));
    let workspace_id = group.and_then(|group| id(group, &["id"]));
    let workspace = group.and_then(|group| text(group, &["name"]));
    let name = text(object, &["name"]);
    unit.rows.push(
        InventoryRow::new(RowKind::Refreshable)
            .with(Column::ItemId, Some(model.clone()))
            .with(Column::Name, name)
            .with(Column::ModelWorkspaceId, workspace_id.clone())
            .with(Column::Description, workspace)
            .with(Column::CapacityId, capacity_id.or_else(|| id(object, &["capacityId"])))
            .with(Column::Owner, owner(object))
            .with(Column::StartedAt, instant(object, &["startTime"]))
            .with(Column::EndedAt, instant(object, &["endTime"]))
            .with(Column::Refreshes, number(object, "refreshCount"))
            .with(Column::Failures, number(object, "refreshFailures"))
            .with(Column::Seconds, number(object, "averageDuration"))
            .with(Column::MedianSeconds, number(object, "medianDuration"))
            .with(Column::Schedule, schedule(object)),
    );
    if let Some(mut row) = inner("lastRefresh").and_then(|last| refresh_row(last, &model)) {
        row.set(Column::Name, name);
        row.set(Column::ModelWorkspaceId, workspace_id);
        row.set(Column::Description, workspace);
        unit.rows.push(row);
    }
    Some(unit)
}

/// Returns the row of a refresh; `None` if neither its request nor its start is known.
fn refresh_row(object: Object<'_>, model: &str) -> Option<InventoryRow> {
    let started = instant(object, &["startTime"]);
    let request =
        id(object, &["requestId"]).or_else(|| number(object, "id")).or_else(|| started.clone())?;
    let row = InventoryRow::new(RowKind::Refresh)
        .with(Column::ItemId, Some(model))
        .with(Column::RequestId, Some(request))
        .with(Column::Type, text(object, &["refreshType"]))
        .with(Column::Status, text(object, &["extendedStatus", "status"]))
        .with(Column::StartedAt, started)
        .with(Column::EndedAt, instant(object, &["endTime"]))
        .with(Column::ErrorCode, text(object, &["serviceExceptionJson"]).and_then(error_code));
    Some(row)
}

/// Returns the code in the text of an error. Its other texts can name people and data sources.
fn error_code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("\"errorCode\"")?;
    let code = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    code.split('"').next()
}

/// Returns the addresses of the owners, separated by blanks.
fn owner(object: Object<'_>) -> Option<String> {
    let owners = match member(object, "configuredBy")? {
        Value::Text(text) => vec![text.trim().to_lowercase()],
        Value::List(list) => texts(list).map(|text| text.trim().to_lowercase()).collect(),
        _ => Vec::new(),
    };
    let owners: BTreeSet<String> = owners.into_iter().collect();
    Some(owners.into_iter().collect::<Vec<_>>().join(" "))
}

/// Returns the refreshes of snapshots, each once, and the latest refreshable of each semantic
/// model.
pub(super) fn resolve_refreshes<'r>(
    clusters: &[Cluster<'r>],
    states: &States<'r>,
) -> (Vec<HeldRefresh<'r>>, Vec<HeldRefresh<'r>>) {
    let scans = in_order(clusters.iter().flat_map(|cluster| &cluster.scans));
    let mut refreshes: BTreeMap<(&str, &str), HeldRefresh<'r>> = BTreeMap::new();
    let mut refreshables: BTreeMap<&str, HeldRefresh<'r>> = BTreeMap::new();
    for scan in scans {
        for row in states.get(scan.state).into_iter().flatten().copied() {
            let held = HeldRefresh { row, taken_us: scan.taken_us };
            let model = row.get(Column::ItemId).unwrap_or_default();
            match row.kind {
                RowKind::Refreshable => drop(refreshables.insert(model, held)),
                RowKind::Refresh => {
                    let key = (model, row.get(Column::RequestId).unwrap_or_default());
                    let is_ended = |held: &HeldRefresh<'_>| held.row.get(Column::EndedAt).is_some();
                    // A file can still show a refresh as running that another has seen end. A
                    // history has more fields than the last refresh of a refreshable.
                    let rank = |held: &HeldRefresh<'_>| {
                        (is_ended(held), held.row.get(Column::Owner).is_some())
                    };
                    let known = refreshes.entry(key).or_insert_with(|| held.clone());
                    if rank(&held) >= rank(known) {
                        *known = held;
                    }
                }
                _ => {}
            }
        }
    }
    (refreshes.into_values().collect(), refreshables.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn codes_of_errors_are_found() {
        let text = r#"{"errorCode":"ModelRefreshFailed","error":{"x":1}}"#;
        assert_eq!(error_code(text), Some("ModelRefreshFailed"));
        assert_eq!(error_code("{\"errorCode\" : \"A\"}"), Some("A"));
        assert_eq!(error_code("a text"), None);
    }
}
