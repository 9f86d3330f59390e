//! Reads the data files of the table as one lazy frame, and only the files that a period needs.
//!
//! Files of other versions and writers may lack columns, have more columns, or have dictionaries or
//! another precision of time.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use chrono::{NaiveDate, TimeDelta};
use polars::prelude::*;

use crate::schema::{self, MICROS_PER_DAY, WorkloadGroup};
use crate::store::{DataFile, Snapshot};

use crate::query::coverage::downloads::Download;
use crate::query::coverage::period::{self, EventTimeRange, Period};
use crate::query::definition::report::LogKind;
use crate::query::engine::coded_frame::{CodedFrame, TextEncoder};
use crate::query::engine::error::run_engine;
use crate::query::engine::lean_plan;
use crate::query::engine::memoize;
use crate::query::views::activities::is_failed;

/// Precision of the statistics in a Delta log: milliseconds.
const STATISTICS_SLACK_US: i64 = 1_000;

/// Time after a day in which it can be downloaded: Microsoft keeps the log for 28 to 30 days.
const MAX_DOWNLOAD_DELAY_US: i64 = 32 * MICROS_PER_DAY;

/// The streaming engine, which processes events in batches.
pub const STREAMING: Engine = Engine::Streaming;

/// Collects a plan with the streaming engine. Use it for plans that aggregate or leave few rows.
pub fn collect_streaming(events: LazyFrame) -> PolarsResult<DataFrame> {
    let plan = lean_plan::lean(events)?;
    Ok(plan.collect_with_engine(STREAMING)?.unwrap_single())
}

/// Returns the columns of the table with the engine's types, without the partition column, which is
/// not in the files.
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

/// Returns true if an event belongs to one of the workload groups, or has no group, as in files of
/// other writers.
pub fn is_in_workload_groups(groups: &[WorkloadGroup]) -> Expr {
    let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
    let is_in_group =
        memoize::map_bool(col(schema::WORKLOAD_GROUP), move |group| names.contains(&group));
    is_in_group.or(col(schema::WORKLOAD_GROUP).is_null())
}

/// Largest archive whose columns are loaded before the first query, in bytes. Each query of a
/// report opens each file and parses its footer of 344 columns, which costs more than the data of a
/// small archive.
const SMALL_ARCHIVE_BYTES: u64 = 16 << 20;

/// Largest number of events of such an archive. Files made for one report have few columns, so
/// their size alone says little about the memory that is needed.
const SMALL_ARCHIVE_EVENTS: u64 = 250_000;

/// Events of an archive: its files, or the columns loaded into memory.
#[derive(Clone)]
pub struct EventTable<'a> {
    snapshot: &'a Snapshot,
    /// Loaded columns of all events, in the order of the files.
    loaded: Option<CodedFrame>,
    /// True if the archive is small, so that columns are loaded together and as they are.
    is_small: bool,
}

