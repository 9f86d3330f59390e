//! Reads the copies of an event from rows of columns.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;

use crate::column::to_json::{EventWriter, RowError, text_at};
use crate::schema::{column_index, columns};

/// One copy of an event, as its row stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCopy<'a> {
    /// The time of the row in microseconds since 1970 (UTC).
    pub time_us: i64,
    /// The id of the row; empty if it was not read.
    pub id: &'a str,
    /// The source of the row, and its format.
    pub source: (&'a str, &'a str),
    /// The content of the column `Copies`; empty if there is none.
    pub copies: &'a str,
    /// The event as a JSON object.
    pub event: &'a [u8],
}

impl<'a> EventCopy<'a> {
    /// Appends the copy as bytes, which [`EventCopy::decode`] reads.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.time_us.to_le_bytes());
        let parts = [self.id, self.source.0, self.source.1, self.copies].map(str::as_bytes);
        for part in parts.into_iter().chain([self.event]) {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(part);
        }
    }

    /// Reads a copy from its bytes; `None` if they are no copy.
    pub fn decode(mut bytes: &'a [u8]) -> Option<EventCopy<'a>> {
        let take_number = |bytes: &mut &'a [u8]| {
            let (number, rest) = bytes.split_first_chunk::<8>()?;
            *bytes = rest;
            Some(i64::from_le_bytes(*number))
        };
        let time_us = take_number(&mut bytes)?;
        let mut parts = [&[][..]; 5];
        for part in &mut parts {
            let length = usize::try_from(take_number(&mut bytes)?).ok()?;
            (*part, bytes) = bytes.split_at_checked(length)?;
        }
        let [id, file, kind, copies, event] = parts;
        let text = |part| std::str::from_utf8(part).ok();
        let source = (text(file)?, text(kind)?);
        Some(EventCopy { time_us, id: text(id)?, source, copies: text(copies)?, event })
    }
}

/// Reads copies of events from rows.
pub struct CopyReader {
    writer: EventWriter,
    event: Vec<u8>,
}

impl Default for CopyReader {
    fn default() -> Self {
        CopyReader { writer: EventWriter::new(false), event: Vec::new() }
    }
}

impl CopyReader {
    /// Passes the copies in some rows of `page` to `take`. A row is given with its time, which
    /// counts if the page has no column of times.
    ///
    /// # Errors
    ///
    /// [`RowError`] if a row is not an event.
    pub fn read(
        &mut self,
        page: &[Option<ArrayRef>],
        rows: &[(usize, i64)],
        mut take: impl FnMut(usize, EventCopy<'_>),
    ) -> Result<(), RowError> {
        let own = columns().len();
        let times = column_index("CreationTime").and_then(|at| page.get(at)?.as_ref());
        let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let id = column_index("Id").unwrap_or(own);
        let text = |column: usize, row: usize| {
            let column = page.get(column).and_then(Option::as_deref);
            column.and_then(|column| text_at(column, row)).unwrap_or_default()
        };
        let mut rows_left = rows.iter();
        let event = &mut self.event;
        event.clear();
        self.writer.append_each(page, rows.iter().map(|row| row.0), event, |event| {
            if let Some(&(row, time_us)) = rows_left.next() {
                let copy = EventCopy {
                    time_us: times.map_or(time_us, |times| times.value(row)),
                    id: text(id, row),
                    source: (text(own + 1, row), text(own + 2, row)),
                    copies: text(own + 3, row),
                    event,
                };
                take(row, copy);
            }
            event.clear();
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_is_decoded_as_it_was_encoded() {
        let source = ("märz.json", "array");
        let copy =
            EventCopy { time_us: -7, id: "e1", source, copies: "", event: br#"{"Id":"e1"}"# };
        let mut bytes = Vec::new();
        copy.encode(&mut bytes);
        assert_eq!(EventCopy::decode(&bytes), Some(copy));
        assert_eq!(EventCopy::decode(&bytes[..bytes.len() - 1]), None);
    }
}
