//! The settings of a run over one archive, and what its reports share: coverage, names, domains and
//! counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use chrono::NaiveDate;
use polars::prelude::*;

use crate::Result;
use crate::schema::inventory::InventoryRow;
use crate::schema::source_log::SourceFacts;
use crate::source_warnings;
use crate::store::{self, Snapshot};

use crate::query::archive_facts::ArchiveFacts;
use crate::query::coverage::assess::{self, Coverage, DayStatus, Evidence};
use crate::query::coverage::comparison::{self, ComparableDays};
use crate::query::coverage::downloads::Downloads;
use crate::query::coverage::local_days::{self, LocalDay};
use crate::query::coverage::log_sources::LogSources;
use crate::query::coverage::period::{EventTimeRange, Period};
use crate::query::definition::report::{Actors, LogKind, ReportDefinition};
use crate::query::engine::error::run_engine;
use crate::query::engine::scan::{self, EventTable};
use crate::query::required_columns;
use crate::query::shared_frames::{SharedEvents, SharedFrames};
use crate::query::views::internal_domains;
use crate::query::views::latest_names::NameLookup;
use crate::query::views::noise::NoiseFilter;
use crate::query::views::pattern_filters::Filters;

/// Filters of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Automated API activity to exclude.
    pub noise: NoiseFilter,
    /// Actors whose events count; `None` for the default of each report.
    pub actors: Option<Actors>,
    /// Workspaces, reports, users and activities to include.
    pub filters: Filters,
    /// Day as of which the inventory is read; `None` for its newest snapshots.
    pub as_of: Option<NaiveDate>,
}

/// Numbers of events of a period. `events` is the sum of `filtered`, `noise`, `services` and
/// `people`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// All events.
    pub events: u64,
    /// Events that the filters exclude.
    pub filtered: u64,
    /// Automated API activity among the other events.
    pub noise: u64,
    /// Events of service principals and the system that are not noise.
    pub services: u64,
    /// Events of people that are not noise.
    pub people: u64,
    /// Events of `services` that failed.
    pub failed_services: u64,
    /// Events of `people` that failed.
    pub failed_people: u64,
}

/// Field that no typed column stores exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Name of the field.
    pub name: String,
    /// Activity whose events have the field.
    pub activity: String,
    /// Number of occurrences.
    pub count: u64,
    /// First day with the field.
    pub first_day: String,
    /// Last day with the field.
    pub last_day: String,
    /// True if a typed column has this name.
    pub has_typed_column: bool,
}

/// Returns the times of the first and last stored event of a log; `None` if there is none. Events
/// that are dated after their own source was written do not end the log.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file cannot be read.
pub fn event_time_range(snapshot: &Snapshot, log: LogKind) -> Result<Option<EventTimeRange>> {
    event_time_range_of(&EventTable::new(snapshot), log)
}

/// Returns the same as [`event_time_range`] for a table that may be in memory.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file cannot be read.
pub fn event_time_range_of(table: &EventTable<'_>, log: LogKind) -> Result<Option<EventTimeRange>> {
    let range = run_engine("events", || scan::event_time_range(table, log))?;
    let plausible = source_warnings::last_plausible_us(&table.snapshot().sources);
    Ok(range.map(|range| {
        let last_us = plausible.map_or(range.last_us, |last| range.last_us.min(last));
        EventTimeRange { last_us: last_us.max(range.first_us), ..range }
    }))
}

/// Settings of a run over one log of an archive and one period, with the results that its reports
/// share.
pub struct Session<'a> {
    snapshot: &'a Snapshot,
    log: LogKind,
    table: EventTable<'a>,
    /// Events that match the filters, if they are in memory.
    matching: Option<EventTable<'a>>,
    facts: Arc<ArchiveFacts>,
    settings: Settings,
    period: Period,
    coverage: Coverage,
    unknown_fields: Vec<UnknownField>,
    name_lookup: Arc<NameLookup<'a>>,
    internal_domains: Arc<OnceLock<BTreeSet<String>>>,
    history_days: Arc<OnceLock<Vec<LocalDay>>>,
    inventory_rows: Arc<OnceLock<Vec<InventoryRow>>>,
    pub(super) event_counts: Mutex<BTreeMap<LogKind, EventCounts>>,
    shared: Option<Arc<SharedFrames>>,
    shared_in_period: OnceLock<SharedEvents>,
}

