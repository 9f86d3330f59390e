//! Checks lists of people and licenses beside the log: what files are taken for, what they say
//! together, and the reports on licenses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::inventory::{compare_with_golden, id, rows, rows_of_views, write_march};
use crate::workdir::{Outcome, Source, Workdir};

const PRO: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
const PRO_PLAN: &str = "70d33638-9c74-4d01-bfd3-562de28bd4ba";
const PPU: &str = "c1d032e0-5619-4761-9b5c-75b6831e1711";
const E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
const FREE: &str = "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235";

/// An event: day of March 2026, user, operation and workspace.
type Event<'e> = (u32, &'e str, &'e str, usize);

fn write_log(dir: &Workdir, events: &[Event<'_>]) {
    let event = |user: &str, operation: &str, workspace: usize| {
        json!({
            "Operation": operation, "Activity": operation, "UserId": user,
            "WorkspaceId": id(1, workspace)
        })
    };
    let events =
        events.iter().map(|(day, user, operation, at)| (*day, event(user, operation, *at)));
    let daily = event("eve@contoso.com", "ViewReport", 9);
    write_march(dir, &daily, &events.collect::<Vec<_>>());
}

fn person(number: usize, address: &str, licenses: &[(&str, &[&str])]) -> Value {
    let license = |(sku, off): &(&str, &[&str])| json!({"skuId": sku, "disabledPlans": off});
    let licenses: Vec<Value> = licenses.iter().map(license).collect();
    json!({
        "id": id(9, number), "userPrincipalName": address, "displayName": "Some Name",
        "accountEnabled": true, "assignedLicenses": licenses
    })
}

fn page(people: &[Value]) -> String {
    json!({"@odata.context": "x$metadata#users", "value": people}).to_string()
}

fn source<'s>(files: &'s [Source], name: &str) -> &'s Source {
    let found = files.iter().find(|file| file.source.ends_with(name));
    found.unwrap_or_else(|| panic!("{name}: {files:?}"))
}

fn utf16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Returns the licenses in the store as `user: license source product`.
fn licenses(dir: &Workdir) -> Vec<String> {
    let sql = "SELECT user_id, license, license_source, product FROM licenses";
    let text = |row: BTreeMap<String, String>| {
        let (user, license) = (&row["user_id"], &row["license"]);
        format!("{user}: {license} {} {}", row["license_source"], row["product"])
    };
    let mut all: Vec<String> = rows(dir, &["sql", sql]).into_iter().map(text).collect();
    all.sort();
    all
}

