//! SQL expressions that the views of the script share: noise, failure, presence, services,
//! addresses, ids and patterns.
//!
//! These are second definitions of rules in `views/activities.rs`, `views/actors.rs`,
//! `views/addresses.rs`, `views/entities.rs` and `views/filters.rs`, on purpose: a test runs every
//! report with both and compares the results.

use polars::prelude::PolarsResult;

use crate::query::portable::dialect::SqlDialect;
use crate::query::views::addresses::{GUEST_MARK, PERSONAL_ACCOUNT_PREFIX};
use crate::query::views::context::ViewContext;
use crate::query::views::entities::EntityKind;
use crate::query::views::noise::{self, NoiseFilter};
use crate::query::views::{activities, presence};
use crate::schema::WorkloadGroup;

/// Writer of the SQL script of a statement.
pub struct ScriptWriter<'a> {
    /// Inputs of the views.
    pub context: &'a ViewContext<'a>,
    /// SQL dialect of the target engine.
    pub dialect: &'static dyn SqlDialect,
}

/// The name of an event's activity as written in the log.
pub const WRITTEN_ACTIVITY_SQL: &str = "COALESCE(NULLIF(Activity, ''), NULLIF(Operation, ''))";
/// The name of an event's activity in the spelling of the catalog, a column of `pbi_events`.
pub const ACTIVITY_SQL: &str = "activity_name";
/// The test that a user is anonymous.
pub const IS_ANONYMOUS_SQL: &str = "COALESCE(lower(UserId) = 'anonymous', FALSE)";
/// Regular expression of a GUID; the rule of `schema::guid`.
const GUID_PATTERN: &str = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

/// Returns the test that a user in lower case has the name of an invited guest.
fn is_guest_sql(user: &str) -> String {
    format!("contains({user}, '{GUEST_MARK}')")
}

/// Returns the address of a user in lower case, as reports show it.
pub fn own_address_sql(user: &str) -> String {
    let name = format!("split_part({user}, '{GUEST_MARK}', 1)");
    let own = format!(
        "CASE WHEN {} AND contains({name}, '_') THEN concat(regexp_extract({name}, \
         '^(.*)_[^_]*$', 1), '@', regexp_extract({name}, '_([^_]*)$', 1)) ELSE {user} END",
        is_guest_sql(user)
    );
    let length = PERSONAL_ACCOUNT_PREFIX.len();
    format!(
        "(CASE WHEN substr({own}, 1, {length}) = '{PERSONAL_ACCOUNT_PREFIX}' \
         THEN substr({own}, {}) \
         ELSE {own} END)",
        length + 1
    )
}

/// Returns the domain of an address in lower case.
pub fn domain_sql(address: &str) -> String {
    format!(
        "NULLIF(CASE WHEN contains({address}, '@') AND NOT {} THEN \
         regexp_extract({address}, '@([^@]*)$', 1) END, '')",
        is_guest_sql(address)
    )
}

/// Returns a column, null if it is empty.
pub fn null_if_empty(column: &str) -> String {
    format!("NULLIF({column}, '')")
}

/// Returns the id of an object of an event.
///
/// For reports of template apps, this is the rule of `report_id` in `views/entities.rs`.
pub fn entity_id_sql(kind: &EntityKind) -> String {
    match kind.view {
        "reports" => {
            "NULLIF(CASE WHEN COALESCE(AppReportId, '') <> '' AND COALESCE(AppId, '') = '' \
            THEN AppReportId ELSE ReportId END, '')"
                .to_owned()
        }
        _ => null_if_empty(kind.id_column),
    }
}

