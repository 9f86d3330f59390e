//! Replaces columns of the view `period` by their values, so that the CTEs that compare events with
//! the period are streaming CTEs. The view has one row at most.
//!
//! The streaming engine runs no CROSS JOIN. On the in-memory engine, `history CROSS JOIN period`
//! keeps the rows of all events.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::ControlFlow;

use polars::prelude::*;
use sqlparser::ast::{
    CastKind, DataType as SqlType, Expr, GroupByExpr, JoinOperator, Query, Select, SelectItem,
    Statement, UnaryOperator, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::query::engine::streamable::{EVENT_VIEWS, table_and_alias};
use crate::query::guard::grouping::item_expr;

/// Name of the view.
pub const PERIOD: &str = "period";

/// Integers of the view, by column.
type PeriodIntegers = BTreeMap<String, i64>;

/// Replaces the integers of the view `period`, whose rows are given, in each SELECT that reads a
/// view of events in a CROSS JOIN with it. SELECTs that use it otherwise stay unchanged.
pub fn insert_period_values(statement: &mut Statement, period: &DataFrame) {
    // Without a row, a CROSS JOIN has no rows either.
    if period.height() != 1 {
        return;
    }
    let value = |column: &Column| Some((column.name().to_string(), column.i64().ok()?.get(0)?));
    let values: PeriodIntegers = period.columns().iter().filter_map(value).collect();
    let names = period.get_column_names().iter().map(|name| name.to_string()).collect();
    let ControlFlow::Continue(()) = statement.visit(&mut PeriodInserter { values, names });
}

struct PeriodInserter {
    values: PeriodIntegers,
    /// All columns of the view, also those that are no integers.
    names: BTreeSet<String>,
}

impl VisitorMut for PeriodInserter {
    type Break = Infallible;

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Infallible> {
        if let Some((at, reader)) = self.period_reader(select)
            && reader.can_use_values(select)
        {
            select.from[0].joins.remove(at);
            let ControlFlow::Continue(()) = select.visit(&mut ValueInserter(&reader));
        }
        ControlFlow::Continue(())
    }
}

impl PeriodInserter {
    /// Returns the position of the CROSS JOIN with the period, if the SELECT reads a view of
    /// events.
    fn period_reader(&self, select: &Select) -> Option<(usize, PeriodReader<'_>)> {
        let [from] = select.from.as_slice() else { return None };
        if !EVENT_VIEWS.contains(&table_and_alias(&from.relation)?.0) {
            return None;
        }
        let mut found = None;
        // Views of events have no columns of the same names. A CTE may have.
        let mut may_omit_alias = true;
        for (at, join) in from.joins.iter().enumerate() {
            let (name, alias) = table_and_alias(&join.relation)?;
            let is_period = name == PERIOD;
            if is_period
                && (found.is_some() || !matches!(join.join_operator, JoinOperator::CrossJoin(_)))
            {
                return None;
            }
            if is_period {
                found = Some((at, alias.to_owned()));
            } else {
                may_omit_alias &= EVENT_VIEWS.contains(&name);
            }
        }
        let (at, alias) = found?;
        let (values, names) = (&self.values, &self.names);
        Some((at, PeriodReader { alias, may_omit_alias, values, names }))
    }
}

/// Reader of the columns of the period, by the names that a SELECT has for them.
struct PeriodReader<'a> {
    alias: String,
    may_omit_alias: bool,
    values: &'a PeriodIntegers,
    names: &'a BTreeSet<String>,
}

impl PeriodReader<'_> {
    /// Returns the name of a column of the period if the expression is one.
    fn column<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        let name = match expr {
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [alias, name] if alias.value == self.alias => name,
                _ => return None,
            },
            Expr::Identifier(name) => name,
            _ => return None,
        };
        self.names.contains(&name.value).then_some(&name.value)
    }

    /// Returns true if the rows stay the same with values in place of columns.
    fn can_use_values(&self, select: &Select) -> bool {
        // A constant alone could be one row in place of many, or the greatest value of no rows.
        let is_whole = |item: &SelectItem| {
            let uses = item_expr(item).and_then(|expr| self.uses(expr));
            uses.is_some_and(|uses| uses.of_period == 0 || uses.of_others > 0)
        };
        let has_keys_of_events = match &select.group_by {
            GroupByExpr::Expressions(keys, _) => {
                keys.iter().all(|key| self.uses(key).is_some_and(|uses| uses.of_period == 0))
            }
            GroupByExpr::All(_) => false,
        };
        has_keys_of_events
            && select.having.is_none()
            && select.qualify.is_none()
            && select.projection.iter().all(is_whole)
            && self.uses(&select.selection).is_some()
            && self.uses(&select.from).is_some()
    }

    /// Counts the columns in a part of a SELECT; `None` if values cannot replace those of the
    /// period.
    fn uses(&self, part: &impl Visit) -> Option<Uses> {
        let mut counter = UseCounter { reader: self, uses: Uses::default(), calls: Vec::new() };
        part.visit(&mut counter).is_continue().then_some(counter.uses)
    }
}

/// Numbers of columns in a part of a SELECT.
#[derive(Clone, Copy, Default)]
struct Uses {
    of_period: usize,
    of_others: usize,
}

/// Counts columns. Ends at a nested query, at a column of the period without a value, and at a call
/// in which all columns are those of the period.
struct UseCounter<'a> {
    reader: &'a PeriodReader<'a>,
    uses: Uses,
    /// Numbers of columns before each call that has not ended.
    calls: Vec<Uses>,
}

