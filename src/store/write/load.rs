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
use crate::store::delta::log::Log;
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::disk::{Disk, Os};
use crate::store::parquet::writer::Site;
use crate::store::provenance::rejects::{self, Intake, RejectsFile, Sifted};
use crate::store::provenance::source_log::{self, Mark, Memory};
use crate::store::write::dedup::{self, Fates};
use crate::store::write::merge;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::Lease;
use crate::store::{Marks, Store, TRIES_MAX, overtaken_too_often, pause};

/// What a load may hold in memory before it puts sorted runs on disk.
const STAGED_BYTES_MAX: usize = 144 << 20;

/// Where a load ends.
pub(in crate::store) enum Target {
    Store { store: Store, lease: Lease, seen: Marks },
    Passing(tempfile::TempDir),
}

impl Target {
    fn keep(self, files: Vec<DataFile>) -> Result<Passing> {
        match self {
            Target::Passing(folder) => Ok(Passing { files, _folder: folder }),
            Target::Store { .. } => Err(Error::internal("a load of the store is to be committed")),
        }
    }
}

/// A write in progress. Nothing of it is seen before its commit; dropped, it leaves nothing.
pub struct Load {
    target: Target,
    site: Site,
    scratch: PathBuf,
    disk: Arc<dyn Disk>,
    runs: Mutex<Vec<Run>>,
    staged_bytes: AtomicUsize,
    /// Where there is a store to keep them.
    rejects: Option<Intake>,
    tries: u32,
}

impl Load {
    pub(in crate::store) fn new(target: Target, site: Site, scratch: PathBuf) -> Self {
        let (disk, rejects): (Arc<dyn Disk>, _) = match &target {
            Target::Store { store, .. } => {
                (Arc::clone(store.disk()), Some(Intake::new(store.disk(), &scratch)))
            }
            Target::Passing(_) => (Arc::new(Os), None),
        };
        Load {
            target,
            site,
            scratch,
            disk,
            runs: Mutex::new(Vec::new()),
            staged_bytes: AtomicUsize::new(0),
            rejects,
            tries: 0,
        }
    }

    /// Takes a record that could not be taken as an event, to be kept beside the table: from many
    /// threads, in any order. What passes keeps none.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub fn reject(&self, reject: &Reject) -> Result<()> {
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
            if self.staged_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > STAGED_BYTES_MAX {
                self.staged_bytes.fetch_sub(bytes, Ordering::Relaxed);
                run.spill(self.disk.as_ref(), &self.scratch)?
            } else {
                run
            };
        self.runs.lock().map_err(|_| Error::internal("a worker failed while staging"))?.push(run);
        Ok(())
    }

    /// Writes all staged events, copies too, into files that live as long as the result.
    pub(in crate::store) fn keep_all(self) -> Result<Passing> {
        let runs = self.runs.into_inner();
        let runs = runs.map_err(|_| Error::internal("a thread failed while staging"))?;
        let files = merge::write(&runs, &Fates::all_stay(&runs), &self.site)?;
        self.target.keep(files)
    }

    /// Takes out the copies: of each id the richest event stays, and none that the table has.
    ///
    /// # Errors
    ///
    /// Those of reading the table.
    pub fn settle(self) -> Result<Settled> {
        let Load { target, site, scratch, disk, runs, staged_bytes, rejects, tries } = self;
        let mut runs =
            runs.into_inner().map_err(|_| Error::internal("a worker failed while staging"))?;
        // Threads finish in any order; by their first event's place, runs always stand the same.
        runs.sort_by_key(Run::first_order);
        let (base, fates) = match (&target, &rejects) {
            (Target::Store { store, seen, .. }, Some(rejects)) => {
                let (base, fates) = Base::settle(store, seen, &runs, rejects)?;
                (Some(base), fates)
            }
            _ => (None, dedup::settle(&runs, &[])?),
        };
        let runs_left = Mutex::default();
        let load =
            Load { target, site, scratch, disk, runs: runs_left, staged_bytes, rejects, tries };
        Ok(Settled { load, runs, base, fates })
    }
}

/// The version of the table that a load was settled against. Its commit must be the next one.
struct Base {
    log: Log,
    memory: Arc<Memory>,
    rejects: Sifted,
}

impl Base {
    fn settle(
        store: &Store,
        seen: &Marks,
        runs: &[Run],
        rejects: &Intake,
    ) -> Result<(Base, Fates)> {
        let mut log = Log::open_or_create(store)?;
        log.check_names(store.names.as_deref())?;
        loop {
            let settled = log.files().and_then(|files| dedup::settle(runs, &files));
            let memory = log.head().and_then(|head| match head == seen.head {
                true => Ok(Arc::clone(&seen.memory)),
                false => source_log::read(store.root(), head).map(Arc::new),
            });
            let sifted = memory.and_then(|memory| {
                let sifted = rejects.sift(store.root(), &memory)?;
                Ok((memory, sifted))
            });
            match settled.and_then(|fates| Ok((fates, sifted?))) {
                Ok((fates, (memory, rejects))) => {
                    return Ok((Base { log, memory, rejects }, fates));
                }
                // A file may have been replaced by a better one since the log was read.
                Err(error) => log = store.newer(&log)?.ok_or(error)?,
            }
        }
    }
}

