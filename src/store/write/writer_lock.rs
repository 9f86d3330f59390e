//! Writers at work, and what dead ones left behind.
//!
//! Owns: the sign that a writer lives (a locked file in the store's folder), and which leftovers
//! may be taken away. A writer's files carry its name, so what lies in the table's folders and is
//! not in the log can be told apart: of a writer that lives it is work in progress, of one that
//! does not it will never be anything, and of strangers it is none of our business.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::delta::log::Log;
use crate::store::fs::disk::{Disk, DiskFile, Lock, above, is_free};

/// A writer at work. Gone with the value, and so is its folder for unfinished work.
#[derive(Debug)]
pub(in crate::store) struct Lease {
    store: Store,
    disk: Arc<Watched>,
    /// The writer's name, as its files carry it.
    pub(in crate::store) writer: String,
    sign: PathBuf,
    _lock: Lock,
}

const SIGN: &str = ".writer-";

impl Lease {
    pub(in crate::store) fn take(store: &Store) -> Result<Self> {
        let (disk, root) = (Arc::clone(store.disk()), store.root());
        disk.create_root(root).map_err(Error::io("create", root))?;
        crate::store::fs::symlinks::refuse(root)?;
        let writer = uuid::Uuid::new_v4().simple().to_string();
        let sign = sign_of(root, &writer);
        let lock = disk.lock_new(&sign).map_err(Error::io("create", &sign))?;
        let disk = Arc::new(Watched { disk, left: AtomicBool::new(false) });
        let store = Store { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..store.clone() };
        let lease = Lease { store, disk, writer, sign, _lock: lock };
        let scratch = lease.scratch();
        lease.disk.create_folder(&scratch).map_err(Error::io("create", &scratch))?;
        Ok(lease)
    }

    /// The store as this writer writes it.
    pub(in crate::store) fn store(&self) -> Store {
        self.store.clone()
    }

    /// The folder for unfinished work.
    pub(in crate::store) fn scratch(&self) -> PathBuf {
        scratch_of(&self.sign)
    }

    /// The sign stays when the writer goes: something of it may be left that nobody needs.
    pub(in crate::store) fn leave_sign(&self) {
        self.disk.left.store(true, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // What cannot be taken away now is a dead writer's, and the next one's to take away. It
        // looks for leftovers only where it sees the sign of one.
        let _ = self.disk.remove_folder(&self.scratch());
        if !self.disk.left.load(Ordering::Relaxed) {
            let _ = self.disk.remove(&self.sign);
        }
    }
}

/// The disk of one writer. It remembers whether something stayed that was to be taken away.
#[derive(Debug)]
struct Watched {
    disk: Arc<dyn Disk>,
    left: AtomicBool,
}

impl Watched {
    fn watch(&self, removed: io::Result<()>) -> io::Result<()> {
        if removed.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
            self.left.store(true, Ordering::Relaxed);
        }
        removed
    }
}

