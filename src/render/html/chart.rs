//! Draws charts over time as SVG: bars, lines, and shades where the data is incomplete.

use std::fmt::Write;

use chrono::{Datelike, NaiveDate};

use super::axis::{LinearScale, date_ticks, value_ticks};
use super::document::{ChartSeries, SeriesShape};
use super::markup::Markup;
use super::values::{column_days, column_numbers, column_texts};
use crate::grid::Grid;
use crate::render::input::Mark;
use crate::render::text::group_digits;
use crate::render::text_width;

/// The units of a pixel, so that whole numbers are fine enough for positions.
pub const UNIT: u32 = 10;

/// The width of a label on the time axis with the space around it, in pixels.
const PIXELS_PER_LABEL: u32 = 84;

/// The margins around the plot, in units: room for the labels.
const MARGIN_LEFT: u32 = 46 * UNIT;
const MARGIN_RIGHT: u32 = 16 * UNIT;
const MARGIN_TOP: u32 = 10 * UNIT;
const MARGIN_BOTTOM: u32 = 24 * UNIT;

/// The distance of the labels from the plot, in units.
const VALUE_LABEL_GAP: i32 = 8 * UNIT as i32;
const DATE_LABEL_GAP: i32 = 16 * UNIT as i32;
/// Half the height of a digit: a label is centered on its line.
const LABEL_HALF_HEIGHT: i32 = 4 * UNIT as i32;

/// The lines that texts of marks alternate between, the height of one, and the distance of a text
/// from its mark, in units.
const MARK_LINES: u32 = 3;
const MARK_LINE_HEIGHT: u32 = 13 * UNIT;
const MARK_GAP: i32 = 5 * UNIT as i32;
/// The largest width of the text of a mark, in characters.
const MAX_MARK_CHARS: usize = 30;

const LINE_WIDTH: u32 = 2 * UNIT;
/// The width of a bar as a share of the width of its row, and its limits in units.
const BAR_SHARE: f64 = 0.72;
const BAR_WIDTHS: (f64, f64) = (6.0, 220.0);

/// The classes of the series, by position. The style sheet has their colors.
const SERIES_CLASSES: [&str; 3] = ["s1", "s2", "s3"];

/// Returns the class of a series, by its position.
pub fn series_class(at: usize) -> &'static str {
    SERIES_CLASSES[at.min(SERIES_CLASSES.len() - 1)]
}

/// A size of the drawing. Each chart is drawn in two sizes, since a wide chart is not readable on a
/// phone; the style sheet shows one of them.
struct ChartSize {
    class: &'static str,
    /// In pixels.
    width: u32,
    height: u32,
    /// The largest number of labels on the time axis.
    max_labels: usize,
}

const CHART_SIZES: [ChartSize; 2] = [
    ChartSize { class: "wide", width: 1040, height: 240, max_labels: 12 },
    ChartSize { class: "narrow", width: 340, height: 200, max_labels: 4 },
];

/// Draws the rows of a grid in each size. Draws nothing if the grid has no rows, or a row without
/// a date.
pub fn draw(to: &mut Markup, grid: &Grid, series: &[ChartSeries], marks: &[Mark]) {
    let days: Option<Vec<NaiveDate>> = column_days(grid, "date").into_iter().collect();
    let Some(days) = days.filter(|days| !days.is_empty()) else { return };
    let chart = ChartData::new(grid, RowLabels::Days(days), series, marks);
    for size in &CHART_SIZES {
        let plot = Plot::new(&chart, size);
        let (width, height) = (size.width * UNIT, size.height * UNIT);
        to.open("svg").attr("class", size.class);
        to.attr("viewBox", format_args!("0 0 {width} {height}"));
        to.attr("data-left", plot.left).attr("data-right", plot.right);
        to.attr("aria-hidden", "true").attr("focusable", "false");
        plot.write(to, size);
        to.open("path").attr("class", "cursor").attr("d", format_args!("M0 0V{height}"));
        to.close("path").close("svg");
    }
}

/// Returns the marks that are in the rows of a grid, and so in its chart.
pub fn drawn_marks<'m>(grid: &Grid, marks: &'m [Mark]) -> Vec<&'m Mark> {
    let days: Option<Vec<NaiveDate>> = column_days(grid, "date").into_iter().collect();
    let Some(days) = days.filter(|days| !days.is_empty()) else { return Vec::new() };
    let labels = RowLabels::Days(days);
    marks.iter().filter(|mark| labels.row_of(mark.day).is_some()).collect()
}

