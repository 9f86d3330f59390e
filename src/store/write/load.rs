//! A write: batches are staged from any thread, deduplicated against the table, and committed.
//!
//! If another writer commits first, the write is deduplicated against the newer version and
//! committed again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::column::EventBatch;
use crate::error::{Error, Result};
use crate::schema::inventory::InventoryRow;
use crate::schema::reject::Reject;
use crate::schema::source_log::RejectCounts;
use crate::store::delta::commit::{MAX_ATTEMPTS, backoff, too_many_conflicts};
use crate::store::delta::log::{CommitContent, DeltaLog};
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::disk::{Disk, OsDisk};
use crate::store::fs::paths::may_be_deleted;
use crate::store::fs::temp_folder::TempFolder;
use crate::store::handle::{Store, check_is_utf8};
use crate::store::parquet::id_prefixes::IdPrefixes;
use crate::store::parquet::writer::{Compression, TableDir};
use crate::store::provenance::reject_file::RejectsFile;
use crate::store::provenance::rejects::{self, NewRejects, RejectSpool};
use crate::store::provenance::source_log::{
    self, NewEntries, SourceEntries, SourceEntry, SourceLog,
};
use crate::store::write::commit_check::check_before_commit;
use crate::store::write::dedup::{self, ComparedFiles, DedupResult, Deduplicated};
use crate::store::write::merge;
use crate::store::write::merge_copies::TempSpace;
use crate::store::write::orphans::{clean_orphans, stale_signs};
use crate::store::write::run::Run;
use crate::store::write::writer_lock::WriterLock;

/// Memory for staged batches. Further batches are written to disk as sorted runs.
const MAX_STAGED_BYTES: usize = 256 << 20;

/// The destination of a write.
enum TransactionTarget {
    Store { store: Store, writer_lock: Box<WriterLock>, known_entries: SourceEntries },
    Temporary(TempFolder),
}

impl TransactionTarget {
    fn into_temp_table(self, files: Vec<DataFile>) -> Result<TempTable> {
        match self {
            TransactionTarget::Temporary(folder) => Ok(TempTable { files, _folder: folder }),
            TransactionTarget::Store { .. } => {
                Err(Error::internal("a write to a store was not committed"))
            }
        }
    }
}

/// A write in progress. It has no effect before its commit. Dropping it deletes its files.
pub struct Transaction {
    target: TransactionTarget,
    table_dir: TableDir,
    temp_dir: PathBuf,
    disk: Arc<dyn Disk>,
    runs: Mutex<Vec<Run>>,
    staged_bytes: AtomicUsize,
    /// The rejects, or `None` if the destination keeps none.
    rejects: Option<RejectSpool>,
    attempts: u32,
}

impl Store {
    /// Begins a write, after it has deleted the orphans of aborted writers.
    ///
    /// `known_entries` are the source entries that the caller has read.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder for temporary files cannot be created.
    #[doc(hidden)]
    pub fn begin_transaction(&self, known_entries: SourceEntries) -> Result<Transaction> {
        let writer_lock = Box::new(WriterLock::acquire(self)?);
        clean_orphans(&writer_lock)?;
        let (store, writer) = (writer_lock.store(), &writer_lock.writer);
        let table_dir = TableDir::new(&store.disk, &store.events_dir(), writer, Compression::Zstd);
        let temp_dir = writer_lock.temp_dir();
        let target = TransactionTarget::Store { store, writer_lock, known_entries };
        Ok(Transaction::new(target, table_dir, temp_dir))
    }

    /// Deletes the orphans of aborted writers, for commands that write nothing themselves.
    ///
    /// # Errors
    ///
    /// As [`Store::begin_transaction`].
    #[doc(hidden)]
    pub fn clean_orphans(&self) -> Result<()> {
        match stale_signs(&self.root, "")? {
            Some(_) => clean_orphans(&WriterLock::acquire(self)?),
            None => Ok(()),
        }
    }

    /// Begins a write to a temporary folder, which is deleted with the result. Reports use it to
    /// read log files without a store.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the temporary folder cannot be created.
    #[doc(hidden)]
    pub fn temporary_transaction() -> Result<Transaction> {
        Store::temporary_transaction_of("temporary")
    }

