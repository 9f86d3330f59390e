//! Many answers on one page, for those who never type a command: the conductor of the dashboard.
//!
//! Owns: which reports stand on the page, which of their rows and columns, and the few figures that
//! are sums of their rows. Every number is a report's own, so that whoever doubts one can ask that
//! report. Must not know how a page looks, nor where it goes.

mod figures;
mod sections;
mod sparks;

use std::collections::{BTreeMap, HashSet};

use crate::grid::{Cell, Grid};
use crate::render::html::{self, Document};
use crate::report::{self, Answer, Inquiry, NoiseLevel, Options, Question, Reports, Snapshot};
use crate::{Error, Result};

/// The reports on the page. Those over time are asked with a grain.
const REPORTS: [&str; 14] = [
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

const TREND: &str = "consumption-trend";
const ADOPTION: &str = "adoption";

/// The parameter by which reports over time are told what a row is.
const GRAIN: &str = "grain";

/// More days than these are drawn as weeks, more weeks as months.
const DAYS_MAX: u64 = 550;

/// The columns of the table that the page needs.
///
/// # Errors
///
/// [`Error::Query`] for a statement that the guard refuses.
pub fn columns(reports: &Reports) -> Result<HashSet<String>> {
    let mut columns = HashSet::new();
    for name in REPORTS {
        columns.extend(report::columns(reports.find(name)?)?);
    }
    Ok(columns)
}

/// Makes the page, as HTML. The same archive and options are the same bytes.
///
/// # Errors
///
/// Those of [`report::run`].
pub fn run(snapshot: &Snapshot, reports: &Reports, options: &Options) -> Result<Vec<u8>> {
    let mut questions = Vec::new();
    for name in REPORTS {
        questions.push(reports.find(name)?);
    }
    let inquiry = Inquiry::new(snapshot, questions.iter().copied(), options)?;
    let answers = Answers::ask(&inquiry, &questions)?;
    let sparks = sparks::of(&answers, &inquiry)?;
    let figures = figures::of(&answers, &inquiry)?;

    let trend = answers.of(TREND)?;
    let mut remarks = asked(options);
    remarks.extend(answers.shared_remarks()?);
    remarks.extend(figures.remarks);
    html::page(&Document {
        title: "Power BI usage".to_owned(),
        basis: trend.basis.clone(),
        time_zone: options.time_zone,
        remarks,
        figures: figures.figures,
        sections: sections::of(&answers, sparks)?,
    })
}

/// What was asked for beside the period, in words.
fn asked(options: &Options) -> Vec<String> {
    let filters = &options.filters;
    let kinds = [
        ("workspace", &filters.workspaces),
        ("report", &filters.reports),
        ("user", &filters.users),
        ("activity", &filters.activities),
    ];
    let named = kinds.iter().filter(|(_, names)| !names.is_empty());
    let mut asked: Vec<String> =
        named.map(|(kind, names)| format!("Only {kind} {}.", names.join(" or "))).collect();
    match options.noise {
        NoiseLevel::Default => {}
        NoiseLevel::Wide => asked.push("All reads through the API are taken out.".to_owned()),
        NoiseLevel::Keep => asked.push("Noise is not taken out.".to_owned()),
    }
    if let Some(actors) = options.actors {
        asked.push(format!("Whose events count: {}.", actors.name()));
    }
    asked
}

/// What the reports answered, each asked once.
struct Answers<'q> {
    /// What a row of a report over time is.
    grain: &'static str,
    /// The same where there is less to be seen from day to day.
    coarse: &'static str,
    questions: BTreeMap<&'static str, &'q Question>,
    answers: BTreeMap<(&'static str, &'static str), Answer>,
}

impl<'q> Answers<'q> {
    fn ask(inquiry: &Inquiry<'_>, questions: &[&'q Question]) -> Result<Answers<'q>> {
        let days = inquiry.days().days;
        let (grain, coarse) = match days {
            days if days <= DAYS_MAX => ("day", "week"),
            days if days <= 7 * DAYS_MAX => ("week", "month"),
            _ => ("month", "month"),
        };
        let questions: BTreeMap<_, _> =
            REPORTS.into_iter().zip(questions.iter().copied()).collect();
        let mut answers = BTreeMap::new();
        for (name, question) in &questions {
            let grains: &[&'static str] = match *name {
                TREND => &[grain],
                ADOPTION => &[grain, coarse],
                _ => &[""],
            };
            for grain in grains {
                answers.insert((*name, *grain), inquiry.ask(question, &set(grain))?);
            }
        }
        Ok(Answers { grain, coarse, questions, answers })
    }

    /// The answer of a report, by the finer grain.
    fn of(&self, name: &'static str) -> Result<&Answer> {
        let grain = if [TREND, ADOPTION].contains(&name) { self.grain } else { "" };
        self.by(name, grain)
    }

    fn by(&self, name: &'static str, grain: &'static str) -> Result<&Answer> {
        let found = self.answers.get(&(name, grain));
        found.ok_or_else(|| Error::internal(format!("the page has not asked {name}")))
    }

    fn question(&self, name: &str) -> Result<&'q Question> {
        let found = self.questions.get(name).copied();
        found.ok_or_else(|| Error::internal(format!("the page does not know {name}")))
    }

    /// What three unlike reports all say, the page says.
    fn shared_remarks(&self) -> Result<Vec<String>> {
        let others = [&self.of("top-users")?.remarks, &self.of("exports")?.remarks];
        let mut remarks = self.of("top-reports")?.remarks.clone();
        remarks.retain(|remark| others.iter().all(|others| others.contains(remark)));
        Ok(remarks)
    }
}

/// The parameters of a grain, where a report has one.
fn set(grain: &'static str) -> Vec<(&'static str, &'static str)> {
    if grain.is_empty() { Vec::new() } else { vec![(GRAIN, grain)] }
}

/// The cells of a column; none where there is no such column.
fn cells<'g>(grid: &'g Grid, column: &str) -> Vec<&'g Cell> {
    let at = grid.columns.iter().position(|found| found.name == column);
    at.map_or_else(Vec::new, |at| grid.rows.iter().filter_map(|row| row.get(at)).collect())
}

fn numbers(grid: &Grid, column: &str) -> Vec<Option<f64>> {
    let number = |cell: &Cell| match cell {
        Cell::Int(number) => Some(*number as f64),
        Cell::Float(number) => Some(*number),
        _ => None,
    };
    cells(grid, column).into_iter().map(number).collect()
}

fn texts<'g>(grid: &'g Grid, column: &str) -> Vec<Option<&'g str>> {
    let text = |cell: &'g Cell| match cell {
        Cell::Text(text) => Some(text.as_str()),
        _ => None,
    };
    cells(grid, column).into_iter().map(text).collect()
}
