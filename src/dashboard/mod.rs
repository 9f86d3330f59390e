//! Builds the dashboard: results of several reports for several periods on one HTML page.
//!
//! Every number on the page is one that a report returns, or a sum or number of its rows, so that
//! each number can be checked with that report.

mod changes;
mod columns;
mod comparison;
mod figures;
mod inventory_sections;
mod item_ids;
mod item_queries;
mod items;
mod page;
mod panel;
mod panel_context;
mod people;
mod periods;
mod results;
mod sections;
mod site;
mod sparks;
mod summary;

pub use inventory_sections::UnusedDays;
pub use page::{PageOptions, required_columns, run};
pub use people::PeopleDisplay;
pub use site::run_site;
