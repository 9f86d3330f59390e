//! Collects the details of the items of a period: reports, workspaces, people and capacities.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::columns::{CAPACITIES, column_dates, column_index, column_numbers, column_texts};
use super::item_ids::{CAPACITY, ItemIds, PERSON, REPORT, WORKSPACE};
use super::item_queries::{self as queries, ITEM, ItemKey};
use super::people::{NOT_PEOPLE, is_person_column};
use super::results::DashboardResults;
use crate::Result;
use crate::grid::{Cell, Grid};
use crate::render::html::{ItemDetail, ItemTable, ItemTableKind, PeriodItems};
use crate::report::ReportSession;

/// The column of the position of an item.
const RANK: &str = "rank";

/// The largest number of items of a kind.
const MAX_ITEMS: usize = 400;

/// A kind of items.
struct ItemKind {
    kind: &'static str,
    /// The noun of several.
    plural: &'static str,
    /// The column of the IDs in the views of events.
    column: &'static str,
    /// The report that lists the items.
    report: &'static str,
    /// The columns of the ID and of the name in this report.
    id: &'static str,
    name: &'static str,
    /// The columns of this report that are shown.
    facts: &'static [&'static str],
    /// The columns of the ID in the reports of exports and shares, if these have such a column.
    export_key: Option<&'static str>,
    share_key: Option<&'static str>,
    /// The tables from statements, in the order of the page.
    tables: &'static [TableSource],
}

const KINDS: [ItemKind; 4] = [
    ItemKind {
        kind: REPORT,
        plural: "reports",
        column: "report_id",
        report: "top-reports",
        id: "report_id",
        name: "report",
        facts: &[RANK, "views", "viewers", "views_per_viewer", "active_days", "trend", "last_view"],
        export_key: Some("item_id"),
        share_key: Some("item_id"),
        tables: &[VIEWERS, CLIENTS, DISTRIBUTION],
    },
    ItemKind {
        kind: WORKSPACE,
        plural: "workspaces",
        column: "workspace_id",
        report: "workspace-usage",
        id: "workspace_id",
        name: "workspace",
        facts: &[
            RANK,
            "views",
            "viewers",
            "reports",
            "creators",
            "edits",
            "exports",
            "active_days",
        ],
        export_key: Some("workspace_id"),
        share_key: Some("workspace_id"),
        tables: &[REPORTS, VIEWERS, CLIENTS, DISTRIBUTION],
    },
    ItemKind {
        kind: PERSON,
        plural: "people",
        column: "user_id",
        report: "top-users",
        id: "user",
        name: "user",
        facts: &[
            RANK,
            "views",
            "other_views",
            "reports",
            "workspaces",
            "active_days",
            "first_seen",
            "last_seen",
        ],
        export_key: Some("user"),
        share_key: Some("shared_by"),
        tables: &[REPORTS, CLIENTS, DISTRIBUTION],
    },
    ItemKind {
        kind: CAPACITY,
        plural: "capacities",
        column: "capacity_id",
        report: CAPACITIES,
        id: "capacity_id",
        name: "capacity",
        facts: &[
            "views",
            "users",
            "external_queries",
            "refreshes",
            "busiest_hour",
            "busiest_hour_pct",
            "peak_start",
            "peak_events",
            "service_events",
        ],
        export_key: None,
        share_key: None,
        tables: &[WORKSPACES, REPORTS, VIEWERS, CLIENTS, DISTRIBUTION],
    },
];

/// A table of items and its statement.
#[derive(Clone, Copy)]
struct TableSource {
    name: &'static str,
    title: &'static str,
    columns: &'static [&'static str],
    statement: fn(ItemKey<'_>) -> crate::report::ReportDefinition,
}

const VIEWERS: TableSource = TableSource {
    name: "viewers",
    title: "Viewers",
    columns: &["user", "views", "active_days", "last_seen"],
    statement: queries::viewers,
};
const REPORTS: TableSource = TableSource {
    name: "reports",
    title: "Reports",
    columns: &[
        "report",
        "workspace",
        "views",
        "viewers",
        "active_days",
        "last_view",
        "report_id",
        "workspace_id",
    ],
    statement: queries::reports,
};
const WORKSPACES: TableSource = TableSource {
    name: "workspaces",
    title: "Workspaces",
    columns: &[
        "workspace",
        "views",
        "viewers",
        "reports",
        "exports",
        "edits",
        "active_days",
        "workspace_id",
    ],
    statement: queries::workspaces,
};
const CLIENTS: TableSource = TableSource {
    name: "clients",
    title: "Clients",
    columns: &["name", "views", "viewers"],
    statement: queries::clients,
};
const DISTRIBUTION: TableSource = TableSource {
    name: "distribution",
    title: "Distribution",
    columns: &["method", "views", "viewers"],
    statement: queries::distribution,
};

