//! Compares the rows of a report with those of an earlier period, over equally many complete days
//! of each weekday.

use super::options::{EarlierPeriod, Options};
use super::remarks::{complete_days, marked_day};
use super::session::{ComparableSessions, ReportResult, ReportSession, table_limit};
use super::totals::{totals, totals_remark};
use crate::grid::{Cell, CellKind, Chart, Grid, GridColumn};
use crate::query::{self, ComparedRows, ReportDefinition};
use crate::render::{Mark, ReportContext};
use crate::store::Snapshot;
use crate::{Error, Result};

/// Runs a report on both periods and returns the rows of either, with the values of both.
///
/// # Errors
///
/// [`Error::Usage`] if the rows of the report cannot be compared, or if the periods overlap; else
/// those of [`super::run`].
pub(super) fn run(
    snapshot: &Snapshot,
    report: &ReportDefinition,
    earlier: EarlierPeriod,
    options: &Options,
) -> Result<ReportResult> {
    let Some(compared) = &report.compared else {
        return Err(Error::Usage(format!(
            "--compare does not work for {}: its rows have no counterpart in another period. It \
             works for reports with a row per item or user, for example top-reports",
            report.name
        )));
    };
    let session = ReportSession::new(snapshot, [report], options)?;
    let whole = session.run(report, &[])?;
    let (grid, remark) = match earlier {
        EarlierPeriod::BeforeMark => {
            let mark = only_mark(options)?;
            let sentences = Sentences {
                days: format!("from {} on, and of as many days before it", marked_day(mark)),
                none: format!(
                    "the period has no complete days before and from {} on, on the same weekdays; \
                     name a longer period with --since and --until",
                    mark.day
                ),
            };
            compared_rows(report, compared, &whole, session.around(mark.day), &sentences)?
        }
        EarlierPeriod::Previous => {
            let before = session.previous_period()?;
            compare_with(report, compared, &whole, &session, before)?
        }
        EarlierPeriod::Days(bounds) => {
            let before = session.with_days(bounds)?;
            compare_with(report, compared, &whole, &session, Some(before))?
        }
    };
    let limit = table_limit(options);
    let matching = query::matching_rows(grid, &options.selection, options.time_zone)?;
    let totals = totals(report, &matching.grid);
    let selected = matching.cut(limit);
    let mut remarks = vec![remark];
    let condition = options.selection.condition.as_deref();
    remarks.extend(super::remarks::selection_remarks(&selected, condition, None));
    remarks.extend(totals_remark(totals.as_ref(), options.format));
    remarks.extend(whole.remarks);
    let context = ReportContext { totals, ..whole.context };
    let chart = report.chart.clone().filter(|chart| {
        matches!(chart, Chart::Bars { .. }) && chart.has_columns_in(&selected.grid)
    });
    Ok(ReportResult { grid: selected.grid, chart, remarks, context, ..whole })
}

/// Returns the rows of a report on two sessions over comparable days, with the values of both.
/// `None` if the rows of the report have no counterpart in another period.
pub fn comparison_rows(report: &ReportDefinition, later: &Grid, earlier: &Grid) -> Option<Grid> {
    report.compared.as_ref().map(|compared| compared_grid(compared, later, Some(earlier)))
}

/// The texts of a comparison for its remark.
struct Sentences {
    /// Which days are compared, after their number.
    days: String,
    /// Why there is no comparison.
    none: String,
}

/// Compares the period of a session with an earlier one.
fn compare_with(
    report: &ReportDefinition,
    compared: &ComparedRows,
    whole: &ReportResult,
    session: &ReportSession<'_>,
    before: Option<ReportSession<'_>>,
) -> Result<(Grid, String)> {
    let days = before.as_ref().and_then(ReportSession::period);
    if let (Some((from, _)), Some((first, last))) = (session.period(), days)
        && last >= from
    {
        return Err(Error::Usage(format!(
            "--compare names {first} to {last}, which does not end before the period starts on \
             {from}; name earlier days, or a later period with --since or --period"
        )));
    }
    let (days, none) = match days {
        Some((first, last)) => (
            format!("of this period and of as many days of {first} to {last} (before)"),
            format!("this period and {first} to {last} have no complete days on the same weekdays"),
        ),
        None => (
            String::new(),
            "the log does not reach back that far; name a later period with --since or --period"
                .to_owned(),
        ),
    };
    let sentences = Sentences { days, none };
    let sessions = before.as_ref().and_then(|before| session.comparable(before));
    compared_rows(report, compared, whole, sessions, &sentences)
}

