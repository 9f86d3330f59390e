//! Reads records by the shape of the records before: which member follows which, and the text
//! between their values.
//!
//! The names of members are compared with those that are expected, and values are found by their
//! quotes. So a record is read once and without a tape. Everything unusual is left to the tape:
//! [`ShapeReader::read`] then returns `false`, and [`Parser`] decides if the record is valid.
//! Nested values, escaped strings and other numbers than integers are parsed one by one.
//!
//! [`Parser`]: crate::record::Parser

use std::collections::HashMap;

use super::field_lookup::FieldTarget;
use crate::schema::{column_index, columns};
use crate::simd::{self, BlockKernel, BlockScan};

/// The most bytes between two values.
const MAX_LITERAL_BYTES: usize = 64;
/// The most members that can follow a member. A new one replaces the one that occurs least.
const MAX_FOLLOWERS: usize = 32;
/// The most pairs of members. A record with other ones is left to the tape.
const MAX_NODES: usize = 8192;
/// The most names. A record with other ones is left to the tape.
const MAX_FIELDS: usize = 4096;
/// The most digits of an integer that surely fits 64 bits.
const MAX_DIGITS: usize = 18;
/// After this number of records in a row without success, some are not tried.
const MAX_FAILURES: u32 = 8;
/// The number of records that are not tried then.
const PAUSE: u32 = 56;

/// The name of a member.
pub(super) struct ShapeField {
    pub(super) name: Box<str>,
    pub(super) target: FieldTarget,
    /// The key field that the name is, in any case.
    key: Option<KeyField>,
    /// Equal for names that mean the same member.
    identity: u32,
    /// True if nothing is made of its values.
    pub(super) is_skipped: bool,
}

/// A field that decides about the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyField {
    Id,
    CreationTime,
    RecordType,
}

/// A member after another member.
#[derive(Default)]
struct ShapeNode {
    field: u32,
    /// The members that followed, the most frequent ones first.
    followers: Vec<Follower>,
}

/// The text between a value and the value of a member that follows: comma, white space, name and
/// colon.
#[derive(Clone, Copy)]
struct Follower {
    literal: [[u8; 32]; 2],
    /// 0xFF for each of the first 32 bytes that count.
    mask: [u8; 32],
    len: usize,
    node: u32,
}

impl Follower {
    fn new(literal: &[u8], node: u32) -> Self {
        let mut follower =
            Follower { literal: [[0; 32]; 2], mask: [0; 32], len: literal.len(), node };
        follower.literal.as_flattened_mut()[..literal.len()].copy_from_slice(literal);
        follower.mask[..literal.len().min(32)].fill(0xFF);
        follower
    }

    /// Returns true if a text starts with this one.
    #[inline(always)]
    fn is_start_of(&self, text: &[u8]) -> bool {
        match text.first_chunk::<32>() {
            Some(block) if is_masked_equal(block, &self.literal[0], &self.mask) => {
                self.len <= 32 || self.continues_in(text)
            }
            Some(_) => false,
            None => self.is_start_of_end(text),
        }
    }

    /// Returns true if the second part of this text is in another text.
    fn continues_in(&self, text: &[u8]) -> bool {
        text.get(32..self.len).is_some_and(|rest| rest == &self.literal[1][..self.len - 32])
    }

    /// The text ends before a whole block.
    #[cold]
    fn is_start_of_end(&self, text: &[u8]) -> bool {
        let literal = self.literal.as_flattened();
        text.get(..self.len).is_some_and(|start| start == &literal[..self.len])
    }
}

/// Compares the bytes of a block that are in a mask.
#[inline(always)]
fn is_masked_equal(block: &[u8; 32], literal: &[u8; 32], mask: &[u8; 32]) -> bool {
    // No closures: the functions of the standard library that take them are compiled without the
    // instructions of the kernel.
    let (block, literal, mask) = (block.as_chunks().0, literal.as_chunks().0, mask.as_chunks().0);
    let mut difference = 0;
    for number in 0..4 {
        let word = u64::from_le_bytes(block[number]) ^ u64::from_le_bytes(literal[number]);
        difference |= word & u64::from_le_bytes(mask[number]);
    }
    difference == 0
}

/// A value of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeValue {
    Null,
    Bool(bool),
    Int(i64),
    /// A string without escapes: its start and end.
    Text(u32, u32),
    /// The next one of the values that are parsed.
    Parsed,
}

/// The values of the key fields.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyValues {
    pub(super) id: Option<ShapeValue>,
    pub(super) creation_time: Option<ShapeValue>,
    pub(super) record_type: Option<ShapeValue>,
}