/// Files of each kind, the numbers of people, licenses, products and lost lists, and the licenses
/// that each gives.
#[test]
fn files_of_people_are_recognized_by_their_content() {
    let one = person(1, "Ida@Contoso.com", &[(PRO, &[])]);
    let pascal = json!([{
        "Id": id(9, 2), "UserPrincipalName": "olf@contoso.com", "DisplayName": "Olf",
        "AccountEnabled": true,
        "AssignedLicenses": {"value": [{"SkuId": E5, "DisabledPlans": [PRO_PLAN]}], "Count": 1}
    }]);
    let lost = "#TYPE x\r\n\"AccountEnabled\",\"AssignedLicenses\",\"DisplayName\",\
        \"UserPrincipalName\"\r\n\"True\",\"Microsoft.Graph.PowerShell.Models.X[]\",\"a\",\
        \"lost@contoso.com\"\r\n";
    let portal = "Block credential,Department,Display name,Licenses,Object Id,User principal name\n\
        False,\"Sales, North\",A,Office 365 E3+Power BI Pro,,csv1@contoso.com\n\
        True,Sales,B,Enterprise Mobility + Security E5+Power BI Premium Per User,,csv2@contoso.com\n\
        False,,C,Unlicensed,,csv3@contoso.com\n";
    let entra = "userPrincipalName,displayName,objectId,accountEnabled,department\n\
        entra@contoso.com,E,00000009-0000-4000-8000-000000000055,False,Finance\n";
    let msol = "\"UserPrincipalName\",\"DisplayName\",\"isLicensed\",\"BlockCredential\",\"Licenses\"\n\
        \"msol@contoso.com\",\"M\",\"True\",\"False\",\"contoso:ENTERPRISEPACK;contoso:POWER_BI_PRO\"\n";
    let skus = json!([{
        "skuId": PRO, "skuPartNumber": "POWER_BI_PRO", "consumedUnits": 2,
        "prepaidUnits": {"enabled": 25}, "capabilityStatus": "Enabled"
    }]);
    let default_fields = json!({
        "id": id(9, 3), "userPrincipalName": "plain@contoso.com", "displayName": "P", "mail": null
    });
    let files: [(&str, Vec<u8>, [u64; 4]); 9] = [
        ("graph.json", page(&[one]).into(), [1, 1, 0, 0]),
        ("utf16.json", utf16(&pascal.to_string()), [1, 1, 0, 0]),
        ("lost.csv", lost.into(), [1, 0, 0, 1]),
        ("portal.csv", format!("\u{feff}{portal}").into(), [3, 4, 0, 0]),
        ("entra.csv", entra.into(), [1, 0, 0, 0]),
        ("msol.csv", utf16(msol), [1, 2, 0, 0]),
        ("skus.json", skus.to_string().into(), [0, 0, 1, 0]),
        ("plain.json", page(&[default_fields]).into(), [1, 0, 0, 0]),
        (
            "lines.ndjson",
            format!("{}\n{}\n", person(4, "n1@contoso.com", &[]), person(5, "n2@contoso.com", &[]))
                .into(),
            [2, 0, 0, 0],
        ),
    ];
    let dir = Workdir::new();
    for (name, bytes, _) in &files {
        dir.write(&format!("archive/2026/03/15/{name}"), bytes);
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    for (name, _, expected) in &files {
        let file = source(&summary.files, name);
        assert_eq!((file.outcome, file.kind.as_str()), (Outcome::Ok, "inventory"), "{file:?}");
        let facts = file.inventory.clone().unwrap_or_default();
        let found = [facts.people, facts.licenses, facts.products, facts.lost_lists];
        assert_eq!(found, *expected, "{name}: {facts:?}");
        assert_eq!((facts.workspaces, facts.items), (0, 0), "{name}");
    }
    let warnings = &source(&summary.files, "lost.csv").warnings;
    assert!(warnings.iter().any(|w| w.kind == "flattened" && w.count == 1), "{warnings:?}");
    let expected = [
        "csv1@contoso.com: none  Office 365 E3",
        "csv1@contoso.com: pro  Power BI Pro",
        "csv2@contoso.com: none  Enterprise Mobility + Security E5",
        "csv2@contoso.com: ppu  Power BI Premium Per User",
        "ida@contoso.com: pro  Power BI Pro",
        "msol@contoso.com: none  Office 365 E3",
        "msol@contoso.com: pro  Power BI Pro",
        "olf@contoso.com: none bundle Microsoft 365 E5",
    ];
    assert_eq!(licenses(&dir), expected);
    let sql = "SELECT user_id, account_status, department, licenses_time IS NULL AS is_open \
        FROM people ORDER BY user_id";
    let text = |row: BTreeMap<String, String>| {
        let (user, status) = (&row["user_id"], &row["account_status"]);
        format!("{user} {status} {} {}", row["department"], row["is_open"])
    };
    let found: Vec<String> = rows(&dir, &["sql", sql]).into_iter().map(text).collect();
    let expected = [
        "csv1@contoso.com enabled Sales, North false",
        "csv2@contoso.com disabled Sales false",
        "csv3@contoso.com enabled  false",
        "entra@contoso.com disabled Finance true",
        "ida@contoso.com enabled  false",
        "lost@contoso.com enabled  true",
        "msol@contoso.com enabled  false",
        "n1@contoso.com enabled  false",
        "n2@contoso.com enabled  false",
        "olf@contoso.com enabled  false",
        "plain@contoso.com   true",
    ];
    assert_eq!(found, expected);
    let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    assert!(status.contains("inventory list of people: 1 snapshot"), "{status}");
    assert!(status.contains("11 people"), "{status}");
    let text = dir.pbi(["ingest", "--store", "other", "archive"]).ended(0);
    let text = format!("{}{}", text.stdout, text.stderr);
    assert!(text.contains("list of people: 11 people, 8 licenses"), "{text}");
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

/// Two lists of people and a scan, with a case for each class of license.
fn write_people(dir: &Workdir) {
    let mut grouped = person(3, "viewer@contoso.com", &[(PRO, &[])]);
    grouped["licenseAssignmentStates"] = json!([
        {"skuId": PRO, "assignedByGroup": id(5, 1), "state": "Active"}
    ]);
    let mut off = person(4, "off@contoso.com", &[(PPU, &[])]);
    off["accountEnabled"] = json!(false);
    let mut young = person(9, "young@contoso.com", &[(PRO, &[])]);
    young["createdDateTime"] = json!("2026-03-25T08:00:00Z");
    let mut direct = person(1, "ida@contoso.com", &[(PRO, &[])]);
    direct["licenseAssignmentStates"] = json!([
        {"skuId": PRO, "assignedByGroup": id(5, 1), "state": "Active"},
        {"skuId": PRO, "assignedByGroup": null, "state": "Active"}
    ]);
    direct["department"] = json!("Finance");
    let mut mailed = person(8, "mailed@contoso.com", &[(PRO, &[])]);
    mailed["proxyAddresses"] = json!(["SMTP:m.long@contoso.com", "smtp:mailed@contoso.com"]);
    let guest = person(10, "pat_partner.com#EXT#@contoso.onmicrosoft.com", &[(PRO, &[])]);
    let late = [
        direct,
        person(2, "both@contoso.com", &[(E5, &[]), (PRO, &[])]),
        grouped,
        off,
        person(5, "idle@contoso.com", &[(PPU, &[])]),
        person(6, "never@contoso.com", &[(PRO, &[]), (FREE, &[])]),
        person(7, "new.name@contoso.com", &[(PRO, &[])]),
        mailed,
        young,
        guest,
        person(11, "mixed@contoso.com", &[(PRO, &[])]),
        person(12, "switched@contoso.com", &[(E5, &[PRO_PLAN])]),
        person(13, "odd@contoso.com", &[("99999999-0000-4000-8000-000000000001", &[])]),
    ];
    let mut early: Vec<Value> = late.to_vec();
    early[6]["userPrincipalName"] = json!("old.name@contoso.com");
    early[4]["assignedLicenses"] = json!([]);
    early.push(person(14, "gone@contoso.com", &[(PRO, &[])]));
    dir.write("archive/graph/2026/03/01/users.json", page(&early));
    dir.write("archive/graph/2026/03/28/users.json", page(&late[..7]));
    dir.write("archive/graph/2026/03/28/users_1.json", page(&late[7..]));
    let workspace = |number: usize, capacity: bool| {
        let mut held = json!({
            "id": id(1, number), "name": "W", "type": "Workspace", "state": "Active",
            "isOnDedicatedCapacity": capacity, "reports": []
        });
        if capacity {
            held["capacityId"] = json!("0F0800B2-0000-4000-8000-0000000000B2");
        }
        held
    };
    let scan = json!({
        "workspaces": [workspace(1, true), workspace(2, false)], "datasourceInstances": [],
        "scanCreatedDateTime": "2026-03-28T02:00:00Z"
    });
    dir.write("archive/scan.json", scan.to_string());
    let skus = json!({"value": [
        {"skuId": PRO, "skuPartNumber": "POWER_BI_PRO", "consumedUnits": 10,
            "prepaidUnits": {"enabled": 25}},
        {"skuId": "7b26f5ab-a763-4c00-a1ac-f6c4b5506945", "skuPartNumber": "PBI_PREMIUM_P1_ADDON",
            "consumedUnits": 0, "prepaidUnits": {"enabled": 1}}
    ]});
    dir.write("archive/graph/2026/03/28/subscribedskus.json", skus.to_string());
    let events = [
        (30, "ida@contoso.com", "ViewReport", 2),
        (29, "Ida@contoso.com", "EditReport", 1),
        (30, "both@contoso.com", "ViewReport", 2),
        (30, "viewer@contoso.com", "ViewReport", 1),
        (30, "off@contoso.com", "ViewReport", 2),
        (3, "idle@contoso.com", "ViewReport", 2),
        (30, "old.name@contoso.com", "ViewReport", 2),
        (30, "m.long@contoso.com", "ViewReport", 2),
        (30, "pat_partner.com#EXT#@contoso.onmicrosoft.com", "ViewReport", 2),
        (30, "mixed@contoso.com", "ViewReport", 1),
        (30, "mixed@contoso.com", "ViewReport", 2),
        (30, "gone@contoso.com", "ViewReport", 2),
    ];
    write_log(dir, &events);
}

/// Returns the classes of licenses as `license source: class` by user and product.
fn classes(dir: &Workdir, arguments: &[&str]) -> BTreeMap<String, String> {
    let fixed = ["report", "license-usage", "--param", "license=all"];
    let all: Vec<&str> = fixed.iter().chain(arguments).copied().collect();
    let pair = |row: BTreeMap<String, String>| {
        let (license, source) = (&row["license"], &row["source"]);
        (
            format!("{} {}", row["user"], row["product"]),
            format!("{license} {source}: {}", row["class"]),
        )
    };
    rows(dir, &all).into_iter().map(pair).collect()
}

#[test]
fn each_class_of_license_bites() {
    let dir = Workdir::new();
    write_people(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let expected = [
        ("both@contoso.com Microsoft 365 E5", "pro bundle: in-use"),
        ("both@contoso.com Power BI Pro", "pro : doubled"),
        ("ida@contoso.com Power BI Pro", "pro direct: in-use"),
        ("idle@contoso.com Power BI Premium Per User", "ppu : idle"),
        ("mailed@contoso.com Power BI Pro", "pro : in-use"),
        ("mixed@contoso.com Power BI Pro", "pro : in-use"),
        ("never@contoso.com Microsoft Fabric (Free)", "free : never-seen"),
        ("never@contoso.com Power BI Pro", "pro : never-seen"),
        ("new.name@contoso.com Power BI Pro", "pro : in-use"),
        ("odd@contoso.com 99999999-0000-4000-8000-000000000001", "unknown : never-seen"),
        ("off@contoso.com Power BI Premium Per User", "ppu : disabled"),
        ("pat@partner.com Power BI Pro", "pro : in-use"),
        ("viewer@contoso.com Power BI Pro", "pro group: viewer-on-capacity"),
        ("young@contoso.com Power BI Pro", "pro : unknown"),
    ];
    let expected: BTreeMap<String, String> =
        expected.map(|(user, class)| (user.to_owned(), class.to_owned())).into();
    assert_eq!(classes(&dir, &["--param", "days=20"]), expected);

    // A window that is longer than the log proves nothing.
    let long = classes(&dir, &["--param", "days=90"]);
    assert_eq!(long["never@contoso.com Power BI Pro"], "pro : unknown");
    assert_eq!(long["idle@contoso.com Power BI Premium Per User"], "ppu : in-use");
    // As of the first list, nobody had been renamed, and nobody was gone.
    let early = classes(&dir, &["--param", "days=20", "--as-of", "2026-03-02"]);
    assert_eq!(early["gone@contoso.com Power BI Pro"], "pro : in-use");
    assert!(!early.contains_key("idle@contoso.com Power BI Premium Per User"), "{early:?}");
    let reclaimable = classes(&dir, &["--param", "days=20", "--param", "class=reclaimable"]);
    assert_eq!(reclaimable.len(), 6, "{reclaimable:?}");

    let found = rows(&dir, &["report", "license-usage", "--param", "days=20"]);
    let ida = found.iter().find(|row| row["user"] == "ida@contoso.com").expect("it is listed");
    assert!(ida["last_author"].starts_with("2026-03-29"), "{ida:?}");
    assert_eq!((ida["department"].as_str(), ida["covered_days"].as_str()), ("Finance", "20"));
    let viewer = found.iter().find(|row| row["user"] == "viewer@contoso.com");
    assert_eq!(viewer.expect("it is listed")["assigned_by_group"], id(5, 1));

    let summary = rows(&dir, &["report", "license-summary", "--param", "days=20"]);
    let line = |row: &BTreeMap<String, String>| {
        let names = ["product", "bought", "assigned", "people", "in_use", "reclaimable"];
        names.map(|name| row[name].as_str()).join("|")
    };
    let mut lines: Vec<String> = summary.iter().map(line).collect();
    lines.sort();
    let expected = [
        "99999999-0000-4000-8000-000000000001||1|1|0|1",
        "Microsoft 365 E5||1|1|1|0",
        "Microsoft Fabric (Free)||1|1|0|1",
        "Power BI Premium P1|1|0|0|0|0",
        "Power BI Premium Per User||2|2|0|2",
        "Power BI Pro|25|10|9|6|2",
    ];
    assert_eq!(lines, expected);
    let text = dir.pbi(["report", "license-usage", "--store", "store"]).ended(0).stdout;
    for part in ["People: list of 2026-03-28, 13 people.", "Licenses: list of 2026-03-28"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    compare_with_golden(&dir, "license-usage", &["--param", "days=20", "--param", "license=all"]);
    compare_with_golden(&dir, "license-summary", &["--param", "days=20"]);
}

#[test]
fn report_without_people_says_how_to_get_them() {
    let dir = Workdir::new();
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    for report in ["license-usage", "license-summary"] {
        let text = dir.pbi(["report", report, "--store", "store"]).ended(0).stdout;
        assert!(text.contains("has no list of people"), "{text}");
        assert!(text.contains("assignedLicenses"), "{text}");
    }
}

/// Returns all rows of the views of people.
fn all_views(dir: &Workdir) -> Vec<String> {
    let views = ["people", "person_addresses", "licenses", "license_products", "snapshots"];
    rows_of_views(dir, &views)
}

#[test]
fn order_of_lists_and_repeated_reading_do_not_matter() {
    let files = ["03/01/users.json", "03/28/users.json", "03/28/users_1.json"];
    let mut results: Vec<Vec<String>> = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let dir = Workdir::new();
        write_people(&dir);
        for number in order {
            let file = format!("archive/graph/2026/{}", files[number]);
            dir.ingest("store", &[&file]).0.ended(0);
        }
        dir.ingest("store", &["archive"]).0.ended(0);
        results.push(all_views(&dir));
        dir.ingest("store", &["archive", "--reread"]).0.ended(0);
        assert_eq!(results.last(), Some(&all_views(&dir)));
        dir.pbi(["verify", "--store", "store"]).ended(0);
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:#?}");
}

#[test]
fn forgotten_person_is_in_no_list_and_does_not_come_back() {
    let dir = Workdir::new();
    write_people(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let traces = ["m.long@contoso.com", "mailed@contoso.com", &id(9, 8)];
    let is_there = |text: &str| all_views(&dir).iter().any(|view| view.contains(text));
    assert!(traces.iter().all(|text| is_there(text)));
    // Any address of the person finds the others.
    let forget = ["forget", "--user", "m.long@contoso.com", "--store", "store"];
    dir.pbi(forget).ended(0);
    for text in traces {
        assert!(!is_there(text), "{text}");
    }
    assert!(is_there("never@contoso.com"));
    dir.pbi(["verify", "--store", "store"]).ended(0);
    dir.ingest("store", &["archive", "--reread"]).0.ended(0);
    assert!(!is_there("mailed@contoso.com"));
}

#[test]
fn pseudonymized_people_match_the_log_and_have_no_names() {
    let dir = Workdir::new();
    write_people(&dir);
    dir.ingest("plain", &["archive"]).0.ended(0);
    dir.write("key", "a long key for the pseudonyms of this test");
    let flags = ["archive", "--pseudonymize", "--key-file", "key"];
    dir.ingest("store", &flags).0.ended(0);
    for text in ["ida@", "mailed", "m.long", "new.name", "old.name", "pat", &id(9, 8)] {
        assert!(!all_views(&dir).iter().any(|view| view.contains(text)), "{text}");
    }
    let counts = |classes: BTreeMap<String, String>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        classes.into_values().for_each(|class| *counts.entry(class).or_default() += 1);
        counts
    };
    let hidden = counts(classes(&dir, &["--param", "days=20"]));
    assert_eq!(hidden["pro : in-use"], 4, "{hidden:?}");
    assert_eq!(hidden["pro group: viewer-on-capacity"], 1, "{hidden:?}");
    assert_eq!(hidden["pro : doubled"], 1, "{hidden:?}");
}

/// A second implementation of license usage, over the generated people and not over the store.
#[test]
fn classes_of_a_random_tenant_are_those_of_plain_code() {
    let mut state = 20_260_401_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let products: [(&str, &str, u8, bool); 4] = [
        (PRO, "Power BI Pro", 1, false),
        (PPU, "Power BI Premium Per User", 2, false),
        (E5, "Microsoft 365 E5", 1, true),
        (FREE, "Microsoft Fabric (Free)", 0, false),
    ];
    let dir = Workdir::new();
    let (mut people, mut events, mut expected) = (Vec::new(), Vec::new(), BTreeMap::new());
    let addresses: Vec<String> = (0..3000).map(|number| format!("u{number}@contoso.com")).collect();
    for (number, address) in addresses.iter().enumerate() {
        let held: Vec<_> = products.iter().filter(|_| random(3) == 0).collect();
        let none: &[&str] = &[];
        let skus: Vec<(&str, &[&str])> = held.iter().map(|product| (product.0, none)).collect();
        let mut one = person(number, address, &skus);
        let is_enabled = random(6) > 0;
        one["accountEnabled"] = json!(is_enabled);
        people.push(one);
        let mut days: Vec<u32> = Vec::new();
        for _ in 0..random(3) {
            let day = 1 + random(31) as u32;
            days.push(day);
            events.push((day, address.as_str(), "ViewReport", 2));
        }
        let best = held.iter().max_by_key(|product| (product.2, product.3));
        for product in &held {
            let is_best = best.is_some_and(|best| best.1 == product.1);
            let class = match days.iter().max() {
                _ if !is_enabled => "disabled",
                _ if product.2 > 0 && !is_best => "doubled",
                Some(day) if *day > 31 - 10 => "in-use",
                Some(_) => "idle",
                None => "never-seen",
            };
            let level = ["free", "pro", "ppu"][usize::from(product.2)];
            let source = if product.3 { "bundle" } else { "" };
            let key = format!("{address} {}", product.1);
            expected.insert(key, format!("{level} {source}: {class}"));
        }
    }
    dir.write("archive/graph/2026/03/30/users.json", page(&people[..1700]));
    dir.write("archive/graph/2026/03/30/users_1.json", page(&people[1700..]));
    write_log(&dir, &events);
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = classes(&dir, &["--param", "days=10"]);
    assert!(expected.len() > 3000);
    let differs = |(key, class): &(&String, &String)| expected.get(*key) != Some(*class);
    let wrong: Vec<_> = found.iter().filter(differs).take(5).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(found.len(), expected.len());
}
