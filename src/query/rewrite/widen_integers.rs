//! Casts narrow integers in a statement to BIGINT, as DuckDB and Spark do.
//!
//! The engine counts in unsigned 32-bit numbers, so `COUNT(*) - 5` could be 4294967293. It extracts
//! an hour as an 8-bit number, so `EXTRACT(HOUR FROM t) * 60` could be negative. It sums 32-bit
//! numbers in 32 bits, so a sum over `THEN 2000000000` could overflow. None of these is an error.
//! Therefore such calls, summed numbers, results of CASE and narrow casts become BIGINT.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Statement, Value, VisitMut, VisitorMut,
};

use crate::query::guard::functions::{is_narrow_function, is_sum};

/// Casts every narrow integer in the statement to BIGINT.
pub fn widen(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut IntegerWidener);
}

struct IntegerWidener;

impl VisitorMut for IntegerWidener {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let narrow = match expr {
            Expr::Function(function) if is_sum(function) => {
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
            Expr::Function(function) => is_narrow_function(function),
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

/// Casts an integer literal; other expressions stay unchanged.
fn cast_integer_literal(expr: &mut Expr) {
    if let Expr::Value(value) = expr
        && let Value::Number(digits, _) = &value.value
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        cast_to_bigint(expr);
    }
}

/// Casts integer literals in the arguments of a sum, for example `SUM(1)`.
fn cast_sum_arguments(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    for argument in &mut list.args {
        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
            cast_integer_literal(expr);
        }
    }
}

/// Returns true for integer types below 64 bits.
fn is_narrow_type(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::TinyInt(_) | DataType::SmallInt(_) | DataType::Int(_) | DataType::Integer(_)
    )
}

/// Returns true for the parts of a time that are integers; an epoch or a millisecond has a
/// fraction.
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
    use crate::query::guard;

    #[test]
    fn summed_numbers_and_narrow_casts_become_bigint() {
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
    fn only_counts_and_parts_of_times_are_cast() {
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
