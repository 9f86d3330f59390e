//! Writes the script: the views that a statement reads, then the statement.
//!
//! Views of the source log and of the catalog of operations are written as literal rows.

use std::fmt::Write;

use polars::prelude::*;
use sqlparser::ast::Statement;

use crate::grid::{Cell, Grid};
use crate::query::definition::report::Actors;
use crate::query::engine::to_grid;
use crate::query::portable::columns;
use crate::query::portable::expressions::{
    ACTIVITY_SQL, ScriptWriter, WRITTEN_ACTIVITY_SQL, domain_sql, entity_id_sql, own_address_sql,
};
use crate::query::views::columns::view_columns;
use crate::query::views::entities::{ENTITIES, EntityKind, ITEM_VIEWS};
use crate::query::views::noise::NoiseFilter;
use crate::query::views::pattern_filters::{FilterTarget, Filters};
use crate::query::views::{self, recipients};
use crate::schema::WorkloadGroup;

/// Events that a view contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EventScope {
    Period,
    History,
    All,
}

fn write_view(sql: &mut String, name: &str, body: &str) {
    let _ = writeln!(sql, "CREATE OR REPLACE TEMP VIEW {name} AS\n{body};");
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

/// Returns the view of events with the activity in the spelling of the catalog.
fn named_events_sql() -> String {
    let known =
        "SELECT operation AS known_activity, lower(operation) AS known_lower FROM operations";
    format!(
        "SELECT e.*, COALESCE(known_activity, {WRITTEN_ACTIVITY_SQL}) AS {ACTIVITY_SQL}\n\
         FROM pbi_files AS e LEFT JOIN ({known}) AS k \
         ON k.known_lower = lower({WRITTEN_ACTIVITY_SQL})"
    )
}

/// Returns the view of the latest names of items, over the kinds of items.
fn item_names_sql() -> String {
    let kinds = ENTITIES.iter().filter(|kind| ITEM_VIEWS.contains(&kind.view));
    let named = kinds.map(|kind| {
        let (key, name) = (entity_id_sql(kind), kind.name_column);
        format!(
            "SELECT {key} AS item_id, {name} AS item_name, CreationTime, ROW_NUMBER() OVER \
             (PARTITION BY {key} ORDER BY CreationTime DESC NULLS LAST, Id DESC, {name} DESC) \
             AS place FROM pbi_own WHERE {name} <> '' AND {key} IS NOT NULL"
        )
    });
    let named = named.collect::<Vec<_>>().join(" UNION ALL ");
    format!(
        "SELECT item_id, item_name FROM (SELECT item_id, item_name, ROW_NUMBER() OVER \
         (PARTITION BY item_id \
         ORDER BY CreationTime DESC NULLS LAST, item_name DESC) AS place_of_all \
         FROM ({named}) WHERE place = 1) WHERE place_of_all = 1"
    )
}

impl ScriptWriter<'_> {
    /// Returns the script of a statement.
    pub fn write(&self, statement: &Statement) -> PolarsResult<String> {
        let context = self.context;
        let files: Vec<String> = context.session.file_paths().collect();
        if files.is_empty() {
            polars_bail!(ComputeError: "the store has no data files; ingest events first");
        }
        let mut sql = self.dialect.preamble().to_owned();
        sql.push_str(&self.dialect.files_view("pbi_files", &files));
        write_view(&mut sql, "operations", &self.values_view("operations")?);
        write_view(&mut sql, "pbi_events", &named_events_sql());
        let in_scope = self.is_in_workload_groups(&[
            WorkloadGroup::PowerBi,
            WorkloadGroup::Fabric,
            WorkloadGroup::PowerPlatform,
        ]);
        write_view(&mut sql, "pbi_own", &format!("SELECT * FROM pbi_events WHERE {in_scope}"));
        for kind in &ENTITIES {
            write_view(&mut sql, kind.view, &latest_names_sql(kind));
        }
        for name in &context.references.views {
            let body = match name.as_str() {
                "events" => self.events_view(EventScope::Period)?,
                "history" => self.events_view(EventScope::History)?,
                "events_all" => self.events_view(EventScope::All)?,
                "recipients" => self.recipients_view()?,
                "operations" => continue,
                "item_names" => item_names_sql(),
                named if ENTITIES.iter().any(|kind| kind.view == named) => continue,
                other => self.values_view(other)?,
            };
            write_view(&mut sql, name, &body);
        }
        let _ = writeln!(sql, "{};", self.dialect.render_statement(statement)?);
        Ok(sql)
    }

    /// Returns a view of events with its added columns.
    fn events_view(&self, scope: EventScope) -> PolarsResult<String> {
        let references = &self.context.references;
        let mut columns = String::new();
        let mut joins = String::new();
        for (name, expression) in columns::added_columns(self)? {
            if references.has_column(name) {
                let _ = write!(columns, ",\n    {expression} AS {name}");
            }
        }
        for kind in &ENTITIES {
            let EntityKind { view, id, name, .. } = kind;
            if references.has_column(id) || references.has_column(name) {
                let _ = write!(columns, ",\n    {} AS {id}", entity_id_sql(kind));
            }
            if references.has_column(name) {
                let _ = write!(columns, ",\n    of_{view}.{name} AS {name}");
                let _ = write!(
                    joins,
                    "\nLEFT JOIN {view} AS of_{view} ON of_{view}.{id} = {}",
                    entity_id_sql(kind)
                );
            }
        }
        let catalog_columns = ["category", "operation_group", "activity_label"];
        if catalog_columns.iter().any(|name| references.has_column(name)) {
            let label = format!("COALESCE(o.friendly_name, {ACTIVITY_SQL}) AS activity_label");
            let _ = write!(columns, ",\n    o.category, o.operation_group, {label}");
            // Events have a column Operation, and SQL names ignore case.
            let known = "SELECT operation AS known_operation, friendly_name, category, \
                operation_group FROM operations";
            let _ =
                write!(joins, "\nLEFT JOIN ({known}) AS o ON o.known_operation = {ACTIVITY_SQL}");
        }
        let tests = self.event_conditions(scope)?;
        Ok(format!("SELECT t.*{columns}\nFROM pbi_events AS t{joins}\nWHERE {tests}"))
    }

    /// Returns the condition of the events that a view contains.
    fn event_conditions(&self, scope: EventScope) -> PolarsResult<String> {
        let (context, session) = (self.context, self.context.session);
        let mut tests = Vec::new();
        if scope != EventScope::All {
            tests.push(self.is_in_workload_groups(context.log.workload_groups()));
            if !context.includes_failed {
                tests.push(format!("NOT {}", self.is_failed()));
            }
            if session.noise_filter() != NoiseFilter::Include && !context.includes_noise {
                tests.push(format!("NOT {}", self.is_noise(session.noise_filter())));
            }
            match context.actors {
                Actors::People => tests.push(format!("NOT {}", self.is_service())),
                Actors::Services => tests.push(self.is_service()),
                Actors::All => {}
            }
        }
        if scope == EventScope::Period {
            tests.push(self.is_in_period());
        }
        tests.extend(self.filter_conditions(session.filters())?);
        Ok(if tests.is_empty() { "TRUE".to_owned() } else { tests.join("\n    AND ") })
    }

    /// Returns the conditions of the filters.
    fn filter_conditions(&self, filters: &Filters) -> PolarsResult<Vec<String>> {
        let added = columns::added_columns(self)?;
        let any = |patterns: &[String], test: &dyn Fn(&str) -> String| {
            let tests: Vec<String> = patterns.iter().map(|pattern| test(pattern)).collect();
            format!("({})", tests.join(" OR "))
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
        let user = |pattern: &str| {
            let own = own_address_sql("lower(UserId)");
            let [written, own] =
                ["UserId", &own].map(|column| self.matches_wildcard(column, pattern));
            format!("({written} OR {own})")
        };
        let item = |pattern: &str| {
            let [id, name] = ["item_id", "item_name"].map(|column| {
                let found = added.iter().find(|(added, _)| *added == column);
                found.map_or_else(|| "NULL".to_owned(), |(_, expression)| expression.clone())
            });
            let ids = format!(
                "SELECT item_id FROM ({}) AS i WHERE {}",
                item_names_sql(),
                self.matches_wildcard("item_name", pattern)
            );
            format!(
                "{} OR COALESCE({id} IN ({ids}), FALSE) OR {}",
                self.matches_wildcard(&id, pattern),
                self.matches_wildcard(&name, pattern)
            )
        };
        let test = |(target, patterns): (FilterTarget, &[String])| match target {
            FilterTarget::Entity(view) => any(patterns, &named(view)),
            FilterTarget::Item => any(patterns, &item),
            FilterTarget::User => any(patterns, &user),
            FilterTarget::Activity => {
                any(patterns, &|pattern| self.matches_wildcard(ACTIVITY_SQL, pattern))
            }
        };
        let included = filters.include.in_use().map(test);
        let excluded = filters.exclude.in_use().map(|kind| format!("NOT {}", test(kind)));
        Ok(included.chain(excluded).collect())
    }

    /// Returns the view of recipients.
    fn recipients_view(&self) -> PolarsResult<String> {
        let dialect = self.dialect;
        let one_of = |list: &str| format!("SELECT Id, {} AS one", dialect.explode(list));
        let mut parts: Vec<String> = recipients::RECIPIENT_LISTS
            .iter()
            .map(|list| {
                let names = list.name_members.iter().map(|name| format!("NULLIF(one.{name}, '')"));
                let names = names.collect::<Vec<_>>().join(", ");
                let detail = list
                    .detail_member
                    .map_or("NULL".to_owned(), |name| format!("NULLIF(one.{name}, '')"));
                format!(
                    "SELECT Id, {} AS kind, COALESCE({names}) AS recipient, {detail} AS detail \
                     FROM ({} FROM pbi_own)",
                    dialect.text_literal(list.kind),
                    one_of(list.column)
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
        for (recipient, detail) in recipients::PLATFORM_RECIPIENTS {
            parts.push(format!("SELECT Id, 'share', {recipient}, {detail} FROM pbi_own"));
        }
        let text = dialect.type_name("text");
        let all = parts.join("\nUNION ALL ");
        let all = format!(
            "SELECT Id AS event_id, kind, NULLIF(lower(recipient), '') AS recipient, \
             CAST(detail AS {text}) AS detail FROM ({all})"
        );
        // An address can be one of several in a text; a name is not divided.
        let each = dialect.explode("split(replace(recipient, ',', ';'), ';')");
        let each = format!(
            "SELECT event_id, kind, recipient, detail FROM ({all}) \
             WHERE NOT contains(recipient, '@') UNION ALL \
             SELECT event_id, kind, trim(one), detail FROM (SELECT event_id, kind, detail, \
             {each} AS one FROM ({all}) WHERE contains(recipient, '@')) WHERE trim(one) <> ''"
        );
        let (own, is_external) = (own_address_sql("recipient"), self.is_external("recipient")?);
        let domain = domain_sql("own");
        Ok(format!(
            "SELECT event_id, kind, own AS recipient, {domain} AS recipient_domain, is_external, \
             detail FROM (SELECT event_id, kind, {own} AS own, ({is_external}) AS is_external, \
             detail FROM ({each}))"
        ))
    }

    /// Returns a view with its rows as literals.
    fn values_view(&self, name: &str) -> PolarsResult<String> {
        let grid = to_grid::frame_to_grid(&views::build_view(self.context, name)?.collect()?)?;
        let types = view_columns().iter().filter(|column| column.view == name);
        let typed: Vec<(&str, &str)> = types.map(|column| (column.name, column.ty)).collect();
        let columns = grid.columns.iter().enumerate().map(|(at, column)| {
            let ty =
                typed.iter().find(|(name, _)| *name == column.name).map_or("text", |(_, ty)| ty);
            format!("CAST(c{at} AS {}) AS {}", self.dialect.type_name(ty), column.name)
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let names: Vec<String> = (0..grid.columns.len()).map(|at| format!("c{at}")).collect();
        let (rows, none) = self.values_rows(&grid);
        let names = names.join(", ");
        Ok(format!("SELECT {columns} FROM (VALUES {rows}) AS rows_of({names}){none}"))
    }

    /// Returns the rows as literals, and a condition. If there are no rows, it excludes the one row
    /// that `VALUES` needs.
    fn values_rows(&self, grid: &Grid) -> (String, &'static str) {
        let literal = |cell: &Cell| match cell {
            Cell::Null => "NULL".to_owned(),
            Cell::Text(text) => self.dialect.text_literal(text),
            Cell::Int(number) => number.to_string(),
            // A number with an exponent is a double; one with a decimal point would be a decimal.
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
