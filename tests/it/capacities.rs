//! Checks lists of capacities beside the log: their names and SKUs in the reports, in any order of
//! reading, and what `forget` and pseudonyms leave of their admins.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::inventory::{
    compare_with_file, id, results_by_order, rows, rows_of_views, scan, write_march,
};
use crate::workdir::Workdir;

const VIEWS: [&str; 3] = ["inventory_capacities", "inventory_workspaces", "snapshots"];

fn capacity(number: usize, name: &str, sku: &str, admins: &[&str]) -> Value {
    json!({"id": id(6, number).to_uppercase(), "displayName": name, "admins": admins, "sku": sku,
        "state": "Active", "capacityUserAccessRight": "Admin", "region": "West Europe",
        "users": []})
}

fn on_capacity(number: usize, of_capacity: Option<usize>) -> Value {
    let mut held = json!({
        "id": id(1, number), "name": format!("W{number}"), "type": "Workspace", "state": "Active",
        "isOnDedicatedCapacity": of_capacity.is_some(), "users": [],
        "reports": [{"id": id(2, number), "name": "R", "reportType": "PowerBIReport"}]
    });
    if let Some(at) = of_capacity {
        held["capacityId"] = json!(id(6, at).to_uppercase());
    }
    held
}

/// A log, a scan and two lists of capacities: the first capacity is renamed and becomes small, the
/// second is only in the first list, and the third only in the log. The fourth is nowhere.
fn write_archive(dir: &Workdir) {
    let view = |user: &str, at: usize| {
        json!({"UserId": format!("{user}@contoso.com"), "WorkspaceId": id(1, at),
            "ReportId": id(2, at), "CapacityId": id(6, at).to_uppercase(),
            "CapacityName": if at == 3 { "Logged" } else { "" }})
    };
    let views = [
        (30, view("small", 1)),
        (30, view("large", 2)),
        (30, view("named", 3)),
        (29, view("nowhere", 4)),
    ];
    write_march(dir, &view("eve", 2), &views);
    let placed = [Some(1), Some(2), Some(3), Some(4), None];
    let workspaces: Vec<Value> =
        placed.iter().enumerate().map(|(at, of)| on_capacity(at + 1, *of)).collect();
    dir.write("archive/scan.fullscan.json", scan("2026-03-10T02:00:00Z", &workspaces));
    let first = [
        capacity(1, "Old", "F64", &["Mia@contoso.com", "noa@contoso.com"]),
        capacity(2, "Large", "P1", &["mia@contoso.com", &id(5, 1)]),
    ];
    dir.write("archive/2026/03/05/capacities.json", json!({"value": first}).to_string());
    // The list of Fabric has no admins.
    let later = json!([{"id": id(6, 1), "displayName": "Main", "sku": "F32", "region": "x",
        "state": "Inactive"}]);
    dir.write("archive/2026/03/20/fabric.json", later.to_string());
    let person = |(number, user): (usize, &str)| {
        json!({"id": id(9, number), "userPrincipalName": format!("{user}@contoso.com"),
            "accountEnabled": true, "createdDateTime": "2021-01-01T00:00:00Z", "assignedLicenses":
            [{"skuId": "f8a1db68-be16-40ed-86d5-cb42ce701560", "disabledPlans": []}]})
    };
    let users = ["small", "large", "named", "nowhere"].into_iter().enumerate();
    let people: Vec<Value> = users.map(person).collect();
    dir.write("archive/2026/03/29/users.json", json!({"value": people}).to_string());
}

