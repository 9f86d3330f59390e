//! The commit protocol: retries after conflicts, and the outcome of a commit that failed.
//!
//! A commit is for exactly one version of the Delta log. If another writer made that version
//! first, the commit is a conflict. It is retried on the newest version if nothing in between
//! matters for it; otherwise the whole write is repeated after a pause.

use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::delta::log::{CommitAttempt, CommitContent, DeltaLog};
use crate::store::delta::retention::{delete_expired_versions, is_cleanup_due};
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
                Err(error) => log = self.refresh(&log)?.ok_or(error)?,
            }
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
