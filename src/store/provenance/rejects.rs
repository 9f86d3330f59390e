//! Rejected records: collected during a run, and written with the commit of their sources.
//!
//! A run streams its rejects into a temporary file ([`RejectSpool`]), so that memory use does not
//! grow with them. The commit writes those of its sources that the store does not contain yet.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Result};
use crate::schema::reject::Reject;
use crate::schema::source_log::RejectCounts;
use crate::store::fs::atomic_file::{AtomicFile, Publish};
use crate::store::fs::disk::{Disk, DiskFile};
use crate::store::provenance::reject_file::{
    RejectWriter, RejectsFile, folder, for_each_reject, reject_file_name, temp_reject_file_name,
};
use crate::store::provenance::source_log::SourceLog;

/// The rejects of a run, added from all threads.
pub(in crate::store) struct RejectSpool {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    state: Mutex<SpoolState>,
}

enum SpoolState {
    Empty,
    Open(RejectWriter<Box<dyn DiskFile>>),
    Closed,
}

impl RejectSpool {
    /// Returns an empty spool whose file will be in `temp_dir`.
    pub(in crate::store) fn new(disk: &Arc<dyn Disk>, temp_dir: &Path) -> Self {
        let path = temp_dir.join("rejects.ndjson.zst");
        RejectSpool { disk: Arc::clone(disk), path, state: Mutex::new(SpoolState::Empty) }
    }

    fn write_error(&self, error: io::Error) -> Error {
        Error::io("write", &self.path)(error)
    }

    fn lock(&self) -> Result<MutexGuard<'_, SpoolState>> {
        self.state.lock().map_err(|_| Error::internal("a thread failed while it added a reject"))
    }

    /// Adds a reject. Any thread may call this, in any order.
    pub(in crate::store) fn add(&self, reject: &Reject) -> Result<()> {
        let mut state = self.lock()?;
        if !matches!(*state, SpoolState::Open(_)) {
            let opened = self.disk.create(&self.path).and_then(RejectWriter::new);
            *state = SpoolState::Open(opened.map_err(|error| self.write_error(error))?);
        }
        match &mut *state {
            SpoolState::Open(writer) => {
                writer.write(reject).map_err(|error| self.write_error(error))
            }
            _ => Err(Error::internal("a reject was added to a closed file")),
        }
    }

    /// Closes the file. Returns false if no reject was added.
    fn finish(&self) -> Result<bool> {
        let mut state = self.lock()?;
        match std::mem::replace(&mut *state, SpoolState::Closed) {
            SpoolState::Empty => {
                *state = SpoolState::Empty;
                Ok(false)
            }
            SpoolState::Open(writer) => {
                writer.finish().map_err(|error| self.write_error(error))?;
                Ok(true)
            }
            SpoolState::Closed => Ok(true),
        }
    }

    /// Separates new rejects from those that the store contains already.
    ///
    /// Only sources that were ingested before can have rejects in the store.
    pub(in crate::store) fn split_new(
        &self,
        root: &Path,
        source_log: &SourceLog,
    ) -> Result<NewRejects> {
        let mut new = NewRejects::default();
        if !self.finish()? {
            return Ok(new);
        }
        for_each_reject(&self.path, |reject| {
            new.counts_by_place.entry(reject.place).or_default().kept += 1;
            Ok(())
        })?;
        let ingested_before: HashSet<&str> = source_log
            .entries
            .iter()
            .map(|entry| entry.place.as_str())
            .filter(|place| new.counts_by_place.contains_key(*place))
            .collect();
        if ingested_before.is_empty() {
            return Ok(new);
        }
        let mut known_keys = HashSet::new();
        for file in &source_log.reject_files {
            for_each_reject(&file.path(root), |reject| {
                if ingested_before.contains(reject.place.as_str()) {
                    known_keys.insert(reject_key(&reject));
                }
                Ok(())
            })?;
        }
        let mut known_by_place: BTreeMap<String, u64> = BTreeMap::new();
        for_each_reject(&self.path, |reject| {
            if known_keys.contains(&reject_key(&reject)) {
                *known_by_place.entry(reject.place).or_default() += 1;
            }
            Ok(())
        })?;
        for (place, known) in known_by_place {
            let counts = new.counts_by_place.entry(place).or_default();
            *counts = RejectCounts { kept: counts.kept - known, known };
        }
        new.known_keys = known_keys;
        Ok(new)
    }

    /// Writes the new rejects of committed sources to a file, or returns `None` if there are none.
    ///
    /// `is_committed` gets the place of a source.
    pub(in crate::store) fn write_new(
        &self,
        root: &Path,
        writer: &str,
        new: &NewRejects,
        is_committed: impl Fn(&str) -> bool,
    ) -> Result<Option<RejectsFile>> {
        let is_new =
            |(place, counts): (&String, &RejectCounts)| is_committed(place) && counts.kept > 0;
        if !new.counts_by_place.iter().any(is_new) {
            return Ok(None);
        }
        write_file(&self.disk, root, writer, |take| {
            for_each_reject(&self.path, |reject| {
                if is_committed(&reject.place) && !new.known_keys.contains(&reject_key(&reject)) {
                    take(&reject)?;
                }
                Ok(())
            })
        })
    }
}

