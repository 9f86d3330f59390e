//! One text of a file, read piece by piece, each piece ending between records.

use std::io::{self, Read};

use super::bounds::{FormatFlags, RecordScanner, RecordStep};
use super::decode::TextDecoder;
use super::{DecodeProblem, SourceFormat};
use crate::source::csv_rows::{CsvRowScanner, CsvStep, blank_out};
use crate::source::embedded_json::{StringUnquoter, is_embedded_json, unquote};
use crate::source::positions::PositionMap;
use crate::source::unsupported::describe_unsupported;

/// A piece is handed on when it has grown to this: enough work for a thread, little to hold.
const CHUNK_BYTES: usize = 2 << 20;

/// How much of a text is looked at to tell what it is.
const SNIFF_BYTES: usize = 64 << 10;

/// JSON in strings in strings: so many times it is taken out again.
const MAX_STRING_DEPTH: usize = 3;

/// A text being read.
pub(super) struct MemberReader {
    input: Box<dyn Read + Send>,
    decoder: TextDecoder,
    /// What takes JSON out of the strings that the text is made of, the outermost first.
    unquoters: Vec<StringUnquoter>,
    /// Decoded text that is not handed on yet, and where it begins.
    text: Vec<u8>,
    positions: PositionMap,
    records: Vec<(u32, u32)>,
    /// What strings among the records held, and where it stood.
    embedded: EmbeddedText,
    is_at_end: bool,
    state: ReadState,
    problems: Vec<DecodeProblem>,
    /// Flaws of the end: what a file that is still being written has, too.
    tail_problems: Vec<DecodeProblem>,
}

/// Text that stood in strings where records were expected. It goes behind the text of a piece.
#[derive(Default)]
struct EmbeddedText {
    text: Vec<u8>,
    /// Where in it each string's text begins, and where in the file the string stood.
    string_starts: Vec<(usize, u64)>,
    /// Which of the records are in it.
    record_indexes: Vec<usize>,
}

enum ReadState {
    /// Nothing is known yet.
    Undetected,
    Json(RecordScanner),
    Csv(CsvRowScanner),
    Empty,
    /// No log; the reason.
    Unsupported(String),
}

/// The text of a piece, and where in it records begin and end.
pub(super) type ChunkBuffers = (Vec<u8>, Vec<(u32, u32)>);

/// A piece of a text, before it is known which text of which file it belongs to.
pub(super) struct MemberChunk {
    pub(super) text: Vec<u8>,
    pub(super) records: Vec<(u32, u32)>,
    pub(super) positions: PositionMap,
    pub(super) format: SourceFormat,
}

