//! Writes the files of a day: JSON in all forms of the tools of administrators. CSV files are
//! written in `tables`.

use std::fmt::Write as _;
use std::io;

use chrono::{Days, NaiveDate};

use super::event::Event;
use super::json::{self, Shape, push_quoted, push_shaped};
use super::output::{Output, looks_truncated};
use super::pages::page_end;
use super::rng::Rng;
use super::tables;
use super::timeline::Feed;

pub use super::tables::write_portal_csv;

/// Container of a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Container {
    /// REST pages, a file each, in folders of year, month and day.
    RestPages,
    /// All REST pages of the day in one file.
    JoinedPages,
    /// REST pages, most of them empty, and the empty files that scripts write.
    SparsePages,
    /// One indented array, times ending in Z.
    PowerShellCore,
    /// One indented array in UTF-16 with carriage returns.
    WindowsPowerShell,
    /// One indented array with a byte order mark.
    Utf8Bom,
    /// An event a line.
    Lines,
    /// One array after the other in one file.
    AppendedArrays,
    /// `{"value":[…],"Count":n}` with times as `/Date(…)/`.
    ValueAndCount,
    /// A file for each of some events, and an array of the others.
    BareObjects,
    /// Blobs of the Management Activity API.
    ManagementBlobs,
    /// The answer to an audit query of Microsoft Graph.
    GraphQuery,
    PortalCsv,
    OldPortalCsv,
    CmdletCsv,
}

impl Container {
    pub fn feed(self) -> Feed {
        match self {
            Container::PortalCsv
            | Container::OldPortalCsv
            | Container::CmdletCsv
            | Container::ManagementBlobs => Feed::Audit,
            _ => Feed::PowerBi,
        }
    }
}

/// Form of CreationTime.
#[derive(Clone, Copy)]
enum Time {
    Plain,
    Zulu,
    Ticks,
}

/// Writes the files of a day.
pub fn write(
    container: Container,
    output: &mut Output,
    rng: &mut Rng,
    date: &str,
    records: &[&Event],
) -> io::Result<()> {
    match container {
        Container::RestPages => write_rest_pages(output, rng, date, records),
        Container::JoinedPages => write_joined_pages(output, rng, date, records),
        Container::SparsePages => write_sparse_pages(output, rng, date, records),
        Container::PowerShellCore => {
            let text = array(records, Time::Zulu, &json::POWERSHELL_CORE);
            // The name contains the day of the events and the time of writing.
            let next = NaiveDate::parse_from_str(date, "%Y%m%d").expect("a date") + Days::new(1);
            let name = format!("PBIActivityEvents-{date}-{}.json", next.format("%Y%m%d0415"));
            output.put(&name, text.as_bytes(), records)
        }
        Container::WindowsPowerShell => {
            let text = array(records, Time::Plain, &json::WINDOWS_POWERSHELL) + "\r\n";
            output.put(&format!("windows/{date}.json"), &utf16(&text), records)
        }
        Container::Utf8Bom => {
            let text =
                format!("\u{feff}{}\r\n", array(records, Time::Zulu, &json::WINDOWS_POWERSHELL));
            output.put(&format!("windows/{date}_1.json"), text.as_bytes(), records)
        }
        Container::Lines => write_lines(output, date, records),
        Container::AppendedArrays => write_appended_arrays(output, date, records),
        Container::ValueAndCount => write_value_and_count(output, date, records),
        Container::BareObjects => write_bare_objects(output, date, records),
        Container::ManagementBlobs => write_blobs(output, date, records),
        Container::GraphQuery => write_graph(output, date, records),
        Container::PortalCsv => write_portal_csv(output, &format!("portal/{date}.csv"), records),
        Container::OldPortalCsv => {
            tables::write_old_portal_csv(output, &format!("portal/old-{date}.csv"), records)
        }
        Container::CmdletCsv => {
            tables::write_cmdlet_csv(output, &format!("cmdlet/{date}.csv"), records)
        }
    }
}

/// Splits a day into parts of about an hour, none of which has the size of a limit.
fn parts<'a, 'e>(records: &'a [&'e Event]) -> impl Iterator<Item = &'a [&'e Event]> {
    let mut size = records.len().div_ceil(24).max(1);
    while looks_truncated(size) || looks_truncated(records.len() % size) {
        size += 1;
    }
    records.chunks(size)
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn push_event(out: &mut String, event: &Event, time: Time, depth: usize, shape: &Shape) {
    let text = match time {
        Time::Plain => &event.json,
        Time::Zulu => &event.with_time(&format!("{}Z", event.time())),
        Time::Ticks => &event.with_time(&format!("\\/Date({})\\/", event.millis)),
    };
    push_shaped(out, text, depth, shape);
}

/// Returns the events as one array.
fn array(records: &[&Event], time: Time, shape: &Shape) -> String {
    let mut out = String::from("[");
    for (place, event) in records.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "," });
        out.push_str(shape.newline);
        out.extend(std::iter::repeat_n(' ', shape.indent));
        push_event(&mut out, event, time, 1, shape);
    }
    out.push_str(shape.newline);
    out.push(']');
    out
}

