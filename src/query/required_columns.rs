//! Finds the columns of the table that a statement needs, so that no others are read.

use std::collections::BTreeSet;

use crate::Result;
use crate::schema;
use crate::store::Snapshot;

use crate::query::definition::report::ReportDefinition;
use crate::query::engine::scan::EventTable;
use crate::query::guard::references::References;
use crate::query::views::pattern_filters::Filters;
use crate::query::views::presence::TRIGGER_COLUMNS;
use crate::query::{guard, spelling};

/// Columns that views, names, coverage and counts always need.
const SOURCES_OF_ALL_VIEWS: [&str; 21] = [
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
    "CapacityId",
    "CapacityName",
    "IsSuccess",
    "ResultStatus",
    "ExportEventStartDateTimeParameter",
    "ExportEventEndDateTimeParameter",
    "ExportEventActivityTypeParameter",
    "ExportEventUserIdParameter",
];

/// Source columns of single view columns.
const SOURCES_OF_COLUMN: [(&str, &[&str]); 17] = [
    ("only_model_id", &["Datasets"]),
    ("only_model_name", &["Datasets"]),
    ("is_presence", &TRIGGER_COLUMNS),
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
    ("item_kind", &SOURCES_OF_ITEM),
    ("item_id", &SOURCES_OF_ITEM),
    ("item_name", &SOURCES_OF_ITEM),
];

/// Source columns of the view `item_names`, besides those of all views.
const SOURCES_OF_ITEM_NAMES: [&str; 6] =
    ["DashboardId", "DashboardName", "DatasetId", "DatasetName", "DataflowId", "DataflowName"];

/// Source columns of the item of an event.
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

/// Source columns of the view `recipients`.
const SOURCES_OF_RECIPIENTS: [&str; 11] = [
    "SharingInformation",
    "SubscribeeInformation",
    "ExternalSubscribeeInformation",
    "MembershipInformation",
    "FolderAccessRequests",
    "WorkspaceAccessList",
    "UserInformation",
    "RecipientUPN",
    "SharingPermission",
    "PowerAppRecipient",
    "PowerAppRole",
];

/// View of the fields that no column stores exactly.
const UNKNOWN_FIELDS_VIEW: &str = "unknown_fields";

/// Returns the columns of the table that reports need from log files.
///
/// # Errors
///
/// Those of the guard.
pub fn report_columns<'r>(
    reports: impl IntoIterator<Item = &'r ReportDefinition>,
) -> Result<BTreeSet<String>> {
    let mut columns = BTreeSet::new();
    for report in reports {
        columns.extend(columns_of_report(report)?);
    }
    Ok(columns)
}

/// Returns the views and columns that the statement of a report names.
///
/// # Errors
///
/// Those of the guard.
pub(in crate::query) fn references_of(report: &ReportDefinition) -> Result<References> {
    let statement = spelling::parse(&report.name, &report.sql, None)?;
    guard::check(&report.name, &statement)
}

fn columns_of_report(report: &ReportDefinition) -> Result<BTreeSet<String>> {
    let references = references_of(report)?;
    // A value that does not fit its column is found only if the column is read.
    match references.views.contains(UNKNOWN_FIELDS_VIEW) {
        true => Ok(all_columns().map(str::to_owned).collect()),
        false => Ok(referenced_columns(&references)),
    }
}

/// Returns the columns of the table that filters read, besides those of all views.
pub fn filter_columns(filters: &Filters) -> BTreeSet<String> {
    let names: Vec<&str> = filters.view_columns().collect();
    let sources = SOURCES_OF_COLUMN.iter().filter(|(column, _)| names.contains(column));
    let sources = sources.flat_map(|(_, columns)| columns.iter());
    sources.map(|name| (*name).to_owned()).collect()
}

/// Returns the columns of the table that the statement of a report reads.
///
/// # Errors
///
/// Those of the guard.
pub fn statement_columns(report: &ReportDefinition) -> Result<BTreeSet<String>> {
    Ok(referenced_columns(&references_of(report)?))
}

/// Opens the events of an archive for reports and filters. If the archive is small, the columns
/// that they need are loaded.
pub fn open_table<'a, 'r>(
    snapshot: &'a Snapshot,
    reports: impl IntoIterator<Item = &'r ReportDefinition>,
    filters: &Filters,
) -> EventTable<'a> {
    let mut columns = filter_columns(filters);
    for report in reports {
        // A statement that the guard refuses has its error when it runs.
        columns.extend(statement_columns(report).into_iter().flatten());
    }
    columns.extend(SOURCES_OF_ALL_VIEWS.map(str::to_owned));
    EventTable::load_small_archive(snapshot, &columns)
}

/// Returns the names of all columns of the table.
pub fn all_columns() -> impl Iterator<Item = &'static str> {
    let own = [schema::EXTRA, schema::SOURCE_FILE, schema::SOURCE_KIND];
    schema::columns().iter().map(|column| column.name).chain(own)
}

/// Returns the columns of the table that a statement with these references needs.
pub fn referenced_columns(references: &References) -> BTreeSet<String> {
    let is_source = |name: &str| {
        let added = SOURCES_OF_COLUMN.iter().filter(|(_, columns)| columns.contains(&name));
        let view = SOURCES_OF_RECIPIENTS.contains(&name) && references.views.contains("recipients");
        let names =
            SOURCES_OF_ITEM_NAMES.contains(&name) && references.views.contains("item_names");
        view || names || added.into_iter().any(|(column, _)| references.has_column(column))
    };
    let needed = all_columns().filter(|name| {
        references.has_column(name) || SOURCES_OF_ALL_VIEWS.contains(name) || is_source(name)
    });
    needed.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_columns_exist() {
        let added = SOURCES_OF_COLUMN.iter().flat_map(|(_, columns)| columns.iter().copied());
        for name in SOURCES_OF_ALL_VIEWS.into_iter().chain(SOURCES_OF_RECIPIENTS).chain(added) {
            assert!(schema::columns().iter().any(|column| column.name == name), "{name}");
        }
    }

    #[test]
    fn filters_need_the_columns_of_their_kinds() {
        let mut filters = Filters::default();
        assert!(filter_columns(&filters).is_empty());
        filters.exclude.dashboards.push("Cockpit".to_owned());
        assert_eq!(filter_columns(&filters).len(), 2);
        filters.include.items.push("*".to_owned());
        assert!(filter_columns(&filters).contains("GatewayName"));
    }

    #[test]
    fn report_needs_its_columns_and_the_common_source_columns() {
        let catalog = crate::query::DefinitionCatalog::built_in().unwrap();
        let columns = report_columns([catalog.find("top-reports").unwrap()]).unwrap();
        assert!(columns.contains("AppReportId") && !columns.contains("UserAgent"));
    }
}
