//! Finds people in texts and replaces them with pseudonyms.
//!
//! A pseudonym keeps the domain, so that guests can still be distinguished from members, and nothing
//! else: `zoe@contoso.com` becomes `p-1f4e6a0c9d2b7e83@contoso.com`. It is made with a key (BLAKE3 as
//! a keyed hash), so that somebody who has only the pseudonyms cannot try names until one matches.

mod raw;

use std::collections::BTreeSet;

use crate::schema::guid::is_guid;

/// Makes pseudonyms. One key always gives a person the same pseudonym.
#[derive(Clone)]
pub struct Pseudonymizer {
    key: [u8; 32],
}

impl Pseudonymizer {
    /// Creates a pseudonymizer from a key of any length.
    pub fn new(key: &[u8]) -> Self {
        Pseudonymizer { key: blake3::derive_key("pbi-analyze 2026 pseudonyms of persons", key) }
    }

    /// Creates a pseudonymizer with a random key, which is lost when the program ends.
    ///
    /// # Errors
    ///
    /// [`getrandom::Error`] if the operating system has no random numbers.
    pub fn with_random_key() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Pseudonymizer::new(&key))
    }

    /// Returns the id of the key. Equal keys have equal ids, and an id does not reveal its key.
    pub fn key_id(&self) -> String {
        self.token("check", "")
    }

    /// Returns the pseudonym of a name that is not an address, for example of a user key.
    pub fn pseudonymize_name(&self, name: &str) -> String {
        format!("p-{}", self.token("name", &name.to_lowercase()))
    }

    /// Replaces every address in a text with its pseudonym; `None` if there is no address.
    pub fn pseudonymize_text(&self, text: &str) -> Option<String> {
        replace_addresses(text, |address| Some(self.pseudonymize_address(address)))
    }

    /// Replaces the owner in the name of a personal workspace (`PersonalWorkspace Zoe Doe`); `None`
    /// for any other name.
    pub fn pseudonymize_workspace(&self, name: &str) -> Option<String> {
        let owner = name.strip_prefix(PERSONAL_WORKSPACE_PREFIX)?;
        Some(format!("{PERSONAL_WORKSPACE_PREFIX}p-{}", self.token("name", &sorted_words(owner).join(" "))))
    }

    /// Pseudonymizes the text of an event's field called `name`; `None` if the text stays as it is.
    ///
    /// In `UserId`, `UserUPN` and `UserKey`, the whole text is replaced. Exceptions are texts that
    /// mean no person (anonymous visitors, the system) and GUIDs of services in `UserId` and
    /// `UserUPN`. In all other fields, addresses and the owners of personal workspaces are replaced.
    pub fn pseudonymize_field(&self, name: &str, text: &str) -> Option<String> {
        const NOBODY: [&str; 4] = ["", "anonymous", "unknown", "system"];
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let is_user = is("UserId") || is("UserUPN");
        let is_person = !NOBODY.contains(&text.to_lowercase().as_str());
        let is_name = is("UserKey") || is_user && !is_guid(text);
        if is_name && is_person && !text.contains('@') {
            return Some(self.pseudonymize_name(text));
        }
        self.pseudonymize_workspace(text).or_else(|| self.pseudonymize_text(text))
    }

    /// Returns the `UserId` that a user has in pseudonymized events.
    pub fn pseudonymize_user(&self, user: &str) -> String {
        self.pseudonymize_field("UserId", user).unwrap_or_else(|| user.to_owned())
    }

    fn pseudonymize_address(&self, address: &str) -> String {
        let person = canonical_address(address);
        let name = format!("p-{}", self.token("address", &person));
        let (local, domain) = address.split_once('@').unwrap_or((address, ""));
        match parse_guest(local) {
            Some((_, own_domain)) => format!("{name}_{own_domain}{GUEST_SUFFIX}@{domain}"),
            None => format!("{name}@{domain}"),
        }
    }

    /// Returns the keyed hash of a text as 16 hexadecimal digits.
    fn token(&self, kind: &str, text: &str) -> String {
        let mut hash = blake3::Hasher::new_keyed(&self.key);
        hash.update(kind.as_bytes()).update(&[0]).update(text.as_bytes());
        hash.finalize().as_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for Pseudonymizer {
    /// Writes the type only, never the key.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Pseudonymizer")
    }
}

