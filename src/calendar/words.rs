//! Days that a text names: `2026-03-01`, `last-month`, `30d`.

use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Weekday};

use crate::calendar::near::{self, is_number};
use crate::{Error, Result};

/// Calendar unit that contains a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalendarUnit {
    /// The day itself.
    Day,
    /// Week from Monday to Sunday.
    Week,
    /// Month.
    Month,
    /// Three months that start in January, April, July or October.
    Quarter,
    /// Year.
    Year,
}

/// Days that a text names: one end of a period, or a whole period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayBound {
    /// Days of the calendar: `2026-03-01`, `2026-03`, `2026-W13`, `2026-Q1` or `2026`.
    Dates {
        /// First day.
        first: NaiveDate,
        /// Last day.
        last: NaiveDate,
    },
    /// Number of days up to the last whole day of the log, at least one: `30d`, `4w`.
    DaysBack(u32),
    /// Number of months up to the last whole day of the log, at least one: `3m`.
    MonthsBack(u32),
    /// The day, week, month, quarter or year after the last whole day of the log, as far as the log
    /// contains it: `today`, `this-month`.
    Current(CalendarUnit),
    /// The one before it: `yesterday`, `last-month`.
    Previous(CalendarUnit),
}

/// Words for days, in the order of help texts.
const WORDS: [(&str, DayBound); 10] = [
    ("today", DayBound::Current(CalendarUnit::Day)),
    ("yesterday", DayBound::Previous(CalendarUnit::Day)),
    ("this-week", DayBound::Current(CalendarUnit::Week)),
    ("last-week", DayBound::Previous(CalendarUnit::Week)),
    ("this-month", DayBound::Current(CalendarUnit::Month)),
    ("last-month", DayBound::Previous(CalendarUnit::Month)),
    ("this-quarter", DayBound::Current(CalendarUnit::Quarter)),
    ("last-quarter", DayBound::Previous(CalendarUnit::Quarter)),
    ("this-year", DayBound::Current(CalendarUnit::Year)),
    ("last-year", DayBound::Previous(CalendarUnit::Year)),
];

/// Greatest number of days, weeks or months to count back.
const MAX_BACK: u32 = 40_000;

impl FromStr for DayBound {
    type Err = Error;

    /// Parses a day, a period of the calendar, a word or a number of days, in any case.
    fn from_str(text: &str) -> Result<DayBound> {
        parse(text).ok_or_else(|| invalid_days(text))
    }
}

/// Returns the error for a text that names no days, with the nearest valid form.
fn invalid_days(text: &str) -> Error {
    let near = near::candidates(text, &WORDS.map(|(word, _)| word));
    let near = near.into_iter().find(|near| parse(near).is_some());
    let near = near.map_or_else(|| "use".to_owned(), |near| format!("did you mean {near}? Use"));
    Error::Usage(format!(
        "invalid date {text:?}; {near} a day (2026-03-01), month (2026-03), quarter (2026-Q1), \
         week (2026-W13) or year, a word (yesterday, last-week, this-quarter) or the last days, \
         weeks or months of the log (30d, 4w, 3m)"
    ))
}

/// Returns the error for a time of day at which no day starts or ends.
fn time_of_day(text: &str, day: NaiveDate) -> Error {
    Error::Usage(format!(
        "invalid date {text:?}; did you mean {day}? A period has whole days, so the only times are \
         00:00 and, at its end, 23:59; `sql` can filter by local_time"
    ))
}

/// Parses a text that has exactly one of the valid forms.
fn parse(text: &str) -> Option<DayBound> {
    let text = text.trim().to_lowercase();
    let word = text.replace([' ', '_'], "-");
    if let Some((_, days)) = WORDS.iter().find(|(name, _)| *name == word) {
        return Some(*days);
    }
    day(&text).or_else(|| calendar_period(&text)).or_else(|| count_back(&text))
}

/// Parses `2026-03-01`.
fn day(text: &str) -> Option<DayBound> {
    let is_day = |text: &str| text.splitn(3, '-').all(is_number) && text.matches('-').count() == 2;
    let day = is_day(text).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())??;
    Some(DayBound::Dates { first: day, last: day })
}

/// Parses `2026`, `2026-03`, `2026-q1` and `2026-w13`.
fn calendar_period(text: &str) -> Option<DayBound> {
    let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
    let year: i32 = (year.len() == 4 && is_number(year)).then(|| year.parse().ok())??;
    let months = |month: u32, count: u32| {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let last = first.checked_add_months(Months::new(count))?.pred_opt()?;
        Some(DayBound::Dates { first, last })
    };
    let number = |text: &str| is_number(text).then(|| text.parse::<u32>().ok()).flatten();
    match rest {
        None => months(1, 12),
        Some(rest) => match (rest.strip_prefix('q'), rest.strip_prefix('w')) {
            (Some(quarter), _) => {
                let quarter = number(quarter).filter(|quarter| (1..=4).contains(quarter))?;
                months(quarter * 3 - 2, 3)
            }
            (_, Some(week)) => {
                let first = NaiveDate::from_isoywd_opt(year, number(week)?, Weekday::Mon)?;
                Some(DayBound::Dates { first, last: first.checked_add_days(Days::new(6))? })
            }
            (None, None) => months(number(rest)?, 1),
        },
    }
}

