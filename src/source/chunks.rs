//! A file read piece by piece: the texts in it, each cut between records.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::text::{ChunkBuffers, MemberReader};
use super::{Chunk, DecodeProblem, MemberResult, SourceFormat, SourceMember};
use crate::source::decompress::{MemberContent, PackedFile, UnpackedMember};

/// A file being read.
pub struct ChunkReader {
    packed: PackedFile,
    current: Option<(MemberReader, Arc<SourceMember>)>,
    finished: Vec<MemberResult>,
    problems: Vec<DecodeProblem>,
    tail_problems: Vec<DecodeProblem>,
    digest: String,
}

impl ChunkReader {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(ChunkReader {
            packed: PackedFile::open(path)?,
            current: None,
            finished: Vec::new(),
            problems: Vec::new(),
            tail_problems: Vec::new(),
            digest: String::new(),
        })
    }

    /// The next piece, in the buffers of an old one; `None` at the end, where those stay for the
    /// next file.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn next(&mut self, used: &mut Chunk) -> io::Result<Option<Chunk>> {
        let mut buffers = (std::mem::take(&mut used.text), std::mem::take(&mut used.records));
        let next = self.next_into(&mut buffers);
        (used.text, used.records) = buffers;
        next
    }

    fn next_into(&mut self, buffers: &mut ChunkBuffers) -> io::Result<Option<Chunk>> {
        loop {
            let Some((text, source)) = &mut self.current else {
                match self.packed.next()? {
                    None => {
                        self.digest = self.packed.digest()?;
                        return Ok(None);
                    }
                    Some(part) => self.start_member(part),
                }
                continue;
            };
            match text.next(buffers) {
                Ok(Some(cut)) => {
                    if text.is_embedded() && !source.is_embedded {
                        *source =
                            Arc::new(SourceMember { is_embedded: true, ..(**source).clone() });
                    }
                    let source = source.clone();
                    self.problems.extend(
                        text.take_problems().into_iter().map(|flaw| source.qualify_problem(flaw)),
                    );
                    return Ok(Some(Chunk {
                        text: cut.text,
                        records: cut.records,
                        format: cut.format,
                        member: source,
                        file_bytes: self.packed.take_bytes_read(),
                        positions: cut.positions,
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

    fn start_member(&mut self, part: UnpackedMember) {
        let source =
            SourceMember { name: part.name, is_packed: part.is_packed, is_embedded: false };
        let nothing = |shape| MemberResult { name: source.name.clone(), format: shape };
        match part.content {
            MemberContent::Text(input) => {
                self.current = Some((MemberReader::new(input), Arc::new(source)))
            }
            MemberContent::Unsupported(reason) => self.finished.push(nothing(Err(reason))),
            MemberContent::Empty => self.finished.push(nothing(Ok(SourceFormat::Empty))),
        }
    }

    fn finish_member(&mut self) {
        let Some((mut text, source)) = self.current.take() else { return };
        // What was at the end of a text that another follows is damage, and no sign of writing.
        self.problems.append(&mut self.tail_problems);
        let told =
            |flaws: Vec<DecodeProblem>| flaws.into_iter().map(|flaw| source.qualify_problem(flaw));
        self.problems.extend(told(text.take_problems()));
        self.tail_problems.extend(told(text.take_tail_problems()));
        self.finished.push(MemberResult { name: source.name.clone(), format: text.format() });
    }

    /// Takes nothing more of the present text, which is no log after all.
    pub fn set_unsupported(&mut self, reason: String) {
        if let Some((text, _)) = &mut self.current {
            text.set_unsupported(reason);
        }
    }

    /// What was wrong between and with records, so far.
    pub fn take_problems(&mut self) -> Vec<DecodeProblem> {
        std::mem::take(&mut self.problems)
    }

    /// What was wrong at the file's end: no damage, if the file is still being written.
    pub fn take_tail_problems(&mut self) -> Vec<DecodeProblem> {
        std::mem::take(&mut self.tail_problems)
    }

    /// The texts of the file that came to their end, so far.
    pub fn take_finished(&mut self) -> Vec<MemberResult> {
        std::mem::take(&mut self.finished)
    }

    /// The digest of the whole file, once the last piece was read.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
