//! The command line: flags, exit codes, and where output goes.
//!
//! Owns: the clap types, progress and messages on stderr, results on stdout or in a file. Flags
//! end here: each command becomes the plain options of its conductor. Must not know the stages.

mod answer;
mod args;
mod completions;
mod data_dictionary_text;
mod log;
mod out;
mod progress;
mod report_help;
mod text;

use clap::Parser;

use crate::error::{Error, Result};
use args::{Args, Command, LogFormat};

/// How a command ended, as the exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// All well.
    Success = 0,
    /// It failed.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// It finished, but something was rejected or is incomplete; stderr says what.
    Incomplete = 3,
}

impl ExitStatus {
    /// The one of two that is more to worry about.
    fn worse_of(self, other: ExitStatus) -> ExitStatus {
        match (self, other) {
            (ExitStatus::Failed, _) | (_, ExitStatus::Failed) => ExitStatus::Failed,
            (ExitStatus::Success, other) => other,
            (ending, _) => ending,
        }
    }
}

/// Reads the command line and runs the command. Errors are printed here.
pub fn run() -> ExitStatus {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version come this way too, and are no misuse. A closed pipe is no error.
            let _ = error.print();
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success };
        }
    };
    if args.log_format == LogFormat::Json {
        log::enable_json();
    }
    let ending = match dispatch(&args) {
        Ok(ending) => ending,
        Err(error) => {
            log::error(&error.to_string());
            match error {
                Error::Usage(_) => ExitStatus::Usage,
                _ => ExitStatus::Failed,
            }
        }
    };
    log::exit_message(ending as u8);
    ending
}

fn dispatch(args: &Args) -> Result<ExitStatus> {
    match &args.command {
        Command::Ingest(command) => answer::ingest(command, args.quiet),
        Command::Report(command) => answer::report(command, args.quiet),
        Command::Dashboard(command) => answer::dashboard(command, args.quiet),
        Command::Reports(command) => answer::reports(command),
        Command::Sql(command) => answer::sql(command, args.quiet),
        Command::Status(command) => answer::status(command),
        Command::Compact(command) => answer::compact(command),
        Command::Forget(command) => answer::forget(command),
        Command::Verify(command) => answer::verify(command),
        Command::Schema(command) => answer::schema(command),
        Command::Export(command) => answer::export(command, args.quiet),
        Command::Rejects(command) => answer::rejects(command),
        Command::Completions(command) => answer::completions(command),
        Command::Man(command) => answer::man(command, args.quiet),
    }
}
