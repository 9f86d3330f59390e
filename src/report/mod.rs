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
use crate::grid::{Cell, Grid, Kind};
use crate::query::{self, Catalog, Coverage, Period, Session, Settings, Tally, Verdict};
pub use crate::query::{Actors, Engine, Filters, NoiseLevel, Report as Question};
use crate::render::{self, Excluded, Page};
pub use crate::render::{Format, wrap};
pub use crate::store::Snapshot;
use crate::{Error, Result};
pub use session::{Answer, Inquiry};

/// The parameter by which reports are cut to their first rows.
const TOP: &str = "top";

/// The view that a dictionary is needed for.
const UNKNOWN_FIELDS: &str = "unknown_fields";

/// One end of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A day of the time zone.
    Day(NaiveDate),
    /// So many days before the end of the archive, at least one. An archive has no today: `30d` as
    /// the first day begins the last 30 days that it holds, the day of its last event being the
    /// last of them; as the last day, it is the day before those begin. So `14d` to `7d` are the
    /// seven days before the last seven.
    Back(u32),
}

impl FromStr for When {
    type Err = Error;

    fn from_str(text: &str) -> Result<When> {
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(When::Day(day));
        }
        match text.strip_suffix('d').and_then(|days| days.parse().ok()) {
            Some(days) if days > 0 => Ok(When::Back(days)),
            _ => Err(Error::Usage(format!(
                "{text:?} is no day: write one such as 2026-03-01, or 30d for the last 30 days \
                 of the archive"
            ))),
        }
    }
}

impl When {
    /// The day meant as the first of a period, in an archive that ends on `last`.
    fn as_first(self, last: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            When::Day(day) => Some(day),
            When::Back(days) => last?.checked_sub_days(Days::new(u64::from(days) - 1)),
        }
    }

    /// The day meant as the last of a period, in an archive that ends on `last`.
    fn as_last(self, last: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            When::Day(day) => Some(day),
            When::Back(days) => last?.checked_sub_days(Days::new(days.into())),
        }
    }
}

/// What is asked for, whatever the report.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first day; all there is where it is not given.
    pub since: Option<When>,
    /// The last day, included; all there is where it is not given.
    pub until: Option<When>,
    /// The zone of all days, hours and times shown.
    pub time_zone: Tz,
    /// How many rows; where it is not given, the report's own number in a format for people and
    /// all rows in the others.
    pub top: Option<u32>,
    /// Values of the report's own parameters.
    pub set: BTreeMap<String, String>,
    /// Which reads through the API are left out.
    pub noise: NoiseLevel,
    /// Whose events count; those that the report counts of itself, where it is not given.
    pub actors: Option<Actors>,
    /// Which workspaces, reports, people and activities it is about.
    pub filters: Filters,
    /// The form of the answer.
    pub format: Format,
    /// How many columns of characters a line of a table may take.
    pub width: usize,
    /// What in an answer is to be told by the exit code.
    pub fail_on: Vec<FailOn>,
}

/// What in an answer is to be told by the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// A day of the period is missing.
    Missing,
    /// A day was cut.
    Cut,
    /// A day is held in part, for that or for another reason.
    Partial,
    /// A day is not complete, for any reason, or none of the period is held.
    Incomplete,
    /// There are rows.
    AnyRows,
    /// There are no rows.
    NoRows,
}

impl FailOn {
    /// All of them, by their names.
    const NAMED: [(&str, FailOn); 6] = [
        ("coverage:missing", FailOn::Missing),
        ("coverage:cut", FailOn::Cut),
        ("coverage:partial", FailOn::Partial),
        ("coverage:incomplete", FailOn::Incomplete),
        ("rows:any", FailOn::AnyRows),
        ("rows:none", FailOn::NoRows),
    ];

    /// What is the matter with an answer of so many rows, if anything.
    fn failure(self, days: &render::Days, rows: usize) -> Option<String> {
        let days_of = |count: u64, what: &str| (count > 0).then(|| format!("{count} days {what}"));
        match self {
            FailOn::Missing => days_of(days.missing, "are missing"),
            FailOn::Cut => days_of(days.cut, "were cut"),
            FailOn::Partial => days_of(days.partial, "are held in part"),
            FailOn::Incomplete if days.days == 0 => Some("no day of the period is held".to_owned()),
            FailOn::Incomplete => days_of(days.days - days.complete, "are not complete"),
            FailOn::AnyRows => (rows > 0).then(|| format!("there are {rows} rows")),
            FailOn::NoRows => (rows == 0).then(|| "there are no rows".to_owned()),
        }
    }
}

