//! Builds the page: the reports of each period, and what they share.

use std::collections::HashSet;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::changes::Changes;
use super::columns::TREND;
use super::inventory_sections::{INVENTORY_REPORTS, InventoryResults, UnusedDays};
use super::item_ids::ItemIds;
use super::people::{PeopleDisplay, PeopleMask};
use super::periods::PagePeriod;
use super::results::{DashboardResults, REPORTS};
use super::{changes, figures, item_queries, items, people, periods, sections, sparks, summary};
use crate::Result;
use crate::render::ReportContext;
use crate::render::html::{self, DashboardPage, PackedItems, PeriodView, SharedTexts};
use crate::report::{
    self, Filters, Mark, NoiseFilter, Options, ReportCatalog, ReportDefinition, ReportSession,
    Snapshot,
};

/// The largest number of marked days that a sentence names.
const MAX_NAMED_MARKS: usize = 5;

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
    /// True for a page that the program itself prints.
    pub is_for_paper: bool,
    /// The days without use after which content is unused and licenses are idle.
    pub unused_days: UnusedDays,
}

/// Returns the columns of the events table that the page needs.
///
/// # Errors
///
/// [`crate::Error::Query`] if the guard refuses a statement.
pub fn required_columns(reports: &ReportCatalog) -> Result<HashSet<String>> {
    let names = REPORTS.iter().chain(&INVENTORY_REPORTS);
    let shown = names.map(|name| reports.find(name)).collect::<Result<Vec<_>>>()?;
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
    let statements = PageStatements::new(reports)?;
    let reported = report_options(options);
    let held = InventoryResults::read(snapshot, reports, &reported, page.unused_days)?;
    let session = ReportSession::with_shared_events(snapshot, statements.all(), &reported)?;
    build_page(&session, &statements, held.as_ref(), options, page, &filter_remarks(options))
}

/// The statements of a page.
pub struct PageStatements<'r> {
    reports: Vec<&'r ReportDefinition>,
    others: Vec<ReportDefinition>,
}

impl<'r> PageStatements<'r> {
    /// Finds the statements of a page without those on an inventory.
    pub fn new(reports: &'r ReportCatalog) -> Result<PageStatements<'r>> {
        let found = REPORTS.iter().map(|name| reports.find(name)).collect::<Result<_>>()?;
        Ok(PageStatements { reports: found, others: other_statements() })
    }

    /// Returns all of them.
    pub fn all(&self) -> impl Iterator<Item = &ReportDefinition> + Clone {
        self.reports.iter().copied().chain(&self.others)
    }
}

/// Returns the options of the reports of a page. The page lists marked days below its charts, so
/// reports need no sentences on them.
pub fn report_options(options: &Options) -> Options {
    Options { marks: Vec::new(), ..options.clone() }
}

/// Builds a page of a session with shared events, with sentences on its filters.
///
/// # Errors
///
/// Those of [`run`].
pub fn build_page(
    session: &ReportSession<'_>,
    statements: &PageStatements<'_>,
    held: Option<&InventoryResults<'_>>,
    options: &Options,
    page: &PageOptions,
    filters: &[String],
) -> Result<Vec<u8>> {
    let mask = PeopleMask::new(session, page.people)?;
    let (periods, opened) = periods::page_periods(session, options);
    let zone = options.time_zone;
    let definitions = &statements.reports;
    let builder =
        ViewBuilder { definitions, mask: &mask, zone, options, is_static: page.is_static };
    let mut views = Vec::new();
    let mut texts = SharedTexts::default();
    for period in &periods {
        views.push(match period.bounds {
            None => builder.build(session, period, &mut texts)?,
            Some(bounds) => builder.build(&session.with_days(bounds)?, period, &mut texts)?,
        });
    }
    if let Some(held) = held {
        for view in &mut views {
            view.summary.extend(held.sentence());
            view.limits.extend(held.limits());
        }
    }
    let fixed_sections = held.map_or(Ok(Vec::new()), |held| held.sections(&mask))?;
    Ok(html::render_dashboard(&DashboardPage {
        title: page.title.clone().unwrap_or_else(|| DEFAULT_TITLE.to_owned()),
        generated: options.now.with_timezone(&options.time_zone).date_naive(),
        time_zone: options.time_zone,
        filters: filters.iter().map(|remark| mask.text(remark)).collect(),
        views,
        fixed_sections,
        opened,
        has_script: !page.is_static,
        is_for_paper: page.is_for_paper,
    }))
}

/// The parts that all periods share.
struct ViewBuilder<'r> {
    definitions: &'r [&'r ReportDefinition],
    mask: &'r PeopleMask,
    zone: Tz,
    options: &'r Options,
    is_static: bool,
}

