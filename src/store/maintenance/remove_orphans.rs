//! Removes what aborted commands of another machine left, on request.
//!
//! A machine that does not come back cannot remove its own leftovers. The user names it, because
//! only people know that. A command of that machine that lives nevertheless fails, and commits
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::error::{Error, Result};
use crate::store::delta::commit::too_many_conflicts;
use crate::store::fs::paths::{is_absent, list_dir};
use crate::store::handle::Store;
use crate::store::write::orphans::{FilesByWriter, clean_orphans, remove_files};
use crate::store::write::ownership::{ABANDONED_AGE, RemovalScope, WriterState, may_stop};
use crate::store::write::signs::{WriterSign, WriterSigns};
use crate::store::write::writer_lock::WriterLock;

/// The time between two listings of the store. If anything changes in between, somebody is writing.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// The leftovers of aborted commands of a machine that were removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrphanRemoval {
    /// The number of commands.
    pub writers: usize,
    /// The number of deleted files, without temporary ones.
    pub files: usize,
}

impl Store {
    /// Removes what aborted commands of a machine left, if nobody writes, and if the last sign of
    /// life of each of them is a week old.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the machine has left nothing, or if a command is running or may be.
    #[doc(hidden)]
    pub fn remove_orphans_of(&self, host: &str) -> Result<OrphanRemoval> {
        let own = WriterLock::acquire(self)?;
        clean_orphans(&own)?;
        let store = own.store();
        let first = Look::at(&store, &own, host)?;
        first.check(&store, host)?;
        sleep(LOOK_INTERVAL);
        let second = Look::at(&store, &own, host)?;
        second.check(&store, host)?;
        if first.files != second.files {
            return Err(Error::store(
                self.root(),
                format!(
                    "files of {host} have changed within {} seconds, so a command is writing them; \
                 nothing was removed",
                    LOOK_INTERVAL.as_secs()
                ),
            ));
        }
        second.remove(&store)
    }
}

/// The writers of a machine, and everything that they have in the store.
struct Look {
    targets: Vec<WriterSign>,
    /// The time since the last sign of life of any of them.
    age: Duration,
    /// Their files, each with size and time.
    files: BTreeMap<PathBuf, (u64, Option<SystemTime>)>,
    /// Lock files of the machine without their final names.
    pending: Vec<PathBuf>,
    by_writer: FilesByWriter,
    /// Other writers that are running, or may be.
    others: Vec<WriterSign>,
    /// The machines of all lock files.
    hosts: BTreeSet<String>,
}

impl Look {
    fn at(store: &Store, own: &WriterLock, host: &str) -> Result<Look> {
        let root = store.root();
        let listed = WriterSigns::list(root).and_then(|s| Ok((s, FilesByWriter::list(store)?)));
        let (signs, by_writer) = listed.map_err(Error::io("list", root))?;
        let of_host = |sign: &WriterSign| sign.host() == host && sign.identity.is_some();
        let pending = signs.pending.into_iter().filter(of_host).map(|sign| sign.path).collect();
        let others = signs.published.into_iter().filter(|sign| sign.writer != own.writer);
        let (targets, others): (Vec<_>, Vec<_>) = others.partition(|sign| sign.host() == host);
        let hosts = targets.iter().chain(&others).map(|sign| sign.host().to_owned()).collect();
        let mut files = BTreeMap::new();
        for sign in &targets {
            let temporary = list_dir(&sign.temp_dir()).map_err(Error::io("list", root))?;
            for path in by_writer.of(&sign.writer).chain(&temporary).chain([&sign.path]) {
                if let Some(found) = size_and_time(path)? {
                    files.insert(path.clone(), found);
                }
            }
        }
        // The clock of the share, not that of this machine.
        let now = size_and_time(&own.lock_path)?.and_then(|(_, time)| time);
        let newest = files.values().filter_map(|(_, time)| *time).max();
        let age = now.zip(newest).and_then(|(now, newest)| now.duration_since(newest).ok());
        let others = others.into_iter().filter(|sign| sign.state != WriterState::Dead).collect();
        Ok(Look { targets, age: age.unwrap_or_default(), files, pending, by_writer, others, hosts })
    }

    /// Returns an error if nothing may be removed now.
    fn check(&self, store: &Store, host: &str) -> Result<()> {
        let scope = RemovalScope::Requested { age: self.age };
        let problem = if self.targets.is_empty() {
            let hosts: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
            match hosts[..] {
                [] => {
                    format!("no command of {host} has left anything here, nor of another machine")
                }
                _ => format!(
                    "no command of {host} has left anything here; machines with commands that are \
                     running or were aborted: {}",
                    hosts.join(", ")
                ),
            }
        } else if let Some(other) = self.others.first() {
            format!(
                "a command of {} is running, or may be ({}); wait until it has ended",
                other.host(),
                other.path.display()
            )
        } else if let Some(sign) = self.targets.iter().find(|sign| !may_stop(sign.state, scope)) {
            let what = match sign.state {
                WriterState::Running => "is running".to_owned(),
                _ => format!(
                    "may be running: its last sign of life is {} hours old, and {} hours are \
                     needed. Its next command removes what it has left",
                    self.age.as_secs() / 3600,
                    ABANDONED_AGE.as_secs() / 3600
                ),
            };
            format!("a command of {host} {what} ({})", sign.path.display())
        } else {
            return Ok(());
        };
        Err(Error::store(store.root(), format!("{problem}; nothing was removed")))
    }

    fn remove(&self, store: &Store) -> Result<OrphanRemoval> {
        let writers: BTreeSet<&str> =
            self.targets.iter().map(|sign| sign.writer.as_str()).collect();
        let done = remove_files(&self.by_writer, &writers)?;
        if !done.is_complete {
            return Err(too_many_conflicts(store.root()));
        }
        for path in &self.pending {
            let _ = store.disk().remove(path);
        }
        for sign in &self.targets {
            let _ = store.disk().remove_folder(&sign.temp_dir());
            if is_absent(&sign.temp_dir()) {
                store.disk().remove(&sign.path).map_err(Error::io("delete", &sign.path))?;
            }
        }
        Ok(OrphanRemoval { writers: writers.len(), files: done.removed })
    }
}

/// Returns the size and time of a file, or `None` if it does not exist.
fn size_and_time(path: &Path) -> Result<Option<(u64, Option<SystemTime>)>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.len(), metadata.modified().ok()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { action: "read", path: path.to_path_buf(), source }),
    }
}
