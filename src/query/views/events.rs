//! The views of events: `events`, `history`, `events_all`.
//!
//! Owns: which events each of them holds, and the columns that they add. Must not know how an
//! answer is asked for.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use polars::prelude::*;

use crate::schema::{self, Operation};

use crate::query::definition::catalog::Actors;
use crate::query::engine::memoize::{self, filled};
use crate::query::engine::scan;
use crate::query::views::{Scope, items, user_agent};
use crate::query::views::{actors, latest_names};

/// Events of the period without noise, of those people or services that are asked for.
pub fn events(scope: &Scope<'_>) -> PolarsResult<LazyFrame> {
    let events = matching(within(scope)?, scope)?;
    added(counted(events, scope), scope)
}

/// The same, of whatever time.
pub fn history(scope: &Scope<'_>) -> PolarsResult<LazyFrame> {
    let events = scope.table.all()?.filter(scan::is_of(scope.log.families()));
    let events = matching(events, scope)?;
    added(counted(events, scope), scope)
}

/// Every event held, of whatever workload.
pub fn all(scope: &Scope<'_>) -> PolarsResult<LazyFrame> {
    added(matching(scope.table.all()?, scope)?, scope)
}

/// Events of the period, of the log that is asked about.
pub fn within(scope: &Scope<'_>) -> PolarsResult<LazyFrame> {
    let events = scope.table.within(scope.session.period())?;
    Ok(events.filter(scan::is_of(scope.log.families())))
}

/// Those that the filters let pass.
fn matching(events: LazyFrame, scope: &Scope<'_>) -> PolarsResult<LazyFrame> {
    Ok(match scope.session.filter()? {
        Some(filter) => events.filter(filter),
        None => events,
    })
}

