//! Determines the status of each UTC day of a log from the evidence for its hours.
//!
//! The first rule that applies decides:
//!
//! 1. *truncated*: a source of the day is damaged, ends at a row limit of Microsoft's tools, has
//!    fewer records than its search found, or is a page whose continuation is missing. This rule
//!    does not apply if an intact source contains as many events of the day.
//! 2. *complete*: the downloads that the log records cover the whole day, even if it has no events.
//! 3. *partial*: the recorded downloads leave a gap in the day that no export of the audit search
//!    covers. The rule does not apply if the log of the following day, which records the downloads
//!    of this one, is truncated.
//! 4. *missing*: no event of the day is stored, and no empty answer or search proves that there are
//!    none.
//! 5. *partial*: the sources of the day were written before its end, or leave a gap between a
//!    source that was written during the day and the others.
//! 6. *complete*: no other rule applies.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};

use crate::schema::MICROS_PER_HOUR;
use crate::source_warnings::{file_name, is_audit_search, reached_limit};

use crate::query::coverage::downloads::{DayDownloads, Downloads, GapCause};
use crate::query::coverage::empty_answers::{is_api_answer, named_day};
use crate::query::coverage::intervals::{Intervals, Span};
use crate::query::coverage::log_sources::{LogSource, LogSources};
use crate::query::coverage::period::{next_day, utc_day_start};

/// Hours of a day in UTC.
const HOURS_OF_DAY: usize = 24;

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
    /// Span of a partial day without proof that its events are stored, in microseconds since 1970;
    /// `None` for the whole day.
    pub open_us: Option<(i64, i64)>,
}

/// Coverage of the UTC days of a period, within the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Days in order, without gaps.
    pub days: Vec<DayCoverage>,
}

impl Coverage {
    /// Returns the coverage of a day; `None` outside the period.
    pub fn of_day(&self, date: NaiveDate) -> Option<&DayCoverage> {
        let position = self.days.binary_search_by_key(&date, |day| day.date).ok()?;
        self.days.get(position)
    }

    /// Returns the number of days with a status.
    pub fn count(&self, status: DayStatus) -> u64 {
        self.days.iter().filter(|day| day.status == status).map(|_| 1).sum()
    }

    /// Returns true if every day is complete.
    pub fn is_complete(&self) -> bool {
        self.days.iter().all(|day| day.status == DayStatus::Complete)
    }
}

/// Time that may lie between a source written during the day and the first event of the next
/// source.
const HANDOVER_US: i64 = MICROS_PER_HOUR;

/// Everything that is known about the days of one log.
#[derive(Debug, Default)]
pub struct Evidence<'a> {
    /// Sources with events of the log.
    pub sources: LogSources<'a>,
    /// Downloads that the log records.
    pub downloads: Downloads,
    /// Days with a stored event.
    pub stored: BTreeSet<NaiveDate>,
    /// Time of the last stored event, in microseconds since 1970.
    pub last_event_us: Option<i64>,
}

/// Returns the coverage of each day.
pub fn assess(days: &[NaiveDate], evidence: &Evidence<'_>) -> Coverage {
    let assess_day = |date: &NaiveDate| {
        let Assessment { status, reason, open_us } = evidence.assess_day(*date);
        DayCoverage { date: *date, status, reason, open_us }
    };
    Coverage { days: days.iter().map(assess_day).collect() }
}

/// Status of a day, its reason, and the span that is not proved to be stored.
struct Assessment {
    status: DayStatus,
    reason: String,
    open_us: Option<Span>,
}

impl Assessment {
    fn new(status: DayStatus, reason: impl Into<String>) -> Assessment {
        Assessment { status, reason: reason.into(), open_us: None }
    }

    fn partial(reason: String, open_us: Span) -> Assessment {
        Assessment { status: DayStatus::Partial, reason, open_us: Some(open_us) }
    }
}

impl<'a> Evidence<'a> {
    fn assess_day(&self, date: NaiveDate) -> Assessment {
        let span = (utc_day_start(date), utc_day_start(next_day(date)));
        let downloads = self.downloads.of_day(span);
        let is_stored = self.stored.contains(&date);
        if let Some(reason) = self.truncation_reason(date) {
            return Assessment::new(DayStatus::Truncated, reason);
        }
        let gaps = downloads.gaps();
        if !downloads.is_empty() && gaps.is_empty() {
            let events = if is_stored { "" } else { ", no events" };
            return Assessment::new(DayStatus::Complete, format!("downloaded in full{events}"));
        }
        let relevant = self.relevant_gaps(date, &downloads, &gaps);
        if let Some((gap, hull)) = relevant.first().zip(relevant.hull())
            && (is_stored || downloads.prove_a_part())
        {
            return Assessment::partial(describe_gap(gap, downloads.cause(gap)), hull);
        }
        if !is_stored {
            return self.assess_day_without_events(date);
        }
        match self.downloaded_too_early(date, span) {
            Some((reason, open_us)) => Assessment::partial(reason, open_us),
            None => Assessment::new(DayStatus::Complete, "no gaps found"),
        }
    }

