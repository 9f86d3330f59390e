//! The columns that the views of events add.
//!
//! Owns: each of them as an expression over the columns of the table. Must not know which view
//! they are for, nor how an engine spells what they are made of.

use polars::prelude::PolarsResult;

use crate::query::portable::{
    ACTIVITY_SQL, IS_ANONYMOUS_SQL, ScriptWriter, entity_id_sql, null_if_empty,
};
use crate::query::views::latest_names::ENTITIES;
use crate::query::views::{items, user_agent};

const ARTIFACT_KIND_SQL: &str = "COALESCE(NULLIF(ArtifactKind, ''), 'Artifact')";

/// The domain of a user in lower case.
pub fn user_domain_sql(user: &str) -> String {
    let guest = format!("split_part({user}, '#ext#', 1)");
    format!(
        "NULLIF(CASE WHEN contains({user}, '#ext#') THEN CASE WHEN contains({guest}, '_') THEN \
         regexp_extract({guest}, '_([^_]*)$', 1) END WHEN contains({user}, '@') THEN \
         regexp_extract({user}, '@([^@]*)$', 1) END, '')"
    )
}

impl ScriptWriter<'_> {
    /// The added columns that are made from the event alone.
    pub fn added_columns(&self) -> PolarsResult<Vec<(&'static str, String)>> {
        let mut columns = self.time_columns();
        columns.extend(self.user_columns()?);
        let is_failed = "(COALESCE(IsSuccess = FALSE, FALSE) OR COALESCE(lower(ResultStatus) IN \
            ('failed', 'failure'), FALSE))";
        let personal = |column: &str| {
            format!(
                "COALESCE(lower({column}) = 'my workspace' OR \
                 lower({column}) LIKE 'personalworkspace%', FALSE)"
            )
        };
        let personal = ["WorkspaceId", "WorkspaceName"].map(personal).join(" OR ");
        let method = self.match_keyword(&user_agent::CONSUMPTION_METHODS);
        let name = self.item_case(|_, _, name| null_if_empty(name));
        let name = format!("COALESCE({name}, NULLIF(ItemName, ''), NULLIF(ObjectDisplayName, ''))");
        columns.extend([
            ("is_noise", self.is_noise(self.context.session.noise_filter())),
            ("is_failed", is_failed.to_owned()),
            ("activity_name", ACTIVITY_SQL.to_owned()),
            ("is_personal_workspace", format!("({personal})")),
            ("consumption_method", format!("COALESCE(NULLIF(ConsumptionMethod, ''), {method})")),
            ("browser", self.match_keyword(&user_agent::BROWSERS)),
            ("os", self.match_keyword(&user_agent::OPERATING_SYSTEMS)),
            ("item_kind", self.item_case(|kind, _, _| kind.to_owned())),
            ("item_id", self.item_case(|_, id, _| id.to_owned())),
            ("item_name", name),
        ]);
        Ok(columns)
    }

    /// What an instant is on the clocks of the zone, and in numbers.
    fn time_columns(&self) -> Vec<(&'static str, String)> {
        let (words, period) = (self.dialect, self.context.session.period());
        let local = words.to_local_time(period.time_zone().name(), "CreationTime");
        let utc = words.to_local_time("UTC", "CreationTime");
        let in_period = match (period.from_us(), period.to_us()) {
            (None, None) => "CreationTime IS NOT NULL".to_owned(),
            _ => self.is_in_period(),
        };
        let date = format!("CAST({local} AS DATE)");
        let month = format!("CAST(year({local}) * 12 + month({local}) - 1 AS BIGINT)");
        vec![
            ("local_time", local.clone()),
            ("local_date", date.clone()),
            ("local_epoch_day", words.epoch_day(&date)),
            ("local_hour", format!("CAST(hour({local}) AS BIGINT)")),
            ("local_weekday", words.weekday(&local)),
            ("local_week", words.iso_week(&local)),
            ("local_month", words.month(&local)),
            ("local_epoch_month", month),
            ("utc_date", format!("CAST({utc} AS DATE)")),
            ("utc_hour", format!("CAST(hour({utc}) AS BIGINT)")),
            ("epoch_us", words.epoch_us("CreationTime")),
            ("in_period", in_period),
        ]
    }

    /// Who it was.
    fn user_columns(&self) -> PolarsResult<Vec<(&'static str, String)>> {
        let user = "lower(UserId)";
        let homes = self.context.internal_domains()?;
        let homes = self.literal_list(homes.iter().map(String::as_str));
        let is_guest = format!(
            "COALESCE(UserType = 10, FALSE) OR COALESCE(contains({user}, '#ext#'), FALSE) OR \
             COALESCE(contains({user}, '@') AND \
             regexp_extract({user}, '@([^@]*)$', 1) NOT IN ({homes}), FALSE)"
        );
        let kind = format!(
            "CASE WHEN {IS_ANONYMOUS_SQL} THEN 'anonymous' WHEN {} THEN 'service' WHEN {is_guest} \
             THEN 'guest' ELSE 'person' END",
            self.is_service()
        );
        Ok(vec![
            ("user_id", null_if_empty(user)),
            ("user_domain", user_domain_sql(user)),
            ("actor_kind", kind),
            ("is_service", self.is_service()),
        ])
    }

    /// The name beside the first word that stands in the user agent.
    fn match_keyword(&self, words: &[(&str, &str)]) -> String {
        let text = |text| self.dialect.text_literal(text);
        let cases = words.iter().map(|(word, name)| {
            format!(" WHEN contains(lower(UserAgent), {}) THEN {}", text(word), text(name))
        });
        format!("CASE{} END", cases.collect::<String>())
    }

    /// What an event is about, of kind, id and name.
    fn item_case(&self, pick: impl Fn(&str, &str, &str) -> String) -> String {
        let report = ENTITIES.first().map(entity_id_sql).unwrap_or_default();
        let models = self.literal_list(items::SEMANTIC_MODEL_KINDS);
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
            let besides = if *kind == "'Dashboard'" { report } else { String::new() };
            format!(" WHEN {id} IS NOT NULL{besides} THEN {}", pick(kind, id, name))
        });
        format!("CASE{} END", cases.collect::<String>())
    }
}
