//! Fails or ends the program at every step on disk: the store is in the state before or after the
//! commit, and the next run repairs the rest.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pbi_analyze::internals::export;
use pbi_analyze::internals::ingest::{self, NoProgress, Options};
use pbi_analyze::internals::maintenance::{self, ForgetOptions};
use pbi_analyze::internals::schema::reject::Reject;
use pbi_analyze::internals::store::{self, Disk, DiskFile, FileLock, OsDisk, Store};

use crate::table;
use crate::workdir::Workdir;

/// A fault at a step of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    Never,
    /// The disk fails once.
    Once,
    /// The disk is full from this step on: files can be deleted, but not created or written.
    Full,
    /// The process ends: this step and all later ones do not happen.
    End,
    /// The process ends during the step: half of the bytes are written.
    Half,
}

/// The disk of this machine with a fault at one step, counted from 0.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    at: usize,
    steps: AtomicUsize,
    /// Numbers of the steps that write bytes.
    writes: Mutex<Vec<usize>>,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Writes,
    Makes,
    Frees,
}

/// The part of a step that happens.
enum Extent {
    Whole,
    Half,
}

impl Faulty {
    fn new(fault: Fault, at: usize) -> Arc<Self> {
        Arc::new(Faulty { fault, at, steps: AtomicUsize::new(0), writes: Mutex::default() })
    }

