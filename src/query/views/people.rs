//! The views of people, licenses and bought products.

use std::collections::BTreeMap;

use polars::prelude::*;

use crate::inventory::{HeldLicense, HeldPerson, HeldProduct, Inventory, LicenseSource, resolve};
use crate::schema::inventory::{InventoryColumn as Field, InventoryRow};
use crate::schema::license_product;

use crate::query::session::Session;
use crate::query::views::addresses::user_of;
use crate::query::views::inventory::{
    as_of_us, counted, day_text, epoch_day, instant, texts, with_times,
};

/// Names of the views.
pub const PEOPLE_VIEWS: [&str; 4] = ["people", "person_addresses", "licenses", "license_products"];

/// Builds one of the views.
pub fn people_view(session: &Session<'_>, view: &str) -> PolarsResult<LazyFrame> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    match view {
        "people" => people(&inventory.people),
        "person_addresses" => person_addresses(&inventory.people),
        "licenses" => licenses(&inventory.licenses),
        _ => products(&inventory.products),
    }
}

/// Returns the sentences on the lists of people for a report that reads them, and on their licenses
/// if it reads those too.
pub fn people_remarks(session: &Session<'_>, with_licenses: bool) -> PolarsResult<Vec<String>> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    let Some(newest_us) = inventory.people.iter().map(|person| person.seen_us.1).max() else {
        let remark = "The store has no list of people. Save the people of Microsoft Graph (users?\
            $select=id,userPrincipalName,mail,accountEnabled,department,assignedLicenses) or the \
            CSV file of the active users of the Microsoft 365 admin center beside the log, and run \
            ingest again; see docs/inventory.md.";
        return Ok(vec![remark.to_owned()]);
    };
    let present = inventory.people.iter().filter(|person| person.gone_us.is_none()).count();
    let mut remarks = vec![format!("People: list of {}, {present} people.", day_text(newest_us))];
    if with_licenses {
        remarks.extend(licenses_remark(&inventory));
    }
    Ok(remarks)
}

fn licenses_remark(inventory: &Inventory<'_>) -> Option<String> {
    let present = || inventory.people.iter().filter(|person| person.gone_us.is_none());
    let Some(newest_us) = present().filter_map(|person| person.licenses_us).max() else {
        let remark = "No list of people contains licenses, so nothing is known about them. \
            Microsoft Graph returns them only with $select=assignedLicenses.";
        return Some(remark.to_owned());
    };
    let without = present().filter(|person| person.licenses_us.is_none()).count();
    let unknown = match without {
        0 => String::new(),
        _ => format!(" The licenses of {without} people are not known."),
    };
    let licenses = counted(inventory.licenses.len(), "license");
    Some(format!("Licenses: list of {}, {licenses}.{unknown}", day_text(newest_us)))
}

pub(super) fn user_id(row: &InventoryRow) -> String {
    user_of(row.get(Field::Principal).unwrap_or_default())
}

fn people(all: &[HeldPerson]) -> PolarsResult<LazyFrame> {
    let text = |column| texts(all.iter().map(|held| Some(&held.row)), column);
    let created: Vec<Option<i64>> =
        all.iter().map(|held| instant(&held.row, Field::CreatedAt)).collect();
    let created_days: Vec<Option<i64>> = created.iter().map(|us| epoch_day(*us)).collect();
    let table = df!(
        "user_id" => all.iter().map(|held| user_id(&held.row)).collect::<Vec<_>>(),
        "object_id" => text(Field::PrincipalId),
        "account_status" => text(Field::Status),
        "user_type" => text(Field::UserType),
        "department" => text(Field::Department),
        "company" => text(Field::Company),
        "country" => text(Field::Country),
        "office" => text(Field::Office),
        "cost_center" => text(Field::CostCenter),
        "division" => text(Field::Division),
        "created_at" => created,
        "created_epoch_day" => created_days,
        "first_seen" => all.iter().map(|held| held.seen_us.0).collect::<Vec<_>>(),
        "last_seen" => all.iter().map(|held| held.seen_us.1).collect::<Vec<_>>(),
        "gone_since" => all.iter().map(|held| held.gone_us).collect::<Vec<_>>(),
        "licenses_time" => all.iter().map(|held| held.licenses_us).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["created_at", "first_seen", "last_seen", "gone_since", "licenses_time"]))
}

/// Returns all addresses of people. An address that is a person's own one belongs to that person.
fn person_addresses(all: &[HeldPerson]) -> PolarsResult<LazyFrame> {
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    for held in all {
        let user = user_id(&held.row);
        addresses.insert(user.clone(), user);
    }
    for held in all {
        for alias in &held.aliases {
            addresses.entry(user_of(alias)).or_insert_with(|| user_id(&held.row));
        }
    }
    let (addresses, users): (Vec<String>, Vec<String>) = addresses.into_iter().unzip();
    Ok(df!("address" => addresses, "user_id" => users)?.lazy())
}

fn licenses(all: &[HeldLicense<'_>]) -> PolarsResult<LazyFrame> {
    let group = |held: &HeldLicense<'_>| match held.source {
        LicenseSource::Group | LicenseSource::Bundle => {
            held.row.get(Field::AssignedBy).filter(|group| *group != "direct").map(str::to_owned)
        }
        _ => None,
    };
    let table = df!(
        "user_id" => all.iter().map(|held| user_of(&held.address)).collect::<Vec<_>>(),
        "license" => all.iter().map(|held| held.level.name()).collect::<Vec<_>>(),
        "license_source" => all.iter().map(|held| held.source.name()).collect::<Vec<_>>(),
        "product" => all.iter().map(|held| held.product.as_str()).collect::<Vec<_>>(),
        "sku_id" => all.iter().map(|held| held.sku_id.as_deref()).collect::<Vec<_>>(),
        "assigned_by_group" => all.iter().map(group).collect::<Vec<_>>(),
        "license_state" => texts(all.iter().map(|held| Some(held.row)), Field::Status),
        "snapshot_time" => all.iter().map(|held| held.taken_us).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["snapshot_time"]))
}

fn products(all: &[HeldProduct<'_>]) -> PolarsResult<LazyFrame> {
    let number = |column| -> Vec<Option<i64>> {
        all.iter().map(|held| held.row.get(column).and_then(|text| text.parse().ok())).collect()
    };
    let is_bundle = |held: &HeldProduct<'_>| {
        license_product(&held.product).is_some_and(|known| known.is_bundle)
    };
    let table = df!(
        "product" => all.iter().map(|held| held.product.as_str()).collect::<Vec<_>>(),
        "sku_id" => texts(all.iter().map(|held| Some(held.row)), Field::SkuId),
        "part_number" => texts(all.iter().map(|held| Some(held.row)), Field::Product),
        "license" => all.iter().map(|held| held.level.name()).collect::<Vec<_>>(),
        "is_bundle" => all.iter().map(is_bundle).collect::<Vec<_>>(),
        "bought" => number(Field::Bought),
        "assigned" => number(Field::Consumed),
        "product_state" => texts(all.iter().map(|held| Some(held.row)), Field::Status),
        "snapshot_time" => all.iter().map(|held| held.taken_us).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["snapshot_time"]))
}
