//! A grid as bytes: a table and Markdown for people, a workbook for Excel, CSV, JSON, NDJSON and
//! Parquet for programs; and several grids as one page of HTML.
//!
//! Owns: how values look, and the frame around them - period, days, what was left out. One file
//! per format behind one trait. Must not know the engine, the store, or where the bytes go; the
//! width of the terminal is told, never asked for.

mod chart;
mod csv;
pub mod html;
mod json;
mod markdown;
mod parquet;
mod table;
mod text;
mod text_width;
mod time;
mod workbook;
mod xlsx;

pub use csv::line as csv_line;
pub use text_width::wrap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

use crate::Result;
use crate::grid::{Chart, Grid};

/// The formats of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// Aligned columns for a terminal, and a closing line in words.
    #[default]
    Text,
    /// The rows alone, as in RFC 4180.
    Csv,
    /// As [`Format::Csv`], but no text is a formula to a spreadsheet.
    SafeCsv,
    /// One JSON object with the rows and what they rest on.
    Json,
    /// The rows alone, a JSON object a line.
    Ndjson,
    /// A table of GitHub's Markdown, and below it in words what it rests on.
    Markdown,
    /// An Excel workbook: the rows, and on a second sheet what they rest on.
    Xlsx,
    /// A Parquet file, with what the rows rest on in its metadata.
    Parquet,
}

impl OutputFormat {
    /// Whether people read the rows as they are, so that the first few are enough.
    pub fn is_for_people(self) -> bool {
        matches!(self, OutputFormat::Text | OutputFormat::Markdown)
    }

    /// Whether it is text, so that it can be shown on a terminal.
    pub fn is_text(self) -> bool {
        !matches!(self, OutputFormat::Xlsx | OutputFormat::Parquet)
    }
}

impl OutputFormat {
    /// How names of files in it end.
    pub fn extension(self) -> &'static str {
        match self {
            OutputFormat::Text => "txt",
            OutputFormat::Csv | OutputFormat::SafeCsv => "csv",
            OutputFormat::Json => "json",
            OutputFormat::Ndjson => "ndjson",
            OutputFormat::Markdown => "md",
            OutputFormat::Xlsx => "xlsx",
            OutputFormat::Parquet => "parquet",
        }
    }
}

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportContext {
    /// The report's name.
    pub report: String,
    /// Its title.
    pub title: String,
    /// First local day, where known.
    pub since: Option<NaiveDate>,
    /// Last local day, where known.
    pub until: Option<NaiveDate>,
    /// The days of the period, by how completely they are held.
    pub coverage: CoverageCounts,
    /// Events of the period that the rows do not count.
    pub excluded: ExcludedEvents,
}

/// How many UTC days there are, by verdict. `days = complete + partial + missing`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CoverageCounts {
    /// All of them.
    pub days: u64,
    /// Held in full, as far as can be told.
    pub complete: u64,
    /// Held in part, including those that were cut.
    pub partial: u64,
    /// Not held at all.
    pub missing: u64,
    /// Those of the partial ones whose source broke off or stopped at a row limit.
    pub truncated: u64,
}

/// Events left out of a report, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExcludedEvents {
    /// Reads through the API that say nothing about use.
    pub noise: u64,
    /// What service principals and the system did, beyond the noise.
    pub services: u64,
    /// What people did, where services alone are asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub people: u64,
    /// What the filters leave out.
    #[serde(skip_serializing_if = "is_zero")]
    pub filtered: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One answer, ready to be shown.
#[derive(Debug, Clone, Copy)]
pub struct RenderInput<'a> {
    /// The rows.
    pub grid: &'a Grid,
    /// How a table draws them.
    pub chart: Option<&'a Chart>,
    /// What they rest on; a bare listing rests on nothing.
    pub context: Option<&'a ReportContext>,
    /// Sentences for people: why there are no rows, what the period lacks.
    pub remarks: &'a [String],
    /// The zone in which instants are shown.
    pub time_zone: Tz,
    /// How many columns of characters a line may take.
    pub width: usize,
}

/// Turns an answer into bytes.
trait Renderer {
    fn render(&self, page: &RenderInput<'_>) -> Result<Vec<u8>>;
}

/// The page in the format asked for, ending in a line break.
///
/// # Errors
///
/// [`crate::Error::Usage`] for more rows than a sheet of a workbook takes; else only
/// [`crate::Error::Internal`]: writing to memory does not fail for any data.
pub fn render(page: &RenderInput<'_>, format: OutputFormat) -> Result<Vec<u8>> {
    let renderer: &dyn Renderer = match format {
        OutputFormat::Text => &table::TextTable,
        OutputFormat::Csv => &csv::Csv { is_formula_safe: false },
        OutputFormat::SafeCsv => &csv::Csv { is_formula_safe: true },
        OutputFormat::Json => &json::Json,
        OutputFormat::Ndjson => &json::Ndjson,
        OutputFormat::Markdown => &markdown::Markdown,
        OutputFormat::Xlsx => &xlsx::Xlsx,
        OutputFormat::Parquet => &parquet::Parquet,
    };
    renderer.render(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Cell, CellKind};

    pub(super) fn sample() -> Grid {
        let mut grid = Grid::new([
            ("rank", CellKind::Int),
            ("report", CellKind::Text),
            ("share", CellKind::Float),
            ("last_view", CellKind::Time),
            ("day", CellKind::Date),
        ]);
        grid.rows.push(vec![
            Cell::Int(1),
            Cell::Text("Umsätze, \"alle\"\nLänder 💶".into()),
            Cell::Float(2.5),
            Cell::Time { us: 1_772_406_300_000_000 },
            Cell::Date { days: 20_513 },
        ]);
        grid.rows.push(vec![
            Cell::Int(12),
            Cell::Text("売上レポート".into()),
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ]);
        grid
    }

    pub(super) fn basis() -> ReportContext {
        ReportContext {
            report: "top-reports".into(),
            title: "Most consumed reports".into(),
            since: NaiveDate::from_ymd_opt(2026, 3, 1),
            until: NaiveDate::from_ymd_opt(2026, 3, 31),
            coverage: CoverageCounts {
                days: 31,
                complete: 28,
                partial: 2,
                missing: 1,
                truncated: 1,
            },
            excluded: ExcludedEvents { noise: 720, services: 5, ..ExcludedEvents::default() },
        }
    }

    pub(super) fn shown(grid: &Grid, format: OutputFormat, width: usize) -> String {
        let basis = basis();
        let time_zone = chrono_tz::Europe::Zurich;
        let page = RenderInput {
            grid,
            chart: None,
            context: Some(&basis),
            remarks: &[],
            time_zone,
            width,
        };
        String::from_utf8(render(&page, format).unwrap()).unwrap()
    }

    #[test]
    fn the_same_page_is_the_same_bytes_in_every_format() {
        let (grid, basis, remarks) = (sample(), basis(), ["One.".to_owned()]);
        let page = RenderInput {
            grid: &grid,
            chart: None,
            context: Some(&basis),
            remarks: &remarks,
            time_zone: Tz::UTC,
            width: 80,
        };
        for format in [
            OutputFormat::Text,
            OutputFormat::Csv,
            OutputFormat::SafeCsv,
            OutputFormat::Json,
            OutputFormat::Ndjson,
            OutputFormat::Markdown,
            OutputFormat::Xlsx,
            OutputFormat::Parquet,
        ] {
            let bytes = render(&page, format).unwrap();
            assert_eq!(bytes, render(&page, format).unwrap(), "{format:?}");
            assert_eq!(std::str::from_utf8(&bytes).is_ok(), format.is_text(), "{format:?}");
        }
    }
}