    /// Counts a step and returns the part of it that happens.
    fn step(&self, what: What) -> io::Result<Extent> {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        if what == What::Writes {
            self.writes.lock().expect("no thread failed").push(number);
        }
        let happens = match self.fault {
            Fault::Never => true,
            Fault::Once => number != self.at,
            Fault::Full if number >= self.at && what != What::Frees => {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Fault::Full => true,
            Fault::Half if number == self.at && what == What::Writes => return Ok(Extent::Half),
            Fault::End | Fault::Half => number < self.at,
        };
        if happens {
            Ok(Extent::Whole)
        } else {
            Err(io::Error::other("the disk of the test fails"))
        }
    }

    /// Returns true if a run ended before the step with the fault.
    fn was_not_met(&self) -> bool {
        self.steps.load(Ordering::SeqCst) <= self.at
    }
}

/// The disk, shared with the files that are written on it.
#[derive(Debug, Clone)]
struct Shared(Arc<Faulty>);

impl Disk for Shared {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.0.step(What::Makes).and_then(|_| OsDisk.create_folder(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.step(What::Makes).and_then(|_| OsDisk.create(path))?;
        Ok(Box::new(FaultyFile { disk: Arc::clone(&self.0), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.step(What::Makes).and_then(|_| OsDisk.rename(from, to))
    }

    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.step(What::Makes).and_then(|_| OsDisk.rename_exclusive(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.step(What::Frees).and_then(|_| OsDisk.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.0.step(What::Frees).and_then(|_| OsDisk.remove_folder(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.0.step(What::Frees).and_then(|_| OsDisk.sync_folder(path))
    }

    fn create_locked(&self, path: &Path, content: &[u8]) -> io::Result<FileLock> {
        self.0.step(What::Makes).and_then(|_| OsDisk.create_locked(path, content))
    }
}

struct FaultyFile {
    disk: Arc<Faulty>,
    file: Box<dyn DiskFile>,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.disk.step(What::Writes)? {
            Extent::Whole => self.file.write_all(bytes).map(|()| bytes.len()),
            Extent::Half => {
                self.file.write_all(&bytes[..bytes.len() / 2])?;
                Err(io::Error::other("the process has ended"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for FaultyFile {
    fn sync(&mut self) -> io::Result<u64> {
        self.disk.step(What::Makes).and_then(|_| self.file.sync())
    }
}

/// Writes events of two months, by number: an archive of a few files, each with a record that is
/// rejected. The second step adds copies in both months and new events in one.
fn archive(dir: &Workdir) {
    let page = |numbers: &[u32]| {
        let events = numbers.iter().map(|number| {
            format!(
                r#"{{"Id":"{:08x}-0000-4000-8000-000000000000","CreationTime":"2024-0{}-0{}T10:00:00Z","Operation":"ViewReport","Workload":"PowerBI","UserId":"{}@b.c"}}"#,
                number.wrapping_mul(2_654_435_761),
                number % 2 + 1,
                number % 7 + 1,
                if number % 3 == 0 { "zoe" } else { "max" }
            )
        });
        let rejected = format!(r#"{{"Id":"{numbers:?}","UserId":"zoe@b.c"}}"#);
        let records = events.chain([rejected]).collect::<Vec<_>>().join(",");
        format!(r#"{{"activityEventEntities":[{records}]}}"#)
    };
    dir.write("first/a.json", page(&[0, 1, 2, 3]));
    dir.write("first/b.json", page(&[2, 3, 4]));
    dir.write("one/a.json", page(&[0, 2, 4, 2]));
    dir.write("second/c.json", page(&[3, 4, 6, 8]));
    dir.write("second/d.json", page(&[0, 10]));
}

fn run(store: &Store, folder: &Path) -> pbi_analyze::Result<ingest::IngestSummary> {
    let options =
        Options { paths: vec![folder.to_path_buf()], threads: Some(1), ..Default::default() };
    ingest::ingest_into_store(store, &options, &NoProgress)
}

/// Returns the ids of the store by its log, without other files of its folders, and then the
/// rejects.
fn ids(root: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for file in Store::new(root).snapshot().expect("the store can be read").files {
        let of_file = table::ids_of(&file.path);
        assert_eq!(of_file.len() as u64, file.events);
        ids.extend(of_file);
    }
    ids.sort();
    let mut take = |reject: Reject| {
        ids.push(format!("rejected at {} of {}", reject.position, reject.source));
        Ok(())
    };
    Store::new(root).for_each_reject(&|_| true, &mut take).expect("the rejects can be read");
    ids
}

/// Returns all files below a folder.
fn all(folder: &Path) -> Vec<String> {
    let walk = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("an entry"));
    walk.filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(folder).expect("below").display().to_string())
        .collect()
}

fn copy(from: &Path, to: &Path) {
    for name in all(from) {
        let to = to.join(&name);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("the disk has room");
        std::fs::copy(from.join(&name), to).expect("the disk has room");
    }
}

/// Asserts that `verify` finds no failure and no orphan, and that the folder contains what the log
/// names.
#[track_caller]
fn assert_clean(root: &Path, context: &impl fmt::Debug) {
    let report = Store::new(root).verify().expect("the store can be read");
    assert!(report.ok, "{context:?}: {report:#?}");
    assert!(report.orphans.is_empty(), "{context:?}: {report:#?}");
    assert!(report.in_progress.is_empty(), "{context:?}: {report:#?}");
    let named = table::files(root).len();
    let present: Vec<String> = all(root);
    let parquet = present.iter().filter(|name| name.ends_with(".parquet")).count();
    assert_eq!(parquet, named, "{context:?}: {present:?}");
    let is_hidden = |name: &&String| name.split('/').any(|part| part.starts_with('.'));
    assert_eq!(present.iter().find(is_hidden), None, "{context:?}");
}

/// A store on which a run is repeated with each fault.
struct Trial<'d> {
    dir: &'d Workdir,
    base: &'d str,
    act: &'d dyn Fn(&Store) -> pbi_analyze::Result<()>,
    /// Ids before and after a run without faults, and the sums of its accounts.
    before: Vec<String>,
    after: Vec<String>,
    sums: (u64, u64),
    /// Steps of a run without faults that write bytes.
    writes: Vec<usize>,
}

impl<'d> Trial<'d> {
    fn new(
        dir: &'d Workdir,
        base: &'d str,
        act: &'d dyn Fn(&Store) -> pbi_analyze::Result<()>,
    ) -> Self {
        let whole = dir.join("whole");
        copy(&dir.join(base), &whole);
        let disk = Faulty::new(Fault::Never, 0);
        act(&Store::with_disk(Arc::new(Shared(Arc::clone(&disk))), &whole))
            .expect("a healthy disk");
        assert_clean(&whole, &"a healthy disk");
        let writes = disk.writes.lock().expect("no thread failed").clone();
        let (before, after, sums) = (ids(&dir.join(base)), ids(&whole), sums(&whole));
        Trial { dir, base, act, before, after, sums, writes }
    }

    /// Runs again with each fault at every step, and repairs the store each time. Returns the
    /// number of runs that met their fault.
    fn at_every_step(&self, faults: &[Fault]) -> usize {
        let mut points = 0;
        for &fault in faults {
            let steps: Box<dyn Iterator<Item = usize>> = match fault {
                Fault::Half => Box::new(self.writes.iter().copied()),
                _ => Box::new(0..),
            };
            for at in steps {
                if !self.goes_wrong(fault, at) {
                    break;
                }
                points += 1;
            }
        }
        points
    }

    /// Runs again with a fault at one step. Returns false if the run ends before it.
    fn goes_wrong(&self, fault: Fault, at: usize) -> bool {
        let (context, root) = ((fault, at), self.dir.join("store"));
        if root.exists() {
            std::fs::remove_dir_all(&root).expect("the folder can go");
        }
        copy(&self.dir.join(self.base), &root);
        let disk = Faulty::new(fault, at);
        let done = (self.act)(&Store::with_disk(Arc::new(Shared(Arc::clone(&disk))), &root));
        if disk.was_not_met() {
            done.unwrap_or_else(|error| panic!("{context:?}: {error}"));
            return false;
        }
        let found = ids(&root);
        assert!(found == self.before || found == self.after, "{context:?}: {found:?}");
        assert!(done.is_err() || found == self.after, "{context:?}: it said that all was well");
        wait_for_locks(&root);
        (self.act)(&Store::new(&root)).unwrap_or_else(|error| panic!("{context:?}: {error}"));
        assert_eq!(ids(&root), self.after, "{context:?}");
        assert_eq!(sums(&root), self.sums, "{context:?}");
        assert_clean(&root, &context);
        true
    }
}

/// Waits until nobody has the lock of a writer that has ended. Other tests start programs: between
/// `fork` and `exec`, such a process has all open files of this one, and with them the lock. The
/// next run would take the writer for a running one, and leave its files.
fn wait_for_locks(root: &Path) {
    // Without a folder, the first run has failed before it had a lock.
    let Ok(entries) = std::fs::read_dir(root) else { return };
    let locks = entries.map(|entry| entry.expect("the folder can be listed").path());
    for path in locks.filter(|path| path.to_string_lossy().contains("/.writer-") && path.is_file())
    {
        let file = std::fs::File::open(&path).expect("the lock file can be opened");
        let begin = std::time::Instant::now();
        while file.try_lock().is_err() {
            assert!(begin.elapsed().as_secs() < 30, "{} stays locked", path.display());
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

/// Returns the sums of the accounts in the source log.
fn sums(root: &Path) -> (u64, u64) {
    let marks = Store::new(root).source_entries().expect("the marks can be read");
    let records = marks.iter().map(|mark| mark.facts.records);
    records.fold((0, 0), |sum, records| (sum.0 + records.read, sum.1 + records.stored))
}

fn prepared() -> Workdir {
    let dir = Workdir::new();
    archive(&dir);
    std::fs::create_dir(dir.join("none")).expect("the folder can be made");
    dir
}

#[test]
fn first_run_survives_a_failure_at_any_step() {
    let dir = prepared();
    let act = |store: &Store| run(store, &dir.join("one")).map(|_| ());
    let points =
        Trial::new(&dir, "none", &act).at_every_step(&[Fault::Once, Fault::End, Fault::Half]);
    println!("the first run went wrong at {points} points");
    assert!(points > 20, "{points}");
}

#[test]
fn later_run_survives_a_failure_at_any_step() {
    let dir = prepared();
    run(&Store::new(&dir.join("base")), &dir.join("first")).expect("a healthy disk");
    let act = |store: &Store| run(store, &dir.join("second")).map(|_| ());
    let points =
        Trial::new(&dir, "base", &act).at_every_step(&[Fault::Once, Fault::End, Fault::Half]);
    println!("a later run went wrong at {points} points");
    assert!(points > 20, "{points}");
}

/// A run that replaces files of the table, because its copies say more than the stored events.
#[test]
fn improving_run_survives_a_failure_at_any_step() {
    let dir = prepared();
    run(&Store::new(&dir.join("base")), &dir.join("first")).expect("a healthy disk");
    let page = std::fs::read_to_string(dir.join("first/a.json")).expect("the page was written");
    let richer = page.replace(r#""Workload":"PowerBI""#, r#""Workload":"PowerBI","AppId":"p1""#);
    dir.write("richer/a.json", richer);
    let act = |store: &Store| {
        run(store, &dir.join("richer"))?;
        let mut text = Vec::new();
        export::run(store, &export::Options::default(), &mut |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        })?;
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        assert_eq!(text.matches(r#""AppId":"p1""#).count(), 4, "{text}");
        Ok(())
    };
    let points =
        Trial::new(&dir, "base", &act).at_every_step(&[Fault::Once, Fault::End, Fault::Half]);
    println!("an improving run went wrong at {points} points");
    assert!(points > 20, "{points}");
}

/// Creates a store whose small files are not merged yet: the last run ended after its commit.
fn make_unmerged(dir: &Workdir, name: &str) {
    run(&Store::new(&dir.join("base")), &dir.join("first")).expect("a healthy disk");
    let root = dir.join(name);
    let files = |root: &Path| Store::new(root).snapshot().expect("a log").files.len();
    let before = files(&dir.join("base"));
    for at in 0.. {
        copy(&dir.join("base"), &root);
        let disk = Faulty::new(Fault::End, at);
        let ended = run(&Store::with_disk(Arc::new(Shared(disk)), &root), &dir.join("second"));
        if files(&root) > before {
            return;
        }
        assert!(ended.is_err(), "it merges before it commits");
        std::fs::remove_dir_all(&root).expect("the folder can go");
    }
}

#[test]
fn compaction_survives_a_failure_at_any_step() {
    let dir = prepared();
    make_unmerged(&dir, "unmerged");
    let act = |store: &Store| store.compact(store::CompactScope::All).map(|_| ());
    let points =
        Trial::new(&dir, "unmerged", &act).at_every_step(&[Fault::Once, Fault::End, Fault::Half]);
    println!("a merge went wrong at {points} points");
    assert!(points > 20, "{points}");
}

#[test]
fn forgetting_a_person_survives_a_failure_at_any_step() {
    let dir = prepared();
    for folder in ["first", "second"] {
        run(&Store::new(&dir.join("base")), &dir.join(folder)).expect("a healthy disk");
    }
    let whom = ForgetOptions {
        users: vec!["Zoe@b.c".to_owned()],
        threads: Some(1),
        ..ForgetOptions::default()
    };
    let act = |store: &Store| maintenance::forget(store, &whom).map(|_| ());
    let trial = Trial::new(&dir, "base", &act);
    assert!(trial.after.len() < trial.before.len());
    let points = trial.at_every_step(&[Fault::Once, Fault::End, Fault::Half]);
    println!("forgetting went wrong at {points} points");
    assert!(points > 20, "{points}");
}

/// The error names the file and states that there is no room, and nothing else is wrong.
#[test]
fn full_disk_at_any_step_loses_nothing() {
    let dir = prepared();
    run(&Store::new(&dir.join("base")), &dir.join("first")).expect("a healthy disk");
    let act = |store: &Store| match run(store, &dir.join("second")) {
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("no storage space"), "{said}");
            assert!(said.contains("store"), "{said}");
            Err(error)
        }
        Ok(_) => Ok(()),
    };
    let points = Trial::new(&dir, "base", &act).at_every_step(&[Fault::Full]);
    println!("the disk was full at {points} points");
    assert!(points > 20, "{points}");
}
