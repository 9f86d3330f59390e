//! The period of a run: days of a time zone, as instants and as UTC days, with daylight saving
//! time.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::calendar::local_day_start;
pub use crate::calendar::{EventTimeRange, local_day, next_day, utc_day, utc_day_start};

/// Period of days of a time zone, first and last day included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    time_zone: Tz,
    since: Option<NaiveDate>,
    until: Option<NaiveDate>,
    event_range: Option<EventTimeRange>,
    /// Days whose events count; `None` for all days of the period.
    only: Option<BTreeSet<NaiveDate>>,
}

impl Period {
    /// Creates a period from `since` to `until`; without a limit, it extends to the first or last
    /// event.
    pub fn new(
        time_zone: Tz,
        since: Option<NaiveDate>,
        until: Option<NaiveDate>,
        event_range: Option<EventTimeRange>,
    ) -> Period {
        Period { time_zone, since, until, event_range, only: None }
    }

    /// Returns the period of the whole archive, in the same time zone.
    pub fn unbounded(&self) -> Period {
        Period { since: None, until: None, only: None, ..self.clone() }
    }

    /// Returns the days of the archive together with those of this period, in the same time zone.
    pub fn with_archive(&self) -> Period {
        let archive = self.unbounded();
        let [first, last] = [archive.first_day(), archive.last_day()];
        let since = self.since.filter(|since| first.is_some_and(|first| *since < first));
        let until = self.until.filter(|until| last.is_some_and(|last| *until > last));
        Period { since, until, ..archive }
    }

    /// Returns the period of the same length right before this one. Returns `None` if the archive
    /// does not cover all days of the previous period.
    pub fn previous(&self) -> Option<Period> {
        let days = self.local_days();
        let (first, count) = (days.first()?, u64::try_from(days.len()).ok()?);
        let since = first.checked_sub_days(Days::new(count))?;
        let until = first.pred_opt();
        let previous = Period { since: Some(since), until, only: None, ..self.clone() };
        (self.unbounded().first_day()? <= since).then_some(previous)
    }

    /// Returns this period with only the events of some of its days.
    pub fn limited_to(&self, days: BTreeSet<NaiveDate>) -> Period {
        Period { only: Some(days), ..self.clone() }
    }

    /// Returns true if the events of a day count.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first_day().is_none_or(|first| day >= first)
            && self.last_day().is_none_or(|last| day <= last)
            && self.only.as_ref().is_none_or(|days| days.contains(&day))
    }

    /// Returns the spans of instants whose events count, the second instant excluded. Without
    /// limits, it is one span without ends.
    pub fn spans_us(&self) -> Vec<(Option<i64>, Option<i64>)> {
        let Some(days) = &self.only else { return vec![(self.from_us(), self.to_us())] };
        let mut runs: Vec<(NaiveDate, NaiveDate)> = Vec::new();
        for day in days.iter().copied().filter(|day| self.contains(*day)) {
            match runs.last_mut() {
                Some((_, last)) if next_day(*last) == day => *last = day,
                _ => runs.push((day, day)),
            }
        }
        let start = |day| Some(local_day_start(day, self.time_zone));
        runs.into_iter().map(|(first, last)| (start(first), start(next_day(last)))).collect()
    }

    /// Returns the time zone.
    pub fn time_zone(&self) -> Tz {
        self.time_zone
    }

    /// Returns the first instant of the period, if `since` was given.
    pub fn from_us(&self) -> Option<i64> {
        self.since.map(|day| local_day_start(day, self.time_zone))
    }

    /// Returns the first instant after the period, if `until` was given.
    pub fn to_us(&self) -> Option<i64> {
        self.until.map(|day| local_day_start(next_day(day), self.time_zone))
    }

    /// Returns the first day: `since`, else the day of the first event, but not a day after
    /// `until`.
    pub fn first_day(&self) -> Option<NaiveDate> {
        let first = self.event_range.and_then(|range| local_day(range.first_us, self.time_zone));
        let first = first.map(|first| self.until.map_or(first, |until| first.min(until)));
        self.since.or(first)
    }

    /// Returns the last day: `until`, else the day of the last event, but not a day before `since`.
    pub fn last_day(&self) -> Option<NaiveDate> {
        let last = self.event_range.and_then(|range| local_day(range.last_us, self.time_zone));
        let last = self.until.or(last);
        last.max(self.since.filter(|_| last.is_some()))
    }

    /// Returns the times of the first and last stored event.
    pub fn event_range(&self) -> Option<EventTimeRange> {
        self.event_range
    }

    /// Returns the first and last instant of the period. A limit that was not given is the first or
    /// last event.
    fn range(&self) -> Option<(i64, i64)> {
        let range = self.event_range?;
        let first = self.from_us().unwrap_or(range.first_us);
        let last = self.to_us().map_or(range.last_us, |to| to - 1);
        (first <= last).then_some((first, last))
    }

    /// Returns the UTC days that the period overlaps. No days for an empty archive.
    pub fn utc_days(&self) -> Vec<NaiveDate> {
        let days = self.range().and_then(|(first, last)| Some((utc_day(first)?, utc_day(last)?)));
        days.map(|(first, last)| days_between(first, last)).unwrap_or_default()
    }

    /// Returns the local days of the period. No days for an empty archive.
    pub fn local_days(&self) -> Vec<NaiveDate> {
        let zone = self.time_zone;
        let range = self.range();
        let days =
            range.and_then(|(first, last)| Some((local_day(first, zone)?, local_day(last, zone)?)));
        days.map(|(first, last)| days_between(first, last)).unwrap_or_default()
    }

    /// Returns the UTC days that a local day overlaps: one or two.
    pub fn utc_days_of_local_day(&self, local: NaiveDate) -> Vec<NaiveDate> {
        let first = utc_day(local_day_start(local, self.time_zone));
        let last = utc_day(local_day_start(next_day(local), self.time_zone) - 1);
        first.zip(last).map(|(first, last)| days_between(first, last)).unwrap_or_default()
    }
}

