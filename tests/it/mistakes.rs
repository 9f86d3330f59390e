//! Common mistakes of new users, and the help that the program gives. Each of them once had an
//! unclear message or none.

use std::io::Write;
use std::process::Stdio;

use crate::events::plain;
use crate::sample_data::ROOT;
use crate::workdir::{Ran, Workdir};

fn with_store() -> Workdir {
    let dir = Workdir::new();
    dir.write("archive/events.json", format!("[{},{}]", plain(0, 0), plain(0, 1)));
    dir.ingest("store", &["archive"]).0.ended(0);
    dir
}

/// Returns the messages of a command that ends with this code.
fn messages(dir: &Workdir, code: i32, arguments: &[&str]) -> String {
    dir.pbi(arguments).ended(code).stderr
}

/// Excel refuses a text table in a file named `.xlsx`.
#[test]
fn format_follows_the_name_of_the_output_file() {
    let dir = with_store();
    let report = ["report", "top-reports", "--store", "store"];
    let written = |arguments: &[&str], file: &str| {
        dir.pbi(report.iter().chain(&["--output", file]).chain(arguments)).ended(0);
        std::fs::read(dir.join(file)).expect("the file is written")
    };
    for (file, start) in [
        ("a.xlsx", &b"PK\x03\x04"[..]),
        ("a.CSV", b"rank,report,"),
        ("a.json", b"{\n  \"report\": \"top-reports\""),
        ("a.ndjson", b"{\"rank\":1,"),
        ("a.md", b"**Most viewed reports**"),
        ("a.parquet", b"PAR1"),
        ("a.txt", b"Most viewed reports\n"),
        ("report", b"Most viewed reports\n"),
    ] {
        let bytes = written(&[], file);
        assert!(bytes.starts_with(start), "{file}: {}", String::from_utf8_lossy(&bytes));
    }
    assert!(written(&["--format", "JSON"], "b.json").starts_with(b"{\n"));
    let contradiction = ["--format", "json", "--output", "b.csv"];
    let refused = dir.pbi(report.iter().chain(&contradiction)).ended(2);
    let advice = "omit --format, or use the extension .json";
    assert!(refused.stderr.contains(advice), "{}", refused.stderr);
    assert!(written(&["--excel-safe"], "c.csv").starts_with(b"\xef\xbb\xbfrank,report,"));
}

