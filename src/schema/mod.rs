//! Columns, activities, record types, and the records that the store keeps of sources and rejects.

mod columns;
mod event_years;
pub mod guid;
pub mod inventory;
mod operations;
mod person_fields;
mod record_types;
pub mod reject;
pub mod source_log;
pub mod tsv;
mod wildcard;

pub use columns::{ColumnDefinition, ColumnEncoding, ColumnType, column_index, columns};
pub use event_years::PLAUSIBLE_US;
pub use operations::{Noise, Operation, operation_by_name, operations};
pub use person_fields::{
    EventText, NoMembers, PersonFieldKind, TextMembers, is_address, is_nobody, person_field_names,
};
pub use record_types::{
    RecordType, WorkloadGroup, record_type_by_name, record_types, user_type_by_name,
};
pub use wildcard::is_wildcard_match;

/// Column with everything of an event that no typed column stores exactly: a JSON object as text.
pub const EXTRA: &str = "Extra";
/// Column with the workload of an event, by the names of [`WorkloadGroup`].
pub const WORKLOAD_GROUP: &str = "WorkloadGroup";
/// Lineage: source file of an event, as named on the command line.
pub const SOURCE_FILE: &str = "SourceFile";
/// Lineage: format of that source file ("rest", "array", "ndjson", "csv", …).
pub const SOURCE_KIND: &str = "SourceKind";
/// Column with the sources of fields that the first source does not have, and conflicting values of
/// copies: a JSON object as text; null if all copies are equal.
pub const COPIES: &str = "Copies";
/// Partition column: UTC month of `CreationTime`, for example `2024-03`.
pub const MONTH: &str = "month";

/// Microseconds in a day.
pub const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// Microseconds in an hour.
pub const MICROS_PER_HOUR: i64 = 60 * 60 * 1_000_000;
