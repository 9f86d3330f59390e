//! Calculates the key figures of a period from rows of reports, and their changes from rows of the
//! same reports over comparable days.

use std::collections::BTreeSet;

use super::columns::{ADOPTION, TREND, column_dates, column_numbers, column_texts};
use super::comparison::{Grids, KEY_FIGURE_REPORTS};
use super::results::DashboardResults;
use crate::Result;
use crate::grid::Grid;
use crate::render::CoverageCounts;
use crate::render::html::{FigureChange, KeyFigure};

/// Returns the key figures of the period. Changes compare the comparable days of this and the
/// previous period.
pub fn key_figures(
    results: &DashboardResults<'_>,
    days: &CoverageCounts,
) -> Result<Vec<KeyFigure>> {
    let mut now = Grids::new();
    for name in KEY_FIGURE_REPORTS {
        now.insert(name, results.result(name)?.grid.clone());
    }
    let comparison = &results.comparison;
    let mut figures = Vec::new();
    for kind in &KEY_FIGURES {
        let mut value = figure_value(&comparison.later, kind)?;
        // Active users are those of 28 days, so their change compares the windows themselves.
        if kind.report == ADOPTION && comparison.earlier.contains_key(ADOPTION) {
            value = figure_value(&now, kind)?;
        }
        let previous = figure_value(&comparison.earlier, kind)?;
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
        note: days_note(days),
    });
    Ok(figures)
}

/// Returns the note on the days of the period that are not complete.
fn days_note(days: &CoverageCounts) -> String {
    let counts =
        [(days.partial, "partial"), (days.truncated, "truncated"), (days.missing, "missing")];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, status)| format!("{count} {status}")).collect();
    let others = if counts.is_empty() { String::new() } else { format!("; {}", counts.join(", ")) };
    format!("of {}{others}", days.days)
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
pub const UNKNOWN_USER: &str = "(unknown)";

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
