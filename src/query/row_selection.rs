//! Selects rows and columns of a finished result: a condition on its columns, an order, a number of
//! rows, and columns.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use chrono::DateTime;
use chrono_tz::Tz;
use polars::prelude::*;
use sqlparser::ast::{
    Expr, FunctionArguments, Ident, Query, SetExpr, Statement, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::grid::{Cell, CellKind, Grid, GridColumn};
use crate::{Error, Result};

use crate::query::definition::suggest::did_you_mean;
use crate::query::engine::error::run_engine;
use crate::query::engine::{exact, to_grid};
use crate::query::{guard, rewrite, spelling};

/// Name of a condition in errors.
const CONDITION: &str = "where";

/// Rows and columns of a result to return, in this order: the rows that match the condition, their
/// order, and the columns. The number of rows counts before the columns are selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSelection {
    /// SQL condition on the columns of the result; `None` for all rows.
    pub condition: Option<String>,
    /// Columns to sort by, the most important first. Rows that are equal in all of them keep their
    /// order.
    pub sort: Vec<SortKey>,
    /// Columns from left to right; all columns if empty.
    pub columns: Vec<String>,
}

impl RowSelection {
    /// Returns true if it leaves all rows in their order.
    pub fn keeps_rows(&self) -> bool {
        self.condition.is_none() && self.sort.is_empty()
    }
}

/// Column to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Name of the column, in any case.
    pub column: String,
    /// True for the highest value first. Empty cells are last in both directions.
    pub is_descending: bool,
}

impl SortKey {
    /// Parses a column name, with `-` before it for the highest value first.
    pub fn parse(text: &str) -> SortKey {
        let (column, is_descending) =
            text.strip_prefix('-').map_or((text, false), |column| (column, true));
        SortKey { column: column.trim().to_owned(), is_descending }
    }
}

/// Selected rows, with the numbers of rows before the selection.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectedRows {
    /// Selected rows and columns.
    pub grid: Grid,
    /// Number of rows of the result.
    pub all: usize,
    /// Number of rows that match the condition.
    pub matching: usize,
}

/// Selects rows and columns of a result, at most `limit` rows. A condition compares times as the
/// clocks of `zone` show them.
///
/// # Errors
///
/// [`Error::Usage`] for a column that the result does not have, [`Error::Query`] if the guard or
/// the engine refuses the condition.
pub fn select_rows(
    grid: Grid,
    selection: &RowSelection,
    limit: Option<usize>,
    zone: Tz,
) -> Result<SelectedRows> {
    Ok(matching_rows(grid, selection, zone)?.cut(limit))
}

/// All rows that match a condition, in their order and with their selected columns.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchingRows {
    /// Matching rows.
    pub grid: Grid,
    /// Number of rows of the result.
    all: usize,
}

impl MatchingRows {
    /// Keeps the first rows.
    pub fn cut(mut self, limit: Option<usize>) -> SelectedRows {
        let matching = self.grid.rows.len();
        self.grid.rows.truncate(limit.unwrap_or(usize::MAX));
        SelectedRows { grid: self.grid, all: self.all, matching }
    }
}

/// Selects the rows of a result that match, and their columns.
///
/// # Errors
///
/// Those of [`select_rows`].
pub fn matching_rows(grid: Grid, selection: &RowSelection, zone: Tz) -> Result<MatchingRows> {
    let columns = selected_columns(&grid.columns, &selection.columns)?;
    let all = grid.rows.len();
    let mut rows = grid.rows;
    if !selection.keeps_rows() {
        let order = row_order(&grid.columns, &rows, selection, zone)?;
        rows = order.into_iter().filter_map(|at| rows.get_mut(at).map(std::mem::take)).collect();
    }
    if !selection.columns.is_empty() {
        for row in &mut rows {
            *row = columns.iter().filter_map(|&at| row.get(at).cloned()).collect();
        }
    }
    let columns = columns.iter().filter_map(|&at| grid.columns.get(at).cloned()).collect();
    Ok(MatchingRows { grid: Grid { columns, rows }, all })
}

