//! Reads a file in chunks of whole records.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::decompress::{MemberContent, PackedFile, UnpackedMember};
use super::format::SourceFormat;
use super::member::{MemberResult, SourceMember, UnsupportedText};
use super::positions::PositionMap;
use super::problem::DecodeProblem;
use super::text::{ChunkBuffers, MemberReader};
use super::text_buffer::TextBuffer;

/// A part of a file: decoded text, and the positions of the records in it.
#[derive(Debug, Default)]
pub struct Chunk {
    /// UTF-8 unless the file contains invalid text. A record that is not valid UTF-8 is rejected
    /// when it is parsed.
    pub text: TextBuffer,
    /// Start and end of each JSON record in `text`. CSV rows are separated when they are parsed.
    pub records: Vec<(u32, u32)>,
    /// The format of the text so far.
    pub format: SourceFormat,
    /// The text of the file to which the chunk belongs.
    pub member: Arc<SourceMember>,
    /// True if the text was decoded from the code page Windows-1252.
    pub is_windows_1252: bool,
    /// The number of bytes of the file that were read for the chunk.
    pub file_bytes: u64,
    /// The positions of `text` in the file.
    positions: PositionMap,
}

impl Chunk {
    /// Returns the byte position in the file for a position in `text`. In a compressed file, this
    /// is the position after decompression.
    pub fn position(&self, at: usize) -> u64 {
        self.positions.position(&self.text, at)
    }
}

/// A file that is being read.
pub struct ChunkReader {
    packed: PackedFile,
    current: Option<(MemberReader, Arc<SourceMember>)>,
    finished: Vec<MemberResult>,
    /// The rest of the last text, if that consists of pages.
    rest: Vec<u8>,
    problems: Vec<DecodeProblem>,
    tail_problems: Vec<DecodeProblem>,
    digest: String,
}

impl ChunkReader {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// I/O errors of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(ChunkReader {
            packed: PackedFile::open(path)?,
            current: None,
            finished: Vec::new(),
            rest: Vec::new(),
            problems: Vec::new(),
            tail_problems: Vec::new(),
            digest: String::new(),
        })
    }

    /// Returns the next chunk, in the buffers of a used one. Returns `None` at the end, and leaves
    /// the buffers in `used` for the next file.
    ///
    /// # Errors
    ///
    /// I/O errors of the operating system.
    pub fn next(&mut self, used: &mut Chunk) -> io::Result<Option<Chunk>> {
        let mut buffers = (std::mem::take(&mut used.text), std::mem::take(&mut used.records));
        let next = self.next_into(&mut buffers);
        (used.text, used.records) = buffers;
        next
    }

    fn next_into(&mut self, buffers: &mut ChunkBuffers) -> io::Result<Option<Chunk>> {
        loop {
            let Some((text, member)) = &mut self.current else {
                match self.packed.next()? {
                    None => {
                        self.digest = self.packed.digest()?;
                        return Ok(None);
                    }
                    Some(unpacked) => self.start_member(unpacked),
                }
                continue;
            };
            match text.next(buffers) {
                Ok(Some(chunk)) => {
                    if text.is_embedded() && !member.is_embedded {
                        *member =
                            Arc::new(SourceMember { is_embedded: true, ..(**member).clone() });
                    }
                    let (member, is_windows_1252) = (member.clone(), text.is_windows_1252());
                    let problems = text.take_problems().into_iter();
                    self.problems.extend(problems.map(|problem| member.qualify_problem(problem)));
                    return Ok(Some(Chunk {
                        text: chunk.text,
                        records: chunk.records,
                        format: chunk.format,
                        member,
                        is_windows_1252,
                        file_bytes: self.packed.take_bytes_read(),
                        positions: chunk.positions,
                    }));
                }
                Ok(None) => self.finish_member(),
                Err(error) => match self.packed.take_failure() {
                    Some(failure) => return Err(failure),
                    None => text.stop_at_error(self.packed.broken_reason(&error)),
                },
            }
        }
    }

    fn start_member(&mut self, unpacked: UnpackedMember) {
        let UnpackedMember { name, is_packed, content } = unpacked;
        let format = match content {
            MemberContent::Text(input) => {
                let member = SourceMember { name, is_packed, is_embedded: false };
                self.current = Some((MemberReader::new(input), Arc::new(member)));
                return;
            }
            MemberContent::Rows(rows) => {
                // Positions are those in the text of the rows.
                let member = SourceMember { name, is_packed: true, is_embedded: false };
                self.current = Some((MemberReader::for_rows(rows), Arc::new(member)));
                return;
            }
            MemberContent::Unsupported(reason) => Err(UnsupportedText::loss(reason)),
            MemberContent::Empty => Ok(SourceFormat::Empty),
        };
        self.rest = Vec::new();
        self.finished.push(MemberResult { name, format });
    }

    fn finish_member(&mut self) {
        let Some((mut text, member)) = self.current.take() else { return };
        // If another text follows, a problem at the end of this one is damage. The file is not
        // still being written there.
        self.problems.append(&mut self.tail_problems);
        let qualify = |problem: DecodeProblem| member.qualify_problem(problem);
        self.problems.extend(text.take_problems().into_iter().map(qualify));
        self.tail_problems.extend(text.take_tail_problems().into_iter().map(qualify));
        self.rest = text.take_rest();
        self.finished.push(MemberResult { name: member.name.clone(), format: text.format() });
    }

    /// Stops reading the current text, which is not a log.
    pub fn set_unsupported(&mut self, unsupported: UnsupportedText) {
        if let Some((text, _)) = &mut self.current {
            text.set_unsupported(unsupported);
        }
    }

    /// Returns true if there are problems that were not taken yet.
    pub fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Returns the problems between and in records since the last call.
    pub fn take_problems(&mut self) -> Vec<DecodeProblem> {
        std::mem::take(&mut self.problems)
    }

    /// Returns the problems at the end of the file. They are not damage if the file is still being
    /// written.
    pub fn take_tail_problems(&mut self) -> Vec<DecodeProblem> {
        std::mem::take(&mut self.tail_problems)
    }

    /// Returns the texts of the file that ended since the last call.
    pub fn take_finished(&mut self) -> Vec<MemberResult> {
        std::mem::take(&mut self.finished)
    }

    /// Returns the text after the last chunk if the last text of the file consists of pages of the
    /// REST API. It has no records, and is the whole text of an empty page.
    pub fn rest(&self) -> &[u8] {
        &self.rest
    }

    /// Returns the digest of the whole file, after the last chunk was read.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
