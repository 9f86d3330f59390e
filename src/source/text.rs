//! Reads one text of a file in chunks that end between records.

use std::io::{self, Read};

use super::bounds::{FormatFlags, RecordScanner, RecordStep};
use super::csv_rows::{CsvRowScanner, CsvStep, blank_out, is_csv_header, is_delimiter_line};
use super::decode::TextDecoder;
use super::embedded_json::{StringUnquoter, is_embedded_json, unquote};
use super::format::SourceFormat;
use super::json_preamble::{JsonPreamble, find_json};
use super::json_table::TableColumns;
use super::member::UnsupportedText;
use super::positions::PositionMap;
use super::problem::DecodeProblem;
use super::text_buffer::TextBuffer;
use super::unsupported::{describe_like_json, describe_unknown, recognize};

/// The size of a chunk: enough work for a thread, and little memory.
const CHUNK_BYTES: usize = 2 << 20;

/// The number of bytes from which the format is detected.
const SNIFF_BYTES: usize = 64 << 10;

/// The most levels of JSON in strings in strings.
const MAX_STRING_DEPTH: usize = 3;

/// The most problems of a chunk. A line that does not close is a problem of two bytes, and the
/// search for its end reads up to 64 MiB. All their problems at once would need 20 times as much.
const MAX_CHUNK_PROBLEMS: usize = 100_000;

/// A text being read.
pub(super) struct MemberReader {
    input: Box<dyn Read + Send>,
    decoder: TextDecoder,
    /// Take JSON out of the strings of the text, the outermost first. Empty for text without
    /// quoting.
    unquoters: Vec<StringUnquoter>,
    /// Decoded text that is not passed on yet.
    text: TextBuffer,
    positions: PositionMap,
    records: Vec<(u32, u32)>,
    /// The text of strings and rows among the records.
    embedded: EmbeddedText,
    /// The columns of the table that is being read.
    columns: TableColumns,
    is_at_end: bool,
    /// True if the text was made of the rows of a Parquet file.
    is_parquet: bool,
    state: ReadState,
    problems: Vec<DecodeProblem>,
    /// Problems at the end of the file. A file that is still being written has them too.
    tail_problems: Vec<DecodeProblem>,
    /// The text after the last chunk if the text consists of pages.
    rest: Vec<u8>,
}

/// Text of strings and rows that were in place of records. It is appended to the text of a chunk.
#[derive(Default)]
struct EmbeddedText {
    text: Vec<u8>,
    /// The start of each string's text in `text`, and the position of the string in the file.
    string_starts: Vec<(usize, u64)>,
    /// The indexes of the records in this text.
    record_indexes: Vec<usize>,
}

enum ReadState {
    /// The format is not detected yet.
    Undetected,
    Json(RecordScanner),
    Csv(CsvRowScanner),
    Empty,
    /// Not a log file, with the reason.
    Unsupported(UnsupportedText),
}

/// The buffers of a chunk: its text, and start and end of each record in it.
pub(super) type ChunkBuffers = (TextBuffer, Vec<(u32, u32)>);

/// A chunk of a text, before its text and file are added.
pub(super) struct MemberChunk {
    pub(super) text: TextBuffer,
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
            text: TextBuffer::default(),
            positions: PositionMap::default(),
            records: Vec::new(),
            embedded: EmbeddedText::default(),
            columns: TableColumns::default(),
            is_at_end: false,
            is_parquet: false,
            state: ReadState::Undetected,
            problems: Vec::new(),
            tail_problems: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// Creates a reader for the rows of a Parquet file.
    pub(super) fn for_rows(rows: Box<dyn Read + Send>) -> Self {
        MemberReader { is_parquet: true, ..MemberReader::new(rows) }
    }

