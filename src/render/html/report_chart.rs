//! Draws the chart of any report as shapes with classes: lines, bars beside names, or a heatmap.

use std::collections::HashSet;

use super::chart::{self, RowLabels, UNIT};
use super::document::{ChartSeries, SeriesShape};
use super::heatmap::{SHADE_CLASSES, compact_number, shade_class};
use super::markup::Markup;
use super::table::column_title;
use super::values::{column_days, column_texts, format_number};
use crate::grid::{Cell, CellKind, Chart, Grid};
use crate::render::chart::{HeatmapPlane, finite_number, sorted_rows};
use crate::render::heading::is_id;
use crate::render::input::{Mark, RenderInput};
use crate::render::text::{cell_texts, group_digits};
use crate::render::text_width;

/// The largest number of bars; more are not readable on a slide.
const MAX_BARS: usize = 20;
/// The largest number of lines of a heatmap.
const MAX_HEAT_LINES: usize = 31;
/// The number of lines with a color of their own.
const MAX_LINES: usize = 3;

/// The width of a character in units. Wide characters take two.
const CHAR_WIDTH: u32 = 66;
/// The space between names and shapes, in units.
const GAP: u32 = 8 * UNIT;
/// The largest share of the width that names take.
const NAME_SHARE: f64 = 0.36;
/// The room for the number after the longest bar, in characters.
const VALUE_CHARS: u32 = 10;
/// The largest height of the line of a bar or heatmap, in units.
const MAX_LINE_HEIGHT: u32 = 34 * UNIT;
/// The share of its line that a bar fills.
const BAR_SHARE: f64 = 0.66;
/// The distance from the middle of a line to the foot of its text, in units.
const TEXT_DROP: i32 = 4 * UNIT as i32;
/// The height of the labels above a heatmap, in units.
const HEADING_HEIGHT: u32 = 20 * UNIT;
/// The space between the cells of a heatmap, in units.
const CELL_GAP: u32 = UNIT;

/// The meaning of a color of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegendEntry {
    /// The class with the color.
    pub class: &'static str,
    /// True if the class colors a line, and false if it fills an area.
    pub is_stroke: bool,
    /// The text beside the color.
    pub label: String,
}

/// The chart of a report, ready to be drawn in any size.
pub struct ReportChart {
    shapes: Shapes,
    /// The meaning of its colors.
    pub legend: Vec<LegendEntry>,
    /// Sentences on what the chart leaves out.
    pub notes: Vec<String>,
}

enum Shapes {
    /// Rows in the order of the horizontal axis, the labels of the axis, the lines, and the marked
    /// days.
    Lines(Grid, Chart, Vec<ChartSeries>, Vec<Mark>),
    Bars(Vec<Bar>),
    Heat(Heat),
}

struct Bar {
    name: String,
    value: Option<f64>,
    text: String,
}

struct Heat {
    across: Vec<String>,
    down: Vec<String>,
    values: Vec<Vec<Option<f64>>>,
    most: f64,
}

impl ReportChart {
    /// Returns the chart of a result, or `None` if it has nothing to draw.
    pub fn new(input: &RenderInput<'_>) -> Option<ReportChart> {
        match input.chart? {
            chart @ Chart::Lines { values, over } => lines(input, chart, values, over),
            Chart::Bars { value } => bars(input, value),
            Chart::Heatmap { value, over, by } => heat(input, [value, over, by]),
        }
    }

    /// Draws the shapes of an SVG element that the caller has opened. `pixels` are its width and
    /// height.
    pub fn write(&self, to: &mut Markup, pixels: (u32, u32)) {
        match &self.shapes {
            Shapes::Lines(grid, chart, series, marks) => {
                let Chart::Lines { over, .. } = chart else { return };
                chart::draw_shapes(to, grid, row_labels(grid, over), series, marks, pixels);
            }
            Shapes::Bars(bars) => write_bars(to, bars, pixels),
            Shapes::Heat(heat) => write_heat(to, heat, pixels),
        }
    }
}

