//! Facts about an archive that no period of a session and no filter changes. Each is read once for
//! all sessions over the archive.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;

use crate::query::coverage::assess::Coverage;
use crate::query::coverage::period::EventTimeRange;
use crate::query::definition::report::LogKind;

/// Spans of time, in microseconds since 1970.
type Spans = Vec<(Option<i64>, Option<i64>)>;

/// Facts that are known so far.
#[derive(Default)]
pub struct ArchiveFacts {
    time_ranges: Mutex<BTreeMap<LogKind, Option<EventTimeRange>>>,
    coverages: Mutex<BTreeMap<(LogKind, Vec<NaiveDate>), Coverage>>,
    event_totals: Mutex<BTreeMap<(LogKind, Spans), u64>>,
}

impl ArchiveFacts {
    /// Returns the times of the first and last event of a log.
    pub fn time_range<E>(
        &self,
        log: LogKind,
        read: impl FnOnce() -> Result<Option<EventTimeRange>, E>,
    ) -> Result<Option<EventTimeRange>, E> {
        known_or_read(&self.time_ranges, log, read)
    }

    /// Returns the coverage of UTC days.
    pub fn coverage<E>(
        &self,
        log: LogKind,
        days: Vec<NaiveDate>,
        read: impl FnOnce() -> Result<Coverage, E>,
    ) -> Result<Coverage, E> {
        known_or_read(&self.coverages, (log, days), read)
    }

    /// Returns the number of events in spans of time, without filters.
    pub fn event_total<E>(
        &self,
        log: LogKind,
        spans: Spans,
        read: impl FnOnce() -> Result<u64, E>,
    ) -> Result<u64, E> {
        known_or_read(&self.event_totals, (log, spans), read)
    }
}

/// Returns a fact, which is read if it is not known yet.
pub fn known_or_read<K: Ord, V: Clone, E>(
    facts: &Mutex<BTreeMap<K, V>>,
    key: K,
    read: impl FnOnce() -> Result<V, E>,
) -> Result<V, E> {
    // Entries are inserted whole, so a panic elsewhere cannot leave half an entry.
    let known = || facts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fact) = known().get(&key) {
        return Ok(fact.clone());
    }
    let fact = read()?;
    known().insert(key, fact.clone());
    Ok(fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_is_read_once_and_errors_are_not_kept() {
        let facts = ArchiveFacts::default();
        let total = |to, read| facts.event_total(LogKind::PowerBi, vec![(None, Some(to))], || read);
        assert_eq!(total(1, Err("damaged")), Err("damaged"));
        assert_eq!(total(1, Ok(7)), Ok(7));
        assert_eq!(total(1, Ok(8)), Ok(7));
        assert_eq!(total(2, Ok(9)), Ok(9));
    }
}
