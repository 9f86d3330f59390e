//! Renders the chart of a result as one SVG picture for slides: title, period, legend, chart, and
//! the coverage and remarks below.

use super::html::{LegendEntry, Markup, ReportChart, format_period, picture_style};
use super::input::{RenderInput, Renderer};
use super::{text, text_width};
use crate::{Error, Result};

/// The width of the picture in pixels.
const WIDTH: u32 = 1600;
/// The height of the picture in pixels. It grows only if the sentences take too many lines.
const HEIGHT: u32 = 900;
/// The margin on all sides, in pixels.
const MARGIN: u32 = 60;
/// The number of pixels of the picture in a pixel of the chart, so that its labels are readable.
const SCALE: f64 = 1.8;
/// The number of pixels of the picture in a unit of the chart.
const UNIT_SCALE: f64 = SCALE / 10.0;
/// The smallest height of the chart in pixels of the picture.
const MIN_CHART_HEIGHT: u32 = 480;

/// The heights of lines of text, in pixels.
const TITLE_LINE: u32 = 48;
const NOTE_LINE: u32 = 27;
/// The numbers of characters in a line of text.
const TITLE_CHARS: usize = 70;
const NOTE_CHARS: usize = 150;

/// The size of the color of a legend entry, and the width of a character of its label, in pixels.
const SWATCH: u32 = 18;
const LEGEND_CHAR: u32 = 11;
/// The space around the labels of a legend, in pixels.
const LEGEND_GAP: u32 = 26;

/// The SVG format.
pub struct Svg {
    /// True for light shapes on a dark page.
    pub is_dark: bool,
}

impl Renderer for Svg {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        if input.chart.is_none() {
            return Err(Error::Usage(
                "this result has no chart; use another format, or a report with a chart".to_owned(),
            ));
        }
        let chart = ReportChart::new(input);
        let frame = Frame::new(input, chart.as_ref());
        let mut to = Markup::default();
        frame.write(&mut to, chart.as_ref(), self.is_dark);
        Ok(to.finish().into_bytes())
    }
}

/// The texts around the chart.
struct Frame {
    title: Vec<String>,
    period: String,
    legend: Vec<LegendEntry>,
    notes: Vec<String>,
}

impl Frame {
    fn new(input: &RenderInput<'_>, chart: Option<&ReportChart>) -> Frame {
        let zone = input.time_zone.name();
        let mut sentences: Vec<String> = chart.map(|chart| chart.notes.clone()).unwrap_or_default();
        sentences.extend(input.remarks.iter().cloned());
        let (mut title, mut period) = (String::new(), String::new());
        if let Some(context) = input.context {
            title.clone_from(&context.title);
            if let (Some(since), Some(until)) = (context.since, context.until) {
                period = format!("{}, {zone}", format_period(since, until));
            }
            let [_, coverage, excluded] = text::context_sentences(context, zone);
            sentences.extend([coverage, excluded]);
        }
        Frame {
            title: text_width::wrap(&title, TITLE_CHARS),
            period,
            legend: chart.map(|chart| chart.legend.clone()).unwrap_or_default(),
            notes: text_width::flow_sentences(&sentences, NOTE_CHARS),
        }
    }

    fn write(&self, to: &mut Markup, chart: Option<&ReportChart>, is_dark: bool) {
        let title_height = TITLE_LINE * self.title.len() as u32;
        let period_at = MARGIN + title_height + NOTE_LINE / 2;
        let legend_at = period_at + NOTE_LINE + LEGEND_GAP / 2;
        let chart_at = legend_at + LEGEND_GAP;
        let notes_height = NOTE_LINE * self.notes.len() as u32;
        let around = chart_at + notes_height + MARGIN + LEGEND_GAP;
        let chart_height = HEIGHT.saturating_sub(around).max(MIN_CHART_HEIGHT);
        let height = around + chart_height;
        to.open("svg").attr("xmlns", "http://www.w3.org/2000/svg").attr("class", "plot");
        to.attr("viewBox", format_args!("0 0 {WIDTH} {height}"));
        to.attr("width", WIDTH).attr("height", height).attr("role", "img");
        to.element("title", self.title.join(" ")).element("desc", self.notes.join(" "));
        to.element("style", picture_style(is_dark));
        to.open("rect").attr("class", "page").attr("width", WIDTH).attr("height", height);
        to.close("rect");
        for (line, text) in self.title.iter().enumerate() {
            write_line(to, "title", MARGIN + TITLE_LINE * line as u32 + TITLE_LINE / 2, text);
        }
        write_line(to, "note", period_at, &self.period);
        self.write_legend(to, legend_at);
        if let Some(chart) = chart {
            let pixels = [WIDTH - 2 * MARGIN, chart_height];
            let [wide, high] = pixels.map(|pixels| (f64::from(pixels) / SCALE) as u32);
            to.open("g").attr(
                "transform",
                format_args!("translate({MARGIN} {chart_at}) scale({UNIT_SCALE})"),
            );
            chart.write(to, (wide, high));
            to.close("g");
        }
        let first = height - MARGIN - notes_height + NOTE_LINE;
        for (line, text) in self.notes.iter().enumerate() {
            write_line(to, "note", first + NOTE_LINE * line as u32, text);
        }
        to.close("svg").raw("\n");
    }

