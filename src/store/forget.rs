//! Texts taken out of the whole store: persons who are to be forgotten.
//!
//! Owns: that nothing of the old texts stays, in no file of the table and in no mark, and that it
//! happens at once. Must not know who a person is: which texts go, and which events, it is told.

use std::collections::BTreeSet;

use super::fates::Fates;
use super::lease::{self, Lease};
use super::ledger::{self, Mark};
use super::parquet::{self, Compression, Site};
use super::run::Run;
use super::snapshot::DataFile;
use super::{Store, TRIES_MAX, merge, overtaken_too_often, pause};
use crate::column::Rewrite;
use crate::error::{Error, Result};

/// What is to go.
pub struct Removal<'r> {
    /// What a text becomes; `None` where it stays.
    pub rewrite: &'r Rewrite<'r>,
    /// Whether the events of a user go with everything that is in them.
    pub erase: &'r (dyn Fn(&str) -> bool + Sync),
}

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Events that are gone.
    pub erased: u64,
    /// Files of the table that were written again.
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
                parquet::users(&file.path, |user, key| {
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
        lease::clean(&lease)?;
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
        let (log, marks) = self.newest()?;
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
        let (marks, changed) = rewrite_marks(marks, removal.rewrite);
        if old.is_empty() && changed == 0 {
            return Ok(Some(Removed::default()));
        }
        let before = log.head()?;
        let disk = self.disk().as_ref();
        let head = ledger::fold(disk, self.root(), before, &lease.writer, &marks, erased);
        let head = head.inspect_err(|_| site.discard(&new))?;
        let discard = || {
            site.discard(&new);
            ledger::discard(disk, self.root(), Some(head));
        };
        let attempt = log.rewrite(&old, &new, head);
        if self.conclude(lease, attempt, (&new, Some(head)), discard)?.is_none() {
            return Ok(None);
        }
        site.discard(&old);
        ledger::drop_folded(disk, self.root(), before, Some(head));
        Ok(Some(Removed { erased, files: old.len(), marks: changed }))
    }
}

/// Writes a file again without the texts and events that go; `None` where it has none of them.
fn rewrite(
    file: &DataFile,
    removal: &Removal<'_>,
    site: &Site,
) -> Result<Option<(Vec<DataFile>, u64)>> {
    let mut goes = Vec::new();
    parquet::users(&file.path, |user, _| goes.push((removal.erase)(user)))?;
    let erased = goes.iter().filter(|goes| **goes).count() as u64;
    if erased == 0 && !parquet::has_text(&file.path, removal.rewrite)? {
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

fn rewrite_marks(marks: Vec<Mark>, rewrite: &Rewrite<'_>) -> (Vec<Mark>, usize) {
    let mut changed = 0;
    let mut marks = marks;
    for mark in &mut marks {
        let facts = &mut mark.facts;
        let reasons = facts.troubles.iter_mut().map(|trouble| &mut trouble.reason);
        let mut is_changed = false;
        for text in reasons.chain([&mut facts.path, &mut mark.place]) {
            if let Some(rewritten) = rewrite(text) {
                *text = rewritten;
                is_changed = true;
            }
        }
        changed += usize::from(is_changed);
    }
    (marks, changed)
}
