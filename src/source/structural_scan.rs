//! Finds the end of a JSON object or array, 64 bytes at a time.
//!
//! Bit masks mark the brackets outside of strings. This reads several gigabytes per second. To cut
//! a file between records, nothing else is needed, so all cores can parse records of one file.

/// Finds the end of an object or array.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BracketScanner {
    position: usize,
    depth: u32,
    in_string: bool,
    /// The byte at `position` is escaped by a backslash before it.
    escaped: bool,
}

pub(super) enum ValueEnd {
    /// The value ends before this position.
    At(usize),
    /// The value breaks off at this line break: no JSON writer leaves a bare line break in a
    /// string. In a damaged file, this is also a line break before a line that starts with a
    /// bracket.
    Broken(usize),
    NeedMore,
}

impl BracketScanner {
    /// Starts at the first bracket of the value.
    pub(super) fn starting_at(at: usize) -> Self {
        BracketScanner { position: at, ..BracketScanner::default() }
    }

    /// Returns the position up to which the text was read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Adjusts positions after the first `len` bytes of the text were removed.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.position = self.position.saturating_sub(len);
    }

    /// Continues in text that has grown. `damaged` is true if a record broke off before. Then a
    /// line that starts with a bracket starts a record.
    pub(super) fn find_end(&mut self, text: &[u8], damaged: bool) -> ValueEnd {
        loop {
            let rest = &text[self.position..];
            let mut last = [b' '; 64];
            let (block, len) = match rest.first_chunk::<64>() {
                Some(block) => (block, 64),
                None if rest.is_empty() => return ValueEnd::NeedMore,
                None => {
                    last[..rest.len()].copy_from_slice(rest);
                    (&last, rest.len())
                }
            };
            let before = *self;
            let masks = Masks::from_block(block);
            let (escaped, escapes_next) = escaped_bytes(masks.backslash, self.escaped);
            let quotes = masks.quote & !escaped;
            let inside = prefix_xor(quotes) ^ if self.in_string { u64::MAX } else { 0 };
            let mut broken = masks.line_break & inside;
            if damaged {
                broken |= line_breaks_before_value(text, self.position, masks.line_break & !inside);
            }
            if let Some(end) =
                self.end_in_block(block, (masks.bracket & !inside) & bits_below(broken))
            {
                return ValueEnd::At(self.position + end);
            }
            if broken != 0 {
                return ValueEnd::Broken(self.position + broken.trailing_zeros() as usize);
            }
            if len < 64 {
                // Read this block again when it is complete.
                *self = before;
                return ValueEnd::NeedMore;
            }
            self.in_string = inside >> 63 == 1;
            self.escaped = escapes_next;
            self.position += 64;
        }
    }

    /// Follows the brackets of a block. Returns the position after the one that closes the value.
    fn end_in_block(&mut self, block: &[u8; 64], mut brackets: u64) -> Option<usize> {
        while brackets != 0 {
            let at = brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            if block[at] & 0x07 == 0x03 {
                // `{` is 0x7B and `[` is 0x5B. The closing brackets are 0x7D and 0x5D.
                self.depth += 1;
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(at + 1);
                }
            }
        }
        None
    }
}

/// Returns the line breaks of a block at `at` before lines that start with a bracket.
fn line_breaks_before_value(text: &[u8], at: usize, mut line_breaks: u64) -> u64 {
    let mut found = 0;
    while line_breaks != 0 {
        let bit = line_breaks & line_breaks.wrapping_neg();
        if let Some(b'{' | b'[') = text.get(at + bit.trailing_zeros() as usize + 1) {
            found |= bit;
        }
        line_breaks ^= bit;
    }
    found
}

/// Returns all bits below the lowest bit that is set; all bits if none is set.
fn bits_below(mask: u64) -> u64 {
    if mask == 0 { u64::MAX } else { (mask & mask.wrapping_neg()) - 1 }
}

/// Returns the bytes that a backslash escapes, and true if the byte after the block is escaped.
fn escaped_bytes(mut backslash: u64, first_escaped: bool) -> (u64, bool) {
    let mut escaped = u64::from(first_escaped);
    backslash &= !escaped;
    while backslash != 0 {
        let at = backslash.trailing_zeros();
        if at == 63 {
            return (escaped, true);
        }
        escaped |= 2 << at;
        backslash &= !(3 << at);
    }
    (escaped, false)
}

/// Replaces each bit with the parity of the bits up to it: it is 1 between an odd and an even
/// quote.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Bit masks of a block with one bit for each byte.
struct Masks {
    quote: u64,
    backslash: u64,
    bracket: u64,
    line_break: u64,
}

impl Masks {
    #[cfg(target_arch = "x86_64")]
    fn from_block(block: &[u8; 64]) -> Masks {
        // SAFETY: the only requirement of the function is SSE2, and every x86-64 processor has it.
        // A test compares its result with that of the portable function. The portable function
        // would make reading a file six times slower.
        #[expect(unsafe_code, reason = "SSE2 is part of x86-64, see above")]
        unsafe {
            Masks::sse2(block)
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "sse2")]
    fn sse2(block: &[u8; 64]) -> Masks {
        use std::arch::x86_64::{
            __m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
        };
        let mut masks = Masks { quote: 0, backslash: 0, bracket: 0, line_break: 0 };
        for (number, part) in block.chunks_exact(16).enumerate() {
            let half = |at: usize| {
                part[at..].first_chunk::<8>().map_or(0, |bytes| i64::from_le_bytes(*bytes))
            };
            // The compiler makes one load of this.
            let bytes = _mm_set_epi64x(half(8), half(0));
            let mask =
                |matches: __m128i| u64::from(_mm_movemask_epi8(matches) as u16) << (number * 16);
            let equal = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
            // Setting bit 5 maps `[` to `{` and `]` to `}`.
            let folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
            let bracket = |byte: u8| _mm_cmpeq_epi8(folded, _mm_set1_epi8(byte as i8));
            masks.quote |= mask(equal(b'"'));
            masks.backslash |= mask(equal(b'\\'));
            masks.line_break |= mask(equal(b'\n'));
            masks.bracket |= mask(_mm_or_si128(bracket(b'{'), bracket(b'}')));
        }
        masks
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn from_block(block: &[u8; 64]) -> Masks {
        Masks::portable(block)
    }

    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn portable(block: &[u8; 64]) -> Masks {
        let mask = |is: &dyn Fn(u8) -> bool| {
            block.iter().rev().fold(0, |mask, &byte| mask << 1 | u64::from(is(byte)))
        };
        Masks {
            quote: mask(&|byte| byte == b'"'),
            backslash: mask(&|byte| byte == b'\\'),
            bracket: mask(&|byte| matches!(byte | 0x20, b'{' | b'}')),
            line_break: mask(&|byte| byte == b'\n'),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::source::structural_scan::*;

    #[test]
    fn sse2_and_portable_masks_are_equal() {
        let mut block = [0_u8; 64];
        for round in 0..256_usize {
            for (at, byte) in block.iter_mut().enumerate() {
                *byte = ((at * 7 + round * 13) % 256) as u8;
            }
            let (fast, slow) = (Masks::from_block(&block), Masks::portable(&block));
            assert_eq!(
                (fast.quote, fast.backslash, fast.bracket, fast.line_break),
                (slow.quote, slow.backslash, slow.bracket, slow.line_break)
            );
        }
    }
}
