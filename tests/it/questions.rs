//! Filters, parameters, all reports at once, custom queries, exit codes and their explanations.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::archive::year;
use crate::workdir::{Ran, Workdir};

/// Runs a command on the store of the invented year.
fn run_on_year(arguments: &[&str]) -> Ran {
    year().dir.pbi(arguments.iter().chain(&["--store", "store"]))
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    let text = run_on_year(&[arguments, &["--format", "json"]].concat()).ended(0).stdout;
    let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
    answer["rows"].as_array().expect("rows are a list").clone()
}

#[test]
fn filters_apply_to_every_report_and_are_shown() {
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
    let none = run_on_year(&["report", "exports", "--activity", "NoSuchThing"]).ended(0).stdout;
    assert!(none.contains("No events match the filters"), "{none}");
    let other = run_on_year(&["report", "exports", "--activity", "ViewReport"]).ended(0).stdout;
    assert!(other.contains("events outside the filters"), "{other}");
}

#[test]
fn parameters_are_typed_and_checked() {
    let weeks = rows(&["report", "adoption", "--param", "grain=week"]).len();
    let days = rows(&["report", "adoption"]).len();
    assert!(days > 400 && weeks > 60 && weeks < 70, "{days} days, {weeks} weeks");
    for (set, expected) in [
        ("grain=year", "adoption: grain must be one of day, week, month, not \"year\""),
        ("grian=day", "adoption has no parameter \"grian\". Did you mean grain?"),
        ("grain", "use NAME=VALUE"),
        ("=day", "use NAME=VALUE"),
    ] {
        let ran = run_on_year(&["report", "adoption", "--param", set]).ended(2);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    let ran = run_on_year(&["report", "adoptoin"]).ended(2);
    assert!(ran.stderr.contains("Did you mean adoption?"), "{}", ran.stderr);
}

#[test]
fn all_reports_at_once_equal_single_reports() {
    let archive = year();
    let folder = "all-reports";
    let flags = ["--since", "90d", "--tz", "Europe/Berlin", "--format", "csv"];
    run_on_year(&[&["report", "--all", "--output-dir", folder], &flags[..]].concat()).ended(0);
    for report in archive.reports() {
        let path = archive.dir.join(format!("{folder}/{report}.csv"));
        let found =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{report}: {error}"));
        let alone =
            run_on_year(&[&["report", report.as_str()], &flags[..]].concat()).ended(0).stdout;
        assert!(found == alone, "{report}: {}", crate::golden::difference(&alone, &found));
    }
    let files = std::fs::read_dir(archive.dir.join(folder)).expect("the folder is there").count();
    assert_eq!(files, archive.reports().len());
}

#[test]
fn all_reports_need_an_output_folder() {
    for (arguments, expected) in [
        (&["report", "--all"][..], "--output-dir <DIR>"),
        (&["report", "adoption", "--all", "--output-dir", "x"], "cannot be used with"),
        (&["report", "adoption", "--output-dir", "x"], "--output-dir needs --all"),
    ] {
        let ran = run_on_year(arguments).ended(2);
        assert!(ran.stderr.contains(expected), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn fail_on_conditions_set_the_exit_code() {
    let lately = ["report", "coverage", "--fail-on"];
    let missing = run_on_year(&[&lately[..], &["coverage:missing"]].concat()).ended(3);
    assert!(missing.stderr.contains("coverage: 6 days are missing"), "{}", missing.stderr);
    assert!(missing.stdout.contains("missing"), "the answer is given all the same");
    let day = ["--since", "2025-06-02", "--until", "2025-06-02"];
    run_on_year(&[&lately[..], &["coverage:incomplete"], &day].concat()).ended(0);
    run_on_year(&[&lately[..], &["rows:any"], &day].concat()).ended(3);
    run_on_year(&[&lately[..], &["rows:none"], &day].concat()).ended(0);
    // A named day is missing even if the log ends before it.
    let since = [&lately[..], &["coverage:missing", "--since", "2026-09-01"]].concat();
    assert!(run_on_year(&since).ended(3).stdout.contains("2026-09-01  missing"));
    let wrong = run_on_year(&[&lately[..], &["weather"]].concat()).ended(2);
    assert!(wrong.stderr.contains("use one of coverage:missing, "), "{}", wrong.stderr);
}

#[test]
fn statement_is_run_or_refused_with_a_rewrite() {
    let sql = "SELECT activity_name, COUNT(*) AS n FROM events WHERE operation_group = 'EXPORT' \
        GROUP BY activity_name ORDER BY n DESC NULLS LAST, activity_name NULLS LAST";
    let found = rows(&["sql", sql, "--since", "2025-01-01"]);
    assert!(found.iter().any(|row| row["activity_name"] == "ExportReport"), "{found:?}");
    let services = rows(&["sql", "SELECT COUNT(*) AS n FROM events", "--actors", "services"]);
    let people = rows(&["sql", "SELECT COUNT(*) AS n FROM events"]);
    let all = rows(&["sql", "SELECT COUNT(*) AS n FROM events", "--actors", "all"]);
    let count = |rows: &[Value]| rows[0]["n"].as_u64().expect("a number");
    assert_eq!(count(&services) + count(&people), count(&all));
    for (sql, expected) in [
        ("SELECT * FROM read_csv('/etc/passwd')", "read_csv(…) cannot be read"),
        ("SELECT NOW() AS d FROM events", "an archive has no current time"),
        ("DELETE FROM events", "only SELECT"),
        ("SELECT nothing FROM events", "nothing"),
        ("SELEC", "Expected"),
    ] {
        let ran = run_on_year(&["sql", sql]).ended(1);
        assert!(ran.stderr.contains(expected), "{sql}: {}", ran.stderr);
    }
}

/// The figures of `usage-summary` are those of the reports that it names.
#[test]
fn the_summary_has_the_figures_of_the_reports() {
    let period = ["--period", "2025-10-06..2025-11-02"];
    let ask = |arguments: &[&str]| rows(&[arguments, &period[..]].concat());
    let summary = ask(&["report", "usage-summary"]);
    let value = |figure: &str| {
        let row = summary.iter().find(|row| row["figure"] == figure);
        row.and_then(|row| row["value"].as_i64()).expect("the figure")
    };
    let sum = |rows: &[Value], column: &str| -> i64 {
        rows.iter().filter_map(|row| row[column].as_i64()).sum()
    };
    let reports = ask(&["report", "top-reports"]);
    assert_eq!(value("Report views"), sum(&reports, "views"));
    let names: BTreeSet<String> = reports
        .iter()
        .filter(|row| row["report"] != "(unknown)")
        .map(|row| row["report_id"].as_str().or(row["report"].as_str()).expect("a name").to_owned())
        .collect();
    assert_eq!(value("Reports viewed"), names.len() as i64);
    assert_eq!(
        value("Exports, downloads and prints"),
        sum(&ask(&["report", "exports"]), "exports")
    );
    let users = ask(&["report", "top-users", "--where", "user <> '(unknown)'"]);
    assert_eq!(value("Viewers"), users.len() as i64);
    // The period has 28 days, so its people are those of the window of the last day.
    let days = ask(&["report", "adoption"]);
    assert_eq!(Some(value("Active users")), days.last().and_then(|day| day["mau"].as_i64()));
    let workspaces = ask(&["report", "workspace-usage"]);
    let other = sum(&workspaces, "other_views");
    assert_eq!(value("Other views"), other);
    assert!(value("Creators") > 0 && value("Sharing") > 0 && value("Workspaces viewed") > 0);
}

#[test]
fn the_current_date_is_the_last_day_of_the_period() {
    let sql = "SELECT COUNT(*) AS n, MAX(local_date) AS d FROM events \
        WHERE local_date > CURRENT_DATE - INTERVAL '7 days' AND local_date <= current_date";
    let week = rows(&["sql", sql, "--until", "2025-11-30"]);
    let same = rows(&[
        "sql",
        "SELECT COUNT(*) AS n, MAX(local_date) AS d FROM events",
        "--period",
        "2025-11-24..2025-11-30",
    ]);
    assert_eq!(week, same);
    let ran = run_on_year(&["sql", "SELECT CURRENT_DATE AS d", "--until", "2025-11-30"]).ended(0);
    assert!(ran.stdout.contains("CURRENT_DATE is 2025-11-30, the last day of the period."));
    // The engine's warnings on casts of days are not for users.
    assert_eq!(ran.stderr, "");
}

#[test]
fn views_without_a_statement_are_a_script_that_counts_their_rows() {
    let ran = run_on_year(&["sql", "--show-sql", "duckdb"]).ended(0);
    for view in ["events", "history", "events_all", "days", "people", "inventory_items"] {
        assert!(ran.stdout.contains(&format!("VIEW {view} AS")), "{view}");
        assert!(ran.stdout.contains(&format!("SELECT '{view}' AS name")), "{view}");
    }
    assert!(run_on_year(&["sql"]).ended(2).stderr.contains("STATEMENT"));
}

#[test]
fn statement_is_read_from_stdin() {
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
fn custom_queries_become_reports() {
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
    let explained = dir.pbi([&["reports", "mine"], &own[..]].concat()).ended(0).stdout;
    assert!(explained.contains("  least = 2: how many at least"), "{explained}");
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
fn explanations_fit_the_terminal() {
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
        let expected = fitted(&["reports", &report]);
        assert!(expected.contains(&format!("  pbi-analyze report {report}\n")), "{expected}");
        assert!(expected.contains("\nColumns\n  "), "{expected}");
    }
    let json = dir.pbi(["schema", "--views", "--format", "json"]).ended(0).stdout;
    let json: Vec<Value> = serde_json::from_str(&json).expect("it is JSON");
    let names: BTreeSet<&str> = json.iter().filter_map(|view| view["view"].as_str()).collect();
    assert!(names.contains("recipients") && names.contains("period"), "{names:?}");
}

#[test]
fn views_are_printed_as_sql_of_another_engine() {
    let flags = ["--since", "30d", "--tz", "Europe/Berlin", "--param", "grain=week"];
    let clocks = [("duckdb", "timezone('Europe/Berlin'"), ("spark", "'UTC', 'Europe/Berlin'")];
    for (engine, clock) in clocks {
        let sql =
            run_on_year(&[&["report", "adoption", "--show-sql", engine], &flags[..]].concat());
        let sql = sql.ended(0).stdout;
        for part in ["CREATE OR REPLACE TEMP VIEW history AS", clock, "'week'"] {
            assert!(sql.contains(part), "{engine}, {part}: {sql}");
        }
        assert!(!sql.contains(":grain"), "parameters are put in");
    }
    let statement = ["sql", "SELECT Id FROM events ORDER BY Id NULLS LAST"];
    let sql = run_on_year(&[&statement[..], &["--show-sql", "duckdb"]].concat()).ended(0).stdout;
    for part in ["CREATE OR REPLACE TEMP VIEW events AS", "SELECT Id FROM events ORDER BY Id"] {
        assert!(sql.contains(part), "{part}: {sql}");
    }
    let both = ["report", "adoption", "--show-sql", "duckdb", "--from", "year"];
    assert!(run_on_year(&both).ended(2).stderr.contains("cannot be used with"));
}
