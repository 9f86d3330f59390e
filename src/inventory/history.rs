//! The states of workspaces and items over time: from which snapshot to which each was as it was.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::{
    LeftOut, item_left_out, presence, until, usage_models, workspace_left_out, workspace_row,
};
use super::shape::Shape;
use super::snapshots::{self, Cluster, Scan, States, scans};
use super::taken_at::ScanCoverage;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// The kind of the spans of workspaces.
const WORKSPACE_KIND: &str = "Workspace";

/// A span of time in which a workspace, or an item of one, had the same name, owner and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSpan<'r> {
    /// The kind of the snapshots.
    pub shape: Shape,
    /// The row at the start of the span.
    pub row: &'r InventoryRow,
    /// The kind of the item, or `Workspace`.
    pub kind: &'r str,
    /// The ID of the item or workspace.
    pub id: &'r str,
    /// The workspace.
    pub workspace_id: &'r str,
    /// The owner, else the author.
    pub owner: Option<&'r str>,
    /// The time of the first snapshot with this state.
    pub from_us: i64,
    /// The time of the first later snapshot with another state, or without the item.
    pub until_us: Option<i64>,
    /// Why it does not count.
    pub left_out: Option<LeftOut>,
}

impl ItemSpan<'_> {
    fn is_same(&self, other: &ItemSpan<'_>) -> bool {
        let capacity = |span: &ItemSpan<'_>| match span.kind == WORKSPACE_KIND {
            true => span.row.get(Column::CapacityId).map(str::to_owned),
            false => None,
        };
        self.row.get(Column::Name) == other.row.get(Column::Name)
            && self.owner == other.owner
            && self.left_out == other.left_out
            && capacity(self) == capacity(other)
    }
}

/// The statement of a snapshot about a workspace.
enum Observation<'c, 'r> {
    /// A full snapshot lacks it.
    Absent,
    Scanned(&'c Scan<'r>),
}

/// Returns the states of all workspaces and items up to a time, sorted by kind and ID.
///
/// Only snapshots of one kind count, because kinds list different things: the first kind of those
/// with whole workspaces. A workspace is absent only if a full snapshot of its scope lacks it.
/// Kinds of items that a snapshot was not asked for stay as they were.
pub fn history(rows: &[InventoryRow], until_us: Option<i64>) -> Vec<ItemSpan<'_>> {
    let states = snapshots::states(rows);
    let all = scans(rows).into_iter().filter(|scan| scan.shape.is_about_workspaces()).collect();
    let mut clusters = snapshots::clusters(until(all, until_us));
    let known = presence(&mut clusters, &states);
    let has_items = |shape: &Shape| shape.has_workspaces() && !shape.has_only_workspaces();
    let shapes = clusters.iter().map(|cluster| cluster.snapshot.shape).filter(has_items);
    let Some(shape) = shapes.min_by_key(|shape| shape.rank()) else { return Vec::new() };
    clusters.retain(|cluster| cluster.snapshot.shape == shape);

    let mut scans_of: BTreeMap<&str, Vec<(i64, Observation<'_, '_>)>> = BTreeMap::new();
    for scan in clusters.iter().flat_map(|cluster| &cluster.scans) {
        let own = scans_of.entry(scan.workspace_id).or_default();
        own.push((scan.taken_us, Observation::Scanned(scan)));
    }
    let mut spans = Vec::new();
    for (workspace_id, mut observations) in scans_of {
        let is_personal = known.get(workspace_id).is_some_and(|presence| presence.is_personal);
        observations.extend(absences(&clusters, workspace_id, is_personal));
        let rows = |scan: &Scan<'_>| states.get(scan.state).map_or(0, Vec::len);
        observations.sort_by_key(|(us, observation)| match observation {
            Observation::Absent => (*us, 0, ""),
            // As in the inventory of one day, the state with the most rows counts.
            Observation::Scanned(scan) => (*us, 1 + rows(scan), scan.state),
        });
        spans.extend(spans_of(shape, workspace_id, &observations, &states));
    }
    spans.sort_by_key(|span| (span.kind, span.id, span.from_us, span.workspace_id));
    spans
}

