//! Rows of the inventory as Arrow columns, and back.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::schema::inventory::{INVENTORY_COLUMNS, InventoryRow, RowKind};

/// Returns the columns of the table without the partition column. All are texts: times are in one
/// form that sorts, and every engine can cast it.
pub(in crate::store) fn inventory_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let fields = INVENTORY_COLUMNS.map(|(_, name)| Field::new(name, DataType::Utf8, true));
        Arc::new(Schema::new(fields.to_vec()))
    });
    Arc::clone(&SCHEMA)
}

/// Returns rows as columns.
pub(super) fn to_batch(rows: &[InventoryRow]) -> Result<RecordBatch, ArrowError> {
    let columns = INVENTORY_COLUMNS.map(|(column, _)| {
        Arc::new(rows.iter().map(|row| row.get(column)).collect::<StringArray>()) as ArrayRef
    });
    RecordBatch::try_new(inventory_schema(), columns.to_vec())
}

/// Appends the rows of columns. Columns that another version of the program has added are left
/// out, and those that a file lacks are empty.
pub(super) fn add_rows(batch: &RecordBatch, kind: RowKind, rows: &mut Vec<InventoryRow>) {
    let start = rows.len();
    rows.resize(start + batch.num_rows(), InventoryRow::new(kind));
    for (column, name) in INVENTORY_COLUMNS {
        let texts = batch.column_by_name(name).and_then(|array| array.as_string_opt::<i32>());
        let Some(texts) = texts else { continue };
        for (row, text) in rows.iter_mut().skip(start).zip(texts.iter()) {
            row.set(column, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::inventory::InventoryColumn as Column;

    #[test]
    fn rows_survive_the_columns() {
        let row = InventoryRow::new(RowKind::Item)
            .with(Column::ItemId, Some("1"))
            .with(Column::AccessRight, Some("é"));
        let rows = vec![row, InventoryRow::new(RowKind::Item)];
        let mut back = Vec::new();
        add_rows(&to_batch(&rows).unwrap(), RowKind::Item, &mut back);
        assert_eq!(back, rows);
    }
}
