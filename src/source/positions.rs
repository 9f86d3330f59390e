//! Where in its file each byte of a text stood.

use super::decode::TextEncoding;

/// A run of text that was encoded in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PositionSegment {
    /// Where it begins in the text.
    text_start: usize,
    /// Where it begins in the file.
    file_start: u64,
    /// `None` where all of it stood at that one byte, as what a JSON string holds does.
    encoding: Option<TextEncoding>,
}

/// Where in its file each byte of a text stood.
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
    /// From here on, the text stood there in the file and in this encoding.
    pub(super) fn start_segment(&mut self, at: usize, byte: u64, coding: TextEncoding) {
        self.push(PositionSegment { text_start: at, file_start: byte, encoding: Some(coding) });
    }

    /// From here on, all of the text stood at one byte.
    pub(super) fn start_fixed_segment(&mut self, at: usize, byte: u64) {
        self.push(PositionSegment { text_start: at, file_start: byte, encoding: None });
    }

    fn push(&mut self, run: PositionSegment) {
        if self.0.last().is_some_and(|last| last.text_start == run.text_start) {
            self.0.pop();
        }
        self.0.push(run);
    }

    /// Forgets what is said of the text behind its first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.retain(|run| run.text_start == 0 || run.text_start < len);
    }

    /// The byte position in the file of a position in the text.
    pub(super) fn position(&self, text: &[u8], at: usize) -> u64 {
        let behind = self.0.partition_point(|run| run.text_start <= at);
        let Some(run) = self.0.get(behind.saturating_sub(1)) else { return at as u64 };
        let before = text.get(run.text_start..at.min(text.len())).unwrap_or_default();
        run.file_start
            + match run.encoding {
                None => 0,
                Some(TextEncoding::Utf8) => before.len() as u64,
                Some(TextEncoding::Utf16Le | TextEncoding::Utf16Be) => {
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

    /// The places of what stands behind the first `len` bytes of a text.
    pub(super) fn suffix_from(&self, text: &[u8], len: usize) -> PositionMap {
        let coding = self.0.iter().rfind(|run| run.text_start <= len).and_then(|run| run.encoding);
        let first = PositionSegment {
            text_start: 0,
            file_start: self.position(text, len),
            encoding: coding,
        };
        let rest = self.0.iter().filter(|run| run.text_start > len);
        let rest = rest.map(|run| PositionSegment { text_start: run.text_start - len, ..*run });
        PositionMap(std::iter::once(first).chain(rest).collect())
    }
}
