//! Reads the rows of CSV files of workspaces and items, as scripts and programs write them.
//!
//! Names of columns are compared without case, blanks and punctuation, and the usual names of
//! a column mean the same: `Report Id`, `report_id`, `Id`.

use super::items::is_flattened;
use super::people::Members;
use super::shape::Shape;
use super::unit::Unit;
use crate::record::{Object, Value, time};
use crate::schema::guid::is_guid;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// Columns of texts, and the names that each can have. Columns with an ID, a name or a kind have
/// other names for each shape.
const TEXTS: [(Column, &[&str]); 2] = [
    (Column::Description, &["description"]),
    (Column::Endorsement, &["endorsement", "endorsementstatus"]),
];

/// Columns of times.
const TIMES: [(Column, &[&str]); 2] = [
    (Column::CreatedAt, &["createddatetime", "createddate", "created", "createdat"]),
    (
        Column::ModifiedAt,
        &["modifieddatetime", "modifieddate", "lastupdateddate", "lastupdate", "modifiedat"],
    ),
];

/// Columns of addresses of people.
const PEOPLE: [(Column, &[&str]); 3] = [
    (Column::CreatedBy, &["createdby", "creatoruserprincipalname", "creator"]),
    (Column::ModifiedBy, &["modifiedby"]),
    (Column::Owner, &["configuredby", "owner"]),
];

/// Columns of lists, which PowerShell replaces by the name of a type.
const LISTS: [&str; 8] = [
    "users",
    "reports",
    "dashboards",
    "datasets",
    "dataflows",
    "workbooks",
    "tiles",
    "datasources",
];

/// Types of workspaces.
pub(super) const WORKSPACE_TYPES: [&str; 5] =
    ["Workspace", "Personal", "PersonalGroup", "AdminWorkspace", "Group"];

/// Columns with the ID of a workspace.
const WORKSPACE_IDS: [&str; 2] = ["workspaceid", "groupid"];

/// Columns with the name of a workspace.
const WORKSPACE_NAMES: [&str; 3] = ["workspacename", "workspace", "groupname"];

/// Returns the unit of a row of a table; `None` if it has no ID.
///
/// A table says nothing about kinds of items that it does not list, and nothing about access.
pub fn table_unit(row: Object<'_>, shape: Shape) -> Option<Unit> {
    let members = Members::new(row);
    let mut unit = match shape {
        Shape::WorkspaceTable => workspace_unit(&members)?,
        _ => item_unit(&members, shape)?,
    };
    let is_lost = |name: &str, value: Value<'_>| LISTS.contains(&name) && is_flattened(value);
    unit.lost_lists = members.iter().filter(|(name, value)| is_lost(name, *value)).count() as u64;
    Some(unit)
}

fn workspace_unit(members: &Members<'_>) -> Option<Unit> {
    let mut unit = Unit::new(Shape::WorkspaceTable, id(members, &["workspaceid", "id"])?);
    let on_capacity = match members.flag("isondedicatedcapacity") {
        Some(false) => None,
        _ => members.id(&["capacityid"]),
    };
    // Environments and other resources have the same columns.
    let of_type = members.text(&["workspacetype", "type"]);
    if of_type.is_some_and(|of_type| !WORKSPACE_TYPES.contains(&of_type)) {
        return None;
    }
    unit.rows.push(
        InventoryRow::new(RowKind::Workspace)
            .with(Column::Name, members.text(&["workspacename", "name"]))
            .with(Column::Type, of_type)
            .with(Column::Status, members.text(&["workspacestate", "state"]))
            .with(Column::Description, members.text(&["description"]))
            .with(Column::CapacityId, on_capacity),
    );
    Some(unit)
}

fn item_unit(members: &Members<'_>, shape: Shape) -> Option<Unit> {
    let kind = kind_of_row(members, shape)?;
    let (ids, names): (&[&str], &[&str]) = match shape {
        Shape::ReportTable => (&["reportid", "id"], &["reportname", "name"]),
        Shape::ModelTable => {
            (&["datasetid", "semanticmodelid", "id"], &["datasetname", "semanticmodelname", "name"])
        }
        Shape::DashboardTable => {
            (&["dashboardid", "id"], &["dashboardname", "displayname", "name"])
        }
        Shape::AppTable => (&["appid", "id"], &["appname", "name"]),
        _ => {
            (&["itemid", "artifactid", "id"], &["itemname", "artifactname", "displayname", "name"])
        }
    };
    let workspace_id = id(members, &WORKSPACE_IDS).or_else(|| workspace_of_url(members));
    let mut unit = Unit::new(shape, workspace_id.unwrap_or_default());
    let mut item = InventoryRow::new(RowKind::Item)
        .with(Column::ItemId, Some(id(members, ids)?))
        .with(Column::ItemKind, Some(kind.as_str()))
        .with(Column::Name, members.text(names))
        .with(Column::Provider, members.text(&["contentprovidertype"]));
    if kind == "Report" {
        item.set(Column::Type, members.text(&["reporttype"]));
        item.set(Column::ModelId, id(members, &["datasetid", "semanticmodelid"]));
        item.set(Column::ModelWorkspaceId, id(members, &["datasetworkspaceid"]));
        item.set(Column::AppId, id(members, &["appid"]));
        item.set(Column::OriginalId, id(members, &["originalreportobjectid", "originalreportid"]));
    }
    for (column, names) in TEXTS {
        item.set(column, members.text(names));
    }
    for (column, names) in TIMES {
        let parsed = members.text(names).and_then(time::parse);
        item.set(column, parsed.map(|time| time::to_rfc3339_micros(time.epoch_us)));
    }
    for (column, names) in PEOPLE {
        // A name that is shown is no address, and is not stored.
        item.set(column, members.id(names).filter(|person| person.contains('@')));
    }
    // The name of the workspace is known even if no file describes the workspace.
    if !unit.workspace_id.is_empty()
        && let Some(name) = members.text(&WORKSPACE_NAMES)
    {
        unit.rows.push(InventoryRow::new(RowKind::Workspace).with(Column::Name, Some(name)));
    }
    unit.asked.insert(kind);
    unit.rows.push(item);
    Some(unit)
}

