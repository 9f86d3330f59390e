//! The views of events: `events`, `history`, `events_all`.
//!
//! Owns: which events each of them holds, and the columns that they add. Must not know how an
//! answer is asked for.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use polars::prelude::*;

use crate::schema::{self, Operation};

use crate::query::definition::report::Actors;
use crate::query::engine::memoize::{self, null_if_empty};
use crate::query::engine::scan;
use crate::query::views::{ViewContext, items, user_agent};
use crate::query::views::{actors, latest_names};

/// Events of the period without noise, of those people or services that are asked for.
pub fn events(scope: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let events = apply_filters(events_in_period(scope)?, scope)?;
    add_columns(exclude_noise_and_actors(events, scope), scope)
}

/// The same, of whatever time.
pub fn history(scope: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let events =
        scope.table.all_events()?.filter(scan::is_in_workload_groups(scope.log.workload_groups()));
    let events = apply_filters(events, scope)?;
    add_columns(exclude_noise_and_actors(events, scope), scope)
}

/// Every event held, of whatever workload.
pub fn events_all(scope: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    add_columns(apply_filters(scope.table.all_events()?, scope)?, scope)
}

/// Events of the period, of the log that is asked about.
pub fn events_in_period(scope: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let events = scope.table.events_in_period(scope.session.period())?;
    Ok(events.filter(scan::is_in_workload_groups(scope.log.workload_groups())))
}

/// Those that the filters let pass.
fn apply_filters(events: LazyFrame, scope: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    Ok(match scope.session.filter_expr()? {
        Some(filter) => events.filter(filter),
        None => events,
    })
}

/// Those that an answer counts.
fn exclude_noise_and_actors(mut events: LazyFrame, scope: &ViewContext<'_>) -> LazyFrame {
    let noise = scope.session.noise_filter();
    if noise != actors::NoiseFilter::Include && !scope.includes_noise {
        events = events.filter(actors::is_noise(noise).not());
    }
    match scope.actors {
        Actors::People => events.filter(actors::is_service().not()),
        Actors::Services => events.filter(actors::is_service()),
        Actors::All => events,
    }
}

/// Adds the columns that are asked for.
///
/// In two steps: what statements mostly filter by comes first, so that the engine can leave out
/// events before it makes the rest of them.
fn add_columns(events: LazyFrame, scope: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let asked = &scope.references;
    let wanted = |columns: Vec<(&str, Expr)>| -> Vec<Expr> {
        let wanted = columns.into_iter().filter(|(name, _)| asked.has_column(name));
        wanted.map(|(name, expr)| expr.alias(name)).collect()
    };
    let mut first = time_columns(scope)?;
    first.extend([
        ("user_id", actors::user_id()),
        ("activity_name", actors::activity()),
        ("is_noise", actors::is_noise(scope.session.noise_filter())),
        ("is_service", actors::is_service()),
        ("is_failed", is_failed()),
        ("is_personal_workspace", is_personal_workspace()),
    ]);
    first.extend(latest_names::ENTITIES.iter().map(|kind| (kind.id, entity_id(kind.view))));
    first.extend([
        ("category", operation_attribute(|operation| operation.category)),
        ("operation_group", operation_attribute(|operation| operation.group)),
    ]);

    let label = operation_attribute(|operation| operation.friendly_name);
    let mut then = vec![
        ("user_domain", actors::user_domain()),
        ("activity_label", memoize::first_non_null(label, actors::activity())),
        ("consumption_method", user_agent::consumption_method()),
        ("browser", user_agent::browser()),
        ("os", user_agent::os()),
        ("item_kind", items::kind()),
        ("item_id", items::id()),
        ("item_name", items::name()),
    ];
    if asked.has_column("actor_kind") {
        then.push(("actor_kind", actors::actor_kind(scope.internal_domains()?)));
    }
    for kind in latest_names::ENTITIES.iter().filter(|kind| asked.has_column(kind.name)) {
        let table = scope.session.name_lookup().names_of(kind.view)?;
        then.push((kind.name, map_lookup(entity_id(kind.view), name_map(&table)?)));
    }
    Ok(events.with_columns(wanted(first)).with_columns(wanted(then)))
}

