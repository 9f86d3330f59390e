//! The columns that the views of events add, as SQL.
//!
//! They are second definitions of the expressions in `views/events.rs`, on purpose: a test runs
//! every report with both and compares the results.

use polars::prelude::PolarsResult;

use crate::query::portable::expressions::{
    ACTIVITY_SQL, IS_ANONYMOUS_SQL, ScriptWriter, domain_sql, entity_id_sql, null_if_empty,
    own_address_sql,
};
use crate::query::views::entities::ENTITIES;
use crate::query::views::{items, user_agent};

const ARTIFACT_KIND_SQL: &str = "COALESCE(NULLIF(ArtifactKind, ''), 'Artifact')";

/// Returns the added columns that need no join: pairs of name and SQL expression.
pub fn added_columns(writer: &ScriptWriter<'_>) -> PolarsResult<Vec<(&'static str, String)>> {
    let mut columns = time_columns(writer);
    columns.extend(user_columns(writer)?);
    let personal = |column: &str| {
        format!(
            "COALESCE(lower({column}) = 'my workspace' OR \
             lower({column}) LIKE 'personalworkspace%', FALSE)"
        )
    };
    let personal = ["WorkspaceId", "WorkspaceName"].map(personal).join(" OR ");
    let method = match_keyword(writer, &user_agent::CONSUMPTION_METHODS);
    let name = item_case(writer, |_, _, name| null_if_empty(name));
    let name = format!("COALESCE({name}, NULLIF(ItemName, ''), NULLIF(ObjectDisplayName, ''))");
    let only_model =
        |member: &str| null_if_empty(&format!("{}.{member}", writer.dialect.only_item("Datasets")));
    columns.extend([
        ("only_model_id", only_model("DatasetId")),
        ("only_model_name", only_model("DatasetName")),
        ("is_noise", writer.is_noise(writer.context.session.noise_filter())),
        ("is_presence", writer.is_presence()),
        ("is_failed", writer.is_failed()),
        ("is_personal_workspace", format!("({personal})")),
        ("consumption_method", format!("COALESCE(NULLIF(ConsumptionMethod, ''), {method})")),
        ("browser", match_keyword(writer, &user_agent::BROWSERS)),
        ("os", match_keyword(writer, &user_agent::OPERATING_SYSTEMS)),
        ("item_kind", item_case(writer, |kind, _, _| kind.to_owned())),
        ("item_id", item_case(writer, |_, id, _| id.to_owned())),
        ("item_name", name),
    ]);
    Ok(columns)
}

/// Returns the columns of an event's time: in the time zone, in UTC, and as numbers.
fn time_columns(writer: &ScriptWriter<'_>) -> Vec<(&'static str, String)> {
    let (dialect, period) = (writer.dialect, writer.context.session.period());
    let local = dialect.to_local_time(period.time_zone().name(), "CreationTime");
    let utc = dialect.to_local_time("UTC", "CreationTime");
    let in_period = match (period.from_us(), period.to_us()) {
        (None, None) => "CreationTime IS NOT NULL".to_owned(),
        _ => writer.is_in_period(),
    };
    let date = format!("CAST({local} AS DATE)");
    let epoch_us = dialect.epoch_us("CreationTime");
    let hour_start = format!(
        "({epoch_us} - CAST(minute({local}) AS BIGINT) * 60000000 - {epoch_us} % 60000000)"
    );
    let month = format!("CAST(year({local}) * 12 + month({local}) - 1 AS BIGINT)");
    vec![
        ("local_time", local.clone()),
        ("local_date", date.clone()),
        ("local_epoch_day", dialect.epoch_day(&date)),
        ("local_hour", format!("CAST(hour({local}) AS BIGINT)")),
        ("local_weekday", dialect.weekday(&local)),
        ("local_week", dialect.iso_week(&local)),
        ("local_month", dialect.month(&local)),
        ("local_epoch_month", month),
        ("utc_date", format!("CAST({utc} AS DATE)")),
        ("utc_hour", format!("CAST(hour({utc}) AS BIGINT)")),
        ("epoch_us", epoch_us.clone()),
        ("hour_start_us", hour_start),
        ("in_period", in_period),
    ]
}

