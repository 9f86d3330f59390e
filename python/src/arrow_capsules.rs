//! Passes schemas and rows to Python and back, by the PyCapsule interface of Arrow.
#![allow(unsafe_code, reason = "a stream of another library is read through its pointer")]

use std::ffi::CStr;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};

use crate::errors::{UsageError, internal};

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";

/// Batches with their schema.
pub(crate) struct Batches<I> {
    schema: SchemaRef,
    batches: I,
}

impl<I: Iterator<Item = pbi_analyze::Result<RecordBatch>>> Iterator for Batches<I> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl<I: Iterator<Item = pbi_analyze::Result<RecordBatch>>> RecordBatchReader for Batches<I> {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

/// Returns batches as a stream for Python.
pub(crate) fn stream_capsule<'py>(
    py: Python<'py>,
    schema: SchemaRef,
    batches: impl Iterator<Item = pbi_analyze::Result<RecordBatch>> + Send + 'static,
) -> PyResult<Bound<'py, PyCapsule>> {
    let stream = FFI_ArrowArrayStream::new(Box::new(Batches { schema, batches }));
    PyCapsule::new_with_value(py, stream, STREAM)
}

/// Returns a schema for Python.
pub(crate) fn schema_capsule<'py>(
    py: Python<'py>,
    schema: &Schema,
) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(internal)?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// Returns the rows of an object with the method `__arrow_c_stream__`.
pub(crate) fn read_stream(rows: &Bound<'_, PyAny>) -> PyResult<ArrowArrayStreamReader> {
    let capsule = rows.call_method0("__arrow_c_stream__")?;
    let capsule = capsule.cast::<PyCapsule>().map_err(|_| {
        UsageError::new_err("__arrow_c_stream__ did not return a stream of Arrow arrays")
    })?;
    let pointer = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: the interface says that a capsule of this name has a pointer to an initialized stream,
    // which stays valid while the capsule lives. The content is moved out here, as it demands.
    let reader = unsafe { ArrowArrayStreamReader::from_raw(pointer.as_ptr()) };
    reader.map_err(internal)
}
