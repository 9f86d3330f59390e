//! Answers before they have a form, and several questions to one archive, asked as they come.
//!
//! Owns: what is known of an answer beside its rows. Must not know formats: whoever asks here puts
//! the rows together himself.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::Result;
use crate::grid::Grid;
use crate::query::{self, Session};
use crate::render::{Basis, Format};

use super::{Options, Question, Snapshot, TOP, days, excluded, given, remarks, session};

/// An answer that has no form yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The rows.
    pub grid: Grid,
    /// What they rest on.
    pub basis: Basis,
    /// What people should know of it, in sentences.
    pub remarks: Vec<String>,
}

/// Answers a report within what is asked of a session.
pub(super) fn answer(
    session: &Session<'_>,
    report: &Question,
    options: &Options,
) -> Result<Answer> {
    let tally = session.tally(report)?;
    let given = given(report, options)?;
    let grid = query::answer(session, report, &given)?;

    let period = session.period();
    let basis = Basis {
        report: report.name.clone(),
        title: report.title.clone(),
        since: period.first_day(),
        until: period.last_day(),
        coverage: days(session.coverage()),
        excluded: excluded(&tally, session.actors(report), report.keeps_noise),
    };
    let top = given.get(TOP).map(String::as_str);
    let remarks = remarks(period, &grid, &tally, top);
    Ok(Answer { grid, basis, remarks })
}

/// Questions to one archive about one period. What several of them read is read once.
pub struct Inquiry<'a> {
    session: Session<'a>,
    options: Options,
}

impl<'a> Inquiry<'a> {
    /// Opens it for these questions; others can be asked too, and read what they need.
    ///
    /// # Errors
    ///
    /// Those of [`super::run`] that concern all questions.
    pub fn new<'r>(
        snapshot: &'a Snapshot,
        reports: impl IntoIterator<Item = &'r Question> + Clone,
        options: &Options,
    ) -> Result<Inquiry<'a>> {
        let mut session = session(snapshot, reports.clone(), options)?;
        session.load(reports)?;
        // All rows: whoever asks here cuts them himself.
        let options = Options { format: Format::Json, top: None, ..options.clone() };
        Ok(Inquiry { session, options })
    }

    /// The answer to a question, and what it rests on.
    ///
    /// # Errors
    ///
    /// Those of [`super::run`].
    pub fn ask(&self, report: &Question, set: &[(&str, &str)]) -> Result<Answer> {
        answer(&self.session, report, &self.options(set))
    }

    /// The rows alone, for which nothing has to be counted beside them.
    ///
    /// # Errors
    ///
    /// Those of [`super::run`].
    pub fn rows(&self, report: &Question, set: &[(&str, &str)]) -> Result<Grid> {
        query::answer(&self.session, report, &given(report, &self.options(set))?)
    }

    fn options(&self, set: &[(&str, &str)]) -> Options {
        let set: BTreeMap<String, String> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options { set, ..self.options.clone() }
    }

    /// The same about as many days before; `None` where the archive does not reach back so far.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn before(&self) -> Result<Option<Inquiry<'a>>> {
        let Some(period) = self.session.period().before() else { return Ok(None) };
        let session = self.session.during(period)?;
        Ok(Some(Inquiry { session, options: self.options.clone() }))
    }

    /// The first and the last day of the period, where they are known.
    pub fn period(&self) -> Option<(NaiveDate, NaiveDate)> {
        let period = self.session.period();
        period.first_day().zip(period.last_day())
    }

    /// How many days of the period there are, and how many of them are held in full.
    pub fn days(&self) -> crate::render::Days {
        days(self.session.coverage())
    }
}
