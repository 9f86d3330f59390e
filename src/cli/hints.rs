//! Hints for command lines that clap rejects, and help of single reports.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::report_help;
use crate::report::ReportCatalog;

/// Other names of flags and commands with their present names.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("--set", "--param"),
    ("--replace", "--pseudonymize"),
    ("--key", "--key-file"),
    ("--raw", "--with-content"),
    ("columns", "schema"),
    ("views", "schema --views, or sql --show-sql duckdb"),
];

/// Returns a hint on an error of the command line.
pub(super) fn hint(error: &clap::Error) -> Option<String> {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(kind) else { return None };
    if let Some((_, name)) = OTHER_NAMES.iter().find(|(other, _)| other == word) {
        return Some(format!("Did you mean: {name}?"));
    }
    let catalog = ReportCatalog::new(None).ok()?;
    let report = catalog.exact(word).filter(|_| kind == ContextKind::InvalidSubcommand)?;
    Some(format!("Did you mean: pbi-analyze report {}?", report.name))
}

/// Returns the explanation of a report for `report NAME --help`.
pub(super) fn report_help(words: &[OsString]) -> Option<String> {
    let mut words = words.iter().skip_while(|word| *word != "report").skip(1);
    let folder = std::env::var_os("PBI_QUERIES").filter(|folder| !folder.is_empty());
    let catalog = ReportCatalog::new(folder.as_deref().map(Path::new)).ok()?;
    let report = catalog.exact(words.next()?.to_str()?)?;
    let text = report_help::report_text(report);
    Some(format!("{text}\nFlags: pbi-analyze report --help\n"))
}
