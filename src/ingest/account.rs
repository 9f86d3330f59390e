//! The accounts: what became of every record of every source.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::Serialize;

use crate::record::loss_indicators::Signs;
use crate::record::time;
use crate::schema::source_log::{RecordCounts, SourceFacts, Suspicion, Trouble};
use crate::source::Found;
use crate::source_warnings;
use crate::store::{DataFile, Mark};

use super::Archive;

/// Troubles of one source that are kept word for word.
const TROUBLES_MAX: usize = 100;

/// The account of one source.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub(super) facts: SourceFacts,
    pub(super) place: String,
    pub(super) digest: Option<String>,
    /// Why the source as a whole was not taken.
    pub(super) refused: Option<String>,
    /// It could not be read to its end, so it is to be tried again.
    pub(super) unread: bool,
    /// Another command took the same content while this one was reading it.
    pub(super) is_held: bool,
    pub(super) other_workloads: BTreeMap<String, u64>,
    pub(super) without_id: u64,
    signs: Signs,
    results: Option<u64>,
}

/// What a piece adds to its source's account.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) read: u64,
    /// Events of each UTC day, by the day's number since 1970.
    pub(super) days: BTreeMap<i64, u64>,
    pub(super) period_us: Option<(i64, i64)>,
    pub(super) other_workloads: BTreeMap<String, u64>,
    pub(super) others_kept: u64,
    /// Records that could not be taken.
    pub(super) rejected: Vec<Rejected>,
    /// What was wrong with the file around them.
    pub(super) troubles: Vec<Trouble>,
    pub(super) damaged: bool,
    pub(super) without_id: u64,
    /// Signs that something was lost before it was written.
    pub(super) signs: Signs,
    /// How many results the search found, by the greatest that it says.
    pub(super) results: Option<u64>,
}

/// A record of a piece that could not be taken.
#[derive(Debug)]
pub(super) struct Rejected {
    /// What was wrong, and where in the source.
    pub(super) trouble: Trouble,
    /// Where it stands in the piece.
    pub(super) span: Range<usize>,
}

const DAY_US: i64 = 86_400_000_000;

impl Tally {
    pub(super) fn event(&mut self, time_us: i64) {
        *self.days.entry(time_us.div_euclid(DAY_US)).or_default() += 1;
        let (first, last) = self.period_us.unwrap_or((time_us, time_us));
        self.period_us = Some((first.min(time_us), last.max(time_us)));
    }

    pub(super) fn reject(&mut self, position: u64, reason: String, span: Range<usize>) {
        self.rejected.push(Rejected { trouble: Trouble::new(position, reason), span });
    }
}

impl Account {
    pub(super) fn of(file: &Found) -> Self {
        Account {
            facts: SourceFacts {
                path: file.name.clone(),
                size_bytes: file.size_bytes,
                modified_us: file.modified_us,
                ..SourceFacts::default()
            },
            place: file.place.clone(),
            ..Account::default()
        }
    }

    pub(super) fn add(&mut self, tally: Tally) {
        let records = &mut self.facts.records;
        records.read += tally.read;
        records.rejected += tally.rejected.len() as u64;
        records.other_workloads += tally.other_workloads.values().sum::<u64>();
        self.facts.others_kept += tally.others_kept;
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
        self.without_id += tally.without_id;
        self.signs.add(tally.signs);
        self.results = self.results.max(tally.results);
        self.facts.damaged |= tally.damaged;
        let rejected = tally.rejected.into_iter().map(|rejected| rejected.trouble);
        self.facts.troubles.extend(tally.troubles.into_iter().chain(rejected));
        self.bound();
    }

    pub(super) fn trouble(&mut self, position: u64, reason: String) {
        self.facts.troubles.push(Trouble::new(position, reason));
        self.bound();
    }

    /// A file may have more troubles than there is memory.
    fn bound(&mut self) {
        if self.facts.troubles.len() > 100 * TROUBLES_MAX {
            self.group_troubles();
        }
    }

    /// Texts of the source that are no logs, of so many. Where there is no other, the source is
    /// none.
    pub(super) fn refuse(&mut self, reasons: Vec<String>, texts: usize) {
        if reasons.len() == texts {
            self.refused = reasons.first().cloned();
        }
        self.facts.damaged |= !reasons.is_empty() && self.refused.is_none();
        reasons.into_iter().for_each(|reason| self.trouble(0, reason));
    }

    /// Everything is read.
    pub(super) fn close(&mut self) {
        self.group_troubles();
        // Of one that was not read to its end, nothing more can be said.
        if !self.unread && self.refused.is_none() {
            self.facts.suspicions = source_warnings::of(&self.facts, &self.signs, self.results);
        }
    }

    /// Threads add troubles in any order; they are told in that of the file, what is the same is
    /// told once, and no more than so many are kept.
    fn group_troubles(&mut self) {
        let mut troubles = std::mem::take(&mut self.facts.troubles);
        troubles.sort_by(|a, b| (a.position, &a.reason).cmp(&(b.position, &b.reason)));
        let mut places: HashMap<String, usize> = HashMap::new();
        for trouble in troubles {
            match places.get(&trouble.reason).and_then(|&at| self.facts.troubles.get_mut(at)) {
                Some(first) => first.count += trouble.count,
                None => {
                    places.insert(trouble.reason.clone(), self.facts.troubles.len());
                    self.facts.troubles.push(trouble);
                }
            }
        }
        self.facts.troubles.truncate(TROUBLES_MAX);
    }

