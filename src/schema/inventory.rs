//! The rows of the inventory table: scans, workspaces, items, access rights, dependencies, people
//! and their attributes, licenses, refreshes.
//!
//! An inventory file describes workspaces. What it says about one workspace is a *state*: a
//! workspace row, its items, their dependencies and its access rights, which share the digest of
//! their content. A scan row says that a file had a state at a time. So a scan without changes adds
//! scan rows only.
//!
//! A list of people is divided into groups of people, so that a change of one person adds the rows
//! of one group. A group takes the place of the workspace.

/// The kind of a row, which is also the partition of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// A workspace in a file: the state that it had, and when.
    Scan,
    /// A workspace in a state.
    Workspace,
    /// A report, a semantic model or another item in a state.
    Item,
    /// An access right to a workspace or an item in a state.
    Access,
    /// A person in a state of a list of people.
    Person,
    /// A license of a person.
    License,
    /// A product that the tenant has bought.
    Product,
    /// A dependency of an item on another item in a state.
    Lineage,
    /// A tenant setting in a state of all settings.
    Setting,
    /// An attribute of a person, for example the cost center, in a table of the organization.
    Attribute,
    /// A refresh of a semantic model.
    Refresh,
    /// The refreshes of a semantic model in a window, as counts.
    Refreshable,
}

impl RowKind {
    /// All kinds, in the order of the table.
    pub const ALL: [RowKind; 12] = [
        RowKind::Access,
        RowKind::Attribute,
        RowKind::Item,
        RowKind::License,
        RowKind::Lineage,
        RowKind::Person,
        RowKind::Product,
        RowKind::Refresh,
        RowKind::Refreshable,
        RowKind::Scan,
        RowKind::Setting,
        RowKind::Workspace,
    ];

