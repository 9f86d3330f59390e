//! A write in progress: staged from any thread, settled against the table, committed at once.
//!
//! Owns: the order of these steps, and what becomes of a write that another has overtaken.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::column::EventBatch;
use crate::error::{Error, Result};
use crate::schema::reject::Reject;
use crate::schema::source_log::RejectCounts;
use crate::store::delta::log::DeltaLog;
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::disk::{Disk, OsDisk};
use crate::store::parquet::writer::TableDir;
use crate::store::provenance::rejects::{self, NewRejects, RejectSpool, RejectsFile};
use crate::store::provenance::source_log::{self, SourceEntry, SourceLog};
use crate::store::write::dedup::{self, DedupResult};
use crate::store::write::merge;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::WriterLock;
use crate::store::{MAX_ATTEMPTS, SourceEntries, Store, backoff, too_many_conflicts};

/// What a load may hold in memory before it puts sorted runs on disk.
const MAX_STAGED_BYTES: usize = 144 << 20;

/// Where a load ends.
pub(in crate::store) enum TransactionTarget {
    Store { store: Store, writer_lock: WriterLock, known_entries: SourceEntries },
    Temporary(tempfile::TempDir),
}

impl TransactionTarget {
    fn into_temp_table(self, files: Vec<DataFile>) -> Result<TempTable> {
        match self {
            TransactionTarget::Temporary(folder) => Ok(TempTable { files, _folder: folder }),
            TransactionTarget::Store { .. } => {
                Err(Error::internal("a load of the store is to be committed"))
            }
        }
    }
}

/// A write in progress. Nothing of it is seen before its commit; dropped, it leaves nothing.
pub struct Transaction {
    target: TransactionTarget,
    site: TableDir,
    temp_dir: PathBuf,
    disk: Arc<dyn Disk>,
    runs: Mutex<Vec<Run>>,
    staged_bytes: AtomicUsize,
    /// Where there is a store to keep them.
    rejects: Option<RejectSpool>,
    attempts: u32,
}

impl Transaction {
    pub(in crate::store) fn new(
        target: TransactionTarget,
        site: TableDir,
        scratch: PathBuf,
    ) -> Self {
        let (disk, rejects): (Arc<dyn Disk>, _) = match &target {
            TransactionTarget::Store { store, .. } => {
                (Arc::clone(store.disk()), Some(RejectSpool::new(store.disk(), &scratch)))
            }
            TransactionTarget::Temporary(_) => (Arc::new(OsDisk), None),
        };
        Transaction {
            target,
            site,
            temp_dir: scratch,
            disk,
            runs: Mutex::new(Vec::new()),
            staged_bytes: AtomicUsize::new(0),
            rejects,
            attempts: 0,
        }
    }

