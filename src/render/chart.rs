//! Draws bars, lines and heatmaps with block characters for the terminal, without colors.
//!
//! Null and values that are no finite numbers are blank. A chart that would show nothing, or
//! something wrong, is omitted.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use crate::grid::{Cell, Grid};

use super::text_width;

/// Bars of one to seven eighths of a column.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// The blocks of a line, from the lowest to the highest.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The shades of a heatmap, from the lightest to the darkest.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
/// The smallest number of blocks of a line that has more values; fewer show nothing.
const MIN_LINE_WIDTH: usize = 8;
/// The largest width of the row labels of a heatmap.
const MAX_LABEL_WIDTH: usize = 24;
/// The largest width of a cell of a heatmap.
const MAX_CELL_WIDTH: usize = 12;

/// The bars of a column, one per row.
pub struct TextBars {
    /// The position of the column.
    pub column_index: usize,
    /// The lengths, as shares of the longest bar.
    shares: Vec<f64>,
}

impl TextBars {
    /// Returns the bars of a column, or `None` if no value is above zero. Bars begin at zero, so
    /// negative values have none.
    pub fn from_column(grid: &Grid, value: &str) -> Option<TextBars> {
        let at = grid.position(value)?;
        let values: Vec<f64> = grid
            .rows
            .iter()
            .map(|row| row.get(at).and_then(finite_number).unwrap_or(0.0))
            .collect();
        let most = values.iter().copied().fold(0.0, f64::max);
        let share = |value: f64| (value / most).clamp(0.0, 1.0);
        (most > 0.0)
            .then(|| TextBars { column_index: at, shares: values.into_iter().map(share).collect() })
    }

    /// Returns the text of each bar, at most `width` columns wide.
    pub fn bar_texts(&self, width: usize) -> impl Iterator<Item = String> {
        self.shares.iter().map(move |&share| {
            if share <= 0.0 {
                return String::new();
            }
            // A value above zero always is visible.
            let eighths = ((share * 8.0 * width as f64).round() as usize).max(1);
            let part = (eighths % 8).checked_sub(1).map_or("", |part| EIGHTHS[part]);
            format!("{}{part}", "█".repeat(eighths / 8))
        })
    }
}

/// Draws a line for each of `values`, in the order of `over`, and a caption. Returns no lines if
/// there are fewer than two rows, or not enough space.
pub fn line_chart(
    grid: &Grid,
    texts: &[Vec<String>],
    values: &[String],
    over: &str,
    width: usize,
) -> Vec<String> {
    let columns: Option<Vec<usize>> = values.iter().map(|value| grid.position(value)).collect();
    let (Some(columns), Some(over_at)) = (columns, grid.position(over)) else {
        return Vec::new();
    };
    let mut rows = sorted_rows(grid, over_at);
    // A row without a position is not part of the line.
    rows.retain(|&row| !matches!(grid.rows[row].get(over_at), Some(Cell::Null) | None));
    if rows.len() < 2 {
        return Vec::new();
    }
    let names = values.iter().map(|name| name.width()).max().unwrap_or(0);
    let words: Vec<String> =
        columns.iter().map(|&at| min_max_text(grid, texts, &rows, at)).collect();
    let longest = words.iter().map(|words| words.width()).max().unwrap_or(0);
    let room = width.saturating_sub(names + longest + 4);
    if room < MIN_LINE_WIDTH.min(rows.len()) {
        return Vec::new();
    }
    let mut drawn = Vec::new();
    for ((&at, name), words) in columns.iter().zip(values).zip(words) {
        let points = rows.iter().map(|&row| grid.rows[row].get(at).and_then(finite_number));
        let line = block_line(&resample(&points.collect::<Vec<_>>(), room));
        drawn.push(format!("{}  {line}  {words}", text_width::pad(name, names, false)));
    }
    let text = |row: &usize| texts[*row][over_at].as_str();
    let (first, last) = (rows.first().map_or("", text), rows.last().map_or("", text));
    let mut caption = format!("Over {over}, {first} to {last}");
    if rows.len() > room {
        let most = rows.len().div_ceil(room);
        caption.push_str(&format!("; each block is the average of up to {most} rows"));
    }
    drawn.extend(text_width::wrap(&format!("{caption}."), width));
    drawn
}

