//! Formats times and days, for people and for programs.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta};
use chrono_tz::Tz;

/// Formats an instant as ISO 8601 with the offset of the zone: `2026-03-01T23:05:00+01:00`.
pub fn instant_iso(us: i64, zone: Tz) -> String {
    match DateTime::from_timestamp_micros(us) {
        Some(utc) => utc.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::AutoSi, false),
        None => out_of_range(us),
    }
}

/// Formats an instant for people, to the minute: `2026-03-01 23:05`.
pub fn instant_short(us: i64, zone: Tz) -> String {
    match DateTime::from_timestamp_micros(us) {
        Some(utc) => utc.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
        None => out_of_range(us),
    }
}

/// Formats a wall-clock time as ISO 8601 without an offset: `2026-03-01T23:05:00`.
pub fn local_iso(us: i64) -> String {
    wall_clock(us)
        .map_or_else(|| out_of_range(us), |t| t.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
}

/// Formats a wall-clock time for people, to the minute: `2026-03-01 23:05`.
pub fn local_short(us: i64) -> String {
    wall_clock(us).map_or_else(|| out_of_range(us), |t| t.format("%Y-%m-%d %H:%M").to_string())
}

/// Formats a day as `2026-03-01`.
pub fn date_iso(days: i32) -> String {
    let day = NaiveDate::default().checked_add_signed(TimeDelta::days(days.into()));
    day.map_or_else(|| out_of_range(days.into()), |day| day.to_string())
}

/// Returns the wall-clock time of an instant in a zone, in microseconds since
/// 1970-01-01T00:00:00 on the same clock.
pub fn local_us(us: i64, zone: Tz) -> Option<i64> {
    let instant = DateTime::from_timestamp_micros(us)?;
    Some(instant.with_timezone(&zone).naive_local().and_utc().timestamp_micros())
}

fn wall_clock(us: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(us).map(|utc| utc.naive_utc())
}

/// Formats a value outside the calendar as its number, rather than as a wrong day.
fn out_of_range(value: i64) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_the_offset_of_their_zone_and_day() {
        let us = 1_772_406_300_000_000;
        assert_eq!(instant_iso(us, Tz::UTC), "2026-03-01T23:05:00+00:00");
        assert_eq!(instant_iso(us, chrono_tz::Europe::Zurich), "2026-03-02T00:05:00+01:00");
        assert_eq!(instant_short(us, chrono_tz::Asia::Kolkata), "2026-03-02 04:35");
        assert_eq!(instant_iso(us + 1, Tz::UTC), "2026-03-01T23:05:00.000001+00:00");
    }

    #[test]
    fn wall_clock_time_depends_on_zone_and_day() {
        let us = 1_772_406_300_000_001;
        let hour = 3_600_000_000;
        assert_eq!(local_us(us, Tz::UTC), Some(us));
        assert_eq!(local_us(us, chrono_tz::Europe::Zurich), Some(us + hour));
        // A month later, daylight saving time has begun.
        let later = us + 30 * 24 * hour;
        assert_eq!(local_us(later, chrono_tz::Europe::Zurich), Some(later + 2 * hour));
        assert_eq!(local_us(i64::MAX, Tz::UTC), None);
    }

    #[test]
    fn days_and_wall_clocks_need_no_zone() {
        assert_eq!(date_iso(20_513), "2026-03-01");
        assert_eq!(date_iso(-1), "1969-12-31");
        assert_eq!(date_iso(i32::MAX), i32::MAX.to_string());
        assert_eq!(local_iso(1_772_406_300_000_000), "2026-03-01T23:05:00");
        assert_eq!(local_short(0), "1970-01-01 00:00");
        assert_eq!(local_iso(i64::MAX), i64::MAX.to_string());
    }
}