    fn assess_day_without_events(&self, date: NaiveDate) -> Assessment {
        if let Some(answer) = self.sources.empty_answers().of_day(date) {
            let reason = format!("{} is the empty answer for the day", file_name(answer));
            return Assessment::new(DayStatus::Complete, reason);
        }
        let empty_hours = self.sources.empty_answers().hours_of_day(date);
        if empty_hours == HOURS_OF_DAY {
            return Assessment::new(
                DayStatus::Complete,
                "each hour of the day has an empty answer",
            );
        }
        if let Some(search) = self.sources.search_around(date) {
            let name = file_name(search.facts);
            let reason = format!("{name} covers the day and has no events of it");
            return Assessment::new(DayStatus::Complete, reason);
        }
        if empty_hours > 0 {
            let reason = format!(
                "only {empty_hours} of {HOURS_OF_DAY} hours have an answer, without events"
            );
            return Assessment::new(DayStatus::Partial, reason);
        }
        let is_after = self.last_event_us.is_some_and(|last| utc_day_start(date) > last);
        let reason = match is_after {
            true => "no event of the day is stored; the log ends before it",
            false => "no event of the day is stored",
        };
        Assessment::new(DayStatus::Missing, reason)
    }

    /// Returns the gaps of the recorded downloads that count.
    fn relevant_gaps(
        &self,
        date: NaiveDate,
        downloads: &DayDownloads<'_>,
        gaps: &Intervals,
    ) -> Intervals {
        if downloads.is_empty() || self.is_downloaded_after_log(date) {
            return Intervals::default();
        }
        // The download of a day is recorded on the day of the download, usually the next day. If
        // that day is truncated, records may be lost, and only those that are left count.
        let unknown = match self.truncation_reason(next_day(date)) {
            Some(_) => downloads.without_refusal(),
            None => Intervals::default(),
        };
        let gaps = gaps.minus(&unknown);
        let end = utc_day_start(next_day(date));
        // Downloads of the last day may be recorded on a day that the log does not contain yet.
        let may_be_unrecorded = downloads.were_made_during_the_day()
            && self.last_event_us.is_none_or(|last| last < end);
        let covers = |source: &&LogSource<'_>| {
            let is_search = is_audit_search(&source.facts.kind) && !source.is_incomplete();
            is_search || (may_be_unrecorded && !source.is_written_before(end))
        };
        let covered = self.sources.of_day(date).filter(covers).filter_map(|source| {
            let (from, to) = source.reach(date)?;
            // A source that was written after the day and has most of the gap has all of it.
            let rest = gaps.first().filter(|_| may_be_unrecorded);
            let is_most = rest.is_some_and(|(begin, finish)| to - begin > (finish - begin) / 2);
            Some((from, if is_most { end } else { to }))
        });
        gaps.minus(&Intervals::union(covered))
    }

    /// Returns true if an intact file of the whole day was written after the last event of the log.
    /// The log cannot contain the record of that download yet.
    fn is_downloaded_after_log(&self, date: NaiveDate) -> bool {
        let end = utc_day_start(next_day(date)).max(self.last_event_us.unwrap_or(i64::MAX));
        let is_later = |source: &LogSource<'_>| {
            source.named_us.is_some_and(|written| written > end)
                && !source.is_incomplete()
                && is_api_answer(source.facts)
                && named_day(file_name(source.facts)) == Some(date)
        };
        self.sources.of_day(date).any(is_later)
    }

    /// Returns the reason why a day is truncated: an incomplete source, if no intact source
    /// contains as many events of the day.
    fn truncation_reason(&self, date: NaiveDate) -> Option<String> {
        let of_day = self.sources.of_day(date);
        let events = |source: &LogSource<'_>| source.days.get(&date).copied().unwrap_or(0);
        let intact = of_day.clone().filter(|source| !source.is_incomplete()).map(events).max();
        let is_truncated = |source: &&LogSource<'_>| {
            source.is_incomplete() && intact.is_none_or(|intact| intact < events(source))
        };
        if let Some(source) = of_day.clone().find(is_truncated) {
            let name = file_name(source.facts);
            return Some(match reached_limit(source.facts) {
                _ if source.facts.damaged => format!("{name} is damaged"),
                Some(rows) => format!("{name} ends at exactly {rows} records"),
                None => format!("{name} contains fewer records than its search found"),
            });
        }
        let page = of_day.clone().find(|page| self.lacks_continuation(date, page))?;
        Some(format!("{} has a continuation that is not in the archive", file_name(page.facts)))
    }

    /// Returns true if a page announces another page, and no other source of the day can be it.
    ///
    /// If the number of the next page is missing, pages with other numbers cannot be it.
    /// A page is an hour of the log or a part of it. If the pages of other hours have no
    /// continuation, each hour was downloaded by itself, and the continuation has events of the
    /// same hour.
    fn lacks_continuation(&self, date: NaiveDate, page: &LogSource<'_>) -> bool {
        let chains = self.sources.chains();
        if !page.facts.is_continued || chains.is_whole(page.facts) {
            return false;
        }
        let Some((first, last)) = page.reach(date) else { return false };
        let hour = |us: i64| us.div_euclid(MICROS_PER_HOUR);
        let others: Vec<(&LogSource<'_>, Span)> = self
            .sources
            .of_day(date)
            .filter(|other| other.facts.path != page.facts.path && !other.is_incomplete())
            .filter(|other| !chains.is_beyond_gap(page.facts, other.facts))
            .filter_map(|other| Some((other, other.reach(date)?)))
            .collect();
        let is_closed_hour = |(other, (from, to)): &&(&LogSource<'_>, Span)| {
            !other.facts.is_continued
                && hour(*from) == hour(*to - 1)
                && hour(*from) != hour(last - 1)
        };
        let closed: BTreeSet<i64> =
            others.iter().filter(is_closed_hour).map(|(_, (from, _))| hour(*from)).collect();
        let is_by_hour = closed.len() > 1 && hour(first) == hour(last - 1);
        let can_continue = |(_, (from, to)): &(&LogSource<'_>, Span)| match is_by_hour {
            true => hour(*from) <= hour(last - 1) && hour(*to - 1) >= hour(last - 1),
            false => *to >= last,
        };
        !others.iter().any(can_continue)
    }

    /// Returns the reason why the sources of a day do not contain its end, or leave a gap: sources
    /// that were written during the day reach to that time only.
    fn downloaded_too_early(&self, date: NaiveDate, span: Span) -> Option<(String, Span)> {
        let of_day = self.sources.of_day(date);
        let early: Vec<&LogSource<'_>> =
            of_day.clone().filter(|source| source.is_written_before(span.1)).collect();
        let first = *early.first()?;
        if of_day.clone().count() == early.len() {
            let name = file_name(first.facts);
            let written = early.iter().filter_map(|source| source.written_us).max();
            let open_us = (written.unwrap_or(span.0).max(span.0), span.1);
            return Some((format!("{name} was written before the end of the day"), open_us));
        }
        let starts = of_day.clone().filter_map(|source| source.reach(date)).map(|(from, _)| from);
        let earliest = starts.min()?;
        let reach = |source: &LogSource<'_>| {
            let (from, _) = source.reach(date)?;
            let is_early = source.is_written_before(span.1);
            let to = source.written_us.filter(|_| is_early).unwrap_or(span.1);
            let from = if from == earliest { span.0 } else { from - HANDOVER_US };
            Some((from, to.max(from)))
        };
        let gap = Intervals::union([span]).minus(&Intervals::union(of_day.filter_map(reach)));
        let (from, to) = gap.first()?;
        let name = file_name(first.facts);
        let reason = format!(
            "{name} was written before the end of the day, and no other source contains {}",
            format_span(from, to)
        );
        Some((reason, gap.hull().unwrap_or(span)))
    }
}

