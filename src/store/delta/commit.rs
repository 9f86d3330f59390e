//! The commit protocol: retries after conflicts, and the outcome of a commit that failed.
//!
//! A commit is for exactly one version of the Delta log. If another writer made that version
//! first, the commit is a conflict. It is retried on the newest version if nothing in between
//! matters for it; otherwise the whole write is repeated after a pause.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::delta::log::{CommitAttempt, CommitContent, DeltaLog};
use crate::store::delta::retention::{delete_expired_versions, is_cleanup_due};
use crate::store::fs::paths::is_absent;
use crate::store::handle::Store;
use crate::store::provenance::source_log::{self, SourceLog};
use crate::store::write::commit_check::check_after_commit;
use crate::store::write::ownership::{FailedCommit, may_discard, may_expire_versions};
use crate::store::write::signs::WriterSigns;
use crate::store::write::writer_lock::WriterLock;

/// Attempts of a write before it gives up because of other writers.
pub(in crate::store) const MAX_ATTEMPTS: u32 = 30;

impl Store {
    /// Returns the newest version of the Delta log, and the source log that it refers to.
    pub(in crate::store) fn latest(&self) -> Result<(DeltaLog, SourceLog)> {
        let mut log = DeltaLog::open(self)?;
        loop {
            match log.source_log_head().and_then(|head| source_log::read(&self.root, head)) {
                Ok(source_log) => return Ok((log, source_log)),
                // The source-log files may have been compacted since the log was read.
                Err(error) => log = self.version_after(&log, error)?,
            }
        }
    }

    /// Returns the version to read after a file of `log` could not be read: a newer one, or, if a
    /// file is absent that this machine may not see yet, the newest again after a pause.
    ///
    /// # Errors
    ///
    /// `error` if neither is so; errors of reading the log.
    pub(in crate::store) fn version_after(&self, log: &DeltaLog, error: Error) -> Result<DeltaLog> {
        if let Some(newer) = self.refresh(log)? {
            return Ok(newer);
        }
        let is_missing = match &error {
            Error::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        };
        let is_missing = is_missing || log.files()?.iter().any(|file| is_absent(&file.path));
        match is_missing && self.share.pause(&self.root) {
            true => DeltaLog::open(self),
            false => Err(error),
        }
    }

    /// Returns the newest version of the Delta log if it is newer than `log`.
    pub(in crate::store) fn refresh(&self, log: &DeltaLog) -> Result<Option<DeltaLog>> {
        let newest = DeltaLog::open(self)?;
        Ok((newest.version() > log.version()).then_some(newest))
    }

    /// Tries to commit, and retries on newer versions while `is_compatible` accepts them.
    ///
    /// `is_compatible` gets the newer version and the one before. It returns true if the changes
    /// between them do not affect the commit. Without these retries, a compaction of files would
    /// make other writers write everything again; large stores are compacted all the time.
    pub(in crate::store) fn commit_with_retry(
        &self,
        log: &DeltaLog,
        attempt: impl Fn(&DeltaLog) -> Result<CommitAttempt>,
        is_compatible: impl Fn(&DeltaLog, &DeltaLog) -> bool,
    ) -> Result<CommitAttempt> {
        let mut newest: Option<DeltaLog> = None;
        for _ in 0..MAX_ATTEMPTS {
            let log = newest.as_ref().unwrap_or(log);
            match attempt(log)? {
                CommitAttempt::Conflict => {}
                other => return Ok(other),
            }
            // If the newest version cannot be read, the whole write is repeated.
            match self.refresh(log).ok().flatten().filter(|newer| is_compatible(newer, log)) {
                Some(newer) => newest = Some(newer),
                None => return Ok(CommitAttempt::Conflict),
            }
        }
        Ok(CommitAttempt::Conflict)
    }

    /// Returns the version that an attempt to commit has made, or `None` after a conflict.
    ///
    /// Calls `discard` to delete the written files if the attempt has made no version.
    ///
    /// # Errors
    ///
    /// The error of the attempt; [`Error::Store`] if the version exists but another writer has
    /// removed this writer's files. Files that the version replaces must not be deleted then.
    pub(in crate::store) fn resolve_outcome(
        &self,
        writer_lock: &WriterLock,
        attempt: Result<CommitAttempt>,
        content: CommitContent<'_>,
        discard: impl Fn(),
    ) -> Result<Option<i64>> {
        let (failed, is_version_taken) = match attempt {
            Ok(CommitAttempt::Committed(version)) => {
                return self.finish_write(writer_lock, version, content).map(Some);
            }
            Ok(CommitAttempt::Conflict) => {
                discard();
                return Ok(None);
            }
            Ok(CommitAttempt::Unknown) => (None, true),
            Err(error) => (Some(error), false),
        };
        let failure =
            FailedCommit { is_uncertain: writer_lock.has_uncertain_rename(), is_version_taken };
        let is_committed =
            DeltaLog::open(self).and_then(|log| Ok((log.has_commit_of(content)?, log.version())));
        match is_committed {
            // The commit was made and a later step failed: a checkpoint, or a lost response.
            Ok((true, version)) => self.finish_write(writer_lock, version, content).map(Some),
            Ok((false, _)) if may_discard(failure) => {
                discard();
                failed.map_or(Ok(None), Err)
            }
            // The outcome is unknown. The files stay: if no commit refers to them, the next
            // writer deletes them.
            Ok((false, _)) => {
                writer_lock.keep_lock_file();
                failed.map_or(Ok(None), Err)
            }
            Err(error) => {
                writer_lock.keep_lock_file();
                Err(failed.unwrap_or(error))
            }
        }
    }

