//! Decodes the escapes with which URLs, JSON inside other texts, HTML and SharePoint write
//! characters.

/// A character of a text, and the bytes with which the text writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DecodedChar {
    pub(super) value: char,
    pub(super) start: usize,
    pub(super) end: usize,
    /// True if it is written as an escape: `%40`, `\u0040`, `&#64;` or `_x0040_`.
    pub(super) is_escaped: bool,
    /// True if it can belong to an escape: the `n` of `\n`. In a path it is part of a name.
    pub(super) is_escape_letter: bool,
}

/// Returns the characters of a text. An escape is one character, even if it is escaped itself
/// (`%2540`, `\\u0040`).
pub(super) fn decode(text: &str) -> Vec<DecodedChar> {
    let mut chars: Vec<DecodedChar> = Vec::with_capacity(text.len());
    let mut start = 0;
    while let Some(literal) = text[start..].chars().next() {
        let escape = decode_escape(&text[start..]);
        let (value, length) = escape.unwrap_or((literal, literal.len_utf8()));
        let is_escaped = escape.is_some();
        let after_backslash = chars.last().is_some_and(|last| last.value == '\\');
        chars.push(DecodedChar {
            value,
            start,
            end: start + length,
            is_escaped,
            is_escape_letter: !is_escaped && after_backslash && "nrtbf".contains(value),
        });
        start += length;
    }
    chars
}

/// Returns a text without escapes.
pub(super) fn decoded_text(text: &str) -> String {
    decode(text).iter().map(|character| character.value).collect()
}

/// Returns true if a text can contain an escape.
pub(super) fn can_contain_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr3(b'%', b'\\', b'&', bytes).is_some()
        || memchr::memmem::find(bytes, b"_x00").is_some()
}

/// Decodes the escape at the start of a text, and returns its length in bytes.
fn decode_escape(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'%' => decode_percent(bytes),
        b'\\' => decode_backslash(bytes),
        b'&' => decode_entity(text),
        b'_' => decode_sharepoint(bytes),
        _ => None,
    }
}

/// Decodes `%40`, and the several escapes of a character that is not ASCII (`%C3%B8`).
fn decode_percent(bytes: &[u8]) -> Option<(char, usize)> {
    let (first, mut length) = percent_byte(bytes)?;
    let count = match first {
        0..0x80 => return Some((char::from(first), length)),
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return None,
    };
    let mut encoded = vec![first];
    while encoded.len() < count {
        let (byte, more) = percent_byte(bytes.get(length..)?)?;
        encoded.push(byte);
        length += more;
    }
    Some((std::str::from_utf8(&encoded).ok()?.chars().next()?, length))
}

/// Decodes one escaped byte. `%2540` is `%40` that was escaped again.
fn percent_byte(bytes: &[u8]) -> Option<(u8, usize)> {
    let mut at = 1;
    while bytes.get(at..at + 2) == Some(b"25") && hex_byte(bytes, at + 2).is_some() {
        at += 2;
    }
    (bytes.first() == Some(&b'%')).then(|| hex_byte(bytes, at)).flatten().map(|byte| (byte, at + 2))
}

fn hex_byte(bytes: &[u8], at: usize) -> Option<u8> {
    u8::try_from(hex_number(bytes.get(at..at + 2)?)?).ok()
}

/// Returns the number that hexadecimal digits mean.
fn hex_number(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

/// Decodes `\u0040`, and the two escapes of a character beyond the first 65,536. Each further level
/// of JSON in a string doubles the backslash.
fn decode_backslash(bytes: &[u8]) -> Option<(char, usize)> {
    let (first, length) = utf16_unit(bytes)?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first).map(|character| (character, length));
    }
    let (second, more) = utf16_unit(bytes.get(length..)?)?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((character, length + more))
}

fn utf16_unit(bytes: &[u8]) -> Option<(u32, usize)> {
    let backslashes = bytes.iter().take_while(|byte| **byte == b'\\').count();
    let digits = bytes.get(backslashes + 1..backslashes + 5)?;
    let is_escape = backslashes > 0 && bytes.get(backslashes) == Some(&b'u');
    is_escape.then(|| hex_number(digits)).flatten().map(|unit| (unit, backslashes + 5))
}

/// Decodes `&#64;`, `&#x40;` and `&commat;`. `&amp;#64;` is `&#64;` that was escaped again.
fn decode_entity(text: &str) -> Option<(char, usize)> {
    /// The length of the longest number, with `#x`.
    const MAX_LENGTH: usize = 9;
    let mut rest = text.strip_prefix('&')?;
    while let Some(inner) = rest.strip_prefix("amp;") {
        rest = inner;
    }
    let end = rest.bytes().take(MAX_LENGTH).position(|byte| byte == b';')?;
    let name = rest.get(..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => char::from_u32(hex_number(digits.as_bytes())?)?,
            None => char::from_u32(number.parse().ok()?)?,
        },
        None if name == "commat" => '@',
        None => return None,
    };
    Some((character, text.len() - rest.len() + end + 1))
}

/// Decodes `_x0040_`, as names of columns and files in SharePoint.
fn decode_sharepoint(bytes: &[u8]) -> Option<(char, usize)> {
    let is_escape = bytes.get(1).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'x'));
    let is_closed = bytes.get(6) == Some(&b'_');
    let character = char::from_u32(hex_number(bytes.get(2..6)?)?)?;
    (is_escape && is_closed).then_some((character, 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape_is_one_character() {
        for escape in [
            "@",
            "%40",
            "%2540",
            "%252540",
            "\\u0040",
            "\\\\u0040",
            "\\\\\\\\u0040",
            "&#64;",
            "&#x40;",
            "&#X40;",
            "&commat;",
            "&amp;#64;",
            "&amp;amp;#x40;",
            "_x0040_",
            "_X0040_",
        ] {
            let chars = decode(&format!("a{escape}b"));
            let values: String = chars.iter().map(|character| character.value).collect();
            assert_eq!(values, "a@b", "{escape}");
            assert_eq!((chars[1].start, chars[1].end), (1, 1 + escape.len()), "{escape}");
            assert_eq!(chars[1].is_escaped, escape != "@");
        }
        assert_eq!(decoded_text("l%C3%B8v l\\u00f8v \\ud83d\\ude00"), "løv løv 😀");
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for text in [
            "",
            "100%",
            "%",
            "%4",
            "%zz",
            "%FF%FE",
            "%C3x",
            "\\",
            "\\u",
            "\\u00",
            "\\uD800",
            "&",
            "&#",
            "&#;",
            "&#x;",
            "&amp;",
            "&#9999999999;",
            "_x",
            "_x0040",
            "_xyzzy_",
            "a_b",
            "ø",
        ] {
            assert_eq!(decoded_text(text), text);
        }
        let letters: Vec<bool> = decode("\\na").iter().map(|c| c.is_escape_letter).collect();
        assert_eq!(letters, [false, true, false]);
    }
}
