//! Lists the output formats, with their names, help texts and file extensions.

use std::str::FromStr;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// Aligned columns for a terminal, with closing sentences.
    #[default]
    Text,
    /// The rows as CSV (RFC 4180), with nothing around them.
    Csv,
    /// [`OutputFormat::Csv`] for a spreadsheet: with a byte order mark, so that it is read as
    /// UTF-8, and an apostrophe before texts that a spreadsheet runs as formulas.
    SafeCsv,
    /// One JSON object with the rows and their context.
    Json,
    /// The rows, one JSON object per line.
    Ndjson,
    /// A table in GitHub's Markdown, followed by its context in sentences.
    Markdown,
    /// A self-contained HTML page: the chart, the rows and their context.
    Html,
    /// The chart as an SVG picture, with title and coverage.
    Svg,
    /// [`OutputFormat::Svg`] with light shapes on a dark page.
    DarkSvg,
    /// The same chart as a PNG picture.
    Png,
    /// [`OutputFormat::Png`] with light shapes on a dark page.
    DarkPng,
    /// An Excel workbook: the rows, and their context on a second sheet.
    Xlsx,
    /// A Parquet file with the context in its metadata.
    Parquet,
}

impl OutputFormat {
    /// The formats that a user can name. [`OutputFormat::SafeCsv`],
    /// [`OutputFormat::DarkSvg`] and [`OutputFormat::DarkPng`] are variants and have no names of
    /// their own.
    pub const ALL: [OutputFormat; 10] = [
        OutputFormat::Text,
        OutputFormat::Csv,
        OutputFormat::Json,
        OutputFormat::Ndjson,
        OutputFormat::Markdown,
        OutputFormat::Html,
        OutputFormat::Svg,
        OutputFormat::Png,
        OutputFormat::Xlsx,
        OutputFormat::Parquet,
    ];

    /// Returns the name of the format, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            OutputFormat::Text => "text",
            OutputFormat::Csv | OutputFormat::SafeCsv => "csv",
            OutputFormat::Json => "json",
            OutputFormat::Ndjson => "ndjson",
            OutputFormat::Markdown => "markdown",
            OutputFormat::Html => "html",
            OutputFormat::Svg | OutputFormat::DarkSvg => "svg",
            OutputFormat::Png | OutputFormat::DarkPng => "png",
            OutputFormat::Xlsx => "xlsx",
            OutputFormat::Parquet => "parquet",
        }
    }

    /// Returns the other names of the format.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            OutputFormat::Ndjson => &["jsonl"],
            OutputFormat::Markdown => &["md"],
            OutputFormat::Html => &["htm"],
            _ => &[],
        }
    }

    /// Returns a description of the format for help texts.
    pub fn help(self) -> &'static str {
        match self {
            OutputFormat::Text => "Table for a terminal",
            OutputFormat::Csv => "Rows as CSV",
            OutputFormat::SafeCsv => "Rows as CSV for Excel, without formulas",
            OutputFormat::Json => "One JSON object with period, coverage and rows",
            OutputFormat::Ndjson => "One JSON object per row",
            OutputFormat::Markdown => "Table for GitHub, wikis and chats",
            OutputFormat::Html => "One page for a browser, with the chart; works offline",
            OutputFormat::Svg => "Chart of the report as a picture for slides",
            OutputFormat::DarkSvg => "Chart of the report as a picture for dark slides",
            OutputFormat::Png => "Chart of the report as pixels, for mails and chats",
            OutputFormat::DarkPng => "Chart of the report as pixels, on a dark page",
            OutputFormat::Xlsx => "Excel workbook; period and coverage on a second sheet",
            OutputFormat::Parquet => "Typed rows for notebooks; period and coverage as metadata",
        }
    }

    /// Returns the file extension of the format, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            OutputFormat::Text => "txt",
            OutputFormat::Markdown => "md",
            other => other.name(),
        }
    }

    /// Returns the format with a name or an alias, in any case.
    pub fn from_name(name: &str) -> Option<OutputFormat> {
        let is_named = |format: &OutputFormat| {
            let mut names = [format.name()].into_iter().chain(format.aliases().iter().copied());
            names.any(|known| known.eq_ignore_ascii_case(name))
        };
        OutputFormat::ALL.into_iter().find(is_named)
    }

    /// Returns the format of a file name extension without its dot, in any case.
    pub fn from_extension(extension: &str) -> Option<OutputFormat> {
        OutputFormat::ALL
            .into_iter()
            .find(|format| format.extension().eq_ignore_ascii_case(extension))
            .or_else(|| OutputFormat::from_name(extension))
    }

    /// Returns true if the output is the chart and no rows.
    pub fn is_picture(self) -> bool {
        matches!(
            self,
            OutputFormat::Svg | OutputFormat::DarkSvg | OutputFormat::Png | OutputFormat::DarkPng
        )
    }

    /// Returns the variant of a picture with light shapes on a dark page; none for other formats.
    pub fn dark(self) -> Option<OutputFormat> {
        match self {
            OutputFormat::Svg | OutputFormat::DarkSvg => Some(OutputFormat::DarkSvg),
            OutputFormat::Png | OutputFormat::DarkPng => Some(OutputFormat::DarkPng),
            _ => None,
        }
    }

    /// Returns true if the output is text and a terminal can show it.
    pub fn is_text(self) -> bool {
        !matches!(
            self,
            OutputFormat::Png | OutputFormat::DarkPng | OutputFormat::Xlsx | OutputFormat::Parquet
        )
    }
}

impl FromStr for OutputFormat {
    type Err = String;

    /// Parses the name of a format, in any case.
    ///
    /// # Errors
    ///
    /// A text with the known names if the name is unknown.
    fn from_str(name: &str) -> Result<OutputFormat, String> {
        OutputFormat::from_name(name).ok_or_else(|| {
            let known = OutputFormat::ALL.map(OutputFormat::name).join(", ");
            format!("unknown format {name}; expected one of {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_matched_in_any_case() {
        for format in OutputFormat::ALL {
            assert_eq!(OutputFormat::from_name(format.name()), Some(format));
            assert_eq!(format.name().to_uppercase().parse(), Ok(format));
            assert!(!format.help().is_empty());
        }
        assert_eq!(OutputFormat::from_name("MD"), Some(OutputFormat::Markdown));
        assert_eq!(
            "table".parse::<OutputFormat>(),
            Err("unknown format table; expected one of text, csv, json, ndjson, markdown, html, \
                 svg, png, xlsx, parquet"
                .to_owned())
        );
    }

    #[test]
    fn file_extension_selects_the_format() {
        for (extension, format) in [
            ("csv", Some(OutputFormat::Csv)),
            ("JSON", Some(OutputFormat::Json)),
            ("jsonl", Some(OutputFormat::Ndjson)),
            ("ndjson", Some(OutputFormat::Ndjson)),
            ("md", Some(OutputFormat::Markdown)),
            ("markdown", Some(OutputFormat::Markdown)),
            ("HTM", Some(OutputFormat::Html)),
            ("svg", Some(OutputFormat::Svg)),
            ("PNG", Some(OutputFormat::Png)),
            ("xlsx", Some(OutputFormat::Xlsx)),
            ("parquet", Some(OutputFormat::Parquet)),
            ("txt", Some(OutputFormat::Text)),
            ("pdf", None),
            ("", None),
        ] {
            assert_eq!(OutputFormat::from_extension(extension), format, "{extension}");
        }
    }
}
