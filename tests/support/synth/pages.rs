//! Writes the two streamed layouts: REST pages in one folder, and one array of everything. Both
//! have the same records in the same order, and neither keeps more than a page of them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::output::{Output, Written, looks_truncated};
use super::rng::Rng;
use super::tenant::Tenant;
use super::timeline::Feed;

/// Number of records of the largest page; a page of exactly 5,000 would look truncated.
const PAGE_RECORDS: usize = 4_987;

/// Limit of the duplicates for the next page; realistic shares never reach it.
const WAITING_MAX: usize = 10_000;

/// A download of the log for one hour.
#[derive(Clone, Copy)]
struct Pull {
    day: usize,
    hour: usize,
    /// Reason of the download: `p` the first time, `again` for a whole hour once more, `late` for
    /// the rest.
    label: &'static str,
}

/// Receives the records of each download.
trait Sink {
    fn begin(&mut self, pull: Pull);
    fn record(&mut self, json: &str) -> io::Result<()>;
    fn end(&mut self) -> io::Result<()>;
}

/// Passes every record of the archive to `sink`: the hours in turn, single duplicates in the
/// download of the next hour, and sometimes an hour as a whole again.
fn stream(tenant: &Tenant, sink: &mut impl Sink) -> io::Result<()> {
    let rng = &mut Rng::for_part(tenant.spec.seed, u64::MAX - 1);
    let half = tenant.spec.duplicates_each() / 2.0;
    let mut waiting: Vec<String> = Vec::new();
    let mut owed = 0.0;
    for at in 0..tenant.spec.days * 24 {
        let (day, hour) = (at / 24, at % 24);
        sink.begin(Pull { day, hour, label: "p" });
        for json in waiting.drain(..) {
            sink.record(&json)?;
        }
        tenant.hour(day, hour, Feed::PowerBi, &mut |event| {
            if waiting.len() < WAITING_MAX && rng.chance(half) {
                waiting.push(event.json.clone());
            }
            sink.record(&event.json)
        })?;
        sink.end()?;
        let events = tenant.events_in(day, hour) as f64;
        owed += half * events;
        if events > 0.0 && owed >= events {
            owed -= events;
            sink.begin(Pull { day, hour, label: "again" });
            tenant.hour(day, hour, Feed::PowerBi, &mut |event| sink.record(&event.json))?;
            sink.end()?;
        }
    }
    if !waiting.is_empty() {
        sink.begin(Pull { day: tenant.spec.days - 1, hour: 23, label: "late" });
        waiting.iter().try_for_each(|json| sink.record(json))?;
        sink.end()?;
    }
    Ok(())
}

/// A page that is being filled.
struct Pages<'a> {
    tenant: &'a Tenant,
    output: Output,
    rng: Rng,
    pull: Pull,
    number: usize,
    text: String,
    ends: Vec<usize>,
}

pub fn write_pages(dir: &Path, tenant: &Tenant) -> io::Result<Written> {
    let mut pages = Pages {
        tenant,
        output: Output::new(dir),
        rng: Rng::for_part(tenant.spec.seed, u64::MAX - 2),
        pull: Pull { day: 0, hour: 0, label: "p" },
        number: 0,
        text: String::new(),
        ends: Vec::new(),
    };
    stream(tenant, &mut pages)?;
    pages.output.written.distinct = tenant.spec.events;
    Ok(pages.output.written)
}

impl Sink for Pages<'_> {
    fn begin(&mut self, pull: Pull) {
        self.pull = pull;
        self.number = 0;
    }

    fn record(&mut self, json: &str) -> io::Result<()> {
        if self.ends.len() == PAGE_RECORDS {
            self.flush(PAGE_RECORDS, true)?;
        }
        self.output.written.records += 1;
        self.text.push_str(json);
        self.ends.push(self.text.len());
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if looks_truncated(self.ends.len()) {
            self.flush(self.ends.len() - 1, true)?;
        }
        self.flush(self.ends.len(), false)
    }
}

impl Pages<'_> {
    /// Writes the first `count` records as a page, unsorted as in the service.
    fn flush(&mut self, count: usize, more: bool) -> io::Result<()> {
        self.number += 1;
        let mut order: Vec<usize> = (0..count).collect();
        self.rng.shuffle(&mut order);
        let mut page = String::with_capacity(self.text.len() + 1000);
        page.push_str("{\"activityEventEntities\":[");
        for (place, &record) in order.iter().enumerate() {
            let start = if record == 0 { 0 } else { self.ends[record - 1] };
            page.push_str(if place == 0 { "" } else { "," });
            page.push_str(&self.text[start..self.ends[record]]);
        }
        page.push(']');
        page.push_str(&page_end(&mut self.rng, more));
        let date = self.tenant.dates[self.pull.day].replace('-', "");
        let name = format!(
            "activity-{date}-{:02}-{}{}.json",
            self.pull.hour, self.pull.label, self.number
        );
        let cut = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        self.text.drain(..cut);
        self.ends.drain(..count);
        self.ends.iter_mut().for_each(|end| *end -= cut);
        self.output.put_file(&name, page.as_bytes())
    }
}

/// Returns the part of a page after its events, including the closing brace.
pub fn page_end(rng: &mut Rng, more: bool) -> String {
    if more {
        let token = format!("%2BRID%3A{:016X}%3D%3D%23RT%3A1%23TRC%3A5", rng.next());
        return format!(
            ",\"continuationUri\":\"https://api.powerbi.com/v1.0/myorg/admin/activityevents?continuationToken='{token}'\",\
             \"continuationToken\":\"{token}\",\"lastResultSet\":false}}"
        );
    }
    // The last page marks its end in many ways, some of them wrong.
    let last = match rng.below(8) {
        0 => ",\"continuationUri\":null,\"continuationToken\":null,\"lastResultSet\":false}",
        1 => ",\"continuationUri\":\"\",\"continuationToken\":\"\"}",
        2 => "}",
        _ => ",\"continuationUri\":null,\"continuationToken\":null,\"lastResultSet\":true}",
    };
    last.to_owned()
}

struct Array {
    file: BufWriter<File>,
    written: Written,
}

pub fn write_array(dir: &Path, tenant: &Tenant) -> io::Result<Written> {
    let mut array = Array {
        file: BufWriter::with_capacity(1 << 20, File::create(dir.join("events.json"))?),
        written: Written { distinct: tenant.spec.events, files: 1, ..Written::default() },
    };
    stream(tenant, &mut array)?;
    let end: &[u8] = if array.written.records == 0 { b"[]" } else { b"]" };
    array.file.write_all(end)?;
    array.file.flush()?;
    array.written.bytes += end.len() as u64;
    Ok(array.written)
}

impl Sink for Array {
    fn begin(&mut self, _: Pull) {}

    fn record(&mut self, json: &str) -> io::Result<()> {
        let before: &[u8] = if self.written.records == 0 { b"[" } else { b",\n" };
        self.written.records += 1;
        self.written.bytes += (before.len() + json.len()) as u64;
        self.file.write_all(before)?;
        self.file.write_all(json.as_bytes())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}
