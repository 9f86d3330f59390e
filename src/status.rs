//! Collects the figures that `status` shows.

use serde::Serialize;

use crate::error::Result;
use crate::query::{self, LogKind};
use crate::record::time;
use crate::schema::source_log::{Problem, RecordCounts, SourceFacts};
pub use crate::schema::source_log::{SourceWarning, WarningKind};
use crate::store::Snapshot;

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
        problems: with_problems.map(SourceProblems::from_source).collect(),
        warnings: with_warnings.map(SourceWarnings::from_source).collect(),
    })
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
