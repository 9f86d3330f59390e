//! The columns of an event's time: in the time zone of the report, in UTC, and as numbers.
//!
//! They are calculated with integers. The engine's functions for hours and weekdays build a
//! calendar date for each event, which costs many times as much.

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use polars::prelude::*;

use crate::query::engine::memoize;
use crate::schema::{MICROS_PER_DAY, MICROS_PER_HOUR};

/// Span in which the offset of a time zone from UTC is calculated once, in microseconds. Clocks
/// never change twice in it.
const OFFSET_SPAN_US: i64 = MICROS_PER_HOUR / 4;

/// Returns the columns of an event's time, with their names.
pub fn time_columns(zone: Tz) -> Vec<(&'static str, Expr)> {
    let local = local_us(zone);
    let local_time = local.clone().cast(DataType::Datetime(TimeUnit::Microseconds, None));
    let utc = col("CreationTime").dt();
    let in_hour = map_numbers(local.clone(), |us| us.rem_euclid(MICROS_PER_HOUR));
    vec![
        ("local_time", local_time.clone()),
        ("local_date", local_time.clone().dt().date()),
        ("local_epoch_day", map_numbers(local.clone(), epoch_day)),
        ("local_hour", map_numbers(local.clone(), hour)),
        ("local_weekday", map_numbers(local.clone(), weekday)),
        ("local_week", format_day(local_time.clone(), "%G-W%V")),
        ("local_month", format_day(local_time, "%Y-%m")),
        ("local_epoch_month", epoch_months(local)),
        ("utc_date", utc.replace_time_zone(None, lit("raise"), NonExistent::Raise).dt().date()),
        ("utc_hour", map_numbers(epoch_us(), hour)),
        ("epoch_us", epoch_us()),
        ("hour_start_us", epoch_us() - in_hour),
    ]
}

/// Returns the time in microseconds since 1970 (UTC).
fn epoch_us() -> Expr {
    col("CreationTime").cast(DataType::Int64)
}

/// Returns the local time as the microseconds between it and 1970-01-01 00:00 of the same clock.
fn local_us(zone: Tz) -> Expr {
    if zone == Tz::UTC {
        return epoch_us();
    }
    memoize::map_columns([epoch_us()], DataType::Int64, move |[times]| {
        let mut offsets = Offsets::new(zone);
        let times = times.i64()?;
        let local: Int64Chunked = arity::unary_elementwise_values(times, |us: i64| {
            us.saturating_add(offsets.offset_us(us))
        });
        Ok(local.into_column())
    })
}

/// Offsets of a time zone from UTC. That of the last span is kept, because most events are stored
/// in the order of their times.
struct Offsets {
    zone: Tz,
    /// Start of the span.
    start_us: i64,
    /// Offset of all times in the span; `None` if it changes in the span.
    offset_us: Option<i64>,
}

impl Offsets {
    fn new(zone: Tz) -> Offsets {
        Offsets { zone, start_us: 0, offset_us: None }
    }

    fn offset_us(&mut self, us: i64) -> i64 {
        let start_us = us.saturating_sub(us.rem_euclid(OFFSET_SPAN_US));
        match self.offset_us {
            Some(offset) if start_us == self.start_us => offset,
            _ => {
                let first = offset_us(self.zone, start_us);
                let last = offset_us(self.zone, start_us.saturating_add(OFFSET_SPAN_US - 1));
                *self = Offsets {
                    start_us,
                    offset_us: Some(first).filter(|first| *first == last),
                    ..*self
                };
                if first == last { first } else { offset_us(self.zone, us) }
            }
        }
    }
}

/// Returns the offset of a time zone at an instant. Instants that no calendar contains, 262,000
/// years from now, have none.
fn offset_us(zone: Tz, us: i64) -> i64 {
    let offset = |utc: DateTime<chrono::Utc>| zone.offset_from_utc_datetime(&utc.naive_utc()).fix();
    let seconds = DateTime::from_timestamp_micros(us).map(|utc| offset(utc).local_minus_utc());
    i64::from(seconds.unwrap_or(0)) * 1_000_000
}

/// Returns the number of days from 1970-01-01 to the day of a time.
fn epoch_day(us: i64) -> i64 {
    us.div_euclid(MICROS_PER_DAY)
}

/// Returns the hour of the day, 0 to 23.
fn hour(us: i64) -> i64 {
    us.rem_euclid(MICROS_PER_DAY) / MICROS_PER_HOUR
}

/// Returns the day of the week: 1 (Monday) to 7 (Sunday). 1970-01-01 was a Thursday.
fn weekday(us: i64) -> i64 {
    (epoch_day(us) + 3).rem_euclid(7) + 1
}

/// Returns the number of months from January of year 0 to the month of a time. The last day is
/// kept, because most events are stored in the order of their times.
fn epoch_months(local: Expr) -> Expr {
    memoize::map_columns([map_numbers(local, epoch_day)], DataType::Int64, |[days]| {
        let mut last: (Option<i64>, Option<i64>) = (None, None);
        let mut month = |day: i64| {
            if last.0 != Some(day) {
                let date = date_of(day);
                let number =
                    date.map(|date| i64::from(date.year()) * 12 + i64::from(date.month0()));
                last = (Some(day), number);
            }
            last.1
        };
        let months: Int64Chunked = days.i64()?.iter().map(|day| day.and_then(&mut month)).collect();
        Ok(months.with_name(days.name().clone()).into_column())
    })
}

