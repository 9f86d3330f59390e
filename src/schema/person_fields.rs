//! The fields that name people, and texts of events with their place.
//!
//! Collectors flatten nested fields in many ways: `SharingInformation[0].RecipientName`,
//! `SubscribeeRecipientNames`. A field is therefore recognized by the end of its path, in any case
//! and without punctuation and digits.

use std::sync::LazyLock;

use super::tsv::{TsvError, parse_table, wrong_cell_count};

/// The content of a field that names a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonFieldKind {
    /// The address or name with which a person signs in, or the GUID of a service principal.
    User,
    /// An ID or key of a person.
    Id,
    /// The display name of a person.
    Name,
}

/// A field that names a person.
#[derive(Debug)]
pub struct PersonField {
    /// Name, with the object that contains it if other objects have such a field too.
    pub path: &'static str,
    /// Kind.
    pub kind: PersonFieldKind,
    /// Fields of the same object with the address of the same person.
    address_fields: Vec<&'static str>,
    /// The path in lower case, without punctuation and digits.
    letters: String,
    /// The number of these characters that belong to the field's own name.
    own_letters: usize,
}

/// Texts that mean nobody in a field that names a person.
const NOBODY: [&str; 5] =
    ["", "anonymous", "unknown", "system", "00000000-0000-0000-0000-000000000000"];

/// Returns true if a text names nobody, for example an anonymous visitor.
pub fn is_nobody(text: &str) -> bool {
    NOBODY.iter().any(|nobody| nobody.eq_ignore_ascii_case(text.trim()))
}

/// The members of an object that are texts.
pub trait TextMembers {
    /// Passes name and text of each member to `take`.
    fn for_each_text(&self, take: &mut dyn FnMut(&str, &str));
}

/// An object without members.
#[derive(Debug, Clone, Copy)]
pub struct NoMembers;

impl TextMembers for NoMembers {
    fn for_each_text(&self, _take: &mut dyn FnMut(&str, &str)) {}
}

/// A text of an event and its place.
#[derive(Clone, Copy)]
pub struct EventText<'t> {
    /// The name of the member that contains the object or list around `name`; empty at the top.
    pub parent: &'t str,
    /// The name of the member with the text, or with the list that contains the text.
    pub name: &'t str,
    /// The text.
    pub text: &'t str,
    /// The object with the text.
    pub members: &'t dyn TextMembers,
}

impl<'t> EventText<'t> {
    /// Returns a text of the field `name` without an object around it.
    pub fn new(name: &'t str, text: &'t str) -> Self {
        EventText { parent: "", name, text, members: &NoMembers }
    }

    /// Returns the field, if it names a person.
    pub fn person_field(&self) -> Option<&'static PersonField> {
        if self.name.is_empty() && self.parent.is_empty() {
            return None;
        }
        let matching =
            FIELDS.iter().filter(|field| field.match_end(self.parent, self.name).is_some());
        matching.max_by_key(|field| field.letters.len())
    }

    /// Returns the address that the object around the text has for the person in `field`.
    pub fn address_of(&self, field: &PersonField) -> Option<String> {
        if field.address_fields.is_empty() {
            return None;
        }
        let end = field.match_end(self.parent, self.name)?;
        let own: Vec<u8> = letters(self.name).collect();
        let prefix = &own[..(own.len() - end).saturating_sub(field.own_letters)];
        let mut found: Option<(usize, String)> = None;
        self.members.for_each_text(&mut |name, text| {
            let rank = field.address_fields.iter().position(|address_field| {
                let plural = std::iter::repeat_n(b's', end);
                letters(name).eq(prefix.iter().copied().chain(letters(address_field)).chain(plural))
            });
            if let Some(rank) = rank
                && is_address(text)
                && found.as_ref().is_none_or(|(best, _)| rank < *best)
            {
                found = Some((rank, text.trim().to_owned()));
            }
        });
        found.map(|(_, address)| address)
    }

    /// Returns true if the object around the text is about an application or a group.
    pub fn is_about_no_person(&self) -> bool {
        let mut is_other = false;
        self.members.for_each_text(&mut |name, text| {
            is_other |= name.eq_ignore_ascii_case("PrincipalType")
                && ["app", "group", "serviceprincipal"]
                    .iter()
                    .any(|kind| kind.eq_ignore_ascii_case(text));
        });
        is_other
    }
}

impl PersonField {
    /// Returns the number of characters after the field at the end of a path: 1 for a plural, 0
    /// otherwise; `None` if it is another field.
    fn match_end(&self, parent: &str, name: &str) -> Option<usize> {
        let is_end = |skipped: usize| {
            let mut path = letters_from_end(name).chain(letters_from_end(parent)).skip(skipped);
            self.letters.bytes().rev().all(|letter| path.next() == Some(letter))
        };
        let is_plural = || letters_from_end(name).next() == Some(b's') && is_end(1);
        if is_end(0) { Some(0) } else { is_plural().then_some(1) }
    }
}

/// Returns a name in lower case, without punctuation and digits.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase())
}

fn letters_from_end(name: &str) -> impl Iterator<Item = u8> {
    let letters = name.bytes().rev().filter(u8::is_ascii_alphabetic);
    letters.map(|letter| letter.to_ascii_lowercase())
}

/// Returns true if a text is one address and nothing else.
pub fn is_address(text: &str) -> bool {
    let text = text.trim();
    let is_separator = |c: char| c.is_whitespace() || matches!(c, ';' | ',' | '<' | '>');
    text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(is_separator)
}

