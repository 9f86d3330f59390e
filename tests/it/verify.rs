//! Checks `verify`: a valid store passes, and each failure is reported with file and position.

use std::fs;
use std::path::{Path, PathBuf};

use pbi_analyze::internals::store::{Disk, OsDisk};
use serde_json::Value;

use crate::table;
use crate::workdir::{Ran, Workdir};

/// Ingests the sample archive.
fn ingested() -> (Workdir, PathBuf) {
    let dir = Workdir::new();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data");
    let damaged = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data-damaged");
    dir.ingest("store", &[samples, damaged]);
    let store = dir.join("store");
    (dir, store)
}

fn verify(dir: &Workdir) -> (Ran, Value) {
    let ran = dir.pbi(["verify", "--store", "store", "--format", "json"]);
    let verdict: Value = serde_json::from_str(&ran.stdout).expect("one JSON object");
    assert_eq!(verdict["ok"], ran.code == 0, "{ran:?}");
    (ran, verdict)
}

/// Asserts that exactly these checks have failures, and returns the first finding of the first one.
#[track_caller]
fn finds(dir: &Workdir, names: &[&str]) -> String {
    let (ran, verdict) = verify(dir);
    let checks = verdict["checks"].as_array().expect("a list");
    let wrong: Vec<&Value> = checks.iter().filter(|check| check["failures"] != 0).collect();
    let found: Vec<&str> = wrong.iter().filter_map(|check| check["name"].as_str()).collect();
    assert_eq!(found, names, "{ran:?}");
    assert_eq!(ran.code, 1);
    // The text for people contains the same findings.
    let text = dir.pbi(["verify", "--store", "store"]).ended(1).stdout;
    let first = &wrong[0]["findings"][0];
    let (file, what) = (first["file"].as_str(), first["problem"].as_str());
    let (file, what) = (file.expect("a file"), what.expect("a text"));
    assert!(text.contains(file) && text.contains(what), "{text}");
    let row = first["row"].as_u64().map_or_else(String::new, |row| format!(" row {row}:"));
    format!("{file}:{row} {what}")
}

fn biggest(store: &Path) -> PathBuf {
    let files = table::files(store);
    files.into_iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap()
}

/// Edits the `add` actions of a commit.
fn edit_log(store: &Path, edit: impl Fn(&mut Value)) {
    for version in table::versions(store) {
        let text = fs::read_to_string(&version).unwrap();
        let edited = text.lines().map(|line| {
            let mut action: Value = serde_json::from_str(line).unwrap();
            edit(&mut action);
            action.to_string() + "\n"
        });
        let edited: String = edited.collect();
        fs::write(&version, edited).unwrap();
    }
}

/// Changes the statistics in the `add` actions of the log.
fn edit_statistics(store: &Path, edit: impl Fn(&mut Value)) {
    edit_log(store, |action| {
        if let Some(text) = action["add"]["stats"].as_str() {
            let mut stats: Value = serde_json::from_str(text).unwrap();
            edit(&mut stats);
            action["add"]["stats"] = stats.to_string().into();
        }
    });
}

#[test]
fn unchanged_store_passes() {
    let (dir, store) = ingested();
    let (_, verdict) = verify(&dir);
    assert_eq!(verdict["ok"], true, "{verdict:#}");
    assert_eq!(verdict["events"], table::ids(&store).len());
    assert_eq!(verdict["orphans"], Value::Array(Vec::new()));
    for check in verdict["checks"].as_array().unwrap() {
        assert!(check["checked"].as_u64().unwrap() > 0 && check["skipped_reason"].is_null());
    }
    let text = dir.pbi(["verify", "--store", "store"]).ended(0).stdout;
    assert_eq!(text.lines().filter(|line| line.contains(" ok, ")).count(), 9, "{text}");
    dir.pbi(["verify", "--store", "elsewhere"]).ended(1);
}

#[test]
fn missing_or_truncated_data_file_is_reported() {
    let (dir, store) = ingested();
    let file = biggest(&store);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let said = finds(&dir, &["files", "contents"]);
    assert!(said.contains(file.file_name().unwrap().to_str().unwrap()), "{said}");
    assert!(said.contains(&format!("size in bytes: {}", whole.len() / 2)), "{said}");
    fs::remove_file(&file).unwrap();
    assert!(finds(&dir, &["files"]).contains("cannot be opened"));
}

