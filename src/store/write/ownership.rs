//! The decisions about other writers and their files: pure functions.
//!
//! Whether a writer lives cannot be known on a share, and no file is ever deleted because a writer
//! seems dead. A file is deleted only after the Delta log says that its writer cannot commit any
//! more: see [`may_delete`]. What is known about a writer only decides who may be stopped that way.
//! The model of the protocol (`share_model`) uses the same functions.

use std::time::Duration;

use crate::store::write::identity::{Kinship, ProcessProbe, WriterIdentity};

/// The age from which a writer of another machine can be removed on request: far beyond any run.
pub(in crate::store) const ABANDONED_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The result of an attempt to lock a writer's lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) enum LockProbe {
    /// Another process has the lock.
    Held,
    /// Nobody has it, as far as this machine knows.
    Free,
    /// There is no lock file.
    Missing,
    /// The file or its lock cannot be examined.
    Unclear,
}

/// The state of a writer, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) enum WriterState {
    Running,
    Dead,
    /// It has no lock file: it has ended, or its lock file is not visible yet.
    Unsigned,
    /// It may be running on another machine.
    Unknown,
}

/// Returns what is known about a writer, given the content of its lock file, if it is readable.
///
/// A lock that another process has is proof of life. A lock that can be taken proves nothing about
/// another machine, nor about another mount of the same folder.
pub(in crate::store) fn writer_state(
    own: &WriterIdentity,
    writer: Option<&WriterIdentity>,
    lock: LockProbe,
    process: ProcessProbe,
) -> WriterState {
    let Some(writer) = writer.filter(|_| matches!(lock, LockProbe::Free | LockProbe::Unclear))
    else {
        return match lock {
            LockProbe::Held => WriterState::Running,
            LockProbe::Missing => WriterState::Unsigned,
            LockProbe::Free | LockProbe::Unclear => WriterState::Unknown,
        };
    };
    let is_lock_shared = lock == LockProbe::Free && own.device == writer.device;
    match (own.kinship(writer), process) {
        (Kinship::SameBoot, ProcessProbe::Alive) => WriterState::Running,
        (Kinship::SameBoot, ProcessProbe::Gone) | (Kinship::EarlierBoot, _) => WriterState::Dead,
        (Kinship::SameBoot, ProcessProbe::Own | ProcessProbe::Unclear)
        | (Kinship::SameNameWithoutBoot, _)
            if is_lock_shared =>
        {
            WriterState::Dead
        }
        _ => WriterState::Unknown,
    }
}

/// The reason to stop writers that are not known to be dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) enum RemovalScope {
    /// The cleanup before every run.
    Routine {
        /// No other writer is running or unknown.
        is_alone: bool,
    },
    /// The user has named the writer's machine.
    Requested {
        /// The time since the writer's last sign of life.
        age: Duration,
    },
}

/// Returns true if a writer may be stopped: a version of the log then says that it
/// cannot commit any more.
///
/// A wrong answer costs a living writer its run, and never a committed file.
pub(in crate::store) fn may_stop(state: WriterState, scope: RemovalScope) -> bool {
    match (state, scope) {
        (WriterState::Running, _) => false,
        (WriterState::Dead, _) => true,
        (WriterState::Unsigned, RemovalScope::Routine { is_alone }) => is_alone,
        (WriterState::Unknown, RemovalScope::Routine { .. }) => false,
        (WriterState::Unsigned | WriterState::Unknown, RemovalScope::Requested { age }) => {
            age >= ABANDONED_AGE
        }
    }
}

/// Returns true if a file of another writer may be deleted, given the newest version of the log:
/// whether it says that the writer was stopped, and whether it refers to the file.
pub(in crate::store) fn may_delete(is_stopped: bool, is_referenced: bool) -> bool {
    is_stopped && !is_referenced
}

/// The state that a writer finds right before it commits, and right after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) struct OwnState {
    /// The version to continue says that this writer was stopped.
    pub(in crate::store) is_stopped: bool,
    /// Its lock file is there, as it was written.
    pub(in crate::store) has_sign: bool,
    /// Its files are there, or a later version has replaced them.
    pub(in crate::store) has_files: bool,
}