fn lines(
    input: &RenderInput<'_>,
    chart: &Chart,
    values: &[String],
    over: &str,
) -> Option<ReportChart> {
    let grid = input.grid;
    let at = grid.position(over)?;
    let mut rows = sorted_rows(grid, at);
    // A row without a position is not part of the line.
    rows.retain(|&row| !matches!(grid.rows[row].get(at), Some(Cell::Null) | None));
    if rows.is_empty() || values.iter().any(|value| grid.position(value).is_none()) {
        return None;
    }
    let rows = rows.into_iter().map(|row| grid.rows[row].clone()).collect();
    let grid = Grid { columns: grid.columns.clone(), rows };
    let series: Vec<ChartSeries> = values
        .iter()
        .map(|value| ChartSeries {
            column: value.clone().into(),
            title: column_title(value).into(),
            shape: SeriesShape::Line,
        })
        .collect();
    let mut legend: Vec<LegendEntry> = series
        .iter()
        .enumerate()
        .map(|(at, one)| LegendEntry {
            class: chart::series_class(at),
            is_stroke: true,
            label: one.title.to_string(),
        })
        .collect();
    let statuses: HashSet<&str> = column_texts(&grid, "status").into_iter().collect();
    if statuses.contains("missing") {
        legend.push(area("missing", "Missing"));
    }
    if statuses.contains("partial") || statuses.contains("truncated") {
        legend.push(area("partial", "Partial"));
    }
    let mut notes = Vec::new();
    if series.len() > MAX_LINES {
        notes.push(format!("Lines after number {MAX_LINES} have one color."));
    }
    let marks = input.context.map(|context| context.marks.clone()).unwrap_or_default();
    Some(ReportChart { shapes: Shapes::Lines(grid, chart.clone(), series, marks), legend, notes })
}

fn area(class: &'static str, label: &str) -> LegendEntry {
    LegendEntry { class, is_stroke: false, label: label.to_owned() }
}

/// Returns the labels of the rows: days if the column has only days.
fn row_labels(grid: &Grid, over: &str) -> RowLabels {
    let days: Option<Vec<_>> = column_days(grid, over).into_iter().collect();
    if let Some(days) = days {
        return RowLabels::Days(days);
    }
    let at = grid.position(over).unwrap_or(0);
    let input = RenderInput {
        grid,
        chart: None,
        context: None,
        remarks: &[],
        time_zone: chrono_tz::UTC,
        width: 0,
    };
    let texts = cell_texts(&input).into_iter();
    RowLabels::Texts(texts.map(|mut row| row.swap_remove(at)).collect())
}

fn bars(input: &RenderInput<'_>, value: &str) -> Option<ReportChart> {
    let at = input.grid.position(value)?;
    if input.grid.rows.is_empty() {
        return None;
    }
    let (texts, all) = (cell_texts(input), input.grid.rows.len());
    let shown = all.min(MAX_BARS);
    let names = bar_names(input.grid, &texts[..shown]);
    let rows = input.grid.rows.iter().zip(texts).zip(names);
    let bars: Vec<Bar> = rows
        .map(|((row, mut texts), name)| Bar {
            name,
            value: row.get(at).and_then(finite_number),
            text: group_digits(&texts.swap_remove(at)),
        })
        .collect();
    let mut notes = Vec::new();
    if shown < all {
        let all = format_number(all as f64);
        notes.push(format!("The chart shows the first {shown} of {all} rows."));
    }
    let legend = vec![LegendEntry { class: "s2", is_stroke: true, label: column_title(value) }];
    Some(ReportChart { shapes: Shapes::Bars(bars), legend, notes })
}