impl<'a> EventTable<'a> {
    /// Creates the table over the files of a snapshot, without loaded columns.
    pub fn new(snapshot: &'a Snapshot) -> EventTable<'a> {
        EventTable { snapshot, loaded: None, is_small: false }
    }

    /// Creates the table with these columns loaded if the archive is small, so that its files are
    /// opened once for all queries of a command.
    ///
    /// If a file cannot be read, nothing is loaded: only the query that needs this file may fail.
    pub fn load_small_archive(snapshot: &'a Snapshot, names: &BTreeSet<String>) -> EventTable<'a> {
        let table = EventTable::new(snapshot);
        let sum =
            |of: fn(&DataFile) -> u64| snapshot.files.iter().map(of).fold(0, u64::saturating_add);
        let is_small = sum(|file| file.size_bytes) <= SMALL_ARCHIVE_BYTES
            && sum(|file| file.events) <= SMALL_ARCHIVE_EVENTS;
        if !is_small || snapshot.files.is_empty() {
            return table;
        }
        let small = EventTable { is_small, ..table.clone() };
        run_engine("loading", || small.load_columns(names)).unwrap_or(table)
    }

    /// Returns the archive.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Returns true if all columns are loaded because the archive is small.
    pub fn is_small_and_loaded(&self) -> bool {
        self.is_small
    }

    /// Returns the table with these columns loaded. Only missing columns are read and appended,
    /// because files are always read in the same order. Texts with few values are stored as codes,
    /// a quarter of the size.
    pub fn load_columns(&self, names: &BTreeSet<String>) -> PolarsResult<EventTable<'a>> {
        let mut loaded = self.loaded.clone().unwrap_or_default();
        let missing = table_schema().iter().filter(|(name, _)| names.contains(name.as_str()));
        let missing: Vec<_> = missing.filter(|(name, _)| !loaded.schema().contains(name)).collect();
        if self.is_small && !missing.is_empty() {
            let asked: Vec<Expr> = missing.iter().map(|(name, _)| col((*name).clone())).collect();
            let read = scan_files(self.snapshot.files.iter())?.select(asked).collect()?;
            loaded.append(read, TextEncoder::default())?;
            return Ok(EventTable { loaded: Some(loaded), ..self.clone() });
        }
        // One column at a time, so that at most one column is in memory as texts.
        for (name, ty) in missing {
            let mut encoder = TextEncoder::default();
            let column = match is_dictionary_encoded(name) && *ty == DataType::String {
                true => encoder.encode(name),
                false => col(name.clone()),
            };
            let read = scan_files(self.snapshot.files.iter())?.select([column]);
            loaded.append(read.collect()?, encoder)?;
        }
        Ok(EventTable { loaded: Some(loaded), ..self.clone() })
    }

    /// Returns a table of the events that pass a test, with these columns loaded and no others.
    pub fn load_matching(
        &self,
        names: &BTreeSet<String>,
        test: Expr,
    ) -> PolarsResult<EventTable<'a>> {
        let columns = table_schema().iter().filter(|(name, _)| names.contains(name.as_str()));
        let mut encoder = TextEncoder::default();
        let columns = columns.map(|(name, ty)| {
            let is_coded = is_dictionary_encoded(name) && *ty == DataType::String;
            if is_coded { encoder.encode(name) } else { col(name.clone()) }
        });
        let events = self.all_events()?.filter(test).select(columns.collect::<Vec<_>>());
        let mut loaded = CodedFrame::default();
        loaded.append(collect_streaming(events)?, encoder)?;
        Ok(EventTable { loaded: Some(loaded), ..self.clone() })
    }

    /// Returns true if any column is loaded.
    pub fn has_columns(&self) -> bool {
        self.loaded.is_some()
    }

    /// Returns true if these columns are loaded.
    pub fn has_loaded(&self, names: &BTreeSet<String>) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| names.iter().all(|n| loaded.schema().contains(n)))
    }

    /// Returns the table with these columns loaded if any column is loaded, else without loaded
    /// columns.
    pub fn ensure_loaded(&self, names: &BTreeSet<String>) -> PolarsResult<EventTable<'a>> {
        if self.loaded.is_some() { self.load_columns(names) } else { Ok(self.clone()) }
    }

    /// Returns all events.
    pub fn all_events(&self) -> PolarsResult<LazyFrame> {
        match &self.loaded {
            Some(loaded) => Ok(loaded.decoded()),
            None => scan_files(self.snapshot.files.iter()),
        }
    }

    /// Returns the events of Power BI, Fabric and Power Platform, without those of other workloads.
    pub fn in_scope_events(&self) -> PolarsResult<LazyFrame> {
        let events = self.all_events()?;
        Ok(if self.snapshot.has_other_workloads { events.filter(is_in_scope()) } else { events })
    }

    /// Returns the events of the period; files and row groups outside it are not read.
    pub fn events_in_period(&self, period: &Period) -> PolarsResult<LazyFrame> {
        match (&self.loaded, is_in_period(period)) {
            (Some(_), Some(inside)) => Ok(self.all_events()?.filter(inside)),
            (Some(_), None) => self.all_events(),
            (None, inside) => {
                let events = self.events_between(period.from_us(), period.to_us())?;
                let is_limited = period.spans_us() != [(period.from_us(), period.to_us())];
                Ok(match inside.filter(|_| is_limited) {
                    Some(inside) => events.filter(inside),
                    None => events,
                })
            }
        }
    }

    /// Returns the events between two instants, the second excluded.
    fn events_between(&self, from: Option<i64>, to: Option<i64>) -> PolarsResult<LazyFrame> {
        let files = self.snapshot.files.iter().filter(|file| overlaps(file, from, to));
        let events = if self.is_small { self.all_events()? } else { scan_files(files)? };
        Ok(match is_between(from, to) {
            Some(inside) => events.filter(inside),
            None => events,
        })
    }

    /// Returns the events between two instants, the second excluded, and possibly events without a
    /// time.
    ///
    /// If the statistics of all files are inside the interval, the times are not read: they are
    /// among the largest columns.
    fn events_between_by_statistics(&self, from: i64, to: i64) -> PolarsResult<LazyFrame> {
        let files = self.snapshot.files.iter();
        let mut overlapping = files.filter(|file| overlaps(file, Some(from), Some(to)));
        match !self.is_small
            && overlapping.clone().all(|file| is_inside(file, Some(from), Some(to)))
        {
            true => scan_files(&mut overlapping),
            false => self.events_between(Some(from), Some(to)),
        }
    }
}

