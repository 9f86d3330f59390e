//! Checks lists of refreshables and histories of refreshes beside the log, and the report on them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::inventory::{
    compare_with_golden, id, results_by_order, rows, rows_of_views, scan, write_march,
};
use crate::workdir::{Outcome, Workdir};

const VIEWS: [&str; 3] = ["refresh_history", "refreshables", "snapshots"];

fn model(number: usize) -> String {
    id(3, number)
}

/// Returns an entry of a history as pbimonitor writes it.
fn refresh(number: usize, request: usize, started: &str, status: &str) -> Value {
    let mut entry = json!({
        "requestId": id(6, request), "id": request, "refreshType": "Scheduled",
        "startTime": format!("{started}.13Z"), "status": status, "dataSetId": model(number),
        "dataSet": format!("Model {number}"), "group": "Sales",
        "configuredBy": "ida@contoso.com"
    });
    if status != "Unknown" {
        entry["endTime"] = json!(format!("{}:40Z", &started[..16]));
    }
    if status == "Failed" {
        let error = "{\"errorCode\":\"CredentialsMissing\",\"by\":\"ida@contoso.com\"}";
        entry["serviceExceptionJson"] = json!(error);
    }
    entry
}

fn refreshable(number: usize, end: &str, counts: (u32, u32), last: Option<Value>) -> Value {
    let mut held = json!({
        "id": model(number).to_uppercase(), "name": format!("Model {number}"), "kind": "Dataset",
        "startTime": "2026-03-20T00:00:00Z", "endTime": end, "refreshCount": counts.0,
        "refreshFailures": counts.1, "averageDuration": 91.5, "medianDuration": 90,
        "refreshesPerDay": 1, "configuredBy": ["ida@contoso.com", "Olf@contoso.com"],
        "refreshSchedule": {"days": ["Monday"], "times": ["05:00"], "enabled": true,
            "localTimeZoneId": "UTC", "notifyOption": "MailOnFailure"},
        "capacity": {"id": id(4, 1).to_uppercase(), "displayName": "prod", "sku": "F64"},
        "group": {"id": id(1, 1), "name": "Sales"}
    });
    if let Some(mut last) = last {
        last.as_object_mut().expect("it is an object").retain(|name, _| !name.starts_with("data"));
        held["lastRefresh"] = last;
    }
    held
}

/// Writes a log of March, a scan, two histories that overlap, and two lists of refreshables.
///
/// Model 1 fails and is used through a report in another workspace; 2 is refreshed and unused; 3 is
/// used by a model on it; 4 has a schedule that is off; 5 is in no inventory; 6 has a schedule and no
/// known refresh.
fn write_archive(dir: &Workdir) {
    let report = |number: usize, of: usize| {
        json!({"id": id(2, number), "name": format!("R{number}"), "datasetId": model(of),
            "createdDateTime": "2024-01-01T00:00:00", "reportType": "PowerBIReport"})
    };
    let held = |number: usize, upstream: &[usize]| {
        let upstream: Vec<Value> =
            upstream.iter().map(|number| json!({"targetDatasetId": model(*number)})).collect();
        json!({"id": model(number), "name": format!("Held {number}"),
            "configuredBy": "ida@contoso.com", "upstreamDatasets": upstream})
    };
    let mut models: Vec<Value> = (1..=4).map(|number| held(number, &[])).collect();
    models[3]["refreshSchedule"] = json!({"days": ["Monday"], "enabled": false});
    let mut sixth = held(6, &[]);
    sixth["refreshSchedule"] = json!({"days": ["Sunday"], "times": ["04:00"], "enabled": true,
        "localTimeZoneId": "UTC"});
    models.push(sixth);
    let workspace = |number: usize, models: &[Value], reports: &[Value]| {
        json!({"id": id(1, number), "name": format!("W{number}"), "type": "Workspace",
            "state": "Active", "isOnDedicatedCapacity": false, "datasets": models,
            "reports": reports})
    };
    let workspaces = [
        workspace(1, &models, &[report(2, 2)]),
        workspace(2, &[held(7, &[3])], &[report(1, 1), report(3, 7)]),
    ];
    dir.write("archive/a.fullscan.json", scan("2026-03-28T02:00:00Z", &workspaces));
    let view = |number: usize| json!({"ReportId": id(2, number), "UserId": "ann@contoso.com", "WorkspaceId": id(1, 2)});
    let daily = json!({"ReportId": id(2, 9), "UserId": "eve@contoso.com"});
    write_march(dir, &daily, &[(2, view(2)), (25, view(1)), (26, view(3)), (26, view(3))]);

    let first = [
        refresh(1, 1, "2026-03-24T05:00:01", "Completed"),
        refresh(1, 2, "2026-03-25T05:00:01", "Unknown"),
        refresh(2, 3, "2026-03-25T06:00:01", "Completed"),
    ];
    let second = [
        refresh(1, 2, "2026-03-25T05:00:01", "Failed"),
        refresh(2, 3, "2026-03-25T06:00:01", "Completed"),
        refresh(2, 4, "2026-03-26T06:00:01", "Completed"),
        refresh(3, 5, "2026-03-26T07:00:01", "Completed"),
        refresh(4, 6, "2026-03-10T07:00:01", "Failed"),
        refresh(5, 7, "2026-03-26T07:00:01", "Disabled"),
    ];
    let name = "workspaces.datasets.refreshes.json";
    dir.write(&format!("archive/refresh/2026/03/25/{name}"), json!(first).to_string());
    dir.write(&format!("archive/refresh/2026/03/27/{name}"), json!(second).to_string());
    let page = |held: Value| json!({"@odata.context": "x", "value": [held]}).to_string();
    let last = refresh(1, 2, "2026-03-25T05:00:01", "Failed");
    let early = refreshable(1, "2026-03-25T00:00:00Z", (9, 9), None);
    dir.write("archive/raw/2026/03/25/1_refreshables.json", page(early));
    let late = refreshable(1, "2026-03-27T00:00:00Z", (5, 2), Some(last));
    dir.write("archive/raw/2026/03/27/1_refreshables.json", page(late));
}

