//! Damaged files of the Delta log: what is not needed is not believed, and what is missing is named.

use crate::events::{id, plain};
use crate::table;
use crate::workdir::Workdir;

/// Returns a store with a checkpoint and versions after it, and its number of events.
fn store_with_checkpoint(dir: &Workdir) -> usize {
    let runs = 13;
    for number in 0..runs {
        dir.write(&format!("archive/{number}.json"), plain(0, number));
        dir.ingest("store", &["archive"]).0.ended(0);
    }
    assert!(dir.join("store/events/_delta_log/_last_checkpoint").exists());
    runs
}

#[test]
fn wrong_hint_to_the_checkpoint_is_not_believed() {
    let dir = Workdir::new();
    let events = store_with_checkpoint(&dir);
    let hint = "store/events/_delta_log/_last_checkpoint";
    let expected = format!("events   {events} by 1 user;");
    for content in [
        "{\"version\":999,\"size\":1}",
        "{\"version\":-3,\"size\":1}",
        "{\"version\":2,\"size\":1}",
        "{\"version\":10,\"size\":1,\"parts\":7}",
        "{\"version\":\"ten\"}",
        "no JSON",
        "",
    ] {
        dir.write(hint, content);
        let ran = dir.pbi(["status", "--store", "store"]).ended(0);
        assert!(ran.stdout.contains(&expected), "{content}: {ran:?}");
        dir.pbi(["verify", "--store", "store"]).ended(0);
    }
    // A writer deletes old versions before the checkpoint that the hint names. A wrong hint must
    // not delete any.
    dir.write(hint, "{\"version\":999999,\"size\":1}");
    for number in events..events + 11 {
        dir.write(&format!("archive/{number}.json"), plain(0, number));
        dir.ingest("store", &["archive"]).0.ended(0);
    }
    let ids: Vec<String> = (0..events + 11).map(|number| id(0, number)).collect();
    assert_eq!(table::ids(&dir.join("store")), ids);
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn missing_version_is_named_with_what_to_do() {
    let dir = Workdir::new();
    store_with_checkpoint(&dir);
    let log = dir.join("store/events/_delta_log");
    let mut versions: Vec<i64> = std::fs::read_dir(&log)
        .expect("it can be listed")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok())
        .collect();
    versions.sort_unstable();
    let missing = versions[versions.len() - 2];
    std::fs::remove_file(log.join(format!("{missing:020}.json"))).expect("it can go");
    dir.write("archive/more.json", plain(0, 50));
    for command in ["status", "verify", "compact", "ingest archive"] {
        let arguments = command.split(' ').chain(["--store", "store"]);
        let ran = dir.pbi(arguments).ended(1);
        let said = format!("expected version {missing} of the log, found version {}", missing + 1);
        assert!(ran.stderr.contains(&said), "{command}: {ran:?}");
        assert!(ran.stderr.contains("from a copy of the store"), "{ran:?}");
    }
}

#[test]
fn damaged_file_of_the_log_is_named_with_what_to_do() {
    let dir = Workdir::new();
    store_with_checkpoint(&dir);
    let log = dir.join("store/events/_delta_log");
    let names: Vec<String> = std::fs::read_dir(&log)
        .expect("it can be listed")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let newest = names.iter().filter(|name| name.ends_with(".json")).max().expect("a version");
    let checkpoint = names.iter().filter(|name| name.ends_with(".checkpoint.parquet")).max();
    for (name, expected) in [
        (newest, "line 2, column 1: expected a JSON object, found damage"),
        (checkpoint.expect("a checkpoint"), "expected a Parquet file, found damage"),
    ] {
        let file = log.join(name);
        let content = std::fs::read(&file).expect("it can be read");
        let mut damaged = content.clone();
        if name.ends_with(".json") {
            let end = content.iter().position(|byte| *byte == b'\n').expect("two lines");
            damaged[end + 1] = b'I';
        } else {
            damaged.truncate(content.len() - 3);
        }
        std::fs::write(&file, &damaged).expect("it can be written");
        for command in ["status", "verify", "compact", "report top-reports"] {
            let ran = dir.pbi(command.split(' ').chain(["--store", "store"])).ended(1);
            let said = ran.stderr.replace('\\', "/");
            assert!(said.contains(&format!("events/_delta_log/{name}")), "{command}: {ran:?}");
            assert!(said.contains(expected), "{command}: {ran:?}");
            assert!(said.contains("restore this file from a copy of the store"), "{ran:?}");
            assert!(!said.contains("panic"), "{ran:?}");
        }
        std::fs::write(&file, &content).expect("it can be written");
    }
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

/// Names of files can contain anything, and `verify` prints those that it does not know.
#[cfg(unix)]
#[test]
fn names_of_files_do_not_control_the_terminal() {
    let dir = Workdir::new();
    let name = "a\u{1b}[2Jb\u{202e}c\u{7}\r";
    dir.write(&format!("archive/{name}.json"), plain(0, 0));
    dir.write(&format!("archive/{name}.broken.json"), "{\"Id\":");
    let store = format!("{name}-store");
    let stray = format!("{store}/events/month=2026-03/{name}.parquet");
    for arguments in [
        vec!["ingest", "archive", "--dry-run", "--store", &store],
        vec!["ingest", "archive", "--store", &store],
        vec!["status", "--store", &store],
        vec!["verify", "--store", &store],
        vec!["rejects", "--store", &store],
        vec!["schema", "--extra", "--store", &store],
        vec!["report", "top-reports", "--store", &store],
        vec!["ingest", &stray, "--store", &store],
        vec!["status", "--store", name],
    ] {
        if arguments[0] == "verify" {
            dir.write(&stray, "");
        }
        let ran = dir.pbi(&arguments);
        let text = ran.stdout.clone() + &ran.stderr;
        let bad = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}';
        assert!(!text.contains(bad), "{arguments:?}: {text:?}");
    }
    let ran = dir.pbi(["verify", "--store", &store]).ended(1);
    assert!(ran.stdout.contains("a\u{FFFD}[2Jb\u{FFFD}c"), "{ran:?}");
}