/// Returns a name for each row: its first text, and as many further texts as rows need to differ.
fn bar_names(grid: &Grid, texts: &[Vec<String>]) -> Vec<String> {
    let is_name = |at: &usize| {
        let column = &grid.columns[*at];
        column.kind == CellKind::Text && !is_id(&column.name)
    };
    let mut columns: Vec<usize> = (0..grid.columns.len()).filter(is_name).collect();
    if columns.is_empty() {
        columns.push(0);
    }
    let names = |number: usize| -> Vec<String> {
        let name = |row: &Vec<String>| {
            let parts = columns[..number].iter().map(|&at| row[at].as_str());
            parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
        };
        texts.iter().map(name).collect()
    };
    let differ = |names: &Vec<String>| names.iter().collect::<HashSet<_>>().len() == names.len();
    (1..=columns.len()).map(names).find(differ).unwrap_or_else(|| names(columns.len().min(2)))
}

fn write_bars(to: &mut Markup, bars: &[Bar], (width, height): (u32, u32)) {
    let (width, height) = (width * UNIT, height * UNIT);
    let line = (height / bars.len().max(1) as u32).min(MAX_LINE_HEIGHT);
    let left = name_width(bars.iter().map(|bar| bar.name.as_str()), width);
    let most = bars.iter().filter_map(|bar| bar.value).fold(0.0, f64::max);
    let room = f64::from(width.saturating_sub(left + VALUE_CHARS * CHAR_WIDTH));
    let axis = format!("M{left} 0V{}", line * bars.len() as u32);
    to.open("path").attr("class", "axis").attr("d", axis).close("path");
    for (at, bar) in bars.iter().enumerate() {
        let middle = (line * at as u32 + line / 2) as i32;
        write_name(to, &bar.name, left, middle);
        let mut end = left;
        // Bars begin at zero, so values below it have none.
        if let Some(value) = bar.value.filter(|value| *value > 0.0 && most > 0.0) {
            end += ((value / most * room).round() as u32).max(UNIT);
            to.open("path").attr("class", "s2 bar-shape");
            to.attr("stroke-width", (f64::from(line) * BAR_SHARE) as u32);
            to.attr("d", format_args!("M{left} {middle}H{end}")).close("path");
        }
        let x = (end + GAP) as i32;
        write_text(to, "value", (x, middle + TEXT_DROP), "start", &bar.text);
    }
}

fn name_width<'n>(names: impl Iterator<Item = &'n str>, width: u32) -> u32 {
    let chars = names.map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0) as u32;
    (chars * CHAR_WIDTH + GAP).min((f64::from(width) * NAME_SHARE) as u32)
}

fn write_name(to: &mut Markup, name: &str, right: u32, middle: i32) {
    let chars = (right.saturating_sub(GAP) / CHAR_WIDTH) as usize;
    let shown = text_width::truncate(name, chars);
    write_text(to, "name", (0, middle + TEXT_DROP), "start", &shown);
}

fn write_text(
    to: &mut Markup,
    class: &'static str,
    (x, y): (i32, i32),
    anchor: &'static str,
    text: &str,
) {
    to.open("text").attr("class", class).attr("x", x).attr("y", y);
    to.attr("text-anchor", anchor).text(text).close("text");
}

