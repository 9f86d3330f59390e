//! Tests of bugs that the program had: each states what went wrong, and for whom.

use std::process::{Command, Stdio};

use crate::events::{id, plain, quoted};
use crate::table;
use crate::workdir::{Outcome, Ran, Records, Workdir};

fn run(mut command: Command) -> Ran {
    Ran::of(&command.output().expect("the program can be started"))
}

/// A CSV of Export-Csv in PowerShell 7 was not recognized: its header is quoted, and no `#TYPE`
/// line precedes it.
#[test]
fn csv_with_a_quoted_header_is_read() {
    let dir = Workdir::new();
    let rows = "\"RecordType\",\"CreationDate\",\"UserIds\",\"Operations\",\"AuditData\"\r\n\"PowerBIAudit\",\"x\",\"x\",\"x\",";
    dir.write("a.csv", format!("{rows}{}\r\n", quoted(&plain(0, 0))));
    let (ran, summary) = dir.ingest("store", &["a.csv"]);
    ran.ended(0);
    assert_eq!(summary.records, Records { read: 1, stored: 1, ..Records::default() });
    assert_eq!(table::ids(&dir.join("store")), [id(0, 0)]);
}

/// Users of `2>&1 | head` saw a panic: a closed stderr is no error, and the work is done.
#[test]
fn closed_stderr_is_no_error() {
    let dir = Workdir::new();
    dir.write("archive/events.json", plain(0, 0));
    for arguments in [&["ingest", "archive"][..], &["report", "top-reports", "--from", "archive"]] {
        let (reader, writer) = std::io::pipe().expect("the system has pipes");
        drop(reader);
        let mut command = dir.command(arguments);
        command.stderr(Stdio::from(writer));
        run(command).ended(0);
    }
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    let mut command = dir.command(["report", "nothing-like-it"]);
    command.stderr(Stdio::from(writer));
    run(command).ended(2);
}

/// Scripts that closed stdout got exit code 0 for damaged files: the exit code must still be 3.
#[test]
fn closed_stdout_keeps_the_exit_code_for_damage() {
    let dir = Workdir::new();
    dir.write("archive/events.json", format!("[{},{{", plain(0, 0)));
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    let mut command = dir.command(["ingest", "archive"]);
    command.stdout(Stdio::from(writer));
    run(command).ended(3);
}

/// Help that was written to a file had lines of more than 80 characters, and some commands had no
/// example.
#[test]
fn help_in_a_file_fits_80_columns_and_has_an_example() {
    let dir = Workdir::new();
    for arguments in [
        &["--help"][..],
        &["ingest", "--help"],
        &["report", "--help"],
        &["reports", "--help"],
        &["status", "--help"],
    ] {
        let mut command = dir.command(arguments);
        command.env_remove("COLUMNS");
        let ran = run(command).ended(0);
        for line in ran.stdout.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
        assert!(ran.stdout.contains("\nExamples:\n  pbi-analyze "), "{arguments:?}");
    }
}

/// Events beginning with `Count` or `value` were read as envelopes and lost without a message.
#[test]
fn event_with_the_members_of_an_envelope_is_read() {
    for first in [
        "\"Count\":3",
        "\"value\":\"x\"",
        "\"lastResultSet\":true",
        r#""value":"{\"Id\":\"x\"}""#,
        r#""value":[{"Id":"x","CreationTime":"2026-03-01T08:15:00"}]"#,
        r#""data":{"Id":"x","CreationTime":"2026-03-01T08:15:00"}"#,
        r#""properties":{"Id":"x","CreationTime":"2026-03-01T08:15:00"}"#,
    ] {
        let dir = Workdir::new();
        dir.write("a.json", format!("[{{{first},{}]", &plain(0, 0)[1..]));
        let (_, summary) = dir.ingest("store", &["a.json"]);
        let found = (summary.records.read, summary.records.stored);
        assert_eq!(found, (1, 1), "{first}: {summary:?}");
        let exported = dir.pbi(["export", "--store", "store"]).ended(0).stdout;
        assert!(exported.contains(first), "{first}: {exported}");
    }
}

/// Files with carriage returns as line ends were skipped without a message: they must be read or
/// refused.
#[test]
fn csv_with_carriage_returns_is_read_or_refused() {
    let dir = Workdir::new();
    let text =
        format!("CreationDate,UserIds,Operations,AuditData\rx,x,x,{}\r", quoted(&plain(0, 0)));
    dir.write("a.csv", text);
    let (_, summary) = dir.ingest("store", &["a.csv"]);
    let account = summary.of("a.csv");
    assert!(account.records.stored == 1 || account.outcome == Outcome::Failed, "{account:?}");
}

