//! What people read: values as text, and in sentences what an answer rests on. Owns: both wordings,
//! for every format that is meant for people. Must not know widths or what surrounds the words.

use crate::grid::{Cell, GridColumn};

use super::input::{RenderInput, ReportContext};
use super::{text_width, time};

/// What is shown in each cell.
pub fn cell_texts(input: &RenderInput<'_>) -> Vec<Vec<String>> {
    let decimals: Vec<usize> = (0..input.grid.columns.len())
        .map(|at| input.grid.rows.iter().map(|row| decimal_places(row.get(at))).max().unwrap_or(0))
        .collect();
    let show = |(cell, (column, decimals)): (&Cell, (&GridColumn, &usize))| match cell {
        Cell::Null if column.kind.is_number() => "n/a".to_owned(),
        Cell::Null => String::new(),
        Cell::Text(text) => text_width::printable(text),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => format!("{number:.decimals$}"),
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

/// How many decimals a number needs; a column shows the most that one of its cells needs, up to 4.
fn decimal_places(cell: Option<&Cell>) -> usize {
    match cell {
        Some(Cell::Float(number)) => {
            number.to_string().split_once('.').map_or(0, |(_, digits)| digits.len().min(4))
        }
        _ => 0,
    }
}

/// The last sentences: period and zone, days, what was left out.
pub fn context_sentences(context: &ReportContext, zone: &str) -> [String; 3] {
    let period = match (context.since, context.until) {
        (Some(since), Some(until)) => format!("{since} to {until}"),
        (Some(since), None) => format!("From {since}"),
        (None, Some(until)) => format!("Until {until}"),
        (None, None) => "No period".to_owned(),
    };
    let days = &context.coverage;
    let held = if days.days == 0 {
        "No day of it is held.".to_owned()
    } else if days.complete == days.days {
        format!("All {} complete.", count(days.days, "day"))
    } else {
        let cut = if days.truncated > 0 {
            format!(" ({} cut)", thousands(days.truncated))
        } else {
            String::new()
        };
        let [complete, partial, missing] =
            [days.complete, days.partial, days.missing].map(thousands);
        let all = count(days.days, "day");
        format!("{all}: {complete} complete, {partial} partial{cut}, {missing} missing.")
    };
    let left_out = &context.excluded;
    let noise = count(left_out.noise, "event");
    let others =
        [(left_out.people, " of people"), (left_out.filtered, " that the filters do not match")];
    let others: String = others
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!(", {}{what}", thousands(*count)))
        .collect();
    let services = thousands(left_out.services);
    let left_out = format!("Left out: {noise} of noise, {services} of services{others}.");
    [format!("{period}, {zone}."), held, left_out]
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", thousands(number)) }
}

fn thousands(number: u64) -> String {
    group_digits(&number.to_string())
}

/// The digits of a number, parted by thousands.
pub fn group_digits(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("−", digits));
    let (whole, fraction) = digits.find('.').map_or((digits, ""), |at| digits.split_at(at));
    let mut parted = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    parted + fraction
}

#[cfg(test)]
mod tests {
    use crate::render::text::*;

    #[test]
    fn the_closing_sentences_are_short_when_all_is_well() {
        let mut context = super::super::tests::sample_context();
        context.coverage =
            super::super::CoverageCounts { days: 1, complete: 1, ..Default::default() };
        let expected = [
            "2026-03-01 to 2026-03-31, UTC.",
            "All 1 day complete.",
            "Left out: 720 events of noise, 5 of services.",
        ];
        assert_eq!(context_sentences(&context, "UTC"), expected);
        context.excluded.noise = 2318;
        assert_eq!(
            context_sentences(&context, "UTC")[2],
            "Left out: 2,318 events of noise, 5 of services."
        );
    }
}
