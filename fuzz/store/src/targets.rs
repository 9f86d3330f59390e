//! Defines the properties of a store with a damaged file, and of statements. A function panics if
//! its property is violated.
//!
//! This file is compiled twice: for the fuzzer, and into the tests, which replay the seeds.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use pbi_analyze::internals::maintenance;
use pbi_analyze::{
    Error, ExportOptions, IngestOptions, NoProgress, ReportCatalog, ReportDefinition,
    ReportOptions, ReportSession, Result, Snapshot, Store, collect_status, export_events,
    ingest_into_store, run_report,
};
use tempfile::TempDir;

/// A statement returns at most this many rows here, so a product of tables does not end the fuzzer.
const MAX_ROWS: usize = 100_000;

thread_local! {
    static SAMPLE: OnceCell<Sample> = const { OnceCell::new() };
}

/// Damages one file of a store and runs the commands on the store.
///
/// No command may panic or report a bug of the program. If `verify` finds nothing, the events and
/// the rejected records must be those of before. No command may change a file outside of the store.
///
/// The first two bytes choose the file, the third the command that writes. The others are edits of
/// the file (see [`edited`]).
pub fn store_files(data: &[u8]) {
    let [first, second, write, edits @ ..] = data else { return };
    SAMPLE.with(|sample| {
        let sample = sample.get_or_init(Sample::new);
        let number = usize::from(u16::from_le_bytes([*first, *second]));
        let (path, content) = &sample.files[number % sample.files.len()];
        let damaged = edited(content, edits);
        if damaged == *content {
            return;
        }
        let file = sample.store.root().join(path);
        fs::write(&file, &damaged).unwrap();
        sample.read_damaged(&path.display().to_string());
        if write % 8 == 0 {
            sample.write_damaged(write / 8);
        }
        fs::write(&file, content).unwrap();
    });
}

/// Runs a statement. It may be refused or fail, and its answer must have the rows that it counts.
pub fn sql(data: &[u8]) {
    let Ok(statement) = std::str::from_utf8(data) else { return };
    SAMPLE.with(|sample| {
        let sample = sample.get_or_init(Sample::new);
        let query = ReportDefinition::ad_hoc(statement);
        let options = ReportOptions::default();
        let answer = |statement: &ReportDefinition| {
            sample.store.read(|snapshot| {
                ReportSession::new(snapshot, [statement], &options)?.rows(statement, &[])
            })
        };
        let Ok(grid) = no_bug("sql", answer(&query)) else { return };
        let body = statement.trim().trim_end_matches(';');
        if grid.rows.len() > MAX_ROWS || body.contains("--") || body.contains("/*") {
            return;
        }
        let count = ReportDefinition::ad_hoc(&format!("SELECT count(*) AS n FROM ({body}) AS t"));
        if let Ok(counted) = no_bug("count", answer(&count)) {
            let expected = format!("{:?}", pbi_analyze::Cell::Int(grid.rows.len() as i64));
            assert_eq!(format!("{:?}", counted.rows[0][0]), expected, "rows of {statement}");
        }
    });
}

/// A store with events of several months, rejected records, an inventory and a checkpoint, in a
/// folder with a file that belongs to nobody.
struct Sample {
    folder: TempDir,
    store: Store,
    /// Paths in the store, and contents.
    files: Vec<(PathBuf, Vec<u8>)>,
    outside: PathBuf,
    rows: Rows,
}

/// The rows that readers return.
#[derive(Debug, PartialEq)]
struct Rows {
    events: Vec<u8>,
    rejects: Vec<String>,
}

impl Sample {
    fn new() -> Sample {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let store = Store::new(&folder.path().join("store"));
        for paths in archive(folder.path()) {
            let options = IngestOptions { paths: vec![paths], ..Default::default() };
            ingest_into_store(&store, &options, &NoProgress).unwrap();
        }
        let outside = folder.path().join("part-00000.parquet");
        fs::write(&outside, "not of the store").unwrap();
        assert!(maintenance::verify(&store, Some(1)).unwrap().ok);
        let files = contents(store.root());
        let has = |name: &str| files.iter().any(|(path, _)| path.to_string_lossy().contains(name));
        for name in ["_last_checkpoint", ".checkpoint.parquet", ".json", "month="] {
            assert!(has(name), "the sample has no file {name}");
        }
        let rows = Rows::read(&store).unwrap();
        assert!(!rows.events.is_empty() && !rows.rejects.is_empty());
        Sample { folder, store, files, outside, rows }
    }

    /// Runs the commands that read.
    fn read_damaged(&self, path: &str) {
        let verified = no_bug("verify", maintenance::verify(&self.store, Some(1)));
        let rows = no_bug("export", Rows::read(&self.store));
        if verified.is_ok_and(|report| report.ok) {
            assert_eq!(rows.ok().as_ref(), Some(&self.rows), "verify finds nothing in {path}");
        }
        let _ = no_bug("status", self.store.read(collect_status));
        let catalog = ReportCatalog::new(None).unwrap();
        for name in ["top-reports", "unused-reports"] {
            let report = catalog.find(name).unwrap();
            let run = |snapshot: &Snapshot| run_report(snapshot, report, &ReportOptions::default());
            let _ = no_bug(name, self.store.read(run));
        }
    }

