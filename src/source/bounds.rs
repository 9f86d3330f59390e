//! Where the records of a JSON text begin and end.
//!
//! Between records the text is read token by token: brackets of arrays, the members of wrappings.
//! Inside a record only its end is looked for, 64 bytes at a time: which of them are brackets
//! outside of strings, as bit masks. That part reads several gigabytes a second and is why
//! records can be parsed on all cores from one file: nothing else has to be known to cut it.

/// A record longer than this is not taken: no event comes near it, so a quote or a bracket is
/// missing somewhere.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Members that tell a wrapping from an event, when one of them is the first. Graph and PowerShell
/// wrap as well as the REST API does.
const WRAPPING: [&str; 9] = [
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
const AMBIGUOUS: [&str; 3] = ["value", "Count", "lastResultSet"];

/// Members that an event has and a wrapping does not.
const EVENT: [&str; 3] = ["Id", "CreationTime", "Operation"];

/// What stands around the place that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// An array whose items are records.
    Array,
    /// A wrapping object, between its members.
    Wrapping,
    /// A wrapping object, behind the name of a member; the flag says whether it holds records.
    Member { holds_records: bool },
}

/// What one step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A record, from here to there.
    Record(usize, usize),
    /// A record that is not taken, from here to where it breaks off or the next begins, and why.
    Bad(usize, usize, String),
    /// The text ends here, and what it began is not closed.
    Unclosed(usize, String),
    /// The text ends here; more may come.
    More,
}

/// What the text has been so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) rest: bool,
    pub(super) array: bool,
    pub(super) objects: bool,
}

/// Finds records in a text that grows at its end and is cut off at its front.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    at: usize,
    around: Vec<Around>,
    /// A value whose end is being looked for.
    open: Option<Open>,
    /// A record broke off, and what it stood in is forgotten: until the next record, nothing that
    /// is found is out of place.
    recovering: bool,
    /// A record broke off somewhere before. From then on, a line that begins with a bracket is
    /// taken to begin a record, so that a file full of damage is still read once, not once for
    /// each damage.
    damaged: bool,
    pub(super) traits: Traits,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    start: usize,
    scan: Scan,
    purpose: Purpose,
    too_long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A record.
    Record,
    /// A member of a wrapping that is of no interest.
    Skip,
}

