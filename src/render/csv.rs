//! Renders the rows as CSV (RFC 4180), with a header and nothing else, so that any program can
//! read it.

use crate::grid::Cell;
use crate::{Error, Result};

use super::input::{RenderInput, Renderer};
use super::time;

/// The CSV format.
pub struct Csv {
    /// True if a spreadsheet opens the file: it starts with a byte order mark, and texts that would
    /// run as formulas start with an apostrophe.
    pub is_for_spreadsheet: bool,
}

/// The byte order mark of UTF-8. Without it, Excel reads CSV in the code page of the system.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The characters at which a formula can start in a spreadsheet (OWASP, CSV Injection).
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

impl Renderer for Csv {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let terminator = ::csv::Terminator::CRLF;
        let start = if self.is_for_spreadsheet { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
        let mut writer = ::csv::WriterBuilder::new().terminator(terminator).from_writer(start);
        let headers = input.grid.columns.iter().map(|column| column.name.as_str());
        writer.write_record(headers).map_err(Error::internal)?;
        for row in &input.grid.rows {
            let fields = row.iter().map(|cell| self.field_text(cell, input));
            writer.write_record(fields).map_err(Error::internal)?;
        }
        writer.into_inner().map_err(Error::internal)
    }
}

/// Returns one line of CSV.
///
/// # Errors
///
/// [`Error::Internal`] only.
pub fn line(fields: &[&str]) -> Result<Vec<u8>> {
    let terminator = ::csv::Terminator::CRLF;
    let mut writer = ::csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
    writer.write_record(fields).map_err(Error::internal)?;
    writer.into_inner().map_err(Error::internal)
}

impl Csv {
    fn field_text(&self, cell: &Cell, input: &RenderInput<'_>) -> String {
        match cell {
            Cell::Null => String::new(),
            Cell::Text(text) if self.is_for_spreadsheet && text.starts_with(FORMULA_STARTS) => {
                format!("'{text}")
            }
            Cell::Text(text) => text.clone(),
            Cell::Int(number) => number.to_string(),
            Cell::Float(number) => number.to_string(),
            Cell::Bool(truth) => truth.to_string(),
            Cell::Time { us } => time::instant_iso(*us, input.time_zone),
            Cell::LocalTime { us } => time::local_iso(*us),
            Cell::Date { days } => time::date_iso(*days),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::OutputFormat;
    use super::super::tests::{render_text, sample_grid};
    use crate::grid::{Cell, CellKind, Grid};

    fn read(text: &str) -> Vec<Vec<String>> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = ::csv::ReaderBuilder::new().from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn only_csv_for_a_spreadsheet_has_a_byte_order_mark() {
        let safe = render_text(&sample_grid(), OutputFormat::SafeCsv, 80);
        let plain = render_text(&sample_grid(), OutputFormat::Csv, 80);
        assert_eq!(safe, format!("\u{feff}{plain}"));
    }

    #[test]
    fn formula_texts_start_with_an_apostrophe_in_safe_csv() {
        let mut grid = Grid::new([("text", CellKind::Text), ("number", CellKind::Int)]);
        let texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a=1", "'=1", ""];
        for text in texts {
            grid.rows.push(vec![Cell::Text(text.into()), Cell::Int(-1)]);
        }
        let safe = read(&render_text(&grid, OutputFormat::SafeCsv, 80));
        let shown = read(&render_text(&grid, OutputFormat::Csv, 80));
        for (at, text) in texts.into_iter().enumerate() {
            assert_eq!(shown[at], [text, "-1"]);
            let apostrophe = if at < 6 { "'" } else { "" };
            assert_eq!(safe[at], [&format!("{apostrophe}{text}"), "-1"]);
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_unchanged(texts in prop::collection::vec("(?s).{0,20}", 1..9)) {
            let mut grid = Grid::new([("n", CellKind::Int), ("text", CellKind::Text)]);
            for text in &texts {
                grid.rows.push(vec![Cell::Int(1), Cell::Text(text.clone())]);
            }
            let rows = read(&render_text(&grid, OutputFormat::Csv, 80));
            let back: Vec<String> = rows.into_iter().map(|mut row| row.remove(1)).collect();
            prop_assert_eq!(&back, &texts);
            for row in read(&render_text(&grid, OutputFormat::SafeCsv, 80)) {
                prop_assert!(!row[1].starts_with(super::FORMULA_STARTS), "{:?}", row);
            }
        }
    }

    #[test]
    fn quotes_line_breaks_and_empty_cells_follow_rfc_4180() {
        let text = render_text(&sample_grid(), OutputFormat::Csv, 80);
        let expected = "rank,report,share,last_view,day\r\n\
            1,\"Umsätze, \"\"alle\"\"\nLänder 💶\",2.5,2026-03-02T00:05:00+01:00,2026-03-01\r\n\
            12,売上レポート,,,\r\n";
        assert_eq!(text, expected);
    }
}
