//! Events in CSV: the unified audit log's exports, whose `AuditData` column holds each event as
//! JSON, and lossy tables of events that `Export-Csv` wrote without one.
//!
//! The header decides, in any order and with any columns beside: the portal's present export
//! (`RecordId,CreationDate,…,AuditData,…`), its older one (`CreationDate,UserIds,Operations,
//! AuditData`), Search-UnifiedAuditLog through Export-Csv, whole or reduced.

use std::ops::Range;

use csv::ByteRecord;

use super::json;
use crate::schema::{self, ColumnType};

/// What the header of a CSV file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvHeader {
    /// The byte that separates cells.
    pub delimiter: u8,
    names: Vec<String>,
    audit_data: Option<usize>,
}

/// One row: where its event is.
pub enum CsvRow<'a> {
    /// The event as JSON text, and what the outer columns say of it.
    Audit {
        /// The cell's text.
        json: &'a [u8],
        /// Outer columns, by the name of the column that they stand in for.
        envelope: EnvelopeFields,
    },
    /// A row of a lossy table, made into JSON text.
    Lossy(Vec<u8>),
    /// No event, and why.
    NotAnEvent(String),
}

/// What stands outside of an event and is used where the event itself says nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct EnvelopeFields {
    /// The event's id.
    pub id: Option<String>,
    /// Its time, in whatever form.
    pub creation_time: Option<String>,
    /// Its operation.
    pub operation: Option<String>,
    /// Who did it.
    pub user_id: Option<String>,
    /// How many results the search found that this is one of.
    pub result_count: Option<u64>,
}

/// How many results Search-UnifiedAuditLog found, which stands beside every one of them.
const RESULT_COUNT: &str = "ResultCount";

impl EnvelopeFields {
    fn set_if_empty(&mut self, column: &str, text: &str) {
        let slot = match column {
            "Id" => &mut self.id,
            "CreationTime" => &mut self.creation_time,
            "Operation" => &mut self.operation,
            "UserId" => &mut self.user_id,
            _ => return,
        };
        if !text.is_empty() && slot.is_none() {
            *slot = Some(text.to_owned());
        }
    }

    /// The outer members of a JSON wrapping, by the names that CSV headers have.
    pub fn from_members<'a>(members: impl Iterator<Item = (&'a str, super::Value<'a>)>) -> Self {
        let mut outer = EnvelopeFields::default();
        for (name, value) in members {
            if name.eq_ignore_ascii_case(RESULT_COUNT) {
                outer.result_count = match value {
                    super::Value::Int(number) => u64::try_from(number).ok(),
                    super::Value::Text(text) => text.trim().parse().ok(),
                    _ => None,
                };
            } else if let super::Value::Text(text) = value {
                outer.set_if_empty(column_for(name), text);
            }
        }
        outer
    }
}

/// What is said of a cell that [`is_cut`].
pub const TRUNCATED_REASON: &str = "AuditData ends at 32,767 characters, where Excel cuts cells: the file was \
                       saved with Excel; export it again, and do not open it before";

/// Whether a cell is as long as Excel makes cells at most.
pub fn is_truncated_by_excel(cell: &[u8]) -> bool {
    const CHARS_MAX: usize = 32_767;
    // Blanks at its ends are not counted here, but by Excel.
    const BLANKS: usize = 8;
    let chars = String::from_utf8_lossy(cell).encode_utf16().count();
    (CHARS_MAX - BLANKS..=CHARS_MAX).contains(&chars)
}

/// The column that an outer name carries, or nothing.
fn column_for(name: &str) -> &'static str {
    const GRAPH: [(&str, &str); 2] =
        [("createdDateTime", "CreationTime"), ("userPrincipalName", "UserId")];
    if let Some((_, column)) = GRAPH.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return column;
    }
    let carries = |column: &&schema::ColumnDefinition| {
        column.name.eq_ignore_ascii_case(name)
            || column.csv_headers.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    schema::columns().iter().find(carries).map_or("", |column| column.name)
}

