//! Groups of a plan by one integer in place of several keys.
//!
//! `top-reports` counts the distinct people of each report and workspace. Its groups are a person,
//! a report and a workspace, with more than a hundred bytes of IDs, and the streaming engine keeps
//! the keys of most rows until it has read all of them. With codes, a row has four bytes, and a
//! person of a group eight.

use std::sync::Arc;

use polars::prelude::*;

use crate::query::engine::row_codes::{self, RowCodes};

/// Name of the column with the code of the group. No view has columns with a space.
const GROUP: &str = "group code";

/// Returns a plan with the same rows, whose last GROUP BY or DISTINCT compares codes. A plan
/// without one, or whose keys have no codes, stays as it is.
pub fn group_by_codes(plan: LazyFrame) -> PolarsResult<LazyFrame> {
    Ok(LazyFrame::from(coded(plan.logical_plan)?))
}

fn coded(plan: DslPlan) -> PolarsResult<DslPlan> {
    let of_input = |input: Arc<DslPlan>| Ok::<_, PolarsError>(Arc::new(coded(owned(input))?));
    Ok(match plan {
        DslPlan::Select { expr, input, options } => {
            DslPlan::Select { expr, input: of_input(input)?, options }
        }
        DslPlan::HStack { input, exprs, options } => {
            DslPlan::HStack { input: of_input(input)?, exprs, options }
        }
        DslPlan::MapFunction { input, function } => {
            DslPlan::MapFunction { input: of_input(input)?, function }
        }
        DslPlan::GroupBy { ref input, ref keys, ref predicates, ref aggs, apply: None, .. }
            if predicates.is_empty() =>
        {
            let input = LazyFrame::from(owned(Arc::clone(input)));
            grouped(&input, keys, aggs)?.map_or(plan, |groups| groups.logical_plan)
        }
        DslPlan::Distinct { ref input, ref options } if options.subset.is_none() => {
            let mut input = LazyFrame::from(owned(Arc::clone(input)));
            let keys: Vec<Expr> = input.collect_schema()?.iter_names_cloned().map(col).collect();
            grouped(&input, &keys, &[])?.map_or(plan, |groups| groups.logical_plan)
        }
        // A plan whose columns were asked for.
        DslPlan::IR { dsl, .. } => coded(owned(dsl))?,
        other => other,
    })
}

fn owned(plan: Arc<DslPlan>) -> DslPlan {
    Arc::unwrap_or_clone(plan)
}

/// Returns the groups of a plan; `None` if their keys have no codes.
fn grouped(input: &LazyFrame, keys: &[Expr], aggs: &[Expr]) -> PolarsResult<Option<LazyFrame>> {
    let schema = input.clone().select(keys).collect_schema()?;
    let Some(codes) = RowCodes::new(schema.iter_values()) else { return Ok(None) };
    let mut firsts = Firsts { input, columns: Vec::new() };
    let aggs: PolarsResult<Vec<Expr>> =
        aggs.iter().map(|agg| firsts.aggregate(agg.clone())).collect();
    let decoded = schema.iter_names_cloned().enumerate();
    let decoded = decoded.map(|(at, name)| codes.decode(col(GROUP), at).alias(name));
    let aggs = aggs?;
    let names = aggs.iter().map(|agg| agg.clone().meta().output_name().map(col));
    let results = decoded.map(Ok).chain(names).collect::<PolarsResult<Vec<_>>>()?;
    let rows = input
        .clone()
        .with_columns([codes.encode(keys.to_vec()).alias(GROUP)])
        .with_columns(firsts.columns);
    Ok(Some(rows.group_by([col(GROUP)]).agg(aggs).select(results)))
}

/// Columns that are true in the first row of a group with a value.
struct Firsts<'a> {
    input: &'a LazyFrame,
    columns: Vec<Expr>,
}

impl Firsts<'_> {
    /// Returns an aggregate that sums such a column where it would count distinct values.
    ///
    /// The SQL of the engine calculates COUNT(DISTINCT …) as the number of distinct values, null
    /// included, minus one if there is a null. It would group the rows by the value too.
    fn aggregate(&mut self, aggregate: Expr) -> PolarsResult<Expr> {
        aggregate.try_map_expr(|expr| {
            let Expr::BinaryExpr { left, op: Operator::Minus, right } = &expr else {
                return Ok(expr);
            };
            let Expr::Agg(AggExpr::NUnique(value)) = left.as_ref() else { return Ok(expr) };
            let value = value.as_ref().clone();
            // Other forms, such as FILTER (WHERE …), change the number of rows.
            let is_of_row = (&value).into_iter().all(is_of_one_row);
            if !is_of_row || **right != value.clone().null_count().gt(lit(0)) {
                return Ok(expr);
            }
            let schema = self.input.clone().select([value.clone()]).collect_schema()?;
            let Some((value_name, ty)) = schema.iter().next() else { return Ok(expr) };
            let Some(first) = row_codes::is_first(col(GROUP), value, ty) else { return Ok(expr) };
            let name = PlSmallStr::from_string(format!("first {}", self.columns.len()));
            self.columns.push(first.alias(name.clone()));
            // An aggregate without a name of its own has the name of its value.
            Ok(col(name).sum().alias(value_name.clone()))
        })
    }
}

