//! Bytes of a file as UTF-8 text.
//!
//! Owns: the encoding, which may change in the middle of a file, and where in the file each part of
//! the text stood. Windows PowerShell's `>` and Out-File write UTF-16; `Out-File -Append` and
//! Add-Content put lines of one encoding behind lines of another, with or without a mark.

use std::io::{self, Read};

use encoding_rs::{CoderResult, UTF_16BE, UTF_16LE};

use crate::source::positions::PositionMap;

/// How much is read at a time: first little, as most files are small, then more, but not so much
/// that it leaves the cache before it is looked at.
const READ_BYTES: (usize, usize) = (128 << 10, 256 << 10);

/// How many bytes behind the beginning of a line must be valid UTF-8 before UTF-16 is taken to be
/// over. Chinese text in UTF-16 has some bytes that look like ASCII, but not so many in a row.
const SNIFF_BYTES: usize = 16;

/// So many of them must be ASCII.
const MIN_ASCII_BYTES: usize = 6;

/// Stands for a character that no line begins behind.
const NO_LINE_BREAK: u8 = b'x';

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// How a text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TextEncoding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl TextEncoding {
    /// The character that two bytes are, where they are one of ASCII.
    fn decode_ascii(self, unit: &[u8]) -> Option<u8> {
        match (self, unit) {
            (TextEncoding::Utf16Le, &[low, 0, ..]) | (TextEncoding::Utf16Be, &[0, low, ..]) => {
                is_ascii(low).then_some(low)
            }
            _ => None,
        }
    }

    /// Whether bytes begin with two ASCII characters.
    fn starts_with_ascii(self, bytes: &[u8]) -> bool {
        self.decode_ascii(bytes).is_some()
            && bytes.get(2..).is_some_and(|b| self.decode_ascii(b).is_some())
    }
}

/// Where the present encoding ends.
enum EncodingEnd {
    /// Not in what is there; from here on, more must be seen.
    NotBefore(usize),
    /// Here, with a mark of so many bytes that stand for no text.
    At(usize, TextEncoding, usize),
}

impl EncodingEnd {
    /// How many bytes are of the present encoding, and which begins behind them with what mark.
    fn parts(self) -> (usize, Option<(TextEncoding, usize)>) {
        match self {
            EncodingEnd::NotBefore(len) => (len, None),
            EncodingEnd::At(len, coding, mark) => (len, Some((coding, mark))),
        }
    }
}

/// Decodes a file as it is read.
#[derive(Default)]
pub(super) struct TextDecoder {
    encoding: TextEncoding,
    utf16: Option<encoding_rs::Decoder>,
    /// What was read and is not decoded yet.
    raw: Vec<u8>,
    /// Whether anything was read before.
    has_started: bool,
    /// The position in the file of what is held.
    file_position: u64,
    /// The last character of ASCII before it, if the text ends in one; nothing at its beginning.
    last_char: Option<u8>,
}

impl TextDecoder {
    /// Reads on, and appends what was read to a text. Tells whether there is nothing more.
    ///
    /// # Errors
    ///
    /// Those of the input; what came before it is in the text.
    pub(super) fn fill(
        &mut self,
        input: &mut dyn Read,
        text: &mut Vec<u8>,
        places: &mut PositionMap,
    ) -> io::Result<bool> {
        let room = if self.has_started { READ_BYTES.1 } else { READ_BYTES.0 };
        self.has_started = true;
        let start = text.len();
        // Almost all files are UTF-8, which is text as it is read.
        let is_text = self.encoding == TextEncoding::Utf8;
        let (ended, failed) = if is_text {
            text.append(&mut self.raw);
            read_up_to(input, text, room)
        } else {
            read_up_to(input, &mut self.raw, room)
        };
        let last = ended || failed.is_some();
        if is_text {
            self.split_utf8(text, start, last, places);
        }
        let mut raw = std::mem::take(&mut self.raw);
        let done = self.decode(&raw, last, text, places);
        raw.drain(..done);
        self.raw = raw;
        failed.map_or(Ok(ended), Err)
    }

    /// Of a text to which bytes were appended, keeps those that are UTF-8; the others are still to
    /// be decoded.
    fn split_utf8(
        &mut self,
        text: &mut Vec<u8>,
        start: usize,
        last: bool,
        places: &mut PositionMap,
    ) {
        let (len, next) = self.find_utf8_end(&text[start..], last).parts();
        let end = start + len;
        self.track_last_char(&text[start..end]);
        self.file_position += len as u64;
        let mark = next.map_or(0, |(_, mark)| mark);
        self.raw.extend_from_slice(&text[end + mark..]);
        text.truncate(end);
        if let Some((coding, mark)) = next {
            self.start_encoding(coding, mark, end, places);
        }
    }

