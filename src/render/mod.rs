//! Renders results: text, Markdown, HTML, SVG, PNG, Excel, CSV, JSON, NDJSON and Parquet, and an
//! HTML page of several results.

mod chart;
mod column_widths;
mod csv;
mod format;
mod heading;
pub mod html;
mod input;
mod json;
mod markdown;
mod own_domain;
mod parquet;
mod parquet_table;
mod png;
mod report_page;
mod svg;
mod table;
mod tables;
mod text;
mod text_width;
mod time;
mod workbook;
mod xlsx;

pub use csv::line as csv_line;
pub use format::OutputFormat;
pub use input::{
    CoverageCounts, ExcludedEvents, Mark, NamedTable, RenderInput, ReportContext, TablesInput,
    Totals,
};
pub use json::context_json;
pub use parquet::record_batch;
pub use parquet_table::TableWriter;
pub use tables::{check_holds_tables, render_tables};
pub use text::group_digits;
pub use text_width::{printable_char, wrap};

use crate::Result;
use input::Renderer;

/// Renders a result, ending in a line break if the format is text. The same input gives the same
/// bytes.
///
/// # Errors
///
/// [`crate::Error::Usage`] if there are more rows than an Excel sheet can contain; else only
/// [`crate::Error::Internal`], since writing to memory does not fail for any data.
pub fn render(input: &RenderInput<'_>, format: OutputFormat) -> Result<Vec<u8>> {
    let renderer: &dyn Renderer = match format {
        OutputFormat::Text => &table::TextTable,
        OutputFormat::Csv => &csv::Csv { is_for_spreadsheet: false },
        OutputFormat::SafeCsv => &csv::Csv { is_for_spreadsheet: true },
        OutputFormat::Json => &json::Json,
        OutputFormat::Ndjson => &json::Ndjson,
        OutputFormat::Markdown => &markdown::Markdown,
        OutputFormat::Html => &report_page::ReportPage,
        OutputFormat::Svg => &svg::Svg { is_dark: false },
        OutputFormat::DarkSvg => &svg::Svg { is_dark: true },
        OutputFormat::Png => &png::Png { is_dark: false },
        OutputFormat::DarkPng => &png::Png { is_dark: true },
        OutputFormat::Xlsx => &xlsx::Xlsx,
        OutputFormat::Parquet => &parquet::Parquet,
    };
    renderer.render(input)
}

#[cfg(test)]
mod tests;
