//! Filters, parameters, all reports at once, custom queries, exit codes and their explanations.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::archive::year;
use crate::workdir::{Ran, Workdir};

/// Asks the store of the invented year.
fn ask(arguments: &[&str]) -> Ran {
    year().dir.pbi(arguments.iter().chain(&["--store", "store"]))
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    let text = ask(&[arguments, &["--format", "json"]].concat()).ended(0).stdout;
    let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
    answer["rows"].as_array().expect("rows are a list").clone()
}

#[test]
fn filters_hold_for_every_report_and_are_told() {
    let whole = rows(&["report", "top-reports"]);
    let place = whole[0]["workspace"].as_str().expect("a workspace");
    let here = rows(&["report", "top-reports", "--workspace", &place.to_uppercase()]);
    assert!(!here.is_empty() && here.len() < whole.len());
    assert!(here.iter().all(|row| row["workspace"] == place), "{here:?}");
    let id = whole[0]["report_id"].as_str().expect("an id");
    let one = rows(&["report", "top-reports", "--report", id]);
    assert!(!one.is_empty() && one.iter().all(|row| row["report_id"] == id), "{one:?}");
    let anna = rows(&["report", "top-users", "--user", "anna.*"]);
    assert_eq!(anna.len(), 1, "{anna:?}");
    let none = ask(&["report", "exports", "--activity", "NoSuchThing"]).ended(0).stdout;
    assert!(none.contains("No events match the filters"), "{none}");
    let other = ask(&["report", "exports", "--activity", "ViewReport"]).ended(0).stdout;
    assert!(other.contains("events outside the filters"), "{other}");
}

