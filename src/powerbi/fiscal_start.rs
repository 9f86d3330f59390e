//! The first month of fiscal years.

use std::str::FromStr;

use chrono::{Datelike, Month, NaiveDate};

/// The first month of fiscal years. A fiscal year has the number of the calendar year in which it
/// ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiscalStart(Month);

impl Default for FiscalStart {
    fn default() -> FiscalStart {
        FiscalStart(Month::January)
    }
}

impl FiscalStart {
    /// Returns the number of months from the start of the fiscal year to a date, 0 to 11.
    fn months_since(self, date: NaiveDate) -> u32 {
        (date.month() + 12 - self.0.number_from_month()) % 12
    }

    /// Returns the number of the fiscal year of a date.
    pub fn year_of(self, date: NaiveDate) -> i32 {
        let is_calendar_year = self.0 == Month::January;
        let ends_next_year = date.month() >= self.0.number_from_month();
        date.year() + i32::from(!is_calendar_year && ends_next_year)
    }

    /// Returns the quarter of the fiscal year of a date, 1 to 4.
    pub fn quarter_of(self, date: NaiveDate) -> u32 {
        self.months_since(date) / 3 + 1
    }
}

impl FromStr for FiscalStart {
    type Err = String;

    /// Parses the number or the English name of a month: 7, Jul or July.
    fn from_str(text: &str) -> Result<FiscalStart, String> {
        let by_number = text.parse::<u8>().ok().and_then(|number| Month::try_from(number).ok());
        let month = by_number.or_else(|| text.parse::<Month>().ok());
        let form = "expected a month, for example 7 or July";
        month.map(FiscalStart).ok_or_else(|| format!("{text:?} is not a month; {form}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year_and_quarter(start: &str, date: &str) -> (i32, u32) {
        let (start, date): (FiscalStart, NaiveDate) =
            (start.parse().unwrap(), date.parse().unwrap());
        (start.year_of(date), start.quarter_of(date))
    }

    #[test]
    fn fiscal_year_has_the_number_of_the_year_in_which_it_ends() {
        for (start, date, expected) in [
            ("1", "2026-01-01", (2026, 1)),
            ("January", "2026-12-31", (2026, 4)),
            ("7", "2026-06-30", (2026, 4)),
            ("july", "2026-07-01", (2027, 1)),
            ("Jul", "2027-01-01", (2027, 3)),
            ("4", "2026-03-31", (2026, 4)),
            ("4", "2026-04-01", (2027, 1)),
            ("12", "2026-12-01", (2027, 1)),
            ("2", "2026-01-31", (2026, 4)),
        ] {
            assert_eq!(year_and_quarter(start, date), expected, "{date}, start {start}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_an_example() {
        for text in ["0", "13", "", "Ju", "-1", "1.5"] {
            let error = text.parse::<FiscalStart>().unwrap_err();
            assert!(error.ends_with("is not a month; expected a month, for example 7 or July"));
        }
    }
}
