//! Access to the Polars engine: scans, streaming, exact and memoized functions, errors and result
//! conversion.

pub(in crate::query) mod coded_frame;
pub(in crate::query) mod error;
pub(in crate::query) mod exact;
pub(in crate::query) mod memoize;
pub(in crate::query) mod scan;
pub(in crate::query) mod streaming;
pub(in crate::query) mod to_grid;
