//! Filters of a run: workspaces, reports, capacities, users and activities.
//!
//! A pattern is an id or a name, in any case; `*` matches any characters. Names of workspaces,
//! reports and capacities are the latest names. A user matches by the address as reports show it,
//! or by the user name in the log. An event matches if it matches a pattern of every kind that has
//! patterns, and none of the excluded patterns.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::views::activities;
use crate::query::views::addresses::own_address;
use crate::query::views::entities::entity_id;
use crate::query::views::latest_names::NameLookup;
use crate::schema::is_wildcard_match;

/// Patterns of the events to include or exclude; an empty list includes all, or excludes none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Patterns of ids or names of workspaces.
    pub workspaces: Vec<String>,
    /// Patterns of ids or names of reports.
    pub reports: Vec<String>,
    /// Patterns of ids or names of capacities.
    pub capacities: Vec<String>,
    /// Patterns of users: addresses of people, ids of service principals.
    pub users: Vec<String>,
    /// Patterns of names of activities.
    pub activities: Vec<String>,
    /// Patterns of ids or names of workspaces to exclude.
    pub excluded_workspaces: Vec<String>,
    /// Patterns of ids or names of reports to exclude.
    pub excluded_reports: Vec<String>,
    /// Patterns of users to exclude.
    pub excluded_users: Vec<String>,
}

impl Filters {
    /// Returns true if there are no patterns.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
    }

    /// Returns the test that an event matches the filters; `None` if there are no patterns.
    pub fn to_expr(&self, lookup: &NameLookup<'_>) -> PolarsResult<Option<Expr>> {
        let mut all = Vec::new();
        for (patterns, view) in [
            (&self.workspaces, "workspaces"),
            (&self.reports, "reports"),
            (&self.capacities, "capacities"),
        ] {
            if !patterns.is_empty() {
                all.push(entity_filter(patterns, view, lookup)?);
            }
        }
        if !self.users.is_empty() {
            all.push(user_filter(&self.users));
        }
        if !self.activities.is_empty() {
            let patterns = lowercase(&self.activities);
            all.push(memoize::map_bool(activities::activity(), move |name| {
                is_any_match(&patterns, name)
            }));
        }
        for (patterns, view) in
            [(&self.excluded_workspaces, "workspaces"), (&self.excluded_reports, "reports")]
        {
            if !patterns.is_empty() {
                all.push(entity_filter(patterns, view, lookup)?.not());
            }
        }
        if !self.excluded_users.is_empty() {
            all.push(user_filter(&self.excluded_users).not());
        }
        Ok(all.into_iter().reduce(Expr::and))
    }

    /// Returns true if the filters include an activity.
    pub fn include_activity(&self, name: &str) -> bool {
        self.activities.is_empty() || is_any_match(&lowercase(&self.activities), name)
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

/// Returns the test that the user of an event matches a pattern.
fn user_filter(patterns: &[String]) -> Expr {
    let patterns = lowercase(patterns);
    memoize::map_bool(col("UserId"), move |user| {
        let own = own_address(&user.to_lowercase());
        is_any_match(&patterns, user) || is_any_match(&patterns, &own)
    })
}

fn lowercase(patterns: &[String]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.to_lowercase()).collect()
}

fn is_any_match(patterns: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    patterns.iter().any(|pattern| is_wildcard_match(pattern, &text))
}
