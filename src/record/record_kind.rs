//! What a record is: an event, an event in a wrapping, or something else that has a name.

use super::{Object, Record, Value, ValueRef};
use crate::schema::{self, WorkloadGroup};

/// What was found in a record.
pub enum RecordKind<'a> {
    /// An event.
    Event(Event<'a>),
    /// An event inside the `auditData` object of a record of the Graph audit-log query.
    GraphEnvelope(Event<'a>, Object<'a>),
    /// An event as JSON text in `AuditData`, as Search-UnifiedAuditLog gives it.
    AuditDataJson(&'a str, Object<'a>),
    /// No event, and why.
    NotAnEvent(&'static str),
}

/// An event, with what decides whether it is kept.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// Its members.
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
    /// Tells what the record is.
    pub fn kind(&'a self) -> RecordKind<'a> {
        let Value::Object(object) = self.root() else {
            return RecordKind::NotAnEvent(
                "a JSON object with the members of an event was expected",
            );
        };
        let seen = KeyFields::from_object(object);
        match seen.audit_data {
            Some(Value::Object(inner)) => {
                RecordKind::GraphEnvelope(KeyFields::from_object(inner).into_event(inner), object)
            }
            Some(Value::Text(text)) if !text.trim().is_empty() => {
                RecordKind::AuditDataJson(text, object)
            }
            Some(_) => RecordKind::NotAnEvent("AuditData is empty: the export lost this event"),
            None if is_all_empty_lists(object) => RecordKind::NotAnEvent(
                "every value is an empty list: a PowerShell script lost the events when it wrote \
                 this file; pull the day again",
            ),
            None if seen.event_field_count > 0 => RecordKind::Event(seen.into_event(object)),
            None if ["error", "message"].iter().any(|name| object.member(name).is_some()) => {
                RecordKind::NotAnEvent(
                    "an error message was saved instead of events; pull the day again",
                )
            }
            None if object.member("contentUri").is_some() => RecordKind::NotAnEvent(
                "an entry of the Management API's content list, which names where events can be \
                 fetched and holds none",
            ),
            None => RecordKind::NotAnEvent(
                "no member that every event has (Id, CreationTime, Operation or Activity)",
            ),
        }
    }
}

/// What one pass over the names of an object sees.
struct KeyFields<'a> {
    id: Option<Value<'a>>,
    creation_time: Option<Value<'a>>,
    record_type: Option<Value<'a>>,
    workload: Option<&'a str>,
    audit_data: Option<Value<'a>>,
    /// How many of the names that mark an event are there.
    event_field_count: usize,
}

