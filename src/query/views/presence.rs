//! Presence: events that show that their user was active.
//!
//! Sources: Microsoft Learn, Data refresh in Power BI (a schedule runs a refresh in the name of the
//! owner of the semantic model) and Email subscriptions for reports and dashboards (a schedule
//! delivers them in the name of their owner).
//!
//! The rule exists a second time as SQL text in `portable/expressions.rs`, on purpose: a test
//! compares the results of both.

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::views::activities::test_activity;
use crate::query::views::noise::{self, NoiseFilter};

/// Activities that a schedule runs in the name of a user.
pub const SCHEDULED_ACTIVITIES: [&str; 1] = ["RunEmailSubscription"];

/// Columns that contain `Scheduled`, or a longer text with it, if a schedule started a refresh.
pub const TRIGGER_COLUMNS: [&str; 2] = ["RefreshType", "DataflowRefreshScheduleType"];

/// Part of the values of [`TRIGGER_COLUMNS`] that means a schedule, in lower case.
pub const SCHEDULE_KEYWORD: &str = "schedule";

/// Returns true if the event shows that its user was active; never null.
///
/// This is the one rule for activity of people. Automated API activity of any level, scheduled
/// refreshes and deliveries of subscriptions happen without their user.
pub fn is_presence() -> Expr {
    let is_scheduled_activity = test_activity(|name| SCHEDULED_ACTIVITIES.contains(&name));
    let is_scheduled = TRIGGER_COLUMNS.map(|column| {
        memoize::map_bool(col(column), |trigger| trigger.to_lowercase().contains(SCHEDULE_KEYWORD))
    });
    let automated = is_scheduled.into_iter().fold(is_scheduled_activity, Expr::or);
    noise::is_noise(NoiseFilter::ExcludeAllReads).or(automated).not()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::views::activities::tests::texts;

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
