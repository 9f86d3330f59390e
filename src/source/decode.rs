//! Decodes the bytes of a file to UTF-8 text.
//!
//! The encoding can change in the middle of a file. Windows PowerShell's `>` and Out-File write
//! UTF-16. `Out-File -Append` and Add-Content append lines of one encoding to lines of another,
//! with or without a byte order mark.

use std::io::{self, Read};

use encoding_rs::{CoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::encoding::{TextEncoding, is_ascii};
use super::positions::PositionMap;
use super::text_buffer::TextBuffer;
use crate::simd;

/// The number of bytes per read: first a small one, as most files are small, then a larger one that
/// still fits into the cache until the bytes are decoded.
const READ_BYTES: (usize, usize) = (128 << 10, 256 << 10);

/// The number of bytes after the start of a line that must be valid UTF-8 for UTF-16 to end there.
/// Chinese text in UTF-16 has some bytes that look like ASCII, but fewer in a row.
const SNIFF_BYTES: usize = 16;

/// The number of these bytes that must be ASCII.
const MIN_ASCII_BYTES: usize = 6;

/// A character after which no line begins.
const NO_LINE_BREAK: u8 = b'x';

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// The end of the current encoding.
enum EncodingEnd {
    /// Not in the bytes so far. More bytes are needed from this position on.
    NotBefore(usize),
    /// At this position: the next encoding and the length of its byte order mark.
    At(usize, TextEncoding, usize),
}

impl EncodingEnd {
    /// Returns the number of bytes in the current encoding, then the next encoding with the length
    /// of its byte order mark.
    fn parts(self) -> (usize, Option<(TextEncoding, usize)>) {
        match self {
            EncodingEnd::NotBefore(len) => (len, None),
            EncodingEnd::At(len, encoding, mark) => (len, Some((encoding, mark))),
        }
    }
}

/// Decodes a file while it is read.
#[derive(Default)]
pub(super) struct TextDecoder {
    encoding: TextEncoding,
    /// Decodes other encodings than UTF-8.
    decoder: Option<encoding_rs::Decoder>,
    /// True if the file has characters beyond ASCII in UTF-8.
    has_multibyte: bool,
    /// The number of bytes at the end of the text that begin such a character.
    incomplete: usize,
    /// Bytes that were read and are not decoded yet.
    raw: Vec<u8>,
    /// True after the first read.
    has_started: bool,
    /// The position in the file after the decoded bytes.
    file_position: u64,
    /// The last character before that position if it is ASCII; `None` at the start of the file.
    last_char: Option<u8>,
}

impl TextDecoder {
    /// Reads more bytes, and appends their text. Returns true if the input has ended.
    ///
    /// # Errors
    ///
    /// I/O errors of the input. The text contains everything before the error.
    pub(super) fn fill(
        &mut self,
        input: &mut dyn Read,
        text: &mut TextBuffer,
        positions: &mut PositionMap,
    ) -> io::Result<bool> {
        let size = if self.has_started { READ_BYTES.1 } else { READ_BYTES.0 };
        self.has_started = true;
        let start = text.len();
        // Almost all files are UTF-8, so bytes are read directly into the text.
        let is_text = self.encoding == TextEncoding::Utf8;
        let (ended, failed) = if is_text {
            text.push(&std::mem::take(&mut self.raw));
            read_up_to(input, text, size)
        } else {
            let mut more = TextBuffer::default();
            let read = read_up_to(input, &mut more, size);
            self.raw.extend_from_slice(&more);
            read
        };
        let last = ended || failed.is_some();
        if is_text {
            self.split_utf8(text, start, last, positions);
            self.split_code_page(text, start, last, positions);
        }
        let mut raw = std::mem::take(&mut self.raw);
        let done = self.decode(&raw, last, text, positions);
        raw.drain(..done);
        self.raw = raw;
        failed.map_or(Ok(ended), Err)
    }

    /// Keeps those of the appended bytes that are UTF-8, and moves the others to `raw`.
    fn split_utf8(
        &mut self,
        text: &mut TextBuffer,
        start: usize,
        last: bool,
        positions: &mut PositionMap,
    ) {
        let (len, next) = self.find_utf8_end(&text[start..], last).parts();
        let end = start + len;
        self.track_last_char(&text[start..end]);
        self.file_position += len as u64;
        let mark = next.map_or(0, |(_, mark)| mark);
        self.raw.extend_from_slice(&text[end + mark..]);
        text.truncate(end);
        if let Some((encoding, mark)) = next {
            self.start_encoding(encoding, mark, end, positions);
        }
    }

    /// Decodes the appended bytes as Windows-1252 if they are not valid UTF-8, and the file so far
    /// has no other character beyond ASCII. Everything after them is in that code page too.
    fn split_code_page(
        &mut self,
        text: &mut TextBuffer,
        start: usize,
        last: bool,
        positions: &mut PositionMap,
    ) {
        if self.encoding != TextEncoding::Utf8 {
            return;
        }
        let mut start = start;
        match std::mem::take(&mut self.incomplete) {
            before if before <= start => start -= before,
            // The text before was moved on, so the rest of its last character is skipped.
            _ => {
                let rest = text[start..].iter().take_while(|byte| matches!(byte, 0x80..=0xBF));
                start += rest.count();
            }
        }
        let new = &text[start..];
        let Err(error) = std::str::from_utf8(new) else {
            self.has_multibyte = self.has_multibyte || !new.is_ascii();
            return;
        };
        if error.error_len().is_none() && !last {
            self.has_multibyte |= !new[..error.valid_up_to()].is_ascii();
            self.incomplete = new.len() - error.valid_up_to();
            return;
        }
        self.has_multibyte |= new.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
        // These bytes have no character in the code page, or are not part of a text.
        let is_binary = |byte: &u8| {
            matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)
                || *byte < b' ' && !byte.is_ascii_whitespace()
        };
        let new = new.strip_suffix(&[0x1A]).unwrap_or(new);
        if self.has_multibyte || new.iter().any(is_binary) {
            self.has_multibyte = true;
            return;
        }
        let bytes = text[start..].to_vec();
        text.truncate(start);
        self.file_position -= bytes.len() as u64;
        self.start_encoding(TextEncoding::Windows1252, 0, start, positions);
        // The rest of the file is decoded by the same decoder, even if it is empty.
        self.decode_bytes(&bytes, false, text);
        self.file_position += bytes.len() as u64;
    }

    /// Returns true if the text is in the code page Windows-1252.
    pub(super) fn is_windows_1252(&self) -> bool {
        self.encoding == TextEncoding::Windows1252
    }

    /// Starts another encoding after its byte order mark. Its text starts at `at`.
    fn start_encoding(
        &mut self,
        encoding: TextEncoding,
        mark: usize,
        at: usize,
        positions: &mut PositionMap,
    ) {
        self.file_position += mark as u64;
        self.encoding = encoding;
        self.decoder = match encoding {
            TextEncoding::Utf8 => None,
            TextEncoding::Windows1252 => Some(WINDOWS_1252.new_decoder_without_bom_handling()),
            TextEncoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            TextEncoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
        };
        // The encoding after a byte order mark is certain and is not detected again.
        self.last_char = if mark > 0 { None } else { Some(NO_LINE_BREAK) };
        positions.start_segment(at, self.file_position, encoding);
    }

    /// Stores the last character of bytes in the current encoding.
    fn track_last_char(&mut self, bytes: &[u8]) {
        if let Some(&byte) = bytes.last() {
            let unit = &bytes[bytes.len().saturating_sub(2)..];
            self.last_char = match self.encoding {
                TextEncoding::Utf8 => Some(byte),
                encoding => Some(encoding.decode_ascii(unit).unwrap_or(NO_LINE_BREAK)),
            };
        }
    }

    /// Appends the text of bytes. Returns the number of bytes decoded.
    fn decode(
        &mut self,
        raw: &[u8],
        last: bool,
        text: &mut TextBuffer,
        positions: &mut PositionMap,
    ) -> usize {
        let mut at = 0;
        loop {
            let rest = &raw[at..];
            let ends = match self.encoding {
                TextEncoding::Utf8 => self.find_utf8_end(rest, last),
                TextEncoding::Utf16Le | TextEncoding::Utf16Be => self.find_utf16_end(rest, last),
                TextEncoding::Windows1252 => EncodingEnd::NotBefore(rest.len()),
            };
            let (len, next) = ends.parts();
            self.decode_bytes(&rest[..len], next.is_some() || last, text);
            at += len;
            self.file_position += len as u64;
            let Some((encoding, mark)) = next else { return at };
            at += mark;
            self.start_encoding(encoding, mark, text.len(), positions);
        }
    }

    /// Appends bytes that are all in the current encoding. Invalid UTF-16 becomes U+FFFD.
    fn decode_bytes(&mut self, mut bytes: &[u8], last: bool, text: &mut TextBuffer) {
        self.track_last_char(bytes);
        let Some(decoder) = &mut self.decoder else {
            text.push(bytes);
            return;
        };
        loop {
            let size = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 3);
            let (result, read, written, _) = decoder.decode_to_utf8(bytes, text.spare(size), last);
            text.extend(written);
            bytes = &bytes[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }

    /// Returns where UTF-8 ends: at a byte order mark of UTF-16, which UTF-8 cannot contain, or
    /// where a line begins with zero bytes between its characters. Only these rare bytes are
    /// searched for.
    fn find_utf8_end(&self, rest: &[u8], last: bool) -> EncodingEnd {
        // The UTF-8 byte order mark is searched for at the start only. In the middle of a file, the
        // scanners skip it between records.
        if self.file_position == 0 && rest.starts_with(UTF8_BOM) {
            return EncodingEnd::At(0, TextEncoding::Utf8, UTF8_BOM.len());
        }
        if self.file_position == 0 && !last && UTF8_BOM.starts_with(rest) {
            return EncodingEnd::NotBefore(0);
        }
        // The last byte can be the first byte of a line in UTF-16.
        let whole = if last { rest.len() } else { rest.len().saturating_sub(1) };
        if !simd::has_rare_byte(rest) {
            return EncodingEnd::NotBefore(whole);
        }
        let mut run = 0;
        for at in memchr::memchr3_iter(0xFF, 0xFE, 0, rest) {
            if at < run {
                continue;
            }
            if rest[at] == 0 && rest.get(at + 1) == Some(&0) {
                run = at + rest[at..].iter().take_while(|&&byte| byte == 0).count();
                continue;
            }
            let start = if rest[at] == 0 && at > 0 { at - 1 } else { at };
            if at + 4 > rest.len() && !last {
                return EncodingEnd::NotBefore(start);
            }
            let marked = match rest[at..] {
                [0xFF, 0xFE, ..] => Some(TextEncoding::Utf16Le),
                [0xFE, 0xFF, ..] => Some(TextEncoding::Utf16Be),
                _ => None,
            };
            if let Some(encoding) = marked
                && (rest.len() == at + 2 || encoding.decode_ascii(&rest[at + 2..]).is_some())
            {
                return EncodingEnd::At(at, encoding, 2);
            }
            let line_begins = |at: usize| match at.checked_sub(1) {
                Some(before) => can_precede_line(rest[before]),
                None => self.last_char.is_none_or(can_precede_line),
            };
            let little =
                line_begins(start) && TextEncoding::Utf16Le.starts_with_ascii(&rest[start..]);
            let big = line_begins(at) && TextEncoding::Utf16Be.starts_with_ascii(&rest[at..]);
            // A line feed before the zero byte belongs to the line before it, if both are possible.
            if little && !(big && rest[start] == b'\n') {
                return EncodingEnd::At(start, TextEncoding::Utf16Le, 0);
            }
            if big {
                return EncodingEnd::At(at, TextEncoding::Utf16Be, 0);
            }
        }
        EncodingEnd::NotBefore(whole)
    }

    /// Returns where UTF-16 ends: at a line that begins with the byte order mark of the other byte
    /// order, or with ASCII without zero bytes. The mark of the own byte order is an ordinary
    /// character in the middle of a file. The scanners skip it between records.
    fn find_utf16_end(&self, rest: &[u8], last: bool) -> EncodingEnd {
        let (other_mark, other) = match self.encoding {
            TextEncoding::Utf16Be => ([0xFF, 0xFE], TextEncoding::Utf16Le),
            _ => ([0xFE, 0xFF], TextEncoding::Utf16Be),
        };
        let mut before = self.last_char;
        let mut at = 0;
        while at < rest.len() {
            let unit = &rest[at..rest.len().min(at + 2)];
            if unit.len() < 2 && !last {
                break;
            }
            if unit == other_mark && before.is_none_or(can_precede_line) {
                return EncodingEnd::At(at, other, 2);
            }
            if before.is_some_and(can_precede_line)
                && unit.iter().all(|&b| is_ascii(b) || b == 0xEF || b == 0xBB)
            {
                let window = &rest[at..rest.len().min(at + SNIFF_BYTES)];
                let is_bracket = matches!(before, Some(b'}' | b']'));
                let whole = last || window.len() == SNIFF_BYTES;
                match detect_utf8(window, is_bracket) {
                    Some(mark) if whole => return EncodingEnd::At(at, TextEncoding::Utf8, mark),
                    Some(_) => return EncodingEnd::NotBefore(at),
                    None => {}
                }
            }
            before = Some(self.encoding.decode_ascii(unit).unwrap_or(NO_LINE_BREAK));
            at += 2;
        }
        EncodingEnd::NotBefore(at.min(rest.len()))
    }
}

/// Appends up to `size` bytes. Returns true if the input has ended, and the error if it failed. All
/// bytes before the error are appended.
fn read_up_to(input: &mut dyn Read, to: &mut TextBuffer, size: usize) -> (bool, Option<io::Error>) {
    let (mut len, free) = (0, to.spare(size));
    let (mut ended, mut failed) = (false, None);
    while len < free.len() && !ended && failed.is_none() {
        match input.read(&mut free[len..]) {
            Ok(0) => ended = true,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => failed = Some(error),
        }
    }
    to.extend(len);
    (ended, failed)
}

/// Returns true if a line can begin after a byte, or a value that was appended to a line without
/// a line break.
fn can_precede_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'}' | b']')
}

