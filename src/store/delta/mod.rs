//! The Delta table: its transaction log, snapshots, retention and commits.

pub(in crate::store) mod commit;
mod commit_actions;
mod commit_marks;
pub(in crate::store) mod data_path;
pub(in crate::store) mod foreign_table;
pub(in crate::store) mod log;
mod log_damage;
pub(in crate::store) mod object_store;
pub(in crate::store) mod retention;
mod runtime;
pub(in crate::store) mod snapshot;
pub(in crate::store) mod stopped_writers;
