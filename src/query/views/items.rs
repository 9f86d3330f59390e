//! What an event is about: one kind, id and name, whatever it was done to.
//!
//! Owns: the order in which an event's ids are asked. An event of a dashboard or a tile may carry
//! the report behind it, and nearly every event of a report its semantic model.

use polars::prelude::*;

use super::{actors, filled, id_of};

/// Report, Dashboard, SemanticModel, …, in Microsoft's words where it names the kind itself.
pub fn kind() -> Expr {
    let artifact = coalesce(&[filled(col("ArtifactKind")), lit("Artifact")]);
    pick(|case| match case {
        Case::Dashboard => lit("Dashboard"),
        Case::Report => lit("Report"),
        Case::SemanticModel => lit("SemanticModel"),
        Case::Dataflow => lit("Dataflow"),
        Case::Artifact | Case::OtherKind => artifact.clone(),
        Case::App => lit("App"),
        Case::PowerApp => lit("PowerApp"),
        Case::Flow => lit("Flow"),
        Case::Gateway => lit("Gateway"),
        Case::Workspace => lit("Workspace"),
    })
}

/// Its id.
pub fn id() -> Expr {
    pick(Case::id)
}

/// Its name as of the event; else what the event calls the item it is about.
pub fn name() -> Expr {
    let own = pick(|case| match case {
        Case::Dashboard => col("DashboardName"),
        Case::Report => col("ReportName"),
        Case::SemanticModel => col("DatasetName"),
        Case::Dataflow => col("DataflowName"),
        Case::Artifact | Case::OtherKind => col("ArtifactName"),
        Case::App => col("AppName"),
        Case::PowerApp => col("PowerAppName"),
        Case::Flow => col("FlowName"),
        Case::Gateway => col("GatewayName"),
        Case::Workspace => col("WorkspaceName"),
    });
    coalesce(&[filled(own), filled(col("ItemName")), filled(col("ObjectDisplayName"))])
}

/// What Microsoft calls a semantic model where it names the kind of an artifact.
pub const MODELS: [&str; 3] = ["dataset", "model", "semanticmodel"];

#[derive(Clone, Copy)]
enum Case {
    Dashboard,
    Report,
    /// An artifact that says itself that it is no semantic model; one stands behind it.
    OtherKind,
    SemanticModel,
    Dataflow,
    Artifact,
    App,
    PowerApp,
    Flow,
    Gateway,
    Workspace,
}

impl Case {
    const ALL: [Case; 11] = [
        Case::Dashboard,
        Case::Report,
        Case::OtherKind,
        Case::SemanticModel,
        Case::Dataflow,
        Case::Artifact,
        Case::App,
        Case::PowerApp,
        Case::Flow,
        Case::Gateway,
        Case::Workspace,
    ];

    fn id(self) -> Expr {
        match self {
            Case::Dashboard => id_of("dashboards"),
            Case::Report => id_of("reports"),
            Case::SemanticModel => id_of("semantic_models"),
            Case::Dataflow => id_of("dataflows"),
            Case::Artifact | Case::OtherKind => filled(col("ArtifactId")),
            Case::App => id_of("apps"),
            Case::PowerApp => filled(col("PowerAppId")),
            Case::Flow => filled(col("FlowId")),
            Case::Gateway => filled(col("GatewayId")),
            Case::Workspace => id_of("workspaces"),
        }
    }

    /// Whether an event is about such a thing, unless it is about one that was asked for before.
    fn applies(self) -> Expr {
        let is_there = self.id().is_not_null();
        match self {
            // A dashboard's id stands in events of reports as well, as the place they were seen.
            Case::Dashboard => {
                let of_report = actors::flag(actors::activity(), |name| name.contains("Report"));
                is_there.and(of_report.not())
            }
            Case::OtherKind => {
                let is_model = |kind: &str| MODELS.contains(&kind.to_lowercase().as_str());
                let kind = filled(col("ArtifactKind"));
                let other = actors::flag(kind, move |kind| !is_model(kind));
                is_there.and(other)
            }
            _ => is_there,
        }
    }
}

/// The expression of the first case that applies.
fn pick(of: impl Fn(Case) -> Expr) -> Expr {
    let cases = Case::ALL.into_iter().rev();
    let none = lit(NULL).cast(DataType::String);
    cases.fold(none, |rest, case| when(case.applies()).then(of(case)).otherwise(rest))
}
