//! Who may read and write what is made in a store.
//!
//! Owns: the permissions of new files and folders. They are those of the folder that they are made
//! in, whatever the umask of the process: the store's own folder decides for all that is in it,
//! so that who may read the folder may read the table, and nobody else, and a folder that is
//! opened to a group stays open to it. Windows does the same by itself.
//!
//! Nothing is ever more open than it is to be, not for a moment: it is made with its permissions,
//! and what a umask took of them is given back before anything is written.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes the store's own folder: it is as open as the folder above, less what the umask takes.
pub(in crate::store) fn create_root(path: &Path) -> io::Result<()> {
    imp::make_folder(path, false)
}

/// Makes a folder in a store.
pub(in crate::store) fn create_folder(path: &Path) -> io::Result<()> {
    imp::make_folder(path, true)
}

/// Makes a file in a store, to be written. It must not be there yet.
pub(in crate::store) fn create_file(path: &Path) -> io::Result<File> {
    imp::make_file(path)
}

#[cfg(unix)]
mod imp {
    use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    use crate::store::fs::disk::parent_or_current;

    /// A folder in which everybody may make something, such as /tmp.
    const STICKY: u32 = 0o1000;
    const OWNER_WRITABLE_MODE: u32 = 0o755;

    pub(in crate::store) fn make_folder(path: &Path, is_inside: bool) -> io::Result<()> {
        let mode = inherited_mode(path)? | 0o700;
        DirBuilder::new().mode(mode).create(path)?;
        if is_inside {
            let made = fs::metadata(path)?.permissions();
            restore_masked_bits(&made, mode, |permissions| fs::set_permissions(path, permissions))?;
        }
        Ok(())
    }

    pub(in crate::store) fn make_file(path: &Path) -> io::Result<File> {
        let mode = inherited_mode(path)? & 0o666 | 0o600;
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        let made = file.metadata()?.permissions();
        restore_masked_bits(&made, mode, |permissions| file.set_permissions(permissions))?;
        Ok(file)
    }

    /// What the folder of a path allows.
    fn inherited_mode(path: &Path) -> io::Result<u32> {
        let mode = fs::metadata(parent_or_current(path))?.permissions().mode();
        let allowed = if mode & STICKY == 0 { 0o777 } else { OWNER_WRITABLE_MODE };
        Ok(mode & allowed)
    }

    /// Gives back what the umask took. A share that knows no permissions, or has its own idea of
    /// them, may refuse: what was made is then more private than it could be, never less.
    fn restore_masked_bits(
        made: &Permissions,
        mode: u32,
        set: impl FnOnce(Permissions) -> io::Result<()>,
    ) -> io::Result<()> {
        if made.mode() & mode == mode {
            return Ok(());
        }
        // What else it has, such as the group of the folder above for all within, stays.
        match set(Permissions::from_mode(made.mode() & 0o7777 | mode)) {
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

    pub(in crate::store) fn make_folder(path: &Path, _: bool) -> io::Result<()> {
        fs::create_dir(path)
    }

    pub(in crate::store) fn make_file(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }
}
