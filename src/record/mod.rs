//! Parses records: raw JSON values and CSV rows that can contain an event.
//!
//! A record is read from bytes alone, without files or threads. This module finds out what a record
//! is ([`RecordKind`]), reads times and CSV rows, and searches for traces of data loss.

mod collector;
pub mod continuation;
pub mod csv;
mod csv_columns;
pub mod foreign;
mod graph_record;
pub mod json;
pub mod local_time;
pub mod loss_indicators;
mod parser;
pub mod platform;
mod record_kind;
pub mod time;
pub mod time_value;
mod whole_number;

pub use parser::{List, Object, Parser, Record, RecordParseError, Value};
pub use record_kind::{
    Event, RecordKind, record_type, workload_group, workload_group_of_type, workload_label,
};
pub use whole_number::whole_number;
