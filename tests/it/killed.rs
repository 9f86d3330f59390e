//! Kills the program at random moments: no event is lost or stored twice, and no file is left over.
//!
//! The moments follow from a seed, which is printed. `PBI_SEED=N` sets the seed; `PBI_KILLS=N` sets
//! the number of kills over a larger archive.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use crate::oracle::Oracle;
use crate::synth::{Layout, Spec, write_archive};
use crate::table;
use crate::workdir::Workdir;

/// Lower limit of the moments: a run takes longer than this on any machine.
pub const SHORTEST: Duration = Duration::from_millis(20);

/// Returns a number from an environment variable; `None` if it is not set.
pub fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a whole number")))
}

/// Runs the program and kills it unless it has ended by then. Returns true if it was killed.
pub fn kill_after(dir: &Workdir, arguments: &[&str], after: Duration) -> bool {
    let mut command = dir.command(arguments);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = command.spawn().expect("the program can be started");
    std::thread::sleep(after);
    if let Some(status) = program.try_wait().expect("the program can be asked") {
        // Each part contains a record that is rejected.
        assert!(matches!(status.code(), Some(0 | 3)), "{arguments:?}");
        return false;
    }
    // On Unix this is SIGKILL.
    program.kill().expect("the program can be killed");
    let status = program.wait().expect("the program can be waited for");
    !status.success()
}

/// Returns the report of `verify`, which must find nothing wrong.
#[track_caller]
fn verified(dir: &Workdir) -> Value {
    let ran = dir.pbi(["verify", "--store", "store", "--format", "json"]).ended(0);
    serde_json::from_str(&ran.stdout).expect("one JSON object")
}

/// Counts the files in the partitions, including hidden ones and those that no commit names.
fn count_files(store: &Path) -> usize {
    let walk = walkdir::WalkDir::new(store.join("events")).into_iter().flatten();
    walk.filter(|entry| entry.file_type().is_file())
        .filter(|entry| !entry.path().to_string_lossy().contains("_delta_log"))
        .count()
}

/// Moves the archive into `parts` folders, which are ingested one after the other.
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

/// Asserts that a kill has left files that no commit names at most, and that nothing else is wrong.
pub fn assert_whole(dir: &Workdir, seed: u64) {
    let found = dir.pbi(["verify", "--store", "store", "--format", "json"]);
    let report: Value = serde_json::from_str(&found.stdout).expect("one JSON object");
    for check in report["checks"].as_array().expect("a list") {
        let is_ok = check["failures"] == 0 || check["name"] == "strays";
        assert!(is_ok, "PBI_SEED={seed}: {report:#}");
    }
}

