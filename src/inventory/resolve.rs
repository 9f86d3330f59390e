//! Decides what is there as of a day, from all stored snapshots.
//!
//! A workspace has the state of its latest scan, as a whole: items of two scans are never mixed. It
//! is gone only if a later full snapshot lacks it. The order of reading plays no part.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::attributes::attribute_rows;
use super::capacities::{HeldCapacity, resolve_capacities};
use super::groups::{HeldGroup, resolve_groups};
use super::licenses::{HeldLicense, HeldPerson, HeldProduct, resolve_people};
use super::refreshes::{HeldRefresh, resolve_refreshes};
use super::shape::Shape;
use super::snapshots::{self, Cluster, InventorySnapshot, Scan, States, scans};
use super::taken_at::ScanCoverage;
use crate::schema::MICROS_PER_DAY;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// A snapshot without a stated coverage is full if it has this share of the known workspaces.
const FULL_PERCENT: usize = 90;

/// The start of the names of app copies.
const APP_PREFIX: &str = "[App] ";

/// Why an item or workspace does not count as content of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// The copy of an item in an app.
    AppCopy,
    /// A report or semantic model that Power BI makes for usage metrics.
    UsageMetrics,
    /// The workspace was deleted, or a later full snapshot lacks it.
    DeletedWorkspace,
    /// The workspace is in a state other than active.
    InactiveWorkspace,
    /// The workspace of admin monitoring.
    AdminWorkspace,
    /// A personal workspace.
    PersonalWorkspace,
}

impl LeftOut {
    /// Returns the name in views.
    pub fn name(self) -> &'static str {
        match self {
            LeftOut::AppCopy => "app copy",
            LeftOut::UsageMetrics => "usage metrics",
            LeftOut::DeletedWorkspace => "deleted workspace",
            LeftOut::InactiveWorkspace => "inactive workspace",
            LeftOut::AdminWorkspace => "admin workspace",
            LeftOut::PersonalWorkspace => "personal workspace",
        }
    }
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldWorkspace<'r> {
    /// The ID.
    pub id: &'r str,
    /// The row of its latest state, if a file describes the workspace itself.
    pub row: Option<&'r InventoryRow>,
    /// The time of that state.
    pub taken_us: i64,
    /// The times of the first and last snapshot with it.
    pub seen_us: (i64, i64),
    /// The time of the first full snapshot without it.
    pub gone_us: Option<i64>,
    /// True if the snapshot of its access rights was asked for them.
    pub has_users: bool,
    /// True if a snapshot of all its items was asked for their dependencies.
    pub has_lineage: bool,
    /// Why it does not count.
    pub left_out: Option<LeftOut>,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldItem<'r> {
    /// The row. Fields that its file lacks are those of other kinds of files.
    pub row: Cow<'r, InventoryRow>,
    /// The time of the state.
    pub taken_us: i64,
    /// The time of the first snapshot with it.
    pub first_us: i64,
    /// The item of which it is a copy in an app.
    pub original_id: Option<&'r str>,
    /// Why it does not count.
    pub left_out: Option<LeftOut>,
}

/// An access right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAccess<'r> {
    /// The row.
    pub row: &'r InventoryRow,
    /// The time of the state.
    pub taken_us: i64,
}

/// A dependency of an item on another item, as a file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLineage<'r> {
    /// The row.
    pub row: &'r InventoryRow,
}

/// The workspaces, items and access rights as of a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory<'r> {
    /// The snapshots, in the order of time.
    pub snapshots: Vec<InventorySnapshot>,
    /// The workspaces, sorted by ID.
    pub workspaces: Vec<HeldWorkspace<'r>>,
    /// The items, sorted by workspace, kind and ID.
    pub items: Vec<HeldItem<'r>>,
    /// The access rights, in the order of the items.
    pub access: Vec<HeldAccess<'r>>,
    /// The direct dependencies of the items, but for those of reports on their semantic models.
    pub lineage: Vec<HeldLineage<'r>>,
    /// The people, sorted by address.
    pub people: Vec<HeldPerson>,
    /// The licenses, sorted by address.
    pub licenses: Vec<HeldLicense<'r>>,
    /// The bought products, sorted by name.
    pub products: Vec<HeldProduct<'r>>,
    /// The refreshes of semantic models, each once.
    pub refreshes: Vec<HeldRefresh<'r>>,
    /// The latest counts of refreshes of each semantic model.
    pub refreshables: Vec<HeldRefresh<'r>>,
    /// The rows of attributes of people, the latest last.
    pub attributes: Vec<&'r InventoryRow>,
    /// The capacities, sorted by ID.
    pub capacities: Vec<HeldCapacity<'r>>,
    /// The groups, sorted by ID.
    pub groups: Vec<HeldGroup<'r>>,
}

