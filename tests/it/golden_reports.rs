//! What every report prints over the invented year, compared with files in `tests/golden/reports/`
//! that people can look at: a table of 100 columns, CSV and JSON for each.
//!
//! `PBI_BLESS=1 cargo test --release --test it golden_reports::` writes the files anew. Look at
//! what changed before you commit it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::archive::{YearArchive, year};
use crate::golden::difference;
use crate::sample_data::ROOT;

/// The formats, and the endings of their files.
const FORMATS: [(&str, &str); 3] = [("text", "txt"), ("csv", "csv"), ("json", "json")];

/// What a report is asked about unless it says otherwise below: short enough to be looked at.
const LATELY: &[&str] = &["--since", "60d"];

/// Reports whose point is the whole archive.
const WHOLE: [&str; 1] = ["adoption-cohorts"];

fn flags(report: &str) -> &'static [&'static str] {
    if WHOLE.contains(&report) { &[] } else { LATELY }
}

fn folder() -> PathBuf {
    Path::new(ROOT).join("tests/golden/reports")
}

/// What the program prints, by all threads or by one.
fn printed(archive: &YearArchive, report: &str, format: &str, is_alone: bool) -> Vec<u8> {
    let fixed = ["report", report, "--store", "store", "--tz", "Europe/Berlin", "--format", format];
    let mut command = archive.dir.command(fixed.iter().chain(flags(report)));
    command.env("COLUMNS", "100");
    if is_alone {
        command.args(["--threads", "1"]);
        command.env("RAYON_NUM_THREADS", "1").env("POLARS_MAX_THREADS", "1");
    }
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{report} as {format}: {output:?}");
    output.stdout
}

/// What is wrong with a report's files; nothing where all is as it was.
fn faults(archive: &YearArchive, report: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (format, ending) in FORMATS {
        let found = printed(archive, report, format, false);
        if found != printed(archive, report, format, true) {
            faults.push(format!("{report} as {format}: two runs differ"));
        }
        let found = String::from_utf8(found).expect("output is UTF-8");
        let name = format!("{report}.{ending}");
        let path = folder().join(&name);
        if std::env::var_os("PBI_BLESS").is_some() {
            std::fs::write(&path, found).expect("the golden file can be written");
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(expected) if expected == found => {}
            Ok(expected) => {
                let difference = difference(&expected, &found);
                faults.push(format!("not as in tests/golden/reports/{name}\n{difference}"));
            }
            Err(error) => faults.push(format!("tests/golden/reports/{name}: {error}")),
        }
    }
    faults
}

#[test]
fn every_report_looks_as_it_always_did() {
    let archive = year();
    let reports = archive.reports();
    std::fs::create_dir_all(folder()).expect("the folder can be made");
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(report) = reports.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = faults(archive, report);
                    all.lock().expect("no other thread panicked").extend(found);
                }
            });
        }
    });
    let all = all.into_inner().expect("no thread panicked");
    assert!(all.is_empty(), "PBI_BLESS=1 writes the files anew\n{}", all.join("\n"));
}

/// A file of a report that is no more must not stay behind, looking as if it were true.
#[test]
fn every_file_belongs_to_a_report() {
    let reports = year().reports();
    let known: BTreeSet<String> = reports
        .iter()
        .flat_map(|report| FORMATS.map(|(_, ending)| format!("{report}.{ending}")))
        .collect();
    let entries = std::fs::read_dir(folder()).expect("the folder can be listed");
    let found: BTreeSet<String> = entries
        .map(|entry| entry.expect("the folder can be listed").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let stray: Vec<&String> = found.difference(&known).collect();
    assert!(stray.is_empty(), "no report of these: {stray:?}");
}
