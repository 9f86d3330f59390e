//! Format that the name of an output file asks for.

use std::path::Path;

use crate::error::{Error, Result};
use crate::report::OutputFormat;

/// Extensions of the formats of reports, in the order of help texts.
const REPORT_EXTENSIONS: [&str; 11] =
    ["txt", "csv", "json", "ndjson", "jsonl", "md", "html", "svg", "png", "xlsx", "parquet"];

/// Returns the format of a report: the given one, or that of the file's extension.
///
/// # Errors
///
/// [`Error::Usage`] if no format has the extension, or another than the given one.
pub(super) fn report_format(
    file: Option<&Path>,
    given: Option<OutputFormat>,
) -> Result<OutputFormat> {
    let Some((file, extension)) = file.and_then(named_extension) else {
        return Ok(given.unwrap_or_default());
    };
    match (given, OutputFormat::from_extension(extension)) {
        (None, Some(named)) => Ok(named),
        (None, None) => Err(unknown(
            file,
            &format!("no format has the extension .{extension}"),
            &REPORT_EXTENSIONS,
        )),
        // A file with any text can be called .txt, and other extensions mean no format.
        (Some(given), None | Some(OutputFormat::Text)) => Ok(given),
        (Some(given), Some(named)) if given == named => Ok(given),
        (Some(given), Some(named)) => Err(Error::Usage(format!(
            "--output {} is a file for {}, and --format is {}; omit --format, or use the extension \
             .{}",
            file.display(),
            named.name(),
            given.name(),
            given.extension()
        ))),
    }
}

/// Accepts the file of an output that has one format only.
///
/// # Errors
///
/// [`Error::Usage`] if the file has another extension than the known ones.
pub(super) fn check_extension(file: Option<&Path>, output: &str, known: &[&str]) -> Result<()> {
    match file.and_then(named_extension) {
        Some((file, extension)) if !known.iter().any(|k| k.eq_ignore_ascii_case(extension)) => {
            Err(unknown(file, output, known))
        }
        _ => Ok(()),
    }
}

/// Returns the extension of a file name. What starts with a digit is the end of a name with dots,
/// for example of `usage.2026-03`.
fn named_extension(file: &Path) -> Option<(&Path, &str)> {
    let extension = file.extension()?.to_str()?;
    let is_named = extension.chars().next().is_some_and(|first| !first.is_ascii_digit());
    is_named.then_some((file, extension))
}

fn unknown(file: &Path, reason: &str, known: &[&str]) -> Error {
    let known = known.iter().map(|known| format!(".{known}")).collect::<Vec<_>>().join(", ");
    Error::Usage(format!("--output {}: {reason}; use one of {known}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format_of(file: &str, given: Option<OutputFormat>) -> Result<OutputFormat> {
        report_format(Some(Path::new(file)), given)
    }

    #[test]
    fn unknown_and_contradictory_extensions_are_refused() {
        for (file, given, expected) in [
            ("a.pdf", None, "no format has the extension .pdf; use one of .txt, .csv"),
            ("a.xls", None, "no format has the extension .xls"),
            ("a.xlsx", Some(OutputFormat::Csv), "use the extension .csv"),
            ("a.csv", Some(OutputFormat::Json), "is a file for csv, and --format is json"),
        ] {
            let error = format_of(file, given).unwrap_err().to_string();
            assert!(error.contains(expected), "{file}: {error}");
        }
        let html = |file: &str| check_extension(Some(Path::new(file)), "it is HTML", &["html"]);
        assert!(html("a.pdf").unwrap_err().to_string().contains("it is HTML; use one of .html"));
        for file in ["a.HTML", "page", "-", "usage.2026-03", "/dev/stdout"] {
            html(file).unwrap();
        }
    }

    #[test]
    fn names_that_say_nothing_leave_the_choice_to_the_flag() {
        for file in ["report", "-", "a.txt", "usage.2026-03-31", "a.dat"] {
            let given = Some(OutputFormat::Csv);
            assert_eq!(format_of(file, given).unwrap(), OutputFormat::Csv, "{file}");
        }
        for file in ["report", "-", "a.txt", "usage.2026-03-31"] {
            assert_eq!(format_of(file, None).unwrap(), OutputFormat::Text, "{file}");
        }
        assert_eq!(format_of("a.jsonl", None).unwrap(), OutputFormat::Ndjson);
        assert_eq!(report_format(None, None).unwrap(), OutputFormat::Text);
    }
}
