//! Compaction: merges small data files of a month into larger ones.
//!
//! A nightly run adds a file to its month, and every file costs each reader some time, so a growing
//! store would become slow. Files are merged when there are several of about the same size. So an
//! event is rewritten a few times in its life, and not with every run.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::store::delta::commit::{MAX_ATTEMPTS, backoff, too_many_conflicts};
use crate::store::delta::log::{CommitContent, DeltaLog};
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::paths::may_be_deleted;
use crate::store::handle::Store;
use crate::store::parquet::writer::{Compression, MAX_FILE_BYTES, TableDir};
use crate::store::write::commit_check::check_before_commit;
use crate::store::write::dedup::DedupResult;
use crate::store::write::merge;
use crate::store::write::orphans::clean_orphans;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::WriterLock;

/// The files that a compaction merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactScope {
    /// Files of about the same size, if there are enough of them: the scope after every run.
    Auto,
    /// All files that are not large already: the scope of the command `compact`.
    All,
}

/// The result of a compaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionResult {
    /// The number of replaced files.
    pub replaced: usize,
    /// The number of files that replace them.
    pub written: usize,
    /// The number of events in these files.
    pub events: u64,
}

/// Files below this size are in one size class: their footers are most of their content.
const SMALL_FILE_BYTES: u64 = 256 << 10;

/// The number of files in a size class that causes a compaction, by class.
///
/// To open a file costs a reader as much as thousands of events, so the numbers are low. Small
/// files cost little to rewrite, so their number is lowest: the smallest files of a month are
/// always merged into one.
const FILES_PER_SIZE_CLASS: [usize; 3] = [2, 3, 4];

/// Files that are merged together. One page of each is in memory.
const MAX_INPUT_FILES: usize = 64;

/// The size from which a file is large and is not merged again.
const LARGE_FILE_BYTES: u64 = MAX_FILE_BYTES / 2;

impl Store {
    /// Merges small files of each month. Events and their order do not change.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] if a file cannot be read or written. Earlier merges
    /// remain committed.
    #[doc(hidden)]
    pub fn compact(&self, scope: CompactScope) -> Result<CompactionResult> {
        if !self.exists()? || choose_files(&DeltaLog::open(self)?.files()?, scope, &[]).is_none() {
            return self.clean_orphans().map(|()| CompactionResult::default());
        }
        let writer_lock = WriterLock::acquire(self)?;
        clean_orphans(&writer_lock)?;
        writer_lock.store().compact_locked(&writer_lock, scope)
    }

    fn compact_locked(
        &self,
        writer_lock: &WriterLock,
        scope: CompactScope,
    ) -> Result<CompactionResult> {
        let mut done = CompactionResult::default();
        let table_dir =
            TableDir::new(self.disk(), &self.events_dir(), &writer_lock.writer, Compression::Zstd);
        let (mut skipped, mut attempts) = (Vec::new(), 0);
        loop {
            let log = DeltaLog::open(self)?;
            let files = log.files()?;
            let Some(chosen) = choose_files(&files, scope, &skipped) else { return Ok(done) };
            match self.try_compact(writer_lock, &log, &table_dir, &chosen)? {
                CompactStep::Replaced(written) => {
                    done.replaced += chosen.len();
                    done.written += written.len();
                    done.events += written.iter().map(|file| file.events).sum::<u64>();
                    attempts = 0;
                }
                CompactStep::Foreign(file) => skipped.push(file),
                CompactStep::Conflict if attempts + 1 >= MAX_ATTEMPTS => {
                    return Err(too_many_conflicts(self.root()));
                }
                CompactStep::Gone(error) if attempts + 1 >= MAX_ATTEMPTS => return Err(error),
                CompactStep::Conflict | CompactStep::Gone(_) => {
                    attempts += 1;
                    backoff(attempts);
                }
            }
        }
    }

    fn try_compact(
        &self,
        writer_lock: &WriterLock,
        log: &DeltaLog,
        table_dir: &TableDir,
        chosen: &[DataFile],
    ) -> Result<CompactStep> {
        let mut runs = Vec::with_capacity(chosen.len());
        for file in chosen {
            match Run::from_file(&file.path) {
                Ok(Some(run)) => runs.push(run),
                Ok(None) => return Ok(CompactStep::Foreign(file.clone())),
                Err(error) if may_be_deleted(&file.path) => return Ok(CompactStep::Gone(error)),
                Err(error) => return Err(error),
            }
        }
        let written = match merge::write(&runs, &DedupResult::keep_all(&runs), table_dir) {
            Ok(written) => written,
            Err(error) if chosen.iter().any(|file| may_be_deleted(&file.path)) => {
                return Ok(CompactStep::Gone(error));
            }
            Err(error) => return Err(error),
        };
        let events = |files: &[DataFile]| files.iter().map(|file| file.events).sum::<u64>();
        if events(&written) != runs.iter().map(|run| run.keys.len() as u64).sum::<u64>() {
            table_dir.discard(&written);
            return Err(Error::internal("a compaction has changed the number of events"));
        }
        // Commits of other writers do not matter as long as the chosen files are in the table.
        let content = CommitContent { files: &written, source_log_head: None };
        let replace = |log: &DeltaLog| {
            check_before_commit(writer_lock, log, content)?;
            log.commit_compaction(chosen, &written)
        };
        let attempt = self.commit_with_retry(log, replace, |newer, _| newer.contains_all(chosen));
        let discard = || table_dir.discard(&written);
        if self.resolve_outcome(writer_lock, attempt, content, discard)?.is_none() {
            return Ok(CompactStep::Conflict);
        }
        // A glob over the data files must not find an event twice.
        table_dir.discard(chosen);
        Ok(CompactStep::Replaced(written))
    }
}

enum CompactStep {
    Replaced(Vec<DataFile>),
    /// Another program wrote this file in another format. It is not merged.
    Foreign(DataFile),
    /// A file cannot be read, perhaps because another command has replaced it.
    Gone(Error),
    Conflict,
}

/// Returns the next files to merge, all of one month. The oldest months come first.
fn choose_files(
    files: &[DataFile],
    scope: CompactScope,
    skipped: &[DataFile],
) -> Option<Vec<DataFile>> {
    let mut groups: BTreeMap<(&str, u32), Vec<&DataFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| !skipped.contains(file)) {
        if file.size_bytes < LARGE_FILE_BYTES {
            let size = match scope {
                CompactScope::Auto => size_class(file.size_bytes),
                CompactScope::All => 0,
            };
            groups.entry((&file.month, size)).or_default().push(file);
        }
    }
    let enough =
        |size: u32| FILES_PER_SIZE_CLASS[FILES_PER_SIZE_CLASS.len().min(size as usize + 1) - 1];
    let mut groups = groups.into_iter();
    let (_, mut group) = groups.find(|((_, size), group)| group.len() >= enough(*size))?;
    group.sort_by_key(|file| (file.size_bytes, &file.path));
    group.truncate(MAX_INPUT_FILES);
    Some(group.into_iter().cloned().collect())
}

/// Returns the size class of a file. Sizes in a class differ by a factor of at most four, except
/// in the class of the smallest files.
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
    fn automatic_compaction_merges_files_of_about_the_same_size_and_one_month() {
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
    fn full_compaction_merges_all_files_that_are_not_large_or_foreign() {
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
