//! The shapes of inventory files.

/// The kind of an inventory file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// The result of the scanner API (`admin/workspaces/scanResult`).
    Scanner,
    /// The answer of `admin/groups`.
    Groups,
    /// The output of `Get-PowerBIWorkspace`.
    PowerShell,
    /// The answer of Fabric's `admin/workspaces`.
    FabricWorkspaces,
    /// The answer of `admin/reports`, or the output of `Get-PowerBIReport`.
    Reports,
    /// The answer of `admin/datasets`.
    Models,
    /// The answer of `admin/dashboards`.
    Dashboards,
    /// The answer of Fabric's `admin/items`.
    FabricItems,
    /// The answer of `admin/apps`, or a table of apps.
    AppTable,
    /// A table of workspaces.
    WorkspaceTable,
    /// A table of reports.
    ReportTable,
    /// A table of semantic models.
    ModelTable,
    /// A table of dashboards.
    DashboardTable,
    /// A table of items of several kinds.
    ItemTable,
    /// People, with their licenses or without.
    People,
    /// The products that the tenant has bought (`subscribedSkus`).
    Products,
    /// The answer of Fabric's `admin/tenantsettings`.
    TenantSettings,
    /// A table of the organization with attributes of people, for example their cost centers.
    Attributes,
    /// The answer of `admin/capacities/refreshables`.
    Refreshables,
    /// The refreshes of semantic models, each with its semantic model.
    RefreshHistory,
    /// The answer of `admin/capacities`, or a table of capacities.
    Capacities,
    /// Groups of Microsoft Entra with their members.
    EntraGroups,
}

impl Shape {
    /// All shapes. Of two that were taken on the same day, the earlier in this list
    /// has more fields.
    pub const ALL: [Shape; 22] = [
        Shape::Scanner,
        Shape::Groups,
        Shape::Reports,
        Shape::Models,
        Shape::Dashboards,
        Shape::FabricItems,
        Shape::PowerShell,
        Shape::FabricWorkspaces,
        Shape::WorkspaceTable,
        Shape::ReportTable,
        Shape::ModelTable,
        Shape::DashboardTable,
        Shape::ItemTable,
        Shape::AppTable,
        Shape::People,
        Shape::Products,
        Shape::TenantSettings,
        Shape::Attributes,
        Shape::Refreshables,
        Shape::RefreshHistory,
        Shape::Capacities,
        Shape::EntraGroups,
    ];

    /// Returns the name for people, which is also the name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Scanner => "scanner result",
            Shape::Groups => "workspace list",
            Shape::PowerShell => "workspace list of PowerShell",
            Shape::FabricWorkspaces => "Fabric workspace list",
            Shape::Reports => "report list",
            Shape::Models => "semantic model list",
            Shape::Dashboards => "dashboard list",
            Shape::FabricItems => "Fabric item list",
            Shape::AppTable => "app list",
            Shape::WorkspaceTable => "workspace table",
            Shape::ReportTable => "report table",
            Shape::ModelTable => "semantic model table",
            Shape::DashboardTable => "dashboard table",
            Shape::ItemTable => "item table",
            Shape::People => "list of people",
            Shape::Products => "list of subscribed products",
            Shape::TenantSettings => "tenant settings",
            Shape::Attributes => "list of attributes of people",
            Shape::Refreshables => "list of refreshables",
            Shape::RefreshHistory => "history of refreshes",
            Shape::Capacities => "list of capacities",
            Shape::EntraGroups => "list of groups",
        }
    }

    /// Returns the shape with a name in the store.
    pub fn from_name(name: &str) -> Option<Shape> {
        Shape::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// Returns the place in [`Shape::ALL`].
    pub fn rank(self) -> usize {
        Shape::ALL.iter().position(|shape| *shape == self).unwrap_or(Shape::ALL.len())
    }

    /// Returns true if the file is about people and licenses, and not about workspaces.
    pub fn is_about_people(self) -> bool {
        matches!(self, Shape::People | Shape::Products | Shape::Attributes)
    }

    /// Returns true if the file is about refreshes of semantic models.
    pub fn is_about_refreshes(self) -> bool {
        matches!(self, Shape::Refreshables | Shape::RefreshHistory)
    }

    /// Returns true if the file is about workspaces or items.
    pub fn is_about_workspaces(self) -> bool {
        !self.is_about_people()
            && !self.is_about_refreshes()
            && !matches!(self, Shape::TenantSettings | Shape::Capacities | Shape::EntraGroups)
    }

    /// Returns true if each record is a workspace without its items.
    pub fn has_only_workspaces(self) -> bool {
        matches!(self, Shape::FabricWorkspaces | Shape::WorkspaceTable)
    }

    /// Returns true if each record is a workspace. Otherwise it is an item, and a workspace of the
    /// file is all its items.
    pub fn has_workspaces(self) -> bool {
        matches!(self, Shape::Scanner | Shape::Groups | Shape::PowerShell)
            || self.has_only_workspaces()
    }
}
