//! Options of an ingest and the interface that reports its progress.

use std::path::PathBuf;

use crate::person::Pseudonymizer;

/// What to read and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// How many threads; all cores where it is none.
    pub threads: Option<usize>,
    /// Makes pseudonyms of persons before anything is stored.
    pub pseudonymizer: Option<Pseudonymizer>,
    /// Keeps the events of Exchange, SharePoint and all other workloads too.
    pub all_workloads: bool,
}

/// Hears how the work goes on; called from many threads.
pub trait Progress: Sync {
    /// Before anything is read: how many files and bytes there are to read.
    fn start(&self, files: usize, bytes: u64);
    /// Bytes were read.
    fn advance(&self, bytes: u64);
    /// A new stage of the work begins.
    fn stage(&self, name: &'static str);
}

/// Says nothing.
pub struct NoProgress;

impl Progress for NoProgress {
    fn start(&self, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}
