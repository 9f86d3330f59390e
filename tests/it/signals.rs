//! Signals: a run that is stopped says so, ends with the exit code of shells, and leaves nothing.
//!
//! A command that is started in the background of a script ignores Ctrl-C. If the tests are started
//! so, the program inherits that, and SIGINT is not tried.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::sample_data::copy_of_sample_data;
use crate::synth::{Layout, Spec, write_archive};
use crate::workdir::{Ran, Workdir};

const SIGNALS: [(&str, &str, i32, u32); 3] =
    [("INT", "Ctrl-C", 130, 2), ("TERM", "SIGTERM", 143, 15), ("HUP", "SIGHUP", 129, 1)];

/// Returns the signals that this process, and so the program, does not ignore.
fn heeded() -> Vec<(&'static str, &'static str, i32)> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    let mask = u64::from_str_radix(mask.trim(), 16).expect("a number");
    let is_heeded = |number: u32| mask >> (number - 1) & 1 == 0;
    SIGNALS.iter().filter(|it| is_heeded(it.3)).map(|it| (it.0, it.1, it.2)).collect()
}

fn send(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &id]).status();
    assert!(sent.expect("kill can be started").success(), "{signal}");
}

fn start(dir: &Workdir, arguments: &[&str]) -> Child {
    let mut command = dir.command(arguments);
    std::fs::create_dir_all(dir.join("temp")).expect("there is room");
    command.env("TMPDIR", dir.join("temp")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program can be started")
}

fn ended(child: Child) -> Ran {
    let output: Output = child.wait_with_output().expect("it ends");
    Ran::of(&output)
}

/// Waits until a condition holds. Returns false if the program ends before.
fn wait_for(child: &mut Child, condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing happens");
        if child.try_wait().expect("it is ours").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Returns the files and folders of writers in a store.
fn leftovers(store: &Path) -> Vec<String> {
    let hidden = |name: &String| name.starts_with(".writer") || name.starts_with(".new");
    names_in(store).into_iter().filter(hidden).collect()
}

/// Returns all files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    walk.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

#[test]
fn stopped_ingest_leaves_the_store_as_it_was_and_nothing_else() {
    let dir = Workdir::new();
    let spec = Spec { seed: 5, events: 80_000, days: 20, ..Spec::default() };
    write_archive(&dir.join("archive"), &spec, Layout::RestPages).expect("there is room");
    dir.write("first/a.json", crate::events::plain(0, 0));
    dir.ingest("store", &["first"]).0.ended(0);
    let before = files_below(&dir.join("store"));
    let arguments = ["ingest", "archive", "--store", "store", "--log-format", "json"];
    let mut stopped = 0;
    for (signal, name, code) in heeded() {
        // Early, and ever later: while it reads, removes duplicates and writes.
        for pause in [0, 10, 150, 400] {
            let mut child = start(&dir, &arguments);
            let store = dir.join("store");
            if wait_for(&mut child, || !leftovers(&store).is_empty()) {
                std::thread::sleep(Duration::from_millis(pause));
                send(&child, signal);
            }
            let ran = ended(child);
            assert_eq!(leftovers(&store), Vec::<String>::new(), "{signal} {ran:?}");
            dir.pbi(["verify", "--store", "store"]).ended(0);
            let last: serde_json::Value =
                serde_json::from_str(ran.stderr.lines().last().expect("a line")).expect("JSON");
            assert_eq!((&last["message"], &last["exit_code"]), (&"ended".into(), &ran.code.into()));
            if ran.code == code && files_below(&store) == before {
                assert!(ran.stderr.contains(&format!("stopped by {name};")), "{ran:?}");
                assert!(!ran.stderr.contains("the run was stopped"), "{ran:?}");
                stopped += 1;
            } else {
                // The signal came during or after the commit.
                ran.one_of(&[0, code]);
                dir.pbi(["ingest", "archive", "--store", "store"]).ended(0);
                std::fs::remove_dir_all(&store).expect("it can go");
                dir.ingest("store", &["first"]).0.ended(0);
            }
        }
    }
    assert!(stopped >= heeded().len(), "{stopped} runs were stopped before their commit");
    dir.pbi(["ingest", "archive", "--store", "store"]).ended(0);
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn stopped_query_on_raw_files_deletes_its_temporary_folder() {
    let dir = Workdir::new();
    let spec = Spec { seed: 6, events: 30_000, days: 20, ..Spec::default() };
    write_archive(&dir.join("archive"), &spec, Layout::RestPages).expect("there is room");
    let arguments = ["report", "top-reports", "--from", "archive", "--output", "top.csv"];
    for (signal, name, code) in heeded() {
        for pause in [0, 30, 100] {
            let mut child = start(&dir, &arguments);
            let temp = dir.join("temp");
            let is_there = wait_for(&mut child, || !names_in(&temp).is_empty());
            assert!(is_there, "the folder was never there");
            std::thread::sleep(Duration::from_millis(pause));
            send(&child, signal);
            let ran = ended(child).ended(code);
            assert!(ran.stderr.contains(&format!("pbi-analyze: stopped by {name};")), "{ran:?}");
            assert_eq!(names_in(&temp), Vec::<String>::new(), "{signal}");
        }
    }
    let mut names = names_in(dir.path());
    names.sort();
    assert_eq!(names, ["archive", "temp"]);
}

/// `nohup` starts programs that ignore SIGHUP, and they must continue to ignore it.
#[cfg(target_os = "linux")]
#[test]
fn ignored_signal_stays_ignored() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    let program = env!("CARGO_BIN_EXE_pbi-analyze");
    // The shell signals itself after it became the program, which waits for its input.
    let script = format!("trap '' HUP; exec '{program}' sql - --store store");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(dir.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("sh can be started");
    let comm = format!("/proc/{}/comm", child.id());
    assert!(wait_for(&mut child, || std::fs::read_to_string(&comm)
        .is_ok_and(|name| { name.starts_with("pbi-analyze") })));
    std::thread::sleep(Duration::from_millis(300));
    send(&child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    let mut input = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut input, b"SELECT COUNT(*) AS n FROM events").expect("it reads");
    drop(input);
    assert!(ended(child).ended(0).stdout.contains('n'));
}

/// The limit of a user for the size of files is an error like a full disk.
#[test]
fn file_beyond_the_limit_of_its_size_is_an_error() {
    let dir = copy_of_sample_data();
    let program = env!("CARGO_BIN_EXE_pbi-analyze");
    let script = format!("ulimit -f 16; exec '{program}' ingest sample-data --store store");
    let output = Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output();
    let ran = Ran::of(&output.expect("sh can be started")).ended(1);
    assert!(ran.stderr.contains("File too large"), "{ran:?}");
    assert_eq!(leftovers(&dir.join("store")), Vec::<String>::new());
}

/// A process without descriptors ended with a panic.
#[test]
fn too_few_descriptors_are_an_error() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    let program = env!("CARGO_BIN_EXE_pbi-analyze");
    for limit in 4..14 {
        for command in ["status", "ingest sample-data"] {
            let script = format!("ulimit -n {limit}; exec '{program}' {command} --store store");
            let output = Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output();
            let ran = Ran::of(&output.expect("sh can be started")).one_of(&[0, 1, 3]);
            assert!(!ran.stderr.contains("panicked"), "{limit}: {ran:?}");
            assert!(ran.code != 1 || ran.stderr.contains("pbi-analyze: "), "{limit}: {ran:?}");
        }
    }
}

/// A query that needs more than it may ends with a message, before the system ends anything.
#[cfg(target_os = "linux")]
#[test]
fn query_beyond_its_memory_ends_with_a_message() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    let sql = "SELECT COUNT(DISTINCT CONCAT(a.Id, b.Id, c.Id)) AS n \
        FROM events AS a CROSS JOIN events AS b CROSS JOIN events AS c";
    let ran = dir.pbi(["sql", sql, "--store", "store", "--memory-limit", "400M"]).ended(1);
    let said = "pbi-analyze: stopped, because the command needs more memory than the limit of";
    assert!(ran.stderr.contains(said), "{ran:?}");
    assert_eq!(ran.stdout, "");
    dir.pbi(["sql", "SELECT 1 AS n", "--store", "store", "--memory-limit", "4G"]).ended(0);
}
