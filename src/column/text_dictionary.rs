//! Text columns as dictionaries, whatever the size of their keys.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Int16Type, Int32Type};

/// A dictionary of texts: built ones have keys of 16 bits where those suffice, those that are read
/// from files have 32.
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
    /// An array as such a dictionary; `None` if it is none.
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

    /// The number of the value of a row; `None` for null.
    pub fn key(&self, row: usize) -> Option<usize> {
        let is_valid = self.nulls.is_none_or(|nulls| nulls.is_valid(row));
        is_valid.then(|| self.key_of_value(row))
    }

    /// The number of the value of a row that has one.
    #[inline]
    pub fn key_of_value(&self, row: usize) -> usize {
        match self.keys {
            DictionaryKeys::Short(keys) => keys[row] as usize,
            DictionaryKeys::Long(keys) => keys[row] as usize,
        }
    }

    /// Which rows have a value; `None` where all have.
    pub fn nulls(&self) -> Option<&'a NullBuffer> {
        self.nulls
    }

    /// The value of a row; `None` for null.
    pub fn text(&self, row: usize) -> Option<&'a str> {
        self.key(row).map(|key| self.texts.value(key))
    }

    /// The values by their numbers.
    pub fn texts(&self) -> &'a StringArray {
        self.texts
    }

    /// The array of the values, by which two dictionaries are known to be one.
    pub fn values(&self) -> &'a ArrayRef {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use crate::column::text_dictionary::*;
    use arrow::array::{DictionaryArray, Int32Array};

    #[test]
    fn keys_of_either_size_are_the_same_texts() {
        let rows = [Some("a"), None, Some("b"), Some("a")];
        let short: DictionaryArray<Int16Type> = rows.into_iter().collect();
        let long: DictionaryArray<Int32Type> = rows.into_iter().collect();
        for array in [&short as &dyn Array, &long] {
            let numbered = TextDictionary::from_array(array).unwrap();
            let texts: Vec<_> = (0..rows.len()).map(|row| numbered.text(row)).collect();
            assert_eq!(texts, rows);
            assert_eq!(numbered.texts().len(), 2);
        }
        assert!(TextDictionary::from_array(&Int32Array::from(vec![1])).is_none());
    }
}
