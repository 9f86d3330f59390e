//! Removes what aborted writers left: temporary folders, and files that no commit refers to.
//!
//! Nobody can know from afar whether a writer is dead. So before a file of another writer is
//! deleted, a version of the log says that its writer was stopped (`stopped_writers`), and the
//! file is deleted if that version does not refer to it. A stopped writer cannot commit any more,
//! so a file that is committed is never deleted, no matter who lives. ARCHITECTURE.md has the whole
//! argument, and `share_model` checks it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::delta::commit::{MAX_ATTEMPTS, backoff};
use crate::store::delta::log::{CommitAttempt, DeltaLog};
use crate::store::file_names::writer_from_name;
use crate::store::fs::paths::{
    file_name, is_absent, is_hidden, is_partition, list_dir, parent_or_current,
};
use crate::store::handle::{Store, TableKind};
use crate::store::provenance::{reject_file, source_log};
use crate::store::write::commit_check::referenced_files;
use crate::store::write::ownership::{RemovalScope, WriterState, may_delete, may_stop};
use crate::store::write::signs::{WriterSigns, state_of};
use crate::store::write::writer_lock::WriterLock;

/// Deletes the orphans of aborted writers: temporary folders, and files that no commit refers to.
///
/// Files of running writers, including `own`, and of writers of other machines are left alone. An
/// orphan that cannot be deleted is no error: it is harmless, and the next writer tries again.
///
/// # Errors
///
/// [`Error::Store`] if the Delta log cannot be read.
pub(in crate::store) fn clean_orphans(own: &WriterLock) -> Result<()> {
    match stale_signs(parent_or_current(&own.lock_path), &own.writer)? {
        Some(stale) => remove_orphans(own, &stale),
        None => Ok(()),
    }
}

/// Returns the lock files of aborted writers, or `None` if there are none. The writer `own` runs,
/// even if the file system does not show its lock.
///
/// Every aborted writer leaves a lock file, because it creates that file first and deletes it last.
pub(in crate::store) fn stale_signs(root: &Path, own: &str) -> Result<Option<WriterSigns>> {
    let mut signs = WriterSigns::list(root).map_err(Error::io("list", root))?;
    signs.published.retain(|sign| sign.state == WriterState::Dead && sign.writer != own);
    Ok((!signs.published.is_empty() || !signs.pending.is_empty()).then_some(signs))
}

/// Deletes the orphans of writers whose signs were `stale` earlier.
///
/// The order of the steps matters: the lock files stay until everything else is gone.
fn remove_orphans(own: &WriterLock, stale: &WriterSigns) -> Result<()> {
    let store = own.store();
    let listed =
        FilesByWriter::list(&store).and_then(|files| Ok((files, WriterSigns::list(store.root())?)));
    let (files, signs) = listed.map_err(Error::io("list", store.root()))?;
    let is_alone = signs.is_alone(&own.writer);
    let scope = RemovalScope::Routine { is_alone };
    let mut stoppable = files.writers();
    stoppable
        .retain(|writer| *writer != own.writer && may_stop(state_of(store.root(), writer), scope));
    let is_complete = remove_files(&files, &stoppable)?.is_complete;

    let remove = |path: &PathBuf| {
        let _ = store.disk().remove(path);
    };
    for sign in &stale.published {
        let _ = store.disk().remove_folder(&sign.temp_dir());
    }
    // The names of other unfinished files do not contain a writer. They stay until no other writer
    // runs, and so do the lock files that cause this search.
    if is_alone {
        files.unfinished.iter().for_each(remove);
        let abandoned = stale.pending.iter().filter(|sign| sign.is_abandoned());
        abandoned.for_each(|sign| remove(&sign.path));
    }
    if is_alone && is_complete {
        // If a temporary folder could not be deleted, its lock file stays for the next writer.
        let done = stale.published.iter().filter(|sign| is_absent(&sign.temp_dir()));
        done.for_each(|sign| remove(&sign.path));
    }
    Ok(())
}

/// The result of [`remove_files`].
#[derive(Debug, Default)]
pub(in crate::store) struct RemovedFiles {
    /// The number of files.
    pub(in crate::store) removed: usize,
    /// True if no file of these writers is left that no commit refers to.
    pub(in crate::store) is_complete: bool,
}

