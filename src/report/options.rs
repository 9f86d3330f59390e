//! Options of a report: period, filters, format, and conditions for the exit code.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{DayBound, PeriodBounds, Staleness};
use crate::query::{Actors, Filters, NoiseFilter, RowSelection};
use crate::render::{CoverageCounts, Mark, OutputFormat};
use crate::{Error, Result};

/// Options of a report, for any report.
#[derive(Debug, Clone)]
pub struct Options {
    /// First day of the period; `None` starts at the first event.
    pub since: Option<DayBound>,
    /// Last day of the period, inclusive; `None` ends at the last event, or at the last whole day
    /// if `since` counts from there.
    pub until: Option<DayBound>,
    /// Time zone of all days, hours and times in the output.
    pub time_zone: Tz,
    /// Maximum number of rows. `None` means the report's own number in a text table, and all rows
    /// in other formats.
    pub top: Option<u32>,
    /// Earlier days to compare the rows with.
    pub compare: Option<EarlierPeriod>,
    /// Days to mark in charts over time.
    pub marks: Vec<Mark>,
    /// True to show the one item that the filters name in full, as several tables.
    pub details: bool,
    /// Rows and columns of the result to return.
    pub selection: RowSelection,
    /// True to return all rows in a text table too if `top` is `None`, as for a file.
    pub all_rows: bool,
    /// Values of the report's parameters.
    pub params: BTreeMap<String, String>,
    /// Automated API activity to exclude.
    pub noise: NoiseFilter,
    /// Actors whose events count; `None` means those that the report counts by default.
    pub actors: Option<Actors>,
    /// Workspaces, reports, people and activities to include.
    pub filters: Filters,
    /// Day as of which the inventory is read; `None` means its newest snapshots.
    pub as_of: Option<NaiveDate>,
    /// Format of the output.
    pub format: OutputFormat,
    /// Maximum width of a table line, in character columns.
    pub width: usize,
    /// Conditions that make the command exit with code 3.
    pub fail_on: Vec<FailCondition>,
    /// The current time. Days that the period names are missing up to yesterday only.
    pub now: DateTime<Utc>,
}

impl Default for Options {
    /// Returns the options for all events, days in UTC, and a text table for a wide terminal.
    fn default() -> Self {
        Options {
            since: None,
            until: None,
            time_zone: Tz::UTC,
            top: None,
            compare: None,
            marks: Vec::new(),
            details: false,
            selection: RowSelection::default(),
            all_rows: false,
            params: BTreeMap::new(),
            noise: NoiseFilter::default(),
            actors: None,
            filters: Filters::default(),
            as_of: None,
            format: OutputFormat::default(),
            width: 200,
            fail_on: Vec::new(),
            now: Utc::now(),
        }
    }
}

/// Period to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlierPeriod {
    /// Days right before the period, as many as it has.
    Previous,
    /// These days.
    Days(PeriodBounds),
    /// The days of the period before the only marked day.
    BeforeMark,
}

impl FromStr for EarlierPeriod {
    type Err = Error;

    /// Parses `previous`, `mark` or a period.
    fn from_str(text: &str) -> Result<EarlierPeriod> {
        if text.eq_ignore_ascii_case("previous") {
            return Ok(EarlierPeriod::Previous);
        }
        if text.eq_ignore_ascii_case("mark") {
            return Ok(EarlierPeriod::BeforeMark);
        }
        text.parse().map(EarlierPeriod::Days)
    }
}

/// Condition that makes a report exit with code 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailCondition {
    /// A day of the period is missing.
    Missing,
    /// A day is truncated.
    Truncated,
    /// A day is partial or truncated.
    Partial,
    /// A day is not complete, for any reason, or the period has no data.
    Incomplete,
    /// The newest event of the log is older than a number of days, or the log has no events.
    Stale(Staleness),
    /// The report has rows.
    AnyRows,
    /// The report has no rows.
    NoRows,
}

