//! A report from its name to its bytes: the conductor of the reading side.
//!
//! Owns: the order of things - period, coverage, answer, page - and the sentences that say what an
//! answer lacks. Must not know flags or where the bytes go.

mod session;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::str::FromStr;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use serde::Serialize;

use crate::data_dictionary;
use crate::grid::{Cell, CellKind, Grid};
use crate::query::{
    self, Coverage, DayStatus, DefinitionCatalog, EventCounts, Period, Session, Settings,
};
pub use crate::query::{Actors, Filters, NoiseFilter, ReportDefinition, SqlEngine};
use crate::render::{self, ExcludedEvents, RenderInput};
pub use crate::render::{OutputFormat, wrap};
pub use crate::store::Snapshot;
use crate::{Error, Result};
pub use session::{ReportResult, ReportSession};

/// The parameter by which reports are cut to their first rows.
const TOP_PARAM: &str = "top";

/// The view that a dictionary is needed for.
const UNKNOWN_FIELDS_VIEW: &str = "unknown_fields";

/// One end of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayBound {
    /// A day of the time zone.
    Date(NaiveDate),
    /// So many days before the end of the archive, at least one. An archive has no today: `30d` as
    /// the first day begins the last 30 days that it holds, the day of its last event being the
    /// last of them; as the last day, it is the day before those begin. So `14d` to `7d` are the
    /// seven days before the last seven.
    DaysBack(u32),
}

impl FromStr for DayBound {
    type Err = Error;

    fn from_str(text: &str) -> Result<DayBound> {
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(DayBound::Date(day));
        }
        match text.strip_suffix('d').and_then(|days| days.parse().ok()) {
            Some(days) if days > 0 => Ok(DayBound::DaysBack(days)),
            _ => Err(Error::Usage(format!(
                "{text:?} is no day: write one such as 2026-03-01, or 30d for the last 30 days \
                 of the archive"
            ))),
        }
    }
}

impl DayBound {
    /// The day meant as the first of a period, in an archive that ends on `last`.
    fn first_day(self, last: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            DayBound::Date(day) => Some(day),
            DayBound::DaysBack(days) => last?.checked_sub_days(Days::new(u64::from(days) - 1)),
        }
    }

    /// The day meant as the last of a period, in an archive that ends on `last`.
    fn last_day(self, last: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            DayBound::Date(day) => Some(day),
            DayBound::DaysBack(days) => last?.checked_sub_days(Days::new(days.into())),
        }
    }
}

/// What is asked for, whatever the report.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first day; all there is where it is not given.
    pub since: Option<DayBound>,
    /// The last day, included; all there is where it is not given.
    pub until: Option<DayBound>,
    /// The zone of all days, hours and times shown.
    pub time_zone: Tz,
    /// How many rows; where it is not given, the report's own number in a format for people and
    /// all rows in the others.
    pub top: Option<u32>,
    /// Values of the report's own parameters.
    pub params: BTreeMap<String, String>,
    /// Which reads through the API are left out.
    pub noise: NoiseFilter,
    /// Whose events count; those that the report counts of itself, where it is not given.
    pub actors: Option<Actors>,
    /// Which workspaces, reports, people and activities it is about.
    pub filters: Filters,
    /// The form of the answer.
    pub format: OutputFormat,
    /// How many columns of characters a line of a table may take.
    pub width: usize,
    /// What in an answer is to be told by the exit code.
    pub fail_on: Vec<FailCondition>,
}

/// What in an answer is to be told by the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailCondition {
    /// A day of the period is missing.
    Missing,
    /// A day was cut.
    Truncated,
    /// A day is held in part, for that or for another reason.
    Partial,
    /// A day is not complete, for any reason, or none of the period is held.
    Incomplete,
    /// There are rows.
    AnyRows,
    /// There are no rows.
    NoRows,
}

