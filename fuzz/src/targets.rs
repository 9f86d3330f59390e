//! What must hold for any bytes, one function for each stage. A function that returns has found
//! nothing wrong.
//!
//! This file is compiled twice: for the fuzzer, and into the tests, which replay the seeds.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;

use pbi_analyze::column::{BatchBuilder, EventWriter, Lineage, Projection};
use pbi_analyze::record::csv::{self, CsvRow, EnvelopeFields};
use pbi_analyze::record::{Parser, RecordKind, Value, time, workload_group};
use pbi_analyze::schema::column_index;
use pbi_analyze::source::{Chunk, ChunkReader, DecodeProblem, SourceFormat};
use serde_json::value::RawValue;

use crate::exact::Json;

/// A file that is written anew for every input, in memory where the machine allows it.
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

    fn hold(&mut self, content: &[u8]) {
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

/// What was read of a file.
#[derive(Debug, PartialEq)]
struct Read {
    /// What its last text was.
    shape: Result<SourceFormat, String>,
    texts: usize,
    /// The records of a JSON text.
    records: Vec<(u64, Vec<u8>)>,
    /// The text of a CSV behind its header.
    text: Vec<u8>,
    flaws: Vec<DecodeProblem>,
}

/// Reads a file, and holds the pieces to what they promise of themselves.
fn read(content: &[u8]) -> Read {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.hold(content);
        let mut pieces = ChunkReader::open(&scratch.path).unwrap();
        let (mut records, mut text, mut used) = (Vec::new(), Vec::new(), Chunk::default());
        while let Some(piece) = pieces.next(&mut used).unwrap() {
            for &(start, end) in &piece.records {
                assert!(start < end && end as usize <= piece.text.len());
                let position = piece.position(start as usize);
                records.push((position, piece.text[start as usize..end as usize].to_vec()));
            }
            if piece.records.is_empty() {
                text.extend_from_slice(&piece.text);
            }
            used = piece;
        }
        let mut flaws = pieces.take_problems();
        flaws.extend(pieces.take_tail_problems());
        let ended = pieces.take_finished();
        let shape = ended.last().map_or(Ok(SourceFormat::Empty), |ended| ended.format.clone());
        Read { shape, texts: ended.len(), records, text, flaws }
    })
}

/// Any bytes are a file: it is something, or refused with a reason, and twice the same.
pub fn shape(data: &[u8]) {
    let one = read(data);
    if let Err(reason) = &one.shape {
        assert!(!reason.is_empty() && (one.records.is_empty() || one.texts > 1));
    }
    assert!(one.flaws.iter().all(|flaw| !flaw.reason.is_empty()));
    assert_eq!(one, read(data));
}

/// Whether a text that is JSON has no halves of letters: a surrogate that stands alone is no text.
/// Looked for in the text itself, since a parser may stumble over something else first.
fn has_whole_letters(json: &str) -> bool {
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

/// The items of a text that is a JSON array of objects none of which could be a wrapping.
fn plain_items(text: &str) -> Option<Vec<&RawValue>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let is_plain = |item: &&RawValue| {
        if !has_whole_letters(item.get()) {
            return false;
        }
        let Json::Object(members) = Json::parse(item.get()) else { return false };
        // A wrapping is known by its first member.
        members.first().is_none_or(|(name, _)| {
            !["value", "count", "lastresultset", "continuationuri", "continuationtoken"]
                .contains(&name.to_lowercase().as_str())
                && !name.starts_with('@')
                && !name.eq_ignore_ascii_case("activityEventEntities")
        })
    };
    items.iter().all(is_plain).then_some(items)
}