impl<'a> KeyFields<'a> {
    /// The names are told apart by their length first: this runs once for every member of every
    /// event, and must cost next to nothing.
    fn from_object(object: Object<'a>) -> Self {
        let mut seen = KeyFields {
            id: None,
            creation_time: None,
            record_type: None,
            workload: None,
            audit_data: None,
            event_field_count: 0,
        };
        // Of a name that occurs twice, the first value counts, as it does for columns.
        let set = |slot: &mut Option<Value<'a>>, place: ValueRef<'a>| {
            if matches!(slot, None | Some(Value::Null)) {
                *slot = Some(place.value());
            }
        };
        for (name, place) in object.value_refs() {
            let name = name.as_bytes();
            let is =
                |known: &[u8]| (name[0] | 0x20) == known[0] && name.eq_ignore_ascii_case(known);
            match name.len() {
                2 if is(b"id") => {
                    set(&mut seen.id, place);
                    seen.event_field_count += 1;
                }
                8 if is(b"workload") => seen.workload = text_value(place.value()),
                8 if is(b"activity") => seen.event_field_count += 1,
                9 if is(b"auditdata") => seen.audit_data = Some(place.value()),
                9 if is(b"operation") => seen.event_field_count += 1,
                10 if is(b"recordtype") => set(&mut seen.record_type, place),
                12 if is(b"creationtime") => {
                    set(&mut seen.creation_time, place);
                    seen.event_field_count += 1;
                }
                _ => {}
            }
        }
        seen
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

/// Whether an object has members, and nothing in them but empty lists.
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

/// What an event is about: by RecordType, and by Workload only where the type is absent or
/// unknown, since Workload alone is not to be trusted.
pub fn workload_group(event: &Event<'_>) -> WorkloadGroup {
    match (known_record_type(event), event.workload) {
        (Some(known), _) => known.workload_group,
        (None, None) => WorkloadGroup::PowerBi,
        (None, Some(workload)) => workload_group_by_name(workload),
    }
}

/// The workload of an event and its kind of record, for counting: `Exchange: ExchangeItem`.
pub fn workload_label(event: &Event<'_>) -> String {
    let kind = match (known_record_type(event), event.record_type.and_then(record_type)) {
        (Some(known), _) => known.name.to_owned(),
        (None, Some(number)) => format!("RecordType {number}"),
        (None, None) => "no RecordType".to_owned(),
    };
    // It is for people to read, and comes from wherever an archive comes from.
    const CHARS_MAX: usize = 40;
    let workload: String =
        event.workload.unwrap_or("no Workload").chars().take(CHARS_MAX).collect();
    format!("{workload}: {kind}")
}

fn known_record_type(event: &Event<'_>) -> Option<&'static schema::RecordType> {
    let number = event.record_type.and_then(record_type)?;
    schema::record_types().iter().find(|known| known.value == number)
}

/// The number of a RecordType in any of its forms.
pub fn record_type(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number),
        Value::Text(text) => {
            text.trim().parse().ok().or_else(|| schema::record_type_by_name(text.trim()))
        }
        _ => None,
    }
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
    known.map_or(WorkloadGroup::Other, |(_, family)| *family)
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use crate::record::record_kind::*;

    fn told(text: &str) -> (WorkloadGroup, String) {
        let found = |record: &Record<'_>| match record.kind() {
            RecordKind::Event(event) => (workload_group(&event), workload_label(&event)),
            _ => panic!("an event"),
        };
        Parser::default().parse(text.as_bytes(), found).unwrap()
    }

    fn nothing(text: &str) -> &'static str {
        let found = |record: &Record<'_>| match record.kind() {
            RecordKind::NotAnEvent(reason) => reason,
            _ => panic!("no event"),
        };
        Parser::default().parse(text.as_bytes(), found).unwrap()
    }

    #[test]
    fn the_record_type_decides_in_every_form_and_workload_only_without_it() {
        for text in [
            r#"{"Id":"1","RecordType":20}"#,
            r#"{"Id":"1","RecordType":"20","Workload":"Exchange"}"#,
            r#"{"Id":"1","recordType":"powerBIAudit"}"#,
            r#"{"Id":"1","RecordType":"PowerBI"}"#,
            r#"{"Id":"1","Workload":"PowerBI"}"#,
            r#"{"Id":"1"}"#,
            r#"{"Id":"1","RecordType":9999,"Workload":"PowerBI"}"#,
        ] {
            assert_eq!(told(text).0, WorkloadGroup::PowerBi, "{text}");
        }
        assert_eq!(told(r#"{"Id":"1","RecordType":357}"#).0, WorkloadGroup::Fabric);
        let app = r#"{"Id":"1","RecordType":45,"Workload":"PowerApps"}"#;
        assert_eq!(told(app).0, WorkloadGroup::PowerPlatform);
        for (text, name) in [
            (r#"{"Id":"1","RecordType":2,"Workload":"PowerBI"}"#, "PowerBI: ExchangeItem"),
            (r#"{"Id":"1","RecordType":2}"#, "no Workload: ExchangeItem"),
            (r#"{"Id":"1","Workload":"SharePoint"}"#, "SharePoint: no RecordType"),
            (r#"{"Id":"1","RecordType":"9999","Workload":"Viva"}"#, "Viva: RecordType 9999"),
        ] {
            assert_eq!(told(text), (WorkloadGroup::Other, name.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_event_is_told_apart() {
        assert!(nothing(r#"{"error":{"code":"TooManyRequests"}}"#).contains("error message"));
        let denied = r#"{"Message":"Authorization has been denied for this request."}"#;
        assert!(nothing(denied).contains("error message"));
        assert!(nothing(r#"{"Id":[],"RecordType":[]}"#).contains("empty list"));
        assert!(nothing(r#"{"contentUri":"https://x","contentId":"y"}"#).contains("content list"));
        assert!(nothing(r#"{"AuditData":""}"#).contains("AuditData is empty"));
        assert!(nothing("[]").contains("JSON object"));
    }
}