/// When a workspace was seen.
pub(super) struct Presence {
    seen_us: (i64, i64),
    gone_us: Option<i64>,
    pub(super) is_personal: bool,
}

/// A source of what is known of a workspace.
struct Candidate<'r, 'c> {
    scans: Vec<&'c Scan<'r>>,
    snapshot: &'c InventorySnapshot,
    taken_us: i64,
}

impl Candidate<'_, '_> {
    fn covers(&self, kind: &str) -> bool {
        self.scans.iter().any(|scan| scan.asked.contains("items") || scan.asked.contains(kind))
    }
}

/// Returns what is there as of a time in microseconds since 1970 (UTC), or as of the newest
/// snapshots. If there is none before that time, the first one after it counts.
pub fn resolve(rows: &[InventoryRow], until_us: Option<i64>) -> Inventory<'_> {
    let states = snapshots::states(rows);
    let (of_workspaces, others): (Vec<Scan<'_>>, Vec<Scan<'_>>) =
        scans(rows).into_iter().partition(|scan| scan.shape.is_about_workspaces());
    let (of_refreshes, others): (Vec<Scan<'_>>, Vec<Scan<'_>>) =
        others.into_iter().partition(|scan| scan.shape.is_about_refreshes());
    let (capacities, others): (Vec<Scan<'_>>, Vec<Scan<'_>>) =
        others.into_iter().partition(|scan| scan.shape == Shape::Capacities);
    let (groups, others): (Vec<Scan<'_>>, Vec<Scan<'_>>) =
        others.into_iter().partition(|scan| scan.shape == Shape::EntraGroups);
    let (settings, of_people): (Vec<Scan<'_>>, Vec<Scan<'_>>) =
        others.into_iter().partition(|scan| scan.shape == Shape::TenantSettings);
    let (tables, of_people): (Vec<Scan<'_>>, Vec<Scan<'_>>) =
        of_people.into_iter().partition(|scan| scan.shape == Shape::Attributes);
    let (lists, products): (Vec<Scan<'_>>, Vec<Scan<'_>>) =
        of_people.into_iter().partition(|scan| scan.shape == Shape::People);
    let all = until(of_workspaces, until_us);
    let first_seen = first_seen(&all, &states);
    let mut clusters = snapshots::clusters(all);
    let presence = presence(&mut clusters, &states);
    snapshots::infer_lineage(&mut clusters);
    let mut inventory = Inventory::default();
    let mut latest = latest_of_workspaces(&clusters, &states);
    for (id, presence) in &presence {
        let candidates = candidates(latest.remove(id).unwrap_or_default());
        add_workspace(&mut inventory, id, presence, &candidates, &states, &first_seen);
    }
    let unplaced = latest.remove("").unwrap_or_default();
    add_unplaced(&mut inventory, unplaced, &clusters, &states, &first_seen);
    let mut of_people = until(lists, until_us);
    of_people.extend(until(products, until_us));
    let mut of_people = snapshots::clusters(of_people);
    let people = resolve_people(&mut of_people, &states);
    inventory.people = people.people;
    inventory.licenses = people.licenses;
    inventory.products = people.products;
    clusters.extend(of_people);
    let mut tables = snapshots::clusters(until(tables, until_us));
    inventory.attributes = attribute_rows(&mut tables, &states);
    clusters.extend(tables);
    let of_refreshes = snapshots::clusters(until(of_refreshes, until_us));
    (inventory.refreshes, inventory.refreshables) = resolve_refreshes(&of_refreshes, &states);
    clusters.extend(of_refreshes);
    let mut capacities = snapshots::clusters(until(capacities, until_us));
    inventory.capacities = resolve_capacities(&mut capacities, &states);
    clusters.extend(capacities);
    let mut groups = snapshots::clusters(until(groups, until_us));
    inventory.groups = resolve_groups(&mut groups, &states);
    clusters.extend(groups);
    clusters.extend(snapshots::clusters(until(settings, until_us)));
    snapshots::count_entries(&mut clusters, &states);
    clusters.sort_by_key(|cluster| (cluster.snapshot.first_us, cluster.snapshot.shape.rank()));
    inventory.snapshots = clusters.into_iter().map(|cluster| cluster.snapshot).collect();
    inventory
}

