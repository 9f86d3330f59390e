//! The item of an event: its kind, id and name.
//!
//! The order of the rules decides. An event of a dashboard or a tile may have the id of its report.
//! Most events of a report have the id of its semantic model. An event about a semantic model can
//! have the id of a report that uses it. Almost every event has the id of a
//! workspace, which is its item only if the activity is about a workspace. If an event has no id of
//! an item, the first name decides, and the item has no id. Each event is checked once; a `CASE` of
//! the engine would compute every branch for all events.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use polars::prelude::*;

use crate::query::engine::memoize::{self, null_if_empty};
use crate::query::views::activities;
use crate::query::views::entities::entity_id;
use crate::schema;

/// Values of `ArtifactKind` that mean a semantic model, in lower case.
pub const SEMANTIC_MODEL_KINDS: [&str; 3] = ["dataset", "model", "semanticmodel"];

/// Kind of item in the catalog of activities that are about a workspace.
const WORKSPACE_KIND: &str = "Workspace";

/// Activities that are about a workspace.
pub static WORKSPACE_ACTIVITIES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let about_workspaces = schema::operations().iter().filter(|o| o.item_kind == WORKSPACE_KIND);
    about_workspaces.map(|operation| operation.name).collect()
});

/// Kind of item in the catalog of activities that are about a semantic model.
const SEMANTIC_MODEL_KIND: &str = "Dataset/SemanticModel";

/// Activities that are about a semantic model. If they have the id of a report, it is a report that
/// uses the model.
pub static SEMANTIC_MODEL_ACTIVITIES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let about_models = schema::operations().iter().filter(|o| o.item_kind == SEMANTIC_MODEL_KIND);
    about_models.map(|operation| operation.name).collect()
});

/// Rule for one kind of item.
struct ItemRule {
    /// Name of the kind; for `Artifact`, the event's `ArtifactKind` if it has one.
    kind: &'static str,
    /// Source of the id.
    id: ItemIdSource,
    /// Column of the name.
    name_column: &'static str,
    /// Condition under which an event with such an id is about the item.
    condition: ItemCondition,
}

