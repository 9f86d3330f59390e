//! Reads of a store: snapshots, data files, source entries, rejects and the pseudonym key.

use std::sync::Arc;

use crate::error::Result;
use crate::schema::reject::Reject;
use crate::store::delta::log::DeltaLog;
use crate::store::delta::snapshot::{DataFile, Snapshot};
use crate::store::fs::paths::may_be_deleted;
use crate::store::handle::Store;
use crate::store::provenance::reject_file::for_each_reject;
use crate::store::provenance::reject_list::list_rejects;
use crate::store::provenance::source_log::{SourceEntries, SourceLog, latest_facts};

impl Store {
    /// Returns the store, to be written with pseudonyms of the key that `key_id` identifies.
    ///
    /// With `None`, names are written unchanged. A store contains only one of the two.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Store`] if the store exists and contains the other, or pseudonyms of
    /// another key.
    #[doc(hidden)]
    pub fn with_pseudonym_key(mut self, key_id: Option<String>) -> Result<Store> {
        self.pseudonym_key_id = key_id;
        if self.exists()? {
            DeltaLog::open(&self)?.ensure_pseudonym_key(self.pseudonym_key_id.as_deref())?;
        }
        Ok(self)
    }

    /// Returns what identifies the key of the pseudonyms in the store, or `None` if it contains
    /// names.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    #[doc(hidden)]
    pub fn pseudonym_key_id(&self) -> Result<Option<String>> {
        if !self.exists()? {
            return Ok(None);
        }
        DeltaLog::open(self)?.pseudonym_key_id()
    }

    /// Returns the newest version. A store that does not exist yet is empty.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Store`] if the log cannot be read, or requires a table feature that this
    /// program does not support.
    pub fn snapshot(&self) -> Result<Snapshot> {
        if !self.exists()? {
            return Ok(Snapshot { version: -1, inventory_version: -1, ..Snapshot::default() });
        }
        let (inventory_version, inventory_files) = self.inventory_version()?;
        let (log, source_log) = self.latest()?;
        let mut entries = source_log.entries.iter();
        Ok(Snapshot {
            version: log.version(),
            files: log.files()?,
            sources: latest_facts(&source_log.entries),
            has_other_workloads: entries.any(|entry| entry.facts.other_workloads_kept > 0),
            rejects: self.count_rejects(&source_log),
            inventory_version,
            inventory_files,
            inventory_rows: Vec::new(),
        })
    }

    /// Returns the number of rejects without those that are outdated.
    fn count_rejects(&self, source_log: &SourceLog) -> u64 {
        let outdated = source_log.outdated_rejects();
        let number = outdated.values().sum::<u64>();
        let difference = source_log.reject_count().saturating_sub(number);
        if number == 0 || source_log.removed.dropped == 0 {
            return difference;
        }
        // `forget` may have deleted some of those that are outdated.
        let mut listed = 0;
        let mut files = source_log.reject_files.iter();
        let counted = files.try_for_each(|file| {
            for_each_reject(&file.path(&self.root), |reject| {
                listed += u64::from(!outdated.contains_key(&*reject.place));
                Ok(())
            })
        });
        counted.map_or(difference, |()| listed)
    }

    /// Returns the data files of the newest version, sorted by month and path.
    ///
    /// This is faster than [`Store::snapshot`], because the source log is not read. In a store of
    /// many sources, the source log is larger than everything else that a snapshot contains.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    #[doc(hidden)]
    pub fn files(&self) -> Result<Vec<DataFile>> {
        if !self.exists()? {
            return Ok(Vec::new());
        }
        DeltaLog::open(self)?.files()
    }

    /// Calls `answer` with the newest version.
    ///
    /// If another command replaces a file of that version during the call, `answer` is called
    /// again with the version that is newest then. On a share, files that this machine does not
    /// see yet are waited for.
    ///
    /// # Errors
    ///
    /// Errors of [`Store::snapshot`] and of `answer`.
    pub fn read<T>(&self, answer: impl Fn(&Snapshot) -> Result<T>) -> Result<T> {
        let mut version = None;
        loop {
            let snapshot = self.snapshot()?;
            let read = (snapshot.version, snapshot.inventory_version);
            let is_newer = version.replace(read) != Some(read);
            let mut files = snapshot.files.iter().chain(&snapshot.inventory_files);
            match answer(&snapshot) {
                Err(_)
                    if files.any(|file| may_be_deleted(&file.path))
                        && (is_newer || self.share.pause(&self.root)) => {}
                answered => return answered,
            }
        }
    }

    /// Returns the entries of all sources that were ever ingested.
    ///
    /// # Errors
    ///
    /// As [`Store::snapshot`].
    #[doc(hidden)]
    pub fn source_entries(&self) -> Result<SourceEntries> {
        if !self.exists()? {
            return Ok(SourceEntries::default());
        }
        let (log, source_log) = self.latest()?;
        Ok(SourceEntries { head: log.source_log_head()?, source_log: Arc::new(source_log) })
    }

    /// Passes the rejects of the wanted sources to `take`, sorted by source and position, and
    /// returns their number.
    ///
    /// `is_wanted` gets the name of a source. Rejects whose content a later version of the program
    /// has read are left out. Memory use does not depend on the rejects' text.
    ///
    /// # Errors
    ///
    /// Errors of `take`; [`crate::Error::Io`] and [`crate::Error::Store`] if a file is missing or
    /// damaged.
    #[doc(hidden)]
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
            let (log, source_log) = &newest;
            let mut passed = 0;
            let outdated = source_log.outdated_rejects();
            let is_listed = |reject: &Reject| {
                is_wanted(&reject.source) && !outdated.contains_key(&*reject.place)
            };
            let files = &source_log.reject_files;
            let listed = list_rejects(&self.root, files, &is_listed, &mut |r| {
                passed += 1;
                take(r)
            });
            match listed {
                // `forget` may have rewritten a file since the log was read.
                Err(_) if passed == 0 && self.refresh(log)?.is_some() => newest = self.latest()?,
                listed => return listed,
            }
        }
    }
}
