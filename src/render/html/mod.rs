//! Several answers on one page of HTML that needs nothing else: no network, no other file, and no
//! script to be read. What the script adds - sorting, filtering, values where the mouse is - is
//! added to a page that is whole without it.
//!
//! Owns: how the page is built and how it looks; the style sheet and the script are the files
//! beside. All data is escaped in [`markup`]. The policy in the page's head lets the browser load
//! nothing, and run and apply only what has the digests of the two files. Must not know where the
//! answers come from or what they mean: which columns are shown and what is drawn of them is told.

mod canvas;
mod chart;
mod heatmap;
mod markup;
mod table;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::grid::{Cell, Grid};

use crate::render::text::group_digits;
use crate::render::{ReportContext, text};
use canvas::Ink;
use markup::Markup;

const STYLE: &str = include_str!("dashboard.css");
const SCRIPT: &str = include_str!("dashboard.js");

/// A page of answers.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it is about.
    pub title: String,
    /// What all of its answers rest on.
    pub context: ReportContext,
    /// The zone in which instants are shown.
    pub time_zone: Tz,
    /// What was asked for beside the period, in words; what the reader should know before all else.
    pub remarks: Vec<String>,
    /// The figures at the top.
    pub figures: Vec<KeyFigure>,
    /// The parts of the page.
    pub sections: Vec<Section>,
}

/// One number, and how it was before.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyFigure {
    /// Its name, for those that look for it.
    pub name: &'static str,
    /// What it counts.
    pub label: &'static str,
    /// The number, where it is known.
    pub value: Option<f64>,
    /// The number of the period before.
    pub previous: Option<f64>,
    /// What is to be said of it in place of how it changed.
    pub note: String,
}

/// A part of the page.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its name in addresses.
    pub id: &'static str,
    /// Its name in the list of parts.
    pub tab: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it shows. Where that is one panel, its title and the section's are one.
    pub panels: Vec<Panel>,
    /// What its figures cannot tell.
    pub limits: Vec<String>,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Its name in addresses.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it answers, or how it is to be read.
    pub lead: String,
    /// The report that the rows are from.
    pub report: String,
    /// The parameters that were set, as `name=value`.
    pub params: Vec<String>,
    /// The rows that are shown, with all columns of the report.
    pub grid: Grid,
    /// How many rows there are.
    pub total_rows: usize,
    /// The columns that are shown.
    pub columns: Vec<ColumnView>,
    /// How they are shown.
    pub kind: PanelKind,
    /// What stands there where there are no rows.
    pub empty_text: String,
}

/// A column that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnView {
    /// Its name in the grid.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// How it looks.
    pub style: ColumnStyle,
}

/// How a column looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnStyle {
    /// As its kind has it.
    Plain,
    /// The same, and left out on a telephone.
    HiddenOnPhone,
    /// The same, and left out on a telephone and on paper.
    HiddenOnPhoneAndPaper,
    /// A part of a hundred, with a bar.
    Percent,
}

/// How an answer is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum PanelKind {
    /// As a table.
    Table,
    /// As a table in which each row ends in a small line through these values.
    Sparklines(Sparklines),
    /// Over time; the table is behind it.
    Chart(Vec<ChartSeries>),
    /// A plane of `views_per_day` over hours by weekdays.
    WeekHeatmap,
    /// A calendar of verdicts.
    Calendar,
}

/// Small lines, one for each row that has one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sparklines {
    /// What they show.
    pub title: &'static str,
    /// The report that the values are from.
    pub report: &'static str,
    /// The parameters that were set for it, as `name=value`.
    pub param: &'static str,
    /// The values.
    pub rows: Vec<Vec<Option<f64>>>,
}

/// What is drawn of a column over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartSeries {
    /// The column.
    pub column: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// How it is drawn.
    pub shape: SeriesShape,
}

/// How values over time are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesShape {
    /// A bar for each.
    Bars,
    /// A line through all.
    Line,
    /// Bars on one another.
    StackedUp,
    /// Bars below the others, downwards.
    StackedDown,
}