/// Where JSON is whole, its records are the items that a JSON parser finds; where it is cut, the
/// records before the cut are the same.
pub fn bounds(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Some(items) = plain_items(text) else { return };
    let found = read(data);
    let texts: Vec<&[u8]> = found.records.iter().map(|(_, text)| &text[..]).collect();
    let expected: Vec<&[u8]> = items.iter().map(|item| item.get().as_bytes()).collect();
    assert_eq!(texts, expected);
    assert!(found.flaws.is_empty(), "{:?}", found.flaws);
    // Behind a break, a line that begins with a bracket is taken to begin a record; one that stands
    // within a record cannot be told from it.
    let has_such_line = |item: &&RawValue| {
        item.get().split(['\n', '\r']).skip(1).any(|line| line.starts_with(['{', '[']))
    };
    if items.iter().any(has_such_line) {
        return;
    }
    let cut = &data[..data.len() * 2 / 3];
    let start = text.as_ptr() as usize;
    let ends = items.iter().map(|item| item.get().as_ptr() as usize - start + item.get().len());
    let whole = ends.filter(|&end| end <= cut.len()).count();
    let found = read(cut);
    let texts: Vec<&[u8]> = found.records.iter().map(|(_, text)| &text[..]).collect();
    // A cut leaves no more than the items before it, and no fewer.
    assert_eq!(texts, expected[..whole]);
}

/// A JSON text is the same in every encoding.
pub fn encoding(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        // No text: as UTF-16 it is something all the same.
        let marked = [&[0xFF, 0xFE], data].concat();
        assert_eq!(read(&marked), read(&marked));
        return;
    };
    // In a text that is no JSON, a line may begin with letters that look like another encoding.
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

/// Rows of a CSV give back the cells that they were written with.
pub fn csv(data: &[u8]) {
    // As it is: nothing but no crash is promised, and that the rows have places in the text.
    let found = read(data);
    if let Ok(SourceFormat::Csv(line)) = &found.shape
        && let Ok(header) = csv::parse_header(line)
    {
        header.for_each_row(&found.text, |span, _| assert!(span.end <= found.text.len()));
    }
    // As the cells of a file: the first byte says how it is written.
    let (Some(how), Ok(text)) = (data.first(), str::from_utf8(data.get(1..).unwrap_or_default()))
    else {
        return;
    };
    let delimiter = [',', ';', '\t'][usize::from(how % 3)];
    let end = ["\n", "\r\n"][usize::from(how >> 2 & 1)];
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let cells: Vec<&str> = text.split('\0').filter(|cell| !cell.trim().is_empty()).collect();
    let mut file = format!("RecordId{delimiter}CreationDate{delimiter}AuditData{end}");
    for (number, cell) in cells.iter().enumerate() {
        let date = "2024-03-01T08:15:30";
        file.push_str(&format!("{number}{delimiter}{date}{delimiter}{}{end}", quoted(cell)));
    }
    let found = read(file.as_bytes());
    let Ok(SourceFormat::Csv(line)) = &found.shape else {
        assert!(cells.is_empty() && found.text.is_empty(), "{:?}", found.shape);
        return;
    };
    let header = csv::parse_header(line).unwrap();
    let mut rows = Vec::new();
    header.for_each_row(&found.text, |_, row| match row {
        CsvRow::Audit { json, envelope: outer } => rows.push((json.to_vec(), outer)),
        CsvRow::Lossy(_) => panic!("the header has AuditData"),
        CsvRow::NotAnEvent(reason) => panic!("{reason}"),
    });
    assert_eq!(rows.len(), cells.len());
    for (number, ((json, outer), cell)) in rows.iter().zip(&cells).enumerate() {
        assert_eq!(json, cell.as_bytes().trim_ascii());
        assert_eq!(outer.id.as_deref(), Some(&*number.to_string()));
    }
}

/// An instant that was read is written so that it is read as the same.
pub fn time(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    // Times that no calendar has are refused by whoever looks for their month.
    let in_calendar = |instant: &time::Timestamp| time::month(instant.epoch_us).is_some();
    if let Some(instant) = time::parse_localized(text).filter(in_calendar) {
        let written = time::to_rfc3339_micros(instant.epoch_us);
        assert_eq!(
            time::parse(&written).map(|again| again.epoch_us),
            Some(instant.epoch_us),
            "{written}"
        );
        let short = time::to_rfc3339(instant.epoch_us);
        assert_eq!(
            time::parse(&short).map(|again| again.epoch_us),
            Some(instant.epoch_us),
            "{short}"
        );
    }
    if let Some(instant) = time::parse(text) {
        assert_eq!(time::parse_localized(text), Some(instant));
    }
}

