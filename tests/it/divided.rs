//! Checks reports that an attribute of people divides: tables of attributes, their values, and the
//! figures of each value.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::inventory::{compare_with_file, id, results_by_order, rows, rows_of_views, write_march};
use crate::workdir::{Outcome, Workdir};

/// Reports that can be divided, each with the parameters of its golden file.
const DIVISIBLE: [(&str, &[&str]); 6] = [
    ("adoption", &["--param", "grain=month"]),
    ("consumption-trend", &["--param", "grain=week"]),
    ("top-users", &[]),
    ("workspace-usage", &[]),
    ("exports", &[]),
    ("license-usage", &["--param", "class=all", "--param", "days=20"]),
];

fn event(user: &str, operation: &str, workspace: usize) -> Value {
    json!({
        "Operation": operation, "Activity": operation, "UserId": user,
        "WorkspaceId": id(1, workspace), "ReportId": id(2, workspace), "ReportName": "R"
    })
}

/// Writes a log of March with people in two cost centers, one renamed person, a guest, and two
/// people without a cost center.
fn write_archive(dir: &Workdir) {
    let events = [
        (2, event("ann@contoso.com", "ViewReport", 1)),
        (3, event("Ann@Contoso.com", "ExportReport", 1)),
        (9, event("old.bob@contoso.com", "ViewReport", 1)),
        (10, event("bob@contoso.com", "ViewReport", 2)),
        (17, event("pat_partner.com#EXT#@contoso.onmicrosoft.com", "ViewReport", 1)),
        (18, event("nobody@contoso.com", "ViewReport", 2)),
        (18, event("nobody@contoso.com", "ExportReport", 2)),
        (20, event("c.mail@contoso.com", "ViewReport", 2)),
    ];
    write_march(dir, &event("eve@contoso.com", "ViewReport", 9), &events);
    let pro = "f8a1db68-be16-40ed-86d5-cb42ce701560";
    let person = |number: usize, address: &str, department: &str| {
        json!({
            "id": id(9, number), "userPrincipalName": address, "displayName": "Some Name",
            "department": department, "assignedLicenses": [{"skuId": pro}]
        })
    };
    let mut early = [
        person(1, "ann@contoso.com", "Sales"),
        person(2, "old.bob@contoso.com", "Sales"),
        person(3, "cara@contoso.com", "Law"),
        person(4, "eve@contoso.com", ""),
    ];
    early[2]["mail"] = json!("c.mail@contoso.com");
    dir.write("archive/graph/2026/03/01/users.json", json!(early).to_string());
    early[1]["userPrincipalName"] = json!("bob@contoso.com");
    dir.write("archive/graph/2026/03/28/users.json", json!(early).to_string());
    let table = "UPN;Cost Center;Region;Manager\r\n\
        ANN@contoso.com;9;South;\r\n\
        ann@contoso.com;4100;North;cara@contoso.com\r\n\
        Bob@contoso.com;4200;;ann@contoso.com\r\n\
        pat@partner.com;4100;North;\r\n\
        cara@contoso.com;4100;North;\r\n";
    dir.write("archive/hr/2026-03-27.csv", table);
}

