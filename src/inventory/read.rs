//! Reads a record of an inventory file: the states of workspaces or people in it.

use super::capacities::{capacity_unit, is_capacity};
use super::groups::{group_unit, is_group};
use super::items::{access_rows, has, id, is_flattened, item_row, kind_of_list};
use super::items::{member, objects, text};
use super::lineage::lineage_rows;
use super::people::{is_person, is_product, person_unit, product_unit};
use super::refreshes::refresh_unit;
use super::settings::{is_setting, setting_unit};
use super::shape::Shape;
use super::tables::{WORKSPACE_TYPES, table_unit};
use super::unit::Unit;
use crate::record::{Object, Value, time};
use crate::schema::guid::is_guid;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// A record of a file that contains no events.
#[derive(Debug, PartialEq, Eq)]
pub enum Described {
    /// The states of workspaces.
    Units(Vec<Unit>),
    /// Something else, in words for people.
    Other(&'static str),
}

/// Describes a record that is not an event; `None` if it can be an event, or anything else.
pub fn read_record(root: Value<'_>) -> Option<Described> {
    let Value::Object(object) = root else { return None };
    if member(object, "CreationTime").is_some() || member(object, "Operation").is_some() {
        return None;
    }
    if let Some(Value::List(workspaces)) = member(object, "workspaces") {
        let taken_us = text(object, &["scanCreatedDateTime"]).and_then(time::parse);
        let is_scan = ["datasourceInstances", "misconfiguredDatasourceInstances"]
            .iter()
            .any(|name| member(object, name).is_some());
        let mut units = Vec::with_capacity(workspaces.len());
        for workspace in objects(workspaces) {
            let shape = if is_scan { Some(Shape::Scanner) } else { workspace_shape(workspace) };
            let mut unit = workspace_unit(workspace, shape?)?;
            unit.taken_us = taken_us.map(|time| time.epoch_us);
            units.push(unit);
        }
        return (is_scan || !units.is_empty()).then_some(Described::Units(units));
    }
    if is_setting(object) {
        return Some(Described::Units(setting_unit(object).into_iter().collect()));
    }
    if is_product(object) {
        return Some(Described::Units(product_unit(object).into_iter().collect()));
    }
    if is_person(object) {
        return Some(match person_unit(object) {
            Some(unit) => Described::Units(vec![unit]),
            None => Described::Other("a list of people with concealed names"),
        });
    }
    if is_capacity(object) {
        return Some(Described::Units(capacity_unit(object).into_iter().collect()));
    }
    if is_group(object) {
        return Some(Described::Units(group_unit(object).into_iter().collect()));
    }
    if let Some(unit) = refresh_unit(object) {
        return Some(Described::Units(vec![unit]));
    }
    if has(object, &["id", "publishedBy", "lastUpdate"]) {
        return Some(Described::Units(table_unit(object, Shape::AppTable).into_iter().collect()));
    }
    if let Some(what) = describe_other(object) {
        return Some(Described::Other(what));
    }
    if let Some(shape) = item_shape(object) {
        return Some(Described::Units(item_unit(object, shape).into_iter().collect()));
    }
    let unit = workspace_unit(object, workspace_shape(object)?)?;
    Some(Described::Units(vec![unit]))
}

/// Returns the shape of the file with a workspace.
fn workspace_shape(object: Object<'_>) -> Option<Shape> {
    if id(object, &["id"]).is_none() || has(object, &["workspaceId"]) {
        return None;
    }
    if has(object, &["isOrphaned"]) {
        return Some(Shape::PowerShell);
    }
    if has(object, &["isReadOnly", "isOnDedicatedCapacity"]) {
        return Some(Shape::Groups);
    }
    let lists = ["reports", "dashboards", "datasets", "dataflows"];
    let has_list = lists.iter().any(|name| member(object, name).is_some());
    if has_list || has(object, &["isOnDedicatedCapacity", "state"]) {
        return Some(Shape::Scanner);
    }
    let is_workspace = text(object, &["type"]).is_some_and(|ty| WORKSPACE_TYPES.contains(&ty));
    (is_workspace && has(object, &["name", "state"])).then_some(Shape::FabricWorkspaces)
}

/// Returns the shape of the file with an item.
fn item_shape(object: Object<'_>) -> Option<Shape> {
    text(object, &["id"])?;
    let has_any = |names: &[&str]| names.iter().any(|name| member(object, name).is_some());
    if has(object, &["type", "workspaceId"])
        && has_any(&["creatorPrincipal", "lastUpdatedDate", "capacityId"])
    {
        return Some(Shape::FabricItems);
    }
    if has(object, &["configuredBy"])
        && has_any(&["isRefreshable", "addRowsAPIEnabled", "targetStorageMode"])
    {
        return Some(Shape::Models);
    }
    if has(object, &["reportType"]) || has(object, &["datasetId", "webUrl"]) {
        return Some(Shape::Reports);
    }
    has(object, &["displayName", "isReadOnly", "embedUrl"]).then_some(Shape::Dashboards)
}

/// Describes a record of a file that this version does not read.
fn describe_other(object: Object<'_>) -> Option<&'static str> {
    const SIGNS: [(&[&str], &str); 14] = [
        (&["id", "createdDateTime", "status"], "the state of a scan request"),
        (&["refreshCount", "averageDuration"], "a list of refreshables"),
        (
            &["refreshType", "requestId", "startTime"],
            "a history of refreshes that does not name its semantic model",
        ),
        (&["artifactId", "lastAccessedDateTime"], "a list of unused artifacts"),
        (&["artifactId", "accessRight"], "a list of access rights"),
        (&["skuPartNumber", "servicePlans"], "the licenses of a person that it does not name"),
        (&["displayName", "members"], "a list of groups without their IDs"),
        (&["accessDetails"], "the access rights of a workspace"),
        (&["principal", "workspaceAccessDetails"], "the access rights of a workspace"),
        (&["objectId", "modelUrl"], "a list of dataflows"),
        (&["type", "publicKey"], "a list of gateways"),
        (&["gatewayId", "datasourceType"], "a list of data sources of gateways"),
        (&["artifactId", "frequency"], "a list of subscriptions"),
        (&["domains"], "a list of domains"),
    ];
    let is_other = |names: &[&str]| has(object, names) && !has(object, &["workspaces"]);
    if let Some((_, what)) = SIGNS.iter().find(|(names, _)| is_other(names)) {
        return Some(what);
    }
    let is_id = |text: &str| is_guid(text.trim());
    (object.len() == 1 && text(object, &["id"]).is_some_and(is_id))
        .then_some("a list of IDs of workspaces")
}

/// Returns the unit of a workspace.
fn workspace_unit(object: Object<'_>, shape: Shape) -> Option<Unit> {
    let mut unit = Unit::new(shape, id(object, &["id"])?);
    let on_capacity = match member(object, "isOnDedicatedCapacity") {
        Some(Value::Bool(false)) => None,
        _ => id(object, &["capacityId"]),
    };
    unit.rows.push(
        InventoryRow::new(RowKind::Workspace)
            .with(Column::Name, text(object, &["name"]))
            .with(Column::Type, text(object, &["type"]))
            .with(Column::Status, text(object, &["state"]))
            .with(Column::Description, text(object, &["description"]))
            .with(Column::CapacityId, on_capacity),
    );
    for (name, value) in object.members() {
        let name = name.trim();
        if is_flattened(value) && name != "description" && name != "name" {
            unit.lost_lists += 1;
        }
        let Value::List(list) = value else { continue };
        if name.eq_ignore_ascii_case("users") {
            if !is_flattened(value) {
                unit.asked.insert("users".to_owned());
            }
            unit.rows.extend(access_rows(list, None));
        } else if let Some(kind) = kind_of_list(name).filter(|_| !is_flattened(value)) {
            unit.asked.insert(kind.clone());
            for item in objects(list) {
                add_item(&mut unit, item, &kind);
            }
        }
    }
    // A scan returns the items of all kinds. A list returns those that it was asked for.
    if shape == Shape::Scanner && unit.lost_lists == 0 {
        unit.asked.insert("items".to_owned());
    }
    Some(unit)
}

fn add_item(unit: &mut Unit, item: Object<'_>, kind: &str) {
    let Some(row) = item_row(item, kind) else { return };
    // Stores of earlier versions have `lineage` for files whose dependencies were not stored.
    if let Some(rows) = lineage_rows(item, kind, row.get(Column::ItemId).unwrap_or_default()) {
        unit.asked.insert("dependencies".to_owned());
        unit.rows.extend(rows);
    }
    if let Some(Value::List(users)) = member(item, "users") {
        let item_id = row.get(Column::ItemId).unwrap_or_default();
        unit.rows.extend(access_rows(users, Some((kind, item_id))));
        // The lists of reports and models have empty lists of users in every item.
        if !users.is_empty() {
            unit.asked.insert("item users".to_owned());
        }
    }
    unit.rows.push(row);
}

/// Returns the unit of an item in a list of items; `None` if it has no ID.
fn item_unit(object: Object<'_>, shape: Shape) -> Option<Unit> {
    let kind = match shape {
        Shape::Reports => "Report".to_owned(),
        Shape::Models => "SemanticModel".to_owned(),
        Shape::Dashboards => "Dashboard".to_owned(),
        _ => match text(object, &["type"])? {
            // Scanner results have them among the reports.
            "PaginatedReport" => "Report".to_owned(),
            kind => kind.to_owned(),
        },
    };
    // Get-PowerBIReport has no workspace but in the address of the report.
    let from_url = || {
        let url = text(object, &["webUrl"])?;
        let (_, rest) = url.split_once("/groups/")?;
        let group = rest.split('/').next()?.to_ascii_lowercase();
        (group.len() == 36).then_some(group)
    };
    let workspace = id(object, &["workspaceId"]).or_else(from_url).unwrap_or_default();
    let mut unit = Unit::new(shape, workspace);
    unit.asked.insert(kind.clone());
    add_item(&mut unit, object, &kind);
    (unit.count(RowKind::Item) > 0).then_some(unit)
}
