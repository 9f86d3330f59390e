//! The columns that the views of events add.
//!
//! Owns: each of them as an expression over the columns of the table. Must not know which view
//! they are for, nor how an engine spells what they are made of.

use polars::prelude::PolarsResult;

use crate::query::portable::{ACTIVITY, IS_ANONYMOUS, Script, filled, id_of};
use crate::query::views::latest_names::KINDS;
use crate::query::views::{items, user_agent};

const ARTIFACT: &str = "COALESCE(NULLIF(ArtifactKind, ''), 'Artifact')";

/// The domain of a user in lower case.
pub fn domain(user: &str) -> String {
    let guest = format!("split_part({user}, '#ext#', 1)");
    format!(
        "NULLIF(CASE WHEN contains({user}, '#ext#') THEN CASE WHEN contains({guest}, '_') THEN \
         regexp_extract({guest}, '_([^_]*)$', 1) END WHEN contains({user}, '@') THEN \
         regexp_extract({user}, '@([^@]*)$', 1) END, '')"
    )
}

impl Script<'_> {
    /// The added columns that are made from the event alone.
    pub fn simple(&self) -> PolarsResult<Vec<(&'static str, String)>> {
        let mut columns = self.times();
        columns.extend(self.users()?);
        let is_failed = "(COALESCE(IsSuccess = FALSE, FALSE) OR COALESCE(lower(ResultStatus) IN \
            ('failed', 'failure'), FALSE))";
        let personal = |column: &str| {
            format!(
                "COALESCE(lower({column}) = 'my workspace' OR \
                 lower({column}) LIKE 'personalworkspace%', FALSE)"
            )
        };
        let personal = ["WorkspaceId", "WorkspaceName"].map(personal).join(" OR ");
        let method = self.told(&user_agent::METHODS);
        let name = self.item(|_, _, name| filled(name));
        let name = format!("COALESCE({name}, NULLIF(ItemName, ''), NULLIF(ObjectDisplayName, ''))");
        columns.extend([
            ("is_noise", self.is_noise(self.scope.session.noise())),
            ("is_failed", is_failed.to_owned()),
            ("activity_name", ACTIVITY.to_owned()),
            ("is_personal_workspace", format!("({personal})")),
            ("consumption_method", format!("COALESCE(NULLIF(ConsumptionMethod, ''), {method})")),
            ("browser", self.told(&user_agent::BROWSERS)),
            ("os", self.told(&user_agent::SYSTEMS)),
            ("item_kind", self.item(|kind, _, _| kind.to_owned())),
            ("item_id", self.item(|_, id, _| id.to_owned())),
            ("item_name", name),
        ]);
        Ok(columns)
    }

    /// What an instant is on the clocks of the zone, and in numbers.
    fn times(&self) -> Vec<(&'static str, String)> {
        let (words, period) = (self.words, self.scope.session.period());
        let local = words.clock(period.time_zone().name(), "CreationTime");
        let utc = words.clock("UTC", "CreationTime");
        let in_period = match (period.from_us(), period.to_us()) {
            (None, None) => "CreationTime IS NOT NULL".to_owned(),
            _ => self.inside(),
        };
        let date = format!("CAST({local} AS DATE)");
        let month = format!("CAST(year({local}) * 12 + month({local}) - 1 AS BIGINT)");
        vec![
            ("local_time", local.clone()),
            ("local_date", date.clone()),
            ("local_day_number", words.day_number(&date)),
            ("local_hour", format!("CAST(hour({local}) AS BIGINT)")),
            ("local_weekday", words.weekday(&local)),
            ("local_week", words.week(&local)),
            ("local_month", words.month(&local)),
            ("local_month_number", month),
            ("utc_date", format!("CAST({utc} AS DATE)")),
            ("utc_hour", format!("CAST(hour({utc}) AS BIGINT)")),
            ("time_us", words.microseconds("CreationTime")),
            ("in_period", in_period),
        ]
    }

    /// Who it was.
    fn users(&self) -> PolarsResult<Vec<(&'static str, String)>> {
        let user = "lower(UserId)";
        let homes = self.scope.homes()?;
        let homes = self.list(homes.iter().map(String::as_str));
        let is_guest = format!(
            "COALESCE(UserType = 10, FALSE) OR COALESCE(contains({user}, '#ext#'), FALSE) OR \
             COALESCE(contains({user}, '@') AND \
             regexp_extract({user}, '@([^@]*)$', 1) NOT IN ({homes}), FALSE)"
        );
        let kind = format!(
            "CASE WHEN {IS_ANONYMOUS} THEN 'anonymous' WHEN {} THEN 'service' WHEN {is_guest} \
             THEN 'guest' ELSE 'person' END",
            self.is_service()
        );
        Ok(vec![
            ("user_id", filled(user)),
            ("user_domain", domain(user)),
            ("actor_kind", kind),
            ("is_service", self.is_service()),
        ])
    }

    /// The name beside the first word that stands in the user agent.
    fn told(&self, words: &[(&str, &str)]) -> String {
        let text = |text| self.words.text(text);
        let cases = words.iter().map(|(word, name)| {
            format!(" WHEN contains(lower(UserAgent), {}) THEN {}", text(word), text(name))
        });
        format!("CASE{} END", cases.collect::<String>())
    }

    /// What an event is about, of kind, id and name.
    fn item(&self, pick: impl Fn(&str, &str, &str) -> String) -> String {
        let report = KINDS.first().map(id_of).unwrap_or_default();
        let models = self.list(items::MODELS);
        let other = format!(
            "CASE WHEN ArtifactKind <> '' AND lower(ArtifactKind) NOT IN ({models}) THEN {} END",
            filled("ArtifactId")
        );
        let cases = [
            ("'Dashboard'", filled("DashboardId"), "DashboardName"),
            ("'Report'", report, "ReportName"),
            (ARTIFACT, other.to_owned(), "ArtifactName"),
            ("'SemanticModel'", filled("DatasetId"), "DatasetName"),
            ("'Dataflow'", filled("DataflowId"), "DataflowName"),
            (ARTIFACT, filled("ArtifactId"), "ArtifactName"),
            ("'App'", filled("AppId"), "AppName"),
            ("'PowerApp'", filled("PowerAppId"), "PowerAppName"),
            ("'Flow'", filled("FlowId"), "FlowName"),
            ("'Gateway'", filled("GatewayId"), "GatewayName"),
            ("'Workspace'", filled("WorkspaceId"), "WorkspaceName"),
        ];
        let cases = cases.iter().map(|(kind, id, name)| {
            let report = format!(" AND NOT COALESCE(contains({ACTIVITY}, 'Report'), FALSE)");
            let besides = if *kind == "'Dashboard'" { report } else { String::new() };
            format!(" WHEN {id} IS NOT NULL{besides} THEN {}", pick(kind, id, name))
        });
        format!("CASE{} END", cases.collect::<String>())
    }
}
