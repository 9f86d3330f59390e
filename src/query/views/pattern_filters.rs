//! Filters of a run: workspaces, reports and other items, users and activities.
//!
//! A pattern is an id or a name, in any case; `*` matches any characters. Names of workspaces,
//! reports and other objects are the latest names. An item also matches by its name in the event. A
//! user matches by the address as reports show it, or by the user name in the log. An event matches
//! if it matches a pattern of every kind that has patterns, and none of the excluded patterns.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::views::addresses::own_address;
use crate::query::views::entities::entity_id;
use crate::query::views::latest_names::NameLookup;
use crate::query::views::{activities, items};
use crate::schema::is_wildcard_match;

/// Patterns of each kind; an empty list has no effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterPatterns {
    /// Patterns of ids or names of workspaces.
    pub workspaces: Vec<String>,
    /// Patterns of ids or names of reports.
    pub reports: Vec<String>,
    /// Patterns of ids or names of dashboards.
    pub dashboards: Vec<String>,
    /// Patterns of ids or names of semantic models.
    pub semantic_models: Vec<String>,
    /// Patterns of ids or names of apps.
    pub apps: Vec<String>,
    /// Patterns of ids or names of capacities.
    pub capacities: Vec<String>,
    /// Patterns of ids or names of the item that an event is about, of any kind.
    pub items: Vec<String>,
    /// Patterns of users: addresses of people, ids of service principals.
    pub users: Vec<String>,
    /// Patterns of names of activities.
    pub activities: Vec<String>,
}

/// Patterns of the events to include and to exclude.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Events must match a pattern of every kind that has patterns.
    pub include: FilterPatterns,
    /// Events must match none of these patterns.
    pub exclude: FilterPatterns,
}

/// Part of an event that is compared with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterTarget {
    /// The object of the kind that a view lists.
    Entity(&'static str),
    /// The item that the event is about.
    Item,
    /// The user.
    User,
    /// The activity.
    Activity,
}

impl FilterTarget {
    /// Returns the name of one such object.
    pub fn noun(self) -> &'static str {
        match self {
            FilterTarget::Entity("workspaces") => "workspace",
            FilterTarget::Entity("reports") => "report",
            FilterTarget::Entity("dashboards") => "dashboard",
            FilterTarget::Entity("semantic_models") => "semantic model",
            FilterTarget::Entity("apps") => "app",
            FilterTarget::Entity("capacities") => "capacity",
            FilterTarget::Entity(view) => view,
            FilterTarget::Item => "item",
            FilterTarget::User => "user",
            FilterTarget::Activity => "activity",
        }
    }
}

impl FilterPatterns {
    /// Returns the kinds that have patterns, with their patterns.
    pub fn in_use(&self) -> impl Iterator<Item = (FilterTarget, &[String])> {
        let all = [
            (FilterTarget::Entity("workspaces"), &self.workspaces),
            (FilterTarget::Entity("reports"), &self.reports),
            (FilterTarget::Entity("dashboards"), &self.dashboards),
            (FilterTarget::Entity("semantic_models"), &self.semantic_models),
            (FilterTarget::Entity("apps"), &self.apps),
            (FilterTarget::Entity("capacities"), &self.capacities),
            (FilterTarget::Item, &self.items),
            (FilterTarget::User, &self.users),
            (FilterTarget::Activity, &self.activities),
        ];
        let all = all.into_iter().map(|(target, patterns)| (target, patterns.as_slice()));
        all.filter(|(_, patterns)| !patterns.is_empty())
    }
}

impl Filters {
    /// Returns true if there are patterns.
    pub fn are_in_use(&self) -> bool {
        [&self.include, &self.exclude].into_iter().any(|side| side.in_use().next().is_some())
    }

    /// Returns the test that an event matches the filters; `None` if there are no patterns.
    pub fn to_expr(&self, lookup: &NameLookup<'_>) -> PolarsResult<Option<Expr>> {
        let mut all = Vec::new();
        for (target, patterns) in self.include.in_use() {
            all.push(target_filter(target, patterns, lookup)?);
        }
        for (target, patterns) in self.exclude.in_use() {
            all.push(target_filter(target, patterns, lookup)?.not());
        }
        Ok(all.into_iter().reduce(Expr::and))
    }

    /// Returns true if the filters include an activity.
    pub fn include_activity(&self, name: &str) -> bool {
        let Filters { include, exclude } = self;
        let is_included =
            include.activities.is_empty() || is_any_match(&lowercase(&include.activities), name);
        is_included && !is_any_match(&lowercase(&exclude.activities), name)
    }

    /// Returns the columns of the views of events whose sources the filters read.
    pub fn view_columns(&self) -> impl Iterator<Item = &'static str> {
        let all = self.include.in_use().chain(self.exclude.in_use());
        all.flat_map(|(target, _)| match target {
            FilterTarget::Entity("dashboards") => &["dashboard_name"][..],
            FilterTarget::Entity("semantic_models") => &["semantic_model_name"],
            FilterTarget::Entity("apps") => &["app_name"],
            FilterTarget::Item => &["item_id", "item_name"],
            // The sources of these are read for every report.
            FilterTarget::Entity(_) | FilterTarget::User | FilterTarget::Activity => &[],
        })
        .copied()
    }
}

/// Returns the test that an event matches one of the patterns of a kind.
fn target_filter(
    target: FilterTarget,
    patterns: &[String],
    lookup: &NameLookup<'_>,
) -> PolarsResult<Expr> {
    let patterns = lowercase(patterns);
    Ok(match target {
        FilterTarget::Entity(view) => {
            named_filter(patterns, entity_id(view), &lookup.names_of(view)?, "key", "name")?
        }
        FilterTarget::Item => {
            let names = lookup.item_names()?;
            let by_id =
                named_filter(patterns.clone(), items::id(), &names, "item_id", "item_name")?;
            let own = move |name: &str| is_any_match(&patterns, name);
            by_id.or(memoize::map_bool(items::name(), own))
        }
        FilterTarget::User => user_filter(patterns),
        FilterTarget::Activity => {
            activities::test_activity(move |name| is_any_match(&patterns, name))
        }
    })
}

/// Returns the test that an id, or its latest name in a table, matches a pattern.
fn named_filter(
    patterns: Vec<String>,
    id: Expr,
    table: &DataFrame,
    key: &str,
    name: &str,
) -> PolarsResult<Expr> {
    let texts = |column: &str| PolarsResult::Ok(table.column(column)?.str()?.clone());
    let (ids, names) = (texts(key)?, texts(name)?);
    let named = ids.iter().zip(names.iter()).filter_map(|(id, name)| Some((id?, name?)));
    let ids: BTreeSet<String> = named
        .filter(|(_, name)| is_any_match(&patterns, name))
        .map(|(id, _)| id.to_owned())
        .collect();
    let test = move |id: &str| ids.contains(id) || is_any_match(&patterns, id);
    Ok(memoize::map_bool(id, test))
}

/// Returns the test that the user of an event matches a pattern.
fn user_filter(patterns: Vec<String>) -> Expr {
    memoize::map_bool(col("UserId"), move |user| {
        let own = own_address(&user.to_lowercase());
        is_any_match(&patterns, user) || is_any_match(&patterns, &own)
    })
}

/// Returns patterns in lower case.
pub fn lowercase(patterns: &[String]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.to_lowercase()).collect()
}

/// Returns true if a text matches one of the patterns, which are in lower case.
pub fn is_any_match(patterns: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    patterns.iter().any(|pattern| is_wildcard_match(pattern, &text))
}
