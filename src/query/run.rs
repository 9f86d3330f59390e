//! Runs a report: checks its statement, binds its parameters, builds its views and executes it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use polars::sql::SQLContext;
use sqlparser::ast::Statement;

use crate::error::catch_engine_panic;
use crate::grid::Grid;
use crate::{Error, Result};

use crate::query::definition::params::{self, ParamType};
use crate::query::definition::report::ReportDefinition;
use crate::query::definition::suggest::did_you_mean;
use crate::query::engine::error::run_engine;
use crate::query::engine::period_values::{PERIOD, insert_period_values};
use crate::query::engine::streaming::{EarlyTable, EarlyTables, Engine, extract_early_tables};
use crate::query::engine::{exact, lean_plan, scan, to_grid};
use crate::query::portable::{self, SqlEngine};
use crate::query::required_columns::references_of;
use crate::query::session::Session;
use crate::query::views::context::{ViewContext, includes_failed};
use crate::query::views::groups::{self, GROUP_VIEWS};
use crate::query::views::inventory::{self, INVENTORY_VIEWS};
use crate::query::views::pattern_filters::Filters;
use crate::query::views::people::{self, PEOPLE_VIEWS};
use crate::query::views::person_attributes::{
    KnownAttribute, coverage_remark, coverage_statement, known_attributes,
};
use crate::query::views::refreshes::{self, REFRESH_VIEWS};
use crate::query::views::tenant_settings::{self, SETTINGS_VIEW};
use crate::query::{archive_facts, guard, rewrite, shared_ctes, spelling, views};

/// Runs a report with the `given` parameters and the defaults of the others.
///
/// # Errors
///
/// [`crate::Error::Usage`] for an unknown parameter or a value that is not valid for its type;
/// [`crate::Error::Query`] if the guard or the engine refuses the statement, or if a file cannot be
/// read.
pub fn execute(
    session: &Session<'_>,
    report: &ReportDefinition,
    given: &BTreeMap<String, String>,
) -> Result<Grid> {
    let (mut statement, context) = prepare(session, report, given)?;
    rewrite::widen_integers(&mut statement);
    run_engine(&report.name, || {
        let mut tables = exact::new_context();
        for view in &context.references.views {
            tables.register(view, views::build_view(&context, view)?);
        }
        if let Some(shared) = session.shared() {
            for cte in shared_ctes::extract_shared_ctes(&mut statement) {
                let key = (context.counted_events(), cte.statement.to_string());
                let compute = || collect_rows(&mut tables, cte.statement);
                let rows = archive_facts::known_or_read(&shared.cte_rows, key, compute)?;
                tables.register(&cte.name, rows.lazy());
            }
        }
        if context.references.views.contains(PERIOD) {
            let period = views::build_view(&context, PERIOD)?.collect()?;
            insert_period_values(&mut statement, &period);
        }
        to_grid::frame_to_grid(&collect_rows(&mut tables, statement)?)
    })
}

/// Collects the rows of a statement over tables.
fn collect_rows(tables: &mut SQLContext, statement: Statement) -> PolarsResult<DataFrame> {
    let mut rest = statement.clone();
    let schemas = RefCell::new(&mut *tables);
    let columns_of = |view: &str| column_names(&mut schemas.borrow_mut(), view).ok();
    let EarlyTables { waves, rest_engine } = extract_early_tables(&mut rest, &columns_of);
    // If a part fails, the whole statement runs without streaming, or fails with its own error.
    let streamed = catch_engine_panic(|| {
        waves.iter().try_for_each(|wave| run_wave(tables, wave))?;
        match rest_engine {
            Engine::Streaming => {
                scan::collect_streaming(rewrite::plan(tables, rest.clone())?).map(Some)
            }
            Engine::InMemory => Ok(None),
        }
    });
    let statement = match streamed {
        Some(Ok(Some(rows))) => return Ok(rows),
        Some(Ok(None)) => rest,
        _ => statement,
    };
    rewrite::plan(tables, statement)?.collect()
}

/// Returns the names of the columns of a table.
fn column_names(tables: &mut SQLContext, table: &str) -> PolarsResult<BTreeSet<String>> {
    let mut rows = tables.execute(&format!("SELECT * FROM {table}"))?;
    Ok(rows.collect_schema()?.iter_names().map(ToString::to_string).collect())
}

