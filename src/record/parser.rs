//! Parses JSON records with simd-json and gives access to their values.
//!
//! Numbers are exact. simd-json turns a number that does not fit 64 bits into a float. Such a
//! number is passed on as its original text ([`Value::Decimal`]), which is found through the token
//! positions that the parser keeps.

use serde::de::IgnoredAny;
use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape};

/// The most levels of nesting. Deeper values are made to overflow stacks and are not events. Common
/// parsers stop at 128, and they must be able to read `Extra`.
const MAX_DEPTH: usize = 100;

/// The reason why a record cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordParseError {
    /// The byte position in the record.
    pub position: usize,
    /// The reason: what was expected, and what was found.
    pub reason: String,
}

/// Parses one record after another, and reuses its buffers.
pub struct Parser {
    text: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Default for Parser {
    fn default() -> Self {
        Parser { text: Vec::new(), buffers: Buffers::default(), tape: Tape(Vec::new()) }
    }
}

/// A parsed record. It exists only during the closure given to [`Parser::parse`].
pub struct Record<'a> {
    nodes: &'a [Node<'a>],
    raw: &'a [u8],
    tokens: &'a [u32],
}

impl Parser {
    /// Parses one JSON value and calls `then` with it.
    ///
    /// # Errors
    ///
    /// [`RecordParseError`] if `raw` is not exactly one valid JSON value in UTF-8.
    pub fn parse<T>(
        &mut self,
        raw: &[u8],
        then: impl FnOnce(&Record<'_>) -> T,
    ) -> Result<T, RecordParseError> {
        // simd-json unescapes in place and needs padding after the text. The copy takes a few
        // nanoseconds per record, and keeps the original for exact numbers and for rejects.
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        self.text.clear();
        self.text.extend_from_slice(raw);
        let mut parsed = fill_tape(&mut self.text, &mut self.buffers, &mut tape);
        let without_constants = if parsed.is_err() { replace_constants(raw) } else { None };
        let raw = without_constants.as_deref().unwrap_or(raw);
        if without_constants.is_some() {
            tape = tape.reset();
            self.text.clear();
            self.text.extend_from_slice(raw);
            parsed = fill_tape(&mut self.text, &mut self.buffers, &mut tape);
        }
        if parsed.is_err() && serde_json::from_slice::<IgnoredAny>(raw).is_ok() {
            // The text is valid, so it contains a number beyond the range of a float. The value of
            // such a number is its text, so the parser can be given any other number in its place.
            tape = tape.reset();
            self.text.clear();
            self.text.extend_from_slice(raw);
            mask_unrepresentable_numbers(&mut self.text);
            parsed = fill_tape(&mut self.text, &mut self.buffers, &mut tape);
        }
        let out = match parsed {
            Ok(()) if is_too_deep(&tape.0) => Err(too_deep_error()),
            Ok(()) => {
                let tokens = self.buffers.structural_indexes();
                let record = Record { nodes: &tape.0, raw, tokens };
                record.check_numbers().map(|()| then(&record))
            }
            Err(error) => Err(parse_error(raw, &error)),
        };
        self.tape = tape.reset();
        out
    }
}

/// Replaces `NaN` and `Infinity` by null; `None` if the text has none. Python writes them for
/// values that are missing in a table, and they are not JSON.
fn replace_constants(raw: &[u8]) -> Option<Vec<u8>> {
    const CONSTANTS: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let mut replaced = Vec::new();
    let (mut at, mut done) = (0, 0);
    while let Some(&byte) = raw.get(at) {
        if byte == b'"' {
            at += 1;
            while raw.get(at).is_some_and(|&byte| byte != b'"') {
                at += if raw[at] == b'\\' { 2 } else { 1 };
            }
        } else if matches!(byte, b'N' | b'-' | b'I')
            && let Some(constant) = CONSTANTS.iter().find(|known| raw[at..].starts_with(known))
        {
            replaced.extend_from_slice(&raw[done..at]);
            replaced.extend_from_slice(b"null");
            at += constant.len();
            done = at;
            continue;
        }
        at += 1;
    }
    if done == 0 {
        return None;
    }
    replaced.extend_from_slice(&raw[done..]);
    Some(replaced)
}

fn fill_tape<'t>(
    text: &'t mut Vec<u8>,
    buffers: &mut Buffers,
    tape: &mut Tape<'t>,
) -> simd_json::Result<()> {
    let len = text.len();
    text.resize(len + INPUT_PADDING, b' ');
    simd_json::fill_tape_padded(text, len, buffers, tape)
}

