//! Runs the reports of the page and gives access to their results.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};

use super::columns::{ADOPTION, CAPACITIES, COHORTS, TREND, column_texts, grain_params};
use super::comparison::PeriodComparison;
use super::item_ids::ItemIds;
use super::panel_context::PanelContext;
use super::people::PeopleMask;

use crate::report::{ReportDefinition, ReportResult, ReportSession};
use crate::{Error, Result};

/// The reports on the page. Those over time run with a grain.
pub const REPORTS: [&str; 16] = [
    TREND,
    ADOPTION,
    CAPACITIES,
    COHORTS,
    "consumption-method",
    "coverage",
    "data-quality",
    "distribution-method",
    "exports",
    "external-users",
    "hour-of-week",
    "noise",
    "sharing-audit",
    "top-reports",
    "top-users",
    "workspace-usage",
];

/// The largest number of rows in a table.
pub const MAX_TABLE_ROWS: usize = 50;

/// The largest number of days in a chart; longer periods have weeks, and then months.
const MAX_CHART_POINTS: u64 = 550;

/// The results of the reports; each report ran once per grain.
pub struct DashboardResults<'q> {
    /// The grain of charts over time.
    pub grain: &'static str,
    /// The grain of charts that show less per day.
    pub coarse_grain: &'static str,
    /// The first part of the anchors of the period.
    pub prefix: &'static str,
    /// The rule by which people are shown.
    pub mask: &'q PeopleMask,
    /// The results on comparable days of this and the previous period.
    pub comparison: PeriodComparison,
    /// The items that have a detail view.
    pub items: ItemIds,
    /// True if the log of the period names capacities.
    pub has_capacities: bool,
    period: Option<(NaiveDate, NaiveDate)>,
    reports: BTreeMap<&'static str, &'q ReportDefinition>,
    results: BTreeMap<(&'static str, &'static str), ReportResult>,
}

impl<'q> DashboardResults<'q> {
    /// Runs the reports, given in the order of [`REPORTS`].
    pub fn run(
        session: &ReportSession<'_>,
        reports: &[&'q ReportDefinition],
        mask: &'q PeopleMask,
        prefix: &'static str,
    ) -> Result<DashboardResults<'q>> {
        let (grain, coarse_grain) = match session.coverage().days {
            days if days <= MAX_CHART_POINTS => ("day", "week"),
            days if days <= 7 * MAX_CHART_POINTS => ("week", "month"),
            _ => ("month", "month"),
        };
        let reports: BTreeMap<_, _> = REPORTS.into_iter().zip(reports.iter().copied()).collect();
        let mut results = BTreeMap::new();
        for (name, report) in &reports {
            let grains: &[&'static str] = match *name {
                TREND => &[grain],
                ADOPTION => &[grain, coarse_grain],
                _ => &[""],
            };
            for grain in grains {
                results.insert((*name, *grain), session.run(report, &grain_params(grain))?);
            }
        }
        let period = session.period();
        let capacities = match results.get(&(CAPACITIES, "")) {
            Some(result) => column_texts(&result.grid, "capacity_id")?,
            None => Vec::new(),
        };
        let has_capacities = capacities.iter().any(Option::is_some);
        let comparison = PeriodComparison::run(session, &reports, grain, has_capacities)?;
        let items = ItemIds::default();
        Ok(DashboardResults {
            grain,
            coarse_grain,
            prefix,
            mask,
            comparison,
            items,
            has_capacities,
            period,
            reports,
            results,
        })
    }

    /// Returns the rules that all panels of the period share.
    pub fn panel_context(&self) -> PanelContext<'_> {
        PanelContext { prefix: self.prefix, mask: self.mask, items: &self.items }
    }

    /// Returns the first and the last day of the period, if known.
    pub fn period(&self) -> Option<(NaiveDate, NaiveDate)> {
        self.period
    }

    /// Returns the limitations of all reports that are shown, each once.
    pub fn limits(&self) -> Vec<String> {
        let mut limits: Vec<String> = Vec::new();
        let is_shown = |name: &str| name != CAPACITIES || self.has_capacities;
        let shown = self.reports.iter().filter(|(name, _)| is_shown(name));
        for limit in shown.flat_map(|(_, report)| &report.limits) {
            if !limits.contains(limit) {
                limits.push(limit.clone());
            }
        }
        limits
    }

    /// Returns the result of a report, with the finer grain.
    pub fn result(&self, name: &'static str) -> Result<&ReportResult> {
        let grain = if [TREND, ADOPTION].contains(&name) { self.grain } else { "" };
        self.result_by_grain(name, grain)
    }

    /// Returns the result of a report with a grain; reports without a grain have an empty one.
    pub fn result_by_grain(
        &self,
        name: &'static str,
        grain: &'static str,
    ) -> Result<&ReportResult> {
        let found = self.results.get(&(name, grain));
        found.ok_or_else(|| Error::internal(format!("the dashboard has no result of {name}")))
    }

    /// Returns true if the whole week or month that begins with a day is in the period.
    pub fn contains_whole(&self, grain: &str, day: NaiveDate) -> bool {
        let last = match grain {
            "week" if day.weekday() == chrono::Weekday::Mon => day.checked_add_days(Days::new(6)),
            "month" if day.day() == 1 => {
                day.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt())
            }
            "day" => Some(day),
            _ => None,
        };
        let period = last.zip(self.period);
        period.is_some_and(|(last, (from, until))| day >= from && last <= until)
    }

    /// Returns the definition of a report.
    pub fn report(&self, name: &str) -> Result<&'q ReportDefinition> {
        let found = self.reports.get(name).copied();
        found.ok_or_else(|| Error::internal(format!("the dashboard has no report {name}")))
    }

    /// Returns the remarks that three unrelated reports share, and that thus apply to the page.
    pub fn shared_remarks(&self) -> Result<Vec<String>> {
        let others = [&self.result("top-users")?.remarks, &self.result("exports")?.remarks];
        let mut remarks = self.result("top-reports")?.remarks.clone();
        remarks.retain(|remark| others.iter().all(|others| others.contains(remark)));
        Ok(remarks)
    }
}
