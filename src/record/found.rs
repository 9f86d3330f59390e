//! What a record is: an event, an event in a wrapping, or something else that has a name.

use super::{Object, Record, Value};
use crate::schema;

/// What was found in a record.
pub enum Found<'a> {
    /// An event.
    Event(Event<'a>),
    /// An event inside the `auditData` object of a record of the Graph audit-log query.
    Wrapped(Event<'a>, Object<'a>),
    /// An event as JSON text in `AuditData`, as Search-UnifiedAuditLog gives it.
    Embedded(&'a str, Object<'a>),
    /// No event, and why.
    Nothing(&'static str),
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
    pub fn found(&'a self) -> Found<'a> {
        let Value::Object(object) = self.root() else {
            return Found::Nothing("a JSON object with the members of an event was expected");
        };
        let seen = Seen::of(object);
        match seen.audit_data {
            Some(Value::Object(inner)) => Found::Wrapped(Seen::of(inner).event(inner), object),
            Some(Value::Text(text)) if !text.trim().is_empty() => Found::Embedded(text, object),
            Some(_) => Found::Nothing("AuditData is empty: the export lost this event"),
            None if seen.all_empty_lists => Found::Nothing(
                "every value is an empty list: a PowerShell script lost the events when it wrote \
                 this file; pull the day again",
            ),
            None if seen.marks > 0 => Found::Event(seen.event(object)),
            None if ["error", "message"].iter().any(|name| object.member(name).is_some()) => {
                Found::Nothing("an error message was saved instead of events; pull the day again")
            }
            None if object.member("contentUri").is_some() => Found::Nothing(
                "an entry of the Management API's content list, which names where events can be \
                 fetched and holds none",
            ),
            None => Found::Nothing(
                "no member that every event has (Id, CreationTime, Operation or Activity)",
            ),
        }
    }
}

/// What one pass over the names of an object sees.
struct Seen<'a> {
    id: Option<Value<'a>>,
    creation_time: Option<Value<'a>>,
    record_type: Option<Value<'a>>,
    workload: Option<&'a str>,
    audit_data: Option<Value<'a>>,
    /// How many of the names that mark an event are there.
    marks: usize,
    all_empty_lists: bool,
}

impl<'a> Seen<'a> {
    /// The names are told apart by their length first: this runs once for every member of every
    /// event, and must cost next to nothing.
    fn of(object: Object<'a>) -> Self {
        let mut seen = Seen {
            id: None,
            creation_time: None,
            record_type: None,
            workload: None,
            audit_data: None,
            marks: 0,
            all_empty_lists: !object.is_empty(),
        };
        for (name, value) in object.members() {
            if !matches!(value, Value::List(list) if list.is_empty()) {
                seen.all_empty_lists = false;
            }
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            match name.len() {
                2 if is("id") => {
                    seen.id = Some(value);
                    seen.marks += 1;
                }
                8 if is("workload") => seen.workload = text(value),
                8 if is("activity") => seen.marks += 1,
                9 if is("auditdata") => seen.audit_data = Some(value),
                9 if is("operation") => seen.marks += 1,
                10 if is("recordtype") => seen.record_type = Some(value),
                12 if is("creationtime") => {
                    seen.creation_time = Some(value);
                    seen.marks += 1;
                }
                _ => {}
            }
        }
        seen
    }

    fn event(self, object: Object<'a>) -> Event<'a> {
        Event {
            object,
            id: self.id,
            creation_time: self.creation_time,
            record_type: self.record_type,
            workload: self.workload,
        }
    }
}

fn text(value: Value<'_>) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether an event is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Power BI, Fabric or Power Platform.
    Yes,
    /// Another workload; the name is for counting.
    Other(String),
}

/// Decides by RecordType, and by Workload only where the type is absent or unknown: Workload alone
/// is not to be trusted.
pub fn keep(event: &Event<'_>) -> Keep {
    let number = event.record_type.and_then(record_type);
    let known =
        number.and_then(|number| schema::record_types().iter().find(|known| known.value == number));
    match (known, event.workload) {
        (Some(known), _) if known.kept => Keep::Yes,
        (Some(known), _) => Keep::Other(known.name.to_owned()),
        (None, Some(workload)) if !is_ours(workload) => Keep::Other(workload.to_owned()),
        (None, _) => Keep::Yes,
    }
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

fn is_ours(workload: &str) -> bool {
    const OURS: [&str; 9] = [
        "PowerBI",
        "Fabric",
        "MicrosoftFlow",
        "PowerApps",
        "PowerPlatform",
        "PowerPages",
        "MicrosoftPowerPlatform",
        "PowerAutomate",
        "DataFabric",
    ];
    workload.is_empty() || OURS.iter().any(|ours| ours.eq_ignore_ascii_case(workload))
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::*;

    fn kept(text: &str) -> Keep {
        let found = |record: &Record<'_>| match record.found() {
            Found::Event(event) => keep(&event),
            _ => panic!("an event"),
        };
        Parser::default().parse(text.as_bytes(), found).unwrap()
    }

    fn nothing(text: &str) -> &'static str {
        let found = |record: &Record<'_>| match record.found() {
            Found::Nothing(reason) => reason,
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
            r#"{"Id":"1","RecordType":357}"#,
            r#"{"Id":"1","RecordType":45,"Workload":"PowerApps"}"#,
            r#"{"Id":"1","Workload":"PowerBI"}"#,
            r#"{"Id":"1"}"#,
            r#"{"Id":"1","RecordType":9999,"Workload":"PowerBI"}"#,
        ] {
            assert_eq!(kept(text), Keep::Yes, "{text}");
        }
        assert_eq!(
            kept(r#"{"Id":"1","RecordType":2,"Workload":"PowerBI"}"#),
            Keep::Other("ExchangeItem".into())
        );
        assert_eq!(kept(r#"{"Id":"1","Workload":"SharePoint"}"#), Keep::Other("SharePoint".into()));
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