/// Returns the length of the byte order mark if a text is UTF-8. After a bracket, the text must
/// begin with another bracket or a line break, since inside a string any characters can follow.
fn detect_utf8(window: &[u8], after_bracket: bool) -> Option<usize> {
    let (mark, text) = match window.strip_prefix(UTF8_BOM) {
        Some(text) => (UTF8_BOM.len(), text),
        None => (0, window),
    };
    let begins = match text {
        [b'{' | b'[' | b'\r' | b'\n', rest @ ..] => {
            !after_bracket || rest.first().is_none_or(|byte| b"{}[]\"\r\n ".contains(byte))
        }
        _ => !after_bracket,
    };
    let ascii = text.iter().take(MIN_ASCII_BYTES).all(|&byte| is_ascii(byte));
    let is_text = |&byte: &u8| is_ascii(byte) || byte >= 0x80;
    // The last character can be incomplete.
    let is_utf8 = std::str::from_utf8(text).err().is_none_or(|error| error.error_len().is_none());
    (begins && ascii && is_utf8 && text.iter().all(is_text)).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes a file in steps. Returns its text and the position of each of its lines.
    fn decoded(bytes: &[u8], step: usize) -> (String, Vec<u64>) {
        struct Steps<'b>(&'b [u8], usize);
        impl Read for Steps<'_> {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                let len = to.len().min(self.1).min(self.0.len());
                to[..len].copy_from_slice(&self.0[..len]);
                self.0 = &self.0[len..];
                Ok(len)
            }
        }
        let (mut decoder, mut text, mut positions) =
            (TextDecoder::default(), TextBuffer::default(), PositionMap::default());
        // Small steps of decoding too, since whole blocks would hide mistakes.
        let mut input = Steps(bytes, step);
        let mut undecoded = Vec::new();
        loop {
            let mut block = vec![0; step];
            let len = input.read(&mut block).unwrap();
            undecoded.extend_from_slice(&block[..len]);
            let done = decoder.decode(&undecoded, len == 0, &mut text, &mut positions);
            undecoded.drain(..done);
            if len == 0 {
                break;
            }
        }
        let starts = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let lines = [0].into_iter().chain(starts.map(|(at, _)| at + 1));
        let line_starts = lines.map(|at| positions.position(&text, at)).collect();
        (String::from_utf8_lossy(&text).into_owned(), line_starts)
    }

    fn le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn be(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    fn check(parts: &[&[u8]], expected: &str, positions: &[u64]) {
        let bytes = parts.concat();
        for step in [1, 2, 3, 5, 7, 16, 17, 1000] {
            let (text, found) = decoded(&bytes, step);
            assert_eq!(text, expected, "in steps of {step}");
            assert_eq!(found, positions, "in steps of {step}");
        }
    }

    #[test]
    fn text_is_decoded_with_and_without_byte_order_mark() {
        check(&[b"\xEF\xBB\xBF{\n}"], "{\n}", &[3, 5]);
        check(&[b"\xFF\xFE", &le("{\né😀}\n")], "{\né😀}\n", &[2, 6, 16]);
        check(&[b"\xFE\xFF", &be("{\né😀}\n")], "{\né😀}\n", &[2, 6, 16]);
        check(&[&le("[{\n}]")], "[{\n}]", &[0, 6]);
        check(&[&be("[{\n}]")], "[{\n}]", &[0, 6]);
        check(&[b""], "", &[0]);
        check(&[b"\xFF\xFE"], "", &[2]);
    }

    #[test]
    fn encoding_can_change_between_lines() {
        let line = "{\"a\":\"é你好\"}\r\n";
        let (len8, len16) = (line.len() as u64, le(line).len() as u64);
        for (mark, wide) in [
            (&b""[..], le(line)),
            (b"\xFF\xFE", le(line)),
            (b"\xFE\xFF", be(line)),
            (b"", be(line)),
        ] {
            let first = len8 + mark.len() as u64;
            check(
                &[line.as_bytes(), mark, &wide, line.as_bytes(), mark, &wide],
                &line.repeat(4),
                &[0, first, first + len16, first + len16 + first, 2 * (first + len16)],
            );
        }
    }

    #[test]
    fn encoding_can_change_after_a_bracket() {
        check(&[b"[{\"a\":1}]", &le("[{\"a\":2}]\r\n")], "[{\"a\":1}][{\"a\":2}]\r\n", &[0, 31]);
        check(&[&le("[{\"a\":1}]"), b"[{\"a\":2}]\r\n"], "[{\"a\":1}][{\"a\":2}]\r\n", &[0, 29]);
        check(&[&le("[]"), b"[]"], "[][]", &[0]);
    }

    fn filled(bytes: &[u8]) -> (String, bool, u64) {
        let (mut decoder, mut text, mut positions) =
            (TextDecoder::default(), TextBuffer::default(), PositionMap::default());
        let mut input = bytes;
        while !decoder.fill(&mut input, &mut text, &mut positions).unwrap() {}
        let end = positions.position(&text, text.len());
        (String::from_utf8_lossy(&text).into_owned(), decoder.is_windows_1252(), end)
    }

    #[test]
    fn text_that_is_not_utf8_is_windows_1252() {
        let (text, is_code_page, end) = filled(b"{\"a\":\"M\xFCnchen \x80\"}\n{}");
        assert_eq!((text.as_str(), is_code_page, end), ("{\"a\":\"München €\"}\n{}", true, 20));
        // The first such character can be the last one of a buffer.
        let long = [vec![b'x'; READ_BYTES.0 - 1], b"\xE4n".to_vec()].concat();
        let (text, is_code_page, end) = filled(&long);
        assert!(text.ends_with("xän") && is_code_page && end == long.len() as u64);
        let cut = [vec![b'x'; READ_BYTES.0 - 1], "你n".as_bytes().to_vec()].concat();
        let (text, is_code_page, _) = filled(&cut);
        assert!(text.ends_with("x你n") && !is_code_page);
        // Damage in UTF-8, and bytes that are no text, stay as they are.
        for bytes in [&b"{\"a\":\"\xC3\xA4 \xFF\"}"[..], b"{\"a\":\"\x81\"}", b"\xEF\xBB\xBF\xE4n"]
        {
            assert!(!filled(bytes).1, "{bytes:?}");
        }
    }

    #[test]
    fn text_that_looks_like_ascii_does_not_change_the_encoding() {
        // In UTF-16, all bytes of these characters are ASCII.
        let text = "{\"a\":\"} 你好\"}\n\"你好\n你好你 ascii\"\n";
        assert_eq!(decoded(&le(text), 1000).0, text);
        assert_eq!(decoded(&be(text), 1000).0, text);
        // Zero bytes between records and invalid UTF-8 stay unchanged.
        for bytes in [&b"{}\0\0\0{}\0"[..], b"{\"a\":\"\xFF\xFEx\"}", b"{}\n\0{}", b"\0\0{}\0\0"] {
            assert_eq!(decoded(bytes, 1000).0, String::from_utf8_lossy(bytes));
        }
    }
}
