//! Texts taken out of the whole store: persons who are to be forgotten.
//!
//! Owns: that nothing of the old texts stays, in no file of the table and in no mark, and that it
//! happens at once. Must not know who a person is: which texts go, and which events, it is told.

use std::collections::BTreeSet;

use crate::column::Rewrite;
use crate::error::{Error, Result};
use crate::schema::reject::Reject;
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::reader;
use crate::store::parquet::writer::{Compression, Site};
use crate::store::provenance::rejects::{self, Becomes, RejectsFile, Rewritten};
use crate::store::provenance::source_log::{self, Mark, Memory};
use crate::store::write::dedup::Fates;
use crate::store::write::merge;
use crate::store::write::run::Run;
use crate::store::write::writer_lock::{self, Lease};
use crate::store::{Store, TRIES_MAX, overtaken_too_often, pause};

/// What is to go.
pub struct Removal<'r> {
    /// What a text becomes; `None` where it stays.
    pub rewrite: &'r Rewrite<'r>,
    /// Whether the events of a user go with everything that is in them.
    pub erase: &'r (dyn Fn(&str) -> bool + Sync),
    /// What becomes of a reject.
    pub reject: &'r dyn Fn(&Reject) -> Becomes,
}

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Events that are gone.
    pub erased: u64,
    /// Rejects that are gone.
    pub dropped: u64,
    /// Files of events and rejects that were written again.
    pub files: usize,
    /// Marks of sources that were written again.
    pub marks: usize,
}

impl Store {
    /// The users of the table, each with every user key that stands beside the name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] where a file cannot be read.
    pub fn users(&self) -> Result<BTreeSet<(String, String)>> {
        self.read(|snapshot| {
            let mut users = BTreeSet::new();
            for file in &snapshot.files {
                reader::users(&file.path, |user, key| {
                    users.insert((user.to_owned(), key.to_owned()));
                })?;
            }
            Ok(users)
        })
    }

    /// Takes texts, and events, out of the store: the files that have them are written again
    /// without, in one commit, and the old ones are deleted. Sources stay known, so that reading
    /// them again brings nothing back.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] where a file cannot be read or written; the store is
    /// then as it was.
    pub fn remove(&self, removal: &Removal<'_>) -> Result<Removed> {
        let lease = Lease::take(self)?;
        writer_lock::clean(&lease)?;
        let store = lease.store();
        let site = Site::new(store.disk(), &self.events(), &lease.writer, Compression::Zstd);
        for tries in 1..TRIES_MAX {
            if let Some(removed) = store.try_remove(removal, &site, &lease)? {
                return Ok(removed);
            }
            pause(tries);
        }
        Err(overtaken_too_often(self.root()))
    }

    /// `None` where another writer was quicker.
    fn try_remove(
        &self,
        removal: &Removal<'_>,
        site: &Site,
        lease: &Lease,
    ) -> Result<Option<Removed>> {
        let (log, memory) = self.newest()?;
        let (mut old, mut new, mut erased) = (Vec::new(), Vec::new(), 0);
        for file in log.files()? {
            match rewrite(&file, removal, site) {
                Ok(None) => {}
                Ok(Some((files, gone))) => {
                    erased += gone;
                    new.extend(files);
                    old.push(file);
                }
                Err(error) => {
                    site.discard(&new);
                    return if file.path.exists() { Err(error) } else { Ok(None) };
                }
            }
        }
        let disk = self.disk().as_ref();
        let mut renewal = match Renewal::of(self, &lease.writer, memory, removal) {
            Ok(renewal) => renewal,
            Err(error) => {
                site.discard(&new);
                return if self.newer(&log)?.is_none() { Err(error) } else { Ok(None) };
            }
        };
        if old.is_empty() && renewal.marks == 0 && renewal.old.is_empty() {
            return Ok(Some(Removed::default()));
        }
        renewal.memory.gone.erased += erased;
        let before = log.head()?;
        let undo = || {
            site.discard(&new);
            renewal.new.iter().for_each(|file| rejects::discard(disk, self.root(), Some(file)));
        };
        let head = source_log::fold(disk, self.root(), &lease.writer, &renewal.memory);
        let head = head.inspect_err(|_| undo())?;
        let discard = || {
            undo();
            source_log::discard(disk, self.root(), Some(head));
        };
        let attempt = log.rewrite(&old, &new, head);
        if self.conclude(lease, attempt, (&new, Some(head)), discard)?.is_none() {
            return Ok(None);
        }
        site.discard(&old);
        renewal.old.iter().for_each(|file| rejects::discard(disk, self.root(), Some(file)));
        source_log::drop_folded(disk, self.root(), before, Some(head));
        let files = old.len() + renewal.old.len();
        Ok(Some(Removed { erased, dropped: renewal.dropped, files, marks: renewal.marks }))
    }
}

