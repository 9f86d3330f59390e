//! Runs reports on one snapshot and one period, without a format.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use super::options::Options;
use super::remarks::{
    change_remark, coverage_counts, empty_sentence, excluded_events, internal_domains_remark,
    marks_remark, report_remarks, selection_remarks,
};
use super::totals::{totals, totals_remark};
use crate::calendar::PeriodBounds;
use crate::data_dictionary;
use crate::grid::{Chart, Grid};
use crate::query::{
    self, ComparableDays, EventTimeRange, Filters, LogKind, Period, ReportDefinition, RowSelection,
    Session, Settings,
};
use crate::render::{CoverageCounts, OutputFormat, ReportContext};
use crate::store::Snapshot;
use crate::{Error, Result};

/// Parameter that limits a report to its first rows.
const TOP_PARAM: &str = "top";

/// Value of the parameter for all rows.
const ALL_ROWS: &str = "all";

/// Rows of tables on a terminal that have no number of their own.
const TABLE_ROWS: usize = 25;

/// View that needs the data dictionary.
const UNKNOWN_FIELDS_VIEW: &str = "unknown_fields";

/// Result of a report before it has a format.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportResult {
    /// Rows.
    pub grid: Grid,
    /// Chart of the rows; `None` if the rows and columns that it needs are not all selected.
    pub chart: Option<Chart>,
    /// Period, coverage and excluded events.
    pub context: ReportContext,
    /// Sentences on the result for people.
    pub remarks: Vec<String>,
    /// Time of the last stored event of the report's log, in microseconds since 1970 (UTC).
    pub newest_event_us: Option<i64>,
}

/// Runs a report in an open session.
pub(super) fn run_report(
    session: &Session<'_>,
    report: &ReportDefinition,
    options: &Options,
) -> Result<ReportResult> {
    let other = other_log_session(session, report, options)?;
    let session = other.as_ref().unwrap_or(session);
    query::check_filters(report, &options.filters)?;
    let attribute = query::divided_attribute(session, report)?;
    let counts = session.event_counts(report)?;
    let (params, limit) = params_and_limit(report, options)?;
    let grid = query::execute(session, report, &params)?;
    let matching = query::matching_rows(grid, &options.selection, options.time_zone)?;
    let totals = totals(report, &matching.grid);
    let selected = matching.cut(limit);

    let period = session.period();
    let context = ReportContext {
        report: report.name.clone(),
        title: report.title.clone(),
        since: period.first_day(),
        until: period.last_day(),
        coverage: coverage_counts(&session.local_day_statuses()),
        excluded: excluded_events(
            &counts,
            session.actors(report),
            report.includes_noise,
            query::counts_failed(report)?,
        ),
        totals,
        marks: options.marks.clone(),
    };
    let top = params.get(TOP_PARAM).map(String::as_str);
    let all_filtered = selected.all == 0 && counts.events > 0 && counts.filtered == counts.events;
    let unmatched = if all_filtered { session.unmatched_patterns()? } else { Vec::new() };
    let empty = empty_sentence(report, &params);
    let inventory = query::inventory_remarks(session, report)?;
    let mut remarks = report_remarks(period, selected.all, &counts, empty.clone(), &unmatched);
    // Without an inventory, a result without rows says nothing about workspaces and items.
    if !inventory.is_empty() && !session.snapshot().has_inventory() {
        remarks.retain(|remark| *remark != empty);
    }
    remarks.extend(selection_remarks(&selected, options.selection.condition.as_deref(), top));
    remarks.extend(totals_remark(context.totals.as_ref(), options.format));
    let domains = query::internal_domains(session, report, &params)?;
    remarks.extend(domains.map(|domains| internal_domains_remark(&domains)));
    if let Some(attribute) = &attribute {
        remarks.push(query::division_remark(session, attribute)?);
    }
    remarks.extend(inventory);
    remarks.extend(query::current_date_remark(session, report)?);
    remarks.extend(marks_remark(&options.marks, period.first_day(), period.last_day()));
    if let Some(Chart::Lines { values, over }) = &report.chart {
        remarks.extend(options.marks.iter().filter_map(|mark| {
            let days = session.comparable_around(mark.day);
            change_remark(mark, &days, &selected.grid, [over, values.first()?])
        }));
    }
    let newest_event_us = period.event_range().map(|range| range.last_us);
    let chart = report.chart.clone().filter(|chart| is_drawable(chart, &selected.grid, options));
    Ok(ReportResult { grid: selected.grid, chart, context, remarks, newest_event_us })
}

