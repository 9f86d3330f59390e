//! Writers at work, and what dead ones left behind.
//!
//! Owns: the sign that a writer lives (a locked file in the store's folder), and which leftovers
//! may be taken away. A writer's files carry its name, so what lies in the table's folders and is
//! not in the log can be told apart: of a writer that lives it is work in progress, of one that
//! does not it will never be anything, and of strangers it is none of our business.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Store;
use super::disk::{Disk, Lock, is_free};
use super::log::Log;
use crate::error::{Error, Result};

/// A writer at work. Gone with the value, and so is its folder for unfinished work.
#[derive(Debug)]
pub(super) struct Lease {
    disk: Arc<dyn Disk>,
    /// The writer's name, as its files carry it.
    pub(super) writer: String,
    sign: PathBuf,
    _lock: Lock,
}

const SIGN: &str = ".writer-";

impl Lease {
    pub(super) fn take(disk: &Arc<dyn Disk>, root: &Path) -> Result<Self> {
        disk.create_root(root).map_err(Error::io("create", root))?;
        super::links::refuse(root)?;
        let writer = uuid::Uuid::new_v4().simple().to_string();
        let sign = root.join(format!("{SIGN}{writer}"));
        let lock = disk.lock_new(&sign).map_err(Error::io("create", &sign))?;
        let lease = Lease { disk: Arc::clone(disk), writer, sign, _lock: lock };
        let scratch = lease.scratch();
        disk.create_folder(&scratch).map_err(Error::io("create", &scratch))?;
        Ok(lease)
    }

    /// The folder for unfinished work.
    pub(super) fn scratch(&self) -> PathBuf {
        scratch_of(&self.sign)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // What cannot be taken away now is a dead writer's, and the next one's to take away.
        let _ = self.disk.remove_folder(&self.scratch());
        let _ = self.disk.remove(&self.sign);
    }
}

fn scratch_of(sign: &Path) -> PathBuf {
    sign.with_extension("work")
}

/// What stands in the store's folders, looked at before anything else: whatever a writer that is
/// dead by the time of the second look committed, is in a log that is read after it.
struct Found {
    /// Files in the table's folders that carry a writer's name.
    data: Vec<(String, PathBuf)>,
    signs: Signs,
    /// Files of marks, finished or not.
    marks: Vec<PathBuf>,
    /// Unfinished files of the log.
    log: Vec<PathBuf>,
}

/// The signs of writers.
#[derive(Default)]
struct Signs {
    shown: Vec<(String, PathBuf)>,
    /// Made and locked, but never given their name.
    unshown: Vec<PathBuf>,
}

/// Takes away what dead writers left behind: work folders, files that no commit names, marks that
/// no commit names. Nothing of a writer that lives is touched, `own` among them.
///
/// A leftover that the disk keeps is no reason to stop: it harms nobody, and stays for the next.
///
/// # Errors
///
/// [`Error::Store`] where the log cannot be read.
pub(super) fn clean(store: &Store, own: &Lease) -> Result<()> {
    let signs = signs(store.root()).map_err(Error::io("list", store.root()))?;
    // Whoever is cut off leaves a sign, as it is the first to come and the last to go.
    if signs.shown.iter().all(|(writer, path)| *writer == own.writer || !is_free(path))
        && !signs.unshown.iter().any(|path| is_old(path))
    {
        return Ok(());
    }
    let found = look(store, signs).map_err(Error::io("list", store.root()))?;
    let named: BTreeSet<&str> = found.data.iter().map(|(writer, _)| writer.as_str()).collect();
    let signed = found.signs.shown.iter().map(|(writer, _)| writer.as_str());
    let all: BTreeSet<&str> = named.into_iter().chain(signed).collect();
    let sign = |writer: &str| store.root().join(format!("{SIGN}{writer}"));
    let alive: BTreeSet<&str> =
        all.into_iter().filter(|&writer| writer == own.writer || !is_free(&sign(writer))).collect();
    let is_alone = alive.iter().all(|&writer| writer == own.writer);

    let (mut held, mut chain) = (BTreeSet::new(), BTreeSet::new());
    if store.exists() {
        let log = Log::open(store)?;
        held.extend(log.files()?.into_iter().map(|file| file.path));
        chain.extend(super::ledger::chain(store.root(), log.head()?)?);
    }
    let remove = |path: &Path| {
        let _ = store.disk().remove(path);
    };
    for (writer, path) in &found.data {
        if !alive.contains(writer.as_str()) && !held.contains(path) {
            remove(path);
        }
    }
    // Marks and unfinished commits carry no writer's name: they wait until nobody else writes.
    if is_alone {
        found.marks.iter().filter(|path| !chain.contains(*path)).for_each(|path| remove(path));
        found.log.iter().for_each(|path| remove(path));
        found.signs.unshown.iter().filter(|path| is_old(path)).for_each(|path| remove(path));
    }
    for (writer, path) in &found.signs.shown {
        if !alive.contains(writer.as_str()) {
            let _ = store.disk().remove_folder(&scratch_of(path));
            remove(path);
        }
    }
    Ok(())
}

