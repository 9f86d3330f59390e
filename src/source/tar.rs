//! Reads the members of a tar file as a stream, one after another.
//!
//! The format is that of POSIX (`ustar`), with long names of GNU tar and of pax.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::zip::is_data_member;

/// The size of headers, and the unit of everything else.
pub(super) const BLOCK_BYTES: usize = 512;

/// The longest name or list of attributes before a member.
const MAX_ATTRIBUTES_BYTES: u64 = 1 << 20;

/// The reason for the user if a tar file is damaged.
const DAMAGED: &str = "a damaged tar file: a header is wrong; everything before is read";

/// A tar file that is being read.
pub(super) struct TarReader {
    stream: Arc<Mutex<TarStream>>,
}

/// The stream of a tar file, which its members share.
struct TarStream {
    input: Box<dyn Read + Send>,
    /// The bytes of the current member that are not read yet.
    rest: u64,
    /// The bytes that fill its last block.
    padding: u64,
}

/// A member that is being read.
pub(super) struct TarMember {
    pub(super) name: String,
    pub(super) content: Box<dyn Read + Send>,
}

/// The content of a member.
struct TarContent(Arc<Mutex<TarStream>>);

/// Returns true if a block is the header of a tar file: its checksum is correct.
pub(super) fn is_tar_header(block: &[u8]) -> bool {
    block.len() >= BLOCK_BYTES && block[0] != 0 && Header(&block[..BLOCK_BYTES]).is_valid()
}

impl TarReader {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        let stream = TarStream { input, rest: 0, padding: 0 };
        TarReader { stream: Arc::new(Mutex::new(stream)) }
    }

    /// Returns the next file; `None` at the end. Folders, links, hidden files and notes are
    /// skipped.
    ///
    /// # Errors
    ///
    /// I/O errors of the input, also if the tar file is damaged.
    pub(super) fn next_member(&mut self) -> io::Result<Option<TarMember>> {
        let mut stream = lock(&self.stream);
        let (mut long_name, mut long_size) = (None, None);
        while let Some(block) = stream.next_header()? {
            let header = Header(&block);
            let kind = header.0[156];
            match kind {
                b'L' | b'x' => {
                    let attributes = stream.read_attributes(header.size()?)?;
                    if kind == b'L' {
                        let end = attributes.iter().position(|byte| *byte == 0);
                        let name = &attributes[..end.unwrap_or(attributes.len())];
                        long_name = Some(String::from_utf8_lossy(name).into_owned());
                    } else {
                        long_name = pax_attribute(&attributes, "path").or(long_name);
                        long_size = pax_attribute(&attributes, "size")
                            .and_then(|size| size.parse::<u64>().ok());
                    }
                }
                _ => {
                    stream.start(long_size.take().map_or_else(|| header.size(), Ok)?);
                    let name = long_name.take().unwrap_or_else(|| header.name());
                    let name = name.strip_prefix("./").unwrap_or(&name).replace('\\', "/");
                    let is_file = matches!(kind, b'0' | 0 | b'7') && !name.ends_with('/');
                    if is_file && is_data_member(&name) {
                        let content = Box::new(TarContent(self.stream.clone()));
                        return Ok(Some(TarMember { name, content }));
                    }
                }
            }
        }
        Ok(None)
    }
}

fn lock(stream: &Mutex<TarStream>) -> MutexGuard<'_, TarStream> {
    // A panic elsewhere cannot leave the stream in an invalid state.
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TarStream {
    /// Sets the size of the member that follows.
    fn start(&mut self, size: u64) {
        self.rest = size;
        self.padding = size.wrapping_neg() % BLOCK_BYTES as u64;
    }

    /// Skips the rest of the current member, and returns the next header; `None` at the end.
    fn next_header(&mut self) -> io::Result<Option<Vec<u8>>> {
        let skipped = self.rest + self.padding;
        (self.rest, self.padding) = (0, 0);
        let mut skip = (&mut self.input).take(skipped);
        if io::copy(&mut skip, &mut io::sink())? < skipped {
            return Err(ended_early());
        }
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        (&mut self.input).take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if block.len() < BLOCK_BYTES {
            return Err(ended_early());
        }
        match Header(&block).is_valid() {
            true => Ok(Some(block)),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, DAMAGED)),
        }
    }

    /// Reads the content of a member with the name or attributes of the next one.
    fn read_attributes(&mut self, size: u64) -> io::Result<Vec<u8>> {
        self.start(size);
        let mut attributes = Vec::new();
        let len = size.min(MAX_ATTRIBUTES_BYTES);
        (&mut self.input).take(len).read_to_end(&mut attributes)?;
        self.rest -= attributes.len() as u64;
        Ok(attributes)
    }
}

fn ended_early() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the tar file ends inside a member")
}

impl Read for TarContent {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut stream = lock(&self.0);
        let len = usize::try_from(stream.rest).unwrap_or(usize::MAX).min(to.len());
        if len == 0 {
            return Ok(0);
        }
        let read = stream.input.read(&mut to[..len])?;
        if read == 0 {
            // The missing end must not be reported again by the next member.
            (stream.rest, stream.padding) = (0, 0);
            return Err(ended_early());
        }
        stream.rest -= read as u64;
        Ok(read)
    }
}

