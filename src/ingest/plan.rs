//! What a run would do, told without doing it.
//!
//! Owns: what becomes of each file by what is remembered of sources. No record is read, and
//! nothing is changed: a file is opened to see whether it can be, and its content is looked at only
//! where a digest has to tell whether it is one that was taken from elsewhere.

use std::fs::File;

use serde::Serialize;

use super::account::SourceCounts;
use super::{Archive, Known, Options, Sight, Store};
use crate::error::Result;

/// What a run would find in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
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
    pub state: State,
    /// Its size, where it could be looked at.
    pub bytes: Option<u64>,
    /// Why it would fail.
    pub reason: Option<String>,
}

/// What a run would do. As JSON, this is what `ingest --dry-run --format json` prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Sources; what has changed counts as new, as it does when it is read.
    pub sources: SourceCounts,
    /// Bytes that would be read.
    pub bytes: u64,
    /// Each file, sorted by name.
    pub files: Vec<PlannedSource>,
}

impl Plan {
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
pub fn plan(store: &Store, options: &Options) -> Result<Plan> {
    let known = Known::of(&store.marks()?, options.all_workloads);
    let archive = Archive::look(options, &known)?;
    let mut files: Vec<PlannedSource> = Vec::with_capacity(archive.found.len());
    for (file, sight) in &archive.found {
        let mut planned = PlannedSource {
            source: file.name.clone(),
            state: match sight {
                Sight::New => State::New,
                Sight::Changed => State::Changed,
                Sight::Known => State::Known,
            },
            bytes: Some(file.size_bytes),
            reason: None,
        };
        // Opening reads nothing, and finds out what is not to be read.
        if planned.state != State::Known
            && let Err(error) = File::open(&file.path)
        {
            planned.state = State::Failed;
            planned.reason = Some(format!("cannot be read: {error}"));
        }
        files.push(planned);
    }
    files.extend(archive.unreachable.into_iter().map(|(source, reason)| PlannedSource {
        source,
        state: State::Failed,
        bytes: None,
        reason: Some(format!("cannot be read: {reason}")),
    }));
    files.sort_by(|one, other| one.source.cmp(&other.source));
    let count = |is: &dyn Fn(State) -> bool| files.iter().filter(|file| is(file.state)).count();
    let sources = SourceCounts {
        found: files.len() as u64,
        new: count(&|state| matches!(state, State::New | State::Changed)) as u64,
        known: count(&|state| state == State::Known) as u64,
        failed: count(&|state| state == State::Failed) as u64,
    };
    let is_read = |file: &&PlannedSource| matches!(file.state, State::New | State::Changed);
    let bytes = files.iter().filter(is_read).filter_map(|file| file.bytes).sum();
    Ok(Plan { sources, bytes, files })
}
