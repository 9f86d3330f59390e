//! Measures how the cost of an ingest and of reports grows with the archive, with the number of its
//! files, and with the age of the store. `cargo bench --bench growth` writes the tables of
//! RESULTS.md; `-- size`, `-- files`, `-- age` or `-- reports` writes one of them, and a number
//! after it ends the table there.
//!
//! Each row is one run of the program, started as a user would. It contains the CPU time that the
//! system counts and the peak memory of the process. Both are read from /proc, so this runs on
//! Linux only. Every run is compared with the output of the generator.
#![allow(
    clippy::expect_used,
    clippy::unreachable,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench may fail"
)]
#![allow(clippy::print_stdout, reason = "the printed tables are the result")]

#[path = "../tests/support/synth/mod.rs"]
mod synth;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use synth::{Layout, Spec, Written, write_archive};

const MIB: u64 = 1 << 20;

/// Cost of a run.
struct Cost {
    cpu_s: f64,
    wall_s: f64,
    peak_mib: f64,
}

/// CPU time of all children that have ended, in seconds: the 16th and 17th field of the process's
/// own line, in hundredths (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>).
fn children_cpu_s() -> f64 {
    let line = fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = line.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    let ticks: u64 = fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap();
    ticks as f64 / 100.0
}

/// Peak memory of a process so far, which only grows.
fn peak_kib(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn run(arguments: &[&str], paths: &[&Path]) -> Cost {
    let (begin, cpu_before) = (Instant::now(), children_cpu_s());
    let mut child = Command::new(env!("CARGO_BIN_EXE_pbi-analyze"))
        .args(arguments)
        .args(paths)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_kib(&child).unwrap_or(0));
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    assert!(status.success(), "{arguments:?}: {status}");
    let wall_s = begin.elapsed().as_secs_f64();
    Cost { cpu_s: children_cpu_s() - cpu_before, wall_s, peak_mib: peak as f64 / 1024.0 }
}

fn ingest(archive: &Path, store: &Path) -> Cost {
    run(&["ingest", "--quiet", "--store"], &[store, archive])
}

fn events(store: &Path) -> u64 {
    let files = pbi_analyze::internals::store::Store::new(store).files().unwrap();
    files.iter().map(|file| file.events).sum()
}

/// A table whose last column is a bar chart.
struct Table {
    unit: &'static str,
    rows: Vec<(String, Cost, f64)>,
}

impl Table {
    fn print(&self, title: &str, first: &str) {
        let greatest = self.rows.iter().map(|row| row.2).fold(f64::MIN_POSITIVE, f64::max);
        println!("\n{title}\n");
        println!("| {first} | CPU s | wall s | peak MiB | {} | |", self.unit);
        println!("| --- | ---: | ---: | ---: | ---: | --- |");
        for (name, Cost { cpu_s, wall_s, peak_mib }, drawn) in &self.rows {
            let bar = "█".repeat((drawn / greatest * 24.0).round() as usize);
            println!("| {name} | {cpu_s:.2} | {wall_s:.2} | {peak_mib:.0} | {drawn:.2} | {bar} |");
        }
    }
}

/// Measures archives of one month with a growing number of events.
fn by_size(largest: Option<u64>) {
    let mut rows = Vec::new();
    for mib in [50, 150, 500, 1500, 5000].into_iter().filter(|mib| *mib <= largest.unwrap_or(1500))
    {
        let folder = tempfile::tempdir().unwrap();
        let (archive, store) = (folder.path().join("archive"), folder.path().join("store"));
        let spec = Spec::default().sized(Layout::RestPages, mib * MIB);
        let written = write_archive(&archive, &spec, Layout::RestPages).unwrap();
        let cost = ingest(&archive, &store);
        assert_eq!(events(&store), written.distinct);
        let each = cost.cpu_s / (written.bytes as f64 / 1e8);
        rows.push((format!("{mib} MiB, {} events", written.distinct), cost, each));
    }
    Table { unit: "CPU s for 100 MB", rows }.print("By the size of the archive", "archive");
}