/// Draws a heatmap: `by` downwards, `over` across, and a legend. Returns `None` if there is not
/// enough space, no value, or more than one value for a cell.
pub fn heatmap(
    grid: &Grid,
    texts: &[Vec<String>],
    [value, over, by]: [&str; 3],
    width: usize,
) -> Option<Vec<String>> {
    let [value_at, over_at, by_at] =
        [grid.position(value)?, grid.position(over)?, grid.position(by)?];
    let across = HeatmapAxis::from_column(grid, texts, over_at);
    let down = HeatmapAxis::from_column(grid, texts, by_at);
    let margin = down.max_label_width().max(by.width()).min(MAX_LABEL_WIDTH);
    let room = width.checked_sub(margin + 2)?;
    let cell = (across.max_label_width() + 1)
        .min(MAX_CELL_WIDTH)
        .min(room.checked_div(across.labels.len())?);
    if cell == 0 {
        return None;
    }
    let mut plane = vec![vec![None; across.labels.len()]; down.labels.len()];
    for (row, texts) in grid.rows.iter().zip(texts) {
        let (x, y) = (across.position(&texts[over_at])?, down.position(&texts[by_at])?);
        // `Some(None)` is a cell whose row has no value.
        if plane[y][x].replace(row.get(value_at).and_then(finite_number)).is_some() {
            return None;
        }
    }
    let shades = ShadeScale::from_values(plane.iter().flatten().copied().flatten().flatten())?;
    let mut lines =
        vec![format!("{}  {}", text_width::pad(by, margin, false), across.label_line(cell, room))];
    for (label, row) in down.labels.iter().zip(&plane) {
        let shown: String =
            row.iter().map(|value| shades.cell_text(value.flatten(), cell)).collect();
        let label = text_width::pad(&text_width::truncate(label, margin), margin, false);
        lines.push(format!("{label}  {shown}"));
    }
    lines.push(String::new());
    let has_gaps = plane.iter().flatten().any(|value| value.flatten().is_none());
    let mut legend = vec![format!("{value} by {by}, over {over}:")];
    legend.extend(shades.legend(has_gaps));
    let others: Vec<&str> = (0..grid.columns.len())
        .filter(|at| ![value_at, over_at, by_at].contains(at))
        .map(|at| grid.columns[at].name.as_str())
        .collect();
    if !others.is_empty() {
        legend.push(format!("Chart omits: {}. Other formats show all columns.", others.join(", ")));
    }
    lines.extend(text_width::flow_sentences(&legend, width));
    Some(lines.iter().map(|line| text_width::truncate(line, width)).collect())
}

fn finite_number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Int(number) => Some(*number as f64),
        Cell::Float(number) => Some(*number).filter(|number| number.is_finite()),
        _ => None,
    }
}

