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

/// Returns the rows of a report in JSON.
fn rows(dir: &Workdir, arguments: &[&str]) -> serde_json::Value {
    let text = dir.pbi(["report"].iter().chain(arguments).chain(&["--format", "json"])).ended(0);
    let answer: serde_json::Value = serde_json::from_str(&text.stdout).expect("it is JSON");
    answer["rows"].clone()
}

/// Fields without a column were not listed if the report read raw files.
#[test]
fn data_quality_of_raw_files_is_that_of_a_store() {
    let dir = Workdir::new();
    let odd = format!(
        "{},\"BrandNew\":\"x\",\"IsSuccess\":\"maybe\"}}",
        plain(0, 0).trim_end_matches('}')
    );
    dir.write("a.json", odd);
    dir.ingest("store", &["a.json"]).0.ended(0);
    let stored = rows(&dir, &["data-quality", "--store", "store"]);
    let subjects: Vec<&str> =
        stored.as_array().expect("rows").iter().filter_map(|row| row["subject"].as_str()).collect();
    for subject in ["BrandNew", "IsSuccess"] {
        assert!(subjects.iter().any(|found| found.contains(subject)), "{subject}: {subjects:?}");
    }
    assert_eq!(rows(&dir, &["data-quality", "--from", "a.json"]), stored);
}

/// A file had only the first 25 rows, if it was Markdown or text.
#[test]
fn files_have_all_rows_and_a_terminal_the_first() {
    let dir = Workdir::new();
    let report = |number: usize| {
        plain(0, number)
            .replace("\"ReportName\"", &format!("\"ReportId\":\"r{number}\",\"ReportName\""))
    };
    let events: Vec<String> = (0..30).map(report).collect();
    dir.write("a.json", format!("[{}]", events.join(",")));
    dir.ingest("store", &["a.json"]).0.ended(0);
    let command = ["report", "top-reports", "--store", "store"];
    let views = |text: &str| text.matches("Umsätze").count();
    assert_eq!(views(&dir.pbi(command).ended(0).stdout), 25);
    assert_eq!(views(&dir.pbi(command.iter().chain(&["--format", "md"])).ended(0).stdout), 30);
    for file in ["a.md", "a.txt", "a.csv"] {
        dir.pbi(command.iter().chain(&["--output", file])).ended(0);
        let text = std::fs::read_to_string(dir.join(file)).expect("the file is written");
        assert_eq!(views(&text), 30, "{file}");
        dir.pbi(command.iter().chain(&["--output", file, "--top", "7"])).ended(0);
        let text = std::fs::read_to_string(dir.join(file)).expect("the file is written");
        assert_eq!(views(&text), 7, "{file}");
    }
    let sql = dir.pbi(command.iter().chain(&["--show-sql", "duckdb"])).ended(0).stdout;
    assert!(!sql.contains("LIMIT 25"), "{sql}");
}

/// With `--activity ViewReport`, exports are hidden, and the views that they caused were 0.
#[test]
fn views_by_export_are_unknown_if_a_filter_hides_exports() {
    let dir = Workdir::new();
    let export = plain(0, 1).replace("ViewReport", "ExportReport").replace("08:01", "08:00");
    let with_id =
        |event: String| event.replace("\"ReportName\"", "\"ReportId\":\"r\",\"ReportName\"");
    dir.write("a.json", format!("[{},{}]", with_id(plain(0, 0)), with_id(export)));
    dir.ingest("store", &["a.json"]).0.ended(0);
    let all = rows(&dir, &["top-reports", "--store", "store"]);
    assert_eq!(all[0]["views_by_export"], 1);
    let filtered = rows(&dir, &["top-reports", "--store", "store", "--activity", "ViewReport"]);
    assert_eq!(
        (&filtered[0]["views"], filtered[0]["views_by_export"].is_null()),
        (&1.into(), true)
    );
}

/// Reports as of the last day of the period were empty if it began after the last event.
#[test]
fn period_after_the_last_event_lists_everybody_as_of_its_last_day() {
    let dir = Workdir::new();
    let event = |number| {
        let ids = "\"ReportId\":\"r\",\"WorkspaceId\":\"w\",\"ReportName\"";
        plain(0, number).replace("\"ReportName\"", ids)
    };
    dir.write("a.json", event(0));
    dir.ingest("store", &["a.json"]).0.ended(0);
    for (since, class) in [("2026-03-02", "active"), ("2026-06-30", "occasional")] {
        let flags = ["--store", "store", "--since", since];
        for report in ["user-classification", "content-classification"] {
            let found = rows(&dir, &[&[report][..], &flags].concat());
            assert_eq!(found[0]["class"], class, "{report} since {since}");
        }
    }
    let dormant = rows(&dir, &["dormant-workspaces", "--store", "store", "--since", "2026-06-30"]);
    assert_eq!(dormant[0]["idle_days"], 121);
    let flags = ["report", "top-reports", "--store", "store", "--since", "2026-06-30"];
    let answer = dir.pbi(flags.iter().chain(&["--format", "json"])).ended(0).stdout;
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("it is JSON");
    let [since, until] = ["since", "until"].map(|day| answer["period"][day].as_str());
    assert!(since.is_some() && since <= until, "{answer}");
}
