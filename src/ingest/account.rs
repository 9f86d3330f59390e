//! The accounts: what became of every record of every source.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::Serialize;

use crate::record::loss_indicators::LossIndicators;
use crate::record::time;
use crate::schema::source_log::{RecordCounts, SourceFacts, SourceWarning, Problem};
use crate::source::SourceFile;
use crate::source_warnings;
use crate::store::{DataFile, SourceEntry};

use super::SourceArchive;

/// Troubles of one source that are kept word for word.
const MAX_PROBLEMS_PER_SOURCE: usize = 100;

/// The account of one source.
#[derive(Debug, Clone, Default)]
pub(super) struct SourceAccount {
    pub(super) facts: SourceFacts,
    pub(super) absolute_path: String,
    pub(super) digest: Option<String>,
    /// Why the source as a whole was not taken.
    pub(super) unsupported_reason: Option<String>,
    /// It could not be read to its end, so it is to be tried again.
    pub(super) retry: bool,
    /// Another command took the same content while this one was reading it.
    pub(super) is_already_ingested: bool,
    pub(super) other_workloads: BTreeMap<String, u64>,
    pub(super) generated_ids: u64,
    loss_indicators: LossIndicators,
    result_count: Option<u64>,
}

/// What a piece adds to its source's account.
#[derive(Debug, Default)]
pub(super) struct ChunkStats {
    pub(super) read: u64,
    /// Events of each UTC day, by the day's number since 1970.
    pub(super) days: BTreeMap<i64, u64>,
    pub(super) period_us: Option<(i64, i64)>,
    pub(super) other_workloads: BTreeMap<String, u64>,
    pub(super) other_workloads_kept: u64,
    /// Records that could not be taken.
    pub(super) rejected: Vec<RejectedRecord>,
    /// What was wrong with the file around them.
    pub(super) problems: Vec<Problem>,
    pub(super) damaged: bool,
    pub(super) generated_ids: u64,
    /// Signs that something was lost before it was written.
    pub(super) loss_indicators: LossIndicators,
    /// How many results the search found, by the greatest that it says.
    pub(super) result_count: Option<u64>,
}

/// A record of a piece that could not be taken.
#[derive(Debug)]
pub(super) struct RejectedRecord {
    /// What was wrong, and where in the source.
    pub(super) problem: Problem,
    /// Where it stands in the piece.
    pub(super) span: Range<usize>,
}

const DAY_US: i64 = 86_400_000_000;

