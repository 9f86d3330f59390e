//! Reads CSV events: the audit-log exports, whose `AuditData` column contains each event as JSON,
//! and lossy tables that `Export-Csv` wrote without this column.
//!
//! The header decides, with its columns in any order and with any others among them. Known are the
//! current export of the portal (`RecordId,CreationDate,…,AuditData,…`), the older one
//! (`CreationDate,UserIds,Operations,AuditData`), and Search-UnifiedAuditLog through Export-Csv,
//! with all columns or some.

use std::ops::Range;

use csv::ByteRecord;
use memchr::memmem;

use super::collector::PAYLOAD_COLUMNS;
use super::csv_columns::{CellConversion, CsvColumn};
use super::local_time::{self, DateOrder, LocalTime};
use super::parser::Value;
use super::record_kind::Event;
use super::{json, time};
use crate::schema;

/// The header of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvHeader {
    /// The byte that separates cells.
    pub delimiter: u8,
    columns: Vec<CsvColumn>,
    /// The column that contains each event as JSON.
    payload: Option<usize>,
    /// The column with the time of each event outside of its JSON.
    time: Option<usize>,
    /// True if the rows are no events but those of a list, for example of people.
    pub is_list: bool,
}

/// Returns the order of day and month in the dates of a file, if the file proves it.
pub type FileDateOrder<'f> = &'f dyn Fn() -> Option<DateOrder>;

/// A row of a CSV file.
pub enum CsvRow<'a> {
    /// The event as JSON text, and fields from the other columns.
    Audit {
        /// The text of the `AuditData` cell.
        json: &'a [u8],
        /// Fields from the other columns.
        envelope: EnvelopeFields,
    },
    /// A row of a lossy table, converted to JSON text.
    Lossy(Vec<u8>),
    /// Not an event, with the reason for the user.
    NotAnEvent(String),
}

/// Fields outside an event, which are used if the event itself lacks them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct EnvelopeFields {
    /// The id of the event.
    pub id: Option<String>,
    /// The time of the event, in any form.
    pub creation_time: Option<String>,
    /// The operation of the event.
    pub operation: Option<String>,
    /// The user of the event.
    pub user_id: Option<String>,
    /// The key of the user.
    pub user_key: Option<String>,
    /// The record type of the event, a number or a name.
    pub record_type: Option<String>,
    /// The workload of the event.
    pub workload: Option<String>,
    /// The number of results of the search that returned this event.
    pub result_count: Option<u64>,
}

/// The column with the number of results of Search-UnifiedAuditLog, which is in every row.
const RESULT_COUNT: &str = "ResultCount";

impl EnvelopeFields {
    fn set_if_empty(&mut self, column: &str, text: &str) {
        let slot = match column {
            "Id" => &mut self.id,
            "CreationTime" => &mut self.creation_time,
            "Operation" => &mut self.operation,
            "UserId" => &mut self.user_id,
            "UserKey" => &mut self.user_key,
            "RecordType" => &mut self.record_type,
            "Workload" => &mut self.workload,
            _ => return,
        };
        if !text.is_empty() && slot.is_none() {
            *slot = Some(text.to_owned());
        }
    }

    /// Returns the outer members of a JSON envelope. Their names are those of CSV headers.
    pub fn from_members<'a>(members: impl Iterator<Item = (&'a str, Value<'a>)>) -> Self {
        let mut envelope = EnvelopeFields::default();
        for (name, value) in members {
            if name.eq_ignore_ascii_case(RESULT_COUNT) {
                envelope.result_count = match value {
                    Value::Int(number) => u64::try_from(number).ok(),
                    Value::Text(text) => text.trim().parse().ok(),
                    _ => None,
                };
            } else if let Value::Text(text) = value {
                envelope.set_if_empty(column_for(name), text);
            }
        }
        envelope
    }
}

