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

use super::disk::{Disk, OnDisk, Whole};
use super::zip::{Member, Zip};

/// Packed files in packed files: so many times they are unpacked.
const DEPTH_MAX: usize = 3;

/// A zip that is itself packed is held in memory, and refused if it is larger than this.
const INNER_ZIP_BYTES_MAX: u64 = 64 << 20;

/// So many bytes tell what a file is.
const HEAD_BYTES: u64 = 8;

/// What is in a file, one text after another.
pub(super) struct Packed {
    path: PathBuf,
    disk: Arc<Mutex<Disk>>,
    /// The file itself, until it is opened as what it is.
    file: Option<OnDisk>,
    /// Zips that are being read, the outermost first.
    zips: Vec<Open>,
}

struct Open {
    zip: Zip,
    /// The name of the zip inside of the file, with a `/` behind; empty for the file itself.
    name: String,
    depth: usize,
}

/// A text, or why there is none.
pub(super) struct Part {
    /// Its name inside of the file; nothing where the file has but one.
    pub(super) name: Option<String>,
    /// Whether it was packed, so that positions are not those of the file.
    pub(super) is_packed: bool,
    pub(super) content: Content,
}

pub(super) enum Content {
    Text(Box<dyn Read + Send>),
    /// It cannot be read, and no other try would help.
    Refused(String),
    /// It holds nothing that is to be read.
    Nothing,
}

impl Packed {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let disk = Arc::new(Mutex::new(Disk::open(path)?));
        let file = OnDisk::new(disk.clone());
        Ok(Packed { path: path.to_path_buf(), disk, file: Some(file), zips: Vec::new() })
    }

    /// The next text; `None` where there is no other.
    ///
    /// # Errors
    ///
    /// Those of the disk. What is wrong with what is packed is told as a [`Content::Refused`].
    pub(super) fn next(&mut self) -> io::Result<Option<Part>> {
        loop {
            if let Some(file) = self.file.take() {
                if let Some(part) = self.enter(Box::new(file), None, 0)? {
                    return Ok(Some(part));
                }
                continue;
            }
            if self.disk().is_bomb() {
                self.zips.clear();
            }
            let Some(open) = self.zips.last_mut() else { return Ok(None) };
            let Some(member) = open.zip.next_member() else {
                self.zips.pop();
                continue;
            };
            let (name, depth) = (format!("{}{}", open.name, member.name), open.depth);
            let opened = open.zip.open(&member);
            if let Some(part) = self.enter_member(&member, name, opened, depth)? {
                return Ok(Some(part));
            }
        }
    }

    fn enter_member(
        &mut self,
        member: &Member,
        name: String,
        opened: Result<Box<dyn Read + Send>, String>,
        depth: usize,
    ) -> io::Result<Option<Part>> {
        let refused = |reason| Part {
            name: Some(name.clone()),
            is_packed: true,
            content: Content::Refused(reason),
        };
        match opened {
            Err(reason) => Ok(Some(refused(reason))),
            Ok(reader) if member.is_stored => self.enter(reader, Some(name), depth),
            Ok(reader) => {
                let counted = self.counted(reader);
                self.enter(counted, Some(name), depth)
            }
        }
    }

    /// Opens a stream as what it is: a text, or something packed, which is opened in turn.
    fn enter(
        &mut self,
        mut input: Box<dyn Read + Send>,
        name: Option<String>,
        mut depth: usize,
    ) -> io::Result<Option<Part>> {
        let is_member = name.is_some();
        loop {
            let is_packed = depth > 0 || is_member;
            let part = |content| Ok(Some(Part { name: name.clone(), is_packed, content }));
            let mut head = Vec::new();
            if let Err(error) = (&mut input).take(HEAD_BYTES).read_to_end(&mut head) {
                // The lock is let go before the reason is asked for.
                let failure = self.disk().failure();
                return match failure {
                    Some(failure) => Err(failure),
                    None => part(Content::Refused(self.broken(&error))),
                };
            }
            let packing = Packing::of(&head);
            let whole = Box::new(Cursor::new(head).chain(input));
            if packing.is_some() && depth >= DEPTH_MAX {
                let reason = format!("packed more than {DEPTH_MAX} times over: unpack it by hand");
                return part(Content::Refused(reason));
            }
            input = match packing {
                None => return part(Content::Text(whole)),
                Some(Packing::Gzip) => self.counted(Box::new(MultiGzDecoder::new(whole))),
                Some(Packing::Zstd) => {
                    let decoder = zstd::stream::read::Decoder::with_buffer(BufReader::new(whole))?;
                    self.counted(Box::new(decoder))
                }
                Some(Packing::Zip) => {
                    let opened = match depth > 0 || is_member {
                        false => Zip::of_file(&self.path, &self.disk),
                        true => held(whole).and_then(Zip::of_memory),
                    };
                    if let Some(failure) = self.disk().failure() {
                        return Err(failure);
                    }
                    let zip = match opened {
                        Ok(zip) if zip.is_empty() => return part(Content::Nothing),
                        Ok(zip) => zip,
                        Err(reason) => return part(Content::Refused(reason)),
                    };
                    let name = name.map_or_else(String::new, |name| name + "/");
                    self.zips.push(Open { zip, name, depth: depth + 1 });
                    return Ok(None);
                }
            };
            depth += 1;
        }
    }

    fn counted(&self, inner: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(super::disk::Unpacked::new(inner, self.disk.clone()))
    }

    /// Why a stream that was being unpacked ended before its end.
    pub(super) fn broken(&self, error: &io::Error) -> String {
        match self.disk().bomb() {
            Some(reason) => reason,
            None => format!(
                "damaged: it cannot be unpacked from here on ({error}); what came before is taken"
            ),
        }
    }

    /// What the disk refused while something was being unpacked.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.disk().failure()
    }

    /// Bytes of the file that were read since this was last asked.
    pub(super) fn take_read(&self) -> u64 {
        self.disk().take_read()
    }

    /// Reads what is left of the file, and makes its digest.
    pub(super) fn digest(&self) -> io::Result<Whole> {
        self.disk().finish()
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, Disk> {
        // What is in it is whole at any time.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a zip that is itself packed.
fn held(input: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match input.take(INNER_ZIP_BYTES_MAX + 1).read_to_end(&mut bytes) {
        Ok(len) if len as u64 <= INNER_ZIP_BYTES_MAX => Ok(bytes),
        Ok(_) => Err(format!(
            "a zip inside of a packed file, larger than {} MiB: unpack the outer one by hand",
            INNER_ZIP_BYTES_MAX >> 20
        )),
        Err(error) => Err(format!("damaged: it cannot be unpacked ({error})")),
    }
}

/// How something is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
    Zip,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, 8, ..] => Some(Packing::Gzip),
            // A frame, or one that is to be skipped before it.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => {
                Some(Packing::Zstd)
            }
            // With members, without any, and as part of several.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => {
                Some(Packing::Zip)
            }
            _ => None,
        }
    }
}