/// The rejects of a run that the store does not contain yet.
#[derive(Debug, Default)]
pub(in crate::store) struct NewRejects {
    counts_by_place: BTreeMap<String, RejectCounts>,
    /// The keys of the rejects of the same sources that the store contains.
    known_keys: HashSet<u128>,
}

impl NewRejects {
    /// Returns the counts of the source in a place.
    pub(in crate::store) fn counts(&self, place: &str) -> RejectCounts {
        self.counts_by_place.get(place).copied().unwrap_or_default()
    }
}

/// Returns a key that is equal for rejects with the same place, position and text.
fn reject_key(reject: &Reject) -> u128 {
    let place = xxh3_128(reject.place.as_bytes());
    let raw = xxh3_128(reject.raw.bytes());
    let parts = [place, raw, u128::from(reject.position), u128::from(reject.length)];
    xxh3_128(&parts.map(u128::to_le_bytes).concat())
}

/// Writes one reject to a file.
type RejectSink<'t> = dyn FnMut(&Reject) -> Result<()> + 't;

/// Writes the rejects that `fill` passes to a new file, or returns `None` if there are none.
fn write_file(
    disk: &Arc<dyn Disk>,
    root: &Path,
    writer: &str,
    fill: impl FnOnce(&mut RejectSink<'_>) -> Result<()>,
) -> Result<Option<RejectsFile>> {
    let file = AtomicFile::create(disk, &folder(root), &temp_reject_file_name(writer))?;
    let path = file.temp_path().to_path_buf();
    let write_error = || Error::io("write", &path);
    let mut lines = RejectWriter::new(file).map_err(write_error())?;
    let mut rejects = 0;
    fill(&mut |reject| {
        rejects += 1;
        lines.write(reject).map_err(write_error())
    })?;
    let file = lines.finish().map_err(write_error())?;
    if rejects == 0 {
        return Ok(None);
    }
    let name = reject_file_name(writer, file.digest());
    file.publish(&name, Publish::Unreferenced)?;
    Ok(Some(RejectsFile { name, rejects }))
}

/// Deletes a file that no commit refers to. If that fails, the next writer deletes it.
pub(in crate::store) fn discard(disk: &dyn Disk, root: &Path, file: Option<&RejectsFile>) {
    if let Some(file) = file {
        let _ = disk.remove(&file.path(root));
    }
}

/// The change that `forget` makes to a reject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectEdit {
    /// The reject stays as it is.
    Keep,
    /// Another reject replaces it.
    Replace(Box<Reject>),
    /// The reject is deleted.
    Drop,
}

/// Numbers of the rejects in a file that `forget` changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct RejectEditCounts {
    pub(in crate::store) dropped: u64,
    pub(in crate::store) changed: u64,
}

/// Returns how many rejects of a file `edit` changes.
pub(in crate::store) fn count_edits(
    root: &Path,
    file: &RejectsFile,
    edit: &dyn Fn(&Reject) -> RejectEdit,
) -> Result<RejectEditCounts> {
    let mut counts = RejectEditCounts::default();
    for_each_reject(&file.path(root), |reject| {
        match edit(&reject) {
            RejectEdit::Keep => {}
            RejectEdit::Replace(_) => counts.changed += 1,
            RejectEdit::Drop => counts.dropped += 1,
        }
        Ok(())
    })?;
    Ok(counts)
}

