//! Access to the Polars engine: scans, streaming, exact and memoized functions, errors and result
//! conversion.

pub(in crate::query) mod coded_frame;
mod coded_groups;
pub(in crate::query) mod error;
pub(in crate::query) mod exact;
mod filtered_rows;
pub(in crate::query) mod lean_plan;
pub(in crate::query) mod memoize;
pub(in crate::query) mod period_values;
pub(in crate::query) mod picked_texts;
mod row_codes;
pub(in crate::query) mod scan;
pub(in crate::query) mod streamable;
pub(in crate::query) mod streaming;
mod text_codes;
pub(in crate::query) mod to_grid;
