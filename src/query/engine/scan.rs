//! The files of the table as one lazy frame.
//!
//! Owns: the engine's types for the typed columns, which files a period needs, reading what other
//! versions and other writers left (a column less, a column more, a dictionary, another precision
//! of time). Must not know what the columns mean.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use chrono::{NaiveDate, TimeDelta};
use polars::prelude::*;

use crate::schema::{self, WorkloadGroup};
use crate::store::{DataFile, Snapshot};

use crate::query::coverage::period::{self, EventTimeRange, Period};
use crate::query::engine::memoize;

/// The statistics in a Delta log are cut to milliseconds.
const STATISTICS_SLACK_US: i64 = 1_000;

/// How long after a day it can still be pulled: Microsoft keeps the log for 28 to 30 days.
const MAX_PULL_DELAY_US: i64 = 32 * 86_400_000_000;

/// The engine's way to work that passes events through in pieces rather than holding them.
pub const STREAMING: Engine = Engine::Streaming;

/// What comes of events that are passed through in pieces; for what boils them down.
pub fn collect_streaming(events: LazyFrame) -> PolarsResult<DataFrame> {
    Ok(events.collect_with_engine(STREAMING)?.unwrap_single())
}

/// The table's columns as the engine sees them. The partition column is not in the files.
pub fn table_schema() -> &'static SchemaRef {
    static COLUMNS: LazyLock<SchemaRef> = LazyLock::new(|| {
        let typed = schema::columns().iter().map(|column| (column.name, polars_type(&column.ty)));
        let others = [schema::EXTRA, schema::SOURCE_FILE, schema::SOURCE_KIND];
        let all = typed.chain(others.map(|name| (name, DataType::String)));
        Arc::new(all.map(|(name, ty)| Field::new(name.into(), ty)).collect())
    });
    &COLUMNS
}

fn polars_type(ty: &schema::ColumnType) -> DataType {
    use schema::ColumnType;
    match ty {
        ColumnType::Text | ColumnType::Id | ColumnType::User | ColumnType::Ip => DataType::String,
        ColumnType::Int | ColumnType::RecordType | ColumnType::UserType => DataType::Int64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Time => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
        ColumnType::List(item) => DataType::List(Box::new(polars_type(item))),
        ColumnType::Struct(members) => {
            let member =
                |(name, ty): &(&str, ColumnType)| Field::new((*name).into(), polars_type(ty));
            DataType::Struct(members.iter().map(member).collect())
        }
    }
}

/// Whether an event is part of the logs that reports are about. Others' files may not say, and
/// then it is.
pub fn is_in_workload_groups(families: &[WorkloadGroup]) -> Expr {
    let names: Vec<&str> = families.iter().map(|family| family.name()).collect();
    let is_one =
        memoize::map_bool(col(schema::WORKLOAD_GROUP), move |group| names.contains(&group));
    is_one.or(col(schema::WORKLOAD_GROUP).is_null())
}

/// The events of an archive: its files, or what of them was read into memory before.
#[derive(Clone)]
pub struct EventTable<'a> {
    snapshot: &'a Snapshot,
    /// Columns of all events in the order of the files.
    loaded: Option<DataFrame>,
}