fn too_deep_error() -> RecordParseError {
    RecordParseError { position: 0, reason: format!("values nested more than {MAX_DEPTH} deep") }
}

/// Returns true if values are nested too deep. Few records have enough nodes for that.
fn is_too_deep(nodes: &[Node<'_>]) -> bool {
    if nodes.len() <= MAX_DEPTH {
        return false;
    }
    // The ends of the lists and objects that are open at a node.
    let mut open: Vec<usize> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Node::Array { count, .. } | Node::Object { count, .. } = node {
            while open.last().is_some_and(|&end| end <= at) {
                open.pop();
            }
            open.push(at + 1 + count);
            if open.len() > MAX_DEPTH {
                return true;
            }
        }
    }
    false
}

/// Replaces numbers that may not fit a float with fractions of zeros of the same length.
fn mask_unrepresentable_numbers(text: &mut [u8]) {
    /// The most characters of a 64-bit integer, with its sign.
    const MAX_INT_CHARS: usize = 20;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte == b'"' {
            at += 1;
            while text.get(at).is_some_and(|&byte| byte != b'"') {
                at += if text[at] == b'\\' { 2 } else { 1 };
            }
        } else if byte == b'-' || byte.is_ascii_digit() {
            let is_part = |byte: &&u8| b"+-.0123456789eE".contains(byte);
            let len = text[at..].iter().take_while(is_part).count();
            let number = &mut text[at..at + len];
            let text = std::str::from_utf8(number).unwrap_or_default();
            let is_odd =
                number.len() > MAX_INT_CHARS || number.iter().any(|byte| b"eE".contains(byte));
            if is_odd && text.parse::<i64>().is_err() {
                number.fill(b'0');
                number[1] = b'.';
            }
            at += number.len();
            continue;
        }
        at += 1;
    }
}

/// Returns where and why a text is not JSON. The text is that of serde_json, whose positions are
/// more exact than those of simd-json.
fn parse_error(raw: &[u8], error: &simd_json::Error) -> RecordParseError {
    if let Err(error) = std::str::from_utf8(raw) {
        let position = error.valid_up_to();
        return RecordParseError { position, reason: "text that is not valid UTF-8".to_owned() };
    }
    match serde_json::from_slice::<IgnoredAny>(raw) {
        Err(error) => RecordParseError {
            position: byte_position(raw, error.line(), error.column()),
            reason: strip_location(&error.to_string()),
        },
        Ok(_) if *error.error() == simd_json::ErrorType::DepthLimitExceeded => too_deep_error(),
        Ok(_) => RecordParseError { position: error.index(), reason: error.to_string() },
    }
}

fn byte_position(raw: &[u8], line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match memchr::memchr(b'\n', &raw[start..]) {
            Some(at) => start += at + 1,
            None => break,
        }
    }
    (start + column.saturating_sub(1)).min(raw.len())
}

fn strip_location(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// One JSON value.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits 64 bits and is written without fraction or exponent.
    Int(i64),
    /// Any other number, as it is written.
    Decimal(&'a str),
    /// A string, unescaped.
    Text(&'a str),
    /// An array.
    List(List<'a>),
    /// An object.
    Object(Object<'a>),
}

/// An array of a record.
#[derive(Clone, Copy)]
pub struct List<'a> {
    record: &'a Record<'a>,
    at: usize,
    len: usize,
}

/// An object of a record.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    record: &'a Record<'a>,
    at: usize,
    len: usize,
}

/// The position of a value in a record.
#[derive(Clone, Copy)]
pub(super) struct ValueRef<'a> {
    record: &'a Record<'a>,
    at: usize,
}

impl<'a> ValueRef<'a> {
    #[inline]
    pub(super) fn value(self) -> Value<'a> {
        self.record.value(self.at)
    }
}

