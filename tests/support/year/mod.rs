//! Creates a small invented company and its year, from 2024-11-15 to 2026-02-10: about 15,000
//! events with cases for every rule of every report. The bytes are always the same: there is no
//! clock, and random numbers have fixed seeds. The generator shares no code with the program.
//!
//! ```text
//! calendar, company ─▶ stage ─▶ views, exports, sharing, building,     what happens
//!                               machines, governing, platform, rare,
//!                               oddities
//!                        └───▶ files                                   what of it is kept, where
//! company ─▶ inventory                                                  what there is
//! ```
//!
//! Each scene names its rule. For another rule, add a scene: it has its own random numbers, so the
//! other scenes do not change.
#![allow(dead_code, reason = "each binary that includes this module uses another part of it")]

mod building;
pub mod calendar;
pub mod company;
mod exports;
mod files;
mod governing;
mod inventory;
mod machines;
mod oddities;
mod platform;
mod rare;
mod sharing;
mod stage;
mod views;

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::NaiveDate;

pub use files::File;
pub use stage::Event;
use stage::Stage;

/// The year.
pub struct Year {
    /// Every event that the archive contains completely, in order of time and id.
    pub events: Vec<Event>,
    /// Facts on each UTC day.
    pub days: Vec<Day>,
    /// The archive.
    pub files: Vec<File>,
}

/// Facts on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    pub date: NaiveDate,
    /// `complete`, `partial`, `cut` or `missing`.
    pub status: &'static str,
    /// Number of events in the archive.
    pub events: u64,
    /// Number of events that the first download does not contain.
    pub late: u64,
    /// Number of duplicates in all files.
    pub duplicates: u64,
}

/// A part of the year for a rule or a group of rules.
type Scene = fn(&mut Stage);

/// Scenes with the seeds of their random numbers.
const SCENES: [(u64, Scene); 33] = [
    (1, views::workdays),
    (2, views::counted_days),
    (3, views::edges_of_days),
    (4, views::public_web),
    (5, views::new_reports),
    (10, exports::exports),
    (11, exports::other_exports),
    (12, exports::excel),
    (13, exports::embedding),
    (20, sharing::shares),
    (21, sharing::subscriptions),
    (22, sharing::apps),
    (30, building::edits),
    (31, building::every_operation),
    (32, building::takeovers),
    (33, building::labels),
    (40, machines::refreshes),
    (41, machines::pulling),
    (42, machines::scanning),
    (43, machines::gateways),
    (50, governing::settings),
    (51, governing::access),
    (52, governing::workspaces),
    (53, governing::trials),
    (54, governing::copilot),
    (60, platform::apps),
    (61, platform::flows),
    (62, platform::administration),
    (70, oddities::unknown),
    (71, oddities::spellings),
    (72, oddities::failures),
    (80, rare::reads),
    (81, rare::roles),
];

/// Creates the year.
pub fn make() -> Year {
    let mut events = Vec::new();
    for (number, scene) in SCENES {
        let mut stage = Stage::new(number);
        scene(&mut stage);
        events.extend(stage.into_events());
    }
    events
        .retain(|event| (calendar::first()..=calendar::last()).contains(&event.time.date_naive()));
    events.sort_by(|one, other| files::order(one).cmp(&files::order(other)));
    let archive = files::pack(events);
    let truth = |date| Day {
        date,
        status: calendar::status(date),
        events: archive.stored.iter().filter(|event| event.time.date_naive() == date).count()
            as u64,
        late: archive.late.get(&date).copied().unwrap_or(0),
        duplicates: archive.duplicates.get(&date).copied().unwrap_or(0),
    };
    Year {
        days: calendar::days().map(truth).collect(),
        events: archive.stored,
        files: archive.files.into_iter().chain(inventory::files()).collect(),
    }
}

impl Year {
    /// Writes the archive. Its files get a time after its last day, as if they had been copied: a
    /// file older than its day would count as written too early.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(1_777_600_000);
        for File { name, bytes } in &self.files {
            let path = folder.join(name);
            if let Some(above) = path.parent() {
                std::fs::create_dir_all(above)?;
            }
            std::fs::write(&path, bytes)?;
            std::fs::File::options().append(true).open(&path)?.set_modified(late)?;
        }
        Ok(())
    }
}
