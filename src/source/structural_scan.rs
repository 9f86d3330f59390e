//! Finds the end of a JSON object or array, 64 bytes at a time.
//!
//! Bit masks mark the brackets outside of strings. This reads several gigabytes per second. To cut
//! a file between records, nothing else is needed, so all cores can parse records of one file.

use crate::simd::{self, BlockKernel, BlockScan};

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
        simd::run(EndScan { scanner: self, text, damaged })
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

/// The search for the end of a value in a text.
struct EndScan<'t> {
    scanner: &'t mut BracketScanner,
    text: &'t [u8],
    damaged: bool,
}

impl BlockScan for EndScan<'_> {
    type Output = ValueEnd;

    #[inline(always)]
    fn scan(self, kernel: impl BlockKernel) -> ValueEnd {
        let EndScan { scanner, text, damaged } = self;
        loop {
            let rest = &text[scanner.position..];
            let mut last = [b' '; 64];
            let (block, len) = match rest.first_chunk::<64>() {
                Some(block) => (block, 64),
                None if rest.is_empty() => return ValueEnd::NeedMore,
                None => {
                    last[..rest.len()].copy_from_slice(rest);
                    (&last, rest.len())
                }
            };
            let before = *scanner;
            let masks = kernel.json_masks(block);
            let (escaped, escapes_next) = escaped_bytes(masks.backslash, scanner.escaped);
            let quotes = masks.quote & !escaped;
            let inside = kernel.prefix_xor(quotes) ^ if scanner.in_string { u64::MAX } else { 0 };
            let mut broken = masks.line_break & inside;
            if damaged {
                broken |=
                    line_breaks_before_value(text, scanner.position, masks.line_break & !inside);
            }
            if let Some(end) =
                scanner.end_in_block(block, (masks.bracket & !inside) & bits_below(broken))
            {
                return ValueEnd::At(scanner.position + end);
            }
            if broken != 0 {
                return ValueEnd::Broken(scanner.position + broken.trailing_zeros() as usize);
            }
            if len < 64 {
                // Read this block again when it is complete.
                *scanner = before;
                return ValueEnd::NeedMore;
            }
            scanner.in_string = inside >> 63 == 1;
            scanner.escaped = escapes_next;
            scanner.position += 64;
        }
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
