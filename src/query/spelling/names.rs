//! Finds views and columns in any case, as most SQL dialects do. The engine compares exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, Statement, TableAlias,
    TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::schema;

use crate::query::views::columns::{view_columns, view_names};

/// Replaces each unquoted name that only differs by case from one known name.
pub fn respell(statement: &mut Statement) {
    let mut known = Known::default();
    for name in view_names() {
        known.add_table(name);
    }
    let _: ControlFlow<()> = Visit::visit(statement, &mut known);
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut Respell { known });
}

/// Known names by their lower case: those of the views, and those that the statement defines.
#[derive(Default)]
struct Known {
    tables: BTreeMap<String, BTreeSet<String>>,
    columns: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    fn add_table(&mut self, name: &str) {
        self.tables.entry(name.to_lowercase()).or_default().insert(name.to_owned());
    }

    fn add_column(&mut self, name: &str) {
        self.columns.entry(name.to_lowercase()).or_default().insert(name.to_owned());
    }

    /// Adds the columns of a view. Those of other views would make a name ambiguous.
    fn add_columns_of_view(&mut self, name: &str) {
        let has_events = ["events", "history", "events_all"].contains(&name);
        let view = if has_events { "events" } else { name };
        for column in view_columns().iter().filter(|column| column.view == view) {
            self.add_column(column.name);
        }
        for column in schema::columns().iter().filter(|_| has_events) {
            self.add_column(column.name);
        }
    }

    fn add_alias(&mut self, alias: &TableAlias) {
        self.add_table(&alias.name.value);
        for column in &alias.columns {
            self.add_column(&column.name.value);
        }
    }
}

impl Visitor for Known {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.add_alias(&table.alias);
        }
        add_aliases_of_items(self, &query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if let [ObjectNamePart::Identifier(name)] = relation.0.as_slice() {
            self.add_columns_of_view(&name.value.to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. } = factor
        {
            self.add_alias(alias);
        }
        ControlFlow::Continue(())
    }
}

/// Adds the aliases of SELECT. Queries in parentheses are visited on their own.
fn add_aliases_of_items(known: &mut Known, body: &SetExpr) {
    match body {
        SetExpr::Select(select) => {
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    known.add_column(&alias.value);
                }
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            add_aliases_of_items(known, left);
            add_aliases_of_items(known, right);
        }
        _ => {}
    }
}

struct Respell {
    known: Known,
}

/// Replaces a name if it is not known exactly, and exactly one known name differs only by case.
fn respell_name(name: &mut Ident, known: &BTreeMap<String, BTreeSet<String>>) {
    let Some(spellings) = known.get(&name.value.to_lowercase()) else { return };
    if name.quote_style.is_some() || spellings.contains(&name.value) {
        return;
    }
    if let (Some(only), 1) = (spellings.first(), spellings.len()) {
        name.value.clone_from(only);
    }
}

impl VisitorMut for Respell {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        if let [ObjectNamePart::Identifier(name)] = relation.0.as_mut_slice() {
            respell_name(name, &self.known.tables);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => respell_name(name, &self.known.columns),
            Expr::CompoundIdentifier(names) => {
                if let [table, column] = names.as_mut_slice() {
                    respell_name(table, &self.known.tables);
                    respell_name(column, &self.known.columns);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
