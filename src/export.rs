//! Exports the events of a store as JSON.

use std::cell::RefCell;
use std::ops::Range;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};

use crate::column::{CopyParsers, CopyReader, EventWriter, MergedEvent};
use crate::store::{self, RowKey, RowRange, Snapshot, Store, TimeRange};
use crate::{Error, Result};

/// A UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UtcDay(NaiveDate);

impl FromStr for UtcDay {
    type Err = Error;

    fn from_str(text: &str) -> Result<UtcDay> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(UtcDay).map_err(|_| {
            Error::Usage(format!(
                "invalid date {text:?}; use YYYY-MM-DD in UTC, for example 2026-03-01"
            ))
        })
    }
}

impl UtcDay {
    fn start_us(self) -> i64 {
        self.0.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
    }

    fn end_us(self) -> i64 {
        self.0.succ_opt().map_or(i64::MAX, |next| UtcDay(next).start_us())
    }
}

/// Options of an export.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// First day; `None` starts at the first event.
    pub since: Option<UtcDay>,
    /// Last day, inclusive; `None` ends at the last event.
    pub until: Option<UtcDay>,
    /// True if each event has `SourceFile` and `SourceKind`.
    pub with_lineage: bool,
    /// True if the conflicting values of copies are written, and not the events.
    pub conflicts: bool,
}

impl Options {
    fn time_range(&self) -> Result<TimeRange> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since.0 > until.0
        {
            return Err(Error::reversed_period(since.0, until.0));
        }
        Ok(TimeRange {
            from_us: self.since.map(UtcDay::start_us),
            to_us: self.until.map(UtcDay::end_us),
            after: None,
        })
    }
}

/// Number of bytes to collect before they are written.
const CHUNK_BYTES: usize = 1 << 20;

/// Running export.
struct EventExporter<'o> {
    content: ExportContent,
    time_range: TimeRange,
    buffer: Vec<u8>,
    last_key: Option<RowKey>,
    /// The number of lines.
    written: u64,
    out: &'o mut dyn FnMut(&[u8]) -> Result<()>,
}

/// Content of an export.
enum ExportContent {
    Events(EventWriter),
    Conflicts(CopyReader),
}

/// Writes the events of a store, one JSON object per line, sorted by time and ID, and returns
/// their number.
///
/// With [`Options::conflicts`], each line is a value of a copy that another copy of the same event
/// contradicts: `Id` and `CreationTime` of the event, the `field`, the `kept` value, the `lost` one
/// and its `source`.
///
/// # Errors
///
/// [`Error::Usage`] for a period that ends before it starts, [`Error::Io`] and [`Error::Store`] if
/// the store cannot be read, and errors of `out`.
pub fn run(
    store: &Store,
    options: &Options,
    out: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<u64> {
    let export = RefCell::new(EventExporter {
        content: match options.conflicts {
            true => ExportContent::Conflicts(CopyReader::default()),
            false => ExportContent::Events(EventWriter::new(options.with_lineage)),
        },
        time_range: options.time_range()?,
        buffer: Vec::with_capacity(CHUNK_BYTES * 2),
        last_key: None,
        written: 0,
        out,
    });
    // If a file is merged during the export, this runs again and continues after the last event.
    store.read(|snapshot| export.borrow_mut().export_snapshot(snapshot))?;
    let EventExporter { buffer: text, written, out, .. } = export.into_inner();
    out(&text)?;
    Ok(written)
}

impl EventExporter<'_> {
    fn export_snapshot(&mut self, snapshot: &Snapshot) -> Result<()> {
        let span = TimeRange { after: self.last_key, ..self.time_range };
        store::scan_rows(&snapshot.files, &span, &mut |rows| self.write_rows(&rows))
    }

    fn write_rows(&mut self, rows: &RowRange<'_>) -> Result<()> {
        // Very wide pages are written in parts.
        const STEP: usize = 256;
        for start in rows.rows.clone().step_by(STEP) {
            let part = start..rows.rows.end.min(start + STEP);
            match &mut self.content {
                ExportContent::Events(writer) => {
                    self.written += part.len() as u64;
                    let made = writer.append(rows.page, part, &mut self.buffer);
                    made.map_err(|unreadable| rows.error(&unreadable.reason))?;
                }
                ExportContent::Conflicts(reader) => {
                    let buffer = &mut self.buffer;
                    self.written += write_conflicts(rows, part, reader, buffer)?;
                }
            }
            if self.buffer.len() >= CHUNK_BYTES {
                (self.out)(&self.buffer)?;
                self.buffer.clear();
            }
        }
        self.last_key = Some(rows.last_key);
        Ok(())
    }
}

/// Appends the conflicting values of some rows, and returns their number.
fn write_conflicts(
    rows: &RowRange<'_>,
    part: Range<usize>,
    reader: &mut CopyReader,
    out: &mut Vec<u8>,
) -> Result<u64> {
    let part: Vec<(usize, i64)> = part.map(|row| (row, 0)).collect();
    let (mut written, mut failed, mut parsers) = (0, None, CopyParsers::default());
    let read = reader.read(rows.page, &part, |_, copy| {
        if !copy.copies.is_empty() {
            match MergedEvent::from_copy(&copy, &mut parsers) {
                Ok(event) => written += event.write_conflicts(out),
                Err(reason) => failed = Some(reason),
            }
        }
    });
    match read.err().map(|error| error.reason).or(failed) {
        Some(reason) => Err(rows.error(&reason)),
        None => Ok(written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(since: &str, until: &str) -> Options {
        let day = |text: &str| Some(text.parse().unwrap());
        Options { since: day(since), until: day(until), with_lineage: false, conflicts: false }
    }

    #[test]
    fn periods_are_whole_utc_days() {
        let span = options("2026-03-01", "2026-03-01").time_range().unwrap();
        assert_eq!(span.to_us.unwrap() - span.from_us.unwrap(), 86_400_000_000);
        assert_eq!(span.from_us, Some(1_772_323_200_000_000));
        let error = options("2026-03-02", "2026-03-01").time_range().unwrap_err();
        assert!(error.to_string().contains("earlier day first"), "{error}");
        assert!("30d".parse::<UtcDay>().unwrap_err().to_string().contains("2026-03-01"));
    }
}