/// The tables from reports.
const EXPORTS: (&str, &str, &[&str]) = (
    "exports",
    "Exports, downloads and prints",
    &["user", "item", "workspace", "exports", "last_export", "formats", "item_id"],
);
const SHARES: (&str, &str, &[&str]) = (
    "shares",
    "Shares",
    &["item", "recipient", "shared_by", "reach", "shares", "last_shared", "item_id"],
);
/// The rows of an item that the report lists in several workspaces.
const PLACES: (&str, &str, &[&str]) = (
    "places",
    "Workspaces",
    &["workspace", "rank", "views", "viewers", "active_days", "last_view", "workspace_id"],
);

/// Collects the details of the first items of each kind, the most important ones first.
pub fn collect(results: &DashboardResults<'_>, session: &ReportSession<'_>) -> Result<PeriodItems> {
    let hides_people = results.mask.hides_people();
    let previous = session.previous_period()?;
    let days = period_days(session)?;
    let earlier = previous.as_ref().map(period_days).transpose()?.unwrap_or_default();
    let collector = Collector { results, session, previous, days, earlier };
    let mut by_rank: Vec<(usize, ItemDetail)> = Vec::new();
    for kind in KINDS.iter().filter(|kind| !(hides_people && kind.kind == PERSON)) {
        by_rank.extend(collector.items(kind)?.into_iter().enumerate());
    }
    by_rank.sort_by_key(|(rank, _)| *rank);
    Ok(PeriodItems {
        days: collector.days,
        earlier_first: collector.earlier.first().map(|(day, _)| *day),
        tables: table_kinds(hides_people),
        items: by_rank.into_iter().map(|(_, item)| item).collect(),
    })
}

/// Returns a sentence on the numbers of items with details.
pub fn items_remark(results: &DashboardResults<'_>, kept: &ItemIds) -> Result<String> {
    let mut counts = Vec::new();
    for kind in &KINDS {
        if kind.kind == PERSON && results.mask.hides_people() {
            continue;
        }
        let kept = kept.count(kind.kind);
        let all = item_ids(kind, &results.result(kind.report)?.grid, usize::MAX)?.len();
        // Many logs name no capacity.
        if kind.kind == CAPACITY && all == 0 {
            continue;
        }
        let plural = kind.plural;
        counts.push(match kept == all {
            true => format!("all {all} {plural}"),
            false => format!("the first {kept} of {all} {plural}"),
        });
    }
    Ok(format!("Details are on this page for {}.", counts.join(", ")))
}

