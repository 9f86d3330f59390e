//! Distinguishes envelopes from records.
//!
//! An envelope is an object around records: a page of an API, the output of a tool around such a
//! page, the result of a search. Envelopes are recognized by the members in the tables below. An
//! object that is itself an event is never an envelope, even if it has such a member.

use super::embedded_json::is_embedded_json;
use super::structural_scan::{BracketScanner, ValueEnd};

/// The number of bytes of an object that are read to distinguish an envelope from a record.
pub(super) const MAX_SNIFF_BYTES: usize = 1 << 20;

/// The most objects inside each other that are read to find the records of an envelope.
const MAX_SNIFF_DEPTH: usize = 4;

/// Members whose value contains records: a list, one record, another envelope, or JSON text.
///
/// They are those of the REST API, Microsoft Graph and PowerShell (`value`), the Fabric CLI
/// (`text`), Logic Apps and Power Automate (`body`, `outputs`), Splunk (`results`), Elastic
/// (`hits`), diagnostic settings (`records`), the Log Analytics API (`tables`, `rows`), and
/// scripts.
const RECORD_MEMBERS: [&str; 17] = [
    "activityEventEntities",
    "value",
    "text",
    "body",
    "data",
    "events",
    "results",
    "result",
    "records",
    "items",
    "hits",
    "tables",
    "rows",
    "output",
    "outputs",
    "response",
    "content",
];

/// Members of a page with records of an inventory. They do not make an object a page: the result of
/// a scan has a list of workspaces too, and is one record.
const INVENTORY_MEMBERS: [&str; 6] = [
    "itemEntities",
    "tenantSettings",
    "workspaces",
    "unusedArtifactEntities",
    "artifactAccessEntities",
    "accessDetails",
];

/// Members that no event has, so that they are enough to recognize an envelope.
const CERTAIN_MEMBERS: [&str; 6] = [
    "activityEventEntities",
    "continuationUri",
    "continuationToken",
    "@odata.context",
    "@odata.nextLink",
    "@odata.count",
];

/// First members of events, in Microsoft's spelling. Almost all events begin with one of them, so
/// they are read no further.
const FIRST_MEMBERS: [&[u8]; 12] = [
    b"Id",
    b"CreationTime",
    b"RecordType",
    b"Operation",
    b"Activity",
    b"OrganizationId",
    b"UserType",
    b"UserKey",
    b"Workload",
    b"UserId",
    b"AuditData",
    b"auditData",
];

/// Members of events. With `CreationTime` and one of the others, an object is an event.
pub(super) const TIME_MEMBER: &str = "CreationTime";
const EVENT_MEMBERS: [&str; 5] = ["Id", "Operation", "Activity", "RecordType", "UserId"];

/// The role of an envelope's member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberRole {
    /// Records.
    Records,
    /// The names of the columns of a table.
    Columns,
    /// The rows of a table, as lists of values.
    Rows,
    /// Anything else.
    Other,
}

/// The kind of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectKind {
    Event,
    Envelope,
    Unknown,
}

/// Returns true if an object, given as the text after its bracket, is an envelope; `None` if the
/// text is too short to decide. If it is also long enough, the answer is the likely one.
pub(super) fn is_envelope(text: &[u8], last: bool) -> Option<bool> {
    let start = &text[..text.len().min(MAX_SNIFF_BYTES)];
    let mut sniffer = EnvelopeSniffer { has_list: false };
    match sniffer.kind(start, 0) {
        Some(kind) => Some(kind == ObjectKind::Envelope),
        None => (last || text.len() >= MAX_SNIFF_BYTES).then_some(sniffer.has_list),
    }
}