impl Bounds {
    /// The next thing in the text. `last` says that no more text will come.
    pub(super) fn step(&mut self, text: &[u8], last: bool) -> Step {
        loop {
            if let Some(open) = self.open {
                match self.close(text, open, last) {
                    None => continue,
                    Some(step) => return step,
                }
            }
            let Some(&byte) = text.get(self.at) else { return Step::More };
            let around = self.around.last().copied();
            match (byte, around) {
                (b' ' | b'\t' | b'\r' | b'\n' | b',' | 0, _) => self.at += 1,
                // A mark of UTF-8 in the middle: files were joined.
                (0xEF, _) if text[self.at..].starts_with(b"\xEF\xBB\xBF") => self.at += 3,
                (b']', Some(Around::Array)) | (b'}', Some(Around::Wrapping)) => {
                    self.at += 1;
                    self.leave();
                }
                (b':', Some(Around::Member { .. })) => self.at += 1,
                (b']' | b'}' | b':', None) if self.recovering => self.at += 1,
                (
                    b'[',
                    Some(Around::Member { holds_records: true }) | Some(Around::Array) | None,
                ) => {
                    self.at += 1;
                    self.traits.array |= around.is_none();
                    self.around.push(Around::Array);
                }
                (
                    b'{',
                    Some(Around::Member { holds_records: true }) | Some(Around::Array) | None,
                ) => match opens_wrapping(&text[self.at + 1..]) {
                    None if !last => return Step::More,
                    Some(true) => self.enter_wrapping(),
                    _ => {
                        self.traits.objects |= around.is_none();
                        self.begin(Purpose::Record);
                    }
                },
                (b'{' | b'[', Some(Around::Member { .. })) => self.begin(Purpose::Skip),
                (b'"', Some(Around::Wrapping)) => match string(&text[self.at..]) {
                    None => return Step::More,
                    Some(name) => {
                        let start = self.at;
                        self.member(name);
                        if EVENT.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())) {
                            return Step::Bad(start, self.at, both_at_once(name));
                        }
                    }
                },
                _ => match scalar(&text[self.at..], last) {
                    None => return Step::More,
                    Some(len) => {
                        let start = self.at;
                        self.at += len;
                        if let Some(stray) = self.scalar(&text[start..start + len], start) {
                            return stray;
                        }
                    }
                },
            }
        }
    }

    fn begin(&mut self, purpose: Purpose) {
        let scan = Scan { at: self.at, ..Scan::default() };
        self.open = Some(Open { start: self.at, scan, purpose, too_long: false });
    }

    fn enter_wrapping(&mut self) {
        self.at += 1;
        self.around.push(Around::Wrapping);
    }

    fn member(&mut self, name: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let rest = is("activityEventEntities");
        self.traits.rest |= rest;
        self.traits.array |= is("value") && self.around.len() == 1;
        self.at += name.len() + 2;
        self.around.push(Around::Member { holds_records: rest || is("value") });
    }

    /// A value has ended: of an array, or of a wrapping's member, which ends with it.
    fn leave(&mut self) {
        self.around.pop();
        if let Some(Around::Member { .. }) = self.around.last() {
            self.around.pop();
        }
    }

    /// A value that is no object and no array: `null`, numbers and texts.
    fn scalar(&mut self, text: &[u8], start: usize) -> Option<Step> {
        if let Some(Around::Member { .. }) = self.around.last() {
            self.around.pop();
            return None;
        }
        if text == b"null" || self.recovering {
            return None;
        }
        let shown: String =
            String::from_utf8_lossy(text).chars().take(40).flat_map(char::escape_default).collect();
        let reason = format!("an event was expected, found \"{shown}\"");
        Some(Step::Bad(start, start + text.len(), reason))
    }

    /// Looks for the end of the open value.
    fn close(&mut self, text: &[u8], mut open: Open, last: bool) -> Option<Step> {
        match open.scan.find_end(text, self.damaged) {
            End::At(end) => {
                self.open = None;
                self.at = end;
                self.leave_member();
                if open.purpose == Purpose::Skip {
                    return None;
                }
                self.recovering = false;
                // One that is too long was named when it became so.
                (!open.too_long).then_some(Step::Record(open.start, end))
            }
            End::Broken(at) => Some(self.go_on_at(at, open.start)),
            End::More => {
                let too_long = open.scan.at - open.start > RECORD_BYTES_MAX && !open.too_long;
                if open.purpose == Purpose::Record
                    && (too_long || last && !open.too_long)
                    && let Some(at) = next_line_with_value(text, open.start)
                {
                    return Some(self.go_on_at(at, open.start));
                }
                open.too_long |= too_long;
                self.open = Some(open);
                let reason = || {
                    let mib = RECORD_BYTES_MAX >> 20;
                    format!("a record of more than {mib} MiB: a quote or bracket is missing")
                };
                Some(if too_long {
                    Step::Bad(open.start, open.scan.at, reason())
                } else {
                    Step::More
                })
            }
        }
    }

    /// A record that begins at `start` is broken, and reading goes on at a line break behind it.
    /// What it stood in is forgotten: nothing says any more where that ends.
    fn go_on_at(&mut self, line_break: usize, start: usize) -> Step {
        self.open = None;
        self.at = line_break;
        self.around.clear();
        self.recovering = true;
        self.damaged = true;
        let reason = "a record that breaks off, and another begins in a later line".to_owned();
        Step::Bad(start, line_break, reason)
    }

    fn leave_member(&mut self) {
        if let Some(Around::Member { .. }) = self.around.last() {
            self.around.pop();
        }
    }

    /// How much of the text's front is done with.
    pub(super) fn done(&self) -> usize {
        match &self.open {
            // A record that is too long is only followed to its end.
            Some(open) if open.too_long => open.scan.at,
            Some(open) => open.start,
            None => self.at,
        }
    }

    /// The first `len` bytes of the text are gone.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.at = self.at.saturating_sub(len);
        if let Some(open) = &mut self.open {
            open.start = open.start.saturating_sub(len);
            open.scan.at = open.scan.at.saturating_sub(len);
        }
    }

    /// What is still open when the text has ended: the start of a record, or a sentence about
    /// what is not closed.
    pub(super) fn unclosed(&self, text: &[u8]) -> Option<Step> {
        if let Some(open) = self.open.filter(|open| open.purpose == Purpose::Record) {
            let reason = "the file ends in the middle of a record".to_owned();
            return (!open.too_long).then_some(Step::Bad(open.start, text.len(), reason));
        }
        if self.around.is_empty() && self.at >= text.len() {
            return None;
        }
        let what = match self.around.first() {
            Some(Around::Array) => "its array",
            _ => "its object",
        };
        Some(Step::Unclosed(text.len(), format!("the file ends before {what} is closed")))
    }
}

