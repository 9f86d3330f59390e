//! Many commands on one store at once: the table is what one command would have made, and whoever
//! reads meanwhile sees a version that some commit made.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::oracle::Oracle;
use crate::synth::{Layout, Spec, write_archive};
use crate::table;
use crate::workdir::{Ran, Workdir};

const WRITERS: usize = 8;

/// An archive, its files in as many folders as there are writers, each file in two of them.
fn overlapping(dir: &Workdir) -> Oracle {
    let spec = Spec { seed: 5, events: 12_000, days: 40, repeats_share: 0.1, ..Spec::default() };
    write_archive(&dir.join("archive"), &spec, Layout::RestPages).expect("the disk has room");
    let files = std::fs::read_dir(dir.join("archive")).expect("the archive can be listed");
    for (number, file) in files.enumerate() {
        let file = file.expect("the archive can be listed");
        for part in [number % WRITERS, (number * 7 + 3) % WRITERS] {
            let folder = dir.join(format!("part-{part}"));
            std::fs::create_dir_all(&folder).expect("the folder can be made");
            std::fs::copy(file.path(), folder.join(file.file_name())).expect("the disk has room");
        }
    }
    Oracle::read(&dir.join("archive")).expect("the archive can be read")
}

/// Runs the program until the others are done.
fn until<T>(done: &AtomicBool, mut act: impl FnMut() -> T) -> Vec<T> {
    let mut all = Vec::new();
    while !done.load(Ordering::Relaxed) {
        all.push(act());
    }
    all
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON object")
}

/// The numbers of events that readers have seen, in the order of their looks.
fn look(dir: &Workdir) -> u64 {
    let ran = dir.pbi(["status", "--store", "store", "--format", "json"]).ended(0);
    let events = json(&ran.stdout)["events"].as_u64().expect("a number");
    dir.pbi(["report", "top-reports", "--store", "store", "--format", "json"]).ended(0);
    events
}

/// The numbers of events after each commit.
fn committed(dir: &Workdir) -> Vec<u64> {
    let mut events = 0;
    let mut all = vec![0];
    for version in table::versions(&dir.join("store")) {
        let log = std::fs::read_to_string(version).expect("the log can be read");
        for line in log.lines() {
            let action = json(line);
            if action["add"]["dataChange"] == true {
                let stats = json(action["add"]["stats"].as_str().expect("statistics"));
                events += stats["numRecords"].as_u64().expect("a number");
            }
        }
        all.push(events);
    }
    all
}

#[test]
fn many_writers_and_merges_at_once_make_the_table_of_one() {
    let dir = Workdir::new();
    let oracle = overlapping(&dir);
    // So that readers and merges have something from the beginning.
    let first = std::fs::read_dir(dir.join("part-0")).expect("a folder").next().expect("a file");
    let first = first.expect("a file").path();
    dir.pbi([Path::new("ingest"), &first, Path::new("--store"), Path::new("store")]).ended(0);
    let start = |part: usize| -> Child {
        let mut command = dir.command(["ingest", &format!("part-{part}"), "--store", "store"]);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program can be started")
    };
    let writers: Vec<Child> = (0..WRITERS).map(start).collect();
    let done = AtomicBool::new(false);
    let merge = || dir.pbi(["compact", "--store", "store"]).ended(0).stdout;
    let (seen, merges) = std::thread::scope(|scope| {
        let merges = [(); 2].map(|()| scope.spawn(|| until(&done, &merge)));
        let seen = scope.spawn(|| until(&done, || look(&dir)));
        let ended: Vec<_> = writers.into_iter().map(Child::wait_with_output).collect();
        done.store(true, Ordering::Relaxed);
        for output in ended {
            Ran::of(&output.expect("the program can be waited for")).ended(0);
        }
        let merges = merges.map(|merges| merges.join().expect("no merge fails"));
        (seen.join().expect("no reader fails"), merges.concat())
    });
    let merged = merges.iter().filter(|text| !text.starts_with("nothing")).count();
    println!("{} looks, {} merges, {merged} of them merged", seen.len(), merges.len());
    assert!(seen.is_sorted(), "{seen:?}");
    let committed = committed(&dir);
    assert!(seen.iter().all(|events| committed.contains(events)), "{seen:?} of {committed:?}");
    assert!(table::ids(&dir.join("store")).iter().eq(oracle.events.keys()));
    // What was cut off by nobody left nothing, even before a further run.
    let verdict =
        json(&dir.pbi(["verify", "--store", "store", "--format", "json"]).ended(0).stdout);
    assert_eq!(verdict["leftovers"], Value::Array(Vec::new()), "{verdict:#}");
}
