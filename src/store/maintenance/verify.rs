//! A store looked at in whole: whether it holds what its log, its statistics and its accounts say.
//!
//! Owns: what has to be true of a store, and how what is not is named. It changes nothing, and
//! other commands may write while it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use rayon::prelude::*;
use serde::Serialize;

use crate::column::stored_id_key;
use crate::error::Result;
use crate::record::time;
use crate::store::delta::log::DeltaLog;
use crate::store::delta::snapshot::DataFile;
use crate::store::maintenance::file_inventory::FileInventory;
use crate::store::parquet::reader;
use crate::store::provenance::rejects;
use crate::store::provenance::source_log::{self, SourceEntry, SourceLog};
use crate::store::write::writer_lock;
use crate::store::{MAX_ATTEMPTS, Store};

/// What is wrong is told word for word this often for each check, and counted beyond.
const MAX_FINDINGS: usize = 100;

/// Ids that are held at once, 16 bytes each; of a table with more, parts are looked at in turn.
const MAX_IDS_IN_MEMORY: u64 = 32 << 20;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// The version of the log that was looked at.
    pub version: i64,
    /// Whether nothing is wrong.
    pub ok: bool,
    /// Files of the table.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Events, as the log counts them.
    pub events: u64,
    /// What was asked, and what is wrong.
    pub checks: Vec<VerifyCheck>,
    /// Files that a command is writing at this moment.
    pub in_progress: Vec<String>,
    /// Files that a command left which was cut off. No reader sees them, and the next command
    /// that writes takes them away.
    pub orphans: Vec<String>,
}

/// One question, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyCheck {
    /// What is asked.
    pub name: &'static str,
    /// How many were looked at.
    pub checked: u64,
    /// What of: "files", "events", "sources".
    pub unit: &'static str,
    /// How often something is wrong.
    pub failures: u64,
    /// What is wrong, the first of it.
    pub findings: Vec<VerifyFinding>,
    /// Why it could not be asked, where it could not.
    pub skipped_reason: Option<String>,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyFinding {
    /// The file, below the store's folder, with `/` between the parts.
    pub file: String,
    /// The row in it, counted from 0, where it is one row's.
    pub row: Option<u64>,
    /// What is wrong.
    pub problem: String,
}

impl VerifyCheck {
    fn new(name: &'static str, looked_at: u64, unit: &'static str) -> Self {
        VerifyCheck {
            name,
            checked: looked_at,
            unit,
            failures: 0,
            findings: Vec::new(),
            skipped_reason: None,
        }
    }

    fn add(&mut self, finding: VerifyFinding) {
        self.failures += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    fn add_all(&mut self, of_file: FileFindings) {
        self.failures += of_file.failures;
        let room = MAX_FINDINGS - self.findings.len();
        self.findings.extend(of_file.findings.into_iter().take(room));
    }
}

impl Store {
    /// Looks at everything that the store holds, and names what is wrong with it.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Store`] where the log itself cannot be read, [`crate::Error::Io`] where a
    /// folder cannot be listed. Whatever else is wrong is in the verdict.
    pub fn verify(&self) -> Result<VerifyReport> {
        let mut tries = 0;
        loop {
            // Before the log: what a command commits in the meantime is in the log by then.
            let census = FileInventory::scan(self)?;
            let log = DeltaLog::open(self)?;
            let verdict = Verifier { store: self, log: &log }.report(census)?;
            tries += 1;
            // A file that is not there any more may have been merged into another since.
            if verdict.ok || tries == MAX_ATTEMPTS || self.refresh(&log)?.is_none() {
                return Ok(verdict);
            }
        }
    }
}

struct Verifier<'s> {
    store: &'s Store,
    log: &'s DeltaLog,
}

