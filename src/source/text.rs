//! One text of a file, read piece by piece, each piece ending between records.

use std::io::{self, Read};

use super::bounds::{Bounds, Step, Traits};
use super::decode::Decoder;
use super::{Flaw, Shape};
use crate::source::csv_rows::{Rows, Seen, blank};
use crate::source::embedded_json::{Unquoted, holds_json, unquote};
use crate::source::positions::Places;
use crate::source::unsupported::what_it_is;

/// A piece is handed on when it has grown to this: enough work for a thread, little to hold.
const PIECE_BYTES: usize = 2 << 20;

/// How much of a text is looked at to tell what it is.
const LOOK_BYTES: usize = 64 << 10;

/// JSON in strings in strings: so many times it is taken out again.
const STRINGS_MAX: usize = 3;

/// A text being read.
pub(super) struct Text {
    input: Box<dyn Read + Send>,
    decoder: Decoder,
    /// What takes JSON out of the strings that the text is made of, the outermost first.
    strings: Vec<Unquoted>,
    /// Decoded text that is not handed on yet, and where it begins.
    text: Vec<u8>,
    places: Places,
    records: Vec<(u32, u32)>,
    /// What strings among the records held, and where it stood.
    held: Held,
    ended: bool,
    reading: Reading,
    flaws: Vec<Flaw>,
    /// Flaws of the end: what a file that is still being written has, too.
    tail: Vec<Flaw>,
}

/// Text that stood in strings where records were expected. It goes behind the text of a piece.
#[derive(Default)]
struct Held {
    text: Vec<u8>,
    /// Where in it each string's text begins, and where in the file the string stood.
    begins: Vec<(usize, u64)>,
    /// Which of the records are in it.
    records: Vec<usize>,
}

enum Reading {
    /// Nothing is known yet.
    Start,
    Json(Bounds),
    Csv(Rows),
    Empty,
    /// No log; the reason.
    Refused(String),
}

/// The text of a piece, and where in it records begin and end.
pub(super) type Buffers = (Vec<u8>, Vec<(u32, u32)>);

/// A piece of a text, before it is known which text of which file it belongs to.
pub(super) struct Cut {
    pub(super) text: Vec<u8>,
    pub(super) records: Vec<(u32, u32)>,
    pub(super) places: Places,
    pub(super) shape: Shape,
}

impl Text {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Text {
            input,
            decoder: Decoder::default(),
            strings: Vec::new(),
            text: Vec::new(),
            places: Places::default(),
            records: Vec::new(),
            held: Held::default(),
            ended: false,
            reading: Reading::Start,
            flaws: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// The next piece, in the buffers of an old one if there are any; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the input.
    pub(super) fn next(&mut self, used: &mut Buffers) -> io::Result<Option<Cut>> {
        if matches!(self.reading, Reading::Start) {
            if self.text.is_empty() {
                self.text = std::mem::take(&mut used.0);
                self.text.clear();
            }
            self.recognise()?;
        }
        loop {
            let (done, is_cut) = match &mut self.reading {
                // What is left of the file is read for its digest only.
                Reading::Refused(_) | Reading::Empty | Reading::Start => return Ok(None),
                Reading::Json(_) => (self.find_records(), false),
                Reading::Csv(_) => match self.find_rows() {
                    (0, Some(header)) => {
                        self.take_header(header);
                        continue;
                    }
                    (done, header) => (done, header.is_some()),
                },
            };
            let has_records = !self.records.is_empty() || (done > 0 && self.is_csv());
            // Flaws are handed on too, so that a file of nothing else does not fill the memory.
            let has_flaws = done > 0 && !self.flaws.is_empty();
            let is_full = self.text.len() >= PIECE_BYTES;
            if has_records && (self.ended || is_cut || is_full) || has_flaws && is_full {
                return Ok(Some(self.hand_on(done, used)));
            }
            if self.ended {
                self.end();
                return Ok(None);
            }
            if self.records.is_empty() && done > PIECE_BYTES {
                self.drop_front(done);
            }
            self.fill()?;
        }
    }

    /// What the text is. Known after the first call of [`Text::next`]; which kind of JSON it is,
    /// at the end.
    ///
    /// # Errors
    ///
    /// The reason why it is no log.
    pub(super) fn shape(&self) -> Result<Shape, String> {
        match &self.reading {
            Reading::Start | Reading::Empty => Ok(Shape::Empty),
            Reading::Refused(reason) => Err(reason.clone()),
            Reading::Csv(rows) => Ok(Shape::Csv(rows.header().to_vec())),
            Reading::Json(bounds) if bounds.traits.rest => Ok(Shape::Rest),
            Reading::Json(bounds) if bounds.traits.array => Ok(Shape::Array),
            Reading::Json(bounds) if bounds.traits.objects => Ok(Shape::Objects),
            Reading::Json(_) => Ok(Shape::Empty),
        }
    }

