//! Lists the members of a zip file and opens each of them.
//!
//! The `zip` crate reads the directory at the end of the zip file. Each member is then decompressed
//! from its position in the file as a stream of its own. In an incomplete download, the directory
//! is missing. Then the local headers before the members are used.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::discover::is_data_name;
use super::disk::TrackedFile;

/// A file in every Office workbook and document.
const OFFICE_MARKER: &str = "[Content_Types].xml";

/// The location of the zip file.
enum ZipLocation {
    File(PathBuf, Arc<Mutex<TrackedFile>>),
    Memory(Arc<[u8]>),
}

/// A zip file that is being read.
pub(super) struct ZipReader {
    location: ZipLocation,
    /// The members that are not read yet, the next one last.
    members: Vec<ZipMember>,
}

/// One file in a zip.
#[derive(Debug, Clone)]
pub(super) struct ZipMember {
    pub(super) name: String,
    /// True if the member is not compressed.
    pub(super) is_stored: bool,
    start: u64,
    packed_bytes: u64,
    method: ZipMethod,
    /// Checksum and size, if the zip file has them.
    expected: Option<(u32, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ZipMethod {
    Stored,
    Deflated,
    Zstd,
    Other(u16),
    Encrypted,
    /// The zip file ends before the length of the member.
    Unknown,
}

trait SeekableRead: Read + Seek + Send {}
impl<B: Read + Seek + Send> SeekableRead for B {}

impl ZipReader {
    pub(super) fn open_file(path: &Path, disk: &Arc<Mutex<TrackedFile>>) -> Result<Self, String> {
        ZipReader::open_at(ZipLocation::File(path.to_path_buf(), disk.clone()))
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        ZipReader::open_at(ZipLocation::Memory(bytes.into()))
    }

    fn open_at(location: ZipLocation) -> Result<Self, String> {
        let cannot = |error: io::Error| format!("cannot be read: {error}");
        let listed = read_directory(location.open().map_err(cannot)?);
        let mut members = match listed {
            Ok(members) => members,
            Err(error) => {
                let found = scan_local_headers(&mut location.open().map_err(cannot)?);
                match found {
                    Ok(members) if !members.is_empty() => members,
                    _ => {
                        return Err(format!(
                            "a damaged zip ({error}): download or create it again"
                        ));
                    }
                }
            }
        };
        if members.iter().any(|member| member.name == OFFICE_MARKER) {
            return Err("not a log of Power BI events: an Excel workbook or another Office \
                        document; save the sheet as CSV"
                .to_owned());
        }
        members.retain(|member| is_data_member(&member.name));
        members.sort_by(|a, b| (&b.name, b.start).cmp(&(&a.name, a.start)));
        Ok(ZipReader { location, members })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn next_member(&mut self) -> Option<ZipMember> {
        self.members.pop()
    }

    /// Opens a member, decompressed. The error is a reason for the user.
    pub(super) fn open_member(&self, member: &ZipMember) -> Result<Box<dyn Read + Send>, String> {
        let other = |method: &str| {
            Err(format!(
                "packed by an unsupported method ({method}): unpack it first, or pack it as zip \
                 (deflate), gzip or Zstandard"
            ))
        };
        let mut bytes = self.location.open().map_err(|error| format!("cannot be read: {error}"))?;
        bytes
            .seek(SeekFrom::Start(member.start))
            .map_err(|error| format!("cannot be read: {error}"))?;
        let packed = bytes.take(member.packed_bytes);
        let inner: Box<dyn Read + Send> = match member.method {
            ZipMethod::Stored => Box::new(packed),
            ZipMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
            ZipMethod::Zstd => match zstd::stream::read::Decoder::new(packed) {
                Ok(decoder) => Box::new(decoder),
                Err(error) => return Err(format!("cannot be unpacked: {error}")),
            },
            ZipMethod::Other(9) => return other("Deflate64"),
            ZipMethod::Other(12) => return other("bzip2"),
            ZipMethod::Other(14) => return other("LZMA"),
            ZipMethod::Other(number) => return other(&format!("method {number}")),
            ZipMethod::Encrypted => {
                return Err("encrypted: unpack it with its password first".into());
            }
            ZipMethod::Unknown => return Err("the zip ends inside it".to_owned()),
        };
        Ok(match member.expected {
            Some((crc, len)) => {
                Box::new(ChecksumReader { inner, crc: Crc::new(), expected: (crc, len), len: 0 })
            }
            None => inner,
        })
    }
}

impl ZipLocation {
    fn open(&self) -> io::Result<Box<dyn SeekableRead>> {
        match self {
            ZipLocation::Memory(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            ZipLocation::File(path, disk) => match File::open(path) {
                Ok(file) => Ok(Box::new(TrackedZipFile { file, tracked_file: disk.clone() })),
                Err(error) => Err(record_failure(disk, error)),
            },
        }
    }
}

/// A file whose I/O errors are distinguished from damage of its content.
struct TrackedZipFile {
    file: File,
    tracked_file: Arc<Mutex<TrackedFile>>,
}

fn record_failure(disk: &Mutex<TrackedFile>, error: io::Error) -> io::Error {
    disk.lock().unwrap_or_else(PoisonError::into_inner).record_failure(error)
}

impl Read for TrackedZipFile {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.file.read(to).map_err(|error| record_failure(&self.tracked_file, error))
    }
}

impl Seek for TrackedZipFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A member whose checksum is checked at its end.
struct ChecksumReader {
    inner: Box<dyn Read + Send>,
    crc: Crc,
    expected: (u32, u64),
    len: u64,
}

impl Read for ChecksumReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(to)?;
        self.crc.update(&to[..len]);
        self.len += len as u64;
        if len == 0 && !to.is_empty() && (self.crc.sum(), self.len) != self.expected {
            let reason = format!(
                "its checksum or size is wrong: expected {} bytes, found {}",
                self.expected.1, self.len
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(len)
    }
}

/// Returns the members in the directory at the end of the zip file.
fn read_directory(bytes: Box<dyn SeekableRead>) -> Result<Vec<ZipMember>, String> {
    let mut archive = ZipArchive::new(bytes).map_err(|error| error.to_string())?;
    let mut members = Vec::new();
    for number in 0..archive.len() {
        let file = archive.by_index_raw(number).map_err(|error| error.to_string())?;
        if file.is_dir() {
            continue;
        }
        let method = match file.compression() {
            _ if file.encrypted() => ZipMethod::Encrypted,
            CompressionMethod::Stored => ZipMethod::Stored,
            CompressionMethod::Deflated => ZipMethod::Deflated,
            method if method == CompressionMethod::ZSTD => ZipMethod::Zstd,
            #[expect(deprecated, reason = "the crate has no other name for what it does not read")]
            CompressionMethod::Unsupported(number) => ZipMethod::Other(number),
            _ => ZipMethod::Other(u16::MAX),
        };
        let start = file.data_start().ok_or("a member has no position")?;
        members.push(ZipMember {
            name: member_name(file.name_raw()),
            is_stored: method == ZipMethod::Stored,
            start,
            packed_bytes: file.compressed_size(),
            method,
            expected: Some((file.crc32(), file.size())),
        });
    }
    Ok(members)
}

/// Returns the members according to the local headers, if the directory is missing.
fn scan_local_headers(bytes: &mut dyn SeekableRead) -> io::Result<Vec<ZipMember>> {
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
        // A member that was written as a stream has its length only after its data.
        let is_open = flags & 8 != 0 || packed == u64::from(u32::MAX);
        let method = match u16_at(8) {
            _ if flags & 1 != 0 => ZipMethod::Encrypted,
            0 if is_open => ZipMethod::Unknown,
            0 => ZipMethod::Stored,
            8 => ZipMethod::Deflated,
            93 => ZipMethod::Zstd,
            number => ZipMethod::Other(number),
        };
        let is_folder = name.ends_with(b"/");
        let end = if is_open { size } else { start + packed };
        if !is_folder {
            members.push(ZipMember {
                name: member_name(&name),
                is_stored: method == ZipMethod::Stored,
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

/// Returns the name of a member, with `/` between its parts.
fn member_name(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).replace('\\', "/")
}

/// Returns true if a member is data: no part of its name is hidden or written by macOS, and its
/// extension is not one of notes or scripts.
pub(super) fn is_data_member(name: &str) -> bool {
    let mut parts = name.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    let Some(last) = name.rsplit('/').next() else { return false };
    parts.all(|part| !part.starts_with('.') && part != "__MACOSX") && is_data_name(last)
}
