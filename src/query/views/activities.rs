//! The activity of an event: its name, and whether it failed.
//!
//! The rules exist a second time as SQL text in `portable/expressions.rs`, on purpose: a test
//! compares the results of both.

use polars::prelude::*;

use crate::query::engine::memoize::{self, null_if_empty};
use crate::schema;

/// Values of `ResultStatus` that mean a failure, in lower case.
pub const FAILURE_STATUSES: [&str; 2] = ["failed", "failure"];

/// Returns the name of the activity in the spelling of the catalog: `Activity`, or `Operation` if
/// it is empty. Activities that the catalog does not contain keep their spelling.
pub fn activity() -> Expr {
    let written =
        memoize::first_non_null(null_if_empty(col("Activity")), null_if_empty(col("Operation")));
    memoize::map_text(written, |name| {
        Some(schema::operation_by_name(name).map_or(name, |known| known.name).to_owned())
    })
}

/// Returns true if the activity failed; never null. Newer events have a status text, older ones a
/// flag, and most have neither.
pub fn is_failed() -> Expr {
    let by_flag = col("IsSuccess").eq(lit(false)).fill_null(lit(false));
    let is_failure = |status: &str| FAILURE_STATUSES.contains(&status.to_lowercase().as_str());
    by_flag.or(memoize::map_bool(col("ResultStatus"), is_failure))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns the values of an expression as texts, without nulls.
    pub(in crate::query::views) fn texts(frame: LazyFrame, expr: Expr) -> Vec<String> {
        let frame = frame.select([expr.cast(DataType::String).alias("x")]).collect().unwrap();
        frame.column("x").unwrap().str().unwrap().iter().flatten().map(str::to_owned).collect()
    }

    #[test]
    fn activity_has_the_spelling_of_the_catalog() {
        let activities = [Some("viewreport"), Some(""), None, Some("neverSeen")];
        let operations = [Some("x"), Some("VIEWREPORT"), Some("ViewReport"), None];
        let frame = df!("Activity" => activities, "Operation" => operations).unwrap().lazy();
        assert_eq!(
            texts(frame, activity()),
            ["ViewReport", "ViewReport", "ViewReport", "neverSeen"]
        );
    }
}