/// Returns the scans up to a time. If there is none before it, the first one after it counts.
pub(super) fn until<'r>(mut all: Vec<Scan<'r>>, until_us: Option<i64>) -> Vec<Scan<'r>> {
    let first_us = all.iter().map(|scan| scan.taken_us).min();
    if let (Some(until), Some(first)) = (until_us, first_us) {
        let last = if first > until { first + MICROS_PER_DAY } else { until };
        all.retain(|scan| scan.taken_us <= last);
    }
    all
}

/// Returns the time of the first snapshot with each item.
fn first_seen<'r>(all: &[Scan<'r>], states: &States<'r>) -> HashMap<&'r str, i64> {
    let mut of_state: HashMap<&str, i64> = HashMap::new();
    for scan in all {
        let first = of_state.entry(scan.state).or_insert(scan.taken_us);
        *first = (*first).min(scan.taken_us);
    }
    let mut of_item: HashMap<&str, i64> = HashMap::new();
    for (state, rows) in states {
        let Some(us) = of_state.get(state).copied() else { continue };
        for id in
            rows.iter().filter(|r| r.kind == RowKind::Item).filter_map(|r| r.get(Column::ItemId))
        {
            let first = of_item.entry(id).or_insert(us);
            *first = (*first).min(us);
        }
    }
    of_item
}

pub(super) fn workspace_row<'r>(states: &States<'r>, state: &str) -> Option<&'r InventoryRow> {
    let rows = states.get(state)?;
    rows.iter().copied().find(|row| row.kind == RowKind::Workspace)
}

fn is_personal(row: &InventoryRow) -> bool {
    matches!(row.get(Column::Type), Some("PersonalGroup" | "Personal"))
}

/// Returns when each workspace was seen, and decides which snapshots are full.
pub(super) fn presence<'r>(
    clusters: &mut [Cluster<'r>],
    states: &States<'r>,
) -> BTreeMap<&'r str, Presence> {
    let mut known: BTreeMap<&str, Presence> = BTreeMap::new();
    for Cluster { snapshot, scans } in clusters {
        let mut ids: BTreeMap<&str, bool> = BTreeMap::new();
        for scan in scans.iter().filter(|scan| !scan.workspace_id.is_empty()) {
            let personal = workspace_row(states, scan.state).is_some_and(is_personal);
            *ids.entry(scan.workspace_id).or_default() |= personal;
        }
        let includes_personal = ids.values().any(|personal| *personal);
        snapshot.has_personal = includes_personal;
        let in_scope = |presence: &Presence| {
            presence.gone_us.is_none() && (includes_personal || !presence.is_personal)
        };
        if snapshot.shape.has_workspaces() && snapshot.coverage == ScanCoverage::Unknown {
            let present = known.iter().filter(|(_, presence)| in_scope(presence));
            let (all, found) = present.fold((0, 0), |(all, found), (id, _)| {
                (all + 1, found + usize::from(ids.contains_key(id)))
            });
            let is_full = found * 100 >= all * FULL_PERCENT;
            snapshot.coverage =
                if is_full { ScanCoverage::Full } else { ScanCoverage::Incremental };
            snapshot.is_inferred = true;
        }
        if snapshot.shape.has_workspaces() && snapshot.coverage == ScanCoverage::Full {
            for (id, presence) in &mut known {
                if in_scope(presence)
                    && !ids.contains_key(id)
                    && presence.seen_us.1 < snapshot.first_us
                {
                    presence.gone_us = Some(snapshot.first_us);
                }
            }
        }
        for (id, is_personal) in ids {
            let seen_us = (snapshot.first_us, snapshot.last_us);
            let presence =
                known.entry(id).or_insert(Presence { seen_us, gone_us: None, is_personal });
            presence.seen_us.0 = presence.seen_us.0.min(seen_us.0);
            presence.seen_us.1 = presence.seen_us.1.max(seen_us.1);
            presence.is_personal |= is_personal;
            // A list of items can be older than the deletion that it does not know of.
            if snapshot.shape.has_workspaces() {
                presence.gone_us = None;
            }
        }
    }
    known
}

