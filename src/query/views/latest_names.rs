//! The latest name of a thing that keeps its id: a renamed report stays one report.
//!
//! Owns: which things have an id and a name, what "latest" means, and that each is looked up once.
//! Names are those of the event they come with, so the one with the last event counts - of events
//! of the same instant, the one with the greatest id.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use polars::prelude::*;

use crate::query::engine::scan::{self, EventTable};
use crate::query::views;

/// A kind of things that have an id and a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityKind {
    /// The view that lists them, of columns `<one>_id` and `<one>_name`.
    pub view: &'static str,
    /// Their id in views of events.
    pub id: &'static str,
    /// Their latest name in views of events.
    pub name: &'static str,
    /// The column of events that holds their id; the views say which report is meant.
    pub id_column: &'static str,
    /// The column of events that holds their name.
    pub name_column: &'static str,
}

/// All of them.
pub const ENTITIES: [EntityKind; 7] = [
    entity_kind("reports", "report_id", "report_name", "ReportId", "ReportName"),
    entity_kind("workspaces", "workspace_id", "workspace_name", "WorkspaceId", "WorkspaceName"),
    entity_kind("dashboards", "dashboard_id", "dashboard_name", "DashboardId", "DashboardName"),
    entity_kind(
        "semantic_models",
        "semantic_model_id",
        "semantic_model_name",
        "DatasetId",
        "DatasetName",
    ),
    entity_kind("dataflows", "dataflow_id", "dataflow_name", "DataflowId", "DataflowName"),
    entity_kind("apps", "app_id", "app_name", "AppId", "AppName"),
    entity_kind("capacities", "capacity_id", "capacity_name", "CapacityId", "CapacityName"),
];

const fn entity_kind(
    view: &'static str,
    id: &'static str,
    name: &'static str,
    id_column: &'static str,
    name_column: &'static str,
) -> EntityKind {
    EntityKind { view, id, name, id_column, name_column }
}

/// The names in an archive, looked up when they are first asked for.
pub struct NameLookup<'a> {
    table: EventTable<'a>,
    cache: Mutex<BTreeMap<&'static str, DataFrame>>,
}

impl<'a> NameLookup<'a> {
    /// Of the archive that this table is.
    pub fn new(table: EventTable<'a>) -> NameLookup<'a> {
        NameLookup { table, cache: Mutex::default() }
    }

    /// The things of the kind that this view lists: the columns `key` and `name`.
    pub fn names_of(&self, view: &'static str) -> PolarsResult<DataFrame> {
        // A panic elsewhere leaves the map as it was: an entry is put in whole.
        let mut tables = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(view) {
            return Ok(table.clone());
        }
        let Some(kind) = ENTITIES.iter().find(|kind| kind.view == view) else {
            polars_bail!(ComputeError: "{view} have no names")
        };
        let needed = [kind.id_column, kind.name_column].map(str::to_owned).into();
        let table = self.table.ensure_loaded(&needed)?;
        let table =
            latest_names(&table.in_scope_events()?, views::entity_id(view), kind.name_column)?;
        tables.insert(view, table.clone());
        Ok(table)
    }
}

/// One row for each key that ever had a name: the columns `key` and `name`.
///
/// Nearly always the time alone decides; ids, the widest column of all, are read only for keys
/// that bear two names at one instant.
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
    let one = |more: LazyFrame| more.select([col("key"), col("name")]);
    let clear = one(last.clone().lazy().filter(col("names").eq(lit(1))));
    let tied =
        last.lazy().filter(col("names").gt(lit(1))).select([col("key"), col("at")]).collect()?;
    if tied.height() == 0 {
        return clear.collect();
    }
    let both = [col("key"), col("at")];
    let tied = tied.lazy().unique(None, UniqueKeepStrategy::Any);
    let decided = named(&[col("Id").alias("id")])
        .join(tied, &both, &both, JoinArgs::new(JoinType::Inner))
        .group_by([col("key")])
        .agg([col("name")
            .sort_by([col("id"), col("name")], SortMultipleOptions::default())
            .last()]);
    concat([clear, one(decided)], UnionArgs::default())?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_decides_and_of_one_instant_the_greatest_id() {
        let names = ["old", "new", "newest", "B", "?", "", "x"];
        let events = df!(
            "Id" => ["1", "2", "9", "4", "5", "6", "7"],
            "CreationTime" => [10_i64, 20, 20, 20, 5, 30, 99],
            "ReportId" => [Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), Some("c"), None],
            "ReportName" => names
        );
        let names = latest_names(&events.unwrap().lazy(), col("ReportId"), "ReportName").unwrap();
        let names = names.sort(["key"], Default::default()).unwrap();
        let expected = df!("key" => ["a", "b"], "name" => ["newest", "B"]).unwrap();
        assert!(names.equals(&expected), "{names:?}");
    }
}