impl FailCondition {
    /// All conditions with their names.
    const NAMES: [(&str, FailCondition); 6] = [
        ("coverage:missing", FailCondition::Missing),
        ("coverage:truncated", FailCondition::Truncated),
        ("coverage:partial", FailCondition::Partial),
        ("coverage:incomplete", FailCondition::Incomplete),
        ("rows:any", FailCondition::AnyRows),
        ("rows:none", FailCondition::NoRows),
    ];

    /// Returns a message if the condition holds for a report with `rows` rows, on a log whose
    /// newest event is `age` old.
    pub(super) fn check(
        self,
        days: &CoverageCounts,
        rows: usize,
        age: Option<TimeDelta>,
    ) -> Option<String> {
        match self {
            FailCondition::Stale(limit) => limit.check(age),
            FailCondition::Missing => days_message(days.missing, "missing"),
            FailCondition::Truncated => days_message(days.truncated, "truncated"),
            FailCondition::Partial => {
                days_message(days.partial + days.truncated, "partial or truncated")
            }
            FailCondition::Incomplete if days.days == 0 => {
                Some("there is no data for this period".to_owned())
            }
            FailCondition::Incomplete => days_message(days.days - days.complete, "not complete"),
            FailCondition::AnyRows => match rows {
                0 => None,
                1 => Some("the report has 1 row".to_owned()),
                rows => Some(format!("the report has {rows} rows")),
            },
            FailCondition::NoRows => (rows == 0).then(|| "the report has no rows".to_owned()),
        }
    }
}

fn days_message(days: u64, status: &str) -> Option<String> {
    match days {
        0 => None,
        1 => Some(format!("1 day is {status}")),
        days => Some(format!("{days} days are {status}")),
    }
}

impl FromStr for FailCondition {
    type Err = Error;

    fn from_str(text: &str) -> Result<FailCondition> {
        if let Some(limit) = Staleness::parse(text) {
            return Ok(FailCondition::Stale(limit));
        }
        let found = FailCondition::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, condition)| *condition).ok_or_else(|| {
            let names = FailCondition::NAMES.map(|(name, _)| name).join(", ");
            Error::Usage(format!(
                "unknown condition {text:?}; use one of {names}, or {}",
                Staleness::EXAMPLE
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_periods_are_parsed() {
        assert_eq!("Previous".parse::<EarlierPeriod>().unwrap(), EarlierPeriod::Previous);
        assert_eq!("mark".parse::<EarlierPeriod>().unwrap(), EarlierPeriod::BeforeMark);
        assert!(matches!("2026-Q1".parse(), Ok(EarlierPeriod::Days(_))));
        assert!("soon".parse::<EarlierPeriod>().is_err());
    }

    #[test]
    fn conditions_report_counts_in_singular_and_plural() {
        let days = CoverageCounts { days: 31, complete: 28, partial: 1, missing: 1, truncated: 1 };
        let message =
            |text: &str| text.parse::<FailCondition>().unwrap().check(&days, 7, None).unwrap();
        assert_eq!(message("coverage:missing"), "1 day is missing");
        assert_eq!(message("coverage:truncated"), "1 day is truncated");
        assert_eq!(message("coverage:partial"), "2 days are partial or truncated");
        assert_eq!(message("coverage:incomplete"), "3 days are not complete");
        assert_eq!(message("rows:any"), "the report has 7 rows");
        assert_eq!(FailCondition::AnyRows.check(&days, 1, None).unwrap(), "the report has 1 row");
        let stale = "stale:2d".parse::<FailCondition>().unwrap();
        let old = stale.check(&days, 7, Some(TimeDelta::days(242))).unwrap();
        assert!(old.starts_with("the newest event is 242 days old"), "{old}");
        assert_eq!(stale.check(&days, 0, None).as_deref(), Some("the log has no events"));
        assert!("stale:soon".parse::<FailCondition>().is_err());
        let message = "coverage".parse::<FailCondition>().unwrap_err().to_string();
        assert!(message.contains("coverage:missing, "), "{message}");
    }
}
