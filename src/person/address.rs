//! Finds addresses in texts and recognizes the forms that mean one person.

/// The start of the name of a personal workspace. The name of its owner follows.
pub(super) const PERSONAL_WORKSPACE_PREFIX: &str = "PersonalWorkspace ";

/// The suffix of a guest's name in the directory of the tenant that invited the guest.
pub(super) const GUEST_SUFFIX: &str = "#EXT#";

/// Returns the address by which a person is matched, in lower case. For a guest, this is the
/// address in the guest's own organization.
pub(super) fn canonical_address(address: &str) -> String {
    let address = address.to_lowercase();
    match address.split_once('@').and_then(|(local, _)| parse_guest(local)) {
        Some((name, own_domain)) => format!("{name}@{own_domain}"),
        None => address,
    }
}

/// Splits the local part of a guest's address, `zoe_contoso.com#EXT#`, into name and own domain.
pub(super) fn parse_guest(local: &str) -> Option<(&str, &str)> {
    let at = local.len().checked_sub(GUEST_SUFFIX.len())?;
    let is_external = local.get(at..)?.eq_ignore_ascii_case(GUEST_SUFFIX);
    is_external.then(|| local[..at].rsplit_once('_')).flatten()
}

/// Returns true if the owner of a workspace (`Zoe Doe`) consists of the words of an address
/// (`zoe.doe@contoso.com`).
pub(super) fn is_named_after(owner: &str, address: &str) -> bool {
    let local = address.split_once('@').map_or(address, |(local, _)| local);
    let (owner, local) = (sorted_words(owner), sorted_words(local));
    owner == local || owner.concat() == local.concat()
}

/// Returns the words of a name, in lower case and in alphabetical order.
pub(super) fn sorted_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.sort();
    words
}

/// Returns true if a character can occur before the `@` of an address.
pub(super) fn is_part_of_address(character: char) -> bool {
    character.is_alphanumeric() || "._%+-'#".contains(character)
}

/// The ways to write the character between the parts of an address: plain, in a URL, and in JSON
/// inside a JSON string.
const AT_SIGNS: [&str; 3] = ["@", "%40", "\\u0040"];

/// Extensions of files that are named after a person. None is the end of a domain.
const FILE_EXTENSIONS: [&str; 14] = [
    "json", "ndjson", "jsonl", "csv", "txt", "xlsx", "xls", "pbix", "pbit", "pdf", "gz", "parquet",
    "tmp", "log",
];

/// The most starts of an address that are tried.
const MAX_STARTS: usize = 16;

