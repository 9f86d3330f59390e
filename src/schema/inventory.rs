//! The rows of the inventory table: scans, workspaces, items, access rights, dependencies, people
//! and their attributes, licenses, refreshes, capacities, groups and their members.
//!
//! An inventory file describes workspaces. What it says about one workspace is a *state*: a
//! workspace row, its items, their dependencies and its access rights, which share the digest of
//! their content. A scan row says that a file had a state at a time. So a scan without changes adds
//! scan rows only.
//!
//! A list of people is divided into groups of people, so that a change of one person adds the rows
//! of one group. A group takes the place of the workspace. So is a list of groups.

use std::borrow::Cow;
use std::cmp::Ordering;

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
    /// A capacity in a list of capacities.
    Capacity,
    /// A group in a state of a list of groups.
    Group,
    /// A member of a group.
    GroupMember,
}

impl RowKind {
    /// All kinds, in the order of the table.
    pub const ALL: [RowKind; 15] = [
        RowKind::Access,
        RowKind::Attribute,
        RowKind::Capacity,
        RowKind::Group,
        RowKind::GroupMember,
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
            RowKind::Capacity => "capacity",
            RowKind::Group => "group",
            RowKind::GroupMember => "group_member",
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
    Sku,
    Region,
}

use InventoryColumn::*;

/// The columns with their names, in the order of the table.
pub const INVENTORY_COLUMNS: [(InventoryColumn, &str); 64] = [
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
    (Sku, "Sku"),
    (Region, "Region"),
];

/// The number of columns that count in the digest of a state, with or without a value. Columns
/// that were added later count only with a value, so that states in existing stores keep their
/// digests.
pub const FIRST_COLUMNS: usize = 45;

/// A row of the table.
///
/// Most cells of a row are empty, and a run holds the rows of all new states in memory. So a row
/// has only the cells with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryRow {
    /// The kind.
    pub kind: RowKind,
    /// The positions and texts of its cells, in the order of [`INVENTORY_COLUMNS`].
    cells: Vec<(u8, Box<str>)>,
}

impl InventoryRow {
    /// Returns a row without values.
    pub fn new(kind: RowKind) -> InventoryRow {
        InventoryRow { kind, cells: Vec::new() }
    }

    fn find(&self, column: InventoryColumn) -> Result<usize, usize> {
        self.cells.binary_search_by_key(&(column as u8), |(position, _)| *position)
    }

    /// Returns the text of a column.
    pub fn get(&self, column: InventoryColumn) -> Option<&str> {
        let at = self.find(column).ok()?;
        self.cells.get(at).map(|(_, text)| &**text)
    }

    /// Sets the text of a column. An empty text is none.
    pub fn set(&mut self, column: InventoryColumn, text: Option<impl Into<String>>) {
        let text = text.map(Into::into).filter(|text| !text.is_empty());
        match (self.find(column), text) {
            (Ok(at), Some(text)) => {
                if let Some((_, known)) = self.cells.get_mut(at) {
                    *known = text.into_boxed_str();
                }
            }
            (Ok(at), None) => drop(self.cells.remove(at)),
            (Err(at), Some(text)) => {
                self.cells.insert(at, (column as u8, text.into_boxed_str()));
            }
            (Err(_), None) => {}
        }
    }

    /// Returns the row with the text of a column.
    #[must_use]
    pub fn with(mut self, column: InventoryColumn, text: Option<impl Into<String>>) -> Self {
        self.set(column, text);
        self
    }

    /// Returns the columns with a text, in the order of the table.
    pub fn texts(&self) -> impl Iterator<Item = (InventoryColumn, &str)> {
        let column = |position: u8| INVENTORY_COLUMNS.get(usize::from(position)).map(|(c, _)| *c);
        self.cells.iter().filter_map(move |(position, text)| Some((column(*position)?, &**text)))
    }

    /// Sets the cells that `row` lacks to the texts that `other` has there.
    ///
    /// A borrowed row is copied only if it lacks one.
    pub fn fill(row: &mut Cow<'_, InventoryRow>, other: &InventoryRow) {
        for (column, text) in other.texts() {
            if row.get(column).is_none() {
                row.to_mut().set(column, Some(text));
            }
        }
    }

    /// Returns the texts, to replace them.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut Box<str>> {
        self.cells.iter_mut().map(|(_, text)| text)
    }
}

impl Ord for InventoryRow {
    /// Compares cell by cell. An empty cell is before any text.
    fn cmp(&self, other: &InventoryRow) -> Ordering {
        let (mut own, mut others) = (self.cells.iter(), other.cells.iter());
        let mut order = self.kind.cmp(&other.kind);
        while order == Ordering::Equal {
            order = match (own.next(), others.next()) {
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
                // The row that has the first of these columns is later.
                (Some((a, text)), Some((b, other))) => b.cmp(a).then_with(|| text.cmp(other)),
            };
        }
        order
    }
}

impl PartialOrd for InventoryRow {
    fn partial_cmp(&self, other: &InventoryRow) -> Option<Ordering> {
        Some(self.cmp(other))
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

    /// The digests of states in existing stores depend on this order.
    #[test]
    fn rows_are_compared_cell_by_cell() {
        let columns = [Name, Type, Status];
        let texts = [None, Some("a"), Some("b"), Some("ab")];
        let mut rows = Vec::new();
        for (first, second, third) in
            texts.iter().flat_map(|a| texts.iter().flat_map(move |b| texts.map(|c| (*a, *b, c))))
        {
            let cells = [first, second, third];
            let mut row = InventoryRow::new(RowKind::Item);
            for at in [1, 2, 0] {
                row.set(columns[at], Some("x"));
                row.set(columns[at], cells[at]);
            }
            assert_eq!(columns.map(|column| row.get(column)), cells);
            rows.push((cells, row));
        }
        for (cells, row) in &rows {
            for (others, other) in &rows {
                assert_eq!(row.cmp(other), cells.cmp(others), "{cells:?} {others:?}");
            }
        }
    }
}
