//! Recognizes tables that are inventories or lists of people, by their header.

/// Headers of lists of people and products, by names without case, blanks and punctuation.
const LISTS: [&[&str]; 8] = [
    &["userprincipalname", "licenses"],
    &["userprincipalname", "assignedlicenses"],
    &["userprincipalname", "accountenabled"],
    &["userprincipalname", "displayname", "objectid"],
    &["userprincipalname", "displayname", "id"],
    &["userprincipalname", "skupartnumber"],
    &["accountskuid", "consumedunits"],
    &["skupartnumber", "consumedunits"],
];

/// Columns with the address of a person, the most reliable first.
const ADDRESSES: [&str; 6] =
    ["userprincipalname", "upn", "mail", "email", "emailaddress", "userid"];

/// Columns of tables with events or access rights, which are no lists.
const EVENTS_OR_RIGHTS: [&str; 16] = [
    "auditdata",
    "raweventdata",
    "raw",
    "o365audit",
    "eventoriginal",
    "creationtime",
    "creationdate",
    "timestamp",
    "timegenerated",
    "operation",
    "operations",
    "activity",
    "recordtype",
    "workload",
    "clientip",
    "accessright",
];

/// Further columns of tables that contain addresses and are no attributes of people: of usage
/// reports, workspaces and items.
const NO_ATTRIBUTES: [&str; 6] = [
    "assignedproducts",
    "reportrefreshdate",
    "lastactivitydate",
    "workspaceid",
    "reportid",
    "datasetid",
];

/// The content of a table that is read as a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListTable {
    /// People, their licenses, or bought products.
    People,
    /// Attributes of people, with the column of their addresses.
    Attributes(String),
    /// Workspaces.
    Workspaces,
    /// Reports.
    Reports,
    /// Semantic models.
    Models,
    /// Dashboards.
    Dashboards,
    /// Apps.
    Apps,
    /// Items of several kinds, with a column for the kind.
    Items,
    /// Capacities.
    Capacities,
}

/// Further columns of tables whose rows are no workspaces and items: figures of use and refreshes.
/// A table can have several rows for an item in them.
const NO_INVENTORY: [&str; 8] = [
    "principaltype",
    "userprincipalname",
    "userid",
    "views",
    "viewcount",
    "refreshtype",
    "lastaccesseddatetime",
    "validfrom",
];

/// Tables of workspaces and items: the columns that each has, each under one of several names. The
/// first that fits counts.
const INVENTORIES: [(ListTable, &[&[&str]]); 14] = [
    (
        ListTable::Capacities,
        &[&["id", "capacityid"], &["displayname", "capacityname"], &["sku"], &["region"]],
    ),
    (ListTable::Reports, &[&["reportid"], &["reportname", "name"]]),
    (ListTable::Reports, &[&["id"], &["name"], &["datasetid"], &["weburl", "embedurl"]]),
    (ListTable::Reports, &[&["id"], &["name"], &["reporttype"]]),
    (
        ListTable::Models,
        &[&["datasetid", "semanticmodelid"], &["datasetname", "semanticmodelname", "name"]],
    ),
    (ListTable::Models, &[&["datasetid"], &["configuredby"]]),
    (
        ListTable::Models,
        &[&["id"], &["configuredby"], &["isrefreshable", "addrowsapienabled", "targetstoragemode"]],
    ),
    (ListTable::Dashboards, &[&["dashboardid"], &["dashboardname", "displayname", "name"]]),
    (ListTable::Dashboards, &[&["id"], &["displayname", "name"], &["isreadonly"], &["embedurl"]]),
    (ListTable::Apps, &[&["id", "appid"], &["name", "appname"], &["publishedby"]]),
    (
        ListTable::Items,
        &[
            &["itemid", "artifactid", "id"],
            &["itemname", "artifactname", "displayname", "name"],
            &["type", "itemtype", "artifacttype", "itemkind", "kind"],
            &["workspaceid"],
        ],
    ),
    (
        ListTable::Workspaces,
        &[&["id", "workspaceid"], &["name", "workspacename"], &["isondedicatedcapacity"]],
    ),
    (
        ListTable::Workspaces,
        &[
            &["id", "workspaceid"],
            &["name", "workspacename"],
            &["type", "workspacetype"],
            &["state", "workspacestate"],
        ],
    ),
    (ListTable::Workspaces, &[&["workspaceid"], &["workspacename", "name"]]),
];

/// Returns the content of a table that is read as a list, by its header line; `None` for any other
/// table.
pub fn list_table(header: &str) -> Option<ListTable> {
    let names = column_names(header);
    if is_known_list(&names) {
        return Some(ListTable::People);
    }
    inventory_table(&names).or_else(|| address_column(&names).map(ListTable::Attributes))
}

fn inventory_table(names: &[String]) -> Option<ListTable> {
    let is_named = |name: &&str| names.iter().any(|known| known == name);
    if EVENTS_OR_RIGHTS.iter().chain(&NO_INVENTORY).any(is_named) {
        return None;
    }
    // A table of people can have any other columns.
    let has_address = ADDRESSES.iter().any(is_named);
    let fits = |columns: &&[&[&str]]| {
        columns
            .iter()
            .all(|any| any.iter().any(|name| is_named(name) && (*name != "id" || !has_address)))
    };
    INVENTORIES.iter().find(|(_, columns)| fits(columns)).map(|(table, _)| table.clone())
}

