//! Decides who there is and who has which license as of a time, from all stored lists of people.
//!
//! People are merged by their ID, else by their address: a renamed person is one person with two
//! addresses. The licenses of a person are those of the latest list with licenses, as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::people::{DIRECT, NO_PLAN, WITH_LICENSES};
use super::shape::Shape;
use super::snapshots::{Cluster, States, rows_of};
use super::taken_at::ScanCoverage;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};
use crate::schema::{LicenseLevel, license_product, plan_level};

/// A list without a stated coverage is full if it has this share of the known people.
const FULL_PERCENT: usize = 90;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPerson {
    /// The latest values of all columns.
    pub row: InventoryRow,
    /// The other addresses, also those of earlier lists.
    pub aliases: BTreeSet<String>,
    /// The times of the first and last list with the person.
    pub seen_us: (i64, i64),
    /// The time of the first later full list without the person.
    pub gone_us: Option<i64>,
    /// The time of the latest list that says which licenses the person has.
    pub licenses_us: Option<i64>,
}

/// The way in which a person has a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenseSource {
    /// It is assigned to the person.
    Direct,
    /// A group assigns it.
    Group,
    /// It is part of a product that is bought for other reasons.
    Bundle,
    /// No file says it.
    Unknown,
}

impl LicenseSource {
    /// Returns the name in views.
    pub fn name(self) -> Option<&'static str> {
        match self {
            LicenseSource::Direct => Some("direct"),
            LicenseSource::Group => Some("group"),
            LicenseSource::Bundle => Some("bundle"),
            LicenseSource::Unknown => None,
        }
    }
}

/// A license of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLicense<'r> {
    /// The row.
    pub row: &'r InventoryRow,
    /// The latest address of the person.
    pub address: String,
    /// The name of the product, or its ID if it is not known.
    pub product: String,
    /// The ID of the product, if a file or the catalog has it.
    pub sku_id: Option<String>,
    /// The level that it permits.
    pub level: LicenseLevel,
    /// The way in which the person has it.
    pub source: LicenseSource,
    /// The time of the list.
    pub taken_us: i64,
}

/// A product that the tenant has bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldProduct<'r> {
    /// The row.
    pub row: &'r InventoryRow,
    /// The name of the product.
    pub product: String,
    /// The level that it permits.
    pub level: LicenseLevel,
    /// The time of the list.
    pub taken_us: i64,
}

/// A person and the rows of the licenses.
struct KnownPerson<'r> {
    person: HeldPerson,
    licenses: Vec<&'r InventoryRow>,
}

/// The people and licenses as of a time.
#[derive(Debug, Default)]
pub(super) struct People<'r> {
    pub(super) people: Vec<HeldPerson>,
    pub(super) licenses: Vec<HeldLicense<'r>>,
    pub(super) products: Vec<HeldProduct<'r>>,
}

/// Returns the people, licenses and products of snapshots, which are in the order of time, and
/// decides which of them are full.
pub(super) fn resolve_people<'r>(clusters: &mut [Cluster<'r>], states: &States<'r>) -> People<'r> {
    let mut known: Vec<KnownPerson<'r>> = Vec::new();
    let mut products: Vec<(&'r InventoryRow, i64)> = Vec::new();
    for cluster in clusters {
        match cluster.snapshot.shape {
            Shape::People => add_list(&mut known, cluster, states),
            _ => {
                let taken_us = cluster.snapshot.last_us;
                let rows = rows_of(&cluster.scans, states).into_iter();
                products = rows.map(|row| (row, taken_us)).collect();
            }
        }
    }
    let names = names_of_tenant(&products);
    let mut all = People::default();
    for KnownPerson { person, licenses } in known {
        let address = person.row.get(Column::Principal).unwrap_or_default();
        if let Some(taken_us) = person.licenses_us.filter(|_| person.gone_us.is_none()) {
            let held = licenses
                .into_iter()
                .map(|row| held_license(row, address, &person.row, &names, taken_us));
            all.licenses.extend(held);
        }
        all.people.push(person);
    }
    let address = |person: &HeldPerson| person.row.get(Column::Principal).map(str::to_owned);
    all.people.sort_by_cached_key(address);
    all.licenses
        .sort_by(|a, b| (&a.address, &a.product, a.row).cmp(&(&b.address, &b.product, b.row)));
    let held = |(row, taken_us): (&'r InventoryRow, i64)| {
        let (product, _, level) = product_of(row, &names);
        HeldProduct { row, product, level, taken_us }
    };
    all.products = products.into_iter().map(held).collect();
    all.products.sort_by(|a, b| (&a.product, a.row).cmp(&(&b.product, b.row)));
    all.products.dedup();
    all
}

/// Adds the people of a snapshot.
fn add_list<'r>(known: &mut Vec<KnownPerson<'r>>, cluster: &mut Cluster<'r>, states: &States<'r>) {
    let snapshot = &mut cluster.snapshot;
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut by_address: HashMap<String, usize> = HashMap::new();
    for (at, one) in known.iter().enumerate() {
        let row = &one.person.row;
        by_id.extend(row.get(Column::PrincipalId).map(|id| (id.to_owned(), at)));
        by_address.extend(row.get(Column::Principal).map(|address| (address.to_owned(), at)));
    }
    let before = known.len();
    let mut found: BTreeSet<usize> = BTreeSet::new();
    let mut of_address: HashMap<&'r str, usize> = HashMap::new();
    let rows = rows_of(&cluster.scans, states);
    for row in rows.iter().copied().filter(|row| row.kind == RowKind::Person) {
        let address = row.get(Column::Principal).unwrap_or_default();
        let id = row.get(Column::PrincipalId);
        let at = id.and_then(|id| by_id.get(id)).or_else(|| {
            // An address that now belongs to another ID is another person.
            let at = by_address.get(address)?;
            let other = known.get(*at)?.person.row.get(Column::PrincipalId);
            (id.is_none() || other.is_none() || other == id).then_some(at)
        });
        let at = at.copied().unwrap_or(known.len());
        let seen_us = (snapshot.first_us, snapshot.last_us);
        match known.get_mut(at) {
            Some(one) => update(&mut one.person, row, seen_us),
            None => {
                known.push(KnownPerson { person: new_person(row, seen_us), licenses: Vec::new() })
            }
        }
        by_address.insert(address.to_owned(), at);
        by_id.extend(id.map(|id| (id.to_owned(), at)));
        found.insert(at);
        of_address.insert(address, at);
        if row.get(Column::Asked) == Some(WITH_LICENSES)
            && let Some(one) = known.get_mut(at)
        {
            one.person.licenses_us = Some(snapshot.last_us);
            one.licenses.clear();
        }
    }
    for row in rows.into_iter().filter(|row| row.kind == RowKind::License) {
        let at = row.get(Column::Principal).and_then(|address| of_address.get(address));
        if let Some(one) = at.and_then(|at| known.get_mut(*at))
            && !one.licenses.contains(&row)
        {
            one.licenses.push(row);
        }
    }
    let is_present = |one: &KnownPerson<'_>| one.person.gone_us.is_none();
    let present: Vec<usize> =
        (0..before).filter(|at| known.get(*at).is_some_and(is_present)).collect();
    if snapshot.coverage == ScanCoverage::Unknown {
        let same = present.iter().filter(|at| found.contains(at)).count();
        let is_full = same * 100 >= present.len() * FULL_PERCENT;
        snapshot.coverage = if is_full { ScanCoverage::Full } else { ScanCoverage::Incremental };
        snapshot.is_inferred = true;
    }
    if snapshot.coverage == ScanCoverage::Full {
        for at in present.into_iter().filter(|at| !found.contains(at)) {
            if let Some(one) = known.get_mut(at) {
                one.person.gone_us = Some(snapshot.first_us);
            }
        }
    }
    snapshot.people = found.len();
}

