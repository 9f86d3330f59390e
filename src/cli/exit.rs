//! Exit codes of commands.

/// Exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// The command succeeded.
    Success = 0,
    /// The command failed.
    Failed = 1,
    /// The command line is invalid.
    Usage = 2,
    /// The command finished, but some data was rejected or is incomplete; stderr has details.
    Incomplete = 3,
    /// The command was stopped by SIGHUP. This and the codes below are those of shells.
    HungUp = 129,
    /// The command was stopped by Ctrl-C.
    Interrupted = 130,
    /// The command was stopped by SIGTERM.
    Terminated = 143,
}

impl ExitStatus {
    /// Returns the exit code of a process of this program. A process without one was ended by the
    /// system.
    #[cfg(not(unix))]
    pub(super) fn from_code(code: Option<i32>) -> ExitStatus {
        match code {
            Some(0) => ExitStatus::Success,
            Some(2) => ExitStatus::Usage,
            Some(3) => ExitStatus::Incomplete,
            _ => ExitStatus::Failed,
        }
    }

    /// Returns the more severe of two exit codes.
    pub(super) fn worse_of(self, other: ExitStatus) -> ExitStatus {
        match (self, other) {
            (ExitStatus::Failed, _) | (_, ExitStatus::Failed) => ExitStatus::Failed,
            (ExitStatus::Success, other) => other,
            (status, _) => status,
        }
    }
}