/// Finds certain people in texts and replaces them with pseudonyms.
#[derive(Debug)]
pub struct PersonMatcher {
    addresses: BTreeSet<String>,
    /// Ids and keys of these people, in lower case.
    names: BTreeSet<String>,
    pseudonymizer: Pseudonymizer,
}

impl PersonMatcher {
    /// Creates a matcher of the people with these addresses or ids.
    pub fn new<'n>(users: impl IntoIterator<Item = &'n str>, pseudonymizer: Pseudonymizer) -> Self {
        let (addresses, names): (BTreeSet<_>, BTreeSet<_>) =
            users.into_iter().map(canonical_address).partition(|name| name.contains('@'));
        PersonMatcher { addresses, names, pseudonymizer }
    }

    /// Adds an id or key of one of these people.
    pub fn add_name(&mut self, name: &str) {
        self.names.insert(name.to_lowercase());
    }

    /// Returns true if a user is one of these people.
    pub fn matches(&self, user: &str) -> bool {
        let user = canonical_address(user);
        self.addresses.contains(&user) || self.names.contains(&user)
    }

    /// Replaces these people in a text with pseudonyms; `None` if the text contains none of them.
    /// Ids and keys match only the whole text, or a whole string in a text that is JSON.
    pub fn redact_text(&self, text: &str) -> Option<String> {
        if self.names.contains(&text.to_lowercase()) {
            return Some(self.pseudonymizer.pseudonymize_name(text));
        }
        if let Some(owner) = text.strip_prefix(PERSONAL_WORKSPACE_PREFIX)
            && self.addresses.iter().any(|address| is_named_after(owner, address))
        {
            return self.pseudonymizer.pseudonymize_workspace(text);
        }
        let pseudonym = |address: &str| {
            let is_match = self.addresses.contains(&canonical_address(address));
            is_match.then(|| self.pseudonymizer.pseudonymize_address(address))
        };
        let replaced = replace_addresses(text, pseudonym);
        self.redact_json(replaced.as_deref().unwrap_or(text)).or(replaced)
    }

    fn redact_json(&self, text: &str) -> Option<String> {
        if !text.starts_with(['{', '[']) {
            return None;
        }
        let (mut out, mut rest, mut changed) = (String::new(), text, false);
        while let Some(start) = rest.find('"') {
            let inside = &rest[start + 1..];
            let Some(len) = string_length(inside) else { break };
            let (string, after) = inside.split_at(len);
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
            rest = &after[1..];
        }
        out.push_str(rest);
        changed.then_some(out)
    }
}

const PERSONAL_WORKSPACE_PREFIX: &str = "PersonalWorkspace ";

/// The suffix of a guest's name in the directory of the tenant that invited the guest.
const GUEST_SUFFIX: &str = "#EXT#";

/// Returns the address by which a person is matched, in lower case. For a guest, this is the address
/// in the guest's own organization.
fn canonical_address(address: &str) -> String {
    let address = address.to_lowercase();
    match address.split_once('@').and_then(|(local, _)| parse_guest(local)) {
        Some((name, own_domain)) => format!("{name}@{own_domain}"),
        None => address,
    }
}

/// Splits the local part of a guest's address, `zoe_contoso.com#EXT#`, into name and own domain.
fn parse_guest(local: &str) -> Option<(&str, &str)> {
    let at = local.len().checked_sub(GUEST_SUFFIX.len())?;
    let is_external = local.get(at..)?.eq_ignore_ascii_case(GUEST_SUFFIX);
    is_external.then(|| local[..at].rsplit_once('_')).flatten()
}

/// Returns true if the owner of a workspace (`Zoe Doe`) consists of the words of an address
/// (`zoe.doe@contoso.com`).
fn is_named_after(owner: &str, address: &str) -> bool {
    let local = address.split_once('@').map_or(address, |(local, _)| local);
    let (owner, local) = (sorted_words(owner), sorted_words(local));
    owner == local || owner.concat() == local.concat()
}