impl ChunkStats {
    pub(super) fn count_event(&mut self, time_us: i64) {
        *self.days.entry(time_us.div_euclid(DAY_US)).or_default() += 1;
        let (first, last) = self.period_us.unwrap_or((time_us, time_us));
        self.period_us = Some((first.min(time_us), last.max(time_us)));
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

    pub(super) fn add_chunk(&mut self, tally: ChunkStats) {
        let records = &mut self.facts.records;
        records.read += tally.read;
        records.rejected += tally.rejected.len() as u64;
        records.other_workloads += tally.other_workloads.values().sum::<u64>();
        self.facts.other_workloads_kept += tally.other_workloads_kept;
        for (day, events) in tally.days {
            if let Some(day) = time::day(day * DAY_US) {
                *self.facts.days.entry(day.to_string()).or_default() += events;
            }
        }
        for (name, count) in tally.other_workloads {
            *self.other_workloads.entry(name).or_default() += count;
        }
        self.facts.period_us = match (self.facts.period_us, tally.period_us) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        self.generated_ids += tally.generated_ids;
        self.loss_indicators.add(tally.loss_indicators);
        self.result_count = self.result_count.max(tally.result_count);
        self.facts.damaged |= tally.damaged;
        let rejected = tally.rejected.into_iter().map(|rejected| rejected.problem);
        self.facts.problems.extend(tally.problems.into_iter().chain(rejected));
        self.cap_problems();
    }

    pub(super) fn add_problem(&mut self, position: u64, reason: String) {
        self.facts.problems.push(Problem::new(position, reason));
        self.cap_problems();
    }

    /// A file may have more troubles than there is memory.
    fn cap_problems(&mut self) {
        if self.facts.problems.len() > 100 * MAX_PROBLEMS_PER_SOURCE {
            self.merge_problems();
        }
    }

    /// Texts of the source that are no logs, of so many. Where there is no other, the source is
    /// none.
    pub(super) fn set_unsupported(&mut self, reasons: Vec<String>, texts: usize) {
        if reasons.len() == texts {
            self.unsupported_reason = reasons.first().cloned();
        }
        self.facts.damaged |= !reasons.is_empty() && self.unsupported_reason.is_none();
        reasons.into_iter().for_each(|reason| self.add_problem(0, reason));
    }

    /// Everything is read.
    pub(super) fn finish(&mut self) {
        self.merge_problems();
        // Of one that was not read to its end, nothing more can be said.
        if !self.retry && self.unsupported_reason.is_none() {
            self.facts.warnings = source_warnings::detect(&self.facts, &self.loss_indicators, self.result_count);
        }
    }

    /// Threads add troubles in any order; they are told in that of the file, what is the same is
    /// told once, and no more than so many are kept.
    fn merge_problems(&mut self) {
        let mut troubles = std::mem::take(&mut self.facts.problems);
        troubles.sort_by(|a, b| (a.position, &a.reason).cmp(&(b.position, &b.reason)));
        let mut places: HashMap<String, usize> = HashMap::new();
        for trouble in troubles {
            match places.get(&trouble.reason).and_then(|&at| self.facts.problems.get_mut(at)) {
                Some(first) => first.count += trouble.count,
                None => {
                    places.insert(trouble.reason.clone(), self.facts.problems.len());
                    self.facts.problems.push(trouble);
                }
            }
        }
        self.facts.problems.truncate(MAX_PROBLEMS_PER_SOURCE);
    }

    /// What the store is to remember, unless the source is to be tried again.
    /// What came of that one before it failed is remembered too, in a form that no source is
    /// recognised by: the accounts of all sources are those of the table.
    pub(super) fn source_entry(&self) -> Option<SourceEntry> {
        let is_kept = self.facts.rejects.is_some_and(|rejects| rejects.kept > 0);
        if self.retry && (self.facts.records.stored > 0 || is_kept) {
            let facts = SourceFacts { modified_us: None, ..self.facts.clone() };
            return Some(SourceEntry { place: self.absolute_path.clone(), digest: String::new(), facts });
        }
        let digest = self.digest.clone().filter(|_| !self.retry && !self.is_already_ingested)?;
        Some(SourceEntry { place: self.absolute_path.clone(), digest, facts: self.facts.clone() })
    }

    fn outcome(&self) -> SourceOutcome {
        if self.unsupported_reason.is_some() || self.retry {
            SourceOutcome::Failed
        } else if self.facts.damaged || self.facts.records.rejected > 0 {
            SourceOutcome::Partial
        } else {
            SourceOutcome::Ok
        }
    }
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceOutcome {
    /// All of it was taken.
    Ok,
    /// What is whole in it was taken.
    Partial,
    /// It is no log, or could not be read.
    Failed,
}

/// What became of one source and its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceReport {
    /// Its name.
    pub source: String,
    /// Its shape.
    pub kind: String,
    /// What became of it.
    pub outcome: SourceOutcome,
    /// What became of its records.
    pub records: RecordCounts,
    /// What was wrong, by position.
    pub problems: Vec<Problem>,
    /// What speaks against it.
    pub warnings: Vec<SourceWarning>,
}

/// How many sources there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SourceCounts {
    /// All that were found: new, known and failed.
    pub found: u64,
    /// Read now.
    pub new: u64,
    /// Taken in an earlier run.
    pub known: u64,
    /// No log, or not readable.
    pub failed: u64,
}

/// The first and last instant, as `2024-03-01T08:15:30Z`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EventPeriod {
    /// The first.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
}

