//! The program killed at any moment, again and again: nothing is lost, nothing is there twice, and
//! nothing is left behind.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::oracle::Oracle;
use crate::synth::{Layout, Spec, write_archive};
use crate::table;
use crate::workdir::Workdir;

/// A run takes longer than this on any machine.
const SHORTEST: Duration = Duration::from_millis(20);

/// A moment between nothing and the longest.
fn moment(longest: Duration) -> Duration {
    longest.mul_f64(f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX))
}

/// Runs the program, and kills it after a while if it is not over by then. Says whether it was
/// killed.
fn kill_after(dir: &Workdir, arguments: &[&str], after: Duration) -> bool {
    let mut command = dir.command(arguments);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = command.spawn().expect("the program can be started");
    std::thread::sleep(after);
    if let Some(status) = program.try_wait().expect("the program can be asked") {
        // Each part has a record that is rejected.
        assert!(matches!(status.code(), Some(0 | 3)), "{arguments:?}");
        return false;
    }
    // On Unix this is SIGKILL.
    program.kill().expect("the program can be killed");
    let status = program.wait().expect("the program can be waited for");
    !status.success()
}

/// What `verify` says; it must find nothing wrong.
#[track_caller]
fn verified(dir: &Workdir) -> Value {
    let ran = dir.pbi(["verify", "--store", "store", "--format", "json"]).ended(0);
    serde_json::from_str(&ran.stdout).expect("one JSON object")
}

/// Files in the partitions, strays and hidden ones included.
fn lying(store: &Path) -> usize {
    let walk = walkdir::WalkDir::new(store.join("events")).into_iter().flatten();
    walk.filter(|entry| entry.file_type().is_file())
        .filter(|entry| !entry.path().to_string_lossy().contains("_delta_log"))
        .count()
}

/// The archive in this many folders, to be taken one after the other.
fn in_parts(dir: &Workdir, archive: &str, parts: usize) -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(dir.join(archive))
        .expect("the archive can be listed")
        .map(|entry| entry.expect("the archive can be listed").path())
        .collect();
    files.sort();
    let chunk = files.len().div_ceil(parts);
    let mut names = Vec::new();
    for (number, part) in files.chunks(chunk).enumerate() {
        let name = format!("part-{number:02}");
        std::fs::create_dir(dir.join(&name)).expect("the folder can be made");
        for file in part {
            let to = dir.join(&name).join(file.file_name().expect("a name"));
            std::fs::rename(file, to).expect("the file can be moved");
        }
        let rejected = format!("[{{\"Id\":\"{number}\"}}]");
        dir.write(&format!("{name}/rejected.json"), rejected);
        names.push(name);
    }
    names
}

/// Kills runs over the parts and merges in turn until this many were killed, then lets all of
/// them end. A store is begun anew when it has everything.
fn kill(events: u64, kills: usize, parts: usize) {
    let dir = Workdir::new();
    let spec = Spec { seed: 11, events, days: 40, repeats_share: 0.05, ..Spec::default() };
    write_archive(&dir.join("archive"), &spec, Layout::RestPages).expect("the disk has room");
    let oracle = Oracle::read(&dir.join("archive")).expect("the archive can be read");
    let parts = in_parts(&dir, "archive", parts);
    let ingest = |upto: usize| {
        let paths = parts[..upto].iter().map(String::as_str);
        let flags = ["--store", "store", "--quiet"];
        ["ingest"].into_iter().chain(paths).chain(flags).collect::<Vec<_>>()
    };
    let (mut killed, mut merges, mut rounds, mut upto) = (0, 0, 0, 1);
    // How long a run takes is learnt on the way: most kills shall come before its end.
    let mut longest = Duration::from_millis(400);
    while killed < kills {
        let is_there = || dir.join("store/events/_delta_log/00000000000000000000.json").exists();
        let is_merge = (killed + rounds) % 3 == 2 && is_there();
        let merge = vec!["compact", "--store", "store"];
        let arguments = if is_merge { merge } else { ingest(upto) };
        let was_killed = kill_after(&dir, &arguments, moment(longest));
        if is_there() {
            // After a kill there may be strays, but nothing else is wrong.
            let found = dir.pbi(["verify", "--store", "store", "--format", "json"]);
            let verdict: Value = serde_json::from_str(&found.stdout).expect("one JSON object");
            for check in verdict["checks"].as_array().expect("a list") {
                assert!(check["wrong"] == 0 || check["name"] == "strays", "{verdict:#}");
            }
        }
        killed += usize::from(was_killed);
        merges += usize::from(was_killed && is_merge);
        rounds += usize::from(!was_killed);
        longest = longest.mul_f64(if was_killed { 1.1 } else { 0.8 }).max(SHORTEST);
        if was_killed && !is_merge {
            continue;
        }
        // Now and then a run comes to its end, and everything is as if nothing had happened.
        dir.pbi(ingest(upto)).one_of(&[0, 3]);
        let verdict = verified(&dir);
        assert_eq!(verdict["leftovers"], Value::Array(Vec::new()));
        assert_eq!(verdict["files"], lying(&dir.join("store")));
        upto += 1;
        if upto > parts.len() {
            assert_whole(&dir, &oracle, parts.len());
            std::fs::remove_dir_all(dir.join("store")).expect("the folder can go");
            upto = 1;
        }
    }
    dir.pbi(ingest(parts.len())).one_of(&[0, 3]);
    verified(&dir);
    assert_whole(&dir, &oracle, parts.len());
    println!("{killed} killed, {merges} of them merges; {rounds} came to their end before");
}

/// Insists that the store holds what the archive does, each event once, one reject for each of its
/// parts, and nothing else.
fn assert_whole(dir: &Workdir, oracle: &Oracle, parts: usize) {
    assert_eq!(dir.rejects("store", &[]).len(), parts);
    let ids = table::ids(&dir.join("store"));
    let once = ids.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let lost = oracle.events.keys().filter(|id| ids.binary_search(id).is_err()).count();
    assert_eq!((lost, once, ids.len()), (0, 0, oracle.events.len()), "lost, doubled, all");
}

#[test]
fn runs_and_merges_that_are_killed_lose_nothing_and_leave_nothing() {
    match std::env::var("PBI_KILLS").ok().and_then(|kills| kills.parse().ok()) {
        Some(kills) => kill(200_000, kills, 12),
        None => kill(3_000, 20, 6),
    }
}
