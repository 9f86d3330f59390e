//! The command line: flags, commands, exit codes and output.

mod args;
mod browser;
mod commands;
mod completions;
mod data_dictionary_text;
pub mod embedded;
mod events_file;
mod exit;
mod hints;
mod inventory_text;
mod key_file;
mod log;
mod memory;
mod metrics;
mod numbers;
mod out;
mod output_name;
mod progress;
mod report_help;
mod restart;
mod signals;
mod site_folder;
mod text;
mod width;

use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::error::Error;
use args::{Args, LogFormat};
pub use exit::ExitStatus;

/// The stack of the thread that runs the command. Only what is used of it takes memory.
const STACK_BYTES: usize = 256 << 20;

/// Runs the command line of this process and prints errors.
pub fn run() -> ExitStatus {
    let words: Vec<OsString> = std::env::args_os().collect();
    let program = std::env::current_exe().map(|program| vec![program.into_os_string()]);
    run_words(&words, &program.unwrap_or_default())
}

/// Runs a command line and prints errors. `words` begin with the name of the program. `program` is
/// the command that starts the same program again, with other words after it.
pub fn run_words(words: &[OsString], program: &[OsString]) -> ExitStatus {
    let parsed = Args::command()
        .try_get_matches_from(words)
        .and_then(|matches| Ok((Args::from_arg_matches(&matches)?, has_flags(&matches))));
    let (args, has_flags) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return print_parse_error(error, words),
    };
    if args.log_format == LogFormat::Json {
        log::enable_json();
    }
    if let Some(status) = restart::run_with_settings(&args, words, program) {
        return status;
    }
    signals::watch(args.writes_to_store(), args.memory_limit());
    signals::finish(with_large_stack(|| run_command(&args, has_flags)))
}

fn run_command(args: &Args, has_flags: bool) -> ExitStatus {
    commands::run(args, has_flags).unwrap_or_else(|error| {
        // A run that is stopped fails at its next step, which is no news.
        if !signals::is_stopping() {
            log::error(&error.to_string());
        }
        match error {
            Error::Usage(_) => ExitStatus::Usage,
            _ => ExitStatus::Failed,
        }
    })
}

/// Runs `work` with enough stack for all statements that the guard accepts. A stack of the system's
/// size may be too small, and then the process would end without a message.
fn with_large_stack(work: impl Fn() -> ExitStatus + Sync) -> ExitStatus {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("command".to_owned());
        match thread.stack_size(STACK_BYTES).spawn_scoped(scope, &work) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => work(),
        }
    })
}

/// Returns true if the command has flags or arguments on the command line.
fn has_flags(matches: &ArgMatches) -> bool {
    let Some((_, command)) = matches.subcommand() else { return false };
    let is_given = |id: &str| command.value_source(id) == Some(ValueSource::CommandLine);
    command.ids().any(|id| command.try_contains_id(id.as_str()).is_ok() && is_given(id.as_str()))
}

/// Prints an error of the command line, or help or a version, which clap treats as errors.
fn print_parse_error(mut error: clap::Error, words: &[OsString]) -> ExitStatus {
    if error.kind() == ErrorKind::DisplayHelp
        && let Some(help) = hints::report_help(words)
    {
        let text = out::strip_control(&help);
        return match out::write(text.as_bytes(), None) {
            Ok(()) => ExitStatus::Success,
            Err(_) => ExitStatus::Failed,
        };
    }
    let hint = hints::hint(&error);
    if hint.is_some() {
        // One suggestion is enough, and the hint knows what the word meant.
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Suggested);
    }
    // A closed pipe is no error.
    let _ = error.print();
    if let Some(hint) = hint {
        log::error(&hint);
    }
    if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success }
}
