//! Where the records of a JSON text begin and end.
//!
//! Between records the text is read token by token: brackets of arrays, the members of wrappings.
//! Inside a record only its end is looked for ([`Scan`]).

use crate::source::embedded_json::is_embedded_json;
use crate::source::structural_scan::{BracketScanner, ValueEnd};

/// A record longer than this is not taken: no event comes near it, so a quote or a bracket is
/// missing somewhere.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// A number or word longer than this, where an event was expected, is not looked at to its end.
const MAX_WORD_BYTES: usize = 1 << 20;

/// How much of an object is looked at to tell a wrapping from an event.
const MAX_ENVELOPE_SNIFF_BYTES: usize = 1 << 20;

/// More brackets around records than this are no wrapping that anything writes.
const MAX_CONTAINER_DEPTH: usize = 256;

/// Members that tell a wrapping from an event, when one of them is the first. Graph and PowerShell
/// wrap as well as the REST API does.
const ENVELOPE_MEMBERS: [&str; 9] = [
    "activityEventEntities",
    "continuationUri",
    "continuationToken",
    "lastResultSet",
    "value",
    "Count",
    "@odata.context",
    "@odata.nextLink",
    "@odata.count",
];

/// Those of them that an event could begin with too.
const AMBIGUOUS_MEMBERS: [&str; 3] = ["value", "Count", "lastResultSet"];

/// Members that an event has and a wrapping does not.
const EVENT_MEMBERS: [&str; 3] = ["Id", "CreationTime", "Operation"];

/// What stands around the place that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    /// An array whose items are records.
    Array,
    /// A wrapping object, between its members.
    Envelope,
    /// A wrapping object, behind the name of a member; the flag says whether it holds records.
    Member { has_records: bool },
}

/// What one step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordStep {
    /// A record, from here to there.
    Record(usize, usize),
    /// A record that is not taken, from here to where it breaks off or the next begins, and why.
    Invalid(usize, usize, String),
    /// A string that holds JSON, where a record was expected: from its quote to behind the other.
    EmbeddedJson(usize, usize),
    /// The text ends here, and what it began is not closed.
    Unclosed(usize, String),
    /// The text ends here; more may come.
    NeedMore,
}

/// What the text has been so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FormatFlags {
    pub(super) is_rest: bool,
    pub(super) is_array: bool,
    pub(super) is_objects: bool,
}

impl FormatFlags {
    /// Adds those of a text inside of this one.
    pub(super) fn add(&mut self, inner: FormatFlags) {
        self.is_rest |= inner.is_rest;
        self.is_array |= inner.is_array;
        self.is_objects |= inner.is_objects;
    }
}

/// Finds records in a text that grows at its end and is cut off at its front.
#[derive(Debug, Default)]
pub(super) struct RecordScanner {
    at: usize,
    containers: Vec<Container>,
    /// A value whose end is being looked for.
    open_value: Option<OpenValue>,
    /// A string, number or word whose end is being looked for.
    token: Option<ScalarToken>,
    /// A record broke off, and what it stood in is forgotten: until the next record, nothing that
    /// is found is out of place.
    recovering: bool,
    /// A record broke off somewhere before. From then on, a line that begins with a bracket is
    /// taken to begin a record, so that a file full of damage is still read once, not once for
    /// each damage.
    damaged: bool,
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
    /// Up to where it was looked at.
    at: usize,
    is_string: bool,
    /// A member of a wrapping that is of no interest.
    is_skipped: bool,
    too_long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A record.
    Record,
    /// A member of a wrapping that is of no interest.
    Skip,
}

