//! What an event is about: one kind, id and name, whatever it was done to.
//!
//! Owns: the order in which an event's ids are asked. An event of a dashboard or a tile may carry
//! the report behind it, and nearly every event of a report its semantic model. Each event is
//! looked at once: as one `CASE` of the engine's, every branch of it would be made for all events.

use polars::prelude::*;

use crate::query::engine::memoize::filled;
use crate::query::views::{actors, id_of};

/// What Microsoft calls a semantic model where it names the kind of an artifact.
pub const MODELS: [&str; 3] = ["dataset", "model", "semanticmodel"];

/// A kind of things, in the order in which an event is asked for them.
struct Case {
    /// What it is called; an artifact may say so itself.
    kind: &'static str,
    /// The view of its names, or the column of its id.
    id: Id,
    /// The column of its name.
    name: &'static str,
    /// When an event that has such an id is about it.
    when: When,
}

enum Id {
    View(&'static str),
    Column(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    Always,
    /// A dashboard's id stands in events of reports as well, as the place where they were seen.
    NotOfReport,
    /// The artifact says itself that it is something, and no semantic model: one stands behind it.
    OfOtherKind,
}

const CASES: [Case; 11] = [
    case("Dashboard", Id::View("dashboards"), "DashboardName", When::NotOfReport),
    case("Report", Id::View("reports"), "ReportName", When::Always),
    case("Artifact", Id::Column("ArtifactId"), "ArtifactName", When::OfOtherKind),
    case("SemanticModel", Id::View("semantic_models"), "DatasetName", When::Always),
    case("Dataflow", Id::View("dataflows"), "DataflowName", When::Always),
    case("Artifact", Id::Column("ArtifactId"), "ArtifactName", When::Always),
    case("App", Id::View("apps"), "AppName", When::Always),
    case("PowerApp", Id::Column("PowerAppId"), "PowerAppName", When::Always),
    case("Flow", Id::Column("FlowId"), "FlowName", When::Always),
    case("Gateway", Id::Column("GatewayId"), "GatewayName", When::Always),
    case("Workspace", Id::View("workspaces"), "WorkspaceName", When::Always),
];

const fn case(kind: &'static str, id: Id, name: &'static str, when: When) -> Case {
    Case { kind, id, name, when }
}

/// Report, Dashboard, SemanticModel, …, in Microsoft's words where it names the kind itself.
pub fn kind() -> Expr {
    picked(
        |case| case.own_id(),
        |at, _, kind| match CASES[at].kind {
            "Artifact" => Some(kind.filter(|kind| !kind.is_empty()).unwrap_or("Artifact")),
            kind => Some(kind),
        },
    )
}

/// Its id.
pub fn id() -> Expr {
    picked(|case| case.own_id(), |_, id, _| id)
}

/// Its name as of the event; else what the event calls the item it is about.
pub fn name() -> Expr {
    let own = picked(|case| col(case.name), |_, name, _| name.filter(|name| !name.is_empty()));
    coalesce(&[own, filled(col("ItemName")), filled(col("ObjectDisplayName"))])
}

impl Case {
    fn own_id(&self) -> Expr {
        match self.id {
            Id::View(view) => id_of(view),
            Id::Column(column) => filled(col(column)),
        }
    }

    fn applies(&self, activity: Option<&str>, kind: Option<&str>) -> bool {
        match self.when {
            When::Always => true,
            When::NotOfReport => !activity.is_some_and(|activity| activity.contains("Report")),
            When::OfOtherKind => kind.is_some_and(|kind| {
                !kind.is_empty() && !MODELS.contains(&kind.to_lowercase().as_str())
            }),
        }
    }
}

/// A text of the first case that applies to an event. `of` is where it stands; `pick` gets the
/// number of the case, what stands there, and the kind that an artifact says.
fn picked(
    of: impl Fn(&Case) -> Expr,
    pick: impl for<'t> Fn(usize, Option<&'t str>, Option<&'t str>) -> Option<&'t str>
    + Send
    + Sync
    + 'static,
) -> Expr {
    let mut inputs = vec![actors::activity(), col("ArtifactKind")];
    inputs.extend(CASES.iter().map(Case::own_id));
    inputs.extend(CASES.iter().map(of));
    let choose = move |columns: &mut [Column]| {
        let texts = columns.iter().map(|column| column.str());
        let texts = texts.collect::<PolarsResult<Vec<_>>>()?;
        let Some((heads, rest)) = texts.split_at_checked(2) else {
            polars_bail!(ComputeError: "items are made of more columns");
        };
        let (ids, values) = rest.split_at(CASES.len());
        let rows = heads.iter().chain(ids).map(|column| column.len()).max().unwrap_or(0);
        // A column of one value stands for all rows.
        let at = |column: &StringChunked, row: usize| if column.len() == 1 { 0 } else { row };
        let chosen: StringChunked = (0..rows)
            .map(|row| {
                let [activity, kind] =
                    [heads[0], heads[1]].map(|column| column.get(at(column, row)));
                let mut cases = CASES.iter().zip(ids).enumerate();
                let (case, _) = cases.find(|(_, (case, ids))| {
                    ids.get(at(ids, row)).is_some() && case.applies(activity, kind)
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
