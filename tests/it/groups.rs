//! Checks lists of groups beside the log: who is in which group in any order of reading, which
//! workspaces have an admin through a group, and what `forget` and pseudonyms leave of the members.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::inventory::{
    compare_with_file, id, results_by_order, rows, rows_of_views, scan, write_march,
};
use crate::inventory_tables::edit_entries;
use crate::workdir::Workdir;

const VIEWS: [&str; 3] = ["inventory_groups", "group_members", "snapshots"];

fn group_id(number: usize) -> String {
    id(5, number)
}

fn user(number: usize, name: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": id(9, number).to_uppercase(),
        "displayName": "Some Name", "userPrincipalName": format!("{name}@Contoso.com")})
}

fn nested(number: usize) -> Value {
    json!({"@odata.type": "#microsoft.graph.group", "id": group_id(number),
        "displayName": format!("G{number}")})
}

fn service(number: usize) -> Value {
    json!({"@odata.type": "#microsoft.graph.servicePrincipal", "id": id(10, number),
        "displayName": "loader", "appId": id(11, number)})
}

fn of_type(name: &str, number: usize) -> Value {
    json!({"@odata.type": format!("#microsoft.graph.{name}"), "id": id(12, number),
        "displayName": "Mia's laptop", "mail": "partner@fabrikam.com"})
}

fn group(number: usize, members: &[Value]) -> Value {
    json!({"id": group_id(number).to_uppercase(), "displayName": format!("G{number}"),
        "members": members})
}

/// Returns a group with as many members whose accounts are disabled.
fn group_of(number: usize, disabled: usize) -> Value {
    let members: Vec<Value> = (0..disabled).map(|at| user(100 + at, &format!("d{at}"))).collect();
    group(number, &members)
}

/// The groups: mia is enabled, noa is disabled, and tom is gone. A stranger is in no list.
fn groups() -> Vec<Value> {
    let mut cut = group(5, &[user(2, "noa")]);
    cut["members@odata.nextLink"] = json!("https://graph.microsoft.com/v1.0/groups/x");
    let mut transitive = group(16, &[user(2, "noa"), nested(98)]);
    let list = transitive.as_object_mut().expect("it is an object").remove("members");
    transitive["transitiveMembers"] = list.expect("it has members");
    let mut hidden = group(19, &[]);
    hidden["visibility"] = json!("HiddenMembership");
    let by_id = json!({"@odata.type": "#microsoft.graph.user", "id": id(9, 2)});
    vec![
        group(1, &[user(1, "mia"), user(2, "noa")]),
        group(2, &[user(2, "noa"), user(3, "tom")]),
        group(3, &[]),
        group(4, &[service(1)]),
        cut,
        group_of(6, 20),
        group_of(7, 21),
        group(8, &[nested(9)]),
        group(9, &[nested(8), nested(1), user(2, "noa")]),
        group(10, &[nested(11), nested(10)]),
        group(11, &[nested(10), user(2, "noa")]),
        group(12, &[nested(98), user(2, "noa")]),
        group(13, &[of_type("device", 1), of_type("orgContact", 2)]),
        group(14, &[user(7, "stranger")]),
        json!({"id": group_id(15), "displayName": "G15", "members": null}),
        transitive,
        group(17, &[by_id]),
        group(18, &[json!({"id": id(13, 1)})]),
        hidden,
        group(20, &[user(9, "noa.old")]),
    ]
}

fn right(kind: &str, name: &str, id: &str) -> Value {
    let mut right = json!({"groupUserAccessRight": "Admin", "displayName": name,
        "identifier": id, "principalType": kind});
    if kind == "User" {
        right["emailAddress"] = json!(id);
        right["userType"] = json!("Member");
    }
    right
}

fn of_group(number: usize) -> Value {
    right("Group", &format!("G{number}"), &group_id(number))
}

fn person_right(name: &str) -> Value {
    right("User", "Some Name", &format!("{name}@contoso.com"))
}

