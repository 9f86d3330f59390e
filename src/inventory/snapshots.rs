//! Groups the files of an inventory into snapshots: one full scan has many files.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::shape::Shape;
use super::taken_at::{FileTime, ScanCoverage};
use crate::record::time;
use crate::schema::MICROS_PER_DAY;
use crate::schema::MICROS_PER_HOUR;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// The longest time between two files of one full scan. A scan of 70,000 workspaces takes hours.
const MAX_GAP_US: i64 = 6 * MICROS_PER_HOUR;

/// The rows by their states.
pub(super) type States<'r> = HashMap<&'r str, Vec<&'r InventoryRow>>;

/// Returns the rows by their states.
pub(super) fn states(rows: &[InventoryRow]) -> States<'_> {
    let mut states: States<'_> = HashMap::new();
    for row in rows.iter().filter(|row| row.kind != RowKind::Scan) {
        states.entry(row.get(Column::State).unwrap_or_default()).or_default().push(row);
    }
    states
}

/// The files of one shape that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventorySnapshot {
    /// The kind of its files.
    pub shape: Shape,
    /// The time of the first file, in microseconds since 1970 (UTC).
    pub first_us: i64,
    /// The time of the last file.
    pub last_us: i64,
    /// The origin of the time; the least reliable of its files.
    pub time_source: FileTime,
    /// Full, or incremental. Whether a snapshot is full is inferred if no file says it.
    pub coverage: ScanCoverage,
    /// True if the coverage is inferred.
    pub is_inferred: bool,
    /// The number of workspaces.
    pub workspaces: usize,
    /// The number of people.
    pub people: usize,
    /// The number of capacities.
    pub capacities: usize,
    /// The number of groups.
    pub groups: usize,
    /// The number of its settings, products, refreshes or refreshables.
    pub entries: usize,
    /// True if it has a personal workspace.
    pub has_personal: bool,
    /// True if some workspace lists who has access.
    pub has_users: bool,
    /// True if some item says what it depends on. An incremental snapshot has few items, so it is
    /// like the full one before it.
    pub has_lineage: bool,
}

/// Returns scans in the order in which they count, the latest last.
pub(super) fn in_order<'s, 'r: 's>(
    scans: impl IntoIterator<Item = &'s Scan<'r>>,
) -> Vec<&'s Scan<'r>> {
    let mut scans: Vec<&Scan<'r>> = scans.into_iter().collect();
    scans.sort_by_key(|scan| (scan.taken_us, scan.document, scan.state));
    scans
}

/// Returns the rows of scans, the latest scan last.
pub(super) fn rows_of<'r>(scans: &[Scan<'r>], states: &States<'r>) -> Vec<&'r InventoryRow> {
    let scans = in_order(scans).into_iter();
    scans.filter_map(|scan| states.get(scan.state)).flatten().copied().collect()
}

/// A workspace in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scan<'r> {
    pub(super) shape: Shape,
    pub(super) coverage: ScanCoverage,
    pub(super) taken_us: i64,
    pub(super) workspace_id: &'r str,
    pub(super) state: &'r str,
    pub(super) time_source: FileTime,
    pub(super) document: &'r str,
    pub(super) asked: BTreeSet<&'r str>,
}

impl<'r> Scan<'r> {
    fn from_row(row: &'r InventoryRow) -> Option<Scan<'r>> {
        let asked = row.get(Column::Asked).unwrap_or_default();
        Some(Scan {
            shape: Shape::from_name(row.get(Column::Shape)?)?,
            coverage: ScanCoverage::from_name(row.get(Column::Coverage).unwrap_or_default()),
            taken_us: time::parse(row.get(Column::TakenAt)?)?.epoch_us,
            workspace_id: row.get(Column::WorkspaceId).unwrap_or_default(),
            state: row.get(Column::State)?,
            time_source: FileTime::from_name(row.get(Column::TimeSource)?)?,
            document: row.get(Column::Document).unwrap_or_default(),
            asked: asked.split(", ").filter(|word| !word.is_empty()).collect(),
        })
    }

    fn is_same_snapshot(&self, earlier: &Scan<'_>) -> bool {
        let is_near = match self.coverage {
            ScanCoverage::Full => self.taken_us - earlier.taken_us <= MAX_GAP_US,
            // The pages of a list can be written across midnight.
            _ if self.shape.is_about_people() => self.taken_us - earlier.taken_us <= MAX_GAP_US,
            _ => {
                let day = |us: i64| us.div_euclid(MICROS_PER_DAY);
                day(self.taken_us) == day(earlier.taken_us)
            }
        };
        self.shape == earlier.shape && self.coverage == earlier.coverage && is_near
    }
}

/// Returns the scans in rows, sorted. A copy of a file without its folders has only the time of
/// the copy: it counts with the best time of that content.
pub(super) fn scans(rows: &[InventoryRow]) -> Vec<Scan<'_>> {
    let mut all: Vec<Scan<'_>> =
        rows.iter().filter(|row| row.kind == RowKind::Scan).filter_map(Scan::from_row).collect();
    let mut best: BTreeMap<&str, FileTime> = BTreeMap::new();
    for scan in &all {
        let known = best.entry(scan.document).or_insert(scan.time_source);
        *known = (*known).min(scan.time_source);
    }
    all.retain(|scan| best.get(scan.document) == Some(&scan.time_source));
    all.sort();
    all.dedup();
    all
}

