//! The handle of a store: its folder, its disk, and whether it exists.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::schema::MONTH;
use crate::store::fs::disk::{Disk, OsDisk};
use crate::store::fs::share::ShareWait;
use crate::store::fs::undeleted::UndeletedFiles;

/// A table of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::store) enum TableKind {
    /// The events.
    #[default]
    Events,
    /// Workspaces, items and access rights.
    Inventory,
}

impl TableKind {
    /// All tables. Each has a Delta log of its own.
    pub(in crate::store) const ALL: [TableKind; 2] = [TableKind::Events, TableKind::Inventory];

    /// Returns the name of the folder.
    pub(in crate::store) fn folder(self) -> &'static str {
        match self {
            TableKind::Events => "events",
            TableKind::Inventory => "inventory",
        }
    }

    /// Returns the partition column.
    pub(in crate::store) fn partition(self) -> &'static str {
        match self {
            TableKind::Events => MONTH,
            TableKind::Inventory => "Kind",
        }
    }
}

/// A store on disk.
#[derive(Debug, Clone)]
pub struct Store {
    pub(in crate::store) root: PathBuf,
    pub(in crate::store) disk: Arc<dyn Disk>,
    /// Identifies the key of the pseudonyms to write, or `None` if names are written unchanged.
    pub(in crate::store) pseudonym_key_id: Option<String>,
    /// The table that commits and reads of the log concern.
    pub(in crate::store) table: TableKind,
    /// Data files that this handle's writers could not delete.
    pub(in crate::store) undeleted: UndeletedFiles,
    /// Pauses for files that this machine does not see yet.
    pub(in crate::store) share: ShareWait,
}

impl Store {
    /// Returns the store in a folder. The first commit creates the folder.
    pub fn new(root: &Path) -> Self {
        Store::with_disk(Arc::new(OsDisk), root)
    }

    /// Returns the store in a folder of another [`Disk`], for example one that fails in a test.
    #[doc(hidden)]
    pub fn with_disk(disk: Arc<dyn Disk>, root: &Path) -> Self {
        let table = TableKind::Events;
        let (root, undeleted) = (root.to_path_buf(), UndeletedFiles::default());
        let share = ShareWait::default();
        Store { root, disk, pseudonym_key_id: None, table, undeleted, share }
    }

    /// Returns the folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a warning if commands of this handle could not delete data files that they replaced.
    pub fn undeleted_warning(&self) -> Option<String> {
        let files = self.undeleted.existing();
        let first = files.first()?.strip_prefix(&self.root).ok()?.display().to_string();
        let others = match files.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "replaced data files could not be deleted, because another program has them open: \
             {first}{others}; the next ingest or compact deletes them, and until then programs \
             that read the folder without its log count their events twice"
        ))
    }

    /// Returns true if the folder contains a store: a Delta log with at least one commit.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the log cannot be listed. To treat such a folder as empty would overwrite
    /// or delete the store that is in it. [`Error::Store`] if the path is not UTF-8.
    pub fn exists(&self) -> Result<bool> {
        check_is_utf8(&self.root)?;
        let log = self.table_dir().join("_delta_log");
        let entries = match std::fs::read_dir(&log) {
            Err(error) if is_absent(&error) => return Ok(false),
            entries => entries.map_err(Error::io("read", &log))?,
        };
        for entry in entries {
            let name = entry.map_err(Error::io("read", &log))?.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with('.') && (name.ends_with(".json") || name.ends_with(".parquet")) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the same store, for the log of its inventory table.
    pub(in crate::store) fn inventory(&self) -> Store {
        Store { table: TableKind::Inventory, ..self.clone() }
    }

    /// Returns the same store once for the log of each of its tables.
    pub(in crate::store) fn tables(&self) -> [Store; TableKind::ALL.len()] {
        TableKind::ALL.map(|table| Store { table, ..self.clone() })
    }

    /// Returns the folder of the table that this handle is for.
    pub(in crate::store) fn table_dir(&self) -> PathBuf {
        self.root.join(self.table.folder())
    }

    /// Returns the folder of the table of events.
    pub(in crate::store) fn events_dir(&self) -> PathBuf {
        self.root.join("events")
    }

    /// Returns the disk that all changes go through.
    pub(in crate::store) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }
}

/// Refuses a path that the query engine cannot open, before anything is written there.
pub(in crate::store) fn check_is_utf8(folder: &Path) -> Result<()> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    match absolute.to_str() {
        Some(_) => Ok(()),
        None => Err(Error::store(
            &absolute,
            "the path contains characters that are not UTF-8, and reports could not read it; \
             choose another folder, or rename it",
        )),
    }
}

/// Returns true if no file of that name exists, as opposed to one that cannot be read.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
