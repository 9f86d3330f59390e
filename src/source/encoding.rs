//! Defines the text encodings of log files. `decode.rs` recognizes which one a text has, with or
//! without a byte order mark.

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TextEncoding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
    /// The code page of Windows for Western Europe, in which Excel and Windows PowerShell write
    /// CSV.
    Windows1252,
}

impl TextEncoding {
    /// Returns the ASCII character in the first two bytes; `None` if they are not one.
    pub(super) fn decode_ascii(self, unit: &[u8]) -> Option<u8> {
        match (self, unit) {
            (TextEncoding::Utf16Le, &[low, 0, ..]) | (TextEncoding::Utf16Be, &[0, low, ..]) => {
                is_ascii(low).then_some(low)
            }
            _ => None,
        }
    }

    /// Returns true if bytes begin with two ASCII characters.
    pub(super) fn starts_with_ascii(self, bytes: &[u8]) -> bool {
        self.decode_ascii(bytes).is_some()
            && bytes.get(2..).is_some_and(|rest| self.decode_ascii(rest).is_some())
    }
}

/// Returns true if a byte is a printable ASCII character, a tab or a line break.
pub(super) fn is_ascii(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7E)
}
