//! Paths in a store's folders: parent folder, last part, listing, partitions.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the folder that contains `path`, or `.` if the path has no parent.
pub(in crate::store) fn parent_or_current(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the paths in a folder, or none if the folder does not exist.
pub(in crate::store) fn list_dir(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Returns the last part of a path.
pub(in crate::store) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns true if a folder is a partition: of a month, or of a kind of rows of the inventory.
pub(in crate::store) fn is_partition(path: &Path) -> bool {
    let name = file_name(path);
    name.starts_with("month=") || name.starts_with("Kind=")
}

/// Returns true if a name starts with a dot, as the names of unfinished files do.
pub(in crate::store) fn is_hidden(path: &Path) -> bool {
    file_name(path).starts_with('.')
}

/// Returns true if the disk says that nothing has this path. An error is no proof of absence: a
/// share that is out of reach for a moment has lost nothing.
pub(in crate::store) fn is_absent(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

/// Returns true if a file that could not be read may be one that another command has deleted. The
/// caller must read a newer version of the log then. On Windows, a deleted file that is still open
/// refuses every access
/// (<https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-deletefilew>).
pub(in crate::store) fn may_be_deleted(path: &Path) -> bool {
    match path.try_exists() {
        Ok(exists) => !exists,
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn error_of_the_disk_is_no_absence() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_absent(&folder.path().join("missing")));
        assert!(!is_absent(folder.path()));
        // The name is too long, so the operating system cannot say if it exists.
        let unknown = folder.path().join("x".repeat(300));
        assert!(!unknown.exists() && !is_absent(&unknown));
    }
}
