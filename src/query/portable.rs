//! The views and the statement of a report as SQL for DuckDB, which reads the store's files itself.
//!
//! Owns: the definition of every view in DuckDB's words. Where one is made of what the program
//! remembers of sources, or of its catalogue, its rows are written out. It is a second definition
//! beside that of [`super::views`], on purpose: a test has every report answered by both.

use std::fmt::Write;

use chrono::DateTime;
use polars::prelude::*;

use super::catalog::Actors;
use super::filters::Filters;
use super::names::{KINDS, Kind};
use super::views::{self, Scope, agents, items, recipients};
use super::{NoiseLevel, actors, cells};
use crate::grid::{Cell, Grid};
use crate::schema::Family;

/// The views that the statement reads, and the statement.
pub fn script(scope: &Scope<'_>, statement: &str) -> PolarsResult<String> {
    let mut sql =
        String::from("-- The views of pbi-analyze over the files of its store, for DuckDB.\n");
    sql.push_str("SET TimeZone = 'UTC';\n");
    let files = scope.session.files().map(|path| quoted(&path)).collect::<Vec<_>>();
    if files.is_empty() {
        polars_bail!(ComputeError: "the store has no files, and so there is nothing to read");
    }
    let from = format!("read_parquet([{}], union_by_name = true)", files.join(", "));
    view(&mut sql, "pbi_events", &format!("SELECT * FROM {from}"));
    let own = families(&[Family::PowerBi, Family::Fabric, Family::PowerPlatform]);
    view(&mut sql, "pbi_own", &format!("SELECT * FROM pbi_events WHERE {own}"));
    for kind in &KINDS {
        view(&mut sql, kind.view, &latest_names(kind));
    }
    let operations = written(scope, "operations")?;
    view(&mut sql, "operations", &operations);
    for name in &scope.asked.views {
        let body = match name.as_str() {
            "events" => events(scope, Which::Period)?,
            "history" => events(scope, Which::History)?,
            "events_all" => events(scope, Which::All)?,
            "recipients" => receivers(scope)?,
            "operations" => continue,
            named if KINDS.iter().any(|kind| kind.view == named) => continue,
            other => written(scope, other)?,
        };
        view(&mut sql, name, &body);
    }
    let _ = writeln!(sql, "{statement};");
    Ok(sql)
}

fn view(sql: &mut String, name: &str, body: &str) {
    let _ = writeln!(sql, "CREATE OR REPLACE TEMP VIEW {name} AS\n{body};");
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    if texts.is_empty() { "''".to_owned() } else { texts.join(", ") }
}

fn families(families: &[Family]) -> String {
    let names = list(families.iter().map(|family| family.name()));
    format!("(WorkloadGroup IS NULL OR WorkloadGroup IN ({names}))")
}

fn filled(column: &str) -> String {
    format!("NULLIF({column}, '')")
}

fn id_of(kind: &Kind) -> String {
    match kind.view {
        "reports" => {
            "NULLIF(CASE WHEN COALESCE(AppReportId, '') <> '' AND COALESCE(AppId, '') = '' \
            THEN AppReportId ELSE ReportId END, '')"
                .to_owned()
        }
        _ => filled(kind.id_column),
    }
}

