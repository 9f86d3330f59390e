//! Searches the text of records for traces of data loss before it was written: characters that
//! became `?`, and objects that became the names of their types. It searches whole chunks, since a
//! check of each value would cost too much.

use std::collections::BTreeSet;

use memchr::memmem;

use crate::simd::{self, BlockKernel, BlockScan};

/// The number of different names with lost characters that cannot be an accident. No more are kept.
pub const MIN_SUSPECT_NAMES: usize = 3;

/// The most bytes of a value that are read on either side of a position.
const MAX_VALUE_BYTES: usize = 256;

/// The most bytes that are searched for the end of an object's text.
const MAX_OBJECT_BYTES: usize = 4096;

/// The traces of data loss in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossIndicators {
    /// True if there are characters beyond ASCII, plain or escaped. Then the writer lost none.
    pub has_non_ascii: bool,
    /// Different names with a `?` in place of a character: the first `MIN_SUSPECT_NAMES` in
    /// alphabetical order.
    pub lost_characters: BTreeSet<String>,
    /// The number of values that are the text of an object or a list.
    pub flattened: u64,
    /// One of these values, with its name if it has one.
    pub flattened_example: Option<String>,
    /// True if the text was decoded from the code page Windows-1252, because it is not UTF-8.
    pub is_windows_1252: bool,
}

impl LossIndicators {
    /// Searches a chunk of text: a table whose cells are values, or JSON with quotes written in any
    /// way.
    pub fn scan(text: &[u8], is_table: bool) -> LossIndicators {
        let found = simd::run(Sweep(text));
        let has_non_ascii = found.has_non_ascii;
        let mut indicators = LossIndicators { has_non_ascii, ..LossIndicators::default() };
        if !has_non_ascii {
            indicators.find_lost_characters(text, is_table);
        }
        if found.may_be_flattened {
            indicators.find_flattened(text, is_table);
        }
        indicators
    }

    /// Adds the traces in another chunk of the same source.
    pub fn add(&mut self, other: LossIndicators) {
        self.has_non_ascii |= other.has_non_ascii;
        self.lost_characters.extend(other.lost_characters);
        while self.lost_characters.len() > MIN_SUSPECT_NAMES {
            self.lost_characters.pop_last();
        }
        self.is_windows_1252 |= other.is_windows_1252;
        self.flattened += other.flattened;
        // Chunks arrive in any order, and the example must not depend on it.
        self.flattened_example = match (self.flattened_example.take(), other.flattened_example) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
    }

    fn find_lost_characters(&mut self, text: &[u8], is_table: bool) {
        let mut done = 0;
        for at in memchr::memchr_iter(b'?', text) {
            if at < done {
                continue;
            }
            let (start, end) = value_around(text, at, is_table);
            done = end;
            let value = &text[start..end];
            let is_name = match is_table {
                true => true,
                false => member_name(text, start).is_some_and(|name| ends_with(name, b"name")),
            };
            if is_name && has_lost_character(value) {
                self.lost_characters.insert(String::from_utf8_lossy(value).into_owned());
                if self.lost_characters.len() > MIN_SUSPECT_NAMES {
                    self.lost_characters.pop_last();
                }
            }
        }
        // Checked only here, since hardly any source has both.
        if !self.lost_characters.is_empty() && has_escaped_non_ascii(text) {
            self.has_non_ascii = true;
        }
    }

    fn find_flattened(&mut self, text: &[u8], is_table: bool) {
        for at in memmem::find_iter(text, b"System.") {
            let rest = &text[at..];
            let found = [&b"System.Object[]"[..], b"System.Collections.Hashtable"]
                .into_iter()
                .find(|known| rest.starts_with(known));
            let Some(found) = found else { continue };
            let is_edge = |byte: Option<&u8>| match byte {
                None => true,
                Some(b'"' | b'\\') => true,
                Some(byte) => is_table && is_separator(*byte),
            };
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            if is_edge(before) && is_edge(rest.get(found.len())) {
                self.record_flattened(text, at, &String::from_utf8_lossy(found));
            }
        }
        for at in memmem::find_iter(text, b"{'") {
            // The text of a Python object, or of a list of them, as a whole value.
            let start = if at > 0 && text[at - 1] == b'[' { at - 1 } else { at };
            let is_edge = |byte: u8| byte == b'"' || is_table && is_separator(byte);
            if start > 0 && is_edge(text[start - 1]) {
                self.record_flattened(text, start, "{'…'}");
            }
        }
        for at in memmem::find_iter(text, b"\"@{") {
            let rest = &text[at + 1..text.len().min(at + MAX_OBJECT_BYTES)];
            let Some(end) = memchr::memchr(b'"', rest) else { continue };
            let escapes = rest[..end].iter().rev().take_while(|&&byte| byte == b'\\').count();
            if rest[..end - escapes].ends_with(b"}") {
                self.record_flattened(text, at + 1, "@{…}");
            }
        }
    }

