//! Active users day by day: how many, how many of them new, back, or gone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::Deed;

/// A day. What is not known is `None`: nothing is on a missing day, nor on one that is held in part
/// and on which nobody is known; and no window is that reaches back behind the archive.
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

/// One row for each day whose verdict is given, which are all days of the archive.
pub fn adoption<'d>(
    deeds: impl Iterator<Item = &'d Deed>,
    verdicts: &BTreeMap<NaiveDate, &str>,
) -> Vec<Adoption> {
    let mut of_users: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    for deed in deeds {
        of_users.entry(&deed.user).or_default().insert(deed.date);
    }
    // How many users have days of which something is true.
    let count = |is: &dyn Fn(&BTreeSet<NaiveDate>) -> bool| {
        of_users.values().filter(|days| is(days)).count() as u64
    };
    let dau_of = |date: NaiveDate| count(&|days| days.contains(&date));
    let is_known = |(date, verdict): (&NaiveDate, &&str)| match *verdict {
        "complete" => true,
        "missing" => false,
        _ => dau_of(*date) > 0,
    };
    let day = |(number, (date, verdict)): (usize, (&NaiveDate, &&str))| {
        let known = is_known((date, verdict));
        let date = *date;
        let back = |days: u64| date - Days::new(days);
        let active =
            |from: u64, days: &BTreeSet<NaiveDate>| days.range(back(from)..=date).count() > 0;
        let dau = dau_of(date);
        let mau = count(&|days| active(27, days));
        let window_is_held = verdicts.range(back(27)..=date).all(is_known);
        let is_sure = *verdict == "complete" && window_is_held && number >= 27 && mau > 0;
        Adoption {
            date,
            dau: known.then_some(dau),
            wau: (known && number >= 6).then(|| count(&|days| active(6, days))),
            mau: (known && number >= 27).then_some(mau),
            stickiness: is_sure.then(|| dau as f64 / mau as f64),
            new_users: known.then(|| count(&|days| days.first() == Some(&date))),
            returning_users: (known && number >= 28).then(|| {
                count(&|days| {
                    let before = days.range(..date).next_back();
                    days.contains(&date) && before.is_some_and(|before| *before < back(28))
                })
            }),
            lost_users: (known && number >= 28)
                .then(|| count(&|days| days.range(..=date).next_back() == Some(&back(28)))),
        }
    };
    verdicts.iter().enumerate().map(day).collect()
}