/// The page. The same document is the same bytes.
///
/// # Errors
///
/// [`crate::Error::Internal`] only.
pub fn render_page(document: &Document) -> Result<Vec<u8>> {
    let mut markup = Markup::default();
    let to = &mut markup;
    to.raw("<!doctype html>\n").open("html").attr("lang", "en");
    write_head(to, document);
    to.open("body");
    to.open("a").attr("class", "skip").attr("href", "#main").text("To the figures").close("a");
    write_header(to, document);
    to.open("main").attr("id", "main");
    write_key_figures(to, document);
    for section in &document.sections {
        write_section(to, section, document)?;
    }
    to.close("main");
    to.open("footer").element("p", FOOTER).close("footer");
    to.open("div").attr("id", "tip").flag("hidden").close("div");
    to.open("p").attr("id", "told").attr("class", "unseen").attr("role", "status").close("p");
    to.open("script").raw(SCRIPT).close("script");
    to.close("body").close("html").raw("\n");
    Ok(markup.finish().into_bytes())
}

const FOOTER: &str = "Made by pbi-analyze from archived activity logs. This page loads nothing, \
    sends nothing and needs no other file.";

/// The digest of a text as a policy names it.
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

fn period_text(basis: &ReportContext) -> String {
    match (basis.since, basis.until) {
        (Some(since), Some(until)) => format!("{since} to {until}"),
        _ => "no period".to_owned(),
    }
}

fn write_header(to: &mut Markup, document: &Document) {
    to.open("header").element("h1", &document.title);
    let [_, rests @ ..] = text::context_sentences(&document.context, document.time_zone.name());
    to.open("p").attr("class", "period").text(period_text(&document.context));
    to.element_with_class("span", "zone", document.time_zone.name()).close("p");
    to.open("p").attr("class", "rests").text(rests.join(" ")).close("p");
    if !document.remarks.is_empty() {
        to.open("ul").attr("class", "remarks");
        for remark in &document.remarks {
            to.open("li").isolated_text(remark, MAX_REMARK_CHARS).close("li");
        }
        to.close("ul");
    }
    // The switch is the style sheet's alone, so that it works without the script.
    to.open("fieldset").attr("class", "theme").element_with_class("legend", "unseen", "Colours");
    for (name, label) in [("auto", "Auto"), ("light", "Light"), ("dark", "Dark")] {
        to.open("input").attr("type", "radio").attr("name", "theme");
        to.attr("id", format_args!("theme-{name}"));
        if name == "auto" {
            to.flag("checked");
        }
        to.open("label").attr("for", format_args!("theme-{name}")).text(label).close("label");
    }
    to.close("fieldset").close("header");
    to.open("nav").attr("aria-label", "Parts of the page").open("ul");
    for section in &document.sections {
        to.open("li").open("a").attr("href", format_args!("#{}", section.id));
        to.text(section.tab).close("a").close("li");
    }
    to.close("ul").close("nav");
}

const MAX_REMARK_CHARS: usize = 500;

fn write_key_figures(to: &mut Markup, document: &Document) {
    to.open("section").attr("class", "figures").attr("aria-label", "Key figures").open("ul");
    for figure in &document.figures {
        to.open("li").attr("data-figure", figure.name);
        to.attr("data-v", figure.value.map_or_else(String::new, |value| value.to_string()));
        if let Some(before) = figure.previous {
            to.attr("data-before", before);
        }
        to.element_with_class("span", "label", figure.label).text(" ");
        to.element_with_class(
            "strong",
            "value",
            figure.value.map_or_else(unknown_text, format_number),
        )
        .text(" ");
        if let Some((value, before)) = figure.value.zip(figure.previous) {
            write_change(to, value, before);
        }
        to.element_with_class("span", "note", &figure.note).close("li");
    }
    to.close("ul").close("section");
}

fn write_change(to: &mut Markup, value: f64, before: f64) {
    to.open("span").attr("class", "change");
    if before > 0.0 {
        let percent = ((value - before) * 100.0 / before).round();
        let sign = match percent {
            p if p > 0.0 => "▲ ",
            p if p < 0.0 => "▼ ",
            _ => "",
        };
        to.open("span").attr("aria-hidden", "true").text(sign).close("span");
        let direction = if percent < 0.0 { "less, " } else { "more, " };
        to.text(format_args!("{} %", group_digits(&format!("{:.0}", percent.abs()))));
        to.element_with_class("span", "unseen", format_args!(" {direction}")).text(" ");
    }
    to.element_with_class("span", "before", format_args!("from {}", format_number(before)))
        .close("span")
        .text(" ");
}

