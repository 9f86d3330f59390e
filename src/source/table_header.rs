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

/// Columns of tables that contain addresses and are no attributes of people: events, access rights
/// and usage reports.
const NO_ATTRIBUTES: [&str; 22] = [
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
    "assignedproducts",
    "reportrefreshdate",
    "lastactivitydate",
    "workspaceid",
    "reportid",
    "datasetid",
];

/// Returns true if a line is the header of a list of people or products, or of a table of
/// attributes of people, that is read.
pub fn is_list_header(header: &str) -> bool {
    is_known_list(&column_names(header)) || address_column(header).is_some()
}

/// Returns the column with the addresses if a line is the header of a table of attributes of
/// people: of any table with such a column and others.
pub fn address_column(header: &str) -> Option<String> {
    let names = column_names(header);
    let is_named = |name: &str| names.iter().any(|known| known == name);
    if is_known_list(&names) || NO_ATTRIBUTES.into_iter().any(is_named) {
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
    const SIGNS: [(&[&str], &str); 6] = [
        (&["reportrefreshdate", "assignedproducts"], "a usage report of Microsoft 365"),
        (&["userprincipalname", "objectid"], "a list of people of Microsoft Entra"),
        (&["id", "name", "isondedicatedcapacity"], "a list of workspaces of PowerShell"),
        (&["name", "type", "state", "upgradestatus"], "a list of workspaces of the admin portal"),
        (&["reportid", "reportname"], "a list of reports"),
        (&["datasetid", "configuredby"], "a list of semantic models"),
    ];
    SIGNS.iter().find(|(wanted, _)| has_columns(&names, wanted)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::{address_column, describe_table, is_list_header};

    #[test]
    fn tables_are_named_by_their_headers() {
        for (header, what) in [
            ("\"Id\",\"Name\",\"IsReadOnly\",\"IsOnDedicatedCapacity\"", "of PowerShell"),
            ("Report Id;Report Name;Dataset Id", "a list of reports"),
        ] {
            assert!(describe_table(header).unwrap_or_default().contains(what), "{header}");
        }
        for header in [
            "\u{feff}Block credential,Licenses,User principal name",
            "\"Id\";\"DisplayName\";\"UserPrincipalName\"",
            "AccountSkuId,ActiveUnits,ConsumedUnits",
        ] {
            assert!(is_list_header(header), "{header}");
            assert_eq!(address_column(header), None, "{header}");
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
            assert_eq!(address_column(header).as_deref(), expected, "{header}");
        }
        assert!(!is_list_header("User Principal Name,Display Name,Assigned Products,Licenses"));
        for header in ["RecordId,CreationDate,AuditData", "a,b", "UserId,Operation,AuditData"] {
            assert_eq!(describe_table(header), None, "{header}");
        }
    }
}
