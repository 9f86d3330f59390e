//! Results: to stdout, or to a file that is written whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Writes a result.
pub(super) fn write(bytes: &[u8], file: Option<&Path>) -> Result<()> {
    match file {
        None => to_stdout(bytes),
        Some(path) => to_file(bytes, path),
    }
}

/// Writes a result that is made bit by bit, and need not be held as a whole.
pub(super) fn stream(
    file: Option<&Path>,
    fill: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let Some(path) = file else {
        let mut stdout = io::BufWriter::new(io::stdout().lock());
        let flush =
            |out: &mut dyn Write| out.flush().map_err(Error::io("write to", Path::new("stdout")));
        return match fill(&mut stdout).and_then(|()| flush(&mut stdout)) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            filled => filled,
        };
    };
    let (folder, file) = begin(path)?;
    let mut buffered = io::BufWriter::new(file);
    fill(&mut buffered)?;
    let file = buffered.into_inner().map_err(|error| error.into_error());
    finish(file.map_err(Error::io("write", path))?, folder, path)
}

fn to_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // The reader went away, as `head` does: no error, and how the command ended stays true.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Error::io("write to", Path::new("stdout"))),
    }
}

/// Writes a line to stderr, if anybody listens: a log that nobody reads stops nothing.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", plain(line));
}

/// A text without what commands a terminal. Names of files come from wherever an archive comes
/// from, and could hold anything.
pub(super) fn plain(text: &str) -> String {
    let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    text.chars().map(|c| if is_odd(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn to_file(bytes: &[u8], path: &Path) -> Result<()> {
    let (folder, mut file) = begin(path)?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    finish(file, folder, path)
}

/// A file beside the one that is to be, and the folder of both.
fn begin(path: &Path) -> Result<(&Path, NamedTempFile)> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = || Error::io("write", path);
    if !folder.is_dir() {
        let reason = format!("there is no folder {}", folder.display());
        return Err(failed()(io::Error::new(io::ErrorKind::NotFound, reason)));
    }
    let file = tempfile::Builder::new().prefix(".pbi-analyze-").tempfile_in(folder);
    Ok((folder, file.map_err(failed())?))
}

fn finish(file: NamedTempFile, folder: &Path, path: &Path) -> Result<()> {
    let failed = || Error::io("write", path);
    // A temporary file is for its owner alone; a result gets what any new file here would get.
    #[cfg(unix)]
    share_like_others(file.as_file(), folder).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error))?;
    Ok(())
}

/// Gives a file the permissions of a file that is made in the usual way.
#[cfg(unix)]
fn share_like_others(file: &std::fs::File, folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".pbi-analyze-{}", std::process::id()));
    let permissions = std::fs::File::create(&probe)?.metadata()?.permissions();
    std::fs::remove_file(&probe)?;
    file.set_permissions(permissions)
}
