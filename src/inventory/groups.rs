//! Groups of Microsoft Entra: the rows of their members in a file, and the latest list of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::items::{has, id, is_flattened, member, text};
use super::shape::Shape;
use super::snapshots::{Cluster, Scan, States};
use super::unit::Unit;
use crate::record::{Object, Value};
use crate::schema::guid::is_guid;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// Members of a group that contain its list. The second contains the members of groups in it too.
const LISTS: [(&str, &str); 2] = [("members", DIRECT), ("transitiveMembers", TRANSITIVE)];

/// Text in [`Column::Asked`] of a group with a list of its own members.
const DIRECT: &str = "members";

/// Text in [`Column::Asked`] of a group whose list contains the members of groups in it.
const TRANSITIVE: &str = "transitive members";

/// Text in [`Column::Status`] of a group whose list can lack members.
const PARTIAL: &str = "partial";

/// Lengths of lists that can be cut: Microsoft Graph returns at most 20 members with `$expand`, and
/// pages of 100 or at most 999 members.
const LIMITS: [usize; 3] = [20, 100, 999];

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGroup<'r> {
    /// The ID.
    pub id: &'r str,
    /// The name in its latest list.
    pub name: Option<&'r str>,
    /// Its members in the latest list that contains them; `None` if no list does.
    pub members: Option<MemberList<'r>>,
    /// The times of the first and last list with the group.
    pub seen_us: (i64, i64),
}

/// The members of a group in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberList<'r> {
    /// The rows of the members.
    pub rows: Vec<&'r InventoryRow>,
    /// True if the list can lack members.
    is_partial: bool,
    /// True if the list contains the members of groups in the group.
    is_transitive: bool,
    /// The time of the list.
    pub taken_us: i64,
}

/// All that is known of the members of a group, directly and through groups in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Membership<'r> {
    /// The members, and the number of steps to each: 1 for a member of the group itself.
    pub members: Vec<(&'r InventoryRow, i64)>,
    /// True if no member can be missing.
    pub is_complete: bool,
}

/// Returns true if a record is a group.
pub(super) fn is_group(object: Object<'_>) -> bool {
    let has_list = LISTS.iter().any(|(name, _)| member(object, name).is_some());
    let is_named = has(object, &["displayName"]) && id(object, &["id", "objectId"]).is_some();
    is_named && (has_list || has(object, &["groupTypes", "securityEnabled"]))
}

/// Returns the unit of a group; `None` if it has no ID.
pub(super) fn group_unit(object: Object<'_>) -> Option<Unit> {
    let group_id = id(object, &["id", "objectId"])?;
    let mut unit = Unit::new(Shape::EntraGroups, String::new());
    let mut group = InventoryRow::new(RowKind::Group)
        .with(Column::ItemId, Some(group_id.as_str()))
        .with(Column::Name, text(object, &["displayName"]));
    // PowerShell returns null for what was not requested.
    let found = LISTS.iter().find_map(|(name, asked)| {
        let value = member(object, name).filter(|value| !matches!(value, Value::Null))?;
        Some((value, *name, *asked))
    });
    if let Some((value, name, asked)) = found {
        match members(value) {
            Some(listed) => {
                group.set(Column::Asked, Some(asked));
                if is_partial(object, name, &listed) {
                    group.set(Column::Status, Some(PARTIAL));
                }
                let rows = listed.into_iter().filter_map(member_row);
                unit.rows.extend(rows.map(|row| row.with(Column::ItemId, Some(&*group_id))));
            }
            None => unit.lost_lists = 1,
        }
    }
    unit.rows.push(group);
    Some(unit)
}

