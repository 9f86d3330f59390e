//! Counts the records of each source and summarizes a run.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::Serialize;

use super::archive::SourceArchive;
use crate::record::loss_indicators::LossIndicators;
use crate::record::time;
use crate::schema::source_log::{
    InventoryFacts, Problem, RECOGNITION, RecordCounts, SourceFacts, SourceWarning,
};
use crate::schema::{MICROS_PER_DAY, WorkloadGroup};
use crate::source::{SourceFile, UnsupportedText};
use crate::source_warnings::{self, SearchFacts};
use crate::store::{DataFile, SourceEntry};

/// The most problems of one source that are kept.
const MAX_PROBLEMS_PER_SOURCE: usize = 100;

/// The account of one source.
#[derive(Debug, Clone, Default)]
pub(super) struct SourceAccount {
    pub(super) facts: SourceFacts,
    pub(super) absolute_path: String,
    pub(super) digest: Option<String>,
    /// True if no text of the source is a log.
    pub(super) is_unsupported: bool,
    /// The texts that were skipped without a loss, with what they are.
    skipped: Vec<Problem>,
    /// True if the source could not be read to its end, so that the next run must read it again.
    pub(super) retry: bool,
    /// True if another command ingested the same content while this one was reading it.
    pub(super) is_already_ingested: bool,
    pub(super) other_workloads: BTreeMap<String, u64>,
    pub(super) generated_ids: u64,
    loss_indicators: LossIndicators,
    skipped_text: Option<String>,
    search: SearchFacts,
    /// The position of the last page with records, and true if it announces another page.
    continuation: Option<(u64, bool)>,
    /// True if the end of the source announces another page; `None` if it says nothing.
    pub(super) last_page_is_continued: Option<bool>,
}

/// The counts of one chunk, which are added to the account of its source.
#[derive(Debug, Default)]
pub(super) struct ChunkStats {
    pub(super) read: u64,
    pub(super) power_bi: LogStats,
    pub(super) power_platform: LogStats,
    /// The position of the last page in the chunk, and true if it announces another page.
    pub(super) continuation: Option<(u64, bool)>,
    pub(super) other_workloads: BTreeMap<String, u64>,
    pub(super) other_workloads_kept: u64,
    /// Records that are rejected.
    pub(super) rejected: Vec<RejectedRecord>,
    /// Problems of the file around the records.
    pub(super) problems: Vec<Problem>,
    pub(super) damaged: bool,
    pub(super) generated_ids: u64,
    /// Traces of data loss before the file was written.
    pub(super) loss_indicators: LossIndicators,
    /// A description of text around the records that was skipped.
    pub(super) skipped_text: Option<String>,
    /// The largest number of results that the search reported.
    pub(super) result_count: Option<u64>,
    pub(super) is_portal_export: bool,
}

/// The events of one log in a chunk.
#[derive(Debug, Default)]
pub(super) struct LogStats {
    /// The number of events of each UTC day, by days since 1970.
    days: BTreeMap<i64, u64>,
    period_us: Option<(i64, i64)>,
}

impl LogStats {
    fn count_event(&mut self, time_us: i64) {
        *self.days.entry(time_us.div_euclid(MICROS_PER_DAY)).or_default() += 1;
        self.period_us = joined(self.period_us, Some((time_us, time_us)));
    }
}

/// Returns the span from the earlier start to the later end.
fn joined(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (one, other) => one.or(other),
    }
}

fn add_days(days: &mut BTreeMap<String, u64>, more: &BTreeMap<i64, u64>) {
    for (number, events) in more {
        if let Some(day) = time::day(number * MICROS_PER_DAY) {
            *days.entry(day.to_string()).or_default() += events;
        }
    }
}

/// A rejected record of a chunk.
#[derive(Debug)]
pub(super) struct RejectedRecord {
    /// The reason, with the position in the source.
    pub(super) problem: Problem,
    /// The range of the record in the chunk.
    pub(super) span: Range<usize>,
}

impl ChunkStats {
    pub(super) fn count_event(&mut self, group: WorkloadGroup, time_us: i64) {
        match group {
            WorkloadGroup::PowerPlatform => self.power_platform.count_event(time_us),
            _ => self.power_bi.count_event(time_us),
        }
    }

    pub(super) fn reject(&mut self, position: u64, reason: String, span: Range<usize>) {
        self.rejected.push(RejectedRecord { problem: Problem::new(position, reason), span });
    }
}

