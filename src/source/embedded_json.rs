//! Extracts JSON text from JSON strings while it is read.
//!
//! If the output of a cmdlet goes through ConvertTo-Json twice, the file is one string, or one
//! string per line.

/// The state before the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnquoteState {
    /// Between values.
    Outside,
    /// In an object or array outside of strings: its text is copied unchanged.
    Verbatim { depth: u32, in_string: bool, escaped: bool },
    /// In a string.
    InString,
    /// After a backslash.
    InEscape,
    /// In the digits of `\u`: their number so far, and their value.
    InHexEscape { digits: u8, value: u16 },
}

/// Extracts text from JSON strings.
#[derive(Debug)]
pub(super) struct StringUnquoter {
    state: UnquoteState,
    /// The first half of a character above U+FFFF.
    high_surrogate: Option<u16>,
}

impl Default for StringUnquoter {
    fn default() -> Self {
        StringUnquoter { state: UnquoteState::Outside, high_surrogate: None }
    }
}

impl StringUnquoter {
    /// Appends the content of the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let done = match self.state {
                UnquoteState::InString => self.copy_string(bytes, out),
                _ => {
                    self.push_byte(bytes[0], out);
                    1
                }
            };
            bytes = &bytes[done..];
        }
    }

    /// Copies text up to the next special byte. Returns the number of bytes read.
    fn copy_string(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let end = memchr::memchr3(b'"', b'\\', b'\n', bytes);
        let len = end.unwrap_or(bytes.len());
        let special = end.map(|at| bytes[at]);
        if len > 0 || special != Some(b'\\') {
            self.flush_surrogate(out);
        }
        out.extend_from_slice(&bytes[..len]);
        match special {
            None => return len,
            Some(b'\\') => self.state = UnquoteState::InEscape,
            // No JSON writer leaves a bare line break in a string, so the string is broken here.
            Some(b'\n') => {
                out.push(b'\n');
                self.state = UnquoteState::Outside;
            }
            Some(_) => self.state = UnquoteState::Outside,
        }
        len + 1
    }

    fn push_byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.state {
            UnquoteState::Outside if byte == b'"' => self.state = UnquoteState::InString,
            UnquoteState::Outside => {
                if matches!(byte, b'{' | b'[') {
                    self.state =
                        UnquoteState::Verbatim { depth: 1, in_string: false, escaped: false };
                }
                out.push(byte);
            }
            UnquoteState::Verbatim { depth, in_string, escaped } => {
                out.push(byte);
                self.state = next_verbatim_state(byte, depth, in_string, escaped);
            }
            UnquoteState::InEscape => self.push_escape(byte, out),
            UnquoteState::InHexEscape { digits, value } => {
                self.push_hex_digit(byte, digits, value, out)
            }
            UnquoteState::InString => {}
        }
    }

    fn push_escape(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == b'u' {
            self.state = UnquoteState::InHexEscape { digits: 0, value: 0 };
            return;
        }
        self.flush_surrogate(out);
        self.state = UnquoteState::InString;
        match byte {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            // A quote, a backslash or a slash. An invalid escape is copied unchanged.
            b'"' | b'\\' | b'/' => out.push(byte),
            _ => out.extend_from_slice(&[b'\\', byte]),
        }
    }

    fn push_hex_digit(&mut self, byte: u8, digits: u8, value: u16, out: &mut Vec<u8>) {
        let Some(digit) = (byte as char).to_digit(16) else {
            self.flush_surrogate(out);
            out.extend_from_slice(b"\\u");
            if digits > 0 {
                out.extend_from_slice(format!("{value:0$x}", usize::from(digits)).as_bytes());
            }
            self.state = UnquoteState::InString;
            self.push(&[byte], out);
            return;
        };
        let value = value << 4 | digit as u16;
        self.state = UnquoteState::InHexEscape { digits: digits + 1, value };
        if digits < 3 {
            return;
        }
        self.state = UnquoteState::InString;
        match (self.high_surrogate.take(), value) {
            (high, 0xD800..=0xDBFF) => {
                if let Some(high) = high {
                    write_lone_surrogate(high, out);
                }
                self.high_surrogate = Some(value);
            }
            (Some(high), 0xDC00..=0xDFFF) => {
                let code = 0x10000 + (u32::from(high & 0x3FF) << 10) + u32::from(value & 0x3FF);
                write_code_point(code, out);
            }
            (high, _) => {
                if let Some(high) = high {
                    write_lone_surrogate(high, out);
                }
                match value {
                    0xDC00..=0xDFFF => write_lone_surrogate(value, out),
                    _ => write_code_point(u32::from(value), out),
                }
            }
        }
    }

    /// Writes a first half without a second half.
    fn flush_surrogate(&mut self, out: &mut Vec<u8>) {
        if let Some(high) = self.high_surrogate.take() {
            write_lone_surrogate(high, out);
        }
    }
}