fn latest_names(kind: &Kind) -> String {
    let Kind { id, name, name_column, .. } = kind;
    let key = id_of(kind);
    format!(
        "SELECT {id}, {name} FROM (SELECT {key} AS {id}, {name_column} AS {name}, ROW_NUMBER() \
         OVER (PARTITION BY {key} ORDER BY CreationTime DESC NULLS LAST, Id DESC, \
         {name_column} DESC) AS place FROM pbi_own \
         WHERE {name_column} <> '' AND {key} IS NOT NULL) WHERE place = 1"
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Period,
    History,
    All,
}

const ACTIVITY: &str = "COALESCE(Activity, Operation)";
const IS_GUID: &str = "COALESCE(regexp_full_match(UserId, \
    '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'), FALSE)";
const IS_ANONYMOUS: &str = "COALESCE(lower(UserId) = 'anonymous', FALSE)";

fn is_service() -> String {
    format!("({IS_GUID} OR (COALESCE(UserType BETWEEN 3 AND 8, FALSE) AND NOT {IS_ANONYMOUS}))")
}

fn is_noise(level: NoiseLevel) -> String {
    let names = list(actors::noise(level));
    let pattern = match level {
        NoiseLevel::Wide => format!(
            " OR COALESCE({ACTIVITY} LIKE 'GetGatewayCluster%' OR {ACTIVITY} LIKE 'Get%AsAdmin' \
             OR {ACTIVITY} LIKE 'Get%ViaAdminApi', FALSE)"
        ),
        NoiseLevel::Default | NoiseLevel::Keep => String::new(),
    };
    format!("(COALESCE({ACTIVITY} IN ({names}), FALSE){pattern})")
}

/// The rows of a view of events, with what it adds to them.
fn events(scope: &Scope<'_>, which: Which) -> PolarsResult<String> {
    let session = scope.session;
    let mut tests = Vec::new();
    if which != Which::All {
        tests.push(families(scope.log.families()));
        if session.noise() != NoiseLevel::Keep && !scope.keeps_noise {
            tests.push(format!("NOT {}", is_noise(session.noise())));
        }
        match scope.actors {
            Actors::People => tests.push(format!("NOT {}", is_service())),
            Actors::Services => tests.push(is_service()),
            Actors::All => {}
        }
    }
    if which == Which::Period {
        tests.push(inside(scope));
    }
    tests.extend(filters(session.filters()));
    let tests = if tests.is_empty() { "TRUE".to_owned() } else { tests.join("\n    AND ") };

    let mut columns = String::new();
    let mut joins = String::new();
    for (name, expression) in simple(scope)? {
        if scope.asked.wants(name) {
            let _ = write!(columns, ",\n    {expression} AS {name}");
        }
    }
    for kind in &KINDS {
        let Kind { view, id, name, .. } = kind;
        if scope.asked.wants(id) || scope.asked.wants(name) {
            let _ = write!(columns, ",\n    {} AS {id}", id_of(kind));
        }
        if scope.asked.wants(name) {
            let _ = write!(columns, ",\n    of_{view}.{name} AS {name}");
            let _ = write!(
                joins,
                "\nLEFT JOIN {view} AS of_{view} ON of_{view}.{id} = {}",
                id_of(kind)
            );
        }
    }
    if ["category", "operation_group", "activity_label"].iter().any(|name| scope.asked.wants(name))
    {
        let label = format!("COALESCE(o.friendly_name, {ACTIVITY}) AS activity_label");
        let _ = write!(columns, ",\n    o.category, o.operation_group, {label}");
        // Under names of its own: events have an Operation too, and case does not tell them apart.
        let known = "SELECT operation AS known_operation, friendly_name, category, operation_group \
            FROM operations";
        let _ = write!(joins, "\nLEFT JOIN ({known}) AS o ON o.known_operation = {ACTIVITY}");
    }
    Ok(format!("SELECT t.*{columns}\nFROM pbi_events AS t{joins}\nWHERE {tests}"))
}

fn instant(us: i64) -> String {
    let time = DateTime::from_timestamp_micros(us).map(|time| time.to_rfc3339());
    format!("TIMESTAMPTZ '{}'", time.unwrap_or_default())
}

fn inside(scope: &Scope<'_>) -> String {
    let period = scope.session.period();
    let from = period.from_us().map(|us| format!("CreationTime >= {}", instant(us)));
    let to = period.to_us().map(|us| format!("CreationTime < {}", instant(us)));
    let both: Vec<String> = from.into_iter().chain(to).collect();
    match both.is_empty() {
        true => "(CreationTime IS NOT NULL OR TRUE)".to_owned(),
        false => format!("({})", both.join(" AND ")),
    }
}

fn filters(filters: &Filters) -> Vec<String> {
    let like = |column: &str, pattern: &str| {
        let pattern = pattern.to_lowercase().replace('\\', "\\\\").replace('%', "\\%");
        let pattern = quoted(&pattern.replace('_', "\\_").replace('*', "%"));
        format!("COALESCE(lower({column}) LIKE {pattern} ESCAPE '\\', FALSE)")
    };
    let any = |patterns: &[String], test: &dyn Fn(&str) -> String| {
        let tests: Vec<String> = patterns.iter().map(|pattern| test(pattern)).collect();
        (!tests.is_empty()).then(|| format!("({})", tests.join(" OR ")))
    };
    let named = |view: &'static str| {
        move |pattern: &str| match KINDS.iter().find(|kind| kind.view == view) {
            Some(kind) => {
                let (id, key, name) = (kind.id, id_of(kind), kind.name);
                let ids = format!("SELECT {id} FROM {view} WHERE {}", like(name, pattern));
                format!("{} OR COALESCE({key} IN ({ids}), FALSE)", like(&key, pattern))
            }
            None => "FALSE".to_owned(),
        }
    };
    let all = [
        any(&filters.workspaces, &named("workspaces")),
        any(&filters.reports, &named("reports")),
        any(&filters.users, &|pattern| like("UserId", pattern)),
        any(&filters.activities, &|pattern| like(ACTIVITY, pattern)),
    ];
    all.into_iter().flatten().collect()
}

