//! Records kept in addition to the events: the source log and the rejected records.

pub(in crate::store) mod reject_file;
pub(in crate::store) mod reject_list;
pub(in crate::store) mod rejects;
pub(in crate::store) mod source_log;
