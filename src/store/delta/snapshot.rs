//! Snapshots: one version of the store, which later writers do not change.

use std::path::PathBuf;

use crate::schema::inventory::InventoryRow;
use crate::schema::source_log::SourceFacts;

/// One Parquet file of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The number of events.
    pub events: u64,
    /// The partition: the month in UTC, for example `2024-03`; of the inventory, the kind of the
    /// rows.
    pub month: String,
    /// The times of the first and last event in microseconds since 1970 (UTC), if the log has them.
    pub period_us: Option<(i64, i64)>,
}

/// One version of the store.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The version of the Delta log.
    pub version: i64,
    /// The table's files, sorted by month and path.
    pub files: Vec<DataFile>,
    /// The facts about the sources, sorted by path.
    pub sources: Vec<SourceFacts>,
    /// True if a source was ingested with events of other workloads. Then some of the events may
    /// not be part of the activity log that reports cover.
    pub has_other_workloads: bool,
    /// The number of rejected records in the store.
    pub rejects: u64,
    /// The version of the log of the inventory table; -1 if there is none.
    pub inventory_version: i64,
    /// The files of the inventory table, sorted by kind and path.
    pub inventory_files: Vec<DataFile>,
    /// Rows of the inventory that are not in files, because no store was given.
    pub inventory_rows: Vec<InventoryRow>,
}

impl Snapshot {
    /// Returns true if there are rows of an inventory.
    pub fn has_inventory(&self) -> bool {
        !self.inventory_files.is_empty() || !self.inventory_rows.is_empty()
    }
}