impl<'a> Session<'a> {
    /// Creates a session over the log of Power BI. Of the files, it reads only the recorded
    /// downloads, and the times of days without a known source.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn new(snapshot: &'a Snapshot, period: Period, settings: Settings) -> Result<Session<'a>> {
        Session::with_table(EventTable::new(snapshot), period, settings)
    }

    /// Creates a session like [`Session::new`], over a table that may be in memory.
    ///
    /// # Errors
    ///
    /// Those of [`Session::new`].
    pub fn with_table(
        table: EventTable<'a>,
        period: Period,
        settings: Settings,
    ) -> Result<Session<'a>> {
        let log = LogKind::PowerBi;
        let facts = Arc::<ArchiveFacts>::default();
        let coverage = compute_coverage(&facts, &table, log, &period)?;
        Ok(Session {
            snapshot: table.snapshot(),
            log,
            name_lookup: Arc::new(NameLookup::new(table.clone())),
            table,
            matching: None,
            facts,
            settings,
            period,
            coverage,
            unknown_fields: Vec::new(),
            internal_domains: Arc::default(),
            history_days: Arc::default(),
            inventory_rows: Arc::default(),
            event_counts: Mutex::default(),
            shared: None,
            shared_in_period: OnceLock::new(),
        })
    }

    /// Returns a session over another period of the same log and time zone. Loaded columns and
    /// results that do not depend on the period are shared.
    ///
    /// # Errors
    ///
    /// Those of [`Session::new`].
    pub fn with_period(&self, period: Period) -> Result<Session<'a>> {
        let has_same_history = period.with_archive() == self.period.with_archive();
        let mut session = self.with_log(self.log, period)?;
        if has_same_history {
            session.history_days = Arc::clone(&self.history_days);
        }
        session.shared = self.shared.clone();
        Ok(session)
    }

    /// Returns a session over another log of the archive, with a period of that log.
    ///
    /// # Errors
    ///
    /// Those of [`Session::new`].
    pub fn with_log(&self, log: LogKind, period: Period) -> Result<Session<'a>> {
        let coverage = compute_coverage(&self.facts, &self.table, log, &period)?;
        Ok(Session { log, ..self.over(period, coverage) })
    }

    /// Returns a session over the same log and period with other filters.
    pub fn with_filters(&self, filters: Filters) -> Session<'a> {
        let session = self.over(self.period.clone(), self.coverage.clone());
        let settings = Settings { filters, ..self.settings.clone() };
        let history_days = Arc::clone(&self.history_days);
        Session { settings, history_days, matching: None, ..session }
    }

    /// Returns a session over a period, with what no period changes.
    fn over(&self, period: Period, coverage: Coverage) -> Session<'a> {
        Session {
            snapshot: self.snapshot,
            log: self.log,
            table: self.table.clone(),
            matching: self.matching.clone(),
            facts: Arc::clone(&self.facts),
            settings: self.settings.clone(),
            period,
            coverage,
            unknown_fields: self.unknown_fields.clone(),
            name_lookup: Arc::clone(&self.name_lookup),
            internal_domains: Arc::clone(&self.internal_domains),
            history_days: Arc::default(),
            inventory_rows: Arc::clone(&self.inventory_rows),
            event_counts: Mutex::default(),
            shared: None,
            shared_in_period: OnceLock::new(),
        }
    }

    /// Returns the times of the first and last stored event of a log of this archive.
    ///
    /// # Errors
    ///
    /// Those of [`event_time_range`].
    pub fn event_time_range(&self, log: LogKind) -> Result<Option<EventTimeRange>> {
        self.facts.time_range(log, || event_time_range_of(&self.table, log))
    }

    /// Returns the archive.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Returns the log.
    pub fn log(&self) -> LogKind {
        self.log
    }

    /// Returns the days of this period and of an earlier one that can be compared.
    pub fn comparable_days(&self, earlier: &Session<'_>) -> ComparableDays {
        comparison::comparable_days(&earlier.local_days(), &self.local_days())
    }

    /// Returns the days of this period before a day and from it on that can be compared.
    pub fn comparable_around(&self, day: NaiveDate) -> ComparableDays {
        comparison::comparable_around(&self.local_days(), day)
    }

    /// Returns a session over some days of the period, with its coverage.
    pub fn limited_to(&self, days: BTreeSet<NaiveDate>) -> Session<'a> {
        Session {
            history_days: Arc::clone(&self.history_days),
            shared: self.shared.clone(),
            ..self.over(self.period.limited_to(days), self.coverage.clone())
        }
    }

    /// Sets the fields that no typed column stores, for the reports that read them.
    pub fn with_unknown_fields(mut self, fields: Vec<UnknownField>) -> Session<'a> {
        self.unknown_fields = fields;
        self
    }

    /// Loads the columns that at least two of the reports need, so that they are read once. A small
    /// archive is in memory already.
    ///
    /// # Errors
    ///
    /// Those of the guard, and [`crate::Error::Query`] if a file cannot be read.
    pub fn preload<'r>(
        &mut self,
        reports: impl IntoIterator<Item = &'r ReportDefinition>,
    ) -> Result<()> {
        if self.table.is_small_and_loaded() {
            return Ok(());
        }
        let mut readers: BTreeMap<String, usize> = BTreeMap::new();
        for report in reports {
            for column in required_columns::statement_columns(report)? {
                *readers.entry(column).or_default() += 1;
            }
        }
        let shared = readers.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name);
        let mut shared: BTreeSet<String> = shared.collect();
        shared.extend(required_columns::filter_columns(&self.settings.filters));
        if shared.is_empty() {
            return Ok(());
        }
        self.table = run_engine("loading", || self.table.load_columns(&shared))?;
        self.name_lookup = Arc::new(NameLookup::new(self.table.clone()));
        Ok(())
    }

    /// Loads the events that match the filters, with the columns of these statements. This session,
    /// and sessions made from it over other periods, read them in place of the files.
    ///
    /// # Errors
    ///
    /// Those of the guard, and [`crate::Error::Query`] if a file cannot be read.
    pub fn load_matching<'r>(
        &mut self,
        statements: impl IntoIterator<Item = &'r ReportDefinition>,
    ) -> Result<()> {
        let mut columns = required_columns::filter_columns(&self.settings.filters);
        for report in statements {
            columns.extend(required_columns::statement_columns(report)?);
        }
        let matching = run_engine("loading", || match self.filter_expr()? {
            Some(filter) => self.table.load_matching(&columns, filter).map(Some),
            None => Ok(None),
        })?;
        self.matching = matching;
        Ok(())
    }

    /// Returns the events that match the filters, if they are in memory with these columns.
    pub(super) fn matching(&self, columns: &BTreeSet<String>) -> Option<&EventTable<'a>> {
        self.matching.as_ref().filter(|matching| matching.has_loaded(columns))
    }

    /// Returns true if the events that match the filters are in memory.
    pub(super) fn has_matching(&self) -> bool {
        self.matching.is_some()
    }

    /// Returns the facts that no period and no filter changes.
    pub(super) fn facts(&self) -> &ArchiveFacts {
        &self.facts
    }

    /// Sets the frames that this session, and sessions made from it, read in place of the files.
    pub(super) fn set_shared(&mut self, frames: SharedFrames) {
        self.shared = Some(Arc::new(frames));
    }

    /// Returns the frames that sessions share, if there are any.
    pub(super) fn shared(&self) -> Option<&SharedFrames> {
        self.shared.as_deref()
    }

    /// Returns those of the shared events that are in the period.
    pub(super) fn shared_in_period(&self, shared: &SharedFrames) -> PolarsResult<SharedEvents> {
        if let Some(events) = self.shared_in_period.get() {
            return Ok(events.clone());
        }
        let events = match scan::is_in_period(&self.period) {
            Some(inside) => shared.events.filter(inside)?,
            None => shared.events.clone(),
        };
        Ok(self.shared_in_period.get_or_init(|| events).clone())
    }

    /// Returns the coverage of each UTC day of the period.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Returns the status of each local day of the period.
    pub fn local_day_statuses(&self) -> Vec<DayStatus> {
        local_days::local_days(&self.period, &self.coverage).iter().map(|day| day.status).collect()
    }

    /// Returns the period.
    pub fn period(&self) -> &Period {
        &self.period
    }

    /// Returns the actors whose events a report counts in this session.
    pub fn actors(&self, report: &ReportDefinition) -> Actors {
        self.settings.actors.unwrap_or(report.actors)
    }

    /// Returns the events of the archive.
    pub(super) fn table(&self) -> &EventTable<'a> {
        &self.table
    }

    pub(super) fn name_lookup(&self) -> &NameLookup<'a> {
        &self.name_lookup
    }

    pub(super) fn filters(&self) -> &Filters {
        &self.settings.filters
    }

    /// Returns the paths of the data files, with forward slashes.
    pub(super) fn file_paths(&self) -> impl Iterator<Item = String> {
        let path = |path: &std::path::Path| path.to_string_lossy().replace('\\', "/");
        self.snapshot.files.iter().map(move |file| path(&file.path))
    }

    pub(super) fn noise_filter(&self) -> NoiseFilter {
        self.settings.noise
    }

    /// Returns the day as of which the inventory is read; `None` for its newest snapshots.
    pub(super) fn as_of(&self) -> Option<NaiveDate> {
        self.settings.as_of
    }

    /// Returns all rows of the inventory, which are read once.
    pub(super) fn inventory_rows(&self) -> PolarsResult<&[InventoryRow]> {
        if let Some(rows) = self.inventory_rows.get() {
            return Ok(rows);
        }
        let mut rows = store::read_inventory(&self.snapshot.inventory_files)
            .map_err(|error| polars_err!(ComputeError: "{error}"))?;
        rows.extend_from_slice(&self.snapshot.inventory_rows);
        Ok(self.inventory_rows.get_or_init(|| rows))
    }

    pub(super) fn sources(&self) -> &'a [SourceFacts] {
        &self.snapshot.sources
    }

    pub(super) fn unknown_fields(&self) -> &[UnknownField] {
        &self.unknown_fields
    }

    /// Returns the test of the filters; `None` if there are no filters.
    pub(super) fn filter_expr(&self) -> PolarsResult<Option<Expr>> {
        self.settings.filters.to_expr(&self.name_lookup)
    }

    /// Returns the internal domains inferred from the events.
    pub(super) fn internal_domains(&self) -> PolarsResult<BTreeSet<String>> {
        if let Some(domains) = self.internal_domains.get() {
            return Ok(domains.clone());
        }
        let domains = internal_domains::detect_internal_domains(self.table.in_scope_events()?)?;
        Ok(self.internal_domains.get_or_init(|| domains).clone())
    }

    /// Returns the days of the period in the time zone.
    pub(super) fn local_days(&self) -> Vec<LocalDay> {
        let mut days = local_days::local_days(&self.period, &self.coverage);
        comparison::mark_trend_halves(&mut days);
        days
    }

    /// Returns all days of the archive and of the period in the time zone.
    pub(super) fn history_days(&self) -> PolarsResult<Vec<LocalDay>> {
        if let Some(days) = self.history_days.get() {
            return Ok(days.clone());
        }
        let all = self.period.with_archive();
        let read = || read_coverage(&self.table, self.log, &all);
        let coverage = self.facts.coverage(self.log, all.utc_days(), read)?;
        let days = local_days::local_days(&all, &coverage);
        Ok(self.history_days.get_or_init(|| days).clone())
    }
}

