//! Decompresses files: gzip, Zstandard, zip and tar, also nested. It detects them by their first
//! bytes and never by their names.
//!
//! A file on disk is a sequence of texts: one, or several if it is a zip or tar file. All are read
//! as streams, so that size does not matter. Only a zip file inside another compressed file is kept
//! in memory, because its directory is at its end. Nothing is ever written under the name of a
//! member.

use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;

use super::disk::{DecompressedReader, FileDigest, TrackedFile, TrackedFileReader};
use super::parquet_text::{self, ParquetText};
use super::tar::{BLOCK_BYTES, TarReader, is_tar_header};
use super::zip::{ZipMember, ZipReader};

/// The most levels of nested compression.
const MAX_PACKING_DEPTH: usize = 3;

/// The largest zip file inside another compressed file. Such a zip file is kept in memory.
const MAX_INNER_ZIP_BYTES: u64 = 64 << 20;

/// The number of first bytes from which the compression is detected.
const MAGIC_BYTES: u64 = BLOCK_BYTES as u64;

/// The texts in a file, one after another.
pub(super) struct PackedFile {
    path: PathBuf,
    tracked_file: Arc<Mutex<TrackedFile>>,
    /// The file itself, until its format is detected.
    file: Option<TrackedFileReader>,
    /// The zip and tar files that are being read, the outermost first.
    archives: Vec<OpenArchive>,
}

struct OpenArchive {
    format: ArchiveFormat,
    /// The path of the archive inside the file, with a `/` at its end; empty for the file itself.
    name_prefix: String,
    depth: usize,
}

enum ArchiveFormat {
    Zip(ZipReader),
    Tar(TarReader),
}

/// A text of a file, or the reason why it cannot be read.
pub(super) struct UnpackedMember {
    /// The name inside the file; `None` if the file is only one text.
    pub(super) name: Option<String>,
    /// True if the text was compressed, so that positions are those after decompression.
    pub(super) is_packed: bool,
    pub(super) content: MemberContent,
}

pub(super) enum MemberContent {
    Text(Box<dyn Read + Send>),
    /// The rows of a table.
    Rows(Box<dyn Read + Send>),
    /// A text that cannot be read, now or later, with the reason.
    Unsupported(String),
    /// Nothing to read.
    Empty,
}

