//! Helpers of several commands.

use std::path::{Path, PathBuf};

use crate::cli::args::Threads;
use crate::cli::exit::ExitStatus;
use crate::cli::{log, text};
use crate::error::{Error, Result};
use crate::ingest::{self, IngestSummary, Store};

pub(super) fn source_options(
    paths: &[PathBuf],
    exclude: &[String],
    threads: &Threads,
) -> ingest::Options {
    ingest::Options {
        paths: paths.to_vec(),
        exclude: exclude.to_vec(),
        threads: threads.count(),
        ..ingest::Options::default()
    }
}

/// Opens a store that must exist.
pub(in crate::cli) fn open_existing(folder: &Path) -> Result<Store> {
    let store = Store::new(folder);
    if store.exists()? {
        return Ok(store);
    }
    Err(Error::store(
        folder,
        "there is no store here; create one with `pbi-analyze ingest PATH`, choose another with \
         --store, or read raw files with `report NAME --from PATH`",
    ))
}

/// Writes warnings to stderr, even with `--quiet`: logs of batch jobs need them.
pub(super) fn log_problems(summary: &IngestSummary, quiet: bool) {
    for line in text::problems(summary, quiet).lines() {
        log::warning(line);
    }
    if !quiet {
        for line in text::skipped_files(summary).lines() {
            log::info(line);
        }
    }
}

pub(super) fn exit_status(summary: &IngestSummary) -> ExitStatus {
    if summary.is_complete() { ExitStatus::Success } else { ExitStatus::Incomplete }
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(Error::internal)
}
