//! Inventories beside the log: which workspaces and items there are, who has access, and who has
//! which license and attributes, how semantic models are refreshed, which capacities there are, and
//! who is in which group.
//!
//! This room reads the files of scanners and lists ([`read_record`]), and decides what is there as
//! of a day from all files that were read ([`resolve`]).

mod attributes;
mod capacities;
mod groups;
mod history;
mod items;
mod licenses;
mod lineage;
mod people;
mod read;
mod refreshes;
mod resolve;
mod settings;
mod shape;
mod snapshots;
mod tables;
mod taken_at;
mod unit;

pub use attributes::{PERSON_ATTRIBUTES, attribute_key, attribute_name, attribute_unit};
pub use capacities::{HeldCapacity, capacity_table_unit};
pub use groups::{HeldGroup, memberships};
pub use history::{ItemSpan, history};
pub use licenses::{HeldLicense, HeldPerson, HeldProduct, LicenseSource};
pub use lineage::{Dependency, dependencies};
pub use read::{Described, read_record};
pub use refreshes::HeldRefresh;
pub use resolve::{HeldAccess, HeldItem, HeldWorkspace, Inventory, LeftOut, resolve};
pub use settings::settings;
pub use shape::Shape;
pub use snapshots::InventorySnapshot;
pub use tables::table_unit;
pub use taken_at::{coverage_of_name, time_of_source};
pub use unit::{Unit, close_list_units, digest_of};
