//! Runs many commands on one store at the same time: the table equals that of one command, and each
//! reader sees the version of a commit.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pbi_analyze::internals::ingest;
use pbi_analyze::internals::store::{CompactScope, Disk, DiskFile, FileLock, OsDisk, Store};
use serde_json::Value;

use crate::oracle::Oracle;
use crate::synth::{Layout, Spec, write_archive};
use crate::table;
use crate::workdir::{Ran, Workdir};

const WRITERS: usize = 8;

/// Number of files with a rejected record, each in the folders of two writers.
const REJECTED: usize = 4;

/// Writes an archive with one folder per writer and each file in two of them.
fn overlapping(dir: &Workdir) -> Oracle {
    let spec = Spec { seed: 5, events: 12_000, days: 40, duplicates_share: 0.1, ..Spec::default() };
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
    // Each of two folders has a file with only a rejected record.
    for number in 0..REJECTED {
        for part in [number, number + REJECTED] {
            let name = format!("part-{part}/rejected-{number}.json");
            dir.write(&name, format!("[{{\"Id\":\"{number}\"}}]"));
        }
    }
    Oracle::read(&dir.join("archive")).expect("the archive can be read")
}

/// Runs `act` until the others are done, and returns its results.
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

/// Returns the number of events that a reader sees.
fn look(dir: &Workdir) -> u64 {
    let ran = dir.pbi(["status", "--store", "store", "--format", "json"]).ended(0);
    let events = json(&ran.stdout)["events"].as_u64().expect("a number");
    dir.pbi(["report", "top-reports", "--store", "store", "--format", "json"]).ended(0);
    events
}

/// Returns the number of events after each commit.
fn committed(dir: &Workdir) -> Vec<u64> {
    let mut events = 0;
    let mut all = vec![0];
    // A run that improves events replaces files, and their events do not count twice.
    let mut of_file = BTreeMap::new();
    for version in table::versions(&dir.join("store")) {
        let log = std::fs::read_to_string(version).expect("the log can be read");
        for line in log.lines() {
            let action = json(line);
            if let Some(stats) = action["add"]["stats"].as_str() {
                let added = json(stats)["numRecords"].as_u64().expect("a number");
                events += added;
                of_file.insert(action["add"]["path"].to_string(), added);
            }
            if action["remove"].is_object() {
                let removed = of_file.get(&action["remove"]["path"].to_string());
                events -= removed.expect("a file that was added");
            }
        }
        all.push(events);
    }
    all
}

#[test]
fn concurrent_writers_and_compactions_make_the_table_of_one_run() {
    let dir = Workdir::new();
    let oracle = overlapping(&dir);
    // Readers and compactions need a store from the beginning.
    let first = std::fs::read_dir(dir.join("part-0")).expect("a folder").next().expect("a file");
    let first = first.expect("a file").path();
    let first = [Path::new("ingest"), &first, Path::new("--store"), Path::new("store")];
    dir.pbi(first).one_of(&[0, 3]);
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
            // Only the first run with a rejected record is incomplete.
            Ran::of(&output.expect("the program can be waited for")).one_of(&[0, 3]);
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
    let mut rejected: Vec<_> =
        dir.rejects("store", &[]).into_iter().map(|rejected| rejected.raw).collect();
    rejected.sort();
    let once: Vec<_> =
        (0..REJECTED).map(|number| Some(format!("{{\"Id\":\"{number}\"}}"))).collect();
    assert_eq!(rejected, once);
    // No run was killed, so there are no orphans even before another run.
    let verdict =
        json(&dir.pbi(["verify", "--store", "store", "--format", "json"]).ended(0).stdout);
    assert_eq!(verdict["orphans"], Value::Array(Vec::new()), "{verdict:#}");
}

