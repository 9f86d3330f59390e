//! What is worked out of a text, worked out once for equal texts.
//!
//! Most columns of events have few values. The engine holds a text as a view of 16 bytes, and all
//! rows that a file's dictionary gave the same value have the same view. So the last views are
//! remembered with what was made of them; that costs a fraction of looking at the text again.
//!
//! Where nothing comes of it - a name that is in lower case already, a column without an empty
//! text - the column comes out as it is: a copy of its views would be most of the work.
//!
//! Must not know what is worked out, or of which columns.

use polars::prelude::*;

/// So many views are remembered at most: as many as a large tenant has people, and little enough to
/// stay near the processor.
const MAX_SLOTS: usize = 16_384;

/// The view that stands in a slot, and what was made of its text.
type MemoSlot<T> = Option<(u128, T)>;

/// Hands what is made of each text to `take`, in order; of a null, `None`.
pub fn for_each_memoized<T>(
    texts: &StringChunked,
    mut make: impl FnMut(&str) -> T,
    mut take: impl FnMut(Option<&T>),
) {
    for (array, valid) in texts.downcast_iter().zip(texts.iter_validities()) {
        // A short array is not worth many.
        let count = (array.len() / 8).next_power_of_two().min(MAX_SLOTS);
        // A view says where in this array's buffers its text is.
        let mut slots: Vec<MemoSlot<T>> = Vec::new();
        slots.resize_with(count, || None);
        let mut look = |row: usize, view: Option<u128>| {
            let Some(view) = view else { return take(None) };
            let slot = &mut slots[slot_index(view) & (count - 1)];
            if slot.as_ref().is_none_or(|(held, _)| *held != view) {
                *slot = Some((view, make(array.value(row))));
            }
            take(slot.as_ref().map(|(_, made)| made));
        };
        let views = array.views().iter().map(|view| view.as_u128()).enumerate();
        match valid {
            None => views.for_each(|(row, view)| look(row, Some(view))),
            Some(valid) => views
                .zip(valid.iter())
                .for_each(|((row, view), valid)| look(row, valid.then_some(view))),
        }
    }
}

