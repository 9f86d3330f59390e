//! Makes the Arrow schema of the events table from the table of columns.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::batch::BatchError;
use crate::schema::{self, ColumnType, column_index, columns};

/// Positions of the columns that the builder fills by their names.
#[derive(Clone, Copy)]
pub(super) struct KeyColumns {
    pub(super) id: usize,
    pub(super) creation_time: usize,
    pub(super) operation: usize,
    pub(super) user_id: usize,
    pub(super) user_key: usize,
    pub(super) record_type: usize,
    pub(super) workload: usize,
}

impl KeyColumns {
    /// Finds the columns in the table of columns.
    pub(super) fn find() -> Result<Self, BatchError> {
        let find = |name: &'static str| column_index(name).ok_or(BatchError::MissingColumn(name));
        Ok(KeyColumns {
            id: find("Id")?,
            creation_time: find("CreationTime")?,
            operation: find("Operation")?,
            user_id: find("UserId")?,
            user_key: find("UserKey")?,
            record_type: find("RecordType")?,
            workload: find("Workload")?,
        })
    }
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let typed = columns().iter().map(|column| arrow_field(column.name, &column.ty));
    let others = [schema::EXTRA, schema::SOURCE_FILE, schema::SOURCE_KIND, schema::COPIES]
        .map(|name| Field::new(name, DataType::Utf8, true));
    Arc::new(Schema::new(typed.chain(others).collect::<Vec<_>>()))
});

/// Returns the schema of the data files: typed columns in the order of the table of columns, then
/// `Extra`, the lineage and `Copies`. It does not contain the partition column.
pub fn arrow_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// Returns the Arrow field of a typed column. All fields are nullable, since no event has all
/// members.
pub fn arrow_field(name: &str, ty: &ColumnType) -> Field {
    Field::new(name, data_type(ty), true)
}

pub(super) fn data_type(ty: &ColumnType) -> DataType {
    match ty {
        ColumnType::Text | ColumnType::Id | ColumnType::User | ColumnType::Ip => DataType::Utf8,
        ColumnType::Int | ColumnType::RecordType | ColumnType::UserType => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        // Delta and Parquet call the item of a list `element`.
        ColumnType::List(item) => {
            DataType::List(Arc::new(Field::new("element", data_type(item), true)))
        }
        ColumnType::Struct(members) => DataType::Struct(struct_fields(members)),
    }
}

pub(super) fn struct_fields(members: &[(&'static str, ColumnType)]) -> Fields {
    members.iter().map(|(name, ty)| arrow_field(name, ty)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builder_finds_its_columns() {
        let found = KeyColumns::find().unwrap();
        let positions = [found.id, found.creation_time, found.operation, found.user_id];
        assert_eq!(
            positions.map(|at| columns()[at].name),
            ["Id", "CreationTime", "Operation", "UserId"]
        );
        assert_eq!(arrow_schema().fields().len(), columns().len() + 4);
    }
}
