//! Persons in texts: where their addresses stand, and what stands there instead of them.
//!
//! Owns: what an address is, which of its forms mean one person, and pseudonyms. Pure functions of
//! texts: it knows no events, no columns and no store.
//!
//! A pseudonym keeps the domain, so that guests are still told from members, and nothing else:
//! `zoe@contoso.com` becomes `p-1f4e6a0c9d2b7e83@contoso.com`. It is made with a key (BLAKE3 as a
//! keyed hash), so that whoever has only the pseudonyms cannot try names until one fits.

mod raw;

use std::collections::BTreeSet;

/// Makes pseudonyms: with one key, a person always has the same.
#[derive(Clone)]
pub struct Pseudonymizer {
    key: [u8; 32],
}

impl Pseudonymizer {
    /// With a key of any length.
    pub fn new(key: &[u8]) -> Self {
        Pseudonymizer { key: blake3::derive_key("pbi-analyze 2026 pseudonyms of persons", key) }
    }

    /// With a key that nobody has, not even this program when it is over.
    pub fn with_random_key() -> Self {
        let bytes = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(uuid::Uuid::into_bytes);
        Pseudonymizer::new(&bytes.concat())
    }

    /// A text by which it can be told whether two keys are the same one, and nothing else.
    pub fn key_id(&self) -> String {
        self.token("check", "")
    }

    /// The pseudonym of a name that is no address, such as a user key.
    pub fn pseudonymize_name(&self, name: &str) -> String {
        format!("p-{}", self.token("name", &name.to_lowercase()))
    }

    /// The text with a pseudonym in the place of every address; `None` where there is none.
    pub fn pseudonymize_text(&self, text: &str) -> Option<String> {
        replace_addresses(text, |address| Some(self.pseudonymize_address(address)))
    }

    /// `PersonalWorkspace Zoe Doe` is named after its owner; `None` for any other name.
    pub fn pseudonymize_workspace(&self, name: &str) -> Option<String> {
        let owner = name.strip_prefix(PERSONAL_WORKSPACE_PREFIX)?;
        Some(format!(
            "{PERSONAL_WORKSPACE_PREFIX}p-{}",
            self.token("name", &sorted_words(owner).join(" "))
        ))
    }

    /// What a text of an event becomes that stands under a name; `None` where it stays.
    ///
    /// Names of users and their keys are replaced whatever they are, but for what means nobody
    /// (anonymous visitors, the system) and for ids of services; everywhere else, addresses and
    /// the owners of personal workspaces are.
    pub fn pseudonymize_field(&self, name: &str, text: &str) -> Option<String> {
        const NOBODY: [&str; 4] = ["", "anonymous", "unknown", "system"];
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let is_user = is("UserId") || is("UserUPN");
        let is_somebody = !NOBODY.contains(&text.to_lowercase().as_str());
        if (is("UserKey") && !text.contains('@')
            || is_user && !is_guid_like(text) && !text.contains('@'))
            && is_somebody
        {
            return Some(self.pseudonymize_name(text));
        }
        self.pseudonymize_workspace(text).or_else(|| self.pseudonymize_text(text))
    }

    /// What stands for a person in events whose texts this has replaced.
    pub fn pseudonymize_user(&self, user: &str) -> String {
        self.pseudonymize_field("UserId", user).unwrap_or_else(|| user.to_owned())
    }

    fn pseudonymize_address(&self, address: &str) -> String {
        let person = canonical_address(address);
        let name = format!("p-{}", self.token("address", &person));
        let (local, domain) = address.split_once('@').unwrap_or((address, ""));
        match parse_guest(local) {
            Some((_, home)) => format!("{name}_{home}{GUEST_SUFFIX}@{domain}"),
            None => format!("{name}@{domain}"),
        }
    }