    /// What the store is to remember, unless the source is to be tried again.
    /// What came of that one before it failed is remembered too, in a form that no source is
    /// recognised by: the accounts of all sources are those of the table.
    pub(super) fn mark(&self) -> Option<Mark> {
        let is_kept = self.facts.rejects.is_some_and(|rejects| rejects.kept > 0);
        if self.unread && (self.facts.records.stored > 0 || is_kept) {
            let facts = SourceFacts { modified_us: None, ..self.facts.clone() };
            return Some(Mark { place: self.place.clone(), digest: String::new(), facts });
        }
        let digest = self.digest.clone().filter(|_| !self.unread && !self.is_held)?;
        Some(Mark { place: self.place.clone(), digest, facts: self.facts.clone() })
    }

    fn outcome(&self) -> Outcome {
        if self.refused.is_some() || self.unread {
            Outcome::Failed
        } else if self.facts.damaged || self.facts.records.rejected > 0 {
            Outcome::Damaged
        } else {
            Outcome::Taken
        }
    }
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All of it was taken.
    Taken,
    /// What is whole in it was taken.
    Damaged,
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
    pub outcome: Outcome,
    /// What became of its records.
    pub records: RecordCounts,
    /// What was wrong, by position.
    pub troubles: Vec<Trouble>,
    /// What speaks against it.
    pub suspicions: Vec<Suspicion>,
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
pub struct Period {
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
pub struct Summary {
    /// Sources.
    pub sources: SourceCounts,
    /// Records of the sources that were read now.
    pub records: RecordCounts,
    /// The period of the events in the store after the run.
    pub period: Period,
    /// The store after the run.
    pub store: StoreCounts,
    /// Records left out, by workload and record type: `Exchange: ExchangeItem`.
    pub other_workloads: BTreeMap<String, u64>,
    /// Events that came without an id and were given one made from their content.
    pub without_id: u64,
    /// Each source that was read now.
    pub per_source: Vec<SourceReport>,
    /// What else people should know, in sentences.
    pub remarks: Vec<String>,
}

impl Summary {
    /// Whether everything that was found could be taken.
    pub fn is_complete(&self) -> bool {
        self.sources.failed == 0 && self.per_source.iter().all(|s| s.outcome == Outcome::Taken)
    }
}

/// Adds the accounts up.
pub(super) fn summary(archive: &Archive, accounts: Vec<Account>, files: &[DataFile]) -> Summary {
    let mut records = RecordCounts::default();
    let mut other_workloads: BTreeMap<String, u64> = BTreeMap::new();
    let mut per_source = Vec::with_capacity(accounts.len() + archive.unreachable.len());
    let mut without_id = 0;
    let held = accounts.iter().filter(|account| account.is_held).count();
    for account in accounts.into_iter().filter(|account| !account.is_held) {
        records.add(&account.facts.records);
        without_id += account.without_id;
        for (name, count) in &account.other_workloads {
            *other_workloads.entry(name.clone()).or_default() += count;
        }
        per_source.push(SourceReport {
            outcome: account.outcome(),
            source: account.facts.path,
            kind: account.facts.kind,
            records: account.facts.records,
            troubles: account.facts.troubles,
            suspicions: account.facts.suspicions,
        });
    }
    per_source.extend(archive.unreachable.iter().map(|(name, reason)| SourceReport {
        source: name.clone(),
        kind: String::new(),
        outcome: Outcome::Failed,
        records: RecordCounts::default(),
        troubles: vec![Trouble::new(0, format!("cannot be read: {reason}"))],
        suspicions: Vec::new(),
    }));
    let failed = per_source.iter().filter(|source| source.outcome == Outcome::Failed).count();
    let known = (archive.known() + held) as u64;
    let read = per_source.len() - failed;
    let first = files.iter().filter_map(|file| file.period_us).map(|p| p.0).min();
    let last = files.iter().filter_map(|file| file.period_us).map(|p| p.1).max();
    Summary {
        sources: SourceCounts {
            found: known + per_source.len() as u64,
            new: read as u64,
            known,
            failed: failed as u64,
        },
        records,
        period: Period { first: first.map(time::to_rfc3339), last: last.map(time::to_rfc3339) },
        store: StoreCounts {
            events: files.iter().map(|file| file.events).sum(),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.size_bytes).sum(),
        },
        other_workloads,
        without_id,
        per_source,
        remarks: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Known, Sight};
    use super::*;

    #[test]
    fn a_source_that_failed_is_tried_again_and_what_came_of_it_is_remembered() {
        let file = Found {
            path: "missing".into(),
            name: "missing".to_owned(),
            place: "/missing".to_owned(),
            size_bytes: 7,
            modified_us: Some(1),
        };
        let mut account = Account { unread: true, ..Account::of(&file) };
        assert_eq!(account.mark(), None);
        account.facts.records = RecordCounts { read: 2, stored: 2, ..RecordCounts::default() };
        let mark = account.mark().unwrap();
        assert_eq!(mark.facts.records, account.facts.records);
        assert_eq!(Known::of(&[mark], false).sight(&file), Sight::Changed);
        let whole = Account { unread: false, digest: Some("0".to_owned()), ..account };
        assert_eq!(Known::of(&[whole.mark().unwrap()], false).sight(&file), Sight::Known);
    }
}
