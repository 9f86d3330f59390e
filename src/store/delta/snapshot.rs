//! One version of the store: immutable, so that whoever reads it is not disturbed by a writer.

use std::path::PathBuf;

use crate::schema::source_log::SourceFacts;

/// One Parquet file of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// How many events it holds.
    pub events: u64,
    /// Its partition, the UTC month, as `2024-03`.
    pub month: String,
    /// Its first and last event in microseconds since 1970 (UTC), where the log says so.
    pub period_us: Option<(i64, i64)>,
}

/// One version of the store.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The version of the Delta log.
    pub version: i64,
    /// The table's files, sorted by month and path.
    pub files: Vec<DataFile>,
    /// What is remembered of the sources, sorted by path.
    pub sources: Vec<SourceFacts>,
    /// Whether a source was ever taken with events of other workloads, so that some of the events
    /// may be no part of the log that reports are about.
    pub has_other_workloads: bool,
    /// How many records are kept that could not be taken.
    pub rejects: u64,
}
