//! The columns that the views of events add, as SQL.
//!
//! They are second definitions of the expressions in `views/events.rs`, on purpose: a test runs
//! every report with both and compares the results.

use polars::prelude::PolarsResult;

use crate::query::portable::expressions::{
    ACTIVITY_SQL, IS_ANONYMOUS_SQL, ScriptWriter, entity_id_sql, null_if_empty,
};
use crate::query::views::entities::ENTITIES;
use crate::query::views::{items, user_agent};

const ARTIFACT_KIND_SQL: &str = "COALESCE(NULLIF(ArtifactKind, ''), 'Artifact')";

/// Returns the domain of a user in lower case.
pub fn user_domain_sql(user: &str) -> String {
    let guest = format!("split_part({user}, '#ext#', 1)");
    format!(
        "NULLIF(CASE WHEN contains({user}, '#ext#') THEN CASE WHEN contains({guest}, '_') THEN \
         regexp_extract({guest}, '_([^_]*)$', 1) END WHEN contains({user}, '@') THEN \
         regexp_extract({user}, '@([^@]*)$', 1) END, '')"
    )
}

/// Returns the added columns that need no join: pairs of name and SQL expression.
pub fn added_columns(writer: &ScriptWriter<'_>) -> PolarsResult<Vec<(&'static str, String)>> {
    let mut columns = time_columns(writer);
    columns.extend(user_columns(writer)?);
    let is_failed = "(COALESCE(IsSuccess = FALSE, FALSE) OR COALESCE(lower(ResultStatus) IN \
        ('failed', 'failure'), FALSE))";
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
    columns.extend([
        ("is_noise", writer.is_noise(writer.context.session.noise_filter())),
        ("is_failed", is_failed.to_owned()),
        ("activity_name", ACTIVITY_SQL.to_owned()),
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
        ("epoch_us", dialect.epoch_us("CreationTime")),
        ("in_period", in_period),
    ]
}

/// Returns the columns of the actor.
fn user_columns(writer: &ScriptWriter<'_>) -> PolarsResult<Vec<(&'static str, String)>> {
    let user = "lower(UserId)";
    let domains = writer.context.internal_domains()?;
    let domains = writer.literal_list(domains.iter().map(String::as_str));
    let is_guest = format!(
        "COALESCE(UserType = 10, FALSE) OR COALESCE(contains({user}, '#ext#'), FALSE) OR \
         COALESCE(contains({user}, '@') AND \
         regexp_extract({user}, '@([^@]*)$', 1) NOT IN ({domains}), FALSE)"
    );
    let kind = format!(
        "CASE WHEN {IS_ANONYMOUS_SQL} THEN 'anonymous' WHEN {} THEN 'service' WHEN {is_guest} \
         THEN 'guest' ELSE 'person' END",
        writer.is_service()
    );
    Ok(vec![
        ("user_id", null_if_empty(user)),
        ("user_domain", user_domain_sql(user)),
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
    let other = format!(
        "CASE WHEN ArtifactKind <> '' AND lower(ArtifactKind) NOT IN ({models}) THEN {} END",
        null_if_empty("ArtifactId")
    );
    let cases = [
        ("'Dashboard'", null_if_empty("DashboardId"), "DashboardName"),
        ("'Report'", report, "ReportName"),
        (ARTIFACT_KIND_SQL, other.to_owned(), "ArtifactName"),
        ("'SemanticModel'", null_if_empty("DatasetId"), "DatasetName"),
        ("'Dataflow'", null_if_empty("DataflowId"), "DataflowName"),
        (ARTIFACT_KIND_SQL, null_if_empty("ArtifactId"), "ArtifactName"),
        ("'App'", null_if_empty("AppId"), "AppName"),
        ("'PowerApp'", null_if_empty("PowerAppId"), "PowerAppName"),
        ("'Flow'", null_if_empty("FlowId"), "FlowName"),
        ("'Gateway'", null_if_empty("GatewayId"), "GatewayName"),
        ("'Workspace'", null_if_empty("WorkspaceId"), "WorkspaceName"),
    ];
    let cases = cases.iter().map(|(kind, id, name)| {
        let report = format!(" AND NOT COALESCE(contains({ACTIVITY_SQL}, 'Report'), FALSE)");
        let condition = if *kind == "'Dashboard'" { report } else { String::new() };
        format!(" WHEN {id} IS NOT NULL{condition} THEN {}", pick(kind, id, name))
    });
    format!("CASE{} END", cases.collect::<String>())
}