/// Draws the rows of a grid as shapes of an SVG element that the caller has opened. `pixels` are
/// its width and height.
pub fn draw_shapes(
    to: &mut Markup,
    grid: &Grid,
    labels: RowLabels,
    series: &[ChartSeries],
    marks: &[Mark],
    pixels: (u32, u32),
) {
    let (width, height) = pixels;
    let max_labels = (width / PIXELS_PER_LABEL).max(2) as usize;
    let size = ChartSize { class: "", width, height, max_labels };
    Plot::new(&ChartData::new(grid, labels, series, marks), &size).write(to, &size);
}

/// The labels of the rows on the horizontal axis.
pub enum RowLabels {
    /// Days, which have rounder labels in long periods.
    Days(Vec<NaiveDate>),
    /// Other texts.
    Texts(Vec<String>),
}

impl RowLabels {
    fn len(&self) -> usize {
        match self {
            RowLabels::Days(days) => days.len(),
            RowLabels::Texts(texts) => texts.len(),
        }
    }

    /// Returns the row that a day is in: that of the last day up to it. `None` for a day before the
    /// first row, for one more than a row after the last, and if the rows are no days.
    fn row_of(&self, day: NaiveDate) -> Option<usize> {
        let RowLabels::Days(days) = self else { return None };
        let row = days.iter().rposition(|first| *first <= day)?;
        let [first, last] = [days.first()?, days.last()?].map(|day| day.num_days_from_ce());
        // Rows are days, weeks or months, so one row is as long as the average.
        let row_days = (last - first) / i32::try_from(days.len() - 1).unwrap_or(i32::MAX).max(1);
        (day.num_days_from_ce() < last + row_days.max(1)).then_some(row)
    }

    /// Returns the rows that have a label, and their labels.
    fn ticks(&self, room: usize) -> Vec<(usize, String)> {
        match self {
            RowLabels::Days(days) => date_ticks(days, room),
            RowLabels::Texts(texts) => {
                let step = texts.len().div_ceil(room).max(1);
                texts.iter().cloned().enumerate().step_by(step).collect()
            }
        }
    }
}

/// A run of rows with incomplete data.
#[derive(Debug, PartialEq, Eq)]
struct Gap {
    first: usize,
    last: usize,
    class: &'static str,
}

/// The data of a chart.
struct ChartData {
    labels: RowLabels,
    gaps: Vec<Gap>,
    /// The rows of the marked days, with the texts of the marks.
    marks: Vec<(usize, String)>,
    series: Vec<(SeriesShape, Vec<Option<f64>>)>,
    /// The ends of the value axis.
    low: f64,
    high: f64,
}

impl ChartData {
    fn new(grid: &Grid, labels: RowLabels, series: &[ChartSeries], marks: &[Mark]) -> ChartData {
        let series: Vec<_> =
            series.iter().map(|one| (one.shape, column_numbers(grid, &one.column))).collect();
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for at in 0..labels.len() {
            let (mut up, mut down) = (0.0, 0.0);
            for (shape, values) in &series {
                let value = values.get(at).copied().flatten().unwrap_or(0.0);
                match shape {
                    SeriesShape::StackedUp => up += value,
                    SeriesShape::StackedDown => down += value,
                    SeriesShape::Bars => high = high.max(value),
                    SeriesShape::Line => (low, high) = (low.min(value), high.max(value)),
                }
            }
            (low, high) = (low.min(-down), high.max(up));
        }
        // Space above the highest value, and space for a few whole numbers: counts have no halves.
        high = (high * 1.06).max(if low < 0.0 { 2.0 } else { 5.0 });
        low = if low < 0.0 { (low * 1.06).min(-2.0) } else { 0.0 };
        let marks = marks
            .iter()
            .filter_map(|mark| Some((labels.row_of(mark.day)?, mark.label.clone())))
            .collect();
        ChartData { gaps: gaps(grid), marks, labels, series, low, high }
    }
}

/// Returns the runs of rows with incomplete data.
fn gaps(grid: &Grid) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for (at, status) in column_texts(grid, "status").into_iter().enumerate() {
        let class = match status {
            "complete" | "" => continue,
            "missing" => "missing",
            _ => "partial",
        };
        match gaps.last_mut() {
            Some(gap) if gap.last + 1 == at && gap.class == class => gap.last = at,
            _ => gaps.push(Gap { first: at, last: at, class }),
        }
    }
    gaps
}

/// A chart in one size, with its scales in units.
struct Plot<'c> {
    chart: &'c ChartData,
    left: u32,
    right: u32,
    bottom: u32,
    y: LinearScale,
    x: LinearScale,
}