/// Stops writers, and deletes those of their files that no commit refers to.
///
/// Each table has its own log, and a writer can be stopped in one of them only. So the files of a
/// table are deleted by what the log of that table says.
///
/// # Errors
///
/// [`Error::Store`] if the Delta log of a table cannot be read.
pub(in crate::store) fn remove_files(
    files: &FilesByWriter,
    stoppable: &BTreeSet<&str>,
) -> Result<RemovedFiles> {
    let mut done = RemovedFiles { removed: 0, is_complete: true };
    for table in &files.tables {
        let in_table = remove_table_files(table, stoppable)?;
        done.removed += in_table.removed;
        done.is_complete &= in_table.is_complete;
    }
    Ok(done)
}

fn remove_table_files(files: &TableFiles, stoppable: &BTreeSet<&str>) -> Result<RemovedFiles> {
    let mut done = RemovedFiles { removed: 0, is_complete: true };
    if stoppable.iter().all(|writer| files.of(writer).is_empty()) {
        return Ok(done);
    }
    // Before the first version, there is no log that could stop a writer.
    let stopped = match files.store.exists()? {
        true => stop_writers(files, stoppable)?,
        false => None,
    };
    let Some(Stopped { writers, referenced }) = stopped else {
        return Ok(RemovedFiles { is_complete: false, ..done });
    };
    for writer in stoppable {
        for path in files.of(writer) {
            let is_referenced = referenced.contains(path);
            if may_delete(writers.contains(*writer), is_referenced) {
                let _ = files.store.disk().remove(path);
                done.removed += 1;
            }
            done.is_complete &= is_referenced || is_absent(path);
        }
    }
    // A client of a share can say for some seconds that a file is absent that its folder lists: it
    // remembers the answer from before another process created the file. Then nothing was deleted.
    let left = TableFiles::list(files.store.clone()).ok();
    done.is_complete &= left.is_some_and(|left| {
        let mut files = stoppable.iter().flat_map(|writer| left.of(writer));
        files.all(|path| referenced.contains(path))
    });
    Ok(done)
}

/// A version of the log that says that writers were stopped.
struct Stopped<'w> {
    writers: BTreeSet<&'w str>,
    /// The files that this version refers to.
    referenced: BTreeSet<PathBuf>,
}

/// Makes a version of the log that says that writers were stopped, unless the newest one does.
/// Only writers with files that no commit refers to are stopped.
///
/// Returns `None` if the disk refuses the commit, or if others always commit first.
fn stop_writers<'w>(
    files: &TableFiles,
    stoppable: &BTreeSet<&'w str>,
) -> Result<Option<Stopped<'w>>> {
    let store = &files.store;
    for attempts in 1..MAX_ATTEMPTS {
        let log = DeltaLog::open(store)?;
        let referenced = match referenced_files(store, &log) {
            Ok(referenced) => referenced,
            // The source log may have been compacted since the log was read.
            Err(error) => match store.refresh(&log)? {
                Some(_) => continue,
                None => return Err(error),
            },
        };
        let (mut stopped, mut to_stop) = (BTreeSet::new(), BTreeSet::new());
        let has_orphan =
            |writer: &&&str| files.of(writer).iter().any(|path| !referenced.contains(path));
        for writer in stoppable.iter().filter(has_orphan) {
            match log.is_stopped(writer)? {
                true => stopped.insert(*writer),
                false => to_stop.insert(*writer),
            };
        }
        // An empty set needs no version: nothing of the others is deleted.
        let attempt = match to_stop.is_empty() {
            true => CommitAttempt::Committed(log.version()),
            false => match log.commit_stop(&to_stop) {
                Ok(attempt) => attempt,
                Err(_) => return Ok(None),
            },
        };
        match attempt {
            // The new version refers to the same files as the one before.
            CommitAttempt::Committed(_) => {
                stopped.extend(to_stop);
                return Ok(Some(Stopped { writers: stopped, referenced }));
            }
            CommitAttempt::Conflict | CommitAttempt::Unknown => backoff(attempts),
        }
    }
    Ok(None)
}

