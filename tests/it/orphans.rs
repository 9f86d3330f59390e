//! `compact --remove-orphans-of`: what aborted commands of another machine left.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pbi_analyze::internals::store::{Disk, OsDisk};
use serde_json::{Value, json};

use crate::workdir::Workdir;

const WRITER: &str = "0123456789abcdef0123456789abcdef";
const HOUR: u64 = 60 * 60;

/// Returns the content of a lock file of a machine that was started once, long ago.
fn lock_file(host: &str) -> String {
    json!({
        "host": host, "machine": host, "boot": "of another machine", "booted": 1, "begun": 2,
        "pid_namespace": "pid:[1]", "pid": 1, "process_start": 1, "device": 1,
    })
    .to_string()
}

/// The files of an aborted command, without its temporary folder.
struct Leftovers {
    lock: PathBuf,
    temp_dir: PathBuf,
    /// Data files of both tables.
    data: [PathBuf; 2],
}

impl Leftovers {
    fn leave(store: &Path, host: &str) -> Leftovers {
        let name = format!("part-{WRITER}-00000-{:032x}.parquet", 0);
        let left = Leftovers {
            lock: store.join(format!(".writer-{WRITER}")),
            temp_dir: store.join(format!(".writer-{WRITER}.work")),
            data: ["events", "inventory"].map(|table| partition(&store.join(table)).join(&name)),
        };
        fs::write(&left.lock, lock_file(host)).unwrap();
        fs::create_dir(&left.temp_dir).unwrap();
        fs::write(left.temp_dir.join("run"), "half").unwrap();
        left.data.iter().for_each(|path| fs::write(path, "rows").unwrap());
        left
    }

    fn set_age(&self, hours: u64) {
        let time = SystemTime::now() - Duration::from_secs(hours * HOUR);
        let temporary = self.temp_dir.join("run");
        for path in self.data.iter().chain([&self.lock, &temporary]) {
            File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        }
    }

    #[track_caller]
    fn assert_complete(&self) {
        let found = self.data.iter().chain([&self.lock, &self.temp_dir]);
        assert!(found.into_iter().all(|path| path.exists()));
    }
}

/// Returns a folder of the rows of a table.
fn partition(table: &Path) -> PathBuf {
    let entries = fs::read_dir(table).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.to_string_lossy().contains('=')).unwrap()
}

/// Returns a folder with a store that has an event and an inventory.
fn ingested() -> (Workdir, PathBuf) {
    let dir = Workdir::new();
    dir.write(
        "log/events.json",
        r#"[{"Id":"a","CreationTime":"2026-01-02T10:00:00Z","Operation":"ViewReport"}]"#,
    );
    let workspace = json!({"id": "11111111-1111-4111-8111-111111111111", "name": "Sales",
        "type": "Workspace", "state": "Active", "users": [], "reports": []});
    let scan = json!({"workspaces": [workspace], "datasourceInstances": []});
    dir.write("log/scanResult_2026-01-02.json", scan.to_string());
    dir.pbi(["ingest", "log", "--store", "store"]).ended(0);
    let store = dir.join("store");
    assert!(store.join("inventory").exists());
    (dir, store)
}

/// Runs `compact --remove-orphans-of` and returns its output and its messages.
#[track_caller]
fn remove(dir: &Workdir, host: &str, code: i32) -> (String, String) {
    let arguments = ["compact", "--store", "store", "--remove-orphans-of", host];
    let ran = dir.pbi(arguments).ended(code);
    (ran.stdout, ran.stderr.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Returns true if a log says that the writer was stopped.
fn is_stopped(table: &Path) -> bool {
    let log = fs::read_dir(table.join("_delta_log")).unwrap().map(|entry| entry.unwrap().path());
    let texts = log.filter_map(|path| fs::read_to_string(path).ok());
    texts.into_iter().any(|text| text.contains(&format!("pbi-analyze.stopped.{WRITER}")))
}

#[test]
fn orphans_of_a_machine_that_does_not_come_back_are_removed_on_request() {
    let (dir, store) = ingested();
    let left = Leftovers::leave(&store, "OLD-SERVER");
    left.set_age(8 * 24);
    // Nobody knows if the other machine is still writing.
    dir.pbi(["compact", "--store", "store"]).ended(0);
    dir.pbi(["ingest", "log", "--store", "store"]).ended(0);
    left.assert_complete();
    assert!(!is_stopped(&store.join("events")));
    let (_, message) = remove(&dir, "OTHER", 1);
    assert!(message.contains("no command of OTHER has left anything here"), "{message}");
    assert!(message.contains("or were aborted: OLD-SERVER; nothing was removed"), "{message}");
    left.assert_complete();

    let (output, _) = remove(&dir, "OLD-SERVER", 0);
    assert!(output.starts_with("removed 2 files left by 1 command of OLD-SERVER\n"), "{output}");
    let paths = left.data.iter().chain([&left.lock, &left.temp_dir]);
    assert!(paths.into_iter().all(|path| !path.exists()));
    assert!(["events", "inventory"].iter().all(|table| is_stopped(&store.join(table))));
    let ran = dir.pbi(["verify", "--store", "store", "--format", "json"]).ended(0);
    let verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&verdict["events"], &verdict["orphans"]), (&json!(1), &json!([])));
    assert_eq!(dir.pbi(["export", "--store", "store"]).ended(0).stdout.lines().count(), 1);
    let (_, message) = remove(&dir, "OLD-SERVER", 1);
    assert!(message.contains("nor of another machine"), "{message}");
}

#[test]
fn files_of_a_machine_that_may_be_writing_stay() {
    let (dir, store) = ingested();
    let left = Leftovers::leave(&store, "OLD-SERVER");
    left.set_age(7 * 24 - 1);
    let (_, message) = remove(&dir, "OLD-SERVER", 1);
    let expected = "last sign of life is 167 hours old, and 168 hours are needed";
    assert!(message.contains(expected), "{message}");
    left.assert_complete();

    // Another machine may be writing, and may have files that are not visible yet.
    left.set_age(8 * 24);
    let other = store.join(format!(".writer-{}", WRITER.replace('0', "f")));
    fs::write(&other, lock_file("NEW-SERVER")).unwrap();
    let (_, message) = remove(&dir, "OLD-SERVER", 1);
    assert!(message.contains("a command of NEW-SERVER is running, or may be"), "{message}");
    left.assert_complete();
    fs::remove_file(other).unwrap();

    // A lock that another process has is proof of life, whatever the file says.
    fs::remove_file(&left.lock).unwrap();
    let lock = OsDisk.create_locked(&left.lock, lock_file("OLD-SERVER").as_bytes()).unwrap();
    left.set_age(8 * 24);
    let (_, message) = remove(&dir, "OLD-SERVER", 1);
    assert!(message.contains("a command of OLD-SERVER is running"), "{message}");
    left.assert_complete();
    drop(lock);
    remove(&dir, "OLD-SERVER", 0);
}