impl EnvelopeFields {
    /// Returns the outer members of a record of a Graph audit-log query.
    ///
    /// Their names are those of Microsoft Graph's `auditLogRecord`. Its `userId` is the `UserKey`
    /// of the event, and its `userPrincipalName` is the `UserId`.
    /// <https://learn.microsoft.com/en-us/graph/api/resources/security-auditlogrecord>
    pub fn from_graph<'a>(members: impl Iterator<Item = (&'a str, Value<'a>)> + Clone) -> Self {
        let is = |name: &str, known: &str| name.eq_ignore_ascii_case(known);
        let has_user_name = members.clone().any(|(name, value)| {
            is(name, "userPrincipalName") && matches!(value, Value::Text(text) if !text.is_empty())
        });
        let mut envelope = EnvelopeFields::default();
        for (name, value) in members {
            let Value::Text(text) = value else { continue };
            let column = match name {
                _ if is(name, "service") => "Workload",
                _ if is(name, "userId") && (has_user_name || !text.contains('@')) => "UserKey",
                _ => column_for(name),
            };
            envelope.set_if_empty(column, text);
        }
        envelope
    }

    /// Returns an event with the fields of the envelope that decide about its workload, where the
    /// event itself lacks them.
    pub fn complete<'a>(&'a self, event: &Event<'a>) -> Event<'a> {
        let record_type = event.record_type.filter(|value| !matches!(value, Value::Null));
        let from_envelope = || self.record_type.as_deref().map(Value::Text);
        Event {
            record_type: record_type.or_else(from_envelope),
            workload: event.workload.or(self.workload.as_deref()),
            ..*event
        }
    }
}

/// The reason to reject a cell for which [`is_truncated_by_excel`] is true.
pub const TRUNCATED_REASON: &str = "AuditData ends at 32,767 characters, where Excel cuts cells: \
    the file was saved with Excel; export it again, and do not open it with Excel first";

/// Returns true if a cell is as long as the longest cell of Excel.
pub fn is_truncated_by_excel(cell: &[u8]) -> bool {
    const MAX_CELL_CHARS: usize = 32_767;
    // Excel counts white space at the ends of a cell, which is removed here.
    const MAX_WHITE_SPACE: usize = 8;
    let chars = String::from_utf8_lossy(cell).encode_utf16().count();
    (MAX_CELL_CHARS - MAX_WHITE_SPACE..=MAX_CELL_CHARS).contains(&chars)
}

/// Returns the column for an outer name; an empty text if there is none.
fn column_for(name: &str) -> &'static str {
    let carries = |column: &&schema::ColumnDefinition| {
        column.name.eq_ignore_ascii_case(name)
            || column.aliases.iter().any(|known| known.eq_ignore_ascii_case(name))
            || column.csv_headers.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    schema::columns().iter().find(carries).map_or("", |column| column.name)
}

/// Parses the header line of a list, whose rows are no events.
///
/// # Errors
///
/// The reason for the user why this is not a CSV file.
pub fn parse_list_header(line: &[u8]) -> Result<CsvHeader, &'static str> {
    // Columns of events have other names for the same things, for example for addresses.
    let own_name = |name: &str| CsvColumn { name: name.to_owned(), kind: CellConversion::Text };
    let (delimiter, columns) = parse_columns(line, own_name)?;
    let (payload, time) = (None, None);
    Ok(CsvHeader { delimiter, columns, payload, time, is_list: true })
}

/// Parses a header line.
///
/// # Errors
///
/// The reason for the user why this is not a CSV file with events.
pub fn parse_header(line: &[u8]) -> Result<CsvHeader, &'static str> {
    let (delimiter, columns) = parse_columns(line, CsvColumn::new)?;
    let find = |name: &str| columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    let payload = PAYLOAD_COLUMNS.into_iter().find_map(find);
    let is_flat = find("Id").is_some() && find("CreationTime").is_some();
    let is_friendly =
        find("Activity").is_some() && find("Item").is_some() && find("User").is_some();
    if payload.is_none() && !is_flat {
        return Err(if is_friendly {
            "an export of the old audit portal with friendly names and without an AuditData \
             column: it does not contain the events; export again, or download the activity log"
        } else {
            "a CSV file without an AuditData column"
        });
    }
    let is_time = |column: &CsvColumn| column_for(&column.name) == "CreationTime";
    let time = match payload {
        Some(_) => columns.iter().position(is_time),
        None => find("CreationTime"),
    };
    Ok(CsvHeader { delimiter, columns, payload, time, is_list: false })
}

/// Parses the delimiter and the columns of a header line.
fn parse_columns(
    line: &[u8],
    column: impl Fn(&str) -> CsvColumn,
) -> Result<(u8, Vec<CsvColumn>), &'static str> {
    let line = line.trim_ascii();
    let count = |byte| line.iter().filter(|&&b| b == byte).count();
    let delimiter =
        [b',', b';', b'\t', b'|'].into_iter().max_by_key(|&byte| count(byte)).unwrap_or(b',');
    let mut cells = ByteRecord::new();
    csv_reader(line, delimiter)
        .read_byte_record(&mut cells)
        .map_err(|_| "the header line is not valid CSV")?;
    let texts = cells.iter().map(String::from_utf8_lossy);
    Ok((delimiter, texts.map(|text| column(text.trim())).collect()))
}

