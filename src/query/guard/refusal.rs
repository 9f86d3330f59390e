//! The result of a check of the guard.

use std::ops::ControlFlow;

/// Result of a check; a refusal ends the walk over the statement.
pub type GuardResult = ControlFlow<String>;

/// Ends the walk with a message: the problem, then what to write instead.
pub fn refuse(message: impl Into<String>) -> GuardResult {
    ControlFlow::Break(message.into())
}