/// What the catalogue says of an activity; nothing where it is silent.
fn operation_attribute(pick: fn(&Operation) -> &'static str) -> Expr {
    let known = schema::operations().iter().map(|o| (o.name.to_owned(), pick(o).to_owned()));
    map_lookup(actors::activity(), known.filter(|(_, text)| !text.is_empty()).collect())
}

/// What an instant is on the clocks of the zone, and in numbers.
fn time_columns(scope: &ViewContext<'_>) -> PolarsResult<Vec<(&'static str, Expr)>> {
    let period = scope.session.period();
    let local = local_time(period.time_zone().name())?;
    let whole = |expr: Expr| expr.cast(DataType::Int64);
    let utc = || col("CreationTime").dt();
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
        ("epoch_us", col("CreationTime").cast(DataType::Int64)),
        (
            "in_period",
            scan::is_in_period(period).unwrap_or_else(|| col("CreationTime").is_not_null()),
        ),
    ])
}

/// A day, written in some way.
fn format_day(time: Expr, format: &'static str) -> Expr {
    let write = move |number: i32| {
        let day = NaiveDate::default().checked_add_signed(TimeDelta::try_days(number.into())?)?;
        Some(day.format(format).to_string())
    };
    memoize::map_date(time.dt().date(), write)
}

/// The time on the clocks of the zone.
fn local_time(zone: &str) -> PolarsResult<Expr> {
    let there = match TimeZone::opt_try_new(Some(zone))? {
        Some(zone) if zone != TimeZone::UTC => col("CreationTime").dt().convert_time_zone(zone),
        _ => col("CreationTime"),
    };
    Ok(there.dt().replace_time_zone(None, lit("earliest"), NonExistent::Raise))
}

/// The id of the things that a view of names lists, in an event; null rather than empty.
pub fn entity_id(view: &str) -> Expr {
    match latest_names::ENTITIES.iter().find(|kind| kind.view == view) {
        Some(kind) if kind.view == "reports" => report_id(),
        Some(kind) => null_if_empty(col(kind.id_column)),
        None => lit(NULL).cast(DataType::String),
    }
}

/// The report that was meant. Events of a template app opened from its workspace carry the
/// publisher's report, the same in every tenant, as ReportId, and the tenant's own as AppReportId;
/// opened inside the app, AppId is set and ReportId is right.
fn report_id() -> Expr {
    let meant = |[other, own, app]: [&Column; 3]| {
        let [own, app] = [own.str()?, app.str()?].map(memoize::empty_to_null);
        let other = memoize::empty_to_null(other.str()?);
        let is_own = &own.is_not_null() & &app.is_null();
        // Hardly an archive has template apps.
        Ok(match is_own.any() {
            true => own.zip_with(&is_own, &other)?.with_name(other.name().clone()).into_column(),
            false => other.into_column(),
        })
    };
    let columns = ["ReportId", "AppReportId", "AppId"].map(col);
    memoize::map_columns(columns, DataType::String, meant)
}

/// Whether it did not succeed. Newer events say so in words, older ones by a flag, most not at all.
fn is_failed() -> Expr {
    let by_flag = col("IsSuccess").eq(lit(false)).fill_null(lit(false));
    let is_failure = |status: &str| matches!(&*status.to_lowercase(), "failed" | "failure");
    by_flag.or(memoize::map_bool(col("ResultStatus"), is_failure))
}

/// Whether the workspace is somebody's own.
fn is_personal_workspace() -> Expr {
    let is_own = |text: &str| {
        let text = text.to_lowercase();
        text == "my workspace" || text.starts_with("personalworkspace")
    };
    memoize::map_bool(col("WorkspaceId"), is_own)
        .or(memoize::map_bool(col("WorkspaceName"), is_own))
}

/// What a table says of each key. No join: the engine leaves out an expression that nothing reads.
fn map_lookup(key: Expr, table: HashMap<String, String>) -> Expr {
    let table = Arc::new(table);
    memoize::map_text(key, move |key| table.get(key).cloned())
}

fn name_map(table: &DataFrame) -> PolarsResult<HashMap<String, String>> {
    let (keys, names) = (table.column("key")?.str()?, table.column("name")?.str()?);
    let named = keys.iter().zip(names.iter()).filter_map(|(key, name)| Some((key?, name?)));
    Ok(named.map(|(key, name)| (key.to_owned(), name.to_owned())).collect())
}
