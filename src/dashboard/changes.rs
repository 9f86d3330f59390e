//! Finds what changed since the period before: reports that are viewed more or less, new ones, and
//! reports and people that are no longer there.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::columns::{column_dates, column_numbers, column_texts};
use super::figures::UNKNOWN_USER;
use super::results::DashboardResults;
use crate::Result;
use crate::grid::{Cell, CellKind, Grid, GridColumn};
use crate::report::{ReportDefinition, ReportSession};

/// The user of the row of `top-users` for all anonymous visitors.
const ANONYMOUS: &str = "anonymous";

/// The column with the day of the first view of a report in the log.
pub const FIRST_VIEW: &str = "first_view";

/// The statement for the first view of each report in the log.
const FIRST_VIEWS: &str = "WITH viewed AS ( \
        SELECT report_id, workspace_id, MIN(local_date) AS first_view \
        FROM history WHERE activity_name = 'ViewReport' AND report_id IS NOT NULL \
        GROUP BY report_id, workspace_id \
    ) \
    SELECT report_id, workspace_id, first_view FROM viewed \
    ORDER BY report_id NULLS LAST, workspace_id NULLS LAST";

/// Returns the statement that finds new reports.
pub fn statement() -> ReportDefinition {
    ReportDefinition::ad_hoc(FIRST_VIEWS)
}

/// The rows of reports and people that changed. There are none without comparable days.
#[derive(Debug, Default)]
pub struct Changes {
    /// Reports with more views than before, the largest difference first.
    pub rising: Grid,
    /// Reports with fewer views than before, the largest difference first.
    pub falling: Grid,
    /// Reports that were viewed for the first time, most views first.
    pub new: Grid,
    /// Reports that are no longer viewed, most previous views first.
    pub silent: Grid,
    /// People who viewed content for the first time.
    pub new_people: Grid,
    /// People who no longer view content.
    pub silent_people: Grid,
}

impl Changes {
    /// Compares the rows of both periods.
    pub fn find(results: &DashboardResults<'_>, session: &ReportSession<'_>) -> Result<Changes> {
        let Some((since, _)) = results.period() else { return Ok(Changes::default()) };
        let reports = results.comparison.rows(results.report("top-reports")?);
        let people = results.comparison.rows(results.report("top-users")?);
        let (Some(reports), Some(people)) = (reports, people) else {
            return Ok(Changes::default());
        };
        let views = column_numbers(&reports, "views")?;
        let before = column_numbers(&reports, "views_before")?;
        let pick = |matches: fn(f64, f64) -> bool, key: &str, sign: f64| {
            let both = views.iter().zip(&before);
            let keep: Vec<bool> = both
                .map(|(now, then)| now.zip(*then).is_some_and(|(n, t)| matches(n, t)))
                .collect();
            sorted(filtered(&reports, &keep), key, sign)
        };
        let rising = pick(|now, then| then > 0.0 && now > then, "views_change", -1.0)?;
        let falling = pick(|now, then| now > 0.0 && now < then, "views_change", 1.0)?;
        let silent = pick(|now, then| now == 0.0 && then > 0.0, "views_before", -1.0)?;
        // Some days of the period are not compared: a report viewed there is not silent.
        let top = &results.result("top-reports")?.grid;
        let viewed = keys(top, ["report_id", "workspace_id"])?;
        let keep: Vec<bool> = keys(&silent, ["report_id", "workspace_id"])?
            .iter()
            .map(|key| !viewed.contains(key))
            .collect();
        let silent = filtered(&silent, &keep);
        let (new_people, silent_people) = changed_people(results, &people, since)?;
        let new = new_reports(top, &session.rows(&statement(), &[])?, since)?;
        Ok(Changes { rising, falling, new, silent, new_people, silent_people })
    }
}

