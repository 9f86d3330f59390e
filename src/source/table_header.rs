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

/// Returns true if a line is the header of a list of people or products that is read.
pub fn is_list_header(header: &str) -> bool {
    let names = column_names(header);
    let has = |wanted: &[&str]| has_columns(&names, wanted);
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
    if let Some((_, what)) = SIGNS.iter().find(|(wanted, _)| has_columns(&names, wanted)) {
        return Some(what);
    }
    let addresses = ["userprincipalname", "upn", "mail", "email", "emailaddress", "userid"];
    let has_address = names.iter().any(|name| addresses.contains(&name.as_str()));
    let organization =
        ["department", "costcenter", "costcentre", "region", "country", "division", "manager"];
    let has_attribute = names.iter().any(|name| organization.contains(&name.as_str()));
    (has_address && has_attribute).then_some("a list of attributes of people")
}

#[cfg(test)]
mod tests {
    use super::{describe_table, is_list_header};

    #[test]
    fn tables_are_named_by_their_headers() {
        for (header, what) in [
            ("upn|Cost Center", "attributes of people"),
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
        }
        assert!(!is_list_header("User Principal Name,Display Name,Assigned Products,Licenses"));
        assert!(!is_list_header("UPN,Cost Center"));
        for header in ["RecordId,CreationDate,AuditData", "a,b", "UserId,Operation,AuditData"] {
            assert_eq!(describe_table(header), None, "{header}");
        }
    }
}
