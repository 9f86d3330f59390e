//! The days of the chosen time zone, judged by the UTC days that they touch, and which of them a
//! trend compares.
//!
//! Owns: how verdicts on UTC days become verdicts on local days, and the two halves of a trend.
//! Must not know sources or the engine.

use chrono::NaiveDate;

use crate::query::coverage::assess::{Coverage, DayStatus};
use crate::query::coverage::period::Period;

/// One day of the time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDay {
    /// Which.
    pub date: NaiveDate,
    /// How completely it is held.
    pub status: DayStatus,
    /// The rule that decided, in words.
    pub reason: String,
    /// 1 or 2 if a trend compares it: among the first days, or among the last.
    pub trend_half: Option<i64>,
}

impl LocalDay {
    /// Whether it is held in full, as far as can be told.
    pub fn is_complete(&self) -> bool {
        self.status == DayStatus::Complete
    }
}

/// The days of the period, as far as the archive reaches.
pub fn local_days(period: &Period, coverage: &Coverage) -> Vec<LocalDay> {
    let judge = |date: NaiveDate| {
        let (verdict, rule) = day_status(&period.utc_days_of_local_day(date), coverage);
        LocalDay { date, status: verdict, reason: rule, trend_half: None }
    };
    let mut days: Vec<LocalDay> = period.local_days().into_iter().map(judge).collect();
    mark_trend_halves(&mut days);
    days
}

/// A local day is as good as the worse of the UTC days that it touches; but it is missing only if
/// all of them are, and one that reaches out of the archive is partial.
fn day_status(touched: &[NaiveDate], coverage: &Coverage) -> (DayStatus, String) {
    let found: Vec<_> = touched
        .iter()
        .map(|date| coverage.days.iter().find(|day| day.date == *date).ok_or(date))
        .collect();
    let outside =
        || format!("the archive does not reach over {} (UTC)", days_outside_archive(&found));
    let held = found.iter().flatten().filter(|day| day.status != DayStatus::Missing).count();
    let worst = found.iter().flatten().max_by_key(|day| day.status);
    match worst {
        None => (DayStatus::Missing, outside()),
        Some(day) if held == 0 => (DayStatus::Missing, day.reason.clone()),
        Some(day) if day.status == DayStatus::Missing => {
            let cut = found.iter().flatten().find(|day| day.status == DayStatus::Truncated);
            let verdict = cut.map_or(DayStatus::Partial, |_| DayStatus::Truncated);
            (verdict, format!("{} (UTC): {}", day.date, day.reason))
        }
        Some(day) if day.status == DayStatus::Complete && found.iter().any(Result::is_err) => {
            (DayStatus::Partial, outside())
        }
        Some(day) => (day.status, day.reason.clone()),
    }
}

fn days_outside_archive<T>(found: &[Result<T, &NaiveDate>]) -> String {
    let outside = found.iter().filter_map(|day| day.as_ref().err()).map(ToString::to_string);
    outside.collect::<Vec<_>>().join(" and ")
}

/// Marks the days of a trend: equally many complete days at both ends, the period being cut in two
/// halves of whole days; of an odd number of days, the one in the middle belongs to neither.
fn mark_trend_halves(days: &mut [LocalDay]) {
    let half = days.len() / 2;
    let complete = |range: &[LocalDay]| range.iter().filter(|day| day.is_complete()).count();
    let (first, second) = (&days[..half], &days[days.len() - half..]);
    let each = complete(first).min(complete(second));
    days.iter_mut()
        .filter(|day| day.is_complete())
        .take(each)
        .for_each(|day| day.trend_half = Some(1));
    let last = days.iter_mut().rev().filter(|day| day.is_complete());
    last.take(each).for_each(|day| day.trend_half = Some(2));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::coverage::assess::DayCoverage;
    use crate::query::coverage::period::EventTimeRange;

    /// Consecutive UTC days from 2026-03-01, one letter each: complete, partial, xut, missing.
    fn days(verdicts: &str, zone: chrono_tz::Tz) -> Vec<LocalDay> {
        let first: NaiveDate = "2026-03-01".parse().unwrap();
        let day = |(date, letter)| {
            let verdict = match letter {
                'c' => DayStatus::Complete,
                'p' => DayStatus::Partial,
                'x' => DayStatus::Truncated,
                _ => DayStatus::Missing,
            };
            DayCoverage { date, status: verdict, reason: letter.to_string() }
        };
        let days: Vec<DayCoverage> = first.iter_days().zip(verdicts.chars()).map(day).collect();
        let first_us = crate::query::coverage::period::utc_day_start(first) + 1;
        let last_us = first_us + 86_400_000_000 * i64::try_from(days.len()).unwrap() - 2;
        let period = Period::new(zone, None, None, Some(EventTimeRange { first_us, last_us }));
        local_days(&period, &Coverage { days })
    }

    fn halves(verdicts: &str) -> String {
        let mark =
            |day: LocalDay| day.trend_half.map_or('-', |half| if half == 1 { '1' } else { '2' });
        days(verdicts, chrono_tz::UTC).into_iter().map(mark).collect()
    }

    #[test]
    fn a_trend_compares_equally_many_complete_days_of_both_ends() {
        assert_eq!(halves("cccc"), "1122");
        assert_eq!(halves("ccccc"), "11-22");
        assert_eq!(halves("pccccc"), "-11-22", "the half that has fewer decides");
        assert_eq!(halves("cccmmc"), "1----2");
        assert_eq!(halves("ccpp"), "----");
        assert_eq!(halves("c"), "-");
        assert_eq!(halves(""), "");
    }

    #[test]
    fn a_local_day_is_as_good_as_the_worse_of_the_days_that_it_touches() {
        let zurich = days("cxcpmmc", chrono_tz::Europe::Zurich);
        let verdicts: Vec<_> = zurich.iter().map(|day| day.status.name()).collect();
        let expected = [
            "partial",
            "truncated",
            "truncated",
            "partial",
            "partial",
            "missing",
            "partial",
            "partial",
        ];
        assert_eq!(verdicts, expected);
        assert_eq!(zurich[0].reason, "the archive does not reach over 2026-02-28 (UTC)");
        assert_eq!(zurich[4].reason, "2026-03-05 (UTC): m");
    }
}
