//! Computes fingerprints of events, to distinguish identical copies from conflicting ones.
//!
//! Equal values have equal fingerprints, in new arrays and in arrays from the store, with or
//! without a dictionary. The lineage columns are not part of the content.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StringArray, StructArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::column::text_dictionary::TextDictionary;
use crate::column::to_json::text_at;
use crate::record::{Parser, Value};
use crate::schema::{self, column_index};

/// Returns the fingerprint of each row, from all columns except those at the positions in
/// `without`.
pub fn fingerprints(columns: &[Option<ArrayRef>], rows: usize, without: &[usize]) -> Vec<u64> {
    let mut sums = vec![0_u64; rows];
    for (number, column) in columns.iter().enumerate() {
        if let Some(column) = column.as_ref().filter(|_| !without.contains(&number)) {
            add_column(column, seed(number), &mut sums);
        }
    }
    sums
}

/// Returns the fingerprint of one row.
pub fn fingerprint(columns: &[Option<ArrayRef>], row: usize, without: &[usize]) -> u64 {
    let present =
        columns.iter().enumerate().filter_map(|(at, column)| Some((at, column.as_ref()?)));
    let counted = present.filter(|(at, column)| column.is_valid(row) && !without.contains(at));
    let hashes = counted.map(|(at, column)| value_hash(column.as_ref(), row, seed(at)));
    hashes.fold(0, u64::wrapping_add)
}

/// Returns true if a row has every value of another row, in the same notation. Columns at the
/// positions in `without` do not count.
pub fn covers(
    (columns, row): (&[Option<ArrayRef>], usize),
    (other_columns, other_row): (&[Option<ArrayRef>], usize),
    without: &[usize],
) -> bool {
    let extra = schema::columns().len();
    let mut others = other_columns.iter().enumerate();
    let is_covered = others.all(|(at, other)| {
        let Some(other) = other.as_ref().filter(|other| other.is_valid(other_row)) else {
            return true;
        };
        let column = columns.get(at).and_then(Option::as_ref);
        without.contains(&at)
            || column.is_some_and(|column| {
                value_hash(column.as_ref(), row, 0) == value_hash(other.as_ref(), other_row, 0)
            })
    });
    let text = |columns: &[Option<ArrayRef>], row| {
        let column = columns.get(extra).and_then(Option::as_deref);
        column.and_then(|column| text_at(column, row)).map(str::to_owned)
    };
    match (text(columns, row), text(other_columns, other_row)) {
        _ if !is_covered => false,
        // A member of `Extra` replaces the column with its name, so the columns say too little.
        (Some(extra), None) => {
            let replaces = |name: &str| {
                let column = column_index(name).and_then(|at| other_columns.get(at)?.as_ref());
                column.is_some_and(|column| column.is_valid(other_row))
            };
            let parsed = Parser::default().parse(extra.as_bytes(), |record| match record.root() {
                Value::Object(object) => !object.members().any(|(name, _)| replaces(name)),
                _ => false,
            });
            parsed.unwrap_or(false)
        }
        _ => true,
    }
}

fn seed(column: usize) -> u64 {
    (column as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Adds the hash of each row's value. A null adds nothing, so that a missing column equals a column
/// of nulls.
fn add_column(column: &ArrayRef, seed: u64, sums: &mut [u64]) {
    let array = column.as_ref();
    if let Some(dictionary) = TextDictionary::from_array(array) {
        let texts = dictionary.texts().iter();
        let hashes: Vec<u64> = texts.map(|text| text.map_or(0, |t| text_hash(t, seed))).collect();
        for (row, sum) in sums.iter_mut().enumerate() {
            let hash = dictionary.key(row).and_then(|key| hashes.get(key));
            *sum = sum.wrapping_add(hash.copied().unwrap_or(0));
        }
        return;
    }
    if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
        for (sum, text) in sums.iter_mut().zip(texts) {
            *sum = sum.wrapping_add(text.map_or(0, |text| text_hash(text, seed)));
        }
        return;
    }
    for (row, sum) in sums.iter_mut().enumerate() {
        *sum = sum.wrapping_add(value_hash(array, row, seed));
    }
}

fn text_hash(text: &str, seed: u64) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), seed)
}

fn number_hash(number: i64, seed: u64) -> u64 {
    xxh3_64_with_seed(&number.to_le_bytes(), seed)
}

/// Returns the hash of one value; 0 for null.
fn value_hash(array: &dyn Array, row: usize, seed: u64) -> u64 {
    if array.is_null(row) {
        return 0;
    }
    let any = array.as_any();
    if let Some(array) = any.downcast_ref::<StringArray>() {
        text_hash(array.value(row), seed)
    } else if let Some(dictionary) = TextDictionary::from_array(array) {
        dictionary.text(row).map_or(0, |text| text_hash(text, seed))
    } else if let Some(array) = array.as_primitive_opt::<Int64Type>() {
        number_hash(array.value(row), seed)
    } else if let Some(array) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        number_hash(array.value(row), seed)
    } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
        number_hash(i64::from(array.value(row)), seed)
    } else if let Some(array) = any.downcast_ref::<ListArray>() {
        let items = array.value(row);
        let hashes = (0..items.len()).map(|item| value_hash(items.as_ref(), item, seed));
        hashes.fold(number_hash(items.len() as i64, seed), mix)
    } else if let Some(array) = any.downcast_ref::<StructArray>() {
        let hashes = array.columns().iter().map(|member| value_hash(member.as_ref(), row, seed));
        hashes.fold(number_hash(-1, seed), mix)
    } else {
        0
    }
}

/// Combines two numbers so that their order matters.
fn mix(sum: u64, hash: u64) -> u64 {
    sum.rotate_left(5).wrapping_mul(0x517c_c1b7_2722_0a95) ^ hash
}
