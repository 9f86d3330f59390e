//! Builds the page: the reports of each period, and what they share.

use std::collections::HashSet;

use chrono_tz::Tz;

use super::changes::Changes;
use super::columns::TREND;
use super::item_ids::ItemIds;
use super::people::{PeopleDisplay, PeopleMask};
use super::periods::PagePeriod;
use super::results::{DashboardResults, REPORTS};
use super::{changes, figures, item_queries, items, people, periods, sections, sparks, summary};
use crate::Result;
use crate::render::ReportContext;
use crate::render::html::{self, DashboardPage, PackedItems, PeriodView};
use crate::report::{
    self, Filters, NoiseFilter, Options, ReportCatalog, ReportDefinition, ReportSession, Snapshot,
};

/// The title of a page without one of its own.
pub const DEFAULT_TITLE: &str = "Power BI usage";

/// The choices of a page that reports do not have.
#[derive(Debug, Clone, Default)]
pub struct PageOptions {
    /// The title of the page, for example the name of the tenant.
    pub title: Option<String>,
    /// The presentation of people.
    pub people: PeopleDisplay,
    /// True for a page without scripts and without the details that need them.
    pub is_static: bool,
}

/// Returns the columns of the events table that the page needs.
///
/// # Errors
///
/// [`crate::Error::Query`] if the guard refuses a statement.
pub fn required_columns(reports: &ReportCatalog) -> Result<HashSet<String>> {
    let shown = REPORTS.iter().map(|name| reports.find(name)).collect::<Result<Vec<_>>>()?;
    report::required_columns(shown.into_iter().chain(&other_statements()))
}

/// Returns the statements of the page that are no reports.
fn other_statements() -> Vec<ReportDefinition> {
    let mut statements = item_queries::all();
    statements.extend(sparks::statements());
    statements.extend([people::statement(), changes::statement()]);
    statements
}

/// Builds the page as HTML. The same snapshot and options give the same bytes on the same day.
///
/// # Errors
///
/// Those of [`report::run`].
pub fn run(
    snapshot: &Snapshot,
    reports: &ReportCatalog,
    options: &Options,
    page: &PageOptions,
) -> Result<Vec<u8>> {
    build_page(snapshot, reports, options, page, &filter_remarks(options))
}

/// Builds a page with sentences on its filters.
///
/// # Errors
///
/// Those of [`run`].
pub fn build_page(
    snapshot: &Snapshot,
    reports: &ReportCatalog,
    options: &Options,
    page: &PageOptions,
    filters: &[String],
) -> Result<Vec<u8>> {
    let mut definitions = Vec::new();
    for name in REPORTS {
        definitions.push(reports.find(name)?);
    }
    let others = other_statements();
    let statements = definitions.iter().copied().chain(&others);
    // The page lists marked days below its charts, so reports need no sentences on them.
    let unmarked = Options { marks: Vec::new(), ..options.clone() };
    let session = ReportSession::with_shared_events(snapshot, statements, &unmarked)?;
    let mask = PeopleMask::new(&session, page.people)?;
    let (periods, opened) = periods::page_periods(&session, options);
    let zone = options.time_zone;
    let builder =
        ViewBuilder { definitions, mask: &mask, zone, options, is_static: page.is_static };
    let mut views = Vec::new();
    for period in &periods {
        views.push(match period.bounds {
            None => builder.build(&session, period)?,
            Some(bounds) => builder.build(&session.with_days(bounds)?, period)?,
        });
    }
    Ok(html::render_dashboard(&DashboardPage {
        title: page.title.clone().unwrap_or_else(|| DEFAULT_TITLE.to_owned()),
        generated: options.now.with_timezone(&options.time_zone).date_naive(),
        time_zone: options.time_zone,
        filters: filters.iter().map(|remark| mask.text(remark)).collect(),
        views,
        opened,
        has_script: !page.is_static,
    }))
}

/// The parts that all periods share.
struct ViewBuilder<'r> {
    definitions: Vec<&'r ReportDefinition>,
    mask: &'r PeopleMask,
    zone: Tz,
    options: &'r Options,
    is_static: bool,
}

impl ViewBuilder<'_> {
    /// Computes all figures of a period.
    fn build(&self, session: &ReportSession<'_>, period: &PagePeriod) -> Result<PeriodView> {
        let mask = self.mask;
        let mut results = DashboardResults::run(session, &self.definitions, mask, period.prefix)?;
        let details = match self.is_static {
            true => PackedItems::default(),
            false => self.pack_details(&mut results, session)?,
        };
        let sparks = sparks::report_sparklines(&results, session)?;
        let days = session.coverage();
        let figures = figures::key_figures(&results, &days)?;
        let changes = Changes::find(&results, session)?;
        let comparison = results.comparison.remark();
        let summary = summary::sentences(&figures, &changes, &comparison, mask)?;
        let mut remarks = vec![comparison];
        if days.days > days.complete {
            remarks.push("Figures that include incomplete days are underestimates.".to_owned());
        }
        if !self.is_static {
            remarks.push(items::items_remark(&results, &results.items)?);
        }
        remarks.extend(results.shared_remarks()?.iter().map(|remark| mask.text(remark)));
        Ok(PeriodView {
            key: period.key,
            label: period.label.clone(),
            context: ReportContext {
                marks: self.options.marks.clone(),
                ..results.result(TREND)?.context.clone()
            },
            summary,
            figures,
            sections: sections::build_sections(&results, &changes, sparks)?,
            about: sections::build_about(&results)?,
            remarks,
            limits: results.limits(),
            details,
        })
    }

    /// Packs the details of the items that fit on the page, and sets the links to them.
    fn pack_details(
        &self,
        results: &mut DashboardResults<'_>,
        session: &ReportSession<'_>,
    ) -> Result<PackedItems> {
        let mut period = items::collect(results, session)?;
        let packed = html::pack_items(&period, self.zone, html::MAX_DETAIL_BYTES)?;
        period.items.truncate(packed.kept);
        results.items = ItemIds::of(&period.items);
        Ok(packed)
    }
}

/// Returns the filters in use, in sentences.
pub fn filter_remarks(options: &Options) -> Vec<String> {
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
