//! Replaces an aggregate in ORDER BY by the position of the same expression in SELECT. The engine
//! would look for its columns in the result.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectNamePart, OrderByKind, Query, SetExpr, Value, VisitMut, VisitorMut,
};

use crate::query::guard::grouping::{has_aggregate, item_expr};

/// Replaces the aggregates among the sort keys that SELECT contains. The guard refuses the others.
pub fn respell(query: &mut Query) {
    let (Some(order), SetExpr::Select(select)) = (&mut query.order_by, query.body.as_ref()) else {
        return;
    };
    let OrderByKind::Expressions(keys) = &mut order.kind else { return };
    // A wildcard is an unknown number of columns.
    let items: Option<Vec<Expr>> =
        select.projection.iter().map(|item| item_expr(item).map(normalized)).collect();
    let Some(items) = items else { return };
    for key in keys.iter_mut().filter(|key| has_aggregate(&key.expr)) {
        let wanted = normalized(&key.expr);
        if let Some(at) = items.iter().position(|item| *item == wanted) {
            key.expr = Expr::Value(Value::Number((at + 1).to_string(), false).into());
        }
    }
}

/// Returns the expression with function names in lower case, so that two spellings are equal.
fn normalized(expr: &Expr) -> Expr {
    let mut expr = expr.clone();
    let _: ControlFlow<()> = expr.visit(&mut LowerCaseFunctions);
    expr
}

struct LowerCaseFunctions;

impl VisitorMut for LowerCaseFunctions {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            for part in &mut function.name.0 {
                if let ObjectNamePart::Identifier(name) = part {
                    *name = Ident::new(name.value.to_ascii_lowercase());
                }
            }
        }
        ControlFlow::Continue(())
    }
}
