//! Filters of a run: workspaces, reports, users and activities.
//!
//! A pattern is an id or a name, in any case; `*` matches any characters. Names of workspaces and
//! reports are the latest names. An event matches if it matches a pattern of every kind that has
//! patterns.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::views::actors;
use crate::query::views::entities::entity_id;
use crate::query::views::latest_names::NameLookup;
use crate::schema::is_wildcard_match;

/// Patterns of the events to include; an empty list includes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Patterns of ids or names of workspaces.
    pub workspaces: Vec<String>,
    /// Patterns of ids or names of reports.
    pub reports: Vec<String>,
    /// Patterns of users: addresses of people, ids of service principals.
    pub users: Vec<String>,
    /// Patterns of names of activities.
    pub activities: Vec<String>,
}

impl Filters {
    /// Returns true if there are no patterns.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
    }

    /// Returns the test that an event matches the filters; `None` if there are no patterns.
    pub fn to_expr(&self, lookup: &NameLookup<'_>) -> PolarsResult<Option<Expr>> {
        let mut all = Vec::new();
        if !self.workspaces.is_empty() {
            all.push(entity_filter(&self.workspaces, "workspaces", lookup)?);
        }
        if !self.reports.is_empty() {
            all.push(entity_filter(&self.reports, "reports", lookup)?);
        }
        if !self.users.is_empty() {
            let patterns = lowercase(&self.users);
            all.push(memoize::map_bool(col("UserId"), move |user| is_any_match(&patterns, user)));
        }
        if !self.activities.is_empty() {
            let patterns = lowercase(&self.activities);
            all.push(memoize::map_bool(actors::activity(), move |name| {
                is_any_match(&patterns, name)
            }));
        }
        Ok(all.into_iter().reduce(Expr::and))
    }
}

/// Returns the test that the id of an event, or its latest name, matches a pattern.
fn entity_filter(
    patterns: &[String],
    kind: &'static str,
    lookup: &NameLookup<'_>,
) -> PolarsResult<Expr> {
    let patterns = lowercase(patterns);
    let table = lookup.names_of(kind)?;
    let texts = |column: &str| PolarsResult::Ok(table.column(column)?.str()?.clone());
    let (ids, names) = (texts("key")?, texts("name")?);
    let named = ids.iter().zip(names.iter()).filter_map(|(id, name)| Some((id?, name?)));
    let ids: BTreeSet<String> = named
        .filter(|(_, name)| is_any_match(&patterns, name))
        .map(|(id, _)| id.to_owned())
        .collect();
    let test = move |id: &str| ids.contains(id) || is_any_match(&patterns, id);
    Ok(memoize::map_bool(entity_id(kind), test))
}

fn lowercase(patterns: &[String]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.to_lowercase()).collect()
}

fn is_any_match(patterns: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    patterns.iter().any(|pattern| is_wildcard_match(pattern, &text))
}
