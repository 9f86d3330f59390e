//! The view of attributes of people, and the people whom a division by one of them does not cover.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use polars::prelude::*;

use crate::grid::Cell;
use crate::inventory::{HeldPerson, PERSON_ATTRIBUTES, attribute_key, attribute_name, resolve};
use crate::query::definition::report::ReportDefinition;
use crate::query::session::Session;
use crate::query::views::addresses::user_of;
use crate::query::views::inventory::{as_of_us, counted};
use crate::query::views::people::user_id;
use crate::schema::inventory::InventoryColumn as Field;

/// Name of the view.
pub const ATTRIBUTES_VIEW: &str = "person_attributes";

/// Value of people without a value.
pub const NOT_MAPPED: &str = "(not mapped)";

/// An attribute of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAttribute {
    /// Name.
    pub name: String,
    /// Number of people with a value.
    pub people: usize,
    /// Number of different values.
    pub values: usize,
}

impl KnownAttribute {
    /// Returns the text by which names of the attribute are compared.
    pub fn key(&self) -> String {
        attribute_key(&self.name)
    }
}

/// The address of a person, and the key of an attribute.
type AttributeKey = (String, String);

/// The name of an attribute, and a value of it.
type NamedValue = (String, String);

/// The values of a person by the keys of their attributes.
type Values = BTreeMap<String, NamedValue>;

/// People with their addresses and values, by their own address.
#[derive(Default)]
struct AttributedPeople {
    people: BTreeMap<String, (BTreeSet<String>, Values)>,
}

impl AttributedPeople {
    /// Reads the attributes of lists of people, and those of tables, which replace them.
    fn new(session: &Session<'_>) -> PolarsResult<AttributedPeople> {
        let inventory = resolve(session.inventory_rows()?, as_of_us(session));
        let mut all = AttributedPeople::default();
        let owners = owners(&inventory.people);
        for (address, owner) in &owners {
            all.people.entry(owner.clone()).or_default().0.insert(address.clone());
        }
        for held in &inventory.people {
            let values = &mut all.people.entry(user_id(&held.row)).or_default().1;
            for (column, name) in PERSON_ATTRIBUTES {
                if let Some(value) = held.row.get(column) {
                    values.insert(attribute_key(name), (name.to_owned(), value.to_owned()));
                }
            }
        }
        for row in &inventory.attributes {
            let own = user_of(row.get(Field::Principal).unwrap_or_default());
            let aliases = row.get(Field::Aliases).unwrap_or_default().split_whitespace();
            let addresses: BTreeSet<String> = aliases.map(user_of).chain([own.clone()]).collect();
            let owner = [&own].into_iter().chain(&addresses).find_map(|a| owners.get(a));
            let name = row.get(Field::Name).unwrap_or_default();
            let Some(value) = row.get(Field::Value) else { continue };
            let (known, values) = all.people.entry(owner.cloned().unwrap_or(own)).or_default();
            known.extend(addresses.into_iter().filter(|address| !owners.contains_key(address)));
            values.insert(attribute_key(name), (attribute_name(name), value.to_owned()));
        }
        Ok(all)
    }
}

/// Returns the own address of the person of each address. An address that is a person's own one
/// belongs to that person.
fn owners(people: &[HeldPerson]) -> HashMap<String, String> {
    let own = people.iter().map(|held| (user_id(&held.row), user_id(&held.row)));
    let mut owners: HashMap<String, String> = own.collect();
    for held in people {
        for alias in &held.aliases {
            owners.entry(user_of(alias)).or_insert_with(|| user_id(&held.row));
        }
    }
    owners
}

/// Builds the view.
pub fn person_attributes(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let all = AttributedPeople::new(session)?;
    let mut rows: BTreeMap<AttributeKey, NamedValue> = BTreeMap::new();
    for (addresses, values) in all.people.values() {
        for address in addresses {
            for (key, named) in values {
                rows.entry((address.clone(), key.clone())).or_insert_with(|| named.clone());
            }
        }
    }
    let texts = |pick: fn(&AttributeKey, &NamedValue) -> String| {
        rows.iter().map(|(key, named)| pick(key, named)).collect::<Vec<String>>()
    };
    let table = df!(
        "address" => texts(|key, _| key.0.clone()),
        "attribute" => texts(|_, named| named.0.clone()),
        "attribute_key" => texts(|key, _| key.1.clone()),
        "attribute_value" => texts(|_, named| named.1.clone())
    )?;
    Ok(table.lazy())
}

/// Returns the attributes of people that the store has, sorted by name.
pub fn known_attributes(session: &Session<'_>) -> PolarsResult<Vec<KnownAttribute>> {
    let all = AttributedPeople::new(session)?;
    let mut found: BTreeMap<&str, (&str, usize, BTreeSet<&str>)> = BTreeMap::new();
    for (_, values) in all.people.values() {
        for (key, (name, value)) in values {
            let known = found.entry(key).or_insert((name, 0, BTreeSet::new()));
            known.1 += 1;
            known.2.insert(value);
        }
    }
    let known = found.into_values().map(|(name, people, values)| KnownAttribute {
        name: name.to_owned(),
        people,
        values: values.len(),
    });
    Ok(known.collect())
}

/// Returns the statement that counts the active people of the period, and those without a value of
/// an attribute.
pub fn coverage_statement(key: &str) -> ReportDefinition {
    let key = key.replace('\'', "''");
    ReportDefinition::ad_hoc(&format!(
        "WITH mapped AS (
            SELECT address FROM person_attributes WHERE attribute_key = '{key}' GROUP BY address
        )
        SELECT COUNT(DISTINCT e.user_id) AS people,
            COUNT(DISTINCT CASE WHEN m.address IS NULL THEN e.user_id END) AS not_mapped
        FROM events AS e
        LEFT JOIN mapped AS m ON e.user_id = m.address
        WHERE e.is_presence"
    ))
}

/// Returns the sentence on the people of a report that an attribute divides.
pub fn coverage_remark(attribute: &KnownAttribute, counts: &[Cell]) -> String {
    let number = |at: usize| match counts.get(at) {
        Some(Cell::Int(number)) => *number,
        _ => 0,
    };
    let KnownAttribute { name, people, values } = attribute;
    let (active, not_mapped) = (number(0), number(1));
    let people = match people {
        1 => "1 person".to_owned(),
        _ => format!("{people} people"),
    };
    let listed = format!("{name} has {} for {people}", counted(*values, "value"));
    match not_mapped {
        0 => format!("Attribute: {listed}. All {active} active people of the period have one."),
        _ => format!(
            "Attribute: {listed}. Of {active} active people of the period, {not_mapped} are \
             {NOT_MAPPED}."
        ),
    }
}
