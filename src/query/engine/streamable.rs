//! Properties of a SELECT that decide about its engine, and the names in it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, DataType, Distinct, Expr, GroupByExpr, Query, Select, TableFactor, Value,
    Visit, Visitor,
};

/// Views of events.
pub const EVENT_VIEWS: [&str; 3] = ["events", "history", "events_all"];

/// Functions that a streaming CTE may call.
const STREAMABLE_FUNCTIONS: [&str; 9] =
    ["coalesce", "count", "floor", "lower", "max", "min", "nullif", "sum", "upper"];

/// Returns the name of a table and the name by which its columns are qualified.
pub fn table_and_alias(table: &TableFactor) -> Option<(&str, &str)> {
    let TableFactor::Table { name, alias, .. } = table else { return None };
    let [part] = name.0.as_slice() else { return None };
    let name = part.as_ident()?.value.as_str();
    Some((name, alias.as_ref().map_or(name, |alias| &alias.name.value)))
}

/// Returns true if the streaming engine may calculate a part of a statement.
pub fn is_streamable(part: &impl Visit) -> bool {
    let mut inspector = SelectInspector { has_fractions: false, has_sums: false };
    part.visit(&mut inspector).is_continue()
}

/// Returns true if a SELECT aggregates, by GROUP BY or DISTINCT.
pub fn is_aggregating(select: &Select) -> bool {
    let is_grouped =
        matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if !keys.is_empty());
    is_grouped || matches!(select.distinct, Some(Distinct::Distinct))
}

/// Returns the names of the tables in FROM of a part of a statement, without their quotes.
pub fn tables_read(part: &impl Visit) -> BTreeSet<String> {
    let mut tables = TableNameCollector::default();
    let _: ControlFlow<Infallible> = part.visit(&mut tables);
    tables.0
}

/// Collects the names of the tables in FROM.
#[derive(Default)]
struct TableNameCollector(BTreeSet<String>);

impl Visitor for TableNameCollector {
    type Break = Infallible;

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Infallible> {
        if let TableFactor::Table { name, .. } = table {
            let part = name.0.last().and_then(|part| part.as_ident());
            self.0.extend(part.map(|ident| ident.value.clone()));
        }
        ControlFlow::Continue(())
    }
}

/// Inspects the expressions of a SELECT; ends at a form that a streaming CTE must not contain.
pub struct SelectInspector {
    /// True if the SELECT may calculate or read fractions.
    pub has_fractions: bool,
    /// True if the SELECT has sums.
    pub has_sums: bool,
}

impl Visitor for SelectInspector {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                if function.over.is_some() || !STREAMABLE_FUNCTIONS.contains(&&*name) {
                    return ControlFlow::Break(());
                }
                self.has_sums |= name == "sum";
                self.has_fractions |= name == "floor";
            }
            Expr::Cast { data_type, .. } => {
                self.has_fractions |= !matches!(data_type, DataType::BigInt(_));
            }
            Expr::BinaryOp { op: BinaryOperator::Divide, .. } => self.has_fractions = true,
            Expr::Value(value) => {
                let is_fraction = |number: &str| number.parse::<i64>().is_err();
                self.has_fractions |=
                    matches!(&value.value, Value::Number(number, _) if is_fraction(number));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
