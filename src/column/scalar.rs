//! Builds columns of numbers, times and booleans.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, TimestampMicrosecondArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};

use super::stored::Stored;
use crate::record::{Value, record_type, time, whole_number};
use crate::schema::{ColumnType, user_type_by_name};

/// Takes the values of a batch for an array. The next batch needs about as much memory and starts
/// with that capacity, since growing costs copies and memory that must be cleared first.
pub(super) fn take_buffer<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len() + values.len() / 8);
    std::mem::replace(values, next)
}

/// The meaning of the 64 bits of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntKind {
    Int,
    Time,
    RecordType,
    UserType,
}

/// A column of 64-bit integers.
pub(super) struct IntColumn {
    kind: IntKind,
    values: Vec<i64>,
    valid: Vec<bool>,
    nulls: usize,
}

impl IntColumn {
    pub(super) fn new(kind: IntKind) -> Self {
        IntColumn { kind, values: Vec::new(), valid: Vec::new(), nulls: 0 }
    }

    /// Returns the type of the arrays that the column becomes.
    pub(super) fn array_type(&self) -> ColumnType {
        if self.kind == IntKind::Time { ColumnType::Time } else { ColumnType::Int }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn append(&mut self, row: usize, value: Value<'_>) -> Stored {
        let number = match (self.kind, value) {
            (IntKind::Time, Value::Text(text)) => {
                return match time::parse(text) {
                    Some(timestamp) => {
                        self.push(row, timestamp.epoch_us);
                        if timestamp.is_exact { Stored::Exact } else { Stored::Lossy }
                    }
                    None => Stored::Lossy,
                };
            }
            (IntKind::Time, _) => None,
            (_, Value::Int(number)) => {
                self.push(row, number);
                return Stored::Exact;
            }
            (IntKind::Int, value) => whole_number(value),
            (IntKind::RecordType, value) => record_type(value),
            (IntKind::UserType, value) => whole_number(value).or(match value {
                Value::Text(text) => user_type_by_name(text.trim()),
                _ => None,
            }),
        };
        if let Some(number) = number {
            self.push(row, number);
        }
        Stored::Lossy
    }

    pub(super) fn push(&mut self, row: usize, number: i64) {
        self.pad(row);
        self.values.push(number);
        self.valid.push(true);
    }

    /// Returns the number at a row; `None` if it is null or not yet there.
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        let number = self.values.get(row).copied();
        number.filter(|_| self.valid[row])
    }

    /// Sets the number of the last row, whether or not the row has one already.
    pub(super) fn set(&mut self, row: usize, number: i64) {
        match self.values.get_mut(row) {
            Some(value) => *value = number,
            None => self.push(row, number),
        }
    }

    fn pad(&mut self, row: usize) {
        if self.values.len() < row {
            self.nulls += row - self.values.len();
            self.values.resize(row, 0);
            self.valid.resize(row, false);
        }
    }

    pub(super) fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        if self.values.is_empty() {
            return None;
        }
        self.pad(rows);
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(&self.valid[..]));
        let values = ScalarBuffer::from(take_buffer(&mut self.values));
        self.valid.clear();
        self.nulls = 0;
        Some(match self.kind {
            IntKind::Time => {
                Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone("UTC"))
            }
            _ => Arc::new(Int64Array::new(values, nulls)),
        })
    }
}

/// A column of booleans.
#[derive(Default)]
pub(super) struct BoolColumn {
    values: Vec<bool>,
    valid: Vec<bool>,
}

impl BoolColumn {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn append(&mut self, row: usize, value: Value<'_>) -> Stored {
        let (value, stored) = match value {
            Value::Bool(value) => (value, Stored::Exact),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => (true, Stored::Lossy),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => (false, Stored::Lossy),
            _ => return Stored::Lossy,
        };
        self.pad(row);
        self.values.push(value);
        self.valid.push(true);
        stored
    }

    fn pad(&mut self, row: usize) {
        self.values.resize(row, false);
        self.valid.resize(row, false);
    }

    pub(super) fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        if self.values.is_empty() {
            return None;
        }
        self.pad(rows);
        let nulls = NullBuffer::from(&self.valid[..]);
        let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
        let values = BooleanBuffer::from(&self.values[..]);
        self.valid.clear();
        self.values.clear();
        Some(Arc::new(BooleanArray::new(values, nulls)))
    }
}
