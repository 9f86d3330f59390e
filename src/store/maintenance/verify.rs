//! Verification: checks whether the store agrees with its log, its statistics and its source log.
//!
//! Nothing is changed, and other commands may write at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use rayon::prelude::*;
use serde::Serialize;

use crate::column::stored_id_key;
use crate::error::Result;
use crate::record::time;
use crate::store::delta::commit::MAX_ATTEMPTS;
use crate::store::delta::log::DeltaLog;
use crate::store::delta::snapshot::DataFile;
use crate::store::file_names::{digest_from_name, writer_from_name};
use crate::store::fs::paths::file_name;
use crate::store::handle::Store;
use crate::store::maintenance::file_inventory::FileInventory;
use crate::store::parquet::id_prefixes::{IdPrefixes, id_prefix};
use crate::store::parquet::reader;
use crate::store::provenance::reject_file;
use crate::store::provenance::source_log::{self, SourceEntry, SourceLog};

/// The number of findings that each check lists. Further findings are only counted.
const MAX_FINDINGS: usize = 100;

/// Ids in source_log at once, 16 bytes each. Larger tables are checked in parts.
const MAX_IDS_IN_MEMORY: u64 = 32 << 20;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// The version of the log that was checked.
    pub version: i64,
    /// True if no check failed.
    pub ok: bool,
    /// The number of data files.
    pub files: u64,
    /// The size of the data files in bytes.
    pub bytes: u64,
    /// The number of events according to the log.
    pub events: u64,
    /// The checks with their findings.
    pub checks: Vec<VerifyCheck>,
    /// Files that a running command is writing.
    pub in_progress: Vec<String>,
    /// Files that an aborted command has left. No reader uses them, and the next command that
    /// writes deletes them.
    pub orphans: Vec<String>,
}

/// One check and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyCheck {
    /// The name of the check.
    pub name: &'static str,
    /// The number of checked objects.
    pub checked: u64,
    /// The kind of the objects: "files", "events", "sources".
    pub unit: &'static str,
    /// The number of failures.
    pub failures: u64,
    /// The first failures.
    pub findings: Vec<VerifyFinding>,
    /// The reason if the check was skipped.
    pub skipped_reason: Option<String>,
}

/// One failure of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyFinding {
    /// The file, relative to the store's folder, with `/` as the separator.
    pub file: String,
    /// The row in the file, counted from 0, if the failure is in one row.
    pub row: Option<u64>,
    /// The problem.
    pub problem: String,
}

impl VerifyCheck {
    fn new(name: &'static str, checked: u64, unit: &'static str) -> Self {
        VerifyCheck { name, checked, unit, failures: 0, findings: Vec::new(), skipped_reason: None }
    }

    fn add(&mut self, finding: VerifyFinding) {
        self.failures += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    fn add_all(&mut self, other: FileFindings) {
        self.failures += other.failures;
        let room = MAX_FINDINGS - self.findings.len();
        self.findings.extend(other.findings.into_iter().take(room));
    }
}

impl Store {
    /// Checks the whole content of the store.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Store`] if the log cannot be read, [`crate::Error::Io`] if a folder cannot
    /// be listed. All other problems are in the report.
    #[doc(hidden)]
    pub fn verify(&self) -> Result<VerifyReport> {
        let mut attempts = 0;
        loop {
            // The files are listed first: files that are committed meanwhile are in the log then.
            let inventory = FileInventory::scan(self)?;
            let log = DeltaLog::open(self)?;
            let report = Verifier { store: self, log: &log }.report(inventory)?;
            attempts += 1;
            // A compaction may have replaced a file that is missing now.
            if report.ok || attempts == MAX_ATTEMPTS || self.refresh(&log)?.is_none() {
                return Ok(report);
            }
        }
    }
}

struct Verifier<'s> {
    store: &'s Store,
    log: &'s DeltaLog,
}

