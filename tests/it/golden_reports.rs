//! Compares the output of every report over the invented year with the files of
//! `tests/golden/reports/` that people can read: a table of 100 columns, and CSV. JSON and NDJSON
//! must have the values of the CSV.
//!
//! `PBI_BLESS=1 cargo test --release --test it golden_reports::` writes the files anew. Check the
//! differences before you commit them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::archive::{YearArchive, year};
use crate::bless::is_blessing;
use crate::golden::difference;
use crate::sample_data::ROOT;

/// Formats that have a file for each report, with its extension.
const FORMATS: [(&str, &str); 2] = [("text", "txt"), ("csv", "csv")];

/// Period of the reports, short enough for files that people read.
const LATELY: &[&str] = &["--since", "60d"];

/// Period of the report with a row for each event.
const LAST_WEEK: &[&str] = &["--period", "last-week"];

/// Reports about the whole archive.
const WHOLE: [&str; 1] = ["adoption-cohorts"];

fn flags(report: &str) -> &'static [&'static str] {
    match report {
        "activity" => LAST_WEEK,
        report if WHOLE.contains(&report) => &[],
        _ => LATELY,
    }
}

fn folder() -> PathBuf {
    Path::new(ROOT).join("tests/golden/reports")
}

/// Runs a report with all threads or with one, and returns its output.
fn printed(archive: &YearArchive, report: &str, format: &str, is_single: bool) -> Vec<u8> {
    let fixed = ["report", report, "--store", "store", "--tz", "Europe/Berlin", "--format", format];
    let mut command = archive.dir.command(fixed.iter().chain(flags(report)));
    command.env("COLUMNS", "100");
    if is_single {
        command.args(["--threads", "1"]);
        command.env("RAYON_NUM_THREADS", "1").env("POLARS_MAX_THREADS", "1");
    }
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{report} as {format}: {output:?}");
    output.stdout
}

/// Returns the differences between a report's output and its files.
fn differences(archive: &YearArchive, report: &str) -> Vec<String> {
    let mut found_differences = Vec::new();
    for (format, ending) in FORMATS {
        let found = printed(archive, report, format, false);
        if found != printed(archive, report, format, true) {
            found_differences.push(format!("{report} as {format}: two runs differ"));
        }
        let found = String::from_utf8(found).expect("output is UTF-8");
        let name = format!("{report}.{ending}");
        let path = folder().join(&name);
        if is_blessing() {
            std::fs::write(&path, found).expect("the golden file can be written");
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(expected) if expected == found => {}
            Ok(expected) => {
                let difference = difference(&expected, &found);
                found_differences
                    .push(format!("not as in tests/golden/reports/{name}\n{difference}"));
            }
            Err(error) => found_differences.push(format!("tests/golden/reports/{name}: {error}")),
        }
    }
    found_differences
}

/// Runs a check of each report on two threads and returns all messages.
fn check_all(check: impl Fn(&YearArchive, &str) -> Vec<String> + Sync) -> Vec<String> {
    let archive = year();
    let reports = archive.reports();
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(report) = reports.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = check(archive, report);
                    all.lock().expect("no other thread panicked").extend(found);
                }
            });
        }
    });
    all.into_inner().expect("no thread panicked")
}

#[test]
fn reports_match_their_golden_files() {
    std::fs::create_dir_all(folder()).expect("the folder can be made");
    let all = check_all(differences);
    assert!(all.is_empty(), "PBI_BLESS=1 writes the files anew\n{}", all.join("\n"));
}

/// Returns the type of a value in JSON; `None` for null.
fn json_type(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some("a boolean"),
        Value::Number(_) => Some("a number"),
        Value::String(_) => Some("a text"),
        Value::Array(_) | Value::Object(_) => Some("a nested value"),
    }
}

