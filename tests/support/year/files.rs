//! Writes the archive: the files of each day, and the losses on the way.
//!
//! It does not depend on the content of events.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Timelike, Utc};
use serde_json::{Value, json};

use super::calendar::{Fate, day, days, fate, is_early, pulls};
use super::stage::Event;

/// A file of the archive.
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The archive and the events that it contains completely.
#[derive(Default)]
pub struct Archive {
    pub files: Vec<File>,
    pub stored: Vec<Event>,
    /// Number of events of a day that only a later download contains.
    pub late: BTreeMap<NaiveDate, u64>,
    /// Number of duplicates of a day in all files.
    pub duplicates: BTreeMap<NaiveDate, u64>,
    known: BTreeSet<String>,
}

/// One of this number of events is late.
const LATE_STEP: usize = 29;
/// First day of downloads by REST after those by PowerShell, and first day of the third way.
const REST_FROM: &str = "2025-04-01";
const REST_UNTIL: &str = "2025-12-31";

/// Writes the events of the year, in order of time, into files.
pub fn pack(events: Vec<Event>) -> Archive {
    let mut archive = Archive::default();
    let (platform, events): (Vec<Event>, Vec<Event>) = events.into_iter().partition(is_platform);
    let mut of_days: BTreeMap<NaiveDate, Vec<Event>> = BTreeMap::new();
    for event in events {
        of_days.entry(event.time.date_naive()).or_default().push(event);
    }
    let mut searched: Vec<(Fate, Vec<Event>)> = Vec::new();
    for date in days() {
        let events = of_days.remove(&date).unwrap_or_default();
        match fate(date) {
            // All days of a search are in one file.
            fate @ (Fate::Searched | Fate::SearchCut) => match searched.last_mut() {
                Some((last, days)) if *last == fate => days.extend(events),
                _ => searched.push((fate, events)),
            },
            _ => archive.pull(date, events),
        }
    }
    for (fate, events) in searched {
        archive.search(&events, fate == Fate::SearchCut);
    }
    archive.weekly_copies();
    archive.platform(&platform);
    archive.stored.sort_by(|one, other| order(one).cmp(&order(other)));
    archive
}

/// Returns the sort key of events: time, then id.
pub fn order(event: &Event) -> (DateTime<Utc>, &str) {
    (event.time, id(event))
}

fn id(event: &Event) -> &str {
    event.json["Id"].as_str().expect("every event is made with an id")
}

/// Returns true if the event is in the audit log only.
fn is_platform(event: &Event) -> bool {
    matches!(event.json["RecordType"].as_i64(), Some(30 | 45 | 46 | 256))
}

impl Archive {
    fn add(&mut self, name: String, bytes: Vec<u8>) {
        self.files.push(File { name, bytes });
    }

    fn add_stored<'e>(&mut self, events: impl IntoIterator<Item = &'e Event>) {
        for event in events {
            if self.known.insert(id(event).to_owned()) {
                self.stored.push(event.clone());
            } else {
                *self.duplicates.entry(event.time.date_naive()).or_default() += 1;
            }
        }
    }

    /// Adds all downloads of a day, in the way of its time.
    fn pull(&mut self, date: NaiveDate, events: Vec<Event>) {
        let pulls = pulls(date);
        for (number, pulled) in pulls.iter().enumerate() {
            let is_last = number + 1 == pulls.len();
            let mut events: Vec<&Event> = events.iter().collect();
            match fate(date) {
                Fate::Early => events.retain(|event| is_early(event.time)),
                Fate::EarlyThenWhole if !is_last => events.retain(|event| is_early(event.time)),
                Fate::OpenHours(from, to) | Fate::OpenButSearched(from, to) => {
                    events.retain(|event| !(from..to).contains(&event.time.hour()));
                }
                Fate::Twice if !is_last => {
                    events = events
                        .into_iter()
                        .enumerate()
                        .filter(|(n, _)| n % LATE_STEP != 7)
                        .map(|(_, event)| event)
                        .collect();
                }
                _ => {}
            }
            let is_broken = match fate(date) {
                Fate::Damaged => true,
                Fate::DamagedThenWhole => !is_last,
                _ => false,
            };
            // The file is truncated at noon, so that the events about the download of the day
            // before are complete.
            let noon = events.iter().take_while(|event| event.time.hour() < 12).count();
            let whole = if is_broken { noon } else { events.len() };
            let before = self.stored.len();
            self.add_stored(events[..whole].iter().copied());
            if number > 0 {
                self.late.insert(date, (self.stored.len() - before) as u64);
            }
            let broken = is_broken.then(|| events[whole]);
            self.write_download(date, *pulled, number, &events[..whole], broken);
        }
        if let Fate::OpenButSearched(..) = fate(date) {
            self.search(&events, false);
        }
    }

    fn write_download(
        &mut self,
        date: NaiveDate,
        pulled: DateTime<Utc>,
        number: usize,
        events: &[&Event],
        broken: Option<&Event>,
    ) {
        if (day(REST_FROM)..=day(REST_UNTIL)).contains(&date) && fate(date) != Fate::EarlyThenWhole
        {
            let again = if number == 0 { String::new() } else { format!("_{}", number + 1) };
            let name = date.format("rest/%Y/%m/%Y%m%d").to_string();
            self.add(format!("{name}{again}.json"), pages(events, broken));
        } else {
            let name = format!(
                "powershell/PBIActivityEvents-{}-{}.json",
                date.format("%Y%m%d"),
                pulled.format("%Y%m%d%H%M")
            );
            self.add(name, array(events, broken));
        }
    }

    /// Adds an export of the audit search; if `is_cut`, the last part is missing.
    fn search(&mut self, events: &[Event], is_cut: bool) {
        let kept = if is_cut { events.len() - 7 } else { events.len() };
        let stored = &events[..kept];
        let date = |event: Option<&Event>| event.map(|event| event.time.date_naive().to_string());
        let (from, to) = (date(stored.first()), date(stored.last()));
        let name =
            format!("audit/search-{}-to-{}.csv", from.unwrap_or_default(), to.unwrap_or_default());
        self.add(name, table(stored, events.len()));
        self.add_stored(stored);
    }

    /// Adds some weeks a second time, one event per line.
    fn weekly_copies(&mut self) {
        for (from, to) in [("2025-05-05", "2025-05-11"), ("2026-01-19", "2026-01-21")] {
            let mut lines = Vec::new();
            for event in &self.stored {
                let date = event.time.date_naive();
                if (day(from)..=day(to)).contains(&date) {
                    *self.duplicates.entry(date).or_default() += 1;
                    lines.extend(event.json.to_string().into_bytes());
                    lines.push(b'\n');
                }
            }
            self.add(format!("copies/{from}-to-{to}.ndjson"), lines);
        }
    }

    /// Adds records of the Power Platform: first as tables, then as arrays of audit records with
    /// mail among them.
    fn platform(&mut self, events: &[Event]) {
        assert!(
            events.iter().all(|event| fate(event.time.date_naive()) == Fate::Whole),
            "a record of the audit log would speak for a day that is not whole"
        );
        let (old, new): (Vec<Event>, Vec<Event>) =
            events.iter().cloned().partition(|event| event.time.date_naive() < day("2025-07-01"));
        self.add("audit/power-platform-2025-H1.csv".to_owned(), table(&old, old.len()));
        let mut records: Vec<Value> = new.iter().map(|event| event.json.clone()).collect();
        let mail = json!({
            "Id": "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9",
            "RecordType": 2,
            "CreationTime": "2026-01-15T09:00:00",
            "Operation": "MailItemsAccessed",
            "Workload": "Exchange",
            "UserId": "carla.neumann@nordlicht-energie.example",
        });
        records.insert(records.len() / 2, mail);
        let text = Value::Array(records).to_string();
        self.add("audit/general-2025-07-to-2026-02.json".to_owned(), text.into_bytes());
        self.add_stored(events);
    }
}

