//! Days as instants, in UTC and in a time zone with daylight saving time.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// Times of the first and last stored event, in microseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeRange {
    /// Time of the first event.
    pub first_us: i64,
    /// Time of the last event.
    pub last_us: i64,
}

/// Returns the last local day that ends within the last UTC day of an archive. The local day after
/// it has not ended, or is not in the archive in full.
pub fn last_whole_day(range: EventTimeRange, zone: Tz) -> Option<NaiveDate> {
    let end = utc_day_start(next_day(utc_day(range.last_us)?));
    let last = local_day(range.last_us, zone)?;
    let is_whole = |day: &NaiveDate| local_day_start(next_day(*day), zone) <= end;
    std::iter::successors(Some(last), NaiveDate::pred_opt).take(3).find(is_whole)
}

/// Returns the local day of an instant.
pub fn local_day(us: i64, zone: Tz) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(us).map(|utc| utc.with_timezone(&zone).date_naive())
}

/// Returns the UTC day of an instant.
pub fn utc_day(us: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(us).map(|utc| utc.date_naive())
}

/// Returns the first instant of a UTC day, in microseconds since 1970.
pub fn utc_day_start(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}

/// Returns the next day; the last day of the calendar has none and is returned itself.
pub fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// Returns the first instant of a local day.
///
/// If clocks go forward at midnight, the day begins after the change. If midnight occurs twice, the
/// day begins at the first.
pub fn local_day_start(day: NaiveDate, zone: Tz) -> i64 {
    let midnight = day.and_time(NaiveTime::MIN);
    // No time zone ever skipped more than a day, and all transitions were at quarters of an hour.
    let mut instants = (0..=96).filter_map(|quarter| {
        let time: NaiveDateTime = midnight.checked_add_signed(TimeDelta::minutes(15 * quarter))?;
        zone.from_local_datetime(&time).earliest()
    });
    instants.next().map_or_else(|| utc_day_start(day), |instant| instant.timestamp_micros())
}
