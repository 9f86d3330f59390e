//! The lock files of writers, and the removal of orphans that aborted writers left.
//!
//! A running writer has a locked file in the store's folder, and the names of its files contain
//! its name. This classifies the files in the table's folders that are not in the Delta log. The
//! file of a running writer is in progress, the file of an aborted writer is an orphan, and a file
//! of another program is left alone.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::store::delta::log::DeltaLog;
use crate::store::file_names::writer_from_name;
use crate::store::fs::disk::{Disk, DiskFile, FileLock, is_unlocked};
use crate::store::fs::paths::{file_name, is_hidden, is_partition, list_dir, parent_or_current};
use crate::store::fs::symlinks::refuse_linked_folders;
use crate::store::handle::Store;
use crate::store::provenance::{reject_file, source_log};

/// The lock of a running writer. Dropping it deletes the lock file and the folder for temporary
/// files.
#[derive(Debug)]
pub(in crate::store) struct WriterLock {
    store: Store,
    disk: Arc<TrackingDisk>,
    /// The writer's name, which the names of its files contain.
    pub(in crate::store) writer: String,
    lock_path: PathBuf,
    _lock: FileLock,
}

const LOCK_PREFIX: &str = ".writer-";

impl WriterLock {
    /// Creates the store's folder if necessary, and a lock file for a new writer in it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a folder or the lock file cannot be created, [`Error::Store`] if one of
    /// the store's folders is a link.
    pub(in crate::store) fn acquire(store: &Store) -> Result<Self> {
        let (disk, root) = (Arc::clone(store.disk()), store.root());
        disk.create_root(root).map_err(Error::io("create", root))?;
        refuse_linked_folders(root)?;
        let writer = uuid::Uuid::new_v4().simple().to_string();
        let lock_path = lock_path_of(root, &writer);
        let lock = disk.create_locked(&lock_path).map_err(Error::io("create", &lock_path))?;
        let disk = Arc::new(TrackingDisk { disk, has_failed_removal: AtomicBool::new(false) });
        let store = Store { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..store.clone() };
        let writer_lock = WriterLock { store, disk, writer, lock_path, _lock: lock };
        let temp_dir = writer_lock.temp_dir();
        writer_lock.disk.create_folder(&temp_dir).map_err(Error::io("create", &temp_dir))?;
        Ok(writer_lock)
    }

    /// Returns the store on this writer's disk, which tracks failed removals.
    pub(in crate::store) fn store(&self) -> Store {
        self.store.clone()
    }

    /// Returns the folder for temporary files.
    pub(in crate::store) fn temp_dir(&self) -> PathBuf {
        temp_dir_of(&self.lock_path)
    }

    /// Keeps the lock file when this value is dropped. So the next writer searches for orphans.
    pub(in crate::store) fn keep_lock_file(&self) {
        self.disk.has_failed_removal.store(true, Ordering::Relaxed);
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Files that cannot be deleted now are orphans, which the next writer deletes. It searches
        // for orphans only if it finds a lock file.
        let _ = self.disk.remove_folder(&self.temp_dir());
        if !self.disk.has_failed_removal.load(Ordering::Relaxed) {
            let _ = self.disk.remove(&self.lock_path);
        }
    }
}

/// The disk of one writer, which remembers whether a removal has failed.
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

/// Returns the path of a writer's lock file.
pub(in crate::store) fn lock_path_of(root: &Path, writer: &str) -> PathBuf {
    root.join(format!("{LOCK_PREFIX}{writer}"))
}

fn temp_dir_of(lock_path: &Path) -> PathBuf {
    lock_path.with_extension("work")
}

/// Files in the store's folders that may be orphans.
struct StoreDirScan {
    /// Data files and reject files, each with the writer in its name.
    data_files: Vec<(String, PathBuf)>,
    /// Source-log files, finished or not.
    source_log_files: Vec<PathBuf>,
    /// Unfinished files of the Delta log.
    unfinished_log_files: Vec<PathBuf>,
}

/// The lock files of writers.
#[derive(Default)]
pub(in crate::store) struct LockFiles {
    /// Each with the name of its writer.
    pub(in crate::store) published: Vec<(String, PathBuf)>,
    /// Created and locked, but not renamed to their final names.
    pub(in crate::store) pending: Vec<PathBuf>,
}

