//! Builds the dimensions: one row for each key in the facts, and one for unknown values.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::fiscal_start::FiscalStart;
use super::keys::{KeyTable, UNKNOWN_KEY};
use super::labels::{Labeled, unique_labels};
use super::tables::{self, TableSpec};
use crate::grid::{Cell, CellKind, Grid};
use crate::render::TableWriter;
use crate::{Error, Result};

/// The text of an unknown value.
const UNKNOWN: &str = "(unknown)";

/// Names of weekdays, the first for number 1.
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The parts of a day, each with its first hour.
const PARTS_OF_DAY: [(i64, &str); 5] =
    [(22, "Night"), (18, "Evening"), (12, "Afternoon"), (6, "Morning"), (0, "Night")];

/// Writes a table with these rows. Returns their number.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be written.
pub fn write_table(folder: &Path, spec: &TableSpec, rows: Vec<Vec<Cell>>) -> Result<u64> {
    let mut table = TableWriter::create(&folder.join(spec.file_name()), spec.columns)?;
    table.append(&Grid { rows, ..Grid::new(spec.columns.iter().copied()) })?;
    table.finish()
}

/// Returns the rows of a dimension whose query has an ID in place of the key. The second column is
/// the label. Rows without facts are left out.
///
/// # Errors
///
/// [`Error::Internal`] if the query has other columns, or no row for an ID of the facts.
pub fn dimension_rows(spec: &TableSpec, grid: Grid, keys: &KeyTable) -> Result<Vec<Vec<Cell>>> {
    let names = grid.columns.iter().map(|column| column.name.as_str());
    if !names.eq(spec.columns.iter().map(|(name, _)| *name)) {
        let found = &grid.columns;
        return Err(Error::internal(format!("{} has the columns {found:?}", spec.file)));
    }
    let mut used: Vec<(i64, String, Vec<Cell>)> = Vec::new();
    for row in grid.rows {
        let Some(Cell::Text(id)) = row.first() else { continue };
        if let Some(key) = keys.known_key(id) {
            used.push((key, id.clone(), row));
        }
    }
    if used.len() != keys.len() {
        let (file, found, expected) = (spec.file, used.len(), keys.len());
        return Err(Error::internal(format!("{file} has {found} rows, expected {expected}")));
    }
    used.sort_by_key(|(key, _, _)| *key);
    let things: Vec<Labeled<'_>> = used
        .iter()
        .map(|(key, id, row)| Labeled { name: text(row.get(1)), id, key: *key })
        .collect();
    let labels = unique_labels(&things, UNKNOWN);
    let mut rows = vec![unknown_row(spec)];
    for ((key, _, mut row), label) in used.into_iter().zip(labels) {
        row[0] = Cell::Int(key);
        row[1] = Cell::Text(label);
        fill_unknown(spec, &mut row);
        rows.push(row);
    }
    Ok(rows)
}

/// Returns the rows of the clients.
///
/// # Errors
///
/// [`Error::Internal`] for a client without a key.
pub fn client_rows(
    clients: BTreeMap<String, Vec<Cell>>,
    keys: &KeyTable,
) -> Result<Vec<Vec<Cell>>> {
    let mut rows = vec![unknown_row(&tables::CLIENT)];
    for (id, values) in clients {
        let key = keys.known_key(&id).ok_or_else(|| Error::internal("a client has no key"))?;
        let mut row = vec![Cell::Int(key)];
        row.extend(values);
        fill_unknown(&tables::CLIENT, &mut row);
        rows.push(row);
    }
    rows.sort_by_key(|row| if let Some(Cell::Int(key)) = row.first() { *key } else { 0 });
    Ok(rows)
}

/// Returns the rows of the hours.
pub fn hour_rows() -> Vec<Vec<Cell>> {
    let part = |hour: i64| {
        PARTS_OF_DAY.iter().find(|(first, _)| hour >= *first).map_or("", |(_, part)| part)
    };
    let row = |hour: i64| {
        let label = format!("{hour:02}:00");
        vec![Cell::Int(hour), Cell::Text(label), Cell::Text(part(hour).to_owned())]
    };
    (0..24).map(row).collect()
}

/// Returns the rows of the dates: those of the period, and the days right before it. Fiscal years
/// start with the first day of a month.
///
/// # Errors
///
/// [`Error::Internal`] if the days of the period have a gap.
pub fn date_rows(grid: &Grid, fiscal_start: FiscalStart) -> Result<Vec<Vec<Cell>>> {
    let named: BTreeMap<&str, usize> =
        grid.columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect();
    let mut rows = Vec::with_capacity(grid.rows.len());
    let mut next: Option<i32> = None;
    for source in grid.rows.iter().rev() {
        let value = |name: &str| {
            let cell = named.get(name).and_then(|at| source.get(*at));
            cell.cloned().ok_or_else(|| Error::internal(format!("dates have no column {name}")))
        };
        let Cell::Date { days } = value("date")? else {
            return Err(Error::internal("a row of dates has no date"));
        };
        if next.is_some_and(|next| next != days + 1) {
            // The log can end long before the period. Days before such a gap are in no window.
            if value("in_period")? == Cell::Bool(true) {
                return Err(Error::internal("the dates of the period have a gap"));
            }
            break;
        }
        next = Some(days);
        let date = NaiveDate::default() + TimeDelta::days(days.into());
        let columns = tables::DATE.columns.iter();
        let cell = |(name, _): &(&str, _)| date_cell(name, date, fiscal_start, value);
        rows.push(columns.map(cell).collect::<Result<_>>()?);
    }
    rows.reverse();
    Ok(rows)
}

