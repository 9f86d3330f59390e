//! Compares records that are read by their shape with the same records on the tape.

use super::*;
use crate::column::{EventBatch, Projection};
use crate::record::Parser;
use crate::record::csv::EnvelopeFields;
use crate::record::{RecordKind, workload_group};

const EVENT: &str = concat!(
    r#"{"Id":"5B6F3C0E-6C2A-4A4B-9C7E-0A1B2C3D4E5F","RecordType":20,"#,
    r#""CreationTime":"2024-03-01T08:15:30","Operation":"ViewReport","UserType":0,"#,
    r#""UserId":"Ann@contoso.com","ClientIP":"10.1.2.3:443","Workload":"PowerBI","#,
    r#""WorkSpaceName":"Qualité","ReportName":"a \"b\" \u00e9\\","IsSuccess":true,"AppId":null,"#,
    r#""Datasets":[{"DatasetId":"d1","DatasetName":"x"},{"DatasetName":"y, }]"}],"#,
    r#""New":{"a":[1,-2.50,1e400,{}],"b":"c"},"Score":-0.5,"Count":12345678901234567890}"#
);

/// Members that are unusual, or not valid.
const ODD_MEMBERS: &[&str] = &[
    r#""Id":"other""#,
    r#""id":"other""#,
    r#""CREATIONTIME":"2024-03-02""#,
    r#""id":null"#,
    r#""recordtype":"20""#,
    r#""AuditData":"""#,
    r#""auditdata":{}"#,
    r#""":1"#,
    r#""New":1"#,
    r#""new":1"#,
    r#""WorkspaceName":"b""#,
    r#""workspacename":null"#,
    r#""a\u0062":1"#,
    r#""Zahl":01"#,
    r#""Zahl":-0"#,
    r#""Zahl":-"#,
    r#""Zahl":1."#,
    r#""Zahl":.5"#,
    r#""Zahl":1e5"#,
    r#""Zahl":123456789012345678"#,
    r#""Zahl":1x"#,
    r#""Zahl":9223372036854775807"#,
    r#""Zahl":-9223372036854775808"#,
    r#""Zahl":NaN"#,
    r#""Zahl":-Infinity"#,
    r#""Zahl":[NaN]"#,
    r#""Zahl":tru"#,
    r#""Zahl":truer"#,
    r#""Zahl":nullnull"#,
    r#""Zahl":"\ud800""#,
    r#""Zahl":"\x""#,
    "\"Zahl\":\"a\tb\"",
    r#""Zahl":[1}"#,
    r#""Zahl":{]"#,
    r#""Zahl":[1],2"#,
    r#""Zahl":["]"#,
    r#""Zahl" : [ ] "#,
    r#""Zahl":"1" "2""#,
    r#""Zahl":1 2"#,
    r#""Zahl""#,
    r#""UserType":"Admin""#,
    r#""IsSuccess2":"true""#,
    r#""CreationDate":"2024""#,
    "\"Tab\t\":1",
    "\"\u{e9}\":1",
    r#""ItemId":"ABC","ItemId":"ABC""#,
    r#""Größe":1,"größe":2"#,
];

/// Texts of the event, and others in their place.
const REPLACEMENTS: &[(&str, &str)] = &[
    ("20,", "2,"),
    ("20,", "\"20\","),
    ("20,", "45,"),
    ("20,", "99999,"),
    ("20,", "20.0,"),
    ("20,", "null,"),
    ("2024-03-01T08:15:30", "2024-03-01T08:15:30.1234567Z"),
    ("2024-03-01T08:15:30", "1999-03-01"),
    ("2024-03-01T08:15:30", "1709280930"),
    ("2024-03-01T08:15:30", "/Date(1709280930000)/"),
    ("2024-03-01T08:15:30", "soon"),
    ("5B6F3C0E-6C2A-4A4B-9C7E-0A1B2C3D4E5F", ""),
    ("\"Id\"", "\"ID\""),
    ("\"Id\"", "\"Ix\""),
    ("\"CreationTime\"", "\"creationtime\""),
    ("\"RecordType\"", "\"recordType\""),
    ("\"5B6F3C0E-6C2A-4A4B-9C7E-0A1B2C3D4E5F\"", "7"),
    ("true", "\"TRUE\""),
    ("true", "1"),
];