/// Kills `ingest` over the parts and `compact` in turn until `kills` runs were killed, then lets a
/// last run end. A complete store is deleted and built again.
fn kill(events: u64, kills: usize, parts: usize) {
    let seed = variable("PBI_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("PBI_SEED={seed} gives these moments again");
    let mut random = Rng::with_seed(seed);
    let dir = Workdir::new();
    let spec = Spec { seed: 11, events, days: 40, duplicates_share: 0.05, ..Spec::default() };
    write_archive(&dir.join("archive"), &spec, Layout::RestPages).expect("the disk has room");
    let oracle = Oracle::read(&dir.join("archive")).expect("the archive can be read");
    let parts = in_parts(&dir, "archive", parts);
    let ingest = |upto: usize| {
        let paths = parts[..upto].iter().map(String::as_str);
        let flags = ["--store", "store", "--quiet"];
        ["ingest"].into_iter().chain(paths).chain(flags).collect::<Vec<_>>()
    };
    let (mut killed, mut merges, mut rounds, mut upto) = (0, 0, 0, 1);
    // The duration of a run is learned on the way, so that most kills come before its end.
    let mut longest = Duration::from_millis(400);
    while killed < kills {
        let is_there = || dir.join("store/events/_delta_log/00000000000000000000.json").exists();
        let is_merge = (killed + rounds) % 3 == 2 && is_there();
        let merge = vec!["compact", "--store", "store"];
        let arguments = if is_merge { merge } else { ingest(upto) };
        let was_killed = kill_after(&dir, &arguments, longest.mul_f64(random.f64()));
        if is_there() {
            assert_whole(&dir, seed);
        }
        killed += usize::from(was_killed);
        merges += usize::from(was_killed && is_merge);
        rounds += usize::from(!was_killed);
        longest = longest.mul_f64(if was_killed { 1.1 } else { 0.8 }).max(SHORTEST);
        if was_killed && !is_merge {
            continue;
        }
        // A run that ends leaves the store as if no run had been killed.
        dir.pbi(ingest(upto)).one_of(&[0, 3]);
        let report = verified(&dir);
        assert_eq!(report["orphans"], Value::Array(Vec::new()), "PBI_SEED={seed}");
        assert_eq!(report["files"], count_files(&dir.join("store")));
        upto += 1;
        if upto > parts.len() {
            assert_complete(&dir, &oracle, parts.len());
            std::fs::remove_dir_all(dir.join("store")).expect("the folder can go");
            upto = 1;
        }
    }
    dir.pbi(ingest(parts.len())).one_of(&[0, 3]);
    verified(&dir);
    assert_complete(&dir, &oracle, parts.len());
    println!("{killed} runs were killed, {merges} of them of compact; {rounds} ended before");
}

/// Asserts that the store contains each event of the archive once, one reject for each part, and
/// nothing else.
fn assert_complete(dir: &Workdir, oracle: &Oracle, parts: usize) {
    assert_eq!(dir.rejects("store", &[]).len(), parts);
    let ids = table::ids(&dir.join("store"));
    let doubled = ids.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let lost = oracle.events.keys().filter(|id| ids.binary_search(id).is_err()).count();
    assert_eq!((lost, doubled, ids.len()), (0, 0, oracle.events.len()), "lost, doubled, all");
}

#[test]
fn killed_runs_lose_no_event_and_leave_no_file() {
    match variable("PBI_KILLS") {
        Some(kills) => kill(200_000, kills as usize, 12),
        None => kill(3_000, 20, 6),
    }
}

/// A killed run of `powerbi` leaves a project that is complete or as it was, and a temporary folder,
/// which the next run removes.
#[test]
fn projects_survive_kills() {
    const KILLS: usize = 8;
    let seed = variable("PBI_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("PBI_SEED={seed} gives these moments again");
    let mut random = Rng::with_seed(seed);
    let dir = Workdir::new();
    let spec = Spec { seed: 12, events: 3_000, days: 40, ..Spec::default() };
    write_archive(&dir.join("archive"), &spec, Layout::RestPages).expect("the disk has room");
    dir.ingest("store", &["archive"]).0.ended(0);
    let write = ["powerbi", "--store", "store", "--output", "project", "--overwrite-project"];
    let begin = std::time::Instant::now();
    dir.pbi(write).ended(0);
    let mut longest = begin.elapsed();
    let files = || -> Vec<(String, Vec<u8>)> {
        let walk = walkdir::WalkDir::new(dir.join("project")).sort_by_file_name();
        let files = walk.into_iter().flatten().filter(|entry| entry.file_type().is_file());
        let file = |entry: walkdir::DirEntry| {
            let bytes = std::fs::read(entry.path()).expect("the file can be read");
            (entry.path().to_string_lossy().into_owned(), bytes)
        };
        files.map(file).collect()
    };
    let complete = files();
    let mut killed = 0;
    while killed < KILLS {
        let was_killed = kill_after(&dir, &write, longest.mul_f64(random.f64()));
        killed += usize::from(was_killed);
        longest = longest.mul_f64(if was_killed { 1.1 } else { 0.8 }).max(SHORTEST);
        // Every other time, the project is written over what the killed run left.
        if killed % 2 == 0 {
            dir.pbi(write).ended(0);
            assert_eq!(files(), complete, "PBI_SEED={seed}");
        }
    }
}
