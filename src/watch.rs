//! Checks a store for what must make a nightly run fail, every night until it is repaired.
//!
//! Only what can still be repaired counts: days that Microsoft has, and sources with such days. A
//! source is repaired as soon as its file is replaced, or others have as many events of its days.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::calendar::{DayBound, Staleness};
use crate::error::{Error, Result};
use crate::gaps::{self, LogGap};
use crate::query::{self, DayStatus, LogKind};
use crate::schema::source_log::SourceFacts;
use crate::source_warnings::is_truncated;
use crate::store::{SourceEntries, SourceEntry, Store};

/// Days or sources that one message names; the others are counted.
const MAX_NAMED: usize = 5;

/// Condition that makes `status` exit with code 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchCondition {
    /// The newest event is too old.
    Stale(Staleness),
    /// A day has no events.
    Missing,
    /// A day is missing, partial or truncated.
    Incomplete,
    /// A source is damaged or is not a log.
    Damaged,
    /// Records of a source were rejected.
    Rejects,
}

impl WatchCondition {
    /// All conditions but the one on age, with their names.
    const NAMES: [(&str, WatchCondition); 4] = [
        ("missing", WatchCondition::Missing),
        ("incomplete", WatchCondition::Incomplete),
        ("damaged", WatchCondition::Damaged),
        ("rejects", WatchCondition::Rejects),
    ];
}

impl FromStr for WatchCondition {
    type Err = Error;

    fn from_str(text: &str) -> Result<WatchCondition> {
        if let Some(limit) = Staleness::parse(text) {
            return Ok(WatchCondition::Stale(limit));
        }
        let found = WatchCondition::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, condition)| *condition).ok_or_else(|| {
            let names = WatchCondition::NAMES.map(|(name, _)| name).join(", ");
            Error::Usage(format!(
                "unknown condition {text:?}; use one of {names}, or {}",
                Staleness::EXAMPLE
            ))
        })
    }
}

/// The parts of [`WatchEvidence`] to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceParts {
    newest: bool,
    days: bool,
    sources: bool,
}

impl EvidenceParts {
    /// All parts, which the figures need.
    pub const ALL: EvidenceParts = EvidenceParts { newest: true, days: true, sources: true };

    /// Returns what some conditions need.
    pub fn of(conditions: &[WatchCondition]) -> EvidenceParts {
        let asks = |is_meant: fn(&WatchCondition) -> bool| conditions.iter().any(is_meant);
        EvidenceParts {
            newest: asks(|asked| matches!(asked, WatchCondition::Stale(_))),
            days: asks(|asked| {
                matches!(asked, WatchCondition::Missing | WatchCondition::Incomplete)
            }),
            sources: asks(|asked| {
                matches!(asked, WatchCondition::Damaged | WatchCondition::Rejects)
            }),
        }
    }
}

/// The state of a log since a day, as far as conditions and figures need it.
pub struct WatchEvidence {
    first: NaiveDate,
    now: DateTime<Utc>,
    newest_us: Option<i64>,
    gaps: Vec<LogGap>,
    entries: Option<SourceEntries>,
}

impl WatchEvidence {
    /// Reads some parts.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if `since` is in the future, and errors of reading the store.
    pub fn read(
        store: &Store,
        parts: EvidenceParts,
        since: DayBound,
        now: DateTime<Utc>,
    ) -> Result<WatchEvidence> {
        let first = gaps::first_day(since, now)?;
        let newest = match parts.newest {
            true => store.read(|data| query::event_time_range(data, LogKind::PowerBi))?,
            false => None,
        };
        let gaps = match parts.days {
            true => store.read(|data| gaps::find_gaps(data, since, now))?.gaps,
            false => Vec::new(),
        };
        let entries = parts.sources.then(|| store.source_entries()).transpose()?;
        Ok(WatchEvidence { first, now, newest_us: newest.map(|log| log.last_us), gaps, entries })
    }

    /// Returns a message for each condition that holds, or several for one.
    pub fn failures(&self, conditions: &[WatchCondition]) -> Vec<String> {
        let sources = self.unrepaired_sources();
        let mut failures = Vec::new();
        for condition in conditions {
            match condition {
                WatchCondition::Stale(limit) => {
                    let newest = self.newest_us.and_then(DateTime::from_timestamp_micros);
                    failures.extend(limit.check(newest.map(|newest| self.now - newest)));
                }
                WatchCondition::Missing | WatchCondition::Incomplete => {
                    let is_any = *condition == WatchCondition::Incomplete;
                    let gaps = self.gaps.iter();
                    let gaps = gaps.filter(|gap| is_any || gap.status == MISSING.name());
                    failures.extend(days_message(&gaps.collect::<Vec<_>>(), is_any));
                }
                WatchCondition::Damaged | WatchCondition::Rejects => {
                    let is_named = conditions.contains(&WatchCondition::Damaged);
                    let is_meant = |source: &&SourceFacts| match condition {
                        WatchCondition::Damaged => is_damaged(source),
                        // The message about the damage says it already.
                        _ if is_named && is_damaged(source) => false,
                        _ => source.records.rejected > 0,
                    };
                    let meant: Vec<&SourceFacts> =
                        sources.iter().copied().filter(is_meant).collect();
                    failures.extend(source_messages(&meant, *condition));
                }
            }
        }
        failures
    }

