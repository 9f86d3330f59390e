//! The status of local days, from the status of the UTC days that they overlap.

use chrono::NaiveDate;

use crate::query::coverage::assess::{Coverage, DayStatus};
use crate::query::coverage::period::Period;

/// Local day of a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDay {
    /// Date of the day.
    pub date: NaiveDate,
    /// Status of the day.
    pub status: DayStatus,
    /// Reason of the status.
    pub reason: String,
    /// Half of the period for trends: 1 for the first days, 2 for the last; `None` if trends ignore
    /// it.
    pub trend_half: Option<i64>,
}

impl LocalDay {
    /// Returns true if the day is complete, as far as is known.
    pub fn is_complete(&self) -> bool {
        self.status == DayStatus::Complete
    }
}

/// Returns the local days of the period, within the archive.
pub fn local_days(period: &Period, coverage: &Coverage) -> Vec<LocalDay> {
    let to_local_day = |date: NaiveDate| {
        let (status, reason) = day_status(&period.utc_days_of_local_day(date), coverage);
        LocalDay { date, status, reason, trend_half: None }
    };
    period.local_days().into_iter().map(to_local_day).collect()
}

/// Returns the worst status of the UTC days that a local day overlaps, and its reason.
///
/// The day is missing only if all of them are missing. A complete day that extends beyond the
/// archive is partial.
fn day_status(utc_days: &[NaiveDate], coverage: &Coverage) -> (DayStatus, String) {
    let found: Vec<_> = utc_days.iter().map(|date| coverage.of_day(*date).ok_or(date)).collect();
    let outside = || format!("the archive does not cover {} (UTC)", days_outside_archive(&found));
    let stored = found.iter().flatten().filter(|day| day.status != DayStatus::Missing).count();
    let worst = found.iter().flatten().max_by_key(|day| day.status);
    match worst {
        None => (DayStatus::Missing, outside()),
        Some(day) if stored == 0 => (DayStatus::Missing, day.reason.clone()),
        Some(day) if day.status == DayStatus::Missing => {
            let truncated = found.iter().flatten().find(|day| day.status == DayStatus::Truncated);
            let status = truncated.map_or(DayStatus::Partial, |_| DayStatus::Truncated);
            (status, format!("{} (UTC): {}", day.date, day.reason))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::coverage::assess::DayCoverage;
    use crate::query::coverage::period::EventTimeRange;

    /// Returns consecutive UTC days from 2026-03-01, one character each: c (complete), p (partial),
    /// x (truncated), m (missing).
    fn days(statuses: &str, zone: chrono_tz::Tz) -> Vec<LocalDay> {
        let first: NaiveDate = "2026-03-01".parse().unwrap();
        let day = |(date, character): (NaiveDate, char)| {
            let status = match character {
                'c' => DayStatus::Complete,
                'p' => DayStatus::Partial,
                'x' => DayStatus::Truncated,
                _ => DayStatus::Missing,
            };
            DayCoverage { date, status, reason: character.to_string(), open_us: None }
        };
        let days: Vec<DayCoverage> = first.iter_days().zip(statuses.chars()).map(day).collect();
        let first_us = crate::query::coverage::period::utc_day_start(first) + 1;
        let last_us =
            first_us + crate::schema::MICROS_PER_DAY * i64::try_from(days.len()).unwrap() - 2;
        let period = Period::new(zone, None, None, Some(EventTimeRange { first_us, last_us }));
        local_days(&period, &Coverage { days })
    }

    #[test]
    fn local_day_has_the_worst_status_of_its_utc_days() {
        let zurich = days("cxcpmmc", chrono_tz::Europe::Zurich);
        let statuses: Vec<_> = zurich.iter().map(|day| day.status.name()).collect();
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
        assert_eq!(statuses, expected);
        assert_eq!(zurich[0].reason, "the archive does not cover 2026-02-28 (UTC)");
        assert_eq!(zurich[4].reason, "2026-03-05 (UTC): m");
    }
}
