//! Notes of a report on its data: coverage, excluded events and empty results.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::grid::{Cell, Grid};
use crate::query::{
    Actors, ComparableDays, DayStatus, EventCounts, Period, ReportDefinition, SelectedRows,
    UnmatchedPattern,
};
use crate::render::{CoverageCounts, ExcludedEvents, Mark};

/// Counts the local days of a period by status.
pub(super) fn coverage_counts(days: &[DayStatus]) -> CoverageCounts {
    let count = |status| days.iter().filter(|day| **day == status).map(|_| 1).sum::<u64>();
    let [complete, partial, truncated, missing] =
        [DayStatus::Complete, DayStatus::Partial, DayStatus::Truncated, DayStatus::Missing]
            .map(count);
    let days = complete + partial + truncated + missing;
    CoverageCounts { days, complete, partial, missing, truncated }
}

/// Counts the events of a period that a report excludes.
pub(super) fn excluded_events(
    counts: &EventCounts,
    actors: Actors,
    includes_noise: bool,
    includes_failed: bool,
) -> ExcludedEvents {
    let [services, people, failed] = match actors {
        Actors::People => [counts.services, 0, counts.failed_people],
        Actors::All => [0, 0, counts.failed_people + counts.failed_services],
        Actors::Services => [0, counts.people, counts.failed_services],
    };
    let noise = if includes_noise { 0 } else { counts.noise };
    let failed = if includes_failed { 0 } else { failed };
    ExcludedEvents { noise, services, people, failed, filtered: counts.filtered }
}

/// Returns the sentence on the internal domains that a report used.
pub(super) fn internal_domains_remark(domains: &BTreeSet<String>) -> String {
    if domains.is_empty() {
        return "Internal domains: unknown, so only guests by name or type count as external. Set \
            them with --param internal_domains=contoso.com."
            .to_owned();
    }
    let names: Vec<&str> = domains.iter().map(String::as_str).collect();
    format!("Internal domains: {}.", names.join(", "))
}

/// Returns the sentence on marked days, with those that the period does not contain.
pub(super) fn marks_remark(
    marks: &[Mark],
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
) -> Option<String> {
    let text = |mark: &Mark| {
        let is_inside = first.is_some_and(|first| first <= mark.day)
            && last.is_some_and(|last| mark.day <= last);
        marked_day(mark) + if is_inside { "" } else { ", not in the period" }
    };
    let days: Vec<String> = marks.iter().map(text).collect();
    match days.as_slice() {
        [] => None,
        [day] => Some(format!("Marked day: {day}.")),
        days => Some(format!("Marked days: {}.", days.join("; "))),
    }
}

/// Returns the text of a marked day.
pub(super) fn marked_day(mark: &Mark) -> String {
    let day = mark.day.to_string();
    if mark.label == day { day } else { format!("{day} ({})", mark.label) }
}

/// Returns a number of complete days in words.
pub(super) fn complete_days(count: usize) -> String {
    if count == 1 { "1 complete day".to_owned() } else { format!("{count} complete days") }
}

/// Returns the sentence on the average of a column before a marked day and from it on, over rows
/// that are days. `columns` are that of the day, and the figure. `None` if there are no such rows.
pub(super) fn change_remark(
    mark: &Mark,
    days: &ComparableDays,
    grid: &Grid,
    columns: [&String; 2],
) -> Option<String> {
    let [day, figure] = columns.map(|name| grid.position(name));
    let (day, figure) = (day?, figure?);
    let average = |wanted: &BTreeSet<NaiveDate>| -> Option<f64> {
        let is_wanted = |cell: &Cell| {
            let Cell::Date { days } = cell else { return false };
            NaiveDate::from_epoch_days(*days).is_some_and(|day| wanted.contains(&day))
        };
        let rows = grid.rows.iter().filter(|row| row.get(day).is_some_and(is_wanted));
        let values: Option<Vec<f64>> = rows
            .map(|row| match row.get(figure)? {
                Cell::Int(value) => Some(*value as f64),
                Cell::Float(value) => Some(*value),
                _ => None,
            })
            .collect();
        let values = values.filter(|values| !values.is_empty() && values.len() == wanted.len())?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    };
    let (before, after) = (average(&days.earlier)?, average(&days.later)?);
    let change = if before == 0.0 {
        String::new()
    } else {
        format!(" ({:+.1} %)", (after - before) / before * 100.0)
    };
    let (name, count) = (columns[1], days.later.len());
    let days = complete_days(count);
    Some(format!(
        "Average of {name} over {days} each, on the same weekdays: {before:.1} before {}, \
         {after:.1} from then on{change}.",
        marked_day(mark)
    ))
}

/// Returns the sentence on a result without rows: that of the report, with its parameters.
pub(super) fn empty_sentence(
    report: &ReportDefinition,
    params: &BTreeMap<String, String>,
) -> String {
    let general = "There is no matching activity in this period.";
    let mut sentence = report.empty.clone().unwrap_or_else(|| general.to_owned());
    for param in &report.params {
        let value = params.get(&param.name).unwrap_or(&param.default);
        sentence = sentence.replace(&format!(":{}", param.name), value);
    }
    sentence
}

