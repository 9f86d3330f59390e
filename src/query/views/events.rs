//! The views of events: `events`, `history` and `events_all`.
//!
//! `events` and `history` contain failed events only if the statement names `is_failed`, or if the
//! report is about the log itself. So a count that does not mention failures never includes them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use polars::prelude::*;

use crate::schema::{self, Operation};

use crate::query::definition::report::Actors;
use crate::query::engine::memoize;
use crate::query::engine::scan;
use crate::query::views::context::ViewContext;
use crate::query::views::entities::{ENTITIES, entity_id, only_model};
use crate::query::views::noise::{self, NoiseFilter};
use crate::query::views::{activities, actor_kinds, items, presence, user_agent};

/// Microseconds in a minute.
const MICROS_PER_MINUTE: i64 = 60_000_000;

/// Builds the view of events of the period, without noise, of the chosen actors.
pub fn events(context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    if let Some(shared) = context.session.shared().filter(|_| context.reads_shared) {
        let events = context.session.shared_in_period(shared)?;
        return add_statement_columns(events.of(context.actors).decoded(), context);
    }
    let events = apply_filters(events_in_period(context)?, context)?;
    add_columns(exclude_uncounted(events, context), context)
}

/// Builds the view of events of any time, without noise, of the chosen actors.
pub fn history(context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    if let Some(shared) = context.session.shared().filter(|_| context.reads_shared) {
        return add_statement_columns(shared.events.of(context.actors).decoded(), context);
    }
    let events = context
        .table
        .all_events()?
        .filter(scan::is_in_workload_groups(context.log.workload_groups()));
    let events = apply_filters(events, context)?;
    add_columns(exclude_uncounted(events, context), context)
}

/// Builds the view of all stored events, of any workload.
pub fn events_all(context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    add_columns(apply_filters(context.table.all_events()?, context)?, context)
}

/// Returns the events of the period in the log of the report.
pub fn events_in_period(context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let events = context.table.events_in_period(context.session.period())?;
    Ok(events.filter(scan::is_in_workload_groups(context.log.workload_groups())))
}

/// Keeps the events that match the filters.
fn apply_filters(events: LazyFrame, context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    Ok(match context.session.filter_expr()? {
        Some(filter) => events.filter(filter),
        None => events,
    })
}

/// Keeps the events that a report counts.
fn exclude_uncounted(mut events: LazyFrame, context: &ViewContext<'_>) -> LazyFrame {
    let noise = context.session.noise_filter();
    if noise != NoiseFilter::Include && !context.includes_noise {
        events = events.filter(noise::is_noise(noise).not());
    }
    if !context.includes_failed {
        events = events.filter(activities::is_failed().not());
    }
    match context.actors {
        Actors::People => events.filter(actor_kinds::is_service().not()),
        Actors::Services => events.filter(actor_kinds::is_service()),
        Actors::All => events,
    }
}

/// Adds the columns that depend on the period or the report to events with all other columns.
fn add_statement_columns(events: LazyFrame, context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let mut columns = Vec::new();
    if context.references.has_column("in_period") {
        columns.push(in_period(context).alias("in_period"));
    }
    if context.references.has_column("actor_kind") {
        columns.push(actor_kinds::actor_kind(context.internal_domains()?).alias("actor_kind"));
    }
    Ok(events.with_columns(columns))
}

/// Returns true if an event is in the period.
fn in_period(context: &ViewContext<'_>) -> Expr {
    let inside = scan::is_in_period(context.session.period());
    inside.unwrap_or_else(|| col("CreationTime").is_not_null())
}

/// Adds the columns that the statement names.
///
/// There are two steps: columns that statements often filter by come first, so that the engine can
/// drop events before it builds the other columns.
fn add_columns(events: LazyFrame, context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let references = &context.references;
    let wanted = |columns: Vec<(&str, Expr)>| -> Vec<Expr> {
        let wanted = columns.into_iter().filter(|(name, _)| references.has_column(name));
        wanted.map(|(name, expr)| expr.alias(name)).collect()
    };
    let mut first = time_columns(context)?;
    first.extend([
        ("user_id", actor_kinds::user_id()),
        ("activity_name", activities::activity()),
        ("is_noise", noise::is_noise(context.session.noise_filter())),
        ("is_presence", presence::is_presence()),
        ("is_service", actor_kinds::is_service()),
        ("is_failed", activities::is_failed()),
        ("is_personal_workspace", is_personal_workspace()),
    ]);
    first.extend(ENTITIES.iter().map(|kind| (kind.id, entity_id(kind.view))));
    first.extend([
        ("category", operation_attribute(|operation| operation.category)),
        ("operation_group", operation_attribute(|operation| operation.group)),
    ]);

    let label = operation_attribute(|operation| operation.friendly_name);
    let mut second = vec![
        ("user_domain", actor_kinds::user_domain()),
        ("activity_label", memoize::first_non_null(label, activities::activity())),
        ("consumption_method", user_agent::consumption_method()),
        ("browser", user_agent::browser()),
        ("os", user_agent::os()),
        ("only_model_id", only_model("DatasetId")),
        ("only_model_name", only_model("DatasetName")),
        ("item_kind", items::kind()),
        ("item_id", items::id()),
        ("item_name", items::name()),
    ];
    if references.has_column("actor_kind") {
        second.push(("actor_kind", actor_kinds::actor_kind(context.internal_domains()?)));
    }
    for kind in ENTITIES.iter().filter(|kind| references.has_column(kind.name)) {
        let table = context.session.name_lookup().names_of(kind.view)?;
        second.push((kind.name, map_lookup(entity_id(kind.view), name_map(&table)?)));
    }
    Ok(events.with_columns(wanted(first)).with_columns(wanted(second)))
}

