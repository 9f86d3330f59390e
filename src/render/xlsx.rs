//! Renders a result as an Excel workbook: the rows on one sheet, their context on another.
//!
//! Times are days since 1900 on the clock of the report's zone. Values that Excel cannot represent
//! are texts.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use rust_xlsxwriter::{Table, TableColumn, TableStyle, Url, Worksheet};
use unicode_width::UnicodeWidthStr;

use crate::grid::{Cell, Grid};
use crate::{Error, Result};

use super::heading::{heading, is_id, is_percentage};
use super::input::{RenderInput, Renderer, ReportContext, TablesInput};
use super::time;
use super::workbook::{
    CellValue, Formats, MAX_CELL_UNITS, MAX_COLUMN_WIDTH, SheetNames, add_sheet, are_distinct,
    can_head_table, cannot_write, new_workbook, utf16_prefix,
};

/// The Excel format.
pub struct Xlsx;

/// The largest number of rows of a sheet.
const MAX_SHEET_ROWS: usize = 1 << 20;
/// The largest number of columns of a sheet.
const MAX_SHEET_COLUMNS: usize = 1 << 14;
/// The largest integer that Excel shows exactly: 15 digits. Larger ones are texts.
const MAX_EXACT_INT: u64 = 999_999_999_999_999;
/// The first day with the right number in Excel, 1900-03-01: Excel takes 1900 for a leap year.
const MIN_DAY_SERIAL: f64 = 61.0;
/// The number after that of the last day, 9999-12-31.
const DAY_SERIAL_END: f64 = 2_958_466.0;
/// The number of 1970-01-01 in Excel.
const UNIX_EPOCH_SERIAL: f64 = 25_569.0;
const DAY_US: f64 = 86_400e6;
/// The initial width of a column of IDs, which nobody reads and which make a printed page small.
const ID_COLUMN_WIDTH: usize = 14;
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
type AboutRow = (&'static str, CellValue);

/// Writes a workbook: a sheet for each table, and one with the rows of `about`, which gets the
/// number of shortened texts.
fn write_workbook(
    tables: &[(&str, &Grid)],
    zone: Tz,
    about: impl FnOnce(u64) -> Vec<AboutRow>,
) -> Result<Vec<u8>> {
    for (_, grid) in tables {
        check_fits(grid)?;
    }
    let mut names = SheetNames::default();
    let titles: Vec<String> = tables.iter().map(|(name, _)| names.unused(name)).collect();
    let formats = Formats::new();
    let mut book = new_workbook()?;
    let mut cut = 0;
    for ((_, grid), title) in tables.iter().zip(&titles) {
        let sheet = add_sheet(&mut book, title)?;
        write_rows(sheet, grid, zone, &formats, &mut cut)?;
        add_headings(sheet, grid, &formats)?;
    }
    if let ([(_, index), ..], Some(sheet)) = (tables, book.worksheets_mut().first_mut()) {
        link_sheets(sheet, index, tables, &titles)?;
    }
    let name = names.unused("About");
    let sheet = add_sheet(&mut book, &name)?;
    sheet.set_column_width(0, 32.0).map_err(cannot_write)?;
    sheet.set_column_width(1, MAX_COLUMN_WIDTH as f64).map_err(cannot_write)?;
    for (row, (label, value)) in (0..).zip(about(cut)) {
        sheet.write_string_with_format(row, 0, label, &formats.label).map_err(cannot_write)?;
        formats.write(sheet, (row, 1), value)?;
    }
    book.save_to_buffer().map_err(cannot_write)
}

fn check_fits(grid: &Grid) -> Result<()> {
    let (rows, columns) = (grid.rows.len(), grid.columns.len());
    if rows >= MAX_SHEET_ROWS {
        return Err(Error::Usage(format!(
            "{rows} rows do not fit on an Excel sheet, which has {} rows: limit them with --top or \
             use another format",
            MAX_SHEET_ROWS - 1
        )));
    }
    if columns > MAX_SHEET_COLUMNS {
        return Err(Error::Usage(format!(
            "{columns} columns do not fit on an Excel sheet, which has {MAX_SHEET_COLUMNS}: select \
             fewer or use another format"
        )));
    }
    Ok(())
}

fn write_rows(
    sheet: &mut Worksheet,
    grid: &Grid,
    zone: Tz,
    formats: &Formats,
    cut: &mut u64,
) -> Result<()> {
    for (row, cells) in (1..).zip(&grid.rows) {
        for ((at, column), cell) in (0..).zip(&grid.columns).zip(cells) {
            let value = match cell_value(cell, zone, cut) {
                CellValue::Whole(number) | CellValue::Number(number)
                    if is_percentage(&column.name) =>
                {
                    CellValue::Share(hundredth(number))
                }
                value => value,
            };
            formats.write(sheet, (row, at), value)?;
        }
    }
    Ok(())
}

/// Returns a hundredth of a number in decimal digits: 12.3 is 0.123, which a division misses.
fn hundredth(number: f64) -> f64 {
    format!("{number}e-2").parse().unwrap_or(number / 100.0)
}

/// Writes the frozen row of headings, which is on every printed page, and makes rows a table.
fn add_headings(sheet: &mut Worksheet, grid: &Grid, formats: &Formats) -> Result<()> {
    let headings = headings(grid);
    for ((at, heading), width) in (0..).zip(&headings).zip(column_widths(grid, &headings)) {
        sheet.set_column_width(at, width as f64).map_err(cannot_write)?;
        let text = utf16_prefix(heading, MAX_CELL_UNITS);
        sheet.write_string_with_format(0, at, text, &formats.heading).map_err(cannot_write)?;
    }
    sheet.set_freeze_panes(1, 0).map_err(cannot_write)?;
    sheet.set_repeat_rows(0, 0).map_err(cannot_write)?;
    let last_row = u32::try_from(grid.rows.len()).map_err(Error::internal)?;
    let Some(last_column) = headings.len().checked_sub(1) else { return Ok(()) };
    let last_column = u16::try_from(last_column).map_err(Error::internal)?;
    if last_row == 0 || !can_head_table(&headings) {
        return Ok(());
    }
    let columns: Vec<_> = headings
        .iter()
        .map(|text| {
            TableColumn::new().set_header(text.as_str()).set_header_format(&formats.heading)
        })
        .collect();
    let table = Table::new().set_style(TableStyle::Medium2).set_columns(&columns);
    sheet.add_table(0, 0, last_row, last_column, &table).map_err(cannot_write)?;
    Ok(())
}

/// Returns the headings: the names of the columns in words, or as they are where two names become
/// the same words.
fn headings(grid: &Grid) -> Vec<String> {
    let words: Vec<String> = grid.columns.iter().map(|column| heading(&column.name)).collect();
    if are_distinct(&words) {
        return words;
    }
    grid.columns.iter().map(|column| column.name.clone()).collect()
}

/// Links the texts of the first sheet's first column that name another sheet to that sheet.
fn link_sheets(
    sheet: &mut Worksheet,
    index: &Grid,
    tables: &[(&str, &Grid)],
    titles: &[String],
) -> Result<()> {
    for (row, cells) in (1..).zip(&index.rows) {
        let Some(Cell::Text(name)) = cells.first() else { continue };
        let named = tables.iter().zip(titles).skip(1).find(|((table, _), _)| table == name);
        if let Some((_, title)) = named {
            let target = format!("internal:'{}'!A1", title.replace('\'', "''"));
            let link = Url::new(target).set_text(name.as_str());
            sheet.write_url(row, 0, link).map_err(cannot_write)?;
        }
    }
    Ok(())
}

/// Returns a cell as a value of Excel, and counts shortened texts in `cut`.
fn cell_value(cell: &Cell, zone: Tz, cut: &mut u64) -> CellValue {
    match cell {
        Cell::Null => CellValue::Empty,
        Cell::Text(whole) => {
            let head = utf16_prefix(whole, MAX_CELL_UNITS);
            if head.len() == whole.len() {
                return CellValue::Text(whole.clone());
            }
            *cut += 1;
            CellValue::Text(format!("{}…", utf16_prefix(whole, MAX_CELL_UNITS - 1)))
        }
        Cell::Int(number) if number.unsigned_abs() <= MAX_EXACT_INT => {
            CellValue::Whole(*number as f64)
        }
        Cell::Int(number) => CellValue::Text(number.to_string()),
        Cell::Float(number) if number.is_finite() => CellValue::Number(*number),
        Cell::Float(number) => CellValue::Text(number.to_string()),
        Cell::Bool(truth) => CellValue::Bool(*truth),
        Cell::Time { us } => time::local_us(*us, zone)
            .and_then(time_serial)
            .map_or_else(|| CellValue::Text(time::instant_iso(*us, zone)), CellValue::Time),
        Cell::LocalTime { us } => {
            time_serial(*us).map_or_else(|| CellValue::Text(time::local_iso(*us)), CellValue::Time)
        }
        Cell::Date { days } => valid_serial(f64::from(*days) + UNIX_EPOCH_SERIAL)
            .map_or_else(|| CellValue::Text(time::date_iso(*days)), CellValue::Date),
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
fn column_widths(grid: &Grid, headings: &[String]) -> Vec<usize> {
    let width = |cell: &Cell| match cell {
        Cell::Null => 0,
        // A text with that many bytes is too wide in any script.
        Cell::Text(text) if text.len() > MAX_COLUMN_WIDTH * 4 => MAX_COLUMN_WIDTH,
        Cell::Text(text) => text.width(),
        // A group of three digits has a separator.
        Cell::Int(number) => number.to_string().len() * 4 / 3,
        Cell::Float(number) => number.to_string().len(),
        Cell::Bool(_) => "FALSE".len(),
        Cell::Time { .. } | Cell::LocalTime { .. } => "2026-03-01 00:00:00".len(),
        Cell::Date { .. } => "2026-03-01".len(),
    };
    let columns = headings.iter().enumerate().map(|(at, heading)| {
        let cells = grid.rows.iter().filter_map(|row| row.get(at)).map(width);
        let widest = cells.max().unwrap_or(0).max(heading.width() + FILTER_BUTTON_WIDTH);
        let name = grid.columns.get(at).map_or("", |column| column.name.as_str());
        let most = if is_id(name) { ID_COLUMN_WIDTH } else { MAX_COLUMN_WIDTH };
        widest.min(most) + 1
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
    let text = |text: &str| CellValue::Text(text.to_owned());
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
    .map(|(label, number)| (label, CellValue::Whole(number as f64)))
}

fn day_value(day: NaiveDate) -> CellValue {
    let since_unix = day.num_days_from_ce() - NaiveDate::default().num_days_from_ce();
    valid_serial(f64::from(since_unix) + UNIX_EPOCH_SERIAL)
        .map_or_else(|| CellValue::Text(day.to_string()), CellValue::Date)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Cursor, Read};

    use super::super::tests::{sample_context, sample_grid};
    use super::super::{NamedTable, OutputFormat, render, render_tables};
    use super::*;
    use crate::grid::CellKind;

    type Book = zip::ZipArchive<Cursor<Vec<u8>>>;

    fn input<'a>(grid: &'a Grid, remarks: &'a [String]) -> RenderInput<'a> {
        let (time_zone, width) = (chrono_tz::Europe::Zurich, 80);
        RenderInput { grid, chart: None, context: None, remarks, time_zone, width }
    }

    fn workbook(grid: &Grid, remarks: &[String]) -> Book {
        let context = sample_context();
        let input = RenderInput { context: Some(&context), ..input(grid, remarks) };
        opened(render(&input, OutputFormat::Xlsx).unwrap())
    }

    fn opened(bytes: Vec<u8>) -> Book {
        zip::ZipArchive::new(Cursor::new(bytes)).unwrap()
    }

    fn part(book: &mut Book, name: &str) -> String {
        let mut text = String::new();
        book.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// The values of a sheet by the name of the cell, texts resolved.
    fn cells(book: &mut Book, sheet: usize) -> BTreeMap<String, String> {
        let between = |text: &str, from: &str, to: &str| {
            text.split_once(from).and_then(|(_, rest)| Some(rest.split_once(to)?.0.to_owned()))
        };
        let shared = part(book, "xl/sharedStrings.xml");
        let texts: Vec<String> = shared
            .split("<si>")
            .skip(1)
            .map(|item| between(item, ">", "</t>").unwrap_or_default())
            .collect();
        let xml = part(book, &format!("xl/worksheets/sheet{sheet}.xml"));
        let read = xml.split("<c r=\"").skip(1).map(|cell| {
            let name = cell.split('"').next().unwrap_or_default().to_owned();
            let value = between(cell, "<v>", "</v>").unwrap_or_default();
            let is_text = cell.split('>').next().is_some_and(|tag| tag.contains("t=\"s\""));
            (name, if is_text { texts[value.parse::<usize>().unwrap()].clone() } else { value })
        });
        read.collect()
    }

    #[test]
    fn rows_are_a_table_with_headings_in_words() {
        let mut book = workbook(&sample_grid(), &[]);
        let read = cells(&mut book, 1);
        let row = |row: u32| {
            ["A", "B", "C", "D", "E"].map(|column| {
                read.get(&format!("{column}{row}")).map_or("", String::as_str).to_owned()
            })
        };
        let names: Vec<String> =
            sample_grid().columns.iter().map(|column| heading(&column.name)).collect();
        assert_eq!(row(1).to_vec(), names);
        assert_eq!(row(2)[0], "1");
        assert_eq!(row(2)[1], "Umsätze, \"alle\"\nLänder 💶");
        assert_eq!(row(2)[2..], ["2.5", "46083.00347222222", "46082"]);
        assert_eq!(row(3)[2], "");
        let table = part(&mut book, "xl/tables/table1.xml");
        assert!(table.contains("ref=\"A1:E3\"") && table.contains("<autoFilter"), "{table}");
        let xml = part(&mut book, "xl/worksheets/sheet1.xml");
        for expected in
            ["orientation=\"landscape\"", "fitToHeight=\"0\"", "topLeftCell=\"A2\"", "<tablePart "]
        {
            assert!(xml.contains(expected), "{expected}: {xml}");
        }
        let names = part(&mut book, "xl/workbook.xml");
        assert!(names.contains(">'top-reports'!$1:$1<"), "{names}");
    }

    #[test]
    fn percentages_are_shares_with_the_format_of_percent() {
        let mut grid = Grid::new([("failed_pct", CellKind::Float), ("views", CellKind::Int)]);
        grid.rows.push(vec![Cell::Float(12.3), Cell::Int(1234)]);
        let mut book = workbook(&grid, &[]);
        let read = cells(&mut book, 1);
        assert_eq!([&read["A1"], &read["A2"], &read["B2"]], ["Failed %", "0.123", "1234"]);
        let styles = part(&mut book, "xl/styles.xml");
        assert!(styles.contains("formatCode=\"0.0%\""), "{styles}");
    }

    #[test]
    fn headings_that_excel_refuses_give_rows_without_a_table() {
        let long = "x".repeat(256);
        for names in [["a", "A"], ["", "b"], ["a\u{1}", "b"], [&long, "b"]] {
            let mut grid = Grid::new(names.map(|name| (name, CellKind::Int)));
            grid.rows.push(vec![Cell::Int(1), Cell::Int(2)]);
            let mut book = workbook(&grid, &[]);
            assert!(book.by_name("xl/tables/table1.xml").is_err(), "{names:?}");
            assert_eq!(cells(&mut book, 1)["B2"], "2");
        }
        // Two names that become the same words keep their spelling.
        let mut grid = Grid::new([("user_id", CellKind::Int), ("User ID", CellKind::Int)]);
        grid.rows.push(vec![Cell::Int(1), Cell::Int(2)]);
        let mut book = workbook(&grid, &[]);
        assert_eq!(cells(&mut book, 1)["A1"], "user_id");
        assert!(book.by_name("xl/tables/table1.xml").is_ok());
    }

    #[test]
    fn an_index_links_to_its_sheets() {
        let table = |title: &str, grid: &Grid| NamedTable {
            name: title.to_owned(),
            title: title.to_owned(),
            grid: grid.clone(),
            chart: None,
            remarks: Vec::new(),
        };
        let mut index = Grid::new([("report", CellKind::Text), ("rows", CellKind::Int)]);
        let rows = ["it's", "absent"].map(|name| vec![Cell::Text(name.into()), Cell::Int(1)]);
        index.rows.extend(rows);
        let context = sample_context();
        let input = TablesInput {
            tables: &[
                table("Index", &index),
                table("it's", &sample_grid()),
                table("IT S", &sample_grid()),
            ],
            context: &context,
            remarks: &[],
            time_zone: chrono_tz::UTC,
            width: 80,
        };
        let mut book = opened(render_tables(&input, OutputFormat::Xlsx).unwrap());
        let xml = part(&mut book, "xl/worksheets/sheet1.xml");
        assert_eq!(xml.matches("<hyperlink ").count(), 1, "{xml}");
        assert!(xml.contains("location=\"'it s'!A1\""), "{xml}");
        assert_eq!(cells(&mut book, 1)["A2"], "it's");
        let names = part(&mut book, "xl/workbook.xml");
        for name in ["\"it s\"", "\"IT S 2\"", "\"About\""] {
            assert!(names.contains(name), "{name}: {names}");
        }
    }

    #[test]
    fn last_sheet_contains_the_context() {
        let mut book = workbook(&sample_grid(), &["Showing 2 of 9 rows.".into()]);
        let read = cells(&mut book, 2);
        let rows: Vec<String> = (1..=read.len() / 2)
            .map(|row| format!("{} {}", read[&format!("A{row}")], read[&format!("B{row}")]))
            .collect();
        let expected = [
            "Title Most viewed reports",
            "Report top-reports",
            "First day 46082",
            "Last day 46112",
            "Time zone Europe/Zurich",
            "Days in the period 31",
            "Complete days 28",
            "Partial days 1",
            "Truncated days 1",
            "Missing days 1",
            "Excluded automated API events 720",
            "Excluded service events 5",
            "Note Showing 2 of 9 rows.",
        ];
        assert_eq!(rows, expected);
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
            (i64::MIN, f64::INFINITY, 2_932_897, "a_x000D_\u{1b}"),
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
        let read = cells(&mut book, 1);
        let cut = format!("{}…", "\u{1f4b6}".repeat(16_383));
        for (cell, value) in [
            ("A2", "999999999999999"),
            ("B2", "0.1"),
            ("C2", "61"),
            ("D2", "=1+1"),
            ("A3", "1000000000000000"),
            ("B3", "NaN"),
            ("C3", "1900-02-28"),
            ("D3", &cut),
            ("A4", "-9223372036854775808"),
            ("B4", "inf"),
            ("C4", "+10000-01-01"),
            ("D4", "a_x005F_x000D__x001B_"),
        ] {
            assert_eq!(read[cell], value, "{cell}");
        }
        assert!(part(&mut book, "xl/worksheets/sheet1.xml").contains("<c r=\"D2\" t=\"s\">"));
        let note = "1 text was too long for an Excel cell and shortened, ending in ….";
        assert!(cells(&mut book, 2).values().any(|text| text == note));
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let render_it = || render(&input(&sample_grid(), &[]), OutputFormat::Xlsx).unwrap();
        assert_eq!(render_it(), render_it());
    }

    #[test]
    fn more_rows_or_columns_than_a_sheet_has_are_an_error_with_advice() {
        let mut grid = Grid::new([]);
        grid.rows = vec![Vec::new(); MAX_SHEET_ROWS];
        let error = render(&input(&grid, &[]), OutputFormat::Xlsx).unwrap_err().to_string();
        assert!(error.starts_with("1048576 rows do not fit") && error.contains("--top"), "{error}");
        let wide = Grid::new((0..=MAX_SHEET_COLUMNS).map(|_| ("n", CellKind::Int)));
        let error = render(&input(&wide, &[]), OutputFormat::Xlsx).unwrap_err().to_string();
        assert!(error.starts_with("16385 columns do not fit"), "{error}");
    }
}
