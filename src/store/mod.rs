//! The store: a Delta Lake table of events on disk, and what is remembered of their sources.
//!
//! ```text
//! pbi-store/
//!   events/_delta_log/            the log: which files are the table
//!   events/month=2024-03/…        Parquet, sorted by CreationTime
//!   sources/<name>.ndjson         what is remembered of sources; the log names the newest
//!   rejects/<name>.ndjson.zst     records that could not be taken; what is remembered names them
//! ```
//!
//! Owns: Parquet files, the Delta log, the atomic commit, and which event ids are held already.
//! Must not know: sources beyond an opaque place and digest, JSON, and the reading engine.
//!
//! A write is a [`Load`]: batches are staged from any thread, copies are taken out against each
//! other and against the table ([`Load::settle`]), and one commit brings the rest in together with
//! the marks of their sources ([`Settled::commit`]). A read is a [`Snapshot`].

mod delta;
mod fs;
mod maintenance;
mod parquet;
mod provenance;
mod write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::schema::reject::Reject;

pub use delta::snapshot::{DataFile, Snapshot};
pub use fs::disk::{Disk, DiskFile, FileLock, OsDisk};
pub use maintenance::compact::{CompactScope, CompactionResult};
pub use maintenance::redact::{Redaction, RedactionResult};
pub use maintenance::verify::{VerifyCheck, VerifyFinding, VerifyReport};
pub use parquet::sorted_scan::{RowKey, RowRange, TimeRange, scan_columns, scan_rows};
pub use provenance::rejects::RejectEdit;
pub use provenance::source_log::SourceEntry;
pub use write::dedup::DedupResult;
pub use write::load::{CommitOutcome, PreparedCommit, TempTable, Transaction};

use crate::store::delta::log::{CommitAttempt, DeltaLog};
use crate::store::parquet::writer::{Compression, TableDir};
use crate::store::provenance::source_log::SourceLog;
use crate::store::write::load::TransactionTarget;
use crate::store::write::writer_lock::WriterLock;

/// How often a load is settled and committed before it gives up against other writers.
const MAX_ATTEMPTS: u32 = 30;

/// A store on disk.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    /// What tells the key of its pseudonyms, where it is to hold pseudonyms.
    pseudonym_key_id: Option<String>,
}

impl Store {
    /// The store in a folder, which is created when the first commit is made.
    pub fn new(root: &Path) -> Self {
        Store::with_disk(Arc::new(OsDisk), root)
    }

    /// The same on a disk that stands in for that of the machine.
    pub fn with_disk(disk: Arc<dyn Disk>, root: &Path) -> Self {
        Store { root: root.to_path_buf(), disk, pseudonym_key_id: None }
    }

    /// The same, to be written with pseudonyms of the key that `check` tells, or with names as
    /// they are. A store holds one or the other.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] where the store is there and holds the other, or pseudonyms of another
    /// key.
    pub fn with_pseudonym_key(mut self, check: Option<String>) -> Result<Store> {
        self.pseudonym_key_id = check;
        if self.exists()? {
            DeltaLog::open(&self)?.ensure_pseudonym_key(self.pseudonym_key_id.as_deref())?;
        }
        Ok(self)
    }