    /// Whether positions are those of the text that the file's JSON strings hold.
    pub(super) fn is_in_strings(&self) -> bool {
        !self.strings.is_empty()
    }

    /// Takes nothing more of the text, which is no log after all.
    pub(super) fn refuse(&mut self, reason: String) {
        self.reading = Reading::Refused(reason);
        self.records.clear();
    }

    /// The input has failed: what came before it is all there is.
    pub(super) fn break_off(&mut self, reason: String) {
        let at = self.places.position(&self.text, self.text.len());
        self.tail.push(Flaw::file(at, reason));
        self.ended = true;
    }

    /// What was wrong between and with records, so far.
    pub(super) fn take_flaws(&mut self) -> Vec<Flaw> {
        std::mem::take(&mut self.flaws)
    }

    /// What was wrong with the end.
    pub(super) fn take_tail(&mut self) -> Vec<Flaw> {
        std::mem::take(&mut self.tail)
    }

    fn is_csv(&self) -> bool {
        matches!(self.reading, Reading::Csv(_))
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.strings.is_empty() {
            let input = &mut *self.input;
            self.ended |= self.decoder.fill(input, &mut self.text, &mut self.places)?;
            return Ok(());
        }
        let (mut text, mut unused) = (Vec::new(), Places::default());
        let filled = self.decoder.fill(&mut *self.input, &mut text, &mut unused);
        self.take_out(&text);
        self.ended |= filled?;
        Ok(())
    }

    /// Appends what decoded text holds in its strings.
    fn take_out(&mut self, text: &[u8]) {
        let mut text = text.to_vec();
        for unquoted in &mut self.strings {
            let mut inner = Vec::with_capacity(text.len());
            unquoted.push(&text, &mut inner);
            text = inner;
        }
        self.text.extend_from_slice(&text);
    }