/// Returns the columns of the actor.
fn user_columns(writer: &ScriptWriter<'_>) -> PolarsResult<Vec<(&'static str, String)>> {
    let user = "lower(UserId)";
    let own = own_address_sql(user);
    let is_guest = format!("COALESCE(UserType = 10, FALSE) OR {}", writer.is_external(user)?);
    let kind = format!(
        "CASE WHEN {IS_ANONYMOUS_SQL} THEN 'anonymous' WHEN {} THEN 'service' WHEN {is_guest} \
         THEN 'guest' ELSE 'person' END",
        writer.is_service()
    );
    Ok(vec![
        ("user_id", null_if_empty(&own)),
        ("user_domain", domain_sql(&own)),
        ("actor_kind", kind),
        ("is_service", writer.is_service()),
    ])
}

/// Returns the name for the first keyword that the user agent contains.
fn match_keyword(writer: &ScriptWriter<'_>, keywords: &[(&str, &str)]) -> String {
    let text = |text| writer.dialect.text_literal(text);
    let cases = keywords.iter().map(|(keyword, name)| {
        format!(" WHEN contains(lower(UserAgent), {}) THEN {}", text(keyword), text(name))
    });
    format!("CASE{} END", cases.collect::<String>())
}

/// Returns the value that `pick` chooses from the kind, id and name of an event's item; the rules
/// are those of `views/items.rs`.
fn item_case(writer: &ScriptWriter<'_>, pick: impl Fn(&str, &str, &str) -> String) -> String {
    let report = ENTITIES.first().map(entity_id_sql).unwrap_or_default();
    let models = writer.literal_list(items::SEMANTIC_MODEL_KINDS);
    let not_report = format!(" AND NOT COALESCE(contains({ACTIVITY_SQL}, 'Report'), FALSE)");
    let other_kind = format!(" AND ArtifactKind <> '' AND lower(ArtifactKind) NOT IN ({models})");
    let workspaces = writer.literal_list(items::WORKSPACE_ACTIVITIES.iter().copied());
    let about_workspace = format!(" AND COALESCE({ACTIVITY_SQL} IN ({workspaces}), FALSE)");
    let models_only = writer.literal_list(items::SEMANTIC_MODEL_ACTIVITIES.iter().copied());
    let not_model = format!(" AND NOT COALESCE({ACTIVITY_SQL} IN ({models_only}), FALSE)");
    let rule = |kind: &str, name: &str| (kind.to_owned(), null_if_empty(&format!("{name}Id")));
    let always = String::new;
    let cases = [
        (rule("'Dashboard'", "Dashboard"), "DashboardName", not_report.clone()),
        (("'Report'".to_owned(), report), "ReportName", not_model),
        (rule(ARTIFACT_KIND_SQL, "Artifact"), "ArtifactName", other_kind),
        (rule("'SemanticModel'", "Dataset"), "DatasetName", not_report),
        (rule("'Dataflow'", "Dataflow"), "DataflowName", always()),
        (rule(ARTIFACT_KIND_SQL, "Artifact"), "ArtifactName", always()),
        (rule("'App'", "App"), "AppName", always()),
        (rule("'PowerApp'", "PowerApp"), "PowerAppName", always()),
        (rule("'Flow'", "Flow"), "FlowName", always()),
        (rule("'Gateway'", "Gateway"), "GatewayName", always()),
        (rule("'Workspace'", "Workspace"), "WorkspaceName", about_workspace),
    ];
    // All ids are checked before the first name.
    let by_id = cases.iter().map(|((kind, id), name, condition)| {
        format!(" WHEN {id} IS NOT NULL{condition} THEN {}", pick(kind, id, name))
    });
    let by_name = cases.iter().map(|((kind, id), name, condition)| {
        format!(" WHEN {name} <> ''{condition} THEN {}", pick(kind, id, name))
    });
    format!("CASE{} END", by_id.chain(by_name).collect::<String>())
}