/// Returns sentences on filters that exclude all events of the period.
fn filter_remarks(unmatched: &[UnmatchedPattern]) -> Vec<String> {
    let mut remarks = vec!["No events match the filters.".to_owned()];
    for UnmatchedPattern { noun, pattern, near } in unmatched {
        let names = match near.split_last() {
            None => String::new(),
            Some((last, [])) => format!(" Did you mean {last}?"),
            Some((last, others)) => format!(" Did you mean {} or {last}?", others.join(", ")),
        };
        remarks.push(format!("The log has no {noun} {pattern:?}.{names}"));
    }
    if unmatched.is_empty() {
        let found = "The log has events for each filter, but none in this period that match all.";
        remarks.push(found.to_owned());
    } else if unmatched.iter().any(|unmatched| !unmatched.pattern.contains('*')) {
        remarks.push("Names must match exactly; use wildcards, for example *sales*.".to_owned());
    }
    remarks
}

/// Returns sentences on the result that its rows do not show. `rows` is their number before a
/// selection, `empty` is the sentence on a result
/// without rows, and `unmatched` has the patterns that match nothing in the log.
pub(super) fn report_remarks(
    period: &Period,
    rows: usize,
    counts: &EventCounts,
    empty: String,
    unmatched: &[UnmatchedPattern],
) -> Vec<String> {
    let mut remarks = Vec::new();
    let log = period.unbounded();
    let Some((first, last)) = log.first_day().zip(log.last_day()) else {
        return vec!["The log has no events.".to_owned()];
    };
    if rows == 0 && counts.events == 0 {
        remarks.push("There are no events in this period.".to_owned());
    } else if rows == 0 && counts.filtered == counts.events {
        remarks.extend(filter_remarks(unmatched));
    } else if rows == 0 {
        remarks.push(empty);
    }
    if period.first_day().is_some_and(|day| day < first)
        || period.last_day().is_some_and(|day| day > last)
    {
        remarks.push(format!("Your log covers {first} to {last}."));
    }
    remarks
}

/// Returns sentences on the rows that a condition and a number of rows leave out. `top` is the
/// number of rows that the report itself was limited to.
pub(super) fn selection_remarks(
    selected: &SelectedRows,
    condition: Option<&str>,
    top: Option<&str>,
) -> Vec<String> {
    let SelectedRows { grid, all, matching } = selected;
    let shown = grid.rows.len();
    let mut remarks = Vec::new();
    if let Some(condition) = condition.filter(|_| *all > 0) {
        let verb = if *matching == 1 { "matches" } else { "match" };
        let of = if *all == 1 { "1 row".to_owned() } else { format!("{all} rows") };
        let number = if *matching == 0 { "None".to_owned() } else { matching.to_string() };
        let verb = if *matching == 0 { "matches" } else { verb };
        remarks.push(format!("{number} of {of} {verb} the condition {condition}."));
    }
    let is_limited = top.is_some_and(|top| top == all.to_string());
    let rows = if shown == 1 { "row".to_owned() } else { format!("{shown} rows") };
    if shown < *matching {
        remarks.push(format!("Showing the first {rows} of {matching} (use --top for more)."));
    } else if is_limited {
        remarks.push(format!("Showing the first {rows} (use --top for more)."));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Cell, CellKind, Grid};

    fn remarks(
        all: usize,
        matching: usize,
        shown: usize,
        condition: Option<&str>,
        top: Option<&str>,
    ) -> String {
        let mut grid = Grid::new([("n", CellKind::Int)]);
        grid.rows = vec![vec![Cell::Int(1)]; shown];
        selection_remarks(&SelectedRows { grid, all, matching }, condition, top).join(" ")
    }

    #[test]
    fn sentences_name_the_rows_that_are_left_out() {
        assert_eq!(remarks(25, 25, 25, None, Some("all")), "");
        let limited = remarks(25, 25, 25, None, Some("25"));
        assert_eq!(limited, "Showing the first 25 rows (use --top for more).");
        let one = remarks(1, 1, 1, None, Some("1"));
        assert_eq!(one, "Showing the first row (use --top for more).");
        let cut = remarks(90, 90, 5, None, None);
        assert_eq!(cut, "Showing the first 5 rows of 90 (use --top for more).");
        let some = remarks(90, 7, 5, Some("n = 1"), Some("all"));
        let expected = "7 of 90 rows match the condition n = 1. Showing the first 5 rows of 7 \
            (use --top for more).";
        assert_eq!(some, expected);
        let none = remarks(90, 0, 0, Some("n = 1"), Some("all"));
        assert_eq!(none, "None of 90 rows matches the condition n = 1.");
        assert_eq!(
            remarks(1, 1, 1, Some("n = 1"), None),
            "1 of 1 row matches the condition n = 1."
        );
        assert_eq!(remarks(0, 0, 0, Some("n = 1"), None), "", "the report's own sentence follows");
    }
}