impl FailCondition {
    /// All of them, by their names.
    const NAMES: [(&str, FailCondition); 6] = [
        ("coverage:missing", FailCondition::Missing),
        ("coverage:cut", FailCondition::Truncated),
        ("coverage:partial", FailCondition::Partial),
        ("coverage:incomplete", FailCondition::Incomplete),
        ("rows:any", FailCondition::AnyRows),
        ("rows:none", FailCondition::NoRows),
    ];

    /// What is the matter with an answer of so many rows, if anything.
    fn check(self, days: &render::CoverageCounts, rows: usize) -> Option<String> {
        let days_of = |count: u64, what: &str| (count > 0).then(|| format!("{count} days {what}"));
        match self {
            FailCondition::Missing => days_of(days.missing, "are missing"),
            FailCondition::Truncated => days_of(days.truncated, "were cut"),
            FailCondition::Partial => days_of(days.partial, "are held in part"),
            FailCondition::Incomplete if days.days == 0 => {
                Some("no day of the period is held".to_owned())
            }
            FailCondition::Incomplete => days_of(days.days - days.complete, "are not complete"),
            FailCondition::AnyRows => (rows > 0).then(|| format!("there are {rows} rows")),
            FailCondition::NoRows => (rows == 0).then(|| "there are no rows".to_owned()),
        }
    }
}

impl FromStr for FailCondition {
    type Err = Error;

    fn from_str(text: &str) -> Result<FailCondition> {
        let found = FailCondition::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, on)| *on).ok_or_else(|| {
            let names = FailCondition::NAMES.map(|(name, _)| name).join(", ");
            Error::Usage(format!("{text:?} is nothing to fail on: write one of {names}"))
        })
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedReport {
    /// The answer in the form asked for.
    pub bytes: Vec<u8>,
    /// Whether a day of the period is missing or held in part.
    pub is_incomplete: bool,
    /// What people should know of it, in sentences. A table shows them itself.
    pub remarks: Vec<String>,
    /// What was found of that which is to be told by the exit code.
    pub failures: Vec<String>,
}

/// The reports that there are: those of the program, and those of folders of one's own.
#[derive(Debug, Clone)]
pub struct ReportCatalog {
    catalog: DefinitionCatalog,
}

impl ReportCatalog {
    /// With the reports of a folder, where one is given.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder cannot be read, [`Error::Usage`] where a header is wrong.
    pub fn new(folder: Option<&Path>) -> Result<ReportCatalog> {
        let mut catalog = DefinitionCatalog::built_in()?;
        folder.map_or(Ok(()), |folder| catalog.add_folder(folder))?;
        Ok(ReportCatalog { catalog })
    }

    /// The report of that name or other name.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a name that no report has.
    pub fn find(&self, name: &str) -> Result<&ReportDefinition> {
        self.catalog.find(name)
    }

    /// All of them, by name.
    pub fn all(&self) -> &[ReportDefinition] {
        self.catalog.reports()
    }

    /// All of them as JSON, with their other names and what they answer.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub fn list_json(&self) -> Result<Vec<u8>> {
        let columns = ["report", "also", "title", "question"];
        let mut grid = Grid::new(columns.map(|name| (name, CellKind::Text)));
        for report in self.all() {
            let also = report.aliases.join(", ");
            let cells = [&report.name, &also, &report.title, &report.question];
            grid.rows.push(cells.map(|text| Cell::Text(text.clone())).into());
        }
        let (time_zone, width) = (Tz::UTC, 0);
        let page =
            RenderInput { grid: &grid, chart: None, context: None, remarks: &[], time_zone, width };
        render::render(&page, OutputFormat::Json)
    }
}

/// Answers a report.
///
/// # Errors
///
/// [`Error::Usage`] for a day, a number or a parameter that makes no sense; [`Error::Query`] if a
/// file of the store cannot be read.
pub fn run(
    snapshot: &Snapshot,
    report: &ReportDefinition,
    options: &Options,
) -> Result<RenderedReport> {
    let session = open_session(snapshot, [report], options)?;
    render_report(&session, report, options)
}

