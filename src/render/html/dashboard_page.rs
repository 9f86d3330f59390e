//! Writes the dashboard: a view of all figures for each period, of which the page shows one.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::document::{Panel, Section};
use super::embedded::PackedItems;
use super::markup::Markup;
use super::page::{
    DASHBOARD_SCRIPT, MAX_REMARK_CHARS, SharedContext, THEMES, close_page, open_page, period_text,
    write_navigation, write_panels, write_section, write_switch,
};
use super::values::{format_number, format_optional};
use crate::render::input::ReportContext;
use crate::render::text;
use crate::render::text_width::printable;

/// The largest number of characters of a name in a sentence.
const MAX_NAME_CHARS: usize = 80;

/// The class of what follows the sections of a view in an element of its own.
const REST: &str = " rest";

/// A page with a view for each period.
#[derive(Debug, Clone)]
pub struct DashboardPage {
    /// The title of the page.
    pub title: String,
    /// The day on which the page was created.
    pub generated: NaiveDate,
    /// The zone of all days and times.
    pub time_zone: Tz,
    /// Sentences on the filters in use.
    pub filters: Vec<String>,
    /// The views, in the order of the period switch.
    pub views: Vec<PeriodView>,
    /// The sections that do not depend on the period, which follow those of the view.
    pub fixed_sections: Vec<Section>,
    /// The position of the view that the page opens with.
    pub opened: usize,
    /// False for a page without scripts.
    pub has_script: bool,
    /// True for a page that the program itself prints, on A4.
    pub is_for_paper: bool,
}

/// All figures of one period.
#[derive(Debug, Clone)]
pub struct PeriodView {
    /// The key of the period, which is a class in the style sheet.
    pub key: &'static str,
    /// The label in the period switch.
    pub label: String,
    /// The context of all results.
    pub context: ReportContext,
    /// The most important changes, in sentences.
    pub summary: Vec<Vec<SentencePart>>,
    /// The key figures.
    pub figures: Vec<KeyFigure>,
    /// The sections, in their order.
    pub sections: Vec<Section>,
    /// The panels on the data itself: coverage, automated activity, quality.
    pub about: Vec<Panel>,
    /// Sentences on the data itself.
    pub remarks: Vec<String>,
    /// The limitations of the figures.
    pub limits: Vec<String>,
    /// The details of single items, for the script.
    pub details: PackedItems,
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentencePart {
    /// Words.
    Words(String),
    /// A name from the log.
    Name(String),
}

/// One number with its change from the previous period.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyFigure {
    /// The identifier, for programs that read the page.
    pub name: &'static str,
    /// The text above the number.
    pub label: &'static str,
    /// The number, if known.
    pub value: Option<f64>,
    /// The change from the previous period, if the two can be compared.
    pub change: Option<FigureChange>,
    /// The text below the number, where no change is shown.
    pub note: String,
}

/// The numbers of comparable days of this and the previous period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureChange {
    /// The number of this period.
    pub value: f64,
    /// The number of the previous period.
    pub previous: f64,
}

impl FigureChange {
    /// Returns the change in whole percent; `None` if there was nothing before.
    pub fn percent(self) -> Option<f64> {
        let FigureChange { value, previous } = self;
        // The sum with zero turns a negative zero into zero.
        (previous > 0.0).then(|| ((value - previous) * 100.0 / previous).round() + 0.0)
    }
}

/// Renders the dashboard as HTML. The same page gives the same bytes.
pub fn render_dashboard(page: &DashboardPage) -> Vec<u8> {
    let mut markup = Markup::default();
    let to = &mut markup;
    let opened = page.views.get(page.opened);
    let period = opened.map_or_else(String::new, |view| period_text(&view.context));
    let script = page.has_script.then_some(DASHBOARD_SCRIPT);
    let class = if page.is_for_paper { "paper" } else { "" };
    open_page(to, &format!("{}, {period}", page.title), script, class);
    write_header(to, page);
    to.open("main").attr("id", "main");
    for (at, view) in page.views.iter().enumerate() {
        write_view(to, view, page, at == page.opened);
    }
    write_fixed_sections(to, page);
    to.close("main");
    write_details(to, page);
    close_page(to, script);
    markup.finish().into_bytes()
}

/// Writes the details of each period, which only the script reads.
fn write_details(to: &mut Markup, page: &DashboardPage) {
    for view in page.views.iter().filter(|view| !view.details.base64.is_empty()) {
        to.open("script").attr("type", "text/plain").attr("class", "details");
        to.attr("data-period", view.key).text(&view.details.base64).close("script");
    }
}

