//! An inventory of the files in a store's folders, which changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::file_names::writer_from_name;
use crate::store::fs::paths::{file_name, is_absent, is_hidden, is_partition, list_dir};
use crate::store::handle::Store;
use crate::store::provenance::{reject_file, source_log};
use crate::store::write::ownership::WriterState;
use crate::store::write::signs::{WriterSigns, state_of};

/// The time that a replaced file may exist after the commit of the compaction. The compaction
/// deletes it in the next step, but a network share may be slow.
const REPLACED_FILE_GRACE: Duration = Duration::from_secs(2);

/// The files in a store's folders, listed before the Delta log is read.
pub(in crate::store) struct FileInventory {
    /// Files in the partitions that a glob matches, for example `month=*/*.parquet`.
    visible: Vec<PathBuf>,
    /// Files with names that only unfinished files have.
    hidden: Vec<PathBuf>,
    /// Source-log files and reject files.
    provenance_files: Vec<PathBuf>,
    /// Lock files, each with the name of its writer.
    lock_files: Vec<(String, PathBuf)>,
}

/// The files of an inventory by their state.
#[derive(Default)]
pub(in crate::store) struct ClassifiedFiles {
    /// The number of visible files that were checked.
    pub(in crate::store) checked: u64,
    /// Visible files that the Delta log does not contain.
    pub(in crate::store) unreferenced: Vec<PathBuf>,
    /// Files of commands that are running, or may be running on another machine.
    pub(in crate::store) in_progress: Vec<PathBuf>,
    /// Unfinished files of aborted commands.
    pub(in crate::store) orphans: Vec<PathBuf>,
}

impl FileInventory {
    /// Lists the store's folders.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a folder cannot be listed.
    pub(in crate::store) fn scan(store: &Store) -> Result<FileInventory> {
        Self::scan_dirs(store).map_err(Error::io("list", store.root()))
    }

    fn scan_dirs(store: &Store) -> std::io::Result<FileInventory> {
        let (mut visible, mut hidden) = (Vec::new(), Vec::new());
        for table in store.tables().map(|table| table.table_dir()) {
            let folders = list_dir(&table)?;
            for folder in folders.iter().filter(|path| is_partition(path)) {
                for path in list_dir(folder)? {
                    match file_name(&path) {
                        name if name.starts_with('.') => hidden.push(path),
                        name if name.ends_with(".parquet") => visible.push(path),
                        _ => {}
                    }
                }
            }
            let log = list_dir(&table.join("_delta_log"))?;
            hidden.extend(log.into_iter().filter(|path| is_hidden(path)));
        }
        let mut provenance = list_dir(&source_log::folder(store.root()))?;
        provenance.extend(list_dir(&reject_file::folder(store.root()))?);
        let (unfinished, provenance_files) =
            provenance.into_iter().partition(|path| is_hidden(path));
        hidden.extend::<Vec<PathBuf>>(unfinished);
        let signs = WriterSigns::list(store.root())?;
        hidden.extend(signs.pending.into_iter().map(|sign| sign.path));
        let lock_files = signs.published.into_iter().map(|sign| (sign.writer, sign.path)).collect();
        Ok(FileInventory { visible, hidden, provenance_files, lock_files })
    }

    /// Classifies the files that the Delta log does not contain.
    ///
    /// `data_files` are the data files of the log; `provenance` are the source-log and reject files
    /// that it refers to. If `provenance` is `None`, these files are not reported as orphans.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the store's folder cannot be listed.
    pub(in crate::store) fn classify(
        self,
        store: &Store,
        data_files: &BTreeSet<&Path>,
        provenance: Option<&BTreeSet<PathBuf>>,
    ) -> Result<ClassifiedFiles> {
        let checked = self.visible.len() as u64;
        let mut classified = ClassifiedFiles { checked, ..ClassifiedFiles::default() };
        // A writer of another machine may be running.
        let is_running = |writer: &str| {
            matches!(state_of(store.root(), writer), WriterState::Running | WriterState::Unknown)
        };
        let signs = WriterSigns::list(store.root()).map_err(Error::io("list", store.root()))?;
        let is_alone = signs.is_alone("");
        let is_in_progress = |path: &Path| {
            let name = file_name(path);
            let named = writer_from_name(&name).or(reject_file::writer_from_name(&name));
            let writer = named.map(str::to_owned);
            match writer.or_else(|| source_log::writer_of(store.root(), path)) {
                Some(writer) => is_running(&writer),
                None => !is_alone,
            }
        };
        let is_unreferenced = |path: &PathBuf| !data_files.contains(path.as_path());
        let (in_progress, mut unreferenced): (Vec<_>, Vec<_>) =
            self.visible.into_iter().filter(is_unreferenced).partition(|path| is_in_progress(path));
        // A file that a compaction has replaced has the name of a writer that ended long ago.
        let mut waited = Duration::ZERO;
        while !is_alone
            && waited < REPLACED_FILE_GRACE
            && unreferenced.iter().any(|path| !is_absent(path))
        {
            waited += REPLACED_FILE_GRACE / 20;
            sleep(REPLACED_FILE_GRACE / 20);
        }
        unreferenced.retain(|path| !is_absent(path));
        classified.unreferenced = unreferenced;
        classified.in_progress = in_progress;
        let stale = self.lock_files.into_iter().filter(|(writer, _)| !is_running(writer));
        let other = self
            .provenance_files
            .into_iter()
            .filter(|path| provenance.is_some_and(|referenced| !referenced.contains(path)));
        let rest = self.hidden.into_iter().chain(other);
        let (in_progress, orphans): (Vec<_>, Vec<_>) = rest.partition(|path| is_in_progress(path));
        classified.in_progress.extend(in_progress);
        classified.orphans.extend(orphans.into_iter().chain(stale.map(|(_, path)| path)));
        for list in [&mut classified.in_progress, &mut classified.orphans] {
            list.retain(|path| !is_absent(path));
            list.sort();
        }
        Ok(classified)
    }
}
