//! A zip's members: which of them are data, and the bytes of each.
//!
//! The list at the zip's end is read with the `zip` crate. Members are unpacked from their place in
//! the file one by one, so that each can be read as a stream of its own. Where a download broke
//! off, the list is missing: then members are found by the headers before them.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::discover::is_data_name;
use super::disk::Disk;

/// The file in every workbook and document of Office.
const OFFICE: &str = "[Content_Types].xml";

/// Where the zip is.
enum Place {
    File(PathBuf, Arc<Mutex<Disk>>),
    Memory(Arc<[u8]>),
}

/// What is to be read of a zip.
pub(super) struct Zip {
    place: Place,
    /// Members that are left, the next one last.
    members: Vec<Member>,
}

/// One file in a zip.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    /// It stands in the zip as it is.
    pub(super) is_stored: bool,
    start: u64,
    packed_bytes: u64,
    method: Method,
    /// Checksum and size, where the zip tells.
    expected: Option<(u32, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflated,
    Zstd,
    Other(u16),
    Encrypted,
    /// The zip breaks off before it says how long the member is.
    Unknown,
}

trait Bytes: Read + Seek + Send {}
impl<B: Read + Seek + Send> Bytes for B {}

impl Zip {
    pub(super) fn of_file(path: &Path, disk: &Arc<Mutex<Disk>>) -> Result<Self, String> {
        Zip::at(Place::File(path.to_path_buf(), disk.clone()))
    }

    pub(super) fn of_memory(bytes: Vec<u8>) -> Result<Self, String> {
        Zip::at(Place::Memory(bytes.into()))
    }

