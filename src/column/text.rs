//! Builds text columns: dictionaries for values that repeat, plain columns for the others.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, PrimitiveArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowDictionaryKeyType, Int16Type, Int32Type};
use arrow::error::ArrowError;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128;

use super::scalar::take_buffer;
use super::stored::Stored;
use super::value_cache::{CachedValue, ValueCache};
use crate::record::Value;
use crate::schema::guid::{is_guid, parse_guid};

/// The normal form of a text column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Normalization {
    AsIs,
    /// GUIDs in lower case.
    Id,
    /// User names in lower case.
    User,
    /// Addresses without their port.
    Ip,
}

impl Normalization {
    /// Returns the normal form, and true if the normal form loses nothing but upper case.
    pub(super) fn apply(self, text: &str) -> (Cow<'_, str>, bool) {
        match self {
            Normalization::AsIs => (Cow::Borrowed(text), true),
            // Most ids are in lower case already. Checking that is cheaper than parsing the GUID.
            Normalization::Id if !has_uppercase(text.as_bytes()) => (Cow::Borrowed(text), true),
            Normalization::Id if is_guid(text) => (to_lower(text), true),
            Normalization::Id => (Cow::Borrowed(text), true),
            Normalization::User if text.contains('@') || is_guid(text) => (to_lower(text), true),
            // `Anonymous`, `Unknown` and similar texts are words of the log, not user names.
            Normalization::User => (Cow::Borrowed(text), true),
            Normalization::Ip => {
                let address = without_port(text);
                (Cow::Borrowed(address), address.len() == text.len())
            }
        }
    }
}

/// Returns true if a byte is in ASCII upper case. Reads all bytes without an early exit, so
/// that the compiler can check many at a time.
fn has_uppercase(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| found | byte.is_ascii_uppercase())
}

fn to_lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Removes the port: `104.42.232.223:26568` becomes `104.42.232.223`, `[2001:db8::1]:443` becomes
/// `2001:db8::1`. An IPv6 address without brackets is returned unchanged, since its colons do not
/// mark a port.
fn without_port(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((address, port)) if port.is_empty() || port.starts_with(':') => address,
            _ => text,
        };
    }
    match text.split_once(':') {
        Some((address, port))
            if address.contains('.')
                && !port.is_empty()
                && port.bytes().all(|b| b.is_ascii_digit()) =>
        {
            address
        }
        _ => text,
    }
}

/// Returns the key of an event id: the bits of a GUID, otherwise a hash of the text.
pub(super) fn id_key(text: &str) -> u128 {
    parse_guid(text.as_bytes()).unwrap_or_else(|| xxh3_128(text.as_bytes()))
}

/// Returns the key of an id as a column stores it.
pub fn stored_id_key(text: &str) -> u128 {
    id_key(text)
}

/// Returns a scalar as text, and true if it is a JSON string.
fn scalar_text<'v>(value: Value<'v>) -> Option<(Cow<'v, str>, bool)> {
    match value {
        Value::Text(text) => Some((Cow::Borrowed(text), true)),
        Value::Int(number) => Some((Cow::Owned(number.to_string()), false)),
        Value::Decimal(number) => Some((Cow::Borrowed(number), false)),
        Value::Bool(value) => Some((Cow::Borrowed(if value { "true" } else { "false" }), false)),
        Value::Null | Value::List(_) | Value::Object(_) => None,
    }
}

/// A raw value that occurred before: the position of its bytes, its key, and whether the column
/// stores it exactly.
#[derive(Clone, Copy)]
struct SeenValue {
    start: u32,
    len: u32,
    key: i32,
    is_exact: bool,
}

impl CachedValue for SeenValue {
    #[inline]
    fn span(&self) -> (usize, usize) {
        (self.start as usize, self.len as usize)
    }
}

/// A column of texts that repeat. The normal form is computed once for each distinct raw value.
pub(super) struct DictionaryColumn {
    normalization: Normalization,
    /// One key for each row; -1 for null.
    keys: Vec<i32>,
    nulls: usize,
    raw_values: Vec<u8>,
    seen: HashTable<SeenValue>,
    recent: ValueCache<SeenValue>,
    values: Vec<u8>,
    offsets: Vec<i32>,
    /// The keys of the normal forms, since different raw values can have one normal form.
    by_value: HashTable<i32>,
    hasher: FixedState,
    /// `MAX_TEXT_BYTES`, less in tests.
    max_bytes: usize,
    is_too_large: bool,
}

