//! A file read piece by piece: the texts in it, each cut between records.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::text::{Buffers, Text};
use super::{Ended, Flaw, Piece, Shape, Source};
use crate::source::decompress::{Content, Packed, Part};

/// A file being read.
pub struct Pieces {
    packed: Packed,
    text: Option<(Text, Arc<Source>)>,
    ended: Vec<Ended>,
    flaws: Vec<Flaw>,
    tail: Vec<Flaw>,
    digest: String,
}

impl Pieces {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Pieces {
            packed: Packed::open(path)?,
            text: None,
            ended: Vec::new(),
            flaws: Vec::new(),
            tail: Vec::new(),
            digest: String::new(),
        })
    }

    /// The next piece, in the buffers of an old one; `None` at the end, where those stay for the
    /// next file.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn next(&mut self, used: &mut Piece) -> io::Result<Option<Piece>> {
        let mut buffers = (std::mem::take(&mut used.text), std::mem::take(&mut used.records));
        let next = self.next_in(&mut buffers);
        (used.text, used.records) = buffers;
        next
    }

    fn next_in(&mut self, buffers: &mut Buffers) -> io::Result<Option<Piece>> {
        loop {
            let Some((text, source)) = &mut self.text else {
                match self.packed.next()? {
                    None => {
                        self.digest = self.packed.digest()?;
                        return Ok(None);
                    }
                    Some(part) => self.begin(part),
                }
                continue;
            };
            match text.next(buffers) {
                Ok(Some(cut)) => {
                    if text.is_in_strings() && !source.is_in_strings {
                        *source = Arc::new(Source { is_in_strings: true, ..(**source).clone() });
                    }
                    let source = source.clone();
                    self.flaws.extend(text.take_flaws().into_iter().map(|flaw| source.told(flaw)));
                    return Ok(Some(Piece {
                        text: cut.text,
                        records: cut.records,
                        shape: cut.shape,
                        source,
                        file_bytes: self.packed.take_read(),
                        places: cut.places,
                    }));
                }
                Ok(None) => self.end(),
                Err(error) => match self.packed.failure() {
                    Some(failure) => return Err(failure),
                    None => text.break_off(self.packed.broken(&error)),
                },
            }
        }
    }

    fn begin(&mut self, part: Part) {
        let source = Source { name: part.name, is_packed: part.is_packed, is_in_strings: false };
        let nothing = |shape| Ended { name: source.name.clone(), shape };
        match part.content {
            Content::Text(input) => self.text = Some((Text::new(input), Arc::new(source))),
            Content::Refused(reason) => self.ended.push(nothing(Err(reason))),
            Content::Nothing => self.ended.push(nothing(Ok(Shape::Empty))),
        }
    }

    fn end(&mut self) {
        let Some((mut text, source)) = self.text.take() else { return };
        // What was at the end of a text that another follows is damage, and no sign of writing.
        self.flaws.append(&mut self.tail);
        let told = |flaws: Vec<Flaw>| flaws.into_iter().map(|flaw| source.told(flaw));
        self.flaws.extend(told(text.take_flaws()));
        self.tail.extend(told(text.take_tail()));
        self.ended.push(Ended { name: source.name.clone(), shape: text.shape() });
    }

    /// Takes nothing more of the present text, which is no log after all.
    pub fn refuse(&mut self, reason: String) {
        if let Some((text, _)) = &mut self.text {
            text.refuse(reason);
        }
    }

    /// What was wrong between and with records, so far.
    pub fn take_flaws(&mut self) -> Vec<Flaw> {
        std::mem::take(&mut self.flaws)
    }

    /// What was wrong at the file's end: no damage, if the file is still being written.
    pub fn take_tail(&mut self) -> Vec<Flaw> {
        std::mem::take(&mut self.tail)
    }

    /// The texts of the file that came to their end, so far.
    pub fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// The digest of the whole file, once the last piece was read.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
