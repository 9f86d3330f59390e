//! The views of workspaces and items from inventories.

use std::collections::HashMap;

use chrono::NaiveDate;
use polars::prelude::*;

use crate::inventory::{
    Dependency, HeldAccess, HeldCapacity, HeldItem, HeldWorkspace, Inventory, InventorySnapshot,
    ItemSpan, LeftOut, dependencies, history, resolve,
};
use crate::schema::MICROS_PER_DAY;
use crate::schema::inventory::{InventoryColumn as Field, InventoryRow};

use crate::query::session::Session;
use crate::query::views::addresses::user_of;

/// Names of the views.
pub const INVENTORY_VIEWS: [&str; 7] = [
    "snapshots",
    "inventory_workspaces",
    "inventory_items",
    "inventory_access",
    "inventory_lineage",
    "inventory_history",
    "inventory_capacities",
];

/// Builds one of the views.
pub fn inventory_view(session: &Session<'_>, view: &str) -> PolarsResult<LazyFrame> {
    if view == "inventory_history" {
        return spans(&history(session.inventory_rows()?, as_of_us(session)));
    }
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    match view {
        "snapshots" => snapshots(&inventory),
        "inventory_workspaces" => workspaces(&inventory),
        "inventory_capacities" => capacities(&inventory.capacities),
        "inventory_items" => items(&inventory.items),
        "inventory_lineage" => lineage(&dependencies(&inventory)),
        _ => access(&inventory.access),
    }
}

/// Returns the end of the day as of which the inventory is read; `None` for the newest snapshots.
pub(super) fn as_of_us(session: &Session<'_>) -> Option<i64> {
    let day = session.as_of()?;
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    Some((days + 1) * MICROS_PER_DAY - 1)
}

/// Returns the sentences on the inventory for a report that reads it.
pub fn inventory_remarks(session: &Session<'_>) -> PolarsResult<Vec<String>> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    let Some(newest) =
        inventory.snapshots.iter().rev().find(|snapshot| snapshot.shape.is_about_workspaces())
    else {
        let remark = "The store has no inventory, so this report has no rows. Save the results of \
            the scanner API (admin/workspaces/getInfo?lineage=True&getArtifactUsers=True, then \
            admin/workspaces/scanResult) or of admin/groups?$expand=users,reports beside the log, \
            and run ingest again; see docs/inventory.md.";
        return Ok(vec![remark.to_owned()]);
    };
    let of_workspaces = || inventory.snapshots.iter().filter(|s| s.shape.is_about_workspaces());
    let described = |snapshot: &InventorySnapshot| {
        format!(
            "{} of {} ({}, {})",
            snapshot.shape.name(),
            day_text(snapshot.last_us),
            snapshot.coverage.name(),
            counted(snapshot.workspaces, "workspace")
        )
    };
    let mut newest_text = described(newest);
    // A list of workspaces says nothing about items.
    if newest.shape.has_only_workspaces() {
        let with_items = of_workspaces().rev().find(|s| !s.shape.has_only_workspaces());
        let items = with_items.map_or_else(|| "no file lists items".to_owned(), described);
        newest_text = format!("{newest_text}, {items}");
    }
    let stored = counted(of_workspaces().count(), "snapshot");
    let mut remarks = vec![format!("Inventory: {newest_text}; {stored} stored.")];
    let mut counts: std::collections::BTreeMap<LeftOut, usize> = std::collections::BTreeMap::new();
    for left_out in inventory.items.iter().filter_map(|item| item.left_out) {
        *counts.entry(left_out).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{count} ({})", reason.name())).collect();
    if !counts.is_empty() {
        remarks.push(format!("Items that do not count: {}.", counts.join(", ")));
    }
    Ok(remarks)
}

/// Returns the sentence on the newest list of capacities, if there is one.
pub fn capacity_remark(session: &Session<'_>) -> PolarsResult<Option<String>> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    let newest = inventory.snapshots.iter().rev().find(|snapshot| snapshot.capacities > 0);
    Ok(newest.map(|snapshot| {
        let number = match snapshot.capacities {
            1 => "1 capacity".to_owned(),
            number => format!("{number} capacities"),
        };
        format!("Capacities: list of {}, {number}.", day_text(snapshot.last_us))
    }))
}

pub(super) fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

pub(super) fn day_text(us: i64) -> String {
    chrono::DateTime::from_timestamp_micros(us)
        .map(|time| time.date_naive().to_string())
        .unwrap_or_default()
}

/// Returns a table whose time columns are microseconds since 1970.
pub(super) fn with_times(table: DataFrame, times: &[&str]) -> LazyFrame {
    let utc = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
    let times: Vec<Expr> = times.iter().map(|name| col(*name).cast(utc.clone())).collect();
    table.lazy().with_columns(times)
}

pub(super) fn texts<'r>(
    rows: impl Iterator<Item = Option<&'r InventoryRow>>,
    column: Field,
) -> Vec<Option<&'r str>> {
    rows.map(|row| row.and_then(|row| row.get(column))).collect()
}

