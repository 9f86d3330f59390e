//! Defines the properties that must be true for any bytes, one function for each stage. A function
//! panics if its property is violated.
//!
//! This file is compiled twice: for the fuzzer, and into the tests, which replay the seeds.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;

use pbi_analyze::internals::column::{BatchBuilder, EventWriter, Lineage, Projection};
use pbi_analyze::internals::record::csv::{self, CsvRow, EnvelopeFields};
use pbi_analyze::internals::record::local_time::{self, LocalTime};
use pbi_analyze::internals::record::{Parser, RecordKind, Value, time, workload_group};
use pbi_analyze::internals::schema::column_index;
use pbi_analyze::internals::source::{Chunk, ChunkReader, DecodeProblem, SourceFormat};
use serde_json::value::RawValue;

use crate::exact::Json;

/// A file that is overwritten for every input, in memory if the system has `/dev/shm`.
struct Scratch {
    file: File,
    path: PathBuf,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

impl Scratch {
    fn new() -> Scratch {
        let folder = PathBuf::from("/dev/shm");
        let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
        let name = format!("pbi-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = folder.join(name);
        Scratch { file: File::create(&path).unwrap(), path }
    }

    fn write(&mut self, content: &[u8]) {
        self.file.set_len(0).unwrap();
        self.file.rewind().unwrap();
        self.file.write_all(content).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The content of a file as it was read.
#[derive(Debug, PartialEq)]
struct Read {
    /// The format of its last text.
    format: Result<SourceFormat, String>,
    texts: usize,
    /// Records of a JSON text.
    records: Vec<(u64, Vec<u8>)>,
    /// The text of a CSV file after its header.
    text: Vec<u8>,
    problems: Vec<DecodeProblem>,
}

/// Reads a file, and checks the chunks.
fn read(content: &[u8]) -> Read {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.write(content);
        let mut chunks = ChunkReader::open(&scratch.path).unwrap();
        let (mut records, mut text, mut used) = (Vec::new(), Vec::new(), Chunk::default());
        while let Some(chunk) = chunks.next(&mut used).unwrap() {
            for &(start, end) in &chunk.records {
                assert!(start < end && end as usize <= chunk.text.len());
                let position = chunk.position(start as usize);
                records.push((position, chunk.text[start as usize..end as usize].to_vec()));
            }
            if chunk.records.is_empty() {
                text.extend_from_slice(&chunk.text);
            }
            used = chunk;
        }
        let mut problems = chunks.take_problems();
        problems.extend(chunks.take_tail_problems());
        let ended = chunks.take_finished();
        let format = ended.last().map_or(Ok(SourceFormat::Empty), |ended| {
            ended.format.clone().map_err(|unsupported| unsupported.reason)
        });
        Read { format, texts: ended.len(), records, text, problems }
    })
}

/// Any bytes have a format, or are unsupported with a reason, and twice with the same result.
pub fn shape(data: &[u8]) {
    let one = read(data);
    if let Err(reason) = &one.format {
        assert!(!reason.is_empty() && (one.records.is_empty() || one.texts > 1));
    }
    assert!(one.problems.iter().all(|problem| !problem.reason.is_empty()));
    assert_eq!(one, read(data));
}

/// Returns true if a JSON text contains no half of a character: a lone surrogate is not text. It is
/// searched for in the text itself, since a parser can fail at something else first.
fn has_whole_characters(json: &str) -> bool {
    let mut rest = json.as_bytes();
    let unit = |text: &[u8]| match text {
        [b'\\', b'u', digits @ ..] => {
            let digits = str::from_utf8(digits.get(..4)?).ok()?;
            u16::from_str_radix(digits, 16).ok()
        }
        _ => None,
    };
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        rest = &rest[at..];
        let length = match unit(rest) {
            Some(0xD800..0xDC00) => match unit(rest.get(6..).unwrap_or_default()) {
                Some(0xDC00..0xE000) => 12,
                _ => return false,
            },
            Some(0xDC00..0xE000) => return false,
            Some(_) => 6,
            None => 2,
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    true
}

/// Returns the items of a JSON array of objects, none of which can be an envelope.
fn plain_items(text: &str) -> Option<Vec<&RawValue>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let is_plain = |item: &&RawValue| {
        if !has_whole_characters(item.get()) {
            return false;
        }
        let Json::Object(members) = Json::parse(item.get()) else { return false };
        // An envelope is recognized by its first member.
        members.first().is_none_or(|(name, _)| {
            !["value", "count", "lastresultset", "continuationuri", "continuationtoken"]
                .contains(&name.to_lowercase().as_str())
                && !name.starts_with('@')
                && !name.eq_ignore_ascii_case("activityEventEntities")
        })
    };
    items.iter().all(is_plain).then_some(items)
}

/// The records of complete JSON are the items that a JSON parser finds. In truncated JSON, the
/// records before the end are the same.
pub fn bounds(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Some(items) = plain_items(text) else { return };
    let found = read(data);
    let texts: Vec<&[u8]> = found.records.iter().map(|(_, text)| &text[..]).collect();
    let expected: Vec<&[u8]> = items.iter().map(|item| item.get().as_bytes()).collect();
    assert_eq!(texts, expected);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    // After a broken record, a line that starts with a bracket starts a record. Such a line inside
    // a record cannot be distinguished from it.
    let has_line_with_bracket = |item: &&RawValue| {
        item.get().split(['\n', '\r']).skip(1).any(|line| line.starts_with(['{', '[']))
    };
    if items.iter().any(has_line_with_bracket) {
        return;
    }
    let truncated = &data[..data.len() * 2 / 3];
    let start = text.as_ptr() as usize;
    let ends = items.iter().map(|item| item.get().as_ptr() as usize - start + item.get().len());
    let whole = ends.filter(|&end| end <= truncated.len()).count();
    let found = read(truncated);
    let texts: Vec<&[u8]> = found.records.iter().map(|(_, text)| &text[..]).collect();
    // Exactly the complete items are found.
    assert_eq!(texts, expected[..whole]);
}

/// A JSON text gives the same records in every encoding.
pub fn encoding(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        // Not text: as UTF-16, it must give the same result twice.
        let marked = [&[0xFF, 0xFE], data].concat();
        assert_eq!(read(&marked), read(&marked));
        return;
    };
    // In a text that is not JSON, a line can start with bytes that look like another encoding.
    if plain_items(text).is_none() {
        return;
    }
    let texts = |read: Read| read.records.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    let plain = texts(read(data));
    let marked = format!("\u{feff}{text}");
    assert_eq!(texts(read(marked.as_bytes())), plain);
    let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(texts(read(&little)), plain);
    let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(texts(read(&big)), plain);
}

/// The rows of a CSV file give the cells that were written.
pub fn csv(data: &[u8]) {
    // The bytes as a CSV file: it must not crash, and its rows must be inside the text.
    let found = read(data);
    if let Ok(SourceFormat::Csv(line)) = &found.format
        && let Ok(header) = csv::parse_header(line)
    {
        header.for_each_row(&found.text, &|| None, |span, _| assert!(span.end <= found.text.len()));
    }
    // The bytes as the cells of a CSV file, whose first byte selects the dialect.
    let (Some(dialect), Ok(text)) =
        (data.first(), str::from_utf8(data.get(1..).unwrap_or_default()))
    else {
        return;
    };
    let delimiter = [',', ';', '\t'][usize::from(dialect % 3)];
    let end = ["\n", "\r\n"][usize::from(dialect >> 2 & 1)];
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let cells: Vec<&str> = text.split('\0').filter(|cell| !cell.trim().is_empty()).collect();
    let mut file = format!("RecordId{delimiter}CreationDate{delimiter}AuditData{end}");
    for (number, cell) in cells.iter().enumerate() {
        let date = "2024-03-01T08:15:30";
        file.push_str(&format!("{number}{delimiter}{date}{delimiter}{}{end}", quoted(cell)));
    }
    let found = read(file.as_bytes());
    let Ok(SourceFormat::Csv(line)) = &found.format else {
        assert!(cells.is_empty() && found.text.is_empty(), "{:?}", found.format);
        return;
    };
    let header = csv::parse_header(line).unwrap();
    let mut rows = Vec::new();
    header.for_each_row(&found.text, &|| None, |_, row| match row {
        CsvRow::Audit { json, envelope } => rows.push((json.to_vec(), envelope)),
        CsvRow::Lossy(_) => panic!("the header has AuditData"),
        CsvRow::NotAnEvent(reason) => panic!("{reason}"),
    });
    assert_eq!(rows.len(), cells.len());
    for (number, ((json, envelope), cell)) in rows.iter().zip(&cells).enumerate() {
        assert_eq!(json, cell.as_bytes().trim_ascii());
        assert_eq!(envelope.id.as_deref(), Some(&*number.to_string()));
    }
}

/// A timestamp is formatted so that it is parsed as the same timestamp.
pub fn time(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    // Times outside of the calendar are rejected when their month is needed.
    let in_calendar = |timestamp: &time::Timestamp| time::month(timestamp.epoch_us).is_some();
    let local = match local_time::parse(text, || None) {
        LocalTime::Known(timestamp) => Some(timestamp),
        LocalTime::Ambiguous | LocalTime::Unreadable => None,
    };
    if let Some(timestamp) = local.filter(in_calendar) {
        let parsed = |text: &str| time::parse(text).map(|again| again.epoch_us);
        let long = time::to_rfc3339_micros(timestamp.epoch_us);
        assert_eq!(parsed(&long), Some(timestamp.epoch_us), "{long}");
        let short = time::to_rfc3339(timestamp.epoch_us);
        assert_eq!(parsed(&short), Some(timestamp.epoch_us), "{short}");
    }
    if let Some(timestamp) = time::parse(text) {
        assert_eq!(local, Some(timestamp));
    }
}

/// A record that is read by its shape has the same result and row as on the tape.
pub fn record_shape(data: &[u8]) {
    let builder = || BatchBuilder::new(&Projection::All).expect("all columns exist");
    let (mut by_shape, mut by_tape, mut parser) = (builder(), builder(), Parser::default());
    // In the second round, the shapes are known.
    for _ in 0..2 {
        for_each_record(data, |text, span| {
            let raw = &text[span.0..span.1];
            let expected = append_parsed(&mut by_tape, &mut parser, raw);
            let lineage = Lineage { file: "f", kind: "k", sequence: 0 };
            let found = by_shape.append_by_shape(text, span, &lineage);
            let found = match found {
                Some((group, time_us)) => Ok((group.name(), time_us)),
                None => append_parsed(&mut by_shape, &mut parser, raw),
            };
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(raw));
        });
    }
    let (by_shape, by_tape) = (by_shape.finish().unwrap(), by_tape.finish().unwrap());
    assert_eq!(by_shape.keys, by_tape.keys);
    assert!(by_shape.columns == by_tape.columns);
}

