//! What people do wrong at first, and how the program helps them on. Each of these was answered
//! with a riddle, or not at all, when somebody tried it.

use crate::events::plain;
use crate::workdir::Workdir;

fn with_store() -> Workdir {
    let dir = Workdir::new();
    dir.write("archive/events.json", format!("[{},{}]", plain(0, 0), plain(0, 1)));
    dir.ingest("store", &["archive"]).0.ended(0);
    dir
}

/// What is told of a command that ends with this code.
fn told(dir: &Workdir, code: i32, arguments: &[&str]) -> String {
    dir.pbi(arguments).ended(code).stderr
}

/// Whoever may not look into a store was told that there is none, and to make one.
#[test]
#[cfg(unix)]
fn a_store_that_cannot_be_seen_is_not_taken_for_none() {
    let dir = with_store();
    let log = dir.join("store/events/_delta_log");
    std::fs::rename(&log, dir.join("aside")).expect("the log moves");
    std::os::unix::fs::symlink("_delta_log", &log).expect("a link that leads to itself");
    let data = || {
        let folders = std::fs::read_dir(dir.join("store/events")).expect("the folder is there");
        folders.map(|entry| entry.expect("it can be read").file_name()).collect::<Vec<_>>()
    };
    let before = data();
    for command in
        [&["status"][..], &["report", "top-reports"], &["verify"], &["ingest", "archive"]]
    {
        let stderr = told(&dir, 1, &[command, &["--store", "store"]].concat());
        let said = "pbi-analyze: cannot read store/events/_delta_log: ";
        assert!(stderr.lines().any(|line| line.starts_with(said)), "{command:?}: {stderr}");
    }
    assert_eq!(data(), before);
    std::fs::remove_file(&log).expect("the link goes");
    std::fs::rename(dir.join("aside"), &log).expect("the log moves back");
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn a_store_is_neither_an_archive_nor_a_file() {
    let dir = with_store();
    let stderr = told(&dir, 2, &["ingest", "store", "--store", "store"]);
    assert!(stderr.contains("cannot read store: a store, whose events were read"), "{stderr}");
    let beside = told(&dir, 3, &["ingest", "archive", "store", "--store", "store"]);
    assert!(beside.contains("store: byte 0: cannot be read: a store, whose events"), "{beside}");
    assert!(dir.rejects("store", &[]).is_empty());
    let file = told(&dir, 1, &["ingest", "archive", "--store", "archive/events.json"]);
    assert!(file.contains("cannot create archive/events.json: it is a file, and a"), "{file}");
}

#[test]
fn what_leads_to_no_file_says_so() {
    let dir = with_store();
    let star = told(&dir, 2, &["ingest", "archive/*.json", "--store", "store"]);
    assert!(star.contains("; * stands for nothing here: name the folder"), "{star}");
    std::fs::create_dir(dir.join("empty")).expect("a folder can be made");
    for command in [&["ingest", "empty", "--quiet"][..], &["report", "adoption", "--from", "empty"]]
    {
        let stderr = told(&dir, 0, command);
        assert!(stderr.contains("no file was found to read"), "{command:?}: {stderr}");
    }
}
