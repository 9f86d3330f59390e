//! Results: to stdout, or to a file that is written whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a result.
pub(super) fn write(bytes: &[u8], file: Option<&Path>) -> Result<()> {
    stream(file, |out| out(bytes)).map(drop)
}

/// Takes the parts of a result, one after the other.
pub(super) type OutputSink<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Writes a result while it is made. `None` where its reader went away before its end, as `head`
/// does: no error, and nothing more to do.
pub(super) fn stream<T>(
    file: Option<&Path>,
    make: impl FnOnce(&mut OutputSink<'_>) -> Result<T>,
) -> Result<Option<T>> {
    match file {
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

/// A text without what commands a terminal. Names of files come from wherever an archive comes
/// from, and could hold anything.
pub(super) fn strip_control(text: &str) -> String {
    let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    text.chars().map(|c| if is_odd(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
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
        // The error itself goes on about the name of the temporary file, which nobody gave it.
        |error| failed()(io::Error::from(error.kind())),
    )?;
    let made = make(&mut |bytes| file.write_all(bytes).map_err(failed()))?;
    // A temporary file is for its owner alone; a result gets what any new file here would get.
    #[cfg(unix)]
    apply_default_permissions(file.as_file(), folder).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error))?;
    Ok(made)
}

/// Gives a file the permissions of a file that is made in the usual way.
#[cfg(unix)]
fn apply_default_permissions(file: &std::fs::File, folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".pbi-analyze-{}", std::process::id()));
    let permissions = std::fs::File::create(&probe)?.metadata()?.permissions();
    std::fs::remove_file(&probe)?;
    file.set_permissions(permissions)
}
