//! Limits the threads of the query engine.
//!
//! Polars reads its limit from the environment only, once. The environment of a running program
//! cannot be changed safely, so the program starts itself again with the limit in the environment.

use std::ffi::OsString;
use std::process::Command;

use super::args::Args;
use super::exit::ExitStatus;
use super::log;

/// Variable from which Polars reads the number of its threads.
const POLARS_MAX_THREADS: &str = "POLARS_MAX_THREADS";

/// Runs the command in a process with the limit that it has for queries. Returns the exit code of
/// that process, or `None` if this process must run the command.
///
/// `program` is the command that starts the program with the `words` after the first.
pub(super) fn run_with_query_limit(
    args: &Args,
    words: &[OsString],
    program: &[OsString],
) -> Option<ExitStatus> {
    let limit = args.query_args()?.threads.count()?.to_string();
    if std::env::var(POLARS_MAX_THREADS).is_ok_and(|value| value == limit) {
        return None;
    }
    let unknown = || std::io::Error::other("the path of the program is unknown");
    let restarted = program.split_first().ok_or_else(unknown).and_then(|(program, first_words)| {
        let mut command = Command::new(program);
        command.args(first_words).args(words.iter().skip(1)).env(POLARS_MAX_THREADS, &limit);
        replace_process(command)
    });
    match restarted {
        Ok(status) => Some(status),
        Err(error) => {
            log::warning(&format!("queries use all cores, because a restart failed: {error}"));
            None
        }
    }
}

/// Replaces this process. Returns only if that fails.
#[cfg(unix)]
fn replace_process(mut command: Command) -> std::io::Result<ExitStatus> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Runs the process and waits for its end.
#[cfg(not(unix))]
fn replace_process(mut command: Command) -> std::io::Result<ExitStatus> {
    Ok(ExitStatus::from_code(command.status()?.code()))
}
