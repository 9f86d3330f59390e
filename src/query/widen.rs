//! Whole numbers that are wide enough. Owns: the one change made to a statement before the engine
//! reads it.
//!
//! The engine counts in unsigned 32-bit numbers and takes the hour out of a time as an 8-bit one:
//! `COUNT(*) - 5` would be 4294967293 and `EXTRACT(HOUR FROM t) * 60` would turn negative, without
//! a word. So such calls are cast to BIGINT, which is what DuckDB and Spark answer them with.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, DateTimeField, Expr, Statement, Value, VisitMut, VisitorMut,
};

use super::guard;

/// Casts every call in the statement whose result would be too narrow to reckon with.
pub fn widen(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Widen);
}

struct Widen;

impl VisitorMut for Widen {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let narrow = match expr {
            Expr::Function(function) => guard::is_narrow(function),
            Expr::Position { .. } => true,
            Expr::Extract { field, .. } => is_whole(field),
            _ => false,
        };
        if narrow {
            let call = std::mem::replace(expr, Expr::Value(Value::Null.with_empty_span()));
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(call),
                data_type: DataType::BigInt(None),
                array: false,
                format: None,
            };
        }
        ControlFlow::Continue(())
    }
}

/// Parts of a time that are whole numbers; an epoch or a millisecond has a fraction.
fn is_whole(field: &DateTimeField) -> bool {
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
