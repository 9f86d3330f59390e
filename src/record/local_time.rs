//! Parses dates and times in the format of a country.
//!
//! PowerShell writes such texts with Export-Csv, in the format of the machine:
//! `9/20/2023 4:05:03 AM`, `20/9/2023 04:05:03`, `20.09.2023 04:05:03`. The order of day and month
//! is never guessed: a date with two readings needs a [`DateOrder`].

use chrono::{NaiveDate, NaiveDateTime};

use super::time::{self, Timestamp};

/// The order of day and month in dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `20/9/2023`
    DayFirst,
    /// `9/20/2023`
    MonthFirst,
}

/// The result of parsing a time in the format of a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalTime {
    /// The text has one reading, or the order decides. Without a time zone, it is UTC.
    Known(Timestamp),
    /// Day or month can be first.
    Ambiguous,
    /// The text is not a time.
    Unreadable,
}

/// Parses a time in any of the forms of [`time::parse`], or in the format of a country. `order`
/// returns the order of the dates of the file, and is called only if it decides.
pub fn parse(text: &str, order: impl FnOnce() -> Option<DateOrder>) -> LocalTime {
    if let Some(timestamp) = time::parse(text) {
        return LocalTime::Known(timestamp);
    }
    let Some(readings) = readings(text) else { return LocalTime::Unreadable };
    let time = match (readings.day_first, readings.month_first) {
        (Some(one), Some(other)) if one != other => match order() {
            None => return LocalTime::Ambiguous,
            Some(DateOrder::DayFirst) => one,
            Some(DateOrder::MonthFirst) => other,
        },
        (Some(time), _) | (None, Some(time)) => time,
        (None, None) => return LocalTime::Unreadable,
    };
    let epoch_us = time.and_utc().timestamp().saturating_mul(1_000_000);
    LocalTime::Known(Timestamp { epoch_us, is_exact: true })
}

/// Returns the order that a date proves, because it has only one reading. `exact` is the same time
/// in another field, if it is known.
pub fn proven_order(text: &str, exact: Option<NaiveDate>) -> Option<DateOrder> {
    let readings = readings(text).filter(|readings| !readings.has_fixed_order)?;
    let day = |time: Option<NaiveDateTime>| time.map(|time| time.date());
    match (day(readings.day_first), day(readings.month_first)) {
        (Some(_), None) => Some(DateOrder::DayFirst),
        (None, Some(_)) => Some(DateOrder::MonthFirst),
        (one, other) if one == other => None,
        (one, _) if exact.is_some() && one == exact => Some(DateOrder::DayFirst),
        (_, other) if exact.is_some() && other == exact => Some(DateOrder::MonthFirst),
        _ => None,
    }
}

/// The possible readings of a text.
struct Readings {
    day_first: Option<NaiveDateTime>,
    month_first: Option<NaiveDateTime>,
    /// True if the form of the date implies the order of its parts.
    has_fixed_order: bool,
}

/// Parses a date, a time of day, and `AM` or `PM` in any spelling. A narrow no-break space can
/// be before it.
fn readings(text: &str) -> Option<Readings> {
    let is_mark = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}' | '\u{202c}');
    let text: String = text.chars().filter(|c| !is_mark(*c)).collect();
    let mut words = text.split_whitespace();
    let date = words.next()?.trim_end_matches(',');
    let clock = words.next()?;
    let digits = clock.find(char::is_alphabetic).unwrap_or(clock.len());
    let (clock, attached) = clock.split_at(digits);
    let half: String = std::iter::once(attached).chain(words).collect();
    let (hour, minute, second) = parse_clock(clock, &half)?;
    let parts: Vec<u32> = date.split(['/', '.', '-']).map(parse_number).collect::<Option<_>>()?;
    let [first, second_part, third] = parts[..] else { return None };
    let at = |year: u32, month: u32, day: u32| {
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        date.and_hms_opt(hour, minute, second)
    };
    let is_year = |number: u32| (1000..=9999).contains(&number);
    Some(if is_year(first) {
        Readings {
            day_first: at(first, second_part, third),
            month_first: None,
            has_fixed_order: true,
        }
    } else if !is_year(third) {
        return None;
    } else if date.contains('.') {
        // Every country that writes dots has the day first.
        Readings {
            day_first: at(third, second_part, first),
            month_first: None,
            has_fixed_order: true,
        }
    } else {
        Readings {
            day_first: at(third, second_part, first),
            month_first: at(third, first, second_part),
            has_fixed_order: false,
        }
    })
}

