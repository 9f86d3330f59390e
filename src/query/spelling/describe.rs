//! Answers SHOW TABLES and DESCRIBE with a SELECT of constants.

use sqlparser::ast::Statement;

use crate::schema::{self, ColumnType};

use crate::query::views::columns::{view_columns, view_names};

/// Returns the statement that lists the views or the columns of a view; `None` for other
/// statements and for unknown views.
pub fn as_select(statement: &Statement) -> Option<String> {
    match statement {
        Statement::ShowTables { .. } | Statement::ShowViews { .. } => {
            let rows = view_names().iter().map(|name| format!("({})", text(name)));
            Some(select("view_name", rows))
        }
        Statement::ExplainTable { table_name, .. } => {
            let wanted = table_name.to_string().to_lowercase();
            let view = view_names().iter().find(|name| **name == wanted)?;
            let rows = columns_of(view).into_iter().map(|[name, ty, meaning]| {
                format!("({}, {}, {})", text(name), text(ty), text(meaning))
            });
            Some(select("column_name, column_type, meaning", rows))
        }
        _ => None,
    }
}

/// Returns name, type and meaning of the columns. The three views of events have the same.
fn columns_of(view: &str) -> Vec<[&'static str; 3]> {
    let is_of_events = ["events", "history", "events_all"].contains(&view);
    let wanted = if is_of_events { "events" } else { view };
    let mut columns = Vec::new();
    if is_of_events {
        columns.extend(
            schema::columns()
                .iter()
                .map(|column| [column.name, sql_type(&column.ty), column.description]),
        );
    }
    let of_view = view_columns().iter().filter(|column| column.view == wanted);
    columns.extend(of_view.map(|column| [column.name, column.ty, column.meaning]));
    columns
}

/// Returns the type in SQL, in the words of the columns of views.
fn sql_type(ty: &ColumnType) -> &'static str {
    match ty {
        ColumnType::Text | ColumnType::Id | ColumnType::User | ColumnType::Ip => "text",
        ColumnType::Int | ColumnType::RecordType | ColumnType::UserType => "bigint",
        ColumnType::Bool => "boolean",
        ColumnType::Time => "timestamp",
        ColumnType::List(_) => "list",
        ColumnType::Struct(_) => "struct",
    }
}

fn select(names: &str, rows: impl Iterator<Item = String>) -> String {
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!("SELECT {names} FROM (VALUES {rows}) AS answer ({names})")
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