    /// Another encoding begins behind its mark, and its text here.
    fn start_encoding(
        &mut self,
        coding: TextEncoding,
        mark: usize,
        at: usize,
        places: &mut PositionMap,
    ) {
        self.file_position += mark as u64;
        self.encoding = coding;
        self.utf16 = match coding {
            TextEncoding::Utf8 => None,
            TextEncoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            TextEncoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
        };
        // Behind a mark, what comes is known, and is not asked about once more.
        self.last_char = if mark > 0 { None } else { Some(NO_LINE_BREAK) };
        places.start_segment(at, self.file_position, coding);
    }

    /// Remembers the last character of bytes of the present encoding.
    fn track_last_char(&mut self, bytes: &[u8]) {
        if let Some(&byte) = bytes.last() {
            let unit = &bytes[bytes.len().saturating_sub(2)..];
            self.last_char = match self.encoding {
                TextEncoding::Utf8 => Some(byte),
                coding => Some(coding.decode_ascii(unit).unwrap_or(NO_LINE_BREAK)),
            };
        }
    }

    /// Appends the text of some bytes; tells how many of them are done with.
    fn decode(
        &mut self,
        raw: &[u8],
        last: bool,
        text: &mut Vec<u8>,
        places: &mut PositionMap,
    ) -> usize {
        let mut at = 0;
        loop {
            let rest = &raw[at..];
            let ends = match self.encoding {
                TextEncoding::Utf8 => self.find_utf8_end(rest, last),
                TextEncoding::Utf16Le | TextEncoding::Utf16Be => self.find_utf16_end(rest, last),
            };
            let (len, next) = ends.parts();
            self.decode_bytes(&rest[..len], next.is_some() || last, text);
            at += len;
            self.file_position += len as u64;
            let Some((coding, mark)) = next else { return at };
            at += mark;
            self.start_encoding(coding, mark, text.len(), places);
        }
    }

