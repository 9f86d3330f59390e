//! Rows gathered from many runs into arrays that follow one another.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Int32Array, StringArray, StringBuilder, new_null_array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::interleave;
use arrow::datatypes::Int32Type;
use rayon::prelude::*;

use super::run::Page;
use crate::column::arrow_schema;
use crate::error::{Error, Result};

/// Rows of several runs, in the order of the table.
#[derive(Default)]
pub(super) struct Slice {
    pages: Vec<Page>,
    /// The newest page of each run.
    page_of_run: HashMap<usize, usize>,
    /// For each row, its page and the row in it.
    rows: Vec<(usize, usize)>,
    pub(super) first_us: i64,
    pub(super) last_us: i64,
}

impl Slice {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn push(&mut self, run: usize, page: Page, row: usize, time_us: i64) {
        let held = self.page_of_run.get(&run).copied();
        let known = held.filter(|&at| Arc::ptr_eq(&self.pages[at].columns, &page.columns));
        let at = known.unwrap_or_else(|| {
            self.pages.push(page);
            self.page_of_run.insert(run, self.pages.len() - 1);
            self.pages.len() - 1
        });
        if self.rows.is_empty() {
            self.first_us = time_us;
        }
        self.last_us = time_us;
        self.rows.push((at, row));
    }
}

/// The arrays of a slice, one for each column of the table; `None` where all is null. Columns are
/// gathered beside one another: there are some two hundred, and a few of them are most of the work.
pub(super) fn gather(slice: &Slice) -> Result<(usize, Vec<Option<ArrayRef>>)> {
    let columns = arrow_schema().fields().len();
    let gathered = (0..columns).into_par_iter().map(|column| gather_column(slice, column));
    Ok((slice.len(), gathered.collect::<Result<Vec<_>>>()?))
}

fn gather_column(slice: &Slice, column: usize) -> Result<Option<ArrayRef>> {
    let parts: Vec<Option<&ArrayRef>> =
        slice.pages.iter().map(|page| page.columns[column].as_ref()).collect();
    let Some(first) = parts.iter().flatten().next() else { return Ok(None) };
    let dictionaries: Option<Vec<Option<Part<'_>>>> = parts
        .iter()
        .map(|part| part.map_or(Some(None), |array| Part::of(array).map(Some)))
        .collect();
    if let Some(mut dictionaries) = dictionaries {
        return gather_texts(slice, &mut dictionaries);
    }
    let null = new_null_array(first.data_type(), 1);
    let arrays: Vec<&dyn Array> = parts.iter().map(|part| part.unwrap_or(&null).as_ref()).collect();
    let rows: Vec<(usize, usize)> = slice
        .rows
        .iter()
        .map(|&(page, row)| (page, if parts[page].is_some() { row } else { 0 }))
        .collect();
    interleave(&arrays, &rows).map(Some).map_err(Error::internal)
}

/// A dictionary column of a page, and the keys that its values have in the gathered one.
struct Part<'p> {
    keys: &'p Int32Array,
    values: &'p StringArray,
    /// By key; -1 where the value has not been met yet.
    gathered: Vec<i32>,
}

impl<'p> Part<'p> {
    fn of(array: &'p ArrayRef) -> Option<Self> {
        let array = array.as_any().downcast_ref::<DictionaryArray<Int32Type>>()?;
        let values = array.values().as_any().downcast_ref::<StringArray>()?;
        Some(Part { keys: array.keys(), values, gathered: vec![-1; values.len()] })
    }
}

fn gather_texts(slice: &Slice, parts: &mut [Option<Part<'_>>]) -> Result<Option<ArrayRef>> {
    let mut by_text: HashMap<&str, i32, foldhash::fast::FixedState> = HashMap::default();
    let mut values = StringBuilder::new();
    let mut keys = Vec::with_capacity(slice.rows.len());
    let mut valid = Vec::with_capacity(slice.rows.len());
    let mut nulls = 0_usize;
    for &(page, row) in &slice.rows {
        let key = parts[page].as_mut().filter(|part| part.keys.is_valid(row)).map(|part| {
            let local = part.keys.value(row) as usize;
            if part.gathered[local] < 0 {
                let text = part.values.value(local);
                let next = by_text.len() as i32;
                part.gathered[local] = *by_text.entry(text).or_insert_with(|| {
                    values.append_value(text);
                    next
                });
            }
            part.gathered[local]
        });
        nulls += usize::from(key.is_none());
        valid.push(key.is_some());
        keys.push(key.unwrap_or(0));
    }
    if nulls == keys.len() {
        return Ok(None);
    }
    let nulls = (nulls > 0).then(|| NullBuffer::from(valid));
    let keys = Int32Array::new(ScalarBuffer::from(keys), nulls);
    DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values.finish()))
        .map(|array| Some(Arc::new(array) as ArrayRef))
        .map_err(Error::internal)
}