impl FromStr for FailOn {
    type Err = Error;

    fn from_str(text: &str) -> Result<FailOn> {
        let found = FailOn::NAMED.iter().find(|(name, _)| *name == text);
        found.map(|(_, on)| *on).ok_or_else(|| {
            let names = FailOn::NAMED.map(|(name, _)| name).join(", ");
            Error::Usage(format!("{text:?} is nothing to fail on: write one of {names}"))
        })
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The answer in the form asked for.
    pub bytes: Vec<u8>,
    /// Whether a day of the period is missing or held in part.
    pub incomplete: bool,
    /// What people should know of it, in sentences. A table shows them itself.
    pub remarks: Vec<String>,
    /// What was found of that which is to be told by the exit code.
    pub failures: Vec<String>,
}

/// The reports that there are: those of the program, and those of folders of one's own.
#[derive(Debug, Clone)]
pub struct Reports {
    catalog: Catalog,
}

impl Reports {
    /// With the reports of a folder, where one is given.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder cannot be read, [`Error::Usage`] where a header is wrong.
    pub fn new(folder: Option<&Path>) -> Result<Reports> {
        let mut catalog = Catalog::built_in()?;
        folder.map_or(Ok(()), |folder| catalog.add_folder(folder))?;
        Ok(Reports { catalog })
    }

    /// The report of that name or other name.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a name that no report has.
    pub fn find(&self, name: &str) -> Result<&Question> {
        self.catalog.find(name)
    }

    /// All of them, by name.
    pub fn all(&self) -> &[Question] {
        self.catalog.reports()
    }

    /// All of them as JSON, with their other names and what they answer.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub fn list(&self) -> Result<Vec<u8>> {
        let columns = ["report", "also", "title", "question"];
        let mut grid = Grid::new(columns.map(|name| (name, Kind::Text)));
        for report in self.all() {
            let also = report.aliases.join(", ");
            let cells = [&report.name, &also, &report.title, &report.question];
            grid.rows.push(cells.map(|text| Cell::Text(text.clone())).into());
        }
        let (time_zone, width) = (Tz::UTC, 0);
        let page = Page { grid: &grid, chart: None, basis: None, remarks: &[], time_zone, width };
        render::render(&page, Format::Json)
    }
}

/// Answers a report.
///
/// # Errors
///
/// [`Error::Usage`] for a day, a number or a parameter that makes no sense; [`Error::Query`] if a
/// file of the store cannot be read.
pub fn run(snapshot: &Snapshot, report: &Question, options: &Options) -> Result<Report> {
    let session = session(snapshot, [report], options)?;
    answer(&session, report, options)
}

/// Answers several reports of one period, and gives each to `take`. What they share is read once.
/// An answer that failed is given as well, and does not stop the others.
///
/// # Errors
///
/// Those of [`run`] that concern all of them, and those of `take`.
pub fn run_all(
    snapshot: &Snapshot,
    reports: &[Question],
    options: &Options,
    take: &mut dyn FnMut(&Question, Result<Report>) -> Result<()>,
) -> Result<()> {
    let mut session = session(snapshot, reports, options)?;
    session.load(reports)?;
    for report in reports {
        take(report, answer(&session, report, options))?;
    }
    Ok(())
}

/// The views and the statement of a report as SQL for another engine, which reads the store's files
/// itself.
///
/// # Errors
///
/// Those of [`run`].
pub fn portable(
    snapshot: &Snapshot,
    report: &Question,
    options: &Options,
    engine: Engine,
) -> Result<String> {
    let session = session(snapshot, [report], options)?;
    query::portable(&session, report, &given(report, options)?, engine)
}

/// The columns of the table that a report needs.
///
/// # Errors
///
/// [`Error::Query`] for a statement that the guard refuses.
pub fn columns(report: &Question) -> Result<HashSet<String>> {
    Ok(query::columns_read(report)?.into_iter().collect())
}

/// A view that statements read, with its columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its name.
    pub view: &'static str,
    /// Its columns, without those of the table itself.
    pub columns: Vec<ViewColumn>,
}

