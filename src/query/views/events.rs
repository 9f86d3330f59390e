//! The views of events: `events`, `history` and `events_all`.
//!
//! `events` and `history` contain failed events only if the statement names `is_failed`, or if the
//! report is about the log itself. So a count that does not mention failures never includes them.

use std::collections::HashMap;
use std::sync::Arc;

use polars::prelude::*;

use crate::schema::{self, Operation};

use crate::query::definition::report::Actors;
use crate::query::engine::memoize;
use crate::query::engine::scan;
use crate::query::views::context::ViewContext;
use crate::query::views::entities::{ENTITIES, entity_id, only_model};
use crate::query::views::noise::{self, NoiseFilter};
use crate::query::views::{activities, actor_kinds, event_times, items, presence, user_agent};

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
    let mut first = event_times::time_columns(context.session.period().time_zone());
    first.push(("in_period", in_period(context)));
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
    activities::map_activity(move |name| {
        let known = schema::operation_by_name(name).map(attribute);
        known.filter(|text| !text.is_empty()).map(str::to_owned)
    })
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
