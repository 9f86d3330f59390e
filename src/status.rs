//! What a store holds: the conductor of one small question.
//!
//! Owns: which figures say how a store is. Must not know flags or how the figures are shown.

use serde::Serialize;

use crate::error::Result;
use crate::query;
use crate::record::time;
use crate::schema::source_log::{Problem, RecordCounts, SourceFacts};
pub use crate::schema::source_log::{SourceWarning, WarningKind};
use crate::store::Snapshot;

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreStatus {
    /// The first event, as `2024-03-01T08:15:30Z`.
    pub first: Option<String>,
    /// The last event.
    pub last: Option<String>,
    /// Events.
    pub events: u64,
    /// Different users among them, services included.
    pub users: u64,
    /// Events that are noise by the default filter.
    pub noise: u64,
    /// Their share of all, 0 to 1.
    pub noise_share: Option<f64>,
    /// Parquet files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Sources that were read, each in its newest form.
    pub sources: u64,
    /// How the records of these sources were disposed of.
    pub records: RecordCounts,
    /// Records that could not be taken and are kept, of all forms of all sources.
    pub rejects: u64,
    /// Sources with something wrong.
    pub problems: Vec<SourceProblems>,
    /// Sources that something speaks against.
    pub warnings: Vec<SourceWarnings>,
}

/// A source that something speaks against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceWarnings {
    /// Its path.
    pub source: String,
    /// What speaks against it.
    pub warnings: Vec<SourceWarning>,
}

/// A source with something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceProblems {
    /// Its path.
    pub source: String,
    /// Its records that could not be taken.
    pub rejected: u64,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Looks at a version of a store.
///
/// # Errors
///
/// [`crate::Error::Query`] where a file cannot be read.
pub fn collect_status(snapshot: &Snapshot) -> Result<StoreStatus> {
    let holdings = query::archive_counts(snapshot)?;
    let extent = query::event_time_range(snapshot)?;
    let mut records = RecordCounts::default();
    for source in &snapshot.sources {
        records.add(&source.records);
    }
    let suspected = snapshot.sources.iter().filter(|source| !source.warnings.is_empty());
    let troubled = snapshot.sources.iter().filter(|source| !source.problems.is_empty());
    Ok(StoreStatus {
        first: extent.map(|extent| time::to_rfc3339(extent.first_us)),
        last: extent.map(|extent| time::to_rfc3339(extent.last_us)),
        events: holdings.events,
        users: holdings.users,
        noise: holdings.noise,
        noise_share: (holdings.events > 0).then(|| holdings.noise as f64 / holdings.events as f64),
        files: snapshot.files.len() as u64,
        bytes: snapshot.files.iter().map(|file| file.size_bytes).sum(),
        sources: snapshot.sources.len() as u64,
        records,
        rejects: snapshot.rejects,
        problems: troubled.map(SourceProblems::from_source).collect(),
        warnings: suspected.map(SourceWarnings::from_source).collect(),
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