/// Returns the positions of the named columns, or of all columns if none is named.
fn selected_columns(columns: &[GridColumn], names: &[String]) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..columns.len()).collect());
    }
    let mut seen = BTreeSet::new();
    let mut selected = Vec::new();
    for name in names {
        let at = find_column(columns, name)?;
        if !seen.insert(at) {
            return Err(Error::Usage(format!("the column {name} is named twice")));
        }
        selected.push(at);
    }
    Ok(selected)
}

/// Returns the position of a column: the one with exactly this name, or else the only one that
/// differs by case.
fn find_column(columns: &[GridColumn], name: &str) -> Result<usize> {
    let exact = columns.iter().position(|column| column.name == name);
    let mut similar = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.name.to_lowercase() == name.to_lowercase());
    let found = exact.or_else(|| match (similar.next(), similar.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    });
    found.ok_or_else(|| {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let suggestion = did_you_mean(name, names.iter().copied());
        let names = names.join(", ");
        Error::Usage(format!("the result has no column {name:?}.{suggestion} Its columns: {names}"))
    })
}

/// Returns the positions of the rows that match the condition, in their new order.
fn row_order(
    columns: &[GridColumn],
    rows: &[Vec<Cell>],
    selection: &RowSelection,
    zone: Tz,
) -> Result<Vec<usize>> {
    let mut keys = String::new();
    for key in &selection.sort {
        let at = find_column(columns, &key.column)?;
        let direction = if key.is_descending { "DESC" } else { "ASC" };
        let is_time = columns.get(at).is_some_and(|column| column.kind == CellKind::Time);
        let name = if is_time { instant_name(at) } else { engine_name(at) };
        keys += &format!("{name} {direction} NULLS LAST, ");
    }
    let condition = selection.condition.as_deref();
    let condition = condition.map(|text| parse_condition(columns, text)).transpose()?;
    let sql = format!("SELECT place FROM answer WHERE TRUE ORDER BY {keys}place ASC NULLS LAST");
    let mut statement = guard::parse(CONDITION, &sql)?;
    if let Some(condition) = condition {
        check_condition(&condition)?;
        set_condition(&mut statement, condition);
    }
    rewrite::widen_integers(&mut statement);
    let places = run_engine(CONDITION, || {
        let mut tables = exact::new_context();
        tables.register("answer", frame(columns, rows, zone)?.lazy());
        to_grid::frame_to_grid(&rewrite::plan(&mut tables, statement)?.collect()?)
    })?;
    let place = |row: &Vec<Cell>| match row.first() {
        Some(Cell::Int(place)) => usize::try_from(*place).ok(),
        _ => None,
    };
    Ok(places.rows.iter().filter_map(place).collect())
}

/// Parses a condition, and replaces its column names by those of the engine's table.
fn parse_condition(columns: &[GridColumn], text: &str) -> Result<Expr> {
    let mut condition = guard::parse_expression(CONDITION, text)?;
    if let ControlFlow::Break(message) = Visit::visit(&condition, &mut RowsOnly) {
        return Err(Error::query(CONDITION, message));
    }
    spelling::respell_expression(&mut condition);
    match VisitMut::visit(&mut condition, &mut ColumnNames { columns }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(condition),
    }
}

/// Lets the guard check a condition, in a statement without views.
fn check_condition(condition: &Expr) -> Result<()> {
    let sql = "WITH answer AS (SELECT 1 AS one) SELECT one FROM answer WHERE TRUE";
    let mut statement = guard::parse(CONDITION, sql)?;
    set_condition(&mut statement, condition.clone());
    guard::check(CONDITION, &statement).map(|_| ())
}

fn set_condition(statement: &mut Statement, condition: Expr) {
    if let Statement::Query(query) = statement
        && let SetExpr::Select(select) = query.body.as_mut()
    {
        select.selection = Some(Expr::Nested(Box::new(condition)));
    }
}

/// Refuses everything that reads more than one row.
struct RowsOnly;

