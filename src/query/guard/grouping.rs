//! Groups. Owns: that every column beside an aggregate is grouped by, and that aggregates and
//! windows do not meet in one SELECT. Must not know which columns there are.
//!
//! Elsewhere a column that is neither grouped nor aggregated is an error; the engine repeats the
//! aggregate on every row, or shows a list.

use super::*;
use crate::query::guard::functions::is_aggregate;
use sqlparser::ast::{VisitMut, VisitorMut};

/// Whether an aggregate stands in it, outside of windows and of other SELECTs.
pub fn has_aggregate(expr: &Expr) -> bool {
    has_matching_expr(
        expr,
        |expr| matches!(expr, Expr::Function(function) if is_aggregate(function)),
    )
}

/// Whether a function is called in it.
pub fn has_call(expr: &Expr) -> bool {
    has_matching_expr(expr, |expr| matches!(expr, Expr::Function(_) | Expr::Extract { .. }))
}

/// Whether a column of that name stands in it.
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

/// Refuses a SELECT whose groups other engines would refuse or read otherwise.
pub fn check(select: &Select) -> GuardResult {
    let items: Vec<&Expr> = select.projection.iter().filter_map(item_expr).collect();
    if let Some(condition) = &select.selection
        && (has_aggregate(condition) || has_window(condition))
    {
        return refuse(
            "an aggregate or OVER in WHERE: compute it in a WITH, and compare with it after that",
        );
    }
    let GroupByExpr::Expressions(grouped, _) = &select.group_by else {
        return refuse("GROUP BY ALL: name the columns");
    };
    let having = select.having.iter();
    let aggregated = items.iter().copied().chain(having).any(has_aggregate);
    if grouped.is_empty() && !aggregated {
        return ControlFlow::Continue(());
    }
    if items.iter().any(|item| has_window(item)) {
        return refuse("OVER beside GROUP BY or an aggregate: group in a WITH first");
    }
    if items.len() < select.projection.len() {
        return refuse("* beside GROUP BY or an aggregate: name the columns");
    }
    let keys = group_keys(grouped, &select.projection);
    for item in items {
        let mut search = UngroupedColumnFinder { keys: &keys, covered_depth: 0 };
        if let ControlFlow::Break(column) = item.visit(&mut search) {
            return refuse(format!("{column} is neither in GROUP BY nor in an aggregate"));
        }
    }
    ControlFlow::Continue(())
}

/// Refuses calls over no rows at all, of which the engine makes no row.
pub fn check_without_from(select: &Select) -> GuardResult {
    let mut items = select.projection.iter().filter_map(item_expr);
    if select.from.is_empty() && items.any(has_call) {
        return refuse("a function without FROM has no row: write FROM period, which has one");
    }
    ControlFlow::Continue(())
}

fn item_expr(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// What is grouped by, in words without the tables' names: as written, and what a name or a number
/// in GROUP BY stands for.
fn group_keys(grouped: &[Expr], projection: &[SelectItem]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for key in grouped {
        keys.insert(unqualified_text(key));
        let meant = match key {
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
        keys.extend(meant.and_then(item_expr).map(unqualified_text));
    }
    keys
}

/// The expression as text, without the tables' names before its columns.
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

/// Looks for a column outside of keys, aggregates and sub-selects.
struct UngroupedColumnFinder<'a> {
    keys: &'a BTreeSet<String>,
    /// How deep inside one of those the walk is.
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

/// Whether an expression of that sort stands in it, outside of other SELECTs.
fn has_matching_expr(expr: &Expr, is_it: impl Fn(&Expr) -> bool) -> bool {
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
    expr.visit(&mut ExprFinder { predicate: is_it, subquery_depth: 0 }).is_break()
}
