//! Checks that days which only the period names are missing days, in every report that has days.

use serde_json::{Value, json};

use crate::html::{Element, read};
use crate::workdir::Workdir;

/// Creates an archive with one view on each of the first 20 days of October 2025.
fn archive() -> Workdir {
    let dir = Workdir::new();
    let events: Vec<Value> = (1..=20)
        .map(|day| {
            json!({
                "Id": format!("e{day}"), "CreationTime": format!("2025-10-{day:02}T09:00:00"),
                "Operation": "ViewReport", "Activity": "ViewReport", "RecordType": 20,
                "Workload": "PowerBI", "UserId": "ann@contoso.com", "UserType": 0,
                "WorkspaceId": "w1", "ReportId": "r1",
            })
        })
        .collect();
    dir.write("archive/a.json", json!({ "activityEventEntities": events }).to_string());
    dir
}

fn answer(dir: &Workdir, command: &str) -> Value {
    let arguments = ["report"].into_iter().chain(command.split(' '));
    let arguments = arguments.chain(["--from", "archive", "--format", "json"]);
    serde_json::from_str(&dir.pbi(arguments).ended(0).stdout).expect("the answer is JSON")
}

/// Returns some columns of all rows.
fn table(dir: &Workdir, command: &str, columns: &[&str]) -> Vec<Value> {
    let rows = answer(dir, command)["rows"].as_array().expect("rows are a list").clone();
    rows.into_iter().map(|row| columns.iter().map(|name| row[*name].clone()).collect()).collect()
}

/// Days after the log were no missing days of dormant-workspaces.
#[test]
fn days_after_the_log_can_hide_activity() {
    let dir = archive();
    let command = "dormant-workspaces --until 2025-11-30";
    let expected = json!([41, "2025-10-20", 41]);
    assert_eq!(table(&dir, command, &["idle_days", "last_activity", "missing_days"]), [expected]);
}

/// A month was complete although the log ended on its 20th day, and a month after the log had no
/// row.
#[test]
fn weeks_and_months_have_all_days_that_the_period_names() {
    let dir = archive();
    let until = "--since 2025-09-29 --until 2025-11-02";
    let month = format!("consumption-trend --param grain=month {until}");
    let expected = [
        json!(["2025-09-29", null, "missing", 0, 2]),
        json!(["2025-10-01", 20, "partial", 20, 31]),
        json!(["2025-11-01", null, "missing", 0, 2]),
    ];
    let columns = ["date", "views", "status", "complete_days", "days"];
    assert_eq!(table(&dir, &month, &columns), expected);
    let week = format!("consumption-trend --param grain=week {until}");
    let statuses = table(&dir, &week, &["status", "days"]);
    let expected = [["partial", "complete", "complete", "partial", "missing"].map(Value::from)];
    assert_eq!(statuses, expected[0].clone().map(|status| json!([status, 7])));
    let adoption = format!("adoption --param grain=month {until}");
    let expected = [
        json!(["2025-09-29", null, "missing"]),
        json!(["2025-10-01", 1.0, "partial"]),
        json!(["2025-11-01", null, "missing"]),
    ];
    let found = table(&dir, &adoption, &["date", "dau", "status"]);
    assert_eq!(found.len(), 3);
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!((&found[0], &found[2]), (&expected[0], &expected[2]));
        assert_eq!(found[1].as_f64(), expected[1].as_f64());
    }
    // Without named days, the months are those of the log.
    let alone = table(&dir, "consumption-trend --param grain=month", &columns);
    assert_eq!(alone, [json!(["2025-10-01", 20, "complete", 20, 20])]);
}

/// The footer and JSON counted different days, and a period of the future ended before it began.
#[test]
fn period_never_ends_before_it_begins() {
    let dir = archive();
    for (flags, period, days) in [
        ("--until 2025-01-05", ["2025-01-05", "2025-01-05"], 0),
        ("--since 2025-01-05 --until 2025-01-06", ["2025-01-05", "2025-01-06"], 2),
        ("--since 2025-11-01 --until 2025-11-03", ["2025-11-01", "2025-11-03"], 3),
    ] {
        let answer = answer(&dir, &format!("top-reports {flags}"));
        let found = ["since", "until"].map(|end| answer["period"][end].as_str().unwrap_or(""));
        assert_eq!(found, period, "{flags}");
        assert_eq!(answer["coverage"]["days"], days, "{flags}");
        assert_eq!(answer["coverage"]["missing"], days, "{flags}");
    }
    let report = ["report", "top-reports", "--from", "archive", "--since", "2098-01-05"];
    for until in [&[][..], &["--until", "2098-02-01"]] {
        let refused = dir.pbi(report.iter().chain(until)).ended(2).stderr;
        assert!(refused.contains("but your log covers 2025-10-01 to 2025-10-20"), "{refused}");
    }
}

/// `partial` contained the truncated days, so that the numbers did not add up.
#[test]
fn counts_of_days_add_up() {
    let dir = archive();
    dir.write(
        "archive/b.json",
        r#"[{"Id":"x","CreationTime":"2025-10-21T09:00:00","Operation":"ViewReport","RecordType":20,
            "Workload":"PowerBI","UserId":"ann@contoso.com"},{"Id":"y","#,
    );
    let command = ["report", "top-reports", "--from", "archive", "--until", "2025-10-23"];
    let json = [&command[..], &["--format", "json"]].concat();
    let answer: Value =
        serde_json::from_str(&dir.pbi(json).ended(3).stdout).expect("the answer is JSON");
    let expected = json!({"days": 23, "complete": 20, "partial": 0, "missing": 2, "truncated": 1});
    assert_eq!(answer["coverage"], expected);
    let text = dir.pbi(command).ended(3).stdout;
    assert!(text.contains("20 of 23 days complete (1 truncated, 2 missing)"), "{text}");
    let failing = [&command[..], &["--fail-on", "coverage:partial"]].concat();
    let stderr = dir.pbi(failing).ended(3).stderr;
    assert!(stderr.contains("1 day is partial or truncated"), "{stderr}");
}

/// The number of active users was weeks older than the end of the period, without a word.
#[test]
fn dashboard_names_the_day_of_an_old_number() {
    let dir = archive();
    let mut events = Vec::new();
    for day in 1..=30 {
        events.push(json!({
            "Id": format!("s{day}"), "CreationTime": format!("2025-09-{day:02}T09:00:00"),
            "Operation": "ViewReport", "RecordType": 20, "UserId": "ann@contoso.com",
        }));
    }
    dir.write("archive/b.json", Value::from(events).to_string());
    let note = |flags: &[&str]| {
        let page = dir.pbi([&["dashboard", "--from", "archive"], flags].concat()).ended(0).stdout;
        let page = read(&page);
        // The page has the number for each of its periods; a short one can end in missing days.
        let figures = page.all("li").into_iter();
        let figures = figures.filter(|li| li.get("data-figure") == Some("mau"));
        let texts: Vec<String> = figures.map(Element::text).collect();
        assert!(!texts.is_empty(), "the page has the number");
        let day = |text: &String| Some(text.split_once("28 days to ")?.1[..10].to_owned());
        texts.iter().find_map(day)
    };
    assert_eq!(note(&[]), None);
    assert_eq!(note(&["--until", "2025-11-10"]).as_deref(), Some("2025-10-20"));
}
