//! Offline analytics for Power BI activity logs.
//!
//! The library loads log files into a store on disk, runs reports and SQL on the store, and
//! returns its events as JSON. It is what the program `pbi-analyze` runs. No function opens a
//! network connection.
//!
//! The examples read the folder `sample-data` of the repository, and delete their store at the
//! end.
//!
//! # Load a folder and run a report
//!
//! A [`Store`] is a folder with a Delta Lake table. [`ingest_into_store`] loads files and folders
//! into it, and skips files that are already loaded. [`run_report`] runs a report of the
//! [`ReportCatalog`] and returns bytes in an [`OutputFormat`].
//!
//! ```
//! use pbi_analyze::{
//!     IngestOptions, NoProgress, OutputFormat, ReportCatalog, ReportOptions, Store,
//!     ingest_into_store, run_report,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Store::new(&folder.path().join("store"));
//!
//! let options = IngestOptions { paths: vec!["sample-data".into()], ..Default::default() };
//! let summary = ingest_into_store(&store, &options, &NoProgress)?;
//! assert!(summary.is_complete(), "{:?}", summary.files);
//!
//! let catalog = ReportCatalog::new(None)?;
//! let report = catalog.find("top-reports")?;
//! let options = ReportOptions { format: OutputFormat::Csv, ..Default::default() };
//! let rendered = store.read(|snapshot| run_report(snapshot, report, &options))?;
//! let csv = String::from_utf8(rendered.bytes)?;
//! assert!(csv.lines().any(|line| line.starts_with("1,Sales Overview,")));
//! # Ok(())
//! # }
//! ```
//!
//! # Read the status of a store
//!
//! [`collect_status`] returns the period, the number of events, and sources with problems or
//! warnings. [`Store::read`] passes the newest [`Snapshot`] of the store. It calls the closure
//! again if another process replaces a file while the closure reads it.
//!
//! ```
//! use pbi_analyze::{Store, collect_status};
//! # use pbi_analyze::{IngestOptions, NoProgress, ingest_into_store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path();
//! # let options = IngestOptions { paths: vec!["sample-data".into()], ..Default::default() };
//! # ingest_into_store(&Store::new(path), &options, &NoProgress)?;
//! let store = Store::new(path);
//! assert!(store.exists()?);
//!
//! let status = store.read(collect_status)?;
//! assert_eq!(status.first.as_deref(), Some("2026-01-05T01:30:10Z"));
//! assert!(status.events > 1000 && status.problems.is_empty());
//! for source in &status.warnings {
//!     println!("{}: {:?}", source.source, source.warnings);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Read the rows of a report
//!
//! A [`ReportSession`] returns a [`Grid`] of typed [`Cell`]s. The options contain the period, the
//! time zone, filters and parameters. All reports of a session share them, and data that several
//! reports need is read once.
//!
//! ```
//! use pbi_analyze::{Cell, FilterPatterns, Filters, Store, Tz};
//! use pbi_analyze::{ReportCatalog, ReportOptions, ReportSession};
//! # use pbi_analyze::{IngestOptions, NoProgress, ingest_into_store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let store = Store::new(folder.path());
//! # let options = IngestOptions { paths: vec!["sample-data".into()], ..Default::default() };
//! # ingest_into_store(&store, &options, &NoProgress)?;
//! let catalog = ReportCatalog::new(None)?;
//! let report = catalog.find("top-reports")?;
//! let options = ReportOptions {
//!     since: Some("2026-02-01".parse()?),
//!     until: Some("2026-02-28".parse()?),
//!     time_zone: Tz::Europe__Berlin,
//!     filters: Filters {
//!         include: FilterPatterns { workspaces: vec!["Sales*".to_owned()], ..Default::default() },
//!         ..Default::default()
//!     },
//!     ..Default::default()
//! };
//!
//! let result = store.read(|snapshot| {
//!     let session = ReportSession::new(snapshot, [report], &options)?;
//!     session.run(report, &[("top", "3")])
//! })?;
//! assert_eq!(result.grid.columns[1].name, "report");
//! assert_eq!(result.grid.rows[0][1], Cell::Text("Sales Overview".to_owned()));
//! assert!(result.grid.rows.len() <= 3);
//! // 18 February UTC is not in the sample data. In Berlin, it is a part of two days.
//! assert_eq!(result.context.coverage.partial, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Run SQL
//!
//! [`ReportDefinition::ad_hoc`] turns a `SELECT` statement into a report. The statement reads the
//! views in docs/views.md, for example `events`. It is checked first, and a statement that the
//! engine would run incorrectly is refused with [`Error::Query`].
//!
//! ```
//! use pbi_analyze::{Cell, Error, ReportDefinition, ReportOptions, ReportSession, Store};
//! # use pbi_analyze::{IngestOptions, NoProgress, ingest_into_store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let store = Store::new(folder.path());
//! # let options = IngestOptions { paths: vec!["sample-data".into()], ..Default::default() };
//! # ingest_into_store(&store, &options, &NoProgress)?;
//! let query = ReportDefinition::ad_hoc(
//!     "SELECT Activity, COUNT(*) AS events FROM events GROUP BY Activity ORDER BY 2 DESC, 1",
//! );
//! let options = ReportOptions::default();
//! let grid = store.read(|snapshot| {
//!     ReportSession::new(snapshot, [&query], &options)?.rows(&query, &[])
//! })?;
//! assert_eq!(grid.rows[0][0], Cell::Text("ViewReport".to_owned()));
//!
//! let query = ReportDefinition::ad_hoc("DROP TABLE events");
//! let refused = store.read(|snapshot| ReportSession::new(snapshot, [&query], &options).map(drop));
//! assert!(matches!(refused, Err(Error::Query { .. })));
//! # Ok(())
//! # }
//! ```
//!
//! # Read events as JSON lines
//!
//! [`export_events`] passes the events, sorted by time, in blocks of whole lines.
//!
//! ```
//! use pbi_analyze::{ExportOptions, Store, export_events};
//! # use pbi_analyze::{IngestOptions, NoProgress, ingest_into_store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let store = Store::new(folder.path());
//! # let options = IngestOptions { paths: vec!["sample-data".into()], ..Default::default() };
//! # ingest_into_store(&store, &options, &NoProgress)?;
//! let options = ExportOptions { since: Some("2026-03-01".parse()?), ..Default::default() };
//! let mut lines = Vec::new();
//! let count = export_events(&store, &options, &mut |bytes| {
//!     lines.extend_from_slice(bytes);
//!     Ok(())
//! })?;
//! let lines = String::from_utf8(lines)?;
//! assert_eq!(lines.lines().count() as u64, count);
//! assert!(lines.lines().all(|line| line.contains("\"CreationTime\":\"2026-03-")));
//! # Ok(())
//! # }
//! ```

