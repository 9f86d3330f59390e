//! Two planes that are tables: the hours of the week, and the days of a calendar.
//!
//! Owns: what stands where, and how dark. Colours are classes; every cell has its value in words as
//! well. Must not know which report the rows are of.

use chrono::{Datelike, Days, NaiveDate};

use super::markup::Markup;
use super::table::column_texts;
use super::{Panel, column_numbers, format_number, group_digits, title_id, unknown_text};
use crate::grid::Cell;

/// How many shades there are above none.
const SHADE_COUNT: usize = 6;

const HOURS: usize = 24;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Seven lines of hours, one cell for each row of the grid.
pub fn write_week(to: &mut Markup, panel: &Panel) {
    let grid = &panel.grid;
    let (per_day, viewers) =
        (column_numbers(grid, "views_per_day"), column_numbers(grid, "viewers"));
    let (hours, weekdays) = (column_numbers(grid, "hour"), column_numbers(grid, "weekday_number"));
    let most = per_day.iter().flatten().copied().fold(0.0, f64::max);
    to.open("div").attr("class", "scroll").attr("tabindex", 0).attr("role", "region");
    to.attr("aria-labelledby", title_id(panel));
    to.open("table").attr("class", "heat").attr("data-report", &panel.report);
    to.open("thead").open("tr").open("th").attr("scope", "col");
    to.element_with_class("span", "unseen", "Weekday").close("th");
    for hour in 0..HOURS {
        to.open("th").attr("scope", "col").text(hour).close("th");
    }
    to.close("tr").close("thead").open("tbody");
    for (line, weekday) in WEEKDAYS.iter().enumerate() {
        to.open("tr").open("th").attr("scope", "row").text(weekday).close("th");
        for hour in 0..HOURS {
            let is_here = |at: &usize| {
                hours[*at] == Some(hour as f64) && weekdays[*at] == Some((line + 1) as f64)
            };
            let row = (0..grid.rows.len()).find(is_here);
            let value = row.and_then(|row| per_day[row]);
            let shade = value.map_or("unheld", |value| shade_class(value, most));
            to.open("td").attr("class", shade);
            if let Some(value) = value {
                let people =
                    row.and_then(|row| viewers[row]).map_or_else(unknown_text, format_number);
                to.attr("data-v", value);
                to.attr(
                    "title",
                    format_args!(
                        "{weekday} {hour}:00 to {hour}:59: opened {} times a day, {people} people",
                        format_number(value)
                    ),
                );
                to.text(compact_number(value));
            }
            to.close("td");
        }
        to.close("tr");
    }
    to.close("tbody").close("table").close("div");
}

/// The class of a shade: none for nothing, the first for anything at all.
fn shade_class(value: f64, most: f64) -> &'static str {
    const CLASSES: [&str; SHADE_COUNT + 1] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6"];
    if most <= 0.0 {
        return CLASSES[0];
    }
    let shade = (value / most * SHADE_COUNT as f64).ceil().clamp(0.0, SHADE_COUNT as f64);
    CLASSES[shade as usize]
}

/// A number in a cell that has room for four letters.
fn compact_number(value: f64) -> String {
    match value {
        0.0 => String::new(),
        v if v < 10.0 => format!("{v:.1}"),
        v if v < 10_000.0 => format!("{v:.0}"),
        v => format!("{:.0}k", v / 1_000.0),
    }
}

/// A day of the calendar.
struct CalendarDay<'g> {
    day: NaiveDate,
    status: &'g str,
    reason: &'g str,
    events: Option<f64>,
}

/// A small table for each month.
pub fn write_calendar(to: &mut Markup, panel: &Panel) {
    let days = calendar_days(panel);
    to.open("ul").attr("class", "legend");
    for verdict in ["complete", "partial", "truncated", "missing"] {
        let number = days.iter().filter(|held| held.status == verdict).count();
        to.open("li").open("span").attr("class", format_args!("day {verdict}")).close("span");
        to.text(format_args!("{} {verdict}", group_digits(&number.to_string()))).close("li");
    }
    to.close("ul");
    to.open("div").attr("class", "months").attr("data-report", &panel.report);
    for month in
        days.chunk_by(|a, b| (a.day.year(), a.day.month()) == (b.day.year(), b.day.month()))
    {
        write_month(to, month);
    }
    to.close("div");
}

fn write_month(to: &mut Markup, days: &[CalendarDay<'_>]) {
    let Some(first) = days.first() else { return };
    to.open("table").attr("class", "month");
    to.element("caption", first.day.format("%B %Y"));
    to.open("thead").open("tr");
    for weekday in WEEKDAYS {
        to.open("th").attr("scope", "col").attr("abbr", weekday);
        to.text(&weekday[..1]).close("th");
    }
    to.close("tr").close("thead").open("tbody").open("tr");
    let mut place = first.day.weekday().num_days_from_monday();
    for _ in 0..place {
        to.open("td").close("td");
    }
    for held in days {
        if place == 7 {
            to.close("tr").open("tr");
            place = 0;
        }
        write_day(to, held);
        place += 1;
    }
    to.close("tr").close("tbody").close("table");
}

fn write_day(to: &mut Markup, held: &CalendarDay<'_>) {
    let CalendarDay { day, status: verdict, reason: rule, events } = held;
    let class = match *verdict {
        "complete" => "complete",
        "truncated" => "truncated",
        "missing" => "missing",
        _ => "partial",
    };
    to.open("td").attr("class", class).attr("data-day", day);
    let events =
        events.map_or_else(|| "no events".to_owned(), |n| format!("{} events", format_number(n)));
    if class == "complete" {
        to.attr("title", format_args!("{day}: {events}")).text(day.day());
    } else {
        to.attr("title", format_args!("{day}: {verdict}, {events}; {rule}")).text(day.day());
        to.element_with_class("span", "unseen", format_args!(" {verdict}"));
    }
    to.close("td");
}

fn calendar_days(panel: &Panel) -> Vec<CalendarDay<'_>> {
    let grid = &panel.grid;
    let at = grid.columns.iter().position(|column| column.name == "day");
    let events = column_numbers(grid, "events");
    let texts = column_texts(grid, "status").into_iter().zip(column_texts(grid, "reason"));
    let held = grid.rows.iter().zip(texts).zip(events).filter_map(|((row, texts), events)| {
        let (verdict, rule) = texts;
        match row.get(at?)? {
            Cell::Date { days } if *days >= 0 => {
                let days = Days::new(days.unsigned_abs().into());
                let day = NaiveDate::default().checked_add_days(days)?;
                Some(CalendarDay { day, status: verdict, reason: rule, events })
            }
            _ => None,
        }
    });
    held.collect()
}
