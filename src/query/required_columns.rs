//! What an archive holds at all, and which of its columns a report needs.
//!
//! Owns: the figures of `status`, and the list of columns behind the views. Must not know reports
//! other than by what they ask for.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::Result;
use crate::schema;
use crate::store::Snapshot;

use crate::query::definition::report::ReportDefinition;
use crate::query::engine::scan;
use crate::query::guard::References;
use crate::query::views::actors::{self, NoiseFilter};
use crate::query::{guard, run_engine};

/// Columns that views, names, coverage and counts are made from, whatever a report asks for.
const SOURCES_OF_ALL_VIEWS: [&str; 16] = [
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

/// Columns that single columns of the views are made from.
const SOURCES_OF_COLUMN: [(&str, &[&str]); 17] = [
    ("is_failed", &["IsSuccess", "ResultStatus"]),
    ("consumption_method", &["ConsumptionMethod", "UserAgent"]),
    ("browser", &["UserAgent"]),
    ("os", &["UserAgent"]),
    ("dashboard_id", &["DashboardId"]),
    ("dashboard_name", &["DashboardId", "DashboardName"]),
    ("semantic_model_id", &["DatasetId"]),
    ("semantic_model_name", &["DatasetId", "DatasetName"]),
    ("dataflow_id", &["DataflowId"]),
    ("dataflow_name", &["DataflowId", "DataflowName"]),
    ("app_id", &["AppId"]),
    ("app_name", &["AppId", "AppName"]),
    ("capacity_id", &["CapacityId"]),
    ("capacity_name", &["CapacityId", "CapacityName"]),
    ("item_kind", &SOURCES_OF_ITEM),
    ("item_id", &SOURCES_OF_ITEM),
    ("item_name", &SOURCES_OF_ITEM),
];

/// Columns that tell what an event is about.
const SOURCES_OF_ITEM: [&str; 18] = [
    "DashboardId",
    "DashboardName",
    "DatasetId",
    "DatasetName",
    "DataflowId",
    "DataflowName",
    "ArtifactId",
    "ArtifactKind",
    "ArtifactName",
    "AppName",
    "PowerAppId",
    "PowerAppName",
    "FlowId",
    "FlowName",
    "GatewayId",
    "GatewayName",
    "ItemName",
    "ObjectDisplayName",
];

/// Columns in which receivers stand.
const SOURCES_OF_RECIPIENTS: [&str; 9] = [
    "SharingInformation",
    "SubscribeeInformation",
    "ExternalSubscribeeInformation",
    "MembershipInformation",
    "FolderAccessRequests",
    "WorkspaceAccessList",
    "UserInformation",
    "RecipientUPN",
    "SharingPermission",
];

/// The events of an archive, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArchiveCounts {
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
pub fn archive_counts(snapshot: &Snapshot) -> Result<ArchiveCounts> {
    run_engine("status", || {
        let counts = scan::EventTable::new(snapshot)
            .all_events()?
            .with_columns([
                actors::is_noise(NoiseFilter::Exclude).alias("noise"),
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

/// The columns of the table that a report needs.
///
/// # Errors
///
/// Those of the guard.
pub fn report_columns(report: &ReportDefinition) -> Result<BTreeSet<String>> {
    let statement = guard::parse(&report.name, &report.sql)?;
    Ok(referenced_columns(&guard::check(&report.name, &statement)?))
}

/// The columns of the table that a statement with this footprint needs.
pub fn referenced_columns(footprint: &References) -> BTreeSet<String> {
    let own = [schema::EXTRA, schema::SOURCE_FILE, schema::SOURCE_KIND];
    let all = schema::columns().iter().map(|column| column.name).chain(own);
    let behind = |name: &str| {
        let added = SOURCES_OF_COLUMN.iter().filter(|(_, columns)| columns.contains(&name));
        let view = SOURCES_OF_RECIPIENTS.contains(&name) && footprint.views.contains("recipients");
        view || added.into_iter().any(|(column, _)| footprint.has_column(column))
    };
    let needed = all.filter(|name| {
        footprint.has_column(name) || SOURCES_OF_ALL_VIEWS.contains(name) || behind(name)
    });
    needed.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_behind_the_views_are_columns() {
        let added = SOURCES_OF_COLUMN.iter().flat_map(|(_, columns)| columns.iter().copied());
        for name in SOURCES_OF_ALL_VIEWS.into_iter().chain(SOURCES_OF_RECIPIENTS).chain(added) {
            assert!(schema::columns().iter().any(|column| column.name == name), "{name}");
        }
    }

    #[test]
    fn a_report_needs_what_it_names_and_what_the_views_are_made_from() {
        let catalog = crate::query::DefinitionCatalog::built_in().unwrap();
        let columns = report_columns(catalog.find("top-reports").unwrap()).unwrap();
        assert!(columns.contains("AppReportId") && !columns.contains("UserAgent"));
    }
}