    /// Appends bytes that are all of the present encoding. What is no valid UTF-16 becomes U+FFFD.
    fn decode_bytes(&mut self, mut bytes: &[u8], last: bool, text: &mut Vec<u8>) {
        self.track_last_char(bytes);
        let Some(decoder) = &mut self.utf16 else {
            text.extend_from_slice(bytes);
            return;
        };
        loop {
            let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 3);
            let start = text.len();
            text.resize(start + room, 0);
            let (result, read, written, _) =
                decoder.decode_to_utf8(bytes, &mut text[start..], last);
            text.truncate(start + written);
            bytes = &bytes[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }

    /// Where UTF-8 ends: at a mark of UTF-16, which no UTF-8 has, or where a line begins with
    /// noughts between its characters. Both are rare bytes, so nothing else is looked at.
    fn find_utf8_end(&self, rest: &[u8], last: bool) -> EncodingEnd {
        // The mark of UTF-8 is looked for at the beginning only: in the middle of a file, it is
        // passed over between records.
        if self.file_position == 0 && rest.starts_with(UTF8_BOM) {
            return EncodingEnd::At(0, TextEncoding::Utf8, UTF8_BOM.len());
        }
        if self.file_position == 0 && !last && UTF8_BOM.starts_with(rest) {
            return EncodingEnd::NotBefore(0);
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
            if let Some(coding) = marked
                && (rest.len() == at + 2 || coding.decode_ascii(&rest[at + 2..]).is_some())
            {
                return EncodingEnd::At(at, coding, 2);
            }
            let line_begins = |at: usize| match at.checked_sub(1) {
                Some(before) => can_precede_line(rest[before]),
                None => self.last_char.is_none_or(can_precede_line),
            };
            let little =
                line_begins(start) && TextEncoding::Utf16Le.starts_with_ascii(&rest[start..]);
            let big = line_begins(at) && TextEncoding::Utf16Be.starts_with_ascii(&rest[at..]);
            // A line feed before the nought belongs to the line before, if both are possible.
            if little && !(big && rest[start] == b'\n') {
                return EncodingEnd::At(start, TextEncoding::Utf16Le, 0);
            }
            if big {
                return EncodingEnd::At(at, TextEncoding::Utf16Be, 0);
            }
        }
        // The last byte may be the first of a line in UTF-16.
        EncodingEnd::NotBefore(if last { rest.len() } else { rest.len().saturating_sub(1) })
    }

    /// Where UTF-16 ends: where a line begins with the mark of the other byte order, or with ASCII
    /// without noughts between. Its own mark is a letter like any other in the middle of a file;
    /// between records it is passed over.
    fn find_utf16_end(&self, rest: &[u8], last: bool) -> EncodingEnd {
        let (others_mark, other) = match self.encoding {
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
            if unit == others_mark && before.is_none_or(can_precede_line) {
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

/// Appends up to so many bytes. Tells whether the input ended, or what it failed with; what came
/// before is there.
fn read_up_to(input: &mut dyn Read, to: &mut Vec<u8>, room: usize) -> (bool, Option<io::Error>) {
    let mut len = to.len();
    to.resize(len + room, 0);
    let (mut ended, mut failed) = (false, None);
    while len < to.len() && !ended && failed.is_none() {
        match input.read(&mut to[len..]) {
            Ok(0) => ended = true,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => failed = Some(error),
        }
    }
    to.truncate(len);
    (ended, failed)
}

fn is_ascii(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7E)
}

/// Whether a line, or a value that was appended to one without its end, may begin behind a byte.
fn can_precede_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'}' | b']')
}

/// Whether what follows is UTF-8, and how many bytes of mark it begins with. Behind a bracket it
/// must begin with another, or with a line's end: any letters may stand there inside of a text.
fn detect_utf8(window: &[u8], behind_bracket: bool) -> Option<usize> {
    let (mark, text) = match window.strip_prefix(UTF8_BOM) {
        Some(text) => (UTF8_BOM.len(), text),
        None => (0, window),
    };
    let begins = match text {
        [b'{' | b'[' | b'\r' | b'\n', rest @ ..] => {
            !behind_bracket || rest.first().is_none_or(|byte| b"{}[]\"\r\n ".contains(byte))
        }
        _ => !behind_bracket,
    };
    let ascii = text.iter().take(MIN_ASCII_BYTES).all(|&byte| is_ascii(byte));
    let is_text = |&byte: &u8| is_ascii(byte) || byte >= 0x80;
    // The last letter may not be all there.
    let is_utf8 = std::str::from_utf8(text).err().is_none_or(|error| error.error_len().is_none());
    (begins && ascii && is_utf8 && text.iter().all(is_text)).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a file that is read in steps, and the position of each of its lines.
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
        let (mut decoder, mut text, mut places) =
            (TextDecoder::default(), Vec::new(), PositionMap::default());
        // Small steps of decoding too, which reading whole blocks would hide.
        let mut input = Steps(bytes, step);
        let mut held = Vec::new();
        loop {
            let mut block = vec![0; step];
            let len = input.read(&mut block).unwrap();
            held.extend_from_slice(&block[..len]);
            let done = decoder.decode(&held, len == 0, &mut text, &mut places);
            held.drain(..done);
            if len == 0 {
                break;
            }
        }
        let starts = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let lines = [0].into_iter().chain(starts.map(|(at, _)| at + 1));
        let positions = lines.map(|at| places.position(&text, at)).collect();
        (String::from_utf8_lossy(&text).into_owned(), positions)
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
    fn marks_and_their_absence_are_understood() {
        check(&[b"\xEF\xBB\xBF{\n}"], "{\n}", &[3, 5]);
        check(&[b"\xFF\xFE", &le("{\né😀}\n")], "{\né😀}\n", &[2, 6, 16]);
        check(&[b"\xFE\xFF", &be("{\né😀}\n")], "{\né😀}\n", &[2, 6, 16]);
        check(&[&le("[{\n}]")], "[{\n}]", &[0, 6]);
        check(&[&be("[{\n}]")], "[{\n}]", &[0, 6]);
        check(&[b""], "", &[0]);
        check(&[b"\xFF\xFE"], "", &[2]);
    }

    #[test]
    fn an_encoding_may_change_between_lines_and_back_again() {
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
    fn an_encoding_may_change_behind_a_bracket() {
        check(&[b"[{\"a\":1}]", &le("[{\"a\":2}]\r\n")], "[{\"a\":1}][{\"a\":2}]\r\n", &[0, 31]);
        check(&[&le("[{\"a\":1}]"), b"[{\"a\":2}]\r\n"], "[{\"a\":1}][{\"a\":2}]\r\n", &[0, 29]);
        check(&[&le("[]"), b"[]"], "[][]", &[0]);
    }

    #[test]
    fn letters_that_look_like_ascii_are_no_change() {
        // In UTF-16 these letters have bytes that are all ASCII.
        let text = "{\"a\":\"} 你好\"}\n\"你好\n你好你 ascii\"\n";
        assert_eq!(decoded(&le(text), 1000).0, text);
        assert_eq!(decoded(&be(text), 1000).0, text);
        // Noughts between records and bytes that are no UTF-8 stay what they are.
        for bytes in [&b"{}\0\0\0{}\0"[..], b"{\"a\":\"\xFF\xFEx\"}", b"{}\n\0{}", b"\0\0{}\0\0"] {
            assert_eq!(decoded(bytes, 1000).0, String::from_utf8_lossy(bytes));
        }
    }
}
