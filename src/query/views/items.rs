//! The item of an event: its kind, id and name.
//!
//! The order of the rules decides. An event of a dashboard or a tile may have the id of its report.
//! Most events of a report have the id of its semantic model. Each event is checked once; a `CASE`
//! of the engine would compute every branch for all events.

use polars::prelude::*;

use crate::query::engine::memoize::null_if_empty;
use crate::query::views::actors;
use crate::query::views::entities::entity_id;

/// Values of `ArtifactKind` that mean a semantic model, in lower case.
pub const SEMANTIC_MODEL_KINDS: [&str; 3] = ["dataset", "model", "semanticmodel"];

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
    /// The activity is not about a report: events of reports contain the id of the dashboard where
    /// the report was viewed.
    NotReportActivity,
    /// `ArtifactKind` is set and is not a semantic model; `DatasetId` is then the model that the
    /// artifact uses.
    OtherArtifactKind,
}

const ITEM_RULES: [ItemRule; 11] = [
    item_rule(
        "Dashboard",
        ItemIdSource::View("dashboards"),
        "DashboardName",
        ItemCondition::NotReportActivity,
    ),
    item_rule("Report", ItemIdSource::View("reports"), "ReportName", ItemCondition::Always),
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
        ItemCondition::Always,
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
        "Workspace",
        ItemIdSource::View("workspaces"),
        "WorkspaceName",
        ItemCondition::Always,
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
/// event's `ArtifactKind`.
pub fn kind() -> Expr {
    first_match(
        |rule| rule.id_expr(),
        |at, _, kind| match ITEM_RULES[at].kind {
            "Artifact" => Some(kind.filter(|kind| !kind.is_empty()).unwrap_or("Artifact")),
            kind => Some(kind),
        },
    )
}

/// Returns the id of the item.
pub fn id() -> Expr {
    first_match(|rule| rule.id_expr(), |_, id, _| id)
}

/// Returns the name of the item at the time of the event, else `ItemName` or `ObjectDisplayName`.
pub fn name() -> Expr {
    let own = first_match(
        |rule| col(rule.name_column),
        |_, name, _| name.filter(|name| !name.is_empty()),
    );
    coalesce(&[own, null_if_empty(col("ItemName")), null_if_empty(col("ObjectDisplayName"))])
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
            ItemCondition::OtherArtifactKind => kind.is_some_and(|kind| {
                !kind.is_empty() && !SEMANTIC_MODEL_KINDS.contains(&kind.to_lowercase().as_str())
            }),
        }
    }
}

/// Returns a value of the first rule that applies to each event.
///
/// `value_of` returns the column of the value. `pick` gets the index of the rule, the value, and
/// the event's `ArtifactKind`.
fn first_match(
    value_of: impl Fn(&ItemRule) -> Expr,
    pick: impl for<'t> Fn(usize, Option<&'t str>, Option<&'t str>) -> Option<&'t str>
    + Send
    + Sync
    + 'static,
) -> Expr {
    let mut inputs = vec![actors::activity(), col("ArtifactKind")];
    inputs.extend(ITEM_RULES.iter().map(ItemRule::id_expr));
    inputs.extend(ITEM_RULES.iter().map(value_of));
    let choose = move |columns: &mut [Column]| {
        let texts = columns.iter().map(|column| column.str());
        let texts = texts.collect::<PolarsResult<Vec<_>>>()?;
        let Some((heads, rest)) = texts.split_at_checked(2) else {
            polars_bail!(ComputeError: "item rules need at least 2 columns");
        };
        let (ids, values) = rest.split_at(ITEM_RULES.len());
        let rows = heads.iter().chain(ids).map(|column| column.len()).max().unwrap_or(0);
        // A column with one value means this value for all rows.
        let at = |column: &StringChunked, row: usize| if column.len() == 1 { 0 } else { row };
        let chosen: StringChunked = (0..rows)
            .map(|row| {
                let [activity, kind] =
                    [heads[0], heads[1]].map(|column| column.get(at(column, row)));
                let mut rules = ITEM_RULES.iter().zip(ids).enumerate();
                let (rule, _) = rules.find(|(_, (rule, ids))| {
                    ids.get(at(ids, row)).is_some() && rule.is_applicable(activity, kind)
                })?;
                let value = values.get(rule).and_then(|column| column.get(at(column, row)));
                pick(rule, value, kind)
            })
            .collect();
        Ok(chosen.into_column())
    };
    map_multiple(choose, inputs, |_, fields| {
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, DataType::String))
    })
}
