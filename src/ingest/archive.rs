//! Finds the source files of an archive and which of them are already ingested.

use std::collections::{HashMap, HashSet};

use super::options::Options;
use crate::error::{Error, Result};
use crate::source::{self, SourceFile};
use crate::store::SourceEntry;

/// Whether nothing of a source was left out that is asked for.
pub(super) fn is_fully_ingested(mark: &SourceEntry, all_workloads: bool) -> bool {
    !all_workloads || mark.facts.records.other_workloads == 0
}

/// What the store knows of sources.
#[derive(Debug, Default)]
pub(super) struct KnownSources {
    by_path: HashMap<String, LastSeen>,
    digests: HashSet<String>,
    sizes: HashSet<u64>,
}

/// The newest form of a source.
#[derive(Debug)]
pub(super) struct LastSeen {
    /// Its size and time.
    size_and_time: (u64, Option<i64>),
    /// Whether all that is asked for now was taken of it.
    is_fully_ingested: bool,
}

impl KnownSources {
    pub(super) fn from_entries(marks: &[SourceEntry], all_workloads: bool) -> Self {
        let mut known = KnownSources::default();
        for mark in marks {
            let (facts, is_whole) = (&mark.facts, is_fully_ingested(mark, all_workloads));
            if is_whole {
                known.digests.insert(mark.digest.clone());
                known.sizes.insert(facts.size_bytes);
            }
            let seen = LastSeen { size_and_time: (facts.size_bytes, facts.modified_us), is_fully_ingested: is_whole };
            known.by_path.insert(mark.place.clone(), seen);
        }
        known
    }

    /// Whether a source was taken before: by place, size and time without opening it, else by
    /// its content, which is looked at only where a source of the same size was taken.
    pub(super) fn status(&self, file: &SourceFile) -> SourceFileStatus {
        let seen = self.by_path.get(&file.absolute_path);
        let is_same = file.modified_us.is_some()
            && seen.is_some_and(|seen| {
                seen.is_fully_ingested && seen.size_and_time == (file.size_bytes, file.modified_us)
            });
        // A file that cannot be read now is not known; reading it will say why.
        let is_held = || {
            self.sizes.contains(&file.size_bytes)
                && source::digest(&file.path).is_ok_and(|digest| self.digests.contains(&digest))
        };
        if is_same || is_held() {
            SourceFileStatus::Known
        } else if seen.is_some() {
            SourceFileStatus::Changed
        } else {
            SourceFileStatus::New
        }
    }
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceFileStatus {
    /// Nothing.
    New,
    /// Another content of the same place.
    Changed,
    /// All of it was taken before.
    Known,
}

/// What there is to read.
#[derive(Debug, Default)]
pub(super) struct SourceArchive {
    /// All files, sorted by name.
    pub(super) files: Vec<(SourceFile, SourceFileStatus)>,
    /// What could not even be looked at, with the reason.
    pub(super) unreadable: Vec<(String, String)>,
}

impl SourceArchive {
    pub(super) fn discover(options: &Options, known: &KnownSources) -> Result<Self> {
        let (found, unreachable) = source::discover(&options.paths);
        if let ([], [(name, reason)], [_]) = (&found[..], &unreachable[..], &options.paths[..]) {
            return Err(Error::Usage(format!("cannot read {name}: {reason}")));
        }
        let found = found.into_iter().map(|file| {
            let sight = known.status(&file);
            (file, sight)
        });
        Ok(SourceArchive { files: found.collect(), unreadable: unreachable })
    }

    /// The files to read.
    pub(super) fn files_to_read(&self) -> Vec<SourceFile> {
        let new = self.files.iter().filter(|(_, sight)| *sight != SourceFileStatus::Known);
        new.map(|(file, _)| file.clone()).collect()
    }

    /// How many were taken before.
    pub(super) fn known_count(&self) -> usize {
        self.files.iter().filter(|(_, sight)| *sight == SourceFileStatus::Known).count()
    }
}
