//! AuditLogRecordType and UserType: the numbers, their names, and which are kept.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tsv_rows;

/// What a record is about, as far as reports tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadGroup {
    /// Power BI.
    PowerBi,
    /// Fabric.
    Fabric,
    /// Power Apps, Power Automate, and the platform under them.
    PowerPlatform,
    /// Exchange, SharePoint and the rest, which are left out unless asked for.
    Other,
}

impl WorkloadGroup {
    /// All of them.
    pub const ALL: [WorkloadGroup; 4] =
        [WorkloadGroup::PowerBi, WorkloadGroup::Fabric, WorkloadGroup::PowerPlatform, WorkloadGroup::Other];

    /// Its name, as the column of that name holds it.
    pub fn name(self) -> &'static str {
        match self {
            WorkloadGroup::PowerBi => "Power BI",
            WorkloadGroup::Fabric => "Fabric",
            WorkloadGroup::PowerPlatform => "Power Platform",
            WorkloadGroup::Other => "other",
        }
    }
}

/// One AuditLogRecordType.
#[derive(Debug, Clone, Copy)]
pub struct RecordType {
    /// Its number.
    pub value: i64,
    /// Its name in the Management Activity API.
    pub name: &'static str,
    /// What it is about.
    pub workload_group: WorkloadGroup,
    /// What it covers.
    pub description: &'static str,
}

static RECORD_TYPES: LazyLock<Vec<RecordType>> = LazyLock::new(|| {
    tsv_rows(include_str!("record_types.tsv"))
        .filter_map(|cells| {
            let [value, name, kept, description] = cells[..] else { return None };
            let value = value.parse().ok()?;
            let family = WorkloadGroup::ALL.into_iter().find(|family| family.name() == kept);
            let family = family.unwrap_or(WorkloadGroup::Other);
            Some(RecordType { value, name, workload_group: family, description })
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
        let family = |value| record_types().iter().find(|ty| ty.value == value).unwrap().workload_group;
        assert_eq!([20, 144, 357].map(family), [WorkloadGroup::PowerBi, WorkloadGroup::PowerBi, WorkloadGroup::Fabric]);
        for value in [30, 45, 46, 79, 256] {
            assert_eq!(family(value), WorkloadGroup::PowerPlatform, "{value}");
        }
        assert_eq!([1, 6, 50].map(family), [WorkloadGroup::Other; 3]);
        // Every word in the table is one of these.
        for cells in tsv_rows(include_str!("record_types.tsv")) {
            assert!(["", "Power BI", "Fabric", "Power Platform"].contains(&cells[2]), "{cells:?}");
        }
    }
}
