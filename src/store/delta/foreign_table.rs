//! Lists the files of a Delta table of another program, which are sources of events.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::store::delta::log::DeltaLog;
use crate::store::fs::disk::OsDisk;

/// Returns the files of the newest version of a Delta table. The folder can have others, which were
/// replaced or deleted, or belong to a write that failed.
///
/// # Errors
///
/// [`crate::Error::Store`] if the log cannot be read, or if the table needs a feature that this
/// program does not support.
pub fn table_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let log = DeltaLog::open_table(Arc::new(OsDisk), folder.to_path_buf())?;
    Ok(log.files()?.into_iter().map(|file| file.path).collect())
}
