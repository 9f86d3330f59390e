//! AuditLogRecordType and UserType: their numbers, names and workloads.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tsv::{TsvError, parse_table, wrong_cell_count};

/// Workload of a record, as reports distinguish them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadGroup {
    /// Power BI.
    PowerBi,
    /// Fabric.
    Fabric,
    /// Power Apps, Power Automate, and the platform they use.
    PowerPlatform,
    /// Exchange, SharePoint and other workloads, which are excluded by default.
    Other,
}

impl WorkloadGroup {
    /// All workload groups.
    pub const ALL: [WorkloadGroup; 4] = [
        WorkloadGroup::PowerBi,
        WorkloadGroup::Fabric,
        WorkloadGroup::PowerPlatform,
        WorkloadGroup::Other,
    ];

    /// Name of the group in the column `WorkloadGroup`.
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
    /// Number of the record type.
    pub value: i64,
    /// Name in the Management Activity API.
    pub name: &'static str,
    /// Workload of its records.
    pub workload_group: WorkloadGroup,
}

static RECORD_TYPES: LazyLock<Vec<RecordType>> =
    LazyLock::new(|| parse_record_types().filter_map(Result::ok).collect());

fn parse_record_types() -> impl Iterator<Item = Result<RecordType, TsvError>> {
    parse_table(include_str!("record_types.tsv"), parse_record_type)
}

fn parse_record_type(cells: &[&'static str]) -> Result<RecordType, String> {
    let [value, name, group, _description] = *cells else {
        return Err(wrong_cell_count(cells, 4));
    };
    let value = value.parse().map_err(|_| format!("{name}: {value:?} is not a number"))?;
    let group = if group.is_empty() { WorkloadGroup::Other.name() } else { group };
    let workload_group = WorkloadGroup::ALL
        .into_iter()
        .find(|known| known.name() == group)
        .ok_or_else(|| format!("{name}: unknown workload group {group:?}"))?;
    Ok(RecordType { value, name, workload_group })
}

static BY_NAME: LazyLock<HashMap<String, i64>> = LazyLock::new(|| {
    let named = RECORD_TYPES.iter().map(|ty| (ty.name.to_ascii_lowercase(), ty.value));
    // Before July 2021, the cmdlets wrote `PowerBI` for `PowerBIAudit`.
    named.chain([("powerbi".to_owned(), 20)]).collect()
});

/// Names of UserType in the common schema of the Management Activity API.
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

/// Returns all known record types, ordered by number.
pub fn record_types() -> &'static [RecordType] {
    &RECORD_TYPES
}

/// Returns the number of a record type, matched by name in any case.
pub fn record_type_by_name(name: &str) -> Option<i64> {
    BY_NAME.get(&name.to_ascii_lowercase()).copied()
}

/// Returns the number of a user type, matched by name in any case.
pub fn user_type_by_name(name: &str) -> Option<i64> {
    USER_TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_parsed() {
        let parsed: Result<Vec<RecordType>, TsvError> = parse_record_types().collect();
        assert_eq!(parsed.unwrap().len(), record_types().len());
    }

    #[test]
    fn malformed_rows_are_errors() {
        let error = |cells: &[&'static str]| parse_record_type(cells).unwrap_err();
        assert_eq!(error(&["1", "X", ""]), "expected 4 cells, found 3: [\"1\", \"X\", \"\"]");
        assert_eq!(error(&["one", "X", "", ""]), "X: \"one\" is not a number");
        assert_eq!(error(&["1", "X", "Mail", ""]), "X: unknown workload group \"Mail\"");
    }

    #[test]
    fn old_and_new_names_have_the_same_number() {
        assert_eq!(record_type_by_name("PowerBI"), Some(20));
        assert_eq!(record_type_by_name("powerBIAudit"), Some(20));
        assert_eq!(record_type_by_name("FabricAudit"), Some(357));
        assert_eq!(record_type_by_name("no such type"), None);
        assert_eq!(user_type_by_name("ServicePrincipal"), Some(6));
    }

    #[test]
    fn power_platform_is_a_group_and_mail_is_other() {
        let group =
            |value| record_types().iter().find(|ty| ty.value == value).unwrap().workload_group;
        let expected = [WorkloadGroup::PowerBi, WorkloadGroup::PowerBi, WorkloadGroup::Fabric];
        assert_eq!([20, 144, 357].map(group), expected);
        for value in [30, 45, 46, 79, 256] {
            assert_eq!(group(value), WorkloadGroup::PowerPlatform, "{value}");
        }
        assert_eq!([1, 6, 50].map(group), [WorkloadGroup::Other; 3]);
    }
}
