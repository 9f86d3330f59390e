//! Redaction: replaces or erases texts and events in the whole store, in one commit.
//!
//! Afterwards, no data file, source entry or reject contains the old texts. The caller decides
//! which texts and events belong to a person.

use std::collections::BTreeSet;
use std::path::Path;

use crate::column::ColumnTextRewrite;
use crate::error::{Error, Result};
use crate::schema::reject::Reject;
use crate::store::delta::commit::{MAX_ATTEMPTS, backoff, too_many_conflicts};
use crate::store::delta::log::CommitContent;
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::disk::Disk;
use crate::store::handle::Store;
use crate::store::parquet::reader;
use crate::store::parquet::writer::{Compression, TableDir};
use crate::store::provenance::reject_file::RejectsFile;
use crate::store::provenance::rejects::{self, RejectEdit, RewrittenRejects};
use crate::store::provenance::source_log::{self, SourceEntry, SourceLog};
use crate::store::write::dedup::DedupResult;
use crate::store::write::merge;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::{WriterLock, clean_orphans};

/// The texts and events to replace or erase.
pub struct Redaction<'r> {
    /// Returns the replacement of a text, or `None` if the text stays.
    pub rewrite: &'r ColumnTextRewrite<'r>,
    /// Returns true if the events of a user must be erased.
    pub is_erased_user: &'r (dyn Fn(&str) -> bool + Sync),
    /// Returns the change of a reject.
    pub edit_reject: &'r dyn Fn(&Reject) -> RejectEdit,
}

/// The result of a redaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RedactionResult {
    /// The number of erased events.
    pub erased_events: u64,
    /// The number of deleted rejects.
    pub dropped_rejects: u64,
    /// The number of rewritten data files and reject files.
    pub rewritten_files: usize,
    /// The number of rewritten source entries.
    pub rewritten_entries: usize,
}

impl Store {
    /// Returns the users of the table, each with every user key of its events.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] if a file cannot be read.
    #[doc(hidden)]
    pub fn users(&self) -> Result<BTreeSet<(String, String)>> {
        self.read(|snapshot| {
            let mut users = BTreeSet::new();
            for file in &snapshot.files {
                reader::for_each_user(&file.path, |user, key| {
                    users.insert((user.to_owned(), key.to_owned()));
                })?;
            }
            Ok(users)
        })
    }

    /// Replaces texts and erases events in the store.
    ///
    /// The files that contain them are rewritten in one commit, and the old files are deleted. The
    /// sources remain known, so that ingesting them again does not restore anything.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] if a file cannot be read or written. The store is
    /// unchanged then.
    #[doc(hidden)]
    pub fn redact(&self, redaction: &Redaction<'_>) -> Result<RedactionResult> {
        let writer_lock = WriterLock::acquire(self)?;
        clean_orphans(&writer_lock)?;
        let (store, writer) = (writer_lock.store(), &writer_lock.writer);
        let table_dir = TableDir::new(store.disk(), &self.events_dir(), writer, Compression::Zstd);
        for attempts in 1..MAX_ATTEMPTS {
            if let Some(result) = store.try_redact(redaction, &table_dir, &writer_lock)? {
                return Ok(result);
            }
            backoff(attempts);
        }
        Err(too_many_conflicts(self.root()))
    }

    /// Returns `None` if another writer committed first.
    fn try_redact(
        &self,
        redaction: &Redaction<'_>,
        table_dir: &TableDir,
        writer_lock: &WriterLock,
    ) -> Result<Option<RedactionResult>> {
        let (log, source_log) = self.latest()?;
        let Some(data) = RewrittenData::prepare(log.files()?, redaction, table_dir)? else {
            return Ok(None);
        };
        let rewrite = SourceLogRewrite::prepare(self, &writer_lock.writer, source_log, redaction);
        let mut rewrite = match rewrite {
            Ok(rewrite) => rewrite,
            Err(error) => {
                table_dir.discard(&data.new);
                return if self.refresh(&log)?.is_none() { Err(error) } else { Ok(None) };
            }
        };
        if data.old.is_empty() && rewrite.is_unchanged() {
            return Ok(Some(RedactionResult::default()));
        }
        rewrite.source_log.removed.erased += data.erased_events;
        let (disk, root) = (self.disk(), self.root());
        let previous_head = log.source_log_head()?;
        let undo = || {
            table_dir.discard(&data.new);
            discard_rejects(&**disk, root, &rewrite.new_reject_files);
        };
        let head =
            source_log::write_compacted(disk, root, &writer_lock.writer, &rewrite.source_log);
        let head = head.inspect_err(|_| undo())?;
        let discard = || {
            undo();
            source_log::discard(&**disk, root, Some(head));
        };
        let content = CommitContent { files: &data.new, source_log_head: Some(head) };
        let attempt = log.commit_redaction(&data.old, content);
        if self.resolve_outcome(writer_lock, attempt, content, discard)?.is_none() {
            return Ok(None);
        }
        table_dir.discard(&data.old);
        discard_rejects(&**disk, root, &rewrite.old_reject_files);
        source_log::delete_compacted(&**disk, root, previous_head, Some(head));
        Ok(Some(RedactionResult {
            erased_events: data.erased_events,
            dropped_rejects: rewrite.dropped_rejects,
            rewritten_files: data.old.len() + rewrite.old_reject_files.len(),
            rewritten_entries: rewrite.rewritten_entries,
        }))
    }
}

