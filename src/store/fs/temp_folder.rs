//! Private temporary folders, which the next run deletes if a run could not.
//!
//! Reports that read raw files write their events to such a folder. A run that is killed cannot
//! delete it, so every run first deletes the folders whose run has ended. A folder contains a
//! locked file while it is in use; the operating system releases the lock with the process.

use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::interrupt::TemporaryPath;
use crate::store::fs::disk::{Disk, FileLock, OsDisk, is_unlocked};
use crate::store::fs::paths::{file_name, list_dir};
use crate::store::fs::permissions;

/// Start of the names of the folders.
const PREFIX: &str = "pbi-analyze-";

/// Name of the locked file in a folder.
const LOCK_NAME: &str = "in-use";

/// A temporary folder that only its owner can read. It is deleted with this value.
#[derive(Debug)]
pub(in crate::store) struct TempFolder {
    // Fields are dropped in their order: Windows deletes no folder with an open file.
    // Without a lock, for example on a share without locks, later runs leave the folder alone.
    _lock: Option<FileLock>,
    folder: TempDir,
    _registered: TemporaryPath,
}

impl TempFolder {
    /// Creates a folder in `parent`, and deletes the folders there whose run has ended.
    pub(in crate::store) fn create_in(parent: &Path) -> io::Result<TempFolder> {
        let folder = permissions::create_private_temp_dir(parent, PREFIX)?;
        let registered = TemporaryPath::new(folder.path());
        remove_abandoned(parent, folder.path());
        let lock = OsDisk.create_locked(&folder.path().join(LOCK_NAME), b"").ok();
        Ok(TempFolder { _lock: lock, folder, _registered: registered })
    }

    /// Returns the path of the folder.
    pub(in crate::store) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Deletes the folders whose run has ended. What cannot be deleted now is left to the next run.
fn remove_abandoned(parent: &Path, own: &Path) {
    for folder in list_dir(parent).unwrap_or_default() {
        let lock = folder.join(LOCK_NAME);
        let is_abandoned = file_name(&folder).starts_with(PREFIX)
            && !folder.is_symlink()
            && permissions::is_same_owner(&folder, own)
            // A folder without the file is just being created.
            && lock.is_file()
            && is_unlocked(&lock);
        if is_abandoned {
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_of_an_ended_run_is_deleted_and_others_stay() {
        let parent = tempfile::tempdir().unwrap();
        let running = TempFolder::create_in(parent.path()).unwrap();
        let abandoned = parent.path().join(format!("{PREFIX}dead"));
        std::fs::create_dir_all(abandoned.join("events")).unwrap();
        std::fs::write(abandoned.join(LOCK_NAME), "").unwrap();
        let other = parent.path().join("notes");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join(LOCK_NAME), "").unwrap();
        let young = parent.path().join(format!("{PREFIX}young"));
        std::fs::create_dir(&young).unwrap();

        let next = TempFolder::create_in(parent.path()).unwrap();
        assert!(!abandoned.exists());
        for path in [running.path(), next.path(), &other, &young] {
            assert!(path.is_dir(), "{}", path.display());
        }
        let used = [running.path().to_path_buf(), next.path().to_path_buf()];
        drop((running, next));
        assert!(used.iter().all(|path| !path.exists()));
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_its_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = TempFolder::create_in(parent.path()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        let events = folder.path().join("events");
        OsDisk.create_folder(&events).unwrap();
        OsDisk.create(&events.join("part")).unwrap();
        assert_eq!((mode(&events), mode(&events.join("part"))), (0o700, 0o600));
    }
}
