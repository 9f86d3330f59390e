//! Recognizes the forms of an address that mean one person. Another file, `find_addresses.rs`,
//! finds addresses in texts.

/// The start of the name of a personal workspace. The name of its owner follows.
pub(super) const PERSONAL_WORKSPACE_PREFIX: &str = "PersonalWorkspace ";

/// The suffix of a guest's name in the directory of the tenant that invited the guest.
pub(super) const GUEST_SUFFIX: &str = "#EXT#";

/// Returns the address by which a person is matched, in lower case. For a guest, this is the
/// address in the guest's own organization.
pub(super) fn canonical_address(address: &str) -> String {
    let address = address.to_lowercase();
    let Some((local, domain)) = address.split_once('@') else { return address };
    // The users of Microsoft accounts are `live.com#zoe@contoso.com`.
    let (name, suffix) = match local.len().checked_sub(GUEST_SUFFIX.len()) {
        Some(at) if parse_guest(local).is_some() => local.split_at(at),
        _ => (local, ""),
    };
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    match parse_guest(&format!("{name}{suffix}")) {
        Some((name, own_domain)) => format!("{name}@{own_domain}"),
        None => format!("{name}@{domain}"),
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

    #[test]
    fn forms_of_an_address_mean_one_person() {
        for form in [
            "Anna@Contoso.com",
            "anna_contoso.com#EXT#@fabrikam.onmicrosoft.com",
            "live.com#anna@contoso.com",
            "live.com#anna_contoso.com#ext#@fabrikam.onmicrosoft.com",
        ] {
            assert_eq!(canonical_address(form), "anna@contoso.com", "{form}");
        }
        for other in ["anna", "anna_contoso.com", "#ext#", ""] {
            assert_eq!(canonical_address(other), other);
        }
        assert_eq!(canonical_address("#ext#@contoso.com"), "@contoso.com");
    }
}
