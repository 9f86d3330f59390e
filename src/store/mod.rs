//! The store: a Delta Lake table of events on disk, and what is remembered of their sources.
//!
//! ```text
//! pbi-store/
//!   events/_delta_log/            the log: which files are the table
//!   events/month=2024-03/…        Parquet, sorted by CreationTime
//!   sources/<name>.ndjson         what is remembered of sources; the log names the newest
//! ```
//!
//! Owns: Parquet files, the Delta log, the atomic commit, and which event ids are held already.
//! Must not know: sources beyond an opaque place and digest, JSON, and the reading engine.
//!
//! A write is a [`Load`]: batches are staged from any thread, copies are taken out against each
//! other and against the table ([`Load::settle`]), and one commit brings the rest in together with
//! the marks of their sources ([`Settled::commit`]). A read is a [`Snapshot`].

mod fates;
mod gather;
mod ledger;
mod log;
mod merge;
mod parquet;
mod run;
mod snapshot;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::column::EventBatch;
use crate::error::{Error, Result};

pub use fates::Fates;
pub use ledger::Mark;
pub use snapshot::{DataFile, Snapshot};

use self::log::Log;
use self::parquet::Compression;
use self::run::Run;

/// What a load may hold in memory before it puts sorted runs on disk.
const STAGED_BYTES_MAX: usize = 192 << 20;

/// How many retries a commit makes when another writer was quicker.
const COMMIT_TRIES: usize = 20;

/// A store on disk.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in a folder, which is created when the first commit is made.
    pub fn new(root: &Path) -> Self {
        Store { root: root.to_path_buf() }
    }

    /// Where the store is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a store in the folder.
    pub fn exists(&self) -> bool {
        self.events().join("_delta_log").is_dir()
    }

    fn events(&self) -> PathBuf {
        self.root.join("events")
    }

    /// The newest version. A store that does not exist yet is an empty one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] where the log cannot be read, or asks for something that this program
    /// does not honour.
    pub fn snapshot(&self) -> Result<Snapshot> {
        if !self.exists() {
            return Ok(Snapshot { version: -1, ..Snapshot::default() });
        }
        let log = Log::open(&self.events())?;
        let marks = ledger::read(&self.root, log.head()?)?;
        Ok(Snapshot { version: log.version(), files: log.files()?, sources: ledger::facts(&marks) })
    }

    /// The marks of all sources ever taken.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub fn marks(&self) -> Result<Vec<Mark>> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        ledger::read(&self.root, Log::open(&self.events())?.head()?)
    }

    /// Begins a write.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder for unfinished work cannot be made.
    pub fn begin(&self) -> Result<Load> {
        std::fs::create_dir_all(&self.root).map_err(Error::io("create the store", &self.root))?;
        let scratch = tempfile::Builder::new()
            .prefix(".load-")
            .tempdir_in(&self.root)
            .map_err(Error::io("create a folder for unfinished work in", &self.root))?;
        Ok(Load {
            target: Some(Store::new(&self.root)),
            scratch,
            runs: Mutex::new(Vec::new()),
            staged_bytes: AtomicUsize::new(0),
        })
    }

    /// Begins a write that goes to a folder of its own and is gone with it: for answers straight
    /// from raw files.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where there is no place for temporary files.
    pub fn passing() -> Result<Load> {
        let place = std::env::temp_dir();
        let scratch = tempfile::Builder::new()
            .prefix("pbi-analyze-")
            .tempdir_in(&place)
            .map_err(Error::io("create a temporary folder in", &place))?;
        Ok(Load {
            target: None,
            scratch,
            runs: Mutex::new(Vec::new()),
            staged_bytes: AtomicUsize::new(0),
        })
    }
}

/// A write in progress. Nothing of it is seen before its commit; dropped, it leaves nothing.
pub struct Load {
    target: Option<Store>,
    scratch: tempfile::TempDir,
    runs: Mutex<Vec<Run>>,
    staged_bytes: AtomicUsize,
}

impl Load {
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
            if self.staged_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > STAGED_BYTES_MAX {
                self.staged_bytes.fetch_sub(bytes, Ordering::Relaxed);
                run.spill(self.scratch.path())?
            } else {
                run
            };
        self.runs.lock().map_err(|_| Error::internal("a worker failed while staging"))?.push(run);
        Ok(())
    }

    /// Takes out the copies: of each id the richest event stays, and none that the table has.
    ///
    /// # Errors
    ///
    /// Those of reading the table.
    pub fn settle(self) -> Result<Settled> {
        let mut runs =
            self.runs.into_inner().map_err(|_| Error::internal("a worker failed while staging"))?;
        // Threads finish in any order; by their first event's place, runs always stand the same.
        runs.sort_by_key(Run::first_order);
        let files = match &self.target {
            Some(store) if store.exists() => Log::open(&store.events())?.files()?,
            _ => Vec::new(),
        };
        let fates = fates::settle(&mut runs, &files)?;
        Ok(Settled { target: self.target, scratch: self.scratch, runs, fates })
    }
}

/// A write whose events are decided on.
pub struct Settled {
    target: Option<Store>,
    scratch: tempfile::TempDir,
    runs: Vec<Run>,
    fates: Fates,
}

/// What a commit brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The version it made, or the present one where there was nothing to commit.
    pub version: i64,
    /// The files it added.
    pub files: Vec<DataFile>,
}

impl Settled {
    /// What became of the events of each source.
    pub fn fates(&self) -> &Fates {
        &self.fates
    }

    /// Writes the events that stay and commits them with the marks, all or nothing. Without
    /// events and marks, nothing is committed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses, [`Error::Store`] where another writer was quicker
    /// too often; the table is then as it was.
    pub fn commit(self, marks: &[Mark]) -> Result<Committed> {
        let Some(store) = &self.target else {
            return Err(Error::internal("a passing load has nowhere to commit to"));
        };
        let events = store.events();
        let log = Log::open_or_create(&events)?;
        if self.fates.stored() == 0 && marks.is_empty() {
            return Ok(Committed { version: log.version(), files: Vec::new() });
        }
        let written = merge::write(&self.runs, &self.fates, &events, Compression::Zstd)?;
        let committed = ledger::append(&store.root, log.head()?, marks).and_then(|head| {
            let committed = log.commit(&written, head, COMMIT_TRIES);
            committed.inspect_err(|_| ledger::discard(&store.root, head))
        });
        match committed {
            Ok(version) => Ok(Committed { version, files: written }),
            Err(error) => {
                parquet::discard(&written);
                Err(error)
            }
        }
    }

    /// Writes the events that stay into files that live as long as the result.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub fn keep(self) -> Result<Passing> {
        let events = self.scratch.path().join("events");
        let files = merge::write(&self.runs, &self.fates, &events, Compression::None)?;
        Ok(Passing { files, _scratch: self.scratch })
    }
}

/// Events in temporary files, deleted with this value.
pub struct Passing {
    /// The files.
    pub files: Vec<DataFile>,
    _scratch: tempfile::TempDir,
}
