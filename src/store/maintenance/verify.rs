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
use crate::store::delta::log::Log;
use crate::store::delta::snapshot::DataFile;
use crate::store::maintenance::file_inventory::Census;
use crate::store::parquet::reader;
use crate::store::provenance::rejects;
use crate::store::provenance::source_log::{self, Mark, Memory};
use crate::store::write::writer_lock;
use crate::store::{Store, TRIES_MAX};

/// What is wrong is told word for word this often for each check, and counted beyond.
const FINDINGS_MAX: usize = 100;

/// Ids that are held at once, 16 bytes each; of a table with more, parts are looked at in turn.
const IDS_AT_ONCE: u64 = 32 << 20;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The version of the log that was looked at.
    pub version: i64,
    /// Whether nothing is wrong.
    pub is_sound: bool,
    /// Files of the table.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Events, as the log counts them.
    pub events: u64,
    /// What was asked, and what is wrong.
    pub checks: Vec<Check>,
    /// Files that a command is writing at this moment.
    pub at_work: Vec<String>,
    /// Files that a command left which was cut off. No reader sees them, and the next command
    /// that writes takes them away.
    pub leftovers: Vec<String>,
}

/// One question, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is asked.
    pub name: &'static str,
    /// How many were looked at.
    pub looked_at: u64,
    /// What of: "files", "events", "sources".
    pub unit: &'static str,
    /// How often something is wrong.
    pub wrong: u64,
    /// What is wrong, the first of it.
    pub findings: Vec<Finding>,
    /// Why it could not be asked, where it could not.
    pub not_asked: Option<String>,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, below the store's folder, with `/` between the parts.
    pub file: String,
    /// The row in it, counted from 0, where it is one row's.
    pub row: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl Check {
    fn new(name: &'static str, looked_at: u64, unit: &'static str) -> Self {
        Check { name, looked_at, unit, wrong: 0, findings: Vec::new(), not_asked: None }
    }

    fn add(&mut self, finding: Finding) {
        self.wrong += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    fn add_all(&mut self, of_file: FileFindings) {
        self.wrong += of_file.wrong;
        let room = FINDINGS_MAX - self.findings.len();
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
    pub fn verify(&self) -> Result<Verdict> {
        let mut tries = 0;
        loop {
            // Before the log: what a command commits in the meantime is in the log by then.
            let census = Census::take(self)?;
            let log = Log::open(self)?;
            let verdict = Verification { store: self, log: &log }.verdict(census)?;
            tries += 1;
            // A file that is not there any more may have been merged into another since.
            if verdict.is_sound || tries == TRIES_MAX || self.newer(&log)?.is_none() {
                return Ok(verdict);
            }
        }
    }
}

struct Verification<'s> {
    store: &'s Store,
    log: &'s Log,
}

impl Verification<'_> {
    fn verdict(&self, census: Census) -> Result<Verdict> {
        let files = self.log.files()?;
        let events = files.iter().map(|file| file.events).sum();
        let (present, mut checks) = self.files(&files);
        let paths: BTreeSet<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        let head = self.log.head();
        let memory = head.and_then(|head| {
            let root = self.store.root();
            Ok((source_log::read(root, head)?, source_log::named(root, head)?))
        });
        let named = memory.as_ref().map(|(_, named)| named.clone()).ok();
        let memory = memory.map(|(memory, _)| memory);
        let sorted = census.sort(self.store, &paths, named.as_ref())?;
        let mut strays = Check::new("strays", sorted.looked_at, "files in the folders");
        for path in sorted.strays {
            let what = "the log does not name it, but who reads the folder counts its events; the \
                        next ingest takes it away if a command of this program left it";
            strays.add(self.finding(&path, None, what));
        }
        checks.push(strays);
        checks.extend(self.contents(&present, events));
        checks.push(self.ids(&present, events));
        checks.push(self.rejects(memory.as_ref().ok()));
        checks.extend(self.accounts(memory, &files, events));
        let names = |paths: &[PathBuf]| paths.iter().map(|path| self.name(path)).collect();
        Ok(Verdict {
            version: self.log.version(),
            is_sound: checks.iter().all(|check| check.wrong == 0),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
            events,
            checks,
            at_work: names(&sorted.at_work),
            leftovers: names(&sorted.leftovers),
        })
    }

    /// Whether the files of the log are there, and those that are.
    fn files<'f>(&self, files: &'f [DataFile]) -> (Vec<&'f DataFile>, Vec<Check>) {
        let mut check = Check::new("files", files.len() as u64, "files");
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
    fn contents(&self, files: &[&DataFile], events: u64) -> [Check; 3] {
        let mut checks = [
            Check::new("contents", events, "events"),
            Check::new("statistics", files.len() as u64, "files"),
            Check::new("order", events, "events"),
        ];
        let reads: Vec<FileCheck> =
            files.par_iter().map(|file| FileCheck::read(file, self.name(&file.path))).collect();
        for FileCheck { contents, statistics, order, .. } in reads {
            for (check, findings) in checks.iter_mut().zip([contents, statistics, order]) {
                check.add_all(findings);
            }
        }
        checks
    }

    /// Whether no id stands in two rows. Files that cannot be read are told of elsewhere.
    fn ids(&self, files: &[&DataFile], events: u64) -> Check {
        let mut check = Check::new("ids", events, "events");
        let parts = events.div_ceil(IDS_AT_ONCE).max(1) as u128;
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
                self.name_repeats(files, &twice, &mut check);
            }
        }
        check
    }

    /// Names the rows of ids that stand in several: all but the first of each is one too many.
    fn name_repeats(&self, files: &[&DataFile], twice: &BTreeSet<u128>, check: &mut Check) {
        let mut first: BTreeMap<u128, (String, u64)> = BTreeMap::new();
        for file in files {
            let name = self.name(&file.path);
            let mut row = 0;
            let _ = reader::for_each_batch(&file.path, Some(&["Id"]), |batch| {
                for id in id_keys(batch) {
                    if let Some(id) = id.filter(|id| twice.contains(id)) {
                        match first.get(&id) {
                            Some((file, at)) => check.add(Finding {
                                file: name.clone(),
                                row: Some(row),
                                what: format!("has the Id of row {at} of {file}"),
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
    fn rejects(&self, memory: Option<&Memory>) -> Check {
        let mut check = Check::new("rejects", memory.map_or(0, Memory::rejects), "rejects");
        let Some(memory) = memory else {
            check.not_asked = Some("the accounts cannot be read".to_owned());
            return check;
        };
        let root = self.store.root();
        let wrong: Vec<Option<String>> =
            memory.rejects.par_iter().map(|file| rejects::check(root, file)).collect();
        for (file, what) in memory.rejects.iter().zip(wrong) {
            if let Some(what) = what {
                check.add(self.finding(&file.path(root), None, what));
            }
        }
        // A store from before rejects were kept says nothing of them.
        let counted = memory.marks.iter().filter_map(|mark| Some((mark, mark.facts.rejects?)));
        let mut kept = 0;
        for (Mark { facts, .. }, counts) in counted {
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
        let (held, dropped) = (memory.rejects(), memory.gone.dropped);
        if kept != held + dropped {
            let what = format!(
                "{kept} rejects were kept and {dropped} of them dropped again, and there are {held}"
            );
            check.add(self.finding(&rejects::folder(root), None, what));
        }
        check
    }

    /// Whether what is remembered of sources can be read, adds up, and agrees with the table.
    fn accounts(&self, memory: Result<Memory>, files: &[DataFile], events: u64) -> [Check; 2] {
        let head = self.log.head().ok().flatten();
        let file = source_log::path(self.store.root(), head.unwrap_or_default());
        let mut sources = Check::new("accounts", 0, "sources");
        let mut sum = Check::new("sum", events, "events");
        let Memory { marks, gone, .. } = match memory {
            Ok(memory) => memory,
            Err(error) => {
                sources.add(self.finding(&file, None, error.to_string()));
                sum.not_asked = Some("the accounts cannot be read".to_owned());
                return [sources, sum];
            }
        };
        sources.looked_at = marks.len() as u64;
        for Mark { facts, .. } in &marks {
            let records = &facts.records;
            if !records.adds_up() || records.conflicting > records.duplicates {
                let what = format!("the account of {} does not add up: {records:?}", facts.path);
                sources.add(self.finding(&file, None, what));
            }
        }
        let is_foreign =
            |file: &DataFile| writer_lock::writer_of(&writer_lock::file_name(&file.path)).is_none();
        let stored: u64 = marks.iter().map(|mark| mark.facts.records.stored).sum();
        let erased = gone.erased;
        if files.iter().any(is_foreign) || self.log.has_commits_of_others() {
            sum.not_asked = Some("another program wrote to the table".to_owned());
        } else if stored != events + erased {
            let erased = match erased {
                0 => String::new(),
                erased => format!(", {erased} were erased again"),
            };
            let what = format!("{stored} events were stored{erased}, and the table has {events}");
            sum.add(self.finding(&self.store.events(), None, what));
        }
        [sources, sum]
    }

    fn finding(&self, path: &Path, row: Option<u64>, what: impl Into<String>) -> Finding {
        Finding { file: self.name(path), row, what: what.into() }
    }

    fn name(&self, path: &Path) -> String {
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
    wrong: u64,
    findings: Vec<Finding>,
}

/// A file, read from its first row to its last.
struct FileCheck<'f> {
    file: &'f DataFile,
    name: String,
    /// Written by this program, which promises more than others do.
    is_ours: bool,
    rows: u64,
    period_us: Option<(i64, i64)>,
    before: Option<(i64, u128)>,
    contents: FileFindings,
    statistics: FileFindings,
    order: FileFindings,
}

impl<'f> FileCheck<'f> {
    fn read(file: &'f DataFile, name: String) -> FileCheck<'f> {
        let mut check = FileCheck {
            file,
            name,
            is_ours: writer_lock::writer_of(&writer_lock::file_name(&file.path)).is_some(),
            rows: 0,
            period_us: None,
            before: None,
            contents: FileFindings::default(),
            statistics: FileFindings::default(),
            order: FileFindings::default(),
        };
        let written = writer_lock::digest_of(&writer_lock::file_name(&file.path));
        let found = written.and_then(|_| reader::digest(&file.path).ok());
        if found != written && found.is_some() {
            let what = "is not what was written: its digest is not the one in its name; restore \
                        it from a copy";
            wrong(&mut check.contents, &check.name, None, what);
        }
        match reader::for_each_batch(&file.path, None, |batch| check.batch(batch)) {
            Ok(()) => check.end(),
            Err(error) => {
                let what = format!("cannot be read behind row {}: {error}", check.rows);
                wrong(&mut check.contents, &check.name, Some(check.rows), what);
            }
        }
        check
    }

    fn batch(&mut self, batch: &RecordBatch) {
        let times = batch
            .column_by_name("CreationTime")
            .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let ids = id_keys(batch).map(Some).chain(std::iter::repeat(None));
        for (row, id) in (0..batch.num_rows()).zip(ids) {
            let (at, name) = (Some(self.rows), &self.name);
            self.rows += 1;
            let time_us = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            let (Some(time_us), Some(Some(id))) = (time_us, id) else {
                wrong(&mut self.contents, name, at, "an event without an Id or a time");
                continue;
            };
            let (first, last) = self.period_us.unwrap_or((time_us, time_us));
            self.period_us = Some((first.min(time_us), last.max(time_us)));
            let is_before = |before: (i64, u128)| before < (time_us, id);
            if self.is_ours && !self.before.is_none_or(is_before) {
                let what = "is not behind the row before it, by time and Id";
                wrong(&mut self.order, name, at, what);
            }
            self.before = Some((time_us, id));
        }
    }

    /// What the log says of the file, now that it is read.
    fn end(&mut self) {
        let (file, name) = (self.file, &self.name);
        let is_counted = self.is_ours || file.events > 0;
        if is_counted && self.rows != file.events {
            let what = format!("has {} events, and should have {}", self.rows, file.events);
            wrong(&mut self.contents, name, None, what);
        }
        let Some((first, last)) = self.period_us else { return };
        if [first, last].iter().any(|&us| time::month(us).as_deref() != Some(&file.month)) {
            let [first, last] = [first, last].map(time::to_rfc3339_micros);
            let what = format!("holds {first} to {last} in the folder of {}", file.month);
            wrong(&mut self.statistics, name, None, what);
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
            wrong(&mut self.statistics, name, None, what);
        }
    }
}

fn wrong(of: &mut FileFindings, name: &str, row: Option<u64>, what: impl Into<String>) {
    of.wrong += 1;
    if of.findings.len() < FINDINGS_MAX {
        of.findings.push(Finding { file: name.to_owned(), row, what: what.into() });
    }
}
