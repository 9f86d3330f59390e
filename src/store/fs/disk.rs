//! The disk interface of the store: every change of a file or folder is one call of [`Disk`].
//!
//! This module defines which steps are atomic and which survive a power failure, on each operating
//! system. Tests replace the disk by one that fails, or by a process that ends, at any step. Reads
//! do not go through [`Disk`], because they change nothing.

use std::fmt::Debug;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use crate::interrupt;
use crate::store::fs::paths::parent_or_current;
use crate::store::fs::permissions;

/// A disk. Every call is one step, which happens completely or fails.
pub trait Disk: Debug + Send + Sync {
    /// Creates a folder and its missing parents, and syncs their names. An existing folder is no
    /// error.
    ///
    /// # Errors
    ///
    /// Errors of the operating system, as for all methods below.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Creates the store's own folder and its missing parents. Its permissions apply to everything
    /// that is created in it.
    fn create_root(&self, path: &Path) -> io::Result<()> {
        self.create_folder(path)
    }

    /// Creates a file that must not exist yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Renames a file, and replaces an existing file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames a file to a free name. If several callers want the same name, exactly one gets it;
    /// the others fail with [`io::ErrorKind::AlreadyExists`].
    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Deletes a folder with its content.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Syncs the names in a folder to disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Creates a file that is locked until the result is dropped. It is never visible without its
    /// lock and its content, which survives a power failure.
    fn create_locked(&self, path: &Path, content: &[u8]) -> io::Result<FileLock>;
}

/// A file that is open for writing.
pub trait DiskFile: Write + Send {
    /// Syncs the content to disk, and returns the size in bytes.
    fn sync(&mut self) -> io::Result<u64>;
}

/// A locked file. The operating system releases the lock when the process ends, also after a crash.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
    /// The file under its final name, if the file system takes that for another file.
    _named_file: Option<File>,
}

/// The result of an attempt to lock a file.
pub(in crate::store) enum LockTry {
    /// Another process has locked it.
    Held,
    /// It is locked while this value exists.
    Taken(File),
    /// The file system has no locks, or fails.
    Refused(File),
}

/// Tries to lock a file.
pub(in crate::store) fn try_lock(path: &Path) -> io::Result<LockTry> {
    let file = File::open(path)?;
    Ok(match file.try_lock() {
        Ok(()) => LockTry::Taken(file),
        Err(TryLockError::WouldBlock) => LockTry::Held,
        Err(TryLockError::Error(_)) => LockTry::Refused(file),
    })
}

/// Returns true if reading an open file failed because it is locked. Windows lets nobody read a
/// locked file, not even its owner through a second handle
/// (<https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-lockfileex>). Linux passes
/// this on for shares of Windows, as "permission denied" of a file that could be opened.
pub(in crate::store) fn is_lock_violation(error: &io::Error) -> bool {
    const ERROR_LOCK_VIOLATION: i32 = 33;
    if cfg!(windows) {
        error.raw_os_error() == Some(ERROR_LOCK_VIOLATION)
    } else {
        error.kind() == io::ErrorKind::PermissionDenied
    }
}

/// Attempts to create a lock file that other processes delete.
const MAX_LOCK_ATTEMPTS: u32 = 10;