fn ingested() -> Workdir {
    let dir = Workdir::new();
    write_archive(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    dir
}

/// Returns the values of an attribute by address.
fn values(dir: &Workdir, key: &str) -> BTreeMap<String, String> {
    let sql = format!("SELECT * FROM person_attributes WHERE attribute_key = '{key}'");
    let pair =
        |row: BTreeMap<String, String>| (row["address"].clone(), row["attribute_value"].clone());
    rows(dir, &["sql", &sql]).into_iter().map(pair).collect()
}

#[test]
fn table_of_attributes_is_read_and_its_last_row_of_a_person_counts() {
    let dir = Workdir::new();
    write_archive(&dir);
    dir.write("archive/hr/2026-03-26.csv", "Cost_Center,E-Mail\n1,cara@contoso.com\n,x\n");
    let (ran, summary) = dir.ingest("store", &["archive"]);
    // A row without an address is counted and named.
    ran.ended(3);
    let found = |name: &str| summary.files.iter().find(|f| f.source.ends_with(name)).expect(name);
    let file = found("2026-03-27.csv");
    assert_eq!((file.outcome, file.kind.as_str()), (Outcome::Ok, "inventory"), "{file:?}");
    let facts = file.inventory.clone().expect("it is an inventory");
    assert_eq!((facts.people, facts.shapes), (4, vec!["list of attributes of people".to_owned()]));
    let file = format!("{:?}", found("2026-03-26.csv"));
    assert!(file.contains("a row of a list without an address"), "{file}");

    let expected = [
        ("ann@contoso.com", "4100"),
        ("bob@contoso.com", "4200"),
        ("c.mail@contoso.com", "4100"),
        ("cara@contoso.com", "4100"),
        ("old.bob@contoso.com", "4200"),
        ("pat@partner.com", "4100"),
    ];
    let expected = expected.map(|(address, value)| (address.to_owned(), value.to_owned()));
    assert_eq!(values(&dir, "costcenter"), expected.into());
    // As of an earlier day, the earlier table counts.
    let sql = "SELECT attribute_value FROM person_attributes WHERE attribute_key = 'costcenter'";
    let early = rows(&dir, &["sql", sql, "--as-of", "2026-03-26"]);
    assert!(early.iter().all(|row| row["attribute_value"] == "1"), "{early:?}");
    let departments = values(&dir, "department");
    assert_eq!(departments.get("old.bob@contoso.com").map(String::as_str), Some("Sales"));
    let text = dir.pbi(["ingest", "--store", "other", "archive"]).stdout;
    assert!(text.contains("5 people, 10 attributes; 1 row replaced by a later row"), "{text}");
}

#[test]
fn divided_reports_match_their_golden_files() {
    let dir = ingested();
    for (report, flags) in DIVISIBLE {
        let arguments = [&["report", report, "--by", "cost center"], flags].concat();
        compare_with_file(&dir, &format!("{report}-by"), &arguments);
    }
}

/// Each value is counted as a report on a log with the events of its people alone.
#[test]
fn rows_of_a_value_are_those_of_a_log_of_its_people() {
    let dir = ingested();
    let people = [
        ("4100", &["ann@contoso.com", "c.mail@contoso.com", "pat@partner.com"][..]),
        ("4200", &["bob@contoso.com", "old.bob@contoso.com"]),
        ("(not mapped)", &["nobody@contoso.com", "eve@contoso.com"]),
    ];
    for (report, flags) in DIVISIBLE.iter().take(5) {
        let of_report = |more: &[&str]| rows(&dir, &[&["report", report], *flags, more].concat());
        let mut divided = of_report(&["--by", "cost-center"]);
        let mut found = 0;
        for (value, addresses) in people {
            let filters: Vec<&str> =
                addresses.iter().flat_map(|address| ["--user", *address]).collect();
            let mut alone = of_report(&filters);
            let column = "by_cost_center";
            let mut own: Vec<BTreeMap<String, String>> =
                divided.extract_if(.., |row| row[column] == value).collect();
            // The rank is the place in the whole report.
            for row in own.iter_mut().chain(&mut alone) {
                row.remove(column);
                row.remove("rank");
            }
            assert_eq!(own, alone, "{report} {value}");
            found += own.len();
        }
        assert_eq!(divided, [], "{report}");
        assert!(found > 1, "{report}");
    }
}

#[test]
fn people_without_a_value_are_counted() {
    let dir = ingested();
    let run = |arguments: &[&str]| {
        dir.pbi(["report"].iter().chain(arguments).chain(&["--store", "store"]))
    };
    let text = run(&["top-users", "--by", "region"]).ended(0).stdout;
    let text = text.replace('\n', " ");
    assert!(text.contains("region has 1 value for 3 people"), "{text}");
    assert!(text.contains("Of 7 active people of the period, 4 are (not mapped)."), "{text}");
    let json = run(&["top-users", "--by", "Cost Center", "--format", "json"]).ended(0).stdout;
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["columns"][0], "by_cost_center");
    let csv = run(&["top-users", "--by", "costcenter", "--format", "csv"]).ended(0).stdout;
    assert!(csv.starts_with("by_costcenter,rank,user,"), "{csv}");
    for engine in ["duckdb", "spark"] {
        let sql = run(&["adoption", "--by", "region", "--show-sql", engine]).ended(0).stdout;
        assert!(sql.contains("person_attributes AS") && sql.contains("by_region"), "{sql}");
    }
    let compared =
        run(&["workspace-usage", "--by", "region", "--since", "14d", "--compare", "previous"]);
    assert!(compared.ended(0).stdout.contains("North"));
}