impl<'a> Record<'a> {
    /// Returns the whole record as a value.
    pub fn root(&'a self) -> Value<'a> {
        if self.nodes.is_empty() { Value::Null } else { self.value(0) }
    }

    /// Returns the text from which the record was parsed.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Returns the value at a node.
    #[inline]
    fn value(&'a self, at: usize) -> Value<'a> {
        match self.nodes[at] {
            Node::String(text) => Value::Text(text),
            Node::Static(StaticNode::I64(number)) => Value::Int(number),
            Node::Static(StaticNode::Bool(value)) => Value::Bool(value),
            Node::Static(StaticNode::Null) => Value::Null,
            Node::Static(StaticNode::U64(number)) => match i64::try_from(number) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Decimal(self.number_text(at)),
            },
            Node::Static(_) => Value::Decimal(self.number_text(at)),
            Node::Array { len, .. } => Value::List(List { record: self, at: at + 1, len }),
            Node::Object { len, .. } => Value::Object(Object { record: self, at: at + 1, len }),
        }
    }

    /// Returns the node after the value at a node.
    #[inline]
    fn next_sibling(&self, at: usize) -> usize {
        match self.nodes[at] {
            Node::Array { count, .. } | Node::Object { count, .. } => at + 1 + count,
            Node::String(_) | Node::Static(_) => at + 1,
        }
    }

    /// Returns the text of the number at a node: the n-th number on the tape is the n-th token that
    /// starts like a number. This is slow, but only rare numbers need it (fractions and integers
    /// beyond 64 bits).
    ///
    /// `Parser::parse` has checked that every number has its token, so the text is never empty.
    #[cold]
    fn number_text(&self, at: usize) -> &'a str {
        let before = self.nodes[..at].iter().filter(is_number).count();
        let text = self.number_starts().nth(before).map(|start| {
            let rest = &self.raw[start..];
            let end = rest.iter().position(|b| !b"+-.0123456789eE".contains(b));
            &rest[..end.unwrap_or(rest.len())]
        });
        text.and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// Returns the positions of the tokens that start like a number.
    fn number_starts(&self) -> impl Iterator<Item = usize> + use<'_, 'a> {
        let starts = self.tokens.iter().map(|&start| start as usize);
        starts
            .filter(|&start| self.raw.get(start).is_some_and(|b| b.is_ascii_digit() || *b == b'-'))
    }

    /// Checks that every number whose text is needed can be found.
    fn check_numbers(&self) -> Result<(), RecordParseError> {
        let needs_text = |node: &Node<'_>| match node {
            Node::Static(StaticNode::U64(number)) => i64::try_from(*number).is_err(),
            Node::Static(StaticNode::F64(_)) => true,
            _ => false,
        };
        if !self.nodes.iter().any(needs_text)
            || self.nodes.iter().filter(is_number).count() <= self.number_starts().count()
        {
            return Ok(());
        }
        let reason = "the text of a number cannot be found".to_owned();
        Err(RecordParseError { position: 0, reason })
    }
}

fn is_number(node: &&Node<'_>) -> bool {
    matches!(node, Node::Static(StaticNode::I64(_) | StaticNode::U64(_) | StaticNode::F64(_)))
}

impl<'a> List<'a> {
    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the items in their order.
    pub fn items(self) -> impl Iterator<Item = Value<'a>> {
        let (mut at, record) = (self.at, self.record);
        (0..self.len).map(move |_| {
            let value = record.value(at);
            at = record.next_sibling(at);
            value
        })
    }
}

impl<'a> Object<'a> {
    /// Returns the number of members, including repeated names.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the members in their order.
    #[inline]
    pub fn members(self) -> impl Iterator<Item = (&'a str, Value<'a>)> + Clone {
        self.value_refs().map(|(name, value)| (name, value.value()))
    }

