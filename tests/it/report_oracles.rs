//! Compares every row and every number of reports over the invented year with oracles.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use pbi_analyze::internals::query;
use pbi_analyze::internals::store::Store;
use serde_json::Value;

use crate::archive::{YearArchive, year};
use crate::oracles::{UserAction, adoption, classes, cohorts, local_statuses, user_actions};

/// Time zones whose days begin and end at different instants.
const ZONES: [Tz; 3] = [Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York];

/// Returns the rows of a report in JSON.
fn rows(archive: &YearArchive, report: &str, arguments: &[&str]) -> Vec<Value> {
    let command = ["report", report, "--store", "store", "--format", "json"];
    let text = archive.dir.pbi(command.iter().chain(arguments)).ended(0).stdout;
    let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
    answer["rows"].as_array().expect("rows are a list").clone()
}

/// Returns the actions of people, and the status of each local day of the archive.
fn known(archive: &YearArchive, zone: Tz) -> (Vec<UserAction>, BTreeMap<NaiveDate, &'static str>) {
    let events = &archive.year.events;
    let local = |number: usize| events[number].time.with_timezone(&zone).date_naive();
    let extent = (local(0), local(events.len() - 1));
    (user_actions(events, zone), local_statuses(&archive.year.days, extent, zone))
}

/// Compares one cell; fractions may be rounded to two places.
#[track_caller]
fn assert_cell(row: &Value, column: &str, expected: Value) {
    let found = row.get(column).unwrap_or_else(|| panic!("no column {column} in {row}"));
    let is_same = match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(known)) if expected.is_f64() => (found - known).abs() < 0.005_001,
        (Some(found), Some(known)) => found == known,
        _ => *found == expected,
    };
    assert!(is_same, "{column}: {expected} was expected in {row}");
}

fn text<'r>(row: &'r Value, column: &str) -> &'r str {
    row[column].as_str().unwrap_or_else(|| panic!("no text in {column} of {row}"))
}

#[test]
fn adoption_matches_the_oracle_on_each_day() {
    let archive = year();
    for zone in ZONES {
        for (activity, automated) in [("all", false), ("all", true), ("view", false)] {
            let (user_actions, statuses) = known(archive, zone);
            let is_counted = |action: &&UserAction| {
                (action.is_view || activity == "all") && (action.is_presence || automated)
            };
            let expected = adoption(user_actions.iter().filter(is_counted), &statuses);
            let set = [format!("activity={activity}"), format!("automated={automated}")];
            let flags = ["--tz", zone.name(), "--param", &set[0], "--param", &set[1]];
            let rows = rows(archive, "adoption", &flags);
            assert_eq!(rows.len(), expected.len(), "{zone}: days");
            for (row, day) in rows.iter().zip(expected) {
                assert_cell(row, "date", day.date.to_string().into());
                assert_cell(row, "dau", day.dau.into());
                assert_cell(row, "wau", day.wau.into());
                assert_cell(row, "mau", day.mau.into());
                assert_cell(row, "stickiness", day.stickiness.into());
                assert_cell(row, "new_users", day.new_users.into());
                assert_cell(row, "returning_users", day.returning_users.into());
                assert_cell(row, "lost_users", day.lost_users.into());
            }
        }
    }
}

#[test]
fn cohorts_match_the_oracle() {
    let archive = year();
    for zone in ZONES {
        let (user_actions, statuses) = known(archive, zone);
        let expected = cohorts(&user_actions, &statuses);
        let rows = rows(archive, "adoption-cohorts", &["--tz", zone.name()]);
        assert_eq!(rows.len(), expected.len(), "{zone}: cohorts and months");
        let by_key: BTreeMap<(&str, &str), &Value> =
            rows.iter().map(|row| ((text(row, "cohort"), text(row, "month")), row)).collect();
        for known in &expected {
            let row = by_key.get(&(known.cohort.as_str(), known.month.as_str()));
            let row = row.unwrap_or_else(|| panic!("{zone}: no row for {known:?}"));
            assert_cell(row, "months_since", known.months_since.into());
            assert_cell(row, "users", known.users.into());
            assert_cell(row, "cohort_size", known.cohort_size.into());
            assert_cell(row, "retention", known.retention.into());
        }
    }
}

