//! Reads people, their licenses and subscribed products.
//!
//! The files come from Microsoft Graph, from PowerShell, or from the export of an admin center.
//! Names of members are compared without case, blanks and punctuation. A missing list of licenses
//! says nothing: Graph returns it only if it was requested.

use std::collections::{BTreeMap, BTreeSet};

use super::items::{instant, is_flattened, objects};
use super::shape::Shape;
use super::unit::Unit;
use crate::record::{List, Object, Value};
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};
use crate::schema::plan_level;

/// Text in [`Column::Asked`] of a person whose licenses are known.
pub(super) const WITH_LICENSES: &str = "licenses";

/// Text in [`Column::Plans`] of a person without a service plan of Power BI.
pub(super) const NO_PLAN: &str = "-";

/// Text in [`Column::AssignedBy`] of a license that no group assigns.
pub(super) const DIRECT: &str = "direct";

/// Members that only files of people have beside the user principal name.
const PERSON_SIGNS: [&str; 7] = [
    "displayname",
    "accountenabled",
    "blockcredential",
    "assignedlicenses",
    "licenseassignmentstates",
    "licenses",
    "skupartnumber",
];

/// Attributes of people: the column, and the names of the member.
const ATTRIBUTES: [(Column, &[&str]); 7] = [
    (Column::UserType, &["usertype"]),
    (Column::Department, &["department"]),
    (Column::Company, &["companyname", "company"]),
    (Column::Country, &["country", "countryregion", "usagelocation"]),
    (Column::Office, &["officelocation", "office", "physicaldeliveryofficename", "city"]),
    (Column::CostCenter, &["costcenter", "costcentre"]),
    (Column::Division, &["division"]),
];

/// Returns a name as names of members are compared.
fn normal(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The members of an object by their normal names.
pub(super) struct Members<'a>(BTreeMap<String, Value<'a>>);

impl<'a> Members<'a> {
    pub(super) fn new(object: Object<'a>) -> Self {
        let mut members = BTreeMap::new();
        for (name, value) in object.members() {
            members.entry(normal(name)).or_insert(value);
        }
        Members(members)
    }

    pub(super) fn text(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| match self.0.get(*name) {
            Some(Value::Text(text)) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        })
    }

    pub(super) fn id(&self, names: &[&str]) -> Option<String> {
        self.text(names).map(str::to_lowercase)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Value<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Returns a list, also if PowerShell has wrapped it.
    fn list(&self, name: &str) -> Option<List<'a>> {
        match self.0.get(name)? {
            Value::List(list) => Some(*list),
            Value::Object(object) => match object.member("value") {
                Some(Value::List(list)) => Some(list),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    fn count(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| match self.0.get(*name)? {
            Value::Int(number) => Some(number.to_string()),
            Value::Text(text) => text.trim().parse::<i64>().ok().map(|number| number.to_string()),
            _ => None,
        })
    }

    /// Returns the text that PowerShell wrote in place of a list.
    fn is_lost(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| is_flattened(*value))
    }
}

/// Returns true if an object is a person.
pub(super) fn is_person(object: Object<'_>) -> bool {
    let members = Members::new(object);
    members.text(&["userprincipalname"]).is_some()
        && PERSON_SIGNS.iter().any(|sign| members.0.contains_key(*sign))
        && !members.0.contains_key("accessright")
        && !members.0.contains_key("assignedproducts")
}

/// Returns true if an object is a subscribed product.
pub(super) fn is_product(object: Object<'_>) -> bool {
    let members = Members::new(object);
    members.text(&["skupartnumber", "accountskuid"]).is_some()
        && members.0.contains_key("consumedunits")
}