impl RecordScanner {
    /// The next thing in the text. `last` says that no more text will come.
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
            let around = self.containers.last().copied();
            match (byte, around) {
                (b' ' | b'\t' | b'\r' | b'\n' | b',' | 0, _) => self.at += 1,
                // A mark of UTF-8 in the middle: files were joined.
                (0xEF, _) if text[self.at..].starts_with(b"\xEF\xBB\xBF") => self.at += 3,
                (0xEF, _) if !last && b"\xEF\xBB\xBF".starts_with(&text[self.at..]) => {
                    return RecordStep::NeedMore;
                }
                (b']', Some(Container::Array)) | (b'}', Some(Container::Envelope)) => {
                    self.at += 1;
                    self.exit();
                }
                (b':', Some(Container::Member { .. })) => self.at += 1,
                (b']' | b'}' | b':', None) if self.recovering => self.at += 1,
                (
                    b'[',
                    Some(Container::Member { has_records: true }) | Some(Container::Array) | None,
                ) => {
                    if self.containers.len() >= MAX_CONTAINER_DEPTH {
                        return self.reject_too_deep();
                    }
                    self.at += 1;
                    self.format_flags.is_array |= around.is_none();
                    self.containers.push(Container::Array);
                }
                (
                    b'{',
                    Some(Container::Member { has_records: true }) | Some(Container::Array) | None,
                ) => match is_envelope_start(&text[self.at + 1..]) {
                    None if !last && text.len() - self.at <= MAX_ENVELOPE_SNIFF_BYTES => {
                        return RecordStep::NeedMore;
                    }
                    Some(true) if self.containers.len() >= MAX_CONTAINER_DEPTH => {
                        return self.reject_too_deep();
                    }
                    Some(true) => self.enter_envelope(),
                    _ => {
                        self.format_flags.is_objects |= around.is_none();
                        self.start_value(Purpose::Record);
                    }
                },
                (b'{' | b'[', Some(Container::Member { .. })) => self.start_value(Purpose::Skip),
                (b'"', Some(Container::Envelope)) => match string_content(&text[self.at..]) {
                    None if text.len() - self.at <= MAX_ENVELOPE_SNIFF_BYTES => {
                        return RecordStep::NeedMore;
                    }
                    None => self.start_token(byte, true),
                    Some(name) => {
                        let start = self.at;
                        self.enter_member(name);
                        if EVENT_MEMBERS
                            .iter()
                            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
                        {
                            return RecordStep::Invalid(
                                start,
                                self.at,
                                mixed_envelope_reason(name),
                            );
                        }
                    }
                },
                (_, Some(Container::Member { has_records: false })) => self.start_token(byte, true),
                _ => self.start_token(byte, false),
            }
        }
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

    /// What is nested like this is followed to its end, and not looked into.
    fn reject_too_deep(&mut self) -> RecordStep {
        let start = self.at;
        self.start_value(Purpose::Record);
        if let Some(open) = &mut self.open_value {
            open.too_long = true;
        }
        let reason = format!("more than {MAX_CONTAINER_DEPTH} brackets around a record");
        RecordStep::Invalid(start, start + 1, reason)
    }

    fn enter_envelope(&mut self) {
        self.at += 1;
        self.containers.push(Container::Envelope);
    }

    fn enter_member(&mut self, name: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let rest = is("activityEventEntities");
        self.format_flags.is_rest |= rest;
        self.format_flags.is_array |= is("value") && self.containers.len() == 1;
        self.at += name.len() + 2;
        self.containers.push(Container::Member { has_records: rest || is("value") });
    }

    /// A value has ended: of an array, or of a wrapping's member, which ends with it.
    fn exit(&mut self) {
        self.containers.pop();
        if let Some(Container::Member { .. }) = self.containers.last() {
            self.containers.pop();
        }
    }

    /// Looks for the end of a string, number or word.
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

    /// A value that is no object and no array: `null`, numbers and texts. A text may hold what
    /// should stand there itself.
    fn finish_scalar(&mut self, text: &[u8], start: usize, end: usize) -> Option<RecordStep> {
        let value = &text[start..end];
        let holds_records = match self.containers.last() {
            Some(Container::Member { has_records: holds_records }) => *holds_records,
            Some(Container::Envelope) => false,
            Some(Container::Array) | None => true,
        };
        let is_member = matches!(self.containers.last(), Some(Container::Member { .. }));
        self.exit_member();
        if holds_records && value[0] == b'"' && is_embedded_json(value) == Some(true) {
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
        let reason = format!("an event was expected, found \"{shown}\"");
        Some(RecordStep::Invalid(start, end, reason))
    }

    /// Looks for the end of the open value.
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
                if open.purpose == Purpose::Skip {
                    return None;
                }
                self.recovering = false;
                // One that is too long was named when it became so.
                (!open.too_long).then_some(RecordStep::Record(open.start, end))
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
                    format!("a record of more than {mib} MiB: a quote or bracket is missing")
                };
                Some(if too_long {
                    RecordStep::Invalid(open.start, open.scan.position(), reason())
                } else {
                    RecordStep::NeedMore
                })
            }
        }
    }

    /// A record that begins at `start` is broken, and reading goes on at a line break behind it.
    /// What it stood in is forgotten: nothing says any more where that ends.
    fn resume_at(&mut self, line_break: usize, start: usize) -> RecordStep {
        self.open_value = None;
        self.at = line_break;
        self.containers.clear();
        self.recovering = true;
        self.damaged = true;
        let reason = "a record that breaks off, and another begins in a later line".to_owned();
        RecordStep::Invalid(start, line_break, reason)
    }

    fn exit_member(&mut self) {
        if let Some(Container::Member { .. }) = self.containers.last() {
            self.containers.pop();
        }
    }

    /// How much of the text's front is done with.
    pub(super) fn consumed(&self) -> usize {
        match &self.open_value {
            // What is too long, or of no interest, is only followed to its end.
            Some(open) if open.too_long || open.purpose == Purpose::Skip => open.scan.position(),
            Some(open) => open.start,
            None => match &self.token {
                Some(token) if token.too_long || token.is_skipped => token.at,
                _ => self.at,
            },
        }
    }

    /// The first `len` bytes of the text are gone.
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

    /// What is still open when the text has ended: the start of a record, or a sentence about
    /// what is not closed.
    pub(super) fn unclosed(&self, text: &[u8]) -> Option<RecordStep> {
        if let Some(open) = self.open_value.filter(|open| open.purpose == Purpose::Record) {
            let reason = "the file ends in the middle of a record".to_owned();
            return (!open.too_long).then_some(RecordStep::Invalid(open.start, text.len(), reason));
        }
        if self.containers.is_empty() && self.at >= text.len() {
            return None;
        }
        let what = match self.containers.first() {
            Some(Container::Array) => "its array",
            _ => "its object",
        };
        Some(RecordStep::Unclosed(text.len(), format!("the file ends before {what} is closed")))
    }
}