/// Opens a session that has what the reports need.
pub(super) fn open_session<'a, 'r>(
    snapshot: &'a Snapshot,
    reports: impl IntoIterator<Item = &'r ReportDefinition> + Clone,
    options: &Options,
) -> Result<Session<'a>> {
    let table = query::open_table(snapshot, reports.clone(), &options.filters);
    let extent = query::event_time_range_of(&table, LogKind::PowerBi)?;
    let period = resolve_period(extent, options)?;
    let (noise, actors) = (options.noise, options.actors);
    let (filters, as_of) = (options.filters.clone(), options.as_of);
    let settings = Settings { noise, actors, filters, as_of };
    let session = Session::with_table(table, period, settings)?;
    let mut needs_fields = false;
    for report in reports {
        needs_fields |= query::reads_view(report, UNKNOWN_FIELDS_VIEW)?;
    }
    if !needs_fields {
        return Ok(session);
    }
    let fields = data_dictionary::extra_fields(snapshot)?.fields.into_iter().map(|field| {
        query::UnknownField {
            name: field.name,
            activity: field.activity,
            count: field.count,
            first_day: field.first_day,
            last_day: field.last_day,
            has_typed_column: field.in_column,
        }
    });
    Ok(session.with_unknown_fields(fields.collect()))
}

/// Returns a session over the log of a report, if the session is over another log.
pub(super) fn other_log_session<'a>(
    session: &Session<'a>,
    report: &ReportDefinition,
    options: &Options,
) -> Result<Option<Session<'a>>> {
    if report.log == session.log() {
        return Ok(None);
    }
    let period = resolve_period(session.event_time_range(report.log)?, options)?;
    session.with_log(report.log, period).map(Some)
}

/// Returns the period of the options in a log with events between these times.
fn resolve_period(extent: Option<EventTimeRange>, options: &Options) -> Result<Period> {
    let zone = options.time_zone;
    let bounds = PeriodBounds { since: options.since, until: options.until };
    let (since, until) = bounds.resolve(extent, zone, options.now)?;
    Ok(Period::new(zone, since, until, extent))
}

/// Returns the values of parameters that differ from the report's defaults.
///
/// # Errors
///
/// [`Error::Usage`] for a number of rows that is not valid.
pub(super) fn effective_params(
    report: &ReportDefinition,
    options: &Options,
) -> Result<BTreeMap<String, String>> {
    params_and_limit(report, options).map(|(params, _)| params)
}

/// Returns the values of parameters that differ from the report's defaults, and the number of rows
/// to keep of the result.
///
/// The number of rows is the one given. Without one, a text table on a terminal has the report's
/// own number, and files and other formats have all rows. A condition and a sort order select from
/// all rows of the report, and totals count all of them, so its own limit does not apply to them.
fn params_and_limit(
    report: &ReportDefinition,
    options: &Options,
) -> Result<(BTreeMap<String, String>, Option<usize>)> {
    let mut params = options.params.clone();
    let own = report.params.iter().find(|param| param.name == TOP_PARAM);
    if options.top == Some(0) {
        return Err(Error::Usage("the number of rows must be 1 or greater".to_owned()));
    }
    let default = own.map(|param| match options.format {
        OutputFormat::Text if !options.all_rows => param.default.clone(),
        _ => ALL_ROWS.to_owned(),
    });
    let given = own.and_then(|_| params.get(TOP_PARAM).cloned());
    let top = given.or(options.top.map(|rows| rows.to_string())).or(default);
    let Some(top) = top else { return Ok((params, None)) };
    let limit = top.parse().ok();
    if own.is_some() {
        let needs_all = !options.selection.keeps_rows() || !report.totals.is_empty();
        let own_limit = if needs_all { ALL_ROWS } else { &top };
        params.insert(TOP_PARAM.to_owned(), own_limit.to_owned());
    }
    Ok((params, limit))
}

