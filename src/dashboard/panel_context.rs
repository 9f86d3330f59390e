//! The rules that the panels of a period share.

use super::item_ids::ItemIds;
use super::people::PeopleMask;

/// The rules that all panels of a period share.
#[derive(Clone, Copy)]
pub struct PanelContext<'r> {
    /// The first part of the anchors.
    pub prefix: &'static str,
    /// The rule by which people are shown.
    pub mask: &'r PeopleMask,
    /// The items that have a detail view.
    pub items: &'r ItemIds,
}