    /// Tells the shape from the first bytes.
    fn recognise(&mut self) -> io::Result<()> {
        self.reading = loop {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
            let skipped = self.text.iter().take_while(|byte| blank(byte)).count();
            let rest = &self.text[skipped..];
            if rest.len() < LOOK_BYTES && !self.ended {
                if rest.is_empty() {
                    self.drop_front(skipped);
                }
                self.fill()?;
                continue;
            }
            match rest.first() {
                None => break Reading::Empty,
                // Export-Csv puts its header in quotes, which is what a JSON text begins with too.
                Some(b'"') if !begins_with_cell(rest) => {
                    let is_more = holds_json(rest) == Some(true);
                    if !is_more || self.strings.len() >= STRINGS_MAX {
                        break Reading::Json(Bounds::default());
                    }
                    let text = std::mem::take(&mut self.text);
                    self.places = Places::default();
                    let mut unquoted = Unquoted::default();
                    unquoted.push(&text, &mut self.text);
                    self.strings.push(unquoted);
                }
                Some(b'{' | b'[') => break Reading::Json(Bounds::default()),
                Some(b'n') if rest.starts_with(b"null") => {
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
                let rows = Rows::of(line);
                self.drop_front(start + end);
                return Reading::Csv(rows);
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
                Step::Text(start, end) => {
                    let position = self.places.position(&self.text, start);
                    let mut inside = Inside {
                        held: &mut self.held,
                        records: &mut self.records,
                        flaws: &mut self.flaws,
                        position,
                    };
                    let depth = self.strings.len() + 1;
                    bounds.traits.add(inside.look(&self.text[start..end], depth));
                }
                Step::More => return bounds.done(),
                wrong => self.flaws.extend(flaw(wrong, &self.text, &self.places)),
            }
        }
    }

    /// Looks for the ends of rows; tells up to where the text is done with, and where the header
    /// of another CSV stands behind it.
    fn find_rows(&mut self) -> (usize, Option<(usize, usize)>) {
        let Reading::Csv(rows) = &mut self.reading else { return (0, None) };
        loop {
            match rows.next(&self.text, self.ended) {
                Seen::More => return (rows.end(), None),
                Seen::NoRow(start, end) => blank(&mut self.text[start..end]),
                Seen::Lost(start, end, reason) => {
                    let position = self.places.position(&self.text, start);
                    let flaw = Flaw::record(position, reason.to_owned(), &self.text[start..end]);
                    let is_tail = self.ended && end == self.text.len();
                    if is_tail { &mut self.tail } else { &mut self.flaws }.push(flaw);
                    blank(&mut self.text[start..end]);
                }
                Seen::Header(start, end) => return (start, Some((start, end))),
            }
        }
    }

    /// Rows of another CSV begin: those of this one are handed on.
    fn take_header(&mut self, (start, end): (usize, usize)) {
        let rows = Rows::of(&self.text[start..end]);
        self.reading = Reading::Empty;
        self.drop_front(end);
        self.reading = Reading::Csv(rows);
    }

    /// At the end: what is still open is a flaw.
    fn end(&mut self) {
        let Reading::Json(bounds) = &mut self.reading else { return };
        let open = bounds.unclosed(&self.text);
        self.tail.extend(open.and_then(|open| flaw(open, &self.text, &self.places)));
        self.text.clear();
        let traits = bounds.traits;
        *bounds = Bounds::default();
        bounds.traits = traits;
    }

    /// Makes a piece of the text up to `done`; what stands behind begins the next.
    fn hand_on(&mut self, done: usize, used: &mut Buffers) -> Cut {
        let shape = self.shape().unwrap_or(Shape::Empty);
        let (mut rest, mut records) = std::mem::take(used);
        rest.clear();
        rest.extend_from_slice(&self.text[done..]);
        records.clear();
        let behind = self.places.behind(&self.text, done);
        let mut places = std::mem::replace(&mut self.places, behind);
        self.moved_front(done);
        let mut text = std::mem::replace(&mut self.text, rest);
        text.truncate(done);
        let mut records = std::mem::replace(&mut self.records, records);
        self.held.put_behind(&mut text, &mut records, &mut places);
        Cut { text, records, places, shape }
    }

    /// Forgets the text's first `len` bytes.
    fn drop_front(&mut self, len: usize) {
        self.places = self.places.behind(&self.text, len);
        self.moved_front(len);
        self.text.drain(..len);
    }

    fn moved_front(&mut self, len: usize) {
        match &mut self.reading {
            Reading::Json(bounds) => bounds.drop_front(len),
            Reading::Csv(rows) => rows.drop_front(len),
            _ => {}
        }
    }
}

impl Held {
    /// Puts it behind the text of a piece, and mends the bounds of its records.
    fn put_behind(&mut self, text: &mut Vec<u8>, records: &mut [(u32, u32)], places: &mut Places) {
        if self.text.is_empty() {
            return;
        }
        let base = text.len();
        places.truncate(base);
        for (at, position) in self.begins.drain(..) {
            places.begin_fixed(base + at, position);
        }
        for number in self.records.drain(..) {
            if let Some((start, end)) = records.get_mut(number) {
                *start += base as u32;
                *end += base as u32;
            }
        }
        text.append(&mut self.text);
    }
}

/// Looks for records in what a string holds.
struct Inside<'t> {
    held: &'t mut Held,
    records: &'t mut Vec<(u32, u32)>,
    flaws: &'t mut Vec<Flaw>,
    /// Where the string stands in the file: all that is found in it stands there.
    position: u64,
}

impl Inside<'_> {
    fn look(&mut self, string: &[u8], depth: usize) -> Traits {
        if depth > STRINGS_MAX {
            let reason = format!("JSON in strings, more than {STRINGS_MAX} deep");
            self.flaws.push(Flaw::record(self.position, reason, string));
            return Traits::default();
        }
        let mut text = Vec::with_capacity(string.len());
        unquote(string, &mut text);
        let base = self.held.text.len();
        self.held.begins.push((base, self.position));
        self.held.text.extend_from_slice(&text);
        let mut bounds = Bounds::default();
        loop {
            match bounds.step(&text, true) {
                Step::More => break,
                Step::Record(start, end) => {
                    self.held.records.push(self.records.len());
                    self.records.push(((base + start) as u32, (base + end) as u32));
                }
                Step::Text(start, end) => {
                    bounds.traits.add(self.look(&text[start..end], depth + 1));
                }
                wrong => self.wrong(wrong, &text),
            }
        }
        if let Some(open) = bounds.unclosed(&text) {
            self.wrong(open, &text);
        }
        bounds.traits
    }

    fn wrong(&mut self, step: Step, text: &[u8]) {
        let flaw = flaw(step, text, &Places::default());
        self.flaws.extend(flaw.map(|flaw| Flaw {
            position: self.position,
            reason: format!("in a JSON string: {}", flaw.reason.replace("the file", "the text")),
            ..flaw
        }));
    }
}

/// What a step found that is wrong, as it is told.
fn flaw(step: Step, text: &[u8], places: &Places) -> Option<Flaw> {
    match step {
        Step::Record(..) | Step::Text(..) | Step::More => None,
        Step::Bad(start, end, reason) => {
            Some(Flaw::record(places.position(text, start), reason, &text[start..end]))
        }
        Step::Unclosed(at, reason) => Some(Flaw::file(places.position(text, at), reason)),
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
