//! Errors that end a command.
//!
//! A problem with a single record or file is no `Error`: it is counted and reported (see
//! [`crate::ingest`]), and the run continues.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The result of a function whose errors end the command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of another error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error that ends a command. The message says what happened, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation of the operating system failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation as a verb: "read", "create".
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The command line or an option is wrong.
    #[error("{0}")]
    Usage(String),
    /// The store cannot be read or written.
    #[error("store {}: {message}", path.display())]
    Store {
        /// The store's folder.
        path: PathBuf,
        /// The problem and what to do.
        message: String,
        /// The error that caused this one.
        #[source]
        cause: Option<Cause>,
    },
    /// The guard or the engine has refused a query.
    #[error("{query}: {message}")]
    Query {
        /// The report's name, or "sql".
        query: String,
        /// The problem and what to write instead.
        message: String,
        /// The error that caused this one.
        #[source]
        cause: Option<Cause>,
    },
    /// A bug of this program, reported instead of a panic.
    #[error("internal error: {0} (please report this)")]
    Internal(String),
}

impl Error {
    /// Returns a function for `map_err` that makes an [`Error::Io`] for `path`.
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

    /// Returns an [`Error::Store`] for the store at `path`.
    pub fn store(path: &Path, message: impl fmt::Display) -> Error {
        Error::Store { path: path.to_path_buf(), message: message.to_string(), cause: None }
    }

    /// Returns an [`Error::Store`] that was caused by another error.
    pub fn store_caused(path: &Path, message: impl fmt::Display, cause: impl Into<Cause>) -> Error {
        let cause = Some(cause.into());
        Error::Store { path: path.to_path_buf(), message: message.to_string(), cause }
    }

    /// Returns an [`Error::Query`] for a report or for "sql".
    pub fn query(query: impl Into<String>, message: impl Into<String>) -> Error {
        Error::Query { query: query.into(), message: message.into(), cause: None }
    }

    /// Returns an [`Error::Query`] that was caused by another error.
    pub fn query_caused(
        query: impl Into<String>,
        message: impl Into<String>,
        cause: impl Into<Cause>,
    ) -> Error {
        Error::Query { query: query.into(), message: message.into(), cause: Some(cause.into()) }
    }

    /// Returns an [`Error::Internal`] with a message or another error's message.
    pub fn internal(message: impl fmt::Display) -> Error {
        Error::Internal(message.to_string())
    }
}

thread_local! {
    /// True if a panic of this thread is expected and must not be printed.
    static SUPPRESS_PANIC_OUTPUT: Cell<bool> = const { Cell::new(false) };
}

/// The prefixes of the names of the query engine's threads.
const ENGINE_THREAD_PREFIXES: [&str; 2] = ["polars", "async-executor"];

/// Runs code of a crate that is known to panic on some input. Returns `None` if it panics.
///
/// Nothing is printed then. A panic anywhere else is a bug and is printed as usual.
pub fn catch_engine_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            // The engine's own threads only run work that was started here.
            let thread = std::thread::current();
            let is_engines =
                |name: &str| ENGINE_THREAD_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            if !thread.name().is_some_and(is_engines) && !SUPPRESS_PANIC_OUTPUT.get() {
                print(panic);
            }
        }));
    });
    let outer = SUPPRESS_PANIC_OUTPUT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    SUPPRESS_PANIC_OUTPUT.set(outer);
    done
}