#[test]
fn user_classes_match_the_oracle() {
    let archive = year();
    for zone in ZONES {
        let (user_actions, statuses) = known(archive, zone);
        for until in ["2026-02-10", "2026-01-31", "2025-12-28"] {
            let expected = classes(&user_actions, until.parse().expect("a day"), &statuses);
            let flags = ["--tz", zone.name(), "--until", until];
            let rows = rows(archive, "user-classification", &flags);
            assert_eq!(rows.len(), expected.len(), "{zone}, {until}: users");
            for row in &rows {
                let known = expected.get(text(row, "user"));
                let known = known.unwrap_or_else(|| panic!("{zone}, {until}: who is {row}?"));
                assert_cell(row, "class", known.class.into());
                assert_cell(row, "role", known.role.into());
                assert_cell(row, "last_active", known.last_active.to_string().into());
                assert_cell(row, "active_months", known.active_months.into());
            }
        }
    }
}

/// Compares the statuses of the library, on which all outputs are based.
#[test]
fn day_statuses_of_the_library_match_the_generator() {
    let archive = year();
    let snapshot = Store::new(&archive.dir.join("store")).snapshot();
    let snapshot = snapshot.expect("the store can be read");
    let extent =
        query::event_time_range(&snapshot, query::LogKind::PowerBi).expect("the store can be read");
    let period = query::Period::new(Tz::UTC, None, None, extent);
    let session = query::Session::new(&snapshot, period, query::Settings::default());
    let session = session.expect("the store can be read");
    let coverage = session.coverage();
    assert_eq!(coverage.days.len(), archive.year.days.len());
    for (found, known) in coverage.days.iter().zip(&archive.year.days) {
        assert_eq!((found.date, found.status.name()), (known.date, known.status), "{found:?}");
    }
}

#[test]
fn day_statuses_of_the_report_match_the_generator() {
    let archive = year();
    let rows = rows(archive, "coverage", &[]);
    assert_eq!(rows.len(), archive.year.days.len());
    for (row, day) in rows.iter().zip(&archive.year.days) {
        assert_cell(row, "day", day.date.to_string().into());
        assert_cell(row, "status", day.status.into());
        if day.status != "missing" {
            assert_cell(row, "events", day.events.into());
            assert_cell(row, "duplicates", day.duplicates.into());
            assert_cell(row, "late_events", day.late.into());
        }
    }
}

/// Compares the counts of days that every report has.
#[test]
fn counts_of_days_match_the_generator() {
    let archive = year();
    let command = ["report", "top-reports", "--store", "store", "--format", "json"];
    let answer: Value = serde_json::from_str(&archive.dir.pbi(command).ended(0).stdout)
        .expect("the answer is JSON");
    let count = |statuses: &[&str]| {
        archive.year.days.iter().filter(|day| statuses.contains(&day.status)).count() as u64
    };
    let coverage = &answer["coverage"];
    assert_cell(coverage, "days", count(&["complete", "partial", "truncated", "missing"]).into());
    assert_cell(coverage, "complete", count(&["complete"]).into());
    assert_cell(coverage, "partial", count(&["partial"]).into());
    assert_cell(coverage, "truncated", count(&["truncated"]).into());
    assert_cell(coverage, "missing", count(&["missing"]).into());
}

/// The store contains every event of the archive and no other one.
#[test]
fn store_contains_the_events_of_the_year() {
    let archive = year();
    let mut known: Vec<&str> =
        archive.year.events.iter().filter_map(|event| event.json["Id"].as_str()).collect();
    known.sort_unstable();
    let ids = crate::table::ids(&archive.dir.join("store"));
    assert!(ids.iter().map(String::as_str).eq(known), "the ids are not those of the year");
}

