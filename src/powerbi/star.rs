//! Writes the star schema of one period as Parquet files.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::dimensions::{client_rows, date_rows, dimension_rows, hour_rows, write_table};
use super::facts::FactWriter;
use super::held::{HeldFacts, HeldReports};
use super::options::ProjectOptions;
use super::tables::{self, TableSpec};
use crate::Result;
use crate::grid::{Cell, Grid};
use crate::report::{
    self, Actors, NoiseFilter, Options, ReportDefinition, ReportSession, Snapshot,
};

/// A query of the star schema: its name in errors, and its statement.
struct StarQuery(&'static str, &'static str, Actors);

const ACTIVITY: StarQuery = StarQuery("activity", include_str!("sql/activity.sql"), Actors::All);
const EXPORTS: StarQuery = StarQuery("exports", include_str!("sql/exports.sql"), Actors::All);
const SHARING: StarQuery = StarQuery("sharing", include_str!("sql/sharing.sql"), Actors::All);
/// The actors of the report `adoption`.
const PRESENCE: StarQuery = StarQuery("presence", include_str!("sql/presence.sql"), Actors::People);
const DATES: StarQuery = StarQuery("dates", include_str!("sql/dates.sql"), Actors::All);
const USERS: StarQuery = StarQuery("users", include_str!("sql/users.sql"), Actors::All);
const ITEMS: StarQuery = StarQuery("items", include_str!("sql/items.sql"), Actors::All);
const WORKSPACES: StarQuery =
    StarQuery("workspaces", include_str!("sql/workspaces.sql"), Actors::All);
const CAPACITIES: StarQuery =
    StarQuery("capacities", include_str!("sql/capacities.sql"), Actors::All);
const ACTIVITY_TYPES: StarQuery =
    StarQuery("activity_types", include_str!("sql/activity_types.sql"), Actors::All);

const QUERIES: [StarQuery; 10] = [
    ACTIVITY,
    EXPORTS,
    SHARING,
    PRESENCE,
    DATES,
    USERS,
    ITEMS,
    WORKSPACES,
    CAPACITIES,
    ACTIVITY_TYPES,
];

impl StarQuery {
    fn definition(&self) -> ReportDefinition {
        let StarQuery(name, sql, actors) = self;
        let name = format!("powerbi {name}");
        ReportDefinition { name, actors: *actors, ..ReportDefinition::ad_hoc(sql) }
    }
}

/// Returns the columns of the events table that the star schema needs.
///
/// # Errors
///
/// [`crate::Error::Query`] if the guard refuses a statement.
pub fn required_columns() -> Result<HashSet<String>> {
    let mut definitions: Vec<ReportDefinition> =
        QUERIES.iter().map(|query| query.definition()).collect();
    definitions.extend(HeldReports::load()?.into_definitions());
    report::required_columns(&definitions)
}

/// Number of rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRows {
    /// Name of the file without its extension.
    pub table: &'static str,
    /// Number of rows.
    pub rows: u64,
}

