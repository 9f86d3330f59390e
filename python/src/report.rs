//! Reports and statements as Arrow streams.

use std::ffi::OsString;

use arrow::array::RecordBatch;
use pbi_analyze::cli::embedded::{self, EmbeddedReport};
use pbi_analyze::internals::render;
use pbi_analyze::{OutputFormat, ReportCatalog};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};
use render::RenderInput;

use crate::arrow_capsules::stream_capsule;
use crate::errors::{UsageError, to_exception};
use crate::events::ArrowSchema;
use crate::job::{self, OnInterrupt, ProgressCallback};

/// Width of a text table, in characters.
const WIDTH: usize = 200;

/// Rows of a report or statement.
#[pyclass(frozen, module = "pbi_analyze")]
pub(crate) struct ReportRows {
    report: EmbeddedReport,
    batch: RecordBatch,
}

#[pymethods]
impl ReportRows {
    /// Names and types of the columns.
    #[getter]
    fn schema(&self) -> ArrowSchema {
        ArrowSchema::new(self.batch.schema())
    }

    /// Number of rows.
    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    /// The context as JSON: report, title, period, coverage, excluded events and totals.
    #[getter]
    fn context_json(&self) -> PyResult<String> {
        let (result, time_zone) = (&self.report.result, self.report.time_zone);
        let context = render::context_json(&result.context, time_zone);
        context.map_err(|error| to_exception(&error))
    }

    /// Sentences on the result for people.
    #[getter]
    fn remarks(&self) -> Vec<String> {
        self.report.result.remarks.clone()
    }

    /// Messages of the conditions that hold.
    #[getter]
    fn failures(&self) -> Vec<String> {
        self.report.failures.clone()
    }

    /// Returns the report in a format of the command line.
    fn render<'py>(&self, py: Python<'py>, format: &str) -> PyResult<Bound<'py, PyBytes>> {
        let format: OutputFormat = format.parse().map_err(UsageError::new_err)?;
        let result = &self.report.result;
        let input = RenderInput {
            grid: &result.grid,
            chart: result.chart.as_ref(),
            context: Some(&result.context),
            remarks: &result.remarks,
            time_zone: self.report.time_zone,
            width: WIDTH,
        };
        let bytes = py.detach(|| render::render(&input, format));
        bytes.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| to_exception(&error))
    }

    /// Returns the rows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = std::iter::once(Ok(self.batch.clone()));
        stream_capsule(py, self.batch.schema(), batches)
    }
}

/// Runs a report or statement with the words of the command line.
#[pyfunction]
pub(crate) fn report(py: Python<'_>, words: Vec<OsString>) -> PyResult<ReportRows> {
    let callback = ProgressCallback::new(None);
    job::run(py, OnInterrupt::Abandon, callback, move || {
        let report = embedded::report(&words)?;
        let batch = render::record_batch(&report.result.grid)?;
        Ok(ReportRows { report, batch })
    })
}

/// Returns the list of reports as JSON.
#[pyfunction]
pub(crate) fn reports() -> PyResult<String> {
    let json = ReportCatalog::new(None).and_then(|catalog| catalog.list_json(catalog.all()));
    let json = json.map_err(|error| to_exception(&error))?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}
