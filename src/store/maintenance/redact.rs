//! Redaction: replaces or erases texts and events in the whole store, in one commit.
//!
//! Afterwards, no data file, source entry or reject contains the old texts. The caller decides
//! which texts and events belong to a person.

use std::collections::BTreeMap;
use std::path::Path;

use crate::column::ColumnTextRewrite;
use crate::error::{Error, Result};
use crate::record::time;
use crate::schema::reject::Reject;
use crate::schema::{EventText, SOURCE_FILE, WORKLOAD_GROUP, WorkloadGroup};
use crate::store::delta::commit::{MAX_ATTEMPTS, backoff, too_many_conflicts};
use crate::store::delta::log::CommitContent;
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::disk::Disk;
use crate::store::fs::paths::{is_absent, may_be_deleted};
use crate::store::handle::Store;
use crate::store::parquet::reader;
use crate::store::parquet::writer::{Compression, TableDir};
use crate::store::provenance::reject_file::RejectsFile;
use crate::store::provenance::rejects::{self, RejectEdit, RejectEditCounts};
use crate::store::provenance::source_log::{self, SourceEntry, SourceLog};
use crate::store::write::commit_check::check_before_commit;
use crate::store::write::dedup::DedupResult;
use crate::store::write::merge;
use crate::store::write::orphans::clean_orphans;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::WriterLock;

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
    /// The number of other events in which texts were replaced.
    pub changed_events: u64,
    /// The number of replaced texts in these events.
    pub replaced_values: u64,
    /// The number of deleted rejects.
    pub dropped_rejects: u64,
    /// The number of rejects in which texts were replaced.
    pub changed_rejects: u64,
    /// The number of rewritten data files and reject files.
    pub rewritten_files: usize,
    /// The number of rewritten source entries.
    pub rewritten_entries: usize,
    /// The number of replaced texts in the inventory.
    pub inventory_values: u64,
}

impl Store {
    /// Returns the users of the table, each with every user key of its events and their number.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] if a file cannot be read.
    #[doc(hidden)]
    pub fn users(&self) -> Result<BTreeMap<(String, String), u64>> {
        self.read(|snapshot| {
            let mut users = BTreeMap::new();
            for file in &snapshot.files {
                reader::for_each_row_of_texts(&file.path, ["UserId", "UserKey"], |[user, key]| {
                    *users.entry((user.to_owned(), key.to_owned())).or_default() += 1;
                })?;
            }
            Ok(users)
        })
    }

