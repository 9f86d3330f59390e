//! Replaces people in the texts about sources: names of files and members, and reasons.
//!
//! The events themselves are rewritten before they are parsed, in `worker`. Each text is replaced
//! once, where it arises: a second time would make the pseudonym of a pseudonym.

use crate::person::Pseudonymizer;
use crate::source::{SourceFile, SourceMember, UnsupportedText};

/// Replaces people in texts about sources, if the store has pseudonyms.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SourceTexts<'o>(Option<&'o Pseudonymizer>);

impl<'o> SourceTexts<'o> {
    pub(super) fn new(pseudonymizer: Option<&'o Pseudonymizer>) -> Self {
        SourceTexts(pseudonymizer)
    }

    /// Returns a text with pseudonyms.
    pub(super) fn replace(&self, text: String) -> String {
        let replaced = self.0.and_then(|pseudonymizer| pseudonymizer.pseudonymize_text(&text));
        replaced.unwrap_or(text)
    }

    /// Replaces people in the name and in the absolute path of a file.
    ///
    /// The store recognizes a file by its absolute path. Two paths can become equal, because a
    /// pseudonym does not depend on the case of an address, so a keyed hash is added.
    pub(super) fn replace_in_file(&self, file: &mut SourceFile) {
        file.name = self.replace(std::mem::take(&mut file.name));
        let Some(pseudonymizer) = self.0 else { return };
        if let Some(path) = pseudonymizer.pseudonymize_text(&file.absolute_path) {
            file.absolute_path = format!("{path}#{}", pseudonymizer.tag_path(&file.absolute_path));
        }
    }

    /// Returns a text of a file with pseudonyms in its name.
    pub(super) fn replace_in_member(&self, member: &SourceMember) -> SourceMember {
        let mut replaced = member.clone();
        replaced.name = replaced.name.map(|name| self.replace(name));
        replaced
    }

    /// Returns an unsupported text with pseudonyms in its reason.
    pub(super) fn replace_in_unsupported(&self, unsupported: UnsupportedText) -> UnsupportedText {
        UnsupportedText { reason: self.replace(unsupported.reason), ..unsupported }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> SourceFile {
        SourceFile {
            path: name.into(),
            name: name.to_owned(),
            absolute_path: format!("/{name}"),
            size_bytes: 0,
            modified_us: None,
            change: None,
        }
    }

    #[test]
    fn paths_contain_no_person_and_stay_different() {
        let pseudonymizer = Pseudonymizer::new(b"a key");
        let replaced = |name: &str| {
            let mut file = file(name);
            SourceTexts::new(Some(&pseudonymizer)).replace_in_file(&mut file);
            file
        };
        let names = ["a/zoe@contoso.com.json", "a/Zoe@contoso.com.json"];
        let [one, other] = names.map(replaced);
        assert_eq!(one.name, other.name);
        assert_ne!(one.absolute_path, other.absolute_path);
        assert!(one.name.starts_with("a/p-") && one.name.ends_with("@contoso.com.json"));
        assert!(!one.absolute_path.contains("zoe"), "{}", one.absolute_path);
        assert_eq!(replaced(names[0]), SourceFile { path: names[0].into(), ..one });
        assert_eq!(replaced("a/b.json"), file("a/b.json"));
    }
}
