//! Determines the status of each UTC day from its sources and from the downloads that the log
//! records.
//!
//! The first rule that applies decides:
//!
//! 1. *missing*: no event of the day is stored.
//! 2. *truncated*: a source of the day is damaged, ends at a row limit of Microsoft's tools, or
//!    contains fewer records than its search found. This rule does not apply if an intact source
//!    contains as many events of the day.
//! 3. *partial*: the downloads recorded in the log leave a gap in the day, or every source was
//!    written before the end of the day. A gap does not count if the day has sources that those
//!    downloads do not cover: sources of different kinds, or an export of the audit search. Nor
//!    does it count if a source of the next day, which records the downloads, is truncated.
//! 4. *complete*: no other rule applies.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate};

use crate::schema::source_log::SourceFacts;
use crate::source_warnings::{
    file_name, is_audit_search, is_truncated, is_written_before, row_limit,
};

use crate::query::coverage::period::{next_day, utc_day_start};

/// Status of a day; a better status is less than a worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayStatus {
    /// All events are stored, as far as is known.
    Complete,
    /// Some events are stored.
    Partial,
    /// Some events are stored, because a source is damaged or ends at a row limit.
    Truncated,
    /// No events are stored.
    Missing,
}

impl DayStatus {
    /// Returns the name in reports.
    pub fn name(self) -> &'static str {
        match self {
            DayStatus::Complete => "complete",
            DayStatus::Partial => "partial",
            DayStatus::Truncated => "truncated",
            DayStatus::Missing => "missing",
        }
    }
}

/// Coverage of a UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCoverage {
    /// Date of the day.
    pub date: NaiveDate,
    /// Status of the day.
    pub status: DayStatus,
    /// Reason of the status.
    pub reason: String,
}

/// Coverage of the UTC days of a period, within the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Days in order, without gaps.
    pub days: Vec<DayCoverage>,
}

impl Coverage {
    /// Returns the number of days with a status.
    pub fn count(&self, status: DayStatus) -> u64 {
        self.days.iter().filter(|day| day.status == status).map(|_| 1).sum()
    }

    /// Returns true if every day is complete.
    pub fn is_complete(&self) -> bool {
        self.days.iter().all(|day| day.status == DayStatus::Complete)
    }
}

/// Gap between windows that is ignored: many windows end at :59 seconds.
const WINDOW_SLACK_US: i64 = 1_000_000;

/// Returns the coverage of each day.
///
/// `windows` are the downloaded windows in microseconds since 1970; `stored` are the days with a
/// stored event.
pub fn assess(
    days: &[NaiveDate],
    sources: &[SourceFacts],
    windows: &[(i64, i64)],
    stored: &BTreeSet<NaiveDate>,
) -> Coverage {
    let mut by_day: BTreeMap<&str, Vec<(&SourceFacts, u64)>> = BTreeMap::new();
    for source in sources {
        for (day, events) in source.days.iter().filter(|(_, events)| **events > 0) {
            by_day.entry(day).or_default().push((source, *events));
        }
    }
    let sources_of =
        |date: NaiveDate| by_day.get(date.to_string().as_str()).map_or(&[][..], Vec::as_slice);
    let assess_day = |date: &NaiveDate| {
        let of_day = sources_of(*date);
        // The download of a day is recorded on the day of the download, usually the next day. If
        // that day is truncated, the record may be lost.
        let is_recorded =
            !sources_of(next_day(*date)).iter().any(|(source, _)| is_incomplete(source));
        let gap = || uncovered_window(*date, windows, of_day).filter(|_| is_recorded);
        let (status, reason) = if !stored.contains(date) {
            (DayStatus::Missing, "no event of the day is stored".to_owned())
        } else if let Some(reason) = truncation_reason(of_day) {
            (DayStatus::Truncated, reason)
        } else if let Some(reason) = gap().or_else(|| downloaded_too_early(*date, of_day)) {
            (DayStatus::Partial, reason)
        } else {
            (DayStatus::Complete, "no gaps found".to_owned())
        };
        DayCoverage { date: *date, status, reason }
    };
    Coverage { days: days.iter().map(assess_day).collect() }
}

/// Returns true if a source is damaged, ends at a row limit, or contains fewer records than its
/// search found.
fn is_incomplete(source: &SourceFacts) -> bool {
    source.damaged || is_truncated(source)
}

