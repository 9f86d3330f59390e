//! Checks joins: ON may only compare columns of two tables, each with its table's name.
//!
//! The engine drops rows that it should keep if the ON of an outer join has another condition. In
//! any join, it takes the column of a comparison with a constant from the wrong table if both
//! tables have such a column.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, JoinConstraint, JoinOperator, TableWithJoins};

use crate::query::guard::refusal::{GuardResult, refuse};

/// Refuses joins of other forms.
pub fn check(from: &[TableWithJoins]) -> GuardResult {
    if from.len() > 1 {
        return refuse("FROM cannot have tables after a comma; write JOIN … ON …");
    }
    for join in from.iter().flat_map(|table| &table.joins) {
        match &join.join_operator {
            JoinOperator::CrossJoin(JoinConstraint::None) => {}
            JoinOperator::Join(on) | JoinOperator::Inner(on) => {
                check_constraint(on, JoinKind::Inner)?
            }
            JoinOperator::Left(on)
            | JoinOperator::LeftOuter(on)
            | JoinOperator::Right(on)
            | JoinOperator::RightOuter(on)
            | JoinOperator::FullOuter(on)
            | JoinOperator::Semi(on)
            | JoinOperator::LeftSemi(on)
            | JoinOperator::Anti(on)
            | JoinOperator::LeftAnti(on) => check_constraint(on, JoinKind::Outer)?,
            _ => {
                return refuse(
                    "this kind of JOIN is not supported; \
                 write JOIN, LEFT JOIN, FULL JOIN or CROSS JOIN",
                );
            }
        }
    }
    ControlFlow::Continue(())
}

#[derive(Clone, Copy, PartialEq)]
enum JoinKind {
    Inner,
    /// Rows without a match are kept, or are the result.
    Outer,
}

fn check_constraint(constraint: &JoinConstraint, kind: JoinKind) -> GuardResult {
    match constraint {
        JoinConstraint::On(expr) => check_condition(expr, kind),
        JoinConstraint::Using(_) => refuse("JOIN … USING is not supported; write ON a.x = b.x"),
        JoinConstraint::Natural => refuse("NATURAL JOIN is not supported; write ON a.x = b.x"),
        JoinConstraint::None => refuse("JOIN has no ON; write ON a.x = b.x, or CROSS JOIN"),
    }
}

fn check_condition(expr: &Expr, kind: JoinKind) -> GuardResult {
    match expr {
        Expr::Nested(inner) => check_condition(inner, kind),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            check_condition(left, kind)?;
            check_condition(right, kind)
        }
        Expr::BinaryOp { left, op, right }
            if is_allowed_comparison(op, kind) && is_across_tables(left, right) =>
        {
            ControlFlow::Continue(())
        }
        _ if kind == JoinKind::Outer => refuse(format!(
            "the ON of an outer join cannot contain {expr}, only a.x = b.x; \
             filter the joined table in a WITH first"
        )),
        _ => refuse(format!("ON cannot contain {expr}, only a.x = b.x; move the rest to WHERE")),
    }
}

fn is_allowed_comparison(op: &BinaryOperator, kind: JoinKind) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq};
    matches!(op, Eq) || (kind == JoinKind::Inner && matches!(op, Gt | GtEq | Lt | LtEq))
}

fn is_across_tables(left: &Expr, right: &Expr) -> bool {
    match (table_qualifier(left), table_qualifier(right)) {
        (Some(left), Some(right)) => left != right,
        _ => false,
    }
}

/// Returns the table name before a column.
fn table_qualifier(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) => table_qualifier(inner),
        Expr::CompoundIdentifier(parts) if parts.len() == 2 => {
            parts.first().map(|part| part.value.as_str())
        }
        _ => None,
    }
}
