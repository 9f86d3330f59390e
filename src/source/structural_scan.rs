//! The end of a bracketed value, found 64 bytes at a time.
//!
//! Which bytes are brackets outside of strings is told by bit masks. This reads several gigabytes a
//! second and is why records can be parsed on all cores from one file: nothing else has to be known
//! to cut it.

/// Looks for the end of a bracketed value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BracketScanner {
    position: usize,
    depth: u32,
    in_string: bool,
    /// The byte at `at` is escaped by a backslash before it.
    escaped: bool,
}

pub(super) enum ValueEnd {
    /// The value ends before this position.
    At(usize),
    /// The value breaks off at a line break, here: no JSON writer leaves a bare one in a string,
    /// and in a file with damage, a line that begins with a bracket begins a record.
    Broken(usize),
    NeedMore,
}

impl BracketScanner {
    /// Begins at the value's first bracket.
    pub(super) fn starting_at(at: usize) -> Self {
        BracketScanner { position: at, ..BracketScanner::default() }
    }

    /// Up to where the text was looked at.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The first `len` bytes of the text are gone.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.position = self.position.saturating_sub(len);
    }

    /// Looks at what the text has grown by. `damaged` says that a record broke off before, so that
    /// a line that begins with a bracket is taken to begin a record.
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
                // Look at this block again when it is whole.
                *self = before;
                return ValueEnd::NeedMore;
            }
            self.in_string = inside >> 63 == 1;
            self.escaped = escapes_next;
            self.position += 64;
        }
    }

    /// Follows the brackets of a block; tells the position behind the one that closes the value.
    fn end_in_block(&mut self, block: &[u8; 64], mut brackets: u64) -> Option<usize> {
        while brackets != 0 {
            let at = brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            if block[at] & 0x07 == 0x03 {
                // `{` is 0x7B and `[` 0x5B; the closing ones are 0x7D and 0x5D.
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

/// Those of the line breaks of a block at `at` behind which a line begins with a value.
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

/// All bits below the lowest set one; all bits if none is set.
fn bits_below(mask: u64) -> u64 {
    if mask == 0 { u64::MAX } else { (mask & mask.wrapping_neg()) - 1 }
}

/// Which bytes are escaped by a backslash, and whether the byte behind the block is.
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

/// Each bit becomes the parity of the bits up to it: between an odd and an even quote is inside.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// One bit for each byte of a block.
struct Masks {
    quote: u64,
    backslash: u64,
    bracket: u64,
    line_break: u64,
}

impl Masks {
    #[cfg(target_arch = "x86_64")]
    fn from_block(block: &[u8; 64]) -> Masks {
        // SAFETY: the function needs SSE2 and nothing else, and SSE2 belongs to every x86-64
        // processor. The test below compares it with the portable one. Portable masks need six
        // times the time for a whole file.
        #[expect(unsafe_code, reason = "see the argument above")]
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
            // The compiler turns this into one load.
            let bytes = _mm_set_epi64x(half(8), half(0));
            let mask =
                |matches: __m128i| u64::from(_mm_movemask_epi8(matches) as u16) << (number * 16);
            let equal = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
            // Setting bit 5 makes one of `[` and `{`, and one of `]` and `}`.
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
    fn of(block: &[u8; 64]) -> Masks {
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
    fn both_ways_of_making_masks_agree() {
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