    /// Runs a command that writes, and restores the store.
    fn write_damaged(&self, command: u8) {
        let _ = match command % 3 {
            0 => no_bug("compact", maintenance::compact(&self.store, Some(1)).map(drop)),
            1 => {
                let paths = vec![self.folder.path().join("later")];
                let options = IngestOptions { paths, ..Default::default() };
                no_bug("ingest", ingest_into_store(&self.store, &options, &NoProgress).map(drop))
            }
            _ => {
                let users = vec!["anna@contoso.com".to_owned()];
                let options = maintenance::ForgetOptions { users, ..Default::default() };
                no_bug("forget", maintenance::forget(&self.store, &options).map(drop))
            }
        };
        assert_eq!(fs::read(&self.outside).unwrap(), b"not of the store");
        fs::remove_dir_all(self.store.root()).unwrap();
        for (path, content) in &self.files {
            let file = self.store.root().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
    }
}

impl Rows {
    fn read(store: &Store) -> Result<Rows> {
        let (mut events, mut rejects) = (Vec::new(), Vec::new());
        export_events(store, &ExportOptions::default(), &mut |lines| {
            events.extend_from_slice(lines);
            Ok(())
        })?;
        store.for_each_reject(&|_| true, &mut |reject| {
            rejects.push(format!("{reject:?}"));
            Ok(())
        })?;
        Ok(Rows { events, rejects })
    }
}

/// Returns a result after a check that it is no bug of the program.
fn no_bug<T>(command: &str, result: Result<T>) -> Result<T> {
    if let Err(error @ Error::Internal(_)) = &result {
        panic!("{command}: {error}");
    }
    result
}

/// Writes the files of the sample. Returns those of each run of `ingest`.
fn archive(folder: &Path) -> Vec<PathBuf> {
    let mut runs = Vec::new();
    for number in 0..12 {
        let run = folder.join(format!("run-{number}"));
        fs::create_dir(&run).unwrap();
        let events: Vec<String> = (0..3).map(|event| event_text(number, event)).collect();
        let broken = r#"{"Id":"x","CreationTime":"never","Operation":"ViewReport"}"#;
        let text = format!("[{},{broken}]", events.join(","));
        fs::write(run.join("events.json"), text).unwrap();
        runs.push(run);
    }
    let scan = folder.join("scan");
    fs::create_dir(&scan).unwrap();
    fs::write(scan.join("scan-20260401.json"), SCAN).unwrap();
    runs.push(scan);
    let later = folder.join("later");
    fs::create_dir(&later).unwrap();
    fs::write(later.join("events.json"), format!("[{}]", event_text(3, 9))).unwrap();
    runs
}

fn event_text(run: usize, event: usize) -> String {
    format!(
        r#"{{"Id":"00000000-0000-0000-0000-0000000{run:02}0{event:02}","CreationTime":"2026-{:02}-1{event}T08:0{event}:00","Operation":"ViewReport","Activity":"ViewReport","Workload":"PowerBI","UserId":"{}@contoso.com","ReportId":"11111111-0000-0000-0000-000000000001","ReportName":"Sales {event}","WorkspaceId":"22222222-0000-0000-0000-000000000001","WorkSpaceName":"Finance"}}"#,
        1 + run % 3,
        ["anna", "bert", "cleo"][(run + event) % 3],
    )
}

/// The result of a scan of one workspace.
const SCAN: &str = r#"{"workspaces":[{"id":"22222222-0000-0000-0000-000000000001","name":"Finance","type":"Workspace","state":"Active","isOnDedicatedCapacity":false,"reports":[{"id":"11111111-0000-0000-0000-000000000001","name":"Sales 0","datasetId":"33333333-0000-0000-0000-000000000001","createdDateTime":"2025-01-01T00:00:00"},{"id":"11111111-0000-0000-0000-000000000002","name":"Old","datasetId":"33333333-0000-0000-0000-000000000001","createdDateTime":"2025-01-01T00:00:00"}],"datasets":[{"id":"33333333-0000-0000-0000-000000000001","name":"Sales","configuredBy":"anna@contoso.com"}],"dashboards":[],"dataflows":[],"users":[{"groupUserAccessRight":"Admin","emailAddress":"anna@contoso.com","identifier":"anna@contoso.com","graphId":"44444444-0000-0000-0000-000000000001","principalType":"User"}]}],"datasourceInstances":[]}"#;

/// Returns the files of a folder with their contents, sorted by path.
fn contents(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut folders, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), content));
            }
        }
    }
    found.sort();
    found
}

/// Applies edits to a file. An edit is an operation, an offset of two bytes, a length, and for some
/// operations new bytes of that length. Offsets are counted from both ends, as Parquet starts at its
/// end.
fn edited(content: &[u8], mut edits: &[u8]) -> Vec<u8> {
    let mut bytes = content.to_vec();
    while let [operation, low, high, length, rest @ ..] = edits {
        let offset = usize::from(u16::from_le_bytes([*low, *high])) % (bytes.len() + 1);
        let offset = if operation & 128 == 0 { offset } else { bytes.len() - offset };
        let (count, available) = (usize::from(*length), bytes.len() - offset);
        let (new, after) = rest.split_at(count.min(rest.len()));
        edits = match operation % 4 {
            0 => {
                let replaced = new.len().min(available);
                bytes.splice(offset..offset + replaced, new.iter().copied());
                after
            }
            1 => {
                bytes.splice(offset..offset, new.iter().copied());
                after
            }
            2 => {
                bytes.drain(offset..offset + count.min(available));
                rest
            }
            _ => {
                // Copies a part, as a tool does that writes a line twice.
                let part = bytes[offset..offset + count.min(available)].to_vec();
                bytes.splice(offset..offset, part);
                rest
            }
        };
    }
    bytes
}