impl Visitor for RowsOnly {
    type Break = String;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<String> {
        ControlFlow::Break(
            "a condition on rows cannot contain a SELECT; use the command sql".to_owned(),
        )
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let is_subquery = matches!(function.args, FunctionArguments::Subquery(_));
        let reads_rows = guard::functions::has_aggregate_name(function)
            || function.over.is_some()
            || is_subquery
            || guard::functions::function_name(function) == "columns";
        if reads_rows {
            return ControlFlow::Break(format!(
                "{expr} reads more than one row, and a condition is about one; use the command sql"
            ));
        }
        ControlFlow::Continue(())
    }
}

/// Replaces the names of columns by those of the engine's table.
struct ColumnNames<'a> {
    columns: &'a [GridColumn],
}

impl VisitorMut for ColumnNames<'_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Identifier(name) => match find_column(self.columns, &name.value) {
                Ok(at) => *name = Ident::new(engine_name(at)),
                Err(error) => return ControlFlow::Break(with_quotation_hint(error, name)),
            },
            Expr::CompoundIdentifier(_) => {
                return ControlFlow::Break(Error::query(
                    CONDITION,
                    format!("{expr}: write the name of the column alone"),
                ));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Adds how texts are written if a name is in double quotation marks.
fn with_quotation_hint(error: Error, name: &Ident) -> Error {
    if name.quote_style.is_none() {
        return error;
    }
    let text = name.value.replace('\'', "''");
    Error::Usage(format!("{error}. A text needs single quotation marks: '{text}'"))
}

/// Name of a column in the engine's table. The names of the result can be any text.
fn engine_name(at: usize) -> String {
    format!("answer_{at}")
}

/// Name of the column with the instants of a column of times. Their order is not that of local
/// times when clocks go back.
fn instant_name(at: usize) -> String {
    format!("instant_{at}")
}

/// Builds the engine's table of a result, with the position of each row.
fn frame(columns: &[GridColumn], rows: &[Vec<Cell>], zone: Tz) -> PolarsResult<DataFrame> {
    let mut frame = DataFrame::empty_with_height(rows.len());
    for (at, column) in columns.iter().enumerate() {
        let cells = rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Null));
        if column.kind == CellKind::Time {
            let instants = cells.clone().map(instant_us).collect::<Vec<_>>();
            frame.with_column(Series::new(instant_name(at).into(), instants).into_column())?;
        }
        let values = series(&engine_name(at), column.kind, cells, zone)?;
        frame.with_column(values.into_column())?;
    }
    let places: Vec<i64> = (0_i64..).take(rows.len()).collect();
    frame.with_column(Series::new("place".into(), places).into_column())?;
    Ok(frame)
}

/// Returns the instant of a cell, if it has one.
fn instant_us(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Time { us } => Some(*us),
        _ => None,
    }
}

/// Returns the clock time of a cell with a time, in microseconds since 1970 on the same clock.
fn clock_us(cell: &Cell, zone: Tz) -> Option<i64> {
    match cell {
        Cell::LocalTime { us } => Some(*us),
        _ => {
            let instant = DateTime::from_timestamp_micros(instant_us(cell)?)?;
            Some(instant.with_timezone(&zone).naive_local().and_utc().timestamp_micros())
        }
    }
}

