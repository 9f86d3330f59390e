//! Writes the CSV files of the audit log: the current and the former export of the portal, and
//! Search-UnifiedAuditLog with Export-Csv. The column AuditData contains the event.

use std::io;

use chrono::DateTime;

use super::event::Event;
use super::output::{Output, looks_truncated};

/// Number of rows of a file. The portal exports at most 50,000 rows; larger days are exported in
/// parts.
const ROWS_MAX: usize = 48_000;

/// Style of cells.
#[derive(Clone, Copy)]
struct Dialect {
    delimiter: char,
    /// True for Export-Csv, which quotes every cell.
    quote_all: bool,
}

impl Dialect {
    fn push_row<'a>(self, out: &mut String, cells: impl IntoIterator<Item = &'a str>) {
        for (place, cell) in cells.into_iter().enumerate() {
            if place > 0 {
                out.push(self.delimiter);
            }
            if self.quote_all || cell.contains([self.delimiter, '"', '\r', '\n']) {
                out.push('"');
                out.push_str(&cell.replace('"', "\"\""));
                out.push('"');
            } else {
                out.push_str(cell);
            }
        }
        out.push_str("\r\n");
    }
}

fn time_text(event: &Event, format: &str) -> String {
    let time = DateTime::from_timestamp_millis(event.millis).expect("the archive lies in our time");
    time.format(format).to_string()
}

/// Writes the rows in as many files as needed; the first one has the given name.
fn write_parts(
    output: &mut Output,
    name: &str,
    records: &[&Event],
    text_of: impl Fn(&[&Event]) -> String,
) -> io::Result<()> {
    let mut size = ROWS_MAX;
    while looks_truncated(records.len() % size) {
        size -= 1;
    }
    for (number, part) in records.chunks(size).enumerate() {
        let name = if number == 0 { name.to_owned() } else { format!("{name}.{number}.csv") };
        output.put(&name, text_of(part).as_bytes(), part)?;
    }
    Ok(())
}

/// Writes the current export of the portal.
pub fn write_portal_csv(output: &mut Output, name: &str, records: &[&Event]) -> io::Result<()> {
    let dialect = Dialect { delimiter: ',', quote_all: false };
    write_parts(output, name, records, |records| {
        let mut text = String::from(
            "RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,AssociatedAdminUnitsNames\r\n",
        );
        for event in records {
            let time = time_text(event, "%Y-%m-%dT%H:%M:%S.0000000Z");
            let record_type = event.record_type.to_string();
            // The outer columns have another name for an anonymous visitor.
            let user = if event.user == "Anonymous" { "app@sharepoint" } else { &event.user };
            dialect.push_row(
                &mut text,
                [&event.id, &time, &record_type, event.operation, user, &event.json, "", ""],
            );
        }
        text
    })
}

/// Writes the former export of the portal.
pub fn write_old_portal_csv(output: &mut Output, name: &str, records: &[&Event]) -> io::Result<()> {
    let dialect = Dialect { delimiter: ',', quote_all: false };
    write_parts(output, name, records, |records| {
        let mut text = String::from("CreationDate,UserIds,Operations,AuditData\r\n");
        for event in records {
            let time = time_text(event, "%Y-%m-%dT%H:%M:%S.0000000Z ");
            dialect.push_row(&mut text, [&time, &event.user, event.operation, &event.json]);
        }
        text
    })
}

/// Writes Search-UnifiedAuditLog with Export-Csv. On every second day the list separator of the
/// machine is a semicolon.
pub fn write_cmdlet_csv(output: &mut Output, name: &str, records: &[&Event]) -> io::Result<()> {
    let day = records.first().map_or(0, |event| event.millis / 86_400_000);
    let german = day % 2 == 1;
    let dialect = Dialect { delimiter: if german { ';' } else { ',' }, quote_all: true };
    let format = if german { "%d.%m.%Y %H:%M:%S" } else { "%-m/%-d/%Y %-I:%M:%S %p" };
    write_parts(output, name, records, |records| {
        let mut text = String::from(
            "\u{feff}#TYPE Deserialized.Microsoft.Exchange.Management.AuditLogRecord\r\n",
        );
        dialect.push_row(
            &mut text,
            [
                "PSComputerName",
                "RunspaceId",
                "PSShowComputerName",
                "RecordType",
                "CreationDate",
                "UserIds",
                "Operations",
                "AuditData",
                "ResultIndex",
                "ResultCount",
                "Identity",
                "IsValid",
                "ObjectState",
            ],
        );
        let count = records.len().to_string();
        for (number, event) in records.iter().enumerate() {
            let (index, time) = ((number + 1).to_string(), time_text(event, format));
            let record_type = record_type_name(event.record_type);
            let outer = [
                "outlook.office365.com",
                "5d2cd0a5-4d5e-4d6c-9f5e-0123456789ab",
                "False",
                record_type,
                &time,
            ];
            let inner = [
                &event.user,
                event.operation,
                &event.json,
                &index,
                &count,
                &event.id,
                "True",
                "Unchanged",
            ];
            dialect.push_row(&mut text, outer.into_iter().chain(inner));
        }
        text
    })
}

fn record_type_name(record_type: u16) -> &'static str {
    match record_type {
        1 => "ExchangeAdmin",
        2 => "ExchangeItem",
        6 => "SharePointFileOperation",
        20 => "PowerBIAudit",
        30 => "MicrosoftFlow",
        45 => "PowerAppsApp",
        256 => "PowerPlatformAdministratorActivity",
        357 => "FabricAudit",
        other => unreachable!("no event is made with record type {other}"),
    }
}
