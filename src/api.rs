//! The public interface of the library, which re-exports types and functions of the other modules.

// Ingest.
pub use crate::ingest::{
    EventPeriod, IngestSummary, NoProgress, Options as IngestOptions, Progress, SourceCounts,
    SourceOutcome, SourceReport, StoreCounts, ingest_into_store,
};
pub use crate::maintenance::Pseudonymizer;
pub use crate::schema::source_log::{
    InventoryFacts, Problem, RecordCounts, RejectCounts, SourceFacts, SourceWarning, WarningKind,
};

// Store.
pub use crate::status::{
    InventoryStatus, SourceProblems, SourceWarnings, StoreStatus, collect_status,
};
pub use crate::store::{DataFile, Snapshot, Store};

// Reports and SQL.
pub use crate::calendar::{CalendarUnit, DayBound, PeriodBounds, parse_time_zone};
pub use crate::grid::{Cell, CellKind, Chart, Grid, GridColumn};
pub use crate::query::{Actors, FilterPatterns, Filters, LogKind, NoiseFilter, Param, ParamType};
pub use crate::query::{ReportDefinition, ReportGroup};
pub use crate::render::{CoverageCounts, ExcludedEvents, Mark, OutputFormat, ReportContext};
pub use crate::report::{
    FailCondition, Options as ReportOptions, RenderedReport, ReportCatalog, ReportResult,
    ReportSession, RowSelection, SortKey, run as run_report,
};
/// Day in a period. The type is from the crate `chrono`.
#[doc(no_inline)]
pub use chrono::NaiveDate;
/// Time zone of a report. The type is from the crate `chrono-tz`.
#[doc(no_inline)]
pub use chrono_tz::Tz;

// Events.
pub use crate::export::{Options as ExportOptions, run as export_events};
pub use crate::scan::{ScannedEvents, scan_events};
pub use crate::store::EventStream;
