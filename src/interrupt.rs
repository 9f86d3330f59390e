//! The request to end a run early, and the files that must be deleted before the program ends.
//!
//! The command line makes the request, for example after Ctrl-C. A run that writes to a store
//! notices it at its next step on the disk, fails there, and cleans up as after any other failure.
//! A run that only reads ends at once. Nothing drops its values then, so temporary files are
//! registered here.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

static IS_REQUESTED: AtomicBool = AtomicBool::new(false);

/// The temporary files and folders that exist now.
static TEMPORARY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Asks all work of this process to end.
pub fn request() {
    IS_REQUESTED.store(true, Ordering::SeqCst);
}

/// Withdraws the request, after the work has ended. The command line never does, because its
/// process ends too. A program that embeds the library continues.
pub fn withdraw() {
    IS_REQUESTED.store(false, Ordering::SeqCst);
}

/// Fails after [`request`].
///
/// # Errors
///
/// The error of a step that was not begun, because the run was stopped.
pub fn check() -> io::Result<()> {
    match IS_REQUESTED.load(Ordering::Relaxed) {
        true => Err(io::Error::other("the run was stopped")),
        false => Ok(()),
    }
}

/// A temporary file or folder that [`delete_temporary_files`] deletes while this value exists.
#[derive(Debug)]
pub struct TemporaryPath(PathBuf);

impl TemporaryPath {
    /// Registers a path.
    pub fn new(path: &Path) -> TemporaryPath {
        lock_temporary().insert(path.to_path_buf());
        TemporaryPath(path.to_path_buf())
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        lock_temporary().remove(&self.0);
    }
}

fn lock_temporary() -> std::sync::MutexGuard<'static, BTreeSet<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Deletes the registered files and folders. Other threads may be writing to a folder, and stop
/// soon after [`request`], so it is tried several times. The next run deletes what is left.
pub fn delete_temporary_files() {
    let paths: Vec<PathBuf> = lock_temporary().iter().cloned().collect();
    paths.iter().for_each(|path| delete(path));
}

fn delete(path: &Path) {
    for _ in 0..50 {
        let is_folder = path.is_dir();
        let removed =
            if is_folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        if removed.is_ok() || !path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_files_and_folders_are_deleted_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let [file, events, kept] = ["file", "events", "kept"].map(|name| folder.path().join(name));
        for path in [&file, &kept] {
            std::fs::write(path, "").unwrap();
        }
        std::fs::create_dir(&events).unwrap();
        std::fs::write(events.join("part"), "").unwrap();
        let registered = [TemporaryPath::new(&file), TemporaryPath::new(&events)];
        drop(TemporaryPath::new(&kept));
        let paths: Vec<PathBuf> = lock_temporary().iter().cloned().collect();
        // Other tests have temporary folders of their own.
        paths.iter().filter(|path| path.starts_with(folder.path())).for_each(|path| delete(path));
        assert!(!file.exists() && !events.exists() && kept.exists());
        drop(registered);
    }
}
