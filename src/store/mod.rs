//! The store: a Delta Lake table of events on disk, with the sources and rejects of its events.
//!
//! ```text
//! pbi-store/
//!   events/_delta_log/            the Delta log: which data files the table consists of
//!   events/month=2024-03/…        data files (Parquet), sorted by CreationTime and Id
//!   inventory/_delta_log/         the Delta log of workspaces, items and access rights
//!   inventory/Kind=…/…            their data files
//!   sources/<number>.ndjson       the source log; the Delta log refers to its newest file
//!   rejects/<name>.ndjson.zst     rejected records; the source log refers to these files
//! ```
//!
//! A write is a [`Transaction`]. Batches are staged from any thread. Duplicates are removed among
//! the batches and against the table ([`Transaction::deduplicate`]). One commit adds the remaining
//! events and the entries of their sources ([`PreparedCommit::commit`]). A read is a [`Snapshot`].

mod delta;
mod file_names;
mod fs;
mod handle;
mod inventory;
mod maintenance;
mod parquet;
mod provenance;
mod read;
mod thread_pool;
mod write;

pub use delta::foreign_table::table_files;
pub use delta::snapshot::{DataFile, Snapshot};
pub use fs::disk::{Disk, DiskFile, FileLock, OsDisk};
pub use handle::Store;
pub use inventory::table::read_inventory;
pub use maintenance::compact::{CompactScope, CompactionResult};
pub use maintenance::redact::{Redaction, RedactionResult};
pub use maintenance::remove_orphans::OrphanRemoval;
pub use maintenance::search_files::ByteSearch;
pub use maintenance::verify::{VerifyCheck, VerifyFinding, VerifyReport};
pub use parquet::coded_rows::{CodedRows, for_each_coded_rows, map_files};
pub use parquet::event_stream::EventStream;
pub use parquet::sorted_scan::{RowKey, RowRange, TimeRange, scan_columns, scan_rows};
pub use provenance::rejects::RejectEdit;
pub use provenance::source_log::{SourceEntries, SourceEntry};
pub use thread_pool::thread_pool;
pub use write::dedup::DedupResult;
pub use write::load::{CommitOutcome, PreparedCommit, TempTable, Transaction};
pub use write::row_merger::{ROW_ORDER, RowMerger};
