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
use crate::store::delta::log::DeltaLog;
use crate::store::fs::disk::{Disk, DiskFile, FileLock, is_unlocked, parent_or_current};

/// A writer at work. Gone with the value, and so is its folder for unfinished work.
#[derive(Debug)]
pub(in crate::store) struct WriterLock {
    store: Store,
    disk: Arc<TrackingDisk>,
    /// The writer's name, as its files carry it.
    pub(in crate::store) writer: String,
    lock_path: PathBuf,
    _lock: FileLock,
}

const LOCK_PREFIX: &str = ".writer-";

impl WriterLock {
    pub(in crate::store) fn acquire(store: &Store) -> Result<Self> {
        let (disk, root) = (Arc::clone(store.disk()), store.root());
        disk.create_root(root).map_err(Error::io("create", root))?;
        crate::store::fs::symlinks::refuse_linked_folders(root)?;
        let writer = uuid::Uuid::new_v4().simple().to_string();
        let sign = lock_path(root, &writer);
        let lock = disk.create_locked(&sign).map_err(Error::io("create", &sign))?;
        let disk = Arc::new(TrackingDisk { disk, has_failed_removal: AtomicBool::new(false) });
        let store = Store { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..store.clone() };
        let lease = WriterLock { store, disk, writer, lock_path: sign, _lock: lock };
        let scratch = lease.temp_dir();
        lease.disk.create_folder(&scratch).map_err(Error::io("create", &scratch))?;
        Ok(lease)
    }

    /// The store as this writer writes it.
    pub(in crate::store) fn store(&self) -> Store {
        self.store.clone()
    }

    /// The folder for unfinished work.
    pub(in crate::store) fn temp_dir(&self) -> PathBuf {
        temp_dir_of(&self.lock_path)
    }

    /// The sign stays when the writer goes: something of it may be left that nobody needs.
    pub(in crate::store) fn keep_lock_file(&self) {
        self.disk.has_failed_removal.store(true, Ordering::Relaxed);
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // What cannot be taken away now is a dead writer's, and the next one's to take away. It
        // looks for leftovers only where it sees the sign of one.
        let _ = self.disk.remove_folder(&self.temp_dir());
        if !self.disk.has_failed_removal.load(Ordering::Relaxed) {
            let _ = self.disk.remove(&self.lock_path);
        }
    }
}

/// The disk of one writer. It remembers whether something stayed that was to be taken away.
#[derive(Debug)]
struct TrackingDisk {
    disk: Arc<dyn Disk>,
    has_failed_removal: AtomicBool,
}

impl TrackingDisk {
    fn track_removal(&self, removed: io::Result<()>) -> io::Result<()> {
        if removed.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
            self.has_failed_removal.store(true, Ordering::Relaxed);
        }
        removed
    }
}

