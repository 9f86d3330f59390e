//! `--details`: one report, workspace or user in full, compared with counts in plain code over the
//! raw events, and with the single reports over the sample archive.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::golden::assert_golden;
use crate::sample_data::{FOLDERS, copy_of_sample_data};
use crate::workdir::Workdir;

/// First day of the archive, a Monday.
fn first() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day")
}

/// Days of the archive.
const DAYS: u64 = 28;

/// Returns the events of four weeks: on day n, every n-th person views one of two reports, and
/// there are exports, shares and changes.
fn raw_events() -> Vec<Value> {
    let mut events = Vec::new();
    for number in 0..DAYS {
        let day = first() + Days::new(number);
        for person in 0..5_u64 {
            let times = (number * 3 + person * 5) % 4;
            for time in 0..times {
                let report = if (person + time).is_multiple_of(2) { "r1" } else { "r2" };
                events.push(event(day, person, "ViewReport", report, events.len()));
            }
        }
        if number % 9 == 0 {
            events.push(event(day, 1, "ExportReport", "r1", events.len()));
        }
        if number % 10 == 0 {
            events.push(event(day, 2, "EditReport", "r1", events.len()));
        }
    }
    events
}

fn event(day: NaiveDate, person: u64, activity: &str, report: &str, number: usize) -> Value {
    json!({
        "Id": format!("e{number:05}"), "CreationTime": format!("{day}T10:{:02}:00", number % 60),
        "Operation": activity, "Activity": activity, "UserId": format!("p{person}@contoso.com"),
        "UserType": 0, "RecordType": 20, "Workload": "PowerBI", "ReportId": report,
        "ReportName": if report == "r1" { "Sales" } else { "Costs" }, "WorkspaceId": "w1",
        "WorkSpaceName": "Finance", "ArtifactId": report, "ArtifactKind": "Report",
    })
}

fn archive() -> (Workdir, Vec<Value>) {
    let (dir, events) = (Workdir::new(), raw_events());
    let mut pages: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for event in &events {
        pages.entry(day_of(event).to_string()).or_default().push(event);
    }
    for (day, events) in pages {
        let page = json!({ "activityEventEntities": events });
        dir.write(&format!("log/{day}.json"), page.to_string());
    }
    dir.ingest("store", &["log"]).0.ended(0);
    (dir, events)
}

fn day_of(event: &Value) -> NaiveDate {
    let time = event["CreationTime"].as_str().expect("a time");
    time[..10].parse().expect("a day")
}

fn details(dir: &Workdir, arguments: &[&str]) -> Value {
    let fixed = ["--details", "--store", "store", "--format", "json"];
    let text = dir.pbi(arguments.iter().chain(&fixed)).ended(0).stdout;
    serde_json::from_str(&text).expect("one JSON object")
}

fn table<'v>(answer: &'v Value, name: &str) -> &'v [Value] {
    answer["tables"][name]["rows"].as_array().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[test]