impl<'a> EventTable<'a> {
    /// The files of a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> EventTable<'a> {
        EventTable { snapshot, loaded: None }
    }

    /// With these columns in memory. Those that are there already are not read again; the others
    /// are put beside them, since files are read in the same order every time. Texts that repeat
    /// are held as numbers, a quarter of the size.
    pub fn load_columns(&self, names: &BTreeSet<String>) -> PolarsResult<EventTable<'a>> {
        let mut held = self.loaded.clone().unwrap_or_default();
        // One by one: so that no more than one column is ever held as texts.
        for (name, ty) in table_schema().iter().filter(|(name, _)| names.contains(name.as_str())) {
            if held.schema().contains(name) {
                continue;
            }
            let read = scan_files(self.snapshot.files.iter())?.select([col(name.clone())]);
            let read = match is_dictionary_encoded(name) && *ty == DataType::String {
                true => read.select([col(name.clone()).cast(categorical_type())]),
                false => read,
            };
            let read = read.collect()?;
            held = if held.width() == 0 { read } else { held.hstack(read.columns())? };
        }
        Ok(EventTable { snapshot: self.snapshot, loaded: Some(held) })
    }

    /// With these columns in memory, if anything is in memory at all.
    pub fn ensure_loaded(&self, names: &BTreeSet<String>) -> PolarsResult<EventTable<'a>> {
        if self.loaded.is_some() { self.load_columns(names) } else { Ok(self.clone()) }
    }

    /// Every event.
    pub fn all_events(&self) -> PolarsResult<LazyFrame> {
        let Some(loaded) = &self.loaded else { return scan_files(self.snapshot.files.iter()) };
        let numbered = loaded.schema().iter().filter(|(_, ty)| ty.is_categorical());
        let texts: Vec<Expr> =
            numbered.map(|(name, _)| col(name.clone()).cast(DataType::String)).collect();
        Ok(loaded.clone().lazy().with_columns(texts))
    }

    /// Every event of the logs that an archive is kept for, whatever else was stored with them.
    pub fn in_scope_events(&self) -> PolarsResult<LazyFrame> {
        let events = self.all_events()?;
        Ok(if self.snapshot.has_other_workloads { events.filter(is_in_scope()) } else { events })
    }

    /// The events of the period; files and row groups beyond it are not opened.
    pub fn events_in_period(&self, period: &Period) -> PolarsResult<LazyFrame> {
        match (&self.loaded, is_in_period(period)) {
            (Some(_), Some(inside)) => Ok(self.all_events()?.filter(inside)),
            (Some(_), None) => self.all_events(),
            (None, _) => events_between(self.snapshot, period.from_us(), period.to_us()),
        }
    }
}

/// Whether a column has few values that repeat.
fn is_dictionary_encoded(name: &str) -> bool {
    let of =
        |column: &schema::ColumnDefinition| column.encoding == schema::ColumnEncoding::Dictionary;
    schema::columns().iter().any(|column| column.name == name && of(column))
}

/// Texts as numbers.
fn categorical_type() -> DataType {
    DataType::from_categories(Categories::global())
}

/// Whether an event is of the period; `None` where every event is.
pub fn is_in_period(period: &Period) -> Option<Expr> {
    is_between(period.from_us(), period.to_us())
}

/// From an instant up to, not including, another.
fn is_between(from: Option<i64>, to: Option<i64>) -> Option<Expr> {
    let instant =
        |us: i64| lit(us).cast(DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)));
    let after = from.map(|us| col("CreationTime").gt_eq(instant(us)));
    let before = to.map(|us| col("CreationTime").lt(instant(us)));
    after.into_iter().chain(before).reduce(Expr::and)
}

fn is_in_scope() -> Expr {
    is_in_workload_groups(&[
        WorkloadGroup::PowerBi,
        WorkloadGroup::Fabric,
        WorkloadGroup::PowerPlatform,
    ])
}

/// The events from an instant up to, not including, another.
fn events_between(
    snapshot: &Snapshot,
    from: Option<i64>,
    to: Option<i64>,
) -> PolarsResult<LazyFrame> {
    let events = scan_files(snapshot.files.iter().filter(|file| overlaps(file, from, to)))?;
    Ok(match is_between(from, to) {
        Some(inside) => events.filter(inside),
        None => events,
    })
}