enum ItemIdSource {
    View(&'static str),
    Column(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum ItemCondition {
    Always,
    /// The activity is not about a report: events of reports contain the ids of the dashboard where
    /// the report was viewed and of its semantic model.
    NotReportActivity,
    /// The activity is not about a semantic model.
    NotModelActivity,
    /// The activity is about a workspace.
    WorkspaceActivity,
    /// `ArtifactKind` is set and is not a semantic model; `DatasetId` is then the model that the
    /// artifact uses.
    OtherArtifactKind,
}

static ITEM_RULES: [ItemRule; 11] = [
    item_rule(
        "Dashboard",
        ItemIdSource::View("dashboards"),
        "DashboardName",
        ItemCondition::NotReportActivity,
    ),
    item_rule(
        "Report",
        ItemIdSource::View("reports"),
        "ReportName",
        ItemCondition::NotModelActivity,
    ),
    item_rule(
        "Artifact",
        ItemIdSource::Column("ArtifactId"),
        "ArtifactName",
        ItemCondition::OtherArtifactKind,
    ),
    item_rule(
        "SemanticModel",
        ItemIdSource::View("semantic_models"),
        "DatasetName",
        ItemCondition::NotReportActivity,
    ),
    item_rule("Dataflow", ItemIdSource::View("dataflows"), "DataflowName", ItemCondition::Always),
    item_rule(
        "Artifact",
        ItemIdSource::Column("ArtifactId"),
        "ArtifactName",
        ItemCondition::Always,
    ),
    item_rule("App", ItemIdSource::View("apps"), "AppName", ItemCondition::Always),
    item_rule(
        "PowerApp",
        ItemIdSource::Column("PowerAppId"),
        "PowerAppName",
        ItemCondition::Always,
    ),
    item_rule("Flow", ItemIdSource::Column("FlowId"), "FlowName", ItemCondition::Always),
    item_rule("Gateway", ItemIdSource::Column("GatewayId"), "GatewayName", ItemCondition::Always),
    item_rule(
        WORKSPACE_KIND,
        ItemIdSource::View("workspaces"),
        "WorkspaceName",
        ItemCondition::WorkspaceActivity,
    ),
];

const fn item_rule(
    kind: &'static str,
    id: ItemIdSource,
    name_column: &'static str,
    condition: ItemCondition,
) -> ItemRule {
    ItemRule { kind, id, name_column, condition }
}

/// Returns the kind of the item: Report, Dashboard, SemanticModel, …; for other artifacts, the
/// event's `ArtifactKind`. Null if the event has neither an id nor a name of an item.
pub fn kind() -> Expr {
    first_match(|found| match found.rule.kind {
        "Artifact" => Some(found.artifact_kind.unwrap_or("Artifact")),
        kind => Some(kind),
    })
}

/// Returns the id of the item.
pub fn id() -> Expr {
    first_match(|found| found.id)
}

/// Returns the name of the item at the time of the event, else `ItemName` or `ObjectDisplayName`.
pub fn name() -> Expr {
    let own = first_match(|found| found.name);
    memoize::first_text([
        own,
        null_if_empty(col("ItemName")),
        null_if_empty(col("ObjectDisplayName")),
    ])
}

/// Item of an event.
struct FoundItem<'t> {
    rule: &'static ItemRule,
    id: Option<&'t str>,
    name: Option<&'t str>,
    /// The event's `ArtifactKind`, if it is not empty.
    artifact_kind: Option<&'t str>,
}

impl ItemRule {
    fn id_expr(&self) -> Expr {
        match self.id {
            ItemIdSource::View(view) => entity_id(view),
            ItemIdSource::Column(column) => null_if_empty(col(column)),
        }
    }

    fn is_applicable(&self, activity: Option<&str>, kind: Option<&str>) -> bool {
        match self.condition {
            ItemCondition::Always => true,
            ItemCondition::NotReportActivity => {
                !activity.is_some_and(|activity| activity.contains("Report"))
            }
            ItemCondition::NotModelActivity => {
                !activity.is_some_and(|activity| SEMANTIC_MODEL_ACTIVITIES.contains(activity))
            }
            ItemCondition::WorkspaceActivity => {
                activity.is_some_and(|activity| WORKSPACE_ACTIVITIES.contains(activity))
            }
            ItemCondition::OtherArtifactKind => kind
                .is_some_and(|kind| !SEMANTIC_MODEL_KINDS.contains(&kind.to_lowercase().as_str())),
        }
    }
}

/// Returns a value of the first rule that applies to each event: by the ids, else by the names.
fn first_match(
    pick: impl for<'t> Fn(FoundItem<'t>) -> Option<&'t str> + Send + Sync + 'static,
) -> Expr {
    let mut inputs = vec![activities::activity(), col("ArtifactKind")];
    inputs.extend(ITEM_RULES.iter().map(ItemRule::id_expr));
    inputs.extend(ITEM_RULES.iter().map(|rule| col(rule.name_column)));
    let choose = move |columns: &mut [Column]| {
        let texts = columns.iter().map(|column| column.str());
        let texts = texts.collect::<PolarsResult<Vec<_>>>()?;
        let Some((heads, rest)) = texts.split_at_checked(2) else {
            polars_bail!(ComputeError: "item rules need at least 2 columns");
        };
        let (ids, names) = rest.split_at(ITEM_RULES.len());
        let rows = texts.iter().map(|column| column.len()).max().unwrap_or(0);
        let chosen: StringChunked = (0..rows)
            .map(|row| {
                let [activity, artifact_kind] = [heads[0], heads[1]].map(|text| cell(text, row));
                let first = |texts: &[&StringChunked]| {
                    ITEM_RULES.iter().zip(texts).position(|(rule, text)| {
                        cell(text, row).is_some() && rule.is_applicable(activity, artifact_kind)
                    })
                };
                let at = first(ids).or_else(|| first(names))?;
                let [id, name] = [ids, names].map(|texts| cell(texts.get(at)?, row));
                pick(FoundItem { rule: ITEM_RULES.get(at)?, id, name, artifact_kind })
            })
            .collect();
        Ok(chosen.into_column())
    };
    map_multiple(choose, inputs, |_, fields| {
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, DataType::String))
    })
}

/// Returns the text of a row that is not empty. A column with one row means this text for all rows.
fn cell(texts: &StringChunked, row: usize) -> Option<&str> {
    let row = if texts.len() == 1 { 0 } else { row };
    texts.get(row).filter(|text| !text.is_empty())
}