/// Runs the statements of a wave and registers their results as tables.
fn run_wave(tables: &mut SQLContext, wave: &[EarlyTable]) -> PolarsResult<()> {
    let (in_memory, streaming): (Vec<&EarlyTable>, Vec<&EarlyTable>) =
        wave.iter().partition(|table| table.engine == Engine::InMemory);
    for table in in_memory {
        let rows = rewrite::plan(tables, table.statement.clone())?.collect()?;
        tables.register(&table.name, rows.lazy());
    }
    let plan =
        |table: &&EarlyTable| lean_plan::lean(rewrite::plan(tables, table.statement.clone())?);
    let frames = streaming.iter().map(plan).collect::<PolarsResult<Vec<LazyFrame>>>()?;
    let Some(first) = frames.first() else { return Ok(()) };
    let flags = first.get_current_optimizations();
    let plans = frames.into_iter().map(|frame| frame.logical_plan).collect();
    let results = LazyFrame::collect_all_with_engine(plans, scan::STREAMING, flags)?;
    for (table, result) in streaming.iter().zip(results) {
        tables.register(&table.name, result.lazy());
    }
    Ok(())
}

/// Returns the views and the statement of a report as SQL for another engine.
///
/// # Errors
///
/// Those of [`execute`].
pub fn portable_script(
    session: &Session<'_>,
    report: &ReportDefinition,
    given: &BTreeMap<String, String>,
    engine: SqlEngine,
) -> Result<String> {
    let (statement, context) = prepare(session, report, given)?;
    run_engine(&report.name, || portable::write_script(&context, &statement, engine))
}

/// Returns the checked statement of a report with its parameters bound, and the inputs of its
/// views.
fn prepare<'a>(
    session: &'a Session<'a>,
    report: &ReportDefinition,
    given: &BTreeMap<String, String>,
) -> Result<(Statement, ViewContext<'a>)> {
    let mut statement = spelling::parse(&report.name, &report.sql, session.period().last_day())?;
    let references = guard::check(&report.name, &statement)?;
    params::bind(&mut statement, &report.name, &report.params, given)?;
    let internal_domains = params::internal_domains(&report.params, given);
    Ok((statement, ViewContext::new(session, report, internal_domains, references)?))
}

/// Returns the internal domains with which a report distinguishes external users; `None` if it
/// does not.
///
/// # Errors
///
/// Those of [`execute`].
pub fn internal_domains(
    session: &Session<'_>,
    report: &ReportDefinition,
    given: &BTreeMap<String, String>,
) -> Result<Option<BTreeSet<String>>> {
    if !report.params.iter().any(|param| param.ty == ParamType::Domains) {
        return Ok(None);
    }
    match params::internal_domains(&report.params, given) {
        Some(domains) => Ok(Some(domains)),
        None => run_engine(&report.name, || session.internal_domains()).map(Some),
    }
}

/// Returns true if the events of a report include failed ones.
///
/// # Errors
///
/// Those of the guard.
pub fn counts_failed(report: &ReportDefinition) -> Result<bool> {
    Ok(includes_failed(report, &references_of(report)?))
}

/// Returns the sentence on CURRENT_DATE, if a report reads it.
///
/// # Errors
///
/// Those of the parser.
pub fn current_date_remark(
    session: &Session<'_>,
    report: &ReportDefinition,
) -> Result<Option<String>> {
    let is_read = spelling::reads_current_date(&report.name, &report.sql)?;
    let day = session.period().last_day().filter(|_| is_read);
    Ok(day.map(|day| format!("CURRENT_DATE is {day}, the last day of the period.")))
}

/// Views of licenses.
const LICENSE_VIEWS: [&str; 2] = ["licenses", "license_products"];

/// Columns that only lists of capacities fill.
const CAPACITY_COLUMNS: [&str; 4] =
    ["capacity_sku", "is_on_large_capacity", "capacity_region", "is_large"];