/// The latest of each shape that says something about a workspace.
type LatestByShape<'r, 'c> = BTreeMap<Shape, Candidate<'r, 'c>>;

/// Returns what the latest snapshot of each shape says about each workspace.
fn latest_of_workspaces<'r, 'c>(
    clusters: &'c [Cluster<'r>],
    states: &States<'r>,
) -> HashMap<&'r str, LatestByShape<'r, 'c>> {
    let mut all: HashMap<&str, LatestByShape<'r, 'c>> = HashMap::new();
    for Cluster { snapshot, scans } in clusters {
        let mut own: HashMap<&str, Vec<&'c Scan<'r>>> = HashMap::new();
        for scan in scans {
            own.entry(scan.workspace_id).or_default().push(scan);
        }
        for (id, mut scans) in own {
            // Items of two scans of a workspace are never mixed. Lists have a state for each page.
            // A file that was read by two versions of the program has two states: the later version
            // reads more of it.
            if snapshot.shape.has_workspaces() {
                let rows = |scan: &Scan<'r>| states.get(scan.state).map_or(0, Vec::len);
                scans.sort_by_key(|scan| (scan.taken_us, rows(scan), scan.state));
                scans.drain(..scans.len().saturating_sub(1));
            }
            let Some(taken_us) = scans.iter().map(|scan| scan.taken_us).max() else { continue };
            let latest = all.entry(id).or_default();
            if latest.get(&snapshot.shape).is_none_or(|known| known.taken_us <= taken_us) {
                latest.insert(snapshot.shape, Candidate { scans, snapshot, taken_us });
            }
        }
    }
    all
}

/// Returns what is known of a workspace, the newest day first, and of one day the shape with
/// the most fields first.
fn candidates<'r, 'c>(latest: LatestByShape<'r, 'c>) -> Vec<Candidate<'r, 'c>> {
    let mut all: Vec<Candidate<'r, 'c>> = latest.into_values().collect();
    all.sort_by_key(|candidate| {
        let day = candidate.taken_us.div_euclid(MICROS_PER_DAY);
        (std::cmp::Reverse(day), candidate.snapshot.shape.rank())
    });
    all
}

fn add_workspace<'r>(
    inventory: &mut Inventory<'r>,
    id: &'r str,
    presence: &Presence,
    candidates: &[Candidate<'r, '_>],
    states: &States<'r>,
    first_seen: &HashMap<&'r str, i64>,
) {
    let rows_of = |candidate: &Candidate<'r, '_>| -> Vec<&'r InventoryRow> {
        let all = candidate.scans.iter().filter_map(|scan| states.get(scan.state));
        all.flatten().copied().collect()
    };
    // A table of reports can name its workspaces, and says nothing else about them.
    let (whole, named): (Vec<_>, Vec<_>) =
        candidates.iter().partition(|candidate| candidate.snapshot.shape.has_workspaces());
    let described = whole.into_iter().chain(named).find_map(|candidate| {
        let row = rows_of(candidate).into_iter().find(|row| row.kind == RowKind::Workspace)?;
        Some((row, candidate.taken_us))
    });
    let row = described.map(|(row, _)| row);
    let left_out = workspace_left_out(row, presence.gone_us.is_some());
    let with_users = candidates.iter().find(|candidate| {
        candidate.snapshot.shape.has_workspaces() && candidate.snapshot.has_users
    });
    let with_lineage = lineage_source(candidates);
    let taken_us = described.map_or(presence.seen_us.1, |(_, taken_us)| taken_us);
    inventory.workspaces.push(HeldWorkspace {
        id,
        row,
        taken_us,
        seen_us: presence.seen_us,
        gone_us: presence.gone_us,
        has_users: with_users.is_some(),
        has_lineage: with_lineage.is_some_and(|found| found.snapshot.shape.has_workspaces()),
        left_out,
    });
    if let Some(candidate) = with_lineage {
        let own = rows_of(candidate).into_iter().filter(|row| row.kind == RowKind::Lineage);
        inventory.lineage.extend(own.map(|row| HeldLineage { row }));
    }
    if let Some(candidate) = with_users {
        let own = rows_of(candidate)
            .into_iter()
            .filter(|row| row.kind == RowKind::Access && row.get(Column::ItemId).is_none());
        let taken_us = candidate.taken_us;
        inventory.access.extend(own.map(|row| HeldAccess { row, taken_us }));
    }
    let all_rows: Vec<Vec<&InventoryRow>> = candidates.iter().map(rows_of).collect();
    let kinds: BTreeSet<&str> = all_rows
        .iter()
        .flatten()
        .filter(|row| row.kind == RowKind::Item)
        .filter_map(|row| row.get(Column::ItemKind))
        .collect();
    for kind in kinds {
        let of_kind = candidates.iter().zip(&all_rows).find(|(found, _)| found.covers(kind));
        let Some((candidate, rows)) = of_kind else { continue };
        let start = inventory.items.len();
        add_items(inventory, kind, rows, candidate.taken_us, left_out, first_seen);
        fill_fields(&mut inventory.items[start..], &all_rows);
    }
}