impl MemberReader {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        MemberReader {
            input,
            decoder: TextDecoder::default(),
            unquoters: Vec::new(),
            text: Vec::new(),
            positions: PositionMap::default(),
            records: Vec::new(),
            embedded: EmbeddedText::default(),
            is_at_end: false,
            state: ReadState::Undetected,
            problems: Vec::new(),
            tail_problems: Vec::new(),
        }
    }

    /// The next piece, in the buffers of an old one if there are any; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the input.
    pub(super) fn next(&mut self, used: &mut ChunkBuffers) -> io::Result<Option<MemberChunk>> {
        if matches!(self.state, ReadState::Undetected) {
            if self.text.is_empty() {
                self.text = std::mem::take(&mut used.0);
                self.text.clear();
            }
            self.detect_format()?;
        }
        loop {
            let (done, is_cut) = match &mut self.state {
                // What is left of the file is read for its digest only.
                ReadState::Unsupported(_) | ReadState::Empty | ReadState::Undetected => {
                    return Ok(None);
                }
                ReadState::Json(_) => (self.find_records(), false),
                ReadState::Csv(_) => match self.find_rows() {
                    (0, Some(header)) => {
                        self.start_new_csv(header);
                        continue;
                    }
                    (done, header) => (done, header.is_some()),
                },
            };
            let has_records = !self.records.is_empty() || (done > 0 && self.is_csv());
            // Flaws are handed on too, so that a file of nothing else does not fill the memory.
            let has_flaws = done > 0 && !self.problems.is_empty();
            let is_full = self.text.len() >= CHUNK_BYTES;
            if has_records && (self.is_at_end || is_cut || is_full) || has_flaws && is_full {
                return Ok(Some(self.take_chunk(done, used)));
            }
            if self.is_at_end {
                self.finish();
                return Ok(None);
            }
            if self.records.is_empty() && done > CHUNK_BYTES {
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
    pub(super) fn format(&self) -> Result<SourceFormat, String> {
        match &self.state {
            ReadState::Undetected | ReadState::Empty => Ok(SourceFormat::Empty),
            ReadState::Unsupported(reason) => Err(reason.clone()),
            ReadState::Csv(rows) => Ok(SourceFormat::Csv(rows.header().to_vec())),
            ReadState::Json(bounds) if bounds.format_flags.is_rest => Ok(SourceFormat::Rest),
            ReadState::Json(bounds) if bounds.format_flags.is_array => Ok(SourceFormat::Array),
            ReadState::Json(bounds) if bounds.format_flags.is_objects => Ok(SourceFormat::Objects),
            ReadState::Json(_) => Ok(SourceFormat::Empty),
        }
    }

    /// Whether positions are those of the text that the file's JSON strings hold.
    pub(super) fn is_embedded(&self) -> bool {
        !self.unquoters.is_empty()
    }

    /// Takes nothing more of the text, which is no log after all.
    pub(super) fn set_unsupported(&mut self, reason: String) {
        self.state = ReadState::Unsupported(reason);
        self.records.clear();
    }

    /// The input has failed: what came before it is all there is.
    pub(super) fn stop_at_error(&mut self, reason: String) {
        let at = self.positions.position(&self.text, self.text.len());
        self.tail_problems.push(DecodeProblem::for_file(at, reason));
        self.is_at_end = true;
    }

    /// What was wrong between and with records, so far.
    pub(super) fn take_problems(&mut self) -> Vec<DecodeProblem> {
        std::mem::take(&mut self.problems)
    }

    /// What was wrong with the end.
    pub(super) fn take_tail_problems(&mut self) -> Vec<DecodeProblem> {
        std::mem::take(&mut self.tail_problems)
    }

    fn is_csv(&self) -> bool {
        matches!(self.state, ReadState::Csv(_))
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.unquoters.is_empty() {
            let input = &mut *self.input;
            self.is_at_end |= self.decoder.fill(input, &mut self.text, &mut self.positions)?;
            return Ok(());
        }
        let (mut text, mut unused) = (Vec::new(), PositionMap::default());
        let filled = self.decoder.fill(&mut *self.input, &mut text, &mut unused);
        self.push_unquoted(&text);
        self.is_at_end |= filled?;
        Ok(())
    }

    /// Appends what decoded text holds in its strings.
    fn push_unquoted(&mut self, text: &[u8]) {
        let mut text = text.to_vec();
        for unquoted in &mut self.unquoters {
            let mut inner = Vec::with_capacity(text.len());
            unquoted.push(&text, &mut inner);
            text = inner;
        }
        self.text.extend_from_slice(&text);
    }

    /// Tells the shape from the first bytes.
    fn detect_format(&mut self) -> io::Result<()> {
        self.state = loop {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
            let skipped = self.text.iter().take_while(|byte| blank(byte)).count();
            let rest = &self.text[skipped..];
            if rest.len() < SNIFF_BYTES && !self.is_at_end {
                if rest.is_empty() {
                    self.drop_front(skipped);
                }
                self.fill()?;
                continue;
            }
            match rest.first() {
                None => break ReadState::Empty,
                // Export-Csv puts its header in quotes, which is what a JSON text begins with too.
                Some(b'"') if !starts_with_quoted_cell(rest) => {
                    let is_more = is_embedded_json(rest) == Some(true);
                    if !is_more || self.unquoters.len() >= MAX_STRING_DEPTH {
                        break ReadState::Json(RecordScanner::default());
                    }
                    let text = std::mem::take(&mut self.text);
                    self.positions = PositionMap::default();
                    let mut unquoted = StringUnquoter::default();
                    unquoted.push(&text, &mut self.text);
                    self.unquoters.push(unquoted);
                }
                Some(b'{' | b'[') => break ReadState::Json(RecordScanner::default()),
                Some(b'n') if rest.starts_with(b"null") => {
                    break ReadState::Json(RecordScanner::default());
                }
                Some(_) => break self.detect_csv(skipped),
            }
        };
        Ok(())
    }

    /// A CSV by its header line, behind the `#TYPE` line that Export-Csv may put first.
    fn detect_csv(&mut self, skipped: usize) -> ReadState {
        let mut start = skipped;
        loop {
            let rest = &self.text[start..self.text.len().min(start + SNIFF_BYTES)];
            let end = memchr::memchr2(b'\n', b'\r', rest)
                .map_or(rest.len(), |at| at + if rest[at..].starts_with(b"\r\n") { 2 } else { 1 });
            let line = &rest[..end];
            if line.starts_with(b"#") && end < rest.len() {
                start += end;
            } else if is_csv_header(line) {
                let rows = CsvRowScanner::new(line);
                self.drop_front(start + end);
                return ReadState::Csv(rows);
            } else {
                return ReadState::Unsupported(describe_unsupported(&self.text[skipped..]));
            }
        }
    }

    /// Collects the records of the text; tells up to where it is done with.
    fn find_records(&mut self) -> usize {
        let ReadState::Json(bounds) = &mut self.state else { return 0 };
        loop {
            match bounds.step(&self.text, self.is_at_end) {
                RecordStep::Record(start, end) => self.records.push((start as u32, end as u32)),
                RecordStep::EmbeddedJson(start, end) => {
                    let position = self.positions.position(&self.text, start);
                    let mut inside = EmbeddedScanner {
                        embedded: &mut self.embedded,
                        records: &mut self.records,
                        problems: &mut self.problems,
                        position,
                    };
                    let depth = self.unquoters.len() + 1;
                    bounds.format_flags.add(inside.scan(&self.text[start..end], depth));
                }
                RecordStep::NeedMore => return bounds.consumed(),
                wrong => self.problems.extend(step_problem(wrong, &self.text, &self.positions)),
            }
        }
    }

    /// Looks for the ends of rows; tells up to where the text is done with, and where the header
    /// of another CSV stands behind it.
    fn find_rows(&mut self) -> (usize, Option<(usize, usize)>) {
        let ReadState::Csv(rows) = &mut self.state else { return (0, None) };
        loop {
            match rows.next(&self.text, self.is_at_end) {
                CsvStep::NeedMore => return (rows.rows_end(), None),
                CsvStep::NotARow(start, end) => blank_out(&mut self.text[start..end]),
                CsvStep::Invalid(start, end, reason) => {
                    let position = self.positions.position(&self.text, start);
                    let flaw = DecodeProblem::for_record(
                        position,
                        reason.to_owned(),
                        &self.text[start..end],
                    );
                    let is_tail = self.is_at_end && end == self.text.len();
                    if is_tail { &mut self.tail_problems } else { &mut self.problems }.push(flaw);
                    blank_out(&mut self.text[start..end]);
                }
                CsvStep::NewHeader(start, end) => return (start, Some((start, end))),
            }
        }
    }

    /// Rows of another CSV begin: those of this one are handed on.
    fn start_new_csv(&mut self, (start, end): (usize, usize)) {
        let rows = CsvRowScanner::new(&self.text[start..end]);
        self.state = ReadState::Empty;
        self.drop_front(end);
        self.state = ReadState::Csv(rows);
    }

    /// At the end: what is still open is a flaw.
    fn finish(&mut self) {
        let ReadState::Json(bounds) = &mut self.state else { return };
        let open = bounds.unclosed(&self.text);
        self.tail_problems
            .extend(open.and_then(|open| step_problem(open, &self.text, &self.positions)));
        self.text.clear();
        let traits = bounds.format_flags;
        *bounds = RecordScanner::default();
        bounds.format_flags = traits;
    }

    /// Makes a piece of the text up to `done`; what stands behind begins the next.
    fn take_chunk(&mut self, done: usize, used: &mut ChunkBuffers) -> MemberChunk {
        let shape = self.format().unwrap_or(SourceFormat::Empty);
        let (mut rest, mut records) = std::mem::take(used);
        rest.clear();
        rest.extend_from_slice(&self.text[done..]);
        records.clear();
        let behind = self.positions.suffix_from(&self.text, done);
        let mut places = std::mem::replace(&mut self.positions, behind);
        self.shift_scanner(done);
        let mut text = std::mem::replace(&mut self.text, rest);
        text.truncate(done);
        let mut records = std::mem::replace(&mut self.records, records);
        self.embedded.append_to(&mut text, &mut records, &mut places);
        MemberChunk { text, records, positions: places, format: shape }
    }

    /// Forgets the text's first `len` bytes.
    fn drop_front(&mut self, len: usize) {
        self.positions = self.positions.suffix_from(&self.text, len);
        self.shift_scanner(len);
        self.text.drain(..len);
    }

    fn shift_scanner(&mut self, len: usize) {
        match &mut self.state {
            ReadState::Json(bounds) => bounds.drop_front(len),
            ReadState::Csv(rows) => rows.drop_front(len),
            _ => {}
        }
    }
}

impl EmbeddedText {
    /// Puts it behind the text of a piece, and mends the bounds of its records.
    fn append_to(
        &mut self,
        text: &mut Vec<u8>,
        records: &mut [(u32, u32)],
        places: &mut PositionMap,
    ) {
        if self.text.is_empty() {
            return;
        }
        let base = text.len();
        places.truncate(base);
        for (at, position) in self.string_starts.drain(..) {
            places.start_fixed_segment(base + at, position);
        }
        for number in self.record_indexes.drain(..) {
            if let Some((start, end)) = records.get_mut(number) {
                *start += base as u32;
                *end += base as u32;
            }
        }
        text.append(&mut self.text);
    }
}

/// Looks for records in what a string holds.
struct EmbeddedScanner<'t> {
    embedded: &'t mut EmbeddedText,
    records: &'t mut Vec<(u32, u32)>,
    problems: &'t mut Vec<DecodeProblem>,
    /// Where the string stands in the file: all that is found in it stands there.
    position: u64,
}

impl EmbeddedScanner<'_> {
    fn scan(&mut self, string: &[u8], depth: usize) -> FormatFlags {
        if depth > MAX_STRING_DEPTH {
            let reason = format!("JSON in strings, more than {MAX_STRING_DEPTH} deep");
            self.problems.push(DecodeProblem::for_record(self.position, reason, string));
            return FormatFlags::default();
        }
        let mut text = Vec::with_capacity(string.len());
        unquote(string, &mut text);
        let base = self.embedded.text.len();
        self.embedded.string_starts.push((base, self.position));
        self.embedded.text.extend_from_slice(&text);
        let mut bounds = RecordScanner::default();
        loop {
            match bounds.step(&text, true) {
                RecordStep::NeedMore => break,
                RecordStep::Record(start, end) => {
                    self.embedded.record_indexes.push(self.records.len());
                    self.records.push(((base + start) as u32, (base + end) as u32));
                }
                RecordStep::EmbeddedJson(start, end) => {
                    bounds.format_flags.add(self.scan(&text[start..end], depth + 1));
                }
                wrong => self.push_problem(wrong, &text),
            }
        }
        if let Some(open) = bounds.unclosed(&text) {
            self.push_problem(open, &text);
        }
        bounds.format_flags
    }

    fn push_problem(&mut self, step: RecordStep, text: &[u8]) {
        let flaw = step_problem(step, text, &PositionMap::default());
        self.problems.extend(flaw.map(|flaw| DecodeProblem {
            position: self.position,
            reason: format!("in a JSON string: {}", flaw.reason.replace("the file", "the text")),
            ..flaw
        }));
    }
}

