//! Compares whole outputs over the sample archive with files in `tests/golden/` that people can
//! read, and answers in JSON with the figures of the generator.
//!
//! `PBI_BLESS=1 cargo test --release --test it golden::` writes the files anew. Check the
//! differences before you commit them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pbi_analyze::internals::grid::Cell;
use pbi_analyze::internals::query;
use pbi_analyze::internals::store::Store;
use serde::Deserialize;

use crate::bless::is_blessing;
use crate::sample_data::{FOLDERS, ROOT, copy_of_sample_data, golden};
use crate::top_reports::{Answer, Coverage};
use crate::workdir::Workdir;

/// Returns a folder with a store of both sample folders.
fn ingested() -> Workdir {
    let dir = copy_of_sample_data();
    dir.ingest("store", &FOLDERS).0.ended(3);
    dir
}

/// Returns the output of the program for a line of 120 columns.
fn printed(dir: &Workdir, arguments: &[&str]) -> String {
    let output = dir.command(arguments).env("COLUMNS", "120").output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// Compares an output with a file of `tests/golden/`, or writes the file if asked for.
pub fn assert_golden(name: &str, found: &str) {
    let path = Path::new(ROOT).join("tests/golden").join(name);
    if is_blessing() {
        std::fs::write(&path, found).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == found,
        "not as in tests/golden/{name}; PBI_BLESS=1 writes it anew\n{}",
        difference(&expected, found)
    );
}

/// Returns the lines that differ between two texts, without the common lines at their ends: `-` for
/// expected lines, `+` for found ones, with invisible characters escaped.
pub fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (expected.split('\n').collect(), found.split('\n').collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let mut text = format!("from line {}:\n", head + 1);
    for (mark, lines) in [('-', &old[..old.len() - tail]), ('+', &new[..new.len() - tail])] {
        for line in lines {
            let visible = line.replace('\r', "\\r").replace('\t', "\\t");
            writeln!(text, "{mark} {visible}").expect("a string takes all text");
        }
    }
    text
}

#[test]
fn difference_shows_only_the_lines_that_differ() {
    assert_eq!(difference("a\nb\nc\nd", "a\nB\r\nc\nd"), "from line 2:\n- b\n+ B\\r\n");
    assert_eq!(difference("a\na", "a\na\na"), "from line 3:\n+ a\n");
    assert_eq!(difference("", "x"), "from line 1:\n- \n+ x\n");
}

#[test]
fn top_reports_match_their_golden_files() {
    let dir = ingested();
    let formats = [
        ("text", "txt"),
        ("csv", "csv"),
        ("json", "json"),
        ("ndjson", "ndjson"),
        ("markdown", "md"),
    ];
    for (format, ending) in formats {
        let command = ["report", "top-reports", "--store", "store", "--format", format];
        assert_golden(&format!("top-reports.{ending}"), &printed(&dir, &command));
    }
}

#[test]
fn list_of_reports_matches_its_golden_files() {
    let dir = Workdir::new();
    assert_golden("reports.txt", &printed(&dir, &["reports"]));
    assert_golden("reports.json", &printed(&dir, &["reports", "--format", "json"]));
}

#[test]
fn status_matches_its_golden_file() {
    let dir = ingested();
    let text = printed(&dir, &["status", "--store", "store"]);
    // The size of compressed files depends on the version of a library.
    let line = text.lines().find(|line| line.starts_with("files ")).expect("a line on files");
    let (files, size) = line.split_once(", ").expect("how many, and how large");
    assert!(size.ends_with("iB"), "{size}");
    assert_golden("status.txt", &text.replace(line, &format!("{files}, <size>")));
}

/// The part of `status --format json` that the tests read.
#[derive(Debug, Deserialize)]
struct Status {
    first: Option<String>,
    last: Option<String>,
    events: u64,
    noise: u64,
    noise_share: f64,
}

fn answer(dir: &Workdir, arguments: &[&str]) -> Answer {
    let command = ["report", "top-reports", "--store", "store", "--format", "json"];
    let text = dir.pbi(command.iter().chain(arguments)).ended(0).stdout;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn most_used_reports_match_the_generator() {
    let (dir, golden) = (ingested(), golden());
    let answer = answer(&dir, &[]);
    assert_eq!(answer.rows.len(), golden.top_reports.len());
    let views: u64 = golden.top_reports.iter().map(|known| known.views).sum();
    assert_eq!(answer.totals.views, views);
    for (row, known) in answer.rows.iter().zip(&golden.top_reports) {
        assert_eq!((row.rank, row.views, row.viewers), (known.rank, known.views, known.viewers));
        assert_eq!(row.active_days, known.active_days, "{row:?}");
        assert_eq!(row.last_view.replace("+00:00", "Z"), known.last_view, "{row:?}");
        assert_eq!(row.report, known.report);
        assert_eq!(row.report_id.as_deref(), Some(known.report_id.as_str()), "{row:?}");
        let workspace = (row.workspace.as_deref(), row.workspace_id.as_deref());
        assert_eq!(workspace, (Some(known.workspace.as_str()), Some(known.workspace_id.as_str())));
    }
}

#[test]
fn excluded_events_match_the_generator() {
    let (dir, golden) = (ingested(), golden());
    let noise = golden.noise["total"];
    assert_eq!(noise, golden.noise["ExportActivityEvents"] + golden.noise["GetDatasources"]);
    assert_eq!(answer(&dir, &[]).excluded.noise, noise);
    let keep = answer(&dir, &["--noise", "include"]).excluded;
    let services = golden.events_by_actor["service"];
    assert_eq!((keep.noise, keep.services), (0, services), "without noise, all of services");

    let status: Status =
        serde_json::from_str(&dir.pbi(["status", "--store", "store", "--format", "json"]).stdout)
            .expect("the status is JSON");
    assert_eq!(status.events, golden.events_by_actor.values().sum::<u64>());
    assert_eq!(status.noise, noise);
    assert!((status.noise_share - noise as f64 / status.events as f64).abs() < 1e-12);
    let period = (status.first.as_deref(), status.last.as_deref());
    assert_eq!(period, (Some(&*golden.period.first), Some(&*golden.period.last)));
}

/// No report shows the kinds of actors yet, so the test runs its own statement.
#[test]
fn kinds_of_actors_match_the_generator() {
    let dir = ingested();
    let snapshot = Store::new(&dir.join("store")).snapshot().expect("the store can be read");
    let extent =
        query::event_time_range(&snapshot, query::LogKind::PowerBi).expect("the store can be read");
    let period = query::Period::new(chrono_tz::UTC, None, None, extent);
    let session = query::Session::new(&snapshot, period, query::Settings::default());
    let session = session.expect("the store can be read");
    let sql = "SELECT actor_kind, COUNT(*) AS n FROM events_all GROUP BY actor_kind";
    let report = query::ReportDefinition::ad_hoc(sql);
    let grid = query::execute(&session, &report, &BTreeMap::new()).expect("it can be answered");
    let found: BTreeMap<String, u64> = (grid.rows.iter())
        .map(|row| match row.as_slice() {
            [Cell::Text(kind), Cell::Int(events)] => (kind.clone(), *events as u64),
            other => panic!("a kind and a number were expected: {other:?}"),
        })
        .collect();
    assert_eq!(found, golden().events_by_actor);
}

#[test]
fn coverage_matches_the_generator() {
    let (dir, period) = (ingested(), golden().period);
    let coverage = answer(&dir, &[]).coverage;
    let missing = period.days_without_events.len() as u64;
    assert_eq!((coverage.days, coverage.missing), (period.days_with_events + missing, missing));
    // sample-data/README.md describes the day that was downloaded before it was over. The truncated
    // file makes no day truncated: another download of its day contains more.
    let found = (coverage.complete, coverage.partial, coverage.truncated);
    assert_eq!(found, (period.days_with_events - 1, 1, 0));
    let early = answer(&dir, &["--since", "2026-03-24", "--until", "2026-03-24"]).coverage;
    assert_eq!((early.days, early.partial), (1, 1));
    for day in &period.days_without_events {
        let none = answer(&dir, &["--since", day, "--until", day]);
        let alone = Coverage { days: 1, complete: 0, partial: 0, missing: 1, truncated: 0 };
        assert_eq!((none.coverage, none.rows.len()), (alone, 0), "{day}");
    }
}

/// Finds golden files that no test compares any more.
#[test]
fn every_golden_file_is_compared() {
    let folder = Path::new(ROOT).join("tests/golden");
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder can be listed")
        .map(|entry| entry.expect("the folder can be listed").file_name().into())
        .collect();
    names.sort();
    let known = [
        "adoption.svg",
        "compare-gap.txt",
        "compare-months.txt",
        "compare-previous.txt",
        "compare-too-early.txt",
        "details-report-usage.txt",
        "details-user-usage.txt",
        "details-workspace-usage.txt",
        "hour-of-week.svg",
        // Files of every report over the invented year, see golden_reports.
        "inventory",
        "reports",
        "reports.json",
        "reports.txt",
        "sample-data.json",
        "status.txt",
        "top-reports.csv",
        "top-reports.json",
        "top-reports.md",
        "top-reports.ndjson",
        "top-reports.svg",
        "top-reports.txt",
    ];
    assert_eq!(names, known.map(PathBuf::from));
}