/// The admins of each workspace, and why it is listed.
fn cases() -> Vec<(Vec<Value>, &'static str)> {
    let none = "orphaned: no enabled admin";
    let cut = "unknown: only groups, members not all known";
    let unheld = "unknown: only groups, not resolved";
    let noa = || person_right("noa");
    let mut cases: Vec<(Vec<Value>, &str)> = [
        (1, ""),
        (2, none),
        (3, none),
        (4, ""),
        (5, cut),
        (6, cut),
        (7, none),
        (8, ""),
        (10, none),
        (12, cut),
        (13, none),
        (14, ""),
        (15, unheld),
        (16, none),
        (17, none),
        (18, cut),
        (19, cut),
        (20, none),
        (99, unheld),
    ]
    .map(|(number, why)| (vec![of_group(number)], why))
    .into();
    cases.extend([
        (vec![noa()], none),
        (vec![noa(), person_right("tom")], none),
        (vec![noa(), person_right("mia")], ""),
        (vec![person_right("stranger")], ""),
        (vec![of_group(2), of_group(3)], none),
        (vec![of_group(2), of_group(1)], ""),
        (vec![of_group(2), of_group(5), of_group(99)], unheld),
        (vec![noa(), of_group(5)], "unknown: no enabled person, members of groups not all known"),
        (vec![noa(), of_group(99)], "unknown: no enabled person, groups not resolved"),
        (vec![noa(), of_group(2)], none),
        (vec![noa(), right("App", "deployer", &id(10, 9))], ""),
        (vec![], "orphaned: no admin"),
    ]);
    cases
}

fn people(with_tom: bool) -> Value {
    let person = |number: usize, name: &str, is_enabled: bool| {
        json!({"id": id(9, number), "userPrincipalName": format!("{name}@contoso.com"),
            "displayName": "x", "accountEnabled": is_enabled, "proxyAddresses":
            [format!("smtp:{name}.old@contoso.com")],
            "assignedLicenses": [{"skuId": "f8a1db68-be16-40ed-86d5-cb42ce701560"}],
            "licenseAssignmentStates": [{"skuId": "f8a1db68-be16-40ed-86d5-cb42ce701560",
                "assignedByGroup": group_id(if number == 1 { 1 } else { 99 }), "state": "Active"}]})
    };
    let mut all = vec![person(1, "mia", true), person(2, "noa", false)];
    all.extend((0..21).map(|at| person(100 + at, &format!("d{at}"), false)));
    if with_tom {
        all.push(person(3, "tom", true));
    }
    json!({"value": all})
}

fn write_archive(dir: &Workdir) {
    let view = |name: &str, at: usize| {
        json!({"UserId": format!("{name}@contoso.com"), "WorkspaceId": id(1, at),
            "ReportId": id(2, at)})
    };
    write_march(dir, &view("eve", 90), &[(21, view("noa", 1)), (30, view("mia.old", 1))]);
    let workspace = |(at, (users, _)): (usize, (Vec<Value>, &str))| {
        json!({"id": id(1, at + 1), "name": format!("W{}", at + 1), "type": "Workspace",
            "state": "Active", "isOnDedicatedCapacity": false, "users": users, "reports": []})
    };
    let workspaces: Vec<Value> = cases().into_iter().enumerate().map(workspace).collect();
    dir.write("archive/scan.fullscan.json", scan("2026-03-28T02:00:00Z", &workspaces));
    dir.write("archive/2026/03/20/users.json", people(true).to_string());
    dir.write("archive/2026/03/29/users.json", people(false).to_string());
    // In the first list, everybody is in the second group. A part of the groups is in a second file.
    let first = [group(2, &[user(1, "mia"), user(2, "noa")]), group(1, &[])];
    dir.write("archive/2026/03/20/groups.json", json!(first).to_string());
    let all = groups();
    let (some, others) = all.split_at(9);
    let page = json!({"@odata.context": "x", "value": some, "@odata.nextLink": "https://x"});
    dir.write("archive/2026/03/29/groups.json", page.to_string());
    dir.write("archive/2026/03/29/groups_1.json", json!({"value": others}).to_string());
}

/// Returns the workspaces in a report with their status and reason.
fn reasons(dir: &Workdir, flags: &[&str]) -> BTreeMap<String, String> {
    let all = [&["report", "orphaned-workspaces"], flags].concat();
    let pair = |row: BTreeMap<String, String>| {
        (row["workspace"].clone(), format!("{}: {}", row["status"], row["reason"]))
    };
    rows(dir, &all).into_iter().map(pair).collect()
}