/// Deletes the orphans of aborted writers: temporary folders, and files that no commit refers to.
///
/// Files of running writers, including `own`, are left alone. An orphan that cannot be deleted is
/// no error: it is harmless, and the next writer tries again.
///
/// # Errors
///
/// [`Error::Store`] if the Delta log cannot be read.
pub(in crate::store) fn clean_orphans(own: &WriterLock) -> Result<()> {
    match stale_locks(parent_or_current(&own.lock_path))? {
        Some(stale) => remove_orphans(own, &stale),
        None => Ok(()),
    }
}

/// Returns the lock files of aborted writers, or `None` if there are none.
///
/// Every aborted writer leaves a lock file, because it creates that file first and deletes it last.
pub(in crate::store) fn stale_locks(root: &Path) -> Result<Option<LockFiles>> {
    let mut locks = lock_files(root).map_err(Error::io("list", root))?;
    locks.published.retain(|(_, path)| is_unlocked(path));
    Ok((!locks.published.is_empty() || !locks.pending.is_empty()).then_some(locks))
}

/// Deletes the orphans of writers whose locks were `stale` earlier.
///
/// The order of the steps matters. Files are listed before lock files: so the writer of a listed
/// file has a listed lock file, or it has ended. The Delta log is read last: so it contains
/// everything that an ended writer has committed.
fn remove_orphans(own: &WriterLock, stale: &LockFiles) -> Result<()> {
    let store = own.store();
    let listed = scan_dirs(&store).and_then(|scan| Ok((scan, lock_files(store.root())?)));
    let (scan, locks) = listed.map_err(Error::io("list", store.root()))?;
    let is_aborted =
        |writer: &str| writer != own.writer && is_unlocked(&lock_path_of(store.root(), writer));
    let is_alone =
        locks.published.iter().all(|(writer, _)| *writer == own.writer || is_aborted(writer));
    let writers: BTreeSet<&str> =
        scan.data_files.iter().map(|(writer, _)| writer.as_str()).collect();
    let aborted: BTreeSet<&str> = writers.into_iter().filter(|writer| is_aborted(writer)).collect();

    let mut referenced = BTreeSet::new();
    if store.exists()? {
        let log = DeltaLog::open(&store)?;
        referenced.extend(log.files()?.into_iter().map(|file| file.path));
        referenced.extend(source_log::referenced_files(store.root(), log.source_log_head()?)?);
    }
    if store.inventory().exists()? {
        let files = DeltaLog::open(&store.inventory())?.files()?;
        referenced.extend(files.into_iter().map(|file| file.path));
    }
    let remove = |path: &Path| {
        let _ = store.disk().remove(path);
    };
    for (_, path) in scan.data_files.iter().filter(|(writer, _)| aborted.contains(writer.as_str()))
    {
        if !referenced.contains(path) {
            remove(path);
        }
    }
    for (_, lock_path) in &stale.published {
        let _ = store.disk().remove_folder(&temp_dir_of(lock_path));
    }
    // The names of source-log files and of unfinished commits do not contain a writer. They stay
    // until no other writer runs, and so do the lock files that cause this search.
    if is_alone {
        let unreferenced = scan.source_log_files.iter().filter(|path| !referenced.contains(*path));
        unreferenced.for_each(|path| remove(path));
        scan.unfinished_log_files.iter().for_each(|path| remove(path));
        stale.pending.iter().filter(|path| is_unlocked(path)).for_each(|path| remove(path));
        // If a temporary folder could not be deleted, its lock file stays for the next writer.
        let is_removed = |lock_path: &Path| !temp_dir_of(lock_path).exists();
        let done = stale.published.iter().filter(|(_, lock_path)| is_removed(lock_path));
        done.for_each(|(_, lock_path)| remove(lock_path));
    }
    Ok(())
}

/// Returns the lock files of all writers, running or aborted.
pub(in crate::store) fn lock_files(root: &Path) -> io::Result<LockFiles> {
    let mut locks = LockFiles::default();
    for path in list_dir(root)? {
        let name = file_name(&path);
        if let Some(writer) = name.strip_prefix(LOCK_PREFIX).filter(|name| !name.contains('.')) {
            locks.published.push((writer.to_owned(), path));
        } else if name.starts_with(".new") {
            locks.pending.push(path);
        }
    }
    Ok(locks)
}