    fn record_flattened(&mut self, text: &[u8], at: usize, value: &str) {
        self.flattened += 1;
        if self.flattened_example.is_none() {
            let name = member_name(text, at).map(|name| String::from_utf8_lossy(name).into_owned());
            self.flattened_example =
                Some(name.map_or_else(|| value.to_owned(), |name| format!("{name}: {value}")));
        }
    }
}

/// Reads a text once for the bytes that most texts do not have.
struct Sweep<'t>(&'t [u8]);

struct SweepResult {
    has_non_ascii: bool,
    /// False if the text contains nothing that [`LossIndicators::find_flattened`] searches for:
    /// neither `System.` nor `"@{` nor `{'`.
    may_be_flattened: bool,
}

impl BlockScan for Sweep<'_> {
    type Output = SweepResult;

    #[inline(always)]
    fn scan(self, kernel: impl BlockKernel) -> SweepResult {
        const PAIRS: [[u8; 2]; 3] = [*b"Sy", *b"\"@", *b"{'"];
        let text = self.0;
        let (mut is_ascii, mut may_be_flattened) = (true, false);
        // Each block is compared with the bytes one position before.
        let pairs = text.get(1..).unwrap_or_default();
        for (before, block) in text.as_chunks().0.iter().zip(pairs.as_chunks().0) {
            is_ascii &= kernel.is_ascii(before);
            may_be_flattened |= kernel.has_pair(before, block, PAIRS);
        }
        let rest = &text[pairs.len() / 64 * 64..];
        SweepResult {
            has_non_ascii: !is_ascii || !rest.is_ascii(),
            may_be_flattened: may_be_flattened
                || rest.array_windows().any(|pair| PAIRS.contains(pair)),
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'\t' | b'\r' | b'\n')
}

/// Returns the range of the value around a position.
fn value_around(text: &[u8], at: usize, is_table: bool) -> (usize, usize) {
    let is_edge = |byte: &u8| *byte == b'"' || *byte == b'\\' || is_table && is_separator(*byte);
    let before = &text[at.saturating_sub(MAX_VALUE_BYTES)..at];
    let after = &text[at..text.len().min(at + MAX_VALUE_BYTES)];
    let start = before
        .iter()
        .rposition(is_edge)
        .map_or(at - before.len(), |edge| at - before.len() + edge + 1);
    let end = after.iter().position(is_edge).map_or(at + after.len(), |edge| at + edge);
    (start, end)
}

/// Returns the name of the member whose text value starts at `value`, with quotes written in any
/// way.
fn member_name(text: &[u8], value: usize) -> Option<&[u8]> {
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\\');
    let back = |end: usize, is: &dyn Fn(&u8) -> bool| {
        end - text[..end].iter().rev().take_while(|byte| is(byte)).count()
    };
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let colon = back(back(value, &is_quote), &is_blank);
    let colon = colon.checked_sub(1).filter(|&at| text[at] == b':')?;
    let end = back(back(colon, &is_blank), &is_quote);
    let start = back(end, &|byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
    (start < end).then(|| &text[start..end])
}

fn ends_with(name: &[u8], end: &[u8]) -> bool {
    name.len().checked_sub(end.len()).is_some_and(|at| name[at..].eq_ignore_ascii_case(end))
}

/// Returns true if a name has a `?` in place of a character. This is a `?` before or after an
/// alphabetic character, unless it ends a question; or at least three in a row, from a name
/// without any ASCII. A question has more than one word and ends with its `?`.
fn has_lost_character(value: &[u8]) -> bool {
    if value.iter().any(|byte| b"/=&".contains(byte)) {
        return false;
    }
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| value.get(at)).is_some_and(|byte| byte.is_ascii_alphabetic())
    };
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'?', &value[at..]) {
        let start = at + found;
        at = start + value[start..].iter().take_while(|&&byte| byte == b'?').count();
        let (before, after) = (is_letter(start.checked_sub(1)), is_letter(Some(at)));
        let is_question = at == value.len() && value.contains(&b' ');
        if after || before && !is_question || at - start >= 3 && !before {
            return true;
        }
    }
    false
}

