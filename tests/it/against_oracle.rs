//! Compares a large invented archive of all containers with the oracle, which reads it slowly and
//! simply: accounts, events, and the content of each event.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::archive::large;
use crate::exact::Json;
use crate::normal::normal;
use crate::oracle::parse_time;
use crate::table;
use crate::workdir::{Records, Workdir};

/// Step between the events that are compared with their whole content; ids and times are compared
/// for all events.
const COMPARED_STEP: usize = 10;

/// Ingests the archive into a store. Each test does this anew: it takes less time than waiting for
/// another test, and a failed test does not affect the others.
fn ingested() -> (Workdir, Records) {
    let dir = Workdir::new();
    let (ran, summary) = dir.ingest("store", &[large().dir()]);
    ran.ended(0);
    assert_eq!(summary.store.events, summary.records.stored);
    (dir, summary.records)
}

#[test]
fn accounts_and_ids_match_the_oracle() {
    let (dir, records) = ingested();
    let (oracle, written) = (large().oracle(), &large().written);
    let expected = &oracle.accounting;
    assert_eq!(expected.kept, written.distinct, "the oracle itself finds what was written");
    assert_eq!(
        records,
        Records {
            read: expected.read,
            stored: expected.kept,
            duplicates: expected.duplicates,
            // The generator counts the copies that it changed; the oracle does not compare the
            // content of copies.
            conflicting: records.conflicting,
            improved: 0,
            other_workloads: expected.other_workloads,
            rejected: expected.rejected,
        }
    );
    // A copy with fewer fields contradicts nothing.
    let spoilt = written.conflicting;
    // The number may differ by one per event: two copies may be changed, or the changed copy may be
    // the first one.
    assert!(
        records.conflicting.abs_diff(spoilt) <= spoilt / 50 + 5,
        "{} copies conflict, {spoilt} were spoilt",
        records.conflicting
    );
    let ids = table::ids(&dir.join("store"));
    assert_eq!(ids.len() as u64, expected.kept, "each event has one row");
    assert!(ids.iter().eq(oracle.events.keys()), "the ids stored are not the oracle's");
}

#[test]
fn every_event_has_the_content_of_the_oracle() {
    let (dir, _) = ingested();
    let oracle = large().oracle();
    let (mut at, mut compared, mut sources) = (0, 0, BTreeSet::new());
    table::for_each_row(&dir.join("store"), |row| {
        let id = row.text("Id").expect("every event has an id");
        let expected = &oracle.events[id];
        let time = expected["CreationTime"].as_str().and_then(parse_time).expect("a time");
        assert_eq!(row.time_us(), time.timestamp_micros(), "{expected}");
        assert_eq!(row.month, time.format("%Y-%m").to_string());
        sources.insert(row.text("SourceKind").expect("every event has its source").to_owned());
        at += 1;
        if at % COMPARED_STEP == 0 {
            compared += 1;
            let normal = normal(&Json::parse(&expected.to_string()));
            // The numbers of the oracle are those of serde_json, so both sides are converted to
            // them.
            assert_eq!(value(&row.event()), value(&normal), "{expected}");
            codes_are_numbers(row, expected);
        }
    });
    assert!(compared >= 20_000, "only {compared} events were compared");
    let kinds: Vec<&str> = sources.iter().map(String::as_str).collect();
    assert_eq!(kinds, ["array", "csv", "ndjson", "rest"], "a container is missing");
}

fn value(json: &Json) -> Value {
    serde_json::from_str(&json.write()).expect("what was written is JSON")
}

/// Asserts that the column contains the number of a code that the event has as text.
fn codes_are_numbers(row: &table::Row<'_>, event: &Value) {
    for name in ["RecordType", "UserType"] {
        match &event[name] {
            Value::Number(number) => assert_eq!(row.int(name), number.as_i64(), "{event}"),
            Value::String(_) => assert!(row.int(name).is_some(), "{event}"),
            _ => assert_eq!(row.int(name), None, "{event}"),
        }
    }
}

#[test]
fn a_second_run_reads_nothing_and_commits_nothing() {
    let (dir, first) = ingested();
    let versions = table::versions(&dir.join("store"));
    let (ran, second) = dir.ingest("store", &[large().dir()]);
    ran.ended(0);
    assert_eq!(second.records, Records::default());
    assert_eq!(second.sources.known, large().written.files);
    assert_eq!(second.store.events, first.stored);
    assert_eq!(table::versions(&dir.join("store")), versions);
}
