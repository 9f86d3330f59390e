//! Days and sources: what the archive holds, and how well.
//!
//! Owns: the views that are made of what is remembered of sources rather than of events. Must not
//! know how verdicts are reached.

use chrono::{Datelike, NaiveDate};
use polars::prelude::*;

use crate::schema::source_log::{SourceFacts, WarningKind};

use crate::query::coverage::local_days::LocalDay;
use crate::query::views::Session;

/// The days of the period in the zone, as far as the archive reaches.
pub fn days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    day_table(&session.local_days())
}

/// The days of the archive in the zone.
pub fn history_days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let days = session.history_days()?;
    let [first, last] = [session.period().first_day(), session.period().last_day()];
    let inside = |day: &LocalDay| {
        first.is_none_or(|first| day.date >= first) && last.is_none_or(|last| day.date <= last)
    };
    let in_period: Vec<bool> = days.iter().map(inside).collect();
    let in_period = Series::new("in_period".into(), in_period);
    let mut table = day_table(&days)?
        .with_column(lit(NULL).cast(DataType::Int64).alias("trend_half"))
        .collect()?;
    table.with_column(in_period.into_column())?;
    Ok(table.lazy())
}

fn day_table(days: &[LocalDay]) -> PolarsResult<LazyFrame> {
    let dates: Vec<NaiveDate> = days.iter().map(|day| day.date).collect();
    let week = |day: &NaiveDate| day.format("%G-W%V").to_string();
    let weekday = |day: &NaiveDate| i64::from(day.weekday().number_from_monday());
    let table = df!(
        "day" => epoch_days(&dates),
        "epoch_day" => epoch_days_i64(&dates),
        "week" => dates.iter().map(week).collect::<Vec<_>>(),
        "month" => dates.iter().map(|day| day.format("%Y-%m").to_string()).collect::<Vec<_>>(),
        "weekday" => dates.iter().map(weekday).collect::<Vec<_>>(),
        "status" => days.iter().map(|day| day.status.name()).collect::<Vec<_>>(),
        "reason" => days.iter().map(|day| day.reason.as_str()).collect::<Vec<_>>(),
        "is_complete" => days.iter().map(LocalDay::is_complete).collect::<Vec<_>>(),
        "trend_half" => days.iter().map(|day| day.trend_half).collect::<Vec<_>>()
    )?;
    Ok(table.lazy().with_column(col("day").cast(DataType::Date)))
}

/// Days since 1970-01-01.
fn epoch_day(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

fn epoch_days(days: &[NaiveDate]) -> Vec<i32> {
    days.iter().copied().map(epoch_day).collect()
}

fn epoch_days_i64(days: &[NaiveDate]) -> Vec<i64> {
    days.iter().copied().map(|day| i64::from(epoch_day(day))).collect()
}

/// One row: the ends of the period, as far as the archive reaches, and those of the archive. None
/// where no day of the period is held.
pub fn period(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let ends = |days: Vec<LocalDay>| Some((days.first()?.date, days.last()?.date));
    let all = ends(session.local_days()).zip(ends(session.history_days()?));
    let rows: Vec<[NaiveDate; 4]> =
        all.map(|((first, last), (start, end))| [first, last, start, end]).into_iter().collect();
    let names = ["first_day", "last_day", "archive_first_day", "archive_last_day"];
    let mut table = DataFrame::empty_with_height(rows.len());
    for (at, name) in names.into_iter().enumerate() {
        let days: Vec<NaiveDate> = rows.iter().map(|row| row[at]).collect();
        let dates = Series::new(name.into(), epoch_days(&days)).cast(&DataType::Date)?;
        table.with_column(dates.into_column())?;
        let epoch_name = name.replace("_day", "_epoch_day");
        let count = Series::new(epoch_name.into(), epoch_days_i64(&days));
        table.with_column(count.into_column())?;
    }
    let zone = vec![session.period().time_zone().name(); rows.len()];
    table.with_column(Series::new("time_zone".into(), zone).into_column())?;
    Ok(table.lazy())
}

/// The UTC days of the period, as far as the archive reaches, with what the sources say of them.
pub fn utc_days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let days = &session.coverage().days;
    let dates: Vec<NaiveDate> = days.iter().map(|day| day.date).collect();
    let holders = |day: &NaiveDate| -> Vec<u64> {
        let key = day.to_string();
        let held = session.sources().iter().filter_map(|source| source.days.get(&key).copied());
        held.filter(|events| *events > 0).collect()
    };
    let held: Vec<Vec<u64>> = dates.iter().map(holders).collect();
    let is_complete =
        |day: &crate::query::DayCoverage| day.status == crate::query::DayStatus::Complete;
    let table = df!(
        "day" => epoch_days(&dates),
        "epoch_day" => epoch_days_i64(&dates),
        "status" => days.iter().map(|day| day.status.name()).collect::<Vec<_>>(),
        "reason" => days.iter().map(|day| day.reason.as_str()).collect::<Vec<_>>(),
        "is_complete" => days.iter().map(is_complete).collect::<Vec<_>>(),
        "sources" => held.iter().map(|of| of.len() as i64).collect::<Vec<_>>(),
        "event_copies" => held.iter().map(|of| saturating_i64(of.iter().sum())).collect::<Vec<_>>()
    )?;
    Ok(table.lazy().with_column(col("day").cast(DataType::Date)))
}