/// The same for whom events without a time do not disturb. The times are among the largest columns:
/// they are not read to find that all lie inside.
fn events_between_by_statistics(
    snapshot: &Snapshot,
    from: i64,
    to: i64,
) -> PolarsResult<LazyFrame> {
    let is_inside = |file: &DataFile| {
        file.period_us.is_some_and(|(first, last)| {
            first >= from && last.saturating_add(STATISTICS_SLACK_US) < to
        })
    };
    let mut touched = snapshot.files.iter().filter(|file| overlaps(file, Some(from), Some(to)));
    match touched.clone().all(is_inside) {
        true => scan_files(&mut touched),
        false => events_between(snapshot, Some(from), Some(to)),
    }
}

fn scan_files<'a>(files: impl Iterator<Item = &'a DataFile>) -> PolarsResult<LazyFrame> {
    let paths = files.map(|file| PlRefPath::try_from_path(&file.path));
    let paths = paths.collect::<PolarsResult<Vec<_>>>()?;
    if paths.is_empty() {
        return Ok(DataFrame::empty_with_schema(table_schema()).lazy());
    }
    let options = ParquetOptions { schema: Some(table_schema().clone()), ..Default::default() };
    let args = UnifiedScanArgs {
        hive_options: HiveOptions::new_disabled(),
        glob: false,
        cache: false,
        missing_columns_policy: MissingColumnsPolicy::Insert,
        extra_columns_policy: ExtraColumnsPolicy::Ignore,
        cast_columns_policy: CastColumnsPolicy {
            integer_upcast: true,
            datetime_nanoseconds_downcast: true,
            datetime_milliseconds_upcast: true,
            datetime_convert_timezone: true,
            null_upcast: true,
            categorical_to_string: true,
            missing_struct_fields: MissingColumnsPolicy::Insert,
            extra_struct_fields: ExtraColumnsPolicy::Ignore,
            ..CastColumnsPolicy::ERROR_ON_MISMATCH
        },
        ..Default::default()
    };
    let sources = ScanSources::Paths(paths.into_iter().collect());
    Ok(DslBuilder::scan_parquet(sources, options, args)?.build().into())
}

/// Whether a file can hold an event of the time from `from` up to, not including, `to`.
fn overlaps(file: &DataFile, from: Option<i64>, to: Option<i64>) -> bool {
    let (first, last) = match file.period_us.or_else(|| month_range(&file.month)) {
        Some((first, last)) => (first, last.saturating_add(STATISTICS_SLACK_US)),
        None => return true,
    };
    from.is_none_or(|from| last >= from) && to.is_none_or(|to| first < to)
}

/// The first and the last microsecond of a month such as `2024-03`.
fn month_range(text: &str) -> Option<(i64, i64)> {
    let first: NaiveDate = format!("{text}-01").parse().ok()?;
    let next = first.checked_add_months(chrono::Months::new(1))?;
    Some((period::utc_day_start(first), period::utc_day_start(next) - 1))
}

/// The first and the last event held; only files whose statistics do not say are opened, or all if
/// some of the events are not to be counted.
pub fn event_time_range(snapshot: &Snapshot) -> PolarsResult<Option<EventTimeRange>> {
    let (known, unknown): (Vec<_>, Vec<_>) = snapshot
        .files
        .iter()
        .partition(|file| file.period_us.is_some() && !snapshot.has_other_workloads);
    let mut periods: Vec<(i64, i64)> = known.iter().filter_map(|file| file.period_us).collect();
    if !unknown.is_empty() {
        let time = || col("CreationTime").cast(DataType::Int64);
        let ends = [time().min().alias("first"), time().max().alias("last")];
        let ends = scan_files(unknown.into_iter())?.filter(is_in_scope()).select(ends).collect()?;
        let end = |name: &str| PolarsResult::Ok(ends.column(name)?.i64()?.get(0));
        periods.extend(end("first")?.zip(end("last")?));
    }
    let first = periods.iter().map(|(first, _)| *first).min();
    let last = periods.iter().map(|(_, last)| *last).max();
    Ok(first.zip(last).map(|(first_us, last_us)| EventTimeRange { first_us, last_us }))
}