#[test]
fn admins_are_found_through_groups() {
    let dir = Workdir::new();
    write_archive(&dir);
    let text = dir.pbi(["ingest", "archive", "--store", "store"]).ended(0).stdout;
    assert!(text.contains("3 files: list of groups: 22 groups, "), "{text}");
    let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    let line = status.lines().find(|line| line.starts_with("inventory list of groups: 2 snap"));
    assert!(line.is_some_and(|line| line.ends_with("20 groups")), "{status}");

    let listed = |(at, (_, why)): (usize, (Vec<Value>, &str))| {
        (!why.is_empty()).then(|| (format!("W{}", at + 1), why.to_owned()))
    };
    let expected: BTreeMap<String, String> =
        cases().into_iter().enumerate().filter_map(listed).collect();
    assert_eq!(reasons(&dir, &[]), expected);
    // As of the first lists, tom is there, and the second group has an enabled member.
    let early = reasons(&dir, &["--as-of", "2026-03-20"]);
    assert_eq!(early["W1"], "orphaned: no enabled admin");
    assert!(!early.contains_key("W2"), "{early:?}");

    let text = dir.pbi(["report", "orphaned-workspaces", "--store", "store"]).ended(0).stdout;
    let remark = "Groups: list of 2026-03-29, 20 groups. The members of 2 groups with access";
    assert!(text.contains(remark), "{text}");
    compare_with_file(&dir, "orphaned-groups", &["report", "orphaned-workspaces"]);
}

#[test]
fn nobody_is_taken_for_disabled_without_a_list_of_people() {
    let dir = Workdir::new();
    write_archive(&dir);
    for day in [20, 29] {
        std::fs::remove_file(dir.join(format!("archive/2026/03/{day}/users.json")))
            .expect("it is there");
    }
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = reasons(&dir, &[]);
    let reason = |at: usize| found.get(&format!("W{at}")).map(String::as_str);
    assert_eq!((reason(2), reason(3)), (None, Some("orphaned: no enabled admin")), "{found:?}");
    assert_eq!(found.len(), 7, "{found:?}");
}

/// Without lists of groups, groups are not resolved, and a sentence says how to get the lists.
#[test]
fn groups_without_a_list_are_not_resolved() {
    let dir = Workdir::new();
    write_archive(&dir);
    for name in ["20/groups", "29/groups", "29/groups_1"] {
        std::fs::remove_file(dir.join(format!("archive/2026/03/{name}.json")))
            .expect("it is there");
    }
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = reasons(&dir, &[]);
    assert_eq!(found["W1"], "unknown: only groups, not resolved");
    assert_eq!(found["W20"], "orphaned: no enabled admin");
    for report in ["orphaned-workspaces", "access-review"] {
        let text = dir.pbi(["report", report, "--store", "store"]).ended(0).stdout;
        assert!(text.contains("no list of groups"), "{text}");
    }
}

