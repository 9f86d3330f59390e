//! Runs the reports of the page and gives access to their results.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta};

use crate::grid::{Cell, Grid};
use crate::report::{ReportDefinition, ReportResult, ReportSession};
use crate::{Error, Result};

/// The reports on the page. Those over time run with a grain.
pub const REPORTS: [&str; 14] = [
    TREND,
    ADOPTION,
    "consumption-method",
    "coverage",
    "data-quality",
    "distribution-method",
    "exports",
    "external-users",
    "hour-of-week",
    "noise",
    "sharing-audit",
    "top-reports",
    "top-users",
    "workspace-usage",
];

/// The report of views over time.
pub const TREND: &str = "consumption-trend";
/// The report of active users over time.
pub const ADOPTION: &str = "adoption";

/// The parameter of reports over time that sets the length of a row: day, week or month.
pub const GRAIN_PARAM: &str = "grain";

/// The largest number of rows in a table.
pub const MAX_TABLE_ROWS: usize = 50;

/// The largest number of days in a chart; longer periods have weeks, and then months.
const MAX_CHART_POINTS: u64 = 550;

/// The results of the reports; each report ran once per grain.
pub struct DashboardResults<'q> {
    /// The grain of charts over time.
    pub grain: &'static str,
    /// The grain of charts that show less per day.
    pub coarse_grain: &'static str,
    period: Option<(NaiveDate, NaiveDate)>,
    reports: BTreeMap<&'static str, &'q ReportDefinition>,
    results: BTreeMap<(&'static str, &'static str), ReportResult>,
}

impl<'q> DashboardResults<'q> {
    /// Runs the reports, given in the order of [`REPORTS`].
    pub fn run(
        session: &ReportSession<'_>,
        reports: &[&'q ReportDefinition],
    ) -> Result<DashboardResults<'q>> {
        let (grain, coarse_grain) = match session.coverage().days {
            days if days <= MAX_CHART_POINTS => ("day", "week"),
            days if days <= 7 * MAX_CHART_POINTS => ("week", "month"),
            _ => ("month", "month"),
        };
        let reports: BTreeMap<_, _> = REPORTS.into_iter().zip(reports.iter().copied()).collect();
        let mut results = BTreeMap::new();
        for (name, report) in &reports {
            let grains: &[&'static str] = match *name {
                TREND => &[grain],
                ADOPTION => &[grain, coarse_grain],
                _ => &[""],
            };
            for grain in grains {
                results.insert((*name, *grain), session.run(report, &grain_params(grain))?);
            }
        }
        let period = session.period();
        Ok(DashboardResults { grain, coarse_grain, period, reports, results })
    }

    /// Returns the result of a report, with the finer grain.
    pub fn result(&self, name: &'static str) -> Result<&ReportResult> {
        let grain = if [TREND, ADOPTION].contains(&name) { self.grain } else { "" };
        self.result_by_grain(name, grain)
    }

    /// Returns the result of a report with a grain; reports without a grain have an empty one.
    pub fn result_by_grain(
        &self,
        name: &'static str,
        grain: &'static str,
    ) -> Result<&ReportResult> {
        let found = self.results.get(&(name, grain));
        found.ok_or_else(|| Error::internal(format!("the dashboard has no result of {name}")))
    }

    /// Returns true if the whole week or month that begins with a day is in the period.
    pub fn contains_whole(&self, grain: &str, day: NaiveDate) -> bool {
        let last = match grain {
            "week" if day.weekday() == chrono::Weekday::Mon => day.checked_add_days(Days::new(6)),
            "month" if day.day() == 1 => {
                day.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt())
            }
            "day" => Some(day),
            _ => None,
        };
        let period = last.zip(self.period);
        period.is_some_and(|(last, (from, until))| day >= from && last <= until)
    }

    /// Returns the definition of a report.
    pub fn report(&self, name: &str) -> Result<&'q ReportDefinition> {
        let found = self.reports.get(name).copied();
        found.ok_or_else(|| Error::internal(format!("the dashboard has no report {name}")))
    }

    /// Returns the remarks that three unrelated reports share, and that thus apply to the page.
    pub fn shared_remarks(&self) -> Result<Vec<String>> {
        let others = [&self.result("top-users")?.remarks, &self.result("exports")?.remarks];
        let mut remarks = self.result("top-reports")?.remarks.clone();
        remarks.retain(|remark| others.iter().all(|others| others.contains(remark)));
        Ok(remarks)
    }
}

/// Returns the parameters of a grain; none for an empty grain.
pub fn grain_params(grain: &'static str) -> Vec<(&'static str, &'static str)> {
    if grain.is_empty() { Vec::new() } else { vec![(GRAIN_PARAM, grain)] }
}

/// Returns the position of a column.
///
/// # Errors
///
/// [`Error::Internal`] naming the column if the grid has no such column.
pub fn column_index(grid: &Grid, column: &str) -> Result<usize> {
    let found = grid.columns.iter().position(|found| found.name == column);
    found.ok_or_else(|| Error::internal(format!("the dashboard needs the column {column}")))
}

/// Returns the numbers of a column, by row.
///
/// # Errors
///
/// Those of [`column_index`].
pub fn column_numbers(grid: &Grid, column: &str) -> Result<Vec<Option<f64>>> {
    let at = column_index(grid, column)?;
    let number = |row: &Vec<Cell>| match row.get(at) {
        Some(Cell::Int(number)) => Some(*number as f64),
        Some(Cell::Float(number)) => Some(*number),
        _ => None,
    };
    Ok(grid.rows.iter().map(number).collect())
}

/// Returns the texts of a column, by row.
///
/// # Errors
///
/// Those of [`column_index`].
pub fn column_texts<'g>(grid: &'g Grid, column: &str) -> Result<Vec<Option<&'g str>>> {
    let at = column_index(grid, column)?;
    let text = |row: &'g Vec<Cell>| match row.get(at) {
        Some(Cell::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    Ok(grid.rows.iter().map(text).collect())
}

/// Returns the dates of a column, by row.
///
/// # Errors
///
/// Those of [`column_index`].
pub fn column_dates(grid: &Grid, column: &str) -> Result<Vec<Option<NaiveDate>>> {
    let at = column_index(grid, column)?;
    let date = |row: &Vec<Cell>| match row.get(at) {
        Some(Cell::Date { days }) => {
            NaiveDate::default().checked_add_signed(TimeDelta::days((*days).into()))
        }
        _ => None,
    };
    Ok(grid.rows.iter().map(date).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::CellKind;

    #[test]
    fn unknown_column_is_an_error_with_its_name() {
        let grid = Grid::new([("views", CellKind::Int)]);
        assert_eq!(column_numbers(&grid, "views").unwrap(), []);
        for error in
            [column_numbers(&grid, "vews").unwrap_err(), column_texts(&grid, "vews").unwrap_err()]
        {
            assert!(matches!(error, Error::Internal(_)), "{error:?}");
            assert!(error.to_string().contains("column vews"), "{error}");
        }
    }
}
