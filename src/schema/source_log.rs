//! Source facts: the outcome of the records of a source, its days and its problems.
//!
//! They are written with every commit, and read by `status` and by the coverage of reports. This
//! module defines only the data types; `ingest` fills them and `store` writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The outcome of the records of a source or of a run.
///
/// Always `read = stored + duplicates + other_workloads + rejected`. `conflicting` and
/// `improved` are parts of `duplicates`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCounts {
    /// Records in the source.
    pub read: u64,
    /// Newly stored events.
    pub stored: u64,
    /// Duplicates of an event in this run or in the store.
    pub duplicates: u64,
    /// Duplicates that contradict another copy of their event.
    pub conflicting: u64,
    /// Duplicates that improved an event in the store.
    #[serde(default)]
    pub improved: u64,
    /// Skipped records of other workloads (Exchange, SharePoint, …).
    pub other_workloads: u64,
    /// Rejected records.
    pub rejected: u64,
}

impl RecordCounts {
    /// Returns true if the sum is correct.
    pub fn adds_up(&self) -> bool {
        self.read == self.stored + self.duplicates + self.other_workloads + self.rejected
    }

    /// Adds the counts of another source.
    pub fn add(&mut self, other: &RecordCounts) {
        self.read += other.read;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.conflicting += other.conflicting;
        self.improved += other.improved;
        self.other_workloads += other.other_workloads;
        self.rejected += other.rejected;
    }
}

/// The outcome of a source's rejected records. The sum is [`RecordCounts::rejected`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectCounts {
    /// Stored with their text.
    pub kept: u64,
    /// Already stored when the source was ingested before.
    pub known: u64,
}

/// Damage in a source or in one of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The byte position in the file, or in the decompressed content if the file is compressed.
    pub position: u64,
    /// The reason: expectation, finding and advice.
    pub reason: String,
    /// The number of occurrences. The first is at the position.
    #[serde(default = "once")]
    pub count: u64,
}

fn once() -> u64 {
    1
}

impl Problem {
    /// Returns a problem with one occurrence.
    pub fn new(position: u64, reason: String) -> Self {
        Problem { position, reason, count: once() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {}: {}", self.position, self.reason)?;
        match self.count {
            1 => Ok(()),
            count => write!(f, " ({count} times, first here)"),
        }
    }
}

/// A sign that a readable source is probably incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceWarning {
    /// The kind of the warning.
    pub kind: WarningKind,
    /// The number of records, values or events, depending on the kind.
    pub count: u64,
    /// The finding and advice.
    pub detail: String,
}

/// The kinds of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The audit search found more results than the file contains. Counts the missing results.
    #[serde(alias = "cut")]
    Truncated,
    /// The file has exactly as many records as a limit of its tool. Counts the records.
    AtLimit,
    /// The file is a table of events without AuditData. Counts the rows.
    LossyTable,
    /// Names contain `?` in place of characters. Counts the different names.
    #[serde(alias = "lost_letters")]
    LostCharacters,
    /// Values are the text form of objects. Counts the values.
    Flattened,
    /// The file was written before its last day was over. Counts the events of that day.
    #[serde(alias = "early")]
    TooEarly,
    /// The file is not UTF-8 and was read as Windows-1252. Counts the records.
    CodePage,
    /// Text around the records was skipped. Counts 1.
    SkippedText,
    /// Events have no id, so their copies with an id are not recognized. Counts these events.
    WithoutId,
    /// Events are dated at least a day after the file was written. Counts these events.
    FutureDated,
}

/// Signs that a file was rewritten although its size and time are the same. Windows has no
/// such times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// The time of the last change of content, name or permissions, in microseconds since 1970
    /// (UTC). Programs cannot set it.
    pub changed_us: i64,
    /// The number of the file in its file system.
    pub inode: u64,
    /// The digest of its first and last block.
    pub edges: String,
}

/// The version of the recognition of files. It is raised when kinds of files are read that were not
/// read before, so that such files are read again.
pub const RECOGNITION: u64 = 3;

