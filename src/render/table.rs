//! The answer for a terminal: aligned columns, and in words what they rest on.
//!
//! Owns: fitting a grid into a width. Widths are those on the screen - a Japanese letter takes two
//! columns, a combining accent none - so nothing here counts bytes or characters. Where the width
//! does not suffice, headers break at their words, then long texts are cut with `…`, and then the
//! last columns are left out and named.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::Result;
use crate::grid::{Cell, Column};

use super::{Basis, Page, Renderer, time};

/// Between two columns.
const GAP: usize = 2;
/// The least that is left of a text before columns are left out.
const TEXT_LEAST: usize = 16;
/// Lines narrower than this cannot be read, and are not tried.
const WIDTH_LEAST: usize = 10;

/// Aligned text.
pub struct Table;

impl Renderer for Table {
    fn render(&self, page: &Page<'_>) -> Result<Vec<u8>> {
        let width = page.width.max(WIDTH_LEAST);
        let columns = &page.grid.columns;
        let texts = texts(page);
        let layout = layout(columns, &texts, width);
        let mut lines = header(columns, &layout);
        lines.extend(texts.iter().map(|row| body_line(row, columns, &layout)));

        let mut sentences: Vec<String> = page.remarks.to_vec();
        let hidden: Vec<_> = columns.iter().skip(layout.len()).map(|c| c.name.as_str()).collect();
        if !hidden.is_empty() {
            sentences.insert(0, format!("Left out for want of width: {}.", hidden.join(", ")));
        }
        sentences.extend(page.basis.map(|basis| closing(basis, page.time_zone.name())));
        if !sentences.is_empty() {
            lines.push(String::new());
        }
        lines.extend(sentences.iter().flat_map(|sentence| wrap(sentence, width)));

        let mut out = lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
        out.push('\n');
        Ok(out.into_bytes())
    }
}

/// The last line: period, zone, days, what was left out.
fn closing(basis: &Basis, zone: &str) -> String {
    let period = match (basis.since, basis.until) {
        (Some(since), Some(until)) => format!("{since} to {until}"),
        (Some(since), None) => format!("From {since}"),
        (None, Some(until)) => format!("Until {until}"),
        (None, None) => "No period".to_owned(),
    };
    let days = &basis.coverage;
    let held = if days.days == 0 {
        "No day of it is held.".to_owned()
    } else if days.complete == days.days {
        format!("All {} complete.", count(days.days, "day"))
    } else {
        let cut = if days.cut > 0 { format!(" ({} cut)", days.cut) } else { String::new() };
        let [complete, partial, missing] = [days.complete, days.partial, days.missing];
        let all = count(days.days, "day");
        format!("{all}: {complete} complete, {partial} partial{cut}, {missing} missing.")
    };
    let left_out = &basis.excluded;
    let noise = count(left_out.noise, "event");
    let others =
        [(left_out.people, " of people"), (left_out.filtered, " that the filters do not match")];
    let others: String = others
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!(", {count}{what}"))
        .collect();
    format!(
        "{period}, {zone}. {held} Left out: {noise} of noise, {} of services{others}.",
        left_out.services
    )
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// What is shown in each cell.
fn texts(page: &Page<'_>) -> Vec<Vec<String>> {
    let decimals: Vec<usize> = (0..page.grid.columns.len())
        .map(|at| page.grid.rows.iter().map(|row| decimals(row.get(at))).max().unwrap_or(0))
        .collect();
    let show = |(cell, (column, decimals)): (&Cell, (&Column, &usize))| match cell {
        Cell::Null if column.kind.is_number() => "n/a".to_owned(),
        Cell::Null => String::new(),
        Cell::Text(text) => printable(text),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => format!("{number:.decimals$}"),
        Cell::Bool(true) => "yes".to_owned(),
        Cell::Bool(false) => "no".to_owned(),
        Cell::Time { us } => time::instant_short(*us, page.time_zone),
        Cell::LocalTime { us } => time::local_short(*us),
        Cell::Date { days } => time::date(*days),
    };
    let rows = page.grid.rows.iter();
    rows.map(|row| row.iter().zip(page.grid.columns.iter().zip(&decimals)).map(show).collect())
        .collect()
}

