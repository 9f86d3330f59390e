//! The RLE / bit-packing hybrid encoding of Parquet for small numbers.
//!
//! A run of equal values is encoded as the value and its length. All other values are packed into
//! as few bits as the largest needs. The format is specified in
//! <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use crate::store::parquet::row_bits::RowBits;

/// The number of equal values from which a run is shorter than packed values, at any width. Packed
/// values are in groups of 8, so shorter runs would split groups.
const MIN_RLE_RUN: usize = 16;

/// Returns the bits that a key of a dictionary with a number of `entries` needs.
pub(in crate::store) fn bit_width(entries: usize) -> u32 {
    usize::BITS - entries.saturating_sub(1).leading_zeros()
}

/// Appends `values`, none of which needs more than `width` bits.
pub(in crate::store) fn encode<T: Copy + PartialEq + Into<u32>>(
    values: &[T],
    width: u32,
    out: &mut Vec<u8>,
) {
    let (mut packed_from, mut at) = (0, 0);
    while at < values.len() {
        let first = values[at];
        // Two comparisons exclude most groups that do not start a run.
        let is_run = values.get(at + MIN_RLE_RUN - 1) == Some(&first)
            && values[at..at + MIN_RLE_RUN].iter().all(|value| *value == first);
        let rest = &values[at..];
        let equal = match is_run {
            true => rest.iter().position(|value| *value != first).unwrap_or(rest.len()),
            // At the end, no values follow that would have to start a group.
            false if rest.len() < MIN_RLE_RUN && rest.iter().all(|value| *value == first) => {
                rest.len()
            }
            false => {
                at += 8;
                continue;
            }
        };
        bit_pack(&values[packed_from..at], width, out);
        encode_run(first.into(), equal, width, out);
        at += equal;
        packed_from = at;
    }
    bit_pack(&values[packed_from..], width, out);
}

/// Appends bits with a width of 1. Runs are whole words, so that no bit is shifted.
pub(in crate::store) fn encode_bits(bits: &RowBits, out: &mut Vec<u8>) {
    let whole = &bits.words()[..bits.len() / 64];
    let run_at = |at: usize| whole.get(at).copied().filter(|&word| word == 0 || word == u64::MAX);
    let mut at = 0;
    while at < bits.words().len() {
        if let Some(word) = run_at(at) {
            let equal = whole[at..].iter().take_while(|&&other| other == word).count();
            encode_run((word & 1) as u32, equal * 64, 1, out);
            at += equal;
            continue;
        }
        let packed = (at..bits.words().len()).take_while(|&at| run_at(at).is_none()).count();
        let groups = (bits.len() - at * 64).min(packed * 64).div_ceil(8);
        append_varint((groups as u64) << 1 | 1, out);
        let end = out.len() + groups;
        for word in &bits.words()[at..at + packed] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.truncate(end);
        at += packed;
    }
}

/// Appends a value that is repeated `count` times.
pub(in crate::store) fn encode_run(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    append_varint((count as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Appends values in groups of 8; the last group is filled with zeros.
fn bit_pack<T: Copy + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    append_varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut used) = (0_u64, 0);
    for &value in values {
        bits |= u64::from(value.into()) << used;
        used += width;
        if used >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            used -= 32;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..used.div_ceil(8) as usize]);
    out.resize(end, 0);
}

fn append_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::parquet::row_bits::tests::row_bits;
    use proptest::prelude::*;

    /// Decodes values as the specification of the format describes.
    fn decode(mut bytes: &[u8], width: u32, len: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < len {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7F) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            if header & 1 == 0 {
                let size = width.div_ceil(8) as usize;
                let mut value = [0; 4];
                value[..size].copy_from_slice(&bytes[..size]);
                bytes = &bytes[size..];
                let value = u32::from_le_bytes(value);
                values.extend(std::iter::repeat_n(value, (header >> 1) as usize));
            } else {
                let count = (header >> 1) as usize * 8;
                let bit = |at: usize| u32::from(bytes[at / 8] >> (at % 8) & 1);
                for at in 0..count {
                    let start = at * width as usize;
                    values.push((0..width).map(|b| bit(start + b as usize) << b).sum());
                }
                bytes = &bytes[count * width as usize / 8..];
            }
        }
        assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
        assert!(values[len..].iter().all(|&filling| filling == 0) && values.len() < len + 8);
        values.truncate(len);
        values
    }

    #[test]
    fn width_is_that_of_the_largest_key() {
        assert_eq!([0, 1, 2, 3, 4, 5, 256, 257].map(bit_width), [0, 0, 1, 2, 2, 3, 8, 9]);
    }

    #[test]
    fn runs_are_short() {
        let mut out = Vec::new();
        encode(&[true; 100_000], 1, &mut out);
        assert_eq!(out.len(), 4);
        encode(&[7_u32; 3], 3, &mut out);
        assert_eq!(out[4..], [6, 7]);
    }

    proptest! {
        #[test]
        fn encoded_bits_are_decoded(
            runs in prop::collection::vec((any::<bool>(), 1_usize..200), 0..20),
            part in 1_usize..=64,
        ) {
            let repeat = |&(bit, times)| std::iter::repeat_n(bit, times);
            let rows: Vec<bool> = runs.iter().flat_map(repeat).collect();
            let mut out = Vec::new();
            encode_bits(&row_bits(&rows, part), &mut out);
            let expected: Vec<u32> = rows.iter().map(|&bit| u32::from(bit)).collect();
            prop_assert_eq!(decode(&out, 1, rows.len()), expected);
        }

        #[test]
        fn encoded_values_are_decoded(
            runs in prop::collection::vec((any::<u32>(), 1_usize..40), 0..40),
            width in 0_u32..=32,
        ) {
            let mask = if width == 32 { u32::MAX } else { (1 << width) - 1 };
            let values: Vec<u32> = runs
                .iter()
                .flat_map(|&(value, times)| std::iter::repeat_n(value & mask, times))
                .collect();
            let mut out = Vec::new();
            encode(&values, width, &mut out);
            prop_assert_eq!(decode(&out, width, values.len()), values);
        }
    }
}
