//! Checks reports that combine the inventory with people and use: owners who are gone, what there
//! is, and which workspaces are on a capacity.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::inventory::{compare_with_golden, id, rows, write_march};
use crate::workdir::Workdir;

/// A view: day of March 2026, user and workspace.
type View = (u32, String, usize);

fn write_log(dir: &Workdir, views: &[View]) {
    let view =
        |user: &str, workspace: usize| json!({"UserId": user, "WorkspaceId": id(1, workspace)});
    let views = views.iter().map(|(day, user, at)| (*day, view(user, *at)));
    write_march(dir, &view("eve@contoso.com", 999), &views.collect::<Vec<_>>());
}

fn user(number: u64) -> String {
    format!("u{number}@contoso.com")
}

/// A workspace of a random tenant, as plain code remembers it.
struct Held {
    id: String,
    is_on_capacity: bool,
    is_active: bool,
    /// Name, kind, owner, and true if the item counts.
    items: Vec<(String, &'static str, String, bool)>,
}

/// Writes a tenant, and returns its workspaces and the accounts that are disabled, or gone from the
/// second list of people.
fn write_tenant(dir: &Workdir) -> (Vec<Held>, BTreeSet<String>, BTreeSet<String>, Vec<View>) {
    let mut state = 20_260_402_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut workspaces = Vec::new();
    let (mut tenant, mut views) = (Vec::new(), Vec::new());
    for number in 0..120 {
        let (is_on_capacity, is_active) = (random(2) == 0, random(6) > 0);
        let mut held = Held { id: id(1, number), is_on_capacity, is_active, items: Vec::new() };
        let (mut reports, mut models, mut dashboards) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..random(8) as usize {
            let owner = user(random(60));
            let (name, item) = (format!("I{number}-{at}"), id(2, number * 100 + at));
            let kind = match random(3) {
                0 => {
                    reports.push(json!({"id": item, "name": name, "createdBy": owner,
                        "createdDateTime": "2026-03-10T08:00:00", "reportType": "PowerBIReport"}));
                    "Report"
                }
                1 => {
                    models.push(json!({"id": item, "name": name, "configuredBy": owner,
                        "endorsementDetails": {"endorsement": "Certified"}}));
                    "SemanticModel"
                }
                _ => {
                    dashboards.push(json!({"id": item, "displayName": name}));
                    "Dashboard"
                }
            };
            held.items.push((name, kind, owner, is_active));
        }
        let copy = json!({"id": id(3, number), "name": "[App] Copy", "appId": id(4, 1),
            "createdBy": user(1), "reportType": "PowerBIReport"});
        reports.push(copy);
        let mut scanned = json!({
            "id": held.id, "name": format!("W{number}"), "type": "Workspace",
            "state": if is_active { "Active" } else { "Deleted" },
            "isOnDedicatedCapacity": is_on_capacity, "reports": reports, "datasets": models,
            "dashboards": dashboards
        });
        if is_on_capacity {
            scanned["capacityId"] = json!(id(6, number % 2).to_uppercase());
        }
        tenant.push(scanned);
        for _ in 0..random(6) {
            views.push((1 + random(31) as u32, user(random(60)), number));
        }
        workspaces.push(held);
    }
    let scan = json!({
        "workspaces": tenant, "datasourceInstances": [],
        "scanCreatedDateTime": "2026-03-30T02:00:00Z"
    });
    dir.write("archive/scan.fullscan.json", scan.to_string());
    let (mut disabled, mut gone) = (BTreeSet::new(), BTreeSet::new());
    let mut lists: [Vec<Value>; 2] = [Vec::new(), Vec::new()];
    // The last ten people are in no list.
    for number in 0..50 {
        let is_disabled = number % 7 == 3;
        let person = json!({
            "id": id(9, number), "userPrincipalName": user(number as u64), "displayName": "x",
            "accountEnabled": !is_disabled
        });
        if is_disabled {
            disabled.insert(user(number as u64));
        }
        lists[0].push(person.clone());
        if number % 13 == 5 {
            gone.insert(user(number as u64));
        } else {
            lists[1].push(person);
        }
    }
    dir.write("archive/graph/2026/03/02/users.json", json!({"value": lists[0]}).to_string());
    dir.write("archive/graph/2026/03/29/users.json", json!({"value": lists[1]}).to_string());
    write_log(dir, &views);
    (workspaces, disabled, gone, views)
}

/// Second implementations of three reports, over the generated tenant and not over the store.
#[test]
fn reports_of_a_random_tenant_are_those_of_plain_code() {
    let dir = Workdir::new();
    let (workspaces, disabled, gone, views) = write_tenant(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);

    let mut expected = BTreeMap::new();
    for (name, kind, owner, counts) in workspaces.iter().flat_map(|held| &held.items) {
        let reason = match (disabled.contains(owner), gone.contains(owner)) {
            (true, _) => "account disabled",
            (false, true) => "not in the latest full list of people",
            _ => continue,
        };
        if *counts && *kind != "Dashboard" {
            expected.insert(name.clone(), format!("{owner}: {reason}"));
        }
    }
    let pair = |row: &BTreeMap<String, String>| {
        (row["item"].clone(), format!("{}: {}", row["owner"], row["reason"]))
    };
    let found: BTreeMap<String, String> =
        rows(&dir, &["report", "owners-gone"]).iter().map(pair).collect();
    assert!(expected.len() > 20);
    assert_eq!(found, expected);

    let mut kinds: BTreeMap<String, String> = BTreeMap::new();
    for kind in ["Dashboard", "Report", "SemanticModel"] {
        let of_kind = |held: &&Held| held.items.iter().any(|item| item.1 == kind);
        let active = || workspaces.iter().filter(|held| held.is_active);
        let items = active().flat_map(|held| &held.items).filter(|item| item.1 == kind).count();
        kinds.insert(kind.to_owned(), format!("{items} in {}", active().filter(of_kind).count()));
    }
    let pair = |row: &BTreeMap<String, String>| {
        (row["name"].clone(), format!("{} in {}", row["items"], row["workspaces"]))
    };
    let found: BTreeMap<String, String> =
        rows(&dir, &["report", "inventory"]).iter().map(pair).collect();
    assert_eq!(found, kinds);
    let by_owner = rows(&dir, &["report", "inventory", "--param", "by=owner"]);
    let total: u64 = by_owner.iter().map(|row| row["items"].parse::<u64>().unwrap_or(0)).sum();
    let all: usize = workspaces.iter().filter(|held| held.is_active).map(|h| h.items.len()).sum();
    assert_eq!(total as usize, all);

    let mut expected = BTreeMap::new();
    for (number, held) in workspaces.iter().enumerate().filter(|(_, held)| held.is_active) {
        let own = views.iter().filter(|view| view.2 == number && view.0 > 31 - 20);
        let viewers: BTreeSet<&String> = own.map(|view| &view.1).collect();
        let status = match (held.is_on_capacity, viewers.len()) {
            (true, 0) => "idle on a capacity",
            (true, _) => "used on a capacity",
            (false, 0 | 1) => "little used without a capacity",
            (false, _) => "used without a capacity",
        };
        expected.insert(held.id.clone(), format!("{status}: {}", viewers.len()));
    }
    let flags = ["report", "capacity-placement", "--param", "days=20", "--param", "viewers=2"];
    let all: Vec<&str> = flags.iter().chain(&["--param", "status=all"]).copied().collect();
    let pair = |row: &BTreeMap<String, String>| {
        (row["workspace_id"].clone(), format!("{}: {}", row["status"], row["viewers"]))
    };
    let found: BTreeMap<String, String> = rows(&dir, &all).iter().map(pair).collect();
    assert_eq!(found, expected);
    let misplaced = rows(&dir, &flags).len();
    let is_misplaced =
        |status: &&String| status.starts_with("idle on") || status.starts_with("used without");
    assert_eq!(misplaced, expected.values().filter(is_misplaced).count());

    compare_with_golden(&dir, "owners-gone", &[]);
    compare_with_golden(&dir, "inventory", &[]);
    compare_with_golden(&dir, "capacity-placement", &["--param", "days=20"]);
}
