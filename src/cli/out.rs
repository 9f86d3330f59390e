//! Writes results to stdout, or atomically to a file.

use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};

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

/// Replaces control characters, which could control a terminal: file names can contain any
/// characters.
pub(super) fn strip_control(text: &str) -> String {
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars().map(|c| if is_control(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn write_to_file<T>(path: &Path, make: impl FnOnce(&mut OutputSink<'_>) -> Result<T>) -> Result<T> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = || Error::io("write", path);
    if !folder.is_dir() {
        let reason = format!("there is no folder {}", folder.display());
        return Err(failed()(io::Error::new(io::ErrorKind::NotFound, reason)));
    }
    let mut file = tempfile::Builder::new().prefix(".pbi-analyze-").tempfile_in(folder).map_err(
        // The error itself names the temporary file, which the user does not know.
        |error| failed()(io::Error::from(error.kind())),
    )?;
    let made = make(&mut |bytes| file.write_all(bytes).map_err(failed()))?;
    // Temporary files are private; results get the permissions of any new file.
    #[cfg(unix)]
    apply_default_permissions(file.as_file(), folder).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error))?;
    Ok(made)
}

/// Gives a file the default permissions of new files.
#[cfg(unix)]
fn apply_default_permissions(file: &std::fs::File, folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".pbi-analyze-{}", std::process::id()));
    let permissions = std::fs::File::create(&probe)?.metadata()?.permissions();
    std::fs::remove_file(&probe)?;
    file.set_permissions(permissions)
}
