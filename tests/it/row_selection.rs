//! `--where`, `--sort`, `--top` and `--columns` compared with the same selection in plain code over
//! the whole result.

use pbi_analyze::internals::query;
use serde_json::Value;

use crate::archive::year;
use crate::workdir::{Ran, Workdir};

fn run(arguments: &[&str]) -> Ran {
    year().dir.pbi(arguments.iter().chain(&["--store", "store"]))
}

/// Returns the columns and rows of a result in JSON.
fn answer(arguments: &[&str]) -> (Vec<String>, Vec<Value>) {
    let text = run(&[arguments, &["--format", "json"]].concat()).ended(0).stdout;
    let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
    let names = answer["columns"].as_array().expect("columns are a list");
    let names = names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect();
    (names, answer["rows"].as_array().expect("rows are a list").clone())
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    answer(arguments).1
}

#[test]
fn conditions_select_the_rows_that_plain_code_selects() {
    let all = rows(&["report", "workspace-usage", "--since", "2025-06-01"]);
    let views = |row: &Value| row["views"].as_i64();
    let middle = views(&all[all.len() / 2]).expect("a number of views");
    let condition = format!("views > {middle}");
    let flags = ["report", "workspace-usage", "--since", "2025-06-01", "--where", &condition];
    let expected: Vec<Value> =
        all.iter().filter(|row| views(row) > Some(middle)).cloned().collect();
    assert!(!expected.is_empty() && expected.len() < all.len());
    assert_eq!(rows(&flags), expected);
    let (names, found) = answer(&[&flags[..], &["--columns", "views,workspace"]].concat());
    assert_eq!(names, ["views", "workspace"]);
    for (found, expected) in found.iter().zip(&expected) {
        let members = found.as_object().expect("an object");
        assert_eq!(members.len(), 2);
        assert!(members.iter().all(|(name, value)| expected[name] == *value), "{found}");
    }
}