fn heat(input: &RenderInput<'_>, columns: [&str; 3]) -> Option<ReportChart> {
    let texts = cell_texts(input);
    let plane = HeatmapPlane::from_grid(input.grid, &texts, columns)?;
    let [value, over, by] = columns.map(column_title);
    let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    let (across, mut down): (Vec<String>, Vec<String>) =
        (owned(&plane.across.labels), owned(&plane.down.labels));
    let mut values = plane.values;
    let all = down.len();
    let mut notes = vec![format!("{value} by {}, over {}.", lower(&by), lower(&over))];
    if all > MAX_HEAT_LINES {
        down.truncate(MAX_HEAT_LINES);
        values.truncate(MAX_HEAT_LINES);
        notes.push(format!("The chart shows the first {MAX_HEAT_LINES} of {all} lines."));
    }
    let known = || values.iter().flatten().copied().flatten();
    let most = known().fold(0.0, f64::max);
    // Shades begin at zero, so values below it have none.
    if known().next().is_none() || known().any(|value| value < 0.0) {
        return None;
    }
    let shades = SHADE_CLASSES.len() - 1;
    let entry = |(at, class): (usize, &&'static str)| match at {
        0 => area(class, "0"),
        _ => area(class, &format!("up to {}", format_number(most * at as f64 / shades as f64))),
    };
    let legend = SHADE_CLASSES.iter().enumerate().map(entry).collect();
    if values.iter().flatten().any(Option::is_none) {
        notes.push("Blank: no value.".to_owned());
    }
    let heat = Heat { across, down, values, most };
    Some(ReportChart { shapes: Shapes::Heat(heat), legend, notes })
}

fn lower(title: &str) -> String {
    title.to_lowercase()
}

fn write_heat(to: &mut Markup, heat: &Heat, (width, height): (u32, u32)) {
    let (width, height) = (width * UNIT, height * UNIT);
    let left = name_width(heat.down.iter().map(String::as_str), width);
    let cell = width.saturating_sub(left) / heat.across.len().max(1) as u32;
    let room = height.saturating_sub(HEADING_HEIGHT);
    let line = (room / heat.down.len().max(1) as u32).min(MAX_LINE_HEIGHT);
    let center = |column: usize| (left + cell * column as u32 + cell / 2) as i32;
    let mut free_from = 0;
    for (at, label) in heat.across.iter().enumerate() {
        let half =
            (unicode_width::UnicodeWidthStr::width(label.as_str()) as u32 * CHAR_WIDTH / 2) as i32;
        // A label that would touch the previous one is left out.
        if center(at) - half >= free_from {
            let y = (HEADING_HEIGHT - GAP) as i32;
            write_text(to, "label", (center(at), y), "middle", label);
            free_from = center(at) + half + CHAR_WIDTH as i32;
        }
    }
    for (row, (label, values)) in heat.down.iter().zip(&heat.values).enumerate() {
        let top = HEADING_HEIGHT + line * row as u32;
        let middle = (top + line / 2) as i32;
        write_name(to, label, left, middle);
        for (column, value) in values.iter().enumerate() {
            let Some(value) = *value else { continue };
            let shade = shade_class(value, heat.most);
            let x = left + cell * column as u32;
            let (right, bottom) = (x + cell - CELL_GAP.min(cell), top + line - CELL_GAP.min(line));
            let d = format!("M{x} {top}H{right}V{bottom}H{x}Z");
            to.open("path").attr("class", shade).attr("d", d).close("path");
            let text = compact_number(value);
            if text.len() as u32 * CHAR_WIDTH < cell {
                let class = if is_dark(shade) { "on-dark" } else { "cell" };
                write_text(to, class, (center(column), middle + TEXT_DROP), "middle", &text);
            }
        }
    }
}

