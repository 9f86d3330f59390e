//! Checks the prefixes of Ids beside the table: with them, without them and with damaged ones, an
//! ingest stores the same events.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::events::plain;
use crate::table;
use crate::workdir::Workdir;

fn prefixes(store: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(store.join("ids")).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Asserts that each file of prefixes belongs to a data file, and returns the number of both.
#[track_caller]
fn numbers(store: &Path) -> (usize, usize) {
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_owned();
    let data: BTreeSet<_> = table::files(store).iter().map(stem).collect();
    let held: BTreeSet<_> = prefixes(store).iter().map(stem).collect();
    assert!(held.is_subset(&data), "{held:?} {data:?}");
    (held.len(), data.len())
}

fn lines(family: usize, month: usize, count: usize) -> String {
    let day = format!("2026-{month:02}-01");
    let events = (0..count).map(|n| plain(family, n).replace("2026-03-01", &day) + "\n");
    events.collect()
}

/// Ingests four months, so that the second run has written the prefixes of three data files.
fn ingested() -> (Workdir, PathBuf) {
    let dir = Workdir::new();
    let store = dir.join("store");
    for month in [1, 2, 3] {
        dir.write(&format!("first/{month}.json"), lines(month, month, 50));
    }
    dir.ingest("store", &["first"]).0.ended(0);
    assert_eq!(numbers(&store), (0, 3), "nothing was asked yet");
    dir.write("second/4.json", lines(4, 4, 50));
    dir.ingest("store", &["second"]).0.ended(0);
    assert_eq!(numbers(&store), (3, 4));
    (dir, store)
}

/// Ingests events of which the store has 30, in three months, and returns the rows of the table.
#[track_caller]
fn rows_after_repeats(dir: &Workdir, store: &Path) -> BTreeSet<String> {
    let repeats = [lines(1, 1, 10), lines(3, 3, 10), lines(4, 4, 10), lines(9, 3, 10)].concat();
    dir.write("third/repeats.json", repeats);
    let (_, summary) = dir.ingest("store", &["third"]);
    assert_eq!((summary.records.stored, summary.records.duplicates), (10, 30), "{summary:?}");
    let events = table::events(store);
    assert_eq!(events.len(), 210);
    events.into_keys().collect()
}

#[test]
fn repeats_are_found_with_missing_and_damaged_prefixes_too() {
    let damages: [fn(&Path); 6] = [
        |_| {},
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, "").unwrap(),
        |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        },
        |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[12] ^= 0x10;
            fs::write(path, bytes).unwrap();
        },
        |path| fs::create_dir(path.with_extension("x")).unwrap(),
    ];
    let mut rows = BTreeSet::new();
    for damage in damages {
        let (dir, store) = ingested();
        prefixes(&store).iter().for_each(|path| damage(path));
        rows.insert(rows_after_repeats(&dir, &store));
        fs::read_dir(store.join("ids")).unwrap().for_each(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::remove_dir(path).unwrap();
            }
        });
        // The file of the newest month was replaced by the compaction after the run.
        let (held, files) = numbers(&store);
        assert!(held > 0 && held <= files, "{held} {files}");
        dir.pbi(["verify", "--store", "store"]).ended(0);
    }
    assert_eq!(rows.len(), 1);
}

#[test]
fn folder_that_cannot_be_made_costs_nothing_but_time() {
    let (dir, store) = ingested();
    fs::remove_dir_all(store.join("ids")).unwrap();
    fs::write(store.join("ids"), "a file in its place").unwrap();
    rows_after_repeats(&dir, &store);
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn prefixes_are_deleted_with_their_data_file() {
    let (dir, store) = ingested();
    let before = prefixes(&store);
    fs::write(store.join("ids/.left.tmp"), "half").unwrap();
    fs::write(store.join("ids/part-0.ids"), "of nothing").unwrap();
    // The same month twice: the compaction after the run merges its two files.
    dir.write("third/a.json", lines(7, 3, 20));
    dir.ingest("store", &["third"]).0.ended(0);
    let (held, files) = numbers(&store);
    assert_eq!((held, files), (3, 4), "of the other months, and not of the merged file");
    assert_eq!(before.iter().filter(|path| path.exists()).count(), 2);
    let forget = ["forget", "--user", "ann@north.example", "--store", "store"];
    dir.pbi(forget).ended(0);
    assert_eq!(numbers(&store).0, 0, "every file was rewritten");
    assert!(dir.pbi(["verify", "--store", "store"]).ended(0).stdout.contains("ids"));
}

#[test]
fn verify_reports_prefixes_that_are_valid_and_wrong() {
    let (dir, store) = ingested();
    dir.pbi(["verify", "--store", "store"]).ended(0);
    let path = prefixes(&store).remove(1);
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned() + ".parquet";
    let mut content = b"pbi-ids1\x07".to_vec();
    let sum = xxh3_64_with_seed(&content, xxh3_64(name.as_bytes()));
    content.extend(sum.to_le_bytes());
    fs::write(&path, content).unwrap();
    let verified = dir.pbi(["verify", "--store", "store"]).ended(1).stdout;
    assert!(verified.contains("does not have the Ids of its data file"), "{verified}");
    fs::remove_file(&path).unwrap();
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn log_folder_with_a_store_in_it_reads_no_prefixes() {
    let (dir, _) = ingested();
    let (_, summary) = dir.ingest("other", &["."]);
    assert_eq!(summary.records.stored, 200, "{summary:?}");
    assert_eq!(summary.files.len(), 4, "{summary:?}");
}
