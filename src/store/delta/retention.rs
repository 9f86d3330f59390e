//! How far back the log goes.
//!
//! Owns: which versions of the log are let go, and whether a version lies where nobody looks any
//! more. Every command lists the folder of the log, so a store that has been written to many
//! thousand times would get slower by that alone.
//!
//! Files that were replaced are deleted at once, so older versions could not be read anyway; what
//! they are kept for is to look into, and for writers that are behind. It is counted in versions
//! and not in days, as it is their number that costs.

use std::fs;
use std::path::Path;

use crate::store::fs::disk::Disk;

/// Versions before the newest checkpoint that are kept.
const RETAINED_VERSIONS: i64 = 1000;

/// The version of the newest checkpoint that readers are told of.
pub(in crate::store) fn latest_checkpoint(log: &Path) -> Option<i64> {
    let text = fs::read(log.join("_last_checkpoint")).ok()?;
    serde_json::from_slice::<serde_json::Value>(&text).ok()?["version"].as_i64()
}

/// Deletes the files of versions that lie long before the newest checkpoint. What cannot be listed
/// or deleted is harmless, and is tried again with a later commit.
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

/// The version that a file of the log belongs to: `00000000000000000012.json`, or a checkpoint.
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
    fn what_lies_long_before_the_newest_checkpoint_goes() {
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
