//! The dependencies between items: those that a file names, and all that follow from them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::items::{id, member, objects, text};
use super::resolve::{Inventory, LeftOut};
use crate::record::{Object, Value};
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// The longest chain of dependencies that is followed. Without a limit, a file with one very long
/// chain would have more dependencies than fit into memory.
const MAX_DEPTH: i64 = 100;

/// Lists of an item with what it depends on: name, members with the ID, kind of the upstream item,
/// and members with its workspace.
const UPSTREAM_LISTS: [(&str, &str, &str, &str); 3] = [
    ("upstreamDatasets", "targetDatasetId", "SemanticModel", "groupId"),
    ("upstreamDataflows", "targetDataflowId", "Dataflow", "groupId"),
    ("upstreamDatamarts", "targetDatamartId", "Datamart", "groupId"),
];

/// Returns the dependencies of an item in a file; `None` if the file does not have any of their
/// lists, so that nothing is known about them.
pub(super) fn lineage_rows(
    item: Object<'_>,
    kind: &str,
    item_id: &str,
) -> Option<Vec<InventoryRow>> {
    let mut rows = Vec::new();
    let mut is_known = false;
    let mut add = |upstream: Option<String>, kind_of: Option<&str>, at: Option<String>, what| {
        let Some(upstream) = upstream.filter(|upstream| upstream != item_id) else { return };
        rows.push(
            InventoryRow::new(RowKind::Lineage)
                .with(Column::ItemKind, Some(kind))
                .with(Column::ItemId, Some(item_id))
                .with(Column::UpstreamId, Some(upstream))
                .with(Column::UpstreamKind, kind_of)
                .with(Column::UpstreamWorkspaceId, at)
                .with(Column::Relation, Some::<&str>(what)),
        );
    };
    if let Some(tiles) = member(item, "tiles") {
        is_known = true;
        for tile in list_of(tiles) {
            let place = || id(tile, &["datasetWorkspaceId"]);
            add(id(tile, &["datasetId"]), Some("SemanticModel"), place(), "tile");
            add(id(tile, &["reportId"]), Some("Report"), None, "tile");
        }
    }
    for (list, target, kind_of, place) in UPSTREAM_LISTS {
        let Some(upstreams) = member(item, list) else { continue };
        is_known = true;
        for upstream in list_of(upstreams) {
            add(id(upstream, &[target]), Some(kind_of), id(upstream, &[place]), "upstream");
        }
    }
    if let Some(relations) = member(item, "relations") {
        is_known = true;
        for relation in list_of(relations) {
            let what = text(relation, &["relationType"]).unwrap_or("relation");
            let upstream = id(relation, &["dependentOnArtifactId"]);
            add(upstream, None, id(relation, &["workspaceId"]), what);
        }
    }
    is_known.then_some(rows)
}

fn list_of<'a>(value: Value<'a>) -> impl Iterator<Item = Object<'a>> {
    match value {
        Value::List(list) => Some(objects(list)),
        _ => None,
    }
    .into_iter()
    .flatten()
}

/// A dependency of an item on another item, direct or through others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency<'i> {
    /// The item.
    pub item_id: &'i str,
    /// Its kind.
    pub item_kind: &'i str,
    /// Its workspace.
    pub workspace_id: &'i str,
    /// The item that it depends on.
    pub upstream_id: &'i str,
    /// The kind of what it depends on, if it is known.
    pub upstream_kind: Option<&'i str>,
    /// The workspace of what it depends on, if it is known.
    pub upstream_workspace_id: Option<&'i str>,
    /// 1 for a direct dependency, 2 for a dependency of that, and so on.
    pub depth: i64,
    /// The kind of a direct dependency.
    pub relation: Option<&'i str>,
}

/// A direct dependency: kind and workspace of the upstream item, and the kind of the dependency.
type Edge<'i> = (Option<&'i str>, Option<&'i str>, &'i str);

/// The direct dependencies of each item.
type Edges<'i> = HashMap<&'i str, BTreeMap<&'i str, Edge<'i>>>;

/// Returns all dependencies of the items, each with its shortest chain. An item of a circle does
/// not depend on itself. The copy of an item in an app has no dependencies of its own.
pub fn dependencies<'i>(inventory: &'i Inventory<'_>) -> Vec<Dependency<'i>> {
    let edges = edges(inventory);
    let mut held: HashMap<&str, (&str, &str)> = HashMap::new();
    for item in &inventory.items {
        let text = |column| item.row.get(column).unwrap_or_default();
        held.insert(text(Column::ItemId), (text(Column::ItemKind), text(Column::WorkspaceId)));
    }
    let mut all = Vec::new();
    for (item_id, own) in &edges {
        let Some((item_kind, workspace_id)) = held.get(item_id).copied() else { continue };
        let mut seen: HashSet<&str> = HashSet::from([*item_id]);
        let mut next: BTreeMap<&str, Edge<'i>> = own.clone();
        for depth in 1..=MAX_DEPTH {
            let reached = std::mem::take(&mut next);
            for (upstream_id, (kind, place, relation)) in reached {
                if !seen.insert(upstream_id) {
                    continue;
                }
                let known = held.get(upstream_id).copied();
                all.push(Dependency {
                    item_id,
                    item_kind,
                    workspace_id,
                    upstream_id,
                    upstream_kind: known.map(|(kind, _)| kind).or(kind),
                    upstream_workspace_id: known.map(|(_, place)| place).or(place),
                    depth,
                    relation: (depth == 1).then_some(relation),
                });
                next.extend(
                    edges.get(upstream_id).into_iter().flatten().map(|(id, to)| (*id, *to)),
                );
            }
            if next.is_empty() {
                break;
            }
        }
    }
    all.sort();
    all
}

fn edges<'i>(inventory: &'i Inventory<'_>) -> Edges<'i> {
    let mut edges: Edges<'i> = HashMap::new();
    // A copy whose original is not known is the only sign of what the original depends on.
    let is_copy = |item: &super::resolve::HeldItem<'_>| {
        item.left_out == Some(LeftOut::AppCopy) && item.original_id.is_some()
    };
    let mut present: BTreeSet<&str> = BTreeSet::new();
    for item in inventory.items.iter().filter(|item| !is_copy(item)) {
        let Some(item_id) = item.row.get(Column::ItemId) else { continue };
        present.insert(item_id);
        if let Some(model) = item.row.get(Column::ModelId) {
            let edge = (Some("SemanticModel"), item.row.get(Column::ModelWorkspaceId), "report");
            edges.entry(item_id).or_default().insert(model, edge);
        }
    }
    for held in &inventory.lineage {
        let text = |column| held.row.get(column);
        let (Some(item_id), Some(upstream)) = (text(Column::ItemId), text(Column::UpstreamId))
        else {
            continue;
        };
        if present.contains(item_id) {
            let relation = text(Column::Relation).unwrap_or_default();
            let edge = (text(Column::UpstreamKind), text(Column::UpstreamWorkspaceId), relation);
            edges.entry(item_id).or_default().entry(upstream).or_insert(edge);
        }
    }
    edges
}
