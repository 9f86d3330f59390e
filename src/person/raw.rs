//! Finds people in rejected text: JSON or a CSV row that is broken or truncated and cannot be
//! parsed.
//!
//! The text is searched for all ways to write quotes: plain, doubled (in a CSV cell) and escaped
//! (where JSON is the text of a value), and for objects as Python (`{'RecipientName': 'Zoe Doe'}`)
//! and PowerShell (`@{RecipientName=Zoe Doe; Id=7}`) write them. It replaces too much rather than
//! too little, since the text is not an event.

use std::borrow::Cow;

use super::address::{GUEST_SUFFIX, PERSONAL_WORKSPACE_PREFIX, is_part_of_address};
use super::find_addresses::replace_addresses;
use super::matcher::PersonMatcher;
use super::pseudonym::Pseudonymizer;
use crate::schema::{EventText, person_field_names};

/// Replaces the last word of a truncated text, since that can be the start of a name.
const TRUNCATION_MARK: &str = "…";

impl Pseudonymizer {
    /// Replaces every person in the text with a pseudonym.
    pub fn pseudonymize_raw(&self, raw: &str) -> String {
        let mut text = unescape(raw);
        text = self.pseudonymize_members(&text).unwrap_or(text);
        let workspaces = |name: &str| self.pseudonymize_workspace(name);
        text = replace_workspace_names(&text, workspaces).unwrap_or(text);
        text = self.pseudonymize_text(&text).unwrap_or(text);
        // The start of an address looks like any other word.
        let whole = text.len() - last_word(&text).len();
        if whole < text.len() && !is_pseudonym(&text[whole..]) {
            text.replace_range(whole.., TRUNCATION_MARK);
        }
        text
    }

    /// Replaces the values of all members that name people in a text that contains objects; `None`
    /// if there are none.
    pub(super) fn pseudonymize_members(&self, text: &str) -> Option<String> {
        // Addresses are replaced afterwards, with those of the rest of the text.
        let is_name = |replaced: &String| !replaced.contains('@');
        replace_person_members(text, |name, value| {
            self.pseudonymize_field(&EventText::new(name, value)).filter(is_name)
        })
    }
}

impl PersonMatcher {
    /// Replaces these people in the members of a text that contains objects; `None` if there are
    /// none. Python writes quotes that can also be part of an address.
    pub(super) fn redact_members(&self, text: &str) -> Option<String> {
        replace_person_members(text, |name, value| {
            self.redact_alone(&EventText::new(name, value)).or_else(|| self.redact_text(value))
        })
    }

    /// Replaces these people in a text that can be truncated in the middle of a name; `None` if the
    /// text contains none of them.
    pub fn redact_raw(&self, raw: &str) -> Option<String> {
        let (raw, replaced) = (unescape(raw), self.redact_words(raw));
        let text = replaced.as_deref().unwrap_or(&raw);
        let last = last_word(text);
        match self.is_truncated_person(&last.to_lowercase()) {
            true => Some(format!("{}{TRUNCATION_MARK}", &text[..text.len() - last.len()])),
            false => replaced,
        }
    }

    /// Replaces these people in a text; `None` if the text contains none of them. Unlike in the
    /// texts of events, ids and keys match any word.
    pub fn redact_words(&self, text: &str) -> Option<String> {
        let (mut text, mut is_found) = (unescape(text), false);
        let mut put = |replaced: Option<String>, text: &mut String| {
            if let Some(replaced) = replaced {
                (*text, is_found) = (replaced, true);
            }
        };
        for (name, pseudonym) in self.names_and_pseudonyms() {
            let replaced = replace_word(&text, name, &pseudonym);
            if replaced.is_some() {
                self.mark_name(name);
            }
            put(replaced, &mut text);
        }
        put(self.redact_members(&text), &mut text);
        let replaced = replace_workspace_names(&text, |name| self.redact_text(name));
        put(replaced, &mut text);
        // Excel truncates cells, so an address can be incomplete.
        let is_match = |address: &str| {
            self.matches(address) || self.is_truncated_person(&address.to_lowercase())
        };
        let pseudonym = |address: &str| {
            is_match(address).then(|| self.pseudonymizer.pseudonymize_address(address))
        };
        let missed = |address: &str| self.add_similar(address);
        let replaced = replace_addresses(&text, &pseudonym, &missed);
        put(replaced, &mut text);
        put(self.redact_personal_sites(&text), &mut text);
        is_found.then_some(text)
    }