/// Returns the value of a column of a date, calculated or from the query.
fn date_cell(
    name: &str,
    date: NaiveDate,
    fiscal_start: FiscalStart,
    value: impl Fn(&str) -> Result<Cell>,
) -> Result<Cell> {
    let quarter = date.month0() / 3 + 1;
    Ok(match name {
        "year" => Cell::Int(date.year().into()),
        "quarter" => Cell::Text(format!("{}-Q{quarter}", date.year())),
        "fiscal_year" => Cell::Text(format!("FY{}", fiscal_start.year_of(date))),
        "fiscal_quarter" => {
            let (year, quarter) = (fiscal_start.year_of(date), fiscal_start.quarter_of(date));
            Cell::Text(format!("FY{year}-Q{quarter}"))
        }
        "month" => Cell::Text(date.format("%Y-%m").to_string()),
        "weekday" => {
            let number = date.weekday().num_days_from_monday() as usize;
            Cell::Text(WEEKDAYS.get(number).copied().unwrap_or_default().to_owned())
        }
        _ => value(name)?,
    })
}

/// Returns the row for unknown values.
fn unknown_row(spec: &TableSpec) -> Vec<Cell> {
    let cell = |(name, kind): &(&str, CellKind)| match kind {
        CellKind::Int => Cell::Int(UNKNOWN_KEY),
        CellKind::Bool => Cell::Bool(false),
        CellKind::Text if !is_id(name) => Cell::Text(UNKNOWN.to_owned()),
        _ => Cell::Null,
    };
    spec.columns.iter().map(cell).collect()
}

/// Replaces unknown texts, so that slicers have a text for them. IDs stay empty.
fn fill_unknown(spec: &TableSpec, row: &mut [Cell]) {
    for (cell, (name, kind)) in row.iter_mut().zip(spec.columns) {
        if *cell == Cell::Null && *kind == CellKind::Text && !is_id(name) {
            *cell = Cell::Text(UNKNOWN.to_owned());
        }
    }
}

fn is_id(column: &str) -> bool {
    column.ends_with("_id")
}

fn text(cell: Option<&Cell>) -> Option<&str> {
    match cell {
        Some(Cell::Text(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: &[(i32, bool)]) -> Grid {
        let mut grid = Grid::new([
            ("date", CellKind::Date),
            ("week", CellKind::Text),
            ("weekday_number", CellKind::Int),
            ("coverage", CellKind::Text),
            ("coverage_reason", CellKind::Text),
            ("is_complete", CellKind::Bool),
            ("in_period", CellKind::Bool),
            ("trend_half", CellKind::Int),
            ("complete_run", CellKind::Int),
            ("log_days_before", CellKind::Int),
        ]);
        for (days, in_period) in days {
            let mut row = vec![Cell::Null; 10];
            (row[0], row[6]) = (Cell::Date { days: *days }, Cell::Bool(*in_period));
            grid.rows.push(row);
        }
        grid
    }

    #[test]
    fn dates_have_names_and_no_gap() {
        let start = FiscalStart::default();
        // 2026-03-01 is a Sunday.
        let rows = date_rows(&days(&[(20_512, false), (20_513, true)]), start).unwrap();
        let text = |text: &str| Cell::Text(text.to_owned());
        let quarters = [text("2026-Q1"), text("FY2026"), text("FY2026-Q1")];
        assert_eq!(rows[1][1], Cell::Int(2026));
        assert_eq!((&rows[1][2..5], &rows[1][5]), (&quarters[..], &text("2026-03")));
        assert_eq!((rows.len(), &rows[1][7]), (2, &text("Sunday")));
        let rows =
            date_rows(&days(&[(20_400, false), (20_512, true), (20_513, true)]), start).unwrap();
        assert_eq!(rows.len(), 2);
        assert!(date_rows(&days(&[(20_400, true), (20_512, true)]), start).is_err());
        assert!(date_rows(&days(&[]), start).unwrap().is_empty());
    }

    #[test]
    fn each_hour_has_a_label_and_a_part_of_the_day() {
        let rows = hour_rows();
        let part = |hour: usize| rows[hour][2].clone();
        assert_eq!(rows[9][..2], [Cell::Int(9), Cell::Text("09:00".to_owned())]);
        let parts = [0, 5, 6, 11, 12, 17, 18, 21, 22, 23].map(part);
        let expected = [
            "Night",
            "Night",
            "Morning",
            "Morning",
            "Afternoon",
            "Afternoon",
            "Evening",
            "Evening",
            "Night",
            "Night",
        ];
        assert_eq!(parts, expected.map(|part| Cell::Text(part.to_owned())));
    }

    #[test]
    fn id_of_a_fact_without_a_row_is_an_error() {
        let mut keys = KeyTable::new("capacity");
        keys.key(Some("c1")).unwrap();
        let spec = &tables::CAPACITY;
        let mut grid = Grid::new(spec.columns.iter().map(|(name, kind)| {
            (*name, if name.ends_with("_key") { CellKind::Text } else { *kind })
        }));
        assert!(dimension_rows(spec, grid.clone(), &keys).is_err());
        for id in ["c1", "c2"] {
            let mut row = vec![Cell::Null; spec.columns.len()];
            row[0] = Cell::Text(id.to_owned());
            grid.rows.push(row);
        }
        let rows = dimension_rows(spec, grid, &keys).unwrap();
        assert_eq!(rows.len(), 2, "the unknown row and c1, which a fact has");
        assert_eq!(rows[0][..3], [Cell::Int(0), Cell::Text(UNKNOWN.into()), Cell::Null]);
        assert_eq!(rows[1][1], Cell::Text("c1".into()));
    }
}
