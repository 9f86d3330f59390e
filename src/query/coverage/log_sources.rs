//! The sources of one log: when each was written, and which hours of a day it contains.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::schema::source_log::SourceFacts;
use crate::source_warnings::{is_truncated, named_write_time};

use crate::query::coverage::empty_answers::EmptyAnswers;
use crate::query::coverage::intervals::Span;
use crate::query::coverage::page_chains::PageChains;
use crate::query::coverage::period::{next_day, utc_day, utc_day_start};
use crate::query::definition::report::LogKind;

/// Source with events of a log.
#[derive(Debug)]
pub struct LogSource<'a> {
    /// Facts about the whole source.
    pub facts: &'a SourceFacts,
    /// Number of the log's events by UTC day, at least one each.
    pub days: BTreeMap<NaiveDate, u64>,
    /// Times of the first and last event of the log, in microseconds since 1970.
    pub period_us: Option<Span>,
    /// Time at which the source was written: exact, or not earlier.
    pub written_us: Option<i64>,
    /// Time of writing in the name of the source.
    pub named_us: Option<i64>,
}

impl LogSource<'_> {
    /// Returns the span from the first to the last event of the log on a day. A source that begins
    /// before the day or ends after it reaches to that end of the day.
    pub fn reach(&self, date: NaiveDate) -> Option<Span> {
        let (start, end) = (utc_day_start(date), utc_day_start(next_day(date)));
        let (first, last) = self.period_us?;
        (first < end && last >= start).then(|| (first.max(start), (last + 1).min(end)))
    }

    /// Returns true if the source was written before an instant and has no event after it.
    pub fn is_written_before(&self, end_us: i64) -> bool {
        let has_later_event = self.facts.period_us.is_some_and(|(_, last)| last >= end_us);
        !has_later_event && self.written_us.is_some_and(|written| written < end_us)
    }

    /// Returns true if the source is damaged, ends at a row limit, or contains fewer records than
    /// its search found.
    pub fn is_incomplete(&self) -> bool {
        self.facts.damaged || is_truncated(self.facts)
    }
}

/// Sources of a log.
#[derive(Debug, Default)]
pub struct LogSources<'a> {
    sources: Vec<LogSource<'a>>,
    /// Positions of the sources with events of a day.
    by_day: BTreeMap<NaiveDate, Vec<usize>>,
    /// Empty answers of the API, which has the log of Power BI only.
    empty_answers: EmptyAnswers<'a>,
    /// Chains of pages in the archive.
    chains: PageChains<'a>,
}

impl<'a> LogSources<'a> {
    /// Selects the sources with events of a log.
    pub fn new(all: &'a [SourceFacts], log: LogKind) -> LogSources<'a> {
        let windows = folders_named_by_window(all);
        let mut result = LogSources { chains: PageChains::find(all), ..LogSources::default() };
        if log == LogKind::PowerBi {
            result.empty_answers = EmptyAnswers::find(all);
        }
        for facts in all {
            let named = named_write_time(facts).filter(|_| !windows.contains(folder(facts)));
            let (days, period_us) = events_of_log(facts, log);
            if days.is_empty() {
                continue;
            }
            for date in days.keys() {
                result.by_day.entry(*date).or_default().push(result.sources.len());
            }
            let written_us = named.or(facts.modified_us);
            let named_us = named;
            result.sources.push(LogSource { facts, days, period_us, written_us, named_us });
        }
        result
    }

    /// Returns the sources with events of a day.
    pub fn of_day(&self, date: NaiveDate) -> impl Iterator<Item = &LogSource<'a>> + Clone {
        let positions = self.by_day.get(&date).map_or(&[][..], Vec::as_slice);
        positions.iter().filter_map(|position| self.sources.get(*position))
    }

    /// Returns the chains of pages.
    pub fn chains(&self) -> &PageChains<'a> {
        &self.chains
    }

    /// Returns the days with events.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> {
        self.by_day.keys().copied()
    }

    /// Returns an intact export of the audit search with events before and after a day without
    /// events. A search that found fewer events of any day than another source was limited to some
    /// of them, and proves nothing.
    pub fn search_around(&self, date: NaiveDate) -> Option<&LogSource<'a>> {
        let is_around = |source: &&LogSource<'_>| {
            crate::source_warnings::is_audit_search(&source.facts.kind)
                && !source.is_incomplete()
                && source.days.range(..date).next_back().is_some()
                && source.days.range(date..).next().is_some()
                && source.days.iter().all(|(day, events)| *events >= self.most_events(*day))
        };
        self.sources.iter().find(is_around)
    }

    /// Returns the number of events of a day in the source with the most of them.
    fn most_events(&self, date: NaiveDate) -> u64 {
        self.of_day(date).filter_map(|source| source.days.get(&date)).copied().max().unwrap_or(0)
    }

    /// Returns the empty answers of the API.
    pub fn empty_answers(&self) -> &EmptyAnswers<'a> {
        &self.empty_answers
    }
}

