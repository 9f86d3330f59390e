//! Checks the states of items over time, and the report on what changed between two snapshots.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::inventory::{compare_with_golden, id, rows, rows_of_views, scan, write_march};
use crate::workdir::Workdir;

const OLD: &str = "2024-05-01T08:00:00";

fn workspace(number: usize, name: &str, reports: &[Value]) -> Value {
    json!({
        "id": id(1, number), "name": name, "type": "Workspace", "state": "Active",
        "isOnDedicatedCapacity": false, "reports": reports
    })
}

fn report(number: usize, name: &str, owner: &str) -> Value {
    json!({
        "id": id(2, number), "name": name, "reportType": "PowerBIReport",
        "createdDateTime": OLD, "createdBy": owner
    })
}

fn write_log(dir: &Workdir) {
    write_march(dir, &json!({"UserId": "eve@contoso.com", "ReportId": id(8, 0)}), &[]);
}

fn changes(dir: &Workdir, arguments: &[&str]) -> BTreeSet<String> {
    let all: Vec<&str> = ["report", "inventory-changes"].iter().chain(arguments).copied().collect();
    let text = |row: BTreeMap<String, String>| {
        let values = format!("{} -> {}", row["old_value"], row["new_value"]);
        format!("{} {} {}: {values}", row["change"], row["kind"], row["item"])
    };
    rows(dir, &all).into_iter().map(text).collect()
}

/// Two full scans and an incremental one, with a case for each change.
fn write_scans(dir: &Workdir) {
    let mia = "mia@contoso.com";
    let mut personal = workspace(4, "My", &[report(6, "Private", mia)]);
    personal["type"] = json!("PersonalGroup");
    let first = [
        workspace(
            1,
            "Finance",
            &[
                report(1, "Budget", mia),
                report(2, "Ledger", mia),
                report(3, "Short", mia),
                report(10, "Same", mia),
            ],
        ),
        workspace(2, "Sales", &[report(4, "Pipeline", mia)]),
        workspace(3, "Closing", &[report(5, "Last", mia)]),
        personal.clone(),
    ];
    dir.write("archive/1.fullscan.json", scan("2026-03-01T02:00:00Z", &first));
    let mut fresh = report(7, "Fresh", mia);
    fresh["createdDateTime"] = json!("2026-03-10T08:00:00");
    let mut copy = report(9, "[App] Budget", mia);
    copy["appId"] = json!(id(4, 1));
    let mut finance = workspace(
        1,
        "Finance",
        &[
            report(1, "Budget 2026", mia),
            report(2, "Ledger", "noa@contoso.com"),
            fresh,
            report(8, "Came back", mia),
            report(4, "Pipeline", mia),
            report(10, "Same", mia),
            copy,
        ],
    );
    let mut sales = workspace(2, "Sales EU", &[]);
    sales["isOnDedicatedCapacity"] = json!(true);
    sales["capacityId"] = json!(id(5, 1).to_uppercase());
    let second = [finance.clone(), sales, personal];
    dir.write("archive/2.fullscan.json", scan("2026-03-28T02:00:00Z", &second));
    let reports = finance["reports"].as_array_mut().expect("it is a list");
    reports.retain(|report| report["name"] != "Fresh");
    let late = workspace(6, "Late", &[report(11, "Late report", mia)]);
    dir.write("archive/3.incremental.json", scan("2026-03-30T02:00:00Z", &[finance, late]));
}

#[test]
fn each_change_between_two_snapshots_is_found() {
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let capacity = id(5, 1);
    let moved = format!("moved Workspace Sales EU:  -> {capacity}");
    let both = [
        "renamed Report Budget 2026: Budget -> Budget 2026",
        "owner Report Ledger: mia@contoso.com -> noa@contoso.com",
        "gone Report Short:  -> ",
        "listed Report Came back:  -> ",
        "moved Report Pipeline: Sales EU -> Finance",
        "renamed Workspace Sales EU: Sales -> Sales EU",
        &moved,
        "gone Workspace Closing:  -> ",
        "gone Report Last:  -> ",
    ];
    let with = |more: &[&str]| -> BTreeSet<String> {
        both.iter().chain(more).map(|text| (*text).to_owned()).collect()
    };
    // As of the second full scan.
    let found = changes(&dir, &["--as-of", "2026-03-29"]);
    assert_eq!(found, with(&["new Report Fresh:  -> "]));
    // With the incremental scan, the full scan before it is the earlier one.
    let late = ["new Workspace Late:  -> ", "listed Report Late report:  -> "];
    let found = changes(&dir, &[]);
    let since_full: BTreeSet<String> =
        late.iter().chain(&["gone Report Fresh:  -> "]).map(|text| (*text).to_owned()).collect();
    assert_eq!(found, since_full);
    assert_eq!(changes(&dir, &["--param", "days=20"]), with(&late));
    // No full snapshot is that old, and one snapshot alone shows no change.
    assert_eq!(changes(&dir, &["--param", "days=60"]), BTreeSet::new());
    assert_eq!(changes(&dir, &["--as-of", "2026-03-02"]), BTreeSet::new());
    let only = changes(&dir, &["--param", "days=20", "--param", "change=gone"]);
    assert_eq!(only.len(), 3, "{only:?}");
    compare_with_golden(&dir, "inventory-changes", &["--param", "days=20"]);
}

