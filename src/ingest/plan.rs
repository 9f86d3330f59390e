//! Plans an ingest without running it (`--dry-run`).
//!
//! It compares the files with the source log. It reads no record and changes nothing. It opens a
//! file only to check that it can be read, and reads the content only if a digest must decide.

use std::fs::File;

use serde::Serialize;

use super::account::SourceCounts;
use super::archive::{KnownSources, SourceArchive, SourceFileStatus};
use super::options::Options;
use crate::error::Result;
use crate::store::Store;

/// The state of a file before a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedState {
    /// The file is new.
    New,
    /// The file was ingested with another size or time and with other content, or without the
    /// records of other workloads that this run asks for.
    Changed,
    /// The content of the file was ingested, from this path or another.
    Known,
    /// The file cannot be read.
    Failed,
}

/// The plan for one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedSource {
    /// The name of the file.
    pub source: String,
    /// The state of the file.
    pub state: PlannedState,
    /// The size of the file, if it could be read.
    pub bytes: Option<u64>,
    /// The reason why the file cannot be read.
    pub reason: Option<String>,
}

/// The plan of a run. As JSON, this is the output of `ingest --dry-run --format json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IngestPlan {
    /// The number of files by state. Changed files count as new, as they do when they are read.
    pub sources: SourceCounts,
    /// The number of bytes to read.
    pub bytes: u64,
    /// The files, sorted by name.
    pub files: Vec<PlannedSource>,
    /// Folders without any file to read, unless the options allow them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub empty_folders: Vec<String>,
}

impl IngestPlan {
    /// Returns true if all files can be read, and every folder has files.
    pub fn is_complete(&self) -> bool {
        self.sources.failed == 0 && self.empty_folders.is_empty()
    }
}

/// Plans what [`super::ingest_into_store`] would do, and changes nothing. A missing store is not
/// created.
///
/// # Errors
///
/// Errors of reading the source log, and [`crate::Error::Usage`] if the only path does not exist.
pub fn plan(store: &Store, options: &Options) -> Result<IngestPlan> {
    let entries = store.source_entries()?;
    let known = KnownSources::from_entries(&entries, options.all_workloads);
    let archive = SourceArchive::discover(options, &known)?;
    let mut files: Vec<PlannedSource> = Vec::with_capacity(archive.files.len());
    for (file, status) in &archive.files {
        let mut planned = PlannedSource {
            source: file.name.clone(),
            state: match status {
                SourceFileStatus::New => PlannedState::New,
                SourceFileStatus::Changed => PlannedState::Changed,
                SourceFileStatus::Known | SourceFileStatus::Copy(_) => PlannedState::Known,
            },
            bytes: Some(file.size_bytes),
            reason: None,
        };
        // Opening reads nothing, and shows if the file can be read.
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
        skipped: 0,
        failed: count(&|state| state == PlannedState::Failed) as u64,
        excluded: archive.excluded,
    };
    let is_read =
        |file: &&PlannedSource| matches!(file.state, PlannedState::New | PlannedState::Changed);
    let bytes = files.iter().filter(is_read).filter_map(|file| file.bytes).sum();
    Ok(IngestPlan { sources, bytes, files, empty_folders: archive.empty_folders })
}