/// Replaces the addresses in a text for which `replacement` returns a text.
///
/// The longest text that can be an address is tried first. Then shorter ones are tried: after a
/// quote, `#` or an escape of a URL, and before the extension of a file. So `'zoe@contoso.com'` in
/// an OData filter and `zoe@contoso.com.json` are recognized, but `x.zoe@contoso.com` and
/// `zoe@contoso.com.au`, which are other mailboxes, are not.
pub(super) fn replace_addresses(
    text: &str,
    replacement: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let (mut out, mut done) = (String::new(), 0);
    for (at, sign) in at_signs(text) {
        if at < done {
            continue;
        }
        let is_domain = |c: char| c.is_alphanumeric() || ".-".contains(c);
        let local = &text[text[done..at].trim_end_matches(is_part_of_address).len() + done..at];
        let after = &text[at + sign.len()..];
        let domain = &after[..after.find(|c| !is_domain(c)).unwrap_or(after.len())];
        let domains = domains(domain.trim_end_matches(['.', '-']));
        let found = local_parts(local).find_map(|local| {
            domains.iter().find_map(|domain| {
                let replaced = replacement(&format!("{local}@{domain}"))?;
                Some((at - local.len(), at + sign.len() + domain.len(), replaced))
            })
        });
        if let Some((start, end, replaced)) = found {
            out.push_str(&text[done..start]);
            out.push_str(&replaced.replace('@', sign));
            done = end;
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Returns the position and the text of everything that means `@`.
fn at_signs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    memchr::memchr3_iter(b'@', b'%', b'\\', bytes).filter_map(move |at| {
        let is_sign = |sign: &&&str| {
            bytes
                .get(at..at + sign.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(sign.as_bytes()))
        };
        let sign = AT_SIGNS.iter().find(is_sign)?;
        // Each further level of JSON in a string doubles the backslash.
        let escapes = match sign.starts_with('\\') {
            true => at - text[..at].trim_end_matches('\\').len(),
            false => 0,
        };
        Some((at - escapes, &text[at - escapes..at + sign.len()]))
    })
}

/// Returns the texts that can be the local part of an address, the longest one first.
fn local_parts(local: &str) -> impl Iterator<Item = &str> {
    let local = local.trim_start_matches(['\'', '#']);
    let starts = local.char_indices().map(|(at, _)| at).filter(|&at| {
        let before = &local[..at];
        before.is_empty() || before.ends_with(['\'', '#']) || ends_with_url_escape(before)
    });
    starts.take(MAX_STARTS).map(|at| &local[at..])
}

/// Returns true if a text ends with the escape of a character that no address contains: `%27`.
fn ends_with_url_escape(text: &str) -> bool {
    let escape = text.len().checked_sub(3).and_then(|at| text.get(at..));
    let digits = escape.and_then(|escape| escape.strip_prefix('%'));
    let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    code.is_some_and(|code| !code.is_ascii_alphanumeric() && !b"._+-".contains(&code))
}

/// Returns the texts that can be the domain of an address, the longest one first.
fn domains(domain: &str) -> Vec<&str> {
    let mut domains: Vec<&str> = (!domain.is_empty()).then_some(domain).into_iter().collect();
    let mut rest = domain;
    while let Some((before, label)) = rest.rsplit_once('.') {
        let is_extension = FILE_EXTENSIONS.iter().any(|known| label.eq_ignore_ascii_case(known));
        // `zoe@contoso.com-2026.csv`: no top-level domain but a punycode one contains a hyphen.
        let is_punycode = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        rest = match label.split_once('-') {
            _ if is_extension => before,
            Some((end, _)) if !is_punycode && !end.is_empty() => {
                &rest[..before.len() + 1 + end.len()]
            }
            _ => break,
        };
        domains.push(rest);
    }
    domains
}

/// Replaces the owners of personal sites, whose paths contain the address with underscores
/// (`/personal/zoe_contoso_com/`), for which `replacement` returns a text.
pub(super) fn replace_personal_sites(
    text: &str,
    replacement: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let (mut out, mut done) = (String::new(), 0);
    let marks = memchr::memchr2_iter(b'p', b'P', text.as_bytes());
    let is_mark = |at: &usize| {
        let mark = text.get(*at..*at + PERSONAL_SITE.len());
        mark.is_some_and(|mark| mark.eq_ignore_ascii_case(PERSONAL_SITE))
    };
    for at in marks.filter(is_mark).map(|at| at + PERSONAL_SITE.len()) {
        let is_owner = |c: char| c.is_alphanumeric() || c == '_';
        let owner = &text[at..][..text[at..].find(|c| !is_owner(c)).unwrap_or(text.len() - at)];
        if let Some(replaced) = replacement(owner).filter(|_| at >= done && !owner.is_empty()) {
            out.push_str(&text[done..at]);
            out.push_str(&replaced);
            done = at + owner.len();
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// The part before the owner in the path of a personal site in SharePoint.
const PERSONAL_SITE: &str = "personal/";

/// Returns the name of the personal site of an address, in lower case.
pub(super) fn personal_site_of(address: &str) -> String {
    let to_site = |c: char| if c.is_alphanumeric() { c } else { '_' };
    address.to_lowercase().chars().map(to_site).collect()
}

/// Returns the length of a JSON string, given the text after its opening quote.
pub(super) fn string_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replaces the address of one person, as `forget` does.
    fn redacted(text: &str) -> Option<String> {
        let is_hers = |address: &str| canonical_address(address) == "anna@contoso.com";
        replace_addresses(text, |address| is_hers(address).then(|| "p-1@contoso.com".to_owned()))
    }

    #[test]
    fn address_is_found_in_every_unambiguous_spelling() {
        for text in [
            "anna@contoso.com",
            "mail ANNA@Contoso.com.",
            "<anna@contoso.com>",
            "mailto:anna@contoso.com",
            "UserId eq 'anna@contoso.com'",
            "''anna@contoso.com''",
            "#anna@contoso.com",
            "live.com#anna@contoso.com",
            "%27anna@contoso.com%27",
            "$filter=UserId%20eq%20%27anna%40contoso.com%27",
            "anna%40contoso.com",
            "anna\\u0040contoso.com",
            "anna\\\\u0040contoso.com",
            "anna@contoso.com.json",
            "C:\\logs\\anna@contoso.com-2026.csv",
            "anna@contoso.com.json.gz",
            "anna@contoso.com-final",
            "anna_contoso.com#EXT#@fabrikam.onmicrosoft.com",
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
        assert_eq!(redacted(&long), None, "the number of attempts is limited");
    }

    #[test]
    fn other_mailboxes_are_not_found() {
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
            "%2Banna@contoso.com",
            "anna at contoso.com",
        ] {
            assert_eq!(redacted(text), None, "{text}");
        }
    }

    #[test]
    fn owner_of_a_personal_site_is_found() {
        let site =
            |owner: &str| (owner == personal_site_of("Anna@contoso.com")).then(|| "p-1".to_owned());
        let url = "https://contoso-my.sharepoint.com/personal/anna_contoso_com/Documents";
        let found = replace_personal_sites(url, site).unwrap();
        assert_eq!(found, "https://contoso-my.sharepoint.com/personal/p-1/Documents");
        for other in ["/personal/joanna_contoso_com", "/personal/", "anna_contoso_com", "personal"]
        {
            assert_eq!(replace_personal_sites(other, site), None, "{other}");
        }
    }
}