    /// Begins a write to a temporary folder, whose files have the name of a writer.
    pub(in crate::store) fn temporary_transaction_of(writer: &str) -> Result<Transaction> {
        let parent = std::env::temp_dir();
        check_is_utf8(&parent)?;
        let folder = TempFolder::create_in(&parent)
            .map_err(Error::io("create a temporary folder in", &parent))?;
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let temp_dir = folder.path().to_path_buf();
        let events = temp_dir.join("events");
        let table_dir = TableDir::new(&disk, &events, writer, Compression::None);
        Ok(Transaction::new(TransactionTarget::Temporary(folder), table_dir, temp_dir))
    }
}

impl Transaction {
    fn new(target: TransactionTarget, table_dir: TableDir, temp_dir: PathBuf) -> Self {
        let (disk, rejects): (Arc<dyn Disk>, _) = match &target {
            TransactionTarget::Store { store, .. } => {
                (Arc::clone(store.disk()), Some(RejectSpool::new(store.disk(), &temp_dir)))
            }
            TransactionTarget::Temporary(_) => (Arc::new(OsDisk), None),
        };
        Transaction {
            target,
            table_dir,
            temp_dir,
            disk,
            runs: Mutex::new(Vec::new()),
            staged_bytes: AtomicUsize::new(0),
            rejects,
            attempts: 0,
        }
    }

    /// Adds a rejected record, from any thread and in any order. A temporary write ignores it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the record cannot be written to disk.
    pub fn add_reject(&self, reject: &Reject) -> Result<()> {
        self.rejects.as_ref().map_or(Ok(()), |spool| spool.add(reject))
    }

    /// Adds rows to the inventory table, in a commit of its own before that of the events. Rows
    /// that the table has are left out. A temporary write ignores them.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] as [`PreparedCommit::commit`].
    pub fn add_inventory(&self, rows: &[InventoryRow]) -> Result<()> {
        match &self.target {
            TransactionTarget::Store { store, writer_lock, .. } => {
                store.add_inventory(writer_lock, rows)
            }
            TransactionTarget::Temporary(_) => Ok(()),
        }
    }

    /// Adds a batch of events, from any thread. The order of the calls does not change the result.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if memory is full and the batch cannot be written to disk.
    pub fn stage(&self, batch: EventBatch) -> Result<()> {
        if batch.keys.is_empty() {
            return Ok(());
        }
        let run = Run::new(batch)?;
        let bytes = run.memory_bytes();
        let run =
            if self.staged_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_STAGED_BYTES {
                self.staged_bytes.fetch_sub(bytes, Ordering::Relaxed);
                run.spill(self.disk.as_ref(), &self.temp_dir)?
            } else {
                run
            };
        self.runs
            .lock()
            .map_err(|_| Error::internal("a thread failed while it staged events"))?
            .push(run);
        Ok(())
    }

    /// Writes all staged events, including duplicates, to temporary files.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the disk fails.
    pub fn into_temp_table(self) -> Result<TempTable> {
        let runs = self.runs.into_inner();
        let runs = runs.map_err(|_| Error::internal("a thread failed while it staged events"))?;
        let files = merge::write(&runs, &DedupResult::keep_all(&runs), &self.table_dir)?;
        self.target.into_temp_table(files)
    }

    /// Removes duplicates. The copies of an event, staged or in the table, become one event.
    ///
    /// # Errors
    ///
    /// Errors of reading the table.
    pub fn deduplicate(self) -> Result<PreparedCommit> {
        self.deduplicate_with(&[])
    }

    /// Removes duplicates of a temporary write, among its events and those of `files`.
    pub(in crate::store) fn deduplicate_with(
        mut self,
        files: &[DataFile],
    ) -> Result<PreparedCommit> {
        let runs = std::mem::take(&mut self.runs).into_inner();
        let mut runs =
            runs.map_err(|_| Error::internal("a thread failed while it staged events"))?;
        // Threads finish in any order; sorted by their first event, runs are always the same.
        runs.sort_by_key(Run::first_sequence);
        let temp = TempSpace { disk: self.disk.as_ref(), folder: &self.temp_dir };
        let (base, deduplicated) = match (&self.target, &self.rejects) {
            (TransactionTarget::Store { store, known_entries, .. }, Some(rejects)) => {
                let (base, result) =
                    BaseVersion::deduplicate(store, known_entries, &runs, rejects, temp)?;
                (Some(base), result)
            }
            _ => (None, dedup::deduplicate(&runs, ComparedFiles { files, prefixes: None }, temp)?),
        };
        let staged_runs = runs.len();
        let Deduplicated { result, added, replaced } = deduplicated;
        runs.extend(added);
        Ok(PreparedCommit {
            transaction: self,
            runs,
            staged_runs,
            base,
            dedup_result: result,
            replaced,
        })
    }
}

