//! The views and the statement of a report as SQL for another engine, which reads the store's files
//! itself.
//!
//! Owns: the definition of every view in words that engines share; the words in which they differ
//! are a [`Dialect`]'s. Where a view is made of what the program remembers of sources, or of its
//! catalogue, its rows are written out. It is a second definition beside that of [`crate::query::views`],
//! on purpose: a test has every report answered by both.

mod columns;
mod dialect;
mod duckdb;
mod spark;

use std::fmt::Write;

use polars::prelude::*;
use sqlparser::ast::Statement;

use crate::grid::{Cell, Grid};
use crate::query::NoiseFilter;
use crate::query::definition::report::Actors;
use crate::query::engine::to_grid;
use crate::query::views::actors;
use crate::query::views::filters::Filters;
use crate::query::views::latest_names::{ENTITIES, EntityKind};
use crate::query::views::{self, ViewContext, recipients};
use crate::schema::WorkloadGroup;

use dialect::SqlDialect;
pub use dialect::SqlEngine;

/// The views that the statement reads, and the statement.
pub fn write_script(
    scope: &ViewContext<'_>,
    statement: &Statement,
    engine: SqlEngine,
) -> PolarsResult<String> {
    ScriptWriter { context: scope, dialect: engine.dialect() }.write(statement)
}

/// What views are written from.
struct ScriptWriter<'a> {
    context: &'a ViewContext<'a>,
    dialect: &'static dyn SqlDialect,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EventScope {
    Period,
    History,
    All,
}

const ACTIVITY_SQL: &str = "COALESCE(Activity, Operation)";
const IS_ANONYMOUS_SQL: &str = "COALESCE(lower(UserId) = 'anonymous', FALSE)";
const GUID_PATTERN: &str = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

fn write_view(sql: &mut String, name: &str, body: &str) {
    let _ = writeln!(sql, "CREATE OR REPLACE TEMP VIEW {name} AS\n{body};");
}

fn null_if_empty(column: &str) -> String {
    format!("NULLIF({column}, '')")
}

fn entity_id_sql(kind: &EntityKind) -> String {
    match kind.view {
        "reports" => {
            "NULLIF(CASE WHEN COALESCE(AppReportId, '') <> '' AND COALESCE(AppId, '') = '' \
            THEN AppReportId ELSE ReportId END, '')"
                .to_owned()
        }
        _ => null_if_empty(kind.id_column),
    }
}

fn latest_names_sql(kind: &EntityKind) -> String {
    let EntityKind { id, name, name_column, .. } = kind;
    let key = entity_id_sql(kind);
    format!(
        "SELECT {id}, {name} FROM (SELECT {key} AS {id}, {name_column} AS {name}, ROW_NUMBER() \
         OVER (PARTITION BY {key} ORDER BY CreationTime DESC NULLS LAST, Id DESC, \
         {name_column} DESC) AS place FROM pbi_own \
         WHERE {name_column} <> '' AND {key} IS NOT NULL) WHERE place = 1"
    )
}