#[test]
fn reports_have_names_and_skus_of_capacities() {
    let dir = Workdir::new();
    write_archive(&dir);
    let text = dir.pbi(["ingest", "archive", "--store", "store"]).ended(0).stdout;
    assert!(text.contains("2 files: list of capacities: 3 capacities"), "{text}");
    let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    assert!(status.contains("inventory list of capacities: 2 snapshots"), "{status}");
    assert!(status.lines().any(|line| line.contains("2026-03-20") && line.ends_with("1 capacity")));

    let shown = |row: &BTreeMap<String, String>, names: [&str; 4]| {
        names.map(|name| row[name].clone()).join("|")
    };
    let sql = "SELECT * FROM inventory_capacities ORDER BY capacity_id NULLS LAST";
    let columns = ["capacity_name", "capacity_sku", "capacity_admins", "is_large"];
    let found: Vec<String> = rows(&dir, &["sql", sql]).iter().map(|r| shown(r, columns)).collect();
    let admins = "mia@contoso.com, noa@contoso.com";
    let large = format!("Large|P1|{}, mia@contoso.com|true", id(5, 1));
    assert_eq!(found, [format!("Main|F32|{admins}|false"), large]);
    let early = rows(&dir, &["sql", sql, "--as-of", "2026-03-10"]);
    let early: Vec<String> = early.iter().map(|row| row["capacity_name"].clone()).collect();
    assert_eq!(early, ["Old", "Large"]);

    let flags = ["report", "capacity-placement", "--param", "status=all"];
    let columns = ["workspace", "capacity", "sku", "capacity_id"];
    let mut found: Vec<String> = rows(&dir, &flags).iter().map(|r| shown(r, columns)).collect();
    found.sort();
    let expected = [
        format!("W1|Main|F32|{}", id(6, 1)),
        format!("W2|Large|P1|{}", id(6, 2)),
        format!("W3|Logged||{}", id(6, 3)),
        format!("W4|{0}||{0}", id(6, 4)),
        "W5|||".to_owned(),
    ];
    assert_eq!(found, expected);
    let by_capacity = rows(&dir, &["report", "inventory", "--param", "by=capacity"]);
    let mut names: Vec<String> = by_capacity.iter().map(|row| row["name"].clone()).collect();
    names.sort();
    assert_eq!(names, ["", &id(6, 4), "Large (P1)", "Logged", "Main (F32)"]);

    let licenses = rows(&dir, &["report", "license-usage", "--param", "days=10"]);
    let class = |row: &BTreeMap<String, String>| {
        (row["user"].replace("@contoso.com", ""), row["class"].clone())
    };
    let classes: BTreeMap<String, String> = licenses.iter().map(class).collect();
    let of = |user: &str| classes[user].as_str();
    assert_eq!((of("small"), of("large")), ("in-use", "viewer-on-capacity"));
    assert_eq!((of("named"), of("nowhere")), ("viewer-on-capacity", "viewer-on-capacity"));
    compare_with_file(&dir, "capacity-names", &flags);
    let flags = ["report", "inventory", "--param", "by=capacity"];
    compare_with_file(&dir, "inventory-by-capacity", &flags);
}