    /// 16 hexadecimal digits.
    fn token(&self, kind: &str, text: &str) -> String {
        let mut hash = blake3::Hasher::new_keyed(&self.key);
        hash.update(kind.as_bytes()).update(&[0]).update(text.as_bytes());
        hash.finalize().as_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for Pseudonymizer {
    /// A key is never shown.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Pseudonyms")
    }
}

/// Persons to be found in texts, and their pseudonyms.
#[derive(Debug)]
pub struct PersonMatcher {
    addresses: BTreeSet<String>,
    /// Ids and keys that mean them, in lower case.
    names: BTreeSet<String>,
    pseudonymizer: Pseudonymizer,
}

impl PersonMatcher {
    /// Those of these addresses or ids.
    pub fn new<'n>(named: impl IntoIterator<Item = &'n str>, pseudonyms: Pseudonymizer) -> Self {
        let (addresses, names): (BTreeSet<_>, BTreeSet<_>) =
            named.into_iter().map(canonical_address).partition(|name| name.contains('@'));
        PersonMatcher { addresses, names, pseudonymizer: pseudonyms }
    }

    /// Adds an id or key that means one of them.
    pub fn add_name(&mut self, name: &str) {
        self.names.insert(name.to_lowercase());
    }

    /// Whether a user is one of them.
    pub fn matches(&self, user: &str) -> bool {
        let user = canonical_address(user);
        self.addresses.contains(&user) || self.names.contains(&user)
    }

    /// The text with pseudonyms in their place; `None` where they are not in it. Ids and keys are
    /// found where they are the whole text, or a whole string of a text that is JSON.
    pub fn redact_text(&self, text: &str) -> Option<String> {
        if self.names.contains(&text.to_lowercase()) {
            return Some(self.pseudonymizer.pseudonymize_name(text));
        }
        if let Some(owner) = text.strip_prefix(PERSONAL_WORKSPACE_PREFIX)
            && self.addresses.iter().any(|address| is_named_after(owner, address))
        {
            return self.pseudonymizer.pseudonymize_workspace(text);
        }
        let theirs = |address: &str| {
            self.addresses
                .contains(&canonical_address(address))
                .then(|| self.pseudonymizer.pseudonymize_address(address))
        };
        let replaced = replace_addresses(text, theirs);
        match self.redact_json(replaced.as_deref().unwrap_or(text)) {
            Some(deeper) => Some(deeper),
            None => replaced,
        }
    }

    fn redact_json(&self, text: &str) -> Option<String> {
        if !text.starts_with(['{', '[']) {
            return None;
        }
        let (mut out, mut rest, mut changed) = (String::new(), text, false);
        while let Some(start) = rest.find('"') {
            let inside = &rest[start + 1..];
            let Some(len) = string_length(inside) else { break };
            let (string, behind) = inside.split_at(len);
            out.push_str(&rest[..=start]);
            if self.names.contains(&string.to_lowercase()) {
                out.push_str(&self.pseudonymizer.pseudonymize_name(string));
                changed = true;
            } else {
                match string.strip_prefix(PERSONAL_WORKSPACE_PREFIX) {
                    Some(_) => match self.redact_text(string) {
                        Some(replaced) => {
                            out.push_str(&replaced);
                            changed = true;
                        }
                        None => out.push_str(string),
                    },
                    None => out.push_str(string),
                }
            }
            out.push('"');
            rest = &behind[1..];
        }
        out.push_str(rest);
        changed.then_some(out)
    }
}

const PERSONAL_WORKSPACE_PREFIX: &str = "PersonalWorkspace ";

/// What stands behind a guest's name in the directory of the host.
const GUEST_SUFFIX: &str = "#EXT#";

/// The person that an address means, in lower case: a guest is who they are at home.
fn canonical_address(address: &str) -> String {
    let address = address.to_lowercase();
    match address.split_once('@').and_then(|(local, _)| parse_guest(local)) {
        Some((name, home)) => format!("{name}@{home}"),
        None => address,
    }
}

/// Name and home domain of a guest's local part, `zoe_contoso.com#EXT#`.
fn parse_guest(local: &str) -> Option<(&str, &str)> {
    let at = local.len().checked_sub(GUEST_SUFFIX.len())?;
    let is_external = local.get(at..)?.eq_ignore_ascii_case(GUEST_SUFFIX);
    is_external.then(|| local[..at].rsplit_once('_')).flatten()
}

/// Whether a workspace's owner, `Zoe Doe`, has the words of an address, `zoe.doe@contoso.com`.
fn is_named_after(owner: &str, address: &str) -> bool {
    let local = address.split_once('@').map_or(address, |(local, _)| local);
    let (owner, local) = (sorted_words(owner), sorted_words(local));
    owner == local || owner.concat() == local.concat()
}

