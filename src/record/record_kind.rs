//! Finds out what a record is: an event, an event in an envelope, or something else with a name.

use super::collector;
use super::csv_columns::with_field_names;
use super::graph_record;
use super::parser::{Object, Record, Value, ValueRef};
use super::whole_number::whole_number;
use crate::schema::{self, WorkloadGroup};

/// The most objects of collectors around a record.
const MAX_COLLECTOR_DEPTH: usize = 4;

/// The kind of a record.
pub enum RecordKind<'a> {
    /// An event.
    Event(Event<'a>),
    /// An event inside the `auditData` object of a record of the Graph audit-log query.
    GraphEnvelope(Event<'a>, Object<'a>),
    /// An event as JSON text in `AuditData`, as Search-UnifiedAuditLog returns it.
    AuditDataJson(&'a str, Object<'a>),
    /// A record of a collector that contains another record as JSON text.
    EmbeddedJson(&'a str),
    /// A row of a table, or a record of Graph without `auditData`, as JSON text with the names of
    /// the fields.
    Renamed(String),
    /// Not an event, with the reason for the user.
    NotAnEvent(&'static str),
}

/// An event, with the fields that decide if it is kept.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// The members of the event.
    pub object: Object<'a>,
    /// `Id`.
    pub id: Option<Value<'a>>,
    /// `CreationTime`.
    pub creation_time: Option<Value<'a>>,
    /// `RecordType`: a number, a text with a number, or a name.
    pub record_type: Option<Value<'a>>,
    /// `Workload`.
    pub workload: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// Returns the record as an event without a check of its members; `None` if it is not an
    /// object.
    pub fn as_event(&'a self) -> Option<Event<'a>> {
        match self.root() {
            Value::Object(object) => Some(KeyFields::from_object(object).into_event(object)),
            _ => None,
        }
    }

    /// Returns the kind of the record.
    pub fn kind(&'a self) -> RecordKind<'a> {
        let Value::Object(object) = self.root() else {
            return RecordKind::NotAnEvent("expected a JSON object with the fields of an event");
        };
        object_kind(object, 0)
    }
}

/// Returns the kind of an object that is inside `depth` objects of collectors.
fn object_kind(object: Object<'_>, depth: usize) -> RecordKind<'_> {
    let fields = KeyFields::from_object(object);
    match fields.audit_data {
        Some(Value::Object(inner)) => {
            if inner.is_empty()
                && let Some(text) = graph_record::as_event(object)
            {
                return RecordKind::Renamed(text);
            }
            let event = KeyFields::from_object(inner).into_event(inner);
            return RecordKind::GraphEnvelope(event, object);
        }
        Some(Value::Text(text)) if !text.trim().is_empty() => {
            return RecordKind::AuditDataJson(text, object);
        }
        Some(_) => {
            return match graph_record::as_event(object) {
                Some(text) => RecordKind::Renamed(text),
                None => RecordKind::NotAnEvent("AuditData is empty: the export lost this event"),
            };
        }
        None if is_all_empty_lists(object) => {
            return RecordKind::NotAnEvent(
                "every value is an empty list: a PowerShell script lost the events when it wrote \
                 this file; download the day again",
            );
        }
        None if fields.creation_time.is_some() => {
            return RecordKind::Event(fields.into_event(object));
        }
        None => {}
    }
    if let Some(text) = with_field_names(object).or_else(|| graph_record::as_event(object)) {
        return RecordKind::Renamed(text);
    }
    // Only records without a time are searched for another record inside.
    if let Some(kind) = payload_kind(object, depth) {
        return kind;
    }
    if fields.event_field_count > 0 {
        return RecordKind::Event(fields.into_event(object));
    }
    RecordKind::NotAnEvent(if is_error(object) {
        "an error message was saved instead of events; download the day again"
    } else if object.member("contentUri").is_some() {
        "an entry of the Management API's content list, which only links to events; download the \
         content of its contentUri"
    } else {
        "not a Power BI event: Id, CreationTime and Operation/Activity are all missing"
    })
}

/// Returns the kind of the record inside the record of a collector; `None` if there is none.
fn payload_kind(object: Object<'_>, depth: usize) -> Option<RecordKind<'_>> {
    if depth >= MAX_COLLECTOR_DEPTH {
        return None;
    }
    collector::payloads(object).find_map(|payload| match payload {
        Value::Object(inner) => match object_kind(inner, depth + 1) {
            RecordKind::Event(event) if event.creation_time.is_none() => None,
            RecordKind::NotAnEvent(_) => None,
            kind => Some(kind),
        },
        Value::Text(text) => Some(RecordKind::EmbeddedJson(text)),
        _ => None,
    })
}

/// Returns true if an object is the answer of a service that failed.
fn is_error(object: Object<'_>) -> bool {
    const HTTP_ERRORS: std::ops::Range<i64> = 400..600;
    let has = |name: &&str| object.member(name).is_some();
    let is_status = |name: &&str| match object.member(name) {
        Some(Value::Int(status)) => HTTP_ERRORS.contains(&status),
        _ => false,
    };
    ["error", "message", "errorCode"].iter().any(has)
        || ["status_code", "statusCode"].iter().any(is_status)
}

/// The fields found in one pass over the members of an object.
struct KeyFields<'a> {
    id: Option<Value<'a>>,
    creation_time: Option<Value<'a>>,
    record_type: Option<Value<'a>>,
    workload: Option<&'a str>,
    audit_data: Option<Value<'a>>,
    /// The number of fields that mark an event: Id, CreationTime, Operation, Activity.
    event_field_count: usize,
}

impl<'a> KeyFields<'a> {
    /// Compares names by their length first, since this runs for every member of every event and
    /// must cost almost nothing.
    fn from_object(object: Object<'a>) -> Self {
        let mut fields = KeyFields {
            id: None,
            creation_time: None,
            record_type: None,
            workload: None,
            audit_data: None,
            event_field_count: 0,
        };
        // The name of each field that counts so far.
        let (mut id, mut time, mut record_type) = (&b""[..], &b""[..], &b""[..]);
        for (name, value) in object.value_refs() {
            let name = name.as_bytes();
            let is =
                |known: &[u8]| (name[0] | 0x20) == known[0] && name.eq_ignore_ascii_case(known);
            match name.len() {
                2 if is(b"id") => {
                    set(&mut fields.id, &mut id, (b"Id", name), value);
                    fields.event_field_count += 1;
                }
                8 if is(b"workload") && (fields.workload.is_none() || name == b"Workload") => {
                    fields.workload = text_value(value.value()).or(fields.workload);
                }
                8 if is(b"activity") => fields.event_field_count += 1,
                9 if is(b"auditdata") => fields.audit_data = Some(value.value()),
                9 if is(b"operation") => fields.event_field_count += 1,
                10 if is(b"recordtype") => {
                    set(&mut fields.record_type, &mut record_type, (b"RecordType", name), value);
                }
                12 if is(b"creationtime") => {
                    set(&mut fields.creation_time, &mut time, (b"CreationTime", name), value);
                    fields.event_field_count += 1;
                }
                _ => {}
            }
        }
        fields
    }

    fn into_event(self, object: Object<'a>) -> Event<'a> {
        Event {
            object,
            id: self.id,
            creation_time: self.creation_time,
            record_type: self.record_type,
            workload: self.workload,
        }
    }
}

/// Sets the value of a field if its name counts before the name so far. As for columns, the field's
/// own name counts first, then the first of its other names in byte order, and of a repeated name
/// the first value.
fn set<'a>(
    slot: &mut Option<Value<'a>>,
    best: &mut &'a [u8],
    (own, name): (&[u8], &'a [u8]),
    value: ValueRef<'a>,
) {
    let is_unset = matches!(slot, None | Some(Value::Null));
    if is_unset || (name != own, name) < (*best != own, *best) {
        let value = value.value();
        if is_unset || !matches!(value, Value::Null) {
            *slot = Some(value);
            *best = name;
        }
    }
}

/// Returns true if an object has members and each of them is an empty list.
fn is_all_empty_lists(object: Object<'_>) -> bool {
    !object.is_empty()
        && object.members().all(|(_, value)| matches!(value, Value::List(list) if list.is_empty()))
}

fn text_value(value: Value<'_>) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Returns the workload group of an event, by its RecordType. Workload counts only if the type is
/// missing or unknown, since Workload alone is not reliable.
///
/// A negative type is that of a tool that did not know it. Without a Workload, the activity
/// decides: it is one of Power BI if the catalog has it.
pub fn workload_group(event: &Event<'_>) -> WorkloadGroup {
    match (known_record_type(event), event.workload) {
        (Some(known), _) => known.workload_group,
        (None, None) if event.record_type.and_then(record_type).is_some_and(|n| n < 0) => {
            if has_known_activity(event) {
                WorkloadGroup::PowerBi
            } else {
                WorkloadGroup::Other
            }
        }
        (None, None) => WorkloadGroup::PowerBi,
        (None, Some(workload)) => workload_group_by_name(workload),
    }
}

/// Returns the workload group of a record type; `None` if the type is unknown.
pub fn workload_group_of_type(number: i64) -> Option<WorkloadGroup> {
    record_type_by_number(number).map(|known| known.workload_group)
}

/// Returns true if the catalog has the activity of an event.
fn has_known_activity(event: &Event<'_>) -> bool {
    let names = ["Activity", "Operation"].map(|name| event.object.member(name));
    let names = names.into_iter().flatten().filter_map(text_value);
    names
        .flat_map(|name| schema::operations().iter().map(move |known| (known, name)))
        .any(|(known, name)| known.name.eq_ignore_ascii_case(name.trim()))
}

/// Returns the workload and record type of an event, for counting: `Exchange: ExchangeItem`.
pub fn workload_label(event: &Event<'_>) -> String {
    let kind = match (known_record_type(event), event.record_type.and_then(record_type)) {
        (Some(known), _) => known.name.to_owned(),
        (None, Some(number)) => format!("RecordType {number}"),
        (None, None) => "no RecordType".to_owned(),
    };
    // The text is for people and can contain anything.
    const MAX_CHARS: usize = 40;
    let workload = event.workload.unwrap_or("no Workload");
    let workload: String = workload.chars().take(MAX_CHARS).collect();
    format!("{workload}: {kind}")
}

fn known_record_type(event: &Event<'_>) -> Option<&'static schema::RecordType> {
    event.record_type.and_then(record_type).and_then(record_type_by_number)
}

fn record_type_by_number(number: i64) -> Option<&'static schema::RecordType> {
    schema::record_types().iter().find(|known| known.value == number)
}

/// Returns the number of a RecordType: a number, a text with a number, or a name.
pub fn record_type(value: Value<'_>) -> Option<i64> {
    let by_name = || schema::record_type_by_name(text_value(value)?.trim());
    whole_number(value).or_else(by_name)
}

fn workload_group_by_name(workload: &str) -> WorkloadGroup {
    const KNOWN: [(&str, WorkloadGroup); 10] = [
        ("", WorkloadGroup::PowerBi),
        ("PowerBI", WorkloadGroup::PowerBi),
        ("Fabric", WorkloadGroup::Fabric),
        ("DataFabric", WorkloadGroup::Fabric),
        ("MicrosoftFlow", WorkloadGroup::PowerPlatform),
        ("PowerApps", WorkloadGroup::PowerPlatform),
        ("PowerPlatform", WorkloadGroup::PowerPlatform),
        ("PowerPages", WorkloadGroup::PowerPlatform),
        ("MicrosoftPowerPlatform", WorkloadGroup::PowerPlatform),
        ("PowerAutomate", WorkloadGroup::PowerPlatform),
    ];
    let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(workload));
    known.map_or(WorkloadGroup::Other, |(_, group)| *group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Parser;

    fn classified(text: &str) -> (WorkloadGroup, String) {
        let found = |record: &Record<'_>| match record.kind() {
            RecordKind::Event(event) => (workload_group(&event), workload_label(&event)),
            _ => panic!("an event"),
        };
        Parser::default().parse(text.as_bytes(), found).unwrap()
    }

    fn rejected(text: &str) -> &'static str {
        let found = |record: &Record<'_>| match record.kind() {
            RecordKind::NotAnEvent(reason) => reason,
            _ => panic!("no event"),
        };
        Parser::default().parse(text.as_bytes(), found).unwrap()
    }

    #[test]
    fn record_type_decides_and_workload_only_without_it() {
        for text in [
            r#"{"Id":"1","RecordType":20}"#,
            r#"{"Id":"1","RecordType":"20","Workload":"Exchange"}"#,
            r#"{"Id":"1","recordType":"powerBIAudit"}"#,
            r#"{"Id":"1","RecordType":"PowerBI"}"#,
            r#"{"Id":"1","Workload":"PowerBI"}"#,
            r#"{"Id":"1"}"#,
            r#"{"Id":"1","RecordType":9999,"Workload":"PowerBI"}"#,
            r#"{"Id":"1","RecordType":-1,"Workload":"PowerBI"}"#,
            r#"{"Id":"1","RecordType":-1,"Operation":"viewreport"}"#,
        ] {
            assert_eq!(classified(text).0, WorkloadGroup::PowerBi, "{text}");
        }
        assert_eq!(classified(r#"{"Id":"1","RecordType":357}"#).0, WorkloadGroup::Fabric);
        let app = r#"{"Id":"1","RecordType":45,"Workload":"PowerApps"}"#;
        assert_eq!(classified(app).0, WorkloadGroup::PowerPlatform);
        for (text, name) in [
            (r#"{"Id":"1","RecordType":2,"Workload":"PowerBI"}"#, "PowerBI: ExchangeItem"),
            (r#"{"Id":"1","RecordType":2}"#, "no Workload: ExchangeItem"),
            (r#"{"Id":"1","RecordType":-1}"#, "no Workload: RecordType -1"),
            (
                r#"{"Id":"1","RecordType":-1,"Operation":"FileAccessed"}"#,
                "no Workload: RecordType -1",
            ),
            (r#"{"Id":"1","RecordType":2.0,"Workload":"PowerBI"}"#, "PowerBI: ExchangeItem"),
            (r#"{"Id":"1","Workload":"SharePoint"}"#, "SharePoint: no RecordType"),
            (r#"{"Id":"1","RecordType":"9999","Workload":"Viva"}"#, "Viva: RecordType 9999"),
        ] {
            assert_eq!(classified(text), (WorkloadGroup::Other, name.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_records_are_rejected_with_a_reason() {
        assert!(rejected(r#"{"error":{"code":"TooManyRequests"}}"#).contains("error message"));
        let denied = r#"{"Message":"Authorization has been denied for this request."}"#;
        assert!(rejected(denied).contains("error message"));
        assert!(rejected(r#"{"Id":[],"RecordType":[]}"#).contains("empty list"));
        assert!(rejected(r#"{"contentUri":"https://x","contentId":"y"}"#).contains("content list"));
        assert!(rejected(r#"{"AuditData":""}"#).contains("AuditData is empty"));
        assert!(rejected("[]").contains("JSON object"));
        assert!(rejected(r#"{"status_code":429,"text":"wait"}"#).contains("error message"));
    }
}
