//! A file on disk while it is read: its digest, how much of it was read, and how much came of that
//! when it was unpacked.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

/// A file that unpacks to more than this, and to so many times its size, is made to fill disks and
/// not to be read. Events packed well come to a thirtieth of their size.
const MIN_BOMB_BYTES: u64 = 64 << 20;
const MIN_BOMB_RATIO: u64 = 250;

/// How much is read at a time where only the digest is wanted.
const READ_BYTES: usize = 1 << 20;

/// The digest of a whole file, as text.
pub(super) type FileDigest = String;

/// A file being read.
pub(super) struct TrackedFile {
    file: File,
    hash: Box<Xxh3>,
    size: u64,
    bytes_read: u64,
    bytes_unpacked: u64,
    failure: Option<io::Error>,
}

impl TrackedFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let hash = Box::new(Xxh3::new());
        Ok(TrackedFile { file, hash, size, bytes_read: 0, bytes_unpacked: 0, failure: None })
    }

    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(to)?;
        self.hash.update(&to[..len]);
        self.bytes_read += len as u64;
        Ok(len)
    }

    /// The error of the disk that ended a stream, to be told from damage of what is packed.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    pub(super) fn take_bytes_read(&mut self) -> u64 {
        std::mem::take(&mut self.bytes_read)
    }

    pub(super) fn is_bomb(&self) -> bool {
        self.bytes_unpacked > MIN_BOMB_BYTES && self.bytes_unpacked / MIN_BOMB_RATIO > self.size
    }

    /// Why no more is unpacked, where too much was.
    pub(super) fn bomb_reason(&self) -> Option<String> {
        self.is_bomb().then(|| {
            format!(
                "it unpacks to more than {MIN_BOMB_RATIO} times its size on disk, as files do that are \
                 made to fill memory and disks: no more of it is read; if it is real, unpack it by \
                 hand"
            )
        })
    }

    /// Reads what is left, and makes the digest of the file.
    pub(super) fn finish(&mut self) -> io::Result<FileDigest> {
        // Most files are read already, and this is to find that out.
        let mut buffer = vec![0; 16];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(format_digest(&self.hash)),
                Ok(_) => buffer.resize(READ_BYTES, 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The digest of a file, for telling whether it is known.
///
/// # Errors
///
/// Those of the operating system.
pub fn digest(path: &Path) -> io::Result<String> {
    TrackedFile::open(path)?.finish()
}

fn format_digest(hash: &Xxh3) -> String {
    format!("xxh3-128:{:032x}", hash.digest128())
}

/// The bytes of the file, from its beginning.
pub(super) struct TrackedFileReader(Arc<Mutex<TrackedFile>>);

impl TrackedFileReader {
    pub(super) fn new(disk: Arc<Mutex<TrackedFile>>) -> Self {
        TrackedFileReader(disk)
    }
}

impl Read for TrackedFileReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = disk.read(to);
        read.map_err(|error| disk.record_failure(error))
    }
}

impl TrackedFile {
    /// Keeps an error: what unpacks may hand on another in its place.
    pub(super) fn record_failure(&mut self, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::Interrupted {
            self.failure = Some(io::Error::new(error.kind(), error.to_string()));
        }
        error
    }
}

/// A stream that was unpacked: what comes of it is counted, at all levels together.
pub(super) struct DecompressedReader {
    inner: Box<dyn Read + Send>,
    tracked_file: Arc<Mutex<TrackedFile>>,
}

impl DecompressedReader {
    pub(super) fn new(inner: Box<dyn Read + Send>, disk: Arc<Mutex<TrackedFile>>) -> Self {
        DecompressedReader { inner, tracked_file: disk }
    }
}

impl Read for DecompressedReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(to)?;
        let mut disk = self.tracked_file.lock().unwrap_or_else(PoisonError::into_inner);
        disk.bytes_unpacked += len as u64;
        match disk.bomb_reason() {
            None => Ok(len),
            Some(reason) => Err(io::Error::new(io::ErrorKind::InvalidData, reason)),
        }
    }
}
