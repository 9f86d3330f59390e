//! What lies in a store's folders, for whoever looks and takes nothing away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::fs::disk::is_free;
use crate::store::provenance::{rejects, source_log};
use crate::store::write::writer_lock::{self, file_name, list};

/// How long a file that a merge replaced may outlive the commit of the merge: it is taken away in
/// the next step, but a share may be slow.
const OUTLIVES: Duration = Duration::from_secs(2);

/// What lies there, before the log is read.
pub(in crate::store) struct Census {
    /// Files in the partitions that a plain glob matches.
    visible: Vec<PathBuf>,
    /// Whatever else carries a name that only unfinished work has.
    hidden: Vec<PathBuf>,
    /// Files of marks and of rejects.
    marks: Vec<PathBuf>,
    /// Signs of writers, each with the folder of its work.
    signs: Vec<(String, PathBuf)>,
}

/// The same, told apart by what it is.
#[derive(Default)]
pub(in crate::store) struct Sorted {
    /// Visible files that were looked at.
    pub(in crate::store) looked_at: u64,
    pub(in crate::store) strays: Vec<PathBuf>,
    pub(in crate::store) at_work: Vec<PathBuf>,
    pub(in crate::store) leftovers: Vec<PathBuf>,
}

impl Census {
    pub(in crate::store) fn take(store: &Store) -> Result<Census> {
        Self::look(store).map_err(Error::io("list", store.root()))
    }

    fn look(store: &Store) -> std::io::Result<Census> {
        let (mut visible, mut hidden) = (Vec::new(), Vec::new());
        for folder in list(&store.events())?.iter().filter(|path| writer_lock::is_partition(path)) {
            for path in list(folder)? {
                match file_name(&path) {
                    name if name.starts_with('.') => hidden.push(path),
                    name if name.ends_with(".parquet") => visible.push(path),
                    _ => {}
                }
            }
        }
        let log = list(&store.events().join("_delta_log"))?;
        hidden.extend(log.into_iter().filter(|path| is_hidden(path)));
        let mut beside = list(&source_log::folder(store.root()))?;
        beside.extend(list(&rejects::folder(store.root()))?);
        let (unfinished, marks) = beside.into_iter().partition(|path| is_hidden(path));
        hidden.extend::<Vec<PathBuf>>(unfinished);
        let signs = writer_lock::signs(store.root())?;
        hidden.extend(signs.unshown);
        Ok(Census { visible, hidden, marks, signs: signs.shown })
    }

    /// Tells what is named by the log from work in progress, leftovers and strays. Where it cannot
    /// be told which marks and rejects are `remembered`, none of them is called a leftover.
    pub(in crate::store) fn sort(
        self,
        store: &Store,
        named: &BTreeSet<&Path>,
        remembered: Option<&BTreeSet<PathBuf>>,
    ) -> Result<Sorted> {
        let mut sorted = Sorted { looked_at: self.visible.len() as u64, ..Sorted::default() };
        let is_alive = |writer: &str| !is_free(&writer_lock::sign_of(store.root(), writer));
        let now = writer_lock::signs(store.root()).map_err(Error::io("list", store.root()))?;
        let is_alone = !now.shown.iter().any(|(writer, _)| is_alive(writer));
        let is_at_work = |path: &Path| {
            let name = file_name(path);
            match writer_lock::writer_of(&name).or(rejects::writer_of(&name)) {
                Some(writer) => is_alive(writer),
                None => !is_alone,
            }
        };
        let is_unnamed = |path: &PathBuf| !named.contains(path.as_path());
        let (at_work, mut strays): (Vec<_>, Vec<_>) =
            self.visible.into_iter().filter(is_unnamed).partition(|path| is_at_work(path));
        // What a merge has replaced carries the name of a writer that is long gone.
        let mut waited = Duration::ZERO;
        while !is_alone && waited < OUTLIVES && strays.iter().any(|path| path.exists()) {
            waited += OUTLIVES / 20;
            sleep(OUTLIVES / 20);
        }
        strays.retain(|path| path.exists());
        sorted.strays = strays;
        sorted.at_work = at_work;
        let dead = self.signs.into_iter().filter(|(writer, _)| !is_alive(writer));
        let unnamed_marks = self
            .marks
            .into_iter()
            .filter(|path| remembered.is_some_and(|named| !named.contains(path)));
        let rest = self.hidden.into_iter().chain(unnamed_marks);
        let (at_work, leftovers): (Vec<_>, Vec<_>) = rest.partition(|path| is_at_work(path));
        sorted.at_work.extend(at_work);
        sorted.leftovers.extend(leftovers.into_iter().chain(dead.map(|(_, sign)| sign)));
        for list in [&mut sorted.at_work, &mut sorted.leftovers] {
            list.retain(|path| path.exists());
            list.sort();
        }
        Ok(sorted)
    }
}

fn is_hidden(path: &Path) -> bool {
    file_name(path).starts_with('.')
}
