//! Shows one report, workspace or user in full: a table for each question about it, each from an
//! existing report with the item as filter, so that each number can be checked with that report.

use std::collections::HashSet;

use super::compare::{cell, values};
use super::options::Options;
use super::rendered::{RenderedReport, failures, is_incomplete};
use super::session::{ReportResult, ReportSession, table_limit};
use crate::grid::{Cell, CellKind, Chart, Grid, GridColumn};
use crate::query::{self, DefinitionCatalog, FilterPatterns, ReportDefinition, RowSelection};
use crate::render::{self, NamedTable, ReportContext, TablesInput};
use crate::store::Snapshot;
use crate::{Error, Result};

/// Candidates that an error names.
const MAX_CANDIDATES: usize = 8;

/// Report of views over time.
const TREND: &str = "consumption-trend";

/// Report of single events, which also knows items without views.
const TRAIL: &str = "activity";

/// Columns of a report that identify and name an item.
#[derive(Clone, Copy)]
struct ItemColumns {
    key: &'static str,
    names: &'static [&'static str],
}

/// Kind of item that can be shown in full.
struct DetailKind {
    /// Report whose rows are the items.
    report: &'static str,
    /// One item.
    noun: &'static str,
    /// Flag that names the item.
    flag: &'static str,
    /// Patterns of this flag.
    patterns: fn(&mut FilterPatterns) -> &mut Vec<String>,
    /// Columns of an item in its report.
    columns: ItemColumns,
    /// Columns of an item in the report of single events.
    trail_columns: ItemColumns,
    /// Kind of the items in the report of single events, if events of other items match the flag.
    trail_kind: Option<&'static str>,
    /// Columns to compare with the previous period.
    figures: &'static [&'static str],
    /// Further tables.
    parts: &'static [&'static DetailPart],
}

/// Table of an item, from a report with the item as filter.
struct DetailPart {
    name: &'static str,
    title: &'static str,
    report: &'static str,
    columns: &'static [&'static str],
    condition: Option<&'static str>,
    /// Sentence if no row is left.
    empty: &'static str,
}

const VIEWERS: DetailPart = DetailPart {
    name: "viewers",
    title: "Viewers",
    report: "top-users",
    columns: &["user", "views", "active_days", "first_seen", "last_seen", "user_type"],
    condition: None,
    empty: "Nobody viewed it in this period.",
};
const REPORTS: DetailPart = DetailPart {
    name: "reports",
    title: "Reports",
    report: "top-reports",
    columns: &["report", "workspace", "views", "viewers", "active_days", "last_view", "report_id"],
    condition: None,
    empty: "No report was viewed in this period.",
};
const CLIENTS: DetailPart = DetailPart {
    name: "clients",
    title: "Clients",
    report: "consumption-method",
    columns: &["breakdown", "name", "views", "share_pct", "viewers"],
    condition: None,
    empty: "There were no views in this period.",
};
const DISTRIBUTION: DetailPart = DetailPart {
    name: "distribution",
    title: "Distribution methods",
    report: "distribution-method",
    columns: &["method", "views", "share_pct", "viewers"],
    condition: None,
    empty: "There were no views in this period.",
};
const EXPORTS: DetailPart = DetailPart {
    name: "exports",
    title: "Exports, downloads and prints",
    report: "exports",
    columns: &["user", "item", "exports", "last_export", "formats", "item_kind"],
    condition: None,
    empty: "Nothing was exported, downloaded or printed in this period.",
};
const SHARES: DetailPart = DetailPart {
    name: "shares",
    title: "Shares",
    report: "sharing-audit",
    columns: &["item", "recipient", "shared_by", "reach", "shares", "last_shared"],
    condition: None,
    empty: "Nothing was shared in this period.",
};
const SUBSCRIPTIONS: DetailPart = DetailPart {
    name: "subscriptions",
    title: "Email subscriptions",
    report: "subscriptions",
    columns: &["item", "owner", "deliveries", "recipients", "last_delivery", "created", "deleted"],
    condition: None,
    empty: "No subscription was created, changed or delivered in this period.",
};
const ACCESS: DetailPart = DetailPart {
    name: "access",
    title: "Access changes",
    report: "access-changes",
    columns: &["time", "change", "member", "role", "user"],
    condition: None,
    empty: "Nobody was given or lost access in this period.",
};
const CHANGES: DetailPart = DetailPart {
    name: "changes",
    title: "Changes",
    report: "activity",
    columns: &["time", "user", "activity", "item", "outcome", "item_kind"],
    condition: Some("operation_group IN ('AUTHOR', 'ACCESS', 'ADMIN')"),
    empty: "Nothing was created, changed or deleted in this period.",
};
const COVERAGE: DetailPart = DetailPart {
    name: "coverage",
    title: "Days that are not complete",
    report: "coverage",
    columns: &["day", "status", "reason"],
    condition: Some("status <> 'complete'"),
    empty: "All days of the period are complete in the log.",
};

