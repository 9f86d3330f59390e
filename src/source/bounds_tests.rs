//! Tests that records are found in every envelope and in steps of any size, and what damage costs.

use super::*;

/// Returns everything found in a text that arrives in steps of `step` bytes.
fn found(text: &[u8], step: usize) -> Vec<String> {
    let mut scanner = RecordScanner::default();
    let mut steps = Vec::new();
    let mut ends: Vec<usize> = (0..text.len()).step_by(step).collect();
    ends.push(text.len());
    for end in ends {
        let last = end == text.len();
        loop {
            match scanner.step(&text[..end], last) {
                RecordStep::Record(a, b) => {
                    steps.push(String::from_utf8_lossy(&text[a..b]).into_owned());
                }
                RecordStep::Invalid(at, _, _) => steps.push(format!("bad {at}")),
                RecordStep::EmbeddedJson(a, b) => {
                    steps.push(format!("text {}", String::from_utf8_lossy(&text[a..b])));
                }
                RecordStep::Columns(a, b) | RecordStep::Row(a, b) => {
                    steps.push(format!("row {}", String::from_utf8_lossy(&text[a..b])));
                }
                RecordStep::Unclosed(at, _) => steps.push(format!("open {at}")),
                RecordStep::NeedMore => break,
            }
        }
    }
    match scanner.unclosed(text) {
        Some(RecordStep::Invalid(at, _, _)) => steps.push(format!("bad {at}")),
        Some(RecordStep::Unclosed(at, _)) => steps.push(format!("open {at}")),
        _ => {}
    }
    steps
}

fn check(text: &str, expected: &[&str]) {
    for step in [1, 2, 3, 7, 63, 64, 65, 1000] {
        assert_eq!(found(text.as_bytes(), step), expected, "{text} in steps of {step}");
    }
}

