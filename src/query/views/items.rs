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

use crate::query::engine::memoize::{empty_to_null, for_each_memoized, null_if_empty};
use crate::query::engine::picked_texts::{PickedTexts, first_text, for_each_text_row};
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
    first_match(ItemPart::Kind)
}

/// Returns the id of the item.
pub fn id() -> Expr {
    first_match(ItemPart::Id)
}

/// Returns the name of the item at the time of the event, else `ItemName` or `ObjectDisplayName`.
pub fn name() -> Expr {
    let own = first_match(ItemPart::Name);
    first_text([own, null_if_empty(col("ItemName")), null_if_empty(col("ObjectDisplayName"))])
}

/// Part of an item.
#[derive(Clone, Copy)]
enum ItemPart {
    Kind,
    Id,
    Name,
}

/// Kind of items whose `ArtifactKind` is their kind, if they have one.
const ARTIFACT: &str = "Artifact";

impl ItemRule {
    fn id_expr(&self) -> Expr {
        match self.id {
            ItemIdSource::View(view) => entity_id(view),
            ItemIdSource::Column(column) => null_if_empty(col(column)),
        }
    }

    /// Returns true if the item can be that of an event with this activity.
    fn accepts_activity(&self, activity: Option<&str>) -> bool {
        match self.condition {
            ItemCondition::NotReportActivity => {
                !activity.is_some_and(|activity| activity.contains("Report"))
            }
            ItemCondition::NotModelActivity => {
                !activity.is_some_and(|activity| SEMANTIC_MODEL_ACTIVITIES.contains(activity))
            }
            ItemCondition::WorkspaceActivity => {
                activity.is_some_and(|activity| WORKSPACE_ACTIVITIES.contains(activity))
            }
            ItemCondition::Always | ItemCondition::OtherArtifactKind => true,
        }
    }

    /// Returns true if the item can be that of an event with this `ArtifactKind`.
    fn accepts_kind(&self, kind: Option<&str>) -> bool {
        let is_other = |kind: &str| !SEMANTIC_MODEL_KINDS.contains(&kind.to_lowercase().as_str());
        self.condition != ItemCondition::OtherArtifactKind || kind.is_some_and(is_other)
    }
}

/// Returns a part of the item of the first rule that applies to each event: by the ids, else by the
/// names.
fn first_match(part: ItemPart) -> Expr {
    let mut inputs = vec![activities::activity(), col("ArtifactKind")];
    inputs.extend(ITEM_RULES.iter().map(ItemRule::id_expr));
    inputs.extend(ITEM_RULES.iter().map(|rule| col(rule.name_column)));
    let choose = move |columns: &mut [Column]| {
        let height = columns.iter().map(Column::len).find(|len| *len != 1).unwrap_or(1);
        let texts = columns.iter().map(|column| match column.len() == height {
            true => Ok(empty_to_null(column.str()?)),
            false => Ok(empty_to_null(column.new_from_index(0, height).str()?)),
        });
        let texts = texts.collect::<PolarsResult<Vec<StringChunked>>>()?;
        let [activity, artifact_kind, rest @ ..] = texts.as_slice() else {
            polars_bail!(ComputeError: "item rules need at least 2 columns");
        };
        let (ids, names) = rest.split_at(ITEM_RULES.len());
        let found = first_rules(activity, artifact_kind, [ids, names]);
        let is_of = |rule: usize| {
            let found = &found;
            move |row: usize| found.get(row).is_some_and(|found| usize::from(*found) == rule)
        };
        let mut picked = PickedTexts::new(height);
        let used = |rule: &usize| found.iter().any(|found| usize::from(*found) == *rule);
        for (number, rule) in ITEM_RULES.iter().enumerate().filter(|(number, _)| used(number)) {
            let literal = StringChunked::from_slice(PlSmallStr::EMPTY, &[rule.kind]);
            match part {
                ItemPart::Id => picked.fill(&ids[number], is_of(number)),
                ItemPart::Name => picked.fill(&names[number], is_of(number)),
                ItemPart::Kind => {
                    if rule.kind == ARTIFACT {
                        picked.fill(artifact_kind, is_of(number));
                    }
                    picked.fill(&literal, is_of(number));
                }
            }
        }
        Ok(picked.finish(activity.name())?.into_column())
    };
    map_multiple(choose, inputs, |_, fields| {
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, DataType::String))
    })
}

/// In place of the number of a rule: no rule applies.
const NO_RULE: u8 = u8::MAX;

