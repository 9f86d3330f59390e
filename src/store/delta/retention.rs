//! Retention of the Delta log: deletes versions long before the newest checkpoint.
//!
//! Every command lists the folder of the log. So a store with many thousand versions would become
//! slow. Replaced data files are deleted immediately, so older versions cannot be read; they are
//! kept for diagnosis and for writers that are late. The limit is a number of versions and not a
//! number of days, because their number causes the cost.

use std::fs;
use std::path::Path;

use crate::store::fs::disk::Disk;
use crate::store::fs::paths::{file_name, list_dir};

/// Versions that are kept before the newest checkpoint.
const RETAINED_VERSIONS: i64 = 1000;

/// The file that names the newest checkpoint, so that readers need not search for it.
pub(in crate::store) const CHECKPOINT_HINT: &str = "_last_checkpoint";

/// Returns the version of the newest checkpoint, as [`CHECKPOINT_HINT`] contains it. Returns `None`
/// if the file is damaged, or if it names a checkpoint that does not exist.
pub(in crate::store) fn latest_checkpoint(log: &Path) -> Option<i64> {
    let text = fs::read(log.join(CHECKPOINT_HINT)).ok()?;
    let hint = serde_json::from_slice::<serde_json::Value>(&text).ok()?;
    let version = hint["version"].as_i64()?;
    let start = format!("{version:020}.checkpoint.");
    let files = list_dir(log).ok()?;
    let parts = files.iter().filter(|file| file_name(file).starts_with(&start)).count() as u64;
    let is_complete = hint["parts"].as_u64().map_or(parts > 0, |expected| parts == expected);
    (is_complete && version >= 0).then_some(version)
}

/// Commits between deletions of old log versions: the interval of checkpoints.
const LOG_CLEANUP_INTERVAL: i64 = 10;

/// Returns true if old versions must be deleted after a commit.
pub(in crate::store) fn is_cleanup_due(version: i64) -> bool {
    (version + 1) % LOG_CLEANUP_INTERVAL == 0
}

/// Deletes the files of versions more than [`RETAINED_VERSIONS`] before the newest checkpoint.
///
/// A file that cannot be listed or deleted is harmless: a later commit tries again.
pub(in crate::store) fn delete_expired_versions(disk: &dyn Disk, log: &Path) {
    let Some(checkpoint) = latest_checkpoint(log) else { return };
    for file in list_dir(log).unwrap_or_default() {
        if version_from_name(&file_name(&file))
            .is_some_and(|version| version < checkpoint - RETAINED_VERSIONS)
        {
            let _ = disk.remove(&file);
        }
    }
}

/// Returns the version of a log file: `00000000000000000012.json`, or a checkpoint.
pub(super) fn version_from_name(name: &str) -> Option<i64> {
    let (digits, rest) = name.split_at_checked(20)?;
    let is_log = rest == ".json" || rest.starts_with(".checkpoint.");
    if is_log { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fs::disk::OsDisk;

    #[test]
    fn versions_long_before_the_newest_checkpoint_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let old = ["00000000000000000000.json", "00000000000000000999.checkpoint.parquet"];
        let kept = [
            "00000000000000001000.json",
            "00000000000000002000.checkpoint.parquet",
            "00000000000000002001.json",
            "_last_checkpoint",
            "00000000000000000000.crc.tmp",
        ];
        for name in old.iter().chain(&kept) {
            fs::write(path(name), r#"{"version":2000,"size":1}"#).unwrap();
        }
        delete_expired_versions(&OsDisk, folder.path());
        assert!(old.iter().all(|name| !path(name).exists()));
        assert!(kept.iter().all(|name| path(name).exists()));
    }
}
