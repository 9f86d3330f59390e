//! Signs in the text of records that something was lost before it was written: letters that became
//! `?`, and objects that became their own names. A pure function of bytes, looked for in whole
//! pieces at a time, because a look at each value would cost too much.

use std::collections::BTreeSet;

use memchr::memmem;

/// Values with lost letters that are remembered: so many different ones are no accident.
pub const LOST_MIN: usize = 3;

/// A value is looked at so far to either side.
const VALUE_MAX: usize = 256;

/// Text of an object is looked at so far for its end.
const OBJECT_MAX: usize = 4096;

/// What was seen in some text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Whether there are letters beyond ASCII, plain or escaped: whoever wrote it lost none.
    pub is_beyond_ascii: bool,
    /// Different names with a `?` where a letter was, the first few by the alphabet.
    pub lost_letters: BTreeSet<String>,
    /// Values that are the text of an object or a list.
    pub flattened: u64,
    /// One of them, with its name where it has one.
    pub flattened_example: Option<String>,
}

impl Signs {
    /// Looks at a piece of text: of a table whose cells are values, or else of JSON in whatever
    /// way its quotes are written.
    pub fn of(text: &[u8], is_table: bool) -> Signs {
        let mut signs = Signs { is_beyond_ascii: !text.is_ascii(), ..Signs::default() };
        if !signs.is_beyond_ascii {
            signs.look_for_lost_letters(text, is_table);
        }
        signs.look_for_flattened(text, is_table);
        signs
    }

    /// Adds what was seen in another piece of the same source.
    pub fn add(&mut self, other: Signs) {
        self.is_beyond_ascii |= other.is_beyond_ascii;
        self.lost_letters.extend(other.lost_letters);
        while self.lost_letters.len() > LOST_MIN {
            self.lost_letters.pop_last();
        }
        self.flattened += other.flattened;
        // Pieces come in any order, and the example is to be the same every time.
        self.flattened_example = match (self.flattened_example.take(), other.flattened_example) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
    }

    fn look_for_lost_letters(&mut self, text: &[u8], is_table: bool) {
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
                false => member(text, start).is_some_and(|name| ends_with(name, b"name")),
            };
            if is_name && has_lost_letter(value) {
                self.lost_letters.insert(String::from_utf8_lossy(value).into_owned());
                if self.lost_letters.len() > LOST_MIN {
                    self.lost_letters.pop_last();
                }
            }
        }
        // Asked only now: hardly any source has both.
        if !self.lost_letters.is_empty() && has_escaped_letter(text) {
            self.is_beyond_ascii = true;
        }
    }

    fn look_for_flattened(&mut self, text: &[u8], is_table: bool) {
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
                self.flattened(text, at, &String::from_utf8_lossy(found));
            }
        }
        for at in memmem::find_iter(text, b"\"@{") {
            let rest = &text[at + 1..text.len().min(at + OBJECT_MAX)];
            let Some(end) = memchr::memchr(b'"', rest) else { continue };
            let escapes = rest[..end].iter().rev().take_while(|&&byte| byte == b'\\').count();
            if rest[..end - escapes].ends_with(b"}") {
                self.flattened(text, at + 1, "@{…}");
            }
        }
    }

    fn flattened(&mut self, text: &[u8], at: usize, value: &str) {
        self.flattened += 1;
        if self.flattened_example.is_none() {
            let name = member(text, at).map(|name| String::from_utf8_lossy(name).into_owned());
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
    let before = &text[at.saturating_sub(VALUE_MAX)..at];
    let behind = &text[at..text.len().min(at + VALUE_MAX)];
    let start = before
        .iter()
        .rposition(is_edge)
        .map_or(at - before.len(), |edge| at - before.len() + edge + 1);
    let end = behind.iter().position(is_edge).map_or(at + behind.len(), |edge| at + edge);
    (start, end)
}

/// The name of the member whose text value begins here, with quotes however they are written.
fn member(text: &[u8], value: usize) -> Option<&[u8]> {
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
fn has_lost_letter(value: &[u8]) -> bool {
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
fn has_escaped_letter(text: &[u8]) -> bool {
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
        let found = [member, cell, text]
            .map(|text| Signs::of(text.as_bytes(), false).lost_letters.contains(value));
        assert!(found.iter().all(|one| *one == found[0]), "{value}: {found:?}");
        let in_a_table = Signs::of(format!("1,{value},2\n").as_bytes(), true);
        assert_eq!(in_a_table.lost_letters.contains(value), found[0], "{value}");
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
        assert_eq!(Signs::of(url, false), Signs::default());
        let escaped = br#"{"ReportName":"Verk?ufe","DatasetName":"Verk\u00e4ufe"}"#;
        assert!(Signs::of(escaped, false).is_beyond_ascii);
        assert!(Signs::of("ü".as_bytes(), false).is_beyond_ascii);
    }

    #[test]
    fn objects_that_became_text_are_counted_where_they_are_whole_values() {
        let text = br#"{"Datasets":["System.Object[]"],"A":"System.Collections.Hashtable",
            "B" : "@{x=1; y=zoe@contoso.com}","C":"@{open","D":"a System.Object[]",
            "E":"System.Int"}"#;
        let signs = Signs::of(text, false);
        assert_eq!(signs.flattened, 3);
        assert_eq!(signs.flattened_example.as_deref(), Some("System.Object[]"));
        let doubled = String::from_utf8_lossy(&text[31..]).replace('"', "\"\"");
        let signs = Signs::of(doubled.as_bytes(), false);
        assert_eq!(signs.flattened, 2);
        assert_eq!(signs.flattened_example.as_deref(), Some("A: System.Collections.Hashtable"));
        let table = Signs::of(b"1,System.Object[],x\n2,3,System.Object[]", true);
        assert_eq!((table.flattened, Signs::of(b"1,System.Object[],x", false).flattened), (2, 0));
    }

    #[test]
    fn pieces_give_the_same_in_any_order() {
        let of = |name: &str| Signs::of(format!("{{\"aName\":\"{name}\"}}").as_bytes(), false);
        let names = ["a?b", "c?d", "e?f", "g?h", "i?j"];
        let (mut there, mut back) = (Signs::default(), Signs::default());
        names.iter().for_each(|name| there.add(of(name)));
        names.iter().rev().for_each(|name| back.add(of(name)));
        assert_eq!(there, back);
        assert_eq!(there.lost_letters.len(), LOST_MIN);
    }
}
