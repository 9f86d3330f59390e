//! The views of groups and their members.

use std::collections::{BTreeSet, HashMap};

use polars::prelude::*;

use crate::inventory::{HeldGroup, HeldPerson, Inventory, memberships, resolve};
use crate::schema::inventory::{InventoryColumn as Field, InventoryRow};

use crate::query::session::Session;
use crate::query::views::addresses::user_of;
use crate::query::views::inventory::{as_of_us, counted, day_text, texts, with_times};
use crate::query::views::people::user_id;

/// Names of the views.
pub const GROUP_VIEWS: [&str; 2] = ["inventory_groups", "group_members"];

/// Builds one of the views.
pub fn group_view(session: &Session<'_>, view: &str) -> PolarsResult<LazyFrame> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    match view {
        "inventory_groups" => groups(&inventory.groups),
        _ => group_members(&inventory),
    }
}

/// Returns the sentence on the lists of groups for a report that resolves the members of groups.
///
/// There is none if no group has access to anything, or if nothing is known of access.
pub fn group_remark(session: &Session<'_>) -> PolarsResult<Option<String>> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    let rows = inventory.access.iter().map(|held| held.row);
    let of_groups = rows.filter(|row| row.get(Field::PrincipalType) == Some("Group"));
    let with_access: BTreeSet<&str> =
        of_groups.filter_map(|row| row.get(Field::PrincipalId)).collect();
    let newest = inventory.snapshots.iter().rev().find(|snapshot| snapshot.groups > 0);
    if with_access.is_empty() {
        return Ok(None);
    }
    let Some(newest) = newest else {
        return Ok(Some(
            "The store has no list of groups, so their members are not known. Save the groups of \
             Microsoft Graph with all their members beside the log, and run ingest again; see \
             docs/inventory.md."
                .to_owned(),
        ));
    };
    let known: BTreeSet<&str> =
        inventory.groups.iter().filter(|held| held.members.is_some()).map(|held| held.id).collect();
    let without = with_access.difference(&known).count();
    let without = match without {
        0 => String::new(),
        1 => " The members of 1 group with access are not known.".to_owned(),
        _ => format!(" The members of {without} groups with access are not known."),
    };
    let (day, number) = (day_text(newest.last_us), counted(newest.groups, "group"));
    Ok(Some(format!("Groups: list of {day}, {number}.{without}")))
}

fn groups(all: &[HeldGroup<'_>]) -> PolarsResult<LazyFrame> {
    let known = memberships(all);
    let is_no_group = |row: &InventoryRow| row.get(Field::PrincipalType) != Some("Group");
    let number = all.iter().zip(&known).map(|(held, found)| {
        held.members.as_ref()?;
        Some(found.members.iter().filter(|(row, _)| is_no_group(row)).count() as i64)
    });
    let taken = all.iter().map(|held| held.members.as_ref().map(|list| list.taken_us));
    let table = df!(
        "group_id" => all.iter().map(|held| held.id).collect::<Vec<_>>(),
        "group_name" => all.iter().map(|held| held.name).collect::<Vec<_>>(),
        "known_members" => number.collect::<Vec<Option<i64>>>(),
        "is_complete" => known.iter().map(|found| found.is_complete).collect::<Vec<_>>(),
        "first_seen" => all.iter().map(|held| held.seen_us.0).collect::<Vec<_>>(),
        "last_seen" => all.iter().map(|held| held.seen_us.1).collect::<Vec<_>>(),
        "snapshot_time" => taken.collect::<Vec<Option<i64>>>()
    )?;
    Ok(with_times(table, &["first_seen", "last_seen", "snapshot_time"]))
}

/// A member of a group in the view.
struct ShownMember<'r> {
    group: &'r HeldGroup<'r>,
    row: &'r InventoryRow,
    depth: i64,
}

fn group_members(inventory: &Inventory<'_>) -> PolarsResult<LazyFrame> {
    let known = memberships(&inventory.groups);
    let mut all = Vec::new();
    for (group, found) in inventory.groups.iter().zip(&known) {
        let shown =
            found.members.iter().map(|(row, depth)| ShownMember { group, row, depth: *depth });
        all.extend(shown);
    }
    let by_id = |person: &HeldPerson| {
        Some((person.row.get(Field::PrincipalId)?.to_owned(), user_id(&person.row)))
    };
    let people: HashMap<String, String> = inventory.people.iter().filter_map(by_id).collect();
    let of_id = |row: &InventoryRow| people.get(row.get(Field::PrincipalId)?).cloned();
    // As the column `user_id` of events.
    let member = |shown: &ShownMember<'_>| {
        let row = shown.row;
        match (row.get(Field::PrincipalType), row.get(Field::Principal)) {
            (Some("User"), Some(address)) => Some(user_of(address)),
            (Some("User") | None, None) => of_id(row),
            (_, name) => name.map(str::to_owned),
        }
    };
    let text = |column| texts(all.iter().map(|shown| Some(shown.row)), column);
    let taken = all.iter().map(|shown| shown.group.members.as_ref().map(|list| list.taken_us));
    let table = df!(
        "group_id" => all.iter().map(|shown| shown.group.id).collect::<Vec<_>>(),
        "group_name" => all.iter().map(|shown| shown.group.name).collect::<Vec<_>>(),
        "member" => all.iter().map(member).collect::<Vec<_>>(),
        "member_id" => text(Field::PrincipalId),
        "member_type" => text(Field::PrincipalType),
        "member_user_type" => text(Field::UserType),
        "depth" => all.iter().map(|shown| shown.depth).collect::<Vec<_>>(),
        "snapshot_time" => taken.collect::<Vec<Option<i64>>>()
    )?;
    Ok(with_times(table, &["snapshot_time"]))
}
