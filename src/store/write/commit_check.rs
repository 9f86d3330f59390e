//! Checks right before and right after a commit: the writer was not taken for dead.
//!
//! A file that a writer is about to commit is never deleted (`orphans`), so these checks only find
//! what others do to a store: an older version of the program, a script, a person. A run that finds
//! anything unexpected fails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::delta::log::{CommitContent, DeltaLog};
use crate::store::handle::Store;
use crate::store::provenance::source_log;
use crate::store::write::ownership::{OwnState, may_continue};
use crate::store::write::writer_lock::WriterLock;

/// Checks that a writer may commit its files as the version after `log`.
///
/// # Errors
///
/// [`Error::Store`] if another command has stopped this one or removed its files, and errors of
/// reading the log.
pub(in crate::store) fn check_before_commit(
    writer_lock: &WriterLock,
    log: &DeltaLog,
    content: CommitContent<'_>,
) -> Result<()> {
    let store = writer_lock.store();
    // Without new entries, the newest source-log file is that of another commit.
    let is_new = |head: &i64| log.source_log_head().is_ok_and(|newest| newest != Some(*head));
    let head = content.source_log_head.filter(is_new);
    let missing = missing_files(store.root(), CommitContent { source_log_head: head, ..content })?;
    let own = OwnState {
        is_stopped: log.is_stopped(&writer_lock.writer)?,
        has_sign: writer_lock.has_sign(),
        has_files: missing.is_empty(),
    };
    if may_continue(own) {
        return Ok(());
    }
    let problem = describe(own, writer_lock, missing.first());
    let message = format!("{problem}; the table was not changed, run the command again");
    Err(Error::store(store.root(), message))
}

/// Checks that the files of a commit are there right after it, or that a later version has
/// replaced them.
///
/// # Errors
///
/// [`Error::Store`] if they are not, and errors of reading the log.
pub(in crate::store) fn check_after_commit(
    store: &Store,
    writer_lock: &WriterLock,
    version: i64,
    content: CommitContent<'_>,
) -> Result<()> {
    let mut missing = missing_files(store.root(), content).unwrap_or_default();
    if !missing.is_empty() {
        let newest = DeltaLog::open(store)?;
        let referenced = referenced_files(store, &newest)?;
        missing.retain(|path| referenced.contains(path));
    }
    let own = OwnState {
        is_stopped: false,
        has_sign: writer_lock.has_sign(),
        has_files: missing.is_empty(),
    };
    if may_continue(own) {
        return Ok(());
    }
    writer_lock.keep_lock_file();
    let problem = describe(own, writer_lock, missing.first());
    let advice = match missing.is_empty() {
        true => "the events are committed and complete; run the command again to be sure",
        false => "restore the file from a copy, or load the sources into a new store",
    };
    Err(Error::store(
        store.root(),
        format!("after the commit of version {version}, {problem}; {advice}"),
    ))
}

/// Returns all files that a version refers to, except those of the log.
///
/// # Errors
///
/// [`Error::Store`] if the log or the source log cannot be read.
pub(in crate::store) fn referenced_files(
    store: &Store,
    log: &DeltaLog,
) -> Result<BTreeSet<PathBuf>> {
    let mut files = source_log::referenced_files(store.root(), log.source_log_head()?)?;
    files.extend(log.files()?.into_iter().map(|file| file.path));
    Ok(files)
}

/// Returns the files of a commit that are not there, or cannot be examined.
fn missing_files(root: &Path, content: CommitContent<'_>) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = content.files.iter().map(|file| file.path.clone()).collect();
    if let Some(head) = content.source_log_head {
        files.extend(source_log::files_of_commit(root, head)?);
    }
    files.retain(|path| !path.try_exists().unwrap_or(false));
    Ok(files)
}

fn describe(own: OwnState, writer_lock: &WriterLock, missing: Option<&PathBuf>) -> String {
    match missing {
        _ if own.is_stopped => {
            "another command has taken this one for dead and stopped it".to_owned()
        }
        Some(path) => format!("{} was deleted while this command was writing", path.display()),
        None => format!(
            "the lock file {} of this command was deleted or changed while it was writing",
            writer_lock.lock_path.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::delta::log::CommitAttempt;
    use crate::store::delta::snapshot::DataFile;

    /// Returns the message with which a check fails.
    fn message(checked: Result<()>) -> String {
        checked.unwrap_err().to_string()
    }

    fn data_file(path: PathBuf) -> DataFile {
        DataFile { path, size_bytes: 1, events: 1, month: "2026-01".to_owned(), period_us: None }
    }

    #[test]
    fn writer_that_was_stopped_cannot_commit_to_that_table() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let writer_lock = WriterLock::acquire(&store).unwrap();
        for table in store.tables() {
            DeltaLog::open_or_create(&table).unwrap();
        }
        let content = CommitContent { files: &[], source_log_head: None };
        let [events, inventory] = store.tables().map(|table| DeltaLog::open(&table).unwrap());
        let stopped = inventory.commit_stop(&BTreeSet::from([writer_lock.writer.as_str()]));
        assert!(matches!(stopped, Ok(CommitAttempt::Committed(_))));
        check_before_commit(&writer_lock, &events, content).unwrap();
        let inventory = DeltaLog::open(&store.inventory()).unwrap();
        let refused = message(check_before_commit(&writer_lock, &inventory, content));
        assert!(refused.contains("taken this one for dead and stopped it"), "{refused}");
        assert!(refused.contains("run the command again"), "{refused}");
    }

    #[test]
    fn lock_file_and_files_must_be_there_before_and_after_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let writer_lock = WriterLock::acquire(&store).unwrap();
        let log = DeltaLog::open_or_create(&store).unwrap();
        let files = [data_file(store.table_dir().join("month=2026-01").join("part.parquet"))];
        let content = CommitContent { files: &files, source_log_head: None };
        let refused = message(check_before_commit(&writer_lock, &log, content));
        assert!(refused.contains("part.parquet was deleted while"), "{refused}");
        std::fs::create_dir_all(files[0].path.parent().unwrap()).unwrap();
        std::fs::write(&files[0].path, "rows").unwrap();
        check_before_commit(&writer_lock, &log, content).unwrap();
        std::fs::write(&writer_lock.lock_path, "of somebody else").unwrap();
        let refused = message(check_before_commit(&writer_lock, &log, content));
        assert!(refused.contains("the lock file"), "{refused}");
        let version = log.commit_append(content).unwrap();
        assert_eq!(version, CommitAttempt::Committed(1));
        let warned = message(check_after_commit(&store, &writer_lock, 1, content));
        assert!(warned.contains("the events are committed and complete"), "{warned}");
        std::fs::remove_file(&files[0].path).unwrap();
        let lost = message(check_after_commit(&store, &writer_lock, 1, content));
        assert!(lost.contains("restore the file from a copy"), "{lost}");
    }
}
