//! Puts files into a folder: all of them, or none.
//!
//! All files are first written to a temporary folder inside the folder. Then each is moved to its
//! place. If a move fails, those that were moved are moved back.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::interrupt::TemporaryPath;

/// A folder that has not been changed yet, and the temporary folder for its new files.
pub struct StagedFolder {
    folder: PathBuf,
    staging: TempDir,
    is_new_folder: bool,
}

impl StagedFolder {
    /// Creates the folder if it is missing, and a temporary folder for the new files.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be created or written.
    pub fn create(folder: &Path) -> Result<StagedFolder> {
        let is_new_folder = !folder.exists();
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let staging = tempfile::Builder::new().prefix(".pbi-analyze-").tempdir_in(folder);
        let staging = staging.map_err(|error| {
            // The error itself names the temporary folder, which the user does not know.
            Error::io("write to", folder)(io::Error::from(error.kind()))
        })?;
        let staged = StagedFolder { folder: folder.to_path_buf(), staging, is_new_folder };
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
        let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
        for name in names {
            let place = self.folder.join(name);
            let moves = [
                (place.clone(), self.old_path().join(name)),
                (self.new_path().join(name), place.clone()),
            ];
            for (from, to) in moves.into_iter().filter(|(from, _)| from.exists()) {
                if let Err(error) = std::fs::rename(&from, &to) {
                    self.move_back(&moved);
                    return Err(Error::io("replace", &place)(error));
                }
                moved.push((from, to));
            }
        }
        self.is_new_folder = false;
        Ok(())
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
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        if self.is_new_folder {
            let _ = std::fs::remove_dir_all(self.staging.path());
            // Only an empty folder is removed. Folders above it stay.
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
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