/// A snapshot and its scans.
pub(super) struct Cluster<'r> {
    pub(super) snapshot: InventorySnapshot,
    pub(super) scans: Vec<Scan<'r>>,
}

/// Groups sorted scans into snapshots, in the order of time.
pub(super) fn clusters(scans: Vec<Scan<'_>>) -> Vec<Cluster<'_>> {
    let mut groups: Vec<Vec<Scan<'_>>> = Vec::new();
    for scan in scans {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| scan.is_same_snapshot(last)) => {
                group.push(scan);
            }
            _ => groups.push(vec![scan]),
        }
    }
    let mut clusters: Vec<Cluster<'_>> = groups.into_iter().filter_map(cluster).collect();
    clusters.sort_by_key(|cluster| (cluster.snapshot.first_us, cluster.snapshot.shape.rank()));
    clusters
}

fn cluster(scans: Vec<Scan<'_>>) -> Option<Cluster<'_>> {
    let first = scans.first()?;
    let ids = scans.iter().map(|scan| scan.workspace_id).filter(|id| !id.is_empty());
    let ids: BTreeSet<&str> = ids.collect();
    let asked = |what: &str| scans.iter().any(|scan| scan.asked.contains(what));
    let snapshot = InventorySnapshot {
        shape: first.shape,
        first_us: scans.iter().map(|scan| scan.taken_us).min()?,
        last_us: scans.iter().map(|scan| scan.taken_us).max()?,
        time_source: scans.iter().map(|scan| scan.time_source).max()?,
        coverage: first.coverage,
        is_inferred: false,
        workspaces: if first.shape.is_about_workspaces() { ids.len() } else { 0 },
        people: 0,
        capacities: 0,
        groups: 0,
        entries: 0,
        has_personal: false,
        has_users: asked("users"),
        has_lineage: asked("dependencies"),
    };
    Some(Cluster { snapshot, scans })
}

/// Counts the settings, products, refreshes and refreshables of snapshots.
pub(super) fn count_entries(clusters: &mut [Cluster<'_>], states: &States<'_>) {
    for Cluster { snapshot, scans } in clusters {
        let kind = match snapshot.shape {
            Shape::TenantSettings => RowKind::Setting,
            Shape::Products => RowKind::Product,
            Shape::RefreshHistory => RowKind::Refresh,
            Shape::Refreshables => RowKind::Refreshable,
            _ => continue,
        };
        let columns = [Column::ItemId, Column::RequestId, Column::SkuId, Column::Product];
        let rows = scans.iter().filter_map(|scan| states.get(scan.state)).flatten();
        let own = rows.filter(|row| row.kind == kind);
        let keys: BTreeSet<_> = own.map(|row| columns.map(|column| row.get(column))).collect();
        snapshot.entries = keys.len();
    }
}

/// Decides which incremental snapshots were asked for dependencies: those of a collector whose full
/// snapshot was.
pub(super) fn infer_lineage(clusters: &mut [Cluster<'_>]) {
    let mut of_full: BTreeMap<Shape, bool> = BTreeMap::new();
    for Cluster { snapshot, .. } in clusters {
        match snapshot.coverage {
            ScanCoverage::Full => drop(of_full.insert(snapshot.shape, snapshot.has_lineage)),
            _ => snapshot.has_lineage |= of_full.get(&snapshot.shape).copied().unwrap_or_default(),
        }
    }
}