fn is_dark(shade: &str) -> bool {
    matches!(shade, "h4" | "h5" | "h6")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(grid: &Grid, chart: &Chart) -> Option<(ReportChart, String)> {
        let input = RenderInput {
            grid,
            chart: Some(chart),
            context: None,
            remarks: &[],
            time_zone: chrono_tz::UTC,
            width: 80,
        };
        let chart = ReportChart::new(&input)?;
        let mut to = Markup::default();
        chart.write(&mut to, (800, 300));
        Some((chart, to.finish()))
    }

    fn names(rows: &[(&str, &str, Option<i64>)]) -> Grid {
        let mut grid = Grid::new([
            ("report_id", CellKind::Text),
            ("report", CellKind::Text),
            ("workspace", CellKind::Text),
            ("views", CellKind::Int),
        ]);
        for (report, workspace, views) in rows {
            let text = |text: &str| Cell::Text(text.to_owned());
            let views = views.map_or(Cell::Null, Cell::Int);
            grid.rows.push(vec![text("x"), text(report), text(workspace), views]);
        }
        grid
    }

    fn views() -> Chart {
        Chart::Bars { value: "views".into() }
    }

    #[test]
    fn bars_have_the_name_of_the_row_and_its_number() {
        let grid = names(&[("A<b>", "One", Some(1_200)), ("C", "Two", Some(0)), ("D", "", None)]);
        let (chart, svg) = drawn(&grid, &views()).unwrap();
        assert_eq!(chart.legend[0].label, "Views");
        for text in [">A&lt;b&gt;</text>", ">1,200</text>", ">C</text>", ">0</text>", ">n/a</text>"]
        {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert_eq!(svg.matches("bar-shape").count(), 1, "{svg}");
    }

    #[test]
    fn equal_names_have_their_workspace() {
        let grid = names(&[("Sales", "One", Some(2)), ("Sales", "Two", Some(1))]);
        let (_, svg) = drawn(&grid, &views()).unwrap();
        assert!(svg.contains(">Sales, One</text>") && svg.contains(">Sales, Two</text>"), "{svg}");
    }

    #[test]
    fn rows_that_do_not_fit_are_counted() {
        let rows: Vec<_> = (0..23).map(|at| ("R", "", Some(at))).collect();
        let (chart, svg) = drawn(&names(&rows), &views()).unwrap();
        assert_eq!(chart.notes, ["The chart shows the first 20 of 23 rows."]);
        assert_eq!(svg.matches("class=\"name\"").count(), 20);
        assert!(drawn(&names(&[]), &views()).is_none());
    }

    #[test]
    fn lines_are_in_the_order_of_the_axis_and_may_be_below_zero() {
        let mut grid = Grid::new([("hour", CellKind::Int), ("change", CellKind::Int)]);
        grid.rows = [(2, -9), (1, 6)].map(|(x, y)| vec![Cell::Int(x), Cell::Int(y)]).into();
        let chart = Chart::Lines { values: vec!["change".into()], over: "hour".into() };
        let (_, svg) = drawn(&grid, &chart).unwrap();
        let (one, two) = (svg.find(">1</text>").unwrap(), svg.find(">2</text>").unwrap());
        assert!(one < two && svg.contains(">−5</text>"), "{svg}");
    }

    #[test]
    fn heatmaps_have_a_cell_for_each_value_and_a_legend() {
        let mut grid = Grid::new([
            ("hour", CellKind::Int),
            ("weekday", CellKind::Text),
            ("views", CellKind::Float),
        ]);
        for (hour, day, views) in [(0, "Mon", 6.0), (1, "Mon", 0.0), (1, "Tue", 1.0)] {
            grid.rows.push(vec![Cell::Int(hour), Cell::Text(day.into()), Cell::Float(views)]);
        }
        let [value, over, by] = ["views", "hour", "weekday"].map(str::to_owned);
        let chart = Chart::Heatmap { value, over, by };
        let (drawing, svg) = drawn(&grid, &chart).unwrap();
        assert_eq!(svg.matches("<path").count(), 3, "{svg}");
        assert!(svg.contains("class=\"h6\"") && svg.contains("class=\"on-dark\""), "{svg}");
        let classes: Vec<&str> = drawing.legend.iter().map(|one| one.class).collect();
        assert_eq!(classes, SHADE_CLASSES, "each shade once");
        let labels: Vec<&str> = drawing.legend.iter().map(|one| one.label.as_str()).collect();
        assert_eq!(labels[..3], ["0", "up to 1", "up to 2"]);
        assert_eq!(drawing.notes, ["Views by weekday, over hour.", "Blank: no value."]);
        grid.rows.push(grid.rows[0].clone());
        assert!(drawn(&grid, &chart).is_none(), "two values for a cell");
    }
}