impl Verifier<'_> {
    fn report(&self, census: FileInventory) -> Result<VerifyReport> {
        let files = self.log.files()?;
        let events = files.iter().map(|file| file.events).sum();
        let (present, mut checks) = self.check_files(&files);
        let paths: BTreeSet<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        let head = self.log.source_log_head();
        let memory = head.and_then(|head| {
            let root = self.store.root();
            Ok((source_log::read(root, head)?, source_log::referenced_files(root, head)?))
        });
        let named = memory.as_ref().map(|(_, named)| named.clone()).ok();
        let memory = memory.map(|(memory, _)| memory);
        let sorted = census.classify(self.store, &paths, named.as_ref())?;
        let mut strays = VerifyCheck::new("strays", sorted.checked, "files in the folders");
        for path in sorted.unreferenced {
            let what = "the log does not name it, but who reads the folder counts its events; the \
                        next ingest takes it away if a command of this program left it";
            strays.add(self.finding(&path, None, what));
        }
        checks.push(strays);
        checks.extend(self.check_contents(&present, events));
        checks.push(self.check_ids(&present, events));
        checks.push(self.check_rejects(memory.as_ref().ok()));
        checks.extend(self.check_accounts(memory, &files, events));
        let names = |paths: &[PathBuf]| paths.iter().map(|path| self.relative_path(path)).collect();
        Ok(VerifyReport {
            version: self.log.version(),
            ok: checks.iter().all(|check| check.failures == 0),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
            events,
            checks,
            in_progress: names(&sorted.in_progress),
            orphans: names(&sorted.orphans),
        })
    }

    /// Whether the files of the log are there, and those that are.
    fn check_files<'f>(&self, files: &'f [DataFile]) -> (Vec<&'f DataFile>, Vec<VerifyCheck>) {
        let mut check = VerifyCheck::new("files", files.len() as u64, "files");
        let mut present = Vec::with_capacity(files.len());
        for file in files {
            match std::fs::metadata(&file.path) {
                Ok(meta) => {
                    present.push(file);
                    if meta.len() != file.size_bytes {
                        let what = format!(
                            "has {} bytes, and should have {}; restore it from a copy",
                            meta.len(),
                            file.size_bytes
                        );
                        check.add(self.finding(&file.path, None, what));
                    }
                }
                Err(error) => {
                    let what = format!("cannot be opened: {error}; restore it from a copy");
                    check.add(self.finding(&file.path, None, what));
                }
            }
        }
        (present, vec![check])
    }

    /// Whether files can be read to their end, hold what is said of them, and are in order.
    fn check_contents(&self, files: &[&DataFile], events: u64) -> [VerifyCheck; 3] {
        let mut checks = [
            VerifyCheck::new("contents", events, "events"),
            VerifyCheck::new("statistics", files.len() as u64, "files"),
            VerifyCheck::new("order", events, "events"),
        ];
        let reads: Vec<DataFileCheck> = files
            .par_iter()
            .map(|file| DataFileCheck::read(file, self.relative_path(&file.path)))
            .collect();
        for DataFileCheck { contents, statistics, order, .. } in reads {
            for (check, findings) in checks.iter_mut().zip([contents, statistics, order]) {
                check.add_all(findings);
            }
        }
        checks
    }

    /// Whether no id stands in two rows. Files that cannot be read are told of elsewhere.
    fn check_ids(&self, files: &[&DataFile], events: u64) -> VerifyCheck {
        let mut check = VerifyCheck::new("ids", events, "events");
        let parts = events.div_ceil(MAX_IDS_IN_MEMORY).max(1) as u128;
        for part in 0..parts {
            let is_of_part = |id: u128| (id ^ id >> 64) % parts == part;
            let of_file = |file: &&DataFile| {
                let mut ids = Vec::new();
                // What was read before the error counts all the same.
                let _ = reader::for_each_batch(&file.path, Some(&["Id"]), |batch| {
                    ids.extend(id_keys(batch).flatten().filter(|&id| is_of_part(id)));
                });
                ids
            };
            let mut ids: Vec<u128> = files.par_iter().flat_map_iter(of_file).collect();
            ids.par_sort_unstable();
            let twice: BTreeSet<u128> =
                ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
            if !twice.is_empty() {
                self.add_duplicate_id_findings(files, &twice, &mut check);
            }
        }
        check
    }

    /// Names the rows of ids that stand in several: all but the first of each is one too many.
    fn add_duplicate_id_findings(
        &self,
        files: &[&DataFile],
        twice: &BTreeSet<u128>,
        check: &mut VerifyCheck,
    ) {
        let mut first: BTreeMap<u128, (String, u64)> = BTreeMap::new();
        for file in files {
            let name = self.relative_path(&file.path);
            let mut row = 0;
            let _ = reader::for_each_batch(&file.path, Some(&["Id"]), |batch| {
                for id in id_keys(batch) {
                    if let Some(id) = id.filter(|id| twice.contains(id)) {
                        match first.get(&id) {
                            Some((file, at)) => check.add(VerifyFinding {
                                file: name.clone(),
                                row: Some(row),
                                problem: format!("has the Id of row {at} of {file}"),
                            }),
                            None => {
                                first.insert(id, (name.clone(), row));
                            }
                        }
                    }
                    row += 1;
                }
            });
        }
    }

    /// Whether the records that could not be taken are there, and as many as the accounts say.
    fn check_rejects(&self, memory: Option<&SourceLog>) -> VerifyCheck {
        let mut check =
            VerifyCheck::new("rejects", memory.map_or(0, SourceLog::reject_count), "rejects");
        let Some(memory) = memory else {
            check.skipped_reason = Some("the accounts cannot be read".to_owned());
            return check;
        };
        let root = self.store.root();
        let wrong: Vec<Option<String>> =
            memory.reject_files.par_iter().map(|file| rejects::verify_file(root, file)).collect();
        for (file, what) in memory.reject_files.iter().zip(wrong) {
            if let Some(what) = what {
                check.add(self.finding(&file.path(root), None, what));
            }
        }
        // A store from before rejects were kept says nothing of them.
        let counted = memory.entries.iter().filter_map(|mark| Some((mark, mark.facts.rejects?)));
        let mut kept = 0;
        for (SourceEntry { facts, .. }, counts) in counted {
            kept += counts.kept;
            if counts.kept + counts.known != facts.records.rejected {
                let what = format!(
                    "{} has {} rejected records, and {} are kept or were before",
                    facts.path,
                    facts.records.rejected,
                    counts.kept + counts.known
                );
                check.add(self.finding(&rejects::folder(root), None, what));
            }
        }
        let (held, dropped) = (memory.reject_count(), memory.removed.dropped);
        if kept != held + dropped {
            let what = format!(
                "{kept} rejects were kept and {dropped} of them dropped again, and there are {held}"
            );
            check.add(self.finding(&rejects::folder(root), None, what));
        }
        check
    }

    /// Whether what is remembered of sources can be read, adds up, and agrees with the table.
    fn check_accounts(
        &self,
        memory: Result<SourceLog>,
        files: &[DataFile],
        events: u64,
    ) -> [VerifyCheck; 2] {
        let head = self.log.source_log_head().ok().flatten();
        let file = source_log::path(self.store.root(), head.unwrap_or_default());
        let mut sources = VerifyCheck::new("accounts", 0, "sources");
        let mut sum = VerifyCheck::new("sum", events, "events");
        let SourceLog { entries: marks, removed: gone, .. } = match memory {
            Ok(memory) => memory,
            Err(error) => {
                sources.add(self.finding(&file, None, error.to_string()));
                sum.skipped_reason = Some("the accounts cannot be read".to_owned());
                return [sources, sum];
            }
        };
        sources.checked = marks.len() as u64;
        for SourceEntry { facts, .. } in &marks {
            let records = &facts.records;
            if !records.adds_up() || records.conflicting > records.duplicates {
                let what = format!("the account of {} does not add up: {records:?}", facts.path);
                sources.add(self.finding(&file, None, what));
            }
        }
        let is_foreign = |file: &DataFile| {
            writer_lock::writer_from_name(&writer_lock::file_name(&file.path)).is_none()
        };
        let stored: u64 = marks.iter().map(|mark| mark.facts.records.stored).sum();
        let erased = gone.erased;
        if files.iter().any(is_foreign) || self.log.has_foreign_commits() {
            sum.skipped_reason = Some("another program wrote to the table".to_owned());
        } else if stored != events + erased {
            let erased = match erased {
                0 => String::new(),
                erased => format!(", {erased} were erased again"),
            };
            let what = format!("{stored} events were stored{erased}, and the table has {events}");
            sum.add(self.finding(&self.store.events_dir(), None, what));
        }
        [sources, sum]
    }

    fn finding(&self, path: &Path, row: Option<u64>, what: impl Into<String>) -> VerifyFinding {
        VerifyFinding { file: self.relative_path(path), row, problem: what.into() }
    }

    fn relative_path(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.store.root()).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }
}

