//! Flags that several commands share.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use chrono_tz::Tz;
use clap::ValueEnum;

use crate::report::{DayBound, PeriodBounds, parse_time_zone};

pub(super) const DEFAULT_STORE: &str = "pbi-store";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StoreFolder {
    /// Path to the store
    #[arg(
        long,
        value_name = "DIR",
        env = "PBI_STORE",
        default_value = DEFAULT_STORE,
        value_parser = clap::builder::OsStringValueParser::new()
    )]
    store: OsString,
}

impl StoreFolder {
    /// Returns the folder. An empty environment variable means the default.
    pub(in crate::cli) fn path(&self) -> &Path {
        Path::new(if self.store.is_empty() { OsStr::new(DEFAULT_STORE) } else { &self.store })
    }
}

/// Days of the events to read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PeriodArgs {
    /// First day: 2026-03-01, last-month, or counted from the end of the log (30d, 4w, 3m)
    #[arg(long, value_name = "DAY", value_parser = DayBound::parse_since)]
    since: Option<DayBound>,
    /// Last day, inclusive: 2026-03-31, or a month or other period for its last day
    #[arg(long, value_name = "DAY", value_parser = DayBound::parse_until)]
    until: Option<DayBound>,
    /// A whole period: last-week, this-quarter, 2026-03, 2026-Q1, 30d
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["since", "until"])]
    period: Option<PeriodBounds>,
    /// Time zone for days, weeks and hours: Europe/Berlin, a Windows name, or local
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = parse_time_zone)]
    pub(in crate::cli) tz: Tz,
}

impl PeriodArgs {
    /// Returns the ends of the period, as far as they are given.
    pub(in crate::cli) fn bounds(&self) -> PeriodBounds {
        self.period.unwrap_or(PeriodBounds { since: self.since, until: self.until })
    }
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Threads {
    /// Number of threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Threads {
    pub(in crate::cli) fn count(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    /// Human-readable text
    Text,
    /// One JSON object per line with time, level and message; the last also has the exit code
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SummaryFormat {
    /// Human-readable text
    Text,
    /// One JSON object
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DictionaryFormat {
    /// Human-readable text
    Text,
    /// One JSON object
    Json,
    /// Markdown tables
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ListFormat {
    /// Human-readable text
    Text,
    /// One JSON object
    Json,
    /// Markdown, with columns and rules of each report
    Markdown,
}
