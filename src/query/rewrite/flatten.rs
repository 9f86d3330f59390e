//! Splits a statement into tables, one for each query in it.
//!
//! The engine runs a nested query in a context of its own, which lacks the functions of
//! [`crate::query::engine::exact`]. Therefore each nested query becomes a table that the rest of
//! the statement reads. The engine plans tables and nested queries alike: nothing runs earlier.
//!
//! A query that reads columns of the query around it stays in place, and so does a list of VALUES.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, SetExpr, Statement, TableAliasColumnDef, TableFactor,
    Visit, VisitMut, Visitor, VisitorMut,
};

use crate::query::guard;
use crate::query::rewrite::exact_functions;

/// Table whose rows are those of a query.
pub struct QueryTable {
    /// Name by which later queries read it.
    pub name: String,
    /// New names of its columns; empty if they keep those of the query.
    pub columns: Vec<String>,
    /// Query over views and earlier tables.
    pub query: Query,
}

/// Moves the nested queries of a query out, and returns them in an order in which each reads only
/// earlier ones.
pub fn flatten(query: &mut Query) -> Vec<QueryTable> {
    let mut flattener = Flattener { tables: Vec::new(), subqueries: 0 };
    flattener.flatten_query(query);
    flattener.tables
}

struct Flattener {
    tables: Vec<QueryTable>,
    /// Number of queries that got a name.
    subqueries: usize,
}

impl Flattener {
    fn flatten_query(&mut self, query: &mut Query) {
        for mut cte in query.with.take().into_iter().flat_map(|with| with.cte_tables) {
            self.flatten_query(&mut cte.query);
            let (name, columns) = (cte.alias.name.value, names_of(cte.alias.columns));
            self.tables.push(QueryTable { name, columns, query: *cte.query });
        }
        self.flatten_body(&mut query.body);
    }

    fn flatten_body(&mut self, body: &mut SetExpr) {
        match body {
            SetExpr::Select(select) => self.flatten_select(select),
            SetExpr::Query(query) => self.flatten_query(query),
            SetExpr::SetOperation { left, right, .. } => {
                self.flatten_side(left);
                self.flatten_side(right);
            }
            _ => {}
        }
    }

    /// Moves one side of a set operation out.
    fn flatten_side(&mut self, side: &mut SetExpr) {
        if !matches!(side, SetExpr::Select(_) | SetExpr::Query(_)) {
            return self.flatten_body(side);
        }
        let Some((name, reader)) = self.next_reader() else { return };
        let query = match std::mem::replace(side, *reader.body) {
            SetExpr::Query(query) => *query,
            body => query_of(body),
        };
        self.add(name, Vec::new(), query);
    }

    fn flatten_select(&mut self, select: &mut Select) {
        for from in &mut select.from {
            self.flatten_table(&mut from.relation);
            from.joins.iter_mut().for_each(|join| self.flatten_table(&mut join.relation));
        }
        let ControlFlow::Continue(()) = select.visit(&mut ConditionFlattener { flattener: self });
    }

    /// Moves a subquery in FROM out.
    fn flatten_table(&mut self, table: &mut TableFactor) {
        if !matches!(table, TableFactor::Derived { subquery, .. } if is_movable(subquery)) {
            return;
        }
        let Some((name, reader)) = self.next_reader() else { return };
        let SetExpr::Select(mut select) = *reader.body else { return };
        let Some(from) = select.from.pop() else { return };
        let TableFactor::Derived { subquery, alias, .. } = std::mem::replace(table, from.relation)
        else {
            return;
        };
        let mut columns = Vec::new();
        if let TableFactor::Table { alias: table_alias, .. } = table {
            *table_alias = alias.map(|mut alias| {
                columns = names_of(std::mem::take(&mut alias.columns));
                alias
            });
        }
        self.add(name, columns, *subquery);
    }

    /// Moves the query of a condition out, if it needs exact functions. The engine joins the others
    /// as they are, and knows the column of the new one by its name.
    fn flatten_condition(&mut self, subquery: &mut Query) {
        if !is_movable(subquery) || !exact_functions::has_replaceable(subquery) {
            return;
        }
        let Some((name, mut reader)) = self.next_reader() else { return };
        if let (SetExpr::Select(inner), SetExpr::Select(outer)) =
            (subquery.body.as_mut(), reader.body.as_mut())
            && let [item] = inner.projection.as_mut_slice()
            && let Some(column) = name_column(item)
        {
            outer.projection = vec![SelectItem::UnnamedExpr(Expr::Identifier(column))];
        }
        let query = std::mem::replace(subquery, reader);
        self.add(name, Vec::new(), query);
    }

    fn add(&mut self, name: String, columns: Vec<String>, mut query: Query) {
        self.flatten_query(&mut query);
        self.tables.push(QueryTable { name, columns, query });
    }

    /// Returns a new name for a table, and a query that reads the table.
    fn next_reader(&mut self) -> Option<(String, Query)> {
        self.subqueries += 1;
        let name = format!("subquery {}", self.subqueries);
        match guard::parse("sql", &format!("SELECT * FROM \"{name}\"")) {
            Ok(Statement::Query(query)) => Some((name, *query)),
            _ => None,
        }
    }
}

/// Moves the queries after IN out.
struct ConditionFlattener<'a> {
    flattener: &'a mut Flattener,
}

impl VisitorMut for ConditionFlattener<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::InSubquery { subquery, .. } = expr {
            self.flattener.flatten_condition(subquery);
        }
        ControlFlow::Continue(())
    }
}

fn names_of(columns: Vec<TableAliasColumnDef>) -> Vec<String> {
    columns.into_iter().map(|column| column.name.value).collect()
}

/// Returns the name of a column, which gets one if it has none.
fn name_column(item: &mut SelectItem) -> Option<Ident> {
    if let SelectItem::UnnamedExpr(expr) = item
        && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
    {
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::new("member") };
    }
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().cloned(),
        _ => None,
    }
}

fn query_of(body: SetExpr) -> Query {
    Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// Returns true for a query that is not a list of VALUES, and whose columns with a table's name are
/// of tables in the query.
fn is_movable(query: &Query) -> bool {
    let mut names = TableReferences::default();
    let ControlFlow::Continue(()) = query.visit(&mut names);
    !matches!(query.body.as_ref(), SetExpr::Values(_)) && names.used.is_subset(&names.defined)
}

/// Names of the tables in a query, and the names before its columns.
#[derive(Default)]
struct TableReferences {
    defined: BTreeSet<String>,
    used: BTreeSet<String>,
}

impl Visitor for TableReferences {
    type Break = std::convert::Infallible;

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        match table {
            TableFactor::Table { name, alias, .. } => {
                let alias = alias.as_ref().map(|alias| alias.name.value.clone());
                self.defined.insert(alias.unwrap_or_else(|| name.to_string()));
            }
            TableFactor::Derived { alias: Some(alias), .. } => {
                self.defined.insert(alias.name.value.clone());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [table, ..] = parts.as_slice()
        {
            self.used.insert(table.value.clone());
        }
        ControlFlow::Continue(())
    }
}
