//! Renders a result as an Excel workbook: the rows on one sheet, their context on another.
//!
//! Times are days since 1900 on the clock of the report's zone. Values that Excel cannot represent
//! are texts.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use unicode_width::UnicodeWidthStr;

use crate::grid::{Cell, Grid};
use crate::{Error, Result};

use super::input::{RenderInput, Renderer, ReportContext, TablesInput};
use super::time;
use super::workbook::{
    MAX_CELL_UNITS, MAX_SHEET_ROWS, Sheet, Workbook, WorkbookStyle, WorkbookValue, utf16_prefix,
};

/// The Excel format.
pub struct Xlsx;

/// The largest integer that Excel shows exactly: 15 digits. Larger ones are texts.
const MAX_EXACT_INT: u64 = 999_999_999_999_999;
/// The first day with the right number in Excel, 1900-03-01: Excel takes 1900 for a leap year.
const MIN_DAY_SERIAL: f64 = 61.0;
/// The number after that of the last day, 9999-12-31.
const DAY_SERIAL_END: f64 = 2_958_466.0;
/// The number of 1970-01-01 in Excel.
const UNIX_EPOCH_SERIAL: f64 = 25_569.0;
const DAY_US: f64 = 86_400e6;
/// The largest initial width of a column.
const MAX_COLUMN_WIDTH: usize = 60;
/// The width of the filter button in a header.
const FILTER_BUTTON_WIDTH: usize = 3;

impl Renderer for Xlsx {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let name = input.context.map_or("Rows", |context| context.report.as_str());
        write_workbook(&[(name, input.grid)], input.time_zone, |cut| {
            about_rows(input.context, input.remarks, input.time_zone, cut)
        })
    }
}

/// Renders several tables as a workbook with a sheet for each, and one for their context.
///
/// # Errors
///
/// Those of [`super::render`].
pub fn xlsx_tables(input: &TablesInput<'_>) -> Result<Vec<u8>> {
    let sheets: Vec<_> =
        input.tables.iter().map(|table| (table.title.as_str(), &table.grid)).collect();
    let notes = input.tables.iter().flat_map(|table| {
        let title = &table.title;
        table.remarks.iter().map(move |remark| format!("{title}: {remark}"))
    });
    let remarks: Vec<String> = input.remarks.iter().cloned().chain(notes).collect();
    write_workbook(&sheets, input.time_zone, |cut| {
        about_rows(Some(input.context), &remarks, input.time_zone, cut)
    })
}

