//! Small files of a month merged into large ones.
//!
//! Owns: which files are worth merging, and putting the merged one in their place. A nightly run
//! adds a file to its month, and every file costs each reader a moment, so that a store which
//! grows would get slower by itself. Files are merged when there are several of about one size:
//! so an event is written again a few times in its life, not with every run.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::store::delta::log::DeltaLog;
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::writer::{Compression, MAX_FILE_BYTES, TableDir};
use crate::store::write::dedup::DedupResult;
use crate::store::write::merge;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::{self, WriterLock};
use crate::store::{MAX_ATTEMPTS, Store, backoff};

/// How much is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactScope {
    /// Where files of about one size have become many: after every run.
    Auto,
    /// Everything that is not large already: on demand.
    All,
}

/// What was merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionResult {
    /// Files that were replaced.
    pub replaced: usize,
    /// Files in their place.
    pub written: usize,
    /// Events in them.
    pub events: u64,
}

/// Files below this are of one size: most of such a file is its footer.
const SMALL_FILE_BYTES: u64 = 256 << 10;

/// How many files of a size class are many. To open one costs a reader as much as thousands of
/// events, so it is few; of the small ones, which are made again at little cost, fewer still: the
/// smallest of a month are always one.
const FILES_PER_SIZE_CLASS: [usize; 3] = [2, 3, 4];

/// How many files are merged at once: a page of each is held.
const MAX_INPUT_FILES: usize = 64;

/// A file beyond this is large.
const LARGE_FILE_BYTES: u64 = MAX_FILE_BYTES / 2;

impl Store {
    /// Merges small files of each month. The events stay the same, and so does their order.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] where a file cannot be read or written; all merges that
    /// were committed before stay.
    pub fn compact(&self, extent: CompactScope) -> Result<CompactionResult> {
        if !self.exists()? || choose_files(&DeltaLog::open(self)?.files()?, extent, &[]).is_none() {
            return self.clean_orphans().map(|()| CompactionResult::default());
        }
        let lease = WriterLock::acquire(self)?;
        writer_lock::clean_orphans(&lease)?;
        lease.store().compact_locked(&lease, extent)
    }

    fn compact_locked(&self, lease: &WriterLock, extent: CompactScope) -> Result<CompactionResult> {
        let mut done = CompactionResult::default();
        let site = TableDir::new(self.disk(), &self.events_dir(), &lease.writer, Compression::Zstd);
        let (mut left_alone, mut tries) = (Vec::new(), 0);
        loop {
            let log = DeltaLog::open(self)?;
            let files = log.files()?;
            let Some(chosen) = choose_files(&files, extent, &left_alone) else { return Ok(done) };
            match self.try_compact(lease, &log, &site, &chosen)? {
                CompactStep::Replaced(written) => {
                    done.replaced += chosen.len();
                    done.written += written.len();
                    done.events += written.iter().map(|file| file.events).sum::<u64>();
                    tries = 0;
                }
                CompactStep::Foreign(file) => left_alone.push(file),
                CompactStep::Conflict => {
                    tries += 1;
                    if tries >= MAX_ATTEMPTS {
                        return Err(crate::store::too_many_conflicts(self.root()));
                    }
                    backoff(tries);
                }
            }
        }
    }

    fn try_compact(
        &self,
        lease: &WriterLock,
        log: &DeltaLog,
        site: &TableDir,
        chosen: &[DataFile],
    ) -> Result<CompactStep> {
        let mut runs = Vec::with_capacity(chosen.len());
        for file in chosen {
            match Run::from_file(&file.path) {
                Ok(Some(run)) => runs.push(run),
                Ok(None) => return Ok(CompactStep::Foreign(file.clone())),
                Err(_) if !file.path.exists() => return Ok(CompactStep::Conflict),
                Err(error) => return Err(error),
            }
        }
        let written = match merge::write(&runs, &DedupResult::keep_all(&runs), site) {
            Ok(written) => written,
            Err(_) if chosen.iter().any(|file| !file.path.exists()) => {
                return Ok(CompactStep::Conflict);
            }
            Err(error) => return Err(error),
        };
        let events = |files: &[DataFile]| files.iter().map(|file| file.events).sum::<u64>();
        if events(&written) != runs.iter().map(|run| run.keys.len() as u64).sum::<u64>() {
            site.discard(&written);
            return Err(Error::internal("a merge that does not hold what it was made from"));
        }
        // Whatever others brought or merged, these files are still to be replaced by that one.
        let replace = |log: &DeltaLog| log.commit_compaction(chosen, &written);
        let attempt = self.commit_with_retry(log, replace, |newer, _| newer.contains_all(chosen));
        let discard = || site.discard(&written);
        if self.resolve_outcome(lease, attempt, (&written, None), discard)?.is_none() {
            return Ok(CompactStep::Conflict);
        }
        // A plain glob must not find an event twice.
        site.discard(chosen);
        Ok(CompactStep::Replaced(written))
    }
}