/// Damage is reported at every position and never ends the program.
#[test]
fn damage_inside_a_file_does_not_end_the_program() {
    let (dir, store) = ingested();
    let file = biggest(&store);
    let whole = fs::read(&file).unwrap();
    let mut found = 0;
    // The second half of the positions is in the footer, with invalid lengths and types.
    for part in 0..48 {
        let mut damaged = whole.clone();
        let start = match part {
            0..24 => whole.len() * part / 24,
            _ => whole.len() - 64 - (part - 24) * 1500,
        };
        damaged[start..start + 64].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(&file, &damaged).unwrap();
        let (ran, verdict) = verify(&dir);
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        let ran = dir.pbi(["report", "top-reports", "--store", "store"]);
        assert!([0, 1].contains(&ran.code) && !ran.stderr.contains("panicked"), "{ran:?}");
        found += u64::from(verdict["ok"] == false);
    }
    assert_eq!(found, 48, "the name of a file contains its digest");
}

#[test]
fn file_without_a_commit_is_an_orphan() {
    let (dir, store) = ingested();
    let file = biggest(&store);
    fs::copy(&file, file.with_file_name("part-00000-copy.parquet")).unwrap();
    assert!(finds(&dir, &["strays"]).contains("part-00000-copy.parquet"));
    // A file that no reader sees is only an orphan.
    fs::rename(
        file.with_file_name("part-00000-copy.parquet"),
        file.with_file_name(".part-00000-copy.parquet.tmp"),
    )
    .unwrap();
    let (_, verdict) = verify(&dir);
    assert_eq!(verdict["ok"], true);
    assert_eq!(verdict["orphans"].as_array().unwrap().len(), 1);
}

#[test]
fn files_of_a_running_writer_are_no_orphans() {
    let (dir, store) = ingested();
    let file = biggest(&store);
    let writer = "0123456789abcdef0123456789abcdef";
    fs::copy(&file, file.with_file_name(format!("part-{writer}-00000.parquet"))).unwrap();
    fs::write(file.with_file_name(format!(".part-{writer}-00001.parquet.tmp")), "half").unwrap();
    let lock_path = store.join(format!(".writer-{writer}"));
    let lock = OsDisk.create_locked(&lock_path, b"").unwrap();
    let (_, verdict) = verify(&dir);
    assert_eq!(verdict["in_progress"].as_array().unwrap().len(), 2, "{verdict:#}");
    assert_eq!((&verdict["ok"], &verdict["orphans"]), (&true.into(), &Value::Array(vec![])));
    // A lock that nobody has proves nothing: the writer may be running on another machine.
    drop(lock);
    let (_, verdict) = verify(&dir);
    assert_eq!(verdict["in_progress"].as_array().unwrap().len(), 2, "{verdict:#}");
    assert_eq!((&verdict["ok"], &verdict["orphans"]), (&true.into(), &Value::Array(vec![])));
    // The file is an orphan when its writer has ended.
    fs::remove_file(lock_path).unwrap();
    finds(&dir, &["strays"]);
    assert_eq!(verify(&dir).1["orphans"].as_array().unwrap().len(), 1);
}

#[test]
fn wrong_counts_and_statistics_are_reported() {
    let (dir, store) = ingested();
    let log = table::versions(&store).pop().unwrap();
    let before = fs::read_to_string(&log).unwrap();
    let stats = |change: &dyn Fn(&mut Value)| {
        fs::write(&log, &before).unwrap();
        edit_statistics(&store, change);
    };
    stats(&|stats| stats["numRecords"] = (stats["numRecords"].as_u64().unwrap() + 1).into());
    assert!(finds(&dir, &["contents", "sum"]).contains(", expected: "));
    stats(&|stats| stats["minValues"]["CreationTime"] = "2020-01-01T00:00:00.000000Z".into());
    assert!(finds(&dir, &["statistics"]).contains("but the log has 2020-01-01"));
}

#[test]
fn duplicate_event_is_reported_with_its_row() {
    let (dir, store) = ingested();
    let file = biggest(&store);
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let copy = name.replace("-00", "-99");
    fs::copy(&file, file.with_file_name(&copy)).unwrap();
    let log = table::versions(&store).pop().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let line = text.lines().find(|line| line.contains(&name)).unwrap().replace(&name, &copy);
    fs::write(&log, text + &line + "\n").unwrap();
    let said = finds(&dir, &["ids", "sum"]);
    assert!(said.contains(": row 0: has the Id of row 0 of events/month="), "{said}");
}