/// Returns the full snapshots that lack a workspace although it is in their scope.
fn absences<'c, 'r>(
    clusters: &'c [Cluster<'r>],
    workspace_id: &str,
    is_personal: bool,
) -> impl Iterator<Item = (i64, Observation<'c, 'r>)> {
    let lacking = clusters.iter().filter(move |Cluster { snapshot, scans }| {
        snapshot.coverage == ScanCoverage::Full
            && (snapshot.has_personal || !is_personal)
            && scans.iter().all(|scan| scan.workspace_id != workspace_id)
    });
    lacking.map(|cluster| (cluster.snapshot.first_us, Observation::Absent))
}

fn spans_of<'r>(
    shape: Shape,
    workspace_id: &'r str,
    observations: &[(i64, Observation<'_, 'r>)],
    states: &States<'r>,
) -> Vec<ItemSpan<'r>> {
    let mut ended = Vec::new();
    let mut open: BTreeMap<(&str, &str), ItemSpan<'r>> = BTreeMap::new();
    let mut last = None;
    for (position, (us, observation)) in observations.iter().enumerate() {
        // The last observation of a time counts.
        if observations.get(position + 1).is_some_and(|(next, _)| next == us) {
            continue;
        }
        let present = match observation {
            Observation::Scanned(scan) if last == Some((scan.state, &scan.asked)) => continue,
            Observation::Scanned(scan) => {
                last = Some((scan.state, &scan.asked));
                present(shape, workspace_id, scan, *us, states)
            }
            Observation::Absent => {
                last = None;
                None
            }
        };
        let mut end = |mut span: ItemSpan<'r>| {
            span.until_us = Some(*us);
            ended.push(span);
        };
        let Some((scan, present)) = present else {
            std::mem::take(&mut open).into_values().for_each(&mut end);
            continue;
        };
        let is_asked = |kind: &str| {
            kind == WORKSPACE_KIND || scan.asked.contains("items") || scan.asked.contains(kind)
        };
        let (stays, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut open)
            .into_iter()
            .partition(|((kind, id), span)| match present.get(&(*kind, *id)) {
                Some(found) => found.is_same(span),
                None => !is_asked(kind),
            });
        rest.into_values().for_each(&mut end);
        open = stays;
        for (key, span) in present {
            open.entry(key).or_insert(span);
        }
    }
    ended.extend(open.into_values());
    ended
}

/// The spans that begin with a scan, by kind and ID.
type Present<'r> = BTreeMap<(&'r str, &'r str), ItemSpan<'r>>;

/// Returns what a scan contains; `None` if the workspace is deleted.
fn present<'c, 'r>(
    shape: Shape,
    workspace_id: &'r str,
    scan: &'c Scan<'r>,
    us: i64,
    states: &States<'r>,
) -> Option<(&'c Scan<'r>, Present<'r>)> {
    let own = workspace_row(states, scan.state);
    let of_workspace = workspace_left_out(own, false);
    if of_workspace == Some(LeftOut::DeletedWorkspace) {
        return None;
    }
    let rows = states.get(scan.state).map(Vec::as_slice).unwrap_or_default();
    let usage_models: BTreeSet<&str> = usage_models(rows);
    let span = |row: &'r InventoryRow| {
        let text = |column| row.get(column);
        let (kind, id, left_out) = match row.kind {
            RowKind::Workspace => (WORKSPACE_KIND, workspace_id, of_workspace),
            RowKind::Item => (
                text(Column::ItemKind)?,
                text(Column::ItemId)?,
                item_left_out(row, &usage_models, of_workspace),
            ),
            _ => return None,
        };
        let owner = text(Column::Owner).or_else(|| text(Column::CreatedBy));
        let (from_us, until_us) = (us, None);
        Some(ItemSpan { shape, row, kind, id, workspace_id, owner, from_us, until_us, left_out })
    };
    let spans = rows.iter().filter_map(|row| span(row));
    Some((scan, spans.map(|span| ((span.kind, span.id), span)).collect()))
}
