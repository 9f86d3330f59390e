//! A file read piece by piece, each piece ending between records.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::bounds::{Bounds, Step};
use super::decode::{Place, Transcoder, detect};
use super::refuse::what_it_is;
use super::rows::Rows;
use super::{Flaw, Piece, Shape};

/// How much is read at a time.
const READ_BYTES: usize = 1 << 20;

/// A piece is handed on when it has grown to this: enough work for a thread, little to hold.
const PIECE_BYTES: usize = 2 << 20;

/// How much of a file is looked at to tell what it is.
const LOOK_BYTES: usize = 64 << 10;

/// A file being read.
pub struct Pieces {
    file: File,
    hash: Box<Xxh3>,
    transcoder: Option<Transcoder>,
    raw: Vec<u8>,
    /// Decoded text that is not handed on yet, and where it begins.
    text: Vec<u8>,
    place: Place,
    records: Vec<(u32, u32)>,
    ended: bool,
    reading: Reading,
    flaws: Vec<Flaw>,
}

enum Reading {
    /// Nothing is known yet.
    Start,
    Json(Bounds),
    Csv {
        header: Vec<u8>,
        rows: Rows,
    },
    Empty,
    /// No log; the reason.
    Refused(String),
}

impl Pieces {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Pieces {
            file: File::open(path)?,
            hash: Box::new(Xxh3::new()),
            transcoder: None,
            raw: Vec::new(),
            text: Vec::new(),
            place: Place::default(),
            records: Vec::new(),
            ended: false,
            reading: Reading::Start,
            flaws: Vec::new(),
        })
    }

    /// The next piece, in the buffers of an old one; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn next(&mut self, used: Piece) -> io::Result<Option<Piece>> {
        if matches!(self.reading, Reading::Start) {
            self.recognise()?;
        }
        loop {
            let done = match &mut self.reading {
                Reading::Refused(_) | Reading::Empty | Reading::Start => {
                    self.text.clear();
                    if self.ended {
                        return Ok(None);
                    }
                    self.fill()?;
                    continue;
                }
                Reading::Json(_) => self.find_records(),
                Reading::Csv { rows, .. } => {
                    let end = rows.last_end(&self.text);
                    if self.ended { self.last_row(end) } else { end }
                }
            };
            let has_records = !self.records.is_empty() || (done > 0 && self.is_csv());
            if has_records && (self.ended || self.text.len() >= PIECE_BYTES) {
                return Ok(Some(self.hand_on(done, used)));
            }
            if self.ended {
                self.end_json();
                return Ok(None);
            }
            if self.records.is_empty() && done > PIECE_BYTES && !self.is_csv() {
                self.drop_front(done);
            }
            self.fill()?;
        }
    }

    /// What the file is. Known after the first call of [`Pieces::next`]; which kind of JSON it is,
    /// at the end.
    ///
    /// # Errors
    ///
    /// The reason why it is no log.
    pub fn shape(&self) -> Result<Shape, String> {
        match &self.reading {
            Reading::Start | Reading::Empty => Ok(Shape::Empty),
            Reading::Refused(reason) => Err(reason.clone()),
            Reading::Csv { header, .. } => Ok(Shape::Csv(header.clone())),
            Reading::Json(bounds) if bounds.traits.rest => Ok(Shape::Rest),
            Reading::Json(bounds) if bounds.traits.array => Ok(Shape::Array),
            Reading::Json(bounds) if bounds.traits.objects => Ok(Shape::Objects),
            Reading::Json(_) => Ok(Shape::Empty),
        }
    }

    /// Takes nothing more of the file, which is no log after all; its digest is still made.
    pub fn refuse(&mut self, reason: String) {
        self.reading = Reading::Refused(reason);
        self.records.clear();
    }

    /// What was wrong between and with records, so far.
    pub fn take_flaws(&mut self) -> Vec<Flaw> {
        std::mem::take(&mut self.flaws)
    }

    /// The digest of the whole file, once the last piece was read.
    pub fn digest(&self) -> String {
        text_of(&self.hash)
    }

    fn is_csv(&self) -> bool {
        matches!(self.reading, Reading::Csv { .. })
    }

    fn fill(&mut self) -> io::Result<()> {
        match &mut self.transcoder {
            None => {
                let start = self.text.len();
                self.text.reserve(READ_BYTES);
                (&self.file).take(READ_BYTES as u64).read_to_end(&mut self.text)?;
                self.ended = self.text.len() == start;
                self.hash.update(&self.text[start..]);
            }
            Some(transcoder) => {
                self.raw.clear();
                (&self.file).take(READ_BYTES as u64).read_to_end(&mut self.raw)?;
                self.ended = self.raw.is_empty();
                self.hash.update(&self.raw);
                transcoder.decode(&self.raw, self.ended, &mut self.text);
            }
        }
        Ok(())
    }

    /// Tells coding and shape from the first bytes.
    fn recognise(&mut self) -> io::Result<()> {
        self.fill()?;
        let (coding, mark) = detect(&self.text);
        self.place = Place { coding, byte: mark as u64 };
        self.transcoder = Transcoder::of(coding);
        let start = self.text.split_off(mark.min(self.text.len()));
        match &mut self.transcoder {
            Some(transcoder) => {
                self.text.clear();
                transcoder.decode(&start, self.ended, &mut self.text);
            }
            None => self.text = start,
        }
        self.reading = loop {
            let skipped =
                self.text.iter().take_while(|&&b| b.is_ascii_whitespace() || b == 0).count();
            match self.text.get(skipped) {
                None if self.ended => break Reading::Empty,
                None => self.fill()?,
                // Export-Csv puts its header in quotes, which is what a JSON text begins with too.
                Some(b'"') if !begins_with_cell(&self.text[skipped..]) => {
                    break Reading::Json(Bounds::default());
                }
                Some(b'{' | b'[') => break Reading::Json(Bounds::default()),
                Some(b'n') if self.text[skipped..].starts_with(b"null") => {
                    break Reading::Json(Bounds::default());
                }
                Some(_) => break self.recognise_lines(skipped),
            }
        };
        Ok(())
    }

    /// A CSV by its header line, behind the `#TYPE` line that Export-Csv may put first.
    fn recognise_lines(&mut self, skipped: usize) -> Reading {
        let mut start = skipped;
        loop {
            let rest = &self.text[start..self.text.len().min(start + LOOK_BYTES)];
            let end = memchr::memchr2(b'\n', b'\r', rest)
                .map_or(rest.len(), |at| at + if rest[at..].starts_with(b"\r\n") { 2 } else { 1 });
            let line = &rest[..end];
            if line.starts_with(b"#") && end < rest.len() {
                start += end;
            } else if is_header(line) {
                let header = line.to_vec();
                self.drop_front(start + end);
                return Reading::Csv { header, rows: Rows::default() };
            } else {
                return Reading::Refused(what_it_is(&self.text[skipped..]));
            }
        }
    }

    /// Collects the records of the text; tells up to where it is done with.
    fn find_records(&mut self) -> usize {
        let Reading::Json(bounds) = &mut self.reading else { return 0 };
        loop {
            match bounds.step(&self.text, self.ended) {
                Step::Record(start, end) => self.records.push((start as u32, end as u32)),
                Step::More => return bounds.done(),
                wrong => self.flaws.extend(flaw(wrong, &self.text, self.place)),
            }
        }
    }

    /// The last row of a file has no line break behind it, or breaks off inside a cell.
    fn last_row(&mut self, end: usize) -> usize {
        let Reading::Csv { rows, .. } = &mut self.reading else { return end };
        if !rows.is_quoted() {
            return self.text.len();
        }
        rows.cut();
        let position = self.place.position(&self.text, end);
        let reason = "the file ends in the middle of a row".to_owned();
        self.flaws.push(Flaw::record(position, reason, &self.text[end..]));
        self.text.truncate(end);
        end
    }

    /// At the end: what is still open is a flaw.
    fn end_json(&mut self) {
        let Reading::Json(bounds) = &mut self.reading else { return };
        let open = bounds.unclosed(&self.text);
        self.flaws.extend(open.and_then(|open| flaw(open, &self.text, self.place)));
        self.text.clear();
        let traits = bounds.traits;
        *bounds = Bounds::default();
        bounds.traits = traits;
    }

    /// Makes a piece of the text up to `done`; what stands behind begins the next.
    fn hand_on(&mut self, done: usize, mut used: Piece) -> Piece {
        used.text.clear();
        used.text.extend_from_slice(&self.text[done..]);
        used.records.clear();
        let place = self.place;
        self.place = place.behind(&self.text, done);
        self.moved_front(done);
        let mut text = std::mem::replace(&mut self.text, used.text);
        text.truncate(done);
        let records = std::mem::replace(&mut self.records, used.records);
        Piece { text, records, place }
    }

    /// Forgets the text's first `len` bytes.
    fn drop_front(&mut self, len: usize) {
        self.place = self.place.behind(&self.text, len);
        self.moved_front(len);
        self.text.drain(..len);
    }

    fn moved_front(&mut self, len: usize) {
        match &mut self.reading {
            Reading::Json(bounds) => bounds.drop_front(len),
            Reading::Csv { rows, .. } => rows.drop_front(len),
            _ => {}
        }
    }
}

