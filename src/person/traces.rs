//! Searches bytes for traces of people, to check that a replacement has missed none.
//!
//! This is the second look: it searches for the bytes of an address, without the rules by which
//! texts are replaced. It shares with them only the decoding of escapes, and which longer address
//! is another mailbox.

use std::collections::BTreeSet;

use memchr::memmem;

use super::address::{GUEST_SUFFIX, is_part_of_address};
use super::encoding::{can_contain_escape, decoded_text};
use super::find_addresses::domains;
use super::matcher::PersonMatcher;

/// The most levels of escapes that are decoded.
const MAX_LEVELS: usize = 3;

impl PersonMatcher {
    /// Returns the addresses of these people, and the names of their personal sites, that bytes
    /// contain. Longer addresses that can be other mailboxes are left out.
    pub fn find_traces(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut traces = BTreeSet::new();
        let mut text = String::from_utf8_lossy(bytes).to_lowercase();
        for _ in 0..MAX_LEVELS {
            self.add_traces(&text, &mut traces);
            if !can_contain_escape(&text) {
                break;
            }
            let decoded = decoded_text(&text).to_lowercase();
            if decoded == text {
                break;
            }
            text = decoded;
        }
        traces
    }

    fn add_traces(&self, text: &str, traces: &mut BTreeSet<String>) {
        for address in self.addresses.keys() {
            if is_address_in(text, address) || is_guest_in(text, address) {
                traces.insert(address.clone());
            }
        }
        for site in self.sites.keys() {
            if is_site_in(text, site) {
                traces.insert(site.clone());
            }
        }
    }
}

/// Returns the texts before and after each occurrence of a text.
fn around<'t>(text: &'t str, found: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
    let finder = memmem::Finder::new(found.as_bytes()).into_owned();
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + finder.find(text.as_bytes().get(from..)?)?;
        from = at + 1;
        Some((text.get(..at)?, text.get(at + found.len()..)?))
    })
}

/// Returns true if a local part does not continue before a position.
fn is_start_of_local(before: &str) -> bool {
    let rest = before.trim_end_matches(['\'', '#']);
    rest.len() < before.len() || !before.ends_with(is_part_of_address)
}

fn is_address_in(text: &str, address: &str) -> bool {
    let own_domain = address.split_once('@').map_or("", |(_, domain)| domain);
    around(text, address).any(|(before, after)| {
        let is_domain = |c: char| c.is_alphanumeric() || ".-".contains(c);
        let more = &after[..after.find(|c| !is_domain(c)).unwrap_or(after.len())];
        let domain = format!("{own_domain}{more}");
        let domain = domain.trim_end_matches(['.', '-']);
        is_start_of_local(before) && domains(domain).contains(&own_domain)
    })
}

fn is_guest_in(text: &str, address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return false };
    let guest = format!("{local}_{domain}{}", GUEST_SUFFIX.to_lowercase());
    around(text, &guest).any(|(before, _)| is_start_of_local(before))
}

fn is_site_in(text: &str, site: &str) -> bool {
    around(text, site).any(|(before, after)| {
        let is_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        let is_longer = after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        !before.ends_with(is_word) && (!is_longer || after.starts_with("_ext_"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::Pseudonymizer;

    fn traces(bytes: &[u8]) -> Vec<String> {
        let persons = PersonMatcher::new(["Anna@contoso.com"], Pseudonymizer::new(b"a key"));
        persons.find_traces(bytes).into_iter().collect()
    }

    #[test]
    fn traces_are_found_in_any_bytes() {
        for bytes in [
            &b"anna@contoso.com"[..],
            b"\x00\x10\xffANNA@Contoso.com\x00",
            b"joanna@contoso.com anna@contoso.com",
            b"'anna@contoso.com.json",
            b"live.com#anna@contoso.com",
            b"anna%40contoso.com",
            b"anna%2540contoso.com",
            b"\\\\u0027anna\\\\u0040contoso.com",
            b"anna_contoso.com#EXT#@fabrikam.com",
            b"anna_contoso.com%23EXT%23",
        ] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(traces(bytes), ["anna@contoso.com"], "{text}");
        }
        for site in [&b"/personal/anna_contoso_com/"[..], b"%2Fpersonal%2FAnna%5Fcontoso%5Fcom%2F"]
        {
            assert_eq!(traces(site), ["anna_contoso_com"]);
        }
    }

    #[test]
    fn other_mailboxes_are_no_traces() {
        for bytes in [
            "joanna@contoso.com",
            "x.anna@contoso.com",
            "anna@contoso.com.au",
            "anna@contoso.community",
            "jo\u{f8}anna@contoso.com",
            "joanna_contoso_com",
            "p-0123456789abcdef@contoso.com",
            "",
        ] {
            assert_eq!(traces(bytes.as_bytes()), [""; 0], "{bytes}");
        }
    }
}