    /// Takes a record that could not be taken as an event, to be kept beside the table: from many
    /// threads, in any order. What passes keeps none.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub fn add_reject(&self, reject: &Reject) -> Result<()> {
        self.rejects.as_ref().map_or(Ok(()), |intake| intake.add(reject))
    }

    /// Takes a batch of events. May be called from many threads; the order of calls has no
    /// influence on the result.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where a run that memory has no room for cannot be put on disk.
    pub fn stage(&self, batch: EventBatch) -> Result<()> {
        if batch.keys.is_empty() {
            return Ok(());
        }
        let run = Run::new(batch);
        let bytes = run.memory_bytes();
        let run =
            if self.staged_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_STAGED_BYTES {
                self.staged_bytes.fetch_sub(bytes, Ordering::Relaxed);
                run.spill(self.disk.as_ref(), &self.temp_dir)?
            } else {
                run
            };
        self.runs.lock().map_err(|_| Error::internal("a worker failed while staging"))?.push(run);
        Ok(())
    }

    /// Writes all staged events, copies too, into files that live as long as the result.
    pub(in crate::store) fn into_temp_table(self) -> Result<TempTable> {
        let runs = self.runs.into_inner();
        let runs = runs.map_err(|_| Error::internal("a thread failed while staging"))?;
        let files = merge::write(&runs, &DedupResult::keep_all(&runs), &self.site)?;
        self.target.into_temp_table(files)
    }

    /// Takes out the copies: of each id the richest event stays, and none that the table has.
    ///
    /// # Errors
    ///
    /// Those of reading the table.
    pub fn deduplicate(self) -> Result<PreparedCommit> {
        let Transaction {
            target,
            site,
            temp_dir: scratch,
            disk,
            runs,
            staged_bytes,
            rejects,
            attempts: tries,
        } = self;
        let mut runs =
            runs.into_inner().map_err(|_| Error::internal("a worker failed while staging"))?;
        // Threads finish in any order; by their first event's place, runs always stand the same.
        runs.sort_by_key(Run::first_sequence);
        let (base, fates) = match (&target, &rejects) {
            (TransactionTarget::Store { store, known_entries: seen, .. }, Some(rejects)) => {
                let (base, fates) = BaseVersion::deduplicate(store, seen, &runs, rejects)?;
                (Some(base), fates)
            }
            _ => (None, dedup::deduplicate(&runs, &[])?),
        };
        let runs_left = Mutex::default();
        let load = Transaction {
            target,
            site,
            temp_dir: scratch,
            disk,
            runs: runs_left,
            staged_bytes,
            rejects,
            attempts: tries,
        };
        Ok(PreparedCommit { transaction: load, runs, base, dedup_result: fates })
    }
}

/// The version of the table that a load was settled against. Its commit must be the next one.
struct BaseVersion {
    log: DeltaLog,
    source_log: Arc<SourceLog>,
    new_rejects: NewRejects,
}

impl BaseVersion {
    fn deduplicate(
        store: &Store,
        seen: &SourceEntries,
        runs: &[Run],
        rejects: &RejectSpool,
    ) -> Result<(BaseVersion, DedupResult)> {
        let mut log = DeltaLog::open_or_create(store)?;
        log.ensure_pseudonym_key(store.pseudonym_key_id.as_deref())?;
        loop {
            let settled = log.files().and_then(|files| dedup::deduplicate(runs, &files));
            let memory = log.source_log_head().and_then(|head| match head == seen.head {
                true => Ok(Arc::clone(&seen.source_log)),
                false => source_log::read(store.root(), head).map(Arc::new),
            });
            let sifted = memory.and_then(|memory| {
                let sifted = rejects.split_new(store.root(), &memory)?;
                Ok((memory, sifted))
            });
            match settled.and_then(|fates| Ok((fates, sifted?))) {
                Ok((fates, (memory, rejects))) => {
                    return Ok((
                        BaseVersion { log, source_log: memory, new_rejects: rejects },
                        fates,
                    ));
                }
                // A file may have been replaced by a better one since the log was read.
                Err(error) => log = store.refresh(&log)?.ok_or(error)?,
            }
        }
    }
}

/// A write whose events are decided on.
pub struct PreparedCommit {
    transaction: Transaction,
    runs: Vec<Run>,
    base: Option<BaseVersion>,
    dedup_result: DedupResult,
}

/// What became of a commit.
pub enum CommitOutcome {
    /// The events and the marks are in the table, as this version; or there was nothing to
    /// commit, and this is the present one.
    Committed(i64),
    /// Another writer was quicker. The load is to be settled again, as what is new may have
    /// changed.
    Conflict(Box<Transaction>),
}

impl PreparedCommit {
    /// What became of the events of each source.
    pub fn dedup_result(&self) -> &DedupResult {
        &self.dedup_result
    }

    /// The marks of all sources that the table has, those of writers that were quicker included.
    pub fn source_entries(&self) -> &[SourceEntry] {
        self.base.as_ref().map_or(&[], |base| &base.source_log.entries)
    }

