//! What engines say in different words.
//!
//! Owns: the list of these words, and nothing that all engines say alike. Must not know which view
//! a word is for.

use polars::prelude::PolarsResult;
use sqlparser::ast::Statement;

/// An engine that can read the store's files itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlEngine {
    /// DuckDB.
    DuckDb,
    /// Spark, from 3.5 on.
    Spark,
}

impl SqlEngine {
    /// Its words.
    pub(super) fn dialect(self) -> &'static dyn SqlDialect {
        match self {
            SqlEngine::DuckDb => &crate::query::portable::duckdb::DuckDbDialect,
            SqlEngine::Spark => &crate::query::portable::spark::SparkDialect,
        }
    }
}

/// The words of one engine. Every method gives SQL; what is handed in is SQL too, unless it is a
/// text, a path, a zone or a number.
pub trait SqlDialect {
    /// What comes before the views: a remark, and settings without which they mean something else.
    fn preamble(&self) -> &'static str;

    /// A view over the events of these files; a column that a file lacks is null.
    fn files_view(&self, view: &str, paths: &[String]) -> String;

    /// A text as a literal.
    fn text_literal(&self, text: &str) -> String;

    /// A type, from its name in the description of the views.
    fn type_name(&self, name: &str) -> String;

    /// An instant as a literal, from its microseconds since 1970 (UTC).
    fn instant_literal(&self, us: i64) -> String;

    /// A time on a clock as a literal, from its microseconds since 1970 on the same clock.
    fn local_time_literal(&self, us: i64) -> String;

    /// The microseconds since 1970 of an instant.
    fn epoch_us(&self, instant: &str) -> String;

    /// What the clocks of a zone show at an instant.
    fn to_local_time(&self, zone: &str, instant: &str) -> String;

    /// The days from 1970-01-01 to a date.
    fn epoch_day(&self, date: &str) -> String;

    /// The day of the week of a time on a clock, 1 Monday to 7 Sunday.
    fn weekday(&self, time: &str) -> String;

    /// Its ISO week, `2026-W13`.
    fn iso_week(&self, time: &str) -> String;

    /// Its month, `2026-03`.
    fn month(&self, time: &str) -> String;

    /// Whether a regular expression fits the whole of a text.
    fn matches_regex(&self, text: &str, pattern: &str) -> String;

    /// A row for each item of a list, and none of a list that is null or empty.
    fn explode(&self, list: &str) -> String;

    /// The statement of a report, which is written in what all engines have, more or less.
    fn render_statement(&self, statement: &Statement) -> PolarsResult<String>;
}
