//! Writes the files of an archive and counts their records.

use std::io;
use std::path::{Path, PathBuf};

use super::event::Event;

/// Content of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of all records, including duplicates and other workloads.
    pub records: u64,
    /// Number of distinct events of the table.
    pub distinct: u64,
    /// Number of records of other workloads.
    pub other_workloads: u64,
    /// Number of duplicates with fewer fields.
    pub poorer: u64,
    /// Number of duplicates with another value in a field.
    pub conflicting: u64,
    pub files: u64,
    pub bytes: u64,
}

impl Written {
    /// Returns the number of copies beyond the first of each event.
    pub fn duplicates(&self) -> u64 {
        self.records - self.distinct - self.other_workloads
    }
}

/// Returns true if a page or a file of `records` records would look truncated by a limit of the
/// tools that read the log.
pub fn looks_truncated(records: usize) -> bool {
    matches!(records, 100 | 1_000 | 5_000 | 10_000 | 50_000 | 1_000_000)
}

pub struct Output {
    root: PathBuf,
    pub written: Written,
}

impl Output {
    pub fn new(root: &Path) -> Self {
        Output { root: root.to_owned(), written: Written::default() }
    }

    /// Writes a file with `records`.
    pub fn put(&mut self, name: &str, content: &[u8], records: &[&Event]) -> io::Result<()> {
        self.written.records += records.len() as u64;
        self.written.other_workloads +=
            records.iter().filter(|event| !event.is_kept()).count() as u64;
        self.put_file(name, content)
    }

    /// Writes a file whose records are counted elsewhere, unless it is empty.
    pub fn put_file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
        self.written.files += 1;
        self.written.bytes += content.len() as u64;
        std::fs::write(path, content)
    }
}