/// Returns the names of all fields that name people wherever they occur, without those that need
/// a certain object around them.
pub fn person_field_names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|field| field.path).filter(|path| !path.contains('.'))
}

static FIELDS: LazyLock<Vec<PersonField>> =
    LazyLock::new(|| parse_fields().filter_map(Result::ok).collect());

fn parse_fields() -> impl Iterator<Item = Result<PersonField, TsvError>> {
    parse_table(include_str!("person_fields.tsv"), parse_field)
}

fn parse_field(cells: &[&'static str]) -> Result<PersonField, String> {
    let [path, kind, addresses, _source] = *cells else { return Err(wrong_cell_count(cells, 4)) };
    let kind = match kind {
        "user" => PersonFieldKind::User,
        "id" => PersonFieldKind::Id,
        "name" => PersonFieldKind::Name,
        _ => return Err(format!("{path}: unknown kind {kind:?}")),
    };
    let own = path.rsplit('.').next().unwrap_or(path);
    Ok(PersonField {
        path,
        kind,
        address_fields: addresses.split('|').filter(|name| !name.is_empty()).collect(),
        letters: letters(path).map(char::from).collect(),
        own_letters: letters(own).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ColumnType, columns};

    struct Members(&'static [(&'static str, &'static str)]);

    impl TextMembers for Members {
        fn for_each_text(&self, take: &mut dyn FnMut(&str, &str)) {
            self.0.iter().for_each(|(name, text)| take(name, text));
        }
    }

    fn field(parent: &str, name: &str) -> Option<&'static str> {
        EventText { parent, ..EventText::new(name, "") }.person_field().map(|field| field.path)
    }

    #[test]
    fn every_row_is_parsed() {
        let parsed: Result<Vec<PersonField>, TsvError> = parse_fields().collect();
        assert_eq!(parsed.unwrap().len(), FIELDS.len());
        assert!(parse_field(&["X", "person", "", ""]).unwrap_err().contains("unknown kind"));
    }

    #[test]
    fn fields_are_found_nested_and_flattened() {
        for (parent, name, expected) in [
            ("", "UserId", Some("UserId")),
            ("", "userid", Some("UserId")),
            ("SharingInformation", "RecipientName", Some("RecipientName")),
            ("", "SharingInformation[0].RecipientName", Some("RecipientName")),
            ("", "SubscribeeRecipientNames", Some("RecipientName")),
            ("SharingInformation", "ObjectId", Some("SharingInformation.ObjectId")),
            ("", "SubscribeeInformationObjectId", Some("SubscribeeInformation.ObjectId")),
            ("", "SubscribeeObjectIDs", Some("SubscribeeObjectID")),
            ("", "ObjectId", None),
            ("PinReportToTabInformation", "UserId", Some("PinReportToTabInformation.UserId")),
            ("", "enduser.id", Some("enduser.id")),
            ("", "UserType", None),
            ("", "ReportName", None),
        ] {
            assert_eq!(field(parent, name), expected, "{parent} {name}");
        }
    }

    #[test]
    fn address_of_the_same_person_is_found() {
        let address = |parent, name, members: &Members| {
            let text = EventText { parent, members, ..EventText::new(name, "Zoe Doe") };
            text.address_of(text.person_field().unwrap())
        };
        let recipient = Members(&[("UserPrincipalName", "u@x.com"), ("RecipientEmail", "a@x.com")]);
        let found = address("SharingInformation", "RecipientName", &recipient);
        assert_eq!(found.as_deref(), Some("a@x.com"));
        let flat = Members(&[("RecipientEmail", "b@x.com"), ("Sharing.RecipientEmail", "a@x.com")]);
        assert_eq!(address("", "Sharing.RecipientName", &flat).as_deref(), Some("a@x.com"));
        let plural = Members(&[("SharingRecipientEmails", "a@x.com")]);
        assert_eq!(address("", "SharingRecipientNames", &plural).as_deref(), Some("a@x.com"));
        let several = Members(&[("RecipientEmail", "a@x.com; b@x.com")]);
        assert_eq!(address("", "RecipientName", &several), None);
    }

    /// Members whose names sound like a person and that name none, with the reason.
    const NOT_A_PERSON: [(&str, &str); 7] = [
        ("UserAgent", "a browser"),
        ("recipients", "audiences of an app"),
        ("GatewayMemberId", "a computer"),
        ("GroupUserAccessRight", "a role"),
        ("UserTypeInitiated", "a number"),
        ("memberGatewaysIds", "computers"),
        ("TemplateAppOwnerTenantObjectId", "a tenant"),
    ];

    /// A new column that sounds like a person must be in the table, or have a reason here.
    #[test]
    fn every_column_that_names_a_person_is_listed() {
        fn visit(parent: &str, name: &str, ty: &ColumnType, found: &mut Vec<String>) {
            match ty {
                ColumnType::List(item) => visit(parent, name, item, found),
                ColumnType::Struct(members) => {
                    members.iter().for_each(|(member, ty)| visit(name, member, ty, found));
                }
                ColumnType::Text | ColumnType::Id | ColumnType::User => {
                    let lower = name.to_lowercase();
                    let sounds_like_a_person =
                        ["user", "recipient", "owner", "member", "email", "upn", "identifier"]
                            .iter()
                            .any(|word| lower.contains(word));
                    let has_reason = NOT_A_PERSON.iter().any(|(known, _)| *known == name);
                    if sounds_like_a_person && !has_reason && field(parent, name).is_none() {
                        found.push(format!("{parent}.{name}"));
                    }
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        for column in columns() {
            visit("", column.name, &column.ty, &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }
}
