//! The items and access rights of a workspace in an inventory file.

use std::collections::BTreeSet;

use crate::record::{List, Object, Value, time};
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};

/// Lists of items in a workspace with a name of their own, by the lower-case name of the member.
/// The name of any other list of objects with an ID is the kind of its items.
const ITEM_LISTS: [(&str, &str); 10] = [
    ("reports", "Report"),
    ("dashboards", "Dashboard"),
    ("datasets", "SemanticModel"),
    ("dataflows", "Dataflow"),
    ("datamarts", "Datamart"),
    ("warehouses", "Warehouse"),
    ("workbooks", "Workbook"),
    ("sqlendpoints", "SQLEndpoint"),
    ("sqlanalyticsendpoint", "SQLEndpoint"),
    ("semanticmodels", "SemanticModel"),
];

/// Lists in a workspace that contain no items.
const OTHER_LISTS: [&str; 3] = ["users", "tags", "misconfigureddatasourceinstances"];

/// Days of a schedule, in their order.
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Returns the kind of the items in a list of a workspace; `None` if it contains no items.
pub(super) fn kind_of_list(name: &str) -> Option<String> {
    let lower = name.trim().to_ascii_lowercase();
    if OTHER_LISTS.contains(&lower.as_str()) {
        return None;
    }
    let known = ITEM_LISTS.iter().find(|(list, _)| *list == lower);
    Some(known.map_or_else(|| name.trim().to_owned(), |(_, kind)| (*kind).to_owned()))
}

/// Returns a member by its name, which is compared without case and blanks around it: the API
/// returns a member whose name ends with a blank.
pub(super) fn member<'a>(object: Object<'a>, name: &str) -> Option<Value<'a>> {
    let is_named = |(known, _): &(&str, Value<'_>)| known.trim().eq_ignore_ascii_case(name);
    object.members().find(is_named).map(|(_, value)| value)
}

/// Returns true if an object has all these members.
pub(super) fn has(object: Object<'_>, names: &[&str]) -> bool {
    names.iter().all(|name| member(object, name).is_some())
}

/// Returns the text of the first of these members that is not empty.
pub(super) fn text<'a>(object: Object<'a>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| match member(object, name) {
        Some(Value::Text(text)) => Some(text.trim()).filter(|text| !text.is_empty()),
        _ => None,
    })
}

/// Returns an ID in lower case. Many items have the ID of zeros, so it is none.
pub(super) fn id(object: Object<'_>, names: &[&str]) -> Option<String> {
    let id = text(object, names)?.to_ascii_lowercase();
    (!id.bytes().all(|byte| matches!(byte, b'0' | b'-'))).then_some(id)
}

/// Returns a time as the store has it.
pub(super) fn instant(object: Object<'_>, names: &[&str]) -> Option<String> {
    text(object, names).and_then(time::parse).map(|time| time::to_rfc3339_micros(time.epoch_us))
}

/// Returns the items of a list.
pub(super) fn objects<'a>(list: List<'a>) -> impl Iterator<Item = Object<'a>> {
    list.items().filter_map(|item| match item {
        Value::Object(object) => Some(object),
        _ => None,
    })
}

/// Returns true if a value is the text that PowerShell writes in place of an object.
pub(super) fn is_flattened(value: Value<'_>) -> bool {
    let is_type_name = |text: &str| {
        let text = text.trim();
        text.starts_with("@{")
            || text.starts_with("System.")
            || text.starts_with("Microsoft.")
            || text.contains("@{")
    };
    match value {
        Value::Text(text) => is_type_name(text),
        Value::List(list) => {
            list.items().any(|item| matches!(item, Value::Text(text) if is_type_name(text)))
        }
        _ => false,
    }
}

/// Returns the address of a person that a file names by an address or an object.
fn address(text: &str) -> String {
    text.to_lowercase()
}

/// Returns the row of an item; `None` if it has no ID.
pub(super) fn item_row(object: Object<'_>, kind: &str) -> Option<InventoryRow> {
    let item_id = id(object, &["id", "objectId", "reportId", "datasetId"])?;
    let person = |names: &[&str]| text(object, names).map(address);
    let creator = match member(object, "creatorPrincipal") {
        Some(Value::Object(principal)) => match member(principal, "userDetails") {
            Some(Value::Object(details)) => text(details, &["userPrincipalName"]).map(address),
            _ => None,
        },
        _ => None,
    };
    let endorsement = match member(object, "endorsementDetails") {
        Some(Value::Object(details)) => text(details, &["endorsement"]),
        _ => None,
    };
    let model = match kind {
        "Report" => id(object, &["datasetId"]),
        _ => None,
    };
    let row = InventoryRow::new(RowKind::Item)
        .with(Column::ItemKind, Some(kind))
        .with(Column::ItemId, Some(item_id))
        .with(Column::Name, text(object, &["name", "displayName", "reportName"]))
        .with(Column::Type, text(object, &["reportType", "type"]).filter(|ty| *ty != kind))
        .with(Column::Status, text(object, &["state", "status"]))
        .with(Column::Description, text(object, &["description"]))
        .with(Column::CreatedAt, instant(object, &["createdDateTime", "createdDate"]))
        .with(
            Column::ModifiedAt,
            instant(object, &["modifiedDateTime", "lastUpdatedDate", "modifiedDate"]),
        )
        .with(Column::CreatedBy, creator.or_else(|| person(&["createdBy"])))
        .with(Column::ModifiedBy, person(&["modifiedBy"]))
        .with(Column::Owner, person(&["configuredBy"]))
        .with(Column::ModelId, model)
        .with(Column::ModelWorkspaceId, id(object, &["datasetWorkspaceId"]))
        .with(Column::AppId, id(object, &["appId"]))
        .with(Column::OriginalId, id(object, &["originalReportObjectId", "originalReportId"]))
        .with(Column::Provider, text(object, &["contentProviderType"]))
        .with(Column::Endorsement, endorsement)
        .with(Column::Schedule, schedule(object));
    Some(row)
}

