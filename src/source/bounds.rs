//! Finds where the records of a JSON text begin and end.
//!
//! Between records, the text is read token by token: brackets of arrays and members of envelopes.
//! Inside a record, only its end is searched for ([`BracketScanner`]).

use super::embedded_json::is_embedded_json;
use super::envelopes::{MAX_SNIFF_BYTES, MemberRole, is_envelope, member_role, string_content};
use super::json_preamble::json_in_line;
use super::structural_scan::{BracketScanner, ValueEnd};

/// The largest record that is read. No event is close to that size, so in a larger record a quote
/// or a bracket is missing.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// The longest number or word, in place of an event, that is read to its end.
const MAX_WORD_BYTES: usize = 1 << 20;

/// The most brackets around a record. No known program writes more.
const MAX_CONTAINER_DEPTH: usize = 256;

/// Members that events have and containers do not.
const EVENT_MEMBERS: [&str; 3] = ["Id", "CreationTime", "Operation"];

/// The value around the current position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    /// An array whose items are records.
    Array,
    /// The rows of a table.
    Rows,
    /// An envelope, between its members.
    Envelope,
    /// An envelope, after the name of a member.
    Member(MemberRole),
}

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordStep {
    /// A record: start and end.
    Record(usize, usize),
    /// A record that is rejected: start, end (where it breaks off or the next one begins) and
    /// reason.
    Invalid(usize, usize, String),
    /// A string that contains JSON in place of a record: from its quote to after its closing quote.
    EmbeddedJson(usize, usize),
    /// The names of the columns of a table, as a JSON list.
    Columns(usize, usize),
    /// A row of a table, as a JSON list.
    Row(usize, usize),
    /// The end of the text, with something not closed.
    Unclosed(usize, String),
    /// The end of the text so far. More text can follow.
    NeedMore,
}

/// The formats that occurred in the text so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FormatFlags {
    pub(super) is_rest: bool,
    pub(super) is_array: bool,
    pub(super) is_objects: bool,
}

impl FormatFlags {
    /// Adds the formats of a text inside this one.
    pub(super) fn add(&mut self, inner: FormatFlags) {
        self.is_rest |= inner.is_rest;
        self.is_array |= inner.is_array;
        self.is_objects |= inner.is_objects;
    }
}

/// Finds records in a text that grows at its end and is removed from its front.
#[derive(Debug, Default)]
pub(super) struct RecordScanner {
    at: usize,
    containers: Vec<Container>,
    /// A value whose end is not yet found.
    open_value: Option<OpenValue>,
    /// A string, number or word whose end is not yet found.
    token: Option<ScalarToken>,
    /// True after a record broke off. Its containers are unknown, so until the next record, nothing
    /// is reported as out of place.
    recovering: bool,
    /// True if any record before broke off. From then on, a line that starts with a bracket starts
    /// a record, so that a file with a lot of damage is read once only and not again for each
    /// damage.
    damaged: bool,
    /// True if each line has other text before its object.
    has_line_prefix: bool,
    pub(super) format_flags: FormatFlags,
}

#[derive(Debug, Clone, Copy)]
struct OpenValue {
    start: usize,
    scan: BracketScanner,
    purpose: Purpose,
    too_long: bool,
}

#[derive(Debug, Clone, Copy)]
struct ScalarToken {
    start: usize,
    /// The position up to which it was read.
    at: usize,
    is_string: bool,
    /// True for a member of an envelope that contains no records.
    is_skipped: bool,
    too_long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A record.
    Record,
    /// The names of the columns of a table.
    Columns,
    /// A row of a table.
    Row,
    /// A member of an envelope that contains no records.
    Skip,
}

impl RecordScanner {
    /// Creates a scanner for lines that can have other text before their object.
    pub(super) fn with_line_prefix(has_line_prefix: bool) -> Self {
        RecordScanner { has_line_prefix, ..RecordScanner::default() }
    }

    /// Returns the next step. `last` is true if no more text follows.
    pub(super) fn step(&mut self, text: &[u8], last: bool) -> RecordStep {
        loop {
            if let Some(open) = self.open_value {
                match self.advance_value(text, open, last) {
                    None => continue,
                    Some(step) => return step,
                }
            }
            let closed = self.token.and_then(|token| self.advance_token(text, token, last));
            if let Some(step) = closed {
                return step;
            }
            let Some(&byte) = text.get(self.at) else { return RecordStep::NeedMore };
            if let Some(step) = self.read_byte(text, byte, last) {
                return step;
            }
        }
    }