/// The result for a record: the group and the time of an event that was added, or the reason why
/// none was.
type Added = Result<(WorkloadGroup, i64), String>;

/// Two batches of the same records.
struct BothWays {
    by_shape: BatchBuilder,
    by_tape: BatchBuilder,
    parser: Parser,
    /// The number of records that were read by their shape.
    read_by_shape: usize,
    sequence: u64,
}

impl BothWays {
    fn new(projection: &Projection) -> Self {
        BothWays {
            by_shape: BatchBuilder::new(projection).unwrap(),
            by_tape: BatchBuilder::new(projection).unwrap(),
            parser: Parser::default(),
            read_by_shape: 0,
            sequence: 0,
        }
    }

    /// Adds the record in a range of a text both ways.
    fn add(&mut self, text: &[u8], start: usize, end: usize) -> Added {
        self.sequence += 1;
        let lineage = Lineage { file: "f", kind: "k", sequence: self.sequence };
        let raw = &text[start..end];
        let expected = add_by_tape(&mut self.by_tape, &mut self.parser, raw, &lineage);
        let found = match self.by_shape.append_by_shape(text, (start, end), &lineage) {
            Some(event) => {
                self.read_by_shape += 1;
                Ok(event)
            }
            None => add_by_tape(&mut self.by_shape, &mut self.parser, raw, &lineage),
        };
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(raw));
        found
    }

    /// Adds a record alone, then inside of other text, then one that is read by its shape: after
    /// too many failures in a row, records are not tried.
    fn add_all(&mut self, record: &[u8]) -> Added {
        let added = self.add(record, 0, record.len());
        let inside = [b"[", record, b",\n", EVENT.as_bytes(), b"]"].concat();
        assert_eq!(self.add(&inside, 1, 1 + record.len()), added);
        let before = self.read_by_shape;
        self.add(&inside, record.len() + 3, inside.len() - 1).unwrap();
        assert_eq!(self.read_by_shape, before + 1);
        added
    }

    /// Compares the batches.
    fn finish(&mut self) {
        let (by_shape, by_tape) = (self.by_shape.finish().unwrap(), self.by_tape.finish().unwrap());
        assert_eq!(by_shape.keys, by_tape.keys);
        assert_same_columns(&by_shape, &by_tape);
    }
}

fn assert_same_columns(one: &EventBatch, other: &EventBatch) {
    assert_eq!(one.columns.len(), other.columns.len());
    for (number, (one, other)) in one.columns.iter().zip(&other.columns).enumerate() {
        assert!(one == other, "column {number} differs:\n{one:?}\n{other:?}");
    }
}

fn add_by_tape(
    batch: &mut BatchBuilder,
    parser: &mut Parser,
    raw: &[u8],
    lineage: &Lineage<'_>,
) -> Added {
    let parsed = parser.parse(raw, |record| match record.kind() {
        RecordKind::Event(event) => {
            let group = workload_group(&event);
            let added = batch.append(&event, group, &EnvelopeFields::default(), lineage);
            added.map(|key| (group, key.time_us)).map_err(|rejected| rejected.0)
        }
        RecordKind::NotAnEvent(reason) => Err(reason.to_owned()),
        _ => Err("another kind".to_owned()),
    });
    parsed.map_err(|error| format!("{} at {}", error.reason, error.position)).and_then(|v| v)
}

/// Returns an event as it is written compact, with spaces, and on many lines.
fn spellings(event: &str) -> [String; 3] {
    let (mut spaced, mut pretty) = (String::new(), String::new());
    let (mut in_string, mut is_escaped) = (false, false);
    for character in event.chars() {
        let (before, after) = match character {
            _ if in_string => ("", ""),
            '}' | ']' => ("\n", ""),
            '{' | '[' => ("", "\n\t"),
            ',' => ("", "\r\n  "),
            _ => ("", ""),
        };
        for (text, wanted) in [(&mut spaced, false), (&mut pretty, true)] {
            text.push_str(if wanted { before } else { "" });
            text.push(character);
            text.push_str(if wanted { after } else { "" });
        }
        if !in_string && matches!(character, ',' | ':') {
            spaced.push(' ');
        }
        in_string ^= character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
    }
    [event.to_owned(), spaced, pretty]
}

