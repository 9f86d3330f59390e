//! Writes rows as HTML tables. Cells that show a rounded or shortened value also contain the exact
//! one, for sorting and for programs.

use chrono_tz::Tz;

use super::document::{ChartSeries, ColumnStyle, ColumnView, ItemLink, Panel, Sparklines};
use super::markup::Markup;
use super::values::{UNKNOWN, column_numbers, format_number};
use crate::grid::{Cell, CellKind, Grid};
use crate::render::input::RenderInput;
use crate::render::text::{self, group_digits};
use crate::render::text_width::printable;
use crate::render::time;

/// The largest number of characters that a name shows; the style sheet shortens most names earlier.
const MAX_SHOWN_CHARS: usize = 200;

/// Longer names have a tooltip with the whole name, since the style sheet may shorten them.
const MAX_CHARS_WITHOUT_TOOLTIP: usize = 20;

/// The largest number of characters in a tooltip.
const MAX_TOOLTIP_CHARS: usize = 10_000;

/// The class of times that are shown with their minute.
const EXACT_TIME_CLASS: &str = "d exact";

/// The class of differences, which have a sign.
const CHANGE_CLASS: &str = "n change";

/// Writes the rows of a panel.
pub fn write_table(to: &mut Markup, panel: &Panel, sparks: Option<&Sparklines>, time_zone: Tz) {
    let grid = &panel.grid;
    let shown: Vec<(usize, &ColumnView)> = panel
        .columns
        .iter()
        .filter_map(|shown| Some((grid.columns.iter().position(|c| c.name == shown.name)?, shown)))
        .collect();
    to.open("div").attr("class", "scroll").attr("tabindex", 0).attr("role", "region");
    to.attr("aria-labelledby", panel.title_id());
    to.open("table").attr("id", format_args!("{}-rows", panel.id));
    to.attr("data-report", &panel.report).attr("data-set", panel.params.join(" "));
    to.attr("data-of", panel.total_rows);
    if panel.is_short {
        to.flag("data-short");
    }
    to.open("thead").open("tr");
    for (at, shown) in &shown {
        let kind = grid.columns[*at].kind;
        to.open("th").attr("scope", "col").attr("data-column", &shown.name);
        to.attr("class", cell_class(kind, shown.style));
        if !shown.meaning.is_empty() {
            // Descriptions of columns mark names with backticks.
            to.attr("title", shown.meaning.replace('`', ""));
        }
        to.text(column_title(&shown.name)).close("th");
    }
    if let Some(sparks) = sparks {
        to.open("th").attr("scope", "col").attr("class", "spark").text(sparks.title).close("th");
    }
    to.close("tr").close("thead").open("tbody");
    let page = RenderInput {
        grid,
        chart: None,
        context: None,
        remarks: &[],
        time_zone,
        width: usize::MAX,
    };
    let texts = text::cell_texts(&page);
    for (row, (cells, texts)) in grid.rows.iter().zip(&texts).enumerate() {
        to.open("tr");
        for (at, shown) in &shown {
            if let (Some(value), Some(text)) = (cells.get(*at), texts.get(*at)) {
                let class = cell_class(grid.columns[*at].kind, shown.style);
                to.open("td").attr("class", class);
                write_link(to, shown, grid, cells);
                write_cell(to, value, text, class, time_zone);
            }
        }
        if let Some(sparks) = sparks {
            write_sparkline(to, sparks, row);
        }
        to.close("tr");
    }
    to.close("tbody").close("table").close("div");
    if panel.total_rows > grid.rows.len() {
        let [shown, all] = [grid.rows.len(), panel.total_rows].map(|rows| rows as f64);
        let [shown, all] = [shown, all].map(format_number);
        to.element_with_class("p", "more", format_args!("Showing {shown} of {all} rows."));
    }
}

fn cell_class(kind: CellKind, style: ColumnStyle) -> &'static str {
    let classes = match kind {
        CellKind::Int | CellKind::Float => ["n", "n side", "n minor", "n share", CHANGE_CLASS],
        CellKind::Text => ["t", "t side", "t minor", "t", "t"],
        _ => ["d", "d side", "d minor", "d", "d"],
    };
    let [plain, side, minor, share, change] = classes;
    match style {
        ColumnStyle::Exact if plain == "d" => EXACT_TIME_CLASS,
        ColumnStyle::Plain | ColumnStyle::Exact => plain,
        ColumnStyle::HiddenOnPhone => side,
        ColumnStyle::HiddenOnPhoneAndPaper => minor,
        ColumnStyle::Percent => share,
        ColumnStyle::Change => change,
    }
}

