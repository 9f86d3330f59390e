//! The guard: which statements are answered at all.
//!
//! Owns: parsing, and refusing by name every form that the engine would answer with other numbers
//! than DuckDB or Spark, or with numbers that depend on chance - each with what to write instead.
//! It holds for our own files and for a user's statement alike. It also says which views and which
//! columns a statement asks for, so that nothing else is built. Must not know the engine's types,
//! nor where the data is.
//!
//! Each rule was found by running the same statement in Polars 0.55 and in DuckDB 1.5 over the
//! same rows. refused.sql has them all, with both answers, and tests hold both engines to it.

mod functions;
mod grouping;
mod joins;
mod windows;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArguments, GroupByExpr, Ident, ObjectName, OrderByKind, Query, Select,
    SelectItem, SetExpr, SetOperator, Statement, TableFactor, Value, Visit, Visitor,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use crate::{Error, Result};

use crate::query::views;

pub use functions::{is_narrow_function, is_sum};

/// Whether a view has that name.
pub fn is_view(name: &str) -> bool {
    views::view_names().contains(&name)
}

/// What a statement asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// The views that it reads.
    pub views: BTreeSet<String>,
    /// Every name in it that can be a column.
    pub column_names: BTreeSet<String>,
    /// Whether it asks for all columns of something.
    pub all_columns: bool,
}

impl References {
    /// Whether a column of that name can be needed.
    pub fn has_column(&self, column: &str) -> bool {
        self.all_columns || self.column_names.contains(column)
    }
}

/// Parses a text that must be one statement.
///
/// # Errors
///
/// [`Error::Query`] with the parser's words, or for more or less than one statement.
pub fn parse(query: &str, sql: &str) -> Result<Statement> {
    let refuse = |message: String| Error::query(query, message);
    let parser = Parser::new(&GenericDialect);
    let parsed = parser.try_with_sql(sql).and_then(|mut parser| parser.parse_statements());
    let statements = parsed.map_err(|error| refuse(error.to_string()))?;
    let [statement] = <[Statement; 1]>::try_from(statements).map_err(|statements| {
        refuse(format!("one statement is expected here, and there are {}", statements.len()))
    })?;
    Ok(statement)
}

/// Lets a statement pass or refuses it.
///
/// # Errors
///
/// [`Error::Query`] naming the form and the way out.
pub fn check(query: &str, statement: &Statement) -> Result<References> {
    let refuse = |message: String| Error::query(query, message);
    let Statement::Query(body) = statement else {
        return Err(refuse("only SELECT and WITH … SELECT are answered here".to_owned()));
    };
    let mut named = BTreeSet::new();
    if let ControlFlow::Break(message) = body.visit(&mut CteNameCollector { names: &mut named }) {
        return Err(refuse(message));
    }
    let mut guard = Guard { cte_names: named, references: References::default() };
    match body.visit(&mut guard) {
        ControlFlow::Break(message) => Err(refuse(message)),
        ControlFlow::Continue(()) => Ok(guard.references),
    }
}

/// A refusal ends the walk.
type GuardResult = ControlFlow<String>;

/// Ends the walk with what is wrong and what to write instead.
fn refuse(message: impl Into<String>) -> GuardResult {
    ControlFlow::Break(message.into())
}

/// Collects the names that WITH gives, which must be new ones: the engine looks among the views
/// first and would read the view instead.
struct CteNameCollector<'a> {
    names: &'a mut BTreeSet<String>,
}