/// Reads a header line. `Err` says why this is no CSV of events.
///
/// # Errors
///
/// A sentence for the user, where the header is one of another kind of file.
pub fn parse_header(line: &[u8]) -> Result<CsvHeader, &'static str> {
    let line = line.trim_ascii();
    let count = |byte| line.iter().filter(|&&b| b == byte).count();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|&byte| count(byte)).unwrap_or(b',');
    let mut cells = ByteRecord::new();
    csv_reader(line, delimiter)
        .read_byte_record(&mut cells)
        .map_err(|_| "the header line is no CSV")?;
    let names: Vec<String> =
        cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    let find = |name: &str| names.iter().position(|known| known.eq_ignore_ascii_case(name));
    let audit_data = find("AuditData");
    let is_flat = find("Id").is_some() && find("CreationTime").is_some();
    let is_friendly =
        find("Activity").is_some() && find("Item").is_some() && find("User").is_some();
    if audit_data.is_none() && !is_flat {
        return Err(if is_friendly {
            "an export of the old audit portal with friendly names only and no AuditData column: \
             it does not hold the events; export again, or pull the activity log"
        } else {
            "a CSV without an AuditData column"
        });
    }
    Ok(CsvHeader { delimiter, names, audit_data })
}

fn csv_reader(text: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text)
}

impl CsvHeader {
    /// Whether rows are lossy: no `AuditData`, nested values already flattened away.
    pub fn is_lossy(&self) -> bool {
        self.audit_data.is_none()
    }

    /// Hands every row of a piece of the file to `take`, with where it stands in the piece.
    /// Pieces end between rows.
    pub fn for_each_row(&self, piece: &[u8], mut take: impl FnMut(Range<usize>, CsvRow<'_>)) {
        let mut reader = csv_reader(piece, self.delimiter);
        let mut cells = ByteRecord::new();
        // Reading from memory with flexible rows has no way to fail; a failure ends the piece.
        while let Ok(true) = reader.read_byte_record(&mut cells) {
            let position = cells.position().map_or(0, |position| position.byte() as usize);
            if cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                let end = (reader.position().byte() as usize).min(piece.len());
                let start = position.min(end);
                // Of a line break of two bytes, one may stand on either side.
                let is_break = |byte: &&u8| matches!(byte, b'\r' | b'\n');
                let start = start + piece[start..end].iter().take_while(is_break).count();
                let breaks = piece[start..end].iter().rev().take_while(is_break).count();
                take(start..end - breaks, self.parse_row(&cells));
            }
        }
    }

    /// A row of the file as JSON with all its cells as text, so that it tells by itself which is
    /// which. What is not UTF-8 becomes U+FFFD.
    pub fn row_to_json(&self, row: &[u8]) -> String {
        let mut cells = ByteRecord::new();
        let mut out = vec![b'{'];
        if let Ok(true) = csv_reader(row, self.delimiter).read_byte_record(&mut cells) {
            let names = self.names.iter().map(String::as_str).chain(std::iter::repeat(""));
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

    fn parse_row<'a>(&self, cells: &'a ByteRecord) -> CsvRow<'a> {
        let Some(audit_data) = self.audit_data else { return self.lossy_row(cells) };
        match cells.get(audit_data).map(<[u8]>::trim_ascii) {
            None => CsvRow::NotAnEvent(format!(
                "a row of {} cells where the header has {}",
                cells.len(),
                self.names.len()
            )),
            Some([]) => {
                CsvRow::NotAnEvent("AuditData is empty: the export lost this event".to_owned())
            }
            Some(json) => CsvRow::Audit { json, envelope: self.envelope_fields(cells) },
        }
    }

