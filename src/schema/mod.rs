//! The table of columns and the catalogues, as data.
//!
//! Owns: which fields of an event have a column of their own (`columns.tsv`),
//! which have none and why (`not_columns.tsv`), what is known of operations
//! (`operations.tsv`) and record types (`record_types.tsv`), and the shape of
//! what is remembered of a source ([`ledger`]) and of a record that could not
//! be taken ([`reject`]). Must not know any stage: no JSON, no Arrow, no SQL.

mod columns;
pub mod guid;
mod operations;
mod record_types;
pub mod reject;
pub mod source_log;

pub use columns::{ColumnDefinition, ColumnEncoding, ColumnType, column_index, columns};
pub use operations::{Noise, Operation, operations};
pub use record_types::{WorkloadGroup, RecordType, record_type_by_name, record_types, user_type_by_name};

/// The column for everything of an event that no typed column holds exactly: a JSON object as text.
pub const EXTRA: &str = "Extra";
/// The column for what an event is about, by the names of [`Family`].
pub const WORKLOAD_GROUP: &str = "WorkloadGroup";
/// Lineage: the source that an event was read from, as it was named on the command line.
pub const SOURCE_FILE: &str = "SourceFile";
/// Lineage: the shape of that source ("rest", "array", "ndjson", "csv", …).
pub const SOURCE_KIND: &str = "SourceKind";
/// The partition column: the UTC month of `CreationTime`, as `2024-03`.
pub const MONTH: &str = "month";

/// The number of microseconds in a day.
pub const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Splits one of the embedded tables into rows of cells, without its comments and header.
fn tsv_rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .skip(1)
        .map(|line| line.split('\t').map(str::trim).collect())
}
