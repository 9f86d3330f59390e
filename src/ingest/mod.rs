//! Ingests an archive into a store, or into temporary files for one report.
//!
//! It reads sources in the order of their names, distributes chunks of files to threads, counts the
//! records of every source, and makes one commit.

mod account;
mod archive;
mod dates;
mod inventory;
mod options;
mod plan;
mod queue;
mod source_texts;
mod worker;

use std::collections::HashSet;

pub use crate::column::Projection;
use crate::error::Result;
use crate::person::Pseudonymizer;
use crate::schema::source_log::SourceFacts;
use crate::source::SourceFile;
pub use crate::store::Store;
use crate::store::{
    CommitOutcome, CompactScope, PreparedCommit, Snapshot, SourceEntry, TempTable, thread_pool,
};

pub use account::{
    EventPeriod, IngestSummary, SourceCounts, SourceOutcome, SourceReport, StoreCounts,
};
use account::{SourceAccount, summarize};
use archive::{KnownSources, SourceArchive, is_known_content};
use inventory::{InventoryCollector, nothing_known};
pub use options::{NoProgress, Options, Progress};
pub use plan::{IngestPlan, PlannedSource, PlannedState, plan};
use queue::ChunkQueue;
use source_texts::SourceTexts;
use worker::Reading;

/// Ingests an archive into a store.
///
/// # Errors
///
/// Errors of the store and the system. Problems of files and records are in the summary.
pub fn ingest_into_store(
    store: &Store,
    options: &Options,
    progress: &dyn Progress,
) -> Result<IngestSummary> {
    let key_id = options.pseudonymizer.as_ref().map(Pseudonymizer::key_id);
    let store = &store.clone().with_pseudonym_key(key_id)?;
    let entries = store.source_entries()?;
    let known = KnownSources::from_entries(&entries, options.all_workloads);
    let archive = SourceArchive::discover(options, &known)?;
    let (new, copies) = (archive.files_to_read(), archive.copies());
    if new.is_empty() && copies.is_empty() {
        // Orphans only matter to programs that read the folder without its log.
        let error = store.clean_orphans().err();
        let mut summary = summarize(&archive, Vec::new(), &store.files()?);
        let note = |error| format!("files left by a crashed run could not be deleted: {error}");
        summary.notes.extend(error.map(note).or_else(|| store.undeleted_warning()));
        return Ok(summary);
    }
    thread_pool(options.threads)?.install(|| {
        let mut transaction = store.begin_transaction(entries)?;
        let known_states = || store.inventory_states();
        let inventory = InventoryCollector::new(options.pseudonymizer.as_ref(), &known_states);
        let reading = Reading { transaction: &transaction, inventory: &inventory, options };
        let mut accounts = read_files(&new, &reading, &Projection::All, progress)?;
        // Before the source log says that the files were read. After a crash in between, they are
        // read again and add nothing.
        transaction.add_inventory(&inventory.finish(&mut facts_of(&mut accounts))?)?;
        loop {
            progress.stage("removing duplicates");
            let prepared = transaction.deduplicate()?;
            apply_dedup(&mut accounts, &prepared);
            progress.stage("writing");
            let known = prepared.source_entries().iter();
            let ingested = known.filter(|entry| is_known_content(entry, options.all_workloads));
            let digests: HashSet<&str> = ingested.map(|entry| entry.digest.as_str()).collect();
            for account in &mut accounts {
                let digest = account.digest.as_deref();
                account.is_already_ingested = digest.is_some_and(|d| digests.contains(d));
            }
            let read = accounts.iter().filter_map(SourceAccount::source_entry);
            let entries: Vec<SourceEntry> = read.chain(copies.iter().cloned()).collect();
            match prepared.commit(&entries)? {
                CommitOutcome::Committed(_) => break,
                CommitOutcome::Conflict(retry) => transaction = *retry,
            }
        }
        // The events are committed, so a failed compaction does not fail the run.
        let error = store.compact(CompactScope::Auto).err();
        let mut summary = summarize(&archive, accounts, &store.files()?);
        let note = |error| format!("small files could not be merged: {error}");
        summary.notes.extend(error.map(note).into_iter().chain(store.undeleted_warning()));
        Ok(summary)
    })
}