/// Calls `then` with the text of each chunk and the bounds of each of its records.
fn for_each_record(content: &[u8], mut then: impl FnMut(&[u8], (usize, usize))) {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.write(content);
        let (mut chunks, mut used) = (ChunkReader::open(&scratch.path).unwrap(), Chunk::default());
        while let Some(chunk) = chunks.next(&mut used).unwrap() {
            for &(start, end) in &chunk.records {
                then(&chunk.text, (start as usize, end as usize));
            }
            used = chunk;
        }
    });
}

/// Adds the event of a record. Returns its group and time, or the reason why it has none.
fn append_parsed(
    batch: &mut BatchBuilder,
    parser: &mut Parser,
    raw: &[u8],
) -> Result<(&'static str, i64), String> {
    let parsed = parser.parse(raw, |record| match record.kind() {
        RecordKind::Event(event) => {
            let group = workload_group(&event);
            let lineage = Lineage { file: "f", kind: "k", sequence: 0 };
            let added = batch.append(&event, group, &EnvelopeFields::default(), &lineage);
            added.map(|key| (group.name(), key.time_us)).map_err(|rejected| rejected.0)
        }
        RecordKind::NotAnEvent(reason) => Err(reason.to_owned()),
        _ => Err("not an event itself".to_owned()),
    });
    parsed.map_err(|error| error.reason).and_then(|added| added)
}