    /// Returns the figures that the conditions compare.
    pub fn figures(&self) -> WatchFigures {
        let mut days = BTreeMap::from(WATCHED_DAYS.map(|status| (status.name(), 0)));
        for gap in &self.gaps {
            *days.entry(gap.status).or_default() += 1;
        }
        let sources = self.unrepaired_sources();
        let count = |is_meant: fn(&SourceFacts) -> bool| {
            sources.iter().filter(|source| is_meant(source)).count() as u64
        };
        WatchFigures {
            newest_event_s: self.newest_us.map(|newest_us| newest_us.div_euclid(MICROS_PER_SECOND)),
            days,
            damaged_sources: count(is_damaged),
            rejecting_sources: count(|source| source.records.rejected > 0),
        }
    }

    fn unrepaired_sources(&self) -> Vec<&SourceFacts> {
        self.entries.as_ref().map_or_else(Vec::new, |entries| unrepaired(entries, self.first))
    }
}

/// Figures for a monitoring system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchFigures {
    /// Time of the newest event of Power BI and Fabric, in seconds since 1970 in UTC.
    pub newest_event_s: Option<i64>,
    /// Days to download again, by status: `missing`, `partial` or `truncated`.
    pub days: BTreeMap<&'static str, u64>,
    /// Sources that are damaged or are not a log, and are not repaired.
    pub damaged_sources: u64,
    /// Sources with rejected records that are not repaired.
    pub rejecting_sources: u64,
}

/// The statuses of days to download again.
const WATCHED_DAYS: [DayStatus; 3] = [DayStatus::Missing, DayStatus::Partial, DayStatus::Truncated];

const MICROS_PER_SECOND: i64 = 1_000_000;

const MISSING: DayStatus = DayStatus::Missing;

fn days_message(gaps: &[&LogGap], is_any: bool) -> Option<String> {
    let names: Vec<&str> = gaps.iter().take(MAX_NAMED).map(|gap| gap.day.as_str()).collect();
    let more = gaps.len().saturating_sub(MAX_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let status = if is_any { "incomplete" } else { "missing" };
    let are = if gaps.len() == 1 { "1 day is" } else { &format!("{} days are", gaps.len()) };
    let days = names.join(", ");
    (!gaps.is_empty())
        .then(|| format!("{are} {status}: {days}{more}; `pbi-analyze gaps` says what to download"))
}

fn source_messages(sources: &[&SourceFacts], condition: WatchCondition) -> Vec<String> {
    let message = |source: &&SourceFacts| {
        let (path, problem) = (&source.path, source.problems.first());
        let reason = problem.map(|problem| format!(": {problem}")).unwrap_or_default();
        match (condition, source.records.rejected) {
            (WatchCondition::Damaged, _) => format!(
                "{path} is damaged or not a log{reason}; replace it, or delete it after its days \
                 were downloaded again"
            ),
            (_, 1) => format!("{path} has 1 rejected record{reason}"),
            (_, rejected) => format!("{path} has {rejected} rejected records{reason}"),
        }
    };
    let mut messages: Vec<String> = sources.iter().take(MAX_NAMED).map(message).collect();
    let more = sources.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        messages.push(format!("and {more} more; `pbi-analyze status` lists them"));
    }
    messages
}

/// Returns true if a source breaks in a record, or contains no record although it can contain some.
fn is_damaged(source: &SourceFacts) -> bool {
    source.damaged || (source.records.read == 0 && !source.problems.is_empty())
}

/// Returns the newest facts of damaged sources and sources with rejected records, by their places,
/// without those that end before a day, those whose file was deleted, and those that are repaired.
fn unrepaired(entries: &[SourceEntry], first: NaiveDate) -> Vec<&SourceFacts> {
    let by_place: HashMap<&str, &SourceFacts> =
        entries.iter().map(|entry| (entry.place.as_str(), &entry.facts)).collect();
    let has_trouble = |source: &SourceFacts| is_damaged(source) || source.records.rejected > 0;
    let mut most: BTreeMap<&str, u64> = BTreeMap::new();
    let intact = by_place.values().filter(|source| !has_trouble(source) && !is_truncated(source));
    for (day, events) in intact.flat_map(|source| &source.days) {
        let known = most.entry(day).or_default();
        *known = (*known).max(*events);
    }
    let is_unrepaired = |(place, source): &(&str, &SourceFacts)| {
        has_trouble(source)
            && reaches(source, first)
            && !is_deleted(Path::new(place))
            && !is_repaired(source, &most)
    };
    let mut found: Vec<(&str, &SourceFacts)> = by_place.into_iter().filter(is_unrepaired).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, source)| source).collect()
}