/// Returns an attribute of the activity from the catalog of operations; null if it is unknown.
fn operation_attribute(attribute: fn(&Operation) -> &'static str) -> Expr {
    let known = schema::operations().iter().map(|o| (o.name.to_owned(), attribute(o).to_owned()));
    map_lookup(activities::activity(), known.filter(|(_, text)| !text.is_empty()).collect())
}

/// Returns the columns of an event's time: in the time zone, in UTC, and as numbers.
fn time_columns(context: &ViewContext<'_>) -> PolarsResult<Vec<(&'static str, Expr)>> {
    let period = context.session.period();
    let local = local_time(period.time_zone().name())?;
    let whole = |expr: Expr| expr.cast(DataType::Int64);
    let utc = || col("CreationTime").dt();
    let epoch_us = || col("CreationTime").cast(DataType::Int64);
    let seconds = || epoch_us() % lit(MICROS_PER_MINUTE);
    let in_hour = whole(local.clone().dt().minute()) * lit(MICROS_PER_MINUTE) + seconds();
    let month = whole(local.clone().dt().year()) * lit(12) + whole(local.clone().dt().month());
    Ok(vec![
        ("local_time", local.clone()),
        ("local_date", local.clone().dt().date()),
        ("local_epoch_day", whole(local.clone().dt().date().cast(DataType::Int32))),
        ("local_hour", whole(local.clone().dt().hour())),
        ("local_weekday", whole(local.clone().dt().weekday())),
        ("local_week", format_day(local.clone(), "%G-W%V")),
        ("local_month", format_day(local, "%Y-%m")),
        ("local_epoch_month", month - lit(1)),
        ("utc_date", utc().replace_time_zone(None, lit("raise"), NonExistent::Raise).dt().date()),
        ("utc_hour", whole(utc().hour())),
        ("epoch_us", epoch_us()),
        ("hour_start_us", epoch_us() - in_hour),
        ("in_period", in_period(context)),
    ])
}

/// Formats the day of a time; equal days are formatted once.
fn format_day(time: Expr, format: &'static str) -> Expr {
    let write = move |number: i32| {
        let day = NaiveDate::default().checked_add_signed(TimeDelta::try_days(number.into())?)?;
        Some(day.format(format).to_string())
    };
    memoize::map_date(time.dt().date(), write)
}

/// Returns the local time in a time zone.
fn local_time(zone: &str) -> PolarsResult<Expr> {
    let zoned = match TimeZone::opt_try_new(Some(zone))? {
        Some(zone) if zone != TimeZone::UTC => col("CreationTime").dt().convert_time_zone(zone),
        _ => col("CreationTime"),
    };
    Ok(zoned.dt().replace_time_zone(None, lit("earliest"), NonExistent::Raise))
}

/// Returns true if the workspace is the personal workspace of a user.
fn is_personal_workspace() -> Expr {
    let is_own = |text: &str| {
        let text = text.to_lowercase();
        text == "my workspace" || text.starts_with("personalworkspace")
    };
    memoize::map_bool(col("WorkspaceId"), is_own)
        .or(memoize::map_bool(col("WorkspaceName"), is_own))
}

/// Returns the value of each key in `table`. This is not a join, because the engine drops an
/// expression that nothing reads.
fn map_lookup(key: Expr, table: HashMap<String, String>) -> Expr {
    let table = Arc::new(table);
    memoize::map_text(key, move |key| table.get(key).cloned())
}

fn name_map(table: &DataFrame) -> PolarsResult<HashMap<String, String>> {
    let (keys, names) = (table.column("key")?.str()?, table.column("name")?.str()?);
    let named = keys.iter().zip(names.iter()).filter_map(|(key, name)| Some((key?, name?)));
    Ok(named.map(|(key, name)| (key.to_owned(), name.to_owned())).collect())
}