/// Returns true if a column of the table has few distinct values.
pub fn is_dictionary_encoded(name: &str) -> bool {
    let has_dictionary =
        |column: &schema::ColumnDefinition| column.encoding == schema::ColumnEncoding::Dictionary;
    schema::columns().iter().any(|column| column.name == name && has_dictionary(column))
}

/// Returns the test that an event is in the period; `None` if the period has no limits.
pub fn is_in_period(period: &Period) -> Option<Expr> {
    let spans = period.spans_us();
    if spans.is_empty() {
        return Some(lit(false));
    }
    let tests: Option<Vec<Expr>> =
        spans.into_iter().map(|(from, to)| is_between(from, to)).collect();
    tests?.into_iter().reduce(Expr::or)
}

/// Returns the test that an event is between two instants, the second excluded.
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

/// Returns true if all events of a file are between `from` and `to`, `to` excluded.
pub fn is_inside(file: &DataFile, from: Option<i64>, to: Option<i64>) -> bool {
    file.period_us.is_some_and(|(first, last)| {
        from.is_none_or(|from| first >= from)
            && to.is_none_or(|to| last.saturating_add(STATISTICS_SLACK_US) < to)
    })
}

/// Returns true if a file can contain an event between `from` and `to`, `to` excluded.
pub fn overlaps(file: &DataFile, from: Option<i64>, to: Option<i64>) -> bool {
    let (first, last) = match file.period_us.or_else(|| month_range(&file.month)) {
        Some((first, last)) => (first, last.saturating_add(STATISTICS_SLACK_US)),
        None => return true,
    };
    from.is_none_or(|from| last >= from) && to.is_none_or(|to| first < to)
}

/// Returns the first and last microsecond of a month, for example `2024-03`.
fn month_range(text: &str) -> Option<(i64, i64)> {
    let first: NaiveDate = format!("{text}-01").parse().ok()?;
    let next = first.checked_add_months(chrono::Months::new(1))?;
    Some((period::utc_day_start(first), period::utc_day_start(next) - 1))
}

/// Returns the times of the first and last stored event of a log. Only files without statistics are
/// read, or all files if the archive contains events of several logs.
pub fn event_time_range(
    table: &EventTable<'_>,
    log: LogKind,
) -> PolarsResult<Option<EventTimeRange>> {
    let snapshot = table.snapshot;
    let is_mixed = snapshot.has_other_workloads
        || snapshot.sources.iter().any(|source| !source.power_platform.is_empty());
    let is_other_log = log == LogKind::PowerPlatform;
    let (known, unknown): (Vec<_>, Vec<_>) = snapshot
        .files
        .iter()
        .partition(|file| file.period_us.is_some() && !is_mixed && !is_other_log);
    let mut periods: Vec<(i64, i64)> = known.iter().filter_map(|file| file.period_us).collect();
    if !unknown.is_empty() {
        let time = || col("CreationTime").cast(DataType::Int64);
        let ends = [time().min().alias("first"), time().max().alias("last")];
        let events = match table.is_small {
            true => table.all_events()?,
            false => scan_files(unknown.into_iter())?,
        };
        let events = events.filter(is_in_log(log)).select(ends);
        let ends = collect_streaming(events)?;
        let end = |name: &str| PolarsResult::Ok(ends.column(name)?.i64()?.get(0));
        periods.extend(end("first")?.zip(end("last")?));
    }
    let first = periods.iter().map(|(first, _)| *first).min();
    let last = periods.iter().map(|(_, last)| *last).max();
    Ok(first.zip(last).map(|(first_us, last_us)| EventTimeRange { first_us, last_us }))
}

fn is_in_log(log: LogKind) -> Expr {
    let is_in_groups = is_in_workload_groups(log.workload_groups());
    match log {
        LogKind::PowerBi => is_in_groups,
        // Events without a group, of other writers, are those of Power BI.
        LogKind::PowerPlatform => is_in_groups.and(col(schema::WORKLOAD_GROUP).is_not_null()),
    }
}