/// Returns the rows in the order of a column: numbers and times ascending, texts as they are,
/// nulls last.
fn sorted_rows(grid: &Grid, at: usize) -> Vec<usize> {
    let key = |row: usize| match grid.rows[row].get(at) {
        Some(Cell::Int(number)) => (false, *number as f64),
        Some(Cell::Float(number)) => (false, *number),
        Some(Cell::Time { us } | Cell::LocalTime { us }) => (false, *us as f64),
        Some(Cell::Date { days }) => (false, f64::from(*days)),
        Some(Cell::Bool(_) | Cell::Text(_)) => (false, 0.0),
        Some(Cell::Null) | None => (true, 0.0),
    };
    let mut rows: Vec<usize> = (0..grid.rows.len()).collect();
    rows.sort_by(|&one, &other| {
        let (one, other) = (key(one), key(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    rows
}

/// Returns the smallest and the largest value of a column, as in the table.
fn min_max_text(grid: &Grid, texts: &[Vec<String>], rows: &[usize], at: usize) -> String {
    let value = |&row: &usize| Some((grid.rows[row].get(at).and_then(finite_number)?, row));
    let mut values: Vec<(f64, usize)> = rows.iter().filter_map(value).collect();
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    match (values.first(), values.last()) {
        (Some((_, least)), Some((_, most))) => {
            format!("min {}, max {}", texts[*least][at], texts[*most][at])
        }
        _ => "no values".to_owned(),
    }
}

/// Returns at most `room` points: averages of neighbors if there are more.
fn resample(points: &[Option<f64>], room: usize) -> Vec<Option<f64>> {
    if points.len() <= room {
        return points.to_vec();
    }
    let part = |at: usize| &points[at * points.len() / room..(at + 1) * points.len() / room];
    let mean = |part: &[Option<f64>]| {
        let known = part.iter().flatten().count();
        // Divided first, since the sum of very large numbers is infinite.
        (known > 0).then(|| part.iter().flatten().map(|value| value / known as f64).sum())
    };
    (0..room).map(|at| mean(part(at))).collect()
}

fn block_line(points: &[Option<f64>]) -> String {
    let known = || points.iter().flatten().copied();
    let (least, most) =
        (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let height = |value: f64| {
        // Halved, since the difference of very large numbers is infinite.
        let share = (value / 2.0 - least / 2.0) / (most / 2.0 - least / 2.0);
        // Equal values are in the middle.
        let share = if share.is_finite() { share } else { 0.45 };
        HEIGHTS[(share * (HEIGHTS.len() - 1) as f64).round() as usize]
    };
    points.iter().map(|point| point.map_or(' ', height)).collect()
}

/// The labels of one axis of a heatmap.
struct HeatmapAxis<'t> {
    labels: Vec<&'t str>,
    positions: HashMap<&'t str, usize>,
}

impl<'t> HeatmapAxis<'t> {
    fn from_column(grid: &Grid, texts: &'t [Vec<String>], at: usize) -> HeatmapAxis<'t> {
        let mut axis = HeatmapAxis { labels: Vec::new(), positions: HashMap::new() };
        for row in sorted_rows(grid, at) {
            let label = texts[row][at].as_str();
            axis.positions.entry(label).or_insert_with(|| {
                axis.labels.push(label);
                axis.labels.len() - 1
            });
        }
        axis
    }

    fn position(&self, label: &str) -> Option<usize> {
        self.positions.get(label).copied()
    }

    fn max_label_width(&self) -> usize {
        self.labels.iter().map(|label| label.width()).max().unwrap_or(0)
    }

    /// Returns the line of labels above the cells, without those that would touch the previous one.
    fn label_line(&self, cell: usize, room: usize) -> String {
        let (mut line, mut is_first) = (String::new(), true);
        for (at, label) in self.labels.iter().enumerate() {
            let (has, from) = (line.width(), at * cell);
            if (is_first || has < from) && from + label.width() <= room {
                line.push_str(&" ".repeat(from - has));
                line.push_str(label);
                is_first = false;
            }
        }
        line
    }
}

/// The scale of the shades: quarters of the range from zero, or from the smallest value if it is
/// negative, to the largest value.
struct ShadeScale {
    low: f64,
    high: f64,
    has_only_integers: bool,
    has_zero: bool,
    used_shades: [bool; SHADES.len()],
}

impl ShadeScale {
    fn from_values(values: impl Iterator<Item = f64> + Clone) -> Option<ShadeScale> {
        let high = values.clone().reduce(f64::max)?;
        let low = values.clone().fold(0.0, f64::min);
        let are_whole = values.clone().all(|value| value.fract() == 0.0);
        let has_zero = values.clone().any(|value| value == 0.0);
        let mut shades = ShadeScale {
            low,
            high,
            has_only_integers: are_whole,
            has_zero,
            used_shades: [false; SHADES.len()],
        };
        for value in values.filter(|value| *value != 0.0) {
            shades.used_shades[shades.shade_index(value)] = true;
        }
        Some(shades)
    }

    fn shade_index(&self, value: f64) -> usize {
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        let share = if share.is_finite() { share } else { 1.0 };
        ((share * SHADES.len() as f64).ceil() as usize).clamp(1, SHADES.len()) - 1
    }

    fn cell_text(&self, value: Option<f64>, width: usize) -> String {
        match value {
            None => " ".repeat(width),
            Some(0.0) => format!("·{}", " ".repeat(width.saturating_sub(1))),
            Some(value) => SHADES[self.shade_index(value)].to_string().repeat(width),
        }
    }

    /// Returns the meaning of each used character, for the legend.
    fn legend(&self, has_gaps: bool) -> Vec<String> {
        let bound = |at: usize| {
            let part = (at + 1) as f64 / SHADES.len() as f64;
            let bound = self.low * (1.0 - part) + self.high * part;
            if self.has_only_integers {
                format!("{:.0}", bound.floor())
            } else {
                format!("{bound:.2}")
            }
        };
        let mut parts = Vec::new();
        parts.extend(self.has_zero.then(|| "· = 0".to_owned()));
        let used = (0..SHADES.len()).filter(|&at| self.used_shades[at]);
        parts.extend(used.map(|at| format!("{} up to {}", SHADES[at], bound(at))));
        parts.extend(has_gaps.then(|| "blank = no value".to_owned()));
        let last = parts.len().saturating_sub(1);
        let ended = |(at, part)| format!("{part}{}", if at == last { '.' } else { ',' });
        parts.into_iter().enumerate().map(ended).collect()
    }
}
