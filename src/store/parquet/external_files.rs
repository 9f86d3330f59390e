//! Converts rows of other programs' files to the table's types.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, TimestampMicrosecondType};

use crate::column::{EventBatch, EventKey, arrow_schema, stored_id_key};
use crate::error::{Cause, Error, Result};

/// Converts rows to events with their keys. `sequence` is the sequence number of the first row.
///
/// Columns that the table does not have are left out.
pub(in crate::store) fn to_event_batch(
    path: &Path,
    batch: &RecordBatch,
    sequence: u64,
) -> Result<EventBatch> {
    let schema = arrow_schema();
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = cast_column(path, batch, field)?;
        columns.push(column.filter(|column| column.null_count() < column.len()));
    }
    let named = |name: &str| schema.index_of(name).ok().and_then(|at| columns[at].as_ref());
    let missing = |row: usize| {
        let message = format!("row {} has no Id or no CreationTime", sequence + row as u64);
        Error::store(path, message)
    };
    let ids = named("Id").and_then(|ids| ids.as_string_opt::<i32>());
    let times = named("CreationTime");
    let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let (Some(ids), Some(times)) = (ids, times) else { return Err(missing(0)) };
    let keys = ids.iter().zip(times).enumerate().map(|(row, (id, time_us))| {
        let (Some(id), Some(time_us)) = (id, time_us) else { return Err(missing(row)) };
        let mut key = EventKey::new(stored_id_key(id), time_us);
        key.sequence = sequence + row as u64;
        Ok(key)
    });
    let keys = keys.collect::<Result<Vec<EventKey>>>()?;
    Ok(EventBatch { columns, keys })
}

/// Returns some columns. A column that the file does not have is all null.
pub(in crate::store) fn to_table_columns(
    path: &Path,
    batch: &RecordBatch,
    columns: &[&str],
) -> Result<Vec<ArrayRef>> {
    let schema = arrow_schema();
    let convert = |name: &&str| {
        let field = schema.field_with_name(name).map_err(Error::internal)?;
        let null = || new_null_array(field.data_type(), batch.num_rows());
        Ok(cast_column(path, batch, field)?.unwrap_or_else(null))
    };
    columns.iter().map(convert).collect()
}

fn cast_column(path: &Path, batch: &RecordBatch, field: &Field) -> Result<Option<ArrayRef>> {
    let Some(column) = batch.column_by_name(field.name()) else { return Ok(None) };
    if column.data_type() == field.data_type() {
        return Ok(Some(Arc::clone(column)));
    }
    // A text that is not a number would silently become null.
    let is_text = matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8);
    if is_text && *field.data_type() != DataType::Utf8 {
        return Err(wrong_type_error(path, column, field, None));
    }
    let converted = cast(column, field.data_type())
        .map_err(|error| wrong_type_error(path, column, field, Some(error.into())))?;
    if converted.null_count() == column.logical_null_count() {
        Ok(Some(converted))
    } else {
        Err(wrong_type_error(path, column, field, None))
    }
}

fn wrong_type_error(path: &Path, column: &ArrayRef, field: &Field, cause: Option<Cause>) -> Error {
    let (found, expected) = (column.data_type(), field.data_type());
    let message = format!(
        "the column {} has the type {found}; expected {expected}. Write the file again with the \
         table's types",
        field.name()
    );
    Error::Store { path: path.to_path_buf(), message, cause }
}
