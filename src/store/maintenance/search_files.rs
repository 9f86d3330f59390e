//! Searches the bytes of all files of a store, to check that a redaction has missed nothing.
//!
//! Compressed content is searched too: the columns of data files and checkpoints with their
//! statistics, and rejects.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::store::fs::paths::{file_name, is_absent, is_hidden, list_dir};
use crate::store::handle::Store;
use crate::store::parquet::{id_prefixes, reader};
use crate::store::provenance::reject_file::{self, for_each_reject};
use crate::store::provenance::source_log;

/// The most rows of a data file that are in memory at once.
const ROWS: usize = 64 << 10;

/// Returns what bytes contain.
pub type ByteSearch<'s> = dyn Fn(&[u8]) -> BTreeSet<String> + Sync + 's;

impl Store {
    /// Searches all files of the store, also those that no commit names. Returns the files in which
    /// something was found, relative to the store's folder, with what was found.
    ///
    /// Unfinished files of commands that are running are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Store`] if a file cannot be read.
    #[doc(hidden)]
    pub fn search_files(
        &self,
        search: &ByteSearch<'_>,
    ) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let root = self.root();
        let mut files = Vec::new();
        let tables = [self.events_dir(), self.inventory().table_dir()];
        let others =
            [source_log::folder(root), reject_file::folder(root), root.join(id_prefixes::FOLDER)];
        for folder in tables.into_iter().chain(others) {
            add_files(&folder, &mut files).map_err(Error::io("list", &folder))?;
        }
        let searched = files.par_iter().map(|path| match search_file(path, search) {
            // Another command has replaced it since it was listed.
            Err(_) if is_absent(path) => Ok(None),
            Err(error) => Err(error),
            Ok(found) if found.is_empty() => Ok(None),
            Ok(found) => {
                let relative = path.strip_prefix(root).unwrap_or(path);
                let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
                Ok(Some((parts.join("/"), found)))
            }
        });
        let found: Result<Vec<_>> = searched.collect();
        Ok(found?.into_iter().flatten().collect())
    }
}

/// Adds the files of a folder and of the folders in it.
fn add_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in list_dir(folder)? {
        if is_hidden(&path) {
            continue;
        }
        if path.is_dir() {
            add_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn search_file(path: &Path, search: &ByteSearch<'_>) -> Result<BTreeSet<String>> {
    let mut found = search(&std::fs::read(path).map_err(Error::io("read", path))?);
    let name = file_name(path);
    if name.ends_with(".parquet") {
        found.extend(search_parquet(path, search)?);
    } else if reject_file::writer_from_name(&name).is_some() {
        found.extend(search_rejects(path, search)?);
    }
    Ok(found)
}

/// Searches the texts of all columns of a Parquet file, and their statistics.
fn search_parquet(path: &Path, search: &ByteSearch<'_>) -> Result<BTreeSet<String>> {
    let mut found = search(&reader::read_statistics(path)?);
    for batch in reader::read_dictionaries(path, ROWS)? {
        for column in batch?.columns() {
            let mut texts = Vec::new();
            add_texts(column, &mut texts);
            found.extend(search(&texts));
        }
    }
    Ok(found)
}

/// Appends the texts of an array, one per line.
fn add_texts(array: &ArrayRef, out: &mut Vec<u8>) {
    let mut add = |text: &[u8]| {
        out.extend_from_slice(text);
        out.push(b'\n');
    };
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().flatten().for_each(|t| add(t.as_bytes())),
        DataType::LargeUtf8 => {
            array.as_string::<i64>().iter().flatten().for_each(|t| add(t.as_bytes()));
        }
        DataType::Binary => array.as_binary::<i32>().iter().flatten().for_each(add),
        DataType::LargeBinary => array.as_binary::<i64>().iter().flatten().for_each(add),
        DataType::Dictionary(_, _) => {
            if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
                add_texts(dictionary.values(), out);
            }
        }
        DataType::List(_) => add_texts(array.as_list::<i32>().values(), out),
        DataType::LargeList(_) => add_texts(array.as_list::<i64>().values(), out),
        DataType::Map(_, _) => {
            let entries = array.as_map().entries();
            entries.columns().iter().for_each(|column| add_texts(column, out));
        }
        DataType::Struct(_) => {
            array.as_struct().columns().iter().for_each(|column| add_texts(column, out));
        }
        _ => {}
    }
}

/// Searches the texts of rejects, and those that are not UTF-8 and are stored as base64.
fn search_rejects(path: &Path, search: &ByteSearch<'_>) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for_each_reject(path, |reject| {
        for text in [&reject.source, &reject.place, &reject.reason] {
            found.extend(search(text.as_bytes()));
        }
        found.extend(search(reject.raw.bytes()));
        Ok(())
    })?;
    Ok(found)
}