fn describe_gap((from_us, to_us): Span, cause: GapCause<'_>) -> String {
    let span = format_span(from_us, to_us);
    match cause {
        GapCause::TooEarly { recorded_us } => format!(
            "the download recorded in the log was made at {} (UTC), so it does not contain {span}",
            format_time(recorded_us, "%Y-%m-%d %H:%M:%S")
        ),
        GapCause::Failed => format!("the recorded download of {span} failed"),
        GapCause::Filtered { filter } => {
            format!("{span} was only downloaded with a filter ({filter})")
        }
        GapCause::NotRequested => {
            format!("the downloads recorded in the log do not cover {span}")
        }
    }
}

/// Formats a span of a day, for example `06:00:00 to 24:00:00 (UTC)`.
fn format_span(from_us: i64, to_us: i64) -> String {
    let (from, to) = (format_time(from_us, "%H:%M:%S"), format_time(to_us, "%H:%M:%S"));
    let to = if to == "00:00:00" { "24:00:00" } else { &to };
    format!("{from} to {to} (UTC)")
}

fn format_time(us: i64, format: &str) -> String {
    let time = DateTime::from_timestamp_micros(us);
    time.map(|time| time.format(format).to_string()).unwrap_or_default()
}

#[cfg(test)]
#[path = "assess_tests.rs"]
mod tests;
