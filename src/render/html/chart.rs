//! Charts over time, as SVG that is drawn when the page is made: bars, lines, and shades behind the
//! days that the archive lacks.
//!
//! Owns: what of a grid is drawn, and where labels stand. Scales, ticks and lines are plotters', on
//! a canvas of our own. Must not know which report the rows are of, nor how anything looks.

use std::convert::Infallible;

use chrono::{Datelike, Days, NaiveDate};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::canvas::{Canvas, Ink, Marks, UNIT};
use super::markup::Markup;
use super::{ChartSeries, SeriesShape, column_numbers, group_digits};
use crate::grid::{Cell, Grid};
use crate::{Error, Result};

/// A size to draw in. Each chart is drawn twice, since a wide one that is shrunk to the width of a
/// telephone cannot be read; the style sheet shows one of them.
struct ChartSize {
    class: &'static str,
    width: u32,
    height: u32,
    /// How many labels there is room for from left to right.
    labels: usize,
}

const CHART_SIZES: [ChartSize; 2] = [
    ChartSize { class: "wide", width: 1040, height: 240, labels: 12 },
    ChartSize { class: "narrow", width: 340, height: 200, labels: 4 },
];

/// The size of letters on the canvas, in pixels; the style sheet has the same.
const FONT_SIZE: u32 = 11;

/// Draws the rows of a grid, in each size. A grid of no rows is not drawn.
pub fn draw(to: &mut Markup, grid: &Grid, series: &[ChartSeries]) -> Result<()> {
    let Some(plot) = ChartData::from_grid(grid, series) else { return Ok(()) };
    for frame in &CHART_SIZES {
        svg(to, &plot, frame)?;
    }
    Ok(())
}

/// What is drawn, taken out of the grid.
struct ChartData {
    days: Vec<NaiveDate>,
    /// Runs of rows that the archive lacks or holds in part: first, last, ink.
    gaps: Vec<(usize, usize, Ink)>,
    series: Vec<(SeriesShape, Vec<Option<f64>>)>,
    low: f64,
    high: f64,
}

impl ChartData {
    fn from_grid(grid: &Grid, series: &[ChartSeries]) -> Option<ChartData> {
        let days: Vec<NaiveDate> = dates(grid, "date")?;
        if days.is_empty() {
            return None;
        }
        let series: Vec<_> = series
            .iter()
            .map(|series| (series.shape, column_numbers(grid, series.column)))
            .collect();
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for at in 0..days.len() {
            let (mut up, mut down) = (0.0, 0.0);
            for (shape, values) in &series {
                let value = values.get(at).copied().flatten().unwrap_or(0.0);
                match shape {
                    SeriesShape::StackedUp => up += value,
                    SeriesShape::StackedDown => down += value,
                    SeriesShape::Bars | SeriesShape::Line => high = high.max(value),
                }
            }
            (low, high) = (low.min(-down), high.max(up));
        }
        // Room above, and for a few whole numbers: what is counted here has no halves.
        high = (high * 1.06).max(if low < 0.0 { 2.0 } else { 5.0 });
        low = if low < 0.0 { (low * 1.06).min(-2.0) } else { 0.0 };
        Some(ChartData { gaps: gaps(grid), days, series, low, high })
    }

    /// Where labels stand, and what they say: first days of months or of weeks.
    fn labels(&self, room: usize) -> Vec<(usize, String)> {
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else {
            return Vec::new();
        };
        if (*last - *first).num_days() < 70 {
            let every = self.days.len().div_ceil(room).max(1);
            let days = self.days.iter().enumerate().step_by(every);
            return days.map(|(at, day)| (at, day.format("%-d %b").to_string())).collect();
        }
        let month = |day: &NaiveDate| (day.year(), day.month());
        let starts: Vec<usize> = (1..self.days.len())
            .filter(|at| month(&self.days[*at]) != month(&self.days[*at - 1]))
            .collect();
        let fits = |step: &u32| starts.len() <= room * *step as usize;
        let step = [1, 2, 3, 6, 12].into_iter().find(fits).unwrap_or(12);
        let mut labels: Vec<(usize, String)> = Vec::new();
        for at in starts.into_iter().filter(|at| self.days[*at].month0().is_multiple_of(step)) {
            let day = &self.days[at];
            let has_year = labels.is_empty() || day.month() == 1;
            let form = if has_year { "%b %Y" } else { "%b" };
            labels.push((at, day.format(form).to_string()));
        }
        labels
    }
}

/// The days of a column, if every row has one.
fn dates(grid: &Grid, column: &str) -> Option<Vec<NaiveDate>> {
    let at = grid.columns.iter().position(|found| found.name == column)?;
    let day = |row: &Vec<Cell>| match row.get(at) {
        Some(Cell::Date { days }) if *days >= 0 => {
            NaiveDate::default().checked_add_days(Days::new(u64::from(days.unsigned_abs())))
        }
        _ => None,
    };
    grid.rows.iter().map(day).collect()
}

fn gaps(grid: &Grid) -> Vec<(usize, usize, Ink)> {
    let Some(column) = grid.columns.iter().position(|found| found.name == "status") else {
        return Vec::new();
    };
    let mut gaps: Vec<(usize, usize, Ink)> = Vec::new();
    for (at, row) in grid.rows.iter().enumerate() {
        let ink = match row.get(column) {
            Some(Cell::Text(verdict)) if verdict == "missing" => Ink::Missing,
            Some(Cell::Text(verdict)) if verdict != "complete" => Ink::Partial,
            _ => continue,
        };
        match gaps.last_mut() {
            Some((_, last, of)) if *last + 1 == at && *of == ink => *last = at,
            _ => gaps.push((at, at, ink)),
        }
    }
    gaps
}

