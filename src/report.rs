//! A report from its name to its bytes: the conductor of the reading side.
//!
//! Owns: the order of things - period, coverage, answer, page - and the sentences that say what an
//! answer lacks. Must not know flags or where the bytes go.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::grid::{Cell, Grid, Kind};
pub use crate::query::NoiseLevel;
use crate::query::{self, Actors, Coverage, Period, Request, Tally, Verdict};
pub use crate::render::Format;
use crate::render::{self, Basis, Excluded, Page};
use crate::store::Snapshot;
use crate::{Error, Result};

/// The parameter by which reports are cut to their first rows.
const TOP: &str = "top";

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

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The report's name or one of its other names.
    pub name: String,
    /// The first day; all there is where it is not given.
    pub since: Option<When>,
    /// The last day, included; all there is where it is not given.
    pub until: Option<When>,
    /// The zone of all days, hours and times shown.
    pub time_zone: Tz,
    /// How many rows; where it is not given, the report's own number in a format for people and
    /// all rows in the others.
    pub top: Option<u32>,
    /// Which reads through the API are left out.
    pub noise: NoiseLevel,
    /// The form of the answer.
    pub format: Format,
    /// How many columns of characters a line of a table may take.
    pub width: usize,
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
}

/// Answers a report.
///
/// # Errors
///
/// [`Error::Usage`] for a name, a day or a number that makes no sense; [`Error::Query`] if a file
/// of the store cannot be read.
pub fn run(snapshot: &Snapshot, options: &Options) -> Result<Report> {
    let report = query::report(&options.name)?;
    let period = period(snapshot, options)?;
    let coverage = query::coverage(snapshot, &period)?;
    let (noise, log) = (options.noise, report.log);
    let request = Request { snapshot, period: &period, coverage: &coverage, noise, log };
    let tally = query::tally(&request)?;
    let top = top(&report, options)?;
    let given = top.iter().map(|top| (TOP.to_owned(), top.clone())).collect::<BTreeMap<_, _>>();
    let grid = query::answer(&request, &report, &given)?;

    let basis = Basis {
        report: report.name.to_owned(),
        title: report.title.clone(),
        since: period.first_day(),
        until: period.last_day(),
        coverage: days(&coverage),
        excluded: excluded(&tally, report.actors),
    };
    let remarks = remarks(snapshot, options, &period, &grid, &tally, top.as_deref())?;
    let page = Page {
        grid: &grid,
        chart: report.chart.as_ref(),
        basis: Some(&basis),
        remarks: &remarks,
        time_zone: options.time_zone,
        width: options.width,
    };
    let bytes = render::render(&page, options.format)?;
    let incomplete = !coverage.is_complete() || coverage.days.is_empty();
    Ok(Report { bytes, incomplete, remarks })
}

/// The columns of the table that a report needs.
///
/// # Errors
///
/// [`Error::Usage`] for a name that no report has.
pub fn columns(name: &str) -> Result<HashSet<String>> {
    Ok(query::columns_read(&query::report(name)?)?.into_iter().collect())
}

/// All reports, with their other names and what they answer.
///
/// # Errors
///
/// [`Error::Internal`] only.
pub fn list(format: Format, width: usize) -> Result<Vec<u8>> {
    let columns = ["report", "also", "title", "question"];
    let mut grid = Grid::new(columns.map(|name| (name, Kind::Text)));
    for report in query::reports()? {
        let also = report.aliases.join(", ");
        let cells = [report.name.to_owned(), also, report.title, report.question];
        grid.rows.push(cells.map(Cell::Text).into());
    }
    let time_zone = Tz::UTC;
    let page = Page { grid: &grid, chart: None, basis: None, remarks: &[], time_zone, width };
    render::render(&page, format)
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

/// The number of rows to ask for: the one given; else, for people, the report's own.
fn top(report: &query::Report, options: &Options) -> Result<Option<String>> {
    let own = report.params.iter().find(|param| param.name == TOP);
    match (options.top, options.format) {
        (Some(0), _) => {
            Err(Error::Usage("the first 0 rows are none; ask for 1 or more".to_owned()))
        }
        (Some(rows), _) => Ok(Some(rows.to_string())),
        (None, format) if format.is_for_people() => Ok(own.map(|param| param.default.to_owned())),
        (None, _) => Ok(own.map(|_| "all".to_owned())),
    }
}

fn days(coverage: &Coverage) -> render::Days {
    let [complete, partial, cut, missing] =
        [Verdict::Complete, Verdict::Partial, Verdict::Cut, Verdict::Missing]
            .map(|verdict| coverage.count(verdict));
    let days = complete + partial + cut + missing;
    render::Days { days, complete, partial: partial + cut, missing, cut }
}

fn excluded(tally: &Tally, actors: Actors) -> Excluded {
    let services = match actors {
        Actors::People => tally.services,
        Actors::All => 0,
    };
    Excluded { noise: tally.noise, services }
}

/// What people should know of the answer.
fn remarks(
    snapshot: &Snapshot,
    options: &Options,
    period: &Period,
    grid: &Grid,
    tally: &Tally,
    top: Option<&str>,
) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    let held = Period::new(options.time_zone, None, None, query::extent(snapshot)?);
    let Some((first, last)) = held.first_day().zip(held.last_day()) else {
        return Ok(vec!["The archive holds no events.".to_owned()]);
    };
    if grid.rows.is_empty() && tally.events == 0 {
        remarks.push("There are no events in the period.".to_owned());
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
    Ok(remarks)
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

    #[test]
    fn an_empty_archive_is_answered_with_no_rows_and_says_so() {
        let options = Options {
            name: "most-consumed-reports".into(),
            since: Some(When::Back(30)),
            until: None,
            time_zone: Tz::UTC,
            top: None,
            noise: NoiseLevel::Default,
            format: Format::Table,
            width: 200,
        };
        let report = run(&Snapshot::default(), &options).unwrap();
        let text = String::from_utf8(report.bytes).unwrap();
        let start = "Most consumed reports\n\nrank  report  workspace  views  viewers";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("\nThe archive holds no events.\nNo period, UTC."), "{text}");
        assert!(report.incomplete);
    }

    #[test]
    fn nonsense_is_refused_before_anything_is_read() {
        let options = Options {
            name: "top-reports".into(),
            since: Some(When::Day(day("2026-03-02"))),
            until: Some(When::Day(day("2026-03-01"))),
            time_zone: Tz::UTC,
            top: None,
            noise: NoiseLevel::Default,
            format: Format::Json,
            width: 80,
        };
        let message = run(&Snapshot::default(), &options).unwrap_err().to_string();
        assert!(message.contains("the earlier day first"), "{message}");
        let zero = Options { since: None, top: Some(0), ..options };
        assert!(run(&Snapshot::default(), &zero).unwrap_err().to_string().contains("1 or more"));
    }

    #[test]
    fn the_list_names_every_report() {
        let text = String::from_utf8(list(Format::Table, 200).unwrap()).unwrap();
        assert!(
            text.contains("top-reports  most-consumed-reports  Most consumed reports"),
            "{text}"
        );
    }
}
