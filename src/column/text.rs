//! Columns of text: as dictionaries where values repeat, plain where they do not.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, PrimitiveArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowDictionaryKeyType, Int16Type, Int32Type};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128;

use super::Stored;
use super::scalar::take_buffer;
use crate::record::Value;

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
    /// The normal form, and whether nothing but letter case was lost on the way to it.
    fn apply(self, text: &str) -> (Cow<'_, str>, bool) {
        match self {
            Normalization::AsIs => (Cow::Borrowed(text), true),
            // Most ids are in lower case already; seeing that is cheaper than reading the GUID.
            Normalization::Id if !has_uppercase(text.as_bytes()) => (Cow::Borrowed(text), true),
            Normalization::Id if parse_guid(text.as_bytes()).is_some() => (to_lower(text), true),
            Normalization::Id => (Cow::Borrowed(text), true),
            Normalization::User if text.contains('@') || parse_guid(text.as_bytes()).is_some() => {
                (to_lower(text), true)
            }
            // `Anonymous`, `Unknown` and the like are words of the log, no user names.
            Normalization::User => (Cow::Borrowed(text), true),
            Normalization::Ip => {
                let address = without_port(text);
                (Cow::Borrowed(address), address.len() == text.len())
            }
        }
    }
}

/// Looks at all bytes, since that is done many at a time.
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

/// `104.42.232.223:26568` and `[2001:db8::1]:443` without the port. An address of version 6
/// without brackets has colons of its own and is left alone.
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

/// What a byte is as a digit of a GUID; more than 15 for what is none.
const HEX_DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        let lower = b"0123456789abcdef"[digit];
        digits[lower as usize] = digit as u8;
        digits[lower.to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// The 128 bits of a GUID in its usual form of 36 characters, in either case.
fn parse_guid(bytes: &[u8]) -> Option<u128> {
    let bytes: &[u8; 36] = bytes.try_into().ok()?;
    if [8, 13, 18, 23].iter().any(|&at: &usize| bytes[at] != b'-') {
        return None;
    }
    // Whether all are digits is asked once, of all together.
    let (mut bits, mut all) = (0_u128, 0_u8);
    for group in [0..8, 9..13, 14..18, 19..23, 24..36] {
        let mut part = 0_u64;
        for &byte in &bytes[group.clone()] {
            let digit = HEX_DIGITS[usize::from(byte)];
            all |= digit;
            part = part << 4 | u64::from(digit & 15);
        }
        bits = bits << (4 * group.len()) | u128::from(part);
    }
    (all < 16).then_some(bits)
}

/// The key of an event id: the bits of a GUID, else a hash of the text.
pub(super) fn id_key(text: &str) -> u128 {
    parse_guid(text.as_bytes()).unwrap_or_else(|| xxh3_128(text.as_bytes()))
}

/// The key of an id as it stands in a stored column.
pub fn stored_id_key(text: &str) -> u128 {
    id_key(text)
}

/// The text of a scalar, and whether it was one.
fn scalar_text<'v>(value: Value<'v>) -> Option<(Cow<'v, str>, bool)> {
    match value {
        Value::Text(text) => Some((Cow::Borrowed(text), true)),
        Value::Int(number) => Some((Cow::Owned(number.to_string()), false)),
        Value::Decimal(number) => Some((Cow::Borrowed(number), false)),
        Value::Bool(value) => Some((Cow::Borrowed(if value { "true" } else { "false" }), false)),
        Value::Null | Value::List(_) | Value::Object(_) => None,
    }
}

/// A raw value seen before: where its bytes are, which key it has, whether it fits exactly.
#[derive(Clone, Copy)]
struct SeenValue {
    start: u32,
    len: u32,
    key: i32,
    is_exact: bool,
}

/// Text whose values repeat. Values are told apart as they are written; the normal form is worked
/// out once for each of them.
pub(super) struct DictionaryColumn {
    normalization: Normalization,
    /// One key a row; -1 stands for null.
    keys: Vec<i32>,
    nulls: usize,
    raw_values: Vec<u8>,
    seen: HashTable<SeenValue>,
    last: Option<SeenValue>,
    values: Vec<u8>,
    offsets: Vec<i32>,
    /// Normal forms that have a key, for raw values that differ but mean the same.
    by_value: HashTable<i32>,
    hasher: FixedState,
}