fn write_header(to: &mut Markup, page: &DashboardPage) {
    to.open("header").attr("class", "top").open("div").attr("class", "titles");
    to.element("h1", &page.title);
    to.open("p").attr("class", "context");
    to.text(format_args!("Generated on {}. ", page.generated.format("%-d %B %Y")));
    to.text(format_args!("Days and hours: {}.", page.time_zone.name())).close("p");
    if !page.filters.is_empty() {
        to.open("ul").attr("class", "remarks");
        for filter in &page.filters {
            to.open("li").isolated_text(filter, MAX_REMARK_CHARS).close("li");
        }
        to.close("ul");
    }
    to.close("div").open("div").attr("class", "switches");
    let periods: Vec<(&'static str, &str)> =
        page.views.iter().map(|view| (view.key, view.label.as_str())).collect();
    if periods.len() > 1 {
        let opened = page.views.get(page.opened).map_or("", |view| view.key);
        write_switch(to, "period", "Period", &periods, opened);
    }
    write_switch(to, "theme", "Color theme", &THEMES, "auto");
    to.close("div").close("header");
}

fn write_view(to: &mut Markup, view: &PeriodView, page: &DashboardPage, is_opened: bool) {
    open_view(to, view.key, is_opened, "");
    let ReportContext { since, until, .. } = view.context;
    if let Some((since, until)) = since.zip(until) {
        to.attr("data-since", since).attr("data-until", until);
    }
    to.open("section").attr("class", "answer").attr("aria-label", "Summary");
    to.element_with_class("h2", "period", period_text(&view.context));
    for sentence in &view.summary {
        to.open("p");
        for part in sentence {
            match part {
                SentencePart::Words(words) => to.text(words),
                SentencePart::Name(name) => to.isolated_text(&printable(name), MAX_NAME_CHARS),
            };
        }
        to.close("p");
    }
    to.close("section");
    write_key_figures(to, &view.figures);
    write_navigation(to, view.sections.iter().chain(&page.fixed_sections));
    let shared = SharedContext { context: &view.context, time_zone: page.time_zone };
    for section in &view.sections {
        write_section(to, section, shared);
    }
    if page.fixed_sections.is_empty() {
        write_about(to, view, page.time_zone);
    }
    to.close("div");
}

/// Opens an element that the style sheet shows for one or several periods.
fn open_view(to: &mut Markup, keys: &str, is_opened: bool, rest: &str) {
    let opened = if is_opened { " opened" } else { "" };
    to.open("div").attr("class", format_args!("view {keys}{opened}{rest}"));
}

/// Writes the sections that do not depend on the period once, in a view of all periods, and after
/// them the blocks on the data of each period.
fn write_fixed_sections(to: &mut Markup, page: &DashboardPage) {
    let Some(opened) = page.views.get(page.opened).filter(|_| !page.fixed_sections.is_empty())
    else {
        return;
    };
    let keys: Vec<&str> = page.views.iter().map(|view| view.key).collect();
    open_view(to, &keys.join(" "), true, REST);
    let shared = SharedContext { context: &opened.context, time_zone: page.time_zone };
    for section in &page.fixed_sections {
        write_section(to, section, shared);
    }
    to.close("div");
    for (at, view) in page.views.iter().enumerate() {
        open_view(to, view.key, at == page.opened, REST);
        write_about(to, view, page.time_zone);
        to.close("div");
    }
}

fn write_key_figures(to: &mut Markup, figures: &[KeyFigure]) {
    to.open("section").attr("class", "figures").attr("aria-label", "Key figures").open("ul");
    for figure in figures {
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
    if let Some(percent) = change.percent() {
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

/// Writes the folded block on the data itself.
fn write_about(to: &mut Markup, view: &PeriodView, zone: Tz) {
    to.open("details").attr("class", "about").element("summary", "About this data");
    let [_, sentences @ ..] = text::context_sentences(&view.context, zone.name());
    to.open("ul").attr("class", "facts");
    for sentence in sentences.iter().chain(&view.remarks) {
        to.open("li").isolated_text(sentence, MAX_REMARK_CHARS).close("li");
    }
    to.close("ul");
    write_panels(to, &view.about, true, SharedContext { context: &view.context, time_zone: zone });
    if !view.limits.is_empty() {
        to.open("div").attr("class", "limits").element("h3", "Limitations").open("ul");
        for limit in &view.limits {
            to.element("li", limit);
        }
        to.close("ul").close("div");
    }
    to.close("details");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_over_fewer_days_has_both_compared_numbers() {
        let mut to = Markup::default();
        write_change(&mut to, FigureChange { value: 150.0, previous: 100.0 }, Some(160.0));
        let html = to.finish();
        assert!(html.contains("▲ </span>50 %"), "{html}");
        assert!(html.contains(">from 100 to 150</span>"), "{html}");
    }

    #[test]
    fn changes_are_percentages_of_the_previous_period() {
        let written = |value: f64, previous: f64| {
            let mut to = Markup::default();
            write_change(&mut to, FigureChange { value, previous }, Some(value));
            to.finish()
        };
        let html = written(1_234.5, 2_000.0);
        let percent = "▼ </span>38 %<span class=\"visually-hidden\"> less, </span>";
        assert!(html.contains(percent) && html.contains(">from 2,000</span>"), "{html}");
        // Too little for a whole percent: no arrow and no sign.
        let html = written(999.0, 1_000.0);
        assert!(html.contains("<span aria-hidden=\"true\"></span>0 %"), "{html}");
        assert!(!written(5.0, 0.0).contains('%'), "nothing before has no percentage");
    }
}