/// Reads records by their shape.
pub(super) struct ShapeReader {
    nodes: Vec<ShapeNode>,
    fields: Vec<ShapeField>,
    field_by_name: HashMap<Box<str>, u32>,
    node_by_fields: HashMap<(u32, u32), u32>,
    identity_by_name: HashMap<String, u32>,
    /// For each identity, the number of the last record with it.
    last_record: Vec<u32>,
    record: u32,
    /// True for columns that are not built.
    is_absent: Vec<bool>,
    /// True if unknown members are not kept.
    drops_unknown: bool,
    /// The bytes of the record at which a string can end.
    stops: Vec<u64>,
    values: Vec<(u32, ShapeValue)>,
    /// The values that are parsed, as a JSON list; empty if there are none.
    list: Vec<u8>,
    list_len: usize,
    keys: KeyValues,
    failures: u32,
    pause: u32,
}

impl ShapeReader {
    /// Returns a reader that knows no shape. Values of columns in `is_absent` are skipped, and
    /// those without a column if `drops_unknown`.
    pub(super) fn new(is_absent: Vec<bool>, drops_unknown: bool) -> Self {
        ShapeReader {
            nodes: vec![ShapeNode::default()],
            fields: Vec::new(),
            field_by_name: HashMap::new(),
            node_by_fields: HashMap::new(),
            identity_by_name: HashMap::new(),
            last_record: Vec::new(),
            record: 0,
            is_absent,
            drops_unknown,
            stops: Vec::new(),
            values: Vec::new(),
            list: Vec::new(),
            list_len: 0,
            keys: KeyValues::default(),
            failures: 0,
            pause: 0,
        }
    }

    /// Reads the record in a range of a text. Returns `false` if it is left to the tape.
    pub(super) fn read(&mut self, text: &[u8], start: usize, end: usize) -> bool {
        simd::run(RecordScan { reader: self, text, start, end }).is_some()
    }

    /// Returns true if the next record must be tried. After many failures, some are not.
    pub(super) fn is_tried(&mut self) -> bool {
        let is_tried = self.pause == 0;
        self.pause = self.pause.saturating_sub(1);
        is_tried
    }

    /// Counts a record that was tried. A record that was read but is left to the tape is a failure,
    /// too: events of other workloads cost a second reading.
    pub(super) fn count_tried(&mut self, is_added: bool) {
        self.failures = if is_added { 0 } else { self.failures + 1 };
        if self.failures >= MAX_FAILURES {
            // Records of other kinds can follow, so it is tried again.
            self.pause = PAUSE;
            self.failures = 0;
        }
    }

    /// Returns the field and the value of each member that is not skipped.
    pub(super) fn values(&self) -> impl Iterator<Item = (&ShapeField, ShapeValue)> {
        self.values.iter().map(|&(field, value)| (&self.fields[field as usize], value))
    }

    /// Returns the values that are parsed as a JSON list, with their number. The list is empty text
    /// if there are none.
    pub(super) fn list(&self) -> (&[u8], usize) {
        (&self.list, self.list_len)
    }

    /// Returns the values of the key fields.
    pub(super) fn keys(&self) -> KeyValues {
        self.keys
    }

    #[inline(always)]
    fn read_members(
        &mut self,
        text: &[u8],
        start: usize,
        end: usize,
        kernel: impl BlockKernel,
    ) -> Option<()> {
        let raw = text.get(start..end)?;
        if *raw.first()? != b'{' || u32::try_from(raw.len()).is_err() {
            return None;
        }
        find_string_stops(raw, &mut self.stops, kernel);
        self.values.clear();
        self.list.clear();
        self.list_len = 0;
        self.keys = KeyValues::default();
        self.start_record();
        let (mut at, mut node) = (1, 0);
        loop {
            if at + 1 == raw.len() && node != 0 {
                return (raw[at] == b'}').then_some(());
            }
            let mut next = self.follow(node, &text[start + at..]);
            if next.is_none() {
                next = self.learn(raw, at, node);
            }
            let Some((len, next)) = next else {
                return is_closed(raw, at, node != 0).then_some(());
            };
            node = next;
            at += len;
            let field = self.nodes[node as usize].field;
            let identity = self.fields[field as usize].identity as usize;
            if self.last_record[identity] == self.record {
                // The name is repeated.
                return None;
            }
            self.last_record[identity] = self.record;
            let (value, value_end) = self.read_value(raw, at)?;
            at = value_end;
            let known = &self.fields[field as usize];
            match known.key {
                None => {}
                Some(KeyField::Id) => self.keys.id = Some(value),
                Some(KeyField::CreationTime) => self.keys.creation_time = Some(value),
                Some(KeyField::RecordType) => self.keys.record_type = Some(value),
            }
            if !known.is_skipped || value == ShapeValue::Parsed {
                self.values.push((field, value));
            }
        }
    }