/// The event that is written from a row equals the original, up to the normal forms of its columns.
/// Its own row gives the same event again.
pub fn columns(data: &[u8]) {
    ROUND_TRIP.with_borrow_mut(|round_trip| round_trip.columns(data));
}

/// Converts an event to a row and back. It is reused, since creating it would take most of the
/// time.
struct RoundTrip {
    parser: Parser,
    batch: BatchBuilder,
    writer: EventWriter,
}

thread_local! {
    static ROUND_TRIP: RefCell<RoundTrip> = RefCell::new(RoundTrip {
        parser: Parser::default(),
        batch: BatchBuilder::new(&Projection::All).expect("all columns exist"),
        writer: EventWriter::new(false),
    });
}

impl RoundTrip {
    fn columns(&mut self, data: &[u8]) {
        for line in data.split(|&byte| byte == b'\n') {
            let is_json = str::from_utf8(line).is_ok_and(|line| {
                serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
                    && has_whole_characters(line)
            });
            let Some(written) = self.convert(line, is_json) else { continue };
            let written = str::from_utf8(&written).unwrap();
            let (event, found) = (Json::parse(str::from_utf8(line).unwrap()), Json::parse(written));
            assert!(is_same_event(&event, &found), "{event:?} is not {found:?}");
            let again = self.convert(written.as_bytes(), true);
            assert_eq!(again.as_deref().map(str::from_utf8), Some(Ok(written)));
        }
    }