fn a_report_in_full_has_the_figures_of_the_raw_events() {
    let (dir, events) = archive();
    let period = ["--period", "2026-03-16..2026-03-29"];
    let name = ["report", "report-usage", "--report", "Sales"];
    let answer = details(&dir, &[&name[..], &period].concat());
    let [from, until] = ["2026-03-16", "2026-03-29"].map(|day| day.parse::<NaiveDate>().unwrap());
    let selected = |activity: &str, first: NaiveDate, last: NaiveDate| -> Vec<&Value> {
        let is_selected = |event: &&Value| {
            event["Activity"] == activity
                && event["ReportId"] == "r1"
                && (first..=last).contains(&day_of(event))
        };
        events.iter().filter(is_selected).collect()
    };
    let users = |events: &[&Value]| -> BTreeSet<String> {
        events.iter().map(|event| event["UserId"].to_string()).collect()
    };
    let now = selected("ViewReport", from, until);
    let before = selected("ViewReport", from - Days::new(14), from - Days::new(1));

    let summary = &table(&answer, "summary")[0];
    assert_eq!(summary["views"], now.len());
    assert_eq!(summary["viewers"], users(&now).len());
    let costs = events.iter().filter(|event| {
        event["ReportId"] == "r2" && event["Activity"] == "ViewReport" && day_of(event) >= from
    });
    let rank = if costs.count() > now.len() { 2 } else { 1 };
    assert_eq!(summary["rank"], rank, "among both reports");

    let figure = |name: &str| {
        let rows = table(&answer, "comparison");
        rows.iter().find(|row| row["figure"] == name).unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(figure("views")["this_period"], now.len());
    assert_eq!(figure("views")["previous_period"], before.len());
    let difference = now.len() as i64 - before.len() as i64;
    assert_eq!(figure("views")["difference"], difference);
    let percent = figure("views")["percent"].as_f64().expect("a percentage");
    assert!((percent - difference as f64 * 100.0 / before.len() as f64).abs() < 0.051);
    assert_eq!(figure("viewers")["previous_period"], users(&before).len());

    for (number, row) in table(&answer, "days").iter().enumerate() {
        let day = from + Days::new(number as u64);
        let then = day - Days::new(14);
        assert_eq!(row["date"], day.to_string());
        assert_eq!(row["views"], selected("ViewReport", day, day).len());
        assert_eq!(row["previous_date"], then.to_string());
        assert_eq!(row["previous_views"], selected("ViewReport", then, then).len());
    }
    assert_eq!(table(&answer, "days").len(), 14);

    for row in table(&answer, "viewers") {
        let of_user: Vec<&&Value> =
            now.iter().filter(|event| event["UserId"] == row["user"]).collect();
        let days: BTreeSet<NaiveDate> = of_user.iter().map(|event| day_of(event)).collect();
        assert_eq!(
            (&row["views"], &row["active_days"]),
            (&of_user.len().into(), &days.len().into())
        );
        let last = days.last().expect("a view").to_string();
        assert!(row["last_seen"].as_str().expect("a time").starts_with(&last), "{row}");
    }
    assert_eq!(table(&answer, "viewers").len(), users(&now).len());
    let exports: i64 = table(&answer, "exports")
        .iter()
        .map(|row| row["exports"].as_i64().expect("a number"))
        .sum();
    assert_eq!(exports, selected("ExportReport", from, until).len() as i64);
    assert_eq!(table(&answer, "changes").len(), selected("EditReport", from, until).len());
    assert_eq!(table(&answer, "coverage").len(), 0, "{answer}");
}

#[test]
fn without_a_period_before_there_is_no_comparison() {
    let (dir, _) = archive();
    let answer = details(&dir, &["report", "workspace-usage", "--workspace", "Finance"]);
    assert!(table(&answer, "comparison").is_empty());
    let note = answer["tables"]["comparison"]["notes"][0].as_str().expect("a note");
    assert!(note.starts_with("No comparison: there is not enough history"), "{note}");
    assert!(table(&answer, "days").iter().all(|row| row["previous_views"].is_null()));
}

/// Returns a store of the sample archive.
fn sample() -> Workdir {
    let dir = copy_of_sample_data();
    dir.ingest("store", &FOLDERS).0.ended(3);
    dir
}

/// Reports of the tables of each kind.
const PARTS: [(&str, &str); 8] = [
    ("viewers", "top-users"),
    ("reports", "top-reports"),
    ("clients", "consumption-method"),
    ("distribution", "distribution-method"),
    ("exports", "exports"),
    ("shares", "sharing-audit"),
    ("subscriptions", "subscriptions"),
    ("access", "access-changes"),
];

#[test]
fn tables_are_those_of_the_single_reports() {
    let dir = sample();
    let single = |report: &str, flags: &[&str]| -> Vec<Value> {
        let fixed = ["report", report, "--store", "store", "--format", "json"];
        let text = dir.pbi(fixed.iter().chain(flags)).ended(0).stdout;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["rows"].as_array().expect("rows").clone()
    };
    for (report, flag, key) in [
        ("report-usage", "--report", "report_id"),
        ("workspace-usage", "--workspace", "workspace_id"),
        ("user-usage", "--user", "user"),
    ] {
        let all = single(report, &["--since", "30d"]);
        let id = all[1][key].as_str().expect("an ID");
        let flags = ["--since", "30d", flag, id];
        let answer = details(&dir, &[&["report", report], &flags[..]].concat());
        assert_eq!(table(&answer, "summary"), [all[1].clone()], "with the rank among all");
        for (name, of_report) in PARTS {
            let Some(found) = answer["tables"].get(name) else { continue };
            let found = found["rows"].as_array().expect("rows");
            let expected = single(of_report, &flags);
            assert_eq!(found.len(), expected.len(), "{name} of {report}");
            for (found, expected) in found.iter().zip(expected) {
                let cells = found.as_object().expect("an object");
                assert!(cells.iter().all(|(name, value)| expected[name] == *value), "{found}");
            }
        }
    }
}

#[test]
fn details_match_their_golden_files() {
    let dir = sample();
    for (report, flag, name) in [
        ("report-usage", "--report", "Store Performance"),
        ("workspace-usage", "--workspace", "Finance EMEA"),
        ("user-usage", "--user", "tamsin.*"),
    ] {
        let command = ["report", report, flag, name, "--period", "2026-03", "--details"];
        let output = dir.command(command.iter().chain(&["--store", "store"]));
        let text = { output }.env("COLUMNS", "100").output().expect("the program starts").stdout;
        let text = String::from_utf8(text).expect("UTF-8");
        assert_golden(&format!("details-{report}.txt"), &text);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}

#[test]
fn names_must_match_one_item() {
    let dir = sample();
    for (arguments, expected) in [
        (&["report-usage", "--report", "Sales Overview"][..], "matches 2: Sales Overview, Sales "),
        (&["report-usage", "--report", "Sales Overvew"], "Did you mean Sales Overview?"),
        (&["report-usage"], "name it with --report NAME"),
        (&["user-usage", "--user", "*"], "; … "),
        (&["adoption"], "adoption has no details"),
        (&["report-usage", "--report", "Store *", "--format", "csv"], "csv holds one table"),
        (&["report-usage", "--report", "Store *", "--sort", "views"], "cannot be used with"),
    ] {
        let fixed = ["--details", "--store", "store"];
        let command = ["report"].iter().chain(arguments).chain(&fixed);
        let ran = dir.pbi(command).ended(2);
        let expected = expected.trim_end();
        assert!(ran.stderr.contains(expected), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn formats_hold_all_tables() {
    let dir = sample();
    let run = |format: &str, file: &str| {
        let command = ["report", "report-usage", "--report", "Store Performance", "--details"];
        let output = ["--store", "store", "--format", format, "--output", file];
        dir.pbi(command.iter().chain(&output)).ended(0);
        std::fs::read(dir.join(file)).expect("the file is written")
    };
    let book = run("xlsx", "one.xlsx");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(book)).expect("a workbook");
    let mut names = String::new();
    let mut sheet = zip.by_name("xl/workbook.xml").expect("the list of sheets");
    std::io::Read::read_to_string(&mut sheet, &mut names).expect("text");
    for name in ["Summary", "Views by day", "Viewers", "Changes", "About"] {
        assert!(names.contains(&format!("name=\"{name}\"")), "{name}: {names}");
    }
    let page = String::from_utf8(run("markdown", "one.md")).expect("UTF-8");
    assert!(page.starts_with("# Most viewed reports: Store Performance, Retail"), "{page}");
    assert!(page.contains("\n## Viewers\n"), "{page}");
}

#[test]
fn all_reports_are_one_workbook_with_an_index() {
    let dir = sample();
    let command = ["report", "--all", "--since", "30d", "--store", "store", "--output"];
    let ran = dir.pbi(command.iter().chain(&["all.json"])).ended(0);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    let text = std::fs::read_to_string(dir.join("all.json")).expect("the file is written");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let index = table(&all, "index");
    let list = dir.pbi(["reports", "--format", "json"]).ended(0).stdout;
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let reports = list["rows"].as_array().expect("rows");
    assert_eq!(index.len(), reports.len());
    for (row, report) in index.iter().zip(reports) {
        assert_eq!((&row["report"], &row["title"]), (&report["report"], &report["title"]));
        let name = row["report"].as_str().expect("a name");
        let rows = table(&all, name);
        assert_eq!(row["rows"], rows.len(), "{name}");
        assert_eq!(row["note"].is_null(), !rows.is_empty(), "{row}");
    }
    let single = ["report", "exports", "--since", "30d", "--store", "store", "--format", "json"];
    let single: Value = serde_json::from_str(&dir.pbi(single).ended(0).stdout).expect("JSON");
    assert_eq!(table(&all, "exports"), single["rows"].as_array().expect("rows"));
    dir.pbi(command.iter().chain(&["all.xlsx"])).ended(0);
    assert!(dir.join("all.xlsx").metadata().expect("a workbook").len() > 20_000);
    let csv = dir.pbi(command.iter().chain(&["all.csv"])).ended(2);
    assert!(csv.stderr.contains("csv holds one table"), "{}", csv.stderr);
}

#[test]
fn raw_files_are_read_as_a_store_is() {
    let (dir, _) = archive();
    let command = ["report", "report-usage", "--report", "Sales", "--details", "--format", "json"];
    let raw = dir.pbi(command.iter().chain(&["--from", "log"])).ended(0).stdout;
    let stored = dir.pbi(command.iter().chain(&["--store", "store"])).ended(0).stdout;
    assert_eq!(raw, stored);
}