/// Returns the microseconds since 1970 of a time as the store has it.
pub(super) fn instant(row: &InventoryRow, column: Field) -> Option<i64> {
    let time = chrono::DateTime::parse_from_rfc3339(row.get(column)?).ok()?;
    Some(time.timestamp_micros())
}

pub(super) fn epoch_day(us: Option<i64>) -> Option<i64> {
    us.map(|us| us.div_euclid(MICROS_PER_DAY))
}

fn snapshots(inventory: &Inventory<'_>) -> PolarsResult<LazyFrame> {
    let all = &inventory.snapshots;
    let table = df!(
        "snapshot_kind" => all.iter().map(|s| s.shape.name()).collect::<Vec<_>>(),
        "taken_at" => all.iter().map(|s| s.first_us).collect::<Vec<_>>(),
        "taken_epoch_day" => all.iter().map(|s| epoch_day(Some(s.last_us))).collect::<Vec<_>>(),
        "last_file_at" => all.iter().map(|s| s.last_us).collect::<Vec<_>>(),
        "time_source" => all.iter().map(|s| s.time_source.name()).collect::<Vec<_>>(),
        "coverage" => all.iter().map(|s| s.coverage.name()).collect::<Vec<_>>(),
        "is_inferred" => all.iter().map(|s| s.is_inferred).collect::<Vec<_>>(),
        "snapshot_workspaces" => all.iter().map(|s| s.workspaces as i64).collect::<Vec<_>>(),
        "snapshot_people" => all.iter().map(|s| s.people as i64).collect::<Vec<_>>(),
        "snapshot_capacities" => all.iter().map(|s| s.capacities as i64).collect::<Vec<_>>(),
        "snapshot_groups" => all.iter().map(|s| s.groups as i64).collect::<Vec<_>>(),
        "has_personal" => all.iter().map(|s| s.has_personal).collect::<Vec<_>>(),
        "has_users" => all.iter().map(|s| s.has_users).collect::<Vec<_>>(),
        "has_lineage" => all.iter().map(|s| s.has_lineage).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["taken_at", "last_file_at"]))
}