impl Visitor for UseCounter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Function(_)) {
            self.calls.push(self.uses);
        }
        let Some(name) = self.reader.column(expr) else {
            let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
            self.uses.of_others += usize::from(is_column);
            return ControlFlow::Continue(());
        };
        let is_clear = self.reader.may_omit_alias || matches!(expr, Expr::CompoundIdentifier(_));
        if !is_clear || !self.reader.values.contains_key(name) {
            return ControlFlow::Break(());
        }
        self.uses.of_period += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Function(_))
            && let Some(before) = self.calls.pop()
            && self.uses.of_period > before.of_period
            && self.uses.of_others == before.of_others
        {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Puts the values in place of the columns.
struct ValueInserter<'a>(&'a PeriodReader<'a>);

impl VisitorMut for ValueInserter<'_> {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Some(value) = self.0.column(expr).and_then(|name| self.0.values.get(name)) {
            *expr = bigint(*value);
        }
        ControlFlow::Continue(())
    }
}

fn bigint(value: i64) -> Expr {
    let number = Value::Number(value.unsigned_abs().to_string(), false).with_empty_span();
    let number = Expr::Value(number);
    let signed = match value {
        0.. => number,
        _ => Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number) },
    };
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(signed),
        data_type: SqlType::BigInt(None),
        array: false,
        format: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard;

    /// Returns the statement with the values of a period.
    fn with_values(sql: &str) -> String {
        let period = df!(
            "first_day" => ["2026-03-01"], "first_epoch_day" => [20_513_i64],
            "last_epoch_day" => [20_540_i64], "archive_first_epoch_day" => [-1_i64]
        );
        let mut statement = guard::parse("test", sql).unwrap();
        insert_period_values(&mut statement, &period.unwrap());
        statement.to_string()
    }

    #[test]
    fn columns_of_the_period_become_values() {
        for (sql, expected) in [
            (
                "SELECT user_id, MAX(p.last_epoch_day - day) AS age FROM history AS e \
                 CROSS JOIN period AS p LEFT JOIN few AS f ON e.user_id = f.person \
                 WHERE day <= p.last_epoch_day GROUP BY user_id",
                "SELECT user_id, MAX(CAST(20540 AS BIGINT) - day) AS age FROM history AS e \
                 LEFT JOIN few AS f ON e.user_id = f.person \
                 WHERE day <= CAST(20540 AS BIGINT) GROUP BY user_id",
            ),
            (
                "WITH a AS (SELECT Id FROM events CROSS JOIN period \
                 WHERE day > archive_first_epoch_day) SELECT Id FROM a",
                "WITH a AS (SELECT Id FROM events WHERE day > CAST(-1 AS BIGINT)) SELECT Id FROM a",
            ),
            (
                "SELECT COUNT(*) FILTER (WHERE day > p.last_epoch_day - 7) AS n FROM history AS e \
                 CROSS JOIN period AS p GROUP BY user_id",
                "SELECT COUNT(*) FILTER (WHERE day > CAST(20540 AS BIGINT) - 7) AS n \
                 FROM history AS e GROUP BY user_id",
            ),
        ] {
            assert_eq!(with_values(sql), expected);
        }
    }

    #[test]
    fn statements_whose_rows_could_change_stay_unchanged() {
        for sql in [
            // Without events, there is no row, and the greatest value is null.
            "SELECT last_epoch_day FROM history CROSS JOIN period",
            "SELECT MAX(p.last_epoch_day) AS day FROM history AS e CROSS JOIN period AS p",
            "SELECT MAX(p.last_epoch_day) + MAX(e.day) AS day FROM history AS e \
             CROSS JOIN period AS p",
            "SELECT e.*, p.last_epoch_day - e.day AS age FROM history AS e CROSS JOIN period AS p",
            "SELECT * FROM history CROSS JOIN period",
            // A date is not replaced.
            "SELECT Id FROM history CROSS JOIN period WHERE local_date <= first_day",
            // The CTE may have a column of this name.
            "SELECT e.Id FROM history AS e CROSS JOIN period AS p LEFT JOIN few AS f \
             ON e.Id = f.Id WHERE e.day <= last_epoch_day",
            "SELECT e.Id FROM few AS e CROSS JOIN period AS p WHERE e.day <= p.last_epoch_day",
            "SELECT p.last_epoch_day - e.day AS age FROM history AS e CROSS JOIN period AS p \
             GROUP BY p.last_epoch_day - e.day",
            "SELECT e.Id FROM history AS e CROSS JOIN days AS p WHERE e.day <= p.last_epoch_day",
            "SELECT e.Id FROM history AS e LEFT JOIN period AS p ON e.day <= p.last_epoch_day",
            "SELECT e.Id FROM history AS e CROSS JOIN period AS p \
             WHERE e.day <= p.last_epoch_day AND e.Id IN (SELECT Id FROM few)",
        ] {
            assert_eq!(with_values(sql), sql);
        }
        let empty = df!("last_epoch_day" => Vec::<i64>::new()).unwrap();
        let sql =
            "SELECT e.Id FROM history AS e CROSS JOIN period AS p WHERE e.day <= p.last_epoch_day";
        let mut statement = guard::parse("test", sql).unwrap();
        insert_period_values(&mut statement, &empty);
        assert_eq!(statement.to_string(), sql, "no period, no rows");
    }
}
