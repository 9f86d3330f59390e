//! Queries the views over time of the most viewed reports, for their small line charts.
//!
//! `consumption-trend` returns them for one report (`--report`, `--workspace`). Running it fifty
//! times takes longer than the rest of the page, so one statement returns all. A test compares
//! the lines with that report.

use std::collections::BTreeMap;

use super::results::{DashboardResults, MAX_TABLE_ROWS, column_numbers, column_texts};
use crate::Result;
use crate::report::{ReportDefinition, ReportSession};

/// Returns the statement for the weeks or months of the period, with their complete days.
fn bucket_query(grain: &'static str) -> String {
    format!(
        "SELECT {grain} AS bucket, MIN(day) AS date, COUNT(*) FILTER (WHERE is_complete) AS complete
        FROM days
        GROUP BY {grain}
        ORDER BY date NULLS LAST"
    )
}

/// Returns the statement for the views of each report in each week or month.
fn views_query(grain: &'static str) -> String {
    format!(
        "SELECT report_id, workspace_id, local_{grain} AS bucket, COUNT(*) AS views
        FROM events
        WHERE activity_name = 'ViewReport'
        GROUP BY report_id, workspace_id, local_{grain}
        ORDER BY report_id NULLS LAST, workspace_id NULLS LAST, bucket NULLS LAST"
    )
}

/// Returns the views over time of each of the first reports, as `consumption-trend` returns them
/// for that report alone. A week without a complete day and without views has no number.
pub fn report_sparklines(
    results: &DashboardResults<'_>,
    session: &ReportSession<'_>,
) -> Result<Vec<Vec<Option<f64>>>> {
    let query = |statement: String| session.rows(&ReportDefinition::ad_hoc(&statement), &[]);
    let (buckets, rows) =
        (query(bucket_query(results.coarse_grain))?, query(views_query(results.coarse_grain))?);
    let complete = column_numbers(&buckets, "complete")?.into_iter().map(|days| days > Some(0.0));
    let buckets: Vec<_> = column_texts(&buckets, "bucket")?.into_iter().zip(complete).collect();

    let mut views = BTreeMap::new();
    let ids =
        column_texts(&rows, "report_id")?.into_iter().zip(column_texts(&rows, "workspace_id")?);
    for ((id, bucket), number) in
        ids.zip(column_texts(&rows, "bucket")?).zip(column_numbers(&rows, "views")?)
    {
        views.insert((id, bucket), number);
    }
    let top = &results.result("top-reports")?.grid;
    let ids = column_texts(top, "report_id")?.into_iter().zip(column_texts(top, "workspace_id")?);
    let line = |id| {
        let value = |(bucket, is_known): &(Option<&str>, bool)| {
            views.get(&(id, *bucket)).copied().flatten().or(is_known.then_some(0.0))
        };
        buckets.iter().map(value).collect()
    };
    Ok(ids.take(MAX_TABLE_ROWS).map(line).collect())
}
