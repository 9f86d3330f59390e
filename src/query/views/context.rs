//! The inputs from which the views of a statement are built.

use std::collections::BTreeSet;

use polars::prelude::PolarsResult;

use crate::Result;

use crate::query::definition::report::{Actors, LogKind, ReportDefinition};
use crate::query::engine::error::run_engine;
use crate::query::engine::scan::EventTable;
use crate::query::guard::references::References;
use crate::query::required_columns;
use crate::query::session::Session;

/// Returns true if the views `events` and `history` of a statement contain failed events: if it
/// names `is_failed`, or if the report is about the log.
pub fn includes_failed(report: &ReportDefinition, references: &References) -> bool {
    report.includes_noise || references.has_column("is_failed")
}

/// Inputs from which the views of a statement are built.
pub struct ViewContext<'a> {
    /// Archive, period and filters.
    pub session: &'a Session<'a>,
    /// Events of the archive, with the needed columns loaded if any column is loaded.
    pub table: EventTable<'a>,
    /// Actors whose events the views `events` and `history` contain.
    pub actors: Actors,
    /// Log whose events the views `events` and `history` contain.
    pub log: LogKind,
    /// True if the views `events` and `history` contain automated API activity.
    pub includes_noise: bool,
    /// True if the views `events` and `history` contain failed events.
    pub includes_failed: bool,
    /// Internal domains set by the user; `None` to infer them from the events.
    pub internal_domains: Option<BTreeSet<String>>,
    /// Views and columns that the statement names.
    pub references: References,
}

impl<'a> ViewContext<'a> {
    /// Creates the inputs for the statement of a report.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn new(
        session: &'a Session<'_>,
        report: &ReportDefinition,
        internal_domains: Option<BTreeSet<String>>,
        references: References,
    ) -> Result<ViewContext<'a>> {
        let mut needed = required_columns::referenced_columns(&references);
        needed.extend(required_columns::filter_columns(session.filters()));
        let table = run_engine(&report.name, || session.table().ensure_loaded(&needed))?;
        Ok(ViewContext {
            session,
            table,
            actors: session.actors(report),
            log: report.log,
            includes_noise: report.includes_noise,
            includes_failed: includes_failed(report, &references),
            internal_domains,
            references,
        })
    }

    /// Returns the internal domains, in lower case: those set by the user, else those inferred from
    /// the events.
    pub fn internal_domains(&self) -> PolarsResult<BTreeSet<String>> {
        match &self.internal_domains {
            Some(given) => Ok(given.clone()),
            None => self.session.internal_domains(),
        }
    }
}