/// Users were informed that a file with an error message was "empty, no events in it".
#[test]
fn damaged_file_is_not_called_empty() {
    let dir = Workdir::new();
    dir.write("a.json", "\"Too many requests\"");
    let ran = dir.pbi(["ingest", "a.json"]).ended(3);
    assert!(!ran.stderr.contains("empty, no events"), "{}", ran.stderr);
}

/// Refused CSV files were read again by every run: they must be known like other refused files.
#[test]
fn refused_csv_is_not_read_again() {
    let dir = Workdir::new();
    dir.write("archive/a.csv", "Date,IP address,User,Activity,Item,Detail\n1,2,3,4,5,6\n");
    dir.write("archive/b.html", "<!DOCTYPE html><html></html>");
    dir.ingest("store", &["archive"]);
    let (ran, second) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!(second.sources.known, 2);
}

/// A store in a folder with a space or a percent sign in its name failed, because the path was
/// parsed as a URL.
#[test]
fn special_characters_in_the_name_of_a_store_are_kept() {
    for store in [
        "a b",
        "100%",
        "a%20b",
        #[cfg(unix)]
        "a\\b",
    ] {
        let dir = Workdir::new();
        dir.write("a.json", plain(0, 0));
        let (ran, summary) = dir.ingest(store, &["a.json"]);
        ran.ended(0);
        assert_eq!(summary.records.stored, 1, "{store}");
        assert_eq!(table::ids(&dir.join(store)), [id(0, 0)], "{store}");
    }
}

/// Names of files with control characters changed the colors of the user's terminal.
#[test]
fn control_characters_in_names_of_files_are_escaped() {
    let dir = Workdir::new();
    dir.write("a\u{1b}[31m.json", "[17]");
    let ran = dir.pbi(["ingest", "."]).ended(3);
    let odd = (ran.stdout + &ran.stderr).chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None);
}

/// Every report over an archive took very long because of one event of the year 1601, which
/// PowerShell writes for a missing time.
#[test]
fn event_of_the_year_1601_does_not_stop_a_report() {
    let dir = Workdir::new();
    let odd = plain(0, 1).replace("2026-03-01", "1601-01-01");
    dir.write("archive/a.json", format!("[{},{odd}]", plain(0, 0)));
    let start = std::time::Instant::now();
    dir.pbi(["report", "top-reports", "--from", "archive"]);
    let took = start.elapsed();
    assert!(took.as_secs() < 3, "{took:?}");
}

/// Scripts that set `PBI_STORE` to nothing got an error instead of the default store.
#[test]
fn empty_environment_variable_is_ignored() {
    let dir = Workdir::new();
    dir.write("a.json", plain(0, 0));
    let mut command = dir.command(["ingest", "a.json"]);
    command.env("PBI_STORE", "");
    run(command).ended(0);
}

/// Users with `RUST_BACKTRACE=1` got a backtrace in the middle of an error message.
#[test]
fn error_message_is_one_line_with_rust_backtrace() {
    let dir = Workdir::new();
    dir.write("store/events/_delta_log/00000000000000000000.json", "no log");
    let mut command = dir.command(["status", "--store", "store"]);
    command.env("RUST_BACKTRACE", "1");
    let ran = run(command).ended(1);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

/// An event with a number above the largest float was damaged, although the number is valid JSON.
#[test]
fn number_above_the_largest_float_keeps_its_digits() {
    let dir = Workdir::new();
    dir.write("a.json", format!("{},\"Odd\":[1e400,-7]}}", plain(0, 0).trim_end_matches('}')));
    dir.ingest("store", &["a.json"]).0.ended(0);
    let event = table::events(&dir.join("store")).remove(&id(0, 0)).expect("it is stored");
    assert_eq!(event.member("Odd").map(crate::exact::Json::write).as_deref(), Some("[1e400,-7]"));
}

/// Two concurrent runs wrote the same file of the source log, and the run that lost the commit
/// deleted it for both.
#[test]
fn concurrent_runs_keep_the_source_log_of_each_other() {
    let dir = Workdir::new();
    for file in 0..20 {
        dir.write(&format!("archive/{file}.json"), plain(file, 0));
    }
    let run = || {
        let mut command = dir.command(["ingest", "archive", "--store", "store"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program can be started")
    };
    for mut running in [run(), run(), run(), run()] {
        assert!(running.wait().expect("it ends").success());
    }
    assert_eq!(table::ids(&dir.join("store")).len(), 20);
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!(summary.sources.known, 20);
}
