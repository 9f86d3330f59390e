//! Makes pseudonyms of people.

use super::address::{
    GUEST_SUFFIX, PERSONAL_WORKSPACE_PREFIX, canonical_address, parse_guest, sorted_words,
};
use super::find_addresses::replace_addresses;
use super::personal_sites::{personal_site_of, replace_personal_sites};
use crate::schema::guid::is_guid;
use crate::schema::{EventText, PersonFieldKind, is_address, is_nobody};

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

    /// Replaces every address in a text with its pseudonym, and the owners of personal sites;
    /// `None` if there are none.
    pub fn pseudonymize_text(&self, text: &str) -> Option<String> {
        let pseudonym = |address: &str| Some(self.pseudonymize_address(address));
        let replaced = replace_addresses(text, &pseudonym, &|_| {});
        let sites = replace_personal_sites(replaced.as_deref().unwrap_or(text), &|site| {
            let is_person = site.is_in_folder && site.name.contains('_');
            is_person.then(|| self.pseudonymize_name(site.name))
        });
        sites.or(replaced)
    }

    /// Returns the pseudonym that the personal site of an address has in pseudonymized texts.
    pub fn pseudonymize_site_of(&self, address: &str) -> String {
        self.pseudonymize_name(&personal_site_of(&canonical_address(address)))
    }

    /// Returns a text that differs for every path, without revealing the path.
    pub fn tag_path(&self, path: &str) -> String {
        self.token("path", path)
    }

    /// Replaces the owner in the name of a personal workspace (`PersonalWorkspace Zoe Doe`); `None`
    /// for any other name.
    pub fn pseudonymize_workspace(&self, name: &str) -> Option<String> {
        let owner = name.strip_prefix(PERSONAL_WORKSPACE_PREFIX)?;
        Some(format!("{PERSONAL_WORKSPACE_PREFIX}{}", self.pseudonymize_display_name(owner)))
    }

    /// Pseudonymizes a text of an event; `None` if the text stays as it is.
    ///
    /// In fields that name a person, the whole text is replaced. Exceptions are texts that mean no
    /// person (anonymous visitors, the system), GUIDs of services in `UserId` and similar fields,
    /// and IDs of applications and groups. A display name gets the pseudonym of the address next to
    /// it. In all other fields, addresses and the owners of personal workspaces are replaced.
    pub fn pseudonymize_field(&self, text: &EventText<'_>) -> Option<String> {
        let field = text.person_field().filter(|_| !is_nobody(text.text));
        let whole = field.and_then(|field| match field.kind {
            PersonFieldKind::Name => Some(match text.address_of(field) {
                Some(address) => self.pseudonymize_name_of(&address),
                None if is_address(text.text) => self.pseudonymize_address(text.text),
                None => self.pseudonymize_display_name(text.text),
            }),
            _ if text.text.contains('@') => None,
            PersonFieldKind::User if is_guid(text.text) => None,
            PersonFieldKind::Id if text.is_about_no_person() => None,
            _ => Some(self.pseudonymize_name(text.text)),
        });
        whole.or_else(|| self.pseudonymize_workspace(text.text)).or_else(|| {
            let contains_objects = text.text.contains('{');
            let replaced = contains_objects.then(|| self.pseudonymize_members(text.text)).flatten();
            let rest = replaced.as_deref().unwrap_or(text.text);
            self.pseudonymize_text(rest).or(replaced)
        })
    }

    /// Returns the pseudonym of a display name. It does not depend on the order of its words.
    pub fn pseudonymize_display_name(&self, name: &str) -> String {
        format!("p-{}", self.token("name", &sorted_words(name).join(" ")))
    }

    /// Returns the pseudonym of the person with an address, without the domain.
    pub(super) fn pseudonymize_name_of(&self, address: &str) -> String {
        format!("p-{}", self.token("address", &canonical_address(address)))
    }

    /// Returns the `UserId` that a user has in pseudonymized events.
    pub fn pseudonymize_user(&self, user: &str) -> String {
        self.pseudonymize_field(&EventText::new("UserId", user)).unwrap_or_else(|| user.to_owned())
    }

    pub(super) fn pseudonymize_address(&self, address: &str) -> String {
        let name = self.pseudonymize_name_of(address);
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

/// Returns true if a text contains an address or the name of a personal site.
pub fn mentions_person(text: &str) -> bool {
    Pseudonymizer::new(&[]).pseudonymize_text(text).is_some()
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
        assert_ne!(
            Pseudonymizer::new(b"other").pseudonymize_text("zoe.doe@contoso.com").unwrap(),
            zoe
        );
        for text in ["", "@odata.type", "x @ y", "Zoe Doe", "a@"] {
            assert_eq!(pseudonymizer().pseudonymize_text(text), None, "{text}");
        }
    }

    #[test]
    fn guids_of_services_are_kept_and_similar_texts_are_people() {
        let replaced = |name, text| pseudonymizer().pseudonymize_field(&EventText::new(name, text));
        assert_eq!(replaced("UserId", "94e57e92-cee2-486d-8cc8-218c97200579"), None);
        for text in ["94e57e92c-ee2-486d-8cc8-218c97200579", "0123456789abcdef0123456789abcdef0123"]
        {
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
}
