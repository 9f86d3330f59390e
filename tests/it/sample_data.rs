//! The sample data in the repository, compared with the figures of its generator.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::table;
use crate::workdir::{Outcome, Records, Sources, Workdir};

/// The root of the repository.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The sample folders: the clean one, and the one with two damaged files.
pub const FOLDERS: [&str; 2] = ["sample-data", "sample-data-damaged"];

/// The contents of `tests/golden/sample-data.json`.
#[derive(Debug, Deserialize)]
struct GoldenFigures {
    clean: Golden,
    with_damaged: Golden,
}

/// The figures of one or both folders, as far as tests use them.
#[derive(Debug, Deserialize)]
pub struct Golden {
    sources: GoldenSources,
    records: GoldenRecords,
    pub period: GoldenPeriod,
    stored_by_month: BTreeMap<String, u64>,
    operations: BTreeMap<String, u64>,
    pub events_by_actor: BTreeMap<String, u64>,
    pub noise: BTreeMap<String, u64>,
    pub top_reports: Vec<GoldenRow>,
    files: Vec<GoldenFile>,
}

#[derive(Debug, Deserialize)]
struct GoldenSources {
    total: u64,
    with_events: u64,
    empty: u64,
    truncated: u64,
    unsupported: u64,
}

#[derive(Debug, Deserialize)]
struct GoldenRecords {
    read: u64,
    stored: u64,
    duplicates: u64,
    other_workloads: u64,
    rejected: u64,
    duplicates_conflicting: u64,
}

#[derive(Debug, Deserialize)]
pub struct GoldenPeriod {
    pub first: String,
    pub last: String,
    pub days_with_events: u64,
    pub days_without_events: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct GoldenRow {
    pub rank: u64,
    pub report: String,
    pub workspace: String,
    pub views: u64,
    pub viewers: u64,
    pub active_days: u64,
    pub last_view: String,
    pub report_id: String,
    pub workspace_id: String,
}

#[derive(Debug, Deserialize)]
struct GoldenFile {
    path: String,
    read: u64,
    stored: u64,
    duplicates: u64,
    other_workloads: u64,
    rejected: u64,
}

fn figures() -> GoldenFigures {
    let path = Path::new(ROOT).join("tests/golden/sample-data.json");
    let text = std::fs::read_to_string(path).expect("the golden figures can be read");
    serde_json::from_str(&text).expect("the golden figures are what a test expects")
}

/// The figures of both sample folders together.
pub fn golden() -> Golden {
    figures().with_damaged
}

/// A folder with copies of both sample folders in it, under their own names.
pub fn copy_of_sample_data() -> Workdir {
    let dir = Workdir::new();
    for folder in FOLDERS {
        copy(&Path::new(ROOT).join(folder), &dir.join(folder));
    }
    dir
}

/// Copies a folder. The files get a time after their days: a file that is older than its last day
/// counts as written too early, and a clone can be older than that.
fn copy(from: &Path, to: &Path) {
    let late = SystemTime::UNIX_EPOCH + Duration::from_secs(1_777_600_000);
    std::fs::create_dir_all(to).expect("the folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("the file can be copied");
            let file = std::fs::File::options().append(true).open(&target);
            let set = file.and_then(|file| file.set_modified(late));
            set.expect("the time of a file can be set");
        }
    }
}

#[test]
fn the_clean_folder_has_the_figures_of_the_generator_and_exit_code_0() {
    assert_figures(&figures().clean, &FOLDERS[..1], 0);
}

#[test]
fn both_folders_have_the_figures_of_the_generator_and_exit_code_3() {
    assert_figures(&golden(), &FOLDERS, 3);
}

fn assert_figures(golden: &Golden, folders: &[&str], code: i32) {
    let dir = copy_of_sample_data();
    let (ran, summary) = dir.ingest("store", folders);
    ran.ended(code);
    assert_eq!(
        summary.sources,
        Sources {
            found: golden.sources.total,
            new: golden.sources.total - golden.sources.unsupported,
            failed: golden.sources.unsupported,
            ..Sources::default()
        }
    );
    assert_eq!(
        summary.records,
        Records {
            read: golden.records.read,
            stored: golden.records.stored,
            duplicates: golden.records.duplicates,
            conflicting: golden.records.duplicates_conflicting,
            improved: 0,
            other_workloads: golden.records.other_workloads,
            rejected: golden.records.rejected,
        }
    );
    assert_eq!(summary.period.first.as_deref(), Some(golden.period.first.as_str()));
    assert_eq!(summary.period.last.as_deref(), Some(golden.period.last.as_str()));
    assert_eq!(summary.store.events, golden.records.stored);
    assert_eq!(summary.generated_ids, 0);
    let with_events = summary.files.iter().filter(|source| source.records.read > 0).count();
    assert_eq!(with_events as u64, golden.sources.with_events);
    let empty = summary
        .files
        .iter()
        .filter(|source| source.records.read == 0 && source.outcome == Outcome::Ok)
        .count();
    assert_eq!(empty as u64, golden.sources.empty);
    let damaged = summary.files.iter().filter(|source| source.outcome == Outcome::Partial).count();
    assert_eq!(damaged as u64, golden.sources.truncated);
}

