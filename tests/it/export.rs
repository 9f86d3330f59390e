//! Checks `export`: events in the order of time and id, in one form, complete or not written.

use std::process::Stdio;

use crate::events::plain;
use crate::exact::Json;
use crate::sample_data::{FOLDERS, copy_of_sample_data};
use crate::workdir::{Ran, Records, Workdir};

fn export(dir: &Workdir, arguments: &[&str]) -> String {
    let head = ["export", "--store", "store", "--quiet"];
    dir.pbi(head.iter().chain(arguments)).ended(0).stdout
}

#[test]
fn export_does_not_depend_on_the_layout_of_data_files() {
    let dir = copy_of_sample_data();
    dir.ingest("whole", &[&FOLDERS[..], &["--threads", "1"]].concat());
    let whole = dir.pbi(["export", "--store", "whole", "-q"]).ended(0).stdout;
    assert_eq!(whole.lines().count(), 1_425);
    for part in ["powershell", "audit-csv", "rest", "management-api"] {
        dir.ingest("store", &[&format!("sample-data/{part}")]);
    }
    dir.ingest("store", &FOLDERS[1..]);
    // The kept copy of a duplicate depends on the order of files; ids and times do not.
    let places = |text: &str| -> Vec<(String, String)> {
        let place = |line| {
            let event = Json::parse(line);
            let text = |name| event.member(name).and_then(Json::as_text).unwrap().to_owned();
            (text("CreationTime"), text("Id"))
        };
        text.lines().map(place).collect()
    };
    let parts = export(&dir, &[]);
    assert_eq!(places(&parts), places(&whole));
    assert!(places(&whole).is_sorted());
    dir.pbi(["compact", "--store", "store"]).ended(0);
    assert_eq!(export(&dir, &["--output", "-"]), parts);
}

#[test]
fn exported_events_are_ingested_again_without_change() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    dir.pbi(["export", "--store", "store", "--output", "out.ndjson"]).ended(0);
    let first = export(&dir, &[]);
    dir.ingest("again", &["out.ndjson"]);
    assert_eq!(dir.pbi(["export", "--store", "again", "-q"]).ended(0).stdout, first);
}

#[test]
fn period_selects_whole_days_and_lineage_is_optional() {
    let dir = Workdir::new();
    let event = |day: &str| {
        format!(r#"{{"Id":"{day}","CreationTime":"{day}T23:59:59.5+00:00","SourceKind":"mine"}}"#)
    };
    let days = ["2026-02-28", "2026-03-01", "2026-03-02"].map(event);
    dir.write("a.ndjson", days.join("\n"));
    dir.ingest("store", &["a.ndjson"]);
    assert_eq!(
        export(&dir, &["--since", "2026-03-01", "--until", "2026-03-01"]),
        "{\"Id\":\"2026-03-01\",\"CreationTime\":\"2026-03-01T23:59:59.500000Z\",\
         \"SourceKind\":\"mine\"}\n"
    );
    let last = export(&dir, &["--since", "2026-03-02", "--with-lineage"]);
    let end = ",\"SourceKind\":\"mine\",\"SourceFile\":\"a.ndjson\",\"SourceKind\":\"ndjson\"}\n";
    assert!(last.ends_with(end), "{last}");
    assert_eq!(export(&dir, &["--until", "2026-02-27"]), "");
    assert_eq!(export(&dir, &["--since", "1d"]), export(&dir, &["--since", "2026-03-02"]));
    for wrong in [["--since", "30"], ["--until", "2026-02-30"]] {
        let ran = dir.pbi(["export", "--store", "store"].iter().chain(&wrong)).ended(2);
        assert!(ran.stderr.contains("did you mean"), "{ran:?}");
    }
}

#[test]
fn output_file_is_complete_or_missing_and_a_closed_pipe_is_no_error() {
    let dir = Workdir::new();
    let events: Vec<String> = (0..2_000).map(|number| plain(1, number)).collect();
    dir.write("a.ndjson", events.join("\n"));
    dir.ingest("store", &["a.ndjson"]);
    dir.pbi(["export", "--store", "store", "--output", "no/such/folder.ndjson"]).ended(1);
    assert!(!dir.join("no").exists());
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    let mut command = dir.command(["export", "--store", "store"]);
    command.stdout(Stdio::from(writer));
    let ran = Ran::of(&command.output().expect("the program starts")).ended(0);
    assert_eq!(ran.stderr, "");
    // A missing data file is an error, and no part of the output is written.
    let file = crate::table::files(&dir.join("store")).remove(0);
    std::fs::remove_file(file).expect("the file can be removed");
    dir.write("out.ndjson", "as it was");
    let ran = dir.pbi(["export", "--store", "store", "--output", "out.ndjson"]).ended(1);
    assert!(ran.stderr.contains(".parquet"), "{ran:?}");
    let left = std::fs::read_to_string(dir.join("out.ndjson")).expect("it is there");
    assert_eq!(left, "as it was");
}

/// A repeated `Id` stored events twice: the key was the last value and the column had the first, so
/// that every run stored the event again. A repeated time put it into another month.
#[test]
fn repeated_names_do_not_change_the_key_of_a_row() {
    let dir = Workdir::new();
    let twice = r#"{"Id":"a","ID":"b","CreationTime":"2026-03-01T08:00:00","creationTime":"2026-04-01T08:00:00"}"#;
    dir.write("a.json", twice);
    let (_, summary) = dir.ingest("store", &["a.json"]);
    assert_eq!(summary.records, Records { read: 1, stored: 1, ..Records::default() });
    dir.pbi(["verify", "--store", "store"]).ended(0);
    dir.write("again.json", format!("{twice}\n"));
    let (_, summary) = dir.ingest("store", &["again.json"]);
    assert_eq!(summary.records, Records { read: 1, duplicates: 1, ..Records::default() });
    assert_eq!(
        export(&dir, &[]),
        "{\"CreationTime\":\"2026-03-01T08:00:00\",\"creationTime\":\"2026-04-01T08:00:00\",\
         \"ID\":\"b\",\"Id\":\"a\"}\n"
    );
}

/// A repeated time made an exported event unreadable: values were sorted, so that the first one
/// could be invalid. The first value in the order of the record counts.
#[test]
fn repeated_names_are_exported_in_their_order() {
    let dir = Workdir::new();
    let twice = r#"{"Id":"a","CreationTime":"2026-03-01T08:00:00","CreationTime":"2026-00"}"#;
    dir.write("a.json", twice);
    dir.ingest("store", &["a.json"]);
    let out = export(&dir, &[]);
    assert_eq!(out, format!("{twice}\n"));
    dir.write("b.json", out);
    let (_, summary) = dir.ingest("other", &["b.json"]);
    assert_eq!(summary.records, Records { read: 1, stored: 1, ..Records::default() });
}
