//! The guard: parses a statement, refuses forms whose results differ between engines, and collects
//! the views and columns that it names.
//!
//! A form is refused if the engine's result differs from that of DuckDB or Spark, or is random, and
//! [`crate::query::rewrite`] cannot change that.
//! Each refusal says what to write instead. The same rules apply to the built-in reports and to a
//! user's statements.
//!
//! Each rule was found by running the same statement in Polars 0.55 and in DuckDB 1.5 over the same
//! rows. `refused.sql` contains all rules with both results, and tests compare both engines with
//! it.

pub(in crate::query) mod functions;
pub(in crate::query) mod grouping;
mod joins;
pub(in crate::query) mod references;
mod refusal;
mod size;
mod values;
mod windows;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, OrderByKind, Query, Select, SelectItem, SetExpr, SetOperator,
    Statement, TableFactor, Visit, Visitor,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::{Error, Result};

use crate::query::guard::references::References;
use crate::query::guard::refusal::{GuardResult, refuse};
use crate::query::views::columns::{is_view, view_names};

/// Parses a text that must be a single statement.
///
/// # Errors
///
/// [`Error::Query`] with the parser's message, if there is not exactly one statement, or if the
/// statement is too large.
pub fn parse(query: &str, sql: &str) -> Result<Statement> {
    let refuse = |message: String| Error::query(query, message);
    size::check(query, sql)?;
    let parser = Parser::new(&GenericDialect);
    let parsed = parser.try_with_sql(sql).and_then(|mut parser| parser.parse_statements());
    let statements =
        parsed.map_err(|error| Error::query_caused(query, error.to_string(), error))?;
    let [statement] = <[Statement; 1]>::try_from(statements).map_err(|statements| {
        refuse(format!("expected one statement, found {}", statements.len()))
    })?;
    Ok(statement)
}

/// Parses a text that must be a single expression.
///
/// # Errors
///
/// [`Error::Query`] with the parser's message, if a text follows the expression, or if it is too
/// large.
pub fn parse_expression(query: &str, sql: &str) -> Result<Expr> {
    size::check(query, sql)?;
    let dialect = GenericDialect;
    let parsed = Parser::new(&dialect).try_with_sql(sql).and_then(|mut parser| {
        let expression = parser.parse_expr()?;
        Ok((expression, parser.peek_token().token))
    });
    let (expression, next) =
        parsed.map_err(|error| Error::query_caused(query, error.to_string(), error))?;
    match next {
        Token::EOF => Ok(expression),
        next => Err(Error::query(query, format!("unexpected {next} after the condition"))),
    }
}

/// Accepts or refuses a statement; returns the views and columns that it names.
///
/// # Errors
///
/// [`Error::Query`] with the refused form and what to write instead.
pub fn check(query: &str, statement: &Statement) -> Result<References> {
    let refuse = |message: String| Error::query(query, message);
    let Statement::Query(body) = statement else {
        return Err(refuse("only SELECT and WITH … SELECT are supported".to_owned()));
    };
    let mut cte_names = BTreeSet::new();
    if let ControlFlow::Break(message) = body.visit(&mut CteNameCollector { names: &mut cte_names })
    {
        return Err(refuse(message));
    }
    let mut guard = Guard { cte_names, references: References::default() };
    match body.visit(&mut guard) {
        ControlFlow::Break(message) => Err(refuse(message)),
        ControlFlow::Continue(()) => Ok(guard.references),
    }
}

/// Collects the names of the WITH tables, which must not be names of views: the engine would read
/// the view instead.
struct CteNameCollector<'a> {
    names: &'a mut BTreeSet<String>,
}

impl Visitor for CteNameCollector<'_> {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> GuardResult {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = &table.alias.name.value;
            if is_view(name) {
                return refuse(format!(
                    "WITH {name}: this is the name of a view; choose another name"
                ));
            }
            if !self.names.insert(name.clone()) {
                return refuse(format!(
                    "WITH {name}: the statement defines this name twice; \
                     choose another name"
                ));
            }
        }
        ControlFlow::Continue(())
    }
}

struct Guard {
    cte_names: BTreeSet<String>,
    references: References,
}

