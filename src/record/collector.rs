//! Finds the record inside a record of a collector.
//!
//! Collectors of logs put a record into a member of their own record, as an object or as JSON text.
//! The members are listed in one table. An object with the time of an event is an event itself, and
//! is never searched.

use super::parser::{Object, Value};

/// Paths of members that contain a record, the original before what a collector parsed from it.
const PAYLOADS: [&[&str]; 18] = [
    // A hit of an Elastic search.
    &["_source"],
    // The Elastic Common Schema: the original text, then the object of Filebeat's module o365.
    &["event", "original"],
    &["event.original"],
    &["o365audit"],
    &["o365", "audit"],
    // Wazuh, inside `data` in an alert.
    &["office365"],
    // Microsoft Defender and Sentinel.
    &["RawEventData"],
    // Splunk, inside `result` in an export.
    &["_raw"],
    &["result"],
    // Diagnostic settings of Azure.
    &["properties"],
    &["data"],
    &["event"],
    // Log shippers and containers.
    &["message"],
    &["log"],
    &["body"],
    &["text"],
    &["payload"],
    &["record"],
];

/// Names of CSV columns that contain a record as JSON text, in the order of preference.
pub(super) const PAYLOAD_COLUMNS: [&str; 8] = [
    "AuditData",
    "RawEventData",
    "_raw",
    "event.original",
    "_source.event.original",
    "o365audit",
    "office365",
    "properties",
];

/// Returns the values that can be the record inside an object: objects, and texts that can be JSON.
pub(super) fn payloads(object: Object<'_>) -> impl Iterator<Item = Value<'_>> {
    PAYLOADS.iter().filter_map(move |path| member_at(object, path)).filter(|value| match value {
        Value::Object(_) => true,
        Value::Text(text) => is_json_object(text),
        _ => false,
    })
}

fn member_at<'a>(object: Object<'a>, path: &[&str]) -> Option<Value<'a>> {
    let (first, rest) = path.split_first()?;
    match (object.member(first)?, rest) {
        (value, []) => Some(value),
        (Value::Object(inner), rest) => member_at(inner, rest),
        _ => None,
    }
}

/// Returns true if a text can be a JSON object, possibly as the content of a JSON string.
fn is_json_object(text: &str) -> bool {
    let text = text.trim_ascii();
    text.starts_with('{') && text.ends_with('}')
}

#[cfg(test)]
mod tests {
    use crate::record::{Parser, RecordKind};

    fn found(text: &str) -> String {
        let kind = |record: &crate::record::Record<'_>| match record.kind() {
            RecordKind::Event(event) => format!("event {:?}", event.object.len()),
            RecordKind::GraphEnvelope(event, _) => format!("graph {:?}", event.object.len()),
            RecordKind::AuditDataJson(text, _) => format!("AuditData {text}"),
            RecordKind::EmbeddedJson(text) => format!("text {text}"),
            RecordKind::Renamed(text) => format!("renamed {text}"),
            RecordKind::NotAnEvent(reason) => reason.to_owned(),
        };
        Parser::default().parse(text.as_bytes(), kind).unwrap()
    }

    #[test]
    fn record_is_found_in_the_record_of_every_collector() {
        let event = r#"{"CreationTime":"x","Id":"1"}"#;
        let text = serde_json::to_string(event).unwrap();
        for (record, expected) in [
            (format!(r#"{{"_id":"a","_source":{event}}}"#), "event 2"),
            (format!(r#"{{"_source":{{"event":{{"original":{text}}},"x":1}}}}"#), "text {"),
            (format!(r#"{{"event":{{"kind":"event"}},"o365audit":{event}}}"#), "event 2"),
            (format!(r#"{{"id":"1.2","data":{{"office365":{event}}}}}"#), "event 2"),
            (format!(r#"{{"Timestamp":"y","RawEventData":{event}}}"#), "event 2"),
            (format!(r#"{{"Timestamp":"y","RawEventData":{text}}}"#), "text {"),
            (format!(r#"{{"preview":false,"result":{{"_raw":{text}}}}}"#), "text {"),
            (format!(r#"{{"operationName":"z","properties":{event}}}"#), "event 2"),
            (format!(r#"{{"_source":{{"AuditData":{text}}}}}"#), "AuditData {"),
            (format!(r#"{{"_source":{{"auditData":{event}}}}}"#), "graph 2"),
        ] {
            assert!(found(&record).starts_with(expected), "{record}: {}", found(&record));
        }
    }

    #[test]
    fn event_with_a_member_of_collectors_is_an_event() {
        let event = r#"{"CreationTime":"x","Id":"1"}"#;
        for name in ["_source", "data", "properties", "message"] {
            let text = serde_json::to_string(event).unwrap();
            for value in [event, &text] {
                let outer = format!(r#"{{"{name}":{value},"CreationTime":"y","Id":"2","a":1}}"#);
                assert_eq!(found(&outer), "event 4");
            }
        }
        // Without a time, an object is read as an event only if no record is inside.
        assert_eq!(found(r#"{"Id":"1","data":{"Id":"2"}}"#), "event 2");
        let deep = format!("{}{event}{}", r#"{"data":"#.repeat(5), "}".repeat(5));
        assert!(found(&deep).starts_with("not a Power BI event"));
    }
}