#[test]
fn event_is_read_by_its_shape_in_any_spelling() {
    let mut both = BothWays::new(&Projection::All);
    for (number, event) in spellings(EVENT).iter().enumerate() {
        both.add(event.as_bytes(), 0, event.len()).unwrap();
        assert_eq!(both.read_by_shape, number + 1, "{event}");
    }
    both.finish();
}

#[test]
fn unusual_records_have_the_result_of_the_tape() {
    let mut both = BothWays::new(&Projection::All);
    both.add_all(EVENT.as_bytes()).unwrap();
    let with = |member: &str| EVENT.replacen('{', &format!("{{{member},"), 1);
    let nested =
        |depth: usize| with(&format!("\"Deep\":{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(both.add_all(nested(99).as_bytes()).is_ok());
    assert!(both.add_all(nested(100).as_bytes()).is_err());
    let closed_by = |end: &str| format!("{}{end}", &EVENT[..EVENT.len() - 1]);
    for end in ["\x0c}", "\x0b}", ",}", "}}", "]", "", "} ", " \t\r\n}", ",\"a\"}", ",\"a\":}"] {
        let _ = both.add_all(closed_by(end).as_bytes());
    }
    for member in ODD_MEMBERS {
        let _ = both.add_all(with(member).as_bytes());
        let end = format!(",{member}}}");
        let _ = both.add_all(closed_by(&end).as_bytes());
    }
    for (old, new) in REPLACEMENTS {
        let _ = both.add_all(EVENT.replacen(old, new, 1).as_bytes());
    }
    for text in ["", "{", "{}", "[]", "\"a\"", "{ }", "null", "{\"a\":1}", "{,\"Id\":\"a\"}"] {
        let _ = both.add_all(text.as_bytes());
    }
    both.finish();
}

#[test]
fn truncated_and_mutated_records_have_the_result_of_the_tape() {
    const BYTES: &[u8] = b"\"\\,:{}[]0-.etn \n\x00\x0c\x1f\x7f\x80\xc3\xffx";
    let mut both = BothWays::new(&Projection::All);
    for event in spellings(EVENT) {
        let event = event.as_bytes();
        both.add(EVENT.as_bytes(), 0, EVENT.len()).unwrap();
        for at in 0..event.len() {
            let (before, after) = event.split_at(at);
            let _ = both.add_all(before);
            let _ = both.add_all(&[before, &after[1..]].concat());
            // Two of the bytes at each position, so that the test stays short.
            for number in 0..2 {
                let byte = &BYTES[(at * 5 + number * 11) % BYTES.len()..][..1];
                let _ = both.add_all(&[before, byte, &after[1..]].concat());
                let _ = both.add_all(&[before, byte, after].concat());
            }
        }
        both.finish();
    }
}

#[test]
fn columns_that_are_not_built_change_no_result() {
    let names = ["Id", "CreationTime", "ReportName", "WorkloadGroup"].map(str::to_owned);
    let mut both = BothWays::new(&Projection::Only(names.into_iter().collect()));
    both.add_all(EVENT.as_bytes()).unwrap();
    for at in 0..EVENT.len() {
        let (before, after) = EVENT.as_bytes().split_at(at);
        let _ = both.add_all(&[before, &after[1..]].concat());
        let _ = both.add_all(&[before, b"\"", after].concat());
    }
    both.finish();
}

/// A file can have any number of names and shapes.
#[test]
fn shapes_are_limited_and_other_records_are_parsed() {
    let mut both = BothWays::new(&Projection::All);
    for number in 0..3 * 4096 {
        let member = format!("{{\"n{}\":{number},", number % 6000);
        let event = EVENT.replacen('{', &member, 1);
        both.add(event.as_bytes(), 0, event.len()).unwrap();
        if number % 512 == 0 {
            both.finish();
        }
    }
    both.finish();
    assert!(both.read_by_shape > 4000);
}
