//! Counts the events of a period: filtered out, noise, services and people, and failed ones.

use std::sync::PoisonError;

use polars::prelude::*;

use crate::Result;

use crate::query::coded_counts;
use crate::query::definition::report::ReportDefinition;
use crate::query::engine::error::run_engine;
use crate::query::engine::scan;
use crate::query::guard::references::References;
use crate::query::session::{EventCounts, Session};
use crate::query::views::context::ViewContext;
use crate::query::views::{activities, actor_kinds, noise};

impl Session<'_> {
    /// Counts the events of the period in the log of a report, by reason of exclusion.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Query`] if a file cannot be read.
    pub fn event_counts(&self, report: &ReportDefinition) -> Result<EventCounts> {
        let mut cache = self.event_counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = cache.get(&report.log) {
            return Ok(*counts);
        }
        let context = ViewContext::new(self, report, None, References::default())?;
        let counts = run_engine("counts", || count_events(&context))?;
        cache.insert(report.log, counts);
        Ok(counts)
    }
}

fn count_events(context: &ViewContext<'_>) -> PolarsResult<EventCounts> {
    let session = context.session;
    let filter = session.filter_expr()?;
    if filter.is_none() && !context.table.has_columns() {
        let files = &session.snapshot().files;
        let (log, noise) = (context.log.workload_groups(), session.noise_filter());
        let counts = coded_counts::count_events(files, &session.period().spans_us(), log, noise);
        // The engine counts files of other programs, and says which file it cannot read.
        if let Ok(counts) = counts {
            return Ok(counts);
        }
    }
    let matching = filter.unwrap_or_else(|| lit(true));
    // Almost all events are in the log. A filter would make the engine read the other columns of
    // the files row by row.
    let all = context.table.events_in_period(session.period())?.select([
        scan::is_in_workload_groups(context.log.workload_groups()).alias("in_log"),
        matching.alias("matching"),
        noise::is_noise(session.noise_filter()).alias("noise"),
        activities::is_failed().alias("failed"),
        actor_kinds::is_service().alias("service"),
    ]);
    let matching = || col("in_log").and(col("matching"));
    let counted = || matching().and(col("noise").not());
    let sum = |flags: Expr, name: &str| flags.sum().cast(DataType::UInt64).alias(name);
    let counts = all.select([
        sum(col("in_log"), "events"),
        sum(col("in_log").and(col("matching").not()), "filtered"),
        sum(matching().and(col("noise")), "noise"),
        sum(counted().and(col("service")), "services"),
        sum(counted().and(col("service").not()), "people"),
        sum(counted().and(col("service")).and(col("failed")), "failed_services"),
        sum(counted().and(col("service").not()).and(col("failed")), "failed_people"),
    ]);
    let counts = scan::collect_streaming(counts)?;
    let count = |name: &str| PolarsResult::Ok(counts.column(name)?.u64()?.get(0).unwrap_or(0));
    let read = count("events")?;
    let events = all_events(context, read)?;
    Ok(EventCounts {
        events,
        // The table may have only those events that match the filters.
        filtered: count("filtered")? + events.saturating_sub(read),
        noise: count("noise")?,
        services: count("services")?,
        people: count("people")?,
        failed_services: count("failed_services")?,
        failed_people: count("failed_people")?,
    })
}

/// Returns the number of events in the period without filters; `read` is that of the table.
fn all_events(context: &ViewContext<'_>, read: u64) -> PolarsResult<u64> {
    let session = context.session;
    if !session.has_matching() {
        return Ok(read);
    }
    let spans = session.period().spans_us();
    session.facts().event_total(context.log, spans, || {
        let all = session.table().events_in_period(session.period())?;
        let all = all.filter(scan::is_in_workload_groups(context.log.workload_groups()));
        let count = scan::collect_streaming(all.select([len().cast(DataType::UInt64)]))?;
        let count = count.columns().first().map(|count| count.u64()).transpose()?;
        Ok(count.and_then(|count| count.get(0)).unwrap_or_default())
    })
}