#[test]
fn records_are_found_in_every_envelope() {
    check(r#"[{"a":1}, {"b":[{"c":"}"}]}]"#, &[r#"{"a":1}"#, r#"{"b":[{"c":"}"}]}"#]);
    check(
        "{\"Id\":1}\n{\"Id\":2}\n\n[{\"Id\":3}]\n[]",
        &["{\"Id\":1}", "{\"Id\":2}", "{\"Id\":3}"],
    );
    check(
        r#"{"activityEventEntities":[{"Id":1},{"Id":2}],"continuationUri":null,"lastResultSet":1}"#,
        &[r#"{"Id":1}"#, r#"{"Id":2}"#],
    );
    check(
        concat!(
            r#"{"continuationToken":"a]}","activityEventEntities":[{"Id":1}]}"#,
            r#"{"activityEventEntities":[]}{"activityEventEntities":[{"Id":2}]}"#
        ),
        &[r#"{"Id":1}"#, r#"{"Id":2}"#],
    );
    check(r#"{"value":[{"Id":1}],"Count":1}"#, &[r#"{"Id":1}"#]);
    check(
        r#"{"@odata.context":{"x":[1,"]"]},"value":[{"id":1},{"id":2}],"@odata.nextLink":"y"}"#,
        &[r#"{"id":1}"#, r#"{"id":2}"#],
    );
    check(
        r#"[{"activityEventEntities":[{"Id":1}]},{"activityEventEntities":[{"Id":2}]}]"#,
        &[r#"{"Id":1}"#, r#"{"Id":2}"#],
    );
    check(r#"{"value":{"Id":1},"Count":1}"#, &[r#"{"Id":1}"#]);
    check(r#"{"value":{"value":[{"Id":1}],"Count":1},"Count":1}"#, &[r#"{"Id":1}"#]);
    check(
        r#"[{"Count":1,"value":[{"Id":1}]},{"value":[],"Count":0}]{"value":[{"Id":2}]}"#,
        &[r#"{"Id":1}"#, r#"{"Id":2}"#],
    );
    check(r#"{"status_code":200,"text":{"activityEventEntities":[{"Id":1}]}}"#, &[r#"{"Id":1}"#]);
    check(
        r#"{"headers":{"x":[{"Id":0}]},"body":"{\"value\":[]}","id":"run"}"#,
        &[r#"text "{\"value\":[]}""#],
    );
    check(
        r#"{"took":1,"hits":{"total":{"value":1},"hits":[{"_source":{"Id":1}}]}}"#,
        &[r#"{"_source":{"Id":1}}"#],
    );
    check(
        r#"{"tables":[{"name":"t","columns":["a"],"rows":[[1],["]"]]}]}[{"Id":1}]"#,
        &[r#"row ["a"]"#, "row [1]", r#"row ["]"]"#, r#"{"Id":1}"#],
    );
    check(r#"{"value":null,"Count":0}"#, &[]);
    check("null", &[]);
    check("[ ]", &[]);
    check("{}", &["{}"]);
}

#[test]
fn strings_can_contain_everything_except_line_breaks() {
    let record = r#"{"a":"\\","b":"\"}{][,","c":"}{\\\"}","d":"\\\\"}"#;
    check(&format!("[{record},{record}]"), &[record, record]);
    // A backslash as the last byte of a block of 64, and runs of backslashes across its end.
    for backslashes in 0..8 {
        for before in 50..66 {
            let record =
                format!("{{\"{}{}\":1}}", "x".repeat(before), "\\\\".repeat(backslashes) + "\\\"");
            check(&format!("{record} {record}"), &[&record, &record]);
        }
    }
}

#[test]
fn prefix_of_each_line_is_skipped() {
    let mut scanner = RecordScanner::with_line_prefix(true);
    let text = b"<13>Mar 2 app[12]: {\"Id\":1}\r\nno event\n 7 {x} {\"Id\":2}\n\x1a";
    let mut steps = Vec::new();
    loop {
        match scanner.step(text, true) {
            RecordStep::NeedMore => break,
            RecordStep::Record(a, b) => steps.push(String::from_utf8_lossy(&text[a..b])),
            RecordStep::Invalid(at, ..) => steps.push(format!("bad {at}").into()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(steps, ["{\"Id\":1}", "bad 29", "{\"Id\":2}"]);
}

#[test]
fn truncated_file_gives_complete_records_and_position_of_the_end() {
    check(r#"[{"a":1},{"b":"#, &[r#"{"a":1}"#, "bad 9"]);
    check(r#"[{"a":1},{"b":"x"#, &[r#"{"a":1}"#, "bad 9"]);
    check(r#"[{"a":1},"#, &[r#"{"a":1}"#, "open 9"]);
    check(r#"{"activityEventEntities":[{"a":1}"#, &[r#"{"a":1}"#, "open 33"]);
    check("[{\"a\":1},{", &["{\"a\":1}", "bad 9"]);
}

#[test]
fn reading_resumes_after_a_broken_record() {
    check(
        "[{\"a\":1},{\"b\":\"x\n[{\"c\":3},{\"d\":4}]\n",
        &["{\"a\":1}", "bad 9", "{\"c\":3}", "{\"d\":4}"],
    );
    check("{\"a\":\"x\n  \"b\": 5 }\n{\"c\":3}", &["bad 0", "{\"c\":3}"]);
}

#[test]
fn line_without_end_is_the_only_record_lost() {
    check(
        "{\"a\":1}\n{\"b\":{\n{\"c\":3}\n{\"d\":\n{\"e\":5}\n",
        &["{\"a\":1}", "bad 8", "{\"c\":3}", "bad 23", "{\"e\":5}"],
    );
    // No line of an indented array starts with a bracket, so only the truncated record is lost.
    check(
        "[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": [\n      {\n        \"c\": 2",
        &["{\n    \"a\": 1\n  }", "bad 24"],
    );
}

#[test]
fn other_values_are_reported_and_skipped() {
    check(r#"["text",{"a":1},12]"#, &["bad 1", r#"{"a":1}"#, "bad 16"]);
    check("{\"a\":1}\u{feff}{\"b\":1}\0\0", &["{\"a\":1}", "{\"b\":1}"]);
    check("{\"a\":1},,{\"b\":1},", &["{\"a\":1}", "{\"b\":1}"]);
}

#[test]
fn strings_with_json_are_returned_as_embedded_json() {
    check(r#"["{\"Id\":1}",{"Id":2}]"#, &[r#"text "{\"Id\":1}""#, r#"{"Id":2}"#]);
    check(r#"{"value":" \r\n[1]","Count":1}"#, &[r#"text " \r\n[1]""#]);
    check("{\"Id\":1}\n\"[{}\n{\"Id\":2}", &["{\"Id\":1}", "text \"[{}", "{\"Id\":2}"]);
    check(r#"{"continuationToken":"[x","value":[]}"#, &[]);
}

#[test]
fn value_without_end_is_not_kept_or_read_again() {
    let mut scanner = RecordScanner::default();
    let text = [&b"[\""[..], &vec![b'x'; MAX_RECORD_BYTES + 1]].concat();
    assert!(matches!(scanner.step(&text, false), RecordStep::Invalid(1, ..)));
    let next = scanner.step(&text, false);
    assert_eq!((next, scanner.consumed()), (RecordStep::NeedMore, text.len()));
    scanner.drop_front(text.len());
    assert_eq!(scanner.step(b"x\",{}]", true), RecordStep::Record(3, 5));
    // A skipped member of an envelope is not kept either.
    let mut scanner = RecordScanner::default();
    let text = [&b"{\"continuationToken\":\""[..], &[b'x'; 1000]].concat();
    let next = scanner.step(&text, false);
    assert_eq!((next, scanner.consumed()), (RecordStep::NeedMore, text.len()));
}

#[test]
fn too_many_brackets_are_reported_once() {
    let text = ["[".repeat(100_000), "{}".to_owned(), "]".repeat(100_000)].concat();
    let found = found(format!("{text}{{\"Id\":1}}").as_bytes(), 1000);
    assert_eq!(found, ["bad 256", "{\"Id\":1}"]);
}
