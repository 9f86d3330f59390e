//! Counts the events, users and automated events of an archive.

use polars::prelude::*;

use crate::Result;
use crate::store::Snapshot;

use crate::query::engine::error::run_engine;
use crate::query::engine::scan::EventTable;
use crate::query::views::noise::{self, NoiseFilter};

/// Numbers of events and users of an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArchiveCounts {
    /// All events.
    pub events: u64,
    /// Distinct users, in any case.
    pub users: u64,
    /// Events that the default noise filter excludes.
    pub noise: u64,
}

/// Counts the events and users of an archive.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file cannot be read.
pub fn archive_counts(snapshot: &Snapshot) -> Result<ArchiveCounts> {
    run_engine("status", || {
        let counts = EventTable::new(snapshot)
            .all_events()?
            .with_columns([
                noise::is_noise(NoiseFilter::Exclude).alias("noise"),
                col("UserId").str().to_lowercase().alias("user"),
            ])
            .select([
                len().cast(DataType::UInt64).alias("events"),
                col("user").drop_nulls().n_unique().cast(DataType::UInt64).alias("users"),
                col("noise").sum().cast(DataType::UInt64),
            ])
            .collect()?;
        let count = |name: &str| PolarsResult::Ok(counts.column(name)?.u64()?.get(0).unwrap_or(0));
        Ok(ArchiveCounts {
            events: count("events")?,
            users: count("users")?,
            noise: count("noise")?,
        })
    })
}
