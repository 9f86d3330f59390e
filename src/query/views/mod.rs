//! The views that a statement reads. Only the columns that the statement names are built.

pub(in crate::query) mod activities;
pub(in crate::query) mod actor_kinds;
pub(in crate::query) mod addresses;
mod archive;
pub(in crate::query) mod columns;
pub(in crate::query) mod context;
pub(in crate::query) mod entities;
mod event_times;
pub(in crate::query) mod events;
pub(in crate::query) mod groups;
pub(in crate::query) mod internal_domains;
pub(in crate::query) mod inventory;
pub(in crate::query) mod items;
pub(in crate::query) mod latest_names;
pub(in crate::query) mod noise;
pub(in crate::query) mod pattern_filters;
pub(in crate::query) mod people;
pub(in crate::query) mod person_attributes;
pub(in crate::query) mod presence;
pub(in crate::query) mod recipients;
pub(in crate::query) mod refreshes;
mod report_ids;
pub(in crate::query) mod tenant_settings;
pub(in crate::query) mod user_agent;

use polars::prelude::*;

use crate::schema;

use crate::query::engine::memoize::null_if_empty;
use crate::query::views::context::ViewContext;
use crate::query::views::entities::ENTITIES;
use crate::query::views::groups::GROUP_VIEWS;
use crate::query::views::inventory::INVENTORY_VIEWS;
use crate::query::views::pattern_filters::Filters;
use crate::query::views::people::PEOPLE_VIEWS;
use crate::query::views::person_attributes::ATTRIBUTES_VIEW;
use crate::query::views::refreshes::REFRESH_VIEWS;
use crate::query::views::tenant_settings::SETTINGS_VIEW;

/// Builds a view.
pub fn build_view(context: &ViewContext<'_>, view: &str) -> PolarsResult<LazyFrame> {
    let session = context.session;
    match view {
        "events" => events::events(context),
        "history" => events::history(context),
        "events_all" => events::events_all(context),
        "operations" => operations(session.filters()),
        "item_names" => session.name_lookup().item_names().map(IntoLazy::lazy),
        "recipients" => recipients::recipients(context),
        "days" => archive::days(session),
        "history_days" => archive::history_days(session),
        "coverage_windows" => archive::coverage_windows(session),
        "period" => archive::period(session),
        "utc_days" => archive::utc_days(session),
        "sources" => archive::sources(session),
        "source_days" => archive::source_days(session),
        "source_warnings" => archive::source_warnings(session),
        ATTRIBUTES_VIEW => person_attributes::person_attributes(session),
        SETTINGS_VIEW => tenant_settings::tenant_settings(session),
        "unknown_fields" => archive::unknown_fields(session),
        view if INVENTORY_VIEWS.contains(&view) => inventory::inventory_view(session, view),
        view if GROUP_VIEWS.contains(&view) => groups::group_view(session, view),
        view if REFRESH_VIEWS.contains(&view) => refreshes::refresh_view(session, view),
        view if PEOPLE_VIEWS.contains(&view) => people::people_view(session, view),
        other => match ENTITIES.iter().find(|kind| kind.view == other) {
            Some(kind) => {
                let table = session.name_lookup().names_of(kind.view)?.lazy();
                Ok(table.rename(["key", "name"], [kind.id, kind.name], true))
            }
            None => polars_bail!(ComputeError: "there is no view {other}"),
        },
    }
}

/// Builds the view of the catalog of operations.
fn operations(filters: &Filters) -> PolarsResult<LazyFrame> {
    let all = schema::operations();
    let texts =
        |pick: fn(&schema::Operation) -> &'static str| all.iter().map(pick).collect::<Vec<_>>();
    let noise = |operation: &schema::Operation| operation.noise.name();
    let table = df!(
        "operation" => texts(|o| o.name),
        "friendly_name" => texts(|o| o.friendly_name),
        "category" => texts(|o| o.category),
        "item_kind" => texts(|o| o.item_kind),
        "operation_group" => texts(|o| o.group),
        "noise" => texts(noise),
        "note" => texts(|o| o.note)
    )?;
    // An empty cell means unknown.
    let columns = table.get_column_names_owned();
    let columns = columns.into_iter().map(|name| null_if_empty(col(name.clone())).alias(name));
    let mut table = table.lazy().select(columns.collect::<Vec<_>>()).collect()?;
    let counted: Vec<bool> = all.iter().map(|o| filters.include_activity(o.name)).collect();
    table.with_column(Column::new("matches_filter".into(), counted))?;
    Ok(table.lazy())
}
