//! How completely each UTC day is held, and which rule says so.
//!
//! Owns: the verdicts. A day is judged by what is remembered of its sources and by the windows that
//! the log itself recorded whenever somebody pulled it; what speaks against one source is a matter
//! of [`crate::source_warnings`]. Must not know time zones, the engine, or how sources are read.
//!
//! The rules, the first that applies:
//!
//! 1. *missing*: no event of the day is stored;
//! 2. *cut*: a source of the day breaks off, ends at a row limit of Microsoft's tools or holds less
//!    than its search found, and no whole source holds as many events of that day;
//! 3. *partial*: the pulls recorded in the log leave a part of the day open, and it is not held by
//!    sources of different kinds or by an export of the audit search, which those pulls say nothing
//!    about, and no source of the day after, where pulls are recorded, breaks off;
//!    or every source of the day was written before the day was over;
//! 4. *complete*: none of these.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate};

use crate::schema::source_log::SourceFacts;
use crate::source_warnings::{
    file_name, is_audit_search, is_truncated, is_written_before, row_limit,
};

use crate::query::coverage::period::{next_day, utc_day_start};

/// How completely a day is held; the better one is the lesser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayStatus {
    /// In full, as far as can be told.
    Complete,
    /// In part.
    Partial,
    /// In part, because a source broke off or stopped at a row limit.
    Truncated,
    /// Not at all.
    Missing,
}

impl DayStatus {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            DayStatus::Complete => "complete",
            DayStatus::Partial => "partial",
            DayStatus::Truncated => "truncated",
            DayStatus::Missing => "missing",
        }
    }
}

/// One UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCoverage {
    /// Which.
    pub date: NaiveDate,
    /// How completely it is held.
    pub status: DayStatus,
    /// The rule that decided, in words.
    pub reason: String,
}

/// The days of a period, as far as the archive reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// In order, without gaps.
    pub days: Vec<DayCoverage>,
}

impl Coverage {
    /// How many days have that verdict.
    pub fn count(&self, verdict: DayStatus) -> u64 {
        self.days.iter().filter(|day| day.status == verdict).map(|_| 1).sum()
    }

    /// Whether every day is complete.
    pub fn is_complete(&self) -> bool {
        self.days.iter().all(|day| day.status == DayStatus::Complete)
    }
}

/// Windows end at :59 seconds as often as at the full hour.
const WINDOW_SLACK_US: i64 = 1_000_000;
/// Judges each day by its sources and the windows pulled (in microseconds since 1970), `stored`
/// being the days on which an event is stored.
pub fn assess(
    days: &[NaiveDate],
    sources: &[SourceFacts],
    windows: &[(i64, i64)],
    stored: &BTreeSet<NaiveDate>,
) -> Coverage {
    let mut held: BTreeMap<&str, Vec<(&SourceFacts, u64)>> = BTreeMap::new();
    for source in sources {
        for (day, events) in source.days.iter().filter(|(_, events)| **events > 0) {
            held.entry(day).or_default().push((source, *events));
        }
    }
    let of = |date: NaiveDate| held.get(date.to_string().as_str()).map_or(&[][..], Vec::as_slice);
    let judge = |date: &NaiveDate| {
        let of_day = of(*date);
        // A day is pulled on one of the days after it, mostly on the next, and it is there that the
        // pull is recorded: where that day breaks off, a record of it may be what is lost.
        let is_recorded = !of(next_day(*date)).iter().any(|(source, _)| is_incomplete(source));
        let open = || uncovered_window(*date, windows, of_day).filter(|_| is_recorded);
        let (verdict, rule) = if !stored.contains(date) {
            (DayStatus::Missing, "no event of the day is stored".to_owned())
        } else if let Some(rule) = truncation_reason(of_day) {
            (DayStatus::Truncated, rule)
        } else if let Some(rule) = open().or_else(|| pulled_too_early(*date, of_day)) {
            (DayStatus::Partial, rule)
        } else {
            (DayStatus::Complete, "nothing speaks against it".to_owned())
        };
        DayCoverage { date: *date, status: verdict, reason: rule }
    };
    Coverage { days: days.iter().map(judge).collect() }
}

/// Whether a source breaks off, stops at a limit or holds less than its search found.
fn is_incomplete(source: &SourceFacts) -> bool {
    source.damaged || is_truncated(source)
}

