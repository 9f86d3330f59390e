//! Defines the input of all renderers: the rows, their chart and their context.

use std::str::FromStr;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

use crate::grid::{Chart, Grid};
use crate::{Error, Result};

/// A day with a meaning, drawn in charts over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The local day.
    pub day: NaiveDate,
    /// The event of the day, for example a training. Never empty.
    pub label: String,
}

impl FromStr for Mark {
    type Err = Error;

    /// Parses `2026-03-10:Training`. Without a label, the day is the label.
    fn from_str(text: &str) -> Result<Mark> {
        let (day, label) = text.split_once(':').unwrap_or((text, ""));
        let (day, label) = (day.trim(), label.trim());
        let date = day.parse().map_err(|_| {
            Error::Usage(format!(
                "{text:?} does not start with a day; write the day and a label, for example \
                 2026-03-10:Training"
            ))
        })?;
        Ok(Mark { day: date, label: if label.is_empty() { day } else { label }.to_owned() })
    }
}

/// The context of a result: its report, its period, and the coverage of the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportContext {
    /// The report's name.
    pub report: String,
    /// The report's title.
    pub title: String,
    /// The first local day, if known.
    pub since: Option<NaiveDate>,
    /// The last local day, if known.
    pub until: Option<NaiveDate>,
    /// The days of the period, counted by status.
    pub coverage: CoverageCounts,
    /// Events of the period that the rows do not count.
    pub excluded: ExcludedEvents,
    /// Sums of columns over all rows, if the report has columns whose sum has a meaning.
    pub totals: Option<Totals>,
    /// Days to mark in charts over time.
    pub marks: Vec<Mark>,
}

/// Sums of columns over all rows of a result, also over rows that a table leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The number of rows.
    pub rows: usize,
    /// The name and the sum of each column. A column without any value has no sum.
    pub sums: Vec<(String, i64)>,
}

/// Numbers of local days by status. `days` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CoverageCounts {
    /// All days.
    pub days: u64,
    /// Complete days, as far as the store shows.
    pub complete: u64,
    /// Partial days.
    pub partial: u64,
    /// Days without any event.
    pub missing: u64,
    /// Days whose source is damaged, truncated or ends at a row limit.
    pub truncated: u64,
}

/// Numbers of events that a report excludes, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExcludedEvents {
    /// Automated API calls.
    pub noise: u64,
    /// Other events of service principals and the system.
    pub services: u64,
    /// Events of people, if only services count.
    #[serde(skip_serializing_if = "is_zero")]
    pub people: u64,
    /// Events that failed, of the accounts that the report counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// Events that the filters do not match.
    #[serde(skip_serializing_if = "is_zero")]
    pub filtered: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One result to render.
#[derive(Debug, Clone, Copy)]
pub struct RenderInput<'a> {
    /// The rows.
    pub grid: &'a Grid,
    /// The chart of a text table.
    pub chart: Option<&'a Chart>,
    /// The context of the rows; a plain list has none.
    pub context: Option<&'a ReportContext>,
    /// Sentences for people, for example why there are no rows.
    pub remarks: &'a [String],
    /// The zone in which instants are shown.
    pub time_zone: Tz,
    /// The width of a line, in terminal columns.
    pub width: usize,
}

/// A table of an output with several tables.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTable {
    /// The name of its member in JSON, and of its sheet in a workbook.
    pub name: String,
    /// The title for people.
    pub title: String,
    /// The rows.
    pub grid: Grid,
    /// The chart of a text table.
    pub chart: Option<Chart>,
    /// Sentences on this table.
    pub remarks: Vec<String>,
}

/// Several tables with one context.
#[derive(Debug, Clone, Copy)]
pub struct TablesInput<'a> {
    /// The tables, in their order.
    pub tables: &'a [NamedTable],
    /// The context of all tables. Its title is that of the output.
    pub context: &'a ReportContext,
    /// Sentences on the whole output.
    pub remarks: &'a [String],
    /// The zone in which instants are shown.
    pub time_zone: Tz,
    /// The width of a line, in terminal columns.
    pub width: usize,
}

impl TablesInput<'_> {
    /// Returns one table as an input of its own, without context.
    pub fn table<'t>(&self, table: &'t NamedTable) -> RenderInput<'t> {
        RenderInput {
            grid: &table.grid,
            chart: table.chart.as_ref(),
            context: None,
            remarks: &table.remarks,
            time_zone: self.time_zone,
            width: self.width,
        }
    }
}

/// A format that turns a result into bytes.
pub trait Renderer {
    /// Renders a result.
    ///
    /// # Errors
    ///
    /// Those of [`crate::render::render`].
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_days_with_a_label() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 10).unwrap();
        for (text, label) in [
            ("2026-03-10:Training", "Training"),
            (" 2026-03-10 : Teams: rollout ", "Teams: rollout"),
            ("2026-03-10", "2026-03-10"),
            ("2026-03-10:", "2026-03-10"),
        ] {
            assert_eq!(text.parse::<Mark>().unwrap(), Mark { day, label: label.to_owned() });
        }
        for text in ["Training:2026-03-10", "10.3.2026:Training", "2026-02-30:x", ""] {
            let error = text.parse::<Mark>().unwrap_err().to_string();
            assert!(error.contains("for example 2026-03-10:Training"), "{error}");
        }
    }
}
