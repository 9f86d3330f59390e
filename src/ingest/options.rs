//! Defines the options of an ingest and the interface that reports its progress.

use std::path::PathBuf;

use crate::person::Pseudonymizer;

/// Options of an ingest.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders to read.
    pub paths: Vec<PathBuf>,
    /// Patterns of files and folders that are left out, with `*`, `**` and `?` as wildcards. A
    /// pattern without `/` is compared with the name of a file or folder, and a pattern with `/`
    /// with the path below one of the paths.
    pub exclude: Vec<String>,
    /// The number of threads; `None` for all cores.
    pub threads: Option<usize>,
    /// Pseudonymizes people before anything is stored; `None` to store real names.
    pub pseudonymizer: Option<Pseudonymizer>,
    /// True to also keep the events of Exchange, SharePoint and all other workloads.
    pub all_workloads: bool,
    /// True to compare the content of all files with the store, not only the content of those whose
    /// size or time changed.
    pub reread: bool,
    /// True if folders without any file to read are expected. Otherwise they are a problem, because
    /// a network share that is not mounted looks like an empty folder.
    pub allow_empty: bool,
    /// The name of the source if `paths` is a single file, for a file whose path is not its name.
    pub source_name: Option<String>,
}

/// Receives the progress of an ingest. Many threads call it.
pub trait Progress: Sync {
    /// Reports the number of files and bytes to read, before anything is read.
    fn start(&self, files: usize, bytes: u64);
    /// Reports that bytes were read.
    fn advance(&self, bytes: u64);
    /// Reports the start of a new stage.
    fn stage(&self, name: &'static str);
}

/// Ignores all progress.
pub struct NoProgress;

impl Progress for NoProgress {
    fn start(&self, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}