/// The version of the table that events were compared with. The commit must be the next version.
struct BaseVersion {
    log: DeltaLog,
    source_log: Arc<SourceLog>,
    new_rejects: NewRejects,
}

impl BaseVersion {
    fn deduplicate(
        store: &Store,
        known_entries: &SourceEntries,
        runs: &[Run],
        rejects: &RejectSpool,
        temp: TempSpace<'_>,
    ) -> Result<(BaseVersion, Deduplicated)> {
        let mut log = DeltaLog::open_or_create(store)?;
        log.ensure_pseudonym_key(store.pseudonym_key_id.as_deref())?;
        let prefixes = IdPrefixes::new(store.disk(), store.root());
        loop {
            let result = log.files().and_then(|files| {
                let table = ComparedFiles { files: &files, prefixes: Some(&prefixes) };
                dedup::deduplicate(runs, table, temp)
            });
            let source_log = log.source_log_head().and_then(|head| {
                if head == known_entries.head {
                    Ok(Arc::clone(&known_entries.source_log))
                } else {
                    source_log::read(store.root(), head).map(Arc::new)
                }
            });
            let prepared = source_log.and_then(|source_log| {
                let new_rejects = rejects.split_new(store.root(), &source_log)?;
                Ok((source_log, new_rejects))
            });
            match result.and_then(|result| Ok((result, prepared?))) {
                Ok((result, (source_log, new_rejects))) => {
                    return Ok((BaseVersion { log, source_log, new_rejects }, result));
                }
                // A compaction may have replaced a file since the log was read.
                Err(error) => log = store.version_after(&log, error)?,
            }
        }
    }
}

/// A write whose events are deduplicated.
pub struct PreparedCommit {
    transaction: Transaction,
    /// The staged runs, and then those that the deduplication has added.
    runs: Vec<Run>,
    staged_runs: usize,
    base: Option<BaseVersion>,
    dedup_result: DedupResult,
    /// Files of the table that the commit replaces.
    replaced: Vec<DataFile>,
}

/// The outcome of a commit.
pub enum CommitOutcome {
    /// The events and source entries are in the table, as this version. If there was nothing to
    /// commit, this is the present version.
    Committed(i64),
    /// Another writer has committed first. The write must be deduplicated again.
    Conflict(Box<Transaction>),
}

/// The files of a commit that no version of the Delta log refers to yet.
struct WrittenFiles {
    data_files: Vec<DataFile>,
    rejects: Option<RejectsFile>,
    /// The newest source-log file, before and after the commit.
    previous_head: Option<i64>,
    head: Option<i64>,
}

impl WrittenFiles {
    fn discard(&self, store: &Store, table_dir: &TableDir) {
        let disk = store.disk().as_ref();
        table_dir.discard(&self.data_files);
        rejects::discard(disk, &store.root, self.rejects.as_ref());
        if self.head != self.previous_head {
            source_log::discard(disk, &store.root, self.head);
        }
    }
}

impl PreparedCommit {
    /// Returns the numbers of stored and duplicate events of each source.
    pub fn dedup_result(&self) -> &DedupResult {
        &self.dedup_result
    }

    /// Returns the source entries of the table, including those of writers that committed first.
    pub fn source_entries(&self) -> &[SourceEntry] {
        self.base.as_ref().map_or(&[], |base| &base.source_log.entries)
    }

    /// Returns the reject counts of the source in a place, for its entry. Returns `None` if the
    /// destination keeps no rejects.
    pub fn reject_counts(&self, place: &str) -> Option<RejectCounts> {
        self.base.as_ref().map(|base| base.new_rejects.counts(place))
    }