#[test]
fn unknown_attributes_are_refused_with_those_of_the_store() {
    let dir = ingested();
    let error = |arguments: &[&str]| {
        let all = ["report"].iter().chain(arguments).chain(&["--store", "store"]);
        dir.pbi(all).ended(2).stderr
    };
    let text = error(&["adoption", "--by", "regoin"]);
    for part in ["no attribute \"regoin\"", "Did you mean region?", "cost_center, department"] {
        assert!(text.contains(part), "{text}");
    }
    let text = error(&["adoption", "--by", "regoin", "--show-sql", "duckdb"]);
    assert!(text.contains("Did you mean region?"), "{text}");
    let text = error(&["top-reports", "--by", "region"]);
    assert!(text.contains("these reports can: adoption, consumption-trend, exports"), "{text}");
    assert!(error(&["adoption", "--by", " - "]).contains("not the name of an attribute"));
    assert!(error(&["adoption", "--by", "region", "--format", "svg"]).contains("omit --by"));

    let dir = Workdir::new();
    write_march(&dir, &event("eve@contoso.com", "ViewReport", 9), &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let ran = dir.pbi(["report", "adoption", "--by", "region", "--store", "store"]).ended(2);
    assert!(ran.stderr.contains("no attributes of people"), "{}", ran.stderr);
    assert!(ran.stderr.contains("a column of addresses"), "{}", ran.stderr);
}

const VIEWS: [&str; 3] = ["person_attributes", "people", "snapshots"];

#[test]
fn order_of_tables_and_repeated_reading_do_not_matter() {
    let files = ["graph/2026/03/01/users.json", "graph/2026/03/28/users.json", "hr/2026-03-27.csv"];
    let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
    let results = results_by_order(write_archive, &files, orders, &VIEWS);
    assert_eq!(results.len(), 1, "{results:#?}");
}

#[test]
fn forgotten_person_has_no_attributes_and_is_no_value() {
    let dir = ingested();
    let text = |dir: &Workdir| rows_of_views(dir, &VIEWS).concat();
    assert!(text(&dir).contains("ann@contoso.com"));
    dir.pbi(["forget", "--user", "ann@contoso.com", "--store", "store"]).ended(0);
    assert!(!text(&dir).contains("ann@contoso.com"), "{}", text(&dir));
    // The cost center of the person whose manager is forgotten stays.
    assert_eq!(values(&dir, "costcenter").get("bob@contoso.com").map(String::as_str), Some("4200"));
    dir.ingest("store", &["archive", "--reread"]).0.ended(0);
    assert!(!text(&dir).contains("ann@contoso.com"), "{}", text(&dir));
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn pseudonymized_attributes_match_the_log_and_have_no_names() {
    let plain = ingested();
    let dir = Workdir::new();
    write_archive(&dir);
    dir.write("key", "a long key for the pseudonyms of this test");
    dir.ingest("store", &["archive", "--pseudonymize", "--key-file", "key"]).0.ended(0);
    let text = rows_of_views(&dir, &VIEWS).concat();
    for name in ["ann@", "bob", "cara", "c.mail", "pat"] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    let figures = |dir: &Workdir| -> Vec<String> {
        let flags = ["report", "adoption", "--by", "costcenter", "--param", "grain=month"];
        rows(dir, &flags).into_iter().map(|row| format!("{row:?}")).collect()
    };
    assert_eq!(figures(&plain), figures(&dir));
}