/// Returns pages of the REST interface, about four a day, one of them empty.
fn pages(events: &[&Event], broken: Option<&Event>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let size = events.len().div_ceil(4).max(1);
    let mut chunks: Vec<&[&Event]> = events.chunks(size).collect();
    chunks.insert(chunks.len() / 2, &[]);
    let count = chunks.len();
    for (number, chunk) in chunks.into_iter().enumerate() {
        let is_last = number + 1 == count;
        let entities: Vec<&Value> = chunk.iter().map(|event| &event.json).collect();
        if let (true, Some(broken)) = (is_last, broken) {
            bytes.extend(b"{\"activityEventEntities\":");
            let text = json!(entities).to_string();
            bytes.extend(text.trim_end_matches(']').as_bytes());
            bytes.push(b',');
            bytes.extend(half(broken));
            break;
        }
        let page = json!({
            "activityEventEntities": entities,
            "continuationUri": null,
            "continuationToken": null,
            "lastResultSet": is_last,
        });
        bytes.extend(page.to_string().into_bytes());
        bytes.push(b'\n');
    }
    bytes
}

/// Returns the output of `Get-PowerBIActivityEvent`: times end in Z.
fn array(events: &[&Event], broken: Option<&Event>) -> Vec<u8> {
    let mut bytes = b"[".to_vec();
    for (number, event) in events.iter().enumerate() {
        bytes.extend(if number == 0 { b"\n  ".as_slice() } else { b",\n  " });
        let mut json = event.json.clone();
        if let Some(time) = json["CreationTime"].as_str().map(|time| format!("{time}Z")) {
            json["CreationTime"] = time.into();
        }
        bytes.extend(json.to_string().into_bytes());
    }
    match broken {
        Some(broken) => {
            bytes.extend(b",\n  ");
            bytes.extend(half(broken));
        }
        None => bytes.extend(b"\n]\n"),
    }
    bytes
}

/// Returns the first half of an event.
fn half(event: &Event) -> Vec<u8> {
    let text = event.json.to_string();
    text.as_bytes()[..text.find("CreationTime").unwrap_or(20) + 8].to_vec()
}

/// Returns the output of `Search-UnifiedAuditLog | Export-Csv`.
fn table(events: &[Event], results: usize) -> Vec<u8> {
    let mut text = String::from(
        "\"RecordType\",\"CreationDate\",\"UserIds\",\"Operations\",\"AuditData\",\
         \"ResultIndex\",\"ResultCount\",\"Identity\",\"IsValid\",\"ObjectState\"\r\n",
    );
    for (number, event) in events.iter().enumerate() {
        let json = &event.json;
        let date = event.time.format("%-m/%-d/%Y %-I:%M:%S %p").to_string();
        let member = |name: &str| match &json[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let cells = [
            member("RecordType"),
            date,
            member("UserId"),
            member("Operation"),
            json.to_string(),
            (number + 1).to_string(),
            results.to_string(),
            member("Id"),
            "True".to_owned(),
            "Unchanged".to_owned(),
        ];
        let quoted = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        text.push_str(&quoted.join(","));
        text.push_str("\r\n");
    }
    assert!(![100, 1_000, 5_000, 10_000].contains(&events.len()), "it would look like a cut");
    text.into_bytes()
}
