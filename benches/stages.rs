//! Measures each stage of an ingest alone: `cargo bench --bench stages`.
//!
//! The stages are called as `ingest` calls them, on one thread, over one archive of REST pages in
//! the page cache. Every round is compared with the output of the generator.
#![allow(
    clippy::expect_used,
    clippy::unreachable,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench may fail"
)]

#[path = "../tests/support/synth/mod.rs"]
mod synth;

use std::path::PathBuf;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};
use pbi_analyze::internals::column::{BatchBuilder, EventBatch, Lineage, Projection};
use pbi_analyze::internals::record::csv::EnvelopeFields;
use pbi_analyze::internals::record::{Parser, RecordKind, workload_group};
use pbi_analyze::internals::source::{self, Chunk, ChunkReader};
use pbi_analyze::internals::store::Store;
use synth::{Layout, Spec, Written, write_archive};

const BYTES: u64 = 48 << 20;

/// Files of an archive with their content.
struct Archive {
    files: Vec<PathBuf>,
    written: Written,
    _folder: tempfile::TempDir,
}

impl Archive {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = Spec::default().sized(Layout::RestPages, BYTES);
        let written = write_archive(folder.path(), &spec, Layout::RestPages).unwrap();
        let found =
            source::discover(&[folder.path().to_owned()], &Default::default(), &|_| Ok(Vec::new()))
                .files;
        let files = found.into_iter().map(|file| file.path).collect();
        Archive { files, written, _folder: folder }
    }

    /// Calls `take` with all chunks, in the order of the archive.
    fn read(&self, mut take: impl FnMut(&Chunk)) {
        let mut used = Chunk::default();
        for file in &self.files {
            let mut pieces = ChunkReader::open(file).unwrap();
            while let Some(piece) = pieces.next(&mut used).unwrap() {
                take(&piece);
                used = piece;
            }
        }
    }

    /// Returns the text of all records, and the bounds of each.
    fn records(&self) -> (Vec<u8>, Vec<(usize, usize)>) {
        let (mut text, mut bounds) = (Vec::new(), Vec::new());
        self.read(|piece| {
            let base = text.len();
            text.extend_from_slice(&piece.text);
            let places = piece.records.iter();
            bounds.extend(places.map(|&(from, to)| (base + from as usize, base + to as usize)));
        });
        (text, bounds)
    }
}

/// Converts all events to columns, in batches of `of` events.
fn batches(text: &[u8], bounds: &[(usize, usize)], of: usize) -> Vec<EventBatch> {
    let (mut parser, mut builder) =
        (Parser::default(), BatchBuilder::new(&Projection::All).unwrap());
    let mut batches = Vec::new();
    for (order, &(from, to)) in bounds.iter().enumerate() {
        let lineage = Lineage { file: "bench", kind: "rest", sequence: order as u64 };
        let mut append = |builder: &mut BatchBuilder| {
            parser.parse(&text[from..to], |record| {
                let RecordKind::Event(event) = record.kind() else { return };
                builder
                    .append(&event, workload_group(&event), &EnvelopeFields::default(), &lineage)
                    .unwrap();
            })
        };
        append(&mut builder).unwrap();
        if builder.len() == of {
            batches.push(builder.finish().unwrap());
        }
    }
    batches.push(builder.finish().unwrap());
    batches
}

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).measurement_time(Duration::from_secs(6));
    group
}

fn reading(criterion: &mut Criterion) {
    let archive = Archive::new();
    let mut group = group(criterion, "read");
    group.throughput(Throughput::Bytes(archive.written.bytes));
    group.bench_function("files to the bounds of records", |bencher| {
        bencher.iter(|| {
            let mut records = 0;
            archive.read(|piece| records += piece.records.len() as u64);
            assert_eq!(records, archive.written.records);
        });
    });
    let (text, bounds) = archive.records();
    group.bench_function("records to the tape", |bencher| {
        let mut parser = Parser::default();
        bencher.iter(|| {
            let mut members = 0;
            for &(from, to) in &bounds {
                members += parser.parse(&text[from..to], |record| record.raw().len()).unwrap();
            }
            assert_eq!(members, bounds.iter().map(|(from, to)| to - from).sum::<usize>());
        });
    });
    group.bench_function("records to columns", |bencher| {
        bencher.iter(|| {
            let built = batches(&text, &bounds, 50_000);
            let events: usize = built.iter().map(|batch| batch.keys.len()).sum();
            assert_eq!(events as u64, archive.written.records);
        });
    });
    group.finish();
}

fn storing(criterion: &mut Criterion) {
    let archive = Archive::new();
    let (text, bounds) = archive.records();
    let built = batches(&text, &bounds, 50_000);
    let distinct = archive.written.distinct;
    let staged = || {
        let load = Store::temporary_transaction().unwrap();
        built.iter().for_each(|batch| load.stage(batch.clone()).unwrap());
        load
    };
    let mut group = group(criterion, "store");
    group.throughput(Throughput::Elements(archive.written.records));
    group.bench_function("sort and stage", |bencher| {
        bencher.iter_batched(|| (), |()| staged(), BatchSize::PerIteration);
    });
    group.bench_function("remove duplicates", |bencher| {
        bencher.iter_batched(
            staged,
            |load| {
                let settled = load.deduplicate().unwrap();
                assert_eq!(settled.dedup_result().stored_events(), distinct);
                settled
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("merge and write Parquet, commit", |bencher| {
        bencher.iter_batched(
            || {
                let folder = tempfile::tempdir().unwrap();
                let store = Store::new(&folder.path().join("store"));
                let load = store.begin_transaction(store.source_entries().unwrap()).unwrap();
                built.iter().for_each(|batch| load.stage(batch.clone()).unwrap());
                (load.deduplicate().unwrap(), store, folder)
            },
            |(settled, store, folder)| {
                settled.commit(&[]).unwrap();
                let events: u64 = store.files().unwrap().iter().map(|file| file.events).sum();
                assert_eq!(events, distinct);
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, reading, storing);
criterion_main!(benches);
