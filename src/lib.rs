//! Offline analytics for Power BI activity logs.
//!
//! [`ingest`] loads log files into a [`store`], [`report`] runs reports on it, and [`export`]
//! returns its events as JSON. Data flows in one direction:
//!
//! ```text
//! log files -> source -> record -> column -> store (Parquet + _delta_log)
//! store -> query (queries/*.sql) -> grid -> render -> output
//! ```
//!
//! Writing uses arrow and parquet, reading uses polars; they share only Parquet files on disk.

pub mod cli;
pub mod column;
pub mod dashboard;
pub mod data_dictionary;
pub mod error;
pub mod export;
pub mod grid;
pub mod ingest;
pub mod maintenance;
pub mod person;
pub mod query;
pub mod record;
pub mod rejects;
pub mod render;
pub mod report;
pub mod schema;
pub mod source;
pub mod source_warnings;
pub mod status;
pub mod store;

pub use error::{Error, Result};