    fn start_record(&mut self) {
        self.record = self.record.wrapping_add(1);
        if self.record == 0 {
            self.last_record.fill(0);
            self.record = 1;
        }
    }

    /// Returns the length of the text up to the value of the next member, and the node of the
    /// member, if it followed this node before.
    #[inline(always)]
    fn follow(&mut self, node: u32, rest: &[u8]) -> Option<(usize, u32)> {
        let followers = &mut self.nodes[node as usize].followers;
        for number in 0..followers.len() {
            let Follower { len, node, .. } = followers[number];
            // Where spellings are mixed, white space can follow.
            if followers[number].is_start_of(rest)
                && !matches!(rest.get(len), Some(b' ' | b'\t' | b'\r' | b'\n'))
            {
                if number > 0 {
                    followers.swap(number, number - 1);
                }
                return Some((len, node));
            }
        }
        None
    }

    /// Notes the member that follows a node. Returns `None` if there is none, or if its name has
    /// escapes.
    #[cold]
    fn learn(&mut self, raw: &[u8], at: usize, node: u32) -> Option<(usize, u32)> {
        let mut name_start = skip_white_space(raw, at);
        if node != 0 {
            (*raw.get(name_start)? == b',').then_some(())?;
            name_start = skip_white_space(raw, name_start + 1);
        }
        (*raw.get(name_start)? == b'"').then_some(())?;
        let name_end = self.next_stop(name_start + 1)?;
        let name = std::str::from_utf8(raw.get(name_start + 1..name_end)?).ok()?;
        let colon = skip_white_space(raw, name_end + 1);
        if *raw.get(name_end)? != b'"' || name.is_empty() || *raw.get(colon)? != b':' {
            return None;
        }
        let end = skip_white_space(raw, colon + 1);
        let literal = raw.get(at..end).filter(|literal| literal.len() <= MAX_LITERAL_BYTES)?;
        let field = self.find_field(name)?;
        let before = if node == 0 { u32::MAX } else { self.nodes[node as usize].field };
        let next = match self.node_by_fields.get(&(before, field)) {
            Some(&next) => next,
            None if self.nodes.len() >= MAX_NODES => return None,
            None => {
                let next = self.nodes.len() as u32;
                self.nodes.push(ShapeNode { field, followers: Vec::new() });
                self.node_by_fields.insert((before, field), next);
                next
            }
        };
        let followers = &mut self.nodes[node as usize].followers;
        followers.truncate(MAX_FOLLOWERS - 1);
        followers.push(Follower::new(literal, next));
        Some((literal.len(), next))
    }

    /// Returns the field of a name. `None` if it is left to the tape.
    fn find_field(&mut self, name: &str) -> Option<u32> {
        if let Some(&field) = self.field_by_name.get(name) {
            return Some(field);
        }
        let lower_case = name.to_ascii_lowercase();
        // Such a record is the container of an event.
        if self.fields.len() >= MAX_FIELDS || lower_case == "auditdata" {
            return None;
        }
        let column = column_index(name);
        let target = match column.and_then(|column| u16::try_from(column).ok()) {
            None => FieldTarget::Unknown,
            Some(at) if columns()[usize::from(at)].name == name => FieldTarget::Column(at),
            Some(at) => FieldTarget::OtherName(at),
        };
        let key = match &*lower_case {
            "id" => Some(KeyField::Id),
            "creationtime" => Some(KeyField::CreationTime),
            "recordtype" => Some(KeyField::RecordType),
            _ => None,
        };
        let meaning = column.map_or(lower_case, |column| columns()[column].name.to_owned());
        let new = self.identity_by_name.len() as u32;
        let identity = *self.identity_by_name.entry(meaning).or_insert(new);
        self.last_record.resize(self.identity_by_name.len(), 0);
        let is_skipped = match column {
            None => self.drops_unknown,
            Some(column) => self.is_absent.get(column).copied().unwrap_or(false),
        };
        let field = self.fields.len() as u32;
        self.fields.push(ShapeField { name: name.into(), target, key, identity, is_skipped });
        self.field_by_name.insert(name.into(), field);
        Some(field)
    }

    /// Reads the value at a position, and returns it with its end.
    #[inline(always)]
    fn read_value(&mut self, raw: &[u8], at: usize) -> Option<(ShapeValue, usize)> {
        match *raw.get(at)? {
            b'"' => {
                let stop = self.next_stop(at + 1)?;
                match *raw.get(stop)? {
                    b'"' => Some((ShapeValue::Text(at as u32 + 1, stop as u32), stop + 1)),
                    b'\\' => self.push_parsed(raw, at, self.string_end(raw, at)?),
                    _ => None,
                }
            }
            b'0'..=b'9' | b'-' => match read_integer(raw, at) {
                Some((number, end)) => Some((ShapeValue::Int(number), end)),
                None => self.push_parsed(raw, at, number_end(raw, at)),
            },
            b'[' | b'{' => self.push_parsed(raw, at, self.nested_end(raw, at)?),
            b't' if raw[at..].starts_with(b"true") => Some((ShapeValue::Bool(true), at + 4)),
            b'f' if raw[at..].starts_with(b"false") => Some((ShapeValue::Bool(false), at + 5)),
            b'n' if raw[at..].starts_with(b"null") => Some((ShapeValue::Null, at + 4)),
            _ => None,
        }
    }

