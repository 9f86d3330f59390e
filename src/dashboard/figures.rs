//! Calculates the key figures of the page, from rows of reports of this and the previous period.

use std::collections::{BTreeMap, BTreeSet};

use super::results::{
    ADOPTION, DashboardResults, TREND, column_numbers, column_texts, grain_params,
};
use crate::Result;
use crate::grid::Grid;
use crate::render::html::{KeyFigure, format_period};
use crate::report::ReportSession;

/// The reports that the figures are from.
const KEY_FIGURE_REPORTS: [&str; 7] =
    [TREND, "top-users", ADOPTION, "top-reports", "exports", "sharing-audit", "external-users"];

/// The key figures, with remarks on their reliability.
pub struct KeyFigureSet {
    /// The key figures.
    pub figures: Vec<KeyFigure>,
    /// The remarks, for the top of the page.
    pub remarks: Vec<String>,
}

/// Returns the key figures of the period, and of the previous one if the store covers it.
pub fn key_figures(
    results: &DashboardResults<'_>,
    session: &ReportSession<'_>,
) -> Result<KeyFigureSet> {
    let mut now = BTreeMap::new();
    for name in KEY_FIGURE_REPORTS {
        now.insert(name, &results.result(name)?.grid);
    }
    let previous = session.previous_period()?;
    let mut rows = BTreeMap::new();
    if let Some(previous) = &previous {
        for name in KEY_FIGURE_REPORTS {
            let over_time = [TREND, ADOPTION].contains(&name);
            let set = grain_params(if over_time { results.grain } else { "" });
            rows.insert(name, previous.rows(results.report(name)?, &set)?);
        }
    }
    let previous_grids: BTreeMap<_, _> = rows.iter().map(|(name, grid)| (*name, grid)).collect();

    let days = session.coverage();
    let mut figures = Vec::new();
    for kind in &KEY_FIGURES {
        figures.push(KeyFigure {
            name: kind.name,
            label: kind.label,
            value: figure_value(&now, kind)?,
            previous: figure_value(&previous_grids, kind)?,
            note: String::new(),
        });
    }
    figures.push(KeyFigure {
        name: "days",
        label: "Complete days",
        value: (days.days > 0).then_some(days.complete as f64),
        previous: None,
        note: format!("of {}; {} partial, {} missing", days.days, days.partial, days.missing),
    });

    let mut remarks = Vec::new();
    if days.days > days.complete {
        remarks.push("Figures that include incomplete days are underestimates.".to_owned());
    }
    match previous.as_ref().and_then(|previous| Some((previous.period()?, previous.coverage()))) {
        Some(((first, last), counts)) => remarks.push(format!(
            "Compared with {} ({} of {} days complete).",
            format_period(first, last),
            counts.complete,
            counts.days
        )),
        None if days.days > 0 => remarks
            .push("No comparison: there is not enough history before this period.".to_owned()),
        None => {}
    }
    Ok(KeyFigureSet { figures, remarks })
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
        calculate: |grid| {
            let external = column_texts(grid, "reach")?
                .into_iter()
                .filter(|reach| *reach == Some(EXTERNAL_REACH));
            Ok(Some(external.count() as f64))
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

fn figure_value(grids: &BTreeMap<&str, &Grid>, kind: &KeyFigureDefinition) -> Result<Option<f64>> {
    grids.get(kind.report).map_or(Ok(None), |grid| (kind.calculate)(grid))
}

/// Returns the sum of the known numbers, or `None` if there are numbers but none is known. Only
/// reports over time have unknown numbers, so a report without rows has the sum 0.
fn sum_known(numbers: Vec<Option<f64>>) -> Option<f64> {
    let is_unknown = !numbers.is_empty() && numbers.iter().all(Option::is_none);
    (!is_unknown).then(|| numbers.into_iter().flatten().sum())
}
