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
use crate::query::NoiseLevel;
use crate::query::definition::catalog::Actors;
use crate::query::engine::to_grid;
use crate::query::views::actors;
use crate::query::views::filters::Filters;
use crate::query::views::latest_names::{KINDS, Kind};
use crate::query::views::{self, Scope, recipients};
use crate::schema::WorkloadGroup;

use dialect::Dialect;
pub use dialect::Engine;

/// The views that the statement reads, and the statement.
pub fn script(scope: &Scope<'_>, statement: &Statement, engine: Engine) -> PolarsResult<String> {
    Script { scope, words: engine.dialect() }.written_with(statement)
}

/// What views are written from.
struct Script<'a> {
    scope: &'a Scope<'a>,
    words: &'static dyn Dialect,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Period,
    History,
    All,
}

const ACTIVITY: &str = "COALESCE(Activity, Operation)";
const IS_ANONYMOUS: &str = "COALESCE(lower(UserId) = 'anonymous', FALSE)";
const GUID: &str = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

fn view(sql: &mut String, name: &str, body: &str) {
    let _ = writeln!(sql, "CREATE OR REPLACE TEMP VIEW {name} AS\n{body};");
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

impl Script<'_> {
    fn written_with(&self, statement: &Statement) -> PolarsResult<String> {
        let scope = self.scope;
        let files: Vec<String> = scope.session.files().collect();
        if files.is_empty() {
            polars_bail!(ComputeError: "the store has no files, and so there is nothing to read");
        }
        let mut sql = self.words.preamble().to_owned();
        sql.push_str(&self.words.files("pbi_events", &files));
        let own = self.families(&[WorkloadGroup::PowerBi, WorkloadGroup::Fabric, WorkloadGroup::PowerPlatform]);
        view(&mut sql, "pbi_own", &format!("SELECT * FROM pbi_events WHERE {own}"));
        for kind in &KINDS {
            view(&mut sql, kind.view, &latest_names(kind));
        }
        view(&mut sql, "operations", &self.rows("operations")?);
        for name in &scope.asked.views {
            let body = match name.as_str() {
                "events" => self.events(Which::Period)?,
                "history" => self.events(Which::History)?,
                "events_all" => self.events(Which::All)?,
                "recipients" => self.receivers()?,
                "operations" => continue,
                named if KINDS.iter().any(|kind| kind.view == named) => continue,
                other => self.rows(other)?,
            };
            view(&mut sql, name, &body);
        }
        let _ = writeln!(sql, "{};", self.words.statement(statement)?);
        Ok(sql)
    }

    fn list<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> String {
        let texts: Vec<String> = texts.into_iter().map(|text| self.words.text(text)).collect();
        if texts.is_empty() { "''".to_owned() } else { texts.join(", ") }
    }

    fn families(&self, families: &[WorkloadGroup]) -> String {
        let names = self.list(families.iter().map(|family| family.name()));
        format!("(WorkloadGroup IS NULL OR WorkloadGroup IN ({names}))")
    }

    fn is_service(&self) -> String {
        let is_guid = self.words.fits("UserId", GUID);
        format!(
            "(COALESCE({is_guid}, FALSE) OR \
             (COALESCE(UserType BETWEEN 3 AND 8, FALSE) AND NOT {IS_ANONYMOUS}))"
        )
    }

    fn is_noise(&self, level: NoiseLevel) -> String {
        let names = self.list(actors::noise(level));
        let pattern = match level {
            NoiseLevel::Wide => format!(
                " OR COALESCE({ACTIVITY} LIKE 'GetGatewayCluster%' OR {ACTIVITY} LIKE \
                 'Get%AsAdmin' OR {ACTIVITY} LIKE 'Get%ViaAdminApi', FALSE)"
            ),
            NoiseLevel::Default | NoiseLevel::Keep => String::new(),
        };
        format!("(COALESCE({ACTIVITY} IN ({names}), FALSE){pattern})")
    }

    /// The rows of a view of events, with what it adds to them.
    fn events(&self, which: Which) -> PolarsResult<String> {
        let (scope, asked) = (self.scope, &self.scope.asked);
        let mut columns = String::new();
        let mut joins = String::new();
        for (name, expression) in self.simple()? {
            if asked.wants(name) {
                let _ = write!(columns, ",\n    {expression} AS {name}");
            }
        }
        for kind in &KINDS {
            let Kind { view, id, name, .. } = kind;
            if asked.wants(id) || asked.wants(name) {
                let _ = write!(columns, ",\n    {} AS {id}", id_of(kind));
            }
            if asked.wants(name) {
                let _ = write!(columns, ",\n    of_{view}.{name} AS {name}");
                let _ = write!(
                    joins,
                    "\nLEFT JOIN {view} AS of_{view} ON of_{view}.{id} = {}",
                    id_of(kind)
                );
            }
        }
        let of_catalogue = ["category", "operation_group", "activity_label"];
        if of_catalogue.iter().any(|name| scope.asked.wants(name)) {
            let label = format!("COALESCE(o.friendly_name, {ACTIVITY}) AS activity_label");
            let _ = write!(columns, ",\n    o.category, o.operation_group, {label}");
            // Under names of its own: events have an Operation too, and case does not tell them
            // apart.
            let known = "SELECT operation AS known_operation, friendly_name, category, \
                operation_group FROM operations";
            let _ = write!(joins, "\nLEFT JOIN ({known}) AS o ON o.known_operation = {ACTIVITY}");
        }
        let tests = self.tests(which);
        Ok(format!("SELECT t.*{columns}\nFROM pbi_events AS t{joins}\nWHERE {tests}"))
    }

    /// Which events a view holds.
    fn tests(&self, which: Which) -> String {
        let (scope, session) = (self.scope, self.scope.session);
        let mut tests = Vec::new();
        if which != Which::All {
            tests.push(self.families(scope.log.families()));
            if session.noise() != NoiseLevel::Keep && !scope.keeps_noise {
                tests.push(format!("NOT {}", self.is_noise(session.noise())));
            }
            match scope.actors {
                Actors::People => tests.push(format!("NOT {}", self.is_service())),
                Actors::Services => tests.push(self.is_service()),
                Actors::All => {}
            }
        }
        if which == Which::Period {
            tests.push(self.inside());
        }
        tests.extend(self.filters(session.filters()));
        if tests.is_empty() { "TRUE".to_owned() } else { tests.join("\n    AND ") }
    }

    fn inside(&self) -> String {
        let period = self.scope.session.period();
        let instant = |us| self.words.instant(us);
        let from = period.from_us().map(|us| format!("CreationTime >= {}", instant(us)));
        let to = period.to_us().map(|us| format!("CreationTime < {}", instant(us)));
        let both: Vec<String> = from.into_iter().chain(to).collect();
        match both.is_empty() {
            true => "(CreationTime IS NOT NULL OR TRUE)".to_owned(),
            false => format!("({})", both.join(" AND ")),
        }
    }

    /// Whether a column is like a pattern with stars, in any case.
    fn like(&self, column: &str, pattern: &str) -> String {
        let pattern = pattern.to_lowercase().replace('\\', "\\\\").replace('%', "\\%");
        let pattern = self.words.text(&pattern.replace('_', "\\_").replace('*', "%"));
        let escape = self.words.text("\\");
        format!("COALESCE(lower({column}) LIKE {pattern} ESCAPE {escape}, FALSE)")
    }

    fn filters(&self, filters: &Filters) -> Vec<String> {
        let any = |patterns: &[String], test: &dyn Fn(&str) -> String| {
            let tests: Vec<String> = patterns.iter().map(|pattern| test(pattern)).collect();
            (!tests.is_empty()).then(|| format!("({})", tests.join(" OR ")))
        };
        let named = |view: &'static str| {
            move |pattern: &str| match KINDS.iter().find(|kind| kind.view == view) {
                Some(kind) => {
                    let (id, key, name) = (kind.id, id_of(kind), kind.name);
                    let named = self.like(name, pattern);
                    let ids = format!("SELECT {id} FROM {view} WHERE {named}");
                    format!("{} OR COALESCE({key} IN ({ids}), FALSE)", self.like(&key, pattern))
                }
                None => "FALSE".to_owned(),
            }
        };
        let all = [
            any(&filters.workspaces, &named("workspaces")),
            any(&filters.reports, &named("reports")),
            any(&filters.users, &|pattern| self.like("UserId", pattern)),
            any(&filters.activities, &|pattern| self.like(ACTIVITY, pattern)),
        ];
        all.into_iter().flatten().collect()
    }

    /// The view of receivers.
    fn receivers(&self) -> PolarsResult<String> {
        let words = self.words;
        let one_of = |list: &str| format!("SELECT Id, {} AS one", words.each(list));
        let mut parts: Vec<String> = recipients::NESTED
            .iter()
            .map(|nested| {
                let names = nested.names.iter().map(|name| format!("NULLIF(one.{name}, '')"));
                let names = names.collect::<Vec<_>>().join(", ");
                let detail = nested
                    .detail
                    .map_or("NULL".to_owned(), |name| format!("NULLIF(one.{name}, '')"));
                format!(
                    "SELECT Id, {} AS kind, COALESCE({names}) AS recipient, {detail} AS detail \
                     FROM ({} FROM pbi_own)",
                    words.text(nested.kind),
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
        let homes = self.scope.homes()?;
        let homes = self.list(homes.iter().map(String::as_str));
        let (domain, text) = (columns::domain("recipient"), words.type_name("text"));
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
    fn rows(&self, name: &str) -> PolarsResult<String> {
        let grid = to_grid::grid(&views::build(self.scope, name)?.collect()?)?;
        let types = views::columns().iter().filter(|column| column.view == name);
        let typed: Vec<(&str, &str)> = types.map(|column| (column.name, column.ty)).collect();
        let columns = grid.columns.iter().enumerate().map(|(at, column)| {
            let ty =
                typed.iter().find(|(name, _)| *name == column.name).map_or("text", |(_, ty)| ty);
            format!("CAST(c{at} AS {}) AS {}", self.words.type_name(ty), column.name)
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let places: Vec<String> = (0..grid.columns.len()).map(|at| format!("c{at}")).collect();
        let (rows, none) = self.values(&grid);
        let places = places.join(", ");
        Ok(format!("SELECT {columns} FROM (VALUES {rows}) AS rows_of({places}){none}"))
    }

    /// The rows as literals; of no rows, one that a condition takes away.
    fn values(&self, grid: &Grid) -> (String, &'static str) {
        let literal = |cell: &Cell| match cell {
            Cell::Null => "NULL".to_owned(),
            Cell::Text(text) => self.words.text(text),
            Cell::Int(number) => number.to_string(),
            // With an exponent it is a double; with a point it would be a decimal.
            Cell::Float(number) => format!("{number:e}"),
            Cell::Bool(truth) => truth.to_string(),
            Cell::Time { us } => self.words.instant(*us),
            Cell::LocalTime { us } => self.words.local_time(*us),
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
