//! Questions to the archive: SQL files, the views that they read, their parameters, the guard, and
//! how completely each day is held.
//!
//! Owns: everything that names the engine or the SQL parser. A statement passes the guard, has its
//! parameters bound and its whole numbers widened, and reads views of which no more is built than
//! it asks for; what comes out is a [`Grid`]. Must not know flags, terminals, formats, or how the
//! files were written.

mod actors;
mod calendar;
mod catalog;
mod cells;
mod coverage;
mod guard;
mod holdings;
mod names;
mod params;
mod period;
mod scan;
mod views;
mod widen;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use polars::prelude::*;
use polars::sql::SQLContext;

use crate::error::without_panic;
use crate::grid::Grid;
use crate::store::Snapshot;
use crate::{Error, Result};

pub use actors::NoiseLevel;
pub use catalog::{Actors, Log, Report, report, reports};
pub use coverage::{Coverage, Day, Verdict};
pub use holdings::{Holdings, columns_read, holdings};
pub use params::{Param, Type as ParamType};
pub use period::{Extent, Period, local_day};

/// Where an answer comes from and what it leaves out.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The archive.
    pub snapshot: &'a Snapshot,
    /// The days asked about.
    pub period: &'a Period,
    /// How completely they are held, from [`coverage`].
    pub coverage: &'a Coverage,
    /// Which reads through the API are left out.
    pub noise: NoiseLevel,
    /// Which log is asked.
    pub log: Log,
}

/// The events of a period, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub events: u64,
    /// Those that are noise.
    pub noise: u64,
    /// Those of services that are not noise.
    pub services: u64,
}

/// The first and the last event held; `None` for an empty archive.
///
/// # Errors
///
/// [`Error::Query`] if a file without statistics cannot be read.
pub fn extent(snapshot: &Snapshot) -> Result<Option<Extent>> {
    engine("extent", || scan::extent(snapshot))
}

/// How completely each day of the period is held. Reads no more of the files than the windows of
/// recorded pulls, and the times of days that no source is known for.
///
/// # Errors
///
/// [`Error::Query`] if a file cannot be read.
pub fn coverage(snapshot: &Snapshot, period: &Period) -> Result<Coverage> {
    let days = period.utc_days();
    let known: BTreeSet<NaiveDate> = snapshot
        .sources
        .iter()
        .flat_map(|source| source.days.iter())
        .filter(|(_, events)| **events > 0)
        .filter_map(|(day, _)| day.parse().ok())
        .collect();
    let unknown: Vec<_> = days.iter().filter(|day| !known.contains(day)).copied().collect();
    engine("coverage", || {
        let mut stored = scan::days_held(snapshot, &unknown)?;
        stored.extend(known);
        let windows = scan::pulled_windows(snapshot, &days)?;
        Ok(coverage::assess(&days, &snapshot.sources, &windows, &stored))
    })
}

/// Counts the events of the period and those that a report leaves out.
///
/// # Errors
///
/// [`Error::Query`] if a file cannot be read.
pub fn tally(request: &Request<'_>) -> Result<Tally> {
    engine("tally", || {
        let noise = actors::is_noise(request.noise);
        let service = noise.clone().not().and(actors::is_service());
        let counts = views::within(request)?
            .with_columns([noise.alias("noise"), service.alias("service")])
            .select([
                len().cast(DataType::UInt64).alias("events"),
                col("noise").sum().cast(DataType::UInt64),
                col("service").sum().cast(DataType::UInt64).alias("services"),
            ])
            .collect()?;
        let count = |name: &str| PolarsResult::Ok(counts.column(name)?.u64()?.get(0).unwrap_or(0));
        Ok(Tally { events: count("events")?, noise: count("noise")?, services: count("services")? })
    })
}

/// Answers a report, with the parameters given and the defaults of the others.
///
/// # Errors
///
/// [`Error::Usage`] for parameters that it does not have or values that they cannot take;
/// [`Error::Query`] for what the guard or the engine refuses, and for files that cannot be read.
pub fn answer(
    request: &Request<'_>,
    report: &Report,
    given: &BTreeMap<String, String>,
) -> Result<Grid> {
    let mut statement = guard::parse(report.name, report.sql)?;
    let footprint = guard::check(report.name, &statement)?;
    params::bind(&mut statement, report.name, &report.params, given)?;
    widen::widen(&mut statement);
    engine(report.name, || {
        let mut context = SQLContext::new();
        for view in &footprint.views {
            let frame = match view.as_str() {
                "events" => views::events(request, report.actors, &footprint)?,
                "events_all" => views::events_all(request, &footprint)?,
                "reports" => views::reports(request)?,
                "workspaces" => views::workspaces(request)?,
                "operations" => views::operations()?,
                _ => views::days(&calendar::local_days(request.period, request.coverage))?,
            };
            context.register(view, frame);
        }
        cells::grid(&context.execute(&statement.to_string())?.collect()?)
    })
}

/// The longest message of the engine's that helps: beyond are plans and syntax trees.
const MESSAGE_LENGTH: usize = 400;

/// Runs what the engine does, in the name of a query. The engine is known to panic on some
/// statements; such a statement is refused like any other that it cannot answer.
fn engine<T>(query: &str, work: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    let refuse = |message: String| Error::Query { query: query.to_owned(), message };
    match without_panic(work) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => {
            let text = error.to_string();
            let lines = text.split("\n\n").next().unwrap_or(&text).trim();
            Err(refuse(lines.chars().take(MESSAGE_LENGTH).collect()))
        }
        None => Err(refuse("the engine gave up on this statement".to_owned())),
    }
}

#[cfg(test)]
mod tests;
