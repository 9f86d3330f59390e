//! What lies in a store's folders, for whoever looks and takes nothing away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::fs::disk::is_unlocked;
use crate::store::provenance::{rejects, source_log};
use crate::store::write::writer_lock::{self, file_name, list_dir};

/// How long a file that a merge replaced may outlive the commit of the merge: it is taken away in
/// the next step, but a share may be slow.
const REPLACED_FILE_GRACE: Duration = Duration::from_secs(2);

/// What lies there, before the log is read.
pub(in crate::store) struct FileInventory {
    /// Files in the partitions that a plain glob matches.
    visible: Vec<PathBuf>,
    /// Whatever else carries a name that only unfinished work has.
    hidden: Vec<PathBuf>,
    /// Files of marks and of rejects.
    provenance_files: Vec<PathBuf>,
    /// Signs of writers, each with the folder of its work.
    lock_files: Vec<(String, PathBuf)>,
}

/// The same, told apart by what it is.
#[derive(Default)]
pub(in crate::store) struct ClassifiedFiles {
    /// Visible files that were looked at.
    pub(in crate::store) checked: u64,
    pub(in crate::store) unreferenced: Vec<PathBuf>,
    pub(in crate::store) in_progress: Vec<PathBuf>,
    pub(in crate::store) orphans: Vec<PathBuf>,
}

impl FileInventory {
    pub(in crate::store) fn scan(store: &Store) -> Result<FileInventory> {
        Self::scan_dirs(store).map_err(Error::io("list", store.root()))
    }

    fn scan_dirs(store: &Store) -> std::io::Result<FileInventory> {
        let (mut visible, mut hidden) = (Vec::new(), Vec::new());
        for folder in
            list_dir(&store.events_dir())?.iter().filter(|path| writer_lock::is_partition(path))
        {
            for path in list_dir(folder)? {
                match file_name(&path) {
                    name if name.starts_with('.') => hidden.push(path),
                    name if name.ends_with(".parquet") => visible.push(path),
                    _ => {}
                }
            }
        }
        let log = list_dir(&store.events_dir().join("_delta_log"))?;
        hidden.extend(log.into_iter().filter(|path| is_hidden(path)));
        let mut beside = list_dir(&source_log::folder(store.root()))?;
        beside.extend(list_dir(&rejects::folder(store.root()))?);
        let (unfinished, marks) = beside.into_iter().partition(|path| is_hidden(path));
        hidden.extend::<Vec<PathBuf>>(unfinished);
        let signs = writer_lock::lock_files(store.root())?;
        hidden.extend(signs.pending);
        Ok(FileInventory { visible, hidden, provenance_files: marks, lock_files: signs.published })
    }

    /// Tells what is named by the log from work in progress, leftovers and strays. Where it cannot
    /// be told which marks and rejects are `remembered`, none of them is called a leftover.
    pub(in crate::store) fn classify(
        self,
        store: &Store,
        named: &BTreeSet<&Path>,
        remembered: Option<&BTreeSet<PathBuf>>,
    ) -> Result<ClassifiedFiles> {
        let mut sorted =
            ClassifiedFiles { checked: self.visible.len() as u64, ..ClassifiedFiles::default() };
        let is_alive = |writer: &str| !is_unlocked(&writer_lock::lock_path(store.root(), writer));
        let now = writer_lock::lock_files(store.root()).map_err(Error::io("list", store.root()))?;
        let is_alone = !now.published.iter().any(|(writer, _)| is_alive(writer));
        let is_at_work = |path: &Path| {
            let name = file_name(path);
            match writer_lock::writer_from_name(&name).or(rejects::writer_from_name(&name)) {
                Some(writer) => is_alive(writer),
                None => !is_alone,
            }
        };
        let is_unnamed = |path: &PathBuf| !named.contains(path.as_path());
        let (at_work, mut strays): (Vec<_>, Vec<_>) =
            self.visible.into_iter().filter(is_unnamed).partition(|path| is_at_work(path));
        // What a merge has replaced carries the name of a writer that is long gone.
        let mut waited = Duration::ZERO;
        while !is_alone && waited < REPLACED_FILE_GRACE && strays.iter().any(|path| path.exists()) {
            waited += REPLACED_FILE_GRACE / 20;
            sleep(REPLACED_FILE_GRACE / 20);
        }
        strays.retain(|path| path.exists());
        sorted.unreferenced = strays;
        sorted.in_progress = at_work;
        let dead = self.lock_files.into_iter().filter(|(writer, _)| !is_alive(writer));
        let unnamed_marks = self
            .provenance_files
            .into_iter()
            .filter(|path| remembered.is_some_and(|named| !named.contains(path)));
        let rest = self.hidden.into_iter().chain(unnamed_marks);
        let (at_work, leftovers): (Vec<_>, Vec<_>) = rest.partition(|path| is_at_work(path));
        sorted.in_progress.extend(at_work);
        sorted.orphans.extend(leftovers.into_iter().chain(dead.map(|(_, sign)| sign)));
        for list in [&mut sorted.in_progress, &mut sorted.orphans] {
            list.retain(|path| path.exists());
            list.sort();
        }
        Ok(sorted)
    }
}

fn is_hidden(path: &Path) -> bool {
    file_name(path).starts_with('.')
}