/// How many decimals a number needs; a column shows the most that one of its cells needs, up to 4.
fn decimals(cell: Option<&Cell>) -> usize {
    match cell {
        Some(Cell::Float(number)) => {
            number.to_string().split_once('.').map_or(0, |(_, digits)| digits.len().min(4))
        }
        _ => 0,
    }
}

/// Names come from the log, and whoever names a report could name it with a terminal's control
/// sequences or with marks that turn the line around: those are never printed.
fn printable(text: &str) -> String {
    let show = |letter: char| match letter {
        '\t' | '\n' | '\r' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    text.chars().map(show).collect()
}

/// The widths of the columns that are shown: all of them, or the first few.
fn layout(columns: &[Column], texts: &[Vec<String>], width: usize) -> Vec<usize> {
    let needed = |at: usize, header: usize| {
        texts
            .iter()
            .filter_map(|row| row.get(at))
            .map(|text| text.width())
            .max()
            .unwrap_or(0)
            .max(header)
    };
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().max(1) - GAP;

    let whole: Vec<usize> =
        columns.iter().enumerate().map(|(at, c)| needed(at, c.name.width())).collect();
    if total(&whole) <= width {
        return whole;
    }
    let words = |c: &Column| c.name.split('_').map(|word| word.width()).max().unwrap_or(0);
    let natural: Vec<usize> =
        columns.iter().enumerate().map(|(at, c)| needed(at, words(c))).collect();
    let mut least: Vec<usize> = columns
        .iter()
        .zip(&natural)
        .map(|(c, &natural)| match c.kind {
            crate::grid::Kind::Text => natural.min(TEXT_LEAST.max(words(c))),
            _ => natural,
        })
        .collect();
    while least.len() > 1 && total(&least) > width {
        least.pop();
    }
    spread(least, &natural, width)
}

/// Gives what is left of the width to the narrowest first, up to what each needs.
fn spread(mut widths: Vec<usize>, natural: &[usize], width: usize) -> Vec<usize> {
    let gaps = GAP * widths.len().saturating_sub(1);
    let mut left = width.saturating_sub(gaps + widths.iter().sum::<usize>());
    while left > 0 {
        let wanting =
            widths.iter().zip(natural).enumerate().filter(|(_, (has, wants))| has < wants);
        let Some((at, _)) = wanting.min_by_key(|(_, (has, _))| **has) else { break };
        widths[at] += 1;
        left -= 1;
    }
    // A single column may still be wider than the line.
    if let [only] = widths.as_mut_slice() {
        *only = (*only).min(width);
    }
    widths
}

/// The header, over as many lines as the longest of its names takes, and the rule below it.
fn header(columns: &[Column], layout: &[usize]) -> Vec<String> {
    let names: Vec<Vec<String>> = columns
        .iter()
        .zip(layout)
        .map(|(column, &width)| {
            if column.name.width() <= width {
                vec![column.name.clone()]
            } else {
                wrap(&column.name.replace('_', " "), width)
            }
        })
        .collect();
    let height = names.iter().map(Vec::len).max().unwrap_or(0);
    let mut lines: Vec<String> = (0..height)
        .map(|line| {
            // The names stand on the rule: what is shorter starts further down.
            let part = |name: &Vec<String>| {
                let from = height - name.len();
                line.checked_sub(from).and_then(|at| name.get(at).cloned()).unwrap_or_default()
            };
            let parts: Vec<String> = names.iter().map(part).collect();
            body_line(&parts, columns, layout)
        })
        .collect();
    let rule: Vec<String> = layout.iter().map(|&width| "─".repeat(width)).collect();
    lines.push(rule.join(&" ".repeat(GAP)));
    lines
}

fn body_line(texts: &[String], columns: &[Column], layout: &[usize]) -> String {
    let cells = texts.iter().zip(columns).zip(layout).map(|((text, column), &width)| {
        let text = cut(text, width);
        let space = " ".repeat(width.saturating_sub(text.width()));
        if column.kind.is_number() { format!("{space}{text}") } else { format!("{text}{space}") }
    });
    cells.collect::<Vec<_>>().join(&" ".repeat(GAP))
}

/// The text within a width, ending in `…` where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let fits = |end: usize| text[..end].width() < width;
    // Never before a letter of no width of its own: it belongs to the one before.
    let ends =
        text.char_indices().filter(|(_, letter)| letter.width() != Some(0)).map(|(at, _)| at);
    let end = ends.take_while(|&end| fits(end)).last().unwrap_or(0);
    if width == 0 { String::new() } else { format!("{}…", &text[..end]) }
}