/// Returns the unit of a person; `None` if the user principal name is not an address: reports of
/// Microsoft 365 can conceal names.
pub(super) fn person_unit(object: Object<'_>) -> Option<Unit> {
    let members = Members::new(object);
    let address = members.id(&["userprincipalname"]).filter(|address| address.contains('@'))?;
    let object_id = members.id(&["id", "objectid"]);
    let mut unit = Unit::new(Shape::People, String::new());
    let licenses = licenses(&members, &mut unit);
    let plans = members.list("assignedplans").map(enabled_plans);
    let mut person = InventoryRow::new(RowKind::Person)
        .with(Column::Principal, Some(address.clone()))
        .with(Column::PrincipalId, object_id.clone())
        .with(Column::Aliases, aliases(&members, &address))
        .with(Column::Status, status(&members))
        .with(Column::CreatedAt, instant(object, &["createdDateTime", "When created"]))
        .with(Column::Asked, licenses.as_ref().map(|_| WITH_LICENSES))
        .with(Column::Plans, plans);
    let organization = match members.0.get("employeeorgdata") {
        Some(Value::Object(organization)) => Some(Members::new(*organization)),
        _ => None,
    };
    for (column, names) in ATTRIBUTES {
        let nested = organization.as_ref().and_then(|members| members.text(names));
        person.set(column, members.text(names).or(nested));
    }
    unit.rows.push(person);
    for mut license in licenses.into_iter().flatten() {
        license.set(Column::Principal, Some(address.clone()));
        license.set(Column::PrincipalId, object_id.clone());
        unit.rows.push(license);
    }
    Some(unit)
}

