//! Ingests damaged files: every complete event before and after the damage is stored, the loss is
//! reported with file, byte and reason, and other files are not affected.

use std::path::Path;

use crate::events::{id, plain};
use crate::table;
use crate::workdir::{Outcome, Records, Workdir};

/// A file and its expected account.
struct Case {
    name: &'static str,
    content: Vec<u8>,
    kind: &'static str,
    outcome: Outcome,
    read: u64,
    /// Numbers of the complete events.
    stored: Vec<usize>,
    /// Byte and text of each problem.
    problems: Vec<(usize, &'static str)>,
}

const IN_A_RECORD: &str = "the file ends in the middle of a record";

fn event(number: usize) -> String {
    plain(0, number)
}

/// Returns the beginning of an event.
fn begun(number: usize) -> String {
    event(number)[..60].to_owned()
}

fn case(name: &'static str, content: impl Into<Vec<u8>>) -> Case {
    let content = content.into();
    let (kind, outcome) = ("", Outcome::Failed);
    Case { name, content, kind, outcome, read: 0, stored: Vec::new(), problems: Vec::new() }
}

/// Returns a truncated file: `whole` is valid, `rest` is not.
fn broken_off(name: &'static str, kind: &'static str, whole: &str, rest: &str) -> Case {
    Case {
        kind,
        outcome: Outcome::Partial,
        problems: vec![(whole.len(), IN_A_RECORD)],
        ..case(name, format!("{whole}{rest}"))
    }
}

fn refused(name: &'static str, content: &[u8], reason: &'static str) -> Case {
    Case { problems: vec![(0, reason)], ..case(name, content) }
}

fn empty(name: &'static str, content: &[u8]) -> Case {
    Case { kind: "empty", outcome: Outcome::Ok, ..case(name, content) }
}

fn cut_off() -> Vec<Case> {
    let array = format!("[{},\r\n{},", event(1), event(2));
    let page = format!("{{\"activityEventEntities\":[{},", event(3));
    let between = format!("{{\"activityEventEntities\":[{},", event(4));
    let zeros = format!("[{},", event(5));
    vec![
        Case {
            read: 3,
            stored: vec![1, 2],
            ..broken_off("array.json", "array", &array, &begun(0))
        },
        Case { read: 2, stored: vec![3], ..broken_off("page.json", "rest", &page, &begun(0)) },
        Case {
            read: 1,
            stored: vec![4],
            problems: vec![(between.len(), "the file ends before its object is closed")],
            ..broken_off("between.json", "rest", &between, "")
        },
        // A disk without power leaves zero bytes.
        Case {
            read: 2,
            stored: vec![5],
            ..broken_off("zeros.json", "array", &zeros, &(begun(0) + "\0\0\0\0\0\0"))
        },
    ]
}

fn broken_inside() -> Vec<Case> {
    let first = format!("{}\n", event(6));
    let second = format!("{first}{}\n{}\n", begun(0), event(7));
    let lines = format!("{second}{{\"Id\":\"x\", nope}}\n{}\n", event(8));
    let no_object = format!("[17,{},\"text\",{{}},true,", event(9));
    let no_time = format!("[{},", event(10));
    let damaged = |name, kind, content: String| Case {
        kind,
        outcome: Outcome::Partial,
        ..case(name, content)
    };
    vec![
        Case {
            read: 5,
            stored: vec![6, 7, 8],
            problems: vec![
                (first.len(), "an incomplete record: the next one starts on a later line"),
                // The record begins where `second` ends; its eleventh byte is where JSON ends.
                (second.len() + 11, "invalid JSON: key must be a string"),
            ],
            ..damaged("lines.ndjson", "ndjson", lines)
        },
        Case {
            read: 6,
            stored: vec![9, 11],
            problems: vec![
                (1, "expected an event, found \"17\""),
                (no_object.len() - 15, "expected an event, found \"\\\"text\\\"\""),
                (no_object.len() - 8, "not a Power BI event"),
                (no_object.len() - 5, "expected an event, found \"true\""),
            ],
            // A script that found no event writes null, which is no problem.
            ..damaged("no-object.json", "array", format!("{no_object}null,{}]", event(11)))
        },
        Case {
            read: 2,
            stored: vec![10],
            problems: vec![(
                no_time.len(),
                "CreationTime is missing, so the event belongs to no day",
            )],
            ..damaged(
                "no-time.json",
                "array",
                format!("{no_time}{{\"Id\":\"{}\",\"Operation\":\"ViewReport\"}}]", id(1, 1)),
            )
        },
        Case {
            read: 1,
            problems: vec![(0, "an error message was saved instead of events")],
            ..damaged(
                "error.json",
                "ndjson",
                r#"{"error":{"code":"TooManyRequests","message":"try again later"}}"#.to_owned(),
            )
        },
    ]
}

fn no_logs() -> Vec<Case> {
    let web_page = "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n".as_bytes();
    vec![
        refused("web.json", web_page, "not a log of Power BI events: a web page"),
        // An image is no damaged log.
        Case {
            outcome: Outcome::Skipped,
            problems: Vec::new(),
            ..refused("image.json", b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\0\x01", "")
        },
        empty("empty.json", b""),
        empty("mark.json", b"\xEF\xBB\xBF"),
        empty("mark-16.json", b"\xFF\xFE"),
        empty("blank.json", b" \r\n\r\n"),
    ]
}

/// Writes the damaged folder, which contains one valid file.
fn damaged_folder() -> (Workdir, Vec<Case>) {
    let mut cases = cut_off();
    cases.extend(broken_inside());
    cases.extend(no_logs());
    cases.push(Case {
        kind: "array",
        outcome: Outcome::Ok,
        read: 2,
        stored: vec![20, 21],
        ..case("whole.json", format!("[{},{}]", event(20), event(21)))
    });
    let dir = Workdir::new();
    for case in &cases {
        dir.write(&format!("archive/{}", case.name), &case.content);
    }
    (dir, cases)
}

#[test]
fn complete_events_are_stored_and_damage_is_reported_with_its_position() {
    let (dir, cases) = damaged_folder();
    let (ran, summary) = dir.ingest("store", &["archive"]);
    let ran = ran.ended(3);
    assert_eq!(summary.files.len(), cases.len());
    for case in &cases {
        let name = format!("archive/{}", case.name);
        let account = summary.of(&name);
        let stored = case.stored.len() as u64;
        let records =
            Records { read: case.read, stored, rejected: case.read - stored, ..Records::default() };
        assert_eq!(account.records, records, "{name}");
        assert_eq!((account.kind.as_str(), account.outcome), (case.kind, case.outcome), "{name}");
        assert_eq!(account.problems.len(), case.problems.len(), "{account:?}");
        for (problem, &(position, reason)) in account.problems.iter().zip(&case.problems) {
            assert_eq!(problem.position, position as u64, "{account:?}");
            assert!(problem.reason.starts_with(reason), "{reason:?} is not said: {account:?}");
            let line = format!("pbi-analyze: {name}: byte {position}: {reason}");
            assert!(ran.stderr.contains(&line), "{line}: {}", ran.stderr);
        }
    }
    let mut expected: Vec<String> =
        cases.iter().flat_map(|case| &case.stored).map(|&number| id(0, number)).collect();
    expected.sort();
    assert_eq!(table::ids(&dir.join("store")), expected);
}

/// Every [`Workdir::ingest`] asserts the sums; here they have known values.
#[test]
fn the_accounts_of_a_damaged_folder_add_up() {
    let (dir, cases) = damaged_folder();
    let (_, summary) = dir.ingest("store", &["archive"]);
    let stored: usize = cases.iter().map(|case| case.stored.len()).sum();
    let read: u64 = cases.iter().map(|case| case.read).sum();
    assert_eq!(
        summary.records,
        Records {
            read,
            stored: stored as u64,
            rejected: read - stored as u64,
            ..Records::default()
        }
    );
    let failed = cases.iter().filter(|case| case.outcome == Outcome::Failed).count();
    assert_eq!(
        (summary.sources.found, summary.sources.failed),
        (cases.len() as u64, failed as u64)
    );
    assert_eq!(summary.store.events, stored as u64);
}

#[test]
fn damaged_files_do_not_affect_other_files() {
    let (dir, _) = damaged_folder();
    dir.ingest("all", &["archive"]);
    let (ran, alone) = dir.ingest("alone", &["archive/whole.json"]);
    ran.ended(0);
    assert_eq!(alone.records.stored, 2);
    let all = table::events(&dir.join("all"));
    for (id, event) in table::events(&dir.join("alone")) {
        assert_eq!(all.get(&id), Some(&event));
    }
}

/// A quiet run does not list empty files, but always reports damage.
#[test]
fn quiet_run_reports_damage_but_no_empty_files() {
    let (dir, cases) = damaged_folder();
    let loud = dir.pbi(["ingest", "archive", "--store", "a"]).ended(3);
    let quiet = dir.pbi(["ingest", "archive", "--store", "b", "--quiet"]).ended(3);
    for case in cases.iter().filter(|case| case.kind == "empty") {
        let line = format!("pbi-analyze: archive/{}: no events\n", case.name);
        assert!(loud.stderr.contains(&line), "{line}: {}", loud.stderr);
        assert!(!quiet.stderr.contains(case.name), "{}", quiet.stderr);
    }
    let problems: usize = cases.iter().map(|case| case.problems.len()).sum();
    assert_eq!(quiet.stderr.lines().count(), problems, "{}", quiet.stderr);
}

/// A report from raw files equals the report from their store, for truncated files too.
#[test]
fn report_from_damaged_files_equals_report_from_their_store() {
    let (dir, _) = damaged_folder();
    dir.ingest("store", &["archive"]);
    let report =
        |more: &[&str]| dir.pbi(["report", "top-reports", "--format", "csv"].iter().chain(more));
    let stored = report(&["--store", "store"]).ended(0);
    let raw = report(&["--from", "archive"]).ended(3);
    assert_eq!(raw.stdout, stored.stdout);
    assert!(raw.stderr.contains("archive/array.json: byte "), "{}", raw.stderr);
}

#[test]
fn missing_path_is_a_usage_error_alone_and_a_failed_source_among_others() {
    let dir = Workdir::new();
    dir.write("good.json", event(1));
    let alone = dir.pbi(["ingest", "nowhere", "--store", "store"]).ended(2);
    assert!(alone.stderr.starts_with("pbi-analyze: cannot read nowhere: "), "{}", alone.stderr);
    assert_eq!(alone.stdout, "");
    assert!(!dir.join("store").exists());
    let (ran, summary) = dir.ingest("store", &["nowhere", "good.json"]);
    let ran = ran.ended(3);
    assert!(
        ran.stderr.contains("pbi-analyze: nowhere: byte 0: cannot be read: "),
        "{}",
        ran.stderr
    );
    assert_eq!((summary.sources.found, summary.sources.failed), (2, 1));
    assert_eq!(summary.of("nowhere").outcome, Outcome::Failed);
    assert_eq!(summary.of("good.json").records.stored, 1);
}

/// A file that prevents a store is reported and not changed.
#[test]
fn file_in_place_of_a_store_is_reported_and_kept() {
    let dir = Workdir::new();
    dir.write("good.json", event(1));
    for (occupied, store) in [("file", "file"), ("above", "above/store"), ("half/events", "half")] {
        dir.write(occupied, "mine");
        let is_file = occupied == store;
        let ran = dir.pbi(["ingest", "good.json", "--quiet", "--store", store]);
        let ran = ran.ended(if is_file { 2 } else { 1 });
        let start =
            if is_file { "file is a file, but a store is a folder" } else { "cannot create " };
        assert!(ran.stderr.starts_with(&format!("pbi-analyze: {start}")), "{}", ran.stderr);
        assert!(ran.stderr.contains(occupied), "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        for command in [&["status"][..], &["report", "top-reports"]] {
            let ran = dir.pbi(command.iter().chain(&["--store", store])).ended(1);
            assert!(ran.stderr.contains("there is no store here"), "{}", ran.stderr);
        }
        let kept = std::fs::read(dir.join(occupied)).expect("the file is still there");
        assert_eq!(kept, b"mine");
    }
    assert_eq!(list(&dir.join("half")), ["events"], "a failed run leaves no file");
}

fn list(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("the folder can be listed").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Every command reports an unreadable store as an error and writes nothing into it.
#[test]
fn unreadable_store_is_reported_and_not_changed() {
    let dir = Workdir::new();
    dir.write("good.json", event(1));
    dir.write("store/events/_delta_log/00000000000000000000.json", "no log");
    let commands = [&["ingest", "good.json"][..], &["status"], &["report", "top-reports"]];
    for command in commands {
        let ran = dir.pbi(command.iter().chain(&["--store", "store"])).ended(1);
        assert!(ran.stderr.contains("pbi-analyze: store store"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(list(&dir.join("store")), ["events"]);
    assert_eq!(list(&dir.join("store/events")), ["_delta_log"]);
}

/// A run that was killed before its first commit leaves folders without a log, which are no store
/// yet.
#[test]
fn empty_delta_log_is_no_store_and_the_next_run_creates_it() {
    let dir = Workdir::new();
    dir.write("good.json", event(1));
    std::fs::create_dir_all(dir.join("store/events/_delta_log")).expect("there is room");
    let ran = dir.pbi(["status", "--store", "store"]).ended(1);
    assert!(ran.stderr.contains("there is no store here"), "{}", ran.stderr);
    let (ran, summary) = dir.ingest("store", &["good.json"]);
    ran.ended(0);
    assert_eq!(summary.store.events, 1);
}
