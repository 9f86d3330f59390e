//! Collects the figures that `status` shows.

use serde::Serialize;

use crate::error::Result;
use crate::inventory::{Shape, resolve};
use crate::query::{self, LogKind};
use crate::record::time;
use crate::schema::MICROS_PER_DAY;
use crate::schema::source_log::{Problem, RecordCounts, SourceFacts};
pub use crate::schema::source_log::{SourceWarning, WarningKind};
use crate::store::{Snapshot, read_inventory};

/// Summary of a store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreStatus {
    /// Time of the first event, for example `2024-03-01T08:15:30Z`.
    pub first: Option<String>,
    /// Time of the last event.
    pub last: Option<String>,
    /// Number of events.
    pub events: u64,
    /// Number of different users, including service principals.
    pub users: u64,
    /// Number of automated API events by the default filter.
    pub noise: u64,
    /// Share of automated API events, 0 to 1.
    pub noise_share: Option<f64>,
    /// Number of data files.
    pub files: u64,
    /// Size of the data files in bytes.
    pub bytes: u64,
    /// Number of loaded sources; only the newest version of each counts.
    pub sources: u64,
    /// Counts of the records of these sources.
    pub records: RecordCounts,
    /// Number of stored rejects, of all versions of all sources.
    pub rejects: u64,
    /// The newest snapshot of each kind of inventory, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<InventoryStatus>,
    /// Sources with problems.
    pub problems: Vec<SourceProblems>,
    /// Sources with warnings.
    pub warnings: Vec<SourceWarnings>,
}

/// Warnings of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceWarnings {
    /// Path.
    pub source: String,
    /// Warnings.
    pub warnings: Vec<SourceWarning>,
}

/// Problems of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceProblems {
    /// Path.
    pub source: String,
    /// Number of rejected records.
    pub rejected: u64,
    /// Problems.
    pub problems: Vec<Problem>,
}

/// Collects the summary of a snapshot.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file cannot be read.
pub fn collect_status(snapshot: &Snapshot) -> Result<StoreStatus> {
    let counts = query::archive_counts(snapshot)?;
    let mut ranges = Vec::new();
    for log in LogKind::ALL {
        ranges.extend(query::event_time_range(snapshot, log)?);
    }
    let first = ranges.iter().map(|range| range.first_us).min();
    let last = ranges.iter().map(|range| range.last_us).max();
    let mut records = RecordCounts::default();
    for source in &snapshot.sources {
        records.add(&source.records);
    }
    let with_warnings = snapshot.sources.iter().filter(|source| !source.warnings.is_empty());
    let with_problems = snapshot.sources.iter().filter(|source| !source.problems.is_empty());
    Ok(StoreStatus {
        first: first.map(time::to_rfc3339),
        last: last.map(time::to_rfc3339),
        events: counts.events,
        users: counts.users,
        noise: counts.noise,
        noise_share: (counts.events > 0).then(|| counts.noise as f64 / counts.events as f64),
        files: snapshot.files.len() as u64,
        bytes: snapshot.files.iter().map(|file| file.size_bytes).sum(),
        sources: snapshot.sources.len() as u64,
        records,
        rejects: snapshot.rejects,
        inventory: inventory_status(snapshot)?,
        problems: with_problems.map(SourceProblems::from_source).collect(),
        warnings: with_warnings.map(SourceWarnings::from_source).collect(),
    })
}

/// The snapshots of one kind of inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InventoryStatus {
    /// Kind of the files, for example `scanner result`.
    pub kind: String,
    /// Number of snapshots.
    pub snapshots: u64,
    /// Time of the newest one, for example `2026-03-15T02:00:41Z`.
    pub newest: String,
    /// Age of the newest one in whole days.
    pub age_days: i64,
    /// Coverage of the newest one: `full`, `incremental` or `unknown`.
    pub coverage: String,
    /// Number of workspaces in the newest one.
    pub workspaces: u64,
    /// Number of people in the newest one.
    pub people: u64,
    /// Number of capacities in the newest one.
    pub capacities: u64,
    /// Number of groups in the newest one.
    pub groups: u64,
    /// Number of tenant settings in the newest one.
    pub settings: u64,
    /// Number of subscribed products in the newest one.
    pub products: u64,
    /// Number of refreshes in the newest one.
    pub refreshes: u64,
    /// Number of semantic models with counts of refreshes in the newest one.
    pub refreshables: u64,
}

fn inventory_status(snapshot: &Snapshot) -> Result<Vec<InventoryStatus>> {
    let rows = read_inventory(&snapshot.inventory_files)?;
    let now_us = chrono::Utc::now().timestamp_micros();
    let mut kinds: Vec<InventoryStatus> = Vec::new();
    for found in resolve(&rows, None).snapshots.into_iter().rev() {
        let name = found.shape.name();
        let entries = |shape| if found.shape == shape { found.entries as u64 } else { 0 };
        match kinds.iter_mut().find(|known| known.kind == name) {
            Some(known) => known.snapshots += 1,
            None => kinds.push(InventoryStatus {
                kind: name.to_owned(),
                snapshots: 1,
                newest: time::to_rfc3339(found.last_us),
                age_days: (now_us - found.last_us).div_euclid(MICROS_PER_DAY),
                coverage: found.coverage.name().to_owned(),
                workspaces: found.workspaces as u64,
                people: found.people as u64,
                capacities: found.capacities as u64,
                groups: found.groups as u64,
                settings: entries(Shape::TenantSettings),
                products: entries(Shape::Products),
                refreshes: entries(Shape::RefreshHistory),
                refreshables: entries(Shape::Refreshables),
            }),
        }
    }
    Ok(kinds)
}

impl SourceWarnings {
    fn from_source(source: &SourceFacts) -> Self {
        SourceWarnings { source: source.path.clone(), warnings: source.warnings.clone() }
    }
}

impl SourceProblems {
    fn from_source(source: &SourceFacts) -> Self {
        SourceProblems {
            source: source.path.clone(),
            rejected: source.records.rejected,
            problems: source.problems.clone(),
        }
    }
}
