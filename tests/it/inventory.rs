//! Checks inventories beside the log: what files are taken for, what of them counts as of a day,
//! and the reports on unused reports and orphaned workspaces.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::bless::is_blessing;
use crate::golden::difference;
use crate::sample_data::ROOT;
use crate::workdir::{Outcome, Ran, Source, Workdir};

/// Returns an ID that ends with a number.
pub fn id(kind: u32, number: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

fn workspace(number: usize) -> String {
    id(1, number)
}

fn report(number: usize) -> String {
    id(2, number)
}

fn admin(address: &str) -> Value {
    json!([{
        "groupUserAccessRight": "Admin", "emailAddress": address, "displayName": "Some Name",
        "identifier": address, "graphId": id(9, address.len()), "principalType": "User"
    }])
}

pub fn scan(taken: &str, workspaces: &[Value]) -> String {
    json!({
        "workspaces": workspaces, "datasourceInstances": [], "scanCreatedDateTime": taken
    })
    .to_string()
}

fn held_report(number: usize, name: &str, created: &str) -> Value {
    json!({
        "reportType": "PowerBIReport", "id": report(number), "name": name,
        "datasetId": id(3, number), "createdDateTime": created, "createdBy": "mia@contoso.com",
        "modifiedBy": "noa@contoso.com"
    })
}

fn held_workspace(number: usize, name: &str, users: Value, reports: &[Value]) -> Value {
    json!({
        "id": workspace(number), "name": name, "type": "Workspace", "state": "Active",
        "isOnDedicatedCapacity": false, "reports": reports, "users": users
    })
}

/// Writes a log of March 2026: on each day, an event with the members of `daily`, and those of
/// `events`. An event is a view unless its members say otherwise.
pub fn write_march(dir: &Workdir, daily: &Value, events: &[(u32, Value)]) {
    for day in 1..=31 {
        let event = |(number, members): (usize, &Value)| {
            let mut event = json!({
                "Id": id(7, day as usize * 10_000 + number), "RecordType": 20,
                "CreationTime": format!("2026-03-{day:02}T10:00:00"), "Operation": "ViewReport",
                "Activity": "ViewReport", "Workload": "PowerBI", "UserType": 0,
                "WorkSpaceName": "x", "IsSuccess": true
            });
            let members = members.as_object().expect("they are an object").clone();
            event.as_object_mut().expect("it is an object").extend(members);
            event
        };
        let of_day = events.iter().filter(|event| event.0 == day).map(|(_, members)| members);
        let all: Vec<Value> = std::iter::once(daily).chain(of_day).enumerate().map(event).collect();
        let page = json!({
            "activityEventEntities": all, "continuationUri": null, "continuationToken": null,
            "lastResultSet": true
        });
        dir.write(&format!("archive/2026-03-{day:02}.json"), page.to_string());
    }
}

/// Writes a log of March 2026 with one event on each day, and these views: day, report, user.
fn write_log(dir: &Workdir, views: &[(u32, String, &str)]) {
    let view =
        |report: &str, user: &str| json!({"UserId": user, "ReportId": report, "ReportName": "x"});
    let views = views.iter().map(|(day, report, user)| (*day, view(report, user)));
    write_march(dir, &view(&id(8, 0), "eve@contoso.com"), &views.collect::<Vec<_>>());
}

/// Returns the rows of a report as CSV, as maps from column to text.
pub fn rows(dir: &Workdir, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
    let flags = ["--store", "store", "--format", "ndjson"];
    let ran = dir.pbi(arguments.iter().chain(&flags)).ended(0);
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let row = |line: &str| {
        let row: BTreeMap<String, Value> = serde_json::from_str(line).expect("it is JSON");
        row.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    ran.stdout.lines().map(row).collect()
}

fn statuses(dir: &Workdir, arguments: &[&str]) -> BTreeMap<String, String> {
    let fixed = ["report", "unused-reports", "--param", "status=all"];
    let all: Vec<&str> = fixed.iter().chain(arguments).copied().collect();
    let pair = |row: BTreeMap<String, String>| {
        (row["report"].clone(), format!("{}: {}", row["status"], row["reason"]))
    };
    rows(dir, &all).into_iter().map(pair).collect()
}

/// Two full scans and an incremental one, with a case for each rule.
fn write_scans(dir: &Workdir) {
    let old = "2024-05-01T08:00:00";
    let mut copy = held_report(2, "[App] Budget", old);
    copy["appId"] = json!(id(4, 1));
    copy["originalReportObjectId"] = json!(report(1));
    let mut metrics = held_report(5, "Usage Metrics Report", old);
    metrics["datasetId"] = json!(id(3, 50));
    let mut finance = held_workspace(
        1,
        "Finance",
        admin("mia@contoso.com"),
        &[
            held_report(1, "Budget", old),
            copy,
            held_report(3, "Ledger", old),
            held_report(4, "Fresh", "2026-03-20T08:00:00"),
            metrics,
            held_report(9, "Own views", old),
        ],
    );
    finance["datasets"] = json!([
        {"id": id(3, 50), "name": "m", "contentProviderType": "UsageMetricsUserReport"},
        {"id": id(3, 3), "name": "Ledger model", "configuredBy": "mia@contoso.com"}
    ]);
    let ghost = held_workspace(2, "Ghost", json!([]), &[held_report(6, "Forgotten", old)]);
    let mut personal = held_workspace(3, "My", json!([]), &[held_report(7, "Private", old)]);
    personal["type"] = json!("PersonalGroup");
    let gone = held_workspace(4, "Gone", json!([]), &[held_report(8, "Lost", old)]);
    let group = json!([{
        "groupUserAccessRight": "Admin", "displayName": "BI team", "identifier": id(9, 77),
        "principalType": "Group"
    }]);
    let grouped = held_workspace(5, "Grouped", group, &[]);
    let early = [finance.clone(), ghost.clone(), personal.clone(), gone, grouped.clone()];
    dir.write("archive/scans/1.fullscan.json", scan("2026-03-01T02:00:00Z", &early));
    let late = [finance.clone(), ghost, personal, grouped];
    dir.write("archive/scans/2.fullscan.json", scan("2026-03-28T02:00:00Z", &late));
    let reports = finance["reports"].as_array_mut().expect("it is a list");
    reports.retain(|report| report["name"] != "Own views");
    reports.push(held_report(10, "Later", "2026-03-29T08:00:00"));
    dir.write("archive/scans/3.incremental.json", scan("2026-03-30T02:00:00Z", &[finance]));
}

#[test]
fn each_rule_of_unused_reports_bites() {
    let dir = Workdir::new();
    write_scans(&dir);
    let views = [
        (5, report(2), "zoe@contoso.com"),
        (30, report(2), "zoe@contoso.com"),
        (2, report(6), "zoe@contoso.com"),
    ];
    write_log(&dir, &views);
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!((summary.sources.new, summary.sources.skipped), (34, 0), "{summary:?}");
    let unused = "unused: not viewed in the log";
    let expected = [
        ("Budget", "used: used in the window"),
        ("Ledger", unused),
        ("Fresh", "unknown: created in the window"),
        ("Forgotten", "unused: not viewed in the window"),
        ("Later", "unknown: created in the window"),
    ];
    let expected: BTreeMap<String, String> =
        expected.map(|(name, status)| (name.to_owned(), status.to_owned())).into();
    assert_eq!(statuses(&dir, &["--param", "days=20"]), expected);

    // Before the incremental scan, another report was there, and the later one was not.
    let early = statuses(&dir, &["--param", "days=20", "--as-of", "2026-03-29"]);
    assert!(early.contains_key("Own views") && !early.contains_key("Later"), "{early:?}");
    // Before the second full scan, the workspace that is gone was there.
    let early = statuses(&dir, &["--param", "days=20", "--as-of", "2026-03-02"]);
    assert_eq!(early["Lost"], unused);

    // A window that is longer than the log proves nothing.
    let long = statuses(&dir, &["--param", "days=90"]);
    assert_eq!(long["Ledger"], "unknown: the log covers 31 of 90 days");
    let personal = statuses(&dir, &["--param", "days=20", "--param", "personal=true"]);
    assert_eq!(personal["Private"], unused);
    assert_eq!(personal.len(), expected.len() + 1);

    let found = rows(&dir, &["report", "unused-reports", "--param", "days=20"]);
    let ledger = found.iter().find(|row| row["report"] == "Ledger").expect("it is unused");
    assert_eq!(ledger["semantic_model"], "Ledger model");
    assert_eq!(ledger["owner"], "mia@contoso.com");
    let text = dir.pbi(["report", "unused-reports", "--store", "store"]).ended(0).stdout;
    for part in ["scanner result of 2026-03-30", "1 (app copy)", "2 (usage metrics)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (report, params) in [
        ("unused-reports", &["--param", "days=20", "--param", "status=all"][..]),
        ("orphaned-workspaces", &[]),
    ] {
        compare_with_golden(&dir, report, params);
    }
}

/// Compares the table that a report prints with its file; `PBI_BLESS=1` writes the file anew.
pub fn compare_with_golden(dir: &Workdir, report: &str, params: &[&str]) {
    compare_with_file(dir, report, &[&["report", report], params].concat());
}

/// Compares the table that a command prints with a file; `PBI_BLESS=1` writes the file anew.
pub fn compare_with_file(dir: &Workdir, name: &str, arguments: &[&str]) {
    let mut command = dir.command(arguments.iter().chain(&["--store", "store"]));
    let printed = Ran::of(&command.env("COLUMNS", "200").output().expect("it runs")).ended(0);
    let path = Path::new(ROOT).join("tests/golden/inventory").join(format!("{name}.txt"));
    if is_blessing() {
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it is made");
        std::fs::write(&path, &printed.stdout).expect("the golden file can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let found = printed.stdout;
    assert!(expected == found, "PBI_BLESS=1 writes it\n{}", difference(&expected, &found));
}

#[test]
fn views_of_authors_count_unless_they_are_left_out() {
    let dir = Workdir::new();
    let old = "2024-05-01T08:00:00";
    // The log and the inventory name the account of a guest, and reports show the own address.
    let guest = "Pat_partner.example#EXT#@contoso.onmicrosoft.com";
    let mut by_guest = held_report(3, "By guest", old);
    by_guest["createdBy"] = json!(guest);
    let reports = [held_report(1, "By author", old), held_report(2, "By both", old), by_guest];
    let held = held_workspace(1, "A", admin("mia@contoso.com"), &reports);
    dir.write("archive/a.fullscan.json", scan("2026-03-28T02:00:00Z", &[held]));
    let views = [
        (30, report(1), "Mia@contoso.com"),
        (30, report(2), "noa@contoso.com"),
        (30, report(2), "zoe@contoso.com"),
        (30, report(3), guest),
    ];
    write_log(&dir, &views);
    dir.ingest("store", &["archive"]).0.ended(0);
    let with = statuses(&dir, &["--param", "days=20"]);
    assert!(with.values().all(|status| status.starts_with("used")), "{with:?}");
    let without = statuses(&dir, &["--param", "days=20", "--param", "without_owners=true"]);
    assert!(without["By author"].starts_with("unused"), "{without:?}");
    assert!(without["By guest"].starts_with("unused"), "{without:?}");
    assert!(without["By both"].starts_with("used"), "{without:?}");
}

#[test]
fn workspaces_without_an_admin_are_orphaned_only_if_access_was_asked_for() {
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let pair = |row: &BTreeMap<String, String>| {
        (row["workspace"].clone(), format!("{}: {}", row["status"], row["reason"]))
    };
    let found = rows(&dir, &["report", "orphaned-workspaces"]);
    let found: Vec<(String, String)> = found.iter().map(pair).collect();
    let expected =
        [("Ghost", "orphaned: no admin"), ("Grouped", "unknown: only groups, not resolved")];
    assert_eq!(found, expected.map(|(name, why)| (name.to_owned(), why.to_owned())));

    let dir = Workdir::new();
    let mut held = held_workspace(1, "A", json!([]), &[]);
    held.as_object_mut().expect("it is an object").remove("users");
    dir.write("archive/a.json", scan("2026-03-28T02:00:00Z", &[held]));
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let found: Vec<(String, String)> =
        rows(&dir, &["report", "orphaned-workspaces"]).iter().map(pair).collect();
    let expected = ("A".to_owned(), "unknown: access was not scanned".to_owned());
    assert_eq!(found, [expected]);
}

#[test]
fn report_without_an_inventory_says_how_to_get_one() {
    let dir = Workdir::new();
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    for report in ["unused-reports", "orphaned-workspaces"] {
        let text = dir.pbi(["report", report, "--store", "store"]).ended(0).stdout;
        assert!(text.contains("has no inventory"), "{text}");
        assert!(text.contains("admin/workspaces/getInfo"), "{text}");
        assert!(!text.contains("Every workspace has an admin"), "{text}");
    }
}

/// Files of each shape, what each is taken for, and the numbers of its workspaces and items.
#[test]
fn files_of_each_shape_are_taken_for_what_they_are() {
    let guid = id(5, 1);
    let list = |value: Value| json!({"@odata.context": "x", "value": [value]}).to_string();
    let read = [
        (
            "groups.json",
            list(json!({
                "id": guid, "isReadOnly": false, "isOnDedicatedCapacity": true, "type": "Workspace",
                "capacityId": "0AB0", "state": "Active", "name": "A",
                "hasWorkspaceLevelSettings ": false, "users": [], "reports": [{"id": guid}]
            })),
            ("workspace list", 1, 1),
        ),
        (
            "powershell.json",
            json!([{
                "Id": guid, "Name": "A", "IsReadOnly": false, "IsOnDedicatedCapacity": false,
                "Type": "Workspace", "State": "Active", "IsOrphaned": false, "Dashboards": [],
                "Users": [{"AccessRight": "Admin", "Identifier": "a@b.c", "PrincipalType": 2}],
                "Reports": [{"Id": guid, "Name": "R", "WebUrl": "x"}]
            }])
            .to_string(),
            ("workspace list of PowerShell", 1, 1),
        ),
        (
            "fabric-workspaces.json",
            json!({
                "workspaces": [{"id": guid, "name": "A", "type": "Personal", "state": "Active"}],
                "continuationUri": null
            })
            .to_string(),
            ("Fabric workspace list", 1, 0),
        ),
        (
            "items.json",
            json!({
                "itemEntities": [
                    {"id": guid, "type": "Report", "name": "R", "workspaceId": guid,
                        "capacityId": "x", "lastUpdatedDate": "2026-01-01T00:00:00"},
                    {"id": "00000000-0000-0000-0000-000000000000", "type": "Report",
                        "name": "x", "workspaceId": guid, "capacityId": "x"},
                    {"id": guid, "type": "Report", "name": "R", "workspaceId": guid,
                        "capacityId": "x", "lastUpdatedDate": "2026-01-01T00:00:00"}
                ],
                "continuationUri": "https://x"
            })
            .to_string(),
            ("Fabric item list", 1, 1),
        ),
        (
            "reports.json",
            list(json!({"id": guid, "reportType": "PowerBIReport", "name": "R",
                "webUrl": "https://x", "workspaceId": guid, "users": []})),
            ("report list", 1, 1),
        ),
        (
            "models.json",
            list(json!({"id": guid, "name": "M", "configuredBy": "a@b.c", "isRefreshable": true,
                "workspaceId": guid})),
            ("semantic model list", 1, 1),
        ),
        (
            "dashboards.json",
            list(json!({"id": guid, "displayName": "D", "isReadOnly": true, "embedUrl": "x",
                "workspaceId": guid})),
            ("dashboard list", 1, 1),
        ),
    ];
    let dir = Workdir::new();
    for (name, text, _) in &read {
        dir.write(&format!("archive/{name}"), text);
    }
    // Windows PowerShell writes UTF-16 with a mark.
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(read[1].1.replace("\"A\"", "\"B\"").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    dir.write("archive/utf16.json", utf16);
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    let of = |name: &str| -> &Source {
        let found = summary.files.iter().find(|file| file.source.ends_with(name));
        found.unwrap_or_else(|| panic!("{name}: {summary:?}"))
    };
    for (name, _, (shape, workspaces, items)) in read {
        let facts = of(name).inventory.clone().unwrap_or_else(|| panic!("{name}: {summary:?}"));
        let found = (facts.shapes.join(","), facts.workspaces, facts.items);
        assert_eq!(found, (shape.to_owned(), workspaces, items), "{name}");
        assert_eq!((of(name).outcome, of(name).kind.as_str()), (Outcome::Ok, "inventory"));
    }
    assert!(of("utf16.json").inventory.is_some(), "{summary:?}");
    let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    assert!(status.contains("inventory workspace list: 1 snapshot"), "{status}");
}

#[test]
fn neighbors_of_inventories_are_named_and_no_damage() {
    let guid = id(5, 1);
    let one = |value: Value| json!([value]).to_string();
    let files = [
        (
            "a.json",
            json!({"id": guid, "createdDateTime": "x", "status": "Running"}).to_string(),
            "scan request",
        ),
        ("b.json", json!([{"id": guid}, {"Id": guid}]).to_string(), "IDs of workspaces"),
        (
            "f.json",
            one(json!({"requestId": guid, "refreshType": "x", "startTime": "x"})),
            "history of refreshes that does not name",
        ),
        (
            "g.json",
            json!({"unusedArtifactEntities": [
            {"artifactId": guid, "lastAccessedDateTime": "x"}], "continuationUri": null})
            .to_string(),
            "unused artifacts",
        ),
        (
            "i.json",
            one(json!({"id": guid, "skuPartNumber": "x", "servicePlans": []})),
            "licenses of a person",
        ),
        (
            "j.json",
            one(json!({"userPrincipalName": "C5E18087B685EA9F", "displayName": "x"})),
            "concealed names",
        ),
        ("k.json", one(json!({"displayName": "x", "members": []})), "groups without their IDs"),
        (
            "l.csv",
            "Report Refresh Date,User Principal Name,Assigned Products\nx,a@b.c,x\n".to_owned(),
            "usage report",
        ),
        (
            "m.csv",
            "Name,Description,Type,State,Upgrade status\nA,,Workspace,Active,\n".to_owned(),
            "admin portal without their IDs",
        ),
        (
            "o.json",
            json!({"accessDetails": [{"principal": {"id": guid},
            "workspaceAccessDetails": {"type": "Workspace"}}]})
            .to_string(),
            "access rights",
        ),
        (
            "p.json",
            json!({"value": [{"id": guid, "name": "g", "type": "Resource", "publicKey": {}}]})
                .to_string(),
            "a list of gateways",
        ),
        (
            "q.json",
            one(json!({"id": guid, "gatewayId": guid, "datasourceType": "Sql"})),
            "data sources of gateways",
        ),
        (
            "r.json",
            one(json!({"id": guid, "artifactId": guid, "frequency": "Daily"})),
            "subscriptions",
        ),
        ("s.json", json!({"domains": [{"id": guid, "displayName": "x"}]}).to_string(), "domains"),
    ];
    let dir = Workdir::new();
    for (name, text, _) in &files {
        dir.write(&format!("archive/{name}"), text);
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!(summary.sources.skipped as usize, files.len(), "{summary:?}");
    for (name, _, what) in files {
        let found = summary.files.iter().find(|file| file.source.ends_with(name));
        let reasons = format!("{:?}", found.map(|file| &file.skipped));
        assert!(reasons.contains(what), "{name}: {reasons}");
    }
}

#[test]
fn lists_that_powershell_cut_are_counted_as_lost() {
    let dir = Workdir::new();
    let mut held = held_workspace(1, "A", json!("@{x=1}"), &[]);
    held["reports"] = json!(["@{id=1; name=x}"]);
    dir.write("archive/a.json", scan("2026-03-28T02:00:00Z", &[held]));
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    let source = &summary.files[0];
    assert_eq!(source.inventory.as_ref().map(|facts| facts.lost_lists), Some(2), "{source:?}");
    assert!(source.warnings.iter().any(|w| w.kind == "flattened" && w.count == 2), "{source:?}");
}

/// Returns all rows of views, sorted.
pub fn rows_of_views(dir: &Workdir, views: &[&str]) -> Vec<String> {
    let view = |name: &&str| {
        let sql = format!("SELECT * FROM {name}");
        let ran = dir.pbi(["sql", &sql, "--store", "store", "--format", "csv"]).ended(0);
        let mut lines: Vec<String> = ran.stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join("\n")
    };
    views.iter().map(view).collect()
}

/// Returns the different rows of views, from stores that read the files of an archive in some
/// orders, and then again.
pub fn results_by_order<const N: usize>(
    write_archive: fn(&Workdir),
    files: &[&str; N],
    orders: [[usize; N]; 3],
    views: &[&str],
) -> BTreeSet<Vec<String>> {
    let mut results = BTreeSet::new();
    for order in orders {
        let dir = Workdir::new();
        write_archive(&dir);
        for number in order {
            dir.ingest("store", &[&format!("archive/{}", files[number])]).0.ended(0);
        }
        dir.ingest("store", &["archive", "--reread"]).0.ended(0);
        results.insert(rows_of_views(&dir, views));
        dir.pbi(["verify", "--store", "store"]).ended(0);
    }
    results
}

/// Returns all rows of the views of the inventory.
fn all_views(dir: &Workdir) -> Vec<String> {
    let views = ["snapshots", "inventory_workspaces", "inventory_items", "inventory_access"];
    rows_of_views(dir, &views)
}

#[test]
fn order_of_files_and_repeated_reading_do_not_matter() {
    let files = ["1.fullscan.json", "2.fullscan.json", "3.incremental.json"];
    let mut results: Vec<Vec<String>> = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let dir = Workdir::new();
        write_scans(&dir);
        write_log(&dir, &[]);
        for number in order {
            let file = format!("archive/scans/{}", files[number]);
            dir.ingest("store", &[&file]).0.ended(0);
        }
        dir.ingest("store", &["archive"]).0.ended(0);
        results.push(all_views(&dir));
        dir.ingest("store", &["archive", "--reread"]).0.ended(0);
        assert_eq!(results.last(), Some(&all_views(&dir)));
        let verified = dir.pbi(["verify", "--store", "store"]).ended(0);
        assert!(verified.stdout.contains("inventory"), "{verified:?}");
    }
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    results.push(all_views(&dir));
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:#?}");
}

/// A crash after the commit of the inventory and before that of the events leaves a store like this.
#[test]
fn files_that_are_read_again_after_a_crash_add_nothing() {
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let versions = || {
        let log = std::fs::read_dir(dir.join("store/inventory/_delta_log")).expect("it exists");
        log.count()
    };
    let (views, before) = (all_views(&dir), versions());
    for folder in ["store/events", "store/sources"] {
        std::fs::remove_dir_all(dir.join(folder)).expect("it can be deleted");
    }
    dir.ingest("store", &["archive"]).0.ended(0);
    assert_eq!((all_views(&dir), versions()), (views, before));
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn damage_of_the_inventory_is_found() {
    let dir = Workdir::new();
    write_scans(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    dir.pbi(["verify", "--store", "store"]).ended(0);
    let folder = dir.join("store/inventory/Kind=item");
    let file = std::fs::read_dir(folder).expect("it exists").next().expect("it has a file");
    let path = file.expect("it can be listed").path();
    let mut bytes = std::fs::read(&path).expect("it can be read");
    bytes[20] ^= 1;
    std::fs::write(&path, bytes).expect("it can be written");
    let ran = dir.pbi(["verify", "--store", "store"]);
    assert!(ran.code != 0 && ran.stdout.contains("Kind=item"), "{ran:?}");
}

/// Returns the bytes of all files of a folder, with the texts of Parquet files.
fn has_text(dir: &Workdir, text: &str) -> bool {
    all_views(dir).iter().any(|view| view.to_lowercase().contains(text))
}

#[test]
fn forgotten_person_is_in_no_inventory_and_does_not_come_back() {
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let graph_id = id(9, "mia@contoso.com".len());
    assert!(has_text(&dir, "mia@contoso.com") && has_text(&dir, &graph_id));
    let forget = ["forget", "--user", "mia@contoso.com", "--store", "store"];
    let ran = dir.pbi(forget).ended(0);
    assert!(ran.stdout.contains("inventory"), "{ran:?}");
    assert!(!has_text(&dir, "mia@contoso.com") && !has_text(&dir, &graph_id));
    assert!(has_text(&dir, "noa@contoso.com"));
    dir.pbi(["verify", "--store", "store"]).ended(0);
    dir.ingest("store", &["archive", "--reread"]).0.ended(0);
    assert!(!has_text(&dir, "mia@contoso.com") && !has_text(&dir, &graph_id));
}

#[test]
fn pseudonymized_inventory_matches_the_log_and_has_no_names() {
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir, &[(30, report(3), "mia@contoso.com")]);
    dir.write("key", "a long key for the pseudonyms of this test");
    let flags = ["archive", "--pseudonymize", "--key-file", "key"];
    dir.ingest("store", &flags).0.ended(0);
    assert!(!has_text(&dir, "mia@") && !has_text(&dir, &id(9, "mia@contoso.com".len())));
    let with = statuses(&dir, &["--param", "days=20"]);
    assert!(with["Ledger"].starts_with("used"), "{with:?}");
    let without = statuses(&dir, &["--param", "days=20", "--param", "without_owners=true"]);
    assert!(without["Ledger"].starts_with("unused"), "{without:?}");
}

/// A second implementation of unused reports, over the generated tenant and not over the store.
#[test]
fn unused_reports_of_a_random_tenant_are_those_of_plain_code() {
    let mut state = 20_260_331_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let dir = Workdir::new();
    let (mut workspaces, mut views, mut expected) = (Vec::new(), Vec::new(), BTreeMap::new());
    let users = ["mia@contoso.com", "noa@contoso.com", "zoe@contoso.com"];
    for number in 0..30 {
        let is_active = random(5) > 0;
        let mut reports = Vec::new();
        for position in 0..20 {
            let report_number = number * 100 + position;
            let is_young = random(8) == 0;
            let created = if is_young { "2026-03-25T08:00:00" } else { "2023-01-01T08:00:00" };
            let name = format!("R{report_number}");
            reports.push(held_report(report_number, &name, created));
            let has_copy = random(3) == 0;
            if has_copy {
                let mut copy = held_report(report_number + 50, &format!("[App] {name}"), created);
                copy["appId"] = json!(id(4, 1));
                copy["originalReportObjectId"] = json!(report(report_number).to_uppercase());
                reports.push(copy);
            }
            let mut last_day = None;
            for _ in 0..random(3) {
                let day = 1 + random(31) as u32;
                let viewed = report_number + if has_copy && random(2) == 0 { 50 } else { 0 };
                views.push((day, report(viewed), users[random(3) as usize]));
                last_day = last_day.max(Some(day));
            }
            if is_active {
                let status = match last_day {
                    Some(day) if day > 31 - 10 => "used",
                    _ if is_young => "unknown",
                    _ => "unused",
                };
                expected.insert(name, status.to_owned());
            }
        }
        let mut held = held_workspace(number, "W", admin("mia@contoso.com"), &reports);
        if !is_active {
            held["state"] = json!("Deleted");
        }
        workspaces.push(held);
    }
    let (first, second) = workspaces.split_at(13);
    dir.write("archive/1.fullscan.json", scan("2026-03-30T23:50:00Z", first));
    dir.write("archive/2.fullscan.json", scan("2026-03-31T00:10:00Z", second));
    write_log(&dir, &views);
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = statuses(&dir, &["--param", "days=10"]);
    let found: BTreeMap<String, String> = found
        .into_iter()
        .map(|(name, status)| (name, status.split(':').next().unwrap_or_default().to_owned()))
        .collect();
    assert!(expected.len() > 300);
    assert_eq!(found, expected);
}