/// Returns true if no process of this machine has locked a file. If this cannot be determined, it
/// returns false.
pub(in crate::store) fn is_unlocked(path: &Path) -> bool {
    match try_lock(path) {
        Ok(locked) => matches!(locked, LockTry::Taken(_)),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// The disk of this machine. A run that was asked to stop can only delete and sync.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        interrupt::check()?;
        create_missing_folders(path, permissions::create_folder)
    }

    fn create_root(&self, path: &Path) -> io::Result<()> {
        interrupt::check()?;
        create_missing_folders(path, permissions::create_root)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        interrupt::check()?;
        Ok(Box::new(OsFile(permissions::create_file(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        interrupt::check()?;
        fs::rename(from, to)
    }

    /// Uses a rename that does not replace, if the operating system and the file system support it,
    /// or else a hard link. A store needs one of them; some network shares have neither.
    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        interrupt::check()?;
        let renamed = tempfile::TempPath::try_from_path(from)?.persist_noclobber(to);
        let Err(refused) = renamed else { return Ok(()) };
        // The file is not temporary: the caller decides whether to delete it.
        let _ = refused.path.keep();
        resolve_rename_error(from, to, refused.error)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        sync_folder(path)
    }

    fn create_locked(&self, path: &Path, content: &[u8]) -> io::Result<FileLock> {
        // The file gets its name only after it is locked.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temp_path = path.with_file_name(format!(".new{name}"));
        for _ in 1..MAX_LOCK_ATTEMPTS {
            match self.create_locked_as(&temp_path, path, content) {
                // Another process deleted the file as an orphan: before it was locked, or because
                // it runs on another machine and does not see the lock.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                created => return created,
            }
        }
        self.create_locked_as(&temp_path, path, content)
    }
}

impl OsDisk {
    /// Creates a locked file under a temporary name and renames it.
    fn create_locked_as(&self, temp: &Path, path: &Path, content: &[u8]) -> io::Result<FileLock> {
        let mut file = permissions::create_file(temp)?;
        // A process that checks the lock has it for that moment. On a share without locks, the
        // content alone says what is known about the writer.
        let _ = file.lock();
        let written = file.write_all(content).and_then(|()| file.sync_all());
        // An exclusive rename: a file system without it is refused before anything is read.
        match written.and_then(|()| self.rename_exclusive(temp, path)) {
            Ok(()) => Ok(FileLock { _file: file, _named_file: lock_by_name(path) }),
            Err(error) => {
                let _ = fs::remove_file(temp);
                Err(error)
            }
        }
    }
}

/// Locks a file whose lock is not seen under its new name. With some FUSE file systems, a hard link
/// is another file. Returns `None` if the lock is seen, or if the file system has no locks.
fn lock_by_name(path: &Path) -> Option<File> {
    match try_lock(path) {
        Ok(LockTry::Taken(file)) => Some(file),
        _ => None,
    }
}

fn create_missing_folders(path: &Path, create: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    for &folder in missing.iter().rev() {
        match create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(parent_or_current(folder))?,
        }
    }
    Ok(())
}

/// Returns the result of an exclusive rename that has failed with `error`.
fn resolve_rename_error(from: &Path, to: &Path, error: io::Error) -> io::Result<()> {
    match error.kind() {
        // A share may rename the file but lose its response, and then receive the request again.
        io::ErrorKind::AlreadyExists if is_same_file(from, to) => fs::remove_file(from),
        io::ErrorKind::Unsupported => Err(no_exclusive_rename_error(to, &error)),
        io::ErrorKind::PermissionDenied if !to.exists() => {
            Err(no_exclusive_rename_error(to, &error))
        }
        _ => Err(error),
    }
}

struct OsFile(File);

impl Write for OsFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        interrupt::check()?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DiskFile for OsFile {
    fn sync(&mut self) -> io::Result<u64> {
        self.0.sync_all()?;
        Ok(self.0.metadata()?.len())
    }
}

fn no_exclusive_rename_error(path: &Path, error: &io::Error) -> io::Error {
    let folder = parent_or_current(path).display();
    io::Error::new(
        error.kind(),
        format!(
            "the file system at {folder} can neither rename without replacing nor make hard links \
             ({error}), so two commands could overwrite each other's commits; put the store on \
             another disk or share"
        ),
    )
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    number(one).is_some_and(|one| Some(one) == number(other))
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    false
}

/// Syncs a folder. Some network shares refuse this, because they have synced it already.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// Does nothing: Windows syncs names itself and has no call for it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        let mut file = OsDisk.create(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        assert_eq!(file.sync().unwrap(), text.len() as u64);
    }

    #[test]
    fn exclusive_rename_succeeds_once() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, name] = ["1", "2", "name"].map(|name| folder.path().join(name));
        write(&one, "one");
        write(&two, "two");
        OsDisk.rename_exclusive(&one, &name).unwrap();
        let refused = OsDisk.rename_exclusive(&two, &name).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&name).unwrap(), "one");
        assert!(two.exists() && !one.exists(), "the file of the failed rename stays");
    }

    #[test]
    #[cfg(unix)]
    fn exclusive_rename_with_a_lost_response_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let [one, name] = ["1", "name"].map(|name| folder.path().join(name));
        write(&one, "one");
        fs::hard_link(&one, &name).unwrap();
        OsDisk.rename_exclusive(&one, &name).unwrap();
        assert!(!one.exists() && name.exists());
    }

    /// A file system that can neither rename without replacing nor make hard links, with the error
    /// of the operating system.
    #[derive(Debug)]
    struct NoExclusiveRenameDisk(io::ErrorKind);

    impl Disk for NoExclusiveRenameDisk {
        fn create_folder(&self, path: &Path) -> io::Result<()> {
            OsDisk.create_folder(path)
        }
        fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
            OsDisk.create(path)
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            OsDisk.rename(from, to)
        }
        fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
            resolve_rename_error(from, to, self.0.into())
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

    /// Returns all files below a folder with their contents, without the prefixes of IDs, which are
    /// a cache.
    fn files(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
        let mut found = std::collections::BTreeMap::new();
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else if path.extension().is_none_or(|extension| extension != "ids") {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
        found
    }

    #[test]
    fn file_system_without_exclusive_rename_is_refused_with_advice_and_unchanged() {
        use crate::ingest::{NoProgress, Options, Store, ingest_into_store};
        use std::sync::Arc;
        let event = |id| format!("{{\"Id\":\"{id}\",\"CreationTime\":\"2026-03-01T10:00:00\"}}");
        for kind in [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied] {
            let folder = tempfile::tempdir().unwrap();
            let [archive, root] = ["archive", "store"].map(|name| folder.path().join(name));
            fs::create_dir(&archive).unwrap();
            let options =
                Options { paths: vec![archive.clone()], threads: Some(1), ..Default::default() };
            // First a new store, then an existing one.
            for number in 0..2 {
                let mut file = File::create(archive.join(format!("{number}.json"))).unwrap();
                file.write_all(event(number).as_bytes()).unwrap();
                let before = files(&root);
                let store = Store::with_disk(Arc::new(NoExclusiveRenameDisk(kind)), &root);
                let error =
                    ingest_into_store(&store, &options, &NoProgress).unwrap_err().to_string();
                let advice = "so two commands could overwrite each other's commits; put the \
                              store on another disk or share";
                assert!(error.contains(advice), "{error}");
                assert!(error.contains("/store/events/_delta_log can neither rename"), "{error}");
                assert_eq!(files(&root), before);
                ingest_into_store(&Store::new(&root), &options, &NoProgress).unwrap();
            }
        }
    }

    #[test]
    fn lock_lasts_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(is_unlocked(&path));
        let lock = OsDisk.create_locked(&path, b"content").unwrap();
        assert!(!is_unlocked(&path));
        drop(lock);
        assert!(is_unlocked(&path));
        assert_eq!(fs::read(&path).unwrap(), b"content");
    }
}
