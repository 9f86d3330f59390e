//! What the store keeps beside the events: the source log and the rejected records.

pub(in crate::store) mod rejects;
pub(in crate::store) mod source_log;
