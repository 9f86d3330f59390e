//! Calculates the key figures of the page from rows of reports, and their changes from rows of the
//! same reports over comparable days.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::results::{
    ADOPTION, DashboardResults, TREND, column_dates, column_numbers, column_texts, grain_params,
};
use crate::Result;
use crate::grid::Grid;
use crate::render::CoverageCounts;
use crate::render::html::{FigureChange, KeyFigure, format_period};
use crate::report::{ComparableSessions, ReportDefinition, ReportSession};

/// The reports that the figures are from.
const KEY_FIGURE_REPORTS: [&str; 7] =
    [TREND, "top-users", ADOPTION, "top-reports", "exports", "sharing-audit", "external-users"];

/// The number of days of the window of `mau`.
const MAU_DAYS: f64 = 28.0;

/// The number of complete days in a row that end with the last day of the period.
const COMPLETE_RUN: &str = "SELECT h.complete_run FROM history_days AS h \
    INNER JOIN period AS p ON h.epoch_day = p.last_epoch_day";

/// The key figures, with remarks on their reliability.
pub struct KeyFigureSet {
    /// The key figures.
    pub figures: Vec<KeyFigure>,
    /// The remarks, for the top of the page.
    pub remarks: Vec<String>,
}

/// Returns the key figures of the period. Changes compare the comparable days of this and the
/// previous period.
pub fn key_figures(
    results: &DashboardResults<'_>,
    session: &ReportSession<'_>,
) -> Result<KeyFigureSet> {
    let mut now = Grids::new();
    for name in KEY_FIGURE_REPORTS {
        now.insert(name, results.result(name)?.grid.clone());
    }
    let previous = session.previous_period()?;
    let comparable = previous.as_ref().and_then(|previous| session.comparable(previous));
    let grids = compared_grids(results, session, previous.as_ref(), comparable.as_ref())?;

    let days = session.coverage();
    let mut figures = Vec::new();
    for kind in &KEY_FIGURES {
        let [value, previous] = [figure_value(&grids[0], kind)?, figure_value(&grids[1], kind)?];
        let change = value.zip(previous).map(|(value, previous)| FigureChange { value, previous });
        figures.push(KeyFigure {
            name: kind.name,
            label: kind.label,
            value: figure_value(&now, kind)?,
            change,
            note: match kind.report {
                ADOPTION => window_note(&results.result(ADOPTION)?.grid)?,
                _ => String::new(),
            },
        });
    }
    figures.push(KeyFigure {
        name: "days",
        label: "Complete days",
        value: (days.days > 0).then_some(days.complete as f64),
        change: None,
        note: days_note(&days),
    });

    let mut remarks = Vec::new();
    if days.days > days.complete {
        remarks.push("Figures that include incomplete days are underestimates.".to_owned());
    }
    if days.days > 0 {
        let compared = previous.as_ref().and_then(ReportSession::period);
        remarks.push(comparison_remark(compared, comparable.map(|sessions| sessions.days)));
    }
    Ok(KeyFigureSet { figures, remarks })
}

/// Returns the note on the days of the period that are not complete.
fn days_note(days: &CoverageCounts) -> String {
    let truncated = match days.truncated {
        0 => String::new(),
        truncated => format!("{truncated} truncated, "),
    };
    format!("of {}; {} partial, {truncated}{} missing", days.days, days.partial, days.missing)
}

/// Returns the note on the window of the active users: the last day of the 28 days, if it is not
/// the last day of the period. Days without data have no such number.
fn window_note(grid: &Grid) -> Result<String> {
    let known = column_numbers(grid, "mau")?.iter().rposition(Option::is_some);
    let dates = column_dates(grid, "date")?;
    // A row ends the day before the next one.
    let next = known.and_then(|at| dates.get(at + 1).copied().flatten());
    let last = next.and_then(|day| day.pred_opt());
    Ok(last.map(|day| format!("in the 28 days to {day}")).unwrap_or_default())
}

/// The results of reports, by name.
type Grids = BTreeMap<&'static str, Grid>;

/// Returns the results from which changes are calculated: those of this and of the previous period.
fn compared_grids(
    results: &DashboardResults<'_>,
    session: &ReportSession<'_>,
    previous: Option<&ReportSession<'_>>,
    comparable: Option<&ComparableSessions<'_>>,
) -> Result<[Grids; 2]> {
    let [mut later, mut earlier] = [Grids::new(), Grids::new()];
    if let Some(sessions) = comparable {
        for name in KEY_FIGURE_REPORTS.into_iter().filter(|name| *name != ADOPTION) {
            later.insert(name, run(results, &sessions.later, name)?);
            earlier.insert(name, run(results, &sessions.earlier, name)?);
        }
    }
    // Active users are those of 28 days, so their change compares these windows.
    if let Some(previous) = previous
        && has_complete_window(session)?
        && has_complete_window(previous)?
    {
        later.insert(ADOPTION, results.result(ADOPTION)?.grid.clone());
        earlier.insert(ADOPTION, run(results, previous, ADOPTION)?);
    }
    Ok([later, earlier])
}

/// Returns a sentence on the days that changes compare: `days` of this period with as many of the
/// previous one.
fn comparison_remark(previous: Option<(NaiveDate, NaiveDate)>, days: Option<usize>) -> String {
    let Some((first, last)) = previous else {
        return "No comparison: there is not enough history before this period.".to_owned();
    };
    let period = format_period(first, last);
    match days {
        None => format!(
            "No comparison: this period and {period} have no complete days on the same weekdays."
        ),
        Some(1) => format!(
            "Changes compare 1 complete day with 1 complete day of {period}, on the same weekday."
        ),
        Some(days) => format!(
            "Changes compare {days} complete days with {days} complete days of {period}, on the \
             same weekdays."
        ),
    }
}