#[test]
fn missing_or_damaged_rejects_are_reported() {
    let (dir, store) = ingested();
    let file = fs::read_dir(store.join("rejects")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(&file, &damaged).unwrap();
    finds(&dir, &["rejects"]);
    fs::remove_file(&file).unwrap();
    assert!(finds(&dir, &["rejects"]).contains("cannot read"));
    // A file that no commit names is an orphan.
    fs::write(&file, &whole).unwrap();
    fs::write(file.with_file_name("more.ndjson.zst"), &whole).unwrap();
    let (_, verdict) = verify(&dir);
    assert_eq!(verdict["ok"], true);
    assert_eq!(verdict["orphans"], serde_json::json!(["rejects/more.ndjson.zst"]));
}

#[test]
fn wrong_or_unreadable_source_accounts_are_reported() {
    let (dir, store) = ingested();
    let marks = fs::read_dir(store.join("sources")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&marks).unwrap();
    fs::write(&marks, text.replacen("\"read\":", "\"read\":1", 1)).unwrap();
    assert!(finds(&dir, &["accounts"]).contains("has changed; restore it"));
    // Events that no account knows of: the log forgets a file.
    fs::write(&marks, text).unwrap();
    let file = biggest(&store);
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let log = table::versions(&store).pop().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let kept = text.lines().filter(|line| !line.contains(&name));
    let kept: String = kept.map(|line| line.to_owned() + "\n").collect();
    fs::write(&log, kept).unwrap();
    assert!(finds(&dir, &["strays", "sum"]).contains("the log does not contain this file"));
    fs::remove_file(file).unwrap();
    assert!(finds(&dir, &["sum"]).contains("but events in the table: "));
}

#[test]
fn file_outside_of_the_table_is_neither_read_nor_deleted() {
    for path in [
        "../../outside.parquet",
        "month=2026-03/../../../outside.parquet",
        "..%2F..%2Foutside.parquet",
        "%2e%2e/%2e%2e/outside.parquet",
        "month=2026-03/..%2F..%2F..%2Foutside.parquet",
    ] {
        let (dir, store) = ingested();
        let outside = dir.join("outside.parquet");
        fs::copy(biggest(&store), &outside).unwrap();
        edit_log(&store, |action| {
            if action["add"]["path"].is_string() {
                action["add"]["path"] = path.into();
            }
        });
        for arguments in [
            &["verify"][..],
            &["compact"],
            &["status"],
            &["report", "top-reports"],
            &["export"],
            &["forget", "--user", "ann@contoso.com"],
            &["ingest", concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data")],
        ] {
            let ran = dir.pbi(arguments.iter().chain(&["--store", "store"])).ended(1);
            assert!(ran.stderr.contains("neither read nor deleted"), "{path}: {ran:?}");
        }
        assert!(outside.exists(), "{path}");
    }
}

#[test]
fn file_that_the_log_names_twice_is_refused() {
    let (dir, store) = ingested();
    let log = table::versions(&store).pop().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let add = text.lines().find(|line| line.contains("\"add\"")).unwrap();
    let alias = add.replace(".parquet", "%2Eparquet");
    assert_ne!(add, alias);
    fs::write(&log, format!("{text}{alias}\n")).unwrap();
    let ran = dir.pbi(["report", "top-reports", "--store", "store"]).ended(1);
    assert!(ran.stderr.contains("twice; restore _delta_log"), "{ran:?}");
}

/// Impossible statistics made reports of 10,000 years, and a check of more rows than exist.
#[test]
fn impossible_statistics_are_not_believed() {
    let (dir, store) = ingested();
    let expected = dir.pbi(["report", "coverage", "--store", "store"]).ended(0).stdout;
    edit_statistics(&store, |stats| {
        stats["minValues"]["CreationTime"] = "0001-01-01T00:00:00.000000Z".into();
        stats["maxValues"]["CreationTime"] = "9999-12-31T23:59:59.999999Z".into();
    });
    let found = dir.pbi(["report", "coverage", "--store", "store"]).ended(0).stdout;
    assert_eq!(found, expected);
    assert!(finds(&dir, &["statistics"]).contains("the log has nothing"));

    let (dir, store) = ingested();
    edit_statistics(&store, |stats| stats["numRecords"] = i64::MAX.into());
    assert!(finds(&dir, &["contents", "sum"]).contains("expected: 9223372036854775807"));
}
