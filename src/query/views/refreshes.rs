//! The views of refreshes from histories of refreshes and lists of refreshables.

use polars::prelude::*;

use crate::inventory::{HeldRefresh, resolve};
use crate::query::session::Session;
use crate::query::views::addresses::user_of;
use crate::query::views::inventory::{
    as_of_us, counted, day_text, epoch_day, instant, texts, with_times,
};
use crate::schema::inventory::InventoryColumn as Field;

/// Names of the views.
pub const REFRESH_VIEWS: [&str; 2] = ["refresh_history", "refreshables"];

/// Builds one of the views.
pub fn refresh_view(session: &Session<'_>, view: &str) -> PolarsResult<LazyFrame> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    match view {
        "refresh_history" => history(&inventory.refreshes),
        _ => refreshables(&inventory.refreshables),
    }
}

/// Returns the sentence on the files for a report that reads the views.
pub fn refresh_remark(session: &Session<'_>) -> PolarsResult<String> {
    let inventory = resolve(session.inventory_rows()?, as_of_us(session));
    let files = inventory.refreshes.iter().chain(&inventory.refreshables);
    let Some(newest_us) = files.map(|held| held.taken_us).max() else {
        let remark = "The store has no refreshes of semantic models. Save the answers of \
            admin/capacities/refreshables?$expand=capacity,group, or of \
            groups/{id}/datasets/{id}/refreshes with the ID of the semantic model in each entry \
            (datasetId), beside the log, and run ingest again; see docs/inventory.md.";
        return Ok(remark.to_owned());
    };
    Ok(format!(
        "Refreshes: files up to {}, {} one by one, counts of {}.",
        day_text(newest_us),
        counted(inventory.refreshes.len(), "refresh").replace("refreshs", "refreshes"),
        counted(inventory.refreshables.len(), "semantic model")
    ))
}

fn owners(all: &[HeldRefresh<'_>]) -> Vec<Option<String>> {
    let owner = |held: &HeldRefresh<'_>| {
        let owners = held.row.get(Field::Owner)?.split_whitespace();
        Some(owners.map(user_of).collect::<Vec<_>>().join(", "))
    };
    all.iter().map(owner).collect()
}

fn times(all: &[HeldRefresh<'_>], column: Field) -> Vec<Option<i64>> {
    all.iter().map(|held| instant(held.row, column)).collect()
}

fn days(times: &[Option<i64>]) -> Vec<Option<i64>> {
    times.iter().map(|us| epoch_day(*us)).collect()
}

fn history(all: &[HeldRefresh<'_>]) -> PolarsResult<LazyFrame> {
    let text = |column| texts(all.iter().map(|held| Some(held.row)), column);
    let (started, ended) = (times(all, Field::StartedAt), times(all, Field::EndedAt));
    let seconds =
        started.iter().zip(&ended).map(|(start, end)| Some(((*end)? - (*start)?) / 1_000_000));
    let table = df!(
        "model_id" => text(Field::ItemId),
        "model_name" => text(Field::Name),
        "model_workspace_id" => text(Field::ModelWorkspaceId),
        "model_workspace" => text(Field::Description),
        "refresh_type" => text(Field::Type),
        "refresh_status" => text(Field::Status),
        "error_code" => text(Field::ErrorCode),
        "request_id" => text(Field::RequestId),
        "started_epoch_day" => days(&started),
        "refresh_seconds" => seconds.collect::<Vec<Option<i64>>>(),
        "model_owner" => owners(all),
        "started_at" => started,
        "ended_at" => ended,
        "snapshot_time" => all.iter().map(|held| held.taken_us).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["started_at", "ended_at", "snapshot_time"]))
}

fn refreshables(all: &[HeldRefresh<'_>]) -> PolarsResult<LazyFrame> {
    let text = |column| texts(all.iter().map(|held| Some(held.row)), column);
    let number = |column| -> Vec<Option<f64>> {
        all.iter().map(|held| held.row.get(column).and_then(|text| text.parse().ok())).collect()
    };
    let count = |column| -> Vec<Option<i64>> {
        all.iter().map(|held| held.row.get(column).and_then(|text| text.parse().ok())).collect()
    };
    let table = df!(
        "model_id" => text(Field::ItemId),
        "model_name" => text(Field::Name),
        "model_workspace_id" => text(Field::ModelWorkspaceId),
        "model_workspace" => text(Field::Description),
        "capacity_id" => text(Field::CapacityId),
        "refresh_schedule" => text(Field::Schedule),
        "refresh_count" => count(Field::Refreshes),
        "refresh_failures" => count(Field::Failures),
        "average_seconds" => number(Field::Seconds),
        "median_seconds" => number(Field::MedianSeconds),
        "model_owner" => owners(all),
        "counted_epoch_day" => days(&times(all, Field::EndedAt)),
        "window_start" => times(all, Field::StartedAt),
        "window_end" => times(all, Field::EndedAt),
        "snapshot_time" => all.iter().map(|held| held.taken_us).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["window_start", "window_end", "snapshot_time"]))
}
