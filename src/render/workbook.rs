//! Values, formats, and names that Excel accepts, on top of the crate that writes workbooks.

use std::collections::HashSet;

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError,
};

use unicode_width::UnicodeWidthStr;

use crate::{Error, Result};

/// The largest number of UTF-16 units in a cell.
pub const MAX_CELL_UNITS: usize = 32_767;
/// The largest initial width of a column. Longer texts are wrapped.
pub const MAX_COLUMN_WIDTH: usize = 60;
/// The largest number of UTF-16 units in the name of a sheet.
const MAX_SHEET_NAME_UNITS: usize = 31;
/// The largest number of UTF-16 units in the heading of a column of a table.
const MAX_HEADING_UNITS: usize = 255;

/// The value of a cell as Excel holds it.
pub enum CellValue {
    /// No value.
    Empty,
    /// A text, at most [`MAX_CELL_UNITS`] long.
    Text(String),
    /// A whole number, shown with separators.
    Whole(f64),
    /// A number.
    Number(f64),
    /// A share of 1, shown in percent.
    Share(f64),
    /// True or false.
    Bool(bool),
    /// A day, as the number of days since 1900.
    Date(f64),
    /// A day with a time, as the number of days since 1900.
    Time(f64),
}

/// The formats of cells.
pub struct Formats {
    /// For headings of columns.
    pub heading: Format,
    whole: Format,
    share: Format,
    date: Format,
    time: Format,
    /// For the labels of the sheet with the context.
    pub label: Format,
    sentence: Format,
}

impl Formats {
    /// Creates the formats.
    pub fn new() -> Formats {
        let numbers = |code| Format::new().set_num_format(code);
        let left = || Format::new().set_align(FormatAlign::Left).set_align(FormatAlign::Top);
        Formats {
            heading: Format::new().set_bold(),
            whole: numbers("#,##0"),
            share: numbers("0.0%"),
            date: numbers("yyyy-mm-dd").set_align(FormatAlign::Left),
            time: numbers("yyyy-mm-dd hh:mm:ss").set_align(FormatAlign::Left),
            label: left().set_bold(),
            sentence: left().set_text_wrap(),
        }
    }

    /// Writes a value into a cell, given by its row and column.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] for a cell outside of the sheet or a text that is too long.
    pub fn write(&self, sheet: &mut Worksheet, at: (u32, u16), value: CellValue) -> Result<()> {
        let (row, column) = at;
        match value {
            CellValue::Empty => return Ok(()),
            CellValue::Text(text) if text.width() > MAX_COLUMN_WIDTH => {
                sheet.write_string_with_format(row, column, text, &self.sentence)
            }
            CellValue::Text(text) => sheet.write_string(row, column, text),
            CellValue::Bool(truth) => sheet.write_boolean(row, column, truth),
            CellValue::Number(number) => sheet.write_number(row, column, number),
            CellValue::Whole(number) => {
                sheet.write_number_with_format(row, column, number, &self.whole)
            }
            CellValue::Share(number) => {
                sheet.write_number_with_format(row, column, number, &self.share)
            }
            CellValue::Date(number) => {
                sheet.write_number_with_format(row, column, number, &self.date)
            }
            CellValue::Time(number) => {
                sheet.write_number_with_format(row, column, number, &self.time)
            }
        }
        .map(|_| ())
        .map_err(cannot_write)
    }
}

/// Returns an error of the crate as one of the program: callers check all limits first.
pub fn cannot_write(error: XlsxError) -> Error {
    Error::internal(format!("the workbook cannot be written: {error}"))
}

/// Creates a workbook without the time at which it was made, so that the same rows give the same
/// bytes.
pub fn new_workbook() -> Result<Workbook> {
    let mut book = Workbook::new();
    let midnight = ExcelDateTime::from_ymd(2000, 1, 1).map_err(cannot_write)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&midnight));
    Ok(book)
}

/// Adds a sheet that prints on landscape pages, as wide as one page.
pub fn add_sheet<'a>(book: &'a mut Workbook, name: &str) -> Result<&'a mut Worksheet> {
    let sheet = book.add_worksheet().set_name(name).map_err(cannot_write)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    sheet.set_footer("&L&A&RPage &P of &N");
    Ok(sheet)
}

/// Returns true if Excel accepts these headings for a table.
pub fn can_head_table(headings: &[String]) -> bool {
    let is_valid = |text: &String| {
        let is_short = utf16_prefix(text, MAX_HEADING_UNITS).len() == text.len();
        is_short && !text.is_empty() && !text.contains(char::is_control)
    };
    headings.iter().all(is_valid) && are_distinct(headings)
}

/// Returns true if no two texts are the same, without regard to case.
pub fn are_distinct(texts: &[String]) -> bool {
    let mut seen = HashSet::new();
    texts.iter().all(|text| seen.insert(text.to_lowercase()))
}

/// The names of sheets that are taken, in lower case.
#[derive(Default)]
pub struct SheetNames(HashSet<String>);

impl SheetNames {
    /// Returns a valid name that no other sheet has, close to the wanted one.
    pub fn unused(&mut self, wanted: &str) -> String {
        let mut name = sheet_name(wanted, "");
        let mut number = 2;
        while !self.0.insert(name.to_lowercase()) {
            name = sheet_name(wanted, &format!(" {number}"));
            number += 1;
        }
        name
    }
}

/// Returns a valid name of a sheet, without the characters that have a meaning in formulas, with an
/// ending that stays whole.
fn sheet_name(name: &str, ending: &str) -> String {
    let sign = |c: char| if "[]:*?/\\'".contains(c) || c.is_control() { ' ' } else { c };
    let name: String = name.chars().map(sign).collect();
    let name = utf16_prefix(&name, MAX_SHEET_NAME_UNITS - ending.len()).trim();
    let name = if name.is_empty() { "Sheet" } else { name };
    format!("{name}{ending}")
}

/// Returns the longest prefix of at most `most` UTF-16 units, the units of Excel's limits.
pub fn utf16_prefix(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut units = 0;
    let over = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > most
    });
    over.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheet_names_are_valid_in_excel_and_differ() {
        let mut names = SheetNames::default();
        let mut unused = |name: &str| names.unused(name);
        assert_eq!(unused("top-reports"), "top-reports");
        assert_eq!(unused("a[b]:c*d?e/f\\g'h"), "a b  c d e f g h");
        assert_eq!(unused("''"), "Sheet");
        assert_eq!(unused(&"\u{1f4b6}".repeat(20)), "\u{1f4b6}".repeat(15));
        assert_eq!(unused("TOP-reports"), "TOP-reports 2");
        let long = "x".repeat(40);
        assert_eq!([unused(&long), unused(&long)], ["x".repeat(31), "x".repeat(29) + " 2"]);
    }

    #[test]
    fn prefixes_count_utf16_units_and_keep_characters_whole() {
        assert_eq!(utf16_prefix("売上\u{1f4b6}x", 3), "売上");
        assert_eq!(utf16_prefix("売上\u{1f4b6}x", 4), "売上\u{1f4b6}");
        assert_eq!(utf16_prefix("売上\u{1f4b6}x", 5), "売上\u{1f4b6}x");
        assert_eq!(utf16_prefix("", 0), "");
    }
}
