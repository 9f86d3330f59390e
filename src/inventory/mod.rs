//! Inventories beside the log: which workspaces and items there are, and who has access.
//!
//! This room reads the files of scanners and lists ([`read_record`]), and decides what is there as
//! of a day from all files that were read ([`resolve`]).

mod items;
mod resolve;
mod shape;
mod snapshots;
mod taken_at;
mod unit;

pub use resolve::{HeldAccess, HeldItem, HeldWorkspace, Inventory, LeftOut, resolve};
pub use taken_at::{coverage_of_name, time_of_source};
pub use unit::{Described, Unit, close_list_units, digest_of, read_record};