/// A header block.
struct Header<'b>(&'b [u8]);

impl Header<'_> {
    /// Returns true if the sum of all bytes, with blanks in the field of the sum, is correct.
    fn is_valid(&self) -> bool {
        let sum: u64 = (self.0.iter().enumerate())
            .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
            .sum();
        octal(&self.0[148..156]) == Some(sum)
    }

    fn name(&self) -> String {
        let text = |field: &[u8]| {
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let prefix =
            if &self.0[257..263] == b"ustar\0" { text(&self.0[345..500]) } else { String::new() };
        let name = text(&self.0[..100]);
        if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
    }

    fn size(&self) -> io::Result<u64> {
        let field = &self.0[124..136];
        // GNU tar writes large sizes as binary numbers.
        let size = match field[0] & 0x80 {
            0 => octal(field),
            _ => field[4..].iter().try_fold(u64::from(field[3] & 0x7F), |size, byte| {
                size.checked_mul(256).map(|size| size | u64::from(*byte))
            }),
        };
        size.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, DAMAGED))
    }
}

/// Parses an octal number with blanks or zero bytes around it.
fn octal(field: &[u8]) -> Option<u64> {
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_filler(byte))?;
    let digits = field[start..].iter().take_while(|byte| !is_filler(byte));
    digits.map(|byte| byte.wrapping_sub(b'0')).try_fold(0_u64, |number, digit| {
        if digit < 8 { number.checked_mul(8).map(|number| number | u64::from(digit)) } else { None }
    })
}

/// Returns an attribute of a pax header: lines `length name=value`.
fn pax_attribute(attributes: &[u8], name: &str) -> Option<String> {
    let mut rest = attributes;
    let mut found = None;
    while let Some(blank) = memchr::memchr(b' ', rest) {
        let len: usize = std::str::from_utf8(&rest[..blank]).ok()?.parse().ok()?;
        let line = rest.get(blank + 1..len)?;
        let (key, value) = line.split_at(memchr::memchr(b'=', line)?);
        if key == name.as_bytes() {
            found = Some(String::from_utf8_lossy(&value[1..]).trim_end_matches('\n').to_owned());
        }
        rest = &rest[len..];
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::source::tar::*;

    fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
        let mut block = vec![0; BLOCK_BYTES];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    fn member(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut member = header(name, kind, content.len());
        member.extend_from_slice(content);
        member.resize(member.len().next_multiple_of(BLOCK_BYTES), 0);
        member
    }

    fn read(tar: Vec<u8>) -> (Vec<(String, String)>, Option<String>) {
        let mut reader = TarReader::new(Box::new(io::Cursor::new(tar)));
        let mut found = Vec::new();
        loop {
            match reader.next_member() {
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error.to_string())),
                Ok(Some(mut member)) => {
                    let mut text = String::new();
                    if let Err(error) = member.content.read_to_string(&mut text) {
                        return (found, Some(error.to_string()));
                    }
                    found.push((member.name, text));
                }
            }
        }
    }

    #[test]
    fn files_are_read_with_their_names() {
        let long = format!("{}/x.json", "d".repeat(150));
        let pax = format!("{} path={long}2\n", long.len() + 10);
        let pax = pax.replacen(&format!("{}", long.len() + 10), &format!("{}", pax.len()), 1);
        let tar = [
            member("./a.json", b'0', b"one"),
            member("folder/", b'5', b""),
            member(".hidden/b.json", b'0', b"hidden"),
            member("link", b'2', b""),
            member("notes.md", b'0', b"notes"),
            member("././@LongLink", b'L', format!("{long}\0").as_bytes()),
            member("short", b'0', &[b'x'; 600]),
            member("pax", b'x', pax.as_bytes()),
            member("short", b'0', b"two"),
            vec![0; 1024],
        ];
        let (found, error) = read(tar.concat());
        let expected = [
            ("a.json".to_owned(), "one".to_owned()),
            (long.clone(), "x".repeat(600)),
            (format!("{long}2"), "two".to_owned()),
        ];
        assert_eq!((found, error), (expected.to_vec(), None));
    }

    #[test]
    fn damage_is_an_error_after_the_files_before_it() {
        let mut tar = member("a.json", b'0', b"one");
        assert!(is_tar_header(&tar) && !is_tar_header(&[b'x'; BLOCK_BYTES]));
        let next = member("b.json", b'0', &[b'y'; 700]);
        tar.extend_from_slice(&next[..900]);
        let (found, error) = read(tar.clone());
        assert_eq!((found.len(), error.as_deref()), (1, Some("the tar file ends inside a member")));
        tar[BLOCK_BYTES * 2 + 3] ^= 1;
        let (found, error) = read(tar);
        assert!(found.len() == 1 && error.is_some_and(|error| error.contains("damaged tar")));
    }
}
