//! Runs reports and renders them.

mod catalog;
mod combined;
mod compare;
mod details;
mod options;
mod remarks;
mod rendered;
mod session;
mod totals;

use std::collections::HashSet;

pub use crate::calendar::{DayBound, PeriodBounds, parse_time_zone};
use crate::query::{self, DefinitionCatalog, Session};
pub use crate::query::{Actors, FilterPatterns, Filters, NoiseFilter, RowSelection, SortKey};
pub use crate::query::{ReportDefinition, ReportGroup, SqlEngine};
use crate::render::{self, RenderInput};
pub use crate::render::{Mark, OutputFormat, printable_char, wrap};
pub use crate::store::Snapshot;
use crate::{Error, Result};
pub use catalog::{ReportCatalog, SqlView, SqlViewColumn, row_counts_statement, views};
pub use chrono_tz::Tz;
pub use combined::{CombinedReports, run_combined};
pub use compare::comparison_rows;
pub use details::details_columns;
pub use options::{EarlierPeriod, FailCondition, Options};
pub use rendered::RenderedReport;
use rendered::{failures, is_incomplete};
pub use session::{ComparableSessions, ReportResult, ReportSession};
use session::{effective_params, open_session, run_report};

/// Runs a report.
///
/// # Errors
///
/// [`crate::Error::Usage`] for an invalid day, number or parameter; [`crate::Error::Query`] if a
/// file of the store cannot be read.
pub fn run(
    snapshot: &Snapshot,
    report: &ReportDefinition,
    options: &Options,
) -> Result<RenderedReport> {
    check_has_chart(report, options)?;
    if options.details {
        return details::run_details(snapshot, report, options);
    }
    if let Some(earlier) = options.compare {
        return render_result(compare::run(snapshot, report, earlier, options)?, options);
    }
    let session = open_session(snapshot, [report], options)?;
    render_report(&session, report, options)
}

/// Runs a report and returns its rows instead of an output, and the messages of the conditions in
/// [`Options::fail_on`] that hold.
///
/// # Errors
///
/// Errors of [`run`].
pub fn run_unrendered(
    snapshot: &Snapshot,
    report: &ReportDefinition,
    options: &Options,
) -> Result<(ReportResult, Vec<String>)> {
    let result = match options.compare {
        Some(earlier) => compare::run(snapshot, report, earlier, options)?,
        None => run_report(&open_session(snapshot, [report], options)?, report, options)?,
    };
    let (days, rows) = (&result.context.coverage, result.grid.rows.len());
    let failures = failures(options, days, rows, result.newest_event_us);
    Ok((result, failures))
}

/// Runs several reports on one period and passes each to `take`. Data that they share is read
/// once. A report that fails is passed as an error and does not stop the others.
///
/// # Errors
///
/// Errors of [`run`] that concern all reports, and those of `take`.
pub fn run_all(
    snapshot: &Snapshot,
    reports: &[ReportDefinition],
    options: &Options,
    take: &mut dyn FnMut(&ReportDefinition, Result<RenderedReport>) -> Result<()>,
) -> Result<()> {
    let mut session = open_session(snapshot, reports, options)?;
    session.preload(reports)?;
    for report in reports {
        take(report, render_report(&session, report, options))?;
    }
    Ok(())
}

/// Returns true if reports can compare the inventory of a store with its log. With filters, an item
/// that is used outside of them would seem to be unused.
pub fn can_compare_inventory(snapshot: &Snapshot, options: &Options) -> bool {
    snapshot.has_inventory() && !options.filters.are_in_use()
}

/// Returns the reports that can be run with filters, and the names of the others: those compare an
/// inventory with the whole log.
///
/// # Errors
///
/// Errors of [`run`].
pub fn split_by_filters(
    reports: &[ReportDefinition],
    filters: &Filters,
) -> Result<(Vec<ReportDefinition>, Vec<String>)> {
    let (mut able, mut refused) = (Vec::new(), Vec::new());
    for report in reports {
        match query::refuses_filters(report, filters)? {
            true => refused.push(report.name.clone()),
            false => able.push(report.clone()),
        }
    }
    Ok((able, refused))
}

/// Returns the views and the statement of a report as SQL for another engine, which reads the
/// store's files itself.
///
/// # Errors
///
/// Errors of [`run`].
pub fn portable_sql(
    snapshot: &Snapshot,
    report: &ReportDefinition,
    options: &Options,
    engine: SqlEngine,
) -> Result<String> {
    let has_top = report.params.iter().any(|param| param.name == "top");
    if options.top.is_some() && !has_top {
        let name = &report.name;
        return Err(Error::Usage(format!(
            "{name} has no parameter top, so its SQL for other engines has all rows; omit --top"
        )));
    }
    query::check_filters(report, &options.filters)?;
    let session = open_session(snapshot, [report], options)?;
    let other = session::other_log_session(&session, report, options)?;
    let session = other.as_ref().unwrap_or(&session);
    query::divided_attribute(session, report)?;
    query::portable_script(session, report, &effective_params(report, options)?, engine)
}