/// Adds the items of lists that do not name their workspaces, unless another file does, or a later
/// full snapshot lacks them.
fn add_unplaced<'r>(
    inventory: &mut Inventory<'r>,
    latest: LatestByShape<'r, '_>,
    clusters: &[Cluster<'r>],
    states: &States<'r>,
    first_seen: &HashMap<&'r str, i64>,
) {
    let id = |row: &InventoryRow| row.get(Column::ItemId).map(str::to_owned);
    let placed: BTreeSet<String> =
        inventory.items.iter().filter_map(|item| id(&item.row)).collect();
    let is_full = |snapshot: &InventorySnapshot| {
        snapshot.coverage == ScanCoverage::Full
            && snapshot.shape.has_workspaces()
            && !snapshot.shape.has_only_workspaces()
    };
    let full = clusters.iter().map(|cluster| &cluster.snapshot).filter(|s| is_full(s));
    let last_full_us = full.map(|snapshot| snapshot.first_us).max();
    let mut found = Inventory::default();
    for candidate in candidates(latest) {
        if last_full_us.is_some_and(|us| us > candidate.taken_us) {
            continue;
        }
        let rows = candidate.scans.iter().filter_map(|scan| states.get(scan.state)).flatten();
        let known: BTreeSet<String> = found.items.iter().filter_map(|item| id(&item.row)).collect();
        let is_new = |row: &&InventoryRow| {
            id(row).is_some_and(|id| !placed.contains(&id) && !known.contains(&id))
        };
        let rows: Vec<&'r InventoryRow> = rows.copied().filter(is_new).collect();
        let kinds = rows.iter().filter_map(|row| row.get(Column::ItemKind));
        for kind in kinds.collect::<BTreeSet<_>>() {
            add_items(&mut found, kind, &rows, candidate.taken_us, None, first_seen);
        }
    }
    inventory.items.splice(0..0, found.items);
    inventory.access.splice(0..0, found.access);
}

/// Returns the newest that was asked for dependencies, if possible one with all items.
fn lineage_source<'a, 'r, 'c>(all: &'a [Candidate<'r, 'c>]) -> Option<&'a Candidate<'r, 'c>> {
    let mut asked = all.iter().filter(|candidate| candidate.snapshot.has_lineage);
    let first = asked.clone().next();
    asked.find(|candidate| candidate.snapshot.shape.has_workspaces()).or(first)
}

/// Returns why a workspace does not count.
pub(super) fn workspace_left_out(row: Option<&InventoryRow>, is_gone: bool) -> Option<LeftOut> {
    let text = |column| row.and_then(|row| row.get(column));
    match (text(Column::Status), text(Column::Type)) {
        _ if is_gone => Some(LeftOut::DeletedWorkspace),
        (Some("Deleted" | "Removing"), _) => Some(LeftOut::DeletedWorkspace),
        (Some(state), _) if state != "Active" && state != "Orphaned" => {
            Some(LeftOut::InactiveWorkspace)
        }
        (_, Some("AdminWorkspace")) => Some(LeftOut::AdminWorkspace),
        (_, Some("PersonalGroup" | "Personal")) => Some(LeftOut::PersonalWorkspace),
        _ => None,
    }
}

