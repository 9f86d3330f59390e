//! The facts on what an inventory and lists of people contain: the rows of the reports
//! `unused-reports`, `unused-items` and `license-usage`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};

use super::tables::{self, TableSpec};
use crate::grid::{Cell, Grid};
use crate::report::{self, Options, ReportCatalog, ReportDefinition, ReportSession, Snapshot, Tz};
use crate::{Error, Result};

/// Status of an item that the reports leave out, or that the inventory does not contain.
const NOT_JUDGED: &str = "not judged";

/// Statuses of items. If an item is there twice, the first of its statuses counts.
const STATUSES: [&str; 3] = ["used", "unknown", "unused"];

/// Columns of `unused-reports`, in the order of the table. A report has no dependents.
const REPORT_COLUMNS: [Option<&str>; 9] = [
    Some("report_id"),
    Some("workspace_id"),
    Some("status"),
    Some("reason"),
    Some("last_view"),
    Some("days_since_view"),
    Some("views"),
    None,
    None,
];

/// Columns of `unused-items`, in the order of the table.
const ITEM_COLUMNS: [Option<&str>; 9] = [
    Some("item_id"),
    Some("workspace_id"),
    Some("status"),
    Some("reason"),
    Some("last_use"),
    Some("days_since_use"),
    Some("uses"),
    Some("uses_downstream"),
    Some("dependents"),
];

/// Columns of `license-usage`, in the order of the table.
const LICENSE_COLUMNS: [Option<&str>; 8] = [
    Some("user"),
    Some("license"),
    Some("source"),
    Some("product"),
    Some("class"),
    Some("assigned_by_group"),
    Some("last_view"),
    Some("last_any"),
];

/// The reports that the facts come from.
pub struct HeldReports {
    unused_reports: ReportDefinition,
    unused_items: ReportDefinition,
    license_usage: ReportDefinition,
}

impl HeldReports {
    /// Loads the reports.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the program has no such report.
    pub fn load() -> Result<HeldReports> {
        let catalog = ReportCatalog::new(None)?;
        Ok(HeldReports {
            unused_reports: catalog.find("unused-reports")?.clone(),
            unused_items: catalog.find("unused-items")?.clone(),
            license_usage: catalog.find("license-usage")?.clone(),
        })
    }

    /// Returns the reports.
    pub fn into_definitions(self) -> [ReportDefinition; 3] {
        [self.unused_reports, self.unused_items, self.license_usage]
    }
}

/// Rows of the facts, with IDs in place of keys.
pub struct HeldFacts {
    /// Rows of the table of the inventory.
    pub inventory: Grid,
    /// Rows of the table of licenses.
    pub licenses: Grid,
    has_inventory: bool,
}

impl HeldFacts {
    /// Reads the facts, with the use in the last days of the period. Without an inventory and lists
    /// of people, or with filters, they have no rows.
    ///
    /// # Errors
    ///
    /// Those of the reports.
    pub fn read(
        snapshot: &Snapshot,
        session: &ReportSession<'_>,
        options: &Options,
        window_days: u16,
    ) -> Result<HeldFacts> {
        let (time_zone, days) = (options.time_zone, window_days.to_string());
        let mut inventory = Grid::new(tables::INVENTORY.columns.iter().copied());
        let mut licenses = Grid::new(tables::LICENSES.columns.iter().copied());
        let has_inventory = report::can_compare_inventory(snapshot, options);
        if has_inventory {
            let HeldReports { unused_reports, unused_items, license_usage } = HeldReports::load()?;
            let all = [("days", days.as_str()), ("status", "all")];
            for (report, columns) in
                [(&unused_reports, REPORT_COLUMNS), (&unused_items, ITEM_COLUMNS)]
            {
                let rows = session.rows(report, &all)?;
                inventory.rows.extend(picked(&tables::INVENTORY, &rows, &columns, time_zone)?);
            }
            let all = [("days", days.as_str()), ("license", "all"), ("class", "all")];
            let rows = session.rows(&license_usage, &all)?;
            licenses.rows = picked(&tables::LICENSES, &rows, &LICENSE_COLUMNS, time_zone)?;
        }
        Ok(HeldFacts { inventory, licenses, has_inventory })
    }

    /// Returns the rows of items with their status, and with dates in place of times.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the rows have no column for the status.
    pub fn with_status(&self, mut items: Grid, time_zone: Tz) -> Result<Grid> {
        let at = items.position("use_status");
        let at = at.ok_or_else(|| Error::internal("items have no column of the status"))?;
        let mut ranks: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &self.inventory.rows {
            if let [Cell::Text(id), _, Cell::Text(status), ..] = row.as_slice() {
                let rank = STATUSES.iter().position(|known| known == status);
                let rank = rank.ok_or_else(|| Error::internal(format!("the status {status}")))?;
                let known = ranks.entry(id.as_str()).or_insert(rank);
                *known = rank.min(*known);
            }
        }
        for row in &mut items.rows {
            row.iter_mut().for_each(|cell| to_local_date(cell, time_zone));
            let rank = match row.first() {
                Some(Cell::Text(id)) => ranks.get(id.as_str()),
                _ => None,
            };
            let status = match rank.and_then(|rank| STATUSES.get(*rank)) {
                Some(status) => Some(*status),
                None => self.has_inventory.then_some(NOT_JUDGED),
            };
            row[at] = status.map_or(Cell::Null, |status| Cell::Text(status.to_owned()));
        }
        Ok(items)
    }
}