/// Returns the role of an envelope's member, given its name and the text from its value on;
/// `None` if the text is too short to decide.
pub(super) fn member_role(name: &[u8], value: &[u8], last: bool) -> Option<MemberRole> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    match value.first() {
        None if !last => return None,
        None => return Some(MemberRole::Other),
        Some(b'[') if is("columns") => return Some(MemberRole::Columns),
        Some(b'[') if is("rows") || is("data") => {
            match first_item(value) {
                None if !last => return None,
                Some(b'[') => return Some(MemberRole::Rows),
                _ => {}
            };
        }
        Some(_) => {}
    }
    if value.first() == Some(&b'[') && INVENTORY_MEMBERS.iter().any(|known| is(known)) {
        return Some(MemberRole::Records);
    }
    let start = &value[..value.len().min(MAX_SNIFF_BYTES)];
    let mut sniffer = EnvelopeSniffer { has_list: false };
    let has_records = match sniffer.has_records(name, start, 0) {
        Some(has_records) => has_records,
        None if last || value.len() >= MAX_SNIFF_BYTES => sniffer.has_list || is("value"),
        None => return None,
    };
    Some(if has_records { MemberRole::Records } else { MemberRole::Other })
}

/// Reads the beginning of an object.
struct EnvelopeSniffer {
    /// True if a member that contains records was found, in this object or inside it.
    has_list: bool,
}

impl EnvelopeSniffer {
    /// Returns the kind of an object, given as the text after its bracket.
    fn kind(&mut self, text: &[u8], depth: usize) -> Option<ObjectKind> {
        let is = |name: &[u8], known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
        let (mut at, mut has_list, mut is_empty_list) = (0, false, false);
        let (mut has_time, mut has_other) = (false, false);
        loop {
            at = skip_blanks(text, at, b',')?;
            if text[at] != b'"' {
                let is_envelope = has_list || is_empty_list && text[at] == b'}';
                let kind = if is_envelope { ObjectKind::Envelope } else { ObjectKind::Unknown };
                return Some(kind);
            }
            let name = string_content(&text[at..])?;
            if !has_list && FIRST_MEMBERS.contains(&name) {
                return Some(ObjectKind::Event);
            }
            if CERTAIN_MEMBERS.iter().any(|known| is(name, known)) {
                return Some(ObjectKind::Envelope);
            }
            has_time |= is(name, &TIME_MEMBER);
            has_other |= EVENT_MEMBERS.iter().any(|known| is(name, known));
            if has_time && has_other {
                return Some(ObjectKind::Event);
            }
            at = skip_blanks(text, at + name.len() + 2, b':')?;
            if RECORD_MEMBERS.iter().any(|known| is(name, known)) {
                has_list |= self.has_records(name, &text[at..], depth)?;
                self.has_list |= has_list;
                // PowerShell writes an empty list as `{"value":null,"Count":0}`.
                is_empty_list |= is(name, &"value") && text[at..].starts_with(b"null");
            }
            at += value_len(&text[at..])?;
        }
    }

    /// Returns true if the value of a member can contain records.
    fn has_records(&mut self, name: &[u8], value: &[u8], depth: usize) -> Option<bool> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if !RECORD_MEMBERS.iter().any(|known| is(known)) {
            return Some(false);
        }
        match value.first()? {
            b'[' => Some(match first_item(value)? {
                b'{' | b'[' | b']' | b'n' => true,
                b'"' => {
                    let at = skip_blanks(value, 1, b'[')?;
                    is_embedded_json(&value[at..])?
                }
                _ => false,
            }),
            // PowerShell writes a list of one item as the item alone.
            b'{' if is("value") => Some(true),
            b'{' if depth >= MAX_SNIFF_DEPTH => Some(false),
            b'{' => Some(self.kind(&value[1..], depth + 1)? != ObjectKind::Unknown),
            b'"' => is_embedded_json(value),
            _ => Some(false),
        }
    }
}

/// Returns the first character of the first item of a list.
fn first_item(list: &[u8]) -> Option<u8> {
    skip_blanks(list, 1, b' ').map(|at| list[at])
}

