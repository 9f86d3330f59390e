//! Runs reports on comparable days of a period and the period before.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::columns::{ADOPTION, CAPACITIES, TREND, column_numbers, grain_params};
use crate::Result;
use crate::grid::Grid;
use crate::render::html::format_period;
use crate::report::{self, ReportDefinition, ReportSession};

/// The reports of the key figures and of the changes.
pub const KEY_FIGURE_REPORTS: [&str; 7] =
    [TREND, "top-users", ADOPTION, "top-reports", "exports", "sharing-audit", "external-users"];

/// The other reports with items whose views are compared.
const ITEM_REPORTS: [&str; 2] = ["workspace-usage", CAPACITIES];

/// The number of days of the window of `mau`.
const MAU_DAYS: f64 = 28.0;

/// The number of complete days in a row that end with the last day of the period.
const COMPLETE_RUN: &str = "SELECT h.complete_run FROM history_days AS h \
    INNER JOIN period AS p ON h.epoch_day = p.last_epoch_day";

/// The results of reports, by name.
pub type Grids = BTreeMap<&'static str, Grid>;

/// The results of reports on comparable days; empty if there are none.
#[derive(Debug, Default)]
pub struct PeriodComparison {
    /// The results of this period.
    pub later: Grids,
    /// The results of the previous period. That of [`ADOPTION`] is of the whole period.
    pub earlier: Grids,
    /// The number of days of each result, if there are comparable days.
    days: Option<usize>,
    /// The previous period, if the log contains it.
    previous: Option<(NaiveDate, NaiveDate)>,
}

impl PeriodComparison {
    /// Runs the reports of the key figures and of the items on the days that can be compared, that
    /// of capacities only if there are any.
    pub fn run(
        session: &ReportSession<'_>,
        reports: &BTreeMap<&'static str, &ReportDefinition>,
        grain: &'static str,
        has_capacities: bool,
    ) -> Result<PeriodComparison> {
        let mut comparison = PeriodComparison::default();
        let Some(previous) = session.previous_period()? else { return Ok(comparison) };
        comparison.previous = previous.period();
        let run = |session: &ReportSession<'_>, name: &'static str| {
            let over_time = [TREND, ADOPTION].contains(&name);
            let params = grain_params(if over_time { grain } else { "" });
            reports.get(name).map(|report| session.rows(report, &params)).transpose()
        };
        if let Some(sessions) = session.comparable(&previous) {
            comparison.days = Some(sessions.days);
            let is_compared =
                |name: &&str| *name != ADOPTION && (*name != CAPACITIES || has_capacities);
            for name in KEY_FIGURE_REPORTS.into_iter().chain(ITEM_REPORTS).filter(is_compared) {
                comparison.later.extend(run(&sessions.later, name)?.map(|grid| (name, grid)));
                comparison.earlier.extend(run(&sessions.earlier, name)?.map(|grid| (name, grid)));
            }
        }
        // Active users are those of 28 days, so their change compares these windows.
        if has_complete_window(session)? && has_complete_window(&previous)? {
            comparison.earlier.extend(run(&previous, ADOPTION)?.map(|grid| (ADOPTION, grid)));
        }
        Ok(comparison)
    }

    /// Returns true if there are comparable days.
    pub fn has_days(&self) -> bool {
        self.days.is_some()
    }

    /// Returns the rows of a report in either period, with the values of both.
    pub fn rows(&self, report: &ReportDefinition) -> Option<Grid> {
        let name = report.name.as_str();
        let (later, earlier) = self.later.get(name).zip(self.earlier.get(name))?;
        report::comparison_rows(report, later, earlier)
    }

    /// Returns a sentence on the days that changes compare: days of this period with as many of the
    /// previous one.
    pub fn remark(&self) -> String {
        let Some((first, last)) = self.previous else {
            return "No comparison: there is not enough history before this period.".to_owned();
        };
        let period = format_period(first, last);
        match self.days {
            None => format!(
                "No comparison: this period and {period} have no complete days on the same \
                 weekdays."
            ),
            Some(1) => format!(
                "Changes compare 1 complete day with 1 complete day of {period}, on the same \
                 weekday."
            ),
            Some(days) => format!(
                "Changes compare {days} complete days with {days} complete days of {period}, on \
                 the same weekdays."
            ),
        }
    }
}

/// Returns true if the 28 days that end with the period are complete.
fn has_complete_window(session: &ReportSession<'_>) -> Result<bool> {
    let run = session.rows(&ReportDefinition::ad_hoc(COMPLETE_RUN), &[])?;
    let run = column_numbers(&run, "complete_run")?;
    Ok(run.into_iter().flatten().any(|days| days >= MAU_DAYS))
}
