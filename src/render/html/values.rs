//! Reads columns of a grid and formats numbers and periods for the page.

use chrono::{Datelike, Days, NaiveDate};

use crate::grid::{Cell, Grid};
use crate::render::text::group_digits;

/// The text of an unknown number.
pub const UNKNOWN: &str = "–";

/// Returns the numbers of a column, by row.
pub fn column_numbers(grid: &Grid, column: &str) -> Vec<Option<f64>> {
    let at = grid.position(column);
    let value = |row: &Vec<Cell>| match row.get(at?)? {
        Cell::Int(number) => Some(*number as f64),
        Cell::Float(number) => Some(*number).filter(|number| number.is_finite()),
        _ => None,
    };
    grid.rows.iter().map(value).collect()
}

/// Returns the texts of a column, by row.
pub fn column_texts<'g>(grid: &'g Grid, column: &str) -> Vec<&'g str> {
    let at = grid.position(column);
    let text = |row: &'g Vec<Cell>| match row.get(at?)? {
        Cell::Text(text) => Some(text.as_str()),
        _ => None,
    };
    grid.rows.iter().map(|row| text(row).unwrap_or_default()).collect()
}

/// Returns the days of a column, by row.
pub fn column_days(grid: &Grid, column: &str) -> Vec<Option<NaiveDate>> {
    let at = grid.position(column);
    let day = |row: &Vec<Cell>| match row.get(at?)? {
        Cell::Date { days } if *days >= 0 => {
            NaiveDate::default().checked_add_days(Days::new(days.unsigned_abs().into()))
        }
        _ => None,
    };
    grid.rows.iter().map(day).collect()
}

/// Returns a number with thousands separators and at most two decimals.
pub fn format_number(value: f64) -> String {
    let text = format!("{value:.2}");
    group_digits(text.trim_end_matches('0').trim_end_matches('.'))
}

/// Returns a number or the text of an unknown one.
pub fn format_optional(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), format_number)
}

/// Returns a period in words, for example `1 Mar – 31 Mar 2026`.
pub fn format_period(first: NaiveDate, last: NaiveDate) -> String {
    let end = last.format("%-d %b %Y");
    match first {
        _ if first == last => end.to_string(),
        _ if first.year() == last.year() => format!("{} – {end}", first.format("%-d %b")),
        _ => format!("{} – {end}", first.format("%-d %b %Y")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators_and_no_negative_zero() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-0.001, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (-1_234_567.25, "−1,234,567.25"),
            (0.1, "0.1"),
        ] {
            assert_eq!(format_number(value), text);
        }
    }

    #[test]
    fn a_period_names_the_year_only_where_needed() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        let first = day(2026, 3, 1);
        assert_eq!(format_period(first, first), "1 Mar 2026");
        assert_eq!(format_period(first, day(2026, 3, 31)), "1 Mar – 31 Mar 2026");
        assert_eq!(format_period(day(2025, 12, 9), first), "9 Dec 2025 – 1 Mar 2026");
    }
}