fn slot_index(view: u128) -> usize {
    let mixed = ((view >> 64) as u64 ^ view as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

/// [`flags`] of a column.
pub fn map_bool(text: Expr, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    map_columns([text], DataType::Boolean, move |[texts]| {
        Ok(map_bool_chunked(texts.str()?, &test).into_column())
    })
}

/// [`texts`] of a column.
pub fn map_text(text: Expr, make: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Expr {
    map_columns([text], DataType::String, move |[all]| {
        Ok(map_text_chunked(all.str()?, &make)?.into_column())
    })
}

/// The text, or nothing if it is empty.
pub fn null_if_empty(text: Expr) -> Expr {
    map_columns([text], DataType::String, |[texts]| Ok(empty_to_null(texts.str()?).into_column()))
}

/// The first text, else the second.
pub fn first_non_null(first: Expr, second: Expr) -> Expr {
    map_columns([first, second], DataType::String, |[first, second]| {
        Ok(first_non_null_chunked(first.str()?, second.str()?)?.into_column())
    })
}

/// A text of each day, made once for the rows of a day that lie together.
pub fn map_date(day: Expr, make: impl Fn(i32) -> Option<String> + Send + Sync + 'static) -> Expr {
    map_columns([day], DataType::String, move |[days]| {
        Ok(map_date_chunked(days.date()?.physical(), &make)?.into_column())
    })
}

/// What is made of the columns of a row, named like the first of them.
pub fn map_columns<const N: usize>(
    columns: [Expr; N],
    ty: DataType,
    make: impl Fn([&Column; N]) -> PolarsResult<Column> + Send + Sync + 'static,
) -> Expr {
    let make = move |columns: &mut [Column]| {
        let all: Vec<&Column> = columns.iter().collect();
        match <[&Column; N]>::try_from(all) {
            Ok(all) => make(all),
            Err(all) => polars_bail!(ComputeError: "{} columns instead of {N}", all.len()),
        }
    };
    let field = move |_: &Schema, fields: &[Field]| {
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, ty.clone()))
    };
    map_multiple(make, columns, field)
}

/// Tests each text; a null fails every test.
fn map_bool_chunked(texts: &StringChunked, test: impl Fn(&str) -> bool) -> BooleanChunked {
    let mut flags = Vec::with_capacity(texts.len());
    for_each_memoized(texts, test, |flag| flags.push(flag.copied().unwrap_or(false)));
    BooleanChunked::from_slice(texts.name().clone(), &flags)
}

/// Makes another text, or none, of each; of a null comes a null. Equal texts come out as one view,
/// so that whatever is done with them next is quick as well.
fn map_text_chunked(
    texts: &StringChunked,
    make: impl Fn(&str) -> Option<String>,
) -> PolarsResult<StringChunked> {
    let mut values = MemoizedTexts::default();
    let mut rows: Vec<IdxSize> = Vec::with_capacity(texts.len());
    let mut is_same = true;
    let number = |text: &str| {
        let made = make(text);
        is_same &= made.as_deref() == Some(text);
        made.map_or(NULL_ROW, |made| values.push(made))
    };
    for_each_memoized(texts, number, |number| rows.push(number.copied().unwrap_or(NULL_ROW)));
    if is_same {
        return Ok(texts.clone());
    }
    values.take_rows(texts.name(), rows)
}

/// The row of nothing among values.
const NULL_ROW: IdxSize = 0;

/// Texts that rows have by number, which begin behind that of nothing.
#[derive(Default)]
struct MemoizedTexts(Vec<String>);

impl MemoizedTexts {
    fn push(&mut self, text: String) -> IdxSize {
        self.0.push(text);
        self.0.len() as IdxSize
    }

    fn take_rows(&self, name: &PlSmallStr, rows: Vec<IdxSize>) -> PolarsResult<StringChunked> {
        let texts = self.0.iter().map(|text| Some(text.as_str()));
        let values: StringChunked = [None].into_iter().chain(texts).collect();
        let rows = IdxCa::from_vec(name.clone(), rows);
        Ok(values.take(&rows)?.with_name(name.clone()))
    }
}

/// One of a few texts for each row, by its place among them.
pub fn take_named(
    name: &PlSmallStr,
    texts: &[&str],
    rows: &[usize],
) -> PolarsResult<StringChunked> {
    let values = MemoizedTexts(texts.iter().map(|text| (*text).to_owned()).collect());
    values.take_rows(name, rows.iter().map(|row| *row as IdxSize + 1).collect())
}

/// The texts, an empty one as a null.
pub fn empty_to_null(texts: &StringChunked) -> StringChunked {
    // A null has a view without length too.
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

/// The first text of a row, else the second.
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

/// [`of_day`] of numbers of days.
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
    fn equal_texts_are_looked_at_once_and_all_come_out_right() {
        let long = |n: usize| format!("a text of more than twelve letters, {n}");
        let values: Vec<Option<String>> =
            (0..10_000).map(|n| (n % 7 != 3).then(|| long(n % 5))).collect();
        // As a file's dictionary gives them: one buffer for all rows.
        let few = StringChunked::from_iter_values("x".into(), (0..5).map(long));
        let rows = (0..10_000).map(|n| (n % 7 != 3).then_some(n as IdxSize % 5));
        let column = few.take(&rows.collect::<IdxCa>()).unwrap();
        let looked = Cell::new(0);
        let made = map_text_chunked(&column, |text| {
            looked.set(looked.get() + 1);
            (!text.ends_with('4')).then(|| text.to_uppercase())
        })
        .unwrap();
        let expected = values.iter().map(|text| {
            let text = text.as_ref().filter(|text| !text.ends_with('4'));
            text.map(|text| text.to_uppercase())
        });
        assert!(made.iter().map(|text| text.map(str::to_owned)).eq(expected));
        assert_eq!(looked.get(), 5);
        let flags = map_bool_chunked(&column, |text| text.ends_with('0'));
        let expected = values.iter().map(|text| text.as_ref().is_some_and(|t| t.ends_with('0')));
        assert!(flags.iter().eq(expected.map(Some)));
    }

    fn column(texts: &[Option<&str>]) -> StringChunked {
        texts.iter().copied().collect::<StringChunked>().with_name("x".into())
    }

    #[test]
    fn a_column_of_which_nothing_comes_anew_is_handed_on_as_it_is() {
        let same = column(&[Some("a name that is no view by itself"), None, Some("ann")]);
        let place = |of: &StringChunked| of.downcast_iter().next().map(|all| all.views().as_ptr());
        let lower = map_text_chunked(&same, |text| Some(text.to_lowercase())).unwrap();
        assert_eq!(place(&lower), place(&same));
        assert_eq!(place(&empty_to_null(&same)), place(&same));
        let other = map_text_chunked(&same, |text| Some(text.to_uppercase())).unwrap();
        assert_ne!(place(&other), place(&same));
    }

    #[test]
    fn empty_texts_are_nothing_and_nulls_stay_null() {
        let filled = empty_to_null(&column(&[Some(""), None, Some("a"), Some("")]));
        assert!(filled.iter().eq([None, None, Some("a"), None]));
        let lower = map_text_chunked(&column(&[Some("A"), None, Some("a"), Some("")]), |text| {
            Some(text.to_lowercase()).filter(|text| !text.is_empty())
        });
        assert!(lower.unwrap().iter().eq([Some("a"), None, Some("a"), None]));
    }

    #[test]
    fn of_two_texts_the_first_that_is_there() {
        let (some, all) = (column(&[Some("a"), None, None]), column(&[Some("x"), Some("y"), None]));
        let none = column(&[None, None, None]);
        let one = |first, second| first_non_null_chunked(first, second).unwrap();
        assert!(one(&some, &all).iter().eq([Some("a"), Some("y"), None]));
        assert!(one(&none, &all).iter().eq(all.iter()));
        assert!(one(&all, &some).iter().eq(all.iter()));
    }

    #[test]
    fn days_have_their_texts_wherever_they_lie() {
        let days: Int32Chunked =
            [Some(7), Some(7), None, Some(8), Some(7), Some(-1)].into_iter().collect();
        let texts = map_date_chunked(&days, |day| (day >= 0).then(|| day.to_string())).unwrap();
        assert!(texts.iter().eq([Some("7"), Some("7"), None, Some("8"), Some("7"), None]));
    }

    /// Short texts are their own views, and more values than slots change nothing.
    #[test]
    fn texts_without_number_come_out_right_too() {
        let values: Vec<String> = (0..20_000).map(|n| format!("{}", n % 9_000)).collect();
        let column = StringChunked::from_slice("x".into(), &values);
        let even = map_bool_chunked(&column, |text| text.parse::<u32>().is_ok_and(|n| n % 2 == 0));
        assert!(even.iter().eq((0..20_000).map(|n| Some(n % 9_000 % 2 == 0))));
    }
}
