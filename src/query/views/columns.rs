//! The views, their columns, and the meaning of each column (`columns.tsv`).

use std::sync::LazyLock;

use crate::schema::tsv::{TsvError, parse_table, wrong_cell_count};

/// Column of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewColumn {
    /// View; `events` means `history` and `events_all` too, which have the same columns.
    pub view: &'static str,
    /// Name of the column; differs from Microsoft's columns by more than case, which most SQL
    /// dialects ignore.
    pub name: &'static str,
    /// SQL type.
    pub ty: &'static str,
    /// Meaning of its values.
    pub meaning: &'static str,
}

/// Returns the columns of the views, except Microsoft's columns of events.
pub fn view_columns() -> &'static [ViewColumn] {
    static COLUMNS: LazyLock<Vec<ViewColumn>> =
        LazyLock::new(|| parse_columns().filter_map(Result::ok).collect());
    &COLUMNS
}

fn parse_columns() -> impl Iterator<Item = Result<ViewColumn, TsvError>> {
    parse_table(include_str!("columns.tsv"), |cells| match *cells {
        [view, name, ty, meaning] => Ok(ViewColumn { view, name, ty, meaning }),
        _ => Err(wrong_cell_count(cells, 4)),
    })
}

/// Returns the names of the views, in the order of `columns.tsv`.
pub fn view_names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names = vec!["events", "history", "events_all"];
        names.extend(
            view_columns().iter().skip_while(|column| column.view == "events").map(|c| c.view),
        );
        names.dedup();
        names
    });
    &NAMES
}

/// Returns true if there is a view of that name.
pub fn is_view(name: &str) -> bool {
    view_names().contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_columns_is_parsed() {
        let parsed: Result<Vec<ViewColumn>, TsvError> = parse_columns().collect();
        assert_eq!(parsed.unwrap().len(), view_columns().len());
    }
}
