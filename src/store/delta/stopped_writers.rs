//! Stopped writers: the log itself says that a writer cannot commit any more.
//!
//! A commit is for one version, which exists once. So if version 7 says that a writer was stopped,
//! the writer has either committed before version 7, and everybody who made version 7 has seen it,
//! or it never commits: it finds version 7 taken, reads it, and learns that it was stopped. This
//! needs no clock, no lock and no directory listing. An application transaction of the Delta
//! protocol is how a version says so, because it stays in the log when old versions are deleted.

use std::collections::BTreeSet;

use deltalake_core::kernel::Transaction;
use deltalake_core::protocol::DeltaOperation;

use crate::error::Result;
use crate::store::delta::log::{CommitAttempt, DeltaLog, STOPPED_WRITER_PREFIX};

impl DeltaLog {
    /// Returns true if this version says that a writer was stopped.
    pub(in crate::store) fn is_stopped(&self, writer: &str) -> Result<bool> {
        let id = format!("{STOPPED_WRITER_PREFIX}{writer}");
        Ok(self.transaction_version(&id)?.is_some())
    }

    /// Commits that writers are stopped, as the next version. Events and sources do not change.
    ///
    /// # Errors
    ///
    /// As [`DeltaLog::commit_append`].
    pub(in crate::store) fn commit_stop(&self, writers: &BTreeSet<&str>) -> Result<CommitAttempt> {
        let stop = |writer| Transaction::new(format!("{STOPPED_WRITER_PREFIX}{writer}"), 1);
        let operation = DeltaOperation::VacuumStart {
            retention_check_enabled: false,
            specified_retention_millis: Some(0),
            default_retention_millis: 0,
        };
        self.try_commit(Vec::new(), writers.iter().map(stop).collect(), operation)
    }
}