fn days_between(first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
    first.iter_days().take_while(|day| *day <= last).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn us(text: &str) -> i64 {
        text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros()
    }

    fn march(zone: Tz) -> Period {
        let event_range = EventTimeRange {
            first_us: us("2026-03-01T00:30:00Z"),
            last_us: us("2026-03-31T22:30:00Z"),
        };
        Period::new(zone, None, None, Some(event_range))
    }

    #[test]
    fn period_without_limits_is_the_whole_archive() {
        let period = march(Tz::UTC);
        assert_eq!((period.from_us(), period.to_us()), (None, None));
        assert_eq!(period.first_day(), Some(day("2026-03-01")));
        assert_eq!(period.utc_days().len(), 31);
        let zurich = march(chrono_tz::Europe::Zurich);
        assert_eq!(zurich.last_day(), Some(day("2026-04-01")), "00:30 in daylight saving time");
        assert_eq!((zurich.utc_days().len(), zurich.local_days().len()), (31, 32));
        let nothing = Period::new(Tz::UTC, None, None, None);
        assert_eq!((nothing.first_day(), nothing.utc_days().len()), (None, 0));
    }

    #[test]
    fn previous_period_has_the_same_length_and_is_within_the_archive() {
        let Period { event_range, .. } = march(Tz::UTC);
        let previous = |since: &str, until: &str| {
            let days = [since, until].map(|text| Some(day(text)));
            let period = Period::new(Tz::UTC, days[0], days[1], event_range).previous()?;
            period.first_day().zip(period.last_day())
        };
        let expected = |first, last| Some((day(first), day(last)));
        let found = previous("2026-03-21", "2026-03-25");
        assert_eq!(found, expected("2026-03-16", "2026-03-20"));
        // Days that the period names count, even if the archive does not contain them.
        let found = previous("2026-03-30", "2026-04-10");
        assert_eq!(found, expected("2026-03-18", "2026-03-29"));
        assert_eq!(previous("2026-03-11", "2026-03-20"), expected("2026-03-01", "2026-03-10"));
        assert_eq!(
            previous("2026-03-10", "2026-03-20"),
            None,
            "the archive does not contain one of the days"
        );
        let after = previous("2026-05-01", "2026-05-03");
        assert_eq!(after, expected("2026-04-28", "2026-04-30"), "after the archive");
        assert_eq!(march(Tz::UTC).previous(), None);
    }

    #[test]
    fn last_day_is_included_and_days_beyond_the_archive_count_if_named() {
        let Period { event_range, .. } = march(Tz::UTC);
        let zone = chrono_tz::Europe::Zurich;
        let period =
            Period::new(zone, Some(day("2026-03-29")), Some(day("2026-04-10")), event_range);
        assert_eq!(period.from_us(), Some(us("2026-03-28T23:00:00Z")));
        assert_eq!(
            period.to_us(),
            Some(us("2026-04-10T22:00:00Z")),
            "daylight saving time has begun"
        );
        assert_eq!(period.utc_days().first(), Some(&day("2026-03-28")));
        assert_eq!(period.utc_days().last(), Some(&day("2026-04-10")));
        assert_eq!(period.last_day(), Some(day("2026-04-10")));
        let late = Period::new(zone, Some(day("2026-04-08")), None, event_range);
        assert_eq!(late.first_day(), late.last_day(), "the period begins after the last event");
        let early = Period::new(zone, None, Some(day("2020-01-01")), event_range);
        assert!(early.utc_days().is_empty() && early.local_days().is_empty());
        assert_eq!(early.first_day(), early.last_day(), "the period ends before the first event");
        // The last day of a period that has not begun is limited to one before its first day.
        let future =
            Period::new(zone, Some(day("2026-06-02")), Some(day("2026-06-01")), event_range);
        assert!(future.utc_days().is_empty() && future.local_days().is_empty());
        assert_eq!(future.first_day(), future.last_day());
    }

    #[test]
    fn period_with_its_archive_has_the_days_of_both() {
        let Period { event_range, .. } = march(Tz::UTC);
        let ends = |since: Option<&str>, until: Option<&str>| {
            let [since, until] = [since, until].map(|text| text.map(day));
            let all = Period::new(Tz::UTC, since, until, event_range).with_archive();
            let days = all.local_days();
            (days[0], days[days.len() - 1])
        };
        let march = (day("2026-03-01"), day("2026-03-31"));
        assert_eq!(ends(None, None), march);
        assert_eq!(ends(Some("2026-03-10"), Some("2026-03-20")), march);
        assert_eq!(ends(Some("2026-02-27"), None), (day("2026-02-27"), march.1));
        assert_eq!(ends(Some("2026-04-02"), Some("2026-04-05")), (march.0, day("2026-04-05")));
        let nothing = Period::new(Tz::UTC, Some(day("2026-03-01")), None, None);
        assert!(nothing.with_archive().local_days().is_empty());
    }

    #[test]
    fn local_day_overlaps_two_utc_days_unless_the_zone_is_utc() {
        let zurich = march(chrono_tz::Europe::Zurich);
        let utc_days = zurich.utc_days_of_local_day(day("2026-03-29"));
        assert_eq!(utc_days, [day("2026-03-28"), day("2026-03-29")]);
        assert_eq!(march(Tz::UTC).utc_days_of_local_day(day("2026-03-29")), [day("2026-03-29")]);
    }

    #[test]
    fn limited_period_has_one_span_for_each_run_of_days() {
        let days = ["2026-03-02", "2026-03-03", "2026-03-05", "2026-04-09"].map(day);
        let period = Period { since: Some(day("2026-03-02")), ..march(Tz::UTC) };
        assert_eq!(period.spans_us(), [(Some(us("2026-03-02T00:00:00Z")), None)]);
        assert!(period.contains(day("2026-03-04")) && !period.contains(day("2026-03-01")));
        let limited = period.limited_to(days.into());
        let span = |from, to| (Some(us(from)), Some(us(to)));
        let expected = [
            span("2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z"),
            span("2026-03-05T00:00:00Z", "2026-03-06T00:00:00Z"),
        ];
        assert_eq!(limited.spans_us(), expected, "the last day is after the period");
        assert!(limited.contains(day("2026-03-05")) && !limited.contains(day("2026-03-04")));
        assert_eq!(limited.unbounded().spans_us(), [(None, None)]);
    }

    #[test]
    fn day_without_midnight_begins_after_the_change() {
        let start = local_day_start(day("2018-11-04"), chrono_tz::America::Sao_Paulo);
        assert_eq!(start, us("2018-11-04T03:00:00Z"), "01:00 is the first hour of that day");
        // Samoa skipped 2011-12-30.
        let skipped = local_day_start(day("2011-12-30"), chrono_tz::Pacific::Apia);
        assert_eq!(skipped, local_day_start(day("2011-12-31"), chrono_tz::Pacific::Apia));
    }
}
