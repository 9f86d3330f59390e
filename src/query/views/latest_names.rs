//! The latest name of each object: a renamed report stays one report.
//!
//! The name in the last event counts. Among events of the same instant, the one with the greatest
//! id counts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use polars::prelude::*;

use crate::query::engine::scan::{self, EventTable};
use crate::query::views::entities::{ENTITIES, ITEM_VIEWS, entity_id};

/// Latest names in an archive, looked up on first use.
pub struct NameLookup<'a> {
    table: EventTable<'a>,
    cache: Mutex<BTreeMap<&'static str, DataFrame>>,
}

impl<'a> NameLookup<'a> {
    /// Creates a lookup over the events of `table`.
    pub fn new(table: EventTable<'a>) -> NameLookup<'a> {
        NameLookup { table, cache: Mutex::default() }
    }

    /// Returns the objects that `view` lists: a table with the columns `key` and `name`.
    pub fn names_of(&self, view: &'static str) -> PolarsResult<DataFrame> {
        self.dated_names_of(view)?.select(["key", "name"])
    }

    /// Returns the latest name of each item, over the kinds of items: a table with the columns
    /// `item_id` and `item_name`. One id can have names of several kinds.
    pub fn item_names(&self) -> PolarsResult<DataFrame> {
        let tables: PolarsResult<Vec<LazyFrame>> =
            ITEM_VIEWS.iter().map(|view| Ok(self.dated_names_of(view)?.lazy())).collect();
        let by_time = SortMultipleOptions::default();
        concat(tables?, UnionArgs::default())?
            .group_by([col("key")])
            .agg([col("name").sort_by([col("at"), col("name")], by_time).last()])
            .select([col("key").alias("item_id"), col("name").alias("item_name")])
            .collect()
    }

    /// Returns the objects that `view` lists: the columns `key`, `name` and `at`, the time of the
    /// name.
    fn dated_names_of(&self, view: &'static str) -> PolarsResult<DataFrame> {
        // Entries are inserted whole, so a panic elsewhere cannot leave half an entry.
        let mut tables = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(view) {
            return Ok(table.clone());
        }
        let Some(kind) = ENTITIES.iter().find(|kind| kind.view == view) else {
            polars_bail!(ComputeError: "the view {view} has no names")
        };
        let needed = [kind.id_column, kind.name_column].map(str::to_owned).into();
        let table = self.table.ensure_loaded(&needed)?;
        let table = latest_names(&table.in_scope_events()?, entity_id(view), kind.name_column)?;
        tables.insert(view, table.clone());
        Ok(table)
    }
}

/// Returns one row for each key that ever had a name: the columns `key`, `name` and `at`, the time
/// of the name in microseconds since 1970.
///
/// In most archives the time alone decides. Ids, the widest column, are read only for keys that
/// have two names at one instant.
pub fn latest_names(events: &LazyFrame, key: Expr, name: &str) -> PolarsResult<DataFrame> {
    let named = col(name).is_not_null().and(col(name).neq(lit("")));
    let time = col("CreationTime").cast(DataType::Int64).fill_null(lit(i64::MIN));
    let columns = [key.alias("key"), col(name).alias("name"), time.alias("at")];
    let named = |more: &[Expr]| {
        let columns: Vec<Expr> = columns.iter().chain(more).cloned().collect();
        events.clone().filter(named.clone()).select(columns).filter(col("key").is_not_null())
    };
    let seen = named(&[]).group_by([col("key"), col("name")]).agg([col("at").max()]);
    let last = scan::collect_streaming(seen)?
        .lazy()
        .filter(col("at").eq(col("at").max().over([col("key")])?))
        .with_column(len().over([col("key")])?.alias("names"))
        .collect()?;
    let one = |more: LazyFrame| more.select([col("key"), col("name"), col("at")]);
    let clear = one(last.clone().lazy().filter(col("names").eq(lit(1))));
    let tied =
        last.lazy().filter(col("names").gt(lit(1))).select([col("key"), col("at")]).collect()?;
    if tied.height() == 0 {
        return clear.collect();
    }
    let both = [col("key"), col("at")];
    let tied = tied.lazy().unique(None, UniqueKeepStrategy::Any);
    let decided =
        named(&[col("Id").alias("id")]).join(tied, &both, &both, JoinArgs::new(JoinType::Inner));
    let decided = scan::collect_streaming(decided)?.lazy().group_by([col("key")]).agg([
        col("name").sort_by([col("id"), col("name")], SortMultipleOptions::default()).last(),
        col("at").max(),
    ]);
    concat([clear, one(decided)], UnionArgs::default())?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_event_decides_and_greatest_id_breaks_ties() {
        let names = ["old", "new", "newest", "B", "?", "", "x"];
        let events = df!(
            "Id" => ["1", "2", "9", "4", "5", "6", "7"],
            "CreationTime" => [10_i64, 20, 20, 20, 5, 30, 99],
            "ReportId" => [Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), Some("c"), None],
            "ReportName" => names
        );
        let names = latest_names(&events.unwrap().lazy(), col("ReportId"), "ReportName").unwrap();
        let names = names.sort(["key"], Default::default()).unwrap();
        let expected = df!("key" => ["a", "b"], "name" => ["newest", "B"], "at" => [20_i64, 20]);
        let expected = expected.unwrap();
        assert!(names.equals(&expected), "{names:?}");
    }
}