/// A source that breaks off or stops at a limit, if no whole one holds as much of the day.
fn truncation_reason(of_day: &[(&SourceFacts, u64)]) -> Option<String> {
    let whole =
        of_day.iter().filter(|(source, _)| !is_incomplete(source)).map(|(_, events)| *events).max();
    let (source, _) = of_day.iter().find(|(source, events)| {
        is_incomplete(source) && whole.is_none_or(|whole| whole < *events)
    })?;
    let name = file_name(source);
    Some(match row_limit(source) {
        _ if source.damaged => format!("{name} is damaged"),
        Some(rows) => format!("{name} ends at exactly {rows} records"),
        None => format!("{name} holds less than its search found"),
    })
}

/// What the pulls recorded in the log leave open of the day, if they are all there is to go by.
fn uncovered_window(
    date: NaiveDate,
    windows: &[(i64, i64)],
    of_day: &[(&SourceFacts, u64)],
) -> Option<String> {
    let (start, end) = (utc_day_start(date), utc_day_start(next_day(date)));
    let mut pulled = windows.iter().filter(|(from, to)| *from < end && *to > start).peekable();
    pulled.peek()?;
    let kinds: BTreeSet<&str> = of_day.iter().map(|(source, _)| source.kind.as_str()).collect();
    if kinds.len() > 1 || kinds.iter().any(|kind| is_audit_search(kind)) {
        return None;
    }
    let mut reached = start;
    for (from, to) in pulled {
        if *from > reached + WINDOW_SLACK_US {
            return Some(describe_uncovered(reached, *from));
        }
        reached = reached.max(*to);
    }
    (reached + WINDOW_SLACK_US < end).then(|| describe_uncovered(reached, end))
}

fn describe_uncovered(from_us: i64, to_us: i64) -> String {
    let time =
        |us: i64| DateTime::from_timestamp_micros(us).map(|t| t.format("%H:%M:%S").to_string());
    let (from, to) = (time(from_us).unwrap_or_default(), time(to_us).unwrap_or_default());
    let to = if to == "00:00:00" { "24:00:00" } else { &to };
    format!("the pulls recorded in the log leave {from} to {to} open")
}

