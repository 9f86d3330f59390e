//! Keeps the single row of a subquery that only aggregates.
//!
//! The planner removes columns that are not read. If no column of `SELECT MAX(x) FROM t` is read,
//! it removes the aggregate too, and the subquery has as many rows as its table. With DISTINCT, the
//! planner keeps all columns.

use sqlparser::ast::{Distinct, Expr, GroupByExpr, Query, Select, SetExpr};

use crate::query::guard::grouping::{has_aggregate, item_expr};

/// Adds DISTINCT to a query that aggregates all rows to one.
pub fn keep(query: &mut Query) {
    if let SetExpr::Select(select) = query.body.as_mut()
        && is_single_row(select)
    {
        select.distinct = Some(Distinct::Distinct);
    }
}

/// Returns true if a SELECT aggregates without groups.
fn is_single_row(select: &Select) -> bool {
    let is_ungrouped =
        matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let mut items = select.projection.iter().filter_map(item_expr);
    // Lists cannot be compared for DISTINCT.
    is_ungrouped
        && select.distinct.is_none()
        && items.clone().any(has_aggregate)
        && !items.any(is_list_aggregate)
}

fn is_list_aggregate(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function)
        if function.name.to_string().eq_ignore_ascii_case("array_agg"))
}
