//! Exports the events of a store as JSON.

use std::cell::RefCell;
use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::Result;
use crate::calendar::{self, DayBound, EventTimeRange, PeriodBounds};
use crate::column::{CopyParsers, CopyReader, EventWriter, MergedEvent};
use crate::query::{self, LogKind};
use crate::store::{self, RowKey, RowRange, Snapshot, Store, TimeRange};

/// Options of an export.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// First day; `None` starts at the first event.
    pub since: Option<DayBound>,
    /// Last day, inclusive; `None` ends at the last event, or at the last whole day if `since`
    /// counts from there.
    pub until: Option<DayBound>,
    /// Time zone of the days.
    pub time_zone: Tz,
    /// True if each event has `SourceFile` and `SourceKind`.
    pub with_lineage: bool,
    /// True if the conflicting values of copies are written, and not the events.
    pub conflicts: bool,
    /// The current time. A day that is not over is not whole.
    pub now: DateTime<Utc>,
}

impl Default for Options {
    /// Returns the options for all events, and days in UTC.
    fn default() -> Self {
        Options {
            since: None,
            until: None,
            time_zone: Tz::UTC,
            with_lineage: false,
            conflicts: false,
            now: Utc::now(),
        }
    }
}

impl Options {
    /// Returns the times of the period in the log of a store.
    fn time_range(&self, store: &Store) -> Result<TimeRange> {
        let bounds = PeriodBounds { since: self.since, until: self.until };
        let is_relative = [self.since, self.until].iter().flatten().any(|day| day.is_relative());
        let log = if is_relative { store.read(log_range)? } else { None };
        let (since, until) = bounds.resolve(log, self.time_zone, self.now)?;
        let start = |day| calendar::local_day_start(day, self.time_zone);
        Ok(TimeRange {
            from_us: since.map(start),
            to_us: until.map(|day| start(calendar::next_day(day))),
            after: None,
        })
    }
}

/// Returns the times of the log of Power BI, else those of the Power Platform.
fn log_range(snapshot: &Snapshot) -> Result<Option<EventTimeRange>> {
    let power_bi = query::event_time_range(snapshot, LogKind::PowerBi)?;
    let other = || query::event_time_range(snapshot, LogKind::PowerPlatform);
    power_bi.map_or_else(other, |range| Ok(Some(range)))
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
        time_range: options.time_range(store)?,
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

    fn range(since: &str, until: &str, time_zone: Tz) -> Result<TimeRange> {
        let [since, until] = [since, until].map(|text| Some(text.parse().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let options = Options { since, until, time_zone, ..Options::default() };
        options.time_range(&Store::new(&folder.path().join("store")))
    }

    #[test]
    fn periods_are_whole_days_of_the_time_zone() {
        let span = range("2026-03-01", "2026-03-01", Tz::UTC).unwrap();
        assert_eq!(span.to_us.unwrap() - span.from_us.unwrap(), 86_400_000_000);
        assert_eq!(span.from_us, Some(1_772_323_200_000_000));
        let span = range("2026-03-29", "2026-03-29", Tz::Europe__Berlin).unwrap();
        assert_eq!(span.to_us.unwrap() - span.from_us.unwrap(), 23 * 3_600_000_000);
        let error = range("2026-03-02", "2026-03-01", Tz::UTC).unwrap_err();
        assert!(error.to_string().contains("earlier day first"), "{error}");
    }
}