/// Returns the kinds of tables. Without people, they have no columns of people.
fn table_kinds(hides_people: bool) -> Vec<ItemTableKind> {
    let sources = [WORKSPACES, REPORTS, VIEWERS, CLIENTS, DISTRIBUTION];
    let sources = sources.iter().map(|one| (one.name, one.title, one.columns));
    let kind = |(name, title, columns): (_, _, &[&'static str])| {
        let columns = shown_columns(columns, hides_people);
        ItemTableKind { name, title, columns }
    };
    [PLACES].into_iter().chain(sources).chain([EXPORTS, SHARES]).map(kind).collect()
}

fn shown_columns(columns: &[&'static str], hides_people: bool) -> Vec<&'static str> {
    columns.iter().copied().filter(|name| !(hides_people && is_person_column(name))).collect()
}

/// Returns the days of a period, with true for complete ones.
fn period_days(session: &ReportSession<'_>) -> Result<Vec<(NaiveDate, bool)>> {
    let grid = session.rows(&queries::days(), &[])?;
    let complete = column_index(&grid, "is_complete")?;
    let days = column_dates(&grid, "day")?.into_iter().zip(&grid.rows);
    Ok(days
        .filter_map(|(day, row)| Some((day?, row.get(complete) == Some(&Cell::Bool(true)))))
        .collect())
}

/// Returns the IDs of the first items, each once. Events without a user are in the row of no
/// person.
fn item_ids(kind: &ItemKind, grid: &Grid, most: usize) -> Result<Vec<String>> {
    let mut seen = BTreeSet::new();
    let ids = column_texts(grid, kind.id)?.into_iter().flatten();
    let ids = ids.filter(|id| kind.kind != PERSON || !NOT_PEOPLE.contains(id));
    Ok(ids.filter(|id| seen.insert(*id)).take(most).map(str::to_owned).collect())
}

/// The rows of each item.
type RowsByItem = BTreeMap<String, ItemTable>;

/// The sessions and days of a period.
struct Collector<'r> {
    results: &'r DashboardResults<'r>,
    session: &'r ReportSession<'r>,
    previous: Option<ReportSession<'r>>,
    days: Vec<(NaiveDate, bool)>,
    earlier: Vec<(NaiveDate, bool)>,
}

impl Collector<'_> {
    /// Returns the details of the first items of a kind.
    fn items(&self, kind: &ItemKind) -> Result<Vec<ItemDetail>> {
        let listed = &self.results.result(kind.report)?.grid;
        let ids = item_ids(kind, listed, MAX_ITEMS)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let key = ItemKey { column: kind.column, ids: &ids };
        let views = daily_views(self.session, key)?;
        let earlier = match &self.previous {
            Some(previous) => daily_views(previous, key)?,
            None => BTreeMap::new(),
        };
        let mut tables = self.tables(kind, key)?;
        let compared = self.compared_views(kind)?;
        let mask = self.results.mask;
        let mut items = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            let rows: Vec<&Vec<Cell>> = rows_of(listed, kind.id, id)?;
            let [name, place] =
                [kind.name, "workspace"].map(|column| text_of(listed, &rows, column));
            // Several rows have no common value, but a table.
            let facts = match rows.as_slice() {
                [row] => facts(listed, row, kind.facts, at + 1),
                _ => Vec::new(),
            };
            let (shown_id, name) = match kind.kind {
                PERSON => (mask.person(id), mask.person(&name)),
                WORKSPACE => (Some(mask.workspace(id)), Some(mask.workspace(&name))),
                _ => (Some(id.clone()), Some(mask.text(&name))),
            };
            let place = if kind.kind == REPORT { mask.workspace(&place) } else { String::new() };
            items.push(ItemDetail {
                kind: kind.kind,
                id: shown_id.unwrap_or_default(),
                name: name.unwrap_or_default(),
                place,
                facts,
                compared: compared.get(id).copied(),
                views: by_day(&self.days, views.get(id)),
                earlier: by_day(&self.earlier, earlier.get(id)),
                tables: tables.iter_mut().filter_map(|table| table.remove(id)).collect(),
            });
        }
        Ok(items)
    }

    /// Returns the tables of all items of a kind.
    fn tables(&self, kind: &ItemKind, key: ItemKey<'_>) -> Result<Vec<RowsByItem>> {
        let results = self.results;
        let mut tables = Vec::new();
        if kind.kind == REPORT {
            let listed = &results.result(kind.report)?.grid;
            let mut places = self.grouped(PLACES.0, PLACES.2, listed, kind.id)?;
            places.retain(|_, table| table.rows.len() > 1);
            tables.push(places);
        }
        for source in kind.tables {
            if results.mask.hides_people() && source.name == VIEWERS.name {
                continue;
            }
            let grid = self.session.rows(&(source.statement)(key), &[])?;
            tables.push(self.grouped(source.name, source.columns, &grid, ITEM)?);
        }
        for (table, report, key) in
            [(EXPORTS, "exports", kind.export_key), (SHARES, "sharing-audit", kind.share_key)]
        {
            let Some(key) = key else { continue };
            tables.push(self.grouped(table.0, table.2, &results.result(report)?.grid, key)?);
        }
        Ok(tables)
    }

    /// Groups the rows of a grid by item, with the shown columns.
    fn grouped(
        &self,
        name: &'static str,
        columns: &[&'static str],
        grid: &Grid,
        key: &str,
    ) -> Result<RowsByItem> {
        let mask = self.results.mask;
        let keys = column_texts(grid, key)?;
        let positions = shown_columns(columns, mask.hides_people());
        let positions: Vec<usize> =
            positions.iter().map(|name| column_index(grid, name)).collect::<Result<_>>()?;
        let totals = match grid.position("total") {
            Some(_) => column_numbers(grid, "total")?,
            None => Vec::new(),
        };
        let mut shown = grid.clone();
        mask.mask_grid(&mut shown);
        let mut tables = RowsByItem::new();
        for (at, row) in shown.rows.iter().enumerate() {
            let Some(key) = keys[at] else { continue };
            let empty = || ItemTable { name, total: 0, rows: Vec::new() };
            let table = tables.entry(key.to_owned()).or_insert_with(empty);
            table.total = match totals.get(at) {
                Some(total) => total.unwrap_or_default() as usize,
                None => table.total + 1,
            };
            if table.rows.len() < queries::MAX_ITEM_ROWS {
                table.rows.push(positions.iter().map(|at| row[*at].clone()).collect());
            }
        }
        Ok(tables)
    }

    /// Returns the views of items on the comparable days of both periods.
    fn compared_views(&self, kind: &ItemKind) -> Result<BTreeMap<String, (i64, i64)>> {
        let mut compared: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        let report = self.results.report(kind.report)?;
        let Some(grid) = self.results.comparison.rows(report) else { return Ok(compared) };
        let ids = column_texts(&grid, kind.id)?;
        let [now, before] = ["views", "views_before"].map(|name| column_numbers(&grid, name));
        for ((id, now), before) in ids.into_iter().zip(now?).zip(before?) {
            if let (Some(id), Some(now), Some(before)) = (id, now, before) {
                let sums = compared.entry(id.to_owned()).or_default();
                *sums = (sums.0 + now as i64, sums.1 + before as i64);
            }
        }
        Ok(compared)
    }
}

/// The views of an item by day.
type DailyViews = BTreeMap<NaiveDate, i64>;

/// Returns the views of each item by day.
fn daily_views(
    session: &ReportSession<'_>,
    key: ItemKey<'_>,
) -> Result<BTreeMap<String, DailyViews>> {
    let grid = session.rows(&queries::views_by_day(key), &[])?;
    let mut views: BTreeMap<String, DailyViews> = BTreeMap::new();
    let items = column_texts(&grid, ITEM)?.into_iter().zip(column_dates(&grid, "local_date")?);
    for ((item, day), number) in items.zip(column_numbers(&grid, "views")?) {
        if let (Some(item), Some(day), Some(number)) = (item, day, number) {
            views.entry(item.to_owned()).or_default().insert(day, number as i64);
        }
    }
    Ok(views)
}

/// Returns the views of each day. A day that is not complete and has no known views is unknown.
fn by_day(days: &[(NaiveDate, bool)], views: Option<&DailyViews>) -> Vec<Option<i64>> {
    let number = |(day, is_complete): &(NaiveDate, bool)| {
        let known = views.and_then(|views| views.get(day)).copied();
        known.or(is_complete.then_some(0))
    };
    days.iter().map(number).collect()
}

fn rows_of<'g>(grid: &'g Grid, column: &str, id: &str) -> Result<Vec<&'g Vec<Cell>>> {
    let at = column_index(grid, column)?;
    let is_it = |row: &&Vec<Cell>| matches!(&row[at], Cell::Text(text) if text == id);
    Ok(grid.rows.iter().filter(is_it).collect())
}

fn text_of(grid: &Grid, rows: &[&Vec<Cell>], column: &str) -> String {
    let cell = grid.position(column).and_then(|at| rows.first()?.get(at));
    match cell {
        Some(Cell::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

/// Returns the values of an item. A report without ranks has its rows in the order of their ranks.
fn facts(
    grid: &Grid,
    row: &[Cell],
    columns: &[&'static str],
    rank: usize,
) -> Vec<(&'static str, Cell)> {
    let cell = |name: &&'static str| Some((*name, row.get(grid.position(name)?)?.clone()));
    let own = i64::try_from(rank).ok().filter(|_| grid.position(RANK).is_none());
    let own = own.map(|rank| (RANK, Cell::Int(rank)));
    own.into_iter().chain(columns.iter().filter_map(cell)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_days_without_views_are_unknown() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let days = [(day(1), true), (day(2), false), (day(3), false), (day(4), true)];
        let views = DailyViews::from([(day(1), 5), (day(3), 2)]);
        assert_eq!(by_day(&days, Some(&views)), [Some(5), None, Some(2), Some(0)]);
        assert_eq!(by_day(&days[..2], None), [Some(0), None]);
    }
}
