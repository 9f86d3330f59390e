//! Writes the parts that all pages share, and the page of one report: head, header, sections,
//! panels and charts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use super::document::{ChartSeries, Document, Panel, PanelKind, Section, SeriesShape};
use super::markup::Markup;
use super::report_chart::ReportChart;
use super::values::{column_texts, format_period};
use super::{chart, cohorts, heatmap, table};
use crate::grid::{Chart, Grid};
use crate::render::input::{Mark, RenderInput, ReportContext};
use crate::render::text;
use crate::render::text_width::printable;

const CHART_STYLE: &str = include_str!("chart.css");
pub(super) const STYLE: &str = concat!(include_str!("chart.css"), include_str!("dashboard.css"));
const PICTURE_STYLE: &str = include_str!("picture.css");
pub(super) const SCRIPT: &str = concat!(include_str!("page.js"), include_str!("panels.js"));
pub(super) const DASHBOARD_SCRIPT: &str =
    concat!(include_str!("page.js"), include_str!("panels.js"), include_str!("explore.js"));

/// The largest number of characters of a remark.
pub(super) const MAX_REMARK_CHARS: usize = 500;

/// Tables with more rows may break across pages of paper.
const MAX_ROWS_ON_ONE_PAGE: usize = 16;

const FOOTER: &str = "Created by pbi-analyze from Power BI activity logs. This page works offline \
    and sends no data.";

/// Renders a page of one report as HTML. The same document gives the same bytes.
pub fn render_page(document: &Document) -> Vec<u8> {
    let mut markup = Markup::default();
    let to = &mut markup;
    let title = format!("{}, {}", document.title, period_text(&document.context));
    open_page(to, &title, Some(SCRIPT), "");
    write_header(to, document);
    to.open("main").attr("id", "main");
    let shared = SharedContext { context: &document.context, time_zone: document.time_zone };
    for section in &document.sections {
        write_section(to, section, shared);
    }
    to.close("main");
    close_page(to, Some(SCRIPT));
    markup.finish().into_bytes()
}

/// The context that all panels of a page or view share.
#[derive(Clone, Copy)]
pub(super) struct SharedContext<'c> {
    pub(super) context: &'c ReportContext,
    pub(super) time_zone: Tz,
}

/// Opens the page and its body, with the class of a page that the program itself prints.
pub(super) fn open_page(to: &mut Markup, title: &str, script: Option<&str>, class: &'static str) {
    to.raw("<!doctype html>\n").open("html").attr("lang", "en");
    write_head(to, title, script);
    to.open("body");
    if !class.is_empty() {
        to.attr("class", class);
    }
    to.open("a").attr("class", "skip").attr("href", "#main").text("Skip to content").close("a");
}

/// Closes the body and the page, after the elements that the script needs.
pub(super) fn close_page(to: &mut Markup, script: Option<&'static str>) {
    to.open("footer").element("p", FOOTER).close("footer");
    if let Some(script) = script {
        to.open("div").attr("id", "tip").flag("hidden").close("div");
        to.open("p")
            .attr("id", "announcer")
            .attr("class", "visually-hidden")
            .attr("role", "status")
            .close("p");
        to.open("script").raw(script).close("script");
    }
    to.close("body").close("html").raw("\n");
}

/// Returns the style sheet of a picture: that of the charts, with the colors of one theme in place
/// of variables, which not all programs that show SVG know.
pub(in crate::render) fn picture_style(is_dark: bool) -> String {
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
pub(super) fn csp_digest(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
}

fn write_head(to: &mut Markup, title: &str, script: Option<&str>) {
    let script = script.map_or_else(|| "'none'".to_owned(), csp_digest);
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {script}; base-uri 'none'; \
         form-action 'none'",
        csp_digest(STYLE)
    );
    to.open("head").open("meta").attr("charset", "utf-8");
    to.open("meta").attr("http-equiv", "Content-Security-Policy").attr("content", policy);
    to.open("meta").attr("name", "viewport");
    to.attr("content", "width=device-width, initial-scale=1");
    to.open("meta").attr("name", "color-scheme").attr("content", "light dark");
    to.open("meta").attr("name", "referrer").attr("content", "no-referrer");
    to.element("title", title);
    to.open("style").raw(STYLE).close("style");
    to.close("head");
}

pub(super) fn period_text(context: &ReportContext) -> String {
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
    write_switch(to, "theme", "Color theme", &THEMES, "auto");
    to.close("header");
    write_navigation(to, document.sections.iter());
}

/// The color themes.
pub(super) const THEMES: [(&str, &str); 3] =
    [("auto", "Auto"), ("light", "Light"), ("dark", "Dark")];