/// Runs one process per shard, as many machines read an archive that is too large for one. The
/// events equal those of one run, byte for byte.
#[test]
fn concurrent_runs_over_shards_store_the_events_of_one_run() {
    const SHARDS: usize = 4;
    let dir = Workdir::new();
    let spec = Spec { seed: 11, events: 8_000, days: 40, duplicates_share: 0.1, ..Spec::default() };
    write_archive(&dir.join("archive"), &spec, Layout::RestPages).expect("the disk has room");
    let files = std::fs::read_dir(dir.join("archive")).expect("the archive can be listed");
    for (number, file) in files.enumerate() {
        let file = file.expect("the archive can be listed");
        let shard = dir.join(format!("shard-{}", number % SHARDS));
        std::fs::create_dir_all(&shard).expect("the folder can be made");
        std::fs::copy(file.path(), shard.join(file.file_name())).expect("the disk has room");
    }
    let start = |shard: usize| -> Child {
        let mut command = dir.command(["ingest", &format!("shard-{shard}"), "--store", "many"]);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program can be started")
    };
    let writers: Vec<Child> = (0..SHARDS).map(start).collect();
    for writer in writers {
        Ran::of(&writer.wait_with_output().expect("the program can be waited for")).ended(0);
    }
    dir.pbi(["ingest", "archive", "--store", "one"]).ended(0);
    let events = |store: &str| dir.pbi(["export", "--store", store]).ended(0).stdout;
    let (many, one) = (events("many"), events("one"));
    assert_eq!(one.lines().count() as u64, spec.events);
    assert!(many == one, "the shards make other events than one run");
    dir.pbi(["verify", "--store", "many"]).ended(0);
}

/// A disk that runs another command as soon as a data file has its name.
#[derive(Debug)]
struct Between<F> {
    other: F,
    had_its_turn: AtomicBool,
    /// Number of data files that were begun.
    begun: AtomicUsize,
}

impl<F: Fn() + Send + Sync + 'static> Disk for Between<Named<F>> {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_folder(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        if path.to_string_lossy().ends_with(".parquet.tmp") {
            self.begun.fetch_add(1, Ordering::Relaxed);
        }
        OsDisk.create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)?;
        if to.to_string_lossy().ends_with(".parquet")
            && !self.had_its_turn.swap(true, Ordering::Relaxed)
        {
            (self.other.0)();
        }
        Ok(())
    }

    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename_exclusive(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        OsDisk.sync_folder(path)
    }

    fn create_locked(&self, path: &Path, content: &[u8]) -> io::Result<FileLock> {
        OsDisk.create_locked(path, content)
    }
}

/// A function that implements `Debug`.
struct Named<F>(F);

impl<F> std::fmt::Debug for Named<F> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("another command")
    }
}

/// Runs `act` on a disk that runs `other` in between, and returns the number of data files that
/// `act` began.
fn with_between(
    root: &Path,
    other: impl Fn() + Send + Sync + 'static,
    act: impl Fn(&Store),
) -> usize {
    let (had_its_turn, begun) = (AtomicBool::new(false), AtomicUsize::new(0));
    let disk = Arc::new(Between { other: Named(other), had_its_turn, begun });
    act(&Store::with_disk(Arc::clone(&disk) as Arc<dyn Disk>, root));
    assert!(disk.had_its_turn.load(Ordering::Relaxed));
    disk.begun.load(Ordering::Relaxed)
}

/// Writes a file of one event: numbers up to 5 are in one month, larger ones in another.
fn event(dir: &Workdir, number: u32) -> PathBuf {
    let month = if number > 5 { 2 } else { 1 };
    let event = format!(
        r#"[{{"Id":"{number}","CreationTime":"2024-0{month}-0{number}T10:00:00Z","Workload":"PowerBI"}}]"#
    );
    dir.write(&format!("{number}.json"), event)
}

