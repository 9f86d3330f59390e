//! Notes of a report on its data: coverage, excluded events and empty results.

use crate::grid::Grid;
use crate::query::{Actors, Coverage, DayStatus, EventCounts, Period};
use crate::render::{CoverageCounts, ExcludedEvents};

/// Counts the days of a period by status.
pub(super) fn coverage_counts(coverage: &Coverage) -> CoverageCounts {
    let [complete, partial, truncated, missing] =
        [DayStatus::Complete, DayStatus::Partial, DayStatus::Truncated, DayStatus::Missing]
            .map(|status| coverage.count(status));
    let partial = partial + truncated;
    CoverageCounts { days: complete + partial + missing, complete, partial, missing, truncated }
}

/// Counts the events of a period that a report excludes.
pub(super) fn excluded_events(
    counts: &EventCounts,
    actors: Actors,
    includes_noise: bool,
) -> ExcludedEvents {
    let [services, people] = match actors {
        Actors::People => [counts.services, 0],
        Actors::All => [0, 0],
        Actors::Services => [0, counts.people],
    };
    let noise = if includes_noise { 0 } else { counts.noise };
    ExcludedEvents { noise, services, people, filtered: counts.filtered }
}

/// Returns sentences on the result that its rows do not show.
pub(super) fn report_remarks(
    period: &Period,
    grid: &Grid,
    counts: &EventCounts,
    top: Option<&str>,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let log = period.unbounded();
    let Some((first, last)) = log.first_day().zip(log.last_day()) else {
        return vec!["The log has no events.".to_owned()];
    };
    if grid.rows.is_empty() && counts.events == 0 {
        remarks.push("There are no events in this period.".to_owned());
    } else if grid.rows.is_empty() && counts.filtered == counts.events {
        remarks.push("No events match the filters.".to_owned());
        remarks.push("Names must match exactly; use wildcards, for example *sales*.".to_owned());
    } else if grid.rows.is_empty() {
        remarks.push("There is no matching activity in this period.".to_owned());
    }
    if period.first_day().is_some_and(|day| day < first)
        || period.last_day().is_some_and(|day| day > last)
    {
        remarks.push(format!("Your log covers {first} to {last}."));
    }
    if top.is_some_and(|top| top == grid.rows.len().to_string()) {
        remarks.push(match grid.rows.len() {
            1 => "Showing the first row (use --top for more).".to_owned(),
            rows => format!("Showing the first {rows} rows (use --top for more)."),
        });
    }
    remarks
}
