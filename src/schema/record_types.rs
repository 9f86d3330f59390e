//! AuditLogRecordType and UserType: the numbers, their names, and which are kept.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::rows;

/// One AuditLogRecordType.
#[derive(Debug, Clone, Copy)]
pub struct RecordType {
    /// Its number.
    pub value: i64,
    /// Its name in the Management Activity API.
    pub name: &'static str,
    /// Whether its events are stored by default: Power BI, Fabric and the Power Platform.
    pub kept: bool,
    /// What it covers.
    pub description: &'static str,
}

static RECORD_TYPES: LazyLock<Vec<RecordType>> = LazyLock::new(|| {
    rows(include_str!("record_types.tsv"))
        .filter_map(|cells| {
            let [value, name, kept, description] = cells[..] else { return None };
            let value = value.parse().ok()?;
            Some(RecordType { value, name, kept: kept == "yes", description })
        })
        .collect()
});

static BY_NAME: LazyLock<HashMap<String, i64>> = LazyLock::new(|| {
    let named = RECORD_TYPES.iter().map(|ty| (ty.name.to_ascii_lowercase(), ty.value));
    // Before July 2021 the cmdlets wrote `PowerBI` for what is `PowerBIAudit` since.
    named.chain([("powerbi".to_owned(), 20)]).collect()
});

/// Names of UserType, as in the common schema of the Management Activity API.
const USER_TYPES: [(&str, i64); 12] = [
    ("regular", 0),
    ("reserved", 1),
    ("admin", 2),
    ("dcadmin", 3),
    ("system", 4),
    ("application", 5),
    ("serviceprincipal", 6),
    ("custompolicy", 7),
    ("systempolicy", 8),
    ("partnertechnician", 9),
    ("guest", 10),
    ("guestoranonymous", 10),
];

/// All record types known, by number.
pub fn record_types() -> &'static [RecordType] {
    &RECORD_TYPES
}

/// The number of a record type's name, matched without case.
pub fn record_type_by_name(name: &str) -> Option<i64> {
    BY_NAME.get(&name.to_ascii_lowercase()).copied()
}

/// The number of a user type's name, matched without case.
pub fn user_type_by_name(name: &str) -> Option<i64> {
    USER_TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_old_and_new_mean_the_same_number() {
        assert_eq!(record_type_by_name("PowerBI"), Some(20));
        assert_eq!(record_type_by_name("powerBIAudit"), Some(20));
        assert_eq!(record_type_by_name("FabricAudit"), Some(357));
        assert_eq!(record_type_by_name("no such type"), None);
        assert_eq!(user_type_by_name("ServicePrincipal"), Some(6));
    }

    #[test]
    fn power_platform_is_kept_and_mail_is_not() {
        let kept = |value| record_types().iter().any(|ty| ty.value == value && ty.kept);
        for value in [20, 30, 45, 46, 79, 256, 357] {
            assert!(kept(value), "{value}");
        }
        assert!(!kept(1) && !kept(6) && !kept(50));
    }
}