/// Returns the rows of both sessions with a remark on their days. Without sessions, the rows are
/// those of the whole period, without earlier values.
fn compared_rows(
    report: &ReportDefinition,
    compared: &ComparedRows,
    whole: &ReportResult,
    sessions: Option<ComparableSessions<'_>>,
    sentences: &Sentences,
) -> Result<(Grid, String)> {
    let Some(sessions) = sessions else {
        let remark = format!("No comparison: {}.", sentences.none);
        return Ok((compared_grid(compared, &whole.grid, None), remark));
    };
    let later = sessions.later.rows(report, &[])?;
    let earlier = sessions.earlier.rows(report, &[])?;
    let days = complete_days(sessions.days);
    let remark =
        format!("All values are those of {days} {}, on the same weekdays.", sentences.days);
    Ok((compared_grid(compared, &later, Some(&earlier)), remark))
}

/// Returns the only marked day of the options.
fn only_mark(options: &Options) -> Result<&Mark> {
    match options.marks.as_slice() {
        [mark] => Ok(mark),
        _ => Err(Error::Usage(
            "--compare mark needs exactly one --mark, for example --mark 2026-03-10:Training"
                .to_owned(),
        )),
    }
}

/// Returns the rows of both results: those of the later one in its order, then those that only the
/// earlier one has. A missing row counts as 0. Without an earlier result, its values are unknown.
fn compared_grid(compared: &ComparedRows, later: &Grid, earlier: Option<&Grid>) -> Grid {
    let column = |name: &str| later.columns.iter().find(|column| column.name == name);
    let mut columns: Vec<GridColumn> =
        compared.key.iter().filter_map(|name| column(name).cloned()).collect();
    for name in &compared.figures {
        let kind = column(name).map_or(CellKind::Int, |column| column.kind);
        columns.extend([
            GridColumn { name: name.clone(), kind },
            GridColumn { name: format!("{name}_before"), kind },
            GridColumn { name: format!("{name}_change"), kind },
            GridColumn { name: format!("{name}_change_pct"), kind: CellKind::Float },
        ]);
    }
    let key = |grid: &Grid, row: &[Cell]| -> Vec<Cell> {
        compared.key.iter().map(|name| cell(grid, row, name)).collect()
    };
    let old: Vec<(Vec<Cell>, &Vec<Cell>)> = earlier
        .map(|grid| grid.rows.iter().map(|row| (key(grid, row), row)).collect())
        .unwrap_or_default();
    let by_text: std::collections::HashMap<String, usize> =
        old.iter().enumerate().map(|(at, (key, _))| (format!("{key:?}"), at)).collect();
    let mut seen = vec![false; old.len()];
    let mut rows = Vec::new();
    for row in &later.rows {
        let mut cells = key(later, row);
        let found = by_text.get(&format!("{cells:?}")).copied();
        if let Some(seen) = found.and_then(|at| seen.get_mut(at)) {
            *seen = true;
        }
        let old_row = found.and_then(|at| old.get(at));
        for name in &compared.figures {
            let before = earlier.map(|grid| match old_row {
                Some((_, row)) => cell(grid, row, name),
                None => Cell::Int(0),
            });
            cells.extend(values(cell(later, row, name), before));
        }
        rows.push(cells);
    }
    for ((key, row), _) in old.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        let mut cells = key.clone();
        for name in &compared.figures {
            let before = earlier.map(|grid| cell(grid, row, name));
            cells.extend(values(Cell::Int(0), before));
        }
        rows.push(cells);
    }
    ids_last(Grid { columns, rows })
}

