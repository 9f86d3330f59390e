//! Report definitions: SQL files, their headers and their parameters.

pub(in crate::query) mod by_attribute;
pub(in crate::query) mod catalog;
pub(in crate::query) mod header;
pub(in crate::query) mod params;
pub(in crate::query) mod report;
pub(in crate::query) mod suggest;
