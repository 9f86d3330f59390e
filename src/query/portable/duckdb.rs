//! The SQL dialect of DuckDB.

use chrono::DateTime;
use polars::prelude::PolarsResult;
use sqlparser::ast::Statement;

use crate::query::portable::dialect::SqlDialect;

/// SQL dialect of DuckDB.
pub struct DuckDbDialect;

impl SqlDialect for DuckDbDialect {
    fn preamble(&self) -> &'static str {
        "-- The views of pbi-analyze over the files of its store, for DuckDB.\n\
         SET TimeZone = 'UTC';\n"
    }

    fn files_view(&self, view: &str, paths: &[String]) -> String {
        let paths: Vec<String> = paths.iter().map(|path| self.text_literal(path)).collect();
        let paths = paths.join(", ");
        format!(
            "CREATE OR REPLACE TEMP VIEW {view} AS\n\
             SELECT * FROM read_parquet([{paths}], union_by_name = true);\n"
        )
    }

    fn text_literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    fn type_name(&self, name: &str) -> String {
        name.to_uppercase()
    }

    fn instant_literal(&self, us: i64) -> String {
        let time = DateTime::from_timestamp_micros(us).map(|time| time.to_rfc3339());
        format!("TIMESTAMPTZ '{}'", time.unwrap_or_default())
    }

    fn local_time_literal(&self, us: i64) -> String {
        format!("make_timestamp({us})")
    }

    fn epoch_us(&self, instant: &str) -> String {
        format!("epoch_us({instant})")
    }

    fn to_local_time(&self, zone: &str, instant: &str) -> String {
        format!("timezone({}, {instant})", self.text_literal(zone))
    }

    fn epoch_day(&self, date: &str) -> String {
        format!("CAST(date_diff('day', DATE '1970-01-01', {date}) AS BIGINT)")
    }

    fn weekday(&self, time: &str) -> String {
        format!("CAST(isodow({time}) AS BIGINT)")
    }

    fn iso_week(&self, time: &str) -> String {
        format!("strftime({time}, '%G-W%V')")
    }

    fn month(&self, time: &str) -> String {
        format!("strftime({time}, '%Y-%m')")
    }

    fn matches_regex(&self, text: &str, pattern: &str) -> String {
        format!("regexp_full_match({text}, {})", self.text_literal(pattern))
    }

    fn explode(&self, list: &str) -> String {
        format!("unnest({list})")
    }

    fn only_item(&self, list: &str) -> String {
        format!("(CASE WHEN len({list}) = 1 THEN {list}[1] END)")
    }

    fn render_statement(&self, statement: &Statement) -> PolarsResult<String> {
        Ok(statement.to_string())
    }
}
