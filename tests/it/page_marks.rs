//! Checks the days of a file in the charts of the dashboard and of reports.

use crate::archive::year;
use crate::dashboard::{about, has_class, opened, views, year_page};
use crate::workdir::Workdir;

const EVENTS: &str =
    "date,label\n2026-01-20,\"Training <b>Sales</b>, day 1\"\n2025-06-02,Migration\n";

#[test]
fn days_of_a_file_are_in_the_charts_and_listed_below_them() {
    let dir = Workdir::new();
    dir.write("events.csv", EVENTS);
    let file = dir.path().join("events.csv");
    let flags = ["--since", "2025-12-01", "--events", file.to_str().unwrap()];
    let page = year_page(&flags);
    let view = opened(&page);
    let lists: Vec<String> = view
        .all("ul")
        .into_iter()
        .filter(|list| has_class(list, "marks"))
        .map(|list| list.text())
        .collect();
    assert!(!lists.is_empty());
    for list in &lists {
        assert!(list.contains("20 January 2026: Training <b>Sales</b>, day 1"), "{list}");
        assert!(!list.contains("Migration"), "this day is not in the period: {list}");
        assert!(list.contains("1 of 2 marked days is outside this chart."), "{list}");
    }
    let outside = "1 of 2 marked days is outside this period: 2 Jun 2025 (Migration).";
    let named = about(&page, view).text();
    assert!(named.contains(outside), "{named}");
    // Each chart has a wide and a narrow picture.
    let drawn = view.all("path").into_iter().filter(|path| has_class(path, "mark")).count();
    assert_eq!(drawn, 2 * lists.len());
    // All days are outside of a later period, and its charts say so.
    let last = views(&page).into_iter().find(|view| has_class(view, "d7")).expect("seven days");
    let text = last.text();
    assert!(text.contains("2 of 2 marked days are outside this chart."), "{text}");
    let both = "2 of 2 marked days are outside this period: 2 Jun 2025 (Migration); 20 Jan 2026 \
        (Training <b>Sales</b>, day 1).";
    let named = about(&page, last).text();
    assert!(named.contains(both), "{named}");
    let unmarked = year_page(&["--since", "2025-12-01"]);
    assert!(unmarked.all("ul").into_iter().all(|list| !has_class(list, "marks")));
}

#[test]
fn reports_mark_the_days_of_a_file() {
    let dir = Workdir::new();
    dir.write("events.csv", EVENTS);
    let file = dir.path().join("events.csv");
    let run = |format: &str| {
        let flags = ["--store", "store", "--since", "2025-12-01", "--format", format, "--events"];
        let command = ["report", "consumption-trend"].iter().chain(&flags);
        year().dir.pbi(command.copied().chain([file.to_str().unwrap()])).ended(0).stdout
    };
    assert!(run("html").contains("Training &lt;b&gt;Sales&lt;/b&gt;, day 1"));
    assert!(run("text").contains("2025-06-02 (Migration), not in the period"));
}

#[test]
fn files_that_cannot_be_read_are_refused_with_line_and_column() {
    let dir = Workdir::new();
    dir.write("wrong.csv", "date,label\n2026-03-10,Training\n11.3.2026,Migration\n");
    let file = dir.path().join("wrong.csv");
    let refused = |file: &str, code: i32| {
        let run = ["dashboard", "--store", "store", "--output", "never.html", "--events", file];
        year().dir.pbi(run).ended(code).stderr
    };
    let error = refused(file.to_str().unwrap(), 2);
    assert!(
        error.contains("wrong.csv, line 3, column date: \"11.3.2026\" is not a day"),
        "{error}"
    );
    assert!(refused("no-such-file.csv", 1).contains("no-such-file.csv"));
    assert!(!year().dir.path().join("never.html").exists());
}
