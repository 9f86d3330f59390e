//! Codes of rows of keys, for plans that group many rows.
//!
//! The streaming engine keeps the keys of most rows until it has read all of them. A key of several
//! columns takes its bytes and 16 more, and a key of one integer takes only that integer.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::engine::text_codes::TextCodes;

/// Code of null in a column.
const NULL_CODE: u32 = u32::MAX;

/// Parts of a numbering, so that threads rarely wait for each other.
const SHARDS: usize = 64;

/// Largest number of cached numbers of a batch.
const MAX_SLOTS: usize = 4_096;

/// Numbers of integers, in the order in which they came. Threads can number at the same time.
struct Numbering {
    /// Integers and their numbers.
    shards: Vec<Mutex<HashTable<(u64, u32)>>>,
    next: AtomicU32,
    hasher: RandomState,
    /// The integers in the order of their numbers, as of the last call that asked for them.
    values: Mutex<Arc<Vec<u64>>>,
}

impl Numbering {
    fn new() -> Numbering {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Numbering {
            shards,
            next: AtomicU32::new(0),
            hasher: RandomState::default(),
            values: Mutex::default(),
        }
    }

    /// Replaces integers by their numbers. Equal integers have equal numbers, and different ones
    /// have different numbers.
    fn number(&self, values: impl ExactSizeIterator<Item = u64>) -> PolarsResult<Vec<u32>> {
        let slots = slot_count(values.len());
        let mut cache: Vec<Option<(u64, u32)>> = vec![None; slots];
        let mut numbers = Vec::with_capacity(values.len());
        // Most events are stored in the order of their times, so a day and an hour are often those
        // of the event before.
        let mut last = None;
        for value in values {
            let number = match last {
                Some((last, number)) if last == value => number,
                _ => {
                    let hash = self.hasher.hash_one(value);
                    let slot = &mut cache[hash as usize & (slots - 1)];
                    match slot {
                        Some((cached, number)) if *cached == value => *number,
                        _ => {
                            let number = self.number_one(value, hash)?;
                            *slot = Some((value, number));
                            number
                        }
                    }
                }
            };
            last = Some((value, number));
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn number_one(&self, value: u64, hash: u64) -> PolarsResult<u32> {
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        // A panic cannot leave half of an entry.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, number)) = shard.find(hash, |(known, _)| *known == value) {
            return Ok(*number);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        polars_ensure!(number < NULL_CODE, ComputeError: "more than {} groups", NULL_CODE);
        shard.insert_unique(hash, (value, number), |(known, _)| self.hasher.hash_one(known));
        Ok(number)
    }

    /// Returns the integers in the order of their numbers.
    fn values(&self) -> Arc<Vec<u64>> {
        let mut known = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.next.load(Ordering::Relaxed) as usize;
        if known.len() < count {
            let mut values = vec![0; count];
            for shard in &self.shards {
                let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                for (value, number) in shard.iter() {
                    if let Some(place) = values.get_mut(*number as usize) {
                        *place = *value;
                    }
                }
            }
            *known = Arc::new(values);
        }
        Arc::clone(&known)
    }
}

/// Codes of the values of a column.
#[derive(Clone)]
enum ColumnCodes {
    Text(TextCodes),
    /// Values whose physical form is an integer, and their type.
    Integer(Arc<Numbering>, DataType),
}

impl ColumnCodes {
    /// Returns the codes of a column of this type; `None` if its values cannot be coded.
    fn new(ty: &DataType) -> Option<ColumnCodes> {
        match ty {
            DataType::String => Some(ColumnCodes::Text(TextCodes::new())),
            DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt32
            | DataType::Date
            | DataType::Datetime(..) => {
                Some(ColumnCodes::Integer(Arc::new(Numbering::new()), ty.clone()))
            }
            _ => None,
        }
    }

    fn encode(&self, column: &Column) -> PolarsResult<Vec<u32>> {
        match self {
            ColumnCodes::Text(codes) => codes.codes_or(column.str()?, NULL_CODE),
            ColumnCodes::Integer(numbering, _) => {
                let integers = column.to_physical_repr().strict_cast(&DataType::Int64)?;
                let mut codes = Vec::with_capacity(integers.len());
                for array in integers.i64()?.downcast_iter() {
                    let start = codes.len();
                    codes.extend(numbering.number(array.values().iter().map(|v| *v as u64))?);
                    // The value in the place of a null has a number too, which nothing uses.
                    for (code, value) in codes.iter_mut().skip(start).zip(array.iter()) {
                        *code = if value.is_some() { *code } else { NULL_CODE };
                    }
                }
                Ok(codes)
            }
        }
    }

    fn decode(&self, codes: &UInt32Chunked) -> PolarsResult<Column> {
        match self {
            ColumnCodes::Text(texts) => Ok(texts.texts_of(codes)?.into_column()),
            ColumnCodes::Integer(numbering, ty) => {
                let values = numbering.values();
                let value = |code: u32| values.get(code as usize).map(|value| *value as i64);
                let found = codes.iter().map(|code| code.and_then(value));
                let found = Int64Chunked::from_iter_options(codes.name().clone(), found);
                found.into_column().strict_cast(ty)
            }
        }
    }

    fn ty(&self) -> &DataType {
        match self {
            ColumnCodes::Text(_) => &DataType::String,
            ColumnCodes::Integer(_, ty) => ty,
        }
    }
}

/// Codes of rows of several columns. Clones share them.
#[derive(Clone)]
pub struct RowCodes {
    columns: Vec<ColumnCodes>,
    /// For each column but the first, the numbers of pairs: the code of the columns before, and the
    /// code of this one.
    pairs: Vec<Arc<Numbering>>,
}

impl RowCodes {
    /// Creates the codes of rows with columns of these types; `None` if there is no column, or one
    /// whose values cannot be coded.
    pub fn new<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<RowCodes> {
        let columns = types.into_iter().map(ColumnCodes::new).collect::<Option<Vec<_>>>()?;
        let pairs = columns.iter().skip(1).map(|_| Arc::new(Numbering::new())).collect();
        (!columns.is_empty()).then_some(RowCodes { columns, pairs })
    }

    /// Returns the code of each row, an integer that is never null. Equal rows have equal codes,
    /// and different rows have different codes.
    pub fn encode(&self, keys: Vec<Expr>) -> Expr {
        let codes = self.clone();
        let field = |_: &Schema, fields: &[Field]| Ok(code_field(fields, DataType::UInt32));
        let make = move |columns: &mut [Column]| {
            let name = name_of(columns);
            let rows = codes.codes_of(columns)?;
            Ok(UInt32Chunked::from_vec(name, rows).into_column())
        };
        map_multiple(make, keys, field)
    }

    /// Returns the values of a column in rows with these codes, which [`RowCodes::encode`] has
    /// returned before.
    pub fn decode(&self, row: Expr, column: usize) -> Expr {
        let Some(of_column) = self.columns.get(column).cloned() else { return row };
        let codes = self.clone();
        memoize::map_columns([row], of_column.ty().clone(), move |[rows]| {
            let rows = rows.u32()?;
            let mut found: Vec<u32> = rows.no_null_iter().collect();
            for (at, pairs) in codes.pairs.iter().enumerate().skip(column.saturating_sub(1)).rev() {
                // The pairs at 0 are those of the columns 0 and 1.
                let values = pairs.values();
                for code in &mut found {
                    let pair = values.get(*code as usize).copied().unwrap_or_default();
                    *code = if at + 1 == column { pair as u32 } else { (pair >> 32) as u32 };
                }
            }
            let found = found.into_iter().map(|code| (code != NULL_CODE).then_some(code));
            let found = UInt32Chunked::from_iter_options(rows.name().clone(), found);
            of_column.decode(&found)
        })
    }

    fn codes_of(&self, columns: &[Column]) -> PolarsResult<Vec<u32>> {
        let height = columns.iter().map(Column::len).max().unwrap_or_default();
        let mut rows: Vec<u32> = Vec::new();
        for (at, (codes, column)) in self.columns.iter().zip(columns).enumerate() {
            // A literal has one row.
            let is_short = column.len() == 1 && height != 1;
            let column = if is_short { &column.new_from_index(0, height) } else { column };
            let added = codes.encode(column)?;
            rows = match at.checked_sub(1).and_then(|pair| self.pairs.get(pair)) {
                Some(pairs) => pairs.number(rows.iter().zip(&added).map(pair_of))?,
                None => added,
            };
        }
        Ok(rows)
    }
}

/// Pairs of codes that have occurred.
struct Pairs {
    shards: Vec<Mutex<HashTable<u64>>>,
    hasher: RandomState,
}

impl Pairs {
    fn new() -> Pairs {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Pairs { shards, hasher: RandomState::default() }
    }

    /// Adds a pair. Returns true if it has not occurred before.
    fn add(&self, pair: u64, hash: u64) -> bool {
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        // A panic cannot leave half of an entry.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        match shard.entry(hash, |known| *known == pair, |known| self.hasher.hash_one(known)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(pair);
                true
            }
        }
    }

