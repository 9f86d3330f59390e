//! Second, slow and simple answers to questions that reports answer, worked out from the raw events
//! of the invented year with ordered maps. They are written from the definitions that the reports
//! state, not from their SQL, share no code with the program, and must not be made faster at the
//! price of clarity.

mod adoption;
mod classes;
mod cohorts;
mod deeds;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;

pub use adoption::{Adoption, adoption};
pub use classes::classes;
pub use cohorts::cohorts;
pub use deeds::{Deed, deeds};

use crate::year::Day;

/// How well each local day of an archive is held, from what is true of the UTC days: as the worse
/// of those that it touches; but missing only if all of them are, and partial at best where it
/// reaches out of the archive.
pub fn local_verdicts(
    days: &[Day],
    (first, last): (NaiveDate, NaiveDate),
    zone: Tz,
) -> BTreeMap<NaiveDate, &'static str> {
    let known: BTreeMap<NaiveDate, &str> = days.iter().map(|day| (day.date, day.verdict)).collect();
    let midnight = |date: NaiveDate| {
        let midnight = date.and_time(NaiveTime::MIN).and_local_timezone(zone).earliest();
        midnight.expect("no zone asked for here skips midnight").to_utc()
    };
    let verdict = |date: NaiveDate| {
        let from = midnight(date).date_naive();
        let to = (midnight(date + Days::new(1)) - TimeDelta::microseconds(1)).date_naive();
        let touched: Vec<Option<&str>> = from
            .iter_days()
            .take_while(|day| *day <= to)
            .map(|day| known.get(&day).copied())
            .collect();
        let has = |verdict: &str| touched.contains(&Some(verdict));
        let all_missing = touched.iter().flatten().all(|verdict| *verdict == "missing");
        match () {
            () if all_missing => "missing",
            () if has("truncated") => "truncated",
            () if has("partial") || has("missing") || touched.contains(&None) => "partial",
            () => "complete",
        }
    };
    first.iter_days().take_while(|date| *date <= last).map(|date| (date, verdict(date))).collect()
}

#[test]
fn a_local_day_is_as_good_as_the_worse_of_those_it_touches() {
    let date = |day| NaiveDate::from_ymd_opt(2026, 1, day).expect("a day");
    let day = |(number, verdict): (u32, &'static str)| Day {
        date: date(number),
        verdict,
        events: 1,
        late: 0,
        repeats: 0,
    };
    let days: Vec<Day> =
        [(1, "complete"), (2, "missing"), (3, "missing"), (4, "truncated"), (5, "complete")]
            .map(day)
            .into();
    let found = |zone| -> Vec<&str> {
        local_verdicts(&days, (date(1), date(5)), zone).into_values().collect()
    };
    assert_eq!(found(Tz::UTC), ["complete", "missing", "missing", "truncated", "complete"]);
    // A day in Berlin begins an hour before that of UTC; the first reaches out of the archive.
    let berlin = found(Tz::Europe__Berlin);
    assert_eq!(berlin, ["partial", "partial", "missing", "truncated", "truncated"]);
}