/// What the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StoreCounts {
    /// Events.
    pub events: u64,
    /// Parquet files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// The accounts of a run. As JSON, this is what `ingest --format json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IngestSummary {
    /// Sources.
    pub sources: SourceCounts,
    /// Records of the sources that were read now.
    pub records: RecordCounts,
    /// The period of the events in the store after the run.
    pub period: EventPeriod,
    /// The store after the run.
    pub store: StoreCounts,
    /// Records left out, by workload and record type: `Exchange: ExchangeItem`.
    pub other_workloads: BTreeMap<String, u64>,
    /// Events that came without an id and were given one made from their content.
    pub generated_ids: u64,
    /// Each source that was read now.
    pub files: Vec<SourceReport>,
    /// What else people should know, in sentences.
    pub notes: Vec<String>,
}

impl IngestSummary {
    /// Whether everything that was found could be taken.
    pub fn is_complete(&self) -> bool {
        self.sources.failed == 0 && self.files.iter().all(|s| s.outcome == SourceOutcome::Ok)
    }
}

/// Adds the accounts up.
pub(super) fn summarize(archive: &SourceArchive, accounts: Vec<SourceAccount>, files: &[DataFile]) -> IngestSummary {
    let mut records = RecordCounts::default();
    let mut other_workloads: BTreeMap<String, u64> = BTreeMap::new();
    let mut per_source = Vec::with_capacity(accounts.len() + archive.unreadable.len());
    let mut without_id = 0;
    let held = accounts.iter().filter(|account| account.is_already_ingested).count();
    for account in accounts.into_iter().filter(|account| !account.is_already_ingested) {
        records.add(&account.facts.records);
        without_id += account.generated_ids;
        for (name, count) in &account.other_workloads {
            *other_workloads.entry(name.clone()).or_default() += count;
        }
        per_source.push(SourceReport {
            outcome: account.outcome(),
            source: account.facts.path,
            kind: account.facts.kind,
            records: account.facts.records,
            problems: account.facts.problems,
            warnings: account.facts.warnings,
        });
    }
    per_source.extend(archive.unreadable.iter().map(|(name, reason)| SourceReport {
        source: name.clone(),
        kind: String::new(),
        outcome: SourceOutcome::Failed,
        records: RecordCounts::default(),
        problems: vec![Problem::new(0, format!("cannot be read: {reason}"))],
        warnings: Vec::new(),
    }));
    let failed = per_source.iter().filter(|source| source.outcome == SourceOutcome::Failed).count();
    let known = (archive.known_count() + held) as u64;
    let read = per_source.len() - failed;
    let first = files.iter().filter_map(|file| file.period_us).map(|p| p.0).min();
    let last = files.iter().filter_map(|file| file.period_us).map(|p| p.1).max();
    IngestSummary {
        sources: SourceCounts {
            found: known + per_source.len() as u64,
            new: read as u64,
            known,
            failed: failed as u64,
        },
        records,
        period: EventPeriod { first: first.map(time::to_rfc3339), last: last.map(time::to_rfc3339) },
        store: StoreCounts {
            events: files.iter().map(|file| file.events).sum(),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
        },
        other_workloads,
        generated_ids: without_id,
        files: per_source,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{KnownSources, SourceFileStatus};
    use super::*;

    #[test]
    fn a_source_that_failed_is_tried_again_and_what_came_of_it_is_remembered() {
        let file = SourceFile {
            path: "missing".into(),
            name: "missing".to_owned(),
            absolute_path: "/missing".to_owned(),
            size_bytes: 7,
            modified_us: Some(1),
        };
        let mut account = SourceAccount { retry: true, ..SourceAccount::new(&file) };
        assert_eq!(account.source_entry(), None);
        account.facts.records = RecordCounts { read: 2, stored: 2, ..RecordCounts::default() };
        let mark = account.source_entry().unwrap();
        assert_eq!(mark.facts.records, account.facts.records);
        assert_eq!(KnownSources::from_entries(&[mark], false).status(&file), SourceFileStatus::Changed);
        let whole = SourceAccount { retry: false, digest: Some("0".to_owned()), ..account };
        assert_eq!(KnownSources::from_entries(&[whole.source_entry().unwrap()], false).status(&file), SourceFileStatus::Known);
    }
}