/// Returns the kind of the item in a row, in the words of Fabric.
fn kind_of_row(members: &Members<'_>, shape: Shape) -> Option<String> {
    let kind = match shape {
        Shape::ReportTable => "Report",
        Shape::ModelTable => "SemanticModel",
        Shape::DashboardTable => "Dashboard",
        Shape::AppTable => "App",
        _ => match members.text(&["itemtype", "artifacttype", "itemkind", "type", "kind"])? {
            "PaginatedReport" => "Report",
            "Dataset" => "SemanticModel",
            kind => kind,
        },
    };
    Some(kind.to_owned())
}

/// Returns an ID in lower case. Tables of other things can have the same columns, and IDs that are
/// no GUIDs. Many items have the ID of zeros, so it is none.
fn id(members: &Members<'_>, names: &[&str]) -> Option<String> {
    let is_zero = |id: &str| id.bytes().all(|byte| matches!(byte, b'0' | b'-'));
    members.id(names).filter(|id| is_guid(id) && !is_zero(id))
}

/// Returns the workspace in the address of an item. `Get-PowerBIReport` has it nowhere else.
fn workspace_of_url(members: &Members<'_>) -> Option<String> {
    let url = members.id(&["weburl", "reportweburl", "embedurl"])?;
    let (_, rest) = url.split_once("/groups/")?;
    rest.split('/').next().filter(|group| group.len() == 36).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Parser;

    const REPORT: &str = "00000001-0000-4000-8000-00000000000a";
    const WORKSPACE: &str = "00000002-0000-4000-8000-00000000000b";

    fn unit_of(json: &str, shape: Shape) -> Option<Unit> {
        let parsed = Parser::default().parse(json.as_bytes(), |record| match record.root() {
            Value::Object(object) => table_unit(object, shape),
            _ => None,
        });
        parsed.unwrap()
    }

    #[test]
    fn columns_have_any_name_case_and_order() {
        let upper = REPORT.to_uppercase();
        let rows = [
            format!(r#"{{"WorkspaceID":"{WORKSPACE}","ReportID":"{upper}","ReportName":"R"}}"#),
            format!(r#"{{"report_name":"R","workspace id":"{WORKSPACE}","report id":"{REPORT}"}}"#),
            format!(
                r#"{{"Name":"R","Id":"{REPORT}",
                    "WebUrl":"https://x/groups/{WORKSPACE}/reports/{REPORT}"}}"#
            ),
        ];
        let units: Vec<_> = rows.iter().map(|row| unit_of(row, Shape::ReportTable)).collect();
        let unit = units[0].as_ref().unwrap();
        assert_eq!(unit.workspace_id, WORKSPACE);
        assert_eq!(unit.rows[0].get(Column::ItemId), Some(REPORT));
        assert!(units.iter().all(|other| other.as_ref() == Some(unit)), "{units:#?}");
    }

    #[test]
    fn row_without_an_id_is_no_item() {
        for json in [
            r#"{"ReportId":"","ReportName":"R"}"#,
            r#"{"ReportName":"R"}"#,
            r#"{"ReportId":"17","ReportName":"R"}"#,
            r#"{"ReportId":"00000000-0000-0000-0000-000000000000","ReportName":"R"}"#,
        ] {
            assert_eq!(unit_of(json, Shape::ReportTable), None, "{json}");
        }
        let json = format!(r#"{{"Id":"{WORKSPACE}","Name":"E","Type":"Sandbox","State":"On"}}"#);
        assert_eq!(unit_of(&json, Shape::WorkspaceTable), None);
    }

    #[test]
    fn capacity_counts_only_if_the_workspace_is_on_it() {
        for (flag, expected) in [("True", Some("0ab0")), ("False", None), ("", Some("0ab0"))] {
            let json = format!(
                r#"{{"Id":"{WORKSPACE}","Name":"A","IsOnDedicatedCapacity":"{flag}",
                    "CapacityId":"0AB0","Users":"System.Object[]"}}"#
            );
            let unit = unit_of(&json, Shape::WorkspaceTable).unwrap();
            assert_eq!(unit.rows[0].get(Column::CapacityId), expected, "{flag}");
            assert_eq!(unit.lost_lists, 1);
        }
    }

    #[test]
    fn names_of_people_are_not_stored() {
        let json = format!(r#"{{"appId":"{REPORT}","appName":"A","publishedBy":"Ida Ander"}}"#);
        let unit = unit_of(&json, Shape::AppTable).unwrap();
        assert!(unit.rows.iter().all(|row| !format!("{row:?}").contains("Ander")), "{unit:?}");
    }
}
