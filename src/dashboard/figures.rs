//! The figures at the top: sums and numbers of rows of reports, and the same of the period before.
//!
//! Owns: which figures there are, and what is said of the comparison. Must not know how they look.

use std::collections::{BTreeMap, BTreeSet};

use super::{ADOPTION, Answers, TREND, numbers, set, texts};
use crate::Result;
use crate::grid::Grid;
use crate::render::html::Figure;
use crate::report::Inquiry;

/// The reports that the figures are from.
const FROM: [&str; 7] =
    [TREND, "top-users", ADOPTION, "top-reports", "exports", "sharing-audit", "external-users"];

/// The figures, and what the page has to say of them.
pub struct Figures {
    pub figures: Vec<Figure>,
    pub remarks: Vec<String>,
}

/// The figures of a period and of the one before, where the archive reaches back over it.
pub fn of(answers: &Answers<'_>, inquiry: &Inquiry<'_>) -> Result<Figures> {
    let mut now = BTreeMap::new();
    for name in FROM {
        now.insert(name, &answers.of(name)?.grid);
    }
    let earlier = inquiry.before()?;
    let mut rows = BTreeMap::new();
    if let Some(earlier) = &earlier {
        for name in FROM {
            let over_time = [TREND, ADOPTION].contains(&name);
            let set = set(if over_time { answers.grain } else { "" });
            rows.insert(name, earlier.rows(answers.question(name)?, &set)?);
        }
    }
    let before: BTreeMap<_, _> = rows.iter().map(|(name, grid)| (*name, grid)).collect();

    let days = inquiry.days();
    let mut figures: Vec<Figure> = KINDS
        .iter()
        .map(|kind| Figure {
            name: kind.name,
            label: kind.label,
            value: counted(&now, kind),
            before: counted(&before, kind),
            note: String::new(),
        })
        .collect();
    figures.push(Figure {
        name: "days",
        label: "Days held in full",
        value: (days.days > 0).then_some(days.complete as f64),
        before: None,
        note: format!("of {}; {} in part, {} missing", days.days, days.partial, days.missing),
    });

    let mut remarks = Vec::new();
    if days.days > days.complete {
        remarks.push("What touches days that are not held in full is counted too low.".to_owned());
    }
    match earlier.as_ref().and_then(|earlier| Some((earlier.period()?, earlier.days()))) {
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
    Ok(Figures { figures, remarks })
}

/// A figure and how it is counted.
struct Kind {
    name: &'static str,
    label: &'static str,
    report: &'static str,
    count: fn(&Grid) -> Option<f64>,
}

const KINDS: [Kind; 7] = [
    Kind {
        name: "views",
        label: "Views of reports",
        report: TREND,
        count: |grid| sum(numbers(grid, "views")),
    },
    Kind {
        name: "people",
        label: "People who opened content",
        report: "top-users",
        // Events that name no user are a row too, but nobody.
        count: |grid| {
            Some(texts(grid, "user").iter().filter(|user| **user != Some(NOBODY)).count() as f64)
        },
    },
    Kind {
        name: "mau",
        label: "Active in the last 28 days",
        report: ADOPTION,
        count: |grid| numbers(grid, "mau").into_iter().flatten().next_back(),
    },
    Kind {
        name: "reports",
        label: "Different reports opened",
        report: "top-reports",
        // A report that was opened in two workspaces is two rows; events that name none are a row.
        count: |grid| {
            let reports: BTreeSet<&str> = texts(grid, "report_id").into_iter().flatten().collect();
            Some(reports.len() as f64)
        },
    },
    Kind {
        name: "exports",
        label: "Exports and prints",
        report: "exports",
        count: |grid| sum(numbers(grid, "exports")),
    },
    Kind {
        name: "shared-outside",
        label: "Shares with outsiders",
        report: "sharing-audit",
        count: |grid| {
            let outside = texts(grid, "reach").into_iter().filter(|reach| *reach == Some(OUTSIDE));
            Some(outside.count() as f64)
        },
    },
    Kind { name: "guests", label: "Active guests", report: "external-users", count: rows },
];

/// The row of `top-users` that events without a user are in.
const NOBODY: &str = "(unknown)";

/// What `sharing-audit` calls what goes to people outside.
pub const OUTSIDE: &str = "outside";

fn counted(grids: &BTreeMap<&str, &Grid>, kind: &Kind) -> Option<f64> {
    grids.get(kind.report).and_then(|grid| (kind.count)(grid))
}

fn rows(grid: &Grid) -> Option<f64> {
    Some(grid.rows.len() as f64)
}

/// The sum of all that is known; none where nothing is. Rows of other reports than those over time
/// are all known, so that no rows are 0 there.
fn sum(numbers: Vec<Option<f64>>) -> Option<f64> {
    let is_unknown = !numbers.is_empty() && numbers.iter().all(Option::is_none);
    (!is_unknown).then(|| numbers.into_iter().flatten().sum())
}
