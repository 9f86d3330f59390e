//! Where in its file each byte of a text stood.

use super::decode::Coding;

/// A run of text that was encoded in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Where it begins in the text.
    at: usize,
    /// Where it begins in the file.
    byte: u64,
    /// `None` where all of it stood at that one byte, as what a JSON string holds does.
    coding: Option<Coding>,
}

/// Where in its file each byte of a text stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places(Vec<Run>);

impl Default for Places {
    fn default() -> Self {
        Places(vec![Run { at: 0, byte: 0, coding: Some(Coding::Utf8) }])
    }
}

impl Places {
    /// From here on, the text stood there in the file and in this encoding.
    pub(super) fn begin(&mut self, at: usize, byte: u64, coding: Coding) {
        self.push(Run { at, byte, coding: Some(coding) });
    }

    /// From here on, all of the text stood at one byte.
    pub(super) fn begin_fixed(&mut self, at: usize, byte: u64) {
        self.push(Run { at, byte, coding: None });
    }

    fn push(&mut self, run: Run) {
        if self.0.last().is_some_and(|last| last.at == run.at) {
            self.0.pop();
        }
        self.0.push(run);
    }

    /// Forgets what is said of the text behind its first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.retain(|run| run.at == 0 || run.at < len);
    }

    /// The byte position in the file of a position in the text.
    pub(super) fn position(&self, text: &[u8], at: usize) -> u64 {
        let behind = self.0.partition_point(|run| run.at <= at);
        let Some(run) = self.0.get(behind.saturating_sub(1)) else { return at as u64 };
        let before = text.get(run.at..at.min(text.len())).unwrap_or_default();
        run.byte
            + match run.coding {
                None => 0,
                Some(Coding::Utf8) => before.len() as u64,
                Some(Coding::Utf16Le | Coding::Utf16Be) => {
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
    pub(super) fn behind(&self, text: &[u8], len: usize) -> Places {
        let coding = self.0.iter().rfind(|run| run.at <= len).and_then(|run| run.coding);
        let first = Run { at: 0, byte: self.position(text, len), coding };
        let rest = self.0.iter().filter(|run| run.at > len);
        let rest = rest.map(|run| Run { at: run.at - len, ..*run });
        Places(std::iter::once(first).chain(rest).collect())
    }
}
