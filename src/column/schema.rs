//! The Arrow schema of the events table, made from the table of columns.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::schema::{self, ColumnType, columns};

/// Positions of the columns that the builder itself asks for.
pub(super) struct KeyColumns {
    pub(super) id: usize,
    pub(super) creation_time: usize,
    pub(super) operation: usize,
    pub(super) user_id: usize,
}

/// Taken from the table when first used. A name that the table lacks would fall on its first
/// column; a test holds that none does.
pub(super) static COLUMN_INDEX: LazyLock<KeyColumns> = LazyLock::new(|| {
    let find = |name| schema::column_index(name).unwrap_or(0);
    KeyColumns {
        id: find("Id"),
        creation_time: find("CreationTime"),
        operation: find("Operation"),
        user_id: find("UserId"),
    }
});

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let typed = columns().iter().map(|column| arrow_field(column.name, &column.ty));
    let own = [schema::EXTRA, schema::SOURCE_FILE, schema::SOURCE_KIND]
        .map(|name| Field::new(name, DataType::Utf8, true));
    Arc::new(Schema::new(typed.chain(own).collect::<Vec<_>>()))
});

/// The schema of the Parquet files: typed columns in the order of the table, then `Extra` and the
/// lineage. The partition column is not among them.
pub fn arrow_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// The Arrow field of a typed column. Everything is nullable: no event has all members.
pub fn arrow_field(name: &str, ty: &ColumnType) -> Field {
    Field::new(name, data_type(ty), true)
}

pub(super) fn data_type(ty: &ColumnType) -> DataType {
    match ty {
        ColumnType::Text | ColumnType::Id | ColumnType::User | ColumnType::Ip => DataType::Utf8,
        ColumnType::Int | ColumnType::RecordType | ColumnType::UserType => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        // `element` is the name that Delta and Parquet give to a list's item.
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
    fn the_builder_finds_the_columns_it_asks_for() {
        let name = |at: usize| columns()[at].name;
        assert_eq!(
            [
                name(COLUMN_INDEX.id),
                name(COLUMN_INDEX.creation_time),
                name(COLUMN_INDEX.operation),
                name(COLUMN_INDEX.user_id)
            ],
            ["Id", "CreationTime", "Operation", "UserId"]
        );
        assert_eq!(arrow_schema().fields().len(), columns().len() + 3);
    }
}
