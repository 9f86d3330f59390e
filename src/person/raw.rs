//! Persons in text that was rejected: JSON or a row of CSV, whole, broken or cut, so that nothing
//! can be parsed. It is searched as it stands, in every way that quotes are written: plain, doubled
//! in a cell of CSV, and escaped where JSON is the text of a value.
//!
//! What is found here is replaced rather too often than too seldom: the text is no event.

use super::{
    GUEST_SUFFIX, PERSONAL_WORKSPACE_PREFIX, PersonMatcher, Pseudonymizer, is_part_of_address,
    replace_addresses,
};

/// What stands where a text was cut in a word that may have been a name.
const TRUNCATION_MARK: &str = "…";

/// Members that hold the name or the key of a person, whatever they are.
const PERSON_FIELDS: [&str; 3] = ["UserId", "UserUPN", "UserKey"];

impl Pseudonymizer {
    /// The text with a pseudonym in the place of every person.
    pub fn pseudonymize_raw(&self, raw: &str) -> String {
        let mut text = unescape(raw);
        for name in PERSON_FIELDS {
            text = replace_member_values(&text, name, |value| self.pseudonymize_field(name, value));
        }
        text = replace_workspace_names(&text, |owned| self.pseudonymize_workspace(owned))
            .unwrap_or(text);
        text = self.pseudonymize_text(&text).unwrap_or(text);
        // The beginning of an address cannot be told from any other word.
        let whole = text.len() - last_word(&text).len();
        if whole < text.len() && !is_pseudonym(&text[whole..]) {
            text.replace_range(whole.., TRUNCATION_MARK);
        }
        text
    }
}

impl PersonMatcher {
    /// The text without them; `None` where they are not in it. It may have been cut in one of their
    /// names.
    pub fn redact_raw(&self, raw: &str) -> Option<String> {
        let (raw, replaced) = (unescape(raw), self.redact_words(raw));
        let text = replaced.as_deref().unwrap_or(&raw);
        let last = last_word(text);
        match self.is_truncated_person(&last.to_lowercase()) {
            true => Some(format!("{}{TRUNCATION_MARK}", &text[..text.len() - last.len()])),
            false => replaced,
        }
    }

    /// The text without them; `None` where they are not in it. Other than in the texts of events,
    /// their ids and keys are found as words of any text.
    pub fn redact_words(&self, text: &str) -> Option<String> {
        let (mut text, mut is_found) = (unescape(text), false);
        let mut put = |replaced: Option<String>, text: &mut String| {
            if let Some(replaced) = replaced {
                (*text, is_found) = (replaced, true);
            }
        };
        for name in &self.names {
            let replaced = replace_word(&text, name, &self.pseudonymizer.pseudonymize_name(name));
            put(replaced, &mut text);
        }
        let replaced = replace_workspace_names(&text, |owned| self.redact_text(owned));
        put(replaced, &mut text);
        // Excel cuts cells, which ends an address before its time.
        let is_theirs = |address: &str| {
            self.matches(address) || self.is_truncated_person(&address.to_lowercase())
        };
        let theirs = |address: &str| {
            is_theirs(address).then(|| self.pseudonymizer.pseudonymize_address(address))
        };
        let replaced = replace_addresses(&text, theirs);
        put(replaced, &mut text);
        is_found.then_some(text)
    }

    /// Whether a word is the beginning of one of their addresses, with all of the local part, or
    /// most of one of their keys.
    fn is_truncated_person(&self, word: &str) -> bool {
        let of_address = |address: &String| {
            let (local, domain) = address.split_once('@').unwrap_or((address, ""));
            let guest = format!("{local}_{domain}{}", GUEST_SUFFIX.to_lowercase());
            let is_begun = |whole: &str| whole.starts_with(word) && word.len() >= local.len();
            is_begun(address) || is_begun(&guest)
        };
        let of_name = |name: &String| name.starts_with(word) && 2 * word.len() > name.len();
        !word.is_empty()
            && (self.addresses.iter().any(of_address) || self.names.iter().any(of_name))
    }
}

