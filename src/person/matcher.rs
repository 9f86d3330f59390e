//! Finds certain people in texts of events.

use std::collections::BTreeSet;

use super::address::{
    PERSONAL_WORKSPACE_PREFIX, canonical_address, is_named_after, replace_addresses, string_length,
};
use super::pseudonym::Pseudonymizer;

/// Finds certain people in texts and replaces them with pseudonyms.
#[derive(Debug)]
pub struct PersonMatcher {
    pub(super) addresses: BTreeSet<String>,
    /// Ids and keys of these people, in lower case.
    pub(super) names: BTreeSet<String>,
    pub(super) pseudonymizer: Pseudonymizer,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonymizer() -> Pseudonymizer {
        Pseudonymizer::new(b"a key")
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
