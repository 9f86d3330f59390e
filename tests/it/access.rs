//! Checks the reports on who has access to what, and on the tenant settings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::inventory::{compare_with_golden, id, rows, rows_of_views, scan, write_march};
use crate::workdir::Workdir;

/// Returns a principal with a right, whose name depends on the kind of item.
fn principal(name: &str, kind: &str, right: (&str, &str)) -> Value {
    let mut one = json!({"displayName": name, "principalType": kind, "graphId": id(9, name.len())});
    if kind == "User" {
        one["emailAddress"] = json!(name);
        one["identifier"] = json!(name);
        let is_guest = name.contains("#EXT#") || name.ends_with("fabrikam.com");
        one["userType"] = json!(if is_guest { "Guest" } else { "Member" });
    }
    one[right.0] = json!(right.1);
    one
}

fn write_tenant(dir: &Workdir) {
    let group_right = |right| ("groupUserAccessRight", right);
    let read = ("reportUserAccessRight", "Read");
    let report = |number: usize, name: &str, users: Value| {
        json!({"id": id(2, number), "name": name, "reportType": "PowerBIReport",
            "datasetId": id(3, 1), "users": users})
    };
    let scanned = json!({
        "id": id(1, 1), "name": "Finance", "type": "Workspace", "state": "Active",
        "isOnDedicatedCapacity": false,
        "users": [
            principal("Mia@contoso.com", "User", group_right("Admin")),
            principal("tom@contoso.com", "User", group_right("Viewer")),
            principal("BI team", "Group", group_right("Member")),
            principal("loader", "App", group_right("Contributor"))
        ],
        "reports": [
            report(1, "Budget", json!([
                principal("mia@contoso.com", "User", ("reportUserAccessRight", "Owner")),
                principal("ann@fabrikam.com", "User", read),
                principal("zoe@contoso.com", "User", read),
                principal("Contoso", "EntireTenant", read),
                principal("?", "None", read)
            ])),
            report(2, "Ledger", json!([principal("zoe@contoso.com", "User", read)]))
        ],
        "datasets": [{"id": id(3, 1), "name": "Model", "users": [
            principal("zoe@contoso.com", "User", ("datasetUserAccessRight", "Read"))]}]
    });
    dir.write("archive/1.fullscan.json", scan("2026-03-28T02:00:00Z", &[scanned]));
    // A list without users: who has access to this workspace is not known.
    let listed = json!({"workspaces": [
        {"id": id(1, 2), "name": "Elsewhere", "type": "Workspace", "state": "Active"}]});
    dir.write("archive/2026/03/29/fabric.json", listed.to_string());
    let person = |number: usize, address: &str, is_enabled: bool, aliases: Value| {
        json!({"id": id(8, number), "userPrincipalName": address, "displayName": "x",
            "accountEnabled": is_enabled, "proxyAddresses": aliases})
    };
    let people = json!({"value": [
        person(1, "mia@contoso.com", true, json!([])),
        person(2, "tom@contoso.com", false, json!([])),
        person(3, "zoe@contoso.com", true, json!(["smtp:zoe.old@contoso.com"]))
    ]});
    dir.write("archive/2026/03/29/users.json", people.to_string());
}

fn write_log(dir: &Workdir) {
    let view = |user: &str, report: usize| {
        json!({"UserId": user, "ReportId": id(2, report), "DatasetId": id(3, 1),
            "WorkspaceId": id(1, 1)})
    };
    let daily = json!({"UserId": "eve@contoso.com", "ReportId": id(7, 1)});
    let views = [
        (11, view("mia@contoso.com", 2)),
        (21, view("zoe.old@contoso.com", 1)),
        (30, view("ann_fabrikam.com#EXT#@contoso.onmicrosoft.com", 1)),
    ];
    write_march(dir, &daily, &views);
}

fn listed(dir: &Workdir, arguments: &[&str]) -> BTreeSet<String> {
    let all: Vec<&str> = ["report", "access-review"].iter().chain(arguments).copied().collect();
    let text = |row: BTreeMap<String, String>| {
        let place = if row["item"].is_empty() { &row["workspace"] } else { &row["item"] };
        let names = ["via", "principal", "access_right", "account", "days_since_view"];
        let rest: Vec<&str> = names.iter().map(|name| row[*name].as_str()).collect();
        format!("{place}: {}", rest.join(" "))
    };
    rows(dir, &all).into_iter().map(text).collect()
}

