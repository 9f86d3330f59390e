//! The disk, as far as the store changes it: files and folders made, named, brought to disk and
//! taken away.
//!
//! Owns: what of that is atomic and what survives a power cut, on each system; who may read what
//! is made is the business of [`modes`]. Everything that
//! the store changes goes through [`Disk`], so that a test can stand in for a disk that fails or
//! a process that ends at any step. Reading needs no seam: it changes nothing.

use std::fmt::Debug;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use crate::store::fs::permissions;

/// A disk. Every call is one step: it happens, or it does not.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder and those above it, and brings their names to disk. One that is there is
    /// as good.
    ///
    /// # Errors
    ///
    /// Those of the operating system, here and below.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes the store's own folder and those above it. All that is made in it takes after it.
    fn create_root(&self, path: &Path) -> io::Result<()> {
        self.create_folder(path)
    }

    /// Makes a file that must not be there yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in place of the file that may have had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a name that no file has. Of several that want the same name exactly one gets
    /// it; the others fail with [`io::ErrorKind::AlreadyExists`].
    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Deletes a folder with all that is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Brings the names in a folder to disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file that is locked from its first moment, as long as the result lives.
    fn create_locked(&self, path: &Path) -> io::Result<FileLock>;
}

/// A file being written.
pub trait DiskFile: Write + Send {
    /// Brings its content to disk, and tells its size in bytes.
    fn sync(&mut self) -> io::Result<u64>;
}

/// A locked file. The operating system takes the lock away when the process ends, however it ends.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// Whether a file is locked by nobody. Where that cannot be told, it counts as locked.
pub(in crate::store) fn is_unlocked(path: &Path) -> bool {
    match File::open(path).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) => false,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// The disk of this machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        create_missing_folders(path, permissions::create_folder)
    }

    fn create_root(&self, path: &Path) -> io::Result<()> {
        create_missing_folders(path, permissions::create_root)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OsFile(permissions::create_file(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Renaming without replacing where the system and the file system know it, else a hard link:
    /// some shares have the one, some the other. One that has neither cannot hold a store.
    fn rename_exclusive(&self, from: &Path, to: &Path) -> io::Result<()> {
        let renamed = tempfile::TempPath::try_from_path(from)?.persist_noclobber(to);
        let Err(refused) = renamed else { return Ok(()) };
        // The file is not temporary: whoever called decides what becomes of it.
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

    fn create_locked(&self, path: &Path) -> io::Result<FileLock> {
        // Locked under another name first: seen under its own, it is never without its lock.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unseen = path.with_file_name(format!(".new{name}"));
        let mut tries = 0;
        loop {
            let file = permissions::create_file(&unseen)?;
            // Whoever looks whether it is free holds the lock for that moment. A share that has
            // no locks takes nobody's leftovers away, which is the safe side.
            let _ = file.lock();
            tries += 1;
            // A new name, so that a file system without them is refused before anything is read.
            match self.rename_exclusive(&unseen, path) {
                Ok(()) => return Ok(FileLock { _file: file }),
                // Taken for a leftover in the moment before it was locked.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 10 => {}
                Err(error) => {
                    let _ = fs::remove_file(&unseen);
                    return Err(error);
                }
            }
        }
    }
}

fn create_missing_folders(path: &Path, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|above| !above.as_os_str().is_empty() && !above.exists())
        .collect();
    for &folder in missing.iter().rev() {
        match make(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(parent_or_current(folder))?,
        }
    }
    Ok(())
}

/// What it means that a file was not given a new name.
fn resolve_rename_error(from: &Path, to: &Path, error: io::Error) -> io::Result<()> {
    match error.kind() {
        // A share may do what was asked, lose its answer, and be asked again by the system.
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

/// The folder that a path stands in.
pub(in crate::store) fn parent_or_current(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn no_exclusive_rename_error(path: &Path, error: &io::Error) -> io::Error {
    let place = parent_or_current(path).display();
    io::Error::new(
        error.kind(),
        format!(
            "the file system at {place} can neither rename without replacing nor make hard links \
             ({error}), so that two commands could overwrite each other's commits; put the store \
             on another disk or share"
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

/// Some network shares refuse to bring a folder to disk, and have done it already.
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

/// Windows writes names through by itself and has no call for it.
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
    fn a_new_name_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, name] = ["1", "2", "name"].map(|name| folder.path().join(name));
        write(&one, "one");
        write(&two, "two");
        OsDisk.rename_exclusive(&one, &name).unwrap();
        let refused = OsDisk.rename_exclusive(&two, &name).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&name).unwrap(), "one");
        assert!(two.exists() && !one.exists(), "the loser keeps its file");
    }

    #[test]
    #[cfg(unix)]
    fn a_name_that_was_given_and_not_confirmed_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let [one, name] = ["1", "name"].map(|name| folder.path().join(name));
        write(&one, "one");
        fs::hard_link(&one, &name).unwrap();
        OsDisk.rename_exclusive(&one, &name).unwrap();
        assert!(!one.exists() && name.exists());
    }

    /// A file system that can neither rename without replacing nor make hard links, as the system
    /// answers for it.
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
        fn create_locked(&self, path: &Path) -> io::Result<FileLock> {
            OsDisk.create_locked(path)
        }
    }

    /// All files below a folder, with their contents.
    fn files(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
        let mut found = std::collections::BTreeMap::new();
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
        found
    }

    #[test]
    fn a_file_system_without_new_names_is_refused_with_advice_and_left_as_it_was() {
        use crate::ingest::{NoProgress, Options, Store, ingest_into_store};
        use std::sync::Arc;
        let event = |id| format!("{{\"Id\":\"{id}\",\"CreationTime\":\"2026-03-01T10:00:00\"}}");
        for kind in [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied] {
            let folder = tempfile::tempdir().unwrap();
            let [archive, root] = ["archive", "store"].map(|name| folder.path().join(name));
            fs::create_dir(&archive).unwrap();
            let options =
                Options { paths: vec![archive.clone()], threads: Some(1), ..Default::default() };
            // A store that is to be made, then one that is there.
            for number in 0..2 {
                let mut file = File::create(archive.join(format!("{number}.json"))).unwrap();
                file.write_all(event(number).as_bytes()).unwrap();
                let before = files(&root);
                let store = Store::with_disk(Arc::new(NoExclusiveRenameDisk(kind)), &root);
                let error =
                    ingest_into_store(&store, &options, &NoProgress).unwrap_err().to_string();
                let advice = "so that two commands could overwrite each other's commits; put the \
                              store on another disk or share";
                assert!(error.contains(advice), "{error}");
                assert!(error.contains("/store/events/_delta_log can neither rename"), "{error}");
                assert_eq!(files(&root), before);
                ingest_into_store(&Store::new(&root), &options, &NoProgress).unwrap();
            }
        }
    }

    #[test]
    fn a_lock_lasts_as_long_as_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(is_unlocked(&path));
        let lock = OsDisk.create_locked(&path).unwrap();
        assert!(!is_unlocked(&path));
        drop(lock);
        assert!(is_unlocked(&path) && path.exists());
    }
}