    /// Returns true for each pair that has not occurred before.
    fn add_all(&self, pairs: impl ExactSizeIterator<Item = Option<u64>>) -> Vec<bool> {
        let slots = slot_count(pairs.len());
        let mut cache: Vec<Option<u64>> = vec![None; slots];
        let mut add = |pair: u64| {
            let hash = self.hasher.hash_one(pair);
            let slot = &mut cache[hash as usize & (slots - 1)];
            slot.replace(pair) != Some(pair) && self.add(pair, hash)
        };
        pairs.map(|pair| pair.is_some_and(&mut add)).collect()
    }
}

/// Returns true in one row of all rows with the same code and the same value, and false if the
/// value is null. So the sum is the number of distinct values. Returns `None` for a type whose
/// values cannot be coded.
///
/// The expression remembers the values. So each row must be calculated once: its plan cannot be
/// collected twice.
pub fn is_first(row: Expr, value: Expr, ty: &DataType) -> Option<Expr> {
    let codes = ColumnCodes::new(ty)?;
    let pairs = Arc::new(Pairs::new());
    let field = |_: &Schema, fields: &[Field]| Ok(code_field(fields, DataType::Boolean));
    let make = move |columns: &mut [Column]| {
        let [rows, values] = columns else { polars_bail!(ComputeError: "expected two columns") };
        let values = codes.encode(values)?;
        let pair =
            |(row, value): (u32, &u32)| (*value != NULL_CODE).then(|| pair_of((&row, value)));
        polars_ensure!(rows.len() == values.len(), ComputeError: "expected columns of one length");
        let rows = rows.u32()?;
        let codes = rows.rechunk();
        let first = pairs.add_all(codes.cont_slice()?.iter().copied().zip(&values).map(pair));
        Ok(memoize::flags_column(rows.name(), first).into_column())
    };
    Some(map_multiple(make, vec![row, value], field))
}