/// Lines of at most `width`, broken at spaces; a longer word stays whole and is cut.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.iter().map(|line| cut(line, width)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{sample, shown};
    use super::*;
    use crate::grid::{Grid, Kind};
    use proptest::prelude::*;

    #[test]
    fn columns_are_aligned_by_their_width_on_the_screen() {
        let expected = "\
rank  report                           share  last_view         day
────  ───────────────────────────────  ─────  ────────────────  ──────────
   1  Umsätze, \"alle\" Länder 💶          2.5  2026-03-02 00:05  2026-03-01
  12  売上レポート                       n/a

2026-03-01 to 2026-03-31, Europe/Zurich. 31 days: 28 complete, 2 partial (1 cut), 1 missing. Left
out: 720 events of noise, 5 of services.
";
        let mut grid = sample();
        grid.columns[1].name = "report of an uncommon long name".into();
        let text = shown(&grid, Format::Table, 100);
        let header = text.lines().next().unwrap();
        assert!(header.starts_with("rank  report of an uncommon long name  share"), "{text}");
        let expected = expected.replacen(
            "report                         ",
            "report of an uncommon long name",
            1,
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_narrow_line_breaks_headers_cuts_names_and_then_leaves_out_the_last_columns() {
        let mut grid = Grid::new([
            ("report", Kind::Text),
            ("views_per_viewer", Kind::Float),
            ("report_id", Kind::Text),
        ]);
        let name = Cell::Text("Sales overview of all countries".into());
        grid.rows.push(vec![name, Cell::Float(2.25), Cell::Text("x".repeat(36))]);
        let fitted = shown(&grid, Format::Table, 46);
        let lines: Vec<&str> = fitted.lines().collect();
        assert_eq!(lines[0], "                     views");
        assert_eq!(lines[1], "                       per");
        assert_eq!(lines[2], "report              viewer  report_id");
        assert_eq!(lines[4], "Sales overview of…    2.25  xxxxxxxxxxxxxxxxx…");
        let narrow = shown(&grid, Format::Table, 30);
        assert!(narrow.contains("Left out for want of width:\nreport_id."), "{narrow}");
        assert!(narrow.contains("Sales overview of all…    2.25\n"), "{narrow}");
    }

    #[test]
    fn a_name_cannot_move_the_cursor_or_turn_the_line_around() {
        let text = printable("a\u{1b}[2Jb\u{202e}c\td");
        assert_eq!(text, "a\u{fffd}[2Jb\u{fffd}c d");
    }

    #[test]
    fn a_cut_keeps_accents_with_their_letters() {
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("売上", 3), "売…");
        assert_eq!(cut("売上", 2), "…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn the_closing_line_is_short_when_all_is_well() {
        let mut basis = super::super::tests::basis();
        basis.coverage = super::super::Days { days: 1, complete: 1, ..Default::default() };
        let line = closing(&basis, "UTC");
        assert_eq!(
            line,
            "2026-03-01 to 2026-03-31, UTC. All 1 day complete. \
             Left out: 720 events of noise, 5 of services."
        );
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked(
            names in prop::collection::vec("\\PC{0,40}", 1..6),
            values in prop::collection::vec("\\PC{0,60}", 6),
            width in 20usize..400,
        ) {
            let columns: Vec<_> = names.iter().map(|name| (name.as_str(), Kind::Text)).collect();
            let mut grid = Grid::new(columns);
            grid.rows.push(values[..names.len()].iter().cloned().map(Cell::Text).collect());
            for line in shown(&grid, Format::Table, width).lines() {
                prop_assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
        }
    }
}
