//! Whole numbers that are wide enough. Owns: the one change made to a statement before the engine
//! reads it.
//!
//! The engine counts in unsigned 32-bit numbers and takes the hour out of a time as an 8-bit one:
//! `COUNT(*) - 5` would be 4294967293 and `EXTRACT(HOUR FROM t) * 60` would turn negative, without
//! a word. So such calls are cast to BIGINT, which is what DuckDB and Spark answer them with. It
//! sums numbers of 32 bits in 32 bits as well, so that a sum over `THEN 2000000000` would wrap
//! around: numbers that are summed, the outcomes of a CASE and narrow casts become BIGINT too.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Statement, Value, VisitMut, VisitorMut,
};

use crate::query::guard;

/// Casts every call in the statement whose result would be too narrow to reckon with.
pub fn widen(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut IntegerWidener);
}

struct IntegerWidener;

impl VisitorMut for IntegerWidener {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let narrow = match expr {
            Expr::Function(function) if guard::is_sum(function) => {
                cast_sum_arguments(function);
                false
            }
            Expr::Case { conditions, else_result, .. } => {
                conditions.iter_mut().for_each(|when| cast_integer_literal(&mut when.result));
                else_result.iter_mut().for_each(|result| cast_integer_literal(result));
                false
            }
            Expr::Cast { data_type, .. } => {
                if is_narrow_type(data_type) {
                    *data_type = DataType::BigInt(None);
                }
                false
            }
            Expr::Function(function) => guard::is_narrow_function(function),
            Expr::Extract { field, .. } => is_integer_field(field),
            _ => false,
        };
        if narrow {
            cast_to_bigint(expr);
        }
        ControlFlow::Continue(())
    }
}

fn cast_to_bigint(expr: &mut Expr) {
    let inner = std::mem::replace(expr, Expr::Value(Value::Null.with_empty_span()));
    *expr = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(inner),
        data_type: DataType::BigInt(None),
        array: false,
        format: None,
    };
}

/// Casts a whole number as it is written; a fraction stays what it is.
fn cast_integer_literal(expr: &mut Expr) {
    if let Expr::Value(value) = expr
        && let Value::Number(digits, _) = &value.value
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        cast_to_bigint(expr);
    }
}

/// `SUM(1)`.
fn cast_sum_arguments(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    for argument in &mut list.args {
        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
            cast_integer_literal(expr);
        }
    }
}

/// Types of whole numbers below 64 bits.
fn is_narrow_type(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::TinyInt(_) | DataType::SmallInt(_) | DataType::Int(_) | DataType::Integer(_)
    )
}

/// Parts of a time that are whole numbers; an epoch or a millisecond has a fraction.
fn is_integer_field(field: &DateTimeField) -> bool {
    use DateTimeField::{
        Day, DayOfWeek, DayOfYear, Days, Dow, Doy, Hour, Hours, IsoWeek, Isodow, Isoyear, Minute,
        Minutes, Month, Months, Quarter, Second, Seconds, Week, Weeks, Year, Years,
    };
    matches!(
        field,
        Day | DayOfWeek
            | DayOfYear
            | Days
            | Dow
            | Doy
            | Hour
            | Hours
            | IsoWeek
            | Isodow
            | Isoyear
            | Minute
            | Minutes
            | Month
            | Months
            | Quarter
            | Second
            | Seconds
            | Week(_)
            | Weeks
            | Year
            | Years
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_summed_and_narrow_casts_become_wide() {
        let sql = "SELECT SUM(1) AS a, SUM(CASE WHEN b THEN 2000000000 ELSE 0.5 END) AS c, \
            CAST(d AS INTEGER) AS e, CAST(f AS DOUBLE) AS g FROM events LIMIT 5";
        let mut statement = guard::parse("test", sql).unwrap();
        widen(&mut statement);
        let expected = "SELECT SUM(CAST(1 AS BIGINT)) AS a, \
            SUM(CASE WHEN b THEN CAST(2000000000 AS BIGINT) ELSE 0.5 END) AS c, \
            CAST(d AS BIGINT) AS e, CAST(f AS DOUBLE) AS g FROM events LIMIT 5";
        assert_eq!(statement.to_string(), expected);
    }

    #[test]
    fn counts_and_parts_of_times_are_cast_and_nothing_else() {
        let sql = "SELECT COUNT(*) FILTER (WHERE a = 1) - 5 AS x, EXTRACT(HOUR FROM t) AS h, \
            EXTRACT(EPOCH FROM t) AS e, SUM(b) AS s FROM events GROUP BY EXTRACT(HOUR FROM t)";
        let mut statement = guard::parse("test", sql).unwrap();
        widen(&mut statement);
        let expected = "SELECT CAST(COUNT(*) FILTER (WHERE a = 1) AS BIGINT) - 5 AS x, \
            CAST(EXTRACT(HOUR FROM t) AS BIGINT) AS h, EXTRACT(EPOCH FROM t) AS e, \
            SUM(b) AS s FROM events GROUP BY CAST(EXTRACT(HOUR FROM t) AS BIGINT)";
        assert_eq!(statement.to_string(), expected);
    }
}