fn csv_reader(text: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text)
}

impl CsvHeader {
    /// Returns true for an export of the audit search of the Microsoft Purview portal, which has a
    /// RecordId column.
    pub fn is_portal_export(&self) -> bool {
        self.columns.iter().any(|column| column.name.eq_ignore_ascii_case("RecordId"))
    }

    /// Returns true if rows are lossy: there is no `AuditData`, and nested values are flattened.
    pub fn is_lossy(&self) -> bool {
        self.payload.is_none()
    }

    /// Calls `row` for every row of a chunk, with the range of the row in the chunk. Chunks end
    /// between rows. `order` returns the order of the file's dates, and is called only if it
    /// decides.
    pub fn for_each_row(
        &self,
        chunk: &[u8],
        order: FileDateOrder<'_>,
        mut row: impl FnMut(Range<usize>, CsvRow<'_>),
    ) {
        self.for_each_record(chunk, |range, cells| row(range, self.parse_row(cells, order)));
    }

    /// Calls `row` for every row of a chunk of a list, with its range and its cells as JSON.
    pub fn for_each_list_row(&self, chunk: &[u8], mut row: impl FnMut(Range<usize>, String)) {
        self.for_each_record(chunk, |range, _| {
            let json = self.row_to_json(&chunk[range.clone()]);
            row(range, json);
        });
    }

    /// Calls `add` with the orders of day and month that the rows of a chunk prove: by a day after
    /// the twelfth, or by the same time in the event.
    pub fn for_each_proof(&self, chunk: &[u8], mut add: impl FnMut(DateOrder)) {
        let Some(time) = self.time else { return };
        self.for_each_record(chunk, |_, cells| {
            let text = cells.get(time).and_then(|cell| std::str::from_utf8(cell).ok());
            let exact = self.payload.and_then(|payload| time_in_json(cells.get(payload)?));
            let day = exact.and_then(|exact| time::day(exact.epoch_us));
            if let Some(order) = text.and_then(|text| local_time::proven_order(text, day)) {
                add(order);
            }
        });
    }

    fn for_each_record(&self, chunk: &[u8], mut row: impl FnMut(Range<usize>, &ByteRecord)) {
        let mut reader = csv_reader(chunk, self.delimiter);
        let mut cells = ByteRecord::new();
        // Reading flexible rows from memory cannot fail. If it did, the chunk would end here.
        while let Ok(true) = reader.read_byte_record(&mut cells) {
            let position = cells.position().map_or(0, |position| position.byte() as usize);
            if cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                let end = (reader.position().byte() as usize).min(chunk.len());
                let start = position.min(end);
                // A line break of two bytes can have one of them on either side.
                let is_break = |byte: &&u8| matches!(byte, b'\r' | b'\n');
                let start = start + chunk[start..end].iter().take_while(is_break).count();
                let breaks = chunk[start..end].iter().rev().take_while(is_break).count();
                row(start..end - breaks, &cells);
            }
        }
    }

    /// Converts a row to JSON with all its cells as texts, so that each cell has its name. Bytes
    /// that are not UTF-8 become U+FFFD.
    pub fn row_to_json(&self, row: &[u8]) -> String {
        let mut cells = ByteRecord::new();
        let mut out = vec![b'{'];
        if let Ok(true) = csv_reader(row, self.delimiter).read_byte_record(&mut cells) {
            let names = self.columns.iter().map(|column| column.name.as_str());
            let names = names.chain(std::iter::repeat(""));
            for (name, cell) in names.zip(&cells) {
                if out.len() > 1 {
                    out.push(b',');
                }
                json::write_text(name, &mut out);
                out.push(b':');
                json::write_text(&String::from_utf8_lossy(cell), &mut out);
            }
        }
        out.push(b'}');
        String::from_utf8_lossy(&out).into_owned()
    }