#[test]
fn change_of_what_was_asked_for_is_no_growth() {
    let dir = Workdir::new();
    let list = |day: u32, members: Value| {
        let mut group = json!({
            "id": id(1, 1), "name": "A", "type": "Workspace", "state": "Active",
            "isReadOnly": false, "isOnDedicatedCapacity": false
        });
        let members = members.as_object().expect("it is an object").clone();
        group.as_object_mut().expect("it is an object").extend(members);
        let page = json!({"@odata.context": "x", "value": [group]}).to_string();
        dir.write(&format!("archive/2026/03/{day:02}/groups.json"), page);
    };
    let own = json!([{"id": id(2, 1), "name": "R", "datasetId": id(3, 1)}]);
    list(1, json!({"reports": own}));
    // Reports were not asked for, and then they were again.
    list(10, json!({"users": []}));
    list(20, json!({"reports": own, "users": []}));
    write_log(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    for arguments in [&["--as-of", "2026-03-11"][..], &[], &["--param", "days=15"]] {
        assert_eq!(changes(&dir, arguments), BTreeSet::new());
    }

    // A full scan with personal workspaces is not compared with one that has none.
    let dir = Workdir::new();
    let mut personal = workspace(2, "My", &[report(2, "Private", "mia@contoso.com")]);
    personal["type"] = json!("PersonalGroup");
    let shared = workspace(1, "A", &[report(1, "R", "mia@contoso.com")]);
    let both = [shared.clone(), personal];
    dir.write("archive/1.fullscan.json", scan("2026-03-01T02:00:00Z", &[shared]));
    dir.write("archive/2.fullscan.json", scan("2026-03-10T02:00:00Z", &both));
    write_log(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = changes(&dir, &["--param", "personal=true"]);
    assert_eq!(found, BTreeSet::new());
}

#[test]
fn order_of_scans_does_not_matter_for_the_history() {
    let mut results = Vec::new();
    let files = ["1.fullscan.json", "2.fullscan.json", "3.incremental.json"];
    for order in [&[0, 1, 2][..], &[2, 1, 0], &[1, 0, 2], &[]] {
        let dir = Workdir::new();
        write_scans(&dir);
        write_log(&dir);
        for number in order {
            let file = format!("archive/{}", files[*number]);
            dir.ingest("store", &[&file]).0.ended(0);
        }
        dir.ingest("store", &["archive"]).0.ended(0);
        results.push(rows_of_views(&dir, &["inventory_history", "snapshots"]));
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:#?}");
}

/// An item of a random tenant: name, workspace and owner.
type Item = (String, usize, String);

/// The content of the snapshots up to a day: the workspaces, and the items of each.
type Known = BTreeMap<usize, BTreeMap<usize, Item>>;

/// Returns the changes between two states, as the report prints them.
fn differences(earlier: &Known, later: &Known) -> BTreeSet<String> {
    let items = |known: &Known| -> BTreeMap<usize, Item> {
        known.values().flatten().map(|(id, item)| (*id, item.clone())).collect()
    };
    let mut found = BTreeSet::new();
    for number in later.keys().filter(|number| !earlier.contains_key(number)) {
        found.insert(format!("new Workspace W{number}:  -> "));
    }
    for number in earlier.keys().filter(|number| !later.contains_key(number)) {
        found.insert(format!("gone Workspace W{number}:  -> "));
    }
    let (old, new) = (items(earlier), items(later));
    for (id, (name, at, owner)) in &new {
        let Some((old_name, old_at, old_owner)) = old.get(id) else {
            found.insert(format!("new Report {name}:  -> "));
            continue;
        };
        if name != old_name {
            found.insert(format!("renamed Report {name}: {old_name} -> {name}"));
        }
        if at != old_at {
            found.insert(format!("moved Report {name}: W{old_at} -> W{at}"));
        }
        if owner != old_owner {
            found.insert(format!("owner Report {name}: {old_owner} -> {owner}"));
        }
    }
    for (id, (name, ..)) in &old {
        if !new.contains_key(id) {
            found.insert(format!("gone Report {name}:  -> "));
        }
    }
    found
}

/// A second implementation of the changes, over the generated tenant and not over the store.
#[test]
fn changes_of_a_random_tenant_are_those_of_plain_code() {
    let mut state = 20_260_419_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let dir = Workdir::new();
    let mut world: Known = BTreeMap::new();
    let mut next = 0;
    for number in 0..50 {
        let mut items = BTreeMap::new();
        for _ in 0..random(12) {
            items.insert(next, (format!("R{next}"), number, format!("u{}@x.org", random(9))));
            next += 1;
        }
        world.insert(number, items);
    }
    let days = [1, 4, 6, 9, 13, 15, 18, 22, 25, 28];
    let mut known: Known = BTreeMap::new();
    let mut states: Vec<(u32, bool, Known)> = Vec::new();
    let mut touched: BTreeSet<usize> = BTreeSet::new();
    for (position, day) in days.iter().enumerate() {
        for _ in 0..30 {
            let numbers: Vec<usize> = world.keys().copied().collect();
            let [from, to] = [(); 2].map(|()| numbers[random(numbers.len())]);
            let change = random(12);
            if change == 0 {
                // What was moved out of it is in no scan then.
                if !touched.contains(&from) {
                    world.remove(&from);
                }
                continue;
            }
            touched.insert(from);
            let own = world.get_mut(&from).expect("it exists");
            let ids: Vec<usize> = own.keys().copied().collect();
            if change < 4 || ids.is_empty() {
                own.insert(next, (format!("R{next}"), from, "u1@x.org".to_owned()));
                next += 1;
                continue;
            }
            let id = ids[random(ids.len())];
            let item = own.get_mut(&id).expect("it exists");
            match change {
                4 | 5 => item.0 = format!("{}b", item.0),
                6 | 7 => item.2 = format!("u{}@x.org", random(9)),
                8 | 9 => drop(own.remove(&id)),
                _ => {
                    let (name, _, owner) = own.remove(&id).expect("it exists");
                    world.get_mut(&to).expect("it exists").insert(id, (name, to, owner));
                    touched.insert(to);
                }
            }
        }
        if position % 4 == 3 {
            world.insert(100 + position, BTreeMap::new());
            touched.insert(100 + position);
        }
        let is_full = position % 3 == 0;
        touched.retain(|number| world.contains_key(number));
        let scanned: Vec<usize> =
            world.keys().copied().filter(|number| is_full || touched.contains(number)).collect();
        touched.clear();
        if is_full {
            known.clear();
        }
        let mut records = Vec::new();
        for number in scanned {
            known.insert(number, world[&number].clone());
            let reports = world[&number].iter().map(|(id, (name, _, owner))| {
                let mut report = report(*id, name, owner);
                report.as_object_mut().expect("it is an object").remove("createdDateTime");
                report
            });
            records.push(workspace(number, &format!("W{number}"), &reports.collect::<Vec<_>>()));
        }
        let coverage = if is_full { "fullscan" } else { "incremental" };
        let taken = format!("2026-03-{day:02}T02:00:00Z");
        dir.write(&format!("archive/{day}.{coverage}.json"), scan(&taken, &records));
        states.push((*day, is_full, known.clone()));
    }
    write_log(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let mut total = 0;
    for (position, (as_of, _, later)) in states.iter().enumerate() {
        for back in [1, 10, 20] {
            let is_earlier =
                |(day, is_full, _): &&(u32, bool, Known)| *is_full && day + back <= *as_of;
            let earlier = states[..position].iter().rev().find(is_earlier);
            let expected =
                earlier.map(|(_, _, earlier)| differences(earlier, later)).unwrap_or_default();
            let (day, back) = (format!("2026-03-{as_of:02}"), format!("days={back}"));
            let found = changes(&dir, &["--as-of", &day, "--param", &back]);
            assert_eq!(found, expected, "{day} {back}");
            total += expected.len();
        }
    }
    assert!(total > 1000, "{total}");
}