/// The domain of a user in lower case.
fn domain(user: &str) -> String {
    let guest = format!("split_part({user}, '#ext#', 1)");
    format!(
        "NULLIF(CASE WHEN contains({user}, '#ext#') THEN CASE WHEN contains({guest}, '_') THEN \
         regexp_extract({guest}, '_([^_]*)$', 1) END WHEN contains({user}, '@') THEN \
         regexp_extract({user}, '@([^@]*)$', 1) END, '')"
    )
}

/// The added columns that are made from the event alone.
fn simple(scope: &Scope<'_>) -> PolarsResult<Vec<(&'static str, String)>> {
    let mut columns = times(scope);
    columns.extend(users(scope)?);
    let is_failed = "(COALESCE(IsSuccess = FALSE, FALSE) OR COALESCE(lower(ResultStatus) IN \
        ('failed', 'failure'), FALSE))";
    let personal = |column: &str| {
        format!(
            "COALESCE(lower({column}) = 'my workspace' OR \
             lower({column}) LIKE 'personalworkspace%', FALSE)"
        )
    };
    let personal = ["WorkspaceId", "WorkspaceName"].map(personal).join(" OR ");
    let method = format!("COALESCE(NULLIF(ConsumptionMethod, ''), {})", told(&agents::METHODS));
    let name = item(|_, _, name| filled(name));
    let name = format!("COALESCE({name}, NULLIF(ItemName, ''), NULLIF(ObjectDisplayName, ''))");
    columns.extend([
        ("is_noise", is_noise(scope.session.noise())),
        ("is_failed", is_failed.to_owned()),
        ("activity_name", ACTIVITY.to_owned()),
        ("is_personal_workspace", format!("({personal})")),
        ("consumption_method", method),
        ("browser", told(&agents::BROWSERS)),
        ("os", told(&agents::SYSTEMS)),
        ("item_kind", item(|kind, _, _| kind.to_owned())),
        ("item_id", item(|_, id, _| id.to_owned())),
        ("item_name", name),
    ]);
    Ok(columns)
}

/// What an instant is on the clocks of the zone, and in numbers.
fn times(scope: &Scope<'_>) -> Vec<(&'static str, String)> {
    let period = scope.session.period();
    let local = format!("timezone({}, CreationTime)", quoted(period.time_zone().name()));
    let utc = "timezone('UTC', CreationTime)";
    let in_period = match (period.from_us(), period.to_us()) {
        (None, None) => "CreationTime IS NOT NULL".to_owned(),
        _ => inside(scope),
    };
    let day_number =
        format!("CAST(date_diff('day', DATE '1970-01-01', CAST({local} AS DATE)) AS BIGINT)");
    let month = format!("CAST(year({local}) * 12 + month({local}) - 1 AS BIGINT)");
    vec![
        ("local_time", local.clone()),
        ("local_date", format!("CAST({local} AS DATE)")),
        ("local_day_number", day_number),
        ("local_hour", format!("CAST(hour({local}) AS BIGINT)")),
        ("local_weekday", format!("CAST(isodow({local}) AS BIGINT)")),
        ("local_week", format!("strftime({local}, '%G-W%V')")),
        ("local_month", format!("strftime({local}, '%Y-%m')")),
        ("local_month_number", month),
        ("utc_date", format!("CAST({utc} AS DATE)")),
        ("utc_hour", format!("CAST(hour({utc}) AS BIGINT)")),
        ("time_us", "epoch_us(CreationTime)".to_owned()),
        ("in_period", in_period),
    ]
}

/// Who it was.
fn users(scope: &Scope<'_>) -> PolarsResult<Vec<(&'static str, String)>> {
    let user = "lower(UserId)";
    let homes = scope.homes()?;
    let homes = list(homes.iter().map(String::as_str));
    let is_guest = format!(
        "COALESCE(UserType = 10, FALSE) OR COALESCE(contains({user}, '#ext#'), FALSE) OR \
         COALESCE(contains({user}, '@') AND \
         regexp_extract({user}, '@([^@]*)$', 1) NOT IN ({homes}), FALSE)"
    );
    let kind = format!(
        "CASE WHEN {IS_ANONYMOUS} THEN 'anonymous' WHEN {} THEN 'service' WHEN {is_guest} \
         THEN 'guest' ELSE 'person' END",
        is_service()
    );
    Ok(vec![
        ("user_id", filled(user)),
        ("user_domain", domain(user)),
        ("actor_kind", kind),
        ("is_service", is_service()),
    ])
}

