//! What stops a command. Trouble with single records or files is no `Error`:
//! it is counted and named (see [`crate::ingest`]) and never ends a run.

use std::fmt;
use std::path::{Path, PathBuf};

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

    /// An [`Error::Store`] for the store at `path`.
    pub fn store(path: &Path, message: impl fmt::Display) -> Error {
        Error::Store { path: path.to_path_buf(), message: message.to_string() }
    }

    /// An [`Error::Internal`] from anything that can be shown.
    pub fn internal(what: impl fmt::Display) -> Error {
        Error::Internal(what.to_string())
    }
}
