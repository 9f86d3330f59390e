//! The SQL expressions that engines write differently.

use polars::prelude::PolarsResult;
use sqlparser::ast::Statement;

/// SQL dialect of one engine. Every method returns SQL. Arguments are SQL too, except texts, paths,
/// time zones, patterns and numbers.
pub trait SqlDialect {
    /// Returns the start of the script: a comment, and the settings that the views need.
    fn preamble(&self) -> &'static str;

    /// Returns a view over the events of the files; a column that a file lacks is null.
    fn files_view(&self, view: &str, paths: &[String]) -> String;

    /// Returns a text as a literal.
    fn text_literal(&self, text: &str) -> String;

    /// Returns a type by its name in `columns.tsv`.
    fn type_name(&self, name: &str) -> String;

    /// Returns an instant as a literal, from its microseconds since 1970 (UTC).
    fn instant_literal(&self, us: i64) -> String;

    /// Returns a local time as a literal, from its microseconds since 1970 on the same clock.
    fn local_time_literal(&self, us: i64) -> String;

    /// Returns the microseconds since 1970 of an instant.
    fn epoch_us(&self, instant: &str) -> String;

    /// Returns the local time of an instant in a time zone.
    fn to_local_time(&self, zone: &str, instant: &str) -> String;

    /// Returns the days from 1970-01-01 to a date.
    fn epoch_day(&self, date: &str) -> String;

    /// Returns the day of the week of a local time, from 1 (Monday) to 7 (Sunday).
    fn weekday(&self, time: &str) -> String;

    /// Returns the ISO week of a local time, for example `2026-W13`.
    fn iso_week(&self, time: &str) -> String;

    /// Returns the month of a local time, for example `2026-03`.
    fn month(&self, time: &str) -> String;

    /// Returns the test that a regular expression matches the whole text.
    fn matches_regex(&self, text: &str, pattern: &str) -> String;

    /// Returns the items of a list as rows; no row for a list that is null or empty.
    fn explode(&self, list: &str) -> String;

    /// Returns the item of a list that has one item, else null.
    fn only_item(&self, list: &str) -> String;

    /// Returns the statement of a report in this dialect.
    fn render_statement(&self, statement: &Statement) -> PolarsResult<String>;
}