fn aliases_of(row: &InventoryRow) -> impl Iterator<Item = String> {
    row.get(Column::Aliases).unwrap_or_default().split_whitespace().map(str::to_owned)
}

fn new_person(row: &InventoryRow, seen_us: (i64, i64)) -> HeldPerson {
    let aliases = aliases_of(row).collect();
    HeldPerson { row: row.clone(), aliases, seen_us, gone_us: None, licenses_us: None }
}

/// Updates a person with a later row. A value that the row lacks stays.
fn update(person: &mut HeldPerson, row: &InventoryRow, seen_us: (i64, i64)) {
    let old = person.row.get(Column::Principal).map(str::to_owned);
    for (column, text) in row.texts() {
        person.row.set(column, Some(text));
    }
    person.aliases.extend(aliases_of(row));
    person.aliases.extend(old);
    if let Some(address) = person.row.get(Column::Principal) {
        person.aliases.remove(address);
    }
    person.seen_us = (person.seen_us.0.min(seen_us.0), person.seen_us.1.max(seen_us.1));
    person.gone_us = None;
}

/// Returns the part numbers by ID that the tenant itself lists.
fn names_of_tenant<'r>(products: &[(&'r InventoryRow, i64)]) -> BTreeMap<&'r str, &'r str> {
    let pair = |row: &'r InventoryRow| Some((row.get(Column::SkuId)?, row.get(Column::Product)?));
    products.iter().filter_map(|(row, _)| pair(row)).collect()
}

/// Returns the name, the ID and the level of the product in a row, with all plans on.
fn product_of(
    row: &InventoryRow,
    names: &BTreeMap<&str, &str>,
) -> (String, Option<String>, LicenseLevel) {
    let sku_id = row.get(Column::SkuId);
    let part = row.get(Column::Product);
    let of_tenant = sku_id.and_then(|id| names.get(id)).copied();
    let found = [sku_id, of_tenant, part].into_iter().flatten().find_map(license_product);
    match found {
        Some(product) => {
            (product.product.to_owned(), Some(product.sku_id.to_owned()), product.level)
        }
        None => {
            let name = part.or(of_tenant).or(sku_id).unwrap_or_default().to_owned();
            (name, sku_id.map(str::to_owned), LicenseLevel::Unknown)
        }
    }
}

fn held_license<'r>(
    row: &'r InventoryRow,
    address: &str,
    person: &InventoryRow,
    names: &BTreeMap<&str, &str>,
    taken_us: i64,
) -> HeldLicense<'r> {
    let (product, sku_id, full_level) = product_of(row, names);
    let known = sku_id.as_deref().and_then(license_product);
    let disabled: BTreeSet<&str> =
        row.get(Column::DisabledPlans).unwrap_or_default().split_whitespace().collect();
    let usable: Option<BTreeSet<&str>> = person
        .get(Column::Plans)
        .map(|plans| plans.split_whitespace().filter(|plan| *plan != NO_PLAN).collect());
    let is_off = |plan: &str| {
        let is_unusable = usable.as_ref().is_some_and(|plans| !plans.contains(plan));
        disabled.contains(plan) || (is_unusable && plan_level(plan).is_some())
    };
    let level = known.map_or(full_level, |product| product.level_without(is_off));
    let source = match (known.is_some_and(|product| product.is_bundle), row.get(Column::AssignedBy))
    {
        (true, _) => LicenseSource::Bundle,
        (false, Some(DIRECT)) => LicenseSource::Direct,
        (false, Some(_)) => LicenseSource::Group,
        (false, None) => LicenseSource::Unknown,
    };
    HeldLicense { row, address: address.to_owned(), product, sku_id, level, source, taken_us }
}