/// Kinds of items, by the report that lists them.
const KINDS: [DetailKind; 3] = [
    DetailKind {
        report: "top-reports",
        noun: "report",
        flag: "--report",
        patterns: |patterns| &mut patterns.reports,
        columns: ItemColumns { key: "report_id", names: &["report", "workspace"] },
        trail_columns: ItemColumns { key: "item_id", names: &["item", "workspace"] },
        trail_kind: Some("Report"),
        figures: &["views", "viewers", "active_days"],
        parts: &[
            &VIEWERS,
            &CLIENTS,
            &DISTRIBUTION,
            &EXPORTS,
            &SHARES,
            &SUBSCRIPTIONS,
            &CHANGES,
            &COVERAGE,
        ],
    },
    DetailKind {
        report: "workspace-usage",
        noun: "workspace",
        flag: "--workspace",
        patterns: |patterns| &mut patterns.workspaces,
        columns: ItemColumns { key: "workspace_id", names: &["workspace"] },
        trail_columns: ItemColumns { key: "workspace_id", names: &["workspace"] },
        trail_kind: None,
        figures: &["views", "viewers", "creators", "exports", "edits", "reports", "active_days"],
        parts: &[
            &REPORTS,
            &VIEWERS,
            &CLIENTS,
            &DISTRIBUTION,
            &EXPORTS,
            &SHARES,
            &SUBSCRIPTIONS,
            &ACCESS,
            &CHANGES,
            &COVERAGE,
        ],
    },
    DetailKind {
        report: "top-users",
        noun: "user",
        flag: "--user",
        patterns: |patterns| &mut patterns.users,
        columns: ItemColumns { key: "user", names: &["user"] },
        trail_columns: ItemColumns { key: "user", names: &["user"] },
        trail_kind: None,
        figures: &["views", "other_views", "reports", "workspaces", "active_days"],
        parts: &[
            &REPORTS,
            &CLIENTS,
            &DISTRIBUTION,
            &EXPORTS,
            &SHARES,
            &SUBSCRIPTIONS,
            &CHANGES,
            &COVERAGE,
        ],
    },
];

impl DetailKind {
    /// Returns the kind whose items a report lists.
    fn of(report: &ReportDefinition) -> Result<&'static DetailKind> {
        let kind = KINDS.iter().find(|kind| kind.report == report.name);
        kind.ok_or_else(|| {
            Error::Usage(format!(
                "{} has no details; --details shows one item of the reports report-usage \
                 (--report), workspace-usage (--workspace) and user-usage (--user)",
                report.name
            ))
        })
    }

    /// Returns the built-in reports of its tables.
    fn definitions(&self) -> Result<Vec<ReportDefinition>> {
        let catalog = DefinitionCatalog::built_in()?;
        let names = [self.report, TREND].into_iter().chain(self.parts.iter().map(|p| p.report));
        names.map(|name| catalog.find(name).cloned()).collect()
    }
}

