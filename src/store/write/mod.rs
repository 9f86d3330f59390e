//! The write path: batches, runs, deduplication, merging and the writer lock.

pub(in crate::store) mod commit_check;
pub(in crate::store) mod copy_spool;
pub(in crate::store) mod dedup;
pub(in crate::store) mod identity;
pub(in crate::store) mod load;
pub(in crate::store) mod merge;
pub(in crate::store) mod merge_copies;
pub(in crate::store) mod orphans;
pub(in crate::store) mod ownership;
pub(in crate::store) mod row_merger;
pub(in crate::store) mod run;
#[cfg(test)]
mod share_model;
pub(in crate::store) mod signs;
pub(in crate::store) mod writer_lock;
