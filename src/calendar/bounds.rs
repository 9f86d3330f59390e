//! The period that the user named, as days of a log.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::calendar::days::{EventTimeRange, last_whole_day, local_day};
use crate::calendar::words::{CalendarUnit, DayBound};
use crate::{Error, Result};

/// Two ends of a period as the user gave them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeriodBounds {
    /// First day; `None` starts at the first event.
    pub since: Option<DayBound>,
    /// Last day, inclusive; `None` ends at the last event, or at the last whole day if `since` is
    /// relative.
    pub until: Option<DayBound>,
}

impl FromStr for PeriodBounds {
    type Err = Error;

    /// Parses a whole period: what a [`DayBound`] names, or two of them with `..` between.
    fn from_str(text: &str) -> Result<PeriodBounds> {
        if let Some((since, until)) = text.split_once("..") {
            let since = Some(DayBound::parse_since(since)?);
            return Ok(PeriodBounds { since, until: Some(DayBound::parse_until(until)?) });
        }
        let days: DayBound = text.parse()?;
        let counts_back = matches!(days, DayBound::DaysBack(_) | DayBound::MonthsBack(_));
        Ok(PeriodBounds { since: Some(days), until: (!counts_back).then_some(days) })
    }
}

impl PeriodBounds {
    /// Returns the first and the last day of the period in a log, as far as the user named them.
    ///
    /// Named days belong to the period even if the log does not contain them, up to yesterday of
    /// the clock. Days and months that count back start with the first day of the log at the
    /// earliest.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the period ends before it starts, or if it starts in the future.
    pub fn resolve(
        &self,
        log: Option<EventTimeRange>,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<(Option<NaiveDate>, Option<NaiveDate>)> {
        let today = now.with_timezone(&zone).date_naive();
        let days = log.and_then(|range| LogDays::new(range, zone, today));
        let whole = days.as_ref().map(|days| days.last_whole);
        let mut since = self.since.and_then(|bound| bound.first_day(whole));
        let mut until = self.until.and_then(|bound| bound.last_day(whole));
        if let (Some(since), Some(until)) = (since, until)
            && since > until
        {
            return Err(Error::reversed_period(since, until));
        }
        let Some(LogDays { first, last, last_whole }) = days else { return Ok((since, until)) };
        let latest = today.pred_opt().map_or(last, |yesterday| yesterday.max(last));
        if let Some(start) = since.filter(|since| *since > latest) {
            return Err(after_log(start, first, last));
        }
        match self.since {
            Some(DayBound::DaysBack(_) | DayBound::MonthsBack(_)) => {
                since = since.map(|day| day.max(first));
                until = until.or(Some(last_whole));
            }
            Some(DayBound::Current(CalendarUnit::Day) | DayBound::Dates { .. }) | None => {}
            Some(DayBound::Current(_) | DayBound::Previous(_)) => {
                until = until.or(since.max(Some(last_whole)));
            }
        }
        until = until.map(|day| day.min(latest));
        if until.is_none() && since.is_some_and(|since| last < since) {
            until = since;
        }
        Ok((since, until))
    }
}

/// Returns the error for a period that starts after the log and in the future.
fn after_log(start: NaiveDate, first: NaiveDate, last: NaiveDate) -> Error {
    Error::Usage(format!(
        "the period starts on {start}, but your log covers {first} to {last}; choose earlier days, \
         for example --since 30d for the last 30 days of the log"
    ))
}

/// Days of a log in a time zone.
struct LogDays {
    first: NaiveDate,
    last: NaiveDate,
    last_whole: NaiveDate,
}

impl LogDays {
    fn new(range: EventTimeRange, zone: Tz, today: NaiveDate) -> Option<LogDays> {
        let first = local_day(range.first_us, zone)?;
        let last = local_day(range.last_us, zone)?;
        let whole = last_whole_day(range, zone)?;
        // A day that is not over by the clock is not whole, even if its UTC day has events.
        let last_whole = if last == today { whole.min(today.pred_opt()?) } else { whole };
        Some(LogDays { first, last, last_whole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
    }

    /// Resolves a period in a log that ends late on 2026-03-31, on the 5th of April.
    fn resolve(bounds: &PeriodBounds, zone: Tz, now: &str) -> Result<(String, String)> {
        let log = EventTimeRange {
            first_us: us("2026-01-05T06:00:00Z"),
            last_us: us("2026-03-31T22:30:00Z"),
        };
        let (since, until) = bounds.resolve(Some(log), zone, now.parse().unwrap())?;
        let text = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
        Ok((text(since), text(until)))
    }

    const LATER: &str = "2026-04-05T12:00:00Z";

    fn period(text: &str) -> (String, String) {
        resolve(&text.parse().unwrap(), Tz::UTC, LATER).unwrap()
    }

    fn since(text: &str) -> (String, String) {
        let since = Some(DayBound::parse_since(text).unwrap());
        resolve(&PeriodBounds { since, until: None }, Tz::UTC, LATER).unwrap()
    }

    fn days(since: &str, until: &str) -> (String, String) {
        (since.to_owned(), until.to_owned())
    }

    #[test]
    fn period_has_both_ends_and_since_only_the_first() {
        assert_eq!(period("last-week"), days("2026-03-23", "2026-03-29"));
        assert_eq!(since("last-week"), days("2026-03-23", "2026-03-31"));
        assert_eq!(period("2026-02"), days("2026-02-01", "2026-02-28"));
        assert_eq!(since("2026-02"), days("2026-02-01", ""));
        assert_eq!(period("30d"), days("2026-03-02", "2026-03-31"));
        assert_eq!(period("2026-01-10..2026-02"), days("2026-01-10", "2026-02-28"));
        assert_eq!(period("14d..7d"), days("2026-03-18", "2026-03-24"));
    }

    #[test]
    fn counted_days_start_within_the_log_and_named_days_end_by_yesterday() {
        assert_eq!(since("400d"), days("2026-01-05", "2026-03-31"));
        assert_eq!(period("2026-Q1"), days("2026-01-01", "2026-03-31"));
        assert_eq!(period("2026-04"), days("2026-04-01", "2026-04-04"), "until yesterday");
        assert_eq!(since("2026-04-02"), days("2026-04-02", "2026-04-02"));
    }

    #[test]
    fn days_are_those_of_the_time_zone() {
        let week = &"last-week".parse().unwrap();
        let berlin = resolve(week, Tz::Europe__Berlin, LATER).unwrap();
        assert_eq!(berlin, days("2026-03-23", "2026-03-29"));
        let yesterday = &"yesterday".parse().unwrap();
        let found = resolve(yesterday, Tz::Europe__Berlin, LATER).unwrap();
        assert_eq!(found, days("2026-03-31", "2026-03-31"), "April has only 30 minutes");
        let found = resolve(yesterday, Tz::America__New_York, LATER).unwrap();
        assert_eq!(found, days("2026-03-30", "2026-03-30"), "the evening of the 31st is missing");
    }

    #[test]
    fn day_that_is_not_over_is_not_whole() {
        let yesterday = &"yesterday".parse().unwrap();
        let found = resolve(yesterday, Tz::UTC, "2026-03-31T22:45:00Z").unwrap();
        assert_eq!(found, days("2026-03-30", "2026-03-30"));
    }

    #[test]
    fn period_in_the_future_and_reversed_period_are_errors() {
        let error = resolve(&"2031-01".parse().unwrap(), Tz::UTC, LATER).unwrap_err().to_string();
        assert!(error.contains("your log covers 2026-01-05 to 2026-03-31"), "{error}");
        let reversed = "2026-03-02..2026-03-01".parse().unwrap();
        let error = resolve(&reversed, Tz::UTC, LATER).unwrap_err().to_string();
        assert!(error.contains("earlier day first"), "{error}");
        let empty = reversed.resolve(None, Tz::UTC, LATER.parse().unwrap());
        assert!(empty.is_err(), "also without a log");
    }
}
