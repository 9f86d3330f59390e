//! Checks that failed events count in no report that does not name failures.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sample_data::ROOT;
use crate::workdir::Workdir;

/// Reports whose rows failed events change, and the column that shows the failure.
const WITH_FAILURES: [(&str, &str); 14] = [
    ("access-changes", "change"),
    ("activity", "outcome"),
    ("copilot", "failed"),
    ("coverage", "events"),
    ("deletions-and-takeovers", "change"),
    ("embed", "failed"),
    ("failed-activities", "failed"),
    ("gateways", "failed"),
    ("noise", "events"),
    ("operations-catalogue", "events"),
    ("refreshes", "failed"),
    ("service-principals", "failed"),
    ("subscriptions", "failed"),
    ("tenant-setting-changes", "failed"),
];

/// Returns the names of all known operations.
fn operations() -> Vec<String> {
    let table = std::fs::read_to_string(format!("{ROOT}/src/schema/operations.tsv"));
    let table = table.expect("the table of operations is readable");
    table.lines().skip(1).filter_map(|line| line.split('\t').next()).map(str::to_owned).collect()
}

/// Returns an event of a person who opens a report.
fn view(day: usize) -> Value {
    json!({
        "Id": format!("v{day}"), "CreationTime": format!("2026-01-{day:02}T10:00:00"),
        "Operation": "ViewReport", "Activity": "ViewReport", "RecordType": 20,
        "Workload": "PowerBI", "UserType": 0, "UserId": format!("u{}@contoso.com", day % 6),
        "WorkspaceId": "w1", "WorkSpaceName": "W", "ReportId": "r1", "ReportName": "R",
        "AppId": "a1", "AppName": "A", "CapacityId": "c1", "CapacityName": "C",
    })
}

/// Returns a failed event with all that reports read of an event.
fn failed(number: usize, operation: &str) -> Value {
    let (hour, minute) = (number / 60 % 24, number % 60);
    let recipients = json!([{"RecipientEmail": "z@partner.com"}]);
    json!({
        "Id": format!("f{number}"), "CreationTime": format!("2026-01-07T{hour:02}:{minute:02}:00"),
        "Operation": operation, "Activity": operation, "RecordType": 20, "Workload": "PowerBI",
        "UserType": 0, "UserId": "failed@contoso.com", "IsSuccess": false,
        "WorkspaceId": "wf", "WorkSpaceName": "WF", "ReportId": "rf", "ReportName": "RF",
        "DatasetId": "df", "DatasetName": "DF", "DashboardId": "bf", "DashboardName": "BF",
        "AppId": "af", "AppName": "AF", "CapacityId": "cf", "CapacityName": "CF",
        "ItemName": "RF", "SharingInformation": recipients, "SubscribeeInformation": recipients,
        "MembershipInformation": [{"MemberEmail": "z@partner.com"}], "RefreshType": "OnDemand",
        "DistributionMethod": "Shared", "ConsumptionMethod": "Mobile",
    })
}

/// Returns the rows of every report on these events, by the name of the report.
fn reports(events: &[Value]) -> Vec<(String, Vec<Value>)> {
    let dir = Workdir::new();
    dir.write("archive/a.json", json!({ "activityEventEntities": events }).to_string());
    dir.pbi(["ingest", "archive"]).ended(0);
    let command = ["report", "--all", "--actors", "people", "--format", "json"];
    dir.pbi([&command[..], &["--output-dir", "out"]].concat()).ended(0);
    let folder = std::fs::read_dir(dir.path().join("out")).expect("there are reports");
    let mut paths: Vec<_> = folder.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let of_file = |path: std::path::PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a report is readable");
        let answer: Value = serde_json::from_str(&text).expect("a report is JSON");
        (name, answer["rows"].as_array().expect("rows are a list").clone())
    };
    paths.into_iter().map(of_file).collect()
}

#[test]
fn failed_events_of_any_activity_change_only_reports_that_name_failures() {
    let views: Vec<Value> = (1..15).map(view).collect();
    let failures = operations().into_iter().enumerate().map(|(at, name)| failed(at, &name));
    let with_failures: Vec<Value> = views.iter().cloned().chain(failures).collect();
    let mut changed = BTreeSet::new();
    for ((name, before), (_, after)) in reports(&views).into_iter().zip(reports(&with_failures)) {
        let column = WITH_FAILURES.iter().find(|(report, _)| *report == name).map(|(_, c)| *c);
        for row in after.iter().filter(|row| !before.contains(row)) {
            let column = column.unwrap_or_else(|| panic!("{name} counts failed events: {row}"));
            let shown = &row[column];
            let is_shown = shown.as_f64().is_some_and(|count| count > 0.0)
                || shown.as_bool().unwrap_or_default()
                || shown.as_str().is_some_and(|text| text.contains("failed"));
            assert!(is_shown, "{name} does not say in {column} that an event failed: {row}");
            changed.insert(name.clone());
        }
    }
    let expected = WITH_FAILURES.map(|(report, _)| report.to_owned());
    assert_eq!(changed, BTreeSet::from(expected));
}
