//! The views of days, sources and unknown fields, built from the source log rather than from
//! events.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use polars::prelude::*;

use crate::schema::source_log::{SourceFacts, WarningKind};

use crate::query::coverage::assess::{DayCoverage, DayStatus};
use crate::query::coverage::comparison::complete_runs;
use crate::query::coverage::local_days::LocalDay;
use crate::query::session::Session;

/// Builds the view of the local days of the period, within the archive.
pub fn days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    day_table(&session.local_days())
}

/// Builds the view of all local days of the archive, and of those that only the period names.
pub fn history_days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let days = session.history_days()?;
    let in_period: Vec<bool> = days.iter().map(|day| session.period().contains(day.date)).collect();
    let mut table = day_table(&days)?.collect()?;
    for column in [
        Series::new("in_period".into(), in_period),
        Series::new("complete_run".into(), complete_runs(&days)),
    ] {
        table.with_column(column.into_column())?;
    }
    Ok(table.lazy())
}

/// Builds the view of the windows that end with the last day of the period, one row per length.
pub fn coverage_windows(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let days = session.history_days()?;
    let archive = session.period().unbounded();
    let own = session.local_days();
    let given = session.period().first_day().zip(session.period().last_day());
    let after = given.filter(|(first, _)| archive.last_day().is_some_and(|end| *first > end));
    let end = own.last().map(|day| day.date).or(after.map(|(_, last)| last));
    let (mut lengths, mut counts) = (Vec::new(), Vec::new());
    if let Some(end) = end {
        let covered = |day: &LocalDay| {
            day.is_complete() || (day.date == end && day.status == DayStatus::Partial)
        };
        let by_length: BTreeMap<i64, bool> = days
            .iter()
            .filter(|day| day.date <= end)
            .map(|day| (end.signed_duration_since(day.date).num_days() + 1, covered(day)))
            .collect();
        let mut count = 0;
        for length in 0..=by_length.keys().last().copied().unwrap_or_default() {
            count += i64::from(by_length.get(&length).copied().unwrap_or_default());
            lengths.push(length);
            counts.push(count);
        }
    }
    let ends = vec![end.map(|day| i64::from(epoch_day(day))); lengths.len()];
    let table = df!(
        "window_days" => lengths,
        "window_covered_days" => counts,
        "window_end_epoch_day" => ends
    )?;
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

/// Returns the days from 1970-01-01 to a date.
fn epoch_day(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

fn epoch_days(days: &[NaiveDate]) -> Vec<i32> {
    days.iter().copied().map(epoch_day).collect()
}

fn epoch_days_i64(days: &[NaiveDate]) -> Vec<i64> {
    days.iter().copied().map(|day| i64::from(epoch_day(day))).collect()
}

/// Builds the view of the period: one row with its first and last day, within the archive, and
/// those of the archive. A period after the archive has its own days. No row if the archive is
/// empty or begins after the period.
pub fn period(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let ends = |days: Vec<LocalDay>| Some((days.first()?.date, days.last()?.date));
    let log = session.period().unbounded();
    let archive = log.first_day().zip(log.last_day());
    let given = session.period().first_day().zip(session.period().last_day());
    let after = given.filter(|(first, _)| archive.is_some_and(|(_, end)| *first > end));
    let all = ends(session.local_days()).or(after).zip(archive);
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

/// Builds the view of the UTC days of the period, within the archive, with the numbers of their
/// sources and event copies.
pub fn utc_days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let days = &session.coverage().days;
    let dates: Vec<NaiveDate> = days.iter().map(|day| day.date).collect();
    let copies_by_source = |day: &NaiveDate| -> Vec<u64> {
        let key = day.to_string();
        let of_day = |source: &SourceFacts| {
            source.copies_by_day().find(|(day, _)| *day == key).map(|(_, copies)| copies)
        };
        session.sources().iter().filter_map(of_day).collect()
    };
    let copies: Vec<Vec<u64>> = dates.iter().map(copies_by_source).collect();
    let is_complete = |day: &DayCoverage| day.status == DayStatus::Complete;
    let copies_of_day = |counts: &Vec<u64>| saturating_i64(counts.iter().sum());
    let table = df!(
        "day" => epoch_days(&dates),
        "epoch_day" => epoch_days_i64(&dates),
        "status" => days.iter().map(|day| day.status.name()).collect::<Vec<_>>(),
        "reason" => days.iter().map(|day| day.reason.as_str()).collect::<Vec<_>>(),
        "is_complete" => days.iter().map(is_complete).collect::<Vec<_>>(),
        "sources" => copies.iter().map(|counts| counts.len() as i64).collect::<Vec<_>>(),
        "event_copies" => copies.iter().map(copies_of_day).collect::<Vec<_>>()
    )?;
    Ok(table.lazy().with_column(col("day").cast(DataType::Date)))
}

/// Builds the view of the sources, in the order of their paths.
pub fn sources(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let all = session.sources();
    let count = |count_of: fn(&SourceFacts) -> u64| -> Vec<i64> {
        all.iter().map(|source| saturating_i64(count_of(source))).collect()
    };
    let time = |time_of: fn(&SourceFacts) -> Option<i64>| -> Vec<Option<i64>> {
        all.iter().map(time_of).collect()
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

/// Builds the view of the events of each source on each UTC day.
pub fn source_days(session: &Session<'_>) -> PolarsResult<LazyFrame> {
    let mut rows: Vec<(&SourceFacts, NaiveDate, i64)> = Vec::new();
    for source in session.sources() {
        let days = source.copies_by_day();
        rows.extend(
            days.filter_map(|(day, n)| Some((source, day.parse().ok()?, saturating_i64(n)))),
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

/// Builds the view of the warnings of sources.
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
        WarningKind::CodePage => "code page",
        WarningKind::SkippedText => "skipped text",
        WarningKind::WithoutId => "without Id",
        WarningKind::FutureDated => "future dated",
    };
    let affected = all.iter().map(|(_, warning)| saturating_i64(warning.count));
    let table = df!(
        "source" => all.iter().map(|(source, _)| source.path.as_str()).collect::<Vec<_>>(),
        "kind" => all.iter().map(|(_, warning)| kind(warning.kind)).collect::<Vec<_>>(),
        "affected" => affected.collect::<Vec<_>>(),
        "detail" => all.iter().map(|(_, warning)| warning.detail.as_str()).collect::<Vec<_>>()
    )?;
    Ok(table.lazy())
}

/// Builds the view of fields that no typed column stores exactly, by activity.
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