fn discard_rejects(disk: &dyn Disk, root: &Path, files: &[RejectsFile]) {
    files.iter().for_each(|file| rejects::discard(disk, root, Some(file)));
}

/// The data files that contain texts or events to redact, and the files that replace them.
#[derive(Default)]
struct RewrittenData {
    old: Vec<DataFile>,
    new: Vec<DataFile>,
    erased_events: u64,
}

impl RewrittenData {
    /// Writes the new files, or returns `None` if another writer has replaced one of `files`.
    /// After an error, no file is left.
    fn prepare(
        files: Vec<DataFile>,
        redaction: &Redaction<'_>,
        table_dir: &TableDir,
    ) -> Result<Option<RewrittenData>> {
        let mut data = RewrittenData::default();
        for file in files {
            match rewrite_data_file(&file, redaction, table_dir) {
                Ok(None) => {}
                Ok(Some((new, erased))) => {
                    data.erased_events += erased;
                    data.new.extend(new);
                    data.old.push(file);
                }
                Err(error) => {
                    table_dir.discard(&data.new);
                    return if file.path.exists() { Err(error) } else { Ok(None) };
                }
            }
        }
        Ok(Some(data))
    }
}

/// The source log after a redaction.
struct SourceLogRewrite {
    source_log: SourceLog,
    /// Reject files that were rewritten, and the files that replace them.
    old_reject_files: Vec<RejectsFile>,
    new_reject_files: Vec<RejectsFile>,
    dropped_rejects: u64,
    /// The number of changed source entries.
    rewritten_entries: usize,
}

impl SourceLogRewrite {
    /// Rewrites entries and reject files. After an error, no file is left.
    fn prepare(
        store: &Store,
        writer: &str,
        source_log: SourceLog,
        redaction: &Redaction<'_>,
    ) -> Result<SourceLogRewrite> {
        let (disk, root) = (store.disk(), store.root());
        let mut result = SourceLogRewrite {
            source_log,
            old_reject_files: Vec::new(),
            new_reject_files: Vec::new(),
            dropped_rejects: 0,
            rewritten_entries: 0,
        };
        let mut kept = Vec::new();
        for file in std::mem::take(&mut result.source_log.reject_files) {
            match rejects::rewrite(disk, root, writer, &file, redaction.edit_reject) {
                Ok(None) => kept.push(file),
                Ok(Some(RewrittenRejects { file: new, dropped })) => {
                    result.dropped_rejects += dropped;
                    result.new_reject_files.extend(new);
                    result.old_reject_files.push(file);
                }
                Err(error) => {
                    discard_rejects(&**disk, root, &result.new_reject_files);
                    return Err(error);
                }
            }
        }
        kept.extend(result.new_reject_files.iter().cloned());
        result.source_log.reject_files = kept;
        result.source_log.removed.dropped += result.dropped_rejects;
        result.rewritten_entries =
            rewrite_entries(&mut result.source_log.entries, redaction.rewrite);
        Ok(result)
    }

    fn is_unchanged(&self) -> bool {
        self.rewritten_entries == 0 && self.old_reject_files.is_empty()
    }
}

/// Rewrites a data file and returns the new files with the number of erased events. Returns `None`
/// if the file contains nothing to redact.
fn rewrite_data_file(
    file: &DataFile,
    redaction: &Redaction<'_>,
    table_dir: &TableDir,
) -> Result<Option<(Vec<DataFile>, u64)>> {
    let mut erased = Vec::new();
    reader::for_each_user(&file.path, |user, _| erased.push((redaction.is_erased_user)(user)))?;
    let count = erased.iter().filter(|erased| **erased).count() as u64;
    if count == 0 && !reader::has_text_to_rewrite(&file.path, redaction.rewrite)? {
        return Ok(None);
    }
    let Some(run) = Run::from_file(&file.path)? else {
        let message = "contains texts to erase, but another program wrote it in another format; \
                       erase them with that program";
        return Err(Error::store(&file.path, message));
    };
    let result = DedupResult::keep_except(&erased);
    let files = merge::write_rewritten(&[run], &result, table_dir, Some(redaction.rewrite))?;
    Ok(Some((files, count)))
}

/// Rewrites source entries and returns the number of changed entries.
fn rewrite_entries(entries: &mut [SourceEntry], rewrite: &ColumnTextRewrite<'_>) -> usize {
    let mut changed = 0;
    for entry in entries {
        let facts = &mut entry.facts;
        let reasons = facts.problems.iter_mut().map(|problem| &mut problem.reason);
        let details = facts.warnings.iter_mut().map(|warning| &mut warning.detail);
        let mut is_changed = false;
        for text in reasons.chain(details).chain([&mut facts.path, &mut entry.place]) {
            if let Some(rewritten) = rewrite(text) {
                *text = rewritten;
                is_changed = true;
            }
        }
        changed += usize::from(is_changed);
    }
    changed
}