    /// Returns the next chunk, in the buffers of a used one; `None` at the end.
    ///
    /// # Errors
    ///
    /// I/O errors of the input.
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
                // The rest of the file is read for its digest only.
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
            // A chunk of problems only is passed on too, so that such a file does not fill the
            // memory.
            let has_problems = done > 0 && !self.problems.is_empty();
            let is_full = self.text.len() >= CHUNK_BYTES;
            let has_many_problems = self.problems.len() >= MAX_CHUNK_PROBLEMS && done > 0;
            if has_records && (self.is_at_end || is_cut || is_full)
                || has_problems && is_full
                || has_many_problems
            {
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

    /// Returns the format of the text. It is known after the first call of [`MemberReader::next`];
    /// the kind of JSON is known at the end.
    ///
    /// # Errors
    ///
    /// The reason why the text is not a log.
    pub(super) fn format(&self) -> Result<SourceFormat, UnsupportedText> {
        match &self.state {
            ReadState::Undetected | ReadState::Empty => Ok(SourceFormat::Empty),
            ReadState::Unsupported(reason) => Err(reason.clone()),
            _ if self.is_parquet => Ok(SourceFormat::Parquet),
            ReadState::Csv(rows) => Ok(SourceFormat::Csv(rows.header().to_vec())),
            ReadState::Json(scanner) if scanner.format_flags.is_rest => Ok(SourceFormat::Rest),
            ReadState::Json(scanner) if scanner.format_flags.is_array => Ok(SourceFormat::Array),
            ReadState::Json(scanner) if scanner.format_flags.is_objects => {
                Ok(SourceFormat::Objects)
            }
            ReadState::Json(_) => Ok(SourceFormat::Empty),
        }
    }

    /// Returns true if positions are those in the content of the file's JSON strings.
    pub(super) fn is_embedded(&self) -> bool {
        !self.unquoters.is_empty()
    }

    /// Stops reading the text, which is not a log.
    pub(super) fn set_unsupported(&mut self, unsupported: UnsupportedText) {
        self.state = ReadState::Unsupported(unsupported);
        self.records.clear();
    }

    /// Handles a failure of the input: the text ends here.
    pub(super) fn stop_at_error(&mut self, reason: String) {
        let at = self.positions.position(&self.text, self.text.len());
        self.tail_problems.push(DecodeProblem::for_file(at, reason));
        self.is_at_end = true;
    }

    /// Returns true if the text is in the code page Windows-1252.
    pub(super) fn is_windows_1252(&self) -> bool {
        self.decoder.is_windows_1252()
    }

    /// Returns the problems between and in records so far.
    pub(super) fn take_problems(&mut self) -> Vec<DecodeProblem> {
        std::mem::take(&mut self.problems)
    }

    /// Returns the text after the last chunk if the text consists of pages.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }

    /// Returns the problems at the end.
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
        let (mut text, mut unused) = (TextBuffer::default(), PositionMap::default());
        let filled = self.decoder.fill(&mut *self.input, &mut text, &mut unused);
        self.push_unquoted(&text);
        self.is_at_end |= filled?;
        Ok(())
    }

    /// Appends the content of the strings in decoded text.
    fn push_unquoted(&mut self, text: &[u8]) {
        let mut text = text.to_vec();
        for unquoted in &mut self.unquoters {
            let mut inner = Vec::with_capacity(text.len());
            unquoted.push(&text, &mut inner);
            text = inner;
        }
        self.text.push(&text);
    }