/// What is remembered, without what goes.
struct Renewal {
    memory: Memory,
    /// Files of rejects that were written again, and what is in their place.
    old: Vec<RejectsFile>,
    new: Vec<RejectsFile>,
    dropped: u64,
    /// Marks that are others now.
    marks: usize,
}

impl Renewal {
    /// On an error it leaves no file behind.
    fn of(store: &Store, writer: &str, memory: Memory, removal: &Removal<'_>) -> Result<Renewal> {
        let (disk, root) = (store.disk().as_ref(), store.root());
        let (old, new, dropped) = (Vec::new(), Vec::new(), 0);
        let mut renewal = Renewal { memory, old, new, dropped, marks: 0 };
        let mut kept = Vec::new();
        for file in std::mem::take(&mut renewal.memory.rejects) {
            match rejects::rewrite(disk, root, writer, &file, removal.reject) {
                Ok(None) => kept.push(file),
                Ok(Some(Rewritten { new, gone })) => {
                    renewal.dropped += gone;
                    renewal.new.extend(new);
                    renewal.old.push(file);
                }
                Err(error) => {
                    renewal.new.iter().for_each(|new| rejects::discard(disk, root, Some(new)));
                    return Err(error);
                }
            }
        }
        kept.extend(renewal.new.iter().cloned());
        renewal.memory.rejects = kept;
        renewal.memory.gone.dropped += renewal.dropped;
        renewal.marks = rewrite_marks(&mut renewal.memory.marks, removal.rewrite);
        Ok(renewal)
    }
}

/// Writes a file again without the texts and events that go; `None` where it has none of them.
fn rewrite(
    file: &DataFile,
    removal: &Removal<'_>,
    site: &Site,
) -> Result<Option<(Vec<DataFile>, u64)>> {
    let mut goes = Vec::new();
    reader::users(&file.path, |user, _| goes.push((removal.erase)(user)))?;
    let erased = goes.iter().filter(|goes| **goes).count() as u64;
    if erased == 0 && !reader::has_text(&file.path, removal.rewrite)? {
        return Ok(None);
    }
    let Some(run) = Run::of_file(&file.path)? else {
        let message = "holds texts that are to go, but is not in this program's form; write it \
                       again with the tool that made it";
        return Err(Error::store(&file.path, message));
    };
    let fates = Fates::without(&goes);
    let files = merge::write_rewritten(&[run], &fates, site, Some(removal.rewrite))?;
    Ok(Some((files, erased)))
}

/// Rewrites marks, and gives the number of those that have changed.
fn rewrite_marks(marks: &mut [Mark], rewrite: &Rewrite<'_>) -> usize {
    let mut changed = 0;
    for mark in marks {
        let facts = &mut mark.facts;
        let reasons = facts.troubles.iter_mut().map(|trouble| &mut trouble.reason);
        let details = facts.suspicions.iter_mut().map(|suspicion| &mut suspicion.detail);
        let mut is_changed = false;
        for text in reasons.chain(details).chain([&mut facts.path, &mut mark.place]) {
            if let Some(rewritten) = rewrite(text) {
                *text = rewritten;
                is_changed = true;
            }
        }
        changed += usize::from(is_changed);
    }
    changed
}