fn ingested() -> Workdir {
    let dir = Workdir::new();
    write_archive(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    dir
}

/// Returns `health use refreshes/failures views` of each semantic model in the report.
fn health(dir: &Workdir, flags: &[&str]) -> BTreeMap<String, String> {
    let arguments = [&["report", "refresh-health"], flags].concat();
    let pair = |row: BTreeMap<String, String>| {
        let names = ["health", "use", "refreshes", "failures", "views"];
        (row["semantic_model"].clone(), names.map(|name| row[name].as_str()).join(" "))
    };
    rows(dir, &arguments).into_iter().map(pair).collect()
}

#[test]
fn each_rule_of_refresh_health_bites() {
    let dir = ingested();
    let all = ["--param", "status=all", "--param", "days=10"];
    let expected = [
        ("Held 1", "failing used 5 2 1"),
        ("Held 2", "ok unused 2 0 0"),
        ("Held 3", "ok used 1 0 2"),
        ("Held 4", "unknown unknown 0 0 0"),
        ("Held 6", "unknown unused 0 0 0"),
        ("Model 5", "failing unknown 1 0 0"),
    ];
    let expected = expected.map(|(name, row)| (name.to_owned(), row.to_owned()));
    assert_eq!(health(&dir, &all), expected.clone().into());
    let names = |flags: &[&str]| health(&dir, flags).into_keys().collect::<Vec<String>>();
    assert_eq!(names(&["--param", "days=10", "--param", "status=failing"]), ["Held 1", "Model 5"]);
    assert_eq!(names(&["--param", "days=10", "--param", "status=unused"]), ["Held 2", "Held 6"]);
    assert_eq!(names(&["--param", "days=10"]).len(), 4);
    // In a longer window, the early view and the early failure count.
    let long = health(&dir, &["--param", "status=all", "--param", "days=30"]);
    assert_eq!(long["Held 2"], "ok used 2 0 1");
    assert_eq!(long["Held 4"], "failing unused 1 1 0");
    // A window that is longer than the log proves nothing.
    let longer = health(&dir, &["--param", "status=all", "--param", "days=60"]);
    assert_eq!(longer["Held 6"], "unknown unknown 0 0 0");
    let text = dir.pbi(["report", "refresh-health", "--store", "store"]).ended(0).stdout;
    assert!(text.contains("Refreshes: files up to 2026-03-27, 7 refreshes one by one"), "{text}");
    compare_with_golden(&dir, "refresh-health", &all);
}

#[test]
fn files_of_refreshes_are_recognized_by_their_content() {
    let dir = Workdir::new();
    write_archive(&dir);
    // The answer of the API does not name the semantic model.
    let mut nameless = refresh(1, 1, "2026-03-24T05:00:01", "Completed");
    nameless.as_object_mut().expect("it is an object").remove("dataSetId");
    dir.write("archive/nameless.json", json!({"value": [nameless]}).to_string());
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    let found = |name: &str| summary.files.iter().find(|f| f.source.ends_with(name)).expect(name);
    for (name, shape, counts) in [
        ("27/workspaces.datasets.refreshes.json", "history of refreshes", [6, 0]),
        ("27/1_refreshables.json", "list of refreshables", [1, 1]),
    ] {
        let file = found(name);
        assert_eq!((file.outcome, file.kind.as_str()), (Outcome::Ok, "inventory"), "{file:?}");
        let facts = file.inventory.clone().expect("it is an inventory");
        assert_eq!(facts.shapes, [shape]);
        assert_eq!([facts.refreshes, facts.refreshables], counts, "{facts:?}");
        assert_eq!(facts.workspaces, 0);
    }
    let nameless = format!("{:?}", found("nameless.json").skipped);
    assert!(nameless.contains("does not name its semantic model"), "{nameless}");
    let sql = "SELECT request_id, refresh_status, error_code FROM refresh_history ORDER BY \
        request_id";
    let text = |row: BTreeMap<String, String>| {
        format!("{} {}", row["refresh_status"], row["error_code"]).trim().to_owned()
    };
    let found: Vec<String> = rows(&dir, &["sql", sql]).into_iter().map(text).collect();
    let expected = [
        "Completed",
        "Failed CredentialsMissing",
        "Completed",
        "Completed",
        "Completed",
        "Failed CredentialsMissing",
        "Disabled",
    ];
    assert_eq!(found, expected);
    let early = rows(&dir, &["sql", sql, "--as-of", "2026-03-25"]);
    assert_eq!(early.len(), 3, "{early:?}");
    let text = dir.pbi(["ingest", "--store", "other", "archive"]).ended(0).stdout;
    assert!(text.contains("inventory 2 files: history of refreshes: 9 refreshes"), "{text}");
    assert!(text.contains("inventory 2 files: list of refreshables: 2 semantic models"), "{text}");
}

#[test]
fn order_of_files_and_repeated_reading_do_not_matter() {
    let files = ["refresh/2026/03/25", "refresh/2026/03/27", "raw/2026/03/25", "raw/2026/03/27"];
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]];
    let results = results_by_order(write_archive, &files, orders, &VIEWS);
    assert_eq!(results.len(), 1, "{results:#?}");
}