/// The roster of the year states the role of each person; the oracle must find the same roles.
#[test]
fn people_of_the_year_fill_their_roles() {
    let (user_actions, statuses) = known(year(), Tz::Europe__Berlin);
    let people = classes(&user_actions, "2026-02-10".parse().expect("a day"), &statuses);
    let classes = |users: &[&str], class: &str, role: &str| {
        for user in users {
            let found = people.iter().find(|(id, _)| id.starts_with(user));
            let (_, found) = found.unwrap_or_else(|| panic!("{user} did nothing"));
            assert_eq!((found.class, found.role), (class, Some(role)), "{found:?}");
        }
    };
    classes(&["anna.", "deniz.", "oliver."], "frequent", "creator");
    classes(&["bjorn.", "carla.", "emily.", "frank.", "greta.", "hanna."], "frequent", "viewer");
    classes(&["ivo.", "jana.", "ada.", "pat.", "lars."], "active", "viewer");
    classes(&["rosa."], "active", "viewer");
    classes(&["kenji.", "lena.", "kim."], "occasional", "viewer");
    classes(&["marek.", "nina."], "inactive", "viewer");
    let months = |user: &str| {
        people.iter().find(|(id, _)| id.starts_with(user)).map(|(_, person)| person.active_months)
    };
    assert_eq!((months("hanna."), months("ivo.")), (Some(9), Some(8)), "around nine of twelve");
}

/// Reports on a group of activities need each activity of the group.
#[test]
fn every_grouped_activity_occurs_in_the_year() {
    let happened: BTreeSet<&str> =
        year().year.events.iter().filter_map(|event| event.json["Operation"].as_str()).collect();
    let table = include_str!("../../src/schema/operations.tsv");
    let groups = ["VIEW", "EXTERNAL", "EXPORT", "AUTHOR", "SHARE", "ACCESS"];
    let grouped: Vec<&str> = table
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|cells| cells.get(4).is_some_and(|group| groups.contains(group)))
        .map(|cells| cells[0])
        .collect();
    assert!(grouped.len() > 60, "the groups have more activities than {grouped:?}");
    let never: Vec<&&str> = grouped.iter().filter(|name| !happened.contains(**name)).collect();
    assert!(never.is_empty(), "no scene has {never:?}");
    assert!(happened.iter().any(|name| !table.contains(&format!("\n{name}\t"))), "all are known");
}

/// Two people come at fixed intervals, so that both sides of the limit of 28 days are known.
#[test]
fn user_is_lost_after_28_days_without_activity() {
    let (user_actions, statuses) = known(year(), Tz::UTC);
    // Without others, the statuses of partial days would be unknown, so all days count as complete.
    // New users are known only after 28 days, so the log begins two months earlier here.
    let begin = *statuses.keys().next().expect("a day") - chrono::Days::new(60);
    let days = begin.iter_days().take(60).chain(statuses.into_keys());
    let statuses = days.map(|date| (date, "complete")).collect();
    let of = |user: &str| {
        let own: Vec<UserAction> =
            user_actions.iter().filter(|action| action.user.starts_with(user)).cloned().collect();
        let rows = adoption(own.iter(), &statuses);
        let sum = |count: &dyn Fn(&crate::oracles::Adoption) -> Option<u64>| -> u64 {
            rows.iter().filter_map(count).sum()
        };
        let (new, back) = (sum(&|day| day.new_users), sum(&|day| day.returning_users));
        (own.len() as u64, new, back, sum(&|day| day.lost_users))
    };
    let (visits, new, back, lost) = of("sven.");
    assert_eq!((new, back, lost), (1, 0, 0), "of {visits} visits");
    let (visits, new, back, lost) = of("tess.");
    assert_eq!((new, back), (1, visits - 1));
    assert_eq!(lost, visits - 1, "the last visit is less than 28 days ago");
}