/// Returns the days of a log in a source, and the times of its first and last event.
fn events_of_log(facts: &SourceFacts, log: LogKind) -> (BTreeMap<NaiveDate, u64>, Option<Span>) {
    let of_platform = |day: &str| facts.power_platform.days.get(day).copied().unwrap_or(0);
    let days = facts.days.iter().filter_map(|(day, events)| {
        let events = match log {
            LogKind::PowerBi => events.saturating_sub(of_platform(day)),
            LogKind::PowerPlatform => of_platform(day),
        };
        Some((day.parse().ok()?, events)).filter(|_| events > 0)
    });
    let period_us = match log {
        LogKind::PowerPlatform => facts.power_platform.period_us,
        LogKind::PowerBi => facts.power_bi_period_us.or(facts.period_us),
    };
    (days.collect(), period_us)
}

fn folder(facts: &SourceFacts) -> &str {
    facts.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the folders whose file names contain the downloaded window instead of the time of
/// writing: sources of several days, all with a time before the end of their own day.
fn folders_named_by_window(all: &[SourceFacts]) -> BTreeSet<&str> {
    let mut days: BTreeMap<&str, (BTreeSet<NaiveDate>, bool)> = BTreeMap::new();
    for facts in all {
        let newest = facts.period_us.and_then(|(_, last)| utc_day(last));
        let Some((named, newest)) = named_write_time(facts).zip(newest) else { continue };
        let (newest_days, is_window) =
            days.entry(folder(facts)).or_insert_with(|| (BTreeSet::new(), true));
        newest_days.insert(newest);
        *is_window &= named < utc_day_start(next_day(newest));
    }
    let is_window =
        |(_, (days, is_window)): &(&str, (BTreeSet<NaiveDate>, bool))| *is_window && days.len() > 1;
    days.into_iter().filter(is_window).map(|(folder, _)| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> i64 {
        text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros()
    }

    fn source(path: &str, first: &str, last: &str) -> SourceFacts {
        let day = first[..10].to_owned();
        SourceFacts {
            path: path.into(),
            kind: "array".into(),
            days: BTreeMap::from([(day, 5)]),
            period_us: Some((us(first), us(last))),
            ..SourceFacts::default()
        }
    }

    #[test]
    fn names_with_the_window_of_each_day_are_no_times_of_writing() {
        let day = |number: u32| {
            let date = format!("2026-01-{number:02}");
            let path = format!("a/x-{}-20260101.json", format!("{date}T2330").replace('-', ""));
            source(&path, &format!("{date}T00:10:00Z"), &format!("{date}T23:20:00Z"))
        };
        let windows = [day(3), day(4), day(5)];
        let all = LogSources::new(&windows, LogKind::PowerBi);
        assert!(all.sources.iter().all(|source| source.written_us.is_none()));
        let path = "a/20260106-202601070210.json";
        let written = source(path, "2026-01-06T00:10:00Z", "2026-01-06T23:50:00Z");
        let mixed = [day(3), day(4), written];
        let all = LogSources::new(&mixed, LogKind::PowerBi);
        assert!(all.sources.iter().all(|source| source.written_us.is_some()));
    }

    #[test]
    fn events_of_the_power_platform_belong_to_its_log_only() {
        let mut facts = source("a.csv", "2026-01-03T08:00:00Z", "2026-01-03T20:00:00Z");
        facts.power_platform.days = BTreeMap::from([("2026-01-03".to_owned(), 5)]);
        facts.power_platform.period_us = facts.period_us;
        let all = [facts];
        let date = "2026-01-03".parse().unwrap();
        assert_eq!(LogSources::new(&all, LogKind::PowerBi).of_day(date).count(), 0);
        let platform = LogSources::new(&all, LogKind::PowerPlatform);
        let reach = platform.of_day(date).next().unwrap().reach(date).unwrap();
        assert_eq!(reach, (us("2026-01-03T08:00:00Z"), us("2026-01-03T20:00:00Z") + 1));
    }
}
