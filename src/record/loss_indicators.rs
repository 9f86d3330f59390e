//! Signs in the text of records that something was lost before it was written: letters that became
//! `?`, and objects that became their own names. A pure function of bytes, looked for in whole
//! pieces at a time, because a look at each value would cost too much.

use std::collections::BTreeSet;

use memchr::memmem;

/// Values with lost letters that are remembered: so many different ones are no accident.
pub const MIN_SUSPECT_NAMES: usize = 3;

/// A value is looked at so far to either side.
const MAX_VALUE_BYTES: usize = 256;

/// Text of an object is looked at so far for its end.
const MAX_OBJECT_BYTES: usize = 4096;

/// What was seen in some text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossIndicators {
    /// Whether there are letters beyond ASCII, plain or escaped: whoever wrote it lost none.
    pub has_non_ascii: bool,
    /// Different names with a `?` where a letter was, the first few by the alphabet.
    pub lost_characters: BTreeSet<String>,
    /// Values that are the text of an object or a list.
    pub flattened: u64,
    /// One of them, with its name where it has one.
    pub flattened_example: Option<String>,
}

impl LossIndicators {
    /// Looks at a piece of text: of a table whose cells are values, or else of JSON in whatever
    /// way its quotes are written.
    pub fn scan(text: &[u8], is_table: bool) -> LossIndicators {
        let mut signs =
            LossIndicators { has_non_ascii: !text.is_ascii(), ..LossIndicators::default() };
        if !signs.has_non_ascii {
            signs.find_lost_characters(text, is_table);
        }
        signs.find_flattened(text, is_table);
        signs
    }

    /// Adds what was seen in another piece of the same source.
    pub fn add(&mut self, other: LossIndicators) {
        self.has_non_ascii |= other.has_non_ascii;
        self.lost_characters.extend(other.lost_characters);
        while self.lost_characters.len() > MIN_SUSPECT_NAMES {
            self.lost_characters.pop_last();
        }
        self.flattened += other.flattened;
        // Pieces come in any order, and the example is to be the same every time.
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
        // Asked only now: hardly any source has both.
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

fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'\t' | b'\r' | b'\n')
}

/// Where the value stands that has this position.
fn value_around(text: &[u8], at: usize, is_table: bool) -> (usize, usize) {
    let is_edge = |byte: &u8| *byte == b'"' || *byte == b'\\' || is_table && is_separator(*byte);
    let before = &text[at.saturating_sub(MAX_VALUE_BYTES)..at];
    let behind = &text[at..text.len().min(at + MAX_VALUE_BYTES)];
    let start = before
        .iter()
        .rposition(is_edge)
        .map_or(at - before.len(), |edge| at - before.len() + edge + 1);
    let end = behind.iter().position(is_edge).map_or(at + behind.len(), |edge| at + edge);
    (start, end)
}

/// The name of the member whose text value begins here, with quotes however they are written.
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

/// Whether a name has a `?` in the place of a letter: between letters, in front of one, or behind
/// one where it asks no question; or several side by side, of a name without any ASCII. A question
/// ends its text, and has more than one word.
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
        let (before, behind) = (is_letter(start.checked_sub(1)), is_letter(Some(at)));
        let may_ask = at == value.len() && value.contains(&b' ');
        if behind || before && !may_ask || at - start >= 3 && !before {
            return true;
        }
    }
    false
}

/// Whether a letter beyond ASCII is written as an escape.
fn has_escaped_non_ascii(text: &[u8]) -> bool {
    memmem::find_iter(text, b"\\u").any(|at| {
        let digits = text.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).is_some_and(|of| of > 0x7F)
    })
}

#[cfg(test)]
mod tests {
    use crate::record::loss_indicators::*;

    fn lost(value: &str) -> bool {
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
    fn letters_that_became_question_marks_are_told_from_questions_and_addresses() {
        for value in ["Verk?ufe", "?bersicht", "Caf?", "Qualit? 2024", "M??ller", "?????"] {
            assert!(lost(value), "{value}");
        }
        for value in ["Why are sales down?", "What is it??", "?", "a ? b", "x/y?z=1", "2?3"] {
            assert!(!lost(value), "{value}");
        }
        let url = br#"{"Url":"https://x.example/a?b","UserAgent":"a?b","ReportName":"R"}"#;
        assert_eq!(LossIndicators::scan(url, false), LossIndicators::default());
        let escaped = br#"{"ReportName":"Verk?ufe","DatasetName":"Verk\u00e4ufe"}"#;
        assert!(LossIndicators::scan(escaped, false).has_non_ascii);
        assert!(LossIndicators::scan("ü".as_bytes(), false).has_non_ascii);
    }

    #[test]
    fn objects_that_became_text_are_counted_where_they_are_whole_values() {
        let text = br#"{"Datasets":["System.Object[]"],"A":"System.Collections.Hashtable",
            "B" : "@{x=1; y=zoe@contoso.com}","C":"@{open","D":"a System.Object[]",
            "E":"System.Int"}"#;
        let signs = LossIndicators::scan(text, false);
        assert_eq!(signs.flattened, 3);
        assert_eq!(signs.flattened_example.as_deref(), Some("System.Object[]"));
        let doubled = String::from_utf8_lossy(&text[31..]).replace('"', "\"\"");
        let signs = LossIndicators::scan(doubled.as_bytes(), false);
        assert_eq!(signs.flattened, 2);
        assert_eq!(signs.flattened_example.as_deref(), Some("A: System.Collections.Hashtable"));
        let table = LossIndicators::scan(b"1,System.Object[],x\n2,3,System.Object[]", true);
        assert_eq!(
            (table.flattened, LossIndicators::scan(b"1,System.Object[],x", false).flattened),
            (2, 0)
        );
    }

    #[test]
    fn pieces_give_the_same_in_any_order() {
        let of = |name: &str| {
            LossIndicators::scan(format!("{{\"aName\":\"{name}\"}}").as_bytes(), false)
        };
        let names = ["a?b", "c?d", "e?f", "g?h", "i?j"];
        let (mut there, mut back) = (LossIndicators::default(), LossIndicators::default());
        names.iter().for_each(|name| there.add(of(name)));
        names.iter().rev().for_each(|name| back.add(of(name)));
        assert_eq!(there, back);
        assert_eq!(there.lost_characters.len(), MIN_SUSPECT_NAMES);
    }
}
