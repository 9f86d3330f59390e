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
