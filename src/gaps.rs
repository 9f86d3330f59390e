//! Finds the days of the log that ought to be downloaded again, as long as Microsoft has them.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde::Serialize;

use crate::calendar::DayBound;
use crate::error::{Error, Result};
use crate::query::{self, DayCoverage, DayStatus, LogKind};
use crate::schema::MICROS_PER_HOUR;
use crate::store::Snapshot;

/// Days for which Microsoft has the activity log, today included. Microsoft's pages name 28 days
/// and up to 30 days:
/// <https://learn.microsoft.com/en-us/power-bi/enterprise/service-admin-auditing>,
/// <https://learn.microsoft.com/en-us/power-bi/guidance/admin-activity-log>.
const RETENTION_DAYS: u64 = 30;

const HOURS_PER_DAY: i64 = 24;

/// UTC day, or a part of it, that ought to be downloaded again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogGap {
    /// Date of the day, for example `2026-03-01`.
    pub day: String,
    /// First hour of the part, from 0.
    pub from_hour: i64,
    /// Hour at which the part ends, up to 24.
    pub to_hour: i64,
    /// Status of the day: `missing`, `partial` or `truncated`.
    pub status: &'static str,
    /// Reason of the status.
    pub reason: String,
}

/// Days that were checked, and the gaps in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapList {
    /// First day that was checked.
    pub since: String,
    /// Last day that was checked: yesterday.
    pub until: String,
    /// Gaps in order, at most one for each day.
    pub gaps: Vec<LogGap>,
}

/// Finds the gaps of the log of Power BI in the UTC days from `since` on that have ended, as far as
/// Microsoft has them. Days that count back do so from yesterday of the clock.
///
/// # Errors
///
/// [`Error::Usage`] if the days begin in the future, [`Error::Query`] if a file cannot be read.
pub fn find_gaps(snapshot: &Snapshot, since: DayBound, now: DateTime<Utc>) -> Result<GapList> {
    let first = first_day(since, now)?;
    let today = now.date_naive();
    let ended: Vec<NaiveDate> = first.iter_days().take_while(|day| *day < today).collect();
    let coverage = query::utc_day_coverage(snapshot, LogKind::PowerBi, &ended)?;
    let gaps = coverage.days.iter().filter(|day| day.status != DayStatus::Complete);
    let until = today.pred_opt().unwrap_or(today);
    Ok(GapList {
        since: first.to_string(),
        until: until.to_string(),
        gaps: gaps.map(to_gap).collect(),
    })
}

/// Returns the first day to check: the day that was asked for, or the first that Microsoft has.
///
/// # Errors
///
/// [`Error::Usage`] if the day is in the future.
pub fn first_day(since: DayBound, now: DateTime<Utc>) -> Result<NaiveDate> {
    let today = now.date_naive();
    let oldest = today.checked_sub_days(Days::new(RETENTION_DAYS - 1)).unwrap_or(today);
    let first = since.first_day_by_clock(today).unwrap_or(oldest);
    match first > today {
        true => Err(Error::Usage(format!("the days start on {first}, which is in the future"))),
        false => Ok(first.max(oldest)),
    }
}

fn to_gap(day: &DayCoverage) -> LogGap {
    let start = day.date.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
    let hour = |us: i64| (us - start).div_euclid(MICROS_PER_HOUR).clamp(0, HOURS_PER_DAY);
    // Hours are downloaded as a whole.
    let hours = |(from, to)| (hour(from), hour(to + MICROS_PER_HOUR - 1));
    let (from_hour, to_hour) = day.open_us.map_or((0, HOURS_PER_DAY), hours);
    let reason = day.reason.clone();
    LogGap { day: day.date.to_string(), from_hour, to_hour, status: day.status.name(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(open_us: Option<(i64, i64)>) -> (i64, i64) {
        let date = "1970-01-01".parse().unwrap();
        let reason = String::new();
        let gap = to_gap(&DayCoverage { date, status: DayStatus::Partial, reason, open_us });
        (gap.from_hour, gap.to_hour)
    }

    #[test]
    fn open_span_is_rounded_to_whole_hours() {
        let minute = MICROS_PER_HOUR / 60;
        assert_eq!(gap(None), (0, 24));
        assert_eq!(gap(Some((0, 24 * MICROS_PER_HOUR))), (0, 24));
        assert_eq!(gap(Some((90 * minute, 121 * minute))), (1, 3));
        assert_eq!(gap(Some((60 * minute, 120 * minute))), (1, 2));
    }

    #[test]
    fn days_are_limited_to_what_microsoft_has() {
        let now = "2026-03-31T05:00:00Z".parse().unwrap();
        let first = |text: &str| first_day(text.parse().unwrap(), now).unwrap().to_string();
        for (since, day) in [
            ("1d", "2026-03-30"),
            ("28d", "2026-03-03"),
            ("last-week", "2026-03-23"),
            ("2026-03-20", "2026-03-20"),
            ("today", "2026-03-31"),
            ("3m", "2026-03-02"),
            ("2025", "2026-03-02"),
        ] {
            assert_eq!(first(since), day, "{since}");
        }
        let error = first_day("2026-04-01".parse().unwrap(), now).unwrap_err().to_string();
        assert!(error.contains("in the future"), "{error}");
    }

    #[test]
    fn empty_log_lacks_every_day_up_to_yesterday() {
        let now = "2026-03-10T05:00:00Z".parse().unwrap();
        let since = |text: &str| find_gaps(&Snapshot::default(), text.parse().unwrap(), now);
        let list = since("2d").unwrap();
        let days: Vec<&str> = list.gaps.iter().map(|gap| gap.day.as_str()).collect();
        assert_eq!(days, ["2026-03-08", "2026-03-09"]);
        assert!(since("today").unwrap().gaps.is_empty(), "today has not ended");
    }
}