impl Verifier<'_> {
    fn report(&self, inventory: FileInventory) -> Result<VerifyReport> {
        let files = self.log.files()?;
        let events = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.events));
        let (present, mut checks) = self.check_files(&files);
        let (_, inventory_files) = self.store.inventory_version()?;
        let all = files.iter().chain(&inventory_files);
        let paths: BTreeSet<&Path> = all.map(|file| file.path.as_path()).collect();
        let head = self.log.source_log_head();
        let provenance = head.and_then(|head| {
            let root = self.store.root();
            Ok((source_log::read(root, head)?, source_log::referenced_files(root, head)?))
        });
        let referenced = provenance.as_ref().map(|(_, files)| files.clone()).ok();
        let source_log = provenance.map(|(source_log, _)| source_log);
        let classified = inventory.classify(self.store, &paths, referenced.as_ref())?;
        let mut strays = VerifyCheck::new("strays", classified.checked, "files in the folders");
        for path in classified.unreferenced {
            let problem = "the log does not contain this file, but programs that read the folder \
                           count its events; the next ingest deletes it if an aborted command of \
                           pbi-analyze left it";
            strays.add(self.finding(&path, None, problem));
        }
        checks.push(strays);
        checks.extend(self.check_contents(&present, events));
        checks.push(self.check_ids(&present, events));
        if self.store.inventory().exists()? {
            checks.push(self.check_inventory()?);
        }
        checks.push(self.check_rejects(source_log.as_ref().ok()));
        checks.extend(self.check_accounts(source_log, &files, events));
        let names = |paths: &[PathBuf]| paths.iter().map(|path| self.relative_path(path)).collect();
        Ok(VerifyReport {
            version: self.log.version(),
            ok: checks.iter().all(|check| check.failures == 0),
            files: files.len() as u64,
            bytes: files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size_bytes)),
            events,
            checks,
            in_progress: names(&classified.in_progress),
            orphans: names(&classified.orphans),
        })
    }

    /// Checks that the files of the log exist, and returns those that do.
    fn check_files<'f>(&self, files: &'f [DataFile]) -> (Vec<&'f DataFile>, Vec<VerifyCheck>) {
        let mut check = VerifyCheck::new("files", files.len() as u64, "files");
        let mut present = Vec::with_capacity(files.len());
        for file in files {
            match std::fs::metadata(&file.path) {
                Ok(meta) => {
                    present.push(file);
                    if meta.len() != file.size_bytes {
                        let problem = format!(
                            "size in bytes: {}, expected: {}; restore it from a copy",
                            meta.len(),
                            file.size_bytes
                        );
                        check.add(self.finding(&file.path, None, problem));
                    }
                }
                Err(error) => {
                    let problem = format!("cannot be opened: {error}; restore it from a copy");
                    check.add(self.finding(&file.path, None, problem));
                }
            }
        }
        (present, vec![check])
    }

    /// Checks that files can be read completely, agree with the log, and are sorted.
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

    /// Checks that no Id is in two rows. Files that cannot be read are reported elsewhere.
    fn check_ids(&self, files: &[&DataFile], events: u64) -> VerifyCheck {
        let mut check = VerifyCheck::new("ids", events, "events");
        // The log may state any number. A row has an id of its own, so a file has fewer rows than
        // bytes.
        let sizes = files.iter().filter_map(|file| std::fs::metadata(&file.path).ok());
        let bytes: u64 = sizes.map(|meta| meta.len()).sum();
        let parts = events.min(bytes).div_ceil(MAX_IDS_IN_MEMORY).max(1) as u128;
        for part in 0..parts {
            let is_in_part = |id: u128| (id ^ id >> 64) % parts == part;
            let read_ids = |file: &&DataFile| {
                let mut ids = Vec::new();
                // The rows before an error are checked too.
                let _ = reader::for_each_batch(&file.path, Some(&["Id"]), |batch| {
                    ids.extend(id_keys(batch).flatten().filter(|&id| is_in_part(id)));
                });
                ids
            };
            let mut ids: Vec<u128> = files.par_iter().flat_map_iter(read_ids).collect();
            ids.par_sort_unstable();
            let duplicates: BTreeSet<u128> =
                ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
            if !duplicates.is_empty() {
                self.add_duplicate_id_findings(files, &duplicates, &mut check);
            }
        }
        self.add_prefix_findings(files, &mut check);
        check
    }

    /// Adds a finding for every file whose prefixes are not those of its Ids: an ingest would not
    /// see that it has an event. Missing and damaged prefixes are no failure.
    fn add_prefix_findings(&self, files: &[&DataFile], check: &mut VerifyCheck) {
        let prefixes = IdPrefixes::new(self.store.disk(), self.store.root());
        let is_wrong = |file: &&&DataFile| {
            let mut held = Vec::new();
            let read = reader::for_each_batch(&file.path, Some(&["Id"]), |batch| {
                held.extend(id_keys(batch).flatten().map(id_prefix));
            });
            read.is_ok() && prefixes.contradicts(file, held)
        };
        let with_prefixes = files.par_iter().filter(|file| prefixes.has(file));
        let wrong: Vec<&&DataFile> = with_prefixes.filter(is_wrong).collect();
        for path in wrong.into_iter().filter_map(|file| prefixes.path(&file.path)) {
            let problem = "does not have the Ids of its data file; delete it, and the next ingest \
                           writes it again";
            check.add(self.finding(&path, None, problem));
        }
    }

    /// Adds a finding for every row of a duplicate Id except the first.
    fn add_duplicate_id_findings(
        &self,
        files: &[&DataFile],
        duplicates: &BTreeSet<u128>,
        check: &mut VerifyCheck,
    ) {
        let mut first: BTreeMap<u128, (String, u64)> = BTreeMap::new();
        for file in files {
            let name = self.relative_path(&file.path);
            let mut row = 0;
            let _ = reader::for_each_batch(&file.path, Some(&["Id"]), |batch| {
                for id in id_keys(batch) {
                    if let Some(id) = id.filter(|id| duplicates.contains(id)) {
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

    /// Checks the files of the inventory table.
    fn check_inventory(&self) -> Result<VerifyCheck> {
        let (rows, problems) = self.store.check_inventory()?;
        let mut check = VerifyCheck::new("inventory", rows, "rows");
        for (path, problem) in problems {
            check.add(self.finding(&path, None, problem));
        }
        Ok(check)
    }

    /// Checks that the rejects exist, and that their number agrees with the source log.
    fn check_rejects(&self, source_log: Option<&SourceLog>) -> VerifyCheck {
        let mut check =
            VerifyCheck::new("rejects", source_log.map_or(0, SourceLog::reject_count), "rejects");
        let Some(source_log) = source_log else {
            check.skipped_reason = Some("the source log cannot be read".to_owned());
            return check;
        };
        let root = self.store.root();
        let problems: Vec<Option<String>> = source_log
            .reject_files
            .par_iter()
            .map(|file| reject_file::verify_file(root, file))
            .collect();
        for (file, problem) in source_log.reject_files.iter().zip(problems) {
            if let Some(problem) = problem {
                check.add(self.finding(&file.path(root), None, problem));
            }
        }
        // Entries that were written before rejects were kept have no counts.
        let counted =
            source_log.entries.iter().filter_map(|entry| Some((entry, entry.facts.rejects?)));
        let mut kept = 0;
        for (SourceEntry { facts, .. }, counts) in counted {
            kept += counts.kept;
            if counts.kept + counts.known != facts.records.rejected {
                let problem = format!(
                    "{}: rejected records: {}, but stored now or before: {}",
                    facts.path,
                    facts.records.rejected,
                    counts.kept + counts.known
                );
                check.add(self.finding(&reject_file::folder(root), None, problem));
            }
        }
        let (present, dropped) = (source_log.reject_count(), source_log.removed.dropped);
        if kept != present + dropped {
            let problem =
                format!("rejects stored: {kept}, deleted again: {dropped}, but present: {present}");
            check.add(self.finding(&reject_file::folder(root), None, problem));
        }
        check
    }

    /// Checks that the source log can be read, adds up, and agrees with the table.
    fn check_accounts(
        &self,
        source_log: Result<SourceLog>,
        files: &[DataFile],
        events: u64,
    ) -> [VerifyCheck; 2] {
        let head = self.log.source_log_head().ok().flatten();
        let file = source_log::path(self.store.root(), head.unwrap_or_default());
        let mut sources = VerifyCheck::new("accounts", 0, "sources");
        let mut sum = VerifyCheck::new("sum", events, "events");
        let SourceLog { entries, removed, .. } = match source_log {
            Ok(source_log) => source_log,
            Err(error) => {
                sources.add(self.finding(&file, None, error.to_string()));
                sum.skipped_reason = Some("the source log cannot be read".to_owned());
                return [sources, sum];
            }
        };
        sources.checked = entries.len() as u64;
        for SourceEntry { facts, .. } in &entries {
            let records = &facts.records;
            let parts = [records.conflicting, records.improved];
            if !records.adds_up() || parts.iter().any(|part| *part > records.duplicates) {
                let problem = format!("the counts of {} do not add up: {records:?}", facts.path);
                sources.add(self.finding(&file, None, problem));
            }
        }
        let is_foreign = |file: &DataFile| writer_from_name(&file_name(&file.path)).is_none();
        let stored: u64 = entries.iter().map(|entry| entry.facts.records.stored).sum();
        let erased = removed.erased;
        if files.iter().any(is_foreign) || self.log.has_foreign_commits() {
            sum.skipped_reason = Some("another program wrote to the table".to_owned());
        } else if stored != events + erased {
            let problem = format!(
                "events stored: {stored}, erased again: {erased}, but events in the table: {events}"
            );
            sum.add(self.finding(&self.store.events_dir(), None, problem));
        }
        [sources, sum]
    }

    fn finding(&self, path: &Path, row: Option<u64>, problem: impl Into<String>) -> VerifyFinding {
        VerifyFinding { file: self.relative_path(path), row, problem: problem.into() }
    }

    fn relative_path(&self, path: &Path) -> String {
        let relative = path.strip_prefix(self.store.root()).unwrap_or(path);
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }
}

/// Returns the keys of the Ids of some rows.
fn id_keys(batch: &RecordBatch) -> impl Iterator<Item = Option<u128>> + '_ {
    let ids = batch.column_by_name("Id").and_then(|ids| ids.as_string_opt::<i32>());
    ids.into_iter().flat_map(|ids| ids.iter().map(|id| id.map(stored_id_key)))
}

/// The findings of one check in one file.
#[derive(Default)]
struct FileFindings {
    failures: u64,
    findings: Vec<VerifyFinding>,
}

/// The check of a data file, from its first row to its last.
struct DataFileCheck<'f> {
    file: &'f DataFile,
    name: String,
    /// True if this program wrote the file. Its files must satisfy more rules than others.
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
            is_ours: writer_from_name(&file_name(&file.path)).is_some(),
            rows: 0,
            period_us: None,
            previous_key: None,
            contents: FileFindings::default(),
            statistics: FileFindings::default(),
            order: FileFindings::default(),
        };
        let expected = digest_from_name(&file_name(&file.path));
        let found = expected.and_then(|_| reader::file_digest(&file.path).ok());
        if found != expected && found.is_some() {
            let problem = "its content has changed: the digest differs from the one in its name; \
                           restore it from a copy";
            add_finding(&mut check.contents, &check.name, None, problem);
        }
        match reader::for_each_batch(&file.path, None, |batch| check.check_batch(batch)) {
            Ok(()) => check.check_statistics(),
            Err(error) => {
                let problem = format!("cannot be read after row {}: {error}", check.rows);
                add_finding(&mut check.contents, &check.name, Some(check.rows), problem);
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
                add_finding(&mut self.contents, name, at, "an event has no Id or no time");
                continue;
            };
            let (first, last) = self.period_us.unwrap_or((time_us, time_us));
            self.period_us = Some((first.min(time_us), last.max(time_us)));
            let is_before = |before: (i64, u128)| before < (time_us, id);
            if self.is_ours && !self.previous_key.is_none_or(is_before) {
                let problem = "is not sorted after the previous row, by time and Id";
                add_finding(&mut self.order, name, at, problem);
            }
            self.previous_key = Some((time_us, id));
        }
    }

    /// Compares the rows that were read with the log's statistics of the file.
    fn check_statistics(&mut self) {
        let (file, name) = (self.file, &self.name);
        let is_counted = self.is_ours || file.events > 0;
        if is_counted && self.rows != file.events {
            let problem = format!("events in the file: {}, expected: {}", self.rows, file.events);
            add_finding(&mut self.contents, name, None, problem);
        }
        let Some((first, last)) = self.period_us else { return };
        if [first, last].iter().any(|&us| time::month(us).as_deref() != Some(&file.month)) {
            let [first, last] = [first, last].map(time::to_rfc3339_micros);
            let problem =
                format!("has events from {first} to {last} in the folder of {}", file.month);
            add_finding(&mut self.statistics, name, None, problem);
        }
        // Other programs may round their statistics, but only outwards.
        let is_correct = |logged: (i64, i64)| {
            if self.is_ours {
                logged == (first, last)
            } else {
                logged.0 <= first && last <= logged.1
            }
        };
        let is_correct = file.period_us.map_or(!self.is_ours, is_correct);
        if !is_correct {
            let text = |(first, last)| {
                let [first, last] = [first, last].map(time::to_rfc3339_micros);
                format!("{first} to {last}")
            };
            let logged = file.period_us.map_or_else(|| "nothing".to_owned(), text);
            let problem =
                format!("has events from {}, but the log has {logged}", text((first, last)));
            add_finding(&mut self.statistics, name, None, problem);
        }
    }
}

fn add_finding(
    findings: &mut FileFindings,
    name: &str,
    row: Option<u64>,
    problem: impl Into<String>,
) {
    findings.failures += 1;
    if findings.findings.len() < MAX_FINDINGS {
        findings.findings.push(VerifyFinding {
            file: name.to_owned(),
            row,
            problem: problem.into(),
        });
    }
}