impl ViewBuilder<'_> {
    /// Computes all figures of a period. `texts` are those of the periods before.
    fn build(
        &self,
        session: &ReportSession<'_>,
        period: &PagePeriod,
        texts: &mut SharedTexts,
    ) -> Result<PeriodView> {
        let mask = self.mask;
        let mut results = DashboardResults::run(session, self.definitions, mask, period.prefix)?;
        let details = match self.is_static {
            true => PackedItems::default(),
            false => self.pack_details(&mut results, session, texts)?,
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
        remarks.extend(outside_remark(&self.options.marks, results.period()));
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
        texts: &mut SharedTexts,
    ) -> Result<PackedItems> {
        let mut period = items::collect(results, session)?;
        let packed = html::pack_items(&period, self.zone, html::MAX_DETAIL_BYTES, texts)?;
        period.items.truncate(packed.kept);
        results.items = ItemIds::of(&period.items);
        Ok(packed)
    }
}

/// Returns a sentence on the marked days that are not in a period, with the first of them.
fn outside_remark(marks: &[Mark], period: Option<(NaiveDate, NaiveDate)>) -> Option<String> {
    let is_inside =
        |mark: &Mark| period.is_some_and(|(first, last)| first <= mark.day && mark.day <= last);
    let outside: Vec<&Mark> = marks.iter().filter(|mark| !is_inside(mark)).collect();
    let named = |mark: &&Mark| format!("{} ({})", mark.day.format("%-d %b %Y"), mark.label);
    let named: Vec<String> = outside.iter().take(MAX_NAMED_MARKS).map(named).collect();
    let more = match outside.len() - named.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let [count, all] = [outside.len(), marks.len()];
    let verb = if count == 1 { "is" } else { "are" };
    let days = if all == 1 { "day" } else { "days" };
    (count > 0).then(|| {
        format!(
            "{count} of {all} marked {days} {verb} outside this period: {}{more}.",
            named.join("; ")
        )
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_outside_the_period_are_counted_and_the_first_are_named() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let mark = |text: &str| Mark { day: day(text), label: format!("of {text}") };
        let period = Some((day("2026-03-01"), day("2026-03-31")));
        let remark = |marks: &[Mark]| outside_remark(marks, period);
        assert_eq!(remark(&[mark("2026-03-01"), mark("2026-03-31")]), None);
        assert_eq!(
            remark(&[mark("2026-02-28")]).unwrap(),
            "1 of 1 marked day is outside this period: 28 Feb 2026 (of 2026-02-28)."
        );
        let mut marks: Vec<Mark> = (1..=7).map(|at| mark(&format!("2026-04-0{at}"))).collect();
        marks.push(mark("2026-03-05"));
        let text = remark(&marks).unwrap();
        assert!(text.starts_with("7 of 8 marked days are outside this period: 1 Apr"), "{text}");
        assert!(text.ends_with("5 Apr 2026 (of 2026-04-05); and 2 more."), "{text}");
        assert!(outside_remark(&marks, None).unwrap().starts_with("8 of 8 "));
    }
}
