//! Events written out again: in the order of time and id, in one form, whole or not at all.

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
fn the_same_bytes_come_out_however_the_files_are_cut() {
    let dir = copy_of_sample_data();
    dir.ingest("whole", &[&FOLDERS[..], &["--threads", "1"]].concat());
    let whole = dir.pbi(["export", "--store", "whole", "-q"]).ended(0).stdout;
    assert_eq!(whole.lines().count(), 1_425);
    for part in ["powershell", "audit-csv", "rest", "management-api"] {
        dir.ingest("store", &[&format!("sample-data/{part}")]);
    }
    dir.ingest("store", &FOLDERS[1..]);
    // Which of two copies stays depends on which was there first; the ids and times do not.
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
fn what_was_exported_is_read_again_to_the_same() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    dir.pbi(["export", "--store", "store", "--output", "out.ndjson"]).ended(0);
    let first = export(&dir, &[]);
    dir.ingest("again", &["out.ndjson"]);
    assert_eq!(dir.pbi(["export", "--store", "again", "-q"]).ended(0).stdout, first);
}

#[test]
fn a_period_is_whole_days_and_lineage_is_added_on_demand() {
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
    for wrong in [["--since", "30d"], ["--until", "2026-02-30"]] {
        let ran = dir.pbi(["export", "--store", "store"].iter().chain(&wrong)).ended(2);
        assert!(ran.stderr.contains("2026-03-01"), "{ran:?}");
    }
}

#[test]
fn a_file_is_written_whole_or_not_at_all_and_a_closed_pipe_is_no_error() {
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
    // A file of the table is gone for good: an error, and no part of an output.
    let file = crate::table::files(&dir.join("store")).remove(0);
    std::fs::remove_file(file).expect("the file can be removed");
    dir.write("out.ndjson", "as it was");
    let ran = dir.pbi(["export", "--store", "store", "--output", "out.ndjson"]).ended(1);
    assert!(ran.stderr.contains(".parquet"), "{ran:?}");
    let left = std::fs::read_to_string(dir.join("out.ndjson")).expect("it is there");
    assert_eq!(left, "as it was");
}

/// The key of an event was that of the last `Id` and the column had the first, so that the event
/// was new again with every run; and a second time put it into another month than its own.
#[test]
fn names_that_occur_twice_do_not_part_a_row_from_its_key() {
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
         \"Id\":\"a\",\"ID\":\"b\"}\n"
    );
}

/// The first of them counts. They were sorted by their values, so that the first that came back
/// could be one that is no time, and the event was refused.
#[test]
fn names_that_occur_twice_come_back_in_their_order() {
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