/// Writes a file again with the edits of its rejects. Returns `None` if all rejects are deleted.
pub(in crate::store) fn rewrite(
    disk: &Arc<dyn Disk>,
    root: &Path,
    writer: &str,
    file: &RejectsFile,
    edit: &dyn Fn(&Reject) -> RejectEdit,
) -> Result<Option<RejectsFile>> {
    write_file(disk, root, writer, |take| {
        for_each_reject(&file.path(root), |reject| match edit(&reject) {
            RejectEdit::Keep => take(&reject),
            RejectEdit::Replace(other) => take(&other),
            RejectEdit::Drop => Ok(()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::reject::Raw;
    use crate::schema::source_log::SourceFacts;
    use crate::store::fs::disk::OsDisk;
    use crate::store::provenance::reject_file::verify_file;
    use crate::store::provenance::reject_list::list_rejects;
    use crate::store::provenance::source_log::SourceEntry;

    const WRITER: &str = "0123456789abcdef0123456789abcdef";

    fn reject(place: &str, position: u64, raw: &[u8]) -> Reject {
        Reject {
            source: place.trim_start_matches('/').to_owned(),
            place: place.to_owned(),
            position,
            reason: "why".to_owned(),
            length: raw.len() as u64,
            raw: Raw::from_bytes(raw),
        }
    }

    fn spool(folder: &Path, rejects: &[Reject]) -> RejectSpool {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let _ = std::fs::remove_file(folder.join("rejects.ndjson.zst"));
        let spool = RejectSpool::new(&disk, folder);
        rejects.iter().for_each(|reject| spool.add(reject).unwrap());
        spool
    }

    fn listed(root: &Path, files: &[RejectsFile]) -> Vec<Reject> {
        let mut all = Vec::new();
        let mut take = |reject| {
            all.push(reject);
            Ok(())
        };
        let number = list_rejects(root, files, &|_| true, &mut take).unwrap();
        assert_eq!(number as usize, all.len());
        all
    }

    #[test]
    fn known_rejects_are_not_written_again_and_those_of_uncommitted_sources_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let first = [reject("/b", 9, b"x"), reject("/b", 3, b"\xff"), reject("/a", 5, b"y")];
        let first_spool = spool(root, &first);
        let new = first_spool.split_new(root, &SourceLog::default()).unwrap();
        assert_eq!(new.counts("/b"), RejectCounts { kept: 2, known: 0 });
        let one = first_spool.write_new(root, WRITER, &new, |_| true).unwrap().unwrap();
        let sorted = [first[2].clone(), first[1].clone(), first[0].clone()];
        assert_eq!(listed(root, std::slice::from_ref(&one)), sorted);
        assert_eq!((one.rejects, verify_file(root, &one)), (3, None));

        // The same source again: one reject is known, one has other content, one is new.
        let second = [
            reject("/b", 9, b"x"),
            reject("/b", 3, b"z"),
            reject("/b", 20, b"x"),
            reject("/c", 0, b"lost"),
        ];
        let facts = SourceFacts::default();
        let entry = SourceEntry { place: "/b".into(), digest: String::new(), facts };
        let source_log =
            SourceLog { entries: vec![entry], reject_files: vec![one], ..SourceLog::default() };
        let second_spool = spool(root, &second);
        let new = second_spool.split_new(root, &source_log).unwrap();
        assert_eq!(new.counts("/b"), RejectCounts { kept: 2, known: 1 });
        let is_committed = |place: &str| place == "/b";
        let two = second_spool.write_new(root, WRITER, &new, is_committed).unwrap().unwrap();
        assert_eq!(listed(root, &[two]), second[1..3]);
        assert!(second_spool.write_new(root, WRITER, &new, |_| false).unwrap().is_none());
    }

    #[test]
    fn changed_or_truncated_file_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let spool = spool(root, &[reject("/a", 0, b"x")]);
        let new = spool.split_new(root, &SourceLog::default()).unwrap();
        let file = spool.write_new(root, WRITER, &new, |_| true).unwrap().unwrap();
        let path = file.path(root);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(verify_file(root, &file).is_some(), "{length}");
        }
        std::fs::write(&path, &whole).unwrap();
        let more = RejectsFile { rejects: 2, ..file };
        let problem = verify_file(root, &more);
        assert_eq!(problem.as_deref(), Some("rejects in the file: 1, expected: 2"));
        std::fs::remove_file(path).unwrap();
        assert!(verify_file(root, &more).unwrap().contains("cannot read"));
    }
}