impl DictionaryColumn {
    pub(super) fn new(normalization: Normalization) -> Self {
        DictionaryColumn {
            normalization,
            keys: Vec::new(),
            nulls: 0,
            raw_values: Vec::new(),
            seen: HashTable::new(),
            recent: ValueCache::new(),
            values: Vec::new(),
            offsets: vec![0],
            by_value: HashTable::new(),
            hasher: FixedState::default(),
            max_bytes: MAX_TEXT_BYTES,
            is_too_large: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    #[inline]
    pub(super) fn append(&mut self, row: usize, value: Value<'_>) -> Stored {
        match value {
            Value::Text(text) => self.append_text(row, text),
            other => match scalar_text(other) {
                Some((text, _)) => {
                    self.append_text(row, &text);
                    Stored::Lossy
                }
                None => Stored::Lossy,
            },
        }
    }

    fn append_text(&mut self, row: usize, text: &str) -> Stored {
        let seen = self.find_or_insert(text);
        if self.keys.len() < row {
            self.nulls += row - self.keys.len();
            self.keys.resize(row, -1);
        }
        self.keys.push(seen.key);
        if seen.is_exact { Stored::Exact } else { Stored::Lossy }
    }

    fn find_or_insert(&mut self, text: &str) -> SeenValue {
        let bytes = text.as_bytes();
        if let Some(seen) = self.recent.find(bytes, &self.raw_values) {
            return seen;
        }
        let is = |seen: &SeenValue| {
            &self.raw_values[seen.start as usize..][..seen.len as usize] == bytes
        };
        let hash = self.hasher.hash_one(bytes);
        let seen = match self.seen.find(hash, is) {
            Some(&seen) => seen,
            None => self.insert(bytes, text, hash),
        };
        self.recent.insert(bytes, seen);
        seen
    }

    fn insert(&mut self, bytes: &[u8], text: &str, hash: u64) -> SeenValue {
        let (value, is_exact) = self.normalization.apply(text);
        let raw_len = self.raw_values.len() + bytes.len();
        if raw_len > self.max_bytes || self.values.len() + value.len() > self.max_bytes {
            // `finish` reports it. Until then, no offset is added, so that none overflows.
            self.is_too_large = true;
            return SeenValue { start: 0, len: 0, key: 0, is_exact };
        }
        let key = self.value_key(value.as_bytes());
        let (start, len) = (self.raw_values.len() as u32, bytes.len() as u32);
        let seen = SeenValue { start, len, key, is_exact };
        self.raw_values.extend_from_slice(bytes);
        let (raw, hasher) = (&self.raw_values, &self.hasher);
        self.seen.insert_unique(hash, seen, |seen| {
            hasher.hash_one(&raw[seen.start as usize..][..seen.len as usize])
        });
        seen
    }

    fn value_key(&mut self, value: &[u8]) -> i32 {
        let (values, offsets, hasher) = (&self.values, &self.offsets, &self.hasher);
        let bytes_of =
            |key: i32| &values[offsets[key as usize] as usize..offsets[key as usize + 1] as usize];
        let hash = hasher.hash_one(value);
        if let Some(&key) = self.by_value.find(hash, |&key| bytes_of(key) == value) {
            return key;
        }
        let key = (self.offsets.len() - 1) as i32;
        self.values.extend_from_slice(value);
        self.offsets.push(self.values.len() as i32);
        let (values, offsets, hasher) = (&self.values, &self.offsets, &self.hasher);
        self.by_value.insert_unique(hash, key, |&key| {
            hasher.hash_one(
                &values[offsets[key as usize] as usize..offsets[key as usize + 1] as usize],
            )
        });
        key
    }

    /// Returns the column of `rows` rows, and clears the dictionary for the next batch. `Ok(None)`
    /// if all rows are null.
    ///
    /// # Errors
    ///
    /// [`ArrowError`] if the texts are larger than an Arrow array can be.
    pub(super) fn finish(&mut self, rows: usize) -> Result<Option<ArrayRef>, ArrowError> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        if std::mem::take(&mut self.is_too_large) {
            self.values.clear();
            self.offsets.truncate(1);
            self.clear();
            return Err(too_large_error(self.max_bytes));
        }
        self.nulls += rows - self.keys.len();
        self.keys.resize(rows, -1);
        let is_valid = |row: usize| self.keys[row] >= 0;
        let nulls =
            (self.nulls > 0).then(|| NullBuffer::new(BooleanBuffer::collect_bool(rows, is_valid)));
        let len = self.offsets.len() - 1;
        let values = take_buffer(&mut self.values);
        let offsets = take_buffer(&mut self.offsets);
        self.offsets.push(0);
        let keys = self.keys.iter().map(|&key| key.max(0));
        let array = string_array(values, offsets, None).and_then(|values| {
            let values: ArrayRef = Arc::new(values);
            // Keys are half of the memory of a batch, and most of them are small.
            if i16::try_from(len).is_ok() {
                dictionary_array::<Int16Type>(keys.map(|key| key as i16).collect(), nulls, values)
            } else {
                dictionary_array::<Int32Type>(keys.collect(), nulls, values)
            }
        });
        // After an error too: the keys of this batch would be wrong in the next one.
        self.clear();
        array.map(Some)
    }

    /// Clears the column but keeps its memory, since the next batch needs about as much.
    fn clear(&mut self) {
        self.keys.clear();
        self.nulls = 0;
        self.raw_values.clear();
        self.seen.clear();
        self.recent.clear();
        self.by_value.clear();
    }
}

fn dictionary_array<K: ArrowDictionaryKeyType>(
    keys: ScalarBuffer<K::Native>,
    nulls: Option<NullBuffer>,
    values: ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let array = DictionaryArray::<K>::try_new(PrimitiveArray::new(keys, nulls), values)?;
    Ok(Arc::new(array))
}

/// A column of texts that are almost all distinct.
pub(super) struct PlainTextColumn {
    normalization: Normalization,
    values: Vec<u8>,
    offsets: Vec<i32>,
    valid: Vec<bool>,
    nulls: usize,
    /// `MAX_TEXT_BYTES`, less in tests.
    max_bytes: usize,
    is_too_large: bool,
}

impl PlainTextColumn {
    pub(super) fn new(normalization: Normalization) -> Self {
        PlainTextColumn {
            normalization,
            values: Vec::new(),
            offsets: vec![0],
            valid: Vec::new(),
            nulls: 0,
            max_bytes: MAX_TEXT_BYTES,
            is_too_large: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    pub(super) fn append(&mut self, row: usize, value: Value<'_>) -> Stored {
        let Some((text, is_text)) = scalar_text(value) else { return Stored::Lossy };
        let (text, exact) = self.normalization.apply(&text);
        self.push_bytes(row, text.as_bytes());
        if is_text && exact { Stored::Exact } else { Stored::Lossy }
    }

    pub(super) fn push_bytes(&mut self, row: usize, bytes: &[u8]) {
        self.pad(row);
        if self.values.len() + bytes.len() > self.max_bytes {
            // `finish` reports it. Until then, the row is empty, so that no offset overflows.
            self.is_too_large = true;
        } else {
            self.values.extend_from_slice(bytes);
        }
        self.offsets.push(self.values.len() as i32);
        self.valid.push(true);
    }

    fn pad(&mut self, row: usize) {
        if self.valid.len() < row {
            self.nulls += row - self.valid.len();
            self.valid.resize(row, false);
            self.offsets.resize(row + 1, self.values.len() as i32);
        }
    }

    pub(super) fn truncate(&mut self, row: usize) {
        if self.valid.len() > row {
            self.valid.truncate(row);
            self.offsets.truncate(row + 1);
            self.values.truncate(self.offsets.last().map_or(0, |&end| end as usize));
            self.nulls = self.valid.iter().filter(|valid| !**valid).count();
        }
    }

    /// Returns the column of `rows` rows, and clears it for the next batch. `Ok(None)` if all rows
    /// are null.
    ///
    /// # Errors
    ///
    /// [`ArrowError`] if the texts are larger than an Arrow array can be.
    pub(super) fn finish(&mut self, rows: usize) -> Result<Option<ArrayRef>, ArrowError> {
        if self.valid.is_empty() {
            return Ok(None);
        }
        self.pad(rows);
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(&self.valid[..]));
        let values = take_buffer(&mut self.values);
        let offsets = take_buffer(&mut self.offsets);
        self.offsets.push(0);
        self.valid.clear();
        self.nulls = 0;
        if std::mem::take(&mut self.is_too_large) {
            return Err(too_large_error(self.max_bytes));
        }
        Ok(Some(Arc::new(string_array(values, offsets, nulls)?)))
    }
}

/// The most bytes of text that an array can contain: its offsets have 32 bits.
const MAX_TEXT_BYTES: usize = i32::MAX as usize;

fn too_large_error(max_bytes: usize) -> ArrowError {
    ArrowError::InvalidArgumentError(format!("its texts are larger than {max_bytes} bytes"))
}

/// Makes an array of texts. The texts are valid UTF-8, since they are joined from whole `str`s.
/// Arrow checks them again, many bytes at a time.
fn string_array(
    values: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Option<NullBuffer>,
) -> Result<StringArray, ArrowError> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::try_new(offsets, Buffer::from_vec(values), nulls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

    #[test]
    fn ports_are_removed_from_addresses() {
        for (text, address) in [
            ("104.42.232.223:26568", "104.42.232.223"),
            ("10.0.0.1", "10.0.0.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
            ("10.0.0.1:", "10.0.0.1:"),
            ("[broken", "[broken"),
        ] {
            assert_eq!(without_port(text), address);
        }
    }

    #[test]
    fn guids_and_user_names_are_lower_cased() {
        let id = "94E57E92-cee2-486d-8cc8-218c97200579";
        assert_eq!(id_key(id), 0x94e57e92cee2486d8cc8218c97200579);
        assert_eq!(Normalization::Id.apply(id).0, id.to_lowercase());
        assert_eq!(
            Normalization::Id.apply("81g22w11-vyy3-281h-1mn3-822A99921541").0,
            "81g22w11-vyy3-281h-1mn3-822A99921541"
        );
        assert_eq!(Normalization::Id.apply("My Workspace").0, "My Workspace");
        let user = "Anna.Ärlig@Contoso.COM";
        assert_eq!(Normalization::User.apply(user).0, "anna.ärlig@contoso.com");
        assert_eq!(Normalization::User.apply("Anonymous").0, "Anonymous");
    }

    #[test]
    fn values_with_one_normal_form_share_a_key() {
        let mut column = DictionaryColumn::new(Normalization::User);
        for (row, text) in ["A@b.c", "a@B.c", "x@y.z", "a@b.c"].into_iter().enumerate() {
            assert_eq!(column.append(row * 2, Value::Text(text)), Stored::Exact);
        }
        let array = column.finish(8).unwrap().unwrap();
        let array = array.as_any().downcast_ref::<DictionaryArray<Int16Type>>().unwrap();
        assert_eq!(array.values().len(), 2);
        let values: Vec<_> = array.downcast_dict::<StringArray>().unwrap().into_iter().collect();
        let (a, x) = (Some("a@b.c"), Some("x@y.z"));
        assert_eq!(values, [a, None, a, None, x, None, a, None]);
        assert!(column.finish(3).unwrap().is_none());
    }

    #[test]
    fn column_that_is_too_large_is_an_error() {
        let mut dictionary = DictionaryColumn::new(Normalization::AsIs);
        let mut plain = PlainTextColumn::new(Normalization::AsIs);
        (dictionary.max_bytes, plain.max_bytes) = (8, 8);
        for (row, text) in ["four", "more", "4", "x"].into_iter().enumerate() {
            dictionary.append(row, Value::Text(text));
            plain.append(row, Value::Text(text));
        }
        assert!(dictionary.finish(4).unwrap_err().to_string().contains("8 bytes"));
        assert!(plain.finish(4).unwrap_err().to_string().contains("8 bytes"));
        // The next batch starts empty.
        dictionary.append(0, Value::Text("four"));
        plain.append(0, Value::Text("four"));
        let array = dictionary.finish(1).unwrap().unwrap();
        assert_eq!(array.as_any_dictionary().values().as_string::<i32>().value(0), "four");
        assert_eq!(plain.finish(1).unwrap().unwrap().as_string::<i32>().value(0), "four");
    }

    #[test]
    fn keys_have_16_bits_if_these_suffice() {
        for (values, short) in [(32_767, true), (32_768, false)] {
            let mut column = DictionaryColumn::new(Normalization::AsIs);
            for row in 0..values {
                column.append(row, Value::Text(&row.to_string()));
            }
            let array = column.finish(values).unwrap().unwrap();
            assert_eq!(array.as_dictionary_opt::<Int16Type>().is_some(), short);
            assert_eq!(array.as_dictionary_opt::<Int32Type>().is_some(), !short);
            let texts = array.as_any_dictionary().values().as_string::<i32>();
            assert_eq!(
                (texts.len(), texts.value(values - 1)),
                (values, &*(values - 1).to_string())
            );
        }
    }
}
