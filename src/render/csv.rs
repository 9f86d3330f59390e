//! The rows as CSV (RFC 4180): a header line, commas, lines ending in CR LF, quotes where they
//! are needed. Owns: that format. Nothing but the rows goes in, so that any program can read it.

use crate::grid::Cell;
use crate::{Error, Result};

use super::{Page, Renderer, time};

/// Comma-separated values.
pub struct Csv;

impl Renderer for Csv {
    fn render(&self, page: &Page<'_>) -> Result<Vec<u8>> {
        let terminator = ::csv::Terminator::CRLF;
        let mut writer = ::csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
        let headers = page.grid.columns.iter().map(|column| column.name.as_str());
        writer.write_record(headers).map_err(Error::internal)?;
        for row in &page.grid.rows {
            let fields = row.iter().map(|cell| field(cell, page));
            writer.write_record(fields).map_err(Error::internal)?;
        }
        writer.into_inner().map_err(Error::internal)
    }
}

/// One line, for what is no grid.
///
/// # Errors
///
/// None that input or the disk can cause.
pub fn line(fields: &[&str]) -> Result<Vec<u8>> {
    let terminator = ::csv::Terminator::CRLF;
    let mut writer = ::csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
    writer.write_record(fields).map_err(Error::internal)?;
    writer.into_inner().map_err(Error::internal)
}

fn field(cell: &Cell, page: &Page<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Bool(truth) => truth.to_string(),
        Cell::Time { us } => time::instant_iso(*us, page.time_zone),
        Cell::LocalTime { us } => time::local_iso(*us),
        Cell::Date { days } => time::date(*days),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{sample, shown};

    #[test]
    fn quotes_line_breaks_and_empty_cells_follow_rfc_4180() {
        let text = shown(&sample(), Format::Csv, 80);
        let expected = "rank,report,share,last_view,day\r\n\
            1,\"Umsätze, \"\"alle\"\"\nLänder 💶\",2.5,2026-03-02T00:05:00+01:00,2026-03-01\r\n\
            12,売上レポート,,,\r\n";
        assert_eq!(text, expected);
    }
}