fn scan_dirs(store: &Store) -> io::Result<StoreDirScan> {
    let mut data_files = Vec::new();
    let tables = [store.events_dir(), store.inventory().table_dir()];
    let mut folders = Vec::new();
    let mut unfinished_log_files = Vec::new();
    for table in &tables {
        folders.extend(list_dir(table)?.into_iter().filter(|path| is_partition(path)));
        unfinished_log_files.extend(list_dir(&table.join("_delta_log"))?);
    }
    unfinished_log_files.retain(|path| is_hidden(path));
    for folder in &folders {
        for path in list_dir(folder)? {
            if let Some(writer) = writer_from_name(&file_name(&path)) {
                data_files.push((writer.to_owned(), path));
            }
        }
    }
    for path in list_dir(&reject_file::folder(store.root()))? {
        if let Some(writer) = reject_file::writer_from_name(&file_name(&path)) {
            data_files.push((writer.to_owned(), path));
        }
    }
    Ok(StoreDirScan {
        data_files,
        source_log_files: list_dir(&source_log::folder(store.root()))?,
        unfinished_log_files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a store with the lock file and a source-log file of an aborted writer.
    fn with_orphans() -> (tempfile::TempDir, Store, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let aborted = WriterLock::acquire(&store).unwrap();
        aborted.keep_lock_file();
        drop(aborted);
        let entries = write_entries(&store, "aborted");
        (folder, store, entries)
    }

    fn write_entries(store: &Store, writer: &str) -> PathBuf {
        let entry = source_log::SourceEntry {
            place: "/a".to_owned(),
            digest: "0".to_owned(),
            facts: crate::schema::source_log::SourceFacts::default(),
        };
        let new = source_log::NewEntries { entries: &[entry], rejects: None };
        let number = source_log::append(store.disk(), store.root(), None, writer, new).unwrap();
        source_log::path(store.root(), number.unwrap())
    }

    #[test]
    fn entries_of_a_writer_that_starts_during_a_cleanup_are_kept() {
        let (_folder, store, orphan) = with_orphans();
        let own = WriterLock::acquire(&store).unwrap();
        let stale = stale_locks(store.root()).unwrap().unwrap();
        assert_eq!(stale.published.len(), 1);
        let other = WriterLock::acquire(&store).unwrap();
        let entries = write_entries(&store, &other.writer);
        remove_orphans(&own, &stale).unwrap();
        assert!(entries.exists() && orphan.exists());
    }

    #[test]
    fn shared_orphans_are_deleted_when_no_other_writer_runs() {
        let (_folder, store, orphan) = with_orphans();
        let other = WriterLock::acquire(&store).unwrap();
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(orphan.exists());
        drop(other);
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(!orphan.exists());
        assert!(lock_files(store.root()).unwrap().published.is_empty());
    }

    #[test]
    fn writer_with_a_failed_removal_keeps_its_lock_file() {
        let (_folder, store, _) = with_orphans();
        let writer_lock = WriterLock::acquire(&store).unwrap();
        let lock_path = writer_lock.lock_path.clone();
        assert!(writer_lock.store().disk().remove(&store.root().join("missing")).is_err());
        drop(writer_lock);
        assert!(!lock_path.exists(), "a missing file is no failed removal");
        let writer_lock = WriterLock::acquire(&store).unwrap();
        let lock_path = writer_lock.lock_path.clone();
        // A folder cannot be removed as a file.
        assert!(writer_lock.store().disk().remove(&store.root().join("sources")).is_err());
        drop(writer_lock);
        assert!(lock_path.exists());
    }

    #[test]
    fn writers_start_while_others_clean() {
        let (_folder, store, _) = with_orphans();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let writer_lock = WriterLock::acquire(&store).unwrap();
                        clean_orphans(&writer_lock).unwrap();
                        assert!(
                            !is_unlocked(&writer_lock.lock_path),
                            "a running writer keeps its lock"
                        );
                        // So every writer finds a stale lock file.
                        writer_lock.keep_lock_file();
                    }
                });
            }
        });
    }
}
