//! Compares blocks of 64 bytes with the widest instructions of the processor.
//!
//! A scan is written once, for any [`BlockKernel`], and [`run`] chooses the kernel. This is the
//! only file with unsafe code: functions for AVX2 are called after a check of the processor. The
//! portable kernel is the reference, and a test compares the others with it.

/// A block of text.
pub type Block = [u8; 64];

/// Bit masks of the bytes of a block that separate JSON values, with one bit for each byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonMasks {
    /// `"`
    pub quote: u64,
    /// `\`
    pub backslash: u64,
    /// `[`, `]`, `{` and `}`
    pub bracket: u64,
    /// `\n`
    pub line_break: u64,
}

/// Functions of one block. All kernels return the same.
pub trait BlockKernel: Copy {
    /// Returns the masks of the bytes that separate JSON values.
    fn json_masks(self, block: &Block) -> JsonMasks;

    /// Returns the mask of the bytes at which a plain JSON string can end: quotes, backslashes and
    /// control characters.
    fn string_stops(self, block: &Block) -> u64;

    /// Returns true if a byte of the block is the second one of a pair, and the byte before it the
    /// first one. `before` are the bytes before those of the block.
    fn has_pair(self, before: &Block, block: &Block, pairs: [[u8; 2]; 3]) -> bool;

    /// Returns true if a block contains 0xFF, 0xFE or 0.
    fn has_rare_byte(self, block: &Block) -> bool;

    /// Returns true if all bytes are ASCII.
    fn is_ascii(self, block: &Block) -> bool;

    /// Replaces each bit with the parity of the bits up to it: it is 1 between an odd and an even
    /// quote.
    fn prefix_xor(self, bits: u64) -> u64;
}

/// A scan of text, for any kernel.
pub trait BlockScan {
    /// The result.
    type Output;

    /// Scans with a kernel. Implementations must be `#[inline(always)]`, so that they are compiled
    /// once for each kernel.
    fn scan(self, kernel: impl BlockKernel) -> Self::Output;
}

/// Runs a scan with the best kernel for the processor.
#[inline]
pub fn run<S: BlockScan>(scan: S) -> S::Output {
    #[cfg(target_arch = "x86_64")]
    return x86::run(scan);
    #[cfg(not(target_arch = "x86_64"))]
    scan.scan(PortableKernel)
}

/// Returns true if a text contains 0xFF, 0xFE or 0. UTF-8 contains neither of the first two.
pub fn has_rare_byte(text: &[u8]) -> bool {
    struct RareBytes<'t>(&'t [u8]);
    impl BlockScan for RareBytes<'_> {
        type Output = bool;

        #[inline(always)]
        fn scan(self, kernel: impl BlockKernel) -> bool {
            let (blocks, rest) = self.0.as_chunks::<64>();
            for block in blocks {
                if kernel.has_rare_byte(block) {
                    return true;
                }
            }
            memchr::memchr3(0xFF, 0xFE, 0, rest).is_some()
        }
    }
    run(RareBytes(text))
}

/// The kernel for any processor.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[derive(Clone, Copy)]
struct PortableKernel;

