//! What a run would do, told without doing it.
//!
//! Owns: what becomes of each file by what is remembered of sources. No record is read, and
//! nothing is changed: a file is opened to see whether it can be, and its content is looked at only
//! where a digest has to tell whether it is one that was taken from elsewhere.

use std::fs::File;

use serde::Serialize;

use super::account::SourceCounts;
use super::{KnownSources, Options, SourceArchive, SourceFileStatus, Store};
use crate::error::Result;

/// What a run would find in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedState {
    /// It was never taken.
    New,
    /// It was taken from this place with another size or time, and not with this content; or
    /// without the records of other workloads, which are asked for now.
    Changed,
    /// It was taken before, here or from another place.
    Known,
    /// It cannot be looked at, or not be opened.
    Failed,
}

/// What would become of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedSource {
    /// Its name.
    pub source: String,
    /// What a run would find.
    pub state: PlannedState,
    /// Its size, where it could be looked at.
    pub bytes: Option<u64>,
    /// Why it would fail.
    pub reason: Option<String>,
}

/// What a run would do. As JSON, this is what `ingest --dry-run --format json` prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IngestPlan {
    /// Sources; what has changed counts as new, as it does when it is read.
    pub sources: SourceCounts,
    /// Bytes that would be read.
    pub bytes: u64,
    /// Each file, sorted by name.
    pub files: Vec<PlannedSource>,
}

impl IngestPlan {
    /// Whether everything that was found could be looked at.
    pub fn is_complete(&self) -> bool {
        self.sources.failed == 0
    }
}

/// Tells what [`super::into_store`] would do, and changes nothing: a store that is not there is not
/// made.
///
/// # Errors
///
/// Those of reading what the store remembers, and [`crate::Error::Usage`] if the one path that is
/// given is not there.
pub fn plan(store: &Store, options: &Options) -> Result<IngestPlan> {
    let known = KnownSources::from_entries(&store.source_entries()?, options.all_workloads);
    let archive = SourceArchive::discover(options, &known)?;
    let mut files: Vec<PlannedSource> = Vec::with_capacity(archive.files.len());
    for (file, sight) in &archive.files {
        let mut planned = PlannedSource {
            source: file.name.clone(),
            state: match sight {
                SourceFileStatus::New => PlannedState::New,
                SourceFileStatus::Changed => PlannedState::Changed,
                SourceFileStatus::Known => PlannedState::Known,
            },
            bytes: Some(file.size_bytes),
            reason: None,
        };
        // Opening reads nothing, and finds out what is not to be read.
        if planned.state != PlannedState::Known
            && let Err(error) = File::open(&file.path)
        {
            planned.state = PlannedState::Failed;
            planned.reason = Some(format!("cannot be read: {error}"));
        }
        files.push(planned);
    }
    files.extend(archive.unreadable.into_iter().map(|(source, reason)| PlannedSource {
        source,
        state: PlannedState::Failed,
        bytes: None,
        reason: Some(format!("cannot be read: {reason}")),
    }));
    files.sort_by(|one, other| one.source.cmp(&other.source));
    let count =
        |is: &dyn Fn(PlannedState) -> bool| files.iter().filter(|file| is(file.state)).count();
    let sources = SourceCounts {
        found: files.len() as u64,
        new: count(&|state| matches!(state, PlannedState::New | PlannedState::Changed)) as u64,
        known: count(&|state| state == PlannedState::Known) as u64,
        failed: count(&|state| state == PlannedState::Failed) as u64,
    };
    let is_read =
        |file: &&PlannedSource| matches!(file.state, PlannedState::New | PlannedState::Changed);
    let bytes = files.iter().filter(is_read).filter_map(|file| file.bytes).sum();
    Ok(IngestPlan { sources, bytes, files })
}