impl PackedFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let tracked_file = Arc::new(Mutex::new(TrackedFile::open(path)?));
        let file = Some(TrackedFileReader::new(tracked_file.clone()));
        Ok(PackedFile { path: path.to_path_buf(), tracked_file, file, archives: Vec::new() })
    }

    /// Returns the next text; `None` at the end.
    ///
    /// # Errors
    ///
    /// I/O errors of the disk. Damage of compressed data is [`MemberContent::Unsupported`].
    pub(super) fn next(&mut self) -> io::Result<Option<UnpackedMember>> {
        loop {
            if let Some(file) = self.file.take() {
                if let Some(part) = self.open_stream(Box::new(file), None, 0)? {
                    return Ok(Some(part));
                }
                continue;
            }
            if self.lock_tracked_file().is_bomb() {
                self.archives.clear();
            }
            let Some(open) = self.archives.last_mut() else { return Ok(None) };
            let (prefix, depth) = (&open.name_prefix, open.depth);
            let part = match &mut open.format {
                ArchiveFormat::Zip(zip) => {
                    let Some(member) = zip.next_member() else {
                        self.archives.pop();
                        continue;
                    };
                    let name = format!("{prefix}{}", member.name);
                    let opened = zip.open_member(&member);
                    self.open_member(&member, name, opened, depth)?
                }
                ArchiveFormat::Tar(tar) => match tar.next_member() {
                    Ok(None) => {
                        self.archives.pop();
                        continue;
                    }
                    Ok(Some(member)) => {
                        let name = format!("{prefix}{}", member.name);
                        self.open_stream(member.content, Some(name), depth)?
                    }
                    Err(error) => Some(self.broken_archive(&error)?),
                },
            };
            if let Some(part) = part {
                return Ok(Some(part));
            }
        }
    }

    /// Stops reading a tar file that is damaged.
    fn broken_archive(&mut self, error: &io::Error) -> io::Result<UnpackedMember> {
        let archive = self.archives.pop();
        if let Some(failure) = self.take_failure() {
            return Err(failure);
        }
        let prefix = archive.map(|archive| archive.name_prefix).unwrap_or_default();
        let name = prefix.trim_end_matches('/');
        Ok(UnpackedMember {
            name: (!name.is_empty()).then(|| name.to_owned()),
            is_packed: true,
            content: MemberContent::Unsupported(self.broken_reason(error)),
        })
    }

    fn open_member(
        &mut self,
        member: &ZipMember,
        name: String,
        opened: Result<Box<dyn Read + Send>, String>,
        depth: usize,
    ) -> io::Result<Option<UnpackedMember>> {
        let unsupported = |reason| UnpackedMember {
            name: Some(name.clone()),
            is_packed: true,
            content: MemberContent::Unsupported(reason),
        };
        match opened {
            Err(reason) => Ok(Some(unsupported(reason))),
            Ok(reader) if member.is_stored => self.open_stream(reader, Some(name), depth),
            Ok(reader) => {
                let counted = self.count_unpacked(reader);
                self.open_stream(counted, Some(name), depth)
            }
        }
    }

    /// Opens a stream in its format: a text, or compressed data, which is opened in turn.
    fn open_stream(
        &mut self,
        mut input: Box<dyn Read + Send>,
        name: Option<String>,
        mut depth: usize,
    ) -> io::Result<Option<UnpackedMember>> {
        let is_member = name.is_some();
        loop {
            let is_packed = depth > 0 || is_member;
            let part =
                |content| Ok(Some(UnpackedMember { name: name.clone(), is_packed, content }));
            let mut head = Vec::new();
            if let Err(error) = (&mut input).take(MAGIC_BYTES).read_to_end(&mut head) {
                // `broken_reason` locks again, so the lock must be released before.
                let failure = self.lock_tracked_file().take_failure();
                return match failure {
                    Some(failure) => Err(failure),
                    None => part(MemberContent::Unsupported(self.broken_reason(&error))),
                };
            }
            let packing = PackingFormat::detect(&head);
            let is_parquet = head.starts_with(parquet_text::MAGIC);
            let whole = Box::new(Cursor::new(head).chain(input));
            if packing.is_some() && depth >= MAX_PACKING_DEPTH {
                let reason = format!("packed more than {MAX_PACKING_DEPTH} times: unpack it first");
                return part(MemberContent::Unsupported(reason));
            }
            input = match packing {
                None if is_parquet && !is_packed => {
                    return match ParquetText::open(&self.path) {
                        Ok(rows) => part(MemberContent::Rows(self.count_unpacked(Box::new(rows)))),
                        Err(reason) => part(MemberContent::Unsupported(reason)),
                    };
                }
                None => return part(MemberContent::Text(whole)),
                Some(PackingFormat::Gzip) => {
                    self.count_unpacked(Box::new(MultiGzDecoder::new(whole)))
                }
                Some(PackingFormat::Zstd) => {
                    let decoder = zstd::stream::read::Decoder::with_buffer(BufReader::new(whole))?;
                    self.count_unpacked(Box::new(decoder))
                }
                Some(PackingFormat::Zip) => {
                    let opened = match depth > 0 || is_member {
                        false => ZipReader::open_file(&self.path, &self.tracked_file),
                        true => read_inner_zip(whole).and_then(ZipReader::from_bytes),
                    };
                    if let Some(failure) = self.lock_tracked_file().take_failure() {
                        return Err(failure);
                    }
                    let zip = match opened {
                        Ok(zip) if zip.is_empty() => return part(MemberContent::Empty),
                        Ok(zip) => zip,
                        Err(reason) => return part(MemberContent::Unsupported(reason)),
                    };
                    self.push_archive(ArchiveFormat::Zip(zip), name, depth);
                    return Ok(None);
                }
                Some(PackingFormat::Tar) => {
                    self.push_archive(ArchiveFormat::Tar(TarReader::new(whole)), name, depth);
                    return Ok(None);
                }
            };
            depth += 1;
        }
    }

    fn push_archive(&mut self, format: ArchiveFormat, name: Option<String>, depth: usize) {
        let name_prefix = name.map_or_else(String::new, |name| name + "/");
        self.archives.push(OpenArchive { format, name_prefix, depth: depth + 1 });
    }

    fn count_unpacked(&self, inner: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(DecompressedReader::new(inner, self.tracked_file.clone()))
    }

    /// Returns the reason why a compressed stream ended too early.
    pub(super) fn broken_reason(&self, error: &io::Error) -> String {
        match self.lock_tracked_file().bomb_reason() {
            Some(reason) => reason,
            None => format!(
                "damaged: it cannot be unpacked from here on ({error}); everything before is read"
            ),
        }
    }

    /// Returns the I/O error of the disk that occurred during decompression.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.lock_tracked_file().take_failure()
    }

    /// Returns the number of bytes of the file that were read since the last call.
    pub(super) fn take_bytes_read(&self) -> u64 {
        self.lock_tracked_file().take_bytes_read()
    }

    /// Reads the rest of the file, and returns its digest.
    pub(super) fn digest(&self) -> io::Result<FileDigest> {
        self.lock_tracked_file().finish()
    }

    fn lock_tracked_file(&self) -> std::sync::MutexGuard<'_, TrackedFile> {
        // A panic elsewhere cannot leave the file in an invalid state.
        self.tracked_file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a zip file inside compressed data.
fn read_inner_zip(input: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match input.take(MAX_INNER_ZIP_BYTES + 1).read_to_end(&mut bytes) {
        Ok(len) if len as u64 <= MAX_INNER_ZIP_BYTES => Ok(bytes),
        Ok(_) => Err(format!(
            "a zip file inside a packed file is larger than {} MiB: unpack the outer file first",
            MAX_INNER_ZIP_BYTES >> 20
        )),
        Err(error) => Err(format!("damaged: it cannot be unpacked ({error})")),
    }
}

/// A compression format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PackingFormat {
    Gzip,
    Zstd,
    Zip,
    Tar,
}

impl PackingFormat {
    fn detect(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, 8, ..] => Some(PackingFormat::Gzip),
            // A frame, or a skippable frame before it.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => {
                Some(PackingFormat::Zstd)
            }
            // A zip file with members, an empty one, and a part of a split one.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => {
                Some(PackingFormat::Zip)
            }
            _ if is_tar_header(head) => Some(PackingFormat::Tar),
            _ => None,
        }
    }
}
