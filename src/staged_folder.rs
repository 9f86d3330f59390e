//! Puts files into a folder: all of them, or none.
//!
//! All files are first written to a temporary folder inside the folder. Then each is moved to its
//! place. If a move fails, those that were moved are moved back. If a run is killed, the next one
//! does this, and removes the temporary folder.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::interrupt::TemporaryPath;

/// Start of the names of temporary folders.
const STAGING_PREFIX: &str = ".pbi-analyze-";

/// Name of the file that a run locks in its temporary folder. The system unlocks it if the run ends
/// in any way.
const LOCK_FILE: &str = "lock";

/// Time after which an empty temporary folder belongs to no run that starts.
const START_TIME: Duration = Duration::from_secs(60);

/// Name of the file in a temporary folder that lists the new files. It is there while files are
/// moved.
const JOURNAL_FILE: &str = "moves";

/// Separates the names in the journal.
const SEPARATOR: char = '\0';

/// A folder that has not been changed yet, and the temporary folder for its new files.
pub struct StagedFolder {
    folder: PathBuf,
    staging: TempDir,
    lock: Option<File>,
    is_new_folder: bool,
}

impl StagedFolder {
    /// Creates the folder if it is missing, and a temporary folder for the new files. Removes what
    /// killed runs left.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be created or written.
    pub fn create(folder: &Path) -> Result<StagedFolder> {
        let is_new_folder = !folder.exists();
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        recover(folder)?;
        let staging = tempfile::Builder::new().prefix(STAGING_PREFIX).tempdir_in(folder);
        let staging = staging.map_err(|error| {
            // The error itself names the temporary folder, which the user does not know.
            Error::io("write to", folder)(io::Error::from(error.kind()))
        })?;
        let lock = File::create(staging.path().join(LOCK_FILE));
        let lock = lock.map_err(Error::io("write to", folder))?;
        // Some file systems have no locks. There, the next run does not remove the folder.
        let lock = Some(lock).filter(|lock| lock.try_lock().is_ok());
        let staged = StagedFolder { folder: folder.to_path_buf(), staging, lock, is_new_folder };
        for path in [staged.new_path(), staged.old_path()] {
            std::fs::create_dir(&path).map_err(Error::io("write to", folder))?;
        }
        Ok(staged)
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folder for the new files.
    pub fn new_path(&self) -> PathBuf {
        self.staging.path().join("new")
    }

    /// Returns the folder for the files that are replaced.
    pub(crate) fn old_path(&self) -> PathBuf {
        self.staging.path().join("old")
    }

    /// Registers the temporary folder, so that it is deleted if the program is stopped.
    pub fn register(&self) -> TemporaryPath {
        TemporaryPath::new(self.staging.path())
    }

    /// Moves the new files and folders with these names to their places, and the earlier ones out
    /// of it. A name without a new file is removed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if one cannot be moved. The folder is then as it was before.
    pub fn publish<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Result<()> {
        let names: Vec<&str> = names.into_iter().collect();
        self.write_journal(&names)?;
        let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
        for name in names {
            let place = self.folder.join(name);
            for (from, to) in self.moves(name).into_iter().filter(|(from, _)| from.exists()) {
                if let Err(error) = std::fs::rename(&from, &to) {
                    self.move_back(&moved);
                    return Err(Error::io("replace", &place)(error));
                }
                moved.push((from, to));
            }
        }
        self.is_new_folder = false;
        self.remove_journal();
        Ok(())
    }

    /// Returns the moves of a name: the earlier file out of its place, and the new file into it.
    fn moves(&self, name: &str) -> [(PathBuf, PathBuf); 2] {
        let place = self.folder.join(name);
        let old = (place.clone(), self.old_path().join(name));
        [old, (self.new_path().join(name), place)]
    }

    /// Lists the names that have new files. The list is complete or not there.
    fn write_journal(&self, names: &[&str]) -> Result<()> {
        let is_new = |name: &&&str| self.new_path().join(name).exists();
        let listed: Vec<&str> = names.iter().filter(is_new).copied().collect();
        let text = listed.join(&SEPARATOR.to_string());
        let journal = self.staging.path().join(JOURNAL_FILE);
        let unfinished = journal.with_extension("new");
        write_synced(&unfinished, text.as_bytes(), &self.folder)?;
        std::fs::rename(&unfinished, &journal).map_err(Error::io("write to", &self.folder))
    }

    /// Removes the journal, so that nothing is moved back anymore. If it cannot be removed, the
    /// temporary folder is kept for the next run.
    fn remove_journal(&mut self) {
        if std::fs::remove_file(self.staging.path().join(JOURNAL_FILE)).is_err() {
            self.staging.disable_cleanup(true);
        }
    }

    /// Undoes moves, the last one first. If one cannot be undone, the earlier files stay where they
    /// are, and the temporary folder is kept.
    fn move_back(&mut self, moved: &[(PathBuf, PathBuf)]) {
        for (from, to) in moved.iter().rev() {
            if std::fs::rename(to, from).is_err() {
                self.staging.disable_cleanup(true);
                self.is_new_folder = false;
                return;
            }
        }
        self.remove_journal();
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        // Windows removes no folder with an open file.
        self.lock = None;
        if self.is_new_folder {
            let _ = std::fs::remove_dir_all(self.staging.path());
            // Only an empty folder is removed. Folders above it stay.
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

/// Removes what killed runs left in a folder. If a run was killed while it moved files, the folder
/// is then as it was before that run.
///
/// # Errors
///
/// [`Error::Io`] if the folder cannot be read or written.
pub fn recover(folder: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", folder))?;
        let is_staging = entry.file_name().to_string_lossy().starts_with(STAGING_PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_staging && is_abandoned(&entry.path()) {
            let removed =
                restore(folder, &entry.path()).and_then(|()| std::fs::remove_dir_all(entry.path()));
            removed.map_err(Error::io("write to", folder))?;
        }
    }
    Ok(())
}

/// Returns true if no run uses a temporary folder.
fn is_abandoned(staging: &Path) -> bool {
    match File::options().write(true).open(staging.join(LOCK_FILE)) {
        Ok(lock) => lock.try_lock().is_ok(),
        // The lock is the first file of a folder. A folder with others only is one that was being
        // removed, and an empty one can belong to a run that starts right now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let age = staging.metadata().and_then(|folder| folder.modified());
            let age = age.ok().and_then(|modified| modified.elapsed().ok());
            age.is_some_and(|age| age > START_TIME)
                || std::fs::read_dir(staging).is_ok_and(|mut entries| entries.next().is_some())
        }
        Err(_) => false,
    }
}

/// Moves the files back that a run has moved. If this is stopped too, it can be repeated.
fn restore(folder: &Path, staging: &Path) -> io::Result<()> {
    let journal = match std::fs::read_to_string(staging.join(JOURNAL_FILE)) {
        Ok(journal) => journal,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for name in journal.split(SEPARATOR).filter(|name| is_file_name(name)) {
        let (new, place) = (staging.join("new").join(name), folder.join(name));
        if !new.exists() && place.exists() {
            std::fs::rename(&place, &new)?;
        }
    }
    for entry in std::fs::read_dir(staging.join("old"))? {
        let entry = entry?;
        std::fs::rename(entry.path(), folder.join(entry.file_name()))?;
    }
    std::fs::remove_file(staging.join(JOURNAL_FILE))
}

/// Returns true for a name that is no path to another folder.
fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}

/// Writes a new file to the disk, completely. Errors name `place`.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be written.
pub fn write_synced(path: &Path, bytes: &[u8], place: &Path) -> Result<()> {
    let failed = || Error::io("write", place);
    let mut file = File::create(path).map_err(failed())?;
    file.write_all(bytes).map_err(failed())?;
    // Without the sync, a power failure after the move could leave an empty file.
    file.sync_all().map_err(failed())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    /// Returns all files below a folder with their texts.
    fn texts(folder: &Path) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(texts(&path));
                found.insert(path, String::new());
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path, text);
            }
        }
        found
    }

    /// Returns a folder with earlier files, and new files for it. `a` replaces a file, `b` a
    /// folder. `c` is new, and `d` is removed.
    fn staged() -> (TempDir, StagedFolder) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("b")).unwrap();
        for name in ["a", "b/1", "b/2", "d", "mine"] {
            std::fs::write(root.path().join(name), "old").unwrap();
        }
        let staged = StagedFolder::create(root.path()).unwrap();
        std::fs::create_dir(staged.new_path().join("b")).unwrap();
        for name in ["a", "b/1", "c"] {
            std::fs::write(staged.new_path().join(name), "new").unwrap();
        }
        (root, staged)
    }

    /// Ends a run as if it was killed.
    fn kill(mut staged: StagedFolder) {
        staged.lock = None;
        std::mem::forget(staged);
    }

    #[test]
    fn run_that_was_killed_at_any_move_is_undone_by_the_next() {
        let expected = 2 * NAMES.len();
        for done in 0..=expected {
            let (root, staged) = staged();
            let mut before = texts(root.path());
            before.retain(|path, _| !path.to_string_lossy().contains(STAGING_PREFIX));
            staged.write_journal(&NAMES).unwrap();
            let moves: Vec<_> = NAMES.iter().flat_map(|name| staged.moves(name)).collect();
            assert_eq!(moves.len(), expected);
            for (from, to) in moves.iter().take(done).filter(|(from, _)| from.exists()) {
                std::fs::rename(from, to).unwrap();
            }
            kill(staged);
            recover(root.path()).unwrap();
            assert_eq!(texts(root.path()), before, "after {done} moves");
        }
    }

    #[test]
    fn run_that_was_killed_before_or_after_its_moves_leaves_nothing() {
        let (root, early) = staged();
        kill(early);
        let (again, late) = staged();
        let staging = late.staging.path().to_owned();
        late.publish(NAMES).unwrap();
        // As if the temporary folder was partly removed.
        std::fs::create_dir_all(staging.join("old")).unwrap();
        for root in [root, again] {
            recover(root.path()).unwrap();
            let left = texts(root.path());
            assert!(left.keys().all(|path| !path.to_string_lossy().contains(STAGING_PREFIX)));
        }
    }

    #[test]
    fn folder_of_another_run_is_left_alone() {
        let (root, running) = staged();
        let before = texts(root.path());
        recover(root.path()).unwrap();
        assert_eq!(texts(root.path()), before);
        running.publish(NAMES).unwrap();
        let after = texts(root.path());
        assert_eq!(after[&root.path().join("a")], "new");
        assert_eq!(after[&root.path().join("mine")], "old");
        assert!(!after.contains_key(&root.path().join("d")));
    }

    #[test]
    fn journal_names_no_file_of_another_folder() {
        for name in ["", ".", "..", "../a", "/a", "a/b"] {
            assert!(!is_file_name(name), "{name}");
        }
        assert!(is_file_name("Usage.Report"));
    }
}
