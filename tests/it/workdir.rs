//! Provides a folder for each test, runs the program in it, and reads its answers in JSON.
//!
//! Tests run at the same time, because each has its own folder, which is deleted at the end. The
//! program runs *in* that folder, so names in its messages are short and equal in every run.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

/// A folder of one test, deleted with the value.
pub struct Workdir {
    folder: TempDir,
}

impl Workdir {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pbi-it-").tempdir();
        Workdir { folder: folder.expect("there is room for a folder") }
    }

    /// Creates a folder below another one, which the caller must delete.
    pub fn below(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        let folder = tempfile::Builder::new().prefix("pbi-it-").tempdir_in(folder);
        Workdir { folder: folder.expect("there is room for a folder") }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file and creates its folders.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    /// Returns a command that runs the program in this folder, without variables of the environment
    /// that would affect it.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pbi-analyze"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_remove("PBI_STORE")
            .env("HOME", self.path())
            .env("NO_COLOR", "1");
        command
    }

    /// Runs the program in this folder.
    pub fn pbi<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(&self.command(arguments).output().expect("the program can be started"))
    }

    /// Ingests into `store` and returns the account. `arguments` are the paths and further flags.
    pub fn ingest(&self, store: &str, arguments: &[&str]) -> (Ran, Summary) {
        let ran = self
            .pbi(["ingest"].iter().chain(arguments).chain(&["--store", store, "--format", "json"]));
        let summary = serde_json::from_str(&ran.stdout);
        let summary: Summary = summary.unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        assert!(summary.adds_up(), "the accounts do not add up: {summary:?}");
        (ran, summary)
    }

    /// Ingests the folder `archive` and returns the peak memory of the program in KiB, which the
    /// system keeps until the process is waited for; `None` on systems other than Linux.
    pub fn ingest_and_watch(&self) -> (Ran, Option<u64>) {
        let mut command =
            self.command(["ingest", "archive", "--store", "store", "--format", "json"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let status = format!("/proc/{}/status", child.id());
        let drain = |mut pipe: Box<dyn Read + Send>| {
            std::thread::spawn(move || {
                let mut text = String::new();
                pipe.read_to_string(&mut text).expect("output is UTF-8");
                text
            })
        };
        let stdout = drain(Box::new(child.stdout.take().expect("it is a pipe")));
        let stderr = drain(Box::new(child.stderr.take().expect("it is a pipe")));
        let mut peak = None;
        let code = loop {
            if let Some(status) = child.try_wait().expect("it is ours") {
                break status.code().unwrap_or(-1);
            }
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            peak = peak.max(now);
            std::thread::sleep(Duration::from_millis(2));
        };
        let text = |thread: std::thread::JoinHandle<String>| thread.join().expect("it ends");
        (Ran { code, stdout: text(stdout), stderr: text(stderr) }, peak)
    }

    /// Returns the output of `rejects` with the text of each record.
    pub fn rejects(&self, store: &str, arguments: &[&str]) -> Vec<Rejected> {
        let flags = ["rejects", "--with-content", "--format", "json", "--store", store];
        let ran = self.pbi(flags.iter().chain(arguments)).ended(0);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}

/// A run of the program that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Asserts that the exit code is one of these.
    #[track_caller]
    pub fn one_of(self, codes: &[i32]) -> Self {
        assert!(codes.contains(&self.code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// Output of `ingest --format json`. A field that is added or renamed must be changed here too,
/// because other programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    pub sources: Sources,
    pub records: Records,
    pub period: Period,
    pub store: Stored,
    pub other_workloads: std::collections::BTreeMap<String, u64>,
    pub generated_ids: u64,
    pub files: Vec<Source>,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    pub found: u64,
    pub new: u64,
    pub known: u64,
    pub skipped: u64,
    pub failed: u64,
    pub excluded: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    pub read: u64,
    pub stored: u64,
    pub duplicates: u64,
    pub conflicting: u64,
    pub improved: u64,
    pub other_workloads: u64,
    pub rejected: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    pub first: Option<String>,
    pub last: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    pub events: u64,
    pub files: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub source: String,
    pub kind: String,
    pub outcome: Outcome,
    pub records: Records,
    #[serde(default)]
    pub inventory: Option<InventoryFacts>,
    pub problems: Vec<Problem>,
    pub skipped: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryFacts {
    pub shapes: Vec<String>,
    pub workspaces: u64,
    pub items: u64,
    pub access: u64,
    pub people: u64,
    pub licenses: u64,
    pub products: u64,
    pub settings: u64,
    pub attributes: u64,
    pub refreshes: u64,
    pub refreshables: u64,
    pub capacities: u64,
    pub groups: u64,
    pub group_members: u64,
    pub repeated_rows: u64,
    pub lost_lists: u64,
    pub new_states: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    pub kind: String,
    pub count: u64,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok,
    Partial,
    Skipped,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    pub position: u64,
    pub reason: String,
    pub count: u64,
}

/// A record in the output of `rejects --format json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    pub source: String,
    pub place: String,
    pub position: u64,
    pub reason: String,
    pub length: u64,
    pub raw: Option<String>,
    pub raw_base64: Option<String>,
}

impl Records {
    fn adds_up(&self) -> bool {
        self.read == self.stored + self.duplicates + self.other_workloads + self.rejected
            && self.conflicting <= self.duplicates
            && self.improved <= self.duplicates
    }
}

impl Summary {
    /// Returns true if the sums of each source and of all sources are right. Every run of every
    /// test checks this.
    fn adds_up(&self) -> bool {
        let mut total = Records::default();
        for source in &self.files {
            let records = &source.records;
            total.read += records.read;
            total.stored += records.stored;
            total.duplicates += records.duplicates;
            total.conflicting += records.conflicting;
            total.improved += records.improved;
            total.other_workloads += records.other_workloads;
            total.rejected += records.rejected;
        }
        let sources = &self.sources;
        let count = |outcome: Outcome| {
            self.files.iter().filter(|source| source.outcome == outcome).count() as u64
        };
        total == self.records
            && self.files.iter().all(|source| source.records.adds_up())
            && self.other_workloads.values().sum::<u64>() == total.other_workloads
            && sources.found == sources.new + sources.known + sources.skipped + sources.failed
            && sources.new + sources.skipped + sources.failed == self.files.len() as u64
            && sources.skipped == count(Outcome::Skipped)
            && sources.failed == count(Outcome::Failed)
    }

    /// Returns the account of a source by its name.
    #[track_caller]
    pub fn of(&self, source: &str) -> &Source {
        let found = self.files.iter().find(|account| account.source == source);
        found.unwrap_or_else(|| panic!("no account of {source} in {self:#?}"))
    }
}
