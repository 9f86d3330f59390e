//! Answers before they have a form, and several questions to one archive, asked as they come.
//!
//! Owns: what is known of an answer beside its rows. Must not know formats: whoever asks here puts
//! the rows together himself.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::Result;
use crate::grid::Grid;
use crate::query::{self, Session};
use crate::render::{OutputFormat, ReportContext};

use super::{
    Options, ReportDefinition, Snapshot, TOP_PARAM, coverage_counts, effective_params,
    excluded_events, open_session, report_remarks,
};

/// An answer that has no form yet.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportResult {
    /// The rows.
    pub grid: Grid,
    /// What they rest on.
    pub context: ReportContext,
    /// What people should know of it, in sentences.
    pub remarks: Vec<String>,
}

/// Answers a report within what is asked of a session.
pub(super) fn run_report(
    session: &Session<'_>,
    report: &ReportDefinition,
    options: &Options,
) -> Result<ReportResult> {
    let tally = session.event_counts(report)?;
    let given = effective_params(report, options)?;
    let grid = query::execute(session, report, &given)?;

    let period = session.period();
    let basis = ReportContext {
        report: report.name.clone(),
        title: report.title.clone(),
        since: period.first_day(),
        until: period.last_day(),
        coverage: coverage_counts(session.coverage()),
        excluded: excluded_events(&tally, session.actors(report), report.includes_noise),
    };
    let top = given.get(TOP_PARAM).map(String::as_str);
    let remarks = report_remarks(period, &grid, &tally, top);
    Ok(ReportResult { grid, context: basis, remarks })
}

/// Questions to one archive about one period. What several of them read is read once.
pub struct ReportSession<'a> {
    session: Session<'a>,
    options: Options,
}

impl<'a> ReportSession<'a> {
    /// Opens it for these questions; others can be asked too, and read what they need.
    ///
    /// # Errors
    ///
    /// Those of [`super::run`] that concern all questions.
    pub fn new<'r>(
        snapshot: &'a Snapshot,
        reports: impl IntoIterator<Item = &'r ReportDefinition> + Clone,
        options: &Options,
    ) -> Result<ReportSession<'a>> {
        let mut session = open_session(snapshot, reports.clone(), options)?;
        session.preload(reports)?;
        // All rows: whoever asks here cuts them himself.
        let options = Options { format: OutputFormat::Json, top: None, ..options.clone() };
        Ok(ReportSession { session, options })
    }

    /// The answer to a question, and what it rests on.
    ///
    /// # Errors
    ///
    /// Those of [`super::run`].
    pub fn run(&self, report: &ReportDefinition, set: &[(&str, &str)]) -> Result<ReportResult> {
        run_report(&self.session, report, &self.options_with_params(set))
    }

    /// The rows alone, for which nothing has to be counted beside them.
    ///
    /// # Errors
    ///
    /// Those of [`super::run`].
    pub fn rows(&self, report: &ReportDefinition, set: &[(&str, &str)]) -> Result<Grid> {
        query::execute(
            &self.session,
            report,
            &effective_params(report, &self.options_with_params(set))?,
        )
    }

    fn options_with_params(&self, set: &[(&str, &str)]) -> Options {
        let set: BTreeMap<String, String> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options { params: set, ..self.options.clone() }
    }

    /// The same about as many days before; `None` where the archive does not reach back so far.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn previous_period(&self) -> Result<Option<ReportSession<'a>>> {
        let Some(period) = self.session.period().previous() else { return Ok(None) };
        let session = self.session.with_period(period)?;
        Ok(Some(ReportSession { session, options: self.options.clone() }))
    }

    /// The first and the last day of the period, where they are known.
    pub fn period(&self) -> Option<(NaiveDate, NaiveDate)> {
        let period = self.session.period();
        period.first_day().zip(period.last_day())
    }

    /// How many days of the period there are, and how many of them are held in full.
    pub fn coverage(&self) -> crate::render::CoverageCounts {
        coverage_counts(self.session.coverage())
    }
}
