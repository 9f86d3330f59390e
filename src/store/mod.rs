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
pub use fs::disk::{Disk, DiskFile, Lock, Os};
pub use maintenance::compact::{Compacted, Extent};
pub use maintenance::redact::{Removal, Removed};
pub use maintenance::verify::{Check, Finding, Verdict};
pub use parquet::sorted_scan::{Place, Rows, Span, columns_of, in_order};
pub use provenance::rejects::Becomes;
pub use provenance::source_log::Mark;
pub use write::dedup::Fates;
pub use write::load::{Commit, Load, Passing, Settled};

use crate::store::delta::log::{Attempt, Log};
use crate::store::parquet::writer::{Compression, Site};
use crate::store::provenance::source_log::Memory;
use crate::store::write::load::Target;
use crate::store::write::writer_lock::Lease;

/// How often a load is settled and committed before it gives up against other writers.
const TRIES_MAX: u32 = 30;

/// A store on disk.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    /// What tells the key of its pseudonyms, where it is to hold pseudonyms.
    names: Option<String>,
}

impl Store {
    /// The store in a folder, which is created when the first commit is made.
    pub fn new(root: &Path) -> Self {
        Store::on(Arc::new(Os), root)
    }

    /// The same on a disk that stands in for that of the machine.
    pub fn on(disk: Arc<dyn Disk>, root: &Path) -> Self {
        Store { root: root.to_path_buf(), disk, names: None }
    }

    /// The same, to be written with pseudonyms of the key that `check` tells, or with names as
    /// they are. A store holds one or the other.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] where the store is there and holds the other, or pseudonyms of another
    /// key.
    pub fn of_names(mut self, check: Option<String>) -> Result<Store> {
        self.names = check;
        if self.exists()? {
            Log::open(&self)?.check_names(self.names.as_deref())?;
        }
        Ok(self)
    }

    /// What tells the key of the pseudonyms that the store holds, if it does.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    pub fn names(&self) -> Result<Option<String>> {
        if !self.exists()? {
            return Ok(None);
        }
        Log::open(self)?.names()
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
        let log = self.events().join("_delta_log");
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

