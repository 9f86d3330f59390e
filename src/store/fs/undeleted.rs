//! Data files that a command replaced but could not delete.
//!
//! Windows refuses to delete a file that a program has open without sharing its deletion
//! (<https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-deletefilew>), for example
//! Excel or Power BI Desktop while it refreshes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::fs::paths::is_hidden;

/// The data files that the writers of one [`Store`](crate::store::Store) could not delete.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct UndeletedFiles(Arc<Mutex<BTreeSet<PathBuf>>>);

impl UndeletedFiles {
    /// Adds a file if it is a data file that programs find by a glob.
    pub(in crate::store) fn add(&self, path: &Path) {
        if !is_hidden(path) && path.extension().is_some_and(|extension| extension == "parquet") {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf());
        }
    }

    /// Returns the files that are still there, sorted.
    pub(in crate::store) fn existing(&self) -> Vec<PathBuf> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.iter().filter(|path| path.exists()).cloned().collect()
    }
}
