//! A report in its output format, with what decides the exit code.

use chrono::DateTime;

use super::options::Options;
use crate::render::CoverageCounts;

/// Report in its output format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedReport {
    /// Output in the chosen format.
    pub bytes: Vec<u8>,
    /// True if a day of the period is missing, partial or truncated, or the period has no days.
    pub is_incomplete: bool,
    /// Sentences on the result for people. Text tables already contain them.
    pub remarks: Vec<String>,
    /// Messages of the conditions in [`Options::fail_on`] that hold.
    pub failures: Vec<String>,
}

/// Returns true if a day of the period is not complete, or the period has no days.
pub(super) fn is_incomplete(coverage: &CoverageCounts) -> bool {
    coverage.complete < coverage.days || coverage.days == 0
}

/// Returns the messages of the conditions that hold for a result with this number of rows.
pub(super) fn failures(
    options: &Options,
    coverage: &CoverageCounts,
    rows: usize,
    newest_event_us: Option<i64>,
) -> Vec<String> {
    let newest = newest_event_us.and_then(DateTime::from_timestamp_micros);
    let age = newest.map(|newest| options.now - newest);
    options.fail_on.iter().filter_map(|on| on.check(coverage, rows, age)).collect()
}