impl ItemColumns {
    /// Returns the name of the item of a row for people.
    fn label(&self, grid: &Grid, row: &[Cell]) -> String {
        let text = |name: &&str| match cell(grid, row, name) {
            Cell::Text(text) => Some(text),
            _ => None,
        };
        self.names.iter().filter_map(text).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the columns with which raw files must be read to show an item of a report in full.
///
/// # Errors
///
/// [`Error::Usage`] if the report has no details.
pub fn details_columns(report: &ReportDefinition) -> Result<HashSet<String>> {
    let definitions = DetailKind::of(report)?.definitions()?;
    Ok(query::report_columns(&definitions)?.into_iter().collect())
}

/// Shows one item of a report in full. The filters must name exactly one.
///
/// # Errors
///
/// [`Error::Usage`] if the report has no details, or if the filters name no item or several, with
/// the candidates; else those of [`super::run`].
pub(super) fn run_details(
    snapshot: &Snapshot,
    report: &ReportDefinition,
    options: &Options,
) -> Result<RenderedReport> {
    let kind = DetailKind::of(report)?;
    let definitions = kind.definitions()?;
    let mut filters = options.filters.clone();
    let patterns = std::mem::take((kind.patterns)(&mut filters.include));
    if patterns.is_empty() {
        let (noun, flag) = (kind.noun, kind.flag);
        return Err(Error::Usage(format!("--details shows one {noun}; name it with {flag} NAME")));
    }
    render::check_holds_tables(options.format)?;
    let (listed, found, columns) = list_items(kind, snapshot, report, &definitions, options)?;
    let (key, label) = only_item(kind, &found, columns)?;

    let everything = Options { filters: filters.clone(), ..options.clone() };
    let all = ReportSession::new(snapshot, [report], &everything)?.rows(report, &[])?;
    let summary = summary_table(kind, &all, &key)?;

    *(kind.patterns)(&mut filters.include) = match &key {
        Cell::Text(id) => vec![id.clone()],
        _ => patterns,
    };
    let only = Options { filters, ..options.clone() };
    let session = ReportSession::new(snapshot, &definitions, &only)?;
    let mut tables = vec![summary];
    tables.extend(over_time(kind, &session, &definitions)?);
    for part in kind.parts {
        tables.push(part_table(part, &session, find(&definitions, part.report)?, options)?);
    }
    let ReportResult { grid, context, newest_event_us, remarks, .. } = listed;
    let title = format!("{}: {label}", report.title);
    let context = ReportContext { title, totals: None, ..context };
    let input = TablesInput {
        tables: &tables,
        context: &context,
        remarks: &remarks,
        time_zone: options.time_zone,
        width: options.width,
    };
    Ok(RenderedReport {
        bytes: render::render_tables(&input, options.format)?,
        is_incomplete: is_incomplete(&context.coverage),
        failures: failures(options, &context.coverage, grid.rows.len(), newest_event_us),
        remarks,
    })
}

fn find<'d>(definitions: &'d [ReportDefinition], name: &str) -> Result<&'d ReportDefinition> {
    let found = definitions.iter().find(|definition| definition.name == name);
    found.ok_or_else(|| Error::internal(format!("the details have no report {name}")))
}

/// Returns the result of the report with the filters, and the rows of the items that they name:
/// those of the report, or single events if no item was viewed.
fn list_items(
    kind: &DetailKind,
    snapshot: &Snapshot,
    report: &ReportDefinition,
    definitions: &[ReportDefinition],
    options: &Options,
) -> Result<(ReportResult, Grid, ItemColumns)> {
    let trail = find(definitions, TRAIL)?;
    let session = ReportSession::new(snapshot, [report, trail], options)?;
    let listed = session.run(report, &[])?;
    if !listed.grid.rows.is_empty() {
        let grid = listed.grid.clone();
        return Ok((listed, grid, kind.columns));
    }
    let mut events = session.rows(trail, &[])?;
    let grid = Grid { columns: events.columns.clone(), rows: Vec::new() };
    events.rows.retain(|row| match (kind.trail_kind, cell(&grid, row, "item_kind")) {
        (Some(expected), Cell::Text(found)) => found == expected,
        (Some(_), _) => false,
        (None, _) => true,
    });
    if events.rows.is_empty() {
        return Err(Error::Usage(listed.remarks.join(" ")));
    }
    Ok((listed, events, kind.trail_columns))
}

/// Returns the key and the name of the only item among rows.
fn only_item(kind: &DetailKind, grid: &Grid, columns: ItemColumns) -> Result<(Cell, String)> {
    let mut items: Vec<(Cell, String)> = Vec::new();
    for row in &grid.rows {
        let key = cell(grid, row, columns.key);
        if !items.iter().any(|(known, _)| *known == key) {
            items.push((key, columns.label(grid, row)));
        }
    }
    if let [(key, label)] = items.as_slice() {
        return Ok((key.clone(), label.clone()));
    }
    let name = |(key, label): &(Cell, String)| match key {
        Cell::Text(id) if columns.names != [columns.key] => format!("{label} ({id})"),
        _ => label.clone(),
    };
    let names: Vec<String> = items.iter().take(MAX_CANDIDATES).map(name).collect();
    let (names, DetailKind { noun, flag, .. }) = (names.join("; "), kind);
    let more = if items.len() > MAX_CANDIDATES { "; …" } else { "" };
    Err(Error::Usage(format!(
        "--details shows one {noun}, and {flag} matches {}: {names}{more}. Name one, by its ID if \
         the names are equal",
        items.len()
    )))
}

