//! Starts the program again with settings that libraries read from the environment only, once:
//! the number of threads of the query engine, and the number of arenas of the allocator.
//!
//! The environment of a running program cannot be changed safely, so this happens before anything
//! else.

use std::ffi::OsString;
use std::process::Command;

use super::args::Args;
use super::exit::ExitStatus;
use super::log;

/// Variable from which Polars reads the number of its threads.
const POLARS_MAX_THREADS: &str = "POLARS_MAX_THREADS";

/// Variable from which the allocator of glibc reads the largest number of its arenas.
const MALLOC_ARENA_MAX: &str = "MALLOC_ARENA_MAX";

/// Variable with settings of glibc, one of which may be the number of arenas.
const GLIBC_TUNABLES: &str = "GLIBC_TUNABLES";

/// The least number of arenas. A dashboard with one arena took no less memory than with two.
const MIN_ARENAS: usize = 2;

/// Runs the command in a process with the settings that it has for queries. Returns the exit code
/// of that process, or `None` if this process must run the command.
///
/// `program` is the command that starts the program with the `words` after the first.
pub(super) fn run_with_settings(
    args: &Args,
    words: &[OsString],
    program: &[OsString],
) -> Option<ExitStatus> {
    let threads = args.query_args()?.threads.count();
    let is_set = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let limit = threads.map(|threads| (POLARS_MAX_THREADS, threads.to_string()));
    let limit = limit.filter(|(name, value)| !is_set(name, value));
    let is_given = [MALLOC_ARENA_MAX, GLIBC_TUNABLES].iter().any(|n| std::env::var_os(n).is_some());
    let arenas = arenas(args).filter(|_| !is_given).map(|count| (MALLOC_ARENA_MAX, count));
    let settings: Vec<_> = limit.iter().cloned().chain(arenas).collect();
    if settings.is_empty() {
        return None;
    }
    let unknown = || std::io::Error::other("the path of the program is unknown");
    let restarted = program.split_first().ok_or_else(unknown).and_then(|(program, first_words)| {
        let mut command = Command::new(program);
        command.args(first_words).args(words.iter().skip(1)).envs(settings);
        replace_process(command)
    });
    match restarted {
        Ok(status) => Some(status),
        Err(error) => {
            if limit.is_some() {
                log::warning(&format!("queries use all cores, because a restart failed: {error}"));
            }
            None
        }
    }
}

/// Returns the largest number of arenas for a command that runs many queries; `None` for other
/// commands and other allocators.
///
/// glibc has up to eight arenas for each core. Each query leaves free memory in those that its
/// threads used, and the next one uses others. With an arena for each core, a dashboard and a Power
/// BI project take a third less memory and the same time.
fn arenas(args: &Args) -> Option<String> {
    let is_glibc = cfg!(all(target_os = "linux", target_env = "gnu"));
    if !is_glibc || !args.runs_many_queries() {
        return None;
    }
    let cores = std::thread::available_parallelism().map_or(MIN_ARENAS, usize::from);
    let threads = args.query_args()?.threads.count();
    Some(threads.unwrap_or(cores).max(MIN_ARENAS).to_string())
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn commands_with_many_queries_get_an_arena_for_each_thread() {
        let arenas = |words: &str| {
            let words = format!("pbi-analyze {words}");
            arenas(&Args::try_parse_from(words.split(' ')).unwrap())
        };
        let few = |count: &str| {
            cfg!(all(target_os = "linux", target_env = "gnu")).then(|| count.to_owned())
        };
        assert_eq!(arenas("dashboard --threads 1"), few("2"));
        assert_eq!(arenas("powerbi --output project --threads 12"), few("12"));
        assert_eq!(arenas("report --all --threads 3"), few("3"));
        for other in ["report top-reports", "sql x", "status", "ingest archive --threads 4"] {
            assert_eq!(arenas(other), None, "{other}");
        }
    }
}
