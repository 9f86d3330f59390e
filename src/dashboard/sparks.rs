//! Queries the views over time of the most viewed reports, for their small line charts.
//!
//! `consumption-trend` returns them for one report (`--report`, `--workspace`). Running it fifty
//! times takes longer than the rest of the page, so one statement returns all. A test compares
//! the lines with that report.
//!
//! The points of a line are comparable: whole weeks, or the average day of a month.

use std::collections::BTreeMap;

use super::columns::{column_numbers, column_texts};
use super::results::{DashboardResults, MAX_TABLE_ROWS};
use crate::Result;
use crate::report::{ReportDefinition, ReportSession};

/// The days of a week.
const DAYS_OF_WEEK: f64 = 7.0;

/// The complete days that a month needs: those of the shortest month.
const MIN_DAYS_OF_MONTH: f64 = 28.0;

/// A week or month of the period, and its number of complete days.
struct Bucket<'g> {
    name: Option<&'g str>,
    complete_days: f64,
}

impl Bucket<'_> {
    /// Returns the point of a line for the views on complete days: all views of a whole week, or
    /// the average per day of a month. `None` if too many days are missing.
    fn point(&self, grain: &str, views: f64) -> Option<f64> {
        match grain {
            "week" => (self.complete_days == DAYS_OF_WEEK).then_some(views),
            _ => (self.complete_days >= MIN_DAYS_OF_MONTH)
                .then(|| (views * 10.0 / self.complete_days).round() / 10.0),
        }
    }
}

/// Returns the statement for the weeks or months of the period, with their complete days.
fn bucket_query(grain: &'static str) -> String {
    format!(
        "SELECT {grain} AS bucket, MIN(day) AS date, COUNT(*) FILTER (WHERE is_complete) AS complete
        FROM days
        GROUP BY {grain}
        ORDER BY date NULLS LAST"
    )
}

/// Returns the statement for the views of each report in each week or month, on complete days.
fn views_query(grain: &'static str) -> String {
    format!(
        "WITH counted AS (
            SELECT e.report_id, e.workspace_id, e.local_{grain} AS bucket, COUNT(*) AS views
            FROM events AS e
            INNER JOIN days AS d ON e.local_date = d.day
            WHERE e.activity_name = 'ViewReport' AND d.is_complete
            GROUP BY e.report_id, e.workspace_id, e.local_{grain}
        )
        SELECT report_id, workspace_id, bucket, views FROM counted
        ORDER BY report_id NULLS LAST, workspace_id NULLS LAST, bucket NULLS LAST"
    )
}

/// Returns the statements for all grains, for the columns that they read.
pub fn statements() -> Vec<ReportDefinition> {
    ["week", "month"].map(|grain| ReportDefinition::ad_hoc(&views_query(grain))).into()
}

/// Returns the views over time of each of the first reports. A week or month with missing days has
/// no number, and those at the ends of the period are left out.
pub fn report_sparklines(
    results: &DashboardResults<'_>,
    session: &ReportSession<'_>,
) -> Result<Vec<Vec<Option<f64>>>> {
    let grain = results.coarse_grain;
    let query = |statement: String| session.rows(&ReportDefinition::ad_hoc(&statement), &[]);
    let (buckets, rows) = (query(bucket_query(grain))?, query(views_query(grain))?);
    let complete = column_numbers(&buckets, "complete")?;
    let buckets = column_texts(&buckets, "bucket")?.into_iter().zip(complete);
    let buckets: Vec<Bucket<'_>> = buckets
        .map(|(name, days)| Bucket { name, complete_days: days.unwrap_or_default() })
        .collect();
    let is_whole = |bucket: &Bucket<'_>| bucket.point(grain, 0.0).is_some();
    let first = buckets.iter().position(is_whole).unwrap_or(buckets.len());
    let end = buckets.iter().rposition(is_whole).map_or(first, |last| last + 1);

    let mut views = BTreeMap::new();
    let ids =
        column_texts(&rows, "report_id")?.into_iter().zip(column_texts(&rows, "workspace_id")?);
    for ((id, bucket), number) in
        ids.zip(column_texts(&rows, "bucket")?).zip(column_numbers(&rows, "views")?)
    {
        views.insert((id, bucket), number.unwrap_or_default());
    }
    let top = &results.result("top-reports")?.grid;
    let ids = column_texts(top, "report_id")?.into_iter().zip(column_texts(top, "workspace_id")?);
    // Views without an ID have one row per name, which has no line.
    let line = |id: (Option<&str>, Option<&str>)| {
        if id.0.is_none() {
            return Vec::new();
        }
        let point = |bucket: &Bucket<'_>| {
            bucket.point(grain, views.get(&(id, bucket.name)).copied().unwrap_or_default())
        };
        buckets[first..end].iter().map(point).collect()
    };
    Ok(ids.take(MAX_TABLE_ROWS).map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_whole_weeks_and_average_days_of_months() {
        let point = |days, grain| Bucket { name: None, complete_days: days }.point(grain, 70.0);
        assert_eq!([6.0, 7.0].map(|days| point(days, "week")), [None, Some(70.0)]);
        let months = [27.0, 28.0, 31.0].map(|days| point(days, "month"));
        assert_eq!(months, [None, Some(2.5), Some(2.3)]);
    }
}