/// Returns true if a field of CSV is a value of JSON: null is an empty field, texts and dates are
/// equal, numbers are equal as numbers, whole ones digit by digit.
fn is_same(field: &str, value: &Value) -> bool {
    match value {
        Value::Null => field.is_empty(),
        Value::Bool(truth) => field == truth.to_string(),
        Value::Number(number) if number.is_f64() => field.parse().ok() == number.as_f64(),
        Value::Number(number) => field == number.to_string(),
        Value::String(text) => field == text,
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// Returns the cells in which CSV, JSON and NDJSON of one answer disagree.
fn disagreements(csv: &[u8], json: &[u8], ndjson: &[u8]) -> Vec<String> {
    let answer: Value = serde_json::from_slice(json).expect("the answer is JSON");
    let rows = answer["rows"].as_array().expect("rows are a list");
    let lines: Vec<Value> = serde_json::Deserializer::from_slice(ndjson)
        .into_iter()
        .map(|line| line.expect("each line is JSON"))
        .collect();
    let mut found = Vec::new();
    if *rows != lines {
        found.push("the rows of JSON and NDJSON differ".to_owned());
    }
    let mut reader = csv::Reader::from_reader(csv);
    let columns: Vec<String> =
        reader.headers().expect("CSV has a header").iter().map(str::to_owned).collect();
    if answer["columns"] != serde_json::json!(columns) {
        found.push(format!("columns: {columns:?} in CSV, {} in JSON", answer["columns"]));
    }
    let records: Vec<csv::StringRecord> =
        reader.records().map(|record| record.expect("each row is CSV")).collect();
    if records.len() != rows.len() {
        found.push(format!("{} rows in CSV, {} in JSON", records.len(), rows.len()));
    }
    let mut types = BTreeMap::new();
    for (number, (record, row)) in records.iter().zip(rows).enumerate() {
        for (column, field) in columns.iter().zip(record) {
            let value = row.get(column).unwrap_or(&Value::Null);
            let at = format!("row {}, {column}", number + 1);
            if row.get(column).is_none() || !is_same(field, value) {
                found.push(format!("{at}: {field:?} in CSV, {value} in JSON"));
            }
            let Some(own) = json_type(value) else { continue };
            let first = *types.entry(column).or_insert(own);
            if first != own {
                found.push(format!("{at}: {own} in JSON after {first}"));
            }
        }
    }
    found
}

#[test]
fn json_ndjson_and_csv_have_the_same_values() {
    let all = check_all(|archive, report| {
        let [csv, json, ndjson] =
            ["csv", "json", "ndjson"].map(|format| printed(archive, report, format, false));
        let found = disagreements(&csv, &json, &ndjson);
        found.into_iter().map(|message| format!("{report}: {message}")).collect()
    });
    assert!(all.is_empty(), "formats disagree:\n{}", all.join("\n"));
}

#[test]
fn different_values_in_two_formats_are_found() {
    let json =
        br#"{"columns":["a","b","c"],"rows":[{"a":1,"b":"x","c":null},{"a":2.0,"b":"","c":1}]}"#;
    let ndjson = b"{\"a\":1,\"b\":\"x\",\"c\":null}\n{\"a\":2.0,\"b\":\"\",\"c\":1}\n";
    assert_eq!(disagreements(b"a,b,c\r\n1,x,\r\n2,,1\r\n", json, ndjson), Vec::<String>::new());
    let found = disagreements(b"a,b,c\r\n1.0,y,0\r\n2,,1\r\n", json, &ndjson[..24]);
    let expected = [
        "the rows of JSON and NDJSON differ",
        "row 1, a: \"1.0\" in CSV, 1 in JSON",
        "row 1, b: \"y\" in CSV, \"x\" in JSON",
        "row 1, c: \"0\" in CSV, null in JSON",
    ];
    assert_eq!(found, expected);
    let mixed = br#"{"columns":["a"],"rows":[{"a":1},{"a":"1"}]}"#;
    let lines = b"{\"a\":1}{\"a\":\"1\"}";
    let found = disagreements(b"a\n1\n1\n", mixed, lines);
    assert_eq!(found, ["row 2, a: a text in JSON after a number"]);
}

/// Finds the files of reports that were removed: no test would compare them.
#[test]
fn every_golden_file_belongs_to_a_report() {
    let reports = year().reports();
    let known: BTreeSet<String> = reports
        .iter()
        .flat_map(|report| FORMATS.map(|(_, ending)| format!("{report}.{ending}")))
        .collect();
    let entries = std::fs::read_dir(folder()).expect("the folder can be listed");
    let found: BTreeSet<String> = entries
        .map(|entry| entry.expect("the folder can be listed").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let stray: Vec<&String> = found.difference(&known).collect();
    assert!(stray.is_empty(), "files without a report: {stray:?}");
}