/// The keys of the ids of some rows.
fn id_keys(batch: &RecordBatch) -> impl Iterator<Item = Option<u128>> + '_ {
    let ids = batch.column_by_name("Id").and_then(|ids| ids.as_string_opt::<i32>());
    ids.into_iter().flat_map(|ids| ids.iter().map(|id| id.map(stored_id_key)))
}

/// What is wrong with one file in one respect.
#[derive(Default)]
struct FileFindings {
    failures: u64,
    findings: Vec<VerifyFinding>,
}

/// A file, read from its first row to its last.
struct DataFileCheck<'f> {
    file: &'f DataFile,
    name: String,
    /// Written by this program, which promises more than others do.
    is_ours: bool,
    rows: u64,
    period_us: Option<(i64, i64)>,
    previous_key: Option<(i64, u128)>,
    contents: FileFindings,
    statistics: FileFindings,
    order: FileFindings,
}

impl<'f> DataFileCheck<'f> {
    fn read(file: &'f DataFile, name: String) -> DataFileCheck<'f> {
        let mut check = DataFileCheck {
            file,
            name,
            is_ours: writer_lock::writer_from_name(&writer_lock::file_name(&file.path)).is_some(),
            rows: 0,
            period_us: None,
            previous_key: None,
            contents: FileFindings::default(),
            statistics: FileFindings::default(),
            order: FileFindings::default(),
        };
        let written = writer_lock::digest_from_name(&writer_lock::file_name(&file.path));
        let found = written.and_then(|_| reader::file_digest(&file.path).ok());
        if found != written && found.is_some() {
            let what = "is not what was written: its digest is not the one in its name; restore \
                        it from a copy";
            add_finding(&mut check.contents, &check.name, None, what);
        }
        match reader::for_each_batch(&file.path, None, |batch| check.check_batch(batch)) {
            Ok(()) => check.check_statistics(),
            Err(error) => {
                let what = format!("cannot be read behind row {}: {error}", check.rows);
                add_finding(&mut check.contents, &check.name, Some(check.rows), what);
            }
        }
        check
    }

    fn check_batch(&mut self, batch: &RecordBatch) {
        let times = batch
            .column_by_name("CreationTime")
            .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let ids = id_keys(batch).map(Some).chain(std::iter::repeat(None));
        for (row, id) in (0..batch.num_rows()).zip(ids) {
            let (at, name) = (Some(self.rows), &self.name);
            self.rows += 1;
            let time_us = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            let (Some(time_us), Some(Some(id))) = (time_us, id) else {
                add_finding(&mut self.contents, name, at, "an event without an Id or a time");
                continue;
            };
            let (first, last) = self.period_us.unwrap_or((time_us, time_us));
            self.period_us = Some((first.min(time_us), last.max(time_us)));
            let is_before = |before: (i64, u128)| before < (time_us, id);
            if self.is_ours && !self.previous_key.is_none_or(is_before) {
                let what = "is not behind the row before it, by time and Id";
                add_finding(&mut self.order, name, at, what);
            }
            self.previous_key = Some((time_us, id));
        }
    }

    /// What the log says of the file, now that it is read.
    fn check_statistics(&mut self) {
        let (file, name) = (self.file, &self.name);
        let is_counted = self.is_ours || file.events > 0;
        if is_counted && self.rows != file.events {
            let what = format!("has {} events, and should have {}", self.rows, file.events);
            add_finding(&mut self.contents, name, None, what);
        }
        let Some((first, last)) = self.period_us else { return };
        if [first, last].iter().any(|&us| time::month(us).as_deref() != Some(&file.month)) {
            let [first, last] = [first, last].map(time::to_rfc3339_micros);
            let what = format!("holds {first} to {last} in the folder of {}", file.month);
            add_finding(&mut self.statistics, name, None, what);
        }
        // Others may round their statistics, but only outwards.
        let is_true = |said: (i64, i64)| {
            if self.is_ours { said == (first, last) } else { said.0 <= first && last <= said.1 }
        };
        let is_true = file.period_us.map_or(!self.is_ours, is_true);
        if !is_true {
            let text = |(first, last)| {
                let [first, last] = [first, last].map(time::to_rfc3339_micros);
                format!("{first} to {last}")
            };
            let said = file.period_us.map_or_else(|| "nothing".to_owned(), text);
            let what = format!("holds {}, and the log says {said}", text((first, last)));
            add_finding(&mut self.statistics, name, None, what);
        }
    }
}

fn add_finding(of: &mut FileFindings, name: &str, row: Option<u64>, what: impl Into<String>) {
    of.failures += 1;
    if of.findings.len() < MAX_FINDINGS {
        of.findings.push(VerifyFinding { file: name.to_owned(), row, problem: what.into() });
    }
}