#[test]
fn parameters_are_typed_and_checked() {
    let weeks = rows(&["report", "adoption", "--param", "grain=week"]).len();
    let days = rows(&["report", "adoption"]).len();
    assert!(days > 400 && weeks > 60 && weeks < 70, "{days} days, {weeks} weeks");
    for (set, told) in [
        ("grain=year", "adoption: grain must be one of day, week, month, not \"year\""),
        ("grian=day", "adoption has no parameter \"grian\". Did you mean grain?"),
        ("grain", "use NAME=VALUE"),
        ("=day", "use NAME=VALUE"),
    ] {
        let ran = ask(&["report", "adoption", "--param", set]).ended(2);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    let ran = ask(&["report", "adoptoin"]).ended(2);
    assert!(ran.stderr.contains("Did you mean adoption?"), "{}", ran.stderr);
}

#[test]
fn all_reports_at_once_are_the_same_as_one_by_one() {
    let archive = year();
    let folder = "all-reports";
    let flags = ["--since", "90d", "--tz", "Europe/Berlin", "--format", "csv"];
    ask(&[&["report", "--all", "--output-dir", folder], &flags[..]].concat()).ended(0);
    for report in archive.reports() {
        let path = archive.dir.join(format!("{folder}/{report}.csv"));
        let found =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{report}: {error}"));
        let alone = ask(&[&["report", report.as_str()], &flags[..]].concat()).ended(0).stdout;
        assert!(found == alone, "{report}: {}", crate::golden::difference(&alone, &found));
    }
    let files = std::fs::read_dir(archive.dir.join(folder)).expect("the folder is there").count();
    assert_eq!(files, archive.reports().len());
}

#[test]
fn what_all_reports_need_is_asked_for() {
    for (arguments, told) in [
        (&["report", "--all"][..], "--output-dir <DIR>"),
        (&["report", "adoption", "--all", "--output-dir", "x"], "cannot be used with"),
        (&["report", "adoption", "--output-dir", "x"], "--output-dir needs --all"),
    ] {
        let ran = ask(arguments).ended(2);
        assert!(ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn exit_codes_tell_what_they_were_asked_to_tell() {
    let lately = ["report", "coverage", "--fail-on"];
    let missing = ask(&[&lately[..], &["coverage:missing"]].concat()).ended(3);
    assert!(missing.stderr.contains("coverage: 6 days are missing"), "{}", missing.stderr);
    assert!(missing.stdout.contains("missing"), "the answer is given all the same");
    let day = ["--since", "2025-06-02", "--until", "2025-06-02"];
    ask(&[&lately[..], &["coverage:incomplete"], &day].concat()).ended(0);
    ask(&[&lately[..], &["rows:any"], &day].concat()).ended(3);
    ask(&[&lately[..], &["rows:none"], &day].concat()).ended(0);
    let wrong = ask(&[&lately[..], &["weather"]].concat()).ended(2);
    assert!(wrong.stderr.contains("use one of coverage:missing, "), "{}", wrong.stderr);
}

#[test]
fn a_statement_is_answered_or_refused_with_a_way_out() {
    let sql = "SELECT activity_name, COUNT(*) AS n FROM events WHERE operation_group = 'EXPORT' \
        GROUP BY activity_name ORDER BY n DESC NULLS LAST, activity_name NULLS LAST";
    let found = rows(&["sql", sql, "--since", "2025-01-01"]);
    assert!(found.iter().any(|row| row["activity_name"] == "ExportReport"), "{found:?}");
    let services = rows(&["sql", "SELECT COUNT(*) AS n FROM events", "--actors", "services"]);
    let people = rows(&["sql", "SELECT COUNT(*) AS n FROM events"]);
    let all = rows(&["sql", "SELECT COUNT(*) AS n FROM events", "--actors", "all"]);
    let count = |rows: &[Value]| rows[0]["n"].as_u64().expect("a number");
    assert_eq!(count(&services) + count(&people), count(&all));
    for (sql, told) in [
        ("SELECT * FROM read_csv('/etc/passwd')", "read_csv(…) cannot be read"),
        ("SELECT CURRENT_DATE AS d FROM events", "an archive has no current time"),
        ("DELETE FROM events", "only SELECT"),
        ("SELECT nothing FROM events", "nothing"),
        ("SELEC", "Expected"),
    ] {
        let ran = ask(&["sql", sql]).ended(1);
        assert!(ran.stderr.contains(told), "{sql}: {}", ran.stderr);
    }
}

#[test]
fn a_statement_is_read_from_stdin() {
    use std::io::Write;
    use std::process::Stdio;
    let mut command = year().dir.command(["sql", "-", "--store", "store", "--format", "csv"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("there is a pipe");
    stdin.write_all(b"SELECT COUNT(*) AS n FROM days").expect("it reads");
    drop(stdin);
    let ran = Ran::of(&child.wait_with_output().expect("it ends")).ended(0);
    assert_eq!(ran.stdout, "n\r\n453\r\n");
}

/// Custom reports are listed, explained, run with parameters, and part of `--all`.
#[test]
fn a_folder_of_ones_own_queries_becomes_reports() {
    let dir = Workdir::new();
    let sql = "-- title: Mine\n-- question: How many?\n-- param least: int = 2, how many at least\n\
        -- column n: how many\nWITH counted AS (SELECT COUNT(*) AS n FROM days)\n\
        SELECT n FROM counted WHERE n >= :least ORDER BY n NULLS LAST";
    let folder = dir.write("queries/mine.sql", sql);
    let folder = folder.parent().expect("a folder").to_str().expect("UTF-8");
    let own = ["--queries", folder];
    assert_eq!(rows(&[&["report", "mine"], &own[..]].concat())[0]["n"], 453);
    let none = rows(&[&["report", "mine", "--param", "least=1000"], &own[..]].concat());
    assert!(none.is_empty());
    let list = dir.pbi([&["reports"], &own[..]].concat()).ended(0).stdout;
    assert!(
        list.lines()
            .any(|line| line.trim_start().starts_with("mine ") && line.ends_with("How many?"))
    );
    let told = dir.pbi([&["reports", "mine"], &own[..]].concat()).ended(0).stdout;
    assert!(told.contains("  least = 2: how many at least"), "{told}");
    let mut command = year().dir.command(["report", "mine", "--store", "store", "--format", "csv"]);
    let output = command.env("PBI_QUERIES", folder).output().expect("the program starts");
    assert_eq!(Ran::of(&output).ended(0).stdout, "n\r\n453\r\n");

    dir.write("queries/broken.sql", "-- title: T\nSELECT 1 AS n");
    let ran = dir.pbi([&["reports"], &own[..]].concat()).ended(2);
    assert!(ran.stderr.contains("broken.sql: the header has no question"), "{}", ran.stderr);
    let ran = dir.pbi(["reports", "--queries", "nowhere"]).ended(1);
    assert!(ran.stderr.contains("cannot read nowhere: "), "{}", ran.stderr);
}

#[test]
fn reports_and_views_are_explained_within_a_terminal() {
    let dir = Workdir::new();
    let fitted = |arguments: &[&str]| {
        let output = dir.command(arguments).env("COLUMNS", "80").output();
        let text = Ran::of(&output.expect("the program starts")).ended(0).stdout;
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
        text
    };
    let list = fitted(&["reports"]);
    let views = fitted(&["schema", "--views"]);
    assert!(views.contains("events, history, events_all") && views.contains("  user_domain "));
    for report in year().reports() {
        assert!(
            list.lines().any(|line| line.trim_start().starts_with(&report)),
            "{report}: {list}"
        );
        let told = fitted(&["reports", &report]);
        assert!(told.contains(&format!("  pbi-analyze report {report}\n")), "{told}");
        assert!(told.contains("\nColumns\n  "), "{told}");
    }
    let json = dir.pbi(["schema", "--views", "--format", "json"]).ended(0).stdout;
    let json: Vec<Value> = serde_json::from_str(&json).expect("it is JSON");
    let names: BTreeSet<&str> = json.iter().filter_map(|view| view["view"].as_str()).collect();
    assert!(names.contains("recipients") && names.contains("period"), "{names:?}");
}

#[test]
fn the_views_are_written_for_another_engine() {
    let flags = ["--since", "30d", "--tz", "Europe/Berlin", "--param", "grain=week"];
    let clocks = [("duckdb", "timezone('Europe/Berlin'"), ("spark", "'UTC', 'Europe/Berlin'")];
    for (engine, clock) in clocks {
        let sql = ask(&[&["report", "adoption", "--show-sql", engine], &flags[..]].concat());
        let sql = sql.ended(0).stdout;
        for part in ["CREATE OR REPLACE TEMP VIEW history AS", clock, "'week'"] {
            assert!(sql.contains(part), "{engine}, {part}: {sql}");
        }
        assert!(!sql.contains(":grain"), "parameters are put in");
    }
    let both = ["report", "adoption", "--show-sql", "duckdb", "--from", "year"];
    assert!(ask(&both).ended(2).stderr.contains("cannot be used with"));
}