enum CompactStep {
    Replaced(Vec<DataFile>),
    /// A file that others wrote in another form, which is left as it is.
    Foreign(DataFile),
    Conflict,
}

/// The files of one month that are to be merged next, the oldest months first.
fn choose_files(
    files: &[DataFile],
    extent: CompactScope,
    left_alone: &[DataFile],
) -> Option<Vec<DataFile>> {
    let mut groups: BTreeMap<(&str, u32), Vec<&DataFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| !left_alone.contains(file)) {
        if file.size_bytes < LARGE_FILE_BYTES {
            let size = match extent {
                CompactScope::Auto => size_class(file.size_bytes),
                CompactScope::All => 0,
            };
            groups.entry((&file.month, size)).or_default().push(file);
        }
    }
    let many =
        |size: u32| FILES_PER_SIZE_CLASS[FILES_PER_SIZE_CLASS.len().min(size as usize + 1) - 1];
    let mut groups = groups.into_iter();
    let (_, mut group) = groups.find(|((_, size), group)| group.len() >= many(*size))?;
    group.sort_by_key(|file| (file.size_bytes, &file.path));
    group.truncate(MAX_INPUT_FILES);
    Some(group.into_iter().cloned().collect())
}

/// Files of one class, but for the smallest, differ in size by a factor of four at most.
fn size_class(bytes: u64) -> u32 {
    match bytes / SMALL_FILE_BYTES {
        0 => 0,
        times => 1 + times.ilog2() / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(month: &str, number: u64, size_bytes: u64) -> DataFile {
        DataFile {
            path: format!("{month}/{number}").into(),
            size_bytes,
            events: 1,
            month: month.to_owned(),
            period_us: None,
        }
    }

    #[test]
    fn only_files_of_about_one_size_and_one_month_are_merged_by_themselves() {
        let mut files = vec![file("2024-01", 0, 100 << 10), file("2024-02", 1, 100 << 10)];
        files.extend((2..4).map(|n| file("2024-01", n, 500 << 10)));
        files.extend((4..7).map(|n| file("2024-01", n, 5 << 20)));
        assert_eq!(choose_files(&files, CompactScope::Auto, &[]), None);
        for (size_bytes, merged) in [(200 << 10, 2), (900 << 10, 3)] {
            files.push(file("2024-01", 7, size_bytes));
            let chosen = choose_files(&files, CompactScope::Auto, &[]).unwrap();
            assert_eq!(chosen.len(), merged);
            assert!(chosen.iter().all(|file| file.size_bytes < 1 << 20 && file.month == "2024-01"));
            files.pop();
        }
        files.push(file("2024-01", 7, 15 << 20));
        assert_eq!(choose_files(&files, CompactScope::Auto, &[]).unwrap().len(), 4);
    }

    #[test]
    fn on_demand_all_that_is_not_large_is_merged_and_what_is_strange_left_alone() {
        let files = [
            file("2024-01", 0, 1 << 10),
            file("2024-01", 1, 30 << 20),
            file("2024-01", 2, 200 << 20),
            file("2024-02", 3, 1 << 10),
        ];
        assert_eq!(choose_files(&files, CompactScope::All, &[]).unwrap(), files[..2]);
        assert_eq!(choose_files(&files, CompactScope::All, &files[..1]), None);
    }
}
