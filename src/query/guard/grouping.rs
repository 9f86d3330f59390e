//! Checks groups: every column next to an aggregate is grouped, and a SELECT does not mix
//! aggregates and windows.
//!
//! In other engines, a column that is neither grouped nor aggregated is an error. This engine
//! returns the aggregate on every row, or a list.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, GroupByExpr, Query, Select, SelectItem, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::query::guard::functions::{is_aggregate, is_quantile};
use crate::query::guard::refusal::{GuardResult, refuse};

/// Returns true if an expression contains an aggregate, outside of windows and subqueries.
pub fn has_aggregate(expr: &Expr) -> bool {
    has_matching_expr(
        expr,
        |expr| matches!(expr, Expr::Function(function) if is_aggregate(function)),
    )
}

/// Returns true if an expression calls a function, outside of subqueries.
pub fn has_call(expr: &Expr) -> bool {
    has_matching_expr(expr, |expr| matches!(expr, Expr::Function(_) | Expr::Extract { .. }))
}

/// Returns true if an expression contains a column of that name, outside of subqueries.
pub fn has_column(expr: &Expr, name: &str) -> bool {
    has_matching_expr(expr, |expr| match expr {
        Expr::Identifier(ident) => ident.value == name,
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|part| part.value == name),
        _ => false,
    })
}

fn has_window(expr: &Expr) -> bool {
    has_matching_expr(
        expr,
        |expr| matches!(expr, Expr::Function(function) if function.over.is_some()),
    )
}

/// Refuses a SELECT whose groups other engines refuse or understand differently.
pub fn check(select: &Select) -> GuardResult {
    let items: Vec<&Expr> = select.projection.iter().filter_map(item_expr).collect();
    if let Some(condition) = &select.selection
        && (has_aggregate(condition) || has_window(condition))
    {
        return refuse(
            "WHERE cannot contain an aggregate or OVER; \
             compute it in a WITH, then compare with it",
        );
    }
    let GroupByExpr::Expressions(grouped, _) = &select.group_by else {
        return refuse("GROUP BY ALL is not supported; name the columns");
    };
    let having = select.having.iter();
    let aggregated = items.iter().copied().chain(having).any(has_aggregate);
    if grouped.is_empty() && !aggregated {
        return ControlFlow::Continue(());
    }
    if items.iter().any(|item| has_window(item)) {
        return refuse("OVER cannot be next to GROUP BY or an aggregate; group in a WITH first");
    }
    if items.len() < select.projection.len() {
        return refuse("* cannot be next to GROUP BY or an aggregate; name the columns");
    }
    let keys = group_keys(grouped, &select.projection);
    for item in items {
        check_quantiles(item, &keys)?;
        let mut search = UngroupedColumnFinder { keys: &keys, covered_depth: 0 };
        if let ControlFlow::Break(column) = item.visit(&mut search) {
            return refuse(format!(
                "{column} is neither in GROUP BY nor in an aggregate; \
                 add it to GROUP BY, or write MIN({column})"
            ));
        }
    }
    ControlFlow::Continue(())
}

/// Refuses a quantile of a grouped column, which the engine calculates over all rows.
fn check_quantiles(item: &Expr, keys: &BTreeSet<String>) -> GuardResult {
    struct QuantileFinder<'a>(&'a BTreeSet<String>);
    impl Visitor for QuantileFinder<'_> {
        type Break = String;
        fn pre_visit_expr(&mut self, expr: &Expr) -> GuardResult {
            let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
            let is_key = |expr: &Expr| {
                matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
                    && self.0.contains(&unqualified_text(expr))
            };
            if is_quantile(function) && has_matching_expr(expr, is_key) {
                return refuse(format!(
                    "{function}: a quantile of a column of GROUP BY is calculated over all rows; \
                     write MIN"
                ));
            }
            ControlFlow::Continue(())
        }
    }
    item.visit(&mut QuantileFinder(keys))
}

/// Refuses function calls without FROM, for which the engine returns no row.
pub fn check_without_from(select: &Select) -> GuardResult {
    let mut items = select.projection.iter().filter_map(item_expr);
    if select.from.is_empty() && items.any(has_call) {
        return refuse(
            "a function without FROM returns no row; write FROM period, a view with one row",
        );
    }
    ControlFlow::Continue(())
}

/// Returns the expression of a result column; `None` for `*`.
pub fn item_expr(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// Returns the keys of GROUP BY without table names: as written, and the expressions that a name or
/// a number in GROUP BY refers to.
fn group_keys(grouped: &[Expr], projection: &[SelectItem]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for key in grouped {
        keys.insert(unqualified_text(key));
        let referred = match key {
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) => {
                    number.parse::<usize>().ok().and_then(|at| projection.get(at.checked_sub(1)?))
                }
                _ => None,
            },
            Expr::Identifier(name) => projection.iter().find(|item| {
                matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == name.value)
            }),
            _ => None,
        };
        keys.extend(referred.and_then(item_expr).map(unqualified_text));
    }
    keys
}

/// Returns an expression as text, without table names before its columns.
fn unqualified_text(expr: &Expr) -> String {
    struct QualifierRemover;
    impl VisitorMut for QualifierRemover {
        type Break = ();
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::CompoundIdentifier(parts) = expr
                && let [_, column] = parts.as_slice()
            {
                *expr = Expr::Identifier(column.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let mut bare = expr.clone();
    let _ = VisitMut::visit(&mut bare, &mut QualifierRemover);
    bare.to_string()
}

/// Finds a column outside of keys, aggregates and subqueries.
struct UngroupedColumnFinder<'a> {
    keys: &'a BTreeSet<String>,
    /// Depth of the walk inside a key, aggregate or subquery.
    covered_depth: usize,
}

impl Visitor for UngroupedColumnFinder<'_> {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &Expr) -> GuardResult {
        let covers = |expr: &Expr| {
            matches!(expr, Expr::Function(function) if is_aggregate(function))
                || self.keys.contains(&unqualified_text(expr))
        };
        if self.covered_depth > 0 || covers(expr) {
            self.covered_depth += 1;
        } else if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            return refuse(expr.to_string());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> GuardResult {
        self.covered_depth = self.covered_depth.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, _: &Query) -> GuardResult {
        self.covered_depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> GuardResult {
        self.covered_depth = self.covered_depth.saturating_sub(1);
        ControlFlow::Continue(())
    }
}

/// Returns true if `predicate` holds for a part of an expression, outside of subqueries.
fn has_matching_expr(expr: &Expr, predicate: impl Fn(&Expr) -> bool) -> bool {
    struct ExprFinder<F> {
        predicate: F,
        subquery_depth: usize,
    }
    impl<F: Fn(&Expr) -> bool> Visitor for ExprFinder<F> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if self.subquery_depth == 0 && (self.predicate)(expr) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.subquery_depth += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.subquery_depth -= 1;
            ControlFlow::Continue(())
        }
    }
    expr.visit(&mut ExprFinder { predicate, subquery_depth: 0 }).is_break()
}