/// Returns true if a source has events of a day or later, or if it has no events and was written
/// since.
fn reaches(source: &SourceFacts, first: NaiveDate) -> bool {
    let start = first.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
    let last = source.period_us.map(|(_, last)| last).or(source.modified_us);
    last.is_none_or(|last| last >= start)
}

/// Returns true if a file was deleted from its folder. A folder that is not there says nothing: the
/// store may be checked on another machine, or the folder is not mounted.
fn is_deleted(place: &Path) -> bool {
    place.parent().is_some_and(Path::is_dir) && place.symlink_metadata().is_err()
}

/// Returns true if intact sources have as many events of each day of a source, and as many in total
/// as it has with its rejected records.
fn is_repaired(source: &SourceFacts, most: &BTreeMap<&str, u64>) -> bool {
    let days: Vec<(&str, u64)> = source.days.iter().map(|(day, n)| (day.as_str(), *n)).collect();
    let of_day = |day: &str| most.get(day).copied().unwrap_or(0);
    let (own, others) = (
        days.iter().map(|(_, events)| events).sum::<u64>() + source.records.rejected,
        days.iter().map(|(day, _)| of_day(day)).sum::<u64>(),
    );
    own > 0 && others >= own && days.iter().all(|(day, events)| of_day(day) >= *events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::source_log::{Problem, RecordCounts};

    const DAY: &str = "2026-03-05";

    fn source(place: &str, events: u64, rejected: u64, damaged: bool) -> SourceEntry {
        let end = "2026-03-05T23:00:00Z".parse::<DateTime<Utc>>().unwrap().timestamp_micros();
        let is_whole = rejected == 0 && !damaged;
        let problems = if is_whole { vec![] } else { vec![Problem::new(7, "broken".to_owned())] };
        let facts = SourceFacts {
            path: place.to_owned(),
            records: RecordCounts { read: events + rejected, rejected, ..Default::default() },
            days: BTreeMap::from([(DAY.to_owned(), events)]),
            period_us: Some((end - 1, end)),
            damaged,
            problems,
            ..Default::default()
        };
        // No folder has this name, so nothing is known about the file.
        let place = format!("/there-is-no-such-folder/{place}");
        SourceEntry { place, digest: place_digest(events), facts }
    }

    fn place_digest(events: u64) -> String {
        events.to_string()
    }

    fn names(entries: &[SourceEntry], first: &str) -> Vec<String> {
        let found = unrepaired(entries, first.parse().unwrap());
        found.into_iter().map(|source| source.path.clone()).collect()
    }

    #[test]
    fn damage_lasts_until_an_intact_source_has_as_many_events() {
        let cut = source("a", 10, 0, true);
        assert_eq!(names(std::slice::from_ref(&cut), DAY), ["a"]);
        assert_eq!(names(&[cut.clone(), source("b", 9, 0, false)], DAY), ["a"]);
        assert_eq!(names(&[cut.clone(), source("b", 10, 0, true)], DAY), ["a", "b"]);
        assert!(names(&[cut.clone(), source("b", 10, 0, false)], DAY).is_empty());
        assert!(names(&[cut.clone(), source("a", 9, 0, false)], DAY).is_empty(), "replaced");
        assert!(names(&[cut], "2026-03-06").is_empty(), "nobody has the day");
    }

    #[test]
    fn rejected_records_last_until_a_source_has_them_as_events() {
        let rejected = source("a", 10, 2, false);
        assert_eq!(names(&[rejected.clone(), source("b", 11, 0, false)], DAY), ["a"]);
        assert!(names(&[rejected, source("b", 12, 0, false)], DAY).is_empty());
    }

    #[test]
    fn file_without_events_lasts_until_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.json");
        std::fs::write(&path, "<html>").unwrap();
        let mut entry = source("page.json", 0, 0, true);
        entry.facts.damaged = false;
        entry.facts.days.clear();
        entry.place = path.to_str().unwrap().to_owned();
        assert_eq!(names(std::slice::from_ref(&entry), DAY), ["page.json"]);
        std::fs::remove_file(path).unwrap();
        assert!(names(&[entry], DAY).is_empty());
    }

    #[test]
    fn conditions_have_names() {
        for (name, condition) in WatchCondition::NAMES {
            assert_eq!(name.parse::<WatchCondition>().unwrap(), condition);
        }
        assert!(matches!("stale:2d".parse().unwrap(), WatchCondition::Stale(_)));
        let error = "coverage:missing".parse::<WatchCondition>().unwrap_err().to_string();
        assert!(error.contains("missing, incomplete, damaged, rejects, or stale:2d"), "{error}");
    }
}
