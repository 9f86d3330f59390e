//! Offline analytics over archived Power BI activity logs.
//!
//! One line of data, left to right; knowledge never flows back:
//!
//! ```text
//!                           ingest (conductor: order, threads, one commit)
//!   archive/  ─▶ source ─▶ record ─▶ column ─▶ store ═══ Parquet + _delta_log
//!                                                          │
//!                           report (conductor)             ▼
//!   queries/*.sql ──────────────────────────▶ query ─▶ grid ─▶ render ─▶ stdout / file
//! ```
//!
//! The writing side (arrow, parquet) and the reading side (polars) meet only
//! as Parquet files on disk. ARCHITECTURE.md says which module may know which;
//! `tests/it/tidy.rs` holds it to that.

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