#[cfg(any(test, not(target_arch = "x86_64")))]
impl PortableKernel {
    fn mask(block: &Block, is: impl Fn(u8) -> bool) -> u64 {
        block.iter().rev().fold(0, |mask, &byte| mask << 1 | u64::from(is(byte)))
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
impl BlockKernel for PortableKernel {
    fn json_masks(self, block: &Block) -> JsonMasks {
        JsonMasks {
            quote: Self::mask(block, |byte| byte == b'"'),
            backslash: Self::mask(block, |byte| byte == b'\\'),
            bracket: Self::mask(block, |byte| matches!(byte | 0x20, b'{' | b'}')),
            line_break: Self::mask(block, |byte| byte == b'\n'),
        }
    }

    fn string_stops(self, block: &Block) -> u64 {
        Self::mask(block, |byte| matches!(byte, b'"' | b'\\') || byte < 0x20)
    }

    fn has_pair(self, before: &Block, block: &Block, pairs: [[u8; 2]; 3]) -> bool {
        before.iter().zip(block).any(|(&before, &byte)| pairs.contains(&[before, byte]))
    }

    fn has_rare_byte(self, block: &Block) -> bool {
        block.iter().any(|byte| matches!(byte, 0xFF | 0xFE | 0))
    }

    fn is_ascii(self, block: &Block) -> bool {
        block.is_ascii()
    }

    fn prefix_xor(self, bits: u64) -> u64 {
        prefix_xor(bits)
    }
}

/// [`BlockKernel::prefix_xor`] without special instructions.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::sync::LazyLock;

    use crate::simd::{Block, BlockKernel, BlockScan, JsonMasks, prefix_xor};

    /// True if the processor has all instructions of [`scan_avx2`].
    static HAS_AVX2: LazyLock<bool> = LazyLock::new(|| {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
    });

    #[inline]
    pub(super) fn run<S: BlockScan>(scan: S) -> S::Output {
        if *HAS_AVX2 {
            // SAFETY: the only requirement of the function is its instructions, and the processor
            // has all of them.
            #[expect(unsafe_code, reason = "the processor was checked")]
            return unsafe { scan_avx2(scan) };
        }
        scan.scan(Sse2Kernel)
    }

    #[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    fn scan_avx2<S: BlockScan>(scan: S) -> S::Output {
        scan.scan(Avx2Kernel(()))
    }

    /// The kernel for every x86-64 processor.
    #[derive(Clone, Copy)]
    pub(super) struct Sse2Kernel;

    /// The kernel for processors with AVX2. Only [`scan_avx2`] and a test create it.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2Kernel(());

    /// Calls a function of a kernel.
    macro_rules! call {
        ($function:ident($($argument:expr),*)) => {{
            // SAFETY: the only requirement of the function is its instructions. Every x86-64
            // processor has SSE2. A value of `Avx2Kernel` exists only on processors with AVX2 and
            // the other instructions of `scan_avx2`.
            #[expect(unsafe_code, reason = "the processor has the instructions, see above")]
            unsafe {
                $function($($argument),*)
            }
        }};
    }

    impl BlockKernel for Sse2Kernel {
        #[inline(always)]
        fn json_masks(self, block: &Block) -> JsonMasks {
            call!(json_masks_sse2(block))
        }

        #[inline(always)]
        fn string_stops(self, block: &Block) -> u64 {
            call!(string_stops_sse2(block))
        }

        #[inline(always)]
        fn has_pair(self, before: &Block, block: &Block, pairs: [[u8; 2]; 3]) -> bool {
            call!(has_pair_sse2(before, block, pairs))
        }

        #[inline(always)]
        fn has_rare_byte(self, block: &Block) -> bool {
            // The compiler compares 16 bytes at a time.
            block.iter().fold(false, |found, byte| found | (byte.wrapping_add(2) < 3))
        }

        #[inline(always)]
        fn is_ascii(self, block: &Block) -> bool {
            block.is_ascii()
        }

        #[inline(always)]
        fn prefix_xor(self, bits: u64) -> u64 {
            prefix_xor(bits)
        }
    }

    impl BlockKernel for Avx2Kernel {
        #[inline(always)]
        fn json_masks(self, block: &Block) -> JsonMasks {
            call!(json_masks_avx2(block))
        }

        #[inline(always)]
        fn string_stops(self, block: &Block) -> u64 {
            call!(string_stops_avx2(block))
        }

        #[inline(always)]
        fn has_pair(self, before: &Block, block: &Block, pairs: [[u8; 2]; 3]) -> bool {
            call!(has_pair_avx2(before, block, pairs))
        }

        #[inline(always)]
        fn has_rare_byte(self, block: &Block) -> bool {
            call!(has_rare_byte_avx2(block))
        }

        #[inline(always)]
        fn is_ascii(self, block: &Block) -> bool {
            call!(is_ascii_avx2(block))
        }

        #[inline(always)]
        fn prefix_xor(self, bits: u64) -> u64 {
            call!(prefix_xor_clmul(bits))
        }
    }

    /// Returns the 8 bytes at a position.
    #[inline(always)]
    fn word(block: &Block, at: usize) -> i64 {
        block[at..].first_chunk::<8>().map_or(0, |bytes| i64::from_le_bytes(*bytes))
    }