/// Returns the reason why a day is truncated: an incomplete source, if no intact source contains as
/// many events of the day.
fn truncation_reason(of_day: &[(&SourceFacts, u64)]) -> Option<String> {
    let intact =
        of_day.iter().filter(|(source, _)| !is_incomplete(source)).map(|(_, events)| *events).max();
    let (source, _) = of_day.iter().find(|(source, events)| {
        is_incomplete(source) && intact.is_none_or(|intact| intact < *events)
    })?;
    let name = file_name(source);
    Some(match row_limit(source) {
        _ if source.damaged => format!("{name} is damaged"),
        Some(rows) => format!("{name} ends at exactly {rows} records"),
        None => format!("{name} contains fewer records than its search found"),
    })
}

/// Returns a gap that the recorded downloads leave in the day. Returns `None` if there are no
/// recorded downloads of the day or if it has sources that they do not cover.
fn uncovered_window(
    date: NaiveDate,
    windows: &[(i64, i64)],
    of_day: &[(&SourceFacts, u64)],
) -> Option<String> {
    let (start, end) = (utc_day_start(date), utc_day_start(next_day(date)));
    let mut downloaded = windows.iter().filter(|(from, to)| *from < end && *to > start).peekable();
    downloaded.peek()?;
    let kinds: BTreeSet<&str> = of_day.iter().map(|(source, _)| source.kind.as_str()).collect();
    if kinds.len() > 1 || kinds.iter().any(|kind| is_audit_search(kind)) {
        return None;
    }
    let mut covered_to = start;
    for (from, to) in downloaded {
        if *from > covered_to + WINDOW_SLACK_US {
            return Some(describe_uncovered(covered_to, *from));
        }
        covered_to = covered_to.max(*to);
    }
    (covered_to + WINDOW_SLACK_US < end).then(|| describe_uncovered(covered_to, end))
}

fn describe_uncovered(from_us: i64, to_us: i64) -> String {
    let time =
        |us: i64| DateTime::from_timestamp_micros(us).map(|t| t.format("%H:%M:%S").to_string());
    let (from, to) = (time(from_us).unwrap_or_default(), time(to_us).unwrap_or_default());
    let to = if to == "00:00:00" { "24:00:00" } else { &to };
    format!("the downloads recorded in the log do not cover {from} to {to} (UTC)")
}

