//! Collects rows of many runs into arrays.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, MutableArrayData, make_array, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::interleave;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::store::write::run::{RunPage, row_number};

/// Rows of several runs, in the table's order.
#[derive(Default)]
pub(in crate::store) struct RowSlice {
    pub(in crate::store) pages: Vec<RunPage>,
    /// The latest page of each run: its index in `pages`.
    last_page_of_run: Vec<Option<u32>>,
    /// For each row, the index of its page and the row in that page.
    pub(in crate::store) rows: Vec<(u32, u32)>,
    /// For each row, the first one of those before it that are consecutive rows of its page.
    run_starts: Vec<u32>,
    pub(in crate::store) first_us: i64,
    pub(in crate::store) last_us: i64,
}

impl RowSlice {
    /// Returns the number of rows.
    pub(in crate::store) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Appends a row of a page of a run.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if there are too many pages or rows.
    pub(in crate::store) fn push(
        &mut self,
        run: usize,
        page: RunPage,
        row: usize,
        time_us: i64,
    ) -> Result<()> {
        if self.last_page_of_run.len() <= run {
            self.last_page_of_run.resize(run + 1, None);
        }
        let is_same = |&at: &u32| Arc::ptr_eq(&self.pages[at as usize].columns, &page.columns);
        let at = match self.last_page_of_run[run].filter(is_same) {
            Some(at) => at,
            None => {
                let at = row_number(self.pages.len())?;
                self.pages.push(page);
                self.last_page_of_run[run] = Some(at);
                at
            }
        };
        if self.rows.is_empty() {
            self.first_us = time_us;
        }
        self.last_us = time_us;
        let row = row_number(row)?;
        let run_start = match (self.rows.last(), self.run_starts.last()) {
            (Some(&(page, before)), Some(&start)) if (page, before + 1) == (at, row) => start,
            _ => row_number(self.rows.len())?,
        };
        self.rows.push((at, row));
        self.run_starts.push(run_start);
        Ok(())
    }

    /// Returns the page and the first row in it if some rows are consecutive rows of a page.
    #[inline]
    pub(in crate::store) fn consecutive_rows(&self, rows: Range<usize>) -> Option<(u32, u32)> {
        let last = *self.run_starts.get(rows.end.checked_sub(1)?)?;
        if last as usize <= rows.start { self.rows.get(rows.start).copied() } else { None }
    }

    /// Returns the array of a column that is not text, or `None` if all values are null.
    pub(in crate::store) fn take_column(&self, column: usize) -> Result<Option<ArrayRef>> {
        let pages = self.pages.iter().map(|page| page.columns[column].as_ref());
        let parts: Vec<Option<&ArrayRef>> = pages.collect();
        match parts.iter().flatten().next() {
            None => Ok(None),
            Some(first) if first.data_type().is_nested() => {
                self.take_nested_column(&parts).map_err(Error::internal)
            }
            Some(first) if *first.data_type() == DataType::Boolean => {
                Ok(Some(self.take_booleans(&parts)))
            }
            Some(first) => {
                let null = new_null_array(first.data_type(), 1);
                let arrays: Vec<&dyn Array> =
                    parts.iter().map(|part| part.unwrap_or(&null).as_ref()).collect();
                let rows = self.rows.iter().map(|&(page, row)| {
                    let page = page as usize;
                    (page, if parts[page].is_some() { row as usize } else { 0 })
                });
                let rows: Vec<(usize, usize)> = rows.collect();
                interleave(&arrays, &rows).map(Some).map_err(Error::internal)
            }
        }
    }

    /// Returns the array of a column of booleans. `interleave` of Arrow takes each bit by itself.
    fn take_booleans(&self, parts: &[Option<&ArrayRef>]) -> ArrayRef {
        let parts: Vec<Option<&BooleanArray>> =
            parts.iter().map(|part| part.and_then(|part| part.as_boolean_opt())).collect();
        let part = |at: usize| {
            let (page, row) = self.rows[at];
            parts[page as usize].map(|part| (part, row as usize))
        };
        let valid = BooleanBuffer::collect_bool(self.rows.len(), |at| {
            part(at).is_some_and(|(part, row)| part.is_valid(row))
        });
        let values = BooleanBuffer::collect_bool(self.rows.len(), |at| {
            part(at).is_some_and(|(part, row)| part.value(row))
        });
        Arc::new(BooleanArray::new(values, Some(NullBuffer::new(valid))))
    }

    /// Returns the array of a list or object column. Few events have values there, so the nulls
    /// between them are added in one step.
    fn take_nested_column(
        &self,
        parts: &[Option<&ArrayRef>],
    ) -> Result<Option<ArrayRef>, ArrowError> {
        // The arrays of the parts that have one, and the index of each part's array.
        let mut data = Vec::new();
        let indexes: Vec<usize> = parts
            .iter()
            .map(|part| {
                data.extend(part.map(|array| array.to_data()));
                data.len().saturating_sub(1)
            })
            .collect();
        let valid = |&(page, row): &(u32, u32)| {
            parts[page as usize].is_some_and(|array| array.is_valid(row as usize))
        };
        let mut growing = MutableArrayData::new(data.iter().collect(), true, self.rows.len());
        let (mut done, mut is_any) = (0, false);
        for (at, &(page, row)) in self.rows.iter().enumerate().filter(|(_, row)| valid(row)) {
            let row = row as usize;
            growing.try_extend_nulls(at - done)?;
            growing.try_extend(indexes[page as usize], row, row + 1)?;
            (done, is_any) = (at + 1, true);
        }
        growing.try_extend_nulls(self.rows.len() - done)?;
        Ok(is_any.then(|| make_array(growing.freeze())))
    }
}
