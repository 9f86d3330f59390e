//! What an event is about: one kind, id and name, whatever it was done to.
//!
//! Owns: the order in which an event's ids are asked. An event of a dashboard or a tile may carry
//! the report behind it, and nearly every event of a report its semantic model. Each event is
//! looked at once: as one `CASE` of the engine's, every branch of it would be made for all events.

use polars::prelude::*;

use crate::query::engine::memoize::null_if_empty;
use crate::query::views::{actors, entity_id};

/// What Microsoft calls a semantic model where it names the kind of an artifact.
pub const SEMANTIC_MODEL_KINDS: [&str; 3] = ["dataset", "model", "semanticmodel"];

/// A kind of things, in the order in which an event is asked for them.
struct ItemRule {
    /// What it is called; an artifact may say so itself.
    kind: &'static str,
    /// The view of its names, or the column of its id.
    id: ItemIdSource,
    /// The column of its name.
    name_column: &'static str,
    /// When an event that has such an id is about it.
    condition: ItemCondition,
}

enum ItemIdSource {
    View(&'static str),
    Column(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum ItemCondition {
    Always,
    /// A dashboard's id stands in events of reports as well, as the place where they were seen.
    NotReportActivity,
    /// The artifact says itself that it is something, and no semantic model: one stands behind it.
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
    name: &'static str,
    when: ItemCondition,
) -> ItemRule {
    ItemRule { kind, id, name_column: name, condition: when }
}

/// Report, Dashboard, SemanticModel, …, in Microsoft's words where it names the kind itself.
pub fn kind() -> Expr {
    first_match(
        |case| case.id_expr(),
        |at, _, kind| match ITEM_RULES[at].kind {
            "Artifact" => Some(kind.filter(|kind| !kind.is_empty()).unwrap_or("Artifact")),
            kind => Some(kind),
        },
    )
}

/// Its id.
pub fn id() -> Expr {
    first_match(|case| case.id_expr(), |_, id, _| id)
}

/// Its name as of the event; else what the event calls the item it is about.
pub fn name() -> Expr {
    let own = first_match(
        |case| col(case.name_column),
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

/// A text of the first case that applies to an event. `of` is where it stands; `pick` gets the
/// number of the case, what stands there, and the kind that an artifact says.
fn first_match(
    of: impl Fn(&ItemRule) -> Expr,
    pick: impl for<'t> Fn(usize, Option<&'t str>, Option<&'t str>) -> Option<&'t str>
    + Send
    + Sync
    + 'static,
) -> Expr {
    let mut inputs = vec![actors::activity(), col("ArtifactKind")];
    inputs.extend(ITEM_RULES.iter().map(ItemRule::id_expr));
    inputs.extend(ITEM_RULES.iter().map(of));
    let choose = move |columns: &mut [Column]| {
        let texts = columns.iter().map(|column| column.str());
        let texts = texts.collect::<PolarsResult<Vec<_>>>()?;
        let Some((heads, rest)) = texts.split_at_checked(2) else {
            polars_bail!(ComputeError: "items are made of more columns");
        };
        let (ids, values) = rest.split_at(ITEM_RULES.len());
        let rows = heads.iter().chain(ids).map(|column| column.len()).max().unwrap_or(0);
        // A column of one value stands for all rows.
        let at = |column: &StringChunked, row: usize| if column.len() == 1 { 0 } else { row };
        let chosen: StringChunked = (0..rows)
            .map(|row| {
                let [activity, kind] =
                    [heads[0], heads[1]].map(|column| column.get(at(column, row)));
                let mut cases = ITEM_RULES.iter().zip(ids).enumerate();
                let (case, _) = cases.find(|(_, (case, ids))| {
                    ids.get(at(ids, row)).is_some() && case.is_applicable(activity, kind)
                })?;
                let value = values.get(case).and_then(|of| of.get(at(of, row)));
                pick(case, value, kind)
            })
            .collect();
        Ok(chosen.into_column())
    };
    map_multiple(choose, inputs, |_, fields| {
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, DataType::String))
    })
}