/// Returns the column with the addresses if these are the columns of a table of attributes of
/// people: of any table with such a column and others.
fn address_column(names: &[String]) -> Option<String> {
    let is_named = |name: &str| names.iter().any(|known| known == name);
    let mut others = EVENTS_OR_RIGHTS.into_iter().chain(NO_ATTRIBUTES);
    if is_known_list(names) || others.any(is_named) {
        return None;
    }
    let is_other = |name: &&String| !name.is_empty() && !ADDRESSES.contains(&name.as_str());
    let has_others = names.iter().filter(is_other).any(|name| name.parse::<f64>().is_err());
    let address = ADDRESSES.into_iter().find(|name| is_named(name)).filter(|_| has_others);
    address.map(str::to_owned)
}

/// Returns true if columns are those of a list of people or products.
fn is_known_list(names: &[String]) -> bool {
    let has = |wanted: &[&str]| has_columns(names, wanted);
    // An access right and a usage report name people too.
    LISTS.iter().any(|list| has(list)) && !has(&["accessright"]) && !has(&["assignedproducts"])
}

fn has_columns(names: &[String], wanted: &[&str]) -> bool {
    wanted.iter().all(|want| names.iter().any(|name| name == want))
}

/// Returns the names of the columns in a header, without case, blanks and punctuation.
fn column_names(header: &str) -> Vec<String> {
    header
        .trim_start_matches('\u{feff}')
        .split([',', ';', '\t', '|'])
        .map(|name| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .map(|name| name.to_lowercase())
        .collect()
}

/// Describes a CSV file by its header; `None` if it is not a known list.
pub(super) fn describe_table(header: &str) -> Option<&'static str> {
    let names = column_names(header);
    const SIGNS: [(&[&str], &str); 4] = [
        (&["reportrefreshdate", "assignedproducts"], "a usage report of Microsoft 365"),
        (&["userprincipalname", "objectid"], "a list of people of Microsoft Entra"),
        (
            &["name", "type", "state", "upgradestatus"],
            "a list of workspaces of the admin portal without their IDs",
        ),
        (&["lastaccesseddatetime"], "a list of unused artifacts"),
    ];
    SIGNS.iter().find(|(wanted, _)| has_columns(&names, wanted)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::{ListTable, address_column, column_names, describe_table, list_table};

    #[test]
    fn people_are_known_by_their_headers() {
        for header in [
            "\u{feff}Block credential,Licenses,User principal name",
            "\"Id\";\"DisplayName\";\"UserPrincipalName\"",
            "AccountSkuId,ActiveUnits,ConsumedUnits",
        ] {
            assert_eq!(list_table(header), Some(ListTable::People), "{header}");
            assert_eq!(address_column(&column_names(header)), None, "{header}");
        }
        for (header, expected) in [
            ("upn|Cost Center", Some("upn")),
            ("User principal name;E-mail;Region", Some("userprincipalname")),
            ("\u{feff}Cost Center,\"E-Mail\"", Some("email")),
            ("Email,UPN", None),
            ("Email,", None),
            ("UserId,Operation,AuditData", None),
            ("Email,AccessRight,Report Id", None),
        ] {
            assert_eq!(address_column(&column_names(header)).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn workspaces_and_items_are_known_by_their_headers() {
        for (header, expected) in [
            ("\"Id\",\"Name\",\"IsReadOnly\",\"IsOnDedicatedCapacity\"", ListTable::Workspaces),
            (
                "ID;Name;Type;State;IsReadOnly;IsOnDedicatedCapacity;CapacityId;FirstUSer",
                ListTable::Workspaces,
            ),
            ("Name,State,Type,Workspace ID", ListTable::Workspaces),
            ("workspace_name,workspace_id", ListTable::Workspaces),
            ("Report Id;Report Name;Dataset Id", ListTable::Reports),
            ("ReportName|report_id|WORKSPACE ID", ListTable::Reports),
            ("Id,Name,WebUrl,EmbedUrl,DatasetId", ListTable::Reports),
            ("Dataset Id,Dataset Name,Configured By,Created Date", ListTable::Models),
            ("Id,Name,ConfiguredBy,IsRefreshable", ListTable::Models),
            ("Id,Name,IsReadOnly,EmbedUrl,Tiles", ListTable::Dashboards),
            ("Item Id,Item Name,Type,Workspace Id", ListTable::Items),
            ("id,name,publishedBy,lastUpdate", ListTable::Apps),
            ("Id,DisplayName,Admins,Sku,State,UserAccessRight,Region", ListTable::Capacities),
            ("Capacity Id;Capacity Name;Sku;Region;State;Admins", ListTable::Capacities),
        ] {
            assert_eq!(list_table(header), Some(expected), "{header}");
        }
    }

    #[test]
    fn other_tables_are_no_lists() {
        for header in [
            "User Principal Name,Display Name,Assigned Products,Licenses",
            "RecordId,CreationDate,AuditData",
            "a,b",
            "UserId,Operation,AuditData",
            "Id,CreationTime,Operation,ReportId,ReportName,WorkspaceId,WorkSpaceName",
            "ReportId,ReportName,UserId,Views",
            "WorkspaceId,WorkspaceName,PrincipalType,AccessRight",
            "report,report_id,workspace,workspace_id,status,reason",
        ] {
            assert_eq!(list_table(header), None, "{header}");
        }
        let people = list_table("Id,Name,Type,State,Email");
        assert_eq!(people, Some(ListTable::Attributes("email".to_owned())));
        for (header, expected) in [
            ("Name,Description,Type,State,Upgrade status", Some("without their IDs")),
            ("Artifact Id,Display Name,Last Accessed Date Time", Some("unused artifacts")),
            ("Report Refresh Date,User Principal Name,Assigned Products", Some("usage report")),
            ("a,b", None),
            ("UserId,Operation,AuditData", None),
        ] {
            let found = describe_table(header);
            assert_eq!(found.is_some(), expected.is_some(), "{header}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{header}");
        }
    }
}