    fn envelope_fields(&self, cells: &ByteRecord) -> EnvelopeFields {
        let mut outer = EnvelopeFields::default();
        for (name, cell) in self.names.iter().zip(cells) {
            if name == RESULT_COUNT {
                let text = std::str::from_utf8(cell).ok();
                outer.result_count = text.and_then(|text| text.trim().parse().ok());
            } else if let (
                "RecordId" | "Identity" | "CreationDate" | "UserIds" | "UserId" | "Operations"
                | "Operation",
                Ok(text),
            ) = (name.as_str(), std::str::from_utf8(cell))
            {
                outer.set_if_empty(column_for(name), text.trim());
            }
        }
        outer
    }

    /// A row of a lossy table as JSON: numbers and truth values are written as such where the
    /// column has that type, empty cells are left out.
    fn lossy_row(&self, cells: &ByteRecord) -> CsvRow<'static> {
        let mut out = vec![b'{'];
        for (name, cell) in self.names.iter().zip(cells) {
            let Ok(text) = std::str::from_utf8(cell) else {
                return CsvRow::NotAnEvent(format!("column {name}: text that is not valid UTF-8"));
            };
            if text.is_empty() {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            json::write_text(name, &mut out);
            out.push(b':');
            let ty = schema::column_index(name).map(|number| &schema::columns()[number].ty);
            match ty {
                Some(ColumnType::Bool) if text.eq_ignore_ascii_case("true") => out.extend(b"true"),
                Some(ColumnType::Bool) if text.eq_ignore_ascii_case("false") => {
                    out.extend(b"false")
                }
                Some(ColumnType::Int | ColumnType::RecordType | ColumnType::UserType)
                    if text.parse::<i64>().is_ok_and(|number| number.to_string() == text) =>
                {
                    out.extend(text.bytes());
                }
                _ => json::write_text(text, &mut out),
            }
        }
        out.push(b'}');
        CsvRow::Lossy(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_generation_are_known() {
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
    fn rows_give_their_event_and_what_stands_outside() {
        let header = parse_header(b"Identity;CreationDate;AuditData").unwrap();
        let mut seen = Vec::new();
        header.for_each_row(
            b"1;9/20/2023 4:05:03 AM;\"{\"\"Id\"\":\"\"x\"\"}\"\r\n2;d;\n3\n\n",
            |at, row| {
                seen.push(match row {
                    CsvRow::Audit { json, envelope: outer } => {
                        format!("{at:?} {} {:?}", String::from_utf8_lossy(json), outer.id)
                    }
                    CsvRow::Lossy(_) => "flat".to_owned(),
                    CsvRow::NotAnEvent(reason) => format!("{at:?} {reason}"),
                });
            },
        );
        assert_eq!(seen[0], r#"0..39 {"Id":"x"} Some("1")"#);
        assert!(seen[1].contains("empty") && seen[2].contains("1 cells"), "{seen:?}");
        assert!(seen[1].starts_with("41..45 ") && seen[2].starts_with("46..47 "), "{seen:?}");
        assert_eq!(seen.len(), 3);
        let named = header.row_to_json(b"1;\"a\"\"b\";\xff;4");
        let expected = r#"{"Identity":"1","CreationDate":"a\"b","AuditData":"?","":"4"}"#;
        assert_eq!(named.replace(char::REPLACEMENT_CHARACTER, "?"), expected);
    }

    #[test]
    fn lossy_rows_become_typed_json() {
        let header = parse_header(b"Id,CreationTime,IsSuccess,UserType,Datasets,Note").unwrap();
        header.for_each_row(b"1,2024-01-01T00:00:00,True,0,System.Object[],007\n", |_, row| {
            let CsvRow::Lossy(json) = row else { panic!("flat") };
            assert_eq!(
                String::from_utf8(json).unwrap(),
                concat!(
                    r#"{"Id":"1","CreationTime":"2024-01-01T00:00:00","IsSuccess":true,"#,
                    r#""UserType":0,"Datasets":"System.Object[]","Note":"007"}"#
                )
            );
        });
    }
}