/// A write whose events are decided on.
pub struct Settled {
    load: Load,
    runs: Vec<Run>,
    base: Option<Base>,
    fates: Fates,
}

/// What became of a commit.
pub enum Commit {
    /// The events and the marks are in the table, as this version; or there was nothing to
    /// commit, and this is the present one.
    Made(i64),
    /// Another writer was quicker. The load is to be settled again, as what is new may have
    /// changed.
    Overtaken(Box<Load>),
}

impl Settled {
    /// What became of the events of each source.
    pub fn fates(&self) -> &Fates {
        &self.fates
    }

    /// The marks of all sources that the table has, those of writers that were quicker included.
    pub fn marks(&self) -> &[Mark] {
        self.base.as_ref().map_or(&[], |base| &base.memory.marks)
    }

    /// How many of the rejects of the source in this place are kept if the source is committed;
    /// nothing where none are kept at all.
    pub fn rejects(&self, place: &str) -> Option<RejectCounts> {
        self.base.as_ref().map(|base| base.rejects.of(place))
    }

    /// Writes the events that stay and commits them with the marks and the rejects of the sources
    /// that these are of, all or nothing. Without events and marks, nothing is committed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses, [`Error::Store`] where other writers were quicker
    /// too often; the table is then as it was.
    pub fn commit(self, marks: &[Mark]) -> Result<Commit> {
        let (Target::Store { store, lease, .. }, Some(base)) = (&self.load.target, &self.base)
        else {
            return Err(Error::internal("a passing load has nowhere to commit to"));
        };
        if self.fates.stored() == 0 && marks.is_empty() {
            return Ok(Commit::Made(base.log.version()));
        }
        let disk = store.disk().as_ref();
        let before = base.log.head()?;
        let written = merge::write(&self.runs, &self.fates, &self.load.site)?;
        let prepared = self.write_rejects(store, lease, base, marks).and_then(|rejects| {
            let came = (marks, rejects.as_ref());
            let head = source_log::append(disk, &store.root, before, &lease.writer, came);
            let discard = |_: &Error| rejects::discard(disk, &store.root, rejects.as_ref());
            Ok((head.inspect_err(discard)?, rejects))
        });
        let (head, rejects) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.load.site.discard(&written);
                return match store.newer(&base.log)? {
                    Some(_) => self.overtaken(),
                    None => Err(error),
                };
            }
        };
        let discard = || {
            self.load.site.discard(&written);
            rejects::discard(disk, &store.root, rejects.as_ref());
            if head != before {
                source_log::discard(disk, &store.root, head);
            }
        };
        let commit = |log: &Log| log.commit(&written, head);
        let attempt = store.insist(&base.log, commit, Log::only_moves_files_since);
        match store.conclude(lease, attempt, (&written, head), discard)? {
            Some(version) => {
                source_log::drop_folded(disk, &store.root, before, head);
                Ok(Commit::Made(version))
            }
            None => self.overtaken(),
        }
    }

    /// Writes the rejects of the sources that these marks are of.
    fn write_rejects(
        &self,
        store: &Store,
        lease: &Lease,
        base: &Base,
        marks: &[Mark],
    ) -> Result<Option<RejectsFile>> {
        let brought: HashSet<&str> = marks.iter().map(|mark| mark.place.as_str()).collect();
        let is_brought = |place: &str| brought.contains(place);
        let write =
            |intake: &Intake| intake.write(&store.root, &lease.writer, &base.rejects, is_brought);
        self.load.rejects.as_ref().map_or(Ok(None), write)
    }

    /// The load as it was staged, after a moment that grows with the number of tries and differs
    /// between writers.
    fn overtaken(self) -> Result<Commit> {
        let mut load = self.load;
        load.tries += 1;
        if load.tries >= TRIES_MAX {
            return Err(overtaken_too_often(&load.scratch));
        }
        pause(load.tries);
        load.runs = Mutex::new(self.runs);
        Ok(Commit::Overtaken(Box::new(load)))
    }

    /// Writes the events that stay into files that live as long as the result.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub fn keep(self) -> Result<Passing> {
        let files = merge::write(&self.runs, &self.fates, &self.load.site)?;
        self.load.target.keep(files)
    }
}

/// Events in temporary files, deleted with this value.
pub struct Passing {
    /// The files.
    pub files: Vec<DataFile>,
    _folder: tempfile::TempDir,
}