fn svg(to: &mut Markup, plot: &ChartData, frame: &ChartSize) -> Result<()> {
    let size = (frame.width * UNIT, frame.height * UNIT);
    let mut marks = Marks::default();
    let area = Canvas { size, marks: &mut marks }.into_drawing_area();
    let drawn = paint(&area, plot, frame).map_err(|error| Error::internal(error.to_string()));
    drop(area);
    let (left, right) = drawn?;
    let (width, height) = size;
    to.open("svg").attr("class", frame.class);
    to.attr("viewBox", format_args!("0 0 {width} {height}"));
    to.attr("data-left", left).attr("data-right", right);
    to.attr("aria-hidden", "true").attr("focusable", "false");
    marks.write(to);
    to.open("path").attr("class", "cursor").attr("d", format_args!("M0 0V{height}"));
    to.close("path").close("svg");
    Ok(())
}

type ChartResult<T> = std::result::Result<T, DrawingAreaErrorKind<Infallible>>;

/// Draws, and gives the left and the right end of the rows on the canvas.
fn paint(
    area: &DrawingArea<Canvas<'_>, Shift>,
    plot: &ChartData,
    frame: &ChartSize,
) -> ChartResult<(i32, i32)> {
    let labels = plot.labels(frame.labels);
    let ticks: Vec<i32> = labels.iter().map(|(at, _)| x_position(*at)).collect();
    let end = x_position(plot.days.len()) - 1;
    let mut chart = ChartBuilder::on(area)
        .margin_top(10 * UNIT)
        .margin_right(16 * UNIT)
        .x_label_area_size(24 * UNIT)
        .y_label_area_size(46 * UNIT)
        .build_cartesian_2d((-1..end).with_key_points(ticks), plot.low..plot.high)?;

    for (first, last, ink) in &plot.gaps {
        let corners = [(x_position(*first) - 1, plot.low), (x_position(*last) + 1, plot.high)];
        chart.draw_series([Rectangle::new(corners, ink.colour().filled())])?;
    }
    let day = |x: &i32| {
        let found = labels.iter().find(|(at, _)| x_position(*at) == *x);
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    };
    // What is counted has no halves.
    let number = |y: &f64| match y.fract() == 0.0 {
        true => group_digits(&format!("{:.0}", y.abs())),
        false => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .axis_style(TRANSPARENT)
        .bold_line_style(Ink::Mesh.colour())
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", FONT_SIZE * UNIT, &Ink::Label.colour()))
        .set_all_tick_mark_size(6 * UNIT)
        .y_labels(5)
        .x_label_formatter(&day)
        .y_label_formatter(&number)
        .draw()?;
    let zero = vec![(-1, 0.0), (end, 0.0)];
    chart.draw_series([PathElement::new(zero, Ink::Axis.colour())])?;

    let range = chart.plotting_area().get_x_axis_pixel_range();
    let room = range.end.abs_diff(range.start);
    let bar = (f64::from(room) / plot.days.len().max(1) as f64 * 0.72).clamp(6.0, 220.0) as u32;
    let none = vec![0.0; plot.days.len()];
    let (mut above, mut below) = (none.clone(), none.clone());
    for (at, (shape, values)) in plot.series.iter().enumerate() {
        let ink = Ink::series(at);
        let bars = match shape {
            SeriesShape::Line => {
                for line in lines(values) {
                    chart.draw_series(LineSeries::new(line, ink.stroke_width(2 * UNIT)))?;
                }
                continue;
            }
            SeriesShape::Bars => bars(values, &mut none.clone(), 1.0),
            SeriesShape::StackedUp => bars(values, &mut above, 1.0),
            SeriesShape::StackedDown => bars(values, &mut below, -1.0),
        };
        let bar = ink.stroke_width(bar);
        chart.draw_series(bars.into_iter().map(|ends| PathElement::new(ends, bar)))?;
    }
    Ok((range.start, range.end))
}

/// The lines through all values: one ends where a value is not known. A value between two that are
/// not known is a line of no length, which round ends make a point.
fn lines(values: &[Option<f64>]) -> Vec<Vec<(i32, f64)>> {
    let mut lines: Vec<Vec<(i32, f64)>> = vec![Vec::new()];
    for (at, value) in values.iter().enumerate() {
        match (value, lines.last_mut()) {
            (Some(value), Some(line)) => line.push((x_position(at), *value)),
            (None, Some(line)) if !line.is_empty() => lines.push(Vec::new()),
            _ => {}
        }
    }
    for line in &mut lines {
        if let [only] = line[..] {
            line.push(only);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The ends of bars on what stands there already. A bar of no height is none.
fn bars(values: &[Option<f64>], stand: &mut [f64], sign: f64) -> Vec<Vec<(i32, f64)>> {
    let mut bars = Vec::new();
    for (at, (value, base)) in values.iter().zip(stand).enumerate() {
        if let Some(value) = value.filter(|value| *value > 0.0) {
            let begin = *base;
            *base += sign * value;
            bars.push(vec![(x_position(at), begin), (x_position(at), *base)]);
        }
    }
    bars
}

/// Where a row stands from left to right: two steps each, so that there are places between.
fn x_position(row: usize) -> i32 {
    i32::try_from(row).map_or(i32::MAX - 1, |row| row.saturating_mul(2))
}
