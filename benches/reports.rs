//! Measures the cost of reports: `cargo bench --bench reports`.
//!
//! Each round opens a session over one store, as `report` does, answers one question and counts the
//! excluded events. Events per second are those of the store, including those that the report does
//! not read. Every round must have the number of rows of the first one, and the view the number of
//! events that the generator wrote.
#![allow(
    clippy::expect_used,
    clippy::unreachable,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench may fail"
)]

#[path = "../tests/support/synth/mod.rs"]
mod synth;

use std::collections::BTreeMap;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pbi_analyze::internals::grid::{Cell, Grid};
use pbi_analyze::internals::ingest::{self, NoProgress, Options};
use pbi_analyze::internals::query::{
    self, DefinitionCatalog, Period, ReportDefinition, Session, Settings,
};
use pbi_analyze::internals::store::{Snapshot, Store};
use synth::{Layout, Spec, write_archive};

const EVENTS: u64 = 300_000;
const DAYS: usize = 120;

/// Reports that read the most, or that calculate the most with it.
const HEAVY: [&str; 10] = [
    "top-reports",
    "adoption",
    "consumption-trend",
    "workspace-usage",
    "top-users",
    "hour-of-week",
    "exports",
    "user-classification",
    "noise",
    "deletions-and-takeovers",
];

/// The view alone: the columns that most reports read, built for every event and only counted.
const VIEW: &str = "SELECT COUNT(*) AS events, COUNT(user_id) AS users, COUNT(report_id) AS reports, \
    COUNT(workspace_id) AS workspaces, COUNT(operation_group) AS operations, \
    COUNT(local_date) AS days, COUNT(actor_kind) AS kinds FROM events_all";

/// A store and its number of events.
struct FilledStore {
    snapshot: Snapshot,
    events: u64,
    _folder: tempfile::TempDir,
}

impl FilledStore {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive");
        let spec = Spec { events: EVENTS, days: DAYS, ..Spec::default() };
        let written = write_archive(&archive, &spec, Layout::RestPages).unwrap();
        let store = Store::new(&folder.path().join("store"));
        let options = Options { paths: vec![archive], ..Options::default() };
        let summary = ingest::ingest_into_store(&store, &options, &NoProgress).unwrap();
        assert_eq!(summary.records.stored, written.distinct);
        FilledStore {
            snapshot: store.snapshot().unwrap(),
            events: written.distinct,
            _folder: folder,
        }
    }

    fn session(&self) -> Session<'_> {
        let extent = query::event_time_range(&self.snapshot, query::LogKind::PowerBi).unwrap();
        let period = Period::new(chrono_tz::UTC, None, None, extent);
        Session::new(&self.snapshot, period, Settings::default()).unwrap()
    }

    fn answer(&self, report: &ReportDefinition) -> Grid {
        let session = self.session();
        let grid = query::execute(&session, report, &BTreeMap::new()).unwrap();
        assert!(session.event_counts(report).unwrap().events <= self.events);
        grid
    }
}

fn reports(criterion: &mut Criterion) {
    let store = FilledStore::new();
    let mut group = criterion.benchmark_group("reports");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(store.events));
    group.bench_function("the view of events", |bencher| {
        let view = ReportDefinition::ad_hoc(VIEW);
        bencher.iter(|| {
            let grid = query::execute(&store.session(), &view, &BTreeMap::new()).unwrap();
            assert_eq!(grid.rows[0][0], Cell::Int(store.events as i64));
        });
    });
    let catalog = DefinitionCatalog::built_in().unwrap();
    for name in HEAVY {
        let report = catalog.find(name).unwrap();
        let rows = store.answer(report).rows.len();
        assert_ne!(rows, 0, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(store.answer(report).rows.len(), rows));
        });
    }
    group.finish();
}

criterion_group!(benches, reports);
criterion_main!(benches);
