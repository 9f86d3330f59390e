//! Events back out of a store, as they came: the conductor of `export`.
//!
//! Owns: which days are asked for, and that an export goes on where it was when a file of the
//! table is replaced under it. Must not know flags or where the bytes go.

use std::cell::RefCell;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};

use crate::column::EventWriter;
use crate::store::{self, RowKey, RowRange, Snapshot, TimeRange, Store};
use crate::{Error, Result};

/// A UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(NaiveDate);

impl FromStr for Day {
    type Err = Error;

    fn from_str(text: &str) -> Result<Day> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Day).map_err(|_| {
            Error::Usage(format!("{text:?} is no day: write one such as 2026-03-01, in UTC"))
        })
    }
}

impl Day {
    fn start_us(self) -> i64 {
        self.0.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The first day; all there is where it is not given.
    pub since: Option<Day>,
    /// The last day, included; all there is where it is not given.
    pub until: Option<Day>,
    /// Whether each event says where it came from: `SourceFile` and `SourceKind`.
    pub with_lineage: bool,
}

impl Options {
    fn span(&self) -> Result<TimeRange> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since.0 > until.0
        {
            return Err(Error::Usage(format!(
                "the period ends on {}, before it begins on {}; write the earlier day first",
                until.0, since.0
            )));
        }
        const DAY_US: i64 = 86_400_000_000;
        Ok(TimeRange {
            from_us: self.since.map(Day::start_us),
            to_us: self.until.map(|day| day.start_us().saturating_add(DAY_US)),
            after: None,
        })
    }
}

/// Bytes that are handed on at once.
const CHUNK_BYTES: usize = 1 << 20;

/// An export under way.
struct Export<'o> {
    inverse: EventWriter,
    span: TimeRange,
    text: Vec<u8>,
    last: Option<RowKey>,
    events: u64,
    out: &'o mut dyn FnMut(&[u8]) -> Result<()>,
}

/// Writes the events of a store, one JSON object a line, in the order of time and id, and counts
/// them.
///
/// # Errors
///
/// [`Error::Usage`] for a period that ends before it begins, [`Error::Io`] and [`Error::Store`]
/// where the store cannot be read, and those of `out`.
pub fn run(
    store: &Store,
    options: &Options,
    out: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<u64> {
    let export = RefCell::new(Export {
        inverse: EventWriter::new(options.with_lineage),
        span: options.span()?,
        text: Vec::with_capacity(CHUNK_BYTES * 2),
        last: None,
        events: 0,
        out,
    });
    // Answered again if a file was merged into another meanwhile: from where it was.
    store.read(|snapshot| export.borrow_mut().go_on(snapshot))?;
    let Export { text, events, out, .. } = export.into_inner();
    out(&text)?;
    Ok(events)
}

impl Export<'_> {
    fn go_on(&mut self, snapshot: &Snapshot) -> Result<()> {
        let span = TimeRange { after: self.last, ..self.span };
        store::scan_rows(&snapshot.files, &span, &mut |rows| self.rows(&rows))
    }

    fn rows(&mut self, rows: &RowRange<'_>) -> Result<()> {
        // A page that is very wide is handed on in parts.
        const STEP: usize = 256;
        for start in rows.rows.clone().step_by(STEP) {
            let part = start..rows.rows.end.min(start + STEP);
            let made = self.inverse.append(rows.page, part, &mut self.text);
            made.map_err(|unreadable| rows.error(&unreadable.reason))?;
            if self.text.len() >= CHUNK_BYTES {
                (self.out)(&self.text)?;
                self.text.clear();
            }
        }
        self.events += rows.rows.len() as u64;
        self.last = Some(rows.last_key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(since: &str, until: &str) -> Options {
        let day = |text: &str| Some(text.parse().unwrap());
        Options { since: day(since), until: day(until), with_lineage: false }
    }

    #[test]
    fn a_period_is_whole_days_of_utc() {
        let span = options("2026-03-01", "2026-03-01").span().unwrap();
        assert_eq!(span.to_us.unwrap() - span.from_us.unwrap(), 86_400_000_000);
        assert_eq!(span.from_us, Some(1_772_323_200_000_000));
        let error = options("2026-03-02", "2026-03-01").span().unwrap_err();
        assert!(error.to_string().contains("earlier day first"), "{error}");
        assert!("30d".parse::<Day>().unwrap_err().to_string().contains("2026-03-01"));
    }
}