/// Returns the coverage of UTC days, also of days outside the archive, in order and without gaps.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file cannot be read.
pub fn utc_day_coverage(snapshot: &Snapshot, log: LogKind, days: &[NaiveDate]) -> Result<Coverage> {
    let last_event_us = event_time_range(snapshot, log)?.map(|range| range.last_us);
    let table = EventTable::new(snapshot);
    run_engine("coverage", || coverage_of_days(&table, log, days, last_event_us))
}

/// Returns the coverage of each day of a period in a log.
fn compute_coverage(
    facts: &ArchiveFacts,
    table: &EventTable<'_>,
    log: LogKind,
    period: &Period,
) -> Result<Coverage> {
    let read = || run_engine("coverage", || read_coverage(table, log, period));
    facts.coverage(log, period.utc_days(), read)
}

fn read_coverage(table: &EventTable<'_>, log: LogKind, period: &Period) -> PolarsResult<Coverage> {
    let last_event_us = period.event_range().map(|range| range.last_us);
    coverage_of_days(table, log, &period.utc_days(), last_event_us)
}

fn coverage_of_days(
    table: &EventTable<'_>,
    log: LogKind,
    days: &[NaiveDate],
    last_event_us: Option<i64>,
) -> PolarsResult<Coverage> {
    let sources = LogSources::new(&table.snapshot().sources, log);
    let known: BTreeSet<NaiveDate> = sources.days().collect();
    let unknown: Vec<_> = days.iter().filter(|day| !known.contains(day)).copied().collect();
    let mut stored = scan::days_with_events(table, log, &unknown)?;
    stored.extend(known);
    // The log of Power BI records its own downloads only.
    let downloads = match log {
        LogKind::PowerBi => Downloads::new(scan::downloads(table, days)?),
        LogKind::PowerPlatform => Downloads::default(),
    };
    Ok(assess::assess(days, &Evidence { sources, downloads, stored, last_event_us }))
}
