//! Checks the data dictionary: the pages in docs/ are current, and new fields of Microsoft are
//! listed.

use std::path::Path;

use serde_json::Value;

use crate::bless::is_blessing;
use crate::events::plain;
use crate::sample_data::ROOT;
use crate::workdir::Workdir;

/// Compares the pages; `PBI_BLESS=1` writes them anew.
#[test]
fn generated_pages_of_docs_are_current() {
    for (page, command) in [
        ("columns.md", &["schema"][..]),
        ("views.md", &["schema", "--views"]),
        ("reports.md", &["reports"]),
    ] {
        let flags = command.iter().chain(&["--format", "markdown"]);
        let printed = Workdir::new().pbi(flags).ended(0).stdout;
        let path = Path::new(ROOT).join("docs").join(page);
        if is_blessing() {
            std::fs::write(&path, &printed).expect("the page can be written");
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == printed, "docs/{page} is not current; PBI_BLESS=1 writes it anew");
    }
}

#[test]
fn every_column_is_in_every_format() {
    let dir = Workdir::new();
    let text = dir.pbi(["schema"]).ended(0).stdout;
    let json = dir.pbi(["schema", "--format", "json"]).ended(0).stdout;
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    let columns = json["columns"].as_array().expect("a list");
    assert_eq!((columns.len(), text.lines().count()), (223, 223));
    assert!(json["extra"].is_null());
    let id = &columns[0];
    assert_eq!((&id["name"], &id["type"]), (&"Id".into(), &"id".into()));
    assert_eq!(id["csv"], serde_json::json!(["RecordId", "Identity"]));
    let is_derived = |column: &&Value| column["derived"] == true;
    assert_eq!(columns.iter().filter(is_derived).count(), 13);
}

#[test]
fn fields_without_a_column_are_listed_newest_first() {
    let dir = Workdir::new();
    let event = |number: usize, day: u32, more: &str| {
        format!(
            r#"{{"Id":"{number}","CreationTime":"2026-03-{day:02}T08:00:00","Activity":"ViewReport",{more}}}"#
        )
    };
    let events = [
        event(1, 1, r#""Old":"x""#),
        event(2, 2, r#""Old":null,"ClientIP":"1.2.3.4:80""#),
        event(3, 3, r#""New":{"List":[{"Item":1},{"Item":1.5}]},"Old":"y""#),
    ];
    dir.write("a.ndjson", events.join("\n") + "\n" + &plain(1, 1));
    dir.ingest("pbi-store", &["a.ndjson"]);
    let json = dir.pbi(["schema", "--extra", "--format", "json"]).ended(0).stdout;
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    let fields = json["extra"]["fields"].as_array().expect("a list");
    let found: Vec<String> = fields
        .iter()
        .map(|field| {
            let types: Vec<&str> =
                field["types"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let text = |name: &str| field[name].as_str().unwrap().to_owned();
            format!(
                "{} {} {} {} {}..{} {} {}",
                text("activity"),
                text("name"),
                field["count"],
                types.join("|"),
                text("first_day"),
                text("last_day"),
                text("example"),
                field["in_column"]
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "ViewReport New.List[].Item 2 int|number 2026-03-03..2026-03-03 1 false",
            "ViewReport New 1 object 2026-03-03..2026-03-03 \
             {\"List\":[{\"Item\":1},{\"Item\":1.5}]} false",
            "ViewReport New.List 1 list 2026-03-03..2026-03-03 [{\"Item\":1},{\"Item\":1.5}] false",
            "ViewReport ClientIP 1 text 2026-03-02..2026-03-02 1.2.3.4:80 true",
            "ViewReport Old 3 null|text 2026-03-01..2026-03-03 x false",
        ]
    );
    assert_eq!(json["extra"]["events"], 3);
    let text = dir.pbi(["schema", "--store", "pbi-store"]).ended(0).stdout;
    let first = text.find("New.List[].Item").expect("the field is listed");
    assert!(first < text.find("ClientIP").expect("the field is listed"), "{text}");
    dir.pbi(["schema", "--store", "nowhere"]).ended(1);
}
