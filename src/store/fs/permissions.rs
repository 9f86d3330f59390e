//! Permissions of new files and folders in a store.
//!
//! They are those of the parent folder, independent of the umask of the process. So the store's own
//! folder decides who can read everything in it, and a folder that is shared with a group remains
//! shared. Windows does the same itself.
//!
//! A file or folder is never more open than intended, not even for a moment. It is created with its
//! permissions, and bits that the umask has removed are restored before anything is written.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Creates the store's own folder with the permissions of its parent, minus the umask.
pub(in crate::store) fn create_root(path: &Path) -> io::Result<()> {
    imp::create_folder(path, false)
}

/// Creates a folder in a store.
pub(in crate::store) fn create_folder(path: &Path) -> io::Result<()> {
    imp::create_folder(path, true)
}

/// Creates a file in a store for writing. The file must not exist yet.
pub(in crate::store) fn create_file(path: &Path) -> io::Result<File> {
    imp::create_file(path)
}

/// Creates a temporary folder with a random name that only its owner can read.
pub(in crate::store) fn create_private_temp_dir(
    parent: &Path,
    prefix: &str,
) -> io::Result<TempDir> {
    imp::create_private_temp_dir(parent, prefix)
}

/// Returns true if two files have the same owner, or if the system does not say.
pub(in crate::store) fn is_same_owner(one: &Path, other: &Path) -> bool {
    imp::is_same_owner(one, other)
}

#[cfg(unix)]
mod imp {
    use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    use tempfile::TempDir;

    use crate::store::fs::paths::parent_or_current;

    /// The bit of a folder in which everybody may create files, for example `/tmp`.
    const STICKY: u32 = 0o1000;
    const OWNER_WRITABLE_MODE: u32 = 0o755;

    pub(in crate::store) fn create_folder(path: &Path, is_inside: bool) -> io::Result<()> {
        let mode = inherited_mode(path)? | 0o700;
        DirBuilder::new().mode(mode).create(path)?;
        if is_inside {
            let created = fs::metadata(path)?.permissions();
            restore_masked_bits(&created, mode, |permissions| {
                fs::set_permissions(path, permissions)
            })?;
        }
        Ok(())
    }

    pub(in crate::store) fn create_file(path: &Path) -> io::Result<File> {
        let mode = inherited_mode(path)? & 0o666 | 0o600;
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        let created = file.metadata()?.permissions();
        restore_masked_bits(&created, mode, |permissions| file.set_permissions(permissions))?;
        Ok(file)
    }

    pub(in crate::store) fn create_private_temp_dir(
        parent: &Path,
        prefix: &str,
    ) -> io::Result<TempDir> {
        let permissions = Permissions::from_mode(0o700);
        tempfile::Builder::new().prefix(prefix).permissions(permissions).tempdir_in(parent)
    }

    pub(in crate::store) fn is_same_owner(one: &Path, other: &Path) -> bool {
        let owner = |path| fs::symlink_metadata(path).map(|meta| meta.uid()).ok();
        owner(one).is_some_and(|one| Some(one) == owner(other))
    }

    /// Returns the permissions that the parent folder of a path allows.
    fn inherited_mode(path: &Path) -> io::Result<u32> {
        let mode = fs::metadata(parent_or_current(path))?.permissions().mode();
        let allowed = if mode & STICKY == 0 { 0o777 } else { OWNER_WRITABLE_MODE };
        Ok(mode & allowed)
    }

    /// Restores the bits that the umask has removed. A network share without these permissions may
    /// refuse: the file is then more private than intended, but never more open.
    fn restore_masked_bits(
        created: &Permissions,
        mode: u32,
        set: impl FnOnce(Permissions) -> io::Result<()>,
    ) -> io::Result<()> {
        if created.mode() & mode == mode {
            return Ok(());
        }
        // Other bits stay, for example the one that new files inherit their group with.
        match set(Permissions::from_mode(created.mode() & 0o7777 | mode)) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::Unsupported
                        | io::ErrorKind::InvalidInput
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::Path;

    use tempfile::TempDir;

    /// The temporary folder of Windows belongs to the user already.
    pub(in crate::store) fn create_private_temp_dir(
        parent: &Path,
        prefix: &str,
    ) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix(prefix).tempdir_in(parent)
    }

    pub(in crate::store) fn is_same_owner(_: &Path, _: &Path) -> bool {
        true
    }

    pub(in crate::store) fn create_folder(path: &Path, _: bool) -> io::Result<()> {
        fs::create_dir(path)
    }

    pub(in crate::store) fn create_file(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }
}