/// Parses `30d`, `4w` and `3m`.
fn count_back(text: &str) -> Option<DayBound> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit).filter(|number| is_number(number))?;
    let number: u32 = number.parse().ok().filter(|number| (1..=MAX_BACK).contains(number))?;
    match unit {
        'd' => Some(DayBound::DaysBack(number)),
        'w' => Some(DayBound::DaysBack(number * 7)),
        'm' => Some(DayBound::MonthsBack(number)),
        _ => None,
    }
}

impl DayBound {
    /// Parses the first day of a period, which may have the time 00:00.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with the nearest valid form.
    pub fn parse_since(text: &str) -> Result<DayBound> {
        match day_and_time(text) {
            Some((day, NaiveTime::MIN)) => Ok(DayBound::Dates { first: day, last: day }),
            Some((day, _)) => Err(time_of_day(text, day)),
            None => text.parse(),
        }
    }

    /// Parses the last day of a period. A time of 23:59 is the end of its day, and 00:00 is the end
    /// of the day before.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with the nearest valid form.
    pub fn parse_until(text: &str) -> Result<DayBound> {
        let Some((day, time)) = day_and_time(text) else { return text.parse() };
        let last = match time {
            NaiveTime::MIN => day.pred_opt(),
            time if time.signed_duration_since(NaiveTime::MIN) >= LAST_MINUTE => Some(day),
            _ => None,
        };
        let last = last.ok_or_else(|| time_of_day(text, day))?;
        Ok(DayBound::Dates { first: last, last })
    }

    /// Returns true if the days depend on where the log ends.
    pub fn is_relative(self) -> bool {
        !matches!(self, DayBound::Dates { .. })
    }

    /// Returns the first and the last day, in a log with this last whole day.
    fn days(self, last_whole: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        let today = last_whole.succ_opt()?;
        match self {
            DayBound::Dates { first, last } => Some((first, last)),
            DayBound::DaysBack(days) => {
                Some((today.checked_sub_days(Days::new(days.into()))?, last_whole))
            }
            DayBound::MonthsBack(months) => {
                Some((today.checked_sub_months(Months::new(months))?, last_whole))
            }
            DayBound::Current(unit) => {
                let first = unit.first_day(today)?;
                Some((first, last_whole.max(first)))
            }
            DayBound::Previous(unit) => {
                let last = unit.first_day(today)?.pred_opt()?;
                Some((unit.first_day(last)?, last))
            }
        }
    }

    /// Returns the first day of a period in a log with this last whole day.
    pub(super) fn first_day(self, last_whole: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            DayBound::Dates { first, .. } => Some(first),
            relative => relative.days(last_whole?).map(|(first, _)| first),
        }
    }

    /// Returns the first day of a period by the clock: days count back from yesterday.
    pub fn first_day_by_clock(self, today: NaiveDate) -> Option<NaiveDate> {
        self.first_day(today.pred_opt())
    }

    /// Returns the last day of a period. A number of days counts back to the day before them, so
    /// `14d` to `7d` are the seven days before the last seven.
    pub(super) fn last_day(self, last_whole: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            DayBound::Dates { last, .. } => Some(last),
            DayBound::DaysBack(_) | DayBound::MonthsBack(_) => {
                self.days(last_whole?).and_then(|(first, _)| first.pred_opt())
            }
            relative => relative.days(last_whole?).map(|(_, last)| last),
        }
    }
}

/// Time of day from which a day is over.
const LAST_MINUTE: TimeDelta = TimeDelta::minutes(23 * 60 + 59);

/// Splits `2026-03-01T00:00:00` and `2026-03-01 00:00`. A zone is not accepted, because days are
/// those of the chosen time zone.
fn day_and_time(text: &str) -> Option<(NaiveDate, NaiveTime)> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    let mut forms = ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f"].into_iter();
    forms.find_map(|form| NaiveTime::parse_from_str(time, form).ok()).map(|time| (date, time))
}

