//! Values of flags: names of domain types, dates and parameters.

use clap::ValueEnum;
use clap::builder::{PossibleValue, RangedI64ValueParser};

use crate::rejects::RejectsFormat;
use crate::report::{Actors, NoiseFilter, OutputFormat, SortKey, SqlEngine};

impl ValueEnum for OutputFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &OutputFormat::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        // CSV with --excel-safe has no name of its own.
        if !OutputFormat::ALL.contains(self) {
            return None;
        }
        let value = PossibleValue::new(self.name()).help(self.help());
        Some(if *self == OutputFormat::Markdown { value.alias("md") } else { value })
    }
}

impl ValueEnum for NoiseFilter {
    fn value_variants<'a>() -> &'a [Self] {
        &[NoiseFilter::Exclude, NoiseFilter::ExcludeAllReads, NoiseFilter::Include]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            NoiseFilter::Exclude => ("exclude", "Exclude ExportActivityEvents and GetDatasources"),
            NoiseFilter::ExcludeAllReads => ("exclude-all-reads", "Exclude all API reads"),
            NoiseFilter::Include => ("include", "Exclude nothing"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for Actors {
    fn value_variants<'a>() -> &'a [Self] {
        &Actors::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Actors::People => "People, including guests and anonymous visitors",
            Actors::All => "People, service principals and system accounts",
            Actors::Services => "Service principals and system accounts",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

impl ValueEnum for SqlEngine {
    fn value_variants<'a>() -> &'a [Self] {
        &[SqlEngine::DuckDb, SqlEngine::Spark]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            SqlEngine::DuckDb => ("duckdb", "DuckDB"),
            SqlEngine::Spark => ("spark", "Spark SQL 3.5 or newer"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Format of `rejects`: lines for people, or a format for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum RejectsOutput {
    Text,
    Data(RejectsFormat),
}

impl ValueEnum for RejectsOutput {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            RejectsOutput::Text,
            RejectsOutput::Data(RejectsFormat::Json),
            RejectsOutput::Data(RejectsFormat::Ndjson),
            RejectsOutput::Data(RejectsFormat::Csv),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            RejectsOutput::Text => ("text", "Human-readable text"),
            RejectsOutput::Data(RejectsFormat::Json) => ("json", "One JSON array"),
            RejectsOutput::Data(RejectsFormat::Ndjson) => ("ndjson", "One JSON object per record"),
            RejectsOutput::Data(RejectsFormat::Csv) => ("csv", "Rows with a header"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Parses a maximum number of rows.
pub(super) fn parse_row_count(text: &str) -> Result<u32, String> {
    let rows = text.parse().ok().filter(|rows| *rows > 0);
    rows.ok_or_else(|| "N must be 1 or greater; omit --top to get all rows in files".into())
}

/// Parses the name of a column.
pub(super) fn parse_column_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a column name is missing; use NAME,NAME, for example report,views".into()),
        name => Ok(name.to_owned()),
    }
}

/// Parses the name of a column to sort by, with `-` before it for the highest value first.
pub(super) fn parse_sort_key(text: &str) -> Result<SortKey, String> {
    let key = SortKey::parse(text.trim());
    match key.column.as_str() {
        "" => Err("a column name is missing; use NAME or -NAME, for example -views".into()),
        _ => Ok(key),
    }
}

/// Parses the days without use after which items are unused and licenses idle.
pub(super) fn unused_days_parser() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=3660)
}

/// Parses `NAME=VALUE`.
pub(super) fn parse_param(pair: &str) -> Result<(String, String), String> {
    let parts = pair.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("use NAME=VALUE, for example --param grain=week")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_need_a_name() {
        assert_eq!(parse_column_name(" views ").unwrap(), "views");
        let key = parse_sort_key("-views").unwrap();
        assert_eq!((key.column.as_str(), key.is_descending), ("views", true));
        assert!(!parse_sort_key("views").unwrap().is_descending);
        for text in ["", " ", "-"] {
            assert!(parse_sort_key(text).unwrap_err().contains("-views"));
        }
        assert!(parse_column_name(" ").unwrap_err().contains("report,views"));
    }

    #[test]
    fn parameters_need_a_name() {
        assert_eq!(parse_param("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        for text in ["", "a", "=b"] {
            assert!(parse_param(text).unwrap_err().contains("NAME=VALUE"));
        }
    }
}
