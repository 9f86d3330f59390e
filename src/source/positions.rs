//! Maps positions in decoded text to positions in the file.

use super::encoding::TextEncoding;

/// A segment of text in one encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PositionSegment {
    /// The start of the segment in the text.
    text_start: usize,
    /// The start of the segment in the file.
    file_start: u64,
    /// `None` if all text of the segment has one position, for example the content of a JSON
    /// string.
    encoding: Option<TextEncoding>,
}

/// A map from positions in a text to positions in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PositionMap(Vec<PositionSegment>);

impl Default for PositionMap {
    fn default() -> Self {
        PositionMap(vec![PositionSegment {
            text_start: 0,
            file_start: 0,
            encoding: Some(TextEncoding::Utf8),
        }])
    }
}

impl PositionMap {
    /// Starts a segment at `at` in the text and `byte` in the file.
    pub(super) fn start_segment(&mut self, at: usize, byte: u64, encoding: TextEncoding) {
        let encoding = Some(encoding);
        self.push(PositionSegment { text_start: at, file_start: byte, encoding });
    }

    /// Starts a segment at `at` in the text whose text has the one position `byte`.
    pub(super) fn start_fixed_segment(&mut self, at: usize, byte: u64) {
        self.push(PositionSegment { text_start: at, file_start: byte, encoding: None });
    }

    fn push(&mut self, segment: PositionSegment) {
        if self.0.last().is_some_and(|last| last.text_start == segment.text_start) {
            self.0.pop();
        }
        self.0.push(segment);
    }

    /// Removes the segments after the first `len` bytes of the text.
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.retain(|segment| segment.text_start == 0 || segment.text_start < len);
    }

    /// Returns the byte position in the file for a position in the text.
    pub(super) fn position(&self, text: &[u8], at: usize) -> u64 {
        let count = self.0.partition_point(|segment| segment.text_start <= at);
        let Some(segment) = self.0.get(count.saturating_sub(1)) else { return at as u64 };
        let before = text.get(segment.text_start..at.min(text.len())).unwrap_or_default();
        segment.file_start
            + match segment.encoding {
                None => 0,
                Some(TextEncoding::Utf8) => before.len() as u64,
                Some(TextEncoding::Windows1252) => {
                    before.iter().filter(|&&byte| !matches!(byte, 0x80..=0xBF)).count() as u64
                }
                Some(TextEncoding::Utf16Le | TextEncoding::Utf16Be) => {
                    // A UTF-8 lead byte is one UTF-16 unit, or two from U+10000 on.
                    let units = before.iter().map(|&byte| match byte {
                        0x80..=0xBF => 0,
                        0xF0..=0xFF => 2,
                        _ => 1,
                    });
                    units.sum::<u64>() * 2
                }
            }
    }

    /// Returns the map of the text after its first `len` bytes.
    pub(super) fn suffix_from(&self, text: &[u8], len: usize) -> PositionMap {
        let current = self.0.iter().rfind(|segment| segment.text_start <= len);
        let first = PositionSegment {
            text_start: 0,
            file_start: self.position(text, len),
            encoding: current.and_then(|segment| segment.encoding),
        };
        let rest = self.0.iter().filter(|segment| segment.text_start > len);
        let rest = rest
            .map(|segment| PositionSegment { text_start: segment.text_start - len, ..*segment });
        PositionMap(std::iter::once(first).chain(rest).collect())
    }
}