/// Moves the columns of IDs after names and figures, which people read first.
fn ids_last(grid: Grid) -> Grid {
    let (ids, others): (Vec<usize>, Vec<usize>) =
        (0..grid.columns.len()).partition(|&at| grid.columns[at].name.ends_with("_id"));
    let order: Vec<usize> = others.into_iter().chain(ids).collect();
    let in_order = |row: &Vec<Cell>| order.iter().map(|&at| row[at].clone()).collect();
    let rows = grid.rows.iter().map(in_order).collect();
    Grid { columns: order.iter().map(|&at| grid.columns[at].clone()).collect(), rows }
}

/// Returns the cell of a row in a column; null if there is no such column.
pub(super) fn cell(grid: &Grid, row: &[Cell], name: &str) -> Cell {
    grid.position(name).and_then(|at| row.get(at)).cloned().unwrap_or(Cell::Null)
}

/// Returns both values, their difference, and the difference in percent, rounded to one place.
pub(super) fn values(now: Cell, before: Option<Cell>) -> [Cell; 4] {
    let before = before.unwrap_or(Cell::Null);
    let both = match (&now, &before) {
        (Cell::Int(now), Cell::Int(before)) => Some((*now, *before)),
        _ => None,
    };
    let percent = both
        .filter(|(_, before)| *before != 0)
        .map(|(now, before)| ((now - before) as f64 * 1000.0 / before as f64 + 0.5).floor() / 10.0);
    let change = both.map_or(Cell::Null, |(now, before)| Cell::Int(now - before));
    [now, before, change, percent.map_or(Cell::Null, Cell::Float)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[(&str, i64)]) -> Grid {
        let mut grid = Grid::new([
            ("rank", CellKind::Int),
            ("item", CellKind::Text),
            ("views", CellKind::Int),
        ]);
        let row = |(at, (item, views)): (usize, &(&str, i64))| {
            vec![Cell::Int(at as i64), Cell::Text((*item).to_owned()), Cell::Int(*views)]
        };
        grid.rows = rows.iter().enumerate().map(row).collect();
        grid
    }

    #[test]
    fn ids_are_after_names_and_figures() {
        let compared = ComparedRows {
            key: ["item", "item_id"].map(str::to_owned).into(),
            figures: vec!["views".into()],
        };
        let columns =
            [("item_id", CellKind::Text), ("item", CellKind::Text), ("views", CellKind::Int)];
        let mut later = Grid::new(columns);
        later.rows.push(vec![Cell::Text("id".into()), Cell::Text("a".into()), Cell::Int(3)]);
        let found = compared_grid(&compared, &later, Some(&later));
        let names: Vec<_> = found.columns.iter().map(|column| column.name.as_str()).collect();
        let expected =
            ["item", "views", "views_before", "views_change", "views_change_pct", "item_id"];
        assert_eq!(names, expected);
        assert_eq!(found.rows[0][1..3], [Cell::Int(3), Cell::Int(3)]);
        assert_eq!(found.rows[0][5], Cell::Text("id".into()));
    }

    #[test]
    fn rows_of_both_periods_stand_side_by_side() {
        let compared = ComparedRows { key: vec!["item".into()], figures: vec!["views".into()] };
        let later = grid(&[("a", 30), ("new", 3)]);
        let earlier = grid(&[("gone", 7), ("a", 40)]);
        let found = compared_grid(&compared, &later, Some(&earlier));
        let names: Vec<_> = found.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["item", "views", "views_before", "views_change", "views_change_pct"]);
        let text = |name: &str| Cell::Text(name.to_owned());
        let (int, float) = (Cell::Int, Cell::Float);
        assert_eq!(
            found.rows,
            [
                vec![text("a"), int(30), int(40), int(-10), float(-25.0)],
                vec![text("new"), int(3), int(0), int(3), Cell::Null],
                vec![text("gone"), int(0), int(7), int(-7), float(-100.0)],
            ]
        );
        let unknown = compared_grid(&compared, &later, None);
        assert_eq!(unknown.rows[0][1..], [int(30), Cell::Null, Cell::Null, Cell::Null]);
    }
}