impl Visitor for Guard {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> GuardResult {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return refuse(
                "WITH RECURSIVE is not supported; the view `days` has a row for each day",
            );
        }
        if !query.pipe_operators.is_empty() {
            return refuse("|> is not supported; write SELECT and WITH");
        }
        check_body(&query.body)?;
        check_order_by_aggregate(query)?;
        check_order_by_shadowed(query)
    }

    fn pre_visit_select(&mut self, select: &Select) -> GuardResult {
        if select.qualify.is_some() {
            return refuse(
                "QUALIFY is not supported; \
                 number the rows in a WITH, then filter them in WHERE",
            );
        }
        if matches!(select.distinct, Some(sqlparser::ast::Distinct::On(_))) {
            return refuse(
                "DISTINCT ON is not supported; \
                 number the rows with ROW_NUMBER in a WITH, and keep 1",
            );
        }
        if !select.named_window.is_empty() {
            return refuse("WINDOW is not supported; write the window in each OVER (…)");
        }
        let columns = |item: &SelectItem| {
            matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
        };
        // All columns of a subquery are those that it names itself.
        self.references.all_columns |=
            select.projection.iter().any(columns) && has_view_in_from(select);
        joins::check(&select.from)?;
        grouping::check(select)
    }

    fn post_visit_select(&mut self, select: &Select) -> GuardResult {
        grouping::check_without_from(select)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> GuardResult {
        match factor {
            TableFactor::Table { name, alias, args, .. } => {
                if args.is_some() {
                    return refuse(format!(
                        "{name}(…) cannot be read; a statement can read only views"
                    ));
                }
                self.check_relation(name)?;
                self.check_alias(alias.as_ref().map(|alias| &alias.name))
            }
            TableFactor::Derived { alias, .. } => {
                self.check_alias(alias.as_ref().map(|alias| &alias.name))
            }
            TableFactor::UNNEST { .. } => functions::refuse_unnest(),
            TableFactor::NestedJoin { .. } => {
                refuse("a join cannot be in parentheses; write the joins one after the other")
            }
            other => refuse(format!("{other} cannot be in FROM; use a view or a subquery")),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> GuardResult {
        match expr {
            Expr::Identifier(name) => self.add_column_name(name),
            Expr::CompoundIdentifier(names) => {
                names.iter().for_each(|name| self.add_column_name(name))
            }
            Expr::Function(function) => {
                if functions::function_name(function) == "columns" {
                    self.references.all_columns = true;
                }
                size::check_text_length(function)?;
                functions::check(function)?;
                windows::check(function)?;
            }
            Expr::BinaryOp { op, .. } => functions::check_operator(op)?,
            Expr::Value(value) => functions::check_literal(&value.value)?,
            Expr::TypedString(literal) => functions::check_date(literal)?,
            Expr::Position { .. } => return functions::refuse_position(),
            Expr::Substring { substring_from: Some(from), .. }
                if matches!(from.as_ref(), Expr::UnaryOp { .. }) =>
            {
                return refuse(
                    "SUBSTRING with a negative start returns the whole text; write RIGHT(…, n)",
                );
            }
            Expr::IsTrue(_) | Expr::IsNotTrue(_) | Expr::IsFalse(_) | Expr::IsNotFalse(_) => {
                return refuse(
                    "engines disagree on nulls in IS [NOT] TRUE and IS [NOT] FALSE; \
                     write COALESCE(…, FALSE)",
                );
            }
            Expr::Subquery(_) => {
                return refuse(
                    "a SELECT cannot be used as a value; compute it in a WITH and CROSS JOIN it, \
                     or write IN",
                );
            }
            Expr::Prefixed { .. } | Expr::Lambda(_) => {
                return refuse(format!("{expr} is not supported"));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Guard {
    fn add_column_name(&mut self, name: &Ident) {
        // The engine reads such a name as a pattern of column names.
        self.references.all_columns |= name.value.starts_with('^') && name.value.ends_with('$');
        self.references.column_names.insert(name.value.clone());
    }

    fn check_relation(&mut self, name: &ObjectName) -> GuardResult {
        let [part] = name.0.as_slice() else {
            return refuse(format!(
                "{name}: views have no schema; write the name of the view alone"
            ));
        };
        let Some(ident) = part.as_ident() else { return refuse_unknown_view(name) };
        if is_view(&ident.value) {
            self.references.views.insert(ident.value.clone());
        } else if !self.cte_names.contains(&ident.value) {
            return refuse_unknown_view(name);
        }
        ControlFlow::Continue(())
    }

    /// Refuses an alias that is the name of a view or of a WITH table: the engine would read that
    /// instead of the aliased table.
    fn check_alias(&self, alias: Option<&Ident>) -> GuardResult {
        match alias {
            Some(alias) if is_view(&alias.value) => {
                refuse(format!("AS {alias}: this is the name of a view; choose another alias"))
            }
            Some(alias) if self.cte_names.contains(&alias.value) => refuse(format!(
                "AS {alias}: this is the name of a WITH table; choose another alias"
            )),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn refuse_unknown_view(name: &ObjectName) -> GuardResult {
    let views = view_names().join(", ");
    refuse(format!("there is no view {name}; the views are {views}"))
}

/// Returns true if FROM contains a view directly.
fn has_view_in_from(select: &Select) -> bool {
    let tables = select.from.iter().flat_map(|from| {
        [&from.relation].into_iter().chain(from.joins.iter().map(|join| &join.relation))
    });
    let is_view = |table: &TableFactor| match table {
        TableFactor::Table { name, .. } => is_view(&name.to_string()),
        _ => false,
    };
    tables.into_iter().any(is_view)
}

/// Refuses everything but SELECTs, combined by UNION or by one INTERSECT or EXCEPT.
fn check_body(set: &SetExpr) -> GuardResult {
    match set {
        SetExpr::Select(_) | SetExpr::Query(_) => ControlFlow::Continue(()),
        SetExpr::Values(values) => values::check(values),
        SetExpr::SetOperation { left, op, right, .. } => {
            for side in [left, right] {
                if let SetExpr::SetOperation { op: inner, .. } = side.as_ref()
                    && (*op, *inner) != (SetOperator::Union, SetOperator::Union)
                {
                    return refuse(format!(
                        "{inner} and {op} cannot be mixed; put the inner one into a WITH"
                    ));
                }
                check_body(side)?;
            }
            ControlFlow::Continue(())
        }
        _ => refuse("only SELECT and WITH … SELECT are supported"),
    }
}

fn check_order_by_aggregate(query: &Query) -> GuardResult {
    let Some(order) = &query.order_by else { return ControlFlow::Continue(()) };
    let OrderByKind::Expressions(keys) = &order.kind else { return refuse_order_by_all() };
    for key in keys {
        if matches!(&key.expr, Expr::Identifier(name) if name.value.eq_ignore_ascii_case("all")) {
            return refuse_order_by_all();
        }
        if grouping::has_aggregate(&key.expr) {
            let key = &key.expr;
            return refuse(format!(
                "ORDER BY {key}: give it a name in SELECT and order by the name"
            ));
        }
    }
    ControlFlow::Continue(())
}

/// Refuses a name in an expression of ORDER BY that is both a column and an alias of SELECT: the
/// engine uses the alias, other engines use the column.
fn check_order_by_shadowed(query: &Query) -> GuardResult {
    let (Some(order), SetExpr::Select(select)) = (&query.order_by, query.body.as_ref()) else {
        return ControlFlow::Continue(());
    };
    let OrderByKind::Expressions(keys) = &order.kind else { return refuse_order_by_all() };
    for item in &select.projection {
        let SelectItem::ExprWithAlias { expr, alias } = item else { continue };
        let is_plain = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        if is_plain || !grouping::has_column(expr, &alias.value) {
            continue;
        }
        let is_hidden = |expr: &Expr| {
            !matches!(expr, Expr::Identifier(_)) && grouping::has_column(expr, &alias.value)
        };
        if let Some(key) = keys.iter().find(|key| is_hidden(&key.expr)) {
            return refuse(format!(
                "ORDER BY {}: {alias} is both a column and an alias of SELECT; \
                 choose another alias",
                key.expr
            ));
        }
    }
    ControlFlow::Continue(())
}

fn refuse_order_by_all() -> GuardResult {
    refuse("ORDER BY ALL is not supported; name the columns")
}

/// Returns true if the statement has an ORDER BY whose keys all say NULLS FIRST or NULLS LAST,
/// because the defaults of engines differ. A test requires this of all reports.
#[cfg(test)]
pub fn has_portable_order(statement: &Statement) -> bool {
    let Statement::Query(query) = statement else { return false };
    let Some(order) = &query.order_by else { return false };
    match &order.kind {
        OrderByKind::Expressions(keys) => {
            !keys.is_empty() && keys.iter().all(|key| key.options.nulls_first.is_some())
        }
        OrderByKind::All(_) => false,
    }
}

#[cfg(test)]
mod refused_tests;
#[cfg(test)]
mod tests;
