//! Builds one column: chooses the builder for a column's type and passes values on to it.

use arrow::array::ArrayRef;
use arrow::error::ArrowError;

use super::nested::NestedColumn;
use super::scalar::{BoolColumn, IntColumn, IntKind};
use super::stored::Stored;
use super::text::{DictionaryColumn, Normalization, PlainTextColumn};
use crate::record::Value;
use crate::schema::{ColumnDefinition, ColumnEncoding, ColumnType};

/// One column under construction.
pub(super) enum ColumnBuilder {
    Dictionary(DictionaryColumn),
    Plain(PlainTextColumn),
    Ints(IntColumn),
    Bools(BoolColumn),
    Nested(NestedColumn),
    /// Not in the projection.
    Absent,
}

impl ColumnBuilder {
    pub(super) fn new(column: &ColumnDefinition) -> Self {
        let normal = match column.ty {
            ColumnType::Id => Normalization::Id,
            ColumnType::User => Normalization::User,
            ColumnType::Ip => Normalization::Ip,
            _ => Normalization::AsIs,
        };
        match (&column.ty, column.encoding) {
            (ColumnType::Int, _) => ColumnBuilder::Ints(IntColumn::new(IntKind::Int)),
            (ColumnType::Time, _) => ColumnBuilder::Ints(IntColumn::new(IntKind::Time)),
            (ColumnType::RecordType, _) => ColumnBuilder::Ints(IntColumn::new(IntKind::RecordType)),
            (ColumnType::UserType, _) => ColumnBuilder::Ints(IntColumn::new(IntKind::UserType)),
            (ColumnType::Bool, _) => ColumnBuilder::Bools(BoolColumn::default()),
            (ColumnType::List(_) | ColumnType::Struct(_), _) => {
                ColumnBuilder::Nested(NestedColumn::new(&column.ty))
            }
            (_, ColumnEncoding::Unique) => ColumnBuilder::Plain(PlainTextColumn::new(normal)),
            (_, _) => ColumnBuilder::Dictionary(DictionaryColumn::new(normal)),
        }
    }

    pub(super) fn append(&mut self, row: usize, value: Value<'_>) -> Stored {
        if matches!(value, Value::Null) {
            return Stored::Exact;
        }
        match self {
            ColumnBuilder::Dictionary(column) => column.append(row, value),
            ColumnBuilder::Plain(column) => column.append(row, value),
            ColumnBuilder::Ints(column) => column.append(row, value),
            ColumnBuilder::Bools(column) => column.append(row, value),
            ColumnBuilder::Nested(column) => column.append_at(row, value),
            ColumnBuilder::Absent => Stored::Exact,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            ColumnBuilder::Dictionary(column) => column.len(),
            ColumnBuilder::Plain(column) => column.len(),
            ColumnBuilder::Ints(column) => column.len(),
            ColumnBuilder::Bools(column) => column.len(),
            ColumnBuilder::Nested(column) => column.len(),
            ColumnBuilder::Absent => 0,
        }
    }

    /// Returns true if a column of numbers has another number at `row`.
    pub(super) fn has_other_number(&self, row: usize, number: i64) -> bool {
        match self {
            ColumnBuilder::Ints(column) => column.get(row).is_some_and(|stored| stored != number),
            _ => false,
        }
    }

    /// Removes the values at `row` and after it. Only the column of the id needs it.
    pub(super) fn truncate(&mut self, row: usize) {
        if let ColumnBuilder::Plain(column) = self {
            column.truncate(row);
        }
    }

    pub(super) fn finish(&mut self, rows: usize) -> Result<Option<ArrayRef>, ArrowError> {
        match self {
            ColumnBuilder::Dictionary(column) => column.finish(rows),
            ColumnBuilder::Plain(column) => column.finish(rows),
            ColumnBuilder::Ints(column) => Ok(column.finish(rows)),
            ColumnBuilder::Bools(column) => Ok(column.finish(rows)),
            ColumnBuilder::Nested(column) => column.finish_column(rows),
            ColumnBuilder::Absent => Ok(None),
        }
    }
}
