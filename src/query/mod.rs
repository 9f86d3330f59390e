//! Runs reports and SQL statements over a store.

mod archive_facts;
mod archive_summary;
mod coded_counts;
mod coverage;
mod definition;
mod engine;
mod event_counts;
mod filter_hints;
mod guard;
mod portable;
mod required_columns;
mod rewrite;
mod row_selection;
mod run;
mod session;
mod share_events;
mod shared_ctes;
mod shared_frames;
mod spelling;
mod views;

pub use archive_summary::{ArchiveCounts, archive_counts};
pub use coverage::assess::{Coverage, DayCoverage, DayStatus};
pub use coverage::comparison::ComparableDays;
pub use coverage::period::{EventTimeRange, Period};
pub use definition::catalog::DefinitionCatalog;
pub use definition::params::{Param, ParamType};
pub use definition::report::{
    Actors, ComparedRows, Division, LogKind, ReportDefinition, ReportGroup,
};
pub use engine::scan::EventTable;
pub use filter_hints::UnmatchedPattern;
pub use portable::SqlEngine;
pub use required_columns::{filter_columns, open_table, report_columns};
pub use row_selection::{RowSelection, SelectedRows, SortKey, matching_rows, select_rows};
pub use run::{
    check_filters, counts_failed, current_date_remark, divided_attribute, division_remark, execute,
    internal_domains, inventory_remarks, portable_script, reads_view, refuses_filters,
};
pub use session::{
    EventCounts, Session, Settings, UnknownField, event_time_range, event_time_range_of,
    utc_day_coverage,
};
pub use views::columns::{ViewColumn, view_columns};
pub use views::noise::NoiseFilter;
pub use views::pattern_filters::{FilterPatterns, Filters};

#[cfg(test)]
mod tests;