impl SourceAccount {
    pub(super) fn new(file: &SourceFile) -> Self {
        SourceAccount {
            facts: SourceFacts {
                path: file.name.clone(),
                size_bytes: file.size_bytes,
                modified_us: file.modified_us,
                ..SourceFacts::default()
            },
            absolute_path: file.absolute_path.clone(),
            ..SourceAccount::default()
        }
    }

    pub(super) fn add_chunk(&mut self, stats: ChunkStats) {
        let records = &mut self.facts.records;
        records.read += stats.read;
        records.rejected += stats.rejected.len() as u64;
        records.other_workloads += stats.other_workloads.values().sum::<u64>();
        self.facts.other_workloads_kept += stats.other_workloads_kept;
        self.facts.power_bi_period_us =
            joined(self.facts.power_bi_period_us, stats.power_bi.period_us);
        let platform = &mut self.facts.power_platform;
        platform.period_us = joined(platform.period_us, stats.power_platform.period_us);
        for log in [&stats.power_bi, &stats.power_platform] {
            add_days(&mut self.facts.days, &log.days);
            self.facts.period_us = joined(self.facts.period_us, log.period_us);
        }
        add_days(&mut self.facts.power_platform.days, &stats.power_platform.days);
        for (name, count) in stats.other_workloads {
            *self.other_workloads.entry(name).or_default() += count;
        }
        self.continuation = self.continuation.max(stats.continuation);
        self.generated_ids += stats.generated_ids;
        self.loss_indicators.add(stats.loss_indicators);
        self.skipped_text = self.skipped_text.take().or(stats.skipped_text);
        self.search.results = self.search.results.max(stats.result_count);
        self.search.is_portal_export |= stats.is_portal_export;
        self.facts.damaged |= stats.damaged;
        let rejected = stats.rejected.into_iter().map(|rejected| rejected.problem);
        self.facts.problems.extend(stats.problems.into_iter().chain(rejected));
        self.cap_problems();
    }

    pub(super) fn add_problem(&mut self, position: u64, reason: String) {
        self.facts.problems.push(Problem::new(position, reason));
        self.cap_problems();
    }

    /// Merges problems from time to time, since a file can have more than fit into memory.
    fn cap_problems(&mut self) {
        if self.facts.problems.len() > 100 * MAX_PROBLEMS_PER_SOURCE {
            self.merge_problems();
        }
    }

    /// Adds the reasons of unsupported texts. If all `texts` of the source are unsupported, so is
    /// the source. Texts that contain no events are not a problem.
    pub(super) fn set_unsupported(&mut self, unsupported: Vec<UnsupportedText>, texts: usize) {
        self.is_unsupported = !unsupported.is_empty() && unsupported.len() == texts;
        for UnsupportedText { reason, can_contain_events } in unsupported {
            if can_contain_events {
                self.facts.damaged |= !self.is_unsupported;
                self.add_problem(0, reason);
            } else {
                self.skipped.push(Problem::new(0, reason));
            }
        }
        self.skipped.truncate(MAX_PROBLEMS_PER_SOURCE);
    }

    /// Completes the account after the source was read.
    pub(super) fn finish(&mut self) {
        let last = self.continuation.map(|(_, is_continued)| is_continued);
        self.facts.is_continued = self.last_page_is_continued.or(last).unwrap_or(false);
        // Without events of the Power Platform, it is the period of the source.
        if self.facts.power_platform.is_empty() {
            self.facts.power_bi_period_us = None;
        }
        self.merge_problems();
        // A source that was not read to its end cannot be judged.
        if !self.retry && !self.is_unsupported {
            let indicators = &self.loss_indicators;
            self.facts.warnings = source_warnings::detect(&self.facts, indicators, self.search);
            let skipped = self.skipped_text.as_deref().map(source_warnings::skipped_text);
            self.facts.warnings.extend(skipped);
            self.facts.warnings.extend(source_warnings::without_id(self.generated_ids));
        }
    }