/// Returns the number of the first rule that applies to each event. Those of the first list of
/// columns come first, one column for each rule.
fn first_rules(
    activity: &StringChunked,
    artifact_kind: &StringChunked,
    columns: [&[StringChunked]; 2],
) -> Vec<u8> {
    // The rules that apply, as bits, once for each activity and once for each kind.
    let bits = |is_applicable: &dyn Fn(&ItemRule) -> bool| {
        let rules = ITEM_RULES.iter().enumerate().filter(|(_, rule)| is_applicable(rule));
        rules.fold(0_u16, |bits, (number, _)| bits | 1 << number)
    };
    let by_activity = |activity: Option<&str>| bits(&|rule| rule.accepts_activity(activity));
    let by_kind = |kind: Option<&str>| bits(&|rule| rule.accepts_kind(kind));
    let (of_no_activity, of_no_kind) = (by_activity(None), by_kind(None));
    let mut applicable = Vec::with_capacity(activity.len());
    for_each_memoized(
        activity,
        |activity| by_activity(Some(activity)),
        |bits| applicable.push(bits.copied().unwrap_or(of_no_activity)),
    );
    let mut rows = applicable.iter_mut();
    for_each_memoized(
        artifact_kind,
        |kind| by_kind(Some(kind)),
        |bits| {
            if let Some(row) = rows.next() {
                *row &= bits.copied().unwrap_or(of_no_kind);
            }
        },
    );
    let mut found = vec![NO_RULE; applicable.len()];
    for texts in columns {
        for (number, texts) in (0_u8..).zip(texts) {
            for_each_text_row(texts, |row| {
                let place = found.get_mut(row).filter(|place| **place == NO_RULE);
                let is_applicable = applicable.get(row).is_some_and(|bits| bits >> number & 1 == 1);
                if let Some(place) = place.filter(|_| is_applicable) {
                    *place = number;
                }
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the part of an item as the rules say, row by row.
    fn expected(part: ItemPart, rows: &DataFrame, row: usize) -> Option<String> {
        let cell = |column: &str| {
            let text = rows.column(column).unwrap().str().unwrap().get(row);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (activity, kind) = (cell("activity"), cell("ArtifactKind"));
        let first = |list: &str| {
            (0..ITEM_RULES.len()).find(|at| {
                let rule = &ITEM_RULES[*at];
                cell(&format!("{list} {at}")).is_some()
                    && rule.accepts_activity(activity.as_deref())
                    && rule.accepts_kind(kind.as_deref())
            })
        };
        let at = first("id").or_else(|| first("name"))?;
        match part {
            ItemPart::Kind if ITEM_RULES[at].kind == ARTIFACT && kind.is_some() => kind,
            ItemPart::Kind => Some(ITEM_RULES[at].kind.to_owned()),
            ItemPart::Id => cell(&format!("id {at}")),
            ItemPart::Name => cell(&format!("name {at}")),
        }
    }

    #[test]
    fn items_are_those_of_the_first_rule_that_applies() {
        let activities = [
            Some("ViewReport"),
            Some("RefreshDataset"),
            Some("DeleteGroup"),
            Some("ViewDashboard"),
            Some("neverSeen"),
            None,
        ];
        let kinds = [None, Some("Dataset"), Some("Lakehouse"), Some("")];
        let height = 6_000_usize;
        // A few texts for each column, most of them null or empty.
        let mut state = 7_u64;
        let mut next = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % limit
        };
        let mut columns: BTreeSet<&str> = ITEM_RULES.iter().map(|rule| rule.name_column).collect();
        let ids = ["DashboardId", "ReportId", "AppReportId", "ArtifactId", "DatasetId"];
        columns.extend(ids);
        columns.extend(["DataflowId", "AppId", "PowerAppId", "FlowId", "GatewayId", "WorkspaceId"]);
        let mut frame: Vec<Column> = Vec::new();
        let mut add = |name: &str, pick: &mut dyn FnMut() -> Option<String>| {
            let texts: StringChunked = (0..height).map(|_| pick()).collect();
            frame.push(texts.with_name(name.into()).into_column());
        };
        for name in columns {
            add(name, &mut || match next(9) {
                0 => Some(format!("{name} {}, a long text", next(5))),
                1 => Some(String::new()),
                _ => None,
            });
        }
        add("Activity", &mut || activities[next(6)].map(str::to_owned));
        add("ArtifactKind", &mut || kinds[next(4)].map(str::to_owned));
        add("Operation", &mut || None);
        let frame = DataFrame::new(height, frame).unwrap().lazy();
        let mut inputs = vec![activities::activity().alias("activity"), col("ArtifactKind")];
        for (at, rule) in ITEM_RULES.iter().enumerate() {
            inputs.push(rule.id_expr().alias(format!("id {at}")));
            inputs.push(col(rule.name_column).alias(format!("name {at}")));
        }
        let rows = frame.clone().select(inputs).collect().unwrap();
        for part in [ItemPart::Kind, ItemPart::Id, ItemPart::Name] {
            let found = frame.clone().select([first_match(part).alias("x")]).collect().unwrap();
            let found = found.column("x").unwrap().str().unwrap();
            let texts: BTreeSet<Option<&str>> = found.iter().collect();
            assert!(texts.len() > 10 && texts.contains(&None));
            for (row, text) in found.iter().enumerate() {
                assert_eq!(text.map(str::to_owned), expected(part, &rows, row), "row {row}");
            }
        }
    }
}
