//! Renders the rows as a Parquet file for notebooks, with the context in its metadata as JSON.
//!
//! The store writes events as Parquet, too. The two share the file format, but no code or schema.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::grid::{Cell, CellKind, Grid};
use crate::{Error, Result};

use super::input::{RenderInput, Renderer};
use super::json;

/// The key of the context in the metadata.
const CONTEXT_KEY: &str = "pbi-analyze";

/// The Parquet format.
pub struct Parquet;

impl Renderer for Parquet {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let batch = record_batch(input.grid)?;
        let context = input
            .context
            .map(|context| json::context_json(context, input.time_zone))
            .transpose()?;
        let metadata = context.map(|context| vec![KeyValue::new(CONTEXT_KEY.to_owned(), context)]);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(metadata)
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))
            .map_err(Error::internal)?;
        writer.write(&batch).map_err(Error::internal)?;
        writer.close().map_err(Error::internal)?;
        Ok(bytes)
    }
}

/// Returns the rows as a batch of Arrow arrays.
///
/// # Errors
///
/// [`Error::Internal`] only.
pub fn record_batch(grid: &Grid) -> Result<RecordBatch> {
    let fields = grid.columns.iter().map(|column| {
        // Any cell can be null, in these rows or in those of another day.
        Field::new(&column.name, data_type(column.kind), true)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = (0..grid.columns.len()).map(|at| column_array(grid, at));
    let options = RecordBatchOptions::new().with_row_count(Some(grid.rows.len()));
    let arrays = arrays.collect::<Result<_>>()?;
    RecordBatch::try_new_with_options(schema, arrays, &options).map_err(Error::internal)
}

/// Returns the type of a column.
pub(super) fn data_type(kind: CellKind) -> DataType {
    match kind {
        CellKind::Text => DataType::Utf8,
        CellKind::Int => DataType::Int64,
        CellKind::Float => DataType::Float64,
        CellKind::Bool => DataType::Boolean,
        CellKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        CellKind::LocalTime => DataType::Timestamp(TimeUnit::Microsecond, None),
        CellKind::Date => DataType::Date32,
    }
}

/// Returns the values of the column at `at`.
pub(super) fn column_array(grid: &Grid, at: usize) -> Result<ArrayRef> {
    Ok(match grid.columns[at].kind {
        CellKind::Text => {
            Arc::new(StringArray::from(column_values(grid, at, |cell| match cell {
                Cell::Text(text) => Some(text.as_str()),
                _ => None,
            })?))
        }
        CellKind::Int => Arc::new(Int64Array::from(column_values(grid, at, |cell| match cell {
            Cell::Int(number) => Some(*number),
            _ => None,
        })?)),
        CellKind::Float => {
            Arc::new(Float64Array::from(column_values(grid, at, |cell| match cell {
                Cell::Float(number) => Some(*number),
                _ => None,
            })?))
        }
        CellKind::Bool => {
            Arc::new(BooleanArray::from(column_values(grid, at, |cell| match cell {
                Cell::Bool(truth) => Some(*truth),
                _ => None,
            })?))
        }
        CellKind::Time => {
            let instants = column_values(grid, at, |cell| match cell {
                Cell::Time { us } => Some(*us),
                _ => None,
            })?;
            Arc::new(TimestampMicrosecondArray::from(instants).with_timezone("UTC"))
        }
        CellKind::LocalTime => {
            Arc::new(TimestampMicrosecondArray::from(column_values(grid, at, |cell| match cell {
                Cell::LocalTime { us } => Some(*us),
                _ => None,
            })?))
        }
        CellKind::Date => {
            Arc::new(Date32Array::from(column_values(grid, at, |cell| match cell {
                Cell::Date { days } => Some(*days),
                _ => None,
            })?))
        }
    })
}

/// Returns the values of a column. `value` returns `None` for a cell of another kind.
fn column_values<'g, T>(
    grid: &'g Grid,
    at: usize,
    value: impl Fn(&'g Cell) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    let value_of = |row: &'g Vec<Cell>| match row.get(at) {
        Some(Cell::Null) => Ok(None),
        Some(cell) => value(cell).map(Some).ok_or(cell),
        None => Err(&Cell::Null),
    };
    let column = &grid.columns[at];
    grid.rows
        .iter()
        .map(|row| {
            value_of(row).map_err(|cell| {
                let (name, kind) = (&column.name, column.kind);
                Error::internal(format!("column {name} is {kind:?} but contains {cell:?}"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{
        Date32Type, Float64Type, Int64Type, TimestampMicrosecondType as Microseconds,
    };
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::super::tests::sample_context;
    use super::super::{OutputFormat, render};
    use super::*;

    fn input<'a>(
        grid: &'a Grid,
        context: Option<&'a super::super::ReportContext>,
    ) -> RenderInput<'a> {
        let time_zone = chrono_tz::Europe::Zurich;
        RenderInput { grid, chart: None, context, remarks: &[], time_zone, width: 80 }
    }

    fn all_kinds() -> Grid {
        let mut grid = Grid::new([
            ("text", CellKind::Text),
            ("int", CellKind::Int),
            ("float", CellKind::Float),
            ("bool", CellKind::Bool),
            ("time", CellKind::Time),
            ("local", CellKind::LocalTime),
            ("date", CellKind::Date),
        ]);
        grid.rows.push(vec![
            Cell::Text("売上\n\"x\"".into()),
            Cell::Int(i64::MAX),
            Cell::Float(0.1),
            Cell::Bool(true),
            Cell::Time { us: 1_772_406_300_000_001 },
            Cell::LocalTime { us: -1 },
            Cell::Date { days: 20_513 },
        ]);
        grid.rows.push(vec![Cell::Null; 7]);
        grid
    }

    fn read(bytes: &[u8]) -> (RecordBatch, Option<Vec<KeyValue>>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let metadata = builder.metadata().file_metadata().key_value_metadata().cloned();
        let empty = RecordBatch::new_empty(Arc::clone(builder.schema()));
        let batch = builder.build().unwrap().next().map(|batch| batch.unwrap());
        (batch.unwrap_or(empty), metadata)
    }

    #[test]
    fn every_kind_is_read_back_with_type_and_value() {
        let grid = all_kinds();
        let (batch, _) = read(&render(&input(&grid, None), OutputFormat::Parquet).unwrap());
        let column = |at: usize| batch.column(at);
        let types: Vec<DataType> =
            batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        let utc = Some("UTC".into());
        let expected = [
            DataType::Utf8,
            DataType::Int64,
            DataType::Float64,
            DataType::Boolean,
            DataType::Timestamp(TimeUnit::Microsecond, utc),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Date32,
        ];
        assert_eq!(types, expected);
        assert_eq!(column(0).as_string::<i32>().value(0), "売上\n\"x\"");
        assert_eq!(column(1).as_primitive::<Int64Type>().value(0), i64::MAX);
        assert_eq!(column(2).as_primitive::<Float64Type>().value(0), 0.1);
        assert!(column(3).as_boolean().value(0));
        assert_eq!(column(4).as_primitive::<Microseconds>().value(0), 1_772_406_300_000_001);
        assert_eq!(column(5).as_primitive::<Microseconds>().value(0), -1);
        assert_eq!(column(6).as_primitive::<Date32Type>().value(0), 20_513);
        assert_eq!(batch.num_rows(), 2);
        assert!((0..7).all(|at| column(at).is_null(1)));
    }

    #[test]
    fn metadata_contains_the_context() {
        let grid = Grid::new([("text", CellKind::Text)]);
        let context = sample_context();
        let (batch, metadata) =
            read(&render(&input(&grid, Some(&context)), OutputFormat::Parquet).unwrap());
        assert_eq!((batch.num_rows(), batch.num_columns()), (0, 1));
        let entry = metadata.unwrap().into_iter().find(|entry| entry.key == CONTEXT_KEY).unwrap();
        let expected = concat!(
            r#"{"report":"top-reports","title":"Most viewed reports","period":{"#,
            r#""since":"2026-03-01","until":"2026-03-31","time_zone":"Europe/Zurich"},"#,
            r#""coverage":{"days":31,"complete":28,"partial":1,"missing":1,"truncated":1},"#,
            r#""excluded":{"noise":720,"services":5}}"#,
        );
        assert_eq!(entry.value.unwrap(), expected);
    }

    #[test]
    fn a_cell_of_another_kind_is_an_error() {
        let mut grid = Grid::new([("n", CellKind::Int)]);
        grid.rows.push(vec![Cell::Text("1".into())]);
        let error = render(&input(&grid, None), OutputFormat::Parquet).unwrap_err().to_string();
        assert!(error.contains("column n is Int but contains Text"), "{error}");
    }
}