/// Parses `4:05`, `16:05:03` or `16.05.03`, with `am` or `pm` or nothing after it.
fn parse_clock(clock: &str, half: &str) -> Option<(u32, u32, u32)> {
    let numbers: Vec<u32> = clock.split([':', '.']).map(parse_number).collect::<Option<_>>()?;
    let (hour, minute, second) = match numbers[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let half = half.replace('.', "").to_lowercase();
    let hour = match (half.as_str(), hour) {
        ("", _) => hour,
        ("am", 1..=12) => hour % 12,
        ("pm", 1..=12) => hour % 12 + 12,
        _ => return None,
    };
    Some((hour, minute, second))
}

/// Parses digits, at most four; `None` for any other text.
fn parse_number(text: &str) -> Option<u32> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use crate::record::local_time::*;

    fn read(text: &str, order: Option<DateOrder>) -> String {
        match parse(text, || order) {
            LocalTime::Known(timestamp) => time::to_rfc3339(timestamp.epoch_us),
            LocalTime::Ambiguous => "ambiguous".to_owned(),
            LocalTime::Unreadable => "unreadable".to_owned(),
        }
    }

    #[test]
    fn dates_with_one_reading_need_no_order() {
        for (text, expected) in [
            ("9/20/2023 4:05:03 PM", "2023-09-20T16:05:03Z"),
            ("20/9/2023 04:05:03", "2023-09-20T04:05:03Z"),
            ("03.09.2023 04:05:03", "2023-09-03T04:05:03Z"),
            ("3/3/2023 12:00:00 AM", "2023-03-03T00:00:00Z"),
            ("25/12/2025 7:31:34 pm", "2025-12-25T19:31:34Z"),
            ("12/25/2025 7:31:34\u{202f}PM", "2025-12-25T19:31:34Z"),
            ("25-12-2025 15.31.34", "2025-12-25T15:31:34Z"),
            ("25/12/2025, 15:31", "2025-12-25T15:31:00Z"),
            ("2025/12/03 7:31:34 a.m.", "2025-12-03T07:31:34Z"),
            ("\u{200e}25/12/2025 7:31:34am", "2025-12-25T07:31:34Z"),
            ("2026-01-24T06:54:24.0000000Z ", "2026-01-24T06:54:24Z"),
        ] {
            assert_eq!(read(text, None), expected, "{text}");
        }
    }

    #[test]
    fn date_with_two_readings_follows_the_order_and_is_never_guessed() {
        let text = "3/12/2025 7:31:34 AM";
        assert_eq!(read(text, None), "ambiguous");
        assert_eq!(read(text, Some(DateOrder::DayFirst)), "2025-12-03T07:31:34Z");
        assert_eq!(read(text, Some(DateOrder::MonthFirst)), "2025-03-12T07:31:34Z");
        assert_eq!(read("03-12-2025 07:31", None), "ambiguous");
        // The order does not change a date that has one reading.
        assert_eq!(read("12/25/2025 1:00", Some(DateOrder::DayFirst)), "2025-12-25T01:00:00Z");
    }

    #[test]
    fn order_is_proven_by_a_large_day_or_by_the_exact_date() {
        let day = |text: &str| text.parse().ok();
        assert_eq!(proven_order("25/12/2025 1:00", None), Some(DateOrder::DayFirst));
        assert_eq!(proven_order("12/25/2025 1:00", None), Some(DateOrder::MonthFirst));
        assert_eq!(proven_order("3/12/2025 1:00", day("2025-12-03")), Some(DateOrder::DayFirst));
        assert_eq!(proven_order("3/12/2025 1:00", day("2025-03-12")), Some(DateOrder::MonthFirst));
        for text in ["3/12/2025 1:00", "3/3/2025 1:00", "25.12.2025 1:00", "2025/12/25 1:00", "x"] {
            assert_eq!(proven_order(text, None), None, "{text}");
        }
        assert_eq!(proven_order("3/12/2025 1:00", day("2025-12-04")), None);
    }

    #[test]
    fn text_that_only_starts_like_a_time_is_unreadable() {
        for text in [
            "",
            ".123456734567+",
            "4294967297/1/2024",
            "1/2/99999999999 00:00:00",
            "20.09..203 015:05",
            "1/2/2024/5 10:00",
            "1/2/2024 10:00:00:00",
            "1/2/2024 20:00 AM",
            "1/2/2024 10:00 AM soon",
            "31/31/2023 1:00:00",
            "12.25.2023 1:00:00",
            "1/2/24 10:00",
            "1/2/2024",
        ] {
            assert_eq!(read(text, None), "unreadable", "{text}");
        }
    }
}
