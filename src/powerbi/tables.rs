//! Lists the tables of the star schema: their files, and the names and kinds of their columns.

use crate::grid::CellKind;

/// A table of the star schema.
pub struct TableSpec {
    /// Name of the file in the data folder, without its extension.
    pub file: &'static str,
    /// Names and kinds of the columns.
    pub columns: &'static [(&'static str, CellKind)],
}

impl TableSpec {
    /// Returns the name of the file.
    pub fn file_name(&self) -> String {
        format!("{}.parquet", self.file)
    }
}

use CellKind::{Bool, Date, Int, Text};

/// One row for each combination of its columns, with the number of events.
pub const ACTIVITY: TableSpec = TableSpec {
    file: "activity",
    columns: &[
        ("date", Date),
        ("hour", Int),
        ("user_key", Int),
        ("item_key", Int),
        ("workspace_key", Int),
        ("capacity_key", Int),
        ("activity_key", Int),
        ("client_key", Int),
        ("actor_kind", Text),
        ("is_counted", Bool),
        ("is_presence", Bool),
        ("is_failed", Bool),
        ("event_count", Int),
    ],
};

/// Exports, downloads and prints, with their format.
pub const EXPORTS: TableSpec = TableSpec {
    file: "exports",
    columns: &[
        ("date", Date),
        ("hour", Int),
        ("user_key", Int),
        ("item_key", Int),
        ("workspace_key", Int),
        ("activity_key", Int),
        ("export_format", Text),
        ("actor_kind", Text),
        ("is_counted", Bool),
        ("export_count", Int),
    ],
};

/// One row for each share and recipient.
pub const SHARING: TableSpec = TableSpec {
    file: "sharing",
    columns: &[
        ("date", Date),
        ("hour", Int),
        ("user_key", Int),
        ("item_key", Int),
        ("workspace_key", Int),
        ("activity_key", Int),
        ("share_key", Int),
        ("recipient", Text),
        ("recipient_domain", Text),
        ("permission", Text),
        ("scope", Text),
        ("reach", Text),
        ("is_link", Bool),
        ("is_organization", Bool),
    ],
};

/// One row for each user and day with presence, from 27 days before the period.
pub const PRESENCE: TableSpec = TableSpec {
    file: "presence",
    columns: &[("date", Date), ("user_key", Int), ("is_new", Bool), ("is_returning", Bool)],
};

/// One row for each report and other item of the inventory, with the status of its use.
pub const INVENTORY: TableSpec = TableSpec {
    file: "inventory",
    columns: &[
        ("item_key", Int),
        ("workspace_key", Int),
        ("item_status", Text),
        ("status_reason", Text),
        ("last_use", Date),
        ("days_since_use", Int),
        ("use_count", Int),
        ("downstream_use_count", Int),
        ("dependent_count", Int),
    ],
};

/// One row for each license of a person.
pub const LICENSES: TableSpec = TableSpec {
    file: "licenses",
    columns: &[
        ("user_key", Int),
        ("license", Text),
        ("license_source", Text),
        ("product", Text),
        ("license_class", Text),
        ("assigned_by_group", Text),
        ("last_view", Date),
        ("last_activity", Date),
    ],
};

/// The days.
pub const DATE: TableSpec = TableSpec {
    file: "date",
    columns: &[
        ("date", Date),
        ("year", Int),
        ("quarter", Text),
        ("fiscal_year", Text),
        ("fiscal_quarter", Text),
        ("month", Text),
        ("week", Text),
        ("weekday", Text),
        ("weekday_number", Int),
        ("coverage", Text),
        ("coverage_reason", Text),
        ("is_complete", Bool),
        ("in_period", Bool),
        ("trend_half", Int),
        ("complete_run", Int),
        ("log_days_before", Int),
    ],
};

/// The hours of a day.
pub const HOUR: TableSpec = TableSpec {
    file: "hour",
    columns: &[("hour", Int), ("hour_label", Text), ("part_of_day", Text)],
};

/// People, guests and service principals.
pub const USER: TableSpec = TableSpec {
    file: "user",
    columns: &[
        ("user_key", Int),
        ("user", Text),
        ("user_domain", Text),
        ("user_kind", Text),
        ("is_external", Bool),
        ("first_seen", Date),
        ("last_seen", Date),
        ("license", Text),
        ("account_status", Text),
        ("department", Text),
        ("company", Text),
        ("country", Text),
        ("office", Text),
        ("cost_center", Text),
        ("division", Text),
    ],
};

/// Reports, dashboards, semantic models and other content.
pub const ITEM: TableSpec = TableSpec {
    file: "item",
    columns: &[
        ("item_key", Int),
        ("item", Text),
        ("item_kind", Text),
        ("item_id", Text),
        ("first_used", Date),
        ("last_used", Date),
        ("created", Date),
        ("owner", Text),
        ("use_status", Text),
    ],
};

/// Workspaces.
pub const WORKSPACE: TableSpec = TableSpec {
    file: "workspace",
    columns: &[
        ("workspace_key", Int),
        ("workspace", Text),
        ("workspace_type", Text),
        ("workspace_id", Text),
        ("first_used", Date),
        ("last_used", Date),
    ],
};

/// Capacities.
pub const CAPACITY: TableSpec = TableSpec {
    file: "capacity",
    columns: &[
        ("capacity_key", Int),
        ("capacity", Text),
        ("capacity_id", Text),
        ("first_used", Date),
        ("last_used", Date),
    ],
};

/// Kinds of activities.
pub const ACTIVITY_TYPE: TableSpec = TableSpec {
    file: "activity_type",
    columns: &[
        ("activity_key", Int),
        ("activity", Text),
        ("activity_name", Text),
        ("activity_group", Text),
        ("category", Text),
        ("is_view", Bool),
    ],
};

/// Ways to use content.
pub const CLIENT: TableSpec = TableSpec {
    file: "client",
    columns: &[
        ("client_key", Int),
        ("consumption_method", Text),
        ("distribution_method", Text),
        ("browser", Text),
        ("os", Text),
    ],
};

/// The period, the filters and the program's version.
pub const ABOUT: TableSpec =
    TableSpec { file: "about", columns: &[("property", Text), ("value", Text)] };

/// All tables.
pub const TABLES: [&TableSpec; 15] = [
    &ACTIVITY,
    &EXPORTS,
    &SHARING,
    &PRESENCE,
    &INVENTORY,
    &LICENSES,
    &DATE,
    &HOUR,
    &USER,
    &ITEM,
    &WORKSPACE,
    &CAPACITY,
    &ACTIVITY_TYPE,
    &CLIENT,
    &ABOUT,
];
