//! Reads the rows of temporary tables as batches of Arrow arrays.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};

use crate::column::arrow_schema;
use crate::error::{Error, Result};
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::external_files::to_table_columns;
use crate::store::parquet::reader::{self, FileBatches};
use crate::store::write::load::TempTable;

/// The rows of files, batch by batch: month by month, and by time in each file.
pub struct EventStream {
    schema: SchemaRef,
    names: Vec<String>,
    files: std::vec::IntoIter<DataFile>,
    current: Option<(PathBuf, FileBatches)>,
    /// The temporary files are deleted with the last stream of them.
    _tables: Vec<Arc<TempTable>>,
}

impl EventStream {
    /// Returns the rows of a temporary table, with some columns or with all.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the table has no column of a name.
    pub fn new(table: &Arc<TempTable>, columns: Option<&[String]>) -> Result<EventStream> {
        let files = table.files.clone();
        let schema = EventStream::schema_of(columns)?;
        Ok(EventStream::of_files(schema, files, vec![Arc::clone(table)]))
    }

    /// Returns the rows of files of temporary tables.
    pub(in crate::store) fn of_files(
        schema: SchemaRef,
        files: Vec<DataFile>,
        tables: Vec<Arc<TempTable>>,
    ) -> EventStream {
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        EventStream { schema, names, files: files.into_iter(), current: None, _tables: tables }
    }

    /// Returns the schema with some columns, in their order, or with all.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the table has no column of a name.
    pub fn schema_of(columns: Option<&[String]>) -> Result<SchemaRef> {
        let all = arrow_schema();
        let Some(columns) = columns else { return Ok(all) };
        let field = |name: &String| {
            let found = all.fields().iter().find(|field| field.name() == name);
            found.cloned().ok_or_else(|| {
                Error::Usage(format!(
                    "there is no column {name:?}; docs/columns.md lists all columns"
                ))
            })
        };
        let fields = columns.iter().map(field).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Returns the schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some((path, batches)) = &mut self.current {
                match batches.next().transpose()? {
                    Some(batch) => {
                        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
                        let columns = to_table_columns(path, &batch, &names)?;
                        let rows = Some(batch.num_rows());
                        let options = RecordBatchOptions::new().with_row_count(rows);
                        let schema = Arc::clone(&self.schema);
                        let batch = RecordBatch::try_new_with_options(schema, columns, &options);
                        return batch.map(Some).map_err(Error::internal);
                    }
                    None => self.current = None,
                }
            }
            let Some(file) = self.files.next() else { return Ok(None) };
            let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
            let batches = reader::read_columns_in_batches(&file.path, &names, BATCH_ROWS)?;
            self.current = Some((file.path, batches));
        }
    }
}

/// Rows of a batch. With all columns, a batch of that many rows has about 20 MB.
const BATCH_ROWS: usize = 16 << 10;

impl Iterator for EventStream {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}