    /// Detects the format from the first bytes.
    fn detect_format(&mut self) -> io::Result<()> {
        self.state = loop {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1A);
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
                // Export-Csv quotes its header, and a JSON string starts with a quote too.
                Some(b'"') if !starts_with_quoted_cell(rest) => {
                    let is_json = is_embedded_json(rest) == Some(true);
                    if !is_json || self.unquoters.len() >= MAX_STRING_DEPTH {
                        break ReadState::Json(RecordScanner::default());
                    }
                    let mut inner = Vec::new();
                    self.positions = PositionMap::default();
                    let mut unquoted = StringUnquoter::default();
                    unquoted.push(&self.text, &mut inner);
                    self.text.clear();
                    self.text.push(&inner);
                    self.unquoters.push(unquoted);
                }
                Some(b'{' | b'[') => match describe_like_json(rest) {
                    Some(unsupported) => break ReadState::Unsupported(unsupported),
                    None => break ReadState::Json(RecordScanner::default()),
                },
                Some(b'n') if rest.starts_with(b"null") => {
                    break ReadState::Json(RecordScanner::default());
                }
                Some(_) => break self.detect_csv(skipped),
            }
        };
        Ok(())
    }

    /// Detects CSV by its header line, after the lines that Export-Csv (`#TYPE`) and Excel
    /// (`sep=;`) can write first.
    fn detect_csv(&mut self, skipped: usize) -> ReadState {
        let mut start = skipped;
        loop {
            let rest = &self.text[start..self.text.len().min(start + SNIFF_BYTES)];
            let end = memchr::memchr2(b'\n', b'\r', rest)
                .map_or(rest.len(), |at| at + if rest[at..].starts_with(b"\r\n") { 2 } else { 1 });
            let line = &rest[..end];
            if (line.starts_with(b"#") || is_delimiter_line(line)) && end < rest.len() {
                start += end;
            } else if is_csv_header(line) {
                let rows = CsvRowScanner::new(line);
                self.drop_front(start + end);
                return ReadState::Csv(rows);
            } else {
                return self.detect_other(skipped);
            }
        }
    }

    /// Detects JSON after other text. All other texts are unsupported.
    fn detect_other(&mut self, skipped: usize) -> ReadState {
        let start = &self.text[skipped..];
        if let Some(unsupported) = recognize(start) {
            return ReadState::Unsupported(unsupported);
        }
        let found = find_json(&start[..start.len().min(SNIFF_BYTES)]);
        let (what, len) = match found {
            None => return ReadState::Unsupported(describe_unknown(start)),
            Some(JsonPreamble::LinePrefix) => ("before the JSON of each line", 0),
            Some(JsonPreamble::Above(len)) => ("above the JSON", skipped + len),
        };
        let at = self.positions.position(&self.text, skipped);
        self.problems.push(DecodeProblem::for_skipped(at, format!("text {what} was skipped")));
        self.drop_front(len);
        let has_line_prefix = found == Some(JsonPreamble::LinePrefix);
        ReadState::Json(RecordScanner::with_line_prefix(has_line_prefix))
    }

    /// Collects the records of the text. Returns the end of the text that is no longer needed.
    fn find_records(&mut self) -> usize {
        let ReadState::Json(scanner) = &mut self.state else { return 0 };
        loop {
            if self.problems.len() >= MAX_CHUNK_PROBLEMS && scanner.consumed() > 0 {
                return scanner.consumed();
            }
            match scanner.step(&self.text, self.is_at_end) {
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
                    scanner.format_flags.add(inside.scan(&self.text[start..end], depth));
                }
                RecordStep::Columns(start, end) => {
                    self.columns = TableColumns::parse(&self.text[start..end]);
                }
                RecordStep::Row(start, end) => {
                    let position = self.positions.position(&self.text, start);
                    let row = &self.text[start..end];
                    match self.columns.record(row) {
                        Ok(record) => {
                            self.embedded.push_record(&record, position, &mut self.records);
                        }
                        Err(reason) => {
                            self.problems.push(DecodeProblem::for_record(position, reason, row));
                        }
                    }
                }
                RecordStep::NeedMore => return scanner.consumed(),
                wrong => self.problems.extend(step_problem(wrong, &self.text, &self.positions)),
            }
        }
    }

    /// Finds the ends of rows. Returns the end of the text that is no longer needed, and the range
    /// of the header of another CSV text after it.
    fn find_rows(&mut self) -> (usize, Option<(usize, usize)>) {
        let ReadState::Csv(rows) = &mut self.state else { return (0, None) };
        loop {
            match rows.next(&self.text, self.is_at_end) {
                CsvStep::NeedMore => return (rows.rows_end(), None),
                CsvStep::NotARow(start, end) => blank_out(&mut self.text[start..end]),
                CsvStep::Invalid(start, end, reason) => {
                    let position = self.positions.position(&self.text, start);
                    let raw = &self.text[start..end];
                    let problem = DecodeProblem::for_record(position, reason.to_owned(), raw);
                    let is_tail = self.is_at_end && end == self.text.len();
                    let problems =
                        if is_tail { &mut self.tail_problems } else { &mut self.problems };
                    problems.push(problem);
                    blank_out(&mut self.text[start..end]);
                }
                CsvStep::NewHeader(start, end) => return (start, Some((start, end))),
            }
        }
    }

    /// Starts to read the rows of another CSV text. Those of this one are passed on already.
    fn start_new_csv(&mut self, (start, end): (usize, usize)) {
        let rows = CsvRowScanner::new(&self.text[start..end]);
        self.state = ReadState::Empty;
        self.drop_front(end);
        self.state = ReadState::Csv(rows);
    }

    /// Reports what is still open at the end.
    fn finish(&mut self) {
        let ReadState::Json(scanner) = &mut self.state else { return };
        let open = scanner.unclosed(&self.text);
        let problem = open.and_then(|open| step_problem(open, &self.text, &self.positions));
        self.tail_problems.extend(problem);
        let format_flags = scanner.format_flags;
        if format_flags.is_rest && !self.text.is_empty() {
            self.rest = self.text.to_vec();
        }
        self.text.clear();
        *scanner = RecordScanner::default();
        scanner.format_flags = format_flags;
    }

    /// Makes a chunk of the text up to `done`. The text after it starts the next chunk.
    fn take_chunk(&mut self, done: usize, used: &mut ChunkBuffers) -> MemberChunk {
        let format = self.format().unwrap_or(SourceFormat::Empty);
        let (mut rest, mut records) = std::mem::take(used);
        rest.clear();
        rest.push(&self.text[done..]);
        records.clear();
        let after = self.positions.suffix_from(&self.text, done);
        let mut positions = std::mem::replace(&mut self.positions, after);
        self.shift_scanner(done);
        let mut text = std::mem::replace(&mut self.text, rest);
        text.truncate(done);
        // After a very long record, the other chunks would keep its memory.
        if text.capacity() > 4 * CHUNK_BYTES {
            text.shrink_to(CHUNK_BYTES);
        }
        let mut records = std::mem::replace(&mut self.records, records);
        self.embedded.append_to(&mut text, &mut records, &mut positions);
        MemberChunk { text, records, positions, format }
    }

    /// Removes the first `len` bytes of the text.
    fn drop_front(&mut self, len: usize) {
        self.positions = self.positions.suffix_from(&self.text, len);
        self.shift_scanner(len);
        self.text.drop_front(len);
    }

    fn shift_scanner(&mut self, len: usize) {
        match &mut self.state {
            ReadState::Json(scanner) => scanner.drop_front(len),
            ReadState::Csv(rows) => rows.drop_front(len),
            _ => {}
        }
    }
}

