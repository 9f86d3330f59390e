//! Formats values and the context of a result as text for people.

use super::input::{CoverageCounts, ExcludedEvents, RenderInput, ReportContext};
use super::{text_width, time};
use crate::grid::{Cell, GridColumn};

/// Returns the texts of all cells, as people read them.
pub fn cell_texts(input: &RenderInput<'_>) -> Vec<Vec<String>> {
    let decimals: Vec<usize> = (0..input.grid.columns.len())
        .map(|at| input.grid.rows.iter().map(|row| decimal_places(row.get(at))).max().unwrap_or(0))
        .collect();
    let show = |(cell, (column, decimals)): (&Cell, (&GridColumn, &usize))| match cell {
        Cell::Null if column.kind.is_number() => "n/a".to_owned(),
        Cell::Null => String::new(),
        Cell::Text(text) => text_width::printable(text),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => without_negative_zero(format!("{number:.decimals$}")),
        Cell::Bool(true) => "yes".to_owned(),
        Cell::Bool(false) => "no".to_owned(),
        Cell::Time { us } => time::instant_short(*us, input.time_zone),
        Cell::LocalTime { us } => time::local_short(*us),
        Cell::Date { days } => time::date_iso(*days),
    };
    let rows = input.grid.rows.iter();
    rows.map(|row| row.iter().zip(input.grid.columns.iter().zip(&decimals)).map(show).collect())
        .collect()
}

/// Returns the number of decimals that a cell needs, at most 4. A column shows as many decimals as
/// the cell with the most.
fn decimal_places(cell: Option<&Cell>) -> usize {
    match cell {
        Some(Cell::Float(number)) => {
            number.to_string().split_once('.').map_or(0, |(_, digits)| digits.len().min(4))
        }
        _ => 0,
    }
}

/// Returns the text of a number without its sign if all digits are zero.
fn without_negative_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(),
        _ => text,
    }
}

/// Returns the closing sentences: the period, its coverage, and the excluded events.
pub fn context_sentences(context: &ReportContext, zone: &str) -> [String; 3] {
    let period = match (context.since, context.until) {
        (Some(since), Some(until)) => format!("{since} to {until}"),
        (Some(since), None) => format!("From {since}"),
        (None, Some(until)) => format!("Until {until}"),
        (None, None) => "No period".to_owned(),
    };
    let coverage = coverage_sentence(&context.coverage);
    [format!("{period}, {zone}."), coverage, excluded_sentence(&context.excluded)]
}

fn coverage_sentence(counts: &CoverageCounts) -> String {
    if counts.days == 0 {
        return "Coverage: no data for this period.".to_owned();
    }
    let [complete, all] = [counts.complete, counts.days].map(thousands);
    let days = if counts.days == 1 { "day" } else { "days" };
    let others =
        [(counts.partial, "partial"), (counts.truncated, "truncated"), (counts.missing, "missing")];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others: Vec<String> =
        others.map(|(count, status)| format!("{} {status}", thousands(*count))).collect();
    let others =
        if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    format!("Coverage: {complete} of {all} {days} complete{others}.")
}

fn excluded_sentence(excluded: &ExcludedEvents) -> String {
    let kinds = [
        (excluded.noise, "automated API", ""),
        (excluded.services, "service", ""),
        (excluded.people, "user", ""),
        (excluded.failed, "failed", ""),
        (excluded.filtered, "", " outside the filters"),
    ];
    let kinds = kinds.iter().filter(|(count, ..)| *count > 0);
    let kinds: Vec<String> = kinds
        .map(|(count, kind, place)| {
            let noun = if *count == 1 { "event" } else { "events" };
            let gap = if kind.is_empty() { "" } else { " " };
            format!("{} {kind}{gap}{noun}{place}", thousands(*count))
        })
        .collect();
    let kinds = if kinds.is_empty() { "no events".to_owned() } else { kinds.join(", ") };
    format!("Excluded: {kinds}.")
}

fn thousands(number: u64) -> String {
    group_digits(&number.to_string())
}

/// Returns a number with commas between the thousands, and no sign if it is zero.
pub fn group_digits(text: &str) -> String {
    let text = without_negative_zero(text.to_owned());
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("−", digits));
    let (whole, fraction) = digits.find('.').map_or((digits, ""), |at| digits.split_at(at));
    let mut grouped = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample_context;
    use super::*;
    use crate::grid::{CellKind, Grid};

    #[test]
    fn closing_sentences_name_only_what_there_is() {
        let mut context = sample_context();
        let sentences = context_sentences(&context, "UTC");
        let expected = [
            "2026-03-01 to 2026-03-31, UTC.",
            "Coverage: 28 of 31 days complete (1 partial, 1 truncated, 1 missing).",
            "Excluded: 720 automated API events, 5 service events.",
        ];
        assert_eq!(sentences, expected);
        context.coverage = CoverageCounts { days: 1, complete: 1, ..Default::default() };
        context.excluded =
            ExcludedEvents { noise: 2_318, services: 0, people: 1, failed: 2, filtered: 4 };
        let [_, coverage, excluded] = context_sentences(&context, "UTC");
        assert_eq!(coverage, "Coverage: 1 of 1 day complete.");
        let expected = "Excluded: 2,318 automated API events, 1 user event, 2 failed events, \
             4 events outside the filters.";
        assert_eq!(excluded, expected);
        context.coverage = CoverageCounts::default();
        context.excluded = ExcludedEvents::default();
        let [_, coverage, excluded] = context_sentences(&context, "UTC");
        assert_eq!(coverage, "Coverage: no data for this period.");
        assert_eq!(excluded, "Excluded: no events.");
    }

    #[test]
    fn zero_has_no_sign() {
        let mut grid = Grid::new([("change", CellKind::Float)]);
        grid.rows = [-0.0, -0.00001, -1.5].map(|number| vec![Cell::Float(number)]).into();
        let input = RenderInput {
            grid: &grid,
            chart: None,
            context: None,
            remarks: &[],
            time_zone: chrono_tz::UTC,
            width: 80,
        };
        assert_eq!(cell_texts(&input), [["0.0000"], ["0.0000"], ["-1.5000"]]);
        assert_eq!(group_digits("-0.00"), "0.00");
    }
}