/// The files in the store's folders that may be orphans.
#[derive(Debug)]
pub(in crate::store) struct FilesByWriter {
    tables: Vec<TableFiles>,
    /// Unfinished files of the source log and the Delta logs, whose writer is not known.
    unfinished: Vec<PathBuf>,
}

/// The files that the log of one table decides about.
#[derive(Debug)]
struct TableFiles {
    /// The handle of the table.
    store: Store,
    /// By the writer in their name or first line: data files; for the events, also reject files
    /// and source-log files.
    by_writer: BTreeMap<String, Vec<PathBuf>>,
}

impl FilesByWriter {
    /// Lists the files.
    ///
    /// # Errors
    ///
    /// Errors of the operating system.
    pub(in crate::store) fn list(store: &Store) -> io::Result<FilesByWriter> {
        let mut files = FilesByWriter { tables: Vec::new(), unfinished: Vec::new() };
        for table in store.tables() {
            let log = list_dir(&table.table_dir().join("_delta_log"))?;
            files.unfinished.extend(log.into_iter().filter(|path| is_hidden(path)));
            files.tables.push(TableFiles::list(table)?);
        }
        let sources = list_dir(&source_log::folder(store.root()))?;
        files.unfinished.extend(sources.into_iter().filter(|path| is_hidden(path)));
        Ok(files)
    }

    /// Returns the writers of the files.
    fn writers(&self) -> BTreeSet<&str> {
        self.tables.iter().flat_map(|table| table.by_writer.keys()).map(String::as_str).collect()
    }

    /// Returns the files of a writer.
    pub(in crate::store) fn of(&self, writer: &str) -> impl Iterator<Item = &PathBuf> {
        self.tables.iter().flat_map(move |table| table.of(writer))
    }
}

impl TableFiles {
    fn list(store: Store) -> io::Result<TableFiles> {
        let mut by_writer = BTreeMap::new();
        let mut add = |writer: Option<String>, path: PathBuf| {
            if let Some(writer) = writer {
                by_writer.entry(writer).or_insert_with(Vec::new).push(path);
            }
        };
        for folder in list_dir(&store.table_dir())?.iter().filter(|path| is_partition(path)) {
            for path in list_dir(folder)? {
                add(writer_from_name(&file_name(&path)).map(str::to_owned), path);
            }
        }
        if store.table == TableKind::Events {
            let root = store.root();
            for path in list_dir(&reject_file::folder(root))? {
                add(reject_file::writer_from_name(&file_name(&path)).map(str::to_owned), path);
            }
            let sources = list_dir(&source_log::folder(root))?;
            for path in sources.into_iter().filter(|path| !is_hidden(path)) {
                add(source_log::writer_of(root, &path), path);
            }
        }
        Ok(TableFiles { store, by_writer })
    }

