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
use crate::report::{
    self, NoiseFilter, Options, ReportCatalog, ReportDefinition, ReportResult, ReportSession,
    Snapshot,
};
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
const GRAIN_PARAM: &str = "grain";

/// More days than these are drawn as weeks, more weeks as months.
const MAX_CHART_POINTS: u64 = 550;

/// The columns of the table that the page needs.
///
/// # Errors
///
/// [`Error::Query`] for a statement that the guard refuses.
pub fn required_columns(reports: &ReportCatalog) -> Result<HashSet<String>> {
    let mut columns = HashSet::new();
    for name in REPORTS {
        columns.extend(report::required_columns(reports.find(name)?)?);
    }
    Ok(columns)
}

/// Makes the page, as HTML. The same archive and options are the same bytes.
///
/// # Errors
///
/// Those of [`report::run`].
pub fn run(snapshot: &Snapshot, reports: &ReportCatalog, options: &Options) -> Result<Vec<u8>> {
    let mut questions = Vec::new();
    for name in REPORTS {
        questions.push(reports.find(name)?);
    }
    let inquiry = ReportSession::new(snapshot, questions.iter().copied(), options)?;
    let answers = DashboardResults::run(&inquiry, &questions)?;
    let sparks = sparks::report_sparklines(&answers, &inquiry)?;
    let figures = figures::key_figures(&answers, &inquiry)?;

    let trend = answers.result(TREND)?;
    let mut remarks = filter_remarks(options);
    remarks.extend(answers.shared_remarks()?);
    remarks.extend(figures.remarks);
    html::render_page(&Document {
        title: "Power BI usage".to_owned(),
        context: trend.context.clone(),
        time_zone: options.time_zone,
        remarks,
        figures: figures.figures,
        sections: sections::build_sections(&answers, sparks)?,
    })
}

/// What was asked for beside the period, in words.
fn filter_remarks(options: &Options) -> Vec<String> {
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
        NoiseFilter::Exclude => {}
        NoiseFilter::ExcludeAllReads => {
            asked.push("All reads through the API are taken out.".to_owned())
        }
        NoiseFilter::Include => asked.push("Noise is not taken out.".to_owned()),
    }
    if let Some(actors) = options.actors {
        asked.push(format!("Whose events count: {}.", actors.name()));
    }
    asked
}

/// What the reports answered, each asked once.
struct DashboardResults<'q> {
    /// What a row of a report over time is.
    grain: &'static str,
    /// The same where there is less to be seen from day to day.
    coarse_grain: &'static str,
    reports: BTreeMap<&'static str, &'q ReportDefinition>,
    results: BTreeMap<(&'static str, &'static str), ReportResult>,
}

impl<'q> DashboardResults<'q> {
    fn run(
        inquiry: &ReportSession<'_>,
        questions: &[&'q ReportDefinition],
    ) -> Result<DashboardResults<'q>> {
        let days = inquiry.coverage().days;
        let (grain, coarse) = match days {
            days if days <= MAX_CHART_POINTS => ("day", "week"),
            days if days <= 7 * MAX_CHART_POINTS => ("week", "month"),
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
                answers.insert((*name, *grain), inquiry.run(question, &grain_params(grain))?);
            }
        }
        Ok(DashboardResults { grain, coarse_grain: coarse, reports: questions, results: answers })
    }

    /// The answer of a report, by the finer grain.
    fn result(&self, name: &'static str) -> Result<&ReportResult> {
        let grain = if [TREND, ADOPTION].contains(&name) { self.grain } else { "" };
        self.result_by_grain(name, grain)
    }

    fn result_by_grain(&self, name: &'static str, grain: &'static str) -> Result<&ReportResult> {
        let found = self.results.get(&(name, grain));
        found.ok_or_else(|| Error::internal(format!("the page has not asked {name}")))
    }

    fn report(&self, name: &str) -> Result<&'q ReportDefinition> {
        let found = self.reports.get(name).copied();
        found.ok_or_else(|| Error::internal(format!("the page does not know {name}")))
    }

    /// What three unlike reports all say, the page says.
    fn shared_remarks(&self) -> Result<Vec<String>> {
        let others = [&self.result("top-users")?.remarks, &self.result("exports")?.remarks];
        let mut remarks = self.result("top-reports")?.remarks.clone();
        remarks.retain(|remark| others.iter().all(|others| others.contains(remark)));
        Ok(remarks)
    }
}

/// The parameters of a grain, where a report has one.
fn grain_params(grain: &'static str) -> Vec<(&'static str, &'static str)> {
    if grain.is_empty() { Vec::new() } else { vec![(GRAIN_PARAM, grain)] }
}

/// The cells of a column; none where there is no such column.
fn column_cells<'g>(grid: &'g Grid, column: &str) -> Vec<&'g Cell> {
    let at = grid.columns.iter().position(|found| found.name == column);
    at.map_or_else(Vec::new, |at| grid.rows.iter().filter_map(|row| row.get(at)).collect())
}

fn column_numbers(grid: &Grid, column: &str) -> Vec<Option<f64>> {
    let number = |cell: &Cell| match cell {
        Cell::Int(number) => Some(*number as f64),
        Cell::Float(number) => Some(*number),
        _ => None,
    };
    column_cells(grid, column).into_iter().map(number).collect()
}

fn column_texts<'g>(grid: &'g Grid, column: &str) -> Vec<Option<&'g str>> {
    let text = |cell: &'g Cell| match cell {
        Cell::Text(text) => Some(text.as_str()),
        _ => None,
    };
    column_cells(grid, column).into_iter().map(text).collect()
}
