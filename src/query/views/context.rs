//! The inputs from which the views of a statement are built.

use std::collections::BTreeSet;

use polars::prelude::{PolarsResult, Schema};

use crate::Result;

use crate::query::definition::report::{Actors, LogKind, ReportDefinition};
use crate::query::engine::error::run_engine;
use crate::query::engine::scan::EventTable;
use crate::query::guard::references::References;
use crate::query::required_columns;
use crate::query::session::Session;
use crate::query::shared_frames::CountedEvents;
use crate::query::views::columns::view_columns;

/// Columns of the views of events that depend on the period, or on the parameters of a report.
pub const COLUMNS_OF_STATEMENT: [&str; 2] = ["in_period", "actor_kind"];

/// Views whose statements read the files. Those on recipients need the ID of each event, which is
/// the largest column.
const VIEWS_OF_FILES: [&str; 2] = ["events_all", "recipients"];

/// Returns true if the views `events` and `history` of a statement contain failed events: if it
/// names `is_failed`, or if the report is about the log.
pub fn includes_failed(report: &ReportDefinition, references: &References) -> bool {
    report.includes_noise || references.has_column("is_failed")
}

/// Inputs from which the views of a statement are built.
pub struct ViewContext<'a> {
    /// Archive, period and filters.
    pub session: &'a Session<'a>,
    /// Events of the archive, or those of them that match the filters, with the needed columns
    /// loaded if any column is loaded.
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
    /// True if the frames that sessions share have all that the statement reads of events.
    pub reads_shared: bool,
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
        let mut context = ViewContext {
            session,
            table: session.table().clone(),
            actors: session.actors(report),
            log: report.log,
            includes_noise: report.includes_noise,
            includes_failed: includes_failed(report, &references),
            internal_domains,
            references,
            reads_shared: false,
        };
        let columns = session.shared().map(|shared| shared.events.schema());
        context.reads_shared = columns.is_some_and(|columns| context.needs_only(columns));
        if !context.reads_shared {
            let mut needed = required_columns::referenced_columns(&context.references);
            needed.extend(required_columns::filter_columns(session.filters()));
            context.table = match session.matching(&needed) {
                Some(matching) => matching.clone(),
                None => run_engine(&report.name, || session.table().ensure_loaded(&needed))?,
            };
        }
        Ok(context)
    }

    /// Returns true if the views `events` and `history` of the statement contain the events that
    /// most reports count: successful ones of Power BI, without noise, of any actors.
    fn is_usual(&self) -> bool {
        self.log == LogKind::PowerBi
            && self.log == self.session.log()
            && !self.includes_noise
            && !self.includes_failed
    }

    /// Returns true if the statement can read events that sessions share.
    pub fn can_share_events(&self) -> bool {
        let reads_files = VIEWS_OF_FILES.iter().any(|view| self.references.views.contains(*view));
        self.is_usual() && !reads_files
    }

    /// Returns the choices of the statement on which the views of events depend.
    pub fn counted_events(&self) -> CountedEvents {
        CountedEvents {
            actors: self.actors,
            log: self.log,
            includes_noise: self.includes_noise,
            includes_failed: self.includes_failed,
            internal_domains: self.internal_domains.clone(),
        }
    }

    /// Returns the columns of the views of events that the statement names, except those that
    /// depend on the period or the report.
    pub fn event_columns(&self) -> impl Iterator<Item = &'static str> {
        let own = view_columns().iter().filter(|column| column.view == "events");
        let own = own.map(|column| column.name).filter(|name| !COLUMNS_OF_STATEMENT.contains(name));
        let named = own.chain(required_columns::all_columns());
        named.filter(|name| self.references.has_column(name))
    }

    fn needs_only(&self, columns: &Schema) -> bool {
        self.can_share_events() && self.event_columns().all(|name| columns.contains(name))
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