/// Writes all tables to a folder. The same snapshot and options give the same bytes.
///
/// # Errors
///
/// Those of [`report::run`], and errors of the disk.
pub fn write_star(
    snapshot: &Snapshot,
    options: &Options,
    project: &ProjectOptions,
    folder: &Path,
) -> Result<Vec<TableRows>> {
    // No data is loaded in advance: the rows of all months together need not fit into memory.
    let session = ReportSession::new(snapshot, std::iter::empty(), options)?;
    let run = |query: &StarQuery| session.rows(&query.definition(), &[]);
    // Users come first: their query finds the internal domains, which all others share.
    let users = run(&USERS)?;
    let held = HeldFacts::read(snapshot, &session, options, project.unused_days)?;
    let dates = date_rows(&run(&DATES)?, project.fiscal_start)?;
    let days: BTreeSet<i32> = dates.iter().filter_map(|row| day(row.first())).collect();

    let mut written = Vec::new();
    let mut facts = FactWriter::new(folder, &days, options.actors.is_some());
    let months = session.months();
    let months: Vec<&ReportSession<'_>> = months.iter().collect();
    for (spec, query, sessions) in [
        (&tables::ACTIVITY, ACTIVITY, months.as_slice()),
        (&tables::EXPORTS, EXPORTS, &[&session]),
        (&tables::SHARING, SHARING, &[&session]),
        (&tables::PRESENCE, PRESENCE, &[&session]),
    ] {
        let rows = facts.write(spec, &query.definition(), sessions)?;
        written.push(TableRows { table: spec.file, rows });
    }
    let items = held.with_status(run(&ITEMS)?, options.time_zone)?;
    for (spec, rows) in [(&tables::INVENTORY, held.inventory), (&tables::LICENSES, held.licenses)] {
        let rows = facts.write_rows(spec, rows)?;
        written.push(TableRows { table: spec.file, rows });
    }

    let FactWriter { keys, clients, .. } = facts;
    let mut add = |spec: &TableSpec, rows: Vec<Vec<Cell>>| {
        let table = spec.file;
        write_table(folder, spec, rows).map(|rows| written.push(TableRows { table, rows }))
    };
    let dimension = |spec: &TableSpec, grid: Grid, keys| dimension_rows(spec, grid, keys);
    add(&tables::DATE, dates)?;
    add(&tables::HOUR, hour_rows())?;
    add(&tables::USER, dimension(&tables::USER, users, &keys.user)?)?;
    add(&tables::ITEM, dimension(&tables::ITEM, items, &keys.item)?)?;
    let workspaces = run(&WORKSPACES)?;
    add(&tables::WORKSPACE, dimension(&tables::WORKSPACE, workspaces, &keys.workspace)?)?;
    let capacities = run(&CAPACITIES)?;
    add(&tables::CAPACITY, dimension(&tables::CAPACITY, capacities, &keys.capacity)?)?;
    let activities = run(&ACTIVITY_TYPES)?;
    add(&tables::ACTIVITY_TYPE, dimension(&tables::ACTIVITY_TYPE, activities, &keys.activity)?)?;
    add(&tables::CLIENT, client_rows(clients, &keys.client)?)?;
    add(&tables::ABOUT, about_rows(&session, options, project.unused_days))?;
    Ok(written)
}

fn day(cell: Option<&Cell>) -> Option<i32> {
    match cell {
        Some(Cell::Date { days }) => Some(*days),
        _ => None,
    }
}

/// Returns the period, the filters and the version of the program.
fn about_rows(session: &ReportSession<'_>, options: &Options, unused_days: u16) -> Vec<Vec<Cell>> {
    let days = session.period().map(|(first, last)| format!("{first} to {last}"));
    let mut properties = vec![
        ("Period", days.unwrap_or_else(|| "(no days)".to_owned())),
        ("Time zone", options.time_zone.name().to_owned()),
        ("Accounts counted", options.actors.map_or("people", Actors::name).to_owned()),
        ("Automated API activity", noise_text(options.noise).to_owned()),
        // The notes of the model read this row.
        ("Days of unused content", unused_days.to_string()),
    ];
    for (kind, side) in
        [("Filter", &options.filters.include), ("Excluded", &options.filters.exclude)]
    {
        for (target, patterns) in side.in_use() {
            properties.push((kind, format!("{} {}", target.noun(), patterns.join(" or "))));
        }
    }
    properties.push(("Written by", concat!("pbi-analyze ", env!("CARGO_PKG_VERSION")).to_owned()));
    let row = |(property, value): (&str, String)| {
        vec![Cell::Text(property.to_owned()), Cell::Text(value)]
    };
    properties.into_iter().map(row).collect()
}

fn noise_text(noise: NoiseFilter) -> &'static str {
    match noise {
        NoiseFilter::Exclude => "excluded",
        NoiseFilter::ExcludeAllReads => "excluded, with all reads",
        NoiseFilter::Include => "included",
    }
}