/// Returns the rows of a report with the columns of a table.
fn picked(
    spec: &TableSpec,
    rows: &Grid,
    columns: &[Option<&str>],
    time_zone: Tz,
) -> Result<Vec<Vec<Cell>>> {
    let mut positions = Vec::new();
    for name in columns {
        let position = match name {
            Some(name) => Some(rows.position(name).ok_or_else(|| {
                Error::internal(format!("{}: the report has no column {name}", spec.file))
            })?),
            None => None,
        };
        positions.push(position);
    }
    let pick = |row: &Vec<Cell>| {
        let cell = |at: &Option<usize>| {
            let cell = at.and_then(|at| row.get(at)).cloned();
            let mut cell = cell.unwrap_or(Cell::Null);
            to_local_date(&mut cell, time_zone);
            cell
        };
        positions.iter().map(cell).collect()
    };
    Ok(rows.rows.iter().map(pick).collect())
}

/// Replaces a time by its day in a time zone.
fn to_local_date(cell: &mut Cell, time_zone: Tz) {
    let Cell::Time { us } = *cell else { return };
    let day = DateTime::from_timestamp_micros(us)
        .map(|time| time.with_timezone(&time_zone).date_naive() - NaiveDate::default())
        .and_then(|since| i32::try_from(since.num_days()).ok());
    *cell = day.map_or(Cell::Null, |days| Cell::Date { days });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::CellKind;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn times_become_days_of_the_time_zone() {
        let mut cell = Cell::Time { us: 23 * 3_600_000_000 };
        to_local_date(&mut cell, Tz::UTC);
        assert_eq!(cell, Cell::Date { days: 0 });
        let mut cell = Cell::Time { us: 23 * 3_600_000_000 };
        to_local_date(&mut cell, Tz::Europe__Berlin);
        assert_eq!(cell, Cell::Date { days: 1 });
        let mut cell = Cell::Time { us: i64::MAX };
        to_local_date(&mut cell, Tz::UTC);
        assert_eq!(cell, Cell::Null);
    }

    #[test]
    fn reports_have_the_columns_of_the_tables() {
        let reports = HeldReports::load().unwrap();
        for (report, columns) in [
            (&reports.unused_reports, REPORT_COLUMNS.as_slice()),
            (&reports.unused_items, &ITEM_COLUMNS),
            (&reports.license_usage, &LICENSE_COLUMNS),
        ] {
            let names: Vec<&str> = report.columns.iter().map(|(name, _)| name.as_str()).collect();
            for column in columns.iter().flatten() {
                assert!(names.contains(column), "{}: {column}", report.name);
            }
        }
        assert_eq!(REPORT_COLUMNS.len(), tables::INVENTORY.columns.len());
        assert_eq!(LICENSE_COLUMNS.len(), tables::LICENSES.columns.len());
    }

    #[test]
    fn item_has_the_status_that_says_most_about_its_use() {
        let row = |id: &str, status: &str| {
            let mut row = vec![Cell::Null; tables::INVENTORY.columns.len()];
            (row[0], row[2]) = (text(id), text(status));
            row
        };
        let mut inventory = Grid::new(tables::INVENTORY.columns.iter().copied());
        inventory.rows = vec![row("a", "unused"), row("b", "unused"), row("a", "used")];
        let licenses = Grid::new(tables::LICENSES.columns.iter().copied());
        let mut held = HeldFacts { inventory, licenses, has_inventory: true };
        let mut items = Grid::new([("item_key", CellKind::Text), ("use_status", CellKind::Text)]);
        items.rows = ["a", "b", "c"].map(|id| vec![text(id), Cell::Null]).to_vec();
        let statuses = |held: &HeldFacts| -> Vec<Cell> {
            let rows = held.with_status(items.clone(), Tz::UTC).unwrap().rows;
            rows.into_iter().map(|row| row[1].clone()).collect()
        };
        assert_eq!(statuses(&held), [text("used"), text("unused"), text(NOT_JUDGED)]);
        held.has_inventory = false;
        held.inventory.rows.clear();
        assert_eq!(statuses(&held), [Cell::Null, Cell::Null, Cell::Null]);
        let error = held.with_status(Grid::new([("item_key", CellKind::Text)]), Tz::UTC);
        assert!(error.is_err());
    }
}
