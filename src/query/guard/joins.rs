//! Joins. Owns: the one form of ON that every engine reads alike - columns with their table's name
//! before them, compared one by one. Must not know what is joined.
//!
//! A further condition in the ON of an outer join drops the rows that it should keep; a comparison
//! with a constant, in any join, is looked up in the wrong table where both have such a column.

use super::*;
use sqlparser::ast::{BinaryOperator, JoinConstraint, JoinOperator, TableWithJoins};

/// Refuses joins of other forms.
pub fn check(from: &[TableWithJoins]) -> GuardResult {
    if from.len() > 1 {
        return refuse("tables after a comma: write JOIN … ON …");
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
            _ => return refuse("this kind of JOIN is not answered here"),
        }
    }
    ControlFlow::Continue(())
}

#[derive(Clone, Copy, PartialEq)]
enum JoinKind {
    Inner,
    /// Rows without a partner are kept, or are what is asked for.
    Outer,
}

fn check_constraint(constraint: &JoinConstraint, kind: JoinKind) -> GuardResult {
    match constraint {
        JoinConstraint::On(expr) => check_condition(expr, kind),
        JoinConstraint::Using(_) => refuse("JOIN … USING: write ON a.x = b.x"),
        JoinConstraint::Natural => refuse("NATURAL JOIN: write ON a.x = b.x"),
        JoinConstraint::None => refuse("JOIN without ON: write ON a.x = b.x, or CROSS JOIN"),
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
            "{expr} in the ON of an outer join: only a.x = b.x stands there; \
             filter the joined table in a WITH before"
        )),
        _ => refuse(format!("{expr} in ON: only a.x = b.x stands there; move the rest to WHERE")),
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

/// The table's name before a column's.
fn table_qualifier(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) => table_qualifier(inner),
        Expr::CompoundIdentifier(parts) if parts.len() == 2 => {
            parts.first().map(|part| part.value.as_str())
        }
        _ => None,
    }
}
