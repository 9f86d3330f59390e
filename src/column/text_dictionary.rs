//! Reads text columns that are dictionaries with keys of any size.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Int16Type, Int32Type};

/// A dictionary of texts. New ones have keys of 16 bits if these suffice. Those from files have
/// keys of 32 bits.
#[derive(Clone, Copy)]
pub struct TextDictionary<'a> {
    keys: DictionaryKeys<'a>,
    nulls: Option<&'a NullBuffer>,
    values: &'a ArrayRef,
    texts: &'a StringArray,
}

#[derive(Clone, Copy)]
enum DictionaryKeys<'a> {
    Short(&'a [i16]),
    Long(&'a [i32]),
}

impl<'a> TextDictionary<'a> {
    /// Returns an array as a dictionary of texts; `None` if it has another type.
    pub fn from_array(array: &'a dyn Array) -> Option<Self> {
        let (keys, values) = if let Some(array) = array.as_dictionary_opt::<Int16Type>() {
            (DictionaryKeys::Short(array.keys().values()), array.values())
        } else {
            let array = array.as_dictionary_opt::<Int32Type>()?;
            (DictionaryKeys::Long(array.keys().values()), array.values())
        };
        Some(TextDictionary {
            keys,
            nulls: array.nulls(),
            values,
            texts: values.as_string_opt::<i32>()?,
        })
    }

    /// Returns the key of a row's value; `None` for null.
    pub fn key(&self, row: usize) -> Option<usize> {
        let is_valid = self.nulls.is_none_or(|nulls| nulls.is_valid(row));
        is_valid.then(|| self.key_of_value(row))
    }

    /// Returns the key of the value of a row that is not null.
    #[inline]
    pub fn key_of_value(&self, row: usize) -> usize {
        match self.keys {
            DictionaryKeys::Short(keys) => keys[row] as usize,
            DictionaryKeys::Long(keys) => keys[row] as usize,
        }
    }

    /// Returns the rows that have a value; `None` if all have one.
    pub fn nulls(&self) -> Option<&'a NullBuffer> {
        self.nulls
    }

    /// Returns the value of a row; `None` for null.
    pub fn text(&self, row: usize) -> Option<&'a str> {
        self.key(row).map(|key| self.texts.value(key))
    }

    /// Returns the values by their keys.
    pub fn texts(&self) -> &'a StringArray {
        self.texts
    }

    /// Returns the array of the values. Two columns with the same array have the same dictionary.
    pub fn values(&self) -> &'a ArrayRef {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use crate::column::text_dictionary::*;
    use arrow::array::{DictionaryArray, Int32Array};

    #[test]
    fn keys_of_both_sizes_give_the_same_texts() {
        let rows = [Some("a"), None, Some("b"), Some("a")];
        let short: DictionaryArray<Int16Type> = rows.into_iter().collect();
        let long: DictionaryArray<Int32Type> = rows.into_iter().collect();
        for array in [&short as &dyn Array, &long] {
            let dictionary = TextDictionary::from_array(array).unwrap();
            let texts: Vec<_> = (0..rows.len()).map(|row| dictionary.text(row)).collect();
            assert_eq!(texts, rows);
            assert_eq!(dictionary.texts().len(), 2);
        }
        assert!(TextDictionary::from_array(&Int32Array::from(vec![1])).is_none());
    }
}
