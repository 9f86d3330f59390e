//! The IDs of items with a detail view.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::render::html::ItemDetail;

/// The kind of reports.
pub const REPORT: &str = "report";
/// The kind of workspaces.
pub const WORKSPACE: &str = "workspace";
/// The kind of people.
pub const PERSON: &str = "person";
/// The kind of capacities.
pub const CAPACITY: &str = "capacity";

/// The IDs of the items that have a detail view, as the page shows them.
#[derive(Debug, Clone, Default)]
pub struct ItemIds {
    /// The IDs of reports.
    pub reports: Arc<BTreeSet<String>>,
    /// The IDs of workspaces.
    pub workspaces: Arc<BTreeSet<String>>,
    /// The people.
    pub people: Arc<BTreeSet<String>>,
    /// The IDs of capacities.
    pub capacities: Arc<BTreeSet<String>>,
}

impl ItemIds {
    /// Returns the IDs of these items.
    pub fn of(items: &[ItemDetail]) -> ItemIds {
        let ids = |kind: &str| {
            let items = items.iter().filter(|item| item.kind == kind);
            Arc::new(items.map(|item| item.id.clone()).collect())
        };
        ItemIds {
            reports: ids(REPORT),
            workspaces: ids(WORKSPACE),
            people: ids(PERSON),
            capacities: ids(CAPACITY),
        }
    }

    /// Returns the number of items of a kind.
    pub fn count(&self, kind: &str) -> usize {
        match kind {
            REPORT => self.reports.len(),
            WORKSPACE => self.workspaces.len(),
            PERSON => self.people.len(),
            CAPACITY => self.capacities.len(),
            _ => 0,
        }
    }
}
