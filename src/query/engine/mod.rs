//! Access to the Polars engine: scans, streaming, memoized functions, errors and result conversion.

pub(in crate::query) mod error;
pub(in crate::query) mod memoize;
pub(in crate::query) mod scan;
pub(in crate::query) mod streaming;
pub(in crate::query) mod to_grid;
pub(in crate::query) mod widen_integers;
