//! Parquet files: reading, writing, encoding and sorted scans.

pub(in crate::store) mod coded_rows;
pub(in crate::store) mod event_stream;
pub(in crate::store) mod external_files;
pub(in crate::store) mod id_prefixes;
pub(in crate::store) mod reader;
pub(in crate::store) mod rle;
mod row_bits;
pub(in crate::store) mod slice;
pub(in crate::store) mod sorted_scan;
pub(in crate::store) mod text_column;
pub(in crate::store) mod writer;