/// Whether an object, whose text behind the bracket is given, is a wrapping; `None` where the text
/// does not reach far enough to tell.
///
/// Names that an event could have as well decide only with what follows them: `value` with a list,
/// the others with a further member of a wrapping.
fn is_envelope_start(text: &[u8]) -> Option<bool> {
    let is = |name: &[u8], known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let text = &text[..text.len().min(MAX_ENVELOPE_SNIFF_BYTES)];
    let (mut at, mut has_value) = (0, false);
    loop {
        let skip = |at: usize, also: u8| {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == also;
            Some(at + text.get(at..)?.iter().position(|byte| !blank(byte))?)
        };
        at = skip(at, b',')?;
        if text[at] != b'"' {
            // `{"value":null,"Count":0}` is what PowerShell makes of nothing.
            return Some(has_value && text[at] == b'}');
        }
        let name = string_content(&text[at..])?;
        if !ENVELOPE_MEMBERS.iter().any(|known| is(name, known)) {
            return Some(false);
        }
        if !AMBIGUOUS_MEMBERS.iter().any(|known| is(name, known)) {
            return Some(true);
        }
        at = skip(at + name.len() + 2, b':')?;
        match text[at] {
            // PowerShell unrolls a list of one.
            b'[' | b'{' => return Some(is(name, "value")),
            b'"' if is(name, "value") && is_embedded_json(&text[at..])? => return Some(true),
            _ => {
                has_value |= is(name, "value") && text[at..].starts_with(b"null");
                at += scalar_len(&text[at..], false)?;
            }
        }
    }
}

fn mixed_envelope_reason(name: &[u8]) -> String {
    format!(
        "{} beside a list of events: only those of the list are taken",
        String::from_utf8_lossy(name)
    )
}

/// What stands between the quotes of a string at the text's beginning, escapes left alone.
fn string_content(text: &[u8]) -> Option<&[u8]> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(&text[1..at]);
        }
        at += 2;
    }
}

/// The length of a string, number or word at the text's beginning.
fn scalar_len(text: &[u8], last: bool) -> Option<usize> {
    if text[0] == b'"' {
        let inside = string_content(text).map(|inside| inside.len() + 2);
        return inside.or(last.then_some(text.len()));
    }
    let ends = |&byte: &u8| byte.is_ascii_whitespace() || b",[]{}\"".contains(&byte);
    match text.iter().skip(1).position(ends) {
        Some(len) => Some(len + 1),
        None => last.then_some(text.len()),
    }
}

/// The next line break behind which a line begins with a bracket: where the next record of an
/// NDJSON file begins, or the next array of files that were joined.
fn next_line_with_value(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &text[from..])
        .map(|at| from + at)
        .find(|&at| matches!(text.get(at + 1), Some(b'{' | b'[')))
}

impl ScalarToken {
    /// Where it ends, if the text reaches so far. A string ends at its quote, or breaks off at a
    /// line break, since no JSON writer leaves a bare one in a string.
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
                // What is escaped may not be there yet.
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