/// Returns those of `days` with a stored event of a log, independent of the source log.
pub fn days_with_events(
    table: &EventTable<'_>,
    log: LogKind,
    days: &[NaiveDate],
) -> PolarsResult<BTreeSet<NaiveDate>> {
    let Some((first, last)) = days.iter().min().zip(days.iter().max()) else {
        return Ok(BTreeSet::new());
    };
    let (from, to) =
        (period::utc_day_start(*first), period::utc_day_start(period::next_day(*last)));
    let day = col("CreationTime").dt().date().cast(DataType::Int64).unique();
    let stored = table
        .events_between_by_statistics(from, to)?
        .filter(is_in_log(log))
        .select([day])
        .collect()?;
    let numbers = stored.column("CreationTime")?.i64()?;
    let stored = numbers
        .iter()
        .flatten()
        .filter_map(|number| NaiveDate::default().checked_add_signed(TimeDelta::try_days(number)?));
    Ok(stored.filter(|day| days.contains(day)).collect())
}

/// Returns the downloads of the days that the log of Power BI records: of equal ones, the first and
/// the last.
///
/// Reading the log writes one `ExportActivityEvents` for every hour and page read.
pub fn downloads(table: &EventTable<'_>, days: &[NaiveDate]) -> PolarsResult<Vec<Download>> {
    let Some((first, last)) = days.first().zip(days.last()) else { return Ok(Vec::new()) };
    let (from, to) =
        (period::utc_day_start(*first), period::utc_day_start(*last) + MAX_DOWNLOAD_DELAY_US);
    let time = |name: &str| col(name).cast(DataType::Int64);
    let is_given = |name: &str| col(name).neq(lit("")).fill_null(lit(false));
    let equal = ["from", "to", "failed", "activity", "is_of_user"].map(col);
    let found = table
        .events_between_by_statistics(from, to)?
        // Of the other events, only this column is read. Downloads without an end or a time of
        // their own are dropped below.
        .filter(col("ExportEventStartDateTimeParameter").is_not_null())
        .select([
            time("ExportEventStartDateTimeParameter").alias("from"),
            time("ExportEventEndDateTimeParameter").alias("to"),
            time("CreationTime").alias("recorded"),
            is_failed().fill_null(lit(false)).alias("failed"),
            col("ExportEventActivityTypeParameter").alias("activity"),
            is_given("ExportEventUserIdParameter").alias("is_of_user"),
        ])
        .group_by(equal)
        .agg([col("recorded").min().alias("first"), col("recorded").max().alias("last")]);
    let found = collect_streaming(found)?;
    let times = ["from", "to", "first", "last"].map(|name| found.column(name)?.i64());
    let [from, to, first, last] = times;
    let (from, to, first, last) = (from?, to?, first?, last?);
    let [failed, is_of_user] = ["failed", "is_of_user"].map(|name| found.column(name)?.bool());
    let (failed, is_of_user, activity) = (failed?, is_of_user?, found.column("activity")?.str()?);
    let mut downloads = Vec::new();
    for row in 0..found.height() {
        let Some((from_us, to_us)) = from.get(row).zip(to.get(row)) else { continue };
        let has_failed = failed.get(row).unwrap_or(false);
        let activity = activity.get(row).filter(|activity| !activity.is_empty());
        let user = is_of_user.get(row).filter(|is_given| *is_given).map(|_| "one user");
        let filter = activity.or(user).map(str::to_owned);
        let recorded = [first.get(row), last.get(row)];
        downloads.extend(recorded.into_iter().flatten().map(|recorded_us| Download {
            from_us,
            to_us,
            recorded_us,
            has_failed,
            filter: filter.clone(),
        }));
    }
    Ok(downloads)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(month: &str, period_us: Option<(i64, i64)>) -> DataFile {
        let path = "x.parquet".into();
        DataFile { path, size_bytes: 0, events: 0, month: month.to_owned(), period_us }
    }

    #[test]
    fn only_files_that_cannot_contain_events_of_the_period_are_skipped() {
        let known = file("2026-03", Some((1_000_000, 2_000_000)));
        assert!(overlaps(&known, Some(1_500_000), Some(1_600_000)));
        assert!(overlaps(&known, Some(2_000_500), None), "statistics are in whole milliseconds");
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
    fn empty_snapshot_has_every_column() {
        let snapshot = Snapshot::default();
        let mut events = EventTable::new(&snapshot).all_events().unwrap();
        let schema = events.collect_schema().unwrap();
        assert_eq!(schema.len(), schema::columns().len() + 3);
        assert!(!schema.contains("month"));
        let table = EventTable::new(&snapshot);
        assert_eq!(event_time_range(&table, LogKind::PowerBi).unwrap(), None);
    }
}