    /// Commits the events with the source entries and with the rejects of these sources.
    ///
    /// The commit is atomic. Without events and entries, nothing is committed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the disk fails, [`Error::Store`] if all attempts had conflicts. The table
    /// is unchanged then.
    pub fn commit(self, entries: &[SourceEntry]) -> Result<CommitOutcome> {
        let (TransactionTarget::Store { store, writer_lock, .. }, Some(base)) =
            (&self.transaction.target, &self.base)
        else {
            return Err(Error::internal("a temporary write cannot be committed"));
        };
        let changes_events = self.dedup_result.stored_events() > 0 || !self.replaced.is_empty();
        if !changes_events && entries.is_empty() {
            return Ok(CommitOutcome::Committed(base.log.version()));
        }
        let table_dir = &self.transaction.table_dir;
        let previous_head = base.log.source_log_head()?;
        let data_files = match merge::write(&self.runs, &self.dedup_result, table_dir) {
            Ok(files) => files,
            // Another writer has replaced a file of the table.
            Err(_) if self.replaced.iter().any(|file| may_be_deleted(&file.path)) => {
                return self.into_conflict();
            }
            Err(error) => return Err(error),
        };
        let provenance = self.write_provenance(store, &writer_lock.writer, base, entries);
        let written = match provenance {
            Ok((head, rejects)) => WrittenFiles { data_files, rejects, previous_head, head },
            Err(error) => {
                table_dir.discard(&data_files);
                return match store.refresh(&base.log)? {
                    Some(_) => self.into_conflict(),
                    None => Err(error),
                };
            }
        };
        let content = CommitContent { files: &written.data_files, source_log_head: written.head };
        let commit = |log: &DeltaLog| {
            check_before_commit(writer_lock, log, content)?;
            match self.replaced.is_empty() {
                true => log.commit_append(content),
                false => log.commit_update(&self.replaced, content),
            }
        };
        let is_compatible = |newer: &DeltaLog, log: &DeltaLog| {
            newer.has_only_compactions_since(log) && newer.contains_all(&self.replaced)
        };
        let attempt = store.commit_with_retry(&base.log, commit, is_compatible);
        let discard = || written.discard(store, table_dir);
        match store.resolve_outcome(writer_lock, attempt, content, discard)? {
            Some(version) => {
                let disk = store.disk().as_ref();
                source_log::delete_compacted(disk, &store.root, previous_head, written.head);
                // A glob over the data files must not find an event twice.
                table_dir.discard(&self.replaced);
                Ok(CommitOutcome::Committed(version))
            }
            None => self.into_conflict(),
        }
    }

    /// Writes the rejects of the sources with these entries, then the source-log file.
    fn write_provenance(
        &self,
        store: &Store,
        writer: &str,
        base: &BaseVersion,
        entries: &[SourceEntry],
    ) -> Result<(Option<i64>, Option<RejectsFile>)> {
        let rejects = self.write_rejects(&store.root, writer, base, entries)?;
        let new = NewEntries { entries, rejects: rejects.as_ref() };
        let previous_head = base.log.source_log_head()?;
        let head = source_log::append(store.disk(), &store.root, previous_head, writer, new);
        let discard = |_: &Error| {
            rejects::discard(store.disk().as_ref(), &store.root, rejects.as_ref());
        };
        Ok((head.inspect_err(discard)?, rejects))
    }

    /// Writes the rejects of the sources with these entries.
    fn write_rejects(
        &self,
        root: &Path,
        writer: &str,
        base: &BaseVersion,
        entries: &[SourceEntry],
    ) -> Result<Option<RejectsFile>> {
        let places: HashSet<&str> = entries.iter().map(|entry| entry.place.as_str()).collect();
        let is_committed = |place: &str| places.contains(place);
        match &self.transaction.rejects {
            Some(spool) => spool.write_new(root, writer, &base.new_rejects, is_committed),
            None => Ok(None),
        }
    }

    /// Returns the write as it was staged, after a random pause that grows with the attempts.
    fn into_conflict(self) -> Result<CommitOutcome> {
        let mut transaction = self.transaction;
        transaction.attempts += 1;
        if transaction.attempts >= MAX_ATTEMPTS {
            return Err(too_many_conflicts(&transaction.temp_dir));
        }
        backoff(transaction.attempts);
        let mut runs = self.runs;
        runs.truncate(self.staged_runs);
        transaction.runs = Mutex::new(runs);
        Ok(CommitOutcome::Conflict(Box::new(transaction)))
    }

    /// Returns the files whose rows the deduplicated events replace.
    pub(in crate::store) fn replaced_files(&self) -> &[DataFile] {
        &self.replaced
    }

    /// Writes the deduplicated events to temporary files.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the disk fails.
    pub fn into_temp_table(self) -> Result<TempTable> {
        let files = merge::write(&self.runs, &self.dedup_result, &self.transaction.table_dir)?;
        self.transaction.target.into_temp_table(files)
    }
}

/// Events in temporary files, deleted with this value.
pub struct TempTable {
    /// The files.
    pub files: Vec<DataFile>,
    _folder: TempFolder,
}
