//! Writes the facts: the rows of queries with keys in place of IDs, sorted.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::keys::KeyTable;
use super::tables::{self, TableSpec};
use crate::grid::{Cell, CellKind, Grid, GridColumn};
use crate::render::TableWriter;
use crate::report::{ReportDefinition, ReportSession};
use crate::{Error, Result};

/// Columns of the query of `activity` that together are one client.
const CLIENT_COLUMNS: [&str; 4] = ["consumption_method", "distribution_method", "browser", "os"];

/// Separates the values of a client in its ID.
const SEPARATOR: char = '\u{1f}';

/// The keys of all dimensions.
pub struct Keys {
    /// Users.
    pub user: KeyTable,
    /// Items.
    pub item: KeyTable,
    /// Workspaces.
    pub workspace: KeyTable,
    /// Capacities.
    pub capacity: KeyTable,
    /// Activities.
    pub activity: KeyTable,
    /// Clients.
    pub client: KeyTable,
    /// Events in which something was shared.
    pub share: KeyTable,
}

impl Keys {
    /// Creates tables without keys.
    pub fn new() -> Keys {
        Keys {
            user: KeyTable::new("user"),
            item: KeyTable::new("item"),
            workspace: KeyTable::new("workspace"),
            capacity: KeyTable::new("capacity"),
            activity: KeyTable::new("activity name"),
            client: KeyTable::new("client"),
            share: KeyTable::new("event"),
        }
    }

    /// Returns the keys that a column contains.
    fn of_column(&mut self, column: &str) -> Option<&mut KeyTable> {
        match column {
            "user_key" => Some(&mut self.user),
            "item_key" => Some(&mut self.item),
            "workspace_key" => Some(&mut self.workspace),
            "capacity_key" => Some(&mut self.capacity),
            "activity_key" => Some(&mut self.activity),
            "client_key" => Some(&mut self.client),
            "share_key" => Some(&mut self.share),
            _ => None,
        }
    }
}

/// Writes the facts of one run, and collects the keys and clients in them.
pub struct FactWriter<'a> {
    folder: &'a Path,
    days: &'a BTreeSet<i32>,
    counts_services: bool,
    /// Keys of all facts.
    pub keys: Keys,
    /// Values of each client, by its ID.
    pub clients: BTreeMap<String, Vec<Cell>>,
}