/// Returns the access rights in a list of principals, to a workspace or to an item.
pub(super) fn access_rows(list: List<'_>, item: Option<(&str, &str)>) -> Vec<InventoryRow> {
    objects(list).filter_map(|principal| access_row(principal, item)).collect()
}

fn access_row(principal: Object<'_>, item: Option<(&str, &str)>) -> Option<InventoryRow> {
    // The name of the right depends on the kind of the item. PowerShell has one name for all.
    let is_right = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        name.ends_with("useraccessright") || name == "accessright"
    };
    let right = principal.members().find_map(|(name, value)| match value {
        Value::Text(text) if is_right(name) => Some(text),
        _ => None,
    });
    let kind = match member(principal, "principalType") {
        Some(Value::Text(text)) => Some(text),
        // The numbers of the enumeration in PowerShell's JSON.
        Some(Value::Int(0)) => Some("App"),
        Some(Value::Int(1)) => Some("Group"),
        Some(Value::Int(2)) => Some("User"),
        _ => None,
    };
    let own_address = text(principal, &["userPrincipalName", "emailAddress"]);
    let identifier = text(principal, &["identifier"]);
    let kind = kind.or_else(|| own_address.map(|_| "User"));
    let named = match kind {
        Some("User") => own_address.or(identifier).map(address),
        _ => text(principal, &["displayName"]).or(own_address).or(identifier).map(str::to_owned),
    };
    let named = named.or_else(|| identifier.map(address))?;
    let principal_id = id(principal, &["graphId"])
        .or_else(|| identifier.filter(|id| !id.contains('@')).map(str::to_ascii_lowercase));
    Some(
        InventoryRow::new(RowKind::Access)
            .with(Column::ItemKind, item.map(|(kind, _)| kind))
            .with(Column::ItemId, item.map(|(_, id)| id))
            .with(Column::Principal, Some(named))
            .with(Column::PrincipalId, principal_id)
            .with(Column::PrincipalType, kind)
            .with(Column::UserType, text(principal, &["userType"]))
            .with(Column::AccessRight, right),
    )
}

/// Returns the texts of a list.
pub(super) fn texts<'a>(list: List<'a>) -> impl Iterator<Item = &'a str> {
    list.items().filter_map(|item| match item {
        Value::Text(text) => Some(text),
        _ => None,
    })
}

/// Returns a number as it is written.
pub(super) fn number(object: Object<'_>, name: &str) -> Option<String> {
    match member(object, name)? {
        Value::Int(number) => Some(number.to_string()),
        Value::Decimal(text) => Some(text.to_owned()),
        Value::Text(text) => text.trim().parse::<f64>().ok().map(|_| text.trim().to_owned()),
        _ => None,
    }
}

/// Returns the schedule of a semantic model in words: `off`, `daily at 05:00 (UTC)`, `every 15
/// minutes`; `None` if the record has none.
pub(super) fn schedule(object: Object<'_>) -> Option<String> {
    let part = |name: &str| match member(object, name) {
        Some(Value::Object(schedule)) => Some(schedule),
        _ => None,
    };
    let Some(schedule) = part("refreshSchedule") else {
        let minutes = number(part("directQueryRefreshSchedule")?, "frequency")?;
        return (minutes != "0").then(|| format!("every {minutes} minutes"));
    };
    if matches!(member(schedule, "enabled"), Some(Value::Bool(false))) {
        return Some("off".to_owned());
    }
    let list = |name: &str| match member(schedule, name) {
        Some(Value::List(list)) => texts(list).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    };
    let (days, times) = (list("days"), list("times"));
    let days: Vec<&str> = WEEKDAYS.into_iter().filter(|day| days.contains(*day)).collect();
    let days = match days.len() {
        0 => "on".to_owned(),
        7 => "daily".to_owned(),
        _ => days.join(", "),
    };
    let times = times.into_iter().collect::<Vec<_>>().join(", ");
    let at = if times.is_empty() { String::new() } else { format!(" at {times}") };
    let zone = text(schedule, &["localTimeZoneId"]).filter(|_| !at.is_empty());
    let zone = zone.map_or_else(String::new, |zone| format!(" ({zone})"));
    Some(format!("{days}{at}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Parser;

    fn schedule_of(json: &str) -> Option<String> {
        let parsed = Parser::default().parse(json.as_bytes(), |record| match record.root() {
            Value::Object(object) => schedule(object),
            _ => None,
        });
        parsed.unwrap()
    }

    #[test]
    fn schedules_become_words() {
        for (json, expected) in [
            (
                r#"{"refreshSchedule":{"days":["Thursday","Monday"],"times":["13:00","05:00"],
                    "enabled":true,"localTimeZoneId":"UTC"}}"#,
                Some("Monday, Thursday at 05:00, 13:00 (UTC)"),
            ),
            (r#"{"refreshSchedule":{"days":["Monday"],"enabled":false}}"#, Some("off")),
            (r#"{"RefreshSchedule":{"enabled":true,"days":[]}}"#, Some("on")),
            (r#"{"directQueryRefreshSchedule":{"frequency":15}}"#, Some("every 15 minutes")),
            (r#"{"directQueryRefreshSchedule":{"frequency":0}}"#, None),
            (r#"{"refreshSchedule":"@{days=System.Object[]}"}"#, None),
        ] {
            assert_eq!(schedule_of(json).as_deref(), expected, "{json}");
        }
    }
}
