//! What is worked out of a text, worked out once for equal texts.
//!
//! Most columns of events have few values. The engine holds a text as a view of 16 bytes, and all
//! rows that a file's dictionary gave the same value have the same view. So the last views are
//! remembered with what was made of them; that costs a fraction of looking at the text again.
//!
//! Must not know what is worked out, or of which columns.

use polars::prelude::*;

/// So many views are remembered: more than activities and user agents have values, and little
/// enough to stay in the fastest memory.
const REMEMBERED: usize = 2048;

/// The view that stands in a slot, and what was made of its text.
type Slot<T> = Option<(u128, T)>;

/// Hands what is made of each text to `take`, in order; of a null, `None`.
pub fn each<T>(
    texts: &StringChunked,
    mut make: impl FnMut(&str) -> T,
    mut take: impl FnMut(Option<&T>),
) {
    for array in texts.downcast_iter() {
        // A view says where in this array's buffers its text is.
        let mut slots: Vec<Slot<T>> = Vec::new();
        slots.resize_with(REMEMBERED, || None);
        let rows = array.views().iter().zip(array.iter());
        for (view, text) in rows {
            let Some(text) = text else {
                take(None);
                continue;
            };
            let view = view.as_u128();
            let slot = &mut slots[slot_of(view)];
            if slot.as_ref().is_none_or(|(held, _)| *held != view) {
                *slot = Some((view, make(text)));
            }
            take(slot.as_ref().map(|(_, made)| made));
        }
    }
}

fn slot_of(view: u128) -> usize {
    let mixed = ((view >> 64) as u64 ^ view as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize % REMEMBERED
}

/// Tests each text; a null fails every test.
pub fn flags(texts: &StringChunked, test: impl Fn(&str) -> bool) -> BooleanChunked {
    let mut flags = Vec::with_capacity(texts.len());
    each(texts, test, |flag| flags.push(flag.copied().unwrap_or(false)));
    BooleanChunked::from_slice(texts.name().clone(), &flags)
}

/// Makes another text, or none, of each; of a null comes a null. Equal texts come out as one view,
/// so that whatever is done with them next is quick as well.
pub fn texts(
    texts: &StringChunked,
    make: impl Fn(&str) -> Option<String>,
) -> PolarsResult<StringChunked> {
    let mut values: Vec<String> = Vec::new();
    let mut rows: Vec<Option<IdxSize>> = Vec::with_capacity(texts.len());
    let number = |text: &str| {
        make(text).map(|made| {
            values.push(made);
            values.len() as IdxSize - 1
        })
    };
    each(texts, number, |number| rows.push(number.copied().flatten()));
    let values = StringChunked::from_slice(texts.name().clone(), &values);
    values.take(&rows.into_iter().collect::<IdxCa>())
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
        let made = texts(&column, |text| {
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
        let flags = flags(&column, |text| text.ends_with('0'));
        let expected = values.iter().map(|text| text.as_ref().is_some_and(|t| t.ends_with('0')));
        assert!(flags.iter().eq(expected.map(Some)));
    }

    /// Short texts are their own views, and more values than slots change nothing.
    #[test]
    fn texts_without_number_come_out_right_too() {
        let values: Vec<String> = (0..20_000).map(|n| format!("{}", n % 9_000)).collect();
        let column = StringChunked::from_slice("x".into(), &values);
        let even = flags(&column, |text| text.parse::<u32>().is_ok_and(|n| n % 2 == 0));
        assert!(even.iter().eq((0..20_000).map(|n| Some(n % 9_000 % 2 == 0))));
    }
}
