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
use crate::person::Pseudonyms;
use crate::schema::source_log::SourceFacts;
use crate::source::{self, Found};
pub use crate::store::Store;
use crate::store::{Commit, Extent, Load, Mark, Passing, Settled, Snapshot};

use account::{Account, summary};
pub use account::{Outcome, SourceCounts, SourceReport, Summary};
pub use plan::{Plan, PlannedSource, State, plan};
use queue::Feed;

/// What to read and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// How many threads; all cores where it is none.
    pub threads: Option<usize>,
    /// Makes pseudonyms of persons before anything is stored.
    pub pseudonyms: Option<Pseudonyms>,
    /// Keeps the events of Exchange, SharePoint and all other workloads too.
    pub all_workloads: bool,
}

/// Whether nothing of a source was left out that is asked for.
fn is_whole(mark: &Mark, all_workloads: bool) -> bool {
    !all_workloads || mark.facts.records.other_workloads == 0
}

/// Hears how the work goes on; called from many threads.
pub trait Progress: Sync {
    /// Before anything is read: how many files and bytes there are to read.
    fn begin(&self, files: usize, bytes: u64);
    /// Bytes were read.
    fn advance(&self, bytes: u64);
    /// A new stage of the work begins.
    fn stage(&self, name: &'static str);
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}

/// Reads an archive into a store.
///
/// # Errors
///
/// Trouble with the store or the machine. Trouble with files and records is in the summary.
pub fn into_store(store: &Store, options: &Options, progress: &dyn Progress) -> Result<Summary> {
    let store = &store.clone().of_names(options.pseudonyms.as_ref().map(Pseudonyms::check))?;
    let marks = store.marks()?;
    let archive = Archive::look(options, &Known::of(&marks, options.all_workloads))?;
    let new = archive.to_read();
    if new.is_empty() {
        // Leftovers of a run that was cut off harm only who reads the folder without its log.
        let upkeep = store.tidy().err();
        let mut summary = summary(&archive, Vec::new(), &store.files()?);
        summary.remarks.extend(upkeep.map(|error| format!("leftovers were not removed: {error}")));
        return Ok(summary);
    }
    pool(options)?.install(|| {
        let mut load = store.begin(marks)?;
        let mut accounts = read(&new, &load, &Projection::All, options, progress)?;
        loop {
            progress.stage("removing repeats");
            let settled = load.settle()?;
            settle_accounts(&mut accounts, &settled);
            progress.stage("writing");
            let marks = settled.marks().iter();
            let whole = marks.filter(|mark| is_whole(mark, options.all_workloads));
            let held: HashSet<&str> = whole.map(|mark| mark.digest.as_str()).collect();
            for account in &mut accounts {
                account.is_held = account.digest.as_deref().is_some_and(|d| held.contains(d));
            }
            let marks: Vec<Mark> = accounts.iter().filter_map(Account::mark).collect();
            match settled.commit(&marks)? {
                Commit::Made(_) => break,
                Commit::Overtaken(again) => load = *again,
            }
        }
        // The events are in the table: what keeps it quick may fail without harm to them.
        let upkeep = store.compact(Extent::Many).err();
        let mut summary = summary(&archive, accounts, &store.files()?);
        summary.remarks.extend(upkeep.map(|error| format!("small files were not merged: {error}")));
        Ok(summary)
    })
}

/// Reads an archive for one answer: nothing of it stays behind.
///
/// # Errors
///
/// As [`into_store`].
pub fn passing(
    options: &Options,
    projection: &Projection,
    progress: &dyn Progress,
) -> Result<(Passing, Snapshot, Summary)> {
    let archive = Archive::look(options, &Known::default())?;
    pool(options)?.install(|| {
        let load = Store::passing()?;
        let mut accounts = read(&archive.to_read(), &load, projection, options, progress)?;
        progress.stage("removing repeats");
        let settled = load.settle()?;
        settle_accounts(&mut accounts, &settled);
        progress.stage("answering");
        let passing = settled.keep()?;
        let mut sources: Vec<SourceFacts> = accounts.iter().map(|a| a.facts.clone()).collect();
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let files = passing.files.clone();
        let snapshot = Snapshot { files, sources, ..Snapshot::default() };
        let summary = summary(&archive, accounts, &snapshot.files);
        Ok((passing, snapshot, summary))
    })
}

fn pool(options: &Options) -> Result<rayon::ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(options.threads.unwrap_or(0));
    builder.build().map_err(Error::internal)
}