    fn events(&self) -> PathBuf {
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
        let (log, memory) = self.newest()?;
        Ok(Snapshot {
            version: log.version(),
            files: log.files()?,
            sources: provenance::source_log::facts(&memory.marks),
            has_others: memory.marks.iter().any(|mark| mark.facts.others_kept > 0),
            rejects: memory.rejects(),
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
        Log::open(self)?.files()
    }

    /// The newest version of the log, and what is remembered.
    fn newest(&self) -> Result<(Log, Memory)> {
        let mut log = Log::open(self)?;
        loop {
            match log.head().and_then(|head| provenance::source_log::read(&self.root, head)) {
                Ok(memory) => return Ok((log, memory)),
                // The files of marks may have been folded into one since the log was read.
                Err(error) => log = self.newer(&log)?.ok_or(error)?,
            }
        }
    }

    /// The newest version of the log, if it is newer than this one.
    fn newer(&self, log: &Log) -> Result<Option<Log>> {
        let newest = Log::open(self)?;
        Ok((newest.version() > log.version()).then_some(newest))
    }

    /// Attempts a commit on a version, and where others were quicker, on theirs, as long as what
    /// they did there changes nothing for it (`is_as_good`, of the newer version and the one
    /// before). A merge of files must not cost others that everything is written again: on a large
    /// store one comes after the other.
    fn insist(
        &self,
        log: &Log,
        attempt: impl Fn(&Log) -> Result<Attempt>,
        is_as_good: impl Fn(&Log, &Log) -> bool,
    ) -> Result<Attempt> {
        let mut newest: Option<Log> = None;
        for _ in 0..TRIES_MAX {
            let log = newest.as_ref().unwrap_or(log);
            match attempt(log)? {
                Attempt::Overtaken => {}
                other => return Ok(other),
            }
            // Where that cannot be told, there is the longer way.
            match self.newer(log).ok().flatten().filter(|newer| is_as_good(newer, log)) {
                Some(newer) => newest = Some(newer),
                None => return Ok(Attempt::Overtaken),
            }
        }
        Ok(Attempt::Overtaken)
    }

    /// Finds out which version an attempt to commit files and marks has made, and takes away what
    /// was written for one that made none because others were first.
    fn conclude(
        &self,
        lease: &Lease,
        attempt: Result<Attempt>,
        (files, head): (&[DataFile], Option<i64>),
        discard: impl Fn(),
    ) -> Result<Option<i64>> {
        let failed = match attempt {
            Ok(Attempt::Made(version)) => return Ok(Some(version)),
            Ok(Attempt::Overtaken) => {
                discard();
                return Ok(None);
            }
            Ok(Attempt::Unclear) => None,
            Err(error) => Some(error),
        };
        match Log::open(self).and_then(|log| Ok((log.has(files, head)?, log.version()))) {
            // What failed came after the commit: a checkpoint, or an answer that was lost.
            Ok((true, version)) => Ok(Some(version)),
            Ok((false, _)) => {
                discard();
                failed.map_or(Ok(None), Err)
            }
            // Nobody can tell. The files stay: if no commit names them, the next writer takes
            // them away.
            Err(error) => {
                lease.leave_sign();
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
    pub fn marks(&self) -> Result<Marks> {
        if !self.exists()? {
            return Ok(Marks::default());
        }
        let (log, memory) = self.newest()?;
        Ok(Marks { head: log.head()?, memory: Arc::new(memory) })
    }

    /// Hands on the records that could not be taken, of the sources whose names are wanted, by
    /// source and position, and gives their number. Memory does not grow with their text.
    ///
    /// # Errors
    ///
    /// Those of `take`; [`Error::Io`] and [`Error::Store`] where a file is missing or damaged.
    pub fn rejects(
        &self,
        is_wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(Reject) -> Result<()>,
    ) -> Result<u64> {
        if !self.exists()? {
            return Ok(0);
        }
        let mut newest = self.newest()?;
        loop {
            let (log, memory) = &newest;
            let mut taken = 0;
            let listed =
                provenance::rejects::list(&self.root, &memory.rejects, is_wanted, &mut |reject| {
                    taken += 1;
                    take(reject)
                });
            match listed {
                // A file may have been written again without a person since the log was read.
                Err(_) if taken == 0 && self.newer(log)?.is_some() => newest = self.newest()?,
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
    pub fn begin(&self, seen: Marks) -> Result<Load> {
        let lease = Lease::take(self)?;
        write::writer_lock::clean(&lease)?;
        let store = lease.store();
        let site = Site::new(&store.disk, &store.events(), &lease.writer, Compression::Zstd);
        let scratch = lease.scratch();
        Ok(Load::new(Target::Store { store, lease, seen }, site, scratch))
    }

    /// Takes away what writers before left behind when they were cut off, if they left anything:
    /// for a command that has nothing to write itself.
    ///
    /// # Errors
    ///
    /// As [`Store::begin`].
    pub fn tidy(&self) -> Result<()> {
        match write::writer_lock::dead(&self.root)? {
            Some(_) => write::writer_lock::clean(&Lease::take(self)?),
            None => Ok(()),
        }
    }

    /// Begins a write that goes to a folder of its own and is gone with it: for answers straight
    /// from raw files.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where there is no place for temporary files.
    pub fn passing() -> Result<Load> {
        let place = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("pbi-analyze-")
            .tempdir_in(&place)
            .map_err(Error::io("create a temporary folder in", &place))?;
        let disk: Arc<dyn Disk> = Arc::new(Os);
        let scratch = folder.path().to_path_buf();
        let site = Site::new(&disk, &scratch.join("events"), "passing", Compression::None);
        Ok(Load::new(Target::Passing(folder), site, scratch))
    }
}

/// Whether there is nothing of that name, rather than something that cannot be seen.
fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// The marks of a version. They may be many, and whoever writes needs them twice.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    head: Option<i64>,
    memory: Arc<Memory>,
}

impl Deref for Marks {
    type Target = [Mark];

    fn deref(&self) -> &[Mark] {
        &self.memory.marks
    }
}

fn overtaken_too_often(path: &Path) -> Error {
    let message = format!(
        "other commands wrote to the store {TRIES_MAX} times while this one tried to; nothing was \
         changed, run it again"
    );
    Error::store(path, message)
}

/// Waits for a moment that grows with the number of tries and differs between writers.
fn pause(tries: u32) {
    let chance = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    std::thread::sleep(Duration::from_millis(5 + (chance << tries.min(6)) / 64));
}
