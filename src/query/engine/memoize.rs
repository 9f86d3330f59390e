//! Memoized functions of a text column: each distinct value is computed once.
//!
//! Most columns of events have few values. The engine stores a text as a view of 16 bytes. All rows
//! with the same value in a file's dictionary have the same view. A cache of the last views and
//! their results costs a fraction of the computation.
//!
//! If no value changes, the column is returned as it is, because a copy of its views would be most
//! of the work. Examples are names in lower case, and columns without empty texts.

use polars::prelude::*;

/// Largest number of cached views: the number of users of a large tenant, and small enough for the
/// cache of the processor.
const MAX_SLOTS: usize = 16_384;

/// View in a slot of the cache, and the result for its text.
type MemoSlot<T> = Option<(u128, T)>;

/// Passes the result of `compute` for each text to `take`, in order; `None` for a null.
pub fn for_each_memoized<T>(
    texts: &StringChunked,
    mut compute: impl FnMut(&str) -> T,
    mut take: impl FnMut(Option<&T>),
) {
    for (array, valid) in texts.downcast_iter().zip(texts.iter_validities()) {
        // A short array needs few slots.
        let count = (array.len() / 8).next_power_of_two().min(MAX_SLOTS);
        // A view is a position in the buffers of this array, so the cache ends with the array.
        let mut slots: Vec<MemoSlot<T>> = Vec::new();
        slots.resize_with(count, || None);
        let mut visit = |row: usize, view: Option<u128>| {
            let Some(view) = view else { return take(None) };
            let slot = &mut slots[slot_index(view) & (count - 1)];
            if slot.as_ref().is_none_or(|(cached, _)| *cached != view) {
                *slot = Some((view, compute(array.value(row))));
            }
            take(slot.as_ref().map(|(_, result)| result));
        };
        let views = array.views().iter().map(|view| view.as_u128()).enumerate();
        match valid {
            None => views.for_each(|(row, view)| visit(row, Some(view))),
            Some(valid) => views
                .zip(valid.iter())
                .for_each(|((row, view), valid)| visit(row, valid.then_some(view))),
        }
    }
}

