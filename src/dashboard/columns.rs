//! Reads columns of results by name, and names the reports that several files need.

use chrono::{NaiveDate, TimeDelta};

use crate::grid::{Cell, Grid};
use crate::{Error, Result};

/// The report of views over time.
pub const TREND: &str = "consumption-trend";

/// The report of active users over time.
pub const ADOPTION: &str = "adoption";

/// The report of the retention of users.
pub const COHORTS: &str = "adoption-cohorts";

/// The report of the use of capacities.
pub const CAPACITIES: &str = "capacity-usage";

/// The parameter of reports over time that sets the length of a row: day, week or month.
pub const GRAIN_PARAM: &str = "grain";

/// Returns the parameters of a grain; none for an empty grain.
pub fn grain_params(grain: &'static str) -> Vec<(&'static str, &'static str)> {
    if grain.is_empty() { Vec::new() } else { vec![(GRAIN_PARAM, grain)] }
}

/// Returns the position of a column.
///
/// # Errors
///
/// [`Error::Internal`] naming the column if the grid has no such column.
pub fn column_index(grid: &Grid, column: &str) -> Result<usize> {
    let found = grid.columns.iter().position(|found| found.name == column);
    found.ok_or_else(|| Error::internal(format!("the dashboard needs the column {column}")))
}

/// Returns the numbers of a column, by row.
///
/// # Errors
///
/// Those of [`column_index`].
pub fn column_numbers(grid: &Grid, column: &str) -> Result<Vec<Option<f64>>> {
    let at = column_index(grid, column)?;
    let number = |row: &Vec<Cell>| match row.get(at) {
        Some(Cell::Int(number)) => Some(*number as f64),
        Some(Cell::Float(number)) => Some(*number),
        _ => None,
    };
    Ok(grid.rows.iter().map(number).collect())
}

/// Returns the texts of a column, by row.
///
/// # Errors
///
/// Those of [`column_index`].
pub fn column_texts<'g>(grid: &'g Grid, column: &str) -> Result<Vec<Option<&'g str>>> {
    let at = column_index(grid, column)?;
    let text = |row: &'g Vec<Cell>| match row.get(at) {
        Some(Cell::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    Ok(grid.rows.iter().map(text).collect())
}

/// Returns the dates of a column, by row.
///
/// # Errors
///
/// Those of [`column_index`].
pub fn column_dates(grid: &Grid, column: &str) -> Result<Vec<Option<NaiveDate>>> {
    let at = column_index(grid, column)?;
    let date = |row: &Vec<Cell>| match row.get(at) {
        Some(Cell::Date { days }) => {
            NaiveDate::default().checked_add_signed(TimeDelta::days((*days).into()))
        }
        _ => None,
    };
    Ok(grid.rows.iter().map(date).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::CellKind;

    #[test]
    fn unknown_column_is_an_error_with_its_name() {
        let grid = Grid::new([("views", CellKind::Int)]);
        assert_eq!(column_numbers(&grid, "views").unwrap(), []);
        for error in
            [column_numbers(&grid, "vews").unwrap_err(), column_texts(&grid, "vews").unwrap_err()]
        {
            assert!(matches!(error, Error::Internal(_)), "{error:?}");
            assert!(error.to_string().contains("column vews"), "{error}");
        }
    }
}