/// Answers several reports of one period, and gives each to `take`. What they share is read once.
/// An answer that failed is given as well, and does not stop the others.
///
/// # Errors
///
/// Those of [`run`] that concern all of them, and those of `take`.
pub fn run_all(
    snapshot: &Snapshot,
    reports: &[ReportDefinition],
    options: &Options,
    take: &mut dyn FnMut(&ReportDefinition, Result<RenderedReport>) -> Result<()>,
) -> Result<()> {
    let mut session = open_session(snapshot, reports, options)?;
    session.preload(reports)?;
    for report in reports {
        take(report, render_report(&session, report, options))?;
    }
    Ok(())
}

/// The views and the statement of a report as SQL for another engine, which reads the store's files
/// itself.
///
/// # Errors
///
/// Those of [`run`].
pub fn portable_sql(
    snapshot: &Snapshot,
    report: &ReportDefinition,
    options: &Options,
    engine: SqlEngine,
) -> Result<String> {
    let session = open_session(snapshot, [report], options)?;
    query::portable_script(&session, report, &effective_params(report, options)?, engine)
}

/// The columns of the table that a report needs.
///
/// # Errors
///
/// [`Error::Query`] for a statement that the guard refuses.
pub fn required_columns(report: &ReportDefinition) -> Result<HashSet<String>> {
    Ok(query::report_columns(report)?.into_iter().collect())
}

/// A view that statements read, with its columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SqlView {
    /// Its name.
    pub view: &'static str,
    /// Its columns, without those of the table itself.
    pub columns: Vec<SqlViewColumn>,
}

/// One column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SqlViewColumn {
    /// Its name.
    pub name: &'static str,
    /// Its type in SQL.
    #[serde(rename = "type")]
    pub ty: &'static str,
    /// What it holds.
    pub meaning: &'static str,
}

/// All views.
pub fn views() -> Vec<SqlView> {
    let mut views: Vec<SqlView> = Vec::new();
    for column in query::view_columns() {
        let query::ViewColumn { view, name, ty, meaning } = *column;
        if views.last().is_none_or(|last| last.view != view) {
            views.push(SqlView { view, columns: Vec::new() });
        }
        if let Some(last) = views.last_mut() {
            last.columns.push(SqlViewColumn { name, ty, meaning });
        }
    }
    views
}

fn open_session<'a, 'r>(
    snapshot: &'a Snapshot,
    reports: impl IntoIterator<Item = &'r ReportDefinition>,
    options: &Options,
) -> Result<Session<'a>> {
    let period = resolve_period(snapshot, options)?;
    let (noise, actors) = (options.noise, options.actors);
    let settings = Settings { noise, actors, filters: options.filters.clone() };
    let session = Session::new(snapshot, period, settings)?;
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

fn render_report(
    session: &Session<'_>,
    report: &ReportDefinition,
    options: &Options,
) -> Result<RenderedReport> {
    let ReportResult { grid, context: basis, remarks } =
        session::run_report(session, report, options)?;
    let page = RenderInput {
        grid: &grid,
        chart: report.chart.as_ref(),
        context: Some(&basis),
        remarks: &remarks,
        time_zone: options.time_zone,
        width: options.width,
    };
    let bytes = render::render(&page, options.format)?;
    let failures = options.fail_on.iter();
    let failures = failures.filter_map(|on| on.check(&basis.coverage, grid.rows.len()));
    let coverage = session.coverage();
    let incomplete = !coverage.is_complete() || coverage.days.is_empty();
    Ok(RenderedReport { bytes, is_incomplete: incomplete, remarks, failures: failures.collect() })
}