    /// Adds a value to those that are parsed.
    fn push_parsed(&mut self, raw: &[u8], at: usize, end: usize) -> Option<(ShapeValue, usize)> {
        if self.list_len == 0 {
            self.list.push(b'[');
        } else if let Some(last) = self.list.last_mut() {
            *last = b',';
        }
        self.list.extend_from_slice(raw.get(at..end)?);
        self.list.push(b']');
        self.list_len += 1;
        Some((ShapeValue::Parsed, end))
    }

    /// Returns the next position at which a string can end. It can be after the record.
    #[inline(always)]
    fn next_stop(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mask = self.stops.get(word)? >> (from % 64);
        if mask != 0 {
            return Some(from + mask.trailing_zeros() as usize);
        }
        loop {
            word += 1;
            let mask = *self.stops.get(word)?;
            if mask != 0 {
                return Some(word * 64 + mask.trailing_zeros() as usize);
            }
        }
    }

    /// Returns the position after a string.
    fn string_end(&self, raw: &[u8], at: usize) -> Option<usize> {
        let mut stop = self.next_stop(at + 1)?;
        loop {
            match *raw.get(stop)? {
                b'"' => return Some(stop + 1),
                b'\\' => stop = self.next_stop(stop + 2)?,
                _ => return None,
            }
        }
    }

    /// Returns the position after a list or an object.
    fn nested_end(&self, raw: &[u8], mut at: usize) -> Option<usize> {
        let mut depth = 0;
        loop {
            match *raw.get(at)? {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'"' => {
                    at = self.string_end(raw, at)?;
                    continue;
                }
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
}

/// The scan of a record.
struct RecordScan<'t> {
    reader: &'t mut ShapeReader,
    text: &'t [u8],
    start: usize,
    end: usize,
}

impl BlockScan for RecordScan<'_> {
    type Output = Option<()>;

    #[inline(always)]
    fn scan(self, kernel: impl BlockKernel) -> Option<()> {
        self.reader.read_members(self.text, self.start, self.end, kernel)
    }
}

/// Replaces `stops` by the masks of the bytes at which a plain string can end. All bytes after the
/// text are such bytes.
#[inline(always)]
fn find_string_stops(text: &[u8], stops: &mut Vec<u64>, kernel: impl BlockKernel) {
    let (blocks, rest) = text.as_chunks::<64>();
    stops.clear();
    stops.resize(blocks.len() + 1, 0);
    for (block, mask) in blocks.iter().zip(&mut *stops) {
        *mask = kernel.string_stops(block);
    }
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    stops[blocks.len()] = kernel.string_stops(&last);
}

/// Returns the position after the white space of JSON.
fn skip_white_space(raw: &[u8], at: usize) -> usize {
    let rest = raw.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// Returns true if only the end of the object follows.
fn is_closed(raw: &[u8], at: usize, has_members: bool) -> bool {
    let close = skip_white_space(raw, at);
    has_members && close + 1 == raw.len() && raw[close] == b'}'
}

/// Returns true for a byte that can follow a number.
fn ends_number(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n')
}

/// Returns the position after a number.
fn number_end(raw: &[u8], at: usize) -> usize {
    at + raw[at..].iter().take_while(|&&byte| !ends_number(byte)).count()
}

/// Reads an integer. Returns `None` for other numbers, and for integers that may not fit 64 bits.
#[inline(always)]
fn read_integer(raw: &[u8], at: usize) -> Option<(i64, usize)> {
    let is_negative = raw[at] == b'-';
    let first = at + usize::from(is_negative);
    let (mut number, mut end) = (0_i64, first);
    while let Some(byte @ b'0'..=b'9') = raw.get(end) {
        if end - first == MAX_DIGITS {
            return None;
        }
        number = number * 10 + i64::from(byte - b'0');
        end += 1;
    }
    let has_zeros = raw.get(first) == Some(&b'0') && (end - first > 1 || is_negative);
    let is_plain = end > first
        && !has_zeros
        && matches!(raw.get(end), Some(b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n'));
    if !is_plain {
        return None;
    }
    Some((if is_negative { -number } else { number }, end))
}
