//! The lock files in a store's folder: what each says about its writer.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::store::fs::disk::{LockTry, is_lock_violation, is_unlocked, try_lock};
use crate::store::fs::paths::{file_name, list_dir};
use crate::store::write::identity::{ProcessProbe, WriterIdentity};
use crate::store::write::ownership::{LockProbe, WriterState, writer_state};

const LOCK_PREFIX: &str = ".writer-";

/// A larger file is no lock file of this program.
const MAX_LOCK_FILE_BYTES: u64 = 64 << 10;

/// The lock file of a writer.
#[derive(Debug)]
pub(in crate::store) struct WriterSign {
    /// The writer's name, which the names of its files contain.
    pub(in crate::store) writer: String,
    pub(in crate::store) path: PathBuf,
    pub(in crate::store) state: WriterState,
    /// The content, or `None` if it cannot be read.
    pub(in crate::store) identity: Option<WriterIdentity>,
}

impl WriterSign {
    /// Returns the name of the writer's machine, or [`UNKNOWN_HOST`].
    pub(in crate::store) fn host(&self) -> &str {
        let host = self.identity.as_ref().map_or("", |identity| identity.host.as_str());
        if host.is_empty() { UNKNOWN_HOST } else { host }
    }

    /// Returns true if the writer died before it gave the lock file its final name. An empty file
    /// that is not locked counts too: a writer that lives creates it again.
    pub(in crate::store) fn is_abandoned(&self) -> bool {
        match (&self.identity, self.state) {
            (_, WriterState::Dead) => true,
            (None, WriterState::Unknown) => is_unlocked(&self.path),
            _ => false,
        }
    }

    /// Returns the folder for the writer's temporary files.
    pub(in crate::store) fn temp_dir(&self) -> PathBuf {
        temp_dir_of(&self.path)
    }
}

/// The name for a machine that its lock file does not name.
pub(in crate::store) const UNKNOWN_HOST: &str = "unknown";

/// The lock files in a store's folder.
#[derive(Debug, Default)]
pub(in crate::store) struct WriterSigns {
    pub(in crate::store) published: Vec<WriterSign>,
    /// Created and locked, but not renamed to their final names.
    pub(in crate::store) pending: Vec<WriterSign>,
}

impl WriterSigns {
    /// Lists the lock files and examines each.
    ///
    /// # Errors
    ///
    /// Errors of the operating system.
    pub(in crate::store) fn list(root: &Path) -> io::Result<WriterSigns> {
        let own = WriterIdentity::of_this_process(root);
        let mut signs = WriterSigns::default();
        for path in list_dir(root)? {
            let name = file_name(&path);
            if let Some(writer) = name.strip_prefix(LOCK_PREFIX).filter(|name| !name.contains('.'))
            {
                let sign = examine(&own, writer, path);
                // A file that is gone was the sign of a writer that has just ended.
                if sign.state != WriterState::Unsigned {
                    signs.published.push(sign);
                }
            } else if name.starts_with(".new") {
                signs.pending.push(examine(&own, "", path));
            }
        }
        Ok(signs)
    }

    /// Returns the states of all writers but `own`.
    pub(in crate::store) fn states_except(&self, own: &str) -> Vec<WriterState> {
        let others = self.published.iter().filter(|sign| sign.writer != own);
        others.map(|sign| sign.state).collect()
    }

    /// Returns true if no writer but `own` is running, or may be running.
    pub(in crate::store) fn is_alone(&self, own: &str) -> bool {
        self.states_except(own).iter().all(|state| *state == WriterState::Dead)
    }
}

/// Returns what is known about a writer.
pub(in crate::store) fn state_of(root: &Path, writer: &str) -> WriterState {
    let own = WriterIdentity::of_this_process(root);
    examine(&own, writer, lock_path_of(root, writer)).state
}

fn examine(own: &WriterIdentity, writer: &str, path: PathBuf) -> WriterSign {
    let (lock, identity) = probe(&path);
    let process = identity.as_ref().map_or(ProcessProbe::Unclear, |other| own.probe(other));
    let state = writer_state(own, identity.as_ref(), lock, process);
    WriterSign { writer: writer.to_owned(), path, state, identity }
}

/// Returns what a lock file says: its lock, and its content. The file is opened by its name, since
/// a share asks its server then, and may answer from memory otherwise.
fn probe(path: &Path) -> (LockProbe, Option<WriterIdentity>) {
    match try_lock(path) {
        Ok(LockTry::Held) => (LockProbe::Held, read_identity(path)),
        Ok(LockTry::Taken(file)) => (LockProbe::Free, read_open(file)),
        Ok(LockTry::Refused(file)) => (LockProbe::Unclear, read_open(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (LockProbe::Missing, None),
        Err(_) => (LockProbe::Unclear, None),
    }
}

fn read_identity(path: &Path) -> Option<WriterIdentity> {
    read_open(File::open(path).ok()?)
}

fn read_open(file: File) -> Option<WriterIdentity> {
    let mut text = Vec::new();
    file.take(MAX_LOCK_FILE_BYTES).read_to_end(&mut text).ok()?;
    WriterIdentity::parse(&text)
}

/// Returns the content of a lock file.
pub(in crate::store) fn lock_file_content(identity: &WriterIdentity) -> io::Result<Vec<u8>> {
    serde_json::to_vec(identity).map_err(io::Error::other)
}

/// Returns true if a lock file is there with exactly this content.
pub(in crate::store) fn has_content(path: &Path, content: &[u8]) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let mut found = Vec::new();
    match file.read_to_end(&mut found) {
        Ok(_) => found == content,
        // It is there, and locked.
        Err(error) => is_lock_violation(&error),
    }
}

/// Returns the path of a writer's lock file.
pub(in crate::store) fn lock_path_of(root: &Path, writer: &str) -> PathBuf {
    root.join(format!("{LOCK_PREFIX}{writer}"))
}

/// Returns the folder for temporary files of the writer with a lock file.
pub(in crate::store) fn temp_dir_of(lock_path: &Path) -> PathBuf {
    lock_path.with_extension("work")
}