/// Returns the title of a column, from its name.
pub fn column_title(name: &str) -> String {
    match name {
        "dau" | "wau" | "mau" => return name.to_uppercase(),
        "avg_7d" => return "7-day average".to_owned(),
        "views_before" => return "Before".to_owned(),
        "views_change" => return "Change".to_owned(),
        _ => {}
    }
    let words =
        name.strip_suffix("_pct").map_or_else(|| name.to_owned(), |name| format!("{name} %"));
    let words = words.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Marks a cell that names an item with a detail view, which the script makes a link.
fn write_link(to: &mut Markup, shown: &ColumnView, grid: &Grid, cells: &[Cell]) {
    let Some(ItemLink { kind, id_column, known }) = &shown.link else { return };
    if let Some(Cell::Text(id)) = grid.position(id_column).and_then(|at| cells.get(at))
        && known.contains(id)
    {
        to.attr("data-item", format_args!("{kind}={}", printable(id)));
    }
}

/// Writes the rest of a cell whose element is open.
fn write_cell(to: &mut Markup, value: &Cell, text: &str, class: &'static str, zone: Tz) {
    match value {
        Cell::Null if class.starts_with('n') => {
            to.attr("data-v", "").text(UNKNOWN);
        }
        Cell::Null => {
            to.attr("data-v", "");
        }
        Cell::Text(_) => {
            if text.chars().nth(MAX_CHARS_WITHOUT_TOOLTIP).is_some() {
                to.attr("title", text.chars().take(MAX_TOOLTIP_CHARS).collect::<String>());
            }
            to.isolated_text(text, MAX_SHOWN_CHARS);
        }
        Cell::Int(number) => {
            let sign = if class == CHANGE_CLASS && *number > 0 { "+" } else { "" };
            let text = format!("{sign}{}", group_digits(text));
            if number.unsigned_abs() >= 1_000 || *number < 0 || !sign.is_empty() {
                to.attr("data-v", number);
            }
            to.text(text);
        }
        Cell::Float(number) => {
            to.attr("data-v", number);
            if class == "n share" {
                write_bar(to, *number);
            }
            to.text(group_digits(text));
        }
        Cell::Time { us } => {
            to.attr("data-v", time::instant_iso(*us, zone));
            if class == EXACT_TIME_CLASS {
                to.text(text);
            } else {
                // The cell shows the day, and its tooltip the minute.
                to.attr("title", text).text(text.split(' ').next().unwrap_or(text));
            }
        }
        Cell::Bool(truth) => {
            to.attr("data-v", truth).text(text);
        }
        Cell::LocalTime { .. } | Cell::Date { .. } => {
            to.text(text);
        }
    }
    to.close("td");
}

/// Writes a bar for a percentage.
fn write_bar(to: &mut Markup, percent: f64) {
    to.open("svg").attr("class", "bar").attr("viewBox", "0 0 100 10");
    to.attr("preserveAspectRatio", "none").attr("aria-hidden", "true");
    to.open("rect").attr("width", format_number(percent.clamp(0.0, 100.0))).attr("height", 10);
    to.close("rect").close("svg");
}

/// Writes a small line chart, if there are at least two values.
fn write_sparkline(to: &mut Markup, sparks: &Sparklines, row: usize) {
    const WIDTH: f64 = 120.0;
    const HEIGHT: f64 = 22.0;
    to.open("td").attr("class", "spark");
    let values = sparks.rows.get(row).map_or(&[][..], Vec::as_slice);
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    if values.len() > 1 && most > 0.0 {
        let texts: Vec<String> = values
            .iter()
            .map(|value| value.map_or_else(|| UNKNOWN.to_owned(), |v| v.to_string()))
            .collect();
        to.attr("data-report", sparks.report).attr("data-set", sparks.param);
        to.attr("data-values", texts.join(" "));
        let step = WIDTH / (values.len() - 1) as f64;
        let mut d = String::new();
        let mut command = 'M';
        for (at, value) in values.iter().enumerate() {
            let Some(value) = value else {
                command = 'M';
                continue;
            };
            let (x, y) = (at as f64 * step, HEIGHT - value / most * (HEIGHT - 2.0) - 1.0);
            d.push_str(&format!("{command}{x:.1} {y:.1}"));
            command = 'L';
        }
        to.open("svg").attr("viewBox", format_args!("0 0 {WIDTH} {HEIGHT}")).attr("role", "img");
        to.attr("preserveAspectRatio", "none");
        to.attr("aria-label", format_args!("{}, highest {}", sparks.title, format_number(most)));
        to.open("path").attr("d", d).close("path").close("svg");
    }
    to.close("td");
}

/// Describes a chart in words: its title, its period and the highest values of its series.
pub fn describe_chart(panel: &Panel, series: &[ChartSeries]) -> String {
    let grid = &panel.grid;
    let day = |row: usize| match grid.rows.get(row).and_then(|row| row.first()) {
        Some(Cell::Date { days }) => time::date_iso(*days),
        _ => String::new(),
    };
    let mut words =
        format!("{}, {} to {}.", panel.title, day(0), day(grid.rows.len().saturating_sub(1)));
    for one in series {
        let known = column_numbers(grid, &one.column);
        let known = known.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
        let most = known.reduce(|most, next| if next.1 > most.1 { next } else { most });
        if let Some((at, value)) = most {
            words.push_str(&format!(
                " {}: highest {} on {}.",
                one.title,
                format_number(value),
                day(at)
            ));
        }
    }
    words + " The table below has all values."
}
