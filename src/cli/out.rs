//! Writes results to stdout, or atomically to a file.

use std::fs::Permissions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::interrupt::TemporaryPath;
use crate::report::printable_char;

/// Writes a result to a file, or to stdout if there is none or it is `-`.
pub(super) fn write(bytes: &[u8], file: Option<&Path>) -> Result<()> {
    stream(file, |out| out(bytes)).map(drop)
}

/// Receives the parts of a result in order.
pub(super) type OutputSink<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Writes a result while it is produced. Returns `None` if the reader of stdout closed the pipe
/// early, as `head` does, which is no error.
pub(super) fn stream<T>(
    file: Option<&Path>,
    make: impl FnOnce(&mut OutputSink<'_>) -> Result<T>,
) -> Result<Option<T>> {
    match file.filter(|file| *file != Path::new("-")) {
        None => write_to_stdout(make),
        Some(path) => write_to_file(path, make).map(Some),
    }
}

fn write_to_stdout<T>(make: impl FnOnce(&mut OutputSink<'_>) -> Result<T>) -> Result<Option<T>> {
    let mut stdout = io::stdout().lock();
    let mut is_gone = false;
    let made = make(&mut |bytes| {
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| {
            is_gone = error.kind() == io::ErrorKind::BrokenPipe;
            Error::io("write to", Path::new("stdout"))(error)
        })
    });
    if is_gone { Ok(None) } else { made.map(Some) }
}

/// Replaces the characters of a text that could control a terminal or reverse the text after them.
/// File names can contain any characters. Line breaks and tabs stay.
pub(super) fn strip_control(text: &str) -> String {
    let show = |c: char| if matches!(c, '\n' | '\t') { c } else { printable_char(c) };
    text.chars().map(show).collect()
}

/// Writes a result to a file.
///
/// A regular file gets the whole result or stays as it was. A device or a pipe receives the result
/// as it is produced, because replacing it by a file would destroy it. If `path` is a link, the
/// file that it names is replaced, and the link stays.
fn write_to_file<T>(path: &Path, make: impl FnOnce(&mut OutputSink<'_>) -> Result<T>) -> Result<T> {
    let failed = || Error::io("write", path);
    match OutputTarget::of(path).map_err(failed())? {
        OutputTarget::Stream => {
            let file = std::fs::OpenOptions::new().write(true).open(path);
            let mut file = file.map_err(failed())?;
            make(&mut |bytes| file.write_all(bytes).map_err(failed()))
        }
        OutputTarget::File { path: target, permissions } => {
            let folder = folder_of(&target);
            // The error itself names the temporary file, which the user does not know.
            let mut file = new_file(folder, permissions.as_ref())
                .map_err(|error| failed()(io::Error::from(error.kind())))?;
            let _registered = TemporaryPath::new(file.path());
            let made = make(&mut |bytes| file.write_all(bytes).map_err(failed()))?;
            // Without the sync, a power failure after the rename could leave an empty file.
            file.as_file().sync_all().map_err(failed())?;
            file.persist(&target).map_err(|error| failed()(error.error))?;
            sync_folder(folder);
            Ok(made)
        }
    }
}

/// The kind of file that `--output` names.
enum OutputTarget {
    /// A device, a pipe or a socket.
    Stream,
    /// A regular file, which may not exist yet; with the permissions of the one that does.
    File { path: PathBuf, permissions: Option<Permissions> },
}

impl OutputTarget {
    fn of(path: &Path) -> io::Result<OutputTarget> {
        if !folder_of(path).is_dir() {
            let reason = format!("there is no folder {}", folder_of(path).display());
            return Err(io::Error::new(io::ErrorKind::NotFound, reason));
        }
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"))
            }
            Ok(meta) if !meta.is_file() => Ok(OutputTarget::Stream),
            Ok(meta) => {
                let path = if is_link { std::fs::canonicalize(path)? } else { path.to_path_buf() };
                Ok(OutputTarget::File { path, permissions: Some(meta.permissions()) })
            }
            Err(_) if is_link => {
                let reason = "it is a link to a file that does not exist";
                Err(io::Error::new(io::ErrorKind::NotFound, reason))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(OutputTarget::File { path: path.to_path_buf(), permissions: None })
            }
            Err(error) => Err(error),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Creates a file under a random name that no file has, with the permissions of the file that it
/// will replace, or else those of any new file.
fn new_file(folder: &Path, permissions: Option<&Permissions>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pbi-analyze-");
    if let Some(default) = default_permissions() {
        builder.permissions(default);
    }
    let file = builder.tempfile_in(folder)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions.clone())?;
    }
    Ok(file)
}

/// Returns the permissions of new files, of which the system removes what the user's mask forbids;
/// `None` if a new file has them anyway.
#[cfg(unix)]
fn default_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn default_permissions() -> Option<Permissions> {
    None
}

/// Makes the names in a folder durable, where the system can: Windows and some network shares
/// cannot sync a folder. The file itself is synced in any case.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    #[cfg(not(unix))]
    let _ = folder;
}
