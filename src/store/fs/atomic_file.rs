//! Durable atomic writes: a file gets its name only after its content is on disk.
//!
//! The steps are always the same: create the folder, create the file, write, sync, rename, sync the
//! folder. Until the rename, the file has a temporary name that no reader matches. So a reader sees
//! the whole file or none.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::store::fs::disk::{Disk, DiskFile};
use crate::store::fs::paths::parent_or_current;

/// The way in which a finished file gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Publish {
    /// The name replaces a file of the same name. No commit refers to the file yet, so it is
    /// deleted if its name cannot be synced.
    Unreferenced,
    /// The name replaces a file of the same name. Readers see it at once, so it is never deleted.
    Replace,
    /// The name must be free. Readers see it at once, so it is never deleted.
    Exclusive,
    /// Like `Unreferenced`, but nothing is synced: the file is only used by this process.
    Temporary,
}

/// A file under a temporary name. Dropped without [`AtomicFile::publish`], it is deleted.
pub(in crate::store) struct AtomicFile {
    output: HashingWriter,
    guard: FileGuard,
}

impl AtomicFile {
    /// Creates the file, and `folder` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder or the file cannot be created.
    pub(in crate::store) fn create(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        temp_name: &str,
    ) -> Result<AtomicFile> {
        disk.create_folder(folder).map_err(Error::io("create", folder))?;
        let path = folder.join(temp_name);
        let file = disk.create(&path).inspect_err(|_| remove_partial(&**disk, &path));
        let file = file.map_err(Error::io("create", &path))?;
        let guard = FileGuard { disk: Arc::clone(disk), path, is_published: false };
        Ok(AtomicFile { output: HashingWriter { file, hash: Box::new(Xxh3::new()) }, guard })
    }

    /// Creates the file under a random temporary name.
    ///
    /// # Errors
    ///
    /// As [`AtomicFile::create`].
    pub(in crate::store) fn create_unnamed(
        disk: &Arc<dyn Disk>,
        folder: &Path,
    ) -> Result<AtomicFile> {
        AtomicFile::create(disk, folder, &format!(".{}.tmp", uuid::Uuid::new_v4().simple()))
    }

    /// Returns the path of the file: its temporary name.
    pub(in crate::store) fn temp_path(&self) -> &Path {
        &self.guard.path
    }

    /// Returns the digest of the bytes written so far.
    pub(in crate::store) fn digest(&self) -> u128 {
        self.output.hash.digest128()
    }

    /// Writes bytes; errors name the file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the disk refuses.
    pub(in crate::store) fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_all(bytes).map_err(Error::io("write", &self.guard.path))
    }

    /// Syncs the content, gives the file its name, and returns its size in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a step fails. Except for [`Publish::Replace`] and [`Publish::Exclusive`]
    /// after the rename, no file is left then.
    pub(in crate::store) fn publish(self, name: &str, publish: Publish) -> Result<u64> {
        // Locals are dropped in reverse order: the file is closed before the guard deletes it.
        let AtomicFile { mut guard, output: HashingWriter { mut file, .. } } = self;
        let is_durable = publish != Publish::Temporary;
        let size_bytes = if is_durable {
            file.sync().map_err(Error::io("sync", &guard.path))?
        } else {
            let metadata = std::fs::metadata(&guard.path);
            metadata.map_err(Error::io("read the size of", &guard.path))?.len()
        };
        drop(file);
        let path = guard.path.with_file_name(name);
        let renamed = match publish {
            Publish::Exclusive => guard.disk.rename_exclusive(&guard.path, &path),
            _ => guard.disk.rename(&guard.path, &path),
        };
        renamed.map_err(Error::io("write", &path))?;
        guard.path = path;
        guard.is_published = matches!(publish, Publish::Replace | Publish::Exclusive);
        if is_durable {
            let folder = parent_or_current(&guard.path);
            guard.disk.sync_folder(folder).map_err(Error::io("sync", folder))?;
        }
        guard.is_published = true;
        Ok(size_bytes)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// A file that calculates the digest of everything written to it.
struct HashingWriter {
    file: Box<dyn DiskFile>,
    hash: Box<Xxh3>,
}

impl Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The file's current path. The file is deleted with this value until it is published.
struct FileGuard {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    is_published: bool,
}

impl Drop for FileGuard {
    fn drop(&mut self) {
        if !self.is_published {
            remove_partial(&*self.disk, &self.path);
        }
    }
}

/// Deletes a file that is not published. If that fails, the next writer deletes it as an orphan.
fn remove_partial(disk: &dyn Disk, path: &Path) {
    let _ = disk.remove(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fs::disk::OsDisk;
    use crate::store::fs::paths::list_dir;

    fn create(folder: &Path) -> AtomicFile {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let mut file = AtomicFile::create_unnamed(&disk, folder).unwrap();
        file.write_bytes(b"content").unwrap();
        file
    }

    #[test]
    fn published_file_has_its_name_and_no_temporary_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        for publish in [Publish::Unreferenced, Publish::Replace, Publish::Temporary] {
            assert_eq!(create(folder.path()).publish("name", publish).unwrap(), 7);
            assert_eq!(std::fs::read(folder.path().join("name")).unwrap(), b"content");
            assert_eq!(list_dir(folder.path()).unwrap().len(), 1);
        }
    }

    #[test]
    fn taken_name_is_refused_if_it_must_be_free() {
        let folder = tempfile::tempdir().unwrap();
        create(folder.path()).publish("name", Publish::Exclusive).unwrap();
        let error = create(folder.path()).publish("name", Publish::Exclusive).unwrap_err();
        let Error::Io { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(list_dir(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn dropped_file_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        drop(create(folder.path()));
        assert!(list_dir(folder.path()).unwrap().is_empty());
    }
}