fn signs(root: &Path) -> io::Result<Signs> {
    let mut signs = Signs::default();
    for path in list(root)? {
        let name = file_name(&path);
        if let Some(writer) = name.strip_prefix(SIGN).filter(|name| !name.contains('.')) {
            signs.shown.push((writer.to_owned(), path));
        } else if name.starts_with(".new") {
            signs.unshown.push(path);
        }
    }
    Ok(signs)
}

fn look(store: &Store, signs: Signs) -> io::Result<Found> {
    let mut data = Vec::new();
    for folder in list(&store.events())?.iter().filter(|path| is_partition(path)) {
        for path in list(folder)? {
            if let Some(writer) = writer_of(&file_name(&path)) {
                data.push((writer.to_owned(), path));
            }
        }
    }
    let log = list(&store.events().join("_delta_log"))?;
    let unfinished = |path: &PathBuf| file_name(path).starts_with('.');
    Ok(Found {
        data,
        signs,
        marks: list(&super::ledger::folder(store.root()))?,
        log: log.into_iter().filter(unfinished).collect(),
    })
}

/// What is in a folder; nothing where there is none.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether a file was last written so long ago that nobody can be about to lock it.
fn is_old(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let age = modified.and_then(|time| time.elapsed().ok()).unwrap_or_default();
    age > Duration::from_secs(3600)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_partition(path: &Path) -> bool {
    file_name(path).starts_with("month=")
}

/// The name of a writer's file in the table, the number `number` of its files.
pub(super) fn data_file_name(writer: &str, number: usize) -> String {
    format!("part-{writer}-{number:05}.parquet")
}

/// The name of the same file while it is not whole, which no glob of the table matches.
pub(super) fn unfinished_name(name: &str) -> String {
    format!(".{name}.tmp")
}

/// The writer of a file of the table, finished or not, if it is one of ours.
fn writer_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix('.').unwrap_or(name).strip_prefix("part-")?;
    let (writer, number) = rest.split_once('-')?;
    let number = number.strip_suffix(".tmp").unwrap_or(number).strip_suffix(".parquet")?;
    let is_ours = writer.len() == 32
        && writer.bytes().all(|byte| byte.is_ascii_hexdigit())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    is_ours.then_some(writer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_their_writer_and_strangers_are_none_of_ours() {
        let writer = "0123456789abcdef0123456789abcdef";
        let name = data_file_name(writer, 7);
        assert_eq!(writer_of(&name), Some(writer));
        assert_eq!(writer_of(&unfinished_name(&name)), Some(writer));
        for stranger in [
            "part-00000-3f0c1b1e-5c2a-4b52-9e0e-0d2b8f8b1c11.c000.snappy.parquet",
            "part-0123456789abcdef0123456789abcdef-x.parquet",
            "notes.txt",
            "_SUCCESS",
        ] {
            assert_eq!(writer_of(stranger), None, "{stranger}");
        }
    }
}