    /// Returns an event with an id as it is written from its row; `None` for other records.
    fn convert(&mut self, line: &[u8], is_json: bool) -> Option<Vec<u8>> {
        let RoundTrip { parser, batch, writer } = self;
        let parsed = parser.parse(line, |record| match record.kind() {
            RecordKind::Event(event) => {
                let lineage = Lineage { file: "f", kind: "k", sequence: 0 };
                let has_id = matches!(event.id, Some(Value::Text(id)) if !id.is_empty());
                let group = workload_group(&event);
                let added = batch.append(&event, group, &EnvelopeFields::default(), &lineage);
                added.is_ok() && has_id
            }
            RecordKind::NotAnEvent(reason) => {
                assert!(!reason.is_empty());
                false
            }
            _ => false,
        });
        // Values that are nested too deep are an error in any case.
        let is_deep = matches!(&parsed, Err(error) if error.reason.ends_with("deep"));
        assert_eq!(
            parsed.is_ok() || is_deep,
            is_json || is_deep,
            "{:?}",
            String::from_utf8_lossy(line)
        );
        let events = batch.len();
        let batch = batch.finish().expect("one event fits into arrays");
        assert_eq!(batch.keys.len(), events);
        assert!(batch.columns.iter().flatten().all(|column| column.len() == events));
        if parsed != Ok(true) {
            return None;
        }
        let mut out = Vec::new();
        writer.append(&batch.columns, 0..1, &mut out).unwrap();
        Some(out)
    }
}

/// Returns true if two events are the same: every member of one is in the other, under its name or
/// the name of its column. Nulls of columns are ignored.
fn is_same_event(event: &Json, found: &Json) -> bool {
    let mut left: Vec<&(String, Json)> = found.members().iter().collect();
    for (name, value) in event.members() {
        let column = column_index(name);
        if column.is_some() && *value == Json::Null {
            continue;
        }
        let index = left.iter().position(|(other, found)| {
            (name == other || column.is_some() && column == column_index(other))
                && is_same(value, found)
        });
        let Some(index) = index else { return false };
        left.remove(index);
    }
    left.is_empty()
}

/// Returns true if two values are the same, or one is a normal form of the other.
fn is_same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Text(one), Json::Text(other)) => {
            let timestamp = |text: &str| time::parse(text).filter(|timestamp| timestamp.is_exact);
            one == other
                || one.to_lowercase() == *other
                || timestamp(one).is_some_and(|one| timestamp(other) == Some(one))
        }
        (Json::Number(one), Json::Number(other)) => one == other || one == "-0" && other == "0",
        (Json::List(one), Json::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            let mut left: Vec<&(String, Json)> = other.iter().collect();
            one.iter().all(|(name, value)| {
                let is_same_member =
                    |(other, found): &&(String, Json)| name == other && is_same(value, found);
                let index = left.iter().position(is_same_member);
                index.map(|index| left.remove(index)).is_some()
            }) && left.is_empty()
        }
        _ => one == other,
    }
}