#[test]
fn access_is_listed_with_its_kind_and_last_view() {
    let dir = Workdir::new();
    write_tenant(&dir);
    write_log(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let expected = [
        "Finance: person mia@contoso.com Admin  20",
        "Finance: person tom@contoso.com Viewer disabled ",
        "Finance: group BI team Member  ",
        "Finance: application loader Contributor  ",
        "Budget: guest ann@fabrikam.com Read  1",
        "Budget: person zoe@contoso.com Read  10",
        "Budget: everyone Contoso Read  ",
        "Budget: other ? Read  ",
        "Ledger: person zoe@contoso.com Read  ",
        "Model: person zoe@contoso.com Read  10",
        "Elsewhere: unknown    ",
    ];
    let expected: BTreeSet<String> = expected.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(listed(&dir, &[]), expected);
    let inherited = listed(&dir, &["--param", "inherited=true"]);
    let more: Vec<&String> = inherited.difference(&expected).collect();
    assert_eq!(more, ["Budget: person mia@contoso.com Owner  "]);
    let gone = listed(&dir, &["--param", "gone=true"]);
    assert_eq!(gone, ["Finance: person tom@contoso.com Viewer disabled ".to_owned()].into());
    let guests = listed(&dir, &["--param", "via=guest"]);
    assert_eq!(guests.len(), 1, "{guests:?}");
    compare_with_golden(&dir, "access-review", &[]);
}

fn setting(name: &str, is_enabled: bool, groups: &[&str]) -> Value {
    let group = |name: &&str| json!({"graphId": id(9, name.len()), "name": name});
    let mut setting = json!({
        "settingName": name, "title": format!("Title of {name}"), "enabled": is_enabled,
        "canSpecifySecurityGroups": true, "tenantSettingGroup": "Export and sharing settings",
        "properties": [{"name": "CreateP2w", "value": "false", "type": "Boolean"}]
    });
    if !groups.is_empty() {
        setting["enabledSecurityGroups"] = groups.iter().map(group).collect();
    }
    setting
}

#[test]
fn tenant_settings_change_between_snapshots() {
    let days = [
        (
            1,
            vec![
                setting("PublishToWeb", true, &[]),
                setting("ExportToCsv", true, &["BI team", "Audit"]),
                setting("Retired", true, &[]),
                setting("Stable", false, &[]),
            ],
        ),
        (
            10,
            vec![
                setting("PublishToWeb", false, &[]),
                setting("ExportToCsv", true, &["Audit", "BI team"]),
                setting("Retired", true, &[]),
                setting("Stable", false, &[]),
            ],
        ),
        (
            20,
            vec![
                setting("PublishToWeb", false, &[]),
                setting("ExportToCsv", true, &["Audit"]),
                setting("Stable", false, &[]),
            ],
        ),
    ];
    let mut views = Vec::new();
    for order in [[0, 1, 2], [2, 0, 1]] {
        let dir = Workdir::new();
        write_log(&dir);
        let wrappers: [fn(&[Value]) -> Value; 3] = [
            |all| json!({"value": all}),
            |all| json!(all),
            |all| json!({"tenantSettings": all, "continuationUri": null}),
        ];
        for at in order {
            let (day, settings) = &days[at];
            let file = format!("archive/tenant/2026/03/{day:02}/tenant-settings.json");
            dir.write(&file, wrappers[at](settings).to_string());
            dir.ingest("store", &["archive"]).0.ended(0);
        }
        views.push(rows_of_views(&dir, &["tenant_settings", "snapshots"]));
        let text = |row: BTreeMap<String, String>| {
            let names = ["state", "enabled_for", "previous_state", "changes"];
            let rest: Vec<&str> = names.iter().map(|name| row[*name].as_str()).collect();
            format!("{}: {}", row["setting_name"], rest.join("|"))
        };
        let found: BTreeSet<String> =
            rows(&dir, &["report", "tenant-settings"]).into_iter().map(text).collect();
        let expected = [
            "PublishToWeb: disabled||enabled|1",
            "ExportToCsv: enabled|Audit|enabled|1",
            "Retired: gone||enabled|1",
            "Stable: disabled|||0",
        ];
        assert_eq!(found, expected.iter().map(|text| (*text).to_owned()).collect());
        let changed = rows(&dir, &["report", "tenant-settings", "--param", "changed=true"]);
        assert_eq!(changed.len(), 3);
        let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
        let line =
            status.lines().find(|line| line.starts_with("inventory tenant settings: 3 snap"));
        assert!(line.is_some_and(|line| line.ends_with("3 settings")), "{status}");
        let early = rows(&dir, &["report", "tenant-settings", "--as-of", "2026-03-05"]);
        assert!(early.iter().all(|row| row["previous_state"].is_empty()), "{early:?}");
        compare_with_golden(&dir, "tenant-settings", &[]);
    }
    assert_eq!(views[0], views[1]);
}
