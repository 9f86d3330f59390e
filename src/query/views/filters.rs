//! Which workspaces, reports, people and activities an answer is about.
//!
//! Owns: what a filter matches. A pattern is an id or a name, in any case, `*` standing for
//! anything; names of workspaces and reports are the latest. Several patterns of one kind are
//! alternatives; kinds restrict one another. Must not know views other than by their columns.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::views;
use crate::query::views::{actors, latest_names};

/// What an answer is about; everything where nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Ids or names of workspaces.
    pub workspaces: Vec<String>,
    /// Ids or names of reports.
    pub reports: Vec<String>,
    /// Addresses of people, ids of service principals.
    pub users: Vec<String>,
    /// Names of activities.
    pub activities: Vec<String>,
}

impl Filters {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
    }

    /// Whether an event is among what is named; `None` if everything is.
    pub fn to_expr(&self, known: &latest_names::NameLookup<'_>) -> PolarsResult<Option<Expr>> {
        let mut all = Vec::new();
        if !self.workspaces.is_empty() {
            all.push(entity_filter(&self.workspaces, "workspaces", known)?);
        }
        if !self.reports.is_empty() {
            all.push(entity_filter(&self.reports, "reports", known)?);
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

/// By the id itself, or by the latest name of it.
fn entity_filter(
    patterns: &[String],
    kind: &'static str,
    known: &latest_names::NameLookup<'_>,
) -> PolarsResult<Expr> {
    let patterns = lowercase(patterns);
    let table = known.names_of(kind)?;
    let texts = |column: &str| PolarsResult::Ok(table.column(column)?.str()?.clone());
    let (ids, names) = (texts("key")?, texts("name")?);
    let named = ids.iter().zip(names.iter()).filter_map(|(id, name)| Some((id?, name?)));
    let ids: BTreeSet<String> = named
        .filter(|(_, name)| is_any_match(&patterns, name))
        .map(|(id, _)| id.to_owned())
        .collect();
    let test = move |id: &str| ids.contains(id) || is_any_match(&patterns, id);
    Ok(memoize::map_bool(views::entity_id(kind), test))
}

fn lowercase(patterns: &[String]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.to_lowercase()).collect()
}

fn is_any_match(patterns: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    patterns.iter().any(|pattern| is_wildcard_match(pattern, &text))
}

/// Whether a text is one of a pattern's, `*` standing for any letters or none.
fn is_wildcard_match(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place is as good as any other: what follows can only be further on.
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*@contoso.com", "ann@contoso.com", true),
            ("*@contoso.com", "ann@contoso.com.example", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("ü*", "üß", true),
        ] {
            assert_eq!(is_wildcard_match(pattern, text), expected, "{pattern} {text}");
        }
    }
}
