//! The period of an answer: days of the chosen time zone, as instants and as UTC days.
//!
//! Owns: what "from that day to that day" means in a zone with summer time, and which days the
//! archive reaches over. Must not know files, views or coverage.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// The first and the last event held, in microseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeRange {
    /// The first.
    pub first_us: i64,
    /// The last.
    pub last_us: i64,
}

/// Days of a time zone, the last one included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    time_zone: Tz,
    since: Option<NaiveDate>,
    until: Option<NaiveDate>,
    event_range: Option<EventTimeRange>,
}

impl Period {
    /// The days from `since` to `until` where they are given, else all that the archive holds.
    pub fn new(
        time_zone: Tz,
        since: Option<NaiveDate>,
        until: Option<NaiveDate>,
        extent: Option<EventTimeRange>,
    ) -> Period {
        Period { time_zone, since, until, event_range: extent }
    }

    /// All that the archive holds, in the same zone.
    pub fn unbounded(&self) -> Period {
        Period { since: None, until: None, ..self.clone() }
    }

    /// As many days right before it, as far as the archive reaches over it; `None` if the archive
    /// does not reach back over all of them.
    pub fn previous(&self) -> Option<Period> {
        let days = self.local_days();
        let (first, number) = (days.first()?, u64::try_from(days.len()).ok()?);
        let since = first.checked_sub_days(Days::new(number))?;
        let before = Period { since: Some(since), until: first.pred_opt(), ..self.clone() };
        (self.unbounded().first_day()? <= since).then_some(before)
    }

    /// Its time zone.
    pub fn time_zone(&self) -> Tz {
        self.time_zone
    }

    /// The first instant that belongs to it, where a first day was given.
    pub fn from_us(&self) -> Option<i64> {
        self.since.map(|day| local_day_start(day, self.time_zone))
    }

    /// The first instant after it, where a last day was given.
    pub fn to_us(&self) -> Option<i64> {
        self.until.map(|day| local_day_start(next_day(day), self.time_zone))
    }

    /// Its first day: the one given, else that of the first event held.
    pub fn first_day(&self) -> Option<NaiveDate> {
        self.since
            .or(self.event_range.and_then(|extent| local_day(extent.first_us, self.time_zone)))
    }

    /// Its last day: the one given, else that of the last event held.
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.until.or(self.event_range.and_then(|extent| local_day(extent.last_us, self.time_zone)))
    }

    /// The part of it that the archive reaches over: its first and last instant.
    fn archived_range(&self) -> Option<(i64, i64)> {
        let extent = self.event_range?;
        let first = self.from_us().map_or(extent.first_us, |from| from.max(extent.first_us));
        let last = self.to_us().map_or(extent.last_us, |to| (to - 1).min(extent.last_us));
        (first <= last).then_some((first, last))
    }

    /// The UTC days that it touches, as far as the archive reaches.
    pub fn utc_days(&self) -> Vec<NaiveDate> {
        let days =
            self.archived_range().and_then(|(first, last)| Some((utc_day(first)?, utc_day(last)?)));
        days.map(|(first, last)| days_between(first, last)).unwrap_or_default()
    }

    /// The days of the time zone in it, as far as the archive reaches.
    pub fn local_days(&self) -> Vec<NaiveDate> {
        let zone = self.time_zone;
        let held = self.archived_range();
        let days =
            held.and_then(|(first, last)| Some((local_day(first, zone)?, local_day(last, zone)?)));
        days.map(|(first, last)| days_between(first, last)).unwrap_or_default()
    }

    /// The UTC days that a day of the time zone touches: one, or mostly two.
    pub fn utc_days_of_local_day(&self, local: NaiveDate) -> Vec<NaiveDate> {
        let first = utc_day(local_day_start(local, self.time_zone));
        let last = utc_day(local_day_start(next_day(local), self.time_zone) - 1);
        first.zip(last).map(|(first, last)| days_between(first, last)).unwrap_or_default()
    }
}

/// The day of an instant in a zone.
pub fn local_day(us: i64, zone: Tz) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(us).map(|utc| utc.with_timezone(&zone).date_naive())
}

/// The UTC day of an instant.
pub fn utc_day(us: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(us).map(|utc| utc.date_naive())
}

/// The first instant of a UTC day, in microseconds since 1970.
pub fn utc_day_start(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}

