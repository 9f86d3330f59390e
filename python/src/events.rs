//! Events of log files as Arrow streams.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, SchemaRef};
use pbi_analyze::internals::scan::{RowMerger as Merger, scan_events, scan_rows};
use pbi_analyze::{EventStream, IngestOptions, ScannedEvents};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::arrow_capsules::{read_stream, schema_capsule, stream_capsule};
use crate::errors::{UsageError, internal, to_exception};
use crate::job::{self, OnInterrupt, ProgressCallback};

/// Names and types of columns.
#[pyclass(frozen, module = "pbi_analyze")]
pub(crate) struct ArrowSchema {
    schema: SchemaRef,
}

impl ArrowSchema {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        ArrowSchema { schema }
    }
}

#[pymethods]
impl ArrowSchema {
    /// Names of the columns.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Types of the columns as Spark writes them.
    #[getter]
    fn spark_types(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| spark_type(field.data_type())).collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    fn __repr__(&self) -> String {
        let fields = self.schema.fields().iter();
        let lines = fields.map(|field| format!("{}: {}", field.name(), field.data_type()));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn spark_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Int64 => "bigint".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::List(item) => format!("array<{}>", spark_type(item.data_type())),
        DataType::Struct(fields) => {
            let fields = fields.iter();
            let fields =
                fields.map(|field| format!("`{}`:{}", field.name(), spark_type(field.data_type())));
            format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
        }
        _ => "string".to_owned(),
    }
}

/// Events that were read, in temporary files.
#[pyclass(frozen, module = "pbi_analyze")]
pub(crate) struct EventTable {
    events: ScannedEvents,
    schema: SchemaRef,
}

impl EventTable {
    fn new(events: ScannedEvents) -> PyResult<Self> {
        let schema = events.stream().map_err(|error| to_exception(&error))?.schema();
        Ok(EventTable { events, schema })
    }
}

#[pymethods]
impl EventTable {
    /// The account of the log files as JSON.
    #[getter]
    fn account_json(&self) -> PyResult<String> {
        serde_json::to_string(self.events.summary()).map_err(internal)
    }

    /// Returns the rows. A new stream begins with the first row.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows another schema than the requested one.
        let _ = requested_schema;
        let stream = self.events.stream().map_err(|error| to_exception(&error))?;
        stream_capsule(py, Arc::clone(&self.schema), stream)
    }
}

/// Returns the schema of events with some columns, or with all.
#[pyfunction]
#[pyo3(signature = (columns=None))]
pub(crate) fn event_schema(columns: Option<Vec<String>>) -> PyResult<ArrowSchema> {
    let schema = EventStream::schema_of(columns.as_deref());
    schema.map(ArrowSchema::new).map_err(|error| to_exception(&error))
}

/// Reads the events of log files, each event once.
#[pyfunction]
#[pyo3(signature = (paths, columns, exclude, all_workloads, threads, source_name, progress))]
#[expect(clippy::too_many_arguments, reason = "the Python function has them as keywords")]
pub(crate) fn scan(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    columns: Option<Vec<String>>,
    exclude: Vec<String>,
    all_workloads: bool,
    threads: Option<usize>,
    source_name: Option<String>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<EventTable> {
    let options =
        IngestOptions { paths, exclude, all_workloads, threads, source_name, ..Default::default() };
    let callback = ProgressCallback::new(progress);
    let progress = callback.progress();
    let events = job::run(py, OnInterrupt::Stop, callback, move || {
        scan_events(&options, columns, progress.as_ref())
    })?;
    EventTable::new(events)
}

/// Reads all rows of a file with all columns, including duplicates, for a [`RowMerger`].
#[pyfunction]
#[pyo3(signature = (path, source_name, all_workloads, threads))]
pub(crate) fn read_rows(
    py: Python<'_>,
    path: PathBuf,
    source_name: Option<String>,
    all_workloads: bool,
    threads: Option<usize>,
) -> PyResult<EventTable> {
    let options = IngestOptions {
        paths: vec![path],
        all_workloads,
        threads,
        source_name,
        ..Default::default()
    };
    let events = job::run(py, OnInterrupt::Stop, ProgressCallback::new(None), move || {
        scan_rows(&options, &pbi_analyze::NoProgress)
    })?;
    EventTable::new(events)
}

/// Rows that can be read once.
#[pyclass(frozen, module = "pbi_analyze")]
pub(crate) struct RowStream {
    stream: Mutex<Option<EventStream>>,
}

#[pymethods]
impl RowStream {
    /// Returns the rows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let read = || UsageError::new_err("these rows can be read once only");
        let stream = stream.ok_or_else(read)?;
        stream_capsule(py, stream.schema(), stream)
    }
}

/// Removes duplicates among rows that another program passes.
#[pyclass(frozen, module = "pbi_analyze")]
pub(crate) struct RowMerger {
    merger: Mutex<Option<Merger>>,
}

#[pymethods]
impl RowMerger {
    #[new]
    fn new() -> PyResult<Self> {
        let merger = Merger::new().map_err(|error| to_exception(&error))?;
        Ok(RowMerger { merger: Mutex::new(Some(merger)) })
    }

    /// Adds rows in the order of the names of their sources. `is_stored` is true for rows of a
    /// table without duplicates.
    fn add(&self, py: Python<'_>, rows: &Bound<'_, PyAny>, is_stored: bool) -> PyResult<()> {
        let reader = read_stream(rows)?;
        py.detach(|| {
            let mut merger = self.merger.lock().unwrap_or_else(PoisonError::into_inner);
            let merger = merger.as_mut().ok_or_else(finished)?;
            for batch in reader {
                let batch = batch.map_err(internal)?;
                merger.add(&batch, is_stored).map_err(|error| to_exception(&error))?;
            }
            Ok(())
        })
    }

    /// Returns the rows, each event once.
    fn finish(&self, py: Python<'_>, threads: Option<usize>) -> PyResult<RowStream> {
        let merger = self.merger.lock().unwrap_or_else(PoisonError::into_inner).take();
        let merger = merger.ok_or_else(finished)?;
        let stream = job::run(py, OnInterrupt::Stop, ProgressCallback::new(None), move || {
            merger.finish(threads)
        })?;
        Ok(RowStream { stream: Mutex::new(Some(stream)) })
    }
}

fn finished() -> PyErr {
    UsageError::new_err("the rows are merged already; use a new merger")
}
