//! What is packed in a file: gzip, Zstandard and zip, known by their first bytes and never by name,
//! also inside of one another.
//!
//! A file on disk is a sequence of texts: one where nothing or one thing was packed, several in a
//! zip. They are read as streams, so that no size matters; only a zip that is itself packed must be
//! held, because its list of members stands at its end. Names of members are only ever names:
//! nothing is written anywhere.

use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;

use super::disk::{FileDigest, TrackedFile, TrackedFileReader};
use super::zip::{ZipMember, ZipReader};

/// Packed files in packed files: so many times they are unpacked.
const MAX_PACKING_DEPTH: usize = 3;

/// A zip that is itself packed is held in memory, and refused if it is larger than this.
const MAX_INNER_ZIP_BYTES: u64 = 64 << 20;

/// So many bytes tell what a file is.
const MAGIC_BYTES: u64 = 8;

/// What is in a file, one text after another.
pub(super) struct PackedFile {
    path: PathBuf,
    tracked_file: Arc<Mutex<TrackedFile>>,
    /// The file itself, until it is opened as what it is.
    file: Option<TrackedFileReader>,
    /// Zips that are being read, the outermost first.
    zips: Vec<OpenZip>,
}

struct OpenZip {
    zip: ZipReader,
    /// The name of the zip inside of the file, with a `/` behind; empty for the file itself.
    name_prefix: String,
    depth: usize,
}

/// A text, or why there is none.
pub(super) struct UnpackedMember {
    /// Its name inside of the file; nothing where the file has but one.
    pub(super) name: Option<String>,
    /// Whether it was packed, so that positions are not those of the file.
    pub(super) is_packed: bool,
    pub(super) content: MemberContent,
}

pub(super) enum MemberContent {
    Text(Box<dyn Read + Send>),
    /// It cannot be read, and no other try would help.
    Unsupported(String),
    /// It holds nothing that is to be read.
    Empty,
}

impl PackedFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let disk = Arc::new(Mutex::new(TrackedFile::open(path)?));
        let file = TrackedFileReader::new(disk.clone());
        Ok(PackedFile {
            path: path.to_path_buf(),
            tracked_file: disk,
            file: Some(file),
            zips: Vec::new(),
        })
    }

    /// The next text; `None` where there is no other.
    ///
    /// # Errors
    ///
    /// Those of the disk. What is wrong with what is packed is told as a [`Content::Refused`].
    pub(super) fn next(&mut self) -> io::Result<Option<UnpackedMember>> {
        loop {
            if let Some(file) = self.file.take() {
                if let Some(part) = self.open_stream(Box::new(file), None, 0)? {
                    return Ok(Some(part));
                }
                continue;
            }
            if self.lock_tracked_file().is_bomb() {
                self.zips.clear();
            }
            let Some(open) = self.zips.last_mut() else { return Ok(None) };
            let Some(member) = open.zip.next_member() else {
                self.zips.pop();
                continue;
            };
            let (name, depth) = (format!("{}{}", open.name_prefix, member.name), open.depth);
            let opened = open.zip.open_member(&member);
            if let Some(part) = self.open_member(&member, name, opened, depth)? {
                return Ok(Some(part));
            }
        }
    }

    fn open_member(
        &mut self,
        member: &ZipMember,
        name: String,
        opened: Result<Box<dyn Read + Send>, String>,
        depth: usize,
    ) -> io::Result<Option<UnpackedMember>> {
        let refused = |reason| UnpackedMember {
            name: Some(name.clone()),
            is_packed: true,
            content: MemberContent::Unsupported(reason),
        };
        match opened {
            Err(reason) => Ok(Some(refused(reason))),
            Ok(reader) if member.is_stored => self.open_stream(reader, Some(name), depth),
            Ok(reader) => {
                let counted = self.count_unpacked(reader);
                self.open_stream(counted, Some(name), depth)
            }
        }
    }

    /// Opens a stream as what it is: a text, or something packed, which is opened in turn.
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
                // The lock is let go before the reason is asked for.
                let failure = self.lock_tracked_file().take_failure();
                return match failure {
                    Some(failure) => Err(failure),
                    None => part(MemberContent::Unsupported(self.broken_reason(&error))),
                };
            }
            let packing = PackingFormat::detect(&head);
            let whole = Box::new(Cursor::new(head).chain(input));
            if packing.is_some() && depth >= MAX_PACKING_DEPTH {
                let reason =
                    format!("packed more than {MAX_PACKING_DEPTH} times over: unpack it by hand");
                return part(MemberContent::Unsupported(reason));
            }
            input = match packing {
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
                    let name = name.map_or_else(String::new, |name| name + "/");
                    self.zips.push(OpenZip { zip, name_prefix: name, depth: depth + 1 });
                    return Ok(None);
                }
            };
            depth += 1;
        }
    }

    fn count_unpacked(&self, inner: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(super::disk::DecompressedReader::new(inner, self.tracked_file.clone()))
    }

    /// Why a stream that was being unpacked ended before its end.
    pub(super) fn broken_reason(&self, error: &io::Error) -> String {
        match self.lock_tracked_file().bomb_reason() {
            Some(reason) => reason,
            None => format!(
                "damaged: it cannot be unpacked from here on ({error}); what came before is taken"
            ),
        }
    }

    /// What the disk refused while something was being unpacked.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.lock_tracked_file().take_failure()
    }

    /// Bytes of the file that were read since this was last asked.
    pub(super) fn take_bytes_read(&self) -> u64 {
        self.lock_tracked_file().take_bytes_read()
    }

    /// Reads what is left of the file, and makes its digest.
    pub(super) fn digest(&self) -> io::Result<FileDigest> {
        self.lock_tracked_file().finish()
    }

    fn lock_tracked_file(&self) -> std::sync::MutexGuard<'_, TrackedFile> {
        // What is in it is whole at any time.
        self.tracked_file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a zip that is itself packed.
fn read_inner_zip(input: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match input.take(MAX_INNER_ZIP_BYTES + 1).read_to_end(&mut bytes) {
        Ok(len) if len as u64 <= MAX_INNER_ZIP_BYTES => Ok(bytes),
        Ok(_) => Err(format!(
            "a zip inside of a packed file, larger than {} MiB: unpack the outer one by hand",
            MAX_INNER_ZIP_BYTES >> 20
        )),
        Err(error) => Err(format!("damaged: it cannot be unpacked ({error})")),
    }
}

/// How something is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PackingFormat {
    Gzip,
    Zstd,
    Zip,
}

impl PackingFormat {
    fn detect(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, 8, ..] => Some(PackingFormat::Gzip),
            // A frame, or one that is to be skipped before it.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => {
                Some(PackingFormat::Zstd)
            }
            // With members, without any, and as part of several.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => {
                Some(PackingFormat::Zip)
            }
            _ => None,
        }
    }
}
