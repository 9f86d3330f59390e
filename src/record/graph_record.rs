//! Reads records of the Graph audit-log query that have no `auditData`, for example because a query
//! selected other properties.

use super::json;
use super::parser::{Object, Value};

/// The member with the time of the activity.
const TIME_MEMBER: &str = "createdDateTime";

/// The members that distinguish a record from other objects of Graph with a time.
const RECORD_MEMBERS: [&str; 2] = ["auditLogRecordType", "operation"];

/// The members of Microsoft Graph's `auditLogRecord` and the fields of an event that they are.
/// `userPrincipalName` is the `UserId`, and `userId` the `UserKey`.
/// <https://learn.microsoft.com/en-us/graph/api/resources/security-auditlogrecord>
const FIELDS: [(&str, &str); 11] = [
    ("id", "Id"),
    (TIME_MEMBER, "CreationTime"),
    ("operation", "Operation"),
    ("auditLogRecordType", "RecordType"),
    ("service", "Workload"),
    ("userPrincipalName", "UserId"),
    ("userId", "UserKey"),
    ("userType", "UserType"),
    ("clientIp", "ClientIP"),
    ("organizationId", "OrganizationId"),
    ("objectId", "ObjectId"),
];

/// Returns a record of Graph without `auditData` as an event in JSON; `None` for any other object.
pub(super) fn as_event(object: Object<'_>) -> Option<String> {
    let has = |name: &str| object.member(name).is_some_and(|v| !matches!(v, Value::Null));
    if !has(TIME_MEMBER) || has("CreationTime") || !RECORD_MEMBERS.into_iter().any(has) {
        return None;
    }
    json::write_renamed(object, |name| {
        let is_known = |(known, _): &&(&str, &str)| name.eq_ignore_ascii_case(known);
        let field = FIELDS.iter().find(is_known).map_or(name, |(_, field)| field);
        (!name.eq_ignore_ascii_case("auditData")).then_some(field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Parser;

    fn read(text: &str) -> Option<String> {
        let parsed = Parser::default().parse(text.as_bytes(), |record| match record.root() {
            Value::Object(object) => as_event(object),
            _ => None,
        });
        parsed.unwrap()
    }

    #[test]
    fn members_of_graph_become_fields_of_the_event() {
        let record = r#"{"@odata.type":"x","id":"1","createdDateTime":"2026-03-02T09:15:00Z",
            "operation":"ViewReport","userId":"K","userPrincipalName":"a@b","auditData":null}"#;
        assert_eq!(
            read(record).as_deref(),
            Some(concat!(
                r#"{"@odata.type":"x","Id":"1","CreationTime":"2026-03-02T09:15:00Z","#,
                r#""Operation":"ViewReport","UserKey":"K","UserId":"a@b"}"#
            ))
        );
    }

    #[test]
    fn other_objects_are_not_records_of_graph() {
        for text in [
            r#"{"id":"1","createdDateTime":"x","displayName":"a group"}"#,
            r#"{"id":"1","operation":"ViewReport"}"#,
            r#"{"createdDateTime":"x","operation":"y","CreationTime":"z"}"#,
            r#"{"createdDateTime":null,"operation":"y"}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