/// An event comes back from its row as it was, up to the normal forms of its columns; and what has
/// come back comes back the same once more.
pub fn columns(data: &[u8]) {
    BENCH.with_borrow_mut(|bench| bench.columns(data));
}

/// What an event goes there and back through: to make it anew for each would cost most of the time.
struct Bench {
    parser: Parser,
    batch: BatchBuilder,
    inverse: EventWriter,
}

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench {
        parser: Parser::default(),
        batch: BatchBuilder::new(&Projection::All),
        inverse: EventWriter::new(false),
    });
}

impl Bench {
    fn columns(&mut self, data: &[u8]) {
        for line in data.split(|&byte| byte == b'\n') {
            let is_json = str::from_utf8(line).is_ok_and(|line| {
                serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
                    && has_whole_letters(line)
            });
            let Some(came_back) = self.there_and_back(line, is_json) else { continue };
            let came_back = str::from_utf8(&came_back).unwrap();
            let (event, found) =
                (Json::parse(str::from_utf8(line).unwrap()), Json::parse(came_back));
            assert!(is_same_event(&event, &found), "{event:?} is not {found:?}");
            let again = self.there_and_back(came_back.as_bytes(), true);
            assert_eq!(again.as_deref().map(str::from_utf8), Some(Ok(came_back)));
        }
    }

    /// What comes back of an event that says its id; nothing of what is none.
    fn there_and_back(&mut self, line: &[u8], is_json: bool) -> Option<Vec<u8>> {
        let Bench { parser, batch, inverse } = self;
        let parsed = parser.parse(line, |record| match record.kind() {
            RecordKind::Event(event) => {
                let lineage = Lineage { file: "f", kind: "k", sequence: 0 };
                let has_id = matches!(event.id, Some(Value::Text(id)) if !id.is_empty());
                let added = batch.append(
                    &event,
                    workload_group(&event),
                    &EnvelopeFields::default(),
                    &lineage,
                );
                added.is_ok() && has_id
            }
            RecordKind::NotAnEvent(reason) => {
                assert!(!reason.is_empty());
                false
            }
            _ => false,
        });
        // What is nested too deep is refused, whatever else it is.
        let is_deep = matches!(&parsed, Err(malformed) if malformed.reason.ends_with("deep"));
        assert_eq!(
            parsed.is_ok() || is_deep,
            is_json || is_deep,
            "{:?}",
            String::from_utf8_lossy(line)
        );
        let events = batch.len();
        let batch = batch.finish();
        assert_eq!(batch.keys.len(), events);
        assert!(batch.columns.iter().flatten().all(|column| column.len() == events));
        if parsed != Ok(true) {
            return None;
        }
        let mut out = Vec::new();
        inverse.append(&batch.columns, 0..1, &mut out).unwrap();
        Some(out)
    }
}

/// Whether two events are the same: every member of the one is in the other, under its name or the
/// name of its column, but for nulls of columns.
fn is_same_event(event: &Json, found: &Json) -> bool {
    let mut left: Vec<&(String, Json)> = found.members().iter().collect();
    for (name, value) in event.members() {
        let column = column_index(name);
        if column.is_some() && *value == Json::Null {
            continue;
        }
        let place = left.iter().position(|(other, found)| {
            (name == other || column.is_some() && column == column_index(other))
                && is_same(value, found)
        });
        let Some(place) = place else { return false };
        left.remove(place);
    }
    left.is_empty()
}

/// Whether two values are the same, or one is a normal form of the other.
fn is_same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Text(one), Json::Text(other)) => {
            let instant = |text: &str| time::parse(text).filter(|instant| instant.is_exact);
            one == other
                || one.to_lowercase() == *other
                || instant(one).is_some_and(|one| instant(other) == Some(one))
        }
        (Json::Number(one), Json::Number(other)) => one == other || one == "-0" && other == "0",
        (Json::List(one), Json::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            let mut left: Vec<&(String, Json)> = other.iter().collect();
            one.iter().all(|(name, value)| {
                let is_it =
                    |(other, found): &&(String, Json)| name == other && is_same(value, found);
                left.iter().position(is_it).map(|place| left.remove(place)).is_some()
            }) && left.is_empty()
        }
        _ => one == other,
    }
}
