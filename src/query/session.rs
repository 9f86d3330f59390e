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
use crate::query::coverage::period::{EventTimeRange, Period};
use crate::query::definition::report::{Actors, LogKind, ReportDefinition};
use crate::query::engine::scan::{self, EventTable};
use crate::query::guard::References;
use crate::query::views::actors;
use crate::query::views::filters::Filters;
use crate::query::views::latest_names::NameLookup;
use crate::query::views::{self, ViewContext};
use crate::query::{NoiseFilter, required_columns, run_engine};

/// What an answer leaves out and whom it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Which reads through the API are left out.
    pub noise: NoiseFilter,
    /// Whose events count; those that each report counts of itself, where it is not given.
    pub actors: Option<Actors>,
    /// Which workspaces, reports, people and activities it is about.
    pub filters: Filters,
}

/// The events of a period, counted. `events` is the sum of the others and of those that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCounts {
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
    pub has_typed_column: bool,
}

/// The first and the last event held; `None` for an empty archive.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file without statistics cannot be read.
pub fn event_time_range(snapshot: &Snapshot) -> Result<Option<EventTimeRange>> {
    run_engine("extent", || scan::event_time_range(snapshot))
}

/// Questions to one archive about one period.
pub struct Session<'a> {
    snapshot: &'a Snapshot,
    table: EventTable<'a>,
    settings: Settings,
    period: Period,
    coverage: Coverage,
    unknown_fields: Vec<UnknownField>,
    name_lookup: Arc<NameLookup<'a>>,
    internal_domains: OnceLock<BTreeSet<String>>,
    history_days: OnceLock<Vec<LocalDay>>,
    event_counts: Mutex<BTreeMap<LogKind, EventCounts>>,
}