fn resolve_period(snapshot: &Snapshot, options: &Options) -> Result<Period> {
    let extent = query::event_time_range(snapshot)?;
    let zone = options.time_zone;
    let last = extent.and_then(|extent| query::local_day(extent.last_us, zone));
    let since = options.since.and_then(|when| when.first_day(last));
    let until = options.until.and_then(|when| when.last_day(last));
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        return Err(Error::Usage(format!(
            "the period ends on {until}, before it begins on {since}; write the earlier day first"
        )));
    }
    Ok(Period::new(zone, since, until, extent))
}

/// The values of the report's parameters that are not its own defaults. The number of rows is the
/// one given; else, for people, the report's own.
fn effective_params(
    report: &query::ReportDefinition,
    options: &Options,
) -> Result<BTreeMap<String, String>> {
    let mut given = options.params.clone();
    let own = report.params.iter().find(|param| param.name == TOP_PARAM);
    let top = match (options.top, options.format) {
        (Some(0), _) => {
            return Err(Error::Usage("the first 0 rows are none; ask for 1 or more".to_owned()));
        }
        (Some(rows), _) => Some(rows.to_string()),
        (None, format) if format.is_for_people() => own.map(|param| param.default.clone()),
        (None, _) => own.map(|_| "all".to_owned()),
    };
    if let Some(top) = top.filter(|_| own.is_some()) {
        given.entry(TOP_PARAM.to_owned()).or_insert(top);
    }
    Ok(given)
}

fn coverage_counts(coverage: &Coverage) -> render::CoverageCounts {
    let [complete, partial, cut, missing] =
        [DayStatus::Complete, DayStatus::Partial, DayStatus::Truncated, DayStatus::Missing]
            .map(|verdict| coverage.count(verdict));
    let days = complete + partial + cut + missing;
    render::CoverageCounts { days, complete, partial: partial + cut, missing, truncated: cut }
}

fn excluded_events(tally: &EventCounts, actors: Actors, keeps_noise: bool) -> ExcludedEvents {
    let [services, people] = match actors {
        Actors::People => [tally.services, 0],
        Actors::All => [0, 0],
        Actors::Services => [0, tally.people],
    };
    let noise = if keeps_noise { 0 } else { tally.noise };
    ExcludedEvents { noise, services, people, filtered: tally.filtered }
}

