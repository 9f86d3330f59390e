//! Prefixes of the Ids in a data file, in a small file beside the table: a cache that says which
//! data files cannot contain an Id.
//!
//! An ingest asks which of its events the table has. The columns of Ids are most of a store, so to
//! read all of them would cost more with every stored event. A file of prefixes takes less
//! than four bytes for each event.
//!
//! The cache needs no protocol. Its files are made only for data files that the Delta log names,
//! whose content never changes. A file of prefixes that is missing, damaged, half written or made
//! for another data file has no valid checksum, and then the column of Ids is read. Anybody may
//! delete any of these files at any time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::error::Result;
use crate::store::delta::snapshot::DataFile;
use crate::store::file_names::digest_from_name;
use crate::store::fs::atomic_file::{AtomicFile, Publish};
use crate::store::fs::disk::Disk;
use crate::store::fs::paths::{file_name, is_absent, is_hidden, list_dir};

/// Folder of the cache in the store's folder. It is no part of the table, so no other program can
/// take its files for data.
pub(in crate::store) const FOLDER: &str = "ids";

/// First bytes of a file. The last one is the version of the format.
const MAGIC: &[u8; 8] = b"pbi-ids1";

/// Bits of a prefix. Of ten thousand Ids, one in five runs has the prefix of another one among 20
/// million, and then one column is read in vain.
const PREFIX_BITS: u32 = 40;

/// Returns the prefix of the hash of an Id's key.
///
/// The key of a GUID is its bytes. They are hashed because Ids can be numbered.
pub(in crate::store) fn id_prefix(key: u128) -> u64 {
    let folded = (key >> 64) as u64 ^ key as u64;
    folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PREFIX_BITS)
}

/// The answer of the cache for a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum PrefixMatch {
    /// None of the Ids is in the file.
    Absent,
    /// At least one prefix is in the file, so the Id may be too.
    Possible,
    /// There are no valid prefixes of this file.
    Unknown,
}

/// The cache of a store.
pub(in crate::store) struct IdPrefixes {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl IdPrefixes {
    /// Returns the cache of the store in the folder `root`.
    pub(in crate::store) fn new(disk: &Arc<dyn Disk>, root: &Path) -> IdPrefixes {
        IdPrefixes { disk: Arc::clone(disk), folder: root.join(FOLDER) }
    }

    /// Searches the prefixes of a data file for `wanted` ones, which are sorted.
    ///
    /// A data file that is not there, or has another size than the log says, is unknown: reading
    /// it reports the damage.
    pub(in crate::store) fn search(&self, file: &DataFile, wanted: &[u64]) -> PrefixMatch {
        let metadata = std::fs::metadata(&file.path);
        if !metadata.is_ok_and(|metadata| metadata.len() == file.size_bytes) {
            return PrefixMatch::Unknown;
        }
        let stored = self.read(file);
        let found = stored.and_then(|stored| contains_any(payload(&stored)?, wanted));
        match found {
            Some(true) => PrefixMatch::Possible,
            Some(false) => PrefixMatch::Absent,
            None => PrefixMatch::Unknown,
        }
    }

    /// Writes the prefixes of a data file's Ids, in any order. Does nothing if the disk refuses:
    /// the next run reads the column again.
    pub(in crate::store) fn write(&self, file: &DataFile, prefixes: Vec<u64>) {
        if let Some(name) = cache_name(&file.path) {
            let content = encode(&file.path, prefixes);
            let _ = self.try_write(&name, &content);
        }
    }

    fn try_write(&self, name: &str, content: &[u8]) -> Result<()> {
        let mut output = AtomicFile::create_unnamed(&self.disk, &self.folder)?;
        output.write_bytes(content)?;
        // Nothing is synced: after a power failure, the checksum decides.
        output.publish(name, Publish::Temporary).map(drop)
    }

    /// Returns true if there are valid prefixes of a data file, and they are not those of its Ids.
    pub(in crate::store) fn contradicts(&self, file: &DataFile, prefixes: Vec<u64>) -> bool {
        self.read(file).is_some_and(|stored| stored != encode(&file.path, prefixes))
    }

    /// Returns true if there are valid prefixes of a data file.
    pub(in crate::store) fn has(&self, file: &DataFile) -> bool {
        self.read(file).is_some()
    }

