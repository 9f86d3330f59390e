//! The views that a statement reads.
//!
//! Owns: which views there are, what their columns mean (`columns.tsv`), and making one of them.
//! They add to Microsoft's columns what reports need and SQL dialects disagree on. Names of added
//! columns differ from Microsoft's by more than case, which most dialects ignore. Only what a
//! statement asks for is built. Must not know which statement that is.

pub(in crate::query) mod actors;
mod archive;
mod events;
pub(in crate::query) mod filters;
pub mod items;
pub(in crate::query) mod latest_names;
pub mod recipients;
pub mod user_agent;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use polars::prelude::*;

use crate::schema;
use crate::schema::tsv::{TsvError, parse_table, wrong_cell_count};

use crate::query::Session;
use crate::query::definition::report::{Actors, LogKind};
use crate::query::engine::memoize::null_if_empty;
use crate::query::engine::scan::EventTable;
use crate::query::guard::References;

pub use events::{entity_id, events_in_period};

/// One column of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewColumn {
    /// The view; `events` stands for `history` and `events_all` too, which have the same.
    pub view: &'static str,
    /// The column.
    pub name: &'static str,
    /// Its type in SQL.
    pub ty: &'static str,
    /// What it holds.
    pub meaning: &'static str,
}

/// Returns the columns of the views, except Microsoft's columns of events.
pub fn view_columns() -> &'static [ViewColumn] {
    static COLUMNS: LazyLock<Vec<ViewColumn>> =
        LazyLock::new(|| parse_columns().filter_map(Result::ok).collect());
    &COLUMNS
}

fn parse_columns() -> impl Iterator<Item = Result<ViewColumn, TsvError>> {
    parse_table(include_str!("columns.tsv"), |cells| match *cells {
        [view, name, ty, meaning] => Ok(ViewColumn { view, name, ty, meaning }),
        _ => Err(wrong_cell_count(cells, 4)),
    })
}

/// The views, in the order of their description.
pub fn view_names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names = vec!["events", "history", "events_all"];
        names.extend(
            view_columns().iter().skip_while(|column| column.view == "events").map(|c| c.view),
        );
        names.dedup();
        names
    });
    &NAMES
}

/// What the views of one answer follow.
pub struct ViewContext<'a> {
    /// The archive, the period and the filters.
    pub session: &'a Session<'a>,
    /// The events.
    pub table: EventTable<'a>,
    /// Whose events `events` and `history` hold.
    pub actors: Actors,
    /// Of which log.
    pub log: LogKind,
    /// Whether the noise stays in them.
    pub includes_noise: bool,
    /// The domains at home, where they are given.
    pub internal_domains: Option<BTreeSet<String>>,
    /// What the statement asks for.
    pub references: References,
}

impl ViewContext<'_> {
    /// The domains whose people are no guests.
    pub fn internal_domains(&self) -> PolarsResult<BTreeSet<String>> {
        match &self.internal_domains {
            Some(given) => Ok(given.clone()),
            None => self.session.internal_domains(),
        }
    }
}

/// Makes a view.
pub fn build_view(scope: &ViewContext<'_>, view: &str) -> PolarsResult<LazyFrame> {
    let session = scope.session;
    match view {
        "events" => events::events(scope),
        "history" => events::history(scope),
        "events_all" => events::events_all(scope),
        "operations" => operations(),
        "recipients" => recipients::recipients(scope),
        "days" => archive::days(session),
        "history_days" => archive::history_days(session),
        "period" => archive::period(session),
        "utc_days" => archive::utc_days(session),
        "sources" => archive::sources(session),
        "source_days" => archive::source_days(session),
        "source_warnings" => archive::source_warnings(session),
        "unknown_fields" => archive::unknown_fields(session),
        named => match latest_names::ENTITIES.iter().find(|kind| kind.view == named) {
            Some(kind) => {
                let table = session.name_lookup().names_of(kind.view)?.lazy();
                Ok(table.rename(["key", "name"], [kind.id, kind.name], true))
            }
            None => polars_bail!(ComputeError: "there is no view {named}"),
        },
    }
}

/// The catalogue of operations.
fn operations() -> PolarsResult<LazyFrame> {
    let all = schema::operations();
    let texts =
        |pick: fn(&schema::Operation) -> &'static str| all.iter().map(pick).collect::<Vec<_>>();
    let noise = |operation: &schema::Operation| operation.noise.name();
    let table = df!(
        "operation" => texts(|o| o.name),
        "friendly_name" => texts(|o| o.friendly_name),
        "category" => texts(|o| o.category),
        "item_kind" => texts(|o| o.item_kind),
        "operation_group" => texts(|o| o.group),
        "noise" => texts(noise),
        "note" => texts(|o| o.note)
    )?;
    // Nothing is known where the catalogue is silent.
    let columns = table.get_column_names_owned();
    let columns = columns.into_iter().map(|name| null_if_empty(col(name.clone())).alias(name));
    Ok(table.lazy().select(columns.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_columns_is_parsed() {
        let parsed: Result<Vec<ViewColumn>, TsvError> = parse_columns().collect();
        assert_eq!(parsed.unwrap().len(), view_columns().len());
    }
}
