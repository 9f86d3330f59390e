//! Recognizes JSON that contains no events, for example other files of a collector.

use std::ops::Range;

use super::parser::{Parser, Value};
use super::record_kind::RecordKind;
use crate::schema;

/// The number of bytes in which a sign of an event is searched for. An event has about a thousand.
const SEARCHED_BYTES: usize = 64 << 10;

/// The most members that a description lists.
const MAX_LISTED_MEMBERS: usize = 5;

/// Names of members that events have, and that other objects of Power BI do not have.
const SIGNS: [&str; 10] = [
    "CreationTime",
    "Creation Time",
    "Creation_Time",
    "Operation",
    "AuditData",
    "Workload",
    "RecordType",
    "UserId",
    "UserKey",
    "activityEventEntities",
];

/// Describes the records of a JSON text, given the range of the first one, if the text has no sign
/// of an event, and the first record has members that no event has and is not the answer of a
/// service that failed. Otherwise `None`.
pub fn describe_json(text: &[u8], first: Range<usize>) -> Option<String> {
    // Records after a document can be events.
    let is_alone = text[first.end..].trim_ascii().is_empty();
    if is_alone && let Some(what) = describe_document(&text[first.clone()]) {
        return Some(format!("not a log of Power BI events: {what}"));
    }
    // An object that is longer can be an event whose signs are at its end.
    if first.len() > SEARCHED_BYTES
        || has_sign(&text[..text.len().min(SEARCHED_BYTES)])
        || has_sign(&text[first.start..first.end.min(first.start + SEARCHED_BYTES)])
    {
        return None;
    }
    let members =
        Parser::default().parse(&text[first], |record| match (record.kind(), record.root()) {
            (RecordKind::NotAnEvent(reason), _) if !reason.starts_with("not a Power BI event") => {
                None
            }
            (RecordKind::EmbeddedJson(_) | RecordKind::Renamed(_), _) => None,
            (_, Value::Object(object)) if object.members().any(|(name, _)| !is_field(name)) => {
                let names = object.members().take(MAX_LISTED_MEMBERS).map(|(name, _)| name);
                Some(names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "))
            }
            _ => None,
        });
    let members = members.ok().flatten()?;
    Some(format!("not a log of Power BI events: JSON objects with the members {members}"))
}

/// Describes a document that can have events as examples: an OpenAPI description, a Postman
/// collection, or any object that names its JSON schema. `None` for any other object.
fn describe_document(object: &[u8]) -> Option<&'static str> {
    const MARKS: [&[u8]; 4] = [b"\"swagger\"", b"\"openapi\"", b"\"$schema\"", b"getpostman.com"];
    let start = &object[..object.len().min(SEARCHED_BYTES)];
    if !MARKS.iter().any(|mark| memchr::memmem::find(start, mark).is_some()) {
        return None;
    }
    let described = Parser::default().parse(object, |record| {
        let Value::Object(object) = record.root() else { return None };
        let has_text = |name| matches!(object.member(name), Some(Value::Text(_)));
        let has_object = |name| matches!(object.member(name), Some(Value::Object(_)));
        if has_object("paths") && (has_text("swagger") || has_text("openapi")) {
            return Some("an OpenAPI description of an API");
        }
        if let Some(Value::Object(info)) = object.member("info")
            && let Some(Value::Text(schema)) = info.member("schema")
            && schema.contains("getpostman.com")
        {
            return Some("a Postman collection");
        }
        (has_text("$schema") && !matches!(record.kind(), RecordKind::Event(_)))
            .then_some("a JSON document with a schema")
    });
    described.ok().flatten()
}

/// Returns true if events have a field with a name. An object with no other members can be a part
/// of an event.
fn is_field(name: &str) -> bool {
    schema::column_index(name).is_some()
}

/// Returns true if a text has the name of a member of [`SIGNS`], with quotes written in any way.
fn has_sign(text: &[u8]) -> bool {
    memchr::memchr_iter(b':', text).any(|colon| {
        let is_around = |byte: &&u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\\');
        let around = text[..colon].iter().rev().take_while(is_around).count();
        let name = &text[..colon - around];
        around > 0 && SIGNS.iter().any(|sign| ends_with_name(name, sign.as_bytes()))
    })
}

/// Returns true if a text ends with a name after a quote.
fn ends_with_name(text: &[u8], name: &[u8]) -> bool {
    let Some(start) = text.len().checked_sub(name.len() + 1) else { return false };
    text[start] == b'"' && text[start + 1..].eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::describe_json;

    fn described(text: &str) -> Option<String> {
        describe_json(text.as_bytes(), 0..text.len())
    }

    #[test]
    fn other_objects_of_power_bi_are_described() {
        for (text, members) in [
            (
                r#"{"workspaces":[{"id":"1","reports":[]}],"datasourceInstances":[]}"#,
                r#""workspaces", "datasourceInstances""#,
            ),
            (r#"{"id":"1","name":"2026-03-01T00:00:00Z"}"#, r#""id", "name""#),
            (r#"{"Activity":{"LastRun":"x"},"Catalog":{}}"#, r#""Activity", "Catalog""#),
        ] {
            assert!(described(text).unwrap().ends_with(members), "{text}");
        }
    }

    #[test]
    fn documents_with_events_as_examples_are_described() {
        let example = r#"{"activityEventEntities":[{"Id":"1","CreationTime":"x"}]}"#;
        let postman = "https://schema.getpostman.com/v2.1.0/x.json";
        for (text, what) in [
            (format!(r#"{{"swagger":"2.0","paths":{{"/a":{{"x":{example}}}}}}}"#), "an OpenAPI"),
            (format!(r#"{{"openapi":"3.0.1","paths":{{"/a":{{"x":{example}}}}}}}"#), "an OpenAPI"),
            (
                format!(r#"{{"info":{{"schema":"{postman}"}},"a":{example}}}"#),
                "a Postman collection",
            ),
            (format!(r#"{{"$schema":"x","examples":[{example}]}}"#), "a JSON document"),
        ] {
            assert!(described(&text).unwrap().contains(what), "{text}");
        }
        let document = r#"{"$schema":"x"}"#;
        let text = format!("{document}\n{example}");
        assert_eq!(describe_json(text.as_bytes(), 0..document.len()), None);
        for text in [
            format!(r#"{{"swagger":"2.0","x":{example}}}"#),
            r#"{"$schema":"x","Id":"1","CreationTime":"x","Operation":"y"}"#.to_owned(),
        ] {
            assert_eq!(described(&text), None, "{text}");
        }
    }

    #[test]
    fn text_with_a_sign_of_an_event_or_an_error_is_not_described() {
        for text in [
            r#"{"Id":"1","Operation":"ViewReport"}"#,
            r#"{"unknown":{"Wrapper":[{"creationtime" : "x"}]}}"#,
            r#"{"a":"{\"CreationTime\":\"x\"}"}"#,
            r#"{"error":{"code":"x"}}"#,
            r#"{"contentUri":"x"}"#,
            r#"{"Id":[]}"#,
            r#"{"Id":"1","ReportName":"x"}"#,
            "{}",
            "{broken",
        ] {
            assert_eq!(described(text), None, "{text}");
        }
    }
}