    fn at(place: Place) -> Result<Self, String> {
        let cannot = |error: io::Error| format!("it cannot be read: {error}");
        let listed = listed(place.open().map_err(cannot)?);
        let mut members = match listed {
            Ok(members) => members,
            Err(error) => {
                let found = found(&mut place.open().map_err(cannot)?);
                match found {
                    Ok(members) if !members.is_empty() => members,
                    _ => return Err(format!("a damaged zip ({error}): fetch or pack it again")),
                }
            }
        };
        if members.iter().any(|member| member.name == OFFICE) {
            return Err("not a log of Power BI events: an Excel workbook or another document of \
                        Office; save the sheet as CSV"
                .to_owned());
        }
        members.retain(|member| is_data(&member.name));
        members.sort_by(|a, b| (&b.name, b.start).cmp(&(&a.name, a.start)));
        Ok(Zip { place, members })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn next_member(&mut self) -> Option<Member> {
        self.members.pop()
    }

    /// The bytes of a member, unpacked. `Err` says why they cannot be had.
    pub(super) fn open(&self, member: &Member) -> Result<Box<dyn Read + Send>, String> {
        let other = |method: &str| {
            Err(format!(
                "packed by a method that is not read ({method}): unpack it by hand, or pack it as \
                 zip (deflate), gzip or Zstandard"
            ))
        };
        let mut bytes = self.place.open().map_err(|error| format!("cannot be read: {error}"))?;
        bytes
            .seek(SeekFrom::Start(member.start))
            .map_err(|error| format!("cannot be read: {error}"))?;
        let packed = bytes.take(member.packed_bytes);
        let inner: Box<dyn Read + Send> = match member.method {
            Method::Stored => Box::new(packed),
            Method::Deflated => Box::new(DeflateDecoder::new(packed)),
            Method::Zstd => match zstd::stream::read::Decoder::new(packed) {
                Ok(decoder) => Box::new(decoder),
                Err(error) => return Err(format!("cannot be unpacked: {error}")),
            },
            Method::Other(9) => return other("Deflate64"),
            Method::Other(12) => return other("bzip2"),
            Method::Other(14) => return other("LZMA"),
            Method::Other(number) => return other(&format!("number {number}")),
            Method::Encrypted => {
                return Err(
                    "encrypted: unpack it with its password, and give what was in it".into()
                );
            }
            Method::Unknown => return Err("the zip breaks off in it".to_owned()),
        };
        Ok(match member.expected {
            Some((crc, len)) => {
                Box::new(Checked { inner, crc: Crc::new(), expected: (crc, len), len: 0 })
            }
            None => inner,
        })
    }
}

impl Place {
    fn open(&self) -> io::Result<Box<dyn Bytes>> {
        match self {
            Place::Memory(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Place::File(path, disk) => match File::open(path) {
                Ok(file) => Ok(Box::new(Watched { file, disk: disk.clone() })),
                Err(error) => Err(keep(disk, error)),
            },
        }
    }
}

/// The file, whose errors are kept apart from those of what is packed in it.
struct Watched {
    file: File,
    disk: Arc<Mutex<Disk>>,
}

fn keep(disk: &Mutex<Disk>, error: io::Error) -> io::Error {
    disk.lock().unwrap_or_else(PoisonError::into_inner).keep(error)
}

impl Read for Watched {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.file.read(to).map_err(|error| keep(&self.disk, error))
    }
}

impl Seek for Watched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A member whose checksum is looked at when it ends.
struct Checked {
    inner: Box<dyn Read + Send>,
    crc: Crc,
    expected: (u32, u64),
    len: u64,
}

impl Read for Checked {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(to)?;
        self.crc.update(&to[..len]);
        self.len += len as u64;
        if len == 0 && !to.is_empty() && (self.crc.sum(), self.len) != self.expected {
            let reason = format!(
                "its checksum or size is not as the zip says: {} bytes were expected, {} are there",
                self.expected.1, self.len
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(len)
    }
}

/// The members by the list at the zip's end.
fn listed(bytes: Box<dyn Bytes>) -> Result<Vec<Member>, String> {
    let mut archive = ZipArchive::new(bytes).map_err(|error| error.to_string())?;
    let mut members = Vec::new();
    for number in 0..archive.len() {
        let file = archive.by_index_raw(number).map_err(|error| error.to_string())?;
        if file.is_dir() {
            continue;
        }
        let method = match file.compression() {
            _ if file.encrypted() => Method::Encrypted,
            CompressionMethod::Stored => Method::Stored,
            CompressionMethod::Deflated => Method::Deflated,
            method if method == CompressionMethod::ZSTD => Method::Zstd,
            #[expect(deprecated, reason = "the crate has no other name for what it does not read")]
            CompressionMethod::Unsupported(number) => Method::Other(number),
            _ => Method::Other(u16::MAX),
        };
        let start = file.data_start().ok_or("a member has no place")?;
        members.push(Member {
            name: name_of(file.name_raw()),
            is_stored: method == Method::Stored,
            start,
            packed_bytes: file.compressed_size(),
            method,
            expected: Some((file.crc32(), file.size())),
        });
    }
    Ok(members)
}

/// The members by the headers before each, where the list is missing.
fn found(bytes: &mut dyn Bytes) -> io::Result<Vec<Member>> {
    let size = bytes.seek(SeekFrom::End(0))?;
    let (mut members, mut at) = (Vec::new(), 0);
    loop {
        let mut head = [0; 30];
        bytes.seek(SeekFrom::Start(at))?;
        if bytes.read_exact(&mut head).is_err() || !head.starts_with(b"PK\x03\x04") {
            return Ok(members);
        }
        let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let u32_at =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (flags, packed) = (u16_at(6), u64::from(u32_at(18)));
        let mut name = vec![0; usize::from(u16_at(26))];
        if bytes.read_exact(&mut name).is_err() {
            return Ok(members);
        }
        let start = at + 30 + u64::from(u16_at(26)) + u64::from(u16_at(28));
        // A member that was written as a stream says how long it is only behind itself.
        let is_open = flags & 8 != 0 || packed == u64::from(u32::MAX);
        let method = match u16_at(8) {
            _ if flags & 1 != 0 => Method::Encrypted,
            0 if is_open => Method::Unknown,
            0 => Method::Stored,
            8 => Method::Deflated,
            93 => Method::Zstd,
            number => Method::Other(number),
        };
        let is_folder = name.ends_with(b"/");
        let end = if is_open { size } else { start + packed };
        if !is_folder {
            members.push(Member {
                name: name_of(&name),
                is_stored: method == Method::Stored,
                start,
                packed_bytes: end.saturating_sub(start),
                method,
                expected: (!is_open).then(|| (u32_at(14), u64::from(u32_at(22)))),
            });
        }
        if is_open && !is_folder {
            return Ok(members);
        }
        at = end;
    }
}

/// A member's name, with `/` between its parts.
fn name_of(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).replace('\\', "/")
}

/// Whether a member is data: no part of it is hidden or what a Mac leaves, and its ending is not
/// that of notes and scripts.
fn is_data(name: &str) -> bool {
    let mut parts = name.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    let Some(last) = name.rsplit('/').next() else { return false };
    parts.all(|part| !part.starts_with('.') && part != "__MACOSX") && is_data_name(last)
}