impl ScriptWriter<'_> {
    fn write(&self, statement: &Statement) -> PolarsResult<String> {
        let scope = self.context;
        let files: Vec<String> = scope.session.file_paths().collect();
        if files.is_empty() {
            polars_bail!(ComputeError: "the store has no files, and so there is nothing to read");
        }
        let mut sql = self.dialect.preamble().to_owned();
        sql.push_str(&self.dialect.files_view("pbi_events", &files));
        let own = self.is_in_workload_groups(&[
            WorkloadGroup::PowerBi,
            WorkloadGroup::Fabric,
            WorkloadGroup::PowerPlatform,
        ]);
        write_view(&mut sql, "pbi_own", &format!("SELECT * FROM pbi_events WHERE {own}"));
        for kind in &ENTITIES {
            write_view(&mut sql, kind.view, &latest_names_sql(kind));
        }
        write_view(&mut sql, "operations", &self.values_view("operations")?);
        for name in &scope.references.views {
            let body = match name.as_str() {
                "events" => self.events_view(EventScope::Period)?,
                "history" => self.events_view(EventScope::History)?,
                "events_all" => self.events_view(EventScope::All)?,
                "recipients" => self.recipients_view()?,
                "operations" => continue,
                named if ENTITIES.iter().any(|kind| kind.view == named) => continue,
                other => self.values_view(other)?,
            };
            write_view(&mut sql, name, &body);
        }
        let _ = writeln!(sql, "{};", self.dialect.render_statement(statement)?);
        Ok(sql)
    }

    fn literal_list<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> String {
        let texts: Vec<String> =
            texts.into_iter().map(|text| self.dialect.text_literal(text)).collect();
        if texts.is_empty() { "''".to_owned() } else { texts.join(", ") }
    }

    fn is_in_workload_groups(&self, families: &[WorkloadGroup]) -> String {
        let names = self.literal_list(families.iter().map(|family| family.name()));
        format!("(WorkloadGroup IS NULL OR WorkloadGroup IN ({names}))")
    }

    fn is_service(&self) -> String {
        let is_guid = self.dialect.matches_regex("UserId", GUID_PATTERN);
        format!(
            "(COALESCE({is_guid}, FALSE) OR \
             (COALESCE(UserType BETWEEN 3 AND 8, FALSE) AND NOT {IS_ANONYMOUS_SQL}))"
        )
    }

    fn is_noise(&self, level: NoiseFilter) -> String {
        let names = self.literal_list(actors::noise_activities(level));
        let pattern = match level {
            NoiseFilter::ExcludeAllReads => format!(
                " OR COALESCE({ACTIVITY_SQL} LIKE 'GetGatewayCluster%' OR {ACTIVITY_SQL} LIKE \
                 'Get%AsAdmin' OR {ACTIVITY_SQL} LIKE 'Get%ViaAdminApi', FALSE)"
            ),
            NoiseFilter::Exclude | NoiseFilter::Include => String::new(),
        };
        format!("(COALESCE({ACTIVITY_SQL} IN ({names}), FALSE){pattern})")
    }

    /// The rows of a view of events, with what it adds to them.
    fn events_view(&self, which: EventScope) -> PolarsResult<String> {
        let (scope, asked) = (self.context, &self.context.references);
        let mut columns = String::new();
        let mut joins = String::new();
        for (name, expression) in self.added_columns()? {
            if asked.has_column(name) {
                let _ = write!(columns, ",\n    {expression} AS {name}");
            }
        }
        for kind in &ENTITIES {
            let EntityKind { view, id, name, .. } = kind;
            if asked.has_column(id) || asked.has_column(name) {
                let _ = write!(columns, ",\n    {} AS {id}", entity_id_sql(kind));
            }
            if asked.has_column(name) {
                let _ = write!(columns, ",\n    of_{view}.{name} AS {name}");
                let _ = write!(
                    joins,
                    "\nLEFT JOIN {view} AS of_{view} ON of_{view}.{id} = {}",
                    entity_id_sql(kind)
                );
            }
        }
        let of_catalogue = ["category", "operation_group", "activity_label"];
        if of_catalogue.iter().any(|name| scope.references.has_column(name)) {
            let label = format!("COALESCE(o.friendly_name, {ACTIVITY_SQL}) AS activity_label");
            let _ = write!(columns, ",\n    o.category, o.operation_group, {label}");
            // Under names of its own: events have an Operation too, and case does not tell them
            // apart.
            let known = "SELECT operation AS known_operation, friendly_name, category, \
                operation_group FROM operations";
            let _ =
                write!(joins, "\nLEFT JOIN ({known}) AS o ON o.known_operation = {ACTIVITY_SQL}");
        }
        let tests = self.event_conditions(which);
        Ok(format!("SELECT t.*{columns}\nFROM pbi_events AS t{joins}\nWHERE {tests}"))
    }

    /// Which events a view holds.
    fn event_conditions(&self, which: EventScope) -> String {
        let (scope, session) = (self.context, self.context.session);
        let mut tests = Vec::new();
        if which != EventScope::All {
            tests.push(self.is_in_workload_groups(scope.log.workload_groups()));
            if session.noise_filter() != NoiseFilter::Include && !scope.includes_noise {
                tests.push(format!("NOT {}", self.is_noise(session.noise_filter())));
            }
            match scope.actors {
                Actors::People => tests.push(format!("NOT {}", self.is_service())),
                Actors::Services => tests.push(self.is_service()),
                Actors::All => {}
            }
        }
        if which == EventScope::Period {
            tests.push(self.is_in_period());
        }
        tests.extend(self.filter_conditions(session.filters()));
        if tests.is_empty() { "TRUE".to_owned() } else { tests.join("\n    AND ") }
    }

    fn is_in_period(&self) -> String {
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

    /// Whether a column is like a pattern with stars, in any case.
    fn matches_wildcard(&self, column: &str, pattern: &str) -> String {
        let pattern = pattern.to_lowercase().replace('\\', "\\\\").replace('%', "\\%");
        let pattern = self.dialect.text_literal(&pattern.replace('_', "\\_").replace('*', "%"));
        let escape = self.dialect.text_literal("\\");
        format!("COALESCE(lower({column}) LIKE {pattern} ESCAPE {escape}, FALSE)")
    }

    fn filter_conditions(&self, filters: &Filters) -> Vec<String> {
        let any = |patterns: &[String], test: &dyn Fn(&str) -> String| {
            let tests: Vec<String> = patterns.iter().map(|pattern| test(pattern)).collect();
            (!tests.is_empty()).then(|| format!("({})", tests.join(" OR ")))
        };
        let named = |view: &'static str| {
            move |pattern: &str| match ENTITIES.iter().find(|kind| kind.view == view) {
                Some(kind) => {
                    let (id, key, name) = (kind.id, entity_id_sql(kind), kind.name);
                    let named = self.matches_wildcard(name, pattern);
                    let ids = format!("SELECT {id} FROM {view} WHERE {named}");
                    format!(
                        "{} OR COALESCE({key} IN ({ids}), FALSE)",
                        self.matches_wildcard(&key, pattern)
                    )
                }
                None => "FALSE".to_owned(),
            }
        };
        let all = [
            any(&filters.workspaces, &named("workspaces")),
            any(&filters.reports, &named("reports")),
            any(&filters.users, &|pattern| self.matches_wildcard("UserId", pattern)),
            any(&filters.activities, &|pattern| self.matches_wildcard(ACTIVITY_SQL, pattern)),
        ];
        all.into_iter().flatten().collect()
    }

    /// The view of receivers.
    fn recipients_view(&self) -> PolarsResult<String> {
        let words = self.dialect;
        let one_of = |list: &str| format!("SELECT Id, {} AS one", words.explode(list));
        let mut parts: Vec<String> = recipients::RECIPIENT_LISTS
            .iter()
            .map(|nested| {
                let names =
                    nested.name_members.iter().map(|name| format!("NULLIF(one.{name}, '')"));
                let names = names.collect::<Vec<_>>().join(", ");
                let detail = nested
                    .detail_member
                    .map_or("NULL".to_owned(), |name| format!("NULLIF(one.{name}, '')"));
                format!(
                    "SELECT Id, {} AS kind, COALESCE({names}) AS recipient, {detail} AS detail \
                     FROM ({} FROM pbi_own)",
                    words.text_literal(nested.kind),
                    one_of(nested.column)
                )
            })
            .collect();
        for (member, kind) in [("UsersAdded", "user added"), ("UsersRemoved", "user removed")] {
            let users = one_of(&format!("UserInformation.{member}"));
            parts.push(format!("SELECT Id, '{kind}', one, NULL FROM ({users} FROM pbi_own)"));
        }
        parts.push(format!(
            "SELECT Id, 'role', \
             COALESCE(NULLIF(one.UserEmailAddress, ''), NULLIF(one.Identifier, '')), \
             NULLIF(one.GroupUserAccessRight, '') FROM ({} FROM ({} FROM pbi_own))",
            one_of("one.UserAccessList"),
            one_of("WorkspaceAccessList")
        ));
        parts.push("SELECT Id, 'share', RecipientUPN, SharingPermission FROM pbi_own".to_owned());
        let homes = self.context.internal_domains()?;
        let homes = self.literal_list(homes.iter().map(String::as_str));
        let (domain, text) = (columns::user_domain_sql("recipient"), words.type_name("text"));
        let all = parts.join("\nUNION ALL ");
        Ok(format!(
            "SELECT *, (contains(recipient, '#ext#') OR COALESCE(recipient_domain NOT IN \
             ({homes}), FALSE)) AS is_external FROM (SELECT event_id, kind, recipient, detail, \
             {domain} AS recipient_domain FROM (SELECT Id AS event_id, kind, \
             NULLIF(lower(recipient), '') AS recipient, CAST(detail AS {text}) AS detail \
             FROM ({all}))) WHERE recipient IS NOT NULL"
        ))
    }

    /// A view whose rows are written out.
    fn values_view(&self, name: &str) -> PolarsResult<String> {
        let grid = to_grid::frame_to_grid(&views::build_view(self.context, name)?.collect()?)?;
        let types = views::view_columns().iter().filter(|column| column.view == name);
        let typed: Vec<(&str, &str)> = types.map(|column| (column.name, column.ty)).collect();
        let columns = grid.columns.iter().enumerate().map(|(at, column)| {
            let ty =
                typed.iter().find(|(name, _)| *name == column.name).map_or("text", |(_, ty)| ty);
            format!("CAST(c{at} AS {}) AS {}", self.dialect.type_name(ty), column.name)
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let places: Vec<String> = (0..grid.columns.len()).map(|at| format!("c{at}")).collect();
        let (rows, none) = self.values_rows(&grid);
        let places = places.join(", ");
        Ok(format!("SELECT {columns} FROM (VALUES {rows}) AS rows_of({places}){none}"))
    }

    /// The rows as literals; of no rows, one that a condition takes away.
    fn values_rows(&self, grid: &Grid) -> (String, &'static str) {
        let literal = |cell: &Cell| match cell {
            Cell::Null => "NULL".to_owned(),
            Cell::Text(text) => self.dialect.text_literal(text),
            Cell::Int(number) => number.to_string(),
            // With an exponent it is a double; with a point it would be a decimal.
            Cell::Float(number) => format!("{number:e}"),
            Cell::Bool(truth) => truth.to_string(),
            Cell::Time { us } => self.dialect.instant_literal(*us),
            Cell::LocalTime { us } => self.dialect.local_time_literal(*us),
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
}