/// Those that an answer counts.
fn counted(mut events: LazyFrame, scope: &Scope<'_>) -> LazyFrame {
    let noise = scope.session.noise();
    if noise != actors::NoiseLevel::Keep && !scope.keeps_noise {
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
fn added(events: LazyFrame, scope: &Scope<'_>) -> PolarsResult<LazyFrame> {
    let asked = &scope.asked;
    let wanted = |columns: Vec<(&str, Expr)>| -> Vec<Expr> {
        let wanted = columns.into_iter().filter(|(name, _)| asked.wants(name));
        wanted.map(|(name, expr)| expr.alias(name)).collect()
    };
    let mut first = times(scope)?;
    first.extend([
        ("user_id", actors::user_id()),
        ("activity_name", actors::activity()),
        ("is_noise", actors::is_noise(scope.session.noise())),
        ("is_service", actors::is_service()),
        ("is_failed", is_failed()),
        ("is_personal_workspace", is_personal()),
    ]);
    first.extend(latest_names::KINDS.iter().map(|kind| (kind.id, id_of(kind.view))));
    first.extend([
        ("category", of_catalogue(|operation| operation.category)),
        ("operation_group", of_catalogue(|operation| operation.group)),
    ]);

    let label = of_catalogue(|operation| operation.friendly_name);
    let mut then = vec![
        ("user_domain", actors::domain()),
        ("activity_label", memoize::either(label, actors::activity())),
        ("consumption_method", user_agent::consumption_method()),
        ("browser", user_agent::browser()),
        ("os", user_agent::os()),
        ("item_kind", items::kind()),
        ("item_id", items::id()),
        ("item_name", items::name()),
    ];
    if asked.wants("actor_kind") {
        then.push(("actor_kind", actors::actor_kind(scope.homes()?)));
    }
    for kind in latest_names::KINDS.iter().filter(|kind| asked.wants(kind.name)) {
        let table = scope.session.known().of(kind.view)?;
        then.push((kind.name, looked_up(id_of(kind.view), pairs(&table)?)));
    }
    Ok(events.with_columns(wanted(first)).with_columns(wanted(then)))
}

/// What the catalogue says of an activity; nothing where it is silent.
fn of_catalogue(pick: fn(&Operation) -> &'static str) -> Expr {
    let known = schema::operations().iter().map(|o| (o.name.to_owned(), pick(o).to_owned()));
    looked_up(actors::activity(), known.filter(|(_, text)| !text.is_empty()).collect())
}

/// What an instant is on the clocks of the zone, and in numbers.
fn times(scope: &Scope<'_>) -> PolarsResult<Vec<(&'static str, Expr)>> {
    let period = scope.session.period();
    let local = local_time(period.time_zone().name())?;
    let whole = |expr: Expr| expr.cast(DataType::Int64);
    let utc = || col("CreationTime").dt();
    let month = whole(local.clone().dt().year()) * lit(12) + whole(local.clone().dt().month());
    Ok(vec![
        ("local_time", local.clone()),
        ("local_date", local.clone().dt().date()),
        ("local_day_number", whole(local.clone().dt().date().cast(DataType::Int32))),
        ("local_hour", whole(local.clone().dt().hour())),
        ("local_weekday", whole(local.clone().dt().weekday())),
        ("local_week", of_day(local.clone(), "%G-W%V")),
        ("local_month", of_day(local, "%Y-%m")),
        ("local_month_number", month - lit(1)),
        ("utc_date", utc().replace_time_zone(None, lit("raise"), NonExistent::Raise).dt().date()),
        ("utc_hour", whole(utc().hour())),
        ("time_us", col("CreationTime").cast(DataType::Int64)),
        ("in_period", scan::inside(period).unwrap_or_else(|| col("CreationTime").is_not_null())),
    ])
}

/// A day, written in some way.
fn of_day(time: Expr, format: &'static str) -> Expr {
    let write = move |number: i32| {
        let day = NaiveDate::default().checked_add_signed(TimeDelta::try_days(number.into())?)?;
        Some(day.format(format).to_string())
    };
    memoize::of_day(time.dt().date(), write)
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
pub fn id_of(view: &str) -> Expr {
    match latest_names::KINDS.iter().find(|kind| kind.view == view) {
        Some(kind) if kind.view == "reports" => report_id(),
        Some(kind) => filled(col(kind.id_column)),
        None => lit(NULL).cast(DataType::String),
    }
}

/// The report that was meant. Events of a template app opened from its workspace carry the
/// publisher's report, the same in every tenant, as ReportId, and the tenant's own as AppReportId;
/// opened inside the app, AppId is set and ReportId is right.
fn report_id() -> Expr {
    let meant = |[other, own, app]: [&Column; 3]| {
        let [own, app] = [own.str()?, app.str()?].map(memoize::without_empty);
        let other = memoize::without_empty(other.str()?);
        let is_own = &own.is_not_null() & &app.is_null();
        // Hardly an archive has template apps.
        Ok(match is_own.any() {
            true => own.zip_with(&is_own, &other)?.with_name(other.name().clone()).into_column(),
            false => other.into_column(),
        })
    };
    let columns = ["ReportId", "AppReportId", "AppId"].map(col);
    memoize::of_several(columns, DataType::String, meant)
}

/// Whether it did not succeed. Newer events say so in words, older ones by a flag, most not at all.
fn is_failed() -> Expr {
    let by_flag = col("IsSuccess").eq(lit(false)).fill_null(lit(false));
    let is_failure = |status: &str| matches!(&*status.to_lowercase(), "failed" | "failure");
    by_flag.or(memoize::flag(col("ResultStatus"), is_failure))
}

/// Whether the workspace is somebody's own.
fn is_personal() -> Expr {
    let is_own = |text: &str| {
        let text = text.to_lowercase();
        text == "my workspace" || text.starts_with("personalworkspace")
    };
    memoize::flag(col("WorkspaceId"), is_own).or(memoize::flag(col("WorkspaceName"), is_own))
}

/// What a table says of each key. No join: the engine leaves out an expression that nothing reads.
fn looked_up(key: Expr, table: HashMap<String, String>) -> Expr {
    let table = Arc::new(table);
    memoize::text(key, move |key| table.get(key).cloned())
}

fn pairs(table: &DataFrame) -> PolarsResult<HashMap<String, String>> {
    let (keys, names) = (table.column("key")?.str()?, table.column("name")?.str()?);
    let named = keys.iter().zip(names.iter()).filter_map(|(key, name)| Some((key?, name?)));
    Ok(named.map(|(key, name)| (key.to_owned(), name.to_owned())).collect())
}