/// What a step found that is wrong, as it is told.
fn flaw(step: Step, text: &[u8], place: Place) -> Option<Flaw> {
    match step {
        Step::Record(..) | Step::More => None,
        Step::Bad(start, end, reason) => {
            Some(Flaw::record(place.position(text, start), reason, &text[start..end]))
        }
        Step::Unclosed(at, reason) => Some(Flaw::file(place.position(text, at), reason)),
    }
}

/// Whether a text that begins with a quote begins with a quoted cell: behind the cell stands what
/// separates cells.
fn begins_with_cell(text: &[u8]) -> bool {
    let rest = &text[1..];
    memchr::memchr2(b'"', b'\\', rest).is_some_and(|end| {
        rest[end] == b'"' && matches!(rest.get(end + 1), Some(b',' | b';' | b'\t'))
    })
}

/// Whether a line may be the header of a CSV of events.
fn is_header(line: &[u8]) -> bool {
    const NAMES: [&str; 4] = ["auditdata", "creationtime", "creationdate", "activity"];
    let text = String::from_utf8_lossy(line).to_lowercase();
    text.contains([',', ';', '\t']) && NAMES.iter().any(|name| text.contains(name))
}

/// The digest of a file, for telling whether it is known.
///
/// # Errors
///
/// Those of the operating system.
pub fn digest(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let (mut hash, mut buffer) = (Xxh3::new(), Vec::with_capacity(READ_BYTES));
    loop {
        buffer.clear();
        if (&file).take(READ_BYTES as u64).read_to_end(&mut buffer)? == 0 {
            return Ok(text_of(&hash));
        }
        hash.update(&buffer);
    }
}

fn text_of(hash: &Xxh3) -> String {
    format!("xxh3-128:{:032x}", hash.digest128())
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
