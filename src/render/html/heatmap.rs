//! Writes two heatmaps as tables: the hours of the week, and the days of a calendar. Every cell has
//! its value in words, too.

use chrono::{Datelike, NaiveDate};

use super::document::Panel;
use super::markup::Markup;
use super::values::{column_days, column_numbers, column_texts, format_number, format_optional};

/// The number of shades above zero.
const SHADE_COUNT: usize = 6;

const HOURS: usize = 24;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Writes a table of weekdays by hours, with one cell per row of the grid.
pub fn write_week(to: &mut Markup, panel: &Panel) {
    let grid = &panel.grid;
    let (per_day, viewers) =
        (column_numbers(grid, "views_per_day"), column_numbers(grid, "viewers"));
    let (hours, weekdays) = (column_numbers(grid, "hour"), column_numbers(grid, "weekday_number"));
    let most = per_day.iter().flatten().copied().fold(0.0, f64::max);
    to.open("div").attr("class", "scroll").attr("tabindex", 0).attr("role", "region");
    to.attr("aria-labelledby", panel.title_id());
    to.open("table").attr("class", "heat").attr("data-report", &panel.report);
    to.open("thead").open("tr").open("th").attr("scope", "col");
    to.element_with_class("span", "visually-hidden", "Weekday").close("th");
    for hour in 0..HOURS {
        to.open("th").attr("scope", "col").text(hour).close("th");
    }
    to.close("tr").close("thead").open("tbody");
    for (at, weekday) in WEEKDAYS.iter().enumerate() {
        to.open("tr").open("th").attr("scope", "row").text(weekday).close("th");
        for hour in 0..HOURS {
            let is_here = |row: &usize| {
                hours[*row] == Some(hour as f64) && weekdays[*row] == Some((at + 1) as f64)
            };
            let row = (0..grid.rows.len()).find(is_here);
            let value = row.and_then(|row| per_day[row]);
            let shade = value.map_or("no-data", |value| shade_class(value, most));
            to.open("td").attr("class", shade);
            if let Some(value) = value {
                let viewers = format_optional(row.and_then(|row| viewers[row]));
                to.attr("data-v", value);
                to.attr(
                    "title",
                    format_args!(
                        "{weekday} {hour}:00 to {hour}:59: average views {}, viewers {viewers}",
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

/// The classes of the shades, from that of zero to the darkest.
pub const SHADE_CLASSES: [&str; SHADE_COUNT + 1] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6"];

/// Returns the class of a shade. Only zero has the class of no shade.
pub fn shade_class(value: f64, most: f64) -> &'static str {
    if most <= 0.0 {
        return SHADE_CLASSES[0];
    }
    let shade = (value / most * SHADE_COUNT as f64).ceil().clamp(0.0, SHADE_COUNT as f64);
    SHADE_CLASSES[shade as usize]
}

/// Formats a number for a cell that has room for four characters.
pub fn compact_number(value: f64) -> String {
    match value {
        0.0 => String::new(),
        v if v < 10.0 => format!("{v:.1}"),
        v if v < 10_000.0 => format!("{v:.0}"),
        v => format!("{:.0}k", v / 1_000.0),
    }
}

/// One day of the calendar.
struct CalendarDay<'g> {
    day: NaiveDate,
    status: &'g str,
    reason: &'g str,
    events: Option<f64>,
}

/// Writes a small table for each month.
pub fn write_calendar(to: &mut Markup, panel: &Panel) {
    let days = calendar_days(panel);
    to.open("ul").attr("class", "legend");
    for status in ["complete", "partial", "truncated", "missing"] {
        let number = days.iter().filter(|day| day.status == status).count();
        to.open("li").open("span").attr("class", format_args!("day {status}")).close("span");
        to.text(format_args!("{} {status}", format_number(number as f64))).close("li");
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
    let mut column = first.day.weekday().num_days_from_monday();
    for _ in 0..column {
        to.open("td").close("td");
    }
    for day in days {
        if column == 7 {
            to.close("tr").open("tr");
            column = 0;
        }
        write_day(to, day);
        column += 1;
    }
    to.close("tr").close("tbody").close("table");
}

fn write_day(to: &mut Markup, day: &CalendarDay<'_>) {
    let CalendarDay { day, status, reason, events } = day;
    let class = match *status {
        "complete" => "complete",
        "truncated" => "truncated",
        "missing" => "missing",
        _ => "partial",
    };
    to.open("td").attr("class", class).attr("data-day", day);
    let events = match *events {
        None => "no events".to_owned(),
        Some(1.0) => "1 event".to_owned(),
        Some(number) => format!("{} events", format_number(number)),
    };
    if class == "complete" {
        to.attr("title", format_args!("{day}: {events}")).text(day.day());
    } else {
        to.attr("title", format_args!("{day}: {status}, {events}; {reason}")).text(day.day());
        to.element_with_class("span", "visually-hidden", format_args!(" {status}"));
    }
    to.close("td");
}

fn calendar_days(panel: &Panel) -> Vec<CalendarDay<'_>> {
    let grid = &panel.grid;
    let texts = column_texts(grid, "status").into_iter().zip(column_texts(grid, "reason"));
    let days = column_days(grid, "day").into_iter().zip(texts).zip(column_numbers(grid, "events"));
    days.filter_map(|((day, (status, reason)), events)| {
        Some(CalendarDay { day: day?, status, reason, events })
    })
    .collect()
}
