//! Renders several results as one HTML page that needs no network, no other file and no script.
//!
//! The script only adds sorting, filtering and tooltips. The content security policy in the head
//! lets the browser load nothing, and run and apply only the script and the style sheet of the
//! page, by their digests.

mod axis;
mod chart;
mod document;
mod heatmap;
mod markup;
mod report_chart;
mod table;
mod values;

pub use document::{
    ChartSeries, ColumnStyle, ColumnView, Document, FigureChange, KeyFigure, Panel, PanelKind,
    Section, SeriesShape, Sparklines,
};
pub(super) use markup::Markup;
pub(super) use report_chart::{LegendEntry, ReportChart};
pub use values::format_period;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::grid::Chart;
use crate::render::input::{RenderInput, ReportContext};
use crate::render::text;
use values::{column_texts, format_number, format_optional};

const CHART_STYLE: &str = include_str!("chart.css");
const STYLE: &str = concat!(include_str!("chart.css"), include_str!("dashboard.css"));
const PICTURE_STYLE: &str = include_str!("picture.css");
const SCRIPT: &str = include_str!("dashboard.js");

/// The largest number of characters of a remark.
const MAX_REMARK_CHARS: usize = 500;

/// Tables with more rows may break across pages of paper.
const MAX_ROWS_ON_ONE_PAGE: usize = 16;

const FOOTER: &str = "Created by pbi-analyze from Power BI activity logs. This page works offline \
    and sends no data.";

/// Renders the page as HTML. The same document gives the same bytes.
pub fn render_page(document: &Document) -> Vec<u8> {
    let mut markup = Markup::default();
    let to = &mut markup;
    to.raw("<!doctype html>\n").open("html").attr("lang", "en");
    write_head(to, document);
    to.open("body");
    to.open("a").attr("class", "skip").attr("href", "#main").text("Skip to content").close("a");
    write_header(to, document);
    to.open("main").attr("id", "main");
    write_key_figures(to, document);
    for section in &document.sections {
        write_section(to, section, document);
    }
    to.close("main");
    to.open("footer").element("p", FOOTER).close("footer");
    to.open("div").attr("id", "tip").flag("hidden").close("div");
    to.open("p")
        .attr("id", "announcer")
        .attr("class", "visually-hidden")
        .attr("role", "status")
        .close("p");
    to.open("script").raw(SCRIPT).close("script");
    to.close("body").close("html").raw("\n");
    markup.finish().into_bytes()
}

/// Returns the style sheet of a picture: that of the charts, with the colors of one theme in place
/// of variables, which not all programs that show SVG know.
pub(super) fn picture_style(is_dark: bool) -> String {
    let mut style = format!("{CHART_STYLE}{PICTURE_STYLE}");
    let colors = STYLE.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": light-dark(")?;
        let (light, dark) = value.strip_suffix(");")?.split_once(", ")?;
        Some((name, if is_dark { dark } else { light }))
    });
    for (name, color) in colors {
        style = style.replace(&format!("var(--{name})"), color);
    }
    style
}

/// Returns the digest of a text in the form of a content security policy.
fn csp_digest(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
}

fn write_head(to: &mut Markup, document: &Document) {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        csp_digest(STYLE),
        csp_digest(SCRIPT)
    );
    to.open("head").open("meta").attr("charset", "utf-8");
    to.open("meta").attr("http-equiv", "Content-Security-Policy").attr("content", policy);
    to.open("meta").attr("name", "viewport");
    to.attr("content", "width=device-width, initial-scale=1");
    to.open("meta").attr("name", "color-scheme").attr("content", "light dark");
    to.open("meta").attr("name", "referrer").attr("content", "no-referrer");
    to.element("title", format_args!("{}, {}", document.title, period_text(&document.context)));
    to.open("style").raw(STYLE).close("style");
    to.close("head");
}

fn period_text(context: &ReportContext) -> String {
    match (context.since, context.until) {
        (Some(since), Some(until)) => format_period(since, until),
        _ => "no data".to_owned(),
    }
}