/// The day after; the last day of the calendar is its own.
pub fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// The first instant of a day in a zone. Where clocks are put forward at midnight, the day begins
/// when they have been; where midnight comes twice, with the first.
fn local_day_start(day: NaiveDate, zone: Tz) -> i64 {
    let midnight = day.and_time(NaiveTime::MIN);
    // No zone ever skipped more than a day; quarters of an hour meet every transition there was.
    let instants = (0..=96).filter_map(|quarter| {
        let time: NaiveDateTime = midnight.checked_add_signed(TimeDelta::minutes(15 * quarter))?;
        zone.from_local_datetime(&time).earliest()
    });
    let mut instants = instants;
    instants.next().map_or_else(|| utc_day_start(day), |instant| instant.timestamp_micros())
}

fn days_between(first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
    first.iter_days().take_while(|day| *day <= last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn us(text: &str) -> i64 {
        text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros()
    }

    fn march(zone: Tz) -> Period {
        let extent = EventTimeRange {
            first_us: us("2026-03-01T00:30:00Z"),
            last_us: us("2026-03-31T22:30:00Z"),
        };
        Period::new(zone, None, None, Some(extent))
    }

    #[test]
    fn without_days_given_it_is_what_the_archive_holds() {
        let period = march(Tz::UTC);
        assert_eq!((period.from_us(), period.to_us()), (None, None));
        assert_eq!(period.first_day(), Some(day("2026-03-01")));
        assert_eq!(period.utc_days().len(), 31);
        let zurich = march(chrono_tz::Europe::Zurich);
        assert_eq!(zurich.last_day(), Some(day("2026-04-01")), "00:30 in summer time");
        assert_eq!((zurich.utc_days().len(), zurich.local_days().len()), (31, 32));
        let nothing = Period::new(Tz::UTC, None, None, None);
        assert_eq!((nothing.first_day(), nothing.utc_days().len()), (None, 0));
    }

    #[test]
    fn the_period_before_is_as_long_and_held_as_a_whole() {
        let Period { event_range: extent, .. } = march(Tz::UTC);
        let before = |since: &str, until: &str| {
            let days = [since, until].map(|text| Some(day(text)));
            let before = Period::new(Tz::UTC, days[0], days[1], extent).previous()?;
            before.first_day().zip(before.last_day())
        };
        let expected = |first, last| Some((day(first), day(last)));
        let found = before("2026-03-21", "2026-03-25");
        assert_eq!(found, expected("2026-03-16", "2026-03-20"));
        // Of a period that reaches further than the archive, what it holds is compared.
        let found = before("2026-03-30", "2026-04-10");
        assert_eq!(found, expected("2026-03-28", "2026-03-29"));
        assert_eq!(before("2026-03-11", "2026-03-20"), expected("2026-03-01", "2026-03-10"));
        assert_eq!(before("2026-03-10", "2026-03-20"), None, "a day is not held");
        assert_eq!(before("2026-05-01", "2026-05-03"), None, "none of it is held");
        assert_eq!(march(Tz::UTC).previous(), None);
    }

    #[test]
    fn the_last_day_is_included_and_days_beyond_the_archive_are_not_counted() {
        let Period { event_range: extent, .. } = march(Tz::UTC);
        let zone = chrono_tz::Europe::Zurich;
        let period = Period::new(zone, Some(day("2026-03-29")), Some(day("2026-04-10")), extent);
        assert_eq!(period.from_us(), Some(us("2026-03-28T23:00:00Z")));
        assert_eq!(period.to_us(), Some(us("2026-04-10T22:00:00Z")), "summer time by then");
        assert_eq!(period.utc_days().first(), Some(&day("2026-03-28")));
        assert_eq!(period.utc_days().last(), Some(&day("2026-03-31")));
        assert_eq!(period.last_day(), Some(day("2026-04-10")));
        let before = Period::new(zone, None, Some(day("2020-01-01")), extent);
        assert!(before.utc_days().is_empty() && before.local_days().is_empty());
    }

    #[test]
    fn a_day_touches_two_utc_days_unless_the_zone_is_utc() {
        let zurich = march(chrono_tz::Europe::Zurich);
        let touched = zurich.utc_days_of_local_day(day("2026-03-29"));
        assert_eq!(touched, [day("2026-03-28"), day("2026-03-29")]);
        assert_eq!(march(Tz::UTC).utc_days_of_local_day(day("2026-03-29")), [day("2026-03-29")]);
    }

    #[test]
    fn a_day_whose_midnight_does_not_exist_begins_after_it() {
        let start = local_day_start(day("2018-11-04"), chrono_tz::America::Sao_Paulo);
        assert_eq!(start, us("2018-11-04T03:00:00Z"), "01:00 is the first hour of that day");
        // Samoa left out 2011-12-30 altogether.
        let skipped = local_day_start(day("2011-12-30"), chrono_tz::Pacific::Apia);
        assert_eq!(skipped, local_day_start(day("2011-12-31"), chrono_tz::Pacific::Apia));
    }
}
