//! Checks that a file is read again if its content changed although size and time are the same.

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use crate::workdir::Workdir;

fn event(id: &str) -> String {
    format!(
        r#"{{"Id":"{id}","CreationTime":"2026-03-01T08:00:00","Operation":"ViewReport",
        "RecordType":20,"UserId":"max@contoso.example"}}"#
    )
}

fn set_time(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Replaces a text in a file and keeps size and time.
fn rewrite(path: &Path, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let time = fs::metadata(path).unwrap().modified().unwrap();
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(old));
    fs::write(path, text.replace(old, new)).unwrap();
    set_time(path, time);
}

#[test]
#[cfg(unix)]
fn rewritten_file_of_equal_size_and_time_is_read() {
    let dir = Workdir::new();
    let path = dir.write("archive/a.json", format!("[{}]", event("e1")));
    dir.write("archive/b.json", format!("[{}]", event("b1")));
    assert_eq!(dir.ingest("store", &["archive"]).1.sources.new, 2);
    assert_eq!(dir.ingest("store", &["archive"]).1.sources.known, 2);
    rewrite(&path, "e1", "e2");
    let plan = dir.pbi(["ingest", "archive", "--store", "store", "--dry-run"]).ended(0).stdout;
    assert!(plan.contains("a.json") && !plan.contains("b.json"), "{plan}");
    let (_, summary) = dir.ingest("store", &["archive"]);
    assert_eq!((summary.sources.new, summary.records.stored), (1, 1));
    let (_, summary) = dir.ingest("store", &["archive"]);
    assert_eq!((summary.sources.known, summary.store.events), (2, 3));
}

#[test]
fn change_in_the_middle_of_a_large_file_is_found_by_reading_all() {
    let dir = Workdir::new();
    let events: Vec<String> = (0..3000).map(|id| event(&format!("e{id:04}"))).collect();
    let path = dir.write("archive/a.json", format!("[{}]", events.join(",\n")));
    assert!(fs::metadata(&path).unwrap().len() > 400_000);
    dir.ingest("store", &["archive"]).0.ended(0);
    rewrite(&path, "e1500", "x1500");
    assert_eq!(dir.ingest("store", &["archive"]).1.sources.known, 1, "the blocks are the same");
    let (_, summary) = dir.ingest("store", &["archive", "--reread"]);
    assert_eq!((summary.sources.new, summary.records.stored), (1, 1));
    let (_, summary) = dir.ingest("store", &["archive", "--reread"]);
    assert_eq!((summary.sources.known, summary.store.events), (1, 3001));
}

#[test]
#[cfg(unix)]
fn other_permissions_or_a_copy_do_not_make_a_file_new() {
    use std::os::unix::fs::PermissionsExt;

    let dir = Workdir::new();
    let path = dir.write("archive/a.json", format!("[{}]", event("e1")));
    dir.ingest("store", &["archive"]).0.ended(0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(dir.ingest("store", &["archive"]).1.sources.known, 1);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::copy(&path, dir.join("copy.json")).unwrap();
    fs::rename(dir.join("copy.json"), &path).unwrap();
    set_time(&path, time);
    assert_eq!(dir.ingest("store", &["archive"]).1.sources.known, 1);
}