impl DictionaryColumn {
    pub(super) fn new(normal: Normalization) -> Self {
        DictionaryColumn {
            normalization: normal,
            keys: Vec::new(),
            nulls: 0,
            raw_values: Vec::new(),
            seen: HashTable::new(),
            last: None,
            values: Vec::new(),
            offsets: vec![0],
            by_value: HashTable::new(),
            hasher: FixedState::default(),
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
        let is = |seen: &SeenValue| {
            &self.raw_values[seen.start as usize..][..seen.len as usize] == bytes
        };
        if let Some(last) = self.last.filter(is) {
            return last;
        }
        let hash = self.hasher.hash_one(bytes);
        let seen = match self.seen.find(hash, is) {
            Some(&seen) => seen,
            None => self.insert(bytes, text, hash),
        };
        self.last = Some(seen);
        seen
    }

    fn insert(&mut self, bytes: &[u8], text: &str, hash: u64) -> SeenValue {
        let (value, exact) = self.normalization.apply(text);
        let key = self.value_key(value.as_bytes());
        let seen = SeenValue {
            start: self.raw_values.len() as u32,
            len: bytes.len() as u32,
            key,
            is_exact: exact,
        };
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

    /// The column of `rows` rows, or `None` where all are null. The dictionary begins anew.
    pub(super) fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        if self.keys.is_empty() {
            return None;
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
            // Half of what a batch takes in memory are keys, and most of them are small.
            if i16::try_from(len).is_ok() {
                dictionary_array::<Int16Type>(keys.map(|key| key as i16).collect(), nulls, values)
            } else {
                dictionary_array::<Int32Type>(keys.collect(), nulls, values)
            }
        });
        // Whatever became of the arrays: keys of this batch would be wrong in the next.
        self.clear();
        array
    }

    /// Begins anew, with what memory it has: the next batch will need about as much.
    fn clear(&mut self) {
        self.keys.clear();
        self.nulls = 0;
        self.raw_values.clear();
        self.seen.clear();
        self.last = None;
        self.by_value.clear();
    }
}

fn dictionary_array<K: ArrowDictionaryKeyType>(
    keys: ScalarBuffer<K::Native>,
    nulls: Option<NullBuffer>,
    values: ArrayRef,
) -> Option<ArrayRef> {
    let array = DictionaryArray::<K>::try_new(PrimitiveArray::new(keys, nulls), values);
    array.ok().map(|array| Arc::new(array) as _)
}

/// Text whose values are almost all distinct.
pub(super) struct PlainTextColumn {
    normalization: Normalization,
    values: Vec<u8>,
    offsets: Vec<i32>,
    valid: Vec<bool>,
    nulls: usize,
}

impl PlainTextColumn {
    pub(super) fn new(normal: Normalization) -> Self {
        PlainTextColumn {
            normalization: normal,
            values: Vec::new(),
            offsets: vec![0],
            valid: Vec::new(),
            nulls: 0,
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
        self.values.extend_from_slice(bytes);
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

    pub(super) fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        if self.valid.is_empty() {
            return None;
        }
        self.pad(rows);
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(&self.valid[..]));
        let values = take_buffer(&mut self.values);
        let offsets = take_buffer(&mut self.offsets);
        self.offsets.push(0);
        self.valid.clear();
        self.nulls = 0;
        string_array(values, offsets, nulls).map(|array| Arc::new(array) as _)
    }
}

/// An array of texts that are known to be valid UTF-8: they are joined from whole `str`s, and
/// arrow checks them once more, many at a time.
fn string_array(
    values: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Option<NullBuffer>,
) -> Option<StringArray> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::try_new(offsets, Buffer::from_vec(values), nulls).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

    #[test]
    fn ports_are_taken_off_addresses_and_nothing_else() {
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
    fn guids_are_told_by_their_shape() {
        let id = "94E57E92-cee2-486d-8cc8-218c97200579";
        assert_eq!(id_key(id), 0x94e57e92cee2486d8cc8218c97200579);
        assert_eq!(Normalization::Id.apply(id).0, id.to_lowercase());
        assert_eq!(
            Normalization::Id.apply("81g22w11-vyy3-281h-1mn3-822A99921541").0,
            "81g22w11-vyy3-281h-1mn3-822A99921541"
        );
        assert_eq!(Normalization::Id.apply("My Workspace").0, "My Workspace");
        assert_eq!(Normalization::User.apply("Anna.Ärlig@Contoso.COM").0, "anna.ärlig@contoso.com");
        assert_eq!(Normalization::User.apply("Anonymous").0, "Anonymous");
    }

    #[test]
    fn values_of_one_meaning_share_a_key() {
        let mut column = DictionaryColumn::new(Normalization::User);
        for (row, text) in ["A@b.c", "a@B.c", "x@y.z", "a@b.c"].into_iter().enumerate() {
            assert_eq!(column.append(row * 2, Value::Text(text)), Stored::Exact);
        }
        let array = column.finish(8).unwrap();
        let array = array.as_any().downcast_ref::<DictionaryArray<Int16Type>>().unwrap();
        assert_eq!(array.values().len(), 2);
        let values: Vec<_> = array.downcast_dict::<StringArray>().unwrap().into_iter().collect();
        let (a, x) = (Some("a@b.c"), Some("x@y.z"));
        assert_eq!(values, [a, None, a, None, x, None, a, None]);
        assert!(column.finish(3).is_none());
    }

    #[test]
    fn keys_are_as_short_as_their_number_allows() {
        for (values, short) in [(32_767, true), (32_768, false)] {
            let mut column = DictionaryColumn::new(Normalization::AsIs);
            for row in 0..values {
                column.append(row, Value::Text(&row.to_string()));
            }
            let array = column.finish(values).unwrap();
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
