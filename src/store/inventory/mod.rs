//! The inventory table: workspaces, items and access rights beside the events.

mod check;
pub(in crate::store) mod schema;
pub(in crate::store) mod table;