/// Returns the reports whose first view is in the period, with its day.
fn new_reports(top: &Grid, first_views: &Grid, since: NaiveDate) -> Result<Grid> {
    let ids = ["report_id", "workspace_id"];
    let days = column_dates(first_views, FIRST_VIEW)?;
    let first: Vec<_> = keys(first_views, ids)?.into_iter().zip(days).collect();
    let first: std::collections::BTreeMap<_, _> = first.into_iter().collect();
    let days: Vec<Option<NaiveDate>> =
        keys(top, ids)?.iter().map(|key| first.get(key).copied().flatten()).collect();
    let keep: Vec<bool> = days.iter().map(|day| day.is_some_and(|day| day >= since)).collect();
    let mut grid = top.clone();
    grid.columns.push(GridColumn { name: FIRST_VIEW.to_owned(), kind: CellKind::Date });
    for (row, day) in grid.rows.iter_mut().zip(&days) {
        let days = day.map(|day| (day - NaiveDate::default()).num_days());
        let days = days.and_then(|days| i32::try_from(days).ok());
        row.push(days.map_or(Cell::Null, |days| Cell::Date { days }));
    }
    Ok(filtered(&grid, &keep))
}

/// Returns the people whose first view is in the period, and those without views in it.
fn changed_people(
    results: &DashboardResults<'_>,
    compared: &Grid,
    since: NaiveDate,
) -> Result<(Grid, Grid)> {
    let top = &results.result("top-users")?.grid;
    let users = column_texts(top, "user")?;
    let first = column_dates(top, "first_seen")?;
    let is_person =
        |user: &Option<&str>| user.is_some_and(|user| user != UNKNOWN_USER && user != ANONYMOUS);
    let is_new = first.iter().map(|day| day.is_some_and(|day| day >= since));
    let keep: Vec<bool> = users.iter().zip(is_new).map(|(u, new)| new && is_person(u)).collect();
    let new = filtered(top, &keep);

    let seen: BTreeSet<&str> = users.into_iter().flatten().collect();
    let keep: Vec<bool> = column_texts(compared, "user")?
        .iter()
        .map(|user| is_person(user) && user.is_some_and(|user| !seen.contains(user)))
        .collect();
    let silent = sorted(filtered(compared, &keep), "views_before", -1.0)?;
    Ok((new, silent))
}

/// Returns the texts of two columns, by row.
fn keys<'g>(grid: &'g Grid, columns: [&str; 2]) -> Result<Vec<[Option<&'g str>; 2]>> {
    let [first, second] = columns.map(|column| column_texts(grid, column));
    Ok(first?.into_iter().zip(second?).map(|(a, b)| [a, b]).collect())
}

fn filtered(grid: &Grid, keep: &[bool]) -> Grid {
    let rows = grid.rows.iter().zip(keep).filter(|(_, keep)| **keep).map(|(row, _)| row.clone());
    Grid { columns: grid.columns.clone(), rows: rows.collect() }
}

/// Sorts rows by a column of numbers. Rows with the same number stay in their order.
fn sorted(mut grid: Grid, column: &str, sign: f64) -> Result<Grid> {
    let numbers = column_numbers(&grid, column)?;
    let mut rows: Vec<_> = numbers.into_iter().zip(std::mem::take(&mut grid.rows)).collect();
    let number = |value: &Option<f64>| sign * value.unwrap_or_default();
    rows.sort_by(|(a, _), (b, _)| number(a).total_cmp(&number(b)));
    grid.rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(grid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_by_difference_and_stay_in_order_otherwise() {
        let mut grid = Grid::new([("item", CellKind::Text), ("views_change", CellKind::Int)]);
        for (item, change) in [("a", 1), ("b", 7), ("c", 1)] {
            grid.rows.push(vec![Cell::Text(item.into()), Cell::Int(change)]);
        }
        let order = |sign: f64| {
            let sorted = sorted(grid.clone(), "views_change", sign).unwrap();
            let texts = column_texts(&sorted, "item").unwrap();
            texts.into_iter().flatten().collect::<String>()
        };
        assert_eq!([order(-1.0), order(1.0)], ["bac", "acb"]);
    }
}
