//! Removes duplicates among rows of the table that another program passes, for example Spark.
//!
//! The rows are staged and deduplicated like those of a load, so the rule is the same.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};

use crate::column::arrow_schema;
use crate::error::{Error, Result};
use crate::store::delta::snapshot::DataFile;
use crate::store::handle::Store;
use crate::store::parquet::event_stream::EventStream;
use crate::store::parquet::external_files::to_event_batch;
use crate::store::thread_pool::thread_pool;
use crate::store::write::load::Transaction;

/// The name of the writer of temporary files, in the form of the names of a store's writers.
const WRITER: &str = "00000000000000000000000000000000";

/// The name of the column of whole numbers with the position of a row in the archive, which decides
/// between equal copies. Rows can be added in any order if they have it.
pub const ROW_ORDER: &str = "RowOrder";

/// Collects rows, and returns each event once.
pub struct RowMerger {
    new: Transaction,
    stored: Transaction,
    sequence: u64,
}

impl RowMerger {
    /// Creates a merger without rows.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a temporary folder cannot be created.
    pub fn new() -> Result<RowMerger> {
        let new = Store::temporary_transaction()?;
        let stored = Store::temporary_transaction_of(WRITER)?;
        Ok(RowMerger { new, stored, sequence: 0 })
    }

    /// Adds rows: with the column [`ROW_ORDER`], or in the order of the names of their sources.
    /// `is_stored` is true for rows of a table without duplicates.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if a row has no id, no time or no order, or a column has another type than
    /// the table.
    pub fn add(&mut self, batch: &RecordBatch, is_stored: bool) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut events = to_event_batch("rows".as_ref(), batch, self.sequence)?;
        self.sequence += batch.num_rows() as u64;
        if let Some(order) = batch.column_by_name(ROW_ORDER) {
            let values = order.as_primitive_opt::<Int64Type>().filter(|it| it.null_count() == 0);
            let invalid = || {
                let message = format!("column {ROW_ORDER} must contain a whole number in each row");
                Error::store("rows".as_ref(), message)
            };
            for (key, position) in events.keys.iter_mut().zip(values.ok_or_else(invalid)?.values())
            {
                key.sequence = u64::try_from(*position).map_err(|_| invalid())?;
            }
        }
        for column in events.columns.iter_mut().flatten() {
            *column = with_dictionary(column)?;
        }
        if is_stored { self.stored.stage(events) } else { self.new.stage(events) }
    }

    /// Returns the rows, each event once. `None` uses one thread per core.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the disk fails.
    pub fn finish(self, threads: Option<usize>) -> Result<EventStream> {
        thread_pool(threads)?.install(|| self.merge())
    }

    fn merge(self) -> Result<EventStream> {
        let stored = Arc::new(self.stored.into_temp_table()?);
        let prepared = self.new.deduplicate_with(&stored.files)?;
        let is_replaced = |file: &DataFile| {
            prepared.replaced_files().iter().any(|replaced| replaced.path == file.path)
        };
        let unchanged = stored.files.iter().filter(|file| !is_replaced(file));
        let mut files: Vec<DataFile> = unchanged.cloned().collect();
        let new = Arc::new(prepared.into_temp_table()?);
        files.extend(new.files.iter().cloned());
        Ok(EventStream::of_files(arrow_schema(), files, vec![stored, new]))
    }
}

/// Returns texts as a dictionary, as the columns of a load are.
fn with_dictionary(column: &ArrayRef) -> Result<ArrayRef> {
    if *column.data_type() != DataType::Utf8 {
        return Ok(Arc::clone(column));
    }
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    cast(column, &text).map_err(Error::internal)
}
