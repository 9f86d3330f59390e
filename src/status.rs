//! What a store holds: the conductor of one small question.
//!
//! Owns: which figures say how a store is. Must not know flags or how the figures are shown.

use serde::Serialize;

use crate::error::Result;
use crate::query;
use crate::record::time;
use crate::schema::source_log::{RecordCounts, SourceFacts, Problem};
pub use crate::schema::source_log::{SourceWarning, WarningKind};
use crate::store::Snapshot;

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
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
    pub troubled: Vec<Troubled>,
    /// Sources that something speaks against.
    pub suspected: Vec<Suspected>,
}

/// A source that something speaks against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suspected {
    /// Its path.
    pub source: String,
    /// What speaks against it.
    pub suspicions: Vec<SourceWarning>,
}

/// A source with something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Troubled {
    /// Its path.
    pub source: String,
    /// Its records that could not be taken.
    pub rejected: u64,
    /// What is wrong with it.
    pub troubles: Vec<Problem>,
}

/// Looks at a version of a store.
///
/// # Errors
///
/// [`crate::Error::Query`] where a file cannot be read.
pub fn of(snapshot: &Snapshot) -> Result<Status> {
    let holdings = query::holdings(snapshot)?;
    let extent = query::extent(snapshot)?;
    let mut records = RecordCounts::default();
    for source in &snapshot.sources {
        records.add(&source.records);
    }
    let suspected = snapshot.sources.iter().filter(|source| !source.warnings.is_empty());
    let troubled = snapshot.sources.iter().filter(|source| !source.problems.is_empty());
    Ok(Status {
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
        troubled: troubled.map(Troubled::of).collect(),
        suspected: suspected.map(Suspected::of).collect(),
    })
}

impl Suspected {
    fn of(source: &SourceFacts) -> Self {
        Suspected { source: source.path.clone(), suspicions: source.warnings.clone() }
    }
}

impl Troubled {
    fn of(source: &SourceFacts) -> Self {
        Troubled {
            source: source.path.clone(),
            rejected: source.records.rejected,
            troubles: source.problems.clone(),
        }
    }
}