/// What a step found that is wrong, as it is told.
fn step_problem(step: RecordStep, text: &[u8], places: &PositionMap) -> Option<DecodeProblem> {
    match step {
        RecordStep::Record(..) | RecordStep::EmbeddedJson(..) | RecordStep::NeedMore => None,
        RecordStep::Invalid(start, end, reason) => {
            Some(DecodeProblem::for_record(places.position(text, start), reason, &text[start..end]))
        }
        RecordStep::Unclosed(at, reason) => {
            Some(DecodeProblem::for_file(places.position(text, at), reason))
        }
    }
}

/// Whether a text that begins with a quote begins with a quoted cell: behind the cell stands what
/// separates cells.
fn starts_with_quoted_cell(text: &[u8]) -> bool {
    let rest = &text[1..];
    memchr::memchr2(b'"', b'\\', rest).is_some_and(|end| {
        rest[end] == b'"' && matches!(rest.get(end + 1), Some(b',' | b';' | b'\t'))
    })
}

/// Whether a line may be the header of a CSV of events.
fn is_csv_header(line: &[u8]) -> bool {
    const NAMES: [&str; 4] = ["auditdata", "creationtime", "creationdate", "activity"];
    let text = String::from_utf8_lossy(line).to_lowercase();
    text.contains([',', ';', '\t']) && NAMES.iter().any(|name| text.contains(name))
}