    /// Returns true if a word is the start of an address of these people, with the whole local
    /// part, or more than half of one of their ids or keys.
    fn is_truncated_person(&self, word: &str) -> bool {
        let matches_address = |address: &str| {
            let (local, domain) = address.split_once('@').unwrap_or((address, ""));
            let guest = format!("{local}_{domain}{}", GUEST_SUFFIX.to_lowercase());
            let is_start = |whole: &str| whole.starts_with(word) && word.len() >= local.len();
            is_start(address) || is_start(&guest)
        };
        let matches_name = |name: &str| name.starts_with(word) && 2 * word.len() > name.len();
        !word.is_empty() && (self.any_address(matches_address) || self.any_name(matches_name))
    }
}

/// Replaces the escapes of characters (`\u0040` is `@`), however often their backslash is escaped
/// itself, and removes an incomplete escape at the end.
fn unescape(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("\\u") {
        let character = rest
            .get(at + 2..at + 6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32)
            .filter(|&c| c == ' ' || c == '@' || is_part_of_address(c));
        match character {
            Some(character) => {
                out.push_str(rest[..at].trim_end_matches('\\'));
                out.push(character);
                rest = &rest[at + 6..];
            }
            None => {
                out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    let before = out.trim_end_matches(|c: char| c.is_ascii_hexdigit());
    let whole = match before.strip_suffix("\\u") {
        Some(whole) if out.len() - before.len() < 4 => whole,
        _ => &out,
    };
    out.truncate(whole.trim_end_matches('\\').len());
    out
}

/// Replaces the values of members that name people for which `replacement` returns a text.
fn replace_person_members(
    text: &str,
    replacement: impl Fn(&str, &str) -> Option<String>,
) -> Option<String> {
    let (mut text, mut is_found) = (Cow::Borrowed(text), false);
    for name in person_field_names() {
        if let Some(replaced) = replace_member_values(&text, name, |value| replacement(name, value))
        {
            (text, is_found) = (Cow::Owned(replaced), true);
        }
    }
    is_found.then(|| text.into_owned())
}

/// Replaces the values of the members called `name` for which `replacement` returns a text.
fn replace_member_values(
    text: &str,
    name: &str,
    replacement: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let (name, bytes) = (name.as_bytes(), text.as_bytes());
    let (mut out, mut done, mut at, mut is_found) = (String::new(), 0, 0, false);
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.windows(name.len()).position(|word| word.eq_ignore_ascii_case(name)))
    {
        let end = at + found + name.len();
        at = end;
        let range = member_value_range(text, end).filter(|(start, _)| *start >= done);
        let Some((start, stop)) = range else { continue };
        if let Some(replaced) = replacement(&text[start..stop]) {
            out.push_str(&text[done..start]);
            out.push_str(&replaced);
            (done, at, is_found) = (stop, stop, true);
        }
    }
    out.push_str(&text[done..]);
    is_found.then_some(out)
}

/// Returns the range of the text value of the member whose name ends at `at`. The quote after the
/// name shows how quotes are written; PowerShell writes none.
fn member_value_range(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text[at..];
    if let Some(value) = rest.strip_prefix('=') {
        let start = text.len() - value.len();
        return Some((start, start + value.find([';', '}']).unwrap_or(value.len())));
    }
    let unescaped = rest.trim_start_matches('\\');
    let length = rest.len() - unescaped.trim_start_matches('"').len();
    let length = match unescaped.starts_with('\'') {
        true => rest.len() - unescaped.len() + 1,
        false => length,
    };
    let quote = &rest[..length];
    if !quote.ends_with(['"', '\'']) {
        return None;
    }
    let colon = rest[length..].trim_start().strip_prefix(':')?;
    let value = colon.trim_start();
    // Python writes a text that contains an apostrophe in double quotes.
    let quote = match quote {
        "'" if value.starts_with('"') => "\"",
        quote => quote,
    };
    let value = value.strip_prefix(quote)?;
    let start = text.len() - value.len();
    let is_end = |&(at, _): &(usize, &str)| !value[..at].ends_with('\\');
    let length = value.match_indices(quote).find(is_end).map_or(value.len(), |(at, _)| at);
    Some((start, start + length))
}

/// Replaces the names of personal workspaces for which `replacement` returns a text. A name ends at
/// a quote, a backslash or the end of the line.
fn replace_workspace_names(
    text: &str,
    replacement: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let (mut out, mut done, mut is_found) = (String::new(), 0, false);
    for (at, _) in text.match_indices(PERSONAL_WORKSPACE_PREFIX) {
        let rest = &text[at..];
        let end = at + rest.find(['"', '\\', '\r', '\n']).unwrap_or(rest.len());
        if let Some(replaced) = replacement(&text[at..end]) {
            out.push_str(&text[done..at]);
            out.push_str(&replaced);
            (done, is_found) = (end, true);
        }
    }
    out.push_str(&text[done..]);
    is_found.then_some(out)
}

/// Replaces a name, given in lower case, wherever it is a whole word.
fn replace_word(text: &str, name: &str, replacement: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    let lower = text.to_lowercase();
    // Positions are equal in both texts unless a character has another length in lower case.
    let text = if lower.len() == text.len() { text } else { &lower };
    let (mut out, mut done) = (String::new(), 0);
    for (at, _) in lower.match_indices(name) {
        let end = at + name.len();
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_inside = is_word(lower[..at].chars().next_back())
            || is_word(lower[end..].chars().next())
            || !text.is_char_boundary(at)
            || !text.is_char_boundary(end);
        if !is_inside {
            out.push_str(&text[done..at]);
            out.push_str(replacement);
            done = end;
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Returns the last word of a text. An address is one word.
fn last_word(text: &str) -> &str {
    let is_part = |c: char| c == '@' || is_part_of_address(c);
    &text[text.trim_end_matches(is_part).len()..]
}

/// Returns true if a word is a pseudonym, or an address with one.
fn is_pseudonym(word: &str) -> bool {
    let digits = word.strip_prefix("p-").and_then(|rest| rest.get(..16));
    digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonymizer() -> Pseudonymizer {
        Pseudonymizer::new(b"a key")
    }

    /// Returns a broken event in each way to write quotes.
    fn with_all_quotes(broken: &str) -> [String; 4] {
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
    fn truncated_text_keeps_no_person() {
        let event = [
            r#"{"UserKey":"1003BFFD8A1B2C3D", "userid" : "Zoe","UserUPN":"","#,
            r#""W":"PersonalWorkspace Zoe Doe","T":["zoe.doe\u0040contoso.com"],"#,
            r#""A":"max_x.com#EXT#@y.com"}"#,
        ]
        .concat();
        for cut in 0..=event.len() {
            for text in with_all_quotes(&event[..cut]) {
                let replaced = pseudonymizer().pseudonymize_raw(&text).to_lowercase();
                let found = NAMES.iter().find(|name| replaced.contains(**name));
                assert_eq!(found, None, "{text}\n{replaced}");
            }
        }
        let whole = pseudonymizer().pseudonymize_raw(&event);
        assert!(whole.contains(r#""UserUPN":"","W":"PersonalWorkspace p-"#), "{whole}");
        let user_key = pseudonymizer().pseudonymize_name("1003BFFD8A1B2C3D");
        assert!(whole.contains(&user_key), "{whole}");
    }

    #[test]
    fn given_people_are_found_in_every_form() {
        let mut persons = PersonMatcher::new(["zoe.doe@contoso.com"], pseudonymizer());
        persons.add_name("1003BFFD8A1B2C3D", 0);
        for given in [
            r#"{"a":"Zoe.Doe@Contoso.com""#,
            r#"{"a":"zoe.doe\u0040contoso.com"#,
            r#"{"a":"zoe.doe@con"#,
            r#"{"a":"zoe.doe_contoso.com#E"#,
            r#"{"a":"1003bffd8a1b2c3d"}"#,
            r#"{"a":"1003bffd8a1"#,
            r#"{"a":"PersonalWorkspace Doe, Zoe","b"#,
        ] {
            for text in with_all_quotes(given) {
                let replaced = persons.redact_raw(&text).unwrap_or_else(|| panic!("{text}"));
                let replaced = replaced.to_lowercase();
                assert!(!replaced.contains("zoe") && !replaced.contains("1003bf"), "{replaced}");
                assert_eq!(persons.redact_raw(&replaced), None, "{replaced}");
            }
        }
        for other in ["joezoe.doe@contoso.com", "x1003bffd8a1b2c3d", "zoe", "zoe.d", "", "1003"] {
            for text in with_all_quotes(other) {
                assert_eq!(persons.redact_raw(&text), None, "{text}");
            }
        }
    }
}
