//! Columns of numbers, instants and truth values.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, TimestampMicrosecondArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};

use super::Stored;
use crate::record::{Value, record_type, time};
use crate::schema::user_type_by_name;

/// What there is of a batch, which becomes part of an array. The next batch will need about as
/// much and begins with room for it: growing costs copies, and memory that has to be cleared first.
pub(super) fn take_buffer<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len() + values.len() / 8);
    std::mem::replace(values, next)
}

/// What the 64 bits of a column mean.
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

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn append(&mut self, row: usize, value: Value<'_>) -> Stored {
        let number = match (self.kind, value) {
            (IntKind::Time, Value::Text(text)) => {
                return match time::parse(text) {
                    Some(instant) => {
                        self.push(row, instant.epoch_us);
                        if instant.is_exact { Stored::Exact } else { Stored::Lossy }
                    }
                    None => Stored::Lossy,
                };
            }
            (IntKind::Time, _) => None,
            (_, Value::Int(number)) => {
                self.push(row, number);
                return Stored::Exact;
            }
            (IntKind::Int, Value::Text(text)) => text.trim().parse().ok(),
            (IntKind::RecordType, value) => record_type(value),
            (IntKind::UserType, Value::Text(text)) => {
                text.trim().parse().ok().or_else(|| user_type_by_name(text.trim()))
            }
            _ => None,
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

    /// The number at a row.
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        let number = self.values.get(row).copied();
        number.filter(|_| self.valid[row])
    }

    /// The same as [`Ints::push`], in the place of what the row, the last one, may have.
    pub(super) fn set(&mut self, row: usize, number: i64) {
        match self.values.get_mut(row) {
            Some(held) => *held = number,
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

/// A column of truth values.
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
        let (truth, fit) = match value {
            Value::Bool(truth) => (truth, Stored::Exact),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => (true, Stored::Lossy),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => (false, Stored::Lossy),
            _ => return Stored::Lossy,
        };
        self.pad(row);
        self.values.push(truth);
        self.valid.push(true);
        fit
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