    fn write_legend(&self, to: &mut Markup, y: u32) {
        let mut x = MARGIN;
        for entry in &self.legend {
            let (top, bottom, middle) = (y - SWATCH, y, y - SWATCH / 2);
            to.open("path");
            if entry.is_stroke {
                to.attr("class", format_args!("{} bar-shape", entry.class));
                to.attr("stroke-width", SWATCH / 2);
                to.attr("d", format_args!("M{x} {middle}h{SWATCH}"));
            } else {
                to.attr("class", entry.class);
                to.attr("d", format_args!("M{x} {top}h{SWATCH}V{bottom}h-{SWATCH}Z"));
            }
            to.close("path");
            x += SWATCH + LEGEND_GAP / 3;
            to.open("text").attr("class", "note").attr("x", x).attr("y", y - 2);
            to.text(&entry.label).close("text");
            x += entry.label.chars().count() as u32 * LEGEND_CHAR + LEGEND_GAP;
        }
    }
}

fn write_line(to: &mut Markup, class: &'static str, y: u32, text: &str) {
    to.open("text").attr("class", class).attr("x", MARGIN).attr("y", y);
    to.text(text).close("text");
}

#[cfg(test)]
mod tests {
    use super::super::tests::{sample_context, sample_grid};
    use super::*;
    use crate::grid::{Chart, Grid};
    use crate::render::{OutputFormat, render};

    fn picture(grid: &Grid, chart: Option<&Chart>, format: OutputFormat) -> Result<String> {
        let (context, remarks) = (sample_context(), ["A & <b>.".to_owned()]);
        let input = RenderInput {
            grid,
            chart,
            context: Some(&context),
            remarks: &remarks,
            time_zone: chrono_tz::UTC,
            width: 80,
        };
        Ok(String::from_utf8(render(&input, format)?).unwrap())
    }

    #[test]
    fn pictures_have_the_title_the_period_and_the_coverage() {
        let chart = Chart::Bars { value: "rank".into() };
        let svg = picture(&sample_grid(), Some(&chart), OutputFormat::Svg).unwrap();
        for text in [
            ">Most viewed reports</text>",
            ">1 Mar – 31 Mar 2026, UTC</text>",
            "Coverage: 28 of 31 days complete (1 partial, 1 truncated, 1 missing).",
            "Excluded: 720 automated API events",
            "A &amp; &lt;b&gt;.",
            ">売上レポート</text>",
            "viewBox=\"0 0 1600 900\"",
        ] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        let parsed = svg.matches('<').count();
        assert_eq!(parsed, svg.matches('>').count(), "{svg}");
    }

    #[test]
    fn themes_differ_in_colors_only_and_leave_no_variable() {
        let chart = Chart::Bars { value: "rank".into() };
        let drawn = |format| picture(&sample_grid(), Some(&chart), format).unwrap();
        let [light, dark] = [OutputFormat::Svg, OutputFormat::DarkSvg].map(drawn);
        assert!(light.contains(".page { fill: #ffffff; }"), "{light}");
        assert!(dark.contains(".page { fill: #1b1e22; }"), "{dark}");
        for svg in [&light, &dark] {
            assert!(!svg.contains("var(") && !svg.contains("light-dark("), "{svg}");
        }
        let shapes = |svg: &str| svg.split_once("</style>").unwrap().1.to_owned();
        assert_eq!(shapes(&light), shapes(&dark));
    }

    #[test]
    fn no_rows_are_a_picture_with_the_reason_and_no_chart_is_an_error() {
        let (chart, none) = (Chart::Bars { value: "rank".into() }, Grid::default());
        let svg = picture(&none, Some(&chart), OutputFormat::Svg).unwrap();
        assert!(svg.contains("A &amp; &lt;b&gt;.") && !svg.contains("<g"), "{svg}");
        let error = picture(&sample_grid(), None, OutputFormat::Svg).unwrap_err().to_string();
        assert!(error.contains("this result has no chart"), "{error}");
    }
}