fn add_items<'r>(
    inventory: &mut Inventory<'r>,
    kind: &str,
    rows: &[&'r InventoryRow],
    taken_us: i64,
    of_workspace: Option<LeftOut>,
    first_seen: &HashMap<&'r str, i64>,
) {
    let id_of = |row: &'r InventoryRow| row.get(Column::ItemId).unwrap_or_default();
    let usage_models = usage_models(rows);
    // The last of the rows with one ID counts: several pages of a list can repeat an item.
    let items: BTreeMap<&str, &'r InventoryRow> = rows
        .iter()
        .filter(|row| row.kind == RowKind::Item && row.get(Column::ItemKind) == Some(kind))
        .map(|row| (id_of(row), *row))
        .collect();
    let by_name: BTreeMap<&str, &str> = items
        .iter()
        .filter(|(_, row)| row.get(Column::AppId).is_none())
        .filter_map(|(id, row)| Some((row.get(Column::Name)?, *id)))
        .collect();
    let mut access: HashMap<&str, Vec<&'r InventoryRow>> = HashMap::new();
    for row in rows.iter().filter(|row| row.kind == RowKind::Access) {
        access.entry(id_of(row)).or_default().push(row);
    }
    for (id, row) in &items {
        let copied = row.get(Column::Name).and_then(|name| name.strip_prefix(APP_PREFIX));
        let left_out = item_left_out(row, &usage_models, of_workspace);
        let original_id = match left_out == Some(LeftOut::AppCopy) {
            true => row
                .get(Column::OriginalId)
                .or_else(|| copied.and_then(|name| by_name.get(name).copied())),
            false => None,
        };
        let first_us = first_seen.get(id).copied().unwrap_or(taken_us);
        let row = Cow::Borrowed(*row);
        inventory.items.push(HeldItem { row, taken_us, first_us, original_id, left_out });
        let own = access.get(id).map(Vec::as_slice).unwrap_or_default();
        inventory.access.extend(own.iter().map(|row| HeldAccess { row, taken_us }));
    }
}

/// Returns the items among the rows that Power BI made for usage metrics, by their own fields.
pub(super) fn usage_models<'r>(rows: &[&'r InventoryRow]) -> BTreeSet<&'r str> {
    let own = rows.iter().filter(|row| is_usage_metrics(row, None));
    own.map(|row| row.get(Column::ItemId).unwrap_or_default()).collect()
}

/// Returns why an item does not count.
pub(super) fn item_left_out(
    row: &InventoryRow,
    usage_models: &BTreeSet<&str>,
    of_workspace: Option<LeftOut>,
) -> Option<LeftOut> {
    let is_copy = row.get(Column::AppId).is_some()
        || row.get(Column::Name).is_some_and(|name| name.starts_with(APP_PREFIX));
    match is_copy {
        true => Some(LeftOut::AppCopy),
        false if is_usage_metrics(row, Some(usage_models)) => Some(LeftOut::UsageMetrics),
        false => of_workspace,
    }
}

/// Fills the fields that the file of an item lacks with those of other kinds of files, the newest
/// first: a list of PowerShell has no times of creation.
fn fill_fields(items: &mut [HeldItem<'_>], all_rows: &[Vec<&InventoryRow>]) {
    if all_rows.len() < 2 {
        return;
    }
    let mut by_id: HashMap<&str, Vec<&InventoryRow>> = HashMap::new();
    for row in all_rows.iter().flatten().filter(|row| row.kind == RowKind::Item) {
        by_id.entry(row.get(Column::ItemId).unwrap_or_default()).or_default().push(row);
    }
    for item in items {
        let id = item.row.get(Column::ItemId).unwrap_or_default().to_owned();
        for other in by_id.get(id.as_str()).into_iter().flatten() {
            InventoryRow::fill(&mut item.row, other);
        }
    }
}

/// Returns true if Power BI made an item for usage metrics: by its provider, by that of its model,
/// or by its name.
fn is_usage_metrics(row: &InventoryRow, models: Option<&BTreeSet<&str>>) -> bool {
    const NAMES: [&str; 4] = [
        "usage metrics report",
        "report usage metrics model",
        "dashboard usage metrics model",
        "report usage metrics report",
    ];
    let is_named = |name: &str| NAMES.contains(&name.to_lowercase().as_str());
    row.kind == RowKind::Item
        && (row.get(Column::Provider).is_some_and(|text| text.starts_with("UsageMetrics"))
            || row.get(Column::Name).is_some_and(is_named)
            || row
                .get(Column::ModelId)
                .zip(models)
                .is_some_and(|(model, models)| models.contains(model)))
}
