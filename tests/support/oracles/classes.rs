//! How regularly each person works with Power BI, and whether they create or only view.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::Deed;

/// A person on the last day of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub user: String,
    pub class: &'static str,
    /// Nothing for who created once, not lately, and never viewed.
    pub role: Option<&'static str>,
    pub last_active: NaiveDate,
    pub active_months: u64,
}

/// A month is 30 days here, counted back from the last day.
const MONTH: i64 = 30;

/// Everybody who viewed, analysed or created anything up to a day, but nobody without a name. The
/// archive must reach back twelve such months, else other rules hold.
pub fn classes(deeds: &[Deed], last: NaiveDate) -> BTreeMap<String, Person> {
    let mut of_users: BTreeMap<&str, Vec<&Deed>> = BTreeMap::new();
    let is_use = |deed: &&Deed| deed.is_view || deed.is_external || deed.is_author;
    let is_somebody = |deed: &&Deed| deed.user != "anonymous" && deed.date <= last;
    for deed in deeds.iter().filter(is_use).filter(is_somebody) {
        of_users.entry(&deed.user).or_default().push(deed);
    }
    let person = |(user, deeds): (&str, Vec<&Deed>)| {
        let ago = |deed: &Deed| (last - deed.date).num_days();
        let days: Vec<i64> = deeds.iter().map(|deed| ago(deed)).collect();
        let months: BTreeSet<i64> =
            days.iter().map(|day| day / MONTH).filter(|month| *month < 12).collect();
        let nearest = days.iter().copied().min().expect("a user did something");
        let class = match nearest {
            0..7 if months.len() >= 9 => "frequent",
            0..30 => "active",
            30..270 => "occasional",
            _ => "inactive",
        };
        let is_creator = deeds.iter().any(|deed| deed.is_author && ago(deed) < 6 * MONTH);
        let is_viewer = deeds.iter().any(|deed| deed.is_view || deed.is_external);
        let role = if is_creator { Some("creator") } else { is_viewer.then_some("viewer") };
        let last_active = deeds.iter().map(|deed| deed.date).max().expect("a user did something");
        let active_months = months.len() as u64;
        (user.to_owned(), Person { user: user.to_owned(), class, role, last_active, active_months })
    };
    of_users.into_iter().map(person).collect()
}