/// The sources, in the order of their paths.
pub fn sources(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let all = session.sources();
    let count = |pick: fn(&SourceFacts) -> u64| -> Vec<i64> {
        all.iter().map(|source| saturating_i64(pick(source))).collect()
    };
    let time = |pick: fn(&SourceFacts) -> Option<i64>| -> Vec<Option<i64>> {
        all.iter().map(pick).collect()
    };
    let table = df!(
        "source" => all.iter().map(|source| source.path.as_str()).collect::<Vec<_>>(),
        "source_kind" => all.iter().map(|source| source.kind.as_str()).collect::<Vec<_>>(),
        "size_bytes" => count(|source| source.size_bytes),
        "records" => count(|source| source.records.read),
        "stored" => count(|source| source.records.stored),
        "duplicates" => count(|source| source.records.duplicates),
        "conflicting" => count(|source| source.records.conflicting),
        "other_workloads" => count(|source| source.records.other_workloads),
        "rejected" => count(|source| source.records.rejected),
        "is_damaged" => all.iter().map(|source| source.damaged).collect::<Vec<_>>(),
        "first_event" => time(|source| source.period_us.map(|(first, _)| first)),
        "last_event" => time(|source| source.period_us.map(|(_, last)| last))
    )?;
    let utc = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
    let times = ["first_event", "last_event"].map(|name| col(name).cast(utc.clone()));
    Ok(table.lazy().with_columns(times))
}

/// What each source holds of each UTC day.
pub fn source_days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let mut rows: Vec<(&SourceFacts, NaiveDate, i64)> = Vec::new();
    for source in session.sources() {
        let days = source.days.iter().filter(|(_, events)| **events > 0);
        rows.extend(
            days.filter_map(|(day, n)| Some((source, day.parse().ok()?, saturating_i64(*n)))),
        );
    }
    let dates: Vec<NaiveDate> = rows.iter().map(|(_, day, _)| *day).collect();
    let table = df!(
        "source" => rows.iter().map(|(source, ..)| source.path.as_str()).collect::<Vec<_>>(),
        "source_kind" => rows.iter().map(|(source, ..)| source.kind.as_str()).collect::<Vec<_>>(),
        "day" => epoch_days(&dates),
        "epoch_day" => epoch_days_i64(&dates),
        "event_copies" => rows.iter().map(|(.., copies)| *copies).collect::<Vec<_>>()
    )?;
    Ok(table.lazy().with_column(col("day").cast(DataType::Date)))
}

/// What speaks against sources.
pub fn source_warnings(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let sources = session.sources().iter();
    let all: Vec<_> = sources.flat_map(|s| s.warnings.iter().map(move |x| (s, x))).collect();
    let kind = |kind: WarningKind| match kind {
        WarningKind::Truncated => "truncated",
        WarningKind::AtLimit => "at limit",
        WarningKind::LossyTable => "lossy table",
        WarningKind::LostCharacters => "lost characters",
        WarningKind::Flattened => "flattened",
        WarningKind::TooEarly => "too early",
    };
    let table = df!(
        "source" => all.iter().map(|(source, _)| source.path.as_str()).collect::<Vec<_>>(),
        "kind" => all.iter().map(|(_, said)| kind(said.kind)).collect::<Vec<_>>(),
        "affected" => all.iter().map(|(_, said)| saturating_i64(said.count)).collect::<Vec<_>>(),
        "detail" => all.iter().map(|(_, said)| said.detail.as_str()).collect::<Vec<_>>()
    )?;
    Ok(table.lazy())
}

/// Fields that no typed column holds exactly, by activity.
pub fn unknown_fields(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let all = session.unknown_fields();
    let day = |text: &str| text.parse::<NaiveDate>().ok().map(epoch_day);
    let table = df!(
        "field" => all.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        "activity" => all.iter().map(|field| field.activity.as_str()).collect::<Vec<_>>(),
        "occurrences" => all.iter().map(|field| saturating_i64(field.count)).collect::<Vec<_>>(),
        "first_day" => all.iter().map(|field| day(&field.first_day)).collect::<Vec<_>>(),
        "last_day" => all.iter().map(|field| day(&field.last_day)).collect::<Vec<_>>(),
        "in_column" => all.iter().map(|field| field.has_typed_column).collect::<Vec<_>>()
    )?;
    Ok(table
        .lazy()
        .with_columns(["first_day", "last_day"].map(|name| col(name).cast(DataType::Date))))
}

fn saturating_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