/// Returns the events with only commas between them.
fn joined(records: &[&Event]) -> String {
    let texts: Vec<&str> = records.iter().map(|event| event.json.as_str()).collect();
    texts.join(",")
}

/// Returns the events as a REST page.
pub fn page(rng: &mut Rng, records: &[&Event], more: bool) -> String {
    let mut records = records.to_vec();
    rng.shuffle(&mut records);
    format!("{{\"activityEventEntities\":[{}]{}", joined(&records), page_end(rng, more))
}

fn write_rest_pages(
    output: &mut Output,
    rng: &mut Rng,
    date: &str,
    records: &[&Event],
) -> io::Result<()> {
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
    for (number, part) in parts(records).enumerate() {
        let name = format!("year={year}/month={month}/day={day}/page-{number:02}.json");
        output.put(&name, page(rng, part, false).as_bytes(), part)?;
    }
    Ok(())
}

fn write_joined_pages(
    output: &mut Output,
    rng: &mut Rng,
    date: &str,
    records: &[&Event],
) -> io::Result<()> {
    let mut text = String::new();
    for (number, part) in parts(records).enumerate() {
        text += &page(rng, part, number % 5 == 4);
        text += ["", "\n", "\r\n\r\n", " "][number % 4];
    }
    output.put(&format!("joined/{date}.json"), text.as_bytes(), records)
}

fn write_sparse_pages(
    output: &mut Output,
    rng: &mut Rng,
    date: &str,
    records: &[&Event],
) -> io::Result<()> {
    for (number, part) in parts(records).enumerate() {
        let name = format!("sparse/{date}/{number:02}.json");
        output.put(&name, page(rng, part, false).as_bytes(), part)?;
        let name = format!("sparse/{date}/{number:02}-empty.json");
        output.put_file(&name, page(rng, &[], number % 2 == 0).as_bytes())?;
    }
    for (name, content) in [("nothing", ""), ("none", "[]"), ("null", "null\r\n")] {
        output.put_file(&format!("sparse/{date}/{name}.json"), content.as_bytes())?;
    }
    Ok(())
}

fn write_lines(output: &mut Output, date: &str, records: &[&Event]) -> io::Result<()> {
    let mut text = String::new();
    for event in records {
        push_event(&mut text, event, Time::Plain, 0, &json::ASCII_LINE);
        text.push('\n');
    }
    output.put(&format!("lines/{date}.jsonl"), text.as_bytes(), records)
}

fn write_appended_arrays(output: &mut Output, date: &str, records: &[&Event]) -> io::Result<()> {
    let text: String = parts(records).map(|part| format!("[{}]\n\n", joined(part))).collect();
    output.put(&format!("appended/{date}.json"), text.as_bytes(), records)
}

fn write_value_and_count(output: &mut Output, date: &str, records: &[&Event]) -> io::Result<()> {
    let shape = Shape { indent: 0, colon: ":", newline: "", ..json::WINDOWS_POWERSHELL };
    let text = format!(
        "{{\"value\":{},\"Count\":{}}}",
        array(records, Time::Ticks, &shape),
        records.len()
    );
    output.put(&format!("windows/{date}_2.json"), text.as_bytes(), records)
}

fn write_bare_objects(output: &mut Output, date: &str, records: &[&Event]) -> io::Result<()> {
    let mut single = records.len().min(25);
    while looks_truncated(records.len() - single) {
        single -= 1;
    }
    for (number, event) in records[..single].iter().enumerate() {
        let name = format!("single/{date}-{number:02}.json");
        output.put(&name, event.json.as_bytes(), &[event])?;
    }
    let text = format!("[{}]", joined(&records[single..]));
    output.put(&format!("single/{date}-rest.json"), text.as_bytes(), &records[single..])
}

fn write_blobs(output: &mut Output, date: &str, records: &[&Event]) -> io::Result<()> {
    for (number, part) in parts(records).enumerate() {
        let text = format!("[{}]", joined(part));
        output.put(
            &format!("blobs/{date}{number:02}$audit_general$na0045"),
            text.as_bytes(),
            part,
        )?;
    }
    Ok(())
}

fn write_graph(output: &mut Output, date: &str, records: &[&Event]) -> io::Result<()> {
    let mut text = String::from(
        r##"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#security/records","value":["##,
    );
    for (place, event) in records.iter().enumerate() {
        text.push_str(if place == 0 { "" } else { "," });
        let kind = if event.record_type == 357 { "fabricAudit" } else { "powerBIAudit" };
        write!(
            text,
            r##"{{"@odata.type":"#microsoft.graph.security.auditLogRecord","id":"{}","createdDateTime":"{}Z","auditLogRecordType":"{kind}","operation":"{}","userType":"regular","service":"PowerBI","userPrincipalName":"##,
            event.id,
            event.time(),
            event.operation,
        )
        .expect("a string takes all text");
        push_quoted(&mut text, &event.user);
        text += ",\"auditData\":";
        text += &event.json;
        text.push('}');
    }
    text += r#"],"@odata.nextLink":"https://graph.microsoft.com/v1.0/security/records?$skiptoken=abc"}"#;
    output.put(&format!("graph/{date}.json"), text.as_bytes(), records)
}
