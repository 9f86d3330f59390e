//! Work on a store.

use std::ffi::OsString;
use std::path::PathBuf;

use pbi_analyze::cli::embedded;
use pbi_analyze::internals::maintenance;
use pbi_analyze::{IngestOptions, Store, collect_status, ingest_into_store};
use pyo3::prelude::*;
use serde::Serialize;

use crate::errors::UsageError;
use crate::job::{self, OnInterrupt, ProgressCallback};

/// Ingests log files into a store, and returns the summary as JSON.
#[pyfunction]
#[pyo3(signature = (
    folder, paths, exclude, threads, key_file, all_workloads, reread, allow_empty, progress
))]
#[expect(clippy::too_many_arguments, reason = "the Python method has them as keywords")]
pub(crate) fn ingest(
    py: Python<'_>,
    folder: PathBuf,
    paths: Vec<PathBuf>,
    exclude: Vec<String>,
    threads: Option<usize>,
    key_file: Option<PathBuf>,
    all_workloads: bool,
    reread: bool,
    allow_empty: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    if folder.is_file() {
        return Err(UsageError::new_err(format!(
            "{} is a file, but a store is a folder; choose another path",
            folder.display()
        )));
    }
    let callback = ProgressCallback::new(progress);
    let progress = callback.progress();
    job::run(py, OnInterrupt::Stop, callback, move || {
        let pseudonymizer = key_file.as_deref().map(embedded::read_pseudonym_key).transpose()?;
        let options = IngestOptions {
            paths,
            exclude,
            threads,
            pseudonymizer,
            all_workloads,
            reread,
            allow_empty,
            ..Default::default()
        };
        to_json(&ingest_into_store(&Store::new(&folder), &options, progress.as_ref())?)
    })
}

/// Returns the status of a store as JSON.
#[pyfunction]
pub(crate) fn status(py: Python<'_>, folder: PathBuf) -> PyResult<String> {
    job::run(py, OnInterrupt::Abandon, ProgressCallback::new(None), move || {
        to_json(&embedded::open_store(&folder)?.read(collect_status)?)
    })
}

/// Checks all files of a store, and returns the result as JSON.
#[pyfunction]
pub(crate) fn verify(py: Python<'_>, folder: PathBuf, threads: Option<usize>) -> PyResult<String> {
    job::run(py, OnInterrupt::Abandon, ProgressCallback::new(None), move || {
        to_json(&maintenance::verify(&embedded::open_store(&folder)?, threads)?)
    })
}

/// Runs a command that writes a file, with the words of the command line. Returns the exit code.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, words: Vec<OsString>) -> PyResult<u8> {
    job::run(py, OnInterrupt::Stop, ProgressCallback::new(None), move || {
        embedded::command(&words).map(|status| status as u8)
    })
}

fn to_json(value: &impl Serialize) -> pbi_analyze::Result<String> {
    serde_json::to_string(value).map_err(pbi_analyze::Error::internal)
}
