//! A disk that fails at any step, and a process that ends at any step: the store is what it was
//! before or after the commit, never anything between, and the next run puts all right.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pbi_analyze::ingest::{self, Options, Silent};
use pbi_analyze::store::{Disk, DiskFile, Extent, Lock, Os, Store};

use crate::table;
use crate::workdir::Workdir;

/// What happens at the step of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    Never,
    /// The disk fails once.
    Once,
    /// The disk is full from here on: nothing can be made or written any more, but taken away.
    Full,
    /// The process ends: this step and all that follow do not happen.
    End,
    /// The process ends in the middle of it: half of what was to be written is there.
    Half,
}

/// The disk of this machine up to the step of a number, counted from 0.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    at: usize,
    steps: AtomicUsize,
    is_over: AtomicBool,
}

/// What is to be done in a step.
enum Step {
    Whole,
    Half,
}

impl Faulty {
    fn new(fault: Fault, at: usize) -> Arc<Self> {
        let (steps, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Faulty { fault, at, steps, is_over })
    }

    /// Counts a step. `frees` says that it takes away.
    fn step(&self, frees: bool) -> io::Result<Step> {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        let refused = || io::Error::other("the disk of the test fails");
        match self.fault {
            Fault::Never => Ok(Step::Whole),
            Fault::Once if number == self.at => Err(refused()),
            Fault::Full if number >= self.at && !frees => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Fault::Half if number == self.at => {
                self.is_over.store(true, Ordering::SeqCst);
                Ok(Step::Half)
            }
            Fault::End | Fault::Half
                if number >= self.at || self.is_over.load(Ordering::SeqCst) =>
            {
                Err(refused())
            }
            _ => Ok(Step::Whole),
        }
    }

    fn whole<T>(&self, frees: bool, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.step(frees)? {
            Step::Whole => act(),
            // Steps that have no half happen, and the process ends behind them.
            Step::Half => act().and_then(|_| Err(io::Error::other("the process has ended"))),
        }
    }

    /// Whether a run needed no step as late as the one that was to go wrong.
    fn was_not_met(&self) -> bool {
        self.steps.load(Ordering::SeqCst) <= self.at
    }
}

/// The disk, to be shared with the files that are written on it.
#[derive(Debug, Clone)]
struct Shared(Arc<Faulty>);