/// The facts about one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// The path as found, with `/` as the separator.
    pub path: String,
    /// The format: "rest", "array", "ndjson", "csv", …, or empty if it was not recognized.
    pub kind: String,
    /// The size on disk in bytes.
    pub size_bytes: u64,
    /// The time of the last modification, in microseconds since 1970 (UTC).
    pub modified_us: Option<i64>,
    /// Identity of the file on its disk. Entries of older versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<FileIdentity>,
    /// Counts of the records by outcome.
    pub records: RecordCounts,
    /// The number of its events by UTC day (`2024-03-01`), including duplicates.
    pub days: BTreeMap<String, u64>,
    /// The number of these events that were stored and erased later, by UTC day.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub erased: BTreeMap<String, u64>,
    /// The times of its first and last event, in microseconds since 1970 (UTC).
    pub period_us: Option<(i64, i64)>,
    /// The events of the Power Platform among those in `days`. Entries of older versions do not
    /// separate them.
    #[serde(default, skip_serializing_if = "LogFacts::is_empty")]
    pub power_platform: LogFacts,
    /// The times of the first and last event of Power BI and Fabric, if the source has events of
    /// the Power Platform too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_bi_period_us: Option<(i64, i64)>,
    /// True if its last page announces another page (`continuationUri`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_continued: bool,
    /// The number of stored events of other workloads. They do not count for days and period.
    #[serde(default, skip_serializing_if = "is_zero", alias = "others_kept")]
    pub other_workloads_kept: u64,
    /// The counts of its workspaces and items, if it is an inventory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<InventoryFacts>,
    /// The version of the recognition of files, [`RECOGNITION`], that did not recognize the source
    /// or some of its texts. Entries of other sources, and of older versions, have 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub recognition: u64,
    /// True if the source is damaged: it ends or breaks in the middle of a record.
    pub damaged: bool,
    /// The first problems.
    #[serde(alias = "troubles")]
    pub problems: Vec<Problem>,
    /// Counts of the rejected records, or `None` for entries from before rejects were stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<RejectCounts>,
    /// The warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty", alias = "suspicions")]
    pub warnings: Vec<SourceWarning>,
}

impl SourceFacts {
    /// Returns true if none of its texts is a log or an inventory, or if all of its records were
    /// rejected. A later version of the program can find more in it.
    pub fn is_not_recognized(&self) -> bool {
        let records = &self.records;
        let is_rejected = records.rejected > 0 && records.rejected == records.read;
        self.inventory.is_none() && self.days.is_empty() && (self.kind.is_empty() || is_rejected)
    }

    /// Returns the numbers of its events by UTC day, including duplicates, without those that were
    /// erased. Days without events are left out.
    pub fn copies_by_day(&self) -> impl Iterator<Item = (&str, u64)> {
        self.days.iter().filter(|(_, events)| **events > 0).map(|(day, events)| {
            let erased = self.erased.get(day).copied().unwrap_or(0);
            (day.as_str(), events.saturating_sub(erased))
        })
    }
}

/// The counts of an inventory file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryFacts {
    /// The kinds of its texts, for example `scanner result`.
    pub shapes: Vec<String>,
    /// The number of its workspaces.
    pub workspaces: u64,
    /// The number of its items.
    pub items: u64,
    /// The number of its access rights.
    pub access: u64,
    /// The number of its people.
    #[serde(default)]
    pub people: u64,
    /// The number of their licenses.
    #[serde(default)]
    pub licenses: u64,
    /// The number of its subscribed products.
    #[serde(default)]
    pub products: u64,
    /// The number of its tenant settings.
    #[serde(default)]
    pub settings: u64,
    /// The number of attributes of its people, for example cost centers.
    #[serde(default)]
    pub attributes: u64,
    /// The number of its refreshes of semantic models.
    #[serde(default)]
    pub refreshes: u64,
    /// The number of its semantic models with counts of refreshes.
    #[serde(default)]
    pub refreshables: u64,
    /// The number of its capacities.
    #[serde(default)]
    pub capacities: u64,
    /// The number of its groups.
    #[serde(default)]
    pub groups: u64,
    /// The number of their members.
    #[serde(default)]
    pub group_members: u64,
    /// The number of rows for people whose later rows count.
    #[serde(default)]
    pub repeated_rows: u64,
    /// The number of lists in it that became text, so that their content is lost.
    pub lost_lists: u64,
    /// The number of its states of workspaces that the store did not have.
    pub new_states: u64,
}

/// The events of one log in a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFacts {
    /// The number of events by UTC day, including duplicates.
    #[serde(default)]
    pub days: BTreeMap<String, u64>,
    /// The times of the first and last event, in microseconds since 1970 (UTC).
    #[serde(default)]
    pub period_us: Option<(i64, i64)>,
}

impl LogFacts {
    /// Returns true if there are no events.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
