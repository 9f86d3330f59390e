//! Finds out whether day or month is first in the dates of a file.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::record::csv;
use crate::record::local_time::DateOrder;
use crate::source::{Chunk, ChunkReader, SourceFormat};

/// The order of day and month in the dates of one file. It is read from the whole file when the
/// first date needs it, since most files have no such date.
pub(super) struct FileDates {
    path: PathBuf,
    order: OnceLock<Option<DateOrder>>,
}

impl FileDates {
    pub(super) fn new(path: PathBuf) -> Self {
        FileDates { path, order: OnceLock::new() }
    }

    /// Returns the order that the rows of the file prove; `None` if none proves it, or two rows
    /// contradict each other.
    pub(super) fn order(&self) -> Option<DateOrder> {
        *self.order.get_or_init(|| self.read().unwrap_or_default())
    }

    fn read(&self) -> std::io::Result<Option<DateOrder>> {
        let (mut is_day_first, mut is_month_first) = (false, false);
        let (mut chunks, mut used) = (ChunkReader::open(&self.path)?, Chunk::default());
        while let Some(chunk) = chunks.next(&mut used)? {
            if let SourceFormat::Csv(line) = &chunk.format
                && let Ok(header) = csv::parse_header(line)
            {
                header.for_each_proof(&chunk.text, |order| match order {
                    DateOrder::DayFirst => is_day_first = true,
                    DateOrder::MonthFirst => is_month_first = true,
                });
            }
            used = chunk;
        }
        Ok(match (is_day_first, is_month_first) {
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        })
    }
}
