//! Rows gathered from many runs into arrays that follow one another.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, MutableArrayData, make_array, new_null_array};
use arrow::compute::interleave;
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::store::write::run::RunPage;

/// Rows of several runs, in the order of the table.
#[derive(Default)]
pub(in crate::store) struct RowSlice {
    pub(in crate::store) pages: Vec<RunPage>,
    /// The newest page of each run, if it is among the pages.
    last_page_of_run: Vec<Option<u32>>,
    /// For each row, its page and the row in it.
    pub(in crate::store) rows: Vec<(u32, u32)>,
    pub(in crate::store) first_us: i64,
    pub(in crate::store) last_us: i64,
}

impl RowSlice {
    pub(in crate::store) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::store) fn push(&mut self, run: usize, page: RunPage, row: usize, time_us: i64) {
        if self.last_page_of_run.len() <= run {
            self.last_page_of_run.resize(run + 1, None);
        }
        let held = self.last_page_of_run[run];
        let is_held = |&at: &u32| Arc::ptr_eq(&self.pages[at as usize].columns, &page.columns);
        let known = held.filter(is_held);
        let at = known.unwrap_or_else(|| {
            self.pages.push(page);
            let at = self.pages.len() as u32 - 1;
            self.last_page_of_run[run] = Some(at);
            at
        });
        if self.rows.is_empty() {
            self.first_us = time_us;
        }
        self.last_us = time_us;
        self.rows.push((at, row as u32));
    }

    /// The array of a column that is no text; `None` where all is null.
    pub(in crate::store) fn take_column(&self, column: usize) -> Result<Option<ArrayRef>> {
        let pages = self.pages.iter().map(|page| page.columns[column].as_ref());
        let parts: Vec<Option<&ArrayRef>> = pages.collect();
        match parts.iter().flatten().next() {
            None => Ok(None),
            Some(first) if first.data_type().is_nested() => {
                self.take_nested_column(&parts).map_err(Error::internal)
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

    /// The same for lists and objects, which few events have: what lies between is passed over.
    fn take_nested_column(
        &self,
        parts: &[Option<&ArrayRef>],
    ) -> Result<Option<ArrayRef>, ArrowError> {
        // Where the arrays of present parts are, and those themselves.
        let mut data = Vec::new();
        let places: Vec<usize> = parts
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
        for (at, place) in self.rows.iter().enumerate().filter(|(_, place)| valid(place)) {
            let row = place.1 as usize;
            growing.try_extend_nulls(at - done)?;
            growing.try_extend(places[place.0 as usize], row, row + 1)?;
            (done, is_any) = (at + 1, true);
        }
        growing.try_extend_nulls(self.rows.len() - done)?;
        Ok(is_any.then(|| make_array(growing.freeze())))
    }
}
