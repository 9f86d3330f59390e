//! The place that a test works in, the program as it is run there, and its answers in JSON.
//!
//! Every test has a folder of its own, so tests run beside one another and leave nothing behind.
//! The program runs *in* that folder: names in its messages are short, and the same every time.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use tempfile::TempDir;

/// A folder of a test's own, gone with the value.
pub struct Workdir {
    folder: TempDir,
}

impl Workdir {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pbi-it-").tempdir();
        Workdir { folder: folder.expect("there is room for a folder") }
    }

    /// A folder below another one, which whoever names it has to tidy.
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

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        let folder = path.parent().expect("a file stands in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    /// The program, to be run here, with nothing of the surroundings in its way.
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

    /// Runs the program here.
    pub fn pbi<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(&self.command(arguments).output().expect("the program can be started"))
    }

    /// Ingests into the store `store` and gives the accounts. What else goes on the command line
    /// stands behind the paths.
    pub fn ingest(&self, store: &str, arguments: &[&str]) -> (Ran, Summary) {
        let ran = self
            .pbi(["ingest"].iter().chain(arguments).chain(&["--store", store, "--format", "json"]));
        let summary = serde_json::from_str(&ran.stdout);
        let summary: Summary = summary.unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        assert!(summary.adds_up(), "the accounts do not add up: {summary:?}");
        (ran, summary)
    }

    /// What `rejects` lists of the store, with the text of each.
    pub fn rejects(&self, store: &str, arguments: &[&str]) -> Vec<Rejected> {
        let flags = ["rejects", "--with-content", "--format", "json", "--store", store];
        let ran = self.pbi(flags.iter().chain(arguments)).ended(0);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}

/// A run of the program that is over.
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

    /// Insists on one of these exit codes.
    #[track_caller]
    pub fn one_of(self, codes: &[i32]) -> Self {
        assert!(codes.contains(&self.code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Insists on an exit code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// What `ingest --format json` prints. A field that is added or renamed must be added here too:
/// others read this output.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    pub sources: Sources,
    pub records: Records,
    pub period: Period,
    pub store: Stored,
    pub other_workloads: std::collections::BTreeMap<String, u64>,
    pub without_id: u64,
    pub per_source: Vec<Source>,
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    pub found: u64,
    pub new: u64,
    pub known: u64,
    pub failed: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    pub read: u64,
    pub stored: u64,
    pub duplicates: u64,
    pub conflicting: u64,
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
    pub troubles: Vec<Trouble>,
    pub suspicions: Vec<Suspicion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspicion {
    pub kind: String,
    pub count: u64,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Taken,
    Damaged,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    pub position: u64,
    pub reason: String,
    pub count: u64,
}

/// What `rejects --format json` lists.
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
    }
}

impl Summary {
    /// Whether each source's sum holds, and the sources make the total. Asked of every run of
    /// every test.
    fn adds_up(&self) -> bool {
        let mut total = Records::default();
        for source in &self.per_source {
            let records = &source.records;
            total.read += records.read;
            total.stored += records.stored;
            total.duplicates += records.duplicates;
            total.conflicting += records.conflicting;
            total.other_workloads += records.other_workloads;
            total.rejected += records.rejected;
        }
        let sources = &self.sources;
        let failed = self.per_source.iter().filter(|source| source.outcome == Outcome::Failed);
        total == self.records
            && self.per_source.iter().all(|source| source.records.adds_up())
            && self.other_workloads.values().sum::<u64>() == total.other_workloads
            && sources.found == sources.new + sources.known + sources.failed
            && sources.new + sources.failed == self.per_source.len() as u64
            && sources.failed == failed.count() as u64
    }

    /// The account of a source by its name.
    #[track_caller]
    pub fn of(&self, source: &str) -> &Source {
        let found = self.per_source.iter().find(|account| account.source == source);
        found.unwrap_or_else(|| panic!("no account of {source} in {self:#?}"))
    }
}