/// Returns the number of rows of a table that is not limited by its report: the one given, that of
/// tables on a terminal, or `None` for all rows.
pub(super) fn table_limit(options: &Options) -> Option<usize> {
    let is_for_terminal = options.format == OutputFormat::Text && !options.all_rows;
    let given = options.top.and_then(|rows| usize::try_from(rows).ok());
    given.or(is_for_terminal.then_some(TABLE_ROWS))
}

/// Returns true if the selected rows and columns have what a chart draws: its columns, and for
/// lines and heatmaps the order and completeness of the report's rows.
fn is_drawable(chart: &Chart, grid: &Grid, options: &Options) -> bool {
    let needs_order = !matches!(chart, Chart::Bars { .. });
    let is_changed = !options.selection.sort.is_empty() || options.selection.condition.is_some();
    let is_heatmap = matches!(chart, Chart::Heatmap { .. });
    let is_cut = !options.selection.columns.is_empty() || options.top.is_some();
    chart.has_columns_in(grid) && !(needs_order && is_changed) && !(is_heatmap && is_cut)
}

/// Two sessions over equally many complete days, on the same weekdays.
pub struct ComparableSessions<'a> {
    /// Session over the earlier days.
    pub earlier: ReportSession<'a>,
    /// Session over the later days.
    pub later: ReportSession<'a>,
    /// Number of days of each session.
    pub days: usize,
}

/// Runs several reports on one snapshot and one period. Data that they share is read once.
pub struct ReportSession<'a> {
    session: Session<'a>,
    options: Options,
}