fn status(members: &Members<'_>) -> Option<&'static str> {
    if members.text(&["deleteddatetime", "softdeletiontimestamp"]).is_some() {
        return Some("deleted");
    }
    let is_enabled = members
        .flag("accountenabled")
        .or_else(|| members.flag("blockcredential").map(|is_blocked| !is_blocked))?;
    Some(if is_enabled { "enabled" } else { "disabled" })
}

/// Returns the other addresses of a person, separated by blanks.
fn aliases(members: &Members<'_>, own: &str) -> Option<String> {
    let mut all = BTreeSet::new();
    let mut add = |text: &str| {
        for part in text.split(['+', ';', ',', ' ']) {
            let part = part.trim().to_lowercase();
            let address = part.strip_prefix("smtp:").unwrap_or(&part);
            if address.contains('@') && !address.contains(':') && address != own {
                all.insert(address.to_owned());
            }
        }
    };
    members.text(&["mail"]).into_iter().for_each(&mut add);
    members.text(&["onpremisesuserprincipalname"]).into_iter().for_each(&mut add);
    for name in ["proxyaddresses", "othermails"] {
        members.text(&[name]).into_iter().for_each(&mut add);
        for value in members.list(name).into_iter().flat_map(List::items) {
            if let Value::Text(text) = value {
                add(text);
            }
        }
    }
    (!all.is_empty()).then(|| all.into_iter().collect::<Vec<_>>().join(" "))
}

/// Returns the licenses of a person; `None` if the file does not say them. Lost lists are counted.
fn licenses(members: &Members<'_>, unit: &mut Unit) -> Option<Vec<InventoryRow>> {
    let lists = ["assignedlicenses", "licenses", "licenseassignmentstates"];
    if lists.iter().any(|name| members.is_lost(name)) {
        unit.lost_lists += 1;
        return None;
    }
    let mut by_sku: BTreeMap<String, InventoryRow> = BTreeMap::new();
    let mut is_known = false;
    for name in ["assignedlicenses", "licenses"] {
        if let Some(list) = members.list(name) {
            is_known = true;
            let rows = objects(list).filter_map(|license| assigned_license(&Members::new(license)));
            by_sku.extend(rows);
        } else if let Some(text) = members.text(&[name]) {
            is_known = true;
            by_sku.extend(products_in_text(text).map(|name| (name.clone(), license_row(&name))));
        }
    }
    if let Some(row) = assigned_license(members) {
        is_known = true;
        by_sku.extend([row]);
    }
    if members.flag("islicensed") == Some(false) {
        is_known = true;
    }
    for state in members.list("licenseassignmentstates").into_iter().flat_map(objects) {
        add_assignment(&Members::new(state), &mut by_sku);
    }
    is_known.then(|| by_sku.into_values().collect())
}

fn license_row(product: &str) -> InventoryRow {
    InventoryRow::new(RowKind::License).with(Column::Product, Some(product))
}

/// Returns the license in an object with the ID or the part number of its product.
fn assigned_license(members: &Members<'_>) -> Option<(String, InventoryRow)> {
    let part = members.text(&["accountskuid", "skupartnumber"]).map(part_number);
    let sku_id = members.id(&["skuid"]);
    let key = sku_id.clone().or_else(|| part.clone())?;
    let off = members.list("disabledplans").map(texts_of).filter(|plans| !plans.is_empty());
    let row = license_row(part.as_deref().unwrap_or_default())
        .with(Column::SkuId, sku_id)
        .with(Column::DisabledPlans, off);
    Some((key, row))
}

/// Adds how a license is assigned. A person can have one directly and from groups.
fn add_assignment(state: &Members<'_>, by_sku: &mut BTreeMap<String, InventoryRow>) {
    let Some(sku_id) = state.id(&["skuid"]) else { return };
    let Some(row) = by_sku.get_mut(&sku_id) else { return };
    let group = state.id(&["assignedbygroup"]).unwrap_or_else(|| DIRECT.to_owned());
    let known = row.get(Column::AssignedBy).unwrap_or_default().to_owned();
    // A direct assignment is the one that can be taken back from the person alone.
    if known.is_empty() || group == DIRECT || (known != DIRECT && group < known) {
        row.set(Column::AssignedBy, Some(group));
    }
    let error = state.text(&["state"]).filter(|state| !state.eq_ignore_ascii_case("active"));
    row.set(Column::Status, error);
}

/// Returns the part number without the tenant before it: `contoso:POWER_BI_PRO`.
fn part_number(text: &str) -> String {
    text.rsplit(':').next().unwrap_or(text).trim().to_owned()
}

/// Returns the products in a text: names joined by `+`, or part numbers joined by `;` or `,`. A
/// name can contain a `+` between blanks.
fn products_in_text(text: &str) -> impl Iterator<Item = String> {
    let marked = text.replace('\u{a0}', " ").replace(" + ", "\u{1}");
    let separators: &[char] = if marked.contains(':') { &[';', ',', '+'] } else { &['+', ';'] };
    let parts: Vec<String> = marked.split(separators).map(str::to_owned).collect();
    parts
        .into_iter()
        .map(|part| part_number(&part.replace('\u{1}', " + ")))
        .filter(|part| !part.is_empty() && !part.eq_ignore_ascii_case("unlicensed"))
}

fn texts_of(list: List<'_>) -> String {
    let texts: BTreeSet<String> = list
        .items()
        .filter_map(|item| match item {
            Value::Text(text) => Some(text.trim().to_lowercase()),
            _ => None,
        })
        .collect();
    texts.into_iter().collect::<Vec<_>>().join(" ")
}

/// Returns the plans of Power BI that a person can use.
fn enabled_plans(list: List<'_>) -> String {
    let is_enabled = |plan: &Members<'_>| {
        let status = plan.text(&["capabilitystatus"]).unwrap_or_default();
        status.eq_ignore_ascii_case("enabled") || status.eq_ignore_ascii_case("warning")
    };
    let plans: BTreeSet<String> = objects(list)
        .map(Members::new)
        .filter(is_enabled)
        .filter_map(|plan| plan.id(&["serviceplanid"]))
        .filter(|id| plan_level(id).is_some())
        .collect();
    match plans.is_empty() {
        true => NO_PLAN.to_owned(),
        false => plans.into_iter().collect::<Vec<_>>().join(" "),
    }
}

/// Returns the unit of a subscribed product.
pub(super) fn product_unit(object: Object<'_>) -> Option<Unit> {
    let members = Members::new(object);
    let part = part_number(members.text(&["skupartnumber", "accountskuid"])?);
    let prepaid = match members.0.get("prepaidunits") {
        Some(Value::Object(units)) => Members::new(*units).count(&["enabled"]),
        _ => members.count(&["activeunits"]),
    };
    let mut unit = Unit::new(Shape::Products, String::new());
    unit.rows.push(
        InventoryRow::new(RowKind::Product)
            .with(Column::SkuId, members.id(&["skuid"]))
            .with(Column::Product, Some(part))
            .with(Column::Status, members.text(&["capabilitystatus"]))
            .with(Column::Bought, prepaid)
            .with(Column::Consumed, members.count(&["consumedunits"])),
    );
    Some(unit)
}