/// Returns the values in a list of members; `None` if PowerShell has replaced it by a text.
fn members(value: Value<'_>) -> Option<Vec<Value<'_>>> {
    match value {
        _ if is_flattened(value) => None,
        Value::List(list) => Some(list.items().collect()),
        // PowerShell wraps lists, and writes a list of one member as the member alone.
        Value::Object(object) => match object.member("value") {
            Some(wrapped) => members(wrapped),
            None => Some(vec![value]),
        },
        _ => None,
    }
}

/// Returns true if a list can lack members: it is cut, has the length of a limit, has members that
/// cannot be read, or belongs to a group whose members are hidden from most callers.
fn is_partial(group: Object<'_>, name: &str, listed: &[Value<'_>]) -> bool {
    let is_cut = text(group, &[&format!("{name}@odata.nextLink")]).is_some();
    let is_hidden = text(group, &["visibility"]) == Some("HiddenMembership");
    is_cut
        || LIMITS.contains(&listed.len())
        || (is_hidden && listed.is_empty())
        || listed.iter().any(|value| member_row(*value).is_none())
}

/// Returns the row of a member; `None` if nothing identifies it.
///
/// Names of people and devices are not stored.
fn member_row(value: Value<'_>) -> Option<InventoryRow> {
    let row = InventoryRow::new(RowKind::GroupMember);
    let object = match value {
        Value::Object(object) => object,
        // Scripts write the address or the ID alone.
        Value::Text(text) if text.contains('@') => {
            let address = text.trim().to_lowercase();
            return Some(
                row.with(Column::Principal, Some(address))
                    .with(Column::PrincipalType, Some("User")),
            );
        }
        Value::Text(text) if is_guid(text.trim()) => {
            return Some(row.with(Column::PrincipalId, Some(text.trim().to_lowercase())));
        }
        _ => return None,
    };
    // Microsoft's PowerShell module has all members but the ID in an object of its own.
    let more = match member(object, "additionalProperties") {
        Some(Value::Object(more)) => Some(more),
        _ => None,
    };
    let find = |names: &[&str]| text(object, names).or_else(|| text(more?, names));
    let address = |names: &[&str]| find(names).filter(|text| text.contains('@'));
    let account = address(&["userPrincipalName"]);
    let of_type = find(&["@odata.type", "odataType", "objectType"]);
    let of_type = of_type.and_then(|name| name.rsplit('.').next()).map(str::to_ascii_lowercase);
    let kind = match of_type.as_deref() {
        Some("user") => Some("User"),
        Some("group") => Some("Group"),
        Some("serviceprincipal") => Some("App"),
        Some("device") => Some("Device"),
        Some("orgcontact" | "contact") => Some("Contact"),
        _ if account.is_some() => Some("User"),
        _ if find(&["appId"]).is_some() => Some("App"),
        _ => None,
    };
    let principal = match kind {
        Some("User" | "Contact") => account.or_else(|| address(&["mail"])).map(str::to_lowercase),
        Some("Group" | "App") => find(&["displayName"]).map(str::to_owned),
        _ => None,
    };
    let member_id = id(object, &["id", "objectId"]);
    (member_id.is_some() || principal.is_some()).then(|| {
        row.with(Column::Principal, principal)
            .with(Column::PrincipalId, member_id)
            .with(Column::PrincipalType, kind)
            .with(Column::UserType, find(&["userType"]))
    })
}

/// Returns the latest list of each group, sorted by ID. A list of a part of the groups says nothing
/// about others, so a group that a later list lacks stays.
pub(super) fn resolve_groups<'r>(
    clusters: &mut [Cluster<'r>],
    states: &States<'r>,
) -> Vec<HeldGroup<'r>> {
    let mut held: BTreeMap<&str, HeldGroup<'r>> = BTreeMap::new();
    for Cluster { snapshot, scans } in clusters {
        let mut listed: BTreeSet<&str> = BTreeSet::new();
        let mut scans: Vec<&Scan<'r>> = scans.iter().collect();
        scans.sort_by_key(|scan| (scan.taken_us, scan.state));
        for scan in scans {
            let rows = states.get(scan.state).map(Vec::as_slice).unwrap_or_default();
            for row in rows.iter().copied().filter(|row| row.kind == RowKind::Group) {
                let Some(id) = row.get(Column::ItemId) else { continue };
                listed.insert(id);
                let group = held.entry(id).or_insert_with(|| HeldGroup {
                    id,
                    name: None,
                    members: None,
                    seen_us: (scan.taken_us, scan.taken_us),
                });
                group.name = row.get(Column::Name).or(group.name);
                group.seen_us.1 = scan.taken_us;
                if let Some(asked) = row.get(Column::Asked) {
                    add_list(group, row, asked, scan.taken_us);
                }
            }
            for row in rows.iter().copied().filter(|row| row.kind == RowKind::GroupMember) {
                let group = row.get(Column::ItemId).and_then(|id| held.get_mut(id));
                if let Some(list) = group.and_then(|group| group.members.as_mut()) {
                    list.rows.push(row);
                }
            }
        }
        snapshot.groups = listed.len();
    }
    for list in held.values_mut().filter_map(|group| group.members.as_mut()) {
        let key = |row: &InventoryRow| {
            let text = |column| row.get(column).map(str::to_owned);
            (text(Column::PrincipalId), text(Column::Principal), text(Column::PrincipalType))
        };
        list.rows.sort_by_cached_key(|row| key(row));
        list.rows.dedup_by_key(|row| key(row));
    }
    held.into_values().collect()
}