/// Builds a column of the engine from cells of one kind.
fn series<'a>(
    name: &str,
    kind: CellKind,
    cells: impl Iterator<Item = &'a Cell>,
    zone: Tz,
) -> PolarsResult<Series> {
    let text = |cell: &'a Cell| match cell {
        Cell::Text(text) => Some(text.as_str()),
        _ => None,
    };
    let integer = |cell: &Cell| match cell {
        Cell::Int(number) => Some(*number),
        _ => None,
    };
    let float = |cell: &Cell| match cell {
        Cell::Float(number) => Some(*number),
        _ => None,
    };
    let truth = |cell: &Cell| match cell {
        Cell::Bool(truth) => Some(*truth),
        _ => None,
    };
    let day = |cell: &Cell| match cell {
        Cell::Date { days } => Some(*days),
        _ => None,
    };
    let name = name.into();
    Ok(match kind {
        CellKind::Text => Series::new(name, cells.map(text).collect::<Vec<_>>()),
        CellKind::Int => Series::new(name, cells.map(integer).collect::<Vec<_>>()),
        CellKind::Float => Series::new(name, cells.map(float).collect::<Vec<_>>()),
        CellKind::Bool => Series::new(name, cells.map(truth).collect::<Vec<_>>()),
        CellKind::Date => {
            Series::new(name, cells.map(day).collect::<Vec<_>>()).cast(&DataType::Date)?
        }
        CellKind::Time | CellKind::LocalTime => {
            let clock = cells.map(|cell| clock_us(cell, zone)).collect::<Vec<_>>();
            Series::new(name, clock).cast(&DataType::Datetime(TimeUnit::Microseconds, None))?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a result with a row for each name, its views and its share.
    fn sample() -> Grid {
        let mut grid = Grid::new([
            ("name", CellKind::Text),
            ("Views", CellKind::Int),
            ("share", CellKind::Float),
            ("is_new", CellKind::Bool),
            ("first_day", CellKind::Date),
            ("last_view", CellKind::Time),
        ]);
        let row = |name: &str, views: Option<i64>, share: Option<f64>, day: i32| {
            vec![
                Cell::Text(name.to_owned()),
                views.map_or(Cell::Null, Cell::Int),
                share.map_or(Cell::Null, Cell::Float),
                Cell::Bool(views.is_none()),
                Cell::Date { days: day },
                Cell::Time { us: i64::from(day) * 86_400_000_000 },
            ]
        };
        grid.rows = vec![
            row("a", Some(5), Some(0.5), 20_513),
            row("b", None, None, 20_514),
            row("c", Some(9), Some(0.25), 20_515),
            row("d", Some(5), None, 20_516),
        ];
        grid
    }

    fn selection(condition: &str, sort: &[&str], columns: &[&str]) -> RowSelection {
        RowSelection {
            condition: (!condition.is_empty()).then(|| condition.to_owned()),
            sort: sort.iter().map(|key| SortKey::parse(key)).collect(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Returns the names of the selected rows.
    fn names(condition: &str, sort: &[&str], limit: Option<usize>) -> String {
        let found =
            select_rows(sample(), &selection(condition, sort, &[]), limit, Tz::UTC).unwrap();
        let name = |row: &Vec<Cell>| match &row[0] {
            Cell::Text(name) => name.clone(),
            other => panic!("{other:?}"),
        };
        found.grid.rows.iter().map(name).collect()
    }

    fn error(condition: &str, sort: &[&str], columns: &[&str]) -> String {
        let found = select_rows(sample(), &selection(condition, sort, columns), None, Tz::UTC);
        found.unwrap_err().to_string()
    }

    #[test]
    fn conditions_read_every_kind_and_treat_nulls_as_sql_does() {
        for (condition, expected) in [
            ("", "abcd"),
            ("views = 5", "ad"),
            ("VIEWS <> 5", "c"),
            ("NOT (Views = 5)", "c"),
            ("views IS NULL", "b"),
            ("share IS NULL OR share < 0.3", "bcd"),
            ("COALESCE(views, 0) < 6 AND name IN ('a', 'b')", "ab"),
            ("name LIKE 'c%'", "c"),
            ("is_new", "b"),
            ("views / 2 = 2.5", "ad"),
            ("first_day >= DATE '2026-03-03'", "cd"),
            ("last_view < TIMESTAMP '2026-03-02 00:00:00'", "a"),
            ("\"name\" = 'a' -- the first", "a"),
            ("1 = 0", ""),
        ] {
            assert_eq!(names(condition, &[], None), expected, "{condition}");
        }
    }

    #[test]
    fn sorting_is_stable_with_nulls_last_and_before_the_limit() {
        assert_eq!(names("", &["views"], None), "adcb");
        assert_eq!(names("", &["-views"], None), "cadb");
        assert_eq!(names("", &["-views", "-name"], None), "cdab");
        assert_eq!(names("", &["share"], Some(1)), "c");
        assert_eq!(names("views = 5", &["-name"], Some(1)), "d");
    }

    #[test]
    fn times_are_compared_on_the_clock_and_sorted_by_instant() {
        let mut grid = Grid::new([("time", CellKind::Time)]);
        // 00:30, 01:30 and 02:30 UTC; clocks go back from 03:00 to 02:00 at 01:00 UTC.
        let minutes = [30, 90, 150].map(|minute| 1_761_436_800 + minute * 60);
        grid.rows = minutes.map(|second: i64| vec![Cell::Time { us: second * 1_000_000 }]).into();
        let zone = Tz::Europe__Berlin;
        let shown = |condition: &str, sort: &[&str]| {
            let found = select_rows(grid.clone(), &selection(condition, sort, &[]), None, zone);
            found.unwrap().grid.rows
        };
        let both = shown("time = TIMESTAMP '2025-10-26 02:30:00'", &["-time"]);
        assert_eq!(both, [grid.rows[1].clone(), grid.rows[0].clone()], "half past two, twice");
        assert_eq!(shown("", &["time"]), grid.rows);
    }

    #[test]
    fn columns_are_selected_last_and_rows_are_counted_before() {
        let selection = selection("views > 1", &["-last_view"], &["share", "NAME"]);
        let found = select_rows(sample(), &selection, Some(2), Tz::UTC).unwrap();
        assert_eq!((found.all, found.matching), (4, 3));
        let names: Vec<_> = found.grid.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["share", "name"]);
        let [d, c] = ["d", "c"].map(|name| Cell::Text(name.to_owned()));
        assert_eq!(found.grid.rows, [vec![Cell::Null, d], vec![Cell::Float(0.25), c]]);
    }

    #[test]
    fn unknown_columns_are_answered_with_the_nearest() {
        for message in [
            error("vews = 1", &[], &[]),
            error("", &["-vews"], &[]),
            error("", &[], &["name", "vews"]),
        ] {
            assert!(message.contains("no column \"vews\". Did you mean Views?"), "{message}");
            assert!(message.contains("name, Views, share"), "{message}");
        }
        assert!(error("", &[], &["name", "Name"]).contains("twice"));
        let message = error("name = \"a\"", &[], &[]);
        assert!(message.contains("single quotation marks: 'a'"), "{message}");
    }

    #[test]
    fn conditions_about_more_than_a_row_are_refused() {
        for (condition, problem) in [
            ("COUNT(*) > 1", "reads more than one row"),
            ("ROW_NUMBER() OVER (ORDER BY name) = 1", "reads more than one row"),
            ("name IN (SELECT UserId FROM events)", "cannot contain a SELECT"),
            ("EXISTS (SELECT 1 AS one)", "cannot contain a SELECT"),
            ("answer.name = 'a'", "the column alone"),
            ("views = 1) OR (1 = 1", "after the condition"),
            ("views = 1; DROP TABLE answer", "after the condition"),
            ("views IS TRUE", "COALESCE"),
            ("views =", "where: "),
            ("", "where: "),
        ] {
            let selection =
                RowSelection { condition: Some(condition.to_owned()), ..Default::default() };
            let message = select_rows(sample(), &selection, None, Tz::UTC).unwrap_err().to_string();
            assert!(message.contains(problem), "{condition}: {message}");
        }
    }

    #[test]
    fn a_condition_is_checked_without_rows_too() {
        let empty = Grid { rows: Vec::new(), ..sample() };
        let found =
            select_rows(empty.clone(), &selection("views = 1", &["share"], &[]), None, Tz::UTC);
        assert_eq!(found.unwrap().grid, empty);
        assert!(select_rows(empty, &selection("vews = 1", &[], &[]), None, Tz::UTC).is_err());
    }
}