    /// Reads the byte at the current position, which is between values.
    fn read_byte(&mut self, text: &[u8], byte: u8, last: bool) -> Option<RecordStep> {
        let container = self.containers.last().copied();
        if self.has_line_prefix && container.is_none() && !byte.is_ascii_whitespace() {
            return self.skip_line_prefix(text, last);
        }
        let expects_record = match container {
            None | Some(Container::Array | Container::Rows) => true,
            Some(Container::Member(content)) => content == MemberRole::Records,
            Some(Container::Envelope) => false,
        };
        match (byte, container) {
            // DOS programs end a text with Ctrl-Z.
            (b' ' | b'\t' | b'\r' | b'\n' | b',' | 0 | 0x1A, _) => self.at += 1,
            // A byte order mark in the middle: somebody joined files.
            (0xEF, _) if text[self.at..].starts_with(b"\xEF\xBB\xBF") => self.at += 3,
            (0xEF, _) if !last && b"\xEF\xBB\xBF".starts_with(&text[self.at..]) => {
                return Some(RecordStep::NeedMore);
            }
            (b']', Some(Container::Array | Container::Rows))
            | (b'}', Some(Container::Envelope)) => {
                self.at += 1;
                self.exit();
            }
            (b':', Some(Container::Member(_))) => self.at += 1,
            (b']' | b'}' | b':', None) if self.recovering => self.at += 1,
            (b'[', Some(Container::Member(MemberRole::Rows))) => {
                self.at += 1;
                self.containers.push(Container::Rows);
            }
            (b'[', Some(Container::Member(MemberRole::Columns))) => {
                self.start_value(Purpose::Columns);
            }
            (b'[', Some(Container::Rows)) => self.start_value(Purpose::Row),
            (b'[', _) if expects_record => {
                if self.containers.len() >= MAX_CONTAINER_DEPTH {
                    return Some(self.reject_too_deep());
                }
                self.at += 1;
                self.format_flags.is_array |= container.is_none();
                self.containers.push(Container::Array);
            }
            (b'{', _) if expects_record => return self.read_object(text, last),
            (b'{' | b'[', Some(Container::Member(_))) => self.start_value(Purpose::Skip),
            (b'"', Some(Container::Envelope)) => return self.read_member_name(text, last),
            (_, Some(Container::Member(MemberRole::Other))) => self.start_token(byte, true),
            _ => self.start_token(byte, false),
        }
        None
    }

    /// Skips the text before the object of a line.
    fn skip_line_prefix(&mut self, text: &[u8], last: bool) -> Option<RecordStep> {
        let rest = &text[self.at..];
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        let start = self.at;
        if let Some(object) = json_in_line(line) {
            self.at += object;
            return self.read_object(text, last);
        }
        if end.is_none() && !last && line.len() <= MAX_WORD_BYTES {
            return Some(RecordStep::NeedMore);
        }
        self.at += line.len();
        let is_filler = line.iter().all(|byte| matches!(byte, 0 | 0x1A | b'\r'));
        let reason = || "expected an event in this line, found other text".to_owned();
        (!is_filler).then(|| RecordStep::Invalid(start, self.at, reason()))
    }

    /// Reads the start of an object in place of a record: a record or an envelope.
    fn read_object(&mut self, text: &[u8], last: bool) -> Option<RecordStep> {
        match is_envelope(&text[self.at + 1..], last) {
            None => return Some(RecordStep::NeedMore),
            Some(true) if self.containers.len() >= MAX_CONTAINER_DEPTH => {
                return Some(self.reject_too_deep());
            }
            Some(true) => self.enter_envelope(),
            _ => {
                self.format_flags.is_objects |= self.containers.is_empty();
                self.start_value(Purpose::Record);
            }
        }
        None
    }