    /// What tells the key of the pseudonyms that the store holds, if it does.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub fn pseudonym_key_id(&self) -> Result<Option<String>> {
        if !self.exists()? {
            return Ok(None);
        }
        DeltaLog::open(self)?.pseudonym_key_id()
    }

    /// Where the store is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a store in the folder: a log with a commit in it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where that cannot be seen. To take it for no store would be to write over what
    /// is there, and to take its files away.
    pub fn exists(&self) -> Result<bool> {
        let log = self.events_dir().join("_delta_log");
        let entries = match std::fs::read_dir(&log) {
            Err(error) if is_absent(&error) => return Ok(false),
            entries => entries.map_err(Error::io("read", &log))?,
        };
        for entry in entries {
            let name = entry.map_err(Error::io("read", &log))?.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with('.') && (name.ends_with(".json") || name.ends_with(".parquet")) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn events_dir(&self) -> PathBuf {
        self.root.join("events")
    }

    fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The newest version. A store that does not exist yet is an empty one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] where the log cannot be read, or asks for something that this program
    /// does not honour.
    pub fn snapshot(&self) -> Result<Snapshot> {
        if !self.exists()? {
            return Ok(Snapshot { version: -1, ..Snapshot::default() });
        }
        let (log, memory) = self.latest()?;
        Ok(Snapshot {
            version: log.version(),
            files: log.files()?,
            sources: provenance::source_log::latest_facts(&memory.entries),
            has_other_workloads: memory.entries.iter().any(|mark| mark.facts.others_kept > 0),
            rejects: memory.reject_count(),
        })
    }

    /// The files of the newest version, sorted by month and path: its snapshot without what is
    /// remembered of sources, which may be more than all else.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub fn files(&self) -> Result<Vec<DataFile>> {
        if !self.exists()? {
            return Ok(Vec::new());
        }
        DeltaLog::open(self)?.files()
    }

    /// The newest version of the log, and what is remembered.
    fn latest(&self) -> Result<(DeltaLog, SourceLog)> {
        let mut log = DeltaLog::open(self)?;
        loop {
            match log
                .source_log_head()
                .and_then(|head| provenance::source_log::read(&self.root, head))
            {
                Ok(memory) => return Ok((log, memory)),
                // The files of marks may have been folded into one since the log was read.
                Err(error) => log = self.refresh(&log)?.ok_or(error)?,
            }
        }
    }

    /// The newest version of the log, if it is newer than this one.
    fn refresh(&self, log: &DeltaLog) -> Result<Option<DeltaLog>> {
        let newest = DeltaLog::open(self)?;
        Ok((newest.version() > log.version()).then_some(newest))
    }

    /// Attempts a commit on a version, and where others were quicker, on theirs, as long as what
    /// they did there changes nothing for it (`is_as_good`, of the newer version and the one
    /// before). A merge of files must not cost others that everything is written again: on a large
    /// store one comes after the other.
    fn commit_with_retry(
        &self,
        log: &DeltaLog,
        attempt: impl Fn(&DeltaLog) -> Result<CommitAttempt>,
        is_as_good: impl Fn(&DeltaLog, &DeltaLog) -> bool,
    ) -> Result<CommitAttempt> {
        let mut newest: Option<DeltaLog> = None;
        for _ in 0..MAX_ATTEMPTS {
            let log = newest.as_ref().unwrap_or(log);
            match attempt(log)? {
                CommitAttempt::Conflict => {}
                other => return Ok(other),
            }
            // Where that cannot be told, there is the longer way.
            match self.refresh(log).ok().flatten().filter(|newer| is_as_good(newer, log)) {
                Some(newer) => newest = Some(newer),
                None => return Ok(CommitAttempt::Conflict),
            }
        }
        Ok(CommitAttempt::Conflict)
    }

    /// Finds out which version an attempt to commit files and marks has made, and takes away what
    /// was written for one that made none because others were first.
    fn resolve_outcome(
        &self,
        lease: &WriterLock,
        attempt: Result<CommitAttempt>,
        (files, head): (&[DataFile], Option<i64>),
        discard: impl Fn(),
    ) -> Result<Option<i64>> {
        let failed = match attempt {
            Ok(CommitAttempt::Committed(version)) => return Ok(Some(version)),
            Ok(CommitAttempt::Conflict) => {
                discard();
                return Ok(None);
            }
            Ok(CommitAttempt::Unknown) => None,
            Err(error) => Some(error),
        };
        match DeltaLog::open(self)
            .and_then(|log| Ok((log.has_commit_of(files, head)?, log.version())))
        {
            // What failed came after the commit: a checkpoint, or an answer that was lost.
            Ok((true, version)) => Ok(Some(version)),
            Ok((false, _)) => {
                discard();
                failed.map_or(Ok(None), Err)
            }
            // Nobody can tell. The files stay: if no commit names them, the next writer takes
            // them away.
            Err(error) => {
                lease.keep_lock_file();
                Err(failed.unwrap_or(error))
            }
        }
    }

    /// Answers from the newest version. If a file of it goes while it is read, because another
    /// command has put a better one in its place, the answer is made again from what is newest
    /// then.
    ///
    /// # Errors
    ///
    /// Those of [`Store::snapshot`] and of `answer`.
    pub fn read<T>(&self, answer: impl Fn(&Snapshot) -> Result<T>) -> Result<T> {
        let mut version = None;
        loop {
            let snapshot = self.snapshot()?;
            let is_newer = version.replace(snapshot.version) != Some(snapshot.version);
            match answer(&snapshot) {
                Err(_) if is_newer && snapshot.files.iter().any(|file| !file.path.exists()) => {}
                answered => return answered,
            }
        }
    }

    /// The marks of all sources ever taken.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub fn source_entries(&self) -> Result<SourceEntries> {
        if !self.exists()? {
            return Ok(SourceEntries::default());
        }
        let (log, memory) = self.latest()?;
        Ok(SourceEntries { head: log.source_log_head()?, source_log: Arc::new(memory) })
    }

    /// Hands on the records that could not be taken, of the sources whose names are wanted, by
    /// source and position, and gives their number. Memory does not grow with their text.
    ///
    /// # Errors
    ///
    /// Those of `take`; [`Error::Io`] and [`Error::Store`] where a file is missing or damaged.
    pub fn for_each_reject(
        &self,
        is_wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(Reject) -> Result<()>,
    ) -> Result<u64> {
        if !self.exists()? {
            return Ok(0);
        }
        let mut newest = self.latest()?;
        loop {
            let (log, memory) = &newest;
            let mut taken = 0;
            let listed = provenance::rejects::list_rejects(
                &self.root,
                &memory.reject_files,
                is_wanted,
                &mut |reject| {
                    taken += 1;
                    take(reject)
                },
            );
            match listed {
                // A file may have been written again without a person since the log was read.
                Err(_) if taken == 0 && self.refresh(log)?.is_some() => newest = self.latest()?,
                listed => return listed,
            }
        }
    }

    /// Begins a write of somebody who has read these marks, and takes away what writers before left
    /// behind when they were cut off.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder for unfinished work cannot be made.
    pub fn begin_transaction(&self, seen: SourceEntries) -> Result<Transaction> {
        let lease = WriterLock::acquire(self)?;
        write::writer_lock::clean_orphans(&lease)?;
        let store = lease.store();
        let site =
            TableDir::new(&store.disk, &store.events_dir(), &lease.writer, Compression::Zstd);
        let scratch = lease.temp_dir();
        Ok(Transaction::new(
            TransactionTarget::Store { store, writer_lock: lease, known_entries: seen },
            site,
            scratch,
        ))
    }

    /// Takes away what writers before left behind when they were cut off, if they left anything:
    /// for a command that has nothing to write itself.
    ///
    /// # Errors
    ///
    /// As [`Store::begin`].
    pub fn clean_orphans(&self) -> Result<()> {
        match write::writer_lock::stale_locks(&self.root)? {
            Some(_) => write::writer_lock::clean_orphans(&WriterLock::acquire(self)?),
            None => Ok(()),
        }
    }

    /// Begins a write that goes to a folder of its own and is gone with it: for answers straight
    /// from raw files.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where there is no place for temporary files.
    pub fn temporary_transaction() -> Result<Transaction> {
        let place = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("pbi-analyze-")
            .tempdir_in(&place)
            .map_err(Error::io("create a temporary folder in", &place))?;
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let scratch = folder.path().to_path_buf();
        let site = TableDir::new(&disk, &scratch.join("events"), "passing", Compression::None);
        Ok(Transaction::new(TransactionTarget::Temporary(folder), site, scratch))
    }
}

/// Whether there is nothing of that name, rather than something that cannot be seen.
fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// The marks of a version. They may be many, and whoever writes needs them twice.
#[derive(Debug, Clone, Default)]
pub struct SourceEntries {
    head: Option<i64>,
    source_log: Arc<SourceLog>,
}

impl Deref for SourceEntries {
    type Target = [SourceEntry];

    fn deref(&self) -> &[SourceEntry] {
        &self.source_log.entries
    }
}

fn too_many_conflicts(path: &Path) -> Error {
    let message = format!(
        "other commands wrote to the store {MAX_ATTEMPTS} times while this one tried to; nothing was \
         changed, run it again"
    );
    Error::store(path, message)
}

/// Waits for a moment that grows with the number of tries and differs between writers.
fn backoff(tries: u32) {
    let chance = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    std::thread::sleep(Duration::from_millis(5 + (chance << tries.min(6)) / 64));
}