impl EmbeddedText {
    /// Adds a record that was made of other text at a position in the file.
    fn push_record(&mut self, record: &[u8], position: u64, records: &mut Vec<(u32, u32)>) {
        let start = self.text.len();
        self.string_starts.push((start, position));
        self.text.extend_from_slice(record);
        self.record_indexes.push(records.len());
        records.push((start as u32, self.text.len() as u32));
    }

    /// Appends this text to the text of a chunk, and corrects the bounds of its records.
    fn append_to(
        &mut self,
        text: &mut TextBuffer,
        records: &mut [(u32, u32)],
        positions: &mut PositionMap,
    ) {
        if self.text.is_empty() {
            return;
        }
        let base = text.len();
        positions.truncate(base);
        for (at, position) in self.string_starts.drain(..) {
            positions.start_fixed_segment(base + at, position);
        }
        for index in self.record_indexes.drain(..) {
            if let Some((start, end)) = records.get_mut(index) {
                *start += base as u32;
                *end += base as u32;
            }
        }
        text.push(&std::mem::take(&mut self.text));
    }
}

/// Finds records in the content of a string.
struct EmbeddedScanner<'t> {
    embedded: &'t mut EmbeddedText,
    records: &'t mut Vec<(u32, u32)>,
    problems: &'t mut Vec<DecodeProblem>,
    /// The position of the string in the file, which all its records have.
    position: u64,
}