/// The day's sources, if every one of them was written before the day was over.
fn pulled_too_early(date: NaiveDate, of_day: &[(&SourceFacts, u64)]) -> Option<String> {
    let end = utc_day_start(next_day(date));
    let (first, _) = of_day.first()?;
    let all_early = of_day.iter().all(|(source, _)| is_written_before(source, end));
    all_early.then(|| format!("{} was written before the day was over", file_name(first)))
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

    fn verdict(sources: &[SourceFacts], windows: &[(&str, &str)]) -> (DayStatus, String) {
        let date: NaiveDate = DAY.parse().unwrap();
        let windows: Vec<_> = windows.iter().map(|(from, to)| (us(from), us(to))).collect();
        let stored = BTreeSet::from([date]);
        let day = assess(&[date], sources, &windows, &stored).days.remove(0);
        (day.status, day.reason)
    }

    #[test]
    fn a_day_without_events_is_missing_and_one_without_trouble_is_complete() {
        let date: NaiveDate = DAY.parse().unwrap();
        let coverage = assess(&[date], &[], &[], &BTreeSet::new());
        assert_eq!(coverage.days[0].status, DayStatus::Missing);
        assert_eq!((coverage.count(DayStatus::Missing), coverage.is_complete()), (1, false));
        assert_eq!(verdict(&[source("a.json", "array", 7)], &[]).0, DayStatus::Complete);
        assert_eq!(verdict(&[], &[]).0, DayStatus::Complete, "added by another program");
    }

    #[test]
    fn a_damaged_source_cuts_the_day_unless_a_whole_one_holds_as_much() {
        let broken = SourceFacts { damaged: true, ..source("dump/a.json", "rest", 500) };
        let (cut, rule) = verdict(std::slice::from_ref(&broken), &[]);
        assert_eq!((cut, rule.as_str()), (DayStatus::Truncated, "a.json is damaged"));
        let less = source("b.json", "rest", 499);
        assert_eq!(verdict(&[broken.clone(), less], &[]).0, DayStatus::Truncated);
        let more = source("b.json", "rest", 800);
        assert_eq!(verdict(&[broken, more], &[]).0, DayStatus::Complete);
    }

    #[test]
    fn row_limits_cut_exports_of_the_audit_search_but_not_pages_of_the_log() {
        let (cut, rule) = verdict(&[source("audit.csv", "csv", 5_000)], &[]);
        assert_eq!(
            (cut, rule.as_str()),
            (DayStatus::Truncated, "audit.csv ends at exactly 5000 records")
        );
        assert_eq!(verdict(&[source("p.json", "rest", 5_000)], &[]).0, DayStatus::Complete);
        assert_eq!(verdict(&[source("p.json", "array", 1_000)], &[]).0, DayStatus::Complete);
        assert_eq!(verdict(&[source("p.json", "array", 50_000)], &[]).0, DayStatus::Truncated);
        assert_eq!(verdict(&[source("audit.csv", "csv", 4_999)], &[]).0, DayStatus::Complete);
    }

    #[test]
    fn pulls_say_nothing_where_the_day_that_records_them_breaks_off() {
        let half = [("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z")];
        let day = source("a.json", "array", 7);
        let after = SourceFacts {
            days: BTreeMap::from([("2026-03-02".to_owned(), 7)]),
            ..source("b.json", "array", 7)
        };
        assert_eq!(verdict(&[day.clone(), after.clone()], &half).0, DayStatus::Partial);
        let broken = SourceFacts { damaged: true, ..after };
        assert_eq!(verdict(&[day, broken], &half).0, DayStatus::Complete);
    }

    #[test]
    fn pulls_that_leave_a_part_of_the_day_open_make_it_partial() {
        let events = [source("a.json", "array", 7)];
        let morning = ("2026-03-01T00:00:00Z", "2026-03-01T11:59:59Z");
        let evening = ("2026-03-01T12:00:00Z", "2026-03-01T23:59:59.999Z");
        assert_eq!(verdict(&events, &[morning, evening]).0, DayStatus::Complete);
        let (partial, rule) = verdict(&events, &[morning]);
        let open = "the pulls recorded in the log leave 11:59:59 to 24:00:00 open";
        assert_eq!((partial, rule.as_str()), (DayStatus::Partial, open));
        let (partial, rule) = verdict(&events, &[evening]);
        let open = "the pulls recorded in the log leave 00:00:00 to 12:00:00 open";
        assert_eq!((partial, rule.as_str()), (DayStatus::Partial, open));
        let next = ("2026-03-02T00:00:00Z", "2026-03-02T00:59:59Z");
        assert_eq!(verdict(&events, &[next]).0, DayStatus::Complete, "of another day");
        let both = [source("a.json", "array", 7), source("b.csv", "csv", 7)];
        assert_eq!(
            verdict(&both, &[morning]).0,
            DayStatus::Complete,
            "held from elsewhere as well"
        );
    }

    #[test]
    fn a_source_written_on_the_same_day_makes_it_partial() {
        let named = |name: &str| verdict(&[source(name, "array", 7)], &[]).0;
        assert_eq!(named("PBIActivityEvents-20260301-202603011800.json"), DayStatus::Partial);
        assert_eq!(named("PBIActivityEvents-20260301-202603020415.json"), DayStatus::Complete);
        assert_eq!(named("x/20260301T180000.json"), DayStatus::Partial);
        assert_eq!(named("202603011800/20260301.json"), DayStatus::Complete, "a folder's name");
        let touched = |modified: &str| {
            let modified_us = Some(us(modified));
            verdict(&[SourceFacts { modified_us, ..source("20260301.json", "array", 7) }], &[]).0
        };
        assert_eq!(touched("2026-03-01T18:00:00Z"), DayStatus::Partial);
        assert_eq!(touched("2026-03-02T00:00:00Z"), DayStatus::Complete);
        let again = [
            source("PBIActivityEvents-20260301-202603011800.json", "array", 7),
            source("PBIActivityEvents-20260301-202603030415.json", "array", 9),
        ];
        assert_eq!(verdict(&again, &[]).0, DayStatus::Complete, "one of them is late enough");
    }

    #[test]
    fn the_files_own_time_tells_the_zone_of_the_time_in_its_name() {
        let name = "PBIActivityEvents-20260301-202603011730.json";
        let at = |modified: &str| {
            let modified_us = Some(us(modified));
            verdict(&[SourceFacts { modified_us, ..source(name, "array", 7) }], &[]).0
        };
        assert_eq!(at("2026-03-02T01:30:00Z"), DayStatus::Complete, "written in California");
        assert_eq!(at("2026-03-01T16:30:00Z"), DayStatus::Partial, "written in Zurich");
        assert_eq!(at("2026-11-21T00:00:00Z"), DayStatus::Partial, "copied months later");
    }
}
