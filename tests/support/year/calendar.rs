//! The days of the year, and what became of each on its way into the archive.
//!
//! Owns: the first and the last day, the fates of days, and which hours of a day were pulled. Must
//! not know events or files. A day is a UTC day, as it is for whoever pulls the log.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// What became of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Pulled once, in the next night.
    Whole,
    /// Pulled in the next night and in the one after: the second pull has what came late.
    Twice,
    /// Pulled at 18:00 of the same day, and again in the next night.
    EarlyThenWhole,
    /// Pulled at 18:00 of the same day, and never again.
    Early,
    /// Pulled in the next night, but for some hours.
    OpenHours(u32, u32),
    /// The same, but an export of the audit search has the whole day.
    OpenButSearched(u32, u32),
    /// Never pulled.
    Missing,
    /// Known from an export of the audit search alone.
    Searched,
    /// The same, and the search found more than the file holds.
    SearchCut,
    /// Pulled into a file that breaks off.
    Damaged,
    /// The same, and pulled again in the night after.
    DamagedThenWhole,
}

/// The days that have a fate of their own; all others are whole.
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

/// The hour at which a day is pulled that is not over.
const EARLY_HOUR: u32 = 18;
/// From this day on a pull asks for an hour at a time; before, for the whole day.
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

/// All days, in order.
pub fn days() -> impl Iterator<Item = NaiveDate> {
    first().iter_days().take_while(|day| *day <= last())
}

/// An instant by the clocks of a zone, as `2025-03-01 08:30`. What clocks skip is an hour later,
/// what they show twice is meant the first time.
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

/// What there is to know of how a day is held, and why.
pub fn verdict(date: NaiveDate) -> &'static str {
    match fate(date) {
        Fate::Missing => "missing",
        Fate::SearchCut | Fate::Damaged => "truncated",
        Fate::Early | Fate::OpenHours(..) => "partial",
        _ => "complete",
    }
}

/// Whether a pull on the day itself could know of it.
pub fn is_early(time: DateTime<Utc>) -> bool {
    time.time() < NaiveTime::from_hms_opt(EARLY_HOUR, 0, 0).expect("an hour")
}

/// When a day was pulled, by the names of files.
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

/// What a pull asked the log for.
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