impl EmbeddedScanner<'_> {
    fn scan(&mut self, string: &[u8], depth: usize) -> FormatFlags {
        if depth > MAX_STRING_DEPTH {
            let reason =
                format!("JSON in strings is nested more than {MAX_STRING_DEPTH} levels deep");
            self.problems.push(DecodeProblem::for_record(self.position, reason, string));
            return FormatFlags::default();
        }
        let mut text = Vec::with_capacity(string.len());
        unquote(string, &mut text);
        let base = self.embedded.text.len();
        self.embedded.string_starts.push((base, self.position));
        self.embedded.text.extend_from_slice(&text);
        let (mut scanner, mut columns) = (RecordScanner::default(), TableColumns::default());
        let max_problems = self.problems.len() + MAX_CHUNK_PROBLEMS;
        loop {
            if self.problems.len() >= max_problems {
                let rest = &text[scanner.consumed()..];
                let reason = format!(
                    "more than {MAX_CHUNK_PROBLEMS} damaged records in a JSON string: the rest of \
                     it was not read"
                );
                self.problems.push(DecodeProblem::for_record(self.position, reason, rest));
                return scanner.format_flags;
            }
            match scanner.step(&text, true) {
                RecordStep::NeedMore => break,
                RecordStep::Record(start, end) => {
                    self.embedded.record_indexes.push(self.records.len());
                    self.records.push(((base + start) as u32, (base + end) as u32));
                }
                RecordStep::EmbeddedJson(start, end) => {
                    scanner.format_flags.add(self.scan(&text[start..end], depth + 1));
                }
                RecordStep::Columns(start, end) => columns = TableColumns::parse(&text[start..end]),
                RecordStep::Row(start, end) => match columns.record(&text[start..end]) {
                    Ok(record) => self.embedded.push_record(&record, self.position, self.records),
                    Err(reason) => self.problems.push(DecodeProblem::for_record(
                        self.position,
                        reason,
                        &text[start..end],
                    )),
                },
                wrong => self.push_problem(wrong, &text),
            }
        }
        if let Some(open) = scanner.unclosed(&text) {
            self.push_problem(open, &text);
        }
        scanner.format_flags
    }

    fn push_problem(&mut self, step: RecordStep, text: &[u8]) {
        let problem = step_problem(step, text, &PositionMap::default());
        self.problems.extend(problem.map(|problem| DecodeProblem {
            position: self.position,
            reason: format!("in a JSON string: {}", problem.reason.replace("the file", "the text")),
            ..problem
        }));
    }
}

/// Returns the problem that a step found, if any.
fn step_problem(step: RecordStep, text: &[u8], positions: &PositionMap) -> Option<DecodeProblem> {
    match step {
        RecordStep::Record(..)
        | RecordStep::EmbeddedJson(..)
        | RecordStep::Columns(..)
        | RecordStep::Row(..)
        | RecordStep::NeedMore => None,
        RecordStep::Invalid(start, end, reason) => {
            let position = positions.position(text, start);
            Some(DecodeProblem::for_record(position, reason, &text[start..end]))
        }
        RecordStep::Unclosed(at, reason) => {
            Some(DecodeProblem::for_file(positions.position(text, at), reason))
        }
    }
}

/// Returns true if a text that starts with a quote starts with a quoted CSV cell: a delimiter
/// follows the cell.
fn starts_with_quoted_cell(text: &[u8]) -> bool {
    let rest = &text[1..];
    memchr::memchr2(b'"', b'\\', rest).is_some_and(|end| {
        rest[end] == b'"' && matches!(rest.get(end + 1), Some(b',' | b';' | b'\t'))
    })
}