impl ScriptWriter<'_> {
    /// Returns texts as literals with commas between; an empty text if there are none.
    pub fn literal_list<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> String {
        let texts: Vec<String> =
            texts.into_iter().map(|text| self.dialect.text_literal(text)).collect();
        if texts.is_empty() { "''".to_owned() } else { texts.join(", ") }
    }

    /// Returns the test that an event belongs to one of the workload groups, or has none.
    pub fn is_in_workload_groups(&self, groups: &[WorkloadGroup]) -> String {
        let names = self.literal_list(groups.iter().map(|group| group.name()));
        format!("(WorkloadGroup IS NULL OR WorkloadGroup IN ({names}))")
    }

    /// Returns the test that the actor is a service principal or the system: the rule of
    /// `views/actors.rs`.
    pub fn is_service(&self) -> String {
        let is_guid = self.dialect.matches_regex("UserId", GUID_PATTERN);
        format!(
            "(COALESCE({is_guid}, FALSE) OR \
             (COALESCE(UserType BETWEEN 3 AND 8, FALSE) AND NOT {IS_ANONYMOUS_SQL}))"
        )
    }

    /// Returns the test that `level` excludes the event: the rule of `views/actors.rs`.
    pub fn is_noise(&self, level: NoiseFilter) -> String {
        let names = self.literal_list(noise::noise_activities(level));
        let pattern = match level {
            NoiseFilter::ExcludeAllReads => format!(
                " OR COALESCE({ACTIVITY_SQL} LIKE 'GetGatewayCluster%' OR {ACTIVITY_SQL} LIKE \
                 'Get%AsAdmin' OR {ACTIVITY_SQL} LIKE 'Get%ViaAdminApi', FALSE)"
            ),
            NoiseFilter::Exclude | NoiseFilter::Include => String::new(),
        };
        format!("(COALESCE({ACTIVITY_SQL} IN ({names}), FALSE){pattern})")
    }

    /// Returns the test that an event shows that its user was active: the rule of
    /// `views/activities.rs`.
    pub fn is_presence(&self) -> String {
        let scheduled = self.literal_list(presence::SCHEDULED_ACTIVITIES);
        let keyword = self.dialect.text_literal(presence::SCHEDULE_KEYWORD);
        let triggers = presence::TRIGGER_COLUMNS
            .map(|column| format!(" OR COALESCE(contains(lower({column}), {keyword}), FALSE)"));
        format!(
            "NOT ({} OR COALESCE({ACTIVITY_SQL} IN ({scheduled}), FALSE){})",
            self.is_noise(NoiseFilter::ExcludeAllReads),
            triggers.concat()
        )
    }

    /// Returns the test that an activity failed: the rule of `views/activities.rs`.
    pub fn is_failed(&self) -> String {
        let failures = self.literal_list(activities::FAILURE_STATUSES);
        format!(
            "(COALESCE(IsSuccess = FALSE, FALSE) OR \
             COALESCE(lower(ResultStatus) IN ({failures}), FALSE))"
        )
    }

    /// Returns the test that a user or recipient, in lower case, is external: the rule of
    /// `views/addresses.rs`.
    pub fn is_external(&self, user: &str) -> PolarsResult<String> {
        let domains = self.context.internal_domains()?;
        let by_domain = match domains.is_empty() {
            true => "FALSE".to_owned(),
            false => {
                let domains = self.literal_list(domains.iter().map(String::as_str));
                format!("COALESCE({} NOT IN ({domains}), FALSE)", domain_sql(user))
            }
        };
        let prefix = self.dialect.text_literal(PERSONAL_ACCOUNT_PREFIX);
        Ok(format!(
            "COALESCE({}, FALSE) \
             OR COALESCE(substr({user}, 1, length({prefix})) = {prefix}, FALSE) OR {by_domain}",
            is_guest_sql(user)
        ))
    }

    /// Returns the test that an event is in the period.
    pub fn is_in_period(&self) -> String {
        let period = self.context.session.period();
        let instant = |us| self.dialect.instant_literal(us);
        let from = period.from_us().map(|us| format!("CreationTime >= {}", instant(us)));
        let to = period.to_us().map(|us| format!("CreationTime < {}", instant(us)));
        let both: Vec<String> = from.into_iter().chain(to).collect();
        match both.is_empty() {
            true => "(CreationTime IS NOT NULL OR TRUE)".to_owned(),
            false => format!("({})", both.join(" AND ")),
        }
    }

    /// Returns the test that a column matches a pattern with `*`, in any case.
    pub fn matches_wildcard(&self, column: &str, pattern: &str) -> String {
        let pattern = pattern.to_lowercase().replace('\\', "\\\\").replace('%', "\\%");
        let pattern = self.dialect.text_literal(&pattern.replace('_', "\\_").replace('*', "%"));
        let escape = self.dialect.text_literal("\\");
        format!("COALESCE(lower({column}) LIKE {pattern} ESCAPE {escape}, FALSE)")
    }
}
