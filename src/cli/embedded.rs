//! Runs commands for a program that embeds the library: it passes the words of the command line,
//! and gets values and errors instead of output and exit codes.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches};

use super::args::{Args, Command, OutputArgs};
use super::commands;
use super::exit::ExitStatus;
use crate::error::{Error, Result};
use crate::ingest::Store;
use crate::maintenance::Pseudonymizer;
use crate::report::{
    self, OutputFormat, ReportCatalog, ReportDefinition, ReportResult, Snapshot, Tz,
};

/// Rows of a report or statement, with what its command prints about them.
#[derive(Debug)]
pub struct EmbeddedReport {
    /// The rows and their context.
    pub result: ReportResult,
    /// The time zone of days and times.
    pub time_zone: Tz,
    /// Messages of the conditions of `--fail-on` that hold.
    pub failures: Vec<String>,
}

/// Runs `report NAME` or `sql STATEMENT` with the flags in `words`, which begin with the name of
/// the program. The output has all rows, as in a file.
///
/// # Errors
///
/// Those of the command.
pub fn report(words: &[OsString]) -> Result<EmbeddedReport> {
    let args = parse(words)?;
    let (definition, options, output) = match &args.command {
        Command::Report(command) => {
            if command.details {
                let message = "--details returns several tables; write them with the command line";
                return Err(Error::Usage(message.to_owned()));
            }
            let name = command.name.as_deref().unwrap_or_default();
            let catalog = ReportCatalog::new(command.queries.folder())?;
            let options = report::Options {
                params: command.param.iter().cloned().collect(),
                compare: command.compare,
                marks: commands::report_marks(command)?,
                fail_on: command.fail_on.clone(),
                ..commands::report_options(&command.output_args, OutputFormat::Json)
            };
            let definition = commands::report_definition(&catalog, name, command)?;
            (definition, options, &command.output_args)
        }
        Command::Sql(command) => {
            let definition =
                ReportDefinition::ad_hoc(command.statement.as_deref().unwrap_or_default());
            let options = commands::report_options(&command.output_args, OutputFormat::Json);
            (definition, options, &command.output_args)
        }
        _ => return Err(Error::internal("only reports and statements have rows")),
    };
    let (result, failures) = read(&definition, &options, output)?;
    Ok(EmbeddedReport { result, time_zone: options.time_zone, failures })
}

fn read(
    definition: &ReportDefinition,
    options: &report::Options,
    output: &OutputArgs,
) -> Result<(ReportResult, Vec<String>)> {
    let columns = report::required_columns([definition])?;
    let read = |snapshot: &Snapshot| report::run_unrendered(snapshot, definition, options);
    commands::with_snapshot(&output.query_args, columns, true, read).map(|(result, _)| result)
}

/// Runs a command that writes files, with the flags in `words`, which begin with the name of the
/// program. Warnings go to stderr.
///
/// # Errors
///
/// Those of the command.
pub fn command(words: &[OsString]) -> Result<ExitStatus> {
    commands::run(&parse(words)?, true)
}

/// Opens a store that must exist.
///
/// # Errors
///
/// [`Error::Store`] if the folder contains no store.
pub fn open_store(folder: &Path) -> Result<Store> {
    commands::open_existing(folder)
}

/// Reads the key of pseudonyms from a file.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read, [`Error::Usage`] if the key is weak.
pub fn read_pseudonym_key(file: &Path) -> Result<Pseudonymizer> {
    super::key_file::read_pseudonym_key(file)
}

fn parse(words: &[OsString]) -> Result<Args> {
    let matches = Args::command().try_get_matches_from(words);
    let args = matches.and_then(|matches| Args::from_arg_matches(&matches));
    args.map_err(|error| Error::Usage(message(&error)))
}

/// Returns the first paragraph of an error of the command line, without its prefix.
fn message(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
        words.map(OsString::from).to_vec()
    }

    #[test]
    fn invalid_flags_are_one_sentence() {
        let error = report(&words(["pbi-analyze", "report", "x", "--since", "soon"])).unwrap_err();
        let Error::Usage(message) = error else { panic!("{error}") };
        assert!(message.starts_with("invalid value 'soon' for '--since <DAY>'"), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }

    #[test]
    fn rows_of_raw_files_have_their_context() {
        let command = [
            "pbi-analyze",
            "report",
            "top-reports",
            "--from",
            "sample-data",
            "--tz",
            "Europe/Zurich",
        ];
        let report = report(&words(command)).unwrap();
        assert_eq!(report.time_zone, Tz::Europe__Zurich);
        assert!(report.result.grid.rows.len() > 3 && report.failures.is_empty());
        assert_eq!(report.result.context.report, "top-reports");
    }
}