fn next_verbatim_state(byte: u8, depth: u32, in_string: bool, escaped: bool) -> UnquoteState {
    let (mut depth, mut in_string, mut escapes) = (depth, in_string, false);
    match byte {
        _ if escaped => {}
        b'\\' if in_string => escapes = true,
        b'"' => in_string = !in_string,
        b'\n' => in_string = false,
        b'{' | b'[' if !in_string => depth = depth.saturating_add(1),
        b'}' | b']' if !in_string => depth -= 1,
        _ => {}
    }
    if depth == 0 {
        UnquoteState::Outside
    } else {
        UnquoteState::Verbatim { depth, in_string, escaped: escapes }
    }
}

/// Writes half a character as an escape, so that its record is rejected and not silently changed.
fn write_lone_surrogate(half: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\\u{half:04x}").as_bytes());
}

fn write_code_point(code: u32, out: &mut Vec<u8>) {
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Returns true if a string, given from its quote on, contains JSON: an object, an array or another
/// string. `None` if the text is too short to decide.
pub(super) fn is_embedded_json(text: &[u8]) -> Option<bool> {
    let mut at = 1;
    loop {
        match text.get(at..)? {
            [] => return None,
            [b'{' | b'[', ..] | [b'\\', b'"', ..] => return Some(true),
            [b' ' | b'\t', ..] => at += 1,
            [b'\\', b'r' | b'n' | b't', ..] => at += 2,
            [b'\\'] => return None,
            _ => return Some(false),
        }
    }
}

/// Appends the content of a string, given with its quotes. The closing quote can be missing.
pub(super) fn unquote(text: &[u8], out: &mut Vec<u8>) {
    StringUnquoter::default().push(text, out);
}

#[cfg(test)]
mod tests {
    use crate::source::embedded_json::*;

    fn check(text: &str, expected: &str) {
        for step in [1, 2, 3, 7, 1000] {
            let (mut unquoted, mut out) = (StringUnquoter::default(), Vec::new());
            for part in text.as_bytes().chunks(step) {
                unquoted.push(part, &mut out);
            }
            assert_eq!(String::from_utf8_lossy(&out), expected, "{text} in steps of {step}");
        }
    }

    #[test]
    fn content_of_strings_is_extracted_and_other_text_is_unchanged() {
        check(r#""[{\"a\":\"x\\\"y\"}]""#, r#"[{"a":"x\"y"}]"#);
        check("\"{}\"\r\n\"[1]\"\n", "{}\r\n[1]\n");
        check(r#""\u007b\u00e9\ud83d\ude00\u4F60\r\n\t\/}""#, "{é😀你\r\n\t/}");
        check(r#"{"a":"\"}","b":[1]} "[]""#, r#"{"a":"\"}","b":[1]} []"#);
    }

    #[test]
    fn invalid_escapes_stay_invalid() {
        check(r#""\ud83d""#, r"\ud83d");
        check(r#""\ud83dx\ude00""#, r"\ud83dx\ude00");
        check(r#""\ud83d\ud83d\ude00""#, "\\ud83d😀");
        check(r#""\q\u12x""#, r"\q\u12x");
        check("\"[{\\\"a\\\":1\n\"{}\"", "[{\"a\":1\n{}");
    }
}