fn slot_index(view: u128) -> usize {
    let mixed = ((view >> 64) as u64 ^ view as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

/// Tests each text of a column; false for a null.
pub fn map_bool(text: Expr, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    map_columns([text], DataType::Boolean, move |[texts]| {
        Ok(map_bool_chunked(texts.str()?, &test).into_column())
    })
}

/// Maps each text of a column to another text or null; null for a null.
pub fn map_text(text: Expr, make: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Expr {
    map_columns([text], DataType::String, move |[all]| {
        Ok(map_text_chunked(all.str()?, &make)?.into_column())
    })
}

/// Returns the text, or null if it is empty.
pub fn null_if_empty(text: Expr) -> Expr {
    map_columns([text], DataType::String, |[texts]| Ok(empty_to_null(texts.str()?).into_column()))
}

/// Returns the first text, or the second if the first is null.
pub fn first_non_null(first: Expr, second: Expr) -> Expr {
    map_columns([first, second], DataType::String, |[first, second]| {
        Ok(first_non_null_chunked(first.str()?, second.str()?)?.into_column())
    })
}

/// Returns the first text, or the second if the first is null or empty; null if both are.
pub fn first_non_empty(first: Expr, second: Expr) -> Expr {
    map_columns([first, second], DataType::String, |[first, second]| {
        let first = empty_to_null(first.str()?);
        Ok(match first.null_count() {
            0 => first,
            _ => first_non_null_chunked(&first, &empty_to_null(second.str()?))?,
        }
        .into_column())
    })
}

/// Maps each date to a text; adjacent rows of the same date are computed once.
pub fn map_date(day: Expr, make: impl Fn(i32) -> Option<String> + Send + Sync + 'static) -> Expr {
    map_columns([day], DataType::String, move |[days]| {
        Ok(map_date_chunked(days.date()?.physical(), &make)?.into_column())
    })
}

/// Maps several columns to one, which has the name of the first.
pub fn map_columns<const N: usize>(
    columns: [Expr; N],
    ty: DataType,
    make: impl Fn([&Column; N]) -> PolarsResult<Column> + Send + Sync + 'static,
) -> Expr {
    let make = move |columns: &mut [Column]| {
        let all: Vec<&Column> = columns.iter().collect();
        match <[&Column; N]>::try_from(all) {
            Ok(all) => make(all),
            Err(all) => polars_bail!(ComputeError: "expected {N} columns, found {}", all.len()),
        }
    };
    let field = move |_: &Schema, fields: &[Field]| {
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, ty.clone()))
    };
    map_multiple(make, columns, field)
}

/// Tests each text; false for a null.
fn map_bool_chunked(texts: &StringChunked, test: impl Fn(&str) -> bool) -> BooleanChunked {
    let mut flags = Vec::with_capacity(texts.len());
    for_each_memoized(texts, test, |flag| flags.push(flag.copied().unwrap_or(false)));
    flags_column(texts.name(), flags)
}

/// Returns flags as a column. The engine packs many bits at once when it compares numbers, and one
/// by one when it collects booleans.
pub fn flags_column(name: &PlSmallStr, flags: Vec<bool>) -> BooleanChunked {
    let numbers = flags.into_iter().map(i8::from).collect();
    Int8Chunked::from_vec(name.clone(), numbers).not_equal(0_i8)
}

/// Maps each text to another text or null; null for a null. Equal results share one view, so that
/// the next function is fast as well.
fn map_text_chunked(
    texts: &StringChunked,
    make: impl Fn(&str) -> Option<String>,
) -> PolarsResult<StringChunked> {
    let mut values = MemoizedTexts::default();
    let mut rows: Vec<IdxSize> = Vec::with_capacity(texts.len());
    let mut is_unchanged = true;
    let row_of = |text: &str| {
        let made = make(text);
        is_unchanged &= made.as_deref() == Some(text);
        made.map_or(NULL_ROW, |made| values.push(made))
    };
    for_each_memoized(texts, row_of, |row| rows.push(row.copied().unwrap_or(NULL_ROW)));
    if is_unchanged {
        return Ok(texts.clone());
    }
    values.take_rows(texts.name(), rows)
}

/// Row of the null among the values.
pub const NULL_ROW: IdxSize = 0;

/// Values by row number; row 0 is the null.
#[derive(Default)]
pub struct MemoizedTexts(Vec<String>);

impl MemoizedTexts {
    /// Adds a text, and returns its row.
    pub fn push(&mut self, text: String) -> IdxSize {
        self.0.push(text);
        self.0.len() as IdxSize
    }

    /// Returns the texts in these rows. Equal rows share one view.
    pub fn take_rows(&self, name: &PlSmallStr, rows: Vec<IdxSize>) -> PolarsResult<StringChunked> {
        let texts = self.0.iter().map(|text| Some(text.as_str()));
        let values: StringChunked = [None].into_iter().chain(texts).collect();
        let rows = IdxCa::from_vec(name.clone(), rows);
        Ok(values.take(&rows)?.with_name(name.clone()))
    }
}

/// Returns a text for each row, by its index in `texts`.
pub fn take_named(
    name: &PlSmallStr,
    texts: &[&str],
    rows: &[usize],
) -> PolarsResult<StringChunked> {
    let values = MemoizedTexts(texts.iter().map(|text| (*text).to_owned()).collect());
    values.take_rows(name, rows.iter().map(|row| *row as IdxSize + 1).collect())
}

/// Returns the texts, with nulls for empty texts.
pub fn empty_to_null(texts: &StringChunked) -> StringChunked {
    // The view of a null has length 0 too.
    let has_empty = texts.downcast_iter().zip(texts.iter_validities()).any(|(array, valid)| {
        let mut lengths = array.views().iter().map(|view| view.length);
        match valid {
            Some(valid) => lengths.zip(valid.iter()).any(|(length, valid)| valid && length == 0),
            None => lengths.any(|length| length == 0),
        }
    });
    if !has_empty {
        return texts.clone();
    }
    let filled: StringChunked =
        texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect();
    filled.with_name(texts.name().clone())
}

/// Returns the first text of a row, or the second if the first is null.
fn first_non_null_chunked(
    first: &StringChunked,
    second: &StringChunked,
) -> PolarsResult<StringChunked> {
    match first.null_count() {
        0 => Ok(first.clone()),
        nulls if nulls == first.len() && nulls == second.len() => {
            Ok(second.clone().with_name(first.name().clone()))
        }
        _ => first.zip_with(&first.is_not_null(), second),
    }
}

/// Maps days since 1970-01-01 to texts; see [`map_date`].
fn map_date_chunked(
    days: &Int32Chunked,
    make: impl Fn(i32) -> Option<String>,
) -> PolarsResult<StringChunked> {
    let mut values = MemoizedTexts::default();
    let mut rows: Vec<IdxSize> = Vec::with_capacity(days.len());
    let mut last = (None, NULL_ROW);
    for day in days.iter() {
        if day != last.0 {
            last = (day, day.and_then(&make).map_or(NULL_ROW, |text| values.push(text)));
        }
        rows.push(last.1);
    }
    values.take_rows(days.name(), rows)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn each_distinct_text_is_computed_once() {
        let long = |n: usize| format!("a text of more than twelve characters, {n}");
        let values: Vec<Option<String>> =
            (0..10_000).map(|n| (n % 7 != 3).then(|| long(n % 5))).collect();
        // Like a column from a file's dictionary: one buffer for all rows.
        let few = StringChunked::from_iter_values("x".into(), (0..5).map(long));
        let rows = (0..10_000).map(|n| (n % 7 != 3).then_some(n as IdxSize % 5));
        let column = few.take(&rows.collect::<IdxCa>()).unwrap();
        let calls = Cell::new(0);
        let made = map_text_chunked(&column, |text| {
            calls.set(calls.get() + 1);
            (!text.ends_with('4')).then(|| text.to_uppercase())
        })
        .unwrap();
        let expected = values.iter().map(|text| {
            let text = text.as_ref().filter(|text| !text.ends_with('4'));
            text.map(|text| text.to_uppercase())
        });
        assert!(made.iter().map(|text| text.map(str::to_owned)).eq(expected));
        assert_eq!(calls.get(), 5);
        let flags = map_bool_chunked(&column, |text| text.ends_with('0'));
        let expected = values.iter().map(|text| text.as_ref().is_some_and(|t| t.ends_with('0')));
        assert!(flags.iter().eq(expected.map(Some)));
    }

    fn column(texts: &[Option<&str>]) -> StringChunked {
        texts.iter().copied().collect::<StringChunked>().with_name("x".into())
    }

    #[test]
    fn unchanged_column_is_not_copied() {
        let same = column(&[Some("a name that is no view by itself"), None, Some("ann")]);
        let address =
            |column: &StringChunked| column.downcast_iter().next().map(|all| all.views().as_ptr());
        let lower = map_text_chunked(&same, |text| Some(text.to_lowercase())).unwrap();
        assert_eq!(address(&lower), address(&same));
        assert_eq!(address(&empty_to_null(&same)), address(&same));
        let other = map_text_chunked(&same, |text| Some(text.to_uppercase())).unwrap();
        assert_ne!(address(&other), address(&same));
    }

    #[test]
    fn empty_texts_become_null_and_nulls_stay_null() {
        let filled = empty_to_null(&column(&[Some(""), None, Some("a"), Some("")]));
        assert!(filled.iter().eq([None, None, Some("a"), None]));
        let lower = map_text_chunked(&column(&[Some("A"), None, Some("a"), Some("")]), |text| {
            Some(text.to_lowercase()).filter(|text| !text.is_empty())
        });
        assert!(lower.unwrap().iter().eq([Some("a"), None, Some("a"), None]));
    }

    #[test]
    fn second_text_replaces_nulls_of_the_first() {
        let (some, all) = (column(&[Some("a"), None, None]), column(&[Some("x"), Some("y"), None]));
        let none = column(&[None, None, None]);
        let one = |first, second| first_non_null_chunked(first, second).unwrap();
        assert!(one(&some, &all).iter().eq([Some("a"), Some("y"), None]));
        assert!(one(&none, &all).iter().eq(all.iter()));
        assert!(one(&all, &some).iter().eq(all.iter()));
        let frame = df!("a" => [Some(""), None, Some("a"), Some("")], "b" => ["b", "", "b", ""]);
        let one = first_non_empty(col("a"), col("b"));
        let found = frame.unwrap().lazy().select([one]).collect().unwrap();
        let found = found.column("a").unwrap().str().unwrap().clone();
        assert!(found.iter().eq([Some("b"), None, Some("a"), None]));
    }

    #[test]
    fn each_date_has_its_text_in_any_order() {
        let days: Int32Chunked =
            [Some(7), Some(7), None, Some(8), Some(7), Some(-1)].into_iter().collect();
        let texts = map_date_chunked(&days, |day| (day >= 0).then(|| day.to_string())).unwrap();
        assert!(texts.iter().eq([Some("7"), Some("7"), None, Some("8"), Some("7"), None]));
    }

    /// Short texts are stored in their views, and there are more values than slots.
    #[test]
    fn results_are_right_with_more_values_than_slots() {
        let values: Vec<String> = (0..20_000).map(|n| format!("{}", n % 9_000)).collect();
        let column = StringChunked::from_slice("x".into(), &values);
        let even = map_bool_chunked(&column, |text| text.parse::<u32>().is_ok_and(|n| n % 2 == 0));
        assert!(even.iter().eq((0..20_000).map(|n| Some(n % 9_000 % 2 == 0))));
    }
}
