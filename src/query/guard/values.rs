//! Checks lists of VALUES: the values of a column are of one kind.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, UnaryOperator, Value, Values};

use crate::query::guard::refusal::{GuardResult, refuse};

/// Refuses a column with values of two kinds. The engine makes all others like the first, and 2.5
/// after 1 becomes 2.
pub fn check(values: &Values) -> GuardResult {
    let Some(first) = values.rows.first() else { return ControlFlow::Continue(()) };
    for column in 0..first.content.len() {
        let cells = values.rows.iter().filter_map(|row| row.content.get(column));
        let mut kinds = cells.filter_map(kind);
        let Some(one) = kinds.next() else { continue };
        if let Some(other) = kinds.find(|other| *other != one) {
            return refuse(format!(
                "VALUES has {one} and {other} in one column, and the engine changes the second; \
                 write all alike, for example 1.0 for 1"
            ));
        }
    }
    ControlFlow::Continue(())
}

/// Returns the kind of a literal; `None` for null and for other expressions.
fn kind(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Nested(inner) | Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
            kind(inner)
        }
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some("a whole number")
            }
            Value::Number(..) => Some("a fraction"),
            Value::Boolean(_) => Some("a Boolean"),
            Value::SingleQuotedString(_) => Some("a text"),
            _ => None,
        },
        _ => None,
    }
}
