//! Splits SELECTs that the streaming engine must not run, but whose filter it may: the streaming
//! engine filters a view of events, and the SELECT then reads the rows that are left.
//!
//! Without it, `SELECT ROW_NUMBER() OVER (…) FROM history WHERE is_failed` on the in-memory engine
//! keeps the rows of all events until they are filtered.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, JoinOperator, ObjectName, Query, Select, SelectItem,
    SetExpr, TableAlias, TableFactor, TableWithJoins, Visit, Visitor,
};

use crate::query::engine::streamable::{EVENT_VIEWS, is_streamable, table_and_alias};

/// Query of the columns and rows of a view of events that another query reads.
#[derive(Debug, PartialEq, Eq)]
pub struct FilteredRows {
    /// Name of the table that the other query reads now.
    pub name: String,
    /// The query.
    pub query: Query,
}

/// Splits a query that reads a view of events and filters it. `number` makes the name of the table
/// unique, and `columns_of` returns the columns of a view. Returns `None`, and leaves the query
/// unchanged, if it has another form.
pub fn split(
    query: &mut Query,
    number: usize,
    columns_of: &dyn Fn(&str) -> Option<BTreeSet<String>>,
) -> Option<FilteredRows> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let (view, alias) = filtered_view(select)?;
    let columns = columns_of(&view)?;
    let mut names = NamesInQuery::default();
    let ControlFlow::Continue(()) = query.visit(&mut names);
    let has_joins = !select.from[0].joins.is_empty();
    let of_view =
        |part: &Expr| is_of_view(part, &columns, &alias, has_joins) && is_streamable(part);
    let (moved, kept): (Vec<Expr>, Vec<Expr>) =
        conjuncts(select.selection.clone()?).into_iter().partition(of_view);
    let read = columns.intersection(&names.0).map(|name| Expr::Identifier(quoted(name)));
    let read: Vec<SelectItem> = read.map(SelectItem::UnnamedExpr).collect();
    if moved.is_empty() || read.is_empty() {
        return None;
    }
    let rows = Query { body: filter_of(select, read, conjunction(moved)), ..plain(query) };
    let name = format!("filtered {view} {number}");
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.selection = conjunction(kept);
    if let TableFactor::Table { name: table, alias, .. } = &mut select.from[0].relation {
        *table = ObjectName::from(quoted(&name));
        let name = Ident::new(view);
        let of_view = TableAlias { explicit: true, name, columns: Vec::new(), at: None };
        alias.get_or_insert(of_view);
    }
    Some(FilteredRows { name, query: rows })
}

/// Returns a query without the clauses that follow its body.
fn plain(query: &Query) -> Query {
    Query { with: None, order_by: None, limit_clause: None, fetch: None, ..query.clone() }
}

/// Returns the SELECT of columns of the first table of another SELECT, with its own condition.
fn filter_of(select: &Select, read: Vec<SelectItem>, condition: Option<Expr>) -> Box<SetExpr> {
    let relation = select.from[0].relation.clone();
    Box::new(SetExpr::Select(Box::new(Select {
        distinct: None,
        projection: read,
        from: vec![TableWithJoins { relation, joins: Vec::new() }],
        selection: condition,
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        ..select.clone()
    })))
}

/// Returns the name of the view of events that a SELECT reads, and the name by which its columns
/// are qualified, if the SELECT selects columns by name.
fn filtered_view(select: &Select) -> Option<(String, String)> {
    let [from] = select.from.as_slice() else { return None };
    let (view, alias) = table_and_alias(&from.relation)?;
    let keeps_left_rows = |operator: &JoinOperator| {
        matches!(
            operator,
            JoinOperator::Join(_)
                | JoinOperator::Inner(_)
                | JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
                | JoinOperator::CrossJoin(_)
        )
    };
    let is_named = |item: &SelectItem| {
        matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
    };
    let fits = EVENT_VIEWS.contains(&view)
        && from.joins.iter().all(|join| keeps_left_rows(&join.join_operator))
        && select.projection.iter().all(is_named);
    fits.then(|| (view.to_owned(), alias.to_owned()))
}

/// Returns true if all columns of a condition are those of the view. With joins, an unqualified
/// name may be that of another table.
fn is_of_view(condition: &Expr, columns: &BTreeSet<String>, alias: &str, has_joins: bool) -> bool {
    let mut finder = ForeignColumn { columns, alias, has_joins };
    condition.visit(&mut finder).is_continue()
}

/// Ends at a column that may be another table's.
struct ForeignColumn<'a> {
    columns: &'a BTreeSet<String>,
    alias: &'a str,
    has_joins: bool,
}

impl Visitor for ForeignColumn<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let is_own = match expr {
            Expr::Identifier(name) => !self.has_joins && self.columns.contains(&name.value),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [alias, name, ..] if alias.value == self.alias => {
                    self.columns.contains(&name.value)
                }
                // A member of a column with several values.
                [name, ..] => !self.has_joins && self.columns.contains(&name.value),
                [] => false,
            },
            _ => true,
        };
        if is_own { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Collects all names that can be columns.
#[derive(Default)]
struct NamesInQuery(BTreeSet<String>);

impl Visitor for NamesInQuery {
    type Break = Infallible;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Infallible> {
        match expr {
            Expr::Identifier(name) => {
                self.0.insert(name.value.clone());
            }
            Expr::CompoundIdentifier(parts) => {
                self.0.extend(parts.iter().map(|part| part.value.clone()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Returns the conditions that a condition joins by AND.
fn conjuncts(condition: Expr) -> Vec<Expr> {
    let (mut open, mut parts) = (vec![condition], Vec::new());
    while let Some(condition) = open.pop() {
        match condition {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                open.push(*right);
                open.push(*left);
            }
            Expr::Nested(inner)
                if matches!(*inner, Expr::BinaryOp { op: BinaryOperator::And, .. }) =>
            {
                open.push(*inner);
            }
            part => parts.push(part),
        }
    }
    parts
}

/// Joins conditions by AND.
fn conjunction(parts: Vec<Expr>) -> Option<Expr> {
    parts.into_iter().reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    })
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}
