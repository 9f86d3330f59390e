//! Bytes of a file as UTF-8 text.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_16BE, UTF_16LE};

/// How a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Coding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// What the first bytes say: the coding, and how many bytes its mark takes.
///
/// Windows PowerShell's `>` and Out-File write UTF-16 with a mark; UTF-16 without one is known by
/// the noughts that ASCII has in it.
pub(super) fn detect(start: &[u8]) -> (Coding, usize) {
    match start {
        [0xEF, 0xBB, 0xBF, ..] => (Coding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Coding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Coding::Utf16Be, 2),
        [b'{' | b'[' | b'"' | b' ' | b'\r' | b'\n', 0, ..] => (Coding::Utf16Le, 0),
        [0, b'{' | b'[' | b'"' | b' ' | b'\r' | b'\n', ..] => (Coding::Utf16Be, 0),
        _ => (Coding::Utf8, 0),
    }
}

/// Decodes a file as it is read.
pub(super) struct Transcoder {
    decoder: Decoder,
}

impl Transcoder {
    /// `None` for UTF-8, which is taken as it is.
    pub(super) fn of(coding: Coding) -> Option<Self> {
        let encoding: &'static Encoding = match coding {
            Coding::Utf8 => return None,
            Coding::Utf16Le => UTF_16LE,
            Coding::Utf16Be => UTF_16BE,
        };
        Some(Transcoder { decoder: encoding.new_decoder_without_bom_handling() })
    }

    /// Appends the text of some bytes. What is no valid UTF-16 becomes U+FFFD.
    pub(super) fn decode(&mut self, mut bytes: &[u8], last: bool, text: &mut Vec<u8>) {
        loop {
            let room = self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 3);
            let start = text.len();
            text.resize(start + room, 0);
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(bytes, &mut text[start..], last);
            text.truncate(start + written);
            bytes = &bytes[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

/// Where a piece of text begins in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) coding: Coding,
    pub(super) byte: u64,
}

impl Place {
    /// The byte position in the file of a position in the text that begins here.
    pub(super) fn position(&self, text: &[u8], at: usize) -> u64 {
        let before = &text[..at.min(text.len())];
        self.byte
            + match self.coding {
                Coding::Utf8 => before.len() as u64,
                Coding::Utf16Le | Coding::Utf16Be => {
                    // A UTF-8 lead byte stands for one unit of UTF-16, or for two from U+10000 on.
                    let units = before.iter().map(|&byte| match byte {
                        0x80..=0xBF => 0,
                        0xF0..=0xFF => 2,
                        _ => 1,
                    });
                    units.sum::<u64>() * 2
                }
            }
    }

    /// The place behind a text that begins here.
    pub(super) fn behind(&self, text: &[u8], len: usize) -> Place {
        Place { coding: self.coding, byte: self.position(text, len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_file_in_every_coding() {
        let text = "aé😀b";
        for (coding, encoded) in [
            (Coding::Utf8, text.as_bytes().to_vec()),
            (Coding::Utf16Le, text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            (Coding::Utf16Be, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ] {
            let mut decoded = Vec::new();
            match Transcoder::of(coding) {
                Some(mut transcoder) => {
                    let (a, b) = encoded.split_at(3);
                    transcoder.decode(a, false, &mut decoded);
                    transcoder.decode(b, true, &mut decoded);
                }
                None => decoded.clone_from(&encoded),
            }
            assert_eq!(decoded, text.as_bytes());
            let place = Place { coding, byte: 2 };
            let unit = if coding == Coding::Utf8 { 1 } else { 2 };
            let b = place.position(&decoded, decoded.len() - 1);
            assert_eq!(b, 2 + encoded.len() as u64 - unit);
        }
    }

    #[test]
    fn marks_and_their_absence_are_understood() {
        assert_eq!(detect(b"\xEF\xBB\xBF{"), (Coding::Utf8, 3));
        assert_eq!(detect(b"\xFF\xFE{\0"), (Coding::Utf16Le, 2));
        assert_eq!(detect(b"[\0{\0"), (Coding::Utf16Le, 0));
        assert_eq!(detect(b""), (Coding::Utf8, 0));
    }
}