    fn of(&self, writer: &str) -> &[PathBuf] {
        self.by_writer.get(writer).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::provenance::source_log::{NewEntries, SourceEntry};

    /// Returns a store with the lock file and a source-log file of an aborted writer.
    fn with_orphans() -> (tempfile::TempDir, Store, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        DeltaLog::open_or_create(&store).unwrap();
        let aborted = WriterLock::acquire(&store).unwrap();
        aborted.keep_lock_file();
        let aborted_name = aborted.writer.clone();
        drop(aborted);
        let entries = write_entries(&store, &aborted_name);
        (folder, store, entries)
    }

    fn write_entries(store: &Store, writer: &str) -> PathBuf {
        let entry = SourceEntry {
            place: "/a".to_owned(),
            digest: "0".to_owned(),
            facts: crate::schema::source_log::SourceFacts::default(),
        };
        let new = NewEntries { entries: &[entry], rejects: None };
        let number = source_log::append(store.disk(), store.root(), None, writer, new).unwrap();
        source_log::path(store.root(), number.unwrap())
    }

    #[test]
    fn entries_of_a_writer_that_starts_during_a_cleanup_are_kept() {
        let (_folder, store, orphan) = with_orphans();
        let own = WriterLock::acquire(&store).unwrap();
        let stale = stale_signs(store.root(), &own.writer).unwrap().unwrap();
        assert_eq!(stale.published.len(), 1);
        let other = WriterLock::acquire(&store).unwrap();
        let entries = write_entries(&store, &other.writer);
        remove_orphans(&own, &stale).unwrap();
        assert!(entries.exists(), "the other writer may commit it");
        assert!(!orphan.exists());
        assert!(!DeltaLog::open(&store).unwrap().is_stopped(&other.writer).unwrap());
    }

    #[test]
    fn own_lock_file_stays_if_its_lock_is_not_seen() {
        let (_folder, store, orphan) = with_orphans();
        let own = WriterLock::acquire(&store).unwrap();
        let copy = store.root().join("copy");
        std::fs::copy(&own.lock_path, &copy).unwrap();
        std::fs::rename(&copy, &own.lock_path).unwrap();
        assert_eq!(state_of(store.root(), &own.writer), WriterState::Dead);
        clean_orphans(&own).unwrap();
        assert!(own.has_sign() && own.temp_dir().exists());
        assert!(!orphan.exists());
    }

    #[test]
    fn orphans_of_the_inventory_are_deleted_after_its_own_log_says_so() {
        let (_folder, store, _) = with_orphans();
        let inventory = store.inventory();
        DeltaLog::open_or_create(&inventory).unwrap();
        let aborted = WriterLock::acquire(&store).unwrap();
        let name = crate::store::file_names::data_file_name(&aborted.writer, 1, 0);
        let orphan = inventory.table_dir().join("Kind=scan").join(name);
        std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
        std::fs::write(&orphan, "rows").unwrap();
        let writer = aborted.writer.clone();
        aborted.keep_lock_file();
        drop(aborted);
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(!orphan.exists());
        assert!(DeltaLog::open(&inventory).unwrap().is_stopped(&writer).unwrap());
        assert!(!DeltaLog::open(&store).unwrap().is_stopped(&writer).unwrap(), "no file there");
    }

    #[test]
    fn lock_file_without_its_final_name_stays_if_another_machine_may_have_made_it() {
        let (_folder, store, _) = with_orphans();
        let [other, empty] = [".new.writer-1", ".new.writer-2"].map(|name| store.root().join(name));
        let identity = crate::store::write::identity::WriterIdentity::example("other", "2", 1);
        std::fs::write(&other, serde_json::to_vec(&identity).unwrap()).unwrap();
        std::fs::write(&empty, "").unwrap();
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(other.exists() && !empty.exists());
    }

    #[test]
    fn unfinished_files_are_deleted_when_no_other_writer_runs() {
        let (_folder, store, _) = with_orphans();
        let orphan = source_log::folder(store.root()).join(".unfinished.tmp");
        std::fs::write(&orphan, "half").unwrap();
        let other = WriterLock::acquire(&store).unwrap();
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(orphan.exists());
        drop(other);
        clean_orphans(&WriterLock::acquire(&store).unwrap()).unwrap();
        assert!(!orphan.exists());
        assert!(WriterSigns::list(store.root()).unwrap().published.is_empty());
    }

    #[test]
    fn writer_with_a_failed_removal_keeps_its_lock_file() {
        let (_folder, store, _) = with_orphans();
        let writer_lock = WriterLock::acquire(&store).unwrap();
        let lock_path = writer_lock.lock_path.clone();
        assert!(writer_lock.store().disk().remove(&store.root().join("missing")).is_err());
        drop(writer_lock);
        assert!(!lock_path.exists(), "a missing file is no failed removal");
        let writer_lock = WriterLock::acquire(&store).unwrap();
        let lock_path = writer_lock.lock_path.clone();
        // A folder cannot be removed as a file.
        assert!(writer_lock.store().disk().remove(&store.root().join("sources")).is_err());
        drop(writer_lock);
        assert!(lock_path.exists());
    }

    #[test]
    fn writers_start_while_others_clean() {
        let (_folder, store, _) = with_orphans();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let writer_lock = WriterLock::acquire(&store).unwrap();
                        clean_orphans(&writer_lock).unwrap();
                        assert!(writer_lock.has_sign(), "a running writer keeps its lock file");
                        // So every writer finds a stale lock file.
                        writer_lock.keep_lock_file();
                    }
                });
            }
        });
    }
}
