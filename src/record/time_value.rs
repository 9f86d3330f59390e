//! Reads the time of an event from any JSON value.

use super::parser::Value;
use super::time::{self, Timestamp};
use crate::schema::PLAUSIBLE_US;

/// The years in which an event may lie, in seconds since 1970. A number is a time in the unit in
/// which it falls into these years.
const PLAUSIBLE_SECONDS: std::ops::Range<i64> =
    PLAUSIBLE_US.start / 1_000_000..PLAUSIBLE_US.end / 1_000_000;

/// Parses the time of an event: a text in any of the forms of [`time::parse`], a number of seconds,
/// milliseconds, microseconds or nanoseconds since 1970 as pandas and JavaScript write it, or
/// `{"$date":…}` as MongoDB exports it.
pub fn parse(value: Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Text(text) => time::parse(text).or_else(|| parse_number(text.trim_ascii())),
        Value::Int(number) => from_epoch(number, 0),
        Value::Decimal(number) => parse_number(number),
        Value::Object(object) if object.len() == 1 => {
            let inner = object.member("$date").or_else(|| object.member("$numberLong"))?;
            parse(inner)
        }
        _ => None,
    }
}

/// Parses a number as text. Only seconds can have a fraction.
fn parse_number(text: &str) -> Option<Timestamp> {
    const MICROS_DIGITS: usize = 6;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let micros: String = fraction.chars().chain("000000".chars()).take(MICROS_DIGITS).collect();
    let number = whole.parse().ok()?;
    let mut timestamp = from_epoch(number, micros.parse().ok()?)?;
    timestamp.is_exact &= fraction.bytes().skip(MICROS_DIGITS).all(|digit| digit == b'0');
    Some(timestamp)
}

fn from_epoch(number: i64, micros: i64) -> Option<Timestamp> {
    if PLAUSIBLE_SECONDS.contains(&number) {
        return Some(Timestamp { epoch_us: number * 1_000_000 + micros, is_exact: true });
    }
    if micros != 0 {
        return None;
    }
    let is_time = |per_second: i64| PLAUSIBLE_SECONDS.contains(&number.div_euclid(per_second));
    let epoch_us = if is_time(1_000) {
        number * 1_000
    } else if is_time(1_000_000) {
        number
    } else if is_time(1_000_000_000) {
        number / 1_000
    } else {
        return None;
    };
    Some(Timestamp { epoch_us, is_exact: !is_time(1_000_000_000) || number % 1_000 == 0 })
}

#[cfg(test)]
mod tests {
    use crate::record::{Parser, time, time_value};

    fn read(json: &str) -> Option<String> {
        let parsed = Parser::default().parse(json.as_bytes(), |record| {
            time_value::parse(record.root()).map(|found| time::to_rfc3339(found.epoch_us))
        });
        parsed.unwrap()
    }

    #[test]
    fn one_time_has_many_spellings() {
        for json in [
            "\"2026-03-02T01:15:00\"",
            "1772414100",
            "1772414100.0",
            "1772414100000",
            "\"1772414100000\"",
            "1772414100000000",
            "1772414100000000000",
            "{\"$date\":\"2026-03-02T01:15:00Z\"}",
            "{\"$date\":1772414100000}",
            "{\"$date\":{\"$numberLong\":\"1772414100000\"}}",
        ] {
            assert_eq!(read(json).as_deref(), Some("2026-03-02T01:15:00Z"), "{json}");
        }
        assert_eq!(read("1772414100.25").as_deref(), Some("2026-03-02T01:15:00.250000Z"));
    }

    #[test]
    fn other_values_are_not_times() {
        for json in
            ["0", "17", "20240101", "1e9", "true", "{}", "[1772414100]", "1772414100000.5", "-1"]
        {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