    // The functions below contain no closures, since a closure in a function of the standard
    // library is compiled without the instructions, and would be called for every block.

    /// Returns a quarter of a block. The compiler makes one load of it.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn quarter(block: &Block, number: usize) -> __m128i {
        _mm_set_epi64x(word(block, number * 16 + 8), word(block, number * 16))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn quarter_mask(matches: __m128i, number: usize) -> u64 {
        u64::from(_mm_movemask_epi8(matches) as u16) << (number * 16)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn equal_sse2(block: &Block, byte: u8) -> u64 {
        let mut mask = 0;
        for number in 0..4 {
            let matches = _mm_cmpeq_epi8(quarter(block, number), _mm_set1_epi8(byte as i8));
            mask |= quarter_mask(matches, number);
        }
        mask
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn has_pair_sse2(before: &Block, block: &Block, pairs: [[u8; 2]; 3]) -> bool {
        let mut found = _mm_setzero_si128();
        for number in 0..4 {
            for [first, second] in pairs {
                let is_first = _mm_cmpeq_epi8(quarter(before, number), _mm_set1_epi8(first as i8));
                let is_second = _mm_cmpeq_epi8(quarter(block, number), _mm_set1_epi8(second as i8));
                found = _mm_or_si128(found, _mm_and_si128(is_first, is_second));
            }
        }
        _mm_movemask_epi8(found) != 0
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn json_masks_sse2(block: &Block) -> JsonMasks {
        let mut bracket = 0;
        for number in 0..4 {
            // Setting bit 5 maps `[` to `{` and `]` to `}`.
            let folded = _mm_or_si128(quarter(block, number), _mm_set1_epi8(0x20));
            let matches = _mm_or_si128(
                _mm_cmpeq_epi8(folded, _mm_set1_epi8(b'{' as i8)),
                _mm_cmpeq_epi8(folded, _mm_set1_epi8(b'}' as i8)),
            );
            bracket |= quarter_mask(matches, number);
        }
        JsonMasks {
            quote: equal_sse2(block, b'"'),
            backslash: equal_sse2(block, b'\\'),
            bracket,
            line_break: equal_sse2(block, b'\n'),
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn string_stops_sse2(block: &Block) -> u64 {
        let mut mask = 0;
        for number in 0..4 {
            let bytes = quarter(block, number);
            let is_control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
            let is_quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
            let is_backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
            let matches = _mm_or_si128(is_control, _mm_or_si128(is_quote, is_backslash));
            mask |= quarter_mask(matches, number);
        }
        mask
    }

    /// Returns the half of a block that starts at a position. The compiler makes one load of it.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn half(block: &Block, at: usize) -> __m256i {
        _mm256_set_epi64x(
            word(block, at + 24),
            word(block, at + 16),
            word(block, at + 8),
            word(block, at),
        )
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn join(low: __m256i, high: __m256i) -> u64 {
        u64::from(_mm256_movemask_epi8(low) as u32)
            | u64::from(_mm256_movemask_epi8(high) as u32) << 32
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal_half(half: __m256i, byte: u8) -> __m256i {
        _mm256_cmpeq_epi8(half, _mm256_set1_epi8(byte as i8))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal_avx2(block: &Block, byte: u8) -> u64 {
        join(equal_half(half(block, 0), byte), equal_half(half(block, 32), byte))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn has_pair_avx2(before: &Block, block: &Block, pairs: [[u8; 2]; 3]) -> bool {
        let mut found = _mm256_setzero_si256();
        for at in [0, 32] {
            for [first, second] in pairs {
                let is_first = equal_half(half(before, at), first);
                let is_second = equal_half(half(block, at), second);
                found = _mm256_or_si256(found, _mm256_and_si256(is_first, is_second));
            }
        }
        _mm256_testz_si256(found, found) == 0
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn brackets_half(half: __m256i) -> __m256i {
        // Setting bit 5 maps `[` to `{` and `]` to `}`.
        let folded = _mm256_or_si256(half, _mm256_set1_epi8(0x20));
        _mm256_or_si256(equal_half(folded, b'{'), equal_half(folded, b'}'))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn json_masks_avx2(block: &Block) -> JsonMasks {
        JsonMasks {
            quote: equal_avx2(block, b'"'),
            backslash: equal_avx2(block, b'\\'),
            bracket: join(brackets_half(half(block, 0)), brackets_half(half(block, 32))),
            line_break: equal_avx2(block, b'\n'),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn string_stops_half(half: __m256i) -> __m256i {
        let is_control = _mm256_cmpeq_epi8(_mm256_min_epu8(half, _mm256_set1_epi8(0x1F)), half);
        let is_quote = _mm256_or_si256(equal_half(half, b'"'), equal_half(half, b'\\'));
        _mm256_or_si256(is_control, is_quote)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn string_stops_avx2(block: &Block) -> u64 {
        join(string_stops_half(half(block, 0)), string_stops_half(half(block, 32)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn has_rare_byte_avx2(block: &Block) -> bool {
        // Adding 2 maps the rare bytes to 0, 1 and 2.
        let two = _mm256_set1_epi8(2);
        let low = _mm256_add_epi8(half(block, 0), two);
        let least = _mm256_min_epu8(low, _mm256_add_epi8(half(block, 32), two));
        let is_rare = _mm256_cmpeq_epi8(_mm256_min_epu8(least, two), least);
        _mm256_testz_si256(is_rare, is_rare) == 0
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn is_ascii_avx2(block: &Block) -> bool {
        _mm256_movemask_epi8(_mm256_or_si256(half(block, 0), half(block, 32))) == 0
    }

    #[inline]
    #[target_feature(enable = "pclmulqdq")]
    fn prefix_xor_clmul(bits: u64) -> u64 {
        let product =
            _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(0xFF_u8 as i8));
        _mm_cvtsi128_si64(product) as u64
    }

    #[cfg(test)]
    pub(super) fn avx2_for_tests() -> Option<Avx2Kernel> {
        HAS_AVX2.then_some(Avx2Kernel(()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(kernel: impl BlockKernel, block: &Block) {
        let reference = PortableKernel;
        assert_eq!(kernel.json_masks(block), reference.json_masks(block));
        assert_eq!(kernel.string_stops(block), reference.string_stops(block));
        let mut before = *block;
        before.rotate_right(1);
        for at in 0..63 {
            let pairs = [[block[at], block[at + 1]], [1, 2], [block[at], block[63 - at]]];
            let expected = reference.has_pair(&before, block, pairs);
            assert_eq!(kernel.has_pair(&before, block, pairs), expected);
            let pairs = [[block[at], block[63 - at]], [7, 8], [255, 0]];
            let expected = reference.has_pair(&before, block, pairs);
            assert_eq!(kernel.has_pair(&before, block, pairs), expected);
        }
        assert_eq!(kernel.has_rare_byte(block), reference.has_rare_byte(block));
        assert_eq!(kernel.is_ascii(block), reference.is_ascii(block));
        for bits in block.as_chunks::<8>().0 {
            let bits = u64::from_le_bytes(*bits);
            assert_eq!(kernel.prefix_xor(bits), reference.prefix_xor(bits));
        }
    }

    fn check_all(block: &Block) {
        #[cfg(target_arch = "x86_64")]
        {
            check(x86::Sse2Kernel, block);
            if let Some(kernel) = x86::avx2_for_tests() {
                check(kernel, block);
            }
        }
        check(PortableKernel, block);
    }

    #[test]
    fn kernels_are_equal_for_every_byte_at_every_position() {
        for round in 0..256_usize {
            let mut block = [b'x'; 64];
            check_all(&std::array::from_fn(|at| ((at * 7 + round * 13) % 256) as u8));
            block[round % 64] = round as u8;
            check_all(&block);
            check_all(&[round as u8; 64]);
        }
    }

    proptest! {
        #[test]
        fn kernels_are_equal_for_random_blocks(block: [[u8; 32]; 2]) {
            check_all(block.as_flattened().first_chunk().unwrap());
        }

        #[test]
        fn texts_of_any_length_are_scanned_to_their_end(
            text in prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..300),
        ) {
            let is_rare = |byte: &u8| matches!(byte, 0xFF | 0xFE | 0);
            prop_assert_eq!(has_rare_byte(&text), text.iter().any(is_rare));
        }
    }
}
