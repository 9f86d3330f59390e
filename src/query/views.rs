//! The views that a statement reads: `events`, `events_all`, `reports`, `workspaces`, `operations`,
//! `days`.
//!
//! Owns: the columns that the views add to Microsoft's - what reports need and SQL dialects
//! disagree on - and the filters of `events`. Their names differ from Microsoft's by more than
//! case, which most dialects ignore. Only what a statement asks for is built. Must not know which
//! statement that is.

use chrono::{Datelike, NaiveDate};
use polars::prelude::*;

use crate::schema::{self, Noise};

use super::calendar::LocalDay;
use super::catalog::Actors;
use super::guard::Footprint;
use super::{Request, actors, names, scan};

/// Columns added to events, for the tests that ask for each of them; see [`added`].
#[cfg(test)]
pub const ADDED: [&str; 17] = [
    "local_time",
    "local_date",
    "local_hour",
    "local_weekday",
    "local_week",
    "local_month",
    "report_id",
    "report_name",
    "workspace_id",
    "workspace_name",
    "actor_kind",
    "user_id",
    "activity_name",
    "category",
    "operation_group",
    "is_noise",
    "is_service",
];

/// Events of the period without noise, and without services where people are asked for.
pub fn events(request: &Request<'_>, who: Actors, asked: &Footprint) -> PolarsResult<LazyFrame> {
    let mut events = within(request)?;
    if request.noise != actors::NoiseLevel::Keep {
        events = events.filter(actors::is_noise(request.noise).not());
    }
    if who == Actors::People {
        events = events.filter(actors::is_service().not());
    }
    added(events, request, asked)
}

/// Events of the period, of the log that the request is about.
pub fn within(request: &Request<'_>) -> PolarsResult<LazyFrame> {
    let events = scan::within(request.snapshot, request.period)?;
    Ok(events.filter(scan::is_of(request.log.families())))
}

/// Every event held, of whatever workload.
pub fn events_all(request: &Request<'_>, asked: &Footprint) -> PolarsResult<LazyFrame> {
    added(scan::all(request.snapshot)?, request, asked)
}

/// Adds the columns that are asked for.
fn added(events: LazyFrame, request: &Request<'_>, asked: &Footprint) -> PolarsResult<LazyFrame> {
    let local = local_time(request)?;
    let whole = |expr: Expr| expr.cast(DataType::Int64);
    let mut columns = vec![
        ("local_time", local.clone()),
        ("local_date", local.clone().dt().date()),
        ("local_hour", whole(local.clone().dt().hour())),
        ("local_weekday", whole(local.clone().dt().weekday())),
        ("local_week", local.clone().dt().strftime("%G-W%V")),
        ("local_month", local.dt().strftime("%Y-%m")),
        ("report_id", report_id()),
        ("workspace_id", filled(col("WorkspaceId"))),
        ("user_id", col("UserId").str().to_lowercase()),
        ("activity_name", actors::activity()),
        ("is_noise", actors::is_noise(request.noise)),
        ("is_service", actors::is_service()),
    ];
    columns.retain(|(name, _)| asked.wants(name));
    if asked.wants("actor_kind") {
        let homes = actors::home_domains(scan::own(request.snapshot)?)?;
        columns.push(("actor_kind", actors::actor_kind(homes)));
    }
    let columns: Vec<Expr> = columns.into_iter().map(|(name, expr)| expr.alias(name)).collect();
    named(events.with_columns(columns), request, asked)
}

/// Joins what is known of ids and activities, where it is asked for. Keys go with the join under
/// names of their own, so that none is taken for a column of the view.
fn named(
    mut events: LazyFrame,
    request: &Request<'_>,
    asked: &Footprint,
) -> PolarsResult<LazyFrame> {
    if asked.wants("report_name") {
        let names = reports(request)?.rename(["report_id"], ["key"], true);
        events = looked_up(events, report_id(), names);
    }
    if asked.wants("workspace_name") {
        let names = workspaces(request)?.rename(["workspace_id"], ["key"], true);
        events = looked_up(events, filled(col("WorkspaceId")), names);
    }
    if asked.wants("category") || asked.wants("operation_group") {
        let columns = [col("operation").alias("key"), col("category"), col("operation_group")];
        events = looked_up(events, actors::activity(), operations()?.select(columns));
    }
    Ok(events)
}

