//! Checks the sections of the dashboard on an inventory: their numbers equal those of the reports,
//! people are on the page only if they are shown, and pages with filters do not have them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use crate::dashboard::{about, assert_closed, has_class, is_same, page_of, table, views};
use crate::html::{Element, read};
use crate::sample_data::ROOT;
use crate::workdir::Workdir;

/// Days on which content of the sample data is unused, and the period of all its events, whose
/// window is not covered.
const ASKED: [&[&str]; 3] = [
    &["--unused-days", "28", "--until", "2026-03-23"],
    &["--tz", "America/Los_Angeles"],
    &[
        "--unused-days",
        "14",
        "--since",
        "2026-03-01",
        "--until",
        "2026-03-20",
        "--as-of",
        "2026-02-01",
    ],
];

/// Tables of the sections, with the report that their rows are from and its status.
const TABLES: [(&str, Option<&str>); 3] = [
    ("unused-reports", Some("unused")),
    ("unused-items", Some("unused")),
    ("license-summary", None),
];

/// Stores of the sample data: `store` with the inventory, `log` without.
static SAMPLE: LazyLock<Workdir> = LazyLock::new(|| {
    let dir = Workdir::new();
    let [log, inventory] =
        ["sample-data", "sample-data-inventory"].map(|name| format!("{ROOT}/{name}"));
    dir.ingest("log", &[&log]).0.ended(0);
    dir.ingest("store", &[&log, &inventory]).0.ended(0);
    dir
});

fn page(flags: &[&str]) -> Element {
    read(&page_of(&SAMPLE, &[&["--store", "store"], flags].concat()))
}

/// Returns the rows of a report with the flags of a page.
fn rows(report: &str, params: &[&str], flags: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["report", report, "--store", "store", "--format", "json"];
    let mut days = "days=90".to_owned();
    let mut rest = flags.iter();
    while let Some(flag) = rest.next() {
        match (*flag, rest.next()) {
            ("--unused-days", Some(number)) => days = format!("days={number}"),
            (flag, value) => arguments.extend([flag].into_iter().chain(value.copied())),
        }
    }
    for param in params.iter().copied().chain([days.as_str()]) {
        arguments.extend(["--param", param]);
    }
    let answer: Value = serde_json::from_str(&SAMPLE.pbi(arguments).ended(0).stdout).expect("JSON");
    answer["rows"].as_array().expect("rows are a list").clone()
}

fn section<'p>(page: &'p Element, id: &str) -> Option<&'p Element> {
    page.all("section").into_iter().find(|section| section.get("id") == Some(id))
}

fn panel<'p>(page: &'p Element, id: &str) -> &'p Element {
    let found = page.all("div").into_iter().find(|panel| panel.get("id") == Some(id));
    found.unwrap_or_else(|| panic!("no panel {id}"))
}

/// Returns the rows of a panel by column; none if a sentence replaces the table.
fn panel_rows<'p>(page: &'p Element, id: &str) -> Vec<Vec<(&'p str, &'p Element)>> {
    panel(page, id).all("table").into_iter().flat_map(table).collect()
}

#[test]
fn tables_equal_their_reports() {
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for flags in ASKED {
        let page = page(flags);
        assert_closed(&page);
        for (id, status) in TABLES {
            let status = status.map(|status| format!("status={status}"));
            let params: Vec<&str> = status.as_deref().into_iter().collect();
            let expected = rows(id, &params, flags);
            let found = panel_rows(&page, id);
            assert_eq!(found.len(), expected.len(), "{id} {flags:?}");
            for (line, row) in found.iter().zip(&expected) {
                for (column, cell) in line {
                    assert!(is_same(cell, &row[*column]), "{id}, {column}: {row}");
                }
                assert!(line.len() > 5);
            }
            *compared.entry(id).or_default() += found.len();
        }
    }
    assert!(compared.len() == 3 && compared.values().all(|rows| *rows > 1), "{compared:?}");
}

#[test]
fn people_are_counted_by_the_class_of_their_license() {
    for flags in ASKED {
        let page = page(flags);
        let mut expected: BTreeMap<String, (BTreeSet<String>, usize)> = BTreeMap::new();
        for row in rows("license-usage", &[], flags) {
            let text = |name: &str| row[name].as_str().expect("a text").to_owned();
            let (people, licenses) = expected.entry(text("class")).or_default();
            people.insert(text("user"));
            *licenses += 1;
        }
        let found = panel_rows(&page, "license-classes");
        assert!(found.len() > 1 && found.len() == expected.len(), "{expected:?}");
        for line in found {
            let texts: Vec<String> = line.iter().map(|(_, cell)| cell.text()).collect();
            let [class, meaning, people, licenses] = &texts[..] else { panic!("{texts:?}") };
            let (all, count) = &expected[class];
            assert_eq!((people, licenses), (&all.len().to_string(), &count.to_string()), "{class}");
            assert!(!meaning.is_empty(), "{class}");
        }
        let reclaimable = ["idle", "never-seen", "disabled", "doubled"];
        let counts = reclaimable.iter().filter_map(|class| expected.get(*class));
        let count: usize = counts.map(|(_, licenses)| licenses).sum();
        let all: usize = expected.values().map(|(_, licenses)| licenses).sum();
        let text = panel(&page, "license-classes").text();
        let verb = if count == 1 { "is" } else { "are" };
        let told = format!(" {count} of {all} licenses {verb} reclaimable");
        assert!(text.contains(&told), "{told}: {text}");
    }
}