/// One column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewColumn {
    /// Its name.
    pub name: &'static str,
    /// Its type in SQL.
    #[serde(rename = "type")]
    pub ty: &'static str,
    /// What it holds.
    pub meaning: &'static str,
}

/// All views.
pub fn views() -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    for column in query::view_columns() {
        let query::ViewColumn { view, name, ty, meaning } = *column;
        if views.last().is_none_or(|last| last.view != view) {
            views.push(View { view, columns: Vec::new() });
        }
        if let Some(last) = views.last_mut() {
            last.columns.push(ViewColumn { name, ty, meaning });
        }
    }
    views
}

fn session<'a, 'r>(
    snapshot: &'a Snapshot,
    reports: impl IntoIterator<Item = &'r Question>,
    options: &Options,
) -> Result<Session<'a>> {
    let period = period(snapshot, options)?;
    let (noise, actors) = (options.noise, options.actors);
    let settings = Settings { noise, actors, filters: options.filters.clone() };
    let session = Session::new(snapshot, period, settings)?;
    let mut needs_fields = false;
    for report in reports {
        needs_fields |= query::reads(report, UNKNOWN_FIELDS)?;
    }
    if !needs_fields {
        return Ok(session);
    }
    let fields =
        data_dictionary::unknown(snapshot)?.fields.into_iter().map(|field| query::UnknownField {
            name: field.name,
            activity: field.activity,
            count: field.count,
            first_day: field.first_day,
            last_day: field.last_day,
            in_column: field.in_column,
        });
    Ok(session.with_unknown_fields(fields.collect()))
}

fn answer(session: &Session<'_>, report: &Question, options: &Options) -> Result<Report> {
    let Answer { grid, basis, remarks } = session::answer(session, report, options)?;
    let page = Page {
        grid: &grid,
        chart: report.chart.as_ref(),
        basis: Some(&basis),
        remarks: &remarks,
        time_zone: options.time_zone,
        width: options.width,
    };
    let bytes = render::render(&page, options.format)?;
    let failures = options.fail_on.iter();
    let failures = failures.filter_map(|on| on.failure(&basis.coverage, grid.rows.len()));
    let coverage = session.coverage();
    let incomplete = !coverage.is_complete() || coverage.days.is_empty();
    Ok(Report { bytes, incomplete, remarks, failures: failures.collect() })
}

