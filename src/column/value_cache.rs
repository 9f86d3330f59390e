//! Remembers recent values of a column, since most values occurred shortly before.

/// The number of values that are remembered.
const SLOTS: usize = 512;

/// A value, with the position of its bytes.
pub(super) trait CachedValue: Copy {
    /// Returns the start and the length of its bytes.
    fn span(&self) -> (usize, usize);
}

/// A value for each of some hashes. A new value replaces the one with the same hash.
pub(super) struct ValueCache<V> {
    /// Empty before the first value, since most columns have none.
    slots: Vec<Option<V>>,
}

impl<V: CachedValue> ValueCache<V> {
    pub(super) fn new() -> Self {
        ValueCache { slots: Vec::new() }
    }

    /// Returns the value with these bytes if it is remembered. `all` contains the bytes of all
    /// values.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8], all: &[u8]) -> Option<V> {
        let value = (*self.slots.get(slot(bytes))?)?;
        let (start, len) = value.span();
        (len == bytes.len() && all.get(start..start + len)? == bytes).then_some(value)
    }

    /// Remembers a value.
    pub(super) fn insert(&mut self, bytes: &[u8], value: V) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, None);
        }
        self.slots[slot(bytes)] = Some(value);
    }

    /// Forgets all values.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }
}

/// Returns the slot of a value, from its length and its first and last bytes.
#[inline(always)]
fn slot(bytes: &[u8]) -> usize {
    let mixed = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23)
        }
        _ => bytes.iter().fold(0, |mixed, &byte| mixed << 8 | u64::from(byte)),
    };
    let hash = (mixed ^ bytes.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash >> (u64::BITS - SLOTS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl CachedValue for (usize, usize) {
        fn span(&self) -> (usize, usize) {
            *self
        }
    }

    proptest! {
        #[test]
        fn only_the_value_itself_is_found(
            values in prop::collection::vec("[ab]{0,3}|[a-c]{7,9}|[ab]{15,34}", 1..40),
        ) {
            let (mut cache, mut all) = (ValueCache::new(), Vec::new());
            for value in &values {
                let span = (all.len(), value.len());
                all.extend_from_slice(value.as_bytes());
                cache.insert(value.as_bytes(), span);
                prop_assert_eq!(cache.find(value.as_bytes(), &all), Some(span));
            }
            for value in &values {
                if let Some((start, len)) = cache.find(value.as_bytes(), &all) {
                    prop_assert_eq!(&all[start..start + len], value.as_bytes());
                }
            }
            cache.clear();
            prop_assert_eq!(cache.find(values[0].as_bytes(), &all), None);
        }
    }
}