fn workspaces(inventory: &Inventory<'_>) -> PolarsResult<LazyFrame> {
    let all = &inventory.workspaces;
    let listed = inventory.capacities.iter();
    let known: HashMap<&str, &HeldCapacity<'_>> =
        listed.filter_map(|capacity| Some((capacity.row.get(Field::ItemId)?, capacity))).collect();
    let capacity = |held: &HeldWorkspace<'_>| known.get(held.row?.get(Field::CapacityId)?).copied();
    let on: Vec<Option<&HeldCapacity<'_>>> = all.iter().map(capacity).collect();
    let of_capacity =
        |column| texts(on.iter().map(|held| held.map(|capacity| &*capacity.row)), column);
    let is_large = |held: &Option<&HeldCapacity<'_>>| held.and_then(HeldCapacity::is_large);
    let text = |column| texts(all.iter().map(|held| held.row), column);
    let left_out = |held: &HeldWorkspace<'_>| held.left_out.map(LeftOut::name);
    let table = df!(
        "workspace_id" => all.iter().map(|held| held.id).collect::<Vec<_>>(),
        "workspace_name" => text(Field::Name),
        "workspace_type" => text(Field::Type),
        "workspace_state" => text(Field::Status),
        "capacity_id" => text(Field::CapacityId),
        "capacity_name" => of_capacity(Field::Name),
        "capacity_sku" => of_capacity(Field::Sku),
        "is_on_large_capacity" => on.iter().map(is_large).collect::<Vec<_>>(),
        "description" => text(Field::Description),
        "first_seen" => all.iter().map(|held| held.seen_us.0).collect::<Vec<_>>(),
        "last_seen" => all.iter().map(|held| held.seen_us.1).collect::<Vec<_>>(),
        "gone_since" => all.iter().map(|held| held.gone_us).collect::<Vec<_>>(),
        "snapshot_time" => all.iter().map(|held| held.taken_us).collect::<Vec<_>>(),
        "has_users" => all.iter().map(|held| held.has_users).collect::<Vec<_>>(),
        "has_lineage" => all.iter().map(|held| held.has_lineage).collect::<Vec<_>>(),
        "left_out" => all.iter().map(left_out).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["first_seen", "last_seen", "gone_since", "snapshot_time"]))
}

fn capacities(all: &[HeldCapacity<'_>]) -> PolarsResult<LazyFrame> {
    let text = |column| texts(all.iter().map(|held| Some(&*held.row)), column);
    // As the column `user_id` of events.
    let admins = |held: &HeldCapacity<'_>| {
        let admins = held.row.get(Field::Owner)?.split_whitespace();
        Some(admins.map(user_of).collect::<Vec<_>>().join(", "))
    };
    let table = df!(
        "capacity_id" => text(Field::ItemId),
        "capacity_name" => text(Field::Name),
        "capacity_sku" => text(Field::Sku),
        "capacity_state" => text(Field::Status),
        "capacity_region" => text(Field::Region),
        "capacity_admins" => all.iter().map(admins).collect::<Vec<_>>(),
        "is_large" => all.iter().map(HeldCapacity::is_large).collect::<Vec<_>>(),
        "first_seen" => all.iter().map(|held| held.seen_us.0).collect::<Vec<_>>(),
        "last_seen" => all.iter().map(|held| held.seen_us.1).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["first_seen", "last_seen"]))
}

fn items(all: &[HeldItem<'_>]) -> PolarsResult<LazyFrame> {
    let text = |column| texts(all.iter().map(|held| Some(&*held.row)), column);
    let time =
        |column| all.iter().map(|held| instant(&held.row, column)).collect::<Vec<Option<i64>>>();
    // As the column `user_id` of events.
    let person = |column| -> Vec<Option<String>> {
        all.iter().map(|held| held.row.get(column).map(user_of)).collect()
    };
    let created = time(Field::CreatedAt);
    let created_days: Vec<Option<i64>> = created.iter().map(|us| epoch_day(*us)).collect();
    let first_days = all.iter().map(|held| epoch_day(Some(held.first_us)));
    let left_out = |held: &HeldItem<'_>| held.left_out.map(LeftOut::name);
    let table = df!(
        "item_id" => text(Field::ItemId),
        "item_kind" => text(Field::ItemKind),
        "item_type" => text(Field::Type),
        "item_name" => text(Field::Name),
        "item_state" => text(Field::Status),
        "workspace_id" => text(Field::WorkspaceId),
        "description" => text(Field::Description),
        "created_at" => created,
        "created_epoch_day" => created_days,
        "modified_at" => time(Field::ModifiedAt),
        "created_by" => person(Field::CreatedBy),
        "modified_by" => person(Field::ModifiedBy),
        "configured_by" => person(Field::Owner),
        "model_id" => text(Field::ModelId),
        "model_workspace_id" => text(Field::ModelWorkspaceId),
        "app_id" => text(Field::AppId),
        "original_id" => all.iter().map(|held| held.original_id).collect::<Vec<_>>(),
        "content_provider" => text(Field::Provider),
        "endorsement" => text(Field::Endorsement),
        "refresh_schedule" => text(Field::Schedule),
        "first_seen" => all.iter().map(|held| held.first_us).collect::<Vec<_>>(),
        "first_seen_epoch_day" => first_days.collect::<Vec<_>>(),
        "snapshot_time" => all.iter().map(|held| held.taken_us).collect::<Vec<_>>(),
        "left_out" => all.iter().map(left_out).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["created_at", "modified_at", "first_seen", "snapshot_time"]))
}

