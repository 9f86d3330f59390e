//! Finds certain people in texts of events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::address::{
    PERSONAL_WORKSPACE_PREFIX, canonical_address, is_named_after, sorted_words, string_length,
};
use super::find_addresses::replace_addresses;
use super::personal_sites::{personal_site_of, replace_personal_sites};
use super::pseudonym::Pseudonymizer;
use crate::schema::{EventText, PersonFieldKind, is_nobody};

/// The most similar addresses that are kept.
const MAX_SIMILAR: usize = 1000;

/// Finds certain people in texts and replaces them with pseudonyms.
#[derive(Debug)]
pub struct PersonMatcher {
    /// The addresses of these people, each with the number of the person.
    pub(super) addresses: BTreeMap<String, usize>,
    /// The names of their personal sites.
    pub(super) sites: BTreeMap<String, usize>,
    /// Addresses in the texts that can be other mailboxes or these people.
    similar: Mutex<BTreeSet<String>>,
    /// IDs and keys of these people, in lower case.
    names: BTreeMap<String, usize>,
    /// Display names of these people, in lower case.
    display_names: BTreeMap<String, usize>,
    /// Display names by their sorted words.
    sorted_names: BTreeMap<Vec<String>, usize>,
    /// For each person, true if a text with this person was found.
    found: Vec<AtomicBool>,
    pub(super) pseudonymizer: Pseudonymizer,
}

