//! Listing of rejects by source and position, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::error::Result;
use crate::schema::reject::Reject;
use crate::store::provenance::reject_file::{RejectsFile, for_each_reject};

/// The text in memory at once during a listing. The files are read again for each such part.
const MAX_LISTED_BYTES: u64 = 64 << 20;

/// The position of a reject in a listing, and its position in the files.
struct RejectIndexEntry {
    source: usize,
    position: u64,
    file: usize,
    /// The number of the reject in the file, counted from 0.
    number: u64,
    bytes: u64,
}

/// Passes wanted rejects to `take`, sorted by source and position, and returns
/// their number.
///
/// # Errors
///
/// Errors of `take` and of reading the files.
pub(in crate::store) fn list_rejects(
    root: &Path,
    files: &[RejectsFile],
    is_wanted: &dyn Fn(&Reject) -> bool,
    take: &mut dyn FnMut(Reject) -> Result<()>,
) -> Result<u64> {
    let index = build_index(root, files, is_wanted)?;
    let mut rest = &index[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |entry: &&RejectIndexEntry| {
            bytes += entry.bytes;
            bytes <= MAX_LISTED_BYTES
        };
        let (part, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        rest = later;
        let wanted: HashMap<(usize, u64), usize> =
            part.iter().enumerate().map(|(at, entry)| ((entry.file, entry.number), at)).collect();
        let mut found: Vec<Option<Reject>> = part.iter().map(|_| None).collect();
        for (file_number, file) in files.iter().enumerate() {
            let mut number = 0;
            for_each_reject(&file.path(root), |reject| {
                if let Some(&at) = wanted.get(&(file_number, number)) {
                    found[at] = Some(reject);
                }
                number += 1;
                Ok(())
            })?;
        }
        found.into_iter().flatten().try_for_each(&mut *take)?;
    }
    Ok(index.len() as u64)
}

/// Returns the memory that a reject uses.
fn memory_bytes(reject: &Reject) -> u64 {
    let Reject { source, place, reason, raw, .. } = reject;
    let texts = source.len() + place.len() + reason.len() + raw.bytes().len();
    (texts + size_of::<Reject>()) as u64
}

fn build_index(
    root: &Path,
    files: &[RejectsFile],
    is_wanted: &dyn Fn(&Reject) -> bool,
) -> Result<Vec<RejectIndexEntry>> {
    // By name, then by place: two folders of log files may contain files of the same name.
    let mut sources: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut index = Vec::new();
    for (file_number, file) in files.iter().enumerate() {
        let mut number = 0;
        for_each_reject(&file.path(root), |reject| {
            if is_wanted(&reject) {
                let next = sources.len();
                let bytes = memory_bytes(&reject);
                let source = *sources.entry((reject.source, reject.place)).or_insert(next);
                let position = reject.position;
                index.push(RejectIndexEntry { source, position, file: file_number, number, bytes });
            }
            number += 1;
            Ok(())
        })?;
    }
    let mut ranks = vec![0; sources.len()];
    for (rank, source) in sources.into_values().enumerate() {
        ranks[source] = rank;
    }
    index.sort_by_key(|entry| (ranks[entry.source], entry.position, entry.file, entry.number));
    Ok(index)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schema::reject::{MAX_RAW_BYTES, Raw};
    use crate::store::fs::disk::{Disk, OsDisk};
    use crate::store::provenance::rejects::RejectSpool;
    use crate::store::provenance::source_log::SourceLog;

    #[test]
    fn listing_larger_than_the_memory_limit_is_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let big = vec![b'x'; MAX_RAW_BYTES];
        let number = 2 * MAX_LISTED_BYTES / big.len() as u64 + 1;
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let spool = RejectSpool::new(&disk, root);
        for position in (0..number).rev() {
            let reject = Reject {
                source: "a".to_owned(),
                place: "/a".to_owned(),
                position,
                reason: "why".to_owned(),
                length: big.len() as u64,
                raw: Raw::from_bytes(&big),
            };
            spool.add(&reject).unwrap();
        }
        let new = spool.split_new(root, &SourceLog::default()).unwrap();
        let writer = "0123456789abcdef0123456789abcdef";
        let file = spool.write_new(root, writer, &new, |_| true).unwrap().unwrap();
        let mut positions = Vec::new();
        let mut take = |reject: Reject| {
            positions.push(reject.position);
            Ok(())
        };
        list_rejects(root, &[file], &|_| true, &mut take).unwrap();
        assert_eq!(positions, (0..number).collect::<Vec<_>>());
    }
}
