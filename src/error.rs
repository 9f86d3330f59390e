//! What stops a command. Trouble with single records or files is no `Error`:
//! it is counted and named (see [`crate::ingest`]) and never ends a run.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The result of everything that can end a command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What ended a command. The text tells the user what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: "read", "create".
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The request itself makes no sense: a name, date or option to correct.
    #[error("{0}")]
    Usage(String),
    /// The store cannot be read or written.
    #[error("store {}: {message}", path.display())]
    Store {
        /// The store's folder.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// A statement that the guard or the engine refused.
    #[error("{query}: {message}")]
    Query {
        /// The report's name, or "sql".
        query: String,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// A mistake of the program's own, reported instead of a panic.
    #[error("internal error: {0} (please report this)")]
    Internal(String),
}

impl Error {
    /// An [`Error::Io`] for `path`; meant for `map_err`.
    pub fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(std::io::Error) -> Error + use<'a> {
        move |source| Error::Io { action, path: path.to_path_buf(), source }
    }

    /// Returns an [`Error::Usage`] for a period whose last day is before its first.
    pub fn reversed_period(since: chrono::NaiveDate, until: chrono::NaiveDate) -> Error {
        Error::Usage(format!(
            "the period ends on {until}, before it starts on {since}; write the earlier day first"
        ))
    }

    /// An [`Error::Store`] for the store at `path`.
    pub fn store(path: &Path, message: impl fmt::Display) -> Error {
        Error::Store { path: path.to_path_buf(), message: message.to_string() }
    }

    /// An [`Error::Internal`] from anything that can be shown.
    pub fn internal(what: impl fmt::Display) -> Error {
        Error::Internal(what.to_string())
    }
}

thread_local! {
    /// Whether a panic of this thread is awaited, and none of the user's business.
    static SUPPRESS_PANIC_OUTPUT: Cell<bool> = const { Cell::new(false) };
}

/// How the names of the threads begin that the query engine starts.
const ENGINE_THREAD_PREFIXES: [&str; 2] = ["polars", "async-executor"];

/// Runs what a crate does that is known to panic on some input; `None` where it did, without a
/// word on stderr. A panic anywhere else is a mistake of ours and is told as ever.
pub fn catch_engine_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let tell = take_hook();
        set_hook(Box::new(move |panic| {
            // The engine's own threads have no other work than what is run through here.
            let thread = std::thread::current();
            let is_engines =
                |name: &str| ENGINE_THREAD_PREFIXES.iter().any(|of| name.starts_with(of));
            if !thread.name().is_some_and(is_engines) && !SUPPRESS_PANIC_OUTPUT.get() {
                tell(panic);
            }
        }));
    });
    let outer = SUPPRESS_PANIC_OUTPUT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    SUPPRESS_PANIC_OUTPUT.set(outer);
    done
}
