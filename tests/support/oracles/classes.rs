//! Classifies each person by the regularity of use, and as creator or viewer.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::UserAction;

/// A person on the last day of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub user: String,
    pub class: &'static str,
    /// `None` for a person who created content once, not lately, and never viewed any.
    pub role: Option<&'static str>,
    pub last_active: NaiveDate,
    pub active_months: u64,
}

/// Length of a month in days, counted back from the last day.
const MONTH: i64 = 30;

/// The fewest complete days of a covered month, and the fewest covered months that show regular use.
const COVERED_DAYS: usize = 20;
const COVERED_MONTHS: usize = 3;

/// Returns the people who viewed, analyzed or created content up to a day, without anonymous ones.
pub fn classes(
    user_actions: &[UserAction],
    last: NaiveDate,
    statuses: &BTreeMap<NaiveDate, &str>,
) -> BTreeMap<String, Person> {
    let complete_days = |month: u64| {
        let days =
            (month * 30..month * 30 + 30).filter_map(|ago| last.checked_sub_days(Days::new(ago)));
        days.filter(|day| statuses.get(day) == Some(&"complete")).count()
    };
    let covered = (0..12).filter(|month| complete_days(*month) >= COVERED_DAYS).count();
    let mut of_users: BTreeMap<&str, Vec<&UserAction>> = BTreeMap::new();
    let is_use = |action: &&UserAction| action.is_view || action.is_external || action.is_author;
    let is_somebody = |action: &&UserAction| action.user != "anonymous" && action.date <= last;
    for action in user_actions.iter().filter(is_use).filter(is_somebody) {
        of_users.entry(&action.user).or_default().push(action);
    }
    let person = |(user, user_actions): (&str, Vec<&UserAction>)| {
        let ago = |action: &UserAction| (last - action.date).num_days();
        let days: Vec<i64> = user_actions.iter().map(|action| ago(action)).collect();
        let months: BTreeSet<i64> =
            days.iter().map(|day| day / MONTH).filter(|month| *month < 12).collect();
        let nearest = days.iter().copied().min().expect("a user did something");
        let class = match nearest {
            0..7 if covered >= COVERED_MONTHS && months.len() * 12 >= covered * 9 => "frequent",
            0..30 => "active",
            30..270 => "occasional",
            _ => "inactive",
        };
        let is_creator = user_actions.iter().any(|action| {
            action.is_author && !action.activity.starts_with("Delete") && ago(action) < 6 * MONTH
        });
        let is_viewer = user_actions.iter().any(|action| action.is_view || action.is_external);
        let role = if is_creator { Some("creator") } else { is_viewer.then_some("viewer") };
        let last_active =
            user_actions.iter().map(|action| action.date).max().expect("a user did something");
        let active_months = months.len() as u64;
        (user.to_owned(), Person { user: user.to_owned(), class, role, last_active, active_months })
    };
    of_users.into_iter().map(person).collect()
}