mod api;
mod calendar;
#[doc(hidden)]
pub mod cli;
mod column;
mod dashboard;
mod data_dictionary;
mod error;
mod export;
mod gaps;
mod grid;
mod ingest;
mod interrupt;
mod inventory;
mod maintenance;
mod person;
mod powerbi;
mod query;
mod record;
mod rejects;
mod render;
mod report;
mod scan;
mod schema;
mod simd;
mod source;
mod source_warnings;
mod staged_folder;
mod status;
mod store;
mod watch;

pub use api::*;
pub use error::{Cause, Error, Result};

/// Modules for the tests, the benchmarks and the Python package of the project. They can change in
/// any version.
#[doc(hidden)]
#[allow(missing_docs, reason = "each module has the documentation of the one that it re-exports")]
pub mod internals {
    pub mod column {
        pub use crate::column::*;
    }
    pub mod export {
        pub use crate::export::*;
    }
    pub mod grid {
        pub use crate::grid::*;
    }
    pub mod ingest {
        pub use crate::ingest::*;
    }
    pub mod interrupt {
        pub use crate::interrupt::*;
    }
    pub mod maintenance {
        pub use crate::maintenance::*;
    }
    pub mod query {
        pub use crate::query::*;
    }
    pub mod record {
        pub use crate::record::*;
    }
    pub mod render {
        pub use crate::render::*;
    }
    pub mod report {
        pub use crate::report::*;
    }
    pub mod scan {
        pub use crate::scan::*;
    }
    pub mod schema {
        pub use crate::schema::*;
    }
    pub mod source {
        pub use crate::source::*;
    }
    pub mod status {
        pub use crate::status::*;
    }
    pub mod store {
        pub use crate::store::*;
    }
}

/// The example of the page is a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;
