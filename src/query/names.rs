//! The latest name of a thing that keeps its id: a renamed report stays one report.
//!
//! Owns: what "latest" means. Names are those of the event they come with, so the one with the
//! last event counts - of events of the same instant, the one with the greatest id. Must not know
//! which things there are.

use polars::prelude::*;

/// One row for each key that ever had a name: the columns `key` and `name`.
///
/// Nearly always the time alone decides; ids, the widest column of all, are read only for keys
/// that bear two names at one instant.
pub fn latest(events: &LazyFrame, key: Expr, name: &str) -> PolarsResult<DataFrame> {
    let named = col(name).is_not_null().and(col(name).neq(lit("")));
    let time = col("CreationTime").cast(DataType::Int64).fill_null(lit(i64::MIN));
    let columns = [key.alias("key"), col(name).alias("name"), time.alias("at")];
    let named = |more: &[Expr]| {
        let columns: Vec<Expr> = columns.iter().chain(more).cloned().collect();
        events.clone().filter(named.clone()).select(columns).filter(col("key").is_not_null())
    };
    let last = named(&[])
        .group_by([col("key"), col("name")])
        .agg([col("at").max()])
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
        let names = latest(&events.unwrap().lazy(), col("ReportId"), "ReportName").unwrap();
        let names = names.sort(["key"], Default::default()).unwrap();
        let expected = df!("key" => ["a", "b"], "name" => ["newest", "B"]).unwrap();
        assert!(names.equals(&expected), "{names:?}");
    }
}
