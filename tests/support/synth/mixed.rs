//! Writes an archive as it grows over years of changing tools: every day in another container,
//! hours that were downloaded twice, events of both logs, late events in the file of the next day,
//! and copies that have fewer or other values.

use std::io;
use std::path::Path;

use super::containers::{self, Container};
use super::event::Event;
use super::output::{Output, Written, looks_truncated};
use super::rng::Rng;
use super::tenant::Tenant;
use super::timeline::Feed;

/// Containers of the days in turn.
const ROTATION: &[Container] = &[
    Container::RestPages,
    Container::PortalCsv,
    Container::PowerShellCore,
    Container::JoinedPages,
    Container::WindowsPowerShell,
    Container::OldPortalCsv,
    Container::Lines,
    Container::ManagementBlobs,
    Container::AppendedArrays,
    Container::CmdletCsv,
    Container::Utf8Bom,
    Container::SparsePages,
    Container::ValueAndCount,
    Container::BareObjects,
    Container::GraphQuery,
];

pub fn write(dir: &Path, tenant: &Tenant) -> io::Result<Written> {
    let mut archive = Archive {
        tenant,
        rng: Rng::for_part(tenant.spec.seed, u64::MAX - 3),
        output: Output::new(dir),
        late: Vec::new(),
        owed: 0.0,
    };
    for day in 0..tenant.spec.days {
        archive.write_day(day)?;
    }
    archive.write_rest()?;
    archive.output.written.distinct = tenant.spec.events;
    Ok(archive.output.written)
}

struct Archive<'a> {
    tenant: &'a Tenant,
    rng: Rng,
    output: Output,
    /// Records that are in the file of the next day.
    late: Vec<Event>,
    /// Number of duplicates that are due, collected until they make an hour.
    owed: f64,
}

impl Archive<'_> {
    fn write_day(&mut self, day: usize) -> io::Result<()> {
        let container = ROTATION[day % ROTATION.len()];
        let feed = container.feed();
        let events = self.tenant.day(day, feed);
        let late = std::mem::take(&mut self.late);
        let mut records: Vec<&Event> = events.iter().chain(&late).collect();
        if looks_truncated(records.len()) {
            self.late.extend(records.pop().cloned());
        }
        let date = self.tenant.dates[day].replace('-', "");
        containers::write(container, &mut self.output, &mut self.rng, &date, &records)?;
        // Only events of both logs can be in either.
        let common: Vec<&Event> = events.iter().filter(|event| event.is_power_bi()).collect();
        let third = self.tenant.spec.duplicates_each() * common.len() as f64 / 3.0;
        self.repeat_singles(&common, third);
        self.overlap(feed, &date, &common, third)?;
        self.owed += third;
        self.repeat_hour(&date, &common)
    }

    /// Adds single copies to the file of the next day.
    fn repeat_singles(&mut self, events: &[&Event], budget: f64) {
        for _ in 0..self.rounded(budget) {
            if let Some(event) = (!events.is_empty()).then(|| *self.rng.pick(events)) {
                let copy = self.copy(event);
                self.late.push(copy);
            }
        }
    }

    /// Writes a part of the day from the other log too.
    fn overlap(
        &mut self,
        feed: Feed,
        date: &str,
        events: &[&Event],
        budget: f64,
    ) -> io::Result<()> {
        let count = self.rounded(budget).min(events.len());
        if count == 0 || looks_truncated(count) {
            self.owed += count as f64;
            return Ok(());
        }
        let start = self.rng.below(events.len() - count + 1);
        let copies: Vec<Event> =
            events[start..start + count].iter().map(|event| self.copy(event)).collect();
        let copies: Vec<&Event> = copies.iter().collect();
        match feed {
            Feed::PowerBi => containers::write_portal_csv(
                &mut self.output,
                &format!("overlap/{date}.csv"),
                &copies,
            ),
            Feed::Audit => {
                let page = containers::page(&mut self.rng, &copies, false);
                self.output.put(&format!("overlap/{date}.json"), page.as_bytes(), &copies)
            }
        }
    }

    /// Writes a whole hour again if enough duplicates are due.
    fn repeat_hour(&mut self, date: &str, events: &[&Event]) -> io::Result<()> {
        let hours = events.chunk_by(|one, two| one.millis / 3_600_000 == two.millis / 3_600_000);
        let fitting =
            hours.filter(|hour| hour.len() as f64 <= self.owed && !looks_truncated(hour.len()));
        let Some(hour) = fitting.max_by_key(|hour| hour.len()) else {
            return Ok(());
        };
        self.owed -= hour.len() as f64;
        let number = hour[0].millis / 3_600_000 % 24;
        let page = containers::page(&mut self.rng, hour, false);
        self.output.put(&format!("again/{date}-{number:02}.json"), page.as_bytes(), hour)
    }

    /// Writes the events that arrived after the last day.
    fn write_rest(&mut self) -> io::Result<()> {
        let late = std::mem::take(&mut self.late);
        // Two files are written if one file would have the size of a limit.
        let first = if looks_truncated(late.len()) { 1 } else { 0 };
        for (number, part) in [&late[..first], &late[first..]].into_iter().enumerate() {
            let part: Vec<&Event> = part.iter().collect();
            if !part.is_empty() {
                let page = containers::page(&mut self.rng, &part, false);
                self.output.put(&format!("late/{number}.json"), page.as_bytes(), &part)?;
            }
        }
        Ok(())
    }

    /// Returns a copy of an event: most are equal; some have fewer fields, other values, or another
    /// spelling of the Id.
    fn copy(&mut self, event: &Event) -> Event {
        match self.rng.below(100) {
            0..6 => match poorer(event) {
                Some(copy) => {
                    self.output.written.poorer += 1;
                    copy
                }
                None => event.clone(),
            },
            6..12 => match event.with_text("ItemName", "Renamed by the other log") {
                Some(copy) => {
                    self.output.written.conflicting += 1;
                    copy
                }
                None => event.clone(),
            },
            12..16 => event.with_id_in_capitals(),
            _ => event.clone(),
        }
    }

    /// Rounds at random, so that the mean is right for small numbers too.
    fn rounded(&mut self, number: f64) -> usize {
        (number + self.rng.unit()) as usize
    }
}

/// Returns the event without some of its fields; `None` if it has none of them.
fn poorer(event: &Event) -> Option<Event> {
    ["UserAgent", "ConsumptionMethod", "ReportType"].iter().fold(
        None,
        |copy: Option<Event>, name| {
            let shorter = copy.as_ref().unwrap_or(event).without(name);
            shorter.or(copy)
        },
    )
}