impl<'c> Plot<'c> {
    fn new(chart: &'c ChartData, size: &ChartSize) -> Plot<'c> {
        let (left, right) = (MARGIN_LEFT, size.width * UNIT - MARGIN_RIGHT);
        let bottom = size.height * UNIT - MARGIN_BOTTOM;
        let y = LinearScale {
            values: (chart.low, chart.high),
            positions: (f64::from(bottom), f64::from(MARGIN_TOP)),
        };
        let x = LinearScale {
            values: (0.0, chart.labels.len() as f64),
            positions: (f64::from(left), f64::from(right)),
        };
        Plot { chart, left, right, bottom, y, x }
    }

    /// Returns the middle of a row.
    fn row_center(&self, row: usize) -> i32 {
        self.x.position(row as f64 + 0.5)
    }

    fn write(&self, to: &mut Markup, size: &ChartSize) {
        self.write_gaps(to);
        self.write_axes(to, size);
        self.write_series(to);
        self.write_marks(to);
    }

    /// Writes a vertical line for each marked day, with its text beside the upper end, on the side
    /// that has more room.
    fn write_marks(&self, to: &mut Markup) {
        let middle = (self.left + self.right) as i32 / 2;
        for (at, (row, text)) in self.chart.marks.iter().enumerate() {
            let x = self.row_center(*row);
            let d = format!("M{x} {MARGIN_TOP}V{}", self.bottom);
            to.open("path").attr("class", "mark").attr("d", d).close("path");
            // Texts of neighboring marks do not cover each other.
            let line = (at as u32 % MARK_LINES) * MARK_LINE_HEIGHT;
            let y = (MARGIN_TOP + MARK_LINE_HEIGHT + line) as i32;
            let (x, anchor) =
                if x < middle { (x + MARK_GAP, "start") } else { (x - MARK_GAP, "end") };
            to.open("text").attr("class", "mark-text").attr("x", x).attr("y", y);
            to.attr("text-anchor", anchor).text(text_width::truncate(text, MAX_MARK_CHARS));
            to.close("text");
        }
    }

    fn write_gaps(&self, to: &mut Markup) {
        for gap in &self.chart.gaps {
            let left = self.x.position(gap.first as f64);
            let right = self.x.position((gap.last + 1) as f64);
            let (top, bottom) = (MARGIN_TOP, self.bottom);
            let d = format!("M{left} {top}H{right}V{bottom}H{left}Z");
            to.open("path").attr("class", gap.class).attr("d", d).close("path");
        }
    }

    /// Writes the grid lines, the zero line and all labels.
    fn write_axes(&self, to: &mut Markup, size: &ChartSize) {
        let ticks = value_ticks(self.chart.low, self.chart.high);
        let line = |value: f64| format!("M{} {}H{}", self.left, self.y.position(value), self.right);
        let grid_lines: String = ticks.iter().map(|&tick| line(tick)).collect();
        to.open("path").attr("class", "mesh").attr("d", grid_lines).close("path");
        to.open("path").attr("class", "axis").attr("d", line(0.0)).close("path");
        let is_stacked_down =
            self.chart.series.iter().any(|(shape, _)| *shape == SeriesShape::StackedDown);
        for &tick in &ticks {
            // Counts below zero are stacked downwards: their labels have no sign.
            let shown = if is_stacked_down { tick.abs() } else { tick };
            let x = self.left as i32 - VALUE_LABEL_GAP;
            let y = self.y.position(tick) + LABEL_HALF_HEIGHT;
            write_label(to, (x, y), "end", &group_digits(&format!("{shown:.0}")));
        }
        for (row, label) in self.chart.labels.ticks(size.max_labels) {
            let y = self.bottom as i32 + DATE_LABEL_GAP;
            write_label(to, (self.row_center(row), y), "middle", &label);
        }
    }

    fn write_series(&self, to: &mut Markup) {
        let rows = self.chart.labels.len();
        let row_width = f64::from(self.right - self.left) / rows as f64;
        let bar_width = (row_width * BAR_SHARE).clamp(BAR_WIDTHS.0, BAR_WIDTHS.1) as u32;
        let (mut above, mut below) = (vec![0.0; rows], vec![0.0; rows]);
        for (at, (shape, values)) in self.chart.series.iter().enumerate() {
            let (d, width) = match shape {
                SeriesShape::Line => (self.line_path(values), LINE_WIDTH),
                SeriesShape::Bars => (self.bar_path(values, &mut vec![0.0; rows], 1.0), bar_width),
                SeriesShape::StackedUp => (self.bar_path(values, &mut above, 1.0), bar_width),
                SeriesShape::StackedDown => (self.bar_path(values, &mut below, -1.0), bar_width),
            };
            if !d.is_empty() {
                to.open("path").attr("class", series_class(at)).attr("d", d);
                to.attr("stroke-width", width).close("path");
            }
        }
    }

    /// Returns the path of a line. It breaks where a value is unknown. A value between two unknown
    /// ones is a line without length, which round line ends turn into a point.
    fn line_path(&self, values: &[Option<f64>]) -> String {
        let mut d = String::new();
        let position = |row: usize, value: f64| (self.row_center(row), self.y.position(value));
        let value_at = |row: usize| values.get(row).copied().flatten();
        for (row, value) in values.iter().enumerate() {
            let Some(value) = *value else { continue };
            let (x, y) = position(row, value);
            let is_start = row == 0 || value_at(row - 1).is_none();
            // Writing to a string does not fail.
            if is_start {
                let _ = write!(d, "M{x} {y}");
            }
            if !is_start || value_at(row + 1).is_none() {
                let _ = write!(d, "L{x} {y}");
            }
        }
        d
    }

    /// Returns the path of bars on top of `base`, and adds the values to it. Values of zero and
    /// below have no bar.
    fn bar_path(&self, values: &[Option<f64>], base: &mut [f64], sign: f64) -> String {
        let mut d = String::new();
        for (row, (value, base)) in values.iter().zip(base).enumerate() {
            if let Some(value) = value.filter(|value| *value > 0.0) {
                let from = self.y.position(*base);
                *base += sign * value;
                let _ = write!(d, "M{} {from}V{}", self.row_center(row), self.y.position(*base));
            }
        }
        d
    }
}

fn write_label(to: &mut Markup, (x, y): (i32, i32), anchor: &'static str, text: &str) {
    to.open("text").attr("class", "label").attr("x", x).attr("y", y);
    to.attr("text-anchor", anchor).text(text).close("text");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(shape: SeriesShape, values: &[Option<f64>]) -> ChartData {
        let first = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let labels = RowLabels::Days(first.iter_days().take(values.len()).collect());
        let series = vec![(shape, values.to_vec())];
        ChartData { labels, gaps: Vec::new(), marks: Vec::new(), series, low: 0.0, high: 10.0 }
    }

    /// A plot of 4 rows: 100 units per row, 10 units per value.
    fn plot(chart: &ChartData) -> Plot<'_> {
        let size = ChartSize {
            class: "wide",
            width: (MARGIN_LEFT + MARGIN_RIGHT + 400) / UNIT,
            height: (MARGIN_TOP + MARGIN_BOTTOM + 100) / UNIT,
            max_labels: 4,
        };
        Plot::new(chart, &size)
    }

