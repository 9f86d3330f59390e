//! Texts taken out of the whole store: persons who are to be forgotten.
//!
//! Owns: that nothing of the old texts stays, in no file of the table and in no mark, and that it
//! happens at once. Must not know who a person is: which texts go, and which events, it is told.

use std::collections::BTreeSet;

use crate::column::ColumnTextRewrite;
use crate::error::{Error, Result};
use crate::schema::reject::Reject;
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::reader;
use crate::store::parquet::writer::{Compression, TableDir};
use crate::store::provenance::rejects::{self, RejectEdit, RejectsFile, RewrittenRejects};
use crate::store::provenance::source_log::{self, SourceEntry, SourceLog};
use crate::store::write::dedup::DedupResult;
use crate::store::write::merge;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::{self, WriterLock};
use crate::store::{MAX_ATTEMPTS, Store, backoff, too_many_conflicts};

/// What is to go.
pub struct Redaction<'r> {
    /// What a text becomes; `None` where it stays.
    pub rewrite: &'r ColumnTextRewrite<'r>,
    /// Whether the events of a user go with everything that is in them.
    pub is_erased_user: &'r (dyn Fn(&str) -> bool + Sync),
    /// What becomes of a reject.
    pub edit_reject: &'r dyn Fn(&Reject) -> RejectEdit,
}

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RedactionResult {
    /// Events that are gone.
    pub erased_events: u64,
    /// Rejects that are gone.
    pub dropped_rejects: u64,
    /// Files of events and rejects that were written again.
    pub rewritten_files: usize,
    /// Marks of sources that were written again.
    pub rewritten_entries: usize,
}

impl Store {
    /// The users of the table, each with every user key that stands beside the name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] where a file cannot be read.
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

    /// Takes texts, and events, out of the store: the files that have them are written again
    /// without, in one commit, and the old ones are deleted. Sources stay known, so that reading
    /// them again brings nothing back.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] where a file cannot be read or written; the store is
    /// then as it was.
    pub fn redact(&self, removal: &Redaction<'_>) -> Result<RedactionResult> {
        let lease = WriterLock::acquire(self)?;
        writer_lock::clean_orphans(&lease)?;
        let store = lease.store();
        let site =
            TableDir::new(store.disk(), &self.events_dir(), &lease.writer, Compression::Zstd);
        for tries in 1..MAX_ATTEMPTS {
            if let Some(removed) = store.try_redact(removal, &site, &lease)? {
                return Ok(removed);
            }
            backoff(tries);
        }
        Err(too_many_conflicts(self.root()))
    }

    /// `None` where another writer was quicker.
    fn try_redact(
        &self,
        removal: &Redaction<'_>,
        site: &TableDir,
        lease: &WriterLock,
    ) -> Result<Option<RedactionResult>> {
        let (log, memory) = self.latest()?;
        let (mut old, mut new, mut erased) = (Vec::new(), Vec::new(), 0);
        for file in log.files()? {
            match rewrite_data_file(&file, removal, site) {
                Ok(None) => {}
                Ok(Some((files, gone))) => {
                    erased += gone;
                    new.extend(files);
                    old.push(file);
                }
                Err(error) => {
                    site.discard(&new);
                    return if file.path.exists() { Err(error) } else { Ok(None) };
                }
            }
        }
        let disk = self.disk().as_ref();
        let mut renewal = match SourceLogRewrite::prepare(self, &lease.writer, memory, removal) {
            Ok(renewal) => renewal,
            Err(error) => {
                site.discard(&new);
                return if self.refresh(&log)?.is_none() { Err(error) } else { Ok(None) };
            }
        };
        if old.is_empty() && renewal.rewritten_entries == 0 && renewal.old_reject_files.is_empty() {
            return Ok(Some(RedactionResult::default()));
        }
        renewal.source_log.removed.erased += erased;
        let before = log.source_log_head()?;
        let undo = || {
            site.discard(&new);
            renewal
                .new_reject_files
                .iter()
                .for_each(|file| rejects::discard(disk, self.root(), Some(file)));
        };
        let head =
            source_log::write_compacted(disk, self.root(), &lease.writer, &renewal.source_log);
        let head = head.inspect_err(|_| undo())?;
        let discard = || {
            undo();
            source_log::discard(disk, self.root(), Some(head));
        };
        let attempt = log.commit_redaction(&old, &new, head);
        if self.resolve_outcome(lease, attempt, (&new, Some(head)), discard)?.is_none() {
            return Ok(None);
        }
        site.discard(&old);
        renewal
            .old_reject_files
            .iter()
            .for_each(|file| rejects::discard(disk, self.root(), Some(file)));
        source_log::delete_compacted(disk, self.root(), before, Some(head));
        let files = old.len() + renewal.old_reject_files.len();
        Ok(Some(RedactionResult {
            erased_events: erased,
            dropped_rejects: renewal.dropped_rejects,
            rewritten_files: files,
            rewritten_entries: renewal.rewritten_entries,
        }))
    }
}

