//! What is remembered of a source once it has been read: its accounting, which days it holds,
//! what was wrong with it. Written with every commit, read by `status` and by the coverage of
//! reports. Only shapes live here; who writes them where is the business of `ingest` and `store`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the records of a source, or of a run, were disposed of.
///
/// `read = stored + duplicates + other_workloads + rejected` always holds;
/// `conflicting` are those of the duplicates whose content differs from the copy that was kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCounts {
    /// Records found.
    pub read: u64,
    /// Events newly stored.
    pub stored: u64,
    /// Further copies of an event, in this run or already stored.
    pub duplicates: u64,
    /// Duplicates that differ in content from the copy that was kept.
    pub conflicting: u64,
    /// Records of workloads that are not kept (Exchange, SharePoint, …).
    pub other_workloads: u64,
    /// Records that could not be taken.
    pub rejected: u64,
}

impl RecordCounts {
    /// Whether the sum holds.
    pub fn adds_up(&self) -> bool {
        self.read == self.stored + self.duplicates + self.other_workloads + self.rejected
    }

    /// Adds another count to this one.
    pub fn add(&mut self, other: &RecordCounts) {
        self.read += other.read;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.conflicting += other.conflicting;
        self.other_workloads += other.other_workloads;
        self.rejected += other.rejected;
    }
}

/// What became of the records of a source that could not be taken; together they are
/// [`RecordCounts::rejected`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectCounts {
    /// Kept with their text.
    pub kept: u64,
    /// The same as one that was kept when the source was read before.
    pub known: u64,
}

/// Something wrong with a source or one of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Byte position in the file as it is on disk; in what was unpacked, where it is packed.
    pub position: u64,
    /// What was expected, what was found, what to do.
    pub reason: String,
    /// How many times, the first of them at the position.
    #[serde(default = "once")]
    pub count: u64,
}

fn once() -> u64 {
    1
}

impl Problem {
    /// A trouble that came up once.
    pub fn new(position: u64, reason: String) -> Self {
        Problem { position, reason, count: once() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {}: {}", self.position, self.reason)?;
        match self.count {
            1 => Ok(()),
            count => write!(f, " ({count} times, here first)"),
        }
    }
}

/// Something that speaks against a source in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceWarning {
    /// What.
    pub kind: WarningKind,
    /// How many records, values or events; what of, the kind says.
    pub count: u64,
    /// What was seen, and what to do.
    pub detail: String,
}

/// What speaks against a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The search that wrote it found more than it holds: the number of results that are missing.
    Truncated,
    /// It holds exactly as many records as its tool gives at most: the number of these.
    AtLimit,
    /// A table of events without AuditData: the number of its rows.
    LossyTable,
    /// Names with `?` for letters: the number of different names that were looked at.
    LostCharacters,
    /// Values that are the text of an object: the number of these.
    Flattened,
    /// Written before its last day was over: the number of events of that day.
    TooEarly,
}

/// What is remembered of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Its path as found, with `/` between the parts.
    pub path: String,
    /// Its shape: "rest", "array", "ndjson", "csv", … or empty where nothing was recognised.
    pub kind: String,
    /// Its size on disk.
    pub size_bytes: u64,
    /// When it was last modified, in microseconds since 1970 (UTC).
    pub modified_us: Option<i64>,
    /// How its records were disposed of.
    pub records: RecordCounts,
    /// Events per UTC day (`2024-03-01`) that it holds, stored from it or known already.
    pub days: BTreeMap<String, u64>,
    /// Its first and last event, in microseconds since 1970 (UTC).
    pub period_us: Option<(i64, i64)>,
    /// How many of the events that it holds are of other workloads, kept on demand. Days and
    /// period are those of all others.
    #[serde(default, skip_serializing_if = "is_none")]
    pub others_kept: u64,
    /// Whether it is damaged: it ends or breaks in the middle of a record.
    pub damaged: bool,
    /// What was wrong with it, the first few.
    pub problems: Vec<Problem>,
    /// What became of its rejected records; nothing where the store kept none at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<RejectCounts>,
    /// What speaks against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<SourceWarning>,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}
