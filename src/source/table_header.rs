//! Names tables that are inventories or lists of people, by their header.

/// Describes a CSV file by its header; `None` if it is not a known list.
pub(super) fn describe_table(header: &str) -> Option<&'static str> {
    let names: Vec<String> = header
        .trim_start_matches('\u{feff}')
        .split([',', ';', '\t', '|'])
        .map(|name| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .map(|name| name.to_lowercase())
        .collect();
    let has = |wanted: &[&str]| wanted.iter().all(|want| names.iter().any(|name| name == want));
    const SIGNS: [(&[&str], &str); 11] = [
        (&["reportrefreshdate", "assignedproducts"], "a usage report of Microsoft 365"),
        (&["userprincipalname", "licenses"], "a list of people with licenses"),
        (&["userprincipalname", "assignedlicenses"], "a list of people with licenses"),
        (&["userprincipalname", "accountenabled"], "a list of people of Microsoft Entra"),
        (&["userprincipalname", "objectid"], "a list of people of Microsoft Entra"),
        (&["accountskuid", "consumedunits"], "a list of subscribed products"),
        (&["skupartnumber", "consumedunits"], "a list of subscribed products"),
        (&["id", "name", "isondedicatedcapacity"], "a list of workspaces of PowerShell"),
        (&["name", "type", "state", "upgradestatus"], "a list of workspaces of the admin portal"),
        (&["reportid", "reportname"], "a list of reports"),
        (&["datasetid", "configuredby"], "a list of semantic models"),
    ];
    if let Some((_, what)) = SIGNS.iter().find(|(wanted, _)| has(wanted)) {
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
    use super::describe_table;

    #[test]
    fn tables_are_named_by_their_headers() {
        for (header, what) in [
            ("\u{feff}Block credential,Licenses,User principal name", "people with licenses"),
            ("upn|Cost Center", "attributes of people"),
            ("\"Id\",\"Name\",\"IsReadOnly\",\"IsOnDedicatedCapacity\"", "of PowerShell"),
            ("Report Id;Report Name;Dataset Id", "a list of reports"),
        ] {
            assert!(describe_table(header).unwrap_or_default().contains(what), "{header}");
        }
        for header in ["RecordId,CreationDate,AuditData", "a,b", "UserId,Operation,AuditData"] {
            assert_eq!(describe_table(header), None, "{header}");
        }
    }
}
