//! Plans that need less memory on the streaming engine, with the same rows.

use std::sync::Arc;

use polars::prelude::*;

use crate::query::engine::coded_groups;

/// Returns a plan with the same rows, whose groups compare codes and whose joins keep only the rows
/// of the second table. That table must be small.
///
/// The result can be collected once.
pub fn lean(plan: LazyFrame) -> PolarsResult<LazyFrame> {
    let plan = coded_groups::group_by_codes(plan)?;
    Ok(LazyFrame::from(with_small_sides(plan.logical_plan)))
}

/// Lets joins of a plan keep the rows of the second table. Without it, the engine first reads up to
/// ten times as many rows of the first table as the second one has, to compare the sizes.
fn with_small_sides(plan: DslPlan) -> DslPlan {
    let of_input = |input: Arc<DslPlan>| Arc::new(with_small_sides(Arc::unwrap_or_clone(input)));
    match plan {
        DslPlan::Select { expr, input, options } => {
            DslPlan::Select { expr, input: of_input(input), options }
        }
        DslPlan::HStack { input, exprs, options } => {
            DslPlan::HStack { input: of_input(input), exprs, options }
        }
        DslPlan::Filter { input, predicate } => {
            DslPlan::Filter { input: of_input(input), predicate }
        }
        DslPlan::MapFunction { input, function } => {
            DslPlan::MapFunction { input: of_input(input), function }
        }
        DslPlan::GroupBy { input, keys, predicates, aggs, maintain_order, options, apply } => {
            let input = of_input(input);
            DslPlan::GroupBy { input, keys, predicates, aggs, maintain_order, options, apply }
        }
        DslPlan::Distinct { input, options } => {
            DslPlan::Distinct { input: of_input(input), options }
        }
        DslPlan::Join { input_left, input_right, left_on, right_on, predicates, options } => {
            let input_left = of_input(input_left);
            let mut options = Arc::unwrap_or_clone(options);
            options.args.build_side = Some(JoinBuildSide::ForceRight);
            let options = Arc::new(options);
            DslPlan::Join { input_left, input_right, left_on, right_on, predicates, options }
        }
        // A plan whose columns were asked for.
        DslPlan::IR { dsl, .. } => with_small_sides(Arc::unwrap_or_clone(dsl)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::engine::{exact, scan};

    #[test]
    fn joins_keep_the_second_table_and_return_the_same_rows() {
        let mut tables = exact::new_context();
        let many: Vec<i64> = (0..1_000).map(|n| n % 7).collect();
        tables.register("many", df!("a" => many).unwrap().lazy());
        tables
            .register("few", df!("b" => [1_i64, 2, 2, 9], "c" => [5_i64, 6, 7, 8]).unwrap().lazy());
        for join in ["INNER", "LEFT"] {
            let sql = format!(
                "SELECT a, c, COUNT(*) AS n FROM many {join} JOIN few ON a = b WHERE a > 1 \
                 GROUP BY a, c"
            );
            let plan = tables.execute(&sql).unwrap();
            let lean_plan = lean(plan.clone()).unwrap();
            let mut join = &lean_plan.logical_plan;
            let options = loop {
                join = match join {
                    DslPlan::Join { options, .. } => break options,
                    DslPlan::Select { input, .. }
                    | DslPlan::HStack { input, .. }
                    | DslPlan::Filter { input, .. }
                    | DslPlan::MapFunction { input, .. }
                    | DslPlan::GroupBy { input, .. } => input,
                    DslPlan::IR { dsl, .. } => dsl,
                    _ => panic!("no join in {}", lean_plan.describe_plan().unwrap()),
                };
            };
            assert_eq!(options.args.build_side, Some(JoinBuildSide::ForceRight));
            let collect = |plan: LazyFrame| {
                let rows = plan.collect_with_engine(scan::STREAMING).unwrap().unwrap_single();
                rows.sort(["a", "c"], SortMultipleOptions::default()).unwrap()
            };
            let expected = collect(plan);
            assert!(expected.height() > 1);
            assert!(collect(lean_plan).equals_missing(&expected), "{sql}");
        }
    }
}
