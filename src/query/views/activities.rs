//! The activity of an event: its name, whether it is automated, and whether it failed.
//!
//! Sources: Microsoft Learn, Data refresh in Power BI (a schedule runs a refresh in the name of the
//! owner of the semantic model) and Email subscriptions for reports and dashboards (a schedule
//! delivers them in the name of their owner).
//!
//! The rules exist a second time as SQL text in `portable/expressions.rs`, on purpose: a test
//! compares the results of both.

use polars::prelude::*;

use crate::query::engine::memoize::{self, null_if_empty};
use crate::query::views::noise::{self, NoiseFilter};
use crate::schema;

/// Activities that a schedule runs in the name of a user.
pub const SCHEDULED_ACTIVITIES: [&str; 1] = ["RunEmailSubscription"];

/// Columns that contain `Scheduled`, or a longer text with it, if a schedule started a refresh.
pub const TRIGGER_COLUMNS: [&str; 2] = ["RefreshType", "DataflowRefreshScheduleType"];

/// Part of the values of [`TRIGGER_COLUMNS`] that means a schedule, in lower case.
pub const SCHEDULE_KEYWORD: &str = "schedule";

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

/// Returns true if the event shows that its user was active; never null.
///
/// This is the one rule for activity of people. Automated API activity of any level, scheduled
/// refreshes and deliveries of subscriptions happen without their user.
pub fn is_presence() -> Expr {
    let is_scheduled_activity =
        memoize::map_bool(activity(), |name| SCHEDULED_ACTIVITIES.contains(&name));
    let is_scheduled = TRIGGER_COLUMNS.map(|column| {
        memoize::map_bool(col(column), |trigger| trigger.to_lowercase().contains(SCHEDULE_KEYWORD))
    });
    let automated = is_scheduled.into_iter().fold(is_scheduled_activity, Expr::or);
    noise::is_noise(NoiseFilter::ExcludeAllReads).or(automated).not()
}

/// Returns true if the activity failed; never null. Newer events have a status text, older ones a
/// flag, and most have neither.
pub fn is_failed() -> Expr {
    let by_flag = col("IsSuccess").eq(lit(false)).fill_null(lit(false));
    let is_failure = |status: &str| FAILURE_STATUSES.contains(&status.to_lowercase().as_str());
    by_flag.or(memoize::map_bool(col("ResultStatus"), is_failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(frame: LazyFrame, expr: Expr) -> Vec<String> {
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

    #[test]
    fn automated_events_are_no_presence() {
        type Row = (&'static str, Option<&'static str>, Option<&'static str>, &'static str);
        let rows: [Row; 7] = [
            ("ViewReport", None, None, "true"),
            ("RefreshDataset", Some("Scheduled"), None, "false"),
            ("RefreshDataset", Some("OnDemand"), None, "true"),
            ("RequestDataflowRefresh", None, Some("scheduledRefresh"), "false"),
            ("runEmailSubscription", None, None, "false"),
            ("GetGroupsAsAdmin", None, None, "false"),
            ("GetDatasources", None, None, "false"),
        ];
        let column =
            |pick: fn(&Row) -> Option<&'static str>| rows.iter().map(pick).collect::<Vec<_>>();
        let frame = df!(
            "Activity" => column(|row| Some(row.0)),
            "Operation" => column(|_| None),
            "RefreshType" => column(|row| row.1),
            "DataflowRefreshScheduleType" => column(|row| row.2)
        );
        let found = texts(frame.unwrap().lazy(), is_presence());
        assert_eq!(found, rows.map(|row| row.3));
    }
}
