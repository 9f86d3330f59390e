//! Reads an archive for the oracle: files, encodings and containers. Returns the records as
//! serde_json parses them, and the number of parts that are no record. The oracle interprets the
//! records.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Deserializer, Map, Value};

/// All files below `dir`, in the order of their paths.
pub fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    collect_files(dir, &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn collect_files(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_files(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> =
            bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Content of one file.
#[derive(Default)]
pub struct Content {
    pub events: Vec<Value>,
    /// Number of truncated or damaged records, and of files with other content.
    pub rejected: u64,
}

/// Reads a file of any container.
pub fn content(bytes: &[u8]) -> Content {
    let mut content = Content::default();
    content.file(&decode(bytes));
    content
}

/// Returns true for characters before a record: white space, a stray byte order mark, padding.
fn is_gap(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{feff}' | '\0')
}

/// Returns true if an object is an event: it has an id, a time or an activity, and not as an empty
/// list, which a known error of PowerShell writes.
fn is_event(fields: &Map<String, Value>) -> bool {
    let keys = ["Id", "CreationTime", "Operation", "Activity"];
    fields.iter().any(|(name, value)| {
        keys.iter().any(|key| key.eq_ignore_ascii_case(name))
            && (value.is_string() || value.is_number())
    })
}

/// Parses one JSON value at the start of `text` and returns it with the rest.
fn next_value(text: &str) -> Option<(Value, &str)> {
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    Some((value, &text[end..]))
}

impl Content {
    fn file(&mut self, text: &str) {
        let text = text.trim_start_matches(is_gap);
        let first_line = text.lines().next().unwrap_or_default();
        // The text of a cmdlet may have been converted to JSON twice, and is one string then.
        let inside = text.strip_prefix('"').unwrap_or(text);
        if inside.starts_with(['{', '[', '\\']) || text.starts_with("null") {
            self.json(text);
        } else if first_line.starts_with("#TYPE") {
            self.csv(text[first_line.len()..].trim_start());
        } else if first_line.to_ascii_lowercase().contains("auditdata") {
            self.csv(text);
        } else if !text.is_empty() {
            // The text is an error message, or a table without events.
            self.rejected += 1;
        }
    }

    /// Reads value after value: pages, arrays, lines.
    fn json(&mut self, text: &str) {
        let mut rest = text.trim_start_matches(is_gap);
        while !rest.is_empty() {
            if let Some((value, after)) = next_value(rest) {
                self.value(value);
                rest = after;
            } else if let Some(array) = self.truncated_array(rest) {
                self.truncated_elements(array);
                return;
            } else {
                // A damaged line does not affect the lines after it.
                self.rejected += 1;
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
            }
            rest = rest.trim_start_matches(is_gap);
        }
    }

    /// Returns the content of the array in which a truncated file ends, if any.
    fn truncated_array<'a>(&self, text: &'a str) -> Option<&'a str> {
        if let Some(inside) = text.strip_prefix('[') {
            return Some(inside);
        }
        let starts = ["\"activityEventEntities\"", "\"value\""]
            .iter()
            .filter_map(|key| text.find(key).map(|at| at + key.len()));
        let after = text[starts.min()?..].trim_start().strip_prefix(':')?;
        after.trim_start().strip_prefix('[')
    }

    /// Reads all complete elements of a truncated array; the rest counts as one rejected record.
    fn truncated_elements(&mut self, text: &str) {
        let is_between = |character| is_gap(character) || character == ',';
        let mut rest = text.trim_start_matches(is_between);
        while let Some((value, after)) = next_value(rest) {
            self.value(value);
            rest = after.trim_start_matches(is_between);
        }
        // After the array there are only members of the container.
        self.rejected += u64::from(!rest.is_empty() && !rest.starts_with(']'));
    }

    /// Reads a container, an event, or another value.
    fn value(&mut self, value: Value) {
        match value {
            Value::Null => {}
            Value::Array(elements) => elements.into_iter().for_each(|element| self.value(element)),
            // A cmdlet's text that was converted to JSON once more.
            Value::String(inner) => self.json(&inner),
            Value::Object(fields) => self.object(fields),
            Value::Bool(_) | Value::Number(_) => self.rejected += 1,
        }
    }

    fn object(&mut self, mut fields: Map<String, Value>) {
        if let Some(events) = fields.remove("activityEventEntities") {
            self.value(events);
        } else if fields.get("value").is_some_and(Value::is_array) && !is_event(&fields) {
            self.value(fields.remove("value").unwrap_or_default());
        } else if let Some(Value::Object(event)) = fields.remove("auditData") {
            // This test is before that for events, because the envelope has members of an event.
            self.outer(
                event,
                &fields,
                &[
                    ("Id", "id"),
                    ("CreationTime", "createdDateTime"),
                    ("RecordType", "auditLogRecordType"),
                ],
            );
        } else if is_event(&fields) {
            self.events.push(Value::Object(fields));
        } else if !fields.contains_key("contentUri") {
            // The list of blobs of an audit log contains no records; other values are damage.
            self.rejected += 1;
        }
    }

    /// Reads an event and the members of its envelope.
    fn outer(
        &mut self,
        mut event: Map<String, Value>,
        wrapper: &Map<String, Value>,
        names: &[(&str, &str)],
    ) {
        for (inner, outer) in names {
            if let (false, Some(value)) = (event.contains_key(*inner), wrapper.get(*outer)) {
                event.insert((*inner).to_owned(), value.clone());
            }
        }
        self.events.push(Value::Object(event));
    }

    fn csv(&mut self, text: &str) {
        let header = text.lines().next().unwrap_or_default();
        let delimiter =
            if header.matches(';').count() > header.matches(',').count() { ';' } else { ',' };
        let mut rows = CsvRows { rest: text, delimiter };
        let header = rows.next().unwrap_or_default();
        let place = |name: &str| header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        let Some(data) = place("AuditData") else {
            self.rejected += 1;
            return;
        };
        let outer = [
            ("Id", place("RecordId").or(place("Identity"))),
            ("CreationTime", place("CreationDate")),
            ("RecordType", place("RecordType")),
        ];
        for row in rows.filter(|row| row.iter().any(|cell| !cell.is_empty())) {
            match row.get(data).and_then(|cell| serde_json::from_str::<Value>(cell).ok()) {
                Some(Value::Object(event)) => {
                    let cells = outer.iter().filter_map(|(name, at)| {
                        Some(((*name).to_owned(), Value::from(row.get((*at)?)?.as_str())))
                    });
                    self.outer(event, &cells.collect(), &outer.map(|(name, _)| (name, name)));
                }
                _ => self.rejected += 1,
            }
        }
    }
}

/// Rows of a CSV text: quoted cells may contain delimiters, line ends and doubled quotes.
struct CsvRows<'a> {
    rest: &'a str,
    delimiter: char,
}

impl Iterator for CsvRows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut row = vec![String::new()];
        let mut quoted = false;
        let mut characters = self.rest.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let cell = row.last_mut().expect("a row has a cell");
            match character {
                '"' if quoted && characters.next_if(|(_, next)| *next == '"').is_some() => {
                    cell.push('"')
                }
                '"' => quoted = !quoted,
                '\n' if !quoted => {
                    self.rest = &self.rest[at + 1..];
                    return Some(row);
                }
                '\r' if !quoted => {}
                _ if character == self.delimiter && !quoted => row.push(String::new()),
                _ => cell.push(character),
            }
        }
        self.rest = "";
        Some(row)
    }
}
