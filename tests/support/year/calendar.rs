//! Defines the days of the year and the downloads of each.
//!
//! A day is a UTC day, as in the activity log.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// Fate of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Downloaded once, in the next night.
    Whole,
    /// Downloaded in the next two nights: the second download contains the late events.
    Twice,
    /// Downloaded at 18:00 of the same day, and again in the next night.
    EarlyThenWhole,
    /// Downloaded only at 18:00 of the same day.
    Early,
    /// Downloaded in the next night except for some hours.
    OpenHours(u32, u32),
    /// As `OpenHours`, and an export of the audit search contains the whole day.
    OpenButSearched(u32, u32),
    /// Never downloaded.
    Missing,
    /// Only in an export of the audit search.
    Searched,
    /// As `Searched`, and the search found more than the file contains.
    SearchCut,
    /// Downloaded into a file that is truncated.
    Damaged,
    /// As `Damaged`, and downloaded again in the following night.
    DamagedThenWhole,
}

/// Days with a fate; all others are `Whole`.
const FATES: [(&str, Fate); 38] = [
    ("2024-12-27", Fate::Missing),
    ("2025-02-19", Fate::DamagedThenWhole),
    ("2025-03-05", Fate::Early),
    ("2025-04-18", Fate::Missing),
    ("2025-04-19", Fate::Missing),
    ("2025-04-20", Fate::Missing),
    ("2025-06-11", Fate::OpenHours(8, 11)),
    ("2025-06-18", Fate::OpenButSearched(8, 11)),
    ("2025-08-04", Fate::SearchCut),
    ("2025-08-05", Fate::SearchCut),
    ("2025-08-06", Fate::SearchCut),
    ("2025-08-11", Fate::Searched),
    ("2025-08-12", Fate::Searched),
    ("2025-08-13", Fate::Searched),
    ("2025-08-14", Fate::Searched),
    ("2025-08-15", Fate::Searched),
    ("2025-10-14", Fate::DamagedThenWhole),
    ("2025-12-06", Fate::Missing),
    ("2025-12-16", Fate::Twice),
    ("2025-12-18", Fate::EarlyThenWhole),
    ("2026-01-05", Fate::Twice),
    ("2026-01-06", Fate::Twice),
    ("2026-01-07", Fate::Twice),
    ("2026-01-08", Fate::Twice),
    ("2026-01-09", Fate::Twice),
    ("2026-01-12", Fate::Twice),
    ("2026-01-13", Fate::Twice),
    ("2026-01-14", Fate::EarlyThenWhole),
    ("2026-01-17", Fate::Missing),
    ("2026-01-22", Fate::OpenHours(14, 16)),
    ("2026-01-26", Fate::Twice),
    ("2026-01-28", Fate::Damaged),
    ("2026-02-02", Fate::Twice),
    ("2026-02-03", Fate::Twice),
    ("2026-02-04", Fate::Twice),
    ("2026-02-05", Fate::Twice),
    ("2026-02-06", Fate::Twice),
    ("2026-02-10", Fate::Early),
];

/// Hour of a download before the end of the day.
const EARLY_HOUR: u32 = 18;
/// First day on which a download asks for single hours instead of the whole day.
const HOURLY_FROM: &str = "2025-10-01";

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day is written as 2025-03-01")
}

pub fn first() -> NaiveDate {
    day("2024-11-15")
}

pub fn last() -> NaiveDate {
    day("2026-02-10")
}

/// Returns all days in order.
pub fn days() -> impl Iterator<Item = NaiveDate> {
    first().iter_days().take_while(|day| *day <= last())
}

/// Returns the instant of a local time, for example `2025-03-01 08:30`. A skipped time is an hour
/// later; for an ambiguous time the first one is used.
pub fn at(zone: Tz, date: NaiveDate, hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    let local = date.and_hms_opt(hour, minute, second).expect("such times there are");
    let local = |shift| (local + TimeDelta::hours(shift)).and_local_timezone(zone).earliest();
    let time = local(0).or_else(|| local(1)).expect("no zone skips two hours");
    time.to_utc()
}

pub fn fate(date: NaiveDate) -> Fate {
    let own = FATES.iter().find(|(known, _)| day(known) == date);
    own.map_or(Fate::Whole, |(_, fate)| *fate)
}

/// Returns the status of a day.
pub fn status(date: NaiveDate) -> &'static str {
    match fate(date) {
        Fate::Missing => "missing",
        Fate::SearchCut | Fate::Damaged => "truncated",
        Fate::Early | Fate::OpenHours(..) => "partial",
        _ => "complete",
    }
}

/// Returns true if a download on the same day could contain the event.
pub fn is_early(time: DateTime<Utc>) -> bool {
    time.time() < NaiveTime::from_hms_opt(EARLY_HOUR, 0, 0).expect("an hour")
}

/// Returns the times of the downloads of a day, by the names of files.
pub fn pulls(date: NaiveDate) -> Vec<DateTime<Utc>> {
    let night = |days| (date + Days::new(days)).and_hms_opt(2, 10, 0).expect("a time").and_utc();
    let early = date.and_hms_opt(EARLY_HOUR, 0, 0).expect("a time").and_utc();
    match fate(date) {
        Fate::Missing | Fate::Searched | Fate::SearchCut => vec![],
        Fate::Early => vec![early],
        Fate::EarlyThenWhole => vec![early, night(1)],
        Fate::Twice | Fate::DamagedThenWhole => vec![night(1), night(2)],
        _ => vec![night(1)],
    }
}

/// Returns the periods that a download asked the log for.
pub fn windows(date: NaiveDate, pulled: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let start = date.and_time(NaiveTime::MIN).and_utc();
    let is_early = pulled < start + TimeDelta::days(1);
    let end = if is_early { EARLY_HOUR } else { 24 };
    let hours: Vec<(u32, u32)> = match fate(date) {
        Fate::OpenHours(from, to) | Fate::OpenButSearched(from, to) if date < day(HOURLY_FROM) => {
            vec![(0, from), (to, 24)]
        }
        Fate::OpenHours(from, to) => (0..24)
            .filter(|hour| *hour < from || to <= *hour)
            .map(|hour| (hour, hour + 1))
            .collect(),
        _ if date < day(HOURLY_FROM) => vec![(0, end)],
        _ => (0..end).map(|hour| (hour, hour + 1)).collect(),
    };
    let instant = |hour: u32| start + TimeDelta::hours(i64::from(hour));
    let last = TimeDelta::milliseconds(1);
    hours.iter().map(|(from, to)| (instant(*from), instant(*to) - last)).collect()
}