/// Whether an object, whose text behind the bracket is given, is a wrapping; `None` where the text
/// does not reach far enough to tell.
///
/// Names that an event could have as well decide only with what follows them: `value` with a list,
/// the others with a further member of a wrapping.
fn opens_wrapping(text: &[u8]) -> Option<bool> {
    let is = |name: &[u8], known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let mut at = 0;
    loop {
        let skip = |at: usize, also: u8| {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == also;
            Some(at + text.get(at..)?.iter().position(|byte| !blank(byte))?)
        };
        at = skip(at, b',')?;
        if text[at] != b'"' {
            return Some(false);
        }
        let name = string(&text[at..])?;
        if !WRAPPING.iter().any(|known| is(name, known)) {
            return Some(false);
        }
        if !AMBIGUOUS.iter().any(|known| is(name, known)) {
            return Some(true);
        }
        at = skip(at + name.len() + 2, b':')?;
        match text[at] {
            // PowerShell unrolls a list of one.
            b'[' | b'{' => return Some(is(name, "value")),
            _ => at += scalar(&text[at..], false)?,
        }
    }
}

fn both_at_once(name: &[u8]) -> String {
    format!(
        "{} beside a list of events: only those of the list are taken",
        String::from_utf8_lossy(name)
    )
}

/// What stands between the quotes of a string at the text's beginning, escapes left alone.
fn string(text: &[u8]) -> Option<&[u8]> {
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
fn scalar(text: &[u8], last: bool) -> Option<usize> {
    if text[0] == b'"' {
        let inside = string(text).map(|inside| inside.len() + 2);
        return inside.or(last.then_some(text.len()));
    }
    let ends = |&byte: &u8| byte.is_ascii_whitespace() || b",[]{}\"".contains(&byte);
    match text.iter().skip(1).position(ends) {
        Some(len) => Some(len + 1),
        None => last.then_some(text.len()),
    }
}

/// Looks for the end of a bracketed value.
#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    at: usize,
    depth: u32,
    in_string: bool,
    /// The byte at `at` is escaped by a backslash before it.
    escaped: bool,
}

enum End {
    /// The value ends before this position.
    At(usize),
    /// The value breaks off at a line break, here: no JSON writer leaves a bare one in a string,
    /// and in a file with damage, a line that begins with a bracket begins a record.
    Broken(usize),
    More,
}

impl Scan {
    fn find_end(&mut self, text: &[u8], damaged: bool) -> End {
        loop {
            let rest = &text[self.at..];
            let mut last = [b' '; 64];
            let (block, len) = match rest.first_chunk::<64>() {
                Some(block) => (block, 64),
                None if rest.is_empty() => return End::More,
                None => {
                    last[..rest.len()].copy_from_slice(rest);
                    (&last, rest.len())
                }
            };
            let before = *self;
            let masks = Masks::of(block);
            let (escaped, escapes_next) = escapes(masks.backslash, self.escaped);
            let quotes = masks.quote & !escaped;
            let inside = prefix_xor(quotes) ^ if self.in_string { u64::MAX } else { 0 };
            let mut broken = masks.line_break & inside;
            if damaged {
                broken |= lines_with_value(text, self.at, masks.line_break & !inside);
            }
            if let Some(end) = self.end_in(block, (masks.bracket & !inside) & below(broken)) {
                return End::At(self.at + end);
            }
            if broken != 0 {
                return End::Broken(self.at + broken.trailing_zeros() as usize);
            }
            if len < 64 {
                // Look at this block again when it is whole.
                *self = before;
                return End::More;
            }
            self.in_string = inside >> 63 == 1;
            self.escaped = escapes_next;
            self.at += 64;
        }
    }