/// Runs a report of the key figures.
fn run(
    results: &DashboardResults<'_>,
    session: &ReportSession<'_>,
    name: &'static str,
) -> Result<Grid> {
    let over_time = [TREND, ADOPTION].contains(&name);
    session.rows(results.report(name)?, &grain_params(if over_time { results.grain } else { "" }))
}

/// Returns true if the 28 days that end with the period are complete.
fn has_complete_window(session: &ReportSession<'_>) -> Result<bool> {
    let run = session.rows(&ReportDefinition::ad_hoc(COMPLETE_RUN), &[])?;
    let run = column_numbers(&run, "complete_run")?;
    Ok(run.into_iter().flatten().any(|days| days >= MAU_DAYS))
}

/// A key figure and its calculation.
struct KeyFigureDefinition {
    name: &'static str,
    label: &'static str,
    report: &'static str,
    calculate: fn(&Grid) -> Result<Option<f64>>,
}

const KEY_FIGURES: [KeyFigureDefinition; 7] = [
    KeyFigureDefinition {
        name: "views",
        label: "Report views",
        report: TREND,
        calculate: |grid| Ok(sum_known(column_numbers(grid, "views")?)),
    },
    KeyFigureDefinition {
        name: "viewers",
        label: "Users who viewed content",
        report: "top-users",
        // Events without a user have a row, too, but are no user.
        calculate: |grid| {
            let users = column_texts(grid, "user")?;
            let known = users.iter().filter(|user| **user != Some(UNKNOWN_USER));
            Ok(Some(known.count() as f64))
        },
    },
    KeyFigureDefinition {
        name: "mau",
        label: "Active users (28 days)",
        report: ADOPTION,
        calculate: |grid| Ok(column_numbers(grid, "mau")?.into_iter().flatten().next_back()),
    },
    KeyFigureDefinition {
        name: "reports",
        label: "Reports viewed",
        report: "top-reports",
        // A report in two workspaces has two rows; events without a report have one row.
        calculate: |grid| {
            let reports: BTreeSet<&str> =
                column_texts(grid, "report_id")?.into_iter().flatten().collect();
            Ok(Some(reports.len() as f64))
        },
    },
    KeyFigureDefinition {
        name: "exports",
        label: "Exports, downloads and prints",
        report: "exports",
        calculate: |grid| Ok(sum_known(column_numbers(grid, "exports")?)),
    },
    KeyFigureDefinition {
        name: "external-shares",
        label: "Shares with external users",
        report: "sharing-audit",
        // A row is an item, a recipient and a sharer, with its number of shares.
        calculate: |grid| {
            let reaches = column_texts(grid, "reach")?;
            let shares = reaches.into_iter().zip(column_numbers(grid, "shares")?);
            let external = shares.filter(|(reach, _)| *reach == Some(EXTERNAL_REACH));
            Ok(sum_known(external.map(|(_, shares)| shares).collect()))
        },
    },
    KeyFigureDefinition {
        name: "guests",
        label: "Active external users",
        report: "external-users",
        calculate: |grid| Ok(Some(grid.rows.len() as f64)),
    },
];

/// The user of the row of `top-users` for events without a user.
const UNKNOWN_USER: &str = "(unknown)";

/// The reach of shares with external users in `sharing-audit`.
pub const EXTERNAL_REACH: &str = "external";

fn figure_value(grids: &Grids, kind: &KeyFigureDefinition) -> Result<Option<f64>> {
    grids.get(kind.report).map_or(Ok(None), |grid| (kind.calculate)(grid))
}

/// Returns the sum of the known numbers, or `None` if there are numbers but none is known. Only
/// reports over time have unknown numbers, so a report without rows has the sum 0.
fn sum_known(numbers: Vec<Option<f64>>) -> Option<f64> {
    let is_unknown = !numbers.is_empty() && numbers.iter().all(Option::is_none);
    // The sum of no floats would be a negative zero.
    (!is_unknown).then(|| numbers.into_iter().flatten().fold(0.0, |sum, number| sum + number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Cell, CellKind};

    #[test]
    fn window_that_ends_before_the_period_has_its_day() {
        let note = |numbers: &[Option<i64>]| {
            let mut grid = Grid::new([("date", CellKind::Date), ("mau", CellKind::Int)]);
            // Weeks from 1970-01-01.
            grid.rows = (0..)
                .zip(numbers)
                .map(|(week, number)| {
                    vec![Cell::Date { days: 7 * week }, number.map_or(Cell::Null, Cell::Int)]
                })
                .collect();
            window_note(&grid).unwrap()
        };
        assert_eq!(note(&[None, Some(3), Some(4)]), "");
        assert_eq!(note(&[Some(3), Some(4), None, None]), "in the 28 days to 1970-01-14");
        assert_eq!(note(&[None, None]), "");
        assert_eq!(note(&[]), "");
    }

    #[test]
    fn sum_of_nothing_is_zero_without_a_sign() {
        assert_eq!(sum_known(Vec::new()).map(|sum| sum.to_string()).as_deref(), Some("0"));
        assert_eq!(sum_known(vec![None, None]), None);
        assert_eq!(sum_known(vec![Some(2.0), None, Some(3.0)]), Some(5.0));
    }
}