    /// Reads the name of an envelope's member. A member that only events have is a problem.
    fn read_member_name(&mut self, text: &[u8], last: bool) -> Option<RecordStep> {
        let start = self.at;
        let Some(name) = string_content(&text[start..]) else {
            if text.len() - start <= MAX_SNIFF_BYTES {
                return Some(RecordStep::NeedMore);
            }
            self.start_token(b'"', true);
            return None;
        };
        let after = &text[start + name.len() + 2..];
        let blanks = after.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b':');
        let Some(content) = member_role(name, &after[blanks.count()..], last) else {
            return Some(RecordStep::NeedMore);
        };
        self.enter_member(name, content);
        // Results of tools have an `id` of their own.
        let is_mixed = name != b"id"
            && EVENT_MEMBERS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        is_mixed.then(|| RecordStep::Invalid(start, self.at, mixed_envelope_reason(name)))
    }

    fn start_value(&mut self, purpose: Purpose) {
        let scan = BracketScanner::starting_at(self.at);
        self.open_value = Some(OpenValue { start: self.at, scan, purpose, too_long: false });
    }

    fn start_token(&mut self, byte: u8, is_skipped: bool) {
        let (start, is_string) = (self.at, byte == b'"');
        let too_long = false;
        self.token = Some(ScalarToken { start, at: start + 1, is_string, is_skipped, too_long });
    }

    /// Rejects a record that is nested too deep, and skips it.
    fn reject_too_deep(&mut self) -> RecordStep {
        let start = self.at;
        self.start_value(Purpose::Record);
        if let Some(open) = &mut self.open_value {
            open.too_long = true;
        }
        let reason = format!("a record inside more than {MAX_CONTAINER_DEPTH} brackets");
        RecordStep::Invalid(start, start + 1, reason)
    }

    fn enter_envelope(&mut self) {
        self.at += 1;
        self.containers.push(Container::Envelope);
    }

    fn enter_member(&mut self, name: &[u8], content: MemberRole) {
        let is_rest = name.eq_ignore_ascii_case(b"activityEventEntities");
        self.format_flags.is_rest |= is_rest;
        let is_list = matches!(content, MemberRole::Records | MemberRole::Rows);
        self.format_flags.is_array |= is_list && !is_rest;
        self.at += name.len() + 2;
        self.containers.push(Container::Member(content));
    }

    /// Leaves an array or envelope. If it is the value of an envelope's member, the member ends
    /// too.
    fn exit(&mut self) {
        self.containers.pop();
        if let Some(Container::Member(_)) = self.containers.last() {
            self.containers.pop();
        }
    }

    /// Continues to search for the end of a string, number or word.
    fn advance_token(
        &mut self,
        text: &[u8],
        mut token: ScalarToken,
        last: bool,
    ) -> Option<RecordStep> {
        let found = token.find_end(text);
        let max = if token.is_string { MAX_RECORD_BYTES } else { MAX_WORD_BYTES };
        let Some(end) = found.or(last.then_some(text.len())) else {
            let too_long = !token.is_skipped && !token.too_long && text.len() - token.start > max;
            token.too_long |= too_long;
            self.token = Some(token);
            let reason = || {
                let what = if token.is_string { "a string" } else { "a word" };
                format!("{what} of more than {} MiB where an event was expected", max >> 20)
            };
            return Some(match too_long {
                true => RecordStep::Invalid(token.start, text.len(), reason()),
                false => RecordStep::NeedMore,
            });
        };
        self.token = None;
        self.at = end;
        if token.is_skipped || token.too_long {
            self.exit_member();
            return None;
        }
        self.finish_scalar(text, token.start, end)
    }

    /// Handles a value that is neither an object nor an array: `null`, a number or a text. A text
    /// can contain the expected records as JSON.
    fn finish_scalar(&mut self, text: &[u8], start: usize, end: usize) -> Option<RecordStep> {
        let value = &text[start..end];
        let has_records = match self.containers.last() {
            Some(Container::Member(content)) => *content == MemberRole::Records,
            Some(Container::Envelope) => false,
            Some(Container::Array | Container::Rows) | None => true,
        };
        let is_member = matches!(self.containers.last(), Some(Container::Member(_)));
        self.exit_member();
        if has_records && value[0] == b'"' && is_embedded_json(value) == Some(true) {
            self.recovering = false;
            return Some(RecordStep::EmbeddedJson(start, end));
        }
        if is_member || value == b"null" || self.recovering {
            return None;
        }
        let shown: Vec<u8> = value.iter().copied().take(160).collect();
        let shown: String = String::from_utf8_lossy(&shown)
            .chars()
            .take(40)
            .flat_map(char::escape_default)
            .collect();
        let reason = format!("expected an event, found \"{shown}\"");
        Some(RecordStep::Invalid(start, end, reason))
    }

    /// Continues to search for the end of the open value.
    fn advance_value(
        &mut self,
        text: &[u8],
        mut open: OpenValue,
        last: bool,
    ) -> Option<RecordStep> {
        match open.scan.find_end(text, self.damaged) {
            ValueEnd::At(end) => {
                self.open_value = None;
                self.at = end;
                self.exit_member();
                self.recovering &= open.purpose != Purpose::Record;
                // A record that is too long was reported when it became too long.
                match open.purpose {
                    _ if open.too_long => None,
                    Purpose::Skip => None,
                    Purpose::Record => Some(RecordStep::Record(open.start, end)),
                    Purpose::Columns => Some(RecordStep::Columns(open.start, end)),
                    Purpose::Row => Some(RecordStep::Row(open.start, end)),
                }
            }
            ValueEnd::Broken(at) => Some(self.resume_at(at, open.start)),
            ValueEnd::NeedMore => {
                let too_long =
                    open.scan.position() - open.start > MAX_RECORD_BYTES && !open.too_long;
                if open.purpose == Purpose::Record
                    && (too_long || last && !open.too_long)
                    && let Some(at) = next_line_with_value(text, open.start)
                {
                    return Some(self.resume_at(at, open.start));
                }
                open.too_long |= too_long;
                self.open_value = Some(open);
                let reason = || {
                    let mib = MAX_RECORD_BYTES >> 20;
                    format!("a record larger than {mib} MiB: a quote or a bracket is missing")
                };
                Some(if too_long {
                    RecordStep::Invalid(open.start, open.scan.position(), reason())
                } else {
                    RecordStep::NeedMore
                })
            }
        }
    }

    /// Rejects the broken record that begins at `start`, and resumes at a line break after it. The
    /// containers are cleared, since their ends cannot be recognized anymore.
    fn resume_at(&mut self, line_break: usize, start: usize) -> RecordStep {
        self.open_value = None;
        self.at = line_break;
        self.containers.clear();
        self.recovering = true;
        self.damaged = true;
        let reason = "an incomplete record: the next one starts on a later line".to_owned();
        RecordStep::Invalid(start, line_break, reason)
    }

    fn exit_member(&mut self) {
        if let Some(Container::Member(_)) = self.containers.last() {
            self.containers.pop();
        }
    }

    /// Returns the number of bytes at the front of the text that are no longer needed.
    pub(super) fn consumed(&self) -> usize {
        match &self.open_value {
            // A value that is too long or skipped is only followed to its end.
            Some(open) if open.too_long || open.purpose == Purpose::Skip => open.scan.position(),
            Some(open) => open.start,
            None => match &self.token {
                Some(token) if token.too_long || token.is_skipped => token.at,
                _ => self.at,
            },
        }
    }

    /// Adjusts positions after the first `len` bytes of the text were removed.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.at = self.at.saturating_sub(len);
        if let Some(open) = &mut self.open_value {
            open.start = open.start.saturating_sub(len);
            open.scan.drop_front(len);
        }
        if let Some(token) = &mut self.token {
            token.start = token.start.saturating_sub(len);
            token.at = token.at.saturating_sub(len);
        }
    }

    /// Returns what is still open at the end of the text: an incomplete record, or an array or
    /// object that is not closed.
    pub(super) fn unclosed(&self, text: &[u8]) -> Option<RecordStep> {
        if let Some(open) = self.open_value.filter(|open| open.purpose != Purpose::Skip) {
            let reason = "the file ends in the middle of a record".to_owned();
            return (!open.too_long).then_some(RecordStep::Invalid(open.start, text.len(), reason));
        }
        if self.containers.is_empty() && self.at >= text.len() {
            return None;
        }
        let what = match self.containers.first() {
            Some(Container::Array | Container::Rows) => "its array",
            _ => "its object",
        };
        Some(RecordStep::Unclosed(text.len(), format!("the file ends before {what} is closed")))
    }
}