    /// Sorts problems by position, merges those with one reason, and keeps at most
    /// `MAX_PROBLEMS_PER_SOURCE`. Threads add problems in any order.
    fn merge_problems(&mut self) {
        let mut problems = std::mem::take(&mut self.facts.problems);
        problems.sort_by(|a, b| (a.position, &a.reason).cmp(&(b.position, &b.reason)));
        let mut by_reason: HashMap<String, usize> = HashMap::new();
        for problem in problems {
            let known = by_reason.get(&problem.reason).copied();
            match known.and_then(|index| self.facts.problems.get_mut(index)) {
                Some(first) => first.count += problem.count,
                None => {
                    by_reason.insert(problem.reason.clone(), self.facts.problems.len());
                    self.facts.problems.push(problem);
                }
            }
        }
        self.facts.problems.truncate(MAX_PROBLEMS_PER_SOURCE);
    }

    /// Returns the entry for the source log; `None` if the next run must read the source as if it
    /// were new. A source that failed after some records were stored gets an entry without digest.
    /// It is never recognized as ingested, but the accounts of all sources match the table.
    pub(super) fn source_entry(&self) -> Option<SourceEntry> {
        let is_kept = self.facts.rejects.is_some_and(|rejects| rejects.kept > 0);
        if self.retry && (self.facts.records.stored > 0 || is_kept) {
            let facts = SourceFacts { modified_us: None, ..self.facts.clone() };
            return Some(self.entry(String::new(), facts));
        }
        let digest = self.digest.clone().filter(|_| !self.retry && !self.is_already_ingested)?;
        Some(self.entry(digest, self.facts.clone()))
    }

    fn entry(&self, digest: String, mut facts: SourceFacts) -> SourceEntry {
        if facts.is_not_recognized() || !self.skipped.is_empty() {
            facts.recognition = RECOGNITION;
        }
        SourceEntry { place: self.absolute_path.clone(), digest, facts }
    }

    fn outcome(&self) -> SourceOutcome {
        if self.is_unsupported && !self.retry && self.facts.problems.is_empty() {
            SourceOutcome::Skipped
        } else if self.is_unsupported || self.retry {
            SourceOutcome::Failed
        } else if self.facts.damaged || self.facts.records.rejected > 0 {
            SourceOutcome::Partial
        } else {
            SourceOutcome::Ok
        }
    }
}

/// The outcome of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceOutcome {
    /// All records were read.
    Ok,
    /// The complete records were read. Others are damaged or rejected.
    Partial,
    /// The file was recognized as something that contains no events, and skipped.
    Skipped,
    /// The file is not a log and can contain events, or could not be read.
    Failed,
}

/// The result of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceReport {
    /// The name of the source.
    pub source: String,
    /// The format of the source.
    pub kind: String,
    /// The outcome of the source.
    pub outcome: SourceOutcome,
    /// The counts of its records.
    pub records: RecordCounts,
    /// The counts of its workspaces and items, if it is an inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<InventoryFacts>,
    /// Its problems, sorted by position.
    pub problems: Vec<Problem>,
    /// The texts in it that contain no events, with what they are.
    pub skipped: Vec<Problem>,
    /// Warnings that the source is probably incomplete.
    pub warnings: Vec<SourceWarning>,
}

/// Numbers of sources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SourceCounts {
    /// All sources that were found: new, known, skipped and failed.
    pub found: u64,
    /// Sources that this run read.
    pub new: u64,
    /// Sources that an earlier run ingested.
    pub known: u64,
    /// Sources that were recognized as something that contains no events.
    pub skipped: u64,
    /// Sources that are not a log and can contain events, or could not be read.
    pub failed: u64,
    /// Files that were left out by `--exclude`. They are not among those found.
    pub excluded: u64,
}

/// The times of the first and last event, as `2024-03-01T08:15:30Z`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EventPeriod {
    /// The time of the first event.
    pub first: Option<String>,
    /// The time of the last event.
    pub last: Option<String>,
}

/// The size of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StoreCounts {
    /// The number of events.
    pub events: u64,
    /// The number of data files.
    pub files: u64,
    /// The size of the data files in bytes.
    pub bytes: u64,
}

/// The summary of a run. As JSON, this is the output of `ingest --format json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IngestSummary {
    /// The numbers of sources.
    pub sources: SourceCounts,
    /// The counts of the records that this run read.
    pub records: RecordCounts,
    /// The period of all events in the store after the run.
    pub period: EventPeriod,
    /// The size of the store after the run.
    pub store: StoreCounts,
    /// The number of records left out, by workload and record type: `Exchange: ExchangeItem`.
    pub other_workloads: BTreeMap<String, u64>,
    /// The number of events without an id, which got one made from their content.
    pub generated_ids: u64,
    /// The sources that this run read.
    pub files: Vec<SourceReport>,
    /// Folders without any file to read, unless the options allow them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub empty_folders: Vec<String>,
    /// Further notes for the user, in sentences.
    pub notes: Vec<String>,
}

