//! Measures the speed of an ingest and of reports: `cargo bench`.
//!
//! Bytes per second are those of the archive on disk. Every round must have the number of events
//! that the generator wrote, so that a fast wrong result is an error. To compare two versions of
//! the program, run `cargo bench -- --save-baseline before`, change it, and run `-- --baseline
//! before`.
#![allow(
    clippy::expect_used,
    clippy::unreachable,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench may fail"
)]

#[path = "../tests/support/synth/mod.rs"]
mod synth;

use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pbi_analyze::internals::ingest::{self, NoProgress, Options, Projection};
use pbi_analyze::internals::render::OutputFormat;
use pbi_analyze::internals::report;
use pbi_analyze::internals::store::Store;
use synth::{Layout, Spec, Written, write_archive};

/// Size at which the start no longer matters and a round still takes less than a second.
const BYTES: u64 = 48 << 20;

/// Containers of the events; real archives are mixed.
const LAYOUTS: [(&str, Layout); 3] =
    [("pages", Layout::RestPages), ("array", Layout::OneArray), ("mixed", Layout::Mixed)];

/// An archive on disk, deleted with the value.
struct Archive {
    folder: tempfile::TempDir,
    written: Written,
}

impl Archive {
    fn new(layout: Layout) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = Spec::default().sized(layout, BYTES);
        let written = write_archive(&folder.path().join("archive"), &spec, layout).unwrap();
        Archive { folder, written }
    }

    fn options(&self, threads: Option<usize>) -> Options {
        let paths = vec![self.folder.path().join("archive")];
        Options { paths, threads, ..Options::default() }
    }

    /// Ingests into a new store.
    fn ingest(&self, store: &Path, threads: Option<usize>) {
        let summary =
            ingest::ingest_into_store(&Store::new(store), &self.options(threads), &NoProgress);
        let records = summary.unwrap().records;
        assert_eq!((records.stored, records.rejected), (self.written.distinct, 0));
    }

    /// Returns a store with the archive.
    fn store(&self) -> PathBuf {
        let store = self.folder.path().join("store");
        self.ingest(&store, None);
        store
    }
}

fn ingest_archives(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).measurement_time(Duration::from_secs(12));
    for (name, layout) in LAYOUTS {
        let archive = Archive::new(layout);
        group.throughput(Throughput::Bytes(archive.written.bytes));
        for (threads, label) in [(Some(1), "one thread"), (None, "all threads")] {
            group.bench_function(format!("{name}, {label}"), |bencher| {
                bencher.iter_batched(
                    || tempfile::tempdir().unwrap(),
                    |folder| {
                        archive.ingest(&folder.path().join("store"), threads);
                        folder
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

fn second_run(criterion: &mut Criterion) {
    let archive = Archive::new(Layout::RestPages);
    let store = archive.store();
    let mut group = criterion.benchmark_group("second run");
    group.throughput(Throughput::Elements(archive.written.files));
    group.bench_function("nothing new", |bencher| {
        bencher.iter(|| {
            let store = Store::new(&store);
            let summary =
                ingest::ingest_into_store(&store, &archive.options(None), &NoProgress).unwrap();
            assert_eq!((summary.records.read, summary.sources.known), (0, archive.written.files));
        });
    });
    group.finish();
}

fn top_reports() -> report::Options {
    report::Options {
        time_zone: chrono_tz::Tz::Europe__Zurich,
        top: Some(25),
        format: OutputFormat::Json,
        width: 120,
        ..report::Options::default()
    }
}

fn reports(criterion: &mut Criterion) {
    let archive = Archive::new(Layout::RestPages);
    let snapshot = Store::new(&archive.store()).snapshot().unwrap();
    let all = report::ReportCatalog::new(None).unwrap();
    let question = all.find("top-reports").unwrap();
    let answer = |snapshot: &report::Snapshot| {
        report::run(snapshot, question, &top_reports()).unwrap().bytes
    };
    let expected = answer(&snapshot);
    let mut group = criterion.benchmark_group("top-reports");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(archive.written.distinct));
    group.bench_function("from the store", |bencher| {
        bencher.iter(|| assert_eq!(answer(&snapshot), expected));
    });
    group.throughput(Throughput::Bytes(archive.written.bytes));
    group.bench_function("straight from raw files", |bencher| {
        bencher.iter(|| {
            let columns = Projection::Only(report::required_columns([question]).unwrap());
            let read = ingest::ingest_temporary(&archive.options(None), &columns, &NoProgress);
            let (_files, snapshot, _) = read.unwrap();
            assert_eq!(answer(&snapshot), expected);
        });
    });
    group.finish();
}

criterion_group!(benches, ingest_archives, second_run, reports);
criterion_main!(benches);
