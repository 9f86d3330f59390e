//! The address of an actor, as reports show it.
//!
//! Microsoft Entra names an invited guest `zoe_partner.com#EXT#@tenant.onmicrosoft.com`, and the
//! log names a personal Microsoft account `live.com#kid@outlook.com`. Both are shown and judged by
//! the address in the name. Source: Microsoft Learn, Properties of a Microsoft Entra B2B
//! collaboration user. `portable/columns.rs` has the same rules as SQL text, on purpose.

use std::collections::BTreeSet;

/// Text in the user name of an invited guest, in lower case.
pub const GUEST_MARK: &str = "#ext#";

/// Start of the user name of a personal Microsoft account, in lower case.
pub const PERSONAL_ACCOUNT_PREFIX: &str = "live.com#";

/// Returns a person's own address. `user` must be in lower case.
pub fn own_address(user: &str) -> String {
    let guest = user.split_once(GUEST_MARK).and_then(|(name, _)| name.rsplit_once('_'));
    let own = guest.map_or_else(|| user.to_owned(), |(name, domain)| format!("{name}@{domain}"));
    match own.strip_prefix(PERSONAL_ACCOUNT_PREFIX) {
        Some(address) => address.to_owned(),
        None => own,
    }
}

/// Returns an address as the column `user_id` of events has it. The pseudonym of a guest has
/// capitals.
pub fn user_of(address: &str) -> String {
    own_address(&address.to_lowercase())
}

/// Returns the domain of an address that [`own_address`] returned: the text after the last `@`.
pub fn domain_of(address: &str) -> Option<&str> {
    if address.contains(GUEST_MARK) {
        return None;
    }
    address.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
}

/// Returns true if the user is a guest, has a personal Microsoft account, or has a domain that is
/// not internal. `user` must be in lower case. Without internal domains, no domain is external.
pub fn is_external(user: &str, internal_domains: &BTreeSet<String>) -> bool {
    user.contains(GUEST_MARK)
        || user.starts_with(PERSONAL_ACCOUNT_PREFIX)
        || (!internal_domains.is_empty()
            && domain_of(user).is_some_and(|domain| !internal_domains.contains(domain)))
}

/// Splits a text with several addresses, `a@x.com; b@x.com`; any other text is returned as it is.
pub fn split_addresses(text: &str) -> Vec<String> {
    if !text.contains('@') {
        return vec![text.to_owned()];
    }
    let parts = text.split([';', ',']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_and_personal_accounts_have_their_own_address() {
        for (user, expected, domain) in [
            ("ann@contoso.com", "ann@contoso.com", Some("contoso.com")),
            ("x_f.com#ext#@tenant.onmicrosoft.com", "x@f.com", Some("f.com")),
            ("a_b_f.com#ext#@t", "a_b@f.com", Some("f.com")),
            ("joe#ext#@contoso.com", "joe#ext#@contoso.com", None),
            ("live.com#kid@outlook.com", "kid@outlook.com", Some("outlook.com")),
            ("live.com#kid_outlook.com#ext#@t", "kid@outlook.com", Some("outlook.com")),
            ("anonymous", "anonymous", None),
            ("x@", "x@", None),
        ] {
            assert_eq!(own_address(user), expected);
            assert_eq!(domain_of(expected), domain, "{user}");
        }
    }

    #[test]
    fn addresses_in_one_text_are_split_and_names_are_not() {
        assert_eq!(split_addresses("a@x.com; b@x.com,c@x.com;"), ["a@x.com", "b@x.com", "c@x.com"]);
        assert_eq!(split_addresses("Sales; all"), ["Sales; all"]);
    }
}