/// Returns the words of a name, in lower case and in alphabetical order.
fn sorted_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.sort();
    words
}

/// Returns true if a character can occur before the `@` of an address.
fn is_part_of_address(character: char) -> bool {
    character.is_alphanumeric() || "._%+-'#".contains(character)
}

/// Replaces the addresses in a text for which `replacement` returns a text.
fn replace_addresses(
    text: &str,
    replacement: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let (mut out, mut done) = (String::new(), 0);
    for (at, _) in text.match_indices('@') {
        if at < done {
            continue;
        }
        let is_domain = |c: char| c.is_alphanumeric() || ".-".contains(c);
        let left = text[done..at].trim_end_matches(is_part_of_address).len() + done;
        let right = &text[at + 1..];
        let right = &right[..right.find(|c| !is_domain(c)).unwrap_or(right.len())];
        let right = at + 1 + right.trim_end_matches(['.', '-']).len();
        if left == at || right == at + 1 {
            continue;
        }
        if let Some(replaced) = replacement(&text[left..right]) {
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

/// Returns the length of a JSON string, given the text after its opening quote.
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

    fn pseudonymizer() -> Pseudonymizer {
        Pseudonymizer::new(b"a key")
    }

    #[test]
    fn person_has_one_pseudonym_in_all_forms_of_the_address() {
        let replaced = |text: &str| pseudonymizer().pseudonymize_text(text).unwrap();
        let zoe = replaced("zoe.doe@contoso.com");
        assert!(zoe.starts_with("p-") && zoe.ends_with("@contoso.com") && zoe.len() == 30, "{zoe}");
        assert_eq!(replaced("Zoe.Doe@Contoso.com"), zoe.replace("contoso", "Contoso"));
        let name = zoe.split_once('@').unwrap().0;
        assert_eq!(
            replaced("zoe.doe_contoso.com#EXT#@fabrikam.onmicrosoft.com"),
            format!("{name}_contoso.com#EXT#@fabrikam.onmicrosoft.com")
        );
        assert_eq!(replaced("shared with <zoe.doe@contoso.com>, a@b.c."), {
            format!("shared with <{zoe}>, {}.", replaced("a@b.c"))
        });
        assert_ne!(Pseudonymizer::new(b"other").pseudonymize_text("zoe.doe@contoso.com").unwrap(), zoe);
        for text in ["", "@odata.type", "x @ y", "Zoe Doe", "a@"] {
            assert_eq!(pseudonymizer().pseudonymize_text(text), None, "{text}");
        }
    }

    #[test]
    fn guids_of_services_are_kept_and_similar_texts_are_people() {
        let replaced = |name, text| pseudonymizer().pseudonymize_field(name, text);
        assert_eq!(replaced("UserId", "94e57e92-cee2-486d-8cc8-218c97200579"), None);
        for text in ["94e57e92c-ee2-486d-8cc8-218c97200579", "0123456789abcdef0123456789abcdef0123"] {
            assert_eq!(text.len(), 36);
            let pseudonym = replaced("UserId", text).unwrap();
            assert_eq!(pseudonym, pseudonymizer().pseudonymize_name(text));
        }
    }

    #[test]
    fn random_keys_differ() {
        let key_id = || Pseudonymizer::with_random_key().unwrap().key_id();
        assert_ne!(key_id(), key_id());
    }

    #[test]
    fn only_the_given_people_are_replaced() {
        let mut persons = PersonMatcher::new(["Anna@contoso.com"], pseudonymizer());
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
    fn owner_of_a_personal_workspace_is_replaced() {
        let persons = PersonMatcher::new(["zoe.doe@contoso.com"], pseudonymizer());
        for name in ["PersonalWorkspace Zoe Doe", "PersonalWorkspace Doe, Zoe"] {
            let replaced = persons.redact_text(name).unwrap();
            assert!(replaced.starts_with("PersonalWorkspace p-"), "{replaced}");
        }
        assert_eq!(persons.redact_text("PersonalWorkspace Zoe Miller"), None);
        assert_eq!(persons.redact_text("Zoe Doe"), None);
    }
}