#[test]
fn members_have_access_through_their_groups() {
    let dir = Workdir::new();
    write_archive(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let shown = |flags: &[&str]| -> BTreeSet<String> {
        let all = [&["report", "access-review"], flags].concat();
        let line = |row: BTreeMap<String, String>| {
            let names = [
                "workspace",
                "via",
                "principal",
                "by_group",
                "members",
                "access_right",
                "account",
                "days_since_view",
            ];
            names.map(|name| row[name].as_str()).join("|")
        };
        rows(&dir, &all).into_iter().map(line).collect()
    };
    let of = |all: &BTreeSet<String>, workspace: &str| -> Vec<String> {
        let start = format!("{workspace}|");
        all.iter().filter_map(|line| line.strip_prefix(&start).map(str::to_owned)).collect()
    };
    let all = shown(&[]);
    assert_eq!(of(&all, "W1"), ["group|G1||2|Admin||1"]);
    assert_eq!(of(&all, "W3"), ["group|G3||0|Admin||"]);
    assert_eq!(of(&all, "W13"), ["group|G15|||Admin||"]);
    assert!(!all.iter().any(|line| line.contains("|member|")));
    let all = shown(&["--param", "members=true"]);
    let expected = [
        "group|G1||2|Admin||1",
        "member|mia@contoso.com|G1||Admin||1",
        "member|noa@contoso.com|G1||Admin|disabled|10",
    ];
    assert_eq!(of(&all, "W1"), expected);
    // Members of groups in a group, without the groups.
    let expected = [
        "group|G8||2|Admin||",
        "member|mia@contoso.com|G8||Admin||",
        "member|noa@contoso.com|G8||Admin|disabled|",
    ];
    assert_eq!(of(&all, "W8"), expected);
    assert_eq!(of(&all, "W4"), ["group|G4||1|Admin||", "member|loader|G4||Admin||"]);
    let only = shown(&["--param", "via=member"]);
    let members: BTreeSet<String> =
        all.into_iter().filter(|line| line.contains("|member|")).collect();
    assert_eq!(only, members);
    let gone = shown(&["--param", "via=member", "--param", "gone=true"]);
    assert!(gone.len() > 20 && gone.iter().all(|line| !line.contains("|mia@")), "{gone:?}");

    let licenses = rows(&dir, &["report", "license-usage", "--param", "days=10"]);
    let group = |row: &BTreeMap<String, String>| {
        (row["user"].clone(), (row["assigned_by_group"].clone(), row["group_name"].clone()))
    };
    let found: BTreeMap<_, _> = licenses.iter().map(group).collect();
    assert_eq!(found["mia@contoso.com"], (group_id(1), "G1".to_owned()));
    assert_eq!(found["noa@contoso.com"], (group_id(99), String::new()));
}

#[test]
fn order_of_lists_does_not_matter_and_each_counts_once() {
    let files = ["2026/03/20/groups.json", "2026/03/29/groups.json", "2026/03/29/groups_1.json"];
    let results =
        results_by_order(write_archive, &files, [[0, 1, 2], [2, 1, 0], [1, 2, 0]], &VIEWS);
    assert_eq!(results.len(), 1, "{results:#?}");
    let dir = Workdir::new();
    write_archive(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let all: BTreeSet<Vec<String>> = [rows_of_views(&dir, &VIEWS)].into();
    assert_eq!(all, results);
}

/// A change of one group adds the rows of few groups, and a list without changes adds none.
#[test]
fn list_without_changes_adds_no_members() {
    let dir = Workdir::new();
    let rows_added = |day: usize, changed: bool| {
        let members = |number: usize| {
            let last = if changed && number == 7 { 11 } else { 10 };
            (0..last).map(|at| user(at, &format!("u{at}"))).collect::<Vec<_>>()
        };
        let all: Vec<Value> = (0..600).map(|number| group(number, &members(number))).collect();
        dir.write(&format!("archive/2026/03/{day:02}/groups.json"), json!(all).to_string());
        let (_, summary) = dir.ingest("store", &["archive"]);
        summary.files.iter().filter_map(|file| file.inventory.as_ref()).map(|f| f.new_states).sum()
    };
    let added: [u64; 3] = [rows_added(1, false), rows_added(2, false), rows_added(3, true)];
    assert!(added[0] > 200 && added[1] == 0 && added[2] == 1, "{added:?}");
    let sql = "SELECT COUNT(*) AS number FROM group_members";
    assert_eq!(rows(&dir, &["sql", sql])[0]["number"], "6001");
}

#[test]
fn lists_are_recognized_in_all_wrappers() {
    let member = user(1, "mia");
    let one = json!({"id": group_id(1), "displayName": "G1", "members": [member]});
    let more = json!({"@odata.type": "#microsoft.graph.user", "displayName": "Some Name",
        "userPrincipalName": "mia@contoso.com"});
    // Get-MgGroup has all properties, and null for those that were not requested.
    let module = json!({"Id": group_id(1), "DisplayName": "G1", "TransitiveMembers": null,
        "Owners": null, "GroupTypes": [], "SecurityEnabled": true,
        "Members": [{"Id": id(9, 1), "DeletedDateTime": null, "AdditionalProperties": more}]});
    let azure_ad = json!({"ObjectId": group_id(1), "DisplayName": "G1", "Members": [{
        "ObjectId": id(9, 1), "ObjectType": "User", "UserPrincipalName": "mia@contoso.com"}]});
    // PowerShell writes a list of one member as the member, or wraps the list.
    let single = json!({"Id": group_id(1), "DisplayName": "G1", "Members": member});
    let wrapped = json!({"Id": group_id(1), "DisplayName": "G1",
        "Members": {"value": [member], "Count": 1}});
    let utf16 = |text: String| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16().collect::<Vec<_>>());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let files: [Vec<u8>; 9] = [
        json!({"@odata.context": "x", "value": [&one]}).to_string().into(),
        json!([&one]).to_string().into(),
        format!("{one}\n").into(),
        json!({"value": [&one], "Count": 1}).to_string().into(),
        utf16(module.to_string()),
        json!([azure_ad]).to_string().into(),
        json!([single]).to_string().into(),
        json!([wrapped]).to_string().into(),
        format!("{}{}", json!({"value": [&one]}), json!({"value": [&one]})).into(),
    ];
    let mut states = Vec::new();
    for bytes in files {
        let dir = Workdir::new();
        dir.write("archive/2026/03/05/x", bytes);
        let (ran, summary) = dir.ingest("store", &["archive"]);
        ran.ended(0);
        let facts = summary.files[0].inventory.clone().expect("it is an inventory");
        let found = (facts.groups, facts.group_members, facts.shapes);
        assert_eq!(found, (1, 1, vec!["list of groups".to_owned()]));
        states.push(rows_of_views(&dir, &["inventory_groups", "group_members"]));
    }
    let member = format!("G1,mia@contoso.com,{},User,,1,2026-03-05", id(9, 1));
    assert!(states[0][1].contains(&member), "{states:#?}");
    assert!(states[0][0].contains(",1,true,2026-03-05"), "{states:#?}");
    assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{states:#?}");
}

#[test]
fn lists_that_say_nothing_of_members_are_not_empty() {
    let cut = json!({"Id": group_id(1), "DisplayName": "G1", "Members": ["@{Id=1; Name=x}"]});
    let flat = json!({"Id": group_id(1), "DisplayName": "G1", "Members": "System.Object[]"});
    let names = json!({"id": group_id(1), "displayName": "G1", "groupTypes": [],
        "securityEnabled": true, "mail": null});
    let null = json!({"id": group_id(1), "displayName": "G1", "members": null});
    for (group, lost) in [(cut, 1), (flat, 1), (names, 0), (null, 0)] {
        let dir = Workdir::new();
        // What an earlier list says of the members stays.
        let earlier =
            json!([{"id": group_id(1), "displayName": "Old", "members": [user(1, "mia")]}]);
        dir.write("archive/2026/03/05/groups.json", json!([group]).to_string());
        let (ran, summary) = dir.ingest("store", &["archive"]);
        ran.ended(0);
        let source = &summary.files[0];
        assert_eq!(source.inventory.as_ref().map(|facts| facts.lost_lists), Some(lost), "{group}");
        let found = rows(&dir, &["sql", "SELECT * FROM inventory_groups"]);
        let state = |row: &BTreeMap<String, String>| {
            ["group_name", "known_members", "is_complete"].map(|name| row[name].clone())
        };
        assert_eq!(found.iter().map(state).collect::<Vec<_>>(), [["G1", "", "false"]]);
        dir.write("archive/2026/03/01/groups.json", earlier.to_string());
        dir.ingest("store", &["archive"]).0.ended(0);
        let found = rows(&dir, &["sql", "SELECT * FROM inventory_groups"]);
        assert_eq!(found.iter().map(state).collect::<Vec<_>>(), [["G1", "1", "true"]]);
        assert!(found[0]["snapshot_time"].starts_with("2026-03-01"), "{found:?}");
    }
    // A list of addresses and IDs, and members that nothing identifies.
    let dir = Workdir::new();
    let listed = json!([{"id": group_id(1), "displayName": "G1",
        "members": ["Mia@contoso.com", id(9, 2), {}, 7]}]);
    dir.write("archive/2026/03/05/groups.json", listed.to_string());
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = rows(
        &dir,
        &[
            "sql",
            "SELECT member, member_id, is_complete FROM group_members AS m \
        INNER JOIN inventory_groups AS g ON m.group_id = g.group_id ORDER BY member NULLS LAST",
        ],
    );
    let line = |row: &BTreeMap<String, String>| {
        ["member", "member_id", "is_complete"].map(|name| row[name].clone()).join("|")
    };
    let lines: Vec<String> = found.iter().map(line).collect();
    assert_eq!(lines, ["mia@contoso.com||false".to_owned(), format!("|{}|false", id(9, 2))]);
}

/// The version before this one has skipped lists of groups.
#[test]
fn skipped_lists_are_read_again() {
    let dir = Workdir::new();
    write_archive(&dir);
    dir.ingest("new", &["archive"]).0.ended(0);
    for name in ["20/groups", "29/groups", "29/groups_1"] {
        let path = dir.join(format!("archive/2026/03/{name}.json"));
        let text = std::fs::read(&path).expect("it can be read");
        std::fs::remove_file(&path).expect("it can be deleted");
        dir.write(&format!("later/2026/03/{name}.json"), text);
    }
    dir.ingest("store", &["later"]).0.ended(0);
    std::fs::remove_dir_all(dir.join("store/inventory")).expect("it can be deleted");
    edit_entries(&dir, |line| {
        let mut entry: Value = serde_json::from_str(line).expect("it is JSON");
        let facts = entry["facts"].as_object_mut().expect("it has facts");
        assert!(facts.remove("inventory").is_some() && !facts.contains_key("recognition"));
        facts.insert("kind".into(), json!(""));
        facts.insert("recognition".into(), json!(2));
        entry.to_string()
    });
    let (ran, summary) = dir.ingest("store", &["archive", "later"]);
    ran.ended(0);
    assert_eq!(summary.sources.known, 0, "{summary:?}");
    let views = |store: &str| -> Vec<String> {
        let rows = |view: &&str| {
            let sql = format!("SELECT * FROM {view} ORDER BY 1, 2, 3, 4, 5");
            dir.pbi(["sql", &sql, "--store", store, "--format", "csv"]).ended(0).stdout
        };
        ["inventory_groups", "group_members"].iter().map(rows).collect()
    };
    assert_eq!(views("store"), views("new"));
}

#[test]
fn members_are_forgotten_and_pseudonymized() {
    let dir = Workdir::new();
    write_archive(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let text = |dir: &Workdir| rows_of_views(dir, &VIEWS).join("\n").to_lowercase();
    let before = text(&dir);
    assert!(before.contains("mia@") && before.contains(&id(9, 1)) && !before.contains("some name"));
    assert!(!before.contains("laptop") && before.contains("partner@fabrikam.com"), "{before}");
    let found = reasons(&dir, &[]);
    dir.pbi(["forget", "--user", "mia@contoso.com", "--store", "store"]).ended(0);
    let after = text(&dir);
    assert!(!after.contains("mia@") && !after.contains(&id(9, 1)), "{after}");
    assert!(after.contains("noa@contoso.com"), "{after}");
    dir.ingest("store", &["archive", "--reread"]).0.ended(0);
    assert_eq!(text(&dir), after);
    // The member is still one, under a pseudonym.
    assert_eq!(reasons(&dir, &[]), found);
    dir.pbi(["verify", "--store", "store"]).ended(0);
    dir.pbi(["forget", "--user", "partner@fabrikam.com", "--store", "store"]).ended(0);
    assert!(!text(&dir).contains("partner@"), "{}", text(&dir));

    let dir = Workdir::new();
    write_archive(&dir);
    dir.write("key", "a long key for the pseudonyms of this test");
    dir.ingest("store", &["archive", "--pseudonymize", "--key-file", "key"]).0.ended(0);
    let after = text(&dir);
    for name in ["mia@", "noa@", "partner@", &id(9, 1), &id(9, 2), &id(12, 2)] {
        assert!(!after.contains(name), "{name}: {after}");
    }
    // IDs of groups, applications and devices stay, and a person has one pseudonym.
    assert!(after.contains(&id(10, 1)) && after.contains(&id(12, 1)) && after.contains("loader"));
    let mut hidden = reasons(&dir, &[]);
    // Nothing but its ID is known of a member of this group.
    assert_eq!(hidden.remove("W16"), found.get("W16").cloned());
    assert_eq!(
        hidden.into_iter().filter(|(name, _)| name != "W16").collect::<BTreeMap<_, _>>(),
        found.into_iter().filter(|(name, _)| name != "W16").collect()
    );
}
