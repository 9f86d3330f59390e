//! Finds addresses in texts, in every spelling that means one mailbox without doubt.

use std::ops::Range;

use super::address::{GUEST_SUFFIX, is_part_of_address};
use super::encoding::{DecodedChar, can_contain_escape, decode};

/// Extensions of files that are named after a person. None is the end of a domain, except that
/// `zip` is the end of a few domains, but of many more files.
const FILE_EXTENSIONS: [&str; 41] = [
    "json", "ndjson", "jsonl", "csv", "tsv", "txt", "log", "xml", "htm", "html", "xlsx", "xls",
    "xlsm", "docx", "doc", "pptx", "pbix", "pbit", "pdf", "rdl", "eml", "msg", "png", "jpg", "gz",
    "tgz", "zip", "tar", "zst", "bz2", "xz", "7z", "rar", "parquet", "avro", "orc", "crc", "tmp",
    "temp", "bak", "old",
];

/// The most starts of an address that are tried.
const MAX_STARTS: usize = 16;

/// Replaces the addresses in a text for which `replacement` returns a text. `missed` gets every
/// other address.
///
/// Escapes are decoded. The longest local part is tried first, then those that start after a quote
/// or an escape. So `'zoe@contoso.com'` in an OData filter and `zoe@contoso.com.json` are
/// recognized, but `x.zoe@contoso.com` and `zoe@contoso.com.au`, which are other mailboxes, are
/// not.
pub(super) fn replace_addresses(
    text: &str,
    replacement: &dyn Fn(&str) -> Option<String>,
    missed: &dyn Fn(&str),
) -> Option<String> {
    let has_sign = memchr::memchr2(b'@', b'#', text.as_bytes()).is_some();
    if !has_sign && !can_contain_escape(text) {
        return None;
    }
    let chars = decode(text);
    let (mut out, mut done, mut first, mut at) = (String::new(), 0, 0, 0);
    while at < chars.len() {
        let span = AddressSpan::at(&chars, first, at);
        at += 1;
        let Some(span) = span else { continue };
        match span.find(text, replacement) {
            Some((range, replaced)) => {
                out.push_str(&text[done..chars[range.start].start]);
                out.push_str(&replaced);
                done = chars[range.end - 1].end;
                (first, at) = (range.end, range.end);
            }
            None => missed(&span.longest()),
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// The characters around a sign that are or contain an address.
struct AddressSpan<'t> {
    chars: &'t [DecodedChar],
    /// The local part and what can be before it.
    local: Range<usize>,
    /// The position of `@`; `None` for the name of a guest without the domain after it.
    sign: Option<usize>,
    /// The domain and what can be after it.
    domain: Range<usize>,
}

impl<'t> AddressSpan<'t> {
    /// Returns the span around the sign at a position, which starts at `first` or later; `None` if
    /// there is no sign.
    fn at(chars: &'t [DecodedChar], first: usize, at: usize) -> Option<AddressSpan<'t>> {
        let is_at_sign = chars[at].value == '@';
        let end = if is_at_sign { at } else { end_of_guest_name(chars, at)? };
        let start = chars[first..at].iter().rposition(|c| !is_part_of_address(c.value));
        let start = start.map_or(first, |position| first + position + 1);
        let mut span = AddressSpan { chars, local: start..end, sign: None, domain: end..end };
        if is_at_sign {
            let is_domain = |c: &DecodedChar| c.value.is_alphanumeric() || ".-".contains(c.value);
            let after = chars.get(at + 1..).unwrap_or_default();
            let length = after.iter().position(|c| !is_domain(c)).unwrap_or(after.len());
            // `zoe@contoso.com..json`: a label of a domain is never empty.
            let empty_label = after[..length].windows(2).position(|c| c.iter().all(is_dot));
            let length = empty_label.unwrap_or(length);
            let last = after[..length].iter().rposition(|c| c.value.is_alphanumeric());
            span.sign = Some(at);
            span.domain = at + 1..at + 1 + last.map_or(0, |last| last + 1);
        }
        span.local.start = span.first_start();
        let has_name = chars[span.local.clone()].first().is_some_and(|c| c.value != '#');
        let is_whole = has_name && (span.sign.is_none() || !span.domain.is_empty());
        is_whole.then_some(span)
    }

    /// Returns the start of the longest local part. It follows the last `#`, except that of a
    /// guest's name: Microsoft accounts are `live.com#zoe@contoso.com`.
    fn first_start(&self) -> usize {
        let own = &self.chars[self.local.clone()];
        let is_guest = own.len().checked_sub(GUEST_SUFFIX.len());
        let is_guest = is_guest.filter(|&at| is_guest_suffix(&own[at..]));
        let body = &own[..is_guest.unwrap_or(own.len())];
        let after_hash = body.iter().rposition(|c| c.value == '#').map_or(0, |at| at + 1);
        let rest = &body[after_hash..];
        let before = rest.iter().take_while(|c| "'.%".contains(c.value)).count();
        self.local.start + after_hash + before
    }

    /// Returns the positions where the local part can start: the first one, and the nearest ones
    /// after a quote or an escape.
    fn starts(&self) -> Vec<usize> {
        let Range { start, end } = self.local;
        let is_start = |&at: &usize| {
            let before = self.chars[at - 1];
            let is_separator = before.is_escaped
                && !before.value.is_alphanumeric()
                && !"._+-".contains(before.value);
            is_separator || before.value == '\'' || before.is_escape_letter
        };
        let later = (start + 1..end).rev().filter(is_start).take(MAX_STARTS - 1);
        let mut starts: Vec<usize> = later.collect();
        starts.push(start);
        starts.reverse();
        starts
    }

    /// Returns the positions where the domain can end, the shortest domain first.
    fn ends(&self) -> Vec<usize> {
        let domain = self.text(self.domain.clone());
        let lengths = domains(&domain).into_iter().rev().map(|domain| domain.chars().count());
        lengths.map(|length| self.domain.start + length).collect()
    }

    fn text(&self, range: Range<usize>) -> String {
        self.chars[range].iter().map(|character| character.value).collect()
    }

    fn longest(&self) -> String {
        self.address(self.local.start, self.domain.end)
    }

    fn address(&self, start: usize, end: usize) -> String {
        let local = self.text(start..self.local.end);
        format!("{local}@{}", self.text(self.domain.start..end))
    }

    /// Returns the range of the first address that is replaced, with its replacement.
    fn find(
        &self,
        text: &str,
        replacement: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(Range<usize>, String)> {
        let ends = if self.sign.is_some() { self.ends() } else { vec![self.domain.end] };
        self.starts().into_iter().find_map(|start| {
            ends.iter().find_map(|&end| {
                let replaced = replacement(&self.address(start, end))?;
                Some((start..end, self.encode_as_found(&replaced, text)))
            })
        })
    }

    /// Writes a replacement with the escapes of the text that it replaces.
    fn encode_as_found(&self, replaced: &str, text: &str) -> String {
        let Some(sign) = self.sign else { return replaced.trim_end_matches('@').to_owned() };
        let sign = &text[self.chars[sign].start..self.chars[sign].end];
        let replaced = match sign.starts_with('%') {
            true => replaced.replace('#', &sign.replace("40", "23")),
            false => replaced.to_owned(),
        };
        replaced.replace('@', sign)
    }
}

/// Returns the end of the suffix of a guest's name that starts at a position and has no `@` after
/// it.
fn end_of_guest_name(chars: &[DecodedChar], at: usize) -> Option<usize> {
    let end = at + GUEST_SUFFIX.len();
    let is_suffix = chars.get(at..end).is_some_and(is_guest_suffix);
    (is_suffix && chars.get(end).is_none_or(|next| next.value != '@')).then_some(end)
}

fn is_dot(character: &DecodedChar) -> bool {
    character.value == '.'
}

fn is_guest_suffix(chars: &[DecodedChar]) -> bool {
    let letters = chars.iter().map(|character| character.value.to_ascii_uppercase());
    letters.eq(GUEST_SUFFIX.chars())
}

/// Returns the texts that can be the domain of an address, the longest one first.
pub(super) fn domains(domain: &str) -> Vec<&str> {
    let mut domains: Vec<&str> = (!domain.is_empty()).then_some(domain).into_iter().collect();
    let mut rest = domain;
    while let Some((before, label)) = rest.rsplit_once('.') {
        let is_extension = FILE_EXTENSIONS.iter().any(|known| label.eq_ignore_ascii_case(known));
        let is_number = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
        // `zoe@contoso.com-2026.csv`: no top-level domain but a punycode one contains a hyphen.
        let is_punycode = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        rest = match label.split_once('-') {
            _ if is_extension || is_number => before,
            Some((end, _)) if !is_punycode && !end.is_empty() => {
                &rest[..before.len() + 1 + end.len()]
            }
            _ => break,
        };
        if !rest.is_empty() {
            domains.push(rest);
        }
    }
    domains
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::person::address::canonical_address;

    /// Replaces the address of one person, as `forget` does.
    fn redacted(text: &str) -> Option<String> {
        let is_hers = |address: &str| canonical_address(address) == "anna@contoso.com";
        let pseudonym = |address: &str| is_hers(address).then(|| "p-1@contoso.com".to_owned());
        replace_addresses(text, &pseudonym, &|_| {})
    }

    #[test]
    fn address_is_found_in_every_unambiguous_spelling() {
        for text in [
            "anna@contoso.com",
            "mail ANNA@Contoso.com.",
            "mail anna@contoso.com..json",
            "<anna@contoso.com>",
            "mailto:anna@contoso.com",
            "UserId eq 'anna@contoso.com'",
            "''anna@contoso.com''",
            "#anna@contoso.com",
            "live.com#anna@contoso.com",
            "i:0#.f|membership|anna@contoso.com",
            "i%3A0%23.f%7Cmembership%7Canna%40contoso.com",
            "%27anna@contoso.com%27",
            "$filter=UserId%20eq%20%27anna%40contoso.com%27",
            "anna%40contoso.com",
            "%61nna%40contoso%2Ecom",
            "anna%2540contoso.com",
            "anna\\u0040contoso.com",
            "anna\\\\u0040contoso.com",
            "\\u0027anna@contoso.com\\u0027",
            "\\u003canna\\u0040contoso.com\\u003e",
            "first\\nanna@contoso.com\\nlast",
            "anna&#64;contoso.com",
            "&lt;anna&#x40;contoso.com&gt;",
            "anna_x0040_contoso.com",
            "anna@contoso.com.json",
            "C:\\logs\\anna@contoso.com-2026.csv",
            "anna@contoso.com.2026-03-01.json",
            "anna@contoso.com.json.gz",
            "anna@contoso.com.zip/inner.zip/x.json",
            "anna@contoso.com-final",
            "anna@contoso.com_2026 (1).json",
            "anna_contoso.com#EXT#@fabrikam.onmicrosoft.com",
            "anna_contoso.com%23EXT%23%40fabrikam.onmicrosoft.com",
            "live.com#anna_contoso.com#EXT#@fabrikam.onmicrosoft.com",
            "anna_contoso.com#EXT#",
            "anna_contoso.com#ext#.json",
        ] {
            let found = redacted(text).unwrap_or_default();
            assert!(
                found.contains("p-1") && !found.to_lowercase().contains("anna"),
                "{text}: {found}"
            );
        }
        assert_eq!(
            redacted("$filter=UserId%20eq%20%27anna%40contoso.com%27").unwrap(),
            "$filter=UserId%20eq%20%27p-1%40contoso.com%27"
        );
        assert_eq!(redacted("anna@contoso.com-2026.csv").unwrap(), "p-1@contoso.com-2026.csv");
        let long = format!("{}anna@contoso.com", "a'".repeat(100_000));
        assert!(redacted(&long).is_some_and(|text| text.ends_with("'p-1@contoso.com")));
    }

    #[test]
    fn other_mailboxes_are_not_found_but_passed_on() {
        for text in [
            "joanna@contoso.com",
            "x.anna@contoso.com",
            "to+anna@contoso.com",
            "usage_anna@contoso.com",
            "report-anna@contoso.com",
            "o'anna-lena@contoso.com",
            "anna@contoso.com.au",
            "anna@contoso.community",
            "anna@mail-contoso.com",
            "x%2Banna@contoso.com",
        ] {
            let missed = RefCell::new(Vec::new());
            let none = replace_addresses(text, &|_| None, &|address| {
                missed.borrow_mut().push(address.to_owned());
            });
            assert_eq!((none, redacted(text)), (None, None), "{text}");
            assert_eq!(missed.into_inner(), [text.replace("%2B", "+")]);
        }
        assert_eq!(redacted("anna at contoso.com"), None);
    }

    #[test]
    fn shortest_domain_and_longest_local_part_are_the_address() {
        for (text, address) in [
            ("anna@contoso.com.2026-03.json", "anna@contoso.com"),
            ("live.com#anna@contoso.com", "anna@contoso.com"),
            ("o'brien@contoso.com", "o'brien@contoso.com"),
            ("a_b.c#EXT#@d.e", "a_b.c#EXT#@d.e"),
            ("x#a_b.c#EXT#@d.e", "a_b.c#EXT#@d.e"),
        ] {
            let found = RefCell::new(String::new());
            let keep = |address: &str| {
                *found.borrow_mut() = address.to_owned();
                Some(address.to_owned())
            };
            assert_eq!(replace_addresses(text, &keep, &|_| {}).as_deref(), Some(text));
            assert_eq!(found.into_inner(), address, "{text}");
        }
    }
}
