//! Reads events of log files as batches of Arrow arrays, without a store.

use std::sync::Arc;

use crate::error::Result;
use crate::ingest::{
    self, IngestSummary, Options as IngestOptions, Progress, Projection, ingest_temporary,
};
use crate::store::{EventStream, TempTable};

pub use crate::store::{ROW_ORDER, RowMerger};

/// Events of log files in temporary files, and the account of the log files.
pub struct ScannedEvents {
    table: Arc<TempTable>,
    columns: Option<Vec<String>>,
    summary: IngestSummary,
}

impl ScannedEvents {
    /// Returns the account of the log files.
    pub fn summary(&self) -> &IngestSummary {
        &self.summary
    }

    /// Returns the events in batches. The temporary files are deleted with the last stream.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Usage`] if there is no column of a name.
    pub fn stream(&self) -> Result<EventStream> {
        EventStream::new(&self.table, self.columns.as_deref())
    }
}

/// Reads the events of log files, each event once, with some columns or with all.
///
/// The events are the rows that an ingest into a new store would write. They are in temporary
/// files, so memory is limited as in an ingest.
///
/// # Errors
///
/// [`crate::Error::Usage`] if there is no column of a name, and those of an ingest.
pub fn scan_events(
    options: &IngestOptions,
    columns: Option<Vec<String>>,
    progress: &dyn Progress,
) -> Result<ScannedEvents> {
    // An unknown name is reported before a long read.
    EventStream::schema_of(columns.as_deref())?;
    let projection = match &columns {
        Some(columns) => Projection::Only(columns.iter().cloned().collect()),
        None => Projection::All,
    };
    let (table, _, summary) = ingest_temporary(options, &projection, progress)?;
    Ok(ScannedEvents { table: Arc::new(table), columns, summary })
}

/// Reads all rows of log files with all columns, including duplicates, which a [`RowMerger`]
/// removes.
///
/// # Errors
///
/// Errors of an ingest.
pub fn scan_rows(options: &IngestOptions, progress: &dyn Progress) -> Result<ScannedEvents> {
    let (table, summary) = ingest::ingest_with_duplicates(options, progress)?;
    Ok(ScannedEvents { table: Arc::new(table), columns: None, summary })
}