impl Disk for Watched {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.create_folder(path)
    }

    fn create_root(&self, path: &Path) -> io::Result<()> {
        self.disk.create_root(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename_new(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.watch(self.disk.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.watch(self.disk.remove_folder(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_folder(path)
    }

    fn lock_new(&self, path: &Path) -> io::Result<Lock> {
        self.disk.lock_new(path)
    }
}

/// The sign of a writer.
pub(in crate::store) fn sign_of(root: &Path, writer: &str) -> PathBuf {
    root.join(format!("{SIGN}{writer}"))
}

fn scratch_of(sign: &Path) -> PathBuf {
    sign.with_extension("work")
}

/// What stands in the store's folders.
struct Found {
    /// Files of events and of rejects, which carry a writer's name.
    data: Vec<(String, PathBuf)>,
    /// Files of marks, finished or not.
    marks: Vec<PathBuf>,
    /// Unfinished files of the log.
    log: Vec<PathBuf>,
}

/// The signs of writers.
#[derive(Default)]
pub(in crate::store) struct Signs {
    pub(in crate::store) shown: Vec<(String, PathBuf)>,
    /// Made and locked, but never given their name.
    pub(in crate::store) unshown: Vec<PathBuf>,
}

/// Takes away what dead writers left behind: work folders, files that no commit names, marks that
/// no commit names. Nothing of a writer that lives is touched, `own` among them.
///
/// A leftover that the disk keeps is no reason to stop: it harms nobody, and stays for the next.
///
/// # Errors
///
/// [`Error::Store`] where the log cannot be read.
pub(in crate::store) fn clean(own: &Lease) -> Result<()> {
    match dead(above(&own.sign))? {
        Some(dead) => take_away(own, &dead),
        None => Ok(()),
    }
}

/// The signs of writers that are dead, if there are any: whoever is cut off leaves one, as it is
/// the first to come and the last to go.
pub(in crate::store) fn dead(root: &Path) -> Result<Option<Signs>> {
    let mut signs = signs(root).map_err(Error::io("list", root))?;
    signs.shown.retain(|(_, path)| is_free(path));
    Ok((!signs.shown.is_empty() || !signs.unshown.is_empty()).then_some(signs))
}

/// Takes away what was left by writers that were dead when `dead` was looked at. The order of the
/// looks counts: whatever is found is of a writer whose sign is seen after, or of one that has
/// ended, and what that one committed is in a log that is read last.
fn take_away(own: &Lease, dead: &Signs) -> Result<()> {
    let store = own.store();
    let listed = look(&store).and_then(|found| Ok((found, signs(store.root())?)));
    let (found, now) = listed.map_err(Error::io("list", store.root()))?;
    let is_dead = |writer: &str| writer != own.writer && is_free(&sign_of(store.root(), writer));
    let is_alone = now.shown.iter().all(|(writer, _)| *writer == own.writer || is_dead(writer));
    let named: BTreeSet<&str> = found.data.iter().map(|(writer, _)| writer.as_str()).collect();
    let gone: BTreeSet<&str> = named.into_iter().filter(|writer| is_dead(writer)).collect();

    let mut held = BTreeSet::new();
    if store.exists()? {
        let log = Log::open(&store)?;
        held.extend(log.files()?.into_iter().map(|file| file.path));
        held.extend(crate::store::provenance::source_log::named(store.root(), log.head()?)?);
    }
    let remove = |path: &Path| {
        let _ = store.disk().remove(path);
    };
    for (_, path) in found.data.iter().filter(|(writer, _)| gone.contains(writer.as_str())) {
        if !held.contains(path) {
            remove(path);
        }
    }
    for (_, sign) in &dead.shown {
        let _ = store.disk().remove_folder(&scratch_of(sign));
    }
    // Marks and unfinished commits carry no writer's name: they wait until nobody else writes,
    // and so do the signs that tell of them.
    if is_alone {
        found.marks.iter().filter(|path| !held.contains(*path)).for_each(|path| remove(path));
        found.log.iter().for_each(|path| remove(path));
        dead.unshown.iter().filter(|path| is_free(path)).for_each(|path| remove(path));
        // A folder that would not go is found by its sign the next time.
        let has_gone = |sign: &Path| !scratch_of(sign).exists();
        dead.shown.iter().filter(|(_, sign)| has_gone(sign)).for_each(|(_, sign)| remove(sign));
    }
    Ok(())
}

/// The signs of writers, dead or alive.
pub(in crate::store) fn signs(root: &Path) -> io::Result<Signs> {
    let mut signs = Signs::default();
    for path in list(root)? {
        let name = file_name(&path);
        if let Some(writer) = name.strip_prefix(SIGN).filter(|name| !name.contains('.')) {
            signs.shown.push((writer.to_owned(), path));
        } else if name.starts_with(".new") {
            signs.unshown.push(path);
        }
    }
    Ok(signs)
}

fn look(store: &Store) -> io::Result<Found> {
    let mut data = Vec::new();
    for folder in list(&store.events())?.iter().filter(|path| is_partition(path)) {
        for path in list(folder)? {
            if let Some(writer) = writer_of(&file_name(&path)) {
                data.push((writer.to_owned(), path));
            }
        }
    }
    for path in list(&crate::store::provenance::rejects::folder(store.root()))? {
        if let Some(writer) = crate::store::provenance::rejects::writer_of(&file_name(&path)) {
            data.push((writer.to_owned(), path));
        }
    }
    let log = list(&store.events().join("_delta_log"))?;
    let unfinished = |path: &PathBuf| file_name(path).starts_with('.');
    Ok(Found {
        data,
        marks: list(&crate::store::provenance::source_log::folder(store.root()))?,
        log: log.into_iter().filter(unfinished).collect(),
    })
}

/// What is in a folder; nothing where there is none.
pub(in crate::store) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The last part of a path.
pub(in crate::store) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a folder is that of a month.
pub(in crate::store) fn is_partition(path: &Path) -> bool {
    file_name(path).starts_with("month=")
}

/// The name of a writer's file in the table, the number `number` of its files, that has a content
/// of this digest: a file tells by itself whether it is what was written.
pub(in crate::store) fn data_file_name(writer: &str, number: usize, digest: u128) -> String {
    format!("part-{writer}-{number:05}-{digest:032x}.parquet")
}

/// The digest that a file of the table has in its name, if it is one of ours.
pub(in crate::store) fn digest_of(name: &str) -> Option<u128> {
    writer_of(name)?;
    let digest = name.strip_suffix(".parquet")?.rsplit_once('-')?.1;
    (digest.len() == 32).then(|| u128::from_str_radix(digest, 16).ok()).flatten()
}

/// The name of the same file while it is not whole, which no glob of the table matches.
pub(in crate::store) fn unfinished_name(writer: &str, number: usize) -> String {
    format!(".part-{writer}-{number:05}.parquet.tmp")
}

/// The writer of a file of the table, finished or not, if it is one of ours.
pub(in crate::store) fn writer_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix('.').unwrap_or(name).strip_prefix("part-")?;
    let (writer, number) = rest.split_once('-')?;
    let number = number.strip_suffix(".tmp").unwrap_or(number).strip_suffix(".parquet")?;
    let is_ours = writer.len() == 32
        && writer.bytes().all(|byte| byte.is_ascii_hexdigit())
        && number.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_ours.then_some(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fs::disk::Os;
    use crate::store::provenance::source_log;

    /// A store with the sign of a dead writer and marks that it left.
    fn with_leftovers() -> (tempfile::TempDir, Store, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let dead = Lease::take(&store).unwrap();
        dead.leave_sign();
        drop(dead);
        let marks = left_marks(&store, "dead");
        (folder, store, marks)
    }

    fn left_marks(store: &Store, writer: &str) -> PathBuf {
        let mark = source_log::Mark {
            place: "/a".to_owned(),
            digest: "0".to_owned(),
            facts: crate::schema::source_log::SourceFacts::default(),
        };
        let number = source_log::append(&Os, store.root(), None, writer, (&[mark], None)).unwrap();
        source_log::path(store.root(), number.unwrap())
    }

    #[test]
    fn marks_of_a_writer_that_comes_while_another_cleans_are_not_touched() {
        let (_folder, store, left) = with_leftovers();
        let own = Lease::take(&store).unwrap();
        let dead = dead(store.root()).unwrap().unwrap();
        assert_eq!(dead.shown.len(), 1);
        let other = Lease::take(&store).unwrap();
        let marks = left_marks(&store, &other.writer);
        take_away(&own, &dead).unwrap();
        assert!(marks.exists() && left.exists());
    }

    #[test]
    fn what_has_to_wait_for_a_writer_is_taken_away_when_it_is_gone() {
        let (_folder, store, left) = with_leftovers();
        let other = Lease::take(&store).unwrap();
        clean(&Lease::take(&store).unwrap()).unwrap();
        assert!(left.exists());
        drop(other);
        clean(&Lease::take(&store).unwrap()).unwrap();
        assert!(!left.exists());
        assert!(signs(store.root()).unwrap().shown.is_empty());
    }

    #[test]
    fn a_writer_that_could_not_take_its_files_away_leaves_its_sign() {
        let (_folder, store, _) = with_leftovers();
        let lease = Lease::take(&store).unwrap();
        let sign = lease.sign.clone();
        assert!(lease.store().disk().remove(&store.root().join("missing")).is_err());
        drop(lease);
        assert!(!sign.exists(), "what was not there has not stayed");
        let lease = Lease::take(&store).unwrap();
        let sign = lease.sign.clone();
        // A folder is no file.
        assert!(lease.store().disk().remove(&store.root().join("sources")).is_err());
        drop(lease);
        assert!(sign.exists());
    }

    #[test]
    fn writers_come_while_others_clean() {
        let (_folder, store, _) = with_leftovers();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let lease = Lease::take(&store).unwrap();
                        clean(&lease).unwrap();
                        assert!(!is_free(&lease.sign), "a writer at work is seen");
                        // So that there is always something to clean.
                        lease.leave_sign();
                    }
                });
            }
        });
    }

    #[test]
    fn files_tell_their_writer_and_strangers_are_none_of_ours() {
        let writer = "0123456789abcdef0123456789abcdef";
        let name = data_file_name(writer, 7, 0xab);
        assert_eq!((writer_of(&name), digest_of(&name)), (Some(writer), Some(0xab)));
        let name = unfinished_name(writer, 7);
        assert_eq!((writer_of(&name), digest_of(&name)), (Some(writer), None));
        for stranger in [
            "part-00000-3f0c1b1e-5c2a-4b52-9e0e-0d2b8f8b1c11.c000.snappy.parquet",
            "part-0123456789abcdef0123456789abcdef-x.parquet",
            "notes.txt",
            "_SUCCESS",
        ] {
            assert_eq!(writer_of(stranger), None, "{stranger}");
        }
    }
}
