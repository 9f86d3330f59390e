//! Finds personal sites of SharePoint, whose names are addresses with underscores:
//! `/personal/zoe_contoso_com/`.

use super::encoding::{DecodedChar, decode};

/// The folders that contain personal sites: in paths, and in links that were shared.
const SITE_FOLDERS: [&str; 2] = ["personal/", ":/p/"];

/// Length of the longest of them.
const MAX_FOLDER_LENGTH: usize = "personal/".len();

/// Returns the name of the personal site of an address, in lower case.
pub(super) fn personal_site_of(address: &str) -> String {
    let to_site = |c: char| if c.is_alphanumeric() { c } else { '_' };
    address.to_lowercase().chars().map(to_site).collect()
}

/// A word that can be the name of a personal site.
pub(super) struct SiteName<'w> {
    /// The name in lower case.
    pub(super) name: &'w str,
    /// True if it is in a folder of personal sites.
    pub(super) is_in_folder: bool,
}

impl SiteName<'_> {
    /// Returns the text after the site of an address, given the name of that site; `None` if this
    /// is another site. The site of a guest has the tenant at its end, and a file can have a date.
    pub(super) fn after_site(&self, site: &str) -> Option<&str> {
        self.name.get(..site.len()).filter(|start| personal_site_of(start) == site)?;
        let rest = self.name.get(site.len()..)?;
        let is_whole = rest.is_empty() || rest.starts_with('-') || rest.starts_with("_ext_");
        is_whole.then_some(rest)
    }

    /// Returns true if this is a longer name that contains the name of a site.
    pub(super) fn is_similar(&self, site: &str) -> bool {
        let name = personal_site_of(self.name);
        name.ends_with(&format!("_{site}")) || name.starts_with(&format!("{site}_"))
    }
}

/// Replaces the names of personal sites for which `replacement` returns a text. It gets every word
/// with an underscore, and every word in a folder of personal sites.
pub(super) fn replace_personal_sites(
    text: &str,
    replacement: &dyn Fn(&SiteName<'_>) -> Option<String>,
) -> Option<String> {
    if !can_contain_site(text) {
        return None;
    }
    let chars = decode(text);
    let is_word = |c: &DecodedChar| c.value.is_alphanumeric() || "_-".contains(c.value);
    let (mut out, mut done, mut start) = (String::new(), 0, 0);
    while start < chars.len() {
        let length = chars[start..].iter().position(|c| !is_word(c));
        let end = length.map_or(chars.len(), |length| start + length);
        let name: String = chars[start..end].iter().flat_map(|c| c.value.to_lowercase()).collect();
        let found = SiteName { name: &name, is_in_folder: is_in_site_folder(&chars[..start]) };
        let is_candidate = name.contains('_') || found.is_in_folder && !name.is_empty();
        if let Some(replaced) = is_candidate.then(|| replacement(&found)).flatten() {
            out.push_str(&text[done..chars[start].start]);
            out.push_str(&replaced);
            done = chars[end - 1].end;
        }
        start = end + 1;
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Returns false for most texts that contain no name of a site.
fn can_contain_site(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_folder = |at: usize| {
        let start =
            bytes.get(at..at + 8).is_some_and(|word| word.eq_ignore_ascii_case(b"personal"));
        start || bytes.get(at + 1).is_some_and(|next| b"/\\%".contains(next))
    };
    memchr::memchr(b'_', bytes).is_some()
        || memchr::memmem::find(bytes, b"%5").is_some()
        || memchr::memchr2_iter(b'p', b'P', bytes).any(is_folder)
}

/// Returns true if the text before a word ends with a folder of personal sites. JSON in a string
/// doubles each backslash and can write `\/` for a slash, so several separators are one.
fn is_in_site_folder(before: &[DecodedChar]) -> bool {
    let is_separator = |c: char| matches!(c, '/' | '\\');
    let mut end: Vec<char> = Vec::new();
    for character in before.iter().rev().map(|c| c.value) {
        match is_separator(character) {
            true if end.last() == Some(&'/') => {}
            true => end.push('/'),
            false => end.push(character.to_ascii_lowercase()),
        }
        if end.len() > MAX_FOLDER_LENGTH {
            break;
        }
    }
    SITE_FOLDERS.iter().any(|folder| {
        let last = end.get(..folder.len()).unwrap_or_default();
        !last.is_empty() && last.iter().rev().copied().eq(folder.chars())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> Option<String> {
        let site = personal_site_of("Anna@contoso.com");
        replace_personal_sites(text, &|found| Some(format!("p-1{}", found.after_site(&site)?)))
    }

    #[test]
    fn owner_of_a_personal_site_is_found() {
        for (text, expected) in [
            (
                "https://contoso-my.sharepoint.com/personal/anna_contoso_com/Documents",
                "https://contoso-my.sharepoint.com/personal/p-1/Documents",
            ),
            (
                "?id=%2Fpersonal%2Fanna%5Fcontoso%5Fcom%2FDocuments",
                "?id=%2Fpersonal%2Fp-1%2FDocuments",
            ),
            ("https://contoso-my.sharepoint.com/:x:/p/Anna_Contoso_com/Ea", {
                "https://contoso-my.sharepoint.com/:x:/p/p-1/Ea"
            }),
            ("\\personal\\anna_contoso_com", "\\personal\\p-1"),
            ("/personal/anna_contoso_com_ext__fabrikam_com/x", "/personal/p-1_ext__fabrikam_com/x"),
            ("anna_contoso_com-2026.json", "p-1-2026.json"),
            ("anna_contoso_com", "p-1"),
        ] {
            assert_eq!(redacted(text).as_deref(), Some(expected));
        }
        for other in
            ["/personal/joanna_contoso_com", "/personal/", "anna_contoso_community", "personal", ""]
        {
            assert_eq!(redacted(other), None, "{other}");
        }
    }

    #[test]
    fn folders_of_sites_and_similar_names_are_known() {
        let is_in_folder = |text: &str| {
            let found = |site: &SiteName<'_>| site.is_in_folder.then(String::new);
            replace_personal_sites(text, &found).is_some()
        };
        for text in [
            "/personal/a_b",
            "%2FPersonal%2fa%5fb",
            "/:b:/p/a_b",
            "personal\\a_b",
            "personal\\\\a_b",
            "\\/personal\\/a_b",
        ] {
            assert!(is_in_folder(text), "{text}");
        }
        for text in ["a_b", "/p/a_b", "/person/a_b", "personal_a_b"] {
            assert!(!is_in_folder(text), "{text}");
        }
        let name = |name| SiteName { name, is_in_folder: true };
        assert!(name("usage_anna_contoso_com").is_similar("anna_contoso_com"));
        assert!(name("anna_contoso_com_au").is_similar("anna_contoso_com"));
        assert!(!name("joanna_contoso_com").is_similar("anna_contoso_com"));
    }
}
