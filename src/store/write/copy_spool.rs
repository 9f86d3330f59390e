//! Keeps copies of events until they are merged: a few in memory, many in a temporary file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::column::EventCopy;
use crate::error::{Error, Result};
use crate::store::fs::disk::{Disk, DiskFile};

/// Memory for copies. Further copies are written to disk.
const MAX_MEMORY_BYTES: usize = 64 << 20;

/// The place of a copy in a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct SpooledCopy {
    start: u64,
    length: usize,
}

/// A collection of copies. Copies are added from any thread.
pub(in crate::store) struct CopySpool<'d> {
    disk: &'d dyn Disk,
    path: PathBuf,
    content: Mutex<SpoolContent>,
    max_memory_bytes: usize,
}

#[derive(Default)]
struct SpoolContent {
    file: Option<Box<dyn DiskFile>>,
    /// The bytes in the file. Those in memory follow them.
    file_bytes: u64,
    memory: Vec<u8>,
}

impl<'d> CopySpool<'d> {
    /// Creates an empty spool. Its file, if it needs one, is in `folder`.
    pub(in crate::store) fn new(disk: &'d dyn Disk, folder: &Path) -> Self {
        static SPOOLS: AtomicU64 = AtomicU64::new(0);
        let path = folder.join(format!("copies-{}.tmp", SPOOLS.fetch_add(1, Ordering::Relaxed)));
        let content = Mutex::new(SpoolContent::default());
        CopySpool { disk, path, content, max_memory_bytes: MAX_MEMORY_BYTES }
    }

    /// Adds a copy.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if memory is full and the copies cannot be written to disk.
    pub(in crate::store) fn add(&self, copy: &EventCopy<'_>) -> Result<SpooledCopy> {
        let mut content = self.content.lock().map_err(|_| failed_thread())?;
        let content = &mut *content;
        let before = content.memory.len();
        let start = content.file_bytes + before as u64;
        copy.encode(&mut content.memory);
        let length = content.memory.len() - before;
        if content.memory.len() > self.max_memory_bytes {
            let file = match &mut content.file {
                Some(file) => file,
                none => {
                    let file = self.disk.create(&self.path);
                    none.insert(file.map_err(Error::io("create", &self.path))?)
                }
            };
            file.write_all(&content.memory).map_err(Error::io("write", &self.path))?;
            content.file_bytes += content.memory.len() as u64;
            content.memory.clear();
        }
        Ok(SpooledCopy { start, length })
    }

    /// Ends the collection.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written.
    pub(in crate::store) fn finish(self) -> Result<SpooledCopies> {
        let mut content = self.content.into_inner().map_err(|_| failed_thread())?;
        if let Some(file) = &mut content.file {
            file.flush().map_err(Error::io("write", &self.path))?;
        }
        let SpoolContent { file, file_bytes, memory } = content;
        Ok(SpooledCopies { path: file.map(|_| self.path), file_bytes, memory })
    }
}

fn failed_thread() -> Error {
    Error::internal("a thread failed while it collected copies of events")
}

/// All copies of a spool.
pub(in crate::store) struct SpooledCopies {
    path: Option<PathBuf>,
    file_bytes: u64,
    memory: Vec<u8>,
}

impl SpooledCopies {
    /// Returns a reader for one thread.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be opened.
    pub(in crate::store) fn reader(&self) -> Result<SpoolReader<'_>> {
        let open = |path: &PathBuf| File::open(path).map_err(Error::io("read", path));
        let file = self.path.as_ref().map(open).transpose()?;
        Ok(SpoolReader { copies: self, file, buffer: Vec::new() })
    }

    /// Deletes the file. If that fails, it is deleted with its folder.
    pub(in crate::store) fn remove(self, disk: &dyn Disk) {
        if let Some(path) = &self.path {
            let _ = disk.remove(path);
        }
    }
}

/// Reads copies of a spool.
pub(in crate::store) struct SpoolReader<'s> {
    copies: &'s SpooledCopies,
    file: Option<File>,
    buffer: Vec<u8>,
}

impl SpoolReader<'_> {
    /// Returns a copy.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be read.
    pub(in crate::store) fn read(&mut self, place: SpooledCopy) -> Result<EventCopy<'_>> {
        let bytes = match (place.start.checked_sub(self.copies.file_bytes), &mut self.file) {
            (Some(start), _) => {
                let rest = self.copies.memory.get(start as usize..);
                rest.and_then(|rest| rest.get(..place.length))
            }
            (None, Some(file)) => {
                let path = self.copies.path.as_deref().unwrap_or(Path::new(""));
                self.buffer.resize(place.length, 0);
                file.seek(SeekFrom::Start(place.start)).map_err(Error::io("read", path))?;
                file.read_exact(&mut self.buffer).map_err(Error::io("read", path))?;
                Some(&self.buffer[..])
            }
            (None, None) => None,
        };
        let copy = bytes.and_then(EventCopy::decode);
        copy.ok_or_else(|| Error::internal("a collected copy of an event cannot be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fs::disk::OsDisk;

    #[test]
    fn copies_are_read_from_memory_and_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = CopySpool::new(&OsDisk, folder.path());
        spool.max_memory_bytes = 200;
        let texts: Vec<String> = (0..20).map(|number| "x".repeat(number)).collect();
        let copy = |text| EventCopy {
            time_us: 1,
            id: text,
            source: ("a", "array"),
            copies: "",
            event: b"{}",
        };
        let places: Vec<_> = texts.iter().map(|text| spool.add(&copy(text)).unwrap()).collect();
        let copies = spool.finish().unwrap();
        assert!(copies.file_bytes > 0 && !copies.memory.is_empty());
        let mut reader = copies.reader().unwrap();
        for (place, text) in places.iter().zip(&texts).rev() {
            assert_eq!(reader.read(*place).unwrap().id, text);
        }
        // Windows keeps the name of a file that is still open.
        drop(reader);
        copies.remove(&OsDisk);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