impl PersonMatcher {
    /// Creates a matcher of the people with these addresses or IDs. They are numbered from 0.
    pub fn new<'n>(users: impl IntoIterator<Item = &'n str>, pseudonymizer: Pseudonymizer) -> Self {
        let mut matcher = PersonMatcher {
            addresses: BTreeMap::new(),
            sites: BTreeMap::new(),
            similar: Mutex::default(),
            names: BTreeMap::new(),
            display_names: BTreeMap::new(),
            sorted_names: BTreeMap::new(),
            found: Vec::new(),
            pseudonymizer,
        };
        for (person, user) in users.into_iter().enumerate() {
            match user.contains('@') {
                true => matcher.add_address(user, person),
                false => matcher.add_name(user, person),
            }
            matcher.found.push(AtomicBool::new(false));
        }
        matcher
    }

    /// Adds an address of one of these people, and the name of the personal site.
    pub fn add_address(&mut self, address: &str, person: usize) {
        let address = canonical_address(address);
        self.add_site(&address, person);
        self.addresses.entry(address).or_insert(person);
    }

    /// Adds an ID or key of one of these people.
    pub fn add_name(&mut self, name: &str, person: usize) {
        self.names.entry(name.to_lowercase()).or_insert(person);
    }

    /// Adds the name of the personal site of one of these people, or the address it is made from.
    pub fn add_site(&mut self, site: &str, person: usize) {
        self.sites.entry(personal_site_of(site)).or_insert(person);
    }

    /// Adds a display name of one of these people.
    pub fn add_display_name(&mut self, name: &str, person: usize) {
        let words = sorted_words(name);
        if !words.is_empty() {
            self.sorted_names.entry(words).or_insert(person);
            self.display_names.entry(name.trim().to_lowercase()).or_insert(person);
        }
    }

    /// Returns true if a user is one of these people.
    pub fn matches(&self, user: &str) -> bool {
        self.find(user).is_some()
    }

    /// Returns the number of the person with an address, ID or key.
    pub fn find(&self, user: &str) -> Option<usize> {
        let user = canonical_address(user);
        self.mark(self.addresses.get(&user).or_else(|| self.names.get(&user)).copied())
    }

    /// Returns true if the person with a number was found in a text.
    pub fn is_found(&self, person: usize) -> bool {
        self.found.get(person).is_some_and(|found| found.load(Ordering::Relaxed))
    }

    /// Records that a person was found.
    fn mark(&self, person: Option<usize>) -> Option<usize> {
        if let Some(found) = person.and_then(|person| self.found.get(person)) {
            found.store(true, Ordering::Relaxed);
        }
        person
    }

    pub(super) fn any_address(&self, is_match: impl Fn(&str) -> bool) -> bool {
        let found = self.addresses.iter().find(|(address, _)| is_match(address));
        self.mark(found.map(|(_, person)| *person)).is_some()
    }

    pub(super) fn any_name(&self, is_match: impl Fn(&str) -> bool) -> bool {
        let found = self.names.iter().find(|(name, _)| is_match(name));
        self.mark(found.map(|(_, person)| *person)).is_some()
    }

    /// Returns the IDs, keys and display names that identify these people in any text, with their
    /// pseudonyms. A display name of one word means other things too.
    pub(super) fn names_and_pseudonyms(&self) -> impl Iterator<Item = (&str, String)> {
        let names = self.names.keys();
        let names = names.map(|name| (name.as_str(), self.pseudonymizer.pseudonymize_name(name)));
        let several_words = |name: &&String| sorted_words(name).len() > 1;
        let display_names = self.display_names.keys().filter(several_words);
        names.chain(
            display_names
                .map(|name| (name.as_str(), self.pseudonymizer.pseudonymize_display_name(name))),
        )
    }

    /// Records that the person with one of these names was found.
    pub(super) fn mark_name(&self, name: &str) {
        self.mark(self.names.get(name).or_else(|| self.display_names.get(name)).copied());
    }

    /// Replaces these people in a text of an event; `None` if the text contains none of them.
    ///
    /// A display name or ID is also recognized by the address next to it. Addresses are replaced in
    /// every text.
    pub fn redact_field(&self, text: &EventText<'_>) -> Option<String> {
        let replaced = self.redact_alone(text).or_else(|| self.redact_text(text.text));
        let text = replaced.as_deref().unwrap_or(text.text);
        let members = text.contains('{').then(|| self.redact_members(text)).flatten();
        members.or(replaced)
    }

    /// Replaces a text of a field that contains nothing but a display name or ID of these people.
    pub(super) fn redact_alone(&self, text: &EventText<'_>) -> Option<String> {
        let field = text.person_field().filter(|_| !is_nobody(text.text))?;
        let is_name = field.kind == PersonFieldKind::Name;
        match text.address_of(field) {
            Some(address) => {
                self.find(&address)?;
                Some(match is_name {
                    true => self.pseudonymizer.pseudonymize_name_of(&address),
                    false => self.pseudonymizer.pseudonymize_name(text.text),
                })
            }
            None if field.kind == PersonFieldKind::Id => None,
            None => {
                self.mark(self.sorted_names.get(&sorted_words(text.text)).copied())?;
                Some(self.pseudonymizer.pseudonymize_display_name(text.text))
            }
        }
    }

    /// Replaces these people in a text with pseudonyms; `None` if the text contains none of them.
    /// IDs and keys match only the whole text, or a whole string in a text that is JSON.
    pub fn redact_text(&self, text: &str) -> Option<String> {
        if self.mark(self.names.get(&text.to_lowercase()).copied()).is_some() {
            return Some(self.pseudonymizer.pseudonymize_name(text));
        }
        if let Some(owner) = text.strip_prefix(PERSONAL_WORKSPACE_PREFIX)
            && self.is_owner(owner)
        {
            return self.pseudonymizer.pseudonymize_workspace(text);
        }
        let pseudonym = |address: &str| {
            let person = self.addresses.get(&canonical_address(address)).copied();
            self.mark(person)?;
            Some(self.pseudonymizer.pseudonymize_address(address))
        };
        let mut replaced = replace_addresses(text, &pseudonym, &|missed| self.add_similar(missed));
        let sites = self.redact_personal_sites(replaced.as_deref().unwrap_or(text));
        replaced = sites.or(replaced);
        self.redact_json(replaced.as_deref().unwrap_or(text)).or(replaced)
    }

    /// Replaces these people in the names of personal sites.
    pub(super) fn redact_personal_sites(&self, text: &str) -> Option<String> {
        replace_personal_sites(text, &|found| {
            for (site, person) in &self.sites {
                if let Some(rest) = found.after_site(site) {
                    self.mark(Some(*person));
                    return Some(self.pseudonymizer.pseudonymize_name(site) + rest);
                }
                if found.is_similar(site) {
                    self.add_similar(found.name);
                }
            }
            None
        })
    }

    /// Keeps an address for the user to decide, if it can be a spelling of one of these people: the
    /// local part has a text before it, or the domain one before or after it.
    pub(super) fn add_similar(&self, address: &str) {
        let lower = address.to_lowercase();
        let is_similar = match lower.split_once('@') {
            None => true,
            Some(found) => self.any_address(|address| is_similar(found, address)),
        };
        if is_similar {
            let mut similar = self.similar.lock().unwrap_or_else(PoisonError::into_inner);
            if similar.len() < MAX_SIMILAR {
                similar.insert(lower);
            }
        }
    }

    /// Returns the addresses that were found in the texts, are not replaced, and can be other
    /// mailboxes or these people.
    pub fn similar(&self) -> Vec<String> {
        let similar = self.similar.lock().unwrap_or_else(PoisonError::into_inner);
        similar.iter().cloned().collect()
    }

    /// Returns true if the owner of a personal workspace is one of these people.
    fn is_owner(&self, owner: &str) -> bool {
        self.mark(self.sorted_names.get(&sorted_words(owner)).copied()).is_some()
            || self.any_address(|address| is_named_after(owner, address))
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
            if self.mark(self.names.get(&string.to_lowercase()).copied()).is_some() {
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

/// Returns true if an address is `address` with more text before it, or at an end of its domain.
fn is_similar((local, domain): (&str, &str), address: &str) -> bool {
    let Some((own_local, own_domain)) = address.split_once('@') else { return false };
    let is_separated = |rest: Option<&str>| {
        let last = rest.and_then(|rest| rest.chars().next_back());
        last.is_some_and(|last| !last.is_alphanumeric())
    };
    let is_local = local == own_local || is_separated(local.strip_suffix(own_local));
    let is_domain = domain == own_domain
        || domain.strip_prefix(own_domain).is_some_and(|rest| rest.starts_with(['.', '-']))
        || domain.strip_suffix(own_domain).is_some_and(|rest| rest.ends_with('.'));
    is_local && is_domain && (local, domain) != (own_local, own_domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonymizer() -> Pseudonymizer {
        Pseudonymizer::new(b"a key")
    }

    #[test]
    fn similar_addresses_are_kept_for_the_user() {
        let persons = PersonMatcher::new(["anna@contoso.com"], pseudonymizer());
        let texts = [
            "x.Anna@contoso.com to+anna@contoso.com report-anna@contoso.com joanna@contoso.com",
            "anna@contoso.com.au anna@mail.contoso.com anna@contoso.community max@contoso.com",
            "'anna@contoso.com' /personal/usage_anna_contoso_com/",
        ];
        texts.iter().for_each(|text| drop(persons.redact_text(text)));
        assert_eq!(
            persons.similar(),
            [
                "anna@contoso.com.au",
                "anna@mail.contoso.com",
                "report-anna@contoso.com",
                "to+anna@contoso.com",
                "usage_anna_contoso_com",
                "x.anna@contoso.com"
            ]
        );
    }

    #[test]
    fn only_the_given_people_are_replaced() {
        let mut persons = PersonMatcher::new(["Anna@contoso.com"], pseudonymizer());
        persons.add_name("1003BFFD8A1B2C3D", 0);
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