    fn parse_row<'a>(&self, cells: &'a ByteRecord, order: FileDateOrder<'_>) -> CsvRow<'a> {
        let Some(payload) = self.payload else { return self.lossy_row(cells, order) };
        let name = &self.columns[payload].name;
        match cells.get(payload).map(<[u8]>::trim_ascii) {
            None => {
                let (found, expected) = (cells.len(), self.columns.len());
                let noun = if found == 1 { "cell" } else { "cells" };
                CsvRow::NotAnEvent(format!(
                    "a row with {found} {noun}, but the header has {expected}"
                ))
            }
            Some([]) => CsvRow::NotAnEvent(format!("{name} is empty: the export lost this event")),
            Some(json) => {
                let mut envelope = self.envelope_fields(cells);
                // The time in the event is exact. The other one is needed without it only.
                let needed = |_: &&String| memmem::find(json, b"reationTime").is_none();
                if let Some(text) = envelope.creation_time.as_ref().filter(needed) {
                    match parse_local(text, order) {
                        Ok(Some(time)) => envelope.creation_time = Some(time),
                        Ok(None) => {}
                        Err(reason) => return CsvRow::NotAnEvent(reason),
                    }
                }
                CsvRow::Audit { json, envelope }
            }
        }
    }

    fn envelope_fields(&self, cells: &ByteRecord) -> EnvelopeFields {
        let mut envelope = EnvelopeFields::default();
        for (column, cell) in self.columns.iter().zip(cells) {
            let name = column.name.as_str();
            if name == RESULT_COUNT {
                let text = std::str::from_utf8(cell).ok();
                envelope.result_count = text.and_then(|text| text.trim().parse().ok());
            } else if let (
                "RecordId" | "Identity" | "CreationDate" | "UserIds" | "UserId" | "Operations"
                | "Operation",
                Ok(text),
            ) = (name, std::str::from_utf8(cell))
            {
                envelope.set_if_empty(column_for(name), text.trim());
            }
        }
        envelope
    }

