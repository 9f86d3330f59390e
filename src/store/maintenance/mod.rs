//! Maintenance of a store: compaction, redaction, verification.

pub(in crate::store) mod compact;
pub(in crate::store) mod file_inventory;
pub(in crate::store) mod redact;
pub(in crate::store) mod remove_orphans;
pub(in crate::store) mod search_files;
pub(in crate::store) mod verify;
