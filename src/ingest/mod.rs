//! Ingest: an archive into a store, or into files that live as long as one answer.
//!
//! The conductor of the writing side: it decides the order (sources sorted by name), hands pieces
//! of files to threads, keeps the accounts of every source, and makes the one commit. What a file
//! is, what an event is, and how a table is written are the business of the stages.

mod account;
mod plan;
mod queue;
mod worker;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use rayon::ThreadPoolBuilder;

pub use crate::column::Projection;
use crate::error::{Error, Result};
use crate::person::Pseudonymizer;
use crate::schema::source_log::SourceFacts;
use crate::source::{self, SourceFile};
pub use crate::store::Store;
use crate::store::{
    CommitOutcome, CompactScope, PreparedCommit, Snapshot, SourceEntry, TempTable, Transaction,
};

pub use account::{IngestSummary, SourceCounts, SourceOutcome, SourceReport};
use account::{SourceAccount, summarize};
pub use plan::{IngestPlan, PlannedSource, PlannedState, plan};
use queue::ChunkQueue;

/// What to read and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// How many threads; all cores where it is none.
    pub threads: Option<usize>,
    /// Makes pseudonyms of persons before anything is stored.
    pub pseudonymizer: Option<Pseudonymizer>,
    /// Keeps the events of Exchange, SharePoint and all other workloads too.
    pub all_workloads: bool,
}

/// Whether nothing of a source was left out that is asked for.
fn is_fully_ingested(mark: &SourceEntry, all_workloads: bool) -> bool {
    !all_workloads || mark.facts.records.other_workloads == 0
}

/// Hears how the work goes on; called from many threads.
pub trait Progress: Sync {
    /// Before anything is read: how many files and bytes there are to read.
    fn start(&self, files: usize, bytes: u64);
    /// Bytes were read.
    fn advance(&self, bytes: u64);
    /// A new stage of the work begins.
    fn stage(&self, name: &'static str);
}

/// Says nothing.
pub struct NoProgress;

impl Progress for NoProgress {
    fn start(&self, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}

/// Reads an archive into a store.
///
/// # Errors
///
/// Trouble with the store or the machine. Trouble with files and records is in the summary.
pub fn ingest_into_store(
    store: &Store,
    options: &Options,
    progress: &dyn Progress,
) -> Result<IngestSummary> {
    let store = &store
        .clone()
        .with_pseudonym_key(options.pseudonymizer.as_ref().map(Pseudonymizer::key_id))?;
    let marks = store.source_entries()?;
    let archive = SourceArchive::discover(
        options,
        &KnownSources::from_entries(&marks, options.all_workloads),
    )?;
    let new = archive.files_to_read();
    if new.is_empty() {
        // Leftovers of a run that was cut off harm only who reads the folder without its log.
        let upkeep = store.clean_orphans().err();
        let mut summary = summarize(&archive, Vec::new(), &store.files()?);
        summary.notes.extend(upkeep.map(|error| format!("leftovers were not removed: {error}")));
        return Ok(summary);
    }
    thread_pool(options)?.install(|| {
        let mut load = store.begin_transaction(marks)?;
        let mut accounts = read_files(&new, &load, &Projection::All, options, progress)?;
        loop {
            progress.stage("removing repeats");
            let settled = load.deduplicate()?;
            apply_dedup(&mut accounts, &settled);
            progress.stage("writing");
            let marks = settled.source_entries().iter();
            let whole = marks.filter(|mark| is_fully_ingested(mark, options.all_workloads));
            let held: HashSet<&str> = whole.map(|mark| mark.digest.as_str()).collect();
            for account in &mut accounts {
                account.is_already_ingested =
                    account.digest.as_deref().is_some_and(|d| held.contains(d));
            }
            let marks: Vec<SourceEntry> =
                accounts.iter().filter_map(SourceAccount::source_entry).collect();
            match settled.commit(&marks)? {
                CommitOutcome::Committed(_) => break,
                CommitOutcome::Conflict(again) => load = *again,
            }
        }
        // The events are in the table: what keeps it quick may fail without harm to them.
        let upkeep = store.compact(CompactScope::Auto).err();
        let mut summary = summarize(&archive, accounts, &store.files()?);
        summary.notes.extend(upkeep.map(|error| format!("small files were not merged: {error}")));
        Ok(summary)
    })
}

/// Reads an archive for one answer: nothing of it stays behind.
///
/// # Errors
///
/// As [`into_store`].
pub fn ingest_temporary(
    options: &Options,
    projection: &Projection,
    progress: &dyn Progress,
) -> Result<(TempTable, Snapshot, IngestSummary)> {
    let archive = SourceArchive::discover(options, &KnownSources::default())?;
    thread_pool(options)?.install(|| {
        let load = Store::temporary_transaction()?;
        let mut accounts =
            read_files(&archive.files_to_read(), &load, projection, options, progress)?;
        progress.stage("removing repeats");
        let settled = load.deduplicate()?;
        apply_dedup(&mut accounts, &settled);
        progress.stage("answering");
        let passing = settled.into_temp_table()?;
        let mut sources: Vec<SourceFacts> = accounts.iter().map(|a| a.facts.clone()).collect();
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let files = passing.files.clone();
        let snapshot = Snapshot { files, sources, ..Snapshot::default() };
        let summary = summarize(&archive, accounts, &snapshot.files);
        Ok((passing, snapshot, summary))
    })
}

fn thread_pool(options: &Options) -> Result<rayon::ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(options.threads.unwrap_or(0));
    builder.build().map_err(Error::internal)
}

/// What the store knows of sources.
#[derive(Debug, Default)]
struct KnownSources {
    by_path: HashMap<String, LastSeen>,
    digests: HashSet<String>,
    sizes: HashSet<u64>,
}

/// The newest form of a source.
#[derive(Debug)]
struct LastSeen {
    /// Its size and time.
    size_and_time: (u64, Option<i64>),
    /// Whether all that is asked for now was taken of it.
    is_fully_ingested: bool,
}

impl KnownSources {
    fn from_entries(marks: &[SourceEntry], all_workloads: bool) -> Self {
        let mut known = KnownSources::default();
        for mark in marks {
            let (facts, is_whole) = (&mark.facts, is_fully_ingested(mark, all_workloads));
            if is_whole {
                known.digests.insert(mark.digest.clone());
                known.sizes.insert(facts.size_bytes);
            }
            let seen = LastSeen {
                size_and_time: (facts.size_bytes, facts.modified_us),
                is_fully_ingested: is_whole,
            };
            known.by_path.insert(mark.place.clone(), seen);
        }
        known
    }

