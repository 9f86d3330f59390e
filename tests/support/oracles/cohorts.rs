//! Counts the people who began in a month, and those of them who viewed content in each later
//! month.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use super::UserAction;

/// A cohort in a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    pub cohort: String,
    pub month: String,
    pub months_since: i64,
    pub users: u64,
    pub cohort_size: u64,
    /// `None` unless both months have at least 28 complete days.
    pub retention: Option<f64>,
}

/// Returns every cohort in every month from its own to the last one of the archive.
pub fn cohorts(user_actions: &[UserAction], statuses: &BTreeMap<NaiveDate, &str>) -> Vec<Cohort> {
    let mut months_of: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for action in user_actions.iter().filter(|action| action.is_view && action.user != "anonymous")
    {
        months_of.entry(&action.user).or_default().insert(month_number(action.date));
    }
    let mut complete: BTreeMap<i64, u64> = BTreeMap::new();
    for (date, status) in statuses {
        *complete.entry(month_number(*date)).or_default() += u64::from(*status == "complete");
    }
    let is_whole = |month: &i64| complete.get(month).is_some_and(|days| *days >= 28);
    let first = |months: &BTreeSet<i64>| *months.first().expect("a user has a month");
    let begun: BTreeSet<i64> = months_of.values().map(first).collect();
    let mut rows = Vec::new();
    for cohort in begun {
        let members: Vec<&BTreeSet<i64>> =
            months_of.values().filter(|months| first(months) == cohort).collect();
        for (month, _) in complete.range(cohort..) {
            let users = members.iter().filter(|months| months.contains(month)).count() as u64;
            let cohort_size = members.len() as u64;
            rows.push(Cohort {
                cohort: name(cohort),
                month: name(*month),
                months_since: month - cohort,
                users,
                cohort_size,
                retention: (is_whole(month) && is_whole(&cohort))
                    .then(|| users as f64 / cohort_size as f64),
            });
        }
    }
    rows
}

fn month_number(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

fn name(month: i64) -> String {
    format!("{:04}-{:02}", month / 12, month % 12 + 1)
}

#[test]
fn cohorts_are_counted_in_each_month_after_their_own() {
    let action = |user: &str, date: &str| UserAction {
        user: user.to_owned(),
        time: format!("{date}T09:00:00Z").parse().expect("an instant"),
        date: date.parse().expect("a day"),
        activity: "ViewReport".to_owned(),
        is_view: true,
        is_external: false,
        is_author: false,
        is_presence: true,
    };
    let author = UserAction { is_view: false, ..action("cem", "2025-01-05") };
    let user_actions = [
        action("ann", "2025-01-05"),
        action("ben", "2025-01-31"),
        author,
        action("anonymous", "2025-01-05"),
        action("ann", "2025-02-28"),
        action("cem", "2025-03-01"),
        action("ann", "2025-03-02"),
        action("ben", "2025-03-02"),
    ];
    let first: NaiveDate = "2025-01-05".parse().expect("a day");
    // January has 27 days here, one of the 28 days of February is missing, and March ends on the
    // second.
    let status = |date: &NaiveDate| match date.to_string().as_str() {
        "2025-02-10" => "missing",
        _ => "complete",
    };
    let statuses: BTreeMap<NaiveDate, &str> =
        first.iter_days().take(57).map(|date| (date, status(&date))).collect();
    let found: Vec<(String, i64, u64, u64)> = cohorts(&user_actions, &statuses)
        .into_iter()
        .map(|row| (row.cohort, row.months_since, row.users, row.cohort_size))
        .collect();
    let row = |cohort: &str, since, users, size| (cohort.to_owned(), since, users, size);
    assert_eq!(
        found,
        [
            row("2025-01", 0, 2, 2),
            row("2025-01", 1, 1, 2),
            row("2025-01", 2, 2, 2),
            row("2025-03", 0, 1, 1)
        ]
    );
    assert!(cohorts(&user_actions, &statuses).iter().all(|row| row.retention.is_none()));
    // With the first days of January, January and February are whole.
    let first: NaiveDate = "2025-01-01".parse().expect("a day");
    let whole: BTreeMap<NaiveDate, &str> =
        first.iter_days().take(61).map(|date| (date, "complete")).collect();
    let february = cohorts(&user_actions, &whole).swap_remove(1);
    assert_eq!((february.month.as_str(), february.retention), ("2025-02", Some(0.5)));
    // A single missing day of February takes its retention away, one of January does not.
    let without = |missing: &str| {
        let missing: NaiveDate = missing.parse().expect("a day");
        let days =
            whole.keys().map(|date| (*date, if *date == missing { "missing" } else { "complete" }));
        cohorts(&user_actions, &days.collect()).swap_remove(1).retention
    };
    assert_eq!((without("2025-02-03"), without("2025-01-03")), (None, Some(0.5)));
}
