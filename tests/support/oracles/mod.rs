//! Calculates reports a second time, slowly and simply, from the raw events of the invented year
//! with ordered maps. The oracles are written from the definitions that the reports state, not from
//! their SQL. They share no code with the program, and must not be made faster at the price of
//! clarity.

mod adoption;
mod classes;
mod cohorts;
mod user_actions;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;

pub use adoption::{Adoption, adoption};
pub use classes::classes;
pub use cohorts::cohorts;
pub use user_actions::{UserAction, user_actions};

use crate::year::Day;

/// Returns the status of each local day from those of its UTC days: the worst of them. A day is
/// missing only if all of them are, and at best partial if it extends beyond the archive.
pub fn local_statuses(
    days: &[Day],
    (first, last): (NaiveDate, NaiveDate),
    zone: Tz,
) -> BTreeMap<NaiveDate, &'static str> {
    let known: BTreeMap<NaiveDate, &str> = days.iter().map(|day| (day.date, day.status)).collect();
    let midnight = |date: NaiveDate| {
        let midnight = date.and_time(NaiveTime::MIN).and_local_timezone(zone).earliest();
        midnight.expect("no zone asked for here skips midnight").to_utc()
    };
    let status = |date: NaiveDate| {
        let from = midnight(date).date_naive();
        let to = (midnight(date + Days::new(1)) - TimeDelta::microseconds(1)).date_naive();
        let touched: Vec<Option<&str>> = from
            .iter_days()
            .take_while(|day| *day <= to)
            .map(|day| known.get(&day).copied())
            .collect();
        let has = |status: &str| touched.contains(&Some(status));
        let all_missing = touched.iter().flatten().all(|status| *status == "missing");
        match () {
            () if all_missing => "missing",
            () if has("truncated") => "truncated",
            () if has("partial") || has("missing") || touched.contains(&None) => "partial",
            () => "complete",
        }
    };
    first.iter_days().take_while(|date| *date <= last).map(|date| (date, status(date))).collect()
}

#[test]
fn a_local_day_is_as_good_as_the_worse_of_those_it_touches() {
    let date = |day| NaiveDate::from_ymd_opt(2026, 1, day).expect("a day");
    let day = |(number, status): (u32, &'static str)| Day {
        date: date(number),
        status,
        events: 1,
        late: 0,
        duplicates: 0,
    };
    let days: Vec<Day> =
        [(1, "complete"), (2, "missing"), (3, "missing"), (4, "truncated"), (5, "complete")]
            .map(day)
            .into();
    let found = |zone| -> Vec<&str> {
        local_statuses(&days, (date(1), date(5)), zone).into_values().collect()
    };
    assert_eq!(found(Tz::UTC), ["complete", "missing", "missing", "truncated", "complete"]);
    // A day in Berlin begins an hour before that of UTC, so the first one extends beyond the
    // archive.
    let berlin = found(Tz::Europe__Berlin);
    assert_eq!(berlin, ["partial", "partial", "missing", "truncated", "truncated"]);
}
