//! The native part of the Python package `pbi_analyze`: a thin layer over the library.
//!
//! Values that Python reads member by member are passed as JSON, and rows as Arrow streams. The
//! Python sources of the package give both their types.

mod arrow_capsules;
mod errors;
mod events;
mod job;
mod report;
mod store;

use std::ffi::OsString;

use pyo3::prelude::*;

/// The functions and classes that the Python sources of the package import.
#[pymodule]
mod _native {
    use pbi_analyze::internals::scan::ROW_ORDER;
    use pbi_analyze::internals::source::NON_DATA_EXTENSIONS;
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::errors::{Error, FileError, InternalError, QueryError, StoreError, UsageError};
    #[pymodule_export]
    use super::events::{
        ArrowSchema, EventTable, RowMerger, RowStream, event_schema, read_rows, scan,
    };
    #[pymodule_export]
    use super::report::{ReportRows, report, reports};
    #[pymodule_export]
    use super::store::{command, ingest, status, verify};
    #[pymodule_export]
    use super::{delete_temporary_files, run_command_line};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("ROW_ORDER", ROW_ORDER)?;
        module.add("NON_DATA_EXTENSIONS", NON_DATA_EXTENSIONS.to_vec())
    }
}

/// Runs the command line and returns its exit code. `words` begin with the name of the program, and
/// `program` is the command that starts it again.
#[pyfunction]
fn run_command_line(py: Python<'_>, words: Vec<OsString>, program: Vec<OsString>) -> u8 {
    py.detach(|| pbi_analyze::cli::run_words(&words, &program) as u8)
}

/// Deletes the temporary files of this process, at its end.
#[pyfunction]
fn delete_temporary_files(py: Python<'_>) {
    py.detach(pbi_analyze::internals::interrupt::delete_temporary_files);
}