    /// How many of the rejects of the source in this place are kept if the source is committed;
    /// nothing where none are kept at all.
    pub fn reject_counts(&self, place: &str) -> Option<RejectCounts> {
        self.base.as_ref().map(|base| base.new_rejects.counts(place))
    }

    /// Writes the events that stay and commits them with the marks and the rejects of the sources
    /// that these are of, all or nothing. Without events and marks, nothing is committed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses, [`Error::Store`] where other writers were quicker
    /// too often; the table is then as it was.
    pub fn commit(self, marks: &[SourceEntry]) -> Result<CommitOutcome> {
        let (TransactionTarget::Store { store, writer_lock: lease, .. }, Some(base)) =
            (&self.transaction.target, &self.base)
        else {
            return Err(Error::internal("a passing load has nowhere to commit to"));
        };
        if self.dedup_result.stored_events() == 0 && marks.is_empty() {
            return Ok(CommitOutcome::Committed(base.log.version()));
        }
        let disk = store.disk().as_ref();
        let before = base.log.source_log_head()?;
        let written = merge::write(&self.runs, &self.dedup_result, &self.transaction.site)?;
        let prepared = self.write_rejects(store, lease, base, marks).and_then(|rejects| {
            let came = (marks, rejects.as_ref());
            let head = source_log::append(disk, &store.root, before, &lease.writer, came);
            let discard = |_: &Error| rejects::discard(disk, &store.root, rejects.as_ref());
            Ok((head.inspect_err(discard)?, rejects))
        });
        let (head, rejects) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.transaction.site.discard(&written);
                return match store.refresh(&base.log)? {
                    Some(_) => self.into_conflict(),
                    None => Err(error),
                };
            }
        };
        let discard = || {
            self.transaction.site.discard(&written);
            rejects::discard(disk, &store.root, rejects.as_ref());
            if head != before {
                source_log::discard(disk, &store.root, head);
            }
        };
        let commit = |log: &DeltaLog| log.commit_append(&written, head);
        let attempt =
            store.commit_with_retry(&base.log, commit, DeltaLog::has_only_compactions_since);
        match store.resolve_outcome(lease, attempt, (&written, head), discard)? {
            Some(version) => {
                source_log::delete_compacted(disk, &store.root, before, head);
                Ok(CommitOutcome::Committed(version))
            }
            None => self.into_conflict(),
        }
    }

    /// Writes the rejects of the sources that these marks are of.
    fn write_rejects(
        &self,
        store: &Store,
        lease: &WriterLock,
        base: &BaseVersion,
        marks: &[SourceEntry],
    ) -> Result<Option<RejectsFile>> {
        let brought: HashSet<&str> = marks.iter().map(|mark| mark.place.as_str()).collect();
        let is_brought = |place: &str| brought.contains(place);
        let write = |intake: &RejectSpool| {
            intake.write_new(&store.root, &lease.writer, &base.new_rejects, is_brought)
        };
        self.transaction.rejects.as_ref().map_or(Ok(None), write)
    }

    /// The load as it was staged, after a moment that grows with the number of tries and differs
    /// between writers.
    fn into_conflict(self) -> Result<CommitOutcome> {
        let mut load = self.transaction;
        load.attempts += 1;
        if load.attempts >= MAX_ATTEMPTS {
            return Err(too_many_conflicts(&load.temp_dir));
        }
        backoff(load.attempts);
        load.runs = Mutex::new(self.runs);
        Ok(CommitOutcome::Conflict(Box::new(load)))
    }

    /// Writes the events that stay into files that live as long as the result.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub fn into_temp_table(self) -> Result<TempTable> {
        let files = merge::write(&self.runs, &self.dedup_result, &self.transaction.site)?;
        self.transaction.target.into_temp_table(files)
    }
}

/// Events in temporary files, deleted with this value.
pub struct TempTable {
    /// The files.
    pub files: Vec<DataFile>,
    _folder: tempfile::TempDir,
}
