//! Runs several reports and renders them as one output, with an index of them.

use super::options::Options;
use super::rendered::failures;
use super::session::{ReportResult, open_session, run_report};
use crate::grid::{Cell, CellKind, Grid};
use crate::query::{LogKind, ReportDefinition};
use crate::render::{self, NamedTable, ReportContext, TablesInput};
use crate::store::Snapshot;
use crate::{Error, Result};

/// Several reports as one output.
#[derive(Debug)]
pub struct CombinedReports {
    /// Output in the chosen format.
    pub bytes: Vec<u8>,
    /// Messages of the conditions in [`Options::fail_on`] that hold, each with its report.
    pub failures: Vec<String>,
    /// Errors of reports that could not run, each with its report.
    pub errors: Vec<String>,
}

/// Runs several reports on one period and renders them as one output: an index, then a table for
/// each. A report that fails has a row in the index and no table.
///
/// # Errors
///
/// Errors of [`super::run`] that concern all reports, and [`Error::Usage`] for a format that holds
/// one table.
pub fn run_combined(
    snapshot: &Snapshot,
    reports: &[ReportDefinition],
    options: &Options,
) -> Result<CombinedReports> {
    render::check_holds_tables(options.format)?;
    let mut session = open_session(snapshot, reports, options)?;
    session.preload(reports)?;
    let mut tables = vec![empty_index()];
    let mut context: Option<ReportContext> = None;
    let (mut held, mut errors, mut index) = (Vec::new(), Vec::new(), Vec::new());
    for report in reports {
        let mut row = vec![text(&report.name), text(&report.title)];
        match run_report(&session, report, options) {
            Ok(result) => {
                let (rows, coverage) = (result.grid.rows.len(), &result.context.coverage);
                let found = failures(options, coverage, rows, result.newest_event_us);
                held.extend(found.into_iter().map(|failure| format!("{}: {failure}", report.name)));
                let note = result.remarks.first().filter(|_| rows == 0);
                row.extend([count(rows), text(&report.question)]);
                row.push(note.map_or(Cell::Null, |note| text(note)));
                if report.log == LogKind::PowerBi {
                    context.get_or_insert(result.context.clone());
                }
                tables.push(table_of(report, result));
            }
            Err(error) => {
                row.extend([Cell::Null, text(&report.question)]);
                row.push(text(&format!("this report failed: {error}")));
                errors.push(format!("{}: {error}", report.name));
            }
        }
        index.push(row);
    }
    if let Some(first) = tables.first_mut() {
        first.grid.rows = index;
    }
    let Some(context) = context else {
        return Err(Error::Usage(errors.join("; ")));
    };
    let remarks = [format!(
        "The numbers of excluded events are those of {}; other reports can count other actors.",
        context.report
    )];
    let (report, title) = ("all".to_owned(), "All reports".to_owned());
    let context = ReportContext { report, title, totals: None, ..context };
    let input = TablesInput {
        tables: &tables,
        context: &context,
        remarks: &remarks,
        time_zone: options.time_zone,
        width: options.width,
    };
    let bytes = render::render_tables(&input, options.format)?;
    Ok(CombinedReports { bytes, failures: held, errors })
}

/// Returns the table of the reports, without rows.
fn empty_index() -> NamedTable {
    let grid = Grid::new([
        ("report", CellKind::Text),
        ("title", CellKind::Text),
        ("rows", CellKind::Int),
        ("question", CellKind::Text),
        ("note", CellKind::Text),
    ]);
    let [name, title] = ["index", "Index"].map(str::to_owned);
    NamedTable { name, title, grid, chart: None, remarks: Vec::new() }
}

fn table_of(report: &ReportDefinition, result: ReportResult) -> NamedTable {
    let ReportResult { grid, chart, remarks, .. } = result;
    let [name, title] = [&report.name; 2].map(String::clone);
    NamedTable { name, title, grid, chart, remarks }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn count(rows: usize) -> Cell {
    i64::try_from(rows).map_or(Cell::Null, Cell::Int)
}
