//! Calculates the active users of each day: their number, and the new, returning and lost ones.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::UserAction;

/// Figures of a day. Unknown figures are `None`: all on a missing day, and all on a partial day
/// without users. A window that begins before the archive is unknown too. Figures that compare a day
/// with a window are known if every day of it is complete: 28 days that end with the day for
/// stickiness, and one more for new, returning and lost users.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    pub date: NaiveDate,
    pub dau: Option<u64>,
    pub wau: Option<u64>,
    pub mau: Option<u64>,
    pub stickiness: Option<f64>,
    pub new_users: Option<u64>,
    pub returning_users: Option<u64>,
    pub lost_users: Option<u64>,
}

/// Returns one row for each day with a status, which are all days of the archive.
pub fn adoption<'d>(
    user_actions: impl Iterator<Item = &'d UserAction>,
    statuses: &BTreeMap<NaiveDate, &str>,
) -> Vec<Adoption> {
    let mut of_users: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    for action in user_actions {
        of_users.entry(&action.user).or_default().insert(action.date);
    }
    // Counts the users with days for which `is` returns true.
    let count = |is: &dyn Fn(&BTreeSet<NaiveDate>) -> bool| {
        of_users.values().filter(|days| is(days)).count() as u64
    };
    let dau_of = |date: NaiveDate| count(&|days| days.contains(&date));
    let is_known = |(date, status): (&NaiveDate, &&str)| match *status {
        "complete" => true,
        "missing" => false,
        _ => dau_of(*date) > 0,
    };
    let day = |(number, (date, status)): (usize, (&NaiveDate, &&str))| {
        let known = is_known((date, status));
        let date = *date;
        let back = |days: u64| date - Days::new(days);
        let active =
            |from: u64, days: &BTreeSet<NaiveDate>| days.range(back(from)..=date).count() > 0;
        let dau = dau_of(date);
        let mau = count(&|days| active(27, days));
        let are_complete = |days: u64| {
            (0..days).all(|ago| statuses.get(&back(ago)).is_some_and(|s| *s == "complete"))
        };
        let is_compared = are_complete(29);
        Adoption {
            date,
            dau: known.then_some(dau),
            wau: (known && number >= 6).then(|| count(&|days| active(6, days))),
            mau: (known && number >= 27).then_some(mau),
            stickiness: (are_complete(28) && mau > 0).then(|| dau as f64 / mau as f64),
            new_users: is_compared.then(|| count(&|days| days.first() == Some(&date))),
            returning_users: is_compared.then(|| {
                count(&|days| {
                    let before = days.range(..date).next_back();
                    days.contains(&date) && before.is_some_and(|before| *before < back(28))
                })
            }),
            lost_users: is_compared
                .then(|| count(&|days| days.range(..=date).next_back() == Some(&back(28)))),
        }
    };
    statuses.iter().enumerate().map(day).collect()
}