#[test]
fn the_summary_names_unused_reports() {
    let mut counts = BTreeSet::new();
    for flags in ASKED {
        let unused = rows("unused-reports", &["status=unused"], flags).len();
        for view in views(&page(flags)) {
            let answer = view.all("section")[0].text();
            let told = format!("{unused} reports were not used in the ");
            assert_eq!(answer.contains(&told), unused > 1, "{told}: {answer}");
            assert_eq!(answer.contains("not used"), unused > 0, "{answer}");
        }
        counts.insert(unused);
    }
    assert!(counts.contains(&0) && counts.len() > 1, "{counts:?}");
}

#[test]
fn the_snapshot_and_unknown_content_are_named() {
    for flags in ASKED {
        let page = page(flags);
        for (id, noun) in [("unused-reports", "reports"), ("unused-items", "items")] {
            let text = panel(&page, id).text();
            let all = rows(id, &["status=all"], flags);
            let with = |status: &str| -> Vec<&Value> {
                all.iter().filter(|row| row["status"] == status).collect()
            };
            let (unused, unknown) = (with("unused").len(), with("unknown"));
            let told = format!("{unused} of {} {noun} ", all.len());
            assert!(text.contains(&told), "{told}: {text}");
            for row in &unknown {
                let reason = row["reason"].as_str().expect("a reason");
                let count = unknown.iter().filter(|other| other["reason"] == reason).count();
                let told = format!("{count} ({reason})");
                assert!(text.contains(&told), "{told}: {text}");
            }
            assert_eq!(text.contains("unknown: "), !unknown.is_empty(), "{text}");
        }
        let text = panel(&page, "unused-reports").text();
        assert!(text.contains("may still be needed"), "{text}");
        let day = if flags.contains(&"--as-of") { "2026-01-31" } else { "2026-03-30" };
        assert!(text.contains(&format!("Inventory: scanner result of {day} ")), "{text}");
    }
}

#[test]
fn people_are_in_the_sections_only_if_they_are_shown() {
    let flags = ASKED[0];
    let mut people = BTreeSet::new();
    for (report, column) in
        [("unused-reports", "owner"), ("unused-items", "owner"), ("license-usage", "user")]
    {
        let found = rows(report, &[], flags);
        people.extend(found.iter().filter_map(|row| row[column].as_str().map(str::to_owned)));
    }
    assert!(people.len() > 10, "{people:?}");
    let named = page_of(&SAMPLE, &[&["--store", "store"], flags].concat());
    assert!(people.iter().any(|person| named.contains(person)));
    for display in ["pseudonyms", "none"] {
        let bytes = page_of(&SAMPLE, &[&["--store", "store", "--people", display], flags].concat());
        for person in &people {
            assert!(!bytes.contains(person.as_str()), "{person} is on the page with {display}");
        }
        let page = read(&bytes);
        let owners: Vec<String> = panel_rows(&page, "unused-reports")
            .into_iter()
            .flatten()
            .filter(|(column, _)| *column == "owner")
            .map(|(_, cell)| cell.text())
            .collect();
        match display {
            "none" => assert!(owners.is_empty(), "{owners:?}"),
            _ => assert!(owners.len() > 1 && owners.iter().all(|one| one.starts_with("Person "))),
        }
        assert!(section(&page, "licenses").is_some());
    }
}

#[test]
fn pages_with_filters_and_without_an_inventory_do_not_have_the_sections() {
    for flags in [
        &["--store", "store", "--workspace", "*"][..],
        &["--store", "store", "--not-user", "nobody@nowhere.example"],
        &["--store", "log"],
    ] {
        let page = read(&page_of(&SAMPLE, flags));
        for id in ["unused", "licenses"] {
            assert!(section(&page, id).is_none(), "{flags:?}: {id}");
        }
        assert!(page.all("div").iter().all(|element| !has_class(element, "rest")), "{flags:?}");
        let text = page.text();
        assert!(!text.contains("reclaimable") && !text.contains("Unused content"), "{flags:?}");
    }
}

#[test]
fn a_view_of_all_periods_has_the_sections_once_before_the_block_on_the_data() {
    let page = page(&[]);
    let all = views(&page);
    assert!(all.len() > 2);
    let sections: Vec<&str> = page.all("section").iter().filter_map(|one| one.get("id")).collect();
    for id in ["unused", "licenses"] {
        assert_eq!(sections.iter().filter(|found| **found == id).count(), 1, "{id}");
        let target = format!("#{id}");
        for view in &all {
            let links = view.all("nav")[0].all("a");
            let count = links.iter().filter(|link| link.get("href") == Some(&target)).count();
            assert_eq!(count, 1, "{id}");
        }
    }
    let rest =
        page.all("div").into_iter().find(|one| has_class(one, "rest")).expect("the sections");
    for view in &all {
        let key = view.get("class").and_then(|class| class.split(' ').nth(1)).expect("a key");
        assert!(has_class(rest, key), "{key}");
        assert!(about(&page, view).text().contains("Coverage: "), "{key}");
    }
}