/// An unreadable store was once reported as missing, with the advice to create one.
#[test]
#[cfg(unix)]
fn unreadable_store_is_not_reported_as_missing() {
    let dir = with_store();
    let log = dir.join("store/events/_delta_log");
    std::fs::rename(&log, dir.join("aside")).expect("the log moves");
    std::os::unix::fs::symlink("_delta_log", &log).expect("a link that leads to itself");
    let data = || {
        let folders = std::fs::read_dir(dir.join("store/events")).expect("the folder is there");
        folders.map(|entry| entry.expect("it can be read").file_name()).collect::<Vec<_>>()
    };
    let before = data();
    for command in
        [&["status"][..], &["report", "top-reports"], &["verify"], &["ingest", "archive"]]
    {
        let stderr = messages(&dir, 1, &[command, &["--store", "store"]].concat());
        let said = "pbi-analyze: cannot read store/events/_delta_log: ";
        assert!(stderr.lines().any(|line| line.starts_with(said)), "{command:?}: {stderr}");
    }
    assert_eq!(data(), before);
    std::fs::remove_file(&log).expect("the link goes");
    std::fs::rename(dir.join("aside"), &log).expect("the log moves back");
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

#[test]
fn store_as_log_folder_and_file_as_store_are_refused() {
    let dir = with_store();
    let stderr = messages(&dir, 2, &["ingest", "store", "--store", "store"]);
    assert!(
        stderr.contains("cannot read store: it is a store, not a folder of log files"),
        "{stderr}"
    );
    let beside = messages(&dir, 3, &["ingest", "archive", "store", "--store", "store"]);
    assert!(beside.contains("store: byte 0: cannot be read: it is a store, not"), "{beside}");
    assert!(dir.rejects("store", &[]).is_empty());
    let file = messages(&dir, 2, &["ingest", "archive", "--store", "archive/events.json"]);
    assert!(file.contains("archive/events.json is a file, but a store is a folder"), "{file}");
}

#[test]
fn paths_without_files_are_reported() {
    let dir = with_store();
    let star = messages(&dir, 2, &["ingest", "archive/*.json", "--store", "store"]);
    assert!(star.contains("; * is not expanded here: pass the folder"), "{star}");
    std::fs::create_dir(dir.join("empty")).expect("a folder can be made");
    for command in [&["ingest", "empty", "--quiet"][..], &["report", "adoption", "--from", "empty"]]
    {
        let stderr = messages(&dir, 3, command);
        assert!(stderr.contains("empty: no files found; is this"), "{command:?}: {stderr}");
    }
}

/// A share that is not mounted is an empty folder, and a run that reads nothing must not look well.
#[test]
fn empty_folder_is_a_warning_unless_it_is_allowed() {
    let dir = with_store();
    std::fs::create_dir_all(dir.join("mount/inner")).expect("a folder can be made");
    dir.write("mount/inner/notes.md", "no log");
    for command in [
        &["ingest", "mount", "--store", "store"][..],
        &["ingest", "archive", "mount", "--store", "store"],
        &["ingest", "mount", "--store", "store", "--dry-run"],
        &["ingest", "mount/inner", "--store", "other"],
    ] {
        let stderr = messages(&dir, 3, command);
        assert!(stderr.contains("mount"), "{command:?}: {stderr}");
        assert!(stderr.contains("and is it mounted?"), "{command:?}: {stderr}");
        let stderr = messages(&dir, 0, &[command, &["--allow-empty"]].concat());
        assert!(!stderr.contains("mounted"), "{command:?}: {stderr}");
    }
    let summary = dir.pbi(["ingest", "mount", "--store", "store", "--format", "json"]).ended(3);
    assert!(summary.stdout.contains(r#""empty_folders":["mount"]"#), "{}", summary.stdout);
    // Files that are known count, and a folder that is given twice has files both times.
    messages(&dir, 0, &["ingest", "archive", "./archive", "--store", "store"]);
}

/// The user does not know the temporary file.
#[test]
#[cfg(target_os = "linux")]
fn output_error_names_the_file_and_not_a_temporary_one() {
    let dir = with_store();
    let stderr =
        messages(&dir, 1, &["report", "adoption", "--store", "store", "-o", "/proc/a.csv"]);
    assert!(stderr.starts_with("pbi-analyze: cannot write /proc/a.csv: "), "{stderr}");
    assert!(!stderr.contains(".pbi-analyze"), "{stderr}");
}

#[test]
fn report_without_a_name_lists_the_reports() {
    let dir = with_store();
    let nameless = messages(&dir, 2, &["report", "--store", "store"]);
    assert!(nameless.contains("the name of a report is missing"), "{nameless}");
    let swallowed = messages(&dir, 2, &["report", "--from", "archive", "top-reports"]);
    assert!(swallowed.contains("`report top-reports --from PATH`"), "{swallowed}");
}

#[test]
fn filter_without_match_explains_how_names_match() {
    let dir = with_store();
    let ask = |name: &str| {
        let report = ["report", "top-reports", "--store", "store", "--activity", name];
        dir.pbi(report).ended(0).stdout
    };
    let none = ask("view");
    assert!(none.contains("Names must match exactly; use wildcards"), "{none}");
    assert!(!ask("view*").contains("match exactly"));
}

/// PowerShell writes a byte order mark before UTF-8 that it pipes.
#[test]
fn statement_can_begin_with_a_byte_order_mark() {
    let dir = with_store();
    let mut command = dir.command(["sql", "-", "--store", "store"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("there is a pipe");
    stdin.write_all("\u{feff}SELECT COUNT(*) AS n FROM events".as_bytes()).expect("it reads");
    drop(stdin);
    let ran = Ran::of(&child.wait_with_output().expect("it ends")).ended(0);
    // A question of one's own has no title, and no room for one either.
    assert!(ran.stdout.starts_with("n\n─\n2\n"), "{}", ran.stdout);
    let question = ["sql", "SELECT COUNT(*) AS n FROM events", "--store", "store"];
    let page = dir.pbi(question.iter().chain(&["--format", "markdown"])).ended(0).stdout;
    assert!(page.starts_with("| n |"), "{page}");
}

/// The message of the engine itself lists all two hundred columns.
#[test]
fn unknown_column_suggests_the_nearest() {
    let dir = with_store();
    let messages = |name: &str| {
        let statement = format!("SELECT {name} FROM events ORDER BY Id");
        messages(&dir, 1, &["sql", &statement, "--store", "store"])
    };
    assert_eq!(
        messages("Operatoin"),
        "pbi-analyze: sql: there is no column Operatoin. Did you mean Operation? `schema --views` \
         lists all columns.\n"
    );
    let far = messages("nothing_of_the_kind_at_all");
    assert!(far.contains("kind_at_all. `schema --views`"), "{far}");
}

/// Flags of all commands were once listed between the flags of one command.
#[test]
fn help_lists_flags_of_the_command_before_global_flags() {
    let dir = Workdir::new();
    for command in ["ingest", "report", "dashboard", "sql"] {
        let help = dir.pbi([command, "-h"]).ended(0).stdout;
        let at = |flag: &str| help.find(&format!(" {flag}")).expect(flag);
        assert!(at("--store") < at("--threads") && at("--threads") < at("--quiet"), "{help}");
        assert!(at("--quiet") < at("--log-format") && at("--log-format") < at("--help"), "{help}");
    }
}

/// An item that is used outside of a filter would seem to be unused.
#[test]
fn filters_on_reports_that_compare_an_inventory_are_refused() {
    let dir = Workdir::new();
    for folder in ["sample-data", "sample-data-inventory"] {
        let folder = format!("{ROOT}/{folder}");
        dir.pbi(["ingest", &folder, "--store", "store", "--quiet"]).ended(0);
    }
    for flags in [["--workspace", "Sales*"], ["--exclude-user", "*@contoso.com"]] {
        for report in ["unused-reports", "unused-items", "license-usage", "access-review"] {
            let ran = dir.pbi(["report", report, "--store", "store", flags[0], flags[1]]).ended(2);
            let expected = format!("{report} compares an inventory with the whole log");
            assert!(ran.stderr.contains(&expected), "{}", ran.stderr);
            assert!(ran.stderr.contains("--where"), "{}", ran.stderr);
            assert_eq!(ran.stdout, "");
        }
    }
    let sql = ["report", "unused-reports", "--store", "store", "--user", "x", "--show-sql"];
    dir.pbi(sql.iter().chain(&["duckdb"])).ended(2);

    // All other reports are written, and a warning names these.
    let all =
        ["report", "--all", "--store", "store", "--workspace", "Sales*", "--output-dir", "all"];
    let ran = dir.pbi(all.iter().chain(&["--format", "csv"])).ended(0);
    assert!(ran.stderr.contains("left out, because they compare an inventory"), "{}", ran.stderr);
    assert!(ran.stderr.contains("unused-reports"), "{}", ran.stderr);
    assert!(dir.join("all/top-reports.csv").exists());
    assert!(!dir.join("all/unused-reports.csv").exists());

    // Statements of users are theirs.
    let count = "SELECT COUNT(*) AS n FROM inventory_items";
    dir.pbi(["sql", count, "--store", "store", "--workspace", "Sales*"]).ended(0);
}