    /// Passes every text of the table to `visit`. A text that several events have may be passed
    /// once or several times.
    ///
    /// # Errors
    ///
    /// As [`Store::users`].
    #[doc(hidden)]
    pub fn for_each_text(&self, visit: &(dyn Fn(&EventText<'_>) + Sync)) -> Result<()> {
        let visited = |text: &EventText<'_>| {
            visit(text);
            None
        };
        self.read(|snapshot| {
            let mut files = snapshot.files.iter();
            files.try_for_each(|file| reader::count_rewrites(&file.path, &visited).map(drop))
        })
    }

    /// Returns what [`Store::redact`] would do, without changing anything.
    ///
    /// # Errors
    ///
    /// As [`Store::redact`].
    #[doc(hidden)]
    pub fn plan_redaction(&self, redaction: &Redaction<'_>) -> Result<RedactionResult> {
        let mut previous = None;
        loop {
            let (log, source_log) = self.latest()?;
            let is_newer = previous.replace(log.version()) != Some(log.version());
            let files = log.files()?;
            let inventory_values =
                self.count_inventory_redaction(&|text| rewrite_text(text, redaction))?;
            match plan_files(&files, self.root(), source_log, redaction) {
                Err(_) if is_newer && files.iter().any(|file| may_be_deleted(&file.path)) => {}
                planned => {
                    return planned.map(|plan| RedactionResult { inventory_values, ..plan });
                }
            }
        }
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
        let rewrite = |text: &str| rewrite_text(text, redaction);
        let inventory_values = store.redact_inventory(&writer_lock, &rewrite)?;
        for attempts in 1..MAX_ATTEMPTS {
            if let Some(result) = store.try_redact(redaction, &table_dir, &writer_lock)? {
                return Ok(RedactionResult { inventory_values, ..result });
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
        let (log, mut source_log) = self.latest()?;
        let Some(data) = RewrittenData::prepare(log.files()?, redaction, table_dir)? else {
            return Ok(None);
        };
        count_erased_copies(&mut source_log.entries, &data.plans);
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
        let erased_events = data.plans.iter().map(|plan| plan.erased_events).sum::<u64>();
        rewrite.source_log.removed.erased += erased_events;
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
        let attempt = check_before_commit(writer_lock, &log, content)
            .and_then(|()| log.commit_redaction(&data.old, content));
        if self.resolve_outcome(writer_lock, attempt, content, discard)?.is_none() {
            return Ok(None);
        }
        table_dir.discard(&data.old);
        discard_rejects(&**disk, root, &rewrite.old_reject_files);
        source_log::delete_compacted(&**disk, root, previous_head, Some(head));
        let mut result = rewrite.result;
        data.plans.iter().for_each(|plan| plan.add_to(&mut result));
        Ok(Some(result))
    }
}

/// Returns the replacement of a text of the inventory.
fn rewrite_text(text: &str, redaction: &Redaction<'_>) -> Option<String> {
    (redaction.rewrite)(&EventText::new("", text))
}

/// Returns what a redaction would do with these files and source entries.
fn plan_files(
    files: &[DataFile],
    root: &Path,
    mut source_log: SourceLog,
    redaction: &Redaction<'_>,
) -> Result<RedactionResult> {
    let mut result = RedactionResult::default();
    for file in files {
        if let Some(plan) = FilePlan::new(file, redaction)? {
            plan.add_to(&mut result);
        }
    }
    for file in &source_log.reject_files {
        let counts = rejects::count_edits(root, file, redaction.edit_reject)?;
        result.dropped_rejects += counts.dropped;
        result.changed_rejects += counts.changed;
        result.rewritten_files += usize::from(counts != RejectEditCounts::default());
    }
    result.rewritten_entries = rewrite_entries(&mut source_log.entries, redaction.rewrite);
    Ok(result)
}

fn discard_rejects(disk: &dyn Disk, root: &Path, files: &[RejectsFile]) {
    files.iter().for_each(|file| rejects::discard(disk, root, Some(file)));
}

/// The changes of a redaction in a data file.
struct FilePlan {
    /// True for each event to erase.
    erased: Vec<bool>,
    erased_events: u64,
    changed_events: u64,
    replaced_values: u64,
    /// The number of erased events by source and UTC day, without those of other workloads, which
    /// do not count for days.
    erased_by_source: BTreeMap<(String, String), u64>,
}

impl FilePlan {
    /// Returns `None` if the file contains nothing to redact.
    fn new(file: &DataFile, redaction: &Redaction<'_>) -> Result<Option<FilePlan>> {
        let mut plan = FilePlan {
            erased: Vec::new(),
            erased_events: 0,
            changed_events: 0,
            replaced_values: 0,
            erased_by_source: BTreeMap::new(),
        };
        reader::for_each_row_of_texts(&file.path, ["UserId"], |[user]| {
            plan.erased.push((redaction.is_erased_user)(user));
        })?;
        let replaced = reader::count_rewrites(&file.path, redaction.rewrite)?;
        let stays = plan.erased.iter().map(|erased| !erased);
        for (count, _) in replaced.iter().zip(stays).filter(|(count, stays)| *stays && **count > 0)
        {
            plan.changed_events += 1;
            plan.replaced_values += u64::from(*count);
        }
        plan.erased_events = plan.erased.iter().filter(|erased| **erased).count() as u64;
        if plan.erased_events > 0 {
            plan.count_erased_by_source(&file.path)?;
        }
        if plan.erased_events == 0 && plan.changed_events == 0 {
            return Ok(None);
        }
        match reader::has_table_schema(&file.path)? {
            true => Ok(Some(plan)),
            false => Err(foreign_format_error(&file.path)),
        }
    }

    fn count_erased_by_source(&mut self, path: &Path) -> Result<()> {
        let times = reader::read_times(path)?;
        let mut rows = self.erased.iter().zip(times);
        let by_source = &mut self.erased_by_source;
        reader::for_each_row_of_texts(path, [SOURCE_FILE, WORKLOAD_GROUP], |[source, group]| {
            let Some((true, time_us)) = rows.next().map(|(erased, time)| (*erased, time)) else {
                return;
            };
            let day = time_us.and_then(time::day).filter(|_| group != WorkloadGroup::Other.name());
            if let Some(day) = day {
                *by_source.entry((source.to_owned(), day.to_string())).or_default() += 1;
            }
        })
    }

    fn add_to(&self, result: &mut RedactionResult) {
        result.erased_events += self.erased_events;
        result.changed_events += self.changed_events;
        result.replaced_values += self.replaced_values;
        result.rewritten_files += 1;
    }
}

/// Adds the erased events to the facts of their sources, so that erased events are not taken for
/// duplicates.
fn count_erased_copies(entries: &mut [SourceEntry], plans: &[FilePlan]) {
    for ((source, day), count) in plans.iter().flat_map(|plan| &plan.erased_by_source) {
        // The last entry of a source is the one that counts.
        if let Some(entry) = entries.iter_mut().rev().find(|entry| entry.facts.path == *source) {
            *entry.facts.erased.entry(day.clone()).or_default() += count;
        }
    }
}

/// The data files that contain texts or events to redact, and the files that replace them.
#[derive(Default)]
struct RewrittenData {
    old: Vec<DataFile>,
    new: Vec<DataFile>,
    /// The changes in each of the old files.
    plans: Vec<FilePlan>,
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
            let rewritten = FilePlan::new(&file, redaction).and_then(|plan| {
                let Some(plan) = plan else { return Ok(None) };
                let new = rewrite_data_file(&file, &plan, redaction, table_dir)?;
                Ok(Some((plan, new)))
            });
            match rewritten {
                Ok(None) => {}
                Ok(Some((plan, new))) => {
                    data.plans.push(plan);
                    data.new.extend(new);
                    data.old.push(file);
                }
                Err(error) => {
                    table_dir.discard(&data.new);
                    // Only a file that is gone was replaced; an error of the disk says nothing.
                    return if is_absent(&file.path) { Ok(None) } else { Err(error) };
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
    /// The numbers of changed rejects, reject files and source entries.
    result: RedactionResult,
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
        let mut rewrite = SourceLogRewrite {
            source_log,
            old_reject_files: Vec::new(),
            new_reject_files: Vec::new(),
            result: RedactionResult::default(),
        };
        let mut kept = Vec::new();
        for file in std::mem::take(&mut rewrite.source_log.reject_files) {
            if let Err(error) = rewrite.add_reject_file(store, writer, &file, redaction) {
                discard_rejects(&**disk, root, &rewrite.new_reject_files);
                return Err(error);
            }
            if rewrite.old_reject_files.last() != Some(&file) {
                kept.push(file);
            }
        }
        kept.extend(rewrite.new_reject_files.iter().cloned());
        rewrite.source_log.reject_files = kept;
        rewrite.source_log.removed.dropped += rewrite.result.dropped_rejects;
        rewrite.result.rewritten_files = rewrite.old_reject_files.len();
        rewrite.result.rewritten_entries =
            rewrite_entries(&mut rewrite.source_log.entries, redaction.rewrite);
        Ok(rewrite)
    }

    /// Rewrites a reject file if it contains rejects to change.
    fn add_reject_file(
        &mut self,
        store: &Store,
        writer: &str,
        file: &RejectsFile,
        redaction: &Redaction<'_>,
    ) -> Result<()> {
        let counts = rejects::count_edits(store.root(), file, redaction.edit_reject)?;
        if counts == RejectEditCounts::default() {
            return Ok(());
        }
        let (disk, edit) = (store.disk(), redaction.edit_reject);
        self.new_reject_files.extend(rejects::rewrite(disk, store.root(), writer, file, edit)?);
        self.old_reject_files.push(file.clone());
        self.result.dropped_rejects += counts.dropped;
        self.result.changed_rejects += counts.changed;
        Ok(())
    }

    fn is_unchanged(&self) -> bool {
        self.result.rewritten_entries == 0 && self.old_reject_files.is_empty()
    }
}

/// Rewrites a data file and returns the new files.
fn rewrite_data_file(
    file: &DataFile,
    plan: &FilePlan,
    redaction: &Redaction<'_>,
    table_dir: &TableDir,
) -> Result<Vec<DataFile>> {
    let run = Run::from_file(&file.path)?.ok_or_else(|| foreign_format_error(&file.path))?;
    let result = DedupResult::keep_except(&plan.erased);
    merge::write_rewritten(&[run], &result, table_dir, Some(redaction.rewrite))
}

fn foreign_format_error(path: &Path) -> Error {
    let message = "contains texts to erase, but another program wrote it in another format; erase \
                   them with that program";
    Error::store(path, message)
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
            if let Some(rewritten) = rewrite(&EventText::new("", text)) {
                *text = rewritten;
                is_changed = true;
            }
        }
        changed += usize::from(is_changed);
    }
    changed
}
