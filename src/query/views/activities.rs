//! The activity of an event: its name, and whether it failed.
//!
//! The rules exist a second time as SQL text in `portable/expressions.rs`, on purpose: a test
//! compares the results of both.

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::schema;

/// Values of `ResultStatus` that mean a failure, in lower case.
pub const FAILURE_STATUSES: [&str; 2] = ["failed", "failure"];

/// Returns the name of the activity in the spelling of the catalog: `Activity`, or `Operation` if
/// it is empty. Activities that the catalog does not contain keep their spelling.
pub fn activity() -> Expr {
    map_activity(|name| Some(name.to_owned()))
}

/// Maps the name of the activity to another text or null; null without a name. This is one step for
/// each event, and `map_text` of [`activity`] would be two.
pub fn map_activity(make: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Expr {
    memoize::map_text(written(), move |name| make(in_catalog(name)))
}

/// Tests the name of the activity; false without a name.
pub fn test_activity(test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    memoize::map_bool(written(), move |name| test(in_catalog(name)))
}

/// Returns the name of the activity in its own spelling.
fn written() -> Expr {
    memoize::first_non_empty(col("Activity"), col("Operation"))
}

/// Returns the name of an activity in the spelling of the catalog.
pub fn in_catalog(name: &str) -> &str {
    schema::operation_by_name(name).map_or(name, |known| known.name)
}

/// Returns true if the activity failed; never null. Newer events have a status text, older ones a
/// flag, and most have neither.
pub fn is_failed() -> Expr {
    let by_flag = col("IsSuccess").eq(lit(false)).fill_null(lit(false));
    by_flag.or(memoize::map_bool(col("ResultStatus"), is_failure_status))
}

/// Returns true if a `ResultStatus` means a failure.
pub fn is_failure_status(status: &str) -> bool {
    FAILURE_STATUSES.contains(&status.to_lowercase().as_str())
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