fn write_section(to: &mut Markup, section: &Section, document: &Document) -> Result<()> {
    let (title, has_titles) = match &section.panels[..] {
        [only] => (title_id(only), false),
        _ => (format!("{}-part", section.id), true),
    };
    to.open("section").attr("id", section.id).attr("aria-labelledby", &title);
    to.open("h2").attr("id", &title).text(section.title).close("h2");
    to.open("div").attr("class", "panels");
    for panel in &section.panels {
        to.open("div").attr("class", panel_class(panel)).attr("id", &panel.id);
        if has_titles {
            to.open("h3").attr("id", title_id(panel)).text(&panel.title).close("h3");
        }
        write_panel(to, panel, document)?;
        to.close("div");
    }
    to.close("div");
    if !section.limits.is_empty() {
        to.open("div").attr("class", "limits").element("h3", "What these figures cannot tell");
        to.open("ul");
        for limit in &section.limits {
            to.element("li", limit);
        }
        to.close("ul").close("div");
    }
    to.close("section");
    Ok(())
}

/// The name of the title of a panel.
fn title_id(panel: &Panel) -> String {
    format!("{}-title", panel.id)
}

/// A table of more rows than these may go over two pages of paper.
const MAX_ROWS_ON_ONE_PAGE: usize = 16;

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

fn write_panel(to: &mut Markup, panel: &Panel, document: &Document) -> Result<()> {
    if !panel.lead.is_empty() {
        to.element_with_class("p", "lead", &panel.lead);
    }
    if panel.grid.rows.is_empty() {
        to.element_with_class("p", "none", &panel.empty_text);
        return Ok(());
    }
    match &panel.kind {
        PanelKind::Table => table::write_table(to, panel, None, document.time_zone),
        PanelKind::Sparklines(sparks) => {
            table::write_table(to, panel, Some(sparks), document.time_zone)
        }
        PanelKind::WeekHeatmap => heatmap::write_week(to, panel),
        PanelKind::Calendar => heatmap::write_calendar(to, panel),
        PanelKind::Chart(series) => write_chart(to, panel, series, document.time_zone)?,
    }
    Ok(())
}

/// A chart with its legend, and the values behind it as a table.
fn write_chart(to: &mut Markup, panel: &Panel, series: &[ChartSeries], zone: Tz) -> Result<()> {
    to.open("ul").attr("class", "legend");
    for (at, one) in series.iter().enumerate() {
        let shape = match one.shape {
            SeriesShape::Line => "line",
            _ => "block",
        };
        to.open("li")
            .open("span")
            .attr("class", format_args!("{shape} {}", Ink::class_of_series(at)));
        to.close("span").text(one.title).close("li");
    }
    let verdicts = table::column_texts(&panel.grid, "verdict");
    for (class, label, is_so) in [
        ("missing", "day missing", (|text| text == "missing") as fn(&str) -> bool),
        ("partial", "held in part", |text| text == "partial" || text == "cut"),
    ] {
        if verdicts.iter().any(|verdict| is_so(verdict)) {
            to.open("li").open("span").attr("class", format_args!("area {class}")).close("span");
            to.text(label).close("li");
        }
    }
    to.close("ul");
    to.open("div").attr("class", "plot").attr("role", "img");
    to.attr("aria-label", table::describe_chart(panel, series));
    to.attr("data-rows", format_args!("{}-rows", panel.id));
    let columns: Vec<&str> = series.iter().map(|one| one.column).collect();
    to.attr("data-columns", columns.join(" "));
    chart::draw(to, &panel.grid, series)?;
    to.close("div");
    to.open("details").element("summary", "The values as a table");
    table::write_table(to, panel, None, zone);
    to.close("details");
    Ok(())
}

/// The numbers of a column; a row without one has none.
fn column_numbers(grid: &Grid, column: &str) -> Vec<Option<f64>> {
    let at = grid.columns.iter().position(|found| found.name == column);
    let value = |row: &Vec<Cell>| match row.get(at?)? {
        Cell::Int(number) => Some(*number as f64),
        Cell::Float(number) => Some(*number),
        _ => None,
    };
    grid.rows.iter().map(value).collect()
}

/// A number with its thousands parted, and no more than two decimals.
fn format_number(value: f64) -> String {
    let text = format!("{:.2}", value);
    group_digits(text.trim_end_matches('0').trim_end_matches('.'))
}

/// What stands for a number that is not known.
fn unknown_text() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests;