/// What is remembered, without what goes.
struct SourceLogRewrite {
    source_log: SourceLog,
    /// Files of rejects that were written again, and what is in their place.
    old_reject_files: Vec<RejectsFile>,
    new_reject_files: Vec<RejectsFile>,
    dropped_rejects: u64,
    /// Marks that are others now.
    rewritten_entries: usize,
}

impl SourceLogRewrite {
    /// On an error it leaves no file behind.
    fn prepare(
        store: &Store,
        writer: &str,
        memory: SourceLog,
        removal: &Redaction<'_>,
    ) -> Result<SourceLogRewrite> {
        let (disk, root) = (store.disk().as_ref(), store.root());
        let (old, new, dropped) = (Vec::new(), Vec::new(), 0);
        let mut renewal = SourceLogRewrite {
            source_log: memory,
            old_reject_files: old,
            new_reject_files: new,
            dropped_rejects: dropped,
            rewritten_entries: 0,
        };
        let mut kept = Vec::new();
        for file in std::mem::take(&mut renewal.source_log.reject_files) {
            match rejects::rewrite(disk, root, writer, &file, removal.edit_reject) {
                Ok(None) => kept.push(file),
                Ok(Some(RewrittenRejects { file: new, dropped: gone })) => {
                    renewal.dropped_rejects += gone;
                    renewal.new_reject_files.extend(new);
                    renewal.old_reject_files.push(file);
                }
                Err(error) => {
                    renewal
                        .new_reject_files
                        .iter()
                        .for_each(|new| rejects::discard(disk, root, Some(new)));
                    return Err(error);
                }
            }
        }
        kept.extend(renewal.new_reject_files.iter().cloned());
        renewal.source_log.reject_files = kept;
        renewal.source_log.removed.dropped += renewal.dropped_rejects;
        renewal.rewritten_entries =
            rewrite_entries(&mut renewal.source_log.entries, removal.rewrite);
        Ok(renewal)
    }
}

/// Writes a file again without the texts and events that go; `None` where it has none of them.
fn rewrite_data_file(
    file: &DataFile,
    removal: &Redaction<'_>,
    site: &TableDir,
) -> Result<Option<(Vec<DataFile>, u64)>> {
    let mut goes = Vec::new();
    reader::for_each_user(&file.path, |user, _| goes.push((removal.is_erased_user)(user)))?;
    let erased = goes.iter().filter(|goes| **goes).count() as u64;
    if erased == 0 && !reader::has_text_to_rewrite(&file.path, removal.rewrite)? {
        return Ok(None);
    }
    let Some(run) = Run::from_file(&file.path)? else {
        let message = "holds texts that are to go, but is not in this program's form; write it \
                       again with the tool that made it";
        return Err(Error::store(&file.path, message));
    };
    let fates = DedupResult::keep_except(&goes);
    let files = merge::write_rewritten(&[run], &fates, site, Some(removal.rewrite))?;
    Ok(Some((files, erased)))
}

/// Rewrites marks, and gives the number of those that have changed.
fn rewrite_entries(marks: &mut [SourceEntry], rewrite: &ColumnTextRewrite<'_>) -> usize {
    let mut changed = 0;
    for mark in marks {
        let facts = &mut mark.facts;
        let reasons = facts.problems.iter_mut().map(|trouble| &mut trouble.reason);
        let details = facts.warnings.iter_mut().map(|suspicion| &mut suspicion.detail);
        let mut is_changed = false;
        for text in reasons.chain(details).chain([&mut facts.path, &mut mark.place]) {
            if let Some(rewritten) = rewrite(text) {
                *text = rewritten;
                is_changed = true;
            }
        }
        changed += usize::from(is_changed);
    }
    changed
}
