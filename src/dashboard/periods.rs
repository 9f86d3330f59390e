//! Chooses the periods that the page can show.

use chrono::{Days, NaiveDate};

use crate::render::html::format_period;
use crate::report::{DayBound, Options, PeriodBounds, ReportSession};

/// A period of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct PagePeriod {
    /// The key, which is a class in the style sheet.
    pub key: &'static str,
    /// The first part of its anchors, if the page does not open with it.
    pub prefix: &'static str,
    /// The label in the period switch.
    pub label: String,
    /// The days; `None` for the period of the command.
    pub bounds: Option<PeriodBounds>,
}

/// The lengths of periods in days, with their keys and prefixes.
const LENGTHS: [(u32, &str, &str); 3] =
    [(7, "d7", "7-days-"), (28, "d28", "28-days-"), (90, "d90", "90-days-")];

/// The key of the period of the command.
const WHOLE: &str = "whole";

/// The length with which a page of a whole log opens.
const OPENED_LENGTH: u32 = 28;

/// Returns the periods, and the position of the one that the page opens with: that of the command,
/// or 28 days if it names none. No period contains days outside that of the command.
pub fn page_periods(session: &ReportSession<'_>, options: &Options) -> (Vec<PagePeriod>, usize) {
    let Some((first, last)) = session.period() else {
        return (vec![whole("No data".to_owned())], 0);
    };
    let is_named = options.since.is_some() || options.until.is_some();
    let days = (last - first).num_days() + 1;
    let mut periods: Vec<PagePeriod> = LENGTHS
        .iter()
        .filter(|(length, ..)| i64::from(*length) < days)
        .map(|&(length, key, prefix)| PagePeriod {
            key,
            prefix,
            label: format!("{length} days"),
            bounds: Some(last_days(length, last, is_named)),
        })
        .collect();
    let opened = periods.iter().position(|period| !is_named && period.key == opened_key());
    periods.push(whole(match is_named {
        false => "All".to_owned(),
        true if LENGTHS.iter().any(|(length, ..)| i64::from(*length) == days) => {
            format!("{days} days")
        }
        true => format_period(first, last),
    }));
    let opened = opened.unwrap_or(periods.len() - 1);
    periods[opened].prefix = "";
    (periods, opened)
}

fn whole(label: String) -> PagePeriod {
    PagePeriod { key: WHOLE, prefix: "all-", label, bounds: None }
}

fn opened_key() -> &'static str {
    LENGTHS.iter().find(|(length, ..)| *length == OPENED_LENGTH).map_or(WHOLE, |(_, key, _)| key)
}

/// Returns the last days of the period of the command. Of a whole log, they end with its last whole
/// day.
fn last_days(length: u32, last: NaiveDate, is_named: bool) -> PeriodBounds {
    if !is_named {
        return PeriodBounds { since: Some(DayBound::DaysBack(length)), until: None };
    }
    let first = last.checked_sub_days(Days::new(u64::from(length.saturating_sub(1))));
    let day = |day: NaiveDate| DayBound::Dates { first: day, last: day };
    PeriodBounds { since: first.map(day), until: Some(day(last)) }
}