/// Returns the number of cached entries of a batch, a power of two.
fn slot_count(rows: usize) -> usize {
    (rows / 4).next_power_of_two().min(MAX_SLOTS)
}

fn pair_of((first, second): (&u32, &u32)) -> u64 {
    (u64::from(*first) << 32) | u64::from(*second)
}

fn name_of(columns: &[Column]) -> PlSmallStr {
    columns.first().map(|column| column.name().clone()).unwrap_or_default()
}

fn code_field(fields: &[Field], ty: DataType) -> Field {
    Field::new(fields.first().map(|field| field.name().clone()).unwrap_or_default(), ty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> DataFrame {
        let text = [Some("one"), None, Some(""), Some("one"), None, Some("one")];
        let number = [Some(3_i64), None, Some(i64::MIN), Some(3), Some(-1), Some(4)];
        let flag = [Some(true), Some(false), None, Some(true), Some(false), Some(true)];
        let table = df!("text" => text, "number" => number, "flag" => flag).unwrap();
        let small = col("number").cast(DataType::Int32).alias("small");
        let time = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
        let days = (col("number") % lit(9_i64)).cast(DataType::Int32).cast(DataType::Date);
        let more =
            [small, (col("number") % lit(1_000_i64)).cast(time).alias("time"), days.alias("day")];
        table.lazy().with_columns(more).collect().unwrap()
    }

    #[test]
    fn decoded_rows_are_those_that_were_encoded() {
        let frame = frame();
        for names in [
            &["text"][..],
            &["number"],
            &["number", "text"],
            &["text", "flag", "day"],
            &["time", "small", "text", "flag", "number", "day"],
        ] {
            let types = names.iter().map(|name| frame.column(name).unwrap().dtype());
            let codes = RowCodes::new(types).unwrap();
            let keys: Vec<Expr> = names.iter().map(|name| col(*name)).collect();
            let encoded = frame.clone().lazy().select([codes.encode(keys).alias("row")]);
            let encoded = encoded.collect().unwrap();
            let expected = frame.select(names.to_vec()).unwrap();
            let distinct = expected.unique_stable(None, UniqueKeepStrategy::Any, None).unwrap();
            let rows = encoded.column("row").unwrap();
            assert_eq!(rows.n_unique().unwrap(), distinct.height(), "{names:?}");
            let decoded = names.iter().enumerate();
            let decoded = decoded.map(|(at, name)| codes.decode(col("row"), at).alias(*name));
            let decoded = encoded.lazy().select(decoded.collect::<Vec<_>>()).collect().unwrap();
            assert!(decoded.equals_missing(&expected), "{decoded} {expected}");
        }
    }

    #[test]
    fn fractions_have_no_codes() {
        assert!(RowCodes::new([&DataType::String, &DataType::Float64]).is_none());
        assert!(RowCodes::new([]).is_none());
    }

    #[test]
    fn distinct_values_of_a_row_are_first_once() {
        let pairs = Pairs::new();
        let values: Vec<Option<u64>> = (0..60_000_u64)
            .map(|value| (value % 11 > 0).then_some(value * 0x0001_0000_0001 % 7_001))
            .collect();
        let firsts: Vec<usize> = std::thread::scope(|scope| {
            let count = || pairs.add_all(values.iter().copied()).iter().filter(|is| **is).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(firsts.iter().sum::<usize>(), 7_001);
        let frame = frame().lazy().with_column(lit(7).cast(DataType::UInt32).alias("row"));
        let first = is_first(col("row"), col("text"), &DataType::String).unwrap();
        let flags = frame.select([first.alias("first")]).collect().unwrap();
        let flags: Vec<Option<bool>> =
            flags.column("first").unwrap().bool().unwrap().iter().collect();
        assert_eq!(flags, [true, false, true, false, false, false].map(Some));
    }

    #[test]
    fn threads_agree_on_numbers() {
        let numbering = Numbering::new();
        let values: Vec<u64> = (0..20_000).map(|value| value * 0x0001_0000_0001 % 7_001).collect();
        let results: Vec<Vec<u32>> = std::thread::scope(|scope| {
            let number = || numbering.number(values.iter().copied()).unwrap();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(number)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let numbered = numbering.values();
        for result in results {
            let found: Vec<u64> = result.iter().map(|code| numbered[*code as usize]).collect();
            assert!(found == values);
        }
    }
}
