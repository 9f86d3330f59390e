//! The exceptions of the package, and the conversion of errors of the library.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(pbi_analyze, Error, PyException, "Any error of pbi_analyze.");
create_exception!(pbi_analyze, UsageError, Error, "An argument is wrong.");
create_exception!(pbi_analyze, StoreError, Error, "The store cannot be read or written.");
create_exception!(pbi_analyze, QueryError, Error, "A statement was refused, or failed.");
create_exception!(pbi_analyze, FileError, Error, "A file or folder cannot be read or written.");
create_exception!(pbi_analyze, InternalError, Error, "A bug of pbi_analyze; please report it.");

/// Returns the exception for an error of the library, with its message.
pub(crate) fn to_exception(error: &pbi_analyze::Error) -> PyErr {
    let message = error.to_string();
    match error {
        pbi_analyze::Error::Usage(_) => UsageError::new_err(message),
        pbi_analyze::Error::Store { .. } => StoreError::new_err(message),
        pbi_analyze::Error::Query { .. } => QueryError::new_err(message),
        pbi_analyze::Error::Io { .. } => FileError::new_err(message),
        _ => InternalError::new_err(message),
    }
}

/// Returns the exception for an error that cannot happen without a bug.
pub(crate) fn internal(error: impl std::fmt::Display) -> PyErr {
    to_exception(&pbi_analyze::Error::internal(error))
}