/// Returns the columns with which raw files must be read for filters.
pub fn filter_columns(filters: &Filters) -> HashSet<String> {
    query::filter_columns(filters).into_iter().collect()
}

/// Returns the columns with which raw files must be read for reports without filters.
///
/// # Errors
///
/// [`crate::Error::Query`] if the SQL guard rejects a statement.
pub fn required_columns<'r>(
    reports: impl IntoIterator<Item = &'r ReportDefinition>,
) -> Result<HashSet<String>> {
    Ok(query::report_columns(reports)?.into_iter().collect())
}

/// Refuses a picture of a report that has no chart.
fn check_has_chart(report: &ReportDefinition, options: &Options) -> Result<()> {
    if !options.format.is_picture() || report.chart.is_some() {
        return Ok(());
    }
    let catalog = DefinitionCatalog::built_in()?;
    let with_chart = catalog.reports().iter().filter(|report| report.chart.is_some());
    let names = with_chart.map(|report| report.name.as_str()).collect::<Vec<_>>().join(", ");
    let name = &report.name;
    if report.division.is_some() {
        let message = format!("{name} has no chart if an attribute divides it; omit --by");
        return Err(Error::Usage(message));
    }
    Err(Error::Usage(format!("{name} has no chart; these reports have one: {names}")))
}

fn render_report(
    session: &Session<'_>,
    report: &ReportDefinition,
    options: &Options,
) -> Result<RenderedReport> {
    render_result(run_report(session, report, options)?, options)
}

fn render_result(result: ReportResult, options: &Options) -> Result<RenderedReport> {
    let ReportResult { grid, chart, context, remarks, newest_event_us } = result;
    if options.format.is_picture() && chart.is_none() {
        return Err(Error::Usage(format!(
            "the chart of {} cannot be drawn from these rows and columns; omit --columns, --sort, \
             --where, --top and --compare, or use another format",
            context.report
        )));
    }
    let page = RenderInput {
        grid: &grid,
        chart: chart.as_ref(),
        context: Some(&context),
        remarks: &remarks,
        time_zone: options.time_zone,
        width: options.width,
    };
    let bytes = render::render(&page, options.format)?;
    Ok(RenderedReport {
        bytes,
        is_incomplete: is_incomplete(&context.coverage),
        failures: failures(options, &context.coverage, grid.rows.len(), newest_event_us),
        remarks,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono_tz::Tz;

    use super::*;

    fn options() -> Options {
        Options {
            since: None,
            until: None,
            time_zone: Tz::UTC,
            noise: NoiseFilter::Exclude,
            format: OutputFormat::Text,
            ..Options::default()
        }
    }

    fn run_on_empty_store(options: &Options) -> Result<RenderedReport> {
        let reports = ReportCatalog::new(None).unwrap();
        run(&Snapshot::default(), reports.find("most-viewed-reports").unwrap(), options)
    }

    #[test]
    fn empty_store_has_no_rows_and_a_remark() {
        let options = Options { since: Some(DayBound::DaysBack(30)), ..options() };
        let report = run_on_empty_store(&options).unwrap();
        let text = String::from_utf8(report.bytes).unwrap();
        assert!(text.contains("\nrank  report  workspace  views  viewers"), "{text}");
        assert!(text.contains("\nThe log has no events.\n"), "{text}");
        assert!(report.is_incomplete);
    }

    #[test]
    fn invalid_options_are_rejected() {
        let [since, until] =
            ["2026-03-02", "2026-03-01"].map(|text| Some(text.parse::<DayBound>().unwrap()));
        let error = run_on_empty_store(&Options { since, until, ..options() }).unwrap_err();
        assert!(error.to_string().contains("earlier day first"), "{error}");
        let error = run_on_empty_store(&Options { top: Some(0), ..options() }).unwrap_err();
        assert!(error.to_string().contains("1 or greater"), "{error}");
        let params = BTreeMap::from([("tpo".to_owned(), "3".to_owned())]);
        let error = run_on_empty_store(&Options { params, ..options() }).unwrap_err();
        assert!(error.to_string().contains("\"tpo\""), "{error}");
    }

    #[test]
    fn conditions_that_hold_are_failures() {
        let fail_on = ["rows:none", "rows:any", "coverage:incomplete", "coverage:missing"];
        let fail_on = fail_on.map(|text| text.parse().unwrap()).to_vec();
        let failures = run_on_empty_store(&Options { fail_on, ..options() }).unwrap().failures;
        assert_eq!(failures, ["the report has no rows", "there is no data for this period"]);
    }
}