/// Adds a list of a group. Lists of one time are parts of one list, and a later one replaces them.
fn add_list<'r>(group: &mut HeldGroup<'r>, row: &'r InventoryRow, asked: &str, taken_us: i64) {
    let list = group.members.take().filter(|list| list.taken_us == taken_us);
    let mut list = list.unwrap_or(MemberList { taken_us, ..MemberList::default() });
    list.is_partial |= row.get(Column::Status) == Some(PARTIAL);
    list.is_transitive |= asked == TRANSITIVE;
    group.members = Some(list);
}

/// Returns the members of each group, directly and through the groups in it, in the order of the
/// groups.
pub fn memberships<'r>(groups: &[HeldGroup<'r>]) -> Vec<Membership<'r>> {
    let by_id: ById<'r, '_> = groups.iter().map(|group| (group.id, group)).collect();
    groups.iter().map(|group| membership(group, &by_id)).collect()
}

/// The groups by their IDs.
type ById<'r, 'g> = HashMap<&'r str, &'g HeldGroup<'r>>;

/// Returns the members of a group. Groups can contain each other in a circle.
fn membership<'r>(group: &HeldGroup<'r>, by_id: &ById<'r, '_>) -> Membership<'r> {
    let mut members = Vec::new();
    let mut seen: BTreeSet<&str> = [group.id].into();
    let (mut level, mut depth) = (vec![group], 0);
    while !level.is_empty() {
        depth += 1;
        let mut next = Vec::new();
        for list in level.into_iter().filter_map(|group| group.members.as_ref()) {
            for row in list.rows.iter().copied() {
                let key = row.get(Column::PrincipalId).or_else(|| row.get(Column::Principal));
                if key.is_some_and(|key| seen.insert(key)) {
                    members.push((row, depth));
                    next.extend(nested(row, by_id));
                }
            }
        }
        level = next;
    }
    Membership { members, is_complete: is_complete(group, by_id) }
}

/// Returns true if no member of a group can be missing, and no member of the groups in it.
fn is_complete<'r>(group: &HeldGroup<'r>, by_id: &ById<'r, '_>) -> bool {
    let mut reached: BTreeSet<&str> = [group.id].into();
    let mut pending = vec![group];
    while let Some(group) = pending.pop() {
        let Some(list) = group.members.as_ref().filter(|list| !list.is_partial) else {
            return false;
        };
        if list.is_transitive {
            continue;
        }
        for row in list.rows.iter().copied() {
            match (row.get(Column::PrincipalType), nested(row, by_id)) {
                (_, Some(nested)) if reached.insert(nested.id) => pending.push(nested),
                // A group in no list, or anything of which nothing but the ID is known.
                (Some("Group") | None, None) => return false,
                _ => {}
            }
        }
    }
    true
}

/// Returns the group that a member is.
fn nested<'r, 'g>(row: &InventoryRow, by_id: &ById<'r, 'g>) -> Option<&'g HeldGroup<'r>> {
    let is_group = matches!(row.get(Column::PrincipalType), Some("Group") | None);
    by_id.get(row.get(Column::PrincipalId).filter(|_| is_group)?).copied()
}