/// What people should know of the answer.
fn report_remarks(
    period: &Period,
    grid: &Grid,
    tally: &EventCounts,
    top: Option<&str>,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let held = period.unbounded();
    let Some((first, last)) = held.first_day().zip(held.last_day()) else {
        return vec!["The archive holds no events.".to_owned()];
    };
    if grid.rows.is_empty() && tally.events == 0 {
        remarks.push("There are no events in the period.".to_owned());
    } else if grid.rows.is_empty() && tally.filtered == tally.events {
        remarks
            .push(format!("The filters match none of the {} events in the period.", tally.events));
        remarks.push("A name is matched whole: *sales* also finds it within another.".to_owned());
    } else if grid.rows.is_empty() {
        let events = tally.events;
        let none = "none of them is of the activities and people that this report counts";
        remarks.push(format!("Of the {events} events in the period, {none}."));
    }
    if period.first_day().is_some_and(|day| day < first)
        || period.last_day().is_some_and(|day| day > last)
    {
        remarks.push(format!("The archive holds {first} to {last} only."));
    }
    if top.is_some_and(|top| top == grid.rows.len().to_string()) {
        remarks.push(format!("These are the first {} rows.", grid.rows.len()));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_end_of_a_period_is_a_day_or_counted_back_from_the_archives_last() {
        assert_eq!("2026-03-01".parse::<DayBound>().unwrap(), DayBound::Date(day("2026-03-01")));
        let last = Some(day("2026-03-31"));
        let month = "30d".parse::<DayBound>().unwrap();
        assert_eq!(month.first_day(last), Some(day("2026-03-02")));
        let [from, to] = ["14d", "7d"].map(|text| text.parse::<DayBound>().unwrap());
        assert_eq!(from.first_day(last), Some(day("2026-03-18")));
        assert_eq!(to.last_day(last), Some(day("2026-03-24")));
        assert_eq!(month.first_day(None), None);
    }

    #[test]
    fn what_is_no_day_is_refused_with_an_example() {
        for text in ["", "yesterday", "2026-02-30", "0d", "-3d", "d", "01.03.2026", "99999999999d"]
        {
            let message = text.parse::<DayBound>().unwrap_err().to_string();
            assert!(message.contains("2026-03-01, or 30d"), "{message}");
        }
    }

    fn options() -> Options {
        Options {
            since: None,
            until: None,
            time_zone: Tz::UTC,
            top: None,
            params: BTreeMap::new(),
            noise: NoiseFilter::Exclude,
            actors: None,
            filters: Filters::default(),
            format: OutputFormat::Text,
            width: 200,
            fail_on: Vec::new(),
        }
    }

    fn answered(options: &Options) -> Result<RenderedReport> {
        let reports = ReportCatalog::new(None).unwrap();
        run(&Snapshot::default(), reports.find("most-viewed-reports").unwrap(), options)
    }

    #[test]
    fn an_empty_archive_is_answered_with_no_rows_and_says_so() {
        let options = Options { since: Some(DayBound::DaysBack(30)), ..options() };
        let report = answered(&options).unwrap();
        let text = String::from_utf8(report.bytes).unwrap();
        let start = "Most viewed reports\n\nrank  report  workspace  views  viewers";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("\nThe archive holds no events.\nNo period, UTC."), "{text}");
        assert!(report.is_incomplete);
    }

    #[test]
    fn nonsense_is_refused_before_anything_is_read() {
        let [since, until] =
            ["2026-03-02", "2026-03-01"].map(|text| Some(DayBound::Date(day(text))));
        let message = answered(&Options { since, until, ..options() }).unwrap_err().to_string();
        assert!(message.contains("the earlier day first"), "{message}");
        let zero = Options { top: Some(0), ..options() };
        assert!(answered(&zero).unwrap_err().to_string().contains("1 or more"));
        let set = BTreeMap::from([("tpo".to_owned(), "3".to_owned())]);
        let message = answered(&Options { params: set, ..options() }).unwrap_err().to_string();
        assert!(message.contains("no parameter \"tpo\""), "{message}");
    }

    #[test]
    fn what_is_to_be_told_by_the_exit_code_is_found() {
        let fail_on = ["rows:none", "rows:any", "coverage:incomplete", "coverage:missing"];
        let fail_on = fail_on.map(|text| text.parse().unwrap()).to_vec();
        let found = answered(&Options { fail_on, ..options() }).unwrap().failures;
        assert_eq!(found, ["there are no rows", "no day of the period is held"]);
        let days =
            render::CoverageCounts { days: 31, complete: 28, partial: 2, missing: 1, truncated: 1 };
        let told = |on: &str| on.parse::<FailCondition>().unwrap().check(&days, 7).unwrap();
        assert_eq!(told("coverage:missing"), "1 days are missing");
        assert_eq!(told("coverage:cut"), "1 days were cut");
        assert_eq!(told("coverage:partial"), "2 days are held in part");
        assert_eq!(told("coverage:incomplete"), "3 days are not complete");
        assert_eq!(told("rows:any"), "there are 7 rows");
        let message = "coverage".parse::<FailCondition>().unwrap_err().to_string();
        assert!(message.contains("coverage:missing, "), "{message}");
    }

    #[test]
    fn the_list_names_every_report() {
        let reports = ReportCatalog::new(None).unwrap();
        let text = String::from_utf8(reports.list_json().unwrap()).unwrap();
        for report in reports.all() {
            assert!(text.contains(&format!("\"report\": \"{}\"", report.name)), "{text}");
        }
        assert!(text.contains("\"also\": \"most-viewed-reports, popular, usage\""), "{text}");
    }
}