/// What the store knows of sources.
#[derive(Debug, Default)]
struct Known {
    by_place: HashMap<String, Seen>,
    digests: HashSet<String>,
    sizes: HashSet<u64>,
}

/// The newest form of a source.
#[derive(Debug)]
struct Seen {
    /// Its size and time.
    of: (u64, Option<i64>),
    /// Whether all that is asked for now was taken of it.
    is_whole: bool,
}

impl Known {
    fn of(marks: &[Mark], all_workloads: bool) -> Self {
        let mut known = Known::default();
        for mark in marks {
            let (facts, is_whole) = (&mark.facts, is_whole(mark, all_workloads));
            if is_whole {
                known.digests.insert(mark.digest.clone());
                known.sizes.insert(facts.size_bytes);
            }
            let seen = Seen { of: (facts.size_bytes, facts.modified_us), is_whole };
            known.by_place.insert(mark.place.clone(), seen);
        }
        known
    }

    /// Whether a source was taken before: by place, size and time without opening it, else by
    /// its content, which is looked at only where a source of the same size was taken.
    fn sight(&self, file: &Found) -> Sight {
        let seen = self.by_place.get(&file.place);
        let is_same = file.modified_us.is_some()
            && seen.is_some_and(|seen| {
                seen.is_whole && seen.of == (file.size_bytes, file.modified_us)
            });
        // A file that cannot be read now is not known; reading it will say why.
        let is_held = || {
            self.sizes.contains(&file.size_bytes)
                && source::digest(&file.path).is_ok_and(|digest| self.digests.contains(&digest))
        };
        if is_same || is_held() {
            Sight::Known
        } else if seen.is_some() {
            Sight::Changed
        } else {
            Sight::New
        }
    }
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Nothing.
    New,
    /// Another content of the same place.
    Changed,
    /// All of it was taken before.
    Known,
}

/// What there is to read.
#[derive(Debug, Default)]
struct Archive {
    /// All files, sorted by name.
    found: Vec<(Found, Sight)>,
    /// What could not even be looked at, with the reason.
    unreachable: Vec<(String, String)>,
}

impl Archive {
    fn look(options: &Options, known: &Known) -> Result<Self> {
        let (found, unreachable) = source::discover(&options.paths);
        if let ([], [(name, reason)], [_]) = (&found[..], &unreachable[..], &options.paths[..]) {
            return Err(Error::Usage(format!("cannot read {name}: {reason}")));
        }
        let found = found.into_iter().map(|file| {
            let sight = known.sight(&file);
            (file, sight)
        });
        Ok(Archive { found: found.collect(), unreachable })
    }

    /// The files to read.
    fn to_read(&self) -> Vec<Found> {
        let new = self.found.iter().filter(|(_, sight)| *sight != Sight::Known);
        new.map(|(file, _)| file.clone()).collect()
    }

    /// How many were taken before.
    fn known(&self) -> usize {
        self.found.iter().filter(|(_, sight)| *sight == Sight::Known).count()
    }
}

/// Reads all files on all threads of the present pool.
fn read(
    files: &[Found],
    load: &Load,
    projection: &Projection,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Account>> {
    progress.begin(files.len(), files.iter().map(|file| file.size_bytes).sum());
    let feed = Feed::new(files);
    let results = rayon::broadcast(|_| worker::work(&feed, load, projection, options, progress));
    results.into_iter().collect::<Result<()>>()?;
    feed.into_accounts()
}

fn settle_accounts(accounts: &mut [Account], settled: &Settled) {
    for (number, account) in accounts.iter_mut().enumerate() {
        let fate = settled.fates().by_source.get(&(number as u32)).copied().unwrap_or_default();
        account.facts.records.stored = fate.stored;
        account.facts.records.duplicates = fate.duplicates;
        account.facts.records.conflicting = fate.conflicting;
        account.facts.rejects = settled.rejects(&account.place);
    }
}
