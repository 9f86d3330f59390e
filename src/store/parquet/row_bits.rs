//! Bits of the rows of a page, 64 in each word.

/// One bit for each row.
#[derive(Default)]
pub(in crate::store) struct RowBits {
    words: Vec<u64>,
    len: usize,
}

impl RowBits {
    /// Returns the number of rows.
    pub(in crate::store) fn len(&self) -> usize {
        self.len
    }

    /// Returns the words. The bits after the last row are 0.
    pub(in crate::store) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Appends the lowest `count` bits of a mask, at most 64. Its other bits must be 0.
    pub(in crate::store) fn push(&mut self, mask: u64, count: usize) {
        let used = self.len % 64;
        match self.words.last_mut() {
            Some(word) if used > 0 => {
                *word |= mask << used;
                if used + count > 64 {
                    self.words.push(mask >> (64 - used));
                }
            }
            _ if count > 0 => self.words.push(mask),
            _ => {}
        }
        self.len += count;
    }

    /// Appends zeros.
    pub(in crate::store) fn push_zeros(&mut self, count: usize) {
        self.len += count;
        self.words.resize(self.len.div_ceil(64), 0);
    }

    /// Removes the rows after the first `len`.
    pub(in crate::store) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.words.truncate(self.len.div_ceil(64));
        if !self.len.is_multiple_of(64)
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << (self.len % 64)) - 1;
        }
    }

    /// Returns the number of ones.
    pub(in crate::store) fn count_ones(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Removes all rows.
    pub(in crate::store) fn clear(&mut self) {
        self.words.clear();
        self.len = 0;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the bits of some rows, pushed in parts of different sizes.
    pub(in crate::store::parquet) fn row_bits(rows: &[bool], part: usize) -> RowBits {
        let mut bits = RowBits::default();
        for chunk in rows.chunks(part) {
            let mask = chunk.iter().rev().fold(0, |mask, &bit| mask << 1 | u64::from(bit));
            bits.push(mask, chunk.len());
        }
        bits
    }

    proptest! {
        #[test]
        fn bits_are_those_of_the_rows(
            rows in prop::collection::vec(any::<bool>(), 0..400),
            part in 1_usize..=64,
            len in 0_usize..400,
            zeros in 0_usize..200,
        ) {
            let mut rows = rows;
            let mut bits = row_bits(&rows, part);
            rows.truncate(len);
            bits.truncate(len);
            rows.resize(rows.len() + zeros, false);
            bits.push_zeros(zeros);
            rows.push(true);
            bits.push(1, 1);
            prop_assert_eq!(bits.len(), rows.len());
            prop_assert_eq!(bits.words().len(), rows.len().div_ceil(64));
            prop_assert_eq!(bits.count_ones(), rows.iter().filter(|&&row| row).count());
            for at in 0..bits.words().len() * 64 {
                let expected = rows.get(at).copied().unwrap_or(false);
                prop_assert_eq!(bits.words()[at / 64] >> (at % 64) & 1 == 1, expected);
            }
        }
    }
}