impl<'a> ReportSession<'a> {
    /// Opens a session and loads the data of these reports. Other reports can run too and load
    /// their own data.
    ///
    /// # Errors
    ///
    /// Errors of [`super::run`] that concern all reports.
    pub fn new<'r>(
        snapshot: &'a Snapshot,
        reports: impl IntoIterator<Item = &'r ReportDefinition> + Clone,
        options: &Options,
    ) -> Result<ReportSession<'a>> {
        let mut session = open_session(snapshot, reports.clone(), options)?;
        session.preload(reports)?;
        Ok(ReportSession::of(session, options))
    }

    /// Returns a session with all rows and columns: callers select them themselves.
    fn of(session: Session<'a>, options: &Options) -> ReportSession<'a> {
        let selection = RowSelection::default();
        let format = OutputFormat::Json;
        let options = Options { format, selection, top: None, ..options.clone() };
        ReportSession { session, options }
    }

    /// Opens a session for statements that run in several periods. The events that they count are
    /// computed once. Other statements can run too and read the files.
    ///
    /// # Errors
    ///
    /// Errors of [`super::run`] that concern all reports.
    pub fn with_shared_events<'r>(
        snapshot: &'a Snapshot,
        statements: impl IntoIterator<Item = &'r ReportDefinition> + Clone,
        options: &Options,
    ) -> Result<ReportSession<'a>> {
        let mut session = open_session(snapshot, statements.clone(), options)?;
        session.share_events(statements)?;
        Ok(ReportSession::of(session, options))
    }

    /// Opens a session from which [`ReportSession::for_filters`] makes others. It loads nothing.
    ///
    /// # Errors
    ///
    /// Errors of [`super::run`] that concern all reports.
    pub fn open<'r>(
        snapshot: &'a Snapshot,
        statements: impl IntoIterator<Item = &'r ReportDefinition> + Clone,
        options: &Options,
    ) -> Result<ReportSession<'a>> {
        Ok(ReportSession::of(open_session(snapshot, statements, options)?, options))
    }

    /// Returns a session with other filters, like [`ReportSession::with_shared_events`]. What no
    /// filter changes is read once for all of these sessions. All events that match are in memory,
    /// so they ought to be a small part of the log.
    ///
    /// # Errors
    ///
    /// Errors of [`super::run`] that concern all reports.
    pub fn for_filters<'r>(
        &self,
        filters: Filters,
        statements: impl IntoIterator<Item = &'r ReportDefinition> + Clone,
    ) -> Result<ReportSession<'a>> {
        let mut session = self.session.with_filters(filters.clone());
        session.load_matching(statements.clone())?;
        session.share_events(statements)?;
        Ok(ReportSession { session, options: Options { filters, ..self.options.clone() } })
    }

    /// Runs a report with these parameters.
    ///
    /// # Errors
    ///
    /// Errors of [`super::run`].
    pub fn run(&self, report: &ReportDefinition, params: &[(&str, &str)]) -> Result<ReportResult> {
        run_report(&self.session, report, &self.options_with_params(params))
    }

    /// Runs a report and returns only its rows, which saves counting excluded events.
    ///
    /// # Errors
    ///
    /// Errors of [`super::run`].
    pub fn rows(&self, report: &ReportDefinition, params: &[(&str, &str)]) -> Result<Grid> {
        let params = effective_params(report, &self.options_with_params(params))?;
        let other = other_log_session(&self.session, report, &self.options)?;
        query::execute(other.as_ref().unwrap_or(&self.session), report, &params)
    }

    /// Returns the sentences on the inventory that a report reads.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] if a file cannot be read.
    pub fn inventory_remarks(&self, report: &ReportDefinition) -> Result<Vec<String>> {
        query::inventory_remarks(&self.session, report)
    }

    fn options_with_params(&self, params: &[(&str, &str)]) -> Options {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Options { params: params.collect(), ..self.options.clone() }
    }

    /// Returns a session on the same number of days before this period, or `None` if the log does
    /// not reach back that far.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] if a file cannot be read.
    pub fn previous_period(&self) -> Result<Option<ReportSession<'a>>> {
        let Some(period) = self.session.period().previous() else { return Ok(None) };
        let session = self.session.with_period(period)?;
        Ok(Some(ReportSession { session, options: self.options.clone() }))
    }

    /// Returns a session on other days of the log of Power BI.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the days are not valid, [`Error::Query`] if a file cannot be read.
    pub fn with_days(&self, bounds: PeriodBounds) -> Result<ReportSession<'a>> {
        let PeriodBounds { since, until } = bounds;
        let options = Options { since, until, ..self.options.clone() };
        let extent = self.session.event_time_range(LogKind::PowerBi)?;
        let period = resolve_period(extent, &options)?;
        Ok(ReportSession { session: self.session.with_period(period)?, options })
    }

    /// Returns this session and one on an earlier period, each limited to the days that can be
    /// compared: complete days, as many of each weekday in both. `None` if there are no such days.
    pub fn comparable(&self, earlier: &ReportSession<'a>) -> Option<ComparableSessions<'a>> {
        let days = self.session.comparable_days(&earlier.session);
        self.limited_to_both(&earlier.session, days)
    }

    /// Returns two sessions on the days of this period before a day and from it on that can be
    /// compared. `None` if there are no such days.
    pub fn around(&self, day: NaiveDate) -> Option<ComparableSessions<'a>> {
        self.limited_to_both(&self.session, self.session.comparable_around(day))
    }

    fn limited_to_both(
        &self,
        earlier: &Session<'a>,
        days: ComparableDays,
    ) -> Option<ComparableSessions<'a>> {
        let limited = |session: &Session<'a>, days| ReportSession {
            session: session.limited_to(days),
            options: self.options.clone(),
        };
        let count = days.later.len();
        (count > 0).then(|| ComparableSessions {
            earlier: limited(earlier, days.earlier),
            later: limited(&self.session, days.later),
            days: count,
        })
    }

    /// Returns a session for each month of the period, in order. Each is limited to the days of its
    /// month, so that the rows of one month fit into memory.
    pub fn months(&self) -> Vec<ReportSession<'a>> {
        let mut months: BTreeMap<(i32, u32), BTreeSet<NaiveDate>> = BTreeMap::new();
        for day in self.session.period().local_days() {
            months.entry((day.year(), day.month())).or_default().insert(day);
        }
        let limited = |days| ReportSession {
            session: self.session.limited_to(days),
            options: self.options.clone(),
        };
        months.into_values().map(limited).collect()
    }

    /// Returns the first and the last day of the period, if known.
    pub fn period(&self) -> Option<(NaiveDate, NaiveDate)> {
        let period = self.session.period();
        period.first_day().zip(period.last_day())
    }

    /// Counts the days of the period by status.
    pub fn coverage(&self) -> CoverageCounts {
        coverage_counts(&self.session.local_day_statuses())
    }
}