/// The name beside the first word that stands in the user agent.
fn told(words: &[(&str, &str)]) -> String {
    let cases = words.iter().map(|(word, name)| {
        format!(" WHEN contains(lower(UserAgent), {}) THEN {}", quoted(word), quoted(name))
    });
    format!("CASE{} END", cases.collect::<String>())
}

const ARTIFACT: &str = "COALESCE(NULLIF(ArtifactKind, ''), 'Artifact')";

/// What an event is about, of kind, id and name.
fn item(pick: impl Fn(&str, &str, &str) -> String) -> String {
    let report = KINDS.first().map(id_of).unwrap_or_default();
    let models = list(items::MODELS);
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

/// The view of receivers.
fn receivers(scope: &Scope<'_>) -> PolarsResult<String> {
    let mut parts: Vec<String> = recipients::NESTED
        .iter()
        .map(|nested| {
            let names = nested.names.iter().map(|name| format!("NULLIF(one.{name}, '')"));
            let names = names.collect::<Vec<_>>().join(", ");
            let detail =
                nested.detail.map_or("NULL".to_owned(), |name| format!("NULLIF(one.{name}, '')"));
            format!(
                "SELECT Id, {} AS kind, COALESCE({names}) AS recipient, {detail} AS detail FROM \
                 (SELECT Id, unnest({}) AS one FROM pbi_own)",
                quoted(nested.kind),
                nested.column
            )
        })
        .collect();
    for (member, kind) in [("UsersAdded", "user added"), ("UsersRemoved", "user removed")] {
        parts.push(format!(
            "SELECT Id, '{kind}', one, NULL FROM \
             (SELECT Id, unnest(UserInformation.{member}) AS one FROM pbi_own)"
        ));
    }
    parts.push(
        "SELECT Id, 'role', \
         COALESCE(NULLIF(one.UserEmailAddress, ''), NULLIF(one.Identifier, '')), \
         NULLIF(one.GroupUserAccessRight, '') \
         FROM (SELECT Id, unnest(one.UserAccessList) AS one \
         FROM (SELECT Id, unnest(WorkspaceAccessList) AS one FROM pbi_own))"
            .to_owned(),
    );
    parts.push("SELECT Id, 'share', RecipientUPN, SharingPermission FROM pbi_own".to_owned());
    let homes = scope.homes()?;
    let homes = list(homes.iter().map(String::as_str));
    let domain = domain("recipient");
    let all = parts.join("\nUNION ALL ");
    Ok(format!(
        "SELECT *, (contains(recipient, '#ext#') OR COALESCE(recipient_domain NOT IN ({homes}), \
         FALSE)) AS is_external FROM (SELECT event_id, kind, recipient, detail, {domain} AS \
         recipient_domain FROM (SELECT Id AS event_id, kind, NULLIF(lower(recipient), '') AS \
         recipient, CAST(detail AS VARCHAR) AS detail FROM ({all}))) WHERE recipient IS NOT NULL"
    ))
}

/// A view whose rows are written out.
fn written(scope: &Scope<'_>, name: &str) -> PolarsResult<String> {
    let grid = cells::grid(&views::build(scope, name)?.collect()?)?;
    let types = views::columns().iter().filter(|column| column.view == name);
    let typed: Vec<(&str, &str)> = types.map(|column| (column.name, column.ty)).collect();
    let columns = grid.columns.iter().enumerate().map(|(at, column)| {
        let ty = typed.iter().find(|(name, _)| *name == column.name).map_or("text", |(_, ty)| ty);
        format!("CAST(c{at} AS {}) AS {}", ty.to_uppercase(), column.name)
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let places: Vec<String> = (0..grid.columns.len()).map(|at| format!("c{at}")).collect();
    let (rows, none) = values(&grid);
    let places = places.join(", ");
    Ok(format!("SELECT {columns} FROM (VALUES {rows}) AS rows_of({places}){none}"))
}

/// The rows as literals; of no rows, one that a condition takes away.
fn values(grid: &Grid) -> (String, &'static str) {
    let literal = |cell: &Cell| match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Text(text) => quoted(text),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Bool(truth) => truth.to_string(),
        Cell::Time { us } => instant(*us),
        Cell::LocalTime { us } => format!("make_timestamp({us})"),
        Cell::Date { days } => format!("DATE '1970-01-01' + {days}"),
    };
    let row = |cells: &Vec<Cell>| {
        format!("({})", cells.iter().map(literal).collect::<Vec<_>>().join(", "))
    };
    if grid.rows.is_empty() {
        return (row(&vec![Cell::Null; grid.columns.len()]), " WHERE FALSE");
    }
    (grid.rows.iter().map(row).collect::<Vec<_>>().join(",\n"), "")
}