/// Returns true if the value of an expression in a row depends on no other rows, its inputs aside.
fn is_of_one_row(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_)
        | Expr::Literal(_)
        | Expr::Alias(..)
        | Expr::Cast { .. }
        | Expr::BinaryExpr { .. }
        | Expr::Ternary { .. } => true,
        Expr::AnonymousFunction { options, .. } => options.is_elementwise(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::engine::{exact, scan};
    use polars::sql::SQLContext;

    fn tables() -> SQLContext {
        let rows = df!(
            "person" => [Some("ann"), Some("bob"), None, Some("ann"), Some(""), None, Some("ann")],
            "item" => [Some("one"), Some("one"), Some("one"), None, None, Some("two"), Some("one")],
            "day" => [1_i64, 2, 2, 3, 3, 3, 3],
            "share" => [0.5, 0.5, 0.25, 1.0, 1.0, 0.5, 0.5]
        );
        let tables = exact::new_context();
        tables.register("t", rows.unwrap().lazy());
        tables
    }

    fn collected(plan: LazyFrame) -> DataFrame {
        let rows = plan.collect_with_engine(scan::STREAMING).unwrap().unwrap_single();
        let names: Vec<PlSmallStr> = rows.get_column_names_owned();
        rows.sort(names, SortMultipleOptions::default().with_nulls_last(true)).unwrap()
    }

    #[test]
    fn rows_of_coded_groups_are_those_of_the_keys() {
        for sql in [
            "SELECT person, item, COUNT(*) AS n FROM t GROUP BY person, item",
            "SELECT item, COUNT(DISTINCT person) AS people, COUNT(DISTINCT day) AS days, \
             MAX(person) AS last FROM t GROUP BY item",
            "SELECT COALESCE(item, '') AS i, person, COUNT(DISTINCT person) AS one, \
             COUNT(DISTINCT item || 'x') AS items FROM t GROUP BY COALESCE(item, ''), person",
            "SELECT UPPER(item) AS i, day + 1 AS next, SUM(day) AS days FROM t GROUP BY item, day",
            "SELECT DISTINCT person, item FROM t",
            "SELECT DISTINCT person || 'x' AS x, day FROM t WHERE item = 'one'",
            "SELECT CASE WHEN day = 3 THEN item END AS late, COUNT(DISTINCT item) AS items FROM t \
             GROUP BY CASE WHEN day = 3 THEN item END",
            "SELECT COUNT(DISTINCT person) FILTER (WHERE day > 1) AS n, item FROM t GROUP BY item",
            "SELECT day, COUNT(*) AS n, COUNT(person) AS people FROM t GROUP BY day",
            "SELECT 'x' AS x, COUNT(DISTINCT share) AS n, COUNT(DISTINCT day) AS m FROM t \
             GROUP BY x",
            "SELECT COUNT(DISTINCT person) + COUNT(DISTINCT day) AS both, item FROM t \
             GROUP BY item",
            "SELECT item, COUNT(DISTINCT CASE WHEN day > 2 THEN person END) AS n FROM t \
             GROUP BY item",
        ] {
            let plan = tables().execute(sql).unwrap();
            let expected = collected(plan.clone());
            let coded = group_by_codes(plan).unwrap();
            assert!(coded.describe_plan().unwrap().contains(GROUP), "{sql}");
            let rows = collected(coded);
            assert_eq!(rows.schema(), expected.schema(), "{sql}");
            assert!(rows.equals_missing(&expected), "{sql}: {rows} {expected}");
        }
    }

    #[test]
    fn distinct_values_are_not_grouped() {
        let sql = "SELECT item, COUNT(DISTINCT person) AS people, COUNT(DISTINCT day) AS days \
             FROM t GROUP BY item";
        let coded = group_by_codes(tables().execute(sql).unwrap()).unwrap();
        let plan = coded.describe_plan().unwrap();
        assert!(!plan.contains("n_unique") && plan.contains("first 1"), "{plan}");
    }

    /// The engine processes rows in batches, on several threads.
    #[test]
    fn distinct_values_of_many_rows_are_counted() {
        let count = 400_000_i64;
        let person: StringChunked =
            (0..count).map(|n| (n % 13 > 0).then(|| format!("person {}", n * 7 % 5_003))).collect();
        let rows = df!(
            "item" => (0..count).map(|n| n * n % 97).collect::<Vec<_>>(),
            "person" => person.into_series()
        );
        let mut tables = exact::new_context();
        tables.register("t", rows.unwrap().lazy());
        let sql = "SELECT item, COUNT(DISTINCT person) AS people, COUNT(DISTINCT item) AS one \
             FROM t GROUP BY item";
        let plan = tables.execute(sql).unwrap();
        let coded = group_by_codes(plan.clone()).unwrap();
        assert!(collected(coded).equals(&collected(plan)));
    }

    #[test]
    fn plan_without_codes_is_unchanged() {
        for sql in [
            "SELECT person FROM t WHERE day = 3",
            "SELECT share, COUNT(*) AS n FROM t GROUP BY share",
            "SELECT COUNT(DISTINCT person) AS n FROM t",
        ] {
            let plan = tables().execute(sql).unwrap();
            let coded = group_by_codes(plan.clone()).unwrap();
            assert_eq!(coded.describe_plan().unwrap(), plan.describe_plan().unwrap(), "{sql}");
        }
    }
}