/// Returns true if a character beyond ASCII is written as an escape.
fn has_escaped_non_ascii(text: &[u8]) -> bool {
    memmem::find_iter(text, b"\\u").any(|at| {
        let digits = text.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        code.is_some_and(|code| code > 0x7F)
    })
}

#[cfg(test)]
mod tests {
    use crate::record::loss_indicators::*;

    fn is_lost(value: &str) -> bool {
        let member = format!("{{\"Id\":\"1\",\"ReportName\" : \"{value}\",\"b\":2}}");
        let cell = format!("1,\"{}\"\n", member.replace('"', "\"\""));
        let text = serde_json::to_string(&member).unwrap();
        let found = [member, cell, text].map(|text| {
            LossIndicators::scan(text.as_bytes(), false).lost_characters.contains(value)
        });
        assert!(found.iter().all(|one| *one == found[0]), "{value}: {found:?}");
        let in_a_table = LossIndicators::scan(format!("1,{value},2\n").as_bytes(), true);
        assert_eq!(in_a_table.lost_characters.contains(value), found[0], "{value}");
        found[0]
    }

    #[test]
    fn lost_characters_are_distinguished_from_questions_and_urls() {
        for value in ["Verk?ufe", "?bersicht", "Caf?", "Qualit? 2024", "M??ller", "?????"] {
            assert!(is_lost(value), "{value}");
        }
        for value in ["Why are sales down?", "What is it??", "?", "a ? b", "x/y?z=1", "2?3"] {
            assert!(!is_lost(value), "{value}");
        }
        let url = br#"{"Url":"https://x.example/a?b","UserAgent":"a?b","ReportName":"R"}"#;
        assert_eq!(LossIndicators::scan(url, false), LossIndicators::default());
        let escaped = br#"{"ReportName":"Verk?ufe","DatasetName":"Verk\u00e4ufe"}"#;
        assert!(LossIndicators::scan(escaped, false).has_non_ascii);
        assert!(LossIndicators::scan("ü".as_bytes(), false).has_non_ascii);
    }

    #[test]
    fn objects_as_text_are_counted_if_they_are_whole_values() {
        let text = br#"{"Datasets":["System.Object[]"],"A":"System.Collections.Hashtable",
            "B" : "@{x=1; y=zoe@contoso.com}","C":"@{open","D":"a System.Object[]",
            "E":"System.Int"}"#;
        let indicators = LossIndicators::scan(text, false);
        assert_eq!(indicators.flattened, 3);
        assert_eq!(indicators.flattened_example.as_deref(), Some("System.Object[]"));
        let python = br#"1,"[{'Id': 'x', 'a': {'b': 1}}]",y"#;
        assert_eq!(LossIndicators::scan(python, true).flattened, 1);
        let python = br#"{"Datasets":"[{'Id': 'x'}]","Note":"it's {'"}"#;
        let indicators = LossIndicators::scan(python, false);
        assert_eq!(indicators.flattened_example.as_deref(), Some("Datasets: {'…'}"));
        assert_eq!(indicators.flattened, 1);
        let doubled = String::from_utf8_lossy(&text[31..]).replace('"', "\"\"");
        let indicators = LossIndicators::scan(doubled.as_bytes(), false);
        assert_eq!(indicators.flattened, 2);
        let example = indicators.flattened_example.as_deref();
        assert_eq!(example, Some("A: System.Collections.Hashtable"));
        let table = LossIndicators::scan(b"1,System.Object[],x\n2,3,System.Object[]", true);
        let no_table = LossIndicators::scan(b"1,System.Object[],x", false);
        assert_eq!((table.flattened, no_table.flattened), (2, 0));
    }

    #[test]
    fn result_does_not_depend_on_the_order_of_chunks() {
        let scan = |name: &str| {
            LossIndicators::scan(format!("{{\"aName\":\"{name}\"}}").as_bytes(), false)
        };
        let names = ["a?b", "c?d", "e?f", "g?h", "i?j"];
        let (mut forward, mut backward) = (LossIndicators::default(), LossIndicators::default());
        names.iter().for_each(|name| forward.add(scan(name)));
        names.iter().rev().for_each(|name| backward.add(scan(name)));
        assert_eq!(forward, backward);
        assert_eq!(forward.lost_characters.len(), MIN_SUSPECT_NAMES);
    }
}
