//! Retention of the Delta log: deletes versions long before the newest checkpoint.
//!
//! Every command lists the folder of the log. So a store with many thousand versions would become
//! slow. Replaced data files are deleted immediately, so older versions cannot be read; they are
//! kept for diagnosis and for writers that are late. The limit is a number of versions and not a
//! number of days, because their number causes the cost.

use std::fs;
use std::path::Path;

use crate::store::fs::disk::Disk;

/// Versions that are kept before the newest checkpoint.
const RETAINED_VERSIONS: i64 = 1000;

/// Returns the version of the newest checkpoint, as `_last_checkpoint` contains it.
pub(in crate::store) fn latest_checkpoint(log: &Path) -> Option<i64> {
    let text = fs::read(log.join("_last_checkpoint")).ok()?;
    serde_json::from_slice::<serde_json::Value>(&text).ok()?["version"].as_i64()
}

/// Deletes the files of versions more than [`RETAINED_VERSIONS`] before the newest checkpoint.
///
/// A file that cannot be listed or deleted is harmless: a later commit tries again.
pub(in crate::store) fn delete_expired_versions(disk: &dyn Disk, log: &Path) {
    let Some(checkpoint) = latest_checkpoint(log) else { return };
    let Ok(entries) = fs::read_dir(log) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if version_from_name(&name.to_string_lossy())
            .is_some_and(|version| version < checkpoint - RETAINED_VERSIONS)
        {
            let _ = disk.remove(&entry.path());
        }
    }
}

/// Returns the version of a log file: `00000000000000000012.json`, or a checkpoint.
fn version_from_name(name: &str) -> Option<i64> {
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