/// Returns true if a writer may continue: another one has not taken it for dead.
pub(in crate::store) fn may_continue(own: OwnState) -> bool {
    !own.is_stopped && own.has_sign && own.has_files
}

/// The knowledge of a writer after a commit that failed without a clear answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) struct FailedCommit {
    /// The disk may have made the version although it reported an error.
    pub(in crate::store) is_uncertain: bool,
    /// The version for which the commit was made exists, and another writer made it.
    pub(in crate::store) is_version_taken: bool,
}

/// Returns true if a writer may delete its own files after a failed commit. A version that is not
/// visible may have been made nevertheless.
pub(in crate::store) fn may_discard(failed: FailedCommit) -> bool {
    failed.is_version_taken || !failed.is_uncertain
}

/// Returns true if old versions of the log may be deleted, given the number of lock files of
/// others. A writer that sleeps for long, and sees the log late, must find the number of its
/// version taken.
pub(in crate::store) fn may_expire_versions(others: usize) -> bool {
    others == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_lock_proves_nothing_about_another_machine_boot_or_mount() {
        let own = WriterIdentity::example("a", "1", 7);
        let state = |writer: &WriterIdentity, process| {
            writer_state(&own, Some(writer), LockProbe::Free, process)
        };
        let (gone, unclear) = (ProcessProbe::Gone, ProcessProbe::Unclear);
        assert_eq!(state(&WriterIdentity::example("b", "1b", 7), unclear), WriterState::Unknown);
        // A cloned machine has the same identity and is another boot.
        assert_eq!(state(&WriterIdentity::example("a", "2", 7), unclear), WriterState::Unknown);
        assert_eq!(state(&WriterIdentity::example("a", "1", 8), unclear), WriterState::Unknown);
        assert_eq!(
            state(&WriterIdentity::example("a", "1", 8), ProcessProbe::Own),
            WriterState::Unknown
        );
        assert_eq!(
            state(&WriterIdentity::example("a", "1", 8), ProcessProbe::Alive),
            WriterState::Running
        );
        assert_eq!(
            state(&WriterIdentity::example("a", "1", 7), ProcessProbe::Alive),
            WriterState::Running
        );
        assert_eq!(state(&WriterIdentity::example("a", "1", 8), gone), WriterState::Dead);
        assert_eq!(state(&WriterIdentity::example("a", "1", 7), unclear), WriterState::Dead);
        // The machine was started again since.
        let earlier = WriterIdentity { begun: 99, ..WriterIdentity::example("a", "0", 7) };
        assert_eq!(state(&earlier, unclear), WriterState::Dead);
        let renamed = WriterIdentity { host: "c".to_owned(), ..earlier };
        assert_eq!(state(&renamed, unclear), WriterState::Unknown);
    }

    #[test]
    fn held_lock_is_life_and_a_lock_file_without_content_is_unknown() {
        let own = WriterIdentity::example("a", "1", 7);
        let state = |writer, lock| writer_state(&own, writer, lock, ProcessProbe::Gone);
        for writer in [None, Some(&own)] {
            assert_eq!(state(writer, LockProbe::Held), WriterState::Running);
            assert_eq!(state(writer, LockProbe::Missing), WriterState::Unsigned);
        }
        assert_eq!(state(None, LockProbe::Free), WriterState::Unknown);
        assert_eq!(state(None, LockProbe::Unclear), WriterState::Unknown);
    }

    #[test]
    fn unknown_writer_is_stopped_only_on_request_and_after_a_week() {
        let requested = |age| RemovalScope::Requested { age };
        let routine = |is_alone| RemovalScope::Routine { is_alone };
        assert!(!may_stop(WriterState::Unknown, routine(true)));
        assert!(!may_stop(WriterState::Unknown, requested(ABANDONED_AGE - Duration::from_secs(1))));
        assert!(may_stop(WriterState::Unknown, requested(ABANDONED_AGE)));
        assert!(!may_stop(WriterState::Running, requested(ABANDONED_AGE)));
        assert!(may_stop(WriterState::Unsigned, routine(true)));
        assert!(!may_stop(WriterState::Unsigned, routine(false)));
    }
}
