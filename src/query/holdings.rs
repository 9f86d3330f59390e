//! What an archive holds at all, and which of its columns a report needs.
//!
//! Owns: the figures of `status`, and the list of columns behind the views. Must not know reports
//! other than by what they ask for.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::Result;
use crate::schema;
use crate::store::Snapshot;

use super::actors::{self, NoiseLevel};
use super::catalog::Report;
use super::{engine, guard, scan};

/// Columns that views, names, coverage and counts are made from, whatever a report asks for.
const BEHIND_VIEWS: [&str; 16] = [
    "Id",
    schema::WORKLOAD_GROUP,
    "CreationTime",
    "Operation",
    "Activity",
    "UserId",
    "UserType",
    "ReportId",
    "ReportName",
    "AppReportId",
    "AppId",
    "WorkspaceId",
    "WorkspaceName",
    "ExportEventStartDateTimeParameter",
    "ExportEventEndDateTimeParameter",
    "ExportEventActivityTypeParameter",
];

/// The events of an archive, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    /// All of them.
    pub events: u64,
    /// Different users.
    pub users: u64,
    /// Events that are noise by the default filter.
    pub noise: u64,
}

/// Counts what an archive holds.
///
/// # Errors
///
/// [`crate::Error::Query`] if a file cannot be read.
pub fn holdings(snapshot: &Snapshot) -> Result<Holdings> {
    engine("status", || {
        let counts = scan::all(snapshot)?
            .with_columns([
                actors::is_noise(NoiseLevel::Default).alias("noise"),
                col("UserId").str().to_lowercase().alias("user"),
            ])
            .select([
                len().cast(DataType::UInt64).alias("events"),
                col("user").drop_nulls().n_unique().cast(DataType::UInt64).alias("users"),
                col("noise").sum().cast(DataType::UInt64),
            ])
            .collect()?;
        let count = |name: &str| PolarsResult::Ok(counts.column(name)?.u64()?.get(0).unwrap_or(0));
        Ok(Holdings { events: count("events")?, users: count("users")?, noise: count("noise")? })
    })
}

/// The columns of the table that a report needs.
///
/// # Errors
///
/// Those of the guard.
pub fn columns_read(report: &Report) -> Result<BTreeSet<String>> {
    let statement = guard::parse(report.name, report.sql)?;
    let footprint = guard::check(report.name, &statement)?;
    let own = [schema::EXTRA, schema::SOURCE_FILE, schema::SOURCE_KIND];
    let all = schema::columns().iter().map(|column| column.name).chain(own);
    let needed = all.filter(|name| footprint.wants(name) || BEHIND_VIEWS.contains(name));
    Ok(needed.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_behind_the_views_are_columns() {
        for name in BEHIND_VIEWS {
            assert!(schema::columns().iter().any(|column| column.name == name), "{name}");
        }
    }

    #[test]
    fn a_report_needs_what_it_names_and_what_the_views_are_made_from() {
        let report = super::super::report("top-reports").unwrap();
        let columns = columns_read(&report).unwrap();
        assert!(columns.contains("AppReportId") && !columns.contains("UserAgent"));
    }
}
