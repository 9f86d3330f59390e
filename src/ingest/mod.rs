//! Ingest: an archive into a store, or into files that live as long as one answer.
//!
//! The conductor of the writing side: it decides the order (sources sorted by name), hands pieces
//! of files to threads, keeps the accounts of every source, and makes the one commit. What a file
//! is, what an event is, and how a table is written are the business of the stages.

mod account;
mod archive;
mod options;
mod plan;
mod queue;
mod worker;

use std::collections::HashSet;

use rayon::ThreadPoolBuilder;

pub use crate::column::Projection;
use crate::error::{Error, Result};
use crate::person::Pseudonymizer;
use crate::schema::source_log::SourceFacts;
use crate::source::SourceFile;
pub use crate::store::Store;
use crate::store::{CommitOutcome, CompactScope, Transaction, SourceEntry, TempTable, PreparedCommit, Snapshot};

use account::{SourceAccount, summarize};
pub use account::{SourceOutcome, SourceCounts, SourceReport, IngestSummary};
use archive::{KnownSources, SourceArchive, is_fully_ingested};
pub use options::{NoProgress, Options, Progress};
pub use plan::{IngestPlan, PlannedSource, PlannedState, plan};
use queue::ChunkQueue;

/// Reads an archive into a store.
///
/// # Errors
///
/// Trouble with the store or the machine. Trouble with files and records is in the summary.
pub fn ingest_into_store(store: &Store, options: &Options, progress: &dyn Progress) -> Result<IngestSummary> {
    let store = &store.clone().with_pseudonym_key(options.pseudonymizer.as_ref().map(Pseudonymizer::key_id))?;
    let marks = store.source_entries()?;
    let archive = SourceArchive::discover(options, &KnownSources::from_entries(&marks, options.all_workloads))?;
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
                account.is_already_ingested = account.digest.as_deref().is_some_and(|d| held.contains(d));
            }
            let marks: Vec<SourceEntry> = accounts.iter().filter_map(SourceAccount::source_entry).collect();
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
        let mut accounts = read_files(&archive.files_to_read(), &load, projection, options, progress)?;
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
        let fate = settled.dedup_result().by_source.get(&(number as u32)).copied().unwrap_or_default();
        account.facts.records.stored = fate.stored;
        account.facts.records.duplicates = fate.duplicates;
        account.facts.records.conflicting = fate.conflicting;
        account.facts.rejects = settled.reject_counts(&account.absolute_path);
    }
}