/// Ingests an archive into temporary files, which are deleted with the returned table.
///
/// # Errors
///
/// Errors as in [`ingest_into_store`].
pub fn ingest_temporary(
    options: &Options,
    projection: &Projection,
    progress: &dyn Progress,
) -> Result<(TempTable, Snapshot, IngestSummary)> {
    let archive = SourceArchive::discover(options, &KnownSources::default())?;
    thread_pool(options.threads)?.install(|| {
        let transaction = Store::temporary_transaction()?;
        let new = archive.files_to_read();
        let inventory = InventoryCollector::new(options.pseudonymizer.as_ref(), &nothing_known);
        let reading = Reading { transaction: &transaction, inventory: &inventory, options };
        let mut accounts = read_files(&new, &reading, projection, progress)?;
        let inventory_rows = inventory.finish(&mut facts_of(&mut accounts))?;
        progress.stage("removing duplicates");
        let prepared = transaction.deduplicate()?;
        apply_dedup(&mut accounts, &prepared);
        progress.stage("running queries");
        let table = prepared.into_temp_table()?;
        let mut sources: Vec<SourceFacts> = accounts.iter().map(|a| a.facts.clone()).collect();
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let files = table.files.clone();
        let snapshot = Snapshot { files, sources, inventory_rows, ..Snapshot::default() };
        let summary = summarize(&archive, accounts, &snapshot.files);
        Ok((table, snapshot, summary))
    })
}

/// Ingests an archive into temporary files, with the duplicates of its events. Another process
/// removes them, in the order of the names of the sources.
///
/// # Errors
///
/// Errors as in [`ingest_into_store`].
pub fn ingest_with_duplicates(
    options: &Options,
    progress: &dyn Progress,
) -> Result<(TempTable, IngestSummary)> {
    let archive = SourceArchive::discover(options, &KnownSources::default())?;
    thread_pool(options.threads)?.install(|| {
        let transaction = Store::temporary_transaction()?;
        let new = archive.files_to_read();
        let inventory = InventoryCollector::new(options.pseudonymizer.as_ref(), &nothing_known);
        let reading = Reading { transaction: &transaction, inventory: &inventory, options };
        let mut accounts = read_files(&new, &reading, &Projection::All, progress)?;
        inventory.finish(&mut facts_of(&mut accounts))?;
        for account in &mut accounts {
            let records = &mut account.facts.records;
            records.stored = records.read - records.rejected - records.other_workloads;
        }
        let table = transaction.into_temp_table()?;
        let summary = summarize(&archive, accounts, &table.files);
        Ok((table, summary))
    })
}

/// Returns the facts of the accounts, in their order.
fn facts_of(accounts: &mut [SourceAccount]) -> Vec<&mut SourceFacts> {
    accounts.iter_mut().map(|account| &mut account.facts).collect()
}

/// Reads all files on all threads of the current pool.
fn read_files(
    files: &[SourceFile],
    reading: &Reading<'_>,
    projection: &Projection,
    progress: &dyn Progress,
) -> Result<Vec<SourceAccount>> {
    progress.start(files.len(), files.iter().map(|file| file.size_bytes).sum());
    let pseudonymizer = reading.options.pseudonymizer.as_ref();
    let queue = ChunkQueue::new(files, SourceTexts::new(pseudonymizer));
    let results = rayon::broadcast(|_| worker::run(&queue, reading, projection, progress));
    results.into_iter().collect::<Result<()>>()?;
    queue.into_accounts()
}

/// Adds the result of the deduplication to the accounts.
fn apply_dedup(accounts: &mut [SourceAccount], prepared: &PreparedCommit) {
    for (number, account) in accounts.iter_mut().enumerate() {
        let by_source = &prepared.dedup_result().by_source;
        let outcome = by_source.get(&(number as u32)).copied().unwrap_or_default();
        account.facts.records.stored = outcome.stored;
        account.facts.records.duplicates = outcome.duplicates;
        account.facts.records.conflicting = outcome.conflicting;
        account.facts.records.improved = outcome.improved;
        account.facts.rejects = prepared.reject_counts(&account.absolute_path);
    }
}