impl CalendarUnit {
    /// Returns the first day of the unit that contains a day.
    fn first_day(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            CalendarUnit::Day => Some(day),
            CalendarUnit::Week => Some(day.week(Weekday::Mon).first_day()),
            CalendarUnit::Month => day.with_day(1),
            CalendarUnit::Quarter => {
                NaiveDate::from_ymd_opt(day.year(), (day.month0() / 3) * 3 + 1, 1)
            }
            CalendarUnit::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Returns the first and the last day that a text names in a log that ends on `last`.
    fn named(text: &str, last: &str) -> (String, String) {
        let days = text.parse::<DayBound>().unwrap().days(day(last)).unwrap();
        (days.0.to_string(), days.1.to_string())
    }

    #[test]
    fn texts_name_whole_periods() {
        // 2026-03-31 is a Tuesday, so the log's today is Wednesday, 2026-04-01.
        for (text, first, last) in [
            ("2026-03-01", "2026-03-01", "2026-03-01"),
            ("2026-3-1", "2026-03-01", "2026-03-01"),
            ("2026-02", "2026-02-01", "2026-02-28"),
            ("2024-02", "2024-02-01", "2024-02-29"),
            ("2026-12", "2026-12-01", "2026-12-31"),
            ("2026-Q1", "2026-01-01", "2026-03-31"),
            ("2025-q4", "2025-10-01", "2025-12-31"),
            ("2026-W01", "2025-12-29", "2026-01-04"),
            ("2026-W13", "2026-03-23", "2026-03-29"),
            ("2025", "2025-01-01", "2025-12-31"),
            ("30d", "2026-03-02", "2026-03-31"),
            ("4w", "2026-03-04", "2026-03-31"),
            ("3m", "2026-01-01", "2026-03-31"),
            ("1M", "2026-03-01", "2026-03-31"),
            ("today", "2026-04-01", "2026-04-01"),
            ("Yesterday", "2026-03-31", "2026-03-31"),
            ("this-week", "2026-03-30", "2026-03-31"),
            ("last-week", "2026-03-23", "2026-03-29"),
            ("last month", "2026-03-01", "2026-03-31"),
            ("this-month", "2026-04-01", "2026-04-01"),
            ("last_quarter", "2026-01-01", "2026-03-31"),
            ("this-year", "2026-01-01", "2026-03-31"),
            ("last-year", "2025-01-01", "2025-12-31"),
        ] {
            assert_eq!(named(text, "2026-03-31"), (first.to_owned(), last.to_owned()), "{text}");
        }
        let month_ends = named("1m", "2026-03-30");
        assert_eq!(month_ends, ("2026-02-28".to_owned(), "2026-03-30".to_owned()));
        assert_eq!(named("this-month", "2026-03-15").0, "2026-03-01");
        assert_eq!(named("this-month", "2026-03-15").1, "2026-03-15");
    }

    #[test]
    fn end_of_a_number_of_days_is_the_day_before_them() {
        let last = Some(day("2026-03-31"));
        let [from, to] = ["14d", "7d"].map(|text| text.parse::<DayBound>().unwrap());
        assert_eq!(from.first_day(last), Some(day("2026-03-18")));
        assert_eq!(to.last_day(last), Some(day("2026-03-24")));
        let month: DayBound = "last-month".parse().unwrap();
        assert_eq!(month.last_day(last), Some(day("2026-03-31")));
        assert_eq!((from.first_day(None), month.last_day(None)), (None, None));
    }

    #[test]
    fn times_are_those_at_which_a_day_starts_or_ends() {
        let date = |text: &str| text.parse::<DayBound>().unwrap();
        for text in ["2026-03-01T00:00:00", "2026-03-01 00:00", "2026-03-01t00:00:00.000"] {
            assert_eq!(DayBound::parse_since(text).unwrap(), date("2026-03-01"), "{text}");
            assert_eq!(DayBound::parse_until(text).unwrap(), date("2026-02-28"), "{text}");
        }
        for text in ["2026-03-31T23:59", "2026-03-31 23:59:59", "2026-03-31T23:59:59.9999999"] {
            assert_eq!(DayBound::parse_until(text).unwrap(), date("2026-03-31"), "{text}");
        }
        for error in [
            DayBound::parse_since("2026-03-01T08:30:00"),
            DayBound::parse_until("2026-03-01 08:30"),
            DayBound::parse_since("2026-03-01T23:59"),
            DayBound::parse_since("2026-03-01T00:00:00Z"),
        ] {
            let message = error.unwrap_err().to_string();
            assert!(message.contains("did you mean 2026-03-01?"), "{message}");
        }
    }

    #[test]
    fn invalid_texts_are_rejected_with_the_nearest_valid_form() {
        for (text, near) in [
            ("01.03.2026", "2026-03-01"),
            ("13/14/2026", ""),
            ("2026-02-30", "2026-02-28"),
            ("2026-13", ""),
            ("2026-Q5", ""),
            ("Q1/2026", "2026-Q1"),
            ("0d", "1d"),
            ("-3d", "3d"),
            ("30", "30d"),
            ("lastmonth", "last-month"),
            ("d", ""),
            ("", ""),
            ("99999999999d", ""),
            ("2026-W54", ""),
        ] {
            let message = text.parse::<DayBound>().unwrap_err().to_string();
            assert!(message.contains("(2026-03-01), month"), "{message}");
            let expected = format!("did you mean {near}?");
            assert_eq!(message.contains("did you mean"), !near.is_empty(), "{message}");
            assert!(near.is_empty() || message.contains(&expected), "{message}");
        }
    }
}
