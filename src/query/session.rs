//! What is asked of an archive, whatever the report, and what is found out on the way: each thing
//! once for all reports.
//!
//! Owns: the archive as a table, the period with its coverage, the filters, and what several
//! answers share - names, domains at home, counts. Must not know statements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::NaiveDate;
use polars::prelude::*;

use crate::Result;
use crate::schema::source_log::SourceFacts;
use crate::store::Snapshot;

use crate::query::coverage::assess::{self, Coverage};
use crate::query::coverage::local_days::{self, LocalDay};
use crate::query::coverage::period::{Extent, Period};
use crate::query::definition::catalog::{Actors, Log, Report};
use crate::query::engine::scan::{self, Table};
use crate::query::guard::Footprint;
use crate::query::views::actors;
use crate::query::views::filters::Filters;
use crate::query::views::latest_names::Known;
use crate::query::views::{self, Scope};
use crate::query::{NoiseLevel, engine, required_columns};

/// What an answer leaves out and whom it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Which reads through the API are left out.
    pub noise: NoiseLevel,
    /// Whose events count; those that each report counts of itself, where it is not given.
    pub actors: Option<Actors>,
    /// Which workspaces, reports, people and activities it is about.
    pub filters: Filters,
}

/// The events of a period, counted. `events` is the sum of the others and of those that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub events: u64,
    /// Those that the filters leave out.
    pub filtered: u64,
    /// Those of the others that are noise.
    pub noise: u64,
    /// Those of services that are not noise.
    pub services: u64,
    /// Those of people that are not noise.
    pub people: u64,
}

/// A field that no typed column holds exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Its name.
    pub name: String,
    /// The activity whose events have it.
    pub activity: String,
    /// How often it occurs.
    pub count: u64,
    /// The first day on which it occurs.
    pub first_day: String,
    /// The last.
    pub last_day: String,
    /// Whether a typed column has that name.
    pub in_column: bool,
}

/// The first and the last event held; `None` for an empty archive.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file without statistics cannot be read.
pub fn extent(snapshot: &Snapshot) -> Result<Option<Extent>> {
    engine("extent", || scan::extent(snapshot))
}

/// Questions to one archive about one period.
pub struct Session<'a> {
    snapshot: &'a Snapshot,
    table: Table<'a>,
    settings: Settings,
    period: Period,
    coverage: Coverage,
    unknown_fields: Vec<UnknownField>,
    known: Arc<Known<'a>>,
    homes: OnceLock<BTreeSet<String>>,
    history: OnceLock<Vec<LocalDay>>,
    tallies: Mutex<BTreeMap<Log, Tally>>,
}

