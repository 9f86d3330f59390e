//! Attributes of people in tables of the organization, for example their cost centers.
//!
//! Each column of such a table is an attribute under its own name, except the addresses, and the
//! columns that identify or name a person.

use std::collections::BTreeSet;

use super::people::Members;
use super::shape::Shape;
use super::snapshots::{Cluster, States, rows_of};
use super::unit::Unit;
use crate::record::{Object, Value};
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// Columns that are no attributes, by names without case, blanks and punctuation.
const NO_ATTRIBUTES: [&str; 20] = [
    "displayname",
    "name",
    "fullname",
    "firstname",
    "lastname",
    "givenname",
    "surname",
    "initials",
    "alias",
    "id",
    "objectid",
    "employeeid",
    "employeenumber",
    "immutableid",
    "samaccountname",
    "phone",
    "phonenumber",
    "telephonenumber",
    "mobile",
    "mobilephone",
];

/// Columns with an address of the person.
const ADDRESSES: [&str; 6] =
    ["userprincipalname", "upn", "mail", "email", "emailaddress", "userid"];

/// Columns of lists of people that are attributes.
pub const PERSON_ATTRIBUTES: [(Column, &str); 7] = [
    (Column::Department, "department"),
    (Column::Company, "company"),
    (Column::Country, "country"),
    (Column::Office, "office"),
    (Column::CostCenter, "cost_center"),
    (Column::Division, "division"),
    (Column::UserType, "user_type"),
];

/// Returns the name of an attribute in lower case, with an underscore between its words:
/// `cost_center` for `Cost Center` and `CostCenter`.
pub fn attribute_name(text: &str) -> String {
    let mut name = String::new();
    let mut was_lower = false;
    for c in text.trim().chars() {
        let is_break = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        if is_break && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if c.is_alphanumeric() {
            name.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
    }
    name.trim_end_matches('_').to_owned()
}

/// Returns the text by which names of attributes are compared: without case and punctuation.
pub fn attribute_key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the attributes of a person in a row of a table; `None` if the column with the address
/// contains none. The names of columns are compared without case, blanks and punctuation.
///
/// Of two rows for a person, the one with the higher `position` counts.
pub fn attribute_unit(row: Object<'_>, address_column: &str, position: u64) -> Option<Unit> {
    let members = Members::new(row);
    let address = members.id(&[address_column]).filter(|address| address.contains('@'))?;
    let mut unit = Unit::new(Shape::Attributes, String::new());
    unit.position = position;
    unit.principal = Some(address.clone());
    let aliases = aliases(&members, &address);
    for (name, value) in row.members() {
        let key = attribute_key(name);
        let Value::Text(value) = value else { continue };
        if ADDRESSES.contains(&key.as_str())
            || NO_ATTRIBUTES.contains(&key.as_str())
            || key.is_empty()
        {
            continue;
        }
        unit.rows.push(
            InventoryRow::new(RowKind::Attribute)
                .with(Column::Principal, Some(address.clone()))
                .with(Column::Aliases, aliases.clone())
                .with(Column::Name, Some(name.trim()))
                .with(Column::Value, Some(value.trim())),
        );
    }
    unit.rows.retain(|row| row.get(Column::Value).is_some());
    Some(unit)
}

/// Returns the addresses in the other columns of addresses, separated by blanks.
fn aliases(members: &Members<'_>, own: &str) -> Option<String> {
    let all: BTreeSet<String> = ADDRESSES
        .into_iter()
        .filter_map(|name| members.id(&[name]))
        .filter(|address| address.contains('@') && !address.contains(' ') && address != own)
        .collect();
    (!all.is_empty()).then(|| all.into_iter().collect::<Vec<_>>().join(" "))
}

/// Returns the rows of attributes in snapshots, the latest last, and counts the people of each
/// snapshot.
pub(super) fn attribute_rows<'r>(
    clusters: &mut [Cluster<'r>],
    states: &States<'r>,
) -> Vec<&'r InventoryRow> {
    let mut all = Vec::new();
    for Cluster { snapshot, scans } in clusters {
        let mut rows = rows_of(scans, states);
        rows.retain(|row| row.kind == RowKind::Attribute);
        let people: BTreeSet<&str> =
            rows.iter().filter_map(|row| row.get(Column::Principal)).collect();
        snapshot.people = people.len();
        all.extend(rows);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_an_underscore_between_words() {
        for (text, expected) in [
            ("Cost Center", "cost_center"),
            ("CostCenter", "cost_center"),
            ("cost-center ", "cost_center"),
            ("UPN", "upn"),
            ("extensionAttribute1", "extension_attribute1"),
            ("Kostenstelle (alt)", "kostenstelle_alt"),
            ("Größe", "größe"),
            (" - ", ""),
        ] {
            assert_eq!(attribute_name(text), expected, "{text}");
        }
        assert_eq!(attribute_key("Cost_Center"), attribute_key("costcenter"));
    }
}