fn mixed_envelope_reason(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    format!("found {name} next to a list of events: only the events of the list are read")
}

/// Returns the next line break before a line that starts with a bracket. The next record of an
/// NDJSON file begins there, or the next array if files were joined.
fn next_line_with_value(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &text[from..])
        .map(|at| from + at)
        .find(|&at| matches!(text.get(at + 1), Some(b'{' | b'[')))
}

impl ScalarToken {
    /// Returns the end of the token if the text contains it. A string ends at its quote or at a
    /// line break, since no JSON writer leaves a bare line break in a string.
    fn find_end(&mut self, text: &[u8]) -> Option<usize> {
        if !self.is_string {
            let ends = |&byte: &u8| byte.is_ascii_whitespace() || b",[]{}\"".contains(&byte);
            let len = text[self.at..].iter().position(ends);
            let end = len.map(|len| self.at + len);
            self.at = end.unwrap_or(text.len());
            return end;
        }
        loop {
            let Some(len) = memchr::memchr3(b'"', b'\\', b'\n', text.get(self.at..)?) else {
                self.at = text.len();
                return None;
            };
            let at = self.at + len;
            match text[at] {
                b'"' => return Some(at + 1),
                b'\n' => return Some(at),
                // The escaped character can be missing so far.
                _ if at + 1 >= text.len() => {
                    self.at = at;
                    return None;
                }
                _ => self.at = at + 2,
            }
        }
    }
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