impl<'a> FactWriter<'a> {
    /// Creates a writer of files in a folder. `days` are those of the table of dates, and
    /// `counts_services` is true if reports count service principals too.
    pub fn new(folder: &'a Path, days: &'a BTreeSet<i32>, counts_services: bool) -> FactWriter<'a> {
        let (keys, clients) = (Keys::new(), BTreeMap::new());
        FactWriter { folder, days, counts_services, keys, clients }
    }

    /// Writes the rows of a query in each session to one file. Returns the number of rows.
    ///
    /// # Errors
    ///
    /// Those of the query, of [`KeyTable::key`] and of the disk.
    pub fn write(
        &mut self,
        spec: &TableSpec,
        query: &ReportDefinition,
        sessions: &[&ReportSession<'_>],
    ) -> Result<u64> {
        let path = self.folder.join(spec.file_name());
        let mut table = TableWriter::create(&path, spec.columns)?;
        for session in sessions {
            let mut grid = session.rows(query, &[])?;
            if spec.file == tables::ACTIVITY.file {
                self.join_client(&mut grid)?;
            }
            table.append(&self.keyed(spec, grid)?)?;
        }
        table.finish()
    }

    /// Writes rows that have IDs in place of keys to one file. Returns their number.
    ///
    /// # Errors
    ///
    /// Those of [`KeyTable::key`] and of the disk.
    pub fn write_rows(&mut self, spec: &TableSpec, rows: Grid) -> Result<u64> {
        let path = self.folder.join(spec.file_name());
        let mut table = TableWriter::create(&path, spec.columns)?;
        table.append(&self.keyed(spec, rows)?)?;
        table.finish()
    }

    /// Replaces the columns of a client by one with its ID.
    fn join_client(&mut self, grid: &mut Grid) -> Result<()> {
        let is_first = |column: &GridColumn| column.name == CLIENT_COLUMNS[0];
        let start = grid.columns.iter().position(is_first);
        let start = start.ok_or_else(|| Error::internal("the query has no columns of clients"))?;
        let client = GridColumn { name: "client_key".to_owned(), kind: CellKind::Text };
        grid.columns.splice(start..start + CLIENT_COLUMNS.len(), [client]);
        for row in &mut grid.rows {
            let values = &row[start..start + CLIENT_COLUMNS.len()];
            let id = client_id(values);
            if let Some(id) = &id
                && !self.clients.contains_key(id)
            {
                self.clients.insert(id.clone(), values.to_vec());
            }
            let id = id.map_or(Cell::Null, Cell::Text);
            row.splice(start..start + CLIENT_COLUMNS.len(), [id]);
        }
        Ok(())
    }

    /// Returns the rows with keys in place of IDs, sorted by all columns.
    fn keyed(&mut self, spec: &TableSpec, grid: Grid) -> Result<Grid> {
        let names = grid.columns.iter().map(|column| column.name.as_str());
        if !names.eq(spec.columns.iter().map(|(name, _)| *name)) {
            let found = &grid.columns;
            return Err(Error::internal(format!("{} has the columns {found:?}", spec.file)));
        }
        let mut rows = grid.rows;
        for row in &mut rows {
            for (cell, (name, _)) in row.iter_mut().zip(spec.columns) {
                self.convert(name, cell)?;
            }
            if let Some(Cell::Date { days }) = row.first()
                && !self.days.contains(days)
            {
                let file = spec.file;
                return Err(Error::internal(format!("{file} has day {days}, which no date has")));
            }
        }
        rows.sort_by(|a, b| compare_rows(a, b));
        Ok(Grid { rows, ..Grid::new(spec.columns.iter().copied()) })
    }

    /// Replaces an ID by its key, and `is_service` by whether reports count the event.
    fn convert(&mut self, column: &str, cell: &mut Cell) -> Result<()> {
        let converted = match (&*cell, self.keys.of_column(column)) {
            (Cell::Text(id), Some(keys)) => Cell::Int(keys.key(Some(id))?),
            (Cell::Null, Some(keys)) => Cell::Int(keys.key(None)?),
            (Cell::Bool(is_service), None) if column == "is_counted" => {
                Cell::Bool(self.counts_services || !is_service)
            }
            _ => return Ok(()),
        };
        *cell = converted;
        Ok(())
    }
}

/// Returns the ID of a client; `None` if all its values are unknown.
fn client_id(values: &[Cell]) -> Option<String> {
    let texts = values.iter().map(|value| match value {
        Cell::Text(text) => text.as_str(),
        _ => "",
    });
    let id = texts.collect::<Vec<_>>().join(&SEPARATOR.to_string());
    id.contains(|c| c != SEPARATOR).then_some(id)
}

/// Compares rows column by column, nulls first. The order of rows in a query is not defined, and
/// the same store must give the same file.
fn compare_rows(a: &[Cell], b: &[Cell]) -> Ordering {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| compare_cells(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare_cells(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
        (Cell::Date { days: a }, Cell::Date { days: b }) => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => Ordering::Less,
        (_, Cell::Null) => Ordering::Greater,
        // A column has cells of one kind.
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_without_values_is_unknown() {
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_eq!(client_id(&[Cell::Null, text(""), Cell::Null, Cell::Null]), None);
        let one = client_id(&[text("Excel"), Cell::Null, Cell::Null, Cell::Null]);
        let other = client_id(&[Cell::Null, text("Excel"), Cell::Null, Cell::Null]);
        assert!(one.is_some() && other.is_some() && one != other);
    }

    #[test]
    fn rows_are_sorted_by_all_columns_with_nulls_first() {
        let row = |key, text: &str| vec![Cell::Int(key), Cell::Text(text.to_owned())];
        let mut rows = vec![row(2, "a"), row(1, "b"), vec![Cell::Int(1), Cell::Null], row(1, "a")];
        rows.sort_by(|a, b| compare_rows(a, b));
        let expected = [vec![Cell::Int(1), Cell::Null], row(1, "a"), row(1, "b"), row(2, "a")];
        assert_eq!(rows, expected);
    }
}
