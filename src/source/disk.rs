//! Reads a file on disk: computes its digest, and counts the bytes read and those after
//! decompression.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

/// A file that becomes larger than `MIN_BOMB_BYTES` and than `MIN_BOMB_RATIO` times its size when
/// it is decompressed is probably made to fill disks. Events are compressed to about a thirtieth.
const MIN_BOMB_BYTES: u64 = 64 << 20;
const MIN_BOMB_RATIO: u64 = 250;

/// The number of bytes per read if only the digest is needed.
const READ_BYTES: usize = 1 << 20;

/// The size of the first and last block of a file whose digest is compared.
const EDGE_BYTES: u64 = 64 << 10;

/// The digest of a whole file as text.
pub(super) type FileDigest = String;

/// A file that is being read.
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

    /// Returns the I/O error of the disk that ended a stream, to distinguish it from damaged
    /// content.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    pub(super) fn take_bytes_read(&mut self) -> u64 {
        std::mem::take(&mut self.bytes_read)
    }

    pub(super) fn is_bomb(&self) -> bool {
        self.bytes_unpacked > MIN_BOMB_BYTES && self.bytes_unpacked / MIN_BOMB_RATIO > self.size
    }

    /// Returns the reason why decompression stops, if the file becomes too large.
    pub(super) fn bomb_reason(&self) -> Option<String> {
        self.is_bomb().then(|| {
            format!(
                "it unpacks to more than {MIN_BOMB_RATIO} times its size on disk, like a file made \
                 to fill memory and disks; the rest is not read: if it is real, unpack it first"
            )
        })
    }

    /// Reads the rest of the file, and returns its digest.
    pub(super) fn finish(&mut self) -> io::Result<FileDigest> {
        // Most files are read completely already, and a small read confirms it.
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

/// Returns the digest of a file, by which known content is recognized.
///
/// # Errors
///
/// I/O errors of the operating system.
pub fn digest(path: &Path) -> io::Result<String> {
    TrackedFile::open(path)?.finish()
}

/// Returns the digest of the first and last block of a file. Reading them costs little, and most
/// programs that rewrite a file change one of them.
///
/// # Errors
///
/// I/O errors of the operating system.
pub fn edge_digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let (mut hash, mut block) = (Xxh3::new(), Vec::new());
    (&mut file).take(EDGE_BYTES).read_to_end(&mut block)?;
    hash.update(&block);
    let last = size.saturating_sub(EDGE_BYTES).max(EDGE_BYTES.min(size));
    file.seek(SeekFrom::Start(last))?;
    block.clear();
    file.take(EDGE_BYTES).read_to_end(&mut block)?;
    hash.update(&block);
    Ok(format_digest(&hash))
}

fn format_digest(hash: &Xxh3) -> String {
    format!("xxh3-128:{:032x}", hash.digest128())
}

/// Reads the bytes of a file from its beginning.
pub(super) struct TrackedFileReader(Arc<Mutex<TrackedFile>>);

impl TrackedFileReader {
    pub(super) fn new(file: Arc<Mutex<TrackedFile>>) -> Self {
        TrackedFileReader(file)
    }
}

impl Read for TrackedFileReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.read(to);
        read.map_err(|error| file.record_failure(error))
    }
}

impl TrackedFile {
    /// Stores an I/O error, since a decompressor can return another error in its place.
    pub(super) fn record_failure(&mut self, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::Interrupted {
            self.failure = Some(io::Error::new(error.kind(), error.to_string()));
        }
        error
    }
}

/// A decompressed stream. Its bytes are counted, those of all nested levels together.
pub(super) struct DecompressedReader {
    inner: Box<dyn Read + Send>,
    tracked_file: Arc<Mutex<TrackedFile>>,
}

impl DecompressedReader {
    pub(super) fn new(inner: Box<dyn Read + Send>, tracked_file: Arc<Mutex<TrackedFile>>) -> Self {
        DecompressedReader { inner, tracked_file }
    }
}

impl Read for DecompressedReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(to)?;
        let mut file = self.tracked_file.lock().unwrap_or_else(PoisonError::into_inner);
        file.bytes_unpacked += len as u64;
        match file.bomb_reason() {
            None => Ok(len),
            Some(reason) => Err(io::Error::new(io::ErrorKind::InvalidData, reason)),
        }
    }
}