/// Returns the rows of the item among those of all items, with its rank.
fn summary_table(kind: &DetailKind, all: &Grid, key: &Cell) -> Result<NamedTable> {
    let rows = all.rows.iter().filter(|row| cell(all, row, kind.columns.key) == *key);
    let grid = Grid { columns: all.columns.clone(), rows: rows.cloned().collect() };
    let rows = all.rows.len();
    let noun = kind.noun;
    let plural = if rows == 1 { "" } else { "s" };
    let remark = if grid.rows.is_empty() {
        format!("This {noun} has events in this period, and no views.")
    } else {
        format!("The rank is among {rows} {noun}{plural} with activity in this period.")
    };
    let (name, title) = ("summary".to_owned(), "Summary".to_owned());
    Ok(NamedTable { name, title, grid, chart: None, remarks: vec![remark] })
}

/// Returns the figures compared with the previous period, and the views of each day beside those
/// of the same day of the previous period.
fn over_time(
    kind: &DetailKind,
    session: &ReportSession<'_>,
    definitions: &[ReportDefinition],
) -> Result<[NamedTable; 2]> {
    let report = find(definitions, kind.report)?;
    let trend = find(definitions, TREND)?;
    let previous = session.previous_period()?;
    let comparable = previous.as_ref().and_then(|previous| session.comparable(previous));
    let mut comparison = NamedTable {
        name: "comparison".to_owned(),
        title: "Compared with the period before".to_owned(),
        grid: Grid::new([
            ("figure", CellKind::Text),
            ("this_period", CellKind::Int),
            ("previous_period", CellKind::Int),
            ("difference", CellKind::Int),
            ("percent", CellKind::Float),
        ]),
        chart: None,
        remarks: Vec::new(),
    };
    let days = previous.as_ref().and_then(ReportSession::period);
    comparison.remarks.push(match (&comparable, days) {
        (Some(comparable), Some((first, last))) => {
            let later = comparable.later.rows(report, &[])?;
            let earlier = comparable.earlier.rows(report, &[])?;
            let compare = |figure: &&str| compared_row(figure, &later, &earlier);
            comparison.grid.rows = kind.figures.iter().map(compare).collect();
            let days = comparable.days;
            format!(
                "{days} complete days of this period and of {first} to {last}, on the same \
                 weekdays."
            )
        }
        (None, Some((first, last))) => format!(
            "No comparison: this period and {first} to {last} have no complete days on the same \
             weekdays."
        ),
        _ => {
            "No comparison: there is not enough history before this period; name a later one with \
              --since or --period."
                .to_owned()
        }
    });

    let run = |session: &ReportSession<'_>| session.rows(trend, &[("grain", "day")]);
    let now = run(session)?;
    let before = previous.as_ref().map(run).transpose()?;
    let grid = days_beside(&now, before.as_ref());
    let values = ["views", "previous_views"].map(str::to_owned).into();
    let chart = Some(Chart::Lines { values, over: "date".to_owned() });
    let (name, title) = ("days".to_owned(), "Views by day".to_owned());
    Ok([comparison, NamedTable { name, title, grid, chart, remarks: Vec::new() }])
}

/// Returns the value of a figure in both periods. No row means that nothing happened, and several
/// rows of one item have no common value.
fn compared_row(figure: &str, later: &Grid, earlier: &Grid) -> Vec<Cell> {
    let value = |grid: &Grid| match grid.rows.as_slice() {
        [] => Cell::Int(0),
        [row] => cell(grid, row, figure),
        _ => Cell::Null,
    };
    let [now, before] = [later, earlier].map(value);
    let name = Cell::Text(figure.to_owned());
    [name].into_iter().chain(values(now, Some(before))).collect()
}

/// Returns the views of each day, with those of the day at the same position of the previous
/// period.
fn days_beside(now: &Grid, before: Option<&Grid>) -> Grid {
    let shown = ["date", "views", "viewers", "status"];
    let kind = |name: &str| {
        let column = now.columns.iter().find(|column| column.name == name);
        column.map_or(CellKind::Text, |column| column.kind)
    };
    let columns =
        shown.iter().map(|name| GridColumn { name: (*name).to_owned(), kind: kind(name) });
    let previous =
        shown.iter().map(|name| GridColumn { name: format!("previous_{name}"), kind: kind(name) });
    let mut grid = Grid { columns: columns.chain(previous).collect(), rows: Vec::new() };
    for (at, row) in now.rows.iter().enumerate() {
        let then = before.and_then(|before| Some((before, before.rows.get(at)?)));
        let mut cells: Vec<Cell> = shown.iter().map(|name| cell(now, row, name)).collect();
        cells.extend(shown.iter().map(|name| match then {
            Some((before, row)) => cell(before, row, name),
            None => Cell::Null,
        }));
        grid.rows.push(cells);
    }
    grid
}

