//! Converts a data frame of the engine into a grid; lists and structs become JSON text.

use polars::prelude::*;
use serde_json::{Map, Value};

use crate::grid::{Cell, CellKind, Grid, GridColumn};

/// Converts a data frame into a grid.
///
/// # Errors
///
/// If an integer does not fit into 64 bits. Constants of the engine can have 128.
pub fn frame_to_grid(frame: &DataFrame) -> PolarsResult<Grid> {
    let rows = vec![Vec::with_capacity(frame.width()); frame.height()];
    let mut grid = Grid { columns: Vec::new(), rows };
    for column in frame.columns() {
        grid.columns
            .push(GridColumn { name: column.name().to_string(), kind: cell_kind(column.dtype()) });
        for (at, row) in grid.rows.iter_mut().enumerate() {
            row.push(to_cell(column.get(at)?)?);
        }
    }
    Ok(grid)
}

fn cell_kind(ty: &DataType) -> CellKind {
    match ty {
        DataType::Boolean => CellKind::Bool,
        DataType::Date => CellKind::Date,
        DataType::Datetime(_, Some(_)) => CellKind::Time,
        DataType::Datetime(_, None) => CellKind::LocalTime,
        ty if ty.is_integer() => CellKind::Int,
        ty if ty.is_float() => CellKind::Float,
        _ => CellKind::Text,
    }
}

fn to_cell(value: AnyValue<'_>) -> PolarsResult<Cell> {
    Ok(match value {
        AnyValue::Null => Cell::Null,
        AnyValue::Boolean(truth) => Cell::Bool(truth),
        AnyValue::String(text) => Cell::Text(text.to_owned()),
        AnyValue::StringOwned(text) => Cell::Text(text.to_string()),
        AnyValue::Date(days) => Cell::Date { days },
        AnyValue::Datetime(time, unit, zone) => time_cell(time, unit, zone.is_some()),
        AnyValue::DatetimeOwned(time, unit, zone) => time_cell(time, unit, zone.is_some()),
        AnyValue::Float32(number) => Cell::Float(without_negative_zero(number.into())),
        AnyValue::Float64(number) => Cell::Float(without_negative_zero(number)),
        value if value.is_integer() => Cell::Int(value.extract::<i64>().ok_or_else(|| {
            polars_err!(
                ComputeError: "{value} does not fit into an integer of 64 bits; \
                write CAST(… AS DOUBLE) for a part of it"
            )
        })?),
        value => match to_json(value) {
            Value::String(text) => Cell::Text(text),
            other => Cell::Text(other.to_string()),
        },
    })
}

/// Returns 0 for a negative zero, which a sum or product of floats can be, and other numbers
/// unchanged.
fn without_negative_zero(number: f64) -> f64 {
    number + 0.0
}

fn time_cell(time: i64, unit: TimeUnit, zoned: bool) -> Cell {
    let us = match unit {
        TimeUnit::Nanoseconds => time.div_euclid(1_000),
        TimeUnit::Microseconds => time,
        TimeUnit::Milliseconds => time.saturating_mul(1_000),
    };
    if zoned { Cell::Time { us } } else { Cell::LocalTime { us } }
}

/// Converts a nested value; types that JSON lacks become the engine's text.
fn to_json(value: AnyValue<'_>) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(truth) => Value::Bool(truth),
        AnyValue::String(text) => Value::String(text.to_owned()),
        AnyValue::StringOwned(text) => Value::String(text.to_string()),
        AnyValue::Float64(number) => without_negative_zero(number).into(),
        AnyValue::List(items) => Value::Array(items.iter().map(to_json).collect()),
        AnyValue::Struct(..) | AnyValue::StructOwned(_) => struct_to_json(&value),
        value if value.is_integer() => {
            value.extract::<i64>().map_or_else(|| Value::String(value.to_string()), Value::from)
        }
        value => Value::String(value.to_string()),
    }
}

fn struct_to_json(value: &AnyValue<'_>) -> Value {
    let mut members = Map::new();
    let mut add = |field: &Field, value: AnyValue<'_>| {
        members.insert(field.name().to_string(), to_json(value));
    };
    match value {
        AnyValue::StructOwned(parts) => {
            parts.1.iter().zip(&parts.0).for_each(|(field, value)| add(field, value.clone()));
        }
        AnyValue::Struct(_, _, fields) => {
            fields.iter().zip(value._iter_struct_av()).for_each(|(field, value)| add(field, value));
        }
        _ => {}
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_views_becomes_a_cell() {
        let people = df!("Id" => ["a", "b"], "N" => [Some(1_i64), None]).unwrap();
        let people = people.into_struct("people".into()).into_series();
        let list = Series::new("list".into(), [people]);
        let frame = df!(
            "text" => [Some("x")], "flag" => [Some(true)], "count" => [7_u32], "big" => [7_u64],
            "share" => [0.5], "us" => [1_772_406_300_000_000_i64], "day" => [20_513_i32],
            "nothing" => [None::<i64>]
        );
        let utc = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
        let local = DataType::Datetime(TimeUnit::Milliseconds, None);
        let frame = frame.unwrap().lazy().with_columns([
            col("us").cast(utc).alias("time"),
            (col("us") / lit(1_000)).cast(DataType::Int64).cast(local).alias("clock"),
            col("day").cast(DataType::Date),
        ]);
        let mut frame = frame.collect().unwrap();
        frame.with_column(list.into_column()).unwrap();
        let grid = frame_to_grid(&frame).unwrap();
        let expected = [
            Cell::Text("x".into()),
            Cell::Bool(true),
            Cell::Int(7),
            Cell::Int(7),
            Cell::Float(0.5),
            Cell::Int(1_772_406_300_000_000),
            Cell::Date { days: 20_513 },
            Cell::Null,
            Cell::Time { us: 1_772_406_300_000_000 },
            Cell::LocalTime { us: 1_772_406_300_000_000 },
            Cell::Text(r#"[{"Id":"a","N":1},{"Id":"b","N":null}]"#.into()),
        ];
        assert_eq!(grid.rows, [expected]);
        let kinds: Vec<_> = grid.columns.iter().map(|column| column.kind).collect();
        assert_eq!(kinds[8..], [CellKind::Time, CellKind::LocalTime, CellKind::Text]);
    }

    #[test]
    fn integers_beyond_64_bits_are_errors() {
        let frame = df!("big" => [u64::MAX]).unwrap();
        let error = frame_to_grid(&frame).unwrap_err();
        assert!(error.to_string().starts_with("18446744073709551615 does not fit"), "{error}");
    }

    #[test]
    fn zero_has_no_sign() {
        let frame = df!("double" => [-0.0_f64, -0.5], "single" => [-0.0_f32, -0.5]).unwrap();
        let list = Series::new("list".into(), [-0.0_f64]).implode().unwrap().into_series();
        let frame = frame.head(Some(1)).hstack(&[list.into_column()]).unwrap();
        let row = frame_to_grid(&frame).unwrap().rows.remove(0);
        let texts: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Cell::Float(number) => number.to_string(),
                Cell::Text(text) => text.clone(),
                _ => String::new(),
            })
            .collect();
        assert_eq!(texts, ["0", "0", "[0.0]"]);
    }
}