impl<'a> Session<'a> {
    /// Opens it. Reads no more of the files than the windows of recorded pulls, and the times of
    /// days that no source is known for.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn new(snapshot: &'a Snapshot, period: Period, settings: Settings) -> Result<Session<'a>> {
        let coverage = engine("coverage", || covered(snapshot, &period))?;
        let table = Table::new(snapshot);
        Ok(Session {
            snapshot,
            known: Arc::new(Known::new(table.clone())),
            table,
            settings,
            period,
            coverage,
            unknown_fields: Vec::new(),
            homes: OnceLock::new(),
            history: OnceLock::new(),
            tallies: Mutex::default(),
        })
    }

    /// The same about another period of the same archive and zone. What is in memory and what is
    /// known whatever the period is shared.
    ///
    /// # Errors
    ///
    /// Those of [`Session::new`].
    pub fn during(&self, period: Period) -> Result<Session<'a>> {
        let coverage = engine("coverage", || covered(self.snapshot, &period))?;
        Ok(Session {
            snapshot: self.snapshot,
            table: self.table.clone(),
            settings: self.settings.clone(),
            period,
            coverage,
            unknown_fields: self.unknown_fields.clone(),
            known: Arc::clone(&self.known),
            homes: self.homes.clone(),
            history: self.history.clone(),
            tallies: Mutex::default(),
        })
    }

    /// Adds the fields that no typed column holds, for the reports that read them.
    pub fn with_unknown_fields(mut self, fields: Vec<UnknownField>) -> Session<'a> {
        self.unknown_fields = fields;
        self
    }

    /// Reads what several of these reports need into memory, once for all of them.
    ///
    /// # Errors
    ///
    /// Those of the guard, and [`crate::Error::Query`] if a file cannot be read.
    pub fn load<'r>(&mut self, reports: impl IntoIterator<Item = &'r Report>) -> Result<()> {
        let mut readers: BTreeMap<String, usize> = BTreeMap::new();
        for report in reports {
            for column in required_columns::columns_read(report)? {
                *readers.entry(column).or_default() += 1;
            }
        }
        let shared = readers.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name);
        let shared: BTreeSet<String> = shared.collect();
        self.table = engine("loading", || self.table.loading(&shared))?;
        self.known = Arc::new(Known::new(self.table.clone()));
        Ok(())
    }

    /// How completely each UTC day of the period is held.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The period.
    pub fn period(&self) -> &Period {
        &self.period
    }

    /// Whose events a report counts here.
    pub fn actors(&self, report: &Report) -> Actors {
        self.settings.actors.unwrap_or(report.actors)
    }

    /// Counts the events of the period that a report is about, and those that it leaves out.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn tally(&self, report: &Report) -> Result<Tally> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = tallies.get(&report.log) {
            return Ok(*tally);
        }
        let scope = self.scope(report, None, Footprint::default())?;
        let tally = engine("tally", || self.count(&scope))?;
        tallies.insert(report.log, tally);
        Ok(tally)
    }

    fn count(&self, scope: &Scope<'_>) -> PolarsResult<Tally> {
        let matching = self.filter()?.unwrap_or_else(|| lit(true));
        let all = views::within(scope)?.select([
            matching.alias("matching"),
            actors::is_noise(self.settings.noise).alias("noise"),
            actors::is_service().alias("service"),
        ]);
        let counted = || col("matching").and(col("noise").not());
        let sum = |flags: Expr, name: &str| flags.sum().cast(DataType::UInt64).alias(name);
        let counts = all.select([
            len().cast(DataType::UInt64).alias("events"),
            sum(col("matching").not(), "filtered"),
            sum(col("matching").and(col("noise")), "noise"),
            sum(counted().and(col("service")), "services"),
            sum(counted().and(col("service").not()), "people"),
        ]);
        let counts = scan::collect_in_pieces(counts)?;
        let count = |name: &str| PolarsResult::Ok(counts.column(name)?.u64()?.get(0).unwrap_or(0));
        Ok(Tally {
            events: count("events")?,
            filtered: count("filtered")?,
            noise: count("noise")?,
            services: count("services")?,
            people: count("people")?,
        })
    }

    pub(super) fn scope<'s>(
        &'s self,
        report: &Report,
        homes: Option<BTreeSet<String>>,
        asked: Footprint,
    ) -> Result<Scope<'s>>
    where
        'a: 's,
    {
        let (actors, log) = (self.actors(report), report.log);
        // If anything is in memory, everything is that is needed.
        let needed = required_columns::columns_for(&asked);
        let table = engine(&report.name, || self.table.with(&needed))?;
        let keeps_noise = report.keeps_noise;
        Ok(Scope { session: self, table, actors, log, keeps_noise, homes, asked })
    }

    pub(super) fn known(&self) -> &Known<'a> {
        &self.known
    }

    pub(super) fn filters(&self) -> &Filters {
        &self.settings.filters
    }

    /// The paths of the table's files.
    pub(super) fn files(&self) -> impl Iterator<Item = String> {
        let path = |path: &std::path::Path| path.to_string_lossy().replace('\\', "/");
        self.snapshot.files.iter().map(move |file| path(&file.path))
    }

    pub(super) fn noise(&self) -> NoiseLevel {
        self.settings.noise
    }

    pub(super) fn sources(&self) -> &'a [SourceFacts] {
        &self.snapshot.sources
    }

    pub(super) fn unknown_fields(&self) -> &[UnknownField] {
        &self.unknown_fields
    }

    /// Whether an event passes the filters; `None` if every one does.
    pub(super) fn filter(&self) -> PolarsResult<Option<Expr>> {
        self.settings.filters.expr(&self.known)
    }

    /// The domains at home, as the events tell them.
    pub(super) fn homes(&self) -> PolarsResult<BTreeSet<String>> {
        if let Some(homes) = self.homes.get() {
            return Ok(homes.clone());
        }
        let homes = actors::home_domains(self.table.own()?)?;
        Ok(self.homes.get_or_init(|| homes).clone())
    }

    /// The days of the period in the zone.
    pub(super) fn local_days(&self) -> Vec<LocalDay> {
        local_days::local_days(&self.period, &self.coverage)
    }

    /// All days of the archive in the zone.
    pub(super) fn history_days(&self) -> PolarsResult<Vec<LocalDay>> {
        if let Some(days) = self.history.get() {
            return Ok(days.clone());
        }
        let all = self.period.whole();
        let days = local_days::local_days(&all, &covered(self.snapshot, &all)?);
        Ok(self.history.get_or_init(|| days).clone())
    }
}

/// How completely each day of a period is held.
fn covered(snapshot: &Snapshot, period: &Period) -> PolarsResult<Coverage> {
    let days = period.utc_days();
    let known: BTreeSet<NaiveDate> = snapshot
        .sources
        .iter()
        .flat_map(|source| source.days.iter())
        .filter(|(_, events)| **events > 0)
        .filter_map(|(day, _)| day.parse().ok())
        .collect();
    let unknown: Vec<_> = days.iter().filter(|day| !known.contains(day)).copied().collect();
    let mut stored = scan::days_held(snapshot, &unknown)?;
    stored.extend(known);
    let windows = scan::pulled_windows(snapshot, &days)?;
    Ok(assess::assess(&days, &snapshot.sources, &windows, &stored))
}