    /// Checks a commit right after it was made, and keeps the log short.
    fn finish_write(
        &self,
        writer_lock: &WriterLock,
        version: i64,
        content: CommitContent<'_>,
    ) -> Result<i64> {
        check_after_commit(self, writer_lock, version, content)?;
        if is_cleanup_due(version) {
            // If the signs cannot be listed, a later commit tries again.
            let signs = WriterSigns::list(self.root());
            let others = signs.map(|signs| signs.states_except(&writer_lock.writer).len());
            if others.is_ok_and(may_expire_versions) {
                delete_expired_versions(&**self.disk(), &self.table_dir().join("_delta_log"));
            }
        }
        Ok(version)
    }
}

/// Returns the error of a write that had a conflict in all its attempts.
pub(in crate::store) fn too_many_conflicts(path: &Path) -> Error {
    let message = format!(
        "other commands wrote to the store during all {MAX_ATTEMPTS} attempts of this one; nothing \
         was changed, run it again"
    );
    Error::store(path, message)
}

/// Waits for a random time that grows with the number of attempts, so that writers take turns.
pub(in crate::store) fn backoff(attempts: u32) {
    let random = u64::from(fastrand::u8(..));
    std::thread::sleep(Duration::from_millis(5 + (random << attempts.min(6)) / 64));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::schema::source_log::SourceFacts;
    use crate::store::delta::snapshot::DataFile;
    use crate::store::fs::share::ShareWait;
    use crate::store::provenance::source_log::{NewEntries, SourceEntry};

    /// Returns a store with a data file and a source-log file, on a share or not, and both paths.
    fn store_of_two_files(folder: &Path, is_share: bool) -> (Store, [std::path::PathBuf; 2]) {
        let store = Store { share: ShareWait::of_share(is_share), ..Store::new(folder) };
        let log = DeltaLog::open_or_create(&store).unwrap();
        let (place, facts) = ("a.json".to_owned(), SourceFacts::default());
        let entries = [SourceEntry { place, digest: "1".to_owned(), facts }];
        let new = NewEntries { entries: &entries, rejects: None };
        let head = source_log::append(store.disk(), folder, None, "writer", new).unwrap();
        let data = store.table_dir().join("month=2026-01").join("part.parquet");
        fs::create_dir_all(data.parent().unwrap()).unwrap();
        fs::write(&data, "rows").unwrap();
        let (path, month) = (data.clone(), "2026-01".to_owned());
        let file = DataFile { path, size_bytes: 4, events: 1, month, period_us: None };
        log.commit_append(CommitContent { files: &[file], source_log_head: head }).unwrap();
        let sources = source_log::chain(folder, head).unwrap();
        (store, [data, sources.into_iter().next().unwrap()])
    }

    /// Hides a file from this machine while `read` starts, and shows it after 700 ms.
    fn read_late<T: Send>(path: &Path, read: impl FnOnce() -> T + Send) -> T {
        let hidden = path.with_extension("hidden");
        fs::rename(path, &hidden).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(700));
                fs::rename(&hidden, path).unwrap();
            });
            read()
        })
    }

    #[test]
    fn on_a_share_files_that_are_seen_late_are_waited_for_and_on_a_disk_they_are_missing() {
        for is_share in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let (store, [data, sources]) = store_of_two_files(folder.path(), is_share);
            let latest = read_late(&sources, || store.latest().map(|(_, log)| log.entries.len()));
            let rows = read_late(&data, || {
                store.read(|snapshot| {
                    let path = &snapshot.files[0].path;
                    fs::read_to_string(path).map_err(Error::io("read", path))
                })
            });
            if is_share {
                assert_eq!(latest.unwrap(), 1);
                assert_eq!(rows.unwrap(), "rows");
            } else {
                let missing = latest.unwrap_err().to_string();
                assert!(
                    missing.contains("cannot read") && missing.contains("sources"),
                    "{missing}"
                );
                assert!(rows.unwrap_err().to_string().contains("part.parquet"));
            }
        }
    }
}
