//! The small lines behind the most opened reports: their views over time.
//!
//! Owns: the one statement of the page's own. `consumption-trend` answers it for one report alone
//! (`--report`, `--workspace`), and asking it fifty times takes longer than all the rest of the
//! page; so all are asked at once here, and a test holds lines to what that report says. Must not
//! know how a line is drawn.

use std::collections::BTreeMap;

use super::{DashboardResults, column_numbers, column_texts, sections};
use crate::Result;
use crate::report::{ReportDefinition, ReportSession};

/// The weeks or months of the period, and how many of their days are held in full.
fn bucket_query(grain: &'static str) -> String {
    format!(
        "SELECT {grain} AS bucket, MIN(day) AS date, COUNT(*) FILTER (WHERE is_complete) AS complete
        FROM days
        GROUP BY {grain}
        ORDER BY date NULLS LAST"
    )
}

/// The views of each report in each of them.
fn views_query(grain: &'static str) -> String {
    format!(
        "SELECT report_id, workspace_id, local_{grain} AS bucket, COUNT(*) AS views
        FROM events
        WHERE activity_name = 'ViewReport'
        GROUP BY report_id, workspace_id, local_{grain}
        ORDER BY report_id NULLS LAST, workspace_id NULLS LAST, bucket NULLS LAST"
    )
}

/// For each of the first reports its views over time, as `consumption-trend` gives them of that
/// report alone: nothing is known of a week of which no day is held in full and that has no view.
pub fn report_sparklines(
    answers: &DashboardResults<'_>,
    inquiry: &ReportSession<'_>,
) -> Result<Vec<Vec<Option<f64>>>> {
    let ask = |statement: String| inquiry.rows(&ReportDefinition::ad_hoc(&statement), &[]);
    let (buckets, rows) =
        (ask(bucket_query(answers.coarse_grain))?, ask(views_query(answers.coarse_grain))?);
    let complete = column_numbers(&buckets, "complete").into_iter().map(|days| days > Some(0.0));
    let buckets: Vec<_> = column_texts(&buckets, "bucket").into_iter().zip(complete).collect();

    let mut views = BTreeMap::new();
    let ids = column_texts(&rows, "report_id").into_iter().zip(column_texts(&rows, "workspace_id"));
    for ((id, bucket), number) in
        ids.zip(column_texts(&rows, "bucket")).zip(column_numbers(&rows, "views"))
    {
        views.insert((id, bucket), number);
    }
    let top = &answers.result("top-reports")?.grid;
    let ids = column_texts(top, "report_id").into_iter().zip(column_texts(top, "workspace_id"));
    let line = |id| {
        let value = |(bucket, is_known): &(Option<&str>, bool)| {
            views.get(&(id, *bucket)).copied().flatten().or(is_known.then_some(0.0))
        };
        buckets.iter().map(value).collect()
    };
    Ok(ids.take(sections::MAX_TABLE_ROWS).map(line).collect())
}
