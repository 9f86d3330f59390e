//! The actions of single commits: whose commit a version is, and whether it changes events.

use crate::store::delta::log::{APPLICATION_ID, DeltaLog, STOPPED_WRITER_PREFIX};
use crate::store::file_names::writer_from_name;

/// The operations of this program's commits, and those that change no event.
const KNOWN_OPERATIONS: [&str; 5] =
    ["CREATE TABLE", "WRITE", "OPTIMIZE", "VACUUM START", "VACUUM END"];

impl DeltaLog {
    /// Returns true if another program has changed the table. Only commits that the log still
    /// contains are checked.
    pub(in crate::store) fn has_foreign_commits(&self) -> bool {
        (0..=self.version()).any(|version| {
            let actions = self.commit_actions(version);
            // Other programs delete events too; commits of this program have a transaction id.
            let is_ours = actions.iter().any(|action| action["txn"]["appId"] == APPLICATION_ID);
            !is_ours
                && actions.iter().any(|action| {
                    let operation = action["commitInfo"]["operation"].as_str();
                    operation.is_some_and(|name| !KNOWN_OPERATIONS.contains(&name))
                        || action["add"]["path"].as_str().is_some_and(|path| {
                            writer_from_name(path.rsplit('/').next().unwrap_or_default()).is_none()
                        })
                })
        })
    }

    /// Returns true if all commits since another version were compactions: events and source
    /// entries are the same.
    pub(in crate::store) fn has_only_compactions_since(&self, other: &DeltaLog) -> bool {
        (other.version() + 1..=self.version()).all(|version| {
            let actions = self.commit_actions(version);
            let is_move = |action: &serde_json::Value| {
                action["commitInfo"].is_object()
                    || action["txn"]["appId"]
                        .as_str()
                        .is_some_and(|id| id.starts_with(STOPPED_WRITER_PREFIX))
                    || action["add"]["dataChange"] == false
                    || action["remove"]["dataChange"] == false
            };
            !actions.is_empty() && actions.iter().all(is_move)
        })
    }

    /// Returns the actions of a commit, or none if the log no longer contains it.
    pub(super) fn commit_actions(&self, version: i64) -> Vec<serde_json::Value> {
        let path = self.log_dir().join(format!("{version:020}.json"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
    }
}