fn write_header(to: &mut Markup, document: &Document) {
    to.open("header").element("h1", &document.title);
    let [_, sentences @ ..] = text::context_sentences(&document.context, document.time_zone.name());
    to.open("p").attr("class", "period").text(period_text(&document.context));
    to.element_with_class("span", "zone", document.time_zone.name()).close("p");
    to.open("p").attr("class", "context").text(sentences.join(" ")).close("p");
    if !document.remarks.is_empty() {
        to.open("ul").attr("class", "remarks");
        for remark in &document.remarks {
            to.open("li").isolated_text(remark, MAX_REMARK_CHARS).close("li");
        }
        to.close("ul");
    }
    // The switch works without the script: only the style sheet reads it.
    to.open("fieldset").attr("class", "theme").element_with_class(
        "legend",
        "visually-hidden",
        "Color theme",
    );
    for (name, label) in [("auto", "Auto"), ("light", "Light"), ("dark", "Dark")] {
        to.open("input").attr("type", "radio").attr("name", "theme");
        to.attr("id", format_args!("theme-{name}"));
        if name == "auto" {
            to.flag("checked");
        }
        to.open("label").attr("for", format_args!("theme-{name}")).text(label).close("label");
    }
    to.close("fieldset").close("header");
    to.open("nav").attr("aria-label", "Sections").open("ul");
    for section in &document.sections {
        to.open("li").open("a").attr("href", format_args!("#{}", section.id));
        to.text(&section.tab).close("a").close("li");
    }
    to.close("ul").close("nav");
}

fn write_key_figures(to: &mut Markup, document: &Document) {
    if document.figures.is_empty() {
        return;
    }
    to.open("section").attr("class", "figures").attr("aria-label", "Key figures").open("ul");
    for figure in &document.figures {
        to.open("li").attr("data-figure", figure.name);
        to.attr("data-v", figure.value.map_or_else(String::new, |value| value.to_string()));
        if let Some(change) = figure.change {
            to.attr("data-compared", change.value).attr("data-previous", change.previous);
        }
        to.element_with_class("span", "label", figure.label).text(" ");
        to.element_with_class("strong", "value", format_optional(figure.value)).text(" ");
        if let Some(change) = figure.change {
            write_change(to, change, figure.value);
        }
        to.element_with_class("span", "note", &figure.note).close("li");
    }
    to.close("ul").close("section");
}

/// Writes the change in percent, and the compared numbers: the later one only if it is not the
/// number of the whole period.
fn write_change(to: &mut Markup, change: FigureChange, shown: Option<f64>) {
    let FigureChange { value, previous } = change;
    to.open("span").attr("class", "change");
    if previous > 0.0 {
        let percent = ((value - previous) * 100.0 / previous).round();
        let (sign, direction) = match percent {
            p if p > 0.0 => ("▲ ", " more, "),
            p if p < 0.0 => ("▼ ", " less, "),
            _ => ("", " change, "),
        };
        to.open("span").attr("aria-hidden", "true").text(sign).close("span");
        to.text(format_args!("{} %", format_number(percent.abs())));
        to.element_with_class("span", "visually-hidden", direction).text(" ");
    }
    let [before, after] = [previous, value].map(format_number);
    let numbers = if shown == Some(value) {
        format!("from {before}")
    } else {
        format!("from {before} to {after}")
    };
    to.element_with_class("span", "before", numbers);
    to.close("span").text(" ");
}

fn write_section(to: &mut Markup, section: &Section, document: &Document) {
    let (title, has_titles) = match &section.panels[..] {
        [only] => (only.title_id(), false),
        _ => (format!("{}-part", section.id), true),
    };
    to.open("section").attr("id", &section.id).attr("aria-labelledby", &title);
    to.open("h2").attr("id", &title).text(&section.title).close("h2");
    to.open("div").attr("class", "panels");
    for panel in &section.panels {
        to.open("div").attr("class", panel_class(panel)).attr("id", &panel.id);
        if has_titles {
            to.open("h3").attr("id", panel.title_id()).text(&panel.title).close("h3");
        }
        write_panel(to, panel, document);
        to.close("div");
    }
    to.close("div");
    if !section.limits.is_empty() {
        to.open("div").attr("class", "limits").element("h3", "Limitations");
        to.open("ul");
        for limit in &section.limits {
            to.element("li", limit);
        }
        to.close("ul").close("div");
    }
    to.close("section");
}