/// Returns the position of the next character that is not a blank and not `also`.
fn skip_blanks(text: &[u8], at: usize, also: u8) -> Option<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == also;
    Some(at + text.get(at..)?.iter().position(|byte| !blank(byte))?)
}

/// Returns the length of a value at the start of the text.
fn value_len(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'{' | b'[' => match BracketScanner::starting_at(0).find_end(text, false) {
            ValueEnd::At(end) => Some(end),
            ValueEnd::Broken(_) | ValueEnd::NeedMore => None,
        },
        b'"' => string_content(text).map(|inside| inside.len() + 2),
        _ => {
            let ends = |&byte: &u8| byte.is_ascii_whitespace() || b",[]{}\"".contains(&byte);
            text.iter().skip(1).position(ends).map(|len| len + 1)
        }
    }
}

/// Returns the text between the quotes of a string at the start of the text, escapes unchanged.
pub(super) fn string_content(text: &[u8]) -> Option<&[u8]> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(&text[1..at]);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use crate::source::envelopes::*;

    fn is(text: &str) -> bool {
        let text = &text.as_bytes()[1..];
        let whole = is_envelope(text, true).unwrap();
        for len in 0..text.len() {
            let early = is_envelope(&text[..len], false);
            assert!(early.is_none_or(|early| early == whole), "{text:?} after {len} bytes");
        }
        whole
    }

    #[test]
    fn wrappers_of_all_tools_are_envelopes() {
        let page = r#"{"activityEventEntities":[{"Id":"1"}],"continuationUri":null}"#;
        let text = serde_json::to_string(page).unwrap();
        for text in [
            page.to_owned(),
            format!(r#"{{"status_code":200,"text":{page}}}"#),
            format!(r#"{{"status_code":200,"text":{text}}}"#),
            format!(r#"{{"statusCode":200,"headers":{{"a":[{{"Id":1}}]}},"body":{page}}}"#),
            format!(r#"{{"inputs":{{}},"outputs":{{"statusCode":200,"body":{text}}}}}"#),
            r#"{"took":3,"hits":{"total":{"value":1},"hits":[{"_source":{}}]}}"#.to_owned(),
            r#"{"preview":false,"messages":[],"results":[{"_raw":"x"}]}"#.to_owned(),
            r#"{"tables":[{"name":"t","columns":[],"rows":[[1]]}]}"#.to_owned(),
            r#"{"name":"t","columns":[{"name":"a"}],"rows":[[1]]}"#.to_owned(),
            r#"{"date":"2026-03-01","events":[{"Id":"1","CreationTime":"x"}]}"#.to_owned(),
            r#"{"data":{"Id":"1","CreationTime":"x"}}"#.to_owned(),
            r#"{"value":null,"Count":0}"#.to_owned(),
            r#"{"Count":1,"value":{"a":1}}"#.to_owned(),
        ] {
            assert!(is(&text), "{text}");
        }
    }

    /// Such an event was taken for an envelope, and rejected.
    #[test]
    fn event_with_a_member_of_envelopes_is_an_event() {
        let list = r#"[{"Id":"1","CreationTime":"x"}]"#;
        let text = serde_json::to_string(list).unwrap();
        for name in ["value", "data", "events", "results", "records", "body", "text"] {
            for value in [list, &text, "{\"Id\":\"1\"}", "null", "[]", "7"] {
                for rest in
                    [r#""CreationTime":"x","Id":"y""#, r#""a":1,"Operation":"x","creationtime":1"#]
                {
                    let event = format!("{{\"{name}\":{value},{rest}}}");
                    assert!(!is(&event), "{event}");
                }
            }
        }
        for text in [
            r#"{"data":{"office365":{"Id":"1"}}}"#,
            r#"{"text":"hello","data":[1,2],"body":{}}"#,
            r#"{"id":"1","createdDateTime":"x","auditData":{"value":[{}]}}"#,
            r#"{"lastResultSet":true,"Id":"1"}"#,
            "{}",
        ] {
            assert!(!is(text), "{text}");
        }
    }
}
