//! Decides which columns of a text table fit into a line, and how wide they are.

use unicode_width::UnicodeWidthStr;

use super::heading;
use crate::grid::{Cell, CellKind, Grid, GridColumn};

/// The distance of two columns.
pub const COLUMN_GAP: usize = 2;

/// The number of texts of a row that are names: who or what the row is about, and where. They keep
/// a quarter more of their width than other texts.
const NAME_COLUMNS: usize = 2;

/// Returns true if no text of a table has to be shortened.
pub fn fits(grid: &Grid, texts: &[Vec<String>], width: usize) -> bool {
    total_width(&whole_widths(&grid.columns, texts)) <= width
}

/// Returns the widths of columns whose texts are whole, with headers broken between words.
fn whole_widths(columns: &[GridColumn], texts: &[Vec<String>]) -> Vec<usize> {
    let columns = columns.iter().enumerate();
    columns.map(|(at, column)| column_text_width(texts, at).max(longest_word(column))).collect()
}

/// Returns the columns to show, and those to hide so that no text is shortened: the last ones
/// without values, then the last ones with IDs. One column with texts stays.
pub fn split_columns(grid: &Grid, texts: &[Vec<String>], width: usize) -> (Vec<usize>, Vec<usize>) {
    let is_empty = |at: usize| {
        !grid.rows.is_empty()
            && grid.rows.iter().all(|row| matches!(row.get(at), Some(Cell::Null) | None))
    };
    let is_id = |at: usize| {
        let column = &grid.columns[at];
        column.kind == CellKind::Text && heading::is_id(&column.name)
    };
    let is_other_text = |at: usize| grid.columns[at].kind == CellKind::Text && !is_id(at);
    let widths = whole_widths(&grid.columns, texts);
    let mut shown: Vec<usize> = (0..grid.columns.len()).collect();
    let (mut empty, mut ids): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for at in shown.iter().rev().copied() {
        if is_empty(at) {
            empty.push(at);
        } else if is_id(at) {
            ids.push(at);
        }
    }
    let mut hidden = Vec::new();
    for at in empty.into_iter().chain(ids) {
        let shown_widths: Vec<usize> = shown.iter().map(|&at| widths[at]).collect();
        if total_width(&shown_widths) <= width {
            break;
        }
        let names_a_row = |other: &&usize| **other != at && is_other_text(**other);
        let is_last = shown.len() == 1;
        if !is_last && (!is_id(at) || shown.iter().any(|other| names_a_row(&other))) {
            shown.retain(|&other| other != at);
            hidden.push(at);
        }
    }
    (shown, hidden)
}

/// Returns the width of the longest word in the name of a column.
fn longest_word(column: &GridColumn) -> usize {
    column.name.split('_').map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Returns the width of the widest text in a column.
pub fn column_text_width(texts: &[Vec<String>], at: usize) -> usize {
    texts.iter().filter_map(|row| row.get(at)).map(|text| text.width()).max().unwrap_or(0)
}

/// Returns the width of a line with columns of these widths.
pub fn total_width(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + COLUMN_GAP * widths.len().max(1) - COLUMN_GAP
}

/// Returns the widths of the visible columns: all columns, or the first ones. Texts are shortened
/// to `min_text_width` before a column is hidden, and names less.
pub fn column_widths(
    columns: &[GridColumn],
    texts: &[Vec<String>],
    width: usize,
    min_text_width: usize,
) -> Vec<usize> {
    let with_header =
        |(at, column): (usize, &GridColumn)| column_text_width(texts, at).max(column.name.width());
    let whole: Vec<usize> = columns.iter().enumerate().map(with_header).collect();
    if total_width(&whole) <= width {
        return whole;
    }
    let natural = whole_widths(columns, texts);
    let mut names = 0;
    let mut least: Vec<usize> = columns
        .iter()
        .zip(&natural)
        .map(|(c, &natural)| match c.kind {
            CellKind::Text => {
                names += 1;
                let extra = if names <= NAME_COLUMNS { min_text_width / 4 } else { 0 };
                natural.min((min_text_width + extra).max(longest_word(c)))
            }
            _ => natural,
        })
        .collect();
    while least.len() > 1 && total_width(&least) > width {
        least.pop();
    }
    distribute_width(least, &natural, width)
}

/// Distributes the remaining width, to the narrowest columns first, up to their natural width.
fn distribute_width(mut widths: Vec<usize>, natural: &[usize], width: usize) -> Vec<usize> {
    let gaps = COLUMN_GAP * widths.len().saturating_sub(1);
    let mut left = width.saturating_sub(gaps + widths.iter().sum::<usize>());
    while left > 0 {
        let wanting =
            widths.iter().zip(natural).enumerate().filter(|(_, (has, wants))| has < wants);
        let Some((at, _)) = wanting.min_by_key(|(_, (has, _))| **has) else { break };
        widths[at] += 1;
        left -= 1;
    }
    // A single column can still be wider than the line.
    if let [only] = widths.as_mut_slice() {
        *only = (*only).min(width);
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(columns: &[(&str, CellKind)], row: &[Cell]) -> Grid {
        let mut grid = Grid::new(columns.iter().copied());
        grid.rows.push(row.to_vec());
        grid
    }

    fn shown(grid: &Grid, width: usize) -> Vec<&str> {
        let texts: Vec<Vec<String>> = grid
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| match cell {
                        Cell::Text(text) => text.clone(),
                        _ => "n/a".to_owned(),
                    })
                    .collect()
            })
            .collect();
        let (shown, hidden) = split_columns(grid, &texts, width);
        assert_eq!(shown.len() + hidden.len(), grid.columns.len());
        shown.into_iter().map(|at| grid.columns[at].name.as_str()).collect()
    }

    #[test]
    fn columns_without_values_give_way_first_and_then_those_of_ids() {
        use CellKind::{Int, Text};
        let text = |text: &str| Cell::Text(text.to_owned());
        let wide = grid(
            &[("report_id", Text), ("report", Text), ("os", Text), ("views", Int), ("id", Text)],
            &[text("0123456789"), text("Sales overview"), Cell::Null, Cell::Int(3), text("abcdef")],
        );
        assert_eq!(shown(&wide, 80), ["report_id", "report", "os", "views", "id"]);
        assert_eq!(shown(&wide, 42), ["report_id", "report", "views", "id"]);
        assert_eq!(shown(&wide, 36), ["report_id", "report", "views"]);
        assert_eq!(shown(&wide, 30), ["report", "views"]);
        assert_eq!(shown(&wide, 5), ["report", "views"], "names and figures are never hidden here");
    }

    #[test]
    fn rows_keep_a_column_that_tells_them_apart() {
        use CellKind::{Int, Text};
        let id = Cell::Text("0123456789".to_owned());
        let only = grid(&[("gateway_id", Text), ("views", Int)], &[id.clone(), Cell::Int(1)]);
        assert_eq!(shown(&only, 5), ["gateway_id", "views"]);
        let empty = grid(&[("a", Text), ("b", Text)], &[Cell::Null, Cell::Null]);
        assert_eq!(shown(&empty, 1), ["a"]);
    }
}