/// Those of the days on which an event is stored, whatever the sources say.
pub fn days_with_events(
    snapshot: &Snapshot,
    days: &[NaiveDate],
) -> PolarsResult<BTreeSet<NaiveDate>> {
    let Some((first, last)) = days.iter().min().zip(days.iter().max()) else {
        return Ok(BTreeSet::new());
    };
    let (from, to) =
        (period::utc_day_start(*first), period::utc_day_start(period::next_day(*last)));
    let day = col("CreationTime").dt().date().cast(DataType::Int64).unique();
    let held = events_between_by_statistics(snapshot, from, to)?
        .filter(is_in_scope())
        .select([day])
        .collect()?;
    let numbers = held.column("CreationTime")?.i64()?;
    let held = numbers
        .iter()
        .flatten()
        .filter_map(|number| NaiveDate::default().checked_add_signed(TimeDelta::try_days(number)?));
    Ok(held.filter(|day| days.contains(day)).collect())
}

/// The windows that pulls of the whole log asked for, in microseconds since 1970 (UTC), as the log
/// itself recorded them: reading the log writes one ExportActivityEvents for every hour read.
pub fn pulled_windows(snapshot: &Snapshot, days: &[NaiveDate]) -> PolarsResult<Vec<(i64, i64)>> {
    let Some((first, last)) = days.first().zip(days.last()) else { return Ok(Vec::new()) };
    let (from, to) =
        (period::utc_day_start(*first), period::utc_day_start(*last) + MAX_PULL_DELAY_US);
    let time = |name: &str| col(name).cast(DataType::Int64);
    let of_one_activity = col("ExportEventActivityTypeParameter");
    let windows = events_between_by_statistics(snapshot, from, to)?
        .filter(col("ExportEventStartDateTimeParameter").is_not_null())
        .filter(col("ExportEventEndDateTimeParameter").is_not_null())
        .filter(of_one_activity.clone().is_null().or(of_one_activity.eq(lit(""))))
        .select([
            time("ExportEventStartDateTimeParameter").alias("from"),
            time("ExportEventEndDateTimeParameter").alias("to"),
        ])
        .collect()?;
    let (from, to) = (windows.column("from")?.i64()?, windows.column("to")?.i64()?);
    let mut windows: Vec<_> = from.iter().zip(to.iter()).filter_map(|(a, b)| a.zip(b)).collect();
    windows.sort_unstable();
    windows.dedup();
    Ok(windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(month: &str, period_us: Option<(i64, i64)>) -> DataFile {
        let path = "x.parquet".into();
        DataFile { path, size_bytes: 0, events: 0, month: month.to_owned(), period_us }
    }

    #[test]
    fn a_file_is_left_out_only_if_it_cannot_hold_an_event_of_the_period() {
        let known = file("2026-03", Some((1_000_000, 2_000_000)));
        assert!(overlaps(&known, Some(1_500_000), Some(1_600_000)));
        assert!(overlaps(&known, Some(2_000_500), None), "statistics end at whole milliseconds");
        assert!(!overlaps(&known, Some(2_002_000), None));
        assert!(overlaps(&known, None, Some(1_000_001)));
        assert!(!overlaps(&known, None, Some(1_000_000)));
        let (march, april) = month_range("2026-03").unwrap();
        let unknown = file("2026-03", None);
        assert!(overlaps(&unknown, Some(april), None));
        assert!(!overlaps(&unknown, None, Some(march)));
        assert!(overlaps(&file("?", None), Some(0), Some(1)));
    }

    #[test]
    fn an_empty_snapshot_is_an_empty_table_with_every_column() {
        let snapshot = Snapshot::default();
        let mut events = EventTable::new(&snapshot).all_events().unwrap();
        let schema = events.collect_schema().unwrap();
        assert_eq!(schema.len(), schema::columns().len() + 3);
        assert!(!schema.contains("month"));
        assert_eq!(event_time_range(&Snapshot::default()).unwrap(), None);
    }
}