#[test]
fn owners_are_forgotten_and_have_pseudonyms() {
    let dir = ingested();
    let text = |dir: &Workdir| rows_of_views(dir, &VIEWS).concat();
    assert!(text(&dir).contains("ida@contoso.com, olf@contoso.com"), "{}", text(&dir));
    dir.pbi(["forget", "--user", "ida@contoso.com", "--store", "store"]).ended(0);
    assert!(!text(&dir).contains("ida@"), "{}", text(&dir));
    assert!(text(&dir).contains("olf@contoso.com"), "{}", text(&dir));
    dir.ingest("store", &["archive", "--reread"]).0.ended(0);
    assert!(!text(&dir).contains("ida@"), "{}", text(&dir));

    let dir = Workdir::new();
    write_archive(&dir);
    dir.write("key", "a long key for the pseudonyms of this test");
    dir.ingest("store", &["archive", "--pseudonymize", "--key-file", "key"]).0.ended(0);
    for name in ["ida@", "olf@", "ida", "olf"] {
        assert!(!text(&dir).contains(name), "{name}: {}", text(&dir));
    }
    assert_eq!(health(&dir, &["--param", "days=10"]).len(), 4);
}

#[test]
fn report_without_refreshes_says_how_to_get_them() {
    let dir = Workdir::new();
    write_march(&dir, &json!({"UserId": "eve@contoso.com"}), &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let text = dir.pbi(["report", "refresh-health", "--store", "store"]).ended(0).stdout;
    assert!(text.contains("no refreshes of semantic models"), "{text}");
    assert!(text.contains("refreshables"), "{text}");
}
