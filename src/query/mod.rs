//! Questions to the archive: SQL files, the views that they read, their parameters, the guard, and
//! how completely each day is held.
//!
//! Owns: everything that names the engine or the SQL parser. A statement passes the guard, has its
//! parameters bound and its whole numbers widened, and reads views of which no more is built than
//! it asks for; what comes out is a [`Grid`]. Must not know flags, terminals, formats, or how the
//! files were written.

mod coverage;
mod definition;
mod engine;
mod guard;
mod portable;
mod required_columns;
mod session;
mod views;

use std::collections::BTreeMap;

use polars::prelude::*;
use polars::sql::SQLContext;
use sqlparser::ast::Statement;

use crate::error::catch_engine_panic;
use crate::grid::Grid;
use crate::{Error, Result};

use definition::{params, suggest};
use engine::{scan, streaming, to_grid, widen_integers};

pub use coverage::assess::{Coverage, DayCoverage, DayStatus};
pub use coverage::period::{EventTimeRange, Period, local_day};
pub use definition::catalog::DefinitionCatalog;
pub use definition::params::{Param, ParamType};
pub use definition::report::{Actors, LogKind, ReportDefinition, ReportGroup};
pub use portable::SqlEngine;
pub use required_columns::{ArchiveCounts, archive_counts, report_columns};
pub use session::{EventCounts, Session, Settings, UnknownField, event_time_range};
pub use views::actors::NoiseFilter;
pub use views::filters::Filters;
pub use views::{ViewColumn, view_columns};

/// Answers a report, with the parameters given and the defaults of the others.
///
/// # Errors
///
/// [`Error::Usage`] for parameters that it does not have or values that they cannot take;
/// [`Error::Query`] for what the guard or the engine refuses, and for files that cannot be read.
pub fn execute(
    session: &Session<'_>,
    report: &ReportDefinition,
    given: &BTreeMap<String, String>,
) -> Result<Grid> {
    let (mut statement, scope) = prepare(session, report, given)?;
    widen_integers::widen(&mut statement);
    run_engine(&report.name, || {
        let mut context = SQLContext::new();
        for view in &scope.references.views {
            context.register(view, views::build_view(&scope, view)?);
        }
        let mut rest = statement.clone();
        let rounds = streaming::extract_streaming_ctes(&mut rest);
        // What cannot be answered in stages is answered as a whole, or refused with its error.
        let staged = catch_engine_panic(|| {
            rounds.iter().try_for_each(|round| run_wave(&mut context, round))
        });
        let statement = if matches!(staged, Some(Ok(()))) { rest } else { statement };
        to_grid::frame_to_grid(&context.execute(&statement.to_string())?.collect()?)
    })
}

/// Answers stages, each of which is a table from then on.
fn run_wave(context: &mut SQLContext, stages: &[streaming::StreamingCte]) -> PolarsResult<()> {
    let frames: PolarsResult<Vec<LazyFrame>> =
        stages.iter().map(|stage| context.execute(&stage.sql)).collect();
    let frames = frames?;
    let Some(first) = frames.first() else { return Ok(()) };
    let flags = first.get_current_optimizations();
    let plans = frames.into_iter().map(|frame| frame.logical_plan).collect();
    let tables = LazyFrame::collect_all_with_engine(plans, scan::STREAMING, flags)?;
    for (stage, table) in stages.iter().zip(tables) {
        context.register(&stage.name, table.lazy());
    }
    Ok(())
}

/// The views and the statement of a report as SQL for another engine.
///
/// # Errors
///
/// Those of [`answer`].
pub fn portable_script(
    session: &Session<'_>,
    report: &ReportDefinition,
    given: &BTreeMap<String, String>,
    other: SqlEngine,
) -> Result<String> {
    let (statement, scope) = prepare(session, report, given)?;
    run_engine(&report.name, || portable::write_script(&scope, &statement, other))
}

/// The statement of a report with its parameters put in, and what its views follow.
fn prepare<'a>(
    session: &'a Session<'a>,
    report: &ReportDefinition,
    given: &BTreeMap<String, String>,
) -> Result<(Statement, views::ViewContext<'a>)> {
    let mut statement = guard::parse(&report.name, &report.sql)?;
    let asked = guard::check(&report.name, &statement)?;
    params::bind(&mut statement, &report.name, &report.params, given)?;
    let homes = params::internal_domains(&report.params, given);
    Ok((statement, session.view_context(report, homes, asked)?))
}

/// Whether a report reads a view.
///
/// # Errors
///
/// Those of the guard.
pub fn reads_view(report: &ReportDefinition, view: &str) -> Result<bool> {
    let statement = guard::parse(&report.name, &report.sql)?;
    Ok(guard::check(&report.name, &statement)?.views.contains(view))
}

/// The longest message of the engine's that helps: beyond are plans and syntax trees.
const MAX_MESSAGE_CHARS: usize = 400;

/// Runs what the engine does, in the name of a query. The engine is known to panic on some
/// statements; such a statement is refused like any other that it cannot answer.
fn run_engine<T>(query: &str, work: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    let refuse = |message: String| Error::query(query, message);
    match catch_engine_panic(work) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => {
            let text = error.to_string();
            let lines = text.split("\n\n").next().unwrap_or(&text).trim();
            let short = || lines.chars().take(MAX_MESSAGE_CHARS).collect();
            Err(refuse(unknown_column_hint(lines).unwrap_or_else(short)))
        }
        None => Err(refuse("the engine gave up on this statement".to_owned())),
    }
}

/// What the engine says of a column that is not there, with the nearest in place of the two hundred
/// that are. `None` where it says something else.
fn unknown_column_hint(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unable to find column \"")?;
    let (name, known) = rest.split_once("\"; valid columns: [")?;
    let known = known.split(']').next()?.split(", ").map(|column| column.trim_matches('"'));
    let guess = match suggest::nearest(name, known) {
        Some(known) => format!(" Did you mean {known}?"),
        None => String::new(),
    };
    Some(format!("there is no column {name}.{guess} `columns --views` lists what there is."))
}

#[cfg(test)]
mod tests;