/// Whether a text is a GUID: services have no other name.
fn is_guid_like(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// The words of a name, in lower case and in the order of letters.
fn sorted_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.sort();
    words
}

/// Whether a letter may stand in front of the @ of an address.
fn is_part_of_address(letter: char) -> bool {
    letter.is_alphanumeric() || "._%+-'#".contains(letter)
}

/// Replaces the addresses in a text that `by` has something for.
fn replace_addresses(text: &str, by: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut out, mut done) = (String::new(), 0);
    for (at, _) in text.match_indices('@') {
        if at < done {
            continue;
        }
        let is_domain = |letter: char| letter.is_alphanumeric() || ".-".contains(letter);
        let left = text[done..at].trim_end_matches(is_part_of_address).len() + done;
        let right = &text[at + 1..];
        let right = &right[..right.find(|letter| !is_domain(letter)).unwrap_or(right.len())];
        let right = at + 1 + right.trim_end_matches(['.', '-']).len();
        if left == at || right == at + 1 {
            continue;
        }
        if let Some(replaced) = by(&text[left..right]) {
            out.push_str(&text[done..left]);
            out.push_str(&replaced);
            done = right;
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// The length of a JSON string whose text behind the first quote is given.
fn string_length(text: &str) -> Option<usize> {
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

    fn pseudonyms() -> Pseudonymizer {
        Pseudonymizer::new(b"a key")
    }

    #[test]
    fn a_person_has_one_pseudonym_in_all_forms_and_keeps_the_domain() {
        let of = |text: &str| pseudonyms().pseudonymize_text(text).unwrap();
        let zoe = of("zoe.doe@contoso.com");
        assert!(zoe.starts_with("p-") && zoe.ends_with("@contoso.com") && zoe.len() == 30, "{zoe}");
        assert_eq!(of("Zoe.Doe@Contoso.com"), zoe.replace("contoso", "Contoso"));
        let name = zoe.split_once('@').unwrap().0;
        assert_eq!(
            of("zoe.doe_contoso.com#EXT#@fabrikam.onmicrosoft.com"),
            format!("{name}_contoso.com#EXT#@fabrikam.onmicrosoft.com")
        );
        assert_eq!(of("shared with <zoe.doe@contoso.com>, a@b.c."), {
            format!("shared with <{zoe}>, {}.", of("a@b.c"))
        });
        assert_ne!(
            Pseudonymizer::new(b"other").pseudonymize_text("zoe.doe@contoso.com").unwrap(),
            zoe
        );
        for text in ["", "@odata.type", "x @ y", "Zoe Doe", "a@"] {
            assert_eq!(pseudonyms().pseudonymize_text(text), None, "{text}");
        }
    }

    #[test]
    fn only_those_who_are_meant_are_replaced() {
        let mut persons = PersonMatcher::new(["Anna@contoso.com"], pseudonyms());
        persons.add_name("1003BFFD8A1B2C3D");
        assert!(persons.matches("anna@contoso.com") && !persons.matches("joanna@contoso.com"));
        assert!(persons.matches("anna_contoso.com#ext#@fabrikam.com"));
        assert_eq!(persons.redact_text("joanna@contoso.com; hanna@contoso.com"), None);
        let both = persons.redact_text("joanna@contoso.com; anna@contoso.com").unwrap();
        assert!(both.starts_with("joanna@contoso.com; p-"), "{both}");
        assert!(persons.redact_text("1003bffd8a1b2c3d").unwrap().starts_with("p-"));
        let json =
            persons.redact_text(r#"{"k":"1003BFFD8A1B2C3D","v":"x\"anna@contoso.com"}"#).unwrap();
        assert!(
            !json.contains("1003") && !json.contains("anna") && json.ends_with(r#"@contoso.com"}"#)
        );
    }

    #[test]
    fn a_personal_workspace_is_named_after_its_owner() {
        let persons = PersonMatcher::new(["zoe.doe@contoso.com"], pseudonyms());
        for name in ["PersonalWorkspace Zoe Doe", "PersonalWorkspace Doe, Zoe"] {
            let replaced = persons.redact_text(name).unwrap();
            assert!(replaced.starts_with("PersonalWorkspace p-"), "{replaced}");
        }
        assert_eq!(persons.redact_text("PersonalWorkspace Zoe Miller"), None);
        assert_eq!(persons.redact_text("Zoe Doe"), None);
    }
}
