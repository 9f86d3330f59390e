//! Creates a realistic archive of an invented tenant from a seed. The same [`Spec`] and [`Layout`]
//! give the same bytes on every machine. [`Written`] describes the archive, so that a test knows
//! the right answer before the program gives one. The generator shares no code with the program.
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

#[allow(unused_imports, reason = "used only by tests of single events")]
pub use event::Event;
pub use output::Written;
#[allow(unused_imports, reason = "named by the invented year")]
pub use rng::Rng;
pub use tenant::Tenant;
pub use timeline::Feed;

/// Parameters of an archive.
#[derive(Clone, Debug)]
pub struct Spec {
    pub seed: u64,
    pub users: usize,
    pub reports: usize,
    pub workspaces: usize,
    pub days: usize,
    pub first_day: NaiveDate,
    /// Number of distinct events of the table; records of other workloads are added to it.
    pub events: u64,
    /// Share of ExportActivityEvents and GetDatasources among the events.
    pub noise_share: f64,
    /// Approximate share of duplicates among the written records of Power BI and the Power
    /// Platform.
    pub duplicates_share: f64,
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
            duplicates_share: 0.03,
            spelling: Spelling::Both,
            types: Types::Varied,
        }
    }
}

impl Spec {
    /// Returns the spec with the number of events for an archive of about `bytes` bytes.
    pub fn sized(self, layout: Layout, bytes: u64) -> Spec {
        /// Measured size of mixed containers relative to compact JSON.
        const MIXED_GROWTH: f64 = 1.21;
        let sample = Tenant::new(&Spec { days: 1, events: 4000, ..self.clone() });
        let day = sample.day(0, Feed::PowerBi);
        let mean =
            day.iter().map(|event| event.json.len() + 1).sum::<usize>() as f64 / day.len() as f64;
        let growth = if layout == Layout::Mixed { MIXED_GROWTH } else { 1.0 };
        let events = bytes as f64 * (1.0 - self.duplicates_share) / (mean * growth);
        Spec { events: events as u64, ..self }
    }

    /// Returns the number of duplicates per distinct event.
    fn duplicates_each(&self) -> f64 {
        self.duplicates_share / (1.0 - self.duplicates_share)
    }
}

/// Spelling of the workspace's name in events of newer kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `WorkSpaceName` in classic events and `WorkspaceName` in newer ones, as in real archives.
    Both,
    /// `WorkSpaceName` in all events: some tools refuse archives with both spellings.
    Classic,
}

/// Types of a field in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// A few numbers and objects are text, as in real archives.
    Varied,
    /// One type per field: tools that derive a schema from a sample refuse archives with several.
    Uniform,
}

/// Layout of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Pages of the REST interface, an hour or about 5,000 events each, in one folder.
    RestPages,
    /// Every day in another container, in many folders; see `mixed`. All kinds need fifteen days.
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
