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

/// The IDs of the items that have a detail view, as the page shows them.
#[derive(Debug, Clone, Default)]
pub struct ItemIds {
    /// The IDs of reports.
    pub reports: Arc<BTreeSet<String>>,
    /// The IDs of workspaces.
    pub workspaces: Arc<BTreeSet<String>>,
    /// The people.
    pub people: Arc<BTreeSet<String>>,
}

impl ItemIds {
    /// Returns the IDs of these items.
    pub fn of(items: &[ItemDetail]) -> ItemIds {
        let ids = |kind: &str| {
            let items = items.iter().filter(|item| item.kind == kind);
            Arc::new(items.map(|item| item.id.clone()).collect())
        };
        ItemIds { reports: ids(REPORT), workspaces: ids(WORKSPACE), people: ids(PERSON) }
    }
}