    #[test]
    fn a_line_breaks_at_unknown_values_and_a_lone_value_is_a_point() {
        let values = [Some(1.0), None, Some(2.0), Some(10.0)];
        let chart = chart(SeriesShape::Line, &values);
        let path = plot(&chart).line_path(&values);
        assert_eq!(path, "M510 190L510 190M710 180L810 100");
        assert_eq!(plot(&chart).line_path(&[None; 4]), "");
    }

    #[test]
    fn bars_start_at_zero_or_on_the_bars_below() {
        let values = [Some(1.0), Some(0.0), None, Some(4.0)];
        let chart = chart(SeriesShape::StackedUp, &values);
        let mut base = vec![0.0; 4];
        assert_eq!(plot(&chart).bar_path(&values, &mut base, 1.0), "M510 200V190M810 200V160");
        let second = [Some(2.0), None, None, None];
        assert_eq!(plot(&chart).bar_path(&second, &mut base, 1.0), "M510 190V170");
        assert_eq!(base, [3.0, 0.0, 0.0, 4.0]);
    }

    #[test]
    fn a_mark_is_in_the_row_of_its_day() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let weeks = RowLabels::Days([2, 9, 16].map(day).into());
        let rows = [1, 2, 8, 9, 22, 23].map(|number| weeks.row_of(day(number)));
        assert_eq!(rows, [None, Some(0), Some(0), Some(1), Some(2), None]);
        let single = RowLabels::Days(vec![day(5)]);
        assert_eq!([4, 5, 6].map(|number| single.row_of(day(number))), [None, Some(0), None]);
        assert_eq!(RowLabels::Texts(vec!["a".into()]).row_of(day(1)), None);
    }

    #[test]
    fn marks_are_lines_with_a_text_on_the_side_with_room() {
        let mut chart = chart(SeriesShape::Line, &[Some(1.0); 4]);
        chart.marks = vec![(0, "<Start>".into()), (3, "End".into())];
        let mut to = Markup::default();
        plot(&chart).write_marks(&mut to);
        let drawn = to.finish();
        assert!(drawn.contains("<path class=\"mark\" d=\"M510 100V200\"></path>"), "{drawn}");
        assert!(drawn.contains("text-anchor=\"start\">&lt;Start&gt;<"), "{drawn}");
        assert!(drawn.contains("text-anchor=\"end\">End<"), "{drawn}");
    }

    #[test]
    fn series_after_the_third_have_its_class() {
        assert_eq!([0, 1, 2, 9].map(series_class), ["s1", "s2", "s3", "s3"]);
    }
}
