//! A text for each row from one of several columns.
//!
//! The engine would copy the bytes of each text, some of them twice. Then equal texts have
//! different views, and memoized functions compute each of them again.

use polars::prelude::*;

use crate::query::engine::memoize::{MemoizedTexts, NULL_ROW, for_each_memoized};

/// Texts that are picked row by row.
pub struct PickedTexts {
    values: MemoizedTexts,
    /// Number of each row's text among the values.
    rows: Vec<IdxSize>,
}

impl PickedTexts {
    /// Creates rows without texts.
    pub fn new(height: usize) -> PickedTexts {
        PickedTexts { values: MemoizedTexts::default(), rows: vec![NULL_ROW; height] }
    }

    /// Picks the texts of a column in the rows that have none yet and for which `is_wanted` is
    /// true. A column of one row fits any length.
    pub fn fill(&mut self, texts: &StringChunked, is_wanted: impl Fn(usize) -> bool) {
        let PickedTexts { values, rows } = self;
        let height = rows.len();
        let mut set = |row: usize, value: IdxSize| {
            if let Some(place) = rows.get_mut(row).filter(|place| **place == NULL_ROW)
                && is_wanted(row)
            {
                *place = value;
            }
        };
        if texts.len() == 1 {
            let Some(text) = texts.get(0) else { return };
            let value = values.push(text.to_owned());
            (0..height).for_each(|row| set(row, value));
            return;
        }
        let mut row = 0;
        let value_of = |text: &str| values.push(text.to_owned());
        for_each_memoized(texts, value_of, |value| {
            set(row, value.copied().unwrap_or(NULL_ROW));
            row += 1;
        });
    }

    /// Returns true if each row has a text.
    pub fn is_full(&self) -> bool {
        !self.rows.contains(&NULL_ROW)
    }

    /// Returns the texts; null for a row without one.
    pub fn finish(self, name: &PlSmallStr) -> PolarsResult<StringChunked> {
        self.values.take_rows(name, self.rows)
    }
}

/// Returns the first text of each row that is not null. A column of one row fits any length.
pub fn coalesce_texts(columns: &[&StringChunked]) -> PolarsResult<StringChunked> {
    let Some(first) = columns.first() else { polars_bail!(NoData: "no texts to choose from") };
    let height = columns.iter().map(|texts| texts.len()).find(|len| *len != 1).unwrap_or(1);
    if first.len() == height && first.null_count() == 0 {
        return Ok(StringChunked::clone(first));
    }
    let mut picked = PickedTexts::new(height);
    for texts in columns {
        picked.fill(texts, |_| true);
        if picked.is_full() {
            break;
        }
    }
    picked.finish(first.name())
}

/// Returns the first text of several columns that is not null.
pub fn first_text(texts: impl IntoIterator<Item = Expr>) -> Expr {
    let make = |columns: &mut [Column]| {
        let texts = columns.iter().map(|column| column.str());
        Ok(coalesce_texts(&texts.collect::<PolarsResult<Vec<_>>>()?)?.into_column())
    };
    let field = |_: &Schema, fields: &[Field]| {
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, DataType::String))
    };
    map_multiple(make, texts.into_iter().collect::<Vec<_>>(), field)
}

/// Passes the rows of a column that have a text to `take`.
pub fn for_each_text_row(texts: &StringChunked, mut take: impl FnMut(usize)) {
    let mut start = 0;
    for (array, valid) in texts.downcast_iter().zip(texts.iter_validities()) {
        let rows = array.views().iter().enumerate().filter(|(_, view)| view.length > 0);
        match valid {
            None => rows.for_each(|(row, _)| take(start + row)),
            Some(valid) if valid.unset_bits() == valid.len() => {}
            Some(valid) => {
                rows.filter(|(row, _)| valid.get(*row) == Some(true))
                    .for_each(|(row, _)| take(start + row));
            }
        }
        start += array.views().len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(texts: &[Option<&str>]) -> StringChunked {
        texts.iter().copied().collect::<StringChunked>().with_name("x".into())
    }

    #[test]
    fn first_text_of_several_is_chosen_and_texts_share_their_bytes() {
        let long = Some("a text of more than twelve characters");
        let (a, b) = (column(&[None, long, Some("x"), None]), column(&[None, None, long, long]));
        let (one, none) = (column(&[Some("literal")]), column(&[None]));
        let chosen = |columns: &[&StringChunked]| {
            let texts = coalesce_texts(columns).unwrap();
            texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        };
        let texts = |texts: &[Option<&str>]| {
            texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        };
        let literal = Some("literal");
        assert_eq!(chosen(&[&a, &b]), texts(&[None, long, Some("x"), long]));
        assert_eq!(chosen(&[&a, &b, &one, &a]), texts(&[literal, long, Some("x"), long]));
        assert_eq!(chosen(&[&none, &a]), texts(&[None, long, Some("x"), None]));
        assert_eq!(chosen(&[&one, &a]), texts(&[literal; 4]));
        assert_eq!(chosen(&[&none, &none]), texts(&[None]));
        assert_eq!(chosen(&[&column(&[]), &one]), texts(&[]));
        // Like a column from a file's dictionary: equal texts have one view.
        let rows: IdxCa = [Some(0), None, Some(0)].into_iter().collect();
        let shared = coalesce_texts(&[&column(&[long]).take(&rows).unwrap(), &one]).unwrap();
        let views: Vec<u128> =
            shared.downcast_iter().flat_map(|a| a.views().iter().map(|v| v.as_u128())).collect();
        assert_eq!(views[0], views[2]);
    }

    #[test]
    fn rows_with_a_text_are_found_in_all_parts_of_a_column() {
        let mut texts = column(&[Some(""), None, Some("a")]);
        texts.append(&column(&[None, None])).unwrap();
        texts.append(&column(&[Some("a text of more than twelve characters"), Some("")])).unwrap();
        let mut rows = Vec::new();
        for_each_text_row(&texts, |row| rows.push(row));
        assert_eq!(rows, [2, 5]);
    }
}
