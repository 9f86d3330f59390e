//! Rows of data files whose texts are read as codes.
//!
//! A column with few distinct texts is a dictionary in its file. What a text means is calculated
//! once for each text of the dictionary, and no text is copied for a row.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type, Int64Type, TimestampMicrosecondType};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::reader;

/// Number of rows that are read at once.
const BATCH_ROWS: usize = 64 << 10;

/// Some rows of a data file that this program wrote.
pub struct CodedRows<'f> {
    path: &'f Path,
    batch: RecordBatch,
}

/// Returns the results of `read` for some files, which are read on all cores.
///
/// # Errors
///
/// Those of `read`.
pub fn map_files<T: Send>(
    files: &[DataFile],
    read: impl Fn(&DataFile) -> Result<T> + Sync + Send,
) -> Result<Vec<T>> {
    files.par_iter().map(read).collect()
}

/// Passes the rows of a file, with those of the `columns` that it has, to `take`.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Store`] if the file cannot be read or is not of this program, and the
/// errors of `take`.
pub fn for_each_coded_rows(
    file: &DataFile,
    columns: &[&str],
    take: &mut dyn FnMut(&CodedRows<'_>) -> Result<()>,
) -> Result<()> {
    for batch in reader::read_coded_columns(&file.path, columns, BATCH_ROWS)? {
        take(&CodedRows { path: &file.path, batch: batch? })?;
    }
    Ok(())
}

impl CodedRows<'_> {
    /// Returns the number of rows.
    pub fn height(&self) -> usize {
        self.batch.num_rows()
    }

    /// Returns the value of `of_text` for the text in each row, and `of_null` where it is null. A
    /// column that the file does not have is all null.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the column contains no texts, as do those of the methods below.
    pub fn map_texts<T: Copy>(
        &self,
        column: &str,
        of_null: T,
        mut of_text: impl FnMut(&str) -> T,
    ) -> Result<Vec<T>> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(self.all(of_null)) };
        let codes = array.as_dictionary_opt::<Int32Type>();
        let texts = codes.and_then(|codes| codes.values().as_string_opt::<i32>());
        let (codes, texts) = codes.zip(texts).ok_or_else(|| self.wrong_type(column, array))?;
        let of_texts: Vec<T> =
            texts.iter().map(|text| text.map_or(of_null, &mut of_text)).collect();
        let of_code =
            |code: &i32| usize::try_from(*code).ok().and_then(|code| of_texts.get(code)).copied();
        let mut values: Vec<T> =
            codes.keys().values().iter().map(|code| of_code(code).unwrap_or(of_null)).collect();
        set_nulls(&mut values, codes, of_null);
        Ok(values)
    }

    /// Returns the value of `of_number` for the integer in each row.
    ///
    /// # Errors
    ///
    /// Those of [`CodedRows::map_texts`].
    pub fn map_integers<T: Copy>(
        &self,
        column: &str,
        of_null: T,
        of_integer: impl Fn(i64) -> T,
    ) -> Result<Vec<T>> {
        self.map_numbers::<Int64Type, T>(column, of_null, of_integer)
    }

    /// Returns the value of `of_flag` for the flag in each row.
    ///
    /// # Errors
    ///
    /// Those of [`CodedRows::map_texts`].
    pub fn map_flags<T: Copy>(
        &self,
        column: &str,
        of_null: T,
        of_flag: impl Fn(bool) -> T,
    ) -> Result<Vec<T>> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(self.all(of_null)) };
        let flags = array.as_boolean_opt().ok_or_else(|| self.wrong_type(column, array))?;
        let mut values: Vec<T> = flags.values().iter().map(of_flag).collect();
        set_nulls(&mut values, flags, of_null);
        Ok(values)
    }

    /// Returns the value of `of_time` for the time in each row, in microseconds since 1970 (UTC).
    ///
    /// # Errors
    ///
    /// Those of [`CodedRows::map_texts`].
    pub fn map_times<T: Copy>(
        &self,
        column: &str,
        of_null: T,
        of_time: impl Fn(i64) -> T,
    ) -> Result<Vec<T>> {
        self.map_numbers::<TimestampMicrosecondType, T>(column, of_null, of_time)
    }

    fn map_numbers<N: ArrowPrimitiveType<Native = i64>, T: Copy>(
        &self,
        column: &str,
        of_null: T,
        of_number: impl Fn(i64) -> T,
    ) -> Result<Vec<T>> {
        let Some(array) = self.batch.column_by_name(column) else { return Ok(self.all(of_null)) };
        let numbers = array.as_primitive_opt::<N>();
        let numbers = numbers.ok_or_else(|| self.wrong_type(column, array))?;
        let mut values: Vec<T> = numbers.values().iter().map(|value| of_number(*value)).collect();
        set_nulls(&mut values, numbers, of_null);
        Ok(values)
    }

    fn all<T: Copy>(&self, value: T) -> Vec<T> {
        vec![value; self.height()]
    }

    fn wrong_type(&self, column: &str, found: &ArrayRef) -> Error {
        Error::store(self.path, format!("the column {column} has the type {}", found.data_type()))
    }
}

/// Sets the values of rows that are null.
fn set_nulls<T: Copy>(values: &mut [T], array: &dyn Array, of_null: T) {
    if let Some(valid) = array.nulls().filter(|valid| valid.null_count() > 0) {
        for (value, is_valid) in values.iter_mut().zip(valid.iter()) {
            *value = if is_valid { *value } else { of_null };
        }
    }
}
