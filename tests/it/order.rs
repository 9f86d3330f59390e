//! Checks that a table depends neither on the number of threads nor on the order or names of files.

use std::path::Path;

use arrow::array::RecordBatch;

use crate::archive::{large, repeated};
use crate::table;
use crate::workdir::{Ran, Summary, Workdir};

/// Returns the rows of a store, one batch per month.
fn rows(store: &Path) -> Vec<(String, RecordBatch)> {
    let files = table::files(store);
    files.iter().map(|file| (table::month(file), table::read(file))).collect()
}

/// Asserts that two stores contain the same rows in the same order, except for the columns
/// `without`.
#[track_caller]
fn assert_same(one: &Path, other: &Path, without: &[&str]) {
    let (one, other) = (rows(one), rows(other));
    let shape = |rows: &[(String, RecordBatch)]| -> Vec<(String, usize)> {
        rows.iter().map(|(month, batch)| (month.clone(), batch.num_rows())).collect()
    };
    assert!(!one.is_empty());
    assert_eq!(shape(&one), shape(&other), "months and their rows");
    for ((month, one), (_, other)) in one.iter().zip(&other) {
        assert_eq!(one.schema(), other.schema());
        for (field, (one, other)) in
            one.schema().fields().iter().zip(one.columns().iter().zip(other.columns()))
        {
            let is_left_out = without.contains(&field.name().as_str());
            assert!(is_left_out || one == other, "{month}: {} differs", field.name());
        }
    }
}

/// Returns the rows of a store in one order, without their files and their lineage.
fn contents(store: &Path) -> Vec<(String, String)> {
    let events = table::events(store).into_iter();
    events.map(|(id, event)| (id, event.write())).collect()
}

const LINEAGE: [&str; 2] = ["SourceFile", "SourceKind"];

/// Returns the accounts without the size of compressed files, which may differ.
fn accounts((ran, mut summary): (Ran, Summary)) -> Summary {
    ran.ended(0);
    summary.store.bytes = 0;
    summary
}

#[test]
fn number_of_threads_does_not_change_the_table() {
    let dir = Workdir::new();
    let run = |threads: &str| accounts(dir.ingest(threads, &[large().dir(), "--threads", threads]));
    let one = run("1");
    for threads in ["2", "8"] {
        assert_eq!(run(threads), one, "{threads} threads");
        assert_same(&dir.join("1"), &dir.join(threads), &[]);
    }
}

#[test]
fn order_of_paths_does_not_change_the_table() {
    let dir = Workdir::new();
    let mut paths: Vec<String> = std::fs::read_dir(&large().dir)
        .expect("the archive can be listed")
        .map(|entry| entry.expect("the archive can be listed").path())
        .map(|path| path.to_str().expect("the archive's names are UTF-8").to_owned())
        .collect();
    paths.sort();
    assert!(paths.len() > 5, "{paths:?}");
    let run = |store: &str, paths: &[String]| {
        accounts(dir.ingest(store, &paths.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let sorted = run("sorted", &paths);
    paths.reverse();
    assert_eq!(run("reversed", &paths), sorted);
    assert_same(&dir.join("sorted"), &dir.join("reversed"), &[]);
    // Every path is given twice, the second time as part of the folder.
    paths.push(large().dir().to_owned());
    assert_eq!(run("twice", &paths), sorted);
    assert_same(&dir.join("sorted"), &dir.join("twice"), &[]);
}

/// Copies the archive so that its files sort in reverse order.
fn renamed(dir: &Workdir) {
    let mut files: Vec<_> = std::fs::read_dir(&repeated().dir)
        .expect("the archive can be listed")
        .map(|entry| entry.expect("the archive can be listed").path())
        .collect();
    files.sort();
    std::fs::create_dir(dir.join("renamed")).expect("the folder can be made");
    for (number, file) in files.iter().rev().enumerate() {
        let name = dir.join(format!("renamed/{number:05}.json"));
        std::fs::copy(file, name).expect("the file can be copied");
    }
}

/// All copies of an event are equal, so the kept copy does not depend on their order.
#[test]
fn names_of_files_change_only_the_lineage() {
    let dir = Workdir::new();
    renamed(&dir);
    let first = accounts(dir.ingest("first", &[repeated().dir()]));
    let second = accounts(dir.ingest("second", &["renamed"]));
    assert!(first.records.duplicates > 0);
    assert_eq!(first.records.conflicting, 0, "the archive was made without conflicts");
    assert_eq!(first.records, second.records);
    assert_same(&dir.join("first"), &dir.join("second"), &LINEAGE);
}

/// A table that grows day by day equals the table of one run.
#[test]
fn many_small_runs_store_the_table_of_one_run() {
    let dir = Workdir::new();
    renamed(&dir);
    let whole = accounts(dir.ingest("whole", &["renamed"]));
    let mut files: Vec<String> = std::fs::read_dir(dir.join("renamed"))
        .expect("the folder can be listed")
        .map(|entry| entry.expect("the folder can be listed").file_name())
        .map(|name| format!("renamed/{}", name.to_string_lossy()))
        .collect();
    // This order differs from the order of names and from that of times.
    files.sort_by_key(|name| name.bytes().rev().collect::<Vec<_>>());
    let (mut stored, mut duplicates) = (0, 0);
    for part in files.chunks(files.len().div_ceil(7)) {
        let summary =
            accounts(dir.ingest("parts", &part.iter().map(String::as_str).collect::<Vec<_>>()));
        stored += summary.records.stored;
        duplicates += summary.records.duplicates;
        assert_eq!(summary.records.conflicting, 0);
        assert_eq!(summary.store.events, stored);
    }
    assert_eq!((stored, duplicates), (whole.records.stored, whole.records.duplicates));
    assert!(contents(&dir.join("parts")) == contents(&dir.join("whole")), "the events differ");
}