/// Writes a choice of one of several options. It works without the script: only the style sheet
/// reads it.
pub(super) fn write_switch<L: std::fmt::Display>(
    to: &mut Markup,
    name: &'static str,
    legend: &'static str,
    options: &[(&'static str, L)],
    chosen: &str,
) {
    to.open("fieldset").attr("class", format_args!("switch {name}"));
    to.element_with_class("legend", "visually-hidden", legend);
    for (option, label) in options {
        to.open("input").attr("type", "radio").attr("name", name);
        to.attr("id", format_args!("{name}-{option}"));
        if *option == chosen {
            to.flag("checked");
        }
        to.open("label").attr("for", format_args!("{name}-{option}")).text(label).close("label");
    }
    to.close("fieldset");
}

pub(super) fn write_navigation<'s>(to: &mut Markup, sections: impl Iterator<Item = &'s Section>) {
    to.open("nav").attr("aria-label", "Sections").open("ul");
    for section in sections {
        to.open("li").open("a").attr("href", format_args!("#{}", section.id));
        to.text(&section.tab).close("a").close("li");
    }
    to.close("ul").close("nav");
}

pub(super) fn write_section(to: &mut Markup, section: &Section, shared: SharedContext<'_>) {
    let (title, has_titles) = match &section.panels[..] {
        [only] => (only.title_id(), false),
        _ => (format!("{}-part", section.id), true),
    };
    to.open("section").attr("id", &section.id).attr("aria-labelledby", &title);
    to.open("h2").attr("id", &title).text(&section.title).close("h2");
    write_panels(to, &section.panels, has_titles, shared);
    to.close("section");
}

pub(super) fn write_panels(
    to: &mut Markup,
    panels: &[Panel],
    has_titles: bool,
    shared: SharedContext<'_>,
) {
    to.open("div").attr("class", "panels");
    for panel in panels {
        to.open("div").attr("class", panel_class(panel)).attr("id", &panel.id);
        if has_titles {
            to.open("h3").attr("id", panel.title_id()).text(&panel.title).close("h3");
        }
        write_panel(to, panel, shared);
        to.close("div");
    }
    to.close("div");
}

fn panel_class(panel: &Panel) -> String {
    let is_long = match panel.kind {
        PanelKind::Table | PanelKind::Sparklines(_) => panel.grid.rows.len() > MAX_ROWS_ON_ONE_PAGE,
        PanelKind::Calendar => true,
        _ => false,
    };
    let classes = ["panel", panel.class, if is_long { "long" } else { "" }];
    classes.into_iter().filter(|class| !class.is_empty()).collect::<Vec<_>>().join(" ")
}

fn write_panel(to: &mut Markup, panel: &Panel, shared: SharedContext<'_>) {
    if !panel.lead.is_empty() {
        to.element_with_class("p", "lead", &panel.lead);
    }
    if panel.grid.rows.is_empty() {
        to.element_with_class("p", "none", &panel.empty_text);
        return;
    }
    match &panel.kind {
        PanelKind::Table => table::write_table(to, panel, None, shared.time_zone),
        PanelKind::Sparklines(sparks) => {
            table::write_table(to, panel, Some(sparks), shared.time_zone);
        }
        PanelKind::WeekHeatmap => heatmap::write_week(to, panel),
        PanelKind::Calendar => heatmap::write_calendar(to, panel),
        PanelKind::Cohorts => cohorts::write_cohorts(to, panel),
        PanelKind::Picture(chart) => write_picture(to, panel, chart, shared),
        PanelKind::Chart(series) => write_chart(to, panel, series, shared),
    }
}

/// Writes a chart with its legend, and its values as a table.
fn write_chart(to: &mut Markup, panel: &Panel, series: &[ChartSeries], shared: SharedContext<'_>) {
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
    chart::draw(to, &panel.grid, series, &shared.context.marks);
    to.close("div");
    write_marks(to, &panel.grid, &shared.context.marks);
    to.open("details").element("summary", "Show values as a table");
    table::write_table(to, panel, None, shared.time_zone);
    to.close("details");
}

/// Lists the marked days of a chart, whose texts are shortened there and are not read out, and
/// counts the days that the chart does not contain.
fn write_marks(to: &mut Markup, grid: &Grid, marks: &[Mark]) {
    if marks.is_empty() {
        return;
    }
    let drawn = chart::drawn_marks(grid, marks);
    to.open("ul").attr("class", "marks").attr("aria-label", "Marked days");
    for mark in &drawn {
        to.open("li").text(format_args!("{}: ", mark.day.format("%-d %B %Y")));
        to.isolated_text(&printable(&mark.label), MAX_REMARK_CHARS).close("li");
    }
    let (all, outside) = (marks.len(), marks.len() - drawn.len());
    if outside > 0 {
        let verb = if outside == 1 { "is" } else { "are" };
        let days = if all == 1 { "day" } else { "days" };
        to.open("li").attr("class", "outside");
        to.text(format_args!("{outside} of {all} marked {days} {verb} outside this chart."));
        to.close("li");
    }
    to.close("ul");
}

/// The sizes of the chart of a report, with the class that shows it: wide, and for a phone.
const PICTURE_SIZES: [(&str, u32, u32); 2] = [("wide", 1040, 380), ("narrow", 340, 380)];

/// Writes the chart of a report with its legend and notes. Its values are in another panel.
fn write_picture(to: &mut Markup, panel: &Panel, chart: &Chart, shared: SharedContext<'_>) {
    let input = RenderInput {
        grid: &panel.grid,
        chart: Some(chart),
        context: Some(shared.context),
        remarks: &[],
        time_zone: shared.time_zone,
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
