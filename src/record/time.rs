//! Parses and formats timestamps.
//!
//! The REST API writes `2024-03-01T08:15:30`, which is UTC, and the cmdlets add a `Z`. PowerShell
//! converts it to `/Date(1709280930000)/`, or writes seven digits of fraction. `local_time` parses
//! the formats of countries.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::schema::MICROS_PER_DAY;

/// A point in time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Microseconds since 1970.
    pub epoch_us: i64,
    /// False if the text had digits below a microsecond, which are truncated.
    pub is_exact: bool,
}

/// Parses a timestamp in any of the forms in JSON files. A text without a time zone is UTC.
///
/// Returns `None` for any other text.
pub fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.trim_ascii().as_bytes();
    match bytes.first()? {
        b'0'..=b'9' => parse_iso(bytes),
        b'/' | b'\\' => parse_json_date(text.trim_ascii()),
        _ => None,
    }
}

/// Parses digits; `None` for an empty text or any other character.
fn parse_digits(bytes: &[u8]) -> Option<u32> {
    bytes.first()?;
    bytes.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Parses `2024-03-01T08:15:30[.123456789][Z|+hh:mm|+hhmm|+hh]`. A space can replace the `T`, and
/// the time can be missing.
fn parse_iso(bytes: &[u8]) -> Option<Timestamp> {
    let (date, rest) = bytes.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = i32::try_from(parse_digits(&date[..4])?).ok()?;
    let date =
        NaiveDate::from_ymd_opt(year, parse_digits(&date[5..7])?, parse_digits(&date[8..10])?)?;
    if rest.is_empty() {
        return to_timestamp(date.and_time(NaiveTime::MIN), 0, 0, true);
    }
    let (clock, rest) = rest.split_at_checked(9)?;
    if !matches!(clock[0], b'T' | b't' | b' ') || clock[3] != b':' || clock[6] != b':' {
        return None;
    }
    let time = date.and_hms_opt(
        parse_digits(&clock[1..3])?,
        parse_digits(&clock[4..6])?,
        parse_digits(&clock[7..9])?,
    )?;
    let (micros, exact, rest) = parse_fraction(rest)?;
    to_timestamp(time, micros, parse_offset_minutes(rest)?, exact)
}

fn to_timestamp(
    time: NaiveDateTime,
    micros: i64,
    offset_minutes: i64,
    exact: bool,
) -> Option<Timestamp> {
    let seconds = time.and_utc().timestamp() - offset_minutes * 60;
    Some(Timestamp { epoch_us: seconds.checked_mul(1_000_000)? + micros, is_exact: exact })
}

/// Returns the fraction of a second in microseconds, true if it is exact, and the text after it.
fn parse_fraction(bytes: &[u8]) -> Option<(i64, bool, &[u8])> {
    let Some(rest) = bytes.strip_prefix(b".") else { return Some((0, true, bytes)) };
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(len);
    if digits.is_empty() {
        return None;
    }
    let micros = (0..6).fold(0, |number, index| {
        number * 10 + digits.get(index).map_or(0, |digit| i64::from(digit - b'0'))
    });
    let exact = digits.iter().skip(6).all(|&digit| digit == b'0');
    Some((micros, exact, rest))
}

/// Returns the offset from UTC in minutes: `Z`, `+02:00`, `-0530`, `+02` or nothing.
fn parse_offset_minutes(bytes: &[u8]) -> Option<i64> {
    let (sign, rest) = match bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, _] => (parse_digits(rest)?, 0),
        [_, _, b':', _, _] => (parse_digits(&rest[..2])?, parse_digits(&rest[3..])?),
        [_, _, _, _] => (parse_digits(&rest[..2])?, parse_digits(&rest[2..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes))
}

/// Parses `/Date(1567236671000)/` and `/Date(1567236671000+0200)/`: milliseconds in UTC. The offset
/// only says where the text was written.
fn parse_json_date(text: &str) -> Option<Timestamp> {
    let text = text.strip_prefix('\\').unwrap_or(text).strip_prefix("/Date(")?;
    let text = text.strip_suffix('/')?;
    let text = text.strip_suffix('\\').unwrap_or(text).strip_suffix(')')?;
    let end =
        text.bytes().skip(1).position(|b| b == b'+' || b == b'-').map_or(text.len(), |at| at + 1);
    let millis: i64 = text[..end].parse().ok()?;
    Some(Timestamp { epoch_us: millis.checked_mul(1000)?, is_exact: true })
}

/// Returns the UTC month of a time as `2024-03`; `None` for years outside 1 to 9999.
pub fn month(us: i64) -> Option<String> {
    let day = day(us)?;
    Some(day.format("%Y-%m").to_string())
}

/// Returns the UTC day of a time; `None` outside the years 1 to 9999.
pub fn day(us: i64) -> Option<NaiveDate> {
    use chrono::Datelike;
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let day = epoch.checked_add_signed(TimeDelta::try_days(us.div_euclid(MICROS_PER_DAY))?)?;
    (1..=9999).contains(&day.year()).then_some(day)
}

/// Formats a time as `2024-03-01T08:15:30.123456Z`, without the fraction if it is zero.
pub fn to_rfc3339(us: i64) -> String {
    match chrono::DateTime::from_timestamp_micros(us) {
        Some(time) if us.rem_euclid(1_000_000) == 0 => {
            time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        }
        _ => to_rfc3339_micros(us),
    }
}

/// Formats a time as `2024-03-01T08:15:30.123456Z`, always with microseconds.
pub fn to_rfc3339_micros(us: i64) -> String {
    match chrono::DateTime::from_timestamp_micros(us) {
        Some(time) => time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        None => format!("{us} us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<String> {
        parse(text).map(|timestamp| to_rfc3339(timestamp.epoch_us))
    }

    #[test]
    fn all_forms_of_one_timestamp_are_parsed() {
        for text in [
            "2019-08-31T07:31:11",
            "2019-08-31T07:31:11Z",
            "2019-08-31 07:31:11",
            "2019-08-31T07:31:11.0000000Z ",
            "2019-08-31T09:31:11+02:00",
            "2019-08-31T02:01:11-0530",
            "/Date(1567236671000)/",
            r"\/Date(1567236671000)\/",
            "/Date(1567236671000+0200)/",
        ] {
            assert_eq!(utc(text).as_deref(), Some("2019-08-31T07:31:11Z"), "{text}");
        }
    }

    #[test]
    fn digits_below_a_microsecond_are_truncated_and_marked() {
        let timestamp = parse("2026-01-24T06:54:24.1234567Z").unwrap();
        assert_eq!(
            (to_rfc3339(timestamp.epoch_us).as_str(), timestamp.is_exact),
            ("2026-01-24T06:54:24.123456Z", false)
        );
        assert!(parse("2026-01-24T06:54:24.1234560Z").unwrap().is_exact);
    }

    #[test]
    fn invalid_timestamps_are_rejected() {
        for text in [
            "",
            "2024-02-30T00:00:00",
            "2024-01-01T25:00:00",
            "yesterday",
            "/Date(x)/",
            "2024-01-01T00:00:00+2",
            "2024-01-01T00:00:00.",
            "20240101",
            "2024-01-01T00:00",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn months_and_days_are_utc() {
        let timestamp = parse("2024-03-01T00:30:00+01:00").unwrap();
        assert_eq!(month(timestamp.epoch_us).as_deref(), Some("2024-02"));
        assert_eq!(day(i64::MAX), None);
        assert_eq!(month(-1).as_deref(), Some("1969-12"));
    }
}
