//! Flags that several commands share.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::ValueEnum;

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
    /// Lines for people
    Text,
    /// One JSON object per line with time, level and message; the last has the exit code
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SummaryFormat {
    /// Lines for people
    Text,
    /// One JSON object
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DictionaryFormat {
    /// Lines for people
    Text,
    /// One JSON object
    Json,
    /// Markdown tables
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ListFormat {
    /// Lines for people
    Text,
    /// One JSON object
    Json,
    /// Markdown, with columns and rules of each report
    Markdown,
}