/// Every report that ever had a name, with its latest: `report_id`, `report_name`.
pub fn reports(request: &Request<'_>) -> PolarsResult<LazyFrame> {
    let latest = names::latest(&scan::own(request.snapshot)?, report_id(), "ReportName")?;
    Ok(latest.lazy().rename(["key", "name"], ["report_id", "report_name"], true))
}

/// Every workspace that ever had a name, with its latest: `workspace_id`, `workspace_name`.
pub fn workspaces(request: &Request<'_>) -> PolarsResult<LazyFrame> {
    let id = filled(col("WorkspaceId"));
    let latest = names::latest(&scan::own(request.snapshot)?, id, "WorkspaceName")?;
    Ok(latest.lazy().rename(["key", "name"], ["workspace_id", "workspace_name"], true))
}

/// Left join on the `key` of a small table.
fn looked_up(events: LazyFrame, key: Expr, table: LazyFrame) -> LazyFrame {
    events
        .with_column(key.alias("key"))
        .join(table, [col("key")], [col("key")], JoinArgs::new(JoinType::Left))
        .drop(by_name(["key"], true, false))
}

/// The time on the clocks of the chosen zone.
fn local_time(request: &Request<'_>) -> PolarsResult<Expr> {
    let zone = TimeZone::opt_try_new(Some(request.period.time_zone().name()))?;
    let there = match zone {
        Some(zone) if zone != TimeZone::UTC => col("CreationTime").dt().convert_time_zone(zone),
        _ => col("CreationTime"),
    };
    Ok(there.dt().replace_time_zone(None, lit("earliest"), NonExistent::Raise))
}

/// The report that was meant. Events of a template app opened from its workspace carry the
/// publisher's report, the same in every tenant, as ReportId, and the tenant's own as AppReportId;
/// opened inside the app, AppId is set and ReportId is right.
fn report_id() -> Expr {
    let is_filled = |name: &str| col(name).neq(lit("")).fill_null(lit(false));
    let own = is_filled("AppReportId").and(is_filled("AppId").not());
    filled(when(own).then(col("AppReportId")).otherwise(col("ReportId")))
}

/// The text, or nothing if it is empty.
fn filled(text: Expr) -> Expr {
    when(text.clone().neq(lit(""))).then(text).otherwise(lit(NULL))
}

/// The catalogue of operations.
pub fn operations() -> PolarsResult<LazyFrame> {
    let all = schema::operations();
    let texts =
        |pick: fn(&schema::Operation) -> &'static str| all.iter().map(pick).collect::<Vec<_>>();
    let noise = |operation: &schema::Operation| match operation.noise {
        Noise::No => "no",
        Noise::Default => "default",
        Noise::Wide => "wide",
    };
    let table = df!(
        "operation" => texts(|o| o.name),
        "friendly_name" => texts(|o| o.friendly_name),
        "category" => texts(|o| o.category),
        "item_kind" => texts(|o| o.item_kind),
        "operation_group" => texts(|o| o.group),
        "noise" => texts(noise),
        "note" => texts(|o| o.note)
    )?;
    // Nothing is known where the catalogue is silent.
    let columns = table.get_column_names_owned().into_iter().map(|name| {
        when(col(name.clone()).neq(lit("")))
            .then(col(name.clone()))
            .otherwise(lit(NULL))
            .alias(name)
    });
    Ok(table.lazy().select(columns.collect::<Vec<_>>()))
}

/// The days of the period, as far as the archive reaches: `day`, `verdict`, `rule`, `is_complete`,
/// and `trend_half`, which is 1 or 2 for the days that a trend compares.
pub fn days(calendar: &[LocalDay]) -> PolarsResult<LazyFrame> {
    let since_1970 =
        |day: NaiveDate| day.num_days_from_ce() - NaiveDate::default().num_days_from_ce();
    let numbers: Vec<i32> = calendar.iter().map(|day| since_1970(day.date)).collect();
    let table = df!(
        "day" => numbers,
        "verdict" => calendar.iter().map(|day| day.verdict.name()).collect::<Vec<_>>(),
        "rule" => calendar.iter().map(|day| day.rule.as_str()).collect::<Vec<_>>(),
        "is_complete" => calendar.iter().map(LocalDay::is_complete).collect::<Vec<_>>(),
        "trend_half" => calendar.iter().map(|day| day.trend_half).collect::<Vec<_>>()
    )?;
    Ok(table.lazy().with_column(col("day").cast(DataType::Date)))
}
