//! The figures at the top: sums and numbers of rows of reports, and the same of the period before.
//!
//! Owns: which figures there are, and what is said of the comparison. Must not know how they look.

use std::collections::{BTreeMap, BTreeSet};

use super::{ADOPTION, DashboardResults, TREND, column_numbers, column_texts, grain_params};
use crate::Result;
use crate::grid::Grid;
use crate::render::html::KeyFigure;
use crate::report::ReportSession;

/// The reports that the figures are from.
const KEY_FIGURE_REPORTS: [&str; 7] =
    [TREND, "top-users", ADOPTION, "top-reports", "exports", "sharing-audit", "external-users"];

/// The figures, and what the page has to say of them.
pub struct KeyFigureSet {
    pub figures: Vec<KeyFigure>,
    pub remarks: Vec<String>,
}

/// The figures of a period and of the one before, where the archive reaches back over it.
pub fn key_figures(
    answers: &DashboardResults<'_>,
    inquiry: &ReportSession<'_>,
) -> Result<KeyFigureSet> {
    let mut now = BTreeMap::new();
    for name in KEY_FIGURE_REPORTS {
        now.insert(name, &answers.result(name)?.grid);
    }
    let earlier = inquiry.previous_period()?;
    let mut rows = BTreeMap::new();
    if let Some(earlier) = &earlier {
        for name in KEY_FIGURE_REPORTS {
            let over_time = [TREND, ADOPTION].contains(&name);
            let set = grain_params(if over_time { answers.grain } else { "" });
            rows.insert(name, earlier.rows(answers.report(name)?, &set)?);
        }
    }
    let before: BTreeMap<_, _> = rows.iter().map(|(name, grid)| (*name, grid)).collect();

    let days = inquiry.coverage();
    let mut figures: Vec<KeyFigure> = KEY_FIGURES
        .iter()
        .map(|kind| KeyFigure {
            name: kind.name,
            label: kind.label,
            value: figure_value(&now, kind),
            previous: figure_value(&before, kind),
            note: String::new(),
        })
        .collect();
    figures.push(KeyFigure {
        name: "days",
        label: "Days held in full",
        value: (days.days > 0).then_some(days.complete as f64),
        previous: None,
        note: format!("of {}; {} in part, {} missing", days.days, days.partial, days.missing),
    });

    let mut remarks = Vec::new();
    if days.days > days.complete {
        remarks.push("What touches days that are not held in full is counted too low.".to_owned());
    }
    match earlier.as_ref().and_then(|earlier| Some((earlier.period()?, earlier.coverage()))) {
        Some(((first, last), held)) => remarks.push(format!(
            "Changes are against {first} to {last}; {} of these {} days are held in full.",
            held.complete, held.days
        )),
        None if days.days > 0 => remarks.push(
            "No changes are shown: the archive does not reach back over as many days before."
                .to_owned(),
        ),
        None => {}
    }
    Ok(KeyFigureSet { figures, remarks })
}

/// A figure and how it is counted.
struct KeyFigureDefinition {
    name: &'static str,
    label: &'static str,
    report: &'static str,
    calculate: fn(&Grid) -> Option<f64>,
}

const KEY_FIGURES: [KeyFigureDefinition; 7] = [
    KeyFigureDefinition {
        name: "views",
        label: "Views of reports",
        report: TREND,
        calculate: |grid| sum_known(column_numbers(grid, "views")),
    },
    KeyFigureDefinition {
        name: "people",
        label: "People who opened content",
        report: "top-users",
        // Events that name no user are a row too, but nobody.
        calculate: |grid| {
            Some(
                column_texts(grid, "user")
                    .iter()
                    .filter(|user| **user != Some(UNKNOWN_USER))
                    .count() as f64,
            )
        },
    },
    KeyFigureDefinition {
        name: "mau",
        label: "Active in the last 28 days",
        report: ADOPTION,
        calculate: |grid| column_numbers(grid, "mau").into_iter().flatten().next_back(),
    },
    KeyFigureDefinition {
        name: "reports",
        label: "Different reports opened",
        report: "top-reports",
        // A report that was opened in two workspaces is two rows; events that name none are a row.
        calculate: |grid| {
            let reports: BTreeSet<&str> =
                column_texts(grid, "report_id").into_iter().flatten().collect();
            Some(reports.len() as f64)
        },
    },
    KeyFigureDefinition {
        name: "exports",
        label: "Exports and prints",
        report: "exports",
        calculate: |grid| sum_known(column_numbers(grid, "exports")),
    },
    KeyFigureDefinition {
        name: "shared-outside",
        label: "Shares with outsiders",
        report: "sharing-audit",
        calculate: |grid| {
            let outside = column_texts(grid, "reach")
                .into_iter()
                .filter(|reach| *reach == Some(EXTERNAL_REACH));
            Some(outside.count() as f64)
        },
    },
    KeyFigureDefinition {
        name: "guests",
        label: "Active guests",
        report: "external-users",
        calculate: row_count,
    },
];

/// The row of `top-users` that events without a user are in.
const UNKNOWN_USER: &str = "(unknown)";

/// What `sharing-audit` calls what goes to people outside.
pub const EXTERNAL_REACH: &str = "external";

fn figure_value(grids: &BTreeMap<&str, &Grid>, kind: &KeyFigureDefinition) -> Option<f64> {
    grids.get(kind.report).and_then(|grid| (kind.calculate)(grid))
}

fn row_count(grid: &Grid) -> Option<f64> {
    Some(grid.rows.len() as f64)
}

/// The sum of all that is known; none where nothing is. Rows of other reports than those over time
/// are all known, so that no rows are 0 there.
fn sum_known(numbers: Vec<Option<f64>>) -> Option<f64> {
    let is_unknown = !numbers.is_empty() && numbers.iter().all(Option::is_none);
    (!is_unknown).then(|| numbers.into_iter().flatten().sum())
}