/// Returns the reason why a day is partial: every source was written before the end of the day.
fn downloaded_too_early(date: NaiveDate, of_day: &[(&SourceFacts, u64)]) -> Option<String> {
    let end = utc_day_start(next_day(date));
    let (first, _) = of_day.first()?;
    let all_early = of_day.iter().all(|(source, _)| is_written_before(source, end));
    all_early.then(|| format!("{} was written before the end of the day", file_name(first)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::source_log::RecordCounts;

    const DAY: &str = "2026-03-01";

    fn us(text: &str) -> i64 {
        text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros()
    }

    fn source(path: &str, kind: &str, events: u64) -> SourceFacts {
        SourceFacts {
            path: path.into(),
            kind: kind.into(),
            records: RecordCounts { read: events, ..Default::default() },
            days: BTreeMap::from([(DAY.to_owned(), events)]),
            period_us: Some((us("2026-03-01T00:10:00Z"), us("2026-03-01T23:50:00Z"))),
            ..Default::default()
        }
    }

    fn status(sources: &[SourceFacts], windows: &[(&str, &str)]) -> (DayStatus, String) {
        let date: NaiveDate = DAY.parse().unwrap();
        let windows: Vec<_> = windows.iter().map(|(from, to)| (us(from), us(to))).collect();
        let stored = BTreeSet::from([date]);
        let day = assess(&[date], sources, &windows, &stored).days.remove(0);
        (day.status, day.reason)
    }

    #[test]
    fn day_without_events_is_missing_and_day_without_problems_is_complete() {
        let date: NaiveDate = DAY.parse().unwrap();
        let coverage = assess(&[date], &[], &[], &BTreeSet::new());
        assert_eq!(coverage.days[0].status, DayStatus::Missing);
        assert_eq!((coverage.count(DayStatus::Missing), coverage.is_complete()), (1, false));
        assert_eq!(status(&[source("a.json", "array", 7)], &[]).0, DayStatus::Complete);
        assert_eq!(status(&[], &[]).0, DayStatus::Complete, "written by another program");
    }

    #[test]
    fn damaged_source_truncates_the_day_unless_an_intact_source_has_as_many_events() {
        let broken = SourceFacts { damaged: true, ..source("files/a.json", "rest", 500) };
        let (truncated, reason) = status(std::slice::from_ref(&broken), &[]);
        assert_eq!((truncated, reason.as_str()), (DayStatus::Truncated, "a.json is damaged"));
        let less = source("b.json", "rest", 499);
        assert_eq!(status(&[broken.clone(), less], &[]).0, DayStatus::Truncated);
        let more = source("b.json", "rest", 800);
        assert_eq!(status(&[broken, more], &[]).0, DayStatus::Complete);
    }

    #[test]
    fn row_limits_truncate_audit_exports_but_not_pages_of_the_log() {
        let (truncated, reason) = status(&[source("audit.csv", "csv", 5_000)], &[]);
        assert_eq!(
            (truncated, reason.as_str()),
            (DayStatus::Truncated, "audit.csv ends at exactly 5000 records")
        );
        assert_eq!(status(&[source("p.json", "rest", 5_000)], &[]).0, DayStatus::Complete);
        assert_eq!(status(&[source("p.json", "array", 1_000)], &[]).0, DayStatus::Complete);
        assert_eq!(status(&[source("p.json", "array", 50_000)], &[]).0, DayStatus::Truncated);
        assert_eq!(status(&[source("audit.csv", "csv", 4_999)], &[]).0, DayStatus::Complete);
    }

    #[test]
    fn recorded_downloads_are_ignored_if_the_next_day_is_truncated() {
        let half = [("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z")];
        let day = source("a.json", "array", 7);
        let after = SourceFacts {
            days: BTreeMap::from([("2026-03-02".to_owned(), 7)]),
            ..source("b.json", "array", 7)
        };
        assert_eq!(status(&[day.clone(), after.clone()], &half).0, DayStatus::Partial);
        let broken = SourceFacts { damaged: true, ..after };
        assert_eq!(status(&[day, broken], &half).0, DayStatus::Complete);
    }

    #[test]
    fn gap_between_recorded_downloads_makes_the_day_partial() {
        let events = [source("a.json", "array", 7)];
        let morning = ("2026-03-01T00:00:00Z", "2026-03-01T11:59:59Z");
        let evening = ("2026-03-01T12:00:00Z", "2026-03-01T23:59:59.999Z");
        assert_eq!(status(&events, &[morning, evening]).0, DayStatus::Complete);
        let (partial, reason) = status(&events, &[morning]);
        let gap = "the downloads recorded in the log do not cover 11:59:59 to 24:00:00 (UTC)";
        assert_eq!((partial, reason.as_str()), (DayStatus::Partial, gap));
        let (partial, reason) = status(&events, &[evening]);
        let gap = "the downloads recorded in the log do not cover 00:00:00 to 12:00:00 (UTC)";
        assert_eq!((partial, reason.as_str()), (DayStatus::Partial, gap));
        let next = ("2026-03-02T00:00:00Z", "2026-03-02T00:59:59Z");
        assert_eq!(status(&events, &[next]).0, DayStatus::Complete, "a window of another day");
        let both = [source("a.json", "array", 7), source("b.csv", "csv", 7)];
        assert_eq!(status(&both, &[morning]).0, DayStatus::Complete, "another kind of source");
    }

    #[test]
    fn source_written_on_the_same_day_makes_it_partial() {
        let named = |name: &str| status(&[source(name, "array", 7)], &[]).0;
        assert_eq!(named("PBIActivityEvents-20260301-202603011800.json"), DayStatus::Partial);
        assert_eq!(named("PBIActivityEvents-20260301-202603020415.json"), DayStatus::Complete);
        assert_eq!(named("x/20260301T180000.json"), DayStatus::Partial);
        assert_eq!(
            named("202603011800/20260301.json"),
            DayStatus::Complete,
            "times in names of folders do not count"
        );
        let modified_at = |modified: &str| {
            let modified_us = Some(us(modified));
            status(&[SourceFacts { modified_us, ..source("20260301.json", "array", 7) }], &[]).0
        };
        assert_eq!(modified_at("2026-03-01T18:00:00Z"), DayStatus::Partial);
        assert_eq!(modified_at("2026-03-02T00:00:00Z"), DayStatus::Complete);
        let again = [
            source("PBIActivityEvents-20260301-202603011800.json", "array", 7),
            source("PBIActivityEvents-20260301-202603030415.json", "array", 9),
        ];
        assert_eq!(status(&again, &[]).0, DayStatus::Complete, "one source was written later");
    }

    #[test]
    fn modification_time_determines_the_time_zone_of_the_file_name() {
        let name = "PBIActivityEvents-20260301-202603011730.json";
        let at = |modified: &str| {
            let modified_us = Some(us(modified));
            status(&[SourceFacts { modified_us, ..source(name, "array", 7) }], &[]).0
        };
        assert_eq!(at("2026-03-02T01:30:00Z"), DayStatus::Complete, "written in California");
        assert_eq!(at("2026-03-01T16:30:00Z"), DayStatus::Partial, "written in Zurich");
        assert_eq!(at("2026-11-21T00:00:00Z"), DayStatus::Partial, "copied months later");
    }
}