    /// Converts a row of a lossy table to JSON. Integers and booleans are written as such if the
    /// column has that type, the time of the event in one format, and empty cells are left out.
    fn lossy_row(&self, cells: &ByteRecord, order: FileDateOrder<'_>) -> CsvRow<'static> {
        let mut out = vec![b'{'];
        for (number, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            let Ok(text) = std::str::from_utf8(cell) else {
                let reason = format!("column {} is not valid UTF-8", column.name);
                return CsvRow::NotAnEvent(reason);
            };
            let local = match Some(number) == self.time {
                true => parse_local(text, order),
                false => Ok(None),
            };
            match local {
                Ok(Some(time)) => column.write_member(&time, &mut out),
                Ok(None) => column.write_member(text, &mut out),
                Err(reason) => return CsvRow::NotAnEvent(reason),
            }
        }
        out.push(b'}');
        CsvRow::Lossy(out)
    }
}

/// Returns a time in the format of a country in the format of JSON; `Ok(None)` for all other texts.
///
/// # Errors
///
/// The reason for the user if day or month can be first, and the file does not prove which.
fn parse_local(text: &str, order: FileDateOrder<'_>) -> Result<Option<String>, String> {
    if time::parse(text).is_some() {
        return Ok(None);
    }
    match local_time::parse(text, order) {
        LocalTime::Known(timestamp) => Ok(Some(time::to_rfc3339(timestamp.epoch_us))),
        LocalTime::Unreadable => Ok(None),
        LocalTime::Ambiguous => Err(AMBIGUOUS_DATE_REASON.to_owned()),
    }
}

/// The reason to reject a record whose only date has two readings.
pub const AMBIGUOUS_DATE_REASON: &str = "day or month can be first in the date, and no other date \
    in the file proves which: download the day again, or write dates as 2024-03-01T08:15:30";

/// Returns the value of `CreationTime` in JSON text, found without parsing the text.
fn time_in_json(json: &[u8]) -> Option<time::Timestamp> {
    const MAX_TIME_BYTES: usize = 40;
    let after = memmem::find(json, b"CreationTime")? + b"CreationTime".len();
    let value = json[after..].trim_ascii_start();
    let value = value.strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start().strip_prefix(b"\"")?;
    let end = value.iter().take(MAX_TIME_BYTES).position(|byte| *byte == b'"')?;
    time::parse(std::str::from_utf8(&value[..end]).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_exports_are_recognized() {
        for line in [
            "RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,\
             AssociatedAdminUnitsNames",
            "CreationDate,UserIds,Operations,AuditData",
            "\"PSComputerName\",\"RecordType\",\"CreationDate\",\"UserIds\",\"Operations\",\
             \"AuditData\",\"ResultIndex\",\"Identity\"",
            "CreationDate;UserIds;Operations;AuditData",
        ] {
            assert!(parse_header(line.as_bytes()).is_ok_and(|header| !header.is_lossy()), "{line}");
        }
        assert!(parse_header(b"Id,CreationTime,Operation").unwrap().is_lossy());
        assert!(
            parse_header(b"Date,IP address,User,Activity,Item,Detail")
                .unwrap_err()
                .contains("friendly")
        );
        assert!(parse_header(b"a,b,c").is_err());
    }

    #[test]
    fn rows_give_their_event_and_envelope() {
        let header = parse_header(b"Identity;CreationDate;AuditData").unwrap();
        let mut rows = Vec::new();
        header.for_each_row(
            b"1;9/20/2023 4:05:03 AM;\"{\"\"Id\"\":\"\"x\"\"}\"\r\n2;d;\n3\n\n",
            &|| None,
            |at, row| {
                rows.push(match row {
                    CsvRow::Audit { json, envelope } => {
                        format!("{at:?} {} {:?}", String::from_utf8_lossy(json), envelope.id)
                    }
                    CsvRow::Lossy(_) => "flat".to_owned(),
                    CsvRow::NotAnEvent(reason) => format!("{at:?} {reason}"),
                });
            },
        );
        assert_eq!(rows[0], r#"0..39 {"Id":"x"} Some("1")"#);
        assert!(rows[1].contains("empty") && rows[2].contains("1 cell,"), "{rows:?}");
        assert!(rows[1].starts_with("41..45 ") && rows[2].starts_with("46..47 "), "{rows:?}");
        assert_eq!(rows.len(), 3);
        let named = header.row_to_json(b"1;\"a\"\"b\";\xff;4");
        let expected = r#"{"Identity":"1","CreationDate":"a\"b","AuditData":"?","":"4"}"#;
        assert_eq!(named.replace(char::REPLACEMENT_CHARACTER, "?"), expected);
    }

    fn lossy(header: &str, row: &str, order: Option<DateOrder>) -> String {
        let mut found = String::new();
        let header = parse_header(header.as_bytes()).unwrap();
        header.for_each_row(row.as_bytes(), &|| order, |_, row| {
            found = match row {
                CsvRow::Lossy(json) => String::from_utf8(json).unwrap(),
                CsvRow::NotAnEvent(reason) => reason,
                CsvRow::Audit { .. } => panic!("lossy"),
            };
        });
        found
    }

    #[test]
    fn lossy_rows_become_typed_json() {
        assert_eq!(
            lossy(
                "Id,CreationTime,IsSuccess,UserType,Datasets,Note",
                "1,2024-01-01T00:00:00,True,0,System.Object[],007\n",
                None
            ),
            concat!(
                r#"{"Id":"1","CreationTime":"2024-01-01T00:00:00","IsSuccess":true,"#,
                r#""UserType":0,"Datasets":"System.Object[]","Note":"007"}"#
            )
        );
        assert_eq!(
            lossy(",Id,Creation Time,Record Type", "0,1,2024-01-01T00:00:00,20.0\n", None),
            r#"{"Id":"1","CreationTime":"2024-01-01T00:00:00","RecordType":20}"#
        );
    }

    #[test]
    fn dates_of_a_country_follow_the_order_of_the_file() {
        let read = |order| lossy("Id,CreationTime", "1,3/12/2025 7:31:34 AM\n", order);
        assert_eq!(read(None), AMBIGUOUS_DATE_REASON);
        let day_first = read(Some(DateOrder::DayFirst));
        assert_eq!(day_first, r#"{"Id":"1","CreationTime":"2025-12-03T07:31:34Z"}"#);
        let dotted = lossy("Id,CreationTime", "1,03.12.2025 07:31:34\n", None);
        assert_eq!(dotted, day_first);
    }

    #[test]
    fn rows_prove_the_order_of_their_dates() {
        let proofs = |header: &str, rows: &str| {
            let mut found = Vec::new();
            let header = parse_header(header.as_bytes()).unwrap();
            header.for_each_proof(rows.as_bytes(), |order| found.push(order));
            found
        };
        assert_eq!(
            proofs("Id,CreationTime", "1,3/12/2025 7:31\n2,25/12/2025 7:31\n"),
            [DateOrder::DayFirst]
        );
        let audit = "CreationDate,AuditData";
        let row = r#"3/12/2025 7:31,"{""CreationTime"" : ""2025-03-12T07:31:00""}""#;
        assert_eq!(proofs(audit, row), [DateOrder::MonthFirst]);
        assert_eq!(proofs(audit, "3/12/2025 7:31,\"{\"\"a\"\":1}\""), []);
    }
}
