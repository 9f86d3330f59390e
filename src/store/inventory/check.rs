//! Checks the files of the inventory table, for `verify`.

use std::path::PathBuf;

use crate::error::Result;
use crate::store::delta::commit::MAX_ATTEMPTS;
use crate::store::delta::snapshot::DataFile;
use crate::store::file_names::digest_from_name;
use crate::store::fs::paths::file_name;
use crate::store::handle::Store;
use crate::store::inventory::table::read_inventory;
use crate::store::parquet::reader::file_digest;

impl Store {
    /// Returns the number of rows in the inventory table, and the problems of its files.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Store`] if its log cannot be read.
    pub(in crate::store) fn check_inventory(&self) -> Result<(u64, Vec<(PathBuf, String)>)> {
        let mut attempts = 0;
        loop {
            let (version, files) = self.inventory_version()?;
            let problems: Vec<(PathBuf, String)> = files
                .iter()
                .filter_map(|file| Some((file.path.clone(), problem_of(file)?)))
                .collect();
            attempts += 1;
            // Another command may have replaced a file that is missing now.
            if problems.is_empty()
                || attempts == MAX_ATTEMPTS
                || self.inventory_version()?.0 == version
            {
                let rows = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.events));
                return Ok((rows, problems));
            }
        }
    }
}

/// Returns the problem of a file; `None` if it is as it was written.
fn problem_of(file: &DataFile) -> Option<String> {
    let advice = "restore it from a copy";
    let digest = match file_digest(&file.path) {
        Ok(digest) => digest,
        Err(error) => return Some(format!("cannot be read: {error}; {advice}")),
    };
    if digest_from_name(&file_name(&file.path)).is_some_and(|expected| expected != digest) {
        return Some(format!("the content differs from the digest in its name; {advice}"));
    }
    match read_inventory(std::slice::from_ref(file)) {
        Err(error) => Some(format!("cannot be read: {error}; {advice}")),
        Ok(rows) if rows.len() as u64 != file.events => {
            Some(format!("has {} rows, expected {}; {advice}", rows.len(), file.events))
        }
        Ok(_) => None,
    }
}
