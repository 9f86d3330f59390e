//! A realistic archive of an invented tenant, made from a seed: the same [`Spec`] and [`Layout`] give the
//! same bytes on every machine, and [`Written`] says what the archive holds, so that a test knows the
//! right answer before the program gives one. It shares no code with the program.
//!
//! ```text
//! rng ─▶ tenant ─▶ event ◀─ views, service, author, platform      what can happen
//!           └─▶ timeline ─▶ pages                                  RestPages, OneArray (streamed)
//!                      └─▶ mixed ─▶ containers, tables             Mixed (a day in memory)
//! ```
#![allow(dead_code, reason = "each binary that includes this module uses another part of it")]

mod author;
mod containers;
mod event;
mod json;
mod mixed;
mod names;
mod output;
mod pages;
mod platform;
mod rng;
mod service;
mod tables;
mod tenant;
mod timeline;
mod views;

use std::io;
use std::path::Path;

use chrono::NaiveDate;

#[allow(unused_imports, reason = "named by the tests that look at single events")]
pub use event::Event;
pub use output::Written;
#[allow(unused_imports, reason = "named by the invented year")]
pub use rng::Rng;
pub use tenant::Tenant;
pub use timeline::Feed;

/// What to invent.
#[derive(Clone, Debug)]
pub struct Spec {
    pub seed: u64,
    pub users: usize,
    pub reports: usize,
    pub workspaces: usize,
    pub days: usize,
    pub first_day: NaiveDate,
    /// Distinct events that belong into the table; records of other workloads come on top.
    pub events: u64,
    /// The share of ExportActivityEvents and GetDatasources among the events.
    pub noise_share: f64,
    /// The share of repeated copies among the written records of Power BI and the Power Platform, about.
    pub repeats_share: f64,
    pub spelling: Spelling,
    pub types: Types,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            seed: 1,
            users: 400,
            reports: 150,
            workspaces: 30,
            days: 30,
            first_day: NaiveDate::from_ymd_opt(2024, 3, 4).expect("a Monday"),
            events: 20_000,
            noise_share: 0.45,
            repeats_share: 0.03,
            spelling: Spelling::Both,
            types: Types::Varied,
        }
    }
}

impl Spec {
    /// The spec with as many events as make an archive of about `bytes` bytes.
    pub fn sized(self, layout: Layout, bytes: u64) -> Spec {
        /// How much larger the mixed containers are than compact JSON, measured.
        const MIXED_GROWTH: f64 = 1.21;
        let sample = Tenant::new(&Spec { days: 1, events: 4000, ..self.clone() });
        let day = sample.day(0, Feed::PowerBi);
        let mean =
            day.iter().map(|event| event.json.len() + 1).sum::<usize>() as f64 / day.len() as f64;
        let growth = if layout == Layout::Mixed { MIXED_GROWTH } else { 1.0 };
        let events = bytes as f64 * (1.0 - self.repeats_share) / (mean * growth);
        Spec { events: events as u64, ..self }
    }

    /// How many repeats come to one distinct event.
    fn repeats_each(&self) -> f64 {
        self.repeats_share / (1.0 - self.repeats_share)
    }
}

/// How the workspace's name is spelled in events of newer kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Classic events say `WorkSpaceName`, newer ones `WorkspaceName`, as in real archives.
    Both,
    /// All say `WorkSpaceName`: some tools refuse archives with both spellings.
    Classic,
}

/// Whether a field always has the same JSON type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// Now and then a number is text, or an object is: as in real archives.
    Varied,
    /// One type a field: tools that derive a schema from a sample refuse archives with several.
    Uniform,
}

/// What the archive's files look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Pages of the REST interface, an hour or about 5,000 events each, in one folder.
    RestPages,
    /// Every day in another container, many folders; see `mixed`. All kinds need fifteen days.
    Mixed,
    /// One file with one array of everything.
    OneArray,
}

/// Writes the archive into `dir`, which should be empty or missing.
///
/// Only [`Layout::Mixed`] needs memory that grows with the archive: one day of it.
pub fn write_archive(dir: &Path, spec: &Spec, layout: Layout) -> io::Result<Written> {
    let tenant = Tenant::new(spec);
    std::fs::create_dir_all(dir)?;
    match layout {
        Layout::RestPages => pages::write_pages(dir, &tenant),
        Layout::OneArray => pages::write_array(dir, &tenant),
        Layout::Mixed => mixed::write(dir, &tenant),
    }
}