/// Measures the same events in a growing number of files.
fn by_files(largest: Option<u64>) {
    const DAYS: usize = 834;
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let spec = Spec { days: DAYS, ..Spec::default() }.sized(Layout::RestPages, 100 * MIB);
    let written = write_archive(&archive, &spec, Layout::RestPages).unwrap();
    let mut pages: Vec<PathBuf> =
        fs::read_dir(&archive).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let mut rows = Vec::new();
    for files in [10, 100, 1_000, 10_000, 20_000] {
        if largest.is_some_and(|largest| files as u64 > largest) {
            break;
        }
        let joined = folder.path().join(format!("in-{files}"));
        join(&pages, &joined, files);
        let store = folder.path().join(format!("store-{files}"));
        let cost = ingest(&joined, &store);
        assert_eq!(events(&store), written.distinct);
        let cpu_s = cost.cpu_s;
        rows.push((format!("{files} files"), cost, cpu_s));
    }
    Table { unit: "CPU s", rows }.print("By the number of files, 100 MiB in all", "files");
}

/// Joins the pages into `files` files.
fn join(pages: &[PathBuf], folder: &Path, files: usize) {
    fs::create_dir(folder).unwrap();
    for (number, part) in pages.chunks(pages.len().div_ceil(files)).enumerate() {
        let texts: Vec<Vec<u8>> = part.iter().map(|page| fs::read(page).unwrap()).collect();
        fs::write(folder.join(format!("{number:06}.json")), texts.join(&b'\n')).unwrap();
    }
}

/// Measures the same day for stores with a growing number of events.
fn by_age(largest: Option<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut rows = Vec::new();
    let mut stored = 0;
    let first_day = Spec::default().first_day;
    for (year, million) in [0, 1, 2, 4, 8].into_iter().enumerate() {
        if largest.is_some_and(|largest| million > largest) {
            break;
        }
        let archive = folder.path().join("archive");
        let first_day = first_day - chrono::Days::new(365 * (year as u64 + 1));
        let more = million * 1_000_000 - stored;
        if more > 0 {
            let spec =
                Spec { events: more, days: 365, seed: 7 + million, first_day, ..Spec::default() };
            ingest_and_forget(&archive, &spec, &store);
            stored += more;
        }
        let spec = Spec { events: 10_000, days: 1, seed: 70 + million, ..Spec::default() };
        let written = write(&archive, &spec);
        let cost = ingest(&archive, &store);
        stored += written.distinct;
        assert_eq!(events(&store), stored);
        fs::remove_dir_all(&archive).unwrap();
        let cpu_s = cost.cpu_s;
        rows.push((format!("{million} million events"), cost, cpu_s));
    }
    Table { unit: "CPU s", rows }.print("A day of 10,000 events, by the store's age", "store");
}

/// Measures reports from stores with a growing number of events of one year.
fn by_reports(largest: Option<u64>) {
    let mut rows = Vec::new();
    for million in [1, 2, 4, 8].into_iter().filter(|million| *million <= largest.unwrap_or(4)) {
        let folder = tempfile::tempdir().unwrap();
        let (archive, store) = (folder.path().join("archive"), folder.path().join("store"));
        let spec = Spec { events: million * 1_000_000, days: 365, ..Spec::default() };
        let written = write(&archive, &spec);
        ingest(&archive, &store);
        assert_eq!(events(&store), written.distinct);
        for report in ["top-reports", "adoption", "top-users", "deletions-and-takeovers"] {
            let answer = folder.path().join("answer.csv");
            let cost = run(
                &["report", report, "--quiet", "--store"],
                &[&store, Path::new("--output"), &answer],
            );
            assert!(fs::read_to_string(&answer).unwrap().lines().count() > 1, "{report}");
            let each = cost.cpu_s / million as f64;
            rows.push((format!("{million} million events, {report}"), cost, each));
        }
    }
    Table { unit: "CPU s for a million", rows }.print("Reports, by the store's size", "store");
}

fn ingest_and_forget(archive: &Path, spec: &Spec, store: &Path) {
    write(archive, spec);
    ingest(archive, store);
    fs::remove_dir_all(archive).unwrap();
}

fn write(archive: &Path, spec: &Spec) -> Written {
    write_archive(archive, spec, Layout::RestPages).unwrap()
}

fn main() {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let largest = asked.iter().find_map(|word| word.parse().ok());
    let all = asked.iter().all(|word| word.parse::<u64>().is_ok());
    let tables = [
        ("size", by_size as fn(Option<u64>)),
        ("files", by_files),
        ("age", by_age),
        ("reports", by_reports),
    ];
    for (name, table) in tables {
        if all || asked.iter().any(|word| word == name) {
            table(largest);
        }
    }
}