fn access(all: &[HeldAccess<'_>]) -> PolarsResult<LazyFrame> {
    let text = |column| texts(all.iter().map(|held| Some(held.row)), column);
    let principal = |held: &HeldAccess<'_>| {
        let name = held.row.get(Field::Principal)?;
        // As the column `user_id` of events.
        let is_address = name.contains('@') && held.row.get(Field::PrincipalType) == Some("User");
        Some(if is_address { user_of(name) } else { name.to_owned() })
    };
    let table = df!(
        "workspace_id" => text(Field::WorkspaceId),
        "item_kind" => text(Field::ItemKind),
        "item_id" => text(Field::ItemId),
        "principal" => all.iter().map(principal).collect::<Vec<_>>(),
        "principal_id" => text(Field::PrincipalId),
        "principal_type" => text(Field::PrincipalType),
        "principal_user_type" => text(Field::UserType),
        "access_right" => text(Field::AccessRight),
        "snapshot_time" => all.iter().map(|held| held.taken_us).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["snapshot_time"]))
}

fn lineage(all: &[Dependency<'_>]) -> PolarsResult<LazyFrame> {
    // A list can name an item without its workspace.
    let place =
        |workspace: for<'d> fn(&'d Dependency<'_>) -> Option<&'d str>| -> Vec<Option<&str>> {
            all.iter().map(|held| workspace(held).filter(|id| !id.is_empty())).collect()
        };
    let table = df!(
        "item_id" => all.iter().map(|held| held.item_id).collect::<Vec<_>>(),
        "item_kind" => all.iter().map(|held| held.item_kind).collect::<Vec<_>>(),
        "workspace_id" => place(|held| Some(held.workspace_id)),
        "upstream_id" => all.iter().map(|held| held.upstream_id).collect::<Vec<_>>(),
        "upstream_kind" => all.iter().map(|held| held.upstream_kind).collect::<Vec<_>>(),
        "upstream_workspace_id" => place(|held| held.upstream_workspace_id),
        "depth" => all.iter().map(|held| held.depth).collect::<Vec<_>>(),
        "relation" => all.iter().map(|held| held.relation).collect::<Vec<_>>()
    )?;
    Ok(table.lazy())
}

fn spans(all: &[ItemSpan<'_>]) -> PolarsResult<LazyFrame> {
    let text = |column| texts(all.iter().map(|span| Some(span.row)), column);
    let created = all.iter().map(|span| instant(span.row, Field::CreatedAt));
    let left_out = |span: &ItemSpan<'_>| span.left_out.map(LeftOut::name);
    let table = df!(
        "item_id" => all.iter().map(|span| span.id).collect::<Vec<_>>(),
        "item_kind" => all.iter().map(|span| span.kind).collect::<Vec<_>>(),
        "item_name" => text(Field::Name),
        "workspace_id" => all.iter().map(|span| span.workspace_id).collect::<Vec<_>>(),
        "item_owner" => all.iter().map(|span| span.owner.map(user_of)).collect::<Vec<_>>(),
        "capacity_id" => text(Field::CapacityId),
        "created_at" => created.collect::<Vec<_>>(),
        "valid_from" => all.iter().map(|span| span.from_us).collect::<Vec<_>>(),
        "valid_until" => all.iter().map(|span| span.until_us).collect::<Vec<_>>(),
        "left_out" => all.iter().map(left_out).collect::<Vec<_>>(),
        "snapshot_kind" => all.iter().map(|span| span.shape.name()).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["created_at", "valid_from", "valid_until"]))
}