#[test]
fn nulls_match_no_comparison_and_are_sorted_last() {
    let all = rows(&["report", "top-reports", "--since", "60d"]);
    let trend = |row: &Value| row["trend"].as_f64();
    let [known, unknown] = [true, false]
        .map(|is_known| all.iter().filter(|row| trend(row).is_some() == is_known).count());
    assert!(known > 0 && unknown > 0, "{known} rows with a trend, {unknown} without");
    let select = |condition: &str| {
        rows(&["report", "top-reports", "--since", "60d", "--where", condition]).len()
    };
    assert_eq!(select("trend >= 0 OR trend < 0"), known);
    assert_eq!(select("NOT (trend >= 0)"), 0);
    assert_eq!(select("trend IS NULL"), unknown);
    for (key, is_descending) in [("trend", false), ("-trend", true)] {
        let sorted = rows(&["report", "top-reports", "--since", "60d", "--sort", key]);
        let mut expected = all.clone();
        // A stable sort, with nulls last in both directions.
        expected.sort_by(|one, other| match (trend(one), trend(other)) {
            (Some(one), Some(other)) if is_descending => other.total_cmp(&one),
            (Some(one), Some(other)) => one.total_cmp(&other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        });
        assert_eq!(sorted, expected, "{key}");
    }
}

#[test]
fn top_limits_every_report_after_condition_and_order() {
    for report in year().reports() {
        let period = ["report", &report, "--period", "last-week"];
        let all = rows(&period);
        let first = rows(&[&period[..], &["--top", "2"]].concat());
        assert_eq!(first, all[..all.len().min(2)], "{report}");
    }
    let lately = ["report", "top-users", "--since", "60d", "--sort", "user", "--top", "3"];
    let mut all = rows(&["report", "top-users", "--since", "60d"]);
    all.sort_by_key(|row| row["user"].as_str().map(str::to_owned));
    assert!(all.len() > 3, "more rows than are asked for: {}", all.len());
    assert_eq!(rows(&lately), all[..3]);
}

#[test]
fn sentences_count_the_rows_that_are_left_out() {
    let text = |flags: &[&str]| {
        let fixed = ["report", "top-users", "--since", "60d"];
        run(&[&fixed[..], flags].concat()).ended(0).stdout
    };
    let all = rows(&["report", "top-users", "--since", "60d"]).len();
    let one = text(&["--where", "rank = 1"]);
    assert!(one.contains(&format!("1 of {all} rows matches the condition rank = 1.")), "{one}");
    let none = text(&["--where", "rank = 0"]);
    assert!(none.contains(&format!("None of {all} rows matches the condition")), "{none}");
    assert!(!none.contains("Nobody") && !none.contains("There is no matching"), "{none}");
    let sorted = text(&["--sort", "-rank", "--top", "20"]);
    let shown = format!("Showing the first 20 rows of {all} (use --top for more).");
    assert!(sorted.contains(&shown), "{sorted}");
    assert!(sorted.contains("Coverage: "), "{sorted}");
    let days = run(&["report", "coverage", "--since", "9d", "--top", "2"]).ended(0).stdout;
    assert!(days.contains("Showing the first 2 rows of 9 (use --top for more)."), "{days}");
}

#[test]
fn statements_and_alarms_use_the_selected_rows() {
    let sql = "SELECT local_date AS day, COUNT(*) AS n FROM events GROUP BY local_date";
    let found = rows(&["sql", sql, "--where", "N > 0", "--sort", "-n,day", "--top", "5"]);
    let mut all = rows(&["sql", sql]);
    all.sort_by_key(|row| {
        let n = row["n"].as_i64().expect("a number");
        (-n, row["day"].as_str().expect("a day").to_owned())
    });
    assert_eq!(found, all[..5]);
    let alarm = ["report", "workspace-usage", "--fail-on", "rows:any", "--where"];
    run(&[&alarm[..], &["views >= 0"]].concat()).ended(3);
    run(&[&alarm[..], &["views < 0"]].concat()).ended(0);
}

#[test]
fn formats_have_the_same_rows_and_columns() {
    let flags = ["report", "top-reports", "--where", "rank <= 3", "--columns", "views,report"];
    let run_as = |format: &str| run(&[&flags[..], &["--format", format]].concat()).ended(0).stdout;
    assert_eq!(run_as("csv").lines().count(), 4);
    assert!(run_as("csv").starts_with("views,report\r\n") || run_as("csv").starts_with("views,"));
    assert_eq!(run_as("ndjson").lines().count(), 3);
    let bars = run_as("text");
    assert!(bars.contains('█'), "{bars}");
    let week = run(&["report", "hour-of-week", "--sort", "-views", "--top", "1"]).ended(0).stdout;
    assert!(week.contains("weekday") && !week.contains('█'), "rows, no heatmap: {week}");
}

#[test]
fn mistakes_name_the_nearest_column_and_the_way_out() {
    for (flags, expected) in [
        (&["--where", "vews = 1"][..], "no column \"vews\". Did you mean views?"),
        (&["--sort", "-vewers"], "no column \"vewers\". Did you mean viewers?"),
        (&["--columns", "report,reprot"], "Did you mean report?"),
        (&["--columns", "report,Report"], "named twice"),
        (&["--columns", "report,,views"], "a column name is missing"),
        (&["--where", "report = \"Sales\""], "single quotation marks: 'Sales'"),
        (&["--show-sql", "duckdb", "--sort", "views"], "cannot be used with"),
    ] {
        let ran = run(&[&["report", "top-reports"], flags].concat()).ended(2);
        assert!(ran.stderr.contains(expected), "{flags:?}: {}", ran.stderr);
    }
    let more = run(&["report", "top-reports", "--where", "COUNT(*) > 1"]);
    assert!(more.stderr.contains("reads more than one row"), "{}", more.stderr);
    let all = run(&["report", "--all", "--output-dir", "x", "--columns", "views"]).ended(2);
    assert!(all.stderr.contains("cannot be used with"), "{}", all.stderr);
    let rows = run(&["report", "adoption", "--show-sql", "duckdb", "--top", "3"]).ended(2);
    assert!(rows.stderr.contains("adoption has no parameter top"), "{}", rows.stderr);
}

#[test]
fn empty_stores_check_names_too() {
    let dir = Workdir::new();
    dir.write("log/empty.json", "[]");
    dir.ingest("store", &["log"]).0.ended(0);
    let ran = dir.pbi(["report", "top-reports", "--store", "store", "--where", "vews = 1"]);
    assert!(ran.ended(2).stderr.contains("Did you mean views?"));
}

/// Returns the sums of a report in JSON.
fn totals(arguments: &[&str]) -> serde_json::Map<String, Value> {
    let text = run(&[arguments, &["--format", "json"]].concat()).ended(0).stdout;
    let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
    answer["totals"].as_object().cloned().unwrap_or_default()
}

#[test]
fn totals_are_the_sums_of_all_rows_that_match() {
    let mut summed = 0;
    let reports = query::DefinitionCatalog::built_in().expect("the reports can be read");
    for report in reports.reports().iter().filter(|report| !report.totals.is_empty()) {
        let name = report.name.as_str();
        let flags = ["report", name, "--since", "60d"];
        let found = totals(&[&flags[..], &["--top", "2"]].concat());
        let all = rows(&flags);
        for (column, sum) in &found {
            let values = all.iter().filter_map(|row| row[column].as_i64());
            assert_eq!(sum.as_i64(), Some(values.sum()), "{name} {column}");
            summed += 1;
        }
    }
    assert!(summed > 40, "{summed} sums");
    let flags = ["report", "top-reports", "--where", "viewers = 1", "--columns", "report,views"];
    let views: i64 = rows(&flags).iter().filter_map(|row| row["views"].as_i64()).sum();
    let found = totals(&flags);
    assert_eq!((found.len(), found["views"].as_i64()), (1, Some(views)));
    let shown = run(&["report", "top-reports", "--top", "3"]).stdout;
    assert!(shown.contains("rows: views "), "{shown}");
    let shown = run(&["report", "top-reports", "--top", "3", "--format", "csv"]);
    assert!(!shown.stdout.contains("Total") && !shown.stderr.contains("Total"));
}

/// Each event of a total counts once: the sums of several reports equal counts of the events.
#[test]
fn totals_equal_the_number_of_events() {
    let count = |condition: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM events WHERE {condition}");
        rows(&["sql", &sql, "--since", "90d"])[0]["n"].as_i64().expect("a number")
    };
    let views = count("activity_name = 'ViewReport'");
    let other_views = count("operation_group = 'VIEW' AND activity_name <> 'ViewReport'");
    let exports = count("operation_group = 'EXPORT'");
    assert!(views > 100 && other_views > 10 && exports > 10);
    for (report, column, expected) in [
        ("top-reports", "views", views),
        ("top-users", "views", views),
        ("top-users", "other_views", other_views),
        ("workspace-usage", "views", views),
        ("workspace-usage", "other_views", other_views),
        ("workspace-usage", "exports", exports),
        ("hour-of-week", "views", views),
        ("hour-of-week", "other_views", other_views),
        ("distribution-method", "views", views),
        ("consumption-trend", "views", views),
        ("capacity-usage", "views", views),
        ("exports", "exports", exports),
    ] {
        let found = totals(&["report", report, "--since", "90d"]);
        assert_eq!(found[column].as_i64(), Some(expected), "{report} {column}");
    }
}