fn panel_class(panel: &Panel) -> &'static str {
    match panel.kind {
        PanelKind::Table | PanelKind::Sparklines(_)
            if panel.grid.rows.len() > MAX_ROWS_ON_ONE_PAGE =>
        {
            "panel long"
        }
        PanelKind::Calendar => "panel long",
        _ => "panel",
    }
}

fn write_panel(to: &mut Markup, panel: &Panel, document: &Document) {
    if !panel.lead.is_empty() {
        to.element_with_class("p", "lead", &panel.lead);
    }
    if panel.grid.rows.is_empty() {
        to.element_with_class("p", "none", &panel.empty_text);
        return;
    }
    match &panel.kind {
        PanelKind::Table => table::write_table(to, panel, None, document.time_zone),
        PanelKind::Sparklines(sparks) => {
            table::write_table(to, panel, Some(sparks), document.time_zone)
        }
        PanelKind::WeekHeatmap => heatmap::write_week(to, panel),
        PanelKind::Calendar => heatmap::write_calendar(to, panel),
        PanelKind::Picture(chart) => write_picture(to, panel, chart, document),
        PanelKind::Chart(series) => write_chart(to, panel, series, document),
    }
}

/// Writes a chart with its legend, and its values as a table.
fn write_chart(to: &mut Markup, panel: &Panel, series: &[ChartSeries], document: &Document) {
    to.open("ul").attr("class", "legend");
    for (at, one) in series.iter().enumerate() {
        let shape = match one.shape {
            SeriesShape::Line => "line",
            _ => "block",
        };
        to.open("li")
            .open("span")
            .attr("class", format_args!("{shape} {}", chart::series_class(at)));
        to.close("span").text(&one.title).close("li");
    }
    let statuses = column_texts(&panel.grid, "status");
    for (class, label, matches) in [
        ("missing", "Missing", (|status| status == "missing") as fn(&str) -> bool),
        ("partial", "Partial", |status| status == "partial" || status == "truncated"),
    ] {
        if statuses.iter().any(|status| matches(status)) {
            to.open("li").open("span").attr("class", format_args!("area {class}")).close("span");
            to.text(label).close("li");
        }
    }
    to.close("ul");
    to.open("div").attr("class", "plot").attr("role", "img");
    to.attr("aria-label", table::describe_chart(panel, series));
    to.attr("data-rows", format_args!("{}-rows", panel.id));
    let columns: Vec<&str> = series.iter().map(|one| one.column.as_ref()).collect();
    to.attr("data-columns", columns.join(" "));
    chart::draw(to, &panel.grid, series, &document.context.marks);
    to.close("div");
    to.open("details").element("summary", "Show values as a table");
    table::write_table(to, panel, None, document.time_zone);
    to.close("details");
}

/// The sizes of the chart of a report, with the class that shows it: wide, and for a phone.
const PICTURE_SIZES: [(&str, u32, u32); 2] = [("wide", 1040, 380), ("narrow", 340, 380)];

/// Writes the chart of a report with its legend and notes. Its values are in another panel.
fn write_picture(to: &mut Markup, panel: &Panel, chart: &Chart, document: &Document) {
    let input = RenderInput {
        grid: &panel.grid,
        chart: Some(chart),
        context: Some(&document.context),
        remarks: &[],
        time_zone: document.time_zone,
        width: 0,
    };
    let Some(chart) = ReportChart::new(&input) else {
        to.element_with_class("p", "none", &panel.empty_text);
        return;
    };
    to.open("ul").attr("class", "legend");
    for entry in &chart.legend {
        let shape = if entry.is_stroke { "block" } else { "area" };
        to.open("li").open("span").attr("class", format_args!("{shape} {}", entry.class));
        to.close("span").text(&entry.label).close("li");
    }
    to.close("ul").open("div").attr("class", "plot").attr("role", "img");
    to.attr("aria-label", format_args!("{}. The table has all values.", panel.title));
    for (class, width, height) in PICTURE_SIZES {
        to.open("svg").attr("class", class);
        to.attr("viewBox", format_args!("0 0 {} {}", width * chart::UNIT, height * chart::UNIT));
        to.attr("aria-hidden", "true").attr("focusable", "false");
        chart.write(to, (width, height));
        to.close("svg");
    }
    to.close("div");
    if !chart.notes.is_empty() {
        to.element_with_class("p", "more", chart.notes.join(" "));
    }
}

#[cfg(test)]
mod tests;