/// A capacity has its name in a list, else in the log, else its ID.
#[test]
fn workspaces_move_between_capacities_with_names() {
    let dir = Workdir::new();
    write_archive(&dir);
    let placed = [Some(2), Some(3), Some(4), None, Some(1)];
    let moved: Vec<Value> =
        placed.iter().enumerate().map(|(at, of)| on_capacity(at + 1, *of)).collect();
    dir.write("archive/later.fullscan.json", scan("2026-03-25T02:00:00Z", &moved));
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = rows(&dir, &["report", "inventory-changes", "--param", "change=moved"]);
    let line = |row: &BTreeMap<String, String>| {
        ["item", "old_value", "new_value"].map(|name| row[name].clone()).join("|")
    };
    let mut lines: Vec<String> = found.iter().map(line).collect();
    lines.sort();
    let expected = [
        "W1|Main|Large".to_owned(),
        "W2|Large|Logged".to_owned(),
        format!("W3|Logged|{}", id(6, 4)),
        format!("W4|{}|", id(6, 4)),
        "W5||Main".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn order_of_lists_does_not_matter_and_each_counts_once() {
    let files = ["2026/03/05/capacities.json", "2026/03/20/fabric.json", "scan.fullscan.json"];
    let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
    let results = results_by_order(write_archive, &files, orders, &VIEWS);
    assert_eq!(results.len(), 1, "{results:#?}");
    assert!(results.iter().all(|views| views[0].contains("Main") && views[0].contains("Large")));
}

#[test]
fn lists_are_recognized_in_all_wrappers() {
    let one = capacity(1, "Main", "F64", &["mia@contoso.com"]);
    let powershell = json!({"Id": id(6, 1), "DisplayName": "Main", "Admins": ["mia@contoso.com"],
        "Sku": "F64", "State": 1, "UserAccessRight": 2, "Region": "West Europe",
        "EncryptionKeyId": null, "EncryptionKey": null});
    let utf16 = |text: String| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16().collect::<Vec<_>>());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let table = format!(
        "Capacity Id;Capacity Name;Sku;Region;State;Admins\n{};Main;F64;West Europe;Active;\
         ['mia@contoso.com']\n",
        id(6, 1).to_uppercase()
    );
    let files: [Vec<u8>; 6] = [
        json!({"@odata.context": "x", "value": [&one]}).to_string().into(),
        json!([&one]).to_string().into(),
        format!("{one}\n").into(),
        utf16(powershell.to_string()),
        json!({"value": [powershell], "Count": 1}).to_string().into(),
        table.into(),
    ];
    let mut states = Vec::new();
    for bytes in files {
        let dir = Workdir::new();
        dir.write("archive/2026/03/05/x", bytes);
        let (ran, summary) = dir.ingest("store", &["archive"]);
        ran.ended(0);
        let facts = summary.files[0].inventory.clone().expect("it is an inventory");
        assert_eq!((facts.capacities, facts.shapes), (1, vec!["list of capacities".to_owned()]));
        states.push(rows_of_views(&dir, &["inventory_capacities"]));
    }
    assert!(states[0][0].contains("Main,F64,Active,West Europe,mia@contoso.com,true"));
    assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{states:#?}");

    let dir = Workdir::new();
    dir.write("archive/x.csv", "Id,DisplayName,Sku,Region\nmain,Main,F64,West Europe\n");
    let (_, summary) = dir.ingest("store", &["archive"]);
    assert_eq!(summary.files[0].records.rejected, 1, "{summary:?}");
}

#[test]
fn admins_are_forgotten_and_pseudonymized() {
    let dir = Workdir::new();
    write_archive(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let text = |dir: &Workdir| rows_of_views(dir, &VIEWS).join("\n").to_lowercase();
    let ran = dir.pbi(["forget", "--user", "mia@contoso.com", "--store", "store"]).ended(0);
    assert!(ran.stdout.contains("inventory 2 values"), "{ran:?}");
    let after = text(&dir);
    assert!(!after.contains("mia@") && after.contains("noa@contoso.com"), "{after}");
    dir.ingest("store", &["archive", "--reread"]).0.ended(0);
    assert_eq!(text(&dir), after);
    dir.pbi(["verify", "--store", "store"]).ended(0);

    let dir = Workdir::new();
    write_archive(&dir);
    dir.write("key", "a long key for the pseudonyms of this test");
    dir.ingest("store", &["archive", "--pseudonymize", "--key-file", "key"]).0.ended(0);
    let after = text(&dir);
    assert!(!after.contains("mia@") && !after.contains("noa@"), "{after}");
    // IDs of applications and groups stay, and one admin has one pseudonym.
    let sql = "SELECT * FROM inventory_capacities ORDER BY capacity_id NULLS LAST";
    let admins: Vec<String> =
        rows(&dir, &["sql", sql]).iter().map(|row| row["capacity_admins"].clone()).collect();
    assert!(admins[1].starts_with(&id(5, 1)), "{admins:?}");
    let mia = admins[1].split(", ").nth(1).expect("it has two admins");
    assert!(admins[0].split(", ").any(|admin| admin == mia), "{admins:?}");
}