    /// Returns the members in their order, without reading their values.
    #[inline]
    pub(super) fn value_refs(self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + Clone {
        let (mut at, record) = (self.at, self.record);
        (0..self.len).map(move |_| {
            let name = match record.nodes[at] {
                Node::String(name) => name,
                _ => "",
            };
            let value = ValueRef { record, at: at + 1 };
            at = record.next_sibling(value.at);
            (name, value)
        })
    }

    /// Returns the member with a name, which is matched without case.
    pub fn member(self, name: &str) -> Option<Value<'a>> {
        self.members().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::json;

    fn rewritten(text: &str) -> String {
        let mut out = Vec::new();
        Parser::default()
            .parse(text.as_bytes(), |record| json::write(record.root(), &mut out))
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_keep_their_text() {
        for text in [
            r#"{"a":1,"b":-2,"c":1.10,"d":"3","e":[12345678901234567890123,1e2,{"f":-0.5}]}"#,
            r#"{"a":"x\"1.5","b":18446744073709551615,"c":0.1234567890123456789}"#,
            r#"{"a":9223372036854775807,"b":-9223372036854775808}"#,
            r#"{"a":1e400,"b":"1e400 \"-2","c":[-1E+999,7],"d":{"e":0.5}}"#,
        ] {
            assert_eq!(rewritten(text), text);
        }
    }

    /// A 19-digit integer became a decimal if the record had a number beyond the range of a float.
    #[test]
    fn number_beyond_the_range_of_a_float_changes_no_other_number() {
        let text = r#"[1e400,9223372036854775807,-9223372036854775808,18446744073709551616]"#;
        let kinds = |record: &Record<'_>| match record.root() {
            Value::List(list) => list
                .items()
                .map(|value| matches!(value, Value::Int(i64::MAX | i64::MIN)))
                .collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let whole = Parser::default().parse(text.as_bytes(), kinds).unwrap();
        assert_eq!(whole, [false, true, true, false]);
        assert_eq!(rewritten(text), text);
    }

    #[test]
    fn constants_of_python_are_null() {
        let text = r#"{"a":NaN,"b":[Infinity,-Infinity, 1.10],"c":"NaN -Infinity \"NaN"}"#;
        let expected = r#"{"a":null,"b":[null,null,1.10],"c":"NaN -Infinity \"NaN"}"#;
        assert_eq!(rewritten(text), expected);
        assert!(Parser::default().parse(b"{\"a\":NaN,\"b\":x}", |_| ()).is_err());
        assert!(Parser::default().parse(b"{\"a\":Nan}", |_| ()).is_err());
    }

    #[test]
    fn number_without_its_text_is_an_error() {
        let nodes = [Node::Static(StaticNode::F64(1.5)), Node::Static(StaticNode::I64(1))];
        let record = |tokens| Record { nodes: &nodes, raw: b"[1.5,1]", tokens };
        assert_eq!(record(&[0, 1, 4, 5, 6]).check_numbers(), Ok(()));
        assert_eq!(record(&[0, 1, 4, 5, 6]).number_text(0), "1.5");
        let error = record(&[0, 4, 5, 6]).check_numbers().unwrap_err();
        assert!(error.reason.contains("number"), "{error:?}");
    }

    #[test]
    fn strings_are_unescaped_and_escaped_again() {
        assert_eq!(
            rewritten(r#"["\u00e9\n\u0001\"\\ \ud83d\ude00"]"#),
            "[\"é\\n\\u0001\\\"\\\\ 😀\"]"
        );
    }

    #[test]
    fn error_has_the_position_of_the_problem() {
        let error = Parser::default().parse(br#"{"a":1,"b":tru}"#, |_| ()).unwrap_err();
        assert_eq!(error.position, 14, "{error:?}");
        let error = Parser::default().parse(b"{\"a\":\"\xff\"}", |_| ()).unwrap_err();
        assert_eq!((error.position, error.reason.contains("UTF-8")), (6, true));
    }

    #[test]
    fn values_nested_too_deep_are_an_error() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(rewritten(&nested(100)), nested(100));
        let flat = format!("[{}[]]", "[[]],".repeat(1000));
        assert_eq!(rewritten(&flat), flat);
        for depth in [101, 1025, 100_000] {
            let error = Parser::default().parse(nested(depth).as_bytes(), |_| ()).unwrap_err();
            assert!(error.reason.contains("100 deep"), "{error:?}");
        }
    }

    #[test]
    fn parser_can_be_reused_after_an_error() {
        let mut parser = Parser::default();
        assert!(parser.parse(b"{", |_| ()).is_err());
        for number in 0..3 {
            let text = format!(r#"{{"n":{number},"t":"{number}"}}"#);
            let members = parser
                .parse(text.as_bytes(), |record| match record.root() {
                    Value::Object(object) => object.members().count(),
                    _ => 0,
                })
                .unwrap();
            assert_eq!(members, 2);
        }
    }
}
