//! Who began in a month, and how many of them opened content in each month after it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use super::Deed;

/// A cohort in a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    pub cohort: String,
    pub month: String,
    pub months_since: i64,
    pub users: u64,
    pub cohort_size: u64,
    /// Only of a month of which 28 days are held.
    pub retention: Option<f64>,
}

/// Every cohort in every month from its own to the archive's last.
pub fn cohorts(deeds: &[Deed], verdicts: &BTreeMap<NaiveDate, &str>) -> Vec<Cohort> {
    let mut months_of: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for deed in deeds.iter().filter(|deed| deed.is_view && deed.user != "anonymous") {
        months_of.entry(&deed.user).or_default().insert(month_number(deed.date));
    }
    let mut held: BTreeMap<i64, u64> = BTreeMap::new();
    for (date, verdict) in verdicts {
        *held.entry(month_number(*date)).or_default() += u64::from(*verdict != "missing");
    }
    let first = |months: &BTreeSet<i64>| *months.first().expect("a user has a month");
    let begun: BTreeSet<i64> = months_of.values().map(first).collect();
    let mut rows = Vec::new();
    for cohort in begun {
        let members: Vec<&BTreeSet<i64>> =
            months_of.values().filter(|months| first(months) == cohort).collect();
        for (month, days) in held.range(cohort..) {
            let users = members.iter().filter(|months| months.contains(month)).count() as u64;
            let cohort_size = members.len() as u64;
            rows.push(Cohort {
                cohort: name(cohort),
                month: name(*month),
                months_since: month - cohort,
                users,
                cohort_size,
                retention: (*days >= 28).then(|| users as f64 / cohort_size as f64),
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
    let deed = |user: &str, date: &str| Deed {
        user: user.to_owned(),
        time: format!("{date}T09:00:00Z").parse().expect("an instant"),
        date: date.parse().expect("a day"),
        activity: "ViewReport".to_owned(),
        is_view: true,
        is_external: false,
        is_author: false,
    };
    let author = Deed { is_view: false, ..deed("cem", "2025-01-05") };
    let deeds = [
        deed("ann", "2025-01-05"),
        deed("ben", "2025-01-31"),
        author,
        deed("anonymous", "2025-01-05"),
        deed("ann", "2025-02-28"),
        deed("cem", "2025-03-01"),
        deed("ann", "2025-03-02"),
        deed("ben", "2025-03-02"),
    ];
    let first: NaiveDate = "2025-01-05".parse().expect("a day");
    // January has 27 days here, of February's 28 one is missing, March ends on the second.
    let verdict = |date: &NaiveDate| match date.to_string().as_str() {
        "2025-02-10" => "missing",
        _ => "complete",
    };
    let verdicts: BTreeMap<NaiveDate, &str> =
        first.iter_days().take(57).map(|date| (date, verdict(&date))).collect();
    let found: Vec<(String, i64, u64, u64)> = cohorts(&deeds, &verdicts)
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
    assert!(cohorts(&deeds, &verdicts).iter().all(|row| row.retention.is_none()));
    let whole: BTreeMap<NaiveDate, &str> = verdicts.into_keys().map(|date| (date, "truncated")).collect();
    let february = cohorts(&deeds, &whole).swap_remove(1);
    assert_eq!((february.month.as_str(), february.retention), ("2025-02", Some(0.5)));
}