/// Returns the sentences on the inventory, if a report reads it.
///
/// # Errors
///
/// Those of the guard, and [`crate::Error::Query`] if a file cannot be read.
pub fn inventory_remarks(session: &Session<'_>, report: &ReportDefinition) -> Result<Vec<String>> {
    let references = references_of(report)?;
    let views = &references.views;
    let reads = |known: &[&str]| known.iter().any(|view| views.contains(*view));
    run_engine(&report.name, || {
        let mut remarks = Vec::new();
        if reads(&PEOPLE_VIEWS) {
            remarks.extend(people::people_remarks(session, reads(&LICENSE_VIEWS))?);
        }
        if reads(&[SETTINGS_VIEW]) {
            remarks.push(tenant_settings::settings_remark(session)?);
        }
        if reads(&["group_members"]) {
            remarks.extend(groups::group_remark(session)?);
        }
        if reads(&REFRESH_VIEWS) {
            remarks.push(refreshes::refresh_remark(session)?);
        }
        // Reports on licenses have rows without an inventory of workspaces too.
        if reads(&INVENTORY_VIEWS) && (remarks.is_empty() || reads(&["inventory_items"])) {
            remarks.extend(inventory::inventory_remarks(session)?);
        }
        let is_asked = |column: &&str| references.has_column(column);
        if reads(&INVENTORY_VIEWS) && CAPACITY_COLUMNS.iter().any(is_asked) {
            remarks.extend(inventory::capacity_remark(session)?);
        }
        Ok(remarks)
    })
}

/// Returns true if a report reads what the store knows beside the log: workspaces, items, people,
/// licenses, refreshes or settings.
///
/// # Errors
///
/// Those of the guard.
fn reads_inventory(report: &ReportDefinition) -> Result<bool> {
    let views = references_of(report)?.views;
    let inventory = INVENTORY_VIEWS.iter().chain(&PEOPLE_VIEWS).chain(&REFRESH_VIEWS);
    let inventory = inventory.chain(&GROUP_VIEWS);
    Ok(inventory.chain([&SETTINGS_VIEW]).any(|view| views.contains(*view)))
}

/// Returns true if a report cannot be run with these filters: it compares an inventory with the
/// log, so an item whose events they leave out would seem to be unused.
///
/// # Errors
///
/// Those of the guard.
pub fn refuses_filters(report: &ReportDefinition, filters: &Filters) -> Result<bool> {
    Ok(filters.are_in_use() && !report.is_ad_hoc() && reads_inventory(report)?)
}

/// Checks that filters do not change what a report says about an inventory.
///
/// # Errors
///
/// [`Error::Usage`] if the report [refuses](refuses_filters) them.
pub fn check_filters(report: &ReportDefinition, filters: &Filters) -> Result<()> {
    if !refuses_filters(report, filters)? {
        return Ok(());
    }
    let name = &report.name;
    Err(Error::Usage(format!(
        "{name} compares an inventory with the whole log, and filters would leave out events, so \
         that used items seem unused; select rows instead, for example --where \"workspace LIKE \
         'Sales%'\""
    )))
}

/// Returns the attribute that divides a report; `None` if none does.
///
/// # Errors
///
/// [`Error::Usage`] with the attributes that the store has, or with advice if it has none.
pub fn divided_attribute(
    session: &Session<'_>,
    report: &ReportDefinition,
) -> Result<Option<KnownAttribute>> {
    let Some(division) = &report.division else { return Ok(None) };
    let known = run_engine(&report.name, || known_attributes(session))?;
    if let Some(found) = known.iter().find(|known| known.key() == division.key) {
        return Ok(Some(found.clone()));
    }
    let names: Vec<&str> = known.iter().map(|attribute| attribute.name.as_str()).collect();
    let attribute = &division.attribute;
    Err(Error::Usage(match names.is_empty() {
        true => format!(
            "the store has no attributes of people, so --by {attribute} has nothing to divide by; \
             save a list of people with departments, or a CSV file with a column of addresses \
             (UPN) and one for each attribute, beside the log, and run ingest again; see \
             docs/inventory.md"
        ),
        false => format!(
            "the store has no attribute {attribute:?} of people.{} Its attributes: {}",
            did_you_mean(attribute, names.iter().copied()),
            names.join(", ")
        ),
    }))
}

/// Returns the sentence on the attribute that divides a report: its values, and the active people
/// without one.
///
/// # Errors
///
/// Those of [`execute`].
pub fn division_remark(session: &Session<'_>, attribute: &KnownAttribute) -> Result<String> {
    let counted = execute(session, &coverage_statement(&attribute.key()), &BTreeMap::new())?;
    let counts = counted.rows.first().map(Vec::as_slice).unwrap_or_default();
    Ok(coverage_remark(attribute, counts))
}

/// Returns true if a report reads a view.
///
/// # Errors
///
/// Those of the guard.
pub fn reads_view(report: &ReportDefinition, view: &str) -> Result<bool> {
    Ok(references_of(report)?.views.contains(view))
}