/// The text with letters in the place of their escapes (`\u0040` is `@`), however often the
/// backslash itself is escaped, and without the beginning of an escape at its end.
fn unescape(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("\\u") {
        let letter = rest
            .get(at + 2..at + 6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32)
            .filter(|&letter| letter == ' ' || letter == '@' || is_part_of_address(letter));
        match letter {
            Some(letter) => {
                out.push_str(rest[..at].trim_end_matches('\\'));
                out.push(letter);
                rest = &rest[at + 6..];
            }
            None => {
                out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    let before = out.trim_end_matches(|letter: char| letter.is_ascii_hexdigit());
    let whole = match before.strip_suffix("\\u") {
        Some(whole) if out.len() - before.len() < 4 => whole,
        _ => &out,
    };
    out.truncate(whole.trim_end_matches('\\').len());
    out
}

/// The text with other values of the members of a name.
fn replace_member_values(text: &str, name: &str, by: impl Fn(&str) -> Option<String>) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (at, _) in lower.match_indices(&name.to_ascii_lowercase()) {
        let Some((start, end)) = member_value_range(text, at + name.len()).filter(|_| at >= done)
        else {
            continue;
        };
        if let Some(replaced) = by(&text[start..end]) {
            out.push_str(&text[done..start]);
            out.push_str(&replaced);
            done = end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// Where the text value of the member stands whose name ends here: the quote behind the name tells
/// how quotes are written.
fn member_value_range(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text[at..];
    let length = rest.len() - rest.trim_start_matches('\\').trim_start_matches('"').len();
    let quote = &rest[..length];
    if !quote.ends_with('"') {
        return None;
    }
    let colon = rest[length..].trim_start().strip_prefix(':')?;
    let value = colon.trim_start().strip_prefix(quote)?;
    let start = text.len() - value.len();
    let is_end = |&(at, _): &(usize, &str)| !value[..at].ends_with('\\');
    let length = value.match_indices(quote).find(is_end).map_or(value.len(), |(at, _)| at);
    Some((start, start + length))
}

/// The text with other names of personal workspaces: a name ends where the quote does, or the line.
fn replace_workspace_names(text: &str, by: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut out, mut done, mut is_found) = (String::new(), 0, false);
    for (at, _) in text.match_indices(PERSONAL_WORKSPACE_PREFIX) {
        let rest = &text[at..];
        let end = at + rest.find(['"', '\\', '\r', '\n']).unwrap_or(rest.len());
        if let Some(replaced) = by(&text[at..end]) {
            out.push_str(&text[done..at]);
            out.push_str(&replaced);
            (done, is_found) = (end, true);
        }
    }
    out.push_str(&text[done..]);
    is_found.then_some(out)
}

/// The text with another name, given in lower case, where it stands as a word of its own.
fn replace_word(text: &str, name: &str, other: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    let lower = text.to_lowercase();
    // Positions are those of the text as long as no letter has another length in lower case.
    let text = if lower.len() == text.len() { text } else { &lower };
    let (mut out, mut done) = (String::new(), 0);
    for (at, _) in lower.match_indices(name) {
        let end = at + name.len();
        let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        let is_inside = is_word(lower[..at].chars().next_back())
            || is_word(lower[end..].chars().next())
            || !text.is_char_boundary(at)
            || !text.is_char_boundary(end);
        if !is_inside {
            out.push_str(&text[done..at]);
            out.push_str(other);
            done = end;
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// The word that a text ends in, an address being one word.
fn last_word(text: &str) -> &str {
    let is_part = |letter: char| letter == '@' || is_part_of_address(letter);
    &text[text.trim_end_matches(is_part).len()..]
}

/// Whether a word is a pseudonym, or an address with one.
fn is_pseudonym(word: &str) -> bool {
    let digits = word.strip_prefix("p-").and_then(|rest| rest.get(..16));
    digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonyms() -> Pseudonymizer {
        Pseudonymizer::new(b"a key")
    }

    /// The same broken event with every way of writing quotes.
    fn everywhere(broken: &str) -> [String; 4] {
        let escaped = broken.replace('\\', "\\\\").replace('"', "\\\"");
        [
            broken.to_owned(),
            format!("7,\"{}", broken.replace('"', "\"\"")),
            format!("{{\"AuditData\":\"{escaped}"),
            format!("1,\"{}", escaped.replace('"', "\"\"")),
        ]
    }

    const NAMES: [&str; 5] = ["zoe", "doe", "1003bf", "max", "contosozoe"];

    #[test]
    fn no_person_is_left_in_text_that_is_broken_anywhere() {
        let event = [
            r#"{"UserKey":"1003BFFD8A1B2C3D", "userid" : "Zoe","UserUPN":"","#,
            r#""W":"PersonalWorkspace Zoe Doe","T":["zoe.doe\u0040contoso.com"],"#,
            r#""A":"max_x.com#EXT#@y.com"}"#,
        ]
        .concat();
        for cut in 0..=event.len() {
            for text in everywhere(&event[..cut]) {
                let replaced = pseudonyms().pseudonymize_raw(&text).to_lowercase();
                let found = NAMES.iter().find(|name| replaced.contains(**name));
                assert_eq!(found, None, "{text}\n{replaced}");
            }
        }
        let whole = pseudonyms().pseudonymize_raw(&event);
        assert!(whole.contains(r#""UserUPN":"","W":"PersonalWorkspace p-"#), "{whole}");
        assert!(whole.contains(&pseudonyms().pseudonymize_name("1003BFFD8A1B2C3D")), "{whole}");
    }

    #[test]
    fn those_who_are_meant_are_found_in_every_form_and_nobody_else() {
        let mut persons = PersonMatcher::new(["zoe.doe@contoso.com"], pseudonyms());
        persons.add_name("1003BFFD8A1B2C3D");
        for theirs in [
            r#"{"a":"Zoe.Doe@Contoso.com""#,
            r#"{"a":"zoe.doe\u0040contoso.com"#,
            r#"{"a":"zoe.doe@con"#,
            r#"{"a":"zoe.doe_contoso.com#E"#,
            r#"{"a":"1003bffd8a1b2c3d"}"#,
            r#"{"a":"1003bffd8a1"#,
            r#"{"a":"PersonalWorkspace Doe, Zoe","b"#,
        ] {
            for text in everywhere(theirs) {
                let replaced = persons.redact_raw(&text).unwrap_or_else(|| panic!("{text}"));
                let replaced = replaced.to_lowercase();
                assert!(!replaced.contains("zoe") && !replaced.contains("1003bf"), "{replaced}");
                assert_eq!(persons.redact_raw(&replaced), None, "{replaced}");
            }
        }
        for other in ["joezoe.doe@contoso.com", "x1003bffd8a1b2c3d", "zoe", "zoe.d", "", "1003"] {
            for text in everywhere(other) {
                assert_eq!(persons.redact_raw(&text), None, "{text}");
            }
        }
    }
}