impl Visitor for CteNameCollector<'_> {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> GuardResult {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = &table.alias.name.value;
            if is_view(name) {
                return refuse(format!("WITH {name}: this is the name of a view; take another"));
            }
            if !self.names.insert(name.clone()) {
                return refuse(format!("WITH {name}: the name is given twice; take another"));
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
            return refuse("WITH RECURSIVE is not answered here");
        }
        if !query.pipe_operators.is_empty() {
            return refuse("|> is not answered here; write SELECT and WITH");
        }
        check_body(&query.body)?;
        check_order_by_aggregate(query)?;
        check_order_by_shadowed(query)
    }

    fn pre_visit_select(&mut self, select: &Select) -> GuardResult {
        if select.qualify.is_some() {
            return refuse("QUALIFY: number the rows in a WITH, and filter them in WHERE after it");
        }
        if matches!(select.distinct, Some(sqlparser::ast::Distinct::On(_))) {
            return refuse("DISTINCT ON: number the rows with ROW_NUMBER in a WITH, and keep 1");
        }
        if !select.named_window.is_empty() {
            return refuse("WINDOW: write the window in each OVER (…)");
        }
        let columns = |item: &SelectItem| {
            matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
        };
        // All columns of a sub-select are those that it names itself.
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
                        "{name}(…) reads other files; only views are read here"
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
                refuse("a join in brackets: write the joins one after the other")
            }
            other => refuse(format!("{other}: only views and sub-selects can stand in FROM")),
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
                functions::check(function)?;
                windows::check(function)?;
            }
            Expr::BinaryOp { op, .. } => functions::check_operator(op)?,
            Expr::Position { .. } => return functions::refuse_position(),
            Expr::Substring { substring_from: Some(from), .. }
                if matches!(from.as_ref(), Expr::UnaryOp { .. }) =>
            {
                return refuse(
                    "SUBSTRING from the end: the whole text comes back; write RIGHT(…, n)",
                );
            }
            Expr::IsTrue(_) | Expr::IsNotTrue(_) | Expr::IsFalse(_) | Expr::IsNotFalse(_) => {
                return refuse(
                    "IS [NOT] TRUE and IS [NOT] FALSE take nulls for unknown here and for false \
                     elsewhere; write COALESCE(…, FALSE)",
                );
            }
            Expr::Subquery(_) => {
                return refuse(
                    "a SELECT in place of a value: compute it in a WITH and CROSS JOIN it, \
                     or use IN",
                );
            }
            Expr::Prefixed { .. } | Expr::Lambda(_) => {
                return refuse(format!("{expr} is not answered here"));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Guard {
    fn add_column_name(&mut self, name: &Ident) {
        // The engine takes such a name for a pattern of names.
        self.references.all_columns |= name.value.starts_with('^') && name.value.ends_with('$');
        self.references.column_names.insert(name.value.clone());
    }

    fn check_relation(&mut self, name: &ObjectName) -> GuardResult {
        let [part] = name.0.as_slice() else {
            return refuse(format!("{name}: a view has no schema before its name"));
        };
        let Some(ident) = part.as_ident() else { return refuse_unknown_view(name) };
        if is_view(&ident.value) {
            self.references.views.insert(ident.value.clone());
        } else if !self.cte_names.contains(&ident.value) {
            return refuse_unknown_view(name);
        }
        ControlFlow::Continue(())
    }

    /// The engine would read the view, or the other table, instead of what the alias stands for.
    fn check_alias(&self, alias: Option<&Ident>) -> GuardResult {
        match alias {
            Some(alias) if is_view(&alias.value) => {
                refuse(format!("AS {alias}: this is the name of a view; take another"))
            }
            Some(alias) if self.cte_names.contains(&alias.value) => {
                refuse(format!("AS {alias}: WITH gives this name to something else; take another"))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn refuse_unknown_view(name: &ObjectName) -> GuardResult {
    let views = views::view_names().join(", ");
    refuse(format!("there is no view {name}; there are {views}"))
}

/// Whether a view stands in FROM itself.
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

/// Only selects, put together by UNION or by one INTERSECT or EXCEPT.
fn check_body(set: &SetExpr) -> GuardResult {
    match set {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => ControlFlow::Continue(()),
        SetExpr::SetOperation { left, op, right, .. } => {
            for side in [left, right] {
                if let SetExpr::SetOperation { op: inner, .. } = side.as_ref()
                    && (*op, *inner) != (SetOperator::Union, SetOperator::Union)
                {
                    return refuse(format!("{inner} beside {op}: put the inner one into a WITH"));
                }
                check_body(side)?;
            }
            ControlFlow::Continue(())
        }
        _ => refuse("only SELECT and WITH … SELECT are answered here"),
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
            return refuse(format!("ORDER BY {key}: name it in SELECT and order by the name"));
        }
    }
    ControlFlow::Continue(())
}

/// In an expression of ORDER BY the engine takes a name for what SELECT makes of a column, and
/// others take it for the column.
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
                "ORDER BY {}: {alias} is a column and what SELECT makes of it; \
                 give that another name",
                key.expr
            ));
        }
    }
    ControlFlow::Continue(())
}

fn refuse_order_by_all() -> GuardResult {
    refuse("ORDER BY ALL: name the columns, so that the order is total")
}

/// Whether the statement ends in an order in which every key says where nulls go, as the engines'
/// defaults differ. Reports are held to it by a test.
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