impl Disk for Shared {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.0.whole(false, || Os.create_folder(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.whole(false, || Os.create(path))?;
        Ok(Box::new(FaultyFile { disk: Arc::clone(&self.0), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.whole(false, || Os.rename(from, to))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.whole(false, || Os.rename_new(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.whole(true, || Os.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.0.whole(true, || Os.remove_folder(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.0.whole(true, || Os.sync_folder(path))
    }

    fn lock_new(&self, path: &Path) -> io::Result<Lock> {
        self.0.whole(false, || Os.lock_new(path))
    }
}

struct FaultyFile {
    disk: Arc<Faulty>,
    file: Box<dyn DiskFile>,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.disk.step(false)? {
            Step::Whole => self.file.write_all(bytes).map(|()| bytes.len()),
            Step::Half => {
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
        self.disk.whole(false, || self.file.sync())
    }
}

/// Events of two months, by number: an archive of a few files, some of them in both steps.
fn archive(dir: &Workdir) {
    let page = |numbers: &[u32]| {
        let events = numbers.iter().map(|number| {
            format!(
                r#"{{"Id":"{:08x}-0000-4000-8000-000000000000","CreationTime":"2024-0{}-0{}T10:00:00Z","Operation":"ViewReport","Workload":"PowerBI","UserId":"a@b.c"}}"#,
                number.wrapping_mul(2_654_435_761),
                number % 2 + 1,
                number % 7 + 1
            )
        });
        format!(r#"{{"activityEventEntities":[{}]}}"#, events.collect::<Vec<_>>().join(","))
    };
    dir.write("first/a.json", page(&[0, 1, 2, 3]));
    dir.write("first/b.json", page(&[2, 3, 4]));
    dir.write("second/c.json", page(&[3, 4, 5, 6]));
    dir.write("second/d.json", page(&[0, 7]));
}

fn run(store: &Store, folder: &Path) -> pbi_analyze::Result<ingest::Summary> {
    let options = Options { paths: vec![folder.to_path_buf()], threads: Some(1) };
    ingest::into_store(store, &options, &Silent)
}

/// The ids of the store as the log has them, without a look at what else lies in its folders.
fn ids(root: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for file in Store::new(root).snapshot().expect("the store can be read").files {
        let batch = table::read(&file.path);
        assert_eq!(batch.num_rows() as u64, file.events);
        let column = batch.column_by_name("Id").expect("the column is there");
        let column = arrow::array::AsArray::as_string::<i32>(column);
        ids.extend(column.iter().map(|id| id.expect("an id").to_owned()));
    }
    ids.sort();
    ids
}

/// Everything under a folder.
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

/// Insists that nothing is wrong, nothing is left over, and the folder is what the log says.
#[track_caller]
fn assert_clean(root: &Path, context: &impl fmt::Debug) {
    let verdict = Store::new(root).verify().expect("the store can be read");
    assert!(verdict.is_sound, "{context:?}: {verdict:#?}");
    assert!(verdict.leftovers.is_empty(), "{context:?}: {verdict:#?}");
    assert!(verdict.at_work.is_empty(), "{context:?}: {verdict:#?}");
    let named = table::files(root).len();
    let present: Vec<String> = all(root);
    let parquet = present.iter().filter(|name| name.ends_with(".parquet")).count();
    assert_eq!(parquet, named, "{context:?}: {present:?}");
    let is_hidden = |name: &&String| name.split('/').any(|part| part.starts_with('.'));
    assert_eq!(present.iter().find(is_hidden), None, "{context:?}");
}

/// Lets `act` go wrong at every step, on a copy of the store `base`, and sets it right again.
/// Gives the number of points at which it went wrong.
fn at_every_step(
    dir: &Workdir,
    base: &str,
    act: &dyn Fn(&Store) -> pbi_analyze::Result<()>,
) -> usize {
    let base = dir.join(base);
    let whole = dir.join("whole");
    copy(&base, &whole);
    act(&Store::new(&whole)).expect("a healthy disk");
    let (before, after) = (ids(&base), ids(&whole));
    let events = stored(&whole);
    std::fs::remove_dir_all(&whole).expect("the folder can go");
    let mut points = 0;
    for fault in [Fault::Once, Fault::Full, Fault::End, Fault::Half] {
        for at in 0.. {
            let context = (fault, at);
            let root = dir.join("store");
            copy(&base, &root);
            let disk = Faulty::new(fault, at);
            let done = act(&Store::on(Arc::new(Shared(Arc::clone(&disk))), &root));
            if disk.was_not_met() {
                done.unwrap_or_else(|error| panic!("{context:?}: {error}"));
                std::fs::remove_dir_all(&root).expect("the folder can go");
                break;
            }
            points += 1;
            let found = ids(&root);
            assert!(found == before || found == after, "{context:?}: {found:?}");
            let healthy = Store::new(&root);
            act(&healthy).unwrap_or_else(|error| panic!("{context:?}: {error}"));
            assert_eq!(ids(&root), after, "{context:?}");
            assert_eq!(stored(&root), events, "{context:?}");
            // What was done to its end before has nothing to do, and so nothing to clean up; the
            // next command that writes something does it.
            act_again(dir, &healthy);
            assert_clean(&root, &context);
            std::fs::remove_dir_all(&root).expect("the folder can go");
        }
    }
    points
}

/// A further run that has something to write: an event that no archive of the tests has.
fn act_again(dir: &Workdir, store: &Store) {
    run(store, &dir.join("third")).expect("a healthy disk");
}

/// The sums of the accounts that the store remembers.
fn stored(root: &Path) -> (u64, u64) {
    let marks = Store::new(root).marks().expect("the marks can be read");
    let records = marks.iter().map(|mark| mark.facts.records);
    records.fold((0, 0), |sum, records| (sum.0 + records.read, sum.1 + records.stored))
}

fn prepared() -> Workdir {
    let dir = Workdir::new();
    archive(&dir);
    dir.write(
        "third/e.json",
        r#"[{"Id":"e","CreationTime":"2024-01-09T10:00:00Z","Operation":"ViewReport","Workload":"PowerBI"}]"#,
    );
    std::fs::create_dir(dir.join("none")).expect("the folder can be made");
    dir
}

#[test]
fn the_first_run_may_fail_or_end_at_any_step() {
    let dir = prepared();
    let points = at_every_step(&dir, "none", &|store| run(store, &dir.join("first")).map(|_| ()));
    println!("the first run went wrong at {points} points");
    assert!(points > 20, "{points}");
}

#[test]
fn a_later_run_may_fail_or_end_at_any_step() {
    let dir = prepared();
    run(&Store::new(&dir.join("base")), &dir.join("first")).expect("a healthy disk");
    let points = at_every_step(&dir, "base", &|store| run(store, &dir.join("second")).map(|_| ()));
    println!("a later run went wrong at {points} points");
    assert!(points > 20, "{points}");
}

#[test]
fn a_merge_may_fail_or_end_at_any_step() {
    let dir = prepared();
    for folder in ["first", "second"] {
        run(&Store::new(&dir.join("base")), &dir.join(folder)).expect("a healthy disk");
    }
    let points = at_every_step(&dir, "base", &|store| store.compact(Extent::All).map(|_| ()));
    println!("a merge went wrong at {points} points");
    assert!(points > 20, "{points}");
}