    /// Returns the name in the table.
    pub fn name(self) -> &'static str {
        match self {
            RowKind::Scan => "scan",
            RowKind::Workspace => "workspace",
            RowKind::Item => "item",
            RowKind::Access => "access",
            RowKind::Person => "person",
            RowKind::License => "license",
            RowKind::Product => "product",
            RowKind::Lineage => "lineage",
            RowKind::Setting => "setting",
            RowKind::Attribute => "attribute",
            RowKind::Refresh => "refresh",
            RowKind::Refreshable => "refreshable",
        }
    }

    /// Returns the kind with a name in the table.
    pub fn from_name(name: &str) -> Option<RowKind> {
        RowKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A column of the table. Times are texts like `2026-03-15T02:00:41.310486Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "INVENTORY_COLUMNS has the names and docs/inventory.md the meanings"
)]
pub enum InventoryColumn {
    WorkspaceId,
    State,
    Shape,
    TakenAt,
    TimeSource,
    Coverage,
    Asked,
    Document,
    ItemKind,
    ItemId,
    Name,
    Type,
    Status,
    CapacityId,
    Description,
    CreatedAt,
    ModifiedAt,
    CreatedBy,
    ModifiedBy,
    Owner,
    ModelId,
    ModelWorkspaceId,
    AppId,
    OriginalId,
    Provider,
    Endorsement,
    Principal,
    PrincipalId,
    PrincipalType,
    UserType,
    AccessRight,
    Aliases,
    Department,
    Company,
    Country,
    Office,
    CostCenter,
    Division,
    Plans,
    SkuId,
    Product,
    AssignedBy,
    DisabledPlans,
    Bought,
    Consumed,
    UpstreamId,
    UpstreamKind,
    UpstreamWorkspaceId,
    Relation,
    EnabledGroups,
    ExcludedGroups,
    Properties,
    Value,
    RequestId,
    StartedAt,
    EndedAt,
    Refreshes,
    Failures,
    Seconds,
    MedianSeconds,
    Schedule,
    ErrorCode,
}

use InventoryColumn::*;

/// The columns with their names, in the order of the table.
pub const INVENTORY_COLUMNS: [(InventoryColumn, &str); 62] = [
    (WorkspaceId, "WorkspaceId"),
    (State, "State"),
    (Shape, "Shape"),
    (TakenAt, "TakenAt"),
    (TimeSource, "TimeSource"),
    (Coverage, "Coverage"),
    (Asked, "Asked"),
    (Document, "Document"),
    (ItemKind, "ItemKind"),
    (ItemId, "ItemId"),
    (Name, "Name"),
    (Type, "Type"),
    (Status, "Status"),
    (CapacityId, "CapacityId"),
    (Description, "Description"),
    (CreatedAt, "CreatedAt"),
    (ModifiedAt, "ModifiedAt"),
    (CreatedBy, "CreatedBy"),
    (ModifiedBy, "ModifiedBy"),
    (Owner, "Owner"),
    (ModelId, "ModelId"),
    (ModelWorkspaceId, "ModelWorkspaceId"),
    (AppId, "AppId"),
    (OriginalId, "OriginalId"),
    (Provider, "Provider"),
    (Endorsement, "Endorsement"),
    (Principal, "Principal"),
    (PrincipalId, "PrincipalId"),
    (PrincipalType, "PrincipalType"),
    (UserType, "UserType"),
    (AccessRight, "AccessRight"),
    (Aliases, "Aliases"),
    (Department, "Department"),
    (Company, "Company"),
    (Country, "Country"),
    (Office, "Office"),
    (CostCenter, "CostCenter"),
    (Division, "Division"),
    (Plans, "Plans"),
    (SkuId, "SkuId"),
    (Product, "Product"),
    (AssignedBy, "AssignedBy"),
    (DisabledPlans, "DisabledPlans"),
    (Bought, "Bought"),
    (Consumed, "Consumed"),
    (UpstreamId, "UpstreamId"),
    (UpstreamKind, "UpstreamKind"),
    (UpstreamWorkspaceId, "UpstreamWorkspaceId"),
    (Relation, "Relation"),
    (EnabledGroups, "EnabledGroups"),
    (ExcludedGroups, "ExcludedGroups"),
    (Properties, "Properties"),
    (Value, "Value"),
    (RequestId, "RequestId"),
    (StartedAt, "StartedAt"),
    (EndedAt, "EndedAt"),
    (Refreshes, "Refreshes"),
    (Failures, "Failures"),
    (Seconds, "Seconds"),
    (MedianSeconds, "MedianSeconds"),
    (Schedule, "Schedule"),
    (ErrorCode, "ErrorCode"),
];

/// The number of columns that count in the digest of a state, with or without a value. Columns
/// that were added later count only with a value, so that states in existing stores keep their
/// digests.
pub const FIRST_COLUMNS: usize = 45;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InventoryRow {
    /// The kind.
    pub kind: RowKind,
    /// The texts, in the order of [`INVENTORY_COLUMNS`].
    pub cells: Vec<Option<String>>,
}

impl InventoryRow {
    /// Returns a row without values.
    pub fn new(kind: RowKind) -> InventoryRow {
        InventoryRow { kind, cells: vec![None; INVENTORY_COLUMNS.len()] }
    }

    /// Returns the text of a column.
    pub fn get(&self, column: InventoryColumn) -> Option<&str> {
        self.cells.get(column as usize).and_then(Option::as_deref)
    }

    /// Sets the text of a column. An empty text is none.
    pub fn set(&mut self, column: InventoryColumn, text: Option<impl Into<String>>) {
        if let Some(cell) = self.cells.get_mut(column as usize) {
            *cell = text.map(Into::into).filter(|text| !text.is_empty());
        }
    }

    /// Returns the row with the text of a column.
    #[must_use]
    pub fn with(mut self, column: InventoryColumn, text: Option<impl Into<String>>) -> Self {
        self.set(column, text);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_in_the_order_of_their_enum() {
        for (position, (column, _)) in INVENTORY_COLUMNS.iter().enumerate() {
            assert_eq!(*column as usize, position);
        }
    }
}
