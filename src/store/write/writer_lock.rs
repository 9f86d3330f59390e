//! The lock of a running writer: its lock file, its folder for temporary files, and its disk.
//!
//! A running writer has a locked file in the store's folder that says who it is, and the names of
//! its files contain its name. `signs` reads these files, `ownership` decides what follows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::store::fs::disk::{Disk, DiskFile, FileLock};
use crate::store::fs::symlinks::refuse_linked_folders;
use crate::store::fs::undeleted::UndeletedFiles;
use crate::store::handle::Store;
use crate::store::write::identity::WriterIdentity;
use crate::store::write::signs::{has_content, lock_file_content, lock_path_of, temp_dir_of};

/// The lock of a running writer. Dropping it deletes the lock file and the folder for temporary
/// files.
#[derive(Debug)]
pub(in crate::store) struct WriterLock {
    store: Store,
    disk: Arc<TrackingDisk>,
    /// The writer's name, which the names of its files contain.
    pub(in crate::store) writer: String,
    pub(in crate::store) lock_path: PathBuf,
    content: Vec<u8>,
    _lock: FileLock,
}

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
        let content = lock_file_content(&WriterIdentity::of_this_process(root));
        let content = content.map_err(Error::io("write", &lock_path))?;
        let lock =
            disk.create_locked(&lock_path, &content).map_err(Error::io("create", &lock_path))?;
        let disk = Arc::new(TrackingDisk {
            disk,
            undeleted: store.undeleted.clone(),
            has_failed_removal: AtomicBool::new(false),
            has_uncertain_rename: AtomicBool::new(false),
        });
        let store = Store { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..store.clone() };
        let writer_lock = WriterLock { store, disk, writer, lock_path, content, _lock: lock };
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

    /// Returns true if the lock file is there as it was written. Another writer deletes it if it
    /// takes this one for dead.
    pub(in crate::store) fn has_sign(&self) -> bool {
        has_content(&self.lock_path, &self.content)
    }

    /// Returns true if a version of the log may have been made although the disk reported an error.
    pub(in crate::store) fn has_uncertain_rename(&self) -> bool {
        self.disk.has_uncertain_rename.load(Ordering::Relaxed)
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

/// The disk of one writer, which remembers whether a removal has failed, and whether the outcome of
/// an exclusive rename is unknown.
#[derive(Debug)]
struct TrackingDisk {
    disk: Arc<dyn Disk>,
    undeleted: UndeletedFiles,
    has_failed_removal: AtomicBool,
    has_uncertain_rename: AtomicBool,
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
        let renamed = self.disk.rename_exclusive(from, to);
        if renamed.as_ref().is_err_and(is_uncertain) {
            self.has_uncertain_rename.store(true, Ordering::Relaxed);
        }
        renamed
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = self.track_removal(self.disk.remove(path));
        if removed.is_err() {
            self.undeleted.add(path);
        }
        removed
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.track_removal(self.disk.remove_folder(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_folder(path)
    }

    fn create_locked(&self, path: &Path, content: &[u8]) -> io::Result<FileLock> {
        self.disk.create_locked(path, content)
    }
}

/// Returns true if a rename may have happened although it failed: a share can lose a response.
fn is_uncertain(error: &io::Error) -> bool {
    let is_definite = matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::Unsupported
    );
    // Errors of this program itself have no number.
    !is_definite && error.raw_os_error().is_some()
}