/// Row of the sheet with the context.
type AboutRow = (&'static str, (WorkbookValue, WorkbookStyle));

/// Writes a workbook: a sheet for each table, and one with the rows of `about`, which gets the
/// number of shortened texts.
fn write_workbook(
    tables: &[(&str, &Grid)],
    zone: Tz,
    about: impl FnOnce(u64) -> Vec<AboutRow>,
) -> Result<Vec<u8>> {
    let mut sheets = Vec::new();
    for (name, grid) in tables {
        let rows = grid.rows.len() + 1;
        if rows > MAX_SHEET_ROWS {
            return Err(Error::Usage(format!(
                "{} rows do not fit on an Excel sheet, which has {} rows: limit them with --top or \
                 use another format",
                grid.rows.len(),
                MAX_SHEET_ROWS - 1
            )));
        }
        let name = (*name).to_owned();
        sheets.push(Sheet { name, widths: column_widths(grid), rows, has_header: true });
    }
    let is_taken = tables.iter().any(|(name, _)| name.eq_ignore_ascii_case("About"));
    let name = if is_taken { "Context" } else { "About" }.to_owned();
    sheets.push(Sheet { name, widths: vec![22, MAX_COLUMN_WIDTH], rows: 0, has_header: false });
    let mut book = Workbook::new(sheets)?;
    let mut cut = 0;
    for (_, grid) in tables {
        book.next_sheet()?;
        let names = grid.columns.iter().map(|column| column.name.clone());
        book.write_row(names.map(|name| (WorkbookValue::Text(name), WorkbookStyle::Header)))?;
        for row in &grid.rows {
            book.write_row(row.iter().map(|cell| cell_value(cell, zone, &mut cut)))?;
        }
    }
    book.next_sheet()?;
    for (label, value) in about(cut) {
        book.write_row([(WorkbookValue::Text(label.to_owned()), WorkbookStyle::Header), value])?;
    }
    book.finish()
}

/// Returns a cell as a value of Excel, and counts shortened texts in `cut`.
fn cell_value(cell: &Cell, zone: Tz, cut: &mut u64) -> (WorkbookValue, WorkbookStyle) {
    let text = |text: String| (WorkbookValue::Text(text), WorkbookStyle::Plain);
    match cell {
        Cell::Null => (WorkbookValue::Empty, WorkbookStyle::Plain),
        Cell::Text(whole) => {
            let head = utf16_prefix(whole, MAX_CELL_UNITS);
            if head.len() == whole.len() {
                return text(whole.clone());
            }
            *cut += 1;
            text(format!("{}…", utf16_prefix(whole, MAX_CELL_UNITS - 1)))
        }
        Cell::Int(number) if number.unsigned_abs() <= MAX_EXACT_INT => {
            (WorkbookValue::Number(*number as f64), WorkbookStyle::Whole)
        }
        Cell::Int(number) => text(number.to_string()),
        Cell::Float(number) if number.is_finite() => {
            (WorkbookValue::Number(*number), WorkbookStyle::Plain)
        }
        Cell::Float(number) => text(number.to_string()),
        Cell::Bool(truth) => (WorkbookValue::Bool(*truth), WorkbookStyle::Plain),
        Cell::Time { us } => match time::local_us(*us, zone).and_then(time_serial) {
            Some(serial) => (WorkbookValue::Number(serial), WorkbookStyle::Time),
            None => text(time::instant_iso(*us, zone)),
        },
        Cell::LocalTime { us } => match time_serial(*us) {
            Some(serial) => (WorkbookValue::Number(serial), WorkbookStyle::Time),
            None => text(time::local_iso(*us)),
        },
        Cell::Date { days } => match valid_serial(f64::from(*days) + UNIX_EPOCH_SERIAL) {
            Some(serial) => (WorkbookValue::Number(serial), WorkbookStyle::Date),
            None => text(time::date_iso(*days)),
        },
    }
}

fn time_serial(us: i64) -> Option<f64> {
    valid_serial(us as f64 / DAY_US + UNIX_EPOCH_SERIAL)
}

/// Returns the number if it is that of a day in Excel.
fn valid_serial(serial: f64) -> Option<f64> {
    (MIN_DAY_SERIAL..DAY_SERIAL_END).contains(&serial).then_some(serial)
}

/// Returns the initial widths: those of the widest cells, up to [`MAX_COLUMN_WIDTH`].
fn column_widths(grid: &Grid) -> Vec<usize> {
    let width = |cell: &Cell| match cell {
        Cell::Null => 0,
        // A text with that many bytes is too wide in any script.
        Cell::Text(text) if text.len() > MAX_COLUMN_WIDTH * 4 => MAX_COLUMN_WIDTH,
        Cell::Text(text) => text.width(),
        Cell::Int(number) => number.to_string().len(),
        Cell::Float(number) => number.to_string().len(),
        Cell::Bool(_) => "FALSE".len(),
        Cell::Time { .. } | Cell::LocalTime { .. } => "2026-03-01 00:00:00".len(),
        Cell::Date { .. } => "2026-03-01".len(),
    };
    let columns = grid.columns.iter().enumerate().map(|(at, column)| {
        let cells = grid.rows.iter().filter_map(|row| row.get(at)).map(width);
        let widest = cells.max().unwrap_or(0).max(column.name.width() + FILTER_BUTTON_WIDTH);
        widest.min(MAX_COLUMN_WIDTH) + 1
    });
    columns.collect()
}

/// Returns the rows of the sheet with the context.
fn about_rows(
    context: Option<&ReportContext>,
    remarks: &[String],
    zone: Tz,
    cut: u64,
) -> Vec<AboutRow> {
    let text = |text: &str| (WorkbookValue::Text(text.to_owned()), WorkbookStyle::Sentence);
    let mut rows = Vec::new();
    if let Some(context) = context {
        rows.extend([("Title", text(&context.title)), ("Report", text(&context.report))]);
        let ends = [("First day", context.since), ("Last day", context.until)];
        rows.extend(ends.into_iter().filter_map(|(label, end)| Some((label, day_value(end?)))));
    }
    rows.push(("Time zone", text(zone.name())));
    rows.extend(context.into_iter().flat_map(count_rows));
    rows.extend(remarks.iter().map(|remark| ("Note", text(remark))));
    if cut > 0 {
        let texts = if cut == 1 { "1 text was" } else { &format!("{cut} texts were") };
        let note = format!("{texts} too long for an Excel cell and shortened, ending in ….");
        rows.push(("Note", text(&note)));
    }
    rows
}

fn count_rows(context: &ReportContext) -> [AboutRow; 7] {
    let (days, excluded) = (&context.coverage, &context.excluded);
    [
        ("Days in the period", days.days),
        ("Complete days", days.complete),
        ("Partial days", days.partial),
        ("Truncated days", days.truncated),
        ("Missing days", days.missing),
        ("Excluded automated API events", excluded.noise),
        ("Excluded service events", excluded.services),
    ]
    .map(|(label, number)| (label, (WorkbookValue::Number(number as f64), WorkbookStyle::Whole)))
}

fn day_value(day: NaiveDate) -> (WorkbookValue, WorkbookStyle) {
    let since_unix = day.num_days_from_ce() - NaiveDate::default().num_days_from_ce();
    match valid_serial(f64::from(since_unix) + UNIX_EPOCH_SERIAL) {
        Some(serial) => (WorkbookValue::Number(serial), WorkbookStyle::Date),
        None => (WorkbookValue::Text(day.to_string()), WorkbookStyle::Plain),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::super::tests::{sample_context, sample_grid};
    use super::super::{OutputFormat, render};
    use super::*;
    use crate::grid::CellKind;

    fn workbook(grid: &Grid, remarks: &[String]) -> zip::ZipArchive<Cursor<Vec<u8>>> {
        let (context, time_zone) = (sample_context(), chrono_tz::Europe::Zurich);
        let input = RenderInput {
            grid,
            chart: None,
            context: Some(&context),
            remarks,
            time_zone,
            width: 80,
        };
        zip::ZipArchive::new(Cursor::new(render(&input, OutputFormat::Xlsx).unwrap())).unwrap()
    }

    fn part(book: &mut zip::ZipArchive<Cursor<Vec<u8>>>, name: &str) -> String {
        let mut text = String::new();
        book.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn sheet(grid: &Grid) -> String {
        part(&mut workbook(grid, &[]), "xl/worksheets/sheet1.xml")
    }

    #[test]
    fn rows_have_a_frozen_header_with_filters() {
        let xml = sheet(&sample_grid());
        assert!(xml.contains("topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\""));
        assert!(xml.ends_with("</sheetData><autoFilter ref=\"A1:E3\"/></worksheet>"), "{xml}");
        assert!(
            xml.contains("<c r=\"A1\" s=\"1\" t=\"inlineStr\"><is><t xml:space=\"preserve\">rank<")
        );
        let row = concat!(
            "<row r=\"2\"><c r=\"A2\" s=\"2\"><v>1</v></c>",
            "<c r=\"B2\" s=\"0\" t=\"inlineStr\"><is><t xml:space=\"preserve\">",
            "Umsätze, &quot;alle&quot;\nLänder 💶</t></is></c><c r=\"C2\" s=\"0\"><v>2.5</v></c>",
            "<c r=\"D2\" s=\"4\"><v>46083.00347222222</v></c>",
            "<c r=\"E2\" s=\"3\"><v>46082</v></c></row>",
        );
        assert!(xml.contains(row), "{xml}");
        let last = "<row r=\"3\"><c r=\"A3\" s=\"2\"><v>12</v></c><c r=\"B3\"";
        assert!(xml.contains(last) && !xml.contains("C3"), "{xml}");
        assert!(xml.contains("<col min=\"4\" max=\"4\" width=\"20\" customWidth=\"1\"/>"), "{xml}");
    }

    #[test]
    fn second_sheet_contains_the_context() {
        let mut book = workbook(&sample_grid(), &["Showing 2 of 9 rows.".into()]);
        let xml = part(&mut book, "xl/workbook.xml");
        assert!(xml.contains("<sheet name=\"top-reports\" sheetId=\"1\""), "{xml}");
        assert!(xml.contains("hidden=\"1\">'top-reports'!$A$1:$E$3<"), "{xml}");
        let about = part(&mut book, "xl/worksheets/sheet2.xml");
        let plain: Vec<&str> = about
            .split(['<', '>'])
            .skip_while(|text| *text != "sheetData")
            .skip(1)
            .step_by(2)
            .filter(|text| !text.is_empty())
            .collect();
        let expected = "Title/Most viewed reports/Report/top-reports/First day/46082/\
            Last day/46112/Time zone/Europe/Zurich/Days in the period/31/Complete days/28/\
            Partial days/1/Truncated days/1/Missing days/1/\
            Excluded automated API events/720/Excluded service events/5/Note/Showing 2 of 9 rows.";
        assert_eq!(plain.join("/"), expected);
    }

    #[test]
    fn values_beyond_excel_are_texts_and_shortened_texts_are_noted() {
        let kinds = [
            ("n", CellKind::Int),
            ("x", CellKind::Float),
            ("day", CellKind::Date),
            ("t", CellKind::Text),
        ];
        let mut grid = Grid::new(kinds);
        let long = "\u{1f4b6}".repeat(20_000);
        for (number, fraction, days, text) in [
            (999_999_999_999_999, 0.1, -25_508, "=1+1"),
            (1_000_000_000_000_000, f64::NAN, -25_509, &long),
            (i64::MIN, f64::INFINITY, 2_932_897, ""),
        ] {
            let days = Cell::Date { days };
            grid.rows.push(vec![
                Cell::Int(number),
                Cell::Float(fraction),
                days,
                Cell::Text(text.into()),
            ]);
        }
        let mut book = workbook(&grid, &[]);
        let xml = part(&mut book, "xl/worksheets/sheet1.xml");
        for cell in [
            "<c r=\"A2\" s=\"2\"><v>999999999999999</v>",
            "<c r=\"B2\" s=\"0\"><v>0.1</v>",
            "<c r=\"C2\" s=\"3\"><v>61</v>",
        ] {
            assert!(xml.contains(cell), "{cell}");
        }
        for text in [
            "=1+1",
            "1000000000000000",
            "NaN",
            "1900-02-28",
            "-9223372036854775808",
            "inf",
            "10000-01-01",
        ] {
            let inline = format!(" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t>");
            let plain = inline.replace("10000-01-01", "+10000-01-01");
            assert!(xml.contains(&inline) || xml.contains(&plain), "{text}");
        }
        let cut = format!(">{}…<", "\u{1f4b6}".repeat(16_383));
        assert!(xml.contains(&cut), "surrogate pairs stay together");
        let about = part(&mut book, "xl/worksheets/sheet2.xml");
        assert!(about.contains(">1 text was too long for an Excel cell and shortened"), "{about}");
    }

    #[test]
    fn more_rows_than_a_sheet_has_are_an_error_with_advice() {
        let mut grid = Grid::new([]);
        grid.rows = vec![Vec::new(); MAX_SHEET_ROWS];
        let input = RenderInput {
            grid: &grid,
            chart: None,
            context: None,
            remarks: &[],
            time_zone: chrono_tz::UTC,
            width: 80,
        };
        let error = render(&input, OutputFormat::Xlsx).unwrap_err().to_string();
        assert!(error.starts_with("1048576 rows do not fit") && error.contains("--top"), "{error}");
    }
}
