//! The view of tenant settings from snapshots of them.

use polars::prelude::*;

use crate::inventory::settings;
use crate::query::session::Session;
use crate::query::views::inventory::{as_of_us, counted, day_text, texts, with_times};
use crate::schema::inventory::InventoryColumn as Field;

/// Name of the view.
pub const SETTINGS_VIEW: &str = "tenant_settings";

/// Builds the view.
pub fn tenant_settings(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let all = settings(session.inventory_rows()?, as_of_us(session));
    let text = |column| texts(all.iter().map(|span| Some(span.row)), column);
    let table = df!(
        "setting_name" => text(Field::ItemId),
        "setting_title" => text(Field::Name),
        "setting_group" => text(Field::Type),
        "setting_state" => text(Field::Status),
        "enabled_groups" => text(Field::EnabledGroups),
        "excluded_groups" => text(Field::ExcludedGroups),
        "properties" => text(Field::Properties),
        "valid_from" => all.iter().map(|span| span.from_us).collect::<Vec<_>>(),
        "valid_until" => all.iter().map(|span| span.until_us).collect::<Vec<_>>(),
        "last_seen" => all.iter().map(|span| span.seen_us).collect::<Vec<_>>()
    )?;
    Ok(with_times(table, &["valid_from", "valid_until", "last_seen"]))
}

/// Returns the sentence on the snapshots for a report that reads the view.
pub fn settings_remark(session: &Session<'_>) -> PolarsResult<String> {
    let all = settings(session.inventory_rows()?, as_of_us(session));
    let Some(newest_us) = all.iter().map(|span| span.seen_us).max() else {
        let remark = "The store has no snapshot of the tenant settings, so this report has no \
            rows. Save the answer of v1/admin/tenantsettings beside the log, and run ingest again; \
            see docs/inventory.md.";
        return Ok(remark.to_owned());
    };
    let present = all.iter().filter(|span| span.until_us.is_none()).count();
    Ok(format!(
        "Tenant settings: snapshot of {}, {}.",
        day_text(newest_us),
        counted(present, "setting")
    ))
}