/// Formats the day of a time; equal days are formatted once.
fn format_day(time: Expr, format: &'static str) -> Expr {
    let write = move |day: i32| Some(date_of(day.into())?.format(format).to_string());
    memoize::map_date(time.dt().date(), write)
}

/// Returns the date of a day since 1970-01-01; `None` if no calendar contains it.
fn date_of(epoch_day: i64) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_signed(TimeDelta::try_days(epoch_day)?)
}

/// Maps each number to another one; null for a null.
fn map_numbers(numbers: Expr, make: impl Fn(i64) -> i64 + Copy + Send + Sync + 'static) -> Expr {
    memoize::map_columns([numbers], DataType::Int64, move |[numbers]| {
        Ok(numbers.i64()?.apply_values(make).into_column())
    })
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDateTime, Timelike};

    use super::*;

    /// Returns the values of the columns for these instants, as texts.
    fn columns(zone: Tz, times: &[Option<i64>]) -> DataFrame {
        let utc = DataType::Datetime(TimeUnit::Microseconds, Some(polars::prelude::TimeZone::UTC));
        let frame = df!("CreationTime" => times).unwrap().lazy();
        let named = time_columns(zone).into_iter().map(|(name, expr)| expr.alias(name));
        let frame = frame.with_column(col("CreationTime").cast(utc));
        frame.select(named.collect::<Vec<_>>()).collect().unwrap()
    }

    fn text(frame: &DataFrame, name: &str, row: usize) -> String {
        match frame.column(name).unwrap().get(row).unwrap() {
            AnyValue::Null => "null".to_owned(),
            AnyValue::Datetime(us, ..) => us.to_string(),
            value => value.str_value().into_owned(),
        }
    }

    /// The calendar of chrono says for each instant what the columns must contain.
    #[test]
    fn columns_are_those_of_the_calendar() {
        const MINUTE: i64 = 60_000_000;
        let at = |text: &str| text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp_micros();
        // The days around changes of clocks, also by half an hour and at midnight, and in old times
        // at which offsets had seconds.
        let around = [
            "2026-03-29T00:00:00",
            "2026-10-25T00:00:00",
            "2026-10-03T15:00:00",
            "2026-04-04T14:00:00",
            "2018-11-04T02:00:00",
            "1969-12-31T20:00:00",
            "1890-01-01T00:00:00",
            "2024-12-31T12:00:00",
        ];
        let steps = |start: i64| (-200..200).map(move |step| start + step * 7 * MINUTE + step);
        let mut times: Vec<i64> = around.into_iter().map(at).flat_map(steps).collect();
        times.reverse();
        let with_null: Vec<Option<i64>> =
            std::iter::once(None).chain(times.iter().copied().map(Some)).collect();
        for zone in
            ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata"]
        {
            let zone: Tz = zone.parse().unwrap();
            let frame = columns(zone, &with_null);
            for (name, _) in time_columns(zone) {
                assert_eq!(text(&frame, name, 0), "null", "{name}");
            }
            for (row, us) in times.iter().enumerate() {
                let utc = DateTime::from_timestamp_micros(*us).unwrap();
                let local = utc.with_timezone(&zone).naive_local();
                let us_in_hour = i64::from(local.minute()) * MINUTE
                    + i64::from(local.second()) * 1_000_000
                    + i64::from(local.nanosecond() / 1_000);
                let expected = [
                    ("local_time", local.and_utc().timestamp_micros().to_string()),
                    ("local_date", local.date().to_string()),
                    ("local_epoch_day", local.date().to_epoch_days().to_string()),
                    ("local_hour", local.hour().to_string()),
                    ("local_weekday", local.weekday().number_from_monday().to_string()),
                    ("local_week", local.format("%G-W%V").to_string()),
                    ("local_month", local.format("%Y-%m").to_string()),
                    (
                        "local_epoch_month",
                        (i64::from(local.year()) * 12 + i64::from(local.month0())).to_string(),
                    ),
                    ("utc_date", utc.date_naive().to_string()),
                    ("utc_hour", utc.hour().to_string()),
                    ("epoch_us", us.to_string()),
                    ("hour_start_us", (us - us_in_hour).to_string()),
                ];
                for (name, value) in expected {
                    assert_eq!(text(&frame, name, row + 1), value, "{name} of {utc} in {zone}");
                }
            }
        }
    }

    #[test]
    fn instants_without_a_calendar_have_no_offset() {
        let frame = columns("Asia/Kolkata".parse().unwrap(), &[Some(i64::MAX), Some(i64::MIN)]);
        assert_eq!(text(&frame, "epoch_us", 0), i64::MAX.to_string());
        assert_eq!(text(&frame, "local_epoch_month", 1), "null");
    }
}
