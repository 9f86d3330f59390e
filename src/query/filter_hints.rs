//! Finds the patterns of filters that match nothing in the archive, and names that are near.

use polars::prelude::*;

use crate::Result;

use crate::query::engine::error::run_engine;
use crate::query::engine::scan;
use crate::query::required_columns;
use crate::query::session::Session;
use crate::query::views::pattern_filters::{FilterTarget, is_any_match};
use crate::query::views::{activities, actor_kinds, items};
use crate::schema::guid::is_guid;

/// Maximum number of names to suggest for a pattern.
const MAX_NAMES: usize = 3;

/// Minimum length of a text that may be a part of a name, in characters.
const MIN_PART: usize = 3;

/// Pattern of a filter that matches nothing in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedPattern {
    /// Kind of the values that the pattern is compared with, for example "workspace".
    pub noun: &'static str,
    /// The pattern.
    pub pattern: String,
    /// Names in the archive that are near, the nearest first.
    pub near: Vec<String>,
}

impl Session<'_> {
    /// Returns the patterns of included objects that match nothing in the archive, at any time.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn unmatched_patterns(&self) -> Result<Vec<UnmatchedPattern>> {
        let mut unmatched = Vec::new();
        for (target, patterns) in self.filters().include.in_use() {
            let known = run_engine("filters", || self.known_names(target))?;
            for pattern in patterns {
                let lower = [pattern.to_lowercase()];
                if !known.iter().any(|name| is_any_match(&lower, name)) {
                    let near = near_names(pattern, &known);
                    unmatched.push(UnmatchedPattern {
                        noun: target.noun(),
                        pattern: pattern.clone(),
                        near,
                    });
                }
            }
        }
        Ok(unmatched)
    }

    /// Returns the distinct ids and names with which patterns of a kind are compared.
    fn known_names(&self, target: FilterTarget) -> PolarsResult<Vec<String>> {
        let texts = |table: &DataFrame| {
            let mut texts = Vec::new();
            for column in table.columns() {
                texts.extend(column.str()?.iter().flatten().map(str::to_owned));
            }
            PolarsResult::Ok(texts)
        };
        let read = match target {
            FilterTarget::Entity(view) => return texts(&self.name_lookup().names_of(view)?),
            FilterTarget::Item => vec![items::id(), items::name()],
            FilterTarget::User => vec![actor_kinds::user_id(), col("UserId")],
            FilterTarget::Activity => vec![activities::activity()],
        };
        let columns = required_columns::filter_columns(self.filters());
        let events = self.table().ensure_loaded(&columns)?.in_scope_events()?;
        let mut known = Vec::new();
        for column in read {
            let column = events.clone().select([column.alias("known")]);
            let distinct = column.unique(None, UniqueKeepStrategy::Any);
            known.extend(texts(&scan::collect_streaming(distinct)?)?);
        }
        if target == FilterTarget::Item {
            known.extend(texts(&self.name_lookup().item_names()?)?);
        }
        Ok(known)
    }
}

/// Returns the names that contain the pattern, then those that differ from it least.
fn near_names(pattern: &str, known: &[String]) -> Vec<String> {
    let wanted = pattern.to_lowercase().replace('*', "");
    let wanted = wanted.trim();
    let mut near: Vec<(bool, usize, &String)> = Vec::new();
    for name in known.iter().filter(|name| !is_guid(&name.to_lowercase())) {
        let lower = name.to_lowercase();
        let is_part = wanted.chars().count() >= MIN_PART && lower.contains(wanted);
        let distance = strsim::osa_distance(wanted, &lower);
        if is_part || distance * 2 < lower.chars().count() {
            near.push((!is_part, distance, name));
        }
    }
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(MAX_NAMES).map(|(_, _, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_the_text_come_first_then_similar_ones() {
        let known = ["Finance EMEA", "Finance US", "Fiance", "Sales", "Finance US"];
        let known = known.map(str::to_owned);
        assert_eq!(near_names("financ", &known), ["Finance US", "Finance EMEA", "Fiance"]);
        assert_eq!(near_names("*Slaes", &known), ["Sales"]);
        assert!(near_names("fi", &known).is_empty(), "two characters are in too many names");
        assert!(near_names("weather", &known).is_empty());
        let id = ["0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".to_owned()];
        assert!(near_names("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f1", &id).is_empty(), "an id");
    }
}