fn period(snapshot: &Snapshot, options: &Options) -> Result<Period> {
    let extent = query::extent(snapshot)?;
    let zone = options.time_zone;
    let last = extent.and_then(|extent| query::local_day(extent.last_us, zone));
    let since = options.since.and_then(|when| when.as_first(last));
    let until = options.until.and_then(|when| when.as_last(last));
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
fn given(report: &query::Report, options: &Options) -> Result<BTreeMap<String, String>> {
    let mut given = options.set.clone();
    let own = report.params.iter().find(|param| param.name == TOP);
    let top = match (options.top, options.format) {
        (Some(0), _) => {
            return Err(Error::Usage("the first 0 rows are none; ask for 1 or more".to_owned()));
        }
        (Some(rows), _) => Some(rows.to_string()),
        (None, format) if format.is_for_people() => own.map(|param| param.default.clone()),
        (None, _) => own.map(|_| "all".to_owned()),
    };
    if let Some(top) = top.filter(|_| own.is_some()) {
        given.entry(TOP.to_owned()).or_insert(top);
    }
    Ok(given)
}

fn days(coverage: &Coverage) -> render::Days {
    let [complete, partial, cut, missing] =
        [Verdict::Complete, Verdict::Partial, Verdict::Cut, Verdict::Missing]
            .map(|verdict| coverage.count(verdict));
    let days = complete + partial + cut + missing;
    render::Days { days, complete, partial: partial + cut, missing, cut }
}

fn excluded(tally: &Tally, actors: Actors, keeps_noise: bool) -> Excluded {
    let [services, people] = match actors {
        Actors::People => [tally.services, 0],
        Actors::All => [0, 0],
        Actors::Services => [0, tally.people],
    };
    let noise = if keeps_noise { 0 } else { tally.noise };
    Excluded { noise, services, people, filtered: tally.filtered }
}

/// What people should know of the answer.
fn remarks(period: &Period, grid: &Grid, tally: &Tally, top: Option<&str>) -> Vec<String> {
    let mut remarks = Vec::new();
    let held = period.whole();
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
        assert_eq!("2026-03-01".parse::<When>().unwrap(), When::Day(day("2026-03-01")));
        let last = Some(day("2026-03-31"));
        let month = "30d".parse::<When>().unwrap();
        assert_eq!(month.as_first(last), Some(day("2026-03-02")));
        let [from, to] = ["14d", "7d"].map(|text| text.parse::<When>().unwrap());
        assert_eq!(from.as_first(last), Some(day("2026-03-18")));
        assert_eq!(to.as_last(last), Some(day("2026-03-24")));
        assert_eq!(month.as_first(None), None);
    }

    #[test]
    fn what_is_no_day_is_refused_with_an_example() {
        for text in ["", "yesterday", "2026-02-30", "0d", "-3d", "d", "01.03.2026", "99999999999d"]
        {
            let message = text.parse::<When>().unwrap_err().to_string();
            assert!(message.contains("2026-03-01, or 30d"), "{message}");
        }
    }

    fn options() -> Options {
        Options {
            since: None,
            until: None,
            time_zone: Tz::UTC,
            top: None,
            set: BTreeMap::new(),
            noise: NoiseLevel::Default,
            actors: None,
            filters: Filters::default(),
            format: Format::Table,
            width: 200,
            fail_on: Vec::new(),
        }
    }

    fn answered(options: &Options) -> Result<Report> {
        let reports = Reports::new(None).unwrap();
        run(&Snapshot::default(), reports.find("most-consumed-reports").unwrap(), options)
    }

    #[test]
    fn an_empty_archive_is_answered_with_no_rows_and_says_so() {
        let options = Options { since: Some(When::Back(30)), ..options() };
        let report = answered(&options).unwrap();
        let text = String::from_utf8(report.bytes).unwrap();
        let start = "Most consumed reports\n\nrank  report  workspace  views  viewers";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("\nThe archive holds no events.\nNo period, UTC."), "{text}");
        assert!(report.incomplete);
    }

    #[test]
    fn nonsense_is_refused_before_anything_is_read() {
        let [since, until] = ["2026-03-02", "2026-03-01"].map(|text| Some(When::Day(day(text))));
        let message = answered(&Options { since, until, ..options() }).unwrap_err().to_string();
        assert!(message.contains("the earlier day first"), "{message}");
        let zero = Options { top: Some(0), ..options() };
        assert!(answered(&zero).unwrap_err().to_string().contains("1 or more"));
        let set = BTreeMap::from([("tpo".to_owned(), "3".to_owned())]);
        let message = answered(&Options { set, ..options() }).unwrap_err().to_string();
        assert!(message.contains("no parameter \"tpo\""), "{message}");
    }

    #[test]
    fn what_is_to_be_told_by_the_exit_code_is_found() {
        let fail_on = ["rows:none", "rows:any", "coverage:incomplete", "coverage:missing"];
        let fail_on = fail_on.map(|text| text.parse().unwrap()).to_vec();
        let found = answered(&Options { fail_on, ..options() }).unwrap().failures;
        assert_eq!(found, ["there are no rows", "no day of the period is held"]);
        let days = render::Days { days: 31, complete: 28, partial: 2, missing: 1, cut: 1 };
        let told = |on: &str| on.parse::<FailOn>().unwrap().failure(&days, 7).unwrap();
        assert_eq!(told("coverage:missing"), "1 days are missing");
        assert_eq!(told("coverage:cut"), "1 days were cut");
        assert_eq!(told("coverage:partial"), "2 days are held in part");
        assert_eq!(told("coverage:incomplete"), "3 days are not complete");
        assert_eq!(told("rows:any"), "there are 7 rows");
        let message = "coverage".parse::<FailOn>().unwrap_err().to_string();
        assert!(message.contains("coverage:missing, "), "{message}");
    }

    #[test]
    fn the_list_names_every_report() {
        let reports = Reports::new(None).unwrap();
        let text = String::from_utf8(reports.list().unwrap()).unwrap();
        for report in reports.all() {
            assert!(text.contains(&format!("\"report\": \"{}\"", report.name)), "{text}");
        }
        assert!(text.contains("\"also\": \"most-consumed-reports\""), "{text}");
    }
}