/// Writes a file with many events in January, so that its data file is none of the small ones that
/// every run merges. The ids cannot be compressed.
fn many(dir: &Workdir) -> (PathBuf, Vec<String>) {
    let ids = (0..16_000_u32).map(|number| {
        let [high, low] = [1, 2].map(|part| u64::from(number * 2 + part).wrapping_pow(7));
        format!("{:016x}{:016x}", high.wrapping_mul(0x9E37_79B9_7F4A_7C15), low.swap_bytes())
    });
    let ids: Vec<String> = ids.collect();
    let events = ids.iter().map(|id| {
        format!(r#"{{"Id":"{id}","CreationTime":"2024-01-01T10:00:00Z","Workload":"PowerBI"}}"#)
    });
    let file = dir.write("many.json", events.collect::<Vec<_>>().join("\n"));
    (file, ids)
}

fn take(store: &Store, file: PathBuf) {
    let options = ingest::Options { paths: vec![file], threads: Some(1), ..Default::default() };
    ingest::ingest_into_store(store, &options, &ingest::NoProgress).expect("a healthy disk");
}

#[test]
fn concurrent_compaction_does_not_repeat_an_ingest() {
    let dir = Workdir::new();
    let root = dir.join("store");
    let (large, ids) = many(&dir);
    let files = [large, event(&dir, 2), event(&dir, 3)];
    files[..2].iter().for_each(|file| take(&Store::new(&root), file.clone()));
    let at = root.clone();
    let merge = move || {
        let merged = Store::new(&at).compact(CompactScope::All).expect("a healthy disk");
        assert_eq!(merged.replaced, 2);
    };
    let begun = with_between(&root, merge, |store| take(store, files[2].clone()));
    assert_eq!(begun, 1);
    assert_eq!(table::ids(&root).len(), ids.len() + 2);
}

#[test]
fn concurrent_ingest_does_not_repeat_a_compaction() {
    let dir = Workdir::new();
    let root = dir.join("store");
    let (large, ids) = many(&dir);
    let files = [large, event(&dir, 2), event(&dir, 9)];
    files[..2].iter().for_each(|file| take(&Store::new(&root), file.clone()));
    let (at, file) = (root.clone(), files[2].clone());
    let other = move || take(&Store::new(&at), file.clone());
    let merge = |store: &Store| {
        assert_eq!(store.compact(CompactScope::All).expect("a healthy disk").replaced, 2);
    };
    assert_eq!(with_between(&root, other, merge), 1);
    assert_eq!(table::ids(&root).len(), ids.len() + 2);
    assert_eq!(table::files(&root).len(), 2);
}

/// Two runs add the same event, the second between the snapshot and the commit of the first.
#[test]
fn events_of_a_concurrent_ingest_are_deduplicated() {
    let dir = Workdir::new();
    let root = dir.join("store");
    let files = [1, 2].map(|number| event(&dir, number));
    let again = dir.write("again.json", std::fs::read(&files[1]).expect("a file"));
    take(&Store::new(&root), files[0].clone());
    let at = root.clone();
    let other = move || take(&Store::new(&at), again.clone());
    with_between(&root, other, |store| take(store, files[1].clone()));
    assert_eq!(table::ids(&root), ["1", "2"]);
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

/// A run is suspended while other runs truncate the log beyond its version. Its version number is
/// free again, but no reader would read a commit there.
#[test]
fn suspended_run_is_not_lost() {
    let dir = Workdir::new();
    let root = dir.join("store");
    let files: Vec<_> = (1..10).map(|number| event(&dir, number)).collect();
    take(&Store::new(&root), files[0].clone());
    let (at, others) = (root.clone(), files[2..].to_vec());
    let other = move || {
        others.iter().for_each(|file| take(&Store::new(&at), file.clone()));
        let log = at.join("events/_delta_log");
        let newest = json(&std::fs::read_to_string(log.join("_last_checkpoint")).expect("a file"));
        let newest = newest["version"].as_u64().expect("a version");
        assert!(newest >= 9);
        for version in 0..newest {
            let _ = std::fs::remove_file(log.join(format!("{version:020}.json")));
        }
    };
    with_between(&root, other, |store| take(store, files[1].clone()));
    assert_eq!(table::ids(&root), ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    dir.pbi(["verify", "--store", "store"]).ended(0);
}
