//! The kinds of objects that have an id and a name: reports, workspaces, apps and others.

use polars::prelude::*;

use crate::query::engine::memoize::null_if_empty;
use crate::query::views::report_ids::report_id;

/// Kind of objects that have an id and a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityKind {
    /// View that lists the objects, with the columns `id` and `name`.
    pub view: &'static str,
    /// Column of the id in the views of events.
    pub id: &'static str,
    /// Column of the latest name in the views of events.
    pub name: &'static str,
    /// Microsoft's column of the id; for reports, [`entity_id`] chooses among three columns.
    pub id_column: &'static str,
    /// Microsoft's column of the name.
    pub name_column: &'static str,
}

/// All kinds.
pub const ENTITIES: [EntityKind; 7] = [
    entity_kind("reports", "report_id", "report_name", "ReportId", "ReportName"),
    entity_kind("workspaces", "workspace_id", "workspace_name", "WorkspaceId", "WorkspaceName"),
    entity_kind("dashboards", "dashboard_id", "dashboard_name", "DashboardId", "DashboardName"),
    entity_kind(
        "semantic_models",
        "semantic_model_id",
        "semantic_model_name",
        "DatasetId",
        "DatasetName",
    ),
    entity_kind("dataflows", "dataflow_id", "dataflow_name", "DataflowId", "DataflowName"),
    entity_kind("apps", "app_id", "app_name", "AppId", "AppName"),
    entity_kind("capacities", "capacity_id", "capacity_name", "CapacityId", "CapacityName"),
];

/// Views of the kinds whose names the view `item_names` contains.
pub const ITEM_VIEWS: [&str; 4] = ["reports", "dashboards", "semantic_models", "dataflows"];

const fn entity_kind(
    view: &'static str,
    id: &'static str,
    name: &'static str,
    id_column: &'static str,
    name_column: &'static str,
) -> EntityKind {
    EntityKind { view, id, name, id_column, name_column }
}

/// Returns the id of an event's object of the kind that `view` lists; null if it is empty.
pub fn entity_id(view: &str) -> Expr {
    match ENTITIES.iter().find(|kind| kind.view == view) {
        Some(kind) if kind.view == "reports" => report_id(),
        Some(kind) => null_if_empty(col(kind.id_column)),
        None => lit(NULL).cast(DataType::String),
    }
}

/// Returns a member of the only semantic model in `Datasets`; null if there are several or none.
pub fn only_model(member: &'static str) -> Expr {
    let datasets = || col("Datasets").list();
    let only = datasets().get(lit(0), true).struct_().field_by_name(member);
    null_if_empty(when(datasets().len().eq(lit(1))).then(only).otherwise(lit(NULL)))
}