    /// Follows the brackets of a block; tells the position behind the one that closes the value.
    fn end_in(&mut self, block: &[u8; 64], mut brackets: u64) -> Option<usize> {
        while brackets != 0 {
            let at = brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            if block[at] & 0x07 == 0x03 {
                // `{` is 0x7B and `[` 0x5B; the closing ones are 0x7D and 0x5D.
                self.depth += 1;
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(at + 1);
                }
            }
        }
        None
    }
}

/// Those of the line breaks of a block at `at` behind which a line begins with a value.
fn lines_with_value(text: &[u8], at: usize, mut line_breaks: u64) -> u64 {
    let mut found = 0;
    while line_breaks != 0 {
        let bit = line_breaks & line_breaks.wrapping_neg();
        if let Some(b'{' | b'[') = text.get(at + bit.trailing_zeros() as usize + 1) {
            found |= bit;
        }
        line_breaks ^= bit;
    }
    found
}

/// The next line break behind which a line begins with a bracket: where the next record of an
/// NDJSON file begins, or the next array of files that were joined.
fn next_line_with_value(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &text[from..])
        .map(|at| from + at)
        .find(|&at| matches!(text.get(at + 1), Some(b'{' | b'[')))
}

/// All bits below the lowest set one; all bits if none is set.
fn below(mask: u64) -> u64 {
    if mask == 0 { u64::MAX } else { (mask & mask.wrapping_neg()) - 1 }
}

/// Which bytes are escaped by a backslash, and whether the byte behind the block is.
fn escapes(mut backslash: u64, first_escaped: bool) -> (u64, bool) {
    let mut escaped = u64::from(first_escaped);
    backslash &= !escaped;
    while backslash != 0 {
        let at = backslash.trailing_zeros();
        if at == 63 {
            return (escaped, true);
        }
        escaped |= 2 << at;
        backslash &= !(3 << at);
    }
    (escaped, false)
}

/// Each bit becomes the parity of the bits up to it: between an odd and an even quote is inside.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// One bit for each byte of a block.
struct Masks {
    quote: u64,
    backslash: u64,
    bracket: u64,
    line_break: u64,
}

impl Masks {
    #[cfg(target_arch = "x86_64")]
    fn of(block: &[u8; 64]) -> Masks {
        // SAFETY: the function needs SSE2 and nothing else, and SSE2 belongs to every x86-64
        // processor. The test below compares it with the portable one. Portable masks need six
        // times the time for a whole file.
        #[expect(unsafe_code, reason = "see the argument above")]
        unsafe {
            Masks::sse2(block)
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "sse2")]
    fn sse2(block: &[u8; 64]) -> Masks {
        use std::arch::x86_64::{
            __m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
        };
        let mut masks = Masks { quote: 0, backslash: 0, bracket: 0, line_break: 0 };
        for (number, part) in block.chunks_exact(16).enumerate() {
            let half = |at: usize| {
                part[at..].first_chunk::<8>().map_or(0, |bytes| i64::from_le_bytes(*bytes))
            };
            // The compiler turns this into one load.
            let bytes = _mm_set_epi64x(half(8), half(0));
            let mask =
                |matches: __m128i| u64::from(_mm_movemask_epi8(matches) as u16) << (number * 16);
            let equal = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
            // Setting bit 5 makes one of `[` and `{`, and one of `]` and `}`.
            let folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
            let bracket = |byte: u8| _mm_cmpeq_epi8(folded, _mm_set1_epi8(byte as i8));
            masks.quote |= mask(equal(b'"'));
            masks.backslash |= mask(equal(b'\\'));
            masks.line_break |= mask(equal(b'\n'));
            masks.bracket |= mask(_mm_or_si128(bracket(b'{'), bracket(b'}')));
        }
        masks
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of(block: &[u8; 64]) -> Masks {
        Masks::portable(block)
    }

    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn portable(block: &[u8; 64]) -> Masks {
        let mask = |is: &dyn Fn(u8) -> bool| {
            block.iter().rev().fold(0, |mask, &byte| mask << 1 | u64::from(is(byte)))
        };
        Masks {
            quote: mask(&|byte| byte == b'"'),
            backslash: mask(&|byte| byte == b'\\'),
            bracket: mask(&|byte| matches!(byte | 0x20, b'{' | b'}')),
            line_break: mask(&|byte| byte == b'\n'),
        }
    }
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