    /// Returns the path of the prefixes of a data file; `None` if another program wrote it, because
    /// its name does not identify its content.
    pub(in crate::store) fn path(&self, data_file: &Path) -> Option<PathBuf> {
        Some(self.folder.join(cache_name(data_file)?))
    }

    /// Returns the bytes of a valid file.
    fn read(&self, file: &DataFile) -> Option<Vec<u8>> {
        let stored = std::fs::read(self.path(&file.path)?).ok()?;
        let (content, sum) = stored.split_last_chunk::<8>()?;
        let is_valid =
            content.starts_with(MAGIC) && u64::from_le_bytes(*sum) == checksum(&file.path, content);
        is_valid.then_some(stored)
    }

    /// Deletes the prefixes of other data files than these, which are those of a version of the
    /// log, and unfinished files.
    pub(in crate::store) fn remove_others(&self, files: &[DataFile]) {
        let kept: BTreeSet<String> =
            files.iter().filter_map(|file| cache_name(&file.path)).collect();
        for path in list_dir(&self.folder).unwrap_or_default() {
            let name = file_name(&path);
            if !kept.contains(&name) && (name.ends_with(".ids") || is_hidden(&path)) {
                let _ = self.disk.remove(&path);
            }
        }
    }

    /// Deletes the prefixes of a data file that is deleted.
    pub(in crate::store) fn remove(&self, data_file: &Path) {
        if let Some(path) = self.path(data_file).filter(|path| !is_absent(path)) {
            let _ = self.disk.remove(&path);
        }
    }
}

/// Returns the name of the prefixes of a data file: that of the data file with another extension.
fn cache_name(data_file: &Path) -> Option<String> {
    let name = file_name(data_file);
    digest_from_name(&name)?;
    Some(format!("{}.ids", name.strip_suffix(".parquet")?))
}

/// Returns the checksum of a file's content. It depends on the name of the data file, so a renamed
/// file is not valid.
fn checksum(data_file: &Path, content: &[u8]) -> u64 {
    xxh3_64_with_seed(content, xxh3_64(file_name(data_file).as_bytes()))
}

/// Returns the content of a file: the magic bytes, the gaps between the sorted prefixes as numbers
/// of 7 bits a byte, and the checksum.
fn encode(data_file: &Path, mut prefixes: Vec<u64>) -> Vec<u8> {
    prefixes.sort_unstable();
    let mut content = MAGIC.to_vec();
    content.reserve(prefixes.len() * 4);
    let mut last = 0;
    for prefix in prefixes {
        let mut gap = prefix - last;
        last = prefix;
        while gap >= 0x80 {
            content.push(gap as u8 | 0x80);
            gap >>= 7;
        }
        content.push(gap as u8);
    }
    let sum = checksum(data_file, &content);
    content.extend(sum.to_le_bytes());
    content
}

/// Returns the gaps in the content of a valid file.
fn payload(stored: &[u8]) -> Option<&[u8]> {
    stored.strip_prefix(MAGIC)?.split_last_chunk::<8>().map(|(gaps, _)| gaps)
}

/// Returns true if one of the `wanted` prefixes, which are sorted, is among those with these gaps;
/// `None` if the gaps are not complete.
fn contains_any(gaps: &[u8], wanted: &[u64]) -> Option<bool> {
    let (mut wanted, mut bytes) = (wanted.iter().copied(), gaps.iter().copied());
    let (mut next, mut prefix) = (wanted.next(), 0_u64);
    while let Some(first) = bytes.next() {
        let (mut byte, mut gap, mut shift) = (first, 0, 0);
        while byte >= 0x80 {
            gap |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if shift > PREFIX_BITS {
                return None;
            }
            byte = bytes.next()?;
        }
        gap |= u64::from(byte) << shift;
        prefix = prefix.saturating_add(gap);
        while next.is_some_and(|wanted| wanted < prefix) {
            next = wanted.next();
        }
        match next {
            None => return Some(false),
            Some(wanted) if wanted == prefix => return Some(true),
            Some(_) => {}
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file_names::data_file_name;
    use crate::store::fs::disk::OsDisk;

    fn data_file(folder: &Path, number: usize) -> DataFile {
        let name = data_file_name("0123456789abcdef0123456789abcdef", number, number as u128);
        let path = folder.join(name);
        std::fs::write(&path, "data").unwrap();
        DataFile { path, size_bytes: 4, events: 0, month: String::new(), period_us: None }
    }

    fn cache() -> (tempfile::TempDir, IdPrefixes, DataFile) {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let (prefixes, file) = (IdPrefixes::new(&disk, folder.path()), data_file(folder.path(), 1));
        (folder, prefixes, file)
    }

    #[test]
    fn prefixes_are_found_and_others_are_not() {
        let (_folder, cache, file) = cache();
        let held: Vec<u64> =
            (0..5_000_u128).map(|n| id_prefix(n.wrapping_mul(0x1234_5678_9abc_def1))).collect();
        assert_eq!(cache.search(&file, &held[..1]), PrefixMatch::Unknown);
        cache.write(&file, held.clone());
        for id in &held {
            assert_eq!(cache.search(&file, &[*id]), PrefixMatch::Possible, "{id}");
        }
        let mut sorted = held.clone();
        sorted.sort_unstable();
        let others: Vec<u64> = sorted.windows(2).map(|two| two[0] + 1).collect();
        let others: Vec<u64> =
            others.into_iter().filter(|id| sorted.binary_search(id).is_err()).collect();
        assert!(others.len() > 4_000);
        assert_eq!(cache.search(&file, &others), PrefixMatch::Absent);
        assert_eq!(cache.search(&file, &[]), PrefixMatch::Absent);
        assert_eq!(cache.search(&file, &[0, sorted[77], u64::MAX]), PrefixMatch::Possible);
        assert!(cache.has(&file) && !cache.contradicts(&file, held.clone()));
        assert!(cache.contradicts(&file, held[1..].to_vec()));
    }

    #[test]
    fn numbered_ids_have_different_prefixes() {
        let prefixes: BTreeSet<u64> = (0..100_000).map(id_prefix).collect();
        assert!(prefixes.len() > 99_900);
        let prefixes: BTreeSet<u64> = (0..100_000_u128).map(|n| id_prefix(n << 64)).collect();
        assert!(prefixes.len() > 99_900);
    }

    #[test]
    fn damage_of_any_byte_and_any_length_is_unknown() {
        let (_folder, cache, file) = cache();
        cache.write(&file, vec![7, 300, 1 << 39]);
        let path = cache.path(&file.path).unwrap();
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            assert_eq!(cache.search(&file, &[7]), PrefixMatch::Unknown, "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert_eq!(cache.search(&file, &[7]), PrefixMatch::Unknown, "{at} bytes");
        }
        std::fs::write(&path, &good).unwrap();
        assert_eq!(cache.search(&file, &[7]), PrefixMatch::Possible);
        std::fs::write(&file.path, "longer data").unwrap();
        assert_eq!(cache.search(&file, &[7]), PrefixMatch::Unknown, "the data file has changed");
    }

    #[test]
    fn prefixes_of_another_file_and_of_another_program_do_not_count() {
        let (folder, cache, file) = cache();
        let other = data_file(folder.path(), 2);
        cache.write(&file, vec![1]);
        let [from, to] = [&file, &other].map(|file| cache.path(&file.path).unwrap());
        std::fs::copy(&from, &to).unwrap();
        assert_eq!(cache.search(&other, &[1]), PrefixMatch::Unknown);
        let foreign = DataFile { path: folder.path().join("part-0.parquet"), ..file.clone() };
        std::fs::write(&foreign.path, "data").unwrap();
        cache.write(&foreign, vec![1]);
        assert_eq!(cache.search(&foreign, &[1]), PrefixMatch::Unknown);
        cache.remove_others(std::slice::from_ref(&file));
        assert!(from.exists() && !to.exists());
        cache.remove(&file.path);
        assert!(!from.exists());
    }

    #[test]
    fn gaps_that_end_early_or_are_too_long_are_refused() {
        assert_eq!(contains_any(&[0x81], &[9]), None);
        assert_eq!(contains_any(&[0xff; 12], &[9]), None);
        assert_eq!(contains_any(&[9], &[9]), Some(true));
        assert_eq!(contains_any(&[], &[9]), Some(false));
    }
}