impl IngestSummary {
    /// Returns true if all sources could be read completely, and every folder has files.
    pub fn is_complete(&self) -> bool {
        let is_whole = |file: &SourceReport| {
            matches!(file.outcome, SourceOutcome::Ok | SourceOutcome::Skipped)
        };
        self.sources.failed == 0 && self.empty_folders.is_empty() && self.files.iter().all(is_whole)
    }
}

/// Sums up the accounts of a run.
pub(super) fn summarize(
    archive: &SourceArchive,
    accounts: Vec<SourceAccount>,
    files: &[DataFile],
) -> IngestSummary {
    let mut records = RecordCounts::default();
    let mut other_workloads: BTreeMap<String, u64> = BTreeMap::new();
    let mut reports = Vec::with_capacity(accounts.len() + archive.unreadable.len());
    let mut generated_ids = 0;
    let ingested = accounts.iter().filter(|account| account.is_already_ingested).count();
    for account in accounts.into_iter().filter(|account| !account.is_already_ingested) {
        records.add(&account.facts.records);
        generated_ids += account.generated_ids;
        for (name, count) in &account.other_workloads {
            *other_workloads.entry(name.clone()).or_default() += count;
        }
        reports.push(SourceReport {
            outcome: account.outcome(),
            source: account.facts.path,
            kind: account.facts.kind,
            records: account.facts.records,
            inventory: account.facts.inventory,
            problems: account.facts.problems,
            skipped: account.skipped,
            warnings: account.facts.warnings,
        });
    }
    reports.extend(archive.unreadable.iter().map(|(name, reason)| SourceReport {
        source: name.clone(),
        kind: String::new(),
        outcome: SourceOutcome::Failed,
        records: RecordCounts::default(),
        inventory: None,
        problems: vec![Problem::new(0, format!("cannot be read: {reason}"))],
        skipped: Vec::new(),
        warnings: Vec::new(),
    }));
    let count = |outcome| reports.iter().filter(|source| source.outcome == outcome).count();
    let (failed, skipped) = (count(SourceOutcome::Failed), count(SourceOutcome::Skipped));
    let known = (archive.known_count() + ingested) as u64;
    let read = reports.len() - failed - skipped;
    let first = files.iter().filter_map(|file| file.period_us).map(|p| p.0).min();
    let last = files.iter().filter_map(|file| file.period_us).map(|p| p.1).max();
    IngestSummary {
        sources: SourceCounts {
            found: known + reports.len() as u64,
            new: read as u64,
            known,
            skipped: skipped as u64,
            failed: failed as u64,
            excluded: archive.excluded,
        },
        records,
        period: EventPeriod {
            first: first.map(time::to_rfc3339),
            last: last.map(time::to_rfc3339),
        },
        store: StoreCounts {
            events: files.iter().map(|file| file.events).sum(),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
        },
        other_workloads,
        generated_ids,
        files: reports,
        empty_folders: archive.empty_folders.clone(),
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::archive::{KnownSources, SourceFileStatus};

    #[test]
    fn failed_source_is_read_again_and_its_counts_are_kept() {
        let file = SourceFile {
            path: "missing".into(),
            name: "missing".to_owned(),
            absolute_path: "/missing".to_owned(),
            size_bytes: 7,
            modified_us: Some(1),
            change: None,
        };
        let mut account = SourceAccount { retry: true, ..SourceAccount::new(&file) };
        assert_eq!(account.source_entry(), None);
        account.facts.records = RecordCounts { read: 2, stored: 2, ..RecordCounts::default() };
        let entry = account.source_entry().unwrap();
        assert_eq!(entry.facts.records, account.facts.records);
        let status = |entry| KnownSources::from_entries(&[entry], false).status(&file, false);
        assert_eq!(status(entry), SourceFileStatus::Changed);
        let complete = SourceAccount { retry: false, digest: Some("0".to_owned()), ..account };
        assert_eq!(status(complete.source_entry().unwrap()), SourceFileStatus::Known);
    }
}
