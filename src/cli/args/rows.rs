//! Flags that select rows and columns of a result.

use super::convert::{parse_column_name, parse_row_count, parse_sort_key};
use crate::report::{RowSelection, SortKey};

/// Section of the help.
const ROWS: &str = "Rows and columns";

/// Rows and columns to return.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RowArgs {
    /// Keep only rows that match a SQL condition on columns of the result: 'viewers = 1'
    #[arg(
        long = "where",
        value_name = "CONDITION",
        help_heading = ROWS,
        allow_hyphen_values = true
    )]
    condition: Option<String>,
    /// Sort by these columns; put - before a name for descending order
    #[arg(
        long,
        value_name = "[-]COLUMN",
        help_heading = ROWS,
        value_delimiter = ',',
        value_parser = parse_sort_key,
        allow_hyphen_values = true
    )]
    sort: Vec<SortKey>,
    /// Maximum number of rows
    #[arg(long, value_name = "N", help_heading = ROWS, value_parser = parse_row_count)]
    pub(in crate::cli) top: Option<u32>,
    /// Show only these columns, in this order
    #[arg(
        long,
        value_name = "COLUMN",
        help_heading = ROWS,
        value_delimiter = ',',
        value_parser = parse_column_name
    )]
    columns: Vec<String>,
}

impl RowArgs {
    /// Returns the selection.
    pub(in crate::cli) fn selection(&self) -> RowSelection {
        RowSelection {
            condition: self.condition.clone(),
            sort: self.sort.clone(),
            columns: self.columns.clone(),
        }
    }
}
