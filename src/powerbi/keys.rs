//! Assigns whole numbers to the IDs of users, items and others. An ID has the same key in each run.

use std::collections::HashMap;

use crate::{Error, Result};

/// The number of bits of a key. A spreadsheet or a script stores such a number exactly.
const KEY_BITS: u32 = 52;

/// The key of a row without an ID.
pub const UNKNOWN_KEY: i64 = 0;

/// The keys of one dimension.
pub struct KeyTable {
    dimension: &'static str,
    bits: u32,
    by_id: HashMap<String, i64>,
    by_key: HashMap<i64, String>,
}

impl KeyTable {
    /// Creates a table without keys. The name of the dimension is for errors.
    pub fn new(dimension: &'static str) -> KeyTable {
        KeyTable { dimension, bits: KEY_BITS, by_id: HashMap::new(), by_key: HashMap::new() }
    }

    /// Returns the key of an ID, which is 0 if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] if two IDs have the same key.
    pub fn key(&mut self, id: Option<&str>) -> Result<i64> {
        let Some(id) = id else { return Ok(UNKNOWN_KEY) };
        if let Some(key) = self.by_id.get(id) {
            return Ok(*key);
        }
        let key = hashed_key(id, self.bits);
        if let Some(other) = self.by_key.insert(key, id.to_owned()) {
            let dimension = self.dimension;
            return Err(Error::query(
                "powerbi",
                format!(
                    "the {dimension}s {other:?} and {id:?} have the same key {key}; nothing was \
                     written. Leave one of them out with a filter, and report this"
                ),
            ));
        }
        self.by_id.insert(id.to_owned(), key);
        Ok(key)
    }

    /// Returns the key of an ID if it has one already.
    pub fn known_key(&self, id: &str) -> Option<i64> {
        self.by_id.get(id).copied()
    }

    /// Returns the number of IDs.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }
}

/// Returns the first bits of the hash of an ID, but never 0.
fn hashed_key(id: &str, bits: u32) -> i64 {
    let hash = blake3::hash(id.as_bytes());
    let number =
        hash.as_bytes().iter().take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    i64::try_from(number >> (64 - bits)).unwrap_or_default().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_same_key_in_each_version() {
        let mut keys = KeyTable::new("user");
        let key = keys.key(Some("ana@contoso.com")).unwrap();
        assert_eq!(key, keys.key(Some("ana@contoso.com")).unwrap());
        assert_eq!(keys.known_key("ana@contoso.com"), Some(key));
        assert_eq!(keys.key(None).unwrap(), UNKNOWN_KEY);
        assert_eq!((keys.len(), keys.known_key("other")), (1, None));
        // Keys are in files of earlier runs, so they cannot change. The published hash of this text
        // begins with 6437b3ac38465133.
        assert_eq!(hashed_key("abc", KEY_BITS), 0x6_437b_3ac3_8465);
        assert!((1..1 << KEY_BITS).contains(&key));
    }

    #[test]
    fn two_ids_with_the_same_key_are_an_error_with_both_names() {
        let mut keys = KeyTable { bits: 4, ..KeyTable::new("user") };
        let error = (0..17).find_map(|number| keys.key(Some(&format!("user {number}"))).err());
        let error = error.unwrap().to_string();
        assert_eq!(error.matches("\"user ").count(), 2, "{error}");
        assert!(error.contains("have the same key"), "{error}");
    }
}