impl Disk for TrackingDisk {
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

    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename_exclusive(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.track_removal(self.disk.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.track_removal(self.disk.remove_folder(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_folder(path)
    }

    fn create_locked(&self, path: &Path) -> io::Result<FileLock> {
        self.disk.create_locked(path)
    }
}

/// The sign of a writer.
pub(in crate::store) fn lock_path(root: &Path, writer: &str) -> PathBuf {
    root.join(format!("{LOCK_PREFIX}{writer}"))
}

fn temp_dir_of(sign: &Path) -> PathBuf {
    sign.with_extension("work")
}

/// What stands in the store's folders.
struct StoreDirScan {
    /// Files of events and of rejects, which carry a writer's name.
    data_files: Vec<(String, PathBuf)>,
    /// Files of marks, finished or not.
    source_log_files: Vec<PathBuf>,
    /// Unfinished files of the log.
    unfinished_log_files: Vec<PathBuf>,
}

/// The signs of writers.
#[derive(Default)]
pub(in crate::store) struct LockFiles {
    pub(in crate::store) published: Vec<(String, PathBuf)>,
    /// Made and locked, but never given their name.
    pub(in crate::store) pending: Vec<PathBuf>,
}

/// Takes away what dead writers left behind: work folders, files that no commit names, marks that
/// no commit names. Nothing of a writer that lives is touched, `own` among them.
///
/// A leftover that the disk keeps is no reason to stop: it harms nobody, and stays for the next.
///
/// # Errors
///
/// [`Error::Store`] where the log cannot be read.
pub(in crate::store) fn clean_orphans(own: &WriterLock) -> Result<()> {
    match stale_locks(parent_or_current(&own.lock_path))? {
        Some(dead) => remove_orphans(own, &dead),
        None => Ok(()),
    }
}

/// The signs of writers that are dead, if there are any: whoever is cut off leaves one, as it is
/// the first to come and the last to go.
pub(in crate::store) fn stale_locks(root: &Path) -> Result<Option<LockFiles>> {
    let mut signs = lock_files(root).map_err(Error::io("list", root))?;
    signs.published.retain(|(_, path)| is_unlocked(path));
    Ok((!signs.published.is_empty() || !signs.pending.is_empty()).then_some(signs))
}

/// Takes away what was left by writers that were dead when `dead` was looked at. The order of the
/// looks counts: whatever is found is of a writer whose sign is seen after, or of one that has
/// ended, and what that one committed is in a log that is read last.
fn remove_orphans(own: &WriterLock, dead: &LockFiles) -> Result<()> {
    let store = own.store();
    let listed = scan_dirs(&store).and_then(|found| Ok((found, lock_files(store.root())?)));
    let (found, now) = listed.map_err(Error::io("list", store.root()))?;
    let is_dead =
        |writer: &str| writer != own.writer && is_unlocked(&lock_path(store.root(), writer));
    let is_alone = now.published.iter().all(|(writer, _)| *writer == own.writer || is_dead(writer));
    let named: BTreeSet<&str> =
        found.data_files.iter().map(|(writer, _)| writer.as_str()).collect();
    let gone: BTreeSet<&str> = named.into_iter().filter(|writer| is_dead(writer)).collect();

    let mut held = BTreeSet::new();
    if store.exists()? {
        let log = DeltaLog::open(&store)?;
        held.extend(log.files()?.into_iter().map(|file| file.path));
        held.extend(crate::store::provenance::source_log::referenced_files(
            store.root(),
            log.source_log_head()?,
        )?);
    }
    let remove = |path: &Path| {
        let _ = store.disk().remove(path);
    };
    for (_, path) in found.data_files.iter().filter(|(writer, _)| gone.contains(writer.as_str())) {
        if !held.contains(path) {
            remove(path);
        }
    }
    for (_, sign) in &dead.published {
        let _ = store.disk().remove_folder(&temp_dir_of(sign));
    }
    // Marks and unfinished commits carry no writer's name: they wait until nobody else writes,
    // and so do the signs that tell of them.
    if is_alone {
        found
            .source_log_files
            .iter()
            .filter(|path| !held.contains(*path))
            .for_each(|path| remove(path));
        found.unfinished_log_files.iter().for_each(|path| remove(path));
        dead.pending.iter().filter(|path| is_unlocked(path)).for_each(|path| remove(path));
        // A folder that would not go is found by its sign the next time.
        let has_gone = |sign: &Path| !temp_dir_of(sign).exists();
        dead.published.iter().filter(|(_, sign)| has_gone(sign)).for_each(|(_, sign)| remove(sign));
    }
    Ok(())
}

/// The signs of writers, dead or alive.
pub(in crate::store) fn lock_files(root: &Path) -> io::Result<LockFiles> {
    let mut signs = LockFiles::default();
    for path in list_dir(root)? {
        let name = file_name(&path);
        if let Some(writer) = name.strip_prefix(LOCK_PREFIX).filter(|name| !name.contains('.')) {
            signs.published.push((writer.to_owned(), path));
        } else if name.starts_with(".new") {
            signs.pending.push(path);
        }
    }
    Ok(signs)
}

fn scan_dirs(store: &Store) -> io::Result<StoreDirScan> {
    let mut data = Vec::new();
    for folder in list_dir(&store.events_dir())?.iter().filter(|path| is_partition(path)) {
        for path in list_dir(folder)? {
            if let Some(writer) = writer_from_name(&file_name(&path)) {
                data.push((writer.to_owned(), path));
            }
        }
    }
    for path in list_dir(&crate::store::provenance::rejects::folder(store.root()))? {
        if let Some(writer) = crate::store::provenance::rejects::writer_from_name(&file_name(&path))
        {
            data.push((writer.to_owned(), path));
        }
    }
    let log = list_dir(&store.events_dir().join("_delta_log"))?;
    let unfinished = |path: &PathBuf| file_name(path).starts_with('.');
    Ok(StoreDirScan {
        data_files: data,
        source_log_files: list_dir(&crate::store::provenance::source_log::folder(store.root()))?,
        unfinished_log_files: log.into_iter().filter(unfinished).collect(),
    })
}

/// What is in a folder; nothing where there is none.
pub(in crate::store) fn list_dir(folder: &Path) -> io::Result<Vec<PathBuf>> {
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
pub(in crate::store) fn digest_from_name(name: &str) -> Option<u128> {
    writer_from_name(name)?;
    let digest = name.strip_suffix(".parquet")?.rsplit_once('-')?.1;
    (digest.len() == 32).then(|| u128::from_str_radix(digest, 16).ok()).flatten()
}

/// The name of the same file while it is not whole, which no glob of the table matches.
pub(in crate::store) fn temp_file_name(writer: &str, number: usize) -> String {
    format!(".part-{writer}-{number:05}.parquet.tmp")
}

/// The writer of a file of the table, finished or not, if it is one of ours.
pub(in crate::store) fn writer_from_name(name: &str) -> Option<&str> {
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
    use crate::store::fs::disk::OsDisk;
    use crate::store::provenance::source_log;

    /// A store with the sign of a dead writer and marks that it left.
    fn with_leftovers() -> (tempfile::TempDir, Store, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let dead = WriterLock::acquire(&store).unwrap();
        dead.keep_lock_file();
        drop(dead);
        let marks = left_marks(&store, "dead");
        (folder, store, marks)
    }

    fn left_marks(store: &Store, writer: &str) -> PathBuf {
        let mark = source_log::SourceEntry {
            place: "/a".to_owned(),
            digest: "0".to_owned(),
            facts: crate::schema::source_log::SourceFacts::default(),
        };
        let number =
            source_log::append(&OsDisk, store.root(), None, writer, (&[mark], None)).unwrap();
        source_log::path(store.root(), number.unwrap())
    }

    #[test]
    fn marks_of_a_writer_that_comes_while_another_cleans_are_not_touched() {
        let (_folder, store, left) = with_leftovers();
        let own = WriterLock::acquire(&store).unwrap();
        let dead = stale_locks(store.root()).unwrap().unwrap();
        assert_eq!(dead.published.len(), 1);
        let other = WriterLock::acquire(&store).unwrap();
        let marks = left_marks(&store, &other.writer);
        remove_orphans(&own, &dead).unwrap();
        assert!(marks.exists() && left.exists());
    }

    #[test]
    fn what_has_to_wait_for_a_writer_is_taken_away_when_it_is_gone() {
        let (_folder, store, left) = with_leftovers();
        let other = WriterLock::acquire(&store).unwrap();
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(left.exists());
        drop(other);
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(!left.exists());
        assert!(lock_files(store.root()).unwrap().published.is_empty());
    }

    #[test]
    fn a_writer_that_could_not_take_its_files_away_leaves_its_sign() {
        let (_folder, store, _) = with_leftovers();
        let lease = WriterLock::acquire(&store).unwrap();
        let sign = lease.lock_path.clone();
        assert!(lease.store().disk().remove(&store.root().join("missing")).is_err());
        drop(lease);
        assert!(!sign.exists(), "what was not there has not stayed");
        let lease = WriterLock::acquire(&store).unwrap();
        let sign = lease.lock_path.clone();
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
                        let lease = WriterLock::acquire(&store).unwrap();
                        clean_orphans(&lease).unwrap();
                        assert!(!is_unlocked(&lease.lock_path), "a writer at work is seen");
                        // So that there is always something to clean.
                        lease.keep_lock_file();
                    }
                });
            }
        });
    }

    #[test]
    fn files_tell_their_writer_and_strangers_are_none_of_ours() {
        let writer = "0123456789abcdef0123456789abcdef";
        let name = data_file_name(writer, 7, 0xab);
        assert_eq!((writer_from_name(&name), digest_from_name(&name)), (Some(writer), Some(0xab)));
        let name = temp_file_name(writer, 7);
        assert_eq!((writer_from_name(&name), digest_from_name(&name)), (Some(writer), None));
        for stranger in [
            "part-00000-3f0c1b1e-5c2a-4b52-9e0e-0d2b8f8b1c11.c000.snappy.parquet",
            "part-0123456789abcdef0123456789abcdef-x.parquet",
            "notes.txt",
            "_SUCCESS",
        ] {
            assert_eq!(writer_from_name(stranger), None, "{stranger}");
        }
    }
}