#[test]
fn every_file_has_the_account_that_the_generator_knows() {
    let dir = copy_of_sample_data();
    let (_, summary) = dir.ingest("store", &FOLDERS);
    let expected = golden().files;
    assert_eq!(summary.files.len(), expected.len());
    for file in expected {
        let found = summary.of(&file.path).records;
        // Which copies conflict is known in total only.
        let records = Records {
            read: file.read,
            stored: file.stored,
            duplicates: file.duplicates,
            conflicting: found.conflicting,
            improved: 0,
            other_workloads: file.other_workloads,
            rejected: file.rejected,
        };
        assert_eq!(found, records, "{}", file.path);
    }
}

#[test]
fn the_table_holds_the_events_that_the_generator_knows() {
    let (golden, dir) = (golden(), copy_of_sample_data());
    dir.ingest("store", &FOLDERS);
    let (mut months, mut operations) = (BTreeMap::new(), BTreeMap::new());
    let mut last: Option<(String, i64)> = None;
    table::for_each_row(&dir.join("store"), |row| {
        let operation = row.text("Operation").expect("every event has an operation").to_owned();
        *months.entry(row.month.to_owned()).or_default() += 1;
        *operations.entry(operation).or_default() += 1;
        let here = (row.month.to_owned(), row.time_us());
        let utc = chrono::DateTime::from_timestamp_micros(here.1).expect("an instant");
        assert_eq!(utc.format("%Y-%m").to_string(), here.0, "an event stands in its UTC month");
        assert!(last.as_ref().is_none_or(|last| *last <= here), "rows stand in order of time");
        last = Some(here);
    });
    assert_eq!(months, golden.stored_by_month);
    assert_eq!(operations, golden.operations);
}

#[test]
fn trouble_is_told_on_stderr_with_its_place() {
    let dir = copy_of_sample_data();
    let told = [
        "pbi-analyze: sample-data-damaged/20260305.json: byte 8644: the file ends in the middle \
         of a record",
        "pbi-analyze: sample-data-damaged/PBIActivityEvents-20260318-202603190210.json: byte 0: \
         not a log of Power BI events: a web page",
    ];
    for (store, quiet) in [("a", None), ("b", Some("--quiet"))] {
        let ingest = ["ingest", FOLDERS[0], FOLDERS[1], "--store", store];
        let ran = dir.pbi(ingest.into_iter().chain(quiet)).ended(3);
        for line in told {
            assert!(ran.stderr.contains(line), "{line} is missing in {}", ran.stderr);
        }
        if quiet.is_some() {
            assert_eq!(ran.stderr.lines().count(), told.len(), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_second_run_finds_everything_known_and_commits_nothing() {
    let dir = copy_of_sample_data();
    let (ran, first) = dir.ingest("store", &FOLDERS);
    ran.ended(3);
    let (versions, files) = (table::versions(&dir.join("store")), table::files(&dir.join("store")));
    let (ran, second) = dir.ingest("store", &FOLDERS);
    let ran = ran.ended(0);
    assert!(!ran.stderr.contains("byte"), "{}", ran.stderr);
    assert_eq!(second.records, Records::default());
    assert_eq!(second.sources, Sources { found: 44, known: 44, ..Sources::default() });
    assert_eq!((second.period, second.store), (first.period, first.store));
    assert_eq!(table::versions(&dir.join("store")), versions);
    assert_eq!(table::files(&dir.join("store")), files);
}

/// A known file is known by its content, so neither its name nor the folder of the run matters.
#[test]
fn a_moved_archive_is_known_by_its_content() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &FOLDERS);
    std::fs::rename(dir.join("sample-data"), dir.join("moved")).expect("a folder can be moved");
    let (_, summary) = dir.ingest("store", &["moved", "sample-data-damaged"]);
    assert_eq!(summary.sources, Sources { found: 44, known: 44, ..Sources::default() });
}
