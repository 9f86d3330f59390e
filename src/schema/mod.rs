//! Columns, activities, record types, and the records that the store keeps of sources and rejects.

mod columns;
pub mod guid;
mod operations;
mod record_types;
pub mod reject;
pub mod source_log;
pub mod tsv;

pub use columns::{ColumnDefinition, ColumnEncoding, ColumnType, column_index, columns};
pub use operations::{Noise, Operation, operation_by_name, operations};
pub use record_types::{
    RecordType, WorkloadGroup, record_type_by_name, record_types, user_type_by_name,
};

/// Column with everything of an event that no typed column stores exactly: a JSON object as text.
pub const EXTRA: &str = "Extra";
/// Column with the workload of an event, by the names of [`WorkloadGroup`].
pub const WORKLOAD_GROUP: &str = "WorkloadGroup";
/// Lineage: source file of an event, as named on the command line.
pub const SOURCE_FILE: &str = "SourceFile";
/// Lineage: format of that source file ("rest", "array", "ndjson", "csv", …).
pub const SOURCE_KIND: &str = "SourceKind";
/// Partition column: UTC month of `CreationTime`, for example `2024-03`.
pub const MONTH: &str = "month";

/// Microseconds in a day.
pub const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;