impl<'a> Session<'a> {
    /// Opens it. Reads no more of the files than the windows of recorded pulls, and the times of
    /// days that no source is known for.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn new(snapshot: &'a Snapshot, period: Period, settings: Settings) -> Result<Session<'a>> {
        let coverage = run_engine("coverage", || compute_coverage(snapshot, &period))?;
        let table = EventTable::new(snapshot);
        Ok(Session {
            snapshot,
            name_lookup: Arc::new(NameLookup::new(table.clone())),
            table,
            settings,
            period,
            coverage,
            unknown_fields: Vec::new(),
            internal_domains: OnceLock::new(),
            history_days: OnceLock::new(),
            event_counts: Mutex::default(),
        })
    }

    /// The same about another period of the same archive and zone. What is in memory and what is
    /// known whatever the period is shared.
    ///
    /// # Errors
    ///
    /// Those of [`Session::new`].
    pub fn with_period(&self, period: Period) -> Result<Session<'a>> {
        let coverage = run_engine("coverage", || compute_coverage(self.snapshot, &period))?;
        Ok(Session {
            snapshot: self.snapshot,
            table: self.table.clone(),
            settings: self.settings.clone(),
            period,
            coverage,
            unknown_fields: self.unknown_fields.clone(),
            name_lookup: Arc::clone(&self.name_lookup),
            internal_domains: self.internal_domains.clone(),
            history_days: self.history_days.clone(),
            event_counts: Mutex::default(),
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
    pub fn preload<'r>(
        &mut self,
        reports: impl IntoIterator<Item = &'r ReportDefinition>,
    ) -> Result<()> {
        let mut readers: BTreeMap<String, usize> = BTreeMap::new();
        for report in reports {
            for column in required_columns::report_columns(report)? {
                *readers.entry(column).or_default() += 1;
            }
        }
        let shared = readers.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name);
        let shared: BTreeSet<String> = shared.collect();
        self.table = run_engine("loading", || self.table.load_columns(&shared))?;
        self.name_lookup = Arc::new(NameLookup::new(self.table.clone()));
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
    pub fn actors(&self, report: &ReportDefinition) -> Actors {
        self.settings.actors.unwrap_or(report.actors)
    }

    /// Counts the events of the period that a report is about, and those that it leaves out.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn event_counts(&self, report: &ReportDefinition) -> Result<EventCounts> {
        let mut tallies = self.event_counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = tallies.get(&report.log) {
            return Ok(*tally);
        }
        let scope = self.view_context(report, None, References::default())?;
        let tally = run_engine("tally", || self.count_events(&scope))?;
        tallies.insert(report.log, tally);
        Ok(tally)
    }

    fn count_events(&self, scope: &ViewContext<'_>) -> PolarsResult<EventCounts> {
        let matching = self.filter_expr()?.unwrap_or_else(|| lit(true));
        let all = views::events_in_period(scope)?.select([
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
        let counts = scan::collect_streaming(counts)?;
        let count = |name: &str| PolarsResult::Ok(counts.column(name)?.u64()?.get(0).unwrap_or(0));
        Ok(EventCounts {
            events: count("events")?,
            filtered: count("filtered")?,
            noise: count("noise")?,
            services: count("services")?,
            people: count("people")?,
        })
    }

    pub(super) fn view_context<'s>(
        &'s self,
        report: &ReportDefinition,
        homes: Option<BTreeSet<String>>,
        asked: References,
    ) -> Result<ViewContext<'s>>
    where
        'a: 's,
    {
        let (actors, log) = (self.actors(report), report.log);
        // If anything is in memory, everything is that is needed.
        let needed = required_columns::referenced_columns(&asked);
        let table = run_engine(&report.name, || self.table.ensure_loaded(&needed))?;
        let keeps_noise = report.includes_noise;
        Ok(ViewContext {
            session: self,
            table,
            actors,
            log,
            includes_noise: keeps_noise,
            internal_domains: homes,
            references: asked,
        })
    }

    pub(super) fn name_lookup(&self) -> &NameLookup<'a> {
        &self.name_lookup
    }

    pub(super) fn filters(&self) -> &Filters {
        &self.settings.filters
    }

    /// The paths of the table's files.
    pub(super) fn file_paths(&self) -> impl Iterator<Item = String> {
        let path = |path: &std::path::Path| path.to_string_lossy().replace('\\', "/");
        self.snapshot.files.iter().map(move |file| path(&file.path))
    }

    pub(super) fn noise_filter(&self) -> NoiseFilter {
        self.settings.noise
    }

    pub(super) fn sources(&self) -> &'a [SourceFacts] {
        &self.snapshot.sources
    }

    pub(super) fn unknown_fields(&self) -> &[UnknownField] {
        &self.unknown_fields
    }

    /// Whether an event passes the filters; `None` if every one does.
    pub(super) fn filter_expr(&self) -> PolarsResult<Option<Expr>> {
        self.settings.filters.to_expr(&self.name_lookup)
    }

    /// The domains at home, as the events tell them.
    pub(super) fn internal_domains(&self) -> PolarsResult<BTreeSet<String>> {
        if let Some(homes) = self.internal_domains.get() {
            return Ok(homes.clone());
        }
        let homes = actors::detect_internal_domains(self.table.in_scope_events()?)?;
        Ok(self.internal_domains.get_or_init(|| homes).clone())
    }

    /// The days of the period in the zone.
    pub(super) fn local_days(&self) -> Vec<LocalDay> {
        local_days::local_days(&self.period, &self.coverage)
    }

    /// All days of the archive in the zone.
    pub(super) fn history_days(&self) -> PolarsResult<Vec<LocalDay>> {
        if let Some(days) = self.history_days.get() {
            return Ok(days.clone());
        }
        let all = self.period.unbounded();
        let days = local_days::local_days(&all, &compute_coverage(self.snapshot, &all)?);
        Ok(self.history_days.get_or_init(|| days).clone())
    }
}

/// How completely each day of a period is held.
fn compute_coverage(snapshot: &Snapshot, period: &Period) -> PolarsResult<Coverage> {
    let days = period.utc_days();
    let known: BTreeSet<NaiveDate> = snapshot
        .sources
        .iter()
        .flat_map(|source| source.days.iter())
        .filter(|(_, events)| **events > 0)
        .filter_map(|(day, _)| day.parse().ok())
        .collect();
    let unknown: Vec<_> = days.iter().filter(|day| !known.contains(day)).copied().collect();
    let mut stored = scan::days_with_events(snapshot, &unknown)?;
    stored.extend(known);
    let windows = scan::pulled_windows(snapshot, &days)?;
    Ok(assess::assess(&days, &snapshot.sources, &windows, &stored))
}
