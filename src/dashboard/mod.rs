//! Builds the dashboard: results of several reports on one HTML page.
//!
//! Every number on the page is one that a report returns, or a sum or number of its rows, so that
//! each number can be checked with that report.

mod figures;
mod panel;
mod results;
mod sections;
mod sparks;

use std::collections::HashSet;

use crate::Result;
use crate::render::html::{self, Document};
use crate::report::{self, Filters, NoiseFilter, Options, ReportCatalog, ReportSession, Snapshot};
use results::{DashboardResults, REPORTS, TREND};

/// Returns the columns of the events table that the page needs.
///
/// # Errors
///
/// [`crate::Error::Query`] if the guard refuses a statement.
pub fn required_columns(reports: &ReportCatalog) -> Result<HashSet<String>> {
    let shown = REPORTS.iter().map(|name| reports.find(name)).collect::<Result<Vec<_>>>()?;
    report::required_columns(shown)
}

/// Builds the page as HTML. The same snapshot and options give the same bytes.
///
/// # Errors
///
/// Those of [`report::run`].
pub fn run(snapshot: &Snapshot, reports: &ReportCatalog, options: &Options) -> Result<Vec<u8>> {
    let mut definitions = Vec::new();
    for name in REPORTS {
        definitions.push(reports.find(name)?);
    }
    let session = ReportSession::new(snapshot, definitions.iter().copied(), options)?;
    let results = DashboardResults::run(&session, &definitions)?;
    let sparks = sparks::report_sparklines(&results, &session)?;
    let figures = figures::key_figures(&results, &session)?;

    let mut remarks = filter_remarks(options);
    remarks.extend(results.shared_remarks()?);
    remarks.extend(figures.remarks);
    Ok(html::render_page(&Document {
        title: "Power BI usage".to_owned(),
        context: results.result(TREND)?.context.clone(),
        time_zone: options.time_zone,
        remarks,
        figures: figures.figures,
        sections: sections::build_sections(&results, sparks)?,
    }))
}

/// Returns the filters in use, in sentences.
fn filter_remarks(options: &Options) -> Vec<String> {
    let Filters { include, exclude } = &options.filters;
    let included = include.in_use().map(|kind| ("", kind));
    let excluded = exclude.in_use().map(|kind| ("without ", kind));
    let named = included.chain(excluded).map(|(without, (target, patterns))| {
        format!("Filter: {without}{} {}.", target.noun(), patterns.join(" or "))
    });
    let mut remarks: Vec<String> = named.collect();
    match options.noise {
        NoiseFilter::Exclude => {}
        NoiseFilter::ExcludeAllReads => {
            remarks.push("All read operations of the API are excluded.".to_owned());
        }
        NoiseFilter::Include => {
            remarks.push("Automated API activity is included in all figures.".to_owned());
        }
    }
    if let Some(actors) = options.actors {
        remarks.push(format!("Accounts counted: {}.", actors.name()));
    }
    remarks
}