    /// Whether a source was taken before: by place, size and time without opening it, else by
    /// its content, which is looked at only where a source of the same size was taken.
    fn status(&self, file: &SourceFile) -> SourceFileStatus {
        let seen = self.by_path.get(&file.absolute_path);
        let is_same = file.modified_us.is_some()
            && seen.is_some_and(|seen| {
                seen.is_fully_ingested && seen.size_and_time == (file.size_bytes, file.modified_us)
            });
        // A file that cannot be read now is not known; reading it will say why.
        let is_held = || {
            self.sizes.contains(&file.size_bytes)
                && source::digest(&file.path).is_ok_and(|digest| self.digests.contains(&digest))
        };
        if is_same || is_held() {
            SourceFileStatus::Known
        } else if seen.is_some() {
            SourceFileStatus::Changed
        } else {
            SourceFileStatus::New
        }
    }
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SourceFileStatus {
    /// Nothing.
    New,
    /// Another content of the same place.
    Changed,
    /// All of it was taken before.
    Known,
}

/// What there is to read.
#[derive(Debug, Default)]
struct SourceArchive {
    /// All files, sorted by name.
    files: Vec<(SourceFile, SourceFileStatus)>,
    /// What could not even be looked at, with the reason.
    unreadable: Vec<(String, String)>,
}

impl SourceArchive {
    fn discover(options: &Options, known: &KnownSources) -> Result<Self> {
        let (found, unreachable) = source::discover(&options.paths);
        if let ([], [(name, reason)], [_]) = (&found[..], &unreachable[..], &options.paths[..]) {
            return Err(Error::Usage(format!("cannot read {name}: {reason}")));
        }
        let found = found.into_iter().map(|file| {
            let sight = known.status(&file);
            (file, sight)
        });
        Ok(SourceArchive { files: found.collect(), unreadable: unreachable })
    }

    /// The files to read.
    fn files_to_read(&self) -> Vec<SourceFile> {
        let new = self.files.iter().filter(|(_, sight)| *sight != SourceFileStatus::Known);
        new.map(|(file, _)| file.clone()).collect()
    }

    /// How many were taken before.
    fn known_count(&self) -> usize {
        self.files.iter().filter(|(_, sight)| *sight == SourceFileStatus::Known).count()
    }
}

/// Reads all files on all threads of the present pool.
fn read_files(
    files: &[SourceFile],
    load: &Transaction,
    projection: &Projection,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<SourceAccount>> {
    progress.start(files.len(), files.iter().map(|file| file.size_bytes).sum());
    let feed = ChunkQueue::new(files);
    let results = rayon::broadcast(|_| worker::run(&feed, load, projection, options, progress));
    results.into_iter().collect::<Result<()>>()?;
    feed.into_accounts()
}

fn apply_dedup(accounts: &mut [SourceAccount], settled: &PreparedCommit) {
    for (number, account) in accounts.iter_mut().enumerate() {
        let fate =
            settled.dedup_result().by_source.get(&(number as u32)).copied().unwrap_or_default();
        account.facts.records.stored = fate.stored;
        account.facts.records.duplicates = fate.duplicates;
        account.facts.records.conflicting = fate.conflicting;
        account.facts.rejects = settled.reject_counts(&account.absolute_path);
    }
}