/// Runs the report of a table and selects its rows and columns.
fn part_table(
    part: &DetailPart,
    session: &ReportSession<'_>,
    report: &ReportDefinition,
    options: &Options,
) -> Result<NamedTable> {
    let selection = RowSelection {
        condition: part.condition.map(str::to_owned),
        columns: part.columns.iter().map(|name| (*name).to_owned()).collect(),
        ..RowSelection::default()
    };
    let rows = session.rows(report, &[])?;
    let selected = query::select_rows(rows, &selection, table_limit(options), options.time_zone)?;
    let shown = selected.grid.rows.len();
    let mut remarks = Vec::new();
    if shown == 0 {
        remarks.push(part.empty.to_owned());
    } else if shown < selected.matching {
        let all = selected.matching;
        remarks.push(format!("Showing the first {shown} rows of {all} (use --top for more)."));
    }
    let chart = report.chart.clone().filter(|chart| chart.has_columns_in(&selected.grid));
    Ok(NamedTable {
        name: part.name.to_owned(),
        title: part.title.to_owned(),
        grid: selected.grid,
        chart,
        remarks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(values: &[Option<i64>]) -> Grid {
        let mut grid = Grid::new([("views", CellKind::Int)]);
        grid.rows = values.iter().map(|value| vec![value.map_or(Cell::Null, Cell::Int)]).collect();
        grid
    }

    #[test]
    fn figures_are_compared_and_unknown_ones_stay_unknown() {
        let compare = |now: &[Option<i64>], before: &[Option<i64>]| {
            compared_row("views", &grid(now), &grid(before))[1..].to_vec()
        };
        let int = Cell::Int;
        assert_eq!(compare(&[Some(5)], &[Some(8)]), [int(5), int(8), int(-3), Cell::Float(-37.5)]);
        assert_eq!(compare(&[], &[Some(8)]), [int(0), int(8), int(-8), Cell::Float(-100.0)]);
        assert_eq!(compare(&[Some(5)], &[]), [int(5), int(0), int(5), Cell::Null], "no percent");
        let unknown = compare(&[Some(5), Some(1)], &[Some(8)]);
        assert_eq!(unknown, [Cell::Null, int(8), Cell::Null, Cell::Null], "two rows");
    }

    #[test]
    fn every_part_has_the_columns_that_it_names() {
        for kind in &KINDS {
            let definitions = kind.definitions().unwrap();
            let columns = |report: &str| {
                let definition = find(&definitions, report).unwrap();
                definition.columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
            };
            for part in kind.parts {
                let known = columns(part.report);
                assert!(part.columns.iter().all(|name| known.contains(&(*name).to_owned())));
            }
            let known = columns(kind.report);
            let ItemColumns { key, names } = kind.columns;
            let used = names.iter().chain(kind.figures).chain([&key]);
            assert!(used.into_iter().all(|name| known.contains(&(*name).to_owned())));
            let (known, ItemColumns { key, names }) = (columns(TRAIL), kind.trail_columns);
            assert!(names.iter().chain([&key]).all(|name| known.contains(&(*name).to_owned())));
        }
    }

    #[test]
    fn days_stand_beside_those_of_the_period_before() {
        let day = |number: i32, views: i64| vec![Cell::Date { days: number }, Cell::Int(views)];
        let mut now = Grid::new([("date", CellKind::Date), ("views", CellKind::Int)]);
        let mut before = now.clone();
        now.rows = vec![day(10, 3), day(11, 4)];
        before.rows = vec![day(8, 1)];
        let grid = days_beside(&now, Some(&before));
        assert_eq!(grid.columns[4].name, "previous_date");
        assert_eq!(grid.rows[0][4..6], day(8, 1));
        assert_eq!(grid.rows[1][4..6], [Cell::Null, Cell::Null]);
        assert_eq!(days_beside(&now, None).rows[0][5], Cell::Null);
    }
}
